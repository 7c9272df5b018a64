/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of `updraft board` share; see board.h. */
#include "board.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `boards`: how many arguments, 1 or 2. */
static bool parse_boards(int argc, char **argv, const char *verb, const char *help, int boards, struct board_args *out,
                         int *rc)
{
    static const struct option options[] = {
        { "json", no_argument, 0, 'j' },
        { "svg", no_argument, 0, 's' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    char command[32];
    snprintf(command, sizeof command, "board %s", verb);
    *out = (struct board_args){ 0 };
    *rc = CLI_OK;
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return false;
        }
        const char *name = c == 'j' ? "--json" : c == 's' ? "--svg" : NULL;
        if (!name || !strstr(help, name)) {
            *rc = name ? cli_usage(command, "%s is not an option of this verb", name)
                       : cli_usage(command, "the command line could not be read");
            return false;
        }
        *(c == 'j' ? &out->json : &out->svg) = true;
    }
    if (out->json && out->svg) {
        *rc = cli_usage(command, "--json and --svg exclude each other");
        return false;
    }
    if (optind + boards > argc) {
        *rc =
            cli_usage(command, boards > 1 ? "which boards? Name two flash files" : "which board? Name its flash file");
        return false;
    }
    if (optind + boards < argc) {
        *rc = cli_usage(command, "'%s' is one argument too many", argv[optind + boards]);
        return false;
    }
    out->path = argv[optind];
    out->other = boards > 1 ? argv[optind + 1] : NULL;
    return true;
}

bool board_parse(int argc, char **argv, const char *verb, const char *help, struct board_args *out, int *rc)
{
    return parse_boards(argc, argv, verb, help, 1, out, rc);
}

bool board_parse_two(int argc, char **argv, const char *verb, const char *help, struct board_args *out, int *rc)
{
    return parse_boards(argc, argv, verb, help, 2, out, rc);
}

struct ud_lab_board *board_open(const char *path, unsigned mode)
{
    char why[UD_LAB_WHY];
    struct ud_lab_board *lab = malloc(sizeof *lab);
    if (!lab) {
        cli_error("no memory");
        return NULL;
    }
    if (ud_lab_board_open(path, mode, lab, why, sizeof why) == ESP_OK)
        return lab;
    cli_error("%s", why);
    free(lab);
    return NULL;
}

void board_close(struct ud_lab_board *lab)
{
    if (lab)
        ud_lab_board_close(lab);
    free(lab);
}

void board_slot_title(const char *label, const struct ud_image_info *info, char *buf, size_t size)
{
    if (info->has_desc && info->desc.version[0])
        snprintf(buf, size, "%s (%s %s)", label, info->desc.project_name, info->desc.version);
    else
        snprintf(buf, size, "%s", label);
    cli_printable(buf);
}

const char *board_label(const struct ud_partition *p, char buf[17])
{
    ud_strcopy(buf, 17, p->label, 16);
    cli_printable(buf);
    return buf;
}

void board_index_name(int index, char buf[16])
{
    if (index == UD_BOOT_FACTORY)
        snprintf(buf, 16, "factory");
    else if (index == UD_BOOT_TEST)
        snprintf(buf, 16, "test");
    else
        snprintf(buf, 16, "ota_%d", index);
}

void board_size_text(uint32_t bytes, char buf[24])
{
    if (bytes >= 1u << 20 && bytes % (1u << 20) == 0)
        snprintf(buf, 24, "%" PRIu32 " MB", bytes >> 20);
    else if (bytes >= 1u << 20)
        snprintf(buf, 24, "%.2f MB", (double)bytes / (1 << 20));
    else if (bytes >= 1u << 10)
        snprintf(buf, 24, bytes % 1024 ? "%.1f KB" : "%.0f KB", (double)bytes / 1024);
    else
        snprintf(buf, 24, "%" PRIu32 " B", bytes);
}

void board_revision_text(uint16_t revision, char buf[16])
{
    snprintf(buf, 16, "%u.%u", revision / 100u, revision % 100u);
}

