/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of esp_timer.h, the task watchdog, sleep, pins, memory of a kind, addresses and the chip. Time moves only when
 * the test says so (vTaskDelay). Also run under ThreadSanitizer.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "driver/gpio.h"
#include "esp_chip_info.h"
#include "esp_heap_caps.h"
#include "esp_mac.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"

#define TICK_US 10000u

static SemaphoreHandle_t fired;
static char bitten[128];
static uint64_t slept_us;

static void on_watchdog(void *ctx, const char *who)
{
    (void)ctx;
    snprintf(bitten, sizeof bitten, "%s", who);
    xSemaphoreGive(fired);
}

static void on_sleep(void *ctx, uint64_t us)
{
    (void)ctx;
    slept_us = us;
}

static int start(void **state)
{
    int bad = world_start(state);
    fired = xSemaphoreCreateCounting(100, 0);
    world.board.reset.task_watchdog = on_watchdog;
    world.board.reset.sleep = on_sleep;
    world.board.revision = 4;
    memcpy(world.board.mac, "\x02\x11\x22\x33\x44\xfe", 6);
    world.board.inputs_driven = 1u << 9 | 1u << 3;
    world.board.inputs = 1u << 3;
    return bad;
}

static int stop(void **state)
{
    (void)state; /* the tasks of timers and watchdog live as long as the process, and so does their world */
    vSemaphoreDelete(fired);
    return 0;
}

/* ---- esp_timer.h ---- */

static void on_time(void *arg)
{
    ++*(unsigned *)arg;
    xSemaphoreGive(fired);
}

static esp_timer_handle_t timer_of(unsigned *count, bool skip)
{
    esp_timer_handle_t t = NULL;
    const esp_timer_create_args_t args = {
        .callback = on_time, .arg = count, .name = "t", .skip_unhandled_events = skip
    };
    assert_int_equal(esp_timer_create(&args, &t), ESP_OK);
    return t;
}

static void a_timer_fires_once_or_for_each_period(void **state)
{
    unsigned count = 0;
    uint64_t v = 0;
    (void)state;
    esp_timer_handle_t t = timer_of(&count, false);
    int64_t before = esp_timer_get_time();
    assert_int_equal(esp_timer_start_once(t, 2 * TICK_US), ESP_OK);
    assert_true(esp_timer_is_active(t));
    assert_int_equal(esp_timer_get_expiry_time(t, &v), ESP_OK);
    assert_int_equal(v, (uint64_t)before + 2 * TICK_US);
    assert_int_equal(esp_timer_get_next_alarm(), v);
    vTaskDelay(3);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_false(esp_timer_is_active(t));
    assert_true(esp_timer_get_next_alarm() == INT64_MAX);
    assert_int_equal(esp_timer_start_periodic(t, TICK_US), ESP_OK);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, TICK_US);
    assert_int_equal(esp_timer_get_expiry_time(t, &v), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_timer_restart(t, 2 * TICK_US), ESP_OK);
    vTaskDelay(9);
    for (int i = 0; i < 4; i++) /* those that were missed too */
        assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
    t = timer_of(&count, true);
    assert_int_equal(esp_timer_start_periodic(t, TICK_US), ESP_OK);
    vTaskDelay(8);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_int_equal(xSemaphoreTake(fired, 4), pdFALSE);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
    assert_int_equal(count, 6);
}

static esp_timer_handle_t own;

static void ends_itself(void *arg)
{
    (void)arg;
    assert_int_equal(esp_timer_stop(own), ESP_OK);
    assert_int_equal(esp_timer_delete(own), ESP_OK);
    xSemaphoreGive(fired);
}

