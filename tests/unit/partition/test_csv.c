/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in CSV: those of ESP-IDF's generator, the default tables, and one fault of each kind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "same_table.h"
#include "updraft/partition.h"
#include "updraft/port_linux.h"

static size_t load(const char *name, void *buf, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", UD_VECTORS, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(buf, 1, cap, f);
    fclose(f);
    return len;
}

struct heard {
    int errors;
    int warnings;
    struct ud_note last;
    char text[400];
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct heard *heard = ctx;
    if (note->id == UD_NOTE_CSV_WARNING)
        heard->warnings++;
    else
        heard->errors++;
    heard->last = *note;
    ud_strcopy(heard->text, sizeof heard->text, note->text, sizeof heard->text);
}

static void the_generators_csv_gives_its_binary(void **state)
{
    (void)state;
    static const char *const names[] = { "ptable-a_two_ota", "ptable-b_flags_mixed", "ptable-c_fill_neg" };
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_csv_options opt = { .has_bootloader_offset = true, .bootloader_offset = 0x1000, .flash_size = 0x400000 };
    for (size_t i = 0; i < UD_ARRAY_LEN(names); i++) {
        char name[64], text[4096];
        uint8_t expected[UD_PTABLE_BYTES], bytes[UD_PTABLE_BYTES];
        struct ud_ptable table;
        snprintf(name, sizeof name, "%s.csv", names[i]);
        size_t len = load(name, text, sizeof text);
        snprintf(name, sizeof name, "%s.bin", names[i]);
        assert_int_equal(load(name, expected, sizeof expected), sizeof expected);
        assert_int_equal(ud_csv_decode(text, len, &opt, NULL, &table), ESP_OK);
        assert_int_equal(ud_ptable_encode(&table, &crypto, bytes), ESP_OK);
        assert_memory_equal(bytes, expected, sizeof bytes);
    }
}

static void default_tables_are_espidfs(void **state)
{
    (void)state;
    static const struct row {
        const char *name;
        uint8_t count;
        const char *last;
        uint32_t addr, size;
    } rows[] = {
        { "single_app", 3, "factory", 0x10000, 0x100000 },
        { "two_ota", 6, "ota_1", 0x210000, 0x100000 },
        { "two_ota_large", 5, "ota_1", 0x1D0000, 1700 * 1024 },
    };
    struct ud_csv_options opt = { .flash_size = 0x400000 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const char *text = ud_csv_default(rows[i].name);
        struct ud_ptable table;
        assert_non_null(text);
        assert_int_equal(ud_csv_decode(text, strlen(text), &opt, NULL, &table), ESP_OK);
        assert_int_equal(table.count, rows[i].count);
        const struct ud_partition *p = &table.part[table.count - 1];
        assert_string_equal(p->label, rows[i].last);
        assert_int_equal(p->addr, rows[i].addr);
        assert_int_equal(p->size, rows[i].size);
    }
    assert_null(ud_csv_default("three_ota"));
}

static void a_name_beyond_its_place_is_cut(void **state)
{
    (void)state;
    static const char name[] = "abcdefghijklmnopqrst";
    struct ud_csv_options opt = { .flash_size = 0x400000 };
    for (size_t len = 14; len < sizeof name; len++) {
        struct ud_ptable table;
        char csv[64];
        snprintf(csv, sizeof csv, "%.*s,data,fat,,4K,encrypted", (int)len, name);
        assert_int_equal(ud_csv_decode(csv, strlen(csv), &opt, NULL, &table), ESP_OK);
        assert_int_equal(ud_strnlen(table.part[0].label, sizeof table.part[0].label), len < 16 ? len : 16);
        assert_memory_equal(table.part[0].label, name, len < 16 ? len : 16);
    }
}

