/* SPDX-License-Identifier: Apache-2.0 */
/** One line that says who runs, from where, and after what. */
#ifndef EXAMPLE_IDENTITY_H
#define EXAMPLE_IDENTITY_H

#include "esp_app_desc.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_system.h"

static inline const char *example_reset_name(esp_reset_reason_t reason)
{
    switch (reason) {
    case ESP_RST_POWERON:
        return "power-on";
    case ESP_RST_SW:
        return "software";
    case ESP_RST_PANIC:
        return "panic";
    case ESP_RST_TASK_WDT:
    case ESP_RST_INT_WDT:
    case ESP_RST_WDT:
        return "watchdog";
    default:
        return "other";
    }
}

static inline void example_print_identity(const char *tag)
{
    const esp_app_desc_t *app = esp_app_get_description();
    ESP_LOGI(tag, "%.32s version %.32s in %s, after a reset (%s)", app->project_name, app->version,
             esp_ota_get_running_partition()->label, example_reset_name(esp_reset_reason()));
}

#endif /* EXAMPLE_IDENTITY_H */
