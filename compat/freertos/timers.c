/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software timers: a list under the kernel's lock and one task that calls what is due, the earliest first. A call of the
 * API changes the list at once and wakes the task. A timer that is deleted while its callback runs is freed afterwards.
 */
#include "kernel.h"
#include "freertos/timers.h"

#define STACK_BYTES 2048

struct tmrTimerControl {
    struct ud_alloc alloc;
    struct tmrTimerControl *next;
    const char *name;
    void *id;
    TimerCallbackFunction_t callback;
    TickType_t period;
    bool auto_reload;
    bool active;
    bool running; /* its callback */
    bool deleted;
    uint64_t due_us; /* of the uptime */
};
_Static_assert(sizeof(struct tmrTimerControl) <= sizeof(StaticTimer_t), "a timer fits into the memory of its user");

struct pended {
    PendedFunction_t function;
    void *arg;
    uint32_t number;
};

/* The service, as long as the process lives; under the kernel's lock. */
static struct {
    TaskHandle_t task;
    bool starting;
    struct tmrTimerControl *timers;
    struct pended pended[configTIMER_QUEUE_LENGTH];
    unsigned first, count;
} service;

/* ---- the task ---- */

static void forget(struct tmrTimerControl *timer)
{
    struct tmrTimerControl **at = &service.timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    struct ud_alloc alloc = timer->alloc;
    ud_alloc_put(&alloc, timer);
}

static struct tmrTimerControl *earliest(void)
{
    struct tmrTimerControl *found = NULL;
    for (struct tmrTimerControl *t = service.timers; t; t = t->next)
        if (t->active && (!found || t->due_us < found->due_us))
            found = t;
    return found;
}

/* Expiries that were missed follow one by one, as on the chips. */
static void expire(struct tmrTimerControl *timer)
{
    timer->active = timer->auto_reload;
    timer->due_us += kernel_ticks_to_us(timer->period);
    timer->running = true;
    kernel_leave();
    timer->callback(timer);
    kernel_enter();
    timer->running = false;
    if (timer->deleted)
        forget(timer);
}

static void call_pended(void)
{
    struct pended p = service.pended[service.first];
    service.first = (service.first + 1) % configTIMER_QUEUE_LENGTH;
    service.count--;
    kernel_wake(kernel_signal()); /* there is room */
    kernel_leave();
    p.function(p.arg, p.number);
    kernel_enter();
}

static void serve(void *arg)
{
    (void)arg;
    kernel_enter();
    for (;;) {
        struct tmrTimerControl *next = earliest();
        if (service.count > 0)
            call_pended();
        else if (next && next->due_us <= kernel_uptime_us())
            expire(next);
        else
            kernel_wait_until(kernel_signal(), next ? next->due_us : UINT64_MAX);
    }
}

/* There may be two first callers: one of them starts the task. */
static bool start_service(void)
{
    kernel_enter();
    bool mine = !service.task && !service.starting;
    service.starting = service.starting || mine;
    kernel_leave();
    if (!mine)
        return true;
    TaskHandle_t task = NULL;
    bool started = xTaskCreate(serve, "Tmr Svc", STACK_BYTES, NULL, configTIMER_TASK_PRIORITY, &task) == pdPASS;
    kernel_enter();
    service.task = task;
    service.starting = false;
    kernel_leave();
    return started;
}

/* ---- timers ---- */

static TimerHandle_t create(const char *name, TickType_t period, BaseType_t auto_reload, void *id,
                            TimerCallbackFunction_t callback, StaticTimer_t *memory)
{
    struct ud_alloc alloc;
    kernel_require(period > 0 && callback != NULL, "a timer needs a period and a callback");
    if (!start_service())
        return NULL;
    struct tmrTimerControl *t = kernel_place(sizeof *t, memory, sizeof *memory, &alloc);
    if (!t)
        return NULL;
    t->alloc = alloc;
    t->name = name ? name : "";
    t->id = id;
    t->callback = callback;
    t->period = period;
    t->auto_reload = auto_reload != pdFALSE;
    kernel_enter();
    t->next = service.timers;
    service.timers = t;
    kernel_leave();
    return t;
}

TimerHandle_t xTimerCreate(const char *const name, const TickType_t period, const BaseType_t auto_reload,
                           void *const id, TimerCallbackFunction_t callback)
{
    return create(name, period, auto_reload, id, callback, NULL);
}

TimerHandle_t xTimerCreateStatic(const char *const name, const TickType_t period, const BaseType_t auto_reload,
                                 void *const id, TimerCallbackFunction_t callback, StaticTimer_t *memory)
{
    kernel_require(memory != NULL, "a static timer needs memory");
    return create(name, period, auto_reload, id, callback, memory);
}

