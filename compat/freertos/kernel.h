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

struct tskTaskControlBlock {
    char name[configMAX_TASK_NAME_LEN];
    UBaseType_t priority;
    uint32_t stack_bytes;
    TaskFunction_t code; /* NULL: a thread that is not a task */
    void *arg;
    bool deleted;
    bool delayed;
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

/** A condition, NULL when there is none to be had. */
void *kernel_cond_create(void);
void kernel_cond_destroy(void *cond);
/** Zeroed memory of the firmware's allocator; `alloc` is set to what gives it back. NULL: none. */
void *kernel_alloc(size_t size, struct ud_alloc *alloc);

struct tskTaskControlBlock *kernel_current_task(void);

/** The assertion of FreeRTOS: `what` is said and the firmware aborts. A macro, so that analysers see the end. */
_Noreturn void kernel_fail(const char *what);
#define kernel_require(ok, what) ((ok) ? (void)0 : kernel_fail(what))

#endif /* COMPAT_FREERTOS_KERNEL_H */
