/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client as an ESP-IDF application meets it, over the memory transport on a board in memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "counting_alloc.h"
#include "esp_crt_bundle.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "test_board.h"
#include "updraft/idf.h"
#include "updraft/port_linux.h"

enum { SENT_MAX = 4096, LOG_MAX = 2048 };

static struct {
    struct test_board board;
    struct counting_alloc memory;
    struct ud_mem_transport server;
    struct ud_clock clock;
    char sent[SENT_MAX];
    char log[LOG_MAX];
    unsigned transports;
    bool no_transport;
    esp_http_client_handle_t client;
    bool follow;
} w;

static esp_err_t make_transport(void *ctx, struct ud_transport *out)
{
    (void)ctx;
    if (w.no_transport)
        return ESP_ERR_NO_MEM;
    w.transports++;
    *out = ud_mem_transport(&w.server);
    return ESP_OK;
}

static void drop_transport(void *ctx, struct ud_transport *t)
{
    (void)ctx;
    (void)t;
    w.transports--;
}

static void start(const struct ud_mem_step *steps, size_t count)
{
    memset(&w, 0, sizeof w);
    test_board_init(&w.board, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT });
    w.clock = ud_virtual_clock(&w.board.clock);
    w.server = (struct ud_mem_transport){
        .step = steps, .step_count = count, .clock = &w.clock, .sent = w.sent, .sent_cap = sizeof w.sent
    };
    struct ud_idf_env env = {
        .board = &w.board.board,
        .config = &ud_app_config_defaults,
        .os = ud_linux_os(),
        .alloc = counting_alloc(&w.memory),
        .transport_create = make_transport,
        .transport_destroy = drop_transport,
    };
    assert_int_equal(ud_idf_start(&env), ESP_OK);
}

static void stop(void)
{
    ud_idf_stop();
    test_board_deinit(&w.board);
    assert_int_equal(w.transports, 0);
    assert_int_equal(w.memory.out, 0);
}

#define TEXT(t)                                                                                                        \
    {                                                                                                                  \
        .kind = UD_MEM_RECV, .data = (t), .len = sizeof(t) - 1                                                         \
    }
#define SILENCE                                                                                                        \
    {                                                                                                                  \
        .kind = UD_MEM_SILENCE                                                                                         \
    }
#define NEXT                                                                                                           \
    {                                                                                                                  \
        .kind = UD_MEM_NEXT_REQUEST                                                                                    \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .kind = UD_MEM_EOF                                                                                             \
    }
#define URL          "http://host/fw.bin"
#define HELLO        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define START(steps) start((steps), UD_ARRAY_LEN(steps))

static void add_log(const char *text)
{
    size_t len = strlen(w.log);
    assert_true(len + strlen(text) + 2 < sizeof w.log);
    snprintf(w.log + len, sizeof w.log - len, "%s ", text);
}

static esp_err_t on_event(esp_http_client_event_t *e)
{
    static const char *const names[] = { "ERROR",     "ON_CONNECTED",        "HEADERS_SENT",
                                         "ON_HEADER", "ON_HEADERS_COMPLETE", "ON_STATUS_CODE",
                                         "ON_DATA",   "ON_FINISH",           "DISCONNECTED",
                                         "REDIRECT" };
    char text[64] = "";
    assert_ptr_equal(e->user_data, &w);
    switch (e->event_id) {
    case HTTP_EVENT_ON_HEADER:
        snprintf(text, sizeof text, "%s=%s", e->header_key, e->header_value);
        break;
    case HTTP_EVENT_ON_STATUS_CODE:
        snprintf(text, sizeof text, "%d", *(int *)e->data);
        break;
    case HTTP_EVENT_ON_DATA:
        snprintf(text, sizeof text, "%.*s", e->data_len, (char *)e->data);
        break;
    default:
        snprintf(text, sizeof text, "%s", names[e->event_id]);
    }
    if (e->event_id == HTTP_EVENT_REDIRECT && w.follow)
        assert_int_equal(esp_http_client_set_redirection(e->client), ESP_OK);
    add_log(text);
    return ESP_FAIL; /* must not matter */
}

