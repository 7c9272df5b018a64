/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny HTTP(S) server in a thread, on a free loopback port, and certificates made on the spot. It answers every
 * request with the same bytes and closes; a failed handshake is noted and forgotten.
 */
#ifndef UD_TEST_TLS_SERVER_H
#define UD_TEST_TLS_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* A certificate with its key. */
struct test_cert {
    X509 *x509;
    EVP_PKEY *key;
    char pem[4096];
    char key_pem[1024];
};

static inline void bio_text(BIO *bio, char *out, size_t size)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    if (n < 0 || (size_t)n >= size)
        abort();
    memcpy(out, data, (size_t)n);
    out[n] = '\0';
    BIO_free(bio);
}

static inline void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    if (!ext || X509_add_ext(cert, ext, -1) != 1)
        abort();
    X509_EXTENSION_free(ext);
}

/* `issuer` NULL: a CA of its own. `alt` as "DNS:localhost". Valid from `from_s` to `to_s` seconds from now. */
static inline void make_test_cert(struct test_cert *c, const struct test_cert *issuer, const char *name,
                                  const char *alt, long from_s, long to_s)
{
    static long serial = 1;
    c->key = EVP_EC_gen("P-256");
    c->x509 = X509_new();
    if (!c->key || !c->x509)
        abort();
    X509_set_version(c->x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c->x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c->x509), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c->x509), to_s);
    X509_set_pubkey(c->x509, c->key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c->x509), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(c->x509, X509_get_subject_name(issuer ? issuer->x509 : c->x509));
    add_extension(c->x509, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (alt)
        add_extension(c->x509, NID_subject_alt_name, alt);
    if (X509_sign(c->x509, issuer ? issuer->key : c->key, EVP_sha256()) == 0)
        abort();
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, c->x509);
    bio_text(bio, c->pem, sizeof c->pem);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
    bio_text(bio, c->key_pem, sizeof c->key_pem);
}

static inline void free_test_cert(struct test_cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

struct test_server {
    int fd;
    uint16_t port;
    SSL_CTX *tls; /* NULL: plain */
    const char *answer;
    size_t answer_len;
    bool proxy;        /* answer a CONNECT first, then be the server it asked for */
    char connect[256]; /* that CONNECT */
    bool mute;         /* accept and say nothing until the client goes */
    pthread_t thread;
    char request[4096]; /* the last one; valid after stop */
    char alpn[64];      /* what the client offered */
    bool saw_client_cert;
};

static inline int take_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                            unsigned in_len, void *arg)
{
    struct test_server *s = arg;
    (void)ssl;
    size_t n = in_len < sizeof s->alpn - 1 ? in_len : sizeof s->alpn - 1;
    memcpy(s->alpn, in, n);
    s->alpn[n] = '\0';
    *out = in + 1;
    *out_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static inline int move_bytes(SSL *ssl, int fd, char *buf, size_t len, bool out)
{
    if (ssl)
        return out ? SSL_write(ssl, buf, (int)len) : SSL_read(ssl, buf, (int)len);
    return (int)(out ? send(fd, buf, len, MSG_NOSIGNAL) : recv(fd, buf, len, 0));
}

static inline void serve_one(struct test_server *s, SSL *ssl, int fd)
{
    size_t len = 0;
    s->request[0] = '\0';
    while (!strstr(s->request, "\r\n\r\n") && len < sizeof s->request - 1) {
        int n = move_bytes(ssl, fd, s->request + len, sizeof s->request - 1 - len, false);
        if (n <= 0)
            return;
        len += (size_t)n;
        s->request[len] = '\0';
    }
    for (size_t at = 0; at < s->answer_len;) {
        size_t n = s->answer_len - at < 30000 ? s->answer_len - at : 30000;
        int sent = move_bytes(ssl, fd, (char *)(uintptr_t)s->answer + at, n, true);
        if (sent <= 0)
            return;
        at += (size_t)sent;
    }
}

static inline bool serve_connect(struct test_server *s, int fd)
{
    static const char ok[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    size_t len = 0;
    s->connect[0] = '\0';
    while (!strstr(s->connect, "\r\n\r\n") && len < sizeof s->connect - 1) {
        ssize_t n = recv(fd, s->connect + len, 1, 0);
        if (n <= 0)
            return false;
        s->connect[++len] = '\0';
    }
    return send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof ok - 1);
}

static inline void meet(struct test_server *s, int fd)
{
    char byte;
    if (s->mute) {
        while (recv(fd, &byte, 1, 0) > 0) {
        }
        return;
    }
    if (s->proxy && !serve_connect(s, fd))
        return;
    if (!s->tls) {
        serve_one(s, NULL, fd);
        return;
    }
    SSL *ssl = SSL_new(s->tls);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        X509 *peer = SSL_get1_peer_certificate(ssl);
        s->saw_client_cert = peer != NULL;
        X509_free(peer);
        serve_one(s, ssl, fd);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static inline void *run_test_server(void *arg)
{
    struct test_server *s = arg;
    const struct timeval patience = { 10, 0 };
    sigset_t pipe_only; /* SSL_write to a client that has gone */
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        meet(s, fd);
        close(fd);
    }
}

/* A socket on a free loopback port, listening or only bound. */
static inline int loopback_socket(bool listening, uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 || (listening && listen(fd, 8) != 0) ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        abort();
    *port = ntohs(at.sin_port);
    return fd;
}

/* `cert` NULL: plain HTTP; `client_ca`: a client certificate by it is required. */
static inline void start_test_server(struct test_server *s, const struct test_cert *cert,
                                     const struct test_cert *client_ca, const char *answer, size_t answer_len)
{
    *s = (struct test_server){ .answer = answer, .answer_len = answer_len, .mute = s->mute, .proxy = s->proxy };
    s->fd = loopback_socket(true, &s->port);
    if (cert) {
        s->tls = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(s->tls, cert->x509);
        SSL_CTX_use_PrivateKey(s->tls, cert->key);
        SSL_CTX_set_alpn_select_cb(s->tls, take_alpn, s);
        if (client_ca) {
            X509_STORE_add_cert(SSL_CTX_get_cert_store(s->tls), client_ca->x509);
            SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }
    }
    if (pthread_create(&s->thread, NULL, run_test_server, s) != 0)
        abort();
}

static inline void stop_test_server(struct test_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->tls);
}

#endif
