/* SPDX-License-Identifier: Apache-2.0 */
/* The device's checks, its busy rule and generation, over a driver that takes time and fails on demand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash.h"

#define SIZE 0x10000u

struct lazy_flash {
    int starts;
    int polls_left;
    esp_err_t start_result;
    esp_err_t result;
    struct ud_flash_request last;
};

static esp_err_t lazy_start(void *ctx, const struct ud_flash_request *req)
{
    struct lazy_flash *lazy = ctx;
    lazy->starts++;
    lazy->last = *req;
    return lazy->start_result;
}

static esp_err_t lazy_poll(void *ctx, uint64_t *wait_us)
{
    struct lazy_flash *lazy = ctx;
    if (lazy->polls_left > 0) {
        lazy->polls_left--;
        *wait_us = 50;
        return ESP_ERR_NOT_FINISHED;
    }
    return lazy->result;
}

static const struct ud_flash_ops lazy_ops = { lazy_start, lazy_poll };

static struct ud_flash device(struct lazy_flash *lazy)
{
    return (struct ud_flash){ .ops = &lazy_ops, .ctx = lazy, .geometry = UD_FLASH_GEOMETRY(SIZE) };
}

static void bad_ranges_never_reach_the_driver(void **state)
{
    (void)state;
    static const struct row {
        enum ud_flash_op op;
        uint32_t addr, len;
        esp_err_t err;
    } rows[] = {
        { UD_FLASH_READ, SIZE + 1, 0, ESP_ERR_INVALID_ARG },
        { UD_FLASH_READ, UINT32_MAX, 4, ESP_ERR_INVALID_ARG },
        { UD_FLASH_READ, SIZE, 1, ESP_ERR_INVALID_SIZE },
        { UD_FLASH_READ, 1, UINT32_MAX, ESP_ERR_INVALID_SIZE },
        { UD_FLASH_PROGRAM, SIZE - 1, 2, ESP_ERR_INVALID_SIZE },
        { UD_FLASH_PROGRAM, SIZE + 1, 2, ESP_ERR_INVALID_ARG },
        { UD_FLASH_ERASE, 0x800, 0x1000, ESP_ERR_INVALID_ARG },
        { UD_FLASH_ERASE, 0x1000, 0x800, ESP_ERR_INVALID_SIZE },
        { UD_FLASH_ERASE, 0xF000, 0x2000, ESP_ERR_INVALID_SIZE },
        { UD_FLASH_ERASE, 0x800, 0, ESP_ERR_INVALID_ARG },
    };
    struct lazy_flash lazy = { 0 };
    struct ud_flash f = device(&lazy);
    uint8_t buf[16] = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_err_t err = rows[i].op == UD_FLASH_READ      ? ud_flash_read(&f, rows[i].addr, buf, rows[i].len)
                        : rows[i].op == UD_FLASH_PROGRAM ? ud_flash_program(&f, rows[i].addr, buf, rows[i].len)
                                                         : ud_flash_erase(&f, rows[i].addr, rows[i].len);
        assert_int_equal(err, rows[i].err);
    }
    assert_int_equal(lazy.starts, 0);
    assert_int_equal(f.generation, 0);
}

static void length_zero_checks_the_range_only(void **state)
{
    (void)state;
    struct lazy_flash lazy = { 0 };
    struct ud_flash f = device(&lazy);
    assert_int_equal(ud_flash_read(&f, SIZE, NULL, 0), ESP_OK);
    assert_int_equal(ud_flash_program(&f, 3, NULL, 0), ESP_OK);
    assert_int_equal(ud_flash_erase(&f, 0x1000, 0), ESP_OK);
    assert_int_equal(lazy.starts, 0);
    assert_int_equal(f.generation, 0);
    struct ud_flash_request empty = { .op = UD_FLASH_READ };
    assert_int_equal(ud_flash_start(&f, &empty), ESP_ERR_INVALID_SIZE);
}

static void waiting_forms_wait_on_the_clock_until_the_end(void **state)
{
    (void)state;
    struct ud_virtual_clock v = { 0 };
    struct ud_clock clock = ud_virtual_clock(&v);
    struct lazy_flash lazy = { .polls_left = 3 };
    struct ud_flash f = device(&lazy);
    f.clock = &clock;
    assert_int_equal(ud_flash_erase(&f, 0x1000, 0x2000), ESP_OK);
    assert_int_equal(v.now_us, 150);
    assert_int_equal(lazy.last.addr, 0x1000);
    assert_int_equal(lazy.last.len, 0x2000);
    lazy.polls_left = 2;
    f.clock = NULL;
    assert_int_equal(ud_flash_erase(&f, 0x1000, 0x1000), ESP_OK);
    assert_int_equal(v.now_us, 150);
}

static void one_operation_at_a_time(void **state)
{
    (void)state;
    struct lazy_flash lazy = { .polls_left = 1 };
    struct ud_flash f = device(&lazy);
    uint8_t buf[4];
    uint64_t wait_us;
    struct ud_flash_request req = { .op = UD_FLASH_READ, .addr = 0, .len = 4, .in = buf };
    assert_int_equal(ud_flash_poll(&f, &wait_us), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_flash_start(&f, &req), ESP_OK);
    assert_int_equal(ud_flash_start(&f, &req), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_flash_read(&f, 0, buf, 4), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_flash_read(&f, 0, buf, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_flash_poll(&f, &wait_us), ESP_ERR_NOT_FINISHED);
    assert_int_equal(wait_us, 50);
    assert_int_equal(ud_flash_poll(&f, &wait_us), ESP_OK);
    assert_int_equal(ud_flash_poll(&f, &wait_us), ESP_ERR_INVALID_STATE);
    assert_int_equal(lazy.starts, 1);
}

struct heard {
    int count;
    struct ud_note last;
    char text[16];
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct heard *heard = ctx;
    heard->count++;
    heard->last = *note;
    ud_strcopy(heard->text, sizeof heard->text, note->text ? note->text : "", 64);
}

static void failures_are_noted_with_their_place(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct lazy_flash lazy = { .result = ESP_ERR_FLASH_OP_TIMEOUT };
    struct ud_flash f = device(&lazy);
    f.observer = &obs;
    assert_int_equal(ud_flash_program(&f, 0x123, "ab", 2), ESP_ERR_FLASH_OP_TIMEOUT);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.id, UD_NOTE_FLASH_FAILED);
    assert_int_equal(heard.last.err, ESP_ERR_FLASH_OP_TIMEOUT);
    assert_int_equal(heard.last.a, 0x123);
    assert_int_equal(heard.last.b, 2);
    assert_string_equal(heard.text, "program");

    lazy.start_result = ESP_ERR_FLASH_OP_FAIL;
    assert_int_equal(ud_flash_erase(&f, 0, 0x1000), ESP_ERR_FLASH_OP_FAIL);
    assert_string_equal(heard.text, "erase");
    assert_false(f.busy);
}

static void generation_counts_failed_writes_and_no_reads(void **state)
{
    (void)state;
    struct lazy_flash lazy = { 0 };
    struct ud_flash f = device(&lazy);
    uint8_t buf[2];
    assert_int_equal(ud_flash_read(&f, 0, buf, 2), ESP_OK);
    assert_int_equal(f.generation, 0);
    assert_int_equal(ud_flash_program(&f, 0, "ab", 2), ESP_OK);
    assert_int_equal(f.generation, 1);
    assert_int_equal(ud_flash_erase(&f, 0, 0x1000), ESP_OK);
    assert_int_equal(f.generation, 2);
    lazy.result = ESP_ERR_FLASH_OP_FAIL;
    assert_int_equal(ud_flash_erase(&f, 0, 0x1000), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(f.generation, 3);
    lazy.start_result = ESP_ERR_FLASH_OP_FAIL;
    assert_int_equal(ud_flash_program(&f, 0, "ab", 2), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(f.generation, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_ranges_never_reach_the_driver),
        cmocka_unit_test(length_zero_checks_the_range_only),
        cmocka_unit_test(waiting_forms_wait_on_the_clock_until_the_end),
        cmocka_unit_test(one_operation_at_a_time),
        cmocka_unit_test(failures_are_noted_with_their_place),
        cmocka_unit_test(generation_counts_failed_writes_and_no_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
