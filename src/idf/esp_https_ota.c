/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates over HTTPS: an HTTP client and an update (update.c has the states) behind one handle, with ESP-IDF's events
 * on the default loop. Events are posted without any lock, and a post that fails never changes the result.
 */
#include "esp_https_ota.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "decrypt_source.h"
#include "esp_log.h"
#include "http_client_face.h"
#include "room.h"

ESP_EVENT_DEFINE_BASE(ESP_HTTPS_OTA_EVENT);

static const char tag[] = "esp_https_ota";

#define RESUME_MIN 1024u /* what esp_https_ota has read before it writes; less is no start to go on from */

struct https_ota {
    esp_http_client_handle_t client;
    struct ud_ranges ranges;
    struct ud_decrypt_source decryption; /* of an application that has a decrypt_cb */
    struct ud_update update;
    int image_size; /* -1 unknown */
};

static void post(esp_https_ota_event_t id, const void *data, size_t size)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (env)
        (void)ud_idf_post(ESP_HTTPS_OTA_EVENT, (int32_t)id, data, size, env->config->https_ota_post_timeout_ms);
}

static void on_update_event(void *ctx, enum ud_update_event e, uint64_t a)
{
    (void)ctx;
    esp_chip_id_t chip = (esp_chip_id_t)a;
    uint16_t revision = (uint16_t)a;
    int bytes = (int)a;
    esp_partition_subtype_t subtype = (esp_partition_subtype_t)a;
    switch (e) {
    case UD_UPDATE_VERIFY_CHIP_ID:
        post(ESP_HTTPS_OTA_VERIFY_CHIP_ID, &chip, sizeof chip);
        break;
    case UD_UPDATE_VERIFY_CHIP_REVISION:
        post(ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, &revision, sizeof revision);
        break;
    case UD_UPDATE_WRITE_FLASH:
        post(ESP_HTTPS_OTA_WRITE_FLASH, &bytes, sizeof bytes);
        break;
    case UD_UPDATE_SET_BOOT:
        post(ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION, &subtype, sizeof subtype);
        break;
    }
}

/* ---- begin ------------------------------------------------------------------------------------------------------ */

static bool starts_with(const char *s, const char *prefix)
{
    while (*prefix && tolower((unsigned char)*s) == *prefix) {
        s++;
        prefix++;
    }
    return *prefix == '\0';
}

/* Will the first request be encrypted? As the client chooses: host and path win over url. */
static bool is_https(const esp_http_client_config_t *c)
{
    if (c->url && !(c->host && c->path))
        return starts_with(c->url, "https:");
    return c->transport_type == HTTP_TRANSPORT_OVER_SSL;
}

static bool is_server_judged(const esp_http_client_config_t *c)
{
    return c->cert_pem || c->use_global_ca_store || c->crt_bundle_attach;
}

static esp_err_t check_config(const esp_https_ota_config_t *c, const struct ud_app_config *app)
{
    const esp_http_client_config_t *http = c->http_config;
    if (!is_server_judged(http) || !is_https(http)) {
        if (!app->https_ota_allow_http) {
            ESP_LOGE(tag, "no https:// URL with a certificate to judge the server by (cert_pem, use_global_ca_store or "
                          "crt_bundle_attach); set ESP_HTTPS_OTA_ALLOW_HTTP to update without");
            return ESP_ERR_INVALID_ARG;
        }
        ESP_LOGW(tag, "the server is not authenticated (ESP_HTTPS_OTA_ALLOW_HTTP)");
    }
    if (http->is_async) {
        ESP_LOGE(tag, "is_async is not possible with an update");
        return ESP_ERR_INVALID_ARG;
    }
    if (app->https_ota_decrypt_cb && !c->decrypt_cb) {
        ESP_LOGE(tag, "decrypt_cb is needed with ESP_HTTPS_OTA_DECRYPT_CB");
        return ESP_ERR_INVALID_ARG;
    }
    if (c->decrypt_cb && c->ota_resumption) {
        ESP_LOGE(tag, "ota_resumption is not possible with decrypt_cb: the cipher cannot start in the middle");
        return ESP_ERR_NOT_SUPPORTED;
    }
    return ESP_OK;
}

static uint32_t resume_offset(const esp_https_ota_config_t *c)
{
    bool usable = c->ota_resumption && c->ota_image_bytes_written >= RESUME_MIN;
    return usable && c->ota_image_bytes_written <= UINT32_MAX ? (uint32_t)c->ota_image_bytes_written : 0;
}

