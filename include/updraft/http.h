/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http: an HTTP/1.1 client core. It parses and writes messages and decides (redirects, deadlines, connection reuse); a
 * transport moves bytes. The calls mirror esp_http_client, whose face in `idf` is thin; behaviour and codes are
 * ESP-IDF's (docs/compatibility.md lists the differences). Single-threaded per client.
 *
 *     struct ud_http *h;
 *     esp_err_t err = ud_http_create(&env, &(struct ud_http_config){ .url = "https://host/fw.bin", .tls = {...} }, &h);
 *     if (err == ESP_OK) err = ud_http_open(h, 0);
 *     if (err == ESP_OK) err = ud_http_fetch_headers(h, &length);
 *     while (err == ESP_OK) err = ud_http_read(h, buf, sizeof buf, &got);   // got == 0: the body is complete
 *     ud_http_destroy(h);
 */
#ifndef UPDRAFT_HTTP_H
#define UPDRAFT_HTTP_H

#include "updraft/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- transport: moves bytes ------------------------------------------------------------------------------------- */

/** How a TLS peer is judged. Pointers are borrowed from the configuration for the client's life. */
struct ud_tls_config {
    const char *ca_pem; /* one or more certificates; len 0: NUL-terminated */
    size_t ca_len;
    const char *client_cert_pem;
    size_t client_cert_len;
    const char *client_key_pem;
    size_t client_key_len;
    const char *client_key_password;
    const char *common_name; /* NULL: the host */
    bool use_system_store;   /* certificate bundle / global store */
    bool skip_name_check;
    uint8_t version; /* 0 any, 1 TLS 1.2, 2 TLS 1.3 (esp_http_client_proto_ver_t) */
};

struct ud_endpoint {
    const char *host; /* without brackets for IPv6 */
    uint16_t port;
    bool tls;
    const struct ud_tls_config *tls_config; /* when tls */
    bool tcp_keepalive;
    int keepalive_idle_s, keepalive_interval_s, keepalive_count;
    uint8_t ip_version; /* 0 any, 4, 6 */
};

enum { UD_POLL_RECV = 1, UD_POLL_SEND = 2 };

/**
 * One connection at a time. `open` may wait up to timeout_ms. send and recv never wait: ESP_ERR_NOT_FINISHED says
 * "would block", then `poll` waits. recv ESP_OK with `*got` 0 is the end of the stream. recv is drained before poll,
 * since TLS buffers. Failures of open: ESP_ERR_ESP_TLS_* / ESP_ERR_MBEDTLS_*, with the reason in words in `why`.
 */
struct ud_transport_ops {
    esp_err_t (*open)(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size);
    esp_err_t (*send)(void *ctx, const void *data, size_t len, size_t *sent);
    esp_err_t (*recv)(void *ctx, void *buf, size_t cap, size_t *got);
    esp_err_t (*poll)(void *ctx, int events, uint32_t wait_ms); /* ESP_OK ready, ESP_ERR_TIMEOUT, else broken */
    void (*close)(void *ctx);
    int (*socket)(void *ctx); /* descriptor or -1 */
};
struct ud_transport {
    const struct ud_transport_ops *ops;
    void *ctx;
};

/* ---- client ----------------------------------------------------------------------------------------------------- */

/** Values of esp_http_client_method_t. */
enum ud_http_method {
    UD_HTTP_GET,
    UD_HTTP_POST,
    UD_HTTP_PUT,
    UD_HTTP_PATCH,
    UD_HTTP_DELETE,
    UD_HTTP_HEAD,
    UD_HTTP_NOTIFY,
    UD_HTTP_SUBSCRIBE,
    UD_HTTP_UNSUBSCRIBE,
    UD_HTTP_OPTIONS,
    UD_HTTP_COPY,
    UD_HTTP_MOVE,
    UD_HTTP_LOCK,
    UD_HTTP_UNLOCK,
    UD_HTTP_PROPFIND,
    UD_HTTP_PROPPATCH,
    UD_HTTP_MKCOL,
    UD_HTTP_REPORT,
    UD_HTTP_METHOD_MAX,
};

