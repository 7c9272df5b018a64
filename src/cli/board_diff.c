/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `updraft board diff`: two boards held against each other, part by part: settings, partitions by label (images by what
 * they are, otadata decoded), what lies outside them, eFuses. First all is compared, then it is told.
 */
#include "board.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board diff A B [--json]\n"
    "\n"
    "Compares two boards: settings, partitions by label (images by version, otadata decoded), what lies\n"
    "outside partitions, eFuses, and what boots next. Reads only; works also while a board runs.\n"
    "Exit 0: the same, 1: they differ, 2: they cannot be compared.\n"
    "\n"
    "Example:\n"
    "  cp b.flash old.flash && cp b.flash.json old.flash.json && cp b.flash.efuse old.flash.efuse\n"
    "  updraft ota b.flash new.bin; updraft board diff old.flash b.flash\n";

#define TROUBLE     CLI_USAGE /* 2, as diff(1) has it */
#define CHANGES_MAX (2u * UD_PTABLE_MAX_ENTRIES)

/* How two runs of bytes differ. */
struct bytes {
    uint32_t count;
    uint32_t sectors;
    uint32_t first; /* relative to their start */
};

struct change {
    const struct board_part *a; /* NULL: only in the other */
    const struct board_part *b;
    struct bytes bytes; /* of the length that both have */
};

enum area { AREA_LOADER, AREA_TABLE, AREA_FREE, AREA_COUNT };
static const char *const area_names[AREA_COUNT] = { "boot loader", "partition table", "free flash" };

struct side {
    struct ud_lab_board *lab;
    struct board_view view;
    uint8_t efuse[UD_EFUSE_SIZE];
    uint32_t level;
    char boots[96];
};

struct diff {
    struct side a;
    struct side b;
    cJSON *settings; /* [{key, a, b}] of those that differ */
    struct bytes area[AREA_COUNT];
    unsigned change_count;
    struct change change[CHANGES_MAX];
    uint32_t efuse_bytes;
    uint8_t buf_a[UD_FLASH_SECTOR];
    uint8_t buf_b[UD_FLASH_SECTOR];
};

/* ---- comparing ------------------------------------------------------------------------------------------------------ */

static esp_err_t compare_sector(struct diff *d, uint32_t at_a, uint32_t at_b, uint32_t len, uint32_t off,
                                struct bytes *out)
{
    uint32_t before = out->count;
    esp_err_t err = ud_flash_read(&d->a.lab->flash, at_a + off, d->buf_a, len);
    if (err == ESP_OK)
        err = ud_flash_read(&d->b.lab->flash, at_b + off, d->buf_b, len);
    if (err != ESP_OK)
        return err;
    for (uint32_t i = 0; i < len; i++) {
        if (d->buf_a[i] == d->buf_b[i])
            continue;
        if (out->count++ == 0)
            out->first = off + i;
    }
    out->sectors += out->count > before;
    return ESP_OK;
}

static esp_err_t compare_run(struct diff *d, uint32_t at_a, uint32_t at_b, uint32_t len, struct bytes *out)
{
    esp_err_t err = ESP_OK;
    for (uint32_t off = 0; off < len && err == ESP_OK; off += UD_FLASH_SECTOR)
        err = compare_sector(d, at_a, at_b, len - off < UD_FLASH_SECTOR ? len - off : UD_FLASH_SECTOR, off, out);
    return err;
}

static const struct board_part *find_part(const struct board_view *view, const char *label)
{
    for (unsigned i = 0; i < view->count; i++)
        if (strcmp(view->part[i].p->label, label) == 0)
            return &view->part[i];
    return NULL;
}

static bool same_place(const struct ud_partition *a, const struct ud_partition *b)
{
    return a->type == b->type && a->subtype == b->subtype && a->addr == b->addr && a->size == b->size &&
           a->flags == b->flags;
}

static esp_err_t compare_partitions(struct diff *d)
{
    esp_err_t err = ESP_OK;
    for (unsigned i = 0; i < d->a.view.count && err == ESP_OK; i++) {
        struct change c = { .a = &d->a.view.part[i] };
        c.b = find_part(&d->b.view, c.a->p->label);
        if (c.b) {
            uint32_t len = c.a->p->size < c.b->p->size ? c.a->p->size : c.b->p->size;
            err = compare_run(d, c.a->p->addr, c.b->p->addr, len, &c.bytes);
        }
        if (!c.b || c.bytes.count > 0 || !same_place(c.a->p, c.b->p))
            d->change[d->change_count++] = c;
    }
    for (unsigned i = 0; i < d->b.view.count; i++)
        if (!find_part(&d->a.view, d->b.view.part[i].p->label))
            d->change[d->change_count++] = (struct change){ .b = &d->b.view.part[i] };
    return err;
}

