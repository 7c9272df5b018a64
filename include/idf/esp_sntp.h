/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Time: ESP-IDF's esp_sntp.h. The clock of a board is the host's and right from the first instruction, so starting it
 * counts as synchronised at once: the callback is called from the task of the timers, no packet is sent, and the host's
 * clock is never set. Names of servers are kept.
 */
#ifndef ESP_SNTP_H
#define ESP_SNTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SNTP_MAX_SERVERS 16

typedef enum { SNTP_SYNC_MODE_IMMED, SNTP_SYNC_MODE_SMOOTH } sntp_sync_mode_t;
typedef enum { SNTP_SYNC_STATUS_RESET, SNTP_SYNC_STATUS_COMPLETED, SNTP_SYNC_STATUS_IN_PROGRESS } sntp_sync_status_t;
typedef enum { ESP_SNTP_OPMODE_POLL, ESP_SNTP_OPMODE_LISTENONLY } esp_sntp_operatingmode_t;
typedef void (*sntp_sync_time_cb_t)(struct timeval *tv);

void esp_sntp_setoperatingmode(esp_sntp_operatingmode_t operating_mode);
/** `server` is kept; an index from SNTP_MAX_SERVERS on is ignored. */
void esp_sntp_setservername(uint8_t idx, const char *server);
const char *esp_sntp_getservername(uint8_t idx);
void esp_sntp_init(void);
void esp_sntp_stop(void);
bool esp_sntp_enabled(void);

void sntp_set_time_sync_notification_cb(sntp_sync_time_cb_t callback);
void sntp_set_sync_mode(sntp_sync_mode_t sync_mode);
sntp_sync_mode_t sntp_get_sync_mode(void);
/** COMPLETED is told once. */
sntp_sync_status_t sntp_get_sync_status(void);
/** Below 15,000 it is 15,000; without effect, as the clock is always right. */
void sntp_set_sync_interval(uint32_t interval_ms);
uint32_t sntp_get_sync_interval(void);
/** False when it is not enabled. */
bool sntp_restart(void);

#define SNTP_OPMODE_POLL                                 ESP_SNTP_OPMODE_POLL
#define sntp_setoperatingmode(mode)                      esp_sntp_setoperatingmode((esp_sntp_operatingmode_t)(mode))
#define sntp_setservername(idx, server)                  esp_sntp_setservername((idx), (server))
#define sntp_getservername(idx)                          esp_sntp_getservername(idx)
#define sntp_init()                                      esp_sntp_init()
#define sntp_stop()                                      esp_sntp_stop()
#define sntp_enabled()                                   esp_sntp_enabled()
#define esp_sntp_set_sync_mode(mode)                     sntp_set_sync_mode(mode)
#define esp_sntp_set_sync_interval(ms)                   sntp_set_sync_interval(ms)
#define esp_sntp_set_time_sync_notification_cb(callback) sntp_set_time_sync_notification_cb(callback)

#ifdef __cplusplus
}
#endif
#endif /* ESP_SNTP_H */
