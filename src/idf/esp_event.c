/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default event loop: a queue, a list of handlers and one thread, all under the room's mutex.
 *
 * The thread takes an event off the queue and calls each handler that matches, with the mutex given back. Handlers may
 * come and go meanwhile, so: a removed handler stays in the list, marked, until no event is being handed out; a new one
 * does not see the event that is being handed out. Whoever removes a handler waits until it is not running, except the
 * thread itself. A loop that is deleted from one of its handlers is freed by its thread when the handler returns.
 */
#include "esp_event.h"

#include <stddef.h>
#include <string.h>

#include "esp_log.h"
#include "room.h"

#define THREAD_STACK 4096 /* the port adds what a host needs */

static const char tag[] = "event";

struct handler {
    struct handler *next;
    esp_event_base_t base;
    int32_t id;
    esp_event_handler_t fn;
    void *arg;
    uint64_t born;
    bool is_instance;
    bool removed;
};

struct event {
    struct event *next;
    esp_event_base_t base;
    int32_t id;
    bool has_data;
    max_align_t data[];
};

struct loop {
    struct handler *handlers; /* in order of registration */
    uint64_t births;
    struct event *first, *last;
    uint32_t count;
    struct handler *running;
    bool handing_out;
    bool stop;
    bool ended;
    bool orphan; /* deleted from a handler: the thread frees it */
    uintptr_t thread;
};

static struct loop *loop; /* the default one */
static unsigned threads;  /* of all loops, orphans included */

/* ---- handlers --------------------------------------------------------------------------------------------------- */

static void sweep(struct loop *l)
{
    for (struct handler **at = &l->handlers; *at;) {
        struct handler *h = *at;
        if (h->removed) {
            *at = h->next;
            ud_idf_free(h);
        } else {
            at = &h->next;
        }
    }
}

static struct handler *find(struct loop *l, esp_event_base_t base, int32_t id, esp_event_handler_t fn)
{
    for (struct handler *h = l->handlers; h; h = h->next)
        if (!h->removed && !h->is_instance && h->base == base && h->id == id && h->fn == fn)
            return h;
    return NULL;
}

static esp_err_t add(esp_event_base_t base, int32_t id, esp_event_handler_t fn, void *arg, bool is_instance,
                     esp_event_handler_instance_t *instance)
{
    if (!fn || (base == ESP_EVENT_ANY_BASE && id != ESP_EVENT_ANY_ID))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    struct loop *l = loop;
    if (!l)
        goto done;
    err = ESP_OK;
    struct handler *h = is_instance ? NULL : find(l, base, id, fn);
    if (h) {
        h->arg = arg;
        goto done;
    }
    h = ud_idf_alloc(sizeof *h);
    if (!h) {
        err = ESP_ERR_NO_MEM;
        goto done;
    }
    *h = (struct handler){ .base = base, .id = id, .fn = fn, .arg = arg, .born = ++l->births };
    h->is_instance = is_instance;
    struct handler **end = &l->handlers;
    while (*end)
        end = &(*end)->next;
    *end = h;
    if (instance)
        *instance = h;
done:
    ud_idf_unlock();
    return err;
}

/* With the mutex held. `l` may be gone when this returns. */
static void drop(struct loop *l, struct handler *h)
{
    h->removed = true;
    while (loop == l && l->running == h && l->thread != ud_idf_thread())
        ud_idf_wait(UINT64_MAX);
    if (loop == l && !l->handing_out)
        sweep(l);
}

esp_err_t esp_event_handler_register(esp_event_base_t event_base, int32_t event_id, esp_event_handler_t event_handler,
                                     void *event_handler_arg)
{
    return add(event_base, event_id, event_handler, event_handler_arg, false, NULL);
}

esp_err_t esp_event_handler_instance_register(esp_event_base_t event_base, int32_t event_id,
                                              esp_event_handler_t event_handler, void *event_handler_arg,
                                              esp_event_handler_instance_t *instance)
{
    return add(event_base, event_id, event_handler, event_handler_arg, true, instance);
}

esp_err_t esp_event_handler_unregister(esp_event_base_t event_base, int32_t event_id, esp_event_handler_t event_handler)
{
    if (!event_handler || (event_base == ESP_EVENT_ANY_BASE && event_id != ESP_EVENT_ANY_ID))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    if (loop) {
        struct handler *h = find(loop, event_base, event_id, event_handler);
        if (h)
            drop(loop, h);
        err = ESP_OK; /* as ESP-IDF, also when there was none */
    }
    ud_idf_unlock();
    return err;
}

