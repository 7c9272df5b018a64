/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loops: a queue, a list of handlers and one thread each, all under the room's mutex. A loop without a task of its
 * own is run by whoever calls esp_event_loop_run.
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
    struct loop *next;
    uint32_t capacity;
    bool has_task;
    struct handler *handlers; /* in order of registration */
    uint64_t births;
    struct event *first, *last;
    uint32_t count;
    struct handler *running;
    bool handing_out;
    bool stop;
    bool ended;
    bool orphan;      /* deleted from a handler: the thread frees it */
    uintptr_t thread; /* that hands out, 0: none */
};

static struct loop *loops; /* that were not deleted */
static struct loop *loop;  /* the default one of them */
static unsigned threads;   /* of all loops, orphans included */

/* ---- handlers --------------------------------------------------------------------------------------------------- */

/* Of a caller's handle, NULL for the default loop: the loop, or NULL when there is none. */
static struct loop *alive(const void *which)
{
    if (!which)
        return loop;
    for (struct loop *l = loops; l; l = l->next)
        if (l == which)
            return l;
    return NULL;
}

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

static esp_err_t add(const void *which, esp_event_base_t base, int32_t id, esp_event_handler_t fn, void *arg,
                     bool is_instance, esp_event_handler_instance_t *instance)
{
    if (!fn || (base == ESP_EVENT_ANY_BASE && id != ESP_EVENT_ANY_ID))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    struct loop *l = alive(which);
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
    while (alive(l) && l->running == h && l->thread != ud_idf_thread())
        ud_idf_wait(UINT64_MAX);
    if (alive(l) && !l->handing_out)
        sweep(l);
}

/* `fn`: the handler itself; else the instance. */
static esp_err_t take_out(const void *which, esp_event_base_t base, int32_t id, esp_event_handler_t fn,
                          const void *instance)
{
    if ((!fn && !instance) || (base == ESP_EVENT_ANY_BASE && id != ESP_EVENT_ANY_ID))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    struct loop *l = alive(which);
    if (l) {
        struct handler *h = fn ? find(l, base, id, fn) : l->handlers;
        while (!fn && h && (h != instance || h->removed))
            h = h->next;
        if (h)
            drop(l, h);
        err = ESP_OK; /* as ESP-IDF, also when there was none */
    }
    ud_idf_unlock();
    return err;
}

esp_err_t esp_event_handler_register(esp_event_base_t event_base, int32_t event_id, esp_event_handler_t event_handler,
                                     void *event_handler_arg)
{
    return add(NULL, event_base, event_id, event_handler, event_handler_arg, false, NULL);
}

esp_err_t esp_event_handler_instance_register(esp_event_base_t event_base, int32_t event_id,
                                              esp_event_handler_t event_handler, void *event_handler_arg,
                                              esp_event_handler_instance_t *instance)
{
    return add(NULL, event_base, event_id, event_handler, event_handler_arg, true, instance);
}

esp_err_t esp_event_handler_unregister(esp_event_base_t event_base, int32_t event_id, esp_event_handler_t event_handler)
{
    return take_out(NULL, event_base, event_id, event_handler, NULL);
}

esp_err_t esp_event_handler_instance_unregister(esp_event_base_t event_base, int32_t event_id,
                                                esp_event_handler_instance_t instance)
{
    return take_out(NULL, event_base, event_id, NULL, instance);
}

