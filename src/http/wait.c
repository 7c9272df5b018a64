/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for the network, and the deadlines.
 *
 * A single wait ends after timeout_ms without progress (ESP_ERR_HTTP_EAGAIN, try again). Over all calls the stall rule
 * counts the time that was really waited: no byte for `stall`, or a window of `window` waited with fewer bytes than
 * the rate allows, ends the response with ESP_ERR_TIMEOUT. What the application does between two calls costs nothing.
 */
#include "client.h"

void ud_http_restart_deadlines(struct ud_http *h)
{
    h->silent_us = h->waited_us = h->window_bytes = 0;
}

static void moved(struct ud_http *h, size_t bytes)
{
    h->silent_us = 0;
    h->window_bytes += bytes;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long the next poll may last: until the first of the deadlines, in whole milliseconds, at least one. */
static uint32_t poll_ms(const struct ud_http *h, uint64_t left_us)
{
    uint64_t us = smaller(left_us, h->stall_us - h->silent_us);
    us = smaller(us, h->window_us - h->waited_us);
    uint64_t ms = us / 1000 + (us % 1000 != 0);
    return ms == 0 ? 1 : (uint32_t)smaller(ms, UINT32_MAX);
}

/* Does the rule end this response now? A window that was fast enough makes room for the next. */
static bool is_stalled(struct ud_http *h)
{
    if (h->silent_us >= h->stall_us)
        return true;
    if (h->waited_us < h->window_us)
        return false;
    if (h->window_bytes < h->rate * (h->waited_us / 1000000))
        return true;
    h->waited_us = h->window_bytes = 0;
    return false;
}

/* One wait; `*left_us` is what remains of the time-out. ESP_OK: try to move bytes again. */
static esp_err_t wait_once(struct ud_http *h, int events, uint64_t *left_us)
{
    const struct ud_transport *t = &h->env.transport;
    uint64_t start = ud_clock_now_us(&h->env.clock);
    esp_err_t err = t->ops->poll(t->ctx, events, poll_ms(h, *left_us));
    uint64_t waited = ud_clock_now_us(&h->env.clock) - start;

    h->silent_us += waited;
    h->waited_us += waited;
    if (*left_us != UINT64_MAX)
        *left_us -= smaller(waited, *left_us);
    if (err != ESP_OK && err != ESP_ERR_TIMEOUT)
        return ESP_FAIL;
    if (is_stalled(h))
        return ud_note(h->env.obs, UD_NOTE_HTTP_STALL, ESP_ERR_TIMEOUT, h->waited_us / 1000, h->window_bytes,
                       h->target.host);
    return err == ESP_ERR_TIMEOUT && *left_us == 0 ? ESP_ERR_HTTP_EAGAIN : ESP_OK;
}

static uint64_t timeout_us(const struct ud_http *h)
{
    return h->timeout_ms < 0 ? UINT64_MAX : (uint64_t)h->timeout_ms * 1000;
}

esp_err_t ud_http_send_all(struct ud_http *h, const void *data, size_t len)
{
    const struct ud_transport *t = &h->env.transport;
    const char *at = data;
    uint64_t left_us = timeout_us(h);

    while (len > 0) {
        size_t sent = 0;
        esp_err_t err = t->ops->send(t->ctx, at, len, &sent);
        if (err == ESP_OK && sent > 0) {
            moved(h, sent);
            at += sent;
            len -= sent;
            left_us = timeout_us(h);
            continue;
        }
        if (err == ESP_OK || err == ESP_ERR_NOT_FINISHED)
            err = wait_once(h, UD_POLL_SEND, &left_us);
        if (err == ESP_ERR_TIMEOUT)
            return err;
        if (err != ESP_OK)
            return ESP_ERR_HTTP_WRITE_DATA;
    }
    return ESP_OK;
}

esp_err_t ud_http_recv_some(struct ud_http *h, void *buf, size_t cap, size_t *got)
{
    const struct ud_transport *t = &h->env.transport;
    uint64_t left_us = timeout_us(h);

    for (;;) {
        esp_err_t err = t->ops->recv(t->ctx, buf, cap, got);
        if (err == ESP_OK) {
            moved(h, *got);
            h->received += *got;
            return ESP_OK;
        }
        if (err != ESP_ERR_NOT_FINISHED)
            return ESP_FAIL;
        err = wait_once(h, UD_POLL_RECV, &left_us);
        if (err != ESP_OK)
            return err;
    }
}
