/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, ticks and delays. Also run under ThreadSanitizer. */
#include "world.h"

struct report {
    SemaphoreHandle_t done;
    SemaphoreHandle_t go;
    TaskHandle_t self;
    char name[configMAX_TASK_NAME_LEN];
    bool past_the_end;
};

static void reports_itself(void *arg)
{
    struct report *r = arg;
    r->self = xTaskGetCurrentTaskHandle();
    ud_strcopy(r->name, sizeof r->name, pcTaskGetName(NULL), sizeof r->name);
    xSemaphoreGive(r->done);
    xSemaphoreTake(r->go, portMAX_DELAY);
    xSemaphoreGive(r->done);
    vTaskDelete(NULL);
    r->past_the_end = true;
}

static void a_task_runs_under_its_name_and_ends_itself(void **state)
{
    (void)state;
    struct report r = { .done = xSemaphoreCreateBinary(), .go = xSemaphoreCreateBinary() };
    TaskHandle_t task = NULL;
    assert_int_equal(xTaskCreate(reports_itself, "a name that is too long", 4096, &r, 30, &task), pdPASS);
    assert_int_equal(xSemaphoreTake(r.done, portMAX_DELAY), pdTRUE);
    assert_ptr_equal(r.self, task);
    assert_string_equal(r.name, "a name that is ");
    assert_ptr_equal(xTaskGetHandle("a name that is "), task);
    assert_int_equal(uxTaskGetNumberOfTasks(), 1);
    assert_int_equal(uxTaskPriorityGet(task), configMAX_PRIORITIES - 1);
    vTaskPrioritySet(task, 3);
    assert_int_equal(uxTaskPriorityGet(task), 3);
    assert_int_equal(uxTaskGetStackHighWaterMark(task), 2048);
    xSemaphoreGive(r.go);
    assert_int_equal(xSemaphoreTake(r.done, portMAX_DELAY), pdTRUE);
    while (uxTaskGetNumberOfTasks() > 0)
        taskYIELD();
    assert_null(xTaskGetHandle("a name that is "));
    assert_false(r.past_the_end);
    vSemaphoreDelete(r.done);
    vSemaphoreDelete(r.go);
}

static void a_thread_that_is_no_task_has_a_handle_too(void **state)
{
    (void)state;
    assert_non_null(xTaskGetCurrentTaskHandle());
    assert_ptr_equal(xTaskGetCurrentTaskHandle(), xTaskGetCurrentTaskHandle());
    assert_string_equal(pcTaskGetName(NULL), "");
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_RUNNING);
}

static void creating_a_task_without_memory_or_threads_fails_cleanly(void **state)
{
    (void)state;
    TaskHandle_t task = NULL;
    world.no_memory = true;
    assert_int_equal(xTaskCreate(reports_itself, "t", 4096, NULL, 1, &task), errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY);
    world.no_memory = false;
    world.no_threads = true;
    assert_int_equal(xTaskCreate(reports_itself, "t", 4096, NULL, 1, &task), errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY);
    world.no_threads = false;
    assert_null(task);
    assert_int_equal(uxTaskGetNumberOfTasks(), 0);
}

struct victim {
    SemaphoreHandle_t never;
    SemaphoreHandle_t started;
    bool came_back;
};

static void waits_for_ever(void *arg)
{
    struct victim *v = arg;
    xSemaphoreGive(v->started);
    xSemaphoreTake(v->never, portMAX_DELAY);
    v->came_back = true;
    vTaskDelete(NULL);
}

static void a_deleted_task_ends_in_its_wait(void **state)
{
    (void)state;
    struct victim v = { .never = xSemaphoreCreateBinary(), .started = xSemaphoreCreateBinary() };
    TaskHandle_t task = NULL;
    assert_int_equal(xTaskCreate(waits_for_ever, "victim", 4096, &v, 1, &task), pdPASS);
    assert_int_equal(xSemaphoreTake(v.started, portMAX_DELAY), pdTRUE);
    assert_int_equal(eTaskGetState(xTaskGetCurrentTaskHandle()), eRunning);
    while (eTaskGetState(task) != eBlocked)
        taskYIELD();
    vTaskDelete(task);
    assert_int_equal(uxTaskGetNumberOfTasks(), 0);
    xSemaphoreGive(v.never); /* nobody takes it any more */
    assert_int_equal(uxSemaphoreGetCount(v.never), 1);
    assert_false(v.came_back);
    vSemaphoreDelete(v.never);
    vSemaphoreDelete(v.started);
}

static void a_delay_ends_on_a_tick_boundary(void **state)
{
    (void)state;
    xTaskGetTickCount(); /* the first call starts the count */
    TickType_t before = xTaskGetTickCount();
    world.time.now_us += 3000; /* 0.3 of a tick */
    vTaskDelay(5);
    assert_int_equal(xTaskGetTickCount(), before + 5);
    vTaskDelay(pdMS_TO_TICKS(200));
    assert_int_equal(xTaskGetTickCount(), before + 25);
    vTaskDelay(0);
    assert_int_equal(xTaskGetTickCount(), before + 25);
}

