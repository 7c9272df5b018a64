/* SPDX-License-Identifier: Apache-2.0 */
/* The section table of an ELF: what is read, and that no number of the file leads out of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "elf_kit.h"

static const struct elf_section sections[] = {
    { ".first", 0x3FC80000, 20, 1, false, 0 },
    { ".bss", 0x3FC90000, 4000, 8, false, 0 },
    { ".last", 0x42000020, 7, 14, false, 0 },
};

struct fixture {
    struct image_bytes b;
    struct image_notes notes;
    struct ud_observer obs;
    struct ud_elf elf;
};

static void make(struct fixture *f)
{
    *f = (struct fixture){ .b = elf_make(sections, UD_ARRAY_LEN(sections), UD_ELF_RISCV) };
    f->obs = image_observer(&f->notes);
}

static esp_err_t open_elf(struct fixture *f)
{
    f->notes = (struct image_notes){ 0 };
    return ud_elf_open(&f->elf, f->b.p, f->b.len, &f->obs);
}

static void sections_are_read_in_order(void **state)
{
    struct fixture f;
    struct ud_elf_section s;
    (void)state;
    make(&f);
    assert_int_equal(open_elf(&f), ESP_OK);
    assert_int_equal(f.elf.entry, 0x40380004);
    assert_int_equal(f.elf.machine, UD_ELF_RISCV);
    assert_int_equal(f.elf.section_count, 5);
    assert_int_equal(ud_elf_section(&f.elf, 0, &f.obs, &s), ESP_OK);
    assert_int_equal(s.type, 0);
    uint32_t off = ELF_HEAD;
    for (uint16_t i = 0; i < 3; i++) {
        assert_int_equal(ud_elf_section(&f.elf, (uint16_t)(i + 1), &f.obs, &s), ESP_OK);
        assert_string_equal(s.name, sections[i].name);
        assert_int_equal(s.type, sections[i].type);
        assert_int_equal(s.addr, sections[i].addr);
        assert_int_equal(s.size, sections[i].size);
        assert_int_equal(s.off, off);
        off += sections[i].type == 8 ? 0 : sections[i].size;
    }
    assert_int_equal(ud_elf_section(&f.elf, 4, &f.obs, &s), ESP_OK);
    assert_string_equal(s.name, ".shstrtab");
    assert_int_equal(ud_elf_section(&f.elf, 5, &f.obs, &s), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_elf_section(&f.elf, 65535, &f.obs, &s), ESP_ERR_NOT_FOUND);
    assert_int_equal(f.notes.count, 0);
    free(f.b.p);
}

static void what_is_loaded_has_bytes_and_an_address(void **state)
{
    static const struct {
        uint32_t type, addr, size;
        bool loaded;
    } rows[] = {
        { 1, 1, 1, true },   { 14, 1, 1, true },  { 15, 1, 1, true },         { 16, 1, 1, true },
        { 1, 0, 1, false },  { 1, 1, 0, false },  { 8, 1, 1, false },         { 0, 1, 1, false },
        { 2, 1, 1, false },  { 3, 1, 1, false },  { 7, 1, 1, false },         { 13, 1, 1, false },
        { 17, 1, 1, false }, { 14, 0, 1, false }, { 1, 0xFFFFFFFF, 1, true }, { 0x70000003, 1, 1, false },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_elf_section s = { .type = rows[i].type, .addr = rows[i].addr, .size = rows[i].size };
        if (ud_elf_is_loaded(&s) != rows[i].loaded)
            fail_msg("row %zu", i);
    }
}

static void headers_that_cannot_be_used_are_refused(void **state)
{
    static const struct {
        const char *name;
        uint32_t at, value;
        uint8_t size;
        const char *text;
    } rows[] = {
        { "64 bits", 4, 2, 1, "32-bit" },
        { "big-endian", 5, 2, 1, "32-bit" },
        { "relocatable", 16, 1, 2, "32-bit" },
        { "machine 0", 18, 0, 2, "32-bit" },
        { "entry size", 46, 39, 2, "40 bytes" },
        { "table behind the file", 32, 0xFFFFFFF0, 4, "leaves the file" },
        { "table one byte too far", 32, 0, 4, "leaves the file" }, /* value is set below */
        { "more sections than there are", 48, 6, 2, "leaves the file" },
        { "most sections", 48, 65535, 2, "leaves the file" },
    };
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        make(&f);
        uint32_t value = strstr(rows[i].name, "one byte") ? ud_load_le32(f.b.p + 32) + 1 : rows[i].value;
        for (uint8_t k = 0; k < rows[i].size; k++)
            f.b.p[rows[i].at + k] = (uint8_t)(value >> 8 * k);
        if (open_elf(&f) != ESP_ERR_INVALID_ARG || f.notes.count != 1 || f.notes.last.id != UD_NOTE_IMAGE_ELF ||
            !strstr(f.notes.last.text, rows[i].text))
            fail_msg("%s: %s", rows[i].name, f.notes.last.text ? f.notes.last.text : "taken");
        free(f.b.p);
    }
    assert_int_equal(ud_elf_open(&f.elf, NULL, 0, NULL), ESP_ERR_INVALID_ARG);
}