/* A handle of NULL is a mistake here, not the default loop. */
esp_err_t esp_event_handler_register_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                          int32_t event_id, esp_event_handler_t event_handler, void *event_handler_arg)
{
    return event_loop ? add(event_loop, event_base, event_id, event_handler, event_handler_arg, false, NULL)
                      : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_event_handler_instance_register_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                                   int32_t event_id, esp_event_handler_t event_handler,
                                                   void *event_handler_arg, esp_event_handler_instance_t *instance)
{
    return event_loop ? add(event_loop, event_base, event_id, event_handler, event_handler_arg, true, instance)
                      : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_event_handler_unregister_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                            int32_t event_id, esp_event_handler_t event_handler)
{
    return event_loop ? take_out(event_loop, event_base, event_id, event_handler, NULL) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_event_handler_instance_unregister_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                                     int32_t event_id, esp_event_handler_instance_t instance)
{
    return event_loop ? take_out(event_loop, event_base, event_id, NULL, instance) : ESP_ERR_INVALID_ARG;
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

static void empty(struct loop *l)
{
    for (struct event *e; (e = take_event(l));)
        ud_idf_free(e);
    for (struct handler *h = l->handlers; h; h = h->next)
        h->removed = true;
    sweep(l);
}

/* Hand out until the loop is deleted, or for so long; with the mutex held. */
static void hand_out_for(struct loop *l, uint64_t wait_us)
{
    const struct ud_clock *clock = &ud_idf_env()->board->clock;
    uint64_t start = ud_clock_now_us(clock);
    bool more = true;
    l->thread = ud_idf_thread();
    while (!l->stop && more) {
        uint64_t passed = wait_us == UINT64_MAX ? 0 : ud_clock_now_us(clock) - start;
        struct event *e = take_event(l);
        if (e) {
            hand_out(l, e);
            ud_idf_free(e);
            more = passed < wait_us;
        } else {
            more = passed < wait_us &&
                   (ud_idf_wait(wait_us == UINT64_MAX ? UINT64_MAX : wait_us - passed) || wait_us == UINT64_MAX);
        }
    }
    l->thread = 0;
}

/* The thread is the last that knows a loop that was deleted meanwhile. */
static void end_run(struct loop *l)
{
    if (!l->stop)
        return;
    empty(l);
    l->ended = true;
    if (l->orphan)
        ud_idf_free(l);
}

static void run(void *arg)
{
    ud_idf_lock();
    hand_out_for(arg, UINT64_MAX);
    end_run(arg);
    threads--;
    ud_idf_changed();
    ud_idf_unlock();
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static esp_err_t create(uint32_t capacity, const char *task, size_t stack, struct loop **out)
{
    const struct ud_idf_env *env = ud_idf_env();
    struct loop *l = ud_idf_alloc(sizeof *l);
    if (!l)
        return ESP_ERR_NO_MEM;
    memset(l, 0, sizeof *l);
    l->capacity = capacity;
    l->has_task = task != NULL;
    esp_err_t err = task ? env->os.ops->thread_start(env->os.ctx, task, stack, run, l) : ESP_OK;
    if (err != ESP_OK) {
        ud_idf_free(l);
        return err;
    }
    threads += task != NULL;
    l->next = loops;
    loops = l;
    *out = l;
    return ESP_OK;
}

esp_err_t esp_event_loop_create_default(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env)
        return ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    esp_err_t err =
        loop ? ESP_ERR_INVALID_STATE : create(env->config->event_queue_size, "sys_evt", THREAD_STACK, &loop);
    ud_idf_unlock();
    return err;
}

esp_err_t esp_event_loop_create(const esp_event_loop_args_t *event_loop_args, esp_event_loop_handle_t *event_loop)
{
    const esp_event_loop_args_t *a = event_loop_args;
    struct loop *l = NULL;
    if (!a || !event_loop || a->queue_size <= 0)
        return ESP_ERR_INVALID_ARG;
    if (!ud_idf_env())
        return ESP_ERR_INVALID_STATE;
    ud_idf_lock();
    esp_err_t err = create((uint32_t)a->queue_size, a->task_name, a->task_stack_size, &l);
    ud_idf_unlock();
    if (err == ESP_OK)
        *event_loop = l;
    return err;
}

/* Whoever hands out frees the loop when it is the deleter itself; else the deleter waits for it. */
static esp_err_t delete (const void *which)
{
    ud_idf_lock();
    struct loop *l = alive(which);
    if (!l) {
        ud_idf_unlock();
        return ESP_ERR_INVALID_STATE;
    }
    struct loop **at = &loops;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    if (loop == l)
        loop = NULL;
    l->stop = true;
    if (l->thread != 0 && l->thread == ud_idf_thread()) {
        l->orphan = true;
    } else {
        ud_idf_changed();
        while ((l->has_task || l->thread != 0) && !l->ended)
            ud_idf_wait(UINT64_MAX);
        empty(l);
        ud_idf_free(l);
    }
    ud_idf_unlock();
    return ESP_OK;
}

esp_err_t esp_event_loop_delete_default(void)
{
    return delete (NULL);
}

esp_err_t esp_event_loop_delete(esp_event_loop_handle_t event_loop)
{
    return event_loop ? delete (event_loop) : ESP_ERR_INVALID_ARG;
}

void ud_idf_stop_events(void)
{
    while (loops)
        (void)delete (loops);
    ud_idf_lock();
    while (threads > 0)
        ud_idf_wait(UINT64_MAX);
    ud_idf_unlock();
}

/* ---- posting ---------------------------------------------------------------------------------------------------- */

/* With the mutex held: wait until the queue of the loop has room. */
static esp_err_t wait_for_room(const struct ud_idf_env *env, const struct loop *l, uint64_t wait_us)
{
    uint64_t start = ud_clock_now_us(&env->board->clock);
    for (;;) {
        if (!alive(l))
            return ESP_ERR_INVALID_STATE;
        if (l->count < l->capacity)
            return ESP_OK;
        if (l->thread == ud_idf_thread())
            return ESP_ERR_TIMEOUT; /* nobody else makes room */
        uint64_t passed = ud_clock_now_us(&env->board->clock) - start;
        if (wait_us != UINT64_MAX && passed >= wait_us)
            return ESP_ERR_TIMEOUT;
        if (!ud_idf_wait(wait_us == UINT64_MAX ? UINT64_MAX : wait_us - passed) && alive(l) && l->count >= l->capacity)
            return ESP_ERR_TIMEOUT;
    }
}

static esp_err_t post(const void *which, esp_event_base_t base, int32_t id, const void *data, size_t size,
                      uint64_t wait_us)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env)
        return ESP_ERR_INVALID_STATE;
    bool has_data = data && size > 0;
    esp_err_t err = ESP_ERR_INVALID_STATE;
    struct event *e = NULL;
    ud_idf_lock();
    struct loop *l = alive(which);
    if (!l)
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
    err = wait_for_room(env, l, wait_us);
    if (err != ESP_OK)
        goto done;
    *(l->last ? &l->last->next : &l->first) = e;
    l->last = e;
    l->count++;
    e = NULL;
    ud_idf_changed();
