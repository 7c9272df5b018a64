/* SPDX-License-Identifier: Apache-2.0 */
/* A part of esp_wifi.h for those who include it by itself. */
#ifndef ESP_WIFI_TYPES_H
#define ESP_WIFI_TYPES_H

#include "esp_wifi.h"

#endif /* ESP_WIFI_TYPES_H */
