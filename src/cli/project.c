/* SPDX-License-Identifier: Apache-2.0 */
/* Configuring and building an ESP-IDF project; see project.h. */
#include "project.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define MARK "UPDRAFT_IDF_PATH:INTERNAL="

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "<a>/<b>"; false after a message when it is too long. */
static bool join(char out[PROJECT_PATH], const char *a, const char *b)
{
    int n = snprintf(out, PROJECT_PATH, "%s/%s", a, b);
    if (n > 0 && n < PROJECT_PATH)
        return true;
    cli_error("the path %.60s… is too long", a);
    return false;
}

static bool exists(const char *folder, const char *name)
{
    char path[PROJECT_PATH];
    return join(path, folder, name) && access(path, F_OK) == 0;
}

/* The program is in bin/, the folder in share/updraft/, in a build tree as where it was installed. */
bool project_idf_path(char path[PROJECT_PATH])
{
    char exe[PROJECT_PATH];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) {
        cli_error("where this program lies cannot be told: %s", strerror(errno));
        return false;
    }
    exe[n] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        if (slash)
            *slash = 0;
    }
    if (!join(path, exe, "share/updraft/idf"))
        return false;
    if (exists(path, "tools/cmake/project.cmake"))
        return true;
    cli_error("%s is not there: 'make install' puts it beside this program", path);
    return false;
}

/* ---- the folders ---- */

static int find_project(const struct project_options *o, struct project *p)
{
    const char *dir = o->dir ? o->dir : ".";
    char resolved[PATH_MAX];
    if (!realpath(dir, resolved))
        return cli_error("%s: %s", dir, strerror(errno));
    ud_strcopy(p->dir, sizeof p->dir, resolved, sizeof p->dir - 1);
    if (exists(p->dir, "CMakeLists.txt"))
        return CLI_OK;
    return cli_error("%s is no ESP-IDF project: it has no CMakeLists.txt", dir);
}

static int find_build(const struct project_options *o, struct project *p)
{
    if (!o->build)
        return join(p->build, p->dir, "build") ? CLI_OK : CLI_FAILED;
    if (o->build[0] == '/') {
        if (strlen(o->build) >= sizeof p->build)
            return cli_error("the path %.60s… is too long", o->build);
        ud_strcopy(p->build, sizeof p->build, o->build, sizeof p->build - 1);
        return CLI_OK;
    }
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here))
        return cli_error("the current folder: %s", strerror(errno));
    return join(p->build, here, o->build) ? CLI_OK : CLI_FAILED;
}

int project_open(const struct project_options *o, struct project *p)
{
    *p = (struct project){ 0 };
    if (!project_idf_path(p->idf))
        return CLI_FAILED;
    int rc = find_project(o, p);
    return rc == CLI_OK ? find_build(o, p) : rc;
}

void project_close(struct project *p)
{
    cJSON_Delete(p->description);
    p->description = NULL;
}

/* The line of CMake's cache that our project.cmake leaves: copied to `value`. */
static bool find_mark(const struct project *p, char value[PROJECT_PATH])
{
    char path[PROJECT_PATH];
    char line[PROJECT_PATH + sizeof MARK];
    bool found = false;
    if (!join(path, p->build, "CMakeCache.txt"))
        return false;
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        found = strncmp(line, MARK, sizeof MARK - 1) == 0;
        if (found) {
            line[strcspn(line, "\n")] = 0;
            ud_strcopy(value, PROJECT_PATH, line + sizeof MARK - 1, PROJECT_PATH - 1);
        }
    }
    if (f)
        fclose(f);
    return found;
}

bool project_is_configured(const struct project *p)
{
    char value[PROJECT_PATH];
    return find_mark(p, value);
}

static int check_build_folder(const struct project *p)
{
    char made_with[PROJECT_PATH];
    if (!exists(p->build, "CMakeCache.txt"))
        return CLI_OK;
    if (!find_mark(p, made_with))
        return cli_error(
            "%s was made by another build system, and stays as it is: use another folder, -B build-updraft", p->build);
    if (strcmp(made_with, p->idf) != 0)
        return cli_error(
            "%s was made with %s, this program's folder is %s: 'updraft idf fullclean', or another folder (-B)",
            p->build, made_with, p->idf);
    return CLI_OK;
}

/* ---- programs ---- */

