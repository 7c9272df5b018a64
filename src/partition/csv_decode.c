/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From CSV text to a table, in three passes: each line becomes a row of numbers; the order pass fills in blank
 * offsets and negative sizes; check.c judges the whole. Only a table without a fault reaches the caller.
 */
#include "csv.h"

#define SUB_RECOVERY 0x02

/* One line while it is being read. */
struct line {
    const struct csv_rules *rules;
    struct csv_row *row;
};

static esp_err_t bad_cell(const struct line *l, enum ud_ptable_fault fault, const char *cell, struct span value,
                          const char *advice)
{
    struct csv_message m = { .len = 0 };
    csv_say(&m, cell);
    if (value.len > 0) {
        csv_say(&m, " \"");
        csv_say_span(&m, value);
        csv_say(&m, "\"");
    }
    csv_say(&m, advice);
    return csv_bad(l->rules->obs, fault, l->row->line, l->row->name, &m);
}

static esp_err_t read_type(const struct line *l, struct span cell)
{
    if (cell.len == 0)
        return bad_cell(l, UD_PTABLE_TYPE_EMPTY, "Type", cell,
                        " is empty; write app, data, bootloader, partition_table or a number");
    if (!csv_number_or_keyword(cell, -1, &l->row->type))
        return bad_cell(l, UD_PTABLE_BAD_TYPE, "Type", cell,
                        " is not known; write app, data, bootloader, partition_table or a number");
    return ESP_OK;
}

static esp_err_t read_subtype(const struct line *l, struct span cell)
{
    struct csv_row *r = l->row;
    r->subtype = UD_PART_DATA_UNDEFINED;
    if (cell.len == 0 && r->type != UD_PART_APP)
        return ESP_OK;
    if (cell.len == 0)
        return bad_cell(l, UD_PTABLE_APP_SUBTYPE_EMPTY, "SubType", cell,
                        " is empty; write factory, test, ota_0 to ota_15 or a number");
    /* A negative type must not be mistaken for "type keywords". */
    int64_t type = r->type < 0 ? UD_PART_ANY : r->type;
    bool has_names = type <= UD_PART_TABLE;
    if (!csv_number_or_keyword(cell, type, &r->subtype))
        return bad_cell(l, has_names ? UD_PTABLE_BAD_SUBTYPE : UD_PTABLE_BAD_NUMBER, "SubType", cell,
                        " is not a name of this type nor a number; correct it");
    return ESP_OK;
}

static esp_err_t read_offset(const struct line *l, struct span cell)
{
    const struct ud_csv_options *opt = l->rules->opt;
    struct csv_row *r = l->row;
    r->has_addr = true;
    if (r->type == UD_PART_TABLE && r->subtype == 0) {
        r->addr = l->rules->table_offset;
        return ESP_OK;
    }
    if (r->type == UD_PART_BOOTLOADER && r->subtype == 0) {
        if (!opt->has_bootloader_offset)
            return bad_cell(l, UD_PTABLE_NO_BOOTLOADER_OFFSET, "Offset", SPAN(""),
                            " of the boot loader comes from the chip; give it as an option");
        r->addr = opt->bootloader_offset;
        return ESP_OK;
    }
    if (r->type == UD_PART_BOOTLOADER && r->subtype == SUB_RECOVERY) {
        if (!opt->has_recovery_offset)
            return bad_cell(l, UD_PTABLE_NO_RECOVERY_OFFSET, "Offset", SPAN(""),
                            " of the recovery boot loader must be given as an option");
        r->addr = opt->recovery_offset;
        return ESP_OK;
    }
    r->has_addr = cell.len > 0;
    if (r->has_addr && !csv_number(cell, &r->addr))
        return bad_cell(l, UD_PTABLE_BAD_NUMBER, "Offset", cell,
                        " is not a number; write 65536, 0x10000, 64K, or leave it blank");
    return ESP_OK;
}

static esp_err_t read_size(const struct line *l, struct span cell)
{
    const struct ud_csv_options *opt = l->rules->opt;
    struct csv_row *r = l->row;
    if (r->type == UD_PART_BOOTLOADER) {
        if (!opt->has_bootloader_offset)
            return bad_cell(l, UD_PTABLE_NO_BOOTLOADER_OFFSET, "Size", SPAN(""),
                            " follows from the boot loader's offset; give that as an option");
        r->size = l->rules->table_offset - opt->bootloader_offset;
        return ESP_OK;
    }
    if (r->type == UD_PART_TABLE) {
        r->size = UD_FLASH_SECTOR;
        return ESP_OK;
    }
    if (cell.len == 0)
        return bad_cell(l, UD_PTABLE_SIZE_EMPTY, "Size", cell, " is empty; write 4096, 0x1000, 4K or 1M");
    if (!csv_number(cell, &r->size))
        return bad_cell(l, UD_PTABLE_BAD_NUMBER, "Size", cell, " is not a number; write 4096, 0x1000, 4K or 1M");
    return ESP_OK;
}

static esp_err_t read_flags(const struct line *l, struct span cells)
{
    while (cells.len > 0) {
        struct span flag = { cells.p, 0 };
        while (flag.len < cells.len && cells.p[flag.len] != ':')
            flag.len++;
        if (csv_span_eq(flag, SPAN("encrypted")))
            l->row->flags |= UD_PART_FLAG_ENCRYPTED;
        else if (csv_span_eq(flag, SPAN("readonly")))
            l->row->flags |= UD_PART_FLAG_READONLY;
        else if (flag.len > 0)
            return bad_cell(l, UD_PTABLE_BAD_FLAG, "Flags", flag,
                            " is not known; write encrypted, readonly or encrypted:readonly");
        size_t taken = flag.len < cells.len ? flag.len + 1 : flag.len;
        cells.p += taken;
        cells.len -= taken;
    }
    return ESP_OK;
}