static void faults_are_named_with_line_cell_and_remedy(void **state)
{
    (void)state;
    static const struct row {
        const char *csv;
        uint32_t line;
        const char *says; /* part of the message */
    } rows[] = {
        { "nvs,,nvs,,0x6000", 1, "Type is empty; write" },
        { "# c\n\nnvs,dta,nvs,,0x6000", 3, "Type \"dta\" is not known; write" },
        { "f,app,,,1M", 1, "SubType is empty; write" },
        { "f,app,nvs,,1M", 1, "SubType \"nvs\" is not" },
        { "a,data,fat,x,4K", 1, "Offset \"x\" is not a number; write" },
        { "a,data,fat,,4G\n", 1, "Size \"4G\" is not a number; write" },
        { "a,data,fat,,010", 1, "Size \"010\"" },
        { "a,data,fat,,1.5K", 1, "Size \"1.5K\"" },
        { "a,data,fat,,", 1, "Size is empty; write" },
        { "a,data,fat,,4K,Encrypted", 1, "Flags \"Encrypted\" is not known; write" },
        { "a,data,fat,,4K,encrypted # why", 1, "Flags \"encrypted # why\"" },
        { "a,data,fat,0x9000,4K\r\nb,data,fat,0x9000,4K", 2, "below the rows before it, 0xa000" },
        { "a,data,fat,0x8000,4K", 1, "below the end of the partition table, 0x9000" },
        { "a,data,fat,0,4K", 1, "Offset 0x0 lies below the end of the partition table" },
        { "a,data,fat,-1,4K", 1, "Offset -0x1 " },
        { "a,data,fat,0x9800,4K", 1, "Offset 0x9800 is not a multiple of 0x1000" },
        { "a,app,factory,0x11000,4K", 1, "not a multiple of 0x10000" },
        { "a,app,factory,,0x1800", 1, "Size 0x1800 of an app partition" },
        { "o,data,ota,,8K,readonly", 1, "remove the flag" },
        { "n,data,nvs,,0x2000", 1, "too small for NVS" },
        { "a,data,fat,,4K\na,data,fat,,4K", 2, "Name is used twice" },
        { "o,data,ota,,8K\np,data,ota,,8K", 2, "remove one" },
        { "o,data,ota,,4K", 1, "exactly 0x2000" },
        { "a,app,factory,,4M", 1, "beyond the flash" },
        { "a,256,0,,4K", 1, "Type 0x100 does not fit" },
        { "a,data,fat,,-0x8000", 1, "Size -0x1000 is negative" },
        { "b,bootloader,primary,,", 1, "give it as an option" },
        { "t,partition_table,primary,,\nu,partition_table,primary,,", 2,
          "overlaps partition \"t\", which ends at 0x9000" },
        { "# ok\na,data,$KIND,,4K", 2, "environment variables" },
        { "# ok\na\xFF,data,fat,,4K", 2, "not UTF-8" },
        { "\xFF\xFE"
          "a",
          1, "save it as UTF-8" },
        { "a\tdata\tfat", 1, "Type is empty" },
    };
    struct ud_csv_options opt = { .flash_size = 0x400000 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard = { 0 };
        struct ud_observer obs = { hear, &heard };
        struct ud_ptable table, untouched;
        memset(&table, 0x5A, sizeof table);
        memset(&untouched, 0x5A, sizeof untouched);
        esp_err_t err = ud_csv_decode(rows[i].csv, strlen(rows[i].csv), &opt, &obs, &table);
        assert_int_equal(err, ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.errors, 1);
        assert_int_equal(heard.last.id, UD_NOTE_CSV_BAD);
        assert_int_equal(heard.last.a, rows[i].line);
        if (!strstr(heard.text, rows[i].says))
            fail_msg("\"%s\" lacks \"%s\"", heard.text, rows[i].says);
        assert_memory_equal(&table, &untouched, sizeof table);
    }
}

static void the_kind_of_a_fault_is_told_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *csv;
        uint32_t fault;
    } rows[] = {
        { "t,partition_table,x,,", UD_PTABLE_BAD_SUBTYPE },
        { "t,64,x,,4K", UD_PTABLE_BAD_NUMBER }, /* a type without names */
        { "t,-1,x,,4K", UD_PTABLE_BAD_NUMBER },
        { "a,data,fat,factory,4K", UD_PTABLE_BAD_NUMBER },
        { "a,data,fat,,app", UD_PTABLE_BAD_NUMBER },
        { "a,data,fat,,-", UD_PTABLE_BAD_NUMBER },
        { "r,bootloader,recovery,,", UD_PTABLE_NO_RECOVERY_OFFSET },
        { "b,bootloader,ota,0x10000,", UD_PTABLE_NO_BOOTLOADER_OFFSET },
        { "a,data,fat,0x8000,4K", UD_PTABLE_BELOW_TABLE_END },
        { "a,data,fat,,8K\nb,data,fat,0x9000,4K", UD_PTABLE_BELOW_PREVIOUS_END },
        { "o,data,tee_ota,,8K\np,data,tee_ota,,8K", UD_PTABLE_MANY_TEEOTADATA },
        { "o,data,tee_ota,,4K", UD_PTABLE_TEEOTADATA_SIZE },
        { "o,data,ota,,4K", UD_PTABLE_OTADATA_SIZE },
    };
    struct ud_csv_options opt = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard = { 0 };
        struct ud_observer obs = { hear, &heard };
        struct ud_ptable table;
        assert_int_equal(ud_csv_decode(rows[i].csv, strlen(rows[i].csv), &opt, &obs, &table), ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.last.b, rows[i].fault);
    }
}

