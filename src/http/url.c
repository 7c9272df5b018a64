/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3986 as far as an HTTP client needs it. Nothing is decoded: what the caller wrote is what the server gets. */
#include "url.h"

#include "buf.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *find_char(const char *at, const char *end, char c)
{
    while (at < end && *at != c)
        at++;
    return at;
}

static const char *find_any(const char *at, const char *end, const char *set)
{
    for (; at < end; at++) {
        for (const char *c = set; *c; c++) {
            if (*at == *c)
                return at;
        }
    }
    return end;
}

static bool is_host_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~' || (unsigned char)c >= 0x80;
}

static bool is_ipv6_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

static esp_err_t parse_port(const char *at, const char *end, uint16_t *port)
{
    uint32_t value = 0;
    if (at == end)
        return ESP_OK; /* "host:" means the default port */
    for (; at < end; at++) {
        if (!is_digit(*at))
            return ESP_ERR_INVALID_ARG;
        value = value * 10 + (uint32_t)(*at - '0');
        if (value > UINT16_MAX)
            return ESP_ERR_INVALID_ARG;
    }
    *port = (uint16_t)value;
    return value == 0 ? ESP_ERR_INVALID_ARG : ESP_OK;
}

/* [user[:password]@]host[:port] */
static esp_err_t parse_authority(const char *at, const char *end, struct ud_http_url *out)
{
    const char *sign = find_char(at, end, '@');
    if (sign < end) {
        const char *colon = find_char(at, sign, ':');
        out->user = (struct ud_http_span){ at, (size_t)(colon - at) };
        if (colon < sign)
            out->password = (struct ud_http_span){ colon + 1, (size_t)(sign - colon - 1) };
        at = sign + 1;
    }
    bool ipv6 = at < end && *at == '[';
    const char *host = ipv6 ? at + 1 : at;
    const char *host_end = find_char(host, end, ipv6 ? ']' : ':');
    if (host_end == host || (ipv6 && host_end == end))
        return ESP_ERR_INVALID_ARG;
    for (const char *c = host; c < host_end; c++) {
        if (!(ipv6 ? is_ipv6_char(*c) : is_host_char(*c)))
            return ESP_ERR_INVALID_ARG;
    }
    out->host = (struct ud_http_span){ host, (size_t)(host_end - host) };
    const char *rest = ipv6 ? host_end + 1 : host_end;
    if (rest == end)
        return ESP_OK;
    return *rest == ':' ? parse_port(rest + 1, end, &out->port) : ESP_ERR_INVALID_ARG;
}

/* Sets scheme when `at` begins with one; "name:rest" without "//" is none of ours. */
static esp_err_t parse_scheme(const char **at, const char *end, struct ud_http_url *out)
{
    const char *stop = find_any(*at, end, ":/?#");
    if (stop == end || *stop != ':')
        return ESP_OK;
    if (stop == *at || !is_alpha(**at) || end - stop < 3 || stop[1] != '/' || stop[2] != '/')
        return ESP_ERR_INVALID_ARG;
    for (const char *c = *at; c < stop; c++) {
        if (!is_alpha(*c) && !is_digit(*c) && *c != '+' && *c != '-' && *c != '.')
            return ESP_ERR_INVALID_ARG;
    }
    out->scheme = (struct ud_http_span){ *at, (size_t)(stop - *at) };
    *at = stop + 1;
    return ESP_OK;
}

esp_err_t ud_http_url_parse(const char *s, size_t len, struct ud_http_url *out)
{
    const char *at = s;
    const char *end = s + len;

    *out = (struct ud_http_url){ 0 };
    for (const char *c = s; c < end; c++) {
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return ESP_ERR_INVALID_ARG;
    }
    end = find_char(s, end, '#');
    esp_err_t err = parse_scheme(&at, end, out);
    if (err != ESP_OK)
        return err;
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        const char *stop = find_any(at + 2, end, "/?");
        err = parse_authority(at + 2, stop, out);
        if (err != ESP_OK)
            return err;
        at = stop;
    }
    const char *mark = find_char(at, end, '?');
    out->path = (struct ud_http_span){ at, (size_t)(mark - at) };
    if (mark < end)
        out->query = (struct ud_http_span){ mark + 1, (size_t)(end - mark - 1) };
    return ESP_OK;
}

