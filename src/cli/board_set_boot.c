/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board set-boot` and `erase-otadata`: what otadata says, changed from outside as a technician would. */
#include "board.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "updraft/ota.h"

#define COMMAND "board set-boot"
#define REASON  96

static const char set_help[] =
    "Usage: updraft board set-boot BOARD SLOT [--no-verify]\n"
    "\n"
    "Makes SLOT (the label of an app partition) the one that boots next, by writing otadata as\n"
    "esp_ota_set_boot_partition does: with the app's rollback as NEW. For the factory app otadata is\n"
    "erased. The image is verified first.\n"
    "\n"
    "  --no-verify   select whatever is there; the boot loader judges it\n"
    "\n"
    "Example:\n"
    "  updraft board set-boot b.flash ota_1 && updraft board boot b.flash\n";

static const char erase_help[] =
    "Usage: updraft board erase-otadata BOARD\n"
    "\n"
    "Erases otadata: nothing is recorded any more, and the next boot begins with the factory app, or\n"
    "without one with ota_0. What 'idf.py erase-otadata' does to a chip.\n"
    "\n"
    "Example:\n"
    "  updraft board erase-otadata b.flash\n";

/* What the changed flash means. */
static int say_next(struct ud_lab_board *lab, const char *done)
{
    struct ud_boot_device dev = ud_lab_boot_device(lab, NULL);
    char title[96];
    esp_err_t err = ud_boot_explain(&dev, &lab->boot);
    if (err == ESP_OK) {
        board_slot_title(lab->boot.loaded->label, &lab->boot.info, title, sizeof title);
        printf("%s %s boots next.\n", done, title);
    } else if (err == ESP_ERR_NOT_FOUND) {
        printf("%s Nothing boots; 'updraft board why %s' tells why.\n", done, lab->path);
    } else {
        return cli_error("%s: otadata cannot be read back: %s", lab->path, ud_err_name(err));
    }
    return CLI_OK;
}

/* ---- set-boot ------------------------------------------------------------------------------------------------------ */

struct written {
    bool any;
    unsigned entry;
    uint32_t seq;
};

/* Which entry was written: the one that names the slot now and is the active one. */
static struct written find_written(struct ud_lab_board *lab)
{
    struct ud_otadata_entry e[2];
    struct written w = { 0 };
    const struct ud_partition *p = ud_boot_otadata(&lab->board.table);
    int active = p && ud_otadata_read(&lab->flash, p, e) == ESP_OK ? ud_otadata_active(e) : -1;
    if (active >= 0)
        w = (struct written){ true, (unsigned)active, e[active].seq };
    return w;
}

/* Of all that is noted on the way only what is said against the image, or of the medium of the flash, is for people. */
static void keep_reason(void *ctx, const struct ud_note *note)
{
    if (note->err != ESP_OK && note->id >= UD_NOTE_IMAGE && note->id < UD_NOTE_BOOT)
        board_image_reason(note, ctx, REASON);
    else if (note->err != ESP_OK && note->id < UD_NOTE_PARTITION && note->id != UD_NOTE_FLASH_FAILED)
        ud_note_sentence(note, ctx, REASON);
}

static int explain_refusal(const struct ud_lab_board *lab, const char *label, const char *reason, esp_err_t err)
{
    switch (err) {
    case ESP_ERR_NOT_FOUND:
        return cli_error("%s has no otadata partition, so its boot loader cannot be told", lab->path);
    case ESP_ERR_INVALID_SIZE:
        return cli_error("the otadata partition of %s is smaller than 8 KB: neither app nor boot loader can use it",
                         lab->path);
    case ESP_ERR_OTA_VALIDATE_FAILED:
        return cli_error("%s holds no image that this board would run (%s); --no-verify selects it all the same", label,
                         reason);
    case ESP_ERR_INVALID_ARG:
        return cli_error("%s cannot be selected: the OTA slots of the table end before it", label);
    case ESP_ERR_INVALID_STATE:
        return cli_error("%s cannot be selected: the sequence number is used up; 'updraft board erase-otadata %s' "
                         "begins anew",
                         label, lab->path);
    case ESP_ERR_FLASH_OP_FAIL:
        return cli_error("%s cannot be selected: %s", label, reason);
    default:
        return cli_error("%s cannot be selected: %s", label, ud_err_name(err));
    }
}

/*
 * Anti-rollback, asked here: an application that selects a slot which is too old erases it, which is nothing to do to a
 * board from outside.
 */
static bool is_new_enough(struct ud_lab_board *lab, struct ud_ota *ota, const struct ud_partition *p)
{
    uint32_t level = 0;
    struct ud_app_desc desc;
    char label[17];
    if (!lab->settings.app_anti_rollback || !ud_partition_is_ota(p) || ud_ota_get_desc(ota, p, &desc) != ESP_OK)
        return true; /* without a description there is no image either */
    esp_err_t err = ud_secure_version_read(&lab->board.efuse, lab->settings.chip->secure_version_bits, &level);
    if (err != ESP_OK) {
        cli_error("%s.efuse cannot be read: %s", lab->path, ud_err_name(err));
        return false;
    }
    if (desc.secure_version >= level)
        return true;
    cli_error("%s has secure version %" PRIu32 ", below the %" PRIu32
              " of the eFuses: anti-rollback keeps it from booting",
              board_label(p, label), desc.secure_version, level);
    return false;
}

static int set_boot(struct ud_lab_board *lab, const char *slot, bool verify)
{
    struct ud_ota ota;
    char label[17], done[128], reason[REASON] = "it cannot be read";
    struct ud_observer obs = { keep_reason, reason };
    const struct ud_partition *p = ud_ptable_find(&lab->board.table, UD_PART_ANY, UD_PART_ANY, slot);
    if (!p)
        return cli_error("%s has no partition '%s': see 'updraft board map %s'", lab->path, slot, lab->path);
    board_label(p, label);
    if (p->type != UD_PART_APP || (!ud_partition_is_ota(p) && p->subtype != UD_PART_APP_FACTORY))
        return cli_error("%s is neither an OTA slot nor the factory app, otadata cannot name it", label);
    lab->board.obs = lab->flash.observer = &obs;
    ud_ota_init(&ota, &lab->board, lab->settings.app_rollback);
    if (verify && !is_new_enough(lab, &ota, p))
        return CLI_FAILED;
    esp_err_t err = verify ? ud_ota_set_boot(&ota, p) : ud_ota_set_boot_skip_validate(&ota, p);
    lab->board.obs = lab->flash.observer = NULL;
    if (err != ESP_OK)
        return explain_refusal(lab, label, reason, err);
    struct written w = find_written(lab);
    if (w.any)
        snprintf(done, sizeof done, "Wrote otadata entry %u: seq %" PRIu32 ", %s.", w.entry, w.seq,
                 lab->settings.app_rollback ? "NEW" : "UNDEFINED");
    else
        snprintf(done, sizeof done, "Erased otadata.");
    return say_next(lab, done);
}

int board_set_boot(int argc, char **argv)
{
    static const struct option options[] = {
        { "no-verify", no_argument, 0, 'n' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    bool verify = true;
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(set_help, stdout);
            return CLI_OK;
        }
        if (c != 'n')
            return cli_usage(COMMAND, "the command line could not be read");
        verify = false;
    }
    if (argc - optind != 2)
        return cli_usage(COMMAND, "BOARD and SLOT are needed");
    struct ud_lab_board *lab = board_open(argv[optind], UD_LAB_WRITE);
    int rc = lab ? set_boot(lab, argv[optind + 1], verify) : CLI_FAILED;
    board_close(lab);
    return rc;
}

/* ---- erase-otadata ------------------------------------------------------------------------------------------------- */

int board_erase_otadata(int argc, char **argv)
{
    struct board_args args;
    int rc;
    if (!board_parse(argc, argv, "erase-otadata", erase_help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_WRITE);
    if (!lab)
        return CLI_FAILED;
    const struct ud_partition *p = ud_boot_otadata(&lab->board.table);
    esp_err_t err = p ? ud_flash_erase(&lab->flash, p->addr, p->size) : ESP_OK;
    if (!p)
        rc = cli_error("%s has no otadata partition", lab->path);
    else if (err != ESP_OK)
        rc = cli_error("otadata of %s could not be erased: %s", lab->path, ud_err_name(err));
    else
        rc = say_next(lab, "Erased otadata.");
    board_close(lab);
    return rc;
}
