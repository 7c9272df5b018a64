/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications, suspended tasks, static and interrupt forms. Also run under ThreadSanitizer. */
#include "world.h"

#include <string.h>

static TaskHandle_t self(void)
{
    return xTaskGetCurrentTaskHandle();
}

static void wait_for_no_tasks(void)
{
    while (uxTaskGetNumberOfTasks() > 0)
        taskYIELD();
}

static void wait_until_blocked(TaskHandle_t task)
{
    while (eTaskGetState(task) != eBlocked)
        taskYIELD();
}

static void a_notification_acts_on_the_value(void **state)
{
    static const struct {
        eNotifyAction action;
        uint32_t value, want;
        BaseType_t passed;
    } rows[] = {
        { eSetValueWithOverwrite, 6, 6, pdPASS },
        { eSetBits, 1, 7, pdPASS },
        { eIncrement, 99, 8, pdPASS },
        { eNoAction, 5, 8, pdPASS },
        { eSetValueWithoutOverwrite, 5, 8, pdFAIL },
    };
    uint32_t value = 0, before = 0;
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_int_equal(xTaskNotify(self(), rows[i].value, rows[i].action), rows[i].passed);
        assert_int_equal(ulTaskNotifyValueClear(NULL, 0), rows[i].want);
    }
    assert_int_equal(xTaskNotifyWait(UINT32_MAX, 2, &value, 0), pdTRUE); /* pending: nothing is cleared on entry */
    assert_int_equal(value, 8);
    assert_int_equal(xTaskNotifyWait(0, UINT32_MAX, &value, 0), pdFALSE);
    assert_int_equal(value, 8); /* set either way, and not cleared on exit */
    assert_int_equal(xTaskNotifyWait(8, 0, NULL, 0), pdFALSE);
    assert_int_equal(xTaskNotify(self(), 3, eSetValueWithoutOverwrite), pdPASS);
    assert_int_equal(xTaskNotifyAndQuery(self(), 4, eSetBits, &before), pdPASS);
    assert_int_equal(before, 3);
    assert_int_equal(xTaskNotifyStateClear(NULL), pdPASS);
    assert_int_equal(xTaskNotifyStateClear(NULL), pdFAIL);
    assert_int_equal(ulTaskNotifyValueClear(NULL, UINT32_MAX), 7);
}

static void take_counts_or_clears(void **state)
{
    (void)state;
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 0);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 1), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xTaskNotifyGive(self()), pdPASS);
    assert_int_equal(ulTaskNotifyTake(pdFALSE, 0), 3);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, portMAX_DELAY), 2);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 0);
}

static void each_index_is_a_notification_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(xTaskNotifyIndexed(self(), 3, 7, eSetValueWithOverwrite), pdPASS);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 0);
    assert_int_equal(xTaskNotifyGiveIndexed(self(), 3), pdPASS);
    assert_int_equal(ulTaskNotifyTakeIndexed(3, pdTRUE, 0), 8);
    assert_int_equal(xTaskNotifyWaitIndexed(3, 0, 0, NULL, 0), pdFALSE);
    assert_int_equal(xTaskNotifyStateClearIndexed(NULL, 3), pdFAIL);
    assert_int_equal(ulTaskNotifyValueClearIndexed(NULL, 3, 1), 0);
}

struct pair {
    TaskHandle_t main;
    uint32_t sum;
};

static void adds_up(void *arg)
{
    struct pair *p = arg;
    for (uint32_t value = 0; value != 100;) {
        assert_int_equal(xTaskNotifyWait(0, UINT32_MAX, &value, portMAX_DELAY), pdTRUE);
        p->sum += value;
        xTaskNotifyGive(p->main);
    }
    vTaskDelete(NULL);
}

static void a_waiting_task_is_woken(void **state)
{
    struct pair p = { .main = self() };
    TaskHandle_t task;
    (void)state;
    assert_int_equal(xTaskCreate(adds_up, "adds", 4096, &p, 1, &task), pdPASS);
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(xTaskNotify(task, i, eSetValueWithoutOverwrite), pdPASS);
        assert_int_equal(ulTaskNotifyTake(pdTRUE, portMAX_DELAY), 1);
    }
    assert_int_equal(p.sum, 5050);
    wait_for_no_tasks();
}

