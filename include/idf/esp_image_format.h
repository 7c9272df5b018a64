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

/**
 * Verify an image by this board's rules. ESP_ERR_INVALID_ARG; ESP_ERR_IMAGE_INVALID; ESP_FAIL chip or revision; the
 * flash's own. `data` is zeroed on failure.
 */
esp_err_t esp_image_verify(esp_image_load_mode_t mode, const esp_partition_pos_t *part, esp_image_metadata_t *data);
/** Header, segments and length, with the same checks. */
esp_err_t esp_image_get_metadata(const esp_partition_pos_t *part, esp_image_metadata_t *metadata);
/** Bytes of a flash size code, 0 if out of range. */
int esp_image_get_flash_size(esp_image_flash_size_t app_flash_size);

#ifdef __cplusplus
}
#endif
#endif /* ESP_IMAGE_FORMAT_H */
