/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The update step by step: look at what the server offers, refuse what is not wanted, write while events tell of it,
 * switch. New firmware confirms itself after a look at its own state; what does not get there is rolled back.
 */
#include <stdio.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_check.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/task.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"

#ifdef CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK
#include "esp_efuse.h"
#endif

#define UPDATE_OVER BIT0

static const char *TAG = "advanced";
static EventGroupHandle_t state;

extern const uint8_t server_cert_pem_start[] asm("_binary_ca_cert_pem_start");

static void on_update_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    switch (id) {
    case ESP_HTTPS_OTA_START:
        ESP_LOGI(TAG, "event: started");
        break;
    case ESP_HTTPS_OTA_CONNECTED:
        ESP_LOGI(TAG, "event: connected");
        break;
    case ESP_HTTPS_OTA_VERIFY_CHIP_ID:
        ESP_LOGI(TAG, "event: chip id %d", *(esp_chip_id_t *)data);
        break;
    case ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION:
        ESP_LOGI(TAG, "event: boot partition of subtype %d", *(esp_partition_subtype_t *)data);
        break;
    case ESP_HTTPS_OTA_FINISH:
        ESP_LOGI(TAG, "event: finished");
        break;
    case ESP_HTTPS_OTA_ABORT:
        ESP_LOGI(TAG, "event: aborted");
        break;
    default:
        break;
    }
}

/* ---- what is kept of an update that was cut off ---- */

#ifdef CONFIG_EXAMPLE_ENABLE_OTA_RESUMPTION
static void keep_progress(uint32_t written)
{
    nvs_handle_t nvs;
    if (nvs_open("update", NVS_READWRITE, &nvs) != ESP_OK)
        return;
    if (nvs_set_u32(nvs, "written", written) == ESP_OK)
        nvs_commit(nvs);
    nvs_close(nvs);
}

static uint32_t load_progress(void)
{
    nvs_handle_t nvs;
    uint32_t written = 0;
    if (nvs_open("update", NVS_READONLY, &nvs) != ESP_OK)
        return 0;
    if (nvs_get_u32(nvs, "written", &written) != ESP_OK)
        written = 0;
    nvs_close(nvs);
    return written;
}
#else
static void keep_progress(uint32_t written)
{
    (void)written;
}
#endif

/* ---- is it wanted? ---- */

static esp_err_t judge(const esp_app_desc_t *offered)
{
    const esp_app_desc_t *running = esp_app_get_description();
    esp_app_desc_t failed;
    ESP_LOGI(TAG, "version %.32s runs, %.32s is offered", running->version, offered->version);
#ifndef CONFIG_EXAMPLE_SKIP_VERSION_CHECK
    ESP_RETURN_ON_FALSE(strncmp(offered->version, running->version, sizeof running->version) != 0,
                        ESP_ERR_INVALID_VERSION, TAG, "the same version: nothing to do");
#endif
    const esp_partition_t *invalid = esp_ota_get_last_invalid_partition();
    if (invalid && esp_ota_get_partition_description(invalid, &failed) == ESP_OK)
        ESP_RETURN_ON_FALSE(strncmp(offered->version, failed.version, sizeof failed.version) != 0,
                            ESP_ERR_INVALID_VERSION, TAG, "version %s has failed before", failed.version);
#ifdef CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK
    ESP_RETURN_ON_FALSE(offered->secure_version >= esp_efuse_read_secure_version(), ESP_ERR_INVALID_VERSION, TAG,
                        "its secure version is below that of the eFuses");
#endif
    return ESP_OK;
}

/* ---- the update ---- */

#ifdef CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL_FROM_STDIN
static const char *ask_url(void)
{
    static char url[256];
    printf("Firmware URL: \n");
    if (fgets(url, sizeof url, stdin) == NULL)
        return "";
    url[strcspn(url, "\r\n")] = '\0';
    return url;
}
#else
static const char *ask_url(void)
{
    return CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL;
}
#endif

static esp_err_t set_headers(esp_http_client_handle_t client)
{
    return esp_http_client_set_header(client, "X-Version", esp_app_get_description()->version);
}

static esp_err_t update(void)
{
    esp_err_t err;
    esp_err_t ret = ESP_OK;
    esp_app_desc_t offered;
    esp_https_ota_handle_t ota = NULL;
    esp_http_client_config_t http = {
        .url = ask_url(),
        .cert_pem = (const char *)server_cert_pem_start,
        .timeout_ms = CONFIG_EXAMPLE_OTA_RECV_TIMEOUT,
        .keep_alive_enable = true,
        .buffer_size = 4096,
    };
    esp_https_ota_config_t config = {
        .http_config = &http,
        .http_client_init_cb = set_headers,
#ifdef CONFIG_EXAMPLE_ENABLE_OTA_RESUMPTION
        .ota_resumption = true,
        .ota_image_bytes_written = load_progress(),
#endif
    };
    ESP_RETURN_ON_ERROR(esp_https_ota_begin(&config, &ota), TAG, "the update cannot begin");
    ESP_GOTO_ON_ERROR(esp_https_ota_get_img_desc(ota, &offered), abort, TAG, "no description");
    ESP_GOTO_ON_ERROR(judge(&offered), abort, TAG, "refused");
    while ((err = esp_https_ota_perform(ota)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
        keep_progress((uint32_t)esp_https_ota_get_image_len_read(ota));
    ESP_GOTO_ON_ERROR(err, abort, TAG, "writing has failed");
    ESP_GOTO_ON_FALSE(esp_https_ota_is_complete_data_received(ota), ESP_FAIL, abort, TAG, "the image is not complete");
    ESP_LOGI(TAG, "%d bytes", esp_https_ota_get_image_len_read(ota));
    keep_progress(0);
    return esp_https_ota_finish(ota);
abort:
    esp_https_ota_abort(ota);
    return ret;
}

static void update_task(void *arg)
{
    (void)arg;
    esp_err_t err = update();
    if (err == ESP_OK) {
        ESP_LOGI(TAG, "updated, restarting");
        vTaskDelay(pdMS_TO_TICKS(50));
        esp_restart();
    }
    ESP_LOGI(TAG, "no update: %s", esp_err_to_name(err));
    xEventGroupSetBits(state, UPDATE_OVER);
    vTaskDelete(NULL);
}

/* ---- start ---- */

static void confirm(void)
{
    esp_ota_img_states_t st;
    const esp_partition_t *running = esp_ota_get_running_partition();
    if (esp_ota_get_state_partition(running, &st) != ESP_OK || st != ESP_OTA_IMG_PENDING_VERIFY)
        return;
#ifdef CONFIG_EXAMPLE_CRASH_BEFORE_CONFIRM
    ESP_LOGE(TAG, "something is wrong with this version");
    abort();
#endif
    ESP_ERROR_CHECK(esp_ota_mark_app_valid_cancel_rollback());
    ESP_LOGI(TAG, "version %s confirmed in %s", esp_app_get_description()->version, running->label);
}

void app_main(void)
{
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    ESP_ERROR_CHECK(esp_event_handler_register(ESP_HTTPS_OTA_EVENT, ESP_EVENT_ANY_ID, on_update_event, NULL));
    ESP_LOGI(TAG, "version %s runs from %s", esp_app_get_description()->version,
             esp_ota_get_running_partition()->label);
    confirm();
    state = xEventGroupCreate();
    xTaskCreate(update_task, "update", 8192, NULL, 5, NULL);
    xEventGroupWaitBits(state, UPDATE_OVER, pdFALSE, pdTRUE, portMAX_DELAY);
    ESP_LOGI(TAG, "idle");
}
