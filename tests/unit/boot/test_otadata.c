/* SPDX-License-Identifier: Apache-2.0 */
/* otadata: bytes, rules, the sequence number that selects a slot, and the one writer on a flash that fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_board.h"

static const struct test_layout two_slots = { .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT };

static struct ud_otadata_entry entry(uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = { .seq = seq, .state = state, .crc = ud_otadata_crc(seq) };
    memset(e.label, 0xFF, sizeof e.label);
    return e;
}

static struct ud_otadata_entry with_bad_crc(uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = entry(seq, state);
    e.crc ^= 1;
    return e;
}

static void bytes_lie_where_the_format_says(void **state)
{
    (void)state;
    static const uint8_t recorded[UD_OTADATA_ENTRY_BYTES] = {
        3,    0,    0,    0,    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,    0,    0,    0,    0x11, 0x50, 0x4A, 0xED,
    };
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    struct ud_otadata_entry e;
    ud_otadata_decode(recorded, &e);
    assert_int_equal(e.seq, 3);
    assert_int_equal(e.state, UD_OTA_PENDING_VERIFY);
    assert_true(ud_otadata_is_valid(&e));
    ud_otadata_encode(&e, bytes);
    assert_memory_equal(bytes, recorded, sizeof bytes);

    for (size_t i = 0; i < sizeof bytes; i++) /* every byte survives, the label's too */
        bytes[i] = (uint8_t)(0x40 + i);
    ud_otadata_decode(bytes, &e);
    uint8_t again[UD_OTADATA_ENTRY_BYTES];
    ud_otadata_encode(&e, again);
    assert_memory_equal(bytes, again, sizeof bytes);
}

static void crc_covers_seq_and_starts_inverted(void **state)
{
    (void)state;
    static const struct {
        uint32_t seq, crc;
    } known[] = { { 0, 0xFFFFFFFF },   { 1, 0x4743989A },     { 2, 0x55F63774 },         { 3, 0xED4A5011 },
                  { 4, 0x709D68A8 },   { 5, 0xC8210FCD },     { 6, 0xDA94A023 },         { 7, 0x6228C746 },
                  { 8, 0x3A4BD710 },   { 9, 0x82F7B075 },     { 10, 0x90421F9B },        { 16, 0xAFE6A860 },
                  { 255, 0x21FAF90E }, { 65535, 0x9F62CDE3 }, { 0xFFFFFFFE, 0x99F8B879 } };
    for (size_t i = 0; i < UD_ARRAY_LEN(known); i++)
        assert_int_equal(ud_otadata_crc(known[i].seq), known[i].crc);
}

static void only_blank_invalid_and_aborted_are_invalid(void **state)
{
    (void)state;
    static const struct {
        uint32_t seq, state;
        bool invalid;
    } rows[] = { { 1, UD_OTA_NEW, false },
                 { 1, UD_OTA_PENDING_VERIFY, false },
                 { 1, UD_OTA_VALID, false },
                 { 1, UD_OTA_INVALID, true },
                 { 1, UD_OTA_ABORTED, true },
                 { 1, UD_OTA_UNDEFINED, false },
                 { 1, 5, false },
                 { 1, 0x80000000, false },
                 { 0, UD_OTA_VALID, false },
                 { UD_OTADATA_SEQ_BLANK, UD_OTA_VALID, true } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_otadata_entry good = entry(rows[i].seq, rows[i].state);
        struct ud_otadata_entry bad = with_bad_crc(rows[i].seq, rows[i].state);
        assert_int_equal(ud_otadata_is_invalid(&good), rows[i].invalid);
        assert_int_equal(ud_otadata_is_invalid(&bad), rows[i].invalid); /* whatever the CRC */
        assert_int_equal(ud_otadata_is_valid(&good), !rows[i].invalid);
        assert_false(ud_otadata_is_valid(&bad));
    }
}

static void seq_zero_over_erased_bytes_is_valid(void **state)
{
    (void)state;
    struct ud_otadata_entry e;
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    memset(bytes, 0xFF, sizeof bytes);
    memset(bytes, 0, 4);
    ud_otadata_decode(bytes, &e);
    assert_true(ud_otadata_is_valid(&e));
    assert_int_equal(ud_otadata_slot(&e, 2), 1); /* 0xFFFFFFFF mod 2 */
    assert_int_equal(ud_otadata_slot(&e, 3), 0);
}