static void perform_tells_its_events_in_order(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(HELLO) };
    START(steps);
    esp_http_client_config_t config = { .url = URL, .event_handler = on_event, .user_data = &w };
    esp_http_client_handle_t c = esp_http_client_init(&config);
    assert_non_null(c);
    assert_int_equal(esp_http_client_get_state(c), HTTP_STATE_INIT);
    assert_int_equal(esp_http_client_perform(c), ESP_OK);
    assert_int_equal(esp_http_client_get_status_code(c), 200);
    assert_int_equal(esp_http_client_get_content_length(c), 5);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    assert_string_equal(
        w.log, "ON_CONNECTED HEADERS_SENT 200 Content-Length=5 ON_HEADERS_COMPLETE hello ON_FINISH DISCONNECTED ");
    stop();
}

struct heard {
    int32_t id;
    int64_t number; /* data_process or status_code */
    bool right_client;
};
static struct heard heard[32];
static _Atomic unsigned heard_count; /* counted up when the entry is whole */

static void on_loop_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    assert_ptr_equal(base, ESP_HTTP_CLIENT_EVENT);
    struct heard *h = &heard[heard_count];
    h->id = id;
    if (id == HTTP_EVENT_ON_DATA) {
        h->number = ((esp_http_client_on_data_t *)data)->data_process;
        h->right_client = ((esp_http_client_on_data_t *)data)->client == w.client;
    } else if (id == HTTP_EVENT_REDIRECT) {
        h->number = ((esp_http_client_redirect_event_data_t *)data)->status_code;
        h->right_client = ((esp_http_client_redirect_event_data_t *)data)->client == w.client;
    } else {
        h->right_client = *(esp_http_client_handle_t *)data == w.client;
    }
    heard_count++;
}

static void events_reach_the_default_loop(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), NEXT,
                                         TEXT(HELLO) };
    static const int32_t ids[] = {
        HTTP_EVENT_ON_CONNECTED,   HTTP_EVENT_HEADERS_SENT, HTTP_EVENT_ON_STATUS_CODE,
        HTTP_EVENT_ON_HEADER,      HTTP_EVENT_ON_HEADER,    HTTP_EVENT_ON_HEADERS_COMPLETE,
        HTTP_EVENT_REDIRECT,       HTTP_EVENT_ON_FINISH,    HTTP_EVENT_HEADERS_SENT,
        HTTP_EVENT_ON_STATUS_CODE, HTTP_EVENT_ON_HEADER,    HTTP_EVENT_ON_HEADERS_COMPLETE,
        HTTP_EVENT_ON_DATA,        HTTP_EVENT_ON_FINISH,
    };
    struct ud_clock real = ud_linux_clock();
    START(steps);
    heard_count = 0;
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_HTTP_CLIENT_EVENT, ESP_EVENT_ANY_ID, on_loop_event, NULL), ESP_OK);
    w.client =
        esp_http_client_init(&(esp_http_client_config_t){ .url = URL, .event_handler = on_event, .user_data = &w });
    assert_int_equal(esp_http_client_perform(w.client), ESP_OK);
    /* The loop has a thread of its own: let it come to the end of the queue. */
    for (unsigned i = 0; i < 2000 && heard_count < UD_ARRAY_LEN(ids); i++)
        ud_clock_wait_us(&real, 1000);
    assert_int_equal(esp_event_handler_unregister(ESP_HTTP_CLIENT_EVENT, ESP_EVENT_ANY_ID, on_loop_event), ESP_OK);
    assert_int_equal(heard_count, UD_ARRAY_LEN(ids));
    for (unsigned i = 0; i < heard_count; i++) {
        assert_int_equal(heard[i].id, ids[i]);
        assert_true(heard[i].right_client);
    }
    assert_int_equal(heard[6].number, 302);
    assert_int_equal(heard[12].number, 5);
    assert_null(strstr(w.log, "REDIRECT")); /* the handler is asked only when redirects are its choice */
    assert_int_equal(esp_http_client_cleanup(w.client), ESP_OK);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    stop();
}

