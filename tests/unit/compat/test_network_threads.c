/* SPDX-License-Identifier: Apache-2.0 */
/* Wi-Fi, interfaces and the examples' connection, with their events in order. Also run under ThreadSanitizer. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "esp_netif_ip_addr.h"
#include "esp_netif_types.h"
#include "esp_wifi.h"
#include "esp_wifi_default.h"
#include "esp_wifi_types.h"
#include "protocol_examples_common.h"

static QueueHandle_t seen;
static ip_event_got_ip_t got;
static wifi_event_sta_connected_t joined;
static wifi_event_sta_disconnected_t gone;

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    int number = (int)id + (base == IP_EVENT ? 100 : 0);
    (void)arg;
    if (number == 100)
        got = *(ip_event_got_ip_t *)data;
    if (number == WIFI_EVENT_STA_CONNECTED)
        joined = *(wifi_event_sta_connected_t *)data;
    if (number == WIFI_EVENT_STA_DISCONNECTED)
        gone = *(wifi_event_sta_disconnected_t *)data;
    xQueueSend(seen, &number, portMAX_DELAY);
}

static void expect(int number)
{
    int v = -1;
    assert_int_equal(xQueueReceive(seen, &v, portMAX_DELAY), pdTRUE);
    assert_int_equal(v, number);
}

static void network(struct ud_network *out)
{
    *out = (struct ud_network){
        .name = "enp0s31f6", .ip = { 10, 1, 2, 3 }, .netmask = { 255, 255, 0, 0 }, .gateway = { 10, 1, 0, 1 }
    };
}

static int start(void **state)
{
    world.env.network = network;
    int bad = world_start(state);
    seen = xQueueCreate(32, sizeof(int));
    return bad;
}

static int stop(void **state)
{
    vQueueDelete(seen);
    return world_stop(state);
}

static void everything_waits_for_init(void **state)
{
    wifi_mode_t mode;
    uint8_t mac[6];
    (void)state;
    assert_int_equal(esp_wifi_start(), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_stop(), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_connect(), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_disconnect(), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_deinit(), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_set_mode(WIFI_MODE_STA), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_get_mode(&mode), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_set_config(WIFI_IF_STA, NULL), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_set_ps(WIFI_PS_NONE), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_get_mac(WIFI_IF_STA, mac), ESP_ERR_WIFI_NOT_INIT);
    assert_int_equal(esp_wifi_init(NULL), ESP_ERR_INVALID_ARG);
}

static void a_station_connects_with_its_events_in_order(void **state)
{
    wifi_config_t config = { .sta = { .ssid = "net", .password = "secret12" } }, back;
    wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
    esp_netif_ip_info_t ip;
    wifi_ap_record_t record;
    wifi_ps_type_t ps;
    wifi_mode_t mode;
    char name[6], text[16];
    (void)state;
    assert_int_equal(esp_netif_init(), ESP_OK);
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    esp_netif_t *netif = esp_netif_create_default_wifi_sta();
    assert_int_equal(esp_wifi_init(&init), ESP_OK);
    assert_int_equal(esp_event_handler_instance_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_instance_register(IP_EVENT, IP_EVENT_STA_GOT_IP, on_event, NULL, NULL), ESP_OK);
    assert_int_equal(esp_wifi_set_mode(WIFI_MODE_APSTA), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_wifi_set_mode(WIFI_MODE_MAX), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_wifi_set_mode(WIFI_MODE_STA), ESP_OK);
    assert_int_equal(esp_wifi_get_mode(&mode), ESP_OK);
    assert_int_equal(mode, WIFI_MODE_STA);
    assert_int_equal(esp_wifi_set_config(WIFI_IF_AP, &config), ESP_ERR_WIFI_MODE);
    assert_int_equal(esp_wifi_set_config(WIFI_IF_MAX, &config), ESP_ERR_WIFI_IF);
    assert_int_equal(esp_wifi_connect(), ESP_ERR_WIFI_NOT_STARTED);
    assert_int_equal(esp_wifi_start(), ESP_OK);
    expect(WIFI_EVENT_STA_START);
    assert_int_equal(esp_wifi_connect(), ESP_ERR_WIFI_SSID);
    assert_int_equal(esp_wifi_set_config(WIFI_IF_STA, &config), ESP_OK);
    assert_int_equal(esp_wifi_get_config(WIFI_IF_STA, &back), ESP_OK);
    assert_memory_equal(back.sta.ssid, config.sta.ssid, 32);
    assert_int_equal(esp_wifi_sta_get_ap_info(&record), ESP_ERR_WIFI_NOT_CONNECT);
    assert_false(esp_netif_is_netif_up(netif));
    assert_int_equal(esp_wifi_connect(), ESP_OK);
    expect(WIFI_EVENT_STA_CONNECTED);
    expect(100 + IP_EVENT_STA_GOT_IP);
    assert_int_equal(joined.ssid_len, 3);
    assert_int_equal(joined.authmode, WIFI_AUTH_WPA2_PSK);
    assert_ptr_equal(got.esp_netif, netif);
    assert_true(got.ip_changed);
    snprintf(text, sizeof text, IPSTR, IP2STR(&got.ip_info.ip));
    assert_string_equal(text, "10.1.2.3");
    assert_int_equal(esp_wifi_connect(), ESP_OK); /* again: no further events */
    assert_int_equal(esp_wifi_sta_get_ap_info(&record), ESP_OK);
    assert_string_equal((char *)record.ssid, "net");
    assert_ptr_equal(esp_netif_get_default_netif(), netif);
    assert_int_equal(esp_netif_get_netif_impl_name(netif, name), ESP_OK);
    assert_string_equal(name, "enp0s");
    assert_int_equal(esp_wifi_set_ps(WIFI_PS_NONE), ESP_OK);
    assert_int_equal(esp_wifi_get_ps(&ps), ESP_OK);
    assert_int_equal(ps, WIFI_PS_NONE);
    assert_int_equal(esp_wifi_set_storage(WIFI_STORAGE_RAM), ESP_OK);
    assert_int_equal(esp_wifi_set_country_code("DE", true), ESP_OK);
    assert_int_equal(esp_wifi_set_max_tx_power(85), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_wifi_disconnect(), ESP_OK);
    expect(WIFI_EVENT_STA_DISCONNECTED);
    assert_int_equal(gone.reason, WIFI_REASON_ASSOC_LEAVE);
    assert_int_equal(esp_netif_get_ip_info(netif, &ip), ESP_OK);
    assert_int_equal(ip.ip.addr, 0);
    assert_int_equal(esp_wifi_connect(), ESP_OK);
    expect(WIFI_EVENT_STA_CONNECTED);
    expect(100);
    assert_int_equal(esp_wifi_deinit(), ESP_ERR_WIFI_NOT_STOPPED);
    assert_int_equal(esp_wifi_stop(), ESP_OK);
    expect(WIFI_EVENT_STA_DISCONNECTED);
    expect(WIFI_EVENT_STA_STOP);
    assert_int_equal(esp_wifi_deinit(), ESP_OK);
    esp_netif_destroy_default_wifi(netif);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
}

