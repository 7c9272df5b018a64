/* SPDX-License-Identifier: Apache-2.0 */
/* A part of esp_netif.h for those who include it by itself. */
#ifndef ESP_NETIF_TYPES_H
#define ESP_NETIF_TYPES_H

#include "esp_netif.h"

#endif /* ESP_NETIF_TYPES_H */
