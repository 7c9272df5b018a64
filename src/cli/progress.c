/* SPDX-License-Identifier: Apache-2.0 */
/* See progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "updraft/port_linux.h"

#define REDRAW_US 100000u

static uint64_t now_us(void)
{
    struct ud_clock clock = ud_linux_clock();
    return ud_clock_now_us(&clock);
}

void progress_start(struct progress *p, uint64_t total, bool quiet)
{
    *p = (struct progress){
        .quiet = quiet, .terminal = isatty(STDOUT_FILENO), .utf8 = cli_is_utf8(), .total = total, .start_us = now_us()
    };
}

static void size_text(char *out, size_t size, double bytes)
{
    if (bytes < 10240)
        snprintf(out, size, "%.0f B", bytes);
    else if (bytes < 10.0 * 1048576)
        snprintf(out, size, "%.0f KiB", bytes / 1024);
    else
        snprintf(out, size, "%.1f MiB", bytes / 1048576);
}

/* "  62 %  1034 of 1662 KiB  812 KiB/s  0:01 left" without the bar. */
static void describe(const struct progress *p, uint64_t done, uint64_t now, char *out, size_t size)
{
    char have[24], all[24] = "", rate[24], left[32] = "";
    double seconds = (double)(now - p->start_us) / 1e6;
    double speed = seconds > 0 ? (double)done / seconds : 0;
    size_text(have, sizeof have, (double)done);
    size_text(rate, sizeof rate, speed);
    if (p->total) {
        char total[16];
        size_text(total, sizeof total, (double)p->total);
        snprintf(all, sizeof all, " of %s", total);
    }
    if (p->total > done && speed > 0) {
        unsigned s = (unsigned)((double)(p->total - done) / speed + 0.5);
        snprintf(left, sizeof left, "  %u:%02u left", s / 60, s % 60);
    }
    snprintf(out, size, "%s%s  %s/s%s", have, all, rate, left);
}

static void draw_bar(const struct progress *p, uint64_t done, uint64_t now)
{
    char text[128];
    describe(p, done, now, text, sizeof text);
    unsigned columns = cli_columns();
    unsigned used = (unsigned)strlen(text) + 12;
    unsigned width = columns > used + 10 ? columns - used : 0;
    if (width > 40)
        width = 40;
    fputs("\r\033[K", stdout);
    if (p->total && width) {
        unsigned full = (unsigned)(done * width / p->total);
        putchar('[');
        for (unsigned i = 0; i < width; i++)
            fputs(i >= full ? " " : p->utf8 ? "\u2588" : "#", stdout);
        printf("] %3u %%  ", (unsigned)(done * 100 / p->total));
    }
    fputs(text, stdout);
    fflush(stdout);
}

void progress_break(struct progress *p)
{
    if (!p->drawn)
        return;
    putchar('\n');
    p->drawn = false;
    p->broken = true;
}

void progress_show(struct progress *p, uint64_t done)
{
    uint64_t now = now_us();
    if (p->quiet)
        return;
    if (p->terminal) {
        if (now - p->shown_us < REDRAW_US)
            return;
        p->shown_us = now;
        p->drawn = true;
        p->broken = false;
        draw_bar(p, done, now);
    } else if (p->total && done * 10 / p->total > p->last_tenth) {
        char text[128];
        p->last_tenth = (unsigned)(done * 10 / p->total);
        describe(p, done, now, text, sizeof text);
        printf("%3u %%  %s\n", p->last_tenth * 10, text);
        fflush(stdout);
    }
}

void progress_end(struct progress *p, uint64_t done)
{
    if (p->quiet || !p->terminal || p->broken)
        return;
    draw_bar(p, done, now_us());
    putchar('\n');
    p->drawn = false;
}
