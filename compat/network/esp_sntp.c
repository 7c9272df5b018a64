/* SPDX-License-Identifier: Apache-2.0 */
/* A synchronisation is a call in the task of the timers that tells whoever waits what the host's clock says. */
#include "esp_netif_sntp.h"

#include <time.h>

#include "freertos/timers.h"
#include "kernel.h"

ESP_EVENT_DEFINE_BASE(NETIF_SNTP_EVENT);

#define SHORTEST_INTERVAL 15000u

/* Under the kernel's lock. */
static struct {
    bool enabled;
    bool completed; /* not told yet */
    bool initialised, waits;
    bool to_wait_for; /* a synchronisation that nobody has waited for */
    uint32_t interval_ms;
    sntp_sync_mode_t mode;
    sntp_sync_time_cb_t callback;
    const char *server[SNTP_MAX_SERVERS];
} sntp = { .interval_ms = 3600000 };

static void synchronise(void *arg, uint32_t number)
{
    struct timespec now;
    (void)arg;
    (void)number;
    timespec_get(&now, TIME_UTC);
    esp_netif_sntp_time_sync_t event = { .tv = { .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 } };
    kernel_enter();
    bool enabled = sntp.enabled;
    sntp_sync_time_cb_t callback = sntp.callback;
    if (enabled) {
        sntp.completed = true;
        sntp.to_wait_for = sntp.waits;
        kernel_wake(kernel_signal());
    }
    kernel_leave();
    if (enabled && callback)
        callback(&event.tv);
    if (enabled) /* without a default loop nobody listens */
        (void)esp_event_post(NETIF_SNTP_EVENT, NETIF_SNTP_TIME_SYNC, &event, sizeof event, 0);
}

void esp_sntp_init(void)
{
    kernel_enter();
    bool starts = !sntp.enabled;
    sntp.enabled = true;
    kernel_leave();
    if (starts)
        kernel_require(xTimerPendFunctionCall(synchronise, NULL, 0, portMAX_DELAY) == pdPASS,
                       "SNTP: no memory for the task of the timers");
}

void esp_sntp_stop(void)
{
    kernel_enter();
    sntp.enabled = false;
    kernel_leave();
}

bool esp_sntp_enabled(void)
{
    kernel_enter();
    bool enabled = sntp.enabled;
    kernel_leave();
    return enabled;
}

bool sntp_restart(void)
{
    bool enabled = esp_sntp_enabled();
    if (enabled) {
        esp_sntp_stop();
        esp_sntp_init();
    }
    return enabled;
}

void esp_sntp_setoperatingmode(esp_sntp_operatingmode_t operating_mode)
{
    kernel_require(!esp_sntp_enabled(), "the mode of SNTP is set before it is started");
    (void)operating_mode;
}

void esp_sntp_setservername(uint8_t idx, const char *server)
{
    kernel_enter();
    if (idx < SNTP_MAX_SERVERS)
        sntp.server[idx] = server;
    kernel_leave();
}

const char *esp_sntp_getservername(uint8_t idx)
{
    kernel_enter();
    const char *server = idx < SNTP_MAX_SERVERS ? sntp.server[idx] : NULL;
    kernel_leave();
    return server;
}

void sntp_set_time_sync_notification_cb(sntp_sync_time_cb_t callback)
{
    kernel_enter();
    sntp.callback = callback;
    kernel_leave();
}

void sntp_set_sync_mode(sntp_sync_mode_t sync_mode)
{
    kernel_enter();
    sntp.mode = sync_mode;
    kernel_leave();
}

sntp_sync_mode_t sntp_get_sync_mode(void)
{
    kernel_enter();
    sntp_sync_mode_t mode = sntp.mode;
    kernel_leave();
    return mode;
}

sntp_sync_status_t sntp_get_sync_status(void)
{
    kernel_enter();
    bool completed = sntp.completed;
    sntp.completed = false;
    kernel_leave();
    return completed ? SNTP_SYNC_STATUS_COMPLETED : SNTP_SYNC_STATUS_RESET;
}

void sntp_set_sync_interval(uint32_t interval_ms)
{
    kernel_enter();
    sntp.interval_ms = interval_ms < SHORTEST_INTERVAL ? SHORTEST_INTERVAL : interval_ms;
    kernel_leave();
}

uint32_t sntp_get_sync_interval(void)
{
    kernel_enter();
    uint32_t interval = sntp.interval_ms;
    kernel_leave();
    return interval;
}

/* ---- esp_netif_sntp.h ---- */

esp_err_t esp_netif_sntp_init(const esp_sntp_config_t *config)
{
    if (!config || config->server_from_dhcp || config->num_of_servers > SNTP_MAX_SERVERS ||
        config->index_of_first_server > SNTP_MAX_SERVERS - config->num_of_servers)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    bool again = sntp.initialised;
    if (!again) {
        sntp.initialised = true;
        sntp.waits = config->wait_for_sync;
        sntp.to_wait_for = false;
        sntp.callback = config->sync_cb;
        sntp.mode = config->smooth_sync ? SNTP_SYNC_MODE_SMOOTH : SNTP_SYNC_MODE_IMMED;
        for (size_t i = 0; i < config->num_of_servers; i++)
            sntp.server[config->index_of_first_server + i] = config->servers[i];
    }
    kernel_leave();
    if (again)
        return ESP_ERR_INVALID_STATE;
    return config->start ? esp_netif_sntp_start() : ESP_OK;
}

esp_err_t esp_netif_sntp_start(void)
{
    kernel_enter();
    bool initialised = sntp.initialised;
    kernel_leave();
    if (initialised)
        esp_sntp_init();
    return initialised ? ESP_OK : ESP_ERR_INVALID_STATE;
}

void esp_netif_sntp_deinit(void)
{
    kernel_enter();
    sntp.enabled = sntp.initialised = sntp.waits = sntp.to_wait_for = false;
    sntp.callback = NULL;
    kernel_leave();
}

esp_err_t esp_netif_sntp_sync_wait(TickType_t tout)
{
    kernel_enter();
    esp_err_t err = sntp.initialised && sntp.waits ? ESP_OK : ESP_ERR_INVALID_STATE;
    struct kernel_deadline deadline = kernel_deadline(tout);
    bool more = err == ESP_OK;
    while (more && !sntp.to_wait_for)
        more = kernel_wait(kernel_signal(), deadline);
    if (err == ESP_OK && !sntp.to_wait_for)
        err = ESP_ERR_TIMEOUT;
    sntp.to_wait_for = false;
    kernel_leave();
    return err;
}
