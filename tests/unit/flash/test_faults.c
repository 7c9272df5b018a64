/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts, failures and weak bits of the fault decorator over the RAM driver. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "updraft/flash_faults.h"

#define SIZE   0x40000u
#define SECTOR 0x1000u

struct rig {
    uint8_t bytes[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash below;
    struct ud_fault_flash ff;
    struct ud_flash flash;
    uint8_t data[SIZE];
};
static struct rig rig;

static int fresh(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    memset(rig.bytes, 0xFF, SIZE);
    for (uint32_t i = 0; i < SIZE; i++)
        rig.data[i] = (uint8_t)(i * 31 + (i >> 8));
    ud_ram_flash_init(&rig.ram, &rig.below, rig.bytes, SIZE);
    ud_fault_flash_init(&rig.ff, &rig.flash, &rig.below, 1);
    return 0;
}

static uint32_t count_diff(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len; i++)
        n += a[i] != b[i];
    return n;
}

static bool all(const uint8_t *p, uint8_t byte, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && p[i] == byte)
        i++;
    return i == len;
}

static void without_settings_nothing_is_changed_and_operations_are_counted(void **state)
{
    (void)state;
    uint8_t back[1024];
    assert_int_equal(ud_flash_program(&rig.flash, 100, rig.data, 1000), ESP_OK); /* pages 0 to 4 */
    assert_int_equal(rig.ff.operations, 5);
    assert_int_equal(ud_flash_read(&rig.flash, 100, back, 1000), ESP_OK);
    assert_memory_equal(back, rig.data, 1000);
    assert_int_equal(rig.ff.operations, 5);
    assert_int_equal(ud_flash_erase(&rig.flash, 0xF000, 0x12000), ESP_OK); /* sector, block, sector */
    assert_int_equal(rig.ff.operations, 8);
}

struct seen {
    struct ud_fault_operation op[8];
    unsigned count;
    unsigned cuts;
};

static void see(void *ctx, const struct ud_fault_operation *op)
{
    struct seen *s = ctx;
    s->op[s->count++] = *op;
}

static void see_cut(void *ctx)
{
    struct seen *s = ctx;
    s->cuts++;
}

static void each_operation_is_shown_before_it_happens(void **state)
{
    (void)state;
    struct seen seen = { .count = 0 };
    rig.ff.before = see;
    rig.ff.ctx = &seen;
    assert_int_equal(ud_flash_program(&rig.flash, 250, rig.data, 300), ESP_OK);
    assert_int_equal(ud_flash_erase(&rig.flash, 0xF000, 0x11000), ESP_OK);
    static const struct ud_fault_operation want[] = { { 1, UD_FLASH_PROGRAM, 250, 6 },
                                                      { 2, UD_FLASH_PROGRAM, 256, 256 },
                                                      { 3, UD_FLASH_PROGRAM, 512, 38 },
                                                      { 4, UD_FLASH_ERASE, 0xF000, 0x1000 },
                                                      { 5, UD_FLASH_ERASE, 0x10000, 0x10000 } };
    assert_int_equal(seen.count, UD_ARRAY_LEN(want));
    for (unsigned i = 0; i < seen.count; i++) {
        assert_int_equal(seen.op[i].number, want[i].number);
        assert_int_equal(seen.op[i].op, want[i].op);
        assert_int_equal(seen.op[i].addr, want[i].addr);
        assert_int_equal(seen.op[i].len, want[i].len);
    }
}

