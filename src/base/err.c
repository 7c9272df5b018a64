/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the error codes: one row for each line of UD_ERR_LIST. */
#include "updraft/base.h"

static const struct err_name {
    esp_err_t code;
    const char *name;
} names[] = {
#define ROW(name, value) { name, #name },
    UD_ERR_LIST(ROW)
#undef ROW
};

const char *ud_err_name(esp_err_t code)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(names); i++)
        if (names[i].code == code)
            return names[i].name;
    return "ERROR";
}
