/* SPDX-License-Identifier: Apache-2.0 */
/* The options of FreeRTOS that an application may read, from its sdkconfig.h where it has one. */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#if defined(__has_include)
#if __has_include("sdkconfig.h")
#include "sdkconfig.h"
#endif
#endif

#ifdef CONFIG_FREERTOS_HZ
#define configTICK_RATE_HZ CONFIG_FREERTOS_HZ
#else
#define configTICK_RATE_HZ 100
#endif

#define configMAX_PRIORITIES     25
#define configMAX_TASK_NAME_LEN  16 /* with its NUL; longer names are cut */
#define configMINIMAL_STACK_SIZE 1536
#define configSTACK_DEPTH_TYPE   uint32_t

#define configTIMER_TASK_PRIORITY 1
#define configTIMER_QUEUE_LENGTH  10
#ifdef CONFIG_FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES
#define configTASK_NOTIFICATION_ARRAY_ENTRIES CONFIG_FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES
#else
#define configTASK_NOTIFICATION_ARRAY_ENTRIES 1
#endif

#endif /* FREERTOS_CONFIG_H */
