/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft partition`: build a binary table from CSV, show one. */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

static const char build_help[] =
    "Usage: updraft partition build TABLE OUT [OPTIONS]\n"
    "\n"
    "Builds the binary partition table (3072 bytes) from CSV, with the checks of ESP-IDF's generator.\n"
    "TABLE is a CSV file, or a default: single_app, two_ota, two_ota_large.\n"
    "\n"
    "  --offset ADDR                      of the table in flash (default: 0x8000)\n"
    "  --primary-bootloader-offset ADDR   needed if the table lists the boot loader\n"
    "  --recovery-bootloader-offset ADDR  needed if the table lists a recovery boot loader\n"
    "  --flash-size SIZE                  check that everything fits (4MB)\n"
    "  --secure v1|v2                     app sizes as that scheme wants them\n"
    "  --disable-md5sum                   leave the MD5 entry out\n"
    "\n"
    "Example:\n"
    "  updraft partition build partitions.csv partitions.bin --flash-size 4MB\n";

static const char show_help[] =
    "Usage: updraft partition show TABLE [--csv | --json] [--offset ADDR] [--flash-size SIZE]\n"
    "\n"
    "Shows a partition table: binary, CSV, or a default (single_app, two_ota, two_ota_large).\n"
    "The options of 'partition build' are taken too.\n"
    "\n"
    "Example:\n"
    "  updraft partition show two_ota --csv\n";

struct table_options {
    struct ud_csv_options csv;
    bool as_csv;
    bool as_json;
};

static int parse_number(const char *command, const char *name, uint32_t *out)
{
    return cli_parse_u32(optarg, out) ? CLI_OK : cli_usage(command, "--%s '%s' is not a number", name, optarg);
}

static int parse(const char *command, const char *help, int argc, char **argv, struct table_options *o)
{
    static const struct option options[] = {
        { "offset", required_argument, 0, 'o' },
        { "primary-bootloader-offset", required_argument, 0, 'b' },
        { "recovery-bootloader-offset", required_argument, 0, 'r' },
        { "flash-size", required_argument, 0, 'f' },
        { "secure", required_argument, 0, 's' },
        { "disable-md5sum", no_argument, 0, 'm' },
        { "csv", no_argument, 0, 'c' },
        { "json", no_argument, 0, 'j' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    int rc = CLI_OK;
    while (rc == CLI_OK && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            rc = parse_number(command, "offset", &o->csv.table_offset);
            break;
        case 'b':
            rc = parse_number(command, "primary-bootloader-offset", &o->csv.bootloader_offset);
            o->csv.has_bootloader_offset = true;
            break;
        case 'r':
            rc = parse_number(command, "recovery-bootloader-offset", &o->csv.recovery_offset);
            o->csv.has_recovery_offset = true;
            break;
        case 'f':
            rc = parse_number(command, "flash-size", &o->csv.flash_size);
            break;
        case 's':
            if (strcmp(optarg, "v1") != 0 && strcmp(optarg, "v2") != 0)
                return cli_usage(command, "--secure is v1 or v2, not '%s'", optarg);
            o->csv.secure_v1 = optarg[1] == '1';
            break;
        case 'm':
            o->csv.no_md5 = true;
            break;
        case 'c':
            o->as_csv = true;
            break;
        case 'j':
            o->as_json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return -1;
        default:
            return cli_usage(command, "the command line could not be read");
        }
    }
    return rc;
}

static int partition_build(int argc, char **argv)
{
    struct table_options o = { 0 };
    struct ud_ptable table;
    uint8_t bytes[UD_PTABLE_BYTES];
    int rc = parse("partition build", build_help, argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    if (optind + 2 != argc)
        return cli_usage("partition build", "a table and an output file are needed");
    if (!cli_load_table(argv[optind], &o.csv, &table))
        return CLI_FAILED;
    struct ud_crypto crypto = ud_openssl_crypto();
    esp_err_t err = ud_ptable_encode(&table, &crypto, bytes);
    if (err != ESP_OK)
        return cli_error("table %s cannot be written as binary (%s)", argv[optind], ud_err_name(err));
    return cli_write_file(argv[optind + 1], bytes, sizeof bytes) ? CLI_OK : CLI_FAILED;
}

static void show_text(const struct ud_ptable *table)
{
    char type_scratch[8], subtype_scratch[8];
    puts("Name              Type        Subtype     Offset      Size        Flags");
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        printf("%-16s  %-10s  %-10s  0x%-8x  0x%-8x  %s%s%s\n", p->label, ud_partition_type_name(p->type, type_scratch),
               ud_partition_subtype_name(p->type, p->subtype, subtype_scratch), p->addr, p->size,
               p->flags & UD_PART_FLAG_ENCRYPTED ? "encrypted" : "", (p->flags & 3) == 3 ? ":" : "",
               p->flags & UD_PART_FLAG_READONLY ? "readonly" : "");
    }
    printf("%u partitions, %s MD5\n", table->count, table->has_md5 ? "with" : "without");
}

static void show_json(const struct ud_ptable *table)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "partitions");
    char scratch[8];
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "label", p->label);
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

static int partition_show(int argc, char **argv)
{
    struct table_options o = { 0 };
    struct ud_ptable table;
    int rc = parse("partition show", show_help, argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    if (optind + 1 != argc)
        return cli_usage("partition show", "one table is needed");
    if (!cli_load_table(argv[optind], &o.csv, &table))
        return CLI_FAILED;
    if (o.as_csv)
        return show_csv(&table);
    if (o.as_json)
        show_json(&table);
    else
        show_text(&table);
    return CLI_OK;
}

static const struct cli_verb verbs[] = {
    { "build", "build the binary table from CSV", partition_build },
    { "show", "show a table, binary or CSV", partition_show },
    { 0 },
};

int cmd_partition(int argc, char **argv)
{
    return cli_dispatch("partition", "Builds and shows partition tables.", verbs, argc, argv);
}
