/* SPDX-License-Identifier: Apache-2.0 */
/* What boots next: set_boot, states, confirm, reject, forget; slots and descriptions; failing flash at every step. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

static const struct test_layout layout = {
    .ota = { 0, 1 }, .ota_count = 2, .factory = true, .test = true, .otadata = UD_OTADATA_PRESENT
};

static void start(struct test_board *t, struct ud_ota *ota, bool rollback)
{
    test_board_init(t, &layout);
    test_board_put_image(t, "factory", TEST_IMAGE_GOOD);
    test_board_put_image(t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_image(t, "ota_1", TEST_IMAGE_GOOD);
    test_board_run(t, "ota_0");
    t->flash.observer = &t->obs;
    ud_ota_init(ota, &t->board, rollback);
}

static void load_vector(struct test_board *t, const char *name)
{
    char path[256];
    uint8_t bytes[UD_OTADATA_BYTES];
    snprintf(path, sizeof path, UD_VECTORS "/otadata-%s.bin", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
    fclose(f);
    test_board_put_bytes(t, test_board_part(t, "otadata")->addr, bytes, sizeof bytes);
}

static void recorded_otadata_files_take_the_listed_entry(void **state)
{
    (void)state;
    static const struct {
        const char *name, *slot;
        unsigned sector;
        uint32_t seq;
    } rows[] = {
        { "blank", "ota_1", 0, 2 },   { "slot0", "ota_1", 1, 2 },  { "slot0", "ota_0", 0, 1 },
        { "slot1", "ota_0", 0, 3 },   { "new", "ota_0", 0, 3 },    { "pending", "ota_1", 1, 4 },
        { "aborted", "ota_0", 0, 3 }, { "badcrc", "ota_0", 0, 3 }, { "bothinvalid", "ota_1", 0, 2 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        for (int rollback = 0; rollback < 2; rollback++) {
            struct test_board t;
            struct ud_ota ota;
            start(&t, &ota, rollback);
            load_vector(&t, rows[i].name);
            struct ud_otadata_entry other = test_board_entry(&t, 1 - rows[i].sector);
            assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, rows[i].slot)), ESP_OK);
            struct ud_otadata_entry e = test_board_entry(&t, rows[i].sector);
            assert_int_equal(e.seq, rows[i].seq);
            assert_true(ud_otadata_is_valid(&e));
            assert_int_equal(e.state, rollback ? UD_OTA_NEW : UD_OTA_UNDEFINED);
            assert_int_equal(test_board_entry(&t, 1 - rows[i].sector).seq, other.seq);
            assert_string_equal(ud_ota_get_boot(&ota)->label, rows[i].slot);
            test_board_deinit(&t);
        }
    }
}

static void last_invalid_prefers_the_smaller_seq(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    load_vector(&t, "aborted");
    assert_string_equal(ud_ota_last_invalid(&ota)->label, "ota_0");
    load_vector(&t, "bothinvalid");
    assert_string_equal(ud_ota_last_invalid(&ota)->label, "ota_0");
    test_board_put_image(&t, "ota_0", TEST_IMAGE_CORRUPT);
    assert_null(ud_ota_last_invalid(&ota));
    load_vector(&t, "slot1");
    assert_null(ud_ota_last_invalid(&ota));
    test_board_deinit(&t);
}

static void set_boot_refuses_with_the_documented_codes(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    assert_int_equal(ud_ota_set_boot(&ota, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, test_board_part(&t, "nvs")), ESP_ERR_INVALID_ARG);
    struct ud_partition stranger = *test_board_part(&t, "ota_0");
    stranger.subtype = UD_PART_APP_OTA_0 + 1; /* a good image here, but ota_1 is somewhere else */
    assert_int_equal(ud_ota_set_boot(&ota, &stranger), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, &stranger), ESP_ERR_NOT_FOUND);
    test_board_put_image(&t, "ota_1", TEST_IMAGE_CORRUPT);
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_1")), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(t.rec.count, 0);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, test_board_part(&t, "ota_1")), ESP_OK);
    test_board_deinit(&t);

    struct test_layout bare = layout;
    bare.otadata = UD_OTADATA_ABSENT;
    test_board_init(&t, &bare);
    test_board_put_image(&t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_image(&t, "factory", TEST_IMAGE_GOOD);
    ud_ota_init(&ota, &t.board, true);
    uint32_t found;
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_0")), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "factory")), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_get_state(&ota, test_board_part(&t, "ota_0"), &found), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_invalidate_inactive(&ota), ESP_FAIL);
    assert_int_equal(ud_ota_erase_last_boot_app(&ota), ESP_FAIL);
    assert_false(ud_ota_is_rollback_possible(&ota));
    assert_null(ud_ota_get_boot(&ota));
    assert_null(ud_ota_last_invalid(&ota));
    test_board_deinit(&t);
}

