/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of the power-cut explorer: one HTML page, which loads nothing from anywhere (its own policy forbids it)
 * and holds no time or place of its making, so that equal runs make equal pages. Sizes are bounded by the limits here
 * and in powercut_report_draw.c.
 */
#include "powercut_report.h"

#include <errno.h>
#include <string.h>

#define ROWS_MAX  200u /* of the table of outcomes of one flow */
#define BYTES_MAX 64u  /* failing cases of the page that show their bytes */

struct sums {
    uint64_t operations, cases, boots, old, new, fall_backs, in_window, violations;
    uint64_t broken[UD_POWERCUT_INVARIANTS];
};

static struct sums add_up(const struct ud_powercut_report *reports, size_t count)
{
    struct sums s = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct ud_powercut_report *r = &reports[i];
        s.operations += r->operation_count;
        s.cases += r->cases;
        s.boots += r->boots;
        s.old += r->booted_old;
        s.new += r->booted_new;
        s.fall_backs += r->fall_backs;
        s.in_window += r->in_window;
        s.violations += r->violations;
        for (unsigned k = 0; k < UD_POWERCUT_INVARIANTS; k++)
            s.broken[k] += r->broken[k];
    }
    return s;
}

static void put_lines(FILE *out, const char *const *lines)
{
    for (; *lines; lines++)
        fprintf(out, "%s\n", *lines);
}

/* ---- the head of the page ---------------------------------------------------------------------------------------- */

static void put_verdict(FILE *out, const struct sums *s)
{
    if (s->violations) {
        page_count(out, s->violations, "violation");
        fputs(" in ", out);
        page_count(out, s->cases, "case");
    } else if (s->cases) {
        fputs("No violation in ", out);
        page_count(out, s->cases, "case");
    } else {
        fputs("No case was tried", out);
    }
}

static void put_fact(FILE *out, const char *name, const char *text)
{
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    page_text(out, text);
    fputs("</dd></div>", out);
}

static void put_facts(FILE *out, const struct ud_powercut_report *r, size_t count)
{
    fputs("<dl class=\"facts\">", out);
    if (count == 1)
        put_fact(out, "Flow", ud_powercut_flow_name(r->flow));
    put_fact(out, "Chip", r->chip ? r->chip : "unknown");
    if (r->board)
        put_fact(out, "Board", r->board);
    if (r->image)
        put_fact(out, "Image", r->image);
    fputs("<div><dt>New image</dt><dd>", out);
    page_bytes(out, r->image_bytes);
    fputs("</dd></div>", out);
    put_fact(out, "Cuts",
             r->depth < 2 ? "one a case"
             : r->sampled ? "one a case, and a sample of second cuts in the recovery"
                          : "one a case, and every second cut in the recovery");
    if (r->mutant) {
        put_fact(out, "Mutant", ud_powercut_mutant_name(r->mutant));
    }
    fputs("</dl>\n", out);
}

static void put_tile(FILE *out, const char *name, uint64_t n, bool bad)
{
    fprintf(out, "<div%s><dt>%s</dt><dd class=\"num\">", bad ? " class=\"bad\"" : "", name);
    page_number(out, n);
    fputs("</dd></div>", out);
}

static void put_tiles(FILE *out, const struct sums *s)
{
    fputs("<dl class=\"tiles\">", out);
    put_tile(out, "Operations", s->operations, false);
    put_tile(out, "Cases", s->cases, false);
    put_tile(out, "Boots, all verified", s->boots, false);
    put_tile(out, "Then ran the old image", s->old, false);
    put_tile(out, "Then ran the new one", s->new, false);
    put_tile(out, "Fall-backs, noted", s->fall_backs, false);
    put_tile(out, "Cases in a window", s->in_window, false);
    put_tile(out, "Violations", s->violations, s->violations > 0);
    fputs("</dl>\n", out);
}

