/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power is cut at each flash operation of begin, write, end, set_boot and of the boots after it, cleanly and torn: a
 * valid image always boots, the old or the new one, and an update afterwards succeeds. The same when one operation fails
 * and power stays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

static const struct test_layout layout = { .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT };

/* Version in the slot that was loaded. */
static char loaded_version(const struct ud_boot_result *result)
{
    return result->info.desc.version[0];
}

/* 1.0.0 runs from ota_0 and is confirmed; an even older, confirmed image is in ota_1. */
static void start(struct test_board *t)
{
    uint32_t len;
    test_board_init(t, &layout);
    uint8_t *old = test_image_make(&(struct test_image){ .version = "1.0.0", .payload = 6000 }, &len);
    test_board_put_bytes(t, test_board_part(t, "ota_0")->addr, old, len);
    free(old);
    old = test_image_make(&(struct test_image){ .version = "0.9.0", .payload = 6000 }, &len);
    test_board_put_bytes(t, test_board_part(t, "ota_1")->addr, old, len);
    free(old);
    test_board_put_entry(t, 1, 2, UD_OTA_VALID);
    test_board_put_entry(t, 0, 3, UD_OTA_VALID);
    test_board_run(t, "ota_0");
}

static esp_err_t update(struct test_board *t, bool rollback, uint32_t mode, const uint8_t *image, uint32_t len)
{
    struct ud_ota ota;
    struct ud_ota_session s;
    ud_ota_init(&ota, &t->board, rollback);
    const struct ud_partition *slot = ud_ota_next_update(&t->board, NULL);
    esp_err_t err = ud_ota_begin(&ota, &s, slot, mode);
    for (uint32_t off = 0; err == ESP_OK && off < len; off += 1500)
        err = ud_ota_write(&s, image + off, len - off < 1500 ? len - off : 1500);
    if (err == ESP_OK)
        err = ud_ota_end(&s);
    else
        ud_ota_abort(&s);
    return err == ESP_OK ? ud_ota_set_boot(&ota, slot) : err;
}

/* Cut at operation `at` of the update; false when the update has fewer. */
static bool cut_update(bool rollback, uint32_t mode, enum fail_mode cut, uint32_t at, const uint8_t *image,
                       uint32_t len)
{
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    fail_flash_arm(&t.fail, cut, at);
    esp_err_t err = update(&t, rollback, mode, image, len);
    bool happened = t.fail.down;
    assert_int_equal(err, happened ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);

    assert_int_equal(test_board_boot(&t, rollback, &result), ESP_OK);
    char booted = loaded_version(&result);
    assert_true(happened ? booted == '1' || booted == '2' || booted == '0' : booted == '2');
    if (booted == '0')
        fail_msg("an image from before the last one boots after a cut at %u", (unsigned)at);

    struct ud_ota ota; /* whatever runs confirms itself and updates */
    ud_ota_init(&ota, &t.board, rollback);
    err = ud_ota_mark_valid(&ota);
    assert_true(err == ESP_OK || err == ESP_FAIL);
    assert_int_equal(update(&t, rollback, mode, image, len), ESP_OK);
    assert_int_equal(test_board_boot(&t, rollback, &result), ESP_OK);
    assert_int_equal(loaded_version(&result), '2');
    test_board_deinit(&t);
    return happened;
}

static void a_cut_anywhere_in_an_update_boots_old_or_new(void **state)
{
    (void)state;
    static const uint32_t modes[] = { 0, UD_OTA_SEQUENTIAL };
    static const enum fail_mode cuts[] = { FAIL_FROM, FAIL_TORN };
    uint32_t len;
    uint8_t *image = test_image_make(&(struct test_image){ .version = "2.0.0", .payload = 20000 }, &len);
    for (int rollback = 0; rollback < 2; rollback++) {
        for (size_t m = 0; m < UD_ARRAY_LEN(modes); m++) {
            for (size_t c = 0; c < UD_ARRAY_LEN(cuts); c++) {
                uint32_t at = 0;
                while (cut_update(rollback, modes[m], cuts[c], at, image, len))
                    at++;
                assert_true(at > 20);
            }
        }
    }
    free(image);
}

