/* SPDX-License-Identifier: Apache-2.0 */
/* Text of CSV tables: UTF-8, lines, white space, cells, and the messages about them. */
#include "csv.h"

size_t csv_code_point(const char *text, size_t len, uint32_t *out)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const uint8_t *p = (const uint8_t *)text;
    size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xE0) == 0xC0 ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : (p[0] & 0xF8) == 0xF0 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < smallest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *out = c;
    return n;
}

size_t csv_utf8_bad(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint32_t c;
        size_t n = csv_code_point(text + at, len - at, &c);
        if (n == 0)
            return at;
        at += n;
    }
    return len;
}

static bool is_line_end(uint32_t c)
{
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool is_space(uint32_t c)
{
    return is_line_end(c) || c == ' ' || c == '\t' || c == 0x1F || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

struct span csv_take_line(struct span *rest)
{
    struct span line = { rest->p, 0 };
    while (line.len < rest->len) {
        uint32_t c = 0;
        const char *at = rest->p + line.len;
        size_t n = csv_code_point(at, rest->len - line.len, &c);
        if (n == 0)
            n = 1;
        if (is_line_end(c)) {
            if (c == '\r' && rest->len - line.len > 1 && at[1] == '\n')
                n = 2;
            rest->p += line.len + n;
            rest->len -= line.len + n;
            return line;
        }
        line.len += n;
    }
    rest->p += rest->len;
    rest->len = 0;
    return line;
}

/* Length of the white space character that ends `s`, 0 if none does. */
static size_t space_at_end(struct span s)
{
    uint32_t c;
    for (size_t n = 1; n <= 3 && n <= s.len; n++)
        if (csv_code_point(s.p + s.len - n, n, &c) == n)
            return is_space(c) ? n : 0;
    return 0;
}

struct span csv_trim(struct span s)
{
    uint32_t c;
    size_t n;
    while (s.len > 0 && (n = csv_code_point(s.p, s.len, &c)) > 0 && is_space(c)) {
        s.p += n;
        s.len -= n;
    }
    while ((n = space_at_end(s)) > 0)
        s.len -= n;
    return s;
}

struct span csv_take_cell(struct span *rest, char separator)
{
    struct span cell = { rest->p, 0 };
    while (cell.len < rest->len && rest->p[cell.len] != separator)
        cell.len++;
    size_t taken = cell.len < rest->len ? cell.len + 1 : cell.len;
    rest->p += taken;
    rest->len -= taken;
    return csv_trim(cell);
}

bool csv_span_eq(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

bool csv_has_variable(struct span text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        char c = text.p[i + 1];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '{';
        if (text.p[i] == '$' && word)
            return true;
    }
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool csv_span_caseeq(struct span a, const char *b)
{
    size_t i = 0;
    while (i < a.len && b[i] && lower(a.p[i]) == lower(b[i]))
        i++;
    return i == a.len && !b[i];
}

void csv_say_span(struct csv_message *m, struct span s)
{
    size_t room = sizeof m->text - 1 - m->len;
    size_t n = s.len < room ? s.len : room;
    for (size_t i = 0; i < n; i++) /* a control character must not reach a terminal */
        m->text[m->len + i] = (uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7F ? '?' : s.p[i];
    m->len += n;
    m->text[m->len] = '\0';
}

void csv_say(struct csv_message *m, const char *text)
{
    csv_say_span(m, (struct span){ text, ud_strnlen(text, sizeof m->text) });
}

void csv_say_hex(struct csv_message *m, int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[16];
    size_t n = sizeof digits;
    do {
        digits[--n] = "0123456789abcdef"[rest & 0xF];
        rest >>= 4;
    } while (rest > 0);
    csv_say(m, value < 0 ? "-0x" : "0x");
    csv_say_span(m, (struct span){ digits + n, sizeof digits - n });
}

esp_err_t csv_bad(const struct ud_observer *obs, enum ud_ptable_fault fault, uint32_t line, struct span name,
                  const struct csv_message *m)
{
    struct csv_message whole = { .len = 0 };
    if (name.len > 0) {
        csv_say(&whole, "partition \"");
        csv_say_span(&whole, name);
        csv_say(&whole, "\": ");
    }
    csv_say(&whole, m->text);
    return ud_note(obs, UD_NOTE_CSV_BAD, ESP_ERR_INVALID_ARG, line, fault, whole.text);
}