static void no_control_character_reaches_a_message(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_csv_options opt = { 0 };
    struct ud_ptable table;
    static const char csv[] = "a\033[2J\177,dta,fat,,4K";
    assert_int_equal(ud_csv_decode(csv, sizeof csv - 1, &opt, &obs, &table), ESP_ERR_INVALID_ARG);
    assert_non_null(strstr(heard.text, "\"a?[2J?\""));
}

static void numbers_are_read_in_every_form(void **state)
{
    (void)state;
    static const struct row {
        const char *text;
        uint32_t size; /* 0: refused */
    } rows[] = {
        { "4096", 4096 },
        { "0x3000", 0x3000 },
        { "0X3000", 0x3000 },
        { "0o10000", 4096 },
        { "0b1000000000000", 4096 },
        { "12K", 12288 },
        { "12k", 12288 },
        { "0x3k", 3072 },
        { "1M", 1048576 },
        { "+4096", 4096 },
        { "0x_3000", 0x3000 },
        { "1_2K", 12288 },
        { "12 K", 12288 },
        { "1KK", 1048576 },
        { "-0xB000", 0x2000 },
        { "0x", 0 },
        { "K", 0 },
        { "1 K K", 0 },
        { "1__2K", 0 },
        { "12_", 0 },
        { "0x30g0", 0 },
        { "--1", 0 },
        { "1e3", 0 },
        { "0b12", 0 },
        { "_12", 0 },
        { "99999999999999999999999999M", 0 },
    };
    struct ud_csv_options opt = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char csv[80];
        struct ud_ptable table;
        snprintf(csv, sizeof csv, "a,data,fat,,%s", rows[i].text);
        esp_err_t err = ud_csv_decode(csv, strlen(csv), &opt, NULL, &table);
        if (rows[i].size == 0) {
            assert_int_equal(err, ESP_ERR_INVALID_ARG);
            continue;
        }
        assert_int_equal(err, ESP_OK);
        assert_int_equal(table.part[0].size, rows[i].size);
    }
}

static void options_move_the_table_and_tighten_the_rules(void **state)
{
    (void)state;
    static const char csv[] = "bl,bootloader,primary,,\nr,bootloader,recovery,,\n";
    static const char app[] = "f,app,factory,,0x11000";
    struct ud_ptable table;
    struct ud_csv_options opt = {
        .table_offset = 0x10000,
        .has_bootloader_offset = true,
        .bootloader_offset = 0x2000,
        .has_recovery_offset = true,
        .recovery_offset = 0x3F0000,
        .no_md5 = true,
    };
    assert_int_equal(ud_csv_decode(csv, sizeof csv - 1, &opt, NULL, &table), ESP_OK);
    assert_int_equal(table.part[0].addr, 0x2000);
    assert_int_equal(table.part[0].size, 0xE000);
    assert_int_equal(table.part[1].addr, 0x3F0000);
    assert_false(table.has_md5);

    opt.bootloader_offset = 0x10000;
    assert_int_equal(ud_csv_decode(csv, sizeof csv - 1, &opt, NULL, &table), ESP_ERR_INVALID_ARG);

    struct ud_csv_options secure = { .secure_v1 = true };
    assert_int_equal(ud_csv_decode(app, sizeof app - 1, &secure, NULL, &table), ESP_ERR_INVALID_ARG);
    secure.secure_v1 = false;
    assert_int_equal(ud_csv_decode(app, sizeof app - 1, &secure, NULL, &table), ESP_OK);
    assert_int_equal(table.part[0].addr, 0x10000);
}

static void a_misleading_name_only_warns(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_csv_options opt = { 0 };
    struct ud_ptable table;
    static const char csv[] = "nvs,data,nvs,,0x3000\nota_0,data,fat,,4K\n";
    assert_int_equal(ud_csv_decode(csv, sizeof csv - 1, &opt, &obs, &table), ESP_OK);
    assert_int_equal(heard.warnings, 1);
    assert_int_equal(heard.last.a, 2);
}

static void the_table_holds_ninety_four_and_its_md5(void **state)
{
    (void)state;
    static char csv[8192];
    struct ud_ptable table;
    for (unsigned rows = 93; rows <= 130; rows++) {
        size_t len = 0;
        for (unsigned i = 0; i < rows; i++)
            len += (size_t)snprintf(csv + len, sizeof csv - len, "p%u,data,fat,,4K\n", i);
        struct ud_csv_options opt = { 0 };
        assert_int_equal(ud_csv_decode(csv, len, &opt, NULL, &table), rows <= 94 ? ESP_OK : ESP_ERR_INVALID_ARG);
        opt.no_md5 = true;
        assert_int_equal(ud_csv_decode(csv, len, &opt, NULL, &table), rows <= 95 ? ESP_OK : ESP_ERR_INVALID_ARG);
    }
}

