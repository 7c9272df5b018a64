/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board gdb`: GNU gdb with a script that attaches to each boot of a board (updraft_gdb.py). */
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMMAND "board gdb"

/* The script, built in. */
extern const char _binary_updraft_gdb_py_start[], _binary_updraft_gdb_py_end[];

static const char help[] =
    "Usage: updraft board gdb FILE [GDB-OPTIONS]\n"
    "       updraft board gdb --print-script\n"
    "\n"
    "Debug the firmware of a board that 'updraft board run FILE --gdb' runs in another terminal: starts\n"
    "gdb, waits for the board, and attaches. The firmware then stands before app_main: set breakpoints,\n"
    "and continue. After a reset gdb attaches to the next boot by itself, with the symbols of what boots,\n"
    "and goes on; breakpoints stay.\n"
    "\n"
    "Inside gdb:\n"
    "  updraft-attach FILE   what this command has done: wait for that board, attach\n"
    "  updraft-continue      continue over resets until something stops the firmware, or the board is off\n"
    "                        (for scripts with -batch; at the prompt 'continue' does)\n"
    "\n"
    "  --print-script        print the script, for front ends that start gdb themselves (docs/debugging.md)\n"
    "\n"
    "GDB-OPTIONS are passed on, behind the script. The variable UPDRAFT_GDB names another gdb.\n"
    "\n"
    "Example:\n"
    "  updraft board run b.flash --gdb --elf build        (one terminal)\n"
    "  updraft board gdb b.flash -ex 'break app_main'     (another)\n";

static size_t script_len(void)
{
    return (size_t)(_binary_updraft_gdb_py_end - _binary_updraft_gdb_py_start) - 1; /* a NUL ends it */
}

static int print_script(void)
{
    size_t len = script_len();
    if (fwrite(_binary_updraft_gdb_py_start, 1, len, stdout) != len || fflush(stdout) != 0)
        return cli_error("the script could not be written");
    return CLI_OK;
}

/* An open file without a name that holds the script; it stays open in gdb, which reads it. -1: errno says why. */
static int open_script(void)
{
    size_t len = script_len();
    int fd = memfd_create("updraft-gdb", 0);
    if (fd >= 0 && write(fd, _binary_updraft_gdb_py_start, len) != (ssize_t)len) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* gdb reads words in double quotes as a shell does. */
static bool quote(const char *path, char *out, size_t size)
{
    size_t n = 0;
    if (size < 3)
        return false;
    out[n++] = '"';
    for (; *path && n < size - 3; path++) {
        if (*path == '"' || *path == '\\')
            out[n++] = '\\';
        out[n++] = *path;
    }
    out[n++] = '"';
    out[n] = 0;
    return !*path;
}

static int run_gdb(const char *board, int count, char **options)
{
    char source[128], attach[UD_LAB_PATH + 32] = "updraft-attach ";
    const char *gdb = getenv("UPDRAFT_GDB");
    if (!gdb || !*gdb)
        gdb = "gdb";
    int fd = open_script();
    if (fd < 0)
        return cli_error("no memory file for the script: %s", strerror(errno));
    snprintf(source, sizeof source, "python exec(open('/proc/self/fd/%d').read())", fd);
    if (!quote(board, attach + strlen(attach), sizeof attach - strlen(attach)))
        return cli_error("%s: the path is too long", board);
    const char **argv = calloc((size_t)count + 7, sizeof *argv);
    if (!argv)
        return cli_error("no memory");
    size_t n = 0;
    argv[n++] = gdb;
    argv[n++] = "-q";
    argv[n++] = "-ex";
    argv[n++] = source;
    argv[n++] = "-ex";
    argv[n++] = attach;
    for (int i = 0; i < count; i++)
        argv[n++] = options[i];
    execvp(gdb, (char *const *)argv);
    int code = errno;
    free(argv);
    return cli_error("%s: %s; install gdb, or name one in UPDRAFT_GDB", gdb, strerror(code));
}

int board_gdb(int argc, char **argv)
{
    if (argc < 2)
        return cli_usage(COMMAND, "which board? Name its flash file");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--print-script") == 0)
        return argc == 2 ? print_script() : cli_usage(COMMAND, "'%s' is one argument too many", argv[2]);
    if (argv[1][0] == '-')
        return cli_usage(COMMAND, "'%s': the board comes first, then gdb's options", argv[1]);
    if (access(argv[1], R_OK) != 0)
        return cli_error("%s: %s", argv[1], strerror(errno));
    return run_gdb(argv[1], argc - 2, argv + 2);
}
