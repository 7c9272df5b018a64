/* SPDX-License-Identifier: Apache-2.0 */
/* Init on flash of all kinds: what is recovered, what is refused and left alone. Bytes are changed by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "nvs_kit.h"

static uint8_t *entry(struct nvs_kit *k, unsigned page, unsigned at)
{
    return k->bytes + page * 4096u + 64u + at * 32u;
}

static void set_state(struct nvs_kit *k, unsigned page, unsigned at, unsigned state)
{
    uint8_t *byte = k->bytes + page * 4096u + 32u + at / 4;
    *byte = (uint8_t)((*byte & ~(3u << at % 4 * 2)) | state << at % 4 * 2);
}

static unsigned state_of(struct nvs_kit *k, unsigned page, unsigned at)
{
    return (unsigned)k->bytes[page * 4096u + 32u + at / 4] >> at % 4 * 2 & 3u;
}

static void seal_header(uint8_t *page)
{
    ud_store_le32(page + 28, ud_crc32(UINT32_MAX, page + 4, 24));
}

static void seal_entry(uint8_t *e)
{
    ud_store_le32(e + 4, ud_crc32(ud_crc32(UINT32_MAX, e, 4), e + 8, 24));
}

/* Entry 0 the namespace, 1 "a" = 1, 2…4 "s", 5 and 6 the chunk of "b", 7 its index, 8 "z" = 26. */
static void fill(struct nvs_kit *k, uint32_t pages)
{
    nvs_kit_init(k, pages);
    assert_int_equal(nvs_kit_set_u32(k, "a", 1), ESP_OK);
    assert_int_equal(nvs_kit_set_str(k, "s", "a text of more than one entry, for spans"), ESP_OK);
    assert_int_equal(nvs_kit_set(k, "b", UD_NVS_BLOB, "blob", 4), ESP_OK);
    assert_int_equal(nvs_kit_set_u32(k, "z", 26), ESP_OK);
}

static void expect_u32(struct nvs_kit *k, const char *key, uint32_t want)
{
    uint32_t value = 0;
    assert_int_equal(nvs_kit_get_u32(k, key, &value), ESP_OK);
    assert_int_equal(value, want);
}

static bool has(struct nvs_kit *k, const char *key)
{
    enum ud_nvs_type type;
    esp_err_t err = ud_nvs_find(&k->nvs, k->ns, key, &type);
    assert_true(err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND);
    return err == ESP_OK;
}

static void blank_partitions_stay_blank(void **state)
{
    (void)state;
    for (uint32_t pages = 1; pages <= 3; pages++) {
        struct nvs_kit k;
        nvs_kit_make(&k, pages, 1);
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_int_equal(k.ff.operations, 0);
        assert_int_equal(ud_nvs_open(&k.nvs, "storage", false, &k.ns), ESP_ERR_NVS_NOT_FOUND);
        assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &k.ns), ESP_OK);
        assert_int_equal(nvs_kit_restart(&k), pages == 1 ? ESP_ERR_NVS_NO_FREE_PAGES : ESP_OK);
        nvs_kit_deinit(&k);
    }
}

static void two_pages_go_on_for_ever(void **state)
{
    (void)state;
    struct nvs_kit k;
    nvs_kit_init(&k, 2);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(nvs_kit_set_u32(&k, "n", i), ESP_OK);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    expect_u32(&k, "n", 499);
    nvs_kit_deinit(&k);
}

static void what_cannot_be_used_is_refused_with_its_code(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    struct ud_partition p = k.part;
    k.part.size = 4095;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NVS_NO_FREE_PAGES);
    assert_int_equal(k.last.a, NVS_KIT_ADDR);
    k.part.size = (NVS_KIT_PAGES + 1) * 4096;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_INVALID_SIZE);
    k.part = p;
    k.part.addr += 32;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_INVALID_ARG);
    k.part = p;
    k.flash.geometry.sector = 3 * 4096;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NOT_SUPPORTED);
    k.flash.geometry.sector = 4096;

    uint32_t operations = k.ff.operations;
    k.bytes[8] = 0xFD; /* a later version */
    seal_header(k.bytes);
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NVS_NEW_VERSION_FOUND);
    assert_int_equal(k.last.id, UD_NOTE_NVS_REFUSED);
    k.bytes[8] = 0xFF; /* version 1 */
    seal_header(k.bytes);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(k.ff.operations, operations);
    nvs_kit_deinit(&k);
}

