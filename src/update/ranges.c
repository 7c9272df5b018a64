/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file by ranges: the length first, then request after request; or one request that goes on where another download
 * stopped. What esp_https_ota calls partial download and resumption.
 *
 * ESP-IDF takes what a server answers to a Range for what was asked. Here a 206 that says it is another range, or of
 * another file, and a 200 where a part was wanted, end the download: bytes of two places or files never mix.
 */
#include "updraft/update.h"

#define DEFAULT_MAX 65536u

/* ---- the Range header ------------------------------------------------------------------------------------------- */

/* `last` -1: to the end of the file. */
static esp_err_t ask_range(struct ud_ranges *r, uint64_t first, int64_t last)
{
    r->asked = true;
    return ud_http_set_range(r->http, first, last);
}

static void ask_whole(struct ud_ranges *r)
{
    r->asked = false;
    (void)ud_http_set_header(r->http, "Range", NULL); /* ESP_ERR_NOT_FOUND: there was none */
}

/* The bytes of the first request. One that takes all of the file asks for no range; the end of the last is one too far,
 * as ESP-IDF asks. */
static esp_err_t ask_first(struct ud_ranges *r)
{
    int64_t start = (int64_t)r->at, max = r->opt.max;
    if (!r->opt.partial) {
        if (r->opt.resume)
            return ask_range(r, r->at, -1);
        return ESP_OK; /* a Range of the application's own stays */
    }
    int64_t end = r->length > max + start ? start + max - 1 : r->length;
    if (end - start < r->length)
        return ask_range(r, r->at, end);
    ask_whole(r);
    return ESP_OK;
}

static esp_err_t ask_next(struct ud_ranges *r)
{
    int64_t start = (int64_t)r->at, max = r->opt.max;
    return ask_range(r, r->at, r->length - start > max ? start + max - 1 : -1);
}

/* ---- is the answer what was asked for? -------------------------------------------------------------------------- */

/* Which file it is, as far as the server says; 0: it does not. */
static uint32_t identity_of(const struct ud_http *h)
{
    const char *tag = ud_http_response_header(h, "ETag");
    if (!tag)
        tag = ud_http_response_header(h, "Last-Modified");
    size_t len = 0;
    while (tag && tag[len])
        len++;
    return tag ? ud_crc32(0, tag, len) | 1 : 0;
}

static esp_err_t refuse(const struct ud_ranges *r, const char *why)
{
    return ud_note(r->obs, UD_NOTE_UPDATE_RANGE, ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE, r->at,
                   (uint64_t)ud_http_status(r->http), why);
}

/* A 206 without Content-Range says nothing that could be held against it; what comes is judged as an image at the end. */
static esp_err_t judge_part(struct ud_ranges *r)
{
    int64_t start = ud_http_content_range_start(r->http);
    int64_t total = start != UD_HTTP_RANGE_NONE ? ud_http_content_range_total(r->http) : -1;
    if (start != UD_HTTP_RANGE_NONE && start != (int64_t)r->at)
        return refuse(r, "the server sends another range than was asked for");
    if (r->opt.partial && total > 0 && total != r->length)
        return refuse(r, "the file on the server has another length than before");
    return ESP_OK;
}

/* The first response may be all of the file, asked for by a range or not; what follows it must be of the same file. */
static esp_err_t judge_identity(struct ud_ranges *r)
{
    uint32_t identity = identity_of(r->http);
    if (identity != 0 && r->identity != 0 && identity != r->identity)
        return refuse(r, "the file on the server has changed");
    r->identity = identity != 0 ? identity : r->identity;
    return ESP_OK;
}

static esp_err_t judge(struct ud_ranges *r)
{
    bool part = ud_http_status(r->http) == 206;
    if (r->asked && !part && (r->at > 0 || !r->opt.partial))
        return refuse(r, "the server sends the whole file");
    esp_err_t err = r->asked && part ? judge_part(r) : ESP_OK;
    return err == ESP_OK ? judge_identity(r) : err;
}

static esp_err_t request(struct ud_ranges *r)
{
    esp_err_t err = ud_update_http_connect(r->http, r->opt.max_redirects, r->obs);
    return err == ESP_OK ? judge(r) : err;
}

/* ---- the first request ------------------------------------------------------------------------------------------ */

