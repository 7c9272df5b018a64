/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The HTTP client: ESP-IDF's esp_http_client.h. All members of the configuration are always there, whatever the
 * application's sdkconfig says. docs/compatibility.md lists where the behaviour is better, or absent.
 *
 *     esp_http_client_config_t config = { .url = "https://host/fw.bin", .cert_pem = ca };
 *     esp_http_client_handle_t client = esp_http_client_init(&config);
 *     if (esp_http_client_open(client, 0) == ESP_OK && esp_http_client_fetch_headers(client) >= 0)
 *         while ((n = esp_http_client_read(client, buf, sizeof buf)) > 0) …
 *     esp_http_client_cleanup(client);
 *
 * A handle belongs to one thread at a time.
 */
#ifndef ESP_HTTP_CLIENT_H
#define ESP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>
#include <sys/socket.h>

#include "esp_err.h"
#include "esp_event.h"
#include "esp_key_config.h"
#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DEFAULT_HTTP_BUF_SIZE (512)

ESP_EVENT_DECLARE_BASE(ESP_HTTP_CLIENT_EVENT);

typedef struct esp_http_client *esp_http_client_handle_t;
typedef struct esp_http_client_event *esp_http_client_event_handle_t;

typedef enum {
    HTTP_EVENT_ERROR = 0,
    HTTP_EVENT_ON_CONNECTED = 1,
    HTTP_EVENT_HEADERS_SENT = 2,
    HTTP_EVENT_HEADER_SENT = HTTP_EVENT_HEADERS_SENT,
    HTTP_EVENT_ON_HEADER = 3,
    HTTP_EVENT_ON_HEADERS_COMPLETE = 4,
    HTTP_EVENT_ON_STATUS_CODE = 5, /* only when the status line has a reason phrase; data: int */
    HTTP_EVENT_ON_DATA = 6,
    HTTP_EVENT_ON_FINISH = 7, /* perform only */
    HTTP_EVENT_DISCONNECTED = 8,
    HTTP_EVENT_REDIRECT = 9, /* to the handler only with disable_auto_redirect */
} esp_http_client_event_id_t;

typedef struct esp_http_client_event {
    esp_http_client_event_id_t event_id;
    esp_http_client_handle_t client;
    void *data;
    int data_len;
    void *user_data;
    char *header_key; /* these two with HTTP_EVENT_ON_HEADER, during the call */
    char *header_value;
} esp_http_client_event_t;

/** Payloads on the default event loop; all other events carry the handle. */
typedef struct {
    esp_http_client_handle_t client;
    int64_t data_process; /* bytes of the body so far */
} esp_http_client_on_data_t;
typedef struct {
    esp_http_client_handle_t client;
    int status_code;
} esp_http_client_redirect_event_data_t;

typedef enum {
    HTTP_TRANSPORT_UNKNOWN = 0,
    HTTP_TRANSPORT_OVER_TCP = 1,
    HTTP_TRANSPORT_OVER_SSL = 2,
} esp_http_client_transport_t;

typedef enum {
    ESP_HTTP_CLIENT_TLS_VER_ANY = 0,
    ESP_HTTP_CLIENT_TLS_VER_TLS_1_2 = 1,
    ESP_HTTP_CLIENT_TLS_VER_TLS_1_3 = 2,
    ESP_HTTP_CLIENT_TLS_VER_MAX = 3,
} esp_http_client_proto_ver_t;

typedef enum {
    ESP_HTTP_CLIENT_ECDSA_CURVE_SECP256R1 = 0,
    ESP_HTTP_CLIENT_ECDSA_CURVE_SECP384R1 = 1,
    ESP_HTTP_CLIENT_ECDSA_CURVE_MAX,
} esp_http_client_ecdsa_curve_t;

typedef enum {
    HTTP_METHOD_GET = 0,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_NOTIFY,
    HTTP_METHOD_SUBSCRIBE,
    HTTP_METHOD_UNSUBSCRIBE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_COPY,
    HTTP_METHOD_MOVE,
    HTTP_METHOD_LOCK,
    HTTP_METHOD_UNLOCK,
    HTTP_METHOD_PROPFIND,
    HTTP_METHOD_PROPPATCH,
    HTTP_METHOD_MKCOL,
    HTTP_METHOD_REPORT,
    HTTP_METHOD_MAX,
} esp_http_client_method_t;