static void interrupt_forms_are_the_ordinary_ones_without_a_wait(void **state)
{
    (void)state;
    BaseType_t woken = 9;
    int v = 1;
    QueueHandle_t q = xQueueCreate(2, sizeof v);
    assert_int_equal(xQueueSendFromISR(q, &v, &woken), pdTRUE);
    assert_int_equal(woken, pdFALSE);
    v = 2;
    assert_int_equal(xQueueSendToFrontFromISR(q, &v, NULL), pdTRUE);
    assert_int_equal(xQueueSendToBackFromISR(q, &v, NULL), errQUEUE_FULL);
    assert_int_equal(uxQueueMessagesWaitingFromISR(q), 2);
    assert_int_equal(xQueueIsQueueFullFromISR(q), pdTRUE);
    assert_int_equal(xQueuePeekFromISR(q, &v), pdTRUE);
    assert_int_equal(v, 2);
    assert_int_equal(xQueueReceiveFromISR(q, &v, &woken), pdTRUE);
    assert_int_equal(xQueueReceiveFromISR(q, &v, &woken), pdTRUE);
    assert_int_equal(v, 1);
    assert_int_equal(xQueueReceiveFromISR(q, &v, &woken), pdFALSE);
    assert_int_equal(xQueueIsQueueEmptyFromISR(q), pdTRUE);
    vQueueDelete(q);
    q = xQueueCreate(1, sizeof v);
    assert_int_equal(xQueueOverwriteFromISR(q, &v, &woken), pdPASS);
    assert_int_equal(xQueueOverwriteFromISR(q, &v, &woken), pdPASS);
    vQueueDelete(q);
    SemaphoreHandle_t s = xSemaphoreCreateBinary();
    assert_int_equal(xSemaphoreGiveFromISR(s, &woken), pdTRUE);
    assert_int_equal(xSemaphoreGiveFromISR(s, NULL), pdFALSE);
    assert_int_equal(xSemaphoreTakeFromISR(s, &woken), pdTRUE);
    vSemaphoreDelete(s);
    EventGroupHandle_t g = xEventGroupCreate();
    assert_int_equal(xEventGroupSetBitsFromISR(g, 3, &woken), pdPASS);
    assert_int_equal(xEventGroupClearBitsFromISR(g, 1), pdPASS);
    assert_int_equal(xEventGroupGetBitsFromISR(g), 2);
    vEventGroupDelete(g);
    vTaskNotifyGiveFromISR(self(), &woken);
    vTaskNotifyGiveIndexedFromISR(self(), 0, NULL);
    assert_int_equal(xTaskNotifyFromISR(self(), 4, eSetBits, &woken), pdPASS);
    uint32_t before = 0;
    assert_int_equal(xTaskNotifyAndQueryFromISR(self(), 8, eSetBits, &before, &woken), pdPASS);
    assert_int_equal(before, 6);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 14);
    assert_int_equal(xTaskGetTickCountFromISR(), xTaskGetTickCount());
    portYIELD_FROM_ISR();
    portYIELD_FROM_ISR(woken);
}

static void gives_twice(void *arg)
{
    SemaphoreHandle_t *s = arg;
    xSemaphoreGive(s[0]);
    xSemaphoreTake(s[1], portMAX_DELAY);
    xSemaphoreGive(s[0]);
    vTaskDelete(NULL);
}

static void a_suspended_task_stops_at_its_next_call(void **state)
{
    SemaphoreHandle_t s[2] = { xSemaphoreCreateCounting(2, 0), xSemaphoreCreateBinary() };
    TaskHandle_t task;
    (void)state;
    assert_int_equal(xTaskCreate(gives_twice, "twice", 4096, s, 1, &task), pdPASS);
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    vTaskSuspend(task);
    assert_int_equal(eTaskGetState(task), eSuspended);
    xSemaphoreGive(s[1]);
    assert_int_equal(xSemaphoreTake(s[0], 2), pdFALSE);
    assert_int_equal(xTaskResumeFromISR(task), pdFALSE);
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    wait_for_no_tasks();
    assert_int_equal(xTaskCreate(gives_twice, "twice", 4096, s, 1, &task), pdPASS);
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    wait_until_blocked(task);
    vTaskSuspend(task);
    vTaskDelete(task); /* where it stands */
    wait_for_no_tasks();
    vSemaphoreDelete(s[0]);
    vSemaphoreDelete(s[1]);
}

