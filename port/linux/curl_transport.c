/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport on libcurl. CURLOPT_CONNECT_ONLY makes libcurl resolve, go through a proxy, connect and do TLS, then
 * leaves the stream to curl_easy_send and curl_easy_recv, which do not wait. A fresh easy handle for each connection:
 * nothing of the last one (cache, credentials, settings) can leak into the next.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "updraft/http.h"
#include "updraft/port_linux.h"

struct curl_transport {
    CURL *easy;                   /* NULL: not open */
    struct curl_slist *route;     /* for CONNECT_TO */
    const struct ud_endpoint *to; /* during open */
    bool in_handshake;            /* TCP is through */
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void start_curl(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- SIGPIPE ----------------------------------------------------------------------------------------------- */

/* A write to a connection that the peer has reset must be an error, not the end of the process: hold the signal back
 * in this thread, and take it away if it came. */
struct pipe_guard {
    sigset_t old;
    bool pending;
};

static void guard_pipe(struct pipe_guard *g)
{
    sigset_t now;
    sigset_t pipe_only;
    sigemptyset(&now);
    sigpending(&now);
    g->pending = sigismember(&now, SIGPIPE) == 1;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &g->old);
}

static void unguard_pipe(const struct pipe_guard *g)
{
    static const struct timespec at_once = { 0, 0 };
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    while (!g->pending && sigtimedwait(&pipe_only, NULL, &at_once) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &g->old, NULL);
}

/* ---- settings ---------------------------------------------------------------------------------------------- */

static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    const struct curl_transport *t = ctx;
    int count = t->to->keepalive_count > 0 ? t->to->keepalive_count : 3;
    (void)purpose;
    if (t->to->tcp_keepalive)
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count); /* a wish: the rest works without */
    return CURL_SOCKOPT_OK;
}

/* The first failure of a row of settings counts. */
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        if (code == CURLE_OK)                                                                                          \
            code = curl_easy_setopt(easy, option, value);                                                              \
    } while (0)

/* With a common_name the URL names that, so that SNI and the name check do too, and the route leads to the host. */
static CURLcode set_address(struct curl_transport *t, const struct ud_endpoint *to)
{
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;
    const char *name = to->tls && to->tls_config->common_name ? to->tls_config->common_name : to->host;
    const char *open = strchr(name, ':') ? "[" : "";
    const char *shut = *open ? "]" : "";
    char text[1024];

    int n = snprintf(text, sizeof text, "%s://%s%s%s:%u/", to->tls ? "https" : "http", open, name, shut, to->port);
    if (n < 0 || (size_t)n >= sizeof text)
        return CURLE_URL_MALFORMAT;
    SET(CURLOPT_URL, text);
    if (name != to->host) {
        bool ipv6 = strchr(to->host, ':') != NULL;
        n = snprintf(text, sizeof text, "::%s%s%s:%u", ipv6 ? "[" : "", to->host, ipv6 ? "]" : "", to->port);
        if (n < 0 || (size_t)n >= sizeof text)
            return CURLE_URL_MALFORMAT;
        t->route = curl_slist_append(NULL, text);
        if (!t->route)
            return CURLE_OUT_OF_MEMORY;
        SET(CURLOPT_CONNECT_TO, t->route);
    }
    return code;
}

static CURLcode set_connection(struct curl_transport *t, const struct ud_endpoint *to, uint32_t timeout_ms)
{
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_NOSIGNAL, 1L); /* time-outs without SIGALRM; SIGPIPE is guarded here */
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* so that ALPN never offers h2 */
    SET(CURLOPT_HTTPPROXYTUNNEL, 1L);                       /* our requests are for the server, not for a proxy */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms > INT_MAX ? INT_MAX : timeout_ms > 0 ? timeout_ms : 1));
