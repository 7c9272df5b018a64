/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a crash as functions and lines: by addr2line of binutils, which knows every DWARF. */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES_MAX 64

extern char **environ;

struct command {
    char *argv[FRAMES_MAX + 5];
    char *words; /* the addresses, cut into words */
};

static bool make_command(struct command *c, const char *elf, const char *addresses)
{
    static char program[] = "addr2line", options[] = "-apfiC", of[] = "-e";
    size_t n = 0;
    c->words = strdup(addresses);
    c->argv[n++] = program;
    c->argv[n++] = options;
    c->argv[n++] = of;
    c->argv[n] = strdup(elf);
    if (!c->words || !c->argv[n])
        return false;
    n++;
    char *rest = c->words;
    for (char *word; n < UD_ARRAY_LEN(c->argv) - 1 && (word = strsep(&rest, " ")) != NULL;)
        if (strncmp(word, "0x", 2) == 0)
            c->argv[n++] = word;
    c->argv[n] = NULL;
    return true;
}

/* "0x0000000000001234: f at a.c:3" without the zeros. */
static void pass_line(char *text, void (*line)(void *ctx, const char *text), void *ctx)
{
    text[strcspn(text, "\n")] = 0;
    if (strncmp(text, "0x", 2) == 0) {
        size_t zeros = strspn(text + 2, "0");
        memmove(text + 2, text + 2 + zeros, strlen(text + 2 + zeros) + 1);
    }
    line(ctx, text);
}

static pid_t start(char *const *argv, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0) != 0 ||
        posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

bool lab_backtrace(const char *elf, const char *addresses, void (*line)(void *ctx, const char *text), void *ctx)
{
    struct command c = { .argv = { NULL } };
    int ends[2] = { -1, -1 }, status;
    char text[1024];
    unsigned lines = 0;
    pid_t pid = -1;
    if (make_command(&c, elf, addresses) && pipe2(ends, O_CLOEXEC) == 0) {
        pid = start(c.argv, ends[1]);
        close(ends[1]);
        FILE *f = fdopen(ends[0], "r");
        for (; f && fgets(text, sizeof text, f); lines++)
            pass_line(text, line, ctx);
        if (f)
            fclose(f);
        else
            close(ends[0]);
    }
    if (pid > 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    free(c.argv[3]);
    free(c.words);
    return lines > 0;
}