typedef enum {
    HTTP_AUTH_TYPE_NONE = 0,
    HTTP_AUTH_TYPE_BASIC = 1,
    HTTP_AUTH_TYPE_DIGEST = 2, /* no challenge is answered: a 401 ends perform with ESP_ERR_NOT_SUPPORTED */
} esp_http_client_auth_type_t;

typedef enum {
    HTTP_ADDR_TYPE_UNSPEC = AF_UNSPEC,
    HTTP_ADDR_TYPE_INET = AF_INET,
    HTTP_ADDR_TYPE_INET6 = AF_INET6,
} esp_http_client_addr_type_t;

typedef enum {
    HTTP_TLS_DYN_BUF_RX_STATIC = 1,
    HTTP_TLS_DYN_BUF_STRATEGY_MAX = 2,
} esp_http_client_tls_dyn_buf_strategy_t;

typedef enum {
    HTTP_STATE_UNINIT = 0,
    HTTP_STATE_INIT = 1,
    HTTP_STATE_CONNECTING = 2,
    HTTP_STATE_CONNECTED = 3,
    HTTP_STATE_REQ_COMPLETE_HEADER = 4,
    HTTP_STATE_REQ_COMPLETE_DATA = 5,
    HTTP_STATE_RES_COMPLETE_HEADER = 6,
    HTTP_STATE_RES_ON_DATA_START = 7,
    HTTP_STATE_RES_COMPLETE_DATA = 8,
    HTTP_STATE_CLOSE = 9,
} esp_http_state_t;

typedef enum {
    HttpStatus_Ok = 200,
    HttpStatus_PartialContent = 206,
    HttpStatus_MultipleChoices = 300,
    HttpStatus_MovedPermanently = 301,
    HttpStatus_Found = 302,
    HttpStatus_SeeOther = 303,
    HttpStatus_NotModified = 304,
    HttpStatus_TemporaryRedirect = 307,
    HttpStatus_PermanentRedirect = 308,
    HttpStatus_BadRequest = 400,
    HttpStatus_Unauthorized = 401,
    HttpStatus_Forbidden = 403,
    HttpStatus_NotFound = 404,
    HttpStatus_RangeNotSatisfiable = 416,
    HttpStatus_InternalError = 500,
} HttpStatus_Code;

/** The return value is ignored. */
typedef esp_err_t (*http_event_handle_cb)(esp_http_client_event_t *evt);

struct esp_transport_item_t;

/**
 * Zero is the default of every member. Texts are copied by init, certificates and keys are not: keep them until cleanup.
 * What this host does not have is refused by init, with a log line: use_ecdsa_peripheral, ds_data, transport,
 * client_key in a PSA store. Without effect: is_async (calls block), if_name, alpn_protos (it is always http/1.1),
 * save_client_session, tls_dyn_buf_strategy.
 */
typedef struct {
    const char *url;  /* overrides the members below */
    const char *host; /* with path: these are used, url is not */
    int port;
    const char *username;
    const char *password;
    esp_http_client_auth_type_t auth_type;
    const char *path;
    const char *query;
    union {
        const char *cert_pem; /* one or more */
        const char *cert_der;
    };
    size_t cert_len; /* 0: PEM, NUL-terminated */
    union {
        const char *client_cert_pem;
        const char *client_cert_der;
    };
    size_t client_cert_len;
    const char *client_key_pem;
    size_t client_key_len;
    const esp_key_config_t *client_key; /* goes before client_key_pem */
    const char *client_key_password;
    size_t client_key_password_len;
    esp_http_client_proto_ver_t tls_version;
    bool use_ecdsa_peripheral;
    uint8_t ecdsa_key_efuse_blk;
    uint8_t ecdsa_key_efuse_blk_high;
    esp_http_client_ecdsa_curve_t ecdsa_curve;
    const char *user_agent;
    esp_http_client_method_t method;
    int timeout_ms; /* 0: 5000 */
    bool disable_auto_redirect;
    int max_redirection_count; /* 0: 10, -1: none */
    int max_authorization_retries;
    http_event_handle_cb event_handler;
    esp_http_client_transport_t transport_type;
    int buffer_size;
    int buffer_size_tx;
    void *user_data;
    bool is_async;
    bool use_global_ca_store; /* the system's store */
    bool skip_cert_common_name_check;
    const char *common_name;
    esp_err_t (*crt_bundle_attach)(void *conf); /* not NULL: the system's store */
    bool keep_alive_enable;
    int keep_alive_idle;
    int keep_alive_interval;
    int keep_alive_count;
    struct ifreq *if_name;
    const char **alpn_protos;
    void *ds_data;
    bool save_client_session;
    struct esp_transport_item_t *transport;
    esp_http_client_addr_type_t addr_type;
    esp_http_client_tls_dyn_buf_strategy_t tls_dyn_buf_strategy;
} esp_http_client_config_t;

