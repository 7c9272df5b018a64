/* SPDX-License-Identifier: Apache-2.0 */
/* The board's flash as a chip: ESP-IDF's esp_flash.h, as far as partitions and updates ask. There is one chip. */
#ifndef ESP_FLASH_H
#define ESP_FLASH_H

#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct esp_flash_t esp_flash_t;

/** The board's own flash, which NULL stands for as well. */
extern esp_flash_t *esp_flash_default_chip;

/**
 * By absolute address. ESP_ERR_INVALID_ARG NULL, another chip, an address beyond the end or an erase that is not on a
 * sector; ESP_ERR_INVALID_SIZE a length beyond the end or of no whole sectors; else the flash's own.
 */
esp_err_t esp_flash_get_size(esp_flash_t *chip, uint32_t *out_size);
esp_err_t esp_flash_read(esp_flash_t *chip, void *buffer, uint32_t address, uint32_t length);
esp_err_t esp_flash_write(esp_flash_t *chip, const void *buffer, uint32_t address, uint32_t length);
esp_err_t esp_flash_erase_region(esp_flash_t *chip, uint32_t start, uint32_t len);

#ifdef __cplusplus
}
#endif
#endif /* ESP_FLASH_H */
