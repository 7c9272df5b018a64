/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl transport under the client, against a TLS server in a thread: who is trusted, and what is said if not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls_server.h"
#include "updraft/http.h"
#include "updraft/port_linux.h"

enum { DAY = 24 * 3600 };

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct test_cert ca, other_ca, good, other_name, expired, future, client;

static int make_certificates(void **state)
{
    (void)state;
    setenv("no_proxy", "*", 1);
    make_test_cert(&ca, NULL, "Test CA", NULL, -DAY, DAY);
    make_test_cert(&other_ca, NULL, "Other CA", NULL, -DAY, DAY);
    make_test_cert(&good, &ca, "server", "DNS:localhost,IP:127.0.0.1", -DAY, DAY);
    make_test_cert(&other_name, &ca, "server", "DNS:other.test", -DAY, DAY);
    make_test_cert(&expired, &ca, "server", "DNS:localhost", -2 * DAY, -DAY);
    make_test_cert(&future, &ca, "server", "DNS:localhost", DAY, 2 * DAY);
    make_test_cert(&client, &ca, "client", NULL, -DAY, DAY);
    return 0;
}

static int free_certificates(void **state)
{
    struct test_cert *all[] = { &ca, &other_ca, &good, &other_name, &expired, &future, &client };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(all); i++)
        free_test_cert(all[i]);
    return 0;
}

/* One GET with all that is known of its end. */
struct visit {
    esp_err_t err;
    esp_err_t tls_error;
    char why[200];
    char body[64];
    size_t body_len;
    size_t total;
};

static void on_event(void *ctx, const struct ud_http_event *e)
{
    struct visit *v = ctx;
    if (e->id != UD_HTTP_EVENT_ON_DATA)
        return;
    size_t room = sizeof v->body - v->body_len;
    size_t n = e->len < room ? e->len : room;
    memcpy(v->body + v->body_len, e->data, n);
    v->body_len += n;
    v->total += e->len;
}

static struct visit visit(const struct ud_http_config *cfg)
{
    struct visit v = { 0 };
    struct ud_http *h = NULL;
    const char *why = "";
    struct ud_http_env env = {
        .alloc = ud_linux_alloc(), .clock = ud_linux_clock(), .event = on_event, .event_ctx = &v
    };
    assert_int_equal(ud_curl_transport_create(&env.transport), ESP_OK);
    assert_int_equal(ud_http_create(&env, cfg, &h), ESP_OK);
    v.err = ud_http_perform(h);
    v.tls_error = ud_http_last_tls_error(h, &why);
    snprintf(v.why, sizeof v.why, "%s", why);
    ud_http_destroy(h);
    ud_curl_transport_destroy(&env.transport);
    ud_curl_transport_destroy(&env.transport); /* again: a no-op */
    return v;
}

static struct visit visit_port(uint16_t port, bool tls, const struct ud_tls_config *config)
{
    struct ud_http_config cfg = { .host = "localhost", .port = port, .tls_by_default = tls, .path = "/fw.bin" };
    if (config)
        cfg.tls = *config;
    return visit(&cfg);
}

static void plain_http_works(void **state)
{
    (void)state;
    struct test_server s = { .fd = -1 };
    start_test_server(&s, NULL, NULL, HELLO, sizeof HELLO - 1);
    struct visit v = visit_port(s.port, false, NULL);
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_OK);
    assert_memory_equal(v.body, "hello", 5);
    assert_memory_equal(s.request, "GET /fw.bin HTTP/1.1\r\n", 22);
}

