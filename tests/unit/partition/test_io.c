/* SPDX-License-Identifier: Apache-2.0 */
/* I/O stays inside its partition; the order of the checks decides the code. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/partition.h"

#define SIZE 0x8000u

static const struct ud_partition data = { 0x2000, 0x3000, 0, 1, 6, "data" };
static const struct ud_partition fixed = { 0x2000, 0x3000, UD_PART_FLAG_READONLY, 1, 6, "fixed" };

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash flash;
};

static void rig_init(struct rig *rig)
{
    memset(rig->bytes, 0, SIZE);
    ud_ram_flash_init(&rig->ram, &rig->flash, rig->bytes, SIZE);
}

static void offsets_count_from_the_partition(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t in[3];
    rig_init(&rig);
    assert_int_equal(ud_partition_erase(&rig.flash, &data, 0x1000, 0x2000), ESP_OK);
    assert_int_equal(rig.bytes[0x2FFF], 0);
    assert_int_equal(rig.bytes[0x3000], 0xFF);
    assert_int_equal(rig.bytes[0x4FFF], 0xFF);
    assert_int_equal(rig.bytes[0x5000], 0);
    assert_int_equal(ud_partition_write(&rig.flash, &data, 0x2FFD, "abc", 3), ESP_OK);
    assert_memory_equal(rig.bytes + 0x4FFD, "abc", 3);
    assert_int_equal(ud_partition_read(&rig.flash, &data, 0x2FFD, in, 3), ESP_OK);
    assert_memory_equal(in, "abc", 3);
}

static void ranges_are_checked_in_order(void **state)
{
    (void)state;
    static const struct row {
        uint32_t off, len;
        esp_err_t io, erase;
    } rows[] = {
        { 0x3000, 0, ESP_OK, ESP_OK },
        { 0x3001, 0, ESP_ERR_INVALID_ARG, ESP_ERR_INVALID_ARG },
        { 0x3001, UINT32_MAX, ESP_ERR_INVALID_ARG, ESP_ERR_INVALID_ARG },
        { UINT32_MAX, 1, ESP_ERR_INVALID_ARG, ESP_ERR_INVALID_ARG },
        { 0x3000, 1, ESP_ERR_INVALID_SIZE, ESP_ERR_INVALID_SIZE },
        { 0x2FFF, 2, ESP_ERR_INVALID_SIZE, ESP_ERR_INVALID_SIZE },
        { 0x1000, UINT32_MAX, ESP_ERR_INVALID_SIZE, ESP_ERR_INVALID_SIZE },
        { 0x800, 0x1000, ESP_OK, ESP_ERR_INVALID_ARG },
        { 0x800, 0x800, ESP_OK, ESP_ERR_INVALID_SIZE },
        { 0x1000, 0x1000, ESP_OK, ESP_OK },
    };
    uint8_t buf[0x1000] = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct rig rig;
        rig_init(&rig);
        assert_int_equal(ud_partition_read(&rig.flash, &data, rows[i].off, buf, rows[i].len), rows[i].io);
        assert_int_equal(ud_partition_write(&rig.flash, &data, rows[i].off, buf, rows[i].len), rows[i].io);
        assert_int_equal(ud_partition_erase(&rig.flash, &data, rows[i].off, rows[i].len), rows[i].erase);
    }
}

static void readonly_comes_before_everything(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t buf[4];
    rig_init(&rig);
    assert_int_equal(ud_partition_read(&rig.flash, &fixed, 0, buf, 4), ESP_OK);
    assert_int_equal(ud_partition_write(&rig.flash, &fixed, 0x9999, buf, 4), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(ud_partition_erase(&rig.flash, &fixed, 1, 1), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(rig.flash.generation, 0);
}

static void failing_flash_comes_through(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig); /* all bits cleared: a program cannot end as asked */
    assert_int_equal(ud_partition_write(&rig.flash, &data, 0, "a", 1), ESP_ERR_FLASH_OP_FAIL);
}

static void an_entry_beyond_the_flash_reaches_nothing(void **state)
{
    (void)state;
    static const struct ud_partition wild = { 0xFFFFF000u, 0xFFFFFFFFu, 0, 1, 6, "wild" };
    struct rig rig;
    uint8_t buf[4];
    rig_init(&rig);
    assert_int_equal(ud_partition_read(&rig.flash, &wild, 0, buf, 4), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_partition_read(&rig.flash, &wild, 0x1000, buf, 4), ESP_ERR_INVALID_ARG); /* would wrap to 0 */
    assert_int_equal(ud_partition_write(&rig.flash, &wild, 0x2000, buf, 4), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_partition_erase(&rig.flash, &wild, 0x1000, 0x1000), ESP_ERR_INVALID_ARG);
    assert_int_equal(rig.flash.generation, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_count_from_the_partition),          cmocka_unit_test(ranges_are_checked_in_order),
        cmocka_unit_test(readonly_comes_before_everything),          cmocka_unit_test(failing_flash_comes_through),
        cmocka_unit_test(an_entry_beyond_the_flash_reaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
