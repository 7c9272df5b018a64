/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded application call: code, value, flash operations, entries, and what the boot
 * loader starts right afterwards. Takes a file of the format of tests/vectors/boot/ota-operations.jsonl.gz.
 *
 * Two kinds of rows are no agreement but are checked all the same: upstream faults (an assertion with 16 slots plus
 * test, a search that never ends) must return with a sane outcome here, and where upstream writes an entry that reads
 * as blank this code refuses and writes nothing.
 */
#include "ota_rows.h"

static void expect_next_boot(struct rows *rows, const cJSON *row, struct test_board *t)
{
    struct ud_boot_result result;
    if (!json_has(row, "next_boot"))
        return;
    const char *expected = json_text(row, "next_boot");
    (void)test_board_boot_options(t, json_int(row, "rollback") != 0, json_int(row, "anti_rollback") != 0, &result);
    rows_expect(rows, "next boot", expected ? expected : "nothing", result.loaded ? result.loaded->label : "nothing");
}

static void expect_refusal(struct rows *rows, const struct test_board *t, const struct op_outcome *out)
{
    rows_expect(rows, "code of a refusal", "ESP_ERR_INVALID_STATE", out->value);
    rows_expect(rows, "flash operations of a refusal", "0", t->rec.count == 0 ? "0" : "some");
}

/* In place of a fault: it returned; a slot that was selected boots or is aborted, and something boots afterwards. */
static void expect_sane(struct rows *rows, const cJSON *row, struct test_board *t, struct ud_ota *ota,
                        const struct op_outcome *out)
{
    struct ud_boot_result result;
    const char *op = json_text(row, "op");
    const struct ud_partition *p = op_arg(row, t);
    if (strcmp(json_text(row, "fault"), "hang") == 0)
        expect_refusal(rows, t, out);
    else
        rows_expect(rows, "slots counted", "16", op_count(ota).value);
    if (strncmp(op, "set_boot", 8) == 0 && strcmp(out->value, "ESP_OK") == 0 && ud_partition_is_ota(p))
        rows_expect(rows, "selected", p->label, op_partition(ud_ota_get_boot(ota)).value);
    bool boots = test_board_boot_options(t, json_int(row, "rollback") != 0, json_int(row, "anti_rollback") != 0,
                                         &result) == ESP_OK;
    rows_expect(rows, "a slot boots afterwards", "yes", boots ? "yes" : "no");
}

static void check_row(struct rows *rows, const cJSON *row)
{
    struct test_board t;
    struct ud_ota ota;
    row_board(row, &t);
    test_board_run(&t, json_text(row, "running"));
    ud_ota_init(&ota, &t.board, json_int(row, "rollback") != 0);
    ota.anti_rollback = json_int(row, "anti_rollback") != 0;

    struct op_outcome out = op_run(&ota, json_text(row, "op"), op_arg(row, &t));
    bool listed = json_has(row, "fault") || row_selects_blank(row);
    if (json_has(row, "fault")) {
        expect_sane(rows, row, &t, &ota, &out);
    } else if (listed) {
        expect_refusal(rows, &t, &out);
    } else {
        rows_expect_outcome(rows, row, &out);
        rows_expect_flash(rows, row, &t);
        expect_next_boot(rows, row, &t);
    }
    if (listed && rows->row_good)
        rows->listed++;
    else
        rows_done(rows);
    test_board_deinit(&t);
}

int main(int argc, char **argv)
{
    struct rows rows;
    if (!rows_open(&rows, argc, argv, UD_VECTORS "/boot/ota-operations.jsonl.gz"))
        return 1;
    for (cJSON *row; (row = rows_next(&rows)) != NULL; cJSON_Delete(row))
        check_row(&rows, row);
    return rows_close(&rows, "application calls");
}
