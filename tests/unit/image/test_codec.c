/* SPDX-License-Identifier: Apache-2.0 */
/* Header and description between bytes and structs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

static void header_fields_lie_where_the_format_says(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_header h;
    assert_int_equal(ud_image_header_decode(b.p, b.len, &h), ESP_OK);
    assert_int_equal(h.magic, UD_IMAGE_MAGIC);
    assert_int_equal(h.segment_count, 3);
    assert_int_equal(h.spi_mode, 2);
    assert_int_equal(h.spi_speed_size, 0x2F);
    assert_int_equal(h.entry_addr, 0x40380000);
    assert_int_equal(h.wp_pin, 0xEE);
    assert_int_equal(h.chip_id, 5);
    assert_int_equal(h.min_chip_rev, 3);
    assert_int_equal(h.min_chip_rev_full, 3);
    assert_int_equal(h.max_chip_rev_full, 199);
    assert_int_equal(h.hash_appended, 1);

    uint8_t again[UD_IMAGE_HEADER_BYTES];
    ud_image_header_encode(&h, again);
    assert_memory_equal(again, b.p, sizeof again);
    free(b.p);
}

static void header_decoder_judges_the_length_only(void **state)
{
    (void)state;
    uint8_t bytes[UD_IMAGE_HEADER_BYTES] = { 0 };
    struct ud_image_header h = { .magic = 7 };
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(ud_image_header_decode(bytes, len, &h), ESP_ERR_INVALID_SIZE);
    assert_int_equal(h.magic, 7);
    assert_int_equal(ud_image_header_decode(bytes, sizeof bytes, &h), ESP_OK);
    assert_int_equal(h.magic, 0);
}

static void description_survives_both_ways(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c6-app-mmu8k.bin");
    struct ud_app_desc d;
    uint8_t again[UD_APP_DESC_BYTES];
    memset(&d, 0xA5, sizeof d);
    assert_int_equal(ud_app_desc_decode(b.p + UD_APP_DESC_OFFSET, 256, &d), ESP_OK);
    for (size_t i = 5; i < sizeof d.version; i++)
        assert_int_equal(d.version[i], 0); /* callers compare the whole field */
    assert_string_equal(d.version, "3.0.0");
    assert_string_equal(d.project_name, "vec_esp32c6");
    assert_string_equal(d.time, "12:34:56");
    assert_string_equal(d.date, "Jan  2 2025");
    assert_string_equal(d.idf_ver, "v6.2-vectors");
    assert_int_equal(d.secure_version, 1);
    assert_int_equal(d.min_efuse_blk_rev_full, 0);
    assert_int_equal(d.max_efuse_blk_rev_full, 99);
    assert_int_equal(d.mmu_page_size, 13);
    assert_int_equal(d.spi_flash_mode, 3);
    ud_app_desc_encode(&d, again);
    assert_memory_equal(again, b.p + UD_APP_DESC_OFFSET, sizeof again);
    free(b.p);
}

static void full_text_fields_are_read_to_their_last_byte(void **state)
{
    (void)state;
    uint8_t bytes[UD_APP_DESC_BYTES];
    uint8_t again[UD_APP_DESC_BYTES];
    struct ud_app_desc d = { 0 };
    memset(d.version, 'v', 32);
    memset(d.project_name, 'p', 32);
    memset(d.time, 't', 16);
    memset(d.date, 'd', 16);
    memset(d.idf_ver, 'i', 32);
    ud_app_desc_encode(&d, bytes);
    for (size_t i = 16; i < 144; i++)
        assert_int_not_equal(bytes[i], 0);
    assert_int_equal(ud_app_desc_decode(bytes, sizeof bytes, &d), ESP_OK);
    assert_int_equal(strlen(d.version), 32);
    assert_int_equal(strlen(d.time), 16);
    assert_int_equal(strlen(d.idf_ver), 32);
    ud_app_desc_encode(&d, again);
    assert_memory_equal(again, bytes, sizeof bytes);
}

static void description_needs_its_magic_and_all_its_bytes(void **state)
{
    (void)state;
    uint8_t bytes[UD_APP_DESC_BYTES];
    struct ud_app_desc d = { .secure_version = 99 };
    struct ud_app_desc out = { .secure_version = 77 };
    ud_app_desc_encode(&d, bytes);
    assert_int_equal(ud_app_desc_decode(bytes, 255, &out), ESP_ERR_INVALID_SIZE);
    for (int bit = 0; bit < 32; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ud_app_desc_decode(bytes, sizeof bytes, &out), ESP_ERR_NOT_FOUND);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(out.secure_version, 77);
    assert_int_equal(ud_app_desc_decode(bytes, sizeof bytes, &out), ESP_OK);
    assert_int_equal(out.secure_version, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_fields_lie_where_the_format_says),
        cmocka_unit_test(header_decoder_judges_the_length_only),
        cmocka_unit_test(description_survives_both_ways),
        cmocka_unit_test(full_text_fields_are_read_to_their_last_byte),
        cmocka_unit_test(description_needs_its_magic_and_all_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
