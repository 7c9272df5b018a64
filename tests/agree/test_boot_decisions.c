/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded boot, done by the loader on a board in memory: start, the order of what was
 * tried, what was loaded, the flash operations in order, the entries and the level of the eFuses
 * afterwards. Takes a file of the format of
 * tests/vectors/boot/boot-decisions.jsonl.gz as its argument. Explaining a row first must say the same and write
 * nothing.
 */
#include "boot_rows.h"

static struct ud_boot_device row_device(struct test_board *t, const cJSON *row)
{
    struct ud_boot_device dev = test_board_boot_device(t, json_int(row, "rollback") != 0);
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(row, "event");
    dev.settings.factory_reset_pin = json_int(event, "factory_reset") != 0;
    dev.settings.test_pin = json_int(event, "test_pin") != 0;
    dev.settings.deep_sleep_wake = json_int(event, "deep_sleep") != 0;
    dev.settings.anti_rollback = json_int(row, "anti_rollback") != 0;
    dev.settings.factory_reset_erases_otadata = json_int(event, "erase_otadata") != 0;
    return dev;
}

static void check_row(struct rows *rows, const cJSON *row)
{
    struct test_board t;
    struct ud_boot_result explained;
    struct ud_boot_result result;
    row_board(row, &t);
    struct ud_boot_device dev = row_device(&t, row);

    esp_err_t foretold = ud_boot_explain(&dev, &explained);
    rows_expect_boot(rows, row, &explained);
    rows_expect(rows, "explaining writes", "0", t.rec.count == 0 ? "0" : "something");

    esp_err_t err = ud_boot_run(&dev, &result);
    rows_expect(rows, "code", ud_err_name(foretold), ud_err_name(err));
    rows_expect_boot(rows, row, &result);
    rows_expect_flash(rows, row, &t);
    rows_done(rows);
    test_board_deinit(&t);
}

int main(int argc, char **argv)
{
    struct rows rows;
    if (!rows_open(&rows, argc, argv, UD_VECTORS "/boot/boot-decisions.jsonl.gz"))
        return 1;
    for (cJSON *row; (row = rows_next(&rows)) != NULL; cJSON_Delete(row))
        check_row(&rows, row);
    return rows_close(&rows, "boot decisions");
}
