/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image merge`: files at their addresses become one flash dump, as `esptool merge-bin` makes it. */
#include "image.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char merge_help[] =
    "Usage: updraft image merge --out FILE [OPTIONS] ADDR FILE [ADDR FILE]...\n"
    "\n"
    "Puts files at their addresses into one flash dump; what no file covers is FF, as in erased flash.\n"
    "Each byte of the files stays as it is.\n"
    "\n"
    "  --out FILE             where the dump goes\n"
    "  --flash-size SIZE      fill up to this size, and refuse what does not fit (also: --pad-to-size)\n"
    "  --target-offset ADDR   where the dump itself will be written (default: 0)\n"
    "  --table TABLE          ADDR may be the label of a partition of this table (CSV, binary or a name)\n"
    "  --json                 print what lies where\n"
    "\n"
    "Example:\n"
    "  updraft image merge --out flash.bin --flash-size 4MB 0x0 bootloader.bin 0x8000 table.bin 0x10000 app.bin\n";

#define MERGE_MAX  64
#define DUMP_LIMIT (256u << 20)

struct piece {
    const char *path;
    uint32_t at;
    uint32_t room; /* of the partition it was put into; 0: none */
    uint8_t *data;
    size_t len;
};

struct merge {
    const char *out;
    const char *table;
    uint32_t flash_size;
    uint32_t target;
    bool json;
    struct piece piece[MERGE_MAX];
    unsigned count;
};

static int parse_merge(int argc, char **argv, struct merge *m)
{
    static const struct option options[] = {
        { "out", required_argument, 0, 'o' },
        { "flash-size", required_argument, 0, 's' },
        { "pad-to-size", required_argument, 0, 's' },
        { "target-offset", required_argument, 0, 't' },
        { "table", required_argument, 0, 'T' },
        { "json", no_argument, 0, 'j' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            m->out = optarg;
            break;
        case 's':
            if (!cli_parse_u32(optarg, &m->flash_size) || m->flash_size == 0 || m->flash_size > DUMP_LIMIT)
                return cli_usage("image merge", "--flash-size '%s' is not a size up to 256MB", optarg);
            break;
        case 't':
            if (!cli_parse_u32(optarg, &m->target))
                return cli_usage("image merge", "--target-offset '%s' is not an address", optarg);
            break;
        case 'T':
            m->table = optarg;
            break;
        case 'j':
            m->json = true;
            break;
        case 'h':
            fputs(merge_help, stdout);
            return -1;
        default:
            return cli_usage("image merge", "the command line could not be read");
        }
    }
    int left = argc - optind;
    if (!m->out || left == 0 || left % 2)
        return cli_usage("image merge", "--out and pairs of an address and a file are needed");
    if (left / 2 > MERGE_MAX)
        return cli_usage("image merge", "more than %d files", MERGE_MAX);
    return CLI_OK;
}

static bool place_by_label(const struct ud_ptable *table, const char *label, struct piece *p)
{
    for (unsigned i = 0; i < table->count; i++)
        if (strcmp(table->part[i].label, label) == 0) {
            p->at = table->part[i].addr;
            p->room = table->part[i].size;
            return true;
        }
    return false;
}

static int read_pieces(struct merge *m, char **argv, int argc)
{
    struct ud_ptable table = { 0 };
    struct ud_csv_options csv = { .has_bootloader_offset = true };
    if (m->table && !cli_load_table(m->table, &csv, &table))
        return CLI_FAILED;
    for (int i = optind; i < argc; i += 2) {
        struct piece *p = &m->piece[m->count];
        p->path = argv[i + 1];
        if (!place_by_label(&table, argv[i], p) && !cli_parse_u32(argv[i], &p->at))
            return cli_usage("image merge", "'%s' is neither an address nor the label of a partition%s", argv[i],
                             m->table ? "" : " (labels need --table)");
        if (!cli_may_replace(m->out, p->path) || !cli_read_file(p->path, &p->data, &p->len))
            return CLI_FAILED;
        m->count++;
        if (p->room && p->len > p->room)
            return cli_error("%s (%zu bytes) exceeds the partition %s (%u bytes)", p->path, p->len, argv[i], p->room);
        if (p->at < m->target)
            return cli_error("%s at 0x%x lies before the target offset 0x%x", p->path, p->at, m->target);
        if (p->len > DUMP_LIMIT || p->at - m->target > DUMP_LIMIT - p->len)
            return cli_error("%s at 0x%x lies beyond 256 MB of flash", p->path, p->at);
    }
    return CLI_OK;
}

static int by_address(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int write_dump(const struct merge *m)
{
    const struct piece *last = &m->piece[m->count - 1];
    size_t end = last->at - m->target + last->len;
    /* the size of the flash counts from its start, not from the target offset */
    if (m->flash_size && end + m->target > m->flash_size)
        return cli_error("%s ends at 0x%zx, beyond the flash of %u bytes", last->path, end + m->target, m->flash_size);
    size_t size = m->flash_size ? m->flash_size - m->target : end;
    uint8_t *dump = malloc(size + 1);
    if (!dump)
        return cli_error("no memory for a dump of %zu bytes", size);
    memset(dump, 0xFF, size);
    for (unsigned i = 0; i < m->count; i++)
        memcpy(dump + (m->piece[i].at - m->target), m->piece[i].data, m->piece[i].len);
    bool ok = cli_write_file(m->out, dump, size);
    free(dump);
    return ok ? CLI_OK : CLI_FAILED;
}

static void print_json(const struct merge *m)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "files");
    cJSON_AddStringToObject(root, "out", m->out);
    for (unsigned i = 0; i < m->count; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(list, o);
        cJSON_AddStringToObject(o, "file", m->piece[i].path);
        cJSON_AddNumberToObject(o, "at", m->piece[i].at);
        cJSON_AddNumberToObject(o, "len", (double)m->piece[i].len);
    }
    cli_print_json(root);
}

static int merge(struct merge *m)
{
    qsort(m->piece, m->count, sizeof m->piece[0], by_address);
    for (unsigned i = 1; i < m->count; i++) {
        const struct piece *p = &m->piece[i - 1];
        if (p->len > p[1].at - p->at)
            return cli_error("%s (0x%x to 0x%zx) overlaps %s at 0x%x", p->path, p->at, p->at + p->len, p[1].path,
                             p[1].at);
    }
    int rc = write_dump(m);
    if (rc == CLI_OK && m->json)
        print_json(m);
    return rc;
}

int image_merge(int argc, char **argv)
{
    struct merge m = { 0 };
    int rc = parse_merge(argc, argv, &m);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    rc = read_pieces(&m, argv, argc);
    if (rc == CLI_OK)
        rc = merge(&m);
    for (unsigned i = 0; i < m.count; i++)
        free(m.piece[i].data);
    return rc;
}
