/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for the network, and the deadlines.
 *
 * A single wait ends after timeout_ms without progress (ESP_ERR_HTTP_EAGAIN, try again). Over all calls the stall rule
 * counts the time that was really waited: no byte for `stall`, or a window of `window` waited with fewer bytes than
 * the rate allows, ends the response with ESP_ERR_TIMEOUT. What the application does between two calls costs nothing;
 * within a call all time counts, so that a peer whose records carry no data does not look as if it were no wait.
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

/* A wait for bytes: what remains of the time-out, and until when the time that passed has been counted. */
struct wait {
    uint64_t left_us;
    uint64_t counted_us;
    bool spent; /* the time-out is over; what was there then has been tried for */
};

static struct wait begin_wait(const struct ud_http *h)
{
    return (struct wait){
        .left_us = h->timeout_ms < 0 ? UINT64_MAX : (uint64_t)h->timeout_ms * 1000,
        .counted_us = ud_clock_now_us(&h->env.clock),
    };
}

/* One poll. ESP_OK: try to move bytes again. */
static esp_err_t wait_once(struct ud_http *h, int events, struct wait *w)
{
    const struct ud_transport *t = &h->env.transport;
    if (w->spent)
        return ESP_ERR_HTTP_EAGAIN;
    esp_err_t err = t->ops->poll(t->ctx, events, poll_ms(h, w->left_us));
    uint64_t now = ud_clock_now_us(&h->env.clock);
    uint64_t waited = now - w->counted_us;

    w->counted_us = now;
    h->silent_us += waited;
    h->waited_us += waited;
    if (w->left_us != UINT64_MAX)
        w->left_us -= smaller(waited, w->left_us);
    if (err != ESP_OK && err != ESP_ERR_TIMEOUT)
        return ESP_FAIL;
    if (is_stalled(h))
        return ud_note(h->env.obs, UD_NOTE_HTTP_STALL, ESP_ERR_TIMEOUT, h->waited_us / 1000, h->window_bytes,
                       h->target.host);
    w->spent = w->left_us == 0;
    return w->spent && err == ESP_ERR_TIMEOUT ? ESP_ERR_HTTP_EAGAIN : ESP_OK;
}

esp_err_t ud_http_send_all(struct ud_http *h, const void *data, size_t len)
{
    const struct ud_transport *t = &h->env.transport;
    const char *at = data;
    struct wait w = begin_wait(h);

    while (len > 0) {
        size_t sent = 0;
        esp_err_t err = t->ops->send(t->ctx, at, len, &sent);
        if (err == ESP_OK && sent > 0) {
            moved(h, sent);
            at += sent;
            len -= sent;
            w = begin_wait(h);
            continue;
        }
        if (err == ESP_OK || err == ESP_ERR_NOT_FINISHED)
            err = wait_once(h, UD_POLL_SEND, &w);
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
    struct wait w = begin_wait(h);

    for (;;) {
        esp_err_t err = t->ops->recv(t->ctx, buf, cap, got);
        if (err == ESP_OK) {
            moved(h, *got);
            h->received += *got;
            return ESP_OK;
        }
        if (err != ESP_ERR_NOT_FINISHED)
            return ESP_FAIL;
        err = wait_once(h, UD_POLL_RECV, &w);
        if (err != ESP_OK)
            return err;
    }
}
