/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings in NVS, for the power-cut explorer. The device makes its changes one after the other, on a partition that is
 * nearly full, so that a page is collected among them. After a cut it must find what it had after one of them, or
 * before the first: a value that is neither old nor new fails the retry.
 */
#include "powercut.h"

#include <string.h>

#define PAGES    4u
#define COUNTED  344u /* how often the counter was written before: two pages are full, the third nearly */
#define NS       "settings"
#define BLOB_MAX 700u

/* A value; of numbers and blobs only length and salt are given. */
struct value {
    enum ud_nvs_type type;
    size_t len; /* 0: the key is not there */
    uint8_t salt;
    const char *text;
};
struct change {
    const char *key;
    struct value to;
};

static const struct change before[] = {
    { "serial", { UD_NVS_STR, 8, 0, "SN-0042" } },
    { "mode", { UD_NVS_U8, 1, 1, NULL } },
    { "calibration", { UD_NVS_BLOB, 300, 2, NULL } },
    { "count", { UD_NVS_U32, 4, 3, NULL } },
};
static const struct change changes[] = {
    { "mode", { UD_NVS_U8, 1, 4, NULL } },
    { "name", { UD_NVS_STR, 44, 0, "a name that takes more than one entry of it" } },
    { "calibration", { UD_NVS_BLOB, BLOB_MAX, 5, NULL } },
    { "mode", { UD_NVS_STR, 6, 0, "seven" } }, /* of another type */
    { "count", { UD_NVS_U32, 4, 6, NULL } },
    { "serial", { UD_NVS_STR, 0, 0, NULL } }, /* erased */
    { "calibration", { UD_NVS_BLOB, 20, 7, NULL } },
};

struct settings {
    struct ud_nvs nvs;
    struct ud_nvs_page page[PAGES];
    uint8_t ns;
};

static esp_err_t open_settings(struct settings *s, struct ud_flash *flash, const struct ud_partition *p)
{
    memset(s, 0, sizeof *s);
    esp_err_t err = p ? ud_nvs_init(&s->nvs, flash, p, s->page, PAGES) : ESP_ERR_NOT_FOUND;
    return err == ESP_OK ? ud_nvs_open(&s->nvs, NS, true, &s->ns) : err;
}

static void bytes_of(const struct value *v, uint8_t bytes[BLOB_MAX])
{
    for (size_t i = 0; i < v->len; i++)
        bytes[i] = v->text ? (uint8_t)v->text[i] : (uint8_t)(i * 7 + v->salt);
}

static esp_err_t make(struct settings *s, const struct tools *tools, const struct change *c)
{
    struct ud_nvs_key key = { .ns = s->ns, .key = c->key };
    uint8_t bytes[BLOB_MAX];
    if (c->to.len == 0)
        return ud_nvs_erase(&s->nvs, &key);
    bytes_of(&c->to, bytes);
    return tools->set(&s->nvs, &key, c->to.type, bytes, c->to.len);
}

/* The value that `key` has after the first `n` changes. */
static struct value value_after(const char *key, size_t n)
{
    struct value v = { .len = 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(before); i++)
        if (strcmp(before[i].key, key) == 0)
            v = before[i].to;
    for (size_t i = 0; i < n; i++)
        if (strcmp(changes[i].key, key) == 0)
            v = changes[i].to;
    return v;
}

static bool holds(struct settings *s, const char *key, const struct value *v)
{
    uint8_t want[BLOB_MAX], have[BLOB_MAX];
    enum ud_nvs_type type;
    size_t len = sizeof have;
    esp_err_t err = ud_nvs_find(&s->nvs, s->ns, key, &type);
    if (v->len == 0)
        return err == ESP_ERR_NVS_NOT_FOUND;
    bytes_of(v, want);
    return err == ESP_OK && type == v->type && ud_nvs_get(&s->nvs, s->ns, key, type, have, &len) == ESP_OK &&
           len == v->len && memcmp(have, want, len) == 0;
}

/* Is everything as after the first `n` changes? */
static bool is_after(struct settings *s, size_t n)
{
    static const char *const keys[] = { "serial", "mode", "calibration", "count", "name" };
    for (size_t i = 0; i < UD_ARRAY_LEN(keys); i++) {
        struct value v = value_after(keys[i], n);
        if (!holds(s, keys[i], &v))
            return false;
    }
    return true;
}

static const struct ud_partition *partition_of(const struct world *w)
{
    return ud_ptable_find(&w->stock->table, UD_PART_DATA, UD_PART_DATA_NVS, NULL);
}

bool nvs_fill(struct world *w)
{
    struct ud_ram_flash ram;
    struct ud_flash flash;
    struct settings s;
    ud_ram_flash_init(&ram, &flash, w->bytes, w->stock->flash_bytes);
    esp_err_t err = open_settings(&s, &flash, partition_of(w));
    for (size_t i = 0; i < UD_ARRAY_LEN(before) && err == ESP_OK; i++)
        err = make(&s, &honest_tools, &before[i]);
    for (unsigned i = 0; i < COUNTED && err == ESP_OK; i++) {
        struct change count = before[UD_ARRAY_LEN(before) - 1];
        count.to.salt =
            (uint8_t)(count.to.salt + (COUNTED - 1 - i) % 2); /* never the value that is there; the right one last */
        err = make(&s, &honest_tools, &count);
    }
    return err == ESP_OK && is_after(&s, 0);
}

/* From the change on that has not been made yet. */
static esp_err_t go_on(struct world *w, bool from_start)
{
    const struct ud_partition *p = partition_of(w);
    struct settings s;
    size_t n = from_start ? 0 : UD_ARRAY_LEN(changes);
    w->step = "settings";
    w->installs++; /* a page that is collected is erased */
    if (p)
        world_allow(w, p->addr, p->size);
    esp_err_t err = open_settings(&s, &w->flash, p);
    if (err != ESP_OK)
        return err;
    while (n > 0 && !is_after(&s, n))
        n--;
    if (!is_after(&s, n))
        return ESP_ERR_NVS_CONTENT_DIFFERS; /* neither old nor new */
    for (; n < UD_ARRAY_LEN(changes) && err == ESP_OK; n++)
        err = make(&s, w->tools, &changes[n]);
    if (err == ESP_OK && !is_after(&s, UD_ARRAY_LEN(changes)))
        err = ESP_ERR_NVS_CONTENT_DIFFERS;
    return err;
}

esp_err_t nvs_run(struct world *w)
{
    return go_on(w, true);
}

esp_err_t nvs_retry(struct world *w)
{
    return go_on(w, false);
}
