/* SPDX-License-Identifier: Apache-2.0 */
/* The secure version: the face of boot's field in the board's eFuses, under the board's lock. */
#include "esp_efuse.h"

#include "room.h"

uint32_t esp_efuse_read_secure_version(void)
{
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return 0;
    struct ud_board *b = w->env.board;
    struct ud_board_hold hold;
    uint32_t level;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_secure_version_read(&b->efuse, b->chip->secure_version_bits, &level);
    ud_board_unlock(b, &hold);
    return err == ESP_OK ? level : b->chip->secure_version_bits;
}

bool esp_efuse_check_secure_version(uint32_t secure_version)
{
    return secure_version >= esp_efuse_read_secure_version();
}

esp_err_t esp_efuse_update_secure_version(uint32_t secure_version)
{
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_INVALID_STATE;
    struct ud_board *b = w->env.board;
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_secure_version_raise(&b->efuse, b->chip->secure_version_bits, secure_version);
    ud_board_unlock(b, &hold);
    return err;
}

bool esp_efuse_is_flash_encryption_enabled(void)
{
    return false;
}
