/* SPDX-License-Identifier: Apache-2.0 */
/* Queues, semaphores, mutexes and event groups, alone and between tasks. Also run under ThreadSanitizer. */
#include "world.h"

#define BIT(n) (1u << (n))

static void a_binary_semaphore_starts_empty_and_holds_one(void **state)
{
    (void)state;
    SemaphoreHandle_t s = xSemaphoreCreateBinary();
    assert_int_equal(xSemaphoreTake(s, 0), pdFALSE);
    assert_int_equal(xSemaphoreTake(s, 1), pdFALSE);
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xSemaphoreGive(s), pdFALSE);
    assert_int_equal(uxSemaphoreGetCount(s), 1);
    assert_int_equal(xSemaphoreTake(s, portMAX_DELAY), pdTRUE);
    assert_int_equal(uxSemaphoreGetCount(s), 0);
    vSemaphoreDelete(s);
}

static void a_counting_semaphore_counts_to_its_maximum(void **state)
{
    (void)state;
    SemaphoreHandle_t s = xSemaphoreCreateCounting(3, 2);
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xSemaphoreGive(s), pdFALSE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xSemaphoreTake(s, 0), pdTRUE);
    assert_int_equal(xSemaphoreTake(s, 0), pdFALSE);
    vSemaphoreDelete(s);
}

static void a_mutex_is_taken_once_and_knows_its_holder(void **state)
{
    (void)state;
    SemaphoreHandle_t m = xSemaphoreCreateMutex();
    assert_int_equal(xSemaphoreGive(m), pdFALSE); /* nobody holds it */
    assert_null(xSemaphoreGetMutexHolder(m));
    assert_int_equal(xSemaphoreTake(m, 0), pdTRUE);
    assert_ptr_equal(xSemaphoreGetMutexHolder(m), xTaskGetCurrentTaskHandle());
    assert_int_equal(xSemaphoreTake(m, 0), pdFALSE); /* not even by its holder */
    assert_int_equal(xSemaphoreGive(m), pdTRUE);
    assert_null(xSemaphoreGetMutexHolder(m));
    vSemaphoreDelete(m);
}

static void tries_a_recursive_mutex(void *arg)
{
    SemaphoreHandle_t *pair = arg;
    SemaphoreHandle_t m = pair[0], answers = pair[1];
    if (xSemaphoreTakeRecursive(m, 0) == pdFALSE && xSemaphoreGiveRecursive(m) == pdFALSE)
        xSemaphoreGive(answers);
    xSemaphoreTakeRecursive(m, portMAX_DELAY);
    xSemaphoreGiveRecursive(m);
    xSemaphoreGive(answers);
    vTaskDelete(NULL);
}

static void a_recursive_mutex_nests_for_its_holder_only(void **state)
{
    (void)state;
    SemaphoreHandle_t pair[2] = { xSemaphoreCreateRecursiveMutex(), xSemaphoreCreateCounting(2, 0) };
    assert_int_equal(xSemaphoreTakeRecursive(pair[0], 0), pdTRUE);
    assert_int_equal(xSemaphoreTakeRecursive(pair[0], 0), pdTRUE);
    assert_int_equal(xTaskCreate(tries_a_recursive_mutex, "other", 4096, pair, 1, NULL), pdPASS);
    assert_int_equal(xSemaphoreTake(pair[1], portMAX_DELAY), pdTRUE);
    assert_int_equal(xSemaphoreGiveRecursive(pair[0]), pdTRUE);
    assert_ptr_equal(xSemaphoreGetMutexHolder(pair[0]), xTaskGetCurrentTaskHandle());
    assert_int_equal(xSemaphoreGiveRecursive(pair[0]), pdTRUE);
    assert_int_equal(xSemaphoreTake(pair[1], portMAX_DELAY), pdTRUE);
    assert_int_equal(xSemaphoreGiveRecursive(pair[0]), pdFALSE);
    vSemaphoreDelete(pair[0]);
    vSemaphoreDelete(pair[1]);
}

static void a_queue_copies_items_first_in_first_out(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(3, sizeof(int));
    int v = 0;
    assert_int_equal(xQueueReceive(q, &v, 0), errQUEUE_EMPTY);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(xQueueSend(q, &i, 0), pdTRUE);
    v = 9;
    assert_int_equal(xQueueSend(q, &v, 1), errQUEUE_FULL);
    assert_int_equal(uxQueueSpacesAvailable(q), 0);
    assert_int_equal(xQueuePeek(q, &v, 0), pdTRUE);
    assert_int_equal(v, 1);
    assert_int_equal(xQueueReceive(q, &v, 0), pdTRUE);
    assert_int_equal(v, 1);
    v = 7;
    assert_int_equal(xQueueSendToFront(q, &v, 0), pdTRUE);
    const int expected[] = { 7, 2, 3 };
    for (size_t i = 0; i < UD_ARRAY_LEN(expected); i++) {
        assert_int_equal(xQueueReceive(q, &v, 0), pdTRUE);
        assert_int_equal(v, expected[i]);
    }
    xQueueSend(q, &v, 0);
    xQueueReset(q);
    assert_int_equal(uxQueueMessagesWaiting(q), 0);
    vQueueDelete(q);
}

