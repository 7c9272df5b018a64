/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads by ranges from servers that can do them, cannot, or do them wrong: what is asked for, that the bytes are the
 * file's and no others, and where a download ends that cannot be trusted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "counting_alloc.h"
#include "updraft/update.h"

#define FILE_BYTES 10000u
#define MAX_ASKED  40

/* How a server behaves from its request number `from` on (0: the first; HEAD counts). */
enum vice {
    NONE,
    IGNORES_RANGE, /* 200 and all of the file */
    OTHER_RANGE,   /* 16 bytes further on than asked */
    OTHER_TAG,     /* the ETag of another file */
    OTHER_LENGTH,  /* the file has grown */
    REFUSES,       /* 416 */
    NOT_FOUND,     /* 404 */
    CUTS,          /* closes after 100 bytes of the body */
    HANGS_UP,      /* closes instead of an answer */
};

static struct server {
    enum vice vice;
    unsigned from;
    const char *says; /* its Content-Range, whatever it sends; NULL: an honest one */
    bool refuses_head, tells_no_length, closes, has_date;
    size_t whole; /* bytes that a GET without Range brings, 0: all of them */
    bool is_open, hung_up;
    unsigned requests, connects;
    char asked[MAX_ASKED][48]; /* "HEAD", "GET", "GET bytes=0-99" */
    char request[2048];
    size_t request_len;
    uint8_t answer[FILE_BYTES * 2 + 512];
    size_t answer_len, at;
} server;

static uint8_t file_byte(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

static void answer_head(int status, const char *range, size_t len, bool vicious)
{
    server.answer_len = (size_t)sprintf((char *)server.answer, "HTTP/1.1 %d X\r\n%s%s\r\n", status, range,
                                        server.closes ? "Connection: close\r\n" : "");
    char *end = (char *)server.answer + server.answer_len - 2;
    if (!server.tells_no_length || status == 206)
        end += sprintf(end, "Content-Length: %zu\r\n", len);
    if (server.has_date)
        end += sprintf(end, "Last-Modified: %s\r\n", vicious && server.vice == OTHER_TAG ? "Tue" : "Mon");
    else
        end += sprintf(end, "ETag: \"%s\"\r\n", vicious && server.vice == OTHER_TAG ? "two" : "one");
    end += sprintf(end, "\r\n");
    server.answer_len = (size_t)(end - (char *)server.answer);
}

static void answer_body(size_t from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        server.answer[server.answer_len++] = file_byte(from + i);
}

static void answer(void)
{
    bool vicious = server.vice != NONE && server.requests >= server.from;
    bool head = strncmp(server.request, "HEAD", 4) == 0;
    const char *line = strstr(server.request, "\nRange: ");
    unsigned from = 0, to = FILE_BYTES - 1, size = FILE_BYTES;
    char range[96] = "";
    assert_true(server.requests < MAX_ASKED);
    snprintf(server.asked[server.requests], sizeof server.asked[0], "%.*s%s%.*s", (int)strcspn(server.request, " "),
             server.request, line ? " " : "", line ? (int)strcspn(line + 8, "\r") : 0, line ? line + 8 : "");
    server.requests++;
    server.at = server.answer_len = 0;
    if (vicious && server.vice == HANGS_UP) {
        server.hung_up = true;
    } else if (head && server.refuses_head) {
        answer_head(405, "", 0, vicious);
    } else if (vicious && (server.vice == REFUSES || server.vice == NOT_FOUND)) {
        answer_head(server.vice == REFUSES ? 416 : 404, "", 0, vicious);
    } else if (!line || (vicious && server.vice == IGNORES_RANGE)) {
        size_t len = server.whole && !head ? server.whole : FILE_BYTES;
        answer_head(200, "", len, vicious);
        if (!head)
            answer_body(0, len);
    } else {
        if (sscanf(line + 8, "bytes=%u-%u", &from, &to) < 2 || to >= FILE_BYTES)
            to = FILE_BYTES - 1;
        if (vicious && server.vice == OTHER_RANGE)
            from += 16;
        if (vicious && server.vice == OTHER_LENGTH)
            size++;
        snprintf(range, sizeof range, "Content-Range: bytes %u-%u/%u\r\n", from, to, size);
        if (server.says)
            snprintf(range, sizeof range, "Content-Range: %s\r\n", server.says);
        answer_head(206, range, to - from + 1, vicious);
        answer_body(from, vicious && server.vice == CUTS ? 100 : to - from + 1);
        server.hung_up = vicious && server.vice == CUTS;
    }
    server.hung_up = server.hung_up || server.closes;
}

static esp_err_t server_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size)
{
    (void)ctx, (void)to, (void)timeout_ms, (void)why, (void)why_size;
    server.is_open = true;
    server.hung_up = false;
    server.request_len = server.answer_len = server.at = 0;
    server.connects++;
    return ESP_OK;
}

