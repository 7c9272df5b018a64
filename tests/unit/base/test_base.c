/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes, arithmetic, strings, CRC-32, notes, virtual time, eFuses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/base.h"

static void little_endian_survives_any_alignment(void **state)
{
    (void)state;
    uint8_t bytes[9] = { 0 };
    for (size_t at = 0; at < 4; at++) {
        ud_store_le32(bytes + at, 0x89ABCDEFu);
        assert_int_equal(bytes[at], 0xEF);
        assert_int_equal(bytes[at + 3], 0x89);
        assert_int_equal(ud_load_le32(bytes + at), 0x89ABCDEFu);
        ud_store_le16(bytes + at, 0xBEEFu);
        assert_int_equal(ud_load_le16(bytes + at), 0xBEEF);
    }
}

static void ranges_do_not_wrap(void **state)
{
    (void)state;
    static const struct row {
        uint32_t off, len, size;
        bool fits;
    } rows[] = {
        { 0, 0, 0, true },
        { 4, 0, 4, true },
        { 5, 0, 4, false },
        { 0, 4, 4, true },
        { 1, 4, 4, false },
        { 2, UINT32_MAX, 4, false },
        { UINT32_MAX, 1, UINT32_MAX, false },
        { UINT32_MAX, 2, 8, false },
        { 0, UINT32_MAX, UINT32_MAX, true },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        assert_int_equal(ud_range_fits(rows[i].off, rows[i].len, rows[i].size), rows[i].fits);
}

static void rounding_up_refuses_to_wrap(void **state)
{
    (void)state;
    uint32_t out = 7;
    assert_true(ud_round_up(0, 4096, &out));
    assert_int_equal(out, 0);
    assert_true(ud_round_up(4097, 4096, &out));
    assert_int_equal(out, 8192);
    assert_true(ud_round_up(0xFFFFF000u, 4096, &out));
    assert_int_equal(out, 0xFFFFF000u);
    assert_false(ud_round_up(0xFFFFF001u, 4096, &out));
    assert_int_equal(out, 0xFFFFF000u);
}

static void crc_matches_published_values(void **state)
{
    (void)state;
    assert_int_equal(ud_crc32(0, "123456789", 9), 0xCBF43926u); /* the check value of CRC-32/ISO-HDLC */
    assert_int_equal(ud_crc32(0, "", 0), 0);
    /* docs/formats/otadata.md: sequence 1 and 2, started at UINT32_MAX */
    static const uint8_t seq1[4] = { 1, 0, 0, 0 };
    static const uint8_t seq2[4] = { 2, 0, 0, 0 };
    assert_int_equal(ud_crc32(UINT32_MAX, seq1, 4), 0x4743989Au);
    assert_int_equal(ud_crc32(UINT32_MAX, seq2, 4), 0x55F63774u);
}

static void crc_continues_over_any_cut(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + 3);
    uint32_t whole = ud_crc32(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(ud_crc32(ud_crc32(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
}

static void strings_are_bounded(void **state)
{
    (void)state;
    char out[5];
    assert_int_equal(ud_strnlen("abc", 2), 2);
    assert_int_equal(ud_strnlen("abc", 9), 3);
    ud_strcopy(out, sizeof out, "abcdefgh", 8);
    assert_string_equal(out, "abcd");
    ud_strcopy(out, sizeof out, "ab\0cd", 5);
    assert_string_equal(out, "ab");
    ud_strcopy(out, sizeof out, "abcdefgh", 3);
    assert_string_equal(out, "abc");
    ud_strcopy(out, 1, "abc", 3);
    assert_string_equal(out, "");
}

static void strings_compare_with_and_without_case(void **state)
{
    (void)state;
    assert_true(ud_streq("", ""));
    assert_true(ud_streq("ota_0", "ota_0"));
    assert_false(ud_streq("ota_0", "ota_"));
    assert_false(ud_streq("ota_", "ota_0"));
    assert_false(ud_streq("A", "a"));
    assert_true(ud_strcaseeq("OTA_z", "ota_Z"));
    assert_false(ud_strcaseeq("ota_0", "ota_1"));
    assert_false(ud_strcaseeq("[", "{")); /* these two differ by the case bit but are no letters */
}

static void remember(void *ctx, const struct ud_note *note)
{
    *(struct ud_note *)ctx = *note;
}

static void a_note_reaches_the_observer_and_returns_its_error(void **state)
{
    (void)state;
    struct ud_note got = { 0 };
    struct ud_observer obs = { remember, &got };
    assert_int_equal(ud_note(&obs, UD_NOTE_FLASH, ESP_ERR_NOT_FOUND, 1, UINT64_MAX, "text"), ESP_ERR_NOT_FOUND);
    assert_int_equal(got.id, UD_NOTE_FLASH);
    assert_int_equal(got.err, ESP_ERR_NOT_FOUND);
    assert_int_equal(got.a, 1);
    assert_true(got.b == UINT64_MAX);
    assert_string_equal(got.text, "text");
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    struct ud_observer deaf = { NULL, NULL };
    assert_int_equal(ud_note(NULL, 1, ESP_FAIL, 0, 0, NULL), ESP_FAIL);
    assert_int_equal(ud_note(&deaf, 1, ESP_OK, 0, 0, NULL), ESP_OK);
}

static void virtual_time_moves_only_when_waited_on(void **state)
{
    (void)state;
    struct ud_virtual_clock v = { 10 };
    struct ud_clock clock = ud_virtual_clock(&v);
    assert_int_equal(ud_clock_now_us(&clock), 10);
    assert_int_equal(ud_clock_now_us(&clock), 10);
    ud_clock_wait_us(&clock, 90);
    assert_int_equal(ud_clock_now_us(&clock), 100);
    ud_clock_wait_us(&clock, UINT64_MAX);
    assert_true(ud_clock_now_us(&clock) == UINT64_MAX); /* never back */
}

static void a_zeroed_lock_is_a_lock(void **state)
{
    (void)state;
    struct ud_lock none = { 0 };
    ud_lock_take(&none);
    ud_lock_give(&none);
    assert_null(none.ctx);
}

static esp_err_t area_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, (uint8_t *)ctx + off, len);
    return ESP_OK;
}

static esp_err_t area_burn(void *ctx, uint32_t off, const void *bits, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)ctx)[off + i] |= ((const uint8_t *)bits)[i];
    return ESP_OK;
}

