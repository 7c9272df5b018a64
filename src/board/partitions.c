/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions beside the table: a list that applications add to and take from, under the board's lock. And the copy of one
 * partition into another, one flash step a hold of the lock.
 */
#include "updraft/board.h"

#define PIECE 512u

static bool overlaps(const struct ud_partition *a, const struct ud_partition *b)
{
    return a->addr < b->addr + b->size && b->addr < a->addr + a->size;
}

static bool is_free(const struct ud_board *b, const struct ud_partition *p)
{
    for (unsigned i = 0; i < b->table.count; i++) {
        if (overlaps(&b->table.part[i], p))
            return false;
    }
    for (const struct ud_extra_partition *e = b->extra; e; e = e->next) {
        if (overlaps(&e->part, p))
            return false;
    }
    return true;
}

esp_err_t ud_board_add_partition(struct ud_board *b, struct ud_extra_partition *extra)
{
    struct ud_board_hold hold;
    esp_err_t err = ESP_OK;
    if (!ud_range_fits(extra->part.addr, extra->part.size, b->flash->geometry.size))
        return ESP_ERR_INVALID_SIZE;
    ud_board_lock(b, &hold);
    if (is_free(b, &extra->part)) {
        struct ud_extra_partition **at = &b->extra;
        while (*at)
            at = &(*at)->next;
        extra->next = NULL;
        *at = extra;
    } else {
        err = ESP_ERR_INVALID_ARG;
    }
    ud_board_unlock(b, &hold);
    return err;
}

esp_err_t ud_board_remove_partition(struct ud_board *b, const struct ud_partition *p)
{
    struct ud_board_hold hold;
    esp_err_t err = ESP_ERR_NOT_FOUND;
    for (unsigned i = 0; i < b->table.count; i++) {
        if (p == &b->table.part[i])
            return ESP_ERR_INVALID_ARG;
    }
    ud_board_lock(b, &hold);
    for (struct ud_extra_partition **at = &b->extra; *at; at = &(*at)->next) {
        if (&(*at)->part == p) {
            *at = (*at)->next;
            err = ESP_OK;
            break;
        }
    }
    ud_board_unlock(b, &hold);
    return err;
}

const struct ud_partition *ud_board_next_partition(struct ud_board *b, const struct ud_partition *after, uint8_t type,
                                                   uint8_t subtype, const char *label)
{
    struct ud_board_hold hold;
    const struct ud_ptable *table = &b->table;
    bool in_table = after >= table->part && after < table->part + table->count;
    const struct ud_partition *p = NULL;
    if (!after)
        p = ud_ptable_find(table, type, subtype, label);
    else if (in_table)
        p = ud_ptable_find_next(table, after, type, subtype, label);
    if (p)
        return p;
    ud_board_lock(b, &hold);
    bool passed = !after || in_table;
    for (const struct ud_extra_partition *e = b->extra; e && !p; e = e->next) {
        if (passed && (type == UD_PART_ANY || e->part.type == type) &&
            (subtype == UD_PART_ANY || e->part.subtype == subtype) && (!label || ud_streq(label, e->part.label)))
            p = &e->part;
        passed = passed || &e->part == after;
    }
    ud_board_unlock(b, &hold);
    return p;
}

const struct ud_partition *ud_board_verify_partition(struct ud_board *b, const struct ud_partition *p)
{
    const struct ud_partition *found = ud_ptable_verify(&b->table, p);
    struct ud_board_hold hold;
    if (found)
        return found;
    ud_board_lock(b, &hold);
    for (const struct ud_extra_partition *e = b->extra; e && !found; e = e->next) {
        if (e->part.type == p->type && e->part.subtype == p->subtype && e->part.addr == p->addr &&
            e->part.size == p->size && (p->label[0] == '\0' || ud_streq(p->label, e->part.label)))
            found = &e->part;
    }
    ud_board_unlock(b, &hold);
    return found;
}

/* ---- copy ------------------------------------------------------------------------------------------------------- */

static esp_err_t erase_range(struct ud_board *b, const struct ud_partition *p, uint32_t off, uint32_t len)
{
    struct ud_board_hold hold;
    esp_err_t err = ESP_OK;
    for (uint32_t done = 0; err == ESP_OK && done < len; done += UD_FLASH_SECTOR) {
        ud_board_lock(b, &hold);
        err = ud_partition_erase(b->flash, p, off + done, UD_FLASH_SECTOR);
        ud_board_unlock(b, &hold);
    }
    return err;
}

static esp_err_t copy_piece(struct ud_board *b, const struct ud_partition *dst, uint32_t dst_off,
                            const struct ud_partition *src, uint32_t src_off, uint32_t len)
{
    uint8_t piece[PIECE];
    uint8_t back[PIECE];
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_partition_read(b->flash, src, src_off, piece, len);
    if (err == ESP_OK)
        err = ud_partition_write(b->flash, dst, dst_off, piece, len);
    if (err == ESP_OK)
        err = ud_partition_read(b->flash, dst, dst_off, back, len);
    ud_board_unlock(b, &hold);
    return err == ESP_OK && memcmp(piece, back, len) != 0 ? ESP_ERR_FLASH_OP_FAIL : err;
}

esp_err_t ud_board_copy(struct ud_board *b, const struct ud_partition *dst, uint32_t dst_off,
                        const struct ud_partition *src, uint32_t src_off, uint32_t len, uint32_t erase_len)
{
    if (!ud_range_fits(src_off, len, src->size) || !ud_range_fits(dst_off, len, dst->size) ||
        !ud_range_fits(dst_off, erase_len, dst->size) || erase_len < len || erase_len % UD_FLASH_SECTOR != 0)
        return ESP_ERR_INVALID_SIZE;
    if (dst->flags & UD_PART_FLAG_READONLY)
        return ESP_ERR_NOT_ALLOWED;
    if (dst_off % UD_FLASH_SECTOR != 0)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = erase_range(b, dst, dst_off, erase_len);
    for (uint32_t done = 0; err == ESP_OK && done < len;) {
        uint32_t n = len - done < PIECE ? len - done : PIECE;
        err = copy_piece(b, dst, dst_off + done, src, src_off + done, n);
        done += n;
    }
    return err;
}
