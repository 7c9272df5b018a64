/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a server. The parser is fed whole and byte by byte and must tell the same; the client
 * takes them through the memory transport, follows redirects, and must come to an end with nothing left allocated.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/http/parser.h"
#include "counting_alloc.h"
#include "updraft/http.h"
#include "updraft/port_linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint32_t told; /* a checksum over all that was told */
    esp_err_t err;
    uint64_t offset;
    bool done;
};

static void note_text(struct outcome *o, const char *s)
{
    o->told = ud_crc32(o->told, s, ud_http_strlen(s) + 1);
}

static void note_event(struct outcome *o, const struct ud_http_parser *p, enum ud_http_parse what)
{
    char id = (char)what;
    if (what == UD_PARSE_BODY) { /* pieces differ, their bytes do not */
        o->told = ud_crc32(o->told, p->body, p->body_len);
        return;
    }
    o->told = ud_crc32(o->told, &id, 1);
    if (what == UD_PARSE_STATUS)
        note_text(o, p->reason);
    if (what == UD_PARSE_FIELD) {
        note_text(o, p->name);
        note_text(o, p->value);
    }
}

static struct outcome parse(const uint8_t *data, size_t size, size_t step)
{
    struct counting_alloc memory = { 0 };
    struct ud_alloc alloc = counting_alloc(&memory);
    struct ud_http_parser p;
    struct outcome o = { .err = ESP_OK };
    size_t at = 0;

    ud_http_parser_init(&p, &alloc);
    while (at < size && o.err == ESP_OK && !o.done) {
        size_t n = size - at < step ? size - at : step;
        size_t used = 0;
        enum ud_http_parse what = UD_PARSE_MORE;
        o.err = ud_http_parser_push(&p, data + at, n, &used, &what);
        if (used > n || (used == 0 && what == UD_PARSE_MORE && o.err == ESP_OK))
            abort();
        at += used;
        if (o.err == ESP_OK && what != UD_PARSE_MORE && what != UD_PARSE_DONE)
            note_event(&o, &p, what);
        o.done = ud_http_parser_is_done(&p);
    }
    o.offset = p.offset;
    if (o.err == ESP_OK)
        o.err = ud_http_parser_eof(&p);
    ud_http_parser_free(&p);
    if (memory.out != 0)
        abort();
    return o;
}

static esp_err_t zeros(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0, len);
    return ESP_OK;
}

static void perform(const uint8_t *data, size_t size)
{
    struct ud_virtual_clock time = { 0 };
    struct ud_clock clock = ud_virtual_clock(&time);
    const struct ud_crypto crypto = ud_openssl_crypto();
    struct counting_alloc memory = { 0 };
    const struct ud_mem_step steps[] = {
        { .kind = UD_MEM_RECV, .data = data, .len = size },
        { .kind = UD_MEM_SILENCE },
        { .kind = UD_MEM_RECV, .data = data, .len = size, .piece = 3 },
        { .kind = UD_MEM_NEXT_REQUEST },
        { .kind = UD_MEM_RECV, .data = data, .len = size, .piece = 700 },
    };
    struct ud_mem_transport server = { .step = steps, .step_count = UD_ARRAY_LEN(steps), .clock = &clock };
    struct ud_http_env env = { .transport = ud_mem_transport(&server),
                               .alloc = counting_alloc(&memory),
                               .clock = clock,
                               .crypto = &crypto,
                               .entropy = { .fill = zeros } };
    struct ud_http_config cfg = { .url = "https://u:p@host/dir/fw.bin?q",
                                  .tls = { .use_system_store = true },
                                  .answer_basic = true,
                                  .answer_digest = true };
    struct ud_http *h = NULL;
    char url[256];

    if (ud_http_create(&env, &cfg, &h) != ESP_OK)
        abort();
    for (int i = 0; i < 3; i++) {
        esp_err_t err = ud_http_perform(h);
        if (err == ESP_OK && !ud_http_is_complete(h))
            abort();
        if (!ud_http_is_tls(h)) /* https never leads to anything else */
            abort();
        err = ud_http_get_url(h, url, sizeof url);
        if (err != ESP_OK && err != ESP_ERR_INVALID_SIZE)
            abort();
    }
    ud_http_destroy(h);
    if (memory.out != 0 || server.is_open)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = parse(data, size, size > 0 ? size : 1);
    struct outcome bytes = parse(data, size, 1);
    struct outcome some = parse(data, size, 7);
    if (whole.told != bytes.told || whole.err != bytes.err || whole.offset != bytes.offset || whole.done != bytes.done)
        abort();
    if (whole.told != some.told || whole.err != some.err || whole.offset != some.offset || whole.done != some.done)
        abort();
    perform(data, size);
    return 0;
}