static void the_scheduler_stops_by_depth(void **state)
{
    (void)state;
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_RUNNING);
    vTaskSuspendAll();
    vTaskSuspendAll();
    assert_int_equal(xTaskResumeAll(), pdFALSE);
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_SUSPENDED);
    assert_int_equal(xTaskResumeAll(), pdFALSE);
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_RUNNING);
}

static void static_objects_live_in_the_memory_of_their_user(void **state)
{
    static StaticQueue_t queue;
    static StaticSemaphore_t semaphore[4];
    static StaticEventGroup_t group;
    static StaticTask_t block;
    static StackType_t stack[2048];
    static uint8_t items[2 * sizeof(int)];
    int v = 5;
    (void)state;
    world.no_memory = true;
    QueueHandle_t q = xQueueCreateStatic(2, sizeof v, items, &queue);
    SemaphoreHandle_t s[4] = { xSemaphoreCreateBinaryStatic(&semaphore[0]), xSemaphoreCreateMutexStatic(&semaphore[1]),
                               xSemaphoreCreateRecursiveMutexStatic(&semaphore[2]),
                               xSemaphoreCreateCountingStatic(4, 1, &semaphore[3]) };
    EventGroupHandle_t g = xEventGroupCreateStatic(&group);
    world.no_memory = false;
    assert_ptr_equal(q, &queue);
    assert_ptr_equal(g, &group);
    assert_int_equal(xQueueSend(q, &v, 0), pdTRUE);
    assert_memory_equal(items, &v, sizeof v);
    assert_int_equal(xQueueReceive(q, &v, 0), pdTRUE);
    assert_int_equal(xSemaphoreTake(s[0], 0), pdFALSE);
    for (int i = 1; i < 4; i++)
        assert_int_equal(i == 2 ? xSemaphoreTakeRecursive(s[i], 0) : xSemaphoreTake(s[i], 0), pdTRUE);
    assert_int_equal(xEventGroupSetBits(g, 1), 1);
    assert_non_null(
        xTaskCreateStatic(gives_twice, "static", sizeof stack, (SemaphoreHandle_t[]){ s[0], s[3] }, 1, stack, &block));
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    assert_int_equal(xSemaphoreGive(s[3]), pdTRUE);
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    wait_for_no_tasks();
    vQueueDelete(q);
    xSemaphoreGive(s[1]);
    for (int i = 0; i < 4; i++)
        vSemaphoreDelete(s[i]);
    vEventGroupDelete(g);
}

static void memory_of_any_kind_is_one_kind(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreateWithCaps(1, 1, 4);
    assert_non_null(q);
    vQueueDeleteWithCaps(q);
    SemaphoreHandle_t s[] = { xSemaphoreCreateBinaryWithCaps(4), xSemaphoreCreateMutexWithCaps(4),
                              xSemaphoreCreateRecursiveMutexWithCaps(4), xSemaphoreCreateCountingWithCaps(3, 2, 4) };
    assert_int_equal(uxSemaphoreGetCount(s[3]), 2);
    for (size_t i = 0; i < UD_ARRAY_LEN(s); i++)
        vSemaphoreDeleteWithCaps(s[i]);
    EventGroupHandle_t g = xEventGroupCreateWithCaps(4);
    assert_non_null(g);
    vEventGroupDeleteWithCaps(g);
    SemaphoreHandle_t two[2] = { xSemaphoreCreateBinary(), xSemaphoreCreateBinary() };
    TaskHandle_t task;
    assert_int_equal(xTaskCreateWithCaps(gives_twice, "t", 4096, two, 1, &task, 4), pdPASS);
    assert_int_equal(xSemaphoreTake(two[0], portMAX_DELAY), pdTRUE);
    wait_until_blocked(task);
    vTaskDeleteWithCaps(task);
    wait_for_no_tasks();
    vSemaphoreDelete(two[0]);
    vSemaphoreDelete(two[1]);
}

