/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `updraft partition check`: everything that is wrong or doubtful about a table, a sentence each. Three readers look at
 * it: ESP-IDF's generator, its boot loader, and its app-side code; they do not agree about every table.
 */
#include "partition.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

#define COMMAND "partition check"
#define SLOTS   16u

static const char help[] =
    "Usage: updraft partition check TABLE [--json] [OPTIONS]\n"
    "\n"
    "Says what is wrong or doubtful about a partition table: what ESP-IDF's generator and its boot loader refuse,\n"
    "where boot loader and app read the table differently, and what makes updates impossible.\n"
    "TABLE is a CSV file, a binary table, a flash dump, or a default (single_app, two_ota, two_ota_large).\n"
    "Exit code: 0 no error, 1 an error, or a warning with --strict.\n"
    "\n"
    "  --json                             for programs\n"
    "  --strict                           warnings count as errors\n"
    "  --offset ADDR                      of the table in flash (default: 0x8000)\n" PARTITION_OPTIONS
    "  --disable-md5sum                   of CSV: without an MD5 entry\n"
    "\n"
    "Example:\n"
    "  updraft partition check partitions.csv --flash-size 4MB\n";

struct report {
    cJSON *findings; /* NULL: as text */
    unsigned errors, warnings;
    const char *reader; /* whose notes are heard */
    bool errors_only;   /* the table was read before: warnings would be repeated */
};

static void finding(struct report *r, bool is_error, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void finding(struct report *r, bool is_error, const char *rule, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    is_error ? r->errors++ : r->warnings++;
    const char *severity = is_error ? "error" : "warning";
    if (!r->findings) {
        printf("%s: %s\n", severity, text);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "severity", severity);
    cJSON_AddStringToObject(o, "rule", rule);
    cJSON_AddStringToObject(o, "text", text);
    cJSON_AddItemToArray(r->findings, o);
}

static void hear(void *ctx, const struct ud_note *note)
{
    struct report *r = ctx;
    char where[48] = "";
    if (r->errors_only && note->err == ESP_OK)
        return;
    bool is_binary = note->id == UD_NOTE_PTABLE_BAD || note->id == UD_NOTE_PTABLE_UNKNOWN_FLAGS;
    if (is_binary)
        snprintf(where, sizeof where, "entry at byte 0x%x: ", (unsigned)note->a);
    else if (note->a > 0)
        snprintf(where, sizeof where, "line %u: ", (unsigned)note->a);
    const char *rule = note->id == UD_NOTE_PTABLE_UNKNOWN_FLAGS ? "unknown-flags"
                       : note->id == UD_NOTE_CSV_WARNING        ? "misleading-name"
                                                                : ud_ptable_fault_name((uint32_t)note->b);
    finding(r, note->err != ESP_OK, rule[0] ? rule : "boot-loader", "%s: %s%s", r->reader, where,
            note->text ? note->text : "it has flags that mean nothing; they are ignored");
}

/* ---- what the table holds --------------------------------------------------------------------------------------- */

static const struct ud_partition *app(const struct ud_ptable *table, uint8_t subtype)
{
    return ud_ptable_find(table, UD_PART_APP, subtype, NULL);
}

/* OTA slots as the boot loader counts them, and as the app does: up to the first gap. */
static void count_slots(const struct ud_ptable *table, unsigned *boot, unsigned *app_side)
{
    *boot = *app_side = 0;
    for (unsigned i = 0; i < table->count; i++)
        *boot += ud_partition_is_ota(&table->part[i]);
    while (*app_side < SLOTS && app(table, (uint8_t)(UD_PART_APP_OTA_0 + *app_side)))
        ++*app_side;
}

static void check_slots(struct report *r, const struct ud_ptable *table)
{
    unsigned boot, app_side;
    bool otadata = ud_ptable_find(table, UD_PART_DATA, UD_PART_DATA_OTA, NULL) != NULL;
    bool factory = app(table, UD_PART_APP_FACTORY) != NULL;
    count_slots(table, &boot, &app_side);
    if (boot == 0 && !factory && !app(table, UD_PART_APP_TEST))
        finding(r, true, "no-app", "No app partition: there is nothing to boot; add factory or ota_0.");
    if (boot != app_side)
        finding(r, false, "gapped-slots",
                "The boot loader counts %u OTA slots, the app %u, up to the first gap: an update may boot another slot "
                "than the one it was written to; number the slots ota_0, ota_1, ... once each.",
                boot, app_side);
    if (app_side == SLOTS && app(table, UD_PART_APP_TEST))
        finding(r, false, "sixteen-slots-and-test",
                "With all 16 OTA slots the app-side count runs on to the test partition: ESP-IDF's OTA calls stop with "
                "a failed assertion; drop a slot or the test partition.");
    if (boot > 0 && !otadata)
        finding(r, false, "no-otadata",
                "There are OTA slots but no otadata partition: no update can be selected; add one of type data, "
                "subtype ota, size 0x2000.");
    if (boot == 0 && otadata)
        finding(r, false, "otadata-without-slots", "There is otadata but no OTA slot that it could select.");
    if (boot == 1 && !factory)
        finding(r, false, "one-slot",
                "The only OTA slot is where the app runs: there is no other to update to; add a second.");
}

static bool is_taken_once(const struct ud_partition *p)
{
    return p->type == UD_PART_APP || (p->type == UD_PART_DATA && p->subtype == UD_PART_DATA_OTA);
}

static void check_twins(struct report *r, const struct ud_ptable *table)
{
    char a[17], b[17], kind[32];
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        const struct ud_partition *next = ud_ptable_find_next(table, p, p->type, p->subtype, NULL);
        if (next && is_taken_once(p) && ud_ptable_find(table, p->type, p->subtype, NULL) == p)
            finding(r, false, "twice",
                    "\"%s\" and \"%s\" are both %s: the app takes the first of them, the boot loader the last.",
                    partition_label(p, a), partition_label(next, b), partition_kind_text(p, kind));
    }
}

