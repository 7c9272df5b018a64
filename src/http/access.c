/* SPDX-License-Identifier: Apache-2.0 */
/* The client, part two: what can be set and asked. */
#include "client.h"

esp_err_t ud_http_set_header(struct ud_http *h, const char *name, const char *value)
{
    return value ? ud_http_fields_set(&h->request_fields, name, value)
                 : ud_http_fields_delete(&h->request_fields, name);
}

esp_err_t ud_http_set_range(struct ud_http *h, uint64_t first, int64_t last)
{
    struct ud_http_buf b;
    ud_http_buf_init(&b, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = ud_http_buf_puts(&b, "bytes=");
    if (err == ESP_OK)
        err = ud_http_buf_put_decimal(&b, first);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&b, "-");
    if (err == ESP_OK && last >= 0)
        err = ud_http_buf_put_decimal(&b, (uint64_t)last);
    if (err == ESP_OK)
        err = ud_http_set_header(h, "Range", b.data);
    ud_http_buf_free(&b);
    return err;
}

const char *ud_http_get_header(const struct ud_http *h, const char *name)
{
    return ud_http_fields_get(&h->request_fields, name);
}

void ud_http_clear_headers(struct ud_http *h)
{
    ud_http_fields_clear(&h->request_fields);
}

void ud_http_set_method(struct ud_http *h, enum ud_http_method method)
{
    if ((unsigned)method < UD_HTTP_METHOD_MAX)
        h->method = method;
}

void ud_http_set_timeout_ms(struct ud_http *h, int timeout_ms)
{
    h->timeout_ms = timeout_ms < 0 ? -1 : timeout_ms;
    if (h->stall_by_timeout)
        h->stall_us = (uint64_t)(timeout_ms > 60000 ? timeout_ms : 60000) * 1000;
}

void ud_http_set_post_field(struct ud_http *h, const void *data, size_t len)
{
    h->post = data;
    h->post_len = data ? len : 0;
}

const void *ud_http_post_field(const struct ud_http *h, size_t *len)
{
    *len = h->post_len;
    return h->post;
}

static esp_err_t replace_text(struct ud_http *h, char **text, const char *value)
{
    char *copy = NULL;
    if (value) {
        copy = ud_http_strdup(&h->env.alloc, value, ud_http_strlen(value));
        if (!copy)
            return ESP_ERR_NO_MEM;
    }
    if (*text)
        memset(*text, 0, ud_http_strlen(*text));
    ud_alloc_put(&h->env.alloc, *text);
    *text = copy;
    return ESP_OK;
}

esp_err_t ud_http_set_username(struct ud_http *h, const char *username)
{
    return replace_text(h, &h->username, username);
}

esp_err_t ud_http_set_password(struct ud_http *h, const char *password)
{
    return replace_text(h, &h->password, password);
}

const char *ud_http_username(const struct ud_http *h)
{
    return h->username;
}

const char *ud_http_password(const struct ud_http *h)
{
    return h->password;
}

void ud_http_set_basic_auth(struct ud_http *h, bool on)
{
    h->basic_auth = on;
    ud_http_forget_challenge(h);
}

enum ud_http_state ud_http_state(const struct ud_http *h)
{
    return h->state;
}

int ud_http_socket(const struct ud_http *h)
{
    const struct ud_transport *t = &h->env.transport;
    return h->state == UD_HTTP_INIT || !t->ops->socket ? -1 : t->ops->socket(t->ctx);
}

int ud_http_status(const struct ud_http *h)
{
    return h->status;
}

int64_t ud_http_content_length(const struct ud_http *h)
{
    return h->content_length;
}

int64_t ud_http_content_range_start(const struct ud_http *h)
{
    return h->range_start;
}

int64_t ud_http_content_range_total(const struct ud_http *h)
{
    return h->range_total;
}

const char *ud_http_response_header(const struct ud_http *h, const char *name)
{
    return ud_http_fields_get(&h->response_fields, name);
}

/* ESP-IDF flags a length of 0 so, too. */
bool ud_http_is_chunked(const struct ud_http *h)
{
    return h->status > 0 && h->content_length <= 0;
}

bool ud_http_is_complete(const struct ud_http *h)
{
    return h->failed == ESP_OK && ud_http_parser_is_done(&h->parser);
}

bool ud_http_is_persistent(const struct ud_http *h)
{
    return h->parser.keep_alive;
}

bool ud_http_is_tls(const struct ud_http *h)
{
    return h->target.is_tls;
}

esp_err_t ud_http_get_url(const struct ud_http *h, char *buf, size_t size)
{
    const struct ud_http_target *t = &h->target;
    char port[8];
    size_t at = sizeof port - 1;
    port[at] = '\0';
    for (uint32_t v = t->port; v > 0; v /= 10)
        port[--at] = (char)('0' + v % 10);
    bool ipv6 = ud_http_is_ipv6(t->host);
    const char *const parts[] = {
        t->scheme, "://", ipv6 ? "[" : "", t->host, ipv6 ? "]" : "", ":", port + at, t->path
    };
    size_t len = 0;
    for (size_t i = 0; i < UD_ARRAY_LEN(parts); i++) {
        size_t n = ud_http_strlen(parts[i]);
        if (n >= size - len)
            return ESP_ERR_INVALID_SIZE;
        memcpy(buf + len, parts[i], n);
        len += n;
    }
    buf[len] = '\0';
    return ESP_OK;
}

esp_err_t ud_http_last_tls_error(const struct ud_http *h, const char **why)
{
    *why = h->why;
    return h->tls_error;
}
