/* SPDX-License-Identifier: Apache-2.0 */
#include "nvs_life.h"

#include <stdio.h>

const char *const nvs_life_ns_name[2] = { "first", "second" };

enum what { CALL_SET, CALL_ERASE, CALL_ERASE_ALL, CALL_RESTART };

struct call {
    enum what what;
    struct nvs_life_key *key;
    enum ud_nvs_type type;
    uint32_t len; /* of life.next */
    bool purge;
    bool full; /* without a cut there is no room for it: the old value stays */
};

static uint32_t below(struct nvs_life *l, uint32_t n)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return (uint32_t)(l->random >> 33) % n;
}

static bool fault(struct nvs_life *l, const char *what, const struct call *c, uint32_t op, const char *how)
{
    static const char *const names[] = { "set", "erase", "erase_all", "restart" };
    snprintf(l->why, sizeof l->why, "call %u (%s %s, type 0x%x, %u bytes), cut %s operation %u: %s", l->calls,
             names[c->what], c->key ? c->key->name : "", c->type, c->len, how, op, what);
    return false;
}

/* ---- the calls ---- */

static void choose_value(struct nvs_life *l, struct call *c)
{
    static const enum ud_nvs_type types[] = { UD_NVS_U8,  UD_NVS_U16,  UD_NVS_U32, UD_NVS_U64, UD_NVS_I8,
                                              UD_NVS_I16, UD_NVS_I32,  UD_NVS_I64, UD_NVS_STR, UD_NVS_STR,
                                              UD_NVS_STR, UD_NVS_BLOB, UD_NVS_BLOB };
    static const uint32_t sizes[] = { 1, 31, 32, 33, 64, 100, 500, 900, 1300 };
    c->type = types[below(l, UD_ARRAY_LEN(types))];
    if (below(l, 3) != 0 && c->key->there)
        c->type = c->key->type;
    uint32_t size = sizes[below(l, UD_ARRAY_LEN(sizes))];
    if (c->type == UD_NVS_BLOB && c->key == &l->key[NVS_LIFE_KEYS - 1])
        size = below(l, 5) == 0 ? 0 : 3000 + below(l, l->kit.pages > 4 ? 5000 : 500);
    c->len = c->type == UD_NVS_BLOB || c->type == UD_NVS_STR ? size : (uint32_t)c->type & 15u;
    for (uint32_t i = 0; i < c->len; i++)
        l->next[i] = (uint8_t)(1 + below(l, 255));
    if (c->type == UD_NVS_STR)
        l->next[c->len - 1] = 0;
}

static struct call choose(struct nvs_life *l)
{
    struct call c = { .key = &l->key[below(l, NVS_LIFE_KEYS)], .purge = below(l, 4) == 0 };
    uint32_t dice = below(l, 40);
    c.what = dice < 30 ? CALL_SET : dice < 38 ? CALL_ERASE : dice < 39 ? CALL_ERASE_ALL : CALL_RESTART;
    if (c.what == CALL_SET)
        choose_value(l, &c);
    return c;
}

static esp_err_t make(struct nvs_life *l, const struct call *c)
{
    struct ud_nvs_key k = { .ns = l->ns[c->key->ns], .key = c->key->name, .purge = c->purge };
    switch (c->what) {
    case CALL_SET:
        return ud_nvs_set(&l->kit.nvs, &k, c->type, l->next, c->len);
    case CALL_ERASE:
        return ud_nvs_erase(&l->kit.nvs, &k);
    case CALL_ERASE_ALL:
        return ud_nvs_erase_all(&l->kit.nvs, k.ns, k.purge);
    case CALL_RESTART:
        break;
    }
    return nvs_kit_mount(&l->kit);
}

static bool is_touched(const struct call *c, const struct nvs_life_key *key)
{
    if (c->full)
        return false;
    return c->what == CALL_ERASE_ALL ? key->ns == c->key->ns : c->what != CALL_RESTART && key == c->key;
}

static void apply(struct nvs_life *l, const struct call *c)
{
    for (unsigned i = 0; i < NVS_LIFE_KEYS; i++)
        if (c->what != CALL_SET && is_touched(c, &l->key[i]))
            l->key[i].there = false;
    if (c->what != CALL_SET)
        return;
    c->key->there = true;
    c->key->type = c->type;
    c->key->len = c->len;
    memcpy(c->key->value, l->next, c->len);
}

/* ---- what flash holds ---- */

