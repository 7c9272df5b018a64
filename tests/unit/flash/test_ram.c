/* SPDX-License-Identifier: Apache-2.0 */
/* NOR rules of the RAM driver. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash.h"

#define SIZE 0x4000u

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash flash;
    struct ud_observer obs;
    struct ud_note first;
    int notes;
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct rig *rig = ctx;
    if (rig->notes++ == 0)
        rig->first = *note;
}

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    memset(rig->bytes, 0xFF, SIZE);
    rig->obs = (struct ud_observer){ hear, rig };
    ud_ram_flash_init(&rig->ram, &rig->flash, rig->bytes, SIZE);
    rig->flash.observer = &rig->obs;
}

static void what_is_programmed_is_read_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    uint8_t out[600];
    uint8_t in[600];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 13);
    assert_int_equal(ud_flash_program(&rig.flash, 0xFFF, out, sizeof out), ESP_OK); /* odd start, over a sector */
    assert_int_equal(ud_flash_read(&rig.flash, 0xFFF, in, sizeof in), ESP_OK);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(rig.bytes[0xFFE], 0xFF);
    assert_int_equal(rig.bytes[0xFFF + sizeof out], 0xFF);
    assert_int_equal(rig.notes, 0);
}

static void erase_blanks_its_sectors_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    memset(rig.bytes, 0, SIZE);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x1000, 0x2000), ESP_OK);
    for (uint32_t i = 0; i < SIZE; i++)
        assert_int_equal(rig.bytes[i], i >= 0x1000 && i < 0x3000 ? 0xFF : 0);
}

static void strict_mode_reports_the_first_bad_byte_and_still_programs_the_rest(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.bytes[0x101] = 0xF0;
    assert_int_equal(ud_flash_program(&rig.flash, 0x100, "\x0F\x3C\x55", 3), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig.bytes[0x100], 0x0F);
    assert_int_equal(rig.bytes[0x101], 0x30);
    assert_int_equal(rig.bytes[0x102], 0x55);
    assert_int_equal(rig.first.id, UD_NOTE_FLASH_NOT_ERASED);
    assert_int_equal(rig.first.a, 0x101);
    assert_int_equal(rig.notes, 2); /* and the device's own: which operation failed */
}

static void without_strict_mode_bits_are_only_anded(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig.ram.strict = false;
    rig.bytes[0x101] = 0xF0;
    assert_int_equal(ud_flash_program(&rig.flash, 0x100, "\x0F\x3C\x55", 3), ESP_OK);
    assert_int_equal(rig.bytes[0x101], 0x30);
    assert_int_equal(rig.notes, 0);
}

static void rewriting_and_clearing_more_bits_is_allowed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    assert_int_equal(ud_flash_program(&rig.flash, 8, "abc", 3), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 8, "abc", 3), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 8, "\0\0\0", 3), ESP_OK);
    assert_int_equal(rig.bytes[9], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_programmed_is_read_back),
        cmocka_unit_test(erase_blanks_its_sectors_only),
        cmocka_unit_test(strict_mode_reports_the_first_bad_byte_and_still_programs_the_rest),
        cmocka_unit_test(without_strict_mode_bits_are_only_anded),
        cmocka_unit_test(rewriting_and_clearing_more_bits_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