static void certificates_are_judged(void **state)
{
    (void)state;
    char both[sizeof ca.pem + sizeof other_ca.pem];
    snprintf(both, sizeof both, "%s%s", other_ca.pem, ca.pem);
    const struct {
        const char *name;
        const struct test_cert *server;
        struct ud_tls_config tls;
        const char *why; /* NULL: trusted */
    } rows[] = {
        { "right CA", &good, { .ca_pem = ca.pem }, NULL },
        { "right CA with its terminator counted", &good, { .ca_pem = ca.pem, .ca_len = strlen(ca.pem) + 1 }, NULL },
        { "one of several CAs", &good, { .ca_pem = both }, NULL },
        { "TLS 1.2 only", &good, { .ca_pem = ca.pem, .version = 1 }, NULL },
        { "TLS 1.3 only", &good, { .ca_pem = ca.pem, .version = 2 }, NULL },
        { "another name, expected", &other_name, { .ca_pem = ca.pem, .common_name = "other.test" }, NULL },
        { "another name, not looked at", &other_name, { .ca_pem = ca.pem, .skip_name_check = true }, NULL },
        { "wrong CA", &good, { .ca_pem = other_ca.pem }, "not signed by a trusted CA" },
        { "not in the system's store", &good, { .use_system_store = true }, "not signed by a trusted CA" },
        { "wrong CA, name not looked at",
          &good,
          { .ca_pem = other_ca.pem, .skip_name_check = true },
          "not signed by a trusted CA" },
        { "wrong name", &other_name, { .ca_pem = ca.pem }, "not for the name localhost" },
        { "wrong common_name", &good, { .ca_pem = ca.pem, .common_name = "else.test" }, "not for the name else.test" },
        { "expired", &expired, { .ca_pem = ca.pem }, "has expired" },
        { "not yet valid", &future, { .ca_pem = ca.pem }, "is not yet valid" },
        { "no PEM", &good, { .ca_pem = "rubbish" }, "CA certificate cannot be read" },
        { "broken PEM",
          &good,
          { .ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
          "CA certificate cannot be read" },
        { "no DER", &good, { .ca_pem = "rubbish", .ca_len = 7 }, "CA certificate cannot be read" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct test_server s = { .fd = -1 };
        start_test_server(&s, rows[i].server, NULL, HELLO, sizeof HELLO - 1);
        struct visit v = visit_port(s.port, true, &rows[i].tls);
        stop_test_server(&s);
        if (!rows[i].why && (v.err != ESP_OK || memcmp(v.body, "hello", 5) != 0))
            fail_msg("%s: %#x, %s", rows[i].name, (unsigned)v.err, v.why);
        if (rows[i].why && (v.err != ESP_ERR_HTTP_CONNECT || v.tls_error != ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED ||
                            !strstr(v.why, rows[i].why)))
            fail_msg("%s: %#x, %#x, %s", rows[i].name, (unsigned)v.err, (unsigned)v.tls_error, v.why);
    }
}

static void a_ca_may_be_der(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    int len = i2d_X509(ca.x509, &der);
    assert_true(len > 0);
    struct test_server s = { .fd = -1 };
    start_test_server(&s, &good, NULL, HELLO, sizeof HELLO - 1);
    struct visit v =
        visit_port(s.port, true, &(struct ud_tls_config){ .ca_pem = (const char *)der, .ca_len = (size_t)len });
    stop_test_server(&s);
    OPENSSL_free(der);
    assert_int_equal(v.err, ESP_OK);
}

static void only_http_1_1_is_offered(void **state)
{
    (void)state;
    struct test_server s = { .fd = -1 };
    start_test_server(&s, &good, NULL, HELLO, sizeof HELLO - 1);
    struct visit v = visit_port(s.port, true, &(struct ud_tls_config){ .ca_pem = ca.pem });
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_OK);
    assert_string_equal(s.alpn, "\x08http/1.1");
}

static void a_client_certificate_is_shown(void **state)
{
    (void)state;
    struct ud_tls_config tls = { .ca_pem = ca.pem, .client_cert_pem = client.pem, .client_key_pem = client.key_pem };
    struct test_server s = { .fd = -1 };
    start_test_server(&s, &good, &ca, HELLO, sizeof HELLO - 1);
    struct visit v = visit_port(s.port, true, &tls);
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_OK);
    assert_true(s.saw_client_cert);

    tls.client_key_pem = good.key_pem;
    start_test_server(&s, &good, &ca, HELLO, sizeof HELLO - 1);
    v = visit_port(s.port, true, &tls);
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_ERR_HTTP_CONNECT);
    assert_non_null(strstr(v.why, "client's certificate or key"));
}

