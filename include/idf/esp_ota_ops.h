/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Updates of the slots: ESP-IDF's esp_ota_ops.h. Any thread, any callback; one handle belongs to one thread at a time
 * (a second one waits for the first).
 */
#ifndef ESP_OTA_OPS_H
#define ESP_OTA_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_app_desc.h"
#include "esp_app_format.h"
#include "esp_bootloader_desc.h"
#include "esp_err.h"
#include "esp_flash_partitions.h"
#include "esp_partition.h"
#include "soc/soc_caps.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_SIZE_UNKNOWN           0xffffffff
#define OTA_WITH_SEQUENTIAL_WRITES 0xfffffffe

/** Counted from 1; 0 is never a session. */
typedef uint32_t esp_ota_handle_t;

/**
 * ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND not in the table; ESP_ERR_OTA_PARTITION_CONFLICT it runs;
 * ESP_ERR_OTA_ROLLBACK_INVALID_STATE the running app is not confirmed yet; ESP_ERR_OTA_ALREADY_IN_PROGRESS;
 * ESP_ERR_NO_MEM; the flash's own. All or nothing: `*out_handle` is set on ESP_OK only.
 */
esp_err_t esp_ota_begin(const esp_partition_t *partition, size_t image_size, esp_ota_handle_t *out_handle);
esp_err_t esp_ota_write(esp_ota_handle_t handle, const void *data, size_t size);
/** Judge and close. ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_ARG nothing was written; ESP_ERR_OTA_VALIDATE_FAILED. */
esp_err_t esp_ota_end(esp_ota_handle_t handle);
esp_err_t esp_ota_abort(esp_ota_handle_t handle);

esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition);
esp_err_t esp_ota_set_boot_partition_skip_validate(const esp_partition_t *partition);
/** What otadata says boots next; NULL without otadata or app. */
const esp_partition_t *esp_ota_get_boot_partition(void);
/** Never NULL in firmware. */
const esp_partition_t *esp_ota_get_running_partition(void);
/** The slot after `start_from` (NULL: the running one); NULL without OTA slots. */
const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *start_from);
esp_err_t esp_ota_get_partition_description(const esp_partition_t *partition, esp_app_desc_t *app_desc);
uint8_t esp_ota_get_app_partition_count(void);

esp_err_t esp_ota_get_state_partition(const esp_partition_t *partition, esp_ota_img_states_t *ota_state);
esp_err_t esp_ota_mark_app_valid_cancel_rollback(void);
esp_err_t esp_ota_mark_app_invalid_rollback(void);
/** Returns only on failure. */
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void);
bool esp_ota_check_rollback_is_possible(void);
const esp_partition_t *esp_ota_get_last_invalid_partition(void);
esp_err_t esp_ota_erase_last_boot_app_partition(void);
esp_err_t esp_ota_invalidate_inactive_ota_data_slot(void);

/** ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_VERSION chip or revision; ESP_ERR_OTA_SPI_MODE_MISMATCH (app_desc may be NULL).
 */
esp_err_t esp_ota_check_image_validity(esp_partition_type_t part_type, const esp_image_header_t *img_hdr,
                                       const esp_app_desc_t *app_desc);

#ifdef __cplusplus
}
#endif
#endif /* ESP_OTA_OPS_H */
