/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client held to recorded runs of ESP-IDF's own (tests/vectors/https-ota): every run that drives the client
 * directly, with or without answers to challenges, is played through the memory transport: the same server, the same calls, the same
 * answers, events and body bytes; of the builds with challenges also what every request has for Authorization, the
 * client nonces drawn then being drawn again. Runs whose outcome is marked as a defect are not to be copied and are left out; where
 * we differ on purpose, `differences` says why, and a run that no longer differs is an error, too.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "updraft/http.h"
#include "updraft/port_linux.h"

enum {
    LINE_MAX_BYTES = 1 << 20,
    IMAGES_MAX = 64,
    STEPS_MAX = 12000,
    WIRE_MAX = 8 << 20,
    TEXT_MAX = 65536,
    REPEATS = 12
};

/* Where the client answers otherwise on purpose; docs/compatibility.md tells an application's author. */
static const struct {
    const char *behaviour; /* a prefix of the id */
    const char *why;
} differences[] = {
    { "url-too-long-path/", "requests grow: a long URL works with the default buffer" },
    { "redirect-very-long/", "requests grow: so does the target of a redirect" },
    { "redirect-relative-nodir/get", "a Location may be relative" },
    { "redirect-query-only/", "a Location may be relative" },
    { "redirect-http10/", "a body without a length is complete when the server closes" },
    { "status-404-no-length/", "a body without a length is complete when the server closes" },
    { "status-100-", "an interim response is not the response" },
    { "status-102-", "an interim response is not the response" },
    { "status-103-", "an interim response is not the response" },
    { "status-101/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "chunked-cut-mid-silence/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "chunked-cut-reset/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "redirect-cut-body/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "close-on-accept/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "reset-on-accept/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "close-after-request/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "reset-after-request/get-twice", "the next perform makes a new connection when the last one cannot be used" },
    { "first-close-then-ok/", "the next perform makes a new connection when the last one cannot be used" },
    { "ok-length-quiet-close/get-twice", "a connection that the server has closed is not used again" },
    { "redirect-quiet-close/", "a connection that the server has closed is not used again" },
    { "redirect-loop/get-twice", "a perform after a failed one sends a request" },
    { "redirect-chain-11/get-twice", "a perform after a failed one sends a request" },
    { "redirect-chain-2-max1/get-twice", "a perform after a failed one sends a request" },
    { "redirect-chain-3-max2/get-twice", "a perform after a failed one sends a request" },
    { "redirect-chain-1-max-1/get-twice", "a perform after a failed one sends a request" },
    { "chunked-bad-first-size/get-twice",
      "a body is judged when it is read, not when it happens to come with the head" },
    { "chunked-huge-size/", "a body is judged when it is read, not when it happens to come with the head" },
    { "cl-short/native", "bytes behind the message are not looked at" },
    { "cl-short-one/native", "bytes behind the message are not looked at" },
    { "cl-extra-response/", "bytes behind the message are not looked at" },
    { "chunked-trailers/", "trailers raise no event" },
    { "cl-spaces/", "blanks at the end of a header are no part of its value" },
    { "cl-dup-", "a header is told when its line is complete, not when the next begins" },
    { "auth-digest-sha512/get-cred-none", "an algorithm that we do not know is not answered with an MD5 sum" },
    { "auth-digest-sha512/get-nocred", "an algorithm that we do not know is not answered with an MD5 sum" },
    { "auth-basic-then-digest/", "each of two headers of one name has its event" },
    { "auth-digest-no-nonce/get-cred-digest", "the body of an answer that ends the exchange is not read" },
    { "auth-always-401-digest/get-cred-none", "the body of an answer that ends the exchange is not read" },
    { "auth-digest-unquoted/get-cred-", "the values of a challenge need no quotes" },
    { "auth-digest-close/get-cred-none", "a request that is sent once counts once (nc)" },
    { "auth-401-then-redirect-port/", "another port is another server: it gets no credentials" },
    { "line-long-reason/", "a status is told once, however many reads its phrase takes" },
};

static unsigned seen[UD_ARRAY_LEN(differences)];

/* ---- images ------------------------------------------------------------------------------------------------ */

static struct {
    char name[32];
    uint8_t *bytes;
    size_t size;
} images[IMAGES_MAX];
static size_t image_count;

static const char *text_of(const cJSON *o, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
    return s ? s : "";
}

static int number_of(const cJSON *o, const char *name, int standard)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNumber(item) ? item->valueint : standard;
}