/* The second of three pages, in each way; the first is always written, the third never. */
static void a_cut_program_leaves_what_its_variant_says(void **state)
{
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        fresh(state);
        struct seen seen = { .count = 0 };
        rig.ff.power_cut = see_cut;
        rig.ff.ctx = &seen;
        ud_fault_flash_cut(&rig.ff, 2, (enum ud_cut_variant)v);
        assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 768), ESP_ERR_FLASH_OP_FAIL);
        assert_int_equal(seen.cuts, 1);
        assert_int_equal(rig.ff.cut.number, 2);
        assert_int_equal(rig.ff.cut.addr, 256);
        assert_memory_equal(rig.bytes, rig.data, 256);
        assert_true(all(rig.bytes + 512, 0xFF, SIZE - 512));
        const uint8_t *page = rig.bytes + 256, *want = rig.data + 256;
        uint32_t wrong = count_diff(page, want, 256);
        if (v == UD_CUT_BEFORE) {
            assert_true(all(page, 0xFF, 256));
        } else if (v == UD_CUT_UNACKNOWLEDGED || v == UD_CUT_AFTER) {
            assert_int_equal(wrong, 0);
        } else {
            assert_in_range(wrong, 1, 255);
            for (unsigned i = 0; i < 256; i++)
                assert_int_equal(page[i] & want[i], want[i]); /* only bits that were to be cleared are */
        }
        uint8_t byte;
        assert_int_equal(ud_flash_read(&rig.flash, 0, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
        assert_int_equal(ud_flash_erase(&rig.flash, 0, SECTOR), ESP_ERR_FLASH_OP_FAIL);
        ud_fault_flash_power_on(&rig.ff);
        assert_int_equal(ud_flash_read(&rig.flash, 0, &byte, 1), ESP_OK);
        assert_int_equal(byte, rig.data[0]);
    }
}

static void a_prefix_is_as_long_as_asked(void **state)
{
    (void)state;
    rig.ff.cut_bytes = 100;
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_PREFIX);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data + 1, 256), ESP_ERR_FLASH_OP_FAIL);
    assert_memory_equal(rig.bytes, rig.data + 1, 100);
    assert_true(all(rig.bytes + 100, 0xFF, 156));
    ud_fault_flash_power_on(&rig.ff);

    memset(rig.bytes, 0, SIZE);
    rig.ff.cut_bytes = 0x1234; /* into the second sector of a block */
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_PREFIX);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x10000, 0x10000), ESP_ERR_FLASH_OP_FAIL);
    assert_true(all(rig.bytes + 0x10000, 0xFF, 0x1234));
    assert_true(all(rig.bytes + 0x11234, 0, 0x10000 - 0x1234));
}

static void a_cut_erase_leaves_a_mixture_of_old_and_blank(void **state)
{
    (void)state;
    memcpy(rig.bytes, rig.data, SIZE);
    ud_fault_flash_cut(&rig.ff, 2, UD_CUT_BITS);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x2000, 3 * SECTOR), ESP_ERR_FLASH_OP_FAIL);
    assert_memory_equal(rig.bytes, rig.data, 0x2000);
    assert_true(all(rig.bytes + 0x2000, 0xFF, SECTOR));
    assert_memory_equal(rig.bytes + 0x4000, rig.data + 0x4000, SIZE - 0x4000);
    assert_in_range(count_diff(rig.bytes + 0x3000, rig.data + 0x3000, SECTOR), SECTOR / 2, SECTOR - 1);
    assert_false(all(rig.bytes + 0x3000, 0xFF, SECTOR));
    for (uint32_t i = 0x3000; i < 0x4000; i++)
        assert_int_equal(rig.bytes[i] & rig.data[i], rig.data[i]); /* bits are only raised */
}

static void the_last_operation_of_a_request_is_acknowledged_before_power_goes(void **state)
{
    (void)state;
    uint8_t byte;
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_AFTER);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 10), ESP_OK);
    assert_true(rig.ff.off);
    assert_int_equal(ud_flash_read(&rig.flash, 0, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
}

static void weak_bits_waver_until_erased_again(void **state)
{
    (void)state;
    uint8_t first[256], again[256];
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_WEAK);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 256), ESP_ERR_FLASH_OP_FAIL);
    ud_fault_flash_power_on(&rig.ff);
    assert_int_equal(ud_flash_read(&rig.flash, 0, first, 256), ESP_OK);
    assert_int_equal(ud_flash_read(&rig.flash, 0, again, 256), ESP_OK);
    assert_in_range(count_diff(first, again, 256), 1, 256);
    for (unsigned i = 0; i < 256; i++) /* bits that were not to be cleared are solid */
        assert_int_equal(first[i] & rig.data[i], rig.data[i]);
    assert_int_equal(ud_flash_program(&rig.flash, 512, rig.data, 256), ESP_OK); /* another page does not mend them */
    assert_int_equal(ud_flash_read(&rig.flash, 0, again, 256), ESP_OK);
    assert_int_not_equal(count_diff(first, again, 256), 0);

    assert_int_equal(ud_flash_erase(&rig.flash, 0, SECTOR), ESP_OK);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 256), ESP_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ud_flash_read(&rig.flash, 0, again, 256), ESP_OK);
        assert_memory_equal(again, rig.data, 256);
    }
}

