/* SPDX-License-Identifier: Apache-2.0 */
/* One interface, up with the host's addresses. */
#include "protocol_examples_common.h"

#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "netif.h"

static const char tag[] = "example_common";
static esp_netif_t *example;

esp_err_t example_connect(void)
{
    static const esp_netif_inherent_config_t base = { .if_key = "EXAMPLE_DEF",
                                                      .if_desc = EXAMPLE_NETIF_DESC_STA,
                                                      .route_prio = 128 };
    const esp_netif_config_t config = { &base };
    esp_netif_ip_info_t ip;
    if (example)
        return ESP_ERR_INVALID_STATE;
    example = esp_netif_new(&config);
    if (!example)
        return ESP_ERR_NO_MEM;
    netif_bring_up(example, IP_EVENT_STA_GOT_IP);
    esp_netif_get_ip_info(example, &ip);
    ESP_LOGI(tag, "Connected to %s", EXAMPLE_NETIF_DESC_STA);
    ESP_LOGI(tag, "- IPv4 address: " IPSTR ",", IP2STR(&ip.ip));
    return ESP_OK;
}

esp_err_t example_disconnect(void)
{
    if (!example)
        return ESP_ERR_INVALID_STATE;
    netif_take_down(example);
    esp_netif_destroy(example);
    example = NULL;
    return ESP_OK;
}

esp_err_t example_configure_stdin_stdout(void)
{
    setvbuf(stdin, NULL, _IOLBF, 0);
    return ESP_OK;
}

esp_netif_t *get_example_netif(void)
{
    return example;
}

esp_netif_t *get_example_netif_from_desc(const char *desc)
{
    static const char *const names[] = { EXAMPLE_NETIF_DESC_STA, EXAMPLE_NETIF_DESC_ETH, EXAMPLE_NETIF_DESC_THREAD };
    for (size_t i = 0; desc && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(desc, names[i]) == 0)
            return example;
    return NULL;
}
