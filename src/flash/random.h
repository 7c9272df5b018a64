/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of the decorators: splitmix64, the same on every machine. Not for secrets. */
#ifndef UD_FLASH_RANDOM_H
#define UD_FLASH_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* 0 ... n - 1, n >= 1. */
static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

#endif /* UD_FLASH_RANDOM_H */
