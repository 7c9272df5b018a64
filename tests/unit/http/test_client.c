/* SPDX-License-Identifier: Apache-2.0 */
/* The client against scripted servers in memory and virtual time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "counting_alloc.h"
#include "updraft/http.h"
#include "updraft/port_linux.h"

enum { SENT_MAX = 8192, LOG_MAX = 4096, BODY_MAX = 16384 };

/* A client, its server, what they said. */
struct bench {
    struct ud_virtual_clock time;
    struct ud_clock clock;
    struct counting_alloc memory;
    struct ud_mem_transport server;
    struct ud_observer obs;
    char sent[SENT_MAX];
    char log[LOG_MAX]; /* events */
    size_t log_len;
    char body[BODY_MAX]; /* of ON_DATA */
    size_t body_len;
    struct ud_note last;
    char last_text[128];
    struct ud_http *http;
    bool follow_in_handler;
    bool reopen_in_handler; /* once, when disconnected */
    bool body_full;         /* drop what comes */
};

static void add_log(struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_log(struct bench *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b->log + b->log_len, sizeof b->log - b->log_len, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof b->log - b->log_len);
    b->log_len += (size_t)n;
}

static void on_event(void *ctx, const struct ud_http_event *e)
{
    static const char *const names[] = { "error ", "connected ", "sent ",         "", "complete ", "",
                                         "",       "finish ",    "disconnected ", "" };
    struct bench *b = ctx;
    switch (e->id) {
    case UD_HTTP_EVENT_ON_HEADER:
        add_log(b, "%s ", e->name);
        break;
    case UD_HTTP_EVENT_ON_STATUS_CODE:
        add_log(b, "%d ", e->status);
        break;
    case UD_HTTP_EVENT_REDIRECT:
        add_log(b, "redirect%d ", e->status);
        if (b->follow_in_handler)
            assert_int_equal(ud_http_set_redirection(e->http), ESP_OK);
        break;
    case UD_HTTP_EVENT_ON_DATA:
        if (b->body_full)
            break;
        assert_true(b->body_len + e->len <= sizeof b->body);
        memcpy(b->body + b->body_len, e->data, e->len);
        b->body_len += e->len;
        break;
    default:
        add_log(b, "%s", names[e->id]);
    }
    if (e->id == UD_HTTP_EVENT_DISCONNECTED && b->reopen_in_handler) {
        b->reopen_in_handler = false;
        assert_int_equal(ud_http_open(e->http, 0), ESP_OK);
    }
}

static void on_note(void *ctx, const struct ud_note *note)
{
    struct bench *b = ctx;
    b->last = *note;
    snprintf(b->last_text, sizeof b->last_text, "%s", note->text ? note->text : "");
}

/* Of the next client; without them no Digest challenge is answered. */
static const struct ud_crypto *bench_crypto;
static struct ud_entropy bench_entropy;

static esp_err_t try_start(struct bench *b, const struct ud_mem_step *steps, size_t count,
                           const struct ud_http_config *cfg, unsigned long fail_at)
{
    *b = (struct bench){ .memory = { .fail_at = fail_at } };
    b->clock = ud_virtual_clock(&b->time);
    b->server = (struct ud_mem_transport){
        .step = steps, .step_count = count, .clock = &b->clock, .sent = b->sent, .sent_cap = sizeof b->sent
    };
    b->obs = (struct ud_observer){ on_note, b };
    struct ud_http_env env = {
        .transport = ud_mem_transport(&b->server),
        .alloc = counting_alloc(&b->memory),
        .clock = b->clock,
        .obs = &b->obs,
        .event = on_event,
        .event_ctx = b,
        .crypto = bench_crypto,
        .entropy = bench_entropy,
    };
    return ud_http_create(&env, cfg, &b->http);
}

static void start(struct bench *b, const struct ud_mem_step *steps, size_t count, const struct ud_http_config *cfg)
{
    assert_int_equal(try_start(b, steps, count, cfg, 0), ESP_OK);
}

static void stop(struct bench *b)
{
    ud_http_destroy(b->http);
    assert_int_equal(b->memory.out, 0);
    assert_false(b->server.is_open);
}

#define TEXT(t)                                                                                                        \
    {                                                                                                                  \
        .kind = UD_MEM_RECV, .data = (t), .len = sizeof(t) - 1                                                         \
    }
#define TEXT_BY(t, n)                                                                                                  \
    {                                                                                                                  \
        .kind = UD_MEM_RECV, .data = (t), .len = sizeof(t) - 1, .piece = (n)                                           \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .kind = UD_MEM_EOF                                                                                             \
    }
#define RESET                                                                                                          \
    {                                                                                                                  \
        .kind = UD_MEM_RESET                                                                                           \
    }
#define SILENCE                                                                                                        \
    {                                                                                                                  \
        .kind = UD_MEM_SILENCE                                                                                         \
    }
#define NEXT                                                                                                           \
    {                                                                                                                  \
        .kind = UD_MEM_NEXT_REQUEST                                                                                    \
    }
#define WAIT(ms)                                                                                                       \
    {                                                                                                                  \
        .kind = UD_MEM_WAIT_MS, .len = (ms)                                                                            \
    }
#define OK_HELLO             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define URL                  "http://host/fw.bin"
#define START(b, steps, ...) start((b), (steps), UD_ARRAY_LEN(steps), &(struct ud_http_config){ __VA_ARGS__ })

/* ---- requests ---------------------------------------------------------------------------------------------- */

static void the_request_is_what_esp_idf_sends(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO) };
    struct bench b;
    int64_t length = -1;
    START(&b, steps, .url = "http://host:8070/dir/fw.bin?v=1#x");
    assert_int_equal(ud_http_set_header(b.http, "X-One", "  1 "), ESP_OK);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_string_equal(b.sent,
                        "GET /dir/fw.bin?v=1 HTTP/1.1\r\nUser-Agent: ESP32 HTTP Client/1.0\r\nHost: host:8070\r\n"
                        "X-One: 1\r\n\r\n");
    assert_string_equal(b.server.last_host, "host");
    assert_int_equal(b.server.last.port, 8070);
    assert_false(b.server.last.tls);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(length, 5);
    stop(&b);
}

static void a_handler_may_connect_again_when_it_hears_of_the_end(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { NEXT, TEXT(OK_HELLO) };
    struct bench b;
    int64_t length = 0;
    START(&b, steps, .url = URL);
    b.reopen_in_handler = true;
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_close(b.http), ESP_OK);
    assert_int_equal(ud_http_state(b.http), UD_HTTP_SENT);
    assert_true(b.server.is_open);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(length, 5);
    stop(&b);
}

