/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions that ESP-IDF's own generator has made (tests/vectors/nvs/README.md): read without a write, with the values
 * of their CSV files and the figures that ESP-IDF's library gave; and cases that are derived from them by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <zlib.h>

#include "nvs_kit.h"

static void load(struct nvs_kit *k, const char *name, uint32_t pages)
{
    char path[512];
    nvs_kit_make(k, pages, 1);
    snprintf(path, sizeof path, UD_VECTORS "/nvs/%s.bin.gz", name);
    gzFile f = gzopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(gzread(f, k->bytes, pages * 4096u), pages * 4096u);
    gzclose(f);
}

static void expect(struct nvs_kit *k, const char *key, enum ud_nvs_type type, const void *want, size_t want_len)
{
    static uint8_t out[6000];
    size_t len = sizeof out;
    assert_int_equal(ud_nvs_get(&k->nvs, k->ns, key, type, out, &len), ESP_OK);
    assert_int_equal(len, want_len);
    assert_memory_equal(out, want, want_len);
}

static void expect_number(struct nvs_kit *k, const char *key, enum ud_nvs_type type, uint64_t want)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(want >> 8 * i);
    expect(k, key, type, bytes, (size_t)type & 15u);
}

static void expect_text(struct nvs_kit *k, const char *key, const char *want)
{
    expect(k, key, UD_NVS_STR, want, strlen(want) + 1);
}

static void expect_pattern(struct nvs_kit *k, const char *key, unsigned mul, unsigned add, bool carry, size_t len)
{
    static uint8_t want[6000];
    for (size_t i = 0; i < len; i++)
        want[i] = (uint8_t)(mul * i + add + (carry ? i / 256 : 0));
    expect(k, key, UD_NVS_BLOB, want, len);
}

static void open_ns(struct nvs_kit *k, const char *name, uint8_t number)
{
    assert_int_equal(ud_nvs_open(&k->nvs, name, false, &k->ns), ESP_OK);
    assert_int_equal(k->ns, number);
}

static void expect_figures(struct nvs_kit *k, struct ud_nvs_stats want, unsigned listed)
{
    struct ud_nvs_stats s;
    struct ud_nvs_walk walk = { 0 };
    struct ud_nvs_info info;
    assert_int_equal(ud_nvs_stats(&k->nvs, &s), ESP_OK);
    assert_int_equal(s.used, want.used);
    assert_int_equal(s.free, want.free);
    assert_int_equal(s.available, want.available);
    assert_int_equal(s.total, want.total);
    assert_int_equal(s.namespaces, want.namespaces);
    for (unsigned i = 0; i < listed; i++)
        assert_int_equal(ud_nvs_next(&k->nvs, &walk, 0, UD_NVS_ANY, &info), ESP_OK);
    assert_int_equal(ud_nvs_next(&k->nvs, &walk, 0, UD_NVS_ANY, &info), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(k->ff.operations, 0);
}

static void basic_is_read(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint8_t bytes[32];
    load(&k, "basic", 3);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    open_ns(&k, "storage", 1);
    expect_number(&k, "u8max", UD_NVS_U8, 255);
    expect_number(&k, "i8min", UD_NVS_I8, (uint64_t)-128);
    expect_number(&k, "u16", UD_NVS_U16, 4660);
    expect_number(&k, "i16", UD_NVS_I16, (uint64_t)-4660);
    expect_number(&k, "u32", UD_NVS_U32, 305419896);
    expect_number(&k, "i32", UD_NVS_I32, (uint64_t)-305419896);
    expect_number(&k, "u64", UD_NVS_U64, 81985529216486895u);
    expect_number(&k, "i64min", UD_NVS_I64, 0x8000000000000000u);
    expect_text(&k, "empty", "");
    expect_text(&k, "hello", "Hello NVS");
    expect_text(&k, "str31", "abcdefghijklmnopqrstuvwxyz01234");
    expect_text(&k, "str32", "abcdefghijklmnopqrstuvwxyz012345");
    expect(&k, "blob3", UD_NVS_BLOB, "\x0a\x0b\x0c", 3);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    expect(&k, "blob32", UD_NVS_BLOB, bytes, 32);
    expect_number(&k, "fifteen_chars_k", UD_NVS_U8, 15);
    open_ns(&k, "ota_resume", 2);
    expect_number(&k, "offset", UD_NVS_U32, 65536);
    expect_number(&k, "u8max", UD_NVS_U8, 1);
    expect_text(&k, "url", "https://example.invalid/fw.bin");
    expect_figures(&k, (struct ud_nvs_stats){ 30, 348, 222, 378, 2 }, 18);
    nvs_kit_deinit(&k);
}

static void blobs_over_pages_are_read(void **state)
{
    (void)state;
    struct nvs_kit k;
    char pad[1001];
    load(&k, "multipage", 5);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    open_ns(&k, "multi", 1);
    memset(pad, 'L', 1000);
    pad[1000] = 0;
    expect_text(&k, "pad", pad);
    expect_number(&k, "before", UD_NVS_U32, 1);
    expect_number(&k, "after", UD_NVS_U32, 2);
    expect_pattern(&k, "blob5000", 7, 0, true, 5000);
    expect_pattern(&k, "blob1500", 13, 5, false, 1500);
    open_ns(&k, "second", 2);
    expect(&k, "blob5000", UD_NVS_BLOB, "same key other ns", 17);
    expect_figures(&k, (struct ud_nvs_stats){ 249, 381, 255, 630, 2 }, 6);
    nvs_kit_deinit(&k);
}

static void version_1_is_read_and_rewritten_as_version_2(void **state)
{
    (void)state;
    struct nvs_kit k;
    enum ud_nvs_type type;
    load(&k, "v1", 4);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    open_ns(&k, "legacy", 1);
    expect_number(&k, "num", UD_NVS_I32, (uint64_t)-7);
    expect_text(&k, "text", "version one");
    expect_pattern(&k, "blob", 1, 0, false, 64);
    expect_pattern(&k, "blob2", 3, 0, false, 1984);
    expect_pattern(&k, "blob3", 5, 0, false, 1984);
    assert_int_equal(ud_nvs_find(&k.nvs, k.ns, "blob", &type), ESP_OK);
    assert_int_equal(type, UD_NVS_BLOB);
    expect_figures(&k, (struct ud_nvs_stats){ 133, 371, 245, 504, 1 }, 2);

    assert_int_equal(nvs_kit_set(&k, "blob", UD_NVS_BLOB, "new", 3), ESP_OK);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    expect(&k, "blob", UD_NVS_BLOB, "new", 3);
    expect_pattern(&k, "blob2", 3, 0, false, 1984);
    uint32_t used;
    assert_int_equal(ud_nvs_used(&k.nvs, k.ns, &used), ESP_OK);
    assert_int_equal(used, 132); /* 3 entries became 3 */
    nvs_kit_deinit(&k);
}

static void cut_to_one_page(void **state)
{
    (void)state;
    struct nvs_kit k;
    load(&k, "basic", 3);
    k.part.size = 4096;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NVS_NO_FREE_PAGES);
    k.part.flags = UD_PART_FLAG_READONLY;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    open_ns(&k, "storage", 1);
    expect_text(&k, "hello", "Hello NVS");
    assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &k.ns), ESP_ERR_NOT_ALLOWED);
    nvs_kit_deinit(&k);
}

