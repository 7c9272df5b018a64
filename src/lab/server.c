/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lab's server: listens, gives each connection a thread, reads requests and carries out the steps of each answer.
 * ud_server_stop shuts every socket down, which ends every wait (they all poll the socket), and joins the threads.
 */
#include "server_room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDLE_S          30   /* a connection on which nothing is asked for this long is closed */
#define MAX_CONNECTIONS 256u /* further ones wait in the listen queue */
#define SLICES_PER_S    20u  /* how finely a rate is spread */

struct live {
    struct ud_server *server;
    struct live *next;
    pthread_t thread;
    int fd;
    char peer[64];
};

struct ud_server {
    int listen_fd;
    int dir_fd;
    uint16_t port;
    uint64_t rate;
    SSL_CTX *tls;
    struct script *script;
    struct faults *faults;
    uint64_t latency_ms;
    void (*log)(void *ctx, const struct ud_server_log *line);
    void *log_ctx;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards what follows, and serialises the log */
    pthread_cond_t ended;
    struct live *live;
    struct live *over; /* their threads are at their end and wait to be joined */
    unsigned count;
    bool stopping;
};

/* ---- connection ------------------------------------------------------------------------------------------------- */

long conn_read(struct conn *c, void *buf, size_t cap)
{
    long n;
    if (c->ssl) {
        ERR_clear_error();
        n = SSL_read(c->ssl, buf, (int)(cap > 16384 ? 16384 : cap));
        if (n <= 0)
            n = SSL_get_error(c->ssl, (int)n) == SSL_ERROR_SSL ? -1 : 0;
    } else {
        do
            n = recv(c->fd, buf, cap, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
            n = 0;
    }
    if (n < 0)
        c->broken = true;
    return n;
}

void conn_wait_ms(const struct conn *c, uint64_t ms)
{
    struct pollfd p = { .fd = c->fd }; /* no events: only a reset or our own shutdown ends the wait early */
    poll(&p, 1, ms > 3600000 ? 3600000 : (int)ms);
}

void conn_wait_for_end(struct conn *c)
{
    char dropped[1024];
    while (!c->broken && recv(c->fd, dropped, sizeof dropped, 0) > 0)
        ;
}

static bool write_slice(struct conn *c, const char *p, size_t len)
{
    while (len > 0) {
        long n = c->ssl ? SSL_write(c->ssl, p, (int)len) : send(c->fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && !c->ssl && errno == EINTR)
            continue;
        if (n <= 0) {
            c->broken = true;
            return false;
        }
        p += n;
        len -= (size_t)n;
        c->sent += (uint64_t)n;
    }
    return true;
}

bool conn_write(struct conn *c, const void *data, size_t len)
{
    const char *p = data;
    size_t slice = 16384;
    if (c->rate && c->rate / SLICES_PER_S < slice)
        slice = c->rate < SLICES_PER_S ? 1 : (size_t)(c->rate / SLICES_PER_S);
    while (len > 0 && !c->broken) {
        size_t n = len < slice ? len : slice;
        if (!write_slice(c, p, n))
            return false;
        if (c->rate)
            conn_wait_ms(c, n * 1000 / c->rate);
        p += n;
        len -= n;
    }
    return !c->broken;
}

/* FIN, then wait a moment for the peer's, so that bytes on their way are not lost to a reset. */
static void end_connection(struct conn *c, bool notify)
{
    if (notify && c->ssl && !c->broken)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    struct timeval two_s = { 2, 0 };
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &two_s, sizeof two_s);
    conn_wait_for_end(c);
    c->broken = true;
}

/* Until the peer goes, or the server ends: the time limit of idle connections does not count here. */
static void keep_silent(struct conn *c)
{
    struct timeval none = { 0, 0 };
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    conn_wait_for_end(c);
    c->broken = true;
}

