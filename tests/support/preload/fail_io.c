/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library for LD_PRELOAD that makes calls of the C library fail, as disks do. The environment says which:
 *
 *     UD_FAIL_IO="CALL HOW NTH PATH"
 *
 * CALL is open, read, pread, write, pwrite, rename, fsync or openat2. HOW is an errno value, or "short": half of what was asked
 * is done. NTH counts the calls on files whose path contains PATH, from 1; "3+" is the third and all that follow. What
 * was made to fail is told in a line of the file UD_FAIL_LOG, so that a test knows that its case has happened.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* The library's own function of that name, behind this one. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum verdict { DO_IT, DO_HALF, FAIL }; /* FAIL has set errno */

static atomic_uint calls;

static void tell(const char *call, const char *path, unsigned nth)
{
    const char *log = getenv("UD_FAIL_LOG");
    char line[512];
    if (!log)
        return;
    int n = snprintf(line, sizeof line, "%s %u %s\n", call, nth, path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || n < 0 || syscall(SYS_write, fd, line, (size_t)n) != n)
        abort();
    syscall(SYS_close, fd);
}

static enum verdict judge(const char *call, const char *path)
{
    const char *plan = getenv("UD_FAIL_IO");
    char wanted[16], how[16], nth[16], part[256];
    if (!plan || sscanf(plan, "%15s %15s %15s %255s", wanted, how, nth, part) != 4 || strcmp(wanted, call) != 0 ||
        !strstr(path, part))
        return DO_IT;
    unsigned number = atomic_fetch_add(&calls, 1) + 1;
    char *end;
    unsigned long first = strtoul(nth, &end, 10);
    if (number < first || (number > first && *end != '+'))
        return DO_IT;
    tell(call, path, number);
    if (strcmp(how, "short") == 0)
        return DO_HALF;
    errno = (int)strtol(how, NULL, 10);
    return FAIL;
}

static enum verdict judge_fd(const char *call, int fd)
{
    char link[32], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return judge(call, path);
}

/* How much of `len` is to be done; 0: it fails. */
static size_t share(enum verdict verdict, size_t len)
{
    return verdict == FAIL ? 0 : verdict == DO_HALF && len > 1 ? len / 2 : len;
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

#define OPEN(name)                                                                                                     \
    EXPORT int name(const char *path, int flags, ...)                                                                  \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        mode_t mode = va_arg(args, mode_t);                                                                            \
        va_end(args);                                                                                                  \
        if (judge("open", path) == FAIL)                                                                               \
            return -1;                                                                                                 \
        return NEXT(name)(path, flags, mode);                                                                          \
    }
OPEN(open)
OPEN(open64)

EXPORT int mkostemp(char *name, int flags)
{
    return judge("open", name) == FAIL ? -1 : NEXT(mkostemp)(name, flags);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    return judge("open", path) == FAIL ? NULL : NEXT(fopen)(path, mode);
}

/* openat2 has no function of its own. */
EXPORT long syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2 && judge("openat2", (const char *)a[1]) == FAIL)
        return -1;
    return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- read and write ----------------------------------------------------------------------------------------------- */

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
    enum verdict verdict = judge_fd("read", fd);
    return verdict == FAIL ? -1 : NEXT(read)(fd, buf, share(verdict, len));
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
    enum verdict verdict = judge_fd("write", fd);
    return verdict == FAIL ? -1 : NEXT(write)(fd, buf, share(verdict, len));
}

#define PREAD(name)                                                                                                    \
    EXPORT ssize_t name(int fd, void *buf, size_t len, off_t off)                                                      \
    {                                                                                                                  \
        enum verdict verdict = judge_fd("pread", fd);                                                                  \
        return verdict == FAIL ? -1 : NEXT(name)(fd, buf, share(verdict, len), off);                                   \
    }
PREAD(pread)
PREAD(pread64)

#define PWRITE(name)                                                                                                   \
    EXPORT ssize_t name(int fd, const void *buf, size_t len, off_t off)                                                \
    {                                                                                                                  \
        enum verdict verdict = judge_fd("pwrite", fd);                                                                 \
        return verdict == FAIL ? -1 : NEXT(name)(fd, buf, share(verdict, len), off);                                   \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* ---- rename and fsync ---------------------------------------------------------------------------------------------- */

EXPORT int rename(const char *from, const char *to)
{
    return judge("rename", to) == FAIL ? -1 : NEXT(rename)(from, to);
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return judge("rename", to) == FAIL ? -1 : NEXT(renameat2)(from_dir, from, to_dir, to, flags);
}

EXPORT int fsync(int fd)
{
    return judge_fd("fsync", fd) == FAIL ? -1 : NEXT(fsync)(fd);
}
