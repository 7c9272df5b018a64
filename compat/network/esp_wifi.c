/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A station without a radio: off, initialised, started, connected. State changes under the kernel's lock; events are
 * posted after it was given back, in the order of ESP-IDF, and delivered by the event loop's own task.
 */
#include "esp_wifi.h"

#include <string.h>

#include "esp_log.h"
#include "esp_mac.h"
#include "kernel.h"
#include "netif.h"

ESP_EVENT_DEFINE_BASE(WIFI_EVENT);

#define STATION_KEY "WIFI_STA_DEF"

static const char tag[] = "wifi";
static const uint8_t bssid[6] = { 0x02, 0x00, 0x00, 0x55, 0x44, 0x01 };

enum state { OFF, INITIALISED, STARTED, CONNECTED };

static struct {
    enum state state;
    wifi_mode_t mode;
    wifi_ps_type_t ps;
    wifi_sta_config_t sta;
    bool told;
} wifi = { .ps = WIFI_PS_MIN_MODEM };

/* With the lock taken when it is ESP_OK. */
static esp_err_t enter_from(enum state least)
{
    kernel_enter();
    if (wifi.state >= least)
        return ESP_OK;
    esp_err_t err = wifi.state == OFF ? ESP_ERR_WIFI_NOT_INIT : ESP_ERR_WIFI_NOT_STARTED;
    kernel_leave();
    return err;
}

static void post(int32_t id, const void *data, size_t size)
{
    esp_err_t err = esp_event_post(WIFI_EVENT, id, data, size, portMAX_DELAY);
    if (err != ESP_OK)
        ESP_LOGW(tag, "event %d was not posted: %s", (int)id, esp_err_to_name(err));
}

static uint8_t ssid_length(const wifi_sta_config_t *sta)
{
    return (uint8_t)ud_strnlen((const char *)sta->ssid, sizeof sta->ssid);
}

static wifi_auth_mode_t auth_mode(const wifi_sta_config_t *sta)
{
    if (sta->threshold.authmode != WIFI_AUTH_OPEN)
        return sta->threshold.authmode;
    return sta->password[0] ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
}

/* ---- life ---- */

esp_err_t esp_wifi_init(const wifi_init_config_t *config)
{
    if (!config || config->magic != WIFI_INIT_CONFIG_MAGIC)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    if (wifi.state == OFF) {
        wifi.state = INITIALISED;
        wifi.mode = WIFI_MODE_STA;
    }
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_wifi_deinit(void)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    if (wifi.state > INITIALISED)
        err = ESP_ERR_WIFI_NOT_STOPPED;
    else
        wifi.state = OFF;
    kernel_leave();
    return err;
}

esp_err_t esp_wifi_set_mode(wifi_mode_t mode)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    if ((unsigned)mode >= WIFI_MODE_MAX)
        err = ESP_ERR_INVALID_ARG;
    else if (mode == WIFI_MODE_AP || mode == WIFI_MODE_APSTA)
        err = ESP_ERR_NOT_SUPPORTED;
    else
        wifi.mode = mode;
    kernel_leave();
    if (err == ESP_ERR_NOT_SUPPORTED)
        ESP_LOGE(tag, "a virtual board cannot be an access point: use WIFI_MODE_STA");
    return err;
}

esp_err_t esp_wifi_get_mode(wifi_mode_t *mode)
{
    if (!mode)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    *mode = wifi.mode;
    kernel_leave();
    return ESP_OK;
}

static esp_err_t enter_for_config(wifi_interface_t interface, const wifi_config_t *conf)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    if (!conf)
        err = ESP_ERR_INVALID_ARG;
    else if ((unsigned)interface >= WIFI_IF_MAX)
        err = ESP_ERR_WIFI_IF;
    else if (interface != WIFI_IF_STA || wifi.mode != WIFI_MODE_STA)
        err = ESP_ERR_WIFI_MODE;
    if (err != ESP_OK)
        kernel_leave();
    return err;
}

esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t *conf)
{
    esp_err_t err = enter_for_config(interface, conf);
    if (err != ESP_OK)
        return err;
    wifi.sta = conf->sta;
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_wifi_get_config(wifi_interface_t interface, wifi_config_t *conf)
{
    esp_err_t err = enter_for_config(interface, conf);
    if (err != ESP_OK)
        return err;
    conf->sta = wifi.sta;
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_wifi_start(void)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    bool starts = wifi.state == INITIALISED;
    if (starts)
        wifi.state = STARTED;
    bool station = wifi.mode == WIFI_MODE_STA;
    kernel_leave();
    if (starts && station)
        post(WIFI_EVENT_STA_START, NULL, 0);
    return ESP_OK;
}

/* From connected to `to`, with the event. */
static void leave_network(const wifi_sta_config_t *sta, uint8_t reason)
{
    wifi_event_sta_disconnected_t gone = { .ssid_len = ssid_length(sta), .reason = reason, .rssi = -50 };
    memcpy(gone.ssid, sta->ssid, gone.ssid_len);
    memcpy(gone.bssid, bssid, sizeof gone.bssid);
    esp_netif_t *netif = esp_netif_get_handle_from_ifkey(STATION_KEY);
    if (netif)
        netif_take_down(netif);
    post(WIFI_EVENT_STA_DISCONNECTED, &gone, sizeof gone);
}

esp_err_t esp_wifi_stop(void)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    enum state before = wifi.state;
    wifi_sta_config_t sta = wifi.sta;
    wifi.state = INITIALISED;
    kernel_leave();
    if (before == CONNECTED)
        leave_network(&sta, WIFI_REASON_ASSOC_LEAVE);
    if (before >= STARTED)
        post(WIFI_EVENT_STA_STOP, NULL, 0);
    return ESP_OK;
}