static void overwrite_replaces_the_only_item(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(1, sizeof(int));
    for (int i = 1; i <= 2; i++)
        assert_int_equal(xQueueOverwrite(q, &i), pdPASS);
    int v = 0;
    assert_int_equal(xQueueReceive(q, &v, 0), pdTRUE);
    assert_int_equal(v, 2);
    assert_int_equal(uxQueueMessagesWaiting(q), 0);
    vQueueDelete(q);
}

static void sends_a_thousand(void *arg)
{
    QueueHandle_t q = arg;
    for (int i = 0; i < 1000; i++)
        xQueueSend(q, &i, portMAX_DELAY);
    vTaskDelete(NULL);
}

static void two_senders_and_one_receiver_lose_nothing(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(4, sizeof(int));
    for (int i = 0; i < 2; i++)
        assert_int_equal(xTaskCreate(sends_a_thousand, "send", 4096, q, 1, NULL), pdPASS);
    long sum = 0;
    for (int i = 0; i < 2000; i++) {
        int v = 0;
        assert_int_equal(xQueueReceive(q, &v, portMAX_DELAY), pdTRUE);
        sum += v;
    }
    assert_int_equal(sum, 2L * 999 * 1000 / 2);
    while (uxTaskGetNumberOfTasks() > 0)
        taskYIELD();
    vQueueDelete(q);
}

static void without_memory_there_are_no_objects(void **state)
{
    (void)state;
    bool *const failures[] = { &world.no_memory, &world.no_conditions };
    for (size_t i = 0; i < UD_ARRAY_LEN(failures); i++) {
        *failures[i] = true;
        assert_null(xQueueCreate(1, 1));
        assert_null(xSemaphoreCreateBinary());
        assert_null(xSemaphoreCreateMutex());
        assert_null(xEventGroupCreate());
        *failures[i] = false;
    }
    assert_null(xQueueCreate(0x10000, 0x10000)); /* more than 32 bits */
}

static void event_bits_are_set_cleared_and_returned_as_documented(void **state)
{
    (void)state;
    EventGroupHandle_t g = xEventGroupCreate();
    assert_int_equal(xEventGroupSetBits(g, BIT(0) | BIT(23)), BIT(0) | BIT(23));
    assert_int_equal(xEventGroupClearBits(g, BIT(0)), BIT(0) | BIT(23));
    assert_int_equal(xEventGroupGetBits(g), BIT(23));
    assert_int_equal(xEventGroupWaitBits(g, BIT(0) | BIT(23), pdFALSE, pdFALSE, 0), BIT(23));
    assert_int_equal(xEventGroupWaitBits(g, BIT(0) | BIT(23), pdTRUE, pdTRUE, 1), BIT(23)); /* timed out */
    assert_int_equal(xEventGroupGetBits(g), BIT(23));                                       /* and cleared nothing */
    assert_int_equal(xEventGroupWaitBits(g, BIT(23), pdTRUE, pdTRUE, 0), BIT(23));
    assert_int_equal(xEventGroupGetBits(g), 0);
    vEventGroupDelete(g);
}

struct waits {
    EventGroupHandle_t group;
    SemaphoreHandle_t done;
    EventBits_t answer;
};

static void waits_for_two_bits(void *arg)
{
    struct waits *w = arg;
    w->answer = xEventGroupWaitBits(w->group, BIT(1) | BIT(2), pdTRUE, pdTRUE, portMAX_DELAY);
    xSemaphoreGive(w->done);
    vTaskDelete(NULL);
}

static void who_sets_the_bits_ends_the_wait_even_if_they_are_cleared_at_once(void **state)
{
    (void)state;
    struct waits w = { .group = xEventGroupCreate(), .done = xSemaphoreCreateBinary() };
    assert_int_equal(xTaskCreate(waits_for_two_bits, "wait", 4096, &w, 1, NULL), pdPASS);
    xEventGroupSetBits(w.group, BIT(1));
    assert_int_equal(xSemaphoreTake(w.done, 1), pdFALSE); /* both are asked for */
    xEventGroupSetBits(w.group, BIT(2) | BIT(5));
    xEventGroupClearBits(w.group, BIT(5));
    assert_int_equal(xSemaphoreTake(w.done, portMAX_DELAY), pdTRUE);
    assert_int_equal(w.answer & (BIT(1) | BIT(2)), BIT(1) | BIT(2));
    assert_int_equal(xEventGroupGetBits(w.group), 0); /* cleared on exit */
    while (uxTaskGetNumberOfTasks() > 0)
        taskYIELD();
    vEventGroupDelete(w.group);
    vSemaphoreDelete(w.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_semaphore_starts_empty_and_holds_one),
        cmocka_unit_test(a_counting_semaphore_counts_to_its_maximum),
        cmocka_unit_test(a_mutex_is_taken_once_and_knows_its_holder),
        cmocka_unit_test(a_recursive_mutex_nests_for_its_holder_only),
        cmocka_unit_test(a_queue_copies_items_first_in_first_out),
        cmocka_unit_test(overwrite_replaces_the_only_item),
        cmocka_unit_test(two_senders_and_one_receiver_lose_nothing),
        cmocka_unit_test(without_memory_there_are_no_objects),
        cmocka_unit_test(event_bits_are_set_cleared_and_returned_as_documented),
        cmocka_unit_test(who_sets_the_bits_ends_the_wait_even_if_they_are_cleared_at_once),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
