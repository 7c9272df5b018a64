/* SPDX-License-Identifier: Apache-2.0 */
/**
 * FreeRTOS as applications use it: tasks, notifications, queues, semaphores, event groups, timers, stream and ring
 * buffers. Include this one first.
 *
 * A task is a thread of the operating system: priorities and cores are accepted and change nothing, a busy loop starves
 * nobody. A task that another one deletes ends at its next call that may wait. Ticks count from the start of the
 * firmware, at CONFIG_FREERTOS_HZ. There are no interrupts: the …FromISR functions are the ordinary ones without a wait. What is
 * declared works; what is missing does not compile.
 */
#ifndef INC_FREERTOS_H
#define INC_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOSConfig.h"
#include "freertos/portmacro.h"
#include "freertos/projdefs.h"

#define tskKERNEL_VERSION_NUMBER "V10.5.1"

/* Memory of an application for one object, in which it is made. Only for the …Static functions. */
typedef struct __attribute__((aligned(16))) {
    uint8_t reserved[256];
} StaticTask_t;
typedef StaticTask_t StaticQueue_t;
typedef StaticTask_t StaticSemaphore_t;
typedef StaticTask_t StaticEventGroup_t;
typedef StaticTask_t StaticTimer_t;
typedef StaticTask_t StaticStreamBuffer_t;
typedef StaticTask_t StaticMessageBuffer_t;

#include "freertos/idf_additions.h"

#endif /* INC_FREERTOS_H */
