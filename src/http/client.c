/* SPDX-License-Identifier: Apache-2.0 */
/* The client, part one: making one, connecting, sending a request, receiving the head and the body of the response. */
#include "client.h"

static const char default_agent[] = "ESP32 HTTP Client/1.0";

/* ---- telling ----------------------------------------------------------------------------------------------- */

static void tell(struct ud_http *h, struct ud_http_event *e)
{
    e->http = h;
    if (h->env.event)
        h->env.event(h->env.event_ctx, e);
}

void ud_http_emit(struct ud_http *h, enum ud_http_event_id id, int status)
{
    h->error_told = h->error_told || id == UD_HTTP_EVENT_ERROR;
    tell(h, &(struct ud_http_event){ .id = id, .status = status });
}

/* The response has ended badly; what is asked of it from now on gets the same answer, and the event comes with it. */
static esp_err_t fail(struct ud_http *h, esp_err_t err)
{
    h->failed = err;
    h->error_due = true;
    return err;
}

static esp_err_t told(struct ud_http *h, esp_err_t err)
{
    if (err != ESP_OK && h->error_due) {
        h->error_due = false;
        ud_http_emit(h, UD_HTTP_EVENT_ERROR, 0);
    }
    return err;
}

static esp_err_t fail_closed(struct ud_http *h)
{
    uint64_t expected = h->content_length > 0 ? (uint64_t)h->content_length : 0;
    ud_note(h->env.obs, UD_NOTE_HTTP_CLOSED, ESP_FAIL, h->received, expected, h->target.host);
    if (!h->parser.chunked)
        return fail(h, ESP_FAIL);
    h->failed = ESP_FAIL; /* within chunks ESP-IDF's streaming calls raise no event for it */
    return ESP_FAIL;
}

/* Nor do they for what the parser refuses; perform tells of every failure. */
static esp_err_t fail_parse(struct ud_http *h, esp_err_t err)
{
    ud_note(h->env.obs, UD_NOTE_HTTP_BAD_RESPONSE, err, h->parser.offset, 0, h->parser.why);
    h->failed = err;
    return err;
}

/* ---- birth and death --------------------------------------------------------------------------------------- */

/* The host/path form as a URL, so that one parser judges both. */
static esp_err_t compose_url(const struct ud_http_config *cfg, struct ud_http_buf *b)
{
    const char *path = cfg->path ? cfg->path : "/";
    bool ipv6 = ud_http_is_ipv6(cfg->host);
    for (const char *c = cfg->host; *c; c++) {
        if (*c == '@' || *c == '/' || *c == '?' || *c == '#')
            return ESP_ERR_INVALID_ARG;
    }
    const char *const parts[] = {
        cfg->tls_by_default ? "https://" : "http://",
        ipv6 ? "[" : "",
        cfg->host,
        ipv6 ? "]" : "",
    };
    esp_err_t err = ESP_OK;
    for (size_t i = 0; i < UD_ARRAY_LEN(parts) && err == ESP_OK; i++)
        err = ud_http_buf_puts(b, parts[i]);
    if (err == ESP_OK && cfg->port > 0) {
        err = ud_http_buf_puts(b, ":");
        if (err == ESP_OK)
            err = ud_http_buf_put_decimal(b, cfg->port);
    }
    const char *const rest[] = { *path == '/' ? "" : "/", path, cfg->query ? "?" : "", cfg->query ? cfg->query : "" };
    for (size_t i = 0; i < UD_ARRAY_LEN(rest) && err == ESP_OK; i++)
        err = ud_http_buf_puts(b, rest[i]);
    return err;
}

