/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of the tests: reads what the factory has stored, counts its starts, keeps a journal and restarts. After
 * the third start that has counted to its end it rests.
 */
#include "esp_log.h"
#include "esp_system.h"
#include "nvs_flash.h"

#include <inttypes.h>
#include <string.h>

static const char *TAG = "keeps";

static void show_factory(void)
{
    nvs_handle_t h;
    char serial[32] = "none";
    uint8_t calibration[400];
    size_t serial_len = sizeof serial, calibration_len = sizeof calibration;
    uint8_t mode = 0;
    if (nvs_open("factory", NVS_READONLY, &h) != ESP_OK) {
        ESP_LOGI(TAG, "nothing from the factory");
        return;
    }
    ESP_ERROR_CHECK(nvs_get_str(h, "serial", serial, &serial_len));
    ESP_ERROR_CHECK(nvs_get_blob(h, "calibration", calibration, &calibration_len));
    ESP_ERROR_CHECK(nvs_get_u8(h, "mode", &mode));
    unsigned sum = 0;
    for (size_t i = 0; i < calibration_len; i++)
        sum += calibration[i];
    ESP_LOGI(TAG, "serial %s, %u bytes of calibration, sum %u, mode %u", serial, (unsigned)calibration_len, sum, mode);
    nvs_close(h);
}

static uint32_t keep(void)
{
    nvs_handle_t h;
    uint32_t starts = 0;
    char journal[100];
    uint8_t history[1000];
    ESP_ERROR_CHECK(nvs_open("app", NVS_READWRITE, &h));
    esp_err_t err = nvs_get_u32(h, "starts", &starts);
    if (err != ESP_ERR_NVS_NOT_FOUND)
        ESP_ERROR_CHECK(err);
    starts++;
    snprintf(journal, sizeof journal, "start %" PRIu32 " of this board, and all before it are remembered too", starts);
    memset(history, (int)starts, sizeof history);
    ESP_ERROR_CHECK(nvs_set_str(h, "journal", journal));
    ESP_ERROR_CHECK(nvs_set_blob(h, "history", history, sizeof history));
    ESP_ERROR_CHECK(nvs_set_u32(h, "starts", starts));
    ESP_ERROR_CHECK(nvs_commit(h));
    nvs_close(h);
    return starts;
}

void app_main(void)
{
    esp_err_t err = nvs_flash_init();
    if (err == ESP_ERR_NVS_NO_FREE_PAGES || err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_LOGW(TAG, "erasing: %s", esp_err_to_name(err));
        ESP_ERROR_CHECK(nvs_flash_erase());
        err = nvs_flash_init();
    }
    ESP_ERROR_CHECK(err);
    show_factory();
    uint32_t starts = keep();
    ESP_LOGI(TAG, "start %" PRIu32, starts);
    if (starts < 3)
        esp_restart();
    ESP_LOGI(TAG, "idle");
}
