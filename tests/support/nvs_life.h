/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Random lives of a partition of keys and values, held to a model. Each call of a life is made once without a cut; then
 * the power is cut at every flash operation of it, in ways that change from one to the next: after each cut the key is
 * as before the call or as after it, all others are as they were, and the same call succeeds. Recovery itself is cut
 * as well.
 *
 *     struct nvs_life life;
 *     const char *why = nvs_life_run(&life, seed, calls);   // NULL: all held
 *     life.kit.bytes, life.key[…]                           // what the flash and the model hold at the end
 *     nvs_life_end(&life);
 */
#ifndef TESTS_NVS_LIFE_H
#define TESTS_NVS_LIFE_H

#include "nvs_kit.h"

#define NVS_LIFE_KEYS 14u
#define NVS_LIFE_MAX  9000u /* bytes of a value */

struct nvs_life_key {
    char name[16];
    uint8_t ns; /* index into ns_name */
    bool there;
    enum ud_nvs_type type;
    uint32_t len;
    uint8_t *value;
};

struct nvs_life {
    struct nvs_kit kit;
    uint64_t random;
    uint8_t ns[2]; /* numbers */
    struct nvs_life_key key[NVS_LIFE_KEYS];
    uint8_t *scratch;
    uint8_t *next; /* the value of the running call */
    uint8_t *before;
    uint32_t counter;
    uint32_t calls;
    uint32_t cuts;
    uint32_t full;   /* calls that found no room */
    uint32_t erases; /* of pages, by calls without a cut */
    char why[160];
};

extern const char *const nvs_life_ns_name[2];

const char *nvs_life_run(struct nvs_life *l, uint64_t seed, unsigned calls);
void nvs_life_end(struct nvs_life *l);

#endif /* TESTS_NVS_LIFE_H */