static bool load_images(char *line)
{
    gzFile file = gzopen(UD_VECTORS "/https-ota/images.jsonl.gz", "rb");
    while (file && gzgets(file, line, LINE_MAX_BYTES) && image_count < IMAGES_MAX) {
        cJSON *row = cJSON_Parse(line);
        const char *b64 = text_of(row, "b64");
        uint8_t *bytes = malloc(strlen(b64) + 4);
        if (!row || !bytes || EVP_DecodeBlock(bytes, (const unsigned char *)b64, (int)strlen(b64)) < 0)
            abort();
        snprintf(images[image_count].name, sizeof images[0].name, "%s", text_of(row, "name"));
        images[image_count].bytes = bytes;
        images[image_count].size = (size_t)number_of(row, "size", 0);
        image_count++;
        cJSON_Delete(row);
    }
    if (file)
        gzclose(file);
    return image_count > 0;
}

static const uint8_t *image_bytes(const char *name, size_t from, size_t to)
{
    for (size_t i = 0; i < image_count; i++) {
        if (strcmp(images[i].name, name) == 0 && from <= to && to <= images[i].size)
            return images[i].bytes + from;
    }
    fprintf(stderr, "no image %s with bytes %zu to %zu\n", name, from, to);
    abort();
}

/* ---- the recorded server as steps of the memory transport -------------------------------------------------- */

static struct {
    struct ud_mem_step steps[STEPS_MAX];
    size_t count;
    char *wire; /* what the RECV steps point into */
    size_t len;
    bool open; /* the last step is a RECV that may be continued */
} script;

static void add_step(struct ud_mem_step step)
{
    if (script.count == STEPS_MAX)
        abort();
    script.steps[script.count++] = step;
    script.open = step.kind == UD_MEM_RECV;
}

static void add_bytes(const void *data, size_t len)
{
    if (len > WIRE_MAX - script.len)
        abort();
    memcpy(script.wire + script.len, data, len);
    if (script.open)
        script.steps[script.count - 1].len += len;
    else
        add_step((struct ud_mem_step){ .kind = UD_MEM_RECV, .data = script.wire + script.len, .len = len });
    script.len += len;
}

/* Text of the vectors: each character is one byte (latin-1), {PORT} stands for a number. */
static size_t plain_text(const char *s, char *out, size_t size)
{
    size_t n = 0;
    while (*s && n < size - 8) {
        if (strncmp(s, "{PORT}", 6) == 0 || strncmp(s, "{PORT2}", 7) == 0) {
            bool first = s[5] == '}';
            n += (size_t)snprintf(out + n, size - n, "%s", first ? "18070" : "18071");
            s += first ? 6 : 7;
        } else if (((unsigned char)*s & 0xe0) == 0xc0) {
            out[n++] = (char)(((unsigned char)s[0] & 3) << 6 | ((unsigned char)s[1] & 0x3f));
            s += 2;
        } else {
            out[n++] = *s++;
        }
    }
    out[n] = '\0';
    return n;
}

static void add_chunks(const char *image, size_t from, size_t to, size_t size, const char *format)
{
    char line[128];
    while (from < to) {
        size_t n = to - from < size ? to - from : size;
        /* The formats of the vectors take one number: %x, %X, %08x, each perhaps with an extension behind. */
        const char *spec = strchr(format, '%');
        const char *rest = spec ? strpbrk(spec, "xX") : NULL;
        if (!rest)
            abort();
        int len = spec[1] == '0' ? snprintf(line, sizeof line, "%08x", (unsigned)n)
                  : *rest == 'X' ? snprintf(line, sizeof line, "%X", (unsigned)n)
                                 : snprintf(line, sizeof line, "%x", (unsigned)n);
        len += snprintf(line + len, sizeof line - (size_t)len, "%s\r\n", rest + 1);
        add_bytes(line, (size_t)len);
        add_bytes(image_bytes(image, from, from + n), n);
        add_bytes("\r\n", 2);
        from += n;
    }
}

static const cJSON *at(const cJSON *array, int i)
{
    return cJSON_GetArrayItem(array, i);
}

static size_t size_at(const cJSON *array, int i)
{
    const cJSON *item = at(array, i);
    return item ? (size_t)item->valueint : 0;
}

