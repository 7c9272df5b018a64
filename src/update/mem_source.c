/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in memory as a source: the proof that the interface needs no network, and the one for tests. */
#include "updraft/update.h"

static esp_err_t mem_read(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got)
{
    struct ud_mem_source *m = ctx;
    size_t n = m->len - m->off;
    (void)wait_ms;
    if (n > cap)
        n = cap;
    if (m->piece != 0 && n > m->piece)
        n = m->piece;
    memcpy(buf, m->data + m->off, n);
    m->off += n;
    *got = n;
    return ESP_OK;
}

static int64_t mem_size(void *ctx)
{
    const struct ud_mem_source *m = ctx;
    return (int64_t)m->len;
}

static bool mem_is_complete(void *ctx)
{
    const struct ud_mem_source *m = ctx;
    return m->off == m->len;
}

struct ud_source ud_mem_source(struct ud_mem_source *m)
{
    static const struct ud_source_ops ops = { mem_read, mem_size, mem_is_complete };
    return (struct ud_source){ .ops = &ops, .ctx = m };
}
