/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board efuse`: the one-way bits of a board. */
#include "board.h"

#include <inttypes.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board efuse show BOARD [--json]\n"
    "\n"
    "Shows what is burnt into the eFuses of a board: the secure version that anti-rollback compares\n"
    "with, and every row of bytes that is not all zero. Reads only; works also while the board runs.\n"
    "\n"
    "Example:\n"
    "  updraft board efuse show b.flash\n";

#define ROW 16u

static unsigned count_bits(const uint8_t bytes[UD_EFUSE_SIZE])
{
    unsigned n = 0;
    for (unsigned i = 0; i < UD_EFUSE_SIZE; i++)
        n += (unsigned)__builtin_popcount(bytes[i]);
    return n;
}

static void print_text(const struct ud_lab_board *lab, const uint8_t bytes[UD_EFUSE_SIZE], uint32_t level)
{
    unsigned burnt = count_bits(bytes);
    printf("%-16s %" PRIu32 " of %u\n", "Secure version", level, lab->settings.chip->secure_version_bits);
    printf("%-16s %u of %u\n", "Burnt bits", burnt, UD_EFUSE_SIZE * 8u);
    for (unsigned at = 0; at < UD_EFUSE_SIZE; at += ROW) {
        bool any = false;
        for (unsigned i = 0; i < ROW; i++)
            any = any || bytes[at + i] != 0;
        if (!any)
            continue;
        printf("  0x%02x ", at);
        for (unsigned i = 0; i < ROW; i++)
            printf(" %02x", bytes[at + i]);
        putchar('\n');
    }
}

static void print_json(const struct ud_lab_board *lab, const uint8_t bytes[UD_EFUSE_SIZE], uint32_t level)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", lab->path);
    cJSON_AddNumberToObject(root, "secure_version", level);
    cJSON_AddNumberToObject(root, "secure_version_bits", lab->settings.chip->secure_version_bits);
    cJSON_AddNumberToObject(root, "burnt_bits", count_bits(bytes));
    cli_json_hex(root, "bytes", bytes, UD_EFUSE_SIZE);
    cli_print_json(root);
}

static int show(int argc, char **argv)
{
    struct board_args args;
    uint8_t bytes[UD_EFUSE_SIZE];
    uint32_t level = 0;
    int rc;
    if (!board_parse(argc, argv, "efuse show", help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_READ | UD_LAB_FILES_ONLY);
    if (!lab)
        return CLI_FAILED;
    esp_err_t err = ud_efuse_read(&lab->board.efuse, 0, bytes, sizeof bytes);
    if (err == ESP_OK)
        err = ud_secure_version_read(&lab->board.efuse, lab->settings.chip->secure_version_bits, &level);
    if (err != ESP_OK)
        rc = cli_error("%s.efuse cannot be read: %s", lab->path, ud_err_name(err));
    else
        (args.json ? print_json : print_text)(lab, bytes, level);
    board_close(lab);
    return rc;
}

int board_efuse(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        { "show", "show what is burnt", show },
        { 0 },
    };
    return cli_dispatch("board efuse", "The one-way bits of a board.", verbs, argc, argv);
}
