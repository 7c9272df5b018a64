/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows a *current board*. Everything process-wide hangs on the world below; ud_idf_stop takes it
 * all down again, so that tests can have many.
 */
#include "room.h"

#include <string.h>

static struct idf_world world;
static struct idf_world *current; /* &world between start and stop */

struct idf_world *ud_idf_world(void)
{
    return current;
}

const struct ud_idf_env *ud_idf_env(void)
{
    return current ? &current->env : NULL;
}

struct ud_ota *ud_idf_ota(void)
{
    return current ? &current->ota : NULL;
}

const uint8_t *ud_idf_running_desc(void)
{
    return current && current->has_desc ? (const uint8_t *)&current->desc : NULL;
}

/* ---- mutex, condition, memory ----------------------------------------------------------------------------------- */

void ud_idf_lock(void)
{
    if (current)
        current->env.os.ops->mutex_lock(current->env.os.ctx, current->mutex);
}

void ud_idf_unlock(void)
{
    if (current)
        current->env.os.ops->mutex_unlock(current->env.os.ctx, current->mutex);
}

bool ud_idf_wait(uint64_t timeout_us)
{
    return current->env.os.ops->cond_wait(current->env.os.ctx, current->changed, current->mutex, timeout_us);
}

void ud_idf_changed(void)
{
    current->env.os.ops->cond_broadcast(current->env.os.ctx, current->changed);
}

uintptr_t ud_idf_thread(void)
{
    return current ? current->env.os.ops->thread_self(current->env.os.ctx) : 0;
}

void *ud_idf_alloc(size_t size)
{
    return current ? ud_alloc_get(&current->env.alloc, size) : NULL;
}

void ud_idf_free(void *p)
{
    if (current && p)
        ud_alloc_put(&current->env.alloc, p);
}

/* ---- start and stop --------------------------------------------------------------------------------------------- */

/* `encrypted` stays false whatever the table says, as on a chip whose flash encryption is off. */
static void make_partitions(struct idf_world *w)
{
    const struct ud_ptable *table = &w->env.board->table;
    memset(w->part, 0, sizeof w->part);
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        esp_partition_t *o = &w->part[i];
        o->type = (esp_partition_type_t)p->type;
        o->subtype = (esp_partition_subtype_t)p->subtype;
        o->address = p->addr;
        o->size = p->size;
        o->erase_size = w->env.board->flash->geometry.sector;
        memcpy(o->label, p->label, sizeof o->label);
        o->readonly = (p->flags & UD_PART_FLAG_READONLY) != 0;
    }
}

esp_err_t ud_idf_start(const struct ud_idf_env *env)
{
    if (current)
        return ESP_ERR_INVALID_STATE;
    struct idf_world *w = &world;
    memset(w, 0, sizeof *w);
    w->env = *env;
    if (!w->env.config)
        w->env.config = &ud_app_config_defaults;
    const struct ud_os *os = &w->env.os;
    esp_err_t err = os->ops->mutex_create(os->ctx, false, &w->mutex);
    if (err != ESP_OK)
        return err;
    err = os->ops->cond_create(os->ctx, &w->changed);
    if (err != ESP_OK) {
        os->ops->mutex_destroy(os->ctx, w->mutex);
        return err;
    }
    struct ud_board *board = w->env.board;
    w->start_us = ud_clock_now_us(&board->clock);
    ud_ota_init(&w->ota, board, w->env.config->app_rollback);
    w->ota.anti_rollback = w->env.config->app_anti_rollback;
    w->bootloader_offset = board->chip->bootloader_offset;
    make_partitions(w);
    if (board->running)
        w->has_desc = ud_ota_get_desc_bytes(&w->ota, board->running, (uint8_t *)&w->desc) == ESP_OK;
    ud_idf_start_log(w->env.config->log_default_level);
    current = w;
    return ESP_OK;
}

void ud_idf_stop(void)
{
    if (!current)
        return;
    ud_idf_stop_events();
    ud_idf_stop_sessions();
    if (current->stop_nvs)
        current->stop_nvs();
    ud_idf_stop_partitions();
    ud_idf_stop_log();
    ud_idf_stop_system();
    struct idf_world *w = current;
    current = NULL;
    w->env.os.ops->cond_destroy(w->env.os.ctx, w->changed);
    w->env.os.ops->mutex_destroy(w->env.os.ctx, w->mutex);
}
