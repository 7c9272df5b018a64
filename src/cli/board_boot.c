/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board boot`: one decision of the boot loader, with its writes, nothing executed. */
#include "board.h"

#include <inttypes.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board boot FILE [--json]\n"
    "\n"
    "Makes one boot decision: chooses a slot, verifies it and writes otadata as a reset would, but\n"
    "executes nothing. For boards that hold a real chip's images; 'board confirm' plays the app then.\n"
    "Exit code: 0 a slot has loaded, 1 nothing bootable.\n"
    "\n"
    "Example:\n"
    "  updraft board boot c3.flash && updraft board confirm c3.flash\n";

#define WRITES_MAX 8

/* What the loader wrote. */
struct writes {
    unsigned count;
    struct {
        unsigned sector;
        uint32_t seq;
        uint32_t state;
        esp_err_t err;
    } entry[WRITES_MAX];
    bool raised; /* the secure version, or tried to */
    uint32_t from, to;
    esp_err_t raise_err;
};

static void on_note(void *ctx, const struct ud_note *note)
{
    struct writes *w = ctx;
    if (note->id == UD_NOTE_BOOT_EFUSE) {
        w->raised = true;
        w->from = (uint32_t)note->a;
        w->to = (uint32_t)note->b;
        w->raise_err = note->err;
    }
    if (note->id != UD_NOTE_BOOT_OTADATA || w->count == WRITES_MAX)
        return;
    w->entry[w->count].sector = (unsigned)note->a;
    w->entry[w->count].seq = (uint32_t)note->b;
    w->entry[w->count].state = (uint32_t)(note->b >> 32);
    w->entry[w->count].err = note->err;
    w->count++;
}

static void print_json(const struct ud_boot_result *r, const struct writes *w)
{
    char label[17];
    cJSON *root = cJSON_CreateObject();
    cJSON *written = cJSON_CreateArray();
    if (r->loaded) {
        cJSON_AddStringToObject(root, "slot", board_label(r->loaded, label));
        cJSON_AddNumberToObject(root, "address", r->loaded->addr);
        if (r->info.has_desc)
            cJSON_AddStringToObject(root, "version", r->info.desc.version);
    } else {
        cJSON_AddNullToObject(root, "slot");
    }
    for (unsigned i = 0; i < w->count; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "entry", w->entry[i].sector);
        cJSON_AddNumberToObject(o, "seq", w->entry[i].seq);
        cJSON_AddStringToObject(o, "state", ud_ota_state_name(w->entry[i].state));
        cJSON_AddBoolToObject(o, "ok", w->entry[i].err == ESP_OK);
        cJSON_AddItemToArray(written, o);
    }
    cJSON_AddItemToObject(root, "written", written);
    if (w->raised && w->raise_err == ESP_OK)
        cJSON_AddNumberToObject(root, "secure_level_raised_to", w->to);
    cli_print_json(root);
}

static void print_text(const struct ud_boot_result *r, const struct writes *w, const char *path)
{
    char text[256];
    for (unsigned i = 0; i < r->plan.step_count; i++) {
        board_rule_sentence(&r->plan.step[i], r->input.entry, ud_boot_slot_count(&r->input), text, sizeof text);
        printf("%s\n", text);
    }
    for (unsigned i = 0; i < r->tried_count; i++) {
        char name[16];
        board_index_name(r->tried[i].index, name);
        if (r->tried[i].verdict != ESP_OK)
            printf("%s does not boot (%s).\n", name, ud_err_name(r->tried[i].verdict));
    }
    for (unsigned i = 0; i < w->count; i++)
        printf("%s otadata entry %u: seq %" PRIu32 ", %s\n", w->entry[i].err == ESP_OK ? "Wrote" : "Could not write",
               w->entry[i].sector, w->entry[i].seq, ud_ota_state_name(w->entry[i].state));
    if (w->raised)
        printf("%s the secure version of the eFuses from %" PRIu32 " to %" PRIu32 "\n",
               w->raise_err == ESP_OK ? "Raised" : "Could not raise", w->from, w->to);
    if (!r->loaded)
        return;
    board_slot_title(r->loaded->label, &r->info, text, sizeof text);
    printf("%s boots %s.\n", path, text);
}

int board_boot(int argc, char **argv)
{
    struct board_args args;
    struct writes writes = { 0 };
    int rc;
    if (!board_parse(argc, argv, "boot", help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_WRITE);
    if (!lab)
        return CLI_FAILED;
    struct ud_observer obs = { on_note, &writes };
    struct ud_boot_device dev = ud_lab_boot_device(lab, &obs);
    esp_err_t err = ud_boot_run(&dev, &lab->boot);
    if (args.json)
        print_json(&lab->boot, &writes);
    else
        print_text(&lab->boot, &writes, args.path);
    if (err == ESP_ERR_NOT_FOUND)
        rc = cli_error("%s holds nothing that can boot; 'updraft board why %s' tells why", args.path, args.path);
    else if (err != ESP_OK)
        rc = cli_error("%s: otadata cannot be read: %s", args.path, ud_err_name(err));
    board_close(lab);
    return rc;
}