static void put_head(FILE *out, const struct ud_powercut_report *reports, size_t count, const struct sums *s)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Power cuts: ",
          out);
    if (count == 1) {
        page_text(out, ud_powercut_flow_name(reports[0].flow));
    } else {
        page_count(out, count, "flow");
    }
    fputs(", ", out);
    page_count(out, s->violations, "violation");
    fputs("</title>\n<style>\n", out);
    put_lines(out, ud_powercut_page_style);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#flows\">Skip to the results</a>\n<header>\n", out);
    fprintf(out, "<div class=\"verdict%s\"><p class=\"eyebrow\">updraft powercut</p>\n<h1>",
            s->violations ? " bad"
            : s->cases    ? ""
                          : " none");
    put_verdict(out, s);
    fputs("</h1>\n<p class=\"lead\">Power was cut at every flash operation of ", out);
    if (count == 1)
        page_text(out, ud_powercut_flow_name(reports[0].flow));
    else
        page_count(out, count, "flow");
    fputs(", in every way that flash can be left behind. After each cut the device booted, tried again, and booted "
          "once more; each boot read and verified the whole image.",
          out);
    for (size_t i = 0; i < count; i++) {
        if (reports[i].violations == 0)
            continue;
        fprintf(out, " <a href=\"#cases%zu\">To the failing cases</a>", i + 1);
        break;
    }
    fputs("</p></div>\n", out);
    put_facts(out, &reports[0], count);
    put_tiles(out, s);
    fputs("</header>\n<main>\n", out);
}

/* ---- invariants and flows ---------------------------------------------------------------------------------------- */

static void put_invariants(FILE *out, const struct sums *s)
{
    fputs("<section class=\"card\" aria-labelledby=\"invariants\"><h2 id=\"invariants\">Invariants</h2>\n"
          "<ul class=\"inv\">\n",
          out);
    for (unsigned i = 0; i < UD_POWERCUT_INVARIANTS; i++) {
        fprintf(out, "<li><b>%s</b><span>%s</span>", ud_powercut_invariant_name((enum ud_powercut_invariant)i),
                ud_powercut_invariant_text((enum ud_powercut_invariant)i));
        if (s->broken[i]) {
            fputs("<span class=\"pill bad\">broken in ", out);
            page_count(out, s->broken[i], "case");
            fputs("</span></li>\n", out);
        } else {
            fputs(s->cases ? "<span class=\"pill good\">holds</span></li>\n"
                           : "<span class=\"pill\">not tried</span></li>\n",
                  out);
        }
    }
    fputs("</ul></section>\n", out);
}

static void put_pill(FILE *out, const struct ud_powercut_report *r)
{
    if (r->violations) {
        fputs("<span class=\"pill bad\">", out);
        page_count(out, r->violations, "violation");
        fputs("</span>", out);
    } else if (r->in_window) {
        fputs("<span class=\"pill wait\">window</span>", out);
    } else {
        fputs(r->cases ? "<span class=\"pill good\">holds</span>" : "<span class=\"pill\">no case</span>", out);
    }
}

