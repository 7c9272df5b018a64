/* SPDX-License-Identifier: Apache-2.0 */
/* The application's options: anti-rollback, and whose firmware otadata is written like. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

static void start(struct test_board *t, struct ud_ota *ota)
{
    test_board_init(
        t, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .factory = true, .otadata = UD_OTADATA_PRESENT });
    test_board_put_app(t, "factory", TEST_IMAGE_GOOD, 9);
    test_board_put_app(t, "ota_0", TEST_IMAGE_GOOD, 2);
    test_board_put_app(t, "ota_1", TEST_IMAGE_GOOD, 1);
    test_board_put_entry(t, 0, 1, UD_OTA_PENDING_VERIFY);
    test_board_run(t, "ota_0");
    ud_ota_init(ota, &t->board, true);
    ota->anti_rollback = true;
}

static void confirming_raises_the_level_to_what_runs(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_OK);
    assert_int_equal(test_board_level(&t), 2);
    test_board_put_level(&t, 0);
    memset(t.efuse, 0, sizeof t.efuse);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_OK); /* VALID already: nothing is done */
    assert_int_equal(test_board_level(&t), 0);
    test_board_deinit(&t);
}

static void confirming_answers_with_the_result_of_raising(void **state)
{
    (void)state;
    static const struct {
        uint32_t version, level;
        bool erased, fails;
        const char *running;
        esp_err_t err;
    } rows[] = {
        { 17, 0, false, false, "ota_0", ESP_ERR_INVALID_ARG },
        { 1, 2, false, false, "ota_0", ESP_FAIL },
        { 2, 2, false, false, "ota_0", ESP_OK },
        { 2, 0, true, false, "ota_0", ESP_ERR_NOT_FOUND },
        { 2, 0, false, true, "ota_0", ESP_FAIL },
        { 2, 0, false, false, NULL, ESP_ERR_NOT_FOUND },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct test_board t;
        struct ud_ota ota;
        start(&t, &ota);
        test_board_put_app(&t, "ota_0", rows[i].erased ? TEST_IMAGE_ERASED : TEST_IMAGE_GOOD, rows[i].version);
        test_board_put_level(&t, rows[i].level);
        test_board_run(&t, rows[i].running);
        t.efuse_fails = rows[i].fails;
        assert_int_equal(ud_ota_mark_valid(&ota), rows[i].err);
        assert_int_equal(test_board_entry(&t, 0).state, UD_OTA_VALID); /* by then */
        assert_int_equal(test_board_level(&t), rows[i].level);
        test_board_deinit(&t);
    }
}

static void an_app_that_is_too_old_is_not_selected_but_erased(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota);
    const struct ud_partition *p = test_board_part(&t, "ota_1");
    test_board_put_level(&t, 1);
    assert_int_equal(ud_ota_set_boot(&ota, p), ESP_OK);
    test_board_put_level(&t, 2);
    t.fail.count = 0;
    fail_flash_arm(&t.fail, FAIL_ONCE, 0);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, p), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&t.fail, FAIL_NEVER, 0);
    assert_int_equal(ud_ota_set_boot(&ota, p), ESP_ERR_OTA_SMALL_SEC_VER);
    for (uint32_t i = 0; i < p->size; i++)
        assert_int_equal(t.bytes[p->addr + i], 0xFF);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, p), ESP_ERR_NOT_FOUND); /* no description */
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "factory")), ESP_OK);
    test_board_deinit(&t);
}

static void an_old_app_stays_when_the_efuses_cannot_be_read(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota);
    t.efuse_fails = true;
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_1")), ESP_FAIL);
    t.efuse_fails = false;
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_1")), ESP_OK);
    test_board_deinit(&t);
}

static void going_back_needs_a_secure_version_that_suffices(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota);
    assert_false(ud_ota_is_rollback_possible(&ota)); /* factory does not count */
    test_board_put_entry(&t, 0, 3, UD_OTA_PENDING_VERIFY);
    test_board_put_entry(&t, 1, 2, UD_OTA_VALID);
    assert_true(ud_ota_is_rollback_possible(&ota));
    test_board_put_level(&t, 2);
    assert_false(ud_ota_is_rollback_possible(&ota));
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_ERR_OTA_ROLLBACK_FAILED);
    ota.anti_rollback = false;
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_OK);
    test_board_deinit(&t);
}

/* ---- otadata as other releases write it ------------------------------------------------------------------------- */