/* What no partition of either covers: boot loader, table, the rest; as far as both flashes reach. */
static esp_err_t compare_outside(struct diff *d)
{
    const struct ud_lab_settings *a = &d->a.lab->settings, *b = &d->b.lab->settings;
    uint32_t end = a->flash_size < b->flash_size ? a->flash_size : b->flash_size;
    esp_err_t err = ESP_OK;
    for (uint32_t at = 0; at < end && err == ESP_OK; at += UD_FLASH_SECTOR) {
        if (ud_ptable_at(&d->a.lab->board.table, at) || ud_ptable_at(&d->b.lab->board.table, at))
            continue;
        enum area area = at < a->table_offset ? AREA_LOADER : at == a->table_offset ? AREA_TABLE : AREA_FREE;
        err = compare_sector(d, 0, 0, UD_FLASH_SECTOR, at, &d->area[area]);
    }
    return err;
}

/* The members of `a` that `b` has not or has otherwise; those of `b` alone when `only_new`. */
static void compare_json(cJSON *out, const char *prefix, const cJSON *a, const cJSON *b, bool only_new)
{
    for (const cJSON *item = a->child; item; item = item->next) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, item->string);
        char key[96];
        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] ? "." : "", item->string);
        if (cJSON_IsObject(item) && cJSON_IsObject(other)) {
            compare_json(out, key, item, other, only_new);
            continue;
        }
        if (only_new ? other != NULL : cJSON_Compare(item, other, true))
            continue;
        cJSON *mine = cJSON_Duplicate(item, true);
        cJSON *theirs = other ? cJSON_Duplicate(other, true) : cJSON_CreateNull();
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "key", key);
        cJSON_AddItemToObject(o, "a", only_new ? theirs : mine);
        cJSON_AddItemToObject(o, "b", only_new ? mine : theirs);
        cJSON_AddItemToArray(out, o);
    }
}

