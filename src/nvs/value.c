/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Set, get and erase. A new value is complete in flash before anything of the old one is given up; what a loss of power
 * leaves of both is sorted out by init.
 */
#include "room.h"

esp_err_t ud_nvs_may_read(const struct ud_nvs *n)
{
    return n->failed ? ESP_ERR_NVS_INVALID_STATE : ESP_OK;
}

esp_err_t ud_nvs_may_write(const struct ud_nvs *n)
{
    if (n->failed)
        return ESP_ERR_NVS_INVALID_STATE;
    return n->read_only ? ESP_ERR_NOT_ALLOWED : ESP_OK;
}

/* ---- giving up ---- */

esp_err_t ud_nvs_remove_matches(struct ud_nvs *n, const struct query *q, const struct item *but, bool purge)
{
    struct scan s;
    struct item it;
    esp_err_t err;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        if (!ud_nvs_matches(n, q, &it) || (but && it.page == but->page && it.at == but->at))
            continue;
        err = ud_nvs_remove(n, &it, purge);
        if (err != ESP_OK)
            break;
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

esp_err_t ud_nvs_remove(struct ud_nvs *n, const struct item *it, bool purge)
{
    esp_err_t err = ud_nvs_drop(n, it->page, it->at, it->span, purge);
    if (err != ESP_OK || it->type != TYPE_INDEX)
        return err;
    struct query chunks = {
        .ns = it->ns, .key = it->key, .kind = KIND_CHUNK, .chunk = index_start(it), .chunks = index_chunks(it)
    };
    struct scan s;
    struct item chunk;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &chunk)) == ESP_OK) {
        if (!ud_nvs_matches(n, &chunks, &chunk))
            continue;
        err = ud_nvs_drop(n, chunk.page, chunk.at, chunk.span, purge);
        if (err != ESP_OK)
            return err;
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

/* ---- set ---- */

static bool has_length(enum ud_nvs_type type, const void *value, size_t len)
{
    if (ud_nvs_is_scalar((uint8_t)type))
        return len == ud_nvs_scalar_bytes((uint8_t)type);
    if (type == UD_NVS_STR)
        return len > 0 && ((const uint8_t *)value)[len - 1] == 0;
    return type == UD_NVS_BLOB;
}

/* The longest blob: one page stays blank, and indexes of chunks come to an end. */
static uint32_t blob_max(const struct ud_nvs *n)
{
    uint32_t pages = n->page_count - 1u;
    return (pages < CHUNKS_MAX ? pages : CHUNKS_MAX) * UD_NVS_CHUNK_MAX;
}

static esp_err_t is_stored(const struct ud_nvs *n, const struct item *it, const uint8_t *value, uint32_t len,
                           bool *same)
{
    *same = false;
    if (ud_nvs_is_scalar(it->type)) {
        *same = memcmp(it->value, value, len) == 0;
        return ESP_OK;
    }
    if (item_length(it) != len || ud_nvs_crc(NVS_CRC_START, value, len) != ud_load_le32(it->value + 4))
        return ESP_OK;
    return ud_nvs_data_equals(n, it, value, same);
}

static esp_err_t store(struct ud_nvs *n, struct item *it, const uint8_t *value, uint32_t len)
{
    memset(it->value, 0xFF, sizeof it->value);
    bool scalar = ud_nvs_is_scalar(it->type);
    if (scalar) {
        memcpy(it->value, value, len);
        len = 0;
    } else {
        ud_store_le16(it->value, (uint16_t)len);
        ud_store_le32(it->value + 4, ud_nvs_crc(NVS_CRC_START, value, len));
    }
    esp_err_t err = ud_nvs_make_room(n, ud_nvs_span(len));
    return err == ESP_OK ? ud_nvs_append(n, it, value, len) : err;
}

/* A scalar or a string. ESP_ERR_NOT_FINISHED: it is there already. */
static esp_err_t set_single(struct ud_nvs *n, const struct query *old, uint8_t type, const uint8_t *value, uint32_t len,
                            struct item *stored)
{
    struct item it;
    bool same = false;
    esp_err_t err = ud_nvs_search(n, old, &it);
    if (err == ESP_OK && it.type == type)
        err = is_stored(n, &it, value, len, &same);
    if (err != ESP_OK && err != ESP_ERR_NVS_NOT_FOUND)
        return err;
    if (same)
        return ESP_ERR_NOT_FINISHED;
    *stored = (struct item){ .ns = old->ns, .type = type, .chunk = NO_CHUNK };
    memcpy(stored->key, old->key, sizeof stored->key);
    return store(n, stored, value, len);
}

esp_err_t ud_nvs_set(struct ud_nvs *n, const struct ud_nvs_key *k, enum ud_nvs_type type, const void *value, size_t len)
{
    uint8_t key[16];
    struct item stored;
    esp_err_t err = ud_nvs_may_write(n);
    if (err != ESP_OK)
        return err;
    if (!ud_nvs_key_make(k->key, key))
        return ESP_ERR_NVS_KEY_TOO_LONG;
    if (len > (type == UD_NVS_BLOB ? blob_max(n) : UD_NVS_CHUNK_MAX))
        return ESP_ERR_NVS_VALUE_TOO_LONG;
    if (!has_length(type, value, len))
        return ESP_ERR_INVALID_ARG;

    struct query old = { .ns = k->ns, .key = key, .kind = KIND_SAME, .type = (uint8_t)type };
    if (type == UD_NVS_BLOB) {
        old.type = TYPE_INDEX;
        err = ud_nvs_set_blob(n, k->ns, key, value, (uint32_t)len, k->purge, &stored);
    } else {
        err = set_single(n, &old, (uint8_t)type, value, (uint32_t)len, &stored);
    }
    if (err == ESP_ERR_NOT_FINISHED)
        return ESP_OK;
    if (err != ESP_OK)
        return err;
    err = ud_nvs_remove_matches(n, &old, &stored, k->purge);
    if (err == ESP_OK)
        return ESP_OK;
    n->failed = true; /* also after a failed read: both values are there, and only init may settle which one counts */
    return ESP_ERR_NVS_REMOVE_FAILED;
}

/* ---- get ---- */

/* Not what its CRC says, twice. */
static esp_err_t give_up(struct ud_nvs *n, const struct item *it)
{
    char key[sizeof it->key + 1];
    ud_strcopy(key, sizeof key, (const char *)it->key, sizeof it->key);
    (void)ud_note(n->flash->observer, UD_NOTE_NVS_DAMAGED, ESP_ERR_NVS_NOT_FOUND,
                  n->part.addr + it->page * UD_NVS_PAGE_BYTES + DATA_OFFSET + it->at * ENTRY_BYTES, item_length(it),
                  key);
    esp_err_t err = n->read_only ? ESP_OK : ud_nvs_drop(n, it->page, it->at, it->span, true);
    return err == ESP_OK ? ESP_ERR_NVS_NOT_FOUND : err;
}

esp_err_t ud_nvs_fetch(struct ud_nvs *n, const struct item *it, uint8_t *out)
{
    bool good = false;
    esp_err_t err = ESP_OK;
    for (unsigned look = 0; look < 2 && err == ESP_OK && !good; look++) /* a bad look is not yet a bad value */
        err = ud_nvs_read_data(n, it, out, &good);
    if (err == ESP_OK && !good)
        return give_up(n, it);
    return err;
}

static esp_err_t get_variable(struct ud_nvs *n, const struct item *it, uint8_t *out, size_t *len)
{
    uint32_t size = item_length(it);
    if (!len)
        return ESP_ERR_NVS_INVALID_LENGTH;
    if (!out || *len < size) {
        *len = size;
        return out ? ESP_ERR_NVS_INVALID_LENGTH : ESP_OK;
    }
    esp_err_t err = it->type == TYPE_INDEX ? ud_nvs_get_blob(n, it, out) : ud_nvs_fetch(n, it, out);
    if (err == ESP_OK && it->type == UD_NVS_STR && (size == 0 || out[size - 1] != 0))
        err = ESP_ERR_NVS_NOT_FOUND; /* no string for anybody who relies on its end */
    if (err == ESP_OK)
        *len = size;
    return err;
}

esp_err_t ud_nvs_get(struct ud_nvs *n, uint8_t ns, const char *key_text, enum ud_nvs_type type, void *out, size_t *len)
{
    uint8_t key[16];
    struct item it;
    struct query q = {
        .ns = ns, .key = key, .kind = type == UD_NVS_BLOB ? KIND_BLOB : KIND_TYPE, .type = (uint8_t)type
    };
    esp_err_t err = ud_nvs_may_read(n);
    if (err != ESP_OK)
        return err;
    if (!ud_nvs_key_make(key_text, key))
        return ESP_ERR_NVS_NOT_FOUND;
    err = ud_nvs_search(n, &q, &it);
    if (err != ESP_OK)
        return err;
    if (!ud_nvs_is_scalar(it.type))
        return get_variable(n, &it, out, len);
    uint8_t size = ud_nvs_scalar_bytes(it.type);
    if (!len || (out && *len < size))
        return ESP_ERR_NVS_INVALID_LENGTH;
    if (out)
        memcpy(out, it.value, size);
    *len = size;
    return ESP_OK;
}

/* ---- find and erase ---- */

esp_err_t ud_nvs_find(struct ud_nvs *n, uint8_t ns, const char *key_text, enum ud_nvs_type *type)
{
    uint8_t key[16];
    struct item it;
    struct query q = { .ns = ns, .key = key, .kind = KIND_HEAD };
    esp_err_t err = ud_nvs_may_read(n);
    if (err == ESP_OK && !ud_nvs_key_make(key_text, key))
        err = ESP_ERR_NVS_NOT_FOUND;
    if (err == ESP_OK)
        err = ud_nvs_search(n, &q, &it);
    if (err == ESP_OK)
        *type = it.type == TYPE_INDEX || it.type == TYPE_BLOB_1 ? UD_NVS_BLOB : (enum ud_nvs_type)it.type;
    return err;
}

esp_err_t ud_nvs_erase(struct ud_nvs *n, const struct ud_nvs_key *k)
{
    uint8_t key[16];
    struct item it;
    struct query q = { .ns = k->ns, .key = key, .kind = KIND_HEAD };
    esp_err_t err = ud_nvs_may_write(n);
    if (err == ESP_OK && !ud_nvs_key_make(k->key, key))
        err = ESP_ERR_NVS_NOT_FOUND;
    if (err == ESP_OK)
        err = ud_nvs_search(n, &q, &it);
    return err == ESP_OK ? ud_nvs_remove_matches(n, &q, NULL, k->purge) : err;
}

esp_err_t ud_nvs_erase_all(struct ud_nvs *n, uint8_t ns, bool purge)
{
    struct scan s;
    struct item it;
    esp_err_t err = ud_nvs_may_write(n);
    ud_nvs_scan(&s, n);
    while (err == ESP_OK && (err = ud_nvs_scan_next(&s, &it)) == ESP_OK)
        if (it.ns == ns)
            err = ud_nvs_remove(n, &it, purge);
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

esp_err_t ud_nvs_purge(struct ud_nvs *n, uint8_t ns)
{
    esp_err_t err = ud_nvs_may_write(n);
    for (uint16_t page = n->used_first; err == ESP_OK && page != NO_PAGE; page = n->page[page].after) {
        for (unsigned at = 0; err == ESP_OK && at < UD_NVS_ENTRIES; at++) {
            uint8_t bytes[ENTRY_BYTES];
            struct item it;
            if (ud_nvs_entry_state(&n->page[page], at) != ENTRY_ERASED)
                continue;
            err = ud_nvs_read_entries(n, page, (uint8_t)at, bytes, sizeof bytes);
            if (err != ESP_OK || !ud_nvs_item_decode(bytes, (uint8_t)at, &it) || it.ns != ns)
                continue;
            /* The span is what the header says, but only what was erased is overwritten. */
            for (unsigned i = at; err == ESP_OK && i < at + it.span; i++)
                if (ud_nvs_entry_state(&n->page[page], i) == ENTRY_ERASED)
                    err = ud_nvs_drop(n, page, i, 1, true);
        }
    }
    return err;
}