static void the_larger_valid_seq_is_active(void **state)
{
    (void)state;
    struct ud_otadata_entry blank = entry(UD_OTADATA_SEQ_BLANK, UD_OTA_UNDEFINED);
    struct {
        struct ud_otadata_entry e[2];
        int active;
    } rows[] = {
        { { entry(1, UD_OTA_VALID), entry(2, UD_OTA_VALID) }, 1 },
        { { entry(3, UD_OTA_VALID), entry(2, UD_OTA_VALID) }, 0 },
        { { entry(2, UD_OTA_NEW), entry(2, UD_OTA_VALID) }, 0 },
        { { entry(0x7FFFFFFF, UD_OTA_VALID), entry(0x80000000, UD_OTA_VALID) }, 1 },
        { { entry(9, UD_OTA_ABORTED), entry(2, UD_OTA_VALID) }, 1 },
        { { with_bad_crc(9, UD_OTA_VALID), entry(2, UD_OTA_VALID) }, 1 },
        { { entry(2, UD_OTA_VALID), blank }, 0 },
        { { blank, entry(2, UD_OTA_VALID) }, 1 },
        { { blank, blank }, -1 },
        { { blank, with_bad_crc(2, UD_OTA_VALID) }, -1 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        assert_int_equal(ud_otadata_active(rows[i].e), rows[i].active);
}

static void next_seq_is_the_smallest_that_selects_the_slot(void **state)
{
    (void)state;
    static const struct {
        uint32_t slots, active, slot, seq;
    } rows[] = { { 2, 1, 1, 2 },  { 2, 2, 0, 3 }, { 2, 5, 1, 6 }, { 3, 1, 2, 3 }, { 3, 2, 0, 4 },    { 3, 5, 0, 7 },
                 { 3, 5, 2, 6 },  { 3, 7, 2, 9 }, { 4, 2, 0, 5 }, { 4, 7, 3, 8 }, { 8, 2, 0, 9 },    { 8, 5, 7, 8 },
                 { 8, 7, 3, 12 }, { 1, 7, 0, 7 }, { 2, 0, 0, 1 }, { 3, 0, 2, 3 }, { 16, 16, 15, 16 } };
    uint32_t seq = 0;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_true(ud_otadata_next_seq(rows[i].slots, rows[i].active, rows[i].slot, &seq));
        assert_int_equal(seq, rows[i].seq);
    }
    for (uint32_t slots = 1; slots <= UD_BOOT_MAX_SLOTS; slots++) {
        for (uint32_t active = 0; active < 70; active++) {
            for (uint32_t slot = 0; slot < slots; slot++) {
                assert_true(ud_otadata_next_seq(slots, active, slot, &seq));
                struct ud_otadata_entry e = entry(seq, UD_OTA_NEW);
                assert_int_equal(ud_otadata_slot(&e, slots), slot);
                assert_true(seq >= active && seq - active <= slots);
            }
        }
    }
}

static void next_seq_refuses_what_would_read_as_blank(void **state)
{
    (void)state;
    static const uint32_t slots[] = { 1, 2, 3, 5, 7, 8, 16 };
    uint32_t seq = 77;
    assert_false(ud_otadata_next_seq(2, 0xFFFFFFFE, 0, &seq)); /* would be FFFFFFFF */
    assert_false(ud_otadata_next_seq(16, 0xFFFFFFFE, 0, &seq));
    assert_int_equal(seq, 77);
    assert_true(ud_otadata_next_seq(2, 0xFFFFFFFD, 1, &seq));
    assert_int_equal(seq, 0xFFFFFFFE);

    for (size_t i = 0; i < UD_ARRAY_LEN(slots); i++) { /* at the end of the range: refused, or right */
        for (uint32_t back = 1; back < 40; back++) {
            for (uint32_t slot = 0; slot < slots[i]; slot++) {
                uint32_t active = 0u - back;
                bool exists = false;
                for (uint32_t s = active; s != UD_OTADATA_SEQ_BLANK && !exists; s++)
                    exists = (s - 1) % slots[i] == slot;
                assert_int_equal(ud_otadata_next_seq(slots[i], active, slot, &seq), exists);
                assert_true(!exists || ((seq - 1) % slots[i] == slot && seq >= active && seq != UD_OTADATA_SEQ_BLANK));
            }
        }
    }
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(ud_ota_state_name(UD_OTA_NEW), "NEW");
    assert_string_equal(ud_ota_state_name(UD_OTA_ABORTED), "ABORTED");
    assert_string_equal(ud_ota_state_name(UD_OTA_UNDEFINED), "UNDEFINED");
    assert_string_equal(ud_ota_state_name(5), "?");
}

static void writing_erases_then_programs_one_sector(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &two_slots);
    const struct ud_partition *p = test_board_part(&t, "otadata");
    test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
    struct ud_otadata_entry e = entry(2, UD_OTA_NEW);
    struct ud_otadata_entry read[2];

    assert_int_equal(ud_otadata_write(&t.flash, p, 1, &e), ESP_OK);
    assert_int_equal(t.rec.count, 2);
    assert_int_equal(t.rec.op[0].op, UD_FLASH_ERASE);
    assert_int_equal(t.rec.op[0].addr, p->addr + 0x1000);
    assert_int_equal(t.rec.op[0].len, 0x1000);
    assert_int_equal(t.rec.op[1].op, UD_FLASH_PROGRAM);
    assert_int_equal(t.rec.op[1].addr, p->addr + 0x1000);
    assert_int_equal(t.rec.op[1].len, UD_OTADATA_ENTRY_BYTES);
    assert_int_equal(ud_otadata_read(&t.flash, p, read), ESP_OK);
    assert_int_equal(read[0].seq, 1);
    assert_int_equal(read[1].seq, 2);

    assert_int_equal(ud_otadata_erase(&t.flash, p, 0), ESP_OK);
    assert_int_equal(ud_otadata_read(&t.flash, p, read), ESP_OK);
    assert_int_equal(read[0].seq, UD_OTADATA_SEQ_BLANK);
    assert_int_equal(read[1].seq, 2);
    test_board_deinit(&t);
}