static void redirects_can_be_the_handlers_choice(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), NEXT,
                                         TEXT(HELLO) };
    for (int follow = 0; follow < 2; follow++) {
        START(steps);
        w.follow = follow == 1;
        esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){
            .url = URL, .disable_auto_redirect = true, .event_handler = on_event, .user_data = &w });
        assert_int_equal(esp_http_client_perform(c), ESP_OK);
        assert_int_equal(esp_http_client_get_status_code(c), follow ? 200 : 302);
        assert_non_null(strstr(w.log, "REDIRECT"));
        assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
        stop();
    }
}

static void streaming_has_esp_idfs_codes(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { { .kind = UD_MEM_WAIT_MS, .len = 300 },
                                         TEXT("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhello"),
                                         { .kind = UD_MEM_WAIT_MS, .len = 500 },
                                         TEXT("xy"),
                                         END };
    char buf[16];
    START(steps);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = URL, .timeout_ms = 200 });
    assert_int_equal(esp_http_client_fetch_headers(c), ESP_FAIL);
    assert_int_equal(esp_http_client_write(c, "x", 1), -1);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_get_state(c), HTTP_STATE_REQ_COMPLETE_HEADER);
    assert_int_equal(esp_http_client_fetch_headers(c), -0x7007);
    assert_int_equal(esp_http_client_fetch_headers(c), 8);
    assert_int_equal(esp_http_client_get_state(c), HTTP_STATE_RES_ON_DATA_START);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), 5);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), -ESP_ERR_HTTP_EAGAIN);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), 2);
    assert_int_equal(errno, 0);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), ESP_FAIL);
    assert_int_equal(errno, ENOTCONN);
    assert_int_equal(esp_http_client_get_errno(c), ENOTCONN);
    assert_false(esp_http_client_is_complete_data_received(c));
    assert_int_equal(esp_http_client_close(c), ESP_OK);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

/* A wait that is over may be tried again; a server that is given up is told apart, wherever a call can say so. */
static void the_stall_rule_has_its_own_code(void **state)
{
    (void)state;
    const struct ud_mem_step head_only[] = { TEXT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), SILENCE };
    const struct ud_mem_step nothing[] = { SILENCE, SILENCE };
    const esp_http_client_config_t config = { .url = URL };
    const esp_http_client_config_t endless = { .url = URL, .timeout_ms = -1 };
    char buf[8];
    int n;
    int64_t length;

    START(head_only);
    esp_http_client_handle_t c = esp_http_client_init(&config);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 9);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), -ESP_ERR_HTTP_EAGAIN);
    while ((n = esp_http_client_read(c, buf, sizeof buf)) == -ESP_ERR_HTTP_EAGAIN)
        ;
    assert_int_equal(n, -ESP_ERR_TIMEOUT);
    assert_int_equal(esp_http_client_get_errno(c), ETIMEDOUT);
    assert_int_equal(esp_http_client_flush_response(c, NULL), ESP_ERR_TIMEOUT);
    esp_http_client_cleanup(c);
    stop();

    START(nothing);
    c = esp_http_client_init(&config);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    while ((length = esp_http_client_fetch_headers(c)) == -ESP_ERR_HTTP_EAGAIN)
        ;
    assert_int_equal(length, -ESP_ERR_TIMEOUT);
    esp_http_client_cleanup(c);
    c = esp_http_client_init(&endless);
    assert_int_equal(esp_http_client_perform(c), ESP_ERR_TIMEOUT);
    esp_http_client_cleanup(c);
    stop();
}

