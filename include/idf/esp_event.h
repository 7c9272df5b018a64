/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Event loops, the default one and others: ESP-IDF's esp_event.h. Handlers run one after the other in one thread, "sys_evt", in the
 * order of posting. Every esp_* call is allowed in a handler.
 *
 * Codes: ESP_ERR_INVALID_STATE without a default loop; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM; ESP_ERR_TIMEOUT when the
 * queue stays full for `ticks_to_wait`. Unregistering what is not registered is ESP_OK.
 */
#ifndef ESP_EVENT_H
#define ESP_EVENT_H

#include "esp_err.h"
#include "esp_event_base.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A second call is ESP_ERR_INVALID_STATE. */
esp_err_t esp_event_loop_create_default(void);
/** Waits for a handler that is running, unless it is called from one; events still queued are dropped. */
esp_err_t esp_event_loop_delete_default(void);

/** The same base, id and handler again: only the argument is replaced. */
esp_err_t esp_event_handler_register(esp_event_base_t event_base, int32_t event_id, esp_event_handler_t event_handler,
                                     void *event_handler_arg);
/** When it returns, the handler is not running and will not be called (in a handler: will not be called again). */
esp_err_t esp_event_handler_unregister(esp_event_base_t event_base, int32_t event_id,
                                       esp_event_handler_t event_handler);
/** As register, but each call is an entry of its own. `instance` may be NULL. */
esp_err_t esp_event_handler_instance_register(esp_event_base_t event_base, int32_t event_id,
                                              esp_event_handler_t event_handler, void *event_handler_arg,
                                              esp_event_handler_instance_t *instance);
esp_err_t esp_event_handler_instance_unregister(esp_event_base_t event_base, int32_t event_id,
                                                esp_event_handler_instance_t instance);

/** Queue an event; the data is copied. From the loop's own thread it never waits. */
esp_err_t esp_event_post(esp_event_base_t event_base, int32_t event_id, const void *event_data, size_t event_data_size,
                         TickType_t ticks_to_wait);

/** Without a wait; a full queue is ESP_FAIL. `task_unblocked` (may be NULL) becomes pdFALSE. */
esp_err_t esp_event_isr_post(esp_event_base_t event_base, int32_t event_id, const void *event_data,
                             size_t event_data_size, BaseType_t *task_unblocked);

/* ---- loops of one's own: as above, for the loop that the handle names ---------------------------------------------- */

typedef void *esp_event_loop_handle_t;

typedef struct {
    int32_t queue_size;
    const char *task_name; /* NULL: no task; esp_event_loop_run hands out */
    UBaseType_t task_priority;
    uint32_t task_stack_size;
    BaseType_t task_core_id;
} esp_event_loop_args_t;

/** ESP_ERR_INVALID_ARG: NULL, or a queue without room; ESP_ERR_NO_MEM. */
esp_err_t esp_event_loop_create(const esp_event_loop_args_t *event_loop_args, esp_event_loop_handle_t *event_loop);
/** ESP_ERR_INVALID_STATE: deleted already. */
esp_err_t esp_event_loop_delete(esp_event_loop_handle_t event_loop);
/** Hand out for so long, in the calling task. ESP_ERR_INVALID_STATE: the loop has a task, or another task runs it. */
esp_err_t esp_event_loop_run(esp_event_loop_handle_t event_loop, TickType_t ticks_to_run);
esp_err_t esp_event_handler_register_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                          int32_t event_id, esp_event_handler_t event_handler, void *event_handler_arg);
esp_err_t esp_event_handler_unregister_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                            int32_t event_id, esp_event_handler_t event_handler);
esp_err_t esp_event_handler_instance_register_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                                   int32_t event_id, esp_event_handler_t event_handler,
                                                   void *event_handler_arg, esp_event_handler_instance_t *instance);
esp_err_t esp_event_handler_instance_unregister_with(esp_event_loop_handle_t event_loop, esp_event_base_t event_base,
                                                     int32_t event_id, esp_event_handler_instance_t instance);
esp_err_t esp_event_post_to(esp_event_loop_handle_t event_loop, esp_event_base_t event_base, int32_t event_id,
                            const void *event_data, size_t event_data_size, TickType_t ticks_to_wait);

#ifdef __cplusplus
}
#endif
#endif /* ESP_EVENT_H */
