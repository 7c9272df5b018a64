/* SPDX-License-Identifier: Apache-2.0 */
/* The loader on a board in memory: what it reads, writes and hands to the sink; failing flash, sink and hash. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"

static const struct test_layout layout = {
    .ota = { 0, 1 }, .ota_count = 2, .factory = true, .otadata = UD_OTADATA_PRESENT
};

/* Collects what the loader hands over. */
struct taken {
    uint32_t opened, closed;
    esp_err_t verdict; /* of the last close */
    uint32_t len;
    uint8_t bytes[4096];
    esp_err_t refuse_open, refuse_data, refuse_close; /* for the first candidate */
};

static esp_err_t take_open(void *ctx, const struct ud_partition *p)
{
    struct taken *taken = ctx;
    (void)p;
    taken->len = 0;
    return taken->opened++ == 0 ? taken->refuse_open : ESP_OK;
}

static esp_err_t take_data(void *ctx, uint32_t off, const void *data, size_t len)
{
    struct taken *taken = ctx;
    assert_int_equal(off, taken->len);
    assert_true(off + len <= sizeof taken->bytes);
    memcpy(taken->bytes + off, data, len);
    taken->len += (uint32_t)len;
    return taken->opened == 1 ? taken->refuse_data : ESP_OK;
}

static esp_err_t take_close(void *ctx, esp_err_t verdict, const struct ud_image_info *info)
{
    struct taken *taken = ctx;
    taken->closed++;
    taken->verdict = verdict;
    assert_non_null(info);
    return taken->opened == 1 ? taken->refuse_close : ESP_OK;
}

static struct ud_boot_sink sink_of(struct taken *taken)
{
    return (struct ud_boot_sink){ take_open, take_data, take_close, taken };
}

/* ota_1 is active, all images are good. */
static void start(struct test_board *t)
{
    test_board_init(t, &layout);
    test_board_put_image(t, "factory", TEST_IMAGE_GOOD);
    test_board_put_image(t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_image(t, "ota_1", TEST_IMAGE_GOOD);
    test_board_put_entry(t, 0, 1, UD_OTA_VALID);
    test_board_put_entry(t, 1, 2, UD_OTA_VALID);
}

static void the_sink_gets_the_bytes_that_were_verified(void **state)
{
    (void)state;
    static const size_t chunks[] = { 256, 300, 1000, 1024 };
    for (size_t i = 0; i < UD_ARRAY_LEN(chunks); i++) {
        struct test_board t;
        struct taken taken = { 0 };
        struct ud_boot_result result;
        start(&t);
        struct ud_boot_device dev = test_board_boot_device(&t, true);
        dev.sink = sink_of(&taken);
        dev.scratch_len = chunks[i];
        assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
        assert_string_equal(result.loaded->label, "ota_1");
        assert_int_equal(result.loaded_index, 1);
        assert_int_equal(taken.opened, 1);
        assert_int_equal(taken.closed, 1);
        assert_int_equal(taken.verdict, ESP_OK);
        assert_true(taken.len >= result.info.len);
        assert_memory_equal(taken.bytes, t.bytes + result.loaded->addr, taken.len);
        assert_string_equal(result.info.desc.version, "1.0.0");
        assert_int_equal(t.rec.count, 0);
        test_board_deinit(&t);
    }
}

static void a_sink_that_refuses_moves_on_to_the_next(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct test_board t;
        struct taken taken = { .refuse_open = what == 0 ? ESP_ERR_NO_MEM : ESP_OK,
                               .refuse_data = what == 1 ? ESP_ERR_NO_MEM : ESP_OK,
                               .refuse_close = what == 2 ? ESP_ERR_NO_MEM : ESP_OK };
        struct ud_boot_result result;
        start(&t);
        struct ud_boot_device dev = test_board_boot_device(&t, false);
        dev.sink = sink_of(&taken);
        assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
        assert_string_equal(result.loaded->label, "ota_0");
        assert_int_equal(result.tried_count, 2);
        assert_int_equal(result.tried[0].index, 1);
        assert_int_equal(result.tried[0].verdict, ESP_ERR_NO_MEM);
        assert_int_equal(result.tried[1].verdict, ESP_OK);
        assert_int_equal(taken.closed, what == 0 ? 1 : 2); /* one close for each open that succeeded */
        test_board_deinit(&t);
    }
}

