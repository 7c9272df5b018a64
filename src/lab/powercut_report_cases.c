/* SPDX-License-Identifier: Apache-2.0 */
/* Failing cases in the power-cut report: what broke, the command that shows it again, the bytes around it. */
#include "powercut_report.h"

#include <string.h>

#define ROW        16u
#define OPEN_CASES 4u /* the others are unfolded by whoever reads */

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Up to 16 bytes in two halves, which part on a narrow screen; those that differ are marked, neighbours together. */
static void put_row(FILE *out, const uint8_t *bytes, const uint8_t *other, uint32_t from, uint32_t len)
{
    bool open = false;
    fputs("<span class=\"c\">", out);
    for (uint32_t i = from; i < from + ROW && i < len; i++) {
        bool differs = bytes[i] != other[i];
        bool half = i == from + ROW / 2;
        if (open && (!differs || half)) {
            fputs("</b>", out);
            open = false;
        }
        fputs(half ? "</span><span class=\"c\">" : i > from ? " " : "", out);
        if (differs && !open) {
            fputs("<b>", out);
            open = true;
        }
        fprintf(out, "%02x", bytes[i]);
    }
    fputs(open ? "</b></span>" : "</span>", out);
}

static bool row_differs(const struct ud_powercut_violation *v, uint32_t from, uint32_t len)
{
    uint32_t n = len - from < ROW ? len - from : ROW;
    return memcmp(v->before + from, v->after + from, n) != 0;
}

static void put_gap(FILE *out, uint32_t rows)
{
    if (rows)
        fprintf(out, "<div class=\"gap\"><span></span><span></span><span>%u bytes as before</span></div>",
                (unsigned)(rows * ROW));
}

static void put_bytes(FILE *out, const struct ud_powercut_violation *v)
{
    uint32_t len = v->shown_len < UD_POWERCUT_BYTES ? v->shown_len : UD_POWERCUT_BYTES, same = 0;
    if (memcmp(v->before, v->after, len) == 0) {
        fprintf(out, "<p class=\"mut\">The cut left flash at 0x%06x as it was (%u bytes looked at).</p>",
                (unsigned)v->shown_addr, (unsigned)len);
        return;
    }
    fprintf(out,
            "<p class=\"mut\">Flash at 0x%06x, %u bytes: <b>&minus;</b> just before the operation, <b>+</b> as the cut "
            "left it.</p><div class=\"hex mono\">",
            (unsigned)v->shown_addr, (unsigned)len);
    for (uint32_t i = 0; i < len; i += ROW) {
        if (!row_differs(v, i, len)) {
            same++;
            continue;
        }
        put_gap(out, same);
        same = 0;
        fprintf(out, "<div><span class=\"a\">%06x</span><span class=\"m\">&minus;</span><span class=\"was\">",
                (unsigned)(v->shown_addr + i));
        put_row(out, v->before, v->after, i, len);
        fputs("</span><span class=\"m\">+</span><span class=\"now\">", out);
        put_row(out, v->after, v->before, i, len);
        fputs("</span></div>", out);
    }
    put_gap(out, same);
    fputs("</div>", out);
}

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static void put_cut(FILE *out, const struct ud_powercut_report *r, const struct ud_powercut_case *at)
{
    if (at->operation == 0) {
        fputs("The flow itself, without a cut.", out);
        return;
    }
    fprintf(out, "Power went at operation %u of %u", (unsigned)at->operation, (unsigned)r->operation_count);
    if (at->operation <= r->operation_count) {
        const struct ud_powercut_operation *o = &r->operation[at->operation - 1];
        fputs(" (", out);
        page_text(out, o->step);
        fprintf(out, ": %s of ", ud_powercut_kind_name(o->kind));
        page_bytes(out, o->len);
        fprintf(out, " at 0x%06x", (unsigned)o->addr);
        if (o->part[0]) {
            fputs(", ", out);
            page_text(out, o->part);
        }
        putc(')', out);
    }
    fprintf(out, ": <b>%s</b>", ud_cut_variant_name(at->variant));
    if (at->trial)
        fprintf(out, ", try %u", (unsigned)at->trial + 1);
    if (at->second)
        fprintf(out, "; and again at operation %u of the recovery: <b>%s</b>", (unsigned)at->second,
                ud_cut_variant_name(at->second_variant));
    putc('.', out);
}

static void put_command(FILE *out, const struct ud_powercut_report *r, const struct ud_powercut_violation *v)
{
    fputs("<div class=\"cmd\"><code>updraft powercut --replay ", out);
    page_argument(out, v->id);
    if (r->board) {
        fputs(" --board ", out);
        page_argument(out, r->board);
        fputs(" --image ", out);
        page_argument(out, r->image ? r->image : "IMAGE");
    }
    fputs("</code></div>", out);
}

static void put_case(FILE *out, const struct ud_powercut_report *r, const struct ud_powercut_violation *v, bool open,
                     bool bytes)
{
    fprintf(out, "<details class=\"case\"%s><summary><span class=\"pill bad\">%s</span> <h4>", open ? " open" : "",
            ud_powercut_invariant_name(v->invariant));
    page_text(out, v->what);
    fprintf(out, "</h4> <span class=\"mut num\">operation %u</span></summary><p>", (unsigned)v->at.operation);
    put_cut(out, r, &v->at);
    if (v->booted[0]) {
        fputs(" The last boot ran ", out);
        page_text(out, v->booted);
        putc('.', out);
    } else {
        fputs(" The last boot ran nothing.", out);
    }
    fputs("</p>", out);
    put_command(out, r, v);
    if (bytes)
        put_bytes(out, v);
    fputs("</details>\n", out);
}

void page_cases(FILE *out, const struct ud_powercut_report *r, size_t n, unsigned *bytes_left)
{
    if (r->violations == 0)
        return;
    fprintf(out, "<h3 id=\"cases%zu\">Failing cases</h3>\n", n);
    for (uint32_t i = 0; i < r->kept; i++) {
        const struct ud_powercut_violation *v = &r->violation[i];
        bool bytes = v->shown_len && *bytes_left;
        *bytes_left -= bytes;
        put_case(out, r, v, i < OPEN_CASES, bytes);
    }
    if (r->violations > r->kept) {
        fputs("<p class=\"mut\">These are the first ones; ", out);
        page_number(out, r->violations - r->kept);
        fputs(" more failed.</p>\n", out);
    }
}