/** Values of esp_http_client_event_id_t. */
enum ud_http_event_id {
    UD_HTTP_EVENT_ERROR,
    UD_HTTP_EVENT_ON_CONNECTED,
    UD_HTTP_EVENT_HEADERS_SENT,
    UD_HTTP_EVENT_ON_HEADER,
    UD_HTTP_EVENT_ON_HEADERS_COMPLETE,
    UD_HTTP_EVENT_ON_STATUS_CODE,
    UD_HTTP_EVENT_ON_DATA,
    UD_HTTP_EVENT_ON_FINISH,
    UD_HTTP_EVENT_DISCONNECTED,
    UD_HTTP_EVENT_REDIRECT,
};

/** Values of esp_http_state_t; a client is never UNINIT. */
enum ud_http_state {
    UD_HTTP_INIT = 1,
    UD_HTTP_CONNECTED = 3,
    UD_HTTP_SENT = 4, /* request line and headers */
    UD_HTTP_HEAD_RECEIVED = 7,
};

struct ud_http;

/** What happened; name/value with ON_HEADER, data/len with ON_DATA, status with ON_STATUS_CODE and REDIRECT. */
struct ud_http_event {
    enum ud_http_event_id id;
    struct ud_http *http;
    const char *name;
    const char *value;
    const void *data;
    size_t len;
    int status;
};

/** What the client stands on; copied. */
struct ud_http_env {
    struct ud_transport transport;
    struct ud_alloc alloc;
    struct ud_clock clock;
    const struct ud_observer *obs;
    void (*event)(void *ctx, const struct ud_http_event *e); /* may be NULL */
    void *event_ctx;
    const struct ud_crypto *crypto; /* these two: NULL and no `fill`: no Digest challenge is answered */
    struct ud_entropy entropy;
};

/** Strings are copied by create, TLS pointers are kept. Zero is the default of every member. */
struct ud_http_config {
    const char *url; /* or host (+ path) */
    const char *host;
    const char *path;
    const char *query;
    uint16_t port;
    bool tls_by_default; /* scheme for host/path form */
    const char *username, *password;
    bool basic_auth;      /* send Basic pre-emptively */
    bool answer_basic;    /* a 401 that asks for it */
    bool answer_digest;   /* MD5, SHA-256, both also "-sess"; qop "auth" or none */
    int max_auth_retries; /* 0: 10; -1: none; counted together with redirects */
    struct ud_tls_config tls;
    const char *user_agent; /* "ESP32 HTTP Client/1.0" */
    enum ud_http_method method;
    int timeout_ms; /* 0: 5000; -1: no time-out of a single wait (the stall rule still holds) */
    bool disable_auto_redirect;
    int max_redirects;     /* 0: 10; -1: none */
    size_t buffer_size;    /* receive, 0: 512 */
    size_t buffer_size_tx; /* without effect: requests grow as they must, to 64 KiB */
    bool tcp_keepalive;
    int keepalive_idle_s, keepalive_interval_s, keepalive_count;
    uint32_t stall_ms;         /* no byte for this long ends a call: 0: max(60 s, timeout_ms) */
    uint32_t slow_window_ms;   /* 0: 120 s; less than slow_bytes_per_s over it ends a call */
    uint32_t slow_bytes_per_s; /* 0: 64 */
    uint8_t ip_version;        /* 0 any, 4, 6 */
};

enum {
    UD_NOTE_HTTP_CONNECT = UD_NOTE_HTTP, /* err, text = "host:port: why" */
    UD_NOTE_HTTP_STATUS,                 /* a = status, text = reason phrase */
    UD_NOTE_HTTP_REDIRECT,               /* a = status, text = new URL */
    UD_NOTE_HTTP_REFUSED_REDIRECT,       /* err, text = Location */
    UD_NOTE_HTTP_BAD_RESPONSE,           /* a = offset in the response, text = what the parser met */
    UD_NOTE_HTTP_STALL,                  /* a = ms waited, b = bytes seen in them: ESP_ERR_TIMEOUT */
    UD_NOTE_HTTP_CLOSED,                 /* a = bytes received, b = bytes expected: closed too early */
    UD_NOTE_HTTP_BAD_URL,                /* text = the URL */
    UD_NOTE_HTTP_AUTH,                   /* err, a = challenges and redirects so far, text = what was asked for */
};

UD_MUST_USE esp_err_t ud_http_create(const struct ud_http_env *env, const struct ud_http_config *cfg,
                                     struct ud_http **out);