/* Servers that refuse HEAD are asked for one byte: its Content-Range has the length. */
static esp_err_t discover_by_byte(struct ud_ranges *r)
{
    ud_http_set_method(r->http, UD_HTTP_GET);
    esp_err_t err = ask_range(r, 0, 0);
    if (err == ESP_OK)
        err = ud_update_http_connect(r->http, r->opt.max_redirects, r->obs);
    if (err != ESP_OK)
        return err;
    int status = ud_http_status(r->http);
    ask_whole(r);
    if (status != 200 && status != 206)
        return ESP_FAIL;
    r->length = status == 200 ? ud_http_content_length(r->http) : ud_http_content_range_total(r->http);
    return ESP_OK;
}

static esp_err_t discover_length(struct ud_ranges *r)
{
    ud_http_set_method(r->http, UD_HTTP_HEAD);
    esp_err_t err = ud_http_perform(r->http);
    if (err != ESP_OK)
        return err;
    int status = ud_http_status(r->http);
    if (status == 304)
        return ESP_ERR_HTTP_NOT_MODIFIED;
    if (status == 200)
        r->length = ud_http_content_length(r->http);
    else
        err = discover_by_byte(r);
    if (err == ESP_OK && r->length <= 0)
        err = ud_note(r->obs, UD_NOTE_UPDATE_RANGE, ESP_FAIL, 0, (uint64_t)ud_http_status(r->http),
                      "the server does not tell the length of the file");
    ud_http_close(r->http);
    ud_http_set_method(r->http, UD_HTTP_GET);
    return err;
}

/* The server cannot go on where the download stopped: all of it, once. */
static esp_err_t start_over(struct ud_ranges *r)
{
    ud_note(r->obs, UD_NOTE_UPDATE_START_OVER, ESP_OK, r->at, 0, NULL);
    r->opt.resume = false;
    r->at = 0;
    r->identity = 0;
    ask_whole(r);
    ud_http_close(r->http);
    esp_err_t err = ask_first(r);
    return err == ESP_OK ? request(r) : err;
}

esp_err_t ud_ranges_open(struct ud_ranges *r, struct ud_http *h, const struct ud_ranges_options *opt,
                         const struct ud_observer *obs)
{
    *r = (struct ud_ranges){ .http = h, .obs = obs, .opt = *opt, .length = -1, .at = opt->resume ? opt->offset : 0 };
    if (r->opt.max == 0)
        r->opt.max = DEFAULT_MAX;
    esp_err_t err = r->opt.partial ? discover_length(r) : ESP_OK;
    if (err == ESP_OK)
        err = ask_first(r);
    if (err == ESP_OK)
        err = request(r);
    if (err == ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE && r->opt.resume)
        err = start_over(r);
    if (err == ESP_OK && !r->opt.partial)
        r->length = ud_http_content_length(h);
    return err;
}

/* ---- the source ------------------------------------------------------------------------------------------------- */

static esp_err_t next_range(struct ud_ranges *r)
{
    esp_err_t err = ask_next(r);
    return err == ESP_OK ? request(r) : err;
}

static esp_err_t ranges_read(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got)
{
    struct ud_ranges *r = ctx;
    struct ud_source body = ud_http_source(r->http);
    esp_err_t err = body.ops->read(body.ctx, buf, cap, wait_ms, got);
    if (err == ESP_FAIL)
        ud_note(r->obs, UD_NOTE_UPDATE_CUT, err, r->at, 0, NULL);
    if (err != ESP_OK)
        return err;
    r->at += *got;
    if (*got == 0)
        ud_note(r->obs, UD_NOTE_UPDATE_PART, ESP_OK, r->at, 0, NULL);
    if (!r->opt.partial)
        return ESP_OK;
    if (r->at > (uint64_t)r->length) {
        *got = 0;
        return ud_note(r->obs, UD_NOTE_UPDATE_RANGE, ESP_FAIL, r->at, (uint64_t)ud_http_status(r->http),
                       "the server sends more than the length that it told");
    }
    if (*got > 0 || r->at == (uint64_t)r->length)
        return ESP_OK;
    return next_range(r) == ESP_OK ? ESP_ERR_NOT_FINISHED : ESP_FAIL;
}

static int64_t ranges_size(void *ctx)
{
    const struct ud_ranges *r = ctx;
    return r->length;
}

static bool ranges_is_complete(void *ctx)
{
    const struct ud_ranges *r = ctx;
    return r->opt.partial ? r->at == (uint64_t)r->length : ud_http_is_complete(r->http);
}

struct ud_source ud_ranges_source(struct ud_ranges *r)
{
    static const struct ud_source_ops ops = { ranges_read, ranges_size, ranges_is_complete };
    return (struct ud_source){ .ops = &ops, .ctx = r };
}