static void bodies_are_framed_as_asked(void **state)
{
    (void)state;
    static const struct {
        enum ud_http_method method;
        int64_t len;
        const char *framing;
    } rows[] = {
        { UD_HTTP_GET, 0, "" },
        { UD_HTTP_HEAD, 0, "" },
        { UD_HTTP_DELETE, 0, "" },
        { UD_HTTP_POST, 0, "Content-Length: 0\r\n" },
        { UD_HTTP_PUT, 1234567, "Content-Length: 1234567\r\n" },
        { UD_HTTP_POST, -1, "Transfer-Encoding: chunked\r\n" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct ud_mem_step steps[] = { SILENCE };
        struct bench b;
        char want[64];
        START(&b, steps, .url = URL, .method = rows[i].method);
        assert_int_equal(ud_http_set_header(b.http, "Content-Length", "99"), ESP_OK); /* ours counts */
        assert_int_equal(ud_http_open(b.http, rows[i].len), ESP_OK);
        snprintf(want, sizeof want, "Host: host\r\n%s\r\n", rows[i].framing);
        assert_non_null(strstr(b.sent, want));
        stop(&b);
    }
}

static void host_and_path_make_a_url(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    static const struct {
        struct ud_http_config cfg;
        const char *line;
        const char *host;
        uint16_t port;
    } rows[] = {
        { { .host = "h", .path = "/a", .query = "q=1" }, "GET /a?q=1 HTTP/1.1\r\n", "Host: h\r\n", 80 },
        { { .host = "h", .path = "a", .port = 81 }, "GET /a HTTP/1.1\r\n", "Host: h:81\r\n", 81 },
        { { .host = "h", .tls_by_default = true, .tls = { .use_system_store = true } },
          "GET / HTTP/1.1\r\n",
          "Host: h\r\n",
          443 },
        { { .host = "::1", .port = 81 }, "GET / HTTP/1.1\r\n", "Host: [::1]:81\r\n", 81 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        start(&b, steps, 1, &rows[i].cfg);
        assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
        assert_memory_equal(b.sent, rows[i].line, strlen(rows[i].line));
        assert_non_null(strstr(b.sent, rows[i].host));
        assert_int_equal(b.server.last.port, rows[i].port);
        stop(&b);
    }
}

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    static const struct ud_http_config rows[] = {
        { .url = "" },
        { .url = "/fw.bin" },
        { .url = "host/fw.bin" },
        { .host = "h/x" },
        { .host = "u@h" },
        { .host = "h", .path = "/a b" },
        { .host = "h", .path = "/a\r\nX: y" },
        { .url = URL, .user_agent = "a\r\nX: y" },
        { .url = URL, .method = UD_HTTP_METHOD_MAX },
        { .path = "/only" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        assert_int_equal(try_start(&b, NULL, 0, &rows[i], 0), ESP_ERR_INVALID_ARG);
        assert_null(b.http);
        assert_int_equal(b.memory.out, 0);
    }
}

static void headers_are_set_replaced_and_deleted(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_string_equal(ud_http_get_header(b.http, "host"), "host");
    assert_int_equal(ud_http_set_header(b.http, "X", "1"), ESP_OK);
    assert_int_equal(ud_http_set_header(b.http, "x", "2"), ESP_OK);
    assert_string_equal(ud_http_get_header(b.http, "X"), "2");
    assert_int_equal(ud_http_set_header(b.http, "X", NULL), ESP_OK);
    assert_int_equal(ud_http_set_header(b.http, "X", NULL), ESP_ERR_NOT_FOUND);
    assert_null(ud_http_get_header(b.http, "X"));
    assert_int_equal(ud_http_set_header(b.http, "X", "a\r\nY: b"), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_http_set_header(b.http, "X Y", "a"), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_http_set_header(b.http, "", "a"), ESP_ERR_INVALID_ARG);
    stop(&b);
}

static void headers_of_sixteen_kilobytes_work_with_defaults(void **state)
{
    (void)state;
    enum { LONG = 16 * 1024 };
    static char value[LONG + 1];
    static char wire[LONG + 128];
    memset(value, 'v', LONG);
    int len = snprintf(wire, sizeof wire, "HTTP/1.1 200 OK\r\nX-Long: %s\r\nContent-Length: 5\r\n\r\nhello", value);
    const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = wire, .len = (size_t)len, .piece = 700 },
                                         NEXT };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_set_header(b.http, "X-Long", value), ESP_OK);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_non_null(strstr(b.log, "X-Long "));
    assert_memory_equal(b.body, "hello", 5);
    assert_true(b.server.sent_len == SENT_MAX - 1); /* more than the bench records was sent */
    stop(&b);
}

static void a_url_of_two_kilobytes_works_with_defaults(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO) };
    struct bench b;
    char url[2100] = "http://host/";
    memset(url + strlen(url), 'p', 2048);
    START(&b, steps, .url = url);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_memory_equal(b.sent + 4, url + strlen("http://host"), 2049);
    stop(&b);
}

static void a_request_beyond_all_measure_is_refused(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO) };
    struct bench b;
    char *value = malloc(70000);
    assert_non_null(value);
    memset(value, 'v', 69999);
    value[69999] = '\0';
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_set_header(b.http, "X", value), ESP_OK);
    assert_int_equal(ud_http_open(b.http, 0), ESP_ERR_HTTP_HEADER_TOO_LONG);
    assert_int_equal(b.server.opens, 0);
    free(value);
    stop(&b);
}

static void basic_is_sent_unasked_only_when_told(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    struct bench b;
    START(&b, steps, .url = "http://aladdin:opensesame@host/", .basic_auth = true);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_non_null(strstr(b.sent, "\r\nAuthorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n"));
    stop(&b);
    START(&b, steps, .url = URL, .username = "ab", .password = "c");
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_null(strstr(b.sent, "Authorization"));
    stop(&b);
    START(&b, steps, .url = URL, .username = "ab", .basic_auth = true);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_non_null(strstr(b.sent, "\r\nAuthorization: Basic YWI6\r\n"));
    stop(&b);
}

static void post_data_is_sent_by_perform(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO) };
    struct bench b;
    START(&b, steps, .url = URL, .method = UD_HTTP_POST);
    ud_http_set_post_field(b.http, "a=1", 3);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_non_null(strstr(b.sent, "Content-Length: 3\r\n\r\na=1"));
    stop(&b);
}

/* ---- responses --------------------------------------------------------------------------------------------- */

static void reading_fills_the_buffer_and_ends_with_nothing(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 6; piece++) {
        const struct ud_mem_step steps[] = { TEXT_BY("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789EXTRA",
                                                     piece) };
        struct bench b;
        char buf[4];
        size_t got = 0;
        int64_t length = 0;
        START(&b, steps, .url = URL);
        assert_int_equal(ud_http_status(b.http), 0);
        assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
        assert_int_equal(ud_http_status(b.http), -1);
        assert_false(ud_http_is_complete(b.http));
        assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
        assert_int_equal(length, 10);
        assert_int_equal(ud_http_content_length(b.http), 10);
        assert_int_equal(ud_http_status(b.http), 200);
        assert_false(ud_http_is_chunked(b.http));
        const size_t want[] = { 4, 4, 2, 0, 0 };
        for (size_t i = 0; i < UD_ARRAY_LEN(want); i++) {
            assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK);
            assert_int_equal(got, want[i]);
        }
        assert_true(ud_http_is_complete(b.http));
        assert_true(ud_http_is_persistent(b.http));
        assert_memory_equal(b.body, "0123456789", 10);
        assert_string_equal(b.log, "connected sent 200 Content-Length complete ");
        stop(&b);
    }
}

static void chunked_and_until_close_have_no_length(void **state)
{
    (void)state;
    const struct ud_mem_step rows[][2] = {
        { TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), SILENCE },
        { TEXT("HTTP/1.0 200 OK\r\n\r\nabcde"), END },
        { TEXT("HTTP/1.0 200 OK\r\n\r\nabcde"), RESET }, /* nobody can tell this from the end */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        char buf[16];
        size_t got = 0;
        int64_t length = -1;
        start(&b, rows[i], 2, &(struct ud_http_config){ .url = URL });
        assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
        assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
        assert_int_equal(length, 0);
        assert_int_equal(ud_http_content_length(b.http), -1);
        assert_true(ud_http_is_chunked(b.http));
        assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK);
        assert_int_equal(got, 5);
        assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK);
        assert_int_equal(got, 0);
        assert_true(ud_http_is_complete(b.http));
        stop(&b);
    }
}

static void response_headers_are_kept(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(
        "HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 0-4/1234\r\nContent-Length: 5\r\n\r\nhello") };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_content_range_total(b.http), 0);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_string_equal(ud_http_response_header(b.http, "etag"), "\"v1\"");
    assert_null(ud_http_response_header(b.http, "X"));
    assert_int_equal(ud_http_content_range_total(b.http), 1234);
    stop(&b);
}