/* With the right password only; without one nobody is asked for it on a terminal. */
static void an_encrypted_client_key_needs_its_password(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        esp_err_t err;
    } rows[] = { { "secret", ESP_OK },
                 { "wrong", ESP_ERR_HTTP_CONNECT },
                 { "", ESP_ERR_HTTP_CONNECT },
                 { NULL, ESP_ERR_HTTP_CONNECT } };
    char key[2048];
    BIO *out = BIO_new(BIO_s_mem());
    assert_non_null(out);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, client.key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
    bio_text(out, key, sizeof key);
    assert_non_null(strstr(key, "ENCRYPTED"));
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_tls_config tls = { .ca_pem = ca.pem,
                                     .client_cert_pem = client.pem,
                                     .client_key_pem = key,
                                     .client_key_password = rows[i].password };
        struct test_server s = { .fd = -1 };
        start_test_server(&s, &good, &ca, HELLO, sizeof HELLO - 1);
        struct visit v = visit_port(s.port, true, &tls);
        stop_test_server(&s);
        assert_int_equal(v.err, rows[i].err);
        assert_true(s.saw_client_cert == (rows[i].err == ESP_OK));
        if (rows[i].err != ESP_OK)
            assert_non_null(strstr(v.why, "client's certificate or key"));
    }
}

static void a_proxy_from_the_environment_is_tunnelled_through(void **state)
{
    (void)state;
    char proxy[64];
    uint16_t closed = 0;
    int bound = loopback_socket(false, &closed); /* the server's port: only the proxy leads anywhere */
    struct test_server s = { .proxy = true };
    start_test_server(&s, &good, NULL, HELLO, sizeof HELLO - 1);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", s.port);
    setenv("https_proxy", proxy, 1);
    setenv("no_proxy", "elsewhere.test", 1);
    struct visit through = visit_port(closed, true, &(struct ud_tls_config){ .ca_pem = ca.pem });
    setenv("no_proxy", "localhost", 1);
    struct visit direct = visit_port(closed, true, &(struct ud_tls_config){ .ca_pem = ca.pem });
    setenv("no_proxy", "*", 1);
    unsetenv("https_proxy");
    stop_test_server(&s);
    close(bound);
    assert_int_equal(through.err, ESP_OK);
    assert_memory_equal(s.connect, "CONNECT localhost:", 18);
    assert_memory_equal(s.request, "GET /fw.bin HTTP/1.1\r\n", 22);
    assert_int_equal(direct.err, ESP_ERR_HTTP_CONNECT);
    assert_int_equal(direct.tls_error, ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST);
}

static void the_systems_store_can_be_pointed_elsewhere(void **state)
{
    (void)state;
    char path[] = "/tmp/updraft-ca-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, ca.pem, strlen(ca.pem)), strlen(ca.pem));
    close(fd);
    struct test_server s = { .fd = -1 };
    start_test_server(&s, &good, NULL, HELLO, sizeof HELLO - 1);
    setenv("SSL_CERT_FILE", path, 1);
    struct visit v = visit_port(s.port, true, &(struct ud_tls_config){ .use_system_store = true });
    unsetenv("SSL_CERT_FILE");
    stop_test_server(&s);
    unlink(path);
    assert_int_equal(v.err, ESP_OK);
}