/** Close and free; NULL is a no-op. */
void ud_http_destroy(struct ud_http *h);

UD_MUST_USE esp_err_t ud_http_set_url(struct ud_http *h, const char *url);
/** value NULL deletes; ESP_ERR_NOT_FOUND if there was none. Copied and trimmed; the name is matched ignoring case. */
esp_err_t ud_http_set_header(struct ud_http *h, const char *name, const char *value);
/** The request header Range: bytes `first` to `last`, -1: to the end. As set_header. */
UD_MUST_USE esp_err_t ud_http_set_range(struct ud_http *h, uint64_t first, int64_t last);
const char *ud_http_get_header(const struct ud_http *h, const char *name); /* request header, NULL if absent */
void ud_http_set_method(struct ud_http *h, enum ud_http_method method);
void ud_http_set_timeout_ms(struct ud_http *h, int timeout_ms);
void ud_http_set_post_field(struct ud_http *h, const void *data, size_t len); /* borrowed */
/** The borrowed post data, NULL without. */
const void *ud_http_post_field(const struct ud_http *h, size_t *len);
/** Remove every request header, Host and User-Agent included. */
void ud_http_clear_headers(struct ud_http *h);
/** Copied; NULL clears. Sent as Basic when the configuration or set_basic_auth says so. ESP_ERR_NO_MEM. */
UD_MUST_USE esp_err_t ud_http_set_username(struct ud_http *h, const char *username);
UD_MUST_USE esp_err_t ud_http_set_password(struct ud_http *h, const char *password);
const char *ud_http_username(const struct ud_http *h); /* NULL: none */
const char *ud_http_password(const struct ud_http *h);
void ud_http_set_basic_auth(struct ud_http *h, bool on);

/** Connect if needed and send the request line and headers. body_len -1: chunked request. Codes as
 * esp_http_client_open. */
UD_MUST_USE esp_err_t ud_http_open(struct ud_http *h, int64_t body_len);
/** Send body bytes; waits until all are sent. */
UD_MUST_USE esp_err_t ud_http_write(struct ud_http *h, const void *data, size_t len);
/**
 * Receive the response head; interim 1xx are skipped. `*length` = Content-Length, 0 when absent or chunked.
 * ESP_ERR_HTTP_EAGAIN: timeout_ms passed without a byte, may be called again; ESP_ERR_TIMEOUT: the stall rule;
 * ESP_FAIL: closed or not HTTP (noted).
 */
UD_MUST_USE esp_err_t ud_http_fetch_headers(struct ud_http *h, int64_t *length);
/**
 * Fill `buf` as far as it goes. ESP_OK with got > 0; ESP_OK with got == 0: complete; ESP_ERR_HTTP_EAGAIN: timeout_ms
 * without a byte and nothing read in this call; ESP_ERR_TIMEOUT: the stall rule; ESP_FAIL: broken or cut short.
 */
UD_MUST_USE esp_err_t ud_http_read(struct ud_http *h, void *buf, size_t cap, size_t *got);
/** The whole exchange with redirects; the body goes to ON_DATA events. Codes as esp_http_client_perform. */
UD_MUST_USE esp_err_t ud_http_perform(struct ud_http *h);
/** Follow the Location of the last response: ESP_ERR_INVALID_ARG none, ESP_ERR_HTTP_REDIRECT_DOWNGRADE, _MAX_REDIRECT.
 */
UD_MUST_USE esp_err_t ud_http_set_redirection(struct ud_http *h);
void ud_http_reset_redirect_counter(struct ud_http *h);
/**
 * Take up the challenge of a 401: the next request (of the caller's, on the same URL; perform makes it by itself)
 * carries the answer, and so do all that follow to this scheme, host and port. Without a user name nothing is sent.
 *
 * The first challenge that the configuration allows counts, of the WWW-Authenticate fields in order, then of what
 * ud_http_set_auth_data brought. ESP_OK also before a response; ESP_FAIL: max_auth_retries is reached;
 * ESP_ERR_NOT_SUPPORTED: no challenge, or none that may or can be answered; ESP_ERR_NO_MEM, the entropy's errors.
 */
