/* SPDX-License-Identifier: Apache-2.0 */
/* Verified images: ESP-IDF's esp_image_format.h, as far as an application asks. */
#ifndef ESP_IMAGE_FORMAT_H
#define ESP_IMAGE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_app_format.h"
#include "esp_err.h"
#include "esp_flash_partitions.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESP_IMAGE_HASH_LEN 32

typedef struct {
    uint32_t start_addr; /* of the image in flash */
    esp_image_header_t image;
    esp_image_segment_header_t segments[ESP_IMAGE_MAX_SEGMENTS];
    uint32_t segment_data[ESP_IMAGE_MAX_SEGMENTS]; /* flash addresses */
    uint32_t image_len;
    uint8_t image_digest[ESP_IMAGE_HASH_LEN];
    uint32_t secure_version;
    uint32_t mmu_page_size;
} esp_image_metadata_t;

typedef enum {
    ESP_IMAGE_VERIFY = 0,
    ESP_IMAGE_VERIFY_SILENT = 1,
} esp_image_load_mode_t;

/** Where the mapped segments of an image lie. */
typedef struct {
    uint32_t drom_addr;
    uint32_t drom_load_addr;
    uint32_t drom_size;
    uint32_t irom_addr;
    uint32_t irom_load_addr;
    uint32_t irom_size;
} esp_image_flash_mapping_t;

/** What a boot loader keeps over deep sleep. */
typedef struct {
    esp_partition_pos_t partition;
    uint16_t reboot_counter;
    union {
        struct {
            uint8_t factory_reset_state : 1;
            uint8_t reserve : 7;
        };
        uint8_t val;
    } flags;
    uint8_t reserve;
    uint32_t crc;
} rtc_retain_mem_t;

/**
 * Verify an image by this board's rules. ESP_ERR_INVALID_ARG; ESP_ERR_IMAGE_INVALID; ESP_FAIL chip or revision; the
 * flash's own. `data` is zeroed on failure.
 */
esp_err_t esp_image_verify(esp_image_load_mode_t mode, const esp_partition_pos_t *part, esp_image_metadata_t *data);
/** Header, segments and length, with the same checks. */
esp_err_t esp_image_get_metadata(const esp_partition_pos_t *part, esp_image_metadata_t *metadata);
/** Loading is the boot loader's: ESP_FAIL in an application. */
esp_err_t bootloader_load_image(const esp_partition_pos_t *part, esp_image_metadata_t *data);
esp_err_t bootloader_load_image_no_verify(const esp_partition_pos_t *part, esp_image_metadata_t *data);
/**
 * Verify what lies at the boot loader's address. `*length` (may be NULL) is that of the image, 0 on failure.
 * ESP_ERR_INVALID_ARG data NULL.
 */
esp_err_t esp_image_verify_bootloader(uint32_t *length);
esp_err_t esp_image_verify_bootloader_data(esp_image_metadata_t *data);
/**
 * The address, beside the chip's own, at which an image counts as a boot loader. esp_ota_begin and
 * esp_ota_set_final_partition set it for boot loaders, esp_ota_end resets it (esp_ota_abort does not).
 */
uint32_t esp_image_bootloader_offset_get(void);
void esp_image_bootloader_offset_set(const uint32_t offset);
/** Bytes of a flash size code, 0 if out of range. */
int esp_image_get_flash_size(esp_image_flash_size_t app_flash_size);

#ifdef __cplusplus
}
#endif
#endif /* ESP_IMAGE_FORMAT_H */
