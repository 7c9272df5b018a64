/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions beyond the plain update of a slot: resumed ones, writes at offsets, content that belongs elsewhere. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

struct rig {
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s;
    const struct ud_partition *slot; /* ota_1, not running */
    struct ud_extra_partition boot;  /* the boot loader's place */
    struct ud_extra_partition table; /* the partition table's */
    uint8_t *image;
    uint32_t len;
};

static void rig_up(struct rig *r, uint32_t payload)
{
    memset(r, 0, sizeof *r);
    test_board_init(&r->t,
                    &(struct test_layout){ .ota = { 0, 1, 2, 3 }, .ota_count = 4, .otadata = UD_OTADATA_PRESENT });
    test_board_put_image(&r->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&r->t, 0, 5, UD_OTA_VALID);
    test_board_put_entry(&r->t, 1, 2, UD_OTA_VALID);
    test_board_run(&r->t, "ota_0");
    ud_ota_init(&r->ota, &r->t.board, true);
    r->slot = test_board_part(&r->t, "ota_1");
    r->boot.part = (struct ud_partition){ .size = 0x8000, .type = UD_PART_BOOTLOADER, .label = "boot" };
    r->table.part = (struct ud_partition){ .addr = 0x8000, .size = 0x1000, .type = UD_PART_TABLE, .label = "table" };
    assert_int_equal(ud_board_add_partition(&r->t.board, &r->boot), ESP_OK);
    assert_int_equal(ud_board_add_partition(&r->t.board, &r->table), ESP_OK);
    r->image = test_image_make(&(struct test_image){ .version = "2.0.0", .payload = payload }, &r->len);
    memset(r->t.bytes + r->slot->addr, 0x5A, r->slot->size);
}

static void rig_down(struct rig *r)
{
    assert_null(r->ota.sessions);
    free(r->image);
    test_board_deinit(&r->t);
}

/* ---- resumed ------------------------------------------------------------------------------------------------------ */

static void a_resumed_session_goes_on_where_the_other_stopped(void **state)
{
    (void)state;
    static const uint32_t cuts[] = { 1, 32, 4095, 4096, 4097, 6000, 8192 };
    for (size_t i = 0; i < UD_ARRAY_LEN(cuts); i++) {
        struct rig r;
        rig_up(&r, 9000);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, r.image, cuts[i]), ESP_OK);
        assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
        uint8_t entry[UD_OTADATA_ENTRY_BYTES];
        test_board_put_entry(&r.t, 1, 2, UD_OTA_VALID);
        assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL, cuts[i]), ESP_OK);
        assert_int_equal(r.s.written, cuts[i]);
        test_board_get_otadata(&r.t, 1, entry); /* resuming leaves otadata alone */
        assert_int_equal(ud_load_le32(entry), 2);
        assert_int_equal(ud_ota_write(&r.s, r.image + cuts[i], r.len - cuts[i]), ESP_OK);
        assert_int_equal(ud_ota_end(&r.s), ESP_OK);
        assert_memory_equal(r.t.bytes + r.slot->addr, r.image, r.len);
        assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_OK);
        rig_down(&r);
    }
}

/* What an application remembers is often less than what was written: the bytes come again. */
static void bytes_that_are_there_already_may_come_again(void **state)
{
    (void)state;
    static const uint32_t remembered[] = { 0, 100, 4096, 5000 };
    for (size_t i = 0; i < UD_ARRAY_LEN(remembered); i++) {
        struct rig r;
        uint32_t from = remembered[i];
        rig_up(&r, 9000);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, r.image, 6000), ESP_OK);
        assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
        record_flash_clear(&r.t.rec);
        assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, from), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, r.image + from, r.len - from), ESP_OK);
        assert_int_equal(ud_ota_end(&r.s), ESP_OK);
        for (uint32_t n = 0; n < r.t.rec.count && n < RECORD_MAX; n++)
            assert_int_equal(r.t.rec.op[n].op, UD_FLASH_PROGRAM); /* nothing was erased */
        assert_memory_equal(r.t.bytes + r.slot->addr, r.image, r.len);
        rig_down(&r);
    }
}

static void resuming_erases_nothing_without_being_asked(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 9000);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, 0), ESP_OK);
    assert_int_equal(r.t.rec.count, 0);
    assert_int_equal(ud_ota_write(&r.s, r.image, 10), ESP_ERR_FLASH_OP_FAIL); /* over old bytes */
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    memset(r.t.bytes + r.slot->addr, 0xFF, r.slot->size);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, 0), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, "\0", 1), ESP_ERR_OTA_VALIDATE_FAILED); /* the first byte is looked at */
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    rig_down(&r);
}

