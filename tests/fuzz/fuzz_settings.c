/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a board: any bytes are taken or refused with a reason; what is taken prints to text that reads the same. */
#include <stdlib.h>
#include <string.h>

#include "updraft/lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[UD_LAB_WHY] = "";
    struct ud_lab_settings s, again;
    if (ud_lab_settings_parse((const char *)data, size, "b.flash.json", &s, why, sizeof why) != ESP_OK) {
        if (strncmp(why, "b.flash.json: ", 14) != 0)
            abort();
        return 0;
    }
    char *text = ud_lab_settings_print(&s);
    if (!text)
        return 0;
    if (ud_lab_settings_parse(text, strlen(text), "b.flash.json", &again, why, sizeof why) != ESP_OK)
        abort();
    char *text_again = ud_lab_settings_print(&again);
    if (text_again && strcmp(text, text_again) != 0)
        abort();
    free(text_again);
    free(text);
    return 0;
}
