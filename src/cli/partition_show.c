/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft partition show`: what a table says, as a list, CSV or JSON. */
#include "partition.h"

#include <getopt.h>
#include <stdlib.h>

static const char help[] =
    "Usage: updraft partition show TABLE [--csv | --json] [OPTIONS]\n"
    "\n"
    "Shows a partition table: binary, CSV, in a flash dump, or a default (single_app, two_ota, two_ota_large).\n"
    "\n"
    "  --csv                              as CSV that builds the same table\n"
    "  --json                             for programs\n"
    "  --rules boot|generator             read a binary table as the boot loader does (default), or as ESP-IDF's\n"
    "                                     generator reads a file, with all its checks\n"
    "  --offset ADDR                      of the table in flash (default: 0x8000)\n" PARTITION_OPTIONS
    "  --disable-md5sum                   of CSV: without an MD5 entry\n"
    "\n"
    "Example:\n"
    "  updraft partition show two_ota --csv\n";

static void show_text(const struct ud_ptable *table)
{
    char type[8], subtype[8], label[17];
    puts("Name              Type        Subtype     Offset      Size        Flags");
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        printf("%-16s  %-10s  %-10s  0x%-8x  0x%-8x  %s\n", partition_label(p, label),
               ud_partition_type_name(p->type, type), ud_partition_subtype_name(p->type, p->subtype, subtype), p->addr,
               p->size, partition_flags_text(p));
    }
    printf("%u partitions, %s MD5\n", table->count, table->has_md5 ? "with" : "without");
}

static void show_json(const struct ud_ptable *table)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "partitions");
    char scratch[8], label[17];
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "label", partition_label(p, label));
        cJSON_AddStringToObject(o, "type", ud_partition_type_name(p->type, scratch));
        cJSON_AddStringToObject(o, "subtype", ud_partition_subtype_name(p->type, p->subtype, scratch));
        cJSON_AddNumberToObject(o, "address", p->addr);
        cJSON_AddNumberToObject(o, "size", p->size);
        cJSON_AddBoolToObject(o, "encrypted", (p->flags & UD_PART_FLAG_ENCRYPTED) != 0);
        cJSON_AddBoolToObject(o, "readonly", (p->flags & UD_PART_FLAG_READONLY) != 0);
        cJSON_AddItemToArray(list, o);
    }
    cJSON_AddBoolToObject(root, "md5", table->has_md5);
    cli_print_json(root);
}

static int show_csv(const struct ud_ptable *table)
{
    size_t needed;
    esp_err_t err = ud_csv_encode(table, NULL, 0, &needed);
    char *text = err == ESP_OK || err == ESP_ERR_INVALID_SIZE ? malloc(needed + 1) : NULL;
    if (!text || ud_csv_encode(table, text, needed + 1, &needed) != ESP_OK) {
        free(text);
        return cli_error("the table cannot be printed as CSV (%s)", ud_err_name(err));
    }
    fputs(text, stdout);
    free(text);
    return CLI_OK;
}

int partition_show(int argc, char **argv)
{
    struct partition_options o;
    struct ud_ptable table;
    int rc;
    if (!partition_parse("partition show", help, argc, argv, &o, &rc))
        return rc;
    if (optind + 1 != argc)
        return cli_usage("partition show", "one table is needed");
    if (!partition_load(argv[optind], &o.csv, o.generator, &table))
        return CLI_FAILED;
    if (o.as_csv)
        return show_csv(&table);
    if (o.as_json)
        show_json(&table);
    else
        show_text(&table);
    return CLI_OK;
}
