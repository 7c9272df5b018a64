/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes 2 and 3 of the header in words: flash mode, and the clock, whose codes are dividers of a clock that differs
 * from chip to chip. Source: esptool's targets; docs/formats/image.md.
 */
#include "updraft/image.h"

struct speed {
    uint8_t mhz;
    uint8_t code;
};

#define SPEEDS_MAX 4
struct speeds {
    uint16_t chip_id;
    struct speed speed[SPEEDS_MAX]; /* fastest first; mhz 0 ends the row */
};

#define FROM_80M                                                                                                       \
    {                                                                                                                  \
        { 80, 0xF }, { 40, 0 }, { 26, 1 },                                                                             \
        {                                                                                                              \
            20, 2                                                                                                      \
        }                                                                                                              \
    }
#define FROM_80M_NO_26                                                                                                 \
    {                                                                                                                  \
        { 80, 0xF }, { 40, 0 },                                                                                        \
        {                                                                                                              \
            20, 2                                                                                                      \
        }                                                                                                              \
    }
#define FROM_48M                                                                                                       \
    {                                                                                                                  \
        { 48, 0xF },                                                                                                   \
        {                                                                                                              \
            24, 0                                                                                                      \
        }                                                                                                              \
    }

static const struct speeds all_speeds[] = {
    { 0x0000, FROM_80M },
    { 0x0002, FROM_80M },
    { 0x0005, FROM_80M },
    { 0x0009, FROM_80M },
    { 0x000C, { { 60, 0xF }, { 30, 0 }, { 20, 1 }, { 15, 2 } } },
    { 0x000D, { { 80, 0 }, { 40, 0 }, { 20, 2 } } }, /* the boot loader sets the clock itself: one code for both */
    { 0x0010, { { 48, 0xF }, { 24, 0 }, { 16, 1 }, { 12, 2 } } },
    { 0x0012, FROM_80M },
    { 0x0014, FROM_80M_NO_26 },
    { 0x0017, FROM_80M_NO_26 },
    { 0x0019, FROM_48M },
    { 0x001C, FROM_48M },
    { 0x0020, FROM_80M_NO_26 },
    { UD_CHIP_ID_HOST, FROM_80M },
};

static const struct speed *speeds_of(const struct ud_chip *chip)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(all_speeds); i++)
        if (all_speeds[i].chip_id == chip->id)
            return all_speeds[i].speed;
    return NULL;
}

unsigned ud_chip_spi_mhz_at(const struct ud_chip *chip, size_t i)
{
    const struct speed *s = speeds_of(chip);
    return s && i < SPEEDS_MAX ? s[i].mhz : 0;
}

bool ud_chip_spi_speed(const struct ud_chip *chip, unsigned mhz, uint8_t *code)
{
    const struct speed *s = speeds_of(chip);
    for (size_t i = 0; s && i < SPEEDS_MAX; i++)
        if (mhz != 0 && s[i].mhz == mhz) {
            *code = s[i].code;
            return true;
        }
    return false;
}

unsigned ud_chip_spi_mhz(const struct ud_chip *chip, uint8_t code)
{
    const struct speed *s = speeds_of(chip);
    for (size_t i = 0; s && i < SPEEDS_MAX; i++)
        if (s[i].mhz != 0 && s[i].code == code)
            return s[i].mhz;
    return 0;
}

const char *ud_spi_mode_name(uint8_t mode)
{
    static const char *const names[UD_SPI_MODE_COUNT] = { "QIO", "QOUT", "DIO", "DOUT", "FAST_READ", "SLOW_READ" };
    return mode < UD_SPI_MODE_COUNT ? names[mode] : NULL;
}
