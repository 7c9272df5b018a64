/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of the chips' port, 32 bits wide also where `long` has 64, so that tick wrap-around and portMAX_DELAY
 * behave as on the device; and critical sections, which all share one recursive lock of the process.
 */
#ifndef PORTMACRO_H
#define PORTMACRO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
typedef uint8_t StackType_t;

#define portMAX_DELAY      ((TickType_t)0xffffffffUL)
#define portTICK_PERIOD_MS ((TickType_t)1000 / configTICK_RATE_HZ)

#ifdef CONFIG_FREERTOS_NUMBER_OF_CORES
#define portNUM_PROCESSORS CONFIG_FREERTOS_NUMBER_OF_CORES
#else
#define portNUM_PROCESSORS 1
#endif

/** A name for a critical section; which one is entered makes no difference here. */
typedef struct {
    uint32_t owner;
    uint32_t count;
} portMUX_TYPE;

#define portMUX_INITIALIZER_UNLOCKED                                                                                   \
    {                                                                                                                  \
        0, 0                                                                                                           \
    }
#define portMUX_INITIALIZE(mux) ((mux)->owner = 0, (mux)->count = 0)

void vPortEnterCritical(portMUX_TYPE *mux);
void vPortExitCritical(portMUX_TYPE *mux);
#define portENTER_CRITICAL(mux)      vPortEnterCritical(mux)
#define portEXIT_CRITICAL(mux)       vPortExitCritical(mux)
#define portENTER_CRITICAL_ISR(mux)  vPortEnterCritical(mux)
#define portEXIT_CRITICAL_ISR(mux)   vPortExitCritical(mux)
#define portENTER_CRITICAL_SAFE(mux) vPortEnterCritical(mux)
#define portEXIT_CRITICAL_SAFE(mux)  vPortExitCritical(mux)

/** Let another task run; also where a deleted task ends. */
void vPortYield(void);
#define portYIELD() vPortYield()
/** At the end of what would be an interrupt: takes an argument or none, and has nothing to do. */
#define portYIELD_FROM_ISR(...) ((void)0)

/** Always 0: priorities and cores are not modelled. */
BaseType_t xPortGetCoreID(void);
/** Always pdFALSE: there are no interrupts. */
BaseType_t xPortInIsrContext(void);

#ifdef __cplusplus
}
#endif
#endif /* PORTMACRO_H */
