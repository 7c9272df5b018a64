/* SPDX-License-Identifier: Apache-2.0 */
/* Update sessions: every code of begin, write, end and abort; what is erased when; failing flash and hash. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

static const struct test_layout layout = {
    .ota = { 0, 1 }, .ota_count = 2, .factory = true, .test = true, .otadata = UD_OTADATA_PRESENT
};

struct rig {
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s;
    const struct ud_partition *slot; /* ota_1, not running */
    uint8_t *image;
    uint32_t len;
};

/* ota_0 runs and is confirmed; an image of about `payload` bytes waits to be written. */
static void rig_up(struct rig *r, bool rollback, uint32_t payload)
{
    test_board_init(&r->t, &layout);
    test_board_put_image(&r->t, "factory", TEST_IMAGE_GOOD);
    test_board_put_image(&r->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&r->t, 0, 1, UD_OTA_VALID);
    test_board_run(&r->t, "ota_0");
    r->t.flash.observer = &r->t.obs;
    ud_ota_init(&r->ota, &r->t.board, rollback);
    r->slot = test_board_part(&r->t, "ota_1");
    r->image = test_image_make(&(struct test_image){ .version = "2.0.0", .payload = payload }, &r->len);
    memset(r->t.bytes + r->slot->addr, 0x5A, r->slot->size); /* an old image was there */
}

static void rig_down(struct rig *r)
{
    assert_null(r->ota.sessions);
    free(r->image);
    test_board_deinit(&r->t);
}

static void assert_slot_holds_image(const struct rig *r)
{
    assert_memory_equal(r->t.bytes + r->slot->addr, r->image, r->len);
}

/* ---- begin -------------------------------------------------------------------------------------------------------- */

static void begin_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, true, 300);
    struct ud_partition stranger = *r.slot;
    stranger.addr += 0x1000;

    assert_int_equal(ud_ota_begin(NULL, &r.s, r.slot, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_begin(&r.ota, NULL, r.slot, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, NULL, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, &stranger, 0), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, test_board_part(&r.t, "factory"), 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, test_board_part(&r.t, "ota_0"), 0), ESP_ERR_OTA_PARTITION_CONFLICT);
    test_board_put_entry(&r.t, 0, 1, UD_OTA_PENDING_VERIFY);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_ERR_OTA_ROLLBACK_INVALID_STATE);
    test_board_put_entry(&r.t, 0, 1, UD_OTA_VALID);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, r.slot->size + 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0xFFFFFFFD), ESP_ERR_INVALID_SIZE);
    assert_int_equal(r.t.rec.count, 0); /* none of them touched flash */
    assert_int_equal(ud_ota_abort(&r.s), ESP_ERR_NOT_FOUND);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_REFUSED), 6); /* NULLs are not worth one */
    rig_down(&r);
}

static void begin_takes_a_copy_of_the_partition(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 300);
    struct ud_partition copy = *r.slot;
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, &copy, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_ptr_equal(r.s.partition, r.slot);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    rig_down(&r);
}

static void a_slot_belongs_to_one_session(void **state)
{
    (void)state;
    struct rig r;
    struct ud_ota_session other;
    struct ud_ota_session data;
    rig_up(&r, false, 300);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_begin(&r.ota, &other, r.slot, UD_OTA_SEQUENTIAL), ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    assert_int_equal(ud_ota_abort(&other), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_ERR_INVALID_STATE); /* still open */
    assert_int_equal(ud_ota_begin(&r.ota, &data, test_board_part(&r.t, "nvs"), 0), ESP_OK);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    assert_int_equal(ud_ota_abort(&r.s), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_begin(&r.ota, &other, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_abort(&data), ESP_OK);
    assert_int_equal(ud_ota_abort(&other), ESP_OK);
    rig_down(&r);
}

static uint32_t erased_bytes(const struct rig *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->t.rec.count; i++) {
        if (r->t.rec.op[i].op == UD_FLASH_ERASE && r->t.rec.op[i].addr >= r->slot->addr)
            n += r->t.rec.op[i].len;
    }
    return n;
}