static void resume_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct rig r;
    struct ud_ota_session other;
    rig_up(&r, 300);
    memset(&other, 0, sizeof other);
    struct ud_partition stranger = *r.slot;
    stranger.addr += 0x1000;
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, NULL, 0, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_resume(NULL, &r.s, r.slot, 0, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, &stranger, 0, stranger.size + 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, &stranger, 0, 0), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, test_board_part(&r.t, "ota_0"), 0, 0), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_int_equal(ud_ota_begin(&r.ota, &other, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, 0), ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    assert_int_equal(ud_ota_resume(&r.ota, &other, r.slot, 0, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_ota_abort(&other), ESP_OK);
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, r.slot->size), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, "x", 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
    rig_down(&r);
}

/* ---- at offsets --------------------------------------------------------------------------------------------------- */

static void pieces_at_offsets_come_in_any_order(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 9000);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    uint32_t half = r.len / 2;
    assert_int_equal(ud_ota_write_at(&r.s, r.image + half, r.len - half, half), ESP_OK);
    assert_int_equal(ud_ota_write_at(&r.s, r.image, half, 0), ESP_OK);
    assert_int_equal(r.s.written, r.len);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_memory_equal(r.t.bytes + r.slot->addr, r.image, r.len);
    rig_down(&r);
}

static void writes_at_offsets_refuse_with_codes(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    assert_int_equal(ud_ota_write_at(&r.s, "x", 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_write_at(&r.s, "x", 1, 0), ESP_ERR_INVALID_STATE); /* ESP-IDF asserts */
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_write_at(&r.s, NULL, 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_write_at(&r.s, "x", 1, r.slot->size + 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_write_at(&r.s, "x", 1, r.slot->size), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_ota_write_at(&r.s, "x", 0, r.slot->size), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_INVALID_ARG); /* nothing written */
    rig_down(&r);
}

static void flash_that_reads_back_differently_is_told_at_offsets_too(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 3000);
    r.t.ram.strict = false;
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    r.image[1023] |= 1;
    fail_flash_arm(&r.t.fail, FAIL_SILENT, 0);
    assert_int_equal(ud_ota_write_at(&r.s, r.image, r.len, 0), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(test_board_find_note(&r.t, UD_NOTE_OTA_READBACK)->a, r.slot->addr + 1023);
    assert_int_equal(r.s.written, 0);
    fail_flash_arm(&r.t.fail, FAIL_ONCE, 0);
    assert_int_equal(ud_ota_write_at(&r.s, r.image, r.len, 0), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    rig_down(&r);
}

static void what_was_written_more_than_once_leaves_no_room_to_go_on(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    uint8_t *zeros = calloc(1, r.slot->size);
    assert_non_null(zeros);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_write_at(&r.s, zeros, r.slot->size, 0), ESP_OK);
    assert_int_equal(ud_ota_write_at(&r.s, zeros, 1, 0), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, zeros, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
    free(zeros);
    rig_down(&r);
}

/* ---- content that belongs elsewhere ------------------------------------------------------------------------------- */

static void set_final_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    struct ud_partition stranger = *r.slot;
    stranger.size -= 0x1000;
    const struct ud_partition *nvs = test_board_part(&r.t, "nvs");
    assert_int_equal(ud_ota_set_final(&r.s, nvs, true), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, NULL, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_set_final(&r.s, &stranger, true), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_set_final(&r.s, test_board_part(&r.t, "ota_0"), true), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_int_equal(ud_ota_set_final(&r.s, r.slot, true), ESP_OK);
    assert_false(r.s.copy);
    assert_int_equal(ud_ota_set_final(&r.s, nvs, true), ESP_OK);
    assert_true(ud_ota_is_in_use(&r.ota, nvs) && ud_ota_is_in_use(&r.ota, r.slot));
    assert_int_equal(ud_ota_write(&r.s, "x", 1), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, nvs, false), ESP_ERR_INVALID_STATE);
    struct ud_ota_session other;
    memset(&other, 0, sizeof other);
    assert_int_equal(ud_ota_begin(&r.ota, &other, nvs, 0), ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    assert_false(ud_ota_is_in_use(&r.ota, nvs));
    assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, 1), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, nvs, false), ESP_OK); /* a resumed one may say so late */
    assert_int_equal(ud_ota_abort(&r.s), ESP_OK);
    rig_down(&r);
}

