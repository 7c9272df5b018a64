/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of CSV cells: [sign] (decimal | 0x.. | 0o.. | 0b..) with one `_` between digits or after the prefix, then
 * any count of suffixes K (1024) and M (1048576). White space may stand before the innermost suffix.
 */
#include "csv.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static int64_t scale(int64_t value, int64_t factor)
{
    if (value > CSV_FAR / factor)
        return CSV_FAR;
    if (value < -(CSV_FAR / factor))
        return -CSV_FAR;
    return value * factor;
}

static int base_of(struct span s)
{
    if (s.len < 2 || s.p[0] != '0')
        return 10;
    switch (s.p[1]) {
    case 'x':
    case 'X':
        return 16;
    case 'o':
    case 'O':
        return 8;
    case 'b':
    case 'B':
        return 2;
    default:
        return 10;
    }
}

/* Digits and single underscores between them; `after_prefix`: one may lead. */
static bool digits(struct span s, int base, bool after_prefix, int64_t *value)
{
    int64_t v = 0;
    bool may_underscore = after_prefix;
    bool ends_in_digit = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '_') {
            if (!may_underscore)
                return false;
            may_underscore = ends_in_digit = false;
            continue;
        }
        int d = digit(s.p[i]);
        if (d >= base)
            return false;
        v = csv_add(scale(v, base), d);
        may_underscore = ends_in_digit = true;
    }
    *value = v;
    return ends_in_digit;
}

static bool plain_number(struct span s, int64_t *value)
{
    s = csv_trim(s);
    bool negative = s.len > 0 && s.p[0] == '-';
    if (s.len > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        s.p++;
        s.len--;
    }
    int base = base_of(s);
    bool leading_zero = base == 10 && s.len > 1 && s.p[0] == '0';
    if (base != 10) {
        s.p += 2;
        s.len -= 2;
    }
    int64_t v;
    if (!digits(s, base, base != 10, &v))
        return false;
    if (leading_zero && v != 0) /* "010" means 8 to some and 10 to others; "00" is 0 to all */
        return false;
    *value = negative ? -v : v;
    return true;
}

/* Factor of the suffix that ends `s`, 1 if none does. */
static int64_t suffix(struct span s)
{
    char last = s.len > 0 ? s.p[s.len - 1] : '\0';
    return last == 'k' || last == 'K' ? 1024 : last == 'm' || last == 'M' ? 1048576 : 1;
}

static int64_t keyword(struct span s, int64_t type)
{
    return type < 0 ? csv_type_number(s) : csv_subtype_number(type, s);
}

static bool parse(struct span s, bool keywords, int64_t type, int64_t *value)
{
    int64_t factor = 1;
    for (int64_t f = suffix(s); f != 1; f = suffix(s)) {
        factor = scale(factor, f);
        s.len--;
    }
    int64_t v;
    if (!plain_number(s, &v)) {
        v = keywords ? keyword(s, type) : -1;
        if (v < 0)
            return false;
    }
    *value = v == 0 ? 0 : scale(v, factor);
    return true;
}

bool csv_number(struct span s, int64_t *value)
{
    return parse(s, false, 0, value);
}

bool csv_number_or_keyword(struct span s, int64_t type, int64_t *value)
{
    return parse(s, true, type, value);
}