static void compare_settings(struct diff *d)
{
    char *text_a = ud_lab_settings_print(&d->a.lab->settings), *text_b = ud_lab_settings_print(&d->b.lab->settings);
    cJSON *a = text_a ? cJSON_Parse(text_a) : NULL, *b = text_b ? cJSON_Parse(text_b) : NULL;
    d->settings = cJSON_CreateArray();
    if (a && b) {
        compare_json(d->settings, "", a, b, false);
        compare_json(d->settings, "", b, a, true);
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
    cJSON_free(text_a);
    cJSON_free(text_b);
}

static bool look(struct side *s, const char *path)
{
    s->lab = board_open(path, UD_LAB_READ);
    if (!s->lab || !board_look(s->lab, &s->view))
        return false;
    esp_err_t err = ud_efuse_read(&s->lab->board.efuse, 0, s->efuse, sizeof s->efuse);
    if (err == ESP_OK)
        err = ud_secure_version_read(&s->lab->board.efuse, s->lab->settings.chip->secure_version_bits, &s->level);
    if (err != ESP_OK) {
        cli_error("%s.efuse cannot be read: %s", path, ud_err_name(err));
        return false;
    }
    if (s->lab->boot.loaded)
        board_slot_title(s->lab->boot.loaded->label, &s->lab->boot.info, s->boots, sizeof s->boots);
    else
        snprintf(s->boots, sizeof s->boots, "nothing");
    return true;
}

static bool compare(struct diff *d, const char *path_a, const char *path_b)
{
    if (!look(&d->a, path_a) || !look(&d->b, path_b))
        return false;
    compare_settings(d);
    esp_err_t err = compare_partitions(d);
    if (err == ESP_OK)
        err = compare_outside(d);
    if (err != ESP_OK) {
        cli_error("%s and %s cannot be compared: %s", path_a, path_b, ud_err_name(err));
        return false;
    }
    for (unsigned i = 0; i < UD_EFUSE_SIZE; i++)
        d->efuse_bytes += d->a.efuse[i] != d->b.efuse[i];
    return true;
}

static bool is_same(const struct diff *d)
{
    bool same = cJSON_GetArraySize(d->settings) == 0 && d->change_count == 0 && d->efuse_bytes == 0;
    for (unsigned i = 0; i < AREA_COUNT; i++)
        same = same && d->area[i].count == 0;
    return same;
}

/* ---- text ----------------------------------------------------------------------------------------------------------- */

static const char *arrow(void)
{
    return cli_is_utf8() ? "→" : "->";
}

static void print_bytes(const struct bytes *n, uint32_t base)
{
    printf("%" PRIu32 " byte%s in %" PRIu32 " sector%s differ%s, the first at 0x%" PRIx32 "\n", n->count,
           n->count == 1 ? "" : "s", n->sectors, n->sectors == 1 ? "" : "s", n->count == 1 ? "s" : "", base + n->first);
}

static void image_text(const struct board_part *part, char *buf, size_t size)
{
    char title[80] = "an image without a description";
    if (part->has_desc)
        snprintf(title, sizeof title, "%s %s", part->desc.project_name, part->desc.version);
    if (part->image == BOARD_EMPTY)
        snprintf(buf, size, "empty");
    else if (part->image == BOARD_GOOD)
        snprintf(buf, size, "%s", title);
    else
        snprintf(buf, size, "%s%srefused: %s", part->has_desc ? title : "", part->has_desc ? ", " : "", part->reason);
}

static bool is_otadata(const struct ud_partition *p)
{
    return p->type == UD_PART_DATA && p->subtype == UD_PART_DATA_OTA;
}

static bool has_entries(const struct change *c, const struct diff *d)
{
    return is_otadata(c->a->p) && is_otadata(c->b->p) && d->a.lab->boot.input.otadata == UD_OTADATA_PRESENT &&
           d->b.lab->boot.input.otadata == UD_OTADATA_PRESENT;
}

static void print_entries(const struct diff *d)
{
    const struct ud_boot_input *a = &d->a.lab->boot.input, *b = &d->b.lab->boot.input;
    char text_a[160], text_b[160];
    for (unsigned i = 0; i < 2; i++) {
        board_entry_text(&a->entry[i], ud_boot_slot_count(a), text_a, sizeof text_a);
        board_entry_text(&b->entry[i], ud_boot_slot_count(b), text_b, sizeof text_b);
        if (strcmp(text_a, text_b) != 0)
            printf("    entry %u  %s\n          %s %s\n", i, text_a, arrow(), text_b);
    }
}

static void print_place(const struct change *c)
{
    char type[2][8], subtype[2][8], size[2][24];
    const struct ud_partition *p[2] = { c->a->p, c->b->p };
    if (same_place(p[0], p[1]))
        return;
    for (unsigned i = 0; i < 2; i++) {
        board_size_text(p[i]->size, size[i]);
        printf("%s%s/%s at 0x%" PRIx32 ", %s%s%s%s", i ? " " : "", ud_partition_type_name(p[i]->type, type[i]),
               ud_partition_subtype_name(p[i]->type, p[i]->subtype, subtype[i]), p[i]->addr, size[i],
               p[i]->flags & UD_PART_FLAG_ENCRYPTED ? ", encrypted" : "",
               p[i]->flags & UD_PART_FLAG_READONLY ? ", read-only" : "", i ? "\n" : " ");
        if (i == 0)
            fputs(arrow(), stdout);
    }
    if (c->bytes.count > 0)
        printf("  %-16s ", "");
}

static void print_change(const struct diff *d, const struct change *c)
{
    char label[17], text[2][200];
    const struct board_part *one = c->a ? c->a : c->b;
    printf("  %-16s ", board_label(one->p, label));
    if (!c->a || !c->b) {
        printf("only in %s\n", (c->a ? d->a.lab : d->b.lab)->path);
        return;
    }
    print_place(c);
    if (c->bytes.count == 0)
        return;
    if (c->a->p->type == UD_PART_APP && c->b->p->type == UD_PART_APP) {
        image_text(c->a, text[0], sizeof text[0]);
        image_text(c->b, text[1], sizeof text[1]);
        if (strcmp(text[0], text[1]) != 0) {
            printf("%s %s %s\n", text[0], arrow(), text[1]);
            return;
        }
        printf("%s in both, ", text[0]);
    }
    print_bytes(&c->bytes, 0);
    if (has_entries(c, d))
        print_entries(d);
}

static void print_text(const struct diff *d)
{
    const cJSON *item;
    if (is_same(d)) {
        printf("%s and %s are the same\n", d->a.lab->path, d->b.lab->path);
        return;
    }
    printf("%s %s %s\n", d->a.lab->path, arrow(), d->b.lab->path);
    cJSON_ArrayForEach(item, d->settings)
    {
        char *a = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "a"));
        char *b = cJSON_PrintUnformatted(cJSON_GetObjectItem(item, "b"));
        printf("  %-16s %s %s %s\n", cJSON_GetObjectItem(item, "key")->valuestring, a ? a : "", arrow(), b ? b : "");
        cJSON_free(a);
        cJSON_free(b);
    }
    for (unsigned i = 0; i < AREA_COUNT; i++) {
        if (d->area[i].count == 0)
            continue;
        printf("  %-16s ", area_names[i]);
        print_bytes(&d->area[i], 0);
    }
    for (unsigned i = 0; i < d->change_count; i++)
        print_change(d, &d->change[i]);
    if (d->a.level != d->b.level)
        printf("  %-16s secure version %" PRIu32 " %s %" PRIu32 "\n", "eFuses", d->a.level, arrow(), d->b.level);
    else if (d->efuse_bytes > 0)
        printf("  %-16s %" PRIu32 " byte%s differ%s\n", "eFuses", d->efuse_bytes, d->efuse_bytes == 1 ? "" : "s",
               d->efuse_bytes == 1 ? "s" : "");
    if (strcmp(d->a.boots, d->b.boots) != 0)
        printf("Boots next: %s %s %s\n", d->a.boots, arrow(), d->b.boots);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static void add_bytes(cJSON *o, const struct bytes *n)
{
    cJSON_AddNumberToObject(o, "bytes", n->count);
    cJSON_AddNumberToObject(o, "sectors", n->sectors);
    if (n->count > 0)
        cJSON_AddNumberToObject(o, "first", n->first);
}

