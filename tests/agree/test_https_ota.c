/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded runs of ESP-IDF's own esp_https_ota against scripted servers (tests/vectors/https-ota/README.md): the same
 * scripts are played to ours, in memory and virtual time. Compared are every call's result, the queries, the OTA events
 * with their payloads, what is in the slot afterwards and what boots next.
 *
 * In scope: calls of esp_https_ota, and no outcome that the recording itself marks as not
 * to be copied. Every row in scope agrees, or is of a behaviour in `listed`, with the reason. Of requests the method and
 * the range are compared.
 */
#include <fnmatch.h>
#include <strings.h>
#include <zlib.h>

#include "../unit/idf/fixture.h"

#include <cjson/cJSON.h>

#include "esp_https_ota.h"
#include "esp_ota_ops.h"

#define FOLDER       UD_VECTORS "/https-ota/"
#define SLOT_BYTES   0x20000u
#define MAX_CALLS    16
#define MAX_EVENTS   400
#define MAX_IMAGES   40
#define MAX_STEPS    4096
#define MAX_REQUESTS 14 /* that the recording lists */
#define NO_PROGRESS  12 /* performs after which the recording's driver gave up */

/*
 * Rows that differ on purpose, as patterns of fnmatch: a row that matches may differ. Of the recorded file at least one
 * of each pattern does, else the pattern says what is no longer so. docs/compatibility.md has each reason at length.
 */
static const struct {
    const char *rows;
    const char *reason;
} listed[] = {
    /* The parser is asked for the head alone: what follows is judged when it is read, however the bytes were cut. */
    { "chunked-bad-first-size/*", "a bad chunk size fails perform, not begin" },
    { "chunked-huge-size/*", "a bad chunk size fails perform, not begin" },
    { "status-100-then-200/*", "interim answers are skipped: the update succeeds" },
    { "status-100-only/*", "interim answers are skipped: no answer came within the time-out" },
    { "redirect-relative-dots/*", "a relative reference is resolved" },
    { "redirect-relative-nodir/*", "a relative reference is resolved" },
    { "redirect-very-long/oneshot", "a request line may be longer than buffer_size_tx" },
    { "url-too-long-path/oneshot", "a request line may be longer than buffer_size_tx" },
    { "redirect-chain-*", "redirects are counted: 10 unless told, or max_redirection_count" },
    { "redirect-no-length-close/partial-*", "a connection that the server closes with its redirect is opened anew" },
    { "talk-first/oneshot", "nothing after the end of the message is looked at, not even a second response" },
    { "cl-short/resume-*", "nothing after the end of the message is looked at" },
    { "cl-short-one/resume-*", "nothing after the end of the message is looked at" },
    { "silent-after-request/oneshot", "a code of ESP-IDF, not its negative" },
    { "cl-max63/resume-*", "a length that fits no partition is ESP_ERR_INVALID_SIZE" },
    { "cl-int32/resume-*", "a length that fits no partition is ESP_ERR_INVALID_SIZE" },
    { "cl-zero/partial-*", "a length of 0 is refused by begin" },
    { "206-no-content-range/partial-*", "no length is told: refused by begin" },
    { "206-from-*", "another range than asked for is refused; a resumed download starts over" },
    { "206-bad-range-unit/partial-*", "another range than asked for is refused" },
    { "range-shift-*", "another range than asked for is refused" },
    { "range-status200/partial-*", "a 200 is all of the file, never a part" },
    { "range-total-wrong/partial-*", "the length of the file must not change under the download" },
    { "head-longer/partial-*", "the length of the file must not change under the download" },
    { "head-huge/partial-*", "the length of the file must not change under the download" },
    { "range-short-1000/partial-*", "the header of the image may come in two ranges" },
    { "range-second-close/partial-*", "a kept connection that the server has closed is opened anew" },
    { "auth-digest-sha512/*", "an algorithm that we do not know is not answered with an MD5 sum" },
    { "auth-digest-unquoted/*", "the values of a challenge need no quotes" },
};

/* ---- files ------------------------------------------------------------------------------------------------------ */

static char *read_line(gzFile f, char **buf, size_t *cap)
{
    size_t len = 0;
    for (;;) {
        if (*cap - len < 65536) {
            *cap = *cap * 2 + 131072;
            *buf = realloc(*buf, *cap);
            assert_non_null(*buf);
        }
        if (!gzgets(f, *buf + len, (int)(*cap - len)))
            return len > 0 ? *buf : NULL;
        len += strlen(*buf + len);
        if ((*buf)[len - 1] == '\n')
            return *buf;
    }
}

