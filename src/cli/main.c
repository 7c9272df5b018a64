/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft`: one binary for images, partition tables, virtual boards, updates and the server that offers them. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("updraft " UPDRAFT_VERSION);
    return CLI_OK;
}

static const struct cli_verb verbs[] = {
    { "image", "create, show and verify ESP application images", cmd_image },
    { "partition", "build and show partition tables", cmd_partition },
    { "board", "create, run and explain virtual boards", cmd_board },
    { "ota", "update a board from a URL or a file", cmd_ota },
    { "serve", "offer images over HTTPS", cmd_serve },
    { "powercut", "cut the power at every flash operation of an update", cmd_powercut },
    { "idf", "build and run ordinary ESP-IDF projects", cmd_idf },
    { "idf-path", "print the folder that such a project takes for ESP-IDF", cmd_idf_path },
    { "version", "print the version", cmd_version },
    { 0 },
};

/* What was asked for has come out, or the exit code says that it has not. Who closed the pipe has seen enough. */
static int end_of_output(int rc)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return rc;
    if (errno != EPIPE)
        cli_error("standard output could not be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return rc == CLI_OK ? CLI_FAILED : rc;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error code, not our end */
    signal(SIGXFSZ, SIG_IGN); /* so is a file at its limit */
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return end_of_output(cmd_version(argc, argv));
    return end_of_output(cli_dispatch("", "The ESP-IDF over-the-air update stack, off the chip.", verbs, argc, argv));
}
