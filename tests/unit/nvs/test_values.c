/* SPDX-License-Identifier: Apache-2.0 */
/* Values come back as they were set; codes, limits, the order of writes, full partitions, collecting. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "nvs_kit.h"

#define MAP(k, page, byte) ((k)->bytes[(page)*4096u + 32u + (byte)])

static void every_type_comes_back(void **state)
{
    (void)state;
    static const enum ud_nvs_type types[] = { UD_NVS_U8,  UD_NVS_I8,  UD_NVS_U16, UD_NVS_I16,   UD_NVS_U32,
                                              UD_NVS_I32, UD_NVS_U64, UD_NVS_I64, UD_NVS_FLOAT, UD_NVS_DOUBLE };
    static const uint8_t bytes[8] = { 0x80, 1, 2, 3, 4, 5, 6, 0xFF };
    struct nvs_kit k;
    nvs_kit_init(&k, 3);
    for (size_t i = 0; i < UD_ARRAY_LEN(types); i++) {
        uint8_t out[8];
        size_t size = (size_t)types[i] & 15u, len = sizeof out;
        enum ud_nvs_type found;
        char key[16];
        snprintf(key, sizeof key, "k%zu", i);
        assert_int_equal(nvs_kit_set(&k, key, types[i], bytes, size), ESP_OK);
        assert_int_equal(nvs_kit_set(&k, key, types[i], bytes, size - 1), ESP_ERR_INVALID_ARG);
        assert_int_equal(nvs_kit_restart(&k), ESP_OK);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, key, types[i], out, &len), ESP_OK);
        assert_int_equal(len, size);
        assert_memory_equal(out, bytes, size);
        assert_int_equal(ud_nvs_find(&k.nvs, k.ns, key, &found), ESP_OK);
        assert_int_equal(found, types[i]);
        len = size - 1;
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, key, types[i], out, &len), ESP_ERR_NVS_INVALID_LENGTH);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, key, types[(i + 1) % 10], out, &len), ESP_ERR_NVS_NOT_FOUND);
    }
    nvs_kit_deinit(&k);
}

static void lengths_are_asked_for_and_told(void **state)
{
    (void)state;
    static const struct row {
        enum ud_nvs_type type;
        size_t len;
    } rows[] = { { UD_NVS_STR, 1 },    { UD_NVS_STR, 32 },    { UD_NVS_STR, 33 },    { UD_NVS_STR, 4000 },
                 { UD_NVS_BLOB, 0 },   { UD_NVS_BLOB, 1 },    { UD_NVS_BLOB, 32 },   { UD_NVS_BLOB, 3999 },
                 { UD_NVS_BLOB, 400 }, { UD_NVS_BLOB, 4000 }, { UD_NVS_BLOB, 9000 }, { UD_NVS_BLOB, 11936 } };
    static uint8_t in[12000], out[12000];
    struct nvs_kit k;
    nvs_kit_init(&k, 8);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        size_t len = 0, want = rows[i].len;
        for (size_t j = 0; j < want; j++)
            in[j] = (uint8_t)(j * 7 + i + 1) ? (uint8_t)(j * 7 + i + 1) : 1;
        if (rows[i].type == UD_NVS_STR)
            in[want - 1] = 0;
        assert_int_equal(nvs_kit_set(&k, "key", rows[i].type, in, want), ESP_OK);
        assert_int_equal(nvs_kit_restart(&k), ESP_OK);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "key", rows[i].type, out, NULL), ESP_ERR_NVS_INVALID_LENGTH);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "key", rows[i].type, NULL, &len), ESP_OK);
        assert_int_equal(len, want);
        if (want > 0) {
            len = want - 1;
            assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "key", rows[i].type, out, &len), ESP_ERR_NVS_INVALID_LENGTH);
            assert_int_equal(len, want);
        }
        len = sizeof out;
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "key", rows[i].type, out, &len), ESP_OK);
        assert_int_equal(len, want);
        assert_memory_equal(out, in, want);
    }
    nvs_kit_deinit(&k);
}

static void values_and_names_have_limits(void **state)
{
    (void)state;
    static uint8_t big[12001];
    struct nvs_kit k;
    uint8_t ns;
    nvs_kit_init(&k, 4);
    memset(big, 'x', sizeof big);
    big[4000] = 0;
    assert_int_equal(nvs_kit_set(&k, "s", UD_NVS_STR, big, 4001), ESP_ERR_NVS_VALUE_TOO_LONG);
    assert_int_equal(nvs_kit_set(&k, "s", UD_NVS_STR, "", 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_kit_set(&k, "s", UD_NVS_STR, "ab", 2), ESP_ERR_INVALID_ARG); /* no end */
    assert_int_equal(nvs_kit_set(&k, "s", UD_NVS_ANY, "ab", 2), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, big, 12001), ESP_ERR_NVS_VALUE_TOO_LONG);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, big, 11937), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(nvs_kit_set_u32(&k, "sixteen_chars_ke", 1), ESP_ERR_NVS_KEY_TOO_LONG);
    uint32_t value;
    assert_int_equal(nvs_kit_set_u32(&k, "fifteen_chars_k", 1), ESP_OK);
    assert_int_equal(nvs_kit_get_u32(&k, "fifteen_chars_k1", &value), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_kit_erase(&k, "fifteen_chars_k1"), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_kit_set_u32(&k, "", 5), ESP_OK);
    assert_int_equal(nvs_kit_get_u32(&k, "", &value), ESP_OK);
    assert_int_equal(ud_nvs_open(&k.nvs, "sixteen_chars_ke", true, &ns), ESP_ERR_NVS_KEY_TOO_LONG);
    assert_int_equal(ud_nvs_open(&k.nvs, "sixteen_chars_ke", false, &ns), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, big, 11936 - 64), ESP_OK);
    nvs_kit_deinit(&k);
}

