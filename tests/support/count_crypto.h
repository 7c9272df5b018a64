/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A crypto interface over another one that counts: bytes hashed by SHA-256, hashes begun, hashes still held (0 when a
 * room has cleaned up). It can refuse to start the n-th hash.
 */
#ifndef TESTS_COUNT_CRYPTO_H
#define TESTS_COUNT_CRYPTO_H

#include "updraft/crypto.h"

struct count_crypto {
    struct ud_crypto below;
    uint64_t sha256_bytes;
    uint32_t starts;
    uint32_t held;
    uint32_t fail_start; /* the start with this number (from 1) is refused with ESP_ERR_NO_MEM; 0: none */
};
/** The interface over `below`; `count` must not move. */
struct ud_crypto count_crypto_init(struct count_crypto *count, struct ud_crypto below);

#endif /* TESTS_COUNT_CRYPTO_H */
