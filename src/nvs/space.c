/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which page takes the next item. One page is always kept blank: when it is the last one, the page with most to gain is
 * copied into it and erased, and becomes the blank one. So nothing is erased before a copy of it is complete.
 */
#include "room.h"

/* ---- lists ---- */

void ud_nvs_list_used(struct ud_nvs *n, uint16_t page)
{
    uint16_t before = NO_PAGE;
    for (uint16_t i = n->used_first; i != NO_PAGE && n->page[i].seq <= n->page[page].seq; i = n->page[i].after)
        before = i;
    uint16_t *link = before == NO_PAGE ? &n->used_first : &n->page[before].after;
    n->page[page].after = *link;
    *link = page;
    if (n->page[page].after == NO_PAGE)
        n->used_last = page;
}

void ud_nvs_list_free(struct ud_nvs *n, uint16_t page)
{
    if (n->free_last == NO_PAGE)
        n->free_first = page;
    else
        n->page[n->free_last].after = page;
    n->free_last = page;
    n->page[page].after = NO_PAGE;
    n->free_count++;
}

void ud_nvs_unlist_used(struct ud_nvs *n, uint16_t page)
{
    uint16_t before = NO_PAGE;
    for (uint16_t i = n->used_first; i != page; i = n->page[i].after)
        before = i;
    if (before == NO_PAGE)
        n->used_first = n->page[page].after;
    else
        n->page[before].after = n->page[page].after;
    if (n->used_last == page)
        n->used_last = before;
}

/* ---- pages ---- */

static void forget(struct ud_nvs_page *p, uint8_t state)
{
    p->state = state;
    p->next = 0;
    p->written = 0;
    memset(p->map, 0xFF, sizeof p->map);
}

/* The first free page becomes the current one. */
esp_err_t ud_nvs_take_page(struct ud_nvs *n)
{
    uint16_t page = n->free_first;
    uint32_t seq = n->used_last == NO_PAGE ? 0 : n->page[n->used_last].seq + 1;
    if (n->used_last != NO_PAGE && seq == 0)
        return ESP_ERR_NVS_INVALID_STATE; /* the sequence has come to its end: no page would be the newest */
    esp_err_t err = n->page[page].state == PAGE_RUBBISH ? ud_nvs_erase_sector(n, page) : ESP_OK;
    if (err != ESP_OK)
        return err;
    n->free_first = n->page[page].after;
    if (n->free_first == NO_PAGE)
        n->free_last = NO_PAGE;
    n->free_count--;
    forget(&n->page[page], PAGE_FRESH);
    n->page[page].seq = seq;
    ud_nvs_list_used(n, page);
    return ESP_OK;
}

/* Entry by entry, each with its state, as ESP-IDF does. */
static esp_err_t copy_item(struct ud_nvs *n, const struct item *it)
{
    struct ud_nvs_page *to = &n->page[n->used_last];
    uint8_t entry[ENTRY_BYTES];
    esp_err_t err = ESP_OK;
    for (unsigned i = 0; i < it->span && err == ESP_OK; i++) {
        err = ud_nvs_read_entries(n, it->page, (uint8_t)(it->at + i), entry, sizeof entry);
        if (err == ESP_OK)
            err = ud_nvs_write_entries(n, n->used_last, to->next, entry, sizeof entry);
        if (err == ESP_OK)
            err = ud_nvs_mark(n, n->used_last, to->next, to->next + 1u, ENTRY_WRITTEN);
        to->next++;
    }
    return err;
}

esp_err_t ud_nvs_collect(struct ud_nvs *n, uint16_t victim)
{
    esp_err_t err = n->page[victim].state == PAGE_FREEING ? ESP_OK : ud_nvs_mark_page(n, victim, PAGE_FREEING);
    if (err == ESP_OK)
        err = ud_nvs_take_page(n);
    if (err == ESP_OK)
        err = ud_nvs_write_header(n, n->used_last);
    struct scan s;
    struct item it;
    ud_nvs_scan_page(&s, n, victim);
    while (err == ESP_OK && (err = ud_nvs_scan_next(&s, &it)) == ESP_OK)
        err = copy_item(n, &it);
    if (err == ESP_ERR_NVS_NOT_FOUND)
        err = ud_nvs_erase_sector(n, victim);
    n->failed |= err != ESP_OK; /* a read that fails half way leaves a copy that only init can throw away */
    if (err != ESP_OK)
        return err;
    ud_nvs_unlist_used(n, victim);
    forget(&n->page[victim], PAGE_BLANK);
    ud_nvs_list_free(n, victim);
    return ESP_OK;
}

/* The used page with most entries that are not in use, the oldest of equals. */
static uint16_t choose_victim(const struct ud_nvs *n)
{
    uint16_t best = n->used_first;
    for (uint16_t i = n->used_first; i != NO_PAGE; i = n->page[i].after)
        if (n->page[i].written < n->page[best].written)
            best = i;
    return best;
}

/* ---- room ---- */

unsigned ud_nvs_room(const struct ud_nvs *n)
{
    const struct ud_nvs_page *p = &n->page[n->used_last];
    return p->state == PAGE_FRESH || p->state == PAGE_ACTIVE ? UD_NVS_ENTRIES - p->next : 0;
}

esp_err_t ud_nvs_next_page(struct ud_nvs *n, unsigned span)
{
    uint16_t victim = choose_victim(n);
    if (n->free_count == 0)
        return ESP_ERR_NVS_INVALID_STATE;
    /* Judged before anything is written: collecting for nothing would only wear the flash. */
    if (n->free_count == 1 && UD_NVS_ENTRIES - n->page[victim].written < span)
        return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    esp_err_t err = n->page[n->used_last].state == PAGE_ACTIVE ? ud_nvs_mark_page(n, n->used_last, PAGE_FULL) : ESP_OK;
    if (err != ESP_OK)
        return err;
    return n->free_count == 1 ? ud_nvs_collect(n, victim) : ud_nvs_take_page(n);
}

esp_err_t ud_nvs_make_room(struct ud_nvs *n, unsigned span)
{
    return ud_nvs_room(n) >= span ? ESP_OK : ud_nvs_next_page(n, span);
}
