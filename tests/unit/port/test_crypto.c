/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL behind the narrow door: published digests of "abc" (RFC 1321, FIPS 180-4), whole and in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/port_linux.h"

static const struct row {
    enum ud_hash_alg alg;
    size_t bytes;
    uint8_t digest[UD_HASH_MAX_BYTES];
} rows[] = {
    { UD_HASH_MD5,
      UD_MD5_BYTES,
      { 0x90, 0x01, 0x50, 0x98, 0x3C, 0xD2, 0x4F, 0xB0, 0xD6, 0x96, 0x3F, 0x7D, 0x28, 0xE1, 0x7F, 0x72 } },
    { UD_HASH_SHA256, UD_SHA256_BYTES, { 0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40,
                                         0xDE, 0x5D, 0xAE, 0x22, 0x23, 0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17,
                                         0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD } },
    { UD_HASH_SHA384, 48, { 0xCB, 0x00, 0x75, 0x3F, 0x45, 0xA3, 0x5E, 0x8B, 0xB5, 0xA0, 0x3D, 0x69,
                            0x9A, 0xC6, 0x50, 0x07, 0x27, 0x2C, 0x32, 0xAB, 0x0E, 0xDE, 0xD1, 0x63,
                            0x1A, 0x8B, 0x60, 0x5A, 0x43, 0xFF, 0x5B, 0xED, 0x80, 0x86, 0x07, 0x2B,
                            0xA1, 0xE7, 0xCC, 0x23, 0x58, 0xBA, 0xEC, 0xA1, 0x34, 0xC8, 0x25, 0xA7 } },
};

static void digests_are_the_published_ones(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        uint8_t digest[UD_HASH_MAX_BYTES + 1] = { 0 };
        assert_int_equal(ud_hash_all(&crypto, rows[i].alg, "abc", 3, digest), ESP_OK);
        assert_memory_equal(digest, rows[i].digest, rows[i].bytes);
        assert_int_equal(digest[rows[i].bytes], 0); /* nothing beyond the algorithm's size */
    }
}

static void pieces_make_the_same_digest(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_hash h = UD_HASH_NONE;
        uint8_t digest[UD_HASH_MAX_BYTES];
        assert_int_equal(ud_hash_start(&crypto, rows[i].alg, &h), ESP_OK);
        assert_int_equal(ud_hash_feed(&h, "a", 1), ESP_OK);
        assert_int_equal(ud_hash_feed(&h, "", 0), ESP_OK);
        assert_int_equal(ud_hash_feed(&h, "bc", 2), ESP_OK);
        assert_int_equal(ud_hash_finish(&h, digest), ESP_OK);
        assert_memory_equal(digest, rows[i].digest, rows[i].bytes);
    }
}

static void a_dropped_hash_leaks_nothing_and_unknown_algorithms_are_refused(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_hash h = UD_HASH_NONE;
    assert_int_equal(ud_hash_start(&crypto, UD_HASH_SHA256, &h), ESP_OK);
    assert_int_equal(ud_hash_feed(&h, "abc", 3), ESP_OK);
    ud_hash_drop(&h);
    assert_int_equal(ud_hash_start(&crypto, (enum ud_hash_alg)99, &h), ESP_ERR_NOT_SUPPORTED);
    assert_null(h.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_published_ones),
        cmocka_unit_test(pieces_make_the_same_digest),
        cmocka_unit_test(a_dropped_hash_leaks_nothing_and_unknown_algorithms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