static const char *str(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static int num(const cJSON *o, const char *name, int otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNumber(v) ? v->valueint : cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

static struct image {
    char name[24];
    uint8_t *bytes;
    uint32_t len;
} images[MAX_IMAGES];
static unsigned image_count;

static uint8_t *from_base64(const char *text, uint32_t *len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *out = malloc(strlen(text) / 4 * 3 + 3);
    uint32_t bits = 0, n = 0;
    unsigned have = 0;
    assert_non_null(out);
    for (; *text && *text != '='; text++) {
        const char *at = strchr(digits, *text);
        assert_non_null(at);
        bits = bits << 6 | (uint32_t)(at - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    *len = n;
    return out;
}

static void load_images(void)
{
    gzFile f = gzopen(FOLDER "images.jsonl.gz", "rb");
    char *buf = NULL;
    size_t cap = 0;
    assert_non_null(f);
    while (read_line(f, &buf, &cap)) {
        cJSON *o = cJSON_Parse(buf);
        struct image *i = &images[image_count++];
        assert_true(image_count <= MAX_IMAGES);
        ud_strcopy(i->name, sizeof i->name, str(o, "name"), 23);
        i->bytes = from_base64(str(o, "b64"), &i->len);
        assert_int_equal(i->len, num(o, "size", -1));
        cJSON_Delete(o);
    }
    free(buf);
    gzclose(f);
}

static const struct image *image_by_name(const char *name)
{
    for (unsigned i = 0; i < image_count; i++)
        if (strcmp(images[i].name, name) == 0)
            return &images[i];
    fail_msg("no image %s", name);
    return NULL;
}

/* ---- the scripted server, as a transport ------------------------------------------------------------------------ */

enum kind { DATA, SLEEP, CLOSE, RESET };

struct step {
    enum kind kind;
    uint8_t *data; /* owned */
    size_t len;
    unsigned ms;
};

struct script {
    const cJSON *server;
    bool is_split;
    struct ud_clock *clock;
    bool is_open;
    struct step step[MAX_STEPS]; /* of this connection, from `at` on */
    unsigned count, at;
    size_t off;
    char request[8192];
    size_t request_len;
    bool is_deaf; /* nothing that is sent to it is read */
    unsigned requests;
    char asked[MAX_REQUESTS][96]; /* method and Range of each */
    int port;
};

static struct step *add_step(struct script *s, enum kind kind)
{
    assert_true(s->count < MAX_STEPS);
    struct step *step = &s->step[s->count++];
    *step = (struct step){ .kind = kind };
    return step;
}

static void add_data(struct script *s, const void *data, size_t len)
{
    if (len == 0)
        return;
    struct step *step = s->count > s->at ? &s->step[s->count - 1] : NULL;
    if (!step || step->kind != DATA)
        step = add_step(s, DATA);
    step->data = realloc(step->data, step->len + len);
    assert_non_null(step->data);
    memcpy(step->data + step->len, data, len);
    step->len += len;
}

/* The recording's text is latin-1, and names the ports by a word. */
static void add_text(struct script *s, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        uint8_t byte = *p;
        if (strncmp((const char *)p, "{PORT}", 6) == 0) {
            add_data(s, "8001", 4);
            p += 5;
            continue;
        }
        if (strncmp((const char *)p, "{PORT2}", 7) == 0) {
            add_data(s, "8002", 4);
            p += 6;
            continue;
        }
        if (byte >= 0xC2) {
            byte = (uint8_t)((byte & 3) << 6 | (p[1] & 0x3F));
            p++;
        }
        add_data(s, &byte, 1);
    }
}

static const char *text_at(const cJSON *step, int i)
{
    const cJSON *v = cJSON_GetArrayItem(step, i);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static unsigned number_at(const cJSON *step, int i)
{
    const cJSON *v = cJSON_GetArrayItem(step, i);
    return cJSON_IsNumber(v) ? (unsigned)v->valueint : 0;
}

static void add_chunks(struct script *s, const cJSON *step)
{
    const struct image *image = image_by_name(text_at(step, 1));
    unsigned to = number_at(step, 3), size = number_at(step, 4);
    bool upper = strchr(text_at(step, 5), 'X') != NULL;
    for (unsigned at = number_at(step, 2); at < to; at += size) {
        char line[32];
        unsigned n = to - at < size ? to - at : size;
        const char *format = text_at(step, 5);
        if (*format == '\0') {
            snprintf(line, sizeof line, "%x\r\n", n);
        } else {
            /* Only the widths and cases that the recording uses, and what surrounds them. */
            const char *percent = strchr(format, '%');
            size_t head = percent ? (size_t)(percent - format) : strlen(format);
            const char *tail = percent ? percent + strcspn(percent, "xX") + 1 : "";
            unsigned width = 0;
            if (percent)
                for (const char *p = percent + 1; *p >= '0' && *p <= '9'; p++)
                    width = width * 10 + (unsigned)(*p - '0');
            snprintf(line, sizeof line, upper ? "%.*s%0*X%s" : "%.*s%0*x%s", (int)head, format, (int)width, n, tail);
            if (!strchr(line, '\n'))
                snprintf(line + strlen(line), sizeof line - strlen(line), "\r\n");
        }
        add_data(s, line, strlen(line));
        add_data(s, image->bytes + at, n);
        add_data(s, "\r\n", 2);
    }
}

static bool has_header(const struct script *s, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\n%s:", name);
    size_t len = strlen(line);
    for (size_t i = 0; i + len <= s->request_len; i++)
        if (strncasecmp(s->request + i, line, len) == 0)
            return true;
    return false;
}

static void add_steps(struct script *s, const cJSON *steps);

static bool is_head(const struct script *s)
{
    return strncmp(s->request, "HEAD ", 5) == 0;
}

/* The value of a request's Range, or "". */
static void range_asked(const struct script *s, char *out, size_t size)
{
    const char *line = strstr(s->request, "\nRange: ");
    int len = line ? (int)strcspn(line + 8, "\r") : 0;
    snprintf(out, size, "%.*s", len, line ? line + 8 : "");
}

static void add_reply_head(struct script *s, const cJSON *options, int status, const char *range, unsigned len)
{
    char head[256];
    bool chunked = num(options, "chunked", 0) != 0;
    snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%s", num(options, "status", status), range);
    if (chunked)
        snprintf(head + strlen(head), sizeof head - strlen(head), "Transfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(head + strlen(head), sizeof head - strlen(head), "Content-Length: %u\r\n%s\r\n", len,
                 num(options, "close", 0) ? "Connection: close\r\n" : "");
    add_data(s, head, strlen(head));
    if (s->is_split)
        add_step(s, SLEEP)->ms = 15;
}

static void add_reply_body(struct script *s, const cJSON *options, const struct image *image, unsigned from,
                           unsigned len)
{
    char line[24];
    unsigned cut = (unsigned)num(options, "cut", (int)len);
    bool chunked = num(options, "chunked", 0) != 0;
    if (is_head(s))
        return;
    snprintf(line, sizeof line, "%x\r\n", len);
    if (chunked)
        add_data(s, line, strlen(line));
    for (unsigned i = 0; i < len && i < cut; i++)
        add_data(s, from + i < image->len ? image->bytes + from + i : (const uint8_t *)"\xff", 1);
    if (chunked)
        add_data(s, "\r\n0\r\n\r\n", 7);
    if (cut < len)
        add_step(s, CLOSE);
}

/* A server that can do ranges, or does them wrong as `options` say. */
static void add_range_reply(struct script *s, const cJSON *options)
{
    const char *file = str(options, "file");
    const struct image *image = image_by_name(*file ? file : "app");
    char asked[64], range[96];
    unsigned from = 0, to = 0, claimed;
    range_asked(s, asked, sizeof asked);
    int fields = sscanf(asked, "bytes=%u-%u", &from, &to);
    if (fields < 1) {
        add_reply_head(s, options, 200, "", image->len);
        add_reply_body(s, options, image, 0, image->len);
    } else if (from >= image->len) {
        snprintf(range, sizeof range, "Content-Range: bytes */%u\r\n", (unsigned)image->len);
        add_reply_head(s, options, 416, range, 0);
    } else {
        if (fields < 2 || to >= image->len)
            to = image->len - 1;
        to += (unsigned)num(options, "grow", 0);
        if (to >= image->len)
            to = image->len - 1;
        unsigned len = to - from + 1, limit = (unsigned)num(options, "short", 0);
        int shift = num(options, "shift", 0);
        const char *total = str(options, "total");
        claimed = from;
        if (limit > 0 && len > limit)
            len = limit;
        from = (unsigned)((int)from + shift < 0 ? 0 : (int)from + shift);
        if (from + len > image->len)
            len = from < image->len ? image->len - from : 0;
        if (!num(options, "lie", 0))
            claimed = from;
        snprintf(range, sizeof range, "Content-Range: bytes %u-%u/%d\r\n", claimed, claimed + len - 1,
                 num(options, "total", (int)image->len));
        if (*total)
            snprintf(range, sizeof range, "Content-Range: bytes %u-%u/%s\r\n", claimed, claimed + len - 1, total);
        add_reply_head(s, options, 206, num(options, "nocr", 0) ? "" : range, len);
        add_reply_body(s, options, image, from, len);
    }
    if (num(options, "close", 0) || num(options, "quiet_close", 0))
        add_step(s, CLOSE);
}

static void add_one(struct script *s, const cJSON *step)
{
    const char *what = text_at(step, 0);
    if (strcmp(what, "send") == 0) {
        add_text(s, text_at(step, 1));
        if (s->is_split)
            add_step(s, SLEEP)->ms = 15;
    } else if (is_head(s) && (strcmp(what, "body") == 0 || strcmp(what, "bodytext") == 0 ||
                              strcmp(what, "chunks") == 0 || strcmp(what, "dribble") == 0)) {
        return;
    } else if (strcmp(what, "bodytext") == 0) {
        add_text(s, text_at(step, 1));
    } else if (strcmp(what, "body") == 0) {
        add_data(s, image_by_name(text_at(step, 1))->bytes + number_at(step, 2),
                 number_at(step, 3) - number_at(step, 2));
    } else if (strcmp(what, "chunks") == 0) {
        add_chunks(s, step);
    } else if (strcmp(what, "dribble") == 0) {
        const struct image *image = image_by_name(text_at(step, 1));
        unsigned to = number_at(step, 3), piece = number_at(step, 4);
        for (unsigned at = number_at(step, 2); at < to; at += piece) {
            add_data(s, image->bytes + at, to - at < piece ? to - at : piece);
            add_step(s, SLEEP)->ms = number_at(step, 5);
        }
    } else if (strcmp(what, "sleep") == 0) {
        add_step(s, SLEEP)->ms = number_at(step, 1);
    } else if (strcmp(what, "close") == 0) {
        add_step(s, CLOSE);
    } else if (strcmp(what, "reset") == 0) {
        add_step(s, RESET);
    } else if (strcmp(what, "if_header") == 0) {
        add_steps(s, cJSON_GetArrayItem(step, has_header(s, text_at(step, 1)) ? 2 : 3));
    } else if (strcmp(what, "if_head") == 0) {
        add_steps(s, cJSON_GetArrayItem(step, is_head(s) ? 1 : 2));
    } else if (strcmp(what, "if_range") == 0) {
        add_steps(s, cJSON_GetArrayItem(step, has_header(s, "range") ? 1 : 2));
    } else if (strcmp(what, "range_reply") == 0) {
        add_range_reply(s, cJSON_GetArrayItem(step, 1));
    } else if (strcmp(what, "silence") != 0) {
        fail_msg("step %s", what);
    }
}

static void add_steps(struct script *s, const cJSON *steps)
{
    const cJSON *step;
    cJSON_ArrayForEach(step, steps) add_one(s, step);
}

static void drop_steps(struct script *s)
{
    for (unsigned i = 0; i < s->count; i++)
        free(s->step[i].data);
    s->count = s->at = 0;
    s->off = 0;
    s->request_len = 0;
}

static esp_err_t script_open(void *ctx, const struct ud_endpoint *to, uint32_t timeout_ms, char *why, size_t why_size)
{
    struct script *s = ctx;
    (void)timeout_ms;
    drop_steps(s);
    s->port = to->port;
    if (to->tls) { /* the recording's every TLS connect fails */
        ud_strcopy(why, why_size, "no TLS here", 12);
        return ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED;
    }
    if (num(s->server, "refused", 0) || (to->port != 8001 && to->port != 8002)) {
        ud_strcopy(why, why_size, "refused", 8);
        return ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST;
    }
    s->is_open = true;
    const cJSON *accept = cJSON_GetObjectItemCaseSensitive(s->server, "accept"), *step;
    cJSON_ArrayForEach(step, accept) s->is_deaf = s->is_deaf || strcmp(text_at(step, 0), "silence") == 0;
    add_steps(s, accept);
    return ESP_OK;
}

static bool is_ended(const struct script *s)
{
    return s->at < s->count && (s->step[s->at].kind == CLOSE || s->step[s->at].kind == RESET);
}

static esp_err_t script_send(void *ctx, const void *data, size_t len, size_t *sent)
{
    struct script *s = ctx;
    if (!s->is_open)
        return ESP_FAIL;
    *sent = len;
    if (is_ended(s) || s->is_deaf)
        return ESP_OK; /* as with sockets: it is the read that finds out */
    assert_true(s->request_len + len < sizeof s->request);
    memcpy(s->request + s->request_len, data, len);
    s->request_len += len;
    s->request[s->request_len] = '\0';
    if (!strstr(s->request, "\r\n\r\n"))
        return ESP_OK;
    if (s->requests < MAX_REQUESTS) {
        char range[64];
        range_asked(s, range, sizeof range);
        snprintf(s->asked[s->requests], sizeof s->asked[0], "%.*s %s", (int)strcspn(s->request, " "), s->request,
                 range);
    }
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(s->server, "responses");
    int n = cJSON_GetArraySize(all);
    if (n > 0)
        add_steps(s, cJSON_GetArrayItem(all, (int)s->requests < n ? (int)s->requests : n - 1));
    s->requests++;
    s->request_len = 0;
    return ESP_OK;
}

static esp_err_t script_recv(void *ctx, void *buf, size_t cap, size_t *got)
{
    struct script *s = ctx;
    *got = 0;
    if (!s->is_open)
        return ESP_FAIL;
    struct step *step = s->at < s->count ? &s->step[s->at] : NULL;
    if (!step || step->kind == SLEEP)
        return ESP_ERR_NOT_FINISHED;
    if (step->kind == CLOSE)
        return ESP_OK;
    if (step->kind == RESET)
        return ESP_FAIL;
    size_t n = step->len - s->off < cap ? step->len - s->off : cap;
    memcpy(buf, step->data + s->off, n);
    s->off += n;
    if (s->off == step->len) {
        s->at++;
        s->off = 0;
    }
    *got = n;
    return ESP_OK;
}

static esp_err_t script_poll(void *ctx, int events, uint32_t wait_ms)
{
    struct script *s = ctx;
    if (events & UD_POLL_SEND)
        return ESP_OK;
    while (s->at < s->count && s->step[s->at].kind == SLEEP) {
        struct step *step = &s->step[s->at];
        unsigned ms = step->ms < wait_ms ? step->ms : wait_ms;
        ud_clock_wait_us(s->clock, ms * 1000u);
        step->ms -= ms;
        wait_ms -= ms;
        if (step->ms > 0)
            return ESP_ERR_TIMEOUT;
        s->at++;
    }
    if (s->at < s->count)
        return ESP_OK;
    ud_clock_wait_us(s->clock, (uint64_t)wait_ms * 1000u);
    return ESP_ERR_TIMEOUT;
}

static void script_close(void *ctx)
{
    struct script *s = ctx;
    s->is_open = false;
    drop_steps(s);
}

static int script_socket(void *ctx)
{
    (void)ctx;
    return -1;
}

static const struct ud_transport_ops script_ops = { script_open, script_send,  script_recv,
                                                    script_poll, script_close, script_socket };

static esp_err_t script_create(void *ctx, struct ud_transport *out)
{
    *out = (struct ud_transport){ .ops = &script_ops, .ctx = ctx };
    return ESP_OK;
}

static void script_destroy(void *ctx, struct ud_transport *t)
{
    (void)ctx;
    (void)t;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static struct {
    void *mutex, *changed;
    struct {
        int id, value;
    } event[MAX_EVENTS];
    unsigned count;
    bool settled;
} seen;

ESP_EVENT_DEFINE_BASE(SETTLE);

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    struct ud_os os = ud_linux_os();
    (void)arg;
    os.ops->mutex_lock(os.ctx, seen.mutex);
    if (base == SETTLE) {
        seen.settled = true;
        os.ops->cond_broadcast(os.ctx, seen.changed);
    } else if (seen.count < MAX_EVENTS) {
        int value = -1;
        if (id == ESP_HTTPS_OTA_VERIFY_CHIP_ID || id == ESP_HTTPS_OTA_VERIFY_CHIP_REVISION)
            value = *(uint16_t *)data;
        else if (data)
            value = *(int *)data;
        seen.event[seen.count].id = id;
        seen.event[seen.count++].value = value;
    }
    os.ops->mutex_unlock(os.ctx, seen.mutex);
}

static void settle(void)
{
    struct ud_os os = ud_linux_os();
    assert_int_equal(esp_event_post(SETTLE, 0, NULL, 0, portMAX_DELAY), ESP_OK);
    os.ops->mutex_lock(os.ctx, seen.mutex);
    while (!seen.settled)
        os.ops->cond_wait(os.ctx, seen.changed, seen.mutex, UINT64_MAX);
    os.ops->mutex_unlock(os.ctx, seen.mutex);
}

/* ---- one run ---------------------------------------------------------------------------------------------------- */

struct call {
    char name[40], result[48];
    int repeats;
};

struct run {
    struct call call[MAX_CALLS];
    unsigned calls;
    cJSON *after_begin, *at_end;
};

static void record(struct run *r, const char *name, const char *result)
{
    struct call *last = r->calls > 0 ? &r->call[r->calls - 1] : NULL;
    if (last && strcmp(last->name, name) == 0 && strcmp(last->result, result) == 0) {
        last->repeats++;
        return;
    }
    assert_true(r->calls < MAX_CALLS);
    last = &r->call[r->calls++];
    snprintf(last->name, sizeof last->name, "%s", name);
    snprintf(last->result, sizeof last->result, "%s", result);
    last->repeats = 1;
}

static esp_err_t called(struct run *r, const char *name, esp_err_t err)
{
    record(r, name, ud_err_name(err));
    return err;
}

static const char *init_style;

static esp_err_t on_init(esp_http_client_handle_t client)
{
    if (strcmp(init_style, "fail") == 0)
        return ESP_ERR_NOT_FOUND;
    return esp_http_client_set_header(client, "If-None-Match", "\"v1\"");
}

static cJSON *queries(esp_https_ota_handle_t h, bool at_end)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "image_size", esp_https_ota_get_image_size(h));
    cJSON_AddNumberToObject(o, "image_len_read", esp_https_ota_get_image_len_read(h));
    cJSON_AddNumberToObject(o, "status_code", esp_https_ota_get_status_code(h));
    if (at_end)
        cJSON_AddBoolToObject(o, "is_complete", esp_https_ota_is_complete_data_received(h));
    return o;
}

/* Perform as the recording's driver did. True: the caller decides between finish and abort by `err`. */
static esp_err_t perform_all(struct run *r, esp_https_ota_handle_t h, const cJSON *options, bool *stopped)
{
    int limit = num(options, "maxperform", 0), n = 0, idle = 0, before = -1;
    esp_err_t err;
    *stopped = false;
    for (;;) {
        err = called(r, "esp_https_ota_perform", esp_https_ota_perform(h));
        if (err != ESP_ERR_HTTPS_OTA_IN_PROGRESS)
            break;
        int now = esp_https_ota_get_image_len_read(h);
        idle = now == before ? idle + 1 : 0;
        before = now;
        if (++n == limit || idle == NO_PROGRESS) {
            record(r, "(stopped)", n == limit ? "maxperform" : "no progress");
            *stopped = true;
            return err;
        }
    }
    if (num(options, "extra", 0))
        (void)called(r, "esp_https_ota_perform", esp_https_ota_perform(h));
    return err;
}

static void run_steps(struct run *r, const char *style, const esp_https_ota_config_t *ota, const cJSON *options)
{
    esp_https_ota_handle_t h = NULL;
    esp_err_t err = called(r, "esp_https_ota_begin", esp_https_ota_begin(ota, &h));
    record(r, "*handle", h ? "set" : "NULL");
    if (err != ESP_OK)
        return;
    r->after_begin = queries(h, false);
    bool stopped = false, finish = strcmp(str(options, "end"), "finish") == 0, refused = false;
    if (strncmp(style, "desc", 4) == 0) {
        esp_app_desc_t desc;
        char text[33];
        refused = called(r, "esp_https_ota_get_img_desc", esp_https_ota_get_img_desc(h, &desc)) != ESP_OK;
        ud_strcopy(text, sizeof text, refused ? "" : desc.version, 32);
        if (!refused)
            record(r, "desc.version", text);
        snprintf(text, sizeof text, "%d", esp_https_ota_get_image_len_read(h));
        record(r, "esp_https_ota_get_image_len_read", text);
    }
    if (refused || strcmp(style, "descabort") == 0 || strcmp(style, "abort") == 0) {
        r->at_end = queries(h, true);
        (void)called(r, "esp_https_ota_abort", esp_https_ota_abort(h));
        return;
    }
    err = perform_all(r, h, options, &stopped);
    r->at_end = queries(h, true);
    if (finish || (err == ESP_OK && esp_https_ota_is_complete_data_received(h)))
        (void)called(r, "esp_https_ota_finish", esp_https_ota_finish(h));
    else
        (void)called(r, "esp_https_ota_abort", esp_https_ota_abort(h));
}

static int auth_type_of(const cJSON *options)
{
    const char *auth = str(options, "auth");
    return strcmp(auth, "basic") == 0    ? HTTP_AUTH_TYPE_BASIC
           : strcmp(auth, "digest") == 0 ? HTTP_AUTH_TYPE_DIGEST
                                         : num(options, "auth", HTTP_AUTH_TYPE_NONE);
}

static void run_row(struct run *r, const cJSON *row)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(row, "options");
    char url[256];
    const char *given = str(options, "url"), *port = strstr(given, "{PORT");
    if (port)
        snprintf(url, sizeof url, "%.*s%s%s", (int)(port - given), given, port[5] == '2' ? "8002" : "8001",
                 strchr(port, '}') + 1);
    else
        snprintf(url, sizeof url, "%s", given);
    init_style = str(options, "initcb");
    esp_http_client_config_t http = {
        .url = url,
        .cert_pem = num(options, "cert", 1) ? "a certificate" : NULL,
        .timeout_ms = num(options, "timeout", 150),
        .buffer_size = num(options, "buf", 0),
        .max_redirection_count = num(options, "maxredir", 0),
        .max_authorization_retries = num(options, "maxauth", 0),
        .username = *str(options, "user") ? str(options, "user") : NULL,
        .password = *str(options, "pass") ? str(options, "pass") : NULL,
        .auth_type = (esp_http_client_auth_type_t)auth_type_of(options),
        .disable_auto_redirect = num(options, "noauto", 0),
        .keep_alive_enable = num(options, "keepalive", 0),
    };
    esp_https_ota_config_t ota = {
        .http_config = &http,
        .http_client_init_cb = *init_style ? on_init : NULL,
        .bulk_flash_erase = num(options, "bulk", 0),
        .partial_http_download = num(options, "partial", 0),
        .max_http_request_size = num(options, "maxreq", 0),
        .ota_resumption = num(options, "resume", 0),
        .ota_image_bytes_written = (size_t)num(options, "off", 0),
    };
    const char *style = str(row, "call");
    if (strcmp(style, "oneshot") == 0)
        (void)called(r, "esp_https_ota", esp_https_ota(&ota));
    else
        run_steps(r, style, &ota, options);
}

/* ---- comparison ------------------------------------------------------------------------------------------------- */

static void differ(char *why, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void differ(char *why, size_t size, const char *format, ...)
{
    va_list args;
    if (*why)
        return; /* the first difference says most */
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
}
#define DIFFER(...) differ(why, size, __VA_ARGS__)

static void compare_calls(const struct run *r, const cJSON *api, char *why, size_t size)
{
    unsigned n = (unsigned)cJSON_GetArraySize(api);
    for (unsigned i = 0; i < n || i < r->calls; i++) {
        const cJSON *want = cJSON_GetArrayItem(api, (int)i);
        const struct call *have = i < r->calls ? &r->call[i] : NULL;
        if (!want || !have || strcmp(text_at(want, 0), have->name) != 0 ||
            strcmp(text_at(want, 1), have->result) != 0 || (int)number_at(want, 2) != have->repeats)
            DIFFER("call %u: want %s %s x%u, have %s %s x%d", i, want ? text_at(want, 0) : "-",
                   want ? text_at(want, 1) : "", want ? number_at(want, 2) : 0, have ? have->name : "-",
                   have ? have->result : "", have ? have->repeats : 0);
    }
}

static void compare_queries(const cJSON *have, const cJSON *want, const char *when, char *why, size_t size)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, want)
    {
        int w = cJSON_IsBool(v) ? cJSON_IsTrue(v) : v->valueint;
        if (!have || num(have, v->string, -99) != w)
            DIFFER("%s %s: want %d, have %d", when, v->string, w, have ? num(have, v->string, -99) : -99);
    }
}