static void a_short_partition_is_refused_untouched(void **state)
{
    (void)state;
    struct test_board t;
    struct test_layout layout = two_slots;
    layout.otadata = UD_OTADATA_SHORT;
    test_board_init(&t, &layout);
    const struct ud_partition *p = test_board_part(&t, "otadata");
    struct ud_otadata_entry e[2] = { entry(1, UD_OTA_NEW), entry(2, UD_OTA_NEW) };
    assert_int_equal(ud_otadata_read(&t.flash, p, e), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_otadata_write(&t.flash, p, 0, e), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_otadata_erase(&t.flash, p, 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(t.rec.count, 0);
    test_board_deinit(&t);
}

static void a_failed_write_leaves_the_other_sector_alone(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 2; at++) {
        struct test_board t;
        test_board_init(&t, &two_slots);
        const struct ud_partition *p = test_board_part(&t, "otadata");
        test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
        test_board_put_entry(&t, 1, 2, UD_OTA_VALID);
        struct ud_otadata_entry e = entry(3, UD_OTA_NEW);
        fail_flash_arm(&t.fail, FAIL_ONCE, at);
        assert_int_equal(ud_otadata_write(&t.flash, p, 0, &e), ESP_ERR_FLASH_OP_FAIL);
        assert_int_equal(test_board_entry(&t, 0).seq, at == 0 ? 1 : UD_OTADATA_SEQ_BLANK);
        assert_int_equal(test_board_entry(&t, 1).seq, 2);
        test_board_deinit(&t);
    }
}

static void an_entry_that_reads_back_differently_is_a_failure(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &two_slots);
    const struct ud_partition *p = test_board_part(&t, "otadata");
    struct ud_otadata_entry e = entry(3, UD_OTA_NEW);
    t.ram.strict = false;
    t.flash.observer = &t.obs;
    fail_flash_arm(&t.fail, FAIL_SILENT, 1);
    assert_int_equal(ud_otadata_write(&t.flash, p, 0, &e), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(test_board_notes(&t, UD_NOTE_FLASH_FAILED), 1);
    assert_true(test_board_find_note(&t, UD_NOTE_FLASH_FAILED)->a == p->addr);

    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 1);
    assert_int_equal(ud_otadata_read(&t.flash, p, (struct ud_otadata_entry[2]){ e, e }), ESP_ERR_FLASH_OP_FAIL);
    test_board_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_lie_where_the_format_says),
        cmocka_unit_test(crc_covers_seq_and_starts_inverted),
        cmocka_unit_test(only_blank_invalid_and_aborted_are_invalid),
        cmocka_unit_test(seq_zero_over_erased_bytes_is_valid),
        cmocka_unit_test(the_larger_valid_seq_is_active),
        cmocka_unit_test(next_seq_is_the_smallest_that_selects_the_slot),
        cmocka_unit_test(next_seq_refuses_what_would_read_as_blank),
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(writing_erases_then_programs_one_sector),
        cmocka_unit_test(a_short_partition_is_refused_untouched),
        cmocka_unit_test(a_failed_write_leaves_the_other_sector_alone),
        cmocka_unit_test(an_entry_that_reads_back_differently_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
