/* SPDX-License-Identifier: Apache-2.0 */
/* Binary tables: those of ESP-IDF's generator both ways, and every way to be wrong. */
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

#define ENTRY 32u

static void load(const char *name, uint8_t bytes[UD_PTABLE_BYTES])
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", UD_VECTORS, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, UD_PTABLE_BYTES, f), UD_PTABLE_BYTES);
    fclose(f);
}

struct heard {
    int count;
    struct ud_note last;
    char text[128];
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct heard *heard = ctx;
    heard->count++;
    heard->last = *note;
    ud_strcopy(heard->text, sizeof heard->text, note->text ? note->text : "", sizeof heard->text);
}

static void put_md5(uint8_t *bytes, uint32_t slot)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t *e = bytes + slot * ENTRY;
    memset(e, 0xFF, ENTRY);
    e[0] = e[1] = 0xEB;
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_MD5, bytes, slot * ENTRY, e + 16), ESP_OK);
}

static const char *const vectors[] = { "ptable-a_two_ota.bin", "ptable-b_flags_mixed.bin", "ptable-c_fill_neg.bin" };

static void the_generators_tables_come_out_byte_for_byte(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t i = 0; i < UD_ARRAY_LEN(vectors); i++) {
        uint8_t bytes[UD_PTABLE_BYTES], again[UD_PTABLE_BYTES];
        struct ud_ptable table;
        load(vectors[i], bytes);
        assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0x400000, &crypto, NULL, &table), ESP_OK);
        assert_true(table.has_md5);
        assert_int_equal(ud_ptable_encode(&table, &crypto, again), ESP_OK);
        assert_memory_equal(again, bytes, sizeof bytes);
    }
}

static void fields_are_those_of_the_vector(void **state)
{
    (void)state;
    static const struct ud_partition expected[] = {
        { 0x1000, 0x7000, 0, 2, 0, "bootloader" },   { 0x8000, 0x1000, 0, 3, 0, "ptable" },
        { 0x9000, 0x6000, 1, 1, 2, "nvs" },          { 0xF000, 0x2000, 0, 1, 0, "otadata" },
        { 0x11000, 0x1000, 3, 1, 2, "cfg" },         { 0x20000, 0x170000, 0, 0, 0x10, "ota_0" },
        { 0x190000, 0x170000, 0, 0, 0x11, "ota_1" }, { 0x300000, 0x10000, 2, 1, 0x83, "storage" },
        { 0x310000, 0x2000, 0, 1, 6, "blob" },       { 0x312000, 0x1000, 0, 0x40, 5, "user" },
        { 0x313000, 0x10000, 0, 1, 3, "core" },
    };
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_ptable table;
    load(vectors[1], bytes);
    assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, NULL, &table), ESP_OK);
    assert_int_equal(table.count, UD_ARRAY_LEN(expected));
    for (size_t i = 0; i < table.count; i++)
        assert_true(same_partition(&table.part[i], &expected[i]));
}

static void a_full_label_is_terminated(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_ptable table;
    load(vectors[2], bytes);
    assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, NULL, &table), ESP_OK);
    assert_string_equal(table.part[2].label, "app_factory_1234");
}

enum damage {
    NONE,
    FLIP_ENTRY,
    FLIP_DIGEST,
    SECOND_MD5,
    BAD_MAGIC,
    NO_END,
    EMPTY,
    OUTSIDE,
    WRAPS,
    AFTER_MD5,
    NO_MD5,
};

/* The two-OTA table: six partitions, MD5 in slot 6, end in slot 7. */
static void damage(uint8_t *bytes, enum damage kind)
{
    switch (kind) {
    case NONE:
        break;
    case FLIP_ENTRY:
        bytes[ENTRY + 4] ^= 1;
        break;
    case FLIP_DIGEST:
        bytes[6 * ENTRY + 31] ^= 1;
        break;
    case SECOND_MD5:
        put_md5(bytes, 7);
        break;
    case BAD_MAGIC:
        bytes[2 * ENTRY] = 0xAB;
        break;
    case NO_END:
        for (uint32_t slot = 6; slot < 96; slot++)
            memcpy(bytes + slot * ENTRY, bytes, ENTRY);
        break;
    case EMPTY:
        memset(bytes, 0xFF, UD_PTABLE_BYTES);
        break;
    case OUTSIDE:
        ud_store_le32(bytes + 5 * ENTRY + 4, 0x3F0000);
        ud_store_le32(bytes + 5 * ENTRY + 8, 0x10001);
        put_md5(bytes, 6);
        break;
    case WRAPS:
        ud_store_le32(bytes + 5 * ENTRY + 4, 0x1000);
        ud_store_le32(bytes + 5 * ENTRY + 8, 0xFFFFF000u);
        put_md5(bytes, 6);
        break;
    case AFTER_MD5:
        memcpy(bytes + 7 * ENTRY, bytes, ENTRY);
        break;
    case NO_MD5:
        memset(bytes + 6 * ENTRY, 0xFF, ENTRY);
        break;
    }
}