/* Events of OTA in the recording: [name], [name, value], or a run of WRITE_FLASH [name, first, count, last]. */
static void compare_events(const cJSON *row, char *why, size_t size)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(row, "events");
    static const char *const names[] = {
        "START",      "CONNECTED",   "GET_IMG_DESC",          "VERIFY_CHIP_ID", "VERIFY_CHIP_REVISION",
        "DECRYPT_CB", "WRITE_FLASH", "UPDATE_BOOT_PARTITION", "FINISH",         "ABORT"
    };
    unsigned at = 0;
    const cJSON *e;
    cJSON_ArrayForEach(e, events)
    {
        const char *name = text_at(e, 0);
        if (strncmp(name, "HTTP_", 5) == 0 || strncmp(name, "loop_only:", 10) == 0)
            continue;
        int fields = cJSON_GetArraySize(e);
        unsigned count = fields > 2 ? number_at(e, 2) : 1;
        for (unsigned i = 0; i < count; i++, at++) {
            if (at >= seen.count || strcmp(names[seen.event[at].id], name) != 0) {
                DIFFER("event %u: want %s, have %s", at, name, at < seen.count ? names[seen.event[at].id] : "-");
                return;
            }
            int want = fields > 2 && i == count - 1 ? cJSON_GetArrayItem(e, 3)->valueint
                       : cJSON_GetArrayItem(e, 1)   ? cJSON_GetArrayItem(e, 1)->valueint
                                                    : -1;
            if ((i == 0 || i == count - 1) && fields > 1 && seen.event[at].value != want)
                DIFFER("event %u %s: want %d, have %d", at, name, want, seen.event[at].value);
        }
    }
    if (at != seen.count && !num(row, "events_cut", 0)) /* the recording keeps the first 120, of HTTP and OTA */
        DIFFER("events: want %u, have %u", at, seen.count);
}

