/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions by esp_partition: stable objects, the order of checks, digests of what an application fills in itself. */
#include "fixture.h"

#include "esp_image_format.h"
#include "esp_partition.h"

static const esp_partition_t *data_part(const char *label)
{
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, label);
    assert_non_null(p);
    return p;
}

static void objects_are_the_same_pointers_in_table_order(void **state)
{
    static const char *const labels[] = { "nvs", "otadata", "phy_init", "ota_0", "ota_1" };
    struct fixture f;
    (void)state;
    fixture_start(&f);
    unsigned n = 0;
    esp_partition_iterator_t it = esp_partition_find(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, NULL);
    for (; it; it = esp_partition_next(it)) {
        const esp_partition_t *p = esp_partition_get(it);
        assert_string_equal(p->label, labels[n]);
        assert_ptr_equal(p, esp_partition_find_first(p->type, p->subtype, p->label));
        assert_int_equal(p->erase_size, 4096);
        assert_null(p->flash_chip);
        n++;
    }
    assert_int_equal(n, 5);
    esp_partition_iterator_release(NULL);
    it = esp_partition_find(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, NULL);
    esp_partition_iterator_release(it); /* in the middle */
    fixture_stop(&f);
}

static void nothing_found_says_why(void **state)
{
    struct fixture f;
    const esp_partition_t *p = NULL;
    esp_partition_iterator_t it;
    (void)state;
    fixture_start(&f);
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL));
    assert_int_equal(esp_partition_find_first_err(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL, &p),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_find_first_err(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "NVS", &p),
                     ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_partition_find_first_err(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_find_err(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL, NULL),
                     ESP_ERR_INVALID_ARG);
    it = (esp_partition_iterator_t)&f;
    assert_int_equal(esp_partition_find_err(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_TEST, NULL, &it),
                     ESP_ERR_NOT_FOUND);
    assert_null(it);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(esp_partition_find_err(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, NULL, &it),
                     ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    fixture_stop(&f);
}

static void table_without_md5_is_no_table_unless_the_option_is_off(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f);
    f.config.partition_table_md5 = true;
    f.t.board.table.has_md5 = false;
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL));
    f.config.partition_table_md5 = false;
    assert_non_null(esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL));
    f.config.partition_table_md5 = true;
    f.t.board.table.has_md5 = true;
    assert_non_null(esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, NULL));
    fixture_stop(&f);
}

static void verify_takes_a_copy_and_refuses_a_change(void **state)
{
    struct fixture f;
    const esp_partition_t *out;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *nvs = data_part("nvs");
    esp_partition_t copy = *nvs;
    copy.erase_size = 1; /* not compared */
    copy.readonly = true;
    assert_ptr_equal(esp_partition_verify(&copy), nvs);
    copy.label[0] = '\0'; /* any */
    assert_ptr_equal(esp_partition_verify(&copy), nvs);
    copy.size -= 4096;
    assert_null(esp_partition_verify(&copy));
    assert_int_equal(esp_partition_verify_err(&copy, &out), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_partition_verify_err(NULL, &out), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_verify_err(nvs, NULL), ESP_ERR_INVALID_ARG);
    assert_null(esp_partition_verify(NULL));
    copy = *nvs;
    copy.encrypted = true;
    assert_null(esp_partition_verify(&copy));
    copy = *nvs;
    copy.flash_chip = (esp_flash_t *)&f;
    assert_null(esp_partition_verify(&copy));
    fixture_stop(&f);
}

static void access_is_checked_in_order(void **state)
{
    enum { R, W, E };
    static const struct {
        int what;
        bool readonly;
        size_t off, len;
        esp_err_t want;
    } rows[] = {
        { R, false, 0, 16, ESP_OK },
        { R, true, 0, 16, ESP_OK },
        { R, false, 0x4000, 0, ESP_OK },
        { R, false, 0x4001, 0, ESP_ERR_INVALID_ARG },
        { R, false, 0x3FF8, 9, ESP_ERR_INVALID_SIZE },
        { R, false, 8, SIZE_MAX - 4, ESP_ERR_INVALID_SIZE },
        { W, true, 0x9000, 1, ESP_ERR_NOT_ALLOWED },
        { W, false, 0x4001, 1, ESP_ERR_INVALID_ARG },
        { W, false, 0x4000, 1, ESP_ERR_INVALID_SIZE },
        { E, true, 1, 1, ESP_ERR_NOT_ALLOWED },
        { E, false, 0x5000, 0x1000, ESP_ERR_INVALID_ARG },
        { E, false, 0x3000, 0x2000, ESP_ERR_INVALID_SIZE },
        { E, false, 1, 0x0FFF, ESP_ERR_INVALID_SIZE },
        { E, false, 1, 0x1000, ESP_ERR_INVALID_ARG },
        { E, false, 0x4000, 0, ESP_OK },
    };
    struct fixture f;
    uint8_t buf[32] = { 0 };
    (void)state;
    fixture_start(&f);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_partition_t p = *data_part("nvs");
        p.readonly = rows[i].readonly;
        esp_err_t err = rows[i].what == R   ? esp_partition_read(&p, rows[i].off, buf, rows[i].len)
                        : rows[i].what == W ? esp_partition_write(&p, rows[i].off, buf, rows[i].len)
                                            : esp_partition_erase_range(&p, rows[i].off, rows[i].len);
        assert_int_equal(err, rows[i].want);
    }
    assert_int_equal(f.t.rec.count, 0);
    fixture_stop(&f);
}

