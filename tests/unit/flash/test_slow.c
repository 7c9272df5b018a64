/* SPDX-License-Identifier: Apache-2.0 */
/* The slow decorator, in virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash.h"

#define SIZE 0x8000u

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash below;
    struct ud_slow_flash slow;
    struct ud_flash flash;
    struct ud_virtual_clock time;
    struct ud_clock clock;
};

static void rig_init(struct rig *rig, uint64_t op_us)
{
    memset(rig, 0, sizeof *rig);
    memset(rig->bytes, 0xFF, SIZE);
    ud_ram_flash_init(&rig->ram, &rig->below, rig->bytes, SIZE);
    rig->clock = ud_virtual_clock(&rig->time);
    ud_slow_flash_init(&rig->slow, &rig->flash, &rig->below, &rig->clock, op_us);
}

static void each_sector_and_each_touched_page_costs_its_time(void **state)
{
    (void)state;
    static const struct row {
        enum ud_flash_op op;
        uint32_t addr, len;
        uint64_t us;
    } rows[] = {
        { UD_FLASH_READ, 0, 512, 0 },        { UD_FLASH_PROGRAM, 0, 1, 100 },
        { UD_FLASH_PROGRAM, 0, 256, 100 },   { UD_FLASH_PROGRAM, 255, 2, 200 },
        { UD_FLASH_PROGRAM, 256, 512, 200 }, { UD_FLASH_ERASE, 0x1000, 0x1000, 100 },
        { UD_FLASH_ERASE, 0, SIZE, 800 },    { UD_FLASH_PROGRAM, SIZE - 1, 1, 100 },
    };
    uint8_t buf[512];
    memset(buf, 0xFF, sizeof buf);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct rig rig;
        rig_init(&rig, 100);
        esp_err_t err = rows[i].op == UD_FLASH_READ      ? ud_flash_read(&rig.flash, rows[i].addr, buf, rows[i].len)
                        : rows[i].op == UD_FLASH_PROGRAM ? ud_flash_program(&rig.flash, rows[i].addr, buf, rows[i].len)
                                                         : ud_flash_erase(&rig.flash, rows[i].addr, rows[i].len);
        assert_int_equal(err, ESP_OK);
        assert_int_equal(rig.time.now_us, rows[i].us);
    }
}

static void the_end_is_held_back_and_the_wait_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 400);
    uint64_t wait_us;
    struct ud_flash_request req = { .op = UD_FLASH_ERASE, .addr = 0, .len = 0x1000 };
    assert_int_equal(ud_flash_start(&rig.flash, &req), ESP_OK);
    assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_ERR_NOT_FINISHED);
    assert_int_equal(wait_us, 400);
    ud_clock_wait_us(&rig.clock, 399);
    assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_ERR_NOT_FINISHED);
    assert_int_equal(wait_us, 1);
    ud_clock_wait_us(&rig.clock, 1);
    assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_OK);
}

static void failures_below_come_through(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 100);
    rig.bytes[5] = 0;
    assert_int_equal(ud_flash_program(&rig.flash, 5, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_false(rig.flash.busy);
    assert_false(rig.below.busy);
    assert_int_equal(ud_flash_erase(&rig.flash, 0, 0x1000), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 5, "x", 1), ESP_OK);
    assert_int_equal(rig.bytes[5], 'x');
    assert_int_equal(rig.flash.generation, 3);
    assert_int_equal(rig.below.generation, 3);
}

static void count_note(void *ctx, const struct ud_note *note)
{
    unsigned *count = ctx;
    *count += note->id == UD_NOTE_FLASH_NOT_ERASED;
}

/* Whoever listens to the decorated device hears the driver too, and nobody else does. */
static void notes_from_below_go_to_the_listener_above(void **state)
{
    (void)state;
    struct rig rig;
    unsigned before = 0;
    unsigned now = 0;
    struct ud_observer old = { count_note, &before };
    struct ud_observer listener = { count_note, &now };
    rig_init(&rig, 100);
    rig.below.observer = &old;
    rig.flash.observer = &listener;
    rig.bytes[5] = 0;
    assert_int_equal(ud_flash_program(&rig.flash, 5, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(before, 0);
    assert_int_equal(now, 1);
    rig.flash.observer = NULL;
    assert_int_equal(ud_flash_program(&rig.flash, 5, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(before + now, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sector_and_each_touched_page_costs_its_time),
        cmocka_unit_test(the_end_is_held_back_and_the_wait_is_told),
        cmocka_unit_test(failures_below_come_through),
        cmocka_unit_test(notes_from_below_go_to_the_listener_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
