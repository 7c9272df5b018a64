/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the report of the power-cut explorer: text, pictures, style and script of one HTML page. */
#ifndef UPDRAFT_LAB_POWERCUT_REPORT_ROOM_H
#define UPDRAFT_LAB_POWERCUT_REPORT_ROOM_H

#include "updraft/lab_powercut_report.h"

/* Lines up to NULL (powercut_report_page.c). */
extern const char *const ud_powercut_page_style[];
extern const char *const ud_powercut_page_script[];

/* Text as text of HTML or in a quoted attribute: what has a meaning there is escaped, what is no character becomes
 * U+FFFD (powercut_report_text.c). */
void page_text(FILE *out, const char *text);
/* 1,234,567 */
void page_number(FILE *out, uint64_t n);
/* "64 KiB", "4 MiB", "300 bytes" */
void page_bytes(FILE *out, uint64_t n);
/* An argument of a shell, as text of HTML: in quotes where it has to be. */
void page_argument(FILE *out, const char *text);
/* "n thing" or "n things" */
void page_count(FILE *out, uint64_t n, const char *thing);

/* Operations of a step in a partition with equal outcomes, as one row of the table and the timeline's text. */
struct page_run {
    uint32_t first, last; /* from 1 */
    uint32_t erases, programs, burns;
    uint32_t low, high; /* addresses, high exclusive */
    uint64_t cases;
};
/* The run that begins at operation `first`. */
struct page_run page_run_at(const struct ud_powercut_report *r, uint32_t first);

/* The pictures (powercut_report_draw.c). `n`: which report of the page, for ids. */
void page_timeline(FILE *out, const struct ud_powercut_report *r, size_t n);
void page_flash_map(FILE *out, const struct ud_powercut_report *r);
/* Shares of cases as a bar of 100 columns. */
void page_shares(FILE *out, const struct ud_powercut_report *r);

/* Failing cases with their bytes (powercut_report_cases.c). `bytes_left`: how many more may show their bytes. */
void page_cases(FILE *out, const struct ud_powercut_report *r, size_t n, unsigned *bytes_left);

#endif
