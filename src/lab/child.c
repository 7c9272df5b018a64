/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a firmware. It gets three descriptors and standard output, an environment from an allow-list, and
 * little else: it dies with its supervisor, gains no privileges, leaves no core file, and where the kernel has Landlock
 * it writes to nothing but what it inherited and /dev.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- environment ------------------------------------------------------------------------------------------------ */

static const char *const allowed[] = {
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "HTTP_PROXY",    "HTTPS_PROXY",
    "FTP_PROXY",  "ALL_PROXY",   "NO_PROXY",  "TZ",        "LANG",     "SSL_CERT_FILE", "SSL_CERT_DIR",
};

/* Later options win, so ours are appended. TSan would go on after a report, and a restart would then hide it. */
static const struct {
    const char *name;
    const char *value;
    const char *debugged; /* and these */
} sanitizers[] = {
    { "ASAN_OPTIONS", "exitcode=86:abort_on_error=0", ":detect_leaks=0" },
    { "UBSAN_OPTIONS", "exitcode=86:abort_on_error=0", "" },
    { "TSAN_OPTIONS", "exitcode=86:abort_on_error=0:halt_on_error=1", "" },
    { "LSAN_OPTIONS", "exitcode=86", ":detect_leaks=0" },
};

#define ENVIRONMENT_MAX (UD_ARRAY_LEN(allowed) + UD_ARRAY_LEN(sanitizers))

static const char *find(char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; *env; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

void lab_free_environment(char **env)
{
    for (char **e = env; e && *e; e++)
        free(*e);
    free(env);
}

char **lab_child_environment(char *const *from, bool debug)
{
    char **env = calloc(ENVIRONMENT_MAX + 1, sizeof *env);
    size_t n = 0;
    bool ok = env != NULL;
    for (size_t i = 0; ok && i < UD_ARRAY_LEN(allowed); i++) {
        const char *value = find(from, allowed[i]);
        if (value)
            ok = asprintf(&env[n], "%s=%s", allowed[i], value) >= 0 ? (n++, true) : (env[n] = NULL, false);
    }
    for (size_t i = 0; ok && i < UD_ARRAY_LEN(sanitizers); i++) {
        const char *value = find(from, sanitizers[i].name);
        ok = asprintf(&env[n], "%s=%s%s%s%s", sanitizers[i].name, value ? value : "", value ? ":" : "",
                      sanitizers[i].value, debug ? sanitizers[i].debugged : "") >= 0
                 ? (n++, true)
                 : (env[n] = NULL, false);
    }
    if (ok)
        return env;
    lab_free_environment(env);
    return NULL;
}

/* ---- Landlock --------------------------------------------------------------------------------------------------- */

/* From linux/landlock.h, which older systems lack. Only what writes is handled: reading and executing stay free. */
struct landlock_ruleset {
    uint64_t handled_access_fs;
};
struct __attribute__((packed)) landlock_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
};
enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1, LANDLOCK_BENEATH = 1 };
enum {
    MAY_WRITE_FILE = 1 << 1,
    MAY_CHANGE_FOLDERS = 0x1FF0, /* remove and make anything: bits 4 to 12 */
    MAY_REFER = 1 << 13,         /* since version 2 */
    MAY_TRUNCATE = 1 << 14,      /* since version 3 */
};

/* True also where there is no Landlock. Between fork and exec: system calls only. */
static bool restrict_writing(void)
{
    long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
    if (version < 1)
        return true;
    struct landlock_ruleset rules = { MAY_WRITE_FILE | MAY_CHANGE_FOLDERS };
    if (version >= 2)
        rules.handled_access_fs |= MAY_REFER;
    if (version >= 3)
        rules.handled_access_fs |= MAY_TRUNCATE;
    int fd = (int)syscall(LANDLOCK_CREATE, &rules, sizeof rules, 0);
    int dev = open("/dev", O_PATH | O_CLOEXEC);
    struct landlock_beneath beneath = { rules.handled_access_fs, dev };
    bool ok = fd >= 0 && (dev < 0 || syscall(LANDLOCK_ADD, fd, LANDLOCK_BENEATH, &beneath, 0) == 0) &&
              syscall(LANDLOCK_RESTRICT, fd, 0) == 0;
    if (fd >= 0)
        close(fd);
    if (dev >= 0)
        close(dev);
    return ok;
}

/* ---- the child's side of the fork ------------------------------------------------------------------------------- */

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return;
    now.rlim_cur = now.rlim_max < most ? now.rlim_max : most;
    now.rlim_max = now.rlim_cur;
    setrlimit((__rlimit_resource_t)what, &now);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Move descriptors to their agreed numbers; the sources are above them, so none is overwritten. */
static bool arrange_descriptors(const int from[LAB_CHILD_FDS])
{
    for (int to = 0; to < LAB_CHILD_FDS; to++)
        if (from[to] >= 0 && from[to] != to && dup2(from[to], to) < 0)
            return false;
    return true;
}

#define DEBUGGER_MS 3000

/* Of close_range, since Linux 5.11; before that our own descriptors are closed one by one by O_CLOEXEC. */
#define CLOSED_ON_EXEC 4u