UD_MUST_USE esp_err_t ud_http_add_auth(struct ud_http *h);
/** Append to a challenge that stood elsewhere in the response; dropped with it. ESP_ERR_INVALID_ARG: control bytes. */
UD_MUST_USE esp_err_t ud_http_set_auth_data(struct ud_http *h, const char *data, size_t len);
#define UD_HTTP_FLUSH_MAX (1u << 20)
/**
 * Discard the rest of the body. Errors as read; after ESP_ERR_HTTP_EAGAIN it may be called again, and so it may after
 * ESP_ERR_INVALID_SIZE: UD_HTTP_FLUSH_MAX bytes were discarded, closing is cheaper.
 */
UD_MUST_USE esp_err_t ud_http_flush(struct ud_http *h, size_t *discarded);
esp_err_t ud_http_close(struct ud_http *h);
/**
 * Give up the request under way: close, and connect again for the next one. ESP_ERR_INVALID_STATE without a connection,
 * ESP_FAIL: the server cannot be reached again (noted; closed then).
 */
UD_MUST_USE esp_err_t ud_http_cancel(struct ud_http *h);
/** Forget what the last response was (headers, failure, deadlines); the next open does it anyway. */
void ud_http_forget_response(struct ud_http *h);

enum ud_http_state ud_http_state(const struct ud_http *h);
int ud_http_socket(const struct ud_http *h);             /* descriptor or -1 */
int ud_http_status(const struct ud_http *h);             /* 0 before a request, -1 before its
                                                                                   response */
int64_t ud_http_content_length(const struct ud_http *h); /* -1 absent or chunked */
enum { UD_HTTP_RANGE_NONE = -1, UD_HTTP_RANGE_BAD = -2 };
/** First byte of the last response's Content-Range; UD_HTTP_RANGE_NONE without one, _BAD if it names no first byte. */
int64_t ud_http_content_range_start(const struct ud_http *h);
int64_t ud_http_content_range_total(const struct ud_http *h);                   /* -1 unknown, 0 never seen */
const char *ud_http_response_header(const struct ud_http *h, const char *name); /* of the last response; NULL */
bool ud_http_is_chunked(const struct ud_http *h);                               /* chunked, or no length known */
bool ud_http_is_complete(const struct ud_http *h);                              /* the body has been received whole */
bool ud_http_is_persistent(const struct ud_http *h);
bool ud_http_is_tls(const struct ud_http *h); /* scheme of the current URL */
/** "scheme://host:port/path"; ESP_ERR_INVALID_SIZE if it does not fit. */
UD_MUST_USE esp_err_t ud_http_get_url(const struct ud_http *h, char *buf, size_t size);
/** Why the last connect failed: esp_tls code (0 none) and words (never NULL). */
esp_err_t ud_http_last_tls_error(const struct ud_http *h, const char **why);

/* ---- memory transport: plays scripted bytes (tests, proofs) ----------------------------------------------------- */

struct ud_mem_step {
    enum { UD_MEM_RECV, UD_MEM_WAIT_MS, UD_MEM_EOF, UD_MEM_RESET, UD_MEM_SILENCE, UD_MEM_NEXT_REQUEST } kind;
    const void *data; /* RECV */
    size_t len;       /* RECV: bytes; WAIT_MS: milliseconds */
    size_t piece;     /* RECV: at most so many a recv, 0: all */
};
/**
 * A transport that answers with `step`s in order over all connections and records what is sent. After the last step
 * the stream ends. SILENCE lasts until the connection is closed, NEXT_REQUEST until something is sent; closing drops
 * the rest of a RECV or WAIT_MS step that was begun, and an EOF, RESET, SILENCE or NEXT_REQUEST step that is next.
 */
struct ud_mem_transport {
    const struct ud_mem_step *step;
    size_t step_count;
    size_t at;
    size_t off;
    const struct ud_clock *clock; /* WAIT_MS and poll advance it */
    char *sent;                   /* caller's; requests are appended, terminated */
    size_t sent_cap, sent_len;
    unsigned opens;
    bool is_open;
    esp_err_t open_error;    /* not ESP_OK: every open fails with it */
    struct ud_endpoint last; /* of the last open; host copied below */
    char last_host[64];
};
struct ud_transport ud_mem_transport(struct ud_mem_transport *m);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_HTTP_H */