static void efuse_range_is_checked_before_the_driver(void **state)
{
    (void)state;
    static const struct ud_efuse_ops ops = { area_read, area_burn };
    uint8_t area[UD_EFUSE_SIZE] = { 0 };
    struct ud_efuse e = { &ops, area };
    uint8_t byte = 0x81;
    uint8_t got[2] = { 0 };
    assert_int_equal(ud_efuse_burn(&e, UD_EFUSE_SIZE - 1, &byte, 1), ESP_OK);
    assert_int_equal(ud_efuse_read(&e, UD_EFUSE_SIZE - 2, got, 2), ESP_OK);
    assert_int_equal(got[0], 0);
    assert_int_equal(got[1], 0x81);
    assert_int_equal(ud_efuse_burn(&e, UD_EFUSE_SIZE, &byte, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_efuse_read(&e, UINT32_MAX, got, 2), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_efuse_read(&e, 0, got, SIZE_MAX), ESP_ERR_INVALID_ARG);
}

static void a_board_without_efuses_reads_zeros_and_burns_nothing(void **state)
{
    (void)state;
    struct ud_efuse none = { NULL, NULL };
    uint8_t got[3] = { 1, 2, 3 };
    assert_int_equal(ud_efuse_read(&none, 4, got, 3), ESP_OK);
    assert_int_equal(got[0] | got[1] | got[2], 0);
    assert_int_equal(ud_efuse_burn(&none, 4, got, 3), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_efuse_read(&none, UD_EFUSE_SIZE, got, 1), ESP_ERR_INVALID_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_endian_survives_any_alignment),
        cmocka_unit_test(ranges_do_not_wrap),
        cmocka_unit_test(rounding_up_refuses_to_wrap),
        cmocka_unit_test(crc_matches_published_values),
        cmocka_unit_test(crc_continues_over_any_cut),
        cmocka_unit_test(strings_are_bounded),
        cmocka_unit_test(strings_compare_with_and_without_case),
        cmocka_unit_test(a_note_reaches_the_observer_and_returns_its_error),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(virtual_time_moves_only_when_waited_on),
        cmocka_unit_test(a_zeroed_lock_is_a_lock),
        cmocka_unit_test(efuse_range_is_checked_before_the_driver),
        cmocka_unit_test(a_board_without_efuses_reads_zeros_and_burns_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