/* Operation `at` of the update fails, power stays; false when the update has fewer. */
static bool fail_update(bool rollback, uint32_t mode, bool retry, uint32_t at, const uint8_t *image, uint32_t len)
{
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    fail_flash_arm(&t.fail, FAIL_ONCE, at);
    esp_err_t err = update(&t, rollback, mode, image, len);
    bool happened = t.fail.count > at;
    bool passed = err == ESP_OK; /* what forgets the other entry may fail unheard */
    assert_true(passed || (happened && err == ESP_ERR_FLASH_OP_FAIL));
    fail_flash_arm(&t.fail, FAIL_NEVER, 0);
    if (retry)
        assert_int_equal(update(&t, rollback, mode, image, len), ESP_OK);
    assert_int_equal(test_board_boot(&t, rollback, &result), ESP_OK);
    assert_int_equal(loaded_version(&result), passed || retry ? '2' : '1');
    test_board_deinit(&t);
    return happened;
}

static void a_failing_operation_leaves_the_old_choice_and_may_be_retried(void **state)
{
    (void)state;
    static const uint32_t modes[] = { 0, UD_OTA_SEQUENTIAL };
    uint32_t len;
    uint8_t *image = test_image_make(&(struct test_image){ .version = "2.0.0", .payload = 20000 }, &len);
    for (int variant = 0; variant < 8; variant++) {
        uint32_t at = 0;
        while (fail_update(variant & 1, modes[variant >> 1 & 1], variant & 4, at, image, len))
            at++;
        assert_true(at > 20);
    }
    free(image);
}