static void begin_erases_as_asked(void **state)
{
    (void)state;
    static const struct {
        uint32_t size, erased;
    } rows[] = { { 0, TEST_SLOT_BYTES },
                 { UD_OTA_SIZE_UNKNOWN, TEST_SLOT_BYTES },
                 { UD_OTA_SEQUENTIAL, 0 },
                 { 1, 0x1000 },
                 { 0x1000, 0x1000 },
                 { 0x1001, 0x2000 },
                 { TEST_SLOT_BYTES, TEST_SLOT_BYTES },
                 { TEST_SLOT_BYTES - 1, TEST_SLOT_BYTES } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct rig r;
        rig_up(&r, false, 300);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, rows[i].size), ESP_OK);
        assert_int_equal(erased_bytes(&r), rows[i].erased);
        assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
        rig_down(&r);
    }
}

/* A data partition may end inside a sector: then all of it cannot be erased, and nothing is. */
static void a_partition_that_cannot_be_erased_whole_stays_as_it_is(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 300);
    struct ud_partition *phy = &r.t.board.table.part[test_board_part(&r.t, "phy_init") - r.t.board.table.part];
    phy->addr = 0x10000;
    phy->size = 0x10800; /* more than one step */
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, phy, 0), ESP_ERR_INVALID_SIZE);
    assert_int_equal(r.t.rec.count, 0);
    assert_null(r.ota.sessions);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, phy, 0x10000), ESP_OK);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    rig_down(&r);
}

static void a_large_erase_lets_others_in_between_blocks(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s;
    struct test_layout large = layout;
    large.slot_bytes = 0x38000; /* three and a half blocks, so that ota_0 begins inside one */
    test_board_init(&t, &large);
    test_board_run(&t, "factory");
    ud_ota_init(&ota, &t.board, false);
    const struct ud_partition *p = test_board_part(&t, "ota_0");
    assert_int_equal(ud_ota_begin(&ota, &s, p, 0), ESP_OK);
    assert_int_equal(t.rec.count, 4);
    for (uint32_t i = 0; i < t.rec.count; i++)
        assert_int_equal(t.rec.op[i].addr % 0x10000, i == 0 ? p->addr % 0x10000 : 0);
    assert_true(t.lock_taken >= 4);
    assert_int_equal(ud_ota_abort(&s), ESP_OK);
    test_board_deinit(&t);
}

static void begin_with_rollback_forgets_the_other_entry(void **state)
{
    (void)state;
    for (int rollback = 0; rollback < 2; rollback++) {
        struct rig r;
        rig_up(&r, rollback, 300);
        test_board_put_entry(&r.t, 0, 3, UD_OTA_VALID); /* ota_0, active */
        test_board_put_entry(&r.t, 1, 2, UD_OTA_VALID); /* ota_1 */
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
        assert_int_equal(test_board_entry(&r.t, 1).seq, rollback ? UD_OTADATA_SEQ_BLANK : 2);
        assert_int_equal(test_board_entry(&r.t, 0).seq, 3);
        assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
        rig_down(&r);
    }
}

static void a_begin_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, true, 300);
    for (int i = 0; i < 1000; i++) { /* and a later one works */
        memset(&r.s, 0xA5, sizeof r.s);
        fail_flash_arm(&r.t.fail, FAIL_ONCE, 0);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_ERR_FLASH_OP_FAIL);
        assert_null(r.ota.sessions);
        assert_int_equal(r.t.count.held, 0);
        assert_int_equal(ud_ota_abort(&r.s), ESP_ERR_NOT_FOUND);
        assert_int_equal(ud_ota_write(&r.s, "x", 1), ESP_ERR_INVALID_ARG);
    }
    r.t.count.fail_start = r.t.count.starts + 1;
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_ERR_NO_MEM);
    assert_null(r.ota.sessions);

    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    rig_down(&r);
}

/* ---- write -------------------------------------------------------------------------------------------------------- */

