/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a request: line, fields, what says how long the body is. It grows as far as it must. */
#include "client.h"

static const char *const methods[UD_HTTP_METHOD_MAX] = {
    "GET",     "POST", "PUT",  "PATCH", "DELETE", "HEAD",     "NOTIFY",    "SUBSCRIBE", "UNSUBSCRIBE",
    "OPTIONS", "COPY", "MOVE", "LOCK",  "UNLOCK", "PROPFIND", "PROPPATCH", "MKCOL",     "REPORT",
};

const char *ud_http_method_name(enum ud_http_method method)
{
    return methods[method];
}

static esp_err_t put_field(struct ud_http_buf *b, const char *name, const char *value)
{
    const char *const parts[] = { name, ": ", value, "\r\n" };
    esp_err_t err = ESP_OK;
    for (size_t i = 0; i < UD_ARRAY_LEN(parts) && err == ESP_OK; i++)
        err = ud_http_buf_puts(b, parts[i]);
    return err;
}

static esp_err_t put_base64(struct ud_http_buf *b, const char *data, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    esp_err_t err = ESP_OK;
    for (size_t i = 0; i < len && err == ESP_OK; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (unsigned char)data[i + k] : 0u);
        char out[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63], n > 1 ? alphabet[v >> 6 & 63] : '=',
                        n > 2 ? alphabet[v & 63] : '=' };
        err = ud_http_buf_put(b, out, sizeof out);
    }
    return err;
}

static esp_err_t put_basic(struct ud_http *h)
{
    struct ud_http_buf pair;
    ud_http_buf_init(&pair, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = ud_http_buf_puts(&pair, h->username);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&pair, ":");
    if (err == ESP_OK && h->password)
        err = ud_http_buf_puts(&pair, h->password);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&h->request, "Authorization: Basic ");
    if (err == ESP_OK)
        err = put_base64(&h->request, pair.data, pair.len);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&h->request, "\r\n");
    if (pair.data)
        memset(pair.data, 0, pair.len);
    ud_http_buf_free(&pair);
    return err;
}

static esp_err_t put_line(struct ud_http *h)
{
    const struct ud_http_target *t = &h->target;
    const char *const parts[] = {
        methods[h->method], " ", t->path, t->query ? "?" : "", t->query ? t->query : "", " HTTP/1.1\r\n",
    };
    esp_err_t err = ESP_OK;
    for (size_t i = 0; i < UD_ARRAY_LEN(parts) && err == ESP_OK; i++)
        err = ud_http_buf_puts(&h->request, parts[i]);
    return err;
}

static bool answers_challenge(const struct ud_http *h)
{
    return ud_http_answers_digest(h) || (h->answers_basic && h->username);
}

/* The fields that say where the body ends are ours alone, and so is the answer to a challenge. */
static bool is_ours(const struct ud_http *h, const char *name)
{
    return ud_strcaseeq(name, "Content-Length") || ud_strcaseeq(name, "Transfer-Encoding") ||
           (ud_strcaseeq(name, "Authorization") && answers_challenge(h));
}

static esp_err_t put_authorization(struct ud_http *h)
{
    if (ud_http_answers_digest(h))
        return ud_http_put_digest(h);
    bool unasked = h->basic_auth && h->username && !ud_http_fields_get(&h->request_fields, "Authorization");
    return unasked || answers_challenge(h) ? put_basic(h) : ESP_OK;
}

static esp_err_t put_framing(struct ud_http *h, int64_t body_len)
{
    bool bare = h->method == UD_HTTP_GET || h->method == UD_HTTP_HEAD || h->method == UD_HTTP_DELETE;
    if (body_len < 0)
        return put_field(&h->request, "Transfer-Encoding", "chunked");
    if (body_len == 0 && bare)
        return ESP_OK;
    esp_err_t err = ud_http_buf_puts(&h->request, "Content-Length: ");
    if (err == ESP_OK)
        err = ud_http_buf_put_decimal(&h->request, (uint64_t)body_len);
    return err == ESP_OK ? ud_http_buf_puts(&h->request, "\r\n") : err;
}

esp_err_t ud_http_build_request(struct ud_http *h, int64_t body_len)
{
    ud_http_buf_clear(&h->request);
    esp_err_t err = put_line(h);
    for (struct ud_http_field *f = h->request_fields.first; f && err == ESP_OK; f = f->next) {
        if (!is_ours(h, f->name))
            err = put_field(&h->request, f->name, f->value);
    }
    if (err == ESP_OK)
        err = put_authorization(h);
    if (err == ESP_OK)
        err = put_framing(h, body_len);
    if (err == ESP_OK)
        err = ud_http_buf_puts(&h->request, "\r\n");
    return err == ESP_ERR_INVALID_SIZE ? ESP_ERR_HTTP_HEADER_TOO_LONG : err;
}

/* "host", "host:port" unless the port is one of the two well-known ones, "[v6]". */
esp_err_t ud_http_put_host(struct ud_http *h)
{
    const struct ud_http_target *t = &h->target;
    bool ipv6 = ud_http_is_ipv6(t->host);
    struct ud_http_buf b;
    ud_http_buf_init(&b, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = ud_http_buf_puts(&b, ipv6 ? "[" : "");
    if (err == ESP_OK)
        err = ud_http_buf_puts(&b, t->host);
    if (err == ESP_OK && ipv6)
        err = ud_http_buf_puts(&b, "]");
    if (err == ESP_OK && t->port != 80 && t->port != 443) {
        err = ud_http_buf_puts(&b, ":");
        if (err == ESP_OK)
            err = ud_http_buf_put_decimal(&b, t->port);
    }
    if (err == ESP_OK)
        err = ud_http_fields_set(&h->request_fields, "Host", b.data);
    ud_http_buf_free(&b);
    return err;
}
