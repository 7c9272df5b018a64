/* SPDX-License-Identifier: Apache-2.0 */
/* Binary tables as the generator reads a file, where the boot loader reads otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "count_crypto.h"
#include "same_table.h"
#include "updraft/partition.h"
#include "updraft/port_linux.h"

#define ENTRY 32

static uint8_t bytes[8 * 1024];
static const struct ud_ptable two = {
    .count = 2,
    .has_md5 = true,
    .part = { { 0x9000, 0x2000, 0, 1, 0, "otadata" }, { 0x20000, 0x10000, 0, 0, 0x10, "ota_0" } },
};

struct heard {
    int errors, odd_flags;
    struct ud_note last;
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct heard *heard = ctx;
    heard->odd_flags += note->id == UD_NOTE_PTABLE_UNKNOWN_FLAGS;
    if (note->err == ESP_OK)
        return;
    heard->errors++;
    heard->last = *note;
}

static int setup(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    memset(bytes, 0xFF, sizeof bytes);
    return ud_ptable_encode(&two, &crypto, bytes) == ESP_OK ? 0 : -1;
}

static esp_err_t boot(size_t len, struct ud_ptable *table)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    return ud_ptable_decode(bytes, len, 0, &crypto, NULL, table);
}

static esp_err_t file(size_t len, bool no_md5, struct heard *heard, struct ud_ptable *table)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = { hear, heard };
    struct ud_csv_options opt = { .no_md5 = no_md5 };
    *heard = (struct heard){ 0 };
    return ud_ptable_decode_file(bytes, len, &opt, &crypto, &obs, table);
}

static void refused(size_t len, bool no_md5, enum ud_ptable_fault fault, uint64_t at)
{
    struct heard heard;
    struct ud_ptable table = { .count = 9 };
    assert_int_equal(file(len, no_md5, &heard, &table), ESP_ERR_INVALID_ARG);
    assert_int_equal(heard.errors, 1);
    assert_int_equal(heard.last.b, fault);
    assert_int_equal(heard.last.a, at);
    assert_int_equal(table.count, 9);
}

static void a_good_table_reads_alike_by_both_rules(void **state)
{
    (void)state;
    struct heard heard;
    struct ud_ptable a, b;
    assert_int_equal(boot(UD_PTABLE_BYTES, &a), ESP_OK);
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &b), ESP_OK);
    assert_true(same_table(&a, &b) && same_table(&a, &two));
    bytes[4 * ENTRY] = 0; /* behind the terminator, where nothing matters */
    assert_int_equal(file(4 * ENTRY, false, &heard, &b), ESP_OK);
    assert_int_equal(file(4 * ENTRY + 5, false, &heard, &b), ESP_OK);
}

static void md5_entries_may_be_missing_repeated_or_early(void **state)
{
    (void)state;
    struct heard heard;
    struct ud_ptable table;
    memcpy(bytes + 3 * ENTRY, bytes + 2 * ENTRY, ENTRY);
    assert_int_equal(boot(UD_PTABLE_BYTES, &table), ESP_ERR_INVALID_STATE);
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &table), ESP_OK);
    memset(bytes + 2 * ENTRY + 2, 0x77, 14); /* its head beyond EB EB says nothing */
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &table), ESP_OK);
    bytes[3 * ENTRY + 20] ^= 1;
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_MD5_MISMATCH, 3 * ENTRY);
    memset(bytes + 2 * ENTRY, 0xFF, 2 * ENTRY);
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &table), ESP_OK);
    assert_false(table.has_md5);
}

static void without_md5_its_entry_is_a_bad_one(void **state)
{
    (void)state;
    memset(bytes + 2 * ENTRY + 12, 0xC3, 16);
    refused(UD_PTABLE_BYTES, true, UD_PTABLE_BAD_ENCODING, 2 * ENTRY);
    memset(bytes + 2 * ENTRY + 12, 0, 16);
    refused(UD_PTABLE_BYTES, true, UD_PTABLE_BAD_MAGIC, 2 * ENTRY);
}

static void the_frame_of_the_file_is_checked(void **state)
{
    (void)state;
    struct ud_ptable table;
    refused(0, false, UD_PTABLE_BAD_MAGIC, 0);
    refused(1, false, UD_PTABLE_BAD_MAGIC, 0);
    refused(3 * ENTRY - 1, false, UD_PTABLE_BAD_LENGTH, 2 * ENTRY);
    refused(3 * ENTRY, false, UD_PTABLE_NO_TERMINATOR, 3 * ENTRY);
    bytes[3 * ENTRY + 31] = 0; /* the boot loader looks at four bytes of the terminator */
    assert_int_equal(boot(UD_PTABLE_BYTES, &table), ESP_OK);
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_BAD_ENCODING, 3 * ENTRY);
    bytes[0] = bytes[1] = 0xEB;
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_BAD_MAGIC, 0);
}

