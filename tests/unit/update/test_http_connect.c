/* SPDX-License-Identifier: Apache-2.0 */
/* The connect loop against scripted servers in memory: what each status means, and where the loop ends. */
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

#define TEXT(t)                                                                                                        \
    {                                                                                                                  \
        .kind = UD_MEM_RECV, .data = (t), .len = sizeof(t) - 1                                                         \
    }
#define NEXT                                                                                                           \
    {                                                                                                                  \
        .kind = UD_MEM_NEXT_REQUEST                                                                                    \
    }

struct bench {
    struct ud_virtual_clock time;
    struct ud_clock clock;
    struct counting_alloc memory;
    struct ud_mem_transport server;
    char sent[16384];
    struct ud_observer obs;
    struct ud_note last; /* of the update's own notes */
    struct ud_http *http;
};

static void on_note(void *ctx, const struct ud_note *note)
{
    struct bench *b = ctx;
    if (note->id >= UD_NOTE_UPDATE)
        b->last = *note;
}

static void start_with(struct bench *b, const struct ud_mem_step *steps, size_t count, const struct ud_http_config *cfg)
{
    memset(b, 0, sizeof *b);
    b->clock = ud_virtual_clock(&b->time);
    b->server = (struct ud_mem_transport){
        .step = steps, .step_count = count, .clock = &b->clock, .sent = b->sent, .sent_cap = sizeof b->sent
    };
    b->obs = (struct ud_observer){ .note = on_note, .ctx = b };
    struct ud_http_env env = {
        .transport = ud_mem_transport(&b->server),
        .alloc = counting_alloc(&b->memory),
        .clock = b->clock,
    };
    assert_int_equal(ud_http_create(&env, cfg, &b->http), ESP_OK);
}

static void start(struct bench *b, const struct ud_mem_step *steps, size_t count, const char *url)
{
    start_with(b, steps, count, &(struct ud_http_config){ .url = url, .timeout_ms = 100 });
}

static void stop(struct bench *b)
{
    ud_http_destroy(b->http);
    assert_int_equal(b->memory.out, 0);
}

static void status_decides(void **state)
{
    static const struct {
        int status;
        esp_err_t want;
    } rows[] = {
        { 200, ESP_OK },
        { 206, ESP_OK },
        { 204, ESP_OK },
        { 300, ESP_OK },
        { 304, ESP_ERR_HTTP_NOT_MODIFIED },
        { 305, ESP_OK },
        { 400, ESP_FAIL },
        { 401, ESP_ERR_NOT_SUPPORTED },
        { 403, ESP_FAIL },
        { 404, ESP_FAIL },
        { 416, ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE },
        { 429, ESP_FAIL },
        { 500, ESP_FAIL },
        { 503, ESP_FAIL },
        { 301, ESP_ERR_INVALID_ARG }, /* without a Location */
        { 308, ESP_ERR_INVALID_ARG },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        char head[96];
        snprintf(head, sizeof head, "HTTP/1.1 %d Because\r\nContent-Length: 0\r\n\r\n", rows[i].status);
        struct ud_mem_step step = { .kind = UD_MEM_RECV, .data = head, .len = strlen(head) };
        start(&b, &step, 1, "http://host/a.bin");
        assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), rows[i].want);
        if (rows[i].want != ESP_OK && rows[i].status != 301 && rows[i].status != 308) {
            assert_int_equal(b.last.id, UD_NOTE_UPDATE_STATUS);
            assert_int_equal(b.last.a, rows[i].status);
        }
        stop(&b);
    }
}

static void a_challenge_is_answered_as_often_as_is_allowed(void **state)
{
    static const char challenge[] =
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n";
    static const struct ud_mem_step steps[] = {
        TEXT(challenge),
        NEXT,
        TEXT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        NEXT,
        TEXT(challenge),
        NEXT,
        TEXT(challenge),
        NEXT,
        TEXT(challenge),
    };
    struct bench b;
    (void)state;
    start(&b, steps, UD_ARRAY_LEN(steps), "http://me:secret@host/a.bin");
    /* Not allowed: what comes is what counts. */
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(b.last.a, 401);
    stop(&b);
    start_with(
        &b, steps, UD_ARRAY_LEN(steps),
        &(struct ud_http_config){
            .url = "http://me:secret@host/a.bin", .timeout_ms = 100, .answer_basic = true, .max_auth_retries = 3 });
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_OK);
    assert_non_null(strstr(b.sent, "Authorization: Basic bWU6c2VjcmV0"));
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_FAIL); /* two more, and no third */
    assert_int_equal(b.last.a, 401);
    stop(&b);
}

static void redirects_are_followed_over_both_kinds_of_connection(void **state)
{
    static const struct ud_mem_step steps[] = {
        TEXT("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\n\r\nxyz"),
        NEXT,
        TEXT("HTTP/1.1 307 T\r\nLocation: http://other:81/c\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        NEXT,
        TEXT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    };
    struct bench b;
    char buf[8];
    size_t got;
    (void)state;
    start(&b, steps, UD_ARRAY_LEN(steps), "http://host/a");
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_OK);
    assert_non_null(strstr(b.sent, "GET /b HTTP/1.1"));
    assert_non_null(strstr(b.sent, "GET /c HTTP/1.1"));
    assert_string_equal(b.server.last_host, "other");
    struct ud_source s = ud_http_source(b.http);
    assert_int_equal(s.ops->size(s.ctx), 2);
    assert_false(s.ops->is_complete(s.ctx));
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 0, &got), ESP_OK);
    assert_int_equal(got, 2);
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 0, &got), ESP_OK);
    assert_int_equal(got, 0);
    assert_true(s.ops->is_complete(s.ctx));
    stop(&b);
}

