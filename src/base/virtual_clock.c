/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time: waiting is what makes it pass, so that a modelled device is deterministic to the microsecond. */
#include "updraft/base.h"

static uint64_t virtual_now_us(void *ctx)
{
    const struct ud_virtual_clock *v = ctx;
    return v->now_us;
}

static void virtual_wait_us(void *ctx, uint64_t us)
{
    struct ud_virtual_clock *v = ctx;
    /* Stop at the end of time rather than go back: now_us is monotonic. */
    v->now_us = us > UINT64_MAX - v->now_us ? UINT64_MAX : v->now_us + us;
}

struct ud_clock ud_virtual_clock(struct ud_virtual_clock *v)
{
    static const struct ud_clock_ops ops = { virtual_now_us, virtual_wait_us };
    return (struct ud_clock){ &ops, v };
}
