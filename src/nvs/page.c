/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page: its states, what is appended to it and what is given up.
 *
 * The order of writes is ESP-IDF's, and it is what makes a loss of power harmless: an entry first, then the state that
 * makes it count; a header before the data that it announces, so that an item with an entry missing is known for what
 * it is. After an error of an erase or program memory and flash may disagree: `failed` stops all further use.
 */
#include "room.h"

static uint32_t page_address(uint16_t page)
{
    return page * UD_NVS_PAGE_BYTES;
}

esp_err_t ud_nvs_read(const struct ud_nvs *n, uint16_t page, uint32_t off, void *buf, uint32_t len)
{
    return ud_partition_read(n->flash, &n->part, page_address(page) + off, buf, len);
}

esp_err_t ud_nvs_read_entries(const struct ud_nvs *n, uint16_t page, uint8_t at, void *buf, uint32_t len)
{
    return ud_nvs_read(n, page, DATA_OFFSET + at * ENTRY_BYTES, buf, len);
}

static esp_err_t write_bytes(struct ud_nvs *n, uint16_t page, uint32_t off, const void *data, uint32_t len)
{
    esp_err_t err = ud_partition_write(n->flash, &n->part, page_address(page) + off, data, len);
    n->failed |= err != ESP_OK;
    return err;
}

esp_err_t ud_nvs_write_entries(struct ud_nvs *n, uint16_t page, unsigned at, const void *data, uint32_t len)
{
    return write_bytes(n, page, DATA_OFFSET + at * ENTRY_BYTES, data, len);
}

esp_err_t ud_nvs_erase_sector(struct ud_nvs *n, uint16_t page)
{
    esp_err_t err = ud_partition_erase(n->flash, &n->part, page_address(page), UD_NVS_PAGE_BYTES);
    n->failed |= err != ESP_OK;
    return err;
}

/* ---- states ---- */

unsigned ud_nvs_entry_state(const struct ud_nvs_page *p, unsigned at)
{
    return (unsigned)p->map[at / 4] >> at % 4 * 2 & 3u;
}

bool ud_nvs_all_written(const struct ud_nvs_page *p, unsigned at, unsigned span)
{
    for (unsigned i = at; i < at + span; i++)
        if (ud_nvs_entry_state(p, i) != ENTRY_WRITTEN)
            return false;
    return true;
}

static void set_state(struct ud_nvs_page *p, unsigned at, unsigned state)
{
    unsigned shift = at % 4 * 2;
    unsigned was = ud_nvs_entry_state(p, at);
    p->written = (uint8_t)(p->written + (state == ENTRY_WRITTEN) - (was == ENTRY_WRITTEN));
    p->map[at / 4] = (uint8_t)((p->map[at / 4] & ~(3u << shift)) | state << shift);
}

esp_err_t ud_nvs_mark(struct ud_nvs *n, uint16_t page, unsigned at, unsigned end, unsigned state)
{
    struct ud_nvs_page *p = &n->page[page];
    esp_err_t err = ESP_OK;
    for (unsigned word = (end + 15) / 16; err == ESP_OK && word-- > at / 16;) {
        for (unsigned i = word * 16; i < word * 16 + 16; i++)
            if (i >= at && i < end)
                set_state(p, i, state);
        err = write_bytes(n, page, MAP_OFFSET + word * 4, p->map + word * 4, 4);
    }
    return err;
}

esp_err_t ud_nvs_mark_page(struct ud_nvs *n, uint16_t page, uint8_t state)
{
    uint8_t word[4] = { state == PAGE_FULL ? 0xFC : 0xF8, 0xFF, 0xFF, 0xFF };
    n->page[page].state = state;
    return write_bytes(n, page, 0, word, sizeof word);
}

esp_err_t ud_nvs_write_header(struct ud_nvs *n, uint16_t page)
{
    uint8_t header[HEADER_BYTES];
    ud_nvs_header_encode(n->page[page].seq, header);
    n->page[page].state = PAGE_ACTIVE;
    return write_bytes(n, page, 0, header, sizeof header);
}

