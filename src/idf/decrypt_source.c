/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted images: what is downloaded goes through the application before it is looked at. */
#include "decrypt_source.h"

#include <stdlib.h>
#include <string.h>

static void drop_output(struct ud_decrypt_source *d)
{
    free(d->out);
    d->out = NULL;
    d->out_len = d->out_at = 0;
}

esp_err_t ud_decrypt_source_start(struct ud_decrypt_source *d, size_t buffer_size)
{
    d->in_len = buffer_size;
    d->in = ud_alloc_get(&d->alloc, buffer_size);
    d->out = NULL;
    d->out_len = d->out_at = 0;
    return d->in ? ESP_OK : ESP_ERR_NO_MEM;
}

void ud_decrypt_source_stop(struct ud_decrypt_source *d)
{
    drop_output(d);
    if (d->in)
        ud_alloc_put(&d->alloc, d->in);
    d->in = NULL;
}

static esp_err_t decrypt(struct ud_decrypt_source *d, size_t len)
{
    decrypt_cb_arg_t args = { .data_in = d->in, .data_in_len = len };
    d->before();
    esp_err_t err = d->decrypt(&args, d->user_ctx);
    d->out = args.data_out;
    d->out_len = args.data_out ? args.data_out_len : 0;
    d->refused = err != ESP_OK;
    if (d->refused)
        drop_output(d);
    return err;
}

static esp_err_t decrypt_read(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got)
{
    struct ud_decrypt_source *d = ctx;
    size_t len = 0;
    *got = 0;
    if (d->out_at == d->out_len) {
        drop_output(d);
        esp_err_t err = d->inner.ops->read(d->inner.ctx, d->in, d->in_len, wait_ms, &len);
        if (err != ESP_OK || len == 0)
            return err;
        err = decrypt(d, len);
        if (err != ESP_OK)
            return err;
        if (d->out_len == 0)
            return ESP_ERR_NOT_FINISHED; /* it wants more first */
    }
    *got = d->out_len - d->out_at < cap ? d->out_len - d->out_at : cap;
    memcpy(buf, d->out + d->out_at, *got);
    d->out_at += *got;
    return ESP_OK;
}

static int64_t decrypt_size(void *ctx)
{
    const struct ud_decrypt_source *d = ctx;
    int64_t size = d->inner.ops->size(d->inner.ctx);
    return size < 0 ? size : size < (int64_t)d->header_bytes ? 0 : size - (int64_t)d->header_bytes;
}

static bool decrypt_is_complete(void *ctx)
{
    const struct ud_decrypt_source *d = ctx;
    return d->out_at == d->out_len && d->inner.ops->is_complete(d->inner.ctx);
}

struct ud_source ud_decrypt_source(struct ud_decrypt_source *d)
{
    static const struct ud_source_ops ops = { decrypt_read, decrypt_size, decrypt_is_complete };
    return (struct ud_source){ .ops = &ops, .ctx = d };
}
