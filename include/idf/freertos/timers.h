/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Software timers. Callbacks run one after the other in the task "Tmr Svc", which starts with the first timer. A call
 * takes effect before it returns, so `ticks`, the time to wait for room in the queue of commands, is only used where
 * there is one: xTimerPendFunctionCall, whose queue holds configTIMER_QUEUE_LENGTH.
 */
#ifndef TIMERS_H
#define TIMERS_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/timers.h"
#endif
#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tmrTimerControl;
typedef struct tmrTimerControl *TimerHandle_t;
typedef void (*TimerCallbackFunction_t)(TimerHandle_t timer);
typedef void (*PendedFunction_t)(void *arg, uint32_t number);

/** Dormant until it is started. NULL when there is no memory; a period of 0 is a failed assertion. The name is kept. */
TimerHandle_t xTimerCreate(const char *const name, const TickType_t period, const BaseType_t auto_reload,
                           void *const id, TimerCallbackFunction_t callback);
TimerHandle_t xTimerCreateStatic(const char *const name, const TickType_t period, const BaseType_t auto_reload,
                                 void *const id, TimerCallbackFunction_t callback, StaticTimer_t *memory);

/** The first expiry is one period from now, also when it ran. pdPASS. */
BaseType_t xTimerStart(TimerHandle_t timer, TickType_t ticks);
BaseType_t xTimerReset(TimerHandle_t timer, TickType_t ticks);
/** A callback that runs at this moment goes on. */
BaseType_t xTimerStop(TimerHandle_t timer, TickType_t ticks);
/** Also starts a dormant one. */
BaseType_t xTimerChangePeriod(TimerHandle_t timer, TickType_t period, TickType_t ticks);
BaseType_t xTimerDelete(TimerHandle_t timer, TickType_t ticks);

/* As above; `woken` (may be NULL) becomes pdFALSE: no switch of tasks is due. */
BaseType_t xTimerStartFromISR(TimerHandle_t timer, BaseType_t *woken);
BaseType_t xTimerResetFromISR(TimerHandle_t timer, BaseType_t *woken);
BaseType_t xTimerStopFromISR(TimerHandle_t timer, BaseType_t *woken);
BaseType_t xTimerChangePeriodFromISR(TimerHandle_t timer, TickType_t period, BaseType_t *woken);

BaseType_t xTimerIsTimerActive(TimerHandle_t timer);
void *pvTimerGetTimerID(const TimerHandle_t timer);
void vTimerSetTimerID(TimerHandle_t timer, void *id);
const char *pcTimerGetName(TimerHandle_t timer);
TickType_t xTimerGetPeriod(TimerHandle_t timer);
/** The tick of the next expiry; without a meaning while it is dormant. */
TickType_t xTimerGetExpiryTime(TimerHandle_t timer);
void vTimerSetReloadMode(TimerHandle_t timer, const BaseType_t auto_reload);
UBaseType_t uxTimerGetReloadMode(TimerHandle_t timer);
/** NULL before the first timer. */
TaskHandle_t xTimerGetTimerDaemonTaskHandle(void);

/** Have `function` called in the task of the timers. pdFAIL when the queue stays full for `ticks`. */
BaseType_t xTimerPendFunctionCall(PendedFunction_t function, void *arg, uint32_t number, TickType_t ticks);
BaseType_t xTimerPendFunctionCallFromISR(PendedFunction_t function, void *arg, uint32_t number, BaseType_t *woken);

#ifdef __cplusplus
}
#endif
#endif /* TIMERS_H */