/** No network traffic. NULL: neither url nor host with path, a malformed URL, no memory, or something refused. */
esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t *config);
/** Close and free; once for each init. NULL: ESP_FAIL. */
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client);

/**
 * The whole exchange, redirects included; the body goes to HTTP_EVENT_ON_DATA. Any final status is ESP_OK.
 * ESP_ERR_HTTP_CONNECT, _INVALID_TRANSPORT, _WRITE_DATA, _HEADER_TOO_LONG, _EAGAIN (header time-out; call again to go on
 * waiting), _FETCH_HEADER, _INCOMPLETE_DATA, _MAX_REDIRECT, _REDIRECT_DOWNGRADE; ESP_ERR_NOT_SUPPORTED (401);
 * ESP_ERR_TIMEOUT: the server was silent or too slow for too long.
 */
esp_err_t esp_http_client_perform(esp_http_client_handle_t client);

/** Connect if needed and send request line and headers. write_len: length of the body, -1 chunked. */
esp_err_t esp_http_client_open(esp_http_client_handle_t client, int write_len);
/** Does nothing beyond checking the handle: sending a request begins afresh anyway. NULL: ESP_FAIL. */
esp_err_t esp_http_client_prepare(esp_http_client_handle_t client);
/** As open. NULL: ESP_FAIL. */
esp_err_t esp_http_client_request_send(esp_http_client_handle_t client, int write_len);
/** Drop the connection; the next request makes a new one. ESP_ERR_INVALID_STATE when there is none. */
esp_err_t esp_http_client_cancel_request(esp_http_client_handle_t client);
/** Bytes written (all of them); -1; -ESP_ERR_TIMEOUT: by the stall rule. */
int esp_http_client_write(esp_http_client_handle_t client, const char *buffer, int len);
/** Frame a piece of a chunked body: begin, write it, end. 0 or -1. */
int esp_http_client_chunk_write_begin(esp_http_client_handle_t client, const int len);
int esp_http_client_chunk_write_end(esp_http_client_handle_t client, bool last_chunk);
/** Content-Length, 0 when absent or chunked; -ESP_ERR_HTTP_EAGAIN: time-out, call again; else as read. */
int64_t esp_http_client_fetch_headers(esp_http_client_handle_t client);
/**
 * Fill the buffer as far as it goes: the count; 0 complete; -ESP_ERR_HTTP_EAGAIN nothing within the time-out, call
 * again; -ESP_ERR_TIMEOUT the server was silent or too slow for too long, give up; ESP_FAIL.
 * errno is 0 after success, else ETIMEDOUT, ENOTCONN or EAGAIN.
 */
int esp_http_client_read(esp_http_client_handle_t client, char *buffer, int len);
/** Read until `len` or the end; errors are hidden. */
int esp_http_client_read_response(esp_http_client_handle_t client, char *buffer, int len);
/** Discard the rest of the body; `len` may be NULL. ESP_ERR_TIMEOUT as read; ESP_FAIL. */
esp_err_t esp_http_client_flush_response(esp_http_client_handle_t client, int *len);
esp_err_t esp_http_client_close(esp_http_client_handle_t client);

