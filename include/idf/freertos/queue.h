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
/** In memory of the caller: `items` of length * item_size bytes (NULL for items without bytes), and the queue itself. */
QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t item_size, uint8_t *items, StaticQueue_t *memory);
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

/* As above without a wait; `woken` (may be NULL) becomes pdFALSE: no switch of tasks is due. */
BaseType_t xQueueSendToBackFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken);
BaseType_t xQueueSendToFrontFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken);
#define xQueueSendFromISR(queue, item, woken) xQueueSendToBackFromISR((queue), (item), (woken))
BaseType_t xQueueOverwriteFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken);
BaseType_t xQueueReceiveFromISR(QueueHandle_t queue, void *item, BaseType_t *woken);
BaseType_t xQueuePeekFromISR(QueueHandle_t queue, void *item);
#define uxQueueMessagesWaitingFromISR(queue) uxQueueMessagesWaiting(queue)
#define xQueueIsQueueEmptyFromISR(queue)     ((BaseType_t)(uxQueueMessagesWaiting(queue) == 0))
#define xQueueIsQueueFullFromISR(queue)      ((BaseType_t)(uxQueueSpacesAvailable(queue) == 0))

/* ---- sets: wait for several queues and semaphores at once --------------------------------------------------------- */

typedef QueueHandle_t QueueSetHandle_t;
typedef QueueHandle_t QueueSetMemberHandle_t;

/** `length`: of all members together; more items than that at once are a failed assertion. */
QueueSetHandle_t xQueueCreateSet(UBaseType_t length);
/** pdFAIL when the member holds something or is in a set already. */
BaseType_t xQueueAddToSet(QueueSetMemberHandle_t member, QueueSetHandle_t set);
/** pdFAIL when the member holds something or is not in this set. */
BaseType_t xQueueRemoveFromSet(QueueSetMemberHandle_t member, QueueSetHandle_t set);
/** The member from which one item can be taken now, NULL after the time. */
QueueSetMemberHandle_t xQueueSelectFromSet(QueueSetHandle_t set, TickType_t ticks);
#define xQueueSelectFromSetFromISR(set) xQueueSelectFromSet((set), 0)

#ifdef __cplusplus
}
#endif
#endif /* QUEUE_H */