static esp_err_t read_row(const struct csv_rules *rules, struct span text, uint32_t line, struct csv_row *row)
{
    struct line l = { rules, row };
    *row = (struct csv_row){ .line = line };
    row->name = csv_take_cell(&text, ',');
    struct span cells[5];
    for (size_t i = 0; i < UD_ARRAY_LEN(cells); i++)
        cells[i] = csv_take_cell(&text, ',');
    esp_err_t err = read_type(&l, cells[0]);
    if (err == ESP_OK)
        err = read_subtype(&l, cells[1]);
    if (err == ESP_OK)
        err = read_offset(&l, cells[2]);
    if (err == ESP_OK)
        err = read_size(&l, cells[3]);
    if (err == ESP_OK)
        err = read_flags(&l, cells[4]);
    if (err == ESP_OK && csv_name_misleads(row->name, row->type, row->subtype))
        (void)ud_note(rules->obs, UD_NOTE_CSV_WARNING, ESP_OK, line, 0,
                      "Name is the keyword of another type or subtype; is that meant?");
    return err;
}

static esp_err_t read_rows(const struct csv_rules *rules, struct csv_scratch *scratch, struct span text,
                           struct csv_rows *rows)
{
    struct csv_row too_many; /* only its own faults matter; check.c refuses the length */
    rows->count = 0;
    for (uint32_t line = 1; text.len > 0; line++) {
        struct span one = csv_take_line(&text);
        esp_err_t err = csv_take_variables(rules, scratch, line, &one);
        if (err != ESP_OK)
            return err;
        one = csv_trim(one);
        if (one.len == 0 || one.p[0] == '#')
            continue;
        bool fits = rows->count < CSV_MAX_ROWS;
        err = read_row(rules, one, line, fits ? &rows->row[rows->count] : &too_many);
        if (err != ESP_OK)
            return err;
        rows->count += fits ? 1 : 0;
    }
    return ESP_OK;
}

static int64_t round_up(int64_t value, int64_t unit)
{
    int64_t over = ((value % unit) + unit) % unit;
    return over == 0 ? value : csv_add(value, unit - over);
}

/* Rows must ascend. The primary boot loader and table lie below all others and do not take part. */
static esp_err_t order_pass(const struct csv_rules *rules, struct csv_rows *rows)
{
    int64_t end = csv_add(rules->table_offset, UD_FLASH_SECTOR);
    for (size_t i = 0; i < rows->count; i++) {
        struct csv_row *r = &rows->row[i];
        if (csv_is_primary(r))
            continue;
        if (r->has_addr && r->addr < end) {
            struct csv_message m = { .len = 0 };
            csv_say(&m, "Offset ");
            csv_say_hex(&m, r->addr);
            csv_say(&m, i == 0 ? " lies below the end of the partition table, " : " lies below the rows before it, ");
            csv_say_hex(&m, end);
            csv_say(&m, "; raise it, sort the rows, or leave it blank");
            return csv_bad(rules->obs, i == 0 ? UD_PTABLE_BELOW_TABLE_END : UD_PTABLE_BELOW_PREVIOUS_END, r->line,
                           r->name, &m);
        }
        if (!r->has_addr)
            r->addr = round_up(end, csv_alignment(r));
        if (r->size < 0)
            r->size = csv_add(-r->size, -r->addr);
        end = csv_add(r->addr, r->size);
    }
    return ESP_OK;
}

static void fill_table(const struct csv_rows *rows, bool has_md5, struct ud_ptable *table)
{
    table->count = (uint8_t)rows->count;
    table->has_md5 = has_md5;
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_row *r = &rows->row[i];
        struct ud_partition *p = &table->part[i];
        size_t shown = r->name.len < sizeof p->label - 1 ? r->name.len : sizeof p->label - 1;
        *p = (struct ud_partition){
            .addr = (uint32_t)r->addr,
            .size = (uint32_t)r->size,
            .flags = r->flags,
            .type = (uint8_t)r->type,
            .subtype = (uint8_t)r->subtype,
        };
        memcpy(p->label, r->name.p, shown);
    }
}

esp_err_t ud_csv_decode(const char *text, size_t len, const struct ud_csv_options *opt, const struct ud_observer *obs,
                        struct ud_ptable *table)
{
    struct csv_rules rules = csv_rules_of(opt, obs);
    struct csv_scratch scratch = { opt->scratch, opt->scratch ? opt->scratch_size : 0 };
    struct span all = { text, len };
    struct csv_rows rows;
    esp_err_t err = csv_check_options(&rules);
    if (err == ESP_OK)
        err = csv_take_encoding(&rules, &scratch, &all);
    if (err == ESP_OK)
        err = read_rows(&rules, &scratch, all, &rows);
    if (err == ESP_OK)
        err = order_pass(&rules, &rows);
    if (err == ESP_OK)
        err = csv_check_rows(&rules, &rows);
    if (err == ESP_OK)
        fill_table(&rows, !opt->no_md5, table);
    return err;
}