static void labels_are_text_up_to_their_nul(void **state)
{
    (void)state;
    struct heard heard;
    struct ud_ptable table;
    memset(bytes + 2 * ENTRY, 0xFF, ENTRY); /* no MD5 entry */
    memcpy(bytes + 12, "o\0\xFF", 3);
    bytes[28] = 8;
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &table), ESP_OK);
    assert_string_equal(table.part[0].label, "o");
    assert_int_equal(table.part[0].label[2], 0);
    assert_int_equal(heard.odd_flags, 1);
    bytes[12] = 0xC3;
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_BAD_ENCODING, 0);
}

static void the_generators_checks_apply_but_not_the_order(void **state)
{
    (void)state;
    struct heard heard;
    struct ud_ptable table;
    uint8_t swap[ENTRY];
    memset(bytes + 2 * ENTRY, 0xFF, ENTRY);
    memcpy(swap, bytes, ENTRY);
    memcpy(bytes, bytes + ENTRY, ENTRY);
    memcpy(bytes + ENTRY, swap, ENTRY);
    assert_int_equal(file(UD_PTABLE_BYTES, false, &heard, &table), ESP_OK);
    bytes[5] = 0x10; /* ota_0 to 0x21000 */
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_OFFSET_MISALIGNED, 0);
    assert_int_equal(boot(UD_PTABLE_BYTES, &table), ESP_OK);
}

static void a_long_file_may_fill_the_table(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_ptable table = { .count = UD_PTABLE_MAX_ENTRIES };
    struct heard heard;
    for (uint32_t i = 0; i < UD_PTABLE_MAX_ENTRIES; i++) {
        table.part[i] = (struct ud_partition){ 0x9000 + i * 0x1000, 0x1000, 0, 1, 6, "" };
        snprintf(table.part[i].label, sizeof table.part[i].label, "p%u", (unsigned)i);
    }
    assert_int_equal(ud_ptable_encode(&table, &crypto, bytes), ESP_OK);
    uint8_t *end = bytes + UD_PTABLE_MAX_ENTRIES * ENTRY;
    end[0] = end[1] = 0xEB;
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_MD5, bytes, UD_PTABLE_MAX_ENTRIES * ENTRY, end + 16), ESP_OK);
    refused(UD_PTABLE_BYTES, false, UD_PTABLE_NO_TERMINATOR, UD_PTABLE_BYTES);
    assert_int_equal(file(UD_PTABLE_BYTES + ENTRY, false, &heard, &table), ESP_OK);
    assert_int_equal(table.count, UD_PTABLE_MAX_ENTRIES);
    memcpy(end, bytes, ENTRY);
    refused(UD_PTABLE_BYTES + ENTRY, false, UD_PTABLE_TABLE_TOO_LONG, UD_PTABLE_MAX_ENTRIES * ENTRY);
}

static void options_are_judged_first(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_csv_options opt = { .has_bootloader_offset = true, .bootloader_offset = 0x8000 };
    struct ud_ptable table;
    assert_int_equal(ud_ptable_decode_file(bytes, 1, &opt, &crypto, &obs, &table), ESP_ERR_INVALID_ARG);
    assert_int_equal(heard.last.b, UD_PTABLE_BOOTLOADER_NOT_BELOW_TABLE);
}

static void a_hash_that_cannot_start_is_reported(void **state)
{
    (void)state;
    struct count_crypto count;
    struct ud_crypto crypto = count_crypto_init(&count, ud_openssl_crypto());
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_csv_options opt = { 0 };
    struct ud_ptable table = { .count = 9 };
    count.fail_start = 1;
    assert_int_equal(ud_ptable_decode_file(bytes, UD_PTABLE_BYTES, &opt, &crypto, &obs, &table), ESP_ERR_NO_MEM);
    assert_int_equal(heard.errors, 1);
    assert_int_equal(table.count, 9);
    count.fail_start = 0;
    assert_int_equal(ud_ptable_decode_file(bytes, UD_PTABLE_BYTES, &opt, &crypto, &obs, &table), ESP_OK);
    assert_int_equal(count.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_table_reads_alike_by_both_rules, setup),
        cmocka_unit_test_setup(md5_entries_may_be_missing_repeated_or_early, setup),
        cmocka_unit_test_setup(without_md5_its_entry_is_a_bad_one, setup),
        cmocka_unit_test_setup(the_frame_of_the_file_is_checked, setup),
        cmocka_unit_test_setup(labels_are_text_up_to_their_nul, setup),
        cmocka_unit_test_setup(the_generators_checks_apply_but_not_the_order, setup),
        cmocka_unit_test_setup(a_long_file_may_fill_the_table, setup),
        cmocka_unit_test_setup(options_are_judged_first, setup),
        cmocka_unit_test_setup(a_hash_that_cannot_start_is_reported, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
