/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as requests to the scripted server, one behind the other as on one connection. What is taken lies inside
 * the head; the honest answer to it never reaches past the file, and what it claims is what it would send.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/lab/server_room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_SIZE = 100, REQUESTS = 16 };

static void need(bool what)
{
    if (!what)
        abort();
}

static char folder[] = "/tmp/ud_fuzz_XXXXXX";
static int folder_fd = -1;

static void remove_folder(void)
{
    unlinkat(folder_fd, "f", 0);
    rmdir(folder);
}

/* A folder with one file, "f". */
static void make_folder(void)
{
    need(mkdtemp(folder) != NULL);
    folder_fd = open(folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int fd = openat(folder_fd, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    need(fd >= 0 && ftruncate(fd, FILE_SIZE) == 0 && atexit(remove_folder) == 0);
    close(fd);
}

static void check_text(const struct request *r, const char *text)
{
    need(!text || (text >= r->head && text + strlen(text) <= r->head + r->head_len));
}

static void check_request(const struct request *r)
{
    need(r->method && r->target && r->target[0] == '/');
    need(!strpbrk(r->method, " \n") && !strpbrk(r->target, " \n"));
    check_text(r, r->method);
    check_text(r, r->target);
    check_text(r, r->range);
    check_text(r, r->if_none_match);
    check_text(r, r->if_range);
}

static void check_answer(const struct request *r)
{
    struct answer a;
    need(honest_answer(folder_fd, r, &a));
    need(a.steps.count >= 1 && a.steps.step[0].kind == STEP_BYTES);
    const char *head = a.steps.step[0].bytes;
    const char *length = strstr(head, "\r\nContent-Length: ");
    need(strncmp(head, "HTTP/1.1 ", 9) == 0 && strtol(head + 9, NULL, 10) == a.status && strstr(head, "\r\n\r\n"));
    need((a.status == 304) == !length && r->close == (strstr(head, "\r\nConnection: close\r\n") != NULL));
    if (a.steps.count == 2) {
        const struct step *file = &a.steps.step[1];
        need(file->kind == STEP_FILE && file->from < file->to && file->to <= FILE_SIZE);
        need(a.body_len == file->to - file->from && strtoull(length + 18, NULL, 10) == a.body_len);
    }
    need(a.steps.count <= 2);
    steps_free(&a.steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct request r;
    size_t at = 0;
    if (folder_fd < 0)
        make_folder();
    for (unsigned n = 0; n < REQUESTS && at < size; n++) {
        enum head_result got = HEAD_MORE;
        request_begin(&r);
        while (got == HEAD_MORE && at < size)
            got = request_push(&r, (char)data[at++]);
        if (got != HEAD_OK)
            break;
        check_request(&r);
        check_answer(&r);
    }
    return 0;
}