/* Of each response anew, and only "bytes N-" names a first byte. */
static void the_range_of_a_response_is_read_and_asked_for(void **state)
{
    static const struct {
        const char *field;
        int64_t start;
    } rows[] = {
        { "Content-Range: bytes 0-4/1234\r\n", 0 },
        { "content-range: BYTES 9223372036854775807-9/*\r\n", INT64_MAX },
        { "Content-Range: bytes 9223372036854775808-9/*\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range: bytes 12\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range: bytes -4/9\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range: bytes */1234\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range: bytes\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range: items 5-9/10\r\n", UD_HTTP_RANGE_BAD },
        { "Content-Range:\r\n", UD_HTTP_RANGE_BAD },
        { "", UD_HTTP_RANGE_NONE },
    };
    char texts[UD_ARRAY_LEN(rows)][160];
    struct ud_mem_step steps[2 * UD_ARRAY_LEN(rows)];
    struct bench b;
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        int len =
            snprintf(texts[i], sizeof texts[i], "HTTP/1.1 206 P\r\n%sContent-Length: 5\r\n\r\nhello", rows[i].field);
        steps[2 * i] = (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = texts[i], .len = (size_t)len };
        steps[2 * i + 1] = (struct ud_mem_step){ .kind = UD_MEM_NEXT_REQUEST };
    }
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_set_range(b.http, 5, -1), ESP_OK);
    assert_string_equal(ud_http_get_header(b.http, "Range"), "bytes=5-");
    assert_int_equal(ud_http_set_range(b.http, UINT64_MAX, INT64_MAX), ESP_OK);
    assert_string_equal(ud_http_get_header(b.http, "Range"), "bytes=18446744073709551615-9223372036854775807");
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        assert_int_equal(ud_http_content_range_start(b.http), rows[i].start);
    }
    stop(&b);
}

static void a_cut_at_every_byte_is_never_success(void **state)
{
    (void)state;
    static const char *const wires[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n",
    };
    for (size_t w = 0; w < UD_ARRAY_LEN(wires); w++) {
        size_t full = strlen(wires[w]);
        for (size_t cut = 0; cut <= full; cut++) {
            for (int reset = 0; reset < 2; reset++) {
                const struct ud_mem_step steps[] = {
                    { .kind = UD_MEM_RECV, .data = wires[w], .len = cut },
                    { .kind = reset ? UD_MEM_RESET : UD_MEM_EOF },
                };
                struct bench b;
                START(&b, steps, .url = URL);
                esp_err_t err = ud_http_perform(b.http);
                size_t head = (size_t)(strstr(wires[w], "\r\n\r\n") + 4 - wires[w]);
                assert_int_equal(err, cut == full  ? ESP_OK
                                      : cut < head ? ESP_ERR_HTTP_FETCH_HEADER
                                                   : ESP_ERR_HTTP_INCOMPLETE_DATA);
                assert_int_equal(ud_http_is_complete(b.http), cut == full);
                if (cut < full)
                    assert_int_equal(b.last.id, UD_NOTE_HTTP_CLOSED);
                stop(&b);
            }
        }
    }
}

static void a_cut_body_gives_what_came_first(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), END };
    struct bench b;
    char buf[16];
    size_t got = 0;
    int64_t length = 0;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK);
    assert_int_equal(got, 3);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_FAIL);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_FAIL);
    assert_false(ud_http_is_complete(b.http));
    stop(&b);
}

static void nonsense_is_noted_and_refused(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("SSH-2.0-OpenSSH\r\n"), SILENCE };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_FETCH_HEADER);
    assert_int_equal(b.last.id, UD_NOTE_HTTP_BAD_RESPONSE);
    assert_string_equal(b.last_text, "something other than an HTTP status line");
    assert_true(b.time.now_us < 1000000);
    stop(&b);
}

/* ---- connections ------------------------------------------------------------------------------------------- */

static void connections_are_reused_only_when_fit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ud_mem_step steps[5];
        unsigned opens;
    } rows[] = {
        { "kept alive", { TEXT(OK_HELLO), NEXT, TEXT(OK_HELLO) }, 1 },
        { "closed quietly", { TEXT(OK_HELLO), END, TEXT(OK_HELLO) }, 2 },
        { "reset quietly", { TEXT(OK_HELLO), RESET, TEXT(OK_HELLO) }, 2 },
        { "closed at the next request", { TEXT(OK_HELLO), NEXT, END, TEXT(OK_HELLO) }, 2 },
        { "Connection: close",
          { TEXT("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"), TEXT(OK_HELLO) },
          2 },
        { "bytes left over", { TEXT(OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), TEXT(OK_HELLO) }, 2 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        size_t count = 0;
        while (count < 5 && (rows[i].steps[count].kind != UD_MEM_RECV || rows[i].steps[count].data))
            count++;
        start(&b, rows[i].steps, count, &(struct ud_http_config){ .url = URL });
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        b.body_len = 0;
        esp_err_t err = ud_http_perform(b.http);
        if (err != ESP_OK || b.body_len != 5 || memcmp(b.body, "hello", 5) != 0 || b.server.opens != rows[i].opens)
            fail_msg("%s: %d, %u opens", rows[i].name, err, b.server.opens);
        stop(&b);
    }
}

static void a_post_is_not_sent_twice(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO), NEXT, END, TEXT(OK_HELLO) };
    struct bench b;
    START(&b, steps, .url = URL, .method = UD_HTTP_POST);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_FETCH_HEADER);
    assert_int_equal(b.server.opens, 1);
    stop(&b);
}

static void a_refused_connection_says_why(void **state)
{
    (void)state;
    struct bench b;
    const char *why = NULL;
    start(&b, NULL, 0, &(struct ud_http_config){ .url = "http://host:99/x" });
    b.server.open_error = ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
    assert_int_equal(ud_http_open(b.http, 0), ESP_ERR_HTTP_CONNECT);
    assert_int_equal(ud_http_last_tls_error(b.http, &why), ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST);
    assert_string_equal(why, "refused by the script");
    assert_string_equal(b.last_text, "host:99: refused by the script");
    assert_string_equal(b.log, "error ");
    assert_int_equal(ud_http_state(b.http), UD_HTTP_INIT);
    stop(&b);
}

static void https_without_something_to_verify_by_is_refused(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(OK_HELLO) };
    struct bench b;
    START(&b, steps, .url = "https://host/");
    assert_int_equal(ud_http_open(b.http, 0), ESP_ERR_HTTP_CONNECT);
    assert_int_equal(b.server.opens, 0);
    assert_non_null(strstr(b.last_text, "cert_pem"));
    stop(&b);
    START(&b, steps, .url = "https://host/", .tls = { .ca_pem = "pem" });
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_true(b.server.last.tls);
    assert_string_equal(b.server.last.tls_config->ca_pem, "pem");
    stop(&b);
}

static void other_schemes_have_no_transport(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL, 0, &(struct ud_http_config){ .url = "ftp://host/x" });
    assert_int_equal(ud_http_open(b.http, 0), ESP_ERR_HTTP_INVALID_TRANSPORT);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_INVALID_TRANSPORT);
    stop(&b);
}

static void closing_tells_once(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_close(b.http), ESP_OK);
    assert_int_equal(ud_http_close(b.http), ESP_OK);
    assert_string_equal(b.log, "connected sent disconnected ");
    stop(&b);
    assert_string_equal(b.log, "connected sent disconnected ");
}

/* ---- redirects --------------------------------------------------------------------------------------------- */

