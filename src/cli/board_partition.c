/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board set-partition`: new content for one partition, as a flasher would write it. */
#include "board.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND "board set-partition"

static const char help[] = "Usage: updraft board set-partition BOARD LABEL FILE\n"
                           "\n"
                           "Erases the partition LABEL of a board that does not run, and writes FILE to its start.\n"
                           "\n"
                           "Example:\n"
                           "  updraft board set-partition b.flash cfg config.txt\n";

static int put(const char *board, const char *label, const char *path)
{
    char why[UD_LAB_WHY];
    struct ud_lab_content content = { .label = label, .name = path };
    uint8_t *data;
    size_t len;
    if (!cli_read_file(path, &data, &len))
        return CLI_FAILED;
    int rc = CLI_FAILED;
    struct ud_lab_board *lab = len > 0 ? board_open(board, UD_LAB_WRITE) : NULL;
    if (len == 0)
        cli_error("%s is empty: 'updraft board erase %s %s' is how a partition is cleared", path, board, label);
    if (lab) {
        struct ud_observer obs = cli_error_observer();
        lab->flash.observer = &obs;
        content.data = data;
        content.len = len;
        rc = ud_lab_board_put(lab, &content, why, sizeof why) == ESP_OK ? CLI_OK : cli_error("%s", why);
    }
    board_close(lab);
    free(data);
    return rc;
}

int board_set_partition(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, 0, 'h' }, { 0 } };
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c != 'h')
            return cli_usage(COMMAND, "the command line could not be read");
        fputs(help, stdout);
        return CLI_OK;
    }
    if (argc - optind != 3)
        return cli_usage(COMMAND, "BOARD, LABEL and FILE are needed");
    return put(argv[optind], argv[optind + 1], argv[optind + 2]);
}
