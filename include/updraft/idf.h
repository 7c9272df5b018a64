/* SPDX-License-Identifier: Apache-2.0 */
/**
 * idf: how the ESP-IDF API of this process is given its world. The only room with a *current* board.
 *
 * Firmware start-up (port/linux/firmware_main.c) or a test builds the pieces and calls ud_idf_start once; from then on
 * the `esp_*` functions work, from any thread. Everything that is process-wide lives behind this header.
 */
#ifndef UPDRAFT_IDF_H
#define UPDRAFT_IDF_H

#include "updraft/update.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The application's sdkconfig as data. `updraft_add_firmware` generates one const instance for each firmware, so the
 * library is compiled once, without sdkconfig.h. Only `idf` (and `compat`) read it. Members are appended, never moved.
 */
struct ud_app_config {
    bool app_rollback;               /* BOOTLOADER_APP_ROLLBACK_ENABLE */
    bool app_anti_rollback;          /* BOOTLOADER_APP_ANTI_ROLLBACK */
    uint32_t secure_version;         /* BOOTLOADER_APP_SECURE_VERSION */
    bool https_ota_allow_http;       /* ESP_HTTPS_OTA_ALLOW_HTTP */
    int https_ota_post_timeout_ms;   /* ESP_HTTPS_OTA_EVENT_POST_TIMEOUT, -1 for ever */
    bool https_ota_verify_spi_mode;  /* ESP_HTTPS_OTA_VERIFY_SPI_MODE */
    int http_client_post_timeout_ms; /* ESP_HTTP_CLIENT_EVENT_POST_TIMEOUT */
    bool http_client_basic_auth;     /* ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH */
    bool http_client_digest_auth;    /* ESP_HTTP_CLIENT_ENABLE_DIGEST_AUTH */
    bool err_to_name_lookup;         /* ESP_ERR_TO_NAME_LOOKUP */
    bool partition_table_md5;        /* PARTITION_TABLE_MD5: a table without an MD5 entry is refused */
    uint8_t log_default_level;       /* LOG_DEFAULT_LEVEL, esp_log_level_t */
    uint8_t log_colors;              /* 0 never, 1 on a terminal */
    uint32_t freertos_hz;            /* FREERTOS_HZ */
    uint32_t event_queue_size;       /* ESP_SYSTEM_EVENT_QUEUE_SIZE */
    uint32_t main_task_stack;        /* ESP_MAIN_TASK_STACK_SIZE */
    bool nvs_legacy_dup_keys;        /* NVS_LEGACY_DUP_KEYS_COMPATIBILITY */
    bool https_ota_decrypt_cb;       /* ESP_HTTPS_OTA_DECRYPT_CB: an update without a callback is refused */
};

/** ESP-IDF's own defaults. */
extern const struct ud_app_config ud_app_config_defaults;

struct ud_idf_env {
    struct ud_board *board;
    const struct ud_app_config *config;
    struct ud_os os;
    struct ud_alloc alloc;
    /** Make and destroy a transport for one HTTP client; ESP_ERR_NO_MEM. */
    esp_err_t (*transport_create)(void *ctx, struct ud_transport *out);
    void (*transport_destroy)(void *ctx, struct ud_transport *t);
    void *transport_ctx;
    struct ud_entropy entropy; /* for esp_random; fill NULL: esp_random ends the program */
    /** NULL: only the loopback interface. */
    void (*network)(struct ud_network *out);
    bool terminal; /* standard output is one: log lines may be coloured */
};

/** Make `env` (copied; what it points to is kept) the world of esp_*. ESP_ERR_INVALID_STATE when one is set. */
UD_MUST_USE esp_err_t ud_idf_start(const struct ud_idf_env *env);
/** Forget it again (tests): deletes the default event loop, closes open OTA handles, frees partition objects. */
void ud_idf_stop(void);

/** The world; NULL / defaults before ud_idf_start. */
const struct ud_idf_env *ud_idf_env(void);
struct ud_ota *ud_idf_ota(void);
/** The running application's description, as in its slot (magic and all, 256 bytes), NULL when nothing runs. */
const uint8_t *ud_idf_running_desc(void);

/** An observer that turns notes into log lines (tags as ESP-IDF's: "esp_ota_ops", "esp_https_ota", "HTTP_CLIENT" …). */
struct ud_observer ud_idf_log_observer(void);
/**
 * A note as one sentence without a full stop: what, where, what to do. Never empty; truncated to `size`.
 * Used by the log observer and by the command line.
 */
void ud_note_sentence(const struct ud_note *note, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_IDF_H */
