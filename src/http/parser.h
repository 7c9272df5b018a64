/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The response parser: bytes in, one event at a time out. What it answers does not depend on how the input was cut.
 *
 * Push again while it says anything but MORE; it stops at the end of the message and takes no byte after it. Interim
 * responses (1xx but 101) pass silently. Lines are collected whole, so that names and values come in one piece.
 *
 *     START -> STATUS_LINE -> FIELD_START <-> FIELD_LINE -> body by length / until close / chunks -> DONE
 *                                  |  CHUNK_SIZE -> CHUNK_EXT -> CHUNK_DATA -> CHUNK_END -> CHUNK_SIZE …
 *                                  |  size 0: TRAILER_START <-> TRAILER_LINE -> DONE
 *     any -> FAILED, for good
 */
#ifndef UD_HTTP_PARSER_H
#define UD_HTTP_PARSER_H

#include "buf.h"

/* Bytes of all heads up to the final one; of the trailers; of one chunk's extension. */
enum { UD_HTTP_HEAD_MAX = 80 * 1024 };

enum ud_http_parse {
    UD_PARSE_MORE,   /* all bytes taken */
    UD_PARSE_STATUS, /* status, reason ("" when absent) */
    UD_PARSE_FIELD,  /* name, value */
    UD_PARSE_HEAD,   /* the head is complete: content_length, chunked, keep_alive hold */
    UD_PARSE_BODY,   /* body, body_len */
    UD_PARSE_DONE,   /* the message is complete */
};

enum ud_http_parser_state {
    UD_PS_START,
    UD_PS_STATUS_LINE,
    UD_PS_FIELD_START,
    UD_PS_FIELD_LINE,
    UD_PS_BODY_LENGTH,
    UD_PS_BODY_CLOSE,
    UD_PS_CHUNK_SIZE,
    UD_PS_CHUNK_EXT,
    UD_PS_CHUNK_SIZE_LF,
    UD_PS_CHUNK_DATA,
    UD_PS_CHUNK_END,
    UD_PS_CHUNK_END_LF,
    UD_PS_TRAILER_START,
    UD_PS_TRAILER_LINE,
    UD_PS_DONE,
    UD_PS_FAILED,
};

struct ud_http_parser {
    enum ud_http_parser_state state;
    struct ud_http_buf line;
    bool head_request; /* the answer to HEAD has no body */

    int status;
    const char *reason; /* borrowed until the next push */
    const char *name;
    const char *value;
    const void *body;
    size_t body_len;

    int64_t content_length; /* -1: absent */
    bool chunked;
    bool keep_alive; /* the connection can be used again once the message is complete */

    uint64_t offset; /* bytes taken */
    const char *why; /* FAILED: what was met */

    bool is_http_1_1;
    bool has_length;
    bool has_encoding;
    bool says_close;
    bool says_keep_alive;
    bool pending;    /* a whole line is collected and not told yet */
    bool tab_at_end; /* the value had one, which a Content-Length must not */
    bool digits;     /* the chunk size has one */
    uint64_t left;
    size_t head_bytes;
};

void ud_http_parser_init(struct ud_http_parser *p, const struct ud_alloc *alloc);
/** Expect a new response; the memory is kept. */
void ud_http_parser_reset(struct ud_http_parser *p, bool head_request);
void ud_http_parser_free(struct ud_http_parser *p);

/** Take bytes until there is something to tell. ESP_FAIL: not HTTP, `why` says so; ESP_ERR_NO_MEM. */
UD_MUST_USE esp_err_t ud_http_parser_push(struct ud_http_parser *p, const void *data, size_t len, size_t *used,
                                          enum ud_http_parse *what);
/** The peer closed: ESP_OK when that completes the message, or it was complete; ESP_FAIL when it was cut short. */
UD_MUST_USE esp_err_t ud_http_parser_eof(struct ud_http_parser *p);
bool ud_http_parser_is_done(const struct ud_http_parser *p);
/** How many of the next bytes are body for certain (SIZE_MAX: all until the peer closes). */
size_t ud_http_parser_body_ahead(const struct ud_http_parser *p);

#endif
