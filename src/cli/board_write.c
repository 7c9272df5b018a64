/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board write` and `erase`: the flash of a board that does not run, as a flasher changes it. */
#include "board.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char write_help[] =
    "Usage: updraft board write BOARD LABEL|ADDR[:LEN] FILE\n"
    "\n"
    "Writes FILE into a board that does not run. With LABEL the whole partition is erased first; with\n"
    "ADDR, which must be a multiple of 4 KB, the sectors that FILE touches, or those of LEN bytes.\n"
    "Nothing is judged: what is written may keep the board from booting ('updraft board why').\n"
    "\n"
    "Example:\n"
    "  updraft board write b.flash 0x8000 table.bin\n";

static const char erase_help[] =
    "Usage: updraft board erase BOARD LABEL|ADDR:LEN\n"
    "\n"
    "Erases a partition, or LEN bytes from ADDR on (both multiples of 4 KB), of a board that does not\n"
    "run. Erased flash reads FF.\n"
    "\n"
    "Example:\n"
    "  updraft board erase b.flash nvs\n";

/* CLI_OK, an exit code, or -1 after --help; `count` arguments. */
static int parse(int argc, char **argv, const char *command, const char *help, int count, const char *needed)
{
    static const struct option options[] = { { "help", no_argument, 0, 'h' }, { 0 } };
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c != 'h')
            return cli_usage(command, "the command line could not be read");
        fputs(help, stdout);
        return -1;
    }
    if (argc - optind != count)
        return cli_usage(command, "%s are needed", needed);
    return CLI_OK;
}

static int erase_sectors(struct ud_lab_board *lab, const struct board_range *r)
{
    if (r->addr % UD_FLASH_SECTOR != 0 || r->len % UD_FLASH_SECTOR != 0)
        return cli_error("'%s' does not begin and end with a sector: flash is erased by 4 KB (0x1000)", r->text);
    struct ud_observer obs = cli_error_observer();
    lab->flash.observer = &obs;
    esp_err_t err = ud_flash_erase(&lab->flash, r->addr, r->len);
    lab->flash.observer = NULL;
    return err == ESP_OK ? CLI_OK : cli_error("%s could not be erased: %s", lab->path, ud_err_name(err));
}

/* ---- write --------------------------------------------------------------------------------------------------------- */

static int write_range(struct ud_lab_board *lab, struct board_range *r, const char *file, const uint8_t *data,
                       uint32_t len)
{
    struct board_range erase;
    if (!board_resolve_range(lab, r))
        return CLI_FAILED;
    if (len > r->len)
        return cli_error("%s has %" PRIu32 " bytes, '%s' has %" PRIu32, file, len, r->text, r->len);
    erase = *r;
    if (r->is_address && !ud_round_up(r->len, UD_FLASH_SECTOR, &erase.len))
        return cli_error("'%s' is not inside the flash", r->text);
    int rc = erase_sectors(lab, &erase);
    if (rc != CLI_OK)
        return rc;
    struct ud_observer obs = cli_error_observer();
    lab->flash.observer = &obs;
    esp_err_t err = ud_flash_program(&lab->flash, r->addr, data, len);
    lab->flash.observer = NULL;
    if (err != ESP_OK)
        return cli_error("%s could not be written: %s", lab->path, ud_err_name(err));
    printf("%s: %" PRIu32 " bytes of %s at 0x%" PRIx32 ", erased to 0x%" PRIx32 "\n", lab->path, len, file, r->addr,
           erase.addr + erase.len);
    return CLI_OK;
}

int board_write(int argc, char **argv)
{
    struct board_range range;
    uint8_t *data;
    size_t len;
    int rc = parse(argc, argv, "board write", write_help, 3, "BOARD, LABEL or ADDR, and FILE");
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    const char *file = argv[optind + 2];
    board_parse_range(argv[optind + 1], &range);
    if (!cli_read_file(file, &data, &len))
        return CLI_FAILED;
    rc = CLI_FAILED;
    struct ud_lab_board *lab = NULL;
    if (len == 0)
        cli_error("%s is empty: 'updraft board erase %s %s' is how flash is cleared", file, argv[optind],
                  argv[optind + 1]);
    else if (len > UINT32_MAX)
        cli_error("%s has %zu bytes, which no flash has", file, len);
    else {
        if (range.is_address && !range.has_len) {
            range.len = (uint32_t)len;
            range.has_len = true;
        }
        lab = board_open(argv[optind], UD_LAB_WRITE | board_range_mode(&range));
    }
    if (lab)
        rc = write_range(lab, &range, file, data, (uint32_t)len);
    board_close(lab);
    free(data);
    return rc;
}

/* ---- erase --------------------------------------------------------------------------------------------------------- */

int board_erase(int argc, char **argv)
{
    struct board_range range;
    int rc = parse(argc, argv, "board erase", erase_help, 2, "BOARD and LABEL or ADDR:LEN");
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    board_parse_range(argv[optind + 1], &range);
    if (range.is_address && !range.has_len)
        return cli_usage("board erase", "how many bytes from %s on? Say %s:LEN", range.text, range.text);
    struct ud_lab_board *lab = board_open(argv[optind], UD_LAB_WRITE | board_range_mode(&range));
    if (!lab)
        return CLI_FAILED;
    rc = board_resolve_range(lab, &range) ? erase_sectors(lab, &range) : CLI_FAILED;
    if (rc == CLI_OK)
        printf("%s: %" PRIu32 " bytes erased at 0x%" PRIx32 "\n", lab->path, range.len, range.addr);
    board_close(lab);
    return rc;
}
