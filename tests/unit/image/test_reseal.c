/* SPDX-License-Identifier: Apache-2.0 */
/* Checksum and digest put right after an edit, and nothing else touched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

static const char *const files[] = { "esp32-app.bin", "esp32-app-nohash.bin", "esp32c3-app.bin",
                                     "esp32c6-app-mmu8k.bin", "esp32c3-app-signed-rsa3072.bin" };

static void inspect(const struct image_bytes *b, struct ud_image_info *info)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    assert_int_equal(ud_image_inspect(b->p, b->len, NULL, &crypto, NULL, info), ESP_OK);
}

static void an_edited_image_is_good_again(void **state)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(files); i++) {
        struct image_bytes b = image_vector(files[i]);
        struct image_bytes was = image_copy(b.p, b.len);
        struct ud_image_info info;
        inspect(&b, &info);
        assert_int_equal(ud_image_reseal(b.p, b.len, &info, &crypto), ESP_OK);
        assert_memory_equal(b.p, was.p, b.len); /* nothing was changed, nothing changes */

        const struct ud_image_segment *last = &info.segment[info.segment_count - 1];
        b.p[48] ^= 0x55;
        b.p[last->off + last->len - 1] ^= 0x21;
        assert_int_equal(ud_image_reseal(b.p, b.len, &info, &crypto), ESP_OK);
        struct ud_image_info again;
        inspect(&b, &again);
        assert_int_equal(again.problems, 0);
        assert_int_equal(again.checksum, info.checksum ^ 0x55 ^ 0x21);
        uint32_t tail = info.has_digest ? 33 : 1;
        for (uint32_t k = 0; k < b.len; k++)
            if (b.p[k] != was.p[k])
                assert_true(k == 48 || k == last->off + last->len - 1 || (k < info.len && k >= info.len - tail));
        free(b.p);
        free(was.p);
    }
}

static void bytes_that_are_shorter_than_the_image_are_refused(void **state)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_info info;
    (void)state;
    inspect(&b, &info);
    assert_int_equal(ud_image_reseal(b.p, info.len - 1, &info, &crypto), ESP_ERR_INVALID_SIZE);
    struct ud_image_info wrong = info;
    wrong.len = 32;
    assert_int_equal(ud_image_reseal(b.p, b.len, &wrong, &crypto), ESP_ERR_INVALID_SIZE);
    wrong = info;
    wrong.segment[0].len = 0xFFFFFFF0;
    assert_int_equal(ud_image_reseal(b.p, b.len, &wrong, &crypto), ESP_ERR_INVALID_SIZE);
    uint32_t room = info.len - 32 - info.segment[0].off; /* to the end of the checksum's block */
    for (uint32_t over = 0; over < 2; over++) {
        wrong.segment_count = 1;
        wrong.segment[0].len = room - 1 + over;
        assert_int_equal(ud_image_reseal(b.p, b.len, &wrong, &crypto), over ? ESP_ERR_INVALID_SIZE : ESP_OK);
    }
    free(b.p);
}

static void a_failing_hash_is_passed_on(void **state)
{
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_info info;
    struct image_crypto counting = { .fail_at = HASH_STEP_FEED };
    struct ud_crypto crypto = image_crypto(&counting);
    (void)state;
    inspect(&b, &info);
    assert_int_equal(ud_image_reseal(b.p, b.len, &info, &crypto), ESP_ERR_INVALID_RESPONSE);
    assert_int_equal(counting.alive, 0);
    free(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edited_image_is_good_again),
        cmocka_unit_test(bytes_that_are_shorter_than_the_image_are_refused),
        cmocka_unit_test(a_failing_hash_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
