/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, mutexes and conditions by pthread. Threads are detached: nobody above joins them. Conditions count on the
 * monotonic clock, so that a changed wall clock neither ends nor stretches a wait.
 */
#include "updraft/port_linux.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A stack that is enough on a microcontroller is not enough for a C library, TLS and sanitizers; this much is added. */
#define STACK_EXTRA ((size_t)1024 * 1024)

/* For handlers of signals, so that a stack overflow can be told too. */
#define CRASH_STACK ((size_t)64 * 1024)

struct thread {
    char name[16];
    void (*fn)(void *);
    void *arg;
};

static void *thread_main(void *p)
{
    char crash_stack[CRASH_STACK]; /* at the top of the stack, which an overflow does not reach */
    stack_t now, own = { .ss_sp = crash_stack, .ss_size = sizeof crash_stack };
    if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE))
        sigaltstack(&own, NULL); /* a sanitizer's own is left in place */
    struct thread t = *(struct thread *)p;
    free(p);
    if (t.name[0])
        pthread_setname_np(pthread_self(), t.name);
    t.fn(t.arg);
    return NULL;
}

static esp_err_t thread_start(void *ctx, const char *name, size_t stack_bytes, void (*fn)(void *), void *arg)
{
    (void)ctx;
    if (stack_bytes > SIZE_MAX / 2)
        return ESP_ERR_INVALID_ARG;
    struct thread *t = calloc(1, sizeof *t);
    if (!t)
        return ESP_ERR_NO_MEM;
    ud_strcopy(t->name, sizeof t->name, name ? name : "", sizeof t->name);
    t->fn = fn;
    t->arg = arg;

    pthread_attr_t attr;
    int code = pthread_attr_init(&attr);
    if (code == 0) {
        size_t page = 4096;
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, (STACK_EXTRA + stack_bytes + page - 1) / page * page);
        pthread_t id;
        code = pthread_create(&id, &attr, thread_main, t);
        pthread_attr_destroy(&attr);
    }
    if (code != 0)
        free(t);
    return code == 0 ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t mutex_create(void *ctx, bool recursive, void **mutex)
{
    (void)ctx;
    pthread_mutexattr_t attr;
    pthread_mutex_t *m = malloc(sizeof *m);
    if (!m || pthread_mutexattr_init(&attr) != 0) {
        free(m);
        return ESP_ERR_NO_MEM;
    }
    pthread_mutexattr_settype(&attr, recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    int code = pthread_mutex_init(m, &attr);
    pthread_mutexattr_destroy(&attr);
    if (code != 0) {
        free(m);
        return ESP_ERR_NO_MEM;
    }
    *mutex = m;
    return ESP_OK;
}

static void mutex_destroy(void *ctx, void *mutex)
{
    (void)ctx;
    if (mutex)
        pthread_mutex_destroy(mutex);
    free(mutex);
}

static void mutex_lock(void *ctx, void *mutex)
{
    (void)ctx;
    pthread_mutex_lock(mutex);
}

static void mutex_unlock(void *ctx, void *mutex)
{
    (void)ctx;
    pthread_mutex_unlock(mutex);
}

static esp_err_t cond_create(void *ctx, void **cond)
{
    (void)ctx;
    pthread_condattr_t attr;
    pthread_cond_t *c = malloc(sizeof *c);
    if (!c || pthread_condattr_init(&attr) != 0) {
        free(c);
        return ESP_ERR_NO_MEM;
    }
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int code = pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
    if (code != 0) {
        free(c);
        return ESP_ERR_NO_MEM;
    }
    *cond = c;
    return ESP_OK;
}

static void cond_destroy(void *ctx, void *cond)
{
    (void)ctx;
    if (cond)
        pthread_cond_destroy(cond);
    free(cond);
}

static bool cond_wait(void *ctx, void *cond, void *mutex, uint64_t timeout_us)
{
    (void)ctx;
    if (timeout_us == UINT64_MAX)
        return pthread_cond_wait(cond, mutex) == 0;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now_us = (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
    uint64_t until_us = timeout_us > INT64_MAX - now_us ? INT64_MAX : now_us + timeout_us;
    t.tv_sec = (time_t)(until_us / 1000000u);
    t.tv_nsec = (long)(until_us % 1000000u) * 1000;
    return pthread_cond_timedwait(cond, mutex, &t) == 0;
}

static void cond_broadcast(void *ctx, void *cond)
{
    (void)ctx;
    pthread_cond_broadcast(cond);
}

static uintptr_t thread_self(void *ctx)
{
    (void)ctx;
    return (uintptr_t)pthread_self();
}

static void thread_exit(void *ctx)
{
    (void)ctx;
    pthread_exit(NULL);
}

struct ud_os ud_linux_os(void)
{
    static const struct ud_os_ops ops = {
        .thread_start = thread_start,
        .mutex_create = mutex_create,
        .mutex_destroy = mutex_destroy,
        .mutex_lock = mutex_lock,
        .mutex_unlock = mutex_unlock,
        .cond_create = cond_create,
        .cond_destroy = cond_destroy,
        .cond_wait = cond_wait,
        .cond_broadcast = cond_broadcast,
        .thread_self = thread_self,
        .thread_exit = thread_exit,
    };
    return (struct ud_os){ &ops, NULL };
}