esp_err_t esp_wifi_connect(void)
{
    esp_err_t err = enter_from(STARTED);
    if (err != ESP_OK)
        return err;
    wifi_sta_config_t sta = wifi.sta;
    bool connects = wifi.state == STARTED;
    if (wifi.mode != WIFI_MODE_STA)
        err = ESP_ERR_WIFI_MODE;
    else if (sta.ssid[0] == 0)
        err = ESP_ERR_WIFI_SSID;
    else
        wifi.state = CONNECTED;
    bool tell = err == ESP_OK && !wifi.told;
    wifi.told = wifi.told || tell;
    kernel_leave();
    if (err != ESP_OK || !connects)
        return err;
    if (tell)
        ESP_LOGI(tag, "the network is the host's: SSID and password are not looked at");
    wifi_event_sta_connected_t joined = {
        .ssid_len = ssid_length(&sta), .channel = 1, .authmode = auth_mode(&sta), .aid = 1
    };
    memcpy(joined.ssid, sta.ssid, joined.ssid_len);
    memcpy(joined.bssid, bssid, sizeof joined.bssid);
    post(WIFI_EVENT_STA_CONNECTED, &joined, sizeof joined);
    esp_netif_t *netif = esp_netif_get_handle_from_ifkey(STATION_KEY);
    if (netif)
        netif_bring_up(netif, IP_EVENT_STA_GOT_IP);
    return ESP_OK;
}

esp_err_t esp_wifi_disconnect(void)
{
    esp_err_t err = enter_from(STARTED);
    if (err != ESP_OK)
        return err;
    bool leaves = wifi.state == CONNECTED;
    wifi_sta_config_t sta = wifi.sta;
    wifi.state = STARTED;
    kernel_leave();
    if (leaves)
        leave_network(&sta, WIFI_REASON_ASSOC_LEAVE);
    return ESP_OK;
}

esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t *ap_info)
{
    if (!ap_info)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    if (wifi.state != CONNECTED) {
        err = ESP_ERR_WIFI_NOT_CONNECT;
    } else {
        *ap_info = (wifi_ap_record_t){ .primary = 1, .rssi = -50, .authmode = auth_mode(&wifi.sta) };
        memcpy(ap_info->ssid, wifi.sta.ssid, ssid_length(&wifi.sta));
        memcpy(ap_info->bssid, bssid, sizeof bssid);
    }
    kernel_leave();
    return err;
}

/* ---- settings of a radio ---- */

static esp_err_t accept(bool good)
{
    esp_err_t err = enter_from(INITIALISED);
    if (err != ESP_OK)
        return err;
    kernel_leave();
    return good ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_wifi_set_ps(wifi_ps_type_t type)
{
    esp_err_t err = accept((unsigned)type <= WIFI_PS_MAX_MODEM);
    if (err == ESP_OK)
        wifi.ps = type;
    return err;
}

esp_err_t esp_wifi_get_ps(wifi_ps_type_t *type)
{
    esp_err_t err = accept(type != NULL);
    if (err == ESP_OK)
        *type = wifi.ps;
    return err;
}

esp_err_t esp_wifi_set_storage(wifi_storage_t storage)
{
    return accept((unsigned)storage <= WIFI_STORAGE_RAM);
}

esp_err_t esp_wifi_set_country_code(const char *country, bool ieee80211d_enabled)
{
    (void)ieee80211d_enabled;
    return accept(country && country[0] && country[1]);
}

esp_err_t esp_wifi_set_max_tx_power(int8_t power)
{
    return accept(power >= 8 && power <= 84); /* quarters of a dBm */
}

esp_err_t esp_wifi_get_mac(wifi_interface_t ifx, uint8_t mac[6])
{
    esp_err_t err = accept(mac != NULL);
    if (err != ESP_OK)
        return err;
    return ifx == WIFI_IF_STA ? esp_read_mac(mac, ESP_MAC_WIFI_STA) : ESP_ERR_WIFI_IF;
}

/* ---- the interface of the station ---- */

esp_netif_t *esp_netif_create_default_wifi_sta(void)
{
    static const esp_netif_inherent_config_t base = { .if_key = STATION_KEY, .if_desc = "sta", .route_prio = 100 };
    const esp_netif_config_t config = { &base };
    esp_netif_t *netif = esp_netif_new(&config);
    kernel_require(netif != NULL, "esp_netif_create_default_wifi_sta: no memory, or there is one already");
    return netif;
}

void esp_netif_destroy_default_wifi(void *esp_netif)
{
    esp_netif_destroy(esp_netif);
}