static esp_err_t set_first_url(struct ud_http *h, const struct ud_http_config *cfg)
{
    struct ud_http_buf composed;
    ud_http_buf_init(&composed, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = cfg->url ? ESP_OK : cfg->host ? compose_url(cfg, &composed) : ESP_ERR_INVALID_ARG;
    if (err == ESP_OK)
        err = ud_http_go_to(h, cfg->url ? cfg->url : composed.data, false);
    ud_http_buf_free(&composed);
    return err;
}

static void take_config(struct ud_http *h, const struct ud_http_config *cfg)
{
    h->tls = cfg->tls;
    h->method = cfg->method;
    h->max_redirects = cfg->max_redirects == 0 ? 10 : cfg->max_redirects < 0 ? 0 : cfg->max_redirects;
    h->max_auth_retries = cfg->max_auth_retries == 0 ? 10 : cfg->max_auth_retries < 0 ? 0 : cfg->max_auth_retries;
    h->basic_auth = cfg->basic_auth;
    h->may_basic = cfg->answer_basic;
    h->may_digest = cfg->answer_digest;
    h->disable_auto_redirect = cfg->disable_auto_redirect;
    h->tcp_keepalive = cfg->tcp_keepalive;
    h->keepalive_idle_s = cfg->keepalive_idle_s;
    h->keepalive_interval_s = cfg->keepalive_interval_s;
    h->keepalive_count = cfg->keepalive_count;
    h->ip_version = cfg->ip_version;
    h->stall_us = cfg->stall_ms * (uint64_t)1000;
    h->stall_by_timeout = cfg->stall_ms == 0;
    ud_http_set_timeout_ms(h, cfg->timeout_ms == 0 ? 5000 : cfg->timeout_ms);
    h->window_us = (cfg->slow_window_ms ? cfg->slow_window_ms : 120000) * (uint64_t)1000;
    h->rate = cfg->slow_bytes_per_s ? cfg->slow_bytes_per_s : 64;
    h->rx_cap = cfg->buffer_size ? cfg->buffer_size : 512;
}

static esp_err_t set_texts(struct ud_http *h, const struct ud_http_config *cfg)
{
    esp_err_t err =
        ud_http_fields_set(&h->request_fields, "User-Agent", cfg->user_agent ? cfg->user_agent : default_agent);
    if (err == ESP_OK)
        err = ud_http_set_username(h, cfg->username);
    if (err == ESP_OK)
        err = ud_http_set_password(h, cfg->password);
    if (err == ESP_OK)
        err = set_first_url(h, cfg); /* its user info wins */
    return err;
}

esp_err_t ud_http_create(const struct ud_http_env *env, const struct ud_http_config *cfg, struct ud_http **out)
{
    if ((unsigned)cfg->method >= UD_HTTP_METHOD_MAX)
        return ESP_ERR_INVALID_ARG;
    struct ud_http *h = ud_alloc_get(&env->alloc, sizeof *h);
    if (!h)
        return ESP_ERR_NO_MEM;
    *h = (struct ud_http){ .env = *env, .state = UD_HTTP_INIT };
    h->request_fields.alloc = h->response_fields.alloc = &h->env.alloc;
    ud_http_buf_init(&h->request, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    ud_http_parser_init(&h->parser, &h->env.alloc);
    take_config(h, cfg);
    ud_http_init_auth(h);
    esp_err_t err = set_texts(h, cfg);
    if (err == ESP_OK) {
        h->rx = ud_alloc_get(&env->alloc, h->rx_cap);
        err = h->rx ? ESP_OK : ESP_ERR_NO_MEM;
    }
    if (err != ESP_OK) {
        ud_http_destroy(h);
        return err;
    }
    *out = h;
    return ESP_OK;
}

static void free_secret(struct ud_http *h, char *secret)
{
    if (secret)
        memset(secret, 0, ud_http_strlen(secret));
    ud_alloc_put(&h->env.alloc, secret);
}

void ud_http_destroy(struct ud_http *h)
{
    if (!h)
        return;
    ud_http_close(h);
    struct ud_alloc alloc = h->env.alloc;
    ud_http_target_free(&alloc, &h->target);
    free_secret(h, h->username);
    free_secret(h, h->password);
    ud_http_forget_challenge(h);
    ud_http_buf_free(&h->auth_data);
    ud_http_fields_clear(&h->request_fields);
    ud_http_fields_clear(&h->response_fields);
    ud_http_buf_free(&h->request);
    ud_http_parser_free(&h->parser);
    ud_alloc_put(&alloc, h->rx);
    ud_alloc_put(&alloc, h);
}

esp_err_t ud_http_close(struct ud_http *h)
{
    if (h->state == UD_HTTP_INIT)
        return ESP_OK;
    h->state = UD_HTTP_INIT;
    h->rx_at = h->rx_len = 0;
    h->env.transport.ops->close(h->env.transport.ctx); /* first: who is told may connect again */
    ud_http_emit(h, UD_HTTP_EVENT_DISCONNECTED, 0);
    return ESP_OK;
}

/* ---- connecting -------------------------------------------------------------------------------------------- */

static void note_connect(struct ud_http *h)
{
    struct ud_http_buf b;
    ud_http_buf_init(&b, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = ud_http_buf_puts(&b, h->target.host);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&b, ":");
    if (err == ESP_OK)
        err = ud_http_buf_put_decimal(&b, h->target.port);
    if (err == ESP_OK && h->why[0])
        err = ud_http_buf_puts(&b, ": ");
    if (err == ESP_OK)
        err = ud_http_buf_puts(&b, h->why);
    ud_note(h->env.obs, UD_NOTE_HTTP_CONNECT, h->tls_error, 0, 0, err == ESP_OK ? b.data : h->why);
    ud_http_buf_free(&b);
}

static esp_err_t open_transport(struct ud_http *h)
{
    static const char unverified[] =
        "the server cannot be verified: set cert_pem, or crt_bundle_attach for the system's certificates";
    const struct ud_transport *t = &h->env.transport;
    struct ud_endpoint to = {
        .host = h->target.host,
        .port = h->target.port,
        .tls = h->target.is_tls,
        .tls_config = h->target.is_tls ? &h->tls : NULL,
        .tcp_keepalive = h->tcp_keepalive,
        .keepalive_idle_s = h->keepalive_idle_s,
        .keepalive_interval_s = h->keepalive_interval_s,
        .keepalive_count = h->keepalive_count,
        .ip_version = h->ip_version,
    };
    h->why[0] = '\0';
    if (to.tls && !h->tls.ca_pem && !h->tls.use_system_store) {
        ud_strcopy(h->why, sizeof h->why, unverified, sizeof unverified);
        return ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED;
    }
    uint64_t limit_ms = h->timeout_ms < 0 ? h->stall_us / 1000 : (uint64_t)h->timeout_ms;
    return t->ops->open(t->ctx, &to, limit_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)limit_ms, h->why, sizeof h->why);
}

static esp_err_t connect_to_target(struct ud_http *h)
{
    ud_http_close(h);
    h->tls_error = open_transport(h);
    if (h->tls_error != ESP_OK) {
        note_connect(h);
        return ESP_ERR_HTTP_CONNECT;
    }
    h->state = UD_HTTP_CONNECTED;
    h->reused = false;
    ud_http_emit(h, UD_HTTP_EVENT_ON_CONNECTED, 0);
    return h->state == UD_HTTP_CONNECTED ? ESP_OK : ESP_ERR_HTTP_CONNECT; /* the handler may have closed it */
}

/*
 * May the next request go out on this connection? Only after a response that ended, said so, and left nothing behind;
 * and not when the server has closed it meanwhile, which is what most servers do at some point.
 */
static bool is_reusable(struct ud_http *h)
{
    const struct ud_transport *t = &h->env.transport;
    bool ended = h->state == UD_HTTP_HEAD_RECEIVED && h->failed == ESP_OK && ud_http_parser_is_done(&h->parser) &&
                 h->parser.keep_alive && h->rx_at == h->rx_len;
    size_t got = 0;
    if (h->state != UD_HTTP_CONNECTED && !ended)
        return false;
    return t->ops->recv(t->ctx, h->rx, 1, &got) == ESP_ERR_NOT_FINISHED;
}

void ud_http_forget_response(struct ud_http *h)
{
    ud_http_parser_reset(&h->parser, h->method == UD_HTTP_HEAD);
    ud_http_fields_clear(&h->response_fields);
    ud_http_buf_clear(&h->auth_data);
    h->kept = 0;
    h->failed = ESP_OK;
    h->error_due = h->broken_body = h->redirected = h->heard = h->body_written = false;
    h->received = 0;
    h->range_start = UD_HTTP_RANGE_NONE;
    h->rx_at = h->rx_len = 0;
    ud_http_restart_deadlines(h);
}

static esp_err_t send_request(struct ud_http *h)
{
    ud_http_forget_response(h);
    h->status = -1;
    h->content_length = 0; /* as ESP-IDF until the head is there */
    esp_err_t err = ud_http_send_all(h, h->request.data, h->request.len);
    if (err == ESP_OK)
        h->state = UD_HTTP_SENT;
    return err;
}

/* On a connection that had served before, "closed" only means that the server did not want to keep it. */
static esp_err_t send_again(struct ud_http *h)
{
    esp_err_t err = connect_to_target(h);
    return err == ESP_OK ? send_request(h) : err;
}

esp_err_t ud_http_open(struct ud_http *h, int64_t body_len)
{
    esp_err_t err = ESP_OK;
    if (!h->target.is_http) {
        ud_http_emit(h, UD_HTTP_EVENT_ERROR, 0);
        return ESP_ERR_HTTP_INVALID_TRANSPORT;
    }
    err = ud_http_build_request(h, body_len);
    if (err == ESP_OK) {
        h->reused = is_reusable(h);
        if (!h->reused)
            err = connect_to_target(h);
    }
    if (err == ESP_OK) {
        err = send_request(h);
        if (err == ESP_ERR_HTTP_WRITE_DATA && h->reused)
            err = send_again(h);
    }
    if (err != ESP_OK) {
        ud_http_emit(h, UD_HTTP_EVENT_ERROR, 0);
        ud_http_close(h);
        return err;
    }
    ud_http_emit(h, UD_HTTP_EVENT_HEADERS_SENT, 0);
    return ESP_OK;
}

esp_err_t ud_http_cancel(struct ud_http *h)
{
    if (h->state < UD_HTTP_CONNECTED)
        return ESP_ERR_INVALID_STATE;
    ud_http_forget_response(h);
    if (connect_to_target(h) == ESP_OK)
        return ESP_OK;
    ud_http_emit(h, UD_HTTP_EVENT_ERROR, 0);
    return ESP_FAIL;
}

esp_err_t ud_http_write(struct ud_http *h, const void *data, size_t len)
{
    if (h->state < UD_HTTP_SENT)
        return ESP_ERR_INVALID_STATE;
    h->body_written = h->body_written || len > 0;
    return ud_http_send_all(h, data, len);
}

/* ---- the head ---------------------------------------------------------------------------------------------- */

/* The total of "bytes 0-99/1234"; -1 when it is "*" or no number. */
static int64_t range_total(const char *value)
{
    int64_t total = 0;
    while (*value && *value != '/')
        value++;
    if (*value++ != '/' || !*value)
        return -1;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || total > (INT64_MAX - (*value - '0')) / 10)
            return -1;
        total = total * 10 + (*value - '0');
    }
    return total;
}