static void a_flipped_bit_in_a_number_costs_that_number(void **state)
{
    (void)state;
    static const uint8_t map[4] = { 0x2A, 0xAA, 0xAA, 0xAA }, zeros[32] = { 0 };
    struct nvs_kit k;
    size_t len = 2;
    uint8_t out[2];
    load(&k, "basic", 3);
    k.bytes[64 + 32 * 3 + 24] ^= 1;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_memory_equal(k.bytes + 32, map, 4);
    assert_memory_equal(k.bytes + 64 + 32 * 3, zeros, 32);
    open_ns(&k, "storage", 1);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "u16", UD_NVS_U16, out, &len), ESP_ERR_NVS_NOT_FOUND);
    expect_number(&k, "i16", UD_NVS_I16, (uint64_t)-4660);
    nvs_kit_deinit(&k);
}

/* The header of a key, by its text. */
static uint8_t *entry_of(struct nvs_kit *k, const char *key, uint8_t type)
{
    for (unsigned i = 0; i < UD_NVS_ENTRIES; i++) {
        uint8_t *e = k->bytes + 64 + 32 * i;
        if (e[1] == type && strcmp((char *)e + 8, key) == 0)
            return e;
    }
    fail_msg("no entry %s", key);
    return NULL;
}

static void flipped_data_are_found_when_they_are_read(void **state)
{
    (void)state;
    static const uint8_t zeros[64] = { 0 };
    struct nvs_kit k;
    char out[64];
    size_t len = sizeof out;
    load(&k, "basic", 3);
    uint8_t *hello = entry_of(&k, "hello", 0x21), *chunk = entry_of(&k, "blob32", 0x42);
    uint8_t *index = entry_of(&k, "blob32", 0x48);
    hello[32] ^= 1;
    chunk[32] ^= 1;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(k.ff.operations, 0);
    open_ns(&k, "storage", 1);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "hello", UD_NVS_STR, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_memory_equal(hello, zeros, 64);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "blob32", UD_NVS_BLOB, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_memory_equal(chunk, zeros, 64);
    assert_memory_not_equal(index, zeros, 32);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    assert_memory_equal(index, zeros, 32);
    nvs_kit_deinit(&k);
}

/* What is written here is, byte for byte, what the generator writes. */
static void the_same_values_are_the_same_bytes(void **state)
{
    (void)state;
    struct nvs_kit k, made;
    load(&k, "basic", 3);
    nvs_kit_make(&made, 3, 1);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(nvs_kit_mount(&made), ESP_OK);
    struct ud_nvs_walk walk = { 0 };
    struct ud_nvs_info info;
    esp_err_t err;
    while ((err = ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info)) == ESP_OK) {
        uint8_t ns, value[64];
        size_t len = sizeof value;
        assert_int_equal(ud_nvs_open(&k.nvs, info.ns, false, &ns), ESP_OK);
        assert_int_equal(ud_nvs_get(&k.nvs, ns, info.key, info.type, value, &len), ESP_OK);
        assert_int_equal(ud_nvs_open(&made.nvs, info.ns, true, &made.ns), ESP_OK);
        assert_int_equal(nvs_kit_set(&made, info.key, info.type, value, len), ESP_OK);
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_FOUND);
    assert_memory_equal(k.bytes, made.bytes, 3 * 4096);
    nvs_kit_deinit(&k);
    nvs_kit_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_is_read),
        cmocka_unit_test(blobs_over_pages_are_read),
        cmocka_unit_test(version_1_is_read_and_rewritten_as_version_2),
        cmocka_unit_test(cut_to_one_page),
        cmocka_unit_test(a_flipped_bit_in_a_number_costs_that_number),
        cmocka_unit_test(flipped_data_are_found_when_they_are_read),
        cmocka_unit_test(the_same_values_are_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