static void two_hundred_and_fifty_four_namespaces_are_all(void **state)
{
    (void)state;
    struct nvs_kit k;
    nvs_kit_make(&k, 6, 1);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    char name[16];
    uint8_t ns;
    for (unsigned i = 1; i <= 254; i++) {
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(ud_nvs_open(&k.nvs, name, true, &ns), ESP_OK);
        assert_int_equal(ns, i);
    }
    assert_int_equal(ud_nvs_open(&k.nvs, "one more", true, &ns), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(ud_nvs_open(&k.nvs, "n7", true, &ns), ESP_OK);
    assert_int_equal(ns, 7);
    struct ud_nvs_stats s;
    assert_int_equal(ud_nvs_stats(&k.nvs, &s), ESP_OK);
    assert_int_equal(s.namespaces, 254);
    assert_int_equal(s.used, 254);
    assert_int_equal(s.total, 756);
    assert_int_equal(s.free, 502);
    assert_int_equal(s.available, 376);
    nvs_kit_deinit(&k);
}

static void an_equal_value_writes_nothing(void **state)
{
    (void)state;
    static uint8_t blob[6000];
    struct nvs_kit k;
    nvs_kit_init(&k, 5);
    for (size_t i = 0; i < sizeof blob; i++)
        blob[i] = (uint8_t)(i * 31);
    assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_str(&k, "s", "text"), ESP_OK);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    uint32_t operations = k.ff.operations;
    assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_str(&k, "s", "text"), ESP_OK);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    assert_int_equal(k.ff.operations, operations);
    blob[5999] ^= 1; /* the last byte of the second chunk counts too */
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    assert_true(k.ff.operations > operations);
    nvs_kit_deinit(&k);
}

static void another_type_replaces_unless_types_are_kept(void **state)
{
    (void)state;
    for (unsigned keep = 0; keep < 2; keep++) {
        struct nvs_kit k;
        uint8_t out[40];
        size_t len = sizeof out;
        uint32_t value = 0, used = 0;
        nvs_kit_init(&k, 3);
        k.nvs.keep_types = keep;
        assert_int_equal(nvs_kit_set(&k, "k", UD_NVS_BLOB, "0123456789", 10), ESP_OK);
        assert_int_equal(nvs_kit_set_u32(&k, "k", 9), ESP_OK);
        assert_int_equal(nvs_kit_restart(&k), ESP_OK);
        assert_int_equal(nvs_kit_get_u32(&k, "k", &value), ESP_OK);
        assert_int_equal(value, 9);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "k", UD_NVS_BLOB, out, &len), keep ? ESP_OK : ESP_ERR_NVS_NOT_FOUND);
        assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
        assert_int_equal(used, keep ? 4 : 1);
        assert_int_equal(nvs_kit_set(&k, "k", UD_NVS_BLOB, "abc", 3), ESP_OK);
        assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
        assert_int_equal(used, keep ? 4 : 3);             /* one blob, whatever else is kept */
        assert_int_equal(nvs_kit_erase(&k, "k"), ESP_OK); /* all of it */
        assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
        assert_int_equal(used, 0);
        nvs_kit_deinit(&k);
    }
}