static void every_redirect_status_is_followed(void **state)
{
    (void)state;
    static const int statuses[] = { 301, 302, 303, 307, 308 };
    for (size_t i = 0; i < UD_ARRAY_LEN(statuses); i++) {
        char moved[128];
        int len = snprintf(moved, sizeof moved,
                           "HTTP/1.1 %d Moved\r\nLocation: /new.bin\r\nContent-Length: 4\r\n\r\nbody", statuses[i]);
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = moved, .len = (size_t)len },
                                             NEXT,
                                             TEXT(OK_HELLO) };
        struct bench b;
        char want[128];
        START(&b, steps, .url = URL);
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        assert_int_equal(b.server.opens, 1);
        assert_int_equal(ud_http_status(b.http), 200);
        assert_non_null(strstr(b.sent, "GET /new.bin HTTP/1.1\r\n"));
        snprintf(want, sizeof want,
                 "connected sent %d Location Content-Length complete redirect%d finish sent 200 Content-Length "
                 "complete finish ",
                 statuses[i], statuses[i]);
        assert_string_equal(b.log, want);
        stop(&b);
    }
}

static void locations_of_all_kinds_lead_on(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *location;
        const char *host; /* NULL: refused with `err` */
        uint16_t port;
        const char *line;
        esp_err_t err;
        unsigned opens;
    } rows[] = {
        { "http://a/d/x", "http://a/new.bin", "a", 80, "GET /new.bin ", ESP_OK, 1 },
        { "http://a/d/x", "HTTP://a:80/new.bin", "a", 80, "GET /new.bin ", ESP_OK, 1 },
        { "http://a/d/x", "http://b:81/new.bin?q#f", "b", 81, "GET /new.bin?q ", ESP_OK, 2 },
        { "http://a/d/x", "//b/new.bin", "b", 80, "GET /new.bin ", ESP_OK, 2 },
        { "http://a/d/x", "new.bin", "a", 80, "GET /d/new.bin ", ESP_OK, 1 },
        { "http://a/d/x", "../new.bin", "a", 80, "GET /new.bin ", ESP_OK, 1 },
        { "http://a/d/x", "?q=1", "a", 80, "GET /d/x?q=1 ", ESP_OK, 1 },
        { "http://a/d/x", "", "a", 80, "GET / ", ESP_OK, 1 },
        { "http://a/d/x", "https://a/new.bin", "a", 443, "GET /new.bin ", ESP_OK, 2 },
        { "https://a/d/x", "/new.bin", "a", 443, "GET /new.bin ", ESP_OK, 1 },
        { "https://a/d/x", "HTTPS://b/new.bin", "b", 443, "GET /new.bin ", ESP_OK, 2 },
        { "https://a/d/x", "http://a/new.bin", NULL, 0, NULL, ESP_ERR_HTTP_REDIRECT_DOWNGRADE, 1 },
        { "https://a/d/x", "ftp://a/new.bin", NULL, 0, NULL, ESP_ERR_HTTP_REDIRECT_DOWNGRADE, 1 },
        { "http://a/d/x", "ftp://a/new.bin", NULL, 0, NULL, ESP_ERR_HTTP_INVALID_TRANSPORT, 1 },
        { "http://a/d/x", "http://[bad", NULL, 0, NULL, ESP_ERR_INVALID_ARG, 1 },
        { "http://a/d/x", "/a b", NULL, 0, NULL, ESP_ERR_INVALID_ARG, 1 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char moved[256];
        int len = snprintf(moved, sizeof moved, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                           rows[i].location);
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = moved, .len = (size_t)len },
                                             NEXT,
                                             TEXT(OK_HELLO) };
        struct bench b;
        START(&b, steps, .url = rows[i].from, .tls = { .use_system_store = true });
        esp_err_t err = ud_http_perform(b.http);
        if (err != rows[i].err || b.server.opens != rows[i].opens)
            fail_msg("%s -> %s: %#x, %u opens", rows[i].from, rows[i].location, (unsigned)err, b.server.opens);
        if (rows[i].host) {
            assert_string_equal(b.server.last_host, rows[i].host);
            assert_int_equal(b.server.last.port, rows[i].port);
            assert_non_null(strstr(b.sent, rows[i].line));
        }
        stop(&b);
    }
}

static void secrets_do_not_follow_to_another_server(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        bool kept;
    } rows[] = {
        { "/new.bin", true },      { "http://a/new.bin", true }, { "http://b/", false },
        { "http://a:81/", false }, { "https://a/", false },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char moved[256];
        int len = snprintf(moved, sizeof moved, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                           rows[i].location);
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = moved, .len = (size_t)len },
                                             NEXT,
                                             TEXT(OK_HELLO) };
        struct bench b;
        START(&b, steps, .url = "http://u:secret@a/x", .basic_auth = true, .tls = { .use_system_store = true });
        assert_int_equal(ud_http_set_header(b.http, "Cookie", "session"), ESP_OK);
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        const char *second = strstr(b.sent + 1, "GET ");
        assert_non_null(second);
        assert_int_equal(strstr(second, "Authorization: ") != NULL, rows[i].kept);
        assert_int_equal(strstr(second, "Cookie: ") != NULL, rows[i].kept);
        assert_int_equal(ud_http_username(b.http) != NULL, rows[i].kept);
        stop(&b);
    }
}

static void endless_redirects_end(void **state)
{
    (void)state;
    static const struct {
        int max;
        unsigned requests;
    } rows[] = { { 0, 11 }, { 3, 4 }, { -1, 1 } };
    struct ud_mem_step steps[24];
    for (size_t i = 0; i < UD_ARRAY_LEN(steps); i += 2) {
        steps[i] = (struct ud_mem_step)TEXT("HTTP/1.1 302 Found\r\nLocation: /fw.bin\r\nContent-Length: 0\r\n\r\n");
        steps[i + 1] = (struct ud_mem_step)NEXT;
    }
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        unsigned requests = 0;
        START(&b, steps, .url = URL, .max_redirects = rows[i].max);
        assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_MAX_REDIRECT);
        for (const char *at = b.sent; (at = strstr(at, "GET ")) != NULL; at++)
            requests++;
        assert_int_equal(requests, rows[i].requests);
        stop(&b);
    }
}

static void redirects_are_the_handlers_choice_when_told(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 302 Found\r\nLocation: /new.bin\r\nContent-Length: 0\r\n\r\n"),
                                         NEXT, TEXT(OK_HELLO) };
    struct bench b;
    START(&b, steps, .url = URL, .disable_auto_redirect = true);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_int_equal(ud_http_status(b.http), 302);
    stop(&b);
    START(&b, steps, .url = URL, .disable_auto_redirect = true);
    b.follow_in_handler = true;
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_int_equal(ud_http_status(b.http), 200);
    stop(&b);
}

static void a_redirect_without_location_is_an_error(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n") };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_INVALID_ARG);
    stop(&b);
}

static void an_endless_body_of_a_redirect_does_not_hold_it_up(void **state)
{
    (void)state;
    static const char moved[] = "HTTP/1.1 302 Found\r\nLocation: /new.bin\r\n\r\n";
    static char filler[65536];
    struct ud_mem_step steps[40] = { TEXT(moved) };
    for (size_t i = 1; i < UD_ARRAY_LEN(steps) - 1; i++)
        steps[i] = (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = filler, .len = sizeof filler };
    steps[UD_ARRAY_LEN(steps) - 1] = (struct ud_mem_step)SILENCE;
    struct bench b;
    size_t discarded = 0;
    int64_t length = 0;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    b.body_full = true; /* what comes is not looked at */
    assert_int_equal(ud_http_flush(b.http, &discarded), ESP_ERR_INVALID_SIZE);
    assert_true(discarded >= UD_HTTP_FLUSH_MAX && discarded <= UD_HTTP_FLUSH_MAX + 512);
    stop(&b);
    START(&b, steps, .url = URL);
    b.body_full = true;
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_FETCH_HEADER); /* the filler is no response */
    assert_int_equal(b.server.opens, 2);
    assert_non_null(strstr(b.sent, "GET /new.bin HTTP/1.1\r\n"));
    stop(&b);
}