static void a_set_says_which_member_has_something(void **state)
{
    int v = 3;
    (void)state;
    QueueSetHandle_t set = xQueueCreateSet(3);
    QueueHandle_t q = xQueueCreate(2, sizeof v);
    SemaphoreHandle_t s = xSemaphoreCreateBinary();
    assert_int_equal(xQueueSend(q, &v, 0), pdTRUE);
    assert_int_equal(xQueueAddToSet(q, set), pdFAIL); /* not while it holds something */
    xQueueReset(q);
    assert_int_equal(xQueueAddToSet(q, set), pdPASS);
    assert_int_equal(xQueueAddToSet(q, set), pdFAIL);
    assert_int_equal(xQueueAddToSet(s, set), pdPASS);
    assert_null(xQueueSelectFromSet(set, 0));
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xQueueSend(q, &v, 0), pdTRUE);
    assert_ptr_equal(xQueueSelectFromSet(set, portMAX_DELAY), s);
    assert_int_equal(xSemaphoreTake(s, 0), pdTRUE);
    assert_ptr_equal(xQueueSelectFromSetFromISR(set), q);
    assert_int_equal(xQueueRemoveFromSet(q, set), pdFAIL);
    assert_int_equal(xQueueReceive(q, &v, 0), pdTRUE);
    assert_null(xQueueSelectFromSet(set, 1));
    assert_int_equal(xQueueRemoveFromSet(q, set), pdPASS);
    assert_int_equal(xQueueSend(q, &v, 0), pdTRUE);
    assert_null(xQueueSelectFromSet(set, 0)); /* no member any more */
    vQueueDelete(q);
    vSemaphoreDelete(s);
    vQueueDelete(set);
}

static void meets(void *arg)
{
    EventGroupHandle_t g = arg;
    assert_int_equal(xEventGroupSync(g, 2, 3, portMAX_DELAY) & 3, 3);
    xEventGroupSetBits(g, 8);
    vTaskDelete(NULL);
}

static void tasks_meet_at_bits(void **state)
{
    (void)state;
    EventGroupHandle_t g = xEventGroupCreate();
    assert_int_equal(xEventGroupSync(g, 1, 3, 1), 1); /* nobody came, and nothing is cleared */
    assert_int_equal(xEventGroupClearBits(g, 1), 1);
    assert_int_equal(xTaskCreate(meets, "meets", 4096, g, 1, NULL), pdPASS);
    assert_int_equal(xEventGroupSync(g, 1, 3, portMAX_DELAY) & 3, 3);
    assert_int_equal(xEventGroupWaitBits(g, 8, pdTRUE, pdTRUE, portMAX_DELAY), 8);
    assert_int_equal(xEventGroupGetBits(g), 0);
    wait_for_no_tasks();
    vEventGroupDelete(g);
}

static void the_list_has_a_line_for_each_task(void **state)
{
    SemaphoreHandle_t s[2] = { xSemaphoreCreateBinary(), xSemaphoreCreateBinary() };
    char text[2 * 56];
    TaskHandle_t task;
    (void)state;
    assert_int_equal(xTaskCreatePinnedToCore(gives_twice, "a_very_long_name", 4096, s, 9, &task, 0), pdPASS);
    assert_int_equal(xSemaphoreTake(s[0], portMAX_DELAY), pdTRUE);
    assert_int_equal(xTaskGetCoreID(task), 0);
    assert_int_equal(xTaskGetAffinity(NULL), tskNO_AFFINITY);
    wait_until_blocked(task);
    vTaskList(text);
    assert_non_null(strstr(text, "a_very_long_nam\tB\t9\t2048\t"));
    assert_non_null(strstr(text, "\t0\r\n"));
    vTaskDelete(task);
    wait_for_no_tasks();
    vTaskList(text);
    assert_string_equal(text, "");
    vSemaphoreDelete(s[0]);
    vSemaphoreDelete(s[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notification_acts_on_the_value),
        cmocka_unit_test(take_counts_or_clears),
        cmocka_unit_test(each_index_is_a_notification_of_its_own),
        cmocka_unit_test(a_waiting_task_is_woken),
        cmocka_unit_test(interrupt_forms_are_the_ordinary_ones_without_a_wait),
        cmocka_unit_test(a_suspended_task_stops_at_its_next_call),
        cmocka_unit_test(the_scheduler_stops_by_depth),
        cmocka_unit_test(static_objects_live_in_the_memory_of_their_user),
        cmocka_unit_test(memory_of_any_kind_is_one_kind),
        cmocka_unit_test(a_set_says_which_member_has_something),
        cmocka_unit_test(tasks_meet_at_bits),
        cmocka_unit_test(the_list_has_a_line_for_each_task),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