static void a_torn_erase_leaves_weak_bits_that_settle_with_a_snapshot(void **state)
{
    (void)state;
    static uint8_t first[SECTOR], again[SECTOR];
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_WEAK);
    memset(rig.bytes, 0, SIZE);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x20000, 0x10000), ESP_ERR_FLASH_OP_FAIL);
    ud_fault_flash_power_on(&rig.ff);
    for (uint32_t addr = 0x20000; addr < 0x30000; addr += SECTOR) {
        assert_int_equal(ud_flash_read(&rig.flash, addr, first, SECTOR), ESP_OK);
        assert_int_equal(ud_flash_read(&rig.flash, addr, again, SECTOR), ESP_OK);
        assert_int_not_equal(count_diff(first, again, SECTOR), 0);
    }
    ud_fault_flash_settle(&rig.ff);
    assert_int_equal(ud_flash_read(&rig.flash, 0x20000, first, SECTOR), ESP_OK);
    assert_memory_equal(first, rig.bytes + 0x20000, SECTOR);
}

static void equal_seeds_tear_equally_and_others_do_not(void **state)
{
    static uint8_t one[SECTOR];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        fresh(state);
        memset(rig.bytes, 0, SIZE);
        ud_fault_flash_init(&rig.ff, &rig.flash, &rig.below, seed == 3 ? 7 : 42);
        ud_fault_flash_cut(&rig.ff, 1, UD_CUT_BITS);
        assert_int_equal(ud_flash_erase(&rig.flash, 0, SECTOR), ESP_ERR_FLASH_OP_FAIL);
        if (seed == 1)
            memcpy(one, rig.bytes, SECTOR);
        else
            assert_int_equal(count_diff(one, rig.bytes, SECTOR) == 0, seed == 2);
    }
}

static void cuts_are_counted_from_now_and_fast_paths_do_not_miss_them(void **state)
{
    for (uint32_t n = 1; n <= 40; n++) {
        fresh(state);
        assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 5), ESP_OK);
        ud_fault_flash_cut(&rig.ff, n, UD_CUT_BEFORE);
        esp_err_t err = ESP_OK;
        uint32_t pages = 0;
        for (uint32_t addr = SECTOR; addr < SECTOR + 40 * 256 && err == ESP_OK; addr += 4 * 256) {
            err = ud_flash_program(&rig.flash, addr, rig.data + addr, 4 * 256);
            for (pages = 0; memcmp(rig.bytes + SECTOR + pages * 256, rig.data + SECTOR + pages * 256, 256) == 0;)
                pages++;
        }
        assert_int_equal(err, ESP_ERR_FLASH_OP_FAIL);
        assert_int_equal(pages, n - 1);
        assert_int_equal(rig.ff.operations, n + 1);
    }
}

static void power_back_forgets_what_was_running(void **state)
{
    (void)state;
    uint64_t wait_us;
    ud_fault_flash_cut(&rig.ff, 1, UD_CUT_BITS);
    struct ud_flash_request req = { .op = UD_FLASH_ERASE, .addr = 0, .len = SECTOR };
    assert_int_equal(ud_flash_start(&rig.flash, &req), ESP_OK);
    ud_fault_flash_power_on(&rig.ff); /* nobody asked for its end */
    assert_int_equal(ud_flash_poll(&rig.flash, &wait_us), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_flash_erase(&rig.flash, 0, SECTOR), ESP_OK);
}

