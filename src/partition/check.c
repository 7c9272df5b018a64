/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's rules about a whole table (ESP-IDF gen_esp32part.py 1.5), in the order in which it finds faults:
 * row by row alignment, readonly and nvs size; names; by address below-table and overlap; otadata; TEE otadata; flash
 * size; values that do not fit an entry; length of the table.
 */
#include "csv.h"

#define OTADATA_BYTES 0x2000
#define NVS_MIN_BYTES 0x3000
#define SUB_COREDUMP  0x03
#define SUB_TEE_OTA   0x90
#define SECTOR        0x1000
#define TABLE_SLOTS   95u /* partitions and the MD5 entry; the terminator takes the last of 96 */

static esp_err_t bad(const struct csv_rules *rules, enum ud_ptable_fault fault, const struct csv_row *r,
                     const char *text)
{
    struct csv_message m = { .len = 0 };
    csv_say(&m, text);
    return csv_bad(rules->obs, fault, r ? r->line : 0, r ? r->name : SPAN(""), &m);
}

/* "<what> <value> <advice>" */
static esp_err_t bad_value(const struct csv_rules *rules, enum ud_ptable_fault fault, const struct csv_row *r,
                           const char *what, int64_t value, const char *advice)
{
    struct csv_message m = { .len = 0 };
    csv_say(&m, what);
    csv_say_hex(&m, value);
    csv_say(&m, advice);
    return csv_bad(rules->obs, fault, r->line, r->name, &m);
}

static bool is_data(const struct csv_row *r, int64_t subtype)
{
    return r->type == UD_PART_DATA && r->subtype == subtype;
}

static int64_t end_of(const struct csv_row *r)
{
    return csv_add(r->addr, r->size);
}

esp_err_t csv_check_options(const struct csv_rules *rules)
{
    const struct ud_csv_options *opt = rules->opt;
    if (opt->has_bootloader_offset && (int64_t)opt->bootloader_offset >= rules->table_offset)
        return bad(rules, UD_PTABLE_BOOTLOADER_NOT_BELOW_TABLE, NULL,
                   "the boot loader's offset must lie below the offset of the partition table; lower it");
    return ESP_OK;
}

static esp_err_t check_row(const struct csv_rules *rules, const struct csv_row *r)
{
    int64_t size_unit = rules->opt->secure_v1 ? 0x10000 : SECTOR;
    if (r->addr % csv_alignment(r) != 0)
        return bad_value(rules, UD_PTABLE_OFFSET_MISALIGNED, r, "Offset ", r->addr,
                         r->type == UD_PART_APP ? " is not a multiple of 0x10000, as app partitions need; move it"
                                                : " is not a multiple of 0x1000; move it");
    if (r->type == UD_PART_APP && r->size % size_unit != 0)
        return bad_value(rules, UD_PTABLE_SIZE_MISALIGNED, r, "Size ", r->size,
                         rules->opt->secure_v1 ? " is not a multiple of 0x10000, as Secure Boot V1 needs; round it"
                                               : " of an app partition is not a multiple of 0x1000; round it");
    bool readonly = r->flags & UD_PART_FLAG_READONLY;
    if (readonly && (is_data(r, UD_PART_DATA_OTA) || is_data(r, SUB_COREDUMP)))
        return bad(rules, UD_PTABLE_READONLY_FORBIDDEN, r,
                   "Flags: this subtype is written at run time and cannot be readonly; remove the flag");
    if (!readonly && is_data(r, UD_PART_DATA_NVS) && r->size < NVS_MIN_BYTES)
        return bad_value(rules, UD_PTABLE_NVS_TOO_SMALL, r, "Size ", r->size,
                         " is too small for NVS; give it 0x3000 or more, or readonly");
    return ESP_OK;
}

static esp_err_t check_names(const struct csv_rules *rules, const struct csv_rows *rows)
{
    for (size_t i = 1; i < rows->count; i++)
        for (size_t j = 0; j < i; j++)
            if (csv_span_eq(rows->row[i].name, rows->row[j].name))
                return bad(rules, UD_PTABLE_DUPLICATE_NAME, &rows->row[i],
                           "Name is used twice; give every partition its own name");
    return ESP_OK;
}

