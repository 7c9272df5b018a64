/* SPDX-License-Identifier: Apache-2.0 */
/* The default event loop: who is called, in what order, and that nobody waits for himself. */
#include "fixture.h"

#include "esp_event.h"

ESP_EVENT_DEFINE_BASE(FRUIT);
ESP_EVENT_DEFINE_BASE(STONE);

enum { LOG_SIZE = 512 };

struct listener {
    void *mutex, *changed;
    char log[LOG_SIZE];
    size_t len;
    bool held;       /* handlers that honour it wait until it is false */
    bool is_waiting; /* one does */
    int32_t last_id;
    esp_err_t result;
};
static struct listener l;
static struct ud_os os;

static void lock(void)
{
    os.ops->mutex_lock(os.ctx, l.mutex);
}

static void unlock(void)
{
    os.ops->cond_broadcast(os.ctx, l.changed);
    os.ops->mutex_unlock(os.ctx, l.mutex);
}

static void wait_change(void)
{
    os.ops->cond_wait(os.ctx, l.changed, l.mutex, UINT64_MAX);
}

static void say(const char *text)
{
    lock();
    size_t n = strlen(text);
    assert_true(l.len + n < LOG_SIZE);
    memcpy(l.log + l.len, text, n + 1);
    l.len += n;
    unlock();
}

/* Until the loop has handed out what was posted before: a handler of this base says so. */
static void flush(void)
{
    lock();
    l.last_id = -5;
    unlock();
    assert_int_equal(esp_event_post(STONE, 99, NULL, 0, portMAX_DELAY), ESP_OK);
    lock();
    while (l.last_id != 99)
        wait_change();
    unlock();
}

static void on_flush(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)data;
    lock();
    l.last_id = id;
    unlock();
}

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    char text[64];
    snprintf(text, sizeof text, "%s:%s%d%s ", (const char *)arg, base == FRUIT ? "f" : "s", (int)id,
             data ? (const char *)data : "-");
    say(text);
}

static void start(struct fixture *f, uint32_t queue)
{
    os = ud_linux_os();
    memset(&l, 0, sizeof l);
    assert_int_equal(os.ops->mutex_create(os.ctx, false, &l.mutex), ESP_OK);
    assert_int_equal(os.ops->cond_create(os.ctx, &l.changed), ESP_OK);
    fixture_init(f, NULL);
    if (queue > 0)
        f->config.event_queue_size = queue;
    fixture_go(f);
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(STONE, 99, on_flush, NULL), ESP_OK);
}

static void stop(struct fixture *f)
{
    fixture_stop(f);
    os.ops->cond_destroy(os.ctx, l.changed);
    os.ops->mutex_destroy(os.ctx, l.mutex);
}

static void codes_without_and_with_a_loop(void **state)
{
    struct fixture f;
    (void)state;
    assert_int_equal(esp_event_loop_create_default(), ESP_ERR_INVALID_STATE); /* no world */
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_ERR_INVALID_STATE);
    fixture_start(&f);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, NULL), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_handler_unregister(FRUIT, 1, on_event), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_loop_delete_default(), ESP_ERR_INVALID_STATE);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(esp_event_loop_create_default(), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_loop_create_default(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_post(ESP_EVENT_ANY_BASE, 1, NULL, 0, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_post(FRUIT, ESP_EVENT_ANY_ID, NULL, 0, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_handler_register(ESP_EVENT_ANY_BASE, 1, on_event, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_handler_unregister(ESP_EVENT_ANY_BASE, 1, on_event), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_handler_unregister(FRUIT, 1, on_event), ESP_OK); /* was never there */
    assert_int_equal(esp_event_handler_instance_unregister(FRUIT, 1, NULL), ESP_ERR_INVALID_ARG);
    f.memory.fail_at = 1;
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, NULL), ESP_ERR_NO_MEM);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    assert_int_equal(esp_event_loop_create_default(), ESP_OK); /* the stop takes this one down */
    fixture_stop(&f);
}

static void handlers_that_match_are_called_in_order_with_a_copy(void **state)
{
    struct fixture f;
    char data[] = "ab";
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, (void *)"1"), ESP_OK);
    assert_int_equal(esp_event_handler_register(FRUIT, ESP_EVENT_ANY_ID, on_event, (void *)"2"), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_EVENT_ANY_BASE, ESP_EVENT_ANY_ID, on_event, (void *)"3"), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, data, sizeof data, 0), ESP_OK);
    data[0] = 'X';
    assert_int_equal(esp_event_post(FRUIT, 2, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_post(STONE, 1, data, 0, 0), ESP_OK);
    flush();
    /* The flush event itself is seen by the handler of everything, perhaps after the flush has ended. */
    lock();
    assert_memory_equal(l.log, "1:f1ab 2:f1ab 3:f1ab 2:f2- 3:f2- 3:s1- ", 39);
    unlock();
    stop(&f);
}

