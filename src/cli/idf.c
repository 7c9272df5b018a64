/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft idf`: ordinary ESP-IDF projects, built for a virtual board. `updraft idf-path`: the folder for that. */
#include "board.h"
#include "project.h"

#include "updraft/partition.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS_HELP                                                                                                   \
    "  -C, --project DIR       the same as DIR\n"                                                                      \
    "  -B, --build-dir FOLDER  where it is built (default: DIR/build)\n"                                               \
    "  -D NAME=VALUE           for CMake, such as IDF_TARGET=esp32c3 or SDKCONFIG_DEFAULTS=ci.defaults\n"              \
    "  -v, --verbose           show all that CMake and the compiler are asked\n"

static const char build_help[] =
    "Usage: updraft idf build [DIR] [OPTIONS]\n"
    "\n"
    "Configures and builds an ESP-IDF project as it is (CMakeLists.txt with project.cmake of\n"
    "ESP-IDF) for a virtual board. What ESP-IDF puts into the build folder is there: NAME.elf, NAME.bin,\n"
    "partition_table/partition-table.bin, config/sdkconfig.h, flasher_args.json, ... The project's own\n"
    "sdkconfig is read and never written; options live in FOLDER/sdkconfig.\n"
    "\n" OPTIONS_HELP "\n"
    "Options that mean nothing on a host are named in one line. Those of security and layout that are\n"
    "not known stop the build; -D UPDRAFT_IGNORE=NAME lets one pass.\n"
    "\n"
    "Example:\n"
    "  updraft idf build ~/esp/ota_app && updraft board run --project ~/esp/ota_app\n";

static const char run_help[] =
    "Usage: updraft idf run [DIR] [OPTIONS] [-- OPTIONS OF 'updraft board run']\n"
    "\n"
    "Builds the project if needed, makes its board if there is none, puts a new app on it, runs it.\n"
    "The same as 'updraft board run --project DIR'.\n"
    "\n" OPTIONS_HELP "\n"
    "Example:\n"
    "  updraft idf run ~/esp/ota_app -- --until 'Returned from app_main' --timeout 20\n";

static const char menuconfig_help[] =
    "Usage: updraft idf menuconfig [DIR] [OPTIONS]\n"
    "\n"
    "Changes options in a menu. What has changed is shown and kept in FOLDER/sdkconfig.changes; put the\n"
    "lines into sdkconfig.defaults if they shall outlive the build folder.\n"
    "\n" OPTIONS_HELP "\n"
    "Example:\n"
    "  updraft idf menuconfig ~/esp/ota_app\n";

static const char fullclean_help[] =
    "Usage: updraft idf fullclean [DIR] [OPTIONS]\n"
    "\n"
    "Removes the build folder, the board in it included. One that another build system has made stays.\n"
    "\n" OPTIONS_HELP "\n"
    "Example:\n"
    "  updraft idf fullclean ~/esp/ota_app\n";

static const char size_help[] =
    "Usage: updraft idf size [DIR] [OPTIONS]\n"
    "\n"
    "Builds the project if needed, and says how large its image is beside the slots of its table. (A\n"
    "program of this machine is larger or smaller than the chip's.)\n"
    "\n" OPTIONS_HELP "\n"
    "Example:\n"
    "  updraft idf size ~/esp/ota_app\n";

/* ---- the command line ---- */

/* CLI_OK, an exit code, or -1 after --help. What follows "--" is left to the caller, from `*rest` on. */
static int parse(int argc, char **argv, const char *help, struct project_options *o, int *rest)
{
    static const struct option options[] = {
        { "project", required_argument, 0, 'C' }, { "build-dir", required_argument, 0, 'B' },
        { "define", required_argument, 0, 'D' },  { "verbose", no_argument, 0, 'v' },
        { "help", no_argument, 0, 'h' },          { 0 },
    };
    int end = argc;
    for (int i = 1; i < argc && end == argc; i++)
        if (strcmp(argv[i], "--") == 0)
            end = i;
    *rest = end < argc ? end + 1 : argc;
    int c;
    while ((c = getopt_long(end, argv, "C:B:D:vh", options, NULL)) != -1) {
        switch (c) {
        case 'C':
            o->dir = optarg;
            break;
        case 'B':
            o->build = optarg;
            break;
        case 'D':
            if (!strchr(optarg, '='))
                return cli_usage(o->command, "-D %s is not NAME=VALUE", optarg);
            if (o->define_count == PROJECT_DEFINES)
                return cli_usage(o->command, "-D can be given %d times", PROJECT_DEFINES);
            o->define[o->define_count++] = optarg;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'h':
            fputs(help, stdout);
            return -1;
        default:
            return cli_usage(o->command, "the command line could not be read");
        }
    }
    if (optind < end && !o->dir)
        o->dir = argv[optind++];
    if (optind < end)
        return cli_usage(o->command, "'%s' is one argument too many", argv[optind]);
    return CLI_OK;
}

/* A verb is: read the command line, open the project, do it. */
static int with_project(int argc, char **argv, const char *command, const char *help,
                        int (*run)(const struct project_options *o, struct project *p))
{
    struct project_options o = { .command = command };
    struct project p = { .description = NULL };
    int rest;
    int rc = parse(argc, argv, help, &o, &rest);
    if (rc == CLI_OK && rest < argc)
        rc = cli_usage(command, "'%s' is one argument too many", argv[rest]);
    if (rc == CLI_OK)
        rc = project_open(&o, &p);
    if (rc == CLI_OK)
        rc = run(&o, &p);
    project_close(&p);
    return rc < 0 ? CLI_OK : rc;
}

/* ---- build, size ---- */

static bool load_table(const struct project *p, struct ud_ptable *table)
{
    char path[PROJECT_PATH];
    const struct ud_csv_options any = { .table_offset = 0x8000 };
    int n = snprintf(path, sizeof path, "%s/partition_table/partition-table.bin", p->build);
    return n > 0 && (size_t)n < sizeof path && cli_load_table(path, &any, table);
}

static bool app_size(const struct project *p, uint32_t *size)
{
    char path[PROJECT_PATH];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", p->build, project_text(p, "app_bin"));
    if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) != 0 || st.st_size > UINT32_MAX) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    *size = (uint32_t)st.st_size;
    return true;
}

static int show_size(const struct project *p)
{
    struct ud_ptable table;
    uint32_t size;
    if (!load_table(p, &table) || !app_size(p, &size))
        return CLI_FAILED;
    printf("%s: %u bytes\n", project_text(p, "app_bin"), size);
    for (size_t i = 0; i < table.count; i++) {
        const struct ud_partition *at = &table.part[i];
        if (at->type == UD_PART_APP)
            printf("  %-16s %8u bytes, %u %% full\n", at->label, at->size,
                   (unsigned)(((uint64_t)size * 100 + at->size - 1) / at->size));
    }
    return CLI_OK;
}

static int build(const struct project_options *o, struct project *p)
{
    uint32_t size;
    int rc = project_build(o, p, NULL);
    if (rc != CLI_OK)
        return rc;
    if (!app_size(p, &size))
        return CLI_FAILED;
    printf("%s/%s: %u bytes, version %s, for %s", p->build, project_text(p, "app_bin"), size,
           project_text(p, "project_version"), project_text(p, "target"));
    if (p->configure_s > 0)
        printf("; configured in %.2f s", p->configure_s);
    printf("; built in %.2f s\n", p->build_s);
    return CLI_OK;
}

static int idf_build(int argc, char **argv)
{
    return with_project(argc, argv, "idf build", build_help, build);
}

static int size(const struct project_options *o, struct project *p)
{
    int rc = project_build(o, p, NULL);
    return rc == CLI_OK ? show_size(p) : rc;
}

static int idf_size(int argc, char **argv)
{
    return with_project(argc, argv, "idf size", size_help, size);
}

/* ---- run ---- */

static int idf_run(int argc, char **argv)
{
    struct project_options o = { .command = "idf run" };
    int rest;
    int rc = parse(argc, argv, run_help, &o, &rest);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    char **args = calloc((size_t)(argc - rest) + 8 + 2 * o.define_count, sizeof *args);
    if (!args)
        return cli_error("no memory");
    int n = 0;
    args[n++] = "run";
    args[n++] = "--project";
    args[n++] = (char *)(o.dir ? o.dir : ".");
    if (o.build) {
        args[n++] = "--build-dir";
        args[n++] = (char *)o.build;
    }
    for (size_t i = 0; i < o.define_count; i++) {
        args[n++] = "--define";
        args[n++] = (char *)o.define[i];
    }
    for (int i = rest; i < argc; i++)
        args[n++] = argv[i];
    optind = 0; /* getopt begins anew */
    rc = board_run(n, args);
    free(args);
    return rc;
}

/* ---- menuconfig ---- */

/* The environment that Kconfig is read with: NAME=VALUE lines that the configuration has left. */
static bool set_environment(const char *file)
{
    uint8_t *text;
    size_t len;
    if (!cli_read_file(file, &text, &len))
        return false;
    char *save = NULL;
    for (char *line = strtok_r((char *)text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *equals = strchr(line, '=');
        if (equals) {
            *equals = 0;
            setenv(line, equals + 1, 1);
        }
    }
    free(text);
    return true;
}

/* Lines of `after` that `before` does not have: shown, and added to the layer of changes. */
static int keep_changes(const char *before, char *after, const char *layer)
{
    bool first = true;
    char *save = NULL;
    FILE *kept = fopen(layer, "ae");
    if (!kept)
        return cli_error("%s: %s", layer, strerror(errno));
    for (char *line = strtok_r(after, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        size_t len = strlen(line);
        if (strncmp(line, "CONFIG_", 7) != 0 && !strstr(line, " is not set"))
            continue;
        const char *at = strstr(before, line);
        while (at && !((at == before || at[-1] == '\n') && (at[len] == '\n' || at[len] == 0)))
            at = strstr(at + 1, line);
        if (at)
            continue;
        if (first)
            puts("Changed; lines for sdkconfig.defaults:");
        first = false;
        printf("  %s\n", line);
        fprintf(kept, "%s\n", line);
    }
    if (first)
        puts("Nothing has changed.");
    return fclose(kept) == 0 ? CLI_OK : cli_error("%s: %s", layer, strerror(errno));
}

static int menuconfig(const struct project_options *o, struct project *p)
{
    char config[PROJECT_PATH];
    char layer[PROJECT_PATH];
    uint8_t *before = NULL, *after = NULL;
    size_t len;
    int rc = project_build(o, p, "partition-table"); /* configured, nothing compiled */
    if (rc != CLI_OK)
        return rc;
    const cJSON *how = cJSON_GetObjectItemCaseSensitive(p->description, "updraft");
    const struct project part = { .description = (cJSON *)(uintptr_t)how };
    int n = snprintf(config, sizeof config, "%s/sdkconfig", p->build);
    int m = snprintf(layer, sizeof layer, "%s/sdkconfig.changes", p->build);
    if (m < 0 || (size_t)m >= sizeof layer || n < 0 || (size_t)n >= sizeof config ||
        !cli_read_file(config, &before, &len))
        return CLI_FAILED;
    char *argv[] = { (char *)project_text(&part, "python"), "-m", "menuconfig", (char *)project_text(&part, "kconfig"),
                     NULL };
    rc = CLI_FAILED;
    if (set_environment(project_text(&part, "environment")) && setenv("KCONFIG_CONFIG", config, 1) == 0)
        rc = project_spawn(p, argv, PROJECT_OUT) == 0 ? CLI_OK : cli_error("the menu has failed");
    if (rc == CLI_OK && cli_read_file(config, &after, &len))
        rc = keep_changes((const char *)before, (char *)after, layer);
    free(before);
    free(after);
    return rc;
}

static int idf_menuconfig(int argc, char **argv)
{
    return with_project(argc, argv, "idf menuconfig", menuconfig_help, menuconfig);
}

/* ---- fullclean ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int fullclean(const struct project_options *o, struct project *p)
{
    (void)o;
    if (access(p->build, F_OK) != 0) {
        printf("%s: nothing to remove\n", p->build);
        return CLI_OK;
    }
    if (!project_is_configured(p))
        return cli_error("%s was not made by 'updraft idf build', and stays as it is", p->build);
    if (nftw(p->build, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return cli_error("%s could not be removed: %s", p->build, strerror(errno));
    printf("%s: removed\n", p->build);
    return CLI_OK;
}

static int idf_fullclean(int argc, char **argv)
{
    return with_project(argc, argv, "idf fullclean", fullclean_help, fullclean);
}

static const struct cli_verb verbs[] = {
    { "build", "build the project for a virtual board", idf_build },
    { "run", "build it, put it on its board, run it", idf_run },
    { "menuconfig", "change its options in a menu", idf_menuconfig },
    { "size", "how large the image is beside its slots", idf_size },
    { "fullclean", "remove the build folder", idf_fullclean },
    { 0 },
};

int cmd_idf(int argc, char **argv)
{
    return cli_dispatch("idf", "Builds and runs ordinary ESP-IDF projects.", verbs, argc, argv);
}

int cmd_idf_path(int argc, char **argv)
{
    char path[PROJECT_PATH];
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("Usage: updraft idf-path\n"
             "\n"
             "Prints the folder that an ESP-IDF project takes for ESP-IDF, for those who call CMake themselves.\n"
             "\n"
             "Example:\n"
             "  IDF_PATH=\"$(updraft idf-path)\" cmake -G Ninja -S . -B build && ninja -C build");
        return CLI_OK;
    }
    if (argc > 1)
        return cli_usage("idf-path", "'%s' is one argument too many", argv[1]);
    if (!project_idf_path(path))
        return CLI_FAILED;
    puts(path);
    return CLI_OK;
}