static void compare_flash(const struct fixture *f, const cJSON *row, char *why, size_t size)
{
    const cJSON *flash = cJSON_GetObjectItemCaseSensitive(row, "flash");
    const struct image *image = image_by_name(str(row, "image"));
    const uint8_t *slot = f->t.bytes + 0x30000;
    uint32_t prefix = 0;
    while (prefix < image->len && prefix < SLOT_BYTES && slot[prefix] == image->bytes[prefix])
        prefix++;
    if ((int)prefix != num(flash, "prefix", -1))
        DIFFER("flash: want %d equal bytes, have %u", num(flash, "prefix", -1), (unsigned)prefix);
    const esp_partition_t *boot = esp_ota_get_boot_partition();
    if (!boot || strcmp(boot->label, str(row, "boot_after")) != 0)
        DIFFER("boots: want %s, have %s", str(row, "boot_after"), boot ? boot->label : "-");
}

/* What a download that is resumed has left: bytes of the right image, and the rest of their last sector erased. */
static void put_what_came_before(uint8_t *slot, const cJSON *row)
{
    const struct image *image = image_by_name(str(row, "image"));
    unsigned len = (unsigned)num(cJSON_GetObjectItemCaseSensitive(row, "options"), "prefill", 0);
    if (len == 0)
        return;
    assert_true(len <= image->len);
    memset(slot, 0xFF, (len + 4095) / 4096 * 4096);
    memcpy(slot, image->bytes, len);
}

