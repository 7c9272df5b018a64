/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a board as an SVG that stands alone: no script, no font and no style from elsewhere, its own background, and
 * colours that follow a viewer's dark mode. Coordinates are whole pixels, so that no locale can spoil a number.
 */
#include "board.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define WIDTH  1000
#define LEFT   32
#define RIGHT  968
#define BAR_Y  88
#define BAR_H  44
#define HEAD_Y 226
#define ROW    30
#define ROW_2  48 /* of two lines */

#define MONO_10TH 79 /* tenths of a pixel that a character of the table takes */

enum column {
    COL_SWATCH = 60,
    COL_ADDR = 84,
    COL_SIZE = 226, /* right end */
    COL_LABEL = 248,
    COL_HOLDS = 388,
    COL_STATE = 644,
    COL_USED = 784,
    COL_USED_TEXT = 848,
};

#define HOLDS_ROOM ((COL_STATE - COL_HOLDS) * 10 / MONO_10TH - 1) /* characters */

static const char style[] =
    "  .page{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328}.m{fill:#59636e}.line{stroke:#d8dee4}\n"
    "  .next{fill:#1a7f37}.app{fill:#0969da}.bad{fill:#cf222e}.data{fill:#bf8700}.sys{fill:#8c959f}\n"
    "  .next-l{fill:#aceebb}.app-l{fill:#b6e3ff}.bad-l{fill:#ffc1bc}.track{fill:#eaeef2}\n"
    "  .free{fill:none;stroke:#8c959f;stroke-dasharray:3 2}.dot{fill:#d4a72c}\n"
    "  .pill-good{fill:#dafbe1}.pill-wait{fill:#fff8c5}.pill-bad{fill:#ffebe9}.pill-none{fill:#eaeef2}\n"
    "  .on-good{fill:#116329}.on-wait{fill:#7d4e00}.on-bad{fill:#a40e26}.on-none{fill:#59636e}\n"
    "  text{font:13px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif}\n"
    "  .h1{font-size:20px;font-weight:600}.s{font-size:12px}.b{font-weight:600}\n"
    "  .mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
    "  .p{font-size:11px;font-weight:600}.end{text-anchor:end}.mid{text-anchor:middle}\n"
    "  @media (prefers-color-scheme:dark){\n"
    "  .page{fill:#0d1117;stroke:#3d444d}.t{fill:#f0f6fc}.m{fill:#9198a1}.line{stroke:#30363d}\n"
    "  .next{fill:#2ea043}.app{fill:#4493f8}.bad{fill:#f85149}.data{fill:#d29922}.sys{fill:#656c76}\n"
    "  .next-l{fill:#1b4d2b}.app-l{fill:#1a3a63}.bad-l{fill:#5f2324}.track{fill:#21262d}\n"
    "  .free{stroke:#656c76}.dot{fill:#e3b341}\n"
    "  .pill-good{fill:#12321d}.pill-wait{fill:#3a2d0b}.pill-bad{fill:#44191c}.pill-none{fill:#21262d}\n"
    "  .on-good{fill:#56d364}.on-wait{fill:#e3b341}.on-bad{fill:#ff7b72}.on-none{fill:#9198a1}}\n";

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* Text out of an image or a table as XML text; what is no character becomes '?'. */
static void put_text(const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = cli_character(s);
        if (*s == '&')
            fputs("&amp;", stdout);
        else if (*s == '<')
            fputs("&lt;", stdout);
        else if (*s == '>')
            fputs("&gt;", stdout);
        else if (n == 0)
            putchar('?');
        else
            fwrite(s, 1, n, stdout);
        s += n ? n : 1;
    }
}

