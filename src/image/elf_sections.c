/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section table of a 32-bit little-endian ELF, read where it lies. No number of the file is trusted: the table, the
 * names and each section's data must lie inside it before anything is read.
 */
#include "updraft/image.h"

enum {
    HEADER_BYTES = 52,
    HEADER_MACHINE = 18,
    HEADER_ENTRY = 24,
    HEADER_TABLE = 32,
    HEADER_ENTRY_SIZE = 46,
    HEADER_COUNT = 48,
    HEADER_NAMES = 50,

    SECTION_BYTES = 40,
    SECTION_NAME = 0,
    SECTION_TYPE = 4,
    SECTION_ADDR = 12,
    SECTION_OFF = 16,
    SECTION_SIZE = 20,

    PROGBITS = 1,
    STRTAB = 3,
    NOBITS = 8,
    INIT_ARRAY = 14,
    FINI_ARRAY = 15,
    PREINIT_ARRAY = 16,
};

static esp_err_t refuse(const struct ud_observer *obs, uint32_t a, uint32_t b, const char *why)
{
    return ud_note(obs, UD_NOTE_IMAGE_ELF, ESP_ERR_INVALID_ARG, a, b, why);
}

static const uint8_t *header_of(const struct ud_elf *elf, uint16_t i)
{
    return elf->bytes + elf->table_off + (uint32_t)i * SECTION_BYTES;
}

/* The names are a section themselves; a file without them, or with a broken one, has nameless sections. */
static void find_names(struct ud_elf *elf, uint16_t index)
{
    if (index >= elf->section_count)
        return;
    const uint8_t *h = header_of(elf, index);
    uint32_t off = ud_load_le32(h + SECTION_OFF);
    uint32_t len = ud_load_le32(h + SECTION_SIZE);
    bool usable = ud_load_le32(h + SECTION_TYPE) == STRTAB && ud_range_fits(off, len, elf->len);
    if (!usable || len == 0 || elf->bytes[off + len - 1] != 0)
        return;
    elf->names_off = off;
    elf->names_len = len;
}

esp_err_t ud_elf_open(struct ud_elf *elf, const void *bytes, size_t len, const struct ud_observer *obs)
{
    const uint8_t *p = bytes;
    *elf = (struct ud_elf){ 0 };
    if (len > INT32_MAX)
        return refuse(obs, 0, 0, "the file is larger than 2 GiB");
    uint16_t machine = ud_elf_machine(p, len);
    if (machine == 0 || p[4] != 1)
        return refuse(obs, 0, (uint32_t)len, "it is not a 32-bit little-endian ELF executable");

    uint32_t table = ud_load_le32(p + HEADER_TABLE);
    uint16_t count = ud_load_le16(p + HEADER_COUNT);
    uint16_t entry_size = ud_load_le16(p + HEADER_ENTRY_SIZE);
    if (count > 0 && entry_size != SECTION_BYTES)
        return refuse(obs, HEADER_ENTRY_SIZE, entry_size, "its section headers are not 40 bytes long");
    if (!ud_range_fits(table, (uint32_t)count * SECTION_BYTES, (uint32_t)len))
        return refuse(obs, table, count, "its section table leaves the file");
    *elf = (struct ud_elf){
        .bytes = p,
        .len = (uint32_t)len,
        .entry = ud_load_le32(p + HEADER_ENTRY),
        .machine = machine,
        .section_count = count,
        .table_off = table,
    };
    find_names(elf, ud_load_le16(p + HEADER_NAMES));
    return ESP_OK;
}

esp_err_t ud_elf_section(const struct ud_elf *elf, uint16_t i, const struct ud_observer *obs,
                         struct ud_elf_section *section)
{
    if (i >= elf->section_count)
        return ESP_ERR_NOT_FOUND;
    const uint8_t *h = header_of(elf, i);
    uint32_t name = ud_load_le32(h + SECTION_NAME);
    struct ud_elf_section s = {
        .name = name < elf->names_len ? (const char *)elf->bytes + elf->names_off + name : "",
        .type = ud_load_le32(h + SECTION_TYPE),
        .addr = ud_load_le32(h + SECTION_ADDR),
        .off = ud_load_le32(h + SECTION_OFF),
        .size = ud_load_le32(h + SECTION_SIZE),
    };
    if (s.type != NOBITS && !ud_range_fits(s.off, s.size, elf->len))
        return refuse(obs, s.off, s.size, "the data of a section leave the file");
    *section = s;
    return ESP_OK;
}

bool ud_elf_is_loaded(const struct ud_elf_section *s)
{
    bool has_bytes = s->type == PROGBITS || s->type == INIT_ARRAY || s->type == FINI_ARRAY || s->type == PREINIT_ARRAY;
    return has_bytes && s->size > 0 && s->addr != 0;
}