/* A header of a recorded request, NULL if it had none. */
static const char *recorded_field(const cJSON *request, const char *name)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(request, "headers"))
    {
        if (strcasecmp(cJSON_GetStringValue(at(field, 0)), name) == 0)
            return cJSON_GetStringValue(at(field, 1));
    }
    return NULL;
}

/* false: a step that needs a real server (ranges). What depends on a header is answered as it was recorded. */
static bool add_recorded(const cJSON *step, bool split, const cJSON *request)
{
    static char text[TEXT_MAX * 2];
    const char *kind = cJSON_GetStringValue(at(step, 0));
    const char *name = cJSON_GetStringValue(at(step, 1));
    if (strcmp(kind, "send") == 0 || strcmp(kind, "bodytext") == 0) {
        add_bytes(text, plain_text(name, text, sizeof text));
        if (split && strcmp(kind, "send") == 0)
            add_step((struct ud_mem_step){ .kind = UD_MEM_WAIT_MS, .len = 15 });
    } else if (strcmp(kind, "body") == 0) {
        size_t from = size_at(step, 2);
        size_t to = size_at(step, 3);
        if (to > from)
            add_bytes(image_bytes(name, from, to), to - from);
    } else if (strcmp(kind, "chunks") == 0) {
        const char *format = cJSON_GetStringValue(at(step, 5));
        add_chunks(name, size_at(step, 2), size_at(step, 3), size_at(step, 4), format ? format : "%x");
    } else if (strcmp(kind, "dribble") == 0) {
        for (size_t from = size_at(step, 2); from < size_at(step, 3); from += size_at(step, 4)) {
            size_t n = size_at(step, 3) - from < size_at(step, 4) ? size_at(step, 3) - from : size_at(step, 4);
            add_step((struct ud_mem_step){ .kind = UD_MEM_WAIT_MS, .len = size_at(step, 5) });
            add_bytes(image_bytes(name, from, from + n), n);
        }
    } else if (strcmp(kind, "sleep") == 0) {
        add_step((struct ud_mem_step){ .kind = UD_MEM_WAIT_MS, .len = size_at(step, 1) });
    } else if (strcmp(kind, "silence") == 0) {
        add_step((struct ud_mem_step){ .kind = UD_MEM_SILENCE });
    } else if (strcmp(kind, "close") == 0) {
        add_step((struct ud_mem_step){ .kind = UD_MEM_EOF });
    } else if (strcmp(kind, "reset") == 0) {
        add_step((struct ud_mem_step){ .kind = UD_MEM_RESET });
    } else if (strcmp(kind, "if_header") == 0) {
        const cJSON *inner;
        cJSON_ArrayForEach(inner, at(step, recorded_field(request, name) ? 2 : 3))
        {
            if (!add_recorded(inner, split, request))
                return false;
        }
    } else {
        return false;
    }
    return true;
}

static bool ends_connection(void)
{
    return script.count > 0 &&
           (script.steps[script.count - 1].kind == UD_MEM_EOF || script.steps[script.count - 1].kind == UD_MEM_RESET ||
            script.steps[script.count - 1].kind == UD_MEM_SILENCE);
}

static bool make_script(const cJSON *row)
{
    const cJSON *server = cJSON_GetObjectItemCaseSensitive(row, "server");
    const cJSON *accept = cJSON_GetObjectItemCaseSensitive(server, "accept");
    const cJSON *responses = cJSON_GetObjectItemCaseSensitive(server, "responses");
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(row, "requests");
    bool split = strcmp(text_of(row, "packets"), "split") == 0;
    int count = cJSON_GetArraySize(responses);

    script.count = script.len = 0;
    script.open = false;
    for (int k = 0; k < count + REPEATS; k++) {
        const cJSON *steps = cJSON_GetArraySize(accept) > 0 ? accept : at(responses, k < count ? k : count - 1);
        const cJSON *step;
        cJSON_ArrayForEach(step, steps)
        {
            if (!add_recorded(step, split, at(requests, k)))
                return false;
        }
        if (!ends_connection())
            add_step((struct ud_mem_step){ .kind = UD_MEM_NEXT_REQUEST });
    }
    return true;
}

/* ---- one run ----------------------------------------------------------------------------------------------- */

