/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft powercut`: the power cut at every flash operation of the update flows, and replay of one of them. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "updraft/lab_powercut.h"
#include "updraft/lab_powercut_report.h"

#define EXIT_IMPOSSIBLE 3

static const char help[] =
    "Usage: updraft powercut [OPTIONS]\n"
    "\n"
    "Cuts the power at every flash operation of an update, in every way that flash can be left behind: boots,\n"
    "lets the device try again, boots, and holds what it sees against seven invariants. All in memory.\n"
    "\n"
    "  --flow NAME         only this flow; 'list' prints them (default: all)\n"
    "  --image-size SIZE   of the images, a multiple of 16 (default: 64K)\n"
    "  --board FILE        begin from this board, which is only read; needs --image\n"
    "  --image FILE        the image that the board is updated to\n"
    "  --jobs N            threads, 1 to 64 (default: one a processor)\n"
    "  --depth N           2: cut again in each recovery from a cut (default: 1)\n"
    "  --sample N          at N operations of each recovery, or 'all' (default: 1)\n"
    "  --mutant NAME       with one step done wrong; 'list' prints them, 'all' tries each on its own flow and\n"
    "                      succeeds when every one of them is caught\n"
    "  --replay ID         one case, step by step: an ID as it is printed with a violation\n"
    "  --rate              measure a loop that only copies and hashes as many bytes, and compare\n"
    "  --json              print the result as JSON\n"
    "  --report OUT.html   write what was found as one HTML page that needs no network\n"
    "\n"
    "Invariants:\n"
    "  O1  some image that verifies boots, and it is the old or the new one, never a mixture\n"
    "  O2  otadata never selects a rejected entry, nor an unconfirmed one on two boots\n"
    "  O3  an image outside otadata's choice boots only with a note\n"
    "  O4  at most one otadata sector is blank or torn, unless the other was so before\n"
    "  O5  nothing outside the slot, otadata and the flow's own target is written\n"
    "  O6  a retry always ends where the flow ends\n"
    "  O7  no sector is erased more or less often than stated\n"
    "\n"
    "Exit code: 0 all hold, 1 one is violated, 2 usage, 3 the flow is not possible.\n"
    "\n"
    "Examples:\n"
    "  updraft powercut --flow update --image-size 256K --rate\n"
    "  updraft powercut --board b.flash --image new.bin --report cuts.html\n"
    "  updraft powercut --replay update@65536+too-far:12:bits\n";

struct powercut_options {
    struct ud_powercut_options lab;
    const struct ud_powercut_flow *flow; /* NULL: all */
    const char *replay;
    const char *board;
    const char *image;
    const char *page; /* --report */
    bool all_mutants;
    bool json;
};

static int list_flows(void)
{
    const struct ud_powercut_flow *f;
    for (size_t i = 0; (f = ud_powercut_flow_at(i)) != NULL; i++) {
        printf("%-20s %s\n", ud_powercut_flow_name(f), ud_powercut_flow_brief(f));
        if (ud_powercut_flow_unsafe(f))
            printf("%-20s cannot be safe: %s\n", "", ud_powercut_flow_unsafe(f));
    }
    return -1;
}

static int list_mutants(void)
{
    const struct ud_powercut_mutant *m;
    for (size_t i = 0; (m = ud_powercut_mutant_at(i)) != NULL; i++)
        printf("%-20s %s\n", ud_powercut_mutant_name(m), ud_powercut_mutant_brief(m));
    return -1;
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static int take_number(const char *name, const char *text, uint32_t max, unsigned *out)
{
    uint32_t n;
    if (!cli_parse_u32(text, &n) || n < 1 || n > max)
        return cli_usage("powercut", "--%s '%s' is not a number from 1 to %u", name, text, (unsigned)max);
    *out = n;
    return CLI_OK;
}

static int take_flow(const char *name, struct powercut_options *o)
{
    if (strcmp(name, "list") == 0)
        return list_flows();
    o->flow = ud_powercut_flow_find(name);
    return o->flow ? CLI_OK : cli_usage("powercut", "there is no flow '%s'; '--flow list' prints them", name);
}

static int take_mutant(const char *name, struct powercut_options *o)
{
    if (strcmp(name, "list") == 0)
        return list_mutants();
    o->all_mutants = strcmp(name, "all") == 0;
    o->lab.mutant = o->all_mutants ? NULL : ud_powercut_mutant_find(name);
    if (o->all_mutants || o->lab.mutant)
        return CLI_OK;
    return cli_usage("powercut", "there is no mutant '%s'; '--mutant list' prints them", name);
}

static int take_size(const char *text, struct powercut_options *o)
{
    uint32_t n;
    if (!cli_parse_u32(text, &n) || n < 4096 || n > 0x400000 || n % 16)
        return cli_usage("powercut", "--image-size '%s' is not a multiple of 16 from 4K to 4M", text);
    o->lab.image_bytes = n;
    return CLI_OK;
}

static int take_option(int c, struct powercut_options *o)
{
    switch (c) {
    case 'f':
        return take_flow(optarg, o);
    case 'm':
        return take_mutant(optarg, o);
    case 's':
        return take_size(optarg, o);
    case 'b':
        o->board = optarg;
        return CLI_OK;
    case 'i':
        o->image = optarg;
        return CLI_OK;
    case 'j':
        return take_number("jobs", optarg, 64, &o->lab.jobs);
    case 'd':
        return take_number("depth", optarg, 2, &o->lab.depth);
    case 'n':
        o->lab.sample = 0;
        return strcmp(optarg, "all") == 0 ? CLI_OK : take_number("sample", optarg, 1000, &o->lab.sample);
    case 'r':
        o->replay = optarg;
        return CLI_OK;
    case 'R':
        o->lab.measure = true;
        return CLI_OK;
    case 'p':
        o->page = optarg;
        return CLI_OK;
    case 'J':
        o->json = true;
        return CLI_OK;
    case 'h':
        fputs(help, stdout);
        return -1;
    default:
        return cli_usage("powercut", "the command line could not be read");
    }
}

static int check_together(const struct powercut_options *o)
{
    if (!o->board != !o->image)
        return cli_usage("powercut", "--board and --image go together: what is updated, and to what");
    if (o->replay && (o->flow || o->lab.mutant || o->all_mutants || o->json || o->page))
        return cli_usage("powercut", "--replay takes flow and mutant from its ID, and prints text");
    if (o->all_mutants && (o->flow || o->board || o->json || o->page))
        return cli_usage("powercut", "--mutant all tries each on its own flow and device, and prints text");
    if (o->page &&
        ((o->board && !cli_may_replace(o->page, o->board)) || (o->image && !cli_may_replace(o->page, o->image))))
        return CLI_FAILED;
    return CLI_OK;
}

static int parse(int argc, char **argv, struct powercut_options *o)
{
    static const struct option options[] = {
        { "flow", required_argument, 0, 'f' },   { "image-size", required_argument, 0, 's' },
        { "board", required_argument, 0, 'b' },  { "image", required_argument, 0, 'i' },
        { "jobs", required_argument, 0, 'j' },   { "depth", required_argument, 0, 'd' },
        { "sample", required_argument, 0, 'n' }, { "mutant", required_argument, 0, 'm' },
        { "replay", required_argument, 0, 'r' }, { "rate", no_argument, 0, 'R' },
        { "json", no_argument, 0, 'J' },         { "report", required_argument, 0, 'p' },
        { "help", no_argument, 0, 'h' },         { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int code = take_option(c, o);
        if (code != CLI_OK)
            return code;
    }
    return optind == argc ? check_together(o) : cli_usage("powercut", "'%s' is not an option", argv[optind]);
}

static int impossible(const struct ud_powercut_options *lab, esp_err_t err)
{
    (void)cli_error("%s", lab->why[0] ? lab->why : ud_err_name(err));
    return EXIT_IMPOSSIBLE;
}

/* ---- somebody's board ------------------------------------------------------------------------------------------- */

struct start {
    struct ud_powercut_board board;
    struct ud_lab_board *lab;
    uint8_t *flash;
    uint8_t *image;
    uint8_t efuse[UD_EFUSE_SIZE];
};

static void drop_start(struct start *s)
{
    if (s->lab)
        board_close(s->lab);
    free(s->flash);
    free(s->image);
}

static bool load_start(const struct powercut_options *o, struct start *s)
{
    size_t image_len;
    if (!cli_read_file(o->image, &s->image, &image_len))
        return false;
    s->lab = board_open(o->board, UD_LAB_READ);
    if (!s->lab)
        return false;
    const struct ud_lab_settings *set = &s->lab->settings;
    s->flash = malloc(set->flash_size);
    if (!s->flash || ud_flash_read(&s->lab->flash, 0, s->flash, set->flash_size) != ESP_OK ||
        ud_efuse_read(&s->lab->board.efuse, 0, s->efuse, sizeof s->efuse) != ESP_OK) {
        (void)cli_error("%s: flash or eFuses cannot be read", o->board);
        return false;
    }
    struct ud_partition app = { .type = UD_PART_APP };
    struct ud_image_rules rules = ud_board_image_rules(&s->lab->board, &app);
    struct ud_image_info info;
    if (image_len > UINT32_MAX ||
        ud_image_inspect(s->image, image_len, &rules, &s->lab->crypto, NULL, &info) != ESP_OK || info.problems) {
        (void)cli_error("%s: not an image that %s accepts; 'updraft image info %s' says more", o->image, o->board,
                        o->image);
        return false;
    }
    s->board = (struct ud_powercut_board){
        .name = o->board,
        .flash = s->flash,
        .flash_size = set->flash_size,
        .efuse = s->efuse,
        .chip = set->chip,
        .accepted_chip_id = s->lab->board.accepted_chip_id,
        .revision = set->revision,
        .require_digest = set->require_digest,
        .table_offset = set->table_offset,
        .boot_rollback = set->boot_rollback,
        .boot_anti_rollback = set->boot_anti_rollback,
        .app_rollback = set->app_rollback,
        .app_anti_rollback = set->app_anti_rollback,
        .image_name = o->image,
        .image = s->image,
        .image_len = (uint32_t)image_len,
    };
    return true;
}

/* ---- one case --------------------------------------------------------------------------------------------------- */

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
}

/* Address in front, the bytes that differ between brackets. */
static void print_bytes(const char *title, uint32_t addr, const uint8_t *bytes, const uint8_t *other, uint32_t len)
{
    printf("%s\n", title);
    for (uint32_t i = 0; i < len; i += 16) {
        printf("  %08x ", (unsigned)(addr + i));
        for (uint32_t j = i; j < i + 16 && j < len; j++)
            printf(bytes[j] == other[j] ? " %02x " : "[%02x]", bytes[j]);
        putchar('\n');
    }
}

static int tell_replay(const struct ud_powercut_report *r)
{
    if (r->violations == 0) {
        puts(r->in_window ? "in a window that ESP-IDF's order has; all else holds" : "all invariants hold");
        return CLI_OK;
    }
    const struct ud_powercut_violation *v = &r->violation[0];
    uint32_t shown = v->shown_len < 64 ? v->shown_len : 64;
    if (shown) {
        print_bytes("flash before the operation:", v->shown_addr, v->before, v->after, shown);
        print_bytes("flash as the cut left it:", v->shown_addr, v->after, v->before, shown);
    }
    printf("%s is violated: %s\n", ud_powercut_invariant_name(v->invariant), v->what);
    return CLI_FAILED;
}

static int replay(struct powercut_options *o)
{
    struct ud_powercut_id id;
    esp_err_t err = ud_powercut_id_parse(o->replay, &id);
    if (err == ESP_ERR_NOT_FOUND)
        return cli_usage("powercut", "--replay '%s': there is no such flow or mutant", o->replay);
    if (err != ESP_OK)
        return cli_usage("powercut",
                         "--replay '%s' is not FLOW@SIZE[+MUTANT]:OPERATION:VARIANT[.TRIAL][:SECOND:VARIANT], or ...:0 "
                         "for the flow without a cut",
                         o->replay);
    if (!id.image_bytes != (o->board != NULL))
        return cli_usage("powercut", "--replay '%s': this ID is%s of a board, which is given by --board and --image",
                         o->replay, id.image_bytes ? " not" : "");
    struct ud_powercut_report *report = calloc(1, sizeof *report);
    if (!report)
        return cli_error("no memory");
    o->lab.image_bytes = id.image_bytes;
    o->lab.mutant = id.mutant;
    o->lab.depth = id.at.second ? 2 : 1;
    o->lab.say = print_line;
    err = ud_powercut_replay(id.flow, &o->lab, &id.at, report);
    int code = err == ESP_OK ? tell_replay(report) : impossible(&o->lab, err);
    ud_powercut_report_drop(report);
    free(report);
    return code;
}

/* ---- all cases -------------------------------------------------------------------------------------------------- */

static double per_second(const struct ud_powercut_report *r)
{
    return r->seconds > 0 ? r->cases / r->seconds : 0;
}

static void print_head(void)
{
    printf("%-20s %10s %8s %8s %8s %10s %8s %10s\n", "flow", "operations", "cases", "old", "new", "fall-backs",
           "window", "violations");
}

static void print_row(const struct ud_powercut_report *r)
{
    printf("%-20s %10u %8u %8u %8u %10u %8u %10u\n", ud_powercut_flow_name(r->flow), (unsigned)r->operation_count,
           (unsigned)r->cases, (unsigned)r->booted_old, (unsigned)r->booted_new, (unsigned)r->fall_backs,
           (unsigned)r->in_window, (unsigned)r->violations);
    if (r->unsafe)
        printf("  cannot be safe: %s\n", r->unsafe);
    for (uint32_t i = 0; i < r->window_count; i++)
        printf("  window: operations %u to %u of %u: %s\n", (unsigned)r->window[i].first, (unsigned)r->window[i].last,
               (unsigned)r->operation_count,
               r->window[i].bricks ? "nothing boots" : "the only otadata entry is gone, another image boots");
    for (uint32_t i = 0; i < r->kept; i++)
        printf("  %s %s: %s\n", ud_powercut_invariant_name(r->violation[i].invariant), r->violation[i].id,
               r->violation[i].what);
    if (r->violations > r->kept)
        printf("  ... and %u more\n", (unsigned)(r->violations - r->kept));
}

static double ratio_of(const struct ud_powercut_report *r)
{
    return r->cpu_seconds > 0 ? r->bare_cpu_seconds / r->cpu_seconds : 0;
}

static void print_rate(const struct powercut_options *o, const struct ud_powercut_report *r)
{
    if (!o->lab.measure)
        return;
    printf(
        "  rate: %.0f cycles of cut, boot, retry, boot per second (%u jobs, %.2f s); %.0f by second of a processor\n",
        per_second(r), o->lab.jobs, r->seconds, r->cpu_seconds > 0 ? r->cases / r->cpu_seconds : 0);
    printf("  ratio: %.2f of a loop that only copies %.1f GB and hashes %.1f GB, as this did (%.2f s of %.2f s)\n",
           ratio_of(r), (double)r->copied / 1e9, (double)r->hashed / 1e9, r->bare_cpu_seconds, r->cpu_seconds);
}

static cJSON *json_violation(const struct ud_powercut_violation *v)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "invariant", ud_powercut_invariant_name(v->invariant));
    cJSON_AddStringToObject(item, "replay", v->id);
    cJSON_AddStringToObject(item, "what", v->what);
    cJSON_AddStringToObject(item, "booted", v->booted);
    cJSON_AddNumberToObject(item, "operation", v->at.operation);
    if (v->shown_len) {
        cJSON_AddNumberToObject(item, "address", v->shown_addr);
        cli_json_hex(item, "before", v->before, v->shown_len);
        cli_json_hex(item, "after", v->after, v->shown_len);
    }
    return item;
}

static cJSON *json_operation(const struct ud_powercut_operation *op)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "kind", ud_powercut_kind_name(op->kind));
    cJSON_AddNumberToObject(item, "address", op->addr);
    cJSON_AddNumberToObject(item, "size", op->len);
    cJSON_AddStringToObject(item, "partition", op->part);
    cJSON_AddStringToObject(item, "step", op->step);
    cJSON *outcome = cJSON_AddObjectToObject(item, "outcome");
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
        if (op->outcome[v] != UD_POWERCUT_UNTRIED)
            cJSON_AddStringToObject(outcome, ud_cut_variant_name((enum ud_cut_variant)v),
                                    ud_powercut_outcome_name(op->outcome[v]));
    return item;
}

static void json_rate(cJSON *row, const struct powercut_options *o, const struct ud_powercut_report *r)
{
    cJSON_AddNumberToObject(row, "jobs", o->lab.jobs);
    cJSON_AddNumberToObject(row, "seconds", r->seconds);
    cJSON_AddNumberToObject(row, "cycles_per_second", per_second(r));
    cJSON_AddNumberToObject(row, "cpu_seconds", r->cpu_seconds);
    if (o->lab.measure)
        cJSON_AddNumberToObject(row, "ratio", ratio_of(r));
}

static cJSON *json_of(const struct powercut_options *o, const struct ud_powercut_report *r)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "flow", ud_powercut_flow_name(r->flow));
    if (r->mutant)
        cJSON_AddStringToObject(row, "mutant", ud_powercut_mutant_name(r->mutant));
    if (r->board)
        cJSON_AddStringToObject(row, "board", r->board);
    if (r->unsafe)
        cJSON_AddStringToObject(row, "unsafe", r->unsafe);
    cJSON_AddNumberToObject(row, "image_size", r->image_bytes);
    cJSON_AddNumberToObject(row, "depth", r->depth);
    cJSON_AddNumberToObject(row, "cases", r->cases);
    cJSON_AddNumberToObject(row, "cases_with_two_cuts", r->twice);
    cJSON_AddNumberToObject(row, "boots", r->boots);
    cJSON_AddNumberToObject(row, "booted_old", r->booted_old);
    cJSON_AddNumberToObject(row, "booted_new", r->booted_new);
    cJSON_AddNumberToObject(row, "fall_backs", r->fall_backs);
    cJSON_AddNumberToObject(row, "in_window", r->in_window);
    cJSON_AddNumberToObject(row, "violation_count", r->violations);
    json_rate(row, o, r);
    cJSON *windows = cJSON_AddArrayToObject(row, "windows");
    for (uint32_t i = 0; i < r->window_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "first", r->window[i].first);
        cJSON_AddNumberToObject(item, "last", r->window[i].last);
        cJSON_AddBoolToObject(item, "bricks", r->window[i].bricks);
        cJSON_AddItemToArray(windows, item);
    }
    cJSON *violations = cJSON_AddArrayToObject(row, "violations");
    for (uint32_t i = 0; i < r->kept; i++)
        cJSON_AddItemToArray(violations, json_violation(&r->violation[i]));
    cJSON *operations = cJSON_AddArrayToObject(row, "operations");
    for (uint32_t i = 0; i < r->operation_count; i++)
        cJSON_AddItemToArray(operations, json_operation(&r->operation[i]));
    return row;
}

/* The flows asked for; their number. */
static size_t pick_flows(const struct powercut_options *o, const struct ud_powercut_flow **out, size_t max)
{
    const struct ud_powercut_flow *f = o->flow;
    size_t n = 0;
    if (!f && o->lab.mutant)
        f = ud_powercut_mutant_flow(o->lab.mutant);
    if (!f && o->board)
        f = ud_powercut_flow_find("update-whole");
    if (f) {
        out[0] = f;
        return 1;
    }
    while (n < max && (f = ud_powercut_flow_at(n)) != NULL)
        out[n++] = f;
    return n;
}

static int tell(const struct powercut_options *o, const struct ud_powercut_report *reports, size_t count)
{
    uint64_t cases = 0, violations = 0;
    cJSON *rows = o->json ? cJSON_CreateArray() : NULL;
    for (size_t i = 0; i < count; i++) {
        cases += reports[i].cases;
        violations += reports[i].violations;
        if (rows)
            cJSON_AddItemToArray(rows, json_of(o, &reports[i]));
    }
    if (rows)
        cli_print_json(rows);
    else
        printf("%llu cases, %llu violations\n", (unsigned long long)cases, (unsigned long long)violations);
    return violations ? CLI_FAILED : CLI_OK;
}

/* Made whole in memory, so that no half page is left where a whole one was. */
static int write_page(const char *path, const struct ud_powercut_report *reports, size_t count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    esp_err_t err = out ? ud_powercut_report_html(out, reports, count) : ESP_ERR_NO_MEM;
    if (out && fclose(out) != 0)
        err = ESP_ERR_NO_MEM;
    int code = err != ESP_OK ? cli_error("%s: no memory for the report", path) : CLI_OK;
    if (code == CLI_OK && !cli_write_file(path, text, len))
        code = CLI_FAILED;
    free(text);
    return code;
}

#define FLOWS_MAX 64u

static int explore(const struct powercut_options *o)
{
    const struct ud_powercut_flow *flow[FLOWS_MAX];
    size_t count = pick_flows(o, flow, FLOWS_MAX), done = 0;
    struct ud_powercut_report *reports = calloc(count, sizeof *reports);
    int code = reports ? CLI_OK : cli_error("no memory");
    if (!o->json && code == CLI_OK)
        print_head();
    while (code == CLI_OK && done < count) {
        struct ud_powercut_report *r = &reports[done++];
        esp_err_t err = ud_powercut_explore(flow[done - 1], &o->lab, r);
        if (err != ESP_OK)
            code = impossible(&o->lab, err);
        else if (!o->json) {
            print_row(r);
            print_rate(o, r);
            (void)fflush(stdout); /* the next flow may take minutes */
        }
    }
    if (code == CLI_OK && o->page)
        code = write_page(o->page, reports, count);
    if (code == CLI_OK)
        code = tell(o, reports, count);
    for (size_t i = 0; i < done; i++)
        ud_powercut_report_drop(&reports[i]);
    free(reports);
    return code;
}

/* ---- all mutants ------------------------------------------------------------------------------------------------ */

static void print_mutant(const struct ud_powercut_mutant *m, const struct ud_powercut_report *r)
{
    const struct ud_powercut_violation *v = r->kept > 1 && r->violation[0].at.operation == 0 ? &r->violation[1]
                                            : r->kept                                        ? &r->violation[0]
                                                                                             : NULL;
    printf("%-18s %-15s %s\n", ud_powercut_mutant_name(m), ud_powercut_flow_name(r->flow), v ? "caught" : "NOT CAUGHT");
    if (v)
        printf("  %u violations in %u cases, so %s: %s: %s\n", (unsigned)r->violations, (unsigned)r->cases, v->id,
               ud_powercut_invariant_name(v->invariant), v->what);
}

static int try_mutants(struct powercut_options *o)
{
    const struct ud_powercut_mutant *m;
    unsigned caught = 0, count = 0;
    struct ud_powercut_report *r = calloc(1, sizeof *r);
    int code = r ? CLI_OK : cli_error("no memory");
    for (; code == CLI_OK && (m = ud_powercut_mutant_at(count)) != NULL; count++) {
        o->lab.mutant = m;
        esp_err_t err = ud_powercut_explore(ud_powercut_mutant_flow(m), &o->lab, r);
        if (err != ESP_OK)
            code = impossible(&o->lab, err);
        else
            print_mutant(m, r);
        caught += r->violations > 0;
        ud_powercut_report_drop(r);
    }
    free(r);
    if (code != CLI_OK)
        return code;
    printf("%u of %u mutants caught\n", caught, count);
    return caught == count ? CLI_OK : CLI_FAILED;
}

int cmd_powercut(int argc, char **argv)
{
    char why[256] = "";
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct powercut_options o = { .lab = { .image_bytes = 0x10000,
                                           .jobs = cpus < 1    ? 1
                                                   : cpus > 64 ? 64
                                                               : (unsigned)cpus,
                                           .depth = 1,
                                           .sample = 1,
                                           .why = why,
                                           .why_size = sizeof why } };
    struct start start = { 0 };
    int code = parse(argc, argv, &o);
    if (code != CLI_OK)
        return code < 0 ? CLI_OK : code;
    if (o.board) {
        if (!load_start(&o, &start)) {
            drop_start(&start);
            return EXIT_IMPOSSIBLE;
        }
        o.lab.board = &start.board;
    }
    code = o.replay ? replay(&o) : o.all_mutants ? try_mutants(&o) : explore(&o);
    drop_start(&start);
    return code;
}
