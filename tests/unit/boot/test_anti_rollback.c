/* SPDX-License-Identifier: Apache-2.0 */
/* The secure version in the eFuses, and what it does to the choice and to the boot. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_board.h"

/* ---- the field -------------------------------------------------------------------------------------------------- */

static void the_level_is_the_number_of_bits_in_the_field(void **state)
{
    (void)state;
    struct test_board t;
    uint32_t level = 99;
    test_board_init(&t, &(struct test_layout){ .ota = { 0 }, .ota_count = 1 });
    struct ud_efuse *e = &t.board.efuse;
    assert_int_equal(ud_secure_version_read(e, 16, &level), ESP_OK);
    assert_int_equal(level, 0);
    t.efuse[0] = 0x81; /* any bits, in any order */
    t.efuse[1] = 0x10;
    t.efuse[2] = 0xFF; /* outside a field of 16 */
    assert_int_equal(ud_secure_version_read(e, 16, &level), ESP_OK);
    assert_int_equal(level, 3);
    assert_int_equal(ud_secure_version_read(e, 4, &level), ESP_OK);
    assert_int_equal(level, 1);
    assert_int_equal(ud_secure_version_read(e, 32, &level), ESP_OK);
    assert_int_equal(level, 11);
    test_board_deinit(&t);
}

static void raising_burns_bits_and_never_goes_back(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &(struct test_layout){ .ota = { 0 }, .ota_count = 1 });
    struct ud_efuse *e = &t.board.efuse;
    t.efuse[0] = 0x02;
    assert_int_equal(ud_secure_version_raise(e, 4, 3), ESP_OK);
    assert_int_equal(t.efuse[0], 0x07);
    assert_int_equal(ud_secure_version_raise(e, 4, 3), ESP_OK);
    assert_int_equal(ud_secure_version_raise(e, 4, 2), ESP_FAIL);
    assert_int_equal(ud_secure_version_raise(e, 4, 5), ESP_ERR_INVALID_ARG);
    assert_int_equal(t.efuse[0], 0x07);
    assert_int_equal(ud_secure_version_raise(e, 4, 4), ESP_OK);
    assert_int_equal(ud_secure_version_raise(e, 32, 32), ESP_OK);
    assert_int_equal(ud_load_le32(t.efuse), UINT32_MAX);
    assert_int_equal(ud_secure_version_raise(e, 255, 33), ESP_ERR_INVALID_ARG);
    assert_int_equal(t.efuse[4], 0);
    test_board_deinit(&t);
}

static void boards_without_efuses_and_failing_ones_say_so(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_efuse none = { 0 };
    uint32_t level = 99;
    assert_int_equal(ud_secure_version_read(&none, 16, &level), ESP_OK);
    assert_int_equal(level, 0);
    assert_int_equal(ud_secure_version_raise(&none, 16, 1), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_secure_version_raise(&none, 16, 0), ESP_OK); /* nothing is to be burnt */
    test_board_init(&t, &(struct test_layout){ .ota = { 0 }, .ota_count = 1 });
    t.efuse_fails = true;
    assert_int_equal(ud_secure_version_read(&t.board.efuse, 16, &level), ESP_FAIL);
    assert_int_equal(ud_secure_version_raise(&t.board.efuse, 16, 1), ESP_FAIL);
    test_board_deinit(&t);
}

/* ---- the boot --------------------------------------------------------------------------------------------------- */

/* ota_0 of version 1 (seq 1) and ota_1 of version 2 (seq 2, in `state`), level 1. */
static struct ud_boot_device start(struct test_board *t, uint32_t state)
{
    test_board_init(t, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT });
    test_board_put_app(t, "ota_0", TEST_IMAGE_GOOD, 1);
    test_board_put_app(t, "ota_1", TEST_IMAGE_GOOD, 2);
    test_board_put_entry(t, 0, 1, UD_OTA_VALID);
    test_board_put_entry(t, 1, 2, state);
    test_board_put_level(t, 1);
    struct ud_boot_device dev = test_board_boot_device(t, true);
    dev.settings.anti_rollback = true;
    return dev;
}

static void a_confirmed_app_raises_the_level_at_each_boot(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_VALID);
    assert_int_equal(ud_boot_explain(&dev, &result), ESP_OK);
    assert_int_equal(result.plan.raise_level, 2);
    assert_int_equal(test_board_level(&t), 1); /* explaining burns nothing */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_level(&t), 2);
    assert_int_equal(test_board_notes(&t, UD_NOTE_BOOT_EFUSE), 1);
    assert_int_equal(result.plan.candidate_count, 1); /* ota_0 is too old from now on */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.plan.raise_level, 0);
    test_board_deinit(&t);
}

static void an_unconfirmed_app_raises_nothing_and_may_roll_back(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_NEW);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_level(&t), 1);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 0);
    test_board_deinit(&t);
}

static void versions_wider_than_the_field_are_left_alone(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_VALID);
    dev.settings.secure_version_bits = 1;
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_level(&t), 1);

    dev.settings.secure_version_bits = 2; /* all of the field */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(test_board_level(&t), 2);
    test_board_deinit(&t);
}

static void an_old_app_is_neither_chosen_nor_fallen_back_to(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_NEW);
    test_board_put_level(&t, 2);
    test_board_put_app(&t, "ota_1", TEST_IMAGE_CORRUPT, 2);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_NOT_FOUND);
    assert_int_equal(result.tried_count, 1);
    test_board_put_app(&t, "ota_1", TEST_IMAGE_GOOD, 1); /* nothing is new enough */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_NOT_FOUND);
    assert_int_equal(result.tried_count, 0);
    assert_int_equal(result.plan.start, UD_BOOT_FACTORY);
    test_board_deinit(&t);
}