static void entries_that_all_make_no_sense_are_left_alone(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    for (unsigned i = 0; i < 9 * 32; i++)
        entry(&k, 0, 0)[i] ^= 0x5A; /* as if encrypted */
    uint32_t operations = k.ff.operations;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NVS_WRONG_ENCRYPTION);
    assert_int_equal(k.ff.operations, operations);
    k.part.flags = UD_PART_FLAG_READONLY;
    assert_int_equal(nvs_kit_mount(&k), ESP_ERR_NVS_WRONG_ENCRYPTION);
    nvs_kit_deinit(&k);

    nvs_kit_init(&k, 3);
    assert_int_equal(nvs_kit_set_u32(&k, "n", 1), ESP_OK);
    entry(&k, 0, 0)[9] ^= 1;
    entry(&k, 0, 1)[9] ^= 1; /* two spoilt entries are an accident */
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(state_of(&k, 0, 1), 0);
    nvs_kit_deinit(&k);
}

static void pages_that_are_none_are_used_again(void **state)
{
    (void)state;
    static const struct row {
        unsigned at;
        uint8_t byte;
    } rows[] = { { 28, 0x12 }, { 0, 0xF0 }, { 0, 0xFF }, { 9, 0xFD } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct nvs_kit k;
        fill(&k, 3);
        k.bytes[rows[i].at] = rows[i].byte;
        uint32_t operations = k.ff.operations;
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_int_equal(k.ff.operations, operations + 1); /* it becomes the current page, and is erased for that */
        assert_int_equal(k.last.id, UD_NOTE_NVS_RECOVERED);
        assert_int_equal(k.last.b, 1);
        assert_false(has(&k, "a"));
        assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &k.ns), ESP_OK);
        for (uint32_t n = 0; n < 400; n++)
            assert_int_equal(nvs_kit_set_u32(&k, "n", n), ESP_OK);
        assert_int_equal(nvs_kit_restart(&k), ESP_OK);
        expect_u32(&k, "n", 399);
        nvs_kit_deinit(&k);
    }
}

