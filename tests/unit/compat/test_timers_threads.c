/* SPDX-License-Identifier: Apache-2.0 */
/* Software timers: time moves only when the test says so (vTaskDelay). Also run under ThreadSanitizer. */
#include "world.h"

#include <string.h>

#include "freertos/timers.h"

static SemaphoreHandle_t fired;

static void on_time(TimerHandle_t timer)
{
    unsigned *count = pvTimerGetTimerID(timer);
    ++*count;
    xSemaphoreGive(fired);
}

static int start(void **state)
{
    int bad = world_start(state);
    fired = xSemaphoreCreateCounting(100, 0);
    return bad;
}

static int stop(void **state)
{
    vSemaphoreDelete(fired);
    return world_stop(state);
}

static void a_one_shot_fires_once(void **state)
{
    unsigned count = 0;
    (void)state;
    TimerHandle_t t = xTimerCreate("once", 2, pdFALSE, &count, on_time);
    assert_string_equal(pcTimerGetName(t), "once");
    assert_int_equal(xTimerIsTimerActive(t), pdFALSE);
    assert_int_equal(xTimerGetPeriod(t), 2);
    assert_int_equal(uxTimerGetReloadMode(t), 0);
    assert_int_equal(xTimerStart(t, 0), pdPASS);
    assert_int_equal(xTimerIsTimerActive(t), pdTRUE);
    assert_int_equal(xTimerGetExpiryTime(t) - xTaskGetTickCount(), 2);
    vTaskDelay(1);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    vTaskDelay(2);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_int_equal(xTimerIsTimerActive(t), pdFALSE);
    vTaskDelay(10);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    assert_int_equal(count, 1);
    assert_string_equal(pcTaskGetName(xTimerGetTimerDaemonTaskHandle()), "Tmr Svc");
    assert_int_equal(xTimerDelete(t, 0), pdPASS);
}

static void missed_expiries_of_a_periodic_one_follow(void **state)
{
    unsigned count = 0;
    (void)state;
    TimerHandle_t t = xTimerCreate("beat", 1, pdTRUE, &count, on_time);
    assert_int_equal(xTimerStartFromISR(t, NULL), pdPASS);
    vTaskDelay(5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_int_equal(xTimerIsTimerActive(t), pdTRUE);
    vTimerSetReloadMode(t, pdFALSE);
    BaseType_t woken = 9;
    assert_int_equal(xTimerStopFromISR(t, &woken), pdPASS);
    assert_int_equal(woken, pdFALSE);
    while (xSemaphoreTake(fired, 2) == pdTRUE)
        ;
    vTaskDelay(5);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    assert_int_equal(xTimerDelete(t, 0), pdPASS);
}

static void reset_and_a_new_period_begin_anew(void **state)
{
    unsigned first = 0, second = 0;
    (void)state;
    TimerHandle_t t = xTimerCreate("t", 3, pdFALSE, &first, on_time);
    xTimerStart(t, 0);
    vTaskDelay(2);
    assert_int_equal(xTimerResetFromISR(t, NULL), pdPASS);
    assert_int_equal(xTimerReset(t, 0), pdPASS);
    vTaskDelay(2);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    assert_int_equal(xTimerStop(t, 0), pdPASS);
    vTimerSetTimerID(t, &second);
    assert_int_equal(xTimerChangePeriod(t, 1, 0), pdPASS); /* starts it */
    assert_int_equal(xTimerChangePeriodFromISR(t, 2, NULL), pdPASS);
    vTaskDelay(3);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_int_equal(first, 0);
    assert_int_equal(second, 1);
    assert_int_equal(xTimerDelete(t, 0), pdPASS);
}

static void deletes_itself(TimerHandle_t timer)
{
    xTimerDelete(timer, 0);
    xSemaphoreGive(fired);
}

static void a_timer_may_delete_itself_and_live_in_given_memory(void **state)
{
    static StaticTimer_t memory;
    (void)state;
    TimerHandle_t t = xTimerCreateStatic(NULL, 1, pdTRUE, NULL, deletes_itself, &memory);
    assert_ptr_equal(t, &memory);
    xTimerStart(t, 0);
    vTaskDelay(2);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    vTaskDelay(5);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
}

static void without_memory_there_is_no_timer(void **state)
{
    (void)state;
    world.no_memory = true;
    assert_null(xTimerCreate("none", 1, pdTRUE, NULL, on_time));
    world.no_memory = false;
}

static unsigned order[20];
static unsigned calls;
static SemaphoreHandle_t gate;

static void at_the_gate(void *arg, uint32_t number)
{
    if (arg)
        xSemaphoreTake(gate, portMAX_DELAY);
    order[calls++] = number;
    xSemaphoreGive(fired);
}

static void pended_calls_run_in_order_and_their_queue_is_finite(void **state)
{
    (void)state;
    gate = xSemaphoreCreateBinary();
    assert_int_equal(xTimerPendFunctionCall(at_the_gate, &gate, 0, portMAX_DELAY), pdPASS);
    uint32_t sent = 1;
    while (xTimerPendFunctionCallFromISR(at_the_gate, NULL, sent, NULL) == pdPASS)
        sent++;
    assert_true(sent == configTIMER_QUEUE_LENGTH || sent == configTIMER_QUEUE_LENGTH + 1);
    xSemaphoreGive(gate);
    assert_int_equal(xTimerPendFunctionCall(at_the_gate, NULL, sent, portMAX_DELAY), pdPASS);
    for (uint32_t i = 0; i <= sent; i++) {
        assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
        assert_int_equal(order[i], i);
    }
    vSemaphoreDelete(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_one_shot_fires_once),
        cmocka_unit_test(missed_expiries_of_a_periodic_one_follow),
        cmocka_unit_test(reset_and_a_new_period_begin_anew),
        cmocka_unit_test(a_timer_may_delete_itself_and_live_in_given_memory),
        cmocka_unit_test(without_memory_there_is_no_timer),
        cmocka_unit_test(pended_calls_run_in_order_and_their_queue_is_finite),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
