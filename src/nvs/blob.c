/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs of version 2: chunks on as many pages as it takes, then an index that makes them count. The chunks of a new
 * value are numbered from 0 and from 0x80 in turn, so that they are never taken for those of the old one.
 */
#include "room.h"

#define FIRST_CHUNK_MIN 400u /* bytes: with less room than this a blob begins on a new page */

static struct query chunks_of(const struct item *index)
{
    return (struct query){ .ns = index->ns,
                           .key = index->key,
                           .kind = KIND_CHUNK,
                           .chunk = index_start(index),
                           .chunks = index_chunks(index) };
}

/* Whole and in order: `visit` gets each chunk. ESP_FAIL when one is missing or the lengths do not add up. */
static esp_err_t each_chunk(struct ud_nvs *n, const struct item *index, void *ctx,
                            esp_err_t (*visit)(struct ud_nvs *n, const struct item *chunk, uint32_t off, void *ctx))
{
    struct query q = chunks_of(index);
    uint32_t total = item_length(index);
    uint32_t off = 0;
    q.chunks = 1;
    for (unsigned i = 0; i < index_chunks(index); i++, q.chunk++) {
        struct item chunk;
        esp_err_t err = ud_nvs_search(n, &q, &chunk);
        if (err != ESP_OK)
            return err == ESP_ERR_NVS_NOT_FOUND ? ESP_FAIL : err;
        if (item_length(&chunk) > total - off)
            return ESP_FAIL;
        err = visit(n, &chunk, off, ctx);
        if (err != ESP_OK)
            return err;
        off += item_length(&chunk);
    }
    return off == total ? ESP_OK : ESP_FAIL;
}

/* ---- get ---- */

static esp_err_t fetch_chunk(struct ud_nvs *n, const struct item *chunk, uint32_t off, void *ctx)
{
    return ud_nvs_fetch(n, chunk, (uint8_t *)ctx + off);
}

esp_err_t ud_nvs_get_blob(struct ud_nvs *n, const struct item *head, uint8_t *out)
{
    esp_err_t err = ESP_FAIL;
    for (unsigned look = 0; look < 2 && err == ESP_FAIL; look++) /* before anything is erased */
        err = each_chunk(n, head, out, fetch_chunk);
    if (err != ESP_FAIL || n->read_only)
        return err;
    esp_err_t removed = ud_nvs_remove(n, head, true);
    return removed == ESP_OK ? ESP_FAIL : removed;
}

/* ---- set ---- */

struct compared {
    const uint8_t *data;
    bool equal;
};

static esp_err_t compare_chunk(struct ud_nvs *n, const struct item *chunk, uint32_t off, void *ctx)
{
    struct compared *c = ctx;
    const uint8_t *data = c->data + off;
    if (ud_nvs_crc(NVS_CRC_START, data, item_length(chunk)) != ud_load_le32(chunk->value + 4))
        c->equal = false;
    return c->equal ? ud_nvs_data_equals(n, chunk, data, &c->equal) : ESP_FAIL;
}

/* Every byte is compared, where ESP-IDF compares CRCs of the wrong bytes. */
static esp_err_t is_stored(struct ud_nvs *n, const struct item *index, const uint8_t *data, uint32_t len, bool *same)
{
    struct compared c = { .data = data, .equal = true };
    *same = false;
    if (item_length(index) != len)
        return ESP_OK;
    esp_err_t err = each_chunk(n, index, &c, compare_chunk);
    *same = err == ESP_OK && c.equal;
    return err == ESP_FAIL ? ESP_OK : err;
}

static uint32_t data_room(const struct ud_nvs *n)
{
    unsigned entries = ud_nvs_room(n);
    return entries > 0 ? (entries - 1) * ENTRY_BYTES : 0;
}

