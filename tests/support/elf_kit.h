/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of program layout: a 32-bit ELF made of named sections, and a layout run over it in a room of exactly the
 * size that was asked for.
 */
#ifndef UD_TEST_ELF_KIT_H
#define UD_TEST_ELF_KIT_H

#include "image_kit.h"

enum { ELF_HEAD = 52, ELF_SECTION = 40, ELF_SECTIONS_MAX = 24 };

struct elf_section {
    const char *name;
    uint32_t addr;
    uint32_t size;
    uint32_t type; /* 0: program bytes */
    bool is_desc;  /* its data are a description (the first 256 bytes), with this page: */
    uint8_t log2;
};

static inline uint8_t elf_byte(uint32_t addr, uint32_t i)
{
    return (uint8_t)((addr >> 8) + addr + i * 7 + 1);
}

static inline void elf_fill(const struct elf_section *s, uint8_t *out)
{
    for (uint32_t i = 0; i < s->size; i++)
        out[i] = elf_byte(s->addr, i);
    if (!s->is_desc)
        return;
    uint8_t desc[UD_APP_DESC_BYTES];
    struct ud_app_desc d = { .version = "1.0", .project_name = "elf", .mmu_page_size = s->log2 };
    ud_app_desc_encode(&d, desc);
    memcpy(out, desc, s->size < sizeof desc ? s->size : sizeof desc);
}

/* Header, data, names, section table (the empty section first, the names last). The caller frees `p`. */
static inline struct image_bytes elf_make(const struct elf_section *s, size_t count, uint16_t machine)
{
    uint32_t data = 0;
    uint32_t names = 1 + sizeof ".shstrtab";
    for (size_t i = 0; i < count; i++) {
        data += s[i].type == 8 ? 0 : s[i].size;
        names += (uint32_t)strlen(s[i].name) + 1;
    }
    uint32_t table = ELF_HEAD + data + names;
    struct image_bytes b = { calloc(1, table + ELF_SECTION * (count + 2)), 0 };
    if (!b.p)
        abort();
    b.len = table + ELF_SECTION * ((uint32_t)count + 2);

    static const uint8_t ident[] = { 0x7F, 'E', 'L', 'F', 1, 1, 1 };
    memcpy(b.p, ident, sizeof ident);
    ud_store_le16(b.p + 16, 2);
    ud_store_le16(b.p + 18, machine);
    ud_store_le32(b.p + 24, 0x40380004);
    ud_store_le32(b.p + 32, table);
    ud_store_le16(b.p + 46, ELF_SECTION);
    ud_store_le16(b.p + 48, (uint16_t)(count + 2));
    ud_store_le16(b.p + 50, (uint16_t)(count + 1));

    uint32_t off = ELF_HEAD;
    uint32_t name = ELF_HEAD + data + 1;
    for (size_t i = 0; i < count; i++) {
        uint8_t *h = b.p + table + ELF_SECTION * (i + 1);
        memcpy(b.p + name, s[i].name, strlen(s[i].name) + 1);
        ud_store_le32(h, name - ELF_HEAD - data);
        ud_store_le32(h + 4, s[i].type ? s[i].type : 1);
        ud_store_le32(h + 12, s[i].addr);
        ud_store_le32(h + 16, off);
        ud_store_le32(h + 20, s[i].size);
        name += (uint32_t)strlen(s[i].name) + 1;
        if (s[i].type == 8)
            continue;
        elf_fill(&s[i], b.p + off);
        off += s[i].size;
    }
    uint8_t *h = b.p + table + ELF_SECTION * (count + 1);
    memcpy(b.p + name, ".shstrtab", sizeof ".shstrtab");
    ud_store_le32(h, name - ELF_HEAD - data);
    ud_store_le32(h + 4, 3);
    ud_store_le32(h + 16, off);
    ud_store_le32(h + 20, names);
    return b;
}

struct elf_run {
    esp_err_t err;
    struct image_notes notes;
    struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
    struct ud_image_spec spec;
    uint8_t *room;
    uint32_t room_len;
};

/* Lay an ELF out; `short_by` takes bytes off the room. The caller frees `room`. */
static inline void elf_run(struct elf_run *r, const uint8_t *p, size_t len, const char *chip,
                           const struct ud_image_elf_options *options, const struct ud_crypto *crypto,
                           uint32_t short_by)
{
    *r = (struct elf_run){ 0 };
    struct ud_observer obs = image_observer(&r->notes);
    struct ud_elf elf;
    r->err = ud_elf_open(&elf, p, len, &obs);
    if (r->err == ESP_OK)
        r->err = ud_image_elf_room(&elf, &obs, &r->room_len);
    if (r->err != ESP_OK)
        return;
    r->room_len = r->room_len > short_by ? r->room_len - short_by : 0;
    r->room = malloc(r->room_len ? r->room_len : 1);
    if (!r->room)
        abort();
    memset(r->room, 0xA5, r->room_len ? r->room_len : 1);
    r->err =
        ud_image_elf_spec(ud_chip_by_name(chip), &elf, options, crypto, &obs, r->room, r->room_len, r->part, &r->spec);
}

#endif