__attribute__((format(printf, 4, 5))) static void write_text(int x, int y, const char *class, const char *fmt, ...)
{
    char buf[UD_LAB_PATH + 64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    printf("<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
    put_text(buf);
    fputs("</text>\n", stdout);
}

static void draw_box(int x, int y, int w, int h, int radius, const char *class)
{
    printf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" class=\"%s\"/>\n", x, y, w, h, radius, class);
}

static unsigned count_characters(const char *s)
{
    unsigned n = 0;
    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

/* Cut to `room` characters, the end showing that something is missing; never inside a character. */
static void fit(char *text, size_t size, unsigned room)
{
    unsigned n = 0;
    char *s = text;
    if (count_characters(text) <= room)
        return;
    for (; *s; s++)
        if ((*s & 0xC0) != 0x80 && ++n == room)
            break;
    snprintf(s, size - (size_t)(s - text), "…");
}

/* ---- the bar ------------------------------------------------------------------------------------------------------- */

static const char *part_class(const struct board_part *part, bool spare)
{
    if (part->image == BOARD_NO_APP)
        return "data";
    if (part->image == BOARD_REFUSED)
        return spare ? "bad-l" : "bad";
    if (part->next)
        return spare ? "next-l" : "next";
    return spare ? "app-l" : "app";
}

static int place(const struct ud_lab_board *lab, uint64_t addr)
{
    return LEFT + (int)(addr * (RIGHT - LEFT) / lab->settings.flash_size);
}

static void draw_run(const struct ud_lab_board *lab, uint64_t from, uint64_t to, const char *class)
{
    int x = place(lab, from), end = place(lab, to);
    draw_box(x, BAR_Y, end - x > 2 ? end - x - 1 : 2, BAR_H, 2, class);
}

static void draw_bar_part(const struct ud_lab_board *lab, const struct board_part *part)
{
    const struct ud_partition *p = part->p;
    uint64_t end = (uint64_t)p->addr + p->size;
    char label[17], size[24];
    board_size_text(p->size, size);
    fputs("<g><title>", stdout);
    put_text(board_label(p, label));
    printf(", %s at 0x%" PRIx32 "</title>\n", size, p->addr);
    if (part->image == BOARD_NO_APP) {
        draw_run(lab, p->addr, end, part_class(part, false));
    } else {
        draw_run(lab, p->addr, end, part_class(part, true));
        if (part->image == BOARD_REFUSED) /* how much of it is image is not known */
            draw_box(place(lab, p->addr), BAR_Y, 4, BAR_H, 2, "bad");
        if (part->used)
            draw_run(lab, p->addr, p->addr + part->used, part_class(part, false));
    }
    fputs("</g>\n", stdout);
    int room = place(lab, end) - place(lab, p->addr);
    if (room > (int)strlen(label) * 7 + 6)
        write_text(place(lab, p->addr) + 1, BAR_Y + BAR_H + 18, "s m", "%s", label);
}

static void draw_bar(const struct ud_lab_board *lab, const struct board_view *view)
{
    uint32_t table = lab->settings.table_offset;
    draw_box(LEFT, BAR_Y, RIGHT - LEFT, BAR_H, 2, "track");
    printf("<g><title>boot loader and partition table</title>\n");
    draw_run(lab, 0, (uint64_t)table + UD_FLASH_SECTOR, "sys");
    fputs("</g>\n", stdout);
    for (unsigned i = 0; i < view->count; i++)
        draw_bar_part(lab, &view->part[i]);
}

static void draw_legend(int y)
{
    static const struct {
        int x;
        const char *class;
        const char *text;
    } items[] = {
        { LEFT, "next", "boots next" },
        { LEFT + 112, "app", "other app" },
        { LEFT + 216, "app-l", "rest of a slot" },
        { LEFT + 342, "bad", "refused" },
        { LEFT + 432, "data", "data" },
        { LEFT + 502, "sys", "boot loader, table" },
        { LEFT + 656, "free", "free" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(items); i++) {
        draw_box(items[i].x, y - 10, 12, 12, 3, items[i].class);
        write_text(items[i].x + 18, y, "s m", "%s", items[i].text);
    }
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static void draw_state(const struct board_part *part, int y)
{
    static const char *const kinds[][2] = {
        { "pill-none", "p on-none mid" },
        { "pill-good", "p on-good mid" },
        { "pill-wait", "p on-wait mid" },
        { "pill-bad", "p on-bad mid" },
    };
    unsigned kind = 0;
    if (part->state == UD_OTA_VALID)
        kind = 1;
    else if (part->state == UD_OTA_NEW || part->state == UD_OTA_PENDING_VERIFY)
        kind = 2;
    else if (part->state == UD_OTA_INVALID || part->state == UD_OTA_ABORTED)
        kind = 3;
    const char *text = ud_ota_state_name(part->state);
    int width = (int)strlen(text) * 15 / 2 + 22;
    draw_box(COL_STATE, y - 14, width, 19, 9, kinds[kind][0]);
    write_text(COL_STATE + width / 2, y - 1, kinds[kind][1], "%s", text);
}

static void draw_usage(const struct board_part *part, int y)
{
    char used[24];
    int width = COL_USED_TEXT - COL_USED - 10;
    int filled = (int)((uint64_t)part->used * (uint64_t)width / part->p->size);
    board_size_text(part->used, used);
    draw_box(COL_USED, y - 9, width, 8, 4, part_class(part, true));
    draw_box(COL_USED, y - 9, filled > 8 ? filled : 8, 8, 4, part_class(part, false));
    write_text(COL_USED_TEXT, y, "s m mono", "%s, %u %%", used, (unsigned)((uint64_t)part->used * 100 / part->p->size));
}

static void draw_marks(const struct board_part *part, int y)
{
    if (part->next)
        printf("<path d=\"M%d %dl10 6-10 6z\" class=\"next\"><title>boots next</title></path>\n", LEFT, y - 10);
    if (part->runs)
        printf("<circle cx=\"%d\" cy=\"%d\" r=\"5\" class=\"dot\"><title>runs now</title></circle>\n", LEFT + 18,
               y - 4);
}

static void draw_place(uint32_t addr, uint32_t bytes, const char *class, int y)
{
    char size[24];
    board_size_text(bytes, size);
    draw_box(COL_SWATCH, y - 11, 12, 12, 3, class);
    write_text(COL_ADDR, y, "m mono", "0x%06" PRIx32, addr);
    write_text(COL_SIZE, y, "t mono end", "%s", size);
}

/* Height of its row. */
static int draw_part(const struct board_part *part, int y)
{
    char label[17], holds[96], type[8], subtype[8];
    bool quiet = part->image == BOARD_NO_APP || part->image == BOARD_EMPTY;
    draw_marks(part, y);
    draw_place(part->p->addr, part->p->size, part_class(part, part->image == BOARD_EMPTY), y);
    write_text(COL_LABEL, y, part->next ? "t mono b" : "t mono", "%s", board_label(part->p, label));
    if (part->image == BOARD_EMPTY)
        snprintf(holds, sizeof holds, "empty");
    else if (part->image == BOARD_NO_APP)
        snprintf(holds, sizeof holds, "%s/%s%s", ud_partition_type_name(part->p->type, type),
                 ud_partition_subtype_name(part->p->type, part->p->subtype, subtype), part->blank ? ", empty" : "");
    else if (part->has_desc)
        snprintf(holds, sizeof holds, "%s %s", part->desc.project_name, part->desc.version);
    else
        snprintf(holds, sizeof holds, part->image == BOARD_GOOD ? "an image without a description" : "no image");
    if (count_characters(holds) > HOLDS_ROOM && part->has_desc)
        snprintf(holds, sizeof holds, "%s", part->desc.version); /* matters more than the name */
    fit(holds, sizeof holds, HOLDS_ROOM);
    write_text(COL_HOLDS, y, quiet ? "m mono" : part->next ? "t mono b" : "t mono", "%s", holds);
    if (part->has_entry)
        draw_state(part, y);
    if (part->image == BOARD_GOOD)
        draw_usage(part, y);
    if (part->image != BOARD_REFUSED)
        return ROW;
    write_text(COL_HOLDS, y + 18, "s on-bad", "refused: %s", part->reason);
    return ROW_2;
}

static int draw_free(uint32_t addr, uint32_t bytes, int y)
{
    draw_place(addr, bytes, "free", y);
    write_text(COL_LABEL, y, "m mono", "free");
    return ROW;
}

/* Rows by address, with what is free between them; without `draw` only their height. */
static int rows(const struct ud_lab_board *lab, const struct board_view *view, int y, bool draw)
{
    uint32_t at = view->count ? view->part[0].p->addr : 0;
    for (unsigned i = 0; i <= view->count; i++) {
        const struct board_part *part = i < view->count ? &view->part[i] : NULL;
        uint32_t next = part ? part->p->addr : lab->settings.flash_size;
        if (next > at)
            y += draw ? draw_free(at, next - at, y) : ROW;
        if (!part)
            break;
        y += draw ? draw_part(part, y) : part->image == BOARD_REFUSED ? ROW_2 : ROW;
        at = part->p->addr + part->p->size;
    }
    return y;
}

static void draw_head(const struct ud_lab_board *lab)
{
    const struct ud_lab_settings *s = &lab->settings;
    const char *slash = strrchr(lab->path, '/');
    char revision[16], size[24];
    board_revision_text(s->revision, revision);
    board_size_text(s->flash_size, size);
    write_text(LEFT, 44, "h1 t", "%s", slash ? slash + 1 : lab->path);
    write_text(LEFT, 68, "m", "%s v%s · %s flash · runs %s · rollback %s%s", s->chip->title, revision, size,
               s->runs == UD_LAB_RUNS_HOST ? "host images" : "nothing", s->boot_rollback ? "on" : "off",
               lab->holder ? " · running" : "");
    write_text(COL_ADDR, HEAD_Y, "s m", "Address");
    write_text(COL_SIZE, HEAD_Y, "s m end", "Size");
    write_text(COL_LABEL, HEAD_Y, "s m", "Label");
    write_text(COL_HOLDS, HEAD_Y, "s m", "Holds");
    write_text(COL_STATE, HEAD_Y, "s m", "State");
    write_text(COL_USED, HEAD_Y, "s m", "Used");
    printf("<path d=\"M%d %dH%d\" class=\"line\"/>\n", LEFT, HEAD_Y + 10, RIGHT);
}

void board_print_svg(const struct ud_lab_board *lab, const struct board_view *view)
{
    char title[96] = "nothing boots";
    int end = rows(lab, view, HEAD_Y + 34, false);
    if (lab->boot.loaded)
        board_slot_title(lab->boot.loaded->label, &lab->boot.info, title, sizeof title);
    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
           WIDTH, end + 32, WIDTH, end + 32);
    fputs("<title>Flash map of ", stdout);
    put_text(lab->path);
    printf("</title>\n<style>\n%s</style>\n", style);
    printf("<rect x=\"1\" y=\"1\" width=\"%d\" height=\"%d\" rx=\"12\" class=\"page\"/>\n", WIDTH - 2, end + 30);
    draw_head(lab);
    draw_bar(lab, view);
    draw_legend(BAR_Y + BAR_H + 50);
    rows(lab, view, HEAD_Y + 34, true);
    if (lab->boot.loaded) {
        printf("<path d=\"M%d %dl10 6-10 6z\" class=\"next\"/>\n", LEFT, end);
        write_text(LEFT + 20, end + 11, "t", "boots next: %s", title);
    } else {
        write_text(LEFT, end + 11, "on-bad b", "%s", title);
    }
    fputs("</svg>\n", stdout);
}