static void failures_come_as_often_as_told(void **state)
{
    (void)state;
    struct ud_fault faults[] = {
        { .kind = UD_FAULT_FAIL_PROGRAM, .addr = 256, .len = 1, .after = 1, .times = 2 },
        { .kind = UD_FAULT_FAIL_ERASE, .addr = 0x2000, .len = SECTOR },
        { .kind = UD_FAULT_FAIL_READ, .addr = 0x3000, .len = 4, .times = 1 },
    };
    rig.ff.fault = faults;
    rig.ff.fault_count = UD_ARRAY_LEN(faults);
    static const esp_err_t want[] = { ESP_OK, ESP_ERR_FLASH_OP_FAIL, ESP_ERR_FLASH_OP_FAIL, ESP_OK };
    for (unsigned i = 0; i < UD_ARRAY_LEN(want); i++)
        assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data, 512), want[i]);
    assert_int_equal(ud_flash_program(&rig.flash, 1024, rig.data, 512), ESP_OK);
    memset(rig.bytes + 0x1000, 0, 0x3000);
    assert_int_equal(ud_flash_erase(&rig.flash, 0x1000, 0x3000), ESP_ERR_FLASH_OP_FAIL);
    assert_true(all(rig.bytes + 0x1000, 0xFF, SECTOR)); /* what came before the bad sector is done */
    assert_true(all(rig.bytes + 0x2000, 0, 0x2000));
    uint8_t buf[8] = { 9 };
    assert_int_equal(ud_flash_read(&rig.flash, 0x2FFC, buf, 8), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(buf[0], 9);
    assert_int_equal(ud_flash_read(&rig.flash, 0x2FFC, buf, 8), ESP_OK);
}

static void torn_operations_fail_without_a_cut(void **state)
{
    (void)state;
    struct ud_fault faults[] = { { .kind = UD_FAULT_TEAR_PROGRAM, .addr = 0, .len = 256 },
                                 { .kind = UD_FAULT_TEAR_ERASE, .addr = 0x1000, .len = SECTOR } };
    rig.ff.fault = faults;
    rig.ff.fault_count = UD_ARRAY_LEN(faults);
    memset(rig.bytes + SECTOR, 0, SECTOR);
    assert_int_equal(ud_flash_program(&rig.flash, 0, rig.data + 1, 256), ESP_ERR_FLASH_OP_FAIL);
    assert_in_range(count_diff(rig.bytes, rig.data + 1, 256), 1, 255);
    assert_int_equal(ud_flash_erase(&rig.flash, SECTOR, SECTOR), ESP_ERR_FLASH_OP_FAIL);
    assert_false(all(rig.bytes + SECTOR, 0, SECTOR));
    assert_false(all(rig.bytes + SECTOR, 0xFF, SECTOR));
    assert_false(rig.ff.off);
}

static void reads_show_stuck_changing_and_unstable_bits(void **state)
{
    (void)state;
    struct ud_fault faults[] = {
        { .kind = UD_FAULT_STUCK_0, .addr = 10, .len = 1, .bits = 0x01 },
        { .kind = UD_FAULT_STUCK_1, .addr = 20, .len = 2, .bits = 0x80 },
        { .kind = UD_FAULT_FLIP, .addr = 30, .len = 1, .bits = 0x10, .after = 1, .times = 1 },
        { .kind = UD_FAULT_UNSTABLE, .addr = 40, .len = 8, .bits = 0x0F },
    };
    uint8_t zeros[64] = { 0 }, buf[3][64];
    assert_int_equal(ud_flash_erase(&rig.flash, 0, SECTOR), ESP_OK);
    rig.ff.fault = faults;
    rig.ff.fault_count = UD_ARRAY_LEN(faults);
    assert_int_equal(ud_flash_read(&rig.flash, 10, buf[0], 1), ESP_OK);
    assert_int_equal(buf[0][0], 0xFE);
    assert_int_equal(ud_flash_program(&rig.flash, 0, zeros, 64), ESP_OK); /* the chip believes that it went well */
    for (int i = 0; i < 3; i++)
        assert_int_equal(ud_flash_read(&rig.flash, 0, buf[i], 64), ESP_OK);
    assert_int_equal(buf[0][20], 0x80);
    assert_int_equal(buf[0][21], 0x80);
    assert_int_equal(buf[0][22], 0);
    assert_int_equal(buf[0][30], 0);
    assert_int_equal(buf[1][30], 0x10);
    assert_int_equal(buf[2][30], 0);
    assert_int_not_equal(memcmp(buf[0] + 40, buf[1] + 40, 8), 0);
    for (int i = 40; i < 48; i++)
        assert_int_equal(buf[0][i] & 0xF0, 0);
}