static void timers_refuse_with_esp_idfs_codes(void **state)
{
    unsigned count = 0;
    uint64_t v = 0;
    esp_timer_create_args_t args = { .callback = ends_itself };
    (void)state;
    esp_timer_handle_t t = timer_of(&count, false);
    assert_int_equal(esp_timer_create(NULL, &t), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_create(&(esp_timer_create_args_t){ .name = "no callback" }, &t), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_stop(t), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_restart(t, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_start_periodic(t, 1), ESP_OK);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, 50);
    assert_int_equal(esp_timer_start_once(t, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_delete(t), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
    assert_int_equal(esp_timer_start_once(NULL, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_delete(NULL), ESP_ERR_INVALID_ARG);
    assert_false(esp_timer_is_active(NULL));
    world.no_memory = true;
    assert_int_equal(esp_timer_create(&args, &own), ESP_ERR_NO_MEM);
    world.no_memory = false;
    assert_int_equal(esp_timer_create(&args, &own), ESP_OK);
    assert_int_equal(esp_timer_start_periodic(own, TICK_US), ESP_OK);
    vTaskDelay(2);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
}

/* ---- esp_task_wdt.h ---- */

static void the_watchdog_names_who_is_late(void **state)
{
    esp_task_wdt_user_handle_t user = NULL;
    esp_task_wdt_config_t config = { .timeout_ms = 30, .trigger_panic = true };
    (void)state;
    assert_int_equal(esp_task_wdt_init(&config), ESP_ERR_INVALID_STATE); /* runs from the start */
    assert_int_equal(esp_task_wdt_reconfigure(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_reset(), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_status(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_reconfigure(&config), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_add_user("heart", &user), ESP_OK);
    assert_int_equal(esp_task_wdt_status(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_deinit(), ESP_ERR_INVALID_STATE);
    bitten[0] = '\0';
    for (int i = 0; i < 5; i++) { /* both reset in time: longer than one period altogether */
        vTaskDelay(1);
        assert_int_equal(esp_task_wdt_reset(), ESP_OK);
        assert_int_equal(esp_task_wdt_reset_user(user), ESP_OK);
    }
    assert_int_equal(xSemaphoreTake(fired, 6), pdFALSE);
    assert_int_equal(esp_task_wdt_reset(), ESP_OK); /* the user does not */
    vTaskDelay(4);
    assert_int_equal(xSemaphoreTake(fired, portMAX_DELAY), pdTRUE);
    assert_string_equal(bitten, "not reset by heart");
    assert_int_equal(esp_task_wdt_delete_user(user), ESP_OK);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_deinit(), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_ERR_INVALID_STATE);
    config.idle_core_mask = 4;
    assert_int_equal(esp_task_wdt_init(&config), ESP_ERR_INVALID_ARG);
    config.idle_core_mask = 1;
    assert_int_equal(esp_task_wdt_init(&config), ESP_OK);
    assert_int_equal(esp_task_wdt_add_user(NULL, &user), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_reset_user(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_delete_user(NULL), ESP_ERR_INVALID_ARG);
}

/* ---- esp_sleep.h ---- */

static unsigned hooked;

static void hook(void)
{
    hooked++;
}

static void other_hook(void)
{
    hooked += 10;
}

static void sleep_hands_its_time_to_the_reset_line(void **state)
{
    (void)state;
    assert_int_equal(esp_sleep_get_wakeup_cause(), ESP_SLEEP_WAKEUP_UNDEFINED);
    assert_int_equal(esp_light_sleep_start(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_deep_sleep_register_hook(hook), ESP_OK);
    assert_int_equal(esp_deep_sleep_register_hook(hook), ESP_OK);
    assert_int_equal(esp_deep_sleep_register_hook(other_hook), ESP_OK);
    esp_deep_sleep_deregister_hook(other_hook);
    assert_int_equal(esp_deep_sleep_try_to_start(), ESP_ERR_NOT_SUPPORTED); /* this reset line returns */
    assert_true(slept_us == UINT64_MAX);
    assert_int_equal(esp_deep_sleep_try(UINT64_MAX), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_deep_sleep_try(1234), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(slept_us, 1234);
    assert_int_equal(hooked, 2);
    int64_t before = esp_timer_get_time();
    assert_int_equal(esp_light_sleep_start(), ESP_OK);
    assert_int_equal(esp_timer_get_time() - before, 1234);
    assert_int_equal(esp_sleep_get_wakeup_causes(), 1u << ESP_SLEEP_WAKEUP_TIMER);
    assert_int_equal(esp_sleep_disable_wakeup_source(ESP_SLEEP_WAKEUP_GPIO), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_sleep_disable_wakeup_source(ESP_SLEEP_WAKEUP_TIMER), ESP_OK);
    assert_int_equal(esp_sleep_disable_wakeup_source(ESP_SLEEP_WAKEUP_ALL), ESP_OK);
    assert_int_equal(esp_sleep_disable_wakeup_source(ESP_SLEEP_WAKEUP_TIMER), ESP_ERR_INVALID_STATE);
}

/* ---- driver/gpio.h ---- */

static void pins_have_the_levels_of_the_board(void **state)
{
    gpio_config_t in = { .pin_bit_mask = BIT64(9) | BIT64(3) | BIT64(4) | BIT64(5),
                         .mode = GPIO_MODE_INPUT,
                         .pull_up_en = GPIO_PULLUP_ENABLE };
    (void)state;
    assert_int_equal(gpio_get_level(GPIO_NUM_4), 0); /* no input yet */
    assert_int_equal(gpio_config(&in), ESP_OK);
    assert_int_equal(gpio_get_level(GPIO_NUM_9), 0); /* driven */
    assert_int_equal(gpio_get_level(GPIO_NUM_3), 1);
    assert_int_equal(gpio_get_level(GPIO_NUM_4), 1); /* by its resistor */
    assert_int_equal(gpio_set_pull_mode(GPIO_NUM_4, GPIO_PULLDOWN_ONLY), ESP_OK);
    assert_int_equal(gpio_get_level(GPIO_NUM_4), 0);
    assert_int_equal(gpio_reset_pin(GPIO_NUM_4), ESP_OK);
    assert_int_equal(gpio_get_level(GPIO_NUM_4), 1);
    assert_int_equal(gpio_set_direction(GPIO_NUM_5, GPIO_MODE_OUTPUT), ESP_OK);
    assert_int_equal(gpio_set_level(GPIO_NUM_5, 1), ESP_OK);
    assert_int_equal(gpio_get_level(GPIO_NUM_5), 0);
    assert_int_equal(gpio_set_direction(GPIO_NUM_5, GPIO_MODE_INPUT_OUTPUT), ESP_OK);
    assert_int_equal(gpio_get_level(GPIO_NUM_5), 1);
    in.pin_bit_mask = BIT64(22); /* an ESP32-C3 has 0 to 21 */
    assert_int_equal(gpio_config(&in), ESP_ERR_INVALID_ARG);
    in.pin_bit_mask = 0;
    assert_int_equal(gpio_config(&in), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_config(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_set_level(GPIO_NUM_NC, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_set_direction(GPIO_NUM_22, GPIO_MODE_INPUT), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_reset_pin(GPIO_NUM_22), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_set_pull_mode(GPIO_NUM_22, GPIO_FLOATING), ESP_ERR_INVALID_ARG);
    world.board.chip = ud_chip_by_name("esp32");
    assert_int_equal(gpio_set_direction(GPIO_NUM_34, GPIO_MODE_OUTPUT), ESP_ERR_INVALID_ARG); /* an input only */
    assert_int_equal(gpio_set_direction(GPIO_NUM_34, GPIO_MODE_INPUT), ESP_OK);
    world.board.chip = ud_chip_by_name("esp32c3");
}

static void no_isr(void *arg)
{
    (void)arg;
    fail();
}

static void interrupts_are_accepted_in_order(void **state)
{
    (void)state;
    assert_int_equal(gpio_isr_handler_add(GPIO_NUM_4, no_isr, NULL), ESP_ERR_INVALID_STATE);
    assert_int_equal(gpio_install_isr_service(0), ESP_OK);
    assert_int_equal(gpio_install_isr_service(0), ESP_ERR_INVALID_STATE);
    assert_int_equal(gpio_isr_handler_add(GPIO_NUM_4, no_isr, NULL), ESP_OK);
    assert_int_equal(gpio_isr_handler_add(GPIO_NUM_4, NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_isr_handler_remove(GPIO_NUM_4), ESP_OK);
    assert_int_equal(gpio_set_intr_type(GPIO_NUM_4, GPIO_INTR_ANYEDGE), ESP_OK);
    assert_int_equal(gpio_set_intr_type(GPIO_NUM_4, GPIO_INTR_MAX), ESP_ERR_INVALID_ARG);
    assert_int_equal(gpio_intr_enable(GPIO_NUM_4), ESP_OK);
    assert_int_equal(gpio_intr_disable(GPIO_NUM_22), ESP_ERR_INVALID_ARG);
    gpio_uninstall_isr_service();
    assert_int_equal(gpio_isr_handler_remove(GPIO_NUM_4), ESP_ERR_INVALID_STATE);
}

/* ---- esp_heap_caps.h, esp_mac.h, esp_chip_info.h ---- */

static void memory_is_of_the_kinds_that_a_board_has(void **state)
{
    multi_heap_info_t info;
    (void)state;
    assert_null(heap_caps_malloc(0, MALLOC_CAP_8BIT));
    assert_null(heap_caps_malloc(8, MALLOC_CAP_SPIRAM));
    assert_null(heap_caps_malloc(8, MALLOC_CAP_INVALID));
    assert_null(heap_caps_calloc(SIZE_MAX / 2, 4, MALLOC_CAP_8BIT));
    assert_null(heap_caps_aligned_alloc(24, 8, MALLOC_CAP_8BIT));
    uint8_t *p = heap_caps_malloc_prefer(100, 2, (uint32_t)MALLOC_CAP_SPIRAM, (uint32_t)MALLOC_CAP_INTERNAL);
    assert_non_null(p);
    p = heap_caps_realloc(p, 200, MALLOC_CAP_8BIT);
    assert_non_null(p);
    assert_null(heap_caps_realloc(p, 0, MALLOC_CAP_8BIT));
    p = heap_caps_malloc(100, MALLOC_CAP_DMA);
    assert_int_equal((uintptr_t)p % 64, 0);
    heap_caps_free(p);
    p = heap_caps_calloc(4, 4, MALLOC_CAP_DEFAULT);
    assert_int_equal(p[0] | p[15], 0);
    free(p);
    heap_caps_get_info(&info, MALLOC_CAP_8BIT);
    assert_true(info.minimum_free_bytes <= info.total_free_bytes && info.largest_free_block <= info.total_free_bytes);
    assert_int_equal(info.total_free_bytes + info.total_allocated_bytes, heap_caps_get_total_size(MALLOC_CAP_8BIT));
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_SPIRAM), 0);
    assert_int_equal(heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM), 0);
    assert_int_equal(esp_get_free_heap_size(), heap_caps_get_free_size(MALLOC_CAP_8BIT));
    assert_int_equal(esp_get_free_internal_heap_size(), esp_get_free_heap_size());
    assert_int_equal(esp_get_minimum_free_heap_size(), heap_caps_get_minimum_free_size(MALLOC_CAP_8BIT));
    heap_caps_print_heap_info(MALLOC_CAP_8BIT);
    assert_true(heap_caps_check_integrity_all(true));
}

static void addresses_follow_from_the_boards(void **state)
{
    static const uint8_t set[6] = { 2, 0, 0, 0, 0, 9 }, group[6] = { 1, 0, 0, 0, 0, 9 };
    uint8_t mac[6];
    char text[24];
    (void)state;
    assert_int_equal(esp_efuse_mac_get_default(mac), ESP_OK);
    snprintf(text, sizeof text, MACSTR, MAC2STR(mac));
    assert_string_equal(text, "02:11:22:33:44:fe");
    assert_int_equal(esp_read_mac(mac, ESP_MAC_ETH), ESP_OK);
    assert_int_equal(mac[5], 1); /* in the last byte only */
    assert_int_equal(mac[4], 0x44);
    assert_int_equal(esp_base_mac_addr_set(set), ESP_OK);
    assert_int_equal(esp_base_mac_addr_get(mac), ESP_OK);
    assert_memory_equal(mac, set, 6);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_BT), ESP_OK);
    assert_int_equal(mac[5], 11);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_ETH), ESP_OK);
    assert_int_equal(mac[5], 1); /* was derived before */
    assert_int_equal(esp_iface_mac_addr_set(set, ESP_MAC_ETH), ESP_OK);
    assert_int_equal(esp_base_mac_addr_set(group), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_iface_mac_addr_set(set, ESP_MAC_EFUSE_FACTORY), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_iface_mac_addr_set(set, ESP_MAC_IEEE802154), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_read_mac(NULL, ESP_MAC_BT), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_IEEE802154), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_EFUSE_CUSTOM), ESP_ERR_INVALID_MAC);
    assert_int_equal(esp_efuse_mac_get_custom(mac), ESP_ERR_INVALID_MAC);
    assert_int_equal(esp_derive_local_mac(mac, (const uint8_t[]){ 0x24, 1, 2, 3, 4, 5 }), ESP_OK);
    assert_int_equal(mac[0], 0x26);
    assert_int_equal(esp_derive_local_mac(mac, mac), ESP_OK);
    assert_int_equal(mac[0], 0x22);
    assert_int_equal(esp_mac_addr_len_get(ESP_MAC_BT), 6);
    assert_int_equal(esp_mac_addr_len_get(ESP_MAC_IEEE802154), 8);
    assert_int_equal(esp_mac_addr_len_get(ESP_MAC_EFUSE_EXT), 2);
    assert_int_equal(esp_mac_addr_len_get((esp_mac_type_t)99), 0);
}

static void the_chip_is_the_boards(void **state)
{
    esp_chip_info_t info;
    (void)state;
    esp_chip_info(&info);
    assert_int_equal(info.model, CHIP_ESP32C3);
    assert_int_equal(info.features, CHIP_FEATURE_WIFI_BGN | CHIP_FEATURE_BLE);
    assert_int_equal(info.revision, 4);
    assert_int_equal(info.cores, 1);
    world.board.chip = ud_chip_by_name("esp32");
    esp_chip_info(&info);
    assert_int_equal(info.model, CHIP_ESP32);
    assert_int_equal(info.cores, 2);
    world.board.chip = ud_chip_by_name("esp32c3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_or_for_each_period),
        cmocka_unit_test(timers_refuse_with_esp_idfs_codes),
        cmocka_unit_test(the_watchdog_names_who_is_late),
        cmocka_unit_test(sleep_hands_its_time_to_the_reset_line),
        cmocka_unit_test(pins_have_the_levels_of_the_board),
        cmocka_unit_test(interrupts_are_accepted_in_order),
        cmocka_unit_test(memory_is_of_the_kinds_that_a_board_has),
        cmocka_unit_test(addresses_follow_from_the_boards),
        cmocka_unit_test(the_chip_is_the_boards),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