static void delay_until_keeps_the_beat_and_says_when_it_is_late(void **state)
{
    (void)state;
    TickType_t wake = xTaskGetTickCount();
    TickType_t start = wake;
    for (unsigned i = 1; i <= 3; i++) {
        world.time.now_us += 12000; /* work of 1.2 ticks */
        assert_int_equal(xTaskDelayUntil(&wake, 10), pdTRUE);
        assert_int_equal(wake, start + 10 * i);
        assert_int_equal(xTaskGetTickCount(), wake);
    }
    world.time.now_us += 200000;
    assert_int_equal(xTaskDelayUntil(&wake, 10), pdFALSE);
    assert_int_equal(wake, start + 40);
    assert_int_equal(xTaskGetTickCount(), start + 50);
}

static void ticks_wrap_at_32_bits(void **state)
{
    (void)state;
    TickType_t now = xTaskGetTickCount();
    world.time.now_us += (uint64_t)(0xffffffffu - now) * 10000u;
    TickType_t wake = xTaskGetTickCount();
    assert_int_equal(wake, 0xffffffffu);
    vTaskDelay(2);
    assert_int_equal(xTaskGetTickCount(), 1);
    assert_int_equal(xTaskDelayUntil(&wake, 5), pdTRUE);
    assert_int_equal(wake, 4);
    assert_int_equal(xTaskGetTickCount(), 4);
}

static void conversions_truncate_as_on_the_chips(void **state)
{
    (void)state;
    assert_int_equal(pdMS_TO_TICKS(5), 0);
    assert_int_equal(pdMS_TO_TICKS(1000), 100);
    assert_int_equal(pdTICKS_TO_MS(7), 70);
    assert_int_equal(portTICK_PERIOD_MS, 10);
    assert_int_equal(sizeof(TickType_t), 4);
    assert_true(portMAX_DELAY == 0xffffffffu);
}

struct counter {
    portMUX_TYPE mux;
    unsigned value;
    SemaphoreHandle_t done;
};

static void counts(void *arg)
{
    struct counter *c = arg;
    for (unsigned i = 0; i < 1000; i++) {
        portENTER_CRITICAL(&c->mux);
        portENTER_CRITICAL(&c->mux); /* nests */
        c->value++;
        portEXIT_CRITICAL(&c->mux);
        portEXIT_CRITICAL(&c->mux);
    }
    xSemaphoreGive(c->done);
    vTaskDelete(NULL);
}

static void critical_sections_exclude_each_other_and_nest(void **state)
{
    (void)state;
    struct counter c = { .mux = portMUX_INITIALIZER_UNLOCKED, .done = xSemaphoreCreateCounting(3, 0) };
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(xTaskCreatePinnedToCore(counts, "c", 4096, &c, 1, NULL, tskNO_AFFINITY), pdPASS);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(xSemaphoreTake(c.done, portMAX_DELAY), pdTRUE);
    assert_int_equal(c.value, 3000);
    vSemaphoreDelete(c.done);
}

static void numbers_of_the_kernel_are_esp_idfs(void **state)
{
    (void)state;
    assert_string_equal(tskKERNEL_VERSION_NUMBER, "V10.5.1");
    assert_int_equal(configTICK_RATE_HZ, 100);
    assert_int_equal(portTICK_PERIOD_MS, 10);
    assert_true(portMAX_DELAY == UINT32_MAX);
    assert_int_equal(configMAX_PRIORITIES, 25);
    assert_int_equal(configMAX_TASK_NAME_LEN, 16);
    assert_int_equal(configMINIMAL_STACK_SIZE, 1536);
    assert_int_equal(sizeof(configSTACK_DEPTH_TYPE), 4);
    assert_int_equal(sizeof(TickType_t), 4);
    assert_int_equal(sizeof(StackType_t), 1);
    assert_int_equal(sizeof(BaseType_t), sizeof(UBaseType_t));
    assert_int_equal(xPortGetCoreID(), 0);
    assert_int_equal(xPortInIsrContext(), pdFALSE);
    portYIELD();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_runs_under_its_name_and_ends_itself),
        cmocka_unit_test(a_thread_that_is_no_task_has_a_handle_too),
        cmocka_unit_test(creating_a_task_without_memory_or_threads_fails_cleanly),
        cmocka_unit_test(a_delay_ends_on_a_tick_boundary),
        cmocka_unit_test(delay_until_keeps_the_beat_and_says_when_it_is_late),
        cmocka_unit_test(ticks_wrap_at_32_bits),
        cmocka_unit_test(conversions_truncate_as_on_the_chips),
        cmocka_unit_test(a_deleted_task_ends_in_its_wait),
        cmocka_unit_test(critical_sections_exclude_each_other_and_nest),
        cmocka_unit_test(numbers_of_the_kernel_are_esp_idfs),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
