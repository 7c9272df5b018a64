/* SPDX-License-Identifier: Apache-2.0 */
/* Slots by esp_ota_ops: handles, codes, and the traps that applications meet. */
#include "fixture.h"

#include "bootloader_common.h"
#include "esp_ota_ops.h"

static const esp_partition_t *app(const char *label)
{
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, label);
    assert_non_null(p);
    return p;
}

static void native_update_switches_the_slot(void **state)
{
    struct fixture f;
    uint32_t len;
    esp_ota_handle_t h = 0;
    esp_app_desc_t desc;
    (void)state;
    fixture_start(&f);
    uint8_t *image = test_image_make(&(struct test_image){ .version = "2.0.0", .payload = 6000 }, &len);
    assert_ptr_equal(esp_ota_get_running_partition(), app("ota_0"));
    assert_ptr_equal(esp_ota_get_boot_partition(), app("ota_0"));
    const esp_partition_t *next = esp_ota_get_next_update_partition(NULL);
    uint64_t hashed = f.t.count.sha256_bytes;
    assert_ptr_equal(next, app("ota_1"));
    assert_ptr_equal(esp_ota_get_next_update_partition(next), app("ota_0"));
    assert_int_equal(esp_ota_get_app_partition_count(), 2);
    assert_int_equal(esp_ota_begin(next, OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(h, 1);
    assert_int_equal(esp_ota_write(h, image, 0), ESP_OK);
    for (uint32_t off = 0; off < len; off += 1000)
        assert_int_equal(esp_ota_write(h, image + off, len - off < 1000 ? len - off : 1000), ESP_OK);
    assert_int_equal(esp_ota_end(h), ESP_OK);
    assert_int_equal(esp_ota_end(h), ESP_ERR_NOT_FOUND);
    assert_ptr_equal(esp_ota_get_boot_partition(), app("ota_0")); /* end does not switch */
    assert_int_equal(esp_ota_set_boot_partition(next), ESP_OK);
    assert_ptr_equal(esp_ota_get_boot_partition(), next);
    assert_int_equal(f.t.count.sha256_bytes - hashed, len - UD_SHA256_BYTES); /* one pass, as it was written */
    assert_int_equal(test_board_notes(&f.t, UD_NOTE_OTA_VERDICT), 1);
    assert_int_equal(esp_ota_get_partition_description(next, &desc), ESP_OK);
    assert_string_equal(desc.version, "2.0.0");
    free(image);
    fixture_stop(&f);
}

static void handles_count_and_zero_is_safe(void **state)
{
    struct fixture f;
    esp_ota_handle_t h[3] = { 0 };
    uint8_t byte = 0xE9;
    (void)state;
    fixture_start(&f);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(esp_ota_begin(app("ota_1"), OTA_SIZE_UNKNOWN, &h[i]), ESP_OK);
        assert_int_equal(h[i], i + 1);
        assert_int_equal(esp_ota_abort(h[i]), ESP_OK);
        assert_int_equal(esp_ota_abort(h[i]), ESP_ERR_NOT_FOUND);
    }
    assert_int_equal(esp_ota_abort(0), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_end(0), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_write(0, &byte, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_write(0, &byte, 0), ESP_OK); /* judged before the handle */
    assert_int_equal(esp_ota_write(0, NULL, 0), ESP_ERR_INVALID_ARG);
    fixture_stop(&f);
}

static void begin_is_refused_and_leaves_the_handle_alone(void **state)
{
    struct fixture f;
    esp_ota_handle_t h = 77, other;
    (void)state;
    fixture_init(
        &f, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .factory = true, .otadata = UD_OTADATA_PRESENT });
    fixture_go(&f);
    esp_partition_t made_up = *app("ota_1");
    made_up.address += 4096;
    assert_int_equal(esp_ota_begin(NULL, 0, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_begin(app("ota_1"), 0, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_begin(&made_up, 0, &h), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_begin(app("factory"), 0, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_begin(app("ota_0"), 0, &h), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_int_equal(esp_ota_begin(app("ota_1"), (size_t)UINT32_MAX + 2, &h), ESP_ERR_INVALID_SIZE);
    assert_int_equal(f.t.rec.count, 0);
    esp_partition_t copy = *app("ota_1");
    assert_int_equal(esp_ota_begin(&copy, OTA_WITH_SEQUENTIAL_WRITES, &other), ESP_OK); /* a copy will do */
    assert_int_equal(esp_ota_begin(app("ota_1"), 0, &h), ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    assert_int_equal(h, 77);
    assert_int_equal(esp_ota_abort(other), ESP_OK);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(esp_ota_begin(app("ota_1"), 0, &h), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    fixture_stop(&f);
}

static void negative_lengths_mean_what_they_mean_on_a_chip(void **state)
{
    struct fixture f;
    esp_ota_handle_t h = 0;
    int unknown = -1; /* as esp_http_client_get_content_length answers */
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_ota_begin(app("ota_1"), (size_t)unknown, &h), ESP_OK);
    assert_int_equal(f.t.rec.count, 1); /* all of the slot at once */
    assert_int_equal(f.t.rec.op[0].len, app("ota_1")->size);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_ota_begin(app("ota_1"), (size_t)(unknown - 1), &h), ESP_OK); /* sequential */
    assert_int_equal(f.t.rec.count, 1);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_ota_begin(app("ota_1"), (size_t)(unknown - 2), &h), ESP_ERR_INVALID_SIZE);
    fixture_stop(&f);
}

/* ESP-IDF leaves the session registered when the first erase fails. */
static void failed_erase_in_begin_leaves_no_session(void **state)
{
    struct fixture f;
    esp_ota_handle_t h = 77;
    (void)state;
    fixture_start(&f);
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 0);
    assert_int_equal(esp_ota_begin(app("ota_1"), OTA_SIZE_UNKNOWN, &h), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(h, 77);
    fail_flash_arm(&f.t.fail, FAIL_NEVER, 0);
    assert_int_equal(esp_ota_begin(app("ota_1"), OTA_SIZE_UNKNOWN, &h), ESP_OK);
    assert_int_equal(h, 1);
    assert_int_equal(esp_ota_end(h), ESP_ERR_INVALID_ARG); /* nothing was written */
    assert_int_equal(esp_ota_abort(h), ESP_ERR_NOT_FOUND);
    fixture_stop(&f);
}

static void wrong_first_byte_costs_one_sector(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_ota_begin(app("ota_1"), OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(f.t.rec.count, 0);
    assert_int_equal(esp_ota_write(h, "<html>", 6), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(f.t.rec.count, 1);
    assert_int_equal(f.t.rec.op[0].op, UD_FLASH_ERASE);
    assert_int_equal(f.t.rec.op[0].len, 4096);
    assert_int_equal(test_board_notes(&f.t, UD_NOTE_OTA_BAD_MAGIC), 1);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    fixture_stop(&f);
}

static void corrupt_image_is_not_made_to_boot(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    test_board_put_image(&f.t, "ota_1", TEST_IMAGE_CORRUPT);
    fixture_go(&f);
    assert_int_equal(esp_ota_set_boot_partition(app("ota_1")), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_ptr_equal(esp_ota_get_boot_partition(), app("ota_0"));
    assert_int_equal(esp_ota_set_boot_partition_skip_validate(app("ota_1")), ESP_OK);
    assert_ptr_equal(esp_ota_get_boot_partition(), app("ota_1"));
    assert_int_equal(esp_ota_set_boot_partition(NULL), ESP_ERR_INVALID_ARG);
    fixture_stop(&f);
}

static void set_boot_rewrites_the_same_entry_or_jumps_to_the_next_number(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, &(struct test_layout){ .ota = { 0, 1, 2 }, .ota_count = 3, .otadata = UD_OTADATA_PRESENT });
    test_board_put_image(&f.t, "ota_2", TEST_IMAGE_GOOD);
    test_board_put_entry(&f.t, 0, 4, UD_OTA_VALID); /* slot 0 of 3 */
    fixture_go(&f);
    assert_int_equal(esp_ota_set_boot_partition(app("ota_0")), ESP_OK);
    assert_int_equal(test_board_entry(&f.t, 0).seq, 4);
    assert_int_equal(test_board_entry(&f.t, 0).state, UD_OTA_UNDEFINED);
    assert_int_equal(test_board_entry(&f.t, 1).seq, UD_OTADATA_SEQ_BLANK);
    assert_int_equal(esp_ota_set_boot_partition(app("ota_2")), ESP_OK);
    assert_int_equal(test_board_entry(&f.t, 1).seq, 6); /* (2 + 1) mod 3 + 3k, not below 4 */
    assert_int_equal(esp_ota_set_boot_partition(app("ota_0")), ESP_OK);
    assert_int_equal(test_board_entry(&f.t, 0).seq, 7);
    fixture_stop(&f);
}

static void marking_valid_follows_otadata(void **state)
{
    struct fixture f;
    esp_ota_img_states_t s = ESP_OTA_IMG_NEW;
    (void)state;
    fixture_init(&f, NULL);
    f.config.app_rollback = true;
    test_board_put_entry(&f.t, 0, 1, UD_OTA_UNDEFINED);
    fixture_go(&f);
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_OK); /* UNDEFINED is not VALID: rewritten */
    assert_int_equal(f.t.rec.count, 2);
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_OK);
    assert_int_equal(f.t.rec.count, 2);
    assert_int_equal(esp_ota_get_state_partition(app("ota_0"), &s), ESP_OK);
    assert_int_equal(s, ESP_OTA_IMG_VALID);
    assert_int_equal(esp_ota_get_state_partition(app("ota_1"), &s), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_get_state_partition(app("ota_0"), NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_get_state_partition(NULL, &s), ESP_ERR_INVALID_ARG);
    fixture_stop(&f);

    fixture_init(&f, NULL);
    uint8_t blank[UD_OTADATA_ENTRY_BYTES];
    memset(blank, 0xFF, sizeof blank);
    test_board_put_otadata(&f.t, 0, blank);
    fixture_go(&f);
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_FAIL);
    assert_int_equal(esp_ota_mark_app_invalid_rollback(), ESP_FAIL);
    assert_false(esp_ota_check_rollback_is_possible());
    fixture_stop(&f);

    fixture_init(&f, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_ABSENT });
    fixture_go(&f);
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_ERR_NOT_FOUND);
    assert_null(esp_ota_get_boot_partition());
    assert_int_equal(esp_ota_set_boot_partition(app("ota_0")), ESP_ERR_NOT_FOUND);
    fixture_stop(&f);
}

static void unconfirmed_app_may_not_update_and_may_reject_itself(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    (void)state;
    fixture_init(&f, NULL);
    f.config.app_rollback = true;
    test_board_put_image(&f.t, "ota_1", TEST_IMAGE_GOOD);
    test_board_put_entry(&f.t, 0, 1, UD_OTA_PENDING_VERIFY);
    test_board_put_entry(&f.t, 1, 0, UD_OTA_VALID);
    f.catches_restart = true;
    fixture_go(&f);
    assert_int_equal(esp_ota_begin(app("ota_1"), 0, &h), ESP_ERR_OTA_ROLLBACK_INVALID_STATE);
    assert_int_equal(f.t.rec.count, 0);
    if (setjmp(f.restarted) == 0) {
        (void)esp_ota_mark_app_invalid_rollback_and_reboot();
        fail_msg("it came back");
    }
    assert_int_equal(test_board_entry(&f.t, 0).state, UD_OTA_INVALID);
    assert_ptr_equal(esp_ota_get_last_invalid_partition(), app("ota_0"));
    fixture_stop(&f);

    fixture_init(&f, NULL); /* nothing to go back to */
    f.config.app_rollback = true;
    test_board_put_entry(&f.t, 0, 1, UD_OTA_PENDING_VERIFY);
    fixture_go(&f);
    assert_int_equal(esp_ota_mark_app_invalid_rollback_and_reboot(), ESP_ERR_OTA_ROLLBACK_FAILED);
    assert_null(esp_ota_get_last_invalid_partition());
    fixture_stop(&f);
}

static void description_is_asked_with_care(void **state)
{
    struct fixture f;
    esp_app_desc_t desc;
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_ota_get_partition_description(NULL, &desc), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_get_partition_description(app("ota_0"), NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_get_partition_description(app("ota_1"), &desc), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_get_partition_description(
                         esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "nvs"), &desc),
                     ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_ota_get_partition_description(app("ota_0"), &desc), ESP_OK);
    assert_memory_equal(&desc, esp_app_get_description(), sizeof desc);
    fixture_stop(&f);
}

static void header_is_judged_by_this_board(void **state)
{
    struct fixture f;
    uint32_t len;
    esp_image_header_t h;
    esp_app_desc_t desc;
    (void)state;
    fixture_start(&f);
    f.t.board.revision = 101;
    uint8_t *image = test_image_make(&(struct test_image){ .min_revision = 3 }, &len);
    memcpy(&h, image, sizeof h);
    memcpy(&desc, image + 32, sizeof desc);
    free(image);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, &h, &desc), ESP_OK);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, &h, NULL), ESP_OK);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_DATA, &h, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, NULL, NULL), ESP_ERR_INVALID_ARG);
    h.magic = 0; /* not looked at */
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, &h, NULL), ESP_OK);
    h.min_chip_rev_full = 102;
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, &h, NULL), ESP_ERR_INVALID_VERSION);
    h.min_chip_rev_full = 0;
    h.chip_id = ESP_CHIP_ID_ESP32S3;
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, &h, NULL), ESP_ERR_INVALID_VERSION);
    fixture_stop(&f);
}

