/* SPDX-License-Identifier: Apache-2.0 */
/* How a core speaks: it fills in a note and hands it to whoever listens. */
#include "updraft/base.h"

esp_err_t ud_note(const struct ud_observer *obs, uint16_t id, esp_err_t err, uint64_t a, uint64_t b, const char *text)
{
    if (obs && obs->note) {
        struct ud_note note = { .id = id, .err = err, .a = a, .b = b, .text = text };
        obs->note(obs->ctx, &note);
    }
    return err;
}
