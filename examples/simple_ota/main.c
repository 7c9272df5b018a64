/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shortest update: one call of esp_https_ota() downloads, writes, verifies and switches. It asks nothing about the
 * new image, so it updates after power-on only; a restart of its own making would otherwise fetch the image for ever.
 */
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_ota_ops.h"
#include "example_config.h"
#include "example_identity.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static const char *TAG = "simple_ota";

static void simple_ota_task(void *arg)
{
    (void)arg;
    struct example_config where;
    esp_err_t err = example_config_load(&where);
    if (err == ESP_OK) {
        esp_http_client_config_t http = {
            .url = where.url,
            .cert_pem = where.ca_pem,
            .timeout_ms = 5000,
            .keep_alive_enable = true,
        };
        esp_https_ota_config_t ota = {
            .http_config = &http,
        };
        ESP_LOGI(TAG, "updating from %s", where.url);
        err = esp_https_ota(&ota);
    }
    example_config_free(&where);
    if (err == ESP_OK) {
        ESP_LOGI(TAG, "updated, restarting");
        esp_restart();
    }
    ESP_LOGE(TAG, "no update: %s", esp_err_to_name(err));
    ESP_LOGI(TAG, "idle");
    vTaskDelete(NULL);
}

void app_main(void)
{
    example_print_identity(TAG);
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    if (esp_reset_reason() != ESP_RST_POWERON) {
        ESP_LOGI(TAG, "no update: this is not a power-on");
        ESP_LOGI(TAG, "idle");
        return;
    }
    if (xTaskCreate(simple_ota_task, "simple_ota", 8192, NULL, 5, NULL) != pdPASS)
        ESP_LOGE(TAG, "no memory for the update task");
}
