/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for the FreeRTOS calls: a board that is only a clock (virtual, for any thread), threads of this machine, and an
 * allocator and thread starter that fail on request.
 */
#ifndef TEST_COMPAT_WORLD_H
#define TEST_COMPAT_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sched.h>
#include <cmocka.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "freertos/semphr.h"
#include "freertos/event_groups.h"
#include "updraft/idf.h"
#include "updraft/port_linux.h"

struct world {
    struct ud_board board;
    struct {
        _Atomic uint64_t now_us;
    } time;
    struct ud_idf_env env;
    struct ud_alloc heap;
    bool no_memory;
    bool no_threads;
    bool no_conditions;
};
static struct world world;

static inline uint64_t world_now_us(void *ctx)
{
    (void)ctx;
    return world.time.now_us;
}

static inline void world_wait_us(void *ctx, uint64_t us)
{
    (void)ctx;
    world.time.now_us += us;
    sched_yield();
}

static inline void *world_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return world.no_memory ? NULL : world.heap.alloc(world.heap.ctx, size);
}

static inline void world_free(void *ctx, void *p)
{
    (void)ctx;
    world.heap.free(world.heap.ctx, p);
}

static inline esp_err_t world_thread_start(void *ctx, const char *name, size_t stack, void (*fn)(void *), void *arg)
{
    struct ud_os os = ud_linux_os();
    return world.no_threads ? ESP_ERR_NO_MEM : os.ops->thread_start(ctx, name, stack, fn, arg);
}

static inline esp_err_t world_cond_create(void *ctx, void **cond)
{
    struct ud_os os = ud_linux_os();
    return world.no_conditions ? ESP_ERR_NO_MEM : os.ops->cond_create(ctx, cond);
}

/* Group set-up: one world for all tests of a program, because the kernel lives as long as its process. */
static inline int world_start(void **state)
{
    static struct ud_os_ops ops;
    static const struct ud_clock_ops clock = { world_now_us, world_wait_us };
    (void)state;
    struct ud_os os = ud_linux_os();
    ops = *os.ops;
    ops.thread_start = world_thread_start;
    ops.cond_create = world_cond_create;
    world.heap = ud_linux_alloc();
    world.time.now_us = 123456;
    world.board.clock = (struct ud_clock){ &clock, NULL };
    world.board.chip = ud_chip_by_name("esp32c3");
    world.env = (struct ud_idf_env){ .board = &world.board,
                                     .config = &ud_app_config_defaults,
                                     .os = { &ops, os.ctx },
                                     .alloc = { world_alloc, world_free, NULL },
                                     .network = world.env.network };
    return ud_idf_start(&world.env) == ESP_OK ? 0 : -1;
}

static inline int world_stop(void **state)
{
    (void)state;
    ud_idf_stop();
    return 0;
}

#endif /* TEST_COMPAT_WORLD_H */
