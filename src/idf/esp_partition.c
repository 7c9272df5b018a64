/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions: the face of the board's table and of bounded partition I/O. The objects are made once, at start, one an
 * entry, and never change; those of registered partitions stand in esp_partition_more.c. The board's lock is taken for one flash step of at most 4 KiB.
 */
#include "esp_partition.h"

#include <assert.h>
#include <string.h>

#include "room.h"

struct esp_partition_iterator_opaque_ {
    esp_partition_type_t type;
    esp_partition_subtype_t subtype;
    const char *label; /* the caller's */
    const struct ud_partition *at;
};

/* ---- bridge ----------------------------------------------------------------------------------------------------- */

const esp_partition_t *ud_idf_partition_object(const struct ud_partition *p)
{
    const struct idf_world *w = ud_idf_world();
    if (!w || !p)
        return NULL;
    const struct ud_ptable *table = &w->env.board->table;
    bool in_table = p >= table->part && p < table->part + table->count;
    return in_table ? &w->part[p - table->part] : ud_idf_registered_object(p);
}

void ud_idf_partition_like(const esp_partition_t *p, struct ud_partition *out)
{
    *out = (struct ud_partition){ .addr = p->address, .size = p->size };
    out->type = (uint8_t)p->type;
    out->subtype = (uint8_t)p->subtype;
    out->flags = p->readonly ? UD_PART_FLAG_READONLY : 0;
    memcpy(out->label, p->label, sizeof out->label - 1);
}

const struct ud_partition *ud_idf_partition_entry(const esp_partition_t *p)
{
    const struct idf_world *w = ud_idf_world();
    if (!w || !p || !ud_idf_is_board_flash(p->flash_chip) || p->encrypted)
        return NULL;
    struct ud_partition like;
    ud_idf_partition_like(p, &like);
    const struct ud_partition *found = ud_board_verify_partition(w->env.board, &like);
    if (!found) { /* the flag of the table does not reach the object */
        like.flags |= UD_PART_FLAG_ENCRYPTED;
        found = ud_ptable_verify(&w->env.board->table, &like);
    }
    return found;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

/* First match after `after` (NULL: first of all). */
static const struct ud_partition *match(const struct ud_partition *after, esp_partition_type_t type,
                                        esp_partition_subtype_t subtype, const char *label)
{
    const struct idf_world *w = ud_idf_world();
    return ud_board_next_partition(w->env.board, after, (uint8_t)type, (uint8_t)subtype, label);
}

static esp_err_t may_find(esp_partition_type_t type, esp_partition_subtype_t subtype)
{
    const struct idf_world *w = ud_idf_world();
    if (type == ESP_PARTITION_TYPE_ANY && subtype != ESP_PARTITION_SUBTYPE_ANY)
        return ESP_ERR_INVALID_ARG;
    /* Without the MD5 entry that the application's option asks for, there is no table for it. */
    if (!w || (w->env.config->partition_table_md5 && !w->env.board->table.has_md5))
        return ESP_ERR_NOT_FOUND;
    return ESP_OK;
}

esp_err_t esp_partition_find_first_err(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label,
                                       const esp_partition_t **partition)
{
    if (!partition)
        return ESP_ERR_INVALID_ARG;
    *partition = NULL;
    esp_err_t err = may_find(type, subtype);
    if (err != ESP_OK)
        return err;
    *partition = ud_idf_partition_object(match(NULL, type, subtype, label));
    return *partition ? ESP_OK : ESP_ERR_NOT_FOUND;
}

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label)
{
    const esp_partition_t *p;
    (void)esp_partition_find_first_err(type, subtype, label, &p);
    return p;
}