static bool holds(struct nvs_life *l, const struct nvs_life_key *key, bool there, enum ud_nvs_type type,
                  const uint8_t *value, uint32_t len)
{
    struct ud_nvs *n = &l->kit.nvs;
    enum ud_nvs_type found;
    size_t size = NVS_LIFE_MAX;
    esp_err_t err = ud_nvs_find(n, l->ns[key->ns], key->name, &found);
    if (!there)
        return err == ESP_ERR_NVS_NOT_FOUND;
    return err == ESP_OK && found == type &&
           ud_nvs_get(n, l->ns[key->ns], key->name, type, l->scratch, &size) == ESP_OK && size == len &&
           memcmp(l->scratch, value, len) == 0;
}

static bool holds_old(struct nvs_life *l, const struct nvs_life_key *key)
{
    return holds(l, key, key->there, key->type, key->value, key->len);
}

static bool holds_new(struct nvs_life *l, const struct call *c, const struct nvs_life_key *key)
{
    return holds(l, key, c->what == CALL_SET, c->type, l->next, c->len);
}

/* After a cut, or without one (`whole`): every key as it must be. */
static bool check(struct nvs_life *l, const struct call *c, bool whole, uint32_t op, const char *how)
{
    for (unsigned i = 0; i < NVS_LIFE_KEYS; i++) {
        struct nvs_life_key *key = &l->key[i];
        bool touched = is_touched(c, key);
        if (touched && holds_new(l, c, key))
            continue;
        if (touched && whole)
            return fault(l, "the call has not done its work", c, op, how);
        if (!holds_old(l, key))
            return fault(l, touched ? "neither the old nor the new value" : key->name, c, op, how);
    }
    return true;
}

/*
 * Is there no room for this value, honestly? A new value needs room beside the old one, and at most one page is
 * collected for it: what is spread over pages is not put together.
 */
static bool is_tight(struct nvs_life *l, const struct call *c)
{
    struct ud_nvs_stats s;
    return ud_nvs_stats(&l->kit.nvs, &s) == ESP_OK && s.available < 2 * (c->len / 32 + 3) + UD_NVS_ENTRIES;
}

/* ---- cuts ---- */

static void put_back(struct nvs_life *l)
{
    memcpy(l->kit.bytes, l->before, l->kit.pages * UD_NVS_PAGE_BYTES);
}

static bool cut_at(struct nvs_life *l, const struct call *c, uint32_t op, enum ud_cut_variant how)
{
    const char *name = ud_cut_variant_name(how);
    struct nvs_kit *k = &l->kit;
    put_back(l);
    if (nvs_kit_restart(k) != ESP_OK)
        return fault(l, "init before the call", c, op, name);
    ud_fault_flash_cut(&k->ff, op, how);
    esp_err_t err = make(l, c);
    l->cuts++;
    if (err == ESP_OK && how != UD_CUT_AFTER)
        return fault(l, "success without power", c, op, name);
    /* The power goes again while init mends what it finds. */
    ud_fault_flash_power_on(&k->ff);
    ud_fault_flash_cut(&k->ff, 1 + below(l, 6), (enum ud_cut_variant)(below(l, 2) ? UD_CUT_BITS : UD_CUT_PREFIX));
    err = nvs_kit_mount(k);
    if (k->ff.off || err != ESP_OK)
        err = nvs_kit_restart(k);
    ud_fault_flash_cut(&k->ff, 0, UD_CUT_BEFORE);
    if (err != ESP_OK)
        return fault(l, "init after the cut", c, op, name);
    if (!check(l, c, false, op, name))
        return false;
    err = make(l, c);
    if (err == ESP_ERR_NVS_NOT_ENOUGH_SPACE && is_tight(l, c))
        return check(l, c, false, op, name);
    if (c->full && err == ESP_OK)
        return true;
    if (err != ESP_OK && (c->what != CALL_ERASE || err != ESP_ERR_NVS_NOT_FOUND))
        return fault(l, "the call made again", c, op, name);
    return check(l, c, true, op, name);
}

/* Every operation of the call, each in two ways that change. */
static bool cut_everywhere(struct nvs_life *l, const struct call *c, uint32_t operations)
{
    static const enum ud_cut_variant ways[] = { UD_CUT_BEFORE, UD_CUT_PREFIX, UD_CUT_BITS, UD_CUT_UNACKNOWLEDGED,
                                                UD_CUT_AFTER };
    for (uint32_t op = 1; op <= operations; op++)
        if (!cut_at(l, c, op, ways[below(l, UD_ARRAY_LEN(ways))]) || !cut_at(l, c, op, UD_CUT_BITS))
            return false;
    return true;
}

static void count_erases(void *ctx, const struct ud_fault_operation *op)
{
    struct nvs_life *l = ctx;
    l->erases += op->op == UD_FLASH_ERASE;
}

