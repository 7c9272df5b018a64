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
typedef enum {
    eNoAction = 0,
    eSetBits,
    eIncrement,
    eSetValueWithOverwrite,
    eSetValueWithoutOverwrite,
} eNotifyAction;

#define tskIDLE_PRIORITY ((UBaseType_t)0)
#define tskNO_AFFINITY   ((BaseType_t)0x7FFFFFFF)

#define taskSCHEDULER_SUSPENDED   ((BaseType_t)0)
#define taskSCHEDULER_NOT_STARTED ((BaseType_t)1)
#define taskSCHEDULER_RUNNING     ((BaseType_t)2)

#define taskYIELD()                 portYIELD()
#define taskENTER_CRITICAL(mux)     portENTER_CRITICAL(mux)
#define taskEXIT_CRITICAL(mux)      portEXIT_CRITICAL(mux)
#define taskENTER_CRITICAL_ISR(mux) portENTER_CRITICAL(mux)
#define taskEXIT_CRITICAL_ISR(mux)  portEXIT_CRITICAL(mux)

/** pdPASS, or errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY and no task; `out` (may be NULL) is set before the task runs. */
BaseType_t xTaskCreate(TaskFunction_t code, const char *const name, const configSTACK_DEPTH_TYPE stack_bytes,
                       void *const arg, UBaseType_t priority, TaskHandle_t *const out);
/** `core`: tskNO_AFFINITY or a core that the chip has; anything else is a failed assertion. */
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                   void *const arg, UBaseType_t priority, TaskHandle_t *const out,
                                   const BaseType_t core);
/**
 * As above, for an application that brings the memory. Stack and control block (neither may be NULL) stay untouched: a
 * host thread has its own. NULL only when the system has no thread left.
 */
TaskHandle_t xTaskCreateStatic(TaskFunction_t code, const char *const name, const uint32_t stack_bytes, void *const arg,
                               UBaseType_t priority, StackType_t *const stack, StaticTask_t *const block);
TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t code, const char *const name, const uint32_t stack_bytes,
                                           void *const arg, UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const block, const BaseType_t core);
/** NULL: the calling task, and never returns. Another task ends at its next call that may wait. */
void vTaskDelete(TaskHandle_t task);

/** Wait for `ticks` tick boundaries; 0 yields. */
void vTaskDelay(const TickType_t ticks);
/** Wait until *previous + increment and store that there; pdFALSE, without a wait, when it has passed already. */
BaseType_t xTaskDelayUntil(TickType_t *const previous, const TickType_t increment);
#define vTaskDelayUntil(previous, increment) ((void)xTaskDelayUntil((previous), (increment)))

TickType_t xTaskGetTickCount(void);
#define xTaskGetTickCountFromISR() xTaskGetTickCount()

/** The task stops at its next call of FreeRTOS (NULL: the calling task, here) until vTaskResume. Does not nest. */
void vTaskSuspend(TaskHandle_t task);
void vTaskResume(TaskHandle_t task);
/** pdFALSE: no switch of tasks is due. */
BaseType_t xTaskResumeFromISR(TaskHandle_t task);
/** Keep other tasks out of critical sections and of further calls of this. Nests; threads of a host run on. */
void vTaskSuspendAll(void);
/** pdFALSE: no switch of tasks took place. */
BaseType_t xTaskResumeAll(void);
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
/** A line for each task: name, state (X running, R, B, S), priority, stack left in bytes, number, core. 55 bytes each. */
void vTaskList(char *buffer);
/** The core that a task was pinned to, or tskNO_AFFINITY. */
BaseType_t xTaskGetCoreID(TaskHandle_t task);
#define xTaskGetAffinity(task) xTaskGetCoreID(task)

/* ---- notifications: each task has values of 32 bits, `index` below configTASK_NOTIFICATION_ARRAY_ENTRIES --------- */

#define tskDEFAULT_INDEX_TO_NOTIFY ((UBaseType_t)0)

/** pdPASS; pdFAIL only for eSetValueWithoutOverwrite when one is pending. `previous` (may be NULL): the value before. */
BaseType_t xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value, eNotifyAction action,
                              uint32_t *previous);
/** `woken` (may be NULL) becomes pdFALSE: no switch of tasks is due. */
BaseType_t xTaskGenericNotifyFromISR(TaskHandle_t task, UBaseType_t index, uint32_t value, eNotifyAction action,
                                     uint32_t *previous, BaseType_t *woken);
