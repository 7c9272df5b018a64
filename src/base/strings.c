/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded strings for cores that have no C library. */
#include "updraft/base.h"

size_t ud_strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

bool ud_streq(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ud_strcaseeq(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

void ud_strcopy(char *dst, size_t dst_size, const char *src, size_t src_max)
{
    size_t n = ud_strnlen(src, src_max);
    if (n > dst_size - 1)
        n = dst_size - 1;
    memmove(dst, src, n);
    dst[n] = '\0';
}