static void the_end_of_the_sequence_numbers_is_refused(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    test_board_put_entry(&t, 0, 0xFFFFFFFE, UD_OTA_VALID); /* ota_1 of two */
    assert_string_equal(ud_ota_get_boot(&ota)->label, "ota_1");
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_0")), ESP_ERR_INVALID_STATE);
    assert_int_equal(t.rec.count, 0);
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_1")), ESP_OK); /* the same slot, the same number */
    assert_int_equal(test_board_entry(&t, 0).seq, 0xFFFFFFFE);
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "factory")), ESP_OK); /* the way out */
    assert_int_equal(test_board_entry(&t, 0).seq, UD_OTADATA_SEQ_BLANK);
    test_board_deinit(&t);
}

static void the_label_of_an_entry_survives_every_change(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    start(&t, &ota, true);
    struct ud_otadata_entry e = { .seq = 1, .state = UD_OTA_UNDEFINED, .crc = ud_otadata_crc(1) };
    memset(e.label, 0x42, sizeof e.label);
    ud_otadata_encode(&e, bytes);
    test_board_put_otadata(&t, 0, bytes);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_OK);
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_0")), ESP_OK);
    assert_memory_equal(test_board_entry(&t, 0).label, e.label, sizeof e.label);
    test_board_deinit(&t);
}

static void sixteen_slots_and_test_are_sixteen(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    struct test_layout full = { .ota_count = 16, .test = true, .otadata = UD_OTADATA_PRESENT };
    for (uint8_t i = 0; i < 16; i++)
        full.ota[i] = i;
    test_board_init(&t, &full);
    test_board_put_image(&t, "ota_15", TEST_IMAGE_GOOD);
    test_board_run(&t, "ota_15");
    ud_ota_init(&ota, &t.board, false);
    assert_int_equal(ud_ota_slot_count(&t.board), 16);
    assert_string_equal(ud_ota_next_update(&t.board, NULL)->label, "ota_0");
    assert_int_equal(ud_ota_set_boot(&ota, test_board_part(&t, "ota_15")), ESP_OK);
    assert_int_equal(test_board_entry(&t, 0).seq, 16);
    assert_string_equal(ud_ota_get_boot(&ota)->label, "ota_15");
    struct ud_boot_result result;
    assert_int_equal(test_board_boot(&t, false, &result), ESP_OK);
    assert_string_equal(result.loaded->label, "ota_15");
    test_board_deinit(&t);
}

static void slots_are_counted_to_the_first_gap_and_walked_over_it(void **state)
{
    (void)state;
    struct test_board t;
    struct test_layout gapped = { .ota = { 3, 1, 0 }, .ota_count = 3, .otadata = UD_OTADATA_PRESENT };
    test_board_init(&t, &gapped);
    const struct ud_board *b = &t.board;
    assert_int_equal(ud_ota_slot_count(b), 2);
    assert_string_equal(ud_ota_next_update(b, NULL)->label, "ota_0"); /* nothing runs */
    assert_string_equal(ud_ota_next_update(b, test_board_part(&t, "ota_0"))->label, "ota_1");
    assert_string_equal(ud_ota_next_update(b, test_board_part(&t, "ota_1"))->label, "ota_3");
    assert_string_equal(ud_ota_next_update(b, test_board_part(&t, "ota_3"))->label, "ota_0");
    struct ud_partition stranger = { .addr = 1 };
    assert_string_equal(ud_ota_next_update(b, &stranger)->label, "ota_0");
    struct ud_ota ota;
    ud_ota_init(&ota, &t.board, false);
    assert_int_equal(ud_ota_set_boot_skip_validate(&ota, test_board_part(&t, "ota_3")), ESP_ERR_INVALID_ARG);
    test_board_deinit(&t);

    struct test_layout none = { .factory = true };
    test_board_init(&t, &none);
    assert_null(ud_ota_next_update(&t.board, NULL));
    test_board_deinit(&t);

    struct test_layout one = { .ota_count = 1, .otadata = UD_OTADATA_PRESENT };
    test_board_init(&t, &one);
    test_board_run(&t, "ota_0");
    assert_string_equal(ud_ota_next_update(&t.board, NULL)->label, "ota_0"); /* although it runs */
    test_board_deinit(&t);
}

