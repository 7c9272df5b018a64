/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator that counts what is out and can refuse one request (and all after it), so that a test makes every
 * allocation fail once: run with fail_at = 1, 2, … until a run asks for fewer.
 */
#ifndef UD_TEST_COUNTING_ALLOC_H
#define UD_TEST_COUNTING_ALLOC_H

#include <stdlib.h>

#include "updraft/base.h"

struct counting_alloc {
    unsigned long out;     /* blocks not given back */
    unsigned long asked;   /* requests so far */
    unsigned long fail_at; /* 0: never; n: the n-th request and all later ones get nothing */
};

static inline void *counting_get(void *ctx, size_t size)
{
    struct counting_alloc *c = ctx;
    c->asked++;
    if (c->fail_at > 0 && c->asked >= c->fail_at)
        return NULL;
    void *p = malloc(size);
    if (p)
        c->out++;
    return p;
}

static inline void counting_put(void *ctx, void *p)
{
    struct counting_alloc *c = ctx;
    if (p)
        c->out--;
    free(p);
}

static inline struct ud_alloc counting_alloc(struct counting_alloc *c)
{
    return (struct ud_alloc){ counting_get, counting_put, c };
}

#endif