static void data_is_staged_in_a_slot_and_copied(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    const struct ud_partition *nvs = test_board_part(&r.t, "nvs");
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, UD_OTA_SEQUENTIAL), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, nvs, true), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, "data", 4), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_memory_equal(r.t.bytes + nvs->addr, "data", 4);
    assert_memory_equal(r.t.bytes + nvs->addr, r.t.bytes + r.slot->addr, nvs->size); /* and what else lay there */
    assert_int_equal(r.t.bytes[nvs->addr + 0x1000], 0x5A);
    rig_down(&r);
}

static void a_final_partition_larger_than_the_staging_one_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, test_board_part(&r.t, "phy_init"), 0), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, test_board_part(&r.t, "nvs"), true), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, "data", 4), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_INVALID_SIZE);
    rig_down(&r);
}

static void a_boot_loader_is_staged_judged_as_one_and_copied(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 3000);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, &r.boot.part, true), ESP_OK);
    r.image[r.len - 1] ^= 1; /* a boot loader's digest is not compared */
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_memory_equal(r.t.bytes, r.image, r.len);
    assert_false(ud_board_has_verdict(&r.t.board, r.slot, NULL)); /* as an app it was not judged */
    assert_int_equal(ud_ota_set_boot(&r.ota, r.slot), ESP_ERR_OTA_VALIDATE_FAILED);
    rig_down(&r);
}

/* Good where it was staged, cut where it belongs: the one that is there must stay. Both ways to a verdict. */
static void an_image_larger_than_its_final_partition_is_not_copied(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        struct rig r;
        rig_up(&r, 9000);
        r.boot.part.size = 0x2000;
        memset(r.t.bytes, 0x77, 0x2000);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
        assert_int_equal(ud_ota_set_final(&r.s, &r.boot.part, true), ESP_OK);
        assert_int_equal(again ? ud_ota_write_at(&r.s, r.image, r.len, 0) : ud_ota_write(&r.s, r.image, r.len), ESP_OK);
        assert_int_equal(ud_ota_end(&r.s), ESP_ERR_INVALID_SIZE);
        assert_int_equal(r.t.bytes[0], 0x77);
        assert_int_equal(r.t.bytes[0x1FFF], 0x77);
        rig_down(&r);
    }
}

/* Without a hash the streaming verdict is lost, so the end reads the slot. */
static void a_hash_that_cannot_start_costs_a_pass_at_the_end(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 3000);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    r.t.count.fail_start = r.t.count.starts + 1;
    assert_int_equal(ud_ota_set_final(&r.s, &r.boot.part, true), ESP_OK);
    r.t.count.fail_start = 0;
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_int_equal(test_board_notes(&r.t, UD_NOTE_OTA_HASH_PASS), 1);
    assert_memory_equal(r.t.bytes, r.image, r.len);
    rig_down(&r);
}

static void a_bad_boot_loader_is_not_copied(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 3000);
    memset(r.t.bytes, 0x77, 64);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
    assert_int_equal(ud_ota_set_final(&r.s, &r.boot.part, true), ESP_OK);
    r.image[100] ^= 1;
    assert_int_equal(ud_ota_write(&r.s, "\0", 1), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(r.t.bytes[0], 0x77);
    rig_down(&r);
}

static void a_boot_loader_may_be_written_in_place(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 3000);
    assert_int_equal(ud_ota_begin(&r.ota, &r.s, &r.boot.part, r.len), ESP_OK);
    assert_int_equal(ud_ota_write(&r.s, r.image, r.len), ESP_OK);
    assert_int_equal(ud_ota_end(&r.s), ESP_OK);
    assert_memory_equal(r.t.bytes, r.image, r.len);
    assert_int_equal(test_board_entry(&r.t, 1).seq, 2); /* otadata is about apps */
    rig_down(&r);
}

