/* SPDX-License-Identifier: Apache-2.0 */
/* The time is the host's, and told as a synchronisation. Also run under ThreadSanitizer. */
#include "world.h"

#include <time.h>

#include "esp_netif_sntp.h"

static SemaphoreHandle_t told;
static time_t told_sec;

static void on_sync(struct timeval *tv)
{
    told_sec = tv->tv_sec;
    xSemaphoreGive(told);
}

static int start(void **state)
{
    int bad = world_start(state);
    told = xSemaphoreCreateCounting(9, 0);
    return bad;
}

static int stop(void **state)
{
    vSemaphoreDelete(told);
    return world_stop(state);
}

static void a_start_is_a_synchronisation(void **state)
{
    (void)state;
    esp_sntp_setoperatingmode(ESP_SNTP_OPMODE_POLL);
    esp_sntp_setservername(0, "pool.ntp.org");
    esp_sntp_setservername(99, "nowhere");
    assert_string_equal(esp_sntp_getservername(0), "pool.ntp.org");
    assert_null(esp_sntp_getservername(99));
    sntp_set_time_sync_notification_cb(on_sync);
    sntp_set_sync_interval(1);
    assert_int_equal(sntp_get_sync_interval(), 15000);
    sntp_set_sync_mode(SNTP_SYNC_MODE_SMOOTH);
    assert_int_equal(sntp_get_sync_mode(), SNTP_SYNC_MODE_SMOOTH);
    assert_false(sntp_restart());
    assert_int_equal(sntp_get_sync_status(), SNTP_SYNC_STATUS_RESET);
    time_t before = time(NULL);
    esp_sntp_init();
    assert_true(esp_sntp_enabled());
    assert_int_equal(xSemaphoreTake(told, portMAX_DELAY), pdTRUE);
    assert_true(told_sec >= before && told_sec <= time(NULL));
    assert_int_equal(sntp_get_sync_status(), SNTP_SYNC_STATUS_COMPLETED);
    assert_int_equal(sntp_get_sync_status(), SNTP_SYNC_STATUS_RESET); /* told once */
    assert_true(sntp_restart());
    assert_int_equal(xSemaphoreTake(told, portMAX_DELAY), pdTRUE);
    esp_sntp_stop();
    assert_false(esp_sntp_enabled());
}

static void waiting_for_the_time_has_esp_idfs_codes(void **state)
{
    esp_sntp_config_t config =
        ESP_NETIF_SNTP_DEFAULT_CONFIG_MULTIPLE(2, ESP_SNTP_SERVER_LIST("a.example", "b.example"));
    (void)state;
    assert_int_equal(esp_netif_sntp_sync_wait(0), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_netif_sntp_start(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_netif_sntp_init(NULL), ESP_ERR_INVALID_ARG);
    config.server_from_dhcp = true;
    assert_int_equal(esp_netif_sntp_init(&config), ESP_ERR_INVALID_ARG);
    config.server_from_dhcp = false;
    config.num_of_servers = SNTP_MAX_SERVERS + 1;
    assert_int_equal(esp_netif_sntp_init(&config), ESP_ERR_INVALID_ARG);
    config.num_of_servers = 2;
    config.start = false;
    config.sync_cb = on_sync;
    assert_int_equal(esp_netif_sntp_init(&config), ESP_OK);
    assert_int_equal(esp_netif_sntp_init(&config), ESP_ERR_INVALID_STATE);
    assert_string_equal(esp_sntp_getservername(1), "b.example");
    assert_int_equal(esp_netif_sntp_sync_wait(1), ESP_ERR_TIMEOUT);
    assert_int_equal(esp_netif_sntp_start(), ESP_OK);
    assert_int_equal(esp_netif_sntp_sync_wait(portMAX_DELAY), ESP_OK);
    assert_int_equal(esp_netif_sntp_sync_wait(1), ESP_ERR_TIMEOUT); /* once a synchronisation */
    assert_int_equal(xSemaphoreTake(told, portMAX_DELAY), pdTRUE);
    esp_netif_sntp_deinit();
    esp_sntp_config_t one = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
    one.wait_for_sync = false;
    assert_int_equal(esp_netif_sntp_init(&one), ESP_OK);
    assert_int_equal(esp_netif_sntp_sync_wait(1), ESP_ERR_INVALID_STATE);
    esp_netif_sntp_deinit();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_is_a_synchronisation),
        cmocka_unit_test(waiting_for_the_time_has_esp_idfs_codes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
