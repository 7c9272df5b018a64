/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init: find the pages, and end what a loss of power has left half done. In this order, which is ESP-IDF's:
 *
 *   1. pages are told from rubbish by their headers; nothing is written yet, so that whatever cannot be used is left
 *      as it is (a later version; entries that all make no sense, as encrypted ones would)
 *   2. each page: entries that do not count although they are written, items that are not whole, on the page that was
 *      written to last also an older value beside a newer one
 *   3. an older value on another page than the newest one
 *   4. a page that was being copied: the copy is thrown away and made again
 *   5. blobs: indexes whose chunks do not fit, chunks without an index
 *
 * All that is given up is overwritten with zeros. A read-only partition is left alone: what does not count there is not
 * seen by the walk over items either.
 *
 * Differences from ESP-IDF (docs/compatibility.md): keys are compared, not 24 bits of a hash; chunks only with the
 * chunk of the same index; values of another type are old values too; a page is only thrown away if it is a copy.
 */
#include "room.h"

#define SENSELESS_MIN 4u /* entries in use, none of which makes sense: no accident of single entries any more */

/* What init gives up, for the one note about it. */
struct tally {
    struct ud_nvs *n;
    uint32_t entries;
    uint32_t pages;
};

static esp_err_t refuse(const struct ud_nvs *n, esp_err_t err, uint16_t page, const char *why)
{
    return ud_note(n->flash->observer, UD_NOTE_NVS_REFUSED, err, n->part.addr + page * UD_NVS_PAGE_BYTES, n->page_count,
                   why);
}

/* ---- 1. pages ---- */

static esp_err_t is_sector_blank(const struct ud_nvs *n, uint16_t page, bool *blank)
{
    uint8_t piece[WINDOW * ENTRY_BYTES];
    *blank = true;
    for (uint32_t off = 0; *blank && off < UD_NVS_PAGE_BYTES; off += sizeof piece) {
        esp_err_t err = ud_nvs_read(n, page, off, piece, sizeof piece);
        if (err != ESP_OK)
            return err;
        *blank = ud_nvs_is_blank(piece, sizeof piece);
    }
    return ESP_OK;
}

static esp_err_t load_page(struct tally *t, uint16_t page)
{
    struct ud_nvs *n = t->n;
    struct ud_nvs_page *p = &n->page[page];
    uint8_t bytes[DATA_OFFSET];
    memset(p, 0, sizeof *p);
    esp_err_t err = ud_nvs_read(n, page, 0, bytes, sizeof bytes);
    if (err != ESP_OK)
        return err;
    bool blank = false;
    switch (ud_nvs_header_decode(bytes, &p->state, &p->seq)) {
    case HEADER_GOOD:
        memcpy(p->map, bytes + MAP_OFFSET, sizeof p->map);
        for (unsigned i = 0; i < UD_NVS_ENTRIES; i++) {
            p->written = (uint8_t)(p->written + (ud_nvs_entry_state(p, i) == ENTRY_WRITTEN));
            if (ud_nvs_entry_state(p, i) != ENTRY_EMPTY)
                p->next = (uint8_t)(i + 1);
        }
        ud_nvs_list_used(n, page);
        return ESP_OK;
    case HEADER_NEWER:
        return refuse(n, ESP_ERR_NVS_NEW_VERSION_FOUND, page, "a page is of a later format");
    case HEADER_NONE:
        err = is_sector_blank(n, page, &blank);
        break;
    case HEADER_BAD:
        break;
    }
    p->state = blank ? PAGE_BLANK : PAGE_RUBBISH;
    t->pages += !blank;
    ud_nvs_list_free(n, page);
    return err;
}

