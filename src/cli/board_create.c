/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board create`: a board from a table, an app and settings. */
#include "board.h"
#include "project.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND      "board create"
#define CONTENTS_MAX 32

static const char help[] =
    "Usage: updraft board create FILE [OPTIONS]\n"
    "       updraft board create --project DIR [FILE] [OPTIONS]\n"
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
    "  --project DIR           an ESP-IDF project: it is built if needed ('updraft idf build'), and says chip,\n"
    "                          flash size, rollback, table, app and what other partitions hold\n"
    "                          (default of FILE: DIR/build/board.flash)\n"
    "  --build-dir FOLDER      where the project is built (default: DIR/build)\n"
    "  --no-build              take what that folder holds, as it is\n"
    "\n"
    "Example:\n"
    "  updraft board create b.flash --chip esp32c3 --app build/hello.bin\n"
    "  updraft board create --project ~/esp/ota_app\n";

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
    const char *project;
    const char *build_dir;
    bool no_build;
    const char *said; /* the last option that a project says itself */
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
    if (strchr("csauRrA", c))
        o->said = c == 'c'   ? "--chip"
                  : c == 's' ? "--flash-size"
                  : c == 'a' ? "--app"
                  : c == 'u' ? "--runs"
                             : "--rollback";
    switch (c) {
    case 'P':
        o->project = optarg;
        return CLI_OK;
    case 'B':
        o->build_dir = optarg;
        return CLI_OK;
    case 'N':
        o->no_build = true;
        return CLI_OK;
    case 'c':
        o->chip = optarg;
        return CLI_OK;
    case 'v':
        o->revision = optarg;
        return CLI_OK;
    case 't':
        o->table = optarg;
        o->said = "--table";
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
        { "project", required_argument, 0, 'P' },
        { "build-dir", required_argument, 0, 'B' },
        { "no-build", no_argument, 0, 'N' },
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
    if (o->project && o->said)
        return cli_usage(COMMAND, "%s and --project exclude each other: the project says it", o->said);
    if ((o->build_dir || o->no_build) && !o->project)
        return cli_usage(COMMAND, "%s goes with --project", o->build_dir ? "--build-dir" : "--no-build");
    if (optind >= argc && !o->project)
        return cli_usage(COMMAND, "which board? Name its flash file");
    if (optind + 1 < argc)
        return cli_usage(COMMAND, "'%s' is one argument too many", argv[optind + 1]);
    o->path = argv[optind]; /* NULL at the end */
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

static void show(const struct ud_lab_create *req)
{
    const struct ud_lab_settings *s = &req->settings;
    char size[24], revision[16];
    board_size_text(s->flash_size, size);
    board_revision_text(s->revision, revision);
    printf("%s: %s revision %s, %s flash, runs %s, rollback %s\n", req->path, s->chip->title, revision, size,
           s->runs == UD_LAB_RUNS_HOST ? "host images" : "nothing",
           s->boot_anti_rollback ? "and anti-rollback on"
           : s->boot_rollback    ? "on"
                                 : "off");
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
    show(&req);
    return CLI_OK;
}

/* What the command line adds to what the project says. */
static int create_loaded(const struct options *o, const struct project *p, struct project_board *b)
{
    char why[UD_LAB_WHY];
    char path[PROJECT_PATH];
    struct ud_lab_settings *s = &b->settings;
    if (o->revision && !board_parse_revision(o->revision, &s->revision))
        return cli_usage(COMMAND, "--revision '%s' is not a revision such as 0.4", o->revision);
    if (o->digest >= 0)
        s->require_digest = o->digest;
    if (b->content_count + o->content_count > PROJECT_CONTENTS)
        return cli_usage(COMMAND, "--partition is given too often");
    for (size_t i = 0; i < o->content_count; i++)
        b->content[b->content_count++] = content_of(&o->content[i]);
    project_board_path(p, path);
    struct ud_lab_create req = { .path = o->path ? o->path : path,
                                 .settings = *s,
                                 .table = &b->table,
                                 .bootloader = b->bootloader,
                                 .app = b->app,
                                 .content = b->content,
                                 .content_count = b->content_count,
                                 .force = o->force };
    if (ud_lab_board_create(&req, why, sizeof why) != ESP_OK)
        return cli_error("%s", why);
    show(&req);
    return project_board_sign(p, req.path);
}

static int create_of_project(const struct options *o)
{
    const struct project_options how = { .command = COMMAND, .dir = o->project, .build = o->build_dir };
    struct project p;
    struct project_board b;
    int rc = project_open(&how, &p);
    if (rc == CLI_OK)
        rc = o->no_build ? project_take_built(&p) : project_build(&how, &p, NULL);
    if (rc == CLI_OK) {
        rc = project_board_load(&p, &b);
        if (rc == CLI_OK)
            rc = create_loaded(o, &p, &b);
        project_board_free(&b);
    }
    project_close(&p);
    return rc;
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
        rc = !read_files(o) ? CLI_FAILED : o->project ? create_of_project(o) : create(o);
    free(o->app.data);
    for (size_t i = 0; i < o->content_count; i++)
        free(o->content[i].data);
    free(o);
    return rc < 0 ? CLI_OK : rc;
}