static esp_err_t server_send(void *ctx, const void *data, size_t len, size_t *sent)
{
    (void)ctx;
    assert_true(server.request_len + len < sizeof server.request);
    memcpy(server.request + server.request_len, data, len);
    server.request_len += len;
    server.request[server.request_len] = '\0';
    *sent = len;
    if (strstr(server.request, "\r\n\r\n")) {
        server.request_len = 0;
        answer();
    }
    return ESP_OK;
}

static esp_err_t server_recv(void *ctx, void *buf, size_t cap, size_t *got)
{
    (void)ctx;
    size_t left = server.answer_len - server.at;
    *got = left < cap ? left : cap;
    memcpy(buf, server.answer + server.at, *got);
    server.at += *got;
    return *got > 0 || server.hung_up ? ESP_OK : ESP_ERR_NOT_FINISHED;
}

static esp_err_t server_poll(void *ctx, int events, uint32_t wait_ms)
{
    (void)ctx, (void)wait_ms;
    return events & UD_POLL_SEND || server.at < server.answer_len || server.hung_up ? ESP_OK : ESP_ERR_TIMEOUT;
}

static void server_close(void *ctx)
{
    (void)ctx;
    server.is_open = false;
}

static int server_socket(void *ctx)
{
    (void)ctx;
    return -1;
}

static const struct ud_transport_ops ops = { server_open, server_send,  server_recv,
                                             server_poll, server_close, server_socket };

/* ---- one download ----------------------------------------------------------------------------------------------- */

struct bench {
    struct ud_virtual_clock time;
    struct ud_clock clock;
    struct counting_alloc memory;
    struct ud_observer obs;
    unsigned start_overs, refusals;
    struct ud_http *http;
    struct ud_ranges ranges;
    size_t read; /* bytes, each the right one */
};

static void on_note(void *ctx, const struct ud_note *note)
{
    struct bench *b = ctx;
    b->start_overs += note->id == UD_NOTE_UPDATE_START_OVER;
    b->refusals += note->id == UD_NOTE_UPDATE_RANGE;
}

static void start(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->clock = ud_virtual_clock(&b->time);
    b->obs = (struct ud_observer){ .note = on_note, .ctx = b };
    struct ud_http_env env = { .transport = { .ops = &ops }, .alloc = counting_alloc(&b->memory), .clock = b->clock };
    struct ud_http_config cfg = { .url = "http://host/f", .timeout_ms = 100 };
    assert_int_equal(ud_http_create(&env, &cfg, &b->http), ESP_OK);
}

static void stop(struct bench *b)
{
    ud_http_destroy(b->http);
    assert_false(server.is_open);
    assert_int_equal(b->memory.out, 0);
}

/* Open and read to the end: ESP_OK only with all of the file from where it began. */
static esp_err_t download(struct bench *b, const struct ud_ranges_options *opt)
{
    uint8_t buf[777];
    size_t got;
    esp_err_t err = ud_ranges_open(&b->ranges, b->http, opt, &b->obs);
    if (err != ESP_OK)
        return err;
    struct ud_source source = ud_ranges_source(&b->ranges);
    size_t at = (size_t)b->ranges.at;
    do {
        err = source.ops->read(source.ctx, buf, sizeof buf, 0, &got);
        for (size_t i = 0; err == ESP_OK && i < got; i++)
            assert_int_equal(buf[i], file_byte(at + i));
        if (err == ESP_OK) {
            at += got;
            b->read += got;
        }
    } while (err == ESP_ERR_NOT_FINISHED || (err == ESP_OK && got > 0));
    if (err == ESP_OK) {
        assert_true(source.ops->is_complete(source.ctx));
        assert_int_equal(at, FILE_BYTES);
    }
    return err;
}