bool ud_http_is_ipv6(const char *host)
{
    for (; *host; host++) {
        if (*host == ':')
            return true;
    }
    return false;
}

/* RFC 3986, 5.2.4, in place: "/a/b/../c/./d" becomes "/a/c/d". Returns the new length; `path` begins with '/'. */
static size_t remove_dots(char *path, size_t len)
{
    size_t out = 0;
    size_t at = 0;
    while (at < len) {
        size_t seg = at + 1;
        while (seg < len && path[seg] != '/')
            seg++;
        size_t n = seg - at; /* "/segment" */
        bool last = seg == len;
        bool dot = n == 2 && path[at + 1] == '.';
        bool dots = n == 3 && path[at + 1] == '.' && path[at + 2] == '.';
        if (dots) {
            while (out > 0 && path[--out] != '/') {
            }
        }
        if (!dot && !dots) {
            memmove(path + out, path + at, n);
            out += n;
        } else if (last) {
            path[out++] = '/';
        }
        at = seg;
    }
    return out;
}

static char *append(char **to, const char *s, size_t len)
{
    char *start = *to;
    if (len > 0)
        memcpy(start, s, len);
    start[len] = '\0';
    *to = start + len + 1;
    return start;
}

/* RFC 3986, 5.2.2: the path of `ref` seen from `base`. `to` has room for both paths and two bytes. */
static char *append_path(char **to, const struct ud_http_target *base, struct ud_http_span ref)
{
    char *start = *to;
    size_t len = 0;
    if (ref.len == 0 || ref.at[0] != '/') {
        size_t dir = base ? ud_http_strlen(base->path) : 0;
        while (dir > 0 && base->path[dir - 1] != '/')
            dir--;
        if (dir > 0)
            memcpy(start, base->path, dir);
        else
            start[dir++] = '/';
        len = dir;
    }
    if (ref.len > 0)
        memcpy(start + len, ref.at, ref.len);
    len = remove_dots(start, len + ref.len);
    start[len] = '\0';
    *to = start + len + 1;
    return start;
}

static bool span_is(const char *s, const char *word)
{
    return ud_http_span_caseeq(s, ud_http_strlen(s), word);
}

esp_err_t ud_http_target_make(const struct ud_alloc *alloc, const struct ud_http_target *base,
                              const struct ud_http_url *ref, struct ud_http_target *out)
{
    if ((!base && (!ref->scheme.at || !ref->host.at)) || (ref->scheme.at && !ref->host.at))
        return ESP_ERR_INVALID_ARG;
    bool same_host = !ref->host.at;
    bool same_path = same_host && ref->path.len == 0; /* "?query", or nothing at all */
    struct ud_http_span scheme = ref->scheme;
    struct ud_http_span host = ref->host;
    struct ud_http_span path = ref->path;
    struct ud_http_span query = ref->query;
    if (!scheme.at)
        scheme = (struct ud_http_span){ base->scheme, ud_http_strlen(base->scheme) };
    if (same_host)
        host = (struct ud_http_span){ base->host, ud_http_strlen(base->host) };
    if (same_path)
        path = (struct ud_http_span){ base->path, ud_http_strlen(base->path) };
    if (same_path && !query.at && base->query)
        query = (struct ud_http_span){ base->query, ud_http_strlen(base->query) };

    size_t size = scheme.len + host.len + path.len + query.len + (same_host ? ud_http_strlen(base->path) : 0) + 8;
    char *to = ud_alloc_get(alloc, size);
    if (!to)
        return ESP_ERR_NO_MEM;
    struct ud_http_target t = { .block = to };
    t.scheme = append(&to, scheme.at, scheme.len);
    t.host = append(&to, host.at, host.len);
    t.path = append_path(&to, same_host ? base : NULL, path);
    t.query = query.at ? append(&to, query.at, query.len) : NULL;
    t.is_tls = span_is(t.scheme, "https");
    t.is_http = t.is_tls || span_is(t.scheme, "http");
    t.port = ref->port;
    if (t.port == 0)
        t.port = same_host && !ref->scheme.at ? base->port : t.is_tls ? 443 : 80;
    *out = t;
    return ESP_OK;
}

void ud_http_target_free(const struct ud_alloc *alloc, struct ud_http_target *t)
{
    ud_alloc_put(alloc, t->block);
    *t = (struct ud_http_target){ 0 };
}