static struct {
    struct ud_virtual_clock time;
    struct ud_clock clock;
    struct ud_mem_transport server;
    struct ud_transport inner;
    char sent[TEXT_MAX];
    char found[TEXT_MAX];    /* what happened here, as text */
    char expected[TEXT_MAX]; /* what was recorded */
    uint32_t body_crc;
    size_t body_len;
    size_t found_len;
    size_t expected_len;
    unsigned opens;
    const cJSON *requests; /* recorded */
    int nonces;            /* of them drawn */
} run;

static void say(char *text, size_t *len, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(char *text, size_t *len, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + *len, TEXT_MAX - *len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= TEXT_MAX - *len)
        abort();
    *len += (size_t)n;
}

#define FOUND(...)    say(run.found, &run.found_len, __VA_ARGS__)
#define EXPECTED(...) say(run.expected, &run.expected_len, __VA_ARGS__)

/* The recorder's world: only 127.0.0.0/8 and localhost resolve, no TLS handshake succeeds. */
static esp_err_t world_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size)
{
    (void)ctx;
    run.opens++;
    if (to->tls || (strncmp(to->host, "127.", 4) != 0 && strcmp(to->host, "localhost") != 0))
        return ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME;
    return run.inner.ops->open(run.inner.ctx, to, timeout_ms, why, why_size);
}

static void on_event(void *ctx, const struct ud_http_event *e)
{
    static const char *const names[] = { "ERROR",     "ON_CONNECTED",        "HEADERS_SENT",
                                         "ON_HEADER", "ON_HEADERS_COMPLETE", "ON_STATUS_CODE",
                                         "ON_DATA",   "ON_FINISH",           "DISCONNECTED",
                                         "REDIRECT" };
    bool noauto = *(bool *)ctx;
    if (e->id == UD_HTTP_EVENT_ON_DATA) {
        run.body_crc = ud_crc32(run.body_crc, e->data, e->len);
        run.body_len += e->len;
    } else if (e->id == UD_HTTP_EVENT_ON_HEADER) {
        FOUND("ON_HEADER %.40s %zu; ", e->name, strlen(e->value)); /* the recorder cut names there */
    } else if (e->id == UD_HTTP_EVENT_ON_STATUS_CODE) {
        FOUND("ON_STATUS_CODE %d; ", e->status);
    } else if (e->id != UD_HTTP_EVENT_REDIRECT || noauto) {
        FOUND("%s; ", names[e->id]);
    }
}

static void expect_events(const cJSON *row)
{
    const cJSON *event;
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(row, "events"))
    {
        const char *name = cJSON_GetStringValue(at(event, 0));
        if (strncmp(name, "HTTP_", 5) != 0)
            continue;
        if (strcmp(name, "HTTP_ON_HEADER") == 0)
            EXPECTED("%s %s %d; ", name + 5, cJSON_GetStringValue(at(event, 1)), at(event, 2)->valueint);
        else if (cJSON_IsNumber(at(event, 1)))
            EXPECTED("%s %d; ", name + 5, at(event, 1)->valueint);
        else
            EXPECTED("%s; ", name + 5);
    }
}

/* The recorded call again; its answer in the recorder's words. */
static void call(struct ud_http *h, const char *name, char *answer, size_t size)
{
    char buf[1024];
    size_t got = 0;
    int64_t length = 0;
    esp_err_t err = ESP_OK;
    if (strcmp(name, "perform") == 0) {
        snprintf(answer, size, "%s", ud_err_name(ud_http_perform(h)));
    } else if (strcmp(name, "open") == 0) {
        snprintf(answer, size, "%s", ud_err_name(ud_http_open(h, 0)));
    } else if (strcmp(name, "close") == 0) {
        snprintf(answer, size, "%s", ud_err_name(ud_http_close(h)));
    } else if (strcmp(name, "get_url") == 0) {
        err = ud_http_get_url(h, buf, sizeof buf);
        snprintf(answer, size, "%s", err == ESP_OK || err == ESP_ERR_INVALID_SIZE ? "ESP_OK" : "?");
    } else if (strcmp(name, "get_status_code") == 0) {
        snprintf(answer, size, "%d", ud_http_status(h));
    } else if (strcmp(name, "get_content_length") == 0) {
        snprintf(answer, size, "%lld", (long long)ud_http_content_length(h));
    } else if (strcmp(name, "is_complete_data_received") == 0) {
        snprintf(answer, size, "%s", ud_http_is_complete(h) ? "true" : "false");
    } else if (strcmp(name, "fetch_headers") == 0 || strcmp(name, "read") == 0) {
        bool read = strcmp(name, "read") == 0;
        err = read ? ud_http_read(h, buf, sizeof buf, &got) : ud_http_fetch_headers(h, &length);
        if (err == ESP_OK)
            snprintf(answer, size, "%lld", read ? (long long)got : (long long)length);
        else
            snprintf(answer, size, "%s", err == ESP_ERR_HTTP_EAGAIN ? "-ESP_ERR_HTTP_EAGAIN" : "ESP_FAIL");
    } else {
        snprintf(answer, size, "?");
    }
}