static void registering_again_replaces_the_argument(void **state)
{
    struct fixture f;
    esp_event_handler_instance_t a, b;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, (void *)"old"), ESP_OK);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, (void *)"new"), ESP_OK);
    assert_int_equal(esp_event_handler_instance_register(FRUIT, 1, on_event, (void *)"a", &a), ESP_OK);
    assert_int_equal(esp_event_handler_instance_register(FRUIT, 1, on_event, (void *)"b", &b), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    flush();
    assert_int_equal(esp_event_handler_instance_unregister(FRUIT, 1, a), ESP_OK);
    assert_int_equal(esp_event_handler_unregister(FRUIT, 1, on_event), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    flush();
    lock();
    assert_string_equal(l.log, "new:f1- a:f1- b:f1- b:f1- ");
    unlock();
    stop(&f);
}

static void block(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    lock();
    l.is_waiting = true;
    os.ops->cond_broadcast(os.ctx, l.changed);
    while (l.held)
        wait_change();
    l.is_waiting = false;
    unlock();
    say("unblocked ");
}

static void hold(void)
{
    lock();
    l.held = true;
    unlock();
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, portMAX_DELAY), ESP_OK);
    lock();
    while (!l.is_waiting)
        wait_change();
    unlock();
}

static void let_go(void)
{
    lock();
    l.held = false;
    unlock();
}

static void full_queue_times_out(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 2);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, block, NULL), ESP_OK);
    hold(); /* taken off the queue */
    assert_int_equal(esp_event_post(FRUIT, 2, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 3, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 4, NULL, 0, 0), ESP_ERR_TIMEOUT);
    assert_int_equal(esp_event_post(FRUIT, 4, NULL, 0, 1), ESP_ERR_TIMEOUT);
    let_go();
    assert_int_equal(esp_event_post(FRUIT, 4, NULL, 0, portMAX_DELAY), ESP_OK);
    flush();
    stop(&f);
}

static void post_many(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    esp_err_t err;
    unsigned posted = 0;
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    while ((err = esp_event_post(FRUIT, 2, NULL, 0, portMAX_DELAY)) == ESP_OK)
        posted++;
    lock();
    l.result = err;
    unlock();
    say(posted == 2 ? "two " : "other ");
}

static void posting_from_a_handler_never_waits(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 2);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, post_many, NULL), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    lock();
    while (l.len == 0)
        wait_change();
    assert_int_equal(l.result, ESP_ERR_TIMEOUT);
    assert_string_equal(l.log, "two ");
    unlock();
    stop(&f);
}

static void change_handlers(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)data;
    say("once ");
    esp_err_t err = esp_event_handler_unregister(base, id, change_handlers);
    if (err == ESP_OK)
        err = esp_event_handler_unregister(base, id, on_event); /* comes later in the list */
    if (err == ESP_OK)
        err = esp_event_handler_register(base, id, block, NULL); /* not for this event */
    lock();
    l.result = err;
    unlock();
}

static void handlers_may_come_and_go_in_a_handler(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, change_handlers, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, (void *)"never"), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    flush();
    lock();
    assert_int_equal(l.result, ESP_OK);
    assert_string_equal(l.log, "once unblocked ");
    unlock();
    stop(&f);
}

static void release_later(void *arg)
{
    (void)arg;
    let_go();
}

static void unregister_waits_for_the_handler_that_runs(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, block, NULL), ESP_OK);
    hold();
    assert_int_equal(os.ops->thread_start(os.ctx, "later", 4096, release_later, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_unregister(FRUIT, 1, block), ESP_OK);
    lock();
    assert_string_equal(l.log, "unblocked ");
    unlock();
    stop(&f);
}

static void delete_loop(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    esp_err_t err = esp_event_loop_delete_default();
    if (err == ESP_OK && esp_event_post(FRUIT, 1, NULL, 0, 0) != ESP_ERR_INVALID_STATE)
        err = ESP_FAIL;
    lock();
    l.result = err;
    unlock();
    say("deleted ");
}

static void loop_may_be_deleted_from_a_handler(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, delete_loop, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, on_event, (void *)"never"), ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK);
    lock();
    while (l.len == 0)
        wait_change();
    assert_int_equal(l.result, ESP_OK);
    assert_string_equal(l.log, "deleted ");
    unlock();
    assert_int_equal(esp_event_loop_create_default(), ESP_OK); /* a new one at once */
    stop(&f);
}

/* A post that finds no loop says that the deletion has begun. */
static void release_when_deleted(void *arg)
{
    (void)arg;
    while (esp_event_post(FRUIT, 3, NULL, 0, 0) != ESP_ERR_INVALID_STATE) {
    }
    let_go();
}

static void delete_drops_what_is_queued(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_handler_register(FRUIT, 1, block, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(FRUIT, 2, on_event, (void *)"never"), ESP_OK);
    hold();
    assert_int_equal(esp_event_post(FRUIT, 2, "data", 5, 0), ESP_OK);
    assert_int_equal(os.ops->thread_start(os.ctx, "later", 4096, release_when_deleted, NULL), ESP_OK);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    assert_string_equal(l.log, "unblocked ");
    stop(&f);
}

