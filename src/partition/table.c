/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary partition table: 32-byte entries (entry.h) in the first 0xC00 bytes of a sector.
 *
 * Reading follows the boot loader: bounds and MD5 are checked, alignment and overlap are not (see check.c).
 */
#include "entry.h"

struct scan {
    const uint8_t *bytes;
    uint32_t flash_size; /* 0: unbounded */
    const struct ud_crypto *crypto;
    const struct ud_observer *obs;
    bool has_md5;
};

static esp_err_t bad(const struct scan *s, uint32_t slot, esp_err_t err, const char *text)
{
    return ud_note(s->obs, UD_NOTE_PTABLE_BAD, err, slot * ENTRY, 0, text);
}

static bool is_end(const uint8_t *e)
{
    return ud_load_le16(e) == MAGIC_END && e[2] == 0xFF && e[3] == 0xFF;
}

static esp_err_t check_entry(const struct scan *s, uint32_t slot)
{
    const uint8_t *e = s->bytes + slot * ENTRY;
    if (s->flash_size != 0 && !ud_range_fits(ud_load_le32(e + 4), ud_load_le32(e + 8), s->flash_size))
        return bad(s, slot, ESP_ERR_INVALID_SIZE, "the partition does not fit the flash");
    entry_note_flags(s->obs, e, slot);
    return ESP_OK;
}

static esp_err_t check_md5(struct scan *s, uint32_t slot)
{
    uint8_t digest[UD_MD5_BYTES];
    if (s->has_md5)
        return bad(s, slot, ESP_ERR_INVALID_STATE, "a second MD5 entry");
    s->has_md5 = true;
    esp_err_t err = ud_hash_all(s->crypto, UD_HASH_MD5, s->bytes, slot * ENTRY, digest);
    if (err != ESP_OK)
        return bad(s, slot, err, "the MD5 digest cannot be calculated");
    if (memcmp(digest, s->bytes + slot * ENTRY + AT_DIGEST, sizeof digest) != 0)
        return bad(s, slot, ESP_ERR_INVALID_STATE, "the MD5 digest does not match the entries");
    return ESP_OK;
}

/* Judge slot after slot up to the terminator; `*slots` becomes its index. */
static esp_err_t scan(struct scan *s, uint32_t available, uint32_t *slots)
{
    for (uint32_t slot = 0; slot < available; slot++) {
        const uint8_t *e = s->bytes + slot * ENTRY;
        esp_err_t err;
        if (is_end(e)) {
            if (slot == 0)
                return bad(s, slot, ESP_ERR_INVALID_STATE, "the table is empty");
            *slots = slot;
            return ESP_OK;
        }
        if (ud_load_le16(e) == MAGIC_ENTRY)
            err = check_entry(s, slot);
        else if (ud_load_le16(e) == MAGIC_MD5)
            err = check_md5(s, slot);
        else
            err = bad(s, slot, ESP_ERR_INVALID_STATE, "neither a partition, nor an MD5 entry, nor the end");
        if (err != ESP_OK)
            return err;
    }
    return bad(s, available, ESP_ERR_INVALID_STATE, "the table has no end");
}

esp_err_t ud_ptable_decode(const uint8_t *bytes, size_t len, uint32_t flash_size, const struct ud_crypto *crypto,
                           const struct ud_observer *obs, struct ud_ptable *table)
{
    struct scan s = { .bytes = bytes, .flash_size = flash_size, .crypto = crypto, .obs = obs };
    uint32_t available = len < UD_PTABLE_BYTES ? (uint32_t)len / ENTRY : SLOTS;
    uint32_t slots = 0;
    esp_err_t err = scan(&s, available, &slots);
    if (err != ESP_OK)
        return err;

    table->count = 0;
    table->has_md5 = s.has_md5;
    for (uint32_t slot = 0; slot < slots; slot++)
        if (ud_load_le16(bytes + slot * ENTRY) == MAGIC_ENTRY)
            entry_load(bytes + slot * ENTRY, &table->part[table->count++]);
    return ESP_OK;
}

esp_err_t ud_ptable_load(struct ud_flash *flash, uint32_t offset, const struct ud_crypto *crypto,
                         const struct ud_observer *obs, struct ud_ptable *table)
{
    uint8_t bytes[UD_PTABLE_BYTES];
    esp_err_t err = ud_flash_read(flash, offset, bytes, sizeof bytes);
    if (err != ESP_OK)
        return err;
    return ud_ptable_decode(bytes, sizeof bytes, flash->geometry.size, crypto, obs, table);
}

static void store_entry(const struct ud_partition *p, uint8_t *e)
{
    ud_store_le16(e, MAGIC_ENTRY);
    e[2] = p->type;
    e[3] = p->subtype;
    ud_store_le32(e + 4, p->addr);
    ud_store_le32(e + 8, p->size);
    memcpy(e + AT_LABEL, p->label, LABEL_BYTES);
    ud_store_le32(e + 28, p->flags);
}

esp_err_t ud_ptable_encode(const struct ud_ptable *table, const struct ud_crypto *crypto,
                           uint8_t bytes[UD_PTABLE_BYTES])
{
    /* One slot stays free for the terminator. */
    if (table->count + (table->has_md5 ? 1u : 0u) > SLOTS - 1)
        return ESP_ERR_INVALID_SIZE;
    memset(bytes, 0xFF, UD_PTABLE_BYTES);
    for (uint32_t i = 0; i < table->count; i++)
        store_entry(&table->part[i], bytes + i * ENTRY);
    if (!table->has_md5)
        return ESP_OK;
    uint8_t *e = bytes + table->count * ENTRY;
    ud_store_le16(e, MAGIC_MD5);
    return ud_hash_all(crypto, UD_HASH_MD5, bytes, table->count * ENTRY, e + AT_DIGEST);
}
