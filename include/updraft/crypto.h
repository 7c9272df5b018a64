/* SPDX-License-Identifier: Apache-2.0 */
/**
 * crypto: the one narrow door to cryptography.
 *
 * A hash is started, fed, then finished or dropped, exactly once; the port may hold a resource in between, so every
 * path that started one ends it. Floors above never see OpenSSL or mbedTLS.
 *
 *     struct ud_hash h = UD_HASH_NONE;
 *     esp_err_t err = ud_hash_start(crypto, UD_HASH_SHA256, &h);
 *     if (err == ESP_OK) err = ud_hash_feed(&h, data, len);
 *     if (err == ESP_OK) err = ud_hash_finish(&h, digest);
 *     ud_hash_drop(&h);                                      // no-op after finish
 */
#ifndef UPDRAFT_CRYPTO_H
#define UPDRAFT_CRYPTO_H

#include "updraft/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ud_hash_alg {
    UD_HASH_MD5,    /* 16 bytes: partition tables, HTTP Digest */
    UD_HASH_SHA256, /* 32 bytes */
    UD_HASH_SHA384, /* 48 bytes */
};
#define UD_HASH_MAX_BYTES 48u
#define UD_SHA256_BYTES   32u
#define UD_MD5_BYTES      16u

struct ud_crypto_ops {
    esp_err_t (*hash_start)(void *ctx, enum ud_hash_alg alg, void **state); /* ESP_ERR_NO_MEM, ESP_ERR_NOT_SUPPORTED */
    esp_err_t (*hash_feed)(void *state, const void *data, size_t len);
    esp_err_t (*hash_finish)(void *state, uint8_t *digest); /* releases `state` in any case */
    void (*hash_drop)(void *state);                         /* releases `state` */
};
struct ud_crypto {
    const struct ud_crypto_ops *ops;
    void *ctx;
};

struct ud_hash {
    const struct ud_crypto_ops *ops;
    void *state; /* NULL: not running */
};
#define UD_HASH_NONE ((struct ud_hash){ NULL, NULL })

/** Start; on failure `h` is not running. */
UD_MUST_USE esp_err_t ud_hash_start(const struct ud_crypto *crypto, enum ud_hash_alg alg, struct ud_hash *h);
/** Feed any number of bytes. ESP_ERR_INVALID_STATE when not running. */
UD_MUST_USE esp_err_t ud_hash_feed(struct ud_hash *h, const void *data, size_t len);
/** Write the digest (its algorithm's size) and stop; `h` is not running afterwards, also on failure. */
UD_MUST_USE esp_err_t ud_hash_finish(struct ud_hash *h, uint8_t *digest);
/** Stop without a digest; no-op when not running. */
void ud_hash_drop(struct ud_hash *h);
/** One-shot. */
UD_MUST_USE esp_err_t ud_hash_all(const struct ud_crypto *crypto, enum ud_hash_alg alg, const void *data, size_t len,
                                  uint8_t *digest);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_CRYPTO_H */
