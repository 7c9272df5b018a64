/* SPDX-License-Identifier: Apache-2.0 */
/* Flash modes and clocks: codes and words, chip by chip. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

static const struct {
    const char *chip;
    struct {
        unsigned mhz;
        uint8_t code;
    } speed[4];
} rows[] = {
    { "esp32", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "esp32s2", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "esp32s3", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "esp32c3", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "esp32p4", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "linux", { { 80, 15 }, { 40, 0 }, { 26, 1 }, { 20, 2 } } },
    { "esp32c2", { { 60, 15 }, { 30, 0 }, { 20, 1 }, { 15, 2 } } },
    { "esp32c6", { { 80, 0 }, { 40, 0 }, { 20, 2 } } },
    { "esp32c5", { { 80, 15 }, { 40, 0 }, { 20, 2 } } },
    { "esp32c61", { { 80, 15 }, { 40, 0 }, { 20, 2 } } },
    { "esp32s31", { { 80, 15 }, { 40, 0 }, { 20, 2 } } },
    { "esp32h2", { { 48, 15 }, { 24, 0 }, { 16, 1 }, { 12, 2 } } },
    { "esp32h21", { { 48, 15 }, { 24, 0 } } },
    { "esp32h4", { { 48, 15 }, { 24, 0 } } },
};

static void clocks_are_those_of_the_chip(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct ud_chip *chip = ud_chip_by_name(rows[i].chip);
        unsigned known = 0;
        for (size_t k = 0; k < 4; k++) {
            uint8_t code = 99;
            assert_int_equal(ud_chip_spi_mhz_at(chip, k), rows[i].speed[k].mhz);
            if (rows[i].speed[k].mhz == 0)
                continue;
            known++;
            assert_true(ud_chip_spi_speed(chip, rows[i].speed[k].mhz, &code));
            assert_int_equal(code, rows[i].speed[k].code);
        }
        assert_int_equal(ud_chip_spi_mhz_at(chip, 4), 0);
        for (unsigned mhz = 0; mhz < 300; mhz++) {
            uint8_t code = 99;
            known -= ud_chip_spi_speed(chip, mhz, &code);
        }
        assert_int_equal(known, 0);
    }
}

static void every_chip_has_clocks(void **state)
{
    const struct ud_chip *chip;
    (void)state;
    for (size_t i = 0; (chip = ud_chip_at(i)); i++)
        assert_int_not_equal(ud_chip_spi_mhz(chip, 0), 0);
    struct ud_chip unknown = { .id = 0x1234 };
    uint8_t code;
    assert_false(ud_chip_spi_speed(&unknown, 40, &code));
    assert_int_equal(ud_chip_spi_mhz(&unknown, 0), 0);
    assert_int_equal(ud_chip_spi_mhz_at(&unknown, 0), 0);
}

static void codes_are_clocks_again(void **state)
{
    (void)state;
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32c3"), 15), 80);
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32c3"), 1), 26);
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32c3"), 3), 0);
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32c6"), 15), 0);
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32c6"), 0), 80);
    assert_int_equal(ud_chip_spi_mhz(ud_chip_by_name("esp32h4"), 2), 0);
}

static void modes_have_names(void **state)
{
    static const char *const names[] = { "QIO", "QOUT", "DIO", "DOUT", "FAST_READ", "SLOW_READ" };
    (void)state;
    for (uint8_t i = 0; i < 6; i++)
        assert_string_equal(ud_spi_mode_name(i), names[i]);
    assert_null(ud_spi_mode_name(6));
    assert_null(ud_spi_mode_name(255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_are_those_of_the_chip),
        cmocka_unit_test(every_chip_has_clocks),
        cmocka_unit_test(codes_are_clocks_again),
        cmocka_unit_test(modes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
