/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an HTTP response as a source. What went wrong was noted by the client; here it is one code. */
#include "updraft/update.h"

static esp_err_t http_read(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got)
{
    struct ud_http *h = ctx;
    *got = 0;
    if (wait_ms != 0)
        ud_http_set_timeout_ms(h, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
    esp_err_t err = ud_http_read(h, buf, cap, got);
    switch (err) {
    case ESP_OK:
    case ESP_ERR_TIMEOUT:
        return err;
    case ESP_ERR_HTTP_EAGAIN:
        return ESP_ERR_NOT_FINISHED;
    default:
        return ESP_FAIL;
    }
}

static int64_t http_size(void *ctx)
{
    return ud_http_content_length(ctx);
}

static bool http_is_complete(void *ctx)
{
    return ud_http_is_complete(ctx);
}

struct ud_source ud_http_source(struct ud_http *h)
{
    static const struct ud_source_ops ops = { http_read, http_size, http_is_complete };
    return (struct ud_source){ .ops = &ops, .ctx = h };
}