static bool is_eth(esp_netif_t *netif, void *ctx)
{
    return strcmp(esp_netif_get_desc(netif), ctx) == 0;
}

static void interfaces_are_found_and_keep_their_settings(void **state)
{
    const esp_netif_inherent_config_t base = { .if_key = "ETH_DEF", .if_desc = "eth", .route_prio = 50 };
    const esp_netif_config_t config = { &base };
    esp_netif_dns_info_t dns = { .ip.type = ESP_IPADDR_TYPE_V4, .ip.u_addr.ip4.addr = 7 }, back;
    esp_netif_ip_info_t ip;
    const char *hostname;
    uint8_t mac[6];
    char desc[] = "eth";
    (void)state;
    esp_netif_t *n = esp_netif_new(&config);
    assert_non_null(n);
    assert_null(esp_netif_new(&config)); /* the key is taken */
    assert_null(esp_netif_new(NULL));
    assert_int_equal(esp_netif_get_nr_of_ifs(), 1);
    assert_ptr_equal(esp_netif_next_unsafe(NULL), n);
    assert_ptr_equal(esp_netif_get_handle_from_ifkey("ETH_DEF"), n);
    assert_null(esp_netif_get_handle_from_ifkey("WIFI_STA_DEF"));
    assert_ptr_equal(esp_netif_find_if(is_eth, desc), n);
    assert_string_equal(esp_netif_get_ifkey(n), "ETH_DEF");
    assert_null(esp_netif_get_default_netif());
    assert_int_equal(esp_netif_set_default_netif(n), ESP_OK);
    assert_ptr_equal(esp_netif_get_default_netif(), n);
    assert_int_equal(esp_netif_set_ip_info(n, &ip), ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED);
    assert_int_equal(esp_netif_dhcpc_start(n), ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED);
    assert_int_equal(esp_netif_dhcpc_stop(n), ESP_OK);
    assert_int_equal(esp_netif_dhcpc_stop(n), ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED);
    assert_int_equal(esp_netif_set_ip_info(n, &ip), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_netif_set_hostname(n, "board"), ESP_OK);
    assert_int_equal(esp_netif_get_hostname(n, &hostname), ESP_OK);
    assert_string_equal(hostname, "board");
    assert_int_equal(esp_netif_set_dns_info(n, ESP_NETIF_DNS_BACKUP, &dns), ESP_OK);
    assert_int_equal(esp_netif_get_dns_info(n, ESP_NETIF_DNS_BACKUP, &back), ESP_OK);
    assert_int_equal(back.ip.u_addr.ip4.addr, 7);
    assert_int_equal(esp_netif_get_dns_info(n, ESP_NETIF_DNS_MAX, &back), ESP_ERR_ESP_NETIF_INVALID_PARAMS);
    assert_int_equal(esp_netif_get_mac(n, mac), ESP_OK);
    assert_int_equal(esp_netif_get_ip_info(NULL, &ip), ESP_ERR_ESP_NETIF_INVALID_PARAMS);
    assert_int_equal(esp_netif_deinit(), ESP_ERR_NOT_SUPPORTED);
    esp_netif_destroy(n);
    assert_null(esp_netif_get_default_netif());
}

