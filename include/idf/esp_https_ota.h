/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Updates over HTTPS: ESP-IDF's esp_https_ota.h, today's interface, and the one-shot of the older one.
 *
 *     esp_http_client_config_t http = { .url = "https://host/fw.bin", .cert_pem = ca };
 *     esp_https_ota_config_t ota = { .http_config = &http };
 *     if (esp_https_ota(&ota) == ESP_OK) esp_restart();
 */
#ifndef ESP_HTTPS_OTA_H
#define ESP_HTTPS_OTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootloader_common.h"
#include "esp_app_desc.h"
#include "esp_bootloader_desc.h"
#include "esp_err.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_partition.h"

#ifdef __cplusplus
extern "C" {
#endif

ESP_EVENT_DECLARE_BASE(ESP_HTTPS_OTA_EVENT);

typedef enum {
    ESP_HTTPS_OTA_START = 0,
    ESP_HTTPS_OTA_CONNECTED = 1,
    ESP_HTTPS_OTA_GET_IMG_DESC = 2,
    ESP_HTTPS_OTA_VERIFY_CHIP_ID = 3,       /* esp_chip_id_t of the new image */
    ESP_HTTPS_OTA_VERIFY_CHIP_REVISION = 4, /* uint16_t, its min_chip_rev_full */
    ESP_HTTPS_OTA_DECRYPT_CB = 5,
    ESP_HTTPS_OTA_WRITE_FLASH = 6,           /* int, bytes written so far */
    ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION = 7, /* esp_partition_subtype_t of the slot */
    ESP_HTTPS_OTA_FINISH = 8,
    ESP_HTTPS_OTA_ABORT = 9,
} esp_https_ota_event_t;

typedef void *esp_https_ota_handle_t;
/** Called once after the client was made, to set headers; anything but ESP_OK ends the update with that code. */
typedef esp_err_t (*http_client_init_cb_t)(esp_http_client_handle_t);

typedef struct {
    const char *data_in;
    size_t data_in_len;
    char *data_out;
    size_t data_out_len;
} decrypt_cb_arg_t;
typedef esp_err_t (*decrypt_cb_t)(decrypt_cb_arg_t *args, void *user_ctx);

/**
 * Strings of http_config must live until begin has returned, certificates until finish or abort.
 */
typedef struct {
    const esp_http_client_config_t *http_config;
    http_client_init_cb_t http_client_init_cb;
    bool bulk_flash_erase;      /* erase up front instead of sector by sector */
    bool partial_http_download; /* ask for the length, then for ranges of at most max_http_request_size bytes */
    int max_http_request_size;  /* 0: 65536 */
    uint32_t buffer_caps;       /* a host has one kind of memory */
    bool ota_resumption; /* go on at ota_image_bytes_written (1024 or more) if the server can, else from the start */
    size_t ota_image_bytes_written;
    decrypt_cb_t
        decrypt_cb; /* gets what is downloaded; its data_out, from malloc, is written and freed. Not with resumption */
    void *decrypt_user_ctx;
    uint16_t enc_img_header_size; /* bytes of the download that are no part of the image */
    struct {
        const esp_partition_t *staging; /* NULL: the next update partition */
        const esp_partition_t *final;   /* NULL: staging; where the content belongs and what it is judged as */
        bool finalize_with_copy;        /* copied there by finish; what boots is the staging partition all the same */
    } partition;
} esp_https_ota_config_t;

/** All of it in one call that blocks. ESP_OK: the new slot boots next. */
esp_err_t esp_https_ota(const esp_https_ota_config_t *ota_config);
/** The same for code of the older interface. */
esp_err_t esp_https_ota_from_http_config(const esp_http_client_config_t *http_config);

/** Connect and judge the status. `*handle` is NULL after a failure. */
esp_err_t esp_https_ota_begin(const esp_https_ota_config_t *ota_config, esp_https_ota_handle_t *handle);
/** One piece: ESP_ERR_HTTPS_OTA_IN_PROGRESS call again; ESP_OK all received; else it failed: abort. */
esp_err_t esp_https_ota_perform(esp_https_ota_handle_t https_ota_handle);
bool esp_https_ota_is_complete_data_received(esp_https_ota_handle_t https_ota_handle);
/** Judge the image, switch the boot slot, free the handle (in any case). */
esp_err_t esp_https_ota_finish(esp_https_ota_handle_t https_ota_handle);
/** Give up, free the handle. */
esp_err_t esp_https_ota_abort(esp_https_ota_handle_t https_ota_handle);
/** The description of the image that is coming, before anything is written; may be asked again. */
esp_err_t esp_https_ota_get_img_desc(esp_https_ota_handle_t https_ota_handle, esp_app_desc_t *new_app_info);
/** The same of a boot loader (final partition of that type). The type of the final partition decides what is copied. */
esp_err_t esp_https_ota_get_bootloader_img_desc(esp_https_ota_handle_t https_ota_handle,
                                                esp_bootloader_desc_t *new_img_info);
/** Bytes written, -1 before the first perform. */
int esp_https_ota_get_image_len_read(esp_https_ota_handle_t https_ota_handle);
/** HTTP status of the last response, -1 without a handle. */
int esp_https_ota_get_status_code(esp_https_ota_handle_t https_ota_handle);
/** Size of the image as the server tells it, -1 when it does not. */
int esp_https_ota_get_image_size(esp_https_ota_handle_t https_ota_handle);

#ifdef __cplusplus
}

/* The older type, const or not, takes the older function; everything else (nullptr and NULL too) today's. */
namespace updraft
{
template <typename T> struct older_ota_result {
};
template <> struct older_ota_result<esp_http_client_config_t> {
    typedef esp_err_t type;
};
template <> struct older_ota_result<const esp_http_client_config_t> {
    typedef esp_err_t type;
};
} // namespace updraft

template <typename T> inline typename updraft::older_ota_result<T>::type esp_https_ota(T *http_config)
{
    return esp_https_ota_from_http_config(http_config);
}
#else
/* Variadic, so that the commas of a compound literal pass; `&esp_https_ota` is no call and stays the function. */
#define esp_https_ota(...)                                                                                             \
    _Generic((__VA_ARGS__),                                                                                            \
        esp_http_client_config_t *: esp_https_ota_from_http_config,                                                    \
        const esp_http_client_config_t *: esp_https_ota_from_http_config,                                              \
        default: esp_https_ota)(__VA_ARGS__)
#endif
#endif /* ESP_HTTPS_OTA_H */
