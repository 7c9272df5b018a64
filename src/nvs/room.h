/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the room: items, pages, and the walk over them.
 *
 * An item is one entry of 32 bytes, its header, and for strings and blobs the entries of data behind it. The states of
 * all entries are in memory (page.map) and decide; headers are read from flash at each search. Nothing that was read is
 * believed: an item shows only if its header is consistent, it lies inside its page and all its entries are in use.
 */
#ifndef UPDRAFT_NVS_ROOM_H
#define UPDRAFT_NVS_ROOM_H

#include "updraft/nvs.h"

#define ENTRY_BYTES  32u
#define HEADER_BYTES 32u
#define MAP_OFFSET   32u
#define DATA_OFFSET  64u
#define NO_PAGE      0xFFFFu
#define NO_CHUNK     0xFFu
#define CHUNKS_MAX   127u
#define SECOND_START 0x80u /* of chunk indexes; blobs alternate between it and 0 */
#define WINDOW       8u    /* entries read at a time */

/* Types that do not show outside. */
enum { TYPE_BLOB_1 = 0x41, TYPE_CHUNK = 0x42, TYPE_INDEX = 0x48 };

/* States of an entry, by its two bits. */
enum { ENTRY_ERASED = 0, ENTRY_ILLEGAL = 1, ENTRY_WRITTEN = 2, ENTRY_EMPTY = 3 };

/*
 *   BLANK --taken--> FRESH --first item--> ACTIVE --no room--> FULL --collected--> FREEING --erased--> BLANK
 *   RUBBISH --taken, erased--> FRESH
 *
 * | state    | on flash | list | may be trusted                                 |
 * | BLANK    | all FF   | free | nothing is in it                               |
 * | RUBBISH  | anything | free | nothing                                        |
 * | FRESH    | all FF   | used | the last page; its header comes with an item   |
 * | ACTIVE   | FFFFFFFE | used | entries by their states; takes new ones        |
 * | FULL     | FFFFFFFC | used | the same, takes none                           |
 * | FREEING  | FFFFFFF8 | used | the same; its items are copied to a new page   |
 */
enum { PAGE_BLANK, PAGE_RUBBISH, PAGE_FRESH, PAGE_ACTIVE, PAGE_FULL, PAGE_FREEING };

struct item {
    uint8_t ns;
    uint8_t type;
    uint8_t span;
    uint8_t chunk;
    uint8_t key[16];
    uint8_t value[8];
    uint16_t page;
    uint8_t at;
};
static inline uint32_t item_length(const struct item *it) /* of a variable type; of an index: of the whole blob */
{
    return it->type == TYPE_INDEX ? ud_load_le32(it->value) : ud_load_le16(it->value);
}
static inline uint8_t index_chunks(const struct item *it)
{
    return it->value[4];
}
static inline uint8_t index_start(const struct item *it)
{
    return it->value[5];
}

/* ---- format.c ---------------------------------------------------------------------------------------------------- */

uint32_t ud_nvs_crc(uint32_t crc, const void *data, size_t len); /* begin with NVS_CRC_START */
#define NVS_CRC_START 0xFFFFFFFFu
bool ud_nvs_is_blank(const uint8_t *bytes, size_t len);
bool ud_nvs_is_scalar(uint8_t type);
bool ud_nvs_is_variable(uint8_t type);
static inline uint8_t ud_nvs_scalar_bytes(uint8_t type)
{
    return type & 0x0F;
}
static inline uint32_t ud_nvs_span(uint32_t len)
{
    return 1 + (len + ENTRY_BYTES - 1) / ENTRY_BYTES;
}
/* Key as on flash; false: too long. */
bool ud_nvs_key_make(const char *text, uint8_t key[16]);
bool ud_nvs_key_equal(const uint8_t a[16], const uint8_t b[16]);
void ud_nvs_item_encode(const struct item *it, uint8_t bytes[ENTRY_BYTES]);
/* Is this the header of a sound item if it stands at entry `at`? Fills in all but the place. */
bool ud_nvs_item_decode(const uint8_t bytes[ENTRY_BYTES], uint8_t at, struct item *it);
void ud_nvs_header_encode(uint32_t seq, uint8_t bytes[HEADER_BYTES]);
enum header { HEADER_NONE, HEADER_BAD, HEADER_NEWER, HEADER_GOOD };
enum header ud_nvs_header_decode(const uint8_t bytes[HEADER_BYTES], uint8_t *state, uint32_t *seq);

/* ---- page.c ------------------------------------------------------------------------------------------------------ */