static void addresses_are_text_and_numbers(void **state)
{
    esp_ip4_addr_t a;
    char text[16];
    (void)state;
    assert_int_equal(esp_netif_str_to_ip4("192.168.4.1", &a), ESP_OK);
    assert_string_equal(esp_ip4addr_ntoa(&a, text, sizeof text), "192.168.4.1");
    assert_null(esp_ip4addr_ntoa(&a, text, 8));
    assert_int_equal(esp_ip4addr_aton("192.168.4.1"), a.addr);
    static const char *const bad[] = { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1..2.3", "a.b.c.d", "1.2.3.4 " };
    for (size_t i = 0; i < UD_ARRAY_LEN(bad); i++) {
        assert_int_equal(esp_netif_str_to_ip4(bad[i], &a), ESP_FAIL);
        assert_int_equal(esp_ip4addr_aton(bad[i]), 0);
    }
    assert_int_equal(esp_netif_str_to_ip4(NULL, &a), ESP_ERR_INVALID_ARG);
}

static void examples_connect_at_once(void **state)
{
    esp_netif_ip_info_t ip;
    (void)state;
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(IP_EVENT, IP_EVENT_STA_GOT_IP, on_event, NULL), ESP_OK);
    assert_null(get_example_netif_from_desc(EXAMPLE_NETIF_DESC_STA));
    assert_int_equal(example_disconnect(), ESP_ERR_INVALID_STATE);
    assert_int_equal(example_configure_stdin_stdout(), ESP_OK);
    assert_int_equal(example_connect(), ESP_OK);
    expect(100);
    assert_int_equal(example_connect(), ESP_ERR_INVALID_STATE);
    assert_ptr_equal(get_example_netif_from_desc(EXAMPLE_NETIF_DESC_ETH), EXAMPLE_INTERFACE);
    assert_null(get_example_netif_from_desc("another"));
    assert_int_equal(esp_netif_get_ip_info(EXAMPLE_INTERFACE, &ip), ESP_OK);
    assert_int_equal(ip.gw.addr, esp_ip4addr_aton("10.1.0.1"));
    assert_int_equal(example_disconnect(), ESP_OK);
    assert_null(get_example_netif());
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_waits_for_init),
        cmocka_unit_test(a_station_connects_with_its_events_in_order),
        cmocka_unit_test(interfaces_are_found_and_keep_their_settings),
        cmocka_unit_test(addresses_are_text_and_numbers),
        cmocka_unit_test(examples_connect_at_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