/* Indices of the rows by ascending address; equal addresses stay in table order. */
static void sort_by_addr(const struct csv_rows *rows, uint8_t order[CSV_MAX_ROWS])
{
    for (size_t i = 0; i < rows->count; i++) {
        size_t at = i;
        for (; at > 0 && rows->row[order[at - 1]].addr > rows->row[i].addr; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

static esp_err_t check_places(const struct csv_rules *rules, const struct csv_rows *rows)
{
    uint8_t order[CSV_MAX_ROWS];
    int64_t first_free = csv_add(rules->table_offset, SECTOR);
    sort_by_addr(rows, order);
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_row *r = &rows->row[order[i]];
        const struct csv_row *before = i > 0 ? &rows->row[order[i - 1]] : NULL;
        if (r->addr < first_free && !csv_is_primary(r))
            return bad_value(rules, UD_PTABLE_BELOW_TABLE_END_VERIFY, r, "Offset ", r->addr,
                             " lies below the end of the partition table; move it up");
        if (before && r->addr < end_of(before)) {
            struct csv_message m = { .len = 0 };
            csv_say(&m, "Offset ");
            csv_say_hex(&m, r->addr);
            csv_say(&m, " overlaps partition \"");
            csv_say_span(&m, before->name);
            csv_say(&m, "\", which ends at ");
            csv_say_hex(&m, end_of(before));
            csv_say(&m, "; move it or make that one smaller");
            return csv_bad(rules->obs, UD_PTABLE_OVERLAP, r->line, r->name, &m);
        }
    }
    return ESP_OK;
}

static esp_err_t check_otadata(const struct csv_rules *rules, const struct csv_rows *rows, int64_t subtype)
{
    const struct csv_row *found = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_row *r = &rows->row[i];
        if (!is_data(r, subtype))
            continue;
        if (found)
            return bad(rules, subtype == SUB_TEE_OTA ? UD_PTABLE_MANY_TEEOTADATA : UD_PTABLE_MANY_OTADATA, r,
                       "SubType: a table has one otadata partition of a kind; remove one");
        found = r;
    }
    if (found && found->size != OTADATA_BYTES)
        return bad_value(rules, subtype == SUB_TEE_OTA ? UD_PTABLE_TEEOTADATA_SIZE : UD_PTABLE_OTADATA_SIZE, found,
                         "Size ", found->size, ": otadata is exactly 0x2000, two sectors");
    return ESP_OK;
}

static esp_err_t check_flash_size(const struct csv_rules *rules, const struct csv_rows *rows)
{
    const struct csv_row *last = NULL;
    for (size_t i = 0; i < rows->count; i++)
        if (!last || rows->row[i].addr > last->addr)
            last = &rows->row[i];
    if (rules->opt->flash_size != 0 && last && end_of(last) > (int64_t)rules->opt->flash_size)
        return bad_value(rules, UD_PTABLE_FLASH_SIZE, last, "the partition ends at ", end_of(last),
                         ", beyond the flash; make the table smaller or the flash size larger");
    return ESP_OK;
}

static esp_err_t check_fields(const struct csv_rules *rules, const struct csv_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_row *r = &rows->row[i];
        const struct field {
            const char *cell;
            int64_t value, max;
        } fields[] = {
            { "Type ", r->type, UINT8_MAX },
            { "SubType ", r->subtype, UINT8_MAX },
            { "Offset ", r->addr, UINT32_MAX },
            { "Size ", r->size, UINT32_MAX },
        };
        for (size_t f = 0; f < UD_ARRAY_LEN(fields); f++)
            if (fields[f].value < 0 || fields[f].value > fields[f].max)
                return bad_value(rules, UD_PTABLE_OUT_OF_RANGE, r, fields[f].cell, fields[f].value,
                                 fields[f].value < 0 ? " is negative (a size -N ends the partition at N); raise it"
                                                     : " does not fit its field; lower it");
    }
    return ESP_OK;
}

esp_err_t csv_check_rows(const struct csv_rules *rules, const struct csv_rows *rows)
{
    esp_err_t err = ESP_OK;
    for (size_t i = 0; err == ESP_OK && i < rows->count; i++)
        err = check_row(rules, &rows->row[i]);
    if (err == ESP_OK)
        err = check_names(rules, rows);
    if (err == ESP_OK)
        err = check_places(rules, rows);
    if (err == ESP_OK)
        err = check_otadata(rules, rows, UD_PART_DATA_OTA);
    if (err == ESP_OK)
        err = check_otadata(rules, rows, SUB_TEE_OTA);
    if (err == ESP_OK)
        err = check_flash_size(rules, rows);
    if (err == ESP_OK)
        err = check_fields(rules, rows);
    if (err == ESP_OK && rows->count + (rules->opt->no_md5 ? 0 : 1) > TABLE_SLOTS)
        err = bad(rules, UD_PTABLE_TABLE_TOO_LONG, NULL,
                  "the table holds 94 partitions and its MD5 entry (95 without); remove some");
    return err;
}

esp_err_t csv_check_table(const struct csv_rules *rules, const struct ud_ptable *table)
{
    struct csv_rows rows;
    rows.count = table->count;
    for (size_t i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        rows.row[i] = (struct csv_row){
            .name = { p->label, ud_strnlen(p->label, sizeof p->label) },
            .type = p->type,
            .subtype = p->subtype,
            .addr = p->addr,
            .size = p->size,
            .flags = p->flags,
        };
    }
    esp_err_t err = csv_check_options(rules);
    return err == ESP_OK ? csv_check_rows(rules, &rows) : err;
}

esp_err_t ud_ptable_check(const struct ud_ptable *table, const struct ud_csv_options *opt,
                          const struct ud_observer *obs)
{
    /* Whether there is an MD5 entry is the table's own affair here. */
    struct ud_csv_options own = *opt;
    own.no_md5 = !table->has_md5;
    struct csv_rules rules = csv_rules_of(&own, obs);
    return csv_check_table(&rules, table);
}