static void statuses_are_judged_by_perform(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        esp_err_t err;
    } rows[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ESP_OK },
        { "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n", ESP_OK },
        { "HTTP/1.1 304 Not Modified\r\n\r\n", ESP_OK },
        { "HTTP/1.1 204 No Content\r\n\r\n", ESP_OK },
        { "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
          ESP_ERR_NOT_SUPPORTED },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = rows[i].wire, .len = strlen(rows[i].wire) },
                                             NEXT };
        struct bench b;
        START(&b, steps, .url = URL);
        assert_int_equal(ud_http_perform(b.http), rows[i].err);
        stop(&b);
    }
}

static void notes_do_not_tell_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *says;
    } rows[] = {
        { "https://me:secret@host/with blank", "host/with blank" },
        { "https:/me:secret@host", "host" },
        { "https://me:sec@ret@host/", "host/" },
        { "ftp//:me:sec?ret@host/", "host/" },
        { "http://host/no secret@all", "all" },
    };
    const struct ud_mem_step steps[] = { TEXT(
        "HTTP/1.1 302 Found\r\nLocation: http://me:secret@there/x\r\nContent-Length: 0\r\n\r\n") };
    struct bench b;
    int64_t length = 0;
    START(&b, steps, .url = URL);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_int_equal(ud_http_set_url(b.http, rows[i].url), ESP_ERR_INVALID_ARG);
        assert_int_equal(b.last.id, UD_NOTE_HTTP_BAD_URL);
        assert_string_equal(b.last_text, rows[i].says);
    }
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(ud_http_set_redirection(b.http), ESP_OK);
    assert_int_equal(b.last.id, UD_NOTE_HTTP_REDIRECT);
    assert_string_equal(b.last_text, "there/x");
    stop(&b);
}

static void set_url_knows_when_to_forget(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host;
        esp_err_t err;
        bool kept;
    } rows[] = {
        { "/other", "a:81", ESP_OK, true },
        { "http://a:81/other", "a:81", ESP_OK, true },
        { "http://a:82/", "a:82", ESP_OK, true },
        { "http://b:81/", "b:81", ESP_OK, false },
        { "relative", "a:81", ESP_ERR_INVALID_ARG, true },
        { "http://a b/", "a:81", ESP_ERR_INVALID_ARG, true },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        char url[64];
        start(&b, NULL, 0, &(struct ud_http_config){ .url = "http://a:81/x?q", .username = "u", .password = "p" });
        assert_int_equal(ud_http_set_header(b.http, "Authorization", "Bearer x"), ESP_OK);
        assert_int_equal(ud_http_set_url(b.http, rows[i].url), rows[i].err);
        assert_string_equal(ud_http_get_header(b.http, "Host"), rows[i].host);
        assert_int_equal(ud_http_get_header(b.http, "Authorization") != NULL, rows[i].kept);
        assert_int_equal(ud_http_password(b.http) != NULL, rows[i].kept);
        assert_int_equal(ud_http_get_url(b.http, url, sizeof url), ESP_OK);
        assert_int_equal(ud_http_get_url(b.http, url, strlen(url)), ESP_ERR_INVALID_SIZE);
        if (i == 0)
            assert_string_equal(url, "http://a:81/other");
        stop(&b);
    }
}

/* ---- time -------------------------------------------------------------------------------------------------- */

static void a_time_out_may_be_tried_again(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { WAIT(7000), TEXT("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"),
                                         WAIT(11000), TEXT("def") };
    struct bench b;
    char buf[16];
    size_t got = 0;
    int64_t length = 0;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_ERR_HTTP_EAGAIN);
    assert_int_equal(b.time.now_us, 5000000);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(b.time.now_us, 7000000);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK); /* what came before the time-out */
    assert_int_equal(got, 3);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_ERR_HTTP_EAGAIN);
    assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(buf, "def", 3);
    stop(&b);
}

static void silence_ends_after_a_minute_of_waiting(void **state)
{
    (void)state;
    static const struct {
        int timeout_ms;
        uint32_t stall_ms;
        uint64_t end_us;
    } rows[] = { { 0, 0, 60000000 }, { 90000, 0, 90000000 }, { -1, 0, 60000000 }, { 1000, 3500, 3500000 } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"), SILENCE };
        struct bench b;
        char buf[16];
        size_t got = 0;
        int64_t length = 0;
        esp_err_t err = ESP_OK;
        START(&b, steps, .url = URL, .timeout_ms = rows[i].timeout_ms, .stall_ms = rows[i].stall_ms);
        assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
        assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
        uint64_t waited = 0;
        do {
            uint64_t before = b.time.now_us;
            err = ud_http_read(b.http, buf, sizeof buf, &got);
            waited += b.time.now_us - before;
            b.time.now_us += 3600000000u; /* what the application does in between does not count */
        } while (err == ESP_ERR_HTTP_EAGAIN);
        assert_int_equal(err, ESP_ERR_TIMEOUT);
        assert_int_equal(waited, rows[i].end_us);
        assert_int_equal(b.last.id, UD_NOTE_HTTP_STALL);
        assert_int_equal(ud_http_read(b.http, buf, sizeof buf, &got), ESP_ERR_TIMEOUT);
        stop(&b);
    }
}

/* One byte every `pause_ms`, as long as anybody listens. */
static size_t make_trickle(struct ud_mem_step *steps, size_t max, size_t bytes, size_t pause_ms)
{
    static const char byte[64] = { 0 };
    size_t n = 0;
    while (n + 2 <= max) {
        steps[n++] = (struct ud_mem_step)WAIT(pause_ms);
        steps[n++] = (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = byte, .len = bytes };
    }
    return n;
}

static void trickling_ends_after_two_minutes(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t bytes;
        size_t pause_ms;
        bool slow;
    } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 1, 500, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 31, 500, true }, /* 62 B/s */
        { "HTTP/1.1 200 OK\r\nContent-Length: 15500\r\n\r\n", 33, 500, false },  /* 66 B/s */
        { "HTTP/1.1 200 OK\r\n\r\n", 1, 500, true },
    };
    static struct ud_mem_step steps[1001];
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        steps[0] = (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = rows[i].head, .len = strlen(rows[i].head) };
        size_t count = 1 + make_trickle(steps + 1, 1000, rows[i].bytes, rows[i].pause_ms);
        start(&b, steps, count, &(struct ud_http_config){ .url = URL });
        esp_err_t err = ESP_OK;
        size_t got = 0;
        char buf[256];
        int64_t length = 0;
        assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
        assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
        do {
            err = ud_http_read(b.http, buf, sizeof buf, &got);
        } while (err == ESP_OK && got > 0);
        assert_int_equal(err, rows[i].slow ? ESP_ERR_TIMEOUT : ESP_OK);
        if (rows[i].slow)
            assert_true(b.time.now_us >= 119000000 && b.time.now_us <= 121000000);
        stop(&b);
    }
}

static void a_trickling_head_ends_too(void **state)
{
    (void)state;
    static const char head[] =
        "HTTP/1.1 200 OK\r\nX: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
    struct ud_mem_step steps[128];
    for (size_t i = 0; i < 64; i++) {
        steps[2 * i] = (struct ud_mem_step)WAIT(4000);
        steps[2 * i + 1] = (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = head + i, .len = 1 };
    }
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_TIMEOUT);
    assert_int_equal(b.time.now_us, 120000000);
    stop(&b);
}

/* A peer whose records carry nothing: there is always something to receive, and never a byte. */
struct chatter {
    struct ud_transport inner;
    struct bench *b;
    unsigned calls;
};

static esp_err_t chatter_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t size)
{
    struct chatter *c = ctx;
    return c->inner.ops->open(c->inner.ctx, to, timeout_ms, why, size);
}

