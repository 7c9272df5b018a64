/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may write a flash file, and which slot runs. Both are locks of the open file, not notes in a file: they cannot
 * outlive the processes, whatever kills them.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define POLL_MS 20u

/* One line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF". */
struct lock_line {
    bool flock;
    pid_t pid;
    unsigned major, minor;
    unsigned long long inode;
};

static bool take_number(char **p, int base, char end, unsigned long long *out)
{
    char *stop;
    errno = 0;
    *out = strtoull(*p, &stop, base);
    if (errno || stop == *p || *stop != end)
        return false;
    *p = stop + 1;
    return true;
}

/* The word at `*p`, ended in place; NULL at the end of the line. */
static char *take_word(char **p)
{
    char *word = *p + strspn(*p, " \n");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \n");
    *p = *end ? end + 1 : end;
    *end = 0;
    return word;
}

static bool parse_lock_line(char *text, struct lock_line *line)
{
    char *word[6];
    for (size_t i = 0; i < UD_ARRAY_LEN(word); i++)
        if (!(word[i] = take_word(&text)) || strcmp(word[i], "->") == 0) /* "->": waits for one */
            return false;
    char *end;
    errno = 0;
    long pid = strtol(word[4], &end, 10);
    unsigned long long major, minor, inode;
    char *place = word[5];
    if (errno || *end || !take_number(&place, 16, ':', &major) || !take_number(&place, 16, ':', &minor) ||
        !take_number(&place, 10, '\0', &inode))
        return false;
    *line = (struct lock_line){ strcmp(word[1], "FLOCK") == 0, (pid_t)pid, (unsigned)major, (unsigned)minor, inode };
    return true;
}

/* Is it locked at all? Asked with a shared lock that is given back at once. */
static pid_t ask_by_trying(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        flock(fd, LOCK_UN);
        return 0;
    }
    return -1;
}

pid_t lab_lock_holder(int fd)
{
    struct stat st;
    FILE *f = fopen("/proc/locks", "re");
    if (!f || fstat(fd, &st) != 0) {
        if (f)
            fclose(f);
        return ask_by_trying(fd);
    }
    char text[256];
    pid_t pid = 0;
    bool sure = false;
    while (fgets(text, sizeof text, f)) {
        struct lock_line line;
        if (!parse_lock_line(text, &line) || !line.flock || line.inode != st.st_ino)
            continue;
        sure = line.major == major(st.st_dev) && line.minor == minor(st.st_dev);
        if (sure || pid == 0)
            pid = line.pid > 0 ? line.pid : -1;
        if (sure)
            break;
    }
    fclose(f);
    /* Some file systems show another device there than stat does, and a file elsewhere may have the same number. */
    return pid != 0 && !sure && ask_by_trying(fd) == 0 ? 0 : pid;
}

esp_err_t lab_lock(int fd, unsigned wait_ms, pid_t *holder)
{
    for (unsigned waited = 0;; waited += POLL_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return ESP_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ESP_FAIL;
        if (waited >= wait_ms)
            break;
        nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
    }
    *holder = lab_lock_holder(fd);
    if (*holder == 0) /* it went away just now */
        *holder = -1;
    return ESP_ERR_INVALID_STATE;
}

void lab_mark_running(int fd, uint32_t addr)
{
    struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    fcntl(fd, F_OFD_SETLK, &whole);
    if (addr == UINT32_MAX)
        return;
    struct flock byte = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = addr, .l_len = 1 };
    fcntl(fd, F_OFD_SETLK, &byte);
}

uint32_t lab_marked_running(int fd)
{
    struct flock any = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_GETLK, &any) != 0 || any.l_type == F_UNLCK || any.l_start < 0 || any.l_start > UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)any.l_start;
}
