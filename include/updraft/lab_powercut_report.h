/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lab_powercut_report: what the power-cut explorer found, as one HTML page that needs no network: timeline of
 * operations, flash map with wear, table of outcomes, each failing case with its replay command and its bytes.
 *
 *     esp_err_t err = ud_powercut_report_html(out, reports, count);
 */
#ifndef UPDRAFT_LAB_POWERCUT_REPORT_H
#define UPDRAFT_LAB_POWERCUT_REPORT_H

#include <stdio.h>

#include "updraft/lab_powercut.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Write the page for `count` reports, one a flow, to `out`. ESP_ERR_INVALID_ARG none, or NULL; ESP_FAIL when `out` does
 * not take it (errno says why). Nothing is closed.
 */
UD_MUST_USE esp_err_t ud_powercut_report_html(FILE *out, const struct ud_powercut_report *reports, size_t count);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_LAB_POWERCUT_REPORT_H */
