/* SPDX-License-Identifier: Apache-2.0 */
/* ESP-IDF's defaults of the options that this library reads. */
#include "updraft/idf.h"

const struct ud_app_config ud_app_config_defaults = {
    .https_ota_post_timeout_ms = 2000,
    .https_ota_verify_spi_mode = true,
    .http_client_post_timeout_ms = 2000,
    .err_to_name_lookup = true,
    .partition_table_md5 = true,
    .log_default_level = 3, /* ESP_LOG_INFO */
    .log_colors = 1,
    .freertos_hz = 100,
    .event_queue_size = 32,
    .main_task_stack = 3584,
};
