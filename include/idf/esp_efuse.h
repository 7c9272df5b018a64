/* SPDX-License-Identifier: Apache-2.0 */
/* eFuses that an update touches: ESP-IDF's esp_efuse.h, the secure version and whether flash is encrypted. */
#ifndef ESP_EFUSE_H
#define ESP_EFUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bits burnt in the field; when eFuses cannot be read its whole width, so that nothing passes for new enough. */
uint32_t esp_efuse_read_secure_version(void);
/** Is `secure_version` not below that? */
bool esp_efuse_check_secure_version(uint32_t secure_version);
/** Raise it. ESP_ERR_INVALID_ARG above the field's width; ESP_FAIL below what is burnt; the eFuses' own. */
esp_err_t esp_efuse_update_secure_version(uint32_t secure_version);
/** Never: flash of a board is not encrypted. */
bool esp_efuse_is_flash_encryption_enabled(void);

#ifdef __cplusplus
}
#endif
#endif /* ESP_EFUSE_H */
