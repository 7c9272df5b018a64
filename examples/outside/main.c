/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A firmware as it would be for a chip: says who it is, confirms itself after an update, blinks, and updates itself from
 * the address that the partition `cfg` holds (the first line; the certificate to trust follows). The tests beside it
 * decide what is there.
 */
#include <stdlib.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

static const char *TAG = "blink";

static void confirm_if_new(void)
{
    esp_ota_img_states_t state;
    if (esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) != ESP_OK ||
        state != ESP_OTA_IMG_PENDING_VERIFY)
        return;
#ifdef CONFIG_BLINK_CRASH
    ESP_LOGE(TAG, "the light does not come on");
    abort();
#endif
    ESP_ERROR_CHECK(esp_ota_mark_app_valid_cancel_rollback());
    ESP_LOGI(TAG, "confirmed");
}

/* The text of the partition `cfg`, NULL if it holds none; the caller frees it. */
static char *read_config(void)
{
    const esp_partition_t *cfg = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "cfg");
    char *text = cfg ? malloc(cfg->size + 1) : NULL;
    if (!text)
        return NULL;
    if (esp_partition_read(cfg, 0, text, cfg->size) != ESP_OK || strncmp(text, "https://", 8) != 0) {
        free(text);
        return NULL;
    }
    text[cfg->size] = '\0';
    text[strcspn(text, "\xff")] = '\0'; /* where erased flash begins */
    return text;
}

static void update(char *config)
{
    char *ca = strchr(config, '\n');
    if (ca)
        *ca++ = '\0';
    esp_http_client_config_t http = { .url = config, .cert_pem = ca, .timeout_ms = 5000 };
    esp_https_ota_config_t ota = { .http_config = &http };
    ESP_LOGI(TAG, "updating from %s", config);
    esp_err_t err = esp_https_ota(&ota);
    if (err == ESP_OK)
        esp_restart();
    ESP_LOGE(TAG, "no update: %s", esp_err_to_name(err));
}

void app_main(void)
{
    const esp_app_desc_t *app = esp_app_get_description();
    ESP_LOGI(TAG, "version %s in %s", app->version, esp_ota_get_running_partition()->label);
    confirm_if_new();
    char *config = read_config();
    if (config && strcmp(app->version, "1.0.0") == 0)
        update(config);
    free(config);
    for (int i = 1; i <= 3; i++) {
        ESP_LOGI(TAG, "blink %d", i);
        vTaskDelay(pdMS_TO_TICKS(50));
    }
    ESP_LOGI(TAG, "idle");
}
