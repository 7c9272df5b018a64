/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The faults themselves: a function each, which edits an answer (its head as text, its body as steps), and their table.
 * What a head looks like after others is never assumed: the blank line is looked for each time.
 */
#include "server_fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define STEPS_MAX   (8 + 2 * FAULTS_MAX)
#define RANDOM_MAX  (64u << 20)
#define HEADERS_MAX (1u << 20)
#define HOP         "updraft-hop="

/* ---- steps of an answer ----------------------------------------------------------------------------------------- */

bool fault_make_room(struct answer *a)
{
    struct step *more = realloc(a->steps.step, STEPS_MAX * sizeof *more);
    if (more)
        a->steps.step = more;
    return more != NULL;
}

static struct step *add_step(struct edit *e, enum step_kind kind)
{
    struct steps *s = &e->answer->steps;
    s->step[s->count] = (struct step){ .kind = kind };
    return &s->step[s->count++];
}

static bool add_owned(struct edit *e, char *bytes, size_t len)
{
    if (!bytes)
        return false;
    struct step *step = add_step(e, STEP_BYTES);
    step->bytes = bytes;
    step->len = len;
    return true;
}

static bool add_text(struct edit *e, const char *text)
{
    return add_owned(e, strdup(text), strlen(text));
}

static bool add_file(struct edit *e, uint64_t from, uint64_t to, size_t chunk)
{
    char *path = strdup(e->request->target);
    if (!path)
        return false;
    struct step *step = add_step(e, STEP_FILE);
    step->bytes = path;
    step->from = from;
    step->to = to;
    step->chunk = chunk;
    return true;
}

static void drop_steps(struct edit *e, size_t keep)
{
    struct steps *s = &e->answer->steps;
    while (s->count > keep)
        free(s->step[--s->count].bytes);
}

struct step *fault_body(struct edit *e)
{
    struct steps *s = &e->answer->steps;
    return s->count == 2 && s->step[1].kind == STEP_FILE ? &s->step[1] : NULL;
}

/* ---- the head, as text -------------------------------------------------------------------------------------------- */

static void set_head(struct edit *e, char *text)
{
    struct step *head = &e->answer->steps.step[0];
    free(head->bytes);
    head->bytes = text;
    head->len = strlen(text);
}

static void remove_header(struct edit *e, const char *name)
{
    char *head = e->answer->steps.step[0].bytes;
    size_t len = strlen(name);
    for (char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
            continue;
        char *end = strstr(line + 2, "\r\n");
        memmove(line, end, strlen(end) + 1);
        break;
    }
    e->answer->steps.step[0].len = strlen(head);
}

/* `lines` come last, each with its CRLF. */
static bool add_headers(struct edit *e, const char *lines)
{
    const char *head = e->answer->steps.step[0].bytes;
    const char *end = strstr(head, "\r\n\r\n");
    char *text = NULL;
    if (!end)
        return true; /* a fault before this one has left no head */
    if (asprintf(&text, "%.*s\r\n%s%s", (int)(end - head), head, lines, end + 2) < 0)
        return false;
    set_head(e, text);
    return true;
}

static bool set_header(struct edit *e, const char *name, const char *value)
{
    char *line = NULL;
    remove_header(e, name);
    if (asprintf(&line, "%s: %s\r\n", name, value) < 0)
        return false;
    bool ok = add_headers(e, line);
    free(line);
    return ok;
}

static bool set_length(struct edit *e, uint64_t length)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)length);
    return set_header(e, "Content-Length", text);
}

/* An answer of a status and headers alone, in place of what there was. */
static bool say(struct edit *e, const char *status, const char *headers)
{
    char *text = NULL;
    const char *digits = status;
    uint64_t code = 0;
    drop_steps(e, 0);
    e->is_said = true;
    e->answer->status = server_number(&digits, &code) ? (int)code : 0;
    e->answer->body_len = 0;
    if (asprintf(&text, "HTTP/1.1 %s\r\nServer: updraft\r\n%sContent-Length: 0\r\n\r\n", status, headers) < 0)
        return false;
    return add_owned(e, text, strlen(text));
}

/* ---- statuses ------------------------------------------------------------------------------------------------------ */

static bool say_204(struct edit *e)
{
    bool ok = say(e, "204 No Content", "");
    remove_header(e, "Content-Length");
    return ok;
}