/** Wait until the value is not 0; it is then cleared or, for pdFALSE, lowered by one. The value before that, or 0. */
uint32_t ulTaskGenericNotifyTake(UBaseType_t index, BaseType_t clear_on_exit, TickType_t ticks);
/** Wait for a notification. pdTRUE or, after the time, pdFALSE; `value` (may be NULL) is set in both cases. */
BaseType_t xTaskGenericNotifyWait(UBaseType_t index, uint32_t clear_on_entry, uint32_t clear_on_exit, uint32_t *value,
                                  TickType_t ticks);
/** Forget that one is pending; pdPASS when one was. NULL: the calling task. */
BaseType_t xTaskGenericNotifyStateClear(TaskHandle_t task, UBaseType_t index);
/** Clear bits of the value; the value before. NULL: the calling task. */
uint32_t ulTaskGenericNotifyValueClear(TaskHandle_t task, UBaseType_t index, uint32_t bits);

#define xTaskNotifyIndexed(task, index, value, action) xTaskGenericNotify((task), (index), (value), (action), NULL)
#define xTaskNotify(task, value, action)               xTaskNotifyIndexed((task), tskDEFAULT_INDEX_TO_NOTIFY, (value), (action))
#define xTaskNotifyAndQueryIndexed(task, index, value, action, previous)                                               \
    xTaskGenericNotify((task), (index), (value), (action), (previous))
#define xTaskNotifyAndQuery(task, value, action, previous)                                                             \
    xTaskGenericNotify((task), tskDEFAULT_INDEX_TO_NOTIFY, (value), (action), (previous))
#define xTaskNotifyGiveIndexed(task, index) xTaskGenericNotify((task), (index), 0, eIncrement, NULL)
#define xTaskNotifyGive(task)               xTaskNotifyGiveIndexed((task), tskDEFAULT_INDEX_TO_NOTIFY)
#define xTaskNotifyIndexedFromISR(task, index, value, action, woken)                                                   \
    xTaskGenericNotifyFromISR((task), (index), (value), (action), NULL, (woken))
#define xTaskNotifyFromISR(task, value, action, woken)                                                                 \
    xTaskNotifyIndexedFromISR((task), tskDEFAULT_INDEX_TO_NOTIFY, (value), (action), (woken))
#define xTaskNotifyAndQueryFromISR(task, value, action, previous, woken)                                               \
    xTaskGenericNotifyFromISR((task), tskDEFAULT_INDEX_TO_NOTIFY, (value), (action), (previous), (woken))
#define vTaskNotifyGiveIndexedFromISR(task, index, woken)                                                              \
    ((void)xTaskGenericNotifyFromISR((task), (index), 0, eIncrement, NULL, (woken)))
#define vTaskNotifyGiveFromISR(task, woken)                  vTaskNotifyGiveIndexedFromISR((task), tskDEFAULT_INDEX_TO_NOTIFY, (woken))
#define ulTaskNotifyTakeIndexed(index, clear_on_exit, ticks) ulTaskGenericNotifyTake((index), (clear_on_exit), (ticks))
#define ulTaskNotifyTake(clear_on_exit, ticks)                                                                         \
    ulTaskGenericNotifyTake(tskDEFAULT_INDEX_TO_NOTIFY, (clear_on_exit), (ticks))
#define xTaskNotifyWaitIndexed(index, clear_on_entry, clear_on_exit, value, ticks)                                     \
    xTaskGenericNotifyWait((index), (clear_on_entry), (clear_on_exit), (value), (ticks))
#define xTaskNotifyWait(clear_on_entry, clear_on_exit, value, ticks)                                                   \
    xTaskGenericNotifyWait(tskDEFAULT_INDEX_TO_NOTIFY, (clear_on_entry), (clear_on_exit), (value), (ticks))
#define xTaskNotifyStateClearIndexed(task, index)        xTaskGenericNotifyStateClear((task), (index))
#define xTaskNotifyStateClear(task)                      xTaskGenericNotifyStateClear((task), tskDEFAULT_INDEX_TO_NOTIFY)
#define ulTaskNotifyValueClearIndexed(task, index, bits) ulTaskGenericNotifyValueClear((task), (index), (bits))
#define ulTaskNotifyValueClear(task, bits)               ulTaskGenericNotifyValueClear((task), tskDEFAULT_INDEX_TO_NOTIFY, (bits))

#ifdef __cplusplus
}
#endif
#endif /* INC_TASK_H */
