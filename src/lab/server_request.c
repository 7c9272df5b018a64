/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one request head, strictly enough for a server on loopback: one line each, CRLF or LF, 32 KiB at most. The
 * head is taken byte by byte up to its blank line, so that a pipelined next request stays in the socket; where the
 * bytes come from is not known here but in request_read.
 */
#include "server_room.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = 0;
    return text;
}

static bool take_header(struct request *r, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return false;
    *colon = 0;
    char *value = trim(colon + 1);
    const char *digits = value;
    if (strcasecmp(line, "Range") == 0)
        r->range = value;
    else if (strcasecmp(line, "If-None-Match") == 0)
        r->if_none_match = value;
    else if (strcasecmp(line, "If-Range") == 0)
        r->if_range = value;
    else if (strcasecmp(line, "Connection") == 0)
        r->close = strcasecmp(value, "close") == 0 || (r->close && strcasecmp(value, "keep-alive") != 0);
    else if (strcasecmp(line, "Content-Length") == 0)
        return server_number(&digits, &r->body_len) && !*digits;
    else if (strcasecmp(line, "Transfer-Encoding") == 0)
        return false; /* nothing here takes an upload */
    return true;
}

static enum head_result parse_head(struct request *r)
{
    char *rest = r->head;
    char *line = strsep(&rest, "\n");
    char *version = NULL;
    r->method = strsep(&line, " ");
    r->target = strsep(&line, " ");
    if (line)
        version = trim(line);
    if (!r->target || r->target[0] != '/' || !version || strncmp(version, "HTTP/1.", 7) != 0)
        return HEAD_BAD;
    r->close = strcmp(version, "HTTP/1.0") == 0;
    while (rest && (line = trim(strsep(&rest, "\n")))[0])
        if (!take_header(r, line))
            return HEAD_BAD;
    return HEAD_OK;
}

void request_begin(struct request *r)
{
    r->method = r->target = r->range = r->if_none_match = r->if_range = NULL;
    r->close = false;
    r->body_len = 0;
    r->head_len = 0;
    r->head[0] = 0;
}

enum head_result request_push(struct request *r, char byte)
{
    if (byte == 0 || r->head_len >= sizeof r->head - 1)
        return HEAD_BAD;
    r->head[r->head_len++] = byte;
    r->head[r->head_len] = 0;
    if (r->head_len == 2 && memcmp(r->head, "\r\n", 2) == 0)
        r->head_len = 0; /* a stray blank line before a request is allowed (RFC 9112 2.2) */
    const char *end = r->head + r->head_len;
    if ((r->head_len >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0) ||
        (r->head_len >= 2 && memcmp(end - 2, "\n\n", 2) == 0))
        return parse_head(r);
    return HEAD_MORE;
}

enum head_result request_read(struct conn *c, struct request *r)
{
    enum head_result got = HEAD_MORE;
    request_begin(r);
    while (got == HEAD_MORE) {
        char byte;
        long n = conn_read(c, &byte, 1);
        if (n <= 0)
            return r->head_len == 0 || n < 0 ? HEAD_END : HEAD_BAD;
        got = request_push(r, byte);
    }
    return got;
}