static esp_err_t chatter_send(void *ctx, const void *data, size_t len, size_t *sent)
{
    struct chatter *c = ctx;
    return c->inner.ops->send(c->inner.ctx, data, len, sent);
}

static esp_err_t chatter_recv(void *ctx, void *buf, size_t cap, size_t *got)
{
    struct chatter *c = ctx;
    (void)buf;
    (void)cap;
    *got = 0;
    c->b->time.now_us += 1000; /* to decrypt it */
    return ++c->calls < 1000000 ? ESP_ERR_NOT_FINISHED : ESP_FAIL;
}

static esp_err_t chatter_poll(void *ctx, int events, uint32_t wait_ms)
{
    (void)ctx;
    (void)events;
    (void)wait_ms;
    return ESP_OK;
}

static void chatter_close(void *ctx)
{
    struct chatter *c = ctx;
    c->inner.ops->close(c->inner.ctx);
}

static void records_without_bytes_are_silence(void **state)
{
    (void)state;
    static const struct ud_transport_ops ops = { chatter_open, chatter_send,  chatter_recv,
                                                 chatter_poll, chatter_close, NULL };
    const struct ud_mem_step steps[] = { SILENCE };
    struct bench b;
    START(&b, steps, .url = URL);
    struct chatter c = { ud_mem_transport(&b.server), &b, 0 };
    struct ud_http_env env = {
        .transport = { &ops, &c }, .alloc = counting_alloc(&b.memory), .clock = b.clock, .obs = &b.obs
    };
    struct ud_http *h = NULL;
    int64_t length = 0;
    esp_err_t err;
    assert_int_equal(ud_http_create(&env, &(struct ud_http_config){ .url = URL }, &h), ESP_OK);
    assert_int_equal(ud_http_open(h, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(h, &length), ESP_ERR_HTTP_EAGAIN);
    assert_in_range(b.time.now_us, 5000000, 5010000);
    do
        err = ud_http_fetch_headers(h, &length);
    while (err == ESP_ERR_HTTP_EAGAIN);
    assert_int_equal(err, ESP_ERR_TIMEOUT);
    assert_in_range(b.time.now_us, 60000000, 60100000);
    ud_http_destroy(h);
    stop(&b);
}

static void perform_does_not_take_a_time_out_for_the_end(void **state)
{
    (void)state;
    static const struct {
        struct ud_mem_step steps[2];
        int timeout_ms;
        esp_err_t err;
    } rows[] = {
        { { SILENCE }, 0, ESP_ERR_HTTP_EAGAIN },
        { { SILENCE }, -1, ESP_ERR_TIMEOUT },
        { { TEXT("HTTP/1.1 200 OK\r\n\r\nabc"), SILENCE }, 0, ESP_ERR_HTTP_INCOMPLETE_DATA },
        { { TEXT("HTTP/1.1 200 OK\r\n\r\nabc"), SILENCE }, -1, ESP_ERR_TIMEOUT },
        { { TEXT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE }, 0, ESP_ERR_HTTP_INCOMPLETE_DATA },
        { { TEXT("HTTP/1.1 200 OK\r\n\r\nabc"), RESET }, 0, ESP_ERR_HTTP_INCOMPLETE_DATA },
        { { TEXT("HTTP/1.1 200 OK\r\n\r\nabc"), END }, 0, ESP_OK },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        size_t count = rows[i].steps[0].kind == UD_MEM_SILENCE ? 1 : 2;
        start(&b, rows[i].steps, count, &(struct ud_http_config){ .url = URL, .timeout_ms = rows[i].timeout_ms });
        assert_int_equal(ud_http_perform(b.http), rows[i].err);
        stop(&b);
    }
}

static void perform_after_a_header_time_out_goes_on_waiting(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { WAIT(8000), TEXT(OK_HELLO) };
    struct bench b;
    START(&b, steps, .url = URL);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_HTTP_EAGAIN);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_null(strstr(b.sent + 1, "GET ")); /* one request */
    stop(&b);
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

static esp_err_t whole_story(struct bench *b, unsigned long fail_at)
{
    static const struct ud_mem_step steps[] = {
        TEXT("HTTP/1.1 302 Found\r\nLocation: http://u:p@b/new.bin\r\nX: y\r\nContent-Length: 0\r\n\r\n"),
        NEXT,
        TEXT(OK_HELLO),
        NEXT,
        TEXT(OK_HELLO),
    };
    static const struct ud_http_config cfg = {
        .host = "h", .path = "/a", .query = "q", .username = "u", .password = "p", .basic_auth = true
    };
    esp_err_t err = try_start(b, steps, UD_ARRAY_LEN(steps), &cfg, fail_at);
    if (err == ESP_OK)
        err = ud_http_set_header(b->http, "X", "1");
    if (err == ESP_OK)
        err = ud_http_perform(b->http);
    if (err == ESP_OK)
        err = ud_http_set_url(b->http, "/again");
    if (err == ESP_OK)
        err = ud_http_perform(b->http);
    return err;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    struct bench b;
    unsigned long n = 0;
    for (;;) {
        esp_err_t err = whole_story(&b, ++n);
        ud_http_destroy(b.http);
        assert_int_equal(b.memory.out, 0);
        if (b.memory.asked < n) {
            assert_int_equal(err, ESP_OK);
            break;
        }
        assert_int_equal(err, ESP_ERR_NO_MEM);
    }
    assert_true(n > 20);
}

/* ---- challenges -------------------------------------------------------------------------------------------- */

static esp_err_t count_up(void *ctx, void *buf, size_t len)
{
    uint8_t *out = buf;
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)i;
    return ESP_OK;
}

/* As START, with what Digest needs. */
static esp_err_t try_start_auth(struct bench *b, const struct ud_mem_step *steps, size_t count,
                                const struct ud_http_config *cfg, unsigned long fail_at)
{
    static struct ud_crypto crypto;
    crypto = ud_openssl_crypto();
    bench_crypto = &crypto;
    bench_entropy = (struct ud_entropy){ .fill = count_up };
    esp_err_t err = try_start(b, steps, count, cfg, fail_at);
    bench_crypto = NULL;
    bench_entropy = (struct ud_entropy){ NULL, NULL };
    return err;
}

#define SECRETS .username = "al\"ice", .password = "s:\\t", .answer_basic = true, .answer_digest = true
#define START_AUTH(b, steps, ...)                                                                                      \
    assert_int_equal(try_start_auth((b), (steps), UD_ARRAY_LEN(steps), &(struct ud_http_config){ __VA_ARGS__ }, 0),    \
                     ESP_OK)

/* The Authorization of the n-th request, "" if it had none. */
static const char *authorization(struct bench *b, unsigned n)
{
    static const char name[] = "\r\nAuthorization: ";
    static char value[1024];
    const char *request = b->sent;
    while (n-- > 0 && request) {
        request = strstr(request, "\r\n\r\n");
        request = request ? request + 4 : NULL;
    }
    assert_non_null(request);
    const char *end = strstr(request, "\r\n\r\n");
    const char *field = strstr(request, name);
    value[0] = '\0';
    if (field && end && field < end) {
        field += sizeof name - 1;
        size_t len = strcspn(field, "\r");
        assert_true(len < sizeof value);
        memcpy(value, field, len);
        value[len] = '\0';
    }
    return value;
}

