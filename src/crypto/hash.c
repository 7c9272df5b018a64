/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a hash: started, fed, then finished or dropped. The state is the port's and is let go exactly once. */
#include "updraft/crypto.h"

esp_err_t ud_hash_start(const struct ud_crypto *crypto, enum ud_hash_alg alg, struct ud_hash *h)
{
    void *state = NULL;
    *h = UD_HASH_NONE;
    esp_err_t err = crypto->ops->hash_start(crypto->ctx, alg, &state);
    if (err != ESP_OK)
        return err;
    h->ops = crypto->ops;
    h->state = state;
    return ESP_OK;
}

esp_err_t ud_hash_feed(struct ud_hash *h, const void *data, size_t len)
{
    if (!h->state)
        return ESP_ERR_INVALID_STATE;
    if (len == 0)
        return ESP_OK;
    return h->ops->hash_feed(h->state, data, len);
}

esp_err_t ud_hash_finish(struct ud_hash *h, uint8_t *digest)
{
    if (!h->state)
        return ESP_ERR_INVALID_STATE;
    void *state = h->state;
    h->state = NULL; /* the port lets go of it, also when it fails */
    return h->ops->hash_finish(state, digest);
}

void ud_hash_drop(struct ud_hash *h)
{
    if (!h->state)
        return;
    h->ops->hash_drop(h->state);
    h->state = NULL;
}

esp_err_t ud_hash_all(const struct ud_crypto *crypto, enum ud_hash_alg alg, const void *data, size_t len,
                      uint8_t *digest)
{
    struct ud_hash h = UD_HASH_NONE;
    esp_err_t err = ud_hash_start(crypto, alg, &h);
    if (err == ESP_OK)
        err = ud_hash_feed(&h, data, len);
    if (err == ESP_OK)
        err = ud_hash_finish(&h, digest);
    ud_hash_drop(&h);
    return err;
}