static uint32_t count_bits(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len * 8; i++)
        n += ((unsigned)a[i / 8] ^ b[i / 8]) >> i % 8 & 1u;
    return n;
}

static void bit_rot_inverts_exactly_so_many_bits_in_the_range(void **state)
{
    static const struct row {
        uint32_t addr, len, bits;
    } rows[] = { { 0x10, 1, 1 }, { 0x10, 1, 8 }, { 0xFF0, 0x2020, 100 }, { 0, SIZE, 3 }, { 0x5000, 0x1000, 0 } };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        fresh(state);
        memcpy(rig.bytes, rig.data, SIZE);
        assert_int_equal(ud_fault_flash_rot(&rig.ff, r->addr, r->len, r->bits), ESP_OK);
        assert_int_equal(count_bits(rig.bytes, rig.data, SIZE), r->bits);
        assert_int_equal(count_bits(rig.bytes + r->addr, rig.data + r->addr, r->len), r->bits);
        assert_int_equal(rig.ff.operations, 0);
    }
    assert_int_equal(ud_fault_flash_rot(&rig.ff, 0, 1, 9), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_fault_flash_rot(&rig.ff, SIZE, 1, 1), ESP_ERR_INVALID_SIZE);
}

static void variants_have_names(void **state)
{
    (void)state;
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
        assert_int_equal(ud_cut_variant_find(ud_cut_variant_name((enum ud_cut_variant)v)), v);
    assert_null(ud_cut_variant_name(UD_CUT_VARIANTS));
    assert_int_equal(ud_cut_variant_find("half"), UD_CUT_VARIANTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_settings_nothing_is_changed_and_operations_are_counted, fresh),
        cmocka_unit_test_setup(each_operation_is_shown_before_it_happens, fresh),
        cmocka_unit_test_setup(a_cut_program_leaves_what_its_variant_says, fresh),
        cmocka_unit_test_setup(a_prefix_is_as_long_as_asked, fresh),
        cmocka_unit_test_setup(a_cut_erase_leaves_a_mixture_of_old_and_blank, fresh),
        cmocka_unit_test_setup(the_last_operation_of_a_request_is_acknowledged_before_power_goes, fresh),
        cmocka_unit_test_setup(weak_bits_waver_until_erased_again, fresh),
        cmocka_unit_test_setup(a_torn_erase_leaves_weak_bits_that_settle_with_a_snapshot, fresh),
        cmocka_unit_test_setup(equal_seeds_tear_equally_and_others_do_not, fresh),
        cmocka_unit_test_setup(cuts_are_counted_from_now_and_fast_paths_do_not_miss_them, fresh),
        cmocka_unit_test_setup(power_back_forgets_what_was_running, fresh),
        cmocka_unit_test_setup(failures_come_as_often_as_told, fresh),
        cmocka_unit_test_setup(torn_operations_fail_without_a_cut, fresh),
        cmocka_unit_test_setup(reads_show_stuck_changing_and_unstable_bits, fresh),
        cmocka_unit_test_setup(bit_rot_inverts_exactly_so_many_bits_in_the_range, fresh),
        cmocka_unit_test(variants_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