#if LIBCURL_VERSION_NUM >= 0x075700
    /* The limit ends the wait, but libcurl then joins the thread that is still asking for the name, for as long as the
     * name servers are silent. With this it leaves the thread to end, and to free what it has, by itself. */
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    if (to->ip_version != 0)
        SET(CURLOPT_IPRESOLVE, to->ip_version == 4 ? (long)CURL_IPRESOLVE_V4 : (long)CURL_IPRESOLVE_V6);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(CURLOPT_SOCKOPTDATA, t);
    if (to->tcp_keepalive) {
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_TCP_KEEPIDLE, (long)(to->keepalive_idle_s > 0 ? to->keepalive_idle_s : 5));
        SET(CURLOPT_TCP_KEEPINTVL, (long)(to->keepalive_interval_s > 0 ? to->keepalive_interval_s : 5));
    }
    return code;
}

/* ---- TLS settings ------------------------------------------------------------------------------------------ */

static size_t text_len(const char *data, size_t len)
{
    if (len == 0)
        return strlen(data);
    while (len > 0 && data[len - 1] == '\0') /* embedded files count their terminator */
        len--;
    return len;
}

static bool is_pem(const char *data, size_t len)
{
    return memmem(data, len, "-----BEGIN", 10) != NULL;
}

/* libcurl takes CA certificates as PEM only. */
static CURLcode set_der_ca(CURL *easy, const char *der, size_t len)
{
    CURLcode code = CURLE_SSL_CACERT_BADFILE;
    const unsigned char *at = (const unsigned char *)der;
    BIO *out = BIO_new(BIO_s_mem());
    X509 *cert = len <= LONG_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;
    char *pem = NULL;

    if (out && cert && PEM_write_bio_X509(out, cert) == 1) {
        long n = BIO_get_mem_data(out, &pem);
        struct curl_blob blob = { pem, (size_t)n, CURL_BLOB_COPY };
        code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
    X509_free(cert);
    BIO_free(out);
    return code;
}

static CURLcode set_ca(CURL *easy, const struct ud_tls_config *tls)
{
    CURLcode code = CURLE_OK;
    if (tls->use_system_store) {
        const char *file = getenv("SSL_CERT_FILE");
        const char *dir = getenv("SSL_CERT_DIR");
        if (file && *file)
            SET(CURLOPT_CAINFO, file);
        if (dir && *dir)
            SET(CURLOPT_CAPATH, dir);
        return code;
    }
    size_t len = text_len(tls->ca_pem, tls->ca_len);
    SET(CURLOPT_CAPATH, NULL); /* or the system's certificates would be trusted beside the given ones */
    if (code != CURLE_OK)
        return code;
    if (!is_pem(tls->ca_pem, len))
        return tls->ca_len > 0 ? set_der_ca(easy, tls->ca_pem, tls->ca_len) : CURLE_SSL_CACERT_BADFILE;
    struct curl_blob blob = { (void *)(uintptr_t)tls->ca_pem, len, CURL_BLOB_COPY };
    return curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
}

static CURLcode set_client_cert(CURL *easy, const struct ud_tls_config *tls)
{
    CURLcode code = CURLE_OK;
    size_t cert_len = text_len(tls->client_cert_pem, tls->client_cert_len);
    bool cert_pem = is_pem(tls->client_cert_pem, cert_len);
    struct curl_blob cert = { (void *)(uintptr_t)tls->client_cert_pem, cert_pem ? cert_len : tls->client_cert_len,
                              CURL_BLOB_COPY };
    size_t key_len = text_len(tls->client_key_pem, tls->client_key_len);
    bool key_pem = is_pem(tls->client_key_pem, key_len);
    struct curl_blob key = { (void *)(uintptr_t)tls->client_key_pem, key_pem ? key_len : tls->client_key_len,
                             CURL_BLOB_COPY };
    SET(CURLOPT_SSLCERT_BLOB, &cert);
    SET(CURLOPT_SSLCERTTYPE, cert_pem ? "PEM" : "DER");
    SET(CURLOPT_SSLKEY_BLOB, &key);
    SET(CURLOPT_SSLKEYTYPE, key_pem ? "PEM" : "DER");
    /* Always one: without, OpenSSL would ask for the password of an encrypted key on the terminal, and wait. */
    SET(CURLOPT_KEYPASSWD, tls->client_key_password ? tls->client_key_password : "");
    return code;
}

/* libcurl makes the TLS context once the connection stands. */
static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *ctx)
{
    struct curl_transport *t = ctx;
    (void)easy;
    (void)ssl_ctx;
    t->in_handshake = true;
    return CURLE_OK;
}

