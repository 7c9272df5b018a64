/* SPDX-License-Identifier: Apache-2.0 */
/* nvs_flash.h and nvs.h on the board in memory, whose partition "nvs" has four pages. */
#include <math.h>

#include "fixture.h"

#include "esp_log.h"
#include "nvs_flash.h"

static void flash_is_to_be_initialised_first(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h = 77;
    nvs_stats_t stats = { .used_entries = 9 };
    assert_int_equal(nvs_flash_init(), ESP_ERR_NOT_FOUND); /* no world */
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_ERR_NVS_NOT_INITIALIZED);
    fixture_start(&f);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_get_stats(NULL, &stats), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(stats.used_entries, 0);
    assert_int_equal(nvs_get_stats(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_deinit(), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(f.t.rec.count, 0); /* a blank partition is not written to */
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open_from_partition("other", "a", NVS_READWRITE, &h), ESP_ERR_NVS_PART_NOT_FOUND);
    assert_int_equal(nvs_open("a", NVS_READONLY, &h), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_open("a", NVS_READWRITE, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_open(NULL, NVS_READWRITE, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_open("a", (nvs_open_mode_t)3, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_open("sixteen_chars_na", NVS_READWRITE, &h), ESP_ERR_NVS_KEY_TOO_LONG);
    assert_int_equal(nvs_open("sixteen_chars_na", NVS_READONLY, &h), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(h, 77);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(h, 1);
    fixture_stop(&f); /* frees the handle too */
}

static void partitions_are_named(void **state)
{
    (void)state;
    struct fixture f;
    const esp_partition_t *more;
    nvs_handle_t h;
    fixture_start(&f);
    assert_int_equal(nvs_flash_init_partition(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_init_partition("seventeen_chars_l"), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_init_partition("none"), ESP_ERR_NOT_FOUND);
    assert_int_equal(nvs_flash_init_partition("phy_init"), ESP_ERR_NOT_FOUND); /* not of this subtype */
    assert_int_equal(nvs_flash_erase_partition("none"), ESP_ERR_NOT_FOUND);
    assert_int_equal(nvs_flash_erase_partition(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_erase_partition_ptr(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_deinit_partition(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_init_partition_ptr(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_register_external(NULL, 0x1000, 0x3000, "more", ESP_PARTITION_TYPE_DATA,
                                                     ESP_PARTITION_SUBTYPE_DATA_NVS, &more),
                     ESP_OK);
    assert_int_equal(esp_partition_erase_range(more, 0, 0x3000), ESP_OK);
    assert_int_equal(nvs_flash_init_partition("more"), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_ERR_NVS_PART_NOT_FOUND);
    assert_int_equal(nvs_open_from_partition("more", "a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_OK);
    assert_int_equal(nvs_flash_init_partition_ptr(more), ESP_OK); /* reads the flash again */
    uint8_t value = 0;
    assert_int_equal(nvs_get_u8(h, "k", &value), ESP_OK);
    assert_int_equal(value, 1);
    esp_partition_t encrypted = *more;
    encrypted.encrypted = true;
    assert_int_equal(nvs_flash_init_partition_ptr(&encrypted), ESP_ERR_NVS_WRONG_ENCRYPTION);
    esp_partition_t elsewhere = *more;
    elsewhere.flash_chip = (esp_flash_t *)&f;
    assert_int_equal(nvs_flash_init_partition_ptr(&elsewhere), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_erase_partition_ptr(&elsewhere), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_erase_partition_ptr(more), ESP_OK);
    assert_int_equal(nvs_get_u8(h, "k", &value), ESP_ERR_NVS_INVALID_HANDLE);
    fixture_stop(&f);
}

static void every_type_comes_back_after_a_restart(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h;
    fixture_start(&f);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_i8(h, "i8", INT8_MIN), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "u8", UINT8_MAX), ESP_OK);
    assert_int_equal(nvs_set_i16(h, "i16", INT16_MIN), ESP_OK);
    assert_int_equal(nvs_set_u16(h, "u16", 0x1234), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "i32", INT32_MIN), ESP_OK);
    assert_int_equal(nvs_set_u32(h, "u32", 0x12345678), ESP_OK);
    assert_int_equal(nvs_set_i64(h, "i64", INT64_MIN), ESP_OK);
    assert_int_equal(nvs_set_u64(h, "u64", 0x123456789ABCDEFu), ESP_OK);
    assert_int_equal(nvs_set_float(h, "float", -1.5f), ESP_OK);
    assert_int_equal(nvs_set_double(h, "double", 1e300), ESP_OK);
    assert_int_equal(nvs_set_float(h, "nan", nanf("")), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_double(h, "nan", nan("")), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_str(h, "str", "text"), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "blob", "\0\1\2", 3), ESP_OK);
    assert_int_equal(nvs_commit(h), ESP_OK);

    ud_idf_stop(); /* the same flash, another life */
    fixture_go(&f);
    assert_int_equal(nvs_get_u8(h, "u8", &(uint8_t){ 0 }), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READONLY, &h), ESP_OK);
    int8_t i8 = 0;
    uint8_t u8 = 0;
    int16_t i16 = 0;
    uint16_t u16 = 0;
    int32_t i32 = 0;
    uint32_t u32 = 0;
    int64_t i64 = 0;
    uint64_t u64 = 0;
    float single = 0;
    double real = 0;
    char text[8];
    uint8_t blob[4];
    size_t len = sizeof text;
    assert_true(nvs_get_i8(h, "i8", &i8) == ESP_OK && i8 == INT8_MIN);
    assert_true(nvs_get_u8(h, "u8", &u8) == ESP_OK && u8 == UINT8_MAX);
    assert_true(nvs_get_i16(h, "i16", &i16) == ESP_OK && i16 == INT16_MIN);
    assert_true(nvs_get_u16(h, "u16", &u16) == ESP_OK && u16 == 0x1234);
    assert_true(nvs_get_i32(h, "i32", &i32) == ESP_OK && i32 == INT32_MIN);
    assert_true(nvs_get_u32(h, "u32", &u32) == ESP_OK && u32 == 0x12345678);
    assert_true(nvs_get_i64(h, "i64", &i64) == ESP_OK && i64 == INT64_MIN);
    assert_true(nvs_get_u64(h, "u64", &u64) == ESP_OK && u64 == 0x123456789ABCDEFu);
    assert_true(nvs_get_float(h, "float", &single) == ESP_OK && single == -1.5f);
    assert_true(nvs_get_double(h, "double", &real) == ESP_OK && real == 1e300);
    assert_int_equal(nvs_get_str(h, "str", text, &len), ESP_OK);
    assert_string_equal(text, "text");
    assert_int_equal(len, 5);
    len = sizeof blob;
    assert_int_equal(nvs_get_blob(h, "blob", blob, &len), ESP_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(blob, "\0\1\2", 3);
    fixture_stop(&f);
}

static void what_is_missing_leaves_outputs_untouched(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h;
    uint32_t u32 = 7;
    float single = 7;
    double real = 7;
    char text[3] = "xx";
    size_t len = 1;
    nvs_type_t type;
    fixture_start(&f);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "n", 1), ESP_OK);
    assert_int_equal(nvs_set_str(h, "s", "text"), ESP_OK);
    assert_int_equal(nvs_get_u32(h, "n", &u32), ESP_ERR_NVS_NOT_FOUND); /* of another type */
    assert_int_equal(nvs_get_u32(h, "none", &u32), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_get_float(h, "none", &single), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_get_double(h, "none", &real), ESP_ERR_NVS_NOT_FOUND);
    assert_true(u32 == 7 && single == 7 && real == 7);
    assert_int_equal(nvs_get_u32(h, "n", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_float(h, "n", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_double(h, "n", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_u32(h, NULL, &u32), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_str(h, NULL, text, &len), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_str(h, "none", NULL, NULL), ESP_ERR_NVS_NOT_FOUND); /* first of all */
    assert_int_equal(nvs_get_str(h, "s", text, NULL), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(nvs_get_str(h, "s", text, &len), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(len, 5);
    assert_string_equal(text, "xx");
    len = 0;
    assert_int_equal(nvs_get_str(h, "s", NULL, &len), ESP_OK);
    assert_int_equal(len, 5);
    assert_int_equal(nvs_find_key(h, "s", &type), ESP_OK);
    assert_int_equal(type, NVS_TYPE_STR);
    assert_int_equal(nvs_find_key(h, "s", NULL), ESP_OK);
    assert_int_equal(nvs_find_key(h, "none", &type), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_find_key(h, NULL, &type), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_str(h, "s", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_str(h, NULL, "s"), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_blob(h, "b", NULL, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_set_blob(h, "b", NULL, 0), ESP_OK);
    assert_int_equal(nvs_erase_key(h, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_erase_key(h, "none"), ESP_ERR_NVS_NOT_FOUND);
    fixture_stop(&f);
}

static void handles_see_each_other_and_keep_their_mode(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t writer, reader, purger;
    uint32_t value = 0;
    size_t used = 9;
    fixture_start(&f);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &writer), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READONLY, &reader), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE_PURGE, &purger), ESP_OK);
    assert_int_equal(nvs_set_u32(writer, "n", 5), ESP_OK);
    assert_int_equal(nvs_get_u32(reader, "n", &value), ESP_OK);
    assert_int_equal(value, 5);
    assert_int_equal(nvs_set_u32(reader, "n", 6), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_key(reader, "n"), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_all(reader), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_purge_all(reader), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_commit(reader), ESP_OK);

    const uint8_t *entries = f.t.bytes + test_board_part(&f.t, "nvs")->addr + 64;
    static const uint8_t zeros[32] = { 0 };
    assert_int_equal(nvs_set_u32(writer, "n", 6), ESP_OK);
    assert_memory_not_equal(entries + 32, zeros, 32); /* only its state has changed */
    assert_int_equal(nvs_set_u32(purger, "n", 7), ESP_OK);
    assert_memory_equal(entries + 64, zeros, 32);
    assert_int_equal(nvs_purge_all(writer), ESP_OK);
    assert_memory_equal(entries + 32, zeros, 32);

    assert_int_equal(nvs_get_used_entry_count(reader, &used), ESP_OK);
    assert_int_equal(used, 1);
    assert_int_equal(nvs_get_used_entry_count(reader, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_erase_all(writer), ESP_OK);
    assert_int_equal(nvs_get_u32(reader, "n", &value), ESP_ERR_NVS_NOT_FOUND);

    nvs_close(reader);
    nvs_close(reader);
    nvs_close(12345);
    assert_int_equal(nvs_get_u32(reader, "n", &value), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_set_u32(reader, "n", 1), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_set_str(reader, "n", ""), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_get_blob(reader, "n", NULL, NULL), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_erase_key(reader, "n"), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_erase_all(reader), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_purge_all(reader), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_commit(reader), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_find_key(reader, "n", NULL), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_get_used_entry_count(reader, &used), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(used, 0);
    nvs_handle_t next;
    assert_int_equal(nvs_open("a", NVS_READONLY, &next), ESP_OK);
    assert_int_equal(next, 4); /* never one that was closed */
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_set_u32(writer, "n", 1), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_set_u32(writer, "n", 1), ESP_ERR_NVS_INVALID_HANDLE);
    fixture_stop(&f);
}

static void walks_end_and_outlive_their_partition(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h, other;
    nvs_iterator_t it = (nvs_iterator_t)&f;
    nvs_entry_info_t info;
    fixture_start(&f);
    assert_int_equal(nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it), ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_open("b", NVS_READWRITE, &other), ESP_OK);
    assert_int_equal(nvs_set_u32(h, "one", 1), ESP_OK);
    assert_int_equal(nvs_set_str(other, "two", "2"), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "three", "3", 1), ESP_OK);

    char all[100] = "";
    esp_err_t err = nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it);
    while (err == ESP_OK) {
        assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
        size_t end = strlen(all);
        snprintf(all + end, sizeof all - end, "%s/%s:%x ", info.namespace_name, info.key, (unsigned)info.type);
        err = nvs_entry_next(&it);
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_string_equal(all, "a/one:4 b/two:21 a/three:42 ");

    assert_int_equal(nvs_entry_find("nvs", "b", NVS_TYPE_STR, &it), ESP_OK);
    nvs_release_iterator(it);
    assert_int_equal(nvs_entry_find("nvs", "b", NVS_TYPE_U32, &it), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_entry_find("nvs", "c", NVS_TYPE_ANY, &it), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_entry_find(NULL, "b", NVS_TYPE_ANY, &it), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_find("nvs", "b", NVS_TYPE_ANY, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_find_in_handle(h, NVS_TYPE_ANY, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_find_in_handle(99, NVS_TYPE_ANY, &it), ESP_ERR_NVS_INVALID_HANDLE);
    assert_null(it);
    assert_int_equal(nvs_entry_next(&it), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_next(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_info(NULL, &info), ESP_ERR_INVALID_ARG);
    nvs_release_iterator(NULL);

    assert_int_equal(nvs_entry_find_in_handle(h, NVS_TYPE_ANY, &it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_entry_next(&it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
    assert_string_equal(info.key, "three");
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK); /* its own copy */
    assert_int_equal(nvs_entry_next(&it), ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    fixture_stop(&f);
}

static void erase_makes_a_fresh_start(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h;
    nvs_stats_t stats;
    fixture_start(&f);
    const struct ud_partition *p = test_board_part(&f.t, "nvs");
    memset(f.t.bytes + p->addr, 0, p->size);
    f.t.bytes[p->addr] = 0xFE;
    assert_int_equal(nvs_flash_init(), ESP_OK); /* no page is one, so all are free */
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_u32(h, "n", 1), ESP_OK);
    assert_int_equal(nvs_get_stats(NULL, &stats), ESP_OK);
    assert_int_equal(stats.used_entries, 2);
    assert_int_equal(stats.total_entries, 504);
    assert_int_equal(stats.free_entries, 502);
    assert_int_equal(stats.available_entries, 376);
    assert_int_equal(stats.namespace_count, 1);
    assert_int_equal(nvs_flash_erase(), ESP_OK);
    assert_int_equal(nvs_get_stats("nvs", &stats), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_commit(h), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READONLY, &h), ESP_ERR_NVS_NOT_FOUND);
    fixture_stop(&f);
}

static void a_page_of_a_later_format_asks_for_an_erase(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h;
    fixture_start(&f);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    uint8_t *page = f.t.bytes + test_board_part(&f.t, "nvs")->addr;
    page[8] = 0xFD;
    ud_store_le32(page + 28, ud_crc32(UINT32_MAX, page + 4, 24));
    assert_int_equal(nvs_flash_init(), ESP_ERR_NVS_NEW_VERSION_FOUND);
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_flash_erase(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    fixture_stop(&f);
}

static void types_are_kept_if_the_option_says_so(void **state)
{
    (void)state;
    for (unsigned legacy = 0; legacy < 2; legacy++) {
        struct fixture f;
        nvs_handle_t h;
        int32_t number = 0;
        fixture_init(&f, NULL);
        f.config.nvs_legacy_dup_keys = legacy;
        fixture_go(&f);
        assert_int_equal(nvs_flash_init(), ESP_OK);
        assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
        assert_int_equal(nvs_set_i32(h, "k", 5), ESP_OK);
        assert_int_equal(nvs_set_str(h, "k", "text"), ESP_OK);
        assert_int_equal(nvs_get_i32(h, "k", &number), legacy ? ESP_OK : ESP_ERR_NVS_NOT_FOUND);
        fixture_stop(&f);
    }
}

static void nothing_is_encrypted(void **state)
{
    (void)state;
    struct fixture f;
    nvs_sec_cfg_t keys = { { 0 }, { 0 } };
    fixture_start(&f);
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    assert_int_equal(nvs_flash_secure_init(&keys), ESP_ERR_NVS_ENCR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_secure_init_partition("nvs", &keys), ESP_ERR_NVS_ENCR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_generate_keys(p, &keys), ESP_ERR_NVS_ENCR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_generate_keys(NULL, &keys), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_read_security_cfg(p, &keys), ESP_ERR_NVS_ENCR_NOT_SUPPORTED);
    assert_int_equal(nvs_flash_read_security_cfg(p, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_flash_secure_init(NULL), ESP_OK);
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_flash_secure_init_partition("nvs", NULL), ESP_OK);
    fixture_stop(&f);
}

static void without_memory_nothing_is_opened(void **state)
{
    (void)state;
    struct fixture f;
    nvs_handle_t h = 7, good;
    nvs_iterator_t it;
    fixture_start(&f);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(nvs_flash_init(), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    assert_int_equal(nvs_flash_init(), ESP_OK);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_ERR_NO_MEM);
    assert_int_equal(h, 7);
    assert_int_equal(f.t.rec.count, 0);
    f.memory.fail_at = 0;
    assert_int_equal(nvs_open("a", NVS_READWRITE, &good), ESP_OK);
    assert_int_equal(nvs_set_u8(good, "k", 1), ESP_OK);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(nvs_entry_find("nvs", "a", NVS_TYPE_ANY, &it), ESP_ERR_NO_MEM);
    assert_null(it);
    assert_int_equal(nvs_entry_find_in_handle(good, NVS_TYPE_ANY, &it), ESP_ERR_NO_MEM);
    assert_null(it);
    assert_int_equal(nvs_set_str(good, "s", "needs none"), ESP_OK);
    fixture_stop(&f);
}

/* Each operation of a life of calls fails once; after the next init all is as it was or as it was to be. */
static void flash_that_fails_is_told_and_init_mends_it(void **state)
{
    (void)state;
    uint32_t failed = 0;
    for (uint32_t at = 0;; at++) {
        struct fixture f;
        nvs_handle_t h;
        char text[40];
        size_t len = sizeof text;
        fixture_start(&f);
        assert_int_equal(nvs_flash_init(), ESP_OK);
        assert_int_equal(nvs_open("a", NVS_READWRITE, &h), ESP_OK);
        assert_int_equal(nvs_set_str(h, "s", "the old text, on two entries or so"), ESP_OK);
        fail_flash_arm(&f.t.fail, FAIL_ONCE, at);
        esp_err_t err = nvs_set_str(h, "s", "the new text, on two entries or so");
        bool over = f.t.fail.count <= at;
        assert_true(over ? err == ESP_OK : err == ESP_ERR_FLASH_OP_FAIL || err == ESP_ERR_NVS_REMOVE_FAILED);
        if (!over)
            assert_int_equal(nvs_set_u8(h, "n", 1), ESP_ERR_NVS_INVALID_STATE);
        fail_flash_arm(&f.t.fail, FAIL_NEVER, 0);
        assert_int_equal(nvs_flash_deinit(), ESP_OK);
        assert_int_equal(nvs_flash_init(), ESP_OK);
        assert_int_equal(nvs_open("a", NVS_READONLY, &h), ESP_OK);
        assert_int_equal(nvs_get_str(h, "s", text, &len), ESP_OK);
        assert_string_equal(text, err == ESP_ERR_FLASH_OP_FAIL ? "the old text, on two entries or so"
                                                               : "the new text, on two entries or so");
        assert_int_equal(f.t.notes_under_lock, 0);
        fixture_stop(&f);
        failed += !over;
        if (over)
            break;
    }
    assert_true(failed >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flash_is_to_be_initialised_first),
        cmocka_unit_test(partitions_are_named),
        cmocka_unit_test(every_type_comes_back_after_a_restart),
        cmocka_unit_test(what_is_missing_leaves_outputs_untouched),
        cmocka_unit_test(handles_see_each_other_and_keep_their_mode),
        cmocka_unit_test(walks_end_and_outlive_their_partition),
        cmocka_unit_test(erase_makes_a_fresh_start),
        cmocka_unit_test(a_page_of_a_later_format_asks_for_an_erase),
        cmocka_unit_test(types_are_kept_if_the_option_says_so),
        cmocka_unit_test(nothing_is_encrypted),
        cmocka_unit_test(without_memory_nothing_is_opened),
        cmocka_unit_test(flash_that_fails_is_told_and_init_mends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
