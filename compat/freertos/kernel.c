/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel under the FreeRTOS calls: its one lock, its waits, tasks as threads, ticks from the board's clock. It
 * comes to life with the first call and lives as long as the process.
 */
#include "kernel.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct kernel {
    struct ud_os os;
    void *lock;
    void *critical;
    void *left;                   /* condition: a deleted task has left its wait */
    void *signal;                 /* condition: kernel_signal() */
    const struct ud_board *board; /* whose clock `start_us` was taken from */
    uint64_t start_us;
    struct tskTaskControlBlock *tasks;
    uint32_t created;
    unsigned stopped; /* depth of vTaskSuspendAll */
};

static _Atomic(struct kernel *) the_kernel;
static _Thread_local struct tskTaskControlBlock foreign; /* for a thread that xTaskCreate did not start */
static _Thread_local struct tskTaskControlBlock *current;

_Noreturn void kernel_fail(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "assert failed: FreeRTOS: %s\n", what);
    abort();
}

static void kernel_destroy(struct kernel *k)
{
    k->os.ops->cond_destroy(k->os.ctx, k->signal);
    k->os.ops->cond_destroy(k->os.ctx, k->left);
    k->os.ops->mutex_destroy(k->os.ctx, k->critical);
    k->os.ops->mutex_destroy(k->os.ctx, k->lock);
    free(k);
}

/* Two threads may come here first at the same time: one kernel wins, the other is taken down again. */
static struct kernel *kernel_get(void)
{
    struct kernel *k = atomic_load(&the_kernel);
    if (k)
        return k;
    const struct ud_idf_env *env = ud_idf_env();
    kernel_require(env != NULL, "called before the firmware's start-up");
    k = calloc(1, sizeof *k);
    kernel_require(k != NULL, "no memory for the kernel");
    k->os = env->os;
    kernel_require(k->os.ops->mutex_create(k->os.ctx, false, &k->lock) == ESP_OK &&
                       k->os.ops->mutex_create(k->os.ctx, true, &k->critical) == ESP_OK &&
                       k->os.ops->cond_create(k->os.ctx, &k->left) == ESP_OK &&
                       k->os.ops->cond_create(k->os.ctx, &k->signal) == ESP_OK,
                   "no memory for the kernel's locks");
    struct kernel *winner = NULL;
    if (atomic_compare_exchange_strong(&the_kernel, &winner, k))
        return k;
    kernel_destroy(k);
    return winner;
}

struct tskTaskControlBlock *kernel_current_task(void)
{
    if (!current)
        current = &foreign;
    return current;
}

bool kernel_deleted(void)
{
    return kernel_current_task()->deleted;
}

/* Ends the calling thread. Its control block is already out of the list and known to nobody else. */
static _Noreturn void end_thread(struct kernel *k)
{
    struct tskTaskControlBlock *self = kernel_current_task();
    struct ud_alloc alloc = self->alloc;
    current = &foreign;
    if (self != &foreign)
        ud_alloc_put(&alloc, self);
    k->os.ops->thread_exit(k->os.ctx);
    abort(); /* not reached: thread_exit does not return */
}

/* A suspended task stays here, in its wait or at its next call. */
static void wait_while_suspended(struct kernel *k, struct tskTaskControlBlock *self)
{
    while (self->suspended && !self->deleted) {
        self->waits_on = k->signal;
        k->os.ops->cond_wait(k->os.ctx, k->signal, k->lock, UINT64_MAX);
        self->waits_on = NULL;
    }
}

void kernel_enter(void)
{
    struct kernel *k = kernel_get();
    k->os.ops->mutex_lock(k->os.ctx, k->lock);
    wait_while_suspended(k, kernel_current_task());
    if (kernel_deleted())
        kernel_leave();
}

void kernel_leave(void)
{
    struct kernel *k = kernel_get();
    const struct tskTaskControlBlock *self = kernel_current_task();
    bool deleted = self->deleted;
    if (deleted && self->left) {
        *self->left = true;
        k->os.ops->cond_broadcast(k->os.ctx, k->left);
    }
    k->os.ops->mutex_unlock(k->os.ctx, k->lock);
    if (deleted)
        end_thread(k);
}

/* ---- time ---- */

static uint32_t tick_rate(const struct ud_idf_env *env)
{
    uint32_t hz = env && env->config ? env->config->freertos_hz : 0;
    return hz ? hz : configTICK_RATE_HZ;
}