/* CRC-32 of the sequence number alone; an entry of seq 0 with an erased CRC is valid. */
static void rules_of_otadata_are_those_of_the_boot_loader(void **state)
{
    static const struct {
        uint32_t seq, crc;
    } rows[] = { { 0, 0xFFFFFFFF }, { 1, 0x4743989A }, { 2, 0x55F63774 }, { 5, 0xC8210FCD } };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_ota_select_entry_t e = { .ota_seq = rows[i].seq, .ota_state = ESP_OTA_IMG_VALID, .crc = rows[i].crc };
        assert_int_equal(bootloader_common_ota_select_crc(&e), rows[i].crc);
        assert_true(bootloader_common_ota_select_valid(&e));
        e.ota_state = ESP_OTA_IMG_UNDEFINED; /* the state is not in the CRC */
        assert_true(bootloader_common_ota_select_valid(&e));
        e.crc ^= 1;
        assert_false(bootloader_common_ota_select_valid(&e));
        assert_false(bootloader_common_ota_select_invalid(&e));
        e.ota_state = ESP_OTA_IMG_ABORTED;
        assert_true(bootloader_common_ota_select_invalid(&e));
    }
    esp_ota_select_entry_t two[2] = { { .ota_seq = 1, .crc = 0x4743989A }, { .ota_seq = 2, .crc = 0x55F63774 } };
    assert_int_equal(bootloader_common_get_active_otadata(two), 1);
    two[1].ota_state = ESP_OTA_IMG_INVALID;
    assert_int_equal(bootloader_common_get_active_otadata(two), 0);
    assert_int_equal(bootloader_common_get_active_otadata(NULL), -1);
}

static void open_sessions_end_with_the_world(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_ota_begin(app("ota_1"), OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    fixture_stop(&f); /* checks that nothing is held */
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_ERR_INVALID_STATE);
    assert_null(esp_ota_get_running_partition());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_update_switches_the_slot),
        cmocka_unit_test(handles_count_and_zero_is_safe),
        cmocka_unit_test(begin_is_refused_and_leaves_the_handle_alone),
        cmocka_unit_test(negative_lengths_mean_what_they_mean_on_a_chip),
        cmocka_unit_test(failed_erase_in_begin_leaves_no_session),
        cmocka_unit_test(wrong_first_byte_costs_one_sector),
        cmocka_unit_test(corrupt_image_is_not_made_to_boot),
        cmocka_unit_test(set_boot_rewrites_the_same_entry_or_jumps_to_the_next_number),
        cmocka_unit_test(marking_valid_follows_otadata),
        cmocka_unit_test(unconfirmed_app_may_not_update_and_may_reject_itself),
        cmocka_unit_test(description_is_asked_with_care),
        cmocka_unit_test(header_is_judged_by_this_board),
        cmocka_unit_test(rules_of_otadata_are_those_of_the_boot_loader),
        cmocka_unit_test(open_sessions_end_with_the_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
