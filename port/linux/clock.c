/* SPDX-License-Identifier: Apache-2.0 */
/* Real time: CLOCK_MONOTONIC, sleeping to an absolute deadline so that signals do not stretch a wait. */
#include "updraft/port_linux.h"

#include <errno.h>
#include <time.h>

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void wait_us(void *ctx, uint64_t us)
{
    if (us == 0)
        return;
    uint64_t now = now_us(ctx);
    uint64_t until = us > INT64_MAX - now ? INT64_MAX : now + us;
    struct timespec t = { .tv_sec = (time_t)(until / 1000000u), .tv_nsec = (long)(until % 1000000u) * 1000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

struct ud_clock ud_linux_clock(void)
{
    static const struct ud_clock_ops ops = { now_us, wait_us };
    return (struct ud_clock){ &ops, NULL };
}
