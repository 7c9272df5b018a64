/* SPDX-License-Identifier: Apache-2.0 */
/* The wear counters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash_faults.h"
#include "updraft/flash_wear.h"

#define SIZE 0x8000u

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash below;
    struct ud_fault_flash ff;
    struct ud_flash faulty;
    struct ud_wear_flash wear;
    struct ud_flash flash;
    uint32_t erases[SIZE / 4096];
    uint32_t programs[SIZE / 256];
};

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    ud_ram_flash_init(&rig->ram, &rig->below, rig->bytes, SIZE);
    ud_fault_flash_init(&rig->ff, &rig->faulty, &rig->below, 1);
    ud_wear_flash_init(&rig->wear, &rig->flash, &rig->faulty, rig->erases, rig->programs);
}

static void each_touched_sector_and_page_counts_one(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t buf[600] = { 0 };
    rig_init(&rig);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x1000, 0x2000), ESP_OK);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x2000, 0x1000), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 0x10FF, buf, 2), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 0x1100, buf, 600), ESP_OK);
    assert_int_equal(ud_flash_read(&rig.flash, 0, buf, 600), ESP_OK);
    static const uint32_t erases[SIZE / 4096] = { [1] = 1, [2] = 2 };
    static const uint32_t programs[SIZE / 256] = { [0x10] = 1, [0x11] = 2, [0x12] = 1, [0x13] = 1 };
    assert_memory_equal(rig.erases, erases, sizeof erases);
    assert_memory_equal(rig.programs, programs, sizeof programs);
    assert_int_equal(rig.wear.erased_sectors, 3);
    assert_int_equal(rig.wear.programmed_pages, 5);
    assert_int_equal(rig.wear.read_bytes, 600);
}

static void operations_that_fail_wear_too_and_their_failure_comes_through(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct ud_fault fault = { .kind = UD_FAULT_FAIL_ERASE, .addr = 0, .len = SIZE };
    rig.ff.fault = &fault;
    rig.ff.fault_count = 1;
    assert_int_equal(ud_flash_erase(&rig.flash, 0, 0x1000), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig.erases[0], 1);
    assert_int_equal(ud_flash_erase(&rig.flash, 1, 0x1000), ESP_ERR_INVALID_ARG); /* never asked of the chip */
    assert_int_equal(rig.wear.erased_sectors, 1);
}

static void sums_are_kept_without_arrays(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    ud_wear_flash_init(&rig.wear, &rig.flash, &rig.faulty, NULL, NULL);
    assert_int_equal(ud_flash_erase(&rig.flash, 0, SIZE), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.erases, 4), ESP_OK);
    assert_int_equal(rig.wear.erased_sectors, SIZE / 4096);
    assert_int_equal(rig.wear.programmed_pages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_touched_sector_and_page_counts_one),
        cmocka_unit_test(operations_that_fail_wear_too_and_their_failure_comes_through),
        cmocka_unit_test(sums_are_kept_without_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
