/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `updraft partition diff`: what changed between two tables, partition by partition. A partition of one table is that
 * of the other with the same name; of those left over, one with the same type and subtype was renamed.
 */
#include "partition.h"

#include <getopt.h>
#include <string.h>

#define COMMAND "partition diff"
#define NONE    UINT8_MAX

static const char help[] =
    "Usage: updraft partition diff OLD NEW [--json] [OPTIONS]\n"
    "\n"
    "Says which partitions were added, removed, renamed, moved, resized or otherwise changed.\n"
    "OLD and NEW are CSV files, binary tables, flash dumps or defaults (single_app, two_ota, two_ota_large).\n"
    "Exit code: 0 the tables are the same, 1 they differ, 2 one cannot be read.\n"
    "\n"
    "  --json                             for programs\n"
    "  --offset ADDR                      of the table in flash (default: 0x8000)\n"
    "  --new-offset ADDR                  of the second table, if it lies elsewhere\n" PARTITION_OPTIONS
    "  --disable-md5sum                   of CSV: without an MD5 entry\n"
    "\n"
    "Example:\n"
    "  updraft partition diff partitions.csv dump-of-a-device.bin\n";

struct comparison {
    struct ud_ptable old_table, new_table;
    uint8_t new_of[UD_PTABLE_MAX_ENTRIES]; /* by index in the old table */
    uint8_t old_of[UD_PTABLE_MAX_ENTRIES];
    cJSON *json; /* array of changes, NULL: as text */
    unsigned changes;
};

static bool same_name(const struct ud_partition *a, const struct ud_partition *b)
{
    return strcmp(a->label, b->label) == 0;
}

static bool same_kind(const struct ud_partition *a, const struct ud_partition *b)
{
    return a->type == b->type && a->subtype == b->subtype;
}

static void pair_up(struct comparison *c, bool (*same)(const struct ud_partition *, const struct ud_partition *))
{
    for (uint8_t i = 0; i < c->old_table.count; i++)
        for (uint8_t j = 0; j < c->new_table.count && c->new_of[i] == NONE; j++)
            if (c->old_of[j] == NONE && same(&c->old_table.part[i], &c->new_table.part[j])) {
                c->new_of[i] = j;
                c->old_of[j] = i;
            }
}

static void say(struct comparison *c, const char *label, const char *change, const char *text)
{
    c->changes++;
    if (!c->json) {
        printf("%s%s%s\n", label, label[0] ? ": " : "", text);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "label", label);
    cJSON_AddStringToObject(o, "change", change);
    cJSON_AddStringToObject(o, "text", text);
    cJSON_AddItemToArray(c->json, o);
}

static void say_whole(struct comparison *c, const struct ud_partition *p, const char *change)
{
    char label[17], kind[32], size[16], text[128];
    snprintf(text, sizeof text, "%s (%s, %s at 0x%x)", change, partition_kind_text(p, kind),
             partition_size_text(p->size, size), p->addr);
    say(c, partition_label(p, label), change, text);
}

static void say_flag(struct comparison *c, const char *label, const char *flag, bool now)
{
    char text[64];
    snprintf(text, sizeof text, "%s %s", now ? "is now" : "is no longer", flag);
    say(c, label, "flags", text);
}

static void compare(struct comparison *c, const struct ud_partition *a, const struct ud_partition *b)
{
    char label[17], from[32], to[32], by[16], text[128];
    partition_label(a, label);
    if (!same_name(a, b)) {
        snprintf(text, sizeof text, "renamed to %s", partition_label(b, to));
        say(c, label, "renamed", text);
    }
    if (!same_kind(a, b)) {
        snprintf(text, sizeof text, "changed from %s to %s", partition_kind_text(a, from), partition_kind_text(b, to));
        say(c, label, "type", text);
    }
    if (a->addr != b->addr) {
        snprintf(text, sizeof text, "moved from 0x%x to 0x%x", a->addr, b->addr);
        say(c, label, "moved", text);
    }
    if (a->size != b->size) {
        uint32_t difference = a->size < b->size ? b->size - a->size : a->size - b->size;
        snprintf(text, sizeof text, "resized from %s to %s (%s %s)", partition_size_text(a->size, from),
                 partition_size_text(b->size, to), partition_size_text(difference, by),
                 a->size < b->size ? "larger" : "smaller");
        say(c, label, "resized", text);
    }
    uint32_t flags = a->flags ^ b->flags;
    if (flags & UD_PART_FLAG_ENCRYPTED)
        say_flag(c, label, "encrypted", b->flags & UD_PART_FLAG_ENCRYPTED);
    if (flags & UD_PART_FLAG_READONLY)
        say_flag(c, label, "readonly", b->flags & UD_PART_FLAG_READONLY);
    if (flags & ~(UD_PART_FLAG_ENCRYPTED | UD_PART_FLAG_READONLY)) {
        snprintf(text, sizeof text, "flags changed from 0x%x to 0x%x", a->flags, b->flags);
        say(c, label, "flags", text);
    }
}

/* Do the partitions in both tables follow each other alike? */
static bool same_order(const struct comparison *c)
{
    unsigned last = 0;
    for (unsigned i = 0; i < c->old_table.count; i++) {
        if (c->new_of[i] == NONE)
            continue;
        if (c->new_of[i] < last)
            return false;
        last = c->new_of[i];
    }
    return true;
}

static void compare_tables(struct comparison *c)
{
    memset(c->new_of, NONE, sizeof c->new_of);
    memset(c->old_of, NONE, sizeof c->old_of);
    pair_up(c, same_name);
    pair_up(c, same_kind);
    for (unsigned i = 0; i < c->old_table.count; i++)
        if (c->new_of[i] == NONE)
            say_whole(c, &c->old_table.part[i], "removed");
        else
            compare(c, &c->old_table.part[i], &c->new_table.part[c->new_of[i]]);
    for (unsigned i = 0; i < c->new_table.count; i++)
        if (c->old_of[i] == NONE)
            say_whole(c, &c->new_table.part[i], "added");
    if (!same_order(c))
        say(c, "", "order", "The entries are in another order; of two alike, apps take the first.");
    if (c->old_table.has_md5 != c->new_table.has_md5)
        say(c, "", "md5", c->new_table.has_md5 ? "The MD5 entry is new." : "The MD5 entry is gone.");
}

int partition_diff(int argc, char **argv)
{
    struct partition_options o;
    struct comparison c = { .changes = 0 };
    int rc;
    if (!partition_parse(COMMAND, help, argc, argv, &o, &rc))
        return rc;
    if (optind + 2 != argc)
        return cli_usage(COMMAND, "two tables are needed: the old and the new");
    if (!partition_load(argv[optind], &o.csv, false, &c.old_table))
        return CLI_USAGE;
    if (o.new_offset)
        o.csv.table_offset = o.new_offset;
    if (!partition_load(argv[optind + 1], &o.csv, false, &c.new_table))
        return CLI_USAGE;
    cJSON *root = o.as_json ? cJSON_CreateObject() : NULL;
    c.json = root ? cJSON_AddArrayToObject(root, "changes") : NULL;
    compare_tables(&c);
    if (root) {
        cJSON_AddBoolToObject(root, "same", c.changes == 0);
        cli_print_json(root);
    } else if (c.changes == 0) {
        puts("The tables are the same.");
    }
    return c.changes == 0 ? CLI_OK : CLI_FAILED;
}
