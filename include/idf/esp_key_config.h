/* SPDX-License-Identifier: Apache-2.0 */
/* Where a private key is: ESP-IDF's esp_key_config.h. */
#ifndef ESP_KEY_CONFIG_H
#define ESP_KEY_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_KEY_FORMAT_AUTO = 0,
    ESP_KEY_FORMAT_PEM = 1,
    ESP_KEY_FORMAT_DER = 2,
    ESP_KEY_FORMAT_RAW = 3,
} esp_key_format_t;

typedef enum {
    ESP_KEY_SOURCE_NONE = 0,
    ESP_KEY_SOURCE_BUFFER = 1,
    ESP_KEY_SOURCE_PSA = 2, /* there is no key store here: refused */
} esp_key_source_t;

typedef struct {
    esp_key_source_t source;
    union {
        struct {
            const void *data;
            size_t len;
            const char *password;
            size_t password_len;
            esp_key_format_t format;
        } buffer;
        struct {
            uint32_t key_id;
        } psa;
    };
} esp_key_config_t;

#ifdef __cplusplus
}
#endif
#endif /* ESP_KEY_CONFIG_H */