esp_err_t esp_event_handler_instance_unregister(esp_event_base_t event_base, int32_t event_id,
                                                esp_event_handler_instance_t instance)
{
    if (!instance || (event_base == ESP_EVENT_ANY_BASE && event_id != ESP_EVENT_ANY_ID))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    if (loop) {
        struct handler *h = loop->handlers;
        while (h && (h != instance || h->removed))
            h = h->next;
        if (h)
            drop(loop, h);
        err = ESP_OK;
    }
    ud_idf_unlock();
    return err;
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static bool matches(const struct handler *h, const struct event *e)
{
    if (h->base == ESP_EVENT_ANY_BASE)
        return true;
    return h->base == e->base && (h->id == ESP_EVENT_ANY_ID || h->id == e->id);
}

/* With the mutex held; it is given back around each call. */
static void hand_out(struct loop *l, struct event *e)
{
    uint64_t born = l->births;
    l->handing_out = true;
    for (struct handler *h = l->handlers; h && !l->stop; h = h->next) {
        if (h->removed || h->born > born || !matches(h, e))
            continue;
        esp_event_handler_t fn = h->fn;
        void *arg = h->arg;
        l->running = h;
        ud_idf_unlock();
        fn(arg, e->base, e->id, e->has_data ? e->data : NULL);
        ud_idf_lock();
        l->running = NULL;
        ud_idf_changed();
    }
    l->handing_out = false;
    sweep(l);
}

static struct event *take_event(struct loop *l)
{
    struct event *e = l->first;
    if (e) {
        l->first = e->next;
        if (!l->first)
            l->last = NULL;
        l->count--;
        ud_idf_changed();
    }
    return e;
}

static void run(void *arg)
{
    struct loop *l = arg;
    ud_idf_lock();
    l->thread = ud_idf_thread();
    while (!l->stop) {
        struct event *e = take_event(l);
        if (!e) {
            ud_idf_wait(UINT64_MAX);
            continue;
        }
        hand_out(l, e);
        ud_idf_free(e);
    }
    for (struct event *e; (e = take_event(l));)
        ud_idf_free(e);
    for (struct handler *h = l->handlers; h; h = h->next)
        h->removed = true;
    sweep(l);
    l->ended = true;
    if (l->orphan)
        ud_idf_free(l);
    threads--;
    ud_idf_changed();
    ud_idf_unlock();
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

esp_err_t esp_event_loop_create_default(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env)
        return ESP_ERR_INVALID_STATE;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    if (loop)
        goto done;
    struct loop *l = ud_idf_alloc(sizeof *l);
    if (!l) {
        err = ESP_ERR_NO_MEM;
        goto done;
    }
    memset(l, 0, sizeof *l);
    err = env->os.ops->thread_start(env->os.ctx, "sys_evt", THREAD_STACK, run, l);
    if (err != ESP_OK) {
        ud_idf_free(l);
        goto done;
    }
    threads++;
    loop = l;
done:
    ud_idf_unlock();
    return err;
}

esp_err_t esp_event_loop_delete_default(void)
{
    ud_idf_lock();
    struct loop *l = loop;
    if (!l) {
        ud_idf_unlock();
        return ESP_ERR_INVALID_STATE;
    }
    loop = NULL;
    l->stop = true;
    if (l->thread == ud_idf_thread()) {
        l->orphan = true;
    } else {
        ud_idf_changed();
        while (!l->ended)
            ud_idf_wait(UINT64_MAX);
        ud_idf_free(l);
    }
    ud_idf_unlock();
    return ESP_OK;
}

void ud_idf_stop_events(void)
{
    (void)esp_event_loop_delete_default();
    ud_idf_lock();
    while (threads > 0)
        ud_idf_wait(UINT64_MAX);
    ud_idf_unlock();
}

/* ---- posting ---------------------------------------------------------------------------------------------------- */

/* With the mutex held: wait until the queue of the loop has room. */
static esp_err_t wait_for_room(const struct ud_idf_env *env, uint64_t wait_us)
{
    uint32_t cap = env->config->event_queue_size;
    uint64_t start = ud_clock_now_us(&env->board->clock);
    for (;;) {
        if (!loop)
            return ESP_ERR_INVALID_STATE;
        if (loop->count < cap)
            return ESP_OK;
        if (loop->thread == ud_idf_thread())
            return ESP_ERR_TIMEOUT; /* nobody else makes room */
        uint64_t passed = ud_clock_now_us(&env->board->clock) - start;
        if (wait_us != UINT64_MAX && passed >= wait_us)
            return ESP_ERR_TIMEOUT;
        if (!ud_idf_wait(wait_us == UINT64_MAX ? UINT64_MAX : wait_us - passed) && loop && loop->count >= cap)
            return ESP_ERR_TIMEOUT;
    }
}

static esp_err_t post(esp_event_base_t base, int32_t id, const void *data, size_t size, uint64_t wait_us)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env)
        return ESP_ERR_INVALID_STATE;
    bool has_data = data && size > 0;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    struct event *e = NULL;
    ud_idf_lock();
    if (!loop)
        goto done;
    err = ESP_ERR_INVALID_ARG;
    if (base == ESP_EVENT_ANY_BASE || id == ESP_EVENT_ANY_ID)
        goto done;
    err = ESP_ERR_NO_MEM;
    if (size > SIZE_MAX / 2 || !(e = ud_idf_alloc(sizeof *e + (has_data ? size : 0))))
        goto done;
    *e = (struct event){ .base = base, .id = id, .has_data = has_data };
    if (has_data)
        memcpy(e->data, data, size);
    err = wait_for_room(env, wait_us);
    if (err != ESP_OK)
        goto done;
    *(loop->last ? &loop->last->next : &loop->first) = e;
    loop->last = e;
    loop->count++;
    e = NULL;
    ud_idf_changed();
done:
    ud_idf_free(e);
    ud_idf_unlock();
    return err;
}

esp_err_t esp_event_post(esp_event_base_t event_base, int32_t event_id, const void *event_data, size_t event_data_size,
                         TickType_t ticks_to_wait)
{
    const struct ud_idf_env *env = ud_idf_env();
    uint32_t hz = env && env->config->freertos_hz ? env->config->freertos_hz : 100;
    uint64_t wait_us = ticks_to_wait == portMAX_DELAY ? UINT64_MAX : (uint64_t)ticks_to_wait * 1000000u / hz;
    return post(event_base, event_id, event_data, event_data_size, wait_us);
}

esp_err_t ud_idf_post(esp_event_base_t base, int32_t id, const void *data, size_t size, int timeout_ms)
{
    esp_err_t err = post(base, id, data, size, timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000u);
    if (err != ESP_OK && err != ESP_ERR_INVALID_STATE)
        ESP_LOGW(tag, "%s event %" PRId32 " was not posted: %s", base ? base : "any", id, esp_err_to_name(err));
    return err;
}