static void spoilt_entries_cost_nothing_but_themselves(void **state)
{
    (void)state;
    static const struct row {
        unsigned at, byte;
        const char *gone;
    } rows[] = {
        { 1, 24, "a" }, { 2, 0, "s" },      { 2, 1, "s" },     { 2, 2, "s" }, { 2, 26, "s" },
        { 5, 2, "b" },  { 6 + 1, 28, "b" }, { 6 + 1, 3, "b" }, { 8, 8, "z" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct nvs_kit k;
        uint8_t zeros[32] = { 0 };
        fill(&k, 3);
        entry(&k, 0, rows[i].at)[rows[i].byte] ^= 0x20;
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_int_equal(k.last.id, UD_NOTE_NVS_RECOVERED);
        assert_int_equal(state_of(&k, 0, rows[i].at), 0);
        assert_memory_equal(entry(&k, 0, rows[i].at), zeros, 32);
        static const char *const keys[] = { "a", "s", "b", "z" };
        for (size_t j = 0; j < UD_ARRAY_LEN(keys); j++)
            assert_int_equal(has(&k, keys[j]), strcmp(keys[j], rows[i].gone) != 0);
        uint32_t operations = k.ff.operations;
        assert_int_equal(nvs_kit_restart(&k), ESP_OK);
        assert_int_equal(k.ff.operations, operations); /* mended once and for all */
        nvs_kit_deinit(&k);
    }
}

/* Headers with a good CRC that lie: no length, span or index leads out of the page. */
static void lying_headers_are_no_items(void **state)
{
    (void)state;
    static const struct row {
        uint8_t type, span, chunk;
        uint32_t low, high;
    } rows[] = {
        { 0x21, 255, 0xFF, 0xFFFF0000 | 8000, 0 },
        { 0x21, 127, 0xFF, 0xFFFF0000 | 4032, 0 },
        { 0x21, 126, 0xFF, 0xFFFF0000 | 4000, 0 },
        { 0x21, 0, 0xFF, 0xFFFFFFFF, 0 },
        { 0x21, 2, 0xFF, 0xFFFF0000 | 33, 0 },
        { 0x42, 2, 0xFF, 0xFFFF0000 | 5, 0 },
        { 0x21, 2, 0x01, 0xFFFF0000 | 5, 0 },
        { 0x04, 2, 0xFF, 1, 0 },
        { 0x48, 1, 0x00, 4, 0xFFFF0001 },
        { 0x48, 1, 0xFF, 4, 0xFFFF00FF },
        { 0x48, 1, 0xFF, 0xFFFFFFFF, 0xFFFF0001 },
        { 0x48, 1, 0xFF, 4, 0xFFFF1101 },
        { 0x07, 1, 0xFF, 1, 0 },
        { 0x48, 2, 0xFF, 4, 0xFFFF0001 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct nvs_kit k;
        fill(&k, 3);
        uint8_t *e = entry(&k, 0, 8);
        e[1] = rows[i].type;
        e[2] = rows[i].span;
        e[3] = rows[i].chunk;
        ud_store_le32(e + 24, rows[i].low);
        ud_store_le32(e + 28, rows[i].high);
        seal_entry(e);
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_false(has(&k, "z"));
        assert_int_equal(state_of(&k, 0, 8), 0);
        expect_u32(&k, "a", 1);
        nvs_kit_deinit(&k);
    }
}

static void items_with_an_entry_missing_are_given_up_whole(void **state)
{
    (void)state;
    for (unsigned at = 3; at <= 4; at++) {
        for (unsigned s = 0; s < 4; s += s == 1 ? 2 : 1) { /* erased, illegal, empty */
            struct nvs_kit k;
            uint8_t zeros[3 * 32] = { 0 };
            fill(&k, 3);
            set_state(&k, 0, at, s);
            assert_int_equal(nvs_kit_mount(&k), ESP_OK);
            assert_false(has(&k, "s"));
            assert_int_equal(state_of(&k, 0, 2) | state_of(&k, 0, 3) | state_of(&k, 0, 4), 0);
            assert_memory_equal(entry(&k, 0, 2), zeros, sizeof zeros);
            expect_u32(&k, "z", 26);
            nvs_kit_deinit(&k);
        }
    }
}

/* An entry whose first four bytes happen to be blank has been written to all the same. */
static void entries_without_a_state_are_not_written_over(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    entry(&k, 0, 9)[20] = 0;
    entry(&k, 0, 12)[0] = 0;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    for (unsigned at = 9; at <= 12; at++)
        assert_int_equal(state_of(&k, 0, at), 0);
    assert_int_equal(nvs_kit_set_u32(&k, "n", 5), ESP_OK); /* strict flash would refuse */
    assert_int_equal(state_of(&k, 0, 13), 2);
    expect_u32(&k, "n", 5);
    nvs_kit_deinit(&k);
}

static void the_newer_of_two_values_counts(void **state)
{
    (void)state;
    static const enum ud_nvs_type types[] = { UD_NVS_U32, UD_NVS_STR, UD_NVS_BLOB, UD_NVS_U8 };
    for (unsigned far = 0; far < 2; far++) { /* on one page, or on two */
        for (size_t old = 0; old < UD_ARRAY_LEN(types); old++) {
            for (size_t new = 0; new < UD_ARRAY_LEN(types); new ++) {
                struct nvs_kit k;
                uint8_t out[8];
                size_t len = sizeof out;
                fill(&k, 4);
                size_t old_len = types[old] == UD_NVS_U8 ? 1 : 4, new_len = types[new] == UD_NVS_U8 ? 1 : 4;
                assert_int_equal(nvs_kit_set(&k, "k", types[old], "abc", old_len), ESP_OK);
                for (uint32_t n = 0; far && k.bytes[4096] == 0xFF; n++)
                    assert_int_equal(nvs_kit_set_u32(&k, "n", n), ESP_OK);
                /* The state words that would erase the old value fail, and so does all after. */
                uint8_t *before = k.bytes + 32;
                uint8_t map[32];
                memcpy(map, before, sizeof map);
                assert_int_equal(nvs_kit_set(&k, "k", types[new], "xyz", new_len), ESP_OK);
                for (unsigned i = 0; i < 32; i++)
                    k.bytes[32 + i] = (uint8_t)((map[i] & 0xAA) | (k.bytes[32 + i] & ~0xAAu)); /* old: written again */
                assert_int_equal(nvs_kit_restart(&k), ESP_OK);
                assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "k", types[new], out, &len), ESP_OK);
                assert_memory_equal(out, "xyz", new_len);
                if (types[new] != types[old])
                    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "k", types[old], out, &len), ESP_ERR_NVS_NOT_FOUND);
                expect_u32(&k, "a", 1);
                nvs_kit_deinit(&k);
            }
        }
    }
}