/* Answers to challenges are compared by agree/http_client; here it is enough that there are some. */
static esp_err_t fill_fixed(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x5C, len);
    return ESP_OK;
}

static void set_up(struct fixture *f, struct script *s, const cJSON *row)
{
    struct ud_os os = ud_linux_os();
    uint32_t len;
    memset(s, 0, sizeof *s);
    fixture_init(f, &(struct test_layout){
                        .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT, .slot_bytes = SLOT_BYTES });
    assert_int_equal(test_board_part(&f->t, "ota_1")->addr, 0x30000);
    uint8_t *running = test_image_make(&(struct test_image){ .spi_flash_mode = 3 }, &len);
    test_board_put_bytes(&f->t, 0x10000, running, len);
    free(running);
    memset(f->t.bytes + 0x30000, 0x5A, SLOT_BYTES);
    put_what_came_before(f->t.bytes + 0x30000, row);
    f->t.board.revision = 3;
    f->config.https_ota_allow_http = true;
    f->config.http_client_basic_auth = f->config.http_client_digest_auth = strstr(str(row, "build"), "auth") != NULL;
    f->config.https_ota_post_timeout_ms = -1;
    f->config.event_queue_size = 1000;
    s->server = cJSON_GetObjectItemCaseSensitive(row, "server");
    s->is_split = strcmp(str(row, "packets"), "split") == 0;
    s->clock = &f->clock;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(os.ops->mutex_create(os.ctx, false, &seen.mutex), ESP_OK);
    assert_int_equal(os.ops->cond_create(os.ctx, &seen.changed), ESP_OK);
    struct ud_idf_env env = {
        .board = &f->t.board,
        .config = &f->config,
        .os = os,
        .alloc = fixture_alloc(&f->memory),
        .transport_create = script_create,
        .transport_destroy = script_destroy,
        .transport_ctx = s,
        .entropy = { .fill = fill_fixed },
    };
    assert_int_equal(ud_idf_start(&env), ESP_OK);
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_HTTPS_OTA_EVENT, ESP_EVENT_ANY_ID, on_event, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(SETTLE, 0, on_event, NULL), ESP_OK);
}

