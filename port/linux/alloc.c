/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's heap as the injected allocator. */
#include "updraft/port_linux.h"

#include <stdlib.h>

static void *get(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

struct ud_alloc ud_linux_alloc(void)
{
    return (struct ud_alloc){ get, put, NULL };
}
