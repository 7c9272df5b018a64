/* SPDX-License-Identifier: Apache-2.0 */
/* The counting crypto of the tests: see count_crypto.h. */
#include <stdlib.h>

#include "count_crypto.h"

struct counted_hash {
    struct count_crypto *count;
    enum ud_hash_alg alg;
    void *below;
};

static esp_err_t count_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    struct count_crypto *count = ctx;
    count->starts++;
    if (count->starts == count->fail_start)
        return ESP_ERR_NO_MEM;
    struct counted_hash *h = malloc(sizeof *h);
    if (!h)
        return ESP_ERR_NO_MEM;
    *h = (struct counted_hash){ .count = count, .alg = alg };
    esp_err_t err = count->below.ops->hash_start(count->below.ctx, alg, &h->below);
    if (err != ESP_OK) {
        free(h);
        return err;
    }
    count->held++;
    *state = h;
    return ESP_OK;
}

static esp_err_t count_feed(void *state, const void *data, size_t len)
{
    struct counted_hash *h = state;
    if (h->alg == UD_HASH_SHA256)
        h->count->sha256_bytes += len;
    return h->count->below.ops->hash_feed(h->below, data, len);
}

static esp_err_t count_finish(void *state, uint8_t *digest)
{
    struct counted_hash *h = state;
    esp_err_t err = h->count->below.ops->hash_finish(h->below, digest);
    h->count->held--;
    free(h);
    return err;
}

static void count_drop(void *state)
{
    struct counted_hash *h = state;
    h->count->below.ops->hash_drop(h->below);
    h->count->held--;
    free(h);
}

struct ud_crypto count_crypto_init(struct count_crypto *count, struct ud_crypto below)
{
    static const struct ud_crypto_ops ops = { count_start, count_feed, count_finish, count_drop };
    *count = (struct count_crypto){ .below = below };
    return (struct ud_crypto){ .ops = &ops, .ctx = count };
}
