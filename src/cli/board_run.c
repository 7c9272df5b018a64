/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board run`: power on, tell what resets and boots, end as asked. */
#include "board.h"
#include "project.h"

#include "updraft/flash_faults.h"
#include "updraft/flash_timing.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define COMMAND "board run"
#define LINE    512

enum { EXIT_STILL_RUNNING = 3, EXIT_DEFECT = 4, EXIT_CUT = 5 };

static const char help[] =
    "Usage: updraft board run FILE [OPTIONS]\n"
    "       updraft board run --project DIR [FILE] [OPTIONS]\n"
    "\n"
    "Power on: boots by the boot loader's rules and executes what the slot holds, over resets. The\n"
    "firmware's output goes to standard output, lines of the board ('board: ...') to standard error.\n"
    "Standard input is the console's, over resets. Ctrl-C switches the power off.\n"
    "\n"
    "  --until REGEX       end with success at the first line of the firmware that matches (extended\n"
    "                      regular expression)\n"
    "  --timeout S         end after S seconds (1.5 is possible)\n"
    "  --max-boots N       end when boot N has ended\n"
    "  --slow-flash US     each flash step of the firmware takes US microseconds longer\n"
    "  --flash-part NAME   flash operations take the time of that part, jitter included: W25Q32JV, GD25Q32E,\n"
    "                      MX25L3233F or ideal\n"
    "  --cut-at N[,HOW]    cut the power at flash operation N since the start (pages programmed, sectors\n"
    "                      and blocks erased, by boot loader and firmware), and end. HOW: before; prefix,\n"
    "                      bits or weak (inside: its first bytes, or some of its bits, have changed);\n"
    "                      unacknowledged, after (it is done). Default: bits. Again with the same N: the\n"
    "                      same bytes\n"
    "  --gdb               each boot waits for a debugger, over resets: 'updraft board gdb FILE' in another\n"
    "                      terminal attaches and follows. No watchdog, no leak check; addresses do not change\n"
    "  --elf FILE|FOLDER   the firmware with its symbols, for the debugger and for the backtrace of a crash;\n"
    "                      found by SHA-256, in folders among *.elf (may be repeated; default: the\n"
    "                      current folder)\n"
    "  --quiet             no lines of the board, but errors\n"
    "  --project DIR       an ESP-IDF project: it is built if needed, its board (DIR/build/board.flash, or\n"
    "                      FILE) is made if there is none; a new app is put on it, data partitions are kept\n"
    "  --build-dir FOLDER  where the project is built (default: DIR/build)\n"
    "  --define NAME=VALUE for CMake, such as IDF_TARGET=esp32c3 (may be repeated)\n"
    "\n"
    "Exit code: 0 --until has matched, or the power was switched off; 1 nothing bootable, or it could\n"
    "not be run; 2 the command line is wrong; 3 the time or the boots ran out without a match;\n"
    "4 a sanitizer reported a defect of the program (no reset follows, nothing is rolled back);\n"
    "5 the power was cut by --cut-at.\n"
    "\n"
    "Example:\n"
    "  updraft board run b.flash --until 'update done' --timeout 60 --max-boots 5\n"
    "  updraft board run b.flash --cut-at 40,prefix; updraft board why b.flash\n"
    "  updraft board run b.flash --gdb --elf build\n";

static bool parse_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long long n = strtoull(text, &end, 10);
    *out = n;
    return !errno && !*end && n > 0 && n <= most;
}

static bool parse_seconds(const char *text, uint64_t *ms)
{
    char *end;
    errno = 0;
    if ((text[0] < '0' || text[0] > '9') && text[0] != '.')
        return false;
    double s = strtod(text, &end);
    if (errno || end == text || *end || !(s >= 0.001 && s <= 1e7))
        return false;
    *ms = (uint64_t)(s * 1000);
    return true;
}

/* N or N,HOW. */
static bool parse_cut(const char *text, struct ud_lab_run *run)
{
    char number[16];
    uint64_t n;
    const char *how = strchr(text, ',');
    size_t len = how ? (size_t)(how - text) : strlen(text);
    if (len >= sizeof number)
        return false;
    memcpy(number, text, len);
    number[len] = 0;
    enum ud_cut_variant variant = how ? ud_cut_variant_find(how + 1) : UD_CUT_BITS;
    if (!parse_number(number, UINT32_MAX / 2, &n) || variant == UD_CUT_VARIANTS)
        return false;
    run->cut_at = (uint32_t)n;
    run->cut_variant = variant;
    return true;
}

#define ELF_MAX 32

struct options {
    struct ud_lab_run run;
    const char *elf[ELF_MAX];
    bool quiet;
    struct project_options project; /* dir NULL: none */
    char board[PROJECT_PATH];       /* of the project */
    char build[PROJECT_PATH];
};

static int take_option(int c, struct options *o)
{
    uint64_t n;
    switch (c) {
    case 'u':
        o->run.until = optarg;
        return CLI_OK;
    case 't':
        return parse_seconds(optarg, &o->run.timeout_ms)
                   ? CLI_OK
                   : cli_usage(COMMAND, "--timeout '%s' is not a number of seconds", optarg);
    case 'b':
        if (!parse_number(optarg, UINT32_MAX, &n))
            return cli_usage(COMMAND, "--max-boots '%s' is not a number from 1", optarg);
        o->run.max_boots = (uint32_t)n;
        return CLI_OK;
    case 's':
        if (!parse_number(optarg, 10000000, &n))
            return cli_usage(COMMAND, "--slow-flash '%s' is not a number of microseconds from 1 to 10000000", optarg);
        o->run.slow_flash_us = (uint32_t)n;
        return CLI_OK;
    case 'f':
        if (!ud_flash_part_find(optarg))
            return cli_usage(COMMAND, "--flash-part '%s' is not known: W25Q32JV, GD25Q32E, MX25L3233F, ideal", optarg);
        o->run.flash_part = optarg;
        return CLI_OK;
    case 'c':
        return parse_cut(optarg, &o->run)
                   ? CLI_OK
                   : cli_usage(COMMAND,
                               "--cut-at '%s' is not a number from 1, with ',before', ',prefix', ',bits', ',weak', "
                               "',unacknowledged' or ',after' behind it or nothing",
                               optarg);
    case 'g':
        o->run.debug = true;
        return CLI_OK;
    case 'e':
        if (access(optarg, R_OK) != 0)
            return cli_usage(COMMAND, "--elf %s: %s", optarg, strerror(errno));
        if (o->run.elf_count == ELF_MAX)
            return cli_usage(COMMAND, "--elf is possible %d times", ELF_MAX);
        o->elf[o->run.elf_count++] = optarg;
        return CLI_OK;
    case 'q':
        o->quiet = true;
        return CLI_OK;
    case 'P':
        o->project.dir = optarg;
        return CLI_OK;
    case 'B':
        o->project.build = optarg;
        return CLI_OK;
    case 'D':
        if (o->project.define_count == PROJECT_DEFINES)
            return cli_usage(COMMAND, "--define can be given %d times", PROJECT_DEFINES);
        o->project.define[o->project.define_count++] = optarg;
        return CLI_OK;
    default:
        return cli_usage(COMMAND, "the command line could not be read");
    }
}

/* CLI_OK, an exit code, or -1 after --help. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        { "until", required_argument, 0, 'u' },
        { "timeout", required_argument, 0, 't' },
        { "max-boots", required_argument, 0, 'b' },
        { "slow-flash", required_argument, 0, 's' },
        { "flash-part", required_argument, 0, 'f' },
        { "cut-at", required_argument, 0, 'c' },
        { "gdb", no_argument, 0, 'g' },
        { "elf", required_argument, 0, 'e' },
        { "quiet", no_argument, 0, 'q' },
        { "project", required_argument, 0, 'P' },
        { "build-dir", required_argument, 0, 'B' },
        { "define", required_argument, 0, 'D' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "hq", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return -1;
        }
        int rc = take_option(c, o);
        if (rc != CLI_OK)
            return rc;
    }
    if (!o->project.dir && (o->project.build || o->project.define_count))
        return cli_usage(COMMAND, "--build-dir and --define go with --project");
    if (optind >= argc && !o->project.dir)
        return cli_usage(COMMAND, "which board? Name its flash file");
    if (optind + 1 < argc)
        return cli_usage(COMMAND, "'%s' is one argument too many", argv[optind + 1]);
    o->run.path = argv[optind]; /* NULL at the end */
    o->run.elf = o->elf;
    return CLI_OK;
}

/* ---- what the board says ------------------------------------------------------------------------------------------- */

/* Firmware may have had a part in it. */
static const char *printable(const char *text, char buf[LINE])
{
    ud_strcopy(buf, LINE, text, LINE - 1);
    cli_printable(buf);
    return buf;
}

static void print_reset(const struct ud_lab_event *e)
{
    char text[LINE];
    fprintf(stderr, "board: reset (%s), boot %u%s%s\n", ud_reset_reason_name(e->reason), e->boot_count,
            e->text[0] ? ": " : "", printable(e->text, text));
}

/* The rule that settled it, in words. */
static void print_booted(const struct ud_lab_event *e)
{
    const struct ud_boot_result *r = e->result;
    char title[96], rule[256];
    board_slot_title(r->loaded->label, &r->info, title, sizeof title);
    for (unsigned i = 0; i < r->plan.step_count; i++) {
        board_rule_sentence(&r->plan.step[i], r->input.entry, ud_boot_slot_count(&r->input), rule, sizeof rule);
        fprintf(stderr, "board:   %s\n", rule);
    }
    for (unsigned i = 0; i + 1 < r->tried_count; i++) {
        char name[16];
        board_index_name(r->tried[i].index, name);
        fprintf(stderr, "board:   %s does not boot; the next candidate is tried.\n", name);
    }
    fprintf(stderr, "board: booting %s\n", title);
    /* A line of the boot loader, which suites for hardware wait for: on the console like the firmware's. */
    printf("I (0) boot: Loaded app from partition at offset 0x%" PRIx64 "\n", (uint64_t)r->loaded->addr);
    fflush(stdout);
}

static void print_note(const struct ud_note *note)
{
    char text[512];
    if (note->err == ESP_OK || note->id == UD_NOTE_BOOT_NOTHING)
        return;
    ud_note_sentence(note, text, sizeof text);
    cli_printable(text);
    fprintf(stderr, "board:   %s\n", text);
}

static void on_event(void *ctx, const struct ud_lab_event *e)
{
    const struct options *o = ctx;
    char text[LINE];
    if (o->quiet)
        return;
    switch (e->type) {
    case UD_LAB_RESET:
        print_reset(e);
        break;
    case UD_LAB_BOOTED:
        print_booted(e);
        break;
    case UD_LAB_NOTE:
        print_note(e->note);
        break;
    case UD_LAB_CRASH:
        fprintf(stderr, "board:   %s\n", printable(e->text, text));
        break;
    case UD_LAB_HELD:
        fprintf(stderr, "board: waiting for a debugger (%s): updraft board gdb %s\n", e->text, o->run.path);
        break;
    case UD_LAB_DEBUGGED:
        fprintf(stderr, "board: a debugger has attached\n");
        break;
    }
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static int finish(const struct options *o, const struct ud_lab_run_result *r)
{
    switch (r->end) {
    case UD_LAB_MATCHED:
        return CLI_OK;
    case UD_LAB_STOPPED:
        if (!o->quiet)
            fprintf(stderr, "board: power off\n");
        return CLI_OK;
    case UD_LAB_TIMEOUT:
        cli_error("%s: %g seconds have passed%s%s%s%s%s", o->run.path, (double)o->run.timeout_ms / 1000,
                  o->run.until ? ", and no line matched '" : "", o->run.until ? o->run.until : "",
                  o->run.until ? "'" : "", r->why[0] ? ": " : "", r->why);
        return EXIT_STILL_RUNNING;
    case UD_LAB_MAX_BOOTS:
        cli_error("%s: %u boots have ended%s%s%s", o->run.path, r->boots, o->run.until ? ", and no line matched '" : "",
                  o->run.until ? o->run.until : "", o->run.until ? "'" : "");
        return EXIT_STILL_RUNNING;
    case UD_LAB_DEFECT:
        cli_error("%s: %s", o->run.path, r->why);
        return EXIT_DEFECT;
    case UD_LAB_CUT:
        if (!o->quiet)
            fprintf(stderr, "board: %s\n", r->why);
        return EXIT_CUT;
    case UD_LAB_NO_BOOT:
    case UD_LAB_FAILED:
        break;
    }
    return cli_error("%s", r->why);
}

/* Build the project, and bring its board up to date. */
static int prepare_project(struct options *o)
{
    struct project p;
    o->project.command = COMMAND;
    int rc = project_open(&o->project, &p);
    if (rc == CLI_OK)
        rc = project_build(&o->project, &p, NULL);
    if (rc == CLI_OK && !o->run.path) {
        project_board_path(&p, o->board);
        o->run.path = o->board;
    }
    if (rc == CLI_OK)
        rc = project_board_refresh(&p, o->run.path);
    if (rc == CLI_OK && o->run.elf_count == 0) {
        ud_strcopy(o->build, sizeof o->build, p.build, sizeof o->build - 1);
        o->elf[o->run.elf_count++] = o->build;
    }
    project_close(&p);
    return rc;
}

int board_run(int argc, char **argv)
{
    struct options o = { .run = { .event = on_event } };
    struct ud_lab_run_result result;
    int rc = parse(argc, argv, &o);
    if (rc == CLI_OK && o.project.dir)
        rc = prepare_project(&o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, &before);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, the end of the firmware could not be asked for */
    o.run.event_ctx = &o;
    o.run.stop_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    if (o.run.stop_fd < 0)
        return cli_error("the power switch cannot be set up: %s", strerror(errno));
    ud_lab_run(&o.run, &result);
    struct signalfd_siginfo taken;
    while (read(o.run.stop_fd, &taken, sizeof taken) > 0)
        ; /* what was answered by switching off must not end us below */
    close(o.run.stop_fd);
    rc = finish(&o, &result);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}