static void printing_and_reading_gives_the_same_table(void **state)
{
    (void)state;
    char text[4096], small[40];
    size_t needed = 0, again = 0;
    struct ud_csv_options opt = { .has_bootloader_offset = true, .bootloader_offset = 0x1000 };
    struct ud_ptable table, back;
    size_t len = load("ptable-b_flags_mixed.csv", text, sizeof text);
    assert_int_equal(ud_csv_decode(text, len, &opt, NULL, &table), ESP_OK);
    assert_int_equal(ud_csv_encode(&table, NULL, 0, &needed), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_csv_encode(&table, small, sizeof small, &again), ESP_ERR_INVALID_SIZE);
    assert_int_equal(again, needed);
    assert_int_equal(ud_csv_encode(&table, text, needed, &again), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_csv_encode(&table, text, needed + 1, &again), ESP_OK);
    assert_int_equal(strlen(text), needed);
    assert_non_null(strstr(text, "\ncfg,data,nvs,0x11000,4K,encrypted:readonly\n"));
    assert_non_null(strstr(text, "\nuser,64,5,0x312000,4K,\n"));
    assert_int_equal(ud_csv_decode(text, needed, &opt, NULL, &back), ESP_OK);
    assert_true(same_table(&table, &back));
}

static void labels_that_csv_cannot_carry_are_refused(void **state)
{
    (void)state;
    static const char *const labels[] = { "a,b", "#a", " a", "a ", "a\nb", "\xC3", "${A}", "x$1" };
    char text[200];
    size_t needed = 7;
    struct ud_ptable table = { .count = 1, .part = { { 0x9000, 0x801, 4, 1, 6, "a$" } } };
    assert_int_equal(ud_csv_encode(&table, text, sizeof text, &needed), ESP_OK);
    assert_non_null(strstr(text, "\na$,data,undefined,0x9000,0x801,\n"));
    ud_strcopy(table.part[0].label, sizeof table.part[0].label, "a$-", 16);
    assert_int_equal(ud_csv_encode(&table, text, sizeof text, &needed), ESP_OK);
    for (size_t i = 0; i < UD_ARRAY_LEN(labels); i++) {
        needed = 7;
        ud_strcopy(table.part[0].label, sizeof table.part[0].label, labels[i], 16);
        assert_int_equal(ud_csv_encode(&table, text, sizeof text, &needed), ESP_ERR_NOT_SUPPORTED);
        assert_int_equal(needed, 7);
    }
}

static void a_binary_table_is_judged_by_the_same_rules(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_csv_options opt = { 0 };
    struct ud_ptable table = {
        .count = 2,
        .has_md5 = true,
        .part = { { 0x20000, 0x10000, 0, 0, 0x10, "ota_0" }, { 0x9000, 0x2000, 0, 1, 0, "otadata" } },
    };
    assert_int_equal(ud_ptable_check(&table, &opt, &obs), ESP_OK); /* any order */
    table.part[1].size = 0x18000;
    assert_int_equal(ud_ptable_check(&table, &opt, &obs), ESP_ERR_INVALID_ARG);
    assert_int_equal(heard.last.a, 0);
    assert_non_null(strstr(heard.text, "partition \"ota_0\": Offset 0x20000 overlaps partition \"otadata\""));
}

static void names_and_numbers_of_entries(void **state)
{
    (void)state;
    char scratch[8];
    assert_string_equal(ud_partition_type_name(0, scratch), "app");
    assert_string_equal(ud_partition_type_name(0xFE, scratch), "254");
    assert_string_equal(ud_partition_subtype_name(0, 0x1F, scratch), "ota_15");
    assert_string_equal(ud_partition_subtype_name(1, 0x83, scratch), "littlefs");
    assert_string_equal(ud_partition_subtype_name(0x40, 0, scratch), "0");
    assert_string_equal(ud_partition_subtype_name(1, 9, scratch), "9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generators_csv_gives_its_binary),
        cmocka_unit_test(default_tables_are_espidfs),
        cmocka_unit_test(a_name_beyond_its_place_is_cut),
        cmocka_unit_test(faults_are_named_with_line_cell_and_remedy),
        cmocka_unit_test(the_kind_of_a_fault_is_told_with_it),
        cmocka_unit_test(no_control_character_reaches_a_message),
        cmocka_unit_test(numbers_are_read_in_every_form),
        cmocka_unit_test(options_move_the_table_and_tighten_the_rules),
        cmocka_unit_test(a_misleading_name_only_warns),
        cmocka_unit_test(the_table_holds_ninety_four_and_its_md5),
        cmocka_unit_test(printing_and_reading_gives_the_same_table),
        cmocka_unit_test(labels_that_csv_cannot_carry_are_refused),
        cmocka_unit_test(a_binary_table_is_judged_by_the_same_rules),
        cmocka_unit_test(names_and_numbers_of_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
