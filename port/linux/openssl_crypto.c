/* SPDX-License-Identifier: Apache-2.0 */
/* crypto on OpenSSL 3: a hash is an EVP_MD_CTX. Its error queue is left clean, since TLS code shares it. */
#include "updraft/port_linux.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static const EVP_MD *algorithm(enum ud_hash_alg alg)
{
    switch (alg) {
    case UD_HASH_MD5:
        return EVP_md5();
    case UD_HASH_SHA256:
        return EVP_sha256();
    case UD_HASH_SHA384:
        return EVP_sha384();
    }
    return NULL;
}

static esp_err_t hash_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    (void)ctx;
    const EVP_MD *md = algorithm(alg);
    if (!md)
        return ESP_ERR_NOT_SUPPORTED;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash)
        return ESP_ERR_NO_MEM;
    if (EVP_DigestInit_ex(hash, md, NULL) != 1) {
        /* A FIPS build has no MD5. */
        EVP_MD_CTX_free(hash);
        ERR_clear_error();
        return ESP_ERR_NOT_SUPPORTED;
    }
    *state = hash;
    return ESP_OK;
}

static esp_err_t result(int ok)
{
    if (ok == 1)
        return ESP_OK;
    ERR_clear_error();
    return ESP_FAIL;
}

static esp_err_t hash_feed(void *state, const void *data, size_t len)
{
    return result(EVP_DigestUpdate(state, data, len));
}

static esp_err_t hash_finish(void *state, uint8_t *digest)
{
    esp_err_t err = result(EVP_DigestFinal_ex(state, digest, NULL));
    EVP_MD_CTX_free(state);
    return err;
}

static void hash_drop(void *state)
{
    EVP_MD_CTX_free(state);
}

struct ud_crypto ud_openssl_crypto(void)
{
    static const struct ud_crypto_ops ops = { hash_start, hash_feed, hash_finish, hash_drop };
    return (struct ud_crypto){ &ops, NULL };
}
