/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues, and semaphores as queues of items without bytes: `count` of `length` are there. A mutex is a semaphore of one
 * that knows its holder.
 */
#include "kernel.h"
#include "freertos/semphr.h"

enum kind { KIND_QUEUE, KIND_SET, KIND_SEMAPHORE, KIND_MUTEX, KIND_RECURSIVE_MUTEX };

struct QueueDefinition {
    struct ud_alloc alloc;
    void *cond;
    enum kind kind;
    UBaseType_t length;
    UBaseType_t item_size;
    UBaseType_t count;
    UBaseType_t first; /* where the oldest item is */
    UBaseType_t waiters;
    TaskHandle_t holder;         /* of a mutex */
    UBaseType_t depth;           /* of a recursive mutex */
    struct QueueDefinition *set; /* that is told of each item that comes in */
    uint8_t *items;
};
_Static_assert(sizeof(struct QueueDefinition) <= sizeof(StaticQueue_t), "a queue fits into the memory of its user");

/* `memory` and `items`: the caller's, or both NULL. */
static struct QueueDefinition *create_in(enum kind kind, UBaseType_t length, UBaseType_t item_size, UBaseType_t count,
                                         StaticQueue_t *memory, uint8_t *items)
{
    kernel_require(length > 0, "a queue needs a length");
    kernel_require(count <= length, "a semaphore's initial count is above its maximum");
    if (item_size && length > (UINT32_MAX / 2) / item_size)
        return NULL;
    struct ud_alloc alloc;
    size_t size = sizeof(struct QueueDefinition) + (memory ? 0 : (size_t)length * item_size);
    struct QueueDefinition *q = kernel_place(size, memory, sizeof *memory, &alloc);
    if (!q)
        return NULL;
    q->items = memory ? items : (uint8_t *)(q + 1);
    q->alloc = alloc;
    q->kind = kind;
    q->length = length;
    q->item_size = item_size;
    q->count = count;
    q->cond = kernel_cond_create();
    if (!q->cond) {
        ud_alloc_put(&alloc, q);
        return NULL;
    }
    return q;
}

static struct QueueDefinition *create(enum kind kind, UBaseType_t length, UBaseType_t item_size, UBaseType_t count)
{
    return create_in(kind, length, item_size, count, NULL, NULL);
}

static bool is_mutex(const struct QueueDefinition *q)
{
    return q->kind == KIND_MUTEX || q->kind == KIND_RECURSIVE_MUTEX;
}

static uint8_t *item_at(struct QueueDefinition *q, UBaseType_t i)
{
    return q->items + (size_t)((q->first + i) % q->length) * q->item_size;
}

/* An item has come into `q`: wake who waits for it, and tell the set. */
static void item_came(struct QueueDefinition *q)
{
    struct QueueDefinition *set = q->set;
    kernel_wake(q->cond);
    if (!set)
        return;
    kernel_require(set->count < set->length, "a queue set is full: make it as long as all its members together");
    memcpy(item_at(set, set->count), &q, sizeof q);
    set->count++;
    kernel_wake(set->cond);
}

/* Wait until there is an item (`want_item`) or room. True: there is. */
static bool wait_for(struct QueueDefinition *q, bool want_item, TickType_t ticks)
{
    struct kernel_deadline deadline = kernel_deadline(ticks);
    q->waiters++;
    bool more = true;
    while (more && (want_item ? q->count == 0 : q->count == q->length))
        more = kernel_wait(q->cond, deadline);
    q->waiters--;
    return !kernel_deleted() && (want_item ? q->count > 0 : q->count < q->length);
}

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_size)
{
    return create(KIND_QUEUE, length, item_size, 0);
}

QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t item_size, uint8_t *items, StaticQueue_t *memory)
{
    kernel_require(memory != NULL && (items != NULL) == (item_size > 0),
                   "a static queue needs memory, and for its items");
    return create_in(KIND_QUEUE, length, item_size, 0, memory, items);
}

void vQueueDelete(QueueHandle_t queue)
{
    kernel_require(queue != NULL, "delete of a queue that is NULL");
    kernel_enter();
    kernel_require(queue->waiters == 0, "delete of a queue or semaphore that a task waits on");
    kernel_leave();
    kernel_cond_destroy(queue->cond);
    struct ud_alloc alloc = queue->alloc;
    ud_alloc_put(&alloc, queue);
}

BaseType_t xQueueReset(QueueHandle_t queue)
{
    kernel_require(queue != NULL, "reset of a queue that is NULL");
    kernel_enter();
    queue->count = 0;
    queue->first = 0;
    kernel_wake(queue->cond);
    kernel_leave();
    return pdPASS;
}