static void a_partition_table_is_checked_as_one(void **state)
{
    (void)state;
    struct rig r;
    uint8_t bytes[UD_PTABLE_BYTES];
    rig_up(&r, 300);
    memcpy(bytes, r.t.bytes + 0x8000, sizeof bytes);
    for (int good = 0; good < 2; good++) {
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
        assert_int_equal(ud_ota_set_final(&r.s, &r.table.part, false), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, "\xAA\x51", 2), ESP_ERR_OTA_VALIDATE_FAILED);
        assert_int_equal(ud_ota_write(&r.s, bytes, 1), ESP_OK); /* one byte says nothing */
        bytes[32] = (uint8_t)(bytes[32] ^ (good ? 0 : 1));
        assert_int_equal(ud_ota_write(&r.s, bytes + 1, sizeof bytes - 1), ESP_OK);
        assert_int_equal(ud_ota_end(&r.s), good ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED);
        bytes[32] = r.t.bytes[0x8000 + 32]; /* the magic of an entry */
    }
    rig_down(&r);
}

static void data_larger_than_its_final_partition_is_not_copied(void **state)
{
    (void)state;
    struct rig r;
    rig_up(&r, 300);
    const struct ud_partition *nvs = test_board_part(&r.t, "nvs");
    memset(r.t.bytes + nvs->addr, 0x5A, nvs->size);
    for (int how = 0; how < 4; how++) {
        bool fits = how == 0;
        uint32_t last = fits ? nvs->size - 1 : nvs->size;
        if (how == 3) { /* what was there before a resume counts */
            assert_int_equal(ud_ota_resume(&r.ota, &r.s, r.slot, 0, last + 1), ESP_OK);
            assert_int_equal(ud_ota_set_final(&r.s, nvs, true), ESP_OK);
            assert_int_equal(ud_ota_write_at(&r.s, "x", 1, last - 1), ESP_OK);
        } else {
            assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
            assert_int_equal(ud_ota_set_final(&r.s, nvs, true), ESP_OK);
            if (how == 1)
                assert_int_equal(ud_ota_write_at(&r.s, "x", 1, last), ESP_OK);
            for (uint32_t off = 0; how != 1 && off <= last; off++)
                assert_int_equal(ud_ota_write(&r.s, "x", 1), ESP_OK);
        }
        assert_int_equal(ud_ota_end(&r.s), fits ? ESP_OK : ESP_ERR_INVALID_SIZE);
        for (uint32_t i = 0; i < nvs->size; i++)
            assert_int_equal(r.t.bytes[nvs->addr + i], 'x'); /* still the one that fitted */
    }
    rig_down(&r);
}

static void a_copy_that_fails_is_told(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 3; at++) {
        struct rig r;
        rig_up(&r, 300);
        assert_int_equal(ud_ota_begin(&r.ota, &r.s, r.slot, 0), ESP_OK);
        assert_int_equal(ud_ota_set_final(&r.s, test_board_part(&r.t, "nvs"), true), ESP_OK);
        assert_int_equal(ud_ota_write(&r.s, "data", 4), ESP_OK);
        fail_flash_arm(&r.t.fail, FAIL_ONCE, at);
        assert_int_equal(ud_ota_end(&r.s), ESP_ERR_FLASH_OP_FAIL);
        assert_int_equal(ud_ota_end(&r.s), ESP_ERR_NOT_FOUND); /* closed all the same */
        rig_down(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_session_goes_on_where_the_other_stopped),
        cmocka_unit_test(bytes_that_are_there_already_may_come_again),
        cmocka_unit_test(resuming_erases_nothing_without_being_asked),
        cmocka_unit_test(resume_refuses_with_the_documented_codes),
        cmocka_unit_test(pieces_at_offsets_come_in_any_order),
        cmocka_unit_test(writes_at_offsets_refuse_with_codes),
        cmocka_unit_test(flash_that_reads_back_differently_is_told_at_offsets_too),
        cmocka_unit_test(what_was_written_more_than_once_leaves_no_room_to_go_on),
        cmocka_unit_test(set_final_refuses_with_the_documented_codes),
        cmocka_unit_test(data_is_staged_in_a_slot_and_copied),
        cmocka_unit_test(an_image_larger_than_its_final_partition_is_not_copied),
        cmocka_unit_test(data_larger_than_its_final_partition_is_not_copied),
        cmocka_unit_test(a_final_partition_larger_than_the_staging_one_is_refused),
        cmocka_unit_test(a_boot_loader_is_staged_judged_as_one_and_copied),
        cmocka_unit_test(a_hash_that_cannot_start_costs_a_pass_at_the_end),
        cmocka_unit_test(a_bad_boot_loader_is_not_copied),
        cmocka_unit_test(a_boot_loader_may_be_written_in_place),
        cmocka_unit_test(a_partition_table_is_checked_as_one),
        cmocka_unit_test(a_copy_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