static void reset_connection(struct conn *c)
{
    struct linger now = { 1, 0 };
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    c->broken = true;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static bool send_file(struct ud_server *s, struct conn *c, const struct step *step)
{
    char buf[16384];
    uint64_t at = step->from;
    int fd = open_beneath(s->dir_fd, step->bytes);
    bool ok = fd >= 0;
    while (ok && at < step->to) {
        size_t want = step->chunk && step->chunk < sizeof buf ? step->chunk : sizeof buf;
        if (step->to - at < want)
            want = (size_t)(step->to - at);
        ssize_t n = pread(fd, buf, want, (off_t)at);
        if (n <= 0)
            break;
        char size_line[32];
        int size_len = snprintf(size_line, sizeof size_line, "%zx\r\n", (size_t)n);
        ok = (!step->chunk || conn_write(c, size_line, (size_t)size_len)) && conn_write(c, buf, (size_t)n) &&
             (!step->chunk || conn_write(c, "\r\n", 2));
        at += (uint64_t)n;
    }
    if (fd >= 0)
        close(fd);
    /* A file that shrank under us cannot keep the length that was promised. */
    if (step->to != UINT64_MAX && at < step->to)
        c->broken = true;
    return ok && !c->broken;
}

static bool run_steps(struct ud_server *s, struct conn *c, const struct steps *steps, const struct answer *honest)
{
    for (size_t i = 0; i < steps->count && !c->broken; i++) {
        const struct step *step = &steps->step[i];
        switch (step->kind) {
        case STEP_BYTES:
            conn_write(c, step->bytes, step->len);
            break;
        case STEP_FILE:
            send_file(s, c, step);
            break;
        case STEP_WAIT:
            conn_wait_ms(c, step->value);
            break;
        case STEP_RATE:
            c->rate = step->value;
            break;
        case STEP_HONEST:
            if (honest)
                run_steps(s, c, &honest->steps, NULL);
            break;
        case STEP_CLOSE:
            end_connection(c, true);
            break;
        case STEP_CUT:
            end_connection(c, false);
            break;
        case STEP_RESET:
            reset_connection(c);
            break;
        case STEP_SILENCE:
            keep_silent(c);
            break;
        }
    }
    return !c->broken;
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void log_request(struct ud_server *s, const struct live *l, const struct request *r, int status, uint64_t bytes,
                        double seconds)
{
    struct ud_server_log line = { l->peer, r->method, r->target, r->range ? r->range : "", status, bytes, seconds };
    if (!s->log)
        return;
    pthread_mutex_lock(&s->lock);
    s->log(s->log_ctx, &line);
    pthread_mutex_unlock(&s->lock);
}

static bool skip_body(struct conn *c, uint64_t len)
{
    char dropped[4096];
    while (len > 0) {
        long n = conn_read(c, dropped, len < sizeof dropped ? (size_t)len : sizeof dropped);
        if (n <= 0)
            return false;
        len -= (uint64_t)n;
    }
    return true;
}

/* Answer one request; false when the connection is over. */
static bool serve_one(struct ud_server *s, const struct live *l, struct conn *c, struct request *r)
{
    static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    enum head_result got = request_read(c, r);
    if (got == HEAD_BAD)
        conn_write(c, bad, sizeof bad - 1);
    if (got != HEAD_OK || !skip_body(c, r->body_len))
        return false;
    struct answer honest;
    double start = now_s();
    uint64_t before = c->sent;
    const struct steps *scripted = script_next(s->script, r->target);
    bool made = honest_answer(s->dir_fd, r, &honest);
    if (made && !scripted && s->faults)
        made = faults_apply(s->faults, s->dir_fd, r, &honest);
    if (s->latency_ms)
        conn_wait_ms(c, s->latency_ms);
    bool open = made && run_steps(s, c, scripted ? scripted : &honest.steps, &honest);
    log_request(s, l, r, scripted ? 0 : honest.status, c->sent - before, now_s() - start);
    bool keep = open && !honest.close;
    steps_free(&honest.steps);
    return keep;
}

static void converse(struct ud_server *s, const struct live *l, struct conn *c)
{
    const struct steps *accept_steps = script_accept(s->script);
    struct request *r = malloc(sizeof *r);
    struct step first;
    struct steps faulty = { &first, 1 };
    if (!r || (accept_steps && !run_steps(s, c, accept_steps, NULL)))
        goto done;
    if (faults_accept(s->faults, &first) && !run_steps(s, c, &faulty, NULL))
        goto done;
    if (s->tls) {
        c->ssl = SSL_new(s->tls);
        if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_accept(c->ssl) != 1)
            goto done;
    }
    while (serve_one(s, l, c, r))
        ;
    if (!c->broken)
        end_connection(c, true);
done:
    free(r);
    SSL_free(c->ssl);
    ERR_clear_error();
}

static void *connection_thread(void *arg)
{
    struct live *l = arg;
    struct ud_server *s = l->server;
    struct conn c = { .fd = l->fd, .rate = s->rate };
    converse(s, l, &c);

    pthread_mutex_lock(&s->lock);
    for (struct live **at = &s->live; *at; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            break;
        }
    }
    close(l->fd);
    l->next = s->over;
    s->over = l;
    s->count--;
    pthread_cond_broadcast(&s->ended);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Join the threads that are over; called with the lock held, which they no longer need. */
static void reap(struct ud_server *s)
{
    while (s->over) {
        struct live *l = s->over;
        s->over = l->next;
        pthread_join(l->thread, NULL);
        free(l);
    }
}

/* ---- accept ----------------------------------------------------------------------------------------------------- */

static void name_peer(const struct sockaddr_storage *from, socklen_t len, char *out, size_t size)
{
    if (getnameinfo((const struct sockaddr *)from, len, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(out, size, "?");
}

static void start_connection(struct ud_server *s, int fd, const char *peer)
{
    struct timeval idle = { IDLE_S, 0 };
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct live *l = calloc(1, sizeof *l);
    if (l) {
        *l = (struct live){ .server = s, .next = s->live, .fd = fd };
        snprintf(l->peer, sizeof l->peer, "%s", peer);
    }
    if (!l || pthread_create(&l->thread, NULL, connection_thread, l) != 0) {
        free(l);
        close(fd);
        return;
    }
    s->live = l;
    s->count++;
}

static void *accept_thread(void *arg)
{
    struct ud_server *s = arg;
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        char peer[64];
        int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
        if (fd >= 0)
            name_peer(&from, len, peer, sizeof peer);
        pthread_mutex_lock(&s->lock);
        while (s->count >= MAX_CONNECTIONS && !s->stopping)
            pthread_cond_wait(&s->ended, &s->lock);
        reap(s);
        bool stop = s->stopping;
        if (fd >= 0 && !stop)
            start_connection(s, fd, peer);
        else if (fd >= 0)
            close(fd);
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED) {
            struct timespec pause = { 0, 20000000 }; /* out of descriptors, say: others will close theirs */
            nanosleep(&pause, NULL);
        }
    }
}

/* ---- start and stop --------------------------------------------------------------------------------------------- */

static bool listen_on(struct ud_server *s, const char *address, uint16_t port, char *why, size_t why_size)
{
    char service[8];
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *info = NULL;
    int one = 1;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &info) != 0) {
        snprintf(why, why_size, "'%s' is not an IP address to listen on", address);
        return false;
    }
    s->listen_fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = s->listen_fd >= 0 && setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(s->listen_fd, info->ai_addr, info->ai_addrlen) == 0 && listen(s->listen_fd, 64) == 0;
    if (!ok)
        snprintf(why, why_size, "cannot listen on %s port %u: %s", address, port, strerror(errno));
    freeaddrinfo(info);

    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    if (ok && getsockname(s->listen_fd, (struct sockaddr *)&at, &len) == 0)
        s->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                                 : ((struct sockaddr_in *)&at)->sin_port);
    return ok;
}