static void all_doubles_of_the_last_page_are_settled(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    assert_int_equal(nvs_kit_set_u32(&k, "a", 2), ESP_OK);
    assert_int_equal(nvs_kit_set_u32(&k, "z", 27), ESP_OK);
    set_state(&k, 0, 1, 2);
    set_state(&k, 0, 8, 2);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    assert_int_equal(state_of(&k, 0, 1) | state_of(&k, 0, 8), 0);
    expect_u32(&k, "a", 2);
    expect_u32(&k, "z", 27);
    nvs_kit_deinit(&k);
}

/* ESP-IDF loses the blob here: it takes chunk 80 of the new value for chunk 00 of the old one. */
static void a_new_chunk_beside_an_old_one_costs_nothing(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint8_t out[8];
    size_t len = sizeof out;
    fill(&k, 3);
    ud_fault_flash_cut(&k.ff, 4, UD_CUT_AFTER); /* header, state, data, state */
    assert_int_not_equal(nvs_kit_set(&k, "b", UD_NVS_BLOB, "BLOB", 4), ESP_OK);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    assert_int_equal(state_of(&k, 0, 9), 0);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_OK);
    assert_memory_equal(out, "blob", 4);
    nvs_kit_deinit(&k);
}

static void chunks_and_indexes_without_each_other_are_given_up(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    set_state(&k, 0, 7, 0); /* the index */
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(state_of(&k, 0, 5) | state_of(&k, 0, 6), 0);
    nvs_kit_deinit(&k);

    fill(&k, 3);
    set_state(&k, 0, 5, 0); /* the chunk */
    set_state(&k, 0, 6, 0);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(state_of(&k, 0, 7), 0);
    nvs_kit_deinit(&k);

    fill(&k, 3);
    ud_store_le32(entry(&k, 0, 7) + 24, 5); /* it says one byte more */
    seal_entry(entry(&k, 0, 7));
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_false(has(&k, "b"));
    nvs_kit_deinit(&k);
}

static void a_string_without_an_end_is_none(void **state)
{
    (void)state;
    struct nvs_kit k;
    char out[64];
    size_t len = sizeof out;
    nvs_kit_init(&k, 3);
    assert_int_equal(nvs_kit_set_str(&k, "s", "ab"), ESP_OK);
    entry(&k, 0, 2)[2] = 'c'; /* over the NUL, and all CRCs are right */
    ud_store_le32(entry(&k, 0, 1) + 28, ud_crc32(UINT32_MAX, "abc", 3));
    seal_entry(entry(&k, 0, 1));
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "s", UD_NVS_STR, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(state_of(&k, 0, 1), 2); /* it is not ours to erase */
    nvs_kit_deinit(&k);
}

/* Of three pages the first is copied when it is full; the power goes in the middle of that. */
static void a_copy_that_was_cut_is_made_again_at_once(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 3);
    uint32_t n = 0;
    while (k.page[k.nvs.used_last].next < UD_NVS_ENTRIES || k.nvs.free_count > 1)
        assert_int_equal(nvs_kit_set_u32(&k, "n", n++), ESP_OK);
    ud_fault_flash_cut(&k.ff, 6, UD_CUT_BITS); /* full, freeing, header, entry, state, entry */
    assert_int_equal(nvs_kit_set_u32(&k, "n", n), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    for (unsigned page = 0; page < 3; page++)
        assert_int_not_equal(k.bytes[page * 4096], 0xF8);
    expect_u32(&k, "n", n - 1);
    expect_u32(&k, "a", 1);
    expect_u32(&k, "z", 26);
    nvs_kit_deinit(&k);
}