static void compare_requests(const struct script *s, const cJSON *row, char *why, size_t size)
{
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(row, "requests"), *request;
    unsigned i = 0;
    if ((int)s->requests != num(row, "requests_total", -1))
        DIFFER("requests: want %d, have %u", num(row, "requests_total", -1), s->requests);
    cJSON_ArrayForEach(request, requests)
    {
        char want[96];
        const cJSON *header;
        snprintf(want, sizeof want, "%s ", str(request, "method"));
        cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(request, "headers"))
        {
            if (strcmp(text_at(header, 0), "Range") == 0)
                snprintf(want, sizeof want, "%s %s", str(request, "method"), text_at(header, 1));
        }
        if (i < s->requests && strcmp(s->asked[i], want) != 0)
            DIFFER("request %u: want '%s', have '%s'", i, want, s->asked[i]);
        i++;
    }
}

/* Empty: it agrees. */
static void judge_row(const cJSON *row, char *why, size_t size)
{
    struct ud_os os = ud_linux_os();
    static struct fixture f;
    static struct script s;
    struct run r = { 0 };
    *why = '\0';
    set_up(&f, &s, row);
    run_row(&r, row);
    settle();
    compare_calls(&r, cJSON_GetObjectItemCaseSensitive(row, "api"), why, size);
    compare_queries(r.after_begin, cJSON_GetObjectItemCaseSensitive(row, "after_begin"), "after begin", why, size);
    compare_queries(r.at_end, cJSON_GetObjectItemCaseSensitive(row, "at_end"), "at end", why, size);
    compare_events(row, why, size);
    compare_flash(&f, row, why, size);
    compare_requests(&s, row, why, size);
    if (s.is_open)
        DIFFER("a connection stayed open");
    cJSON_Delete(r.after_begin);
    cJSON_Delete(r.at_end);
    drop_steps(&s);
    fixture_stop(&f);
    os.ops->cond_destroy(os.ctx, seen.changed);
    os.ops->mutex_destroy(os.ctx, seen.mutex);
}

