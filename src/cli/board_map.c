/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board map`: the flash as a picture, and as a table of its partitions; or as JSON. */
#include "board.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board map FILE [--json | --svg]\n"
    "\n"
    "Draws the flash of a board: its partitions, what each slot holds and in which state it is, which\n"
    "one runs and which one boots next. Reads only; works also while the board runs. Colour only on a\n"
    "terminal, and not with NO_COLOR.\n"
    "\n"
    "  --json   the same as JSON\n"
    "  --svg    the same as a picture for documents, light or dark as its viewer is\n"
    "\n"
    "Examples:\n"
    "  updraft board map b.flash\n"
    "  updraft board map b.flash --svg >map.svg\n";

#define BAR_MAX 120u

/* How to draw here. */
struct pen {
    bool color;
    bool utf8;
    unsigned columns;
};

enum cell { CELL_FREE, CELL_DATA, CELL_USED, CELL_SPARE, CELL_REFUSED, CELL_COUNT };

static const struct {
    const char *utf8;
    const char *ascii;
} cells[CELL_COUNT] = {
    [CELL_FREE] = { " ", " " },  [CELL_DATA] = { "▒", "=" },    [CELL_USED] = { "█", "#" },
    [CELL_SPARE] = { "░", "." }, [CELL_REFUSED] = { "█", "x" },
};

#define BOLD   "\x1b[1m"
#define DIM    "\x1b[2m"
#define RED    "\x1b[31m"
#define GREEN  "\x1b[32m"
#define YELLOW "\x1b[33m"
#define BLUE   "\x1b[34m"
#define PLAIN  "\x1b[0m"

static void paint(const struct pen *pen, const char *color)
{
    if (pen->color)
        fputs(color, stdout);
}

static void put(const struct pen *pen, const char *color, const char *text)
{
    paint(pen, color);
    fputs(text, stdout);
    paint(pen, PLAIN);
}

/* ---- the bar --------------------------------------------------------------------------------------------------------- */

static const char *part_color(const struct board_part *part)
{
    if (part->image == BOARD_NO_APP)
        return YELLOW;
    if (part->image == BOARD_REFUSED)
        return RED;
    return part->next ? GREEN : BLUE;
}

static uint32_t overlap(uint64_t lo, uint64_t hi, const struct ud_partition *p)
{
    uint64_t from = lo > p->addr ? lo : p->addr;
    uint64_t end = (uint64_t)p->addr + p->size;
    uint64_t to = hi < end ? hi : end;
    return from < to ? (uint32_t)(to - from) : 0;
}

/* The partition that has most of [lo, hi), NULL if none touches it. */
static const struct board_part *owner_of(const struct board_view *view, uint64_t lo, uint64_t hi)
{
    const struct board_part *best = NULL;
    uint32_t most = 0;
    for (unsigned i = 0; i < view->count; i++) {
        uint32_t n = overlap(lo, hi, view->part[i].p);
        if (n > most) {
            most = n;
            best = &view->part[i];
        }
    }
    return best;
}

static enum cell cell_of(const struct board_part *part, uint64_t lo)
{
    if (!part)
        return CELL_FREE;
    if (part->image == BOARD_NO_APP)
        return CELL_DATA;
    if (part->image == BOARD_REFUSED)
        return CELL_REFUSED;
    return part->used && lo < (uint64_t)part->p->addr + part->used ? CELL_USED : CELL_SPARE;
}

/* Names under the slots that are wide enough for theirs. */
static void print_bar_labels(const struct pen *pen, const struct board_part *const owner[], unsigned width)
{
    char line[BAR_MAX + 1];
    memset(line, ' ', width);
    line[width] = 0;
    for (unsigned i = 0; i < width;) {
        char label[17] = "";
        unsigned n = i + 1;
        while (n < width && owner[n] == owner[i])
            n++;
        size_t len = owner[i] ? strlen(board_label(owner[i]->p, label)) : 0;
        if (len > 0 && len < n - i)
            memcpy(line + i, label, len);
        i = n;
    }
    for (unsigned i = width; i > 0 && line[i - 1] == ' '; i--)
        line[i - 1] = 0;
    printf("   ");
    put(pen, DIM, line);
    putchar('\n');
}

static void print_bar(const struct pen *pen, const struct ud_lab_board *lab, const struct board_view *view)
{
    const struct board_part *owner[BAR_MAX];
    uint64_t size = lab->settings.flash_size;
    unsigned width = pen->columns < BAR_MAX ? pen->columns - 6 : BAR_MAX - 6;
    printf("  ");
    put(pen, DIM, pen->utf8 ? "▕" : "|");
    for (unsigned i = 0; i < width; i++) {
        uint64_t lo = size * i / width, hi = size * (i + 1) / width;
        owner[i] = owner_of(view, lo, hi);
        enum cell cell = cell_of(owner[i], lo);
        put(pen, owner[i] ? part_color(owner[i]) : DIM, pen->utf8 ? cells[cell].utf8 : cells[cell].ascii);
    }
    put(pen, DIM, pen->utf8 ? "▏" : "|");
    putchar('\n');
    print_bar_labels(pen, owner, width);
    putchar('\n');
}

/* ---- the table of partitions -------------------------------------------------------------------------------------------- */

struct widths {
    int label;
    int size;
    int holds;
    int state;
};

static void holds_text(const struct board_part *part, char *buf, size_t size)
{
    char type[8], subtype[8];
    const struct ud_partition *p = part->p;
    if (part->image == BOARD_EMPTY)
        snprintf(buf, size, "empty");
    else if (part->image == BOARD_NO_APP)
        snprintf(buf, size, "%s/%s%s", ud_partition_type_name(p->type, type),
                 ud_partition_subtype_name(p->type, p->subtype, subtype), part->blank ? ", empty" : "");
    else if (part->has_desc)
        snprintf(buf, size, "%s %s", part->desc.project_name, part->desc.version);
    else
        snprintf(buf, size, part->image == BOARD_GOOD ? "an image without a description" : "no image");
}

static const char *state_text(const struct board_part *part)
{
    return part->has_entry ? ud_ota_state_name(part->state) : "";
}

static const char *state_color(const struct board_part *part)
{
    switch (part->state) {
    case UD_OTA_VALID:
        return GREEN;
    case UD_OTA_NEW:
    case UD_OTA_PENDING_VERIFY:
        return YELLOW;
    case UD_OTA_INVALID:
    case UD_OTA_ABORTED:
        return RED;
    default:
        return "";
    }
}

static int wider(int width, const char *text)
{
    int n = (int)strlen(text);
    return n > width ? n : width;
}

static struct widths measure(const struct ud_lab_board *lab, const struct board_view *view)
{
    struct widths w = { 5, 4, 5, 0 };
    uint32_t at = view->count ? view->part[0].p->addr : 0;
    for (unsigned i = 0; i < view->count; i++) {
        const struct board_part *part = &view->part[i];
        char size[24], holds[96];
        board_size_text(part->p->size, size);
        holds_text(part, holds, sizeof holds);
        w.label = wider(w.label, part->p->label);
        w.size = wider(w.size, size);
        w.holds = wider(w.holds, holds);
        w.state = wider(w.state, state_text(part));
        if (part->p->addr > at) { /* what is free has a row, too */
            board_size_text(part->p->addr - at, size);
            w.size = wider(w.size, size);
        }
        at = part->p->addr + part->p->size;
    }
    if (at < lab->settings.flash_size) {
        char size[24];
        board_size_text(lab->settings.flash_size - at, size);
        w.size = wider(w.size, size);
    }
    return w;
}

static void print_marks(const struct pen *pen, const struct board_part *part)
{
    put(pen, BOLD GREEN, part->next ? (pen->utf8 ? "▶" : ">") : " ");
    put(pen, BOLD YELLOW, part->runs ? (pen->utf8 ? "●" : "*") : " ");
}

/* The longest way to say it that fits; when none does, the shortest. */
static void rest_text(const struct board_part *part, int room, char *buf, size_t size)
{
    char used[24];
    buf[0] = 0;
    if (part->image == BOARD_GOOD) {
        unsigned percent = (unsigned)((uint64_t)part->used * 100 / part->p->size);
        board_size_text(part->used, used);
        snprintf(buf, size, "%s, %u %% full", used, percent);
        if ((int)strlen(buf) > room)
            snprintf(buf, size, "%u %% full", percent);
    } else if (part->image == BOARD_REFUSED) {
        snprintf(buf, size, "refused: %s", part->reason);
        if ((int)strlen(buf) > room)
            snprintf(buf, size, "%s", part->reason);
    }
}

/* Shorten to `room` columns, the end showing that something is missing. */
static void fit(char *text, int room)
{
    if ((int)strlen(text) <= room)
        return;
    text[room > 0 ? room : 0] = 0;
    for (int i = room - 1; i >= 0 && i >= room - 2; i--)
        text[i] = '.';
}

/* One more column, if there is something in it; padded only when another follows. */
static void print_column(const struct pen *pen, const char *color, const char *text, int width, bool last)
{
    paint(pen, color);
    printf("  %-*s", last ? 0 : width, text);
    paint(pen, PLAIN);
}

/* What it holds, its state, the rest: the state is kept when it gets narrow, the rest goes first. */
static void print_content(const struct pen *pen, const struct board_part *part, const struct widths *w, int room)
{
    char holds[96], rest[200];
    const char *state = state_text(part);
    holds_text(part, holds, sizeof holds);
    int holds_room = room - (w->state ? w->state + 2 : 0);
    int holds_width = w->holds < holds_room ? w->holds : holds_room > 4 ? holds_room : 4;
    bool in_state = part->image == BOARD_REFUSED && !state[0]; /* the reason takes the column that has nothing */
    int rest_room = (in_state ? room : holds_room) - holds_width - 2;
    rest_text(part, rest_room, rest, sizeof rest);
    if (rest_room < 8)
        rest[0] = 0;
    if ((int)strlen(holds) > holds_width && part->has_desc)
        snprintf(holds, sizeof holds, "%s", part->desc.version); /* matters more than the name */
    fit(holds, holds_width);
    fit(rest, rest_room);
    bool dim = part->image == BOARD_NO_APP || part->image == BOARD_EMPTY;
    print_column(pen, dim ? DIM : "", holds, holds_width, !state[0] && !rest[0]);
    if (w->state && !in_state && (state[0] || rest[0]))
        print_column(pen, state[0] ? state_color(part) : "", state, w->state, !rest[0]);
    if (rest[0])
        print_column(pen, part->image == BOARD_REFUSED ? RED : DIM, rest, 0, true);
}

#define NARROW 56u /* columns below which sizes are left out */

static void print_place(const struct pen *pen, uint32_t addr, uint32_t bytes, const struct widths *w)
{
    char size[24];
    board_size_text(bytes, size);
    printf(" 0x%06" PRIx32, addr);
    if (pen->columns >= NARROW)
        printf("  %*s", w->size, size);
}

static void print_part(const struct pen *pen, const struct board_part *part, const struct widths *w)
{
    char label[17];
    int used = 2 + 1 + 8 + (pen->columns >= NARROW ? w->size + 2 : 0) + 2 + w->label + 2;
    print_marks(pen, part);
    print_place(pen, part->p->addr, part->p->size, w);
    paint(pen, part->next ? BOLD : "");
    print_column(pen, part_color(part), board_label(part->p, label), w->label, false);
    print_content(pen, part, w, (int)pen->columns - used);
    putchar('\n');
}

static void print_free(const struct pen *pen, uint32_t addr, uint32_t bytes, const struct widths *w)
{
    paint(pen, DIM);
    printf("  ");
    print_place(pen, addr, bytes, w);
    printf("  free\n");
    paint(pen, PLAIN);
}

static int by_address(const void *a, const void *b)
{
    const struct board_part *x = a, *y = b;
    return x->p->addr < y->p->addr ? -1 : x->p->addr > y->p->addr;
}

static void print_table(const struct pen *pen, const struct ud_lab_board *lab, const struct board_view *view)
{
    struct widths w = measure(lab, view);
    uint32_t at = view->count ? view->part[0].p->addr : 0;
    paint(pen, DIM);
    printf("   %-8s", "Address");
    if (pen->columns >= NARROW)
        printf("  %*s", w.size, "Size");
    printf("  %-*s  %s\n", w.label, "Label", "Holds");
    paint(pen, PLAIN);
    for (unsigned i = 0; i < view->count; i++) {
        const struct ud_partition *p = view->part[i].p;
        if (p->addr > at)
            print_free(pen, at, p->addr - at, &w);
        print_part(pen, &view->part[i], &w);
        at = p->addr + p->size;
    }
    if (at < lab->settings.flash_size)
        print_free(pen, at, lab->settings.flash_size - at, &w);
}

/* ---- around them ------------------------------------------------------------------------------------------------------- */

static void print_head(const struct pen *pen, const struct ud_lab_board *lab)
{
    const struct ud_lab_settings *s = &lab->settings;
    const char *dot = pen->utf8 ? " · " : ", ";
    char revision[16], size[24];
    board_revision_text(s->revision, revision);
    board_size_text(s->flash_size, size);
    put(pen, BOLD, lab->path);
    printf("  %s v%s%s%s flash%s%s%srollback %s", s->chip->title, revision, dot, size, dot,
           s->runs == UD_LAB_RUNS_HOST ? "runs host images" : "runs nothing", dot, s->boot_rollback ? "on" : "off");
    if (lab->holder != 0)
        put(pen, BOLD YELLOW, pen->utf8 ? " · running" : ", running");
    printf("\n\n");
}

static void print_foot(const struct pen *pen, const struct ud_lab_board *lab, const struct board_view *view)
{
    char title[96];
    const char *next = pen->utf8 ? "▶" : ">";
    putchar('\n');
    if (lab->boot.loaded) {
        board_slot_title(lab->boot.loaded->label, &lab->boot.info, title, sizeof title);
        put(pen, BOLD GREEN, next);
        printf("  boots next: %s", title);
    } else {
        put(pen, BOLD RED, next);
        printf("  nothing boots");
    }
    printf("; 'updraft board why %s' tells why\n", lab->path);
    for (unsigned i = 0; i < view->count; i++) {
        if (!view->part[i].runs)
            continue;
        put(pen, BOLD YELLOW, pen->utf8 ? "●" : "*");
        printf("  runs now: %s", board_label(view->part[i].p, title));
        if (lab->holder > 0)
            printf(" (process %d)", (int)lab->holder);
        putchar('\n');
    }
}

static void print_text(const struct ud_lab_board *lab, const struct board_view *view)
{
    struct pen pen = { cli_use_color(stdout), cli_is_utf8(), cli_columns() };
    print_head(&pen, lab);
    print_bar(&pen, lab, view);
    print_table(&pen, lab, view);
    print_foot(&pen, lab, view);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static const char *const image_names[] = { NULL, "empty", "good", "refused" };

static void add_text_or_null(cJSON *o, const char *name, const char *text)
{
    char copy[64];
    if (text) {
        snprintf(copy, sizeof copy, "%s", text);
        cli_printable(copy);
        cJSON_AddStringToObject(o, name, copy);
    } else {
        cJSON_AddNullToObject(o, name);
    }
}

cJSON *board_part_json(const struct board_part *part)
{
    char type[8], subtype[8], label[17];
    const struct ud_partition *p = part->p;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "label", board_label(p, label));
    cJSON_AddStringToObject(o, "type", ud_partition_type_name(p->type, type));
    cJSON_AddStringToObject(o, "subtype", ud_partition_subtype_name(p->type, p->subtype, subtype));
    cJSON_AddNumberToObject(o, "address", p->addr);
    cJSON_AddNumberToObject(o, "size", p->size);
    cJSON_AddBoolToObject(o, "blank", part->blank);
    if (part->image == BOARD_NO_APP)
        return o;
    cJSON_AddStringToObject(o, "image", image_names[part->image]);
    add_text_or_null(o, "project", part->has_desc ? part->desc.project_name : NULL);
    add_text_or_null(o, "version", part->has_desc ? part->desc.version : NULL);
    add_text_or_null(o, "state", part->has_entry ? ud_ota_state_name(part->state) : NULL);
    if (part->has_entry)
        cJSON_AddNumberToObject(o, "seq", part->seq);
    if (part->image == BOARD_GOOD)
        cJSON_AddNumberToObject(o, "used", part->used);
    if (part->image == BOARD_REFUSED)
        cJSON_AddStringToObject(o, "problem", part->problem);
    cJSON_AddBoolToObject(o, "next", part->next);
    cJSON_AddBoolToObject(o, "running", part->runs);
    return o;
}

static void print_json(const struct ud_lab_board *lab, const struct board_view *view)
{
    const struct ud_lab_settings *s = &lab->settings;
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();
    const char *runs_now = NULL;
    char revision[16];
    board_revision_text(s->revision, revision);
    for (unsigned i = 0; i < view->count; i++) {
        cJSON_AddItemToArray(list, board_part_json(&view->part[i]));
        if (view->part[i].runs)
            runs_now = view->part[i].p->label;
    }
    cJSON_AddStringToObject(root, "file", lab->path);
    cJSON_AddStringToObject(root, "chip", s->chip->name);
    cJSON_AddStringToObject(root, "revision", revision);
    cJSON_AddNumberToObject(root, "flash_size", s->flash_size);
    cJSON_AddStringToObject(root, "runs", s->runs == UD_LAB_RUNS_HOST ? "host" : "none");
    cJSON_AddBoolToObject(root, "rollback", s->boot_rollback);
    cJSON_AddBoolToObject(root, "running", lab->holder != 0);
    add_text_or_null(root, "runs_now", runs_now);
    add_text_or_null(root, "boots_next", lab->boot.loaded ? lab->boot.loaded->label : NULL);
    cJSON_AddItemToObject(root, "partitions", list);
    cli_print_json(root);
}

int board_map(int argc, char **argv)
{
    struct board_args args;
    int rc;
    if (!board_parse(argc, argv, "map", help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_READ);
    struct board_view *view = malloc(sizeof *view);
    if (lab && !view)
        cli_error("no memory");
    rc = lab && view && board_look(lab, view) ? CLI_OK : CLI_FAILED;
    if (rc == CLI_OK && args.json)
        print_json(lab, view);
    if (rc == CLI_OK && !args.json) {
        qsort(view->part, view->count, sizeof view->part[0], by_address);
        (args.svg ? board_print_svg : print_text)(lab, view);
    }
    free(view);
    board_close(lab);
    return rc;
}