static void older_releases_select_the_active_slot_in_the_other_entry(void **state)
{
    (void)state;
    for (int policy = UD_OTADATA_V6; policy <= UD_OTADATA_V5; policy++) {
        struct test_board t;
        struct ud_ota ota;
        start(&t, &ota);
        ota.anti_rollback = false;
        ota.otadata_policy = (enum ud_otadata_policy)policy;
        assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_0")), ESP_OK);
        bool v6 = policy == UD_OTADATA_V6;
        assert_int_equal(test_board_entry(&t, 0).seq, 1);
        assert_int_equal(test_board_entry(&t, 0).state, v6 ? UD_OTA_NEW : UD_OTA_PENDING_VERIFY);
        assert_int_equal(test_board_entry(&t, 1).seq, v6 ? UD_OTADATA_SEQ_BLANK : 1);
        if (!v6)
            assert_int_equal(test_board_entry(&t, 1).state, UD_OTA_NEW);
        /* The tie goes to entry 0: what was written to entry 1 does not count while entry 0 does. */
        assert_ptr_equal(ud_ota_get_boot(&ota), test_board_part(&t, "ota_0"));
        test_board_deinit(&t);
    }
}

static void recorded_otadata_takes_the_entry_that_each_release_writes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *slot;
        uint32_t seq;
        unsigned sector, v5_sector; /* tests/vectors/README.md */
    } rows[] = {
        { "slot0", "ota_0", 1, 0, 1 },   { "slot0", "ota_1", 2, 1, 1 },   { "blank", "ota_1", 2, 0, 0 },
        { "pending", "ota_1", 4, 1, 1 }, { "pending", "ota_0", 3, 0, 1 }, { "aborted", "ota_1", 2, 1, 0 },
        { "badcrc", "ota_1", 2, 1, 0 },  { "badcrc", "ota_0", 3, 0, 0 },
    };
    for (size_t i = 0; i < 3 * UD_ARRAY_LEN(rows); i++) {
        struct test_board t;
        struct ud_ota ota;
        char path[256];
        uint8_t bytes[UD_OTADATA_BYTES];
        start(&t, &ota);
        ota.anti_rollback = false;
        ota.otadata_policy = (enum ud_otadata_policy)(i % 3);
        snprintf(path, sizeof path, UD_VECTORS "/otadata-%s.bin", rows[i / 3].name);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
        fclose(f);
        test_board_put_bytes(&t, test_board_part(&t, "otadata")->addr, bytes, sizeof bytes);
        unsigned sector = ota.otadata_policy == UD_OTADATA_V6 ? rows[i / 3].sector : rows[i / 3].v5_sector;
        struct ud_otadata_entry other = test_board_entry(&t, 1 - sector);
        assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, rows[i / 3].slot)), ESP_OK);
        assert_int_equal(test_board_entry(&t, sector).seq, rows[i / 3].seq);
        assert_int_equal(test_board_entry(&t, sector).state, UD_OTA_NEW);
        struct ud_otadata_entry after = test_board_entry(&t, 1 - sector);
        assert_memory_equal(&after, &other, sizeof after);
        test_board_deinit(&t);
    }
}

static void all_releases_select_another_slot_alike(void **state)
{
    (void)state;
    for (int policy = UD_OTADATA_V6; policy <= UD_OTADATA_V5; policy++) {
        struct test_board t;
        struct ud_ota ota;
        start(&t, &ota);
        ota.anti_rollback = false;
        ota.otadata_policy = (enum ud_otadata_policy)policy;
        assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_1")), ESP_OK);
        assert_int_equal(test_board_entry(&t, 0).state, UD_OTA_PENDING_VERIFY);
        assert_int_equal(test_board_entry(&t, 1).seq, 2);
        test_board_deinit(&t);
    }
}

static void only_later_releases_forget_the_slot_that_is_written(void **state)
{
    (void)state;
    for (int policy = UD_OTADATA_V6; policy <= UD_OTADATA_V5; policy++) {
        struct test_board t;
        struct ud_ota ota;
        struct ud_ota_session s;
        start(&t, &ota);
        test_board_put_entry(&t, 0, 3, UD_OTA_VALID);
        test_board_put_entry(&t, 1, 2, UD_OTA_VALID);
        ota.otadata_policy = (enum ud_otadata_policy)policy;
        memset(&s, 0, sizeof s);
        assert_int_equal(ud_ota_begin(&ota, &s, test_board_part(&t, "ota_1"), UD_OTA_SEQUENTIAL), ESP_OK);
        assert_int_equal(ud_ota_abort(&s), ESP_OK);
        assert_int_equal(test_board_entry(&t, 1).seq, policy == UD_OTADATA_V5 ? 2 : UD_OTADATA_SEQ_BLANK);
        test_board_deinit(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confirming_raises_the_level_to_what_runs),
        cmocka_unit_test(confirming_answers_with_the_result_of_raising),
        cmocka_unit_test(an_app_that_is_too_old_is_not_selected_but_erased),
        cmocka_unit_test(an_old_app_stays_when_the_efuses_cannot_be_read),
        cmocka_unit_test(going_back_needs_a_secure_version_that_suffices),
        cmocka_unit_test(older_releases_select_the_active_slot_in_the_other_entry),
        cmocka_unit_test(recorded_otadata_takes_the_entry_that_each_release_writes),
        cmocka_unit_test(all_releases_select_another_slot_alike),
        cmocka_unit_test(only_later_releases_forget_the_slot_that_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
