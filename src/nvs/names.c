/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, the walk over keys, and figures. A namespace is an entry of its own: number 0, the name, the number. */
#include "room.h"

#define NUMBERS 255u /* 1…254 are for namespaces */

static bool is_namespace(const struct item *it)
{
    return it->ns == 0 && it->type == UD_NVS_U8 && it->value[0] != 0 && it->value[0] != NUMBERS;
}

static esp_err_t create(struct ud_nvs *n, const uint8_t key[16], const uint8_t taken[32], uint8_t *ns)
{
    unsigned number = 1;
    while (number < NUMBERS && (taken[number / 8] >> number % 8 & 1) != 0)
        number++;
    if (number == NUMBERS)
        return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    struct item it = { .type = UD_NVS_U8, .chunk = NO_CHUNK };
    memcpy(it.key, key, sizeof it.key);
    memset(it.value, 0xFF, sizeof it.value);
    it.value[0] = (uint8_t)number;
    esp_err_t err = ud_nvs_make_room(n, 1);
    if (err == ESP_OK)
        err = ud_nvs_append(n, &it, NULL, 0);
    if (err == ESP_OK)
        *ns = (uint8_t)number;
    return err;
}

esp_err_t ud_nvs_open(struct ud_nvs *n, const char *name, bool create_it, uint8_t *ns)
{
    uint8_t key[16];
    uint8_t taken[32] = { 0 };
    struct scan s;
    struct item it;
    esp_err_t err = create_it ? ud_nvs_may_write(n) : ud_nvs_may_read(n);
    if (err == ESP_OK && !ud_nvs_key_make(name, key))
        err = create_it ? ESP_ERR_NVS_KEY_TOO_LONG : ESP_ERR_NVS_NOT_FOUND;
    if (err != ESP_OK)
        return err;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        if (!is_namespace(&it))
            continue;
        if (ud_nvs_key_equal(it.key, key)) {
            *ns = it.value[0];
            return ESP_OK;
        }
        taken[it.value[0] / 8] |= (uint8_t)(1u << it.value[0] % 8);
    }
    return err == ESP_ERR_NVS_NOT_FOUND && create_it ? create(n, key, taken, ns) : err;
}

/* ---- figures ---- */

static esp_err_t count_namespaces(const struct ud_nvs *n, uint32_t *count)
{
    struct scan s;
    struct item it;
    esp_err_t err;
    ud_nvs_scan(&s, n);
    *count = 0;
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK)
        *count += is_namespace(&it);
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

esp_err_t ud_nvs_stats(struct ud_nvs *n, struct ud_nvs_stats *out)
{
    struct ud_nvs_stats s = { .total = n->page_count * UD_NVS_ENTRIES };
    esp_err_t err = ud_nvs_may_read(n);
    if (err == ESP_OK)
        err = count_namespaces(n, &s.namespaces);
    if (err != ESP_OK)
        return err;
    for (uint16_t page = n->used_first; page != NO_PAGE; page = n->page[page].after)
        s.used += n->page[page].written;
    s.free = s.total - s.used;
    s.available = s.free > UD_NVS_ENTRIES ? s.free - UD_NVS_ENTRIES : 0;
    *out = s;
    return ESP_OK;
}

esp_err_t ud_nvs_used(struct ud_nvs *n, uint8_t ns, uint32_t *entries)
{
    struct scan s;
    struct item it;
    uint32_t sum = 0;
    esp_err_t err = ud_nvs_may_read(n);
    ud_nvs_scan(&s, n);
    while (err == ESP_OK && (err = ud_nvs_scan_next(&s, &it)) == ESP_OK)
        if (it.ns == ns)
            sum += it.span;
    if (err != ESP_ERR_NVS_NOT_FOUND)
        return err;
    *entries = sum;
    return ESP_OK;
}

/* ---- the walk ---- */

