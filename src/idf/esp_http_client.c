/* SPDX-License-Identifier: Apache-2.0 */
/* esp_http_client.h over ud_http: a handle is a core, its transport, and what ESP-IDF's events want to carry. */
#include "esp_http_client.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "esp_log.h"
#include "http_client_face.h"
#include "room.h"

ESP_EVENT_DEFINE_BASE(ESP_HTTP_CLIENT_EVENT);

static const char tag[] = "HTTP_CLIENT";

struct esp_http_client {
    struct ud_http *http;
    struct ud_idf_env env; /* of the time of init: what was taken there is given back there */
    struct ud_transport transport;
    http_event_handle_cb handler;
    void *user_data;
    bool disable_auto_redirect;
    int post_timeout_ms;
    int64_t data_process;
    int error_number;
    bool tls_error_taken;
    char *key_password; /* terminated copy */
    size_t key_password_len;
};

struct ud_http *ud_http_of(esp_http_client_handle_t client)
{
    return client->http;
}

/* ---- events ------------------------------------------------------------------------------------------------ */

static void call_handler(struct esp_http_client *client, const struct ud_http_event *e)
{
    int status = e->status;
    esp_http_client_event_t event = {
        .event_id = (esp_http_client_event_id_t)e->id,
        .client = client,
        .user_data = client->user_data,
        .header_key = (char *)(uintptr_t)e->name,
        .header_value = (char *)(uintptr_t)e->value,
    };
    if (e->id == UD_HTTP_EVENT_ON_DATA) {
        event.data = (void *)(uintptr_t)e->data;
        event.data_len = (int)e->len;
    } else if (e->id == UD_HTTP_EVENT_ON_STATUS_CODE) {
        event.data = &status;
        event.data_len = sizeof status;
    }
    if (client->handler)
        client->handler(&event);
}

static void post(struct esp_http_client *client, const struct ud_http_event *e)
{
    esp_http_client_on_data_t data = { .client = client, .data_process = client->data_process };
    esp_http_client_redirect_event_data_t redirect = { .client = client, .status_code = e->status };
    const void *payload = &client;
    size_t size = sizeof(esp_http_client_handle_t);
    if (e->id == UD_HTTP_EVENT_ON_DATA) {
        payload = &data;
        size = sizeof data;
    } else if (e->id == UD_HTTP_EVENT_REDIRECT) {
        payload = &redirect;
        size = sizeof redirect;
    }
    /* Without a default loop, or with a full queue, nobody hears it there: no reason to fail. */
    (void)ud_idf_post(ESP_HTTP_CLIENT_EVENT, (int32_t)e->id, payload, size, client->post_timeout_ms);
}

static void on_event(void *ctx, const struct ud_http_event *e)
{
    struct esp_http_client *client = ctx;
    if (e->id == UD_HTTP_EVENT_HEADERS_SENT)
        client->data_process = 0;
    if (e->id == UD_HTTP_EVENT_ON_DATA)
        client->data_process += (int64_t)e->len;
    if (e->id == UD_HTTP_EVENT_ERROR)
        client->tls_error_taken = false;
    if (e->id != UD_HTTP_EVENT_REDIRECT || client->disable_auto_redirect)
        call_handler(client, e);
    post(client, e);
}

/* ---- configuration ----------------------------------------------------------------------------------------- */

static bool is_refused(const esp_http_client_config_t *c)
{
    const char *what = NULL;
    if (c->use_ecdsa_peripheral)
        what = "use_ecdsa_peripheral needs a chip";
    else if (c->ds_data)
        what = "ds_data needs a chip";
    else if (c->transport)
        what = "a transport of your own cannot be used here";
    else if (c->client_key && c->client_key->source == ESP_KEY_SOURCE_PSA)
        what = "there is no PSA key store here: give client_key as a buffer";
    else if (c->port < 0 || c->port > UINT16_MAX)
        what = "the port is not between 0 and 65535";
    if (what)
        ESP_LOGE(tag, "esp_http_client_init: %s", what);
    if (!what && c->auth_type == HTTP_AUTH_TYPE_DIGEST && !ud_idf_env()->config->http_client_digest_auth)
        ESP_LOGW(tag, "Digest challenges are not answered: set CONFIG_ESP_HTTP_CLIENT_ENABLE_DIGEST_AUTH");
    return what != NULL;
}