static CURLcode set_tls(struct curl_transport *t, const struct ud_tls_config *tls)
{
    CURL *easy = t->easy;
    static const long versions[] = {
        CURL_SSLVERSION_TLSv1_2,
        CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
        CURL_SSLVERSION_TLSv1_3,
    };
    CURLcode code = CURLE_OK;
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, tls->skip_name_check ? 0L : 2L);
    SET(CURLOPT_SSLVERSION, versions[tls->version < UD_ARRAY_LEN(versions) ? tls->version : 0]);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(CURLOPT_SSL_CTX_DATA, t);
    if (code == CURLE_OK)
        code = set_ca(easy, tls);
    if (code == CURLE_OK && tls->client_cert_pem && tls->client_key_pem)
        code = set_client_cert(easy, tls);
    return code;
}

/* ---- why it failed ----------------------------------------------------------------------------------------- */

static const struct verdict {
    long result; /* X509_V_ERR_* */
    const char *why;
} verdicts[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, "the server's certificate has expired" },
    { X509_V_ERR_CERT_NOT_YET_VALID, "the server's certificate is not yet valid; is the clock right?" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, NULL },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, NULL },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, NULL },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, NULL },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, NULL },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, NULL },
};

static void explain_certificate(const struct curl_transport *t, char *why, size_t size)
{
    static const char untrusted[] =
        "the server's certificate is not signed by a trusted CA; is the right one configured?";
    const struct ud_tls_config *tls = t->to->tls_config;
    long result = X509_V_OK;

    curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    /* libcurl compares names itself, and reports the chain's verdict only when that is what was wrong. */
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED) {
        snprintf(why, size, "the server's certificate is not for the name %s",
                 tls->common_name ? tls->common_name : t->to->host);
        return;
    }
    for (size_t i = 0; i < UD_ARRAY_LEN(verdicts); i++) {
        if (verdicts[i].result == result) {
            snprintf(why, size, "%s", verdicts[i].why ? verdicts[i].why : untrusted);
            return;
        }
    }
    snprintf(why, size, "the server's certificate is refused: %s", X509_verify_cert_error_string(result));
}

/* Which code a failure of libcurl is here; `why` NULL: libcurl's own words. */
static const struct failure {
    CURLcode code;
    esp_err_t err;
    const char *why;
} failures[] = {
    { CURLE_OUT_OF_MEMORY, ESP_ERR_NO_MEM, "out of memory" },
    { CURLE_COULDNT_RESOLVE_HOST, ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME, "the host name cannot be resolved" },
    { CURLE_COULDNT_RESOLVE_PROXY, ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME, "the proxy's name cannot be resolved" },
    { CURLE_SSL_CONNECT_ERROR, ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED, NULL },
    { CURLE_SSL_CACERT_BADFILE, ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED, "the configured CA certificate cannot be read" },
    { CURLE_SSL_CERTPROBLEM, ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED, "the client's certificate or key cannot be used" },
    { CURLE_SSL_CIPHER, ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED, NULL },
};

static esp_err_t explain_timeout(const struct curl_transport *t, char *why, size_t size)
{
    if (t->in_handshake) {
        snprintf(why, size, "the TLS handshake timed out");
        return ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT;
    }
    snprintf(why, size, "the connection timed out");
    return ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT;
}

static esp_err_t explain(const struct curl_transport *t, CURLcode code, char *why, size_t size)
{
    long os = 0;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        explain_certificate(t, why, size);
        return ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED;
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return explain_timeout(t, why, size);
    for (size_t i = 0; i < UD_ARRAY_LEN(failures); i++) {
        if (failures[i].code == code) {
            const char *words = t->error[0] ? t->error : curl_easy_strerror(code);
            snprintf(why, size, "%s", failures[i].why ? failures[i].why : words);
            return failures[i].err;
        }
    }
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    if (code == CURLE_COULDNT_CONNECT && os != 0)
        snprintf(why, size, "%s", strerror((int)os));
    else
        snprintf(why, size, "%s", t->error[0] ? t->error : curl_easy_strerror(code));
    return ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
}