/* The boots after an update write too: NEW to PENDING, PENDING to ABORTED, and the confirmation. */
static void a_cut_while_otadata_changes_state_boots_something_valid(void **state)
{
    (void)state;
    static const enum fail_mode cuts[] = { FAIL_FROM, FAIL_TORN };
    static const uint32_t states[] = { UD_OTA_NEW, UD_OTA_PENDING_VERIFY };
    for (size_t c = 0; c < UD_ARRAY_LEN(cuts); c++) {
        for (size_t s = 0; s < UD_ARRAY_LEN(states); s++) {
            for (uint32_t at = 0; at < 4; at++) {
                struct test_board t;
                struct ud_boot_result result;
                start(&t);
                test_board_put_entry(&t, 1, 4, states[s]);
                struct ud_boot_device dev = test_board_boot_device(&t, true);
                fail_flash_arm(&t.fail, cuts[c], at);
                esp_err_t err = ud_boot_run(&dev, &result);
                if (err == ESP_OK && ud_board_load_table(&t.board, result.loaded->addr) == ESP_OK) {
                    struct ud_ota ota;
                    ud_ota_init(&ota, &t.board, true);
                    err = ud_ota_mark_valid(&ota);
                    assert_int_equal(err, t.fail.down ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
                }
                assert_int_equal(test_board_boot(&t, true, &result), ESP_OK);
                assert_int_equal(test_board_boot(&t, true, &result), ESP_OK); /* and stays bootable */
                test_board_deinit(&t);
            }
        }
    }
}

/* Version 2 (secure version 2, in ota_1) confirms itself over version 1; power goes at one of its writes. */
static void a_cut_in_a_confirmation_never_leaves_a_level_that_nothing_reaches(void **state)
{
    (void)state;
    static const enum fail_mode cuts[] = { FAIL_FROM, FAIL_TORN };
    for (uint32_t n = 0; n < 2 * 4; n++) {
        struct test_board t;
        struct ud_boot_result result;
        struct ud_ota ota;
        test_board_init(&t, &layout);
        test_board_put_app(&t, "ota_0", TEST_IMAGE_GOOD, 1);
        test_board_put_app(&t, "ota_1", TEST_IMAGE_GOOD, 2);
        test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
        test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
        test_board_put_level(&t, 1);
        test_board_run(&t, "ota_1");
        ud_ota_init(&ota, &t.board, true);
        ota.anti_rollback = true;
        fail_flash_arm(&t.fail, cuts[n % 2], n / 2);
        esp_err_t err = ud_ota_mark_valid(&ota);
        assert_int_equal(err, t.fail.down ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
        assert_int_equal(test_board_level(&t), err == ESP_OK ? 2 : 1); /* the entry comes first */
        for (int boots = 0; boots < 3; boots++) {
            assert_int_equal(test_board_boot_options(&t, true, true, &result), ESP_OK);
            assert_true(result.info.desc.secure_version >= test_board_level(&t));
        }
        test_board_deinit(&t);
    }
}

/* Both entries go; while one is left it is the one that names what runs, never an older image. */
static void a_cut_while_the_factory_app_is_selected_boots_it_or_what_ran(void **state)
{
    (void)state;
    static const struct test_layout with_factory = {
        .ota = { 0, 1 }, .ota_count = 2, .factory = true, .otadata = UD_OTADATA_PRESENT
    };
    static const enum fail_mode cuts[] = { FAIL_FROM, FAIL_TORN };
    for (uint32_t n = 0; n < 2 * 2 * 3; n++) {
        struct test_board t;
        struct ud_boot_result result;
        struct ud_ota ota;
        unsigned active = n / 6;
        test_board_init(&t, &with_factory);
        test_board_put_app(&t, "factory", TEST_IMAGE_GOOD, 0);
        test_board_put_app(&t, "ota_0", TEST_IMAGE_GOOD, 0);
        test_board_put_app(&t, "ota_1", TEST_IMAGE_GOOD, 0);
        test_board_put_entry(&t, active, 3, UD_OTA_VALID);
        test_board_put_entry(&t, 1 - active, 2, UD_OTA_VALID);
        test_board_run(&t, "ota_0");
        ud_ota_init(&ota, &t.board, true);
        fail_flash_arm(&t.fail, cuts[n % 2], n / 2 % 3);
        esp_err_t err = ud_ota_set_boot(&ota, test_board_part(&t, "factory"));
        bool happened = t.fail.down;
        assert_int_equal(err, happened ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
        assert_int_equal(test_board_boot(&t, true, &result), ESP_OK);
        assert_true(result.loaded_index == UD_BOOT_FACTORY || (happened && result.loaded_index == 0));
        test_board_deinit(&t);
    }
}

static void a_level_that_was_not_raised_is_raised_by_the_next_boot(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct ud_ota ota;
    test_board_init(&t, &layout);
    test_board_put_app(&t, "ota_0", TEST_IMAGE_GOOD, 1);
    test_board_put_app(&t, "ota_1", TEST_IMAGE_GOOD, 2);
    test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
    test_board_run(&t, "ota_1");
    ud_ota_init(&ota, &t.board, true);
    ota.anti_rollback = true;
    t.efuse_fails = true; /* or power goes right there */
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_FAIL);
    t.efuse_fails = false;
    assert_int_equal(test_board_level(&t), 0);
    assert_int_equal(test_board_boot_options(&t, true, true, &result), ESP_OK);
    assert_int_equal(result.loaded_index, 1);
    assert_int_equal(test_board_level(&t), 2);
    test_board_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_in_an_update_boots_old_or_new),
        cmocka_unit_test(a_failing_operation_leaves_the_old_choice_and_may_be_retried),
        cmocka_unit_test(a_cut_in_a_confirmation_never_leaves_a_level_that_nothing_reaches),
        cmocka_unit_test(a_cut_while_the_factory_app_is_selected_boots_it_or_what_ran),
        cmocka_unit_test(a_level_that_was_not_raised_is_raised_by_the_next_boot),
        cmocka_unit_test(a_cut_while_otadata_changes_state_boots_something_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