/* The password may come with a length and without a terminator. */
static bool copy_key_password(struct esp_http_client *client, const char *password, size_t len)
{
    if (!password)
        return true;
    if (len == 0)
        len = strlen(password);
    client->key_password = ud_alloc_get(&client->env.alloc, len + 1);
    if (!client->key_password)
        return false;
    memcpy(client->key_password, password, len);
    client->key_password[len] = '\0';
    client->key_password_len = len;
    return true;
}

static bool take_tls(struct esp_http_client *client, const esp_http_client_config_t *c, struct ud_tls_config *tls)
{
    *tls = (struct ud_tls_config){
        .ca_pem = c->cert_pem,
        .ca_len = c->cert_len,
        .client_cert_pem = c->client_cert_pem,
        .client_cert_len = c->client_cert_len,
        .client_key_pem = c->client_key_pem,
        .client_key_len = c->client_key_len,
        .common_name = c->common_name,
        .use_system_store = c->crt_bundle_attach || c->use_global_ca_store, /* both go before cert_pem */
        .skip_name_check = c->skip_cert_common_name_check,
        .version = (uint8_t)c->tls_version,
    };
    const char *password = c->client_key_password;
    size_t password_len = c->client_key_password_len;
    if (c->client_key && c->client_key->source == ESP_KEY_SOURCE_BUFFER) {
        tls->client_key_pem = c->client_key->buffer.data;
        tls->client_key_len = c->client_key->buffer.len;
        password = c->client_key->buffer.password;
        password_len = c->client_key->buffer.password_len;
    }
    if (!copy_key_password(client, password, password_len))
        return false;
    tls->client_key_password = client->key_password;
    return true;
}

static esp_err_t make_core(struct esp_http_client *client, const esp_http_client_config_t *c)
{
    bool by_parts = c->host && c->path;
    struct ud_http_config cfg = {
        .url = by_parts ? NULL : c->url,
        .host = by_parts ? c->host : NULL,
        .path = c->path,
        .query = c->query,
        .port = (uint16_t)c->port,
        .tls_by_default = c->transport_type == HTTP_TRANSPORT_OVER_SSL,
        .username = c->username,
        .password = c->password,
        .basic_auth = c->auth_type == HTTP_AUTH_TYPE_BASIC,
        .answer_basic = client->env.config->http_client_basic_auth,
        .answer_digest = client->env.config->http_client_digest_auth,
        .max_auth_retries = c->max_authorization_retries,
        .user_agent = c->user_agent,
        .method = (enum ud_http_method)c->method,
        .timeout_ms = c->timeout_ms,
        .disable_auto_redirect = c->disable_auto_redirect,
        .max_redirects = c->max_redirection_count,
        .buffer_size = c->buffer_size > 0 ? (size_t)c->buffer_size : 0,
        .buffer_size_tx = c->buffer_size_tx > 0 ? (size_t)c->buffer_size_tx : 0,
        .tcp_keepalive = c->keep_alive_enable,
        .keepalive_idle_s = c->keep_alive_idle,
        .keepalive_interval_s = c->keep_alive_interval,
        .keepalive_count = c->keep_alive_count,
        .ip_version = c->addr_type == HTTP_ADDR_TYPE_INET    ? 4
                      : c->addr_type == HTTP_ADDR_TYPE_INET6 ? 6
                                                             : 0,
    };
    struct ud_http_env env = {
        .transport = client->transport,
        .alloc = client->env.alloc,
        .clock = client->env.board->clock,
        .obs = client->env.board->obs,
        .event = on_event,
        .event_ctx = client,
        .crypto = client->env.board->crypto,
        .entropy = client->env.entropy,
    };
    if (!take_tls(client, c, &cfg.tls))
        return ESP_ERR_NO_MEM;
    return ud_http_create(&env, &cfg, &client->http);
}

esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t *config)
{
    const struct ud_idf_env *env = ud_idf_env();
    if (!env || !config || is_refused(config))
        return NULL;
    struct esp_http_client *client = ud_alloc_get(&env->alloc, sizeof *client);
    if (!client)
        return NULL;
    *client = (struct esp_http_client){
        .env = *env,
        .handler = config->event_handler,
        .user_data = config->user_data,
        .disable_auto_redirect = config->disable_auto_redirect,
        .post_timeout_ms = env->config->http_client_post_timeout_ms,
    };
    esp_err_t err = env->transport_create(env->transport_ctx, &client->transport);
    if (err == ESP_OK)
        err = make_core(client, config);
    if (err != ESP_OK) {
        ESP_LOGE(tag, "esp_http_client_init: %s",
                 err == ESP_ERR_INVALID_ARG ? "url, or host and path, must be given, and the whole must be a URL"
                                            : esp_err_to_name(err));
        esp_http_client_cleanup(client);
        return NULL;
    }
    return client;
}

esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client)
{
    if (!client)
        return ESP_FAIL;
    struct ud_alloc alloc = client->env.alloc;
    ud_http_destroy(client->http);
    if (client->transport.ops)
        client->env.transport_destroy(client->env.transport_ctx, &client->transport);
    if (client->key_password)
        memset(client->key_password, 0, client->key_password_len);
    ud_alloc_put(&alloc, client->key_password);
    ud_alloc_put(&alloc, client);
    return ESP_OK;
}

/* ---- exchange ---------------------------------------------------------------------------------------------- */

static int errno_of(esp_err_t err)
{
    switch (err) {
    case ESP_OK:
        return 0;
    case ESP_ERR_TIMEOUT:
        return ETIMEDOUT;
    case ESP_ERR_HTTP_EAGAIN:
        return EAGAIN;
    default:
        return ENOTCONN;
    }
}

static esp_err_t remember(struct esp_http_client *client, esp_err_t err)
{
    client->error_number = errno = errno_of(err);
    return err;
}