static void delete_own_loop(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)base;
    (void)id;
    (void)data;
    assert_int_equal(esp_event_loop_delete(*(esp_event_loop_handle_t *)arg), ESP_OK);
    say("deleted ");
}

static void a_loop_without_a_task_is_run_by_its_user(void **state)
{
    struct fixture f;
    esp_event_loop_args_t args = { .queue_size = 2 };
    esp_event_loop_handle_t own = NULL;
    esp_event_handler_instance_t instance = NULL;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_loop_create(NULL, &own), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_loop_create(&(esp_event_loop_args_t){ .queue_size = 0 }, &own), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_loop_create(&args, &own), ESP_OK);
    assert_int_equal(esp_event_handler_register_with(own, FRUIT, 1, on_event, (void *)"a"), ESP_OK);
    assert_int_equal(
        esp_event_handler_instance_register_with(own, FRUIT, ESP_EVENT_ANY_ID, on_event, (void *)"b", &instance),
        ESP_OK);
    assert_int_equal(esp_event_post(FRUIT, 1, NULL, 0, 0), ESP_OK); /* to the default loop: not for these handlers */
    flush();
    assert_int_equal(esp_event_post_to(own, FRUIT, 1, "x", 2, 0), ESP_OK);
    assert_int_equal(esp_event_post_to(own, FRUIT, 2, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_post_to(own, FRUIT, 3, NULL, 0, 0), ESP_ERR_TIMEOUT);
    assert_string_equal(l.log, "");
    assert_int_equal(esp_event_loop_run(own, 1), ESP_OK);
    assert_string_equal(l.log, "a:f1x b:f1x b:f2- ");
    assert_int_equal(esp_event_handler_instance_unregister_with(own, FRUIT, ESP_EVENT_ANY_ID, instance), ESP_OK);
    assert_int_equal(esp_event_handler_unregister_with(own, FRUIT, 1, on_event), ESP_OK);
    assert_int_equal(esp_event_post_to(own, FRUIT, 1, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_loop_run(own, 0), ESP_OK);
    assert_string_equal(l.log, "a:f1x b:f1x b:f2- ");
    assert_int_equal(esp_event_loop_delete(own), ESP_OK);
    assert_int_equal(esp_event_loop_delete(own), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_post_to(own, FRUIT, 1, NULL, 0, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_loop_run(own, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_post_to(NULL, FRUIT, 1, NULL, 0, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_loop_delete(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_loop_create(&args, &own), ESP_OK);
    assert_int_equal(esp_event_handler_register_with(own, FRUIT, 1, delete_own_loop, &own), ESP_OK);
    assert_int_equal(esp_event_post_to(own, FRUIT, 1, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_event_loop_run(own, portMAX_DELAY), ESP_OK); /* ends with the loop */
    stop(&f);
    assert_int_equal(f.memory.out, 0);
}

static void a_loop_with_a_task_runs_beside_the_default_one(void **state)
{
    struct fixture f;
    esp_event_loop_args_t args = { .queue_size = 4, .task_name = "own", .task_stack_size = 4096 };
    esp_event_loop_handle_t own = NULL;
    BaseType_t unblocked = 9;
    (void)state;
    start(&f, 0);
    assert_int_equal(esp_event_loop_create(&args, &own), ESP_OK);
    assert_int_equal(esp_event_loop_run(own, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_event_handler_register_with(own, STONE, 99, on_flush, NULL), ESP_OK);
    lock();
    l.last_id = -5;
    unlock();
    assert_int_equal(esp_event_post_to(own, STONE, 99, NULL, 0, portMAX_DELAY), ESP_OK);
    lock();
    while (l.last_id != 99)
        wait_change();
    unlock();
    assert_int_equal(esp_event_isr_post(FRUIT, 7, NULL, 0, &unblocked), ESP_OK);
    assert_int_equal(unblocked, pdFALSE);
    flush();
    stop(&f); /* takes the loop down too */
    assert_int_equal(f.memory.out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_without_and_with_a_loop),
        cmocka_unit_test(handlers_that_match_are_called_in_order_with_a_copy),
        cmocka_unit_test(registering_again_replaces_the_argument),
        cmocka_unit_test(full_queue_times_out),
        cmocka_unit_test(posting_from_a_handler_never_waits),
        cmocka_unit_test(handlers_may_come_and_go_in_a_handler),
        cmocka_unit_test(unregister_waits_for_the_handler_that_runs),
        cmocka_unit_test(loop_may_be_deleted_from_a_handler),
        cmocka_unit_test(delete_drops_what_is_queued),
        cmocka_unit_test(a_loop_without_a_task_is_run_by_its_user),
        cmocka_unit_test(a_loop_with_a_task_runs_beside_the_default_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