/* Microseconds since this firmware's first tick. Under the lock. */
uint64_t kernel_uptime_us(void)
{
    struct kernel *k = kernel_get();
    const struct ud_idf_env *env = ud_idf_env();
    if (!env)
        return 0;
    uint64_t now = ud_clock_now_us(&env->board->clock);
    if (k->board != env->board || now < k->start_us) {
        k->board = env->board;
        k->start_us = now;
    }
    return now - k->start_us;
}

/* a * b / c without overflow of a * b; a / c and b are far below 2^32. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
    return a / c * b + a % c * b / c;
}

uint64_t kernel_ticks_to_us(TickType_t ticks)
{
    return scale(ticks, 1000000u, tick_rate(ud_idf_env()));
}

TickType_t kernel_us_to_ticks(uint64_t us)
{
    return (TickType_t)scale(us, tick_rate(ud_idf_env()), 1000000u);
}

struct kernel_deadline kernel_deadline(TickType_t ticks)
{
    return (struct kernel_deadline){ .never = ticks == portMAX_DELAY,
                                     .until_us = kernel_uptime_us() + kernel_ticks_to_us(ticks) };
}

/* ---- conditions ---- */

bool kernel_wait(void *cond, struct kernel_deadline deadline)
{
    struct kernel *k = kernel_get();
    struct tskTaskControlBlock *self = kernel_current_task();
    uint64_t left = UINT64_MAX;
    if (!deadline.never) {
        uint64_t now = kernel_uptime_us();
        if (now >= deadline.until_us)
            return false;
        left = deadline.until_us - now;
    }
    self->waits_on = cond;
    bool woken = k->os.ops->cond_wait(k->os.ctx, cond, k->lock, left);
    self->waits_on = NULL;
    if (self->suspended) {
        wait_while_suspended(k, self);
        woken = true; /* look again: its turn may have come meanwhile */
    }
    return woken && !self->deleted;
}

void kernel_wait_until(void *cond, uint64_t until_us)
{
    (void)kernel_wait(cond, (struct kernel_deadline){ .never = until_us == UINT64_MAX, .until_us = until_us });
}

void *kernel_signal(void)
{
    return kernel_get()->signal;
}

void kernel_wake(void *cond)
{
    struct kernel *k = kernel_get();
    k->os.ops->cond_broadcast(k->os.ctx, cond);
}

void *kernel_cond_create(void)
{
    struct kernel *k = kernel_get();
    void *cond = NULL;
    return k->os.ops->cond_create(k->os.ctx, &cond) == ESP_OK ? cond : NULL;
}

void kernel_cond_destroy(void *cond)
{
    struct kernel *k = kernel_get();
    k->os.ops->cond_destroy(k->os.ctx, cond);
}

void *kernel_alloc(size_t size, struct ud_alloc *alloc)
{
    const struct ud_idf_env *env = ud_idf_env();
    kernel_require(env != NULL, "called before the firmware's start-up");
    *alloc = env->alloc;
    void *p = ud_alloc_get(alloc, size);
    if (p)
        memset(p, 0, size);
    return p;
}

