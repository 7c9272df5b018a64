/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of data through a staging partition: esp_https_ota writes the passive OTA slot, and copies what is complete
 * to the partition that it is for. What is cut off before leaves that partition as it was.
 */
#include <string.h>

#include "esp_check.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"

static const char *TAG = "staging";

extern const char server_cert_pem_start[] asm("_binary_ca_cert_pem_start");

static void print_storage(const char *when, const esp_partition_t *storage)
{
    char text[32] = "";
    ESP_ERROR_CHECK(esp_partition_read(storage, 0, text, sizeof text - 1));
    text[strcspn(text, "\xff\n")] = '\0';
    ESP_LOGI(TAG, "%s: %s", when, text);
}

static esp_err_t update(const esp_partition_t *storage)
{
    esp_err_t ret = ESP_OK;
    esp_https_ota_handle_t ota = NULL;
    esp_http_client_config_t http = {
        .url = CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL,
        .cert_pem = server_cert_pem_start,
    };
    esp_https_ota_config_t config = {
        .http_config = &http,
        .partition = { .staging = NULL, .final = storage, .finalize_with_copy = true },
    };
    ESP_RETURN_ON_ERROR(esp_https_ota_begin(&config, &ota), TAG, "the update cannot begin");
    while ((ret = esp_https_ota_perform(ota)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
        ;
    ESP_GOTO_ON_ERROR(ret, abort, TAG, "writing has failed");
    ESP_GOTO_ON_FALSE(esp_https_ota_is_complete_data_received(ota), ESP_FAIL, abort, TAG, "not complete");
    return esp_https_ota_finish(ota);
abort:
    esp_https_ota_abort(ota);
    return ret;
}

void app_main(void)
{
    const esp_partition_t *storage =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "storage");
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    if (storage == NULL) {
        ESP_LOGE(TAG, "the table has no partition 'storage'");
        return;
    }
    print_storage("before", storage);
    esp_err_t err = update(storage);
    ESP_LOGI(TAG, "update: %s", esp_err_to_name(err));
    print_storage("after", storage);
    ESP_LOGI(TAG, "%s boots next", esp_ota_get_boot_partition()->label);
}
