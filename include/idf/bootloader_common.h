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

/** Does the revision of the board's chip suit, whatever the chip of the header? A boot loader asks for no maximum. */
bool bootloader_common_check_chip_revision_validity(const esp_image_header_t *image_header, bool check_max_revision);
/** Chip and revision: ESP_OK or ESP_FAIL. */
esp_err_t bootloader_common_check_chip_validity(const esp_image_header_t *img_hdr, esp_image_type type);
/** ESP_OK: the eFuse block of a board has no revision. */
esp_err_t bootloader_common_check_efuse_blk_validity(uint32_t min_rev_full, uint32_t max_rev_full);
/** As esp_partition_get_sha256. */
esp_err_t bootloader_common_get_sha256_of_partition(uint32_t address, uint32_t size, int type, uint8_t *out_sha_256);
uint32_t bootloader_common_ota_select_crc(const esp_ota_select_entry_t *s);
bool bootloader_common_ota_select_valid(const esp_ota_select_entry_t *s);
bool bootloader_common_ota_select_invalid(const esp_ota_select_entry_t *s);
/** Index of the entry that counts, -1 if none does. */
int bootloader_common_get_active_otadata(esp_ota_select_entry_t *two_otadata);
/** Of those that are valid the one with the larger (`max`) or smaller seq, of equals 0; -1: none. */
int bootloader_common_select_otadata(const esp_ota_select_entry_t *two_otadata, bool *valid_two_otadata, bool max);

#ifdef __cplusplus
}
#endif
#endif /* BOOTLOADER_COMMON_H */