static void state_is_the_first_entry_that_names_the_slot(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    uint32_t found = 99;
    start(&t, &ota, true);
    const struct ud_partition *ota_0 = test_board_part(&t, "ota_0");
    test_board_put_entry(&t, 0, 1, UD_OTA_ABORTED);
    test_board_put_entry(&t, 1, 3, UD_OTA_VALID); /* newer, but second */
    assert_int_equal(ud_ota_get_state(&ota, ota_0, &found), ESP_OK);
    assert_int_equal(found, UD_OTA_ABORTED);
    assert_int_equal(ud_ota_get_state(&ota, test_board_part(&t, "ota_1"), &found), ESP_ERR_NOT_FOUND);
    assert_int_equal(ud_ota_get_state(&ota, test_board_part(&t, "factory"), &found), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_ota_get_state(&ota, test_board_part(&t, "nvs"), &found), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_ota_get_state(&ota, NULL, &found), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_get_state(&ota, ota_0, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(found, UD_OTA_ABORTED); /* untouched since */
    test_board_deinit(&t);
}

static void confirming_writes_once(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_FAIL); /* no active entry */
    test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_OK);
    assert_int_equal(test_board_entry(&t, 1).state, UD_OTA_VALID);
    assert_int_equal(test_board_entry(&t, 1).seq, 2);
    assert_int_equal(t.rec.count, 2);
    const struct ud_note *note = test_board_find_note(&t, UD_NOTE_OTA_STATE);
    assert_non_null(note);
    assert_int_equal(note->err, ESP_OK);
    assert_true(note->b == ((uint64_t)UD_OTA_VALID << 32 | 2));
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_OK);
    assert_int_equal(t.rec.count, 2);
    assert_int_equal(test_board_notes(&t, UD_NOTE_OTA_STATE), 1); /* nothing was changed, nothing is told */
    test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
    test_board_clear_notes(&t);
    fail_flash_arm(&t.fail, FAIL_ONCE, 1);
    assert_int_equal(ud_ota_mark_valid(&ota), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(test_board_find_note(&t, UD_NOTE_OTA_STATE)->err, ESP_ERR_FLASH_OP_FAIL);
    test_board_deinit(&t);
}

static void rejecting_needs_something_to_go_back_to(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    assert_false(ud_ota_is_rollback_possible(&ota));
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_FAIL);
    test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
    test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
    assert_true(ud_ota_is_rollback_possible(&ota));
    test_board_put_image(&t, "ota_0", TEST_IMAGE_CORRUPT); /* factory is not asked while the other entry is valid */
    assert_false(ud_ota_is_rollback_possible(&ota));
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_ERR_OTA_ROLLBACK_FAILED);
    test_board_put_entry(&t, 0, 1, UD_OTA_ABORTED); /* now it is */
    assert_true(ud_ota_is_rollback_possible(&ota));
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_OK);
    assert_int_equal(test_board_entry(&t, 1).state, UD_OTA_INVALID);
    struct ud_boot_result result;
    assert_int_equal(test_board_boot(&t, true, &result), ESP_OK);
    assert_string_equal(result.loaded->label, "factory");
    test_board_deinit(&t);
}

/* Another thread's turn, after otadata was judged: it rejects the entry to go back to. */
static void abort_the_other_entry(struct test_board *t)
{
    t->on_give = NULL;
    test_board_put_entry(t, 0, 1, UD_OTA_ABORTED);
}

static void rejecting_writes_only_what_it_judged(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
    test_board_put_entry(&t, 1, 2, UD_OTA_PENDING_VERIFY);
    t.on_give = abort_the_other_entry;
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_ERR_INVALID_STATE);
    assert_int_equal(t.rec.count, 0);
    assert_int_equal(ud_ota_mark_invalid(&ota), ESP_OK); /* judged anew: factory is there */
    test_board_deinit(&t);
}

