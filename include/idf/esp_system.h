/* SPDX-License-Identifier: Apache-2.0 */
/* Restart and its reasons: ESP-IDF's esp_system.h. */
#ifndef ESP_SYSTEM_H
#define ESP_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_attr.h"
#include "esp_bit_defs.h"
#include "esp_err.h"
#include "esp_idf_version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_RST_UNKNOWN = 0,
    ESP_RST_POWERON = 1,
    ESP_RST_EXT = 2,
    ESP_RST_SW = 3,
    ESP_RST_PANIC = 4,
    ESP_RST_INT_WDT = 5,
    ESP_RST_TASK_WDT = 6,
    ESP_RST_WDT = 7,
    ESP_RST_DEEPSLEEP = 8,
    ESP_RST_BROWNOUT = 9,
    ESP_RST_SDIO = 10,
    ESP_RST_USB = 11,
    ESP_RST_JTAG = 12,
    ESP_RST_EFUSE = 13,
    ESP_RST_PWR_GLITCH = 14,
    ESP_RST_CPU_LOCKUP = 15,
} esp_reset_reason_t;

typedef void (*shutdown_handler_t)(void);

/** Called by esp_restart, the last one registered first. ESP_ERR_INVALID_STATE: is registered; ESP_ERR_NO_MEM. */
esp_err_t esp_register_shutdown_handler(shutdown_handler_t handle);
esp_err_t esp_unregister_shutdown_handler(shutdown_handler_t handle);

/** Run the shutdown handlers, write out standard output, pull the board's reset line. */
void esp_restart(void) __attribute__((noreturn));
esp_reset_reason_t esp_reset_reason(void);
/** Says `details` and panics. */
void esp_system_abort(const char *details) __attribute__((noreturn));

/* Believable constants, a chip's after start-up: the heap of a host says nothing about the chip's. The minimum is below
 * the others. */
uint32_t esp_get_free_heap_size(void);
uint32_t esp_get_free_internal_heap_size(void);
uint32_t esp_get_minimum_free_heap_size(void);

#ifdef __cplusplus
}
#endif
#endif /* ESP_SYSTEM_H */