/** A URL, or "/path" on the same server. Another host: Authorization, user name and password are forgotten. */
esp_err_t esp_http_client_set_url(esp_http_client_handle_t client, const char *url);
/** "scheme://host:port/path"; ESP_FAIL if it does not fit. */
esp_err_t esp_http_client_get_url(esp_http_client_handle_t client, char *url, const int len);
/** Go to the Location of the last response. */
esp_err_t esp_http_client_set_redirection(esp_http_client_handle_t client);
esp_err_t esp_http_client_reset_redirect_counter(esp_http_client_handle_t client);
/** After a 401: ESP_ERR_NOT_SUPPORTED, no challenge is answered. ESP_OK (nothing done) before the response. */
esp_err_t esp_http_client_add_auth(esp_http_client_handle_t client);
esp_err_t esp_http_client_set_auth_data(esp_http_client_handle_t client, const char *auth_data, int len);

/** The data is borrowed. Sets Content-Type to application/x-www-form-urlencoded if there is none; NULL deletes it. */
esp_err_t esp_http_client_set_post_field(esp_http_client_handle_t client, const char *data, int len);
/** Length; `*data` is set when there is some. */
int esp_http_client_get_post_field(esp_http_client_handle_t client, char **data);
/** value NULL deletes. */
esp_err_t esp_http_client_set_header(esp_http_client_handle_t client, const char *key, const char *value);
/** Absent: `*value` NULL and ESP_ERR_NOT_FOUND. The text is the client's. */
esp_err_t esp_http_client_get_header(esp_http_client_handle_t client, const char *key, char **value);
esp_err_t esp_http_client_delete_header(esp_http_client_handle_t client, const char *key);
esp_err_t esp_http_client_delete_all_headers(esp_http_client_handle_t client);
esp_err_t esp_http_client_get_response_header(esp_http_client_handle_t client, const char *key, char **value);
esp_err_t esp_http_client_set_username(esp_http_client_handle_t client, const char *username);
esp_err_t esp_http_client_get_username(esp_http_client_handle_t client, char **value);
esp_err_t esp_http_client_set_password(esp_http_client_handle_t client, const char *password);
esp_err_t esp_http_client_get_password(esp_http_client_handle_t client, char **value);
esp_err_t esp_http_client_set_authtype(esp_http_client_handle_t client, esp_http_client_auth_type_t auth_type);
esp_err_t esp_http_client_set_user_data(esp_http_client_handle_t client, void *data);
esp_err_t esp_http_client_get_user_data(esp_http_client_handle_t client, void **data);
esp_err_t esp_http_client_set_event_handler(esp_http_client_handle_t client, http_event_handle_cb event_handler);
esp_err_t esp_http_client_set_method(esp_http_client_handle_t client, esp_http_client_method_t method);
esp_err_t esp_http_client_set_timeout_ms(esp_http_client_handle_t client, int timeout_ms);

/** 0 before a request, -1 before its response. */
int esp_http_client_get_status_code(esp_http_client_handle_t client);
/** -1 when absent or chunked. */
int64_t esp_http_client_get_content_length(esp_http_client_handle_t client);
/** The total of the last Content-Range; -1 unknown, 0 never seen. */
int64_t esp_http_client_get_content_range(esp_http_client_handle_t client);
/** Chunked, or without a length, or of length 0. */
bool esp_http_client_is_chunked_response(esp_http_client_handle_t client);
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client);
bool esp_http_client_is_persistent_connection(esp_http_client_handle_t client);
esp_http_client_transport_t esp_http_client_get_transport_type(esp_http_client_handle_t client);
esp_http_state_t esp_http_client_get_state(esp_http_client_handle_t client);
int esp_http_client_get_socket(esp_http_client_handle_t client);
/** errno of the last call that moved data, -1 for NULL. */
int esp_http_client_get_errno(esp_http_client_handle_t client);
/** Why the last connect failed (ESP_ERR_ESP_TLS_*, ESP_ERR_MBEDTLS_*); 0 none. Forgotten by asking. */
esp_err_t esp_http_client_get_and_clear_last_tls_error(esp_http_client_handle_t client, int *esp_tls_error_code,
                                                       int *esp_tls_flags);

#ifdef __cplusplus
}
#endif
#endif /* ESP_HTTP_CLIENT_H */
