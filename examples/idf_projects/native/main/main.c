/* SPDX-License-Identifier: Apache-2.0 */
/* The update by hand: esp_http_client reads, esp_ota_write writes, esp_ota_set_boot_partition switches. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_app_format.h"
#include "esp_event.h"
#include "esp_flash_partitions.h"
#include "esp_http_client.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"

#define CHUNK     1024
#define DESC_AT   (sizeof(esp_image_header_t) + sizeof(esp_image_segment_header_t))
#define FIRST_LEN (DESC_AT + sizeof(esp_app_desc_t))

static const char *TAG = "native";

extern const uint8_t server_cert_pem_start[] asm("_binary_ca_cert_pem_start");

static char chunk[CHUNK + 1];

/* As many bytes as asked for, less only at the end. */
static int read_some(esp_http_client_handle_t client, size_t want)
{
    size_t have = 0;
    while (have < want) {
        int n = esp_http_client_read(client, chunk + have, (int)(want - have));
        if (n < 0)
            return n;
        if (n == 0) {
            if (errno == ECONNRESET || errno == ENOTCONN || esp_http_client_is_complete_data_received(client))
                break;
            continue;
        }
        have += (size_t)n;
    }
    return (int)have;
}

/* The description lies in the first bytes. */
static bool is_wanted(int len)
{
    esp_app_desc_t offered, failed;
    const esp_app_desc_t *running = esp_app_get_description();
    if ((size_t)len < FIRST_LEN) {
        ESP_LOGE(TAG, "%d bytes are no image", len);
        return false;
    }
    memcpy(&offered, chunk + DESC_AT, sizeof offered);
    ESP_LOGI(TAG, "version %.32s is offered, %.32s runs", offered.version, running->version);
    const esp_partition_t *invalid = esp_ota_get_last_invalid_partition();
    if (invalid && esp_ota_get_partition_description(invalid, &failed) == ESP_OK &&
        memcmp(failed.version, offered.version, sizeof failed.version) == 0) {
        ESP_LOGW(TAG, "it was tried before and marked invalid");
        return false;
    }
    if (memcmp(running->version, offered.version, sizeof running->version) == 0) {
        ESP_LOGI(TAG, "the same version: nothing to do");
        return false;
    }
    return true;
}

static esp_err_t write_all(esp_http_client_handle_t client, esp_ota_handle_t ota, int len)
{
    int total = 0;
    while (len > 0) {
        esp_err_t err = esp_ota_write(ota, chunk, (size_t)len);
        if (err != ESP_OK)
            return err;
        total += len;
        len = read_some(client, CHUNK);
    }
    ESP_LOGI(TAG, "%d bytes", total);
    return len < 0 || !esp_http_client_is_complete_data_received(client) ? ESP_FAIL : ESP_OK;
}

static esp_err_t update(esp_http_client_handle_t client)
{
    esp_ota_handle_t ota;
    const esp_partition_t *slot = esp_ota_get_next_update_partition(NULL);
    esp_err_t err = esp_http_client_open(client, 0);
    if (err != ESP_OK)
        return err;
    esp_http_client_fetch_headers(client);
    if (esp_http_client_get_status_code(client) != HttpStatus_Ok) {
        ESP_LOGW(TAG, "the server answers %d", esp_http_client_get_status_code(client));
        return ESP_FAIL;
    }
    int len = read_some(client, CHUNK);
    if (!is_wanted(len))
        return ESP_ERR_INVALID_VERSION;
    err = esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &ota);
    if (err != ESP_OK)
        return err;
    ESP_LOGI(TAG, "writing to %s at 0x%" PRIx32, slot->label, slot->address);
    err = write_all(client, ota, len);
    if (err != ESP_OK) {
        esp_ota_abort(ota);
        return err;
    }
    err = esp_ota_end(ota);
    if (err == ESP_ERR_OTA_VALIDATE_FAILED)
        ESP_LOGE(TAG, "the image is damaged");
    return err == ESP_OK ? esp_ota_set_boot_partition(slot) : err;
}

static void update_task(void *arg)
{
    (void)arg;
    esp_http_client_config_t config = {
        .url = CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL,
        .cert_pem = (const char *)server_cert_pem_start,
        .timeout_ms = 5000,
        .keep_alive_enable = true,
    };
    esp_http_client_handle_t client = esp_http_client_init(&config);
    esp_err_t err = client ? update(client) : ESP_FAIL;
    if (client) {
        esp_http_client_close(client);
        esp_http_client_cleanup(client);
    }
    if (err == ESP_OK) {
        ESP_LOGI(TAG, "restarting");
        esp_restart();
    }
    ESP_LOGI(TAG, "no update: %s", esp_err_to_name(err));
    vTaskDelete(NULL);
}

static void print_hash(const char *what, const esp_partition_t *p)
{
    uint8_t sha[32];
    if (esp_partition_get_sha256(p, sha) == ESP_OK)
        ESP_LOGI(TAG, "%s: %02x%02x%02x%02x...", what, sha[0], sha[1], sha[2], sha[3]);
}

void app_main(void)
{
    esp_partition_t table = { .type = ESP_PARTITION_TYPE_DATA,
                              .address = ESP_PARTITION_TABLE_OFFSET,
                              .size = ESP_PARTITION_TABLE_MAX_LEN };
    const esp_partition_t *running = esp_ota_get_running_partition();
    esp_ota_img_states_t state;
    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    ESP_LOGI(TAG, "version %s runs from %s, %s boots", esp_app_get_description()->version, running->label,
             esp_ota_get_boot_partition()->label);
    print_hash("partition table", &table);
    print_hash("running app", running);
    if (esp_ota_get_state_partition(running, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY) {
        ESP_ERROR_CHECK(esp_ota_mark_app_valid_cancel_rollback());
        ESP_LOGI(TAG, "version %s confirmed", esp_app_get_description()->version);
    }
    xTaskCreate(update_task, "update", 8192, NULL, 5, NULL);
}
