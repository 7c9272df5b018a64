/* SPDX-License-Identifier: Apache-2.0 */
/** What esp_netif.c offers to those who bring interfaces up. */
#ifndef COMPAT_NETWORK_NETIF_H
#define COMPAT_NETWORK_NETIF_H

#include "esp_netif.h"

/** Up with the host's addresses, and `event` (of IP_EVENT) is posted; or down, without an event. */
void netif_bring_up(esp_netif_t *netif, int32_t event);
void netif_take_down(esp_netif_t *netif);

#endif /* COMPAT_NETWORK_NETIF_H */
