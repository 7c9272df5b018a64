/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of programs: which segments come out of which sections, byte for byte, and what is refused. Whole images
 * are held to esptool's in tests/interop; the rows here are the rules one by one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "elf_kit.h"

#define DESC(addr_)                                                                                                    \
    {                                                                                                                  \
        .name = ".flash.appdesc", .addr = (addr_), .size = 256, .is_desc = true                                        \
    }
#define SEC(name_, addr_, size_)                                                                                       \
    {                                                                                                                  \
        .name = (name_), .addr = (addr_), .size = (size_)                                                              \
    }
#define ROM  0x3C000000u
#define TEXT 0x42000000u
#define RAM  0x3FC90000u
#define IRAM 0x40380000u

struct want {
    uint32_t addr;
    uint32_t len;
};

static const struct layout_row {
    const char *name;
    const char *chip;
    struct elf_section section[20];
    bool overlaps; /* the bytes at an address are not unique */
    uint32_t page;
    enum ud_secure_pad pad;
    struct want want[UD_IMAGE_MAX_SEGMENTS]; /* ended by length 0 */
    esp_err_t err;
    const char *text; /* in the note */
    uint64_t refused; /* the number in the note, when not 0 */
} rows[] = {
    { .name = "sections that touch are one segment",
      .chip = "esp32c3",
      .section = { SEC(".a", RAM, 13), SEC(".b", RAM + 16, 5), SEC(".c", RAM + 24, 4) },
      .want = { { RAM, 28 } } },
    { .name = "sections that do not touch are two",
      .chip = "esp32c3",
      .section = { SEC(".a", RAM, 13), SEC(".b", RAM + 20, 4) },
      .want = { { RAM, 16 }, { RAM + 20, 4 } } },
    { .name = "a section that begins inside the last is another segment",
      .chip = "esp32c3",
      .overlaps = true,
      .section = { SEC(".a", RAM, 13), SEC(".b", RAM + 13, 4) },
      .want = { { RAM, 16 }, { RAM + 13, 4 } } },
    { .name = "only neighbours in the file are joined",
      .chip = "esp32c3",
      .section = { SEC(".b", RAM + 16, 4), SEC(".a", RAM, 16) },
      .want = { { RAM, 16 }, { RAM + 16, 4 } } },
    { .name = "borders of memories are not joined over",
      .chip = "esp32",
      .section = { SEC(".a", 0x3FFDFFF0, 16), SEC(".b", 0x3FFE0000, 4), SEC(".c", 0x3FFE0004, 4) },
      .want = { { 0x3FFDFFF0, 16 }, { 0x3FFE0000, 8 } } },
    { .name = "nor are other chips' borders",
      .chip = "esp32c3",
      .section = { SEC(".a", 0x3FC87FF0, 16), SEC(".b", 0x3FC88000, 4) },
      .want = { { 0x3FC87FF0, 16 }, { 0x3FC88000, 4 } } },
    { .name = "an address just below a border is joined",
      .chip = "esp32c3",
      .section = { SEC(".a", 0x3FC87FF0, 12), SEC(".b", 0x3FC87FFC, 4) },
      .want = { { 0x3FC87FF0, 16 } } },
    { .name = "equal addresses keep their order",
      .chip = "esp32c3",
      .overlaps = true,
      .section = { SEC(".a", RAM, 8), SEC(".b", RAM, 16), SEC(".c", RAM, 4) },
      .want = { { RAM, 8 }, { RAM, 16 }, { RAM, 4 } } },
    { .name = "a page that ends before two headers fit costs another",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".r", ROM + 0x120, 0xFFFC - 288), SEC(".text", TEXT + 0x10008, 8) },
      .want = { { ROM + 0x20, 0xFFFC - 32 }, { 0, 0xFFFC }, { TEXT + 0x10008, 8 } } },
    { .name = "tables of constructors are loaded; bss, debugging and empty sections are not",
      .chip = "esp32c3",
      .section = { { ".i", RAM, 4, 14, false, 0 },
                   { ".f", RAM + 0x10, 4, 15, false, 0 },
                   { ".p", RAM + 0x20, 4, 16, false, 0 },
                   { ".bss", RAM + 0x30, 400, 8, false, 0 },
                   { ".note", RAM + 0x40, 4, 7, false, 0 },
                   SEC(".debug", 0, 40),
                   SEC(".empty", RAM + 0x50, 0) },
      .want = { { RAM, 4 }, { RAM + 0x10, 4 }, { RAM + 0x20, 4 } } },
    { .name = "RAM is sorted by address",
      .chip = "esp32c3",
      .section = { SEC(".c", IRAM, 8), SEC(".a", RAM + 0x100, 8), SEC(".b", RAM, 8) },
      .want = { { RAM, 8 }, { RAM + 0x100, 8 }, { IRAM, 8 } } },
    { .name = "a boot loader's description leads",
      .chip = "esp32c3",
      .section = { SEC(".a", RAM, 8), SEC(".dram0.bootdesc", IRAM, 80), SEC(".b", RAM + 0x100, 8) },
      .want = { { IRAM, 80 }, { RAM, 8 }, { RAM + 0x100, 8 } } },
    { .name = "mapped segments stand in front of RAM",
      .chip = "esp32c3",
      .section = { SEC(".d", RAM, 8), DESC(ROM + 0x20) },
      .want = { { ROM + 0x20, 256 }, { RAM, 8 } } },
    { .name = "the description leads, whatever its address",
      .chip = "esp32c6",
      .section = { SEC(".text", TEXT + 0x20, 8), DESC(TEXT + 0x10020) },
      .want = { { TEXT + 0x10020, 256 }, { 0, 0x10018 - 296 }, { TEXT + 0x20, 8 } } },
    { .name = "a gap is filled with RAM, in the order of its addresses",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".text", TEXT + 0x20, 8), SEC(".c", IRAM, 100), SEC(".d", RAM, 200) },
      .want = { { ROM + 0x20, 256 }, { RAM, 200 }, { IRAM, 100 }, { 0, 0x10018 - 604 - 8 }, { TEXT + 0x20, 8 } } },
    { .name = "RAM that is too long is split",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".text", TEXT + 0x20, 8), SEC(".d", RAM, 0x18000) },
      .want = { { ROM + 0x20, 256 },
                { RAM, 0x10018 - 296 },
                { TEXT + 0x20, 8 },
                { RAM + 0x10018 - 296, 0x18000 - (0x10018 - 296) } } },
    { .name = "a gap of twelve bytes takes RAM",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".r", ROM + 0x120, 0x10000 - 288 - 8 - 12 - 8),
                   SEC(".text", TEXT + 0x10000, 8), SEC(".d", RAM, 20) },
      .want = { { ROM + 0x20, 0x10000 - 32 - 28 }, { RAM, 12 }, { TEXT + 0x10000, 8 }, { RAM + 12, 8 } } },
    { .name = "a gap of eight bytes does not",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".r", ROM + 0x120, 0x10000 - 288 - 8 - 8 - 8), SEC(".text", TEXT + 0x10000, 8),
                   SEC(".d", RAM, 20) },
      .want = { { ROM + 0x20, 0x10000 - 32 - 24 }, { 0, 8 }, { TEXT + 0x10000, 8 }, { RAM, 20 } } },
    { .name = "no gap, no padding",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x20), SEC(".r", ROM + 0x120, 0x10000 - 288 - 8), SEC(".text", TEXT + 0x10000, 8) },
      .want = { { ROM + 0x20, 0x10000 - 40 }, { TEXT + 0x10000, 8 } } },
    { .name = "an address further up in the page costs a page",
      .chip = "esp32c3",
      .section = { SEC(".text", TEXT + 0x120, 8) },
      .want = { { 0, 0x100F8 }, { TEXT + 0x120, 8 } } },
    { .name = "an ESP32 segment ends 0x24 beyond a page",
      .chip = "esp32",
      .section = { SEC(".r", 0x3F400020, 0x10000 - 32), SEC(".t", 0x400D0020, 0x20) },
      .want = { { 0x3F400020, 0x10004 }, { 0, 0x10000 - 0x24 + 0x18 - 8 }, { 0x400D0020, 0x20 } } },
    { .name = "another chip's does not",
      .chip = "esp32s2",
      .section = { SEC(".r", 0x3F000020, 0x10000 - 32) },
      .want = { { 0x3F000020, 0x10000 - 32 } } },
    { .name = "the page is the description's",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 13 }, SEC(".text", TEXT + 0x2020, 8) },
      .want = { { TEXT + 0x20, 256 }, { 0, 0x2018 - 296 }, { TEXT + 0x2020, 8 } } },
    { .name = "the option's page goes first",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 13 }, SEC(".text", TEXT + 0x4020, 8) },
      .page = 0x4000,
      .want = { { TEXT + 0x20, 256 }, { 0, 0x4018 - 296 }, { TEXT + 0x4020, 8 } } },
    { .name = "a description of page 0 leaves 64 KiB",
      .chip = "esp32c6",
      .section = { DESC(TEXT + 0x20), SEC(".text", TEXT + 0x10020, 8) },
      .want = { { TEXT + 0x20, 256 }, { 0, 0x10018 - 296 }, { TEXT + 0x10020, 8 } } },
    { .name = "a description elsewhere says nothing",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", 0x40800000, 256, 0, true, 13 }, SEC(".text", TEXT + 0x20, 8) },
      .page = 0,
      .want = { { TEXT + 0x20, 8 }, { 0x40800000, 256 } } },
    { .name = "padding for a version 1 signature",
      .chip = "esp32",
      .section = { SEC(".d", 0x3FFB0000, 16) },
      .pad = UD_SECURE_PAD_V1,
      .want = { { 0x3FFB0000, 16 }, { 0, 0x10000 - 48 - 8 - 16 - 112 } } },
    { .name = "padding for a version 2 signature, with small pages",
      .chip = "esp32c6",
      .section = { SEC(".d", 0x40800000, 16) },
      .page = 0x2000,
      .pad = UD_SECURE_PAD_V2,
      .want = { { 0x40800000, 16 }, { 0, 0x2000 - 48 - 8 - 16 - 32 } } },

    { .name = "version 1 signatures of other chips",
      .chip = "esp32c3",
      .section = { SEC(".d", RAM, 16) },
      .pad = UD_SECURE_PAD_V1,
      .err = ESP_ERR_INVALID_ARG,
      .text = "ESP32 only" },
    { .name = "two mapped segments in a page",
      .chip = "esp32c3",
      .section = { SEC(".a", TEXT + 0xFFF0, 4), SEC(".b", TEXT + 0x20, 4) },
      .err = ESP_ERR_INVALID_ARG,
      .text = "one MMU page" },
    { .name = "two mapped segments in a page, behind others",
      .chip = "esp32c3",
      .section = { SEC(".a", ROM + 0x20, 4), SEC(".b", TEXT + 0x20, 4), SEC(".c", TEXT + 0x10020, 4),
                   SEC(".d", TEXT + 0x10040, 4) },
      .err = ESP_ERR_INVALID_ARG,
      .text = "one MMU page" },
    { .name = "unaligned mapped section",
      .chip = "esp32c3",
      .section = { SEC(".a", TEXT + 0x22, 4) },
      .err = ESP_ERR_INVALID_ARG,
      .text = "not aligned" },
    { .name = "nothing to load",
      .chip = "esp32c3",
      .section = { SEC(".debug", 0, 4) },
      .err = ESP_ERR_INVALID_ARG,
      .text = "no section" },
    { .name = "17 segments",
      .chip = "esp32c3",
      .section = { SEC(".", RAM, 4), SEC(".", RAM + 0x10, 4), SEC(".", RAM + 0x20, 4), SEC(".", RAM + 0x30, 4),
                   SEC(".", RAM + 0x40, 4), SEC(".", RAM + 0x50, 4), SEC(".", RAM + 0x60, 4), SEC(".", RAM + 0x70, 4),
                   SEC(".", RAM + 0x80, 4), SEC(".", RAM + 0x90, 4), SEC(".", RAM + 0xA0, 4), SEC(".", RAM + 0xB0, 4),
                   SEC(".", RAM + 0xC0, 4), SEC(".", RAM + 0xD0, 4), SEC(".", RAM + 0xE0, 4), SEC(".", RAM + 0xF0, 4),
                   SEC(".", RAM + 0x100, 4) },
      .err = ESP_ERR_INVALID_SIZE,
      .text = "more than 16 segments;" },
    { .name = "17 with that of padding",
      .chip = "esp32c3",
      .section = { SEC(".", RAM, 4), SEC(".", RAM + 0x10, 4), SEC(".", RAM + 0x20, 4), SEC(".", RAM + 0x30, 4),
                   SEC(".", RAM + 0x40, 4), SEC(".", RAM + 0x50, 4), SEC(".", RAM + 0x60, 4), SEC(".", RAM + 0x70, 4),
                   SEC(".", RAM + 0x80, 4), SEC(".", RAM + 0x90, 4), SEC(".", RAM + 0xA0, 4), SEC(".", RAM + 0xB0, 4),
                   SEC(".", RAM + 0xC0, 4), SEC(".", RAM + 0xD0, 4), SEC(".", RAM + 0xE0, 4),
                   SEC(".t", TEXT + 0x120, 4) },
      .err = ESP_ERR_INVALID_SIZE,
      .text = "those of padding" },
    { .name = "a page that the chip has not",
      .chip = "esp32c6",
      .section = { SEC(".d", RAM, 4) },
      .page = 0x20000,
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages" },
    { .name = "a page that is none",
      .chip = "esp32c6",
      .section = { SEC(".d", RAM, 4) },
      .page = 0x6000,
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages" },
    { .name = "a page in the description that the chip has not",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 12 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages",
      .refused = 0x1000 },
    { .name = "the largest page that a description can ask for",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 31 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages",
      .refused = 0x80000000u },
    { .name = "a page in the description that is just too large for 32 bits",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 32 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages",
      .refused = 1 },
    { .name = "a page in the description beyond 32 bits",
      .chip = "esp32c6",
      .section = { { ".flash.appdesc", TEXT + 0x20, 256, 0, true, 200 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = "MMU pages",
      .refused = 1 },
    { .name = "a page where there is no choice",
      .chip = "esp32c3",
      .section = { SEC(".d", RAM, 4) },
      .page = 0x8000,
      .err = ESP_ERR_INVALID_ARG,
      .text = "64 KiB" },
    { .name = "a description that is too short",
      .chip = "esp32c3",
      .section = { { ".flash.appdesc", ROM + 0x20, 252, 0, true, 0 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = ".flash.appdesc" },
    { .name = "a description that is not at the front of its segment",
      .chip = "esp32c3",
      .section = { SEC(".r", ROM + 0x20, 16), DESC(ROM + 0x30) },
      .err = ESP_ERR_INVALID_ARG,
      .text = ".flash.appdesc" },
    { .name = "a description that needs padding in front of it",
      .chip = "esp32c3",
      .section = { DESC(ROM + 0x120) },
      .err = ESP_ERR_INVALID_ARG,
      .text = ".flash.appdesc" },
    { .name = "no room for the ELF's SHA-256",
      .chip = "esp32c3",
      .section = { { ".flash.appdesc", ROM + 0x20, 256, 0, false, 0 } },
      .err = ESP_ERR_INVALID_ARG,
      .text = "not zero" },
    { .name = "a host image",
      .chip = "linux",
      .section = { SEC(".d", RAM, 4) },
      .err = ESP_ERR_INVALID_ARG,
      .text = "Xtensa" },
};

static size_t count_of(const struct layout_row *row)
{
    size_t n = 0;
    while (n < UD_ARRAY_LEN(row->section) && row->section[n].name)
        n++;
    return n;
}

static struct image_bytes elf_of(const struct layout_row *row)
{
    return elf_make(row->section, count_of(row), strcmp(row->chip, "esp32") == 0 ? UD_ELF_XTENSA : UD_ELF_RISCV);
}

/* The byte that belongs at a load address: that of the section it lies in, zero between sections. */
static uint8_t byte_at(const struct layout_row *row, uint32_t addr)
{
    for (size_t i = 0; i < count_of(row); i++) {
        const struct elf_section *s = &row->section[i];
        if (s->type != 8 && addr >= s->addr && addr - s->addr < s->size)
            return elf_byte(s->addr, addr - s->addr);
    }
    return 0;
}

static void check_data(const struct layout_row *row, const struct ud_image_part *part)
{
    bool is_desc = part->load_addr && part->len >= 256 && part->data && ud_load_le32(part->data) == UD_APP_DESC_MAGIC;
    if (part->load_addr == 0) {
        assert_null(part->data);
        return;
    }
    for (uint32_t i = is_desc ? 256 : 0; i < part->len && !row->overlaps; i++)
        if (((const uint8_t *)part->data)[i] != byte_at(row, part->load_addr + i))
            fail_msg("%s: byte %u of %08x", row->name, (unsigned)i, (unsigned)part->load_addr);
}

static void each_rule_gives_its_segments(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t r = 0; r < UD_ARRAY_LEN(rows); r++) {
        const struct layout_row *row = &rows[r];
        struct ud_image_elf_options options = { row->page, row->pad, true };
        struct image_bytes b = elf_of(row);
        struct elf_run run;
        elf_run(&run, b.p, b.len, row->chip, &options, &crypto, 0);
        if (run.err != row->err)
            fail_msg("%s: %s", row->name, run.notes.last.text ? run.notes.last.text : "?");
        assert_int_equal(run.notes.count, row->err != ESP_OK);
        if (row->err != ESP_OK) {
            assert_int_equal(run.notes.last.id, UD_NOTE_IMAGE_ELF);
            if (!strstr(run.notes.last.text, row->text))
                fail_msg("%s: %s", row->name, run.notes.last.text);
            if (row->refused)
                assert_int_equal(run.notes.last.a, row->refused);
        }
        for (uint8_t i = 0; i < run.spec.part_count; i++) {
            if (run.part[i].load_addr != row->want[i].addr || run.part[i].len != row->want[i].len)
                fail_msg("%s: part %u is %08x, %u", row->name, i, (unsigned)run.part[i].load_addr,
                         (unsigned)run.part[i].len);
            check_data(row, &run.part[i]);
        }
        assert_int_equal(row->want[run.spec.part_count].len, 0);
        free(run.room);
        free(b.p);
    }
}

/* What was laid out can be built, and verifies on a page of flash. */
static void each_layout_verifies_once_it_is_built(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t r = 0; r < UD_ARRAY_LEN(rows); r++) {
        const struct layout_row *row = &rows[r];
        struct ud_image_elf_options options = { row->page, row->pad, true };
        const struct ud_chip *chip = ud_chip_by_name(row->chip);
        if (row->err != ESP_OK)
            continue;
        struct image_bytes b = elf_of(row);
        struct elf_run run;
        elf_run(&run, b.p, b.len, row->chip, &options, &crypto, 0);
        uint32_t size = 0;
        assert_int_equal(ud_image_spec_size(&run.spec, &size), ESP_OK);
        uint8_t *image = malloc(size);
        assert_non_null(image);
        assert_int_equal(ud_image_encode(&run.spec, &crypto, image, size, &size), ESP_OK);
        struct ud_image_rules rules = { .chip = chip,
                                        .check_chip = true,
                                        .chip_id = chip->id,
                                        .check_mapping = row->page == 0,
                                        .flash_addr = 0x110000,
                                        .bootloader = true };
        if (image_verdict(image, size, &rules) != ESP_OK)
            fail_msg("%s", row->name);
        if (row->pad == UD_SECURE_PAD_V2)
            assert_int_equal(size % (row->page ? row->page : 0x10000), 0);
        if (row->pad == UD_SECURE_PAD_V1)
            assert_int_equal((size + 80) % 0x10000, 0);
        free(image);
        free(run.room);
        free(b.p);
    }
}

static const struct elf_section whole[] = { SEC(".d", RAM, 21), DESC(ROM + 0x20), SEC(".text", TEXT + 0x10020, 70),
                                            SEC(".i", IRAM, 33) };

static void header_and_elf_hash_are_those_of_the_program(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct image_bytes b = elf_make(whole, UD_ARRAY_LEN(whole), UD_ELF_RISCV);
    for (int digest = 0; digest < 2; digest++) {
        struct ud_image_elf_options options = { .append_digest = digest };
        struct elf_run run;
        elf_run(&run, b.p, b.len, "esp32c3", &options, &crypto, 0);
        assert_int_equal(run.err, ESP_OK);
        const struct ud_image_header *h = &run.spec.header;
        assert_int_equal(h->entry_addr, 0x40380004);
        assert_int_equal(h->chip_id, 5);
        assert_int_equal(h->wp_pin, 0xEE);
        assert_int_equal(h->min_chip_rev_full, 0);
        assert_int_equal(h->max_chip_rev_full, 65535);
        assert_int_equal(h->spi_mode, 0);
        assert_int_equal(h->spi_speed_size, 0);
        assert_int_equal(run.spec.append_digest, digest);
        assert_ptr_equal(run.spec.part, run.part);
        struct ud_app_desc desc;
        uint8_t hash[32];
        assert_int_equal(ud_app_desc_decode(run.part[0].data, run.part[0].len, &desc), ESP_OK);
        assert_string_equal(desc.project_name, "elf");
        assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, b.p, b.len, hash), ESP_OK);
        assert_memory_equal(desc.app_elf_sha256, hash, 32);
        free(run.room);
    }
    free(b.p);
}

/* The field for the hash is these 32 bytes and no others. */
static void only_the_field_of_the_hash_must_be_zero(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_elf_options options = { .append_digest = true };
    struct elf_section desc[] = { DESC(ROM + 0x20) };
    for (uint32_t at = 140; at < 180; at++) {
        struct image_bytes b = elf_make(desc, 1, UD_ELF_RISCV);
        struct elf_run run;
        b.p[ELF_HEAD + at] = 1;
        elf_run(&run, b.p, b.len, "esp32c3", &options, &crypto, 0);
        assert_int_equal(run.err, at >= 144 && at < 176 ? ESP_ERR_INVALID_ARG : ESP_OK);
        free(run.room);
        free(b.p);
    }
}

static void secure_padding_without_digest_is_refused(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct image_bytes b = elf_make(whole, UD_ARRAY_LEN(whole), UD_ELF_RISCV);
    struct ud_image_elf_options options = { .secure_pad = UD_SECURE_PAD_V2 };
    struct elf_run run;
    elf_run(&run, b.p, b.len, "esp32c3", &options, &crypto, 0);
    assert_int_equal(run.err, ESP_ERR_INVALID_ARG);
    assert_non_null(strstr(run.notes.last.text, "SHA-256"));
    free(run.room);
    free(b.p);
}

static void other_machines_are_refused(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_elf_options options = { .append_digest = true };
    for (uint16_t machine = 1; machine < 300; machine++) {
        struct image_bytes b = elf_make(whole, UD_ARRAY_LEN(whole), machine);
        struct elf_run run;
        elf_run(&run, b.p, b.len, "esp32c3", &options, &crypto, 0);
        assert_int_equal(run.err, machine == 94 || machine == 243 ? ESP_OK : ESP_ERR_INVALID_ARG);
        free(run.room);
        free(b.p);
    }
}

/* The room that was asked for is enough, and anything from a little less on is either enough or refused. */
static void a_short_room_is_never_overrun(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_elf_options options = { .append_digest = true };
    static const struct elf_section esp32[] = { SEC(".d", 0x3FFB0000, 21), SEC(".r", 0x3F400020, 0x10000 - 32) };
    struct image_bytes b[2] = { elf_make(whole, UD_ARRAY_LEN(whole), UD_ELF_RISCV),
                                elf_make(esp32, UD_ARRAY_LEN(esp32), UD_ELF_XTENSA) };
    for (int k = 0; k < 2; k++) {
        unsigned refused = 0;
        for (uint32_t by = 0; by < 460; by++) {
            struct elf_run run;
            elf_run(&run, b[k].p, b[k].len, k ? "esp32" : "esp32c3", &options, &crypto, by);
            if (run.err != ESP_OK) {
                refused++;
                assert_int_equal(run.err, ESP_ERR_INVALID_SIZE);
                assert_non_null(strstr(run.notes.last.text, "no room"));
            } else {
                assert_int_equal(refused, 0);
            }
            free(run.room);
        }
        /* an ESP32's last segment takes the room behind it, another chip's leaves it */
        assert_int_equal(refused, k ? 459 : 459 - 0x24);
        free(b[k].p);
    }
}

static void a_failing_hash_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        enum image_hash_step step;
        esp_err_t err;
    } fails[] = { { HASH_STEP_START, ESP_ERR_NO_MEM },
                  { HASH_STEP_FEED, ESP_ERR_INVALID_RESPONSE },
                  { HASH_STEP_FINISH, ESP_ERR_NOT_SUPPORTED } };
    struct image_bytes b = elf_make(whole, UD_ARRAY_LEN(whole), UD_ELF_RISCV);
    for (size_t i = 0; i < UD_ARRAY_LEN(fails); i++) {
        struct image_crypto counting = { .fail_at = fails[i].step };
        struct ud_crypto crypto = image_crypto(&counting);
        struct ud_image_elf_options options = { .append_digest = true };
        struct elf_run run;
        elf_run(&run, b.p, b.len, "esp32c3", &options, &crypto, 0);
        assert_int_equal(run.err, fails[i].err);
        assert_int_equal(counting.alive, 0);
        free(run.room);
    }
    free(b.p);
}