static void enter_with(TimerHandle_t timer)
{
    kernel_require(timer != NULL, "a timer that is NULL");
    kernel_enter();
    kernel_require(!timer->deleted, "a timer that was deleted");
}

/* Under the lock: from now on, by the tick. */
static void start(TimerHandle_t timer)
{
    timer->active = true;
    timer->due_us = kernel_uptime_us() + kernel_ticks_to_us(timer->period);
    kernel_wake(kernel_signal());
}

BaseType_t xTimerStart(TimerHandle_t timer, TickType_t ticks)
{
    (void)ticks;
    enter_with(timer);
    start(timer);
    kernel_leave();
    return pdPASS;
}

BaseType_t xTimerReset(TimerHandle_t timer, TickType_t ticks)
{
    return xTimerStart(timer, ticks);
}

BaseType_t xTimerStop(TimerHandle_t timer, TickType_t ticks)
{
    (void)ticks;
    enter_with(timer);
    timer->active = false;
    kernel_leave();
    return pdPASS;
}

BaseType_t xTimerChangePeriod(TimerHandle_t timer, TickType_t period, TickType_t ticks)
{
    (void)ticks;
    kernel_require(period > 0, "a timer needs a period");
    enter_with(timer);
    timer->period = period;
    start(timer);
    kernel_leave();
    return pdPASS;
}

BaseType_t xTimerDelete(TimerHandle_t timer, TickType_t ticks)
{
    (void)ticks;
    enter_with(timer);
    timer->active = false;
    timer->deleted = true;
    if (!timer->running)
        forget(timer);
    kernel_leave();
    return pdPASS;
}

BaseType_t xTimerStartFromISR(TimerHandle_t timer, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTimerStart(timer, 0);
}

BaseType_t xTimerResetFromISR(TimerHandle_t timer, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTimerStart(timer, 0);
}

BaseType_t xTimerStopFromISR(TimerHandle_t timer, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTimerStop(timer, 0);
}

BaseType_t xTimerChangePeriodFromISR(TimerHandle_t timer, TickType_t period, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTimerChangePeriod(timer, period, 0);
}

BaseType_t xTimerIsTimerActive(TimerHandle_t timer)
{
    enter_with(timer);
    bool active = timer->active;
    kernel_leave();
    return active ? pdTRUE : pdFALSE;
}

void *pvTimerGetTimerID(const TimerHandle_t timer)
{
    enter_with(timer);
    void *id = timer->id;
    kernel_leave();
    return id;
}

void vTimerSetTimerID(TimerHandle_t timer, void *id)
{
    enter_with(timer);
    timer->id = id;
    kernel_leave();
}

const char *pcTimerGetName(TimerHandle_t timer)
{
    kernel_require(timer != NULL, "a timer that is NULL");
    return timer->name;
}

TickType_t xTimerGetPeriod(TimerHandle_t timer)
{
    enter_with(timer);
    TickType_t period = timer->period;
    kernel_leave();
    return period;
}

TickType_t xTimerGetExpiryTime(TimerHandle_t timer)
{
    enter_with(timer);
    TickType_t tick = kernel_us_to_ticks(timer->due_us);
    kernel_leave();
    return tick;
}

void vTimerSetReloadMode(TimerHandle_t timer, const BaseType_t auto_reload)
{
    enter_with(timer);
    timer->auto_reload = auto_reload != pdFALSE;
    kernel_leave();
}

UBaseType_t uxTimerGetReloadMode(TimerHandle_t timer)
{
    enter_with(timer);
    bool auto_reload = timer->auto_reload;
    kernel_leave();
    return auto_reload ? 1 : 0;
}

TaskHandle_t xTimerGetTimerDaemonTaskHandle(void)
{
    kernel_enter();
    TaskHandle_t task = service.task;
    kernel_leave();
    return task;
}

BaseType_t xTimerPendFunctionCall(PendedFunction_t function, void *arg, uint32_t number, TickType_t ticks)
{
    kernel_require(function != NULL, "a function that is NULL cannot be called");
    if (!start_service())
        return pdFAIL;
    kernel_enter();
    struct kernel_deadline deadline = kernel_deadline(ticks);
    bool more = true;
    while (more && service.count == configTIMER_QUEUE_LENGTH)
        more = kernel_wait(kernel_signal(), deadline);
    bool room = service.count < configTIMER_QUEUE_LENGTH;
    if (room) {
        unsigned at = (service.first + service.count) % configTIMER_QUEUE_LENGTH;
        service.pended[at] = (struct pended){ function, arg, number };
        service.count++;
        kernel_wake(kernel_signal());
    }
    kernel_leave();
    return room ? pdPASS : pdFAIL;
}

BaseType_t xTimerPendFunctionCallFromISR(PendedFunction_t function, void *arg, uint32_t number, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xTimerPendFunctionCall(function, arg, number, 0);
}