/* ---- the interface ----------------------------------------------------------------------------------------- */

static void curl_close(void *ctx)
{
    struct curl_transport *t = ctx;
    struct pipe_guard guard;
    guard_pipe(&guard); /* saying goodbye in TLS is a write */
    curl_easy_cleanup(t->easy);
    unguard_pipe(&guard);
    curl_slist_free_all(t->route);
    t->easy = NULL;
    t->route = NULL;
}

static esp_err_t curl_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size)
{
    struct curl_transport *t = ctx;
    struct pipe_guard guard;

    curl_close(t);
    t->error[0] = '\0';
    t->in_handshake = false;
    t->to = to;
    t->easy = curl_easy_init();
    CURLcode code = t->easy ? set_connection(t, to, timeout_ms) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = set_address(t, to);
    if (code == CURLE_OK && to->tls)
        code = set_tls(t, to->tls_config);
    if (code == CURLE_OK) {
        guard_pipe(&guard);
        code = curl_easy_perform(t->easy);
        unguard_pipe(&guard);
    }
    esp_err_t err = ESP_OK;
    if (code != CURLE_OK) {
        err = explain(t, code, why, why_size);
        curl_close(t);
    }
    t->to = NULL;
    return err;
}

static esp_err_t curl_send(void *ctx, const void *data, size_t len, size_t *sent)
{
    struct curl_transport *t = ctx;
    struct pipe_guard guard;
    *sent = 0;
    if (!t->easy)
        return ESP_FAIL;
    guard_pipe(&guard);
    CURLcode code = curl_easy_send(t->easy, data, len, sent);
    unguard_pipe(&guard);
    return code == CURLE_OK ? ESP_OK : code == CURLE_AGAIN ? ESP_ERR_NOT_FINISHED : ESP_FAIL;
}

static esp_err_t curl_recv(void *ctx, void *buf, size_t cap, size_t *got)
{
    struct curl_transport *t = ctx;
    struct pipe_guard guard;
    *got = 0;
    if (!t->easy)
        return ESP_FAIL;
    guard_pipe(&guard); /* TLS may answer what it reads */
    CURLcode code = curl_easy_recv(t->easy, buf, cap, got);
    unguard_pipe(&guard);
    return code == CURLE_OK ? ESP_OK : code == CURLE_AGAIN ? ESP_ERR_NOT_FINISHED : ESP_FAIL;
}

static int curl_socket(void *ctx)
{
    struct curl_transport *t = ctx;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (!t->easy || curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
        return -1;
    return fd;
}

static esp_err_t curl_poll(void *ctx, int events, uint32_t wait_ms)
{
    struct pollfd p = { .fd = curl_socket(ctx) };
    if (p.fd < 0)
        return ESP_FAIL;
    p.events = (short)((events & UD_POLL_RECV ? POLLIN : 0) | (events & UD_POLL_SEND ? POLLOUT : 0));
    int n = poll(&p, 1, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
    if (n > 0)
        return ESP_OK; /* also when it is broken: the next call says how */
    return n == 0 || errno == EINTR ? ESP_ERR_TIMEOUT : ESP_FAIL;
}

esp_err_t ud_curl_transport_create(struct ud_transport *out)
{
    static const struct ud_transport_ops ops = { curl_open, curl_send, curl_recv, curl_poll, curl_close, curl_socket };
    if (pthread_once(&once, start_curl) != 0 || global_result != CURLE_OK)
        return ESP_FAIL;
    struct curl_transport *t = calloc(1, sizeof *t);
    if (!t)
        return ESP_ERR_NO_MEM;
    *out = (struct ud_transport){ &ops, t };
    return ESP_OK;
}

void ud_curl_transport_destroy(struct ud_transport *t)
{
    if (!t->ctx)
        return;
    curl_close(t->ctx);
    free(t->ctx);
    *t = (struct ud_transport){ 0 };
}
