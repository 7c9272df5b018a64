/* SPDX-License-Identifier: Apache-2.0 */
/* What FreeRTOS asserts ends the firmware by abort(); each misuse is tried in a child process. */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void no_core(void)
{
    xTaskCreatePinnedToCore((TaskFunction_t)abort, "t", 4096, NULL, 1, NULL, 1); /* an ESP32-C3 has one */
}

static void no_function(void)
{
    xTaskCreate(NULL, "t", 4096, NULL, 1, NULL);
}

static void returns(void *arg)
{
    (void)arg;
}

static void task_that_returns(void)
{
    SemaphoreHandle_t never = xSemaphoreCreateBinary();
    xTaskCreate(returns, "returns", 4096, NULL, 1, NULL);
    xSemaphoreTake(never, portMAX_DELAY);
}

static void queue_of_nothing(void)
{
    xQueueCreate(0, 4);
}

static void bit_24(void)
{
    xEventGroupSetBits(xEventGroupCreate(), 1u << 24);
}

static void wait_for_no_bits(void)
{
    xEventGroupWaitBits(xEventGroupCreate(), 0, pdFALSE, pdFALSE, 0);
}

static void null_semaphore(void)
{
    xSemaphoreTake(NULL, 0);
}

static void takes_and_tells(void *arg)
{
    SemaphoreHandle_t *pair = arg;
    xSemaphoreTake(pair[0], portMAX_DELAY);
    xSemaphoreGive(pair[1]);
    xSemaphoreTake(pair[2], portMAX_DELAY);
    vTaskDelete(NULL);
}

static void foreign_mutex(void)
{
    static SemaphoreHandle_t three[3];
    three[0] = xSemaphoreCreateMutex();
    three[1] = xSemaphoreCreateBinary();
    three[2] = xSemaphoreCreateBinary();
    xTaskCreate(takes_and_tells, "holder", 4096, three, 1, NULL);
    xSemaphoreTake(three[1], portMAX_DELAY);
    xSemaphoreGive(three[0]);
}

static void misuse_aborts(void **state)
{
    (void)state;
    void (*const misuses[])(void) = { no_core, no_function,      task_that_returns, queue_of_nothing,
                                      bit_24,  wait_for_no_bits, null_semaphore,    foreign_mutex };
    for (size_t i = 0; i < UD_ARRAY_LEN(misuses); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (!freopen("/dev/null", "w", stderr))
                _exit(1);
            signal(SIGABRT, SIG_DFL);
            misuses[i]();
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("misuse %zu ended with status %#x instead of abort()", i, (unsigned)status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(misuse_aborts) };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
