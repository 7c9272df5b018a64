/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) and MD5 (RFC 1321) behind Updraft's crypto door. Both take blocks of 64 bytes and end with a one
 * bit, zeros and the length in bits, so they share all but the block function and the order of bytes.
 *
 * There is no allocator: a hash that runs is one of SOFT_HASHES states of a pool, and a mutex guards who has which.
 */
#include "chip.h"
#include "hash.h"

#define BLOCK 64u

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24u - 8u * i));
}

static uint32_t left(uint32_t x, unsigned n)
{
    return x << n | x >> (32u - n);
}

static uint32_t right(uint32_t x, unsigned n)
{
    return x >> n | x << (32u - n);
}

/* ---- SHA-256 --------------------------------------------------------------------------------------------------- */

/* First 32 bits of the fractions of the square roots of 8 primes, and of the cube roots of 64. */
static const uint32_t sha256_h[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_schedule(const uint8_t *block, uint32_t w[64])
{
    for (unsigned i = 0; i < 16; i++)
        w[i] = load_be32(block + 4u * i);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (right(a, 7) ^ right(a, 18) ^ a >> 3) + w[i - 7] + (right(b, 17) ^ right(b, 19) ^ b >> 10);
    }
}

static void sha256_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64], v[8];
    sha256_schedule(block, w);
    memcpy(v, h, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 =
            v[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + sha256_k[i] + w[i];
        uint32_t t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[0] = t1 + t2;
        v[4] += t1;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

/* ---- MD5 ------------------------------------------------------------------------------------------------------- */

static const uint32_t md5_h[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
/* 2^32 times the sine of 1 to 64, without its sign. */
static const uint32_t md5_k[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t md5_turn[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };

static uint32_t md5_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    return round == 0 ? (b & c) | (~b & d) : round == 1 ? (d & b) | (~d & c) : round == 2 ? b ^ c ^ d : c ^ (b | ~d);
}

static void md5_block(uint32_t h[4], const uint8_t *block)
{
    static const uint8_t step[4] = { 1, 5, 3, 7 }, first[4] = { 0, 1, 5, 0 };
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16;
        uint32_t word = ud_load_le32(block + 4u * ((first[round] + step[round] * i) % 16u));
        uint32_t next = b + left(a + md5_mix(round, b, c, d) + md5_k[i] + word, md5_turn[round][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

/* ---- the door -------------------------------------------------------------------------------------------------- */

static esp_err_t soft_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    struct soft_hashes *pool = ctx;
    if (alg != UD_HASH_SHA256 && alg != UD_HASH_MD5)
        return ESP_ERR_NOT_SUPPORTED;
    struct soft_hash *s = NULL;
    chip_mutex_take(CHIP_MUTEX_HASH);
    for (unsigned i = 0; i < SOFT_HASHES && !s; i++)
        s = pool->hash[i].taken ? NULL : &pool->hash[i];
    if (s)
        *s = (struct soft_hash){ .taken = true, .alg = alg };
    chip_mutex_give(CHIP_MUTEX_HASH);
    if (!s)
        return ESP_ERR_NO_MEM;
    memcpy(s->h, alg == UD_HASH_MD5 ? md5_h : sha256_h, alg == UD_HASH_MD5 ? sizeof md5_h : sizeof sha256_h);
    *state = s;
    return ESP_OK;
}

static esp_err_t soft_feed(void *state, const void *data, size_t len)
{
    struct soft_hash *s = state;
    const uint8_t *p = data;
    while (len > 0) {
        size_t at = (size_t)(s->len % BLOCK), n = len < BLOCK - at ? len : BLOCK - at;
        memcpy(s->block + at, p, n);
        s->len += n;
        p += n;
        len -= n;
        if (s->len % BLOCK == 0)
            s->alg == UD_HASH_MD5 ? md5_block(s->h, s->block) : sha256_block(s->h, s->block);
    }
    return ESP_OK;
}

static void soft_drop(void *state)
{
    struct soft_hash *s = state;
    chip_mutex_take(CHIP_MUTEX_HASH);
    s->taken = false;
    chip_mutex_give(CHIP_MUTEX_HASH);
}

static esp_err_t soft_finish(void *state, uint8_t *digest)
{
    static const uint8_t zeros[BLOCK], one_bit = 0x80;
    struct soft_hash *s = state;
    uint64_t bits = s->len * 8u;
    bool md5 = s->alg == UD_HASH_MD5;
    uint8_t end[8];
    for (unsigned i = 0; i < 8; i++)
        end[i] = (uint8_t)(bits >> 8u * (md5 ? i : 7u - i));
    (void)soft_feed(s, &one_bit, 1);
    (void)soft_feed(s, zeros, (size_t)((2 * BLOCK - 8u - s->len % BLOCK) % BLOCK));
    (void)soft_feed(s, end, sizeof end);
    for (unsigned i = 0; i < (md5 ? 4u : 8u); i++)
        md5 ? ud_store_le32(digest + 4u * i, s->h[i]) : store_be32(digest + 4u * i, s->h[i]);
    soft_drop(s);
    return ESP_OK;
}

struct ud_crypto soft_crypto(struct soft_hashes *pool)
{
    static const struct ud_crypto_ops ops = { soft_start, soft_feed, soft_finish, soft_drop };
    return (struct ud_crypto){ .ops = &ops, .ctx = pool };
}