static void writes_only_clear_bits(void **state)
{
    struct fixture f;
    char buf[16];
    (void)state;
    fixture_start(&f);
    const esp_partition_t *p = data_part("nvs");
    assert_int_equal(esp_partition_erase_range(p, 0, 0x2000), ESP_OK);
    assert_int_equal(esp_partition_write(p, 4090, "abcdefghijkl", 12), ESP_OK); /* over two sectors */
    assert_int_equal(esp_partition_write(p, 4090, "abcdefghijkl", 12), ESP_OK); /* the same again */
    assert_int_equal(esp_partition_read_raw(p, 4090, buf, 12), ESP_OK);
    assert_memory_equal(buf, "abcdefghijkl", 12);
    assert_int_equal(esp_partition_write_raw(p, 4090, "z", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(esp_partition_get_main_flash_sector_size(), 4096);
    fixture_stop(&f);
}

static void failing_flash_is_told_and_its_note_comes_after_the_lock(void **state)
{
    struct fixture f;
    uint8_t buf[8] = { 0 };
    (void)state;
    fixture_init(&f, NULL);
    f.t.flash.observer = &f.t.obs;
    fixture_go(&f);
    const esp_partition_t *p = data_part("nvs");
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 0);
    assert_int_equal(esp_partition_erase_range(p, 0, 4096), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 1);
    assert_int_equal(esp_partition_erase_range(p, 0, 8192), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 0);
    assert_int_equal(esp_partition_write(p, 0, buf, sizeof buf), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(test_board_notes(&f.t, UD_NOTE_FLASH_FAILED), 3);
    fail_flash_arm(&f.t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(esp_partition_read(p, 0, buf, sizeof buf), ESP_ERR_FLASH_OP_FAIL);
    uint8_t sha[32];
    fail_flash_arm(&f.t.fail, FAIL_READ_ONCE, 2);
    assert_int_equal(esp_partition_get_sha256(p, sha), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&f.t.fail, FAIL_NEVER, 0);
    fixture_stop(&f);
}

static void sha256_needs_only_type_address_and_size(void **state)
{
    struct fixture f;
    uint8_t sha[32], again[32];
    esp_partition_t hand_made;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *app = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, "ota_0");
    assert_int_equal(esp_partition_get_sha256(app, sha), ESP_OK);
    memset(&hand_made, 0xA5, offsetof(esp_partition_t, label)); /* an application leaves the rest as it was */
    memset(hand_made.label, 0xA5, sizeof hand_made.label);
    hand_made.type = ESP_PARTITION_TYPE_APP;
    hand_made.address = app->address;
    hand_made.size = app->size;
    assert_int_equal(esp_partition_get_sha256(&hand_made, again), ESP_OK);
    assert_memory_equal(sha, again, sizeof sha);

    /* The digest is the appended one. */
    struct ud_image_info info;
    assert_int_equal(ud_ota_verify(ud_idf_ota(), test_board_part(&f.t, "ota_0"), &info), ESP_OK);
    assert_memory_equal(sha, info.digest, sizeof sha);

    /* A region that is no image: all of its bytes. */
    hand_made.type = ESP_PARTITION_TYPE_DATA;
    hand_made.address = 0x8000;
    hand_made.size = 0xC00;
    struct ud_crypto crypto = ud_openssl_crypto();
    assert_int_equal(esp_partition_get_sha256(&hand_made, sha), ESP_OK);
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, f.t.bytes + 0x8000, 0xC00, again), ESP_OK);
    assert_memory_equal(sha, again, sizeof sha);

    hand_made.size = 0;
    assert_int_equal(esp_partition_get_sha256(&hand_made, sha), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_get_sha256(NULL, sha), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_get_sha256(app, NULL), ESP_ERR_INVALID_ARG);
    fixture_stop(&f);
}

