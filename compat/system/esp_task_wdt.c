/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is watched, under the kernel's lock, and a task that looks when the time of all is up: it starts with the first
 * that is added. All must have reset within one period, which begins anew when the last of them has. A stop of the whole
 * process (a debugger) shows as a look that comes far too late, and then begins the period anew too.
 */
#include "esp_task_wdt.h"

#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "kernel.h"

#define DEFAULT_MS 5000u
#define LATE_US    1000000u
#define CORES      2u

static const char tag[] = "task_wdt";

struct esp_task_wdt_user_handle_s {
    struct ud_alloc alloc;
    struct esp_task_wdt_user_handle_s *next;
    TaskHandle_t task; /* NULL: a user */
    char name[24];
    bool has_reset;
};

static struct {
    bool off;
    uint32_t timeout_ms; /* 0: DEFAULT_MS */
    bool trigger_panic;
    bool started;
    uint64_t end_us; /* of the period */
    struct esp_task_wdt_user_handle_s *watched;
} wdt;

static void begin_period(void)
{
    for (struct esp_task_wdt_user_handle_s *w = wdt.watched; w; w = w->next)
        w->has_reset = false;
    wdt.end_us = kernel_uptime_us() + (uint64_t)(wdt.timeout_ms ? wdt.timeout_ms : DEFAULT_MS) * 1000u;
    kernel_wake(kernel_signal());
}

/* The names of those who are late, none when all have reset, and begin anew. */
static void collect(char *names, size_t size)
{
    size_t len = 0;
    names[0] = '\0';
    for (const struct esp_task_wdt_user_handle_s *w = wdt.watched; w; w = w->next)
        if (!w->has_reset && len < size - 1)
            len += (size_t)snprintf(names + len, size - len, "%s%s", len ? ", " : "", w->name);
    begin_period();
}

static void bite(const char *names)
{
    const struct ud_idf_env *env = ud_idf_env();
    ESP_LOGE(tag, "Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:");
    ESP_LOGE(tag, " - %s", names);
    if (!wdt.trigger_panic || !env)
        return;
    char text[120];
    snprintf(text, sizeof text, "not reset by %s", names);
    if (env->board->reset.task_watchdog)
        env->board->reset.task_watchdog(env->board->reset.ctx, text);
}

static void watch(void *arg)
{
    char names[96];
    (void)arg;
    kernel_enter();
    for (;;) {
        uint64_t now = kernel_uptime_us();
        bool idle = wdt.off || !wdt.watched;
        if (!idle && now >= wdt.end_us + LATE_US) {
            begin_period(); /* the process was stopped */
        } else if (!idle && now >= wdt.end_us) {
            collect(names, sizeof names);
            kernel_leave();
            if (names[0])
                bite(names);
            kernel_enter();
        } else {
            kernel_wait_until(kernel_signal(), idle ? UINT64_MAX : wdt.end_us);
        }
    }
}

static bool start_service(void)
{
    kernel_enter();
    bool mine = !wdt.started;
    wdt.started = true;
    kernel_leave();
    if (!mine || xTaskCreate(watch, "task_wdt", 2048, NULL, configMAX_PRIORITIES - 1, NULL) == pdPASS)
        return true;
    kernel_enter();
    wdt.started = false;
    kernel_leave();
    return false;
}

static esp_err_t configure(const esp_task_wdt_config_t *config, bool must_be_off)
{
    if (!config || config->timeout_ms == 0 || config->idle_core_mask >> CORES)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    bool right = wdt.off == must_be_off;
    if (right) {
        wdt.off = false;
        wdt.timeout_ms = config->timeout_ms;
        wdt.trigger_panic = config->trigger_panic;
        begin_period();
    }
    kernel_leave();
    return right ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config)
{
    return configure(config, true);
}

esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config)
{
    return configure(config, false);
}

