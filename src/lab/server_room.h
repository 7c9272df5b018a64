/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the lab's server: connections, steps, the script, and the honest answer as a list of steps. */
#ifndef UPDRAFT_SERVER_ROOM_H
#define UPDRAFT_SERVER_ROOM_H

#include "updraft/lab_server.h"

#include <openssl/ssl.h>
#include <pthread.h>

/* ---- connection: TLS or plain, paced ----------------------------------------------------------------------- */

struct conn {
    int fd;
    SSL *ssl;      /* NULL: plain */
    uint64_t rate; /* bytes per second, 0 unlimited */
    uint64_t sent;
    bool broken; /* a read or write failed: close without manners */
};

/* Bytes read (0: the peer ended, or nothing came for the idle time), -1 broken. */
long conn_read(struct conn *c, void *buf, size_t cap);
bool conn_write(struct conn *c, const void *data, size_t len);
void conn_wait_ms(const struct conn *c, uint64_t ms);
/* Wait until the peer ends or the server stops. */
void conn_wait_for_end(struct conn *c);

/* ---- steps --------------------------------------------------------------------------------------------------- */

enum step_kind {
    STEP_BYTES,
    STEP_FILE,
    STEP_WAIT,
    STEP_RATE,
    STEP_HONEST,
    STEP_CLOSE, /* FIN, with close-notify under TLS */
    STEP_CUT,   /* FIN without close-notify */
    STEP_RESET, /* RST */
    STEP_SILENCE,
};

struct step {
    enum step_kind kind;
    char *bytes; /* BYTES: len of them; FILE: path under the served folder */
    size_t len;
    uint64_t from, to; /* FILE: range of bytes, to = UINT64_MAX: to the end */
    size_t chunk;      /* FILE: as HTTP chunks of this size, 0: as they are */
    uint64_t value;    /* WAIT ms, RATE bytes per second */
};

struct steps {
    struct step *step;
    size_t count;
};
void steps_free(struct steps *s);

/* ---- request ---------------------------------------------------------------------------------------------------- */

#define REQUEST_HEAD_MAX 32768u

struct request {
    char *method; /* all point into `head` */
    char *target;
    char *range;
    char *if_none_match;
    char *if_range;
    bool close; /* HTTP/1.0, or Connection: close */
    uint64_t body_len;
    size_t head_len;
    char head[REQUEST_HEAD_MAX];
};

enum head_result { HEAD_OK, HEAD_END, HEAD_BAD, HEAD_MORE };
/* A head from its bytes: begin, then push until the answer is no longer MORE. OK: `r` is filled in. */
void request_begin(struct request *r);
enum head_result request_push(struct request *r, char byte);
/* Read one request head. END: the peer went away between requests. */
enum head_result request_read(struct conn *c, struct request *r);

/* ---- honest answer ---------------------------------------------------------------------------------------------- */

struct answer {
    struct steps steps;
    int status;
    uint64_t body_len;
    bool close;
};
/* What a well-behaved file server says to `r`; false only without memory. */
bool honest_answer(int dir_fd, const struct request *r, struct answer *out);
/* Open `path` (leading slashes ignored) beneath the served folder; never outside of it, never a hidden name. */
int open_beneath(int dir_fd, const char *path);
/* Does this kernel let it? errno says why not. */
bool can_open_beneath(int dir_fd);

/* Decimal digits at `*p`, which moves behind them; false without any or above 64 bits. */
bool server_number(const char **p, uint64_t *out);
/* Two hexadecimal digits as a number, -1 if they are not (the end of the text included). */
int hex_pair(const char *text);

/* ---- faults ----------------------------------------------------------------------------------------------------- */

struct faults;
/* "reset@20000=2,503": NAME[@AMOUNT][=TIMES], separated by commas. */
struct faults *faults_parse(const char *list, uint64_t seed, char *why, size_t why_size);
void faults_free(struct faults *f);
/* Where the server listens, for redirects; before the first request. */
void faults_at(struct faults *f, uint16_t port, bool tls);
/* What is to be done on a new connection before TLS; false: nothing. Thread-safe, as is the next. */
bool faults_accept(struct faults *f, struct step *out);
/* Turn the honest answer `a` to `r` into what the list wants; false only without memory. */
bool faults_apply(struct faults *f, int dir_fd, const struct request *r, struct answer *a);

/* ---- script ----------------------------------------------------------------------------------------------------- */

struct script;
/* JSON text of `len` bytes; `name` is what messages call it. */
struct script *script_parse(const char *text, size_t len, const char *name, char *why, size_t why_size);
struct script *script_load(const char *path, char *why, size_t why_size);
void script_free(struct script *s);
const struct steps *script_accept(const struct script *s);
/* The next response for `target` (its query ignored), NULL: the honest one. Thread-safe. */
const struct steps *script_next(struct script *s, const char *target);

#endif
