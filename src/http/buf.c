/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer, and the few string helpers that allocate. */
#include "buf.h"

enum { FIRST_CAP = 128 };

void ud_http_buf_init(struct ud_http_buf *b, const struct ud_alloc *alloc, size_t max)
{
    *b = (struct ud_http_buf){ .alloc = alloc, .max = max };
}

static esp_err_t grow(struct ud_http_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap *= 2; /* need <= max + 1, which init's callers keep far below SIZE_MAX / 2 */
    char *data = ud_alloc_get(b->alloc, cap);
    if (!data)
        return ESP_ERR_NO_MEM;
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    ud_alloc_put(b->alloc, b->data);
    b->data = data;
    b->cap = cap;
    return ESP_OK;
}

esp_err_t ud_http_buf_put(struct ud_http_buf *b, const void *data, size_t len)
{
    if (len > b->max - b->len)
        return ESP_ERR_INVALID_SIZE;
    if (b->len + len + 1 > b->cap) {
        esp_err_t err = grow(b, b->len + len + 1);
        if (err != ESP_OK)
            return err;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return ESP_OK;
}

esp_err_t ud_http_buf_puts(struct ud_http_buf *b, const char *s)
{
    return ud_http_buf_put(b, s, ud_http_strlen(s));
}

esp_err_t ud_http_buf_put_decimal(struct ud_http_buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return ud_http_buf_put(b, digits + at, sizeof digits - at);
}

void ud_http_buf_clear(struct ud_http_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void ud_http_buf_free(struct ud_http_buf *b)
{
    ud_alloc_put(b->alloc, b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

size_t ud_http_strlen(const char *s)
{
    return ud_strnlen(s, SIZE_MAX);
}

char *ud_http_strdup(const struct ud_alloc *alloc, const char *s, size_t len)
{
    char *copy = ud_alloc_get(alloc, len + 1);
    if (copy) {
        if (len > 0)
            memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ud_http_span_caseeq(const char *s, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '\0' || lower(s[i]) != lower(word[i]))
            return false;
    }
    return word[len] == '\0';
}
