/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of pages and entries: docs/formats/nvs.md, which has every byte.
 *
 *     page   0 state  4 sequence  8 version  9 FF…  28 CRC of 4…27
 *     entry  0 namespace  1 type  2 span  3 chunk  4 CRC of 0…3 and 8…31  8 key  24 value
 */
#include "room.h"

#define STATE_BLANK   0xFFFFFFFFu
#define STATE_ACTIVE  0xFFFFFFFEu
#define STATE_FULL    0xFFFFFFFCu
#define STATE_FREEING 0xFFFFFFF8u
#define VERSION_1     0xFFu /* versions count down */
#define VERSION_2     0xFEu
#define INDEX_MAX     (CHUNKS_MAX * UD_NVS_CHUNK_MAX)

uint32_t ud_nvs_crc(uint32_t crc, const void *data, size_t len)
{
    return ud_crc32(crc, data, len);
}

bool ud_nvs_is_blank(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0xFF)
            return false;
    return true;
}

bool ud_nvs_is_scalar(uint8_t type)
{
    static const uint8_t scalars[] = { UD_NVS_U8,  UD_NVS_U16, UD_NVS_U32, UD_NVS_U64,   UD_NVS_I8,
                                       UD_NVS_I16, UD_NVS_I32, UD_NVS_I64, UD_NVS_FLOAT, UD_NVS_DOUBLE };
    for (size_t i = 0; i < sizeof scalars; i++)
        if (scalars[i] == type)
            return true;
    return false;
}

bool ud_nvs_is_variable(uint8_t type)
{
    return type == UD_NVS_STR || type == TYPE_BLOB_1 || type == TYPE_CHUNK;
}

/* ---- keys ---- */

bool ud_nvs_key_make(const char *text, uint8_t key[16])
{
    size_t len = ud_strnlen(text, UD_NVS_NAME_MAX + 1);
    memset(key, 0, 16);
    if (len > UD_NVS_NAME_MAX)
        return false;
    memcpy(key, text, len);
    return true;
}

bool ud_nvs_key_equal(const uint8_t a[16], const uint8_t b[16])
{
    for (unsigned i = 0; i < 16; i++) {
        if (a[i] != b[i])
            return false;
        if (a[i] == 0)
            return true;
    }
    return true;
}

/* ---- entries ---- */

static uint32_t entry_crc(const uint8_t *bytes)
{
    return ud_nvs_crc(ud_nvs_crc(NVS_CRC_START, bytes, 4), bytes + 8, ENTRY_BYTES - 8);
}

void ud_nvs_item_encode(const struct item *it, uint8_t bytes[ENTRY_BYTES])
{
    bytes[0] = it->ns;
    bytes[1] = it->type;
    bytes[2] = it->span;
    bytes[3] = it->chunk;
    memcpy(bytes + 8, it->key, sizeof it->key);
    memcpy(bytes + 24, it->value, sizeof it->value);
    ud_store_le32(bytes + 4, entry_crc(bytes));
}

static bool is_consistent(const struct item *it, uint8_t at)
{
    uint32_t len = item_length(it);
    if (ud_nvs_is_scalar(it->type))
        return it->span == 1;
    if (it->type == TYPE_INDEX)
        return it->span == 1 && it->chunk == NO_CHUNK && len <= INDEX_MAX && index_chunks(it) <= CHUNKS_MAX &&
               (index_start(it) == 0 || index_start(it) == SECOND_START);
    if (!ud_nvs_is_variable(it->type) || at >= UD_NVS_ENTRIES)
        return false;
    /* The span is held to the page before anything is made of it. */
    return it->span == ud_nvs_span(len) && it->span <= UD_NVS_ENTRIES - at &&
           (it->type == TYPE_CHUNK) == (it->chunk != NO_CHUNK);
}

bool ud_nvs_item_decode(const uint8_t bytes[ENTRY_BYTES], uint8_t at, struct item *it)
{
    if (ud_load_le32(bytes + 4) != entry_crc(bytes))
        return false;
    it->ns = bytes[0];
    it->type = bytes[1];
    it->span = bytes[2];
    it->chunk = bytes[3];
    memcpy(it->key, bytes + 8, sizeof it->key);
    memcpy(it->value, bytes + 24, sizeof it->value);
    it->at = at;
    return is_consistent(it, at);
}

/* ---- pages ---- */

void ud_nvs_header_encode(uint32_t seq, uint8_t bytes[HEADER_BYTES])
{
    memset(bytes, 0xFF, HEADER_BYTES);
    ud_store_le32(bytes, STATE_ACTIVE);
    ud_store_le32(bytes + 4, seq);
    bytes[8] = VERSION_2;
    ud_store_le32(bytes + 28, ud_nvs_crc(NVS_CRC_START, bytes + 4, 24));
}

enum header ud_nvs_header_decode(const uint8_t bytes[HEADER_BYTES], uint8_t *state, uint32_t *seq)
{
    static const struct {
        uint32_t word;
        uint8_t state;
    } states[] = { { STATE_ACTIVE, PAGE_ACTIVE }, { STATE_FULL, PAGE_FULL }, { STATE_FREEING, PAGE_FREEING } };
    uint32_t word = ud_load_le32(bytes);
    if (word == STATE_BLANK)
        return HEADER_NONE;
    if (ud_load_le32(bytes + 28) != ud_nvs_crc(NVS_CRC_START, bytes + 4, 24))
        return HEADER_BAD;
    if (bytes[8] < VERSION_2)
        return HEADER_NEWER;
    for (size_t i = 0; i < UD_ARRAY_LEN(states); i++) {
        if (states[i].word == word) {
            *state = states[i].state;
            *seq = ud_load_le32(bytes + 4);
            return HEADER_GOOD;
        }
    }
    return HEADER_BAD;
}