static esp_err_t swap_for_an_old_app(void *ctx, const struct ud_partition *p)
{
    if (p->addr == test_board_part(ctx, "ota_1")->addr)
        test_board_put_app(ctx, "ota_1", TEST_IMAGE_GOOD, 0);
    return ESP_OK;
}

/* CVE-2024-28183: what is compared must be what runs. */
static void an_app_swapped_after_the_comparison_does_not_run(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_NEW);
    dev.sink = (struct ud_boot_sink){ .open = swap_for_an_old_app, .ctx = &t };
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.tried_count, 2);
    assert_int_equal(result.tried[0].index, 1);
    assert_int_equal(result.tried[0].verdict, ESP_FAIL);
    assert_int_equal(result.loaded_index, 0);
    test_board_deinit(&t);
}

static void the_first_boot_records_the_slot_and_its_level(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_NEW);
    dev.settings.secure_version_bits = 3; /* a field that the version just fills */
    uint8_t blank[UD_OTADATA_ENTRY_BYTES];
    memset(blank, 0xFF, sizeof blank);
    test_board_put_otadata(&t, 0, blank);
    test_board_put_otadata(&t, 1, blank);
    test_board_put_app(&t, "ota_0", TEST_IMAGE_GOOD, 3);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 0);
    assert_int_equal(test_board_entry(&t, 0).seq, 1);
    assert_int_equal(test_board_entry(&t, 0).state, UD_OTA_VALID);
    assert_int_equal(test_board_level(&t), 3);
    test_board_deinit(&t);
}

static void unreadable_efuses_start_nothing_and_unburnable_ones_do_not_stop(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_VALID);
    t.efuse_fails = true;
    assert_int_equal(ud_boot_run(&dev, &result), ESP_FAIL);
    assert_null(result.loaded);
    dev.efuse = (struct ud_efuse){ 0 }; /* reads 0, cannot be burnt */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_find_note(&t, UD_NOTE_BOOT_EFUSE)->err, ESP_ERR_NOT_SUPPORTED);
    dev.settings.anti_rollback = false; /* then nobody asks */
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    test_board_deinit(&t);
}

static void without_the_option_versions_do_not_matter(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_boot_device dev = start(&t, UD_OTA_VALID);
    dev.settings.anti_rollback = false;
    test_board_put_level(&t, 16);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_level(&t), 16);
    test_board_deinit(&t);
}

/* Doubles make more entries of the table than there can be slots: a number beyond 15 names nothing. */
static void an_entry_beyond_the_last_slot_does_not_count(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = { .rollback = true,
                                .anti_rollback = true,
                                .slots_present = 0xFFFF,
                                .ota_entries = 20,
                                .otadata = UD_OTADATA_PRESENT,
                                .secure_version_bits = 16,
                                .entry = { { .seq = 18, .state = UD_OTA_VALID, .crc = ud_otadata_crc(18) },
                                           { .seq = UD_OTADATA_SEQ_BLANK, .state = UD_OTA_UNDEFINED } } };
    for (size_t i = 0; i < UD_ARRAY_LEN(in.app); i++)
        in.app[i].readable = true;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_FACTORY);
    assert_int_equal(plan.step[0].rule, UD_RULE_ENTRY_TOO_OLD);
    assert_int_equal(plan.candidate_count, 16);
}

static void the_longest_trace_fits(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_otadata_entry new = { .seq = 2, .state = UD_OTA_NEW, .crc = ud_otadata_crc(2) };
    struct ud_boot_input in = { .rollback = true,
                                .anti_rollback = true,
                                .slots_present = 0xFFFF,
                                .has_factory = true,
                                .has_test = true,
                                .otadata = UD_OTADATA_PRESENT,
                                .secure_level = 1,
                                .entry = { new, { .seq = 1, .state = UD_OTA_PENDING_VERIFY } } };
    ud_boot_choose(&in, &plan); /* nothing is readable: each of 18 is left out, and the entry too */
    assert_int_equal(plan.candidate_count, 0);
    assert_int_equal(plan.step_count, 1 + 1 + 1 + 18);
    assert_true(plan.step_count < UD_BOOT_MAX_STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_is_the_number_of_bits_in_the_field),
        cmocka_unit_test(raising_burns_bits_and_never_goes_back),
        cmocka_unit_test(boards_without_efuses_and_failing_ones_say_so),
        cmocka_unit_test(a_confirmed_app_raises_the_level_at_each_boot),
        cmocka_unit_test(an_unconfirmed_app_raises_nothing_and_may_roll_back),
        cmocka_unit_test(versions_wider_than_the_field_are_left_alone),
        cmocka_unit_test(an_old_app_is_neither_chosen_nor_fallen_back_to),
        cmocka_unit_test(an_app_swapped_after_the_comparison_does_not_run),
        cmocka_unit_test(the_first_boot_records_the_slot_and_its_level),
        cmocka_unit_test(unreadable_efuses_start_nothing_and_unburnable_ones_do_not_stop),
        cmocka_unit_test(without_the_option_versions_do_not_matter),
        cmocka_unit_test(an_entry_beyond_the_last_slot_does_not_count),
        cmocka_unit_test(the_longest_trace_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
