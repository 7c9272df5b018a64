/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware of the tests that does as it is told: the partition `cfg` says, for each kind of reset, what is to be done
 * ("power-on=clone software=confirm panic=stay"). It tells in one line what it is, and in one more what it does.
 *
 *   clone     copy the running slot into the other one, make that boot next, restart
 *   confirm   mark the running slot valid, and stay
 *   reject    mark it invalid and go back
 *   crash     abort
 *   rude      tell the supervisor of a panic in words that would move a terminal's cursor
 *   leave     end the process with exit code 0, which no firmware does
 *   stay      nothing
 */
#include "esp_ota_ops.h"
#include "example_identity.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "updraft/board.h"

static const char *TAG = "obeys";

static void tell_state(void)
{
    static const char *const names[] = { "NEW", "PENDING_VERIFY", "VALID", "INVALID", "ABORTED" };
    esp_ota_img_states_t state;
    if (esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) != ESP_OK)
        ESP_LOGI(TAG, "state unknown");
    else
        ESP_LOGI(TAG, "state %s", (unsigned)state < 5 ? names[state] : "UNDEFINED");
}

static void clone(void)
{
    static uint8_t block[16384];
    const esp_partition_t *from = esp_ota_get_running_partition();
    const esp_partition_t *to = esp_ota_get_next_update_partition(NULL);
    esp_ota_handle_t update;
    ESP_ERROR_CHECK(esp_ota_begin(to, OTA_WITH_SEQUENTIAL_WRITES, &update));
    for (size_t at = 0; at < from->size; at += sizeof block) {
        size_t len = from->size - at < sizeof block ? from->size - at : sizeof block;
        ESP_ERROR_CHECK(esp_partition_read(from, at, block, len));
        ESP_ERROR_CHECK(esp_ota_write(update, block, len));
    }
    ESP_ERROR_CHECK(esp_ota_end(update));
    ESP_ERROR_CHECK(esp_ota_set_boot_partition(to));
    esp_restart();
}

static void be_rude(void)
{
    struct ud_msg message = { .type = UD_MSG_PANIC, .text = "\x1b[2J\rboard: booting ota_1" };
    uint8_t bytes[UD_MSG_BYTES];
    ud_msg_encode(&message, bytes);
    send(UD_FD_SUPERVISOR, bytes, sizeof bytes, 0);
    abort();
}

/* The order after "<reset>=" in the text of cfg; "stay" without one. */
static void read_order(const char *reset, char *order, size_t size)
{
    char text[128] = "", key[32];
    const esp_partition_t *cfg = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, 0x40, "cfg");
    ESP_ERROR_CHECK(esp_partition_read(cfg, 0, text, sizeof text - 1));
    snprintf(key, sizeof key, "%s=", reset);
    const char *found = strstr(text, key);
    snprintf(order, size, "%.*s", found ? (int)strcspn(found + strlen(key), " \n\xff") : 4,
             found ? found + strlen(key) : "stay");
}

void app_main(void)
{
    char order[16];
    example_print_identity(TAG);
    tell_state();
    read_order(example_reset_name(esp_reset_reason()), order, sizeof order);
    ESP_LOGI(TAG, "order: %s", order);
    if (strcmp(order, "clone") == 0)
        clone();
    else if (strcmp(order, "confirm") == 0)
        ESP_ERROR_CHECK(esp_ota_mark_app_valid_cancel_rollback());
    else if (strcmp(order, "reject") == 0)
        ESP_LOGE(TAG, "cannot go back: %s", esp_err_to_name(esp_ota_mark_app_invalid_rollback_and_reboot()));
    else if (strcmp(order, "crash") == 0)
        abort();
    else if (strcmp(order, "rude") == 0)
        be_rude();
    else if (strcmp(order, "leave") == 0)
        exit(0);
    tell_state();
    ESP_LOGI(TAG, "at rest");
}
