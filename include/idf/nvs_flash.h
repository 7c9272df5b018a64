/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The partitions of nvs.h: ESP-IDF's nvs_flash.h. A partition is of type data, subtype nvs; "nvs" unless named.
 */
#ifndef NVS_FLASH_H
#define NVS_FLASH_H

#include "esp_partition.h"
#include "nvs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NVS_KEY_SIZE 32 /* bytes */

/** Keys of an encrypted partition, which there is none of here. */
typedef struct {
    uint8_t eky[NVS_KEY_SIZE];
    uint8_t tky[NVS_KEY_SIZE];
} nvs_sec_cfg_t;

/**
 * Find the keys of a partition, and end what a loss of power has left half done in it. Again: no effect; the form with
 * a pointer reads the flash again.
 *
 * @return ESP_OK; ESP_ERR_NOT_FOUND no such partition; ESP_ERR_NVS_NO_FREE_PAGES, ESP_ERR_NVS_NEW_VERSION_FOUND erase
 * it and try again; ESP_ERR_NVS_WRONG_ENCRYPTION it is encrypted, or looks like it: nothing was written;
 * ESP_ERR_INVALID_ARG NULL, or a name of more than 16 characters; ESP_ERR_NO_MEM; the flash's own codes
 */
esp_err_t nvs_flash_init(void);
esp_err_t nvs_flash_init_partition(const char *partition_label);
esp_err_t nvs_flash_init_partition_ptr(const esp_partition_t *partition);

/** Forget a partition; its open handles die. ESP_ERR_NVS_NOT_INITIALIZED. */
esp_err_t nvs_flash_deinit(void);
esp_err_t nvs_flash_deinit_partition(const char *partition_label);

/** Forget a partition and erase it; it stays forgotten. ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_ARG; the flash's own. */
esp_err_t nvs_flash_erase(void);
esp_err_t nvs_flash_erase_partition(const char *part_name);
esp_err_t nvs_flash_erase_partition_ptr(const esp_partition_t *partition);

/** With NULL as the plain forms; with keys ESP_ERR_NVS_ENCR_NOT_SUPPORTED, as all that has to do with keys. */
esp_err_t nvs_flash_secure_init(nvs_sec_cfg_t *cfg);
esp_err_t nvs_flash_secure_init_partition(const char *partition_label, nvs_sec_cfg_t *cfg);
esp_err_t nvs_flash_generate_keys(const esp_partition_t *partition, nvs_sec_cfg_t *cfg);
esp_err_t nvs_flash_read_security_cfg(const esp_partition_t *partition, nvs_sec_cfg_t *cfg);

#ifdef __cplusplus
}
#endif
#endif /* NVS_FLASH_H */
