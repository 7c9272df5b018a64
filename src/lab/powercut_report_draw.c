/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pictures of the power-cut report: the timeline of operations and the map of flash. Both are bounded: what has
 * more operations or sectors than columns shares them, and the worst of a column is what it shows.
 */
#include "powercut_report.h"

#include <string.h>

#define COLUMNS   240u  /* of the timeline */
#define LISTED    1024u /* operations that the timeline tells one by one */
#define MAP_CELLS 64u   /* of one part of flash */
#define STEPS     6u
#define RHYTHM    8u /* operations of a column in which an erase is shown */
#define LANE      18u
#define LANE_BAR  15u
#define SECTOR    4096u

/* ---- runs of operations ------------------------------------------------------------------------------------------ */

static bool is_alike(const struct ud_powercut_operation *a, const struct ud_powercut_operation *b)
{
    return strcmp(a->step, b->step) == 0 && strcmp(a->part, b->part) == 0 &&
           (a->kind == UD_POWERCUT_BURN) == (b->kind == UD_POWERCUT_BURN) &&
           memcmp(a->outcome, b->outcome, sizeof a->outcome) == 0;
}

struct page_run page_run_at(const struct ud_powercut_report *r, uint32_t first)
{
    const struct ud_powercut_operation *head = &r->operation[first - 1];
    struct page_run run = { .first = first, .low = head->addr, .high = head->addr };
    for (uint32_t n = first; n <= r->operation_count && is_alike(head, &r->operation[n - 1]); n++) {
        const struct ud_powercut_operation *o = &r->operation[n - 1];
        run.last = n;
        run.erases += o->kind == UD_POWERCUT_ERASE;
        run.programs += o->kind == UD_POWERCUT_PROGRAM;
        run.burns += o->kind == UD_POWERCUT_BURN;
        run.low = o->addr < run.low ? o->addr : run.low;
        run.high = o->addr + o->len > run.high ? o->addr + o->len : run.high;
        for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
            run.cases += o->cases[v];
    }
    return run;
}

/* ---- the timeline ------------------------------------------------------------------------------------------------ */

struct lanes {
    const struct ud_powercut_report *r;
    uint32_t columns;
    const char *step[STEPS]; /* in the order in which they come; a seventh shares the last colour */
    unsigned steps;
};

static unsigned step_of(struct lanes *l, const char *step)
{
    for (unsigned i = 0; i < l->steps; i++)
        if (strcmp(l->step[i], step) == 0)
            return i;
    if (l->steps == STEPS)
        return STEPS - 1;
    l->step[l->steps] = step;
    return l->steps++;
}

/* Operations of column c: from, and up to exclusive; counted from 0. */
static uint32_t column_start(const struct lanes *l, uint32_t c)
{
    return (uint32_t)((uint64_t)c * l->r->operation_count / l->columns);
}

static const char *class_of(struct lanes *l, int lane, uint32_t c, char text[16])
{
    uint32_t from = column_start(l, c), to = column_start(l, c + 1);
    unsigned worst = 0;
    if (lane == -2) {
        snprintf(text, 16, "s%u", step_of(l, l->r->operation[from].step));
        return text;
    }
    if (lane == -1) { /* an erase among a few programs shows the order; among many it would hide them */
        enum ud_powercut_kind kind = l->r->operation[from + (to - from) / 2].kind;
        for (uint32_t i = from; i < to && to - from <= RHYTHM; i++)
            kind = l->r->operation[i].kind == UD_POWERCUT_PROGRAM ? kind : l->r->operation[i].kind;
        snprintf(text, 16, "f-%s", ud_powercut_kind_name(kind));
        return text;
    }
    for (uint32_t i = from; i < to; i++)
        worst = l->r->operation[i].outcome[lane] > worst ? l->r->operation[i].outcome[lane] : worst;
    snprintf(text, 16, "f-%s", worst ? ud_powercut_outcome_name((enum ud_powercut_outcome)worst) : "untried");
    return text;
}

/* Equal neighbours are one rectangle. */
static void draw_lane(FILE *out, struct lanes *l, int lane, unsigned y)
{
    char class[16], next[16];
    for (uint32_t c = 0; c < l->columns;) {
        uint32_t end = c + 1;
        class_of(l, lane, c, class);
        while (end < l->columns && strcmp(class_of(l, lane, end, next), class) == 0)
            end++;
        fprintf(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", class, (unsigned)c, y,
                (unsigned)(end - c), LANE_BAR);
        c = end;
    }
}