static void put_overview(FILE *out, const struct ud_powercut_report *reports, size_t count)
{
    fputs("<section class=\"card\" aria-labelledby=\"all\"><h2 id=\"all\">Flows</h2>\n"
          "<table class=\"all\"><thead><tr><th scope=\"col\">Flow</th><th scope=\"col\">Verdict</th>"
          "<th scope=\"col\">What happens</th><th scope=\"col\" class=\"r\">Operations</th>"
          "<th scope=\"col\" class=\"r\">Cases</th><th scope=\"col\">Share that holds</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < count; i++) {
        const struct ud_powercut_report *r = &reports[i];
        fprintf(out, "<tr><th scope=\"row\"><a href=\"#flow%zu\">", i + 1);
        page_text(out, ud_powercut_flow_name(r->flow));
        fputs("</a></th><td>", out);
        put_pill(out, r);
        fputs("</td><td class=\"w mut\">", out);
        page_text(out, ud_powercut_flow_brief(r->flow));
        fputs("</td><td class=\"r\" data-v=\"operations\">", out);
        page_number(out, r->operation_count);
        fputs("</td><td class=\"r\" data-v=\"cases\">", out);
        page_number(out, r->cases);
        fputs("</td><td class=\"strip\">", out);
        page_shares(out, r);
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table></section>\n", out);
}

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

/* "install in ota_1: 16 × erase, 256 × program, 0x1d0000–0x1dffff" */
static void put_run(FILE *out, const struct ud_powercut_report *r, const struct page_run *run)
{
    const struct ud_powercut_operation *o = &r->operation[run->first - 1];
    const uint32_t count[] = { run->erases, run->programs, run->burns };
    const char *comma = "";
    page_text(out, o->step);
    if (o->part[0]) {
        fputs(" in ", out);
        page_text(out, o->part);
    }
    fputs(": ", out);
    for (unsigned k = 0; k < UD_ARRAY_LEN(count); k++) {
        if (count[k] == 0)
            continue;
        fputs(comma, out);
        page_number(out, count[k]);
        fprintf(out, " &times; %s", ud_powercut_kind_name((enum ud_powercut_kind)k));
        comma = ", ";
    }
    fprintf(out, ", 0x%06x&ndash;0x%06x", (unsigned)run->low, (unsigned)(run->high - 1));
}

static void put_row(FILE *out, const struct ud_powercut_report *r, const struct page_run *run, const bool *shown)
{
    const struct ud_powercut_operation *o = &r->operation[run->first - 1];
    fprintf(out, "<tr data-a=\"%u\" data-b=\"%u\" data-t=\"", (unsigned)run->first, (unsigned)run->last);
    put_run(out, r, run);
    fputs("\"><th scope=\"row\" class=\"num\">", out);
    page_number(out, run->first);
    if (run->last > run->first) {
        fputs("&ndash;", out);
        page_number(out, run->last);
    }
    fputs("</th><td class=\"w\">", out);
    put_run(out, r, run);
    fputs("</td>", out);
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        if (!shown[v])
            continue;
        fprintf(out, "<td class=\"o o%u\" data-v=\"%s\"><span>%s</span></td>", (unsigned)o->outcome[v],
                ud_cut_variant_name((enum ud_cut_variant)v), ud_powercut_outcome_name(o->outcome[v]));
    }
    fputs("<td class=\"r\" data-v=\"cases\">", out);
    page_number(out, run->cases);
    fputs("</td></tr>\n", out);
}

static void put_outcomes(FILE *out, const struct ud_powercut_report *r, size_t n)
{
    bool shown[UD_CUT_VARIANTS] = { false };
    uint32_t first = 1;
    if (r->operation_count == 0)
        return;
    for (uint32_t i = 0; i < r->operation_count; i++)
        for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
            shown[v] |= r->operation[i].outcome[v] != UD_POWERCUT_UNTRIED;
    fputs("<h3>Outcomes</h3>\n<table class=\"out\"><caption>By operation and by where in it the power went; of several "
          "cases the worst. Neighbours that agree share a row.</caption><thead><tr><th scope=\"col\">Operations</th>"
          "<th scope=\"col\">What the device was doing</th>",
          out);
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
        if (shown[v])
            fprintf(out, "<th scope=\"col\">%s</th>", ud_cut_variant_name((enum ud_cut_variant)v));
    fprintf(out, "<th scope=\"col\" class=\"r\">cases</th></tr></thead><tbody id=\"rows%zu\">\n", n);
    for (unsigned rows = 0; first <= r->operation_count && rows < ROWS_MAX; rows++) {
        struct page_run run = page_run_at(r, first);
        put_row(out, r, &run, shown);
        first = run.last + 1;
    }
    fputs("</tbody></table>\n", out);
    if (first <= r->operation_count) {
        fputs("<p class=\"mut\">Operations from ", out);
        page_number(out, first);
        fputs(" on are not listed one by one; the timeline and the failing cases have them.</p>\n", out);
    }
}

/* ---- one flow ---------------------------------------------------------------------------------------------------- */

