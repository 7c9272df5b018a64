/* SPDX-License-Identifier: Apache-2.0 */
/* The time of real parts, in virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash_timing.h"

#define SIZE 0x40000u

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash below;
    struct ud_timed_flash timed;
    struct ud_flash flash;
    struct ud_virtual_clock time;
    struct ud_clock clock;
};
static struct rig rig;

static void rig_init(const char *part, uint64_t seed)
{
    memset(&rig, 0, sizeof rig);
    memset(rig.bytes, 0xFF, SIZE);
    ud_ram_flash_init(&rig.ram, &rig.below, rig.bytes, SIZE);
    rig.clock = ud_virtual_clock(&rig.time);
    ud_timed_flash_init(&rig.timed, &rig.flash, &rig.below, &rig.clock, ud_flash_part_find(part), seed);
}

static void parts_are_found_and_their_numbers_are_in_order(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct ud_flash_part *p; (p = ud_flash_part_at(n)) != NULL; n++) {
        const struct ud_flash_time *const t[] = { &p->program_page, &p->erase_4k, &p->erase_32k, &p->erase_64k };
        assert_ptr_equal(ud_flash_part_find(p->name), p);
        for (size_t i = 0; i < UD_ARRAY_LEN(t); i++) {
            assert_true(t[i]->typical_us <= t[i]->max_us);
            if (i > 0)
                assert_true(t[i]->typical_us >= t[i - 1]->typical_us);
        }
    }
    assert_int_equal(n, 4);
    assert_ptr_equal(ud_flash_part_find("w25q32jv"), ud_flash_part_at(0));
    assert_null(ud_flash_part_find("W25Q32"));
}

/* Typical times of a W25Q32JV: the operations of a request, one after the other. */
static void each_operation_takes_its_time(void **state)
{
    (void)state;
    static const struct row {
        enum ud_flash_op op;
        uint32_t addr, len, block;
        uint64_t us;
    } rows[] = {
        { UD_FLASH_PROGRAM, 0, 1, 0x10000, 400 },
        { UD_FLASH_PROGRAM, 255, 258, 0x10000, 3 * 400 },
        { UD_FLASH_ERASE, 0x1000, 0x1000, 0x10000, 45000 },
        { UD_FLASH_ERASE, 0x10000, 0x10000, 0x10000, 150000 },
        { UD_FLASH_ERASE, 0xF000, 0x12000, 0x10000, 2 * 45000 + 150000 },
        { UD_FLASH_ERASE, 0x10000, 0x10000, 0x8000, 2 * 120000 },
        { UD_FLASH_ERASE, 0x10000, 0x10000, 0x1000, 16 * 45000 },
        { UD_FLASH_READ, 0, 4096, 0x10000, 102 }, /* 175 ns and 25 ns a byte */
    };
    static uint8_t buf[4096];
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        rig_init("W25Q32JV", 0);
        rig.below.geometry.block = rows[i].block;
        struct ud_flash_request req = { rows[i].op, rows[i].addr, rows[i].len, buf, buf };
        uint64_t wait_us;
        assert_int_equal(ud_flash_start(&rig.flash, &req), ESP_OK);
        assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_ERR_NOT_FINISHED);
        assert_int_equal(wait_us, rows[i].us);
        ud_clock_wait_us(&rig.clock, wait_us);
        assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_OK);
        assert_int_equal(rig.timed.busy_us, rows[i].us);
    }
}

static void short_reads_add_up(void **state)
{
    (void)state;
    uint8_t byte;
    rig_init("W25Q32JV", 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ud_flash_read(&rig.flash, 0, &byte, 1), ESP_OK); /* 200 ns each */
    assert_int_equal(rig.time.now_us, 2);
}

static void the_ideal_part_takes_no_time(void **state)
{
    (void)state;
    static uint8_t buf[4096];
    for (uint64_t seed = 0; seed < 2; seed++) {
        rig_init("ideal", seed);
        assert_int_equal(ud_flash_erase(&rig.flash, 0, SIZE), ESP_OK);
        assert_int_equal(ud_flash_program(&rig.flash, 0, buf, sizeof buf), ESP_OK);
        assert_int_equal(ud_flash_read(&rig.flash, 0, buf, sizeof buf), ESP_OK);
        assert_int_equal(rig.time.now_us, 0);
        assert_int_equal(rig.timed.polls, 0);
    }
}

static void the_status_register_is_polled_as_often_as_told(void **state)
{
    (void)state;
    rig_init("W25Q32JV", 0);
    rig.timed.poll_us = 1000;
    assert_int_equal(ud_flash_erase(&rig.flash, 0, 0x1000), ESP_OK);
    assert_int_equal(rig.timed.polls, 45);
    assert_int_equal(rig.time.now_us, 45000);
}

static void jitter_stays_within_bounds_and_repeats_by_seed(void **state)
{
    (void)state;
    uint64_t total[3];
    for (int run = 0; run < 3; run++) {
        uint64_t least = UINT64_MAX, most = 0;
        rig_init("W25Q32JV", run == 2 ? 9 : 5);
        for (int i = 0; i < 2000; i++) {
            uint64_t before = rig.time.now_us;
            assert_int_equal(ud_flash_erase(&rig.flash, 0, 0x1000), ESP_OK);
            uint64_t us = rig.time.now_us - before;
            least = us < least ? us : least;
            most = us > most ? us : most;
        }
        assert_in_range(least, 33750, 36000);
        assert_in_range(most, 300000, 400000);
        assert_int_equal(rig.timed.longest_us, most);
        total[run] = rig.time.now_us;
    }
    assert_int_equal(total[0], total[1]);
    assert_int_not_equal(total[0], total[2]);
}

static void the_slowest_pace_is_the_maximum(void **state)
{
    (void)state;
    rig_init("MX25L3233F", 1);
    rig.timed.pace = UD_FLASH_SLOWEST;
    assert_int_equal(ud_flash_program(&rig.flash, 0, "x", 1), ESP_OK);
    assert_int_equal(rig.time.now_us, ud_flash_part_find("MX25L3233F")->program_page.max_us);
}

static void failures_below_come_through_after_their_time(void **state)
{
    (void)state;
    rig_init("GD25Q32E", 0);
    rig.bytes[5] = 0;
    assert_int_equal(ud_flash_program(&rig.flash, 5, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_false(rig.flash.busy);
    assert_false(rig.below.busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_and_their_numbers_are_in_order),
        cmocka_unit_test(each_operation_takes_its_time),
        cmocka_unit_test(short_reads_add_up),
        cmocka_unit_test(the_ideal_part_takes_no_time),
        cmocka_unit_test(the_status_register_is_polled_as_often_as_told),
        cmocka_unit_test(jitter_stays_within_bounds_and_repeats_by_seed),
        cmocka_unit_test(the_slowest_pace_is_the_maximum),
        cmocka_unit_test(failures_below_come_through_after_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
