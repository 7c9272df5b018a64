/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's inside, shared by the files of this room.
 *
 *     INIT --connect--> CONNECTED --request sent--> SENT --head received--> HEAD --body complete--> HEAD, parser done
 *       ^                    ^-------------------- next request on a connection that is fit for it ---------|
 *       |---- close; any failure that leaves the connection in an unknown state ---- any
 */
#ifndef UD_HTTP_CLIENT_H
#define UD_HTTP_CLIENT_H

#include "headers.h"
#include "parser.h"
#include "updraft/http.h"
#include "url.h"

enum {
    UD_HTTP_REQUEST_MAX = 64 * 1024, /* request line and headers, bytes */
    UD_HTTP_KEPT_MAX = 16 * 1024,    /* response headers kept; Location and WWW-Authenticate always are */
};

/* The challenge that is being answered; no nonce: none. */
struct ud_http_digest {
    char *realm, *nonce, *opaque;
    char cnonce[17];
    uint8_t algorithm; /* row of the table in auth.c */
    bool has_qop;      /* "auth" */
    uint32_t count;    /* requests that answered it */
};

struct ud_http {
    struct ud_http_env env;
    struct ud_tls_config tls;
    struct ud_http_target target;
    char *username;
    char *password;
    struct ud_http_fields request_fields;
    enum ud_http_method method;
    const void *post;
    size_t post_len;
    int timeout_ms;
    int max_redirects;
    bool basic_auth;            /* unasked */
    bool may_basic, may_digest; /* when challenged */
    bool answers_basic;         /* to a challenge */
    int max_auth_retries;
    struct ud_http_digest digest;
    struct ud_http_buf auth_data; /* challenge that the application has found elsewhere in the response */
    bool disable_auto_redirect;
    bool tcp_keepalive;
    int keepalive_idle_s, keepalive_interval_s, keepalive_count;
    uint8_t ip_version;

    enum ud_http_state state;
    struct ud_http_buf request;
    bool reused;       /* this request went out on a connection that had served another */
    bool body_written; /* so it cannot be sent again */
    bool heard;        /* a byte of the response has come */
    bool chunked_request;
    int redirects;   /* and answered challenges */
    bool redirected; /* set_redirection was called since the response */

    struct ud_http_parser parser;
    struct ud_http_fields response_fields;
    size_t kept;
    int status;
    int64_t content_length;
    int64_t range_start; /* of this response */
    int64_t range_total; /* of the last response that told one */
    bool broken_body;    /* the stream broke, rather than ended, in the body */
    bool error_due;      /* `failed` has not had its event yet */
    bool error_told;     /* perform: this failure has had its event */
    esp_err_t failed;    /* not ESP_OK: this response has ended with it */
    uint64_t received;

    char *rx;
    size_t rx_cap, rx_at, rx_len;

    bool stall_by_timeout;              /* the first is max(60 s, timeout_ms) */
    uint64_t stall_us, window_us, rate; /* the rule */
    uint64_t silent_us, waited_us, window_bytes;

    esp_err_t tls_error;
    char why[160];
};

/* wait.c: the network, and how long it may take */
UD_MUST_USE esp_err_t ud_http_send_all(struct ud_http *h, const void *data, size_t len);
/** ESP_OK with *got 0: closed. ESP_ERR_HTTP_EAGAIN, ESP_ERR_TIMEOUT (noted), ESP_FAIL broken. */
UD_MUST_USE esp_err_t ud_http_recv_some(struct ud_http *h, void *buf, size_t cap, size_t *got);
void ud_http_restart_deadlines(struct ud_http *h);

/* request.c */
UD_MUST_USE esp_err_t ud_http_build_request(struct ud_http *h, int64_t body_len);
UD_MUST_USE esp_err_t ud_http_put_host(struct ud_http *h); /* set the Host field from the target */
const char *ud_http_method_name(enum ud_http_method method);

/* auth.c */
void ud_http_init_auth(struct ud_http *h);
void ud_http_forget_challenge(struct ud_http *h);
bool ud_http_answers_digest(const struct ud_http *h);
UD_MUST_USE esp_err_t ud_http_put_digest(struct ud_http *h); /* the Authorization field, into the request */

/* client.c */
void ud_http_emit(struct ud_http *h, enum ud_http_event_id id, int status);

/* redirect.c */
UD_MUST_USE esp_err_t ud_http_go_to(struct ud_http *h, const char *ref, bool redirect);
UD_MUST_USE esp_err_t ud_http_set_credentials(struct ud_http *h, struct ud_http_span user,
                                              struct ud_http_span password);

#endif