/* Files are kept inside the folder by openat2, which older kernels lack and some sandboxes forbid. */
static bool open_folder(struct ud_server *s, const char *dir, char *why, size_t why_size)
{
    s->dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (s->dir_fd < 0) {
        snprintf(why, why_size, "folder %s cannot be served: %s", dir, strerror(errno));
        return false;
    }
    if (can_open_beneath(s->dir_fd))
        return true;
    snprintf(why, why_size,
             "folder %s cannot be served safely: openat2, which Linux has from 5.6 on, does not work here (%s)", dir,
             strerror(errno));
    return false;
}

static bool load_tls(struct ud_server *s, const struct ud_server_config *cfg, char *why, size_t why_size)
{
    if (!cfg->cert_file)
        return true;
    s->tls = SSL_CTX_new(TLS_server_method());
    if (s->tls && SSL_CTX_set_min_proto_version(s->tls, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate_chain_file(s->tls, cfg->cert_file) == 1 &&
        SSL_CTX_use_PrivateKey_file(s->tls, cfg->key_file, SSL_FILETYPE_PEM) == 1)
        return true;
    const char *reason = ERR_reason_error_string(ERR_get_error());
    snprintf(why, why_size, "certificate %s with key %s cannot be used: %s", cfg->cert_file, cfg->key_file,
             reason ? reason : "unknown reason");
    ERR_clear_error();
    return false;
}

static void server_free(struct ud_server *s)
{
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    SSL_CTX_free(s->tls);
    script_free(s->script);
    faults_free(s->faults);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->ended);
    free(s);
}

esp_err_t ud_server_start(const struct ud_server_config *cfg, struct ud_server **out, char *why, size_t why_size)
{
    struct ud_server *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, why_size, "no memory");
        return ESP_ERR_NO_MEM;
    }
    s->listen_fd = s->dir_fd = -1;
    s->rate = cfg->rate;
    s->latency_ms = cfg->latency_ms;
    s->log = cfg->log;
    s->log_ctx = cfg->log_ctx;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->ended, NULL);
    if (!open_folder(s, cfg->dir, why, why_size))
        goto failed;
    if (cfg->script && !(s->script = script_load(cfg->script, why, why_size)))
        goto failed;
    if (cfg->faults && !(s->faults = faults_parse(cfg->faults, cfg->seed, why, why_size)))
        goto failed;
    if (!load_tls(s, cfg, why, why_size) ||
        !listen_on(s, cfg->address ? cfg->address : "127.0.0.1", cfg->port, why, why_size))
        goto failed;
    if (s->faults)
        faults_at(s->faults, s->port, s->tls != NULL);
    if (pthread_create(&s->acceptor, NULL, accept_thread, s) != 0) {
        snprintf(why, why_size, "no thread for the server");
        goto failed;
    }
    *out = s;
    return ESP_OK;
failed:
    server_free(s);
    return ESP_FAIL;
}

uint16_t ud_server_port(const struct ud_server *s)
{
    return s->port;
}

void ud_server_stop(struct ud_server *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    shutdown(s->listen_fd, SHUT_RDWR);
    for (struct live *l = s->live; l; l = l->next)
        shutdown(l->fd, SHUT_RDWR);
    pthread_cond_broadcast(&s->ended);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->acceptor, NULL);
    pthread_mutex_lock(&s->lock);
    while (s->count > 0)
        pthread_cond_wait(&s->ended, &s->lock);
    reap(s);
    pthread_mutex_unlock(&s->lock);
    server_free(s);
}
