/* SPDX-License-Identifier: Apache-2.0 */
/* Sleep by the board's timer. Deep sleep ends the firmware: the reset line carries the time to the supervisor. */
#include "esp_sleep.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

#define MAX_HOOKS 3u
#define LONGEST   (UINT64_C(1) << 48)

/* Under the kernel's lock. */
static struct {
    bool timer;
    uint64_t us;
    bool woken; /* from a light sleep */
    esp_deep_sleep_cb_t hook[MAX_HOOKS];
} sleeping;

esp_err_t esp_sleep_enable_timer_wakeup(uint64_t time_in_us)
{
    if (time_in_us >= LONGEST)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    sleeping.timer = true;
    sleeping.us = time_in_us;
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_sleep_disable_wakeup_source(esp_sleep_source_t source)
{
    kernel_enter();
    bool enabled = sleeping.timer && (source == ESP_SLEEP_WAKEUP_TIMER || source == ESP_SLEEP_WAKEUP_ALL);
    if (enabled)
        sleeping.timer = false;
    kernel_leave();
    return enabled || source == ESP_SLEEP_WAKEUP_ALL ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_sleep_wakeup_cause_t esp_sleep_get_wakeup_cause(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    kernel_enter();
    bool woken = sleeping.woken || (env && env->board->reset_reason == UD_RESET_DEEPSLEEP);
    kernel_leave();
    return woken ? ESP_SLEEP_WAKEUP_TIMER : ESP_SLEEP_WAKEUP_UNDEFINED;
}

uint32_t esp_sleep_get_wakeup_causes(void)
{
    return UINT32_C(1) << esp_sleep_get_wakeup_cause();
}

esp_err_t esp_deep_sleep_try_to_start(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env || !env->board->reset.sleep)
        return ESP_ERR_NOT_SUPPORTED;
    kernel_enter();
    uint64_t us = sleeping.timer ? sleeping.us : UINT64_MAX;
    kernel_leave();
    for (unsigned i = 0; i < MAX_HOOKS; i++)
        if (sleeping.hook[i])
            sleeping.hook[i]();
    fflush(stdout);
    env->board->reset.sleep(env->board->reset.ctx, us);
    return ESP_ERR_NOT_SUPPORTED;
}

esp_err_t esp_deep_sleep_try(uint64_t time_in_us)
{
    esp_err_t err = esp_sleep_enable_timer_wakeup(time_in_us);
    return err == ESP_OK ? esp_deep_sleep_try_to_start() : err;
}

void esp_deep_sleep_start(void)
{
    (void)esp_deep_sleep_try_to_start();
    fputs("esp_deep_sleep_start: this board cannot sleep\n", stderr);
    abort();
}

void esp_deep_sleep(uint64_t time_in_us)
{
    (void)esp_deep_sleep_try(time_in_us);
    fputs("esp_deep_sleep: this board cannot sleep, or not that long\n", stderr);
    abort();
}

esp_err_t esp_light_sleep_start(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    kernel_enter();
    bool timer = sleeping.timer;
    uint64_t us = sleeping.us;
    sleeping.woken = sleeping.woken || timer;
    kernel_leave();
    if (!timer)
        return ESP_ERR_INVALID_STATE;
    ud_clock_wait_us(&env->board->clock, us);
    return ESP_OK;
}

esp_err_t esp_deep_sleep_register_hook(esp_deep_sleep_cb_t new_dslp_cb)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    kernel_enter();
    for (unsigned i = 0; i < MAX_HOOKS && err != ESP_OK; i++)
        if (!sleeping.hook[i] || sleeping.hook[i] == new_dslp_cb) {
            sleeping.hook[i] = new_dslp_cb;
            err = ESP_OK;
        }
    kernel_leave();
    return err;
}

void esp_deep_sleep_deregister_hook(esp_deep_sleep_cb_t old_dslp_cb)
{
    kernel_enter();
    unsigned kept = 0;
    for (unsigned i = 0; i < MAX_HOOKS; i++)
        if (sleeping.hook[i] != old_dslp_cb)
            sleeping.hook[kept++] = sleeping.hook[i];
    while (kept < MAX_HOOKS)
        sleeping.hook[kept++] = NULL;
    kernel_leave();
}
