/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Semaphores and mutexes. pdTRUE, or pdFALSE for timed out. A mutex is given by the task that holds it; giving another
 * task's is a failed assertion. No priorities, so no priority inheritance.
 */
#ifndef SEMAPHORE_H
#define SEMAPHORE_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/semphr.h"
#endif

#include "freertos/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef QueueHandle_t SemaphoreHandle_t;

/** Starts empty. */
SemaphoreHandle_t xSemaphoreCreateBinary(void);
SemaphoreHandle_t xSemaphoreCreateMutex(void);
SemaphoreHandle_t xSemaphoreCreateRecursiveMutex(void);
SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t max, UBaseType_t initial);
SemaphoreHandle_t xSemaphoreCreateBinaryStatic(StaticSemaphore_t *memory);
SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *memory);
SemaphoreHandle_t xSemaphoreCreateRecursiveMutexStatic(StaticSemaphore_t *memory);
SemaphoreHandle_t xSemaphoreCreateCountingStatic(UBaseType_t max, UBaseType_t initial, StaticSemaphore_t *memory);
#define vSemaphoreDelete(semaphore) vQueueDelete(semaphore)

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
/** pdFALSE when it is full already, or a mutex that nobody holds. */
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
/* Without a wait, not for mutexes; `woken` (may be NULL) becomes pdFALSE. */
BaseType_t xSemaphoreTakeFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken);
BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken);

BaseType_t xSemaphoreTakeRecursive(SemaphoreHandle_t mutex, TickType_t ticks);
/** pdFALSE when another task holds it. */
BaseType_t xSemaphoreGiveRecursive(SemaphoreHandle_t mutex);
UBaseType_t uxSemaphoreGetCount(SemaphoreHandle_t semaphore);
TaskHandle_t xSemaphoreGetMutexHolder(SemaphoreHandle_t mutex);

#ifdef __cplusplus
}
#endif
#endif /* SEMAPHORE_H */
