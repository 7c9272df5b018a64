/* SPDX-License-Identifier: Apache-2.0 */
/**
 * FreeRTOS as an OTA application uses it: tasks, delays, semaphores, queues, event groups. Include this one first.
 *
 * A task is a thread of the operating system: priorities and cores are accepted and change nothing, a busy loop starves
 * nobody. A task that another one deletes ends at its next call that may wait. Ticks count from the start of the
 * firmware, at CONFIG_FREERTOS_HZ. What is declared works; what is missing does not compile.
 */
#ifndef INC_FREERTOS_H
#define INC_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOSConfig.h"
#include "freertos/portmacro.h"
#include "freertos/projdefs.h"

#define tskKERNEL_VERSION_NUMBER "V10.5.1"

#endif /* INC_FREERTOS_H */
