/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between supervisor and firmware: both ways, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/board.h"

static void boot_carries_every_field(void **state)
{
    (void)state;
    struct ud_msg m = { .type = UD_MSG_BOOT,
                        .boot = { .reset_reason = UD_RESET_PANIC,
                                  .runs_host = 1,
                                  .require_digest = 1,
                                  .chip_id = 0xFFFE,
                                  .revision = 399,
                                  .running_addr = 0x110000,
                                  .boot_count = 0xDEADBEEF,
                                  .flash_size = 0x400000,
                                  .table_offset = 0x8000,
                                  .slow_flash_us = 250,
                                  .cut_at = 0x12345678,
                                  .cut_variant = 3,
                                  .inputs = 0x8000000000000201u,
                                  .flash_part = "W25Q32JV",
                                  .inputs_driven = 0xC000000000000207u,
                                  .mac = { 2, 3, 4, 5, 6, 7 } } };
    struct ud_msg back;
    uint8_t bytes[UD_MSG_BYTES];
    ud_msg_encode(&m, bytes);
    assert_int_equal(bytes[0], UD_MSG_VERSION);
    assert_int_equal(bytes[2], UD_MSG_BOOT);
    assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
    assert_int_equal(back.type, UD_MSG_BOOT);
    assert_int_equal(back.boot.reset_reason, m.boot.reset_reason);
    assert_int_equal(back.boot.runs_host, 1);
    assert_int_equal(back.boot.require_digest, 1);
    assert_int_equal(back.boot.chip_id, m.boot.chip_id);
    assert_int_equal(back.boot.revision, m.boot.revision);
    assert_int_equal(back.boot.running_addr, m.boot.running_addr);
    assert_int_equal(back.boot.boot_count, m.boot.boot_count);
    assert_int_equal(back.boot.flash_size, m.boot.flash_size);
    assert_int_equal(back.boot.table_offset, m.boot.table_offset);
    assert_int_equal(back.boot.slow_flash_us, m.boot.slow_flash_us);
    assert_int_equal(back.boot.cut_at, m.boot.cut_at);
    assert_int_equal(back.boot.cut_variant, m.boot.cut_variant);
    assert_true(back.boot.inputs == m.boot.inputs);
    assert_string_equal(back.boot.flash_part, "W25Q32JV");
    assert_true(back.boot.inputs_driven == m.boot.inputs_driven);
    assert_memory_equal(back.boot.mac, m.boot.mac, 6);
}

static void every_type_goes_both_ways(void **state)
{
    (void)state;
    for (int type = UD_MSG_HELLO; type <= UD_MSG_SLEEP; type++) {
        struct ud_msg m = { .type = (enum ud_msg_type)type, .sleep_us = 0x123456789Au };
        struct ud_msg back;
        uint8_t bytes[UD_MSG_BYTES];
        ud_msg_encode(&m, bytes);
        assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
        assert_int_equal(back.type, type);
        assert_string_equal(back.text, "");
        assert_true(back.sleep_us == (type == UD_MSG_SLEEP ? m.sleep_us : 0));
    }
}

static void a_panic_text_is_cut_and_always_ended(void **state)
{
    (void)state;
    struct ud_msg m = { .type = UD_MSG_PANIC };
    struct ud_msg back;
    uint8_t bytes[UD_MSG_BYTES];
    memcpy(m.text, "abort() was called", 19);
    ud_msg_encode(&m, bytes);
    assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
    assert_string_equal(back.text, "abort() was called");

    memset(m.text, 'x', sizeof m.text); /* no end in sight */
    ud_msg_encode(&m, bytes);
    assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
    assert_int_equal(ud_strnlen(back.text, sizeof back.text), sizeof back.text - 1);
    memset(bytes + 4, 'y', sizeof bytes - 4); /* nor in what comes in */
    assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
    assert_int_equal(ud_strnlen(back.text, sizeof back.text), sizeof back.text - 1);
}

static void a_backtrace_carries_its_addresses(void **state)
{
    (void)state;
    struct ud_msg m = { .type = UD_MSG_BACKTRACE, .text = "0x1234 0x1300" }, back;
    uint8_t bytes[UD_MSG_BYTES];
    ud_msg_encode(&m, bytes);
    assert_int_equal(ud_msg_decode(bytes, sizeof bytes, &back), ESP_OK);
    assert_int_equal(back.type, UD_MSG_BACKTRACE);
    assert_string_equal(back.text, "0x1234 0x1300");
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    struct ud_msg m = { .type = UD_MSG_HELLO };
    struct ud_msg back = { .type = UD_MSG_FEED };
    uint8_t bytes[UD_MSG_BYTES + 1] = { 0 };
    ud_msg_encode(&m, bytes);
    assert_int_equal(ud_msg_decode(bytes, 0, &back), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_msg_decode(bytes, UD_MSG_BYTES - 1, &back), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_msg_decode(bytes, UD_MSG_BYTES + 1, &back), ESP_ERR_INVALID_SIZE);
    bytes[0] = UD_MSG_VERSION + 1;
    assert_int_equal(ud_msg_decode(bytes, UD_MSG_BYTES, &back), ESP_ERR_INVALID_VERSION);
    bytes[0] = UD_MSG_VERSION;
    bytes[2] = 0;
    assert_int_equal(ud_msg_decode(bytes, UD_MSG_BYTES, &back), ESP_ERR_INVALID_ARG);
    bytes[2] = UD_MSG_SLEEP + 1;
    assert_int_equal(ud_msg_decode(bytes, UD_MSG_BYTES, &back), ESP_ERR_INVALID_ARG);
    assert_int_equal(back.type, UD_MSG_FEED); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_carries_every_field),
        cmocka_unit_test(every_type_goes_both_ways),
        cmocka_unit_test(a_panic_text_is_cut_and_always_ended),
        cmocka_unit_test(a_backtrace_carries_its_addresses),
        cmocka_unit_test(what_is_no_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