static void assert_asked(const char *const *want, unsigned count)
{
    assert_int_equal(server.requests, count);
    for (unsigned i = 0; i < count; i++)
        assert_string_equal(server.asked[i], want[i]);
}
#define ASSERT_ASKED(...)                                                                                              \
    assert_asked((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static const struct ud_ranges_options parts = { .partial = true, .max = 4000 };
static const struct ud_ranges_options resumed = { .resume = true, .offset = 6000 };

static void a_file_comes_in_parts_over_one_connection(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ 0 };
    start(&b);
    assert_int_equal(download(&b, &parts), ESP_OK);
    assert_int_equal(b.ranges.length, FILE_BYTES);
    ASSERT_ASKED("HEAD", "GET bytes=0-3999", "GET bytes=4000-7999", "GET bytes=8000-");
    assert_int_equal(server.connects, 2); /* after the length was asked for, one */
    stop(&b);
}

static void a_server_that_closes_is_asked_again_each_time(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ .closes = true };
    start(&b);
    assert_int_equal(download(&b, &parts), ESP_OK);
    assert_int_equal(server.connects, 4);
    stop(&b);
}

static void a_file_that_fits_one_request_is_asked_for_whole(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ 0 };
    start(&b);
    assert_int_equal(download(&b, &(struct ud_ranges_options){ .partial = true }), ESP_OK);
    ASSERT_ASKED("HEAD", "GET");
    stop(&b);
}

static void without_head_one_byte_tells_the_length(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ .refuses_head = true };
    start(&b);
    assert_int_equal(download(&b, &parts), ESP_OK);
    ASSERT_ASKED("HEAD", "GET bytes=0-0", "GET bytes=0-3999", "GET bytes=4000-7999", "GET bytes=8000-");
    stop(&b);
    server = (struct server){ .tells_no_length = true };
    start(&b);
    assert_int_equal(download(&b, &parts), ESP_FAIL);
    assert_int_equal(b.refusals, 1);
    stop(&b);
}

static void a_server_that_ignores_range_sends_all_of_it(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ .vice = IGNORES_RANGE };
    start(&b);
    assert_int_equal(download(&b, &parts), ESP_OK);
    ASSERT_ASKED("HEAD", "GET bytes=0-3999");
    stop(&b);
}

static void what_goes_wrong_in_the_middle_ends_it(void **state)
{
    static const struct {
        enum vice vice;
        unsigned refusals;
    } rows[] = {
        { IGNORES_RANGE, 1 }, { OTHER_RANGE, 1 }, { OTHER_TAG, 1 }, { OTHER_LENGTH, 1 },
        { REFUSES, 0 },       { NOT_FOUND, 0 },   { CUTS, 0 },      { HANGS_UP, 0 },
    };
    (void)state;
    for (unsigned date = 0; date < 2; date++)
        for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
            struct bench b;
            server = (struct server){ .vice = rows[i].vice, .from = 2, .has_date = date == 1 };
            start(&b);
            assert_int_equal(download(&b, &parts), ESP_FAIL);
            assert_int_equal(b.refusals, rows[i].refusals);
            assert_true(b.read <= 4100);
            stop(&b);
        }
}

static void a_file_that_changes_behind_a_short_answer_is_found_out(void **state)
{
    static const enum vice vices[] = { NONE, OTHER_TAG };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(vices); i++) {
        struct bench b;
        server = (struct server){ .vice = vices[i], .from = 2, .whole = 6000 };
        start(&b);
        assert_int_equal(download(&b, &(struct ud_ranges_options){ .partial = true }),
                         vices[i] == NONE ? ESP_OK : ESP_FAIL);
        ASSERT_ASKED("HEAD", "GET", "GET bytes=6000-");
        assert_int_equal(b.refusals, vices[i] == NONE ? 0 : 1);
        stop(&b);
    }
}

static void a_download_goes_on_where_another_stopped(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ 0 };
    start(&b);
    assert_int_equal(download(&b, &resumed), ESP_OK);
    ASSERT_ASKED("GET bytes=6000-");
    assert_int_equal(b.read, 4000);
    assert_int_equal(b.ranges.length, 4000); /* as ESP-IDF: of the response */
    stop(&b);
    server = (struct server){ 0 };
    start(&b);
    assert_int_equal(
        download(&b, &(struct ud_ranges_options){ .partial = true, .max = 3000, .resume = true, .offset = 2000 }),
        ESP_OK);
    ASSERT_ASKED("HEAD", "GET bytes=2000-4999", "GET bytes=5000-7999", "GET bytes=8000-");
    assert_int_equal(b.read, 8000);
    stop(&b);
}