esp_err_t esp_partition_find_err(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label,
                                 esp_partition_iterator_t *it)
{
    if (!it)
        return ESP_ERR_INVALID_ARG;
    *it = NULL;
    esp_err_t err = may_find(type, subtype);
    if (err != ESP_OK)
        return err;
    const struct ud_partition *p = match(NULL, type, subtype, label);
    if (!p)
        return ESP_ERR_NOT_FOUND;
    struct esp_partition_iterator_opaque_ *i = ud_idf_alloc(sizeof *i);
    if (!i)
        return ESP_ERR_NO_MEM;
    *i = (struct esp_partition_iterator_opaque_){ .type = type, .subtype = subtype, .label = label, .at = p };
    *it = i;
    return ESP_OK;
}

esp_partition_iterator_t esp_partition_find(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                            const char *label)
{
    esp_partition_iterator_t it;
    (void)esp_partition_find_err(type, subtype, label, &it);
    return it;
}

const esp_partition_t *esp_partition_get(esp_partition_iterator_t iterator)
{
    assert(iterator);
    return ud_idf_partition_object(iterator->at);
}

esp_partition_iterator_t esp_partition_next(esp_partition_iterator_t iterator)
{
    assert(iterator);
    iterator->at = match(iterator->at, iterator->type, iterator->subtype, iterator->label);
    if (iterator->at)
        return iterator;
    esp_partition_iterator_release(iterator);
    return NULL;
}

void esp_partition_iterator_release(esp_partition_iterator_t iterator)
{
    ud_idf_free(iterator);
}

esp_err_t esp_partition_verify_err(const esp_partition_t *partition, const esp_partition_t **out_partition)
{
    if (!partition || !out_partition)
        return ESP_ERR_INVALID_ARG;
    *out_partition = ud_idf_partition_object(ud_idf_partition_entry(partition));
    return *out_partition ? ESP_OK : ESP_ERR_NOT_FOUND;
}

const esp_partition_t *esp_partition_verify(const esp_partition_t *partition)
{
    return ud_idf_partition_object(ud_idf_partition_entry(partition));
}

/* ---- access ----------------------------------------------------------------------------------------------------- */

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_ERASE };

static esp_err_t step(struct ud_board *b, const struct ud_partition *p, enum access what, uint32_t off, void *in,
                      const void *out, uint32_t len)
{
    struct ud_board_hold hold;
    esp_err_t err = ESP_OK;
    ud_board_lock(b, &hold);
    switch (what) {
    case ACCESS_READ:
        err = ud_partition_read(b->flash, p, off, in, len);
        break;
    case ACCESS_WRITE:
        err = ud_partition_write(b->flash, p, off, out, len);
        break;
    case ACCESS_ERASE:
        err = ud_partition_erase(b->flash, p, off, len);
        break;
    }
    ud_board_unlock(b, &hold);
    return err;
}

/* The whole range is judged before the first step, so that a range that does not fit changes nothing. */
static esp_err_t judge(const esp_partition_t *p, enum access what, size_t off, size_t len, uint32_t sector)
{
    if (what != ACCESS_READ && p->readonly)
        return ESP_ERR_NOT_ALLOWED;
    if (off > p->size)
        return ESP_ERR_INVALID_ARG;
    if (len > p->size - off)
        return ESP_ERR_INVALID_SIZE;
    if (what == ACCESS_ERASE && len % sector != 0)
        return ESP_ERR_INVALID_SIZE;
    if (what == ACCESS_ERASE && off % sector != 0)
        return ESP_ERR_INVALID_ARG;
    return ESP_OK;
}

static esp_err_t access_range(const esp_partition_t *partition, enum access what, size_t offset, void *in,
                              const void *out, size_t size)
{
    assert(partition);
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_INVALID_STATE;
    if (!ud_idf_is_board_flash(partition->flash_chip))
        return ESP_ERR_NOT_SUPPORTED; /* the board has one flash */
    uint32_t sector = w->env.board->flash->geometry.sector;
    struct ud_partition p;
    ud_idf_partition_like(partition, &p);
    esp_err_t err = judge(partition, what, offset, size, sector);
    for (size_t done = 0; err == ESP_OK && done < size;) {
        size_t n = size - done < sector ? size - done : sector;
        err = step(w->env.board, &p, what, (uint32_t)(offset + done), in ? (uint8_t *)in + done : NULL,
                   out ? (const uint8_t *)out + done : NULL, (uint32_t)n);
        done += n;
    }
    return err;
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size)
{
    return access_range(partition, ACCESS_READ, src_offset, dst, NULL, size);
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size)
{
    return access_range(partition, ACCESS_WRITE, dst_offset, NULL, src, size);
}

