/* SPDX-License-Identifier: Apache-2.0 */
/* URLs and references: taken apart, resolved, refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../../src/http/buf.h"
#include "../../../src/http/url.h"
#include "counting_alloc.h"

static esp_err_t resolve(const char *base_text, const char *ref_text, char *out, size_t size, unsigned long fail_at)
{
    struct counting_alloc memory = { .fail_at = fail_at };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_url url;
    struct ud_http_target base = { 0 };
    struct ud_http_target target = { 0 };
    esp_err_t err = ESP_OK;

    if (base_text) {
        err = ud_http_url_parse(base_text, strlen(base_text), &url);
        if (err == ESP_OK)
            err = ud_http_target_make(&alloc, NULL, &url, &base);
    }
    if (err == ESP_OK)
        err = ud_http_url_parse(ref_text, strlen(ref_text), &url);
    if (err == ESP_OK)
        err = ud_http_target_make(&alloc, base_text ? &base : NULL, &url, &target);
    if (err == ESP_OK)
        snprintf(out, size, "%s|%s|%u|%s|%s%s", target.scheme, target.host, target.port, target.path,
                 target.query ? target.query : "-", target.is_tls ? " tls" : "");
    ud_http_target_free(&alloc, &target);
    ud_http_target_free(&alloc, &base);
    assert_int_equal(memory.out, 0);
    return err;
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *want; /* NULL: refused */
    } rows[] = {
        { "http://host", "http|host|80|/|-" },
        { "https://host/", "https|host|443|/|- tls" },
        { "HTTPS://Host/a", "HTTPS|Host|443|/a|- tls" },
        { "http://host:8070/fw.bin?a=1&b=/x?y", "http|host|8070|/fw.bin|a=1&b=/x?y" },
        { "http://host?a=1", "http|host|80|/|a=1" },
        { "http://host/a#frag?no", "http|host|80|/a|-" },
        { "http://host#frag", "http|host|80|/|-" },
        { "http://host:/a", "http|host|80|/a|-" },
        { "http://host//fw.bin", "http|host|80|//fw.bin|-" },
        { "http://host/a/../b/./c/", "http|host|80|/b/c/|-" },
        { "http://host/../..", "http|host|80|/|-" },
        { "http://u:p@host/a", "http|host|80|/a|-" },
        { "http://[::1]:81/a", "http|::1|81|/a|-" },
        { "http://[fe80::1]", "http|fe80::1|80|/|-" },
        { "ftp://host/a", "ftp|host|80|/a|-" },
        { "", NULL },
        { "/fw.bin", NULL },
        { "host/fw.bin", NULL },
        { "127.0.0.1:80/fw.bin", NULL },
        { "localhost:80/fw.bin", NULL },
        { "http:/host/a", NULL },
        { "http://", NULL },
        { "http:///a", NULL },
        { "http://:80/a", NULL },
        { "http://host:65536/", NULL },
        { "http://host:0/", NULL },
        { "http://host:8x/", NULL },
        { "http://ho st/", NULL },
        { "http://host/a b", NULL },
        { "http://host/a\r\nX: y", NULL },
        { "http://host/\x7f", NULL },
        { "http://[bad", NULL },
        { "http://[]/", NULL },
        { "http://[::1]x/", NULL },
        { "http://a@b@host/", NULL },
        { "http://ho\"st/", NULL },
        { "1http://host/", NULL },
        { "h_ttp://host/", NULL },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char got[256] = "";
        esp_err_t err = resolve(NULL, rows[i].url, got, sizeof got, 0);
        if ((err == ESP_OK) != (rows[i].want != NULL) || (rows[i].want && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: got %d %s", rows[i].url, err, got);
        if (!rows[i].want)
            assert_int_equal(err, ESP_ERR_INVALID_ARG);
    }
}

static void references_are_resolved(void **state)
{
    (void)state;
    static const char base[] = "https://host:8443/dir/sub/fw.bin?v=1";
    static const struct {
        const char *ref;
        const char *want;
    } rows[] = {
        { "/new.bin", "https|host|8443|/new.bin|- tls" },
        { "new.bin", "https|host|8443|/dir/sub/new.bin|- tls" },
        { "./new.bin?x", "https|host|8443|/dir/sub/new.bin|x tls" },
        { "../new.bin", "https|host|8443|/dir/new.bin|- tls" },
        { "../../../../new.bin", "https|host|8443|/new.bin|- tls" },
        { "..", "https|host|8443|/dir/|- tls" },
        { ".", "https|host|8443|/dir/sub/|- tls" },
        { "?v=2", "https|host|8443|/dir/sub/fw.bin|v=2 tls" },
        { "?", "https|host|8443|/dir/sub/fw.bin| tls" },
        { "#frag", "https|host|8443|/dir/sub/fw.bin|v=1 tls" },
        { "", "https|host|8443|/dir/sub/fw.bin|v=1 tls" },
        { "//other/x", "https|other|443|/x|- tls" },
        { "//other:99", "https|other|99|/|- tls" },
        { "http://other/x", "http|other|80|/x|-" },
        { "a/b:c", "https|host|8443|/dir/sub/a/b:c|- tls" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char got[256] = "";
        esp_err_t err = resolve(base, rows[i].ref, got, sizeof got, 0);
        if (err != ESP_OK || strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got %d %s, want %s", rows[i].ref, err, got, rows[i].want);
    }
}

static void user_info_is_split(void **state)
{
    (void)state;
    static const char text[] = "http://us%40er:pa:ss@host/";
    struct ud_http_url url;
    assert_int_equal(ud_http_url_parse(text, strlen(text), &url), ESP_OK);
    assert_int_equal(url.user.len, strlen("us%40er"));
    assert_memory_equal(url.user.at, "us%40er", url.user.len);
    assert_int_equal(url.password.len, strlen("pa:ss"));
    assert_memory_equal(url.password.at, "pa:ss", url.password.len);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    char got[256];
    assert_int_equal(resolve("http://host/a", "/b", got, sizeof got, 1), ESP_ERR_NO_MEM);
    assert_int_equal(resolve("http://host/a", "/b", got, sizeof got, 2), ESP_ERR_NO_MEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(references_are_resolved),
        cmocka_unit_test(user_info_is_split),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