/* The order is what ESP-IDF's library was seen to do. */
struct watched {
    struct {
        enum ud_flash_op op;
        uint32_t at;
        uint32_t len;
    } op[64];
    unsigned count;
};

static void watch(void *ctx, const struct ud_fault_operation *op)
{
    struct watched *w = ctx;
    assert_true(w->count < UD_ARRAY_LEN(w->op));
    w->op[w->count].op = op->op;
    w->op[w->count].at = op->addr - NVS_KIT_ADDR;
    w->op[w->count++].len = op->len;
}

static void expect_writes(const struct watched *w, const uint32_t (*want)[2], unsigned count)
{
    assert_int_equal(w->count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(w->op[i].op, want[i][1] == 4096 ? UD_FLASH_ERASE : UD_FLASH_PROGRAM);
        assert_int_equal(w->op[i].at, want[i][0]);
        assert_int_equal(w->op[i].len, want[i][1]);
    }
}

static void writes_come_in_the_order_of_esp_idf(void **state)
{
    (void)state;
    struct nvs_kit k;
    struct watched w = { .count = 0 };
    nvs_kit_make(&k, 3, 1);
    k.ff.before = watch;
    k.ff.ctx = &w;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(w.count, 0); /* a blank partition stays blank */
    assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &k.ns), ESP_OK);
    expect_writes(&w, (const uint32_t[][2]){ { 0, 32 }, { 64, 32 }, { 32, 4 } }, 3);
    w.count = 0;
    assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_u32(&k, "n", 2), ESP_OK);
    expect_writes(&w, (const uint32_t[][2]){ { 96, 32 }, { 32, 4 }, { 128, 32 }, { 32, 4 }, { 32, 4 } }, 5);
    w.count = 0;
    /* Entries 3…6: header, two full ones in one write (cut by the chip's pages of 256), the rest. */
    char text[80];
    memset(text, 'a', sizeof text);
    text[79] = 0;
    assert_int_equal(nvs_kit_set_str(&k, "s", text), ESP_OK);
    expect_writes(&w, (const uint32_t[][2]){ { 160, 32 }, { 32, 4 }, { 192, 64 }, { 32, 4 }, { 256, 32 }, { 32, 4 } },
                  6);
    w.count = 0;
    assert_int_equal(ud_nvs_set(&k.nvs, &(struct ud_nvs_key){ k.ns, "n", true }, UD_NVS_U32, "\3\0\0\0", 4), ESP_OK);
    expect_writes(&w, (const uint32_t[][2]){ { 288, 32 }, { 32, 4 }, { 32, 4 }, { 128, 32 } }, 4); /* purged */
    w.count = 0;
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, "1234", 4), ESP_OK); /* 8, 9, index 10 */
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, "123", 3), ESP_OK);  /* 11, 12, 13; then 10, then 8 and 9 */
    expect_writes(&w,
                  (const uint32_t[][2]){ { 320, 32 },
                                         { 32, 4 },
                                         { 352, 32 },
                                         { 32, 4 },
                                         { 384, 32 },
                                         { 32, 4 },
                                         { 416, 32 },
                                         { 32, 4 },
                                         { 448, 32 },
                                         { 32, 4 },
                                         { 480, 32 },
                                         { 32, 4 },
                                         { 32, 4 },
                                         { 32, 4 } },
                  14);
    assert_int_equal(k.bytes[64 + 8 * 32 + 3], 0x00); /* chunks are numbered from 0, then from 80 */
    assert_int_equal(k.bytes[64 + 11 * 32 + 3], 0x80);
    nvs_kit_deinit(&k);
}

static void fill(struct nvs_kit *k, unsigned from, unsigned to)
{
    char key[16];
    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(nvs_kit_set_u32(k, key, i), ESP_OK);
    }
}