/* The first byte of "bytes 0-99/1234". */
static int64_t range_start(const char *value)
{
    static const char unit[] = "bytes ";
    int64_t start = 0;
    size_t i = 0;
    for (; i < sizeof unit - 1; i++) {
        char c = value[i] >= 'A' && value[i] <= 'Z' ? (char)(value[i] + ('a' - 'A')) : value[i];
        if (c != unit[i])
            return UD_HTTP_RANGE_BAD;
    }
    size_t digits = i;
    for (; value[i] >= '0' && value[i] <= '9'; i++) {
        if (start > (INT64_MAX - (value[i] - '0')) / 10)
            return UD_HTTP_RANGE_BAD;
        start = start * 10 + (value[i] - '0');
    }
    return i > digits && value[i] == '-' ? start : UD_HTTP_RANGE_BAD;
}

static esp_err_t take_field(struct ud_http *h)
{
    const struct ud_http_parser *p = &h->parser;
    size_t size = ud_http_strlen(p->name) + ud_http_strlen(p->value);

    if (ud_strcaseeq(p->name, "Content-Range")) {
        h->range_start = range_start(p->value);
        h->range_total = range_total(p->value);
    }
    bool needed = ud_strcaseeq(p->name, "Location") || ud_strcaseeq(p->name, "WWW-Authenticate");
    if (size <= UD_HTTP_KEPT_MAX - h->kept || needed) {
        esp_err_t err = ud_http_fields_add(&h->response_fields, p->name, p->value);
        if (err != ESP_OK)
            return err;
        h->kept += size < UD_HTTP_KEPT_MAX - h->kept ? size : UD_HTTP_KEPT_MAX - h->kept;
    }
    tell(h, &(struct ud_http_event){ .id = UD_HTTP_EVENT_ON_HEADER, .name = p->name, .value = p->value });
    return ESP_OK;
}