static void check_sizes(struct report *r, const struct ud_ptable *table)
{
    uint32_t smallest = UINT32_MAX, largest = 0;
    char label[17], low[16], high[16];
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        if (p->size % UD_FLASH_SECTOR != 0 && p->type != UD_PART_APP)
            finding(r, false, "part-of-a-sector",
                    "\"%s\": Size 0x%" PRIx32 " is not a multiple of 0x1000, and flash is erased by whole sectors.",
                    partition_label(p, label), p->size);
        if (p->size == 0)
            finding(r, false, "empty", "\"%s\" has no size: nothing can be stored in it.", partition_label(p, label));
        if (!ud_partition_is_ota(p))
            continue;
        smallest = p->size < smallest ? p->size : smallest;
        largest = p->size > largest ? p->size : largest;
    }
    if (smallest < largest)
        finding(r, false, "slot-sizes",
                "The OTA slots are of different size (%s to %s): only an image of up to %s fits whichever comes next.",
                partition_size_text(smallest, low), partition_size_text(largest, high), low);
}

/* A dump may be of the beginning of a flash alone. */
static void check_end(struct report *r, const struct ud_ptable *table, uint32_t size)
{
    char label[17];
    for (unsigned i = 0; i < table->count; i++)
        if (!ud_range_fits(table->part[i].addr, table->part[i].size, size))
            finding(r, false, "beyond-the-dump",
                    "\"%s\" ends beyond the dump of 0x%" PRIx32 " bytes; if that is the whole flash, nothing boots.",
                    partition_label(&table->part[i], label), size);
}

static void check_content(struct report *r, const struct ud_ptable *table)
{
    if (!table->has_md5)
        finding(
            r, false, "no-md5",
            "There is no MD5 entry: an app built with CONFIG_PARTITION_TABLE_MD5, the default, finds no partition.");
    check_slots(r, table);
    check_twins(r, table);
    check_sizes(r, table);
}

/* ---- the readers ------------------------------------------------------------------------------------------------ */

/* CSV that builds may give a table that is not read back: names that are equal or broken once they are cut. */
static void check_built(struct report *r, const struct ud_csv_options *opt, const struct ud_ptable *table)
{
    uint8_t bytes[UD_PTABLE_BYTES];
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = { hear, r };
    struct ud_ptable again;
    if (ud_ptable_encode(table, &crypto, bytes) != ESP_OK)
        return;
    r->reader = "the boot loader";
    r->errors_only = true;
    esp_err_t err = ud_ptable_decode(bytes, sizeof bytes, opt->flash_size, &crypto, &obs, &again);
    r->reader = "the generator, reading the table back";
    if (err == ESP_OK)
        err = ud_ptable_decode_file(bytes, sizeof bytes, opt, &crypto, &obs, &again);
    if (err != ESP_OK && r->errors == 0) /* every refusal was noted, unless it was not about the table */
        finding(r, true, "reading-back", "The table cannot be read back (%s).", ud_err_name(err));
}

static void check_table(struct report *r, const struct partition_source *src, const struct ud_csv_options *opt)
{
    struct ud_ptable table, other;
    struct ud_observer obs = { hear, r };
    bool is_csv = src->kind == PARTITION_CSV || src->kind == PARTITION_DEFAULT;
    r->reader = is_csv ? "the generator" : "the boot loader";
    bool good = partition_decode(src, opt, is_csv, &obs, &table) == ESP_OK;
    if (good && is_csv)
        check_built(r, opt, &table);
    if (!is_csv) {
        r->reader = "the generator";
        r->errors_only = good;
        bool also = partition_decode(src, opt, true, &obs, &other) == ESP_OK;
        if (!good && also)
            table = other;
        good = good || also;
    }
    if (good)
        check_content(r, &table);
    if (good && src->kind == PARTITION_DUMP && opt->flash_size == 0)
        check_end(r, &table, src->dump_size);
}

int partition_check(int argc, char **argv)
{
    struct partition_options o;
    struct partition_source src;
    int rc;
    if (!partition_parse(COMMAND, help, argc, argv, &o, &rc))
        return rc;
    if (optind + 1 != argc)
        return cli_usage(COMMAND, "one table is needed");
    if (!partition_open(argv[optind], o.csv.table_offset, &src))
        return CLI_FAILED;
    cJSON *root = o.as_json ? cJSON_CreateObject() : NULL;
    struct report r = { .findings = root ? cJSON_AddArrayToObject(root, "findings") : NULL };
    check_table(&r, &src, &o.csv);
    bool good = r.errors == 0 && (!o.strict || r.warnings == 0);
    if (root) {
        cJSON_AddStringToObject(root, "kind", partition_kind_name(src.kind));
        cJSON_AddBoolToObject(root, "good", good);
        cli_print_json(root);
    } else if (r.errors + r.warnings == 0) {
        printf("%s: nothing is wrong with this table.\n", argv[optind]);
    }
    partition_close(&src);
    return good ? CLI_OK : CLI_FAILED;
}
