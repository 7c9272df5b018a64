/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots as an application sees them: how many there are, which comes next, what is in them, and whether an image suits
 * this board. Nothing here writes, except the erase in steps that others use.
 */
#include "ota_parts.h"

void ud_ota_init(struct ud_ota *ota, struct ud_board *board, bool rollback)
{
    *ota = (struct ud_ota){ .board = board, .rollback = rollback };
}

const struct ud_partition *ud_ota_slot_partition(const struct ud_board *b, uint32_t slot)
{
    if (slot >= UD_BOOT_MAX_SLOTS)
        return NULL;
    return ud_ptable_find(&b->table, UD_PART_APP, (uint8_t)(UD_PART_APP_OTA_0 + slot), NULL);
}

uint32_t ud_ota_slot_count(const struct ud_board *b)
{
    uint32_t n = 0;
    while (ud_ota_slot_partition(b, n))
        n++;
    return n;
}

const struct ud_partition *ud_ota_next_update(const struct ud_board *b, const struct ud_partition *from)
{
    const struct ud_partition *first = NULL;
    bool passed = false;
    from = from ? ud_ptable_verify(&b->table, from) : b->running;
    for (uint32_t i = 0; i < UD_BOOT_MAX_SLOTS; i++) {
        const struct ud_partition *p = ud_ota_slot_partition(b, i);
        if (!p)
            continue;
        if (passed)
            return p;
        if (!first)
            first = p;
        passed = p == from;
    }
    return first;
}

static esp_err_t read_locked(struct ud_board *b, const struct ud_partition *p, uint32_t off, void *buf, uint32_t len)
{
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_partition_read(b->flash, p, off, buf, len);
    ud_board_unlock(b, &hold);
    return err;
}

esp_err_t ud_ota_get_desc_bytes(struct ud_ota *ota, const struct ud_partition *p, uint8_t bytes[UD_APP_DESC_BYTES])
{
    if (!p || !bytes)
        return ESP_ERR_INVALID_ARG;
    if (p->type != UD_PART_APP)
        return ESP_ERR_NOT_SUPPORTED;
    esp_err_t err = read_locked(ota->board, p, UD_APP_DESC_OFFSET, bytes, UD_APP_DESC_BYTES);
    if (err == ESP_OK && ud_load_le32(bytes) != UD_APP_DESC_MAGIC)
        err = ESP_ERR_NOT_FOUND;
    return err;
}

esp_err_t ud_ota_get_desc(struct ud_ota *ota, const struct ud_partition *p, struct ud_app_desc *desc)
{
    uint8_t bytes[UD_APP_DESC_BYTES];
    if (!desc)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ud_ota_get_desc_bytes(ota, p, bytes);
    return err == ESP_OK ? ud_app_desc_decode(bytes, sizeof bytes, desc) : err;
}

esp_err_t ud_ota_check_image(struct ud_ota *ota, const struct ud_image_header *h, const struct ud_app_desc *desc)
{
    struct ud_board *b = ota->board;
    struct ud_app_desc mine;
    if (!h)
        return ESP_ERR_INVALID_ARG;
    struct ud_image_rules rules = ud_board_image_rules(b, &(struct ud_partition){ .type = UD_PART_APP });
    if (ud_image_check_chip(h, &rules, b->obs) != ESP_OK)
        return ESP_ERR_INVALID_VERSION;
    if (!desc || desc->spi_flash_mode == 0 || !b->running)
        return ESP_OK;
    if (ud_ota_get_desc(ota, b->running, &mine) != ESP_OK || mine.spi_flash_mode == 0)
        return ESP_OK;
    if (mine.spi_flash_mode == desc->spi_flash_mode)
        return ESP_OK;
    return ud_note(b->obs, UD_NOTE_OTA_SPI_MODE, ESP_ERR_OTA_SPI_MODE_MISMATCH, mine.spi_flash_mode,
                   desc->spi_flash_mode, NULL);
}

esp_err_t ud_ota_check_bootloader(struct ud_ota *ota, const struct ud_image_header *h)
{
    if (!h)
        return ESP_ERR_INVALID_ARG;
    struct ud_image_rules rules =
        ud_board_image_rules(ota->board, &(struct ud_partition){ .type = UD_PART_BOOTLOADER });
    return ud_image_check_chip(h, &rules, ota->board->obs) == ESP_OK ? ESP_OK : ESP_ERR_INVALID_VERSION;
}

esp_err_t ud_ota_erase_steps(struct ud_board *b, const struct ud_partition *p, uint32_t len)
{
    uint32_t block = b->flash->geometry.block;
    struct ud_board_hold hold;
    esp_err_t err = ESP_OK;
    if (len > p->size || len % UD_FLASH_SECTOR != 0) /* before anything is erased */
        return ESP_ERR_INVALID_SIZE;
    for (uint32_t off = 0; err == ESP_OK && off < len;) {
        uint32_t step = block - (p->addr + off) % block;
        if (step > len - off)
            step = len - off;
        ud_board_lock(b, &hold);
        err = ud_partition_erase(b->flash, p, off, step);
        ud_board_unlock(b, &hold);
        off += step;
    }
    return err;
}
