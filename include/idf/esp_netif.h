/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Network interfaces: ESP-IDF's esp_netif.h. The network is the host's: an interface that is up has the addresses of the
 * host's default route, or those of the loopback. Nothing here changes the host: hostname and DNS servers are stored
 * only, and a fixed address, which ESP_ERR_NOT_SUPPORTED refuses, cannot be had.
 */
#ifndef ESP_NETIF_H
#define ESP_NETIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "esp_event.h"

#ifdef __cplusplus
extern "C" {
#endif

struct esp_netif_obj;
typedef struct esp_netif_obj esp_netif_t;

/* ---- addresses: IPv4 in network order ---------------------------------------------------------------------------- */

typedef struct {
    uint32_t addr;
} esp_ip4_addr_t;
typedef struct {
    uint32_t addr[4];
    uint8_t zone;
} esp_ip6_addr_t;
typedef struct {
    union {
        esp_ip6_addr_t ip6;
        esp_ip4_addr_t ip4;
    } u_addr;
    uint8_t type;
} esp_ip_addr_t;
typedef struct {
    esp_ip4_addr_t ip;
    esp_ip4_addr_t netmask;
    esp_ip4_addr_t gw;
} esp_netif_ip_info_t;
typedef struct {
    esp_ip6_addr_t ip;
} esp_netif_ip6_info_t;

#define ESP_IPADDR_TYPE_V4  0u
#define ESP_IPADDR_TYPE_V6  6u
#define ESP_IPADDR_TYPE_ANY 46u

#define esp_ip4_addr_get_byte(ipaddr, idx) (((const uint8_t *)(&(ipaddr)->addr))[idx])
#define esp_ip4_addr1_16(ipaddr)           ((uint16_t)esp_ip4_addr_get_byte(ipaddr, 0))
#define esp_ip4_addr2_16(ipaddr)           ((uint16_t)esp_ip4_addr_get_byte(ipaddr, 1))
#define esp_ip4_addr3_16(ipaddr)           ((uint16_t)esp_ip4_addr_get_byte(ipaddr, 2))
#define esp_ip4_addr4_16(ipaddr)           ((uint16_t)esp_ip4_addr_get_byte(ipaddr, 3))
#define IPSTR                              "%d.%d.%d.%d"
#define IP2STR(ipaddr)                                                                                                 \
    esp_ip4_addr1_16(ipaddr), esp_ip4_addr2_16(ipaddr), esp_ip4_addr3_16(ipaddr), esp_ip4_addr4_16(ipaddr)

/** Into `buf`, which is returned; NULL when it is too short. */
char *esp_ip4addr_ntoa(const esp_ip4_addr_t *addr, char *buf, int buflen);
/** 0 for what is no address. */
uint32_t esp_ip4addr_aton(const char *addr);
/** ESP_FAIL for what is no address; ESP_ERR_INVALID_ARG: NULL. */
esp_err_t esp_netif_str_to_ip4(const char *src, esp_ip4_addr_t *dst);

/* ---- events ------------------------------------------------------------------------------------------------------- */

ESP_EVENT_DECLARE_BASE(IP_EVENT);

typedef enum {
    IP_EVENT_STA_GOT_IP = 0,
    IP_EVENT_STA_LOST_IP,
    IP_EVENT_ASSIGNED_IP_TO_CLIENT,
    IP_EVENT_GOT_IP6,
    IP_EVENT_ETH_GOT_IP,
    IP_EVENT_ETH_LOST_IP,
    IP_EVENT_PPP_GOT_IP,
    IP_EVENT_PPP_LOST_IP,
    IP_EVENT_TX_RX,
    IP_EVENT_NETIF_UP,
    IP_EVENT_NETIF_DOWN,
    IP_EVENT_CUSTOM_GOT_IP,
    IP_EVENT_CUSTOM_LOST_IP,
} ip_event_t;
#define IP_EVENT_AP_STAIPASSIGNED IP_EVENT_ASSIGNED_IP_TO_CLIENT

typedef struct {
    esp_netif_t *esp_netif;
    esp_netif_ip_info_t ip_info;
    bool ip_changed;
} ip_event_got_ip_t;
typedef struct {
    esp_netif_t *esp_netif;
    esp_netif_ip6_info_t ip6_info;
    int ip_index;
} ip_event_got_ip6_t;

/* ---- interfaces --------------------------------------------------------------------------------------------------- */

typedef enum {
    ESP_NETIF_DNS_MAIN = 0,
    ESP_NETIF_DNS_BACKUP,
    ESP_NETIF_DNS_FALLBACK,
    ESP_NETIF_DNS_MAX,
} esp_netif_dns_type_t;
typedef struct {
    esp_ip_addr_t ip;
} esp_netif_dns_info_t;

typedef struct {
    const char *if_key;
    const char *if_desc;
    int route_prio;
} esp_netif_inherent_config_t;
typedef struct {
    const esp_netif_inherent_config_t *base;
} esp_netif_config_t;
typedef bool (*esp_netif_find_predicate_t)(esp_netif_t *netif, void *ctx);

/** As often as you like. */
esp_err_t esp_netif_init(void);
/** ESP_ERR_NOT_SUPPORTED, as in ESP-IDF. */
esp_err_t esp_netif_deinit(void);
/** NULL: no memory, no key, or one that is there already. The texts are kept. */
esp_netif_t *esp_netif_new(const esp_netif_config_t *esp_netif_config);
void esp_netif_destroy(esp_netif_t *esp_netif);

esp_netif_t *esp_netif_get_handle_from_ifkey(const char *if_key);
const char *esp_netif_get_ifkey(esp_netif_t *esp_netif);
const char *esp_netif_get_desc(esp_netif_t *esp_netif);
/** The host's name of its interface, at most 6 bytes with the NUL as in ESP-IDF. */
esp_err_t esp_netif_get_netif_impl_name(esp_netif_t *esp_netif, char *name);
/** NULL: the next call of get_default chooses by priority. */
esp_err_t esp_netif_set_default_netif(esp_netif_t *esp_netif);
/** What was set, else the interface of highest priority that is up, else NULL. */
esp_netif_t *esp_netif_get_default_netif(void);
bool esp_netif_is_netif_up(esp_netif_t *esp_netif);
/** NULL: the first one. */
esp_netif_t *esp_netif_next_unsafe(esp_netif_t *esp_netif);
esp_netif_t *esp_netif_find_if(esp_netif_find_predicate_t fn, void *ctx);
size_t esp_netif_get_nr_of_ifs(void);

/** All 0 while it is down. ESP_ERR_ESP_NETIF_INVALID_PARAMS: NULL. */
esp_err_t esp_netif_get_ip_info(esp_netif_t *esp_netif, esp_netif_ip_info_t *ip_info);
/** ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED while the client runs, then ESP_ERR_NOT_SUPPORTED. */
esp_err_t esp_netif_set_ip_info(esp_netif_t *esp_netif, const esp_netif_ip_info_t *ip_info);
/** ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED, or _STOPPED. The client runs from the beginning. */
esp_err_t esp_netif_dhcpc_start(esp_netif_t *esp_netif);
esp_err_t esp_netif_dhcpc_stop(esp_netif_t *esp_netif);
/** At most 32 bytes, else ESP_ERR_ESP_NETIF_INVALID_PARAMS; "espressif" unless set. */
esp_err_t esp_netif_set_hostname(esp_netif_t *esp_netif, const char *hostname);
esp_err_t esp_netif_get_hostname(esp_netif_t *esp_netif, const char **hostname);
esp_err_t esp_netif_get_mac(esp_netif_t *esp_netif, uint8_t mac[]);
esp_err_t esp_netif_set_dns_info(esp_netif_t *esp_netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns);
esp_err_t esp_netif_get_dns_info(esp_netif_t *esp_netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns);

/** Interface "WIFI_STA_DEF" for esp_wifi.h, before esp_wifi_init; with esp_netif_destroy_default_wifi its end. */
esp_netif_t *esp_netif_create_default_wifi_sta(void);
void esp_netif_destroy_default_wifi(void *esp_netif);

#ifdef __cplusplus
}
#endif
#endif /* ESP_NETIF_H */
