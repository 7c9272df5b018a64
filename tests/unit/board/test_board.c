/* SPDX-License-Identifier: Apache-2.0 */
/* The board: what runs, by which rules images are judged, how long a verdict holds, notes after the lock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_board.h"

static const struct test_layout layout = {
    .ota = { 0, 1 }, .ota_count = 2, .factory = true, .otadata = UD_OTADATA_PRESENT
};

static void the_running_partition_is_found_by_any_address_in_it(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    const struct ud_partition *p = test_board_part(&t, "ota_1");
    assert_int_equal(ud_board_load_table(&t.board, p->addr), ESP_OK);
    assert_string_equal(t.board.running->label, "ota_1");
    assert_int_equal(ud_board_load_table(&t.board, p->addr + p->size - 1), ESP_OK);
    assert_string_equal(t.board.running->label, "ota_1");
    assert_int_equal(ud_board_load_table(&t.board, UINT32_MAX), ESP_OK);
    assert_null(t.board.running);
    assert_int_equal(ud_board_load_table(&t.board, 0x9000), ESP_ERR_NOT_FOUND); /* nvs does not run */
    assert_int_equal(ud_board_load_table(&t.board, 0x100), ESP_ERR_NOT_FOUND);
    assert_null(t.board.running);
    test_board_deinit(&t);
}

static void a_table_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(ud_board_load_table(&t.board, UINT32_MAX), ESP_ERR_FLASH_OP_FAIL);
    memset(t.bytes + UD_PTABLE_DEFAULT_OFFSET, 0, 64);
    assert_int_equal(ud_board_load_table(&t.board, UINT32_MAX), ESP_ERR_INVALID_STATE);
    test_board_deinit(&t);
}

static void image_rules_are_the_boards(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    const struct ud_partition *p = test_board_part(&t, "ota_0");
    t.board.revision = 103;
    t.board.require_digest = true;
    struct ud_image_rules rules = ud_board_image_rules(&t.board, p);
    assert_ptr_equal(rules.chip, t.board.chip);
    assert_int_equal(rules.chip_id, t.board.chip->id);
    assert_int_equal(rules.revision, 103);
    assert_true(rules.check_chip && rules.check_mapping && rules.require_digest);
    assert_false(rules.bootloader);
    assert_int_equal(rules.flash_addr, p->addr);
    assert_int_equal(rules.max_size, p->size);

    t.board.accepted_chip_id = UD_CHIP_ID_HOST; /* a host image is mapped by nobody */
    rules = ud_board_image_rules(&t.board, p);
    assert_int_equal(rules.chip_id, UD_CHIP_ID_HOST);
    assert_false(rules.check_mapping);
    rules = ud_board_image_rules(&t.board, &(struct ud_partition){ .type = UD_PART_BOOTLOADER });
    assert_true(rules.bootloader);
    assert_int_equal(rules.chip_id, t.board.chip->id); /* there are no boot loaders for hosts */
    test_board_deinit(&t);
}

static void partitions_beside_the_table_are_found_behind_it(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    struct ud_board *b = &t.board;
    struct ud_extra_partition boot = { .part = { .size = 0x8000, .type = UD_PART_BOOTLOADER, .label = "boot" } };
    struct ud_extra_partition table = { .part = {
                                            .addr = 0x8000, .size = 0x1000, .type = UD_PART_TABLE, .label = "table" } };
    assert_int_equal(ud_board_add_partition(b, &boot), ESP_OK);
    assert_int_equal(ud_board_add_partition(b, &table), ESP_OK);
    assert_ptr_equal(ud_board_next_partition(b, NULL, UD_PART_TABLE, UD_PART_ANY, NULL), &table.part);
    assert_null(ud_board_next_partition(b, &table.part, UD_PART_ANY, UD_PART_ANY, NULL));
    assert_null(ud_board_next_partition(b, NULL, UD_PART_ANY, UD_PART_ANY, "Boot"));
    unsigned count = 0;
    const struct ud_partition *last = NULL;
    for (const struct ud_partition *p = NULL;
         (p = ud_board_next_partition(b, p, UD_PART_ANY, UD_PART_ANY, NULL)) != NULL; count++)
        last = p;
    assert_int_equal(count, b->table.count + 2u);
    assert_ptr_equal(last, &table.part);

    struct ud_partition copy = boot.part;
    assert_ptr_equal(ud_board_verify_partition(b, &copy), &boot.part);
    copy.label[0] = '\0';
    assert_ptr_equal(ud_board_verify_partition(b, &copy), &boot.part);
    copy.size--;
    assert_null(ud_board_verify_partition(b, &copy));

    assert_int_equal(ud_board_remove_partition(b, &b->table.part[0]), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_board_remove_partition(b, &copy), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_board_remove_partition(b, &boot.part), ESP_OK);
    assert_int_equal(ud_board_remove_partition(b, &boot.part), ESP_ERR_NOT_FOUND);
    assert_ptr_equal(b->extra, &table);
    test_board_deinit(&t);
}

