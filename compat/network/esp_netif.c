/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces are entries of a list, under the kernel's lock; their addresses are the host's. */
#include "netif.h"

#include <stdio.h>
#include <string.h>

#include "esp_mac.h"
#include "kernel.h"

ESP_EVENT_DEFINE_BASE(IP_EVENT);

#define HOSTNAME_MAX 32u
#define IMPL_NAME    6u

struct esp_netif_obj {
    struct ud_alloc alloc;
    struct esp_netif_obj *next;
    esp_netif_inherent_config_t base;
    bool up;
    bool dhcp_stopped;
    struct ud_network host; /* while it is up */
    char hostname[HOSTNAME_MAX + 1];
    esp_netif_dns_info_t dns[ESP_NETIF_DNS_MAX];
};

static struct {
    esp_netif_t *first;
    esp_netif_t *chosen;
} all;

/* ---- addresses ---- */

static uint32_t address(const uint8_t bytes[4])
{
    uint32_t addr;
    memcpy(&addr, bytes, sizeof addr);
    return addr;
}

char *esp_ip4addr_ntoa(const esp_ip4_addr_t *addr, char *buf, int buflen)
{
    int n = buflen > 0 ? snprintf(buf, (size_t)buflen, IPSTR, IP2STR(addr)) : buflen;
    return n >= 0 && n < buflen ? buf : NULL;
}

/* Four decimal numbers below 256. */
static bool parse(const char *text, uint8_t bytes[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
            value = value * 10 + (unsigned)(*text - '0');
        if (digits == 0 || value > 255 || *text != (i < 3 ? '.' : '\0'))
            return false;
        text++;
        bytes[i] = (uint8_t)value;
    }
    return true;
}

uint32_t esp_ip4addr_aton(const char *addr)
{
    uint8_t bytes[4];
    return addr && parse(addr, bytes) ? address(bytes) : 0;
}

esp_err_t esp_netif_str_to_ip4(const char *src, esp_ip4_addr_t *dst)
{
    uint8_t bytes[4];
    if (!src || !dst)
        return ESP_ERR_INVALID_ARG;
    if (!parse(src, bytes))
        return ESP_FAIL;
    dst->addr = address(bytes);
    return ESP_OK;
}

/* ---- interfaces ---- */

esp_err_t esp_netif_init(void)
{
    return ESP_OK;
}

esp_err_t esp_netif_deinit(void)
{
    return ESP_ERR_NOT_SUPPORTED;
}

esp_netif_t *esp_netif_new(const esp_netif_config_t *esp_netif_config)
{
    struct ud_alloc alloc;
    const esp_netif_inherent_config_t *base = esp_netif_config ? esp_netif_config->base : NULL;
    if (!base || !base->if_key || esp_netif_get_handle_from_ifkey(base->if_key))
        return NULL;
    esp_netif_t *n = kernel_alloc(sizeof *n, &alloc);
    if (!n)
        return NULL;
    n->alloc = alloc;
    n->base = *base;
    ud_strcopy(n->hostname, sizeof n->hostname, "espressif", HOSTNAME_MAX);
    kernel_enter();
    esp_netif_t **at = &all.first;
    while (*at)
        at = &(*at)->next;
    *at = n;
    kernel_leave();
    return n;
}

void esp_netif_destroy(esp_netif_t *esp_netif)
{
    if (!esp_netif)
        return;
    kernel_enter();
    esp_netif_t **at = &all.first;
    while (*at && *at != esp_netif)
        at = &(*at)->next;
    bool listed = *at != NULL;
    if (listed)
        *at = esp_netif->next;
    if (all.chosen == esp_netif)
        all.chosen = NULL;
    kernel_leave();
    if (listed) {
        struct ud_alloc alloc = esp_netif->alloc;
        ud_alloc_put(&alloc, esp_netif);
    }
}

void netif_bring_up(esp_netif_t *netif, int32_t event)
{
    const struct ud_idf_env *env = ud_idf_env();
    ip_event_got_ip_t got = { .esp_netif = netif, .ip_changed = true };
    struct ud_network host = { .name = "lo", .ip = { 127, 0, 0, 1 }, .netmask = { 255, 0, 0, 0 } };
    if (env && env->network)
        env->network(&host);
    kernel_enter();
    netif->host = host;
    netif->up = true;
    kernel_leave();
    esp_netif_get_ip_info(netif, &got.ip_info);
    esp_event_post(IP_EVENT, event, &got, sizeof got, portMAX_DELAY);
}

void netif_take_down(esp_netif_t *netif)
{
    kernel_enter();
    netif->up = false;
    kernel_leave();
}

esp_netif_t *esp_netif_next_unsafe(esp_netif_t *esp_netif)
{
    kernel_enter();
    esp_netif_t *next = esp_netif ? esp_netif->next : all.first;
    kernel_leave();
    return next;
}

esp_netif_t *esp_netif_find_if(esp_netif_find_predicate_t fn, void *ctx)
{
    esp_netif_t *n = NULL;
    while ((n = esp_netif_next_unsafe(n)))
        if (fn(n, ctx))
            return n;
    return NULL;
}

