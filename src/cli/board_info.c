/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft board info`: the settings of a board. */
#include "board.h"

#include <inttypes.h>
#include <string.h>

static const char help[] =
    "Usage: updraft board info FILE [--json]\n"
    "\n"
    "Shows what a board is: chip, flash, the options of its boot loader and app, its inputs, and who\n"
    "runs it at this moment. Settings are changed by editing FILE.json.\n"
    "\n"
    "Example:\n"
    "  updraft board info b.flash\n";

static void print_json(const struct ud_lab_board *lab)
{
    char *text = ud_lab_settings_print(&lab->settings);
    cJSON *settings = text ? cJSON_Parse(text) : NULL;
    cJSON_free(text);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", lab->path);
    cJSON_AddBoolToObject(root, "running", lab->holder != 0);
    if (lab->holder > 0)
        cJSON_AddNumberToObject(root, "pid", (double)lab->holder);
    else
        cJSON_AddNullToObject(root, "pid");
    cJSON_AddItemToObject(root, "settings", settings ? settings : cJSON_CreateNull());
    cli_print_json(root);
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void print_pin(const char *what, uint8_t pin, uint8_t level)
{
    if (pin != UD_LAB_NO_PIN)
        printf("%-16s pin %u, held at level %u\n", what, pin, level);
}

static void print_text(const struct ud_lab_board *lab)
{
    const struct ud_lab_settings *s = &lab->settings;
    char revision[16], size[24];
    board_revision_text(s->revision, revision);
    board_size_text(s->flash_size, size);
    printf("%-16s %s, with %s.json and %s.efuse\n", "Board", lab->path, lab->path, lab->path);
    printf("%-16s %s revision %s\n", "Chip", s->chip->title, revision);
    printf("%-16s %s, partition table at 0x%" PRIx32 "\n", "Flash", size, s->table_offset);
    printf("%-16s %s\n", "Runs",
           s->runs == UD_LAB_RUNS_HOST ? "host images, executed here" : "nothing: holds images of the chip itself");
    printf("%-16s rollback %s, anti-rollback %s\n", "Boot loader", on_off(s->boot_rollback),
           on_off(s->boot_anti_rollback));
    printf("%-16s rollback %s, anti-rollback %s\n", "App", on_off(s->app_rollback), on_off(s->app_anti_rollback));
    printf("%-16s an appended SHA-256 is %s\n", "Images", s->require_digest ? "required" : "not required");
    printf("%-16s %" PRIu32 " ms, once it was fed\n", "Watchdog", s->watchdog_ms);
    print_pin("Factory reset", s->factory_reset_pin, s->pin_level);
    print_pin("Test app", s->test_pin, s->pin_level);
    for (unsigned pin = 0; pin < UD_LAB_PINS; pin++)
        if (s->inputs_driven >> pin & 1)
            printf("%-16s pin %u is %u\n", "Input", pin, (unsigned)(s->inputs >> pin & 1));
    if (lab->holder > 0)
        printf("%-16s running (process %d)\n", "Power", (int)lab->holder);
    else
        printf("%-16s %s\n", "Power", lab->holder ? "running" : "off");
}

int board_info(int argc, char **argv)
{
    struct board_args args;
    int rc;
    if (!board_parse(argc, argv, "info", help, &args, &rc))
        return rc;
    struct ud_lab_board *lab = board_open(args.path, UD_LAB_READ | UD_LAB_FILES_ONLY);
    if (!lab)
        return CLI_FAILED;
    if (args.json)
        print_json(lab);
    else
        print_text(lab);
    board_close(lab);
    return CLI_OK;
}