/* The page with the lowest sequence from `walk` on. Pages may have moved since the last step; sequences only grow. */
static uint16_t page_of(const struct ud_nvs *n, struct ud_nvs_walk *walk)
{
    for (uint16_t page = n->used_first; page != NO_PAGE; page = n->page[page].after) {
        if (n->page[page].seq < walk->seq)
            continue;
        if (n->page[page].seq > walk->seq)
            walk->at = 0;
        walk->seq = n->page[page].seq;
        return page;
    }
    return NO_PAGE;
}

static esp_err_t name_of(const struct ud_nvs *n, uint8_t ns, char name[UD_NVS_NAME_MAX + 1])
{
    struct scan s;
    struct item it;
    esp_err_t err;
    ud_nvs_scan(&s, n);
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        if (is_namespace(&it) && it.value[0] == ns) {
            ud_strcopy(name, UD_NVS_NAME_MAX + 1, (const char *)it.key, UD_NVS_NAME_MAX);
            return ESP_OK;
        }
    }
    return err;
}

/* Does this item stand for a key of the list? A blob is met at its first chunk, provided that an index covers it. */
static esp_err_t is_listed(const struct ud_nvs *n, const struct item *it, bool *listed)
{
    struct query q = { .ns = it->ns, .key = it->key, .kind = KIND_TYPE, .type = TYPE_INDEX };
    struct item index;
    *listed = it->ns != 0 && it->type != TYPE_INDEX && it->type != TYPE_BLOB_1;
    if (!*listed || it->type != TYPE_CHUNK)
        return ESP_OK;
    *listed = false;
    if (it->chunk != 0 && it->chunk != SECOND_START)
        return ESP_OK;
    esp_err_t err = ud_nvs_search(n, &q, &index);
    *listed = err == ESP_OK && index_start(&index) == it->chunk;
    return err == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : err;
}

/* The next item of this page that fits, or ESP_ERR_NVS_NOT_FOUND. */
static esp_err_t next_on_page(const struct ud_nvs *n, uint16_t page, struct ud_nvs_walk *walk, uint8_t ns,
                              enum ud_nvs_type type, struct ud_nvs_info *info)
{
    struct scan s;
    struct item it;
    esp_err_t err;
    ud_nvs_scan_page(&s, n, page);
    s.at = walk->at;
    while ((err = ud_nvs_scan_next(&s, &it)) == ESP_OK) {
        bool listed;
        struct ud_nvs_info found = { .type = (enum ud_nvs_type)it.type };
        walk->at = s.at;
        if ((ns != 0 && it.ns != ns) || (type != UD_NVS_ANY && type != found.type))
            continue;
        err = is_listed(n, &it, &listed);
        if (err == ESP_OK && listed)
            err = name_of(n, it.ns, found.ns);
        if (err == ESP_ERR_NVS_NOT_FOUND || (err == ESP_OK && !listed))
            continue; /* nobody could open the namespace of such a key */
        ud_strcopy(found.key, sizeof found.key, (const char *)it.key, UD_NVS_NAME_MAX);
        if (err == ESP_OK)
            *info = found;
        return err;
    }
    return err;
}

esp_err_t ud_nvs_next(struct ud_nvs *n, struct ud_nvs_walk *walk, uint8_t ns, enum ud_nvs_type type,
                      struct ud_nvs_info *info)
{
    esp_err_t err = ud_nvs_may_read(n);
    if (err != ESP_OK)
        return err;
    for (;;) {
        uint16_t page = page_of(n, walk);
        if (page == NO_PAGE)
            return ESP_ERR_NVS_NOT_FOUND;
        err = next_on_page(n, page, walk, ns, type, info);
        if (err != ESP_ERR_NVS_NOT_FOUND)
            return err;
        if (walk->seq == UINT32_MAX)
            return ESP_ERR_NVS_NOT_FOUND;
        walk->seq++; /* the second of two pages of one sequence, which nobody writes, is left out */
        walk->at = 0;
    }
}