static bool say_304(struct edit *e)
{
    bool ok = say(e, "304 Not Modified", "ETag: \"the-same\"\r\n");
    remove_header(e, "Content-Length");
    return ok;
}

static bool say_401_basic(struct edit *e)
{
    return say(e, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"updraft\"\r\n");
}

static bool say_401_digest(struct edit *e)
{
    return say(
        e, "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"updraft\", qop=\"auth\", algorithm=MD5, nonce=\"0123456789abcdef\"\r\n");
}

static bool say_403(struct edit *e)
{
    return say(e, "403 Forbidden", "");
}

static bool say_404(struct edit *e)
{
    return say(e, "404 Not Found", "");
}

static bool say_416(struct edit *e)
{
    return say(e, "416 Range Not Satisfiable", "Content-Range: bytes */0\r\n");
}

static bool say_with_retry(struct edit *e, const char *status)
{
    char text[48];
    snprintf(text, sizeof text, "Retry-After: %llu\r\n", (unsigned long long)e->amount);
    return say(e, status, text);
}

static bool say_429(struct edit *e)
{
    return say_with_retry(e, "429 Too Many Requests");
}

static bool say_500(struct edit *e)
{
    return say(e, "500 Internal Server Error", "");
}

static bool say_502(struct edit *e)
{
    return say(e, "502 Bad Gateway", "");
}

static bool say_503(struct edit *e)
{
    return say_with_retry(e, "503 Service Unavailable");
}

static bool say_504(struct edit *e)
{
    return say(e, "504 Gateway Timeout", "");
}

/* ---- redirects ----------------------------------------------------------------------------------------------------- */

static bool redirect(struct edit *e, const char *status, const char *origin, const char *query)
{
    char *line = NULL;
    int len = (int)strcspn(e->request->target, "?");
    if (asprintf(&line, "Location: %s%.*s%s\r\n", origin, len, e->request->target, query) < 0)
        return false;
    bool ok = say(e, status, line);
    free(line);
    return ok;
}

/* Number of the hop that this request is, 0 for the first. */
static uint64_t hop_of(const struct edit *e)
{
    const char *at = strstr(e->request->target, HOP);
    uint64_t hop = 0;
    if (at)
        at += sizeof HOP - 1;
    return at && server_number(&at, &hop) ? hop : 0;
}

static bool redirect_chain(struct edit *e)
{
    char query[48];
    uint64_t hop = hop_of(e);
    if (hop >= e->amount)
        return true;
    snprintf(query, sizeof query, "?" HOP "%llu", (unsigned long long)hop + 1);
    return redirect(e, hop % 2 ? "301 Moved Permanently" : "302 Found", "", query);
}

static bool redirect_loop(struct edit *e)
{
    return redirect(e, "302 Found", "", "");
}

static bool redirect_to(struct edit *e, const char *scheme, const char *host)
{
    char origin[64];
    if (hop_of(e) > 0)
        return true;
    snprintf(origin, sizeof origin, "%s://%s:%u", scheme, host, e->port);
    return redirect(e, "302 Found", origin, "?" HOP "1");
}

static bool redirect_http(struct edit *e)
{
    return redirect_to(e, "http", "localhost");
}

static bool redirect_elsewhere(struct edit *e)
{
    return redirect_to(e, e->tls ? "https" : "http", "127.0.0.1");
}

static bool redirect_relative(struct edit *e)
{
    char *line = NULL;
    size_t end = strcspn(e->request->target, "?");
    size_t name = end;
    if (hop_of(e) > 0)
        return true;
    while (e->request->target[name - 1] != '/') /* a target begins with one */
        name--;
    if (asprintf(&line, "Location: ./%.*s?" HOP "1\r\n", (int)(end - name), e->request->target + name) < 0)
        return false;
    bool ok = say(e, "307 Temporary Redirect", line);
    free(line);
    return ok;
}

static bool redirect_long(struct edit *e)
{
    char query[2100];
    if (hop_of(e) > 0)
        return true;
    int n = snprintf(query, sizeof query, "?" HOP "1&signature=");
    memset(query + n, 'x', 2048 - (size_t)n);
    query[2048] = 0;
    return redirect(e, "302 Found", "", query);
}

/* ---- heads --------------------------------------------------------------------------------------------------------- */

