/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a binary partition table: what is accepted lies inside the flash, can be looked up, and comes out the
 * same when it is encoded and decoded again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "updraft/partition.h"
#include "updraft/port_linux.h"
#include "same_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLASH_SIZE 0x400000u

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_lookup(const struct ud_ptable *table)
{
    size_t found = 0;
    const struct ud_partition *p = ud_ptable_find(table, UD_PART_ANY, UD_PART_ANY, NULL);
    for (; p; p = ud_ptable_find_next(table, p, UD_PART_ANY, UD_PART_ANY, NULL)) {
        found++;
        must(ud_ptable_verify(table, p) != NULL);
        must(p->size == 0 || ud_ptable_at(table, p->addr) != NULL);
        must(ud_ptable_find(table, p->type, p->subtype, p->label) != NULL);
    }
    must(found == table->count);
}

static void check_csv(const struct ud_ptable *table)
{
    size_t needed;
    esp_err_t err = ud_csv_encode(table, NULL, 0, &needed);
    if (err == ESP_ERR_NOT_SUPPORTED)
        return;
    must(err == ESP_ERR_INVALID_SIZE);
    char *text = malloc(needed + 1);
    size_t again;
    must(text && ud_csv_encode(table, text, needed, &again) == ESP_ERR_INVALID_SIZE);
    must(ud_csv_encode(table, text, needed + 1, &again) == ESP_OK && again == needed);
    must(ud_strnlen(text, needed + 1) == needed);
    free(text);
}

static void check(const uint8_t *data, size_t size, uint32_t flash_size)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_ptable table, again;
    uint8_t bytes[UD_PTABLE_BYTES];
    if (ud_ptable_decode(data, size, flash_size, &crypto, NULL, &table) != ESP_OK)
        return;
    for (size_t i = 0; flash_size != 0 && i < table.count; i++)
        must(ud_range_fits(table.part[i].addr, table.part[i].size, flash_size));
    must(ud_ptable_encode(&table, &crypto, bytes) == ESP_OK);
    must(ud_ptable_decode(bytes, sizeof bytes, flash_size, &crypto, NULL, &again) == ESP_OK);
    must(same_table(&table, &again));
    check_lookup(&table);
    check_csv(&table);
    struct ud_csv_options opt = { 0 };
    esp_err_t err = ud_ptable_check(&table, &opt, NULL);
    must(err == ESP_OK || err == ESP_ERR_INVALID_ARG);
}

/* The generator's reading is stricter about the table and more lenient about its frame. */
static void check_as_file(const uint8_t *data, size_t size, bool no_md5)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_csv_options opt = { .no_md5 = no_md5 };
    struct ud_ptable table, again;
    uint8_t bytes[UD_PTABLE_BYTES];
    esp_err_t err = ud_ptable_decode_file(data, size, &opt, &crypto, NULL, &table);
    must(err == ESP_OK || err == ESP_ERR_INVALID_ARG);
    if (err != ESP_OK || ud_ptable_encode(&table, &crypto, bytes) != ESP_OK)
        return;
    must(!no_md5 || !table.has_md5);
    must(ud_ptable_check(&table, &opt, NULL) == ESP_OK);
    must(ud_ptable_decode_file(bytes, sizeof bytes, &opt, &crypto, NULL, &again) == ESP_OK);
    must(same_table(&table, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, 0);
    check(data, size, FLASH_SIZE);
    check_as_file(data, size, false);
    check_as_file(data, size, true);
    return 0;
}
