/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Microsecond timers: ESP-IDF's esp_timer.h. Callbacks run one after the other in the task "esp_timer", which starts with
 * the first timer. Codes: ESP_ERR_INVALID_ARG for NULL; ESP_ERR_INVALID_STATE for a start of one that runs, a stop or
 * restart of one that does not, a delete of one that runs.
 */
#ifndef ESP_TIMER_H
#define ESP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct esp_timer;
typedef struct esp_timer *esp_timer_handle_t;
typedef void (*esp_timer_cb_t)(void *arg);

typedef enum {
    ESP_TIMER_TASK,
    ESP_TIMER_MAX,
} esp_timer_dispatch_t;

typedef struct {
    esp_timer_cb_t callback;
    void *arg;
    esp_timer_dispatch_t dispatch_method;
    const char *name;
    bool skip_unhandled_events; /* a periodic timer that is late calls once, not once for each period missed */
} esp_timer_create_args_t;

/** Microseconds since the firmware started; never goes back. */
int64_t esp_timer_get_time(void);

/** ESP_ERR_NO_MEM. */
esp_err_t esp_timer_create(const esp_timer_create_args_t *create_args, esp_timer_handle_t *out_handle);
esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us);
/** Periods below 50 microseconds are 50. */
esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period_us);
/** A new time-out or period for one that runs, from now on. */
esp_err_t esp_timer_restart(esp_timer_handle_t timer, uint64_t timeout_us);
esp_err_t esp_timer_stop(esp_timer_handle_t timer);
/** Also from its own callback. */
esp_err_t esp_timer_delete(esp_timer_handle_t timer);
bool esp_timer_is_active(esp_timer_handle_t timer);
/** 0 for a one-shot. */
esp_err_t esp_timer_get_period(esp_timer_handle_t timer, uint64_t *period);
/** Of a one-shot; ESP_ERR_NOT_SUPPORTED for a periodic one. */
esp_err_t esp_timer_get_expiry_time(esp_timer_handle_t timer, uint64_t *expiry);
/** When the next callback is due; INT64_MAX without one. */
int64_t esp_timer_get_next_alarm(void);

#ifdef __cplusplus
}
#endif
#endif /* ESP_TIMER_H */