done:
    ud_idf_free(e);
    ud_idf_unlock();
    return err;
}

static uint64_t us_of(TickType_t ticks)
{
    const struct ud_idf_env *env = ud_idf_env();
    uint32_t hz = env && env->config->freertos_hz ? env->config->freertos_hz : 100;
    return ticks == portMAX_DELAY ? UINT64_MAX : (uint64_t)ticks * 1000000u / hz;
}

esp_err_t esp_event_post(esp_event_base_t event_base, int32_t event_id, const void *event_data, size_t event_data_size,
                         TickType_t ticks_to_wait)
{
    return post(NULL, event_base, event_id, event_data, event_data_size, us_of(ticks_to_wait));
}

esp_err_t esp_event_post_to(esp_event_loop_handle_t event_loop, esp_event_base_t event_base, int32_t event_id,
                            const void *event_data, size_t event_data_size, TickType_t ticks_to_wait)
{
    return event_loop ? post(event_loop, event_base, event_id, event_data, event_data_size, us_of(ticks_to_wait))
                      : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_event_isr_post(esp_event_base_t event_base, int32_t event_id, const void *event_data,
                             size_t event_data_size, BaseType_t *task_unblocked)
{
    if (task_unblocked)
        *task_unblocked = pdFALSE;
    esp_err_t err = post(NULL, event_base, event_id, event_data, event_data_size, 0);
    return err == ESP_ERR_TIMEOUT ? ESP_FAIL : err;
}

esp_err_t esp_event_loop_run(esp_event_loop_handle_t event_loop, TickType_t ticks_to_run)
{
    if (!event_loop)
        return ESP_ERR_INVALID_ARG;
    ud_idf_lock();
    struct loop *l = alive(event_loop);
    bool can = l && !l->has_task && l->thread == 0;
    if (can) {
        hand_out_for(l, us_of(ticks_to_run));
        end_run(l);
        ud_idf_changed();
    }
    ud_idf_unlock();
    return can ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t ud_idf_post(esp_event_base_t base, int32_t id, const void *data, size_t size, int timeout_ms)
{
    esp_err_t err = post(NULL, base, id, data, size, timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000u);
    if (err != ESP_OK && err != ESP_ERR_INVALID_STATE)
        ESP_LOGW(tag, "%s event %" PRId32 " was not posted: %s", base ? base : "any", id, esp_err_to_name(err));
    return err;
}