static bool is_tried(const struct ud_powercut_report *r, unsigned variant)
{
    for (uint32_t i = 0; i < r->operation_count; i++)
        if (r->operation[i].outcome[variant] != UD_POWERCUT_UNTRIED)
            return true;
    return false;
}

static void list_operations(FILE *out, const struct ud_powercut_report *r)
{
    static const char letter[] = "epb";
    fputs(" data-ops=\"", out);
    for (uint32_t i = 0; i < r->operation_count && r->operation_count <= LISTED; i++)
        fprintf(out, "%s%c%x+%u", i ? " " : "", letter[r->operation[i].kind], (unsigned)r->operation[i].addr,
                (unsigned)r->operation[i].len);
    putc('"', out);
}

static bool has_kind(const struct ud_powercut_report *r, enum ud_powercut_kind kind)
{
    for (uint32_t i = 0; i < r->operation_count; i++)
        if (r->operation[i].kind == kind)
            return true;
    return false;
}

/* In a lane that is drawn. */
static bool has_outcome(const struct ud_powercut_report *r, enum ud_powercut_outcome outcome)
{
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        bool drawn = is_tried(r, v);
        for (uint32_t i = 0; drawn && i < r->operation_count; i++)
            if (r->operation[i].outcome[v] == outcome)
                return true;
    }
    return false;
}

static void put_key(FILE *out, const char *class, const char *text)
{
    fprintf(out, "<li><b class=\"%s\"></b>", class);
    page_text(out, text);
    fputs("</li>", out);
}

/* Only of the colours that are there. */
static void draw_key(FILE *out, const struct lanes *l)
{
    static const char *const kinds[][2] = { { "b-erase", "erase" },
                                            { "b-program", "program" },
                                            { "b-burn", "burn of eFuses" } };
    static const char *const outcomes[][2] = {
        { "b-untried", "no such variant" }, { "b-old", "old image ran" }, { "b-new", "new image ran" },
        { "b-window", "window" },           { "b-violated", "violated" },
    };
    char class[16];
    fputs("<ul class=\"key\" aria-label=\"Colours\">", out);
    for (unsigned i = 0; i < l->steps; i++) {
        snprintf(class, sizeof class, "s%u", i);
        put_key(out, class, l->step[i]);
    }
    for (unsigned i = 0; i < UD_ARRAY_LEN(kinds); i++)
        if (has_kind(l->r, (enum ud_powercut_kind)i))
            put_key(out, kinds[i][0], kinds[i][1]);
    for (unsigned i = 0; i < UD_ARRAY_LEN(outcomes); i++)
        if (has_outcome(l->r, (enum ud_powercut_outcome)i))
            put_key(out, outcomes[i][0], outcomes[i][1]);
    fputs("</ul>\n", out);
}

void page_timeline(FILE *out, const struct ud_powercut_report *r, size_t n)
{
    struct lanes l = { .r = r, .columns = r->operation_count < COLUMNS ? r->operation_count : COLUMNS };
    unsigned lanes = 2;
    fputs("<h3>Timeline</h3>\n", out);
    if (r->operation_count == 0) {
        fputs("<p class=\"mut\">This flow has no flash operation, so there is nothing to cut.</p>\n", out);
        return;
    }
    fputs("<div class=\"tl\"><span>step</span><span>operation</span>", out);
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        if (is_tried(r, v)) {
            fprintf(out, "<span>%s</span>", ud_cut_variant_name((enum ud_cut_variant)v));
            lanes++;
        }
    }
    fprintf(out, "<div class=\"plot\" data-n=\"%u\" data-say=\"say%zu\" data-rows=\"rows%zu\"",
            (unsigned)r->operation_count, n, n);
    list_operations(out, r);
    fputs(" role=\"img\" aria-label=\"Timeline of operations of ", out);
    page_text(out, ud_powercut_flow_name(r->flow));
    fprintf(out,
            "\" style=\"height:%upx\"><svg viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
            lanes * LANE, (unsigned)l.columns, lanes * LANE);
    draw_lane(out, &l, -2, 0);
    draw_lane(out, &l, -1, LANE);
    unsigned y = 2 * LANE;
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        if (is_tried(r, v)) {
            draw_lane(out, &l, (int)v, y);
            y += LANE;
        }
    }
    fprintf(out, "</svg><i></i></div><div class=\"axis\"><span>1</span><span>%u</span></div></div>\n",
            (unsigned)r->operation_count);
    draw_key(out, &l);
    fprintf(out, "<p class=\"say mut\" id=\"say%zu\" aria-live=\"off\"></p>\n", n);
}