static void give_nothing_back(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

void *kernel_place(size_t size, void *given, size_t given_size, struct ud_alloc *alloc)
{
    if (!given)
        return kernel_alloc(size, alloc);
    kernel_require(size <= given_size, "the memory given for an object is too small for it");
    *alloc = (struct ud_alloc){ .free = give_nothing_back };
    memset(given, 0, size);
    return given;
}

void kernel_no_switch(BaseType_t *woken)
{
    if (woken)
        *woken = pdFALSE;
}

/* ---- tasks ---- */

static void unlink_task(struct kernel *k, const struct tskTaskControlBlock *task)
{
    for (struct tskTaskControlBlock **at = &k->tasks; *at; at = &(*at)->next)
        if (*at == task) {
            *at = task->next;
            return;
        }
}

static void task_main(void *arg)
{
    struct tskTaskControlBlock *self = arg;
    current = self;
    kernel_enter(); /* waits until xTaskCreate has handed out the handle */
    kernel_leave();
    self->code(self->arg);
    fflush(stdout);
    fprintf(stderr, "FreeRTOS task \"%s\" should not return, aborting now\n", self->name);
    abort();
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                   void *const arg, UBaseType_t priority, TaskHandle_t *const out,
                                   const BaseType_t core)
{
    static const uint16_t dual_core[] = { 0 /* ESP32 */, 9 /* S3 */, 18 /* P4 */, 28 /* H4 */, 32 /* S31 */ };
    struct kernel *k = kernel_get();
    const struct ud_idf_env *env = ud_idf_env();
    kernel_require(env != NULL && code != NULL, "xTaskCreate: a task needs a function");
    BaseType_t cores = 1;
    for (size_t i = 0; i < UD_ARRAY_LEN(dual_core); i++)
        if (env->board->chip && env->board->chip->id == dual_core[i])
            cores = 2;
    kernel_require(core == tskNO_AFFINITY || (core >= 0 && core < cores), "xTaskCreate: the chip has no such core");

    struct ud_alloc alloc;
    struct tskTaskControlBlock *task = kernel_alloc(sizeof *task, &alloc);
    if (!task)
        return errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY;
    task->alloc = alloc;
    ud_strcopy(task->name, sizeof task->name, name ? name : "", sizeof task->name - 1);
    task->priority = priority < configMAX_PRIORITIES ? priority : configMAX_PRIORITIES - 1;
    task->stack_bytes = stack_bytes;
    task->code = code;
    task->arg = arg;
    task->core = core;

    kernel_enter();
    task->number = ++k->created;
    esp_err_t err = k->os.ops->thread_start(k->os.ctx, task->name, stack_bytes, task_main, task);
    if (err == ESP_OK) {
        task->next = k->tasks;
        k->tasks = task;
        if (out)
            *out = task;
    }
    kernel_leave();
    if (err != ESP_OK) {
        ud_alloc_put(&alloc, task);
        return errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY;
    }
    return pdPASS;
}

BaseType_t xTaskCreate(TaskFunction_t code, const char *const name, const configSTACK_DEPTH_TYPE stack_bytes,
                       void *const arg, UBaseType_t priority, TaskHandle_t *const out)
{
    return xTaskCreatePinnedToCore(code, name, stack_bytes, arg, priority, out, tskNO_AFFINITY);
}

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                           void *const arg, UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const block, const BaseType_t core)
{
    TaskHandle_t task = NULL;
    kernel_require(stack != NULL && block != NULL, "xTaskCreateStatic: a stack and a control block are needed");
    return xTaskCreatePinnedToCore(code, name, stack_bytes, arg, priority, &task, core) == pdPASS ? task : NULL;
}

TaskHandle_t xTaskCreateStatic(TaskFunction_t code, const char *const name, const uint32_t stack_bytes, void *const arg,
                               UBaseType_t priority, StackType_t *const stack, StaticTask_t *const block)
{
    return xTaskCreateStaticPinnedToCore(code, name, stack_bytes, arg, priority, stack, block, tskNO_AFFINITY);
}

void vTaskDelete(TaskHandle_t task)
{
    struct kernel *k = kernel_get();
    kernel_enter();
    if (!task)
        task = kernel_current_task();
    unlink_task(k, task);
    task->deleted = true;
    if (task->waits_on) { /* what it waits on may be deleted next, so it has to be out of there */
        bool left = false;
        task->left = &left;
        kernel_wake(task->waits_on);
        while (!left)
            k->os.ops->cond_wait(k->os.ctx, k->left, k->lock, UINT64_MAX);
    }
    kernel_leave();
}

/* Give the lock back and wait on the board's clock, which may be a virtual one. */
static void leave_and_delay(uint64_t us)
{
    const struct ud_idf_env *env = ud_idf_env();
    struct tskTaskControlBlock *self = kernel_current_task();
    self->delayed = us > 0;
    kernel_leave();
    if (env)
        ud_clock_wait_us(&env->board->clock, us);
    kernel_enter();
    self->delayed = false;
    kernel_leave();
}

static uint64_t tick_now(void)
{
    return scale(kernel_uptime_us(), tick_rate(ud_idf_env()), 1000000u);
}

/* From now to the given tick, rounded up to whole microseconds. */
static uint64_t us_until_tick(uint64_t tick)
{
    uint32_t hz = tick_rate(ud_idf_env());
    uint64_t at = scale(tick, 1000000u, hz);
    if (scale(at, hz, 1000000u) < tick)
        at++;
    uint64_t now = kernel_uptime_us();
    return at > now ? at - now : 0;
}

void vTaskDelay(const TickType_t ticks)
{
    kernel_enter();
    uint64_t us = ticks ? us_until_tick(tick_now() + ticks) : 0;
    leave_and_delay(us);
}

BaseType_t xTaskDelayUntil(TickType_t *const previous, const TickType_t increment)
{
    kernel_enter();
    uint64_t now = tick_now();
    TickType_t since = (TickType_t)now - *previous; /* wraps as the tick count does */
    *previous += increment;
    bool wait = since < increment;
    if (wait)
        leave_and_delay(us_until_tick(now + (increment - since)));
    else
        kernel_leave();
    return wait ? pdTRUE : pdFALSE;
}