static BaseType_t send(QueueHandle_t queue, const void *item, TickType_t ticks, bool front)
{
    kernel_require(queue != NULL, "send to a queue that is NULL");
    kernel_require(item != NULL || queue->item_size == 0, "send of an item that is NULL");
    kernel_enter();
    bool room = wait_for(queue, false, ticks);
    if (room) {
        if (front)
            queue->first = (queue->first + queue->length - 1) % queue->length;
        if (queue->item_size)
            memcpy(item_at(queue, front ? 0 : queue->count), item, queue->item_size);
        queue->count++;
        item_came(queue);
    }
    kernel_leave();
    return room ? pdTRUE : errQUEUE_FULL;
}

BaseType_t xQueueSendToBack(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    return send(queue, item, ticks, false);
}

BaseType_t xQueueSendToFront(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    return send(queue, item, ticks, true);
}

BaseType_t xQueueOverwrite(QueueHandle_t queue, const void *item)
{
    kernel_require(queue != NULL && queue->length == 1, "overwrite needs a queue of length 1");
    kernel_require(item != NULL || queue->item_size == 0, "overwrite with an item that is NULL");
    kernel_enter();
    if (queue->item_size)
        memcpy(item_at(queue, 0), item, queue->item_size);
    bool was_empty = queue->count == 0;
    queue->count = 1;
    if (was_empty)
        item_came(queue);
    kernel_leave();
    return pdPASS;
}

static BaseType_t receive(QueueHandle_t queue, void *item, TickType_t ticks, bool remove)
{
    kernel_require(queue != NULL, "receive from a queue that is NULL");
    kernel_require(item != NULL || queue->item_size == 0, "receive into an item that is NULL");
    kernel_enter();
    bool there = wait_for(queue, true, ticks);
    if (there) {
        if (queue->item_size)
            memcpy(item, item_at(queue, 0), queue->item_size);
        if (remove) {
            queue->first = (queue->first + 1) % queue->length;
            queue->count--;
            kernel_wake(queue->cond);
        }
    }
    kernel_leave();
    return there ? pdTRUE : errQUEUE_EMPTY;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks)
{
    return receive(queue, item, ticks, true);
}

BaseType_t xQueuePeek(QueueHandle_t queue, void *item, TickType_t ticks)
{
    return receive(queue, item, ticks, false);
}

UBaseType_t uxQueueMessagesWaiting(const QueueHandle_t queue)
{
    kernel_require(queue != NULL, "count of a queue that is NULL");
    kernel_enter();
    UBaseType_t count = queue->count;
    kernel_leave();
    return count;
}

UBaseType_t uxQueueSpacesAvailable(const QueueHandle_t queue)
{
    kernel_require(queue != NULL, "spaces of a queue that is NULL");
    kernel_enter();
    UBaseType_t spaces = queue->length - queue->count;
    kernel_leave();
    return spaces;
}

BaseType_t xQueueSendToBackFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return send(queue, item, 0, false);
}

BaseType_t xQueueSendToFrontFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return send(queue, item, 0, true);
}

BaseType_t xQueueOverwriteFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xQueueOverwrite(queue, item);
}

BaseType_t xQueueReceiveFromISR(QueueHandle_t queue, void *item, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return receive(queue, item, 0, true);
}

BaseType_t xQueuePeekFromISR(QueueHandle_t queue, void *item)
{
    return receive(queue, item, 0, false);
}

/* ---- sets: queues of the members that hold an item ---- */

QueueSetHandle_t xQueueCreateSet(UBaseType_t length)
{
    return create(KIND_SET, length, sizeof(QueueSetMemberHandle_t), 0);
}

BaseType_t xQueueAddToSet(QueueSetMemberHandle_t member, QueueSetHandle_t set)
{
    kernel_require(member != NULL && set != NULL && set->kind == KIND_SET, "a queue joins what is no queue set");
    kernel_enter();
    bool joins = !member->set && member->count == 0;
    if (joins)
        member->set = set;
    kernel_leave();
    return joins ? pdPASS : pdFAIL;
}

BaseType_t xQueueRemoveFromSet(QueueSetMemberHandle_t member, QueueSetHandle_t set)
{
    kernel_require(member != NULL && set != NULL, "a queue or set that is NULL");
    kernel_enter();
    bool leaves = member->set == set && member->count == 0;
    if (leaves)
        member->set = NULL;
    kernel_leave();
    return leaves ? pdPASS : pdFAIL;
}

QueueSetMemberHandle_t xQueueSelectFromSet(QueueSetHandle_t set, TickType_t ticks)
{
    QueueSetMemberHandle_t member = NULL;
    kernel_require(set != NULL && set->kind == KIND_SET, "select from what is no queue set");
    return receive(set, &member, ticks, true) == pdTRUE ? member : NULL;
}

/* ---- semaphores ---- */