static esp_err_t take_head_event(struct ud_http *h, enum ud_http_parse what)
{
    switch (what) {
    case UD_PARSE_STATUS:
        h->status = h->parser.status;
        ud_note(h->env.obs, UD_NOTE_HTTP_STATUS, ESP_OK, (uint64_t)h->status, 0, h->parser.reason);
        if (h->parser.reason[0]) /* ESP-IDF hears of a status only with its phrase */
            ud_http_emit(h, UD_HTTP_EVENT_ON_STATUS_CODE, h->status);
        return ESP_OK;
    case UD_PARSE_FIELD:
        return take_field(h);
    case UD_PARSE_HEAD:
        h->content_length = h->parser.content_length;
        h->state = UD_HTTP_HEAD_RECEIVED;
        ud_http_emit(h, UD_HTTP_EVENT_ON_HEADERS_COMPLETE, h->status);
        return ESP_OK;
    default:
        return ESP_OK;
    }
}

/* Parse what lies in the receive buffer until the head is complete. */
static esp_err_t parse_head(struct ud_http *h)
{
    while (h->state == UD_HTTP_SENT && h->rx_at < h->rx_len) {
        size_t used = 0;
        enum ud_http_parse what = UD_PARSE_MORE;
        esp_err_t err = ud_http_parser_push(&h->parser, h->rx + h->rx_at, h->rx_len - h->rx_at, &used, &what);
        h->rx_at += used;
        if (err != ESP_OK)
            return fail_parse(h, err);
        err = take_head_event(h, what);
        if (err != ESP_OK)
            return fail(h, err);
    }
    return ESP_OK;
}