TickType_t xTaskGetTickCount(void)
{
    kernel_enter();
    TickType_t ticks = (TickType_t)tick_now();
    kernel_leave();
    return ticks;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return kernel_current_task();
}

char *pcTaskGetName(TaskHandle_t task)
{
    return task ? task->name : kernel_current_task()->name;
}

TaskHandle_t xTaskGetHandle(const char *name)
{
    struct kernel *k = kernel_get();
    kernel_enter();
    struct tskTaskControlBlock *task = k->tasks;
    while (task && !ud_streq(task->name, name))
        task = task->next;
    kernel_leave();
    return task;
}

UBaseType_t uxTaskGetNumberOfTasks(void)
{
    struct kernel *k = kernel_get();
    UBaseType_t count = 0;
    kernel_enter();
    for (const struct tskTaskControlBlock *task = k->tasks; task; task = task->next)
        count++;
    kernel_leave();
    return count;
}

UBaseType_t uxTaskPriorityGet(const TaskHandle_t task)
{
    kernel_enter();
    UBaseType_t priority = (task ? task : kernel_current_task())->priority;
    kernel_leave();
    return priority;
}

void vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority)
{
    kernel_enter();
    (task ? task : kernel_current_task())->priority =
        priority < configMAX_PRIORITIES ? priority : configMAX_PRIORITIES - 1;
    kernel_leave();
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
    return (task ? task : kernel_current_task())->stack_bytes / 2;
}

static eTaskState state_of(const struct tskTaskControlBlock *task)
{
    if (task == kernel_current_task())
        return eRunning;
    if (task->suspended)
        return eSuspended;
    return task->waits_on || task->delayed ? eBlocked : eReady;
}

eTaskState eTaskGetState(TaskHandle_t task)
{
    kernel_require(task != NULL, "state of a task that is NULL");
    kernel_enter();
    eTaskState state = state_of(task);
    kernel_leave();
    return state;
}

BaseType_t xTaskGetSchedulerState(void)
{
    if (!atomic_load(&the_kernel) && !ud_idf_env())
        return taskSCHEDULER_NOT_STARTED;
    kernel_enter();
    bool stopped = kernel_get()->stopped > 0;
    kernel_leave();
    return stopped ? taskSCHEDULER_SUSPENDED : taskSCHEDULER_RUNNING;
}

BaseType_t xTaskGetCoreID(TaskHandle_t task)
{
    task = task ? task : kernel_current_task();
    return task->code ? task->core : tskNO_AFFINITY;
}

void vTaskList(char *buffer)
{
    struct kernel *k = kernel_get();
    kernel_require(buffer != NULL, "vTaskList into a buffer that is NULL");
    buffer[0] = '\0';
    kernel_enter();
    for (const struct tskTaskControlBlock *task = k->tasks; task; task = task->next)
        buffer += snprintf(buffer, 56, "%-15s\t%c\t%u\t%" PRIu32 "\t%" PRIu32 "\t%d\r\n", task->name,
                           "XRBS"[state_of(task)], task -> priority, task -> stack_bytes / 2, task -> number,
                           task -> core == tskNO_AFFINITY ? -1 : task -> core);
    kernel_leave();
}

void vTaskSuspend(TaskHandle_t task)
{
    kernel_enter();
    (task ? task : kernel_current_task())->suspended = true;
    wait_while_suspended(kernel_get(), kernel_current_task());
    kernel_leave();
}

void vTaskResume(TaskHandle_t task)
{
    kernel_require(task != NULL, "resume of a task that is NULL");
    kernel_enter();
    task->suspended = false;
    kernel_wake(kernel_signal());
    kernel_leave();
}

BaseType_t xTaskResumeFromISR(TaskHandle_t task)
{
    vTaskResume(task);
    return pdFALSE;
}

/* Other tasks are kept out where they would exclude each other too: at critical sections. */
void vTaskSuspendAll(void)
{
    vPortEnterCritical(NULL);
    kernel_enter();
    kernel_get()->stopped++;
    kernel_leave();
}

BaseType_t xTaskResumeAll(void)
{
    struct kernel *k = kernel_get();
    kernel_enter();
    kernel_require(k->stopped > 0, "xTaskResumeAll without vTaskSuspendAll");
    k->stopped--;
    kernel_leave();
    vPortExitCritical(NULL);
    return pdFALSE;
}

/* ---- notifications ---- */

