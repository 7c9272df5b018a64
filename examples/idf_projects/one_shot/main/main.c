/* SPDX-License-Identifier: Apache-2.0 */
/* The whole update in one call: esp_https_ota() fetches, verifies and switches; the application restarts. */
#include <inttypes.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"

static const char *TAG = "one_shot";

extern const char server_cert_pem_start[] asm("_binary_ca_cert_pem_start");

static esp_err_t on_http(esp_http_client_event_t *event)
{
    if (event->event_id == HTTP_EVENT_ON_CONNECTED)
        ESP_LOGI(TAG, "connected");
    else if (event->event_id == HTTP_EVENT_ON_HEADER)
        ESP_LOGD(TAG, "header %s: %s", event->header_key, event->header_value);
    else if (event->event_id == HTTP_EVENT_ERROR)
        ESP_LOGW(TAG, "HTTP failed");
    return ESP_OK;
}

/* What a person compares with the build: the hash of the app that runs. */
static void print_running(void)
{
    uint8_t sha[32];
    const esp_partition_t *running = esp_ota_get_running_partition();
    ESP_ERROR_CHECK(esp_partition_get_sha256(running, sha));
    ESP_LOGI(TAG, "version %s runs from %s", esp_app_get_description()->version, running->label);
    ESP_LOG_BUFFER_HEX(TAG, sha, sizeof sha);
}

static void update_task(void *arg)
{
    (void)arg;
    esp_http_client_config_t http = {
        .url = CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL,
        .cert_pem = server_cert_pem_start,
        .event_handler = on_http,
        .keep_alive_enable = true,
    };
    esp_https_ota_config_t ota = { .http_config = &http };
    ESP_LOGI(TAG, "update from %s", http.url);
    esp_err_t err = esp_https_ota(&ota);
    if (err == ESP_OK) {
        ESP_LOGI(TAG, "update done, restarting");
        esp_restart();
    }
    ESP_LOGE(TAG, "no update: %s", esp_err_to_name(err));
    vTaskDelete(NULL);
}

void app_main(void)
{
    esp_err_t err = nvs_flash_init();
    if (err == ESP_ERR_NVS_NO_FREE_PAGES || err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_ERROR_CHECK(nvs_flash_erase());
        err = nvs_flash_init();
    }
    ESP_ERROR_CHECK(err);
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    print_running();
#ifdef CONFIG_EXAMPLE_STAY
    ESP_LOGI(TAG, "staying");
    return;
#endif
    xTaskCreate(update_task, "update", 8192, NULL, 5, NULL);
}
