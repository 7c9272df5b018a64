/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a URL, and as a reference against a base: what is accepted lies inside the input, cannot break a
 * request line, and comes out the same when it is resolved again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/http/buf.h"
#include "../../src/http/url.h"
#include "counting_alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
    for (; s && *s; s++) {
        if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '#')
            abort();
    }
}

static void check_target(const struct ud_alloc *alloc, const struct ud_http_target *t)
{
    struct ud_http_url again;
    struct ud_http_target second = { 0 };
    check_text(t->host);
    check_text(t->path);
    check_text(t->query);
    if (t->path[0] != '/' || !t->host[0] || t->port == 0)
        abort();
    if (t->path[1] == '/') /* "//x" alone would be a host */
        return;
    if (ud_http_url_parse(t->path, ud_http_strlen(t->path), &again) != ESP_OK ||
        ud_http_target_make(alloc, t, &again, &second) != ESP_OK || !ud_streq(second.path, t->path))
        abort();
    ud_http_target_free(alloc, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char base_text[] = "https://host:8443/dir/sub/fw.bin?v=1";
    struct counting_alloc memory = { 0 };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_url url;
    struct ud_http_target base = { 0 };
    struct ud_http_target t = { 0 };

    if (ud_http_url_parse(base_text, sizeof base_text - 1, &url) != ESP_OK ||
        ud_http_target_make(&alloc, NULL, &url, &base) != ESP_OK)
        abort();
    if (ud_http_url_parse((const char *)data, size, &url) == ESP_OK) {
        if (ud_http_target_make(&alloc, NULL, &url, &t) == ESP_OK)
            check_target(&alloc, &t);
        ud_http_target_free(&alloc, &t);
        if (ud_http_target_make(&alloc, &base, &url, &t) == ESP_OK)
            check_target(&alloc, &t);
        ud_http_target_free(&alloc, &t);
    }
    ud_http_target_free(&alloc, &base);
    if (memory.out != 0)
        abort();
    return 0;
}
