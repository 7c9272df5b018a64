/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, locks, time, entropy and heap of the Linux port. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/port_linux.h"

#define ROUNDS 2000

struct shared {
    struct ud_os os;
    struct ud_lock lock;
    void *mutex;
    void *cond;
    int sum;
    int ended;
    uintptr_t ids[4];
};

static void count(void *arg)
{
    struct shared *s = arg;
    const struct ud_os_ops *os = s->os.ops;
    for (int i = 0; i < ROUNDS; i++) {
        ud_lock_take(&s->lock);
        s->sum++;
        ud_lock_give(&s->lock);
    }
    os->mutex_lock(s->os.ctx, s->mutex);
    s->ids[s->ended++] = os->thread_self(s->os.ctx);
    bool leave_by_exit = s->ended % 2 == 0;
    os->cond_broadcast(s->os.ctx, s->cond);
    os->mutex_unlock(s->os.ctx, s->mutex);
    if (leave_by_exit)
        os->thread_exit(s->os.ctx);
}

static void threads_share_by_lock_and_meet_by_condition(void **state)
{
    (void)state;
    static struct shared s;
    s.os = ud_linux_os();
    const struct ud_os_ops *os = s.os.ops;
    assert_int_equal(ud_linux_lock_create(&s.lock), ESP_OK);
    assert_int_equal(os->mutex_create(s.os.ctx, false, &s.mutex), ESP_OK);
    assert_int_equal(os->cond_create(s.os.ctx, &s.cond), ESP_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(os->thread_start(s.os.ctx, "a rather long thread name", 4096, count, &s), ESP_OK);

    os->mutex_lock(s.os.ctx, s.mutex);
    while (s.ended < 4)
        assert_true(os->cond_wait(s.os.ctx, s.cond, s.mutex, UINT64_MAX));
    os->mutex_unlock(s.os.ctx, s.mutex);
    assert_int_equal(s.sum, 4 * ROUNDS);
    uintptr_t self = os->thread_self(s.os.ctx);
    assert_true(self != 0);
    for (int i = 0; i < 4; i++)
        assert_true(s.ids[i] != 0 && s.ids[i] != self);
}

static void waiting_for_nothing_times_out(void **state)
{
    (void)state;
    struct ud_os os = ud_linux_os();
    void *mutex = NULL;
    void *cond = NULL;
    assert_int_equal(os.ops->mutex_create(os.ctx, false, &mutex), ESP_OK);
    assert_int_equal(os.ops->cond_create(os.ctx, &cond), ESP_OK);
    os.ops->mutex_lock(os.ctx, mutex);
    assert_false(os.ops->cond_wait(os.ctx, cond, mutex, 0));
    assert_false(os.ops->cond_wait(os.ctx, cond, mutex, 1500));
    os.ops->mutex_unlock(os.ctx, mutex);
    os.ops->cond_destroy(os.ctx, cond);
    os.ops->mutex_destroy(os.ctx, mutex);
    os.ops->cond_destroy(os.ctx, NULL);
    os.ops->mutex_destroy(os.ctx, NULL);
}

static void a_recursive_mutex_is_taken_twice(void **state)
{
    (void)state;
    struct ud_os os = ud_linux_os();
    void *mutex = NULL;
    assert_int_equal(os.ops->mutex_create(os.ctx, true, &mutex), ESP_OK);
    os.ops->mutex_lock(os.ctx, mutex);
    os.ops->mutex_lock(os.ctx, mutex);
    os.ops->mutex_unlock(os.ctx, mutex);
    os.ops->mutex_unlock(os.ctx, mutex);
    os.ops->mutex_destroy(os.ctx, mutex);
    assert_non_null(mutex);
}

static void a_destroyed_lock_is_the_no_op_lock(void **state)
{
    (void)state;
    struct ud_lock lock;
    assert_int_equal(ud_linux_lock_create(&lock), ESP_OK);
    ud_lock_take(&lock);
    ud_lock_give(&lock);
    ud_linux_lock_destroy(&lock);
    assert_null(lock.take);
    assert_null(lock.ctx);
    ud_linux_lock_destroy(&lock);
    ud_lock_take(&lock);
    ud_lock_give(&lock);
}

static void impossible_stacks_are_refused(void **state)
{
    (void)state;
    struct ud_os os = ud_linux_os();
    assert_int_equal(os.ops->thread_start(os.ctx, NULL, SIZE_MAX, count, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(os.ops->thread_start(os.ctx, NULL, SIZE_MAX / 4, count, NULL), ESP_ERR_NO_MEM);
}

static void time_passes_by_waiting_and_never_back(void **state)
{
    (void)state;
    struct ud_clock clock = ud_linux_clock();
    uint64_t t0 = ud_clock_now_us(&clock);
    ud_clock_wait_us(&clock, 0);
    ud_clock_wait_us(&clock, 1000);
    uint64_t t1 = ud_clock_now_us(&clock);
    assert_true(t1 - t0 >= 1000);
}

static void entropy_fills_everything_asked_for(void **state)
{
    (void)state;
    struct ud_entropy entropy = ud_linux_entropy();
    /* More than one call of the kernel gives at once; 64 zero bytes in a row would be a hole. */
    static uint8_t bytes[1000];
    static const uint8_t zeros[64];
    assert_int_equal(entropy.fill(entropy.ctx, bytes, sizeof bytes), ESP_OK);
    for (size_t i = 0; i + sizeof zeros <= sizeof bytes; i++)
        assert_memory_not_equal(bytes + i, zeros, sizeof zeros);
    assert_int_equal(entropy.fill(entropy.ctx, bytes, 0), ESP_OK);
}

static void the_heap_gives_and_takes(void **state)
{
    (void)state;
    struct ud_alloc alloc = ud_linux_alloc();
    char *p = ud_alloc_get(&alloc, 100);
    assert_non_null(p);
    memset(p, 1, 100);
    ud_alloc_put(&alloc, p);
    ud_alloc_put(&alloc, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_by_lock_and_meet_by_condition),
        cmocka_unit_test(waiting_for_nothing_times_out),
        cmocka_unit_test(a_recursive_mutex_is_taken_twice),
        cmocka_unit_test(a_destroyed_lock_is_the_no_op_lock),
        cmocka_unit_test(impossible_stacks_are_refused),
        cmocka_unit_test(time_passes_by_waiting_and_never_back),
        cmocka_unit_test(entropy_fills_everything_asked_for),
        cmocka_unit_test(the_heap_gives_and_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
