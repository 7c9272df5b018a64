/* SPDX-License-Identifier: Apache-2.0 */
/* An in-order update is hashed once, and only what still holds is trusted: counted by the crypto interface. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

static const struct test_layout layout = { .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT };

struct rig {
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s;
    const struct ud_partition *slot;
    uint8_t *image;
    uint32_t len;
    uint64_t hashed; /* bytes of one pass: all before the digest */
};

static void rig_up(struct rig *r)
{
    test_board_init(&r->t, &layout);
    test_board_put_image(&r->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&r->t, 0, 1, UD_OTA_VALID);
    test_board_run(&r->t, "ota_0");
    ud_ota_init(&r->ota, &r->t.board, true);
    r->slot = test_board_part(&r->t, "ota_1");
    r->image = test_image_make(&(struct test_image){ .payload = 40000 }, &r->len);
    r->hashed = r->len - UD_SHA256_BYTES;
    assert_int_equal(ud_ota_begin(&r->ota, &r->s, r->slot, UD_OTA_SEQUENTIAL), ESP_OK);
    test_board_clear_notes(&r->t);
}

static void write_all(struct rig *r, uint32_t from, uint32_t to)
{
    for (uint32_t off = from; off < to;) {
        uint32_t n = to - off < 777 ? to - off : 777;
        assert_int_equal(ud_ota_write(&r->s, r->image + off, n), ESP_OK);
        off += n;
    }
}

static void rig_down(struct rig *r)
{
    free(r->image);
    test_board_deinit(&r->t);
}

static void an_update_in_order_is_hashed_once(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_OK);
    assert_true(r.t.count.sha256_bytes == r.hashed);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 0);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_VERDICT), 1); /* and said once */
    rig_down(&r);
}

static void the_boot_loader_hashes_for_itself(void **state)
{
    (void)state;
    struct rig r;
    struct ud_boot_result result;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_OK);
    r.t.count.sha256_bytes = 0;
    assert_int_equal(test_board_boot(&r.t, true, &result), ESP_OK);
    assert_string_equal(result.loaded->label, "ota_1");
    assert_true(r.t.count.sha256_bytes == r.hashed);
    rig_down(&r);
}

static void a_foreign_write_during_the_update_costs_a_pass_at_the_end(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    write_all(&r, 0, 20000);
    assert_int_equal(ud_flash_program(&r.t.flash, 0x9000, "nvs", 3), ESP_OK);
    write_all(&r, 20000, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 1);
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_OK);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 1); /* that pass is trusted too */
    rig_down(&r);
}

static void bytes_changed_behind_the_session_are_found(void **state)
{
    (void)state;
    for (int when = 0; when < 2; when++) { /* between two writes, after the last one */
        struct rig r;
        uint8_t zero = 0;
        rig_up(&r);
        write_all(&r, 0, when == 0 ? 20000 : r.len);
        r.t.ram.strict = false;
        assert_int_equal(ud_flash_program(&r.t.flash, r.slot->addr + 5000, &zero, 1), ESP_OK);
        write_all(&r, when == 0 ? 20000 : r.len, r.len);
        assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
        rig_down(&r);
    }
}

static void a_write_between_end_and_set_boot_voids_the_verdict(void **state)
{
    (void)state;
    for (int harmful = 0; harmful < 2; harmful++) {
        struct rig r;
        uint8_t zero = 0;
        rig_up(&r);
        write_all(&r, 0, r.len);
        assert_int_equal(ud_ota_end(&r.s), ESP_OK);
        r.t.ram.strict = false;
        uint32_t addr = harmful ? r.slot->addr + 5001 : 0x9000;
        assert_int_equal(ud_flash_program(&r.t.flash, addr, &zero, 1), ESP_OK);
        assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), harmful ? ESP_ERR_OTA_VALIDATE_FAILED : ESP_OK);
        assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 1);
        rig_down(&r);
    }
}

