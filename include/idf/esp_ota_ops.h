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
 * Targets are OTA slots, boot loaders, partition tables and data, of the table or registered. ESP_ERR_INVALID_ARG NULL,
 * an app that is no OTA slot; ESP_ERR_NOT_FOUND no such partition; ESP_ERR_OTA_PARTITION_CONFLICT it runs;
 * ESP_ERR_OTA_ROLLBACK_INVALID_STATE the running app is not confirmed yet; ESP_ERR_OTA_ALREADY_IN_PROGRESS;
 * ESP_ERR_NO_MEM; the flash's own. All or nothing: `*out_handle` is set on ESP_OK only.
 */
esp_err_t esp_ota_begin(const esp_partition_t *partition, size_t image_size, esp_ota_handle_t *out_handle);
/**
 * Go on behind `image_offset` bytes that are there already; nothing is erased now. `erase_size`
 * OTA_WITH_SEQUENTIAL_WRITES: sectors are erased as they are entered; anything else: they are erased already. Codes as
 * esp_ota_begin; ESP_ERR_INVALID_ARG also for an offset beyond the partition.
 */
esp_err_t esp_ota_resume(const esp_partition_t *partition, const size_t erase_size, const size_t image_offset,
                         esp_ota_handle_t *out_handle);
/**
 * Where the content belongs: esp_ota_end judges it by that type and, if so asked, copies all of that partition's size
 * there. ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND no session, no such partition; ESP_ERR_INVALID_STATE something was written
 * (unless resumed); ESP_ERR_OTA_PARTITION_CONFLICT a copy over what runs. The session's own partition changes nothing.
 */
esp_err_t esp_ota_set_final_partition(esp_ota_handle_t handle, const esp_partition_t *final, bool finalize_with_copy);
esp_err_t esp_ota_write(esp_ota_handle_t handle, const void *data, size_t size);
/**
 * Into what is erased already, in any order; no byte is judged before the end. ESP_ERR_INVALID_ARG data NULL, no session,
 * offset beyond the partition; ESP_ERR_INVALID_STATE a session with sequential writes; ESP_ERR_INVALID_SIZE.
 */
esp_err_t esp_ota_write_with_offset(esp_ota_handle_t handle, const void *data, size_t size, uint32_t offset);
/**
 * Judge, copy if so asked, close. ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_ARG nothing was written; ESP_ERR_OTA_VALIDATE_FAILED;
 * those of the copy.
 */
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
/**
 * The 80 bytes of a boot loader; NULL is the one at the chip's own place. ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND no
 * description there (the bytes are overwritten all the same); the flash's own.
 */
esp_err_t esp_ota_get_bootloader_description(const esp_partition_t *bootloader_partition, esp_bootloader_desc_t *desc);
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
