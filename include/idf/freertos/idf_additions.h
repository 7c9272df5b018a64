/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP-IDF's additions to FreeRTOS: objects in memory of a kind that the caller names. A host has one kind of memory, so
 * these are the ordinary functions; include the header of the object itself for its types.
 */
#ifndef FREERTOS_IDF_ADDITIONS_H
#define FREERTOS_IDF_ADDITIONS_H

#define xTaskCreateWithCaps(code, name, stack_bytes, arg, priority, out, caps)                                         \
    ((void)(caps), xTaskCreate((code), (name), (stack_bytes), (arg), (priority), (out)))
#define xTaskCreatePinnedToCoreWithCaps(code, name, stack_bytes, arg, priority, out, core, caps)                       \
    ((void)(caps), xTaskCreatePinnedToCore((code), (name), (stack_bytes), (arg), (priority), (out), (core)))
#define vTaskDeleteWithCaps(task) vTaskDelete(task)

#define xQueueCreateWithCaps(length, item_size, caps) ((void)(caps), xQueueCreate((length), (item_size)))
#define vQueueDeleteWithCaps(queue)                   vQueueDelete(queue)

#define xSemaphoreCreateBinaryWithCaps(caps)                 ((void)(caps), xSemaphoreCreateBinary())
#define xSemaphoreCreateCountingWithCaps(max, initial, caps) ((void)(caps), xSemaphoreCreateCounting((max), (initial)))
#define xSemaphoreCreateMutexWithCaps(caps)                  ((void)(caps), xSemaphoreCreateMutex())
#define xSemaphoreCreateRecursiveMutexWithCaps(caps)         ((void)(caps), xSemaphoreCreateRecursiveMutex())
#define vSemaphoreDeleteWithCaps(semaphore)                  vSemaphoreDelete(semaphore)

#define xEventGroupCreateWithCaps(caps)  ((void)(caps), xEventGroupCreate())
#define vEventGroupDeleteWithCaps(group) vEventGroupDelete(group)

#define xStreamBufferCreateWithCaps(size, trigger, caps) ((void)(caps), xStreamBufferCreate((size), (trigger)))
#define vStreamBufferDeleteWithCaps(buffer)              vStreamBufferDelete(buffer)
#define xMessageBufferCreateWithCaps(size, caps)         ((void)(caps), xMessageBufferCreate(size))
#define vMessageBufferDeleteWithCaps(buffer)             vMessageBufferDelete(buffer)

#endif /* FREERTOS_IDF_ADDITIONS_H */