static bool may_send_again(const struct ud_http *h)
{
    return h->reused && !h->heard && !h->body_written && h->method != UD_HTTP_POST && h->method != UD_HTTP_PATCH;
}

static esp_err_t receive_head(struct ud_http *h)
{
    while (h->state == UD_HTTP_SENT) {
        size_t got = 0;
        esp_err_t err = ud_http_recv_some(h, h->rx, h->rx_cap, &got);
        if (err == ESP_ERR_HTTP_EAGAIN)
            return err;
        if (err == ESP_ERR_TIMEOUT)
            return fail(h, err);
        if ((err != ESP_OK || got == 0) && may_send_again(h)) {
            err = send_again(h);
            if (err != ESP_OK)
                return fail(h, err);
            continue;
        }
        if (err != ESP_OK || got == 0)
            return fail_closed(h);
        h->heard = true;
        h->rx_at = 0;
        h->rx_len = got;
        err = parse_head(h);
        if (err != ESP_OK)
            return err;
    }
    return h->state == UD_HTTP_HEAD_RECEIVED ? ESP_OK : ESP_FAIL; /* a handler may have closed */
}

esp_err_t ud_http_fetch_headers(struct ud_http *h, int64_t *length)
{
    if (h->failed != ESP_OK)
        return h->failed;
    if (h->state < UD_HTTP_SENT)
        return ESP_FAIL;
    esp_err_t err = receive_head(h);
    if (err == ESP_OK)
        *length = h->content_length > 0 ? h->content_length : 0;
    return told(h, err);
}

/* ---- the body ---------------------------------------------------------------------------------------------- */