static void a_whole_body_is_read_and_flushed(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT(HELLO), NEXT, TEXT(HELLO) };
    char buf[16];
    int discarded = 0;
    START(steps);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = URL });
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 5);
    assert_int_equal(esp_http_client_read_response(c, buf, sizeof buf), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_true(esp_http_client_is_complete_data_received(c));
    assert_true(esp_http_client_is_persistent_connection(c));
    assert_int_equal(esp_http_client_prepare(c), ESP_OK);
    assert_int_equal(esp_http_client_request_send(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 5);
    assert_int_equal(esp_http_client_flush_response(c, &discarded), ESP_OK);
    assert_int_equal(discarded, 5);
    assert_int_equal(w.server.opens, 1);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void a_cancelled_request_leaves_a_fresh_connection(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), NEXT, NEXT,
                                         TEXT(HELLO), NEXT };
    char buf[16];
    START(steps);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = URL });
    assert_int_equal(esp_http_client_cancel_request(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_cancel_request(c), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 9);
    assert_int_equal(esp_http_client_cancel_request(c), ESP_OK);
    assert_int_equal(esp_http_client_get_state(c), HTTP_STATE_CONNECTED);
    assert_int_equal(w.server.opens, 2);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 5);
    assert_int_equal(esp_http_client_read(c, buf, sizeof buf), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(w.server.opens, 2);
    w.server.open_error = ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
    assert_int_equal(esp_http_client_cancel_request(c), ESP_FAIL);
    assert_int_equal(esp_http_client_get_state(c), HTTP_STATE_INIT);
    assert_int_equal(esp_http_client_cancel_request(c), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void a_chunked_request_is_framed_by_the_helpers(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    START(steps);
    esp_http_client_handle_t c =
        esp_http_client_init(&(esp_http_client_config_t){ .url = URL, .method = HTTP_METHOD_POST });
    assert_int_equal(esp_http_client_open(c, -1), ESP_OK);
    assert_int_equal(esp_http_client_chunk_write_begin(c, 26), 0);
    assert_int_equal(esp_http_client_write(c, "abcdefghijklmnopqrstuvwxyz", 26), 26);
    assert_int_equal(esp_http_client_chunk_write_end(c, true), 0);
    assert_int_equal(esp_http_client_chunk_write_begin(c, 0), -1);
    assert_non_null(strstr(w.sent, "Transfer-Encoding: chunked\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"));
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void init_refuses_what_it_must(void **state)
{
    (void)state;
    static const esp_key_config_t psa_key = { .source = ESP_KEY_SOURCE_PSA };
    static const esp_http_client_config_t rows[] = {
        { .url = NULL },
        { .url = "" },
        { .url = "/fw.bin" },
        { .url = "http://a b/" },
        { .host = "h" },
        { .path = "/x" },
        { .url = URL, .port = 65536 },
        { .url = URL, .use_ecdsa_peripheral = true },
        { .url = URL, .ds_data = (void *)&rows },
        { .url = URL, .transport = (struct esp_transport_item_t *)&rows },
        { .url = URL, .client_key = &psa_key },
    };
    assert_null(esp_http_client_init(&(esp_http_client_config_t){ .url = URL })); /* no board yet */
    start(NULL, 0);
    assert_null(esp_http_client_init(NULL));
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        assert_null(esp_http_client_init(&rows[i]));
    w.no_transport = true;
    assert_null(esp_http_client_init(&(esp_http_client_config_t){ .url = URL }));
    stop();
}

static void init_survives_every_failing_allocation(void **state)
{
    (void)state;
    const esp_http_client_config_t config = { .host = "h",
                                              .path = "/x",
                                              .url = "http://a b",
                                              .username = "u",
                                              .password = "p",
                                              .client_key_password = "secret!",
                                              .client_key_password_len = 6 };
    esp_http_client_handle_t c = NULL;
    start(NULL, 0);
    for (unsigned long n = 1; !c; n++) {
        unsigned long before = w.memory.out;
        w.memory.asked = 0;
        w.memory.fail_at = n;
        c = esp_http_client_init(&config);
        if (!c)
            assert_int_equal(w.memory.out, before);
        assert_true(n < 100);
    }
    w.memory.fail_at = 0;
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void how_the_server_is_verified(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    const struct {
        esp_http_client_config_t config;
        bool refused;
        bool system_store;
    } rows[] = {
        { { .url = "https://h/" }, true, false },
        { { .url = "https://h/", .skip_cert_common_name_check = true }, true, false },
        { { .url = "https://h/", .cert_pem = "pem" }, false, false },
        { { .url = "https://h/", .crt_bundle_attach = esp_crt_bundle_attach, .cert_pem = "pem" }, false, true },
        { { .url = "https://h/", .use_global_ca_store = true }, false, true },
        { { .host = "h", .path = "/", .transport_type = HTTP_TRANSPORT_OVER_SSL, .cert_pem = "pem" }, false, false },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        int code = 0;
        int flags = 1;
        START(steps);
        esp_http_client_handle_t c = esp_http_client_init(&rows[i].config);
        assert_int_equal(esp_http_client_get_transport_type(c), HTTP_TRANSPORT_OVER_SSL);
        assert_int_equal(esp_http_client_open(c, 0), rows[i].refused ? ESP_ERR_HTTP_CONNECT : ESP_OK);
        if (rows[i].refused) {
            assert_int_equal(esp_http_client_get_and_clear_last_tls_error(c, &code, &flags),
                             ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED);
            assert_int_equal(code, ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED);
            assert_int_equal(flags, 0);
            assert_int_equal(w.server.opens, 0);
        } else {
            assert_int_equal(w.server.last.tls_config->use_system_store, rows[i].system_store);
        }
        assert_int_equal(esp_http_client_get_and_clear_last_tls_error(c, &code, &flags), ESP_OK);
        assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
        stop();
    }
}

static void the_key_may_come_from_a_key_config(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { SILENCE };
    const esp_key_config_t key = { .source = ESP_KEY_SOURCE_BUFFER,
                                   .buffer = { .data = "key", .len = 3, .password = "pwXX", .password_len = 2 } };
    START(steps);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = "https://h/",
                                                                                   .cert_pem = "pem",
                                                                                   .client_cert_pem = "cert",
                                                                                   .client_key_pem = "other",
                                                                                   .client_key = &key });
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    const struct ud_tls_config *tls = w.server.last.tls_config;
    assert_string_equal(tls->client_key_pem, "key");
    assert_int_equal(tls->client_key_len, 3);
    assert_string_equal(tls->client_key_password, "pw");
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void headers_and_post_data_follow_esp_idf(void **state)
{
    (void)state;
    char *value = (char *)1;
    start(NULL, 0);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = URL });
    assert_int_equal(esp_http_client_get_header(c, "X", &value), ESP_ERR_NOT_FOUND);
    assert_null(value);
    assert_int_equal(esp_http_client_set_header(c, "X", " a "), ESP_OK);
    assert_int_equal(esp_http_client_get_header(c, "x", &value), ESP_OK);
    assert_string_equal(value, "a");
    assert_int_equal(esp_http_client_delete_header(c, "X"), ESP_OK);
    assert_int_equal(esp_http_client_delete_header(c, "X"), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_http_client_set_header(c, NULL, "a"), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_get_post_field(c, &value), 0);
    assert_int_equal(esp_http_client_set_post_field(c, "a=1", 3), ESP_OK);
    assert_int_equal(esp_http_client_get_post_field(c, &value), 3);
    assert_string_equal(value, "a=1");
    assert_int_equal(esp_http_client_get_header(c, "Content-Type", &value), ESP_OK);
    assert_string_equal(value, "application/x-www-form-urlencoded");
    assert_int_equal(esp_http_client_set_post_field(c, NULL, 0), ESP_OK);
    assert_int_equal(esp_http_client_get_header(c, "Content-Type", &value), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_http_client_delete_all_headers(c), ESP_OK);
    assert_int_equal(esp_http_client_get_header(c, "Host", &value), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void urls_and_credentials_can_be_changed(void **state)
{
    (void)state;
    char url[64];
    char *value = NULL;
    void *data = NULL;
    start(NULL, 0);
    esp_http_client_handle_t c = esp_http_client_init(&(esp_http_client_config_t){ .url = "http://u:p@h:81/a?q" });
    assert_int_equal(esp_http_client_get_url(c, url, sizeof url), ESP_OK);
    assert_string_equal(url, "http://h:81/a");
    assert_int_equal(esp_http_client_get_url(c, url, 5), ESP_FAIL);
    assert_int_equal(esp_http_client_set_url(c, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_url(c, "x y"), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_get_username(c, &value), ESP_OK);
    assert_string_equal(value, "u");
    assert_int_equal(esp_http_client_set_url(c, "https://other/b"), ESP_OK);
    assert_int_equal(esp_http_client_get_password(c, &value), ESP_OK);
    assert_null(value);
    assert_int_equal(esp_http_client_get_transport_type(c), HTTP_TRANSPORT_OVER_SSL);
    assert_int_equal(esp_http_client_set_username(c, "x"), ESP_OK);
    assert_int_equal(esp_http_client_set_password(c, "y"), ESP_OK);
    assert_int_equal(esp_http_client_set_authtype(c, HTTP_AUTH_TYPE_BASIC), ESP_OK);
    assert_int_equal(esp_http_client_set_user_data(c, url), ESP_OK);
    assert_int_equal(esp_http_client_get_user_data(c, &data), ESP_OK);
    assert_ptr_equal(data, url);
    assert_int_equal(esp_http_client_set_method(c, HTTP_METHOD_MAX), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_redirection(c), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static esp_err_t zeros(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0, len);
    return ESP_OK;
}

/* The world again, with these two options. */
static void allow(const struct ud_mem_step *steps, size_t count, bool basic, bool digest)
{
    static struct ud_app_config config;
    start(steps, count);
    config = ud_app_config_defaults;
    config.http_client_basic_auth = basic;
    config.http_client_digest_auth = digest;
    struct ud_idf_env env = *ud_idf_env();
    env.config = &config;
    env.entropy = (struct ud_entropy){ .fill = zeros };
    ud_idf_stop();
    assert_int_equal(ud_idf_start(&env), ESP_OK);
}

static void a_challenge_is_answered_when_the_options_say_so(void **state)
{
    (void)state;
    static const struct {
        bool basic, digest;
        const char *scheme; /* in answer; NULL: not answered */
    } rows[] = { { false, false, NULL }, { true, false, "Basic dTpw" }, { false, true, "Digest username=\"u\"" } };
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"n\"\r\n"
                                              "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"),
                                         NEXT, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), NEXT };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const esp_err_t expected = rows[i].scheme ? ESP_OK : ESP_ERR_NOT_SUPPORTED;
        const esp_http_client_config_t config = { .url = URL, .username = "u", .password = "p" };
        allow(steps, UD_ARRAY_LEN(steps), rows[i].basic, rows[i].digest);
        esp_http_client_handle_t c = esp_http_client_init(&config);
        assert_int_equal(esp_http_client_add_auth(c), ESP_OK); /* nothing to answer yet */
        assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
        assert_int_equal(esp_http_client_fetch_headers(c), 0);
        assert_int_equal(esp_http_client_add_auth(c), expected);
        assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
        stop();

        allow(steps, UD_ARRAY_LEN(steps), rows[i].basic, rows[i].digest);
        c = esp_http_client_init(&config);
        assert_int_equal(esp_http_client_perform(c), expected);
        assert_int_equal(esp_http_client_get_status_code(c), rows[i].scheme ? 200 : 401);
        assert_true(!rows[i].scheme || strstr(w.sent, rows[i].scheme));
        assert_true(rows[i].scheme || !strstr(w.sent, "Authorization"));
        assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
        stop();
    }
}

static void a_challenge_may_be_handed_in(void **state)
{
    (void)state;
    const struct ud_mem_step steps[] = { TEXT("HTTP/1.1 401 No\r\nX-Auth: 1\r\nContent-Length: 0\r\n\r\n"), NEXT,
                                         TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), NEXT };
    allow(steps, UD_ARRAY_LEN(steps), true, false);
    esp_http_client_handle_t c =
        esp_http_client_init(&(esp_http_client_config_t){ .url = URL, .username = "u", .password = "p" });
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_int_equal(esp_http_client_fetch_headers(c), 0);
    assert_int_equal(esp_http_client_set_auth_data(NULL, "Basic", 5), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_auth_data(c, NULL, 5), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_auth_data(c, "Basic", -1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_auth_data(c, "Basic", 5), ESP_OK);
    assert_int_equal(esp_http_client_add_auth(c), ESP_OK);
    assert_int_equal(esp_http_client_open(c, 0), ESP_OK);
    assert_non_null(strstr(w.sent, "Authorization: Basic dTpw\r\n"));
    assert_int_equal(esp_http_client_cleanup(c), ESP_OK);
    stop();
}

static void null_handles_are_errors(void **state)
{
    (void)state;
    char buf[4];
    assert_int_equal(esp_http_client_cleanup(NULL), ESP_FAIL);
    assert_int_equal(esp_http_client_perform(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_open(NULL, 0), ESP_FAIL);
    assert_int_equal(esp_http_client_prepare(NULL), ESP_FAIL);
    assert_int_equal(esp_http_client_request_send(NULL, 0), ESP_FAIL);
    assert_int_equal(esp_http_client_read(NULL, buf, 4), ESP_FAIL);
    assert_int_equal(esp_http_client_write(NULL, buf, 4), -1);
    assert_int_equal(esp_http_client_fetch_headers(NULL), ESP_FAIL);
    assert_int_equal(esp_http_client_set_url(NULL, URL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_set_redirection(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_add_auth(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_flush_response(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_http_client_get_state(NULL), HTTP_STATE_UNINIT);
    assert_int_equal(esp_http_client_get_errno(NULL), -1);
    assert_int_equal(esp_http_client_get_and_clear_last_tls_error(NULL, NULL, NULL), ESP_FAIL);
    assert_false(esp_http_client_is_persistent_connection(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perform_tells_its_events_in_order),
        cmocka_unit_test(events_reach_the_default_loop),
        cmocka_unit_test(redirects_can_be_the_handlers_choice),
        cmocka_unit_test(streaming_has_esp_idfs_codes),
        cmocka_unit_test(the_stall_rule_has_its_own_code),
        cmocka_unit_test(a_whole_body_is_read_and_flushed),
        cmocka_unit_test(a_cancelled_request_leaves_a_fresh_connection),
        cmocka_unit_test(a_chunked_request_is_framed_by_the_helpers),
        cmocka_unit_test(init_refuses_what_it_must),
        cmocka_unit_test(init_survives_every_failing_allocation),
        cmocka_unit_test(how_the_server_is_verified),
        cmocka_unit_test(the_key_may_come_from_a_key_config),
        cmocka_unit_test(headers_and_post_data_follow_esp_idf),
        cmocka_unit_test(urls_and_credentials_can_be_changed),
        cmocka_unit_test(a_challenge_is_answered_when_the_options_say_so),
        cmocka_unit_test(a_challenge_may_be_handed_in),
        cmocka_unit_test(null_handles_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