/* ---- flash ------------------------------------------------------------------------------------------------------- */

struct wear {
    uint32_t sectors; /* erased */
    uint64_t erases;
    uint32_t most; /* of one sector */
    uint64_t programs;
};

static struct wear wear_of(const struct ud_powercut_report *r, uint64_t from, uint64_t to)
{
    struct wear w = { 0 };
    for (uint64_t i = from; i < to && i < r->sector_count; i++) {
        w.sectors += r->erases[i] > 0;
        w.erases += r->erases[i];
        w.most = r->erases[i] > w.most ? r->erases[i] : w.most;
        w.programs += r->programs[i];
    }
    return w;
}

static const char *heat(const struct wear *w)
{
    static const char *const classes[] = { "w0", "w1", "w2", "w3", "w4" };
    return w->most == 0 && w->programs ? "wp" : classes[w->most < 4 ? w->most : 4];
}

static void draw_strip(FILE *out, const struct ud_powercut_report *r, uint64_t from, uint64_t to, uint32_t max)
{
    uint32_t cells = to - from < max ? (uint32_t)(to - from) : max;
    fprintf(out, "<svg viewBox=\"0 0 %u 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", (unsigned)cells);
    for (uint32_t c = 0; c < cells;) {
        struct wear w = wear_of(r, from + (to - from) * c / cells, from + (to - from) * (c + 1) / cells);
        const char *class = heat(&w);
        uint32_t end = c + 1;
        for (; end < cells; end++) {
            w = wear_of(r, from + (to - from) * end / cells, from + (to - from) * (end + 1) / cells);
            if (heat(&w) != class)
                break;
        }
        fprintf(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"1\"/>", class, (unsigned)c,
                (unsigned)(end - c));
        c = end;
    }
    fputs("</svg>", out);
}

static const char *kind_of(const struct ud_powercut_region *g)
{
    return g->type == UD_PART_APP ? "app" : g->type == UD_PART_BOOTLOADER || g->type == UD_PART_TABLE ? "sys" : "data";
}

/* All of flash to scale: what lies where above, what was worn below. */
static void draw_flash(FILE *out, const struct ud_powercut_report *r)
{
    fputs("<figure aria-hidden=\"true\"><svg class=\"flash\" viewBox=\"0 0 1000 2\" preserveAspectRatio=\"none\">"
          "<rect class=\"w0\" width=\"1000\" height=\"2\"/>",
          out);
    for (uint32_t i = 0; i < r->region_count; i++) {
        const struct ud_powercut_region *g = &r->region[i];
        unsigned x = (unsigned)((uint64_t)g->addr * 1000 / r->flash_size);
        unsigned end = (unsigned)(((uint64_t)g->addr + g->size) * 1000 / r->flash_size);
        fprintf(out, "<rect class=\"t-%s\" x=\"%u\" width=\"%u\" height=\"1\"/>", kind_of(g), x,
                end > x + 3 ? end - x - 2 : 2);
    }
    fputs("<svg y=\"1\" width=\"1000\" height=\"1\" viewBox=\"0 0 1000 1\">", out);
    fputs("<svg width=\"1000\" height=\"1\" preserveAspectRatio=\"none\" ", out);
    fprintf(out, "viewBox=\"0 0 %u 1\">", (unsigned)r->sector_count);
    for (uint32_t i = 0; i < r->sector_count;) {
        struct wear w = wear_of(r, i, i + 1);
        uint32_t end = i + 1;
        const char *class = heat(&w);
        for (; end < r->sector_count; end++) {
            w = wear_of(r, end, end + 1);
            if (heat(&w) != class)
                break;
        }
        if (strcmp(class, "w0") != 0)
            fprintf(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"1\"/>", class, (unsigned)i,
                    (unsigned)(end - i));
        i = end;
    }
    fputs("</svg></svg></svg></figure>\n", out);
}