/* The responses were computed with Python's hashlib. */
static void each_challenge_gets_its_answer(void **state)
{
    (void)state;
    static const struct {
        const char *challenge, *answer;
    } rows[] = {
        { "Basic realm=\"x\"", "Basic YWwiaWNlOnM6XHQ=" },
        { "bAsIc", "Basic YWwiaWNlOnM6XHQ=" },
        { "Foo, Basic realm=\"x\", Digest realm=\"x\", nonce=\"n\"", "Basic YWwiaWNlOnM6XHQ=" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", qop=\"auth\", opaque=\"o1\"",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", algorithm=MD5, "
          "response=\"15897b90df8b6afb1940f24bf1a44df1\", qop=auth, nc=00000001, cnonce=\"0001020304050607\", "
          "opaque=\"o1\"" },
        { "digest realm=\"the \\\"r\\\"\",nonce=n1,qop=auth,algorithm=md5",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", algorithm=MD5, "
          "response=\"15897b90df8b6afb1940f24bf1a44df1\", qop=auth, nc=00000001, cnonce=\"0001020304050607\"" },
        { "Digest qop=\"auth-int , auth\",algorithm=\"MD5-sess\", nonce=\"n1\",realm=\"the \\\"r\\\"\"",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=MD5-sess, response=\"f629992d54f16b5482bb3ad3cc2ecaf5\", qop=auth, nc=00000001, "
          "cnonce=\"0001020304050607\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256, stale=true, charset=UTF-8",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=SHA-256, response=\"87ffc6dd9636f8220d97cdefcf0e7c8d0f00cfcdd6c26ffd2d6ef3903b9daa78\", qop=auth, "
          "nc=00000001, cnonce=\"0001020304050607\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce = \"n1\" , qop=\"auth\", algorithm=SHA-256-sess",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=SHA-256-sess, response=\"b6b914019ae619da313776c89d39321680298b4c6cbac8ccef5cb6808d219c7f\", "
          "qop=auth, nc=00000001, cnonce=\"0001020304050607\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\"",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", algorithm=MD5, "
          "response=\"7757a74c6c424f742aebb32aafa75f02\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", algorithm=MD5-sess",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=MD5-sess, response=\"d66988fda391bd436d31268cb76f794f\", cnonce=\"0001020304050607\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", algorithm=SHA-256",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=SHA-256, response=\"62ed419b8cbeba0edaa1ca1beee8586b5a7cd9557a2850a4f01a274397935d6f\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", algorithm=SHA-256-sess",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", "
          "algorithm=SHA-256-sess, response=\"3bb2db99571ca9ce5c30c69aaa2aaa15ccd3a2f23fe6a2c1357d1bbf798d2cb7\", "
          "cnonce=\"0001020304050607\"" },
        { "Negotiate abc==, Bearer realm=\"Digest\", Digest realm=\"the \\\"r\\\"\", nonce=\"n1\", qop=\"auth\", Basic "
          "realm=\"b\"",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", algorithm=MD5, "
          "response=\"15897b90df8b6afb1940f24bf1a44df1\", qop=auth, nc=00000001, cnonce=\"0001020304050607\"" },
        { "Digest realm=\"the \\\"r\\\"\", nonce=\"n0\", algorithm=SHA-512-256, qop=\"auth\", Digest realm=\"the "
          "\\\"r\\\"\", nonce=\"n1\", qop=\"auth\"",
          "Digest username=\"al\\\"ice\", realm=\"the \\\"r\\\"\", nonce=\"n1\", uri=\"/fw.bin?x=1\", algorithm=MD5, "
          "response=\"15897b90df8b6afb1940f24bf1a44df1\", qop=auth, nc=00000001, cnonce=\"0001020304050607\"" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char wire[512];
        int len = snprintf(wire, sizeof wire, "HTTP/1.1 401 No\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n",
                           rows[i].challenge);
        const struct ud_mem_step steps[] = {
            { .kind = UD_MEM_RECV, .data = wire, .len = (size_t)len }, NEXT, TEXT(OK_HELLO), NEXT
        };
        struct bench b;
        START_AUTH(&b, steps, .url = "http://host/fw.bin?x=1", SECRETS);
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        assert_int_equal(ud_http_status(b.http), 200);
        assert_int_equal(b.server.opens, 1);
        assert_string_equal(authorization(&b, 0), "");
        assert_string_equal(authorization(&b, 1), rows[i].answer);
        stop(&b);
    }
}

static void a_challenge_that_cannot_be_answered_ends_the_exchange(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool basic, digest;
    } rows[] = {
        { "", true, true },
        { "WWW-Authenticate: \r\n", true, true },
        { "WWW-Authenticate: Bearer realm=\"Basic\"\r\n", true, true },
        { "WWW-Authenticate: Basic realm=\"x\"\r\n", false, true },
        { "WWW-Authenticate: Basicx realm=\"x\"\r\n", true, true },
        { "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\r\n", true, false },
        { "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=SHA-512-256\r\n", true, true },
        { "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"\r\n", true, true },
        { "WWW-Authenticate: =\"\\\r\n", true, true },
        { "Proxy-Authenticate: Basic realm=\"x\"\r\n", true, true },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char wire[256];
        int len = snprintf(wire, sizeof wire, "HTTP/1.1 401 No\r\n%sContent-Length: 0\r\n\r\n", rows[i].fields);
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = wire, .len = (size_t)len }, NEXT };
        struct bench b;
        START_AUTH(&b, steps, .url = URL, .username = "u", .answer_basic = rows[i].basic,
                   .answer_digest = rows[i].digest);
        assert_int_equal(ud_http_perform(b.http), ESP_ERR_NOT_SUPPORTED);
        assert_int_equal(b.last.id, UD_NOTE_HTTP_AUTH);
        assert_null(strstr(strstr(b.sent, "\r\n\r\n") + 4, "GET"));
        stop(&b);
    }
}

#define STALE(n)                                                                                                       \
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"the \\\"r\\\"\", qop=\"auth\", nonce=\"" n                    \
    "\", stale=true\r\n"                                                                                               \
    "Content-Length: 0\r\n\r\n"

static void a_nonce_is_counted_until_it_is_stale(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(STALE("n1")), NEXT, TEXT(OK_HELLO), NEXT, TEXT(OK_HELLO), NEXT,
                                         TEXT(STALE("n2")), NEXT, TEXT(OK_HELLO), NEXT };
    struct bench b;
    START_AUTH(&b, steps, .url = "http://host/fw.bin?x=1", SECRETS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
    assert_non_null(strstr(authorization(&b, 1), "nc=00000001"));
    assert_non_null(
        strstr(authorization(&b, 2), "response=\"e0e35be53a61b17186c42f69fd62edfe\", qop=auth, nc=00000002"));
    assert_non_null(strstr(authorization(&b, 3), "nonce=\"n1\""));
    assert_non_null(strstr(authorization(&b, 4), "nonce=\"n2\""));
    assert_non_null(strstr(authorization(&b, 4), "nc=00000001"));
    stop(&b);
}

static void a_post_is_sent_again_with_its_answer(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(STALE("n1")), NEXT, NEXT, TEXT(OK_HELLO), NEXT };
    struct bench b;
    START_AUTH(&b, steps, .url = "http://host/fw.bin?x=1", .method = UD_HTTP_POST, SECRETS);
    ud_http_set_post_field(b.http, "data", 4);
    assert_int_equal(ud_http_perform(b.http), ESP_OK);
    const char *second = strstr(b.sent + 1, "POST ");
    assert_non_null(second);
    assert_non_null(strstr(second, "response=\"9922533216b61078ac58f9d934bac82d\""));
    assert_string_equal(second + strlen(second) - 8, "\r\n\r\ndata");
    stop(&b);
}