static cJSON *side_json(const struct board_part *part, const struct ud_lab_board *lab)
{
    const struct ud_boot_input *in = &lab->boot.input;
    if (!part)
        return cJSON_CreateNull();
    cJSON *o = board_part_json(part);
    if (is_otadata(part->p) && in->otadata == UD_OTADATA_PRESENT) {
        cJSON *entries = cJSON_AddArrayToObject(o, "entries");
        for (unsigned i = 0; i < 2; i++)
            cJSON_AddItemToArray(entries, board_entry_json(&in->entry[i], ud_boot_slot_count(in)));
    }
    return o;
}

static cJSON *changes_json(const struct diff *d)
{
    cJSON *list = cJSON_CreateArray();
    for (unsigned i = 0; i < d->change_count; i++) {
        const struct change *c = &d->change[i];
        char label[17];
        cJSON *o = cJSON_CreateObject();
        const char *what = !c->a                          ? "only_in_b"
                           : !c->b                        ? "only_in_a"
                           : same_place(c->a->p, c->b->p) ? "content"
                                                          : "moved";
        cJSON_AddStringToObject(o, "label", board_label((c->a ? c->a : c->b)->p, label));
        cJSON_AddStringToObject(o, "change", what);
        if (c->a && c->b)
            add_bytes(o, &c->bytes);
        cJSON_AddItemToObject(o, "a", side_json(c->a, d->a.lab));
        cJSON_AddItemToObject(o, "b", side_json(c->b, d->b.lab));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void print_json(const struct diff *d)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *outside = cJSON_CreateArray();
    cJSON *efuse = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "a", d->a.lab->path);
    cJSON_AddStringToObject(root, "b", d->b.lab->path);
    cJSON_AddBoolToObject(root, "same", is_same(d));
    cJSON_AddItemToObject(root, "settings", cJSON_Duplicate(d->settings, true));
    for (unsigned i = 0; i < AREA_COUNT; i++) {
        cJSON *o = d->area[i].count ? cJSON_CreateObject() : NULL;
        if (!o)
            continue;
        cJSON_AddStringToObject(o, "area", area_names[i]);
        add_bytes(o, &d->area[i]);
        cJSON_AddItemToArray(outside, o);
    }
    cJSON_AddItemToObject(root, "outside", outside);
    cJSON_AddItemToObject(root, "partitions", changes_json(d));
    cJSON_AddNumberToObject(efuse, "bytes", d->efuse_bytes);
    cJSON_AddNumberToObject(efuse, "secure_version_a", d->a.level);
    cJSON_AddNumberToObject(efuse, "secure_version_b", d->b.level);
    cJSON_AddItemToObject(root, "efuse", efuse);
    cJSON_AddStringToObject(root, "boots_a", d->a.boots);
    cJSON_AddStringToObject(root, "boots_b", d->b.boots);
    cli_print_json(root);
}

int board_diff(int argc, char **argv)
{
    struct board_args args;
    int rc;
    if (!board_parse_two(argc, argv, "diff", help, &args, &rc))
        return rc;
    struct diff *d = calloc(1, sizeof *d);
    if (!d)
        return cli_error("no memory");
    rc = TROUBLE;
    if (compare(d, args.path, args.other)) {
        (args.json ? print_json : print_text)(d);
        rc = is_same(d) ? CLI_OK : CLI_FAILED;
    }
    cJSON_Delete(d->settings);
    board_close(d->a.lab);
    board_close(d->b.lab);
    free(d);
    return rc;
}