/* Is there one item at all, if there should be some? */
static esp_err_t makes_sense(const struct ud_nvs *n, bool *sense)
{
    uint32_t written = 0;
    for (uint16_t page = n->used_first; page != NO_PAGE; page = n->page[page].after)
        written += n->page[page].written;
    struct scan s;
    struct item it;
    ud_nvs_scan(&s, n);
    esp_err_t err = ud_nvs_scan_next(&s, &it);
    *sense = err == ESP_OK || written < SENSELESS_MIN;
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

/* ---- 2. each page ---- */

static esp_err_t give_up(struct tally *t, uint16_t page, unsigned at, unsigned span)
{
    t->entries += span;
    return ud_nvs_drop(t->n, page, at, span, true);
}

/*
 * Give up what was never whole. A torn change from EMPTY to ERASED may read WRITTEN: if header and data were changed at
 * once, a second loss of power could make the item whole, with data that are not there, and cost the old value. So the
 * header goes first, and entries are overwritten before their state is changed.
 */
static esp_err_t discard(struct tally *t, uint16_t page, unsigned at, unsigned span)
{
    static const uint8_t zeros[ENTRY_BYTES] = { 0 };
    struct ud_nvs *n = t->n;
    esp_err_t err = ESP_OK;
    if (ud_nvs_entry_state(&n->page[page], at) != ENTRY_EMPTY)
        err = ud_nvs_mark(n, page, at, at + 1, ENTRY_ERASED);
    for (unsigned i = at; err == ESP_OK && i < at + span; i++)
        err = ud_nvs_write_entries(n, page, i, zeros, sizeof zeros);
    t->entries += span;
    return err == ESP_OK ? ud_nvs_mark(n, page, at, at + span, ENTRY_ERASED) : err;
}

/* Entries whose state says that they are empty, although they were written to, end behind the last such one. */
static esp_err_t find_end(struct ud_nvs *n, uint16_t page)
{
    struct ud_nvs_page *p = &n->page[page];
    uint8_t piece[WINDOW * ENTRY_BYTES];
    for (unsigned at = p->next; at < UD_NVS_ENTRIES; at += WINDOW) {
        unsigned now = UD_NVS_ENTRIES - at < WINDOW ? UD_NVS_ENTRIES - at : WINDOW;
        esp_err_t err = ud_nvs_read_entries(n, page, (uint8_t)at, piece, now * ENTRY_BYTES);
        if (err != ESP_OK)
            return err;
        for (unsigned i = 0; i < now; i++)
            if (!ud_nvs_is_blank(piece + i * ENTRY_BYTES, ENTRY_BYTES))
                p->next = (uint8_t)(at + i + 1);
    }
    return ESP_OK;
}

/* One entry, or the item that it begins. `*span`: entries that are settled. */
static esp_err_t settle(struct tally *t, uint16_t page, unsigned at, unsigned *span)
{
    struct ud_nvs *n = t->n;
    struct ud_nvs_page *p = &n->page[page];
    bool open = p->state == PAGE_ACTIVE;
    uint8_t bytes[ENTRY_BYTES];
    struct item it;
    *span = 1;
    switch (ud_nvs_entry_state(p, at)) {
    case ENTRY_ERASED:
        return ESP_OK;
    case ENTRY_EMPTY:
    case ENTRY_ILLEGAL:
        return open ? discard(t, page, at, 1) : ESP_OK;
    default:
        break;
    }
    bool sound = false;
    for (unsigned look = 0; look < 2 && !sound; look++) { /* before anything is erased */
        esp_err_t err = ud_nvs_read_entries(n, page, (uint8_t)at, bytes, sizeof bytes);
        if (err != ESP_OK)
            return err;
        sound = ud_nvs_item_decode(bytes, (uint8_t)at, &it);
    }
    if (!sound)
        return give_up(t, page, at, 1);
    *span = it.span;
    if (p->next < at + it.span)
        p->next = (uint8_t)(at + it.span);
    return ud_nvs_all_written(p, at, it.span) ? ESP_OK : discard(t, page, at, it.span);
}

/* Does `later` replace `earlier`? Both are whole. */
static bool supersedes(const struct ud_nvs *n, const struct item *later, const struct item *earlier)
{
    struct query q = { .ns = later->ns, .key = later->key, .kind = KIND_SAME, .type = later->type };
    if (later->type == TYPE_CHUNK)
        q = (struct query){
            .ns = later->ns, .key = later->key, .kind = KIND_CHUNK, .chunk = later->chunk, .chunks = 1
        };
    return ud_nvs_matches(n, &q, earlier);
}

static esp_err_t drop_doubles(struct tally *t, uint16_t page)
{
    struct scan s, before;
    struct item it, old;
    esp_err_t err;
    ud_nvs_scan_page(&s, t->n, page);
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        ud_nvs_scan_page(&before, t->n, page);
        while ((err = ud_nvs_scan_next(&before, &old)) == ESP_OK && old.at < it.at) {
            if (!supersedes(t->n, &it, &old))
                continue;
            err = give_up(t, page, old.at, old.span);
            if (err != ESP_OK)
                return err;
        }
        if (err != ESP_OK && err != ESP_ERR_NVS_NOT_FOUND)
            return err;
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

static esp_err_t settle_page(struct tally *t, uint16_t page)
{
    struct ud_nvs_page *p = &t->n->page[page];
    bool open = p->state == PAGE_ACTIVE;
    esp_err_t err = open ? find_end(t->n, page) : ESP_OK;
    unsigned span;
    for (unsigned at = 0; err == ESP_OK && at < p->next; at += span)
        err = settle(t, page, at, &span);
    return err == ESP_OK && open ? drop_doubles(t, page) : err;
}

/* ---- 3. an older value on another page ---- */

static esp_err_t last_item(const struct ud_nvs *n, uint16_t page, struct item *it)
{
    struct scan s;
    struct item next;
    esp_err_t err;
    bool any = false;
    ud_nvs_scan_page(&s, n, page);
    while ((err = ud_nvs_scan_next(&s, &next)) == ESP_OK) {
        *it = next;
        any = true;
    }
    return any && err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

static esp_err_t drop_older(struct tally *t)
{
    struct ud_nvs *n = t->n;
    struct item newest, old;
    struct scan s;
    esp_err_t err = last_item(n, n->used_last, &newest);
    ud_nvs_scan(&s, n);
    while (err == ESP_OK && (err = ud_nvs_scan_next(&s, &old)) == ESP_OK) {
        if (old.page == newest.page || n->page[old.page].state == PAGE_FREEING || !supersedes(n, &newest, &old))
            continue;
        err = give_up(t, old.page, old.at, old.span);
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

/* ---- 4. a page that was being copied ---- */

static bool equal_items(const struct item *a, const struct item *b)
{
    return a->ns == b->ns && a->type == b->type && a->span == b->span && a->chunk == b->chunk &&
           ud_nvs_key_equal(a->key, b->key) && memcmp(a->value, b->value, sizeof a->value) == 0;
}

/* Does the newest page hold what `victim` holds, from its first item on, and nothing else? */
static esp_err_t is_copy(const struct ud_nvs *n, uint16_t victim, bool *copy)
{
    struct scan from, to;
    struct item original, copied;
    esp_err_t err;
    *copy = true;
    ud_nvs_scan_page(&from, n, victim);
    ud_nvs_scan_page(&to, n, n->used_last);
    while (*copy && (err = ud_nvs_scan_next(&to, &copied)) != ESP_ERR_NVS_NOT_FOUND) {
        if (err == ESP_OK)
            err = ud_nvs_scan_next(&from, &original);
        if (err != ESP_OK && err != ESP_ERR_NVS_NOT_FOUND)
            return err;
        *copy = err == ESP_OK && equal_items(&original, &copied);
    }
    return ESP_OK;
}

static esp_err_t throw_away_newest(struct ud_nvs *n)
{
    uint16_t page = n->used_last;
    esp_err_t err = ud_nvs_erase_sector(n, page);
    if (err != ESP_OK)
        return err;
    ud_nvs_unlist_used(n, page);
    n->page[page].state = PAGE_BLANK;
    ud_nvs_list_free(n, page);
    return ESP_OK;
}

static esp_err_t finish_copy(struct ud_nvs *n)
{
    uint16_t victim = n->used_first;
    while (victim != NO_PAGE && n->page[victim].state != PAGE_FREEING)
        victim = n->page[victim].after;
    if (victim == NO_PAGE)
        return ESP_OK;
    if (n->page[n->used_last].state == PAGE_ACTIVE) {
        bool copy;
        esp_err_t err = is_copy(n, victim, &copy);
        /* Without a copy it is a page like any other, whatever its state came from; it may be collected in its turn. */
        if (err != ESP_OK || !copy)
            return err;
        err = throw_away_newest(n);
        if (err != ESP_OK)
            return err;
    }
    return n->free_count > 0 ? ud_nvs_collect(n, victim) : ESP_OK;
}

/* ---- 5. blobs ---- */

static esp_err_t check_index(struct tally *t, const struct item *index)
{
    struct ud_nvs *n = t->n;
    struct query q = {
        .ns = index->ns, .key = index->key, .kind = KIND_CHUNK, .chunk = index_start(index), .chunks = CHUNKS_MAX
    };
    struct scan s;
    struct item chunk;
    uint32_t chunks = 0, bytes = 0;
    esp_err_t err;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &chunk)) == ESP_OK) {
        if (ud_nvs_matches(n, &q, &chunk)) {
            chunks++;
            bytes += item_length(&chunk);
        }
    }
    if (err != ESP_ERR_NVS_NOT_FOUND)
        return err;
    if (chunks == index_chunks(index) && bytes == item_length(index))
        return ESP_OK;
    return give_up(t, index->page, index->at, index->span);
}

static esp_err_t check_chunk(struct tally *t, const struct item *chunk)
{
    struct scan s;
    struct item index;
    esp_err_t err;
    ud_nvs_scan(&s, t->n);
    while ((err = ud_nvs_scan_next(&s, &index)) == ESP_OK) {
        struct query q = {
            .ns = index.ns, .key = index.key, .kind = KIND_CHUNK, .chunk = index_start(&index), .chunks = CHUNKS_MAX
        };
        if (index.type == TYPE_INDEX && ud_nvs_matches(t->n, &q, chunk))
            return ESP_OK;
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? give_up(t, chunk->page, chunk->at, chunk->span) : err;
}

static esp_err_t each_of(struct tally *t, uint8_t type, esp_err_t (*check)(struct tally *t, const struct item *it))
{
    struct scan s;
    struct item it;
    esp_err_t err;
    ud_nvs_scan(&s, t->n);
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        if (it.type == type && (err = check(t, &it)) != ESP_OK)
            return err;
    }
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

/* ---- all of it ---- */

static esp_err_t recover(struct tally *t)
{
    struct ud_nvs *n = t->n;
    esp_err_t err = ESP_OK;
    for (uint16_t page = n->used_first; err == ESP_OK && page != NO_PAGE; page = n->page[page].after)
        err = settle_page(t, page);
    if (err == ESP_OK)
        err = drop_older(t);
    if (err == ESP_OK)
        err = finish_copy(n);
    if (err == ESP_OK && n->free_count == 0)
        return refuse(n, ESP_ERR_NVS_NO_FREE_PAGES, n->used_first, "no page is blank");
    if (err == ESP_OK)
        err = each_of(t, TYPE_INDEX, check_index);
    if (err == ESP_OK)
        err = each_of(t, TYPE_CHUNK, check_chunk);
    return err;
}

static esp_err_t load(struct tally *t)
{
    struct ud_nvs *n = t->n;
    esp_err_t err = ESP_OK;
    for (uint16_t page = 0; err == ESP_OK && page < n->page_count; page++)
        err = load_page(t, page);
    if (err != ESP_OK)
        return err;
    if (n->used_first == NO_PAGE) {
        if (n->free_first == NO_PAGE)
            return refuse(n, ESP_ERR_NVS_NO_FREE_PAGES, 0, "it is smaller than a page");
        return n->read_only ? ESP_OK : ud_nvs_take_page(n);
    }
    bool sense;
    err = makes_sense(n, &sense);
    if (err != ESP_OK)
        return err;
    if (!sense)
        return refuse(n, ESP_ERR_NVS_WRONG_ENCRYPTION, n->used_first, "no entry makes sense: it may be encrypted");
    return n->read_only ? ESP_OK : recover(t);
}

esp_err_t ud_nvs_init(struct ud_nvs *n, struct ud_flash *flash, const struct ud_partition *part,
                      struct ud_nvs_page *page, uint32_t page_max)
{
    uint32_t count = part->size / UD_NVS_PAGE_BYTES;
    struct tally t = { .n = n };
    if (flash->geometry.sector == 0 || UD_NVS_PAGE_BYTES % flash->geometry.sector != 0)
        return ESP_ERR_NOT_SUPPORTED;
    if (part->addr % flash->geometry.sector != 0)
        return ESP_ERR_INVALID_ARG;
    if (count > page_max || count > UD_NVS_PAGES_MAX)
        return ESP_ERR_INVALID_SIZE;
    *n = (struct ud_nvs){ .keep_types = n->keep_types,
                          .flash = flash,
                          .part = *part,
                          .page = page,
                          .page_count = (uint16_t)count,
                          .used_first = NO_PAGE,
                          .used_last = NO_PAGE,
                          .free_first = NO_PAGE,
                          .free_last = NO_PAGE,
                          .read_only = (part->flags & UD_PART_FLAG_READONLY) != 0 };
    esp_err_t err = load(&t);
    if (t.entries > 0 || t.pages > 0)
        (void)ud_note(flash->observer, UD_NOTE_NVS_RECOVERED, err, t.entries, t.pages, n->part.label);
    n->failed |= err != ESP_OK;
    return err;
}