static void pieces_of_any_size_make_the_same_slot(void **state)
{
    (void)state;
    static const uint32_t pieces[] = { 1, 7, 256, 1000, 1024, 4095, 4096, 4097, 9000, 100000 };
    static const uint32_t modes[] = { 0, UD_OTA_SEQUENTIAL };
    for (size_t i = 0; i < UD_ARRAY_LEN(pieces); i++) {
        for (size_t m = 0; m < UD_ARRAY_LEN(modes); m++) {
            struct rig r;
            rig_up(&r, false, 13000);
            assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, modes[m]), ESP_OK);
            for (uint32_t off = 0; off < r.len;) {
                uint32_t n = r.len - off < pieces[i] ? r.len - off : pieces[i];
                assert_int_equal(ud_ota_write(&r.s, r.image + off, n), ESP_OK);
                off += n;
                assert_int_equal(r.s.written, off);
            }
            assert_int_equal(ud_ota_end(&r.s), ESP_OK);
            assert_slot_holds_image(&r);
            rig_down(&r);
        }
    }
}

static void sequential_sectors_are_erased_when_entered_and_not_before(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 13000);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(erased_bytes(&r), 0);
    assert_int_equal(ud_ota_write(&r.s, r.image, 1), ESP_OK);
    assert_int_equal(erased_bytes(&r), 0x1000);
    assert_int_equal(ud_ota_write(&r.s, r.image + 1, 4095), ESP_OK);
    assert_int_equal(erased_bytes(&r), 0x1000); /* the next sector is not entered yet */
    assert_int_equal(ud_ota_write(&r.s, r.image + 4096, 1), ESP_OK);
    assert_int_equal(erased_bytes(&r), 0x2000);
    assert_int_equal(ud_ota_write(&r.s, r.image + 4097, 8000), ESP_OK);
    assert_int_equal(erased_bytes(&r), 0x3000);
    assert_int_equal(r.t.bytes[r.slot->addr + 0x3000], 0x5A);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    rig_down(&r);
}

static void write_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 300);
    memset(&r.s, 0, sizeof r.s);
    assert_int_equal(ud_ota_write(&r.s, NULL, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_write(&r.s, "x", 0), ESP_OK); /* before the session is looked at */
    assert_int_equal(ud_ota_write(&r.s, "x", 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_write(NULL, "x", 1), ESP_ERR_INVALID_ARG);

    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, r.image, (size_t)r.slot->size + 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_ota_write(&r.s, r.image, SIZE_MAX), ESP_ERR_INVALID_SIZE);
    assert_int_equal(r.t.rec.count, 0);
    assert_int_equal(ud_ota_write(&r.s, "\xE8", 1), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(test_board_find_note(&r.t, UD_NOTE_OTA_BAD_MAGIC)->a, 0xE8);
    assert_int_equal(test_board_find_note(&r.t, UD_NOTE_OTA_BAD_MAGIC)->b, 0);
    assert_int_equal(r.t.rec.count, 1); /* the first sector was erased before the byte was looked at */
    assert_int_equal(r.t.bytes[r.slot->addr], 0xFF);
    assert_int_equal(r.s.written, 0);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK); /* the right bytes may still come */
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    rig_down(&r);
}

static void a_full_slot_takes_no_byte_more(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 300);
    uint8_t *all = calloc(1, r.slot->size);
    assert_non_null(all);
    all[0] = UD_IMAGE_MAGIC;
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, all, r.slot->size), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, all, 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(r.t.bytes[r.slot->addr + r.slot->size], 0xFF); /* nothing beyond */
    free(all);
    rig_down(&r);
}

static void flash_that_reads_back_differently_is_told_with_its_address(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 3000);
    r.t.ram.strict = false; /* the device itself notices nothing */
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    r.image[1023] |= 1;
    fail_flash_arm(&r.t.fail, FAIL_SILENT, 0);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_ERR_FLASH_OP_FAIL);
    const struct ud_note *note = test_board_find_note(&r.t, UD_NOTE_OTA_READBACK);
    assert_non_null(note);
    assert_int_equal(note->a, r.slot->addr + 1023);
    assert_int_equal(note->b, r.image[1023] & 0xFE);
    assert_int_equal(r.s.written, 0);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_INVALID_ARG);
    rig_down(&r);
}

