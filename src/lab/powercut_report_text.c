/* SPDX-License-Identifier: Apache-2.0 */
/* Text of the power-cut report: whatever comes from a board is data, never markup. */
#include "powercut_report.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of the character of UTF-8 at `s`; 0 when there is none, or one that a page cannot hold (of control; a
 * surrogate; not the shortest form). */
static size_t character(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead, len;
        uint32_t least;
    } forms[] = {
        { 0x80, 0x00, 1, 0x20 }, { 0xE0, 0xC0, 2, 0xA0 }, { 0xF0, 0xE0, 3, 0x800 }, { 0xF8, 0xF0, 4, 0x10000 }
    };
    for (unsigned i = 0; i < UD_ARRAY_LEN(forms); i++) {
        uint32_t code = s[0] & (uint32_t)(unsigned char)~forms[i].mask;
        if ((s[0] & forms[i].mask) != forms[i].lead)
            continue;
        for (unsigned k = 1; k < forms[i].len; k++) {
            if ((s[k] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (s[k] & 0x3Fu);
        }
        bool ok = code >= forms[i].least && code != 0x7F && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
                  (code & 0xFFFE) != 0xFFFE && (code < 0xFDD0 || code > 0xFDEF);
        return ok ? forms[i].len : 0;
    }
    return 0;
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void page_text(FILE *out, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const char *name = entity(*s);
        size_t n = character(s);
        if (name)
            fputs(name, out);
        else if (n)
            fwrite(s, 1, n, out);
        else
            fputs("\xEF\xBF\xBD", out);
        s += n ? n : 1;
    }
}

void page_number(FILE *out, uint64_t n)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            putc(',', out);
        putc(text[i], out);
    }
}

void page_bytes(FILE *out, uint64_t n)
{
    static const struct {
        uint32_t shift;
        const char *name;
    } units[] = { { 20, "MiB" }, { 10, "KiB" } };
    for (unsigned i = 0; i < UD_ARRAY_LEN(units); i++) {
        if (n >> units[i].shift == 0 || n & ((1u << units[i].shift) - 1))
            continue;
        page_number(out, n >> units[i].shift);
        fprintf(out, " %s", units[i].name);
        return;
    }
    page_count(out, n, "byte");
}

void page_count(FILE *out, uint64_t n, const char *thing)
{
    page_number(out, n);
    fprintf(out, " %s%s", thing, n == 1 ? "" : "s");
}

void page_argument(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/:@%=,";
    if (*text && text[strspn(text, plain)] == '\0') {
        page_text(out, text);
        return;
    }
    fputs("&#39;", out);
    for (const char *s = text; *s;) {
        char piece[128];
        size_t n = strcspn(s, "'");
        if (n == 0) {
            fputs("&#39;\\&#39;&#39;", out);
            s++;
            continue;
        }
        /* Whole characters: a piece ends before the first byte of one. */
        if (n >= sizeof piece)
            for (n = sizeof piece - 1; n > 1 && ((unsigned char)s[n] & 0xC0) == 0x80;)
                n--;
        memcpy(piece, s, n);
        piece[n] = '\0';
        page_text(out, piece);
        s += n;
    }
    fputs("&#39;", out);
}
