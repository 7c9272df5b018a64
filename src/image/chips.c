/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chips: what their boot loader accepts, where it lies, which addresses it maps from flash and in which pages.
 * One row a chip. Sources: ESP-IDF components/soc (soc.h, ext_mem_defs.h, soc_caps.h), Kconfig.mmu, esptool's targets.
 */
#include "updraft/image.h"

#define KB8   (1u << 13)
#define KB16  (1u << 14)
#define KB32  (1u << 15)
#define KB64  (1u << 16)
#define KB128 (1u << 17)
#define KB256 (1u << 18)

static const struct ud_chip chips[] = {
    { .id = 0x0000,
      .name = "esp32",
      .title = "ESP32",
      .bootloader_offset = 0x1000,
      .drom = { 0x3F400000, 0x3F800000 },
      .irom = { 0x400D0000, 0x40400000 },
      .page_sizes = KB64,
      .secure_version_bits = 32 },
    { .id = 0x0002,
      .name = "esp32s2",
      .title = "ESP32-S2",
      .bootloader_offset = 0x1000,
      .drom = { 0x3F000000, 0x3FF80000 },
      .irom = { 0x40080000, 0x40800000 },
      .page_sizes = KB64,
      .secure_version_bits = 16 },
    { .id = 0x0005,
      .name = "esp32c3",
      .title = "ESP32-C3",
      .drom = { 0x3C000000, 0x3C800000 },
      .irom = { 0x42000000, 0x42800000 },
      .page_sizes = KB64,
      .secure_version_bits = 16 },
    { .id = 0x0009,
      .name = "esp32s3",
      .title = "ESP32-S3",
      .drom = { 0x3C000000, 0x3E000000 },
      .irom = { 0x42000000, 0x44000000 },
      .page_sizes = KB64,
      .map_32bit = true,
      .secure_version_bits = 16 },
    { .id = 0x000C,
      .name = "esp32c2",
      .title = "ESP32-C2",
      .drom = { 0x3C000000, 0x3C400000 },
      .irom = { 0x42000000, 0x42400000 },
      .page_sizes = KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 4 },
    { .id = 0x000D,
      .name = "esp32c6",
      .title = "ESP32-C6",
      .drom = { 0x42000000, 0x43000000 },
      .irom = { 0x42000000, 0x43000000 },
      .window_pages = 256,
      .page_sizes = KB8 | KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = 0x0010,
      .name = "esp32h2",
      .title = "ESP32-H2",
      .drom = { 0x42000000, 0x43000000 },
      .irom = { 0x42000000, 0x43000000 },
      .window_pages = 256,
      .page_sizes = KB8 | KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = 0x0012,
      .name = "esp32p4",
      .title = "ESP32-P4",
      .bootloader_offset = 0x2000,
      .drom = { 0x40000000, 0x44000000 },
      .irom = { 0x40000000, 0x44000000 },
      .psram = { 0x48000000, 0x4C000000 },
      .page_sizes = KB64,
      .map_32bit = true,
      .secure_version_bits = 16 },
    { .id = 0x0014,
      .name = "esp32c61",
      .title = "ESP32-C61",
      .drom = { 0x42000000, 0x44000000 },
      .irom = { 0x42000000, 0x44000000 },
      .page_sizes = KB8 | KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = 0x0017,
      .name = "esp32c5",
      .title = "ESP32-C5",
      .bootloader_offset = 0x2000,
      .drom = { 0x42000000, 0x44000000 },
      .irom = { 0x42000000, 0x44000000 },
      .page_sizes = KB64,
      .map_32bit = true,
      .secure_version_bits = 9 },
    { .id = 0x0019,
      .name = "esp32h21",
      .title = "ESP32-H21",
      .drom = { 0x42000000, 0x43000000 },
      .irom = { 0x42000000, 0x43000000 },
      .page_sizes = KB8 | KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = 0x001C,
      .name = "esp32h4",
      .title = "ESP32-H4",
      .bootloader_offset = 0x2000,
      .drom = { 0x42000000, 0x44000000 },
      .irom = { 0x42000000, 0x44000000 },
      .page_sizes = KB8 | KB16 | KB32 | KB64,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = 0x0020,
      .name = "esp32s31",
      .title = "ESP32-S31",
      .bootloader_offset = 0x2000,
      .drom = { 0x40000000, 0x44000000 },
      .irom = { 0x40000000, 0x44000000 },
      .psram = { 0x50000000, 0x54000000 },
      .page_sizes = KB16 | KB32 | KB64 | KB128 | KB256,
      .page_configurable = true,
      .secure_version_bits = 16 },
    { .id = UD_CHIP_ID_HOST, .name = "linux", .title = "Host", .page_sizes = KB64, .secure_version_bits = 16 },
};

const struct ud_chip *ud_chip_at(size_t i)
{
    return i < UD_ARRAY_LEN(chips) ? &chips[i] : NULL;
}

const struct ud_chip *ud_chip_by_id(uint16_t id)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(chips); i++)
        if (chips[i].id == id)
            return &chips[i];
    return NULL;
}

const struct ud_chip *ud_chip_by_name(const char *name)
{
    if (!name)
        return NULL;
    for (size_t i = 0; i < UD_ARRAY_LEN(chips); i++)
        if (ud_strcaseeq(chips[i].name, name) || ud_strcaseeq(chips[i].title, name))
            return &chips[i];
    return NULL;
}

static bool inside(struct ud_window w, uint32_t addr, uint32_t max_len)
{
    uint32_t len = w.hi - w.lo;
    if (max_len && max_len < len)
        len = max_len;
    return addr >= w.lo && addr - w.lo < len;
}

bool ud_chip_is_mapped(const struct ud_chip *chip, uint32_t addr, uint32_t page)
{
    uint32_t window = chip->window_pages * page; /* at most 256 pages of 256 KiB */
    return inside(chip->drom, addr, window) || inside(chip->irom, addr, window) || inside(chip->psram, addr, 0);
}

uint32_t ud_chip_page(const struct ud_chip *chip, uint8_t log2, uint8_t spi_size)
{
    static const uint32_t by_flash_size[] = { KB16, KB32 }; /* 1 MB, 2 MB; larger: 64 KiB */

    if (!chip->page_configurable)
        return KB64;
    if (log2 < 32 && (chip->page_sizes & 1u << log2))
        return 1u << log2;
    return spi_size < UD_ARRAY_LEN(by_flash_size) ? by_flash_size[spi_size] : KB64;
}
