/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest firmware: says who it is, counts to three and lets its main task end. */
#include "example_identity.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static const char *TAG = "hello";

void app_main(void)
{
    example_print_identity(TAG);
    for (int i = 1; i <= 3; i++) {
        ESP_LOGI(TAG, "hello, %d", i);
        vTaskDelay(pdMS_TO_TICKS(100));
    }
    ESP_LOGI(TAG, "done");
}