esp_err_t ud_nvs_read(const struct ud_nvs *n, uint16_t page, uint32_t off, void *buf, uint32_t len);
esp_err_t ud_nvs_read_entries(const struct ud_nvs *n, uint16_t page, uint8_t at, void *buf, uint32_t len);
esp_err_t ud_nvs_write_entries(struct ud_nvs *n, uint16_t page, unsigned at, const void *data, uint32_t len);
esp_err_t ud_nvs_erase_sector(struct ud_nvs *n, uint16_t page);
unsigned ud_nvs_entry_state(const struct ud_nvs_page *p, unsigned at);
bool ud_nvs_all_written(const struct ud_nvs_page *p, unsigned at, unsigned span);
/* Entries [at, end) become `state`, highest word first. */
esp_err_t ud_nvs_mark(struct ud_nvs *n, uint16_t page, unsigned at, unsigned end, unsigned state);
esp_err_t ud_nvs_mark_page(struct ud_nvs *n, uint16_t page, uint8_t state);
esp_err_t ud_nvs_write_header(struct ud_nvs *n, uint16_t page);
/* Give up entries [at, at + span). */
esp_err_t ud_nvs_drop(struct ud_nvs *n, uint16_t page, unsigned at, unsigned span, bool purge);
/* Append to the current page, where there is room. The place is filled in. */
esp_err_t ud_nvs_append(struct ud_nvs *n, struct item *it, const void *data, uint32_t len);
/* Read the data of an item into `out` and compare its CRC; `*good`. */
esp_err_t ud_nvs_read_data(const struct ud_nvs *n, const struct item *it, uint8_t *out, bool *good);
esp_err_t ud_nvs_data_equals(const struct ud_nvs *n, const struct item *it, const uint8_t *data, bool *equal);

/* ---- space.c ----------------------------------------------------------------------------------------------------- */

void ud_nvs_list_used(struct ud_nvs *n, uint16_t page); /* by sequence */
void ud_nvs_list_free(struct ud_nvs *n, uint16_t page); /* at the end */
void ud_nvs_unlist_used(struct ud_nvs *n, uint16_t page);
/* Entries that the current page still takes. */
unsigned ud_nvs_room(const struct ud_nvs *n);
/* Make the current page one that takes `span` entries. */
esp_err_t ud_nvs_make_room(struct ud_nvs *n, unsigned span);
/* Leave the current page for one that takes `span` entries. */
esp_err_t ud_nvs_next_page(struct ud_nvs *n, unsigned span);
/* Copy what is in use in `victim` to a new page and erase it. */
esp_err_t ud_nvs_collect(struct ud_nvs *n, uint16_t victim);
esp_err_t ud_nvs_take_page(struct ud_nvs *n);

/* ---- scan.c ------------------------------------------------------------------------------------------------------ */

/* A walk over the items in order. What is erased meanwhile is left out; start anew after anything was written. */
struct scan {
    const struct ud_nvs *n;
    uint16_t page; /* NO_PAGE: over */
    uint16_t end;  /* page to stop before; NO_PAGE: none */
    uint8_t at;
    uint8_t base; /* of the window */
    uint8_t have; /* entries in it */
    uint8_t window[WINDOW * ENTRY_BYTES];
};
void ud_nvs_scan(struct scan *s, const struct ud_nvs *n); /* all used pages */
void ud_nvs_scan_page(struct scan *s, const struct ud_nvs *n, uint16_t page);
esp_err_t ud_nvs_scan_next(struct scan *s, struct item *it); /* ESP_ERR_NVS_NOT_FOUND at the end */

enum kind {
    KIND_TYPE,  /* of exactly `type` */
    KIND_HEAD,  /* whatever a key leads to: not chunks */
    KIND_SAME,  /* a head that a new value of `type` replaces */
    KIND_BLOB,  /* an index, or a blob of version 1 */
    KIND_CHUNK, /* chunks with an index in [chunk, chunk + chunks) */
};
struct query {
    uint8_t ns;
    const uint8_t *key;
    enum kind kind;
    uint8_t type;
    uint8_t chunk;
    uint8_t chunks;
};
bool ud_nvs_matches(const struct ud_nvs *n, const struct query *q, const struct item *it);
/* The first match in a writable partition; in a read-only one the newest, as nobody has taken old ones away. */
esp_err_t ud_nvs_search(const struct ud_nvs *n, const struct query *q, struct item *it);

/* ---- value.c, blob.c --------------------------------------------------------------------------------------------- */

/* May anything be asked, or changed? */
esp_err_t ud_nvs_may_read(const struct ud_nvs *n);
esp_err_t ud_nvs_may_write(const struct ud_nvs *n);
/* Erase an item; an index with the chunks it covers, itself first. */
esp_err_t ud_nvs_remove(struct ud_nvs *n, const struct item *it, bool purge);
/* Erase all matches but the item at this place. */
esp_err_t ud_nvs_remove_matches(struct ud_nvs *n, const struct query *q, const struct item *but, bool purge);
esp_err_t ud_nvs_get_blob(struct ud_nvs *n, const struct item *head, uint8_t *out);
esp_err_t ud_nvs_set_blob(struct ud_nvs *n, uint8_t ns, const uint8_t key[16], const uint8_t *data, uint32_t len,
                          bool purge, struct item *stored);
/* Read the data of an item whose CRC must match; else it is erased: ESP_ERR_NVS_NOT_FOUND. */
esp_err_t ud_nvs_fetch(struct ud_nvs *n, const struct item *it, uint8_t *out);

#endif