static void nothing_bootable_is_told(void **state)
{
    (void)state;
    struct test_board t;
    struct taken taken = { 0 };
    struct ud_boot_result result;
    start(&t);
    test_board_put_image(&t, "factory", TEST_IMAGE_ERASED);
    test_board_put_image(&t, "ota_0", TEST_IMAGE_CORRUPT);
    test_board_put_image(&t, "ota_1", TEST_IMAGE_CORRUPT);
    struct ud_boot_device dev = test_board_boot_device(&t, false);
    dev.sink = sink_of(&taken);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_NOT_FOUND);
    assert_null(result.loaded);
    assert_int_equal(result.loaded_index, UD_BOOT_NONE);
    assert_int_equal(result.tried_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(result.tried[i].verdict, ESP_ERR_IMAGE_INVALID);
    assert_int_equal(taken.opened, 3);
    assert_int_equal(taken.closed, 3);
    assert_int_equal(test_board_notes(&t, UD_NOTE_BOOT_TRY), 3);
    assert_int_equal(test_board_notes(&t, UD_NOTE_BOOT_NOTHING), 1);
    test_board_deinit(&t);
}

static void the_rules_of_the_board_judge_the_candidates(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, false);
    dev.settings.rules.chip_id = ud_chip_by_name("esp32s3")->id;
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_NOT_FOUND);
    assert_int_equal(result.tried[0].verdict, ESP_FAIL);
    test_board_deinit(&t);
}

static void explaining_foretells_and_leaves_everything_alone(void **state)
{
    (void)state;
    struct test_board t;
    struct taken taken = { 0 };
    struct ud_boot_result foretold;
    struct ud_boot_result result;
    start(&t);
    test_board_put_entry(&t, 1, 2, UD_OTA_NEW);
    struct ud_boot_device dev = test_board_boot_device(&t, true);
    dev.sink = sink_of(&taken);
    assert_int_equal(ud_boot_explain(&dev, &foretold), ESP_OK);
    assert_int_equal(t.rec.count, 0);
    assert_int_equal(taken.opened, 0);
    assert_int_equal(test_board_entry(&t, 1).state, UD_OTA_NEW);
    assert_int_equal(foretold.plan.write_count, 1);
    assert_int_equal(foretold.input.entry[1].state, UD_OTA_NEW); /* as read */

    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, foretold.loaded_index);
    assert_int_equal(test_board_entry(&t, 1).state, UD_OTA_PENDING_VERIFY);
    assert_int_equal(taken.opened, 1);
    test_board_deinit(&t);
}

static void factory_reset_clears_the_listed_data_partitions(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        bool nvs, phy;
    } rows[] = { { NULL, true, false },          { "nvs", true, false }, { "nvs, phy_init", true, true },
                 { " phy_init ,", false, true }, { "", false, false },   { "nothing,ota_0,factory", false, false } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct test_board t;
        struct ud_boot_result result;
        start(&t);
        uint32_t nvs = test_board_part(&t, "nvs")->addr;
        uint32_t phy = test_board_part(&t, "phy_init")->addr;
        t.bytes[nvs] = t.bytes[phy] = 0x55;
        struct ud_boot_device dev = test_board_boot_device(&t, true);
        dev.settings.factory_reset_pin = true;
        dev.settings.factory_reset_labels = rows[i].labels;
        assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
        assert_int_equal(result.loaded_index, 1); /* otadata stays */
        assert_int_equal(t.bytes[nvs], rows[i].nvs ? 0xFF : 0x55);
        assert_int_equal(t.bytes[phy], rows[i].phy ? 0xFF : 0x55);
        test_board_deinit(&t);
    }
}

static void factory_reset_with_otadata_goes_back_to_factory(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, true);
    dev.settings.factory_reset_pin = true;
    dev.settings.test_pin = true; /* let go by the second round */
    dev.settings.factory_reset_erases_otadata = true;
    assert_int_equal(ud_boot_explain(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, UD_BOOT_FACTORY);
    assert_int_equal(test_board_entry(&t, 1).seq, 2);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.loaded_index, UD_BOOT_FACTORY);
    assert_int_equal(test_board_entry(&t, 0).seq, UD_OTADATA_SEQ_BLANK);
    assert_int_equal(test_board_entry(&t, 1).seq, UD_OTADATA_SEQ_BLANK);
    test_board_deinit(&t);
}

static void otadata_that_factory_reset_cannot_erase_still_decides(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, true);
    dev.settings.factory_reset_pin = true;
    dev.settings.factory_reset_labels = "";
    dev.settings.factory_reset_erases_otadata = true;
    fail_flash_arm(&t.fail, FAIL_ONCE, 0);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(test_board_notes(&t, UD_NOTE_BOOT_ERASED), 1);
    assert_int_equal(result.input.entry[1].seq, test_board_entry(&t, 1).seq); /* the snapshot is what is there */
    assert_int_equal(result.loaded_index, 1);
    test_board_deinit(&t);
}

