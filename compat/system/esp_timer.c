/* SPDX-License-Identifier: Apache-2.0 */
/* A list of timers under the kernel's lock, and one task that calls what is due. Time is that of the kernel. */
#include "esp_timer.h"

#include "kernel.h"

#define SHORTEST_PERIOD 50u
#define STACK_BYTES     3584
#define PRIORITY        22

struct esp_timer {
    struct ud_alloc alloc;
    struct esp_timer *next;
    esp_timer_create_args_t args;
    uint64_t period; /* 0: once */
    uint64_t due_us;
    bool active;
    bool running;
    bool deleted;
};

static struct {
    bool started;
    struct esp_timer *timers;
} service;

static struct esp_timer *earliest(void)
{
    struct esp_timer *found = NULL;
    for (struct esp_timer *t = service.timers; t; t = t->next)
        if (t->active && (!found || t->due_us < found->due_us))
            found = t;
    return found;
}

static void forget(struct esp_timer *timer)
{
    struct esp_timer **at = &service.timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    struct ud_alloc alloc = timer->alloc;
    ud_alloc_put(&alloc, timer);
}

static void expire(struct esp_timer *t, uint64_t now)
{
    t->active = t->period > 0;
    t->due_us += t->period;
    if (t->active && t->args.skip_unhandled_events && t->due_us <= now)
        t->due_us += (now - t->due_us) / t->period * t->period + t->period;
    t->running = true;
    kernel_leave();
    t->args.callback(t->args.arg);
    kernel_enter();
    t->running = false;
    if (t->deleted)
        forget(t);
}

static void serve(void *arg)
{
    (void)arg;
    kernel_enter();
    for (;;) {
        struct esp_timer *next = earliest();
        uint64_t now = kernel_uptime_us();
        if (next && next->due_us <= now)
            expire(next, now);
        else
            kernel_wait_until(kernel_signal(), next ? next->due_us : UINT64_MAX);
    }
}

static bool start_service(void)
{
    kernel_enter();
    bool mine = !service.started;
    service.started = true;
    kernel_leave();
    if (!mine || xTaskCreate(serve, "esp_timer", STACK_BYTES, NULL, PRIORITY, NULL) == pdPASS)
        return true;
    kernel_enter();
    service.started = false;
    kernel_leave();
    return false;
}

int64_t esp_timer_get_time(void)
{
    kernel_enter();
    uint64_t now = kernel_uptime_us();
    kernel_leave();
    return (int64_t)now;
}

esp_err_t esp_timer_create(const esp_timer_create_args_t *create_args, esp_timer_handle_t *out_handle)
{
    struct ud_alloc alloc;
    if (!create_args || !create_args->callback || !out_handle || create_args->dispatch_method >= ESP_TIMER_MAX)
        return ESP_ERR_INVALID_ARG;
    struct esp_timer *t = start_service() ? kernel_alloc(sizeof *t, &alloc) : NULL;
    if (!t)
        return ESP_ERR_NO_MEM;
    t->alloc = alloc;
    t->args = *create_args;
    kernel_enter();
    t->next = service.timers;
    service.timers = t;
    kernel_leave();
    *out_handle = t;
    return ESP_OK;
}

/* From now on; `must_run` is what it must be doing before. */
static esp_err_t start(esp_timer_handle_t timer, uint64_t us, bool periodic, bool must_run)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    if (!timer)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    if (timer->active == must_run && !timer->deleted) {
        periodic = must_run ? timer->period > 0 : periodic;
        if (periodic && us < SHORTEST_PERIOD)
            us = SHORTEST_PERIOD;
        timer->period = periodic ? us : 0;
        timer->due_us = kernel_uptime_us() + us;
        timer->active = true;
        kernel_wake(kernel_signal());
        err = ESP_OK;
    }
    kernel_leave();
    return err;
}

esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us)
{
    return start(timer, timeout_us, false, false);
}

esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period_us)
{
    return start(timer, period_us, true, false);
}

esp_err_t esp_timer_restart(esp_timer_handle_t timer, uint64_t timeout_us)
{
    return start(timer, timeout_us, false, true);
}

esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    if (!timer)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    bool was_active = timer->active;
    timer->active = false;
    kernel_leave();
    return was_active ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_timer_delete(esp_timer_handle_t timer)
{
    if (!timer)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    bool idle = !timer->active && !timer->deleted;
    if (idle) {
        timer->deleted = true;
        if (!timer->running)
            forget(timer);
    }
    kernel_leave();
    return idle ? ESP_OK : ESP_ERR_INVALID_STATE;
}

bool esp_timer_is_active(esp_timer_handle_t timer)
{
    if (!timer)
        return false;
    kernel_enter();
    bool active = timer->active;
    kernel_leave();
    return active;
}

esp_err_t esp_timer_get_period(esp_timer_handle_t timer, uint64_t *period)
{
    if (!timer || !period)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    *period = timer->period;
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_timer_get_expiry_time(esp_timer_handle_t timer, uint64_t *expiry)
{
    if (!timer || !expiry)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    bool once = timer->period == 0;
    if (once)
        *expiry = timer->due_us;
    kernel_leave();
    return once ? ESP_OK : ESP_ERR_NOT_SUPPORTED;
}

int64_t esp_timer_get_next_alarm(void)
{
    kernel_enter();
    const struct esp_timer *next = earliest();
    int64_t at = next ? (int64_t)next->due_us : INT64_MAX;
    kernel_leave();
    return at;
}
