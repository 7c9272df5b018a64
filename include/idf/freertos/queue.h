/* SPDX-License-Identifier: Apache-2.0 */
/** Queues: items are copied, first in, first out. pdTRUE, or 0 for full, empty and timed out. */
#ifndef QUEUE_H
#define QUEUE_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/queue.h"
#endif

#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct QueueDefinition; /* queues and semaphores are one type */
typedef struct QueueDefinition *QueueHandle_t;

/** NULL when there is no memory. A length of 0 is a failed assertion. */
QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_size);
/** Deleting a queue or semaphore that a task waits on is a failed assertion. */
void vQueueDelete(QueueHandle_t queue);
BaseType_t xQueueReset(QueueHandle_t queue);
BaseType_t xQueueSendToBack(QueueHandle_t queue, const void *item, TickType_t ticks);
BaseType_t xQueueSendToFront(QueueHandle_t queue, const void *item, TickType_t ticks);
#define xQueueSend(queue, item, ticks) xQueueSendToBack((queue), (item), (ticks))
/** For queues of length 1: always takes the item. */
BaseType_t xQueueOverwrite(QueueHandle_t queue, const void *item);
BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks);
BaseType_t xQueuePeek(QueueHandle_t queue, void *item, TickType_t ticks);
UBaseType_t uxQueueMessagesWaiting(const QueueHandle_t queue);
UBaseType_t uxQueueSpacesAvailable(const QueueHandle_t queue);

#ifdef __cplusplus
}
#endif
#endif /* QUEUE_H */
