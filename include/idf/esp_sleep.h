/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sleep: ESP-IDF's esp_sleep.h. Deep sleep is a reset: the firmware ends, the supervisor waits for the time of the
 * timer, and the board boots again with ESP_RST_DEEPSLEEP, through the boot loader and its rollback. Shutdown handlers do
 * not run. Variables with RTC_DATA_ATTR are kept (esp_attr.h). Light sleep waits and goes on.
 *
 * The timer is the one source of a board; the calls for other ones do not exist. A deep sleep without it ends
 * `updraft board run` with an error that says so.
 */
#ifndef ESP_SLEEP_H
#define ESP_SLEEP_H

#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_SLEEP_WAKEUP_UNDEFINED = 0,
    ESP_SLEEP_WAKEUP_ALL = 1,
    ESP_SLEEP_WAKEUP_EXT0 = 2,
    ESP_SLEEP_WAKEUP_EXT1 = 3,
    ESP_SLEEP_WAKEUP_TIMER = 4,
    ESP_SLEEP_WAKEUP_TOUCHPAD = 5,
    ESP_SLEEP_WAKEUP_ULP = 6,
    ESP_SLEEP_WAKEUP_GPIO = 7,
    ESP_SLEEP_WAKEUP_UART = 8,
    ESP_SLEEP_WAKEUP_UART0 = ESP_SLEEP_WAKEUP_UART,
    ESP_SLEEP_WAKEUP_UART1 = 9,
} esp_sleep_source_t;
typedef esp_sleep_source_t esp_sleep_wakeup_cause_t;
typedef void (*esp_deep_sleep_cb_t)(void);

#define ESP_ERR_SLEEP_REJECT                   ESP_ERR_INVALID_STATE
#define ESP_ERR_SLEEP_TOO_SHORT_SLEEP_DURATION ESP_ERR_INVALID_ARG

/** ESP_ERR_INVALID_ARG: longer than the counter of a chip reaches, 2^48 microseconds. */
esp_err_t esp_sleep_enable_timer_wakeup(uint64_t time_in_us);
/** ESP_ERR_INVALID_STATE: that source is not enabled. */
esp_err_t esp_sleep_disable_wakeup_source(esp_sleep_source_t source);
/** ESP_SLEEP_WAKEUP_TIMER after a deep or light sleep, else UNDEFINED. */
esp_sleep_wakeup_cause_t esp_sleep_get_wakeup_cause(void);
/** The same as a mask of 1 << source. */
uint32_t esp_sleep_get_wakeup_causes(void);

void esp_deep_sleep_start(void) __attribute__((noreturn));
void esp_deep_sleep(uint64_t time_in_us) __attribute__((noreturn));
/** As above; they return only with an error. */
esp_err_t esp_deep_sleep_try_to_start(void);
esp_err_t esp_deep_sleep_try(uint64_t time_in_us);
/** Waits for the timer; ESP_ERR_INVALID_STATE without a source, where a chip would sleep for ever. */
esp_err_t esp_light_sleep_start(void);

/** Called before a deep sleep, in the order of registration. ESP_ERR_NO_MEM: three are registered; twice is ESP_OK. */
esp_err_t esp_deep_sleep_register_hook(esp_deep_sleep_cb_t new_dslp_cb);
void esp_deep_sleep_deregister_hook(esp_deep_sleep_cb_t old_dslp_cb);

#ifdef __cplusplus
}
#endif
#endif /* ESP_SLEEP_H */
