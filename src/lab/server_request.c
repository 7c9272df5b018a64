/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one request head, strictly enough for a server on loopback: one line each, CRLF or LF, 32 KiB at most. */
#include "server_room.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The head, byte by byte up to the blank line: a pipelined next request stays in the socket. */
static enum head_result read_head(struct conn *c, struct request *r)
{
    size_t len = 0;
    while (len < sizeof r->head - 1) {
        long n = conn_read(c, r->head + len, 1);
        if (n <= 0)
            return len == 0 || n < 0 ? HEAD_END : HEAD_BAD;
        len++;
        r->head[len] = 0;
        if (len == 2 && memcmp(r->head, "\r\n", 2) == 0)
            len = 0; /* a stray blank line before a request is allowed (RFC 9112 2.2) */
        if ((len >= 4 && memcmp(r->head + len - 4, "\r\n\r\n", 4) == 0) ||
            (len >= 2 && memcmp(r->head + len - 2, "\n\n", 2) == 0))
            return HEAD_OK;
    }
    return HEAD_BAD;
}

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

enum head_result request_read(struct conn *c, struct request *r)
{
    r->method = r->target = r->range = r->if_none_match = r->if_range = NULL;
    r->body_len = 0;
    enum head_result got = read_head(c, r);
    if (got != HEAD_OK)
        return got;
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
