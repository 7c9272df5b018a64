/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board import`: the dump of a real chip becomes a board; what it is, is guessed and said. */
#include "board.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND "board import"

static const char help[] =
    "Usage: updraft board import DUMP [OUT] [OPTIONS]\n"
    "\n"
    "Makes a board of a dump of a chip's flash, as 'esptool read-flash 0 ALL' makes it: OUT (default:\n"
    "DUMP with the ending .flash), OUT.json, OUT.efuse. What the dump tells of the chip is guessed, and\n"
    "said with the reason: the chip by its boot loader's image, else by the apps; the table at 0x8000,\n"
    "else at the only sector that holds one. What cannot be told is refused with the option to give.\n"
    "\n"
    "  --chip NAME             which chip it is\n"
    "  --revision N.M          its revision (default: a usual one that suits the images)\n"
    "  --flash-size SIZE       size of its flash; what the dump lacks is taken for erased\n"
    "  --table-offset ADDR     where its partition table lies\n"
    "  --table TABLE           write this table there, over a damaged one (CSV, binary, or a name)\n"
    "  --runs host|none        host: executes host images; none: executes nothing\n"
    "  --rollback              its boot loader rolls unconfirmed updates back\n"
    "  --no-rollback           it does not\n"
    "  --anti-rollback         it starts nothing whose secure version is below the eFuses; with rollback\n"
    "  --force                 replace a board that exists\n"
    "  --dry-run               guess and say, make nothing\n"
    "  --json                  say it as JSON\n"
    "\n"
    "Example:\n"
    "  esptool read-flash 0 ALL lamp.bin && updraft board import lamp.bin && updraft board map lamp.flash\n";

struct options {
    const char *dump;
    const char *out;
    const char *table;
    const char *revision;
    const char *runs;
    const struct ud_chip *chip;
    uint32_t flash_size;
    uint32_t table_offset;
    int rollback; /* -1: not said */
    bool anti_rollback;
    bool force;
    bool dry_run;
    bool json;
};

static int take_chip(struct options *o)
{
    o->chip = ud_chip_by_name(optarg);
    if (!o->chip || o->chip->id == UD_CHIP_ID_HOST)
        return cli_usage(COMMAND, "--chip '%s' is not a chip that is known", optarg);
    return CLI_OK;
}

static int take_option(int c, struct options *o)
{
    switch (c) {
    case 'c':
        return take_chip(o);
    case 'v':
        o->revision = optarg;
        return CLI_OK;
    case 's':
        return cli_parse_u32(optarg, &o->flash_size) && o->flash_size
                   ? CLI_OK
                   : cli_usage(COMMAND, "--flash-size '%s' is not a size", optarg);
    case 'o':
        return cli_parse_u32(optarg, &o->table_offset) && o->table_offset && o->table_offset % UD_FLASH_SECTOR == 0
                   ? CLI_OK
                   : cli_usage(COMMAND, "--table-offset '%s' is not a sector's address", optarg);
    case 't':
        o->table = optarg;
        return CLI_OK;
    case 'u':
        o->runs = optarg;
        return strcmp(optarg, "host") == 0 || strcmp(optarg, "none") == 0
                   ? CLI_OK
                   : cli_usage(COMMAND, "--runs '%s' is neither host nor none", optarg);
    case 'R':
    case 'r':
        o->rollback = c == 'R';
        return CLI_OK;
    case 'A':
        o->anti_rollback = true;
        return CLI_OK;
    case 'f':
        o->force = true;
        return CLI_OK;
    case 'n':
        o->dry_run = true;
        return CLI_OK;
    case 'j':
        o->json = true;
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
        { "table-offset", required_argument, 0, 'o' },
        { "table", required_argument, 0, 't' },
        { "runs", required_argument, 0, 'u' },
        { "rollback", no_argument, 0, 'R' },
        { "no-rollback", no_argument, 0, 'r' },
        { "anti-rollback", no_argument, 0, 'A' },
        { "force", no_argument, 0, 'f' },
        { "dry-run", no_argument, 0, 'n' },
        { "json", no_argument, 0, 'j' },
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
        return cli_usage(COMMAND, "which dump? Name its file");
    if (optind + 2 < argc)
        return cli_usage(COMMAND, "'%s' is one argument too many", argv[optind + 2]);
    if (o->anti_rollback && o->rollback == 0)
        return cli_usage(COMMAND, "--anti-rollback needs --rollback");
    o->dump = argv[optind];
    o->out = argv[optind + 1]; /* NULL when it is not there */
    return CLI_OK;
}

/* "lamp.bin" -> "lamp.flash"; false, and said, when that is the dump itself. */
static bool out_name(const struct options *o, char *buf, size_t size)
{
    if (o->out) {
        if (strcmp(o->out, o->dump) == 0) {
            cli_error("%s is the dump itself, which is left as it is: name another file for the board", o->out);
            return false;
        }
        return (size_t)snprintf(buf, size, "%s", o->out) < size;
    }
    const char *slash = strrchr(o->dump, '/');
    const char *dot = strrchr(slash ? slash : o->dump, '.');
    int stem = dot && dot != o->dump && dot[-1] != '/' ? (int)(dot - o->dump) : (int)strlen(o->dump);
    bool fits = (size_t)snprintf(buf, size, "%.*s.flash", stem, o->dump) < size;
    if (fits && strcmp(buf, o->dump) != 0)
        return true;
    cli_error("%s: name a file for the board behind it", o->dump);
    return false;
}

/* What the caller knows wins over what was guessed. */
static int override(const struct options *o, struct ud_lab_guessed *g)
{
    struct ud_lab_settings *s = &g->settings;
    if (o->runs) {
        s->runs = strcmp(o->runs, "host") == 0 ? UD_LAB_RUNS_HOST : UD_LAB_RUNS_NONE;
        s->require_digest = s->runs == UD_LAB_RUNS_HOST;
        snprintf(g->because[UD_LAB_GUESS_RUNS], sizeof g->because[0], "given");
    }
    s->boot_anti_rollback = s->app_anti_rollback = o->anti_rollback;
    if (o->rollback >= 0 || o->anti_rollback) {
        s->boot_rollback = s->app_rollback = o->anti_rollback || o->rollback > 0;
        snprintf(g->because[UD_LAB_GUESS_ROLLBACK], sizeof g->because[0], "given");
    }
    if (o->revision) {
        if (!board_parse_revision(o->revision, &s->revision))
            return cli_usage(COMMAND, "--revision '%s' is not a revision such as 0.4", o->revision);
        snprintf(g->because[UD_LAB_GUESS_REVISION], sizeof g->because[0], "given");
    }
    return CLI_OK;
}

/* ---- saying it ----------------------------------------------------------------------------------------------------- */

static const char *const names[UD_LAB_GUESSES] = {
    [UD_LAB_GUESS_CHIP] = "chip",   [UD_LAB_GUESS_REVISION] = "revision", [UD_LAB_GUESS_FLASH_SIZE] = "flash_size",
    [UD_LAB_GUESS_TABLE] = "table", [UD_LAB_GUESS_RUNS] = "runs",         [UD_LAB_GUESS_ROLLBACK] = "rollback",
};
static const char *const titles[UD_LAB_GUESSES] = { "Chip", "Revision", "Flash", "Table", "Runs", "Rollback" };

static void value_text(const struct ud_lab_guessed *g, enum ud_lab_guess what, char *buf, size_t size)
{
    const struct ud_lab_settings *s = &g->settings;
    char text[24];
    switch (what) {
    case UD_LAB_GUESS_CHIP:
        snprintf(buf, size, "%s", s->chip->title);
        return;
    case UD_LAB_GUESS_REVISION:
        snprintf(buf, size, "%u.%u", s->revision / 100u, s->revision % 100u);
        return;
    case UD_LAB_GUESS_FLASH_SIZE:
        board_size_text(s->flash_size, text);
        snprintf(buf, size, "%s", text);
        return;
    case UD_LAB_GUESS_TABLE:
        snprintf(buf, size, "0x%" PRIx32, s->table_offset);
        return;
    case UD_LAB_GUESS_RUNS:
        snprintf(buf, size, "%s", s->runs == UD_LAB_RUNS_HOST ? "host images" : "nothing");
        return;
    default:
        snprintf(buf, size, "%s", s->boot_anti_rollback ? "on and anti" : s->boot_rollback ? "on" : "off");
    }
}

static void print_text(const struct options *o, const char *out, const struct ud_lab_guessed *g)
{
    char value[32];
    if (o->dry_run)
        printf("%s would become a board of\n", o->dump);
    else
        printf("%s is the board of %s\n", out, o->dump);
    for (unsigned i = 0; i < UD_LAB_GUESSES; i++) {
        value_text(g, (enum ud_lab_guess)i, value, sizeof value);
        printf("  %-9s %-11s  %s\n", titles[i], value, g->because[i]);
    }
    for (unsigned i = 0; i < g->remark_count; i++)
        printf("  Note      %s\n", g->remark[i]);
    if (!o->dry_run)
        printf("'updraft board map %s' draws it, 'updraft board why %s' says what it boots.\n", out, out);
}

static void print_json(const struct options *o, const char *out, const struct ud_lab_guessed *g)
{
    const struct ud_lab_settings *s = &g->settings;
    cJSON *root = cJSON_CreateObject();
    cJSON *because = cJSON_CreateObject();
    cJSON *remarks = cJSON_CreateArray();
    char text[32];
    cJSON_AddStringToObject(root, "dump", o->dump);
    if (o->dry_run)
        cJSON_AddNullToObject(root, "board");
    else
        cJSON_AddStringToObject(root, "board", out);
    cJSON_AddStringToObject(root, "chip", s->chip->name);
    value_text(g, UD_LAB_GUESS_REVISION, text, sizeof text);
    cJSON_AddStringToObject(root, "revision", text);
    cJSON_AddNumberToObject(root, "flash_size", s->flash_size);
    cJSON_AddNumberToObject(root, "table_offset", s->table_offset);
    cJSON_AddNumberToObject(root, "partitions", g->table.count);
    cJSON_AddStringToObject(root, "runs", s->runs == UD_LAB_RUNS_HOST ? "host" : "none");
    cJSON_AddBoolToObject(root, "rollback", s->boot_rollback);
    cJSON_AddBoolToObject(root, "anti_rollback", s->boot_anti_rollback);
    for (unsigned i = 0; i < UD_LAB_GUESSES; i++)
        cJSON_AddStringToObject(because, names[i], g->because[i]);
    for (unsigned i = 0; i < g->remark_count; i++)
        cJSON_AddItemToArray(remarks, cJSON_CreateString(g->remark[i]));
    cJSON_AddItemToObject(root, "because", because);
    cJSON_AddItemToObject(root, "notes", remarks);
    cli_print_json(root);
}

/* ---- doing it ------------------------------------------------------------------------------------------------------ */

static int import(const struct options *o, const char *out, struct ud_lab_dump *dump, struct ud_lab_guessed *g)
{
    char why[UD_LAB_WHY];
    struct ud_ptable table;
    if (o->table) {
        struct ud_csv_options csv = { .table_offset = o->table_offset };
        if (!cli_load_table(o->table, &csv, &table))
            return CLI_FAILED;
        dump->table = &table;
    }
    if (ud_lab_dump_guess(dump, g, why, sizeof why) != ESP_OK)
        return cli_error("%s", why);
    for (unsigned i = 0; i < g->remark_count; i++)
        cli_printable(g->remark[i]);
    for (unsigned i = 0; i < UD_LAB_GUESSES; i++)
        cli_printable(g->because[i]);
    int rc = override(o, g);
    if (rc != CLI_OK)
        return rc;
    struct ud_lab_create req = {
        .path = out, .settings = g->settings, .table = &g->table, .force = o->force, .dump = dump
    };
    if (!o->dry_run && ud_lab_board_create(&req, why, sizeof why) != ESP_OK)
        return cli_error("%s", why);
    (o->json ? print_json : print_text)(o, out, g);
    return CLI_OK;
}

int board_import(int argc, char **argv)
{
    struct options o = { .rollback = -1 };
    char out[UD_LAB_PATH];
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = parse(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    struct ud_lab_guessed *g = malloc(sizeof *g);
    rc = CLI_FAILED;
    if (!g)
        cli_error("no memory");
    else if (out_name(&o, out, sizeof out) && cli_read_file(o.dump, &bytes, &len)) {
        struct ud_lab_dump dump = { .name = o.dump,
                                    .bytes = bytes,
                                    .len = len,
                                    .chip = o.chip,
                                    .flash_size = o.flash_size,
                                    .table_offset = o.table_offset };
        rc = import(&o, out, &dump, g);
    }
    free(bytes);
    free(g);
    return rc;
}