static esp_err_t reach_server(struct https_ota *o, const esp_https_ota_config_t *c)
{
    const esp_http_client_config_t *http = c->http_config;
    o->client = esp_http_client_init(http);
    if (!o->client)
        return ESP_FAIL;
    esp_err_t err = c->http_client_init_cb ? c->http_client_init_cb(o->client) : ESP_OK;
    if (err != ESP_OK) {
        ESP_LOGE(tag, "http_client_init_cb returned %s", esp_err_to_name(err));
        return err;
    }
    const struct ud_ranges_options opt = {
        .max_redirects = http->max_redirection_count,
        .partial = c->partial_http_download,
        .max = c->max_http_request_size > 0 ? (uint32_t)c->max_http_request_size : 0,
        .resume = c->ota_resumption,
        .offset = resume_offset(c),
    };
    return ud_ranges_open(&o->ranges, ud_http_of(o->client), &opt, ud_idf_env()->board->obs);
}

static void post_decrypt(void)
{
    post(ESP_HTTPS_OTA_DECRYPT_CB, NULL, 0);
}

/* What is written: the bytes that come, or what the application makes of them. */
static esp_err_t choose_source(struct https_ota *o, const esp_https_ota_config_t *c, struct ud_source *source)
{
    size_t buffer = c->http_config->buffer_size > 0 ? (size_t)c->http_config->buffer_size : 0;
    *source = ud_ranges_source(&o->ranges);
    if (!c->decrypt_cb)
        return ESP_OK;
    o->decryption = (struct ud_decrypt_source){
        .inner = *source,
        .decrypt = c->decrypt_cb,
        .user_ctx = c->decrypt_user_ctx,
        .header_bytes = c->enc_img_header_size,
        .before = post_decrypt,
        .alloc = ud_idf_env()->alloc,
    };
    *source = ud_decrypt_source(&o->decryption);
    return ud_decrypt_source_start(&o->decryption, buffer > UD_UPDATE_HEADER_BYTES ? buffer : UD_UPDATE_HEADER_BYTES);
}

static esp_err_t prepare_update(struct https_ota *o, const esp_https_ota_config_t *c)
{
    const struct ud_idf_env *env = ud_idf_env();
    struct ud_source source;
    esp_err_t err = choose_source(o, c, &source);
    if (err != ESP_OK)
        return err;
    int64_t size = source.ops->size(source.ctx);
    if (size > INT_MAX) {
        ESP_LOGE(tag, "an image of %" PRId64 " bytes fits no partition", size);
        return ESP_ERR_INVALID_SIZE;
    }
    o->image_size = (int)size;
    struct ud_update_env up = {
        .ota = ud_idf_ota(),
        .alloc = env->alloc,
        .obs = env->board->obs,
        .event = on_update_event,
    };
    struct ud_update_options opt = {
        .slot = ud_idf_partition_entry(c->partition.staging),
        .buffer_size = c->http_config->buffer_size > 0 ? (size_t)c->http_config->buffer_size : 0,
        .bulk_erase = c->bulk_flash_erase,
        .check_spi_mode = env->config->https_ota_verify_spi_mode,
        .resume_at = (uint32_t)o->ranges.at, /* 0 when the server could not go on */
    };
    bool elsewhere = c->partition.final && c->partition.final != c->partition.staging;
    if (elsewhere) {
        opt.final = ud_idf_partition_entry(c->partition.final);
        opt.copy_to_final = c->partition.finalize_with_copy;
    }
    if (c->partition.staging && !opt.slot) {
        ESP_LOGE(tag, "the staging partition is not in the table");
        return ESP_FAIL;
    }
    if (elsewhere && !opt.final) {
        ESP_LOGE(tag, "the final partition is not in the table");
        return ESP_FAIL;
    }
    ESP_LOGI(tag, "Starting OTA...");
    return ud_update_begin(&o->update, &up, source, &opt);
}

static void close_client(struct https_ota *o)
{
    ud_decrypt_source_stop(&o->decryption);
    if (o->client)
        (void)esp_http_client_cleanup(o->client);
    o->client = NULL;
}

esp_err_t esp_https_ota_begin(const esp_https_ota_config_t *ota_config, esp_https_ota_handle_t *handle)
{
    const struct ud_idf_env *env = ud_idf_env();
    post(ESP_HTTPS_OTA_START, NULL, 0);
    if (handle)
        *handle = NULL;
    if (!handle || !ota_config || !ota_config->http_config)
        return ESP_ERR_INVALID_ARG;
    if (!env)
        return ESP_ERR_INVALID_STATE;
    esp_err_t err = check_config(ota_config, env->config);
    if (err != ESP_OK)
        return err;
    struct https_ota *o = ud_idf_alloc(sizeof *o);
    if (!o)
        return ESP_ERR_NO_MEM;
    memset(o, 0, sizeof *o);
    err = reach_server(o, ota_config);
    if (err != ESP_OK)
        goto done;
    post(ESP_HTTPS_OTA_CONNECTED, NULL, 0);
    err = prepare_update(o, ota_config);
done:
    if (err == ESP_OK) {
        *handle = o;
    } else {
        close_client(o);
        ud_idf_free(o);
    }
    return err;
}

/* ---- in between ------------------------------------------------------------------------------------------------- */