/* ---- what each request had for Authorization --------------------------------------------------------------- */

static bool is_auth_build(const cJSON *row)
{
    return strcmp(text_of(row, "build"), "auth") == 0;
}

static const char *recorded_authorization(const cJSON *request)
{
    const char *value = recorded_field(request, "Authorization");
    return value ? value : "none";
}

/* The client nonce of the next recorded request that has one. */
static esp_err_t draw_nonce(void *ctx, void *buf, size_t len)
{
    const int count = cJSON_GetArraySize(run.requests);
    uint8_t *out = buf;
    (void)ctx;
    memset(buf, 0, len);
    while (run.nonces < count) {
        const char *text = strstr(recorded_authorization(at(run.requests, run.nonces++)), "cnonce=\"");
        for (size_t i = 0; text && i < len; i++) {
            unsigned byte = 0;
            if (sscanf(text + 8 + 2 * i, "%2x", &byte) != 1)
                abort();
            out[i] = (uint8_t)byte;
        }
        if (text)
            break;
    }
    return ESP_OK;
}

static void compare_authorizations(void)
{
    static const char name[] = "\r\nAuthorization: ";
    const char *request = run.sent;
    const cJSON *recorded;
    cJSON_ArrayForEach(recorded, run.requests)
    {
        const char *end = strstr(request, "\r\n\r\n");
        const char *field = end ? strstr(request, name) : NULL;
        EXPECTED("%s; ", recorded_authorization(recorded));
        if (!end)
            return;
        field = field && field < end ? field + sizeof name - 1 : NULL;
        FOUND("%.*s; ", field ? (int)strcspn(field, "\r") : 4, field ? field : "none");
        request = end + 4;
    }
}

static void replay_calls(const cJSON *row, struct ud_http *h)
{
    static const char prefix[] = "esp_http_client_";
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(row, "api"))
    {
        const char *name = cJSON_GetStringValue(at(entry, 0));
        const char *answer = cJSON_GetStringValue(at(entry, 1));
        if (strncmp(name, prefix, sizeof prefix - 1) != 0)
            continue;
        name += sizeof prefix - 1;
        if (strcmp(name, "init") == 0 || strcmp(name, "cleanup") == 0)
            continue;
        for (int i = 0; i < at(entry, 2)->valueint; i++) {
            char here[64];
            call(h, name, here, sizeof here);
            if (strcmp(here, answer) != 0)
                FOUND("%s -> %s (recorded %s); ", name, here, answer);
        }
    }
}

