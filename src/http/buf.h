/* SPDX-License-Identifier: Apache-2.0 */
/* A byte buffer that grows through the injected allocator up to a limit stated at birth; always NUL-terminated. */
#ifndef UD_HTTP_BUF_H
#define UD_HTTP_BUF_H

#include "updraft/base.h"

struct ud_http_buf {
    const struct ud_alloc *alloc;
    char *data; /* NULL while nothing was put */
    size_t len;
    size_t cap;
    size_t max; /* bytes, the terminator not counted */
};

void ud_http_buf_init(struct ud_http_buf *b, const struct ud_alloc *alloc, size_t max);
/** Append. ESP_ERR_INVALID_SIZE beyond `max`, ESP_ERR_NO_MEM; then the content is as before. */
UD_MUST_USE esp_err_t ud_http_buf_put(struct ud_http_buf *b, const void *data, size_t len);
UD_MUST_USE esp_err_t ud_http_buf_puts(struct ud_http_buf *b, const char *s);
UD_MUST_USE esp_err_t ud_http_buf_put_decimal(struct ud_http_buf *b, uint64_t value);
/** Forget the content, keep the memory. */
void ud_http_buf_clear(struct ud_http_buf *b);
void ud_http_buf_free(struct ud_http_buf *b);

size_t ud_http_strlen(const char *s);
/** A terminated copy; NULL when there is no memory. */
char *ud_http_strdup(const struct ud_alloc *alloc, const char *s, size_t len);
bool ud_http_span_caseeq(const char *s, size_t len, const char *word);

#endif