SemaphoreHandle_t xSemaphoreCreateBinary(void)
{
    return create(KIND_SEMAPHORE, 1, 0, 0);
}

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
    return create(KIND_MUTEX, 1, 0, 1);
}

SemaphoreHandle_t xSemaphoreCreateRecursiveMutex(void)
{
    return create(KIND_RECURSIVE_MUTEX, 1, 0, 1);
}

SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t max, UBaseType_t initial)
{
    return create(KIND_SEMAPHORE, max, 0, initial);
}

SemaphoreHandle_t xSemaphoreCreateBinaryStatic(StaticSemaphore_t *memory)
{
    kernel_require(memory != NULL, "a static semaphore needs memory");
    return create_in(KIND_SEMAPHORE, 1, 0, 0, memory, NULL);
}

SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *memory)
{
    kernel_require(memory != NULL, "a static mutex needs memory");
    return create_in(KIND_MUTEX, 1, 0, 1, memory, NULL);
}

SemaphoreHandle_t xSemaphoreCreateRecursiveMutexStatic(StaticSemaphore_t *memory)
{
    kernel_require(memory != NULL, "a static mutex needs memory");
    return create_in(KIND_RECURSIVE_MUTEX, 1, 0, 1, memory, NULL);
}

SemaphoreHandle_t xSemaphoreCreateCountingStatic(UBaseType_t max, UBaseType_t initial, StaticSemaphore_t *memory)
{
    kernel_require(memory != NULL, "a static semaphore needs memory");
    return create_in(KIND_SEMAPHORE, max, 0, initial, memory, NULL);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks)
{
    kernel_require(semaphore != NULL, "take of a semaphore that is NULL");
    kernel_require(semaphore->item_size == 0, "take of a queue that has items: use xQueueReceive");
    kernel_enter();
    bool taken = wait_for(semaphore, true, ticks);
    if (taken) {
        semaphore->count--;
        if (is_mutex(semaphore))
            semaphore->holder = kernel_current_task();
    }
    kernel_leave();
    return taken ? pdTRUE : pdFALSE;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    kernel_require(semaphore != NULL, "give of a semaphore that is NULL");
    kernel_require(semaphore->item_size == 0, "give of a queue that has items: use xQueueSend");
    kernel_enter();
    bool given = semaphore->count < semaphore->length;
    if (given) {
        kernel_require(!is_mutex(semaphore) || semaphore->holder == kernel_current_task(),
                       "give of a mutex that another task holds");
        semaphore->holder = NULL;
        semaphore->count++;
        item_came(semaphore);
    }
    kernel_leave();
    return given ? pdTRUE : pdFALSE;
}

BaseType_t xSemaphoreTakeFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken)
{
    kernel_require(semaphore != NULL && !is_mutex(semaphore), "take of a mutex, or of NULL, in an interrupt");
    kernel_no_switch(woken);
    return xSemaphoreTake(semaphore, 0);
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken)
{
    kernel_require(semaphore != NULL && !is_mutex(semaphore), "give of a mutex, or of NULL, in an interrupt");
    kernel_no_switch(woken);
    return xSemaphoreGive(semaphore);
}

BaseType_t xSemaphoreTakeRecursive(SemaphoreHandle_t mutex, TickType_t ticks)
{
    kernel_require(mutex != NULL && mutex->kind == KIND_RECURSIVE_MUTEX, "take of what is no recursive mutex");
    kernel_enter();
    bool taken = mutex->holder == kernel_current_task();
    if (!taken && wait_for(mutex, true, ticks)) {
        taken = true;
        mutex->count--;
        mutex->holder = kernel_current_task();
    }
    if (taken)
        mutex->depth++;
    kernel_leave();
    return taken ? pdTRUE : pdFALSE;
}

BaseType_t xSemaphoreGiveRecursive(SemaphoreHandle_t mutex)
{
    kernel_require(mutex != NULL && mutex->kind == KIND_RECURSIVE_MUTEX, "give of what is no recursive mutex");
    kernel_enter();
    bool held = mutex->holder == kernel_current_task();
    if (held && --mutex->depth == 0) {
        mutex->holder = NULL;
        mutex->count++;
        kernel_wake(mutex->cond);
    }
    kernel_leave();
    return held ? pdTRUE : pdFALSE;
}

UBaseType_t uxSemaphoreGetCount(SemaphoreHandle_t semaphore)
{
    return uxQueueMessagesWaiting(semaphore);
}

TaskHandle_t xSemaphoreGetMutexHolder(SemaphoreHandle_t mutex)
{
    kernel_require(mutex != NULL, "holder of a mutex that is NULL");
    kernel_enter();
    TaskHandle_t holder = mutex->holder;
    kernel_leave();
    return holder;
}
