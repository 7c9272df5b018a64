/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle is a mark in a client's configuration: the transport opens the system's store where it finds the mark. */
#include "esp_crt_bundle.h"

esp_err_t esp_crt_bundle_attach(void *conf)
{
    (void)conf;
    return ESP_OK;
}