esp_err_t esp_http_client_perform(esp_http_client_handle_t client)
{
    return client ? remember(client, ud_http_perform(client->http)) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_open(esp_http_client_handle_t client, int write_len)
{
    return client ? remember(client, ud_http_open(client->http, write_len)) : ESP_FAIL;
}

esp_err_t esp_http_client_prepare(esp_http_client_handle_t client)
{
    return client ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_http_client_request_send(esp_http_client_handle_t client, int write_len)
{
    return esp_http_client_open(client, write_len);
}

esp_err_t esp_http_client_cancel_request(esp_http_client_handle_t client)
{
    return client ? remember(client, ud_http_cancel(client->http)) : ESP_ERR_INVALID_ARG;
}

/* A failure where a count is asked for: negative, and apart what calls for another attempt, or for giving up. */
static int as_negative(esp_err_t err)
{
    return err == ESP_ERR_HTTP_EAGAIN || err == ESP_ERR_TIMEOUT ? -err : ESP_FAIL;
}

int esp_http_client_write(esp_http_client_handle_t client, const char *buffer, int len)
{
    if (!client || !buffer || len < 0)
        return -1;
    esp_err_t err = remember(client, ud_http_write(client->http, buffer, (size_t)len));
    return err == ESP_OK ? len : as_negative(err);
}

int esp_http_client_chunk_write_begin(esp_http_client_handle_t client, const int len)
{
    char line[16];
    if (len <= 0) /* a chunk of 0 would end the body */
        return -1;
    int n = snprintf(line, sizeof line, "%x\r\n", (unsigned)len);
    return esp_http_client_write(client, line, n) == n ? 0 : -1;
}

int esp_http_client_chunk_write_end(esp_http_client_handle_t client, bool last_chunk)
{
    const char *end = last_chunk ? "\r\n0\r\n\r\n" : "\r\n";
    int n = (int)strlen(end);
    return esp_http_client_write(client, end, n) == n ? 0 : -1;
}

int64_t esp_http_client_fetch_headers(esp_http_client_handle_t client)
{
    int64_t length = 0;
    if (!client)
        return ESP_FAIL;
    esp_err_t err = remember(client, ud_http_fetch_headers(client->http, &length));
    return err == ESP_OK ? length : as_negative(err);
}

int esp_http_client_read(esp_http_client_handle_t client, char *buffer, int len)
{
    size_t got = 0;
    if (!client || !buffer || len < 0)
        return ESP_FAIL;
    esp_err_t err = remember(client, ud_http_read(client->http, buffer, (size_t)len, &got));
    return err == ESP_OK ? (int)got : as_negative(err);
}

int esp_http_client_read_response(esp_http_client_handle_t client, char *buffer, int len)
{
    int total = 0;
    while (total < len) {
        int n = esp_http_client_read(client, buffer + total, len - total);
        if (n <= 0)
            break;
        total += n;
    }
    return total;
}

esp_err_t esp_http_client_flush_response(esp_http_client_handle_t client, int *len)
{
    size_t total = 0;
    esp_err_t err = ESP_OK;
    if (!client)
        return ESP_ERR_INVALID_ARG;
    do { /* the stall rule ends it */
        size_t n = 0;
        err = ud_http_flush(client->http, &n);
        total += n;
    } while (err == ESP_ERR_HTTP_EAGAIN || err == ESP_ERR_INVALID_SIZE);
    if (len)
        *len = total > INT_MAX ? INT_MAX : (int)total;
    remember(client, err);
    return err == ESP_OK || err == ESP_ERR_TIMEOUT ? err : ESP_FAIL;
}

esp_err_t esp_http_client_close(esp_http_client_handle_t client)
{
    return client ? ud_http_close(client->http) : ESP_FAIL;
}

/* ---- where to ---------------------------------------------------------------------------------------------- */

esp_err_t esp_http_client_set_url(esp_http_client_handle_t client, const char *url)
{
    return client && url ? ud_http_set_url(client->http, url) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_get_url(esp_http_client_handle_t client, char *url, const int len)
{
    if (!client || !url || len <= 0)
        return ESP_ERR_INVALID_ARG;
    return ud_http_get_url(client->http, url, (size_t)len) == ESP_OK ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_http_client_set_redirection(esp_http_client_handle_t client)
{
    return client ? ud_http_set_redirection(client->http) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_reset_redirect_counter(esp_http_client_handle_t client)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    ud_http_reset_redirect_counter(client->http);
    return ESP_OK;
}

esp_err_t esp_http_client_add_auth(esp_http_client_handle_t client)
{
    return client ? ud_http_add_auth(client->http) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_set_auth_data(esp_http_client_handle_t client, const char *auth_data, int len)
{
    if (!client || !auth_data || len < 0)
        return ESP_ERR_INVALID_ARG;
    return ud_http_set_auth_data(client->http, auth_data, (size_t)len);
}

/* ---- setters and getters ----------------------------------------------------------------------------------- */

esp_err_t esp_http_client_set_post_field(esp_http_client_handle_t client, const char *data, int len)
{
    static const char type[] = "Content-Type";
    if (!client || len < 0)
        return ESP_ERR_INVALID_ARG;
    ud_http_set_post_field(client->http, data, (size_t)len);
    if (!data) {
        ud_http_set_header(client->http, type, NULL);
        return ESP_OK;
    }
    if (ud_http_get_header(client->http, type))
        return ESP_OK;
    return ud_http_set_header(client->http, type, "application/x-www-form-urlencoded");
}

int esp_http_client_get_post_field(esp_http_client_handle_t client, char **data)
{
    size_t len = 0;
    if (!client)
        return 0;
    const void *field = ud_http_post_field(client->http, &len);
    if (field && data)
        *data = (char *)(uintptr_t)field;
    return (int)len;
}

esp_err_t esp_http_client_set_header(esp_http_client_handle_t client, const char *key, const char *value)
{
    return client && key ? ud_http_set_header(client->http, key, value) : ESP_ERR_INVALID_ARG;
}

static esp_err_t hand_out(const char *text, char **value)
{
    *value = (char *)(uintptr_t)text;
    return text ? ESP_OK : ESP_ERR_NOT_FOUND;
}

esp_err_t esp_http_client_get_header(esp_http_client_handle_t client, const char *key, char **value)
{
    return client && key && value ? hand_out(ud_http_get_header(client->http, key), value) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_delete_header(esp_http_client_handle_t client, const char *key)
{
    return client && key ? ud_http_set_header(client->http, key, NULL) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_delete_all_headers(esp_http_client_handle_t client)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    ud_http_clear_headers(client->http);
    return ESP_OK;
}

esp_err_t esp_http_client_get_response_header(esp_http_client_handle_t client, const char *key, char **value)
{
    return client && key && value ? hand_out(ud_http_response_header(client->http, key), value) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_set_username(esp_http_client_handle_t client, const char *username)
{
    return client ? ud_http_set_username(client->http, username) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_get_username(esp_http_client_handle_t client, char **value)
{
    if (!client || !value)
        return ESP_ERR_INVALID_ARG;
    hand_out(ud_http_username(client->http), value);
    return ESP_OK;
}

esp_err_t esp_http_client_set_password(esp_http_client_handle_t client, const char *password)
{
    return client ? ud_http_set_password(client->http, password) : ESP_ERR_INVALID_ARG;
}

esp_err_t esp_http_client_get_password(esp_http_client_handle_t client, char **value)
{
    if (!client || !value)
        return ESP_ERR_INVALID_ARG;
    hand_out(ud_http_password(client->http), value);
    return ESP_OK;
}

esp_err_t esp_http_client_set_authtype(esp_http_client_handle_t client, esp_http_client_auth_type_t auth_type)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    ud_http_set_basic_auth(client->http, auth_type == HTTP_AUTH_TYPE_BASIC);
    return ESP_OK;
}

esp_err_t esp_http_client_set_user_data(esp_http_client_handle_t client, void *data)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    client->user_data = data;
    return ESP_OK;
}

esp_err_t esp_http_client_get_user_data(esp_http_client_handle_t client, void **data)
{
    if (!client || !data)
        return ESP_ERR_INVALID_ARG;
    *data = client->user_data;
    return ESP_OK;
}

esp_err_t esp_http_client_set_event_handler(esp_http_client_handle_t client, http_event_handle_cb event_handler)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    client->handler = event_handler;
    return ESP_OK;
}

esp_err_t esp_http_client_set_method(esp_http_client_handle_t client, esp_http_client_method_t method)
{
    if (!client || (unsigned)method >= HTTP_METHOD_MAX)
        return ESP_ERR_INVALID_ARG;
    ud_http_set_method(client->http, (enum ud_http_method)method);
    return ESP_OK;
}

esp_err_t esp_http_client_set_timeout_ms(esp_http_client_handle_t client, int timeout_ms)
{
    if (!client)
        return ESP_ERR_INVALID_ARG;
    ud_http_set_timeout_ms(client->http, timeout_ms);
    return ESP_OK;
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

int esp_http_client_get_status_code(esp_http_client_handle_t client)
{
    return client ? ud_http_status(client->http) : -1;
}

int64_t esp_http_client_get_content_length(esp_http_client_handle_t client)
{
    return client ? ud_http_content_length(client->http) : -1;
}

int64_t esp_http_client_get_content_range(esp_http_client_handle_t client)
{
    return client ? ud_http_content_range_total(client->http) : -1;
}

bool esp_http_client_is_chunked_response(esp_http_client_handle_t client)
{
    return client && ud_http_is_chunked(client->http);
}

bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client)
{
    return client && ud_http_is_complete(client->http);
}

bool esp_http_client_is_persistent_connection(esp_http_client_handle_t client)
{
    return client && ud_http_is_persistent(client->http);
}

esp_http_client_transport_t esp_http_client_get_transport_type(esp_http_client_handle_t client)
{
    if (!client)
        return HTTP_TRANSPORT_UNKNOWN;
    return ud_http_is_tls(client->http) ? HTTP_TRANSPORT_OVER_SSL : HTTP_TRANSPORT_OVER_TCP;
}

esp_http_state_t esp_http_client_get_state(esp_http_client_handle_t client)
{
    return client ? (esp_http_state_t)ud_http_state(client->http) : HTTP_STATE_UNINIT;
}

int esp_http_client_get_socket(esp_http_client_handle_t client)
{
    return client ? ud_http_socket(client->http) : -1;
}

int esp_http_client_get_errno(esp_http_client_handle_t client)
{
    return client ? client->error_number : -1;
}

esp_err_t esp_http_client_get_and_clear_last_tls_error(esp_http_client_handle_t client, int *esp_tls_error_code,
                                                       int *esp_tls_flags)
{
    const char *why = NULL;
    if (!client)
        return ESP_FAIL;
    esp_err_t err = client->tls_error_taken ? ESP_OK : ud_http_last_tls_error(client->http, &why);
    client->tls_error_taken = true;
    if (esp_tls_error_code)
        *esp_tls_error_code = err;
    if (esp_tls_flags)
        *esp_tls_flags = 0;
    return err;
}
