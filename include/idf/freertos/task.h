/* SPDX-License-Identifier: Apache-2.0 */
/** Tasks and delays. Names, arguments and answers are those of FreeRTOS; stack sizes are bytes, as on the chips. */
#ifndef INC_TASK_H
#define INC_TASK_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/task.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct tskTaskControlBlock;
typedef struct tskTaskControlBlock *TaskHandle_t;

typedef enum { eRunning = 0, eReady, eBlocked, eSuspended, eDeleted, eInvalid } eTaskState;

#define tskIDLE_PRIORITY ((UBaseType_t)0)
#define tskNO_AFFINITY   ((BaseType_t)0x7FFFFFFF)

#define taskSCHEDULER_SUSPENDED   ((BaseType_t)0)
#define taskSCHEDULER_NOT_STARTED ((BaseType_t)1)
#define taskSCHEDULER_RUNNING     ((BaseType_t)2)

#define taskYIELD()             portYIELD()
#define taskENTER_CRITICAL(mux) portENTER_CRITICAL(mux)
#define taskEXIT_CRITICAL(mux)  portEXIT_CRITICAL(mux)

/** pdPASS, or errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY and no task; `out` (may be NULL) is set before the task runs. */
BaseType_t xTaskCreate(TaskFunction_t code, const char *const name, const configSTACK_DEPTH_TYPE stack_bytes,
                       void *const arg, UBaseType_t priority, TaskHandle_t *const out);
/** `core`: tskNO_AFFINITY or a core that the chip has; anything else is a failed assertion. */
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                   void *const arg, UBaseType_t priority, TaskHandle_t *const out,
                                   const BaseType_t core);
/** NULL: the calling task, and never returns. Another task ends at its next call that may wait. */
void vTaskDelete(TaskHandle_t task);

/** Wait for `ticks` tick boundaries; 0 yields. */
void vTaskDelay(const TickType_t ticks);
/** Wait until *previous + increment and store that there; pdFALSE, without a wait, when it has passed already. */
BaseType_t xTaskDelayUntil(TickType_t *const previous, const TickType_t increment);
#define vTaskDelayUntil(previous, increment) ((void)xTaskDelayUntil((previous), (increment)))

TickType_t xTaskGetTickCount(void);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
/** NULL: the calling task. A thread that is not a task has an empty name. */
char *pcTaskGetName(TaskHandle_t task);
/** The task with that name, NULL if there is none; of several any one. */
TaskHandle_t xTaskGetHandle(const char *name);
UBaseType_t uxTaskGetNumberOfTasks(void);
UBaseType_t uxTaskPriorityGet(const TaskHandle_t task);
void vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority);
/** Half of what the task was created with: the stack of a host thread says nothing about the chip's. */
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task);
/** eRunning: the calling task; eBlocked: in a call that waits; eReady: any other. */
eTaskState eTaskGetState(TaskHandle_t task);
BaseType_t xTaskGetSchedulerState(void);

#ifdef __cplusplus
}
#endif
#endif /* INC_TASK_H */
