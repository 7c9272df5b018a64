/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of the tests that is told what to do by typing, as many examples for hardware are:
 *
 *   update URL   esp_https_ota() from there, trusting the certificates in the partition "cfg"; restart if it succeeded
 *   crash        abort
 *   write TEXT   keep TEXT in the partition "nvs"
 *   read         tell it
 *   ...          anything else is told back
 */
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_ota_ops.h"
#include "example_config.h"
#include "example_identity.h"

#include <stdlib.h>
#include <string.h>

static const char *TAG = "console";

static void update(const char *url)
{
    struct example_config trust;
    ESP_ERROR_CHECK(example_config_load(&trust));
    esp_http_client_config_t http = { .url = url, .cert_pem = trust.ca_pem, .timeout_ms = 5000 };
    esp_https_ota_config_t ota = { .http_config = &http };
    esp_err_t err = esp_https_ota(&ota);
    example_config_free(&trust);
    if (err == ESP_OK)
        esp_restart();
    ESP_LOGE(TAG, "update failed: %s", esp_err_to_name(err));
}

static void keep(const char *text)
{
    const esp_partition_t *nvs = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "nvs");
    ESP_ERROR_CHECK(esp_partition_erase_range(nvs, 0, nvs->size));
    ESP_ERROR_CHECK(esp_partition_write(nvs, 0, text, strlen(text) + 1));
    ESP_LOGI(TAG, "kept");
}

static void tell(void)
{
    const esp_partition_t *nvs = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "nvs");
    char text[64];
    ESP_ERROR_CHECK(esp_partition_read(nvs, 0, text, sizeof text));
    text[sizeof text - 1] = '\0';
    ESP_LOGI(TAG, "nvs holds %s", text[0] == '\xff' ? "nothing" : text);
}

void app_main(void)
{
    char line[1024];
    example_print_identity(TAG);
    printf("command> ");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "update ", 7) == 0)
            update(line + 7);
        else if (strncmp(line, "write ", 6) == 0)
            keep(line + 6);
        else if (strcmp(line, "read") == 0)
            tell();
        else if (strcmp(line, "crash") == 0)
            abort();
        else
            ESP_LOGI(TAG, "typed: %s", line);
        printf("command> ");
        fflush(stdout);
    }
    ESP_LOGI(TAG, "nobody types any more");
}
