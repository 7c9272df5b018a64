/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a hash, over a port that counts what it holds and fails where it is told to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/crypto.h"

enum step { NEVER, START, FEED, FINISH };

struct counting_crypto {
    enum step fails;
    int held;
    uint8_t sum; /* the "digest": the sum of all bytes */
};

static esp_err_t counting_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    struct counting_crypto *c = ctx;
    (void)alg;
    if (c->fails == START)
        return ESP_ERR_NO_MEM;
    c->held++;
    c->sum = 0;
    *state = c;
    return ESP_OK;
}

static esp_err_t counting_feed(void *state, const void *data, size_t len)
{
    struct counting_crypto *c = state;
    if (c->fails == FEED)
        return ESP_FAIL;
    for (size_t i = 0; i < len; i++)
        c->sum = (uint8_t)(c->sum + ((const uint8_t *)data)[i]);
    return ESP_OK;
}

static esp_err_t counting_finish(void *state, uint8_t *digest)
{
    struct counting_crypto *c = state;
    c->held--;
    if (c->fails == FINISH)
        return ESP_FAIL;
    digest[0] = c->sum;
    return ESP_OK;
}

static void counting_drop(void *state)
{
    ((struct counting_crypto *)state)->held--;
}

static const struct ud_crypto_ops counting_ops = { counting_start, counting_feed, counting_finish, counting_drop };

static void one_shot_gives_the_digest_and_holds_nothing(void **state)
{
    (void)state;
    struct counting_crypto port = { 0 };
    struct ud_crypto crypto = { &counting_ops, &port };
    uint8_t digest[UD_HASH_MAX_BYTES] = { 0 };
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, "\1\2\3", 3, digest), ESP_OK);
    assert_int_equal(digest[0], 6);
    assert_int_equal(port.held, 0);
}

static void every_failing_step_is_reported_and_holds_nothing(void **state)
{
    (void)state;
    static const struct row {
        enum step fails;
        esp_err_t err;
    } rows[] = { { START, ESP_ERR_NO_MEM }, { FEED, ESP_FAIL }, { FINISH, ESP_FAIL } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct counting_crypto port = { .fails = rows[i].fails };
        struct ud_crypto crypto = { &counting_ops, &port };
        uint8_t digest[UD_HASH_MAX_BYTES];
        assert_int_equal(ud_hash_all(&crypto, UD_HASH_MD5, "x", 1, digest), rows[i].err);
        assert_int_equal(port.held, 0);
    }
}

static void a_hash_that_failed_to_start_is_not_running(void **state)
{
    (void)state;
    struct counting_crypto port = { .fails = START };
    struct ud_crypto crypto = { &counting_ops, &port };
    struct ud_hash h;
    uint8_t digest[UD_HASH_MAX_BYTES];
    assert_int_equal(ud_hash_start(&crypto, UD_HASH_SHA256, &h), ESP_ERR_NO_MEM);
    assert_int_equal(ud_hash_feed(&h, "x", 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_hash_finish(&h, digest), ESP_ERR_INVALID_STATE);
    ud_hash_drop(&h);
    assert_int_equal(port.held, 0);
}

static void finished_and_dropped_hashes_take_no_more(void **state)
{
    (void)state;
    struct counting_crypto port = { 0 };
    struct ud_crypto crypto = { &counting_ops, &port };
    struct ud_hash h = UD_HASH_NONE;
    uint8_t digest[UD_HASH_MAX_BYTES];
    assert_int_equal(ud_hash_start(&crypto, UD_HASH_SHA256, &h), ESP_OK);
    assert_int_equal(ud_hash_feed(&h, NULL, 0), ESP_OK);
    assert_int_equal(ud_hash_finish(&h, digest), ESP_OK);
    ud_hash_drop(&h);
    assert_int_equal(port.held, 0);
    assert_int_equal(ud_hash_feed(&h, "x", 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_hash_start(&crypto, UD_HASH_SHA256, &h), ESP_OK);
    ud_hash_drop(&h);
    ud_hash_drop(&h);
    assert_int_equal(port.held, 0);
    assert_int_equal(ud_hash_finish(&h, digest), ESP_ERR_INVALID_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_gives_the_digest_and_holds_nothing),
        cmocka_unit_test(every_failing_step_is_reported_and_holds_nothing),
        cmocka_unit_test(a_hash_that_failed_to_start_is_not_running),
        cmocka_unit_test(finished_and_dropped_hashes_take_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