static void a_full_partition_takes_what_was_erased(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint32_t value = 0;
    nvs_kit_init(&k, 3);
    fill(&k, 0, 251); /* and the namespace: 252 entries */
    uint32_t operations = k.ff.operations;
    assert_int_equal(nvs_kit_set_u32(&k, "more", 1), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(nvs_kit_set_u32(&k, "k7", 1), ESP_ERR_NVS_NOT_ENOUGH_SPACE); /* new beside old */
    assert_int_equal(k.ff.operations, operations);                                /* nothing is worn for nothing */
    assert_int_equal(nvs_kit_erase(&k, "k100"), ESP_OK);
    assert_int_equal(nvs_kit_set_str(&k, "two", "x"), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(nvs_kit_set_u32(&k, "more", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_u32(&k, "again", 1), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    for (unsigned i = 0; i < 251; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(nvs_kit_get_u32(&k, key, &value), i == 100 ? ESP_ERR_NVS_NOT_FOUND : ESP_OK);
        assert_true(i == 100 || value == i);
    }
    nvs_kit_deinit(&k);
}

static void a_counter_is_written_for_ever(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint32_t value, erases[3] = { 0 };
    struct watched w = { .count = 0 };
    nvs_kit_init(&k, 3);
    assert_int_equal(nvs_kit_set_str(&k, "rests", "here"), ESP_OK);
    k.ff.before = watch;
    k.ff.ctx = &w;
    for (uint32_t i = 0; i < 3000; i++) {
        w.count = 0;
        assert_int_equal(nvs_kit_set_u32(&k, "count", i), ESP_OK);
        for (unsigned o = 0; o < w.count; o++)
            if (w.op[o].op == UD_FLASH_ERASE)
                erases[w.op[o].at / 4096]++;
    }
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    assert_int_equal(nvs_kit_get_u32(&k, "count", &value), ESP_OK);
    assert_int_equal(value, 2999);
    assert_true(erases[0] + erases[1] + erases[2] >= 20);
    assert_true(erases[1] > 5 && erases[2] > 5); /* what rests on page 0 stays there, as in ESP-IDF */
    nvs_kit_deinit(&k);
}

static void a_blob_without_room_leaves_the_old_one(void **state)
{
    (void)state;
    static uint8_t blob[7000], out[7000];
    struct nvs_kit k;
    size_t len = sizeof out;
    uint32_t used;
    nvs_kit_init(&k, 4);
    memset(blob, 1, sizeof blob);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    memset(blob, 2, sizeof blob);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_OK);
    assert_int_equal(len, sizeof out);
    memset(blob, 1, sizeof blob);
    assert_memory_equal(out, blob, sizeof out);
    assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
    assert_int_equal(used, 219 + 3); /* two chunks and the index; nothing of the new one */
    assert_int_equal(nvs_kit_set_u32(&k, "after", 1), ESP_OK);
    nvs_kit_deinit(&k);
}

static void keys_are_walked_in_order_by_namespace_and_type(void **state)
{
    (void)state;
    static const char *const all[] = { "storage/a", "storage/b", "other/a", "storage/s" };
    static uint8_t blob[5000];
    struct nvs_kit k;
    struct ud_nvs_info info;
    uint8_t other;
    nvs_kit_init(&k, 4);
    assert_int_equal(nvs_kit_set_u32(&k, "a", 1), ESP_OK);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    assert_int_equal(ud_nvs_open(&k.nvs, "other", true, &other), ESP_OK);
    assert_int_equal(ud_nvs_set(&k.nvs, &(struct ud_nvs_key){ other, "a", false }, UD_NVS_U8, "\1", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_str(&k, "s", "x"), ESP_OK);
    struct ud_nvs_walk walk = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(all); i++) {
        char name[40];
        assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info), ESP_OK);
        snprintf(name, sizeof name, "%s/%s", info.ns, info.key);
        assert_string_equal(name, all[i]);
    }
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info), ESP_ERR_NVS_NOT_FOUND);
    walk = (struct ud_nvs_walk){ 0 };
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, other, UD_NVS_ANY, &info), ESP_OK);
    assert_int_equal(info.type, UD_NVS_U8);
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, other, UD_NVS_ANY, &info), ESP_ERR_NVS_NOT_FOUND);
    walk = (struct ud_nvs_walk){ 0 };
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_BLOB, &info), ESP_OK);
    assert_string_equal(info.key, "b");
    assert_int_equal(info.type, UD_NVS_BLOB);
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_BLOB, &info), ESP_ERR_NVS_NOT_FOUND);
    nvs_kit_deinit(&k);
}