static void put_windows(FILE *out, const struct ud_powercut_report *r)
{
    if (r->unsafe) {
        fputs("<p class=\"note\"><strong>This flow cannot be safe:</strong> ", out);
        page_text(out, r->unsafe);
        fputs(".</p>\n", out);
    }
    for (uint32_t i = 0; i < r->window_count; i++) {
        const struct ud_powercut_window *w = &r->window[i];
        fprintf(out, "<p class=\"note\"><strong>Window:</strong> operations %u to %u of %u, ", (unsigned)w->first,
                (unsigned)w->last, (unsigned)r->operation_count);
        page_count(out, w->cases, "case");
        fputs(w->bricks ? ". After a cut there nothing may boot.</p>\n"
                        : ". After a cut there otadata is gone, and an image outside its choice boots.</p>\n",
              out);
    }
}

static void put_flow(FILE *out, const struct ud_powercut_report *r, size_t n, bool open, unsigned *bytes_left)
{
    fprintf(out, "<details class=\"card flow\" id=\"flow%zu\"%s><summary><h2>", n, open ? " open" : "");
    page_text(out, ud_powercut_flow_name(r->flow));
    fputs("</h2><span class=\"mut num\">", out);
    page_count(out, r->operation_count, "operation");
    fputs(", ", out);
    page_count(out, r->cases, "case");
    fputs("</span>", out);
    put_pill(out, r);
    fputs("</summary>\n<p class=\"mut\">", out);
    page_text(out, ud_powercut_flow_brief(r->flow));
    fputs("</p>\n", out);
    if (r->mutant) {
        fputs("<p class=\"note\"><strong>Mutant:</strong> ", out);
        page_text(out, ud_powercut_mutant_brief(r->mutant));
        fputs(".</p>\n", out);
    }
    put_windows(out, r);
    page_timeline(out, r, n);
    put_outcomes(out, r, n);
    page_flash_map(out, r);
    page_cases(out, r, n, bytes_left);
    fputs("</details>\n", out);
}

static void put_how_to_read(FILE *out)
{
    static const char *const words[][2] = {
        { "before", "nothing of the operation has happened" },
        { "prefix", "the first bytes are done, the others are as before" },
        { "bits", "some of the bits that change have changed" },
        { "weak", "the same, and half of the bits left 0 read differently each time until they are erased again" },
        { "unacknowledged",
          "all is done, but the device was never told; \"after\" leaves the same, so it is not tried" },
        { "old, new", "which image the first boot after the cut ran; all invariants hold" },
        { "window", "the format has something only once, and it was being written: no order of writes can hold this" },
        { "violated", "an invariant does not hold: a defect" },
    };
    fputs("<section class=\"card\" aria-labelledby=\"how\"><h2 id=\"how\">How to read this</h2>\n<dl class=\"how\">",
          out);
    for (unsigned i = 0; i < UD_ARRAY_LEN(words); i++)
        fprintf(out, "<dt>%s</dt><dd>%s</dd>", words[i][0], words[i][1]);
    fputs(
        "</dl></section>\n</main>\n<footer><p>A timeline is moved through with <kbd>&larr;</kbd> <kbd>&rarr;</kbd> "
        "<kbd>Page Up</kbd> <kbd>Page Down</kbd> <kbd>Home</kbd> <kbd>End</kbd>; <kbd>Enter</kbd> shows the row of an "
        "operation. What is promised, and what is not: docs/reliability.md.</p></footer>\n<script>\n",
        out);
    put_lines(out, ud_powercut_page_script);
    fputs("</script>\n</body>\n</html>\n", out);
}

esp_err_t ud_powercut_report_html(FILE *out, const struct ud_powercut_report *reports, size_t count)
{
    unsigned bytes_left = BYTES_MAX;
    if (!out || !reports || count == 0)
        return ESP_ERR_INVALID_ARG;
    for (size_t i = 0; i < count; i++)
        if (!reports[i].flow)
            return ESP_ERR_INVALID_ARG;
    struct sums s = add_up(reports, count);
    put_head(out, reports, count, &s);
    put_invariants(out, &s);
    if (count > 1)
        put_overview(out, reports, count);
    fputs("<div id=\"flows\">\n", out);
    for (size_t i = 0; i < count; i++)
        put_flow(out, &reports[i], i + 1, count == 1 || reports[i].violations > 0, &bytes_left);
    fputs("</div>\n", out);
    put_how_to_read(out);
    return fflush(out) == 0 && !ferror(out) ? ESP_OK : ESP_FAIL;
}
