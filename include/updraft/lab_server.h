/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The scripted HTTPS server of the lab: an honest file server by default, and as hostile as its script says.
 *
 * A response is a list of steps. The honest response (Range, HEAD, ETag, keep-alive) is the list made from a file under
 * `dir`; a script replaces it for the paths that it names. No server library lets one send the bytes that a bad server
 * sends, so this one is small and our own; nginx is the judge of normal behaviour (tests/e2e).
 *
 * Script (JSON): an object; each key is a path ("/fw.bin") or "*" (any other path), each value a list of responses: the
 * k-th request of that path gets the k-th, the last repeats. A response is a list of steps, done in order:
 *     {"send": "text"}   {"hex": "0d0a"}   those bytes (text goes out as UTF-8)
 *     {"file": "fw.bin", "from": 0, "to": 100}   bytes of a file under dir (defaults: all of it)
 *     {"file": "fw.bin", "chunk": 1000}    the same as HTTP chunks of that size, without the last, empty chunk
 *     {"wait_ms": 50}   {"rate": 1000}     pause; bytes per second from here on
 *     {"honest": true}                     what the file server would have answered
 *     {"close": true}   {"reset": true}    end the connection: FIN (with TLS close-notify), or RST
 *     {"cut": true}                        FIN without TLS close-notify
 *     {"silence": true}                    say nothing more, keep the connection open until the client goes
 * The key "accept" names steps done on each new connection before TLS begins (wait_ms, send, close, reset, silence).
 */
#ifndef UPDRAFT_LAB_SERVER_H
#define UPDRAFT_LAB_SERVER_H

#include "updraft/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One answered request, for a log line. `peer` and `target` are borrowed during the call. */
struct ud_server_log {
    const char *peer;
    const char *method;
    const char *target;
    const char *range; /* the Range header, "" without */
    int status;        /* 0: scripted or broken off */
    uint64_t bytes;    /* sent, heads included */
    double seconds;
};

struct ud_server_config {
    const char *dir;
    const char *script;    /* path of the JSON file, NULL without */
    const char *address;   /* "127.0.0.1" */
    uint16_t port;         /* 0: a free one */
    uint64_t rate;         /* bytes per second and connection, 0 unlimited */
    uint64_t latency_ms;   /* before each answer */
    const char *faults;    /* NAME[@AMOUNT][=TIMES], separated by commas (ud_server_fault), NULL none */
    uint64_t seed;         /* of what faults send at random */
    const char *cert_file; /* PEM chain and key; both NULL: plain HTTP */
    const char *key_file;
    void (*log)(void *ctx, const struct ud_server_log *line); /* from any thread, one at a time; may be NULL */
    void *log_ctx;
};

struct ud_server;

/** A fault that honest answers can have. */
struct ud_fault_info {
    const char *name;
    const char *unit; /* of the amount, NULL: it takes none */
    uint64_t amount;  /* without one in the list */
    const char *text;
    const char *lesson; /* what an update client should make of it */
};
/** The index-th of them, NULL behind the last. */
const struct ud_fault_info *ud_server_fault(size_t index);

/** Listen and serve from threads of its own. On failure `why` says what is wrong and what to do. */
UD_MUST_USE esp_err_t ud_server_start(const struct ud_server_config *cfg, struct ud_server **out, char *why,
                                      size_t why_size);
uint16_t ud_server_port(const struct ud_server *s);
/** Close every connection, join every thread, free. */
void ud_server_stop(struct ud_server *s);

/** What a certificate is made for. */
struct ud_cert_request {
    const char *dir;          /* ca.pem, ca.key, server.pem, server.key live here; made if missing, mode 0700 */
    const char *const *names; /* further host names or addresses, NULL-ended; localhost, 127.0.0.1, ::1 always are */
};
/**
 * Make a CA and a server certificate in `dir` unless good ones are there (not expired, key fits, covers the names).
 * Keys have mode 0600. `*made` says whether something was written.
 */
UD_MUST_USE esp_err_t ud_server_make_certs(const struct ud_cert_request *req, bool *made, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif
#endif