/* ---- items ---- */

esp_err_t ud_nvs_drop(struct ud_nvs *n, uint16_t page, unsigned at, unsigned span, bool purge)
{
    static const uint8_t zeros[ENTRY_BYTES] = { 0 };
    esp_err_t err = ud_nvs_mark(n, page, at, at + span, ENTRY_ERASED);
    for (unsigned i = at; purge && err == ESP_OK && i < at + span; i++)
        err = ud_nvs_write_entries(n, page, i, zeros, sizeof zeros);
    return err;
}

/* Entries that are complete in one go, the last one filled up. */
static esp_err_t append_data(struct ud_nvs *n, uint16_t page, const uint8_t *data, uint32_t len)
{
    struct ud_nvs_page *p = &n->page[page];
    uint32_t whole = len / ENTRY_BYTES;
    uint32_t rest = len % ENTRY_BYTES;
    esp_err_t err = ESP_OK;
    if (whole > 0) {
        err = ud_nvs_write_entries(n, page, p->next, data, whole * ENTRY_BYTES);
        if (err == ESP_OK)
            err = ud_nvs_mark(n, page, p->next, p->next + whole, ENTRY_WRITTEN);
        p->next = (uint8_t)(p->next + whole);
    }
    if (rest > 0 && err == ESP_OK) {
        uint8_t last[ENTRY_BYTES];
        memset(last, 0xFF, sizeof last);
        memcpy(last, data + whole * ENTRY_BYTES, rest);
        err = ud_nvs_write_entries(n, page, p->next, last, sizeof last);
        if (err == ESP_OK)
            err = ud_nvs_mark(n, page, p->next, p->next + 1u, ENTRY_WRITTEN);
        p->next++;
    }
    return err;
}

esp_err_t ud_nvs_append(struct ud_nvs *n, struct item *it, const void *data, uint32_t len)
{
    struct ud_nvs_page *p = &n->page[n->used_last];
    uint8_t header[ENTRY_BYTES];
    it->page = n->used_last;
    it->at = p->next;
    it->span = (uint8_t)ud_nvs_span(len);
    ud_nvs_item_encode(it, header);
    esp_err_t err = p->state == PAGE_FRESH ? ud_nvs_write_header(n, it->page) : ESP_OK;
    if (err == ESP_OK)
        err = ud_nvs_write_entries(n, it->page, it->at, header, sizeof header);
    if (err == ESP_OK)
        err = ud_nvs_mark(n, it->page, it->at, it->at + 1u, ENTRY_WRITTEN);
    p->next++;
    return err == ESP_OK ? append_data(n, it->page, data, len) : err;
}

esp_err_t ud_nvs_read_data(const struct ud_nvs *n, const struct item *it, uint8_t *out, bool *good)
{
    uint32_t len = item_length(it);
    esp_err_t err = ud_nvs_read_entries(n, it->page, (uint8_t)(it->at + 1), out, len);
    *good = err == ESP_OK && ud_nvs_crc(NVS_CRC_START, out, len) == ud_load_le32(it->value + 4);
    return err;
}

esp_err_t ud_nvs_data_equals(const struct ud_nvs *n, const struct item *it, const uint8_t *data, bool *equal)
{
    uint8_t piece[WINDOW * ENTRY_BYTES];
    uint32_t len = item_length(it);
    *equal = true;
    for (uint32_t off = 0; off < len && *equal; off += sizeof piece) {
        uint32_t now = len - off < sizeof piece ? len - off : (uint32_t)sizeof piece;
        esp_err_t err = ud_nvs_read(n, it->page, DATA_OFFSET + (it->at + 1u) * ENTRY_BYTES + off, piece, now);
        if (err != ESP_OK)
            return err;
        *equal = memcmp(piece, data + off, now) == 0;
    }
    return ESP_OK;
}