/* Get bytes: from the receive buffer, else from the network, straight into `dst` where all of them are body. */
static esp_err_t next_bytes(struct ud_http *h, char *dst, size_t cap, const char **data, size_t *len)
{
    size_t ahead = ud_http_parser_body_ahead(&h->parser);
    esp_err_t err = ESP_OK;

    *len = 0;
    if (h->rx_at == h->rx_len && dst && ahead > 0) {
        err = ud_http_recv_some(h, dst, cap < ahead ? cap : ahead, len);
        *data = dst;
        return err;
    }
    if (h->rx_at == h->rx_len) {
        h->rx_at = h->rx_len = 0;
        err = ud_http_recv_some(h, h->rx, h->rx_cap, &h->rx_len);
        if (err != ESP_OK)
            h->rx_len = 0;
    }
    *data = h->rx + h->rx_at;
    *len = h->rx_len - h->rx_at < cap ? h->rx_len - h->rx_at : cap;
    return err;
}

/* The stream ended, cleanly or not. A body without a length ends so, and nobody can tell a cut from the end. */
static esp_err_t take_end(struct ud_http *h, bool broken)
{
    h->broken_body = broken;
    return ud_http_parser_eof(&h->parser) == ESP_OK ? ESP_OK : fail_closed(h);
}

/* The next piece of the body, at most `cap` bytes: in `dst`, or (also without a `dst`) in the receive buffer. */
static esp_err_t next_body(struct ud_http *h, char *dst, size_t cap, const char **piece, size_t *n)
{
    *n = 0;
    if (h->failed != ESP_OK)
        return h->failed;
    while (h->state == UD_HTTP_HEAD_RECEIVED && !ud_http_parser_is_done(&h->parser)) {
        const char *data = NULL;
        size_t len = 0;
        size_t used = 0;
        enum ud_http_parse what = UD_PARSE_MORE;
        esp_err_t err = next_bytes(h, dst, cap, &data, &len);
        if (err == ESP_ERR_HTTP_EAGAIN)
            return err;
        if (err == ESP_ERR_TIMEOUT)
            return fail(h, err);
        if (err != ESP_OK || len == 0) {
            err = take_end(h, err != ESP_OK);
            if (err != ESP_OK)
                return err;
            continue;
        }
        err = ud_http_parser_push(&h->parser, data, len, &used, &what);
        if (data != dst)
            h->rx_at += used;
        if (err != ESP_OK)
            return fail_parse(h, err);
        if (what == UD_PARSE_BODY) {
            *piece = h->parser.body;
            *n = h->parser.body_len;
            tell(h, &(struct ud_http_event){ .id = UD_HTTP_EVENT_ON_DATA, .data = *piece, .len = *n });
            return ESP_OK;
        }
    }
    return h->state == UD_HTTP_HEAD_RECEIVED ? ESP_OK : ESP_FAIL;
}

esp_err_t ud_http_read(struct ud_http *h, void *buf, size_t cap, size_t *got)
{
    char *to = buf;
    *got = 0;
    while (*got < cap) {
        const char *piece = NULL;
        size_t n = 0;
        esp_err_t err = next_body(h, to + *got, cap - *got, &piece, &n);
        /* What has come is handed out first; the next call tells of the failure. Not so when chunks end too early. */
        if (err != ESP_OK && *got > 0 && (err != ESP_FAIL || !h->parser.chunked || h->broken_body))
            return ESP_OK;
        if (err != ESP_OK)
            return told(h, err);
        if (n == 0)
            return ESP_OK;
        if (piece != to + *got)
            memcpy(to + *got, piece, n);
        *got += n;
    }
    return ESP_OK;
}

/* Take the rest of the body, to no use but its events; at least `max` bytes end it with ESP_ERR_INVALID_SIZE. */
static esp_err_t discard(struct ud_http *h, size_t max, size_t *total)
{
    const char *piece = NULL;
    size_t n = 0;
    esp_err_t err = ESP_OK;
    *total = 0;
    do {
        err = next_body(h, NULL, SIZE_MAX, &piece, &n);
        *total += n;
        if (err == ESP_OK && n > 0 && *total >= max)
            return ESP_ERR_INVALID_SIZE;
    } while (err == ESP_OK && n > 0);
    return told(h, err);
}

