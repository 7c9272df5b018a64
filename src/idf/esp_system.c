/* SPDX-License-Identifier: Apache-2.0 */
/* Restart, reset reason, random numbers, version: the face of the board's reset line and the world's entropy. */
#include "esp_system.h"

#include <stdio.h>
#include <stdlib.h>

#include "esp_idf_version.h"
#include "esp_log.h"
#include "esp_random.h"
#include "room.h"

#define MAX_HANDLERS 16

static shutdown_handler_t handlers[MAX_HANDLERS];

void ud_idf_stop_system(void)
{
    for (unsigned i = 0; i < MAX_HANDLERS; i++)
        handlers[i] = NULL;
}

esp_err_t esp_register_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    ud_idf_lock();
    for (unsigned i = 0; i < MAX_HANDLERS; i++) {
        if (handlers[i] == handle) {
            err = ESP_ERR_INVALID_STATE;
            break;
        }
        if (!handlers[i]) {
            handlers[i] = handle;
            err = ESP_OK;
            break;
        }
    }
    ud_idf_unlock();
    return err;
}

esp_err_t esp_unregister_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    for (unsigned i = 0; i < MAX_HANDLERS; i++) {
        if (err == ESP_OK)
            handlers[i - 1] = handlers[i]; /* close the gap: the list has none */
        else if (handlers[i] == handle)
            err = ESP_OK;
    }
    if (err == ESP_OK)
        handlers[MAX_HANDLERS - 1] = NULL;
    ud_idf_unlock();
    return err;
}

void esp_restart(void)
{
    for (unsigned i = MAX_HANDLERS; i-- > 0;) {
        ud_idf_lock();
        shutdown_handler_t f = handlers[i];
        ud_idf_unlock();
        if (f)
            f();
    }
    fflush(stdout);
    const struct ud_idf_env *env = ud_idf_env();
    if (env && env->board->reset.restart)
        env->board->reset.restart(env->board->reset.ctx);
    fputs("esp_restart: this board has no reset line\n", stderr);
    abort();
}

esp_reset_reason_t esp_reset_reason(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    return env ? (esp_reset_reason_t)env->board->reset_reason : ESP_RST_UNKNOWN;
}

void esp_fill_random(void *buf, size_t len)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (env && env->entropy.fill && env->entropy.fill(env->entropy.ctx, buf, len) == ESP_OK)
        return;
    fputs("esp_random: no entropy\n", stderr);
    abort();
}

uint32_t esp_random(void)
{
    uint32_t v;
    esp_fill_random(&v, sizeof v);
    return v;
}

const char *esp_get_idf_version(void)
{
    return "v6.2.0-updraft";
}
