/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory transport: a server that is a list of steps. It answers over all connections in order; its time is the
 * clock it is given, so a minute of silence costs a test nothing.
 */
#include "updraft/http.h"

static const struct ud_mem_step *step_of(const struct ud_mem_transport *m)
{
    return m->at < m->step_count ? &m->step[m->at] : NULL;
}

static void next_step(struct ud_mem_transport *m)
{
    m->at++;
    m->off = 0;
}

static esp_err_t mem_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size)
{
    static const char refused[] = "refused by the script";
    struct ud_mem_transport *m = ctx;
    (void)timeout_ms;
    m->opens++;
    m->last = *to;
    ud_strcopy(m->last_host, sizeof m->last_host, to->host, SIZE_MAX);
    m->last.host = m->last_host;
    if (m->open_error != ESP_OK) {
        ud_strcopy(why, why_size, refused, sizeof refused);
        return m->open_error;
    }
    m->is_open = true;
    return ESP_OK;
}

static esp_err_t mem_send(void *ctx, const void *data, size_t len, size_t *sent)
{
    struct ud_mem_transport *m = ctx;
    const struct ud_mem_step *s = step_of(m);
    if (!m->is_open)
        return ESP_FAIL;
    if (s && s->kind == UD_MEM_NEXT_REQUEST)
        next_step(m);
    if (m->sent_cap > 0) {
        size_t room = m->sent_cap - 1 - m->sent_len;
        size_t n = len < room ? len : room;
        if (n > 0)
            memcpy(m->sent + m->sent_len, data, n);
        m->sent_len += n;
        m->sent[m->sent_len] = '\0';
    }
    *sent = len;
    return ESP_OK;
}

static esp_err_t mem_recv(void *ctx, void *buf, size_t cap, size_t *got)
{
    struct ud_mem_transport *m = ctx;
    const struct ud_mem_step *s = step_of(m);
    *got = 0;
    if (!m->is_open)
        return ESP_FAIL;
    if (!s || s->kind == UD_MEM_EOF)
        return ESP_OK;
    if (s->kind == UD_MEM_RESET)
        return ESP_FAIL;
    if (s->kind != UD_MEM_RECV)
        return ESP_ERR_NOT_FINISHED;
    size_t n = s->len - m->off;
    if (n > cap)
        n = cap;
    if (s->piece > 0 && n > s->piece)
        n = s->piece;
    if (n > 0)
        memcpy(buf, (const char *)s->data + m->off, n);
    m->off += n;
    if (m->off == s->len)
        next_step(m);
    if (n == 0) /* an empty step is no end of the stream */
        return mem_recv(ctx, buf, cap, got);
    *got = n;
    return ESP_OK;
}

static void pass_ms(const struct ud_mem_transport *m, uint64_t ms)
{
    if (m->clock)
        ud_clock_wait_us(m->clock, ms * 1000);
}

static esp_err_t mem_poll(void *ctx, int events, uint32_t wait_ms)
{
    struct ud_mem_transport *m = ctx;
    const struct ud_mem_step *s = step_of(m);
    if (!m->is_open)
        return ESP_FAIL;
    if ((events & UD_POLL_SEND) || !s || s->kind == UD_MEM_RECV || s->kind == UD_MEM_EOF || s->kind == UD_MEM_RESET)
        return ESP_OK;
    if (s->kind == UD_MEM_WAIT_MS && s->len - m->off <= wait_ms) {
        pass_ms(m, s->len - m->off);
        next_step(m);
        return ESP_OK;
    }
    pass_ms(m, wait_ms);
    if (s->kind == UD_MEM_WAIT_MS)
        m->off += wait_ms;
    return ESP_ERR_TIMEOUT;
}

/* The rest of a step that was begun is lost; a step that ends or separates connections has done its work. */
static void mem_close(void *ctx)
{
    struct ud_mem_transport *m = ctx;
    if (!m->is_open)
        return;
    m->is_open = false;
    if (m->off > 0)
        next_step(m);
    const struct ud_mem_step *s = step_of(m);
    if (s && s->kind != UD_MEM_RECV && s->kind != UD_MEM_WAIT_MS)
        next_step(m);
}

static int mem_socket(void *ctx)
{
    (void)ctx;
    return -1;
}

struct ud_transport ud_mem_transport(struct ud_mem_transport *m)
{
    static const struct ud_transport_ops ops = { mem_open, mem_send, mem_recv, mem_poll, mem_close, mem_socket };
    return (struct ud_transport){ &ops, m };
}
