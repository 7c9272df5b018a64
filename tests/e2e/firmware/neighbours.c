/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of the tests that goes through the resets of a device and tells what outlived each: power-on, deep sleep, a
 * restart with a shutdown handler, a task watchdog, a panic. The last life gets onto the network.
 */
#include <stdio.h>
#include <stdlib.h>

#include "driver/gpio.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"

static const char *TAG = "neighbours";

static RTC_DATA_ATTR unsigned data_boots = 1;
static RTC_NOINIT_ATTR unsigned kept_boots;

static void on_shutdown(void)
{
    ESP_LOGI(TAG, "shutting down");
}

static void never_resets(void *arg)
{
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
    vTaskDelay(portMAX_DELAY);
    (void)arg;
}

static void on_timer(void *arg)
{
    xTaskNotifyGive(arg);
}

static void live_with_peripherals(void)
{
    uint8_t mac[6];
    gpio_config_t pin = { .pin_bit_mask = BIT64(4) | BIT64(9), .mode = GPIO_MODE_INPUT };
    esp_timer_create_args_t args = { .callback = on_timer, .arg = xTaskGetCurrentTaskHandle(), .name = "once" };
    esp_timer_handle_t timer;
    ESP_ERROR_CHECK(esp_timer_create(&args, &timer));
    ESP_ERROR_CHECK(esp_timer_start_once(timer, 20000));
    ESP_LOGI(TAG, "timer: %u", (unsigned)ulTaskNotifyTake(pdTRUE, portMAX_DELAY));
    ESP_ERROR_CHECK(gpio_config(&pin));
    ESP_LOGI(TAG, "pins: %d %d", gpio_get_level(GPIO_NUM_4), gpio_get_level(GPIO_NUM_9));
    ESP_ERROR_CHECK(esp_read_mac(mac, ESP_MAC_WIFI_STA));
    ESP_LOGI(TAG, "mac: " MACSTR, MAC2STR(mac));
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());
    ESP_LOGI(TAG, "at rest");
}

void app_main(void)
{
    ESP_LOGI(TAG, "reason %d cause %d data %u kept %u", esp_reset_reason(), esp_sleep_get_wakeup_cause(), data_boots,
             kept_boots);
    data_boots++;
    kept_boots++;
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
        kept_boots = 100;
        ESP_ERROR_CHECK(esp_register_shutdown_handler(on_shutdown));
        esp_deep_sleep(50000);
    case ESP_RST_DEEPSLEEP:
        ESP_ERROR_CHECK(esp_register_shutdown_handler(on_shutdown));
        esp_restart();
    case ESP_RST_SW: {
        esp_task_wdt_config_t config = { .timeout_ms = 50, .trigger_panic = true };
        ESP_ERROR_CHECK(esp_task_wdt_reconfigure(&config));
        xTaskCreate(never_resets, "sleepyhead", 4096, NULL, 5, NULL);
        break;
    }
    case ESP_RST_TASK_WDT:
        esp_system_abort("out of luck");
    default:
        live_with_peripherals();
    }
}