/* A page that was being copied, and one that only says so: a single bit of its state has gone. */
static void a_page_is_thrown_away_only_if_it_is_a_copy(void **state)
{
    (void)state;
    struct nvs_kit k;
    fill(&k, 4);
    for (uint32_t n = 0; k.bytes[4096] == 0xFF; n++)
        assert_int_equal(nvs_kit_set_u32(&k, "n", n), ESP_OK);
    assert_int_equal(nvs_kit_set_u32(&k, "new", 7), ESP_OK);
    k.bytes[0] = 0xF8;
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    expect_u32(&k, "new", 7);
    expect_u32(&k, "a", 1);
    assert_int_equal(nvs_kit_restart(&k), ESP_OK);
    expect_u32(&k, "new", 7);
    expect_u32(&k, "z", 26);
    nvs_kit_deinit(&k);
}

static void read_only_partitions_are_never_written(void **state)
{
    (void)state;
    struct nvs_kit k;
    uint8_t ns, out[8];
    size_t len = sizeof out;
    struct ud_nvs_info info;
    struct ud_nvs_walk walk = { 0 };
    fill(&k, 3);
    assert_int_equal(nvs_kit_set_u32(&k, "a", 2), ESP_OK);
    set_state(&k, 0, 1, 2);              /* the old value of "a" as well */
    entry(&k, 0, 8)[8] ^= 1;             /* "z" is spoilt */
    entry(&k, 0, 10)[8] = 0;             /* and something half written */
    entry(&k, 0, 6)[0] ^= 1;             /* the data of "b" too */
    memset(k.bytes + 4096, 0, 2 * 4096); /* no page is blank */
    k.part.flags = UD_PART_FLAG_READONLY;
    uint32_t operations = k.ff.operations;
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    expect_u32(&k, "a", 2);
    assert_false(has(&k, "z"));
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(ud_nvs_open(&k.nvs, "storage", false, &ns), ESP_OK);
    assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &ns), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(nvs_kit_set_u32(&k, "a", 3), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(nvs_kit_erase(&k, "a"), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(ud_nvs_erase_all(&k.nvs, k.ns, true), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(ud_nvs_purge(&k.nvs, k.ns), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info), ESP_OK);
    assert_int_equal(k.ff.operations, operations);
    memset(k.bytes, 0xFF, 4096 * 3);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK); /* blank */
    assert_int_equal(ud_nvs_open(&k.nvs, "storage", false, &ns), ESP_ERR_NVS_NOT_FOUND);
    nvs_kit_deinit(&k);
}

/* Nothing has checked the index of a read-only partition: what it promises is not what its chunks hold. */
static void an_index_that_promises_less_than_its_chunks_fills_no_more(void **state)
{
    (void)state;
    for (uint32_t total = 0; total < 8; total++) {
        struct nvs_kit k;
        fill(&k, 3);
        ud_store_le32(entry(&k, 0, 7) + 24, total);
        seal_entry(entry(&k, 0, 7));
        k.part.flags = UD_PART_FLAG_READONLY;
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        size_t len = total;
        uint8_t *out = malloc(total + (total == 0)); /* not a byte more, so that the sanitizer sees one */
        assert_non_null(out);
        assert_int_equal(ud_nvs_get(&k.nvs, k.ns, "b", UD_NVS_BLOB, out, &len), total == 4 ? ESP_OK : ESP_FAIL);
        free(out);
        nvs_kit_deinit(&k);
    }
}

