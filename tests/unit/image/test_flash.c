/* SPDX-License-Identifier: Apache-2.0 */
/* An image judged where it lies: any scratch size, the slot's bounds, a flash that fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

enum { FLASH_SIZE = 0x40000, SLOT = 0x10000, SLOT_SIZE = 0x10000, LEN = 448 };

static uint8_t cells[FLASH_SIZE];
static uint8_t scratch[8192];
static const struct ud_image_rules no_rules;

/* A device that fails its nth read, over the RAM device. */
struct failing_flash {
    struct ud_flash *below;
    int reads_left;
    esp_err_t err;
    uint32_t bytes_read;
};

static esp_err_t failing_start(void *ctx, const struct ud_flash_request *req)
{
    struct failing_flash *f = ctx;
    if (f->reads_left-- == 0)
        return f->err;
    f->bytes_read += req->len;
    return ud_flash_start(f->below, req);
}

static esp_err_t failing_poll(void *ctx, uint64_t *wait_us)
{
    struct failing_flash *f = ctx;
    return ud_flash_poll(f->below, wait_us);
}

static const struct ud_flash_ops failing_ops = { failing_start, failing_poll };

static struct ud_flash device(struct ud_ram_flash *ram)
{
    struct ud_flash flash;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    memset(cells, 0xFF, sizeof cells);
    memcpy(cells + SLOT, b.p, b.len);
    free(b.p);
    ud_ram_flash_init(ram, &flash, cells, sizeof cells);
    return flash;
}

static esp_err_t verify(struct ud_flash *flash, uint32_t addr, uint32_t size, const struct ud_image_rules *rules,
                        size_t scratch_len, struct ud_image_info *info)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    return ud_image_verify(flash, addr, size, rules, &crypto, NULL, scratch, scratch_len, info);
}

static void image_in_a_slot_verifies_with_any_scratch(void **state)
{
    static const size_t sizes[] = { 64, 65, 100, 256, 447, 448, 449, 4096, sizeof scratch };
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash flash = device(&ram);
    for (size_t i = 0; i < UD_ARRAY_LEN(sizes); i++) {
        struct ud_image_info info = { 0 };
        assert_int_equal(verify(&flash, SLOT, SLOT_SIZE, &no_rules, sizes[i], &info), ESP_OK);
        assert_int_equal(info.len, LEN);
        assert_string_equal(info.desc.version, "1.2.3-rc1");
    }
    assert_int_equal(verify(&flash, SLOT, SLOT_SIZE, &no_rules, 64, NULL), ESP_OK);
}

static void slot_address_and_size_take_part(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash flash = device(&ram);
    struct ud_image_rules rules = { .check_mapping = true };
    assert_int_equal(verify(&flash, SLOT, LEN, &rules, 64, NULL), ESP_OK);
    assert_int_equal(verify(&flash, SLOT, LEN - 1, &rules, 64, NULL), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(verify(&flash, SLOT, 0, &rules, 64, NULL), ESP_ERR_IMAGE_INVALID);
    memmove(cells + SLOT + 0x1000, cells + SLOT, LEN);
    assert_int_equal(verify(&flash, SLOT + 0x1000, LEN, &rules, 64, NULL), ESP_ERR_IMAGE_INVALID);
    rules.check_mapping = false;
    rules.max_size = 100; /* the slot's size takes the place of this */
    assert_int_equal(verify(&flash, SLOT + 0x1000, LEN, &rules, 64, NULL), ESP_OK);
}

static void erased_and_foreign_bytes_are_no_image(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash flash = device(&ram);
    struct ud_image_info info = { .len = 4711 };
    assert_int_equal(verify(&flash, 0x20000, SLOT_SIZE, &no_rules, 64, &info), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(info.len, 4711);
}

static void arguments_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash flash = device(&ram);
    struct ud_image_rules rules = { .chip = ud_chip_by_name("esp32c3") };
    assert_int_equal(verify(&flash, SLOT, SLOT_SIZE, &no_rules, 63, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(verify(&flash, SLOT, 0x1000001, &rules, 64, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(verify(&flash, SLOT, 0x1000000, &rules, 64, NULL), ESP_OK);
    rules.chip = ud_chip_by_name("esp32p4");
    assert_int_equal(verify(&flash, SLOT, 0x1000001, &rules, 64, NULL), ESP_OK);
    assert_int_equal(verify(&flash, FLASH_SIZE, SLOT_SIZE, &no_rules, 64, NULL), ESP_ERR_INVALID_SIZE);
    assert_int_equal(verify(&flash, FLASH_SIZE + 1, SLOT_SIZE, &no_rules, 64, NULL), ESP_ERR_INVALID_ARG);
}

static void every_failing_read_is_returned_as_it_is(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash below = device(&ram);
    for (int n = 0; n < 7; n++) {
        struct failing_flash f = { .below = &below, .reads_left = n, .err = ESP_ERR_FLASH_OP_TIMEOUT };
        struct ud_flash flash = { .ops = &failing_ops, .ctx = &f, .geometry = below.geometry };
        struct image_crypto counting = { 0 };
        struct ud_crypto crypto = image_crypto(&counting);
        assert_int_equal(ud_image_verify(&flash, SLOT, SLOT_SIZE, &no_rules, &crypto, NULL, scratch, 64, NULL),
                         ESP_ERR_FLASH_OP_TIMEOUT);
        assert_int_equal(counting.alive, 0);
    }
}

static void failing_hash_is_returned_and_released(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash flash = device(&ram);
    for (int step = HASH_STEP_START; step <= HASH_STEP_FINISH; step++) {
        struct image_crypto failing = { .fail_at = (enum image_hash_step)step };
        struct ud_crypto crypto = image_crypto(&failing);
        esp_err_t err = ud_image_verify(&flash, SLOT, SLOT_SIZE, &no_rules, &crypto, NULL, scratch, 64, NULL);
        assert_int_not_equal(err, ESP_OK);
        assert_int_not_equal(err, ESP_ERR_IMAGE_INVALID);
        assert_int_equal(failing.alive, 0);
    }
}

static void no_more_is_read_than_the_image_and_one_piece(void **state)
{
    (void)state;
    struct ud_ram_flash ram;
    struct ud_flash below = device(&ram);
    struct failing_flash f = { .below = &below, .reads_left = 1000 };
    struct ud_flash flash = { .ops = &failing_ops, .ctx = &f, .geometry = below.geometry };
    assert_int_equal(verify(&flash, SLOT, SLOT_SIZE, &no_rules, 64, NULL), ESP_OK);
    assert_int_equal(f.bytes_read, LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_in_a_slot_verifies_with_any_scratch),
        cmocka_unit_test(slot_address_and_size_take_part),
        cmocka_unit_test(erased_and_foreign_bytes_are_no_image),
        cmocka_unit_test(arguments_that_make_no_sense_are_refused),
        cmocka_unit_test(every_failing_read_is_returned_as_it_is),
        cmocka_unit_test(failing_hash_is_returned_and_released),
        cmocka_unit_test(no_more_is_read_than_the_image_and_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
