/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a partition table in CSV: what is accepted passes the checks, and comes out the same by way of the
 * binary table and by way of CSV. The options vary with the first byte, the room for UTF-16 and variables with the
 * length.
 */
#include <stdint.h>
#include <stdlib.h>

#include "updraft/partition.h"
#include "updraft/port_linux.h"
#include "same_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Names that differ only beyond their 16th byte are good in CSV and the same in a table. */
static bool has_repeated_label(const struct ud_ptable *table)
{
    for (size_t i = 1; i < table->count; i++)
        for (size_t j = 0; j < i; j++)
            if (ud_streq(table->part[i].label, table->part[j].label))
                return true;
    return false;
}

static void check_binary(const struct ud_ptable *table)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_ptable again;
    uint8_t bytes[UD_PTABLE_BYTES];
    must(ud_ptable_encode(table, &crypto, bytes) == ESP_OK);
    if (table->count == 0 && !table->has_md5)
        return; /* all FF: nobody reads it back */
    must(ud_ptable_decode(bytes, sizeof bytes, 0, &crypto, NULL, &again) == ESP_OK);
    must(same_table(table, &again));
}

static void check_csv(const struct ud_ptable *table, const struct ud_csv_options *opt)
{
    static char text[16384];
    size_t needed;
    esp_err_t err = ud_csv_encode(table, text, sizeof text, &needed);
    if (err == ESP_ERR_NOT_SUPPORTED)
        return;
    struct ud_ptable again;
    must(err == ESP_OK);
    must(ud_csv_decode(text, needed, opt, NULL, &again) == ESP_OK);
    must(same_table(table, &again));
}

static const char *variable(void *ctx, const char *name, size_t len)
{
    (void)ctx;
    static const char *const values[] = { "4K", "data", "a,data,fat,,4K", "$A", "\xFF", "" };
    return len == 0 ? NULL : (uint8_t)name[0] % 8 < UD_ARRAY_LEN(values) ? values[(uint8_t)name[0] % 8] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char scratch[1 << 16];
    unsigned choice = size > 0 ? data[0] : 0;
    struct ud_csv_options opt = {
        .table_offset = choice & 1 ? 0x10000 : 0,
        .flash_size = choice & 2 ? 0x400000 : 0,
        .secure_v1 = choice & 4,
        .no_md5 = choice & 8,
        .has_bootloader_offset = choice & 16,
        .has_recovery_offset = choice & 32,
        .recovery_offset = 0x3F0000,
        .variable = size % 4 == 3 ? NULL : variable,
        .scratch = size % 8 == 0 ? NULL : scratch,
        .scratch_size = size % 8 == 1 ? 40 : sizeof scratch,
    };
    struct ud_ptable table;
    if (ud_csv_decode((const char *)data, size, &opt, NULL, &table) != ESP_OK)
        return 0;
    check_binary(&table);
    if (has_repeated_label(&table))
        return 0;
    must(ud_ptable_check(&table, &opt, NULL) == ESP_OK);
    check_csv(&table, &opt);
    return 0;
}