/* Lines of CMake that are ours go to standard error. */
static void show_ours(FILE *from)
{
    static const char ours[] = "-- updraft: ";
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, from) >= 0)
        if (strncmp(line, ours, sizeof ours - 1) == 0)
            fprintf(stderr, "updraft: %s", line + sizeof ours - 1);
    free(line);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int project_spawn(const struct project *p, char *const argv[], enum project_output output)
{
    bool filter = output == PROJECT_FILTERED;
    int ends[2] = { -1, -1 };
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (setenv("IDF_PATH", p->idf, 1) != 0 || (filter && pipe2(ends, O_CLOEXEC) != 0)) {
        cli_error("%s: %s", argv[0], strerror(errno));
        return 127;
    }
    fflush(stdout);
    posix_spawn_file_actions_init(&actions);
    if (filter)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    else if (output == PROJECT_ERR)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int code = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (filter)
        close(ends[1]);
    FILE *from = filter ? fdopen(ends[0], "r") : NULL;
    if (code == 0 && from)
        show_ours(from);
    if (from)
        fclose(from);
    else if (filter)
        close(ends[0]);
    if (code == 0)
        return wait_for(pid);
    cli_error("'%s' cannot be started: %s", argv[0], strerror(code));
    return 127;
}

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");
    char file[PROJECT_PATH];
    while (path && *path) {
        size_t len = strcspn(path, ":");
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)len, path, name);
        if (n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0)
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* ---- building ---- */

static int configure(const struct project_options *o, struct project *p)
{
    char *argv[16 + PROJECT_DEFINES];
    char define[PROJECT_DEFINES][PROJECT_PATH];
    size_t n = 0;
    argv[n++] = "cmake";
    argv[n++] = "-S";
    argv[n++] = p->dir;
    argv[n++] = "-B";
    argv[n++] = p->build;
    if (!exists(p->build, "CMakeCache.txt")) {
        argv[n++] = "-G";
        argv[n++] = in_path("ninja") ? "Ninja" : "Unix Makefiles";
    }
    for (size_t i = 0; i < o->define_count; i++) {
        int len = snprintf(define[i], sizeof define[i], "-D%s", o->define[i]);
        if (len < 0 || (size_t)len >= sizeof define[i])
            return cli_error("-D %.60s… is too long", o->define[i]);
        argv[n++] = define[i];
    }
    argv[n] = NULL;
    double start = now_s();
    int rc = project_spawn(p, argv, o->verbose ? PROJECT_ERR : PROJECT_FILTERED);
    p->configure_s = now_s() - start;
    return rc == 0 ? CLI_OK : cli_error("%s could not be configured", p->dir);
}

static bool has_build_file(const struct project *p)
{
    return exists(p->build, "build.ninja") || exists(p->build, "Makefile");
}

int project_take_built(struct project *p)
{
    char path[PROJECT_PATH];
    uint8_t *text;
    size_t len;
    if (!join(path, p->build, "project_description.json") || !cli_read_file(path, &text, &len))
        return CLI_FAILED;
    cJSON_Delete(p->description);
    p->description = cJSON_ParseWithLength((const char *)text, len);
    free(text);
    return p->description ? CLI_OK : cli_error("%s is not JSON: 'updraft idf fullclean', then build again", path);
}

int project_build(const struct project_options *o, struct project *p, const char *target)
{
    int rc = check_build_folder(p);
    if (rc == CLI_OK && (o->define_count > 0 || !has_build_file(p)))
        rc = configure(o, p);
    if (rc != CLI_OK)
        return rc;
    char *argv[8] = { "cmake", "--build", p->build };
    size_t n = 3;
    if (target) {
        argv[n++] = "--target";
        argv[n++] = (char *)target;
    }
    if (o->verbose) {
        argv[n++] = "-v";
    } else if (!isatty(STDERR_FILENO) && exists(p->build, "build.ninja")) { /* where nobody watches: what goes wrong */
        argv[n++] = "--";
        argv[n++] = "--quiet";
    }
    double start = now_s();
    if (project_spawn(p, argv, PROJECT_ERR) != 0)
        return cli_error("%s could not be built", p->dir);
    p->build_s = now_s() - start;
    return project_take_built(p);
}

const char *project_text(const struct project *p, const char *member)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(p->description, member);
    return cJSON_IsString(at) ? at->valuestring : "";
}