static void an_answer_does_not_follow_to_another_server(void **state)
{
    (void)state;
    static const char *const places[] = { "http://host:81/x", "http://other/x" };
    static const char *const challenges[] = { "Basic realm=\"x\"", "Digest realm=\"x\", nonce=\"n\"" };
    for (size_t i = 0; i < 4; i++) {
        char wire[2][256];
        int len[2] = {
            snprintf(wire[0], sizeof wire[0], "HTTP/1.1 401 No\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n",
                     challenges[i / 2]),
            snprintf(wire[1], sizeof wire[1], "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                     places[i % 2]),
        };
        const struct ud_mem_step steps[] = { { .kind = UD_MEM_RECV, .data = wire[0], .len = (size_t)len[0] },
                                             NEXT,
                                             { .kind = UD_MEM_RECV, .data = wire[1], .len = (size_t)len[1] },
                                             NEXT,
                                             TEXT(OK_HELLO),
                                             NEXT };
        struct bench b;
        START_AUTH(&b, steps, .url = URL, SECRETS);
        assert_int_equal(ud_http_perform(b.http), ESP_OK);
        assert_true(authorization(&b, 1)[0] != '\0');
        assert_string_equal(authorization(&b, 2), "");
        stop(&b);
    }
}

static void challenges_are_answered_so_often_and_no_more(void **state)
{
    (void)state;
    static const struct {
        int retries, redirects;
        esp_err_t err;
        unsigned requests;
    } rows[] = {
        { 0, 0, ESP_ERR_HTTP_MAX_REDIRECT, 11 }, { 2, 0, ESP_FAIL, 3 },   { -1, 0, ESP_FAIL, 1 },
        { 0, 3, ESP_ERR_HTTP_MAX_REDIRECT, 4 },  { 0, 20, ESP_FAIL, 11 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_mem_step steps[24];
        for (size_t k = 0; k < UD_ARRAY_LEN(steps); k += 2) {
            steps[k] = (struct ud_mem_step)TEXT(STALE("n"));
            steps[k + 1] = (struct ud_mem_step)NEXT;
        }
        struct bench b;
        START_AUTH(&b, steps, .url = URL, .max_auth_retries = rows[i].retries, .max_redirects = rows[i].redirects,
                   SECRETS);
        assert_int_equal(ud_http_perform(b.http), rows[i].err);
        unsigned requests = 0;
        for (const char *at = b.sent; (at = strstr(at, "GET ")) != NULL; at++)
            requests++;
        assert_int_equal(requests, rows[i].requests);
        stop(&b);
    }
}

static void a_challenge_may_come_from_the_application(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 401 No\r\nX-Auth: 1\r\nContent-Length: 0\r\n\r\n"), NEXT,
                                         TEXT(OK_HELLO), NEXT };
    struct bench b;
    int64_t length;
    size_t got;
    START_AUTH(&b, steps, .url = URL, SECRETS);
    assert_int_equal(ud_http_add_auth(b.http), ESP_OK); /* nothing to answer */
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(ud_http_add_auth(b.http), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_http_set_auth_data(b.http, "Ba\r\n", 4), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_http_set_auth_data(b.http, "Bas", 3), ESP_OK);
    assert_int_equal(ud_http_set_auth_data(b.http, "ic realm=x", 10), ESP_OK);
    assert_int_equal(ud_http_add_auth(b.http), ESP_OK);
    assert_int_equal(ud_http_flush(b.http, &got), ESP_OK);
    assert_int_equal(ud_http_open(b.http, 0), ESP_OK);
    assert_string_equal(authorization(&b, 1), "Basic YWwiaWNlOnM6XHQ=");
    assert_int_equal(ud_http_fetch_headers(b.http, &length), ESP_OK);
    assert_int_equal(ud_http_add_auth(b.http), ESP_ERR_NOT_SUPPORTED); /* dropped with its response */
    stop(&b);
}

static void a_name_cannot_break_out_of_its_line(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(STALE("n")), NEXT, TEXT(OK_HELLO), NEXT };
    struct bench b;
    START_AUTH(&b, steps, .url = URL, .username = "a\r\nX: y", .password = "p", .answer_digest = true);
    assert_int_equal(ud_http_perform(b.http), ESP_ERR_INVALID_ARG);
    assert_null(strstr(b.sent, "X: y"));
    stop(&b);
}

static void a_challenge_survives_every_failing_allocation(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(STALE("n1")), NEXT, TEXT(OK_HELLO), NEXT };
    unsigned failed = 0;
    for (unsigned long at = 1; at < 200; at++) {
        struct bench b;
        const struct ud_http_config cfg = { .url = URL, SECRETS };
        esp_err_t err = try_start_auth(&b, steps, UD_ARRAY_LEN(steps), &cfg, at);
        if (err == ESP_OK) {
            err = ud_http_perform(b.http);
            ud_http_destroy(b.http);
        }
        failed += err != ESP_OK;
        assert_int_equal(b.memory.out, 0);
        assert_true(err == ESP_OK || err == ESP_ERR_NO_MEM || err == ESP_ERR_HTTP_FETCH_HEADER);
    }
    assert_true(failed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_what_esp_idf_sends),
        cmocka_unit_test(a_handler_may_connect_again_when_it_hears_of_the_end),
        cmocka_unit_test(bodies_are_framed_as_asked),
        cmocka_unit_test(host_and_path_make_a_url),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(headers_are_set_replaced_and_deleted),
        cmocka_unit_test(a_url_of_two_kilobytes_works_with_defaults),
        cmocka_unit_test(headers_of_sixteen_kilobytes_work_with_defaults),
        cmocka_unit_test(a_request_beyond_all_measure_is_refused),
        cmocka_unit_test(basic_is_sent_unasked_only_when_told),
        cmocka_unit_test(post_data_is_sent_by_perform),
        cmocka_unit_test(reading_fills_the_buffer_and_ends_with_nothing),
        cmocka_unit_test(chunked_and_until_close_have_no_length),
        cmocka_unit_test(response_headers_are_kept),
        cmocka_unit_test(the_range_of_a_response_is_read_and_asked_for),
        cmocka_unit_test(a_cut_at_every_byte_is_never_success),
        cmocka_unit_test(a_cut_body_gives_what_came_first),
        cmocka_unit_test(nonsense_is_noted_and_refused),
        cmocka_unit_test(connections_are_reused_only_when_fit),
        cmocka_unit_test(a_post_is_not_sent_twice),
        cmocka_unit_test(a_refused_connection_says_why),
        cmocka_unit_test(https_without_something_to_verify_by_is_refused),
        cmocka_unit_test(other_schemes_have_no_transport),
        cmocka_unit_test(closing_tells_once),
        cmocka_unit_test(every_redirect_status_is_followed),
        cmocka_unit_test(locations_of_all_kinds_lead_on),
        cmocka_unit_test(secrets_do_not_follow_to_another_server),
        cmocka_unit_test(endless_redirects_end),
        cmocka_unit_test(redirects_are_the_handlers_choice_when_told),
        cmocka_unit_test(a_redirect_without_location_is_an_error),
        cmocka_unit_test(an_endless_body_of_a_redirect_does_not_hold_it_up),
        cmocka_unit_test(statuses_are_judged_by_perform),
        cmocka_unit_test(notes_do_not_tell_secrets),
        cmocka_unit_test(set_url_knows_when_to_forget),
        cmocka_unit_test(a_time_out_may_be_tried_again),
        cmocka_unit_test(silence_ends_after_a_minute_of_waiting),
        cmocka_unit_test(trickling_ends_after_two_minutes),
        cmocka_unit_test(a_trickling_head_ends_too),
        cmocka_unit_test(records_without_bytes_are_silence),
        cmocka_unit_test(perform_does_not_take_a_time_out_for_the_end),
        cmocka_unit_test(perform_after_a_header_time_out_goes_on_waiting),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(each_challenge_gets_its_answer),
        cmocka_unit_test(a_challenge_that_cannot_be_answered_ends_the_exchange),
        cmocka_unit_test(a_nonce_is_counted_until_it_is_stale),
        cmocka_unit_test(a_post_is_sent_again_with_its_answer),
        cmocka_unit_test(an_answer_does_not_follow_to_another_server),
        cmocka_unit_test(challenges_are_answered_so_often_and_no_more),
        cmocka_unit_test(a_challenge_may_come_from_the_application),
        cmocka_unit_test(a_name_cannot_break_out_of_its_line),
        cmocka_unit_test(a_challenge_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
