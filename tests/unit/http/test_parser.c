/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser: wire bytes on one side, the log of what it told on the other; cut in every way, same log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../../src/http/parser.h"
#include "counting_alloc.h"

enum { LOG_MAX = 4096 };

struct log {
    char text[LOG_MAX];
    size_t len;
    bool in_body;
};

static void say(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(log->text + log->len, sizeof log->text - log->len, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof log->text - log->len);
    log->len += (size_t)n;
}

static void tell(struct log *log, const struct ud_http_parser *p, enum ud_http_parse what)
{
    if (log->in_body && what != UD_PARSE_BODY && what != UD_PARSE_MORE) {
        say(log, "\" ");
        log->in_body = false;
    }
    switch (what) {
    case UD_PARSE_MORE:
        break;
    case UD_PARSE_STATUS:
        say(log, "status %d '%s' ", p->status, p->reason);
        break;
    case UD_PARSE_FIELD:
        say(log, "%s='%s' ", p->name, p->value);
        break;
    case UD_PARSE_HEAD:
        say(log, "head %lld%s%s ", (long long)p->content_length, p->chunked ? " chunked" : "",
            p->keep_alive ? " keep" : "");
        break;
    case UD_PARSE_BODY:
        if (!log->in_body)
            say(log, "body \"");
        log->in_body = true;
        say(log, "%.*s", (int)p->body_len, (const char *)p->body);
        break;
    case UD_PARSE_DONE:
        say(log, "done");
        break;
    }
}

/* Feed pieces whose lengths come from `next_cut`; then the end of the stream when `eof`. */
static void run(const char *wire, size_t len, bool head_request, bool eof, unsigned seed, size_t fixed, struct log *log,
                uint64_t *offset)
{
    struct counting_alloc memory = { 0 };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_parser p;
    enum ud_http_parse what = UD_PARSE_MORE;
    size_t at = 0;
    esp_err_t err = ESP_OK;

    *log = (struct log){ .len = 0 };
    ud_http_parser_init(&p, &alloc);
    ud_http_parser_reset(&p, head_request);
    while (at < len && err == ESP_OK && what != UD_PARSE_DONE) {
        seed = seed * 1103515245u + 12345u;
        size_t n = fixed > 0 ? fixed : seed >> 16 & 7; /* 0 included */
        if (n > len - at)
            n = len - at;
        do {
            size_t used = 0;
            char copy[8192];
            assert_true(n <= sizeof copy);
            memcpy(copy, wire + at, n);
            err = ud_http_parser_push(&p, copy, n, &used, &what);
            assert_true(used <= n);
            if (err == ESP_OK)
                tell(log, &p, what);
            at += used;
            n -= used;
        } while (err == ESP_OK && what != UD_PARSE_MORE && what != UD_PARSE_DONE);
    }
    if (err == ESP_OK && eof && what != UD_PARSE_DONE) {
        err = ud_http_parser_eof(&p);
        if (err == ESP_OK)
            tell(log, &p, UD_PARSE_DONE);
    }
    if (err != ESP_OK) {
        if (log->in_body)
            say(log, "\" ");
        say(log, "refused: %s", p.why);
    }
    *offset = p.offset;
    ud_http_parser_free(&p);
    assert_int_equal(memory.out, 0);
}

struct wire_case {
    const char *wire;
    const char *log;
    bool head_request;
};

#define R           "HTTP/1.1 200 OK\r\n"
#define CHUNKED     R "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_LOG "status 200 'OK' Transfer-Encoding='chunked' head -1 chunked keep "

