// SPDX-License-Identifier: Apache-2.0
// The update step by step in C++: handles that close themselves, errors as exceptions.
#include <memory>
#include <stdexcept>
#include <string>

#include "esp_app_desc.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"
#include "sdkconfig.h"

namespace {

const char *const tag = "cxx";
extern "C" const char server_cert_pem_start[] asm("_binary_ca_cert_pem_start");

void check(esp_err_t err, const std::string &what)
{
    if (err != ESP_OK)
        throw std::runtime_error(what + ": " + esp_err_to_name(err));
}

class Update {
public:
    explicit Update(const esp_http_client_config_t &http)
    {
        esp_https_ota_config_t config = {};
        config.http_config = &http;
        check(esp_https_ota_begin(&config, &handle_), "the update cannot begin");
    }
    Update(const Update &) = delete;
    Update &operator=(const Update &) = delete;
    ~Update()
    {
        if (handle_)
            esp_https_ota_abort(handle_);
    }

    std::string version() const
    {
        esp_app_desc_t desc = {};
        check(esp_https_ota_get_img_desc(handle_, &desc), "no description");
        return desc.version;
    }

    void write()
    {
        esp_err_t err;
        while ((err = esp_https_ota_perform(handle_)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
            ;
        check(err, "writing has failed");
        if (!esp_https_ota_is_complete_data_received(handle_))
            throw std::runtime_error("the image is not complete");
    }

    void finish()
    {
        esp_https_ota_handle_t handle = handle_;
        handle_ = nullptr;
        check(esp_https_ota_finish(handle), "the image is refused");
    }

private:
    esp_https_ota_handle_t handle_ = nullptr;
};

void update()
{
    esp_http_client_config_t http = {};
    http.url = CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL;
    http.cert_pem = server_cert_pem_start;
    Update update(http);
    if (update.version() == esp_app_get_description()->version)
        throw std::runtime_error("version " + update.version() + " runs already");
    update.write();
    update.finish();
}

} // namespace

extern "C" void app_main(void)
{
    check(nvs_flash_init(), "NVS");
    check(esp_netif_init(), "network");
    check(esp_event_loop_create_default(), "events");
    check(example_connect(), "connecting");
    esp_ota_img_states_t state;
    const esp_partition_t *running = esp_ota_get_running_partition();
    ESP_LOGI(tag, "version %s runs from %s", esp_app_get_description()->version, running->label);
    if (esp_ota_get_state_partition(running, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY) {
        check(esp_ota_mark_app_valid_cancel_rollback(), "confirming");
        ESP_LOGI(tag, "version %s confirmed", esp_app_get_description()->version);
    }
    try {
        update();
        ESP_LOGI(tag, "updated, restarting");
        esp_restart();
    } catch (const std::exception &e) {
        ESP_LOGI(tag, "no update: %s", e.what());
    }
}
