/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware of the tests that goes to sleep without anything that could wake it. */
#include "esp_sleep.h"

void app_main(void)
{
    esp_deep_sleep_start();
}