static void forgetting_the_other_slot_spares_what_runs(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    test_board_put_entry(&t, 0, 1, UD_OTA_VALID);
    test_board_put_entry(&t, 1, 2, UD_OTA_VALID); /* active, but ota_0 runs */
    assert_int_equal(ud_ota_erase_last_boot_app(&ota), ESP_FAIL);
    assert_int_equal(t.rec.count, 0);
    test_board_run(&t, "ota_1");
    assert_int_equal(ud_ota_erase_last_boot_app(&ota), ESP_OK);
    assert_int_equal(test_board_entry(&t, 0).seq, UD_OTADATA_SEQ_BLANK);
    assert_int_equal(t.bytes[test_board_part(&t, "ota_0")->addr], 0xFF);
    assert_int_equal(ud_ota_erase_last_boot_app(&ota), ESP_FAIL); /* blank now */
    assert_int_equal(ud_ota_invalidate_inactive(&ota), ESP_FAIL);
    test_board_put_entry(&t, 0, 1, UD_OTA_ABORTED);
    test_board_put_image(&t, "ota_0", TEST_IMAGE_GOOD);
    assert_int_equal(ud_ota_invalidate_inactive(&ota), ESP_OK); /* the app stays */
    assert_int_equal(t.bytes[test_board_part(&t, "ota_0")->addr], UD_IMAGE_MAGIC);
    test_board_deinit(&t);
}

static void boot_partition_falls_back_to_what_exists(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    assert_string_equal(ud_ota_get_boot(&ota)->label, "factory");
    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 0);
    assert_null(ud_ota_get_boot(&ota));
    test_board_deinit(&t);
    struct test_layout gapped = { .ota = { 2, 1 }, .ota_count = 2, .test = true, .otadata = UD_OTADATA_PRESENT };
    test_board_init(&t, &gapped);
    ud_ota_init(&ota, &t.board, true);
    assert_string_equal(ud_ota_get_boot(&ota)->label, "ota_1");
    test_board_deinit(&t);
    struct test_layout only_test = { .test = true, .otadata = UD_OTADATA_PRESENT };
    test_board_init(&t, &only_test);
    ud_ota_init(&ota, &t.board, true);
    assert_string_equal(ud_ota_get_boot(&ota)->label, "test");
    test_board_deinit(&t);
}