/* Under the lock. */
static BaseType_t notify(TaskHandle_t task, UBaseType_t index, uint32_t value, eNotifyAction action)
{
    enum kernel_note_state before = task->note[index].state;
    uint32_t *now = &task->note[index].value;
    if (action == eSetValueWithoutOverwrite && before == NOTE_PENDING)
        return pdFAIL;
    switch (action) {
    case eSetBits:
        *now |= value;
        break;
    case eIncrement:
        ++*now;
        break;
    case eSetValueWithOverwrite:
    case eSetValueWithoutOverwrite:
        *now = value;
        break;
    case eNoAction:
        break;
    }
    task->note[index].state = NOTE_PENDING;
    if (before == NOTE_AWAITED)
        kernel_wake(kernel_signal());
    return pdPASS;
}

BaseType_t xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value, eNotifyAction action,
                              uint32_t *previous)
{
    kernel_require(task != NULL, "notification of a task that is NULL");
    kernel_require(index < KERNEL_NOTES, "a task has no notification of that index");
    kernel_enter();
    if (previous)
        *previous = task->note[index].value;
    BaseType_t passed = notify(task, index, value, action);
    kernel_leave();
    return passed;
}

BaseType_t xTaskGenericNotifyFromISR(TaskHandle_t task, UBaseType_t index, uint32_t value, eNotifyAction action,
                                     uint32_t *previous, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTaskGenericNotify(task, index, value, action, previous);
}

/* Wait until a notification is pending, or (`for_value`) until the value is not 0. */
static void await_note(struct tskTaskControlBlock *self, UBaseType_t index, bool for_value, TickType_t ticks)
{
    struct kernel_deadline deadline = kernel_deadline(ticks);
    bool more = true;
    while (more && (for_value ? self->note[index].value == 0 : self->note[index].state != NOTE_PENDING)) {
        self->note[index].state = NOTE_AWAITED;
        more = kernel_wait(kernel_signal(), deadline);
    }
}

uint32_t ulTaskGenericNotifyTake(UBaseType_t index, BaseType_t clear_on_exit, TickType_t ticks)
{
    struct tskTaskControlBlock *self = kernel_current_task();
    kernel_require(index < KERNEL_NOTES, "a task has no notification of that index");
    kernel_enter();
    await_note(self, index, true, ticks);
    uint32_t value = self->note[index].value;
    if (value != 0)
        self->note[index].value = clear_on_exit ? 0 : value - 1;
    self->note[index].state = NOTE_NONE;
    kernel_leave();
    return value;
}

BaseType_t xTaskGenericNotifyWait(UBaseType_t index, uint32_t clear_on_entry, uint32_t clear_on_exit, uint32_t *value,
                                  TickType_t ticks)
{
    struct tskTaskControlBlock *self = kernel_current_task();
    kernel_require(index < KERNEL_NOTES, "a task has no notification of that index");
    kernel_enter();
    if (self->note[index].state != NOTE_PENDING)
        self->note[index].value &= ~clear_on_entry;
    await_note(self, index, false, ticks);
    if (value)
        *value = self->note[index].value;
    bool notified = self->note[index].state == NOTE_PENDING;
    if (notified)
        self->note[index].value &= ~clear_on_exit;
    self->note[index].state = NOTE_NONE;
    kernel_leave();
    return notified ? pdTRUE : pdFALSE;
}

BaseType_t xTaskGenericNotifyStateClear(TaskHandle_t task, UBaseType_t index)
{
    kernel_require(index < KERNEL_NOTES, "a task has no notification of that index");
    kernel_enter();
    task = task ? task : kernel_current_task();
    bool was_pending = task->note[index].state == NOTE_PENDING;
    if (was_pending)
        task->note[index].state = NOTE_NONE;
    kernel_leave();
    return was_pending ? pdPASS : pdFAIL;
}

uint32_t ulTaskGenericNotifyValueClear(TaskHandle_t task, UBaseType_t index, uint32_t bits)
{
    kernel_require(index < KERNEL_NOTES, "a task has no notification of that index");
    kernel_enter();
    task = task ? task : kernel_current_task();
    uint32_t before = task->note[index].value;
    task->note[index].value &= ~bits;
    kernel_leave();
    return before;
}

/* ---- port ---- */

void vPortEnterCritical(portMUX_TYPE *mux)
{
    (void)mux;
    struct kernel *k = kernel_get();
    k->os.ops->mutex_lock(k->os.ctx, k->critical);
}

void vPortExitCritical(portMUX_TYPE *mux)
{
    (void)mux;
    struct kernel *k = kernel_get();
    k->os.ops->mutex_unlock(k->os.ctx, k->critical);
}

void vPortYield(void)
{
    vTaskDelay(0);
}

BaseType_t xPortGetCoreID(void)
{
    return 0;
}

BaseType_t xPortInIsrContext(void)
{
    return pdFALSE;
}