static void a_long_body_comes_whole_through_tls(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";
    size_t len = sizeof head - 1 + 3000000;
    char *answer = calloc(1, len);
    assert_non_null(answer);
    memcpy(answer, head, sizeof head - 1);
    struct test_server s = { .fd = -1 };
    start_test_server(&s, &good, NULL, answer, len);
    struct visit v = visit_port(s.port, true, &(struct ud_tls_config){ .ca_pem = ca.pem });
    stop_test_server(&s);
    free(answer);
    assert_int_equal(v.err, ESP_OK);
    assert_int_equal(v.total, 3000000);
}

static void failures_to_connect_have_their_codes(void **state)
{
    (void)state;
    uint16_t port = 0;
    int bound = loopback_socket(false, &port); /* bound, not listening: nobody else can take the port */
    struct visit v = visit_port(port, false, NULL);
    assert_int_equal(v.err, ESP_ERR_HTTP_CONNECT);
    assert_int_equal(v.tls_error, ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST);
    assert_non_null(strstr(v.why, "refused"));
    close(bound);

    v = visit(&(struct ud_http_config){ .url = "http://no-such-host.invalid/" });
    assert_int_equal(v.err, ESP_ERR_HTTP_CONNECT);
    assert_int_equal(v.tls_error, ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME);
    assert_string_equal(v.why, "the host name cannot be resolved");
}

static void https_to_a_plain_server_fails_in_the_handshake(void **state)
{
    (void)state;
    struct test_server s = { .fd = -1 };
    start_test_server(&s, NULL, NULL, "HTTP/1.1 400 Bad\r\n\r\n", 20);
    struct ud_http_config cfg = {
        .host = "localhost", .port = s.port, .tls_by_default = true, .tls = { .ca_pem = ca.pem }, .timeout_ms = 300
    };
    struct visit v = visit(&cfg);
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_ERR_HTTP_CONNECT);
    assert_true(v.tls_error == ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED ||
                v.tls_error == ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT);
}

static void a_silent_handshake_times_out(void **state)
{
    (void)state;
    struct test_server s = { .mute = true };
    start_test_server(&s, &good, NULL, "", 0);
    struct ud_http_config cfg = {
        .host = "localhost", .port = s.port, .tls_by_default = true, .tls = { .ca_pem = ca.pem }, .timeout_ms = 100
    };
    struct visit v = visit(&cfg);
    stop_test_server(&s);
    assert_int_equal(v.err, ESP_ERR_HTTP_CONNECT);
    assert_int_equal(v.tls_error, ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT);
}

static void a_silent_answer_is_a_header_time_out(void **state)
{
    (void)state;
    struct test_server s = { .mute = true };
    start_test_server(&s, NULL, NULL, "", 0);
    struct visit v = visit(&(struct ud_http_config){ .host = "localhost", .port = s.port, .timeout_ms = 50 });
    assert_int_equal(v.err, ESP_ERR_HTTP_EAGAIN);
    v = visit(&(struct ud_http_config){ .host = "localhost", .port = s.port, .timeout_ms = -1, .stall_ms = 60 });
    assert_int_equal(v.err, ESP_ERR_TIMEOUT);
    stop_test_server(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http_works),
        cmocka_unit_test(certificates_are_judged),
        cmocka_unit_test(a_ca_may_be_der),
        cmocka_unit_test(only_http_1_1_is_offered),
        cmocka_unit_test(a_client_certificate_is_shown),
        cmocka_unit_test(an_encrypted_client_key_needs_its_password),
        cmocka_unit_test(a_proxy_from_the_environment_is_tunnelled_through),
        cmocka_unit_test(the_systems_store_can_be_pointed_elsewhere),
        cmocka_unit_test(a_long_body_comes_whole_through_tls),
        cmocka_unit_test(failures_to_connect_have_their_codes),
        cmocka_unit_test(https_to_a_plain_server_fails_in_the_handshake),
        cmocka_unit_test(a_silent_handshake_times_out),
        cmocka_unit_test(a_silent_answer_is_a_header_time_out),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