static void descriptions_are_read_from_app_partitions(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    struct ud_app_desc desc;
    uint8_t bytes[UD_APP_DESC_BYTES];
    start(&t, &ota, true);
    const struct ud_partition *ota_0 = test_board_part(&t, "ota_0");
    assert_int_equal(ud_ota_get_desc(&ota, ota_0, &desc), ESP_OK);
    assert_string_equal(desc.version, "1.0.0");
    assert_int_equal(ud_ota_get_desc_bytes(&ota, ota_0, bytes), ESP_OK);
    assert_memory_equal(bytes, t.bytes + ota_0->addr + UD_APP_DESC_OFFSET, sizeof bytes);
    assert_int_equal(ud_ota_get_desc(&ota, NULL, &desc), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_get_desc(&ota, ota_0, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_get_desc(&ota, test_board_part(&t, "nvs"), &desc), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_ota_get_desc(&ota, test_board_part(&t, "test"), &desc), ESP_ERR_NOT_FOUND);
    fail_flash_arm(&t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(ud_ota_get_desc(&ota, ota_0, &desc), ESP_ERR_FLASH_OP_FAIL);
    test_board_deinit(&t);
}

static void images_for_other_boards_are_refused_by_their_header(void **state)
{
    (void)state;
    struct test_board t;
    struct ud_ota ota;
    start(&t, &ota, true);
    t.board.revision = 101;
    struct ud_image_header h = { .magic = UD_IMAGE_MAGIC, .chip_id = t.board.chip->id };
    struct ud_app_desc desc = { .spi_flash_mode = 3 };
    assert_int_equal(ud_ota_check_image(&ota, NULL, &desc), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_ota_check_image(&ota, &h, NULL), ESP_OK);
    assert_int_equal(ud_ota_check_image(&ota, &h, &desc), ESP_OK); /* the running one does not say */
    h.chip_id = 0;
    assert_int_equal(ud_ota_check_image(&ota, &h, NULL), ESP_ERR_INVALID_VERSION);
    h.chip_id = t.board.chip->id;
    h.min_chip_rev_full = 102;
    assert_int_equal(ud_ota_check_image(&ota, &h, NULL), ESP_ERR_INVALID_VERSION);
    h.min_chip_rev_full = 0;
    h.max_chip_rev_full = 100;
    assert_int_equal(ud_ota_check_image(&ota, &h, NULL), ESP_ERR_INVALID_VERSION);
    h.max_chip_rev_full = 65535;

    uint32_t len;
    uint8_t *image = test_image_make(&(struct test_image){ .spi_flash_mode = 4 }, &len);
    test_board_put_bytes(&t, t.board.running->addr, image, len);
    free(image);
    assert_int_equal(ud_ota_check_image(&ota, &h, &desc), ESP_ERR_OTA_SPI_MODE_MISMATCH);
    const struct ud_note *note = test_board_find_note(&t, UD_NOTE_OTA_SPI_MODE);
    assert_non_null(note);
    assert_true(note->a == 4 && note->b == 3);
    desc.spi_flash_mode = 4;
    assert_int_equal(ud_ota_check_image(&ota, &h, &desc), ESP_OK);
    desc.spi_flash_mode = 0;
    assert_int_equal(ud_ota_check_image(&ota, &h, &desc), ESP_OK);
    test_board_deinit(&t);
}

/* Each call that writes, with each of its flash operations failing: the error comes out, a slot still boots. */
static void failing_flash_is_reported_and_something_still_boots(void **state)
{
    (void)state;
    for (int call = 0; call < 6; call++) {
        for (uint32_t at = 0; at < 4; at++) {
            struct test_board t;
            struct ud_ota ota;
            struct ud_boot_result result;
            esp_err_t err = ESP_OK;
            start(&t, &ota, true);
            test_board_put_entry(&t, 0, 3, UD_OTA_PENDING_VERIFY); /* ota_0, running */
            test_board_put_entry(&t, 1, 2, UD_OTA_VALID);
            fail_flash_arm(&t.fail, FAIL_ONCE, at);
            switch (call) {
            case 0:
                err = ud_ota_set_boot(&ota, test_board_part(&t, "ota_1"));
                break;
            case 1:
                err = ud_ota_set_boot(&ota, test_board_part(&t, "factory"));
                break;
            case 2:
                err = ud_ota_mark_valid(&ota);
                break;
            case 3:
                err = ud_ota_mark_invalid(&ota);
                break;
            case 4:
                err = ud_ota_invalidate_inactive(&ota);
                break;
            case 5:
                err = ud_ota_erase_last_boot_app(&ota);
                break;
            }
            assert_int_equal(err, t.fail.count > at ? ESP_ERR_FLASH_OP_FAIL : ESP_OK);
            assert_int_equal(test_board_boot(&t, true, &result), ESP_OK);
            test_board_deinit(&t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_otadata_files_take_the_listed_entry),
        cmocka_unit_test(last_invalid_prefers_the_smaller_seq),
        cmocka_unit_test(set_boot_refuses_with_the_documented_codes),
        cmocka_unit_test(the_end_of_the_sequence_numbers_is_refused),
        cmocka_unit_test(the_label_of_an_entry_survives_every_change),
        cmocka_unit_test(sixteen_slots_and_test_are_sixteen),
        cmocka_unit_test(slots_are_counted_to_the_first_gap_and_walked_over_it),
        cmocka_unit_test(state_is_the_first_entry_that_names_the_slot),
        cmocka_unit_test(confirming_writes_once),
        cmocka_unit_test(rejecting_needs_something_to_go_back_to),
        cmocka_unit_test(rejecting_writes_only_what_it_judged),
        cmocka_unit_test(forgetting_the_other_slot_spares_what_runs),
        cmocka_unit_test(boot_partition_falls_back_to_what_exists),
        cmocka_unit_test(descriptions_are_read_from_app_partitions),
        cmocka_unit_test(images_for_other_boards_are_refused_by_their_header),
        cmocka_unit_test(failing_flash_is_reported_and_something_still_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
