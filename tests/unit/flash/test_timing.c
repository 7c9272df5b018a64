/* SPDX-License-Identifier: Apache-2.0 */
/* The time of real parts, in virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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

/* Rows of the table of times, "typical / longest" in milliseconds, and the sentence below it. */
static void the_document_says_the_same(void **state)
{
    (void)state;
    static char text[16384];
    FILE *f = fopen(UD_VECTORS "/../../docs/formats/flash-parts.md", "rb");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    assert_in_range(len, 1, sizeof text - 2); /* all of it */

    char *row = strstr(text, "\n| Part | program a page | erase 4 KiB | erase 32 KiB | erase 64 KiB |\n|---|");
    assert_non_null(row);
    row = strchr(strchr(row + 1, '\n') + 1, '\n'); /* the end of the line of dashes */
    size_t n = 0;
    for (const struct ud_flash_part *p; (p = ud_flash_part_at(n)) != NULL; n++) {
        const struct ud_flash_time *const t[] = { &p->program_page, &p->erase_4k, &p->erase_32k, &p->erase_64k };
        char want[160];
        int at = snprintf(want, sizeof want, "\n| %s |", p->name);
        for (size_t i = 0; i < UD_ARRAY_LEN(t); i++)
            at +=
                snprintf(want + at, sizeof want - (size_t)at, " %g / %g |", t[i]->typical_us / 1e3, t[i]->max_us / 1e3);
        if (strncmp(row, want, (size_t)at) != 0 || row[at] != '\n')
            fail_msg("docs/formats/flash-parts.md has%.*s\nwhere timing.c has%s", (int)strcspn(row + 1, "\n") + 1, row,
                     want);
        row += at;

        char words[200];
        snprintf(words, sizeof words, "within %u \u00b5s; a read takes %u ns and %u ns a byte", (unsigned)p->suspend_us,
                 (unsigned)p->read_ns_start, (unsigned)p->read_ns_byte);
        if (p->status_ns != 0 && !strstr(text, words))
            fail_msg("docs/formats/flash-parts.md lacks \"%s\", as it is for %s", words, p->name);
        snprintf(words, sizeof words, "status register takes %u ns.", (unsigned)p->status_ns);
        if (p->status_ns != 0 && !strstr(text, words))
            fail_msg("docs/formats/flash-parts.md lacks \"%s\", as it is for %s", words, p->name);
        assert_true(p->status_ns != 0 || (p->suspend_us == 0 && p->read_ns_start == 0 && p->read_ns_byte == 0));
    }
    assert_true(row[0] == '\n' && row[1] != '|'); /* no row of a part that is not there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_and_their_numbers_are_in_order),
        cmocka_unit_test(the_document_says_the_same),
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