static void a_failed_write_may_be_repeated(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 14; at++) {
        struct rig r;
        rig_up(&r, false, 8000);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, r.image, 100), ESP_OK);
        fail_flash_arm(&r.t.fail, FAIL_ONCE, at);
        r.t.fail.fail_at_poll = at & 1;
        esp_err_t err = ud_ota_write(&r.s, r.image + 100, r.len - 100);
        assert_int_equal(err, r.t.fail.count > at ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
        if (err != ESP_OK) {
            assert_int_equal(r.s.written, 100);
            assert_int_equal(ud_ota_write(&r.s, r.image + 100, r.len - 100), ESP_OK);
        }
        assert_int_equal(ud_ota_end(&r.s), ESP_OK); /* hashed again from flash */
        assert_slot_holds_image(&r);
        rig_down(&r);
    }
}

/* ---- end ---------------------------------------------------------------------------------------------------------- */

static void end_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, false, 3000);
    memset(&r.s, 0, sizeof r.s);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_end(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_abort(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_INVALID_ARG); /* nothing written */
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_NOT_FOUND);   /* and closed */

    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len - 1), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED); /* cut short */
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_NOT_FOUND);
    assert_false(ud_board_has_verdict(&r.t.board, r.slot, NULL));
    rig_down(&r);
}

static void a_bad_image_is_written_to_the_end_and_then_refused(void **state)
{
    (void)state;
    static const uint32_t offsets[] = { 1, 12, 40, 400, 2000 }; /* segments, chip id, description, data */
    for (size_t i = 0; i < UD_ARRAY_LEN(offsets); i++) {
        struct rig r;
        rig_up(&r, false, 3000);
        r.image[offsets[i]] ^= 0x40;
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
        for (uint32_t off = 0; off < r.len; off++)
            assert_int_equal(ud_ota_write(&r.s, r.image + off, 1), ESP_OK);
        assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
        assert_slot_holds_image(&r);
        assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_ERR_OTA_VALIDATE_FAILED);
        assert_int_equal(test_board_entry(&r.t, 0).seq, 1);
        assert_int_equal(test_board_entry(&r.t, 1).seq, UD_OTADATA_SEQ_BLANK);
        rig_down(&r);
    }
}

static void bytes_after_the_image_do_not_matter(void **state)
{
    (void)state;
    struct rig r;
    uint8_t tail[5000];
    rig_up(&r, false, 3000);
    memset(tail, 0x33, sizeof tail);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, tail, sizeof tail), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    rig_down(&r);
}

static void data_partitions_take_anything(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, true, 300);
    const struct ud_partition *nvs = test_board_part(&r.t, "nvs");
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, nvs, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, "any bytes", 9), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_memory_equal(r.t.bytes + nvs->addr, "any bytes", 9);
    assert_false(ud_board_has_verdict(&r.t.board, nvs, NULL));
    rig_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_refuses_with_the_documented_codes),
        cmocka_unit_test(begin_takes_a_copy_of_the_partition),
        cmocka_unit_test(a_slot_belongs_to_one_session),
        cmocka_unit_test(begin_erases_as_asked),
        cmocka_unit_test(a_partition_that_cannot_be_erased_whole_stays_as_it_is),
        cmocka_unit_test(a_large_erase_lets_others_in_between_blocks),
        cmocka_unit_test(begin_with_rollback_forgets_the_other_entry),
        cmocka_unit_test(a_begin_that_fails_leaves_nothing_behind),
        cmocka_unit_test(pieces_of_any_size_make_the_same_slot),
        cmocka_unit_test(sequential_sectors_are_erased_when_entered_and_not_before),
        cmocka_unit_test(write_refuses_with_the_documented_codes),
        cmocka_unit_test(a_full_slot_takes_no_byte_more),
        cmocka_unit_test(flash_that_reads_back_differently_is_told_with_its_address),
        cmocka_unit_test(a_failed_write_may_be_repeated),
        cmocka_unit_test(end_refuses_with_the_documented_codes),
        cmocka_unit_test(a_bad_image_is_written_to_the_end_and_then_refused),
        cmocka_unit_test(bytes_after_the_image_do_not_matter),
        cmocka_unit_test(data_partitions_take_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
