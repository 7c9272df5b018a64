/* SPDX-License-Identifier: Apache-2.0 */
/* What application and boot loader share: ESP-IDF's bootloader_common.h, the rules of otadata. */
#ifndef BOOTLOADER_COMMON_H
#define BOOTLOADER_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_flash_partitions.h"
#include "esp_image_format.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { ESP_IMAGE_BOOTLOADER, ESP_IMAGE_APPLICATION } esp_image_type;

uint32_t bootloader_common_ota_select_crc(const esp_ota_select_entry_t *s);
bool bootloader_common_ota_select_valid(const esp_ota_select_entry_t *s);
bool bootloader_common_ota_select_invalid(const esp_ota_select_entry_t *s);
/** Index of the entry that counts, -1 if none does. */
int bootloader_common_get_active_otadata(esp_ota_select_entry_t *two_otadata);

#ifdef __cplusplus
}
#endif
#endif /* BOOTLOADER_COMMON_H */