bool board_parse_revision(const char *text, uint16_t *out)
{
    char *end;
    unsigned long major = strtoul(text, &end, 10);
    if (end == text || *end != '.' || major > 654)
        return false;
    const char *rest = end + 1;
    unsigned long minor = strtoul(rest, &end, 10);
    if (end == rest || *end || minor > 99)
        return false;
    *out = (uint16_t)(major * 100 + minor);
    return true;
}

void board_rule_sentence(const struct ud_boot_step *step, const struct ud_otadata_entry entry[2], unsigned slots,
                         char *buf, size_t size)
{
    unsigned i = step->arg == 1;
    unsigned slot = slots ? ud_otadata_slot(&entry[i], slots) : 0;
    switch (step->rule) {
    case UD_RULE_NO_OTADATA:
        snprintf(buf, size, "The table has no otadata partition, so the factory app is tried first.");
        return;
    case UD_RULE_SHORT_OTADATA:
        snprintf(buf, size, "The otadata partition is smaller than 8 KB: the boot loader cannot use it and resets.");
        return;
    case UD_RULE_PENDING_ABORTED:
        snprintf(buf, size,
                 "Entry %u (ota_%u) is PENDING_VERIFY: it was started and never confirmed itself. It becomes ABORTED.",
                 i, slot);
        return;
    case UD_RULE_BOTH_INVALID:
        snprintf(buf, size, "%s",
                 entry[0].seq == UD_OTADATA_SEQ_BLANK && entry[1].seq == UD_OTADATA_SEQ_BLANK
                     ? "Both entries are blank: they name no slot."
                     : "Neither entry can be used: each is blank, INVALID or ABORTED.");
        return;
    case UD_RULE_NO_SLOTS:
        snprintf(buf, size, "The table has no OTA slot, so the entries say nothing.");
        return;
    case UD_RULE_TO_FACTORY:
        snprintf(buf, size, "The factory app is tried first.");
        return;
    case UD_RULE_TO_FIRST_SLOT:
        snprintf(buf, size, "There is no factory app, so ota_0 is tried first.");
        return;
    case UD_RULE_INITIAL:
        snprintf(buf, size,
                 "Nothing was ever recorded: once an OTA slot has loaded, entry 0 is written for it as VALID.");
        return;
    case UD_RULE_ACTIVE:
        snprintf(buf, size, "Entry %u wins: seq %" PRIu32 " of %u slots selects ota_%u.", i, entry[i].seq, slots, slot);
        return;
    case UD_RULE_NO_ACTIVE:
        snprintf(buf, size, "No entry has both a usable state and a correct CRC, so the factory app is tried first.");
        return;
    case UD_RULE_NEW_TO_PENDING:
        snprintf(buf, size,
                 "Entry %u is NEW: this is its first boot. It becomes PENDING_VERIFY, and must be confirmed before the "
                 "next reset.",
                 i);
        return;
    case UD_RULE_FACTORY_RESET:
        snprintf(buf, size,
                 "The factory-reset pin is held: data partitions are erased, then the choice is made again.");
        return;
    case UD_RULE_TEST_PIN:
        snprintf(buf, size, "The test pin is held: the test app is tried, and no other.");
        return;
    case UD_RULE_NO_TEST:
        snprintf(buf, size, "The test pin is held, but the table has no test app: the boot loader resets.");
        return;
    case UD_RULE_ENTRY_TOO_OLD:
        snprintf(buf, size,
                 "Entry %u does not count: ota_%u has no description, or a secure version below that of the eFuses.", i,
                 slot);
        return;
    case UD_RULE_RAISE_LEVEL:
        snprintf(buf, size, "The app of that entry is confirmed: the eFuses follow to its secure version %d.",
                 step->arg);
        return;
    case UD_RULE_TOO_OLD: {
        char name[16];
        if (step->arg >= 0)
            snprintf(name, sizeof name, "ota_%d", step->arg);
        else
            snprintf(name, sizeof name, "%s", step->arg == UD_BOOT_FACTORY ? "factory" : "test");
        snprintf(buf, size, "%s is left out: no description, or a secure version below that of the eFuses.", name);
        return;
    }
    }
    snprintf(buf, size, "Rule %d.", (int)step->rule);
}