static bool without_length(struct edit *e)
{
    remove_header(e, "Content-Length");
    e->answer->close = true;
    return set_header(e, "Connection", "close");
}

static bool length_short(struct edit *e)
{
    const struct step *body = fault_body(e);
    uint64_t len = e->answer->body_len;
    e->answer->close = true;
    return !body || set_length(e, len > e->amount ? len - e->amount : 0);
}

static bool length_long(struct edit *e)
{
    e->answer->close = true;
    return !fault_body(e) || set_length(e, e->answer->body_len + e->amount);
}

static bool length_huge(struct edit *e)
{
    e->answer->close = true;
    return set_header(e, "Content-Length", "9223372036854775807");
}

static bool length_garbage(struct edit *e)
{
    e->answer->close = true;
    return set_header(e, "Content-Length", "12x4");
}

static bool length_negative(struct edit *e)
{
    e->answer->close = true;
    return set_header(e, "Content-Length", "-1");
}

static bool length_twice(struct edit *e)
{
    char line[48];
    snprintf(line, sizeof line, "Content-Length: %llu\r\n", (unsigned long long)e->answer->body_len + 1);
    return add_headers(e, line);
}

/* As if no Range had been asked for. */
static bool range_ignored(struct edit *e)
{
    if (e->answer->status != 206 && e->answer->status != 416)
        return true;
    struct request *whole = malloc(sizeof *whole);
    if (!whole)
        return false;
    *whole = *e->request;
    whole->range = NULL;
    steps_free(&e->answer->steps);
    bool ok = honest_answer(e->dir_fd, whole, e->answer) && fault_make_room(e->answer);
    free(whole);
    return ok;
}

static bool range_wrong(struct edit *e)
{
    const struct step *body = fault_body(e);
    char text[80];
    if (!body || e->answer->status != 206)
        return true;
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, body->from + e->amount,
             body->to - 1 + e->amount, body->to + e->amount);
    return set_header(e, "Content-Range", text);
}

static bool etag_changes(struct edit *e)
{
    char text[40];
    snprintf(text, sizeof text, "\"changed-%llu\"", (unsigned long long)e->nth);
    return set_header(e, "ETag", text);
}

static bool gzip_unasked(struct edit *e)
{
    return add_headers(e, "Content-Encoding: gzip\r\n");
}

static bool headers_huge(struct edit *e)
{
    size_t len = e->amount > HEADERS_MAX ? HEADERS_MAX : (size_t)e->amount;
    char *line = malloc(len + 16);
    if (!line)
        return false;
    int n = snprintf(line, 16, "X-Padding: ");
    memset(line + n, 'p', len);
    memcpy(line + (size_t)n + len, "\r\n", 3);
    bool ok = add_headers(e, line);
    free(line);
    return ok;
}

static bool headers_many(struct edit *e)
{
    bool ok = true;
    for (uint64_t i = 0; ok && i < e->amount && i < 10000; i++) {
        char line[40];
        snprintf(line, sizeof line, "X-Header-%llu: value\r\n", (unsigned long long)i);
        ok = add_headers(e, line);
    }
    return ok;
}

static bool header_bytes(struct edit *e)
{
    return add_headers(e, "X-Bytes: a\x1b[31m\rX-Injected: \x01\x7f\xff\r\n: no name\r\nno colon\r\n");
}

static bool http_1_0(struct edit *e)
{
    char *head = e->answer->steps.step[0].bytes;
    if (strncmp(head, "HTTP/1.1", 8) == 0)
        head[7] = '0';
    e->answer->close = true;
    return true;
}