static void the_boot_loaders_rules_decide(void **state)
{
    (void)state;
    static const struct row {
        enum damage kind;
        esp_err_t err;
        uint64_t at; /* offset of the entry that is noted */
        uint8_t count;
    } rows[] = {
        { NONE, ESP_OK, 0, 6 },
        { FLIP_ENTRY, ESP_ERR_INVALID_STATE, 6 * ENTRY, 0 },
        { FLIP_DIGEST, ESP_ERR_INVALID_STATE, 6 * ENTRY, 0 },
        { SECOND_MD5, ESP_ERR_INVALID_STATE, 7 * ENTRY, 0 },
        { BAD_MAGIC, ESP_ERR_INVALID_STATE, 2 * ENTRY, 0 },
        { NO_END, ESP_ERR_INVALID_STATE, 96 * ENTRY, 0 },
        { EMPTY, ESP_ERR_INVALID_STATE, 0, 0 },
        { OUTSIDE, ESP_ERR_INVALID_SIZE, 5 * ENTRY, 0 },
        { WRAPS, ESP_ERR_INVALID_SIZE, 5 * ENTRY, 0 },
        { AFTER_MD5, ESP_OK, 0, 7 },
        { NO_MD5, ESP_OK, 0, 6 },
    };
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        uint8_t bytes[UD_PTABLE_BYTES];
        struct heard heard = { 0 };
        struct ud_observer obs = { hear, &heard };
        struct ud_ptable table, untouched;
        memset(&table, 0x5A, sizeof table);
        memset(&untouched, 0x5A, sizeof untouched);
        load(vectors[0], bytes);
        damage(bytes, rows[i].kind);
        assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0x400000, &crypto, &obs, &table), rows[i].err);
        if (rows[i].err == ESP_OK) {
            assert_int_equal(table.count, rows[i].count);
            assert_int_equal(table.has_md5, rows[i].kind != NO_MD5);
            assert_int_equal(heard.count, 0);
        } else {
            assert_memory_equal(&table, &untouched, sizeof table);
            assert_int_equal(heard.count, 1);
            assert_int_equal(heard.last.id, UD_NOTE_PTABLE_BAD);
            assert_int_equal(heard.last.err, rows[i].err);
            assert_int_equal(heard.last.a, rows[i].at);
            assert_true(heard.text[0] != '\0');
        }
    }
}

static void a_table_cut_before_its_end_is_refused_at_every_length(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_ptable table;
    load(vectors[0], bytes);
    for (size_t len = 0; len < 8 * ENTRY; len++)
        assert_int_equal(ud_ptable_decode(bytes, len, 0, &crypto, NULL, &table), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_ptable_decode(bytes, 8 * ENTRY, 0, &crypto, NULL, &table), ESP_OK);
}

static void unknown_flags_are_noted_and_kept(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_ptable table;
    load(vectors[0], bytes);
    ud_store_le32(bytes + ENTRY + 28, 0x80000005u);
    put_md5(bytes, 6);
    assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, &obs, &table), ESP_OK);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.id, UD_NOTE_PTABLE_UNKNOWN_FLAGS);
    assert_int_equal(heard.last.a, ENTRY);
    assert_int_equal(heard.last.b, 0x80000005u);
    assert_int_equal(table.part[1].flags, 0x80000005u);
}

static esp_err_t no_hash(void *ctx, enum ud_hash_alg alg, void **hash)
{
    (void)ctx;
    (void)alg;
    (void)hash;
    return ESP_ERR_NO_MEM;
}

static void without_md5_on_the_device_the_reason_comes_through(void **state)
{
    (void)state;
    static const struct ud_crypto_ops ops = { .hash_start = no_hash };
    struct ud_crypto none = { &ops, NULL };
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_ptable table;
    load(vectors[0], bytes);
    assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &none, NULL, &table), ESP_ERR_NO_MEM);
    assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, NULL, &table), ESP_OK);
    assert_int_equal(ud_ptable_encode(&table, &none, bytes), ESP_ERR_NO_MEM);
    table.has_md5 = false;
    assert_int_equal(ud_ptable_encode(&table, &none, bytes), ESP_OK);
}