esp_err_t esp_https_ota_perform(esp_https_ota_handle_t https_ota_handle)
{
    struct https_ota *o = https_ota_handle;
    if (!o)
        return ESP_ERR_INVALID_ARG;
    bool in_header = o->update.state == UD_UPDATE_BEGIN;
    esp_err_t err = ud_update_step(&o->update);
    return in_header && o->decryption.refused ? ESP_FAIL : err; /* its own code from then on */
}

/* One function for both, as in ESP-IDF: what comes decides how much is copied, but never more than there is room. */
static esp_err_t get_desc(struct https_ota *o, void *out, size_t room)
{
    uint8_t bytes[UD_APP_DESC_BYTES];
    size_t len;
    post(ESP_HTTPS_OTA_GET_IMG_DESC, NULL, 0);
    if (o && o->decryption.decrypt)
        return ESP_ERR_NOT_SUPPORTED;
    if (!o || !out)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = ud_update_get_any_desc(&o->update, bytes, &len);
    if (err == ESP_OK && len > room)
        err = ESP_ERR_INVALID_SIZE;
    if (err == ESP_OK)
        memcpy(out, bytes, len);
    return err;
}

esp_err_t esp_https_ota_get_img_desc(esp_https_ota_handle_t https_ota_handle, esp_app_desc_t *new_app_info)
{
    return get_desc(https_ota_handle, new_app_info, sizeof *new_app_info);
}

esp_err_t esp_https_ota_get_bootloader_img_desc(esp_https_ota_handle_t https_ota_handle,
                                                esp_bootloader_desc_t *new_img_info)
{
    return get_desc(https_ota_handle, new_img_info, sizeof *new_img_info);
}

bool esp_https_ota_is_complete_data_received(esp_https_ota_handle_t https_ota_handle)
{
    struct https_ota *o = https_ota_handle;
    if (!o)
        return false;
    if (o->decryption.decrypt)
        return ud_decrypt_source(&o->decryption).ops->is_complete(&o->decryption);
    return o->ranges.opt.partial ? o->ranges.length == (int64_t)o->update.written
                                 : ud_http_is_complete(ud_http_of(o->client));
}

int esp_https_ota_get_image_len_read(esp_https_ota_handle_t https_ota_handle)
{
    const struct https_ota *o = https_ota_handle;
    return o && o->update.state >= UD_UPDATE_IN_PROGRESS ? (int)o->update.written : -1;
}

int esp_https_ota_get_status_code(esp_https_ota_handle_t https_ota_handle)
{
    const struct https_ota *o = https_ota_handle;
    return o ? ud_http_status(ud_http_of(o->client)) : -1;
}

int esp_https_ota_get_image_size(esp_https_ota_handle_t https_ota_handle)
{
    const struct https_ota *o = https_ota_handle;
    return o ? o->image_size : -1;
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

esp_err_t esp_https_ota_finish(esp_https_ota_handle_t https_ota_handle)
{
    struct https_ota *o = https_ota_handle;
    if (!o)
        return ESP_ERR_INVALID_ARG;
    close_client(o); /* nothing more is read */
    esp_err_t err = ud_update_finish(&o->update);
    ud_idf_free(o);
    post(ESP_HTTPS_OTA_FINISH, NULL, 0);
    return err;
}

esp_err_t esp_https_ota_abort(esp_https_ota_handle_t https_ota_handle)
{
    struct https_ota *o = https_ota_handle;
    post(ESP_HTTPS_OTA_ABORT, NULL, 0);
    if (!o)
        return ESP_ERR_INVALID_ARG;
    (void)ud_update_abort(&o->update);
    close_client(o);
    ud_idf_free(o);
    return ESP_OK;
}

/* ---- one shot --------------------------------------------------------------------------------------------------- */

/* In brackets: the header's macro of this name is for calls. */
esp_err_t(esp_https_ota)(const esp_https_ota_config_t *ota_config)
{
    if (!ota_config || !ota_config->http_config)
        return ESP_ERR_INVALID_ARG;
    if (ota_config->ota_resumption)
        return ESP_ERR_NOT_SUPPORTED;
    esp_https_ota_handle_t handle;
    esp_err_t err = esp_https_ota_begin(ota_config, &handle);
    if (err != ESP_OK)
        return err;
    do {
        err = esp_https_ota_perform(handle);
    } while (err == ESP_ERR_HTTPS_OTA_IN_PROGRESS); /* the client's stall rule ends it at last */
    if (err == ESP_OK)
        return esp_https_ota_finish(handle);
    (void)esp_https_ota_abort(handle);
    return err;
}

esp_err_t esp_https_ota_from_http_config(const esp_http_client_config_t *http_config)
{
    if (!http_config)
        return ESP_ERR_INVALID_ARG;
    esp_https_ota_config_t config = { .http_config = http_config };
    return (esp_https_ota)(&config);
}