static const struct wire_case cases[] = {
    /* framing */
    { R "Content-Length: 5\r\n\r\nhello", "status 200 'OK' Content-Length='5' head 5 keep body \"hello\" done", false },
    { R "Content-Length: 5\r\n\r\nhelloEXTRA", "status 200 'OK' Content-Length='5' head 5 keep body \"hello\" done",
      false },
    { R "Content-Length: 0\r\n\r\n", "status 200 'OK' Content-Length='0' head 0 keep done", false },
    { R "\r\nuntil close", "status 200 'OK' head -1 body \"until close\" done", false },
    { "HTTP/1.0 200 ok\r\n\r\nx", "status 200 'ok' head -1 body \"x\" done", false },
    { "HTTP/1.0 200 ok\r\nContent-Length: 1\r\n\r\nx", "status 200 'ok' Content-Length='1' head 1 body \"x\" done",
      false },
    { "HTTP/1.0 200 ok\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
      "status 200 'ok' Connection='Keep-Alive' Content-Length='1' head 1 keep body \"x\" done", false },
    { R "Connection: foo , CLOSE\r\nContent-Length: 1\r\n\r\nx",
      "status 200 'OK' Connection='foo , CLOSE' Content-Length='1' head 1 body \"x\" done", false },
    { R "Content-Length: 9\r\n\r\nshort",
      "status 200 'OK' Content-Length='9' head 9 keep body \"short\" refused: the end of the connection", false },
    { R "Content-Length: 5000\r\n\r\n", "status 200 'OK' Content-Length='5000' head 5000 keep done", true },
    { R "Transfer-Encoding: chunked\r\n\r\n", CHUNKED_LOG "done", true },
    { "HTTP/1.1 204 No Content\r\n\r\n", "status 204 'No Content' head -1 keep done", false },
    { "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab",
      "status 204 'No Content' Content-Length='2' head 2 keep body \"ab\" done", false },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
      "status 304 'Not Modified' Content-Length='2' head 2 keep done", false },
    { "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nxyz", "status 101 'Switching' Upgrade='x' head -1 done", false },
    /* interim responses */
    { "HTTP/1.1 100 Continue\r\n\r\n" R "Content-Length: 1\r\n\r\nx",
      "status 200 'OK' Content-Length='1' head 1 keep body \"x\" done", false },
    { "HTTP/1.1 103 Hints\r\nLink: a\r\nContent-Length: 7\r\n\r\nHTTP/1.1 102 P\r\n\r\n" R "Content-Length: 1\r\n\r\nx",
      "status 200 'OK' Content-Length='1' head 1 keep body \"x\" done", false },
    { "HTTP/1.1 100 Continue\r\n\r\n", "refused: the end of the connection", false },
    /* status line */
    { "\r\n\n" R "Content-Length: 0\r\n\r\n", "status 200 'OK' Content-Length='0' head 0 keep done", false },
    { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "status 200 '' Content-Length='0' head 0 keep done", false },
    { "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "status 200 '' Content-Length='0' head 0 keep done", false },
    { "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "status 200 'OK' Content-Length='0' head 0 keep done", false },
    { "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "status 20 'OK' Content-Length='0' head 0 keep done", false },
    { "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "status 0 'OK' Content-Length='0' head 0 keep done", false },
    { "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n", "status 200 'OK' Content-Length='0' head 0 keep done", false },
    { "ICY 200 OK\r\nContent-Length: 0\r\n\r\n", "status 200 'OK' Content-Length='0' head 0 done", false },
    { "HTTP/1.1 2000 OK\r\n\r\n", "refused: a status of more than three digits", false },
    { "HTTP/1.1 abc OK\r\n\r\n", "refused: a status that is not a number", false },
    { "HTTP/1.1 200x OK\r\n\r\n", "refused: a status that is not a number", false },
    { "HTTP/2 200\r\n\r\n", "refused: no HTTP version", false },
    { "HTTP/1.1\r\n\r\n", "refused: no HTTP version", false },
    { "http/1.1 200 OK\r\n\r\n", "refused: something other than an HTTP status line", false },
    { "HTT\n", "refused: something other than an HTTP status line", false },
    { "ICYX 200 OK\r\n\r\n", "refused: something other than an HTTP status line", false },
    { "<html>", "refused: something other than an HTTP status line", false },
    { "GET / HTTP/1.1\r\n\r\n", "refused: something other than an HTTP status line", false },
    { "HTTP/1.1 200 O\001K\r\n\r\n", "refused: a control character in the status line", false },
    { "", "refused: the end of the connection", false },
    /* fields */
    { "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "status 200 'OK' Content-Length='1' head 1 keep body \"x\" done",
      false },
    { R "cONTENT-lENGTH:1\r\nX:  a b \t\r\n\r\nx",
      "status 200 'OK' cONTENT-lENGTH='1' X='a b' head 1 keep body \"x\" done", false },
    { R "X-Long: a\r\n b\r\n\t c\r\nContent-Length: 0\r\n\r\n",
      "status 200 'OK' X-Long='a b  c' Content-Length='0' head 0 keep done", false },
    { R "X-Empty:\r\nContent-Length: 0\r\n\r\n", "status 200 'OK' X-Empty='' Content-Length='0' head 0 keep done",
      false },
    { R "Content-Length : 1\r\n\r\nx", "status 200 'OK' refused: a bad character in a header name", false },
    { R " X: 1\r\n\r\n", "status 200 'OK' refused: a bad character in a header name", false },
    { R "NoColon\r\n\r\n", "status 200 'OK' refused: a header line without a colon", false },
    { R ": v\r\n\r\n", "status 200 'OK' refused: a bad character in a header name", false },
    { R "X\001: v\r\n\r\n", "status 200 'OK' refused: a bad character in a header name", false },
    { R "X: a\rb\r\n\r\n", "status 200 'OK' refused: a carriage return inside a header line", false },
    { R "X: a\001\r\n\r\n", "status 200 'OK' refused: a control character in a header", false },
    /* lengths */
    { R "Content-Length: 0000005\r\n\r\nhello",
      "status 200 'OK' Content-Length='0000005' head 5 keep body \"hello\" done", false },
    { R "Content-Length: 1 0\r\n\r\n0123456789",
      "status 200 'OK' Content-Length='1 0' head 10 keep body \"0123456789\" done", false },
    { R "Content-Length: 9223372036854775807\r\n\r\n",
      "status 200 'OK' Content-Length='9223372036854775807' head 9223372036854775807 keep refused: the end of the "
      "connection",
      false },
    { R "Content-Length: 9223372036854775808\r\n\r\n", "status 200 'OK' refused: a Content-Length of more than 63 bits",
      false },
    { R "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "status 200 'OK' Content-Length='5' refused: a second Content-Length", false },
    { R "Content-Length: +5\r\n\r\n", "status 200 'OK' refused: a Content-Length that is not a number", false },
    { R "Content-Length: 0x5\r\n\r\n", "status 200 'OK' refused: a Content-Length that is not a number", false },
    { R "Content-Length: 5, 5\r\n\r\n", "status 200 'OK' refused: a Content-Length that is not a number", false },
    { R "Content-Length: 5\t\r\n\r\n", "status 200 'OK' refused: a Content-Length that is not a number", false },
    { R "Content-Length:\r\n\r\n", "status 200 'OK' refused: a Content-Length that is not a number", false },
    { R "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "status 200 'OK' Content-Length='5' refused: a Content-Length beside chunks", false },
    { R "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
      "status 200 'OK' Transfer-Encoding='chunked' refused: a Content-Length beside chunks", false },
    { R "Transfer-Encoding: gzip, chunked\r\n\r\n", "status 200 'OK' refused: a Transfer-Encoding other than chunked",
      false },
    { R "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "status 200 'OK' Transfer-Encoding='chunked' refused: a Transfer-Encoding other than chunked", false },
    { R "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
      "status 200 'OK' Transfer-Encoding='identity' Content-Length='1' head 1 keep body \"x\" done", false },
    /* chunks */
    { CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nEXTRA", CHUNKED_LOG "body \"hello world\" done", false },
    { CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", CHUNKED_LOG "body \"ab\" done", false },
    { CHUNKED "0000A\r\n0123456789\r\n000\r\n\r\n", CHUNKED_LOG "body \"0123456789\" done", false },
    { CHUNKED "2;n=v;q=\"a b\"\r\nab\r\n0 ;x\r\n\r\n", CHUNKED_LOG "body \"ab\" done", false },
    { CHUNKED "1\r\na\r\n0\r\nX-Check: 1\r\nFolded: a\r\n b\r\n\r\n", CHUNKED_LOG "body \"a\" done", false },
    { CHUNKED "0\r\n\r\n", CHUNKED_LOG "done", false },
    { CHUNKED "0\r\n", CHUNKED_LOG "refused: the end of the connection", false },
    { CHUNKED "5\r\nhel", CHUNKED_LOG "body \"hel\" refused: the end of the connection", false },
    { CHUNKED "\r\n", CHUNKED_LOG "refused: a chunk without a size", false },
    { CHUNKED "g\r\n", CHUNKED_LOG "refused: a chunk without a size", false },
    { CHUNKED "-1\r\n", CHUNKED_LOG "refused: a chunk without a size", false },
    { CHUNKED "1x\r\n", CHUNKED_LOG "refused: a chunk size that is not a number", false },
    { CHUNKED "1\na\r\n", CHUNKED_LOG "refused: a chunk size that is not a number", false },
    { CHUNKED "1;a\nb\r\n", CHUNKED_LOG "refused: a control character in a chunk extension", false },
    { CHUNKED "1\rx", CHUNKED_LOG "refused: a chunk size without a line end", false },
    { CHUNKED "1\r\nab\r\n", CHUNKED_LOG "body \"a\" refused: a chunk that is longer than its size", false },
    { CHUNKED "8000000000000000\r\n", CHUNKED_LOG "refused: a chunk size of more than 63 bits", false },
    { CHUNKED "fffffffffffffffff\r\n", CHUNKED_LOG "refused: a chunk size of more than 63 bits", false },
    { CHUNKED "0\r\nbad trailer\r\n\r\n", CHUNKED_LOG "refused: a bad character in a header name", false },
};

static void each_wire_gives_its_log(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(cases); i++) {
        struct log log;
        uint64_t offset = 0;
        run(cases[i].wire, strlen(cases[i].wire), cases[i].head_request, true, 0, 8192, &log, &offset);
        if (strcmp(log.text, cases[i].log) != 0)
            fail_msg("case %zu:\n  wire: %s\n  got:  %s\n  want: %s", i, cases[i].wire, log.text, cases[i].log);
    }
}

static void cuts_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(cases); i++) {
        struct log whole;
        uint64_t whole_offset = 0;
        size_t len = strlen(cases[i].wire);
        run(cases[i].wire, len, cases[i].head_request, true, 0, 8192, &whole, &whole_offset);
        for (unsigned seed = 0; seed < 40; seed++) {
            struct log cut;
            uint64_t offset = 0;
            run(cases[i].wire, len, cases[i].head_request, true, seed, seed == 0 ? 1 : 0, &cut, &offset);
            if (strcmp(cut.text, whole.text) != 0 || offset != whole_offset)
                fail_msg("case %zu, seed %u:\n  whole: %s (%llu)\n  cut:   %s (%llu)", i, seed, whole.text,
                         (unsigned long long)whole_offset, cut.text, (unsigned long long)offset);
        }
    }
}

/* Push `unit` again and again; returns how many bytes were taken before it was refused, SIZE_MAX if it never was. */
static size_t taken_before_refusal(struct ud_http_parser *p, const char *unit, size_t times)
{
    size_t total = 0;
    for (size_t i = 0; i < times; i++) {
        size_t at = 0;
        size_t len = strlen(unit);
        while (at < len) {
            size_t used = 0;
            enum ud_http_parse what = UD_PARSE_MORE;
            esp_err_t err = ud_http_parser_push(p, unit + at, len - at, &used, &what);
            at += used;
            total += used;
            if (err != ESP_OK)
                return total;
        }
    }
    return SIZE_MAX;
}

static void an_endless_head_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        const char *unit;
    } rows[] = {
        { R, "X-Header: value\r\n" },
        { R "X: ", "vvvvvvvvvvvvvvvv" },
        { R "X: a\r\n", " b\r\n" },
        { "HTTP/1.1 200 ", "RRRRRRRRRR" },
        { "", "\r\n" },
        { "", "HTTP/1.1 100 Continue\r\n\r\n" },
        { CHUNKED "1;", "eeeeeeeeeeeeeeee" },
        { CHUNKED, "0000000000000000" },
        { CHUNKED "0\r\n", "X-Trailer: value\r\n" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct counting_alloc memory = { 0 };
        struct ud_alloc alloc = counting_alloc(&memory);
        struct ud_http_parser p;
        ud_http_parser_init(&p, &alloc);
        if (*rows[i].start)
            assert_int_equal(taken_before_refusal(&p, rows[i].start, 1), SIZE_MAX);
        size_t taken = taken_before_refusal(&p, rows[i].unit, 100 * 1024);
        assert_true(taken >= UD_HTTP_HEAD_MAX - 256 && taken <= UD_HTTP_HEAD_MAX);
        assert_string_equal(p.why, "a header of more than 80 KiB");
        ud_http_parser_free(&p);
        assert_int_equal(memory.out, 0);
    }
}

static void a_header_of_many_kilobytes_passes(void **state)
{
    (void)state;
    struct counting_alloc memory = { 0 };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_parser p;
    ud_http_parser_init(&p, &alloc);
    assert_int_equal(taken_before_refusal(&p, R "X: ", 1), SIZE_MAX);
    assert_int_equal(taken_before_refusal(&p, "vvvvvvvvvv", 8000), SIZE_MAX);
    assert_int_equal(taken_before_refusal(&p, "\r\n\r\n", 1), SIZE_MAX);
    assert_int_equal(ud_http_parser_body_ahead(&p), SIZE_MAX);
    ud_http_parser_free(&p);
}

static void without_memory_it_says_so_and_stays_refused(void **state)
{
    (void)state;
    struct counting_alloc memory = { .fail_at = 1 };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_parser p;
    size_t used = 0;
    enum ud_http_parse what = UD_PARSE_MORE;
    ud_http_parser_init(&p, &alloc);
    assert_int_equal(ud_http_parser_push(&p, "HTTP", 4, &used, &what), ESP_ERR_NO_MEM);
    assert_int_equal(ud_http_parser_push(&p, "HTTP", 4, &used, &what), ESP_FAIL);
    assert_int_equal(ud_http_parser_eof(&p), ESP_FAIL);
    ud_http_parser_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wire_gives_its_log),
        cmocka_unit_test(cuts_change_nothing),
        cmocka_unit_test(an_endless_head_is_refused),
        cmocka_unit_test(a_header_of_many_kilobytes_passes),
        cmocka_unit_test(without_memory_it_says_so_and_stays_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
