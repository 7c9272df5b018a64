/* SPDX-License-Identifier: Apache-2.0 */
/* The description of a boot loader: ESP-IDF's esp_bootloader_desc.h. 80 bytes at offset 32 of its image. */
#ifndef ESP_BOOTLOADER_DESC_H
#define ESP_BOOTLOADER_DESC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ESP_BOOTLOADER_DESC_MAGIC_BYTE (80)

typedef struct {
    uint8_t magic_byte;
    uint8_t reserved[2];
    uint8_t secure_version;
    uint32_t version;
    char idf_ver[32];
    char date_time[24];
    uint8_t reserved2[16];
} esp_bootloader_desc_t;

#ifdef __cplusplus
static_assert(sizeof(esp_bootloader_desc_t) == 80, "as on flash");
#else
_Static_assert(sizeof(esp_bootloader_desc_t) == 80, "as on flash");
#endif

#ifdef __cplusplus
}
#endif
#endif /* ESP_BOOTLOADER_DESC_H */
