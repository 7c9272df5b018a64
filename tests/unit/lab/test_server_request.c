/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests as the scripted server reads them: what is taken, what is refused, and where a head ends. */
#include "lab_kit.h"

#include "../../../src/lab/server_room.h"

/* Push until there is an answer; `*used` bytes were taken. */
static enum head_result push(struct request *r, const char *bytes, size_t len, size_t *used)
{
    enum head_result got = HEAD_MORE;
    request_begin(r);
    for (*used = 0; got == HEAD_MORE && *used < len; ++*used)
        got = request_push(r, bytes[*used]);
    return got;
}

static void a_head_is_taken_apart(void **state)
{
    (void)state;
    static const char head[] =
        "\r\nGET /a%20b?c=1 HTTP/1.1\r\nHost: x\r\nrange:  bytes=1-2 \r\nIf-None-Match: \"e\"\r\n"
        "If-Range: \"f\"\r\nContent-Length: 18446744073709551615\r\n\r\n";
    struct request *r = malloc(sizeof *r);
    size_t used;
    assert_non_null(r);
    assert_int_equal(push(r, head, sizeof head - 1, &used), HEAD_OK);
    assert_int_equal(used, sizeof head - 1);
    assert_string_equal(r->method, "GET");
    assert_string_equal(r->target, "/a%20b?c=1");
    assert_string_equal(r->range, "bytes=1-2");
    assert_string_equal(r->if_none_match, "\"e\"");
    assert_string_equal(r->if_range, "\"f\"");
    assert_true(r->body_len == UINT64_MAX);
    assert_false(r->close);
    free(r);
}

static void a_head_ends_at_its_blank_line(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t used;
        bool close;
    } rows[] = {
        { "GET / HTTP/1.1\r\n\r\nGET /next", 18, false },
        { "GET / HTTP/1.1\n\nGET /next", 16, false },
        { "GET / HTTP/1.0\r\n\r\n", 18, true },
        { "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 37, true },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 42, false },
    };
    struct request *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        size_t used;
        assert_int_equal(push(r, rows[i].bytes, strlen(rows[i].bytes), &used), HEAD_OK);
        assert_int_equal(used, rows[i].used);
        assert_int_equal(r->close, rows[i].close);
        assert_null(r->range);
    }
    free(r);
}

static void what_is_no_head_is_refused(void **state)
{
    (void)state;
#define ROW(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        ROW("\n\n"),
        ROW("GET\r\n\r\n"),
        ROW("GET /\r\n\r\n"),
        ROW("GET x HTTP/1.1\r\n\r\n"),
        ROW("GET / HTTP/2\r\n\r\n"),
        ROW("GET / FTP/1.1\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\n: no name\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ROW("GET /a\0b HTTP/1.1\r\n\r\n"), /* what follows a NUL would be lost */
        ROW("GET / HTTP/1.1\r\nRange: bytes=0-\0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    };
#undef ROW
    struct request *r = malloc(sizeof *r);
    size_t used;
    assert_non_null(r);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        if (push(r, rows[i].bytes, rows[i].len, &used) != HEAD_BAD)
            fail_msg("row %zu was taken: %s", i, rows[i].bytes);
    }
    free(r);
}

static void a_head_has_a_largest_length(void **state)
{
    (void)state;
    struct request *r = malloc(sizeof *r);
    size_t used;
    char *bytes = malloc(REQUEST_HEAD_MAX);
    assert_non_null(r);
    assert_non_null(bytes);
    memset(bytes, 'a', REQUEST_HEAD_MAX);
    memcpy(bytes, "GET /", 5);
    assert_int_equal(push(r, bytes, REQUEST_HEAD_MAX - 1, &used), HEAD_MORE);
    assert_int_equal(push(r, bytes, REQUEST_HEAD_MAX, &used), HEAD_BAD);
    memcpy(bytes + REQUEST_HEAD_MAX - 14, " HTTP/1.1\r\n\r\n", 13);
    assert_int_equal(push(r, bytes, REQUEST_HEAD_MAX - 1, &used), HEAD_OK);
    assert_int_equal(strlen(r->target), REQUEST_HEAD_MAX - 14 - 4);
    free(bytes);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_taken_apart),
        cmocka_unit_test(a_head_ends_at_its_blank_line),
        cmocka_unit_test(what_is_no_head_is_refused),
        cmocka_unit_test(a_head_has_a_largest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
