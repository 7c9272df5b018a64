/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over items, and the search for one. */
#include "room.h"

void ud_nvs_scan(struct scan *s, const struct ud_nvs *n)
{
    s->n = n;
    s->page = n->used_first;
    s->end = NO_PAGE;
    s->at = 0;
    s->base = 0;
    s->have = 0;
}

void ud_nvs_scan_page(struct scan *s, const struct ud_nvs *n, uint16_t page)
{
    ud_nvs_scan(s, n);
    s->page = page;
    s->end = n->page[page].after;
}

static esp_err_t entry_at(struct scan *s, const uint8_t **bytes)
{
    if (s->at < s->base || s->at >= s->base + s->have) {
        unsigned left = UD_NVS_ENTRIES - s->at;
        s->base = s->at;
        s->have = (uint8_t)(left < WINDOW ? left : WINDOW);
        esp_err_t err = ud_nvs_read_entries(s->n, s->page, s->base, s->window, s->have * ENTRY_BYTES);
        if (err != ESP_OK) {
            s->have = 0;
            return err;
        }
    }
    *bytes = s->window + (s->at - s->base) * ENTRY_BYTES;
    return ESP_OK;
}

static void leave_page(struct scan *s)
{
    s->page = s->n->page[s->page].after;
    if (s->page == s->end)
        s->page = NO_PAGE;
    s->at = 0;
    s->have = 0;
}

esp_err_t ud_nvs_scan_next(struct scan *s, struct item *it)
{
    while (s->page != NO_PAGE) {
        const struct ud_nvs_page *p = &s->n->page[s->page];
        if (p->state == PAGE_FRESH || s->at >= UD_NVS_ENTRIES) {
            leave_page(s);
            continue;
        }
        if (ud_nvs_entry_state(p, s->at) != ENTRY_WRITTEN) {
            s->at++;
            continue;
        }
        const uint8_t *bytes;
        esp_err_t err = entry_at(s, &bytes);
        if (err != ESP_OK)
            return err;
        if (!ud_nvs_item_decode(bytes, s->at, it) || !ud_nvs_all_written(p, s->at, it->span)) {
            s->at++;
            continue;
        }
        it->page = s->page;
        s->at = (uint8_t)(s->at + it->span);
        return ESP_OK;
    }
    return ESP_ERR_NVS_NOT_FOUND;
}

static bool is_blob(uint8_t type)
{
    return type == TYPE_INDEX || type == TYPE_BLOB_1;
}

/* Does a new value of type `t` take the place of a head of type `old`? */
static bool replaces(const struct ud_nvs *n, uint8_t t, uint8_t old)
{
    return !n->keep_types || t == old || (is_blob(t) && is_blob(old));
}

static bool is_of_kind(const struct ud_nvs *n, const struct query *q, const struct item *it)
{
    switch (q->kind) {
    case KIND_TYPE:
        return it->type == q->type;
    case KIND_HEAD:
        return it->type != TYPE_CHUNK;
    case KIND_SAME:
        return it->type != TYPE_CHUNK && replaces(n, q->type, it->type);
    case KIND_BLOB:
        return is_blob(it->type);
    case KIND_CHUNK:
        return it->type == TYPE_CHUNK && it->chunk >= q->chunk && it->chunk - q->chunk < q->chunks;
    }
    return false;
}

bool ud_nvs_matches(const struct ud_nvs *n, const struct query *q, const struct item *it)
{
    return it->ns == q->ns && is_of_kind(n, q, it) && ud_nvs_key_equal(it->key, q->key);
}

esp_err_t ud_nvs_search(const struct ud_nvs *n, const struct query *q, struct item *it)
{
    struct scan s;
    struct item found;
    bool any = false;
    esp_err_t err;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &found)) == ESP_OK) {
        if (!ud_nvs_matches(n, q, &found))
            continue;
        *it = found;
        any = true;
        if (!n->read_only)
            return ESP_OK;
    }
    return any && err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}