static void a_loader_without_room_to_read_into_is_refused(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, true);
    dev.scratch_len = 255;
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_INVALID_ARG);
    assert_null(result.loaded);
    dev.scratch = NULL;
    dev.scratch_len = 256;
    assert_int_equal(ud_boot_explain(&dev, &result), ESP_ERR_INVALID_ARG);
    test_board_deinit(&t);
}

static void the_first_boot_of_blank_otadata_is_recorded(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    struct test_layout no_factory = layout;
    no_factory.factory = false;
    test_board_init(&t, &no_factory);
    test_board_put_image(&t, "ota_1", TEST_IMAGE_GOOD); /* ota_0 does not load */
    assert_int_equal(test_board_boot(&t, false, &result), ESP_OK);
    struct ud_otadata_entry e = test_board_entry(&t, 0);
    assert_int_equal(e.seq, 2);
    assert_int_equal(e.state, UD_OTA_VALID);
    assert_true(ud_otadata_is_valid(&e));
    assert_int_equal(test_board_entry(&t, 1).seq, UD_OTADATA_SEQ_BLANK);
    assert_string_equal(t.board.running->label, "ota_1");
    test_board_deinit(&t);
}

static void otadata_that_cannot_be_written_does_not_stop_the_boot(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 2; at++) {
        struct test_board t;
        struct ud_boot_result result;
        start(&t);
        test_board_put_entry(&t, 1, 2, UD_OTA_NEW);
        struct ud_boot_device dev = test_board_boot_device(&t, true);
        fail_flash_arm(&t.fail, FAIL_ONCE, at);
        assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
        assert_int_equal(result.loaded_index, 1);
        const struct ud_note *note = test_board_find_note(&t, UD_NOTE_BOOT_OTADATA);
        assert_non_null(note);
        assert_int_equal(note->err, ESP_ERR_FLASH_OP_FAIL);
        test_board_deinit(&t);
    }
}

static void reads_that_fail_cost_a_candidate_but_not_the_table(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, false);
    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_FLASH_OP_FAIL); /* the table */
    assert_null(result.loaded);
    for (uint32_t at = 1; at < 3; at++) {
        fail_flash_arm(&t.fail, FAIL_READ_ONCE, at);
        assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_FLASH_OP_FAIL); /* otadata */
        assert_null(result.loaded);
    }
    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 3);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.tried[0].verdict, ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(result.loaded_index, 0);
    test_board_deinit(&t);
}

static void a_hash_that_cannot_start_costs_a_candidate(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    struct ud_boot_device dev = test_board_boot_device(&t, false);
    t.count.fail_start = t.count.starts + 1;
    assert_int_equal(ud_boot_run(&dev, &result), ESP_OK);
    assert_int_equal(result.tried[0].verdict, ESP_ERR_NO_MEM);
    assert_int_equal(result.loaded_index, 0);
    test_board_deinit(&t);
}

static void a_table_that_is_no_table_is_an_error(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_boot_result result;
    start(&t);
    memset(t.bytes + UD_PTABLE_DEFAULT_OFFSET, 0, UD_PTABLE_BYTES);
    struct ud_boot_device dev = test_board_boot_device(&t, false);
    assert_int_equal(ud_boot_run(&dev, &result), ESP_ERR_INVALID_STATE);
    assert_null(result.loaded);
    assert_int_equal(t.rec.count, 0);
    test_board_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sink_gets_the_bytes_that_were_verified),
        cmocka_unit_test(a_sink_that_refuses_moves_on_to_the_next),
        cmocka_unit_test(nothing_bootable_is_told),
        cmocka_unit_test(the_rules_of_the_board_judge_the_candidates),
        cmocka_unit_test(explaining_foretells_and_leaves_everything_alone),
        cmocka_unit_test(factory_reset_clears_the_listed_data_partitions),
        cmocka_unit_test(factory_reset_with_otadata_goes_back_to_factory),
        cmocka_unit_test(otadata_that_factory_reset_cannot_erase_still_decides),
        cmocka_unit_test(a_loader_without_room_to_read_into_is_refused),
        cmocka_unit_test(the_first_boot_of_blank_otadata_is_recorded),
        cmocka_unit_test(otadata_that_cannot_be_written_does_not_stop_the_boot),
        cmocka_unit_test(reads_that_fail_cost_a_candidate_but_not_the_table),
        cmocka_unit_test(a_hash_that_cannot_start_costs_a_candidate),
        cmocka_unit_test(a_table_that_is_no_table_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
