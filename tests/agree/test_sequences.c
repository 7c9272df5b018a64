/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded sequences of boots, calls and new images on the same flash, application and boot loader with their own
 * options. Takes a file of the format of tests/vectors/boot/sequences.jsonl.gz; a row agrees when every step does.
 */
#include "ota_rows.h"

static void step_boot(struct rows *rows, const cJSON *step, struct test_board *t, const cJSON *loader)
{
    struct ud_boot_result result;
    t->board.running = NULL;
    (void)test_board_boot_options(t, json_int(loader, "rollback") != 0, json_int(loader, "anti_rollback") != 0,
                                  &result);
    rows_expect_boot(rows, step, &result);
}

static void check_step(struct rows *rows, const cJSON *step, struct test_board *t, struct ud_ota *ota,
                       const cJSON *loader)
{
    const char *name = json_text(step, "do");
    record_flash_clear(&t->rec);
    if (strcmp(name, "image") == 0) {
        test_board_put_app(t, json_text(step, "arg"), row_image_state(json_text(step, "set")),
                           (uint32_t)json_int(step, "secver"));
    } else if (strcmp(name, "boot") == 0) {
        step_boot(rows, step, t, loader);
    } else {
        struct op_outcome out = op_run(ota, name, op_arg(step, t));
        rows_expect_outcome(rows, step, &out);
        if (json_int(step, "restart"))
            t->board.running = NULL;
    }
    rows_expect_flash(rows, step, t);
    const char *running = json_text(step, "running");
    rows_expect(rows, "running", running ? running : "nothing", t->board.running ? t->board.running->label : "nothing");
}

static void check_row(struct rows *rows, const cJSON *row)
{
    struct test_board t;
    struct ud_ota ota;
    const cJSON *step;
    const cJSON *app = cJSON_GetObjectItemCaseSensitive(row, "app_config");
    const cJSON *loader = cJSON_GetObjectItemCaseSensitive(row, "bootloader_config");
    row_board(row, &t);
    ud_ota_init(&ota, &t.board, json_int(app, "rollback") != 0);
    ota.anti_rollback = json_int(app, "anti_rollback") != 0;
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(row, "steps"))
    {
        check_step(rows, step, &t, &ota, loader);
    }
    rows_done(rows);
    test_board_deinit(&t);
}

int main(int argc, char **argv)
{
    struct rows rows;
    if (!rows_open(&rows, argc, argv, UD_VECTORS "/boot/sequences.jsonl.gz"))
        return 1;
    for (cJSON *row; (row = rows_next(&rows)) != NULL; cJSON_Delete(row))
        check_row(&rows, row);
    return rows_close(&rows, "sequences");
}
