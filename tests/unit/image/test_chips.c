/* SPDX-License-Identifier: Apache-2.0 */
/* The table of chips: lookups, windows, pages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/image.h"

static void each_chip_is_found_by_id_name_and_title(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct ud_chip *c; (c = ud_chip_at(n)) != NULL; n++) {
        assert_ptr_equal(ud_chip_by_id(c->id), c);
        assert_ptr_equal(ud_chip_by_name(c->name), c);
        assert_ptr_equal(ud_chip_by_name(c->title), c);
    }
    assert_int_equal(n, 14);
}

static void ids_and_offsets_are_those_of_the_boot_roms(void **state)
{
    static const struct {
        const char *name;
        uint16_t id;
        uint32_t bootloader;
        uint8_t secure_version_bits;
    } rows[] = {
        { "esp32", 0x0000, 0x1000, 32 },    { "esp32s2", 0x0002, 0x1000, 16 }, { "esp32c3", 0x0005, 0, 16 },
        { "esp32s3", 0x0009, 0, 16 },       { "esp32c2", 0x000C, 0, 4 },       { "esp32c6", 0x000D, 0, 16 },
        { "esp32h2", 0x0010, 0, 16 },       { "esp32p4", 0x0012, 0x2000, 16 }, { "esp32c61", 0x0014, 0, 16 },
        { "esp32c5", 0x0017, 0x2000, 9 },   { "esp32h21", 0x0019, 0, 16 },     { "esp32h4", 0x001C, 0x2000, 16 },
        { "esp32s31", 0x0020, 0x2000, 16 }, { "linux", 0xFFFF, 0, 16 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct ud_chip *c = ud_chip_by_name(rows[i].name);
        assert_non_null(c);
        assert_int_equal(c->id, rows[i].id);
        assert_int_equal(c->bootloader_offset, rows[i].bootloader);
        assert_int_equal(c->secure_version_bits, rows[i].secure_version_bits);
    }
}

static void unknown_chips_are_not_found(void **state)
{
    (void)state;
    assert_null(ud_chip_by_id(0x0001));
    assert_null(ud_chip_by_id(31));
    assert_null(ud_chip_by_name("esp8266"));
    assert_null(ud_chip_by_name(""));
    assert_null(ud_chip_by_name(NULL));
    assert_null(ud_chip_at(SIZE_MAX));
}

static void host_images_have_their_chip_under_both_names(void **state)
{
    (void)state;
    assert_ptr_equal(ud_chip_by_name("host"), ud_chip_by_name("linux"));
    assert_int_equal(ud_chip_by_name("host")->id, UD_CHIP_ID_HOST);
    assert_false(ud_chip_is_mapped(ud_chip_by_name("host"), 0, 0x10000));
    assert_false(ud_chip_is_mapped(ud_chip_by_name("host"), UD_HOST_DESC_ADDR, 0x10000));
}

static void windows_end_where_the_chip_says(void **state)
{
    static const struct {
        const char *chip;
        uint32_t addr;
        uint32_t page;
        bool mapped;
    } rows[] = {
        { "esp32", 0x3F400000, 0x10000, true },    { "esp32", 0x3F3FFFFF, 0x10000, false },
        { "esp32", 0x3F7FFFFF, 0x10000, true },    { "esp32", 0x3F800000, 0x10000, false },
        { "esp32", 0x400D0000, 0x10000, true },    { "esp32", 0x40080000, 0x10000, false },
        { "esp32s2", 0x40080000, 0x10000, true },  { "esp32c3", 0x3C000020, 0x10000, true },
        { "esp32c3", 0x427FFFFF, 0x10000, true },  { "esp32c3", 0x42800000, 0x10000, false },
        { "esp32c6", 0x421FFFFF, 0x2000, true },   { "esp32c6", 0x42200000, 0x2000, false },
        { "esp32c6", 0x42200000, 0x4000, true },   { "esp32c6", 0x42FFFFFF, 0x10000, true },
        { "esp32c6", 0x43000000, 0x10000, false }, { "esp32p4", 0x48000000, 0x10000, true },
        { "esp32p4", 0x4C000000, 0x10000, false }, { "esp32s31", 0x50000000, 0x10000, true },
        { "esp32c3", 0, 0x10000, false },          { "esp32c3", 0xFFFFFFFF, 0x10000, false },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        if (ud_chip_is_mapped(ud_chip_by_name(rows[i].chip), rows[i].addr, rows[i].page) != rows[i].mapped)
            fail_msg("row %zu: %s %08X", i, rows[i].chip, (unsigned)rows[i].addr);
}

static void page_comes_from_the_description_only_where_it_can_be_chosen(void **state)
{
    static const struct {
        const char *chip;
        uint8_t log2, spi_size;
        uint32_t page;
    } rows[] = {
        { "esp32c3", 13, 2, 0x10000 },  { "esp32c6", 13, 2, 0x2000 },   { "esp32c6", 16, 2, 0x10000 },
        { "esp32c6", 17, 2, 0x10000 },  { "esp32c6", 0, 0, 0x4000 },    { "esp32c6", 0, 1, 0x8000 },
        { "esp32c6", 0, 2, 0x10000 },   { "esp32c6", 255, 7, 0x10000 }, { "esp32c2", 13, 2, 0x10000 },
        { "esp32s31", 18, 4, 0x40000 }, { "esp32s31", 13, 4, 0x10000 }, { "linux", 13, 0, 0x10000 },
        { "esp32c6", 32, 15, 0x10000 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        assert_int_equal(ud_chip_page(ud_chip_by_name(rows[i].chip), rows[i].log2, rows[i].spi_size), rows[i].page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chip_is_found_by_id_name_and_title),
        cmocka_unit_test(ids_and_offsets_are_those_of_the_boot_roms),
        cmocka_unit_test(unknown_chips_are_not_found),
        cmocka_unit_test(host_images_have_their_chip_under_both_names),
        cmocka_unit_test(windows_end_where_the_chip_says),
        cmocka_unit_test(page_comes_from_the_description_only_where_it_can_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