static void play(const cJSON *row)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(row, "options");
    const cJSON *server = cJSON_GetObjectItemCaseSensitive(row, "server");
    bool noauto = number_of(options, "noauto", 0) != 0;
    const char *auth = text_of(options, "auth");
    const struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_transport_ops ops;
    static char url[TEXT_MAX];
    struct ud_http *h = NULL;

    memset(&run, 0, sizeof run);
    run.requests = cJSON_GetObjectItemCaseSensitive(row, "requests");
    run.clock = ud_virtual_clock(&run.time);
    run.server = (struct ud_mem_transport){ .step = script.steps,
                                            .step_count = script.count,
                                            .clock = &run.clock,
                                            .sent = run.sent,
                                            .sent_cap = sizeof run.sent };
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(server, "refused")))
        run.server.open_error = ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
    run.inner = ud_mem_transport(&run.server);
    ops = *run.inner.ops;
    ops.open = world_open;
    struct ud_http_env env = { .transport = { &ops, run.inner.ctx },
                               .alloc = ud_linux_alloc(),
                               .clock = run.clock,
                               .event = on_event,
                               .event_ctx = &noauto,
                               .crypto = &crypto,
                               .entropy = { .fill = draw_nonce } };
    plain_text(text_of(options, "url"), url, sizeof url);
    struct ud_http_config cfg = {
        .url = url,
        .timeout_ms = number_of(options, "timeout", 0),
        .buffer_size = (size_t)number_of(options, "buf", 0),
        .max_redirects = number_of(options, "maxredir", 0),
        .disable_auto_redirect = noauto,
        .username = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(options, "user")),
        .password = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(options, "pass")),
        .basic_auth = strcmp(auth, "basic") == 0,
        .answer_basic = is_auth_build(row),
        .answer_digest = is_auth_build(row),
        .max_auth_retries = number_of(options, "maxauth", 0),
        .tls = { .ca_pem = number_of(options, "cert", 1) ? "dummy" : NULL },
    };
    bool made = ud_http_create(&env, &cfg, &h) == ESP_OK;
    const cJSON *init = at(at(cJSON_GetObjectItemCaseSensitive(row, "api"), 0), 1);
    if (made != (strcmp(cJSON_GetStringValue(init), "handle") == 0))
        FOUND("init %s; ", made ? "works" : "fails");
    if (made)
        replay_calls(row, h);
    ud_http_destroy(h);
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(row, "http_body");
    expect_events(row);
    if (number_of(row, "events_cut", 0) > 0 && run.found_len > run.expected_len)
        run.found[run.found_len = run.expected_len] = '\0';
    if (cJSON_IsObject(body)) {
        const cJSON *crc = cJSON_GetObjectItemCaseSensitive(body, "crc32");
        EXPECTED("body %d %.0f; ", number_of(body, "len", 0), cJSON_GetNumberValue(crc));
        FOUND("body %zu %.0f; ", run.body_len, (double)run.body_crc);
    }
    if (is_auth_build(row))
        compare_authorizations();
    EXPECTED("connects %d", number_of(row, "connects", 0));
    FOUND("connects %u", run.opens);
}

static bool is_listed(const char *id)
{
    bool listed = false;
    for (size_t i = 0; i < UD_ARRAY_LEN(differences); i++) {
        if (strncmp(id, differences[i].behaviour, strlen(differences[i].behaviour)) == 0) {
            seen[i]++;
            listed = true;
        }
    }
    return listed;
}

static bool is_ours(const cJSON *row)
{
    const char *style = text_of(row, "call");
    return (strcmp(text_of(row, "build"), "default") == 0 || is_auth_build(row)) &&
           (strcmp(style, "perform") == 0 || strcmp(style, "native") == 0) &&
           cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "upstream_defect")) == 0;
}

int main(int argc, char **argv)
{
    char *line = malloc(LINE_MAX_BYTES);
    const char *path = argc > 1 ? argv[1] : UD_VECTORS "/https-ota/rows.jsonl.gz";
    gzFile file = gzopen(path, "rb");
    unsigned agree = 0, disagree = 0, listed = 0, skipped = 0;

    script.wire = malloc(WIRE_MAX);
    if (!line || !file || !script.wire || !load_images(line)) {
        fprintf(stderr, "the vectors cannot be read\n");
        return 2;
    }
    while (gzgets(file, line, LINE_MAX_BYTES)) {
        cJSON *row = cJSON_Parse(line);
        if (row && is_ours(row) && !make_script(row)) {
            skipped++;
        } else if (row && is_ours(row)) {
            play(row);
            bool same = strcmp(run.found, run.expected) == 0;
            bool differs = is_listed(text_of(row, "id"));
            listed += !same && differs;
            agree += same;
            if (!same && !differs) {
                disagree++;
                printf("%s:\n  recorded: %s\n  here:     %s\n", text_of(row, "id"), run.expected, run.found);
            }
            if (same && differs) {
                disagree++;
                printf("%s: agrees, but is listed as a difference\n", text_of(row, "id"));
            }
        }
        cJSON_Delete(row);
    }
    gzclose(file);
    for (size_t i = 0; i < UD_ARRAY_LEN(differences); i++) {
        if (argc == 1 && seen[i] == 0) {
            disagree++;
            printf("the listed difference %s matches no run\n", differences[i].behaviour);
        }
    }
    printf("%s: agreed %u / listed %u / total %u (esp_http_client; %u more need a server that ranges)\n", path, agree,
           listed, agree + listed + disagree, skipped);
    for (size_t i = 0; i < image_count; i++)
        free(images[i].bytes);
    free(script.wire);
    free(line);
    return disagree == 0 && agree > 0 ? 0 : 1;
}