static void asking_to_verify_always_reads(void **state)
{
    (void)state;
    struct rig r;
    struct ud_image_info info;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(ud_ota_verify(&r.ota, r.slot, &info), ESP_OK);
    assert_int_equal(info.len, r.len);
    assert_true(r.t.count.sha256_bytes == 2 * r.hashed);
    assert_int_equal(ud_ota_verify(&r.ota, NULL, &info), ESP_ERR_INVALID_ARG);
    fail_flash_arm(&r.t.fail, FAIL_READ_ONCE, 3);
    assert_int_equal(ud_ota_verify(&r.ota, r.slot, NULL), ESP_ERR_FLASH_OP_FAIL);
    r.t.count.fail_start = r.t.count.starts + 1;
    assert_int_equal(ud_ota_verify(&r.ota, r.slot, NULL), ESP_ERR_NO_MEM);
    rig_down(&r);
}

/* Another thread's turn, when set_boot has found the verdict and not yet written: it spoils the slot. */
static void spoil_the_slot(struct test_board *t)
{
    uint8_t zero = 0;
    t->on_give = NULL;
    assert_int_equal(ud_flash_program(&t->flash, test_board_part(t, "ota_1")->addr + 700, &zero, 1), ESP_OK);
}

static void a_slot_that_is_spoilt_before_otadata_names_it_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    r.t.ram.strict = false;
    record_flash_clear(&r.t.rec);
    r.t.on_give = spoil_the_slot;
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_null(r.t.on_give);
    assert_int_equal(r.t.rec.count, 1); /* the spoiling, no otadata */
    rig_down(&r);
}

/* A thread that writes its own data at every turn. */
static void write_elsewhere(struct test_board *t)
{
    t->flash.generation++;
}

static void data_written_all_the_time_does_not_hold_up_set_boot(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    r.t.on_give = write_elsewhere;
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_OK);
    assert_string_equal(ud_ota_get_boot(&r.ota)->label, "ota_1");
    assert_true(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS) <= 3);
    rig_down(&r);
}

/* Another thread's turn, between two chunks: it spoils a byte that was hashed already. */
static void spoil_the_first_sector(struct test_board *t)
{
    uint8_t zero = 0;
    if (t->rec.reads < 20)
        return;
    t->on_give = NULL;
    assert_int_equal(ud_flash_program(&t->flash, test_board_part(t, "ota_1")->addr + 700, &zero, 1), ESP_OK);
}

static void a_pass_during_which_flash_changed_is_not_kept(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    write_all(&r, 0, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    r.t.ram.strict = false;
    record_flash_clear(&r.t.rec);
    r.t.on_give = spoil_the_first_sector;
    assert_int_equal(ud_ota_verify(&r.ota, r.slot, NULL), ESP_OK); /* of what was read */
    assert_null(r.t.on_give);
    assert_false(ud_board_has_verdict(&r.t.board, r.slot, NULL));
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_ERR_OTA_VALIDATE_FAILED);
    rig_down(&r);
}

static void an_image_completed_by_what_was_there_is_judged_by_the_slot(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r);
    test_board_put_bytes(&r.t, r.slot->addr, r.image, r.len); /* the same image from an earlier attempt */
    write_all(&r, 0, 0x3000);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 1);
    rig_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_in_order_is_hashed_once),
        cmocka_unit_test(the_boot_loader_hashes_for_itself),
        cmocka_unit_test(a_foreign_write_during_the_update_costs_a_pass_at_the_end),
        cmocka_unit_test(bytes_changed_behind_the_session_are_found),
        cmocka_unit_test(a_write_between_end_and_set_boot_voids_the_verdict),
        cmocka_unit_test(asking_to_verify_always_reads),
        cmocka_unit_test(a_slot_that_is_spoilt_before_otadata_names_it_is_refused),
        cmocka_unit_test(data_written_all_the_time_does_not_hold_up_set_boot),
        cmocka_unit_test(a_pass_during_which_flash_changed_is_not_kept),
        cmocka_unit_test(an_image_completed_by_what_was_there_is_judged_by_the_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
