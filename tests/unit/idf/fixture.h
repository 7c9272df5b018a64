/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for esp_*: the board in memory of test_board.h, threads of this machine, a counting allocator, and for each
 * HTTP client the one scripted server `server`. ota_0 runs; otadata entry 0 says so.
 */
#ifndef TEST_IDF_FIXTURE_H
#define TEST_IDF_FIXTURE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/idf.h"
#include "updraft/port_linux.h"

/* As counting_alloc.h, for more than one thread: the event loop's gives memory back too. */
struct fixture_alloc {
    atomic_ulong out;     /* blocks not given back */
    atomic_ulong asked;   /* requests so far */
    atomic_ulong fail_at; /* 0: never; n: the n-th request and all later ones get nothing */
};

static inline void *fixture_get(void *ctx, size_t size)
{
    struct fixture_alloc *a = ctx;
    unsigned long n = ++a->asked;
    if (a->fail_at > 0 && n >= a->fail_at)
        return NULL;
    void *p = malloc(size);
    if (p)
        a->out++;
    return p;
}

static inline void fixture_put(void *ctx, void *p)
{
    struct fixture_alloc *a = ctx;
    if (p)
        a->out--;
    free(p);
}

static inline struct ud_alloc fixture_alloc(struct fixture_alloc *a)
{
    return (struct ud_alloc){ fixture_get, fixture_put, a };
}

struct fixture {
    struct test_board t;
    struct ud_app_config config;
    struct fixture_alloc memory;
    struct ud_mem_transport server;
    struct ud_clock clock;
    char sent[16384];
    unsigned transports; /* alive */
    jmp_buf restarted;
    bool catches_restart;
};

static inline esp_err_t fixture_transport(void *ctx, struct ud_transport *out)
{
    struct fixture *f = ctx;
    f->transports++;
    *out = ud_mem_transport(&f->server);
    return ESP_OK;
}

static inline void fixture_transport_end(void *ctx, struct ud_transport *t)
{
    struct fixture *f = ctx;
    (void)t;
    f->transports--;
}

static inline void fixture_restart(void *ctx)
{
    struct fixture *f = ctx;
    if (f->catches_restart)
        longjmp(f->restarted, 1);
    abort();
}

/* Everything but the start; `f` is zeroed. A test may change `config` and `t.board` before fixture_go. */
static inline void fixture_init(struct fixture *f, const struct test_layout *layout)
{
    static const struct test_layout two = { .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT };
    memset(f, 0, sizeof *f);
    test_board_init(&f->t, layout ? layout : &two);
    f->config = ud_app_config_defaults;
    f->config.log_default_level = 0;
    f->config.partition_table_md5 = f->t.board.table.has_md5; /* the board in memory has none */
    test_board_put_image(&f->t, "ota_0", TEST_IMAGE_GOOD);
    if (!layout || layout->otadata == UD_OTADATA_PRESENT)
        test_board_put_entry(&f->t, 0, 1, UD_OTA_VALID);
    test_board_run(&f->t, "ota_0");
    f->t.board.reset = (struct ud_reset_line){ .restart = fixture_restart, .ctx = f };
    f->clock = f->t.board.clock;
    f->server = (struct ud_mem_transport){ .clock = &f->clock, .sent = f->sent, .sent_cap = sizeof f->sent };
}

static inline void fixture_go(struct fixture *f)
{
    struct ud_idf_env env = {
        .board = &f->t.board,
        .config = &f->config,
        .os = ud_linux_os(),
        .alloc = fixture_alloc(&f->memory),
        .transport_create = fixture_transport,
        .transport_destroy = fixture_transport_end,
        .transport_ctx = f,
        .entropy = ud_linux_entropy(),
    };
    assert_int_equal(ud_idf_start(&env), ESP_OK);
    record_flash_clear(&f->t.rec);
    test_board_clear_notes(&f->t);
}

static inline void fixture_start(struct fixture *f)
{
    fixture_init(f, NULL);
    fixture_go(f);
}

static inline void fixture_stop(struct fixture *f)
{
    ud_idf_stop();
    assert_int_equal(f->memory.out, 0);
    assert_int_equal(f->transports, 0);
    test_board_deinit(&f->t);
}

#endif /* TEST_IDF_FIXTURE_H */
