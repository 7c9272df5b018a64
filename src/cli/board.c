/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board`: the dispatch to its sub-verbs. */
#include "board.h"

static const struct cli_verb verbs[] = {
    { "create", "make a board: flash, settings, eFuses", board_create },
    { "import", "make a board of the dump of a real chip", board_import },
    { "run", "power on: boot, and execute what the slot holds", board_run },
    { "gdb", "debug the firmware of a board that runs, over resets", board_gdb },
    { "map", "draw the flash: slots, versions, states, what boots next", board_map },
    { "why", "explain which slot boots next, rule by rule", board_why },
    { "info", "show the settings of a board", board_info },
    { "boot", "make one boot decision without executing", board_boot },
    { "confirm", "play the app: this version works", board_confirm },
    { "reject", "play the app: this version does not, go back", board_reject },
    { "set-boot", "make a slot the one that boots next", board_set_boot },
    { "erase-otadata", "forget which slot boots", board_erase_otadata },
    { "read", "read a partition, or any bytes of the flash", board_read },
    { "write", "write a file into a partition, or at an address", board_write },
    { "erase", "erase a partition, or any sectors", board_erase },
    { "diff", "compare two boards, part by part", board_diff },
    { "efuse", "show the one-way bits", board_efuse },
    { "set-partition", "replace the content of a partition", board_set_partition },
    { 0 },
};

int cmd_board(int argc, char **argv)
{
    return cli_dispatch("board", "Makes, runs and explains virtual boards.", verbs, argc, argv);
}
