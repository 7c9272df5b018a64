/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware of the tests: restarts once after power-on; built as "leaks" it loses memory before that. */
#include "esp_log.h"
#include "esp_system.h"

#include <stdlib.h>

static const char *TAG = "restarts";

#ifdef CONFIG_TEST_LEAK
static __attribute__((noinline)) void lose_memory(int depth)
{
    volatile char *block = malloc(100);
    if (block != NULL)
        block[0] = (char)depth;
    if (depth > 0)
        lose_memory(depth - 1);
}
#endif

static void on_shutdown(void)
{
    ESP_LOGI(TAG, "shutting down");
}

void app_main(void)
{
    if (esp_reset_reason() == ESP_RST_SW) {
        ESP_LOGI(TAG, "back again");
        return;
    }
    ESP_ERROR_CHECK(esp_register_shutdown_handler(on_shutdown));
#ifdef CONFIG_TEST_LEAK
    lose_memory(20);
#endif
    printf("restarting"); /* without a newline: whoever restarts writes it out */
    esp_restart();
}
