/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The honest answer: what a well-behaved file server says (RFC 9110: GET and HEAD, one byte range, ETag with
 * If-None-Match and If-Range). It is built as steps, so that the hostile answers and the honest one run the same way.
 */
#include "server_room.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int hex_pair(const char *text)
{
    int value = 0;
    for (int i = 0; i < 2; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Undo %XX in place and cut the query off; false on a bad escape, a NUL, or a hidden or empty name. */
static bool decode_target(char *path)
{
    path[strcspn(path, "?#")] = 0;
    char *out = path;
    for (const char *in = path; *in; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int value = hex_pair(in + 1);
        if (value <= 0)
            return false;
        *out++ = (char)value;
        in += 2;
    }
    *out = 0;
    return *path && *path != '.' && !strstr(path, "/.");
}

static int open_inside(int dir_fd, const char *name, uint64_t flags)
{
    struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
}

bool can_open_beneath(int dir_fd)
{
    int fd = open_inside(dir_fd, ".", O_PATH);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int open_beneath(int dir_fd, const char *path)
{
    char name[4096];
    while (*path == '/')
        path++;
    if (strlen(path) >= sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, path, strlen(path) + 1);
    if (!decode_target(name)) {
        errno = ENOENT;
        return -1;
    }
    int fd = open_inside(dir_fd, name, O_RDONLY | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

struct range {
    uint64_t from, to; /* [from, to) */
    enum { RANGE_NONE, RANGE_GOOD, RANGE_BAD } kind;
};

bool server_number(const char **p, uint64_t *out)
{
    char *end;
    if (**p < '0' || **p > '9')
        return false;
    errno = 0;
    *out = strtoull(*p, &end, 10);
    *p = end;
    return errno == 0;
}

/* "bytes=a-b", "bytes=a-", "bytes=-n". Several ranges or another unit: ignored, as RFC 9110 14.2 allows. */
static struct range parse_range(const char *text, uint64_t size)
{
    struct range none = { 0, size, RANGE_NONE };
    struct range bad = { 0, 0, RANGE_BAD };
    uint64_t a, b;
    if (!text || strncmp(text, "bytes=", 6) != 0)
        return none;
    const char *p = text + 6;
    if (*p == '-') {
        p++;
        if (!server_number(&p, &b) || *p)
            return none;
        return b == 0 || size == 0 ? bad : (struct range){ b < size ? size - b : 0, size, RANGE_GOOD };
    }
    if (!server_number(&p, &a) || *p++ != '-')
        return none;
    b = UINT64_MAX - 1;
    if (*p && (!server_number(&p, &b) || *p || b < a))
        return none;
    if (a >= size)
        return bad;
    return (struct range){ a, b >= size ? size : b + 1, RANGE_GOOD };
}

static bool etag_matches(const char *list, const char *etag)
{
    return list && (strcmp(list, "*") == 0 || strstr(list, etag) != NULL);
}

static bool add_bytes(struct steps *s, char *owned)
{
    if (!owned)
        return false;
    s->step[s->count++] = (struct step){ .kind = STEP_BYTES, .bytes = owned, .len = strlen(owned) };
    return true;
}

static bool plain_answer(struct answer *a, int status, const char *reason, const char *extra, const char *body)
{
    char *text = NULL;
    a->status = status;
    if (asprintf(&text, "HTTP/1.1 %d %s\r\nServer: updraft\r\n%s%sContent-Length: %zu\r\n\r\n%s", status, reason, extra,
                 a->close ? "Connection: close\r\n" : "", strlen(body), body) < 0)
        text = NULL;
    return add_bytes(&a->steps, text);
}

static bool file_answer(struct answer *a, const struct request *r, const struct stat *st)
{
    char etag[64];
    char content_range[96] = "";
    char *head = NULL;
    uint64_t size = (uint64_t)st->st_size;
    snprintf(etag, sizeof etag, "\"%llx-%llx\"",
             (unsigned long long)st->st_mtim.tv_sec * 1000000 + (unsigned long long)st->st_mtim.tv_nsec / 1000,
             (unsigned long long)size);
    if (etag_matches(r->if_none_match, etag)) {
        a->status = 304;
        if (asprintf(&head, "HTTP/1.1 304 Not Modified\r\nServer: updraft\r\nETag: %s\r\n%s\r\n", etag,
                     a->close ? "Connection: close\r\n" : "") < 0)
            head = NULL;
        return add_bytes(&a->steps, head);
    }
    bool fresh = !r->if_range || strcmp(r->if_range, etag) == 0;
    struct range range = parse_range(fresh ? r->range : NULL, size);
    if (range.kind == RANGE_BAD) {
        snprintf(content_range, sizeof content_range, "Content-Range: bytes */%llu\r\n", (unsigned long long)size);
        return plain_answer(a, 416, "Range Not Satisfiable", content_range, "");
    }
    a->status = range.kind == RANGE_GOOD ? 206 : 200;
    if (range.kind == RANGE_GOOD)
        snprintf(content_range, sizeof content_range, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long)range.from, (unsigned long long)range.to - 1, (unsigned long long)size);
    if (asprintf(&head,
                 "HTTP/1.1 %d %s\r\nServer: updraft\r\nContent-Type: application/octet-stream\r\n"
                 "Content-Length: %llu\r\n%sAccept-Ranges: bytes\r\nETag: %s\r\n%s\r\n",
                 a->status, range.kind == RANGE_GOOD ? "Partial Content" : "OK",
                 (unsigned long long)(range.to - range.from), content_range, etag,
                 a->close ? "Connection: close\r\n" : "") < 0)
        head = NULL;
    if (!add_bytes(&a->steps, head))
        return false;
    if (strcmp(r->method, "HEAD") == 0)
        return true;
    a->body_len = range.to - range.from;
    struct step file = { .kind = STEP_FILE, .bytes = strdup(r->target), .from = range.from, .to = range.to };
    a->steps.step[a->steps.count++] = file;
    return file.bytes != NULL;
}

bool honest_answer(int dir_fd, const struct request *r, struct answer *out)
{
    *out = (struct answer){ .close = r->close };
    out->steps.step = calloc(3, sizeof *out->steps.step);
    if (!out->steps.step)
        return false;
    if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0)
        return plain_answer(out, 405, "Method Not Allowed", "Allow: GET, HEAD\r\n", "");
    struct stat st;
    int fd = open_beneath(dir_fd, r->target);
    if (fd < 0 || fstat(fd, &st) != 0)
        return plain_answer(out, 404, "Not Found", "", strcmp(r->method, "HEAD") == 0 ? "" : "no such image here\n");
    close(fd);
    return file_answer(out, r, &st);
}