static void erase_all_and_purge_stay_in_their_namespace(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint8_t other, out[8];
    size_t len = sizeof out;
    uint32_t used;
    nvs_kit_init(&k, 3);
    assert_int_equal(ud_nvs_open(&k.nvs, "other", true, &other), ESP_OK);
    assert_int_equal(ud_nvs_set(&k.nvs, &(struct ud_nvs_key){ other, "kept", false }, UD_NVS_U8, "\7", 1), ESP_OK);
    assert_int_equal(ud_nvs_set(&k.nvs, &(struct ud_nvs_key){ other, "gone", false }, UD_NVS_U8, "\7", 1), ESP_OK);
    assert_int_equal(ud_nvs_erase(&k.nvs, &(struct ud_nvs_key){ other, "gone", false }), ESP_OK);
    assert_int_equal(nvs_kit_set_str(&k, "s", "a secret of more than one entry, so to say"), ESP_OK);
    assert_int_equal(ud_nvs_erase_all(&k.nvs, k.ns, false), ESP_OK);
    assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
    assert_int_equal(used, 0);
    assert_int_equal(ud_nvs_get(&k.nvs, other, "kept", UD_NVS_U8, out, &len), ESP_OK);
    static const uint8_t zeros[96] = { 0 };
    const uint8_t *secret = k.bytes + 64 + 4 * 32, *gone = k.bytes + 64 + 3 * 32;
    assert_memory_not_equal(secret, zeros, 96);
    assert_int_equal(ud_nvs_purge(&k.nvs, k.ns), ESP_OK);
    assert_memory_equal(secret, zeros, 96);
    assert_memory_not_equal(gone, zeros, 32);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    assert_int_equal(ud_nvs_get(&k.nvs, other, "kept", UD_NVS_U8, out, &len), ESP_OK);
    nvs_kit_deinit(&k);
}

static void a_failed_write_stops_all_until_init(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint32_t value;
    uint8_t ns;
    struct ud_nvs_stats s;
    struct ud_nvs_info info;
    struct ud_nvs_walk walk = { 0 };
    nvs_kit_init(&k, 3);
    assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
    struct ud_fault fault = { .kind = UD_FAULT_FAIL_PROGRAM, .addr = NVS_KIT_ADDR, .len = 4096, .after = 2 };
    k.ff.fault = &fault;
    k.ff.fault_count = 1;
    assert_int_equal(nvs_kit_set_u32(&k, "n", 2), ESP_ERR_NVS_REMOVE_FAILED); /* under the old one */
    k.ff.fault_count = 0;
    assert_int_equal(nvs_kit_set_u32(&k, "n", 3), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(nvs_kit_get_u32(&k, "n", &value), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(nvs_kit_erase(&k, "n"), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_erase_all(&k.nvs, k.ns, false), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_purge(&k.nvs, k.ns), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_open(&k.nvs, "x", true, &ns), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_stats(&k.nvs, &s), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &value), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info), ESP_ERR_NVS_INVALID_STATE);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(nvs_kit_get_u32(&k, "n", &value), ESP_OK);
    assert_int_equal(value, 2); /* the new one is complete */

    fault = (struct ud_fault){ .kind = UD_FAULT_FAIL_PROGRAM, .addr = NVS_KIT_ADDR, .len = 4096 };
    k.ff.fault_count = 1;
    assert_int_equal(nvs_kit_set_u32(&k, "n", 3), ESP_ERR_FLASH_OP_FAIL);
    k.ff.fault_count = 0;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(nvs_kit_get_u32(&k, "n", &value), ESP_OK);
    assert_int_equal(value, 2);
    nvs_kit_deinit(&k);
}

