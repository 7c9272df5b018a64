/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board confirm|reject`: what the app would say of itself, on a board that executes nothing. */
#include "board.h"

#include <inttypes.h>
#include <string.h>

#include "updraft/ota.h"

static const char confirm_help[] =
    "Usage: updraft board confirm FILE\n"
    "\n"
    "Plays the app of the slot that was booted last: it works, so it is marked VALID and will not be\n"
    "rolled back. Boot it first ('board boot') when it is new.\n"
    "\n"
    "Example:\n"
    "  updraft board boot c3.flash && updraft board confirm c3.flash\n";

static const char reject_help[] =
    "Usage: updraft board reject FILE\n"
    "\n"
    "Plays the app of the slot that was booted last: it does not work, so it is marked INVALID and\n"
    "the next boot goes back to another slot.\n"
    "\n"
    "Example:\n"
    "  updraft board boot c3.flash && updraft board reject c3.flash\n";

/*
 * The slot whose app speaks: the one that the active entry names, once it was booted, else what boots without an entry.
 * Fills `lab->board.running`; false when there is none, said on stderr.
 */
static bool find_running(struct ud_lab_board *lab)
{
    const struct ud_boot_input *in = &lab->boot.input;
    int active = in->otadata == UD_OTADATA_PRESENT ? ud_otadata_active(in->entry) : -1;
    unsigned slots = ud_boot_slot_count(in);
    if (active >= 0 && slots > 0) {
        const struct ud_otadata_entry *e = &in->entry[active];
        const struct ud_partition *p = ud_boot_partition(&lab->board.table, (int)ud_otadata_slot(e, slots));
        char label[17];
        if (lab->settings.boot_rollback && e->state == UD_OTA_NEW) {
            cli_error("%s has not been booted yet: run 'updraft board boot %s' first",
                      p ? board_label(p, label) : "the new slot", lab->path);
            return false;
        }
        lab->board.running = p;
    }
    if (!lab->board.running)
        cli_error("%s runs nothing: 'updraft board why %s' tells why", lab->path, lab->path);
    return lab->board.running != NULL;
}

static int say(struct ud_lab_board *lab, bool works)
{
    struct ud_ota ota;
    struct ud_image_info info;
    struct ud_observer obs = cli_error_observer();
    lab->board.obs = lab->flash.observer = &obs;
    ud_ota_init(&ota, &lab->board, lab->settings.app_rollback);
    ota.anti_rollback = lab->settings.app_anti_rollback;
    const struct ud_partition *p = lab->board.running;
    char title[96];
    if (ud_ota_verify(&ota, p, &info) != ESP_OK)
        return cli_error("%s does not hold an image that this board would run, so nobody can speak for it",
                         board_label(p, title));
    board_slot_title(p->label, &info, title, sizeof title);
    esp_err_t err = works ? ud_ota_mark_valid(&ota) : ud_ota_mark_invalid(&ota);
    if (err == ESP_OK) {
        printf("%s is now %s.%s\n", title, works ? "VALID" : "INVALID",
               works ? "" : " The next boot goes back to another slot.");
        return CLI_OK;
    }
    uint32_t state;
    if (works && ota.anti_rollback && ud_ota_get_state(&ota, p, &state) == ESP_OK && state == UD_OTA_VALID)
        return cli_error("%s is VALID, but its secure version %" PRIu32 " could not be taken to the eFuses: %s", title,
                         info.desc.secure_version, ud_err_name(err));
    if (!works && err == ESP_ERR_OTA_ROLLBACK_FAILED)
        return cli_error("%s cannot be rejected: no other slot holds a bootable app to go back to", title);
    return cli_error("%s could not be marked %s: %s", title, works ? "VALID" : "INVALID", ud_err_name(err));
}

static int speak(int argc, char **argv, bool works)
{
    struct board_args args;
    int rc;
    if (!board_parse(argc, argv, works ? "confirm" : "reject", works ? confirm_help : reject_help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_WRITE);
    if (!lab)
        return CLI_FAILED;
    rc = find_running(lab) ? say(lab, works) : CLI_FAILED;
    board_close(lab);
    return rc;
}

int board_confirm(int argc, char **argv)
{
    return speak(argc, argv, true);
}

int board_reject(int argc, char **argv)
{
    return speak(argc, argv, false);
}
