/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of images: recorded vectors, a crypto port that counts and fails on demand, a note recorder, a verifier
 * run with any cut, and `image_reseal`, which puts checksum and digest right again after an edit (written apart from
 * the code under test, from docs/formats/image.md).
 */
#ifndef UD_TEST_IMAGE_KIT_H
#define UD_TEST_IMAGE_KIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

struct image_bytes {
    uint8_t *p;
    uint32_t len;
};

static inline struct image_bytes image_copy(const void *p, uint32_t len)
{
    struct image_bytes b = { malloc(len ? len : 1), len };
    if (!b.p)
        abort();
    memcpy(b.p, p, len);
    return b;
}

static inline struct image_bytes image_vector(const char *name)
{
    char path[512];
    static uint8_t buf[1 << 16];
    snprintf(path, sizeof path, "%s/%s", UD_VECTORS, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        abort();
    }
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    return image_copy(buf, (uint32_t)n);
}

static inline uint32_t image_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- crypto that counts and fails ---------------------------------------------------------------------------- */

enum image_hash_step { HASH_STEP_NONE, HASH_STEP_START, HASH_STEP_FEED, HASH_STEP_FINISH };

struct image_crypto {
    struct ud_crypto real;
    enum image_hash_step fail_at;
    int skip; /* let this many such steps succeed first */
    int alive;
    int started;
    uint64_t fed;
};

struct image_hash {
    struct image_crypto *owner;
    void *state;
};

static inline bool image_crypto_fails(struct image_crypto *c, enum image_hash_step step)
{
    return c->fail_at == step && c->skip-- == 0;
}

static inline esp_err_t image_hash_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    struct image_crypto *c = ctx;
    if (image_crypto_fails(c, HASH_STEP_START))
        return ESP_ERR_NO_MEM;
    struct image_hash *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->owner = c;
    esp_err_t err = c->real.ops->hash_start(c->real.ctx, alg, &h->state);
    if (err != ESP_OK) {
        free(h);
        return err;
    }
    c->alive++;
    c->started++;
    *state = h;
    return ESP_OK;
}

static inline esp_err_t image_hash_feed(void *state, const void *data, size_t len)
{
    struct image_hash *h = state;
    if (image_crypto_fails(h->owner, HASH_STEP_FEED))
        return ESP_ERR_INVALID_RESPONSE;
    h->owner->fed += len;
    return h->owner->real.ops->hash_feed(h->state, data, len);
}

static inline void image_hash_drop(void *state)
{
    struct image_hash *h = state;
    h->owner->real.ops->hash_drop(h->state);
    h->owner->alive--;
    free(h);
}

static inline esp_err_t image_hash_finish(void *state, uint8_t *digest)
{
    struct image_hash *h = state;
    if (image_crypto_fails(h->owner, HASH_STEP_FINISH)) {
        image_hash_drop(state);
        return ESP_ERR_NOT_SUPPORTED;
    }
    esp_err_t err = h->owner->real.ops->hash_finish(h->state, digest);
    h->owner->alive--;
    free(h);
    return err;
}

static inline struct ud_crypto image_crypto(struct image_crypto *c)
{
    static const struct ud_crypto_ops ops = { image_hash_start, image_hash_feed, image_hash_finish, image_hash_drop };
    c->real = ud_openssl_crypto();
    return (struct ud_crypto){ &ops, c };
}

/* ---- notes ---------------------------------------------------------------------------------------------------- */

struct image_notes {
    int count;
    struct ud_note last;
};

static inline void image_notes_take(void *ctx, const struct ud_note *note)
{
    struct image_notes *n = ctx;
    n->count++;
    n->last = *note;
}

static inline struct ud_observer image_observer(struct image_notes *n)
{
    return (struct ud_observer){ image_notes_take, n };
}

/* ---- runs ----------------------------------------------------------------------------------------------------- */

/* Every cut that image_run knows: whole, pieces of 1..N bytes, or random pieces (0 included) from a seed. */
struct image_cut {
    size_t piece; /* 0: whole */
    uint32_t seed;
};

struct image_verdict {
    esp_err_t err;
    struct ud_image_info info;
    struct image_notes notes;
    int hashes_alive;
};

static inline struct image_verdict image_run(const uint8_t *p, size_t len, const struct ud_image_rules *rules,
                                             struct image_cut cut)
{
    struct image_verdict verdict = { 0 };
    struct image_crypto counting = { 0 };
    struct ud_crypto crypto = image_crypto(&counting);
    struct ud_observer obs = image_observer(&verdict.notes);
    struct ud_image_verifier v;
    uint32_t random = cut.seed;

    esp_err_t err = ud_image_verifier_start(&v, rules, &crypto, &obs);
    for (size_t off = 0; err == ESP_OK && off < len;) {
        size_t n = cut.seed ? image_random(&random) % 97 : cut.piece ? cut.piece : len;
        if (n > len - off)
            n = len - off;
        err = ud_image_verifier_push(&v, p + off, n);
        off += n;
    }
    esp_err_t end = ud_image_verifier_finish(&v, &verdict.info);
    verdict.err = err != ESP_OK && end != err ? -1000 : end; /* sticky: finish repeats what push said */
    ud_image_verifier_drop(&v);
    verdict.hashes_alive = counting.alive;
    return verdict;
}

static inline esp_err_t image_verdict(const uint8_t *p, size_t len, const struct ud_image_rules *rules)
{
    return image_run(p, len, rules, (struct image_cut){ 0 }).err;
}

/* ---- edits ---------------------------------------------------------------------------------------------------- */

/* Offset of the byte after the checksum of a structurally sound image. */
static inline uint32_t image_block_end(const uint8_t *p)
{
    uint32_t off = 24;
    for (int i = 0; i < p[1]; i++)
        off += 8 + ud_load_le32(p + off + 4);
    return (off + 16) & ~15u;
}

/* Make checksum and (when byte 23 says so) digest true again. */
static inline void image_reseal(uint8_t *p)
{
    uint8_t x = 0xEF;
    uint32_t off = 24;
    for (int i = 0; i < p[1]; i++) {
        uint32_t len = ud_load_le32(p + off + 4);
        off += 8;
        for (uint32_t j = 0; j < len; j++)
            x = (uint8_t)(x ^ p[off + j]);
        off += len;
    }
    uint32_t end = (off + 16) & ~15u;
    p[end - 1] = x;
    struct ud_crypto crypto = ud_openssl_crypto();
    if (p[23] && ud_hash_all(&crypto, UD_HASH_SHA256, p, end, p + end) != ESP_OK)
        abort();
}

/* 64 bytes that any ELF reader takes for the head of a 64-bit executable of `machine`. */
static inline void image_tiny_elf(uint8_t elf[64], uint16_t machine)
{
    static const uint8_t head[] = { 0x7F, 'E', 'L', 'F', 2, 1, 1 };
    memset(elf, 0, 64);
    memcpy(elf, head, sizeof head);
    ud_store_le16(elf + 16, 3);
    ud_store_le16(elf + 18, machine);
    ud_store_le32(elf + 20, 1);
}

#endif