static void partitions_neither_overlap_nor_leave_the_flash(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    const struct ud_partition *p = test_board_part(&t, "ota_0");
    struct ud_extra_partition first = { .part = { .addr = 0x4000, .size = 0x4000 } };
    struct ud_extra_partition e = { .part = { .addr = p->addr + p->size - 1, .size = 1 } };
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_ERR_INVALID_ARG);
    e.part.addr = p->addr - 0x1000;
    e.part.size = 0x1001;
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_ERR_INVALID_ARG);
    e.part.addr = t.size - 0x1000;
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_ERR_INVALID_SIZE);
    e.part.addr = 0xFFFFF000;
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_board_add_partition(&t.board, &first), ESP_OK);
    e.part = (struct ud_partition){ .addr = 0x3FFF, .size = 2 };
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_ERR_INVALID_ARG);
    e.part.size = 1;
    assert_int_equal(ud_board_add_partition(&t.board, &e), ESP_OK);
    test_board_deinit(&t);
}

static void a_copy_is_checked_before_and_after(void **state)
{
    (void)state;
    struct test_board t;
    test_board_init(&t, &layout);
    struct ud_board *b = &t.board;
    const struct ud_partition *dst = test_board_part(&t, "ota_0");
    const struct ud_partition *src = test_board_part(&t, "ota_1");
    for (uint32_t i = 0; i < src->size; i++)
        t.bytes[src->addr + i] = (uint8_t)(i * 31 + i / 255);
    memset(t.bytes + dst->addr, 0, dst->size);
    assert_int_equal(ud_board_copy(b, dst, 0, src, src->size, 1, 0x1000), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_board_copy(b, dst, dst->size, src, 0, 1, 0x1000), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_board_copy(b, dst, 0, src, 0, 0x1001, 0x1000), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_board_copy(b, dst, 0, src, 0, 1, 0x800), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_board_copy(b, dst, 0x800, src, 0, 1, 0x1000), ESP_ERR_INVALID_ARG);
    struct ud_partition locked = *dst;
    locked.flags = UD_PART_FLAG_READONLY;
    assert_int_equal(ud_board_copy(b, &locked, 0, src, 0, 1, 0x1000), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(t.rec.count, 0);

    assert_int_equal(ud_board_copy(b, dst, 0x1000, src, 7, 0x1003, 0x2000), ESP_OK);
    assert_memory_equal(t.bytes + dst->addr + 0x1000, t.bytes + src->addr + 7, 0x1003);
    assert_int_equal(t.bytes[dst->addr + 0xFFF], 0);
    assert_int_equal(t.bytes[dst->addr + 0x1000 + 0x1003], 0xFF);
    assert_int_equal(t.bytes[dst->addr + 0x3000], 0);
    for (uint32_t at = 0; at < 4; at++) {
        fail_flash_arm(&t.fail, FAIL_ONCE, at);
        assert_int_equal(ud_board_copy(b, dst, 0, src, 0, 600, 0x1000), at < 3 ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
    }
    test_board_deinit(&t);
}

static void a_verdict_holds_until_flash_changes(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_image_info info = { .len = 1234, .digest_computed = { 7 } };
    struct ud_image_info found = { 0 };
    test_board_init(&t, &layout);
    const struct ud_partition *p = test_board_part(&t, "ota_0");
    struct ud_partition half = *p;
    half.size /= 2;
    assert_false(ud_board_has_verdict(&t.board, p, &found));

    ud_board_set_verdict(&t.board, p, &info);
    assert_true(ud_board_has_verdict(&t.board, p, &found));
    assert_true(ud_board_has_verdict(&t.board, p, NULL));
    assert_int_equal(found.len, 1234);
    assert_int_equal(t.board.verdict.digest[0], 7);
    assert_false(ud_board_has_verdict(&t.board, test_board_part(&t, "ota_1"), NULL));
    assert_false(ud_board_has_verdict(&t.board, &half, NULL));

    uint8_t byte;
    assert_int_equal(ud_flash_read(&t.flash, 0, &byte, 1), ESP_OK);
    assert_true(ud_board_has_verdict(&t.board, p, NULL)); /* reading changes nothing */
    assert_int_equal(ud_flash_erase(&t.flash, 0x9000, 0x1000), ESP_OK);
    assert_false(ud_board_has_verdict(&t.board, p, NULL));

    ud_board_set_verdict(&t.board, p, &info);
    fail_flash_arm(&t.fail, FAIL_ONCE, 0);
    assert_int_equal(ud_flash_program(&t.flash, 0x9000, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
    assert_false(ud_board_has_verdict(&t.board, p, NULL)); /* a failed one may have changed something */
    test_board_deinit(&t);
}

static void notes_of_the_flash_are_told_after_the_lock(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_board_hold hold;
    uint8_t byte = 0;
    test_board_init(&t, &layout);
    t.flash.observer = &t.obs;
    fail_flash_arm(&t.fail, FAIL_FROM, 0);

    ud_board_lock(&t.board, &hold);
    assert_true(t.lock_held);
    for (unsigned i = 0; i < UD_BOARD_HOLD_NOTES + 2; i++)
        assert_int_equal(ud_flash_program(&t.flash, 0x9000 + i, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(t.note_count, 0);
    ud_board_unlock(&t.board, &hold);

    assert_false(t.lock_held);
    assert_int_equal(t.note_count, UD_BOARD_HOLD_NOTES);
    assert_int_equal(t.note[0].id, UD_NOTE_FLASH_FAILED);
    assert_int_equal(t.note[1].a, 0x9001);
    assert_ptr_equal(t.flash.observer, &t.obs);
    test_board_deinit(&t); /* checks that none was told under the lock */
}

static void a_flash_without_listener_stays_without(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_board_hold hold;
    test_board_init(&t, &layout);
    t.flash.observer = NULL;
    ud_board_lock(&t.board, &hold);
    ud_board_unlock(&t.board, &hold);
    assert_null(t.flash.observer);
    assert_int_equal(t.note_count, 0);
    test_board_deinit(&t);
}

static void reset_reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(ud_reset_reason_name(UD_RESET_POWERON), "power-on");
    assert_string_equal(ud_reset_reason_name(UD_RESET_SW), "software");
    assert_string_equal(ud_reset_reason_name(UD_RESET_PANIC), "panic");
    assert_string_equal(ud_reset_reason_name(UD_RESET_WDT), "watchdog");
    assert_string_equal(ud_reset_reason_name(UD_RESET_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_running_partition_is_found_by_any_address_in_it),
        cmocka_unit_test(a_table_that_cannot_be_read_is_an_error),
        cmocka_unit_test(image_rules_are_the_boards),
        cmocka_unit_test(partitions_beside_the_table_are_found_behind_it),
        cmocka_unit_test(partitions_neither_overlap_nor_leave_the_flash),
        cmocka_unit_test(a_copy_is_checked_before_and_after),
        cmocka_unit_test(a_verdict_holds_until_flash_changes),
        cmocka_unit_test(notes_of_the_flash_are_told_after_the_lock),
        cmocka_unit_test(a_flash_without_listener_stays_without),
        cmocka_unit_test(reset_reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