static void numbers_of_namespaces_that_cannot_be_are_none(void **state)
{
    (void)state;
    static const uint8_t numbers[] = { 0, 255 };
    for (size_t i = 0; i < UD_ARRAY_LEN(numbers); i++) {
        struct nvs_kit k;
        struct ud_nvs_stats stats;
        fill(&k, 3);
        entry(&k, 0, 0)[24] = numbers[i];
        seal_entry(entry(&k, 0, 0));
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_int_equal(ud_nvs_stats(&k.nvs, &stats), ESP_OK);
        assert_int_equal(stats.namespaces, 0);
        assert_int_equal(ud_nvs_open(&k.nvs, "storage", false, &k.ns), ESP_ERR_NVS_NOT_FOUND);
        nvs_kit_deinit(&k);
    }
}

static void sequences_that_end_refuse_a_new_page(void **state)
{
    (void)state;
    struct nvs_kit k;
    esp_err_t err = ESP_OK;
    fill(&k, 4);
    ud_store_le32(k.bytes + 4, UINT32_MAX);
    seal_header(k.bytes);
    assert_int_equal(nvs_kit_mount(&k), ESP_OK);
    for (uint32_t n = 0; n < 200 && err == ESP_OK; n++)
        err = nvs_kit_set_u32(&k, "n", n);
    assert_int_equal(err, ESP_ERR_NVS_INVALID_STATE);
    struct ud_nvs_info info;
    struct ud_nvs_walk walk = { 0 };
    unsigned met = 0;
    while (met < 10 && ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info) == ESP_OK)
        met++;
    assert_int_equal(met, 5);
    nvs_kit_deinit(&k);
}

/* What a cut has left may waver: nothing is promised then but that all goes on without harm. */
static void wavering_cells_do_no_harm(void **state)
{
    (void)state;
    for (uint32_t op = 1; op < 200; op++) {
        struct nvs_kit k;
        nvs_kit_make(&k, 3, op);
        assert_int_equal(nvs_kit_mount(&k), ESP_OK);
        assert_int_equal(ud_nvs_open(&k.nvs, "storage", true, &k.ns), ESP_OK);
        ud_fault_flash_cut(&k.ff, op, UD_CUT_WEAK);
        esp_err_t err = ESP_OK;
        for (uint32_t n = 0; err == ESP_OK; n++)
            err = n % 3 == 0 ? nvs_kit_set_str(&k, "s", n % 2 ? "a text that takes two entries, or so" : "b")
                             : nvs_kit_set_u32(&k, "n", n);
        for (unsigned again = 0; again < 4; again++) {
            err = nvs_kit_restart(&k);
            if (err != ESP_OK)
                continue;
            if (ud_nvs_open(&k.nvs, "storage", true, &k.ns) == ESP_OK && nvs_kit_set_u32(&k, "n", 77) == ESP_OK)
                (void)has(&k, "s");
        }
        nvs_kit_deinit(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_partitions_stay_blank),
        cmocka_unit_test(two_pages_go_on_for_ever),
        cmocka_unit_test(what_cannot_be_used_is_refused_with_its_code),
        cmocka_unit_test(entries_that_all_make_no_sense_are_left_alone),
        cmocka_unit_test(pages_that_are_none_are_used_again),
        cmocka_unit_test(spoilt_entries_cost_nothing_but_themselves),
        cmocka_unit_test(lying_headers_are_no_items),
        cmocka_unit_test(items_with_an_entry_missing_are_given_up_whole),
        cmocka_unit_test(entries_without_a_state_are_not_written_over),
        cmocka_unit_test(the_newer_of_two_values_counts),
        cmocka_unit_test(all_doubles_of_the_last_page_are_settled),
        cmocka_unit_test(a_new_chunk_beside_an_old_one_costs_nothing),
        cmocka_unit_test(chunks_and_indexes_without_each_other_are_given_up),
        cmocka_unit_test(a_string_without_an_end_is_none),
        cmocka_unit_test(a_copy_that_was_cut_is_made_again_at_once),
        cmocka_unit_test(a_page_is_thrown_away_only_if_it_is_a_copy),
        cmocka_unit_test(read_only_partitions_are_never_written),
        cmocka_unit_test(an_index_that_promises_less_than_its_chunks_fills_no_more),
        cmocka_unit_test(numbers_of_namespaces_that_cannot_be_are_none),
        cmocka_unit_test(sequences_that_end_refuse_a_new_page),
        cmocka_unit_test(wavering_cells_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