static void more_than_128_mib_are_refused(void **state)
{
    (void)state;
    struct elf_section two[] = { SEC(".a", RAM, 64), SEC(".b", RAM + 0x1000, 64) };
    struct image_bytes b = elf_make(two, 2, UD_ELF_RISCV);
    struct ud_elf elf;
    uint32_t room = 7;
    struct image_notes notes = { 0 };
    struct ud_observer obs = image_observer(&notes);
    assert_int_equal(ud_elf_open(&elf, b.p, b.len, &obs), ESP_OK);
    assert_int_equal(ud_image_elf_room(&elf, &obs, &room), ESP_OK);
    assert_int_equal(room, 2 * (64 + 0x24));

    elf.len = INT32_MAX; /* as if the file were that long; its data are not read for this question */
    static const struct {
        uint32_t a, b;
        esp_err_t err;
    } sizes[] = { { 64u << 20, (64u << 20) - 0x24, ESP_OK },
                  { 64u << 20, (64u << 20) - 0x20, ESP_ERR_INVALID_SIZE },
                  { (128u << 20) + 4, 4, ESP_ERR_INVALID_SIZE },
                  { 4, 128u << 20, ESP_ERR_INVALID_SIZE },
                  { 128u << 20, 0, ESP_OK },
                  { (64u << 20) + 4, 64u << 20, ESP_ERR_INVALID_SIZE } };
    for (size_t i = 0; i < UD_ARRAY_LEN(sizes); i++) {
        ud_store_le32(b.p + elf.table_off + 40 + 20, sizes[i].a);
        ud_store_le32(b.p + elf.table_off + 80 + 20, sizes[i].b);
        assert_int_equal(ud_image_elf_room(&elf, &obs, &room), sizes[i].err);
    }
    assert_non_null(strstr(notes.last.text, "128 MiB"));
    free(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_gives_its_segments),
        cmocka_unit_test(each_layout_verifies_once_it_is_built),
        cmocka_unit_test(header_and_elf_hash_are_those_of_the_program),
        cmocka_unit_test(only_the_field_of_the_hash_must_be_zero),
        cmocka_unit_test(secure_padding_without_digest_is_refused),
        cmocka_unit_test(other_machines_are_refused),
        cmocka_unit_test(a_short_room_is_never_overrun),
        cmocka_unit_test(a_failing_hash_is_passed_on),
        cmocka_unit_test(more_than_128_mib_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
