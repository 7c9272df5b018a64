/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board read`: bytes of the flash into a file. */
#include "board.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND "board read"

static const char help[] =
    "Usage: updraft board read BOARD LABEL|ADDR[:LEN] [-o FILE] [--image]\n"
    "\n"
    "Reads a partition, or LEN bytes from ADDR on (without LEN: to the end of the partition there,\n"
    "or of the flash). Reads only; works also while the board runs.\n"
    "\n"
    "  -o, --out FILE   where the bytes go (default: standard output, when that is no terminal)\n"
    "  --image          of an app partition only the image in it, without what is behind it\n"
    "\n"
    "Example:\n"
    "  updraft board read b.flash ota_0 --image -o ota_0.bin && updraft image info ota_0.bin\n";

struct options {
    const char *board;
    const char *out;
    struct board_range range;
    bool image;
};

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        { "out", required_argument, 0, 'o' },
        { "image", no_argument, 0, 'i' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            o->out = optarg;
            break;
        case 'i':
            o->image = true;
            break;
        case 'h':
            fputs(help, stdout);
            return -1;
        default:
            return cli_usage(COMMAND, "the command line could not be read");
        }
    }
    if (argc - optind != 2)
        return cli_usage(COMMAND, "BOARD and LABEL or ADDR[:LEN] are needed");
    o->board = argv[optind];
    board_parse_range(argv[optind + 1], &o->range);
    if (o->image && o->range.is_address)
        return cli_usage(COMMAND, "--image needs the label of an app partition");
    if (!o->out && isatty(STDOUT_FILENO))
        return cli_usage(COMMAND, "bytes do not suit a terminal: give -o FILE, or pipe them");
    return CLI_OK;
}

/* Shorten the range to the image that lies there. */
static bool find_image(struct ud_lab_board *lab, struct board_range *r)
{
    struct ud_observer obs = cli_error_observer();
    struct ud_image_info info;
    const struct ud_partition *p = r->partition;
    if (p->type != UD_PART_APP) {
        cli_error("partition '%s' of %s is not for apps, --image does not suit it", r->text, lab->path);
        return false;
    }
    struct ud_image_rules rules = ud_board_image_rules(&lab->board, p);
    rules.check_chip = rules.check_mapping = rules.require_digest = false; /* a foreign image is an image */
    rules.chip = NULL;
    if (ud_image_verify(&lab->flash, p->addr, p->size, &rules, &lab->crypto, &obs, lab->scratch, sizeof lab->scratch,
                        &info) != ESP_OK) {
        cli_error("partition '%s' of %s holds no image that is whole: read it without --image", r->text, lab->path);
        return false;
    }
    r->len = info.len;
    return true;
}

static int put_out(const struct options *o, const uint8_t *bytes)
{
    if (!o->out) {
        bool ok = fwrite(bytes, 1, o->range.len, stdout) == o->range.len && fflush(stdout) == 0;
        return ok ? CLI_OK : cli_error("standard output could not be written");
    }
    if (!cli_write_file(o->out, bytes, o->range.len))
        return CLI_FAILED;
    printf("%s: %" PRIu32 " bytes from 0x%" PRIx32 "\n", o->out, o->range.len, o->range.addr);
    return CLI_OK;
}

/* None of the board's own files is a place for what is read from it. */
static bool is_outside(const char *out, const char *board)
{
    static const char *const suffixes[] = { "", ".json", ".efuse" };
    bool ok = true;
    for (size_t i = 0; ok && i < UD_ARRAY_LEN(suffixes); i++) {
        char *name;
        if (asprintf(&name, "%s%s", board, suffixes[i]) < 0)
            return false;
        ok = cli_may_replace(out, name);
        free(name);
    }
    return ok;
}

static int read_range(struct ud_lab_board *lab, struct options *o)
{
    struct board_range *r = &o->range;
    if (o->out && !is_outside(o->out, lab->path))
        return CLI_FAILED;
    if (!board_resolve_range(lab, r) || (o->image && !find_image(lab, r)))
        return CLI_FAILED;
    uint8_t *bytes = malloc(r->len + 1u);
    if (!bytes)
        return cli_error("no memory for %" PRIu32 " bytes", r->len);
    esp_err_t err = ud_flash_read(&lab->flash, r->addr, bytes, r->len);
    int rc = err == ESP_OK ? put_out(o, bytes) : cli_error("%s cannot be read: %s", lab->path, ud_err_name(err));
    free(bytes);
    return rc;
}

int board_read(int argc, char **argv)
{
    struct options o = { 0 };
    int rc = parse(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    struct ud_lab_board *lab = board_open(o.board, UD_LAB_READ | board_range_mode(&o.range));
    rc = lab ? read_range(lab, &o) : CLI_FAILED;
    board_close(lab);
    return rc;
}
