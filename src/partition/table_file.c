/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary table as ESP-IDF's generator reads a file. It differs from the boot loader (table.c): the length of the file
 * does not matter, an MD5 entry may be missing, repeated or followed by more entries and covers the partition entries
 * alone, labels are text; and the table must pass the generator's checks.
 */
#include "csv.h"
#include "entry.h"

struct reading {
    const struct ud_csv_options *opt;
    const struct ud_observer *obs;
    const struct ud_crypto *crypto;
    struct ud_ptable table;
    const uint8_t *entry[UD_PTABLE_MAX_ENTRIES]; /* those of `table`: what MD5 covers */
};

static esp_err_t bad(const struct reading *r, enum ud_ptable_fault fault, size_t at, const char *text)
{
    return ud_note(r->obs, UD_NOTE_PTABLE_BAD, ESP_ERR_INVALID_ARG, (uint32_t)at, fault, text);
}

static bool is_terminator(const uint8_t *e)
{
    for (size_t i = 0; i < ENTRY; i++)
        if (e[i] != 0xFF)
            return false;
    return true;
}

static esp_err_t check_md5(struct reading *r, const uint8_t *e, size_t at)
{
    uint8_t digest[UD_MD5_BYTES];
    struct ud_hash hash = UD_HASH_NONE;
    esp_err_t err = ud_hash_start(r->crypto, UD_HASH_MD5, &hash);
    for (size_t i = 0; err == ESP_OK && i < r->table.count; i++)
        err = ud_hash_feed(&hash, r->entry[i], ENTRY);
    if (err == ESP_OK)
        err = ud_hash_finish(&hash, digest);
    ud_hash_drop(&hash);
    if (err != ESP_OK)
        return ud_note(r->obs, UD_NOTE_PTABLE_BAD, err, (uint32_t)at, 0, "the MD5 digest cannot be calculated");
    r->table.has_md5 = true;
    return memcmp(digest, e + AT_DIGEST, sizeof digest) == 0
               ? ESP_OK
               : bad(r, UD_PTABLE_MD5_MISMATCH, at, "the MD5 digest does not match the entries");
}

static esp_err_t read_entry(struct reading *r, const uint8_t *e, size_t at)
{
    const char *label = (const char *)e + AT_LABEL;
    size_t len = ud_strnlen(label, LABEL_BYTES);
    if (csv_utf8_bad(label, len) < len)
        return bad(r, UD_PTABLE_BAD_ENCODING, at, "the label is not UTF-8");
    if (ud_load_le16(e) != MAGIC_ENTRY)
        return bad(r, UD_PTABLE_BAD_MAGIC, at, "neither a partition, nor an MD5 entry, nor the end");
    if (r->table.count == UD_PTABLE_MAX_ENTRIES)
        return bad(r, UD_PTABLE_TABLE_TOO_LONG, at, "more partitions than a table holds");
    r->entry[r->table.count] = e;
    struct ud_partition *p = &r->table.part[r->table.count++];
    entry_load(e, p);
    memset(p->label + len, 0, sizeof p->label - len);
    entry_note_flags(r->obs, e, (uint32_t)(at / ENTRY));
    return ESP_OK;
}

static esp_err_t read_entries(struct reading *r, const uint8_t *bytes, size_t len)
{
    if (len < 2 || ud_load_le16(bytes) != MAGIC_ENTRY)
        return bad(r, UD_PTABLE_BAD_MAGIC, 0, "the file does not begin with a partition");
    for (size_t at = 0; at < len; at += ENTRY) {
        if (len - at < ENTRY)
            return bad(r, UD_PTABLE_BAD_LENGTH, at, "the entry is cut off");
        if (is_terminator(bytes + at))
            return ESP_OK;
        bool is_md5 = ud_load_le16(bytes + at) == MAGIC_MD5 && !r->opt->no_md5;
        esp_err_t err = is_md5 ? check_md5(r, bytes + at, at) : read_entry(r, bytes + at, at);
        if (err != ESP_OK)
            return err;
    }
    return bad(r, UD_PTABLE_NO_TERMINATOR, len, "the table has no end");
}

esp_err_t ud_ptable_decode_file(const uint8_t *bytes, size_t len, const struct ud_csv_options *opt,
                                const struct ud_crypto *crypto, const struct ud_observer *obs, struct ud_ptable *table)
{
    /* More entries than fit a sector beside the MD5 entry are no fault of the file. */
    struct ud_csv_options own = *opt;
    own.no_md5 = true;
    struct csv_rules rules = csv_rules_of(&own, obs);
    struct reading r = { .opt = opt, .obs = obs, .crypto = crypto, .table = { .count = 0 } };
    esp_err_t err = csv_check_options(&rules);
    if (err == ESP_OK)
        err = read_entries(&r, bytes, len);
    if (err == ESP_OK)
        err = csv_check_table(&rules, &r.table);
    if (err == ESP_OK)
        *table = r.table;
    return err;
}