size_t esp_netif_get_nr_of_ifs(void)
{
    size_t count = 0;
    for (esp_netif_t *n = NULL; (n = esp_netif_next_unsafe(n));)
        count++;
    return count;
}

static bool has_key(esp_netif_t *netif, void *ctx)
{
    return strcmp(netif->base.if_key, ctx) == 0;
}

esp_netif_t *esp_netif_get_handle_from_ifkey(const char *if_key)
{
    char key[32];
    if (!if_key)
        return NULL;
    snprintf(key, sizeof key, "%s", if_key);
    return esp_netif_find_if(has_key, key);
}

const char *esp_netif_get_ifkey(esp_netif_t *esp_netif)
{
    return esp_netif ? esp_netif->base.if_key : NULL;
}

const char *esp_netif_get_desc(esp_netif_t *esp_netif)
{
    return esp_netif ? esp_netif->base.if_desc : NULL;
}

esp_err_t esp_netif_get_netif_impl_name(esp_netif_t *esp_netif, char *name)
{
    if (!esp_netif || !name)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    ud_strcopy(name, IMPL_NAME, esp_netif->host.name, sizeof esp_netif->host.name);
    return ESP_OK;
}

esp_err_t esp_netif_set_default_netif(esp_netif_t *esp_netif)
{
    kernel_enter();
    all.chosen = esp_netif;
    kernel_leave();
    return ESP_OK;
}

esp_netif_t *esp_netif_get_default_netif(void)
{
    kernel_enter();
    esp_netif_t *best = all.chosen;
    for (esp_netif_t *n = all.chosen ? NULL : all.first; n; n = n->next)
        if (n->up && (!best || n->base.route_prio > best->base.route_prio))
            best = n;
    kernel_leave();
    return best;
}

bool esp_netif_is_netif_up(esp_netif_t *esp_netif)
{
    if (!esp_netif)
        return false;
    kernel_enter();
    bool up = esp_netif->up;
    kernel_leave();
    return up;
}

/* ---- settings ---- */

esp_err_t esp_netif_get_ip_info(esp_netif_t *esp_netif, esp_netif_ip_info_t *ip_info)
{
    if (!esp_netif || !ip_info)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    kernel_enter();
    const struct ud_network *host = &esp_netif->host;
    *ip_info = (esp_netif_ip_info_t){ { 0 }, { 0 }, { 0 } };
    if (esp_netif->up)
        *ip_info =
            (esp_netif_ip_info_t){ { address(host->ip) }, { address(host->netmask) }, { address(host->gateway) } };
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_netif_set_ip_info(esp_netif_t *esp_netif, const esp_netif_ip_info_t *ip_info)
{
    if (!esp_netif || !ip_info)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    kernel_enter();
    bool stopped = esp_netif->dhcp_stopped;
    kernel_leave();
    return stopped ? ESP_ERR_NOT_SUPPORTED : ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED;
}

static esp_err_t dhcp(esp_netif_t *netif, bool stop, esp_err_t already)
{
    if (!netif)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    kernel_enter();
    bool was = netif->dhcp_stopped;
    netif->dhcp_stopped = stop;
    kernel_leave();
    return was == stop ? already : ESP_OK;
}

esp_err_t esp_netif_dhcpc_start(esp_netif_t *esp_netif)
{
    return dhcp(esp_netif, false, ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED);
}

esp_err_t esp_netif_dhcpc_stop(esp_netif_t *esp_netif)
{
    return dhcp(esp_netif, true, ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED);
}

esp_err_t esp_netif_set_hostname(esp_netif_t *esp_netif, const char *hostname)
{
    if (!esp_netif || !hostname || strlen(hostname) > HOSTNAME_MAX)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    ud_strcopy(esp_netif->hostname, sizeof esp_netif->hostname, hostname, HOSTNAME_MAX);
    return ESP_OK;
}

esp_err_t esp_netif_get_hostname(esp_netif_t *esp_netif, const char **hostname)
{
    if (!esp_netif || !hostname)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    *hostname = esp_netif->hostname;
    return ESP_OK;
}

esp_err_t esp_netif_get_mac(esp_netif_t *esp_netif, uint8_t mac[])
{
    if (!esp_netif || !mac)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    return esp_read_mac(mac, ESP_MAC_WIFI_STA);
}

esp_err_t esp_netif_set_dns_info(esp_netif_t *esp_netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns)
{
    if (!esp_netif || !dns || (unsigned)type >= ESP_NETIF_DNS_MAX)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    esp_netif->dns[type] = *dns;
    return ESP_OK;
}

esp_err_t esp_netif_get_dns_info(esp_netif_t *esp_netif, esp_netif_dns_type_t type, esp_netif_dns_info_t *dns)
{
    if (!esp_netif || !dns || (unsigned)type >= ESP_NETIF_DNS_MAX)
        return ESP_ERR_ESP_NETIF_INVALID_PARAMS;
    *dns = esp_netif->dns[type];
    return ESP_OK;
}
