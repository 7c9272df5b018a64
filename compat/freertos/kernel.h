/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the FreeRTOS calls share: one lock for tasks, queues and event groups, waiting under it, and the task that runs.
 * One lock makes "this task waits on that object" a fact that a deleting task can rely on.
 *
 * Every call that touches shared state is kernel_enter … kernel_leave. A task that another one deleted does not get
 * past either of them, so between the two it may release what it holds.
 */
#ifndef COMPAT_FREERTOS_KERNEL_H
#define COMPAT_FREERTOS_KERNEL_H

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "updraft/idf.h"

#define KERNEL_NOTES 32u /* values of notifications of a task: as many as ESP-IDF's option allows */

enum kernel_note_state { NOTE_NONE, NOTE_AWAITED, NOTE_PENDING };

struct tskTaskControlBlock {
    char name[configMAX_TASK_NAME_LEN];
    UBaseType_t priority;
    uint32_t stack_bytes;
    uint32_t number;     /* in the order of creation, from 1 */
    BaseType_t core;     /* as asked for */
    TaskFunction_t code; /* NULL: a thread that is not a task */
    void *arg;
    bool deleted;
    bool delayed;
    bool suspended;
    struct {
        uint32_t value;
        enum kernel_note_state state;
    } note[KERNEL_NOTES];
    void *waits_on; /* the condition, while it waits */
    bool *left;     /* set when the deleted task has left its wait; NULL: nobody asks */
    struct tskTaskControlBlock *next;
    struct ud_alloc alloc;
};

/** The lock, with the calling task alive. Fails an assertion when the firmware's world has not been started. */
void kernel_enter(void);
/** Gives the lock back; ends the calling task here if it was deleted. */
void kernel_leave(void);

/** A point in time to wait until; portMAX_DELAY is never. */
struct kernel_deadline {
    bool never;
    uint64_t until_us;
};
struct kernel_deadline kernel_deadline(TickType_t ticks);
/**
 * Wait on `cond`, giving the lock back meanwhile. False when the deadline has passed or the task was deleted; true when
 * it is time to look again.
 */
bool kernel_wait(void *cond, struct kernel_deadline deadline);
bool kernel_deleted(void);
void kernel_wake(void *cond);

/** The condition of everything that is rare: notifications, suspended tasks, services. Under the lock. */
void *kernel_signal(void);
/** Microseconds since the first tick, under the lock; and ticks as microseconds, rounded down. */
uint64_t kernel_uptime_us(void);
uint64_t kernel_ticks_to_us(TickType_t ticks);
/** The tick that has begun `us` after the first. */
TickType_t kernel_us_to_ticks(uint64_t us);
/** For a service task that waits until `until_us` at the latest (UINT64_MAX: never), or until it is woken. */
void kernel_wait_until(void *cond, uint64_t until_us);

/** A condition, NULL when there is none to be had. */
void *kernel_cond_create(void);
void kernel_cond_destroy(void *cond);
/** Zeroed memory of the firmware's allocator; `alloc` is set to what gives it back. NULL: none. */
void *kernel_alloc(size_t size, struct ud_alloc *alloc);
/**
 * Memory for an object: `given` (the caller's, of `given_size` bytes; zeroed, `alloc` set to what gives nothing back) or,
 * for NULL, the allocator's.
 */
void *kernel_place(size_t size, void *given, size_t given_size, struct ud_alloc *alloc);
/** pdFALSE where a caller asks whether a switch of tasks is due; `woken` may be NULL. */
void kernel_no_switch(BaseType_t *woken);

struct tskTaskControlBlock *kernel_current_task(void);

/** The assertion of FreeRTOS: `what` is said and the firmware aborts. A macro, so that analysers see the end. */
_Noreturn void kernel_fail(const char *what);
#define kernel_require(ok, what) ((ok) ? (void)0 : kernel_fail(what))

#endif /* COMPAT_FREERTOS_KERNEL_H */