static void sha256_of_a_bad_image_is_refused_and_of_one_without_digest_is_computed(void **state)
{
    struct fixture f;
    uint8_t sha[32], want[32];
    uint32_t len;
    struct ud_crypto crypto = ud_openssl_crypto();
    (void)state;
    fixture_init(&f, NULL);
    test_board_put_image(&f.t, "ota_1", TEST_IMAGE_CORRUPT);
    fixture_go(&f);
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, "ota_1");
    const esp_partition_t *good = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, "ota_0");
    assert_int_equal(esp_partition_get_sha256(p, sha), ESP_ERR_IMAGE_INVALID);
    assert_false(esp_partition_check_identity(good, p));
    test_board_put_image(&f.t, "ota_1", TEST_IMAGE_GOOD);
    assert_true(esp_partition_check_identity(good, p));
    test_board_put_image(&f.t, "ota_1", TEST_IMAGE_ERASED);
    uint8_t *image = test_image_make(&(struct test_image){ .no_digest = true, .payload = 5000 }, &len);
    test_board_put_bytes(&f.t, p->address, image, len);
    assert_int_equal(esp_partition_get_sha256(p, sha), ESP_OK);
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, image, len, want), ESP_OK);
    assert_memory_equal(sha, want, sizeof sha);
    assert_false(esp_partition_check_identity(good, p));
    free(image);
    fixture_stop(&f);
}

static void image_verify_fills_in_or_zeroes_the_metadata(void **state)
{
    struct fixture f;
    esp_image_metadata_t m, zero;
    (void)state;
    fixture_start(&f);
    const struct ud_partition *p = test_board_part(&f.t, "ota_0");
    esp_partition_pos_t pos = { .offset = p->addr, .size = p->size };
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY, &pos, &m), ESP_OK);
    assert_int_equal(m.start_addr, p->addr);
    assert_int_equal(m.image.magic, ESP_IMAGE_HEADER_MAGIC);
    assert_int_equal(m.image.chip_id, ESP_CHIP_ID_ESP32C3);
    assert_int_equal(m.image.segment_count, 1);
    assert_int_equal(m.segment_data[0], p->addr + 32);
    assert_memory_equal(m.image_digest, f.t.bytes + p->addr + m.image_len - 32, 32);
    memset(&zero, 0, sizeof zero);
    f.t.board.accepted_chip_id = 9;
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY_SILENT, &pos, &m), ESP_FAIL);
    assert_memory_equal(&m, &zero, sizeof m);
    assert_int_equal(esp_image_get_metadata(&pos, &m), ESP_FAIL);
    f.t.board.accepted_chip_id = 5;
    f.t.bytes[pos.offset + 32 + 256 + 5] ^= 1; /* checksum and digest do not fit; what is asked for still reads */
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY_SILENT, &pos, &m), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(esp_image_get_metadata(&pos, &m), ESP_OK);
    assert_int_equal(m.image.segment_count, 1);
    f.t.bytes[pos.offset + 28] ^= 1; /* a length that is not a multiple of 4 */
    assert_int_equal(esp_image_get_metadata(&pos, &m), ESP_ERR_IMAGE_INVALID);
    assert_memory_equal(&m, &zero, sizeof m);
    pos.offset = test_board_part(&f.t, "ota_1")->addr;
    assert_int_equal(esp_image_get_metadata(&pos, &m), ESP_ERR_IMAGE_INVALID);
    pos.size = 0x1000001;
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY, &pos, &m), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY, NULL, &m), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY, &pos, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_image_get_flash_size(ESP_IMAGE_FLASH_SIZE_4MB), 4 * 1024 * 1024);
    assert_int_equal(esp_image_get_flash_size(ESP_IMAGE_FLASH_SIZE_MAX), 0);
    fixture_stop(&f);
}

static void without_a_world_nothing_is_there(void **state)
{
    (void)state;
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, NULL));
    assert_null(esp_partition_find(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, NULL));
    esp_partition_t p = { .type = ESP_PARTITION_TYPE_APP, .size = 4096 };
    uint8_t sha[32];
    assert_null(esp_partition_verify(&p));
    assert_int_equal(esp_partition_read(&p, 0, sha, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_partition_get_sha256(&p, sha), ESP_ERR_INVALID_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_the_same_pointers_in_table_order),
        cmocka_unit_test(nothing_found_says_why),
        cmocka_unit_test(table_without_md5_is_no_table_unless_the_option_is_off),
        cmocka_unit_test(verify_takes_a_copy_and_refuses_a_change),
        cmocka_unit_test(access_is_checked_in_order),
        cmocka_unit_test(writes_only_clear_bits),
        cmocka_unit_test(failing_flash_is_told_and_its_note_comes_after_the_lock),
        cmocka_unit_test(sha256_needs_only_type_address_and_size),
        cmocka_unit_test(sha256_of_a_bad_image_is_refused_and_of_one_without_digest_is_computed),
        cmocka_unit_test(image_verify_fills_in_or_zeroes_the_metadata),
        cmocka_unit_test(without_a_world_nothing_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