esp_err_t ud_http_flush(struct ud_http *h, size_t *discarded)
{
    size_t total = 0;
    esp_err_t err = discard(h, UD_HTTP_FLUSH_MAX, &total);
    if (discarded)
        *discarded = total;
    return err;
}

/* ---- the whole exchange ------------------------------------------------------------------------------------ */

static bool is_redirect(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static esp_err_t perform_request(struct ud_http *h)
{
    /* After a header time-out the request is still under way: go on waiting for the answer to it. */
    if (h->state == UD_HTTP_SENT && h->failed == ESP_OK)
        return ESP_OK;
    esp_err_t err = ud_http_open(h, (int64_t)h->post_len);
    if (err != ESP_OK || h->post_len == 0)
        return err;
    err = ud_http_write(h, h->post, h->post_len);
    return err == ESP_OK ? ESP_OK : told(h, fail(h, err));
}

/* Judge the status. `*follow`: there is another request to make. */
static esp_err_t check_status(struct ud_http *h, bool *follow)
{
    *follow = false;
    if (h->status >= 200 && h->status < 300) {
        h->redirects = 0;
        return ESP_OK;
    }
    if (h->redirects >= h->max_redirects)
        return ESP_ERR_HTTP_MAX_REDIRECT;
    if (h->status == 401) {
        esp_err_t answered = ud_http_add_auth(h);
        *follow = answered == ESP_OK;
        return answered;
    }
    if (!is_redirect(h->status))
        return ESP_OK;
    ud_http_emit(h, UD_HTTP_EVENT_REDIRECT, h->status);
    esp_err_t err = h->disable_auto_redirect ? ESP_OK : ud_http_set_redirection(h);
    *follow = err == ESP_OK && h->redirected;
    return err;
}

static esp_err_t perform_body(struct ud_http *h, bool follow)
{
    size_t total = 0;
    esp_err_t err = discard(h, follow ? UD_HTTP_FLUSH_MAX : SIZE_MAX, &total);
    if (follow && err == ESP_ERR_INVALID_SIZE)
        return ud_http_close(h); /* a redirect whose body does not end is followed all the same */
    if (err == ESP_OK && h->broken_body)
        h->failed = err = ESP_FAIL;
    return err == ESP_FAIL || err == ESP_ERR_HTTP_EAGAIN ? ESP_ERR_HTTP_INCOMPLETE_DATA : err;
}

/* From the request to the judged status. */
static esp_err_t perform_head(struct ud_http *h, bool *follow)
{
    int64_t length = 0;
    esp_err_t err = perform_request(h);
    if (err != ESP_OK)
        return err;
    err = ud_http_fetch_headers(h, &length);
    if (err != ESP_OK)
        return err == ESP_FAIL ? ESP_ERR_HTTP_FETCH_HEADER : err;
    return check_status(h, follow);
}

static void tell_failure(struct ud_http *h, esp_err_t err)
{
    if (err != ESP_OK && err != ESP_ERR_HTTP_EAGAIN && !h->error_told)
        ud_http_emit(h, UD_HTTP_EVENT_ERROR, 0);
}

static esp_err_t perform_one(struct ud_http *h, bool *follow)
{
    h->error_told = false;
    esp_err_t err = perform_head(h, follow);
    tell_failure(h, err);
    if (err != ESP_OK)
        return err;
    if (!*follow || h->state != UD_HTTP_INIT) { /* else gone to another server: the rest of the answer is of no use */
        err = perform_body(h, *follow);
        tell_failure(h, err);
    }
    if (err == ESP_OK)
        ud_http_emit(h, UD_HTTP_EVENT_ON_FINISH, h->status);
    if (err != ESP_OK || !h->parser.keep_alive)
        ud_http_close(h);
    return err;
}

esp_err_t ud_http_perform(struct ud_http *h)
{
    bool follow = false;
    esp_err_t err = ESP_OK;
    do {
        err = perform_one(h, &follow);
    } while (err == ESP_OK && follow);
    return err;
}