static bool is_in_scope(const cJSON *row)
{
    static const char *const calls[] = { "oneshot", "loop", "desc", "descabort", "abort" };
    bool known = false;
    for (size_t i = 0; i < UD_ARRAY_LEN(calls); i++)
        known = known || strcmp(str(row, "call"), calls[i]) == 0;
    return known && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "upstream_defect")) == 0;
}

/* The pattern that allows a row to differ, or -1. */
static int listed_as(const char *id)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(listed); i++)
        if (fnmatch(listed[i].rows, id, 0) == 0)
            return (int)i;
    return -1;
}

static const char *rows_path = FOLDER "rows.jsonl.gz";
static bool is_recorded_file = true;

static void recorded_rows_agree_or_are_listed(void **state)
{
    gzFile f = gzopen(rows_path, "rb");
    char *buf = NULL, why[300];
    size_t cap = 0;
    unsigned rows = 0, agree = 0, differs = 0, unexpected = 0, hits[UD_ARRAY_LEN(listed)] = { 0 };
    (void)state;
    assert_non_null(f);
    load_images();
    while (read_line(f, &buf, &cap)) {
        cJSON *row = cJSON_Parse(buf);
        assert_non_null(row);
        if (is_in_scope(row)) {
            const char *id = str(row, "id");
            int pattern = listed_as(id);
            rows++;
            judge_row(row, why, sizeof why);
            agree += *why == '\0';
            differs += *why != '\0';
            if (*why != '\0' && pattern >= 0)
                hits[pattern]++;
            if (*why != '\0' && pattern < 0) {
                unexpected++;
                printf("%s: %s\n", id, why);
            }
        }
        cJSON_Delete(row);
    }
    printf("%s: agreed %u / listed %u / total %u (esp_https_ota)\n", rows_path, agree, differs, rows);
    free(buf);
    gzclose(f);
    for (unsigned i = 0; i < image_count; i++)
        free(images[i].bytes);
    assert_true(rows > 0);
    assert_int_equal(unexpected, 0);
    for (size_t i = 0; is_recorded_file && i < UD_ARRAY_LEN(listed); i++)
        if (hits[i] == 0)
            fail_msg("%s is listed, but agrees", listed[i].rows);
}

/* Another file of rows may be given; the recorded one is not short of rows. */
static void the_recorded_file_is_whole(void **state)
{
    char *buf = NULL;
    size_t cap = 0;
    unsigned rows = 0;
    gzFile f = gzopen(FOLDER "rows.jsonl.gz", "rb");
    (void)state;
    assert_non_null(f);
    while (read_line(f, &buf, &cap)) {
        cJSON *row = cJSON_Parse(buf);
        assert_non_null(row);
        rows += is_in_scope(row);
        cJSON_Delete(row);
    }
    free(buf);
    gzclose(f);
    assert_true(rows > 200);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        rows_path = argv[1];
        is_recorded_file = false;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_rows_agree_or_are_listed),
        cmocka_unit_test(the_recorded_file_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