static esp_err_t append_chunk(struct ud_nvs *n, const struct item *index, uint8_t chunk, const uint8_t *data,
                              uint32_t len)
{
    struct item it = *index;
    it.type = TYPE_CHUNK;
    it.chunk = chunk;
    memset(it.value, 0xFF, sizeof it.value);
    ud_store_le16(it.value, (uint16_t)len);
    ud_store_le32(it.value + 4, ud_nvs_crc(NVS_CRC_START, data, len));
    return ud_nvs_append(n, &it, data, len);
}

/* All chunks, and room for the index behind them. `*count` is right after an error too. */
static esp_err_t append_chunks(struct ud_nvs *n, const struct item *index, uint8_t start, const uint8_t *data,
                               uint32_t len, uint8_t *count)
{
    uint32_t room = data_room(n);
    esp_err_t err = ESP_OK;
    *count = 0;
    if ((room < len || room == 0) && room < FIRST_CHUNK_MIN)
        err = ud_nvs_next_page(n, len > 0 ? 2 : 1);
    for (uint32_t off = 0; err == ESP_OK;) {
        if (*count == CHUNKS_MAX)
            return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
        room = data_room(n);
        uint32_t now = room < len - off ? room : len - off;
        err = append_chunk(n, index, (uint8_t)(start + *count), data + off, now);
        if (err != ESP_OK)
            return err;
        ++*count;
        off += now;
        if (off == len && data_room(n) >= ENTRY_BYTES)
            return ESP_OK;
        err = ud_nvs_next_page(n, off < len ? 2 : 1);
        if (off == len)
            return err;
    }
    return err;
}

/* Where the new chunks are numbered from. What stands in the way there, an older index or chunks, is given up. */
static esp_err_t choose_start(struct ud_nvs *n, const struct item *old, uint8_t *start)
{
    struct query other = { .ns = old->ns, .key = old->key, .kind = KIND_TYPE, .type = TYPE_INDEX };
    struct query strays = { .ns = old->ns, .key = old->key, .kind = KIND_CHUNK, .chunks = CHUNKS_MAX };
    *start = old->type == TYPE_INDEX && index_start(old) == 0 ? SECOND_START : 0;
    strays.chunk = *start;
    esp_err_t err = old->type == TYPE_INDEX ? ud_nvs_remove_matches(n, &other, old, true) : ESP_OK;
    return err == ESP_OK ? ud_nvs_remove_matches(n, &strays, NULL, true) : err;
}

esp_err_t ud_nvs_set_blob(struct ud_nvs *n, uint8_t ns, const uint8_t key[16], const uint8_t *data, uint32_t len,
                          bool purge, struct item *stored)
{
    struct query q = { .ns = ns, .key = key, .kind = KIND_TYPE, .type = TYPE_INDEX };
    struct item old;
    bool same = false;
    esp_err_t err = ud_nvs_search(n, &q, &old);
    if (err == ESP_OK)
        err = is_stored(n, &old, data, len, &same);
    if (same)
        return ESP_ERR_NOT_FINISHED;
    *stored = (struct item){ .ns = ns, .type = TYPE_INDEX, .chunk = NO_CHUNK };
    memcpy(stored->key, key, sizeof stored->key);
    if (err == ESP_ERR_NVS_NOT_FOUND) {
        old = *stored;
        old.type = 0;
        err = ESP_OK;
    }
    uint8_t start = 0, count = 0;
    if (err == ESP_OK)
        err = choose_start(n, &old, &start);
    if (err == ESP_OK) {
        err = append_chunks(n, stored, start, data, len, &count);
        if (err != ESP_OK && count > 0 && !n->failed) {
            struct query mine = { .ns = ns, .key = key, .kind = KIND_CHUNK, .chunk = start, .chunks = count };
            esp_err_t undone = ud_nvs_remove_matches(n, &mine, NULL, purge);
            n->failed |= undone != ESP_OK;
            return undone == ESP_OK ? err : undone;
        }
    }
    if (err != ESP_OK)
        return err;
    memset(stored->value, 0xFF, sizeof stored->value);
    ud_store_le32(stored->value, len);
    stored->value[4] = count;
    stored->value[5] = start;
    return ud_nvs_append(n, stored, NULL, 0);
}
