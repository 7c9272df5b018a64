/* SPDX-License-Identifier: Apache-2.0 */
/* The words of FreeRTOS for true, passed and failed, and the two conversions between milliseconds and ticks. */
#ifndef PROJDEFS_H
#define PROJDEFS_H

typedef void (*TaskFunction_t)(void *);

#define pdFALSE        ((BaseType_t)0)
#define pdTRUE         ((BaseType_t)1)
#define pdFAIL         (pdFALSE)
#define pdPASS         (pdTRUE)
#define errQUEUE_EMPTY ((BaseType_t)0)
#define errQUEUE_FULL  ((BaseType_t)0)

#define errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY (-1)

/* In TickType_t, as on the chips: truncates, and overflows above 2^32 / HZ milliseconds. */
#define pdMS_TO_TICKS(ms)    ((TickType_t)(((TickType_t)(ms) * (TickType_t)configTICK_RATE_HZ) / (TickType_t)1000U))
#define pdTICKS_TO_MS(ticks) ((TickType_t)(((TickType_t)(ticks) * (TickType_t)1000U) / (TickType_t)configTICK_RATE_HZ))

#endif /* PROJDEFS_H */