static void tell_wear(FILE *out, const struct wear *w)
{
    if (w->erases == 0 && w->programs == 0) {
        fputs("<span class=\"mut\">untouched</span>", out);
        return;
    }
    page_count(out, w->sectors, "sector");
    fputs(" erased", out);
    if (w->most)
        fprintf(out, ", %u&times; at most", (unsigned)w->most);
    fputs("; ", out);
    page_count(out, w->programs, "page");
    fputs(" programmed", out);
}

static void draw_region(FILE *out, const struct ud_powercut_report *r, const struct ud_powercut_region *g)
{
    uint64_t from = g->addr / SECTOR, to = ((uint64_t)g->addr + g->size + SECTOR - 1) / SECTOR;
    struct wear w = wear_of(r, from, to);
    fprintf(out, "<tr><th scope=\"row\"><i class=\"sw t-%s\"></i>", kind_of(g));
    page_text(out, g->label);
    fprintf(out, "</th><td class=\"mono\">0x%06x</td><td class=\"num\">", (unsigned)g->addr);
    page_bytes(out, g->size);
    fputs("</td><td class=\"strip\">", out);
    draw_strip(out, r, from, to, MAP_CELLS);
    fputs("</td><td class=\"w\">", out);
    tell_wear(out, &w);
    fputs("</td></tr>\n", out);
}

/* What was written where nothing is. */
static void tell_outside(FILE *out, const struct ud_powercut_report *r)
{
    uint32_t count = 0, first = 0;
    for (uint32_t i = 0; i < r->sector_count; i++) {
        bool inside = r->erases[i] == 0 && r->programs[i] == 0;
        for (uint32_t k = 0; k < r->region_count && !inside; k++)
            inside = i * SECTOR >= r->region[k].addr / SECTOR * SECTOR &&
                     (uint64_t)i * SECTOR < (uint64_t)r->region[k].addr + r->region[k].size;
        if (!inside && count++ == 0)
            first = i * SECTOR;
    }
    if (count == 0)
        return;
    fputs("<p class=\"note\"><strong>Outside of all parts:</strong> ", out);
    page_count(out, count, "sector");
    fprintf(out, " written, the first at 0x%06x.</p>\n", (unsigned)first);
}

void page_flash_map(FILE *out, const struct ud_powercut_report *r)
{
    static const char *const heats[][2] = {
        { "w0", "untouched" }, { "wp", "programmed only" }, { "w1", "erased once" },
        { "w2", "twice" },     { "w3", "3 times" },         { "w4", "more often" },
    };
    if (r->sector_count == 0 || r->flash_size == 0 || !r->erases || !r->programs)
        return;
    fputs("<h3>Flash and its wear</h3>\n", out);
    draw_flash(out, r);
    fputs("<ul class=\"key\" aria-label=\"Colours of wear\">", out);
    for (unsigned i = 0; i < UD_ARRAY_LEN(heats); i++)
        fprintf(out, "<li><b class=\"%s\"></b>%s</li>", heats[i][0], heats[i][1]);
    fputs("</ul>\n<table class=\"map\"><thead><tr><th scope=\"col\">Part</th><th scope=\"col\">Address</th>"
          "<th scope=\"col\">Size</th><th scope=\"col\">Wear by sector</th><th scope=\"col\">In the flow without a "
          "cut</th>"
          "</tr></thead><tbody>\n",
          out);
    for (uint32_t i = 0; i < r->region_count; i++)
        draw_region(out, r, &r->region[i]);
    fputs("</tbody></table>\n", out);
    tell_outside(out, r);
}

void page_shares(FILE *out, const struct ud_powercut_report *r)
{
    uint64_t bad = r->violations < r->cases ? r->violations : r->cases;
    uint64_t window = r->in_window < r->cases - bad ? r->in_window : r->cases - bad;
    const struct {
        const char *class;
        uint64_t cases;
    } share[] = { { "f-new", r->cases - bad - window }, { "f-window", window }, { "f-violated", bad } };
    uint64_t x = 0;
    fprintf(out, "<svg class=\"bar\" viewBox=\"0 0 %u 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
            r->cases ? (unsigned)r->cases : 1);
    for (unsigned i = 0; i < UD_ARRAY_LEN(share); i++) {
        if (share[i].cases)
            fprintf(out, "<rect class=\"%s\" x=\"%u\" width=\"%u\" height=\"1\"/>", share[i].class, (unsigned)x,
                    (unsigned)share[i].cases);
        x += share[i].cases;
    }
    fputs("</svg>", out);
}
