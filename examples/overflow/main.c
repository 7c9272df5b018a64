/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware with a defect: writes one byte past a block of its heap. Under AddressSanitizer the board stops with the
 * report (exit code 4) instead of booting again, so that no rollback hides it.
 */
#include "example_identity.h"

#include <stdlib.h>

static const char *TAG = "overflow";

void app_main(void)
{
    example_print_identity(TAG);
    volatile size_t size = 16;
    volatile char *block = malloc(size);
    if (block == NULL)
        return;
    ESP_LOGI(TAG, "writing past the end of a block of the heap");
    block[size] = 1;
    free((void *)block);
    ESP_LOGI(TAG, "nobody noticed");
}
