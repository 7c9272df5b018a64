/* SPDX-License-Identifier: Apache-2.0 */
/* The board's flash by absolute address, in steps of a sector under the board's lock. */
#include "esp_flash.h"

#include "room.h"

struct esp_flash_t {
    char name; /* its address is all that counts */
};

static esp_flash_t board_flash;
esp_flash_t *esp_flash_default_chip = &board_flash;

bool ud_idf_is_board_flash(const esp_flash_t *chip)
{
    return !chip || chip == &board_flash;
}

static struct ud_board *board_of(const esp_flash_t *chip, esp_err_t *err)
{
    const struct idf_world *w = ud_idf_world();
    *err = !ud_idf_is_board_flash(chip) ? ESP_ERR_INVALID_ARG : w ? ESP_OK : ESP_ERR_INVALID_STATE;
    return *err == ESP_OK ? w->env.board : NULL;
}

/* All of the range is judged before the first step. */
static esp_err_t each_step(struct ud_board *b, enum ud_flash_op op, uint32_t addr, void *in, const void *out,
                           uint32_t len)
{
    const struct ud_flash_geometry *g = &b->flash->geometry;
    esp_err_t err = ESP_OK;
    if (addr > g->size || (op == UD_FLASH_ERASE && addr % g->sector != 0))
        return ESP_ERR_INVALID_ARG;
    if (len > g->size - addr || (op == UD_FLASH_ERASE && len % g->sector != 0))
        return ESP_ERR_INVALID_SIZE;
    for (uint32_t done = 0; err == ESP_OK && done < len;) {
        uint32_t n = len - done < g->sector ? len - done : g->sector;
        struct ud_board_hold hold;
        ud_board_lock(b, &hold);
        if (op == UD_FLASH_READ)
            err = ud_flash_read(b->flash, addr + done, (uint8_t *)in + done, n);
        else if (op == UD_FLASH_PROGRAM)
            err = ud_flash_program(b->flash, addr + done, (const uint8_t *)out + done, n);
        else
            err = ud_flash_erase(b->flash, addr + done, n);
        ud_board_unlock(b, &hold);
        done += n;
    }
    return err;
}

esp_err_t esp_flash_get_size(esp_flash_t *chip, uint32_t *out_size)
{
    esp_err_t err;
    struct ud_board *b = board_of(chip, &err);
    if (!out_size)
        return ESP_ERR_INVALID_ARG;
    if (b)
        *out_size = b->flash->geometry.size;
    return err;
}

esp_err_t esp_flash_read(esp_flash_t *chip, void *buffer, uint32_t address, uint32_t length)
{
    esp_err_t err;
    struct ud_board *b = board_of(chip, &err);
    if (!buffer)
        return ESP_ERR_INVALID_ARG;
    return b ? each_step(b, UD_FLASH_READ, address, buffer, NULL, length) : err;
}

esp_err_t esp_flash_write(esp_flash_t *chip, const void *buffer, uint32_t address, uint32_t length)
{
    esp_err_t err;
    struct ud_board *b = board_of(chip, &err);
    if (!buffer)
        return ESP_ERR_INVALID_ARG;
    return b ? each_step(b, UD_FLASH_PROGRAM, address, NULL, buffer, length) : err;
}

esp_err_t esp_flash_erase_region(esp_flash_t *chip, uint32_t start, uint32_t len)
{
    esp_err_t err;
    struct ud_board *b = board_of(chip, &err);
    return b ? each_step(b, UD_FLASH_ERASE, start, NULL, NULL, len) : err;
}
