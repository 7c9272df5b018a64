/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What examples of ESP-IDF use to get onto the network: their component protocol_examples_common. On a virtual board the
 * network is the host's, so connecting succeeds at once: IP_EVENT_STA_GOT_IP is posted (if there is a default event loop)
 * and "IPv4 address: a.b.c.d" is logged, which test suites wait for.
 */
#ifndef PROTOCOL_EXAMPLES_COMMON_H
#define PROTOCOL_EXAMPLES_COMMON_H

#include "esp_err.h"
#include "esp_netif.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EXAMPLE_NETIF_DESC_STA    "example_netif_sta"
#define EXAMPLE_NETIF_DESC_ETH    "example_netif_eth"
#define EXAMPLE_NETIF_DESC_THREAD "example_netif_thread"

#define EXAMPLE_INTERFACE get_example_netif()

/** ESP_ERR_INVALID_STATE when it is connected; ESP_ERR_NO_MEM. */
esp_err_t example_connect(void);
/** ESP_ERR_INVALID_STATE when it is not connected. */
esp_err_t example_disconnect(void);
/** Standard input and output are lines already. */
esp_err_t example_configure_stdin_stdout(void);
/** The connected interface, by any of the descriptions above; NULL when there is none. */
esp_netif_t *get_example_netif_from_desc(const char *desc);
esp_netif_t *get_example_netif(void);

#ifdef __cplusplus
}
#endif
#endif /* PROTOCOL_EXAMPLES_COMMON_H */