static bool step(struct nvs_life *l)
{
    struct nvs_kit *k = &l->kit;
    struct call c = choose(l);
    l->calls++;
    memcpy(l->before, k->bytes, k->pages * UD_NVS_PAGE_BYTES);
    uint32_t first = k->ff.operations;
    uint64_t dice = l->random;
    k->ff.before = count_erases;
    k->ff.ctx = l;
    esp_err_t err = make(l, &c);
    k->ff.before = NULL;
    uint32_t operations = k->ff.operations - first;
    if (err == ESP_ERR_NVS_NOT_FOUND && c.what == CALL_ERASE && !c.key->there)
        return check(l, &c, true, 0, "no");
    c.full = err == ESP_ERR_NVS_NOT_ENOUGH_SPACE && c.what == CALL_SET && is_tight(l, &c);
    if (err != ESP_OK && !c.full)
        return fault(l, "failed without a cut", &c, 0, "no");
    l->full += c.full;
    if (!check(l, &c, true, 0, "no"))
        return false;
    uint8_t *after = malloc(k->pages * UD_NVS_PAGE_BYTES);
    if (!after)
        abort();
    memcpy(after, k->bytes, k->pages * UD_NVS_PAGE_BYTES);
    bool good = cut_everywhere(l, &c, operations);
    memcpy(k->bytes, after, k->pages * UD_NVS_PAGE_BYTES);
    free(after);
    l->random = dice * 2862933555777941757u + 3037000493u; /* the life does not depend on how often it was cut */
    if (!good)
        return false;
    if (!c.full)
        apply(l, &c);
    /* As after a restart: nothing to mend, and nothing is written. */
    first = k->ff.operations;
    if (nvs_kit_restart(k) != ESP_OK || k->ff.operations != first)
        return fault(l, "init of a sound partition failed or wrote", &c, 0, "no");
    return true;
}

/* A counter that runs uncut, at most so far that the next call finds the page nearly full and collects one. */
static bool wear(struct nvs_life *l, uint32_t times)
{
    struct nvs_life_key *key = &l->key[1];
    struct ud_nvs_key k = { .ns = l->ns[key->ns], .key = key->name };
    for (uint32_t i = 0; i < times; i++) {
        const struct ud_nvs_page *page = &l->kit.page[l->kit.nvs.used_last];
        if (i >= times / 2 && page->next >= 123 && page->next <= 125)
            return true;
        uint8_t value[4];
        ud_store_le32(value, l->counter++);
        esp_err_t err = ud_nvs_set(&l->kit.nvs, &k, UD_NVS_U32, value, sizeof value);
        if (err == ESP_ERR_NVS_NOT_ENOUGH_SPACE)
            return true;
        if (err != ESP_OK)
            return false;
        key->there = true;
        key->type = UD_NVS_U32;
        key->len = sizeof value;
        memcpy(key->value, value, sizeof value);
    }
    return true;
}

const char *nvs_life_run(struct nvs_life *l, uint64_t seed, unsigned calls)
{
    memset(l, 0, sizeof *l);
    l->random = seed * 0x9E3779B97F4A7C15u + 1;
    nvs_kit_make(&l->kit, 3 + below(l, 3), seed);
    l->scratch = malloc(NVS_LIFE_MAX);
    l->next = malloc(NVS_LIFE_MAX);
    l->before = malloc(l->kit.pages * UD_NVS_PAGE_BYTES);
    if (!l->scratch || !l->next || !l->before)
        abort();
    for (unsigned i = 0; i < NVS_LIFE_KEYS; i++) {
        struct nvs_life_key *key = &l->key[i];
        key->ns = (uint8_t)(i % 2);
        snprintf(key->name, sizeof key->name, i == 0 ? "fifteen_chars_%u" : "key%u", i);
        key->value = malloc(NVS_LIFE_MAX);
        if (!key->value)
            abort();
    }
    if (nvs_kit_mount(&l->kit) != ESP_OK)
        return "a blank partition does not come up";
    for (unsigned i = 0; i < 2; i++)
        if (ud_nvs_open(&l->kit.nvs, nvs_life_ns_name[i], true, &l->ns[i]) != ESP_OK)
            return "no namespace";
    for (unsigned i = 0; i < calls; i++) {
        if (!wear(l, i == 0 ? 60 * l->kit.pages : below(l, 4) == 0 ? 252 : 0))
            return "the counter";
        if (!step(l))
            return l->why;
    }
    return NULL;
}

void nvs_life_end(struct nvs_life *l)
{
    for (unsigned i = 0; i < NVS_LIFE_KEYS; i++)
        free(l->key[i].value);
    free(l->scratch);
    free(l->next);
    free(l->before);
    nvs_kit_deinit(&l->kit);
}