static void what_cannot_go_on_starts_over_once(void **state)
{
    static const enum vice vices[] = { IGNORES_RANGE, REFUSES, OTHER_RANGE };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(vices); i++) {
        struct bench b;
        server = (struct server){ .vice = vices[i] };
        start(&b);
        /* 416 without a Range is no fault that another request mends */
        assert_int_equal(download(&b, &resumed), vices[i] == REFUSES ? ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE : ESP_OK);
        ASSERT_ASKED("GET bytes=6000-", "GET");
        assert_int_equal(b.start_overs, 1);
        assert_false(b.ranges.opt.resume);
        if (vices[i] != REFUSES)
            assert_int_equal(b.read, FILE_BYTES);
        stop(&b);
    }
}

/* Nothing is written behind what is there before the server has said that it goes there. */
static void what_is_no_range_from_the_offset_starts_over(void **state)
{
    static const struct {
        const char *says;
        bool good;
    } rows[] = {
        { "bytes 6000-9999/10000", true },
        { "bytes 6000-9999/*", true },
        { "bytes 06000-9999/10000", true },
        { "", false },
        { "bytes", false },
        { "bytes */10000", false },
        { "bytes 6000", false },
        { "bytes 6000/10000", false },
        { "bytes -9999/10000", false },
        { "bytes 5999-9999/10000", false },
        { "bytes 9223372036854775807-9223372036854775807/*", false },
        { "bytes 9223372036854775808-9223372036854781807/*", false },
        { "bytes 18446744073709557616-18446744073709561615/*", false }, /* 6000 and 2^64 */
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        server = (struct server){ .says = rows[i].says };
        start(&b);
        esp_err_t err = download(&b, &resumed);
        if (err != ESP_OK || b.start_overs != !rows[i].good || b.read != (rows[i].good ? 4000 : FILE_BYTES))
            fail_msg("\"%s\": %s, %u starts over, %u bytes", rows[i].says, ud_err_name(err), (unsigned)b.start_overs,
                     (unsigned)b.read);
        stop(&b);
    }
}

static void the_offset_may_be_all_of_the_file(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ .vice = REFUSES, .from = 0 };
    start(&b);
    assert_int_equal(download(&b, &(struct ud_ranges_options){ .resume = true, .offset = FILE_BYTES }),
                     ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE);
    assert_int_equal(b.start_overs, 1);
    stop(&b);
}

static void a_range_of_the_application_is_left_alone(void **state)
{
    struct bench b;
    (void)state;
    server = (struct server){ 0 };
    start(&b);
    assert_int_equal(ud_http_set_header(b.http, "Range", "bytes=5-"), ESP_OK);
    assert_int_equal(ud_ranges_open(&b.ranges, b.http, &(struct ud_ranges_options){ 0 }, &b.obs), ESP_OK);
    ASSERT_ASKED("GET bytes=5-");
    stop(&b);
}

static void every_allocation_may_fail(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (unsigned long n = 1;; n++) {
        struct bench b;
        server = (struct server){ 0 };
        start(&b);
        unsigned long before = b.memory.asked;
        b.memory.fail_at = before + n;
        esp_err_t err = download(&b, &parts);
        bool met = b.memory.asked >= before + n;
        stop(&b);
        if (!met) {
            assert_int_equal(err, ESP_OK);
            break;
        }
        assert_true(err == ESP_ERR_NO_MEM || err == ESP_FAIL || err == ESP_ERR_HTTP_FETCH_HEADER);
        failed++;
    }
    assert_true(failed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_in_parts_over_one_connection),
        cmocka_unit_test(a_server_that_closes_is_asked_again_each_time),
        cmocka_unit_test(a_file_that_fits_one_request_is_asked_for_whole),
        cmocka_unit_test(without_head_one_byte_tells_the_length),
        cmocka_unit_test(a_server_that_ignores_range_sends_all_of_it),
        cmocka_unit_test(what_goes_wrong_in_the_middle_ends_it),
        cmocka_unit_test(a_file_that_changes_behind_a_short_answer_is_found_out),
        cmocka_unit_test(a_download_goes_on_where_another_stopped),
        cmocka_unit_test(what_cannot_go_on_starts_over_once),
        cmocka_unit_test(what_is_no_range_from_the_offset_starts_over),
        cmocka_unit_test(the_offset_may_be_all_of_the_file),
        cmocka_unit_test(a_range_of_the_application_is_left_alone),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
