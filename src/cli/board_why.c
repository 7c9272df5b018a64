/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board why`: the boot loader's decision, explained: entries, rules, candidates, writes. */
#include "board.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board why FILE [--json]\n"
    "\n"
    "Explains which slot the next reset boots: each otadata entry decoded, each rule applied, each\n"
    "candidate's verdict. Reads only; works also while the board runs.\n"
    "\n"
    "Example:\n"
    "  updraft board why b.flash\n";

#define RULE_TEXT 512u
#define STEPS_MAX (2 * UD_BOOT_MAX_STEPS) /* a factory reset decides twice */

struct story {
    unsigned step_count;
    struct ud_boot_step step[STEPS_MAX];
    unsigned tried_count;
    struct {
        uint32_t addr;
        esp_err_t err;
        char problem[200];
    } tried[UD_BOOT_MAX_CANDIDATES];
    char problem[200]; /* the last one noted, of the candidate that is being read */
};

/* In a few words, and where in the image. */
static void keep_problem(struct story *s, const struct ud_note *note)
{
    char reason[96];
    if (note->id < UD_NOTE_IMAGE) {
        ud_note_sentence(note, s->problem, sizeof s->problem);
        cli_printable(s->problem);
        return;
    }
    board_image_reason(note, reason, sizeof reason);
    if (note->id == UD_NOTE_IMAGE_BAD || note->id == UD_NOTE_IMAGE_DIGEST)
        snprintf(s->problem, sizeof s->problem, "%s, at offset 0x%" PRIx64 " of the image", reason, note->a);
    else
        snprintf(s->problem, sizeof s->problem, "%s", reason);
}

static void on_note(void *ctx, const struct ud_note *note)
{
    struct story *s = ctx;
    if (note->id == UD_NOTE_BOOT_RULE) {
        if (s->step_count < STEPS_MAX)
            s->step[s->step_count++] = (struct ud_boot_step){ (enum ud_boot_rule)note->a, (int)(int64_t)note->b };
    } else if (note->id == UD_NOTE_BOOT_TRY) {
        if (s->tried_count == UD_BOOT_MAX_CANDIDATES)
            return;
        s->tried[s->tried_count].addr = (uint32_t)note->a;
        s->tried[s->tried_count].err = note->err;
        memcpy(s->tried[s->tried_count].problem, s->problem, sizeof s->problem);
        s->problem[0] = 0;
        s->tried_count++;
    } else if (note->err != ESP_OK && note->id < UD_NOTE_BOOT) {
        keep_problem(s, note);
    }
}

/* ---- otadata ----------------------------------------------------------------------------------------------------- */

static bool is_blank(const struct ud_otadata_entry *e)
{
    return e->seq == UD_OTADATA_SEQ_BLANK && e->state == UD_OTA_UNDEFINED && e->crc == UINT32_MAX;
}

void board_entry_text(const struct ud_otadata_entry *e, unsigned slots, char *buf, size_t size)
{
    char state[24];
    if (is_blank(e)) {
        snprintf(buf, size, "blank");
        return;
    }
    if (strcmp(ud_ota_state_name(e->state), "?") == 0)
        snprintf(state, sizeof state, "state 0x%08" PRIx32, e->state);
    else
        snprintf(state, sizeof state, "%s", ud_ota_state_name(e->state));
    char slot[24] = "no slot";
    if (slots && e->seq != UD_OTADATA_SEQ_BLANK)
        snprintf(slot, sizeof slot, "ota_%" PRIu32, ud_otadata_slot(e, slots));
    bool crc_good = e->crc == ud_otadata_crc(e->seq);
    snprintf(buf, size, "seq %" PRIu32 " names %s, %s, CRC %s: %s", e->seq, slot, state, crc_good ? "correct" : "wrong",
             ud_otadata_is_valid(e) ? "usable" : "not usable");
}

cJSON *board_entry_json(const struct ud_otadata_entry *e, unsigned slots)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddBoolToObject(o, "blank", is_blank(e));
    cJSON_AddNumberToObject(o, "seq", e->seq);
    cJSON_AddStringToObject(o, "state", ud_ota_state_name(e->state));
    cJSON_AddNumberToObject(o, "state_value", e->state);
    cJSON_AddBoolToObject(o, "crc_ok", e->crc == ud_otadata_crc(e->seq));
    cJSON_AddBoolToObject(o, "usable", ud_otadata_is_valid(e));
    if (slots && e->seq != UD_OTADATA_SEQ_BLANK)
        cJSON_AddNumberToObject(o, "slot", ud_otadata_slot(e, slots));
    else
        cJSON_AddNullToObject(o, "slot");
    return o;
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

static void print_entries(const struct ud_boot_result *r)
{
    const struct ud_partition *p = ud_ptable_find(&r->table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    char text[160];
    if (r->input.otadata != UD_OTADATA_PRESENT) {
        printf("otadata: %s\n\n", p ? "too small to be used" : "none in the table");
        return;
    }
    printf("otadata at 0x%06" PRIx32 "\n", p->addr);
    for (unsigned i = 0; i < 2; i++) {
        board_entry_text(&r->input.entry[i], ud_boot_slot_count(&r->input), text, sizeof text);
        printf("  entry %u  %s\n", i, text);
    }
    putchar('\n');
}

/* ---- what the rules alone do not say ------------------------------------------------------------------------------- */

/* OTA slots as an application counts them: up to the first gap, where the boot loader counts all. */
static unsigned slots_of_app(const struct ud_boot_input *in)
{
    unsigned n = 0;
    while (n < UD_BOOT_MAX_SLOTS && in->slots_present >> n & 1)
        n++;
    return n;
}

static bool is_used_up(uint32_t seq, unsigned slots)
{
    uint32_t next;
    for (unsigned slot = 0; slot < slots; slot++)
        if (!ud_otadata_next_seq(slots, seq, slot, &next))
            return true;
    return false;
}

__attribute__((format(printf, 3, 4))) static void append(char *buf, size_t size, const char *fmt, ...)
{
    size_t len = strlen(buf);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf + len, size - len, fmt, ap);
    va_end(ap);
}

/* The traps behind an entry that wins. */
static void explain_active(const struct ud_boot_input *in, const struct ud_otadata_entry *e, char *buf, size_t size)
{
    unsigned slots = ud_boot_slot_count(in), apps = slots_of_app(in);
    uint32_t slot = slots ? ud_otadata_slot(e, slots) : 0;
    if (slots == 0)
        return;
    if (e->seq == 0)
        append(buf, size, " (No firmware writes seq 0; slots are counted from seq 1.)");
    if (!(in->slots_present >> slot & 1))
        append(buf, size, " The table has no ota_%" PRIu32 ", so the next candidate is tried.", slot);
    if (apps == 0)
        append(buf, size, " (An application counts no slot, since ota_0 is missing.)");
    else if (apps != slots)
        append(buf, size, " (An application counts %u, up to the gap, and takes it for ota_%" PRIu32 ".)", apps,
               ud_otadata_slot(e, apps));
    if (is_used_up(e->seq, slots))
        append(buf, size, " Numbers are used up: another slot can only be selected after otadata was erased.");
}

/* A rule as a sentence about this table. */
static void rule_text(const struct ud_boot_input *in, const struct ud_boot_step *step, char *buf, size_t size)
{
    board_rule_sentence(step, in->entry, ud_boot_slot_count(in), buf, size);
    if (step->rule == UD_RULE_ACTIVE)
        explain_active(in, &in->entry[step->arg == 1], buf, size);
    else if ((step->rule == UD_RULE_NO_ACTIVE || step->rule == UD_RULE_NO_OTADATA) && !in->has_factory)
        append(buf, size, " There is none, so the OTA slots are tried from ota_0 on.");
}

static void print_rules(const struct ud_lab_board *lab, const struct story *s)
{
    const struct ud_boot_input *in = &lab->boot.input;
    char text[256];
    if (in->anti_rollback)
        printf("Rules (the boot loader's rollback and anti-rollback are on, the eFuses are at %" PRIu32 ")\n",
               in->secure_level);
    else
        printf("Rules (the boot loader's rollback is %s)\n", in->rollback ? "on" : "off");
    for (unsigned i = 0; i < s->step_count; i++) {
        rule_text(in, &s->step[i], text, sizeof text);
        printf("  %u. %s\n", i + 1, text);
    }
    putchar('\n');
}

/* An erased slot is no news: say so instead of what the verifier stumbled over. */
static void name_empty_slots(struct ud_lab_board *lab, struct story *s)
{
    for (unsigned i = 0; i < s->tried_count; i++) {
        uint8_t head[16];
        bool blank = ud_flash_read(&lab->flash, s->tried[i].addr, head, sizeof head) == ESP_OK;
        for (size_t b = 0; b < sizeof head; b++)
            blank = blank && head[b] == 0xFF;
        if (blank)
            snprintf(s->tried[i].problem, sizeof s->tried[i].problem, "empty");
    }
}

static const char *reason_of(const struct story *s, unsigned i)
{
    return s->tried[i].problem[0] ? s->tried[i].problem : ud_err_name(s->tried[i].err);
}

static const char *image_title(const struct ud_image_info *info, char *buf, size_t size)
{
    if (info->has_desc)
        snprintf(buf, size, "%s %s", info->desc.project_name, info->desc.version);
    else
        snprintf(buf, size, "an image without a description");
    cli_printable(buf);
    return buf;
}

static void print_candidates(const struct ud_boot_result *r, const struct story *s)
{
    if (r->plan.candidate_count == 0)
        return;
    puts("Candidates, in this order");
    char label[17], title[96];
    unsigned tried = 0;
    for (unsigned i = 0; i < r->plan.candidate_count; i++) {
        const struct ud_partition *p = ud_boot_partition(&r->table, r->plan.candidate[i]);
        if (!p)
            continue;
        printf("  %-8s ", board_label(p, label));
        if (tried >= s->tried_count || s->tried[tried].addr != p->addr) {
            puts("not looked at: one before it boots");
            continue;
        }
        if (s->tried[tried].err != ESP_OK)
            printf("refused: %s\n", reason_of(s, tried));
        else
            printf("good: %s, %" PRIu32 " bytes, %s\n", image_title(&r->info, title, sizeof title), r->info.len,
                   r->info.has_digest ? "checksum and SHA-256 correct" : "checksum correct, no SHA-256");
        tried++;
    }
    putchar('\n');
}

static void print_end(const struct ud_lab_board *lab)
{
    const struct ud_boot_result *r = &lab->boot;
    char title[96];
    if (!r->loaded) {
        printf("So nothing boots: %s.\n",
               r->plan.action == UD_BOOT_RESET ? "the boot loader resets, again and again" : "no candidate is good");
        return;
    }
    board_slot_title(r->loaded->label, &r->info, title, sizeof title);
    printf("So %s boots.\n", title);
}

static void print_text(const struct ud_lab_board *lab, const struct story *s)
{
    if (lab->holder != 0)
        printf("%s is running; this is what its next reset would do.\n\n", lab->path);
    print_entries(&lab->boot);
    print_rules(lab, s);
    print_candidates(&lab->boot, s);
    print_end(lab);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

static const char *const rule_names[] = {
    [UD_RULE_NO_OTADATA] = "no_otadata",
    [UD_RULE_SHORT_OTADATA] = "short_otadata",
    [UD_RULE_PENDING_ABORTED] = "pending_aborted",
    [UD_RULE_BOTH_INVALID] = "both_invalid",
    [UD_RULE_NO_SLOTS] = "no_slots",
    [UD_RULE_TO_FACTORY] = "to_factory",
    [UD_RULE_TO_FIRST_SLOT] = "to_first_slot",
    [UD_RULE_INITIAL] = "initial",
    [UD_RULE_ACTIVE] = "active",
    [UD_RULE_NO_ACTIVE] = "no_active",
    [UD_RULE_NEW_TO_PENDING] = "new_to_pending",
    [UD_RULE_FACTORY_RESET] = "factory_reset",
    [UD_RULE_TEST_PIN] = "test_pin",
    [UD_RULE_NO_TEST] = "no_test",
    [UD_RULE_ENTRY_TOO_OLD] = "entry_too_old",
    [UD_RULE_RAISE_LEVEL] = "raise_level",
    [UD_RULE_TOO_OLD] = "too_old",
};

static cJSON *rules_json(const struct ud_boot_input *in, const struct story *s)
{
    cJSON *list = cJSON_CreateArray();
    char text[RULE_TEXT];
    for (unsigned i = 0; i < s->step_count; i++) {
        cJSON *o = cJSON_CreateObject();
        rule_text(in, &s->step[i], text, sizeof text);
        cJSON_AddStringToObject(o, "rule",
                                s->step[i].rule < UD_ARRAY_LEN(rule_names) ? rule_names[s->step[i].rule] : "unknown");
        cJSON_AddNumberToObject(o, "arg", s->step[i].arg);
        cJSON_AddStringToObject(o, "text", text);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *candidates_json(const struct ud_boot_result *r, const struct story *s)
{
    cJSON *list = cJSON_CreateArray();
    char label[17];
    unsigned tried = 0;
    for (unsigned i = 0; i < r->plan.candidate_count; i++) {
        const struct ud_partition *p = ud_boot_partition(&r->table, r->plan.candidate[i]);
        if (!p)
            continue;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "label", board_label(p, label));
        cJSON_AddNumberToObject(o, "address", p->addr);
        bool was_tried = tried < s->tried_count && s->tried[tried].addr == p->addr;
        if (!was_tried) {
            cJSON_AddNullToObject(o, "verdict");
        } else {
            cJSON_AddStringToObject(o, "verdict", s->tried[tried].err == ESP_OK ? "good" : "refused");
            if (s->tried[tried].err != ESP_OK)
                cJSON_AddStringToObject(o, "problem", reason_of(s, tried));
            tried++;
        }
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void print_json(const struct ud_lab_board *lab, const struct story *s)
{
    const struct ud_boot_result *r = &lab->boot;
    char label[17];
    cJSON *root = cJSON_CreateObject();
    cJSON *entries = cJSON_CreateArray();
    cJSON_AddStringToObject(root, "file", lab->path);
    cJSON_AddBoolToObject(root, "running", lab->holder != 0);
    cJSON_AddBoolToObject(root, "rollback", r->input.rollback);
    cJSON_AddBoolToObject(root, "anti_rollback", r->input.anti_rollback);
    if (r->input.anti_rollback)
        cJSON_AddNumberToObject(root, "secure_level", r->input.secure_level);
    for (unsigned i = 0; i < 2 && r->input.otadata == UD_OTADATA_PRESENT; i++)
        cJSON_AddItemToArray(entries, board_entry_json(&r->input.entry[i], ud_boot_slot_count(&r->input)));
    cJSON_AddItemToObject(root, "otadata", entries);
    cJSON_AddItemToObject(root, "rules", rules_json(&r->input, s));
    cJSON_AddItemToObject(root, "candidates", candidates_json(r, s));
    if (r->loaded)
        cJSON_AddStringToObject(root, "boots_next", board_label(r->loaded, label));
    else
        cJSON_AddNullToObject(root, "boots_next");
    cli_print_json(root);
}

int board_why(int argc, char **argv)
{
    struct board_args args;
    struct story story = { 0 };
    int rc;
    if (!board_parse(argc, argv, "why", help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_READ);
    if (!lab)
        return CLI_FAILED;
    struct ud_observer obs = { on_note, &story };
    struct ud_boot_device dev = ud_lab_boot_device(lab, &obs);
    esp_err_t err = ud_boot_explain(&dev, &lab->boot);
    if (err != ESP_OK && err != ESP_ERR_NOT_FOUND)
        rc = cli_error("%s: otadata cannot be read: %s", args.path, ud_err_name(err));
    else {
        name_empty_slots(lab, &story);
        (args.json ? print_json : print_text)(lab, &story);
    }
    board_close(lab);
    return rc;
}