/* Any process of this user may attach, also where Yama allows that to ancestors only; and what lies where is the same
 * in each boot. Where the system refuses, debugging is less comfortable. */
static void welcome_debugger(void)
{
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    personality(ADDR_NO_RANDOMIZE);
}

static _Noreturn void become_firmware(const int from[LAB_CHILD_FDS], int program, char *const *env, pid_t parent,
                                      bool debug)
{
    static char name[] = "firmware";
    char *argv[] = { name, NULL };
    setpgid(0, 0);
    reset_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(126);
    if (debug)
        welcome_debugger();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 1024);
    if (!arrange_descriptors(from) || !restrict_writing())
        _exit(126);
    syscall(SYS_close_range, (unsigned)LAB_CHILD_FDS, ~0u, CLOSED_ON_EXEC);
    fexecve(program, argv, env);
    /* Nothing that takes a lock or memory: another thread of the supervisor's process may have had either. */
    static const char failed[] = "board: the program of this slot cannot be executed by this system\n";
    (void)!write(STDERR_FILENO, failed, sizeof failed - 1);
    _exit(127);
}

/* ---- the supervisor's side -------------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A copy above the agreed numbers, closed on exec. */
static int lift(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
    return high;
}

struct ends {
    int theirs[LAB_CHILD_FDS]; /* standard ones, socket, flash, eFuses, RTC memory: lifted */
    int program;
};

static bool make_ends(struct lab_child *c, struct ends *e, const struct lab_program *program,
                      const struct lab_child_files *files, bool pipes)
{
    int pair[2] = { -1, -1 }, out[2][2] = { { -1, -1 }, { -1, -1 } };
    bool ok = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
    for (int i = 0; ok && pipes && i < 2; i++)
        ok = pipe2(out[i], O_CLOEXEC) == 0 && fcntl(out[i][0], F_SETFL, O_NONBLOCK) == 0;
    int null = isatty(STDIN_FILENO) ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    c->sock = lift(pair[0]);
    c->out[0] = lift(out[0][0]);
    c->out[1] = lift(out[1][0]);
    /* A terminal belongs to the supervisor: a process of another group that reads it would be stopped. */
    const int theirs[LAB_CHILD_FDS] = { null, out[0][1], out[1][1], pair[1], files->flash, files->efuse, files->rtc };
    for (int i = 0; i < LAB_CHILD_FDS; i++)
        e->theirs[i] = lift(theirs[i]);
    e->program = lift(program->fd);
    ok = ok && c->sock >= 0 && e->theirs[3] >= 0 && e->theirs[4] >= 0 && e->theirs[5] >= 0 && e->theirs[6] >= 0 &&
         e->program >= 0 && (!pipes || (c->out[0] >= 0 && c->out[1] >= 0 && e->theirs[1] >= 0 && e->theirs[2] >= 0));
    int code = errno;
    const int low[] = { pair[0], pair[1], out[0][0], out[0][1], out[1][0], out[1][1], null };
    for (size_t i = 0; i < UD_ARRAY_LEN(low); i++)
        if (low[i] >= 0)
            close(low[i]);
    errno = code;
    return ok;
}

esp_err_t lab_child_start(struct lab_child *c, const struct lab_program *program, const struct lab_child_files *files,
                          bool pipes, bool debug, char *why, size_t why_size)
{
    struct ends e;
    *c = (struct lab_child){ .pid = -1, .pidfd = -1, .sock = -1, .debugged = debug, .out = { -1, -1 } };
    char **env = lab_child_environment(environ, debug);
    bool ok = make_ends(c, &e, program, files, pipes) && env;
    pid_t parent = getpid();
    if (ok) {
        fflush(NULL); /* nothing that we have yet to write is written twice */
        c->pid = fork();
        if (c->pid == 0)
            become_firmware(e.theirs, e.program, env, parent, debug);
        ok = c->pid > 0;
    }
    if (ok) {
        setpgid(c->pid, c->pid); /* whoever comes first */
        c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
        ok = c->pidfd >= 0;
    }
    int code = env ? errno : ENOMEM;
    for (int i = 0; i < LAB_CHILD_FDS; i++)
        close_fd(&e.theirs[i]);
    close_fd(&e.program);
    lab_free_environment(env);
    if (ok)
        return ESP_OK;
    int status;
    lab_child_end(c, &status);
    return lab_why(why, why_size, ESP_FAIL, "the firmware's process cannot be started: %s", strerror(code));
}

/* An ended process is its debugger's until that has looked, and one that stands at its prompt never may. */
static bool ended_for_us(const struct lab_child *c)
{
    siginfo_t info;
    for (int turn = 0; turn < DEBUGGER_MS / 10; turn++) {
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == c->pid)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

void lab_child_end(struct lab_child *c, int *status)
{
    *status = 0;
    if (c->pid > 0 && c->debugged) {
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL);
        if (ended_for_us(c))
            while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
                ;
    } else if (c->pid > 0) {
        siginfo_t info;
        /* Its number stays its own until it is reaped: wait without reaping, then kill what is left of the group. */
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL);
        while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
            ;
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
            ;
    }
    c->pid = -1;
    close_fd(&c->pidfd);
    close_fd(&c->sock);
    close_fd(&c->out[0]);
    close_fd(&c->out[1]);
}