static void ninety_five_slots_fit_and_no_more(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    static struct ud_ptable table, again;
    uint8_t bytes[UD_PTABLE_BYTES];
    for (uint32_t i = 0; i < UD_PTABLE_MAX_ENTRIES; i++)
        table.part[i] = (struct ud_partition){ .addr = 0x9000 + i * 0x1000, .size = 0x1000, .type = 1, .subtype = 6 };
    table.count = 95;
    table.has_md5 = true;
    assert_int_equal(ud_ptable_encode(&table, &crypto, bytes), ESP_ERR_INVALID_SIZE);
    for (int md5 = 0; md5 < 2; md5++) {
        table.count = (uint8_t)(95 - md5);
        table.has_md5 = md5;
        assert_int_equal(ud_ptable_encode(&table, &crypto, bytes), ESP_OK);
        assert_int_equal(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, NULL, &again), ESP_OK);
        assert_true(same_table(&table, &again));
    }
}

static void loading_reads_the_flash_and_is_bounded_by_it(void **state)
{
    (void)state;
    static uint8_t chip[0x400000];
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_ram_flash ram;
    struct ud_flash flash;
    struct ud_ptable table;
    memset(chip, 0xFF, sizeof chip);
    load(vectors[0], chip + 0x8000);
    ud_ram_flash_init(&ram, &flash, chip, sizeof chip);
    assert_int_equal(ud_ptable_load(&flash, 0x8000, &crypto, NULL, &table), ESP_OK);
    assert_int_equal(table.count, 6);
    assert_int_equal(ud_ptable_load(&flash, 0x9000, &crypto, NULL, &table), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_ptable_load(&flash, sizeof chip, &crypto, NULL, &table), ESP_ERR_INVALID_SIZE);
    ud_ram_flash_init(&ram, &flash, chip, 0x200000); /* ota_1 ends at 3 MiB */
    assert_int_equal(ud_ptable_load(&flash, 0x8000, &crypto, NULL, &table), ESP_ERR_INVALID_SIZE);
}

static void lookup_follows_table_order(void **state)
{
    (void)state;
    static const struct ud_ptable table = {
        .count = 4,
        .part = {
            { 0x9000, 0x6000, 0, 1, 2, "nvs" },
            { 0x10000, 0x10000, 0, 0, 0x10, "ota_0" },
            { 0x20000, 0x10000, 1, 0, 0x11, "ota_1" },
            { 0x30000, 0x1000, 2, 1, 2, "cfg" },
        },
    };
    const struct ud_partition *p = table.part;
    assert_ptr_equal(ud_ptable_find(&table, UD_PART_ANY, UD_PART_ANY, NULL), p);
    assert_ptr_equal(ud_ptable_find(&table, 0, UD_PART_ANY, NULL), p + 1);
    assert_ptr_equal(ud_ptable_find(&table, 0, 0x11, NULL), p + 2);
    assert_ptr_equal(ud_ptable_find(&table, 1, 2, NULL), p); /* the first of two */
    assert_ptr_equal(ud_ptable_find(&table, 1, 2, "cfg"), p + 3);
    assert_null(ud_ptable_find(&table, 1, 2, "CFG"));
    assert_null(ud_ptable_find(&table, 0, 0x12, NULL));
    assert_ptr_equal(ud_ptable_find_next(&table, p, 1, 2, NULL), p + 3);
    assert_null(ud_ptable_find_next(&table, p + 3, 1, 2, NULL));
    assert_ptr_equal(ud_ptable_find_next(&table, NULL, 1, 2, NULL), p);

    assert_ptr_equal(ud_ptable_at(&table, 0x9000), p);
    assert_ptr_equal(ud_ptable_at(&table, 0xEFFF), p);
    assert_null(ud_ptable_at(&table, 0xF000));
    assert_null(ud_ptable_at(&table, 0));
    assert_ptr_equal(ud_ptable_at(&table, 0x2FFFF), p + 2);

    struct ud_partition copy = p[2];
    assert_ptr_equal(ud_ptable_verify(&table, &copy), p + 2);
    copy.label[0] = '\0';
    assert_ptr_equal(ud_ptable_verify(&table, &copy), p + 2);
    copy.flags = 0;
    assert_null(ud_ptable_verify(&table, &copy));
    copy = p[3];
    copy.flags = 0; /* readonly is not compared */
    assert_ptr_equal(ud_ptable_verify(&table, &copy), p + 3);
    copy.size++;
    assert_null(ud_ptable_verify(&table, &copy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generators_tables_come_out_byte_for_byte),
        cmocka_unit_test(fields_are_those_of_the_vector),
        cmocka_unit_test(a_full_label_is_terminated),
        cmocka_unit_test(the_boot_loaders_rules_decide),
        cmocka_unit_test(a_table_cut_before_its_end_is_refused_at_every_length),
        cmocka_unit_test(unknown_flags_are_noted_and_kept),
        cmocka_unit_test(without_md5_on_the_device_the_reason_comes_through),
        cmocka_unit_test(ninety_five_slots_fit_and_no_more),
        cmocka_unit_test(loading_reads_the_flash_and_is_bounded_by_it),
        cmocka_unit_test(lookup_follows_table_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