static void a_file_without_sections_is_a_file(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    ud_store_le16(f.b.p + 46, 0);
    ud_store_le16(f.b.p + 48, 0);
    ud_store_le32(f.b.p + 32, 0);
    assert_int_equal(open_elf(&f), ESP_OK);
    struct ud_elf_section s;
    assert_int_equal(ud_elf_section(&f.elf, 0, &f.obs, &s), ESP_ERR_NOT_FOUND);
    free(f.b.p);
}

static void files_beyond_2_gib_are_not_looked_at(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    assert_int_equal(ud_elf_open(&f.elf, f.b.p, (size_t)INT32_MAX + 1, &f.obs), ESP_ERR_INVALID_ARG);
    assert_non_null(strstr(f.notes.last.text, "2 GiB"));
    free(f.b.p);
}

static void data_that_leave_the_file_are_refused(void **state)
{
    struct fixture f;
    struct ud_elf_section s;
    (void)state;
    make(&f);
    assert_int_equal(open_elf(&f), ESP_OK);
    uint8_t *h = f.b.p + f.elf.table_off + ELF_SECTION; /* .first */
    static const struct {
        uint32_t off, size;
        esp_err_t err;
    } rows[] = { { 0, 0, ESP_OK }, { 0xFFFFFFFF, 1, ESP_ERR_INVALID_ARG }, { 52, 0xFFFFFFFF, ESP_ERR_INVALID_ARG } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        ud_store_le32(h + 16, rows[i].off);
        ud_store_le32(h + 20, rows[i].size);
        assert_int_equal(ud_elf_section(&f.elf, 1, &f.obs, &s), rows[i].err);
    }
    for (uint32_t over = 0; over < 3; over++) {
        ud_store_le32(h + 16, f.b.len - 8);
        ud_store_le32(h + 20, 8 + over);
        assert_int_equal(ud_elf_section(&f.elf, 1, &f.obs, &s), over ? ESP_ERR_INVALID_ARG : ESP_OK);
    }
    assert_int_equal(f.notes.last.id, UD_NOTE_IMAGE_ELF);
    ud_store_le32(h + 4, 8); /* bss: its offset and size say nothing about the file */
    ud_store_le32(h + 20, 0xFFFFFFFF);
    assert_int_equal(ud_elf_section(&f.elf, 1, &f.obs, &s), ESP_OK);
    free(f.b.p);
}

static void names_that_cannot_be_read_are_empty(void **state)
{
    struct fixture f;
    struct ud_elf_section s;
    (void)state;
    for (int way = 0; way < 7; way++) {
        make(&f);
        uint32_t table = ud_load_le32(f.b.p + 32);
        uint8_t *names = f.b.p + table + ELF_SECTION * 4;
        uint32_t end = ud_load_le32(names + 16) + ud_load_le32(names + 20);
        switch (way) {
        case 0: /* no such section */
            ud_store_le16(f.b.p + 50, 5);
            break;
        case 1: /* not a table of names */
            ud_store_le32(names + 4, 1);
            break;
        case 2: /* not ended */
            f.b.p[end - 1] = 'x';
            break;
        case 3: /* outside the file */
            ud_store_le32(names + 16, f.b.len - 1);
            break;
        case 4: /* empty */
            ud_store_le32(names + 20, 0);
            break;
        case 5: /* a name behind the table */
            ud_store_le32(f.b.p + table + ELF_SECTION, ud_load_le32(names + 20));
            break;
        default: /* the last byte of the table: its NUL */
            ud_store_le32(f.b.p + table + ELF_SECTION, ud_load_le32(names + 20) - 1);
            break;
        }
        assert_int_equal(open_elf(&f), ESP_OK);
        assert_int_equal(ud_elf_section(&f.elf, 1, &f.obs, &s), ESP_OK);
        assert_string_equal(s.name, "");
        free(f.b.p);
    }
}

/* Cut anywhere, a file is refused or read within its bytes (the address sanitizer watches). */
static void every_prefix_is_safe(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    for (uint32_t len = 0; len < f.b.len; len++) {
        struct image_bytes cut = image_copy(f.b.p, len);
        assert_int_equal(ud_elf_open(&f.elf, cut.p, cut.len, NULL), ESP_ERR_INVALID_ARG); /* the table is at the end */
        free(cut.p);
    }
    free(f.b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_read_in_order),
        cmocka_unit_test(what_is_loaded_has_bytes_and_an_address),
        cmocka_unit_test(headers_that_cannot_be_used_are_refused),
        cmocka_unit_test(a_file_without_sections_is_a_file),
        cmocka_unit_test(files_beyond_2_gib_are_not_looked_at),
        cmocka_unit_test(data_that_leave_the_file_are_refused),
        cmocka_unit_test(names_that_cannot_be_read_are_empty),
        cmocka_unit_test(every_prefix_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
