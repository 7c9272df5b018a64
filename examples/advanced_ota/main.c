/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four steps of an update, one after the other, with the application in charge between them: acquire (and refuse
 * what is not wanted), write, verify, switch. After an update the new firmware tests itself and confirms; one that does
 * not get that far is rolled back by the boot loader.
 *
 * One decision a boot: update and restart, or be idle.
 */
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_ota_ops.h"
#include "example_config.h"
#include "example_identity.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define PROGRESS_STEP (128 * 1024)

static const char *TAG = "advanced_ota";

/* ---- step 1: acquire -------------------------------------------------------------------------------------------- */

/* Tell the server which version asks. */
static esp_err_t set_headers(esp_http_client_handle_t client)
{
    char version[sizeof(esp_app_get_description()->version) + 1];
    snprintf(version, sizeof version, "%.32s", esp_app_get_description()->version);
    return esp_http_client_set_header(client, "X-Firmware-Version", version);
}

/* ESP_OK: the image is wanted. Nothing has been written yet. */
static esp_err_t judge_new_image(const esp_app_desc_t *new_app)
{
    const esp_app_desc_t *running = esp_app_get_description();
    if (memcmp(new_app->version, running->version, sizeof new_app->version) == 0) {
        ESP_LOGI(TAG, "version %.32s is what runs already: refused", new_app->version);
        return ESP_ERR_INVALID_VERSION;
    }
    esp_app_desc_t invalid;
    const esp_partition_t *last_invalid = esp_ota_get_last_invalid_partition();
    if (last_invalid != NULL && esp_ota_get_partition_description(last_invalid, &invalid) == ESP_OK &&
        memcmp(new_app->version, invalid.version, sizeof new_app->version) == 0) {
        ESP_LOGW(TAG, "version %.32s failed before and was marked invalid: refused", new_app->version);
        return ESP_ERR_INVALID_VERSION;
    }
    ESP_LOGI(TAG, "version %.32s is new: accepted", new_app->version);
    return ESP_OK;
}

static esp_err_t acquire(const struct example_config *where, esp_https_ota_handle_t *ota)
{
    esp_http_client_config_t http = {
        .url = where->url,
        .cert_pem = where->ca_pem,
        .timeout_ms = 5000,
        .keep_alive_enable = true,
    };
    esp_https_ota_config_t config = {
        .http_config = &http,
        .http_client_init_cb = set_headers,
    };
    ESP_LOGI(TAG, "1 acquire: %s", where->url);
    esp_err_t err = esp_https_ota_begin(&config, ota);
    if (err != ESP_OK)
        return err;
    esp_app_desc_t new_app;
    err = esp_https_ota_get_img_desc(*ota, &new_app);
    return err == ESP_OK ? judge_new_image(&new_app) : err;
}

/* ---- step 2: write ---------------------------------------------------------------------------------------------- */

static esp_err_t write_image(esp_https_ota_handle_t ota)
{
    int size = esp_https_ota_get_image_size(ota);
    int next = PROGRESS_STEP;
    ESP_LOGI(TAG, "2 write: %d bytes to %s", size, esp_ota_get_next_update_partition(NULL)->label);
    esp_err_t err;
    while ((err = esp_https_ota_perform(ota)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
        int done = esp_https_ota_get_image_len_read(ota);
        if (done >= next) {
            ESP_LOGI(TAG, "  %d of %d KiB", done / 1024, size / 1024);
            next = done + PROGRESS_STEP;
        }
    }
    return err;
}

/* ---- steps 3 and 4: verify, switch ------------------------------------------------------------------------------ */

/* Verifies and, if all is well, makes the new slot boot next. Ends the update in any case. */
static esp_err_t verify_and_switch(esp_https_ota_handle_t ota)
{
    if (!esp_https_ota_is_complete_data_received(ota)) {
        ESP_LOGE(TAG, "3 verify: the image is not complete");
        esp_https_ota_abort(ota);
        return ESP_ERR_INVALID_SIZE;
    }
    esp_err_t err = esp_https_ota_finish(ota);
    if (err == ESP_ERR_OTA_VALIDATE_FAILED)
        ESP_LOGE(TAG, "3 verify: the image is damaged");
    else if (err == ESP_OK)
        ESP_LOGI(TAG, "3 verify: the image is whole");
    return err;
}

static esp_err_t update(void)
{
    struct example_config where;
    esp_err_t err = example_config_load(&where);
    if (err != ESP_OK) {
        ESP_LOGI(TAG, "no address in the partition cfg");
        return err;
    }
    esp_https_ota_handle_t ota = NULL;
    err = acquire(&where, &ota);
    if (err == ESP_OK)
        err = write_image(ota);
    if (err == ESP_OK)
        err = verify_and_switch(ota);
    else if (ota != NULL)
        esp_https_ota_abort(ota);
    example_config_free(&where);
    return err;
}

static void update_task(void *arg)
{
    (void)arg;
    esp_err_t err = update();
    if (err == ESP_OK) {
        ESP_LOGI(TAG, "4 switch: %s boots next, restarting", esp_ota_get_boot_partition()->label);
        esp_restart();
    }
    if (err != ESP_ERR_INVALID_VERSION && err != ESP_ERR_NOT_FOUND)
        ESP_LOGE(TAG, "update failed: %s", esp_err_to_name(err));
    ESP_LOGI(TAG, "idle: no update");
    vTaskDelete(NULL);
}

/* ---- after an update -------------------------------------------------------------------------------------------- */

/* What this firmware needs to be of use: a slot to update into, and a configuration that can be read. */
static bool self_test(void)
{
    struct example_config where;
    esp_err_t err = example_config_load(&where);
    example_config_free(&where);
    return esp_ota_get_next_update_partition(NULL) != NULL && (err == ESP_OK || err == ESP_ERR_NOT_FOUND);
}

static void confirm_if_pending(void)
{
    esp_ota_img_states_t state;
    if (esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) != ESP_OK ||
        state != ESP_OTA_IMG_PENDING_VERIFY)
        return;
#ifdef CONFIG_EXAMPLE_CRASH_BEFORE_CONFIRM
    ESP_LOGE(TAG, "this version crashes before it confirms");
    abort();
#endif
    if (!self_test()) {
        ESP_LOGE(TAG, "self-test failed: going back");
        ESP_ERROR_CHECK(esp_ota_mark_app_invalid_rollback_and_reboot()); /* returns only if it cannot */
        return;
    }
    ESP_ERROR_CHECK(esp_ota_mark_app_valid_cancel_rollback());
    ESP_LOGI(TAG, "self-test passed: confirmed");
}

void app_main(void)
{
    example_print_identity(TAG);
    confirm_if_pending();
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    if (xTaskCreate(update_task, "update", 8192, NULL, 5, NULL) != pdPASS)
        ESP_LOGE(TAG, "no memory for the update task");
}