/* Flash is not encrypted here, so the raw forms are the same. */
esp_err_t esp_partition_read_raw(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size)
{
    return esp_partition_read(partition, src_offset, dst, size);
}

esp_err_t esp_partition_write_raw(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size)
{
    return esp_partition_write(partition, dst_offset, src, size);
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size)
{
    return access_range(partition, ACCESS_ERASE, offset, NULL, NULL, size);
}

uint32_t esp_partition_get_main_flash_sector_size(void)
{
    const struct idf_world *w = ud_idf_world();
    return w ? w->env.board->flash->geometry.sector : UD_FLASH_SECTOR;
}

/* ---- digests ---------------------------------------------------------------------------------------------------- */

static esp_err_t feed_hash(void *ctx, const uint8_t *data, size_t len, bool *enough)
{
    (void)enough;
    return ud_hash_feed(ctx, data, len);
}

static esp_err_t hash_region(struct ud_board *b, uint32_t addr, uint32_t size, uint8_t *sha)
{
    struct ud_hash h = UD_HASH_NONE;
    esp_err_t err = ud_hash_start(b->crypto, UD_HASH_SHA256, &h);
    if (err == ESP_OK)
        err = ud_idf_each_piece(b, addr, size, feed_hash, &h);
    if (err == ESP_OK)
        err = ud_hash_finish(&h, sha);
    ud_hash_drop(&h);
    return err;
}

/* Whatever chip the image is for. A boot loader's digest is not compared by the verifier, so it is here. */
static esp_err_t hash_image(struct ud_board *b, uint32_t addr, uint32_t size, bool bootloader, uint8_t *sha)
{
    struct ud_image_rules rules = { .bootloader = bootloader, .flash_addr = addr, .max_size = size };
    struct ud_image_info info;
    esp_err_t err = ud_idf_verify_image(b, &rules, NULL, &info);
    if (err == ESP_FAIL ||
        (err == ESP_OK && info.has_digest && memcmp(info.digest, info.digest_computed, sizeof info.digest) != 0))
        err = ESP_ERR_IMAGE_INVALID;
    if (err == ESP_OK)
        memcpy(sha, info.digest_computed, sizeof info.digest_computed);
    return err;
}

esp_err_t esp_partition_get_sha256(const esp_partition_t *partition, uint8_t *sha_256)
{
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_INVALID_STATE;
    if (!partition || !sha_256 || partition->size == 0)
        return ESP_ERR_INVALID_ARG;
    struct ud_board *b = w->env.board;
    uint8_t sha[UD_SHA256_BYTES];
    esp_err_t err;
    /* Nothing but type, address and size: applications fill in only these. The boot loader is where the chip wants it,
     * also when an application calls it APP. */
    if (partition->type == ESP_PARTITION_TYPE_APP || partition->type == ESP_PARTITION_TYPE_BOOTLOADER)
        err = hash_image(
            b, partition->address, partition->size,
            partition->type == ESP_PARTITION_TYPE_BOOTLOADER || partition->address == b->chip->bootloader_offset, sha);
    else
        err = hash_region(b, partition->address, partition->size, sha);
    if (err == ESP_OK)
        memcpy(sha_256, sha, sizeof sha);
    return err;
}

bool esp_partition_check_identity(const esp_partition_t *partition_1, const esp_partition_t *partition_2)
{
    uint8_t a[UD_SHA256_BYTES], b[UD_SHA256_BYTES];
    return esp_partition_get_sha256(partition_1, a) == ESP_OK && esp_partition_get_sha256(partition_2, b) == ESP_OK &&
           memcmp(a, b, sizeof a) == 0;
}