static void endless_redirect_ends(void **state)
{
    static const struct {
        int max;
        unsigned requests;
    } rows[] = { { 0, 11 }, { 3, 4 }, { -1, 1 } };
    struct ud_mem_step steps[64];
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(steps); i += 2) {
        steps[i] = (struct ud_mem_step)TEXT("HTTP/1.1 301 M\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
        steps[i + 1] = (struct ud_mem_step)NEXT;
    }
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        unsigned requests = 0;
        start(&b, steps, UD_ARRAY_LEN(steps), "http://host/a");
        assert_int_equal(ud_update_http_connect(b.http, rows[i].max, &b.obs), ESP_ERR_HTTP_MAX_REDIRECT);
        for (const char *p = b.sent; (p = strstr(p, "GET ")); p++)
            requests++;
        assert_int_equal(requests, rows[i].requests);
        stop(&b);
    }
}

static void silence_and_a_cut_end_the_loop(void **state)
{
    static const struct ud_mem_step silence[] = { { .kind = UD_MEM_SILENCE } };
    static const struct ud_mem_step cut[] = { TEXT("HTTP/1.1 200 OK\r\nConte"), { .kind = UD_MEM_EOF } };
    struct bench b;
    (void)state;
    start(&b, silence, 1, "http://host/a");
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_ERR_HTTP_EAGAIN);
    stop(&b);
    start(&b, cut, 2, "http://host/a");
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_FAIL);
    stop(&b);
}

static void post_data_is_sent_again_after_a_redirect(void **state)
{
    static const struct ud_mem_step steps[] = {
        TEXT("HTTP/1.1 303 See\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"),
        NEXT,
        TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    };
    struct bench b;
    (void)state;
    start(&b, steps, UD_ARRAY_LEN(steps), "http://host/a");
    ud_http_set_method(b.http, UD_HTTP_POST);
    ud_http_set_post_field(b.http, "serial=7", 8);
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_OK);
    const char *second = strstr(b.sent, "POST /b ");
    assert_non_null(second);
    assert_non_null(strstr(b.sent, "serial=7"));
    assert_non_null(strstr(second, "serial=7"));
    stop(&b);
}

static void source_tells_a_pause_from_an_end_and_from_a_cut(void **state)
{
    static const struct ud_mem_step steps[] = {
        TEXT("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"),
        { .kind = UD_MEM_WAIT_MS, .len = 150 },
        TEXT("d"),
        { .kind = UD_MEM_EOF },
    };
    struct bench b;
    char buf[8];
    size_t got;
    (void)state;
    start(&b, steps, UD_ARRAY_LEN(steps), "http://host/a");
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_OK);
    struct ud_source s = ud_http_source(b.http);
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 50, &got), ESP_OK);
    assert_int_equal(got, 3);
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 50, &got), ESP_ERR_NOT_FINISHED);
    assert_int_equal(got, 0);
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 1000, &got), ESP_OK);
    assert_int_equal(got, 1);
    assert_int_equal(s.ops->read(s.ctx, buf, sizeof buf, 50, &got), ESP_FAIL);
    assert_false(s.ops->is_complete(s.ctx));
    stop(&b);
}

static void silent_body_ends_by_the_stall_rule(void **state)
{
    static const struct ud_mem_step steps[] = {
        TEXT("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"),
        { .kind = UD_MEM_SILENCE },
    };
    struct bench b;
    char buf[8];
    size_t got;
    esp_err_t err = ESP_OK;
    unsigned pauses = 0;
    (void)state;
    start(&b, steps, UD_ARRAY_LEN(steps), "http://host/a");
    assert_int_equal(ud_update_http_connect(b.http, 0, &b.obs), ESP_OK);
    struct ud_source s = ud_http_source(b.http);
    assert_int_equal(s.ops->read(s.ctx, buf, 3, 0, &got), ESP_OK);
    while ((err = s.ops->read(s.ctx, buf, sizeof buf, 0, &got)) == ESP_ERR_NOT_FINISHED)
        pauses++;
    assert_int_equal(err, ESP_ERR_TIMEOUT);
    assert_in_range(pauses, 500, 700); /* 60 s of 100 ms */
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_decides),
        cmocka_unit_test(a_challenge_is_answered_as_often_as_is_allowed),
        cmocka_unit_test(redirects_are_followed_over_both_kinds_of_connection),
        cmocka_unit_test(endless_redirect_ends),
        cmocka_unit_test(silence_and_a_cut_end_the_loop),
        cmocka_unit_test(post_data_is_sent_again_after_a_redirect),
        cmocka_unit_test(source_tells_a_pause_from_an_end_and_from_a_cut),
        cmocka_unit_test(silent_body_ends_by_the_stall_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
