/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs: taking one apart, and making the target of a request out of one (or of a Location and what it is relative to).
 *
 *     http://user:secret@host:8080/path/file?query#fragment
 *     scheme  user password host port path     query  (dropped)
 */
#ifndef UD_HTTP_URL_H
#define UD_HTTP_URL_H

#include "updraft/base.h"

struct ud_http_span {
    const char *at; /* NULL: absent */
    size_t len;
};

/** The parts of a reference; they point into it. */
struct ud_http_url {
    struct ud_http_span scheme;
    struct ud_http_span user;
    struct ud_http_span password;
    struct ud_http_span host; /* without the brackets of an IPv6 literal */
    struct ud_http_span path; /* may be empty */
    struct ud_http_span query;
    uint16_t port; /* 0: none given */
};

/**
 * Take apart a URL ("scheme://host…") or a relative reference ("//host…", "/path", "name", "?query").
 * ESP_ERR_INVALID_ARG: blanks, control characters, a bad port, two '@', no host after "//", a scheme without "//".
 */
UD_MUST_USE esp_err_t ud_http_url_parse(const char *s, size_t len, struct ud_http_url *out);

/** Where a request goes. The strings lie in one block. */
struct ud_http_target {
    char *block; /* NULL: none */
    const char *scheme;
    const char *host;
    const char *path;  /* begins with '/', dot segments removed */
    const char *query; /* NULL: none */
    uint16_t port;
    bool is_http;
    bool is_tls; /* "https" */
};

/**
 * Resolve `ref` against `base` (NULL: `ref` must have scheme and host). A scheme brings its own default port.
 * ESP_ERR_INVALID_ARG, ESP_ERR_NO_MEM; `out` is set on ESP_OK only.
 */
UD_MUST_USE esp_err_t ud_http_target_make(const struct ud_alloc *alloc, const struct ud_http_target *base,
                                          const struct ud_http_url *ref, struct ud_http_target *out);
void ud_http_target_free(const struct ud_alloc *alloc, struct ud_http_target *t);
bool ud_http_is_ipv6(const char *host);

#endif
