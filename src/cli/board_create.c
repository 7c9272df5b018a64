/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board create`: a board from a table, an app and settings. */
#include "board.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND      "board create"
#define CONTENTS_MAX 32

static const char help[] =
    "Usage: updraft board create FILE [OPTIONS]\n"
    "\n"
    "Makes a virtual board: FILE (a plain flash dump), FILE.json (settings), FILE.efuse.\n"
    "\n"
    "  --chip NAME             what the board says it is (default: the app's chip, else esp32c3)\n"
    "  --revision N.M          revision of that chip (default: a usual one, or what\n"
    "                          the app asks for)\n"
    "  --flash-size SIZE       size of the flash (default: 4MB)\n"
    "  --table TABLE           partition table: CSV or binary file, or single_app, two_ota,\n"
    "                          two_ota_large (default)\n"
    "  --app IMAGE             goes into the factory partition, else into the first OTA slot\n"
    "  --partition LABEL=FILE  content of another partition; may be given again\n"
    "  --runs host|none        host: executes host images; none: holds a real chip's images,\n"
    "                          executes nothing (default: by the app, host without one)\n"
    "  --rollback              the boot loader rolls unconfirmed updates back\n"
    "  --no-rollback           it does not (default on a board that runs none)\n"
    "  --anti-rollback         it starts nothing whose secure version is below the eFuses; with rollback\n"
    "  --no-require-digest     accept images without an appended SHA-256\n"
    "                          (default on a board that runs none)\n"
    "  --require-digest        refuse them\n"
    "  --force                 replace a board that exists\n"
    "\n"
    "Example:\n"
    "  updraft board create b.flash --chip esp32c3 --app build/hello.bin\n";

struct file {
    const char *label;
    const char *path;
    uint8_t *data;
    size_t len;
};

struct options {
    const char *path;
    const char *chip;
    const char *table;
    const char *runs;
    const char *revision;
    int rollback; /* -1: not said */
    bool anti_rollback;
    int digest;
    uint32_t flash_size;
    bool force;
    struct file app;
    struct file content[CONTENTS_MAX];
    size_t content_count;
};

/* "LABEL=FILE": the text is ours to split. */
static int take_partition(char *text, struct options *o)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return cli_usage(COMMAND, "--partition '%s' is not LABEL=FILE", text);
    if (o->content_count == CONTENTS_MAX)
        return cli_usage(COMMAND, "--partition can be given %d times", CONTENTS_MAX);
    *equals = 0;
    o->content[o->content_count++] = (struct file){ .label = text, .path = equals + 1 };
    return CLI_OK;
}

static int take_option(int c, struct options *o)
{
    switch (c) {
    case 'c':
        o->chip = optarg;
        return CLI_OK;
    case 'v':
        o->revision = optarg;
        return CLI_OK;
    case 't':
        o->table = optarg;
        return CLI_OK;
    case 'a':
        o->app.path = optarg;
        return CLI_OK;
    case 'u':
        o->runs = optarg;
        if (strcmp(optarg, "host") != 0 && strcmp(optarg, "none") != 0)
            return cli_usage(COMMAND, "--runs '%s' is neither host nor none", optarg);
        return CLI_OK;
    case 's':
        return cli_parse_u32(optarg, &o->flash_size) ? CLI_OK
                                                     : cli_usage(COMMAND, "--flash-size '%s' is not a size", optarg);
    case 'p':
        return take_partition(optarg, o);
    case 'R':
    case 'r':
        o->rollback = c == 'R';
        return CLI_OK;
    case 'A':
        o->anti_rollback = true;
        return CLI_OK;
    case 'D':
    case 'd':
        o->digest = c == 'D';
        return CLI_OK;
    case 'f':
        o->force = true;
        return CLI_OK;
    default:
        return cli_usage(COMMAND, "the command line could not be read");
    }
}

/* CLI_OK, an exit code, or -1 after --help. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        { "chip", required_argument, 0, 'c' },
        { "revision", required_argument, 0, 'v' },
        { "flash-size", required_argument, 0, 's' },
        { "table", required_argument, 0, 't' },
        { "app", required_argument, 0, 'a' },
        { "partition", required_argument, 0, 'p' },
        { "runs", required_argument, 0, 'u' },
        { "rollback", no_argument, 0, 'R' },
        { "no-rollback", no_argument, 0, 'r' },
        { "anti-rollback", no_argument, 0, 'A' },
        { "require-digest", no_argument, 0, 'D' },
        { "no-require-digest", no_argument, 0, 'd' },
        { "force", no_argument, 0, 'f' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return -1;
        }
        int rc = take_option(c, o);
        if (rc != CLI_OK)
            return rc;
    }
    if (optind >= argc)
        return cli_usage(COMMAND, "which board? Name its flash file");
    if (optind + 1 < argc)
        return cli_usage(COMMAND, "'%s' is one argument too many", argv[optind + 1]);
    o->path = argv[optind];
    return CLI_OK;
}

static bool read_files(struct options *o)
{
    if (o->app.path && !cli_read_file(o->app.path, &o->app.data, &o->app.len))
        return false;
    for (size_t i = 0; i < o->content_count; i++)
        if (!cli_read_file(o->content[i].path, &o->content[i].data, &o->content[i].len))
            return false;
    return true;
}

static bool suits(const struct ud_image_header *h, uint16_t revision)
{
    struct ud_image_rules rules = { .check_chip = true, .chip_id = h->chip_id, .revision = revision };
    return ud_image_check_chip(h, &rules, NULL) == ESP_OK;
}

/* The app says much of what was left open: its chip, and whether the board executes. */
static int settle(const struct options *o, struct ud_lab_settings *s)
{
    struct ud_image_header header;
    bool has_header = o->app.data && ud_image_header_decode(o->app.data, o->app.len, &header) == ESP_OK;
    const struct ud_chip *chip = has_header ? ud_chip_by_id(header.chip_id) : NULL;
    bool is_host = !has_header || header.chip_id == UD_CHIP_ID_HOST;
    ud_lab_settings_defaults(s);
    if (o->chip) {
        s->chip = ud_chip_by_name(o->chip);
        if (!s->chip || s->chip->id == UD_CHIP_ID_HOST)
            return cli_usage(
                COMMAND, "--chip '%s' is not a chip that is known; 'updraft image create --help' names some", o->chip);
    } else if (chip && !is_host) {
        s->chip = chip;
    }
    s->revision = ud_lab_usual_revision(s->chip);
    if (chip && chip == s->chip && !suits(&header, s->revision))
        s->revision = header.min_chip_rev_full;
    if (o->revision && !board_parse_revision(o->revision, &s->revision))
        return cli_usage(COMMAND, "--revision '%s' is not a revision such as 0.4", o->revision);
    if (o->flash_size)
        s->flash_size = o->flash_size;
    bool host = o->runs ? strcmp(o->runs, "host") == 0 : is_host;
    s->runs = host ? UD_LAB_RUNS_HOST : UD_LAB_RUNS_NONE;
    s->boot_rollback = o->rollback < 0 ? host || o->anti_rollback : o->rollback;
    s->app_rollback = s->boot_rollback;
    s->boot_anti_rollback = s->app_anti_rollback = o->anti_rollback;
    if (o->anti_rollback && o->rollback == 0)
        return cli_usage(COMMAND, "--anti-rollback needs --rollback");
    s->require_digest = o->digest < 0 ? host : o->digest;
    return CLI_OK;
}

static struct ud_lab_content content_of(const struct file *f)
{
    return (struct ud_lab_content){ f->label, f->path, f->data, f->len };
}

static int create(const struct options *o)
{
    char why[UD_LAB_WHY];
    struct ud_ptable table;
    struct ud_lab_content content[CONTENTS_MAX];
    struct ud_lab_create req = { .path = o->path, .table = &table, .content = content, .force = o->force };
    int rc = settle(o, &req.settings);
    if (rc != CLI_OK)
        return rc;
    const struct ud_lab_settings *s = &req.settings;
    struct ud_csv_options csv = { .table_offset = s->table_offset,
                                  .has_bootloader_offset = true,
                                  .bootloader_offset = s->chip->bootloader_offset,
                                  .flash_size = s->flash_size };
    if (!cli_load_table(o->table, &csv, &table))
        return CLI_FAILED;
    if (o->app.data)
        req.app = content_of(&o->app);
    for (size_t i = 0; i < o->content_count; i++)
        content[i] = content_of(&o->content[i]);
    req.content_count = o->content_count;
    if (ud_lab_board_create(&req, why, sizeof why) != ESP_OK)
        return cli_error("%s", why);
    char size[24], revision[16];
    board_size_text(s->flash_size, size);
    board_revision_text(s->revision, revision);
    printf("%s: %s revision %s, %s flash, runs %s, rollback %s\n", o->path, s->chip->title, revision, size,
           s->runs == UD_LAB_RUNS_HOST ? "host images" : "nothing",
           s->boot_anti_rollback ? "and anti-rollback on"
           : s->boot_rollback    ? "on"
                                 : "off");
    return CLI_OK;
}

int board_create(int argc, char **argv)
{
    struct options *o = calloc(1, sizeof *o);
    if (!o)
        return cli_error("no memory");
    o->rollback = o->digest = -1;
    o->table = "two_ota_large";
    int rc = parse(argc, argv, o);
    if (rc == CLI_OK)
        rc = read_files(o) ? create(o) : CLI_FAILED;
    free(o->app.data);
    for (size_t i = 0; i < o->content_count; i++)
        free(o->content[i].data);
    free(o);
    return rc < 0 ? CLI_OK : rc;
}
