/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The task watchdog: ESP-IDF's esp_task_wdt.h. It runs from the start (CONFIG_ESP_TASK_WDT_TIMEOUT_S, 5 s, without a
 * panic, unless reconfigured): who is added and does not reset in time is named in a log line, or, with trigger_panic,
 * resets the board with ESP_RST_TASK_WDT. Idle tasks do not exist on a host; their mask is accepted.
 *
 * Codes: ESP_ERR_INVALID_STATE before init, and for init and deinit out of turn; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND
 * for a task or user that was not added; ESP_ERR_NO_MEM.
 */
#ifndef ESP_TASK_WDT_H
#define ESP_TASK_WDT_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t timeout_ms;
    uint32_t idle_core_mask;
    bool trigger_panic;
} esp_task_wdt_config_t;

struct esp_task_wdt_user_handle_s;
typedef struct esp_task_wdt_user_handle_s *esp_task_wdt_user_handle_t;

/** ESP_ERR_INVALID_STATE: it runs already; reconfigure it. */
esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config);
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config);
/** ESP_ERR_INVALID_STATE while somebody is added. */
esp_err_t esp_task_wdt_deinit(void);
/** NULL: the calling task. */
esp_err_t esp_task_wdt_add(TaskHandle_t task_handle);
esp_err_t esp_task_wdt_delete(TaskHandle_t task_handle);
esp_err_t esp_task_wdt_status(TaskHandle_t task_handle);
/** For the calling task. */
esp_err_t esp_task_wdt_reset(void);
/** Something that is no task; the name is kept. */
esp_err_t esp_task_wdt_add_user(const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret);
esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle);
esp_err_t esp_task_wdt_delete_user(esp_task_wdt_user_handle_t user_handle);

#ifdef __cplusplus
}
#endif
#endif /* ESP_TASK_WDT_H */