/* Every read of every kind of call fails once: the code is the flash's, and nothing is lost. */
static void a_failed_read_changes_nothing(void **state)
{
    (void)state;
    static uint8_t blob[5000], out[5000];
    unsigned failed = 0;
    for (unsigned what = 0; what < 5; what++) {
        for (uint32_t nth = 0;; nth++) {
            struct nvs_kit k;
            uint32_t value;
            size_t len = sizeof out;
            nvs_kit_init(&k, 5);
            assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
            assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
            assert_int_equal(nvs_kit_set_str(&k, "s", "text"), ESP_OK);
            uint32_t operations = k.ff.operations;
            struct ud_fault fault = {
                .kind = UD_FAULT_FAIL_READ, .addr = NVS_KIT_ADDR, .len = 5 * 4096, .after = nth, .times = 1
            };
            k.ff.fault = &fault;
            k.ff.fault_count = 1;
            esp_err_t err = what == 0   ? nvs_kit_set_u32(&k, "n", 2)
                            : what == 1 ? nvs_kit_set(&k, "b", UD_NVS_BLOB, "xy", 2)
                            : what == 4 ? nvs_kit_set_str(&k, "s", "text")
                            : what == 2 ? ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len)
                                        : nvs_kit_mount(&k);
            k.ff.fault_count = 0;
            assert_true(what < 2 || k.ff.operations == operations);
            bool over = fault.seen <= nth;
            assert_true(over ? err == ESP_OK : err == ESP_ERR_FLASH_OP_FAIL || err == ESP_ERR_NVS_REMOVE_FAILED);
            assert_int_equal(nvs_kit_mount(&k), ESP_OK);
            len = sizeof out;
            assert_int_equal(nvs_kit_get_u32(&k, "n", &value), ESP_OK);
            assert_int_equal(value, what == 0 && err != ESP_ERR_FLASH_OP_FAIL ? 2 : 1);
            assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_OK);
            assert_int_equal(len, what == 1 && err != ESP_ERR_FLASH_OP_FAIL ? 2 : sizeof blob);
            nvs_kit_deinit(&k);
            failed += !over;
            if (over)
                break;
        }
    }
    assert_true(failed > 20);
}

static void a_value_that_does_not_match_its_crc_is_given_up(void **state)
{
    (void)state;
    struct nvs_kit k;
    char out[32];
    size_t len = sizeof out;
    nvs_kit_init(&k, 3);
    assert_int_equal(nvs_kit_set_str(&k, "s", "text"), ESP_OK);
    k.bytes[64 + 2 * 32] ^= 1;
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "s", UD_NVS_STR, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(k.last.id, UD_NOTE_NVS_DAMAGED);
    assert_int_equal(MAP(&k, 0, 0), 0xC2); /* entry 0 written, 1 and 2 erased, 3 empty */
    assert_int_equal(nvs_kit_set_str(&k, "s", "text"), ESP_OK);

    /* One wrong look is not yet a wrong value. */
    struct ud_fault flip = {
        .kind = UD_FAULT_FLIP, .addr = NVS_KIT_ADDR + 64 + 4 * 32, .len = 1, .bits = 4, .times = 1
    };
    k.ff.fault = &flip;
    k.ff.fault_count = 1;
    flip.after = 0;
    len = sizeof out;
    esp_err_t err = ud_nvs_get(&k.nvs, k.ns, "s", UD_NVS_STR, out, &len);
    assert_true(flip.seen > 0);
    assert_int_equal(err, ESP_OK);
    assert_string_equal(out, "text");
    nvs_kit_deinit(&k);
}

static void a_blob_with_a_part_missing_is_erased(void **state)
{
    (void)state;
    static uint8_t blob[5000], out[5000];
    struct nvs_kit k;
    size_t len = sizeof out;
    nvs_kit_init(&k, 4);
    assert_int_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, blob, sizeof blob), ESP_OK);
    k.bytes[4096 + 64] ^= 1; /* the header of the second chunk, under our feet */
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_FAIL);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_ERR_NVS_NOT_FOUND);
    nvs_kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(lengths_are_asked_for_and_told),
        cmocka_unit_test(values_and_names_have_limits),
        cmocka_unit_test(two_hundred_and_fifty_four_namespaces_are_all),
        cmocka_unit_test(an_equal_value_writes_nothing),
        cmocka_unit_test(another_type_replaces_unless_types_are_kept),
        cmocka_unit_test(writes_come_in_the_order_of_esp_idf),
        cmocka_unit_test(a_full_partition_takes_what_was_erased),
        cmocka_unit_test(a_counter_is_written_for_ever),
        cmocka_unit_test(a_blob_without_room_leaves_the_old_one),
        cmocka_unit_test(keys_are_walked_in_order_by_namespace_and_type),
        cmocka_unit_test(erase_all_and_purge_stay_in_their_namespace),
        cmocka_unit_test(a_failed_write_stops_all_until_init),
        cmocka_unit_test(a_failed_read_changes_nothing),
        cmocka_unit_test(a_value_that_does_not_match_its_crc_is_given_up),
        cmocka_unit_test(a_blob_with_a_part_missing_is_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