static bool odd_case(struct edit *e)
{
    bool in_name = false;
    for (char *p = e->answer->steps.step[0].bytes; *p && strncmp(p, "\r\n\r\n", 4) != 0; p++) {
        if (*p == '\n' || *p == ':')
            in_name = *p == '\n';
        else if (in_name && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
            *p ^= 0x20;
    }
    return true;
}

static bool interim(struct edit *e)
{
    char *text = NULL;
    if (asprintf(&text, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n%s",
                 e->answer->steps.step[0].bytes) < 0)
        return false;
    set_head(e, text);
    return true;
}

static bool status_garbage(struct edit *e)
{
    drop_steps(e, 0);
    e->is_said = true;
    e->answer->close = true;
    return add_text(e, "HTTP/1.1 OK\r\n\r\n");
}

/* ---- bodies -------------------------------------------------------------------------------------------------------- */

/* The body ends after `amount` bytes, and something happens there. */
static bool end_body(struct edit *e, enum step_kind kind)
{
    struct step *body = fault_body(e);
    if (!body)
        return true; /* nothing to break off: a HEAD, another status */
    if (body->to - body->from > e->amount)
        body->to = body->from + e->amount;
    e->answer->close = true;
    add_step(e, kind);
    return true;
}

static bool truncated(struct edit *e)
{
    return end_body(e, STEP_CLOSE);
}

static bool cut(struct edit *e)
{
    return end_body(e, STEP_CUT);
}

static bool reset(struct edit *e)
{
    return end_body(e, STEP_RESET);
}

static bool stall(struct edit *e)
{
    return end_body(e, STEP_SILENCE);
}

/* A step goes first. */
static bool begin_with(struct edit *e, enum step_kind kind)
{
    struct steps *s = &e->answer->steps;
    memmove(s->step + 1, s->step, s->count * sizeof *s->step);
    s->step[0] = s->step[1];
    s->step[1] = (struct step){ .kind = kind, .value = e->amount };
    s->count++;
    return true;
}

static bool trickle(struct edit *e)
{
    return begin_with(e, STEP_RATE);
}

static bool pause_body(struct edit *e)
{
    return begin_with(e, STEP_WAIT);
}

/* One byte of the file comes out inverted, wherever a range of it begins. */
static bool corrupt(struct edit *e)
{
    const struct step *body = fault_body(e);
    if (!body || e->amount < body->from || e->amount >= body->to)
        return true;
    uint64_t from = body->from, to = body->to;
    char byte;
    int fd = open_beneath(e->dir_fd, e->request->target);
    bool ok = fd >= 0 && pread(fd, &byte, 1, (off_t)e->amount) == 1;
    if (fd >= 0)
        close(fd);
    char *bytes = malloc(1);
    if (!ok || !bytes) {
        free(bytes);
        return false;
    }
    bytes[0] = (char)~byte;
    drop_steps(e, 1);
    return add_file(e, from, e->amount, 0) && add_owned(e, bytes, 1) && add_file(e, e->amount + 1, to, 0);
}

static bool random_body(struct edit *e)
{
    const struct step *body = fault_body(e);
    uint64_t x = e->seed * UINT64_C(0x9E3779B97F4A7C15) + e->nth + 1;
    if (!body)
        return true;
    uint64_t len = body->to - body->from;
    len = len < RANDOM_MAX ? len : RANDOM_MAX;
    char *bytes = malloc((size_t)len + 1);
    for (uint64_t i = 0; bytes && i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (char)(x >> 32);
    }
    drop_steps(e, 1);
    return add_owned(e, bytes, (size_t)len) && set_length(e, len);
}

static bool as_chunks(struct edit *e, const char *end, bool *is_body)
{
    struct step *body = fault_body(e);
    *is_body = body != NULL;
    if (!body)
        return true;
    body->chunk = e->amount ? (size_t)(e->amount < 16384 ? e->amount : 16384) : 1;
    remove_header(e, "Content-Length");
    return add_headers(e, "Transfer-Encoding: chunked\r\n") && add_text(e, end);
}

static bool chunked(struct edit *e)
{
    bool is_body;
    return as_chunks(e, "0;last=yes\r\nX-Trailer: end\r\n\r\n", &is_body);
}

static bool chunks_end_badly(struct edit *e, const char *end)
{
    bool is_body;
    bool ok = as_chunks(e, end, &is_body);
    if (ok && is_body) {
        add_step(e, STEP_CLOSE);
        e->answer->close = true;
    }
    return ok;
}

static bool chunk_size_garbage(struct edit *e)
{
    return chunks_end_badly(e, "xyz\r\n0\r\n\r\n");
}

static bool chunk_size_huge(struct edit *e)
{
    return chunks_end_badly(e, "fffffffffffffffff\r\n");
}

static bool chunk_no_end(struct edit *e)
{
    return chunks_end_badly(e, "");
}

static bool chunk_cut(struct edit *e)
{
    return chunks_end_badly(e, "400\r\nshort");
}

static bool close_after(struct edit *e)
{
    e->answer->close = true; /* without a word in the head */
    return true;
}

static bool extra(struct edit *e)
{
    size_t len = (size_t)(e->amount < HEADERS_MAX ? e->amount : HEADERS_MAX);
    char *bytes = malloc(len + 1);
    if (bytes)
        memset(bytes, 0xEE, len);
    e->answer->close = true;
    return add_owned(e, bytes, len);
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

#define ANSWER(stage, name, amount, unit, text, lesson, function)                                                      \
    {                                                                                                                  \
        { name, unit, amount, text, lesson }, STAGE_##stage, function, STEP_BYTES                                      \
    }
#define ACCEPT(name, amount, unit, text, lesson, kind)                                                                 \
    {                                                                                                                  \
        { name, unit, amount, text, lesson }, STAGE_ACCEPT, NULL, kind                                                 \
    }

const struct fault_row fault_rows[] = {
    ANSWER(SAY, "204", 0, NULL, "no content", "an empty answer is no image (esp-idf#14839)", say_204),
    ANSWER(SAY, "304", 0, NULL, "not modified", "nothing new is no failure (esp-idf#14839)", say_304),
    ANSWER(SAY, "401-basic", 0, NULL, "asks for a password, whatever is sent", "authentication must end",
           say_401_basic),
    ANSWER(SAY, "401-digest", 0, NULL, "asks for a digest, whatever is sent", "authentication must end",
           say_401_digest),
    ANSWER(SAY, "403", 0, NULL, "forbidden", "a permanent answer is not asked for again (rauc-hawkbit-updater#158)",
           say_403),
    ANSWER(SAY, "404", 0, NULL, "not found", "a permanent answer is not asked for again (rauc-hawkbit-updater#158)",
           say_404),
    ANSWER(SAY, "416", 0, NULL, "no such range", "a stale offset means starting over", say_416),
    ANSWER(SAY, "429", 1, "SECONDS", "too many requests, Retry-After", "back off as told", say_429),
    ANSWER(SAY, "500", 0, NULL, "internal error", "an error page is no image", say_500),
    ANSWER(SAY, "502", 0, NULL, "bad gateway", "a proxy in between fails too", say_502),
    ANSWER(SAY, "503", 1, "SECONDS", "unavailable, Retry-After", "a transient answer is asked for again, later",
           say_503),
    ANSWER(SAY, "504", 0, NULL, "gateway timeout", "a proxy in between fails too", say_504),
    ANSWER(SAY, "redirect-chain", 3, "HOPS", "redirects, then the file", "301 and 302 in a row (esp-idf#8873)",
           redirect_chain),
    ANSWER(SAY, "redirect-loop", 0, NULL, "redirects to itself", "an endless chain must end", redirect_loop),
    ANSWER(SAY, "redirect-http", 0, NULL, "redirects to http://", "no downgrade of an https address", redirect_http),
    ANSWER(SAY, "redirect-elsewhere", 0, NULL, "redirects to 127.0.0.1, another origin",
           "credentials stay at home (crosspoint-reader#3253)", redirect_elsewhere),
    ANSWER(SAY, "redirect-relative", 0, NULL, "a relative Location", "relative addresses are allowed",
           redirect_relative),
    ANSWER(SAY, "redirect-long", 0, NULL, "a Location of 2 KiB", "signed addresses are long (esp-idf#9164)",
           redirect_long),
    ANSWER(HEAD, "no-length", 0, NULL, "no Content-Length, ends with the connection",
           "the end is the length (esp-idf#8258)", without_length),
    ANSWER(HEAD, "length-short", 100, "BYTES", "Content-Length says less than comes", "what follows is not the image",
           length_short),
    ANSWER(HEAD, "length-long", 100, "BYTES", "Content-Length says more than comes", "a short body is no whole one",
           length_long),
    ANSWER(HEAD, "length-huge", 0, NULL, "Content-Length 2^63 - 1", "no size is to be trusted", length_huge),
    ANSWER(HEAD, "length-garbage", 0, NULL, "Content-Length 12x4", "a length is a number", length_garbage),
    ANSWER(HEAD, "length-negative", 0, NULL, "Content-Length -1", "a length is a number", length_negative),
    ANSWER(HEAD, "length-twice", 0, NULL, "two Content-Length that differ", "which one counts is an attack",
           length_twice),
    ANSWER(REMAKE, "range-ignored", 0, NULL, "the whole file for any Range", "never append it (esp-idf PR #17960)",
           range_ignored),
    ANSWER(HEAD, "range-wrong", 1, "BYTES", "Content-Range is off", "another range is not what was asked for",
           range_wrong),
    ANSWER(HEAD, "etag-changes", 0, NULL, "each answer has another ETag", "bytes of two files never mix", etag_changes),
    ANSWER(HEAD, "gzip-unasked", 0, NULL, "Content-Encoding: gzip", "an encoding that was not asked for", gzip_unasked),
    ANSWER(HEAD, "headers-huge", 16384, "BYTES", "one header of that size", "grow or refuse, never cut (esp-idf#5028)",
           headers_huge),
    ANSWER(HEAD, "headers-many", 500, "COUNT", "that many headers", "grow or refuse, never cut (esp-idf#5028)",
           headers_many),
    ANSWER(HEAD, "header-bytes", 0, NULL, "control bytes, a bare CR, lines that are no headers",
           "logs are read by people", header_bytes),
    ANSWER(LAST, "http-1.0", 0, NULL, "HTTP/1.0, closes", "old servers exist", http_1_0),
    ANSWER(LAST, "odd-case", 0, NULL, "cONTENT-lENGTH", "names of headers have no case", odd_case),
    ANSWER(LAST, "interim", 0, NULL, "100 and 102 before the answer", "interim answers are skipped", interim),
    ANSWER(SAY, "status-garbage", 0, NULL, "a status line without a status", "no answer is no success", status_garbage),
    ANSWER(BODY, "truncated", 10000, "BYTES", "ends in order after so many bytes", "half an image is none", truncated),
    ANSWER(BODY, "cut", 10000, "BYTES", "ends without TLS close-notify after so many bytes", "half an image is none",
           cut),
    ANSWER(BODY, "reset", 10000, "BYTES", "resets after so many bytes", "resume (esp-idf#8814)", reset),
    ANSWER(BODY, "stall", 10000, "BYTES", "falls silent after so many bytes", "a deadline for silence (esp-idf#2197)",
           stall),
    ANSWER(LAST, "trickle", 1000, "BYTES", "so many bytes a second", "a deadline for all of it (esp-idf#2197)",
           trickle),
    ANSWER(LAST, "pause", 1000, "MS", "pauses between head and body", "an empty read is not the end (esp-idf#4394)",
           pause_body),
    ANSWER(BODY, "corrupt", 1000, "OFFSET", "inverts the byte at that offset of the file", "verify what is in flash",
           corrupt),
    ANSWER(BODY, "random", 0, NULL, "random bytes of the right length (--seed)", "whatever comes is no image yet",
           random_body),
    ANSWER(BODY, "chunked", 1024, "BYTES", "good chunks of that size, an extension, a trailer",
           "chunks need no length (esp-idf#8258)", chunked),
    ANSWER(BODY, "chunk-garbage", 1024, "BYTES", "a chunk whose size is no number", "framing errors end the body",
           chunk_size_garbage),
    ANSWER(BODY, "chunk-huge", 1024, "BYTES", "a chunk of 2^68 - 1 bytes", "no size is to be trusted", chunk_size_huge),
    ANSWER(BODY, "chunk-no-end", 1024, "BYTES", "the last chunk is missing", "half an image is none", chunk_no_end),
    ANSWER(BODY, "chunk-cut", 1024, "BYTES", "ends inside a chunk", "half an image is none", chunk_cut),
    ANSWER(HEAD, "close-after", 0, NULL, "closes after each answer, unannounced", "a kept connection may be gone",
           close_after),
    ANSWER(BODY, "extra", 100, "BYTES", "bytes behind the body", "what follows is not the image", extra),
    ACCEPT("slow-accept", 1000, "MS", "a new connection waits before TLS", "a deadline for connecting", STEP_WAIT),
    ACCEPT("mute-accept", 0, NULL, "a new connection hears nothing", "a deadline for connecting (esp-idf#2197)",
           STEP_SILENCE),
    ACCEPT("reset-accept", 0, NULL, "a new connection is reset before TLS", "connect again, a bounded number of times",
           STEP_RESET),
    ACCEPT("close-accept", 0, NULL, "a new connection is closed before TLS", "connect again, a bounded number of times",
           STEP_CUT),
};

const size_t fault_row_count = UD_ARRAY_LEN(fault_rows);