esp_err_t esp_task_wdt_deinit(void)
{
    kernel_enter();
    bool can = !wdt.off && !wdt.watched;
    wdt.off = wdt.off || can;
    kernel_leave();
    return can ? ESP_OK : ESP_ERR_INVALID_STATE;
}

/* Where the entry is linked in: of a task, or a user itself. */
static struct esp_task_wdt_user_handle_s **find(TaskHandle_t task, esp_task_wdt_user_handle_t user)
{
    struct esp_task_wdt_user_handle_s **at = &wdt.watched;
    while (*at && (user ? *at != user : (*at)->task != task))
        at = &(*at)->next;
    return at;
}

static esp_err_t add(TaskHandle_t task, const char *name, esp_task_wdt_user_handle_t *out)
{
    struct ud_alloc alloc;
    struct esp_task_wdt_user_handle_s *w = start_service() ? kernel_alloc(sizeof *w, &alloc) : NULL;
    if (!w)
        return ESP_ERR_NO_MEM;
    w->alloc = alloc;
    w->task = task;
    ud_strcopy(w->name, sizeof w->name, name, strlen(name));
    esp_err_t err = ESP_OK;
    kernel_enter();
    if (wdt.off)
        err = ESP_ERR_INVALID_STATE;
    else if (task && *find(task, NULL))
        err = ESP_ERR_INVALID_ARG;
    if (err == ESP_OK) {
        struct esp_task_wdt_user_handle_s **at = &wdt.watched;
        bool first = !*at;
        while (*at)
            at = &(*at)->next;
        *at = w;
        if (out)
            *out = w;
        if (first)
            begin_period();
        w->has_reset = true; /* it begins in the middle of a period */
    }
    kernel_leave();
    if (err != ESP_OK)
        ud_alloc_put(&alloc, w);
    return err;
}

enum verb { ASK, RESET, REMOVE };

static void all_have_reset(void)
{
    for (const struct esp_task_wdt_user_handle_s *w = wdt.watched; w; w = w->next)
        if (!w->has_reset)
            return;
    begin_period();
}

static esp_err_t act(TaskHandle_t task, esp_task_wdt_user_handle_t user, enum verb verb)
{
    kernel_enter();
    struct esp_task_wdt_user_handle_s **at = find(task, user), *w = *at;
    esp_err_t err = wdt.off ? ESP_ERR_INVALID_STATE : w ? ESP_OK : ESP_ERR_NOT_FOUND;
    if (err == ESP_OK && verb == REMOVE)
        *at = w->next;
    if (err == ESP_OK && verb == RESET)
        w->has_reset = true;
    if (err == ESP_OK && verb != ASK)
        all_have_reset();
    kernel_leave();
    if (err == ESP_OK && verb == REMOVE) {
        struct ud_alloc alloc = w->alloc;
        ud_alloc_put(&alloc, w);
    }
    return err;
}

static TaskHandle_t task_or_self(TaskHandle_t task)
{
    return task ? task : xTaskGetCurrentTaskHandle();
}

esp_err_t esp_task_wdt_add(TaskHandle_t task_handle)
{
    TaskHandle_t task = task_or_self(task_handle);
    return add(task, pcTaskGetName(task), NULL);
}

esp_err_t esp_task_wdt_delete(TaskHandle_t task_handle)
{
    return act(task_or_self(task_handle), NULL, REMOVE);
}

esp_err_t esp_task_wdt_status(TaskHandle_t task_handle)
{
    return act(task_or_self(task_handle), NULL, ASK);
}

esp_err_t esp_task_wdt_reset(void)
{
    return act(xTaskGetCurrentTaskHandle(), NULL, RESET);
}

esp_err_t esp_task_wdt_add_user(const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret)
{
    return user_name && user_handle_ret ? add(NULL, user_name, user_handle_ret) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle)
{
    return user_handle ? act(NULL, user_handle, RESET) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_task_wdt_delete_user(esp_task_wdt_user_handle_t user_handle)
{
    return user_handle ? act(NULL, user_handle, REMOVE) : ESP_ERR_INVALID_ARG;
}
