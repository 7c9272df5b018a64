/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port of docs/porting.md (examples/port), run on its chip, which is played here: flash that takes time, fails and
 * loses power as told, a counter that wraps, mutexes that notice misuse. Whatever ends a program on the chip (a jump, a
 * reset, a power cut, nothing more to do) comes back out of it by longjmp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chip.h"
#include "hash.h"
#include "updraft/image.h"
#include "updraft/ota.h"
#include "updraft/port_linux.h"

#define CHIP_ID 0x7001u
#define TABLE   0x8000u
#define OTADATA 0x9000u
#define SLOT_0  0x10000u
#define SLOT_1  0x20000u
#define SLOT_N  0x10000u
#define PAGE    256u
#define SECTOR  4096u
#define NEVER   UINT32_MAX

enum how { STARTED_A_PROGRAM = 1, RESET, POWER_CUT, IDLE };

static struct {
    uint8_t flash[CHIP_FLASH_BYTES];
    uint8_t ram[CHIP_RAM_BYTES];
    jmp_buf end;
    uint64_t now_us;
    uint64_t busy_until_us;
    uint32_t operations; /* programs and erases so far */
    uint32_t cut_at;     /* this one is done by half, and the power goes */
    uint32_t fail_at;    /* this one fails */
    bool failed;
    bool held[CHIP_MUTEXES];
    uint32_t entry;
    uint32_t slot;
    bool healthy; /* what the self-test finds */
    bool crashes; /* the self-test never returns */
    const uint8_t *link;
    size_t link_len;
    size_t link_at;
    char console[8192];
    size_t console_len;
} chip;

/* ---- the chip --------------------------------------------------------------------------------------------------- */

static _Noreturn void end(enum how how)
{
    longjmp(chip.end, how);
}

static bool operation(void)
{
    assert_false(chip_flash_busy());
    chip.operations++;
    chip.failed = chip.operations == chip.fail_at;
    return !chip.failed;
}

static void cut_here(void)
{
    if (chip.operations == chip.cut_at)
        end(POWER_CUT);
}

void chip_flash_read(uint32_t addr, void *buf, uint32_t len)
{
    assert_false(chip_flash_busy());
    assert_true(ud_range_fits(addr, len, CHIP_FLASH_BYTES));
    memcpy(buf, chip.flash + addr, len);
}

void chip_flash_program(uint32_t addr, const void *data, uint32_t len)
{
    const uint8_t *p = data;
    assert_true(len > 0 && ud_range_fits(addr, len, CHIP_FLASH_BYTES) && addr / PAGE == (addr + len - 1) / PAGE);
    bool works = operation();
    for (uint32_t i = 0; works && i < (chip.operations == chip.cut_at ? len / 2 : len); i++)
        chip.flash[addr + i] &= p[i];
    cut_here();
    chip.busy_until_us = chip.now_us + 400;
}

void chip_flash_erase(uint32_t addr)
{
    assert_true(addr % SECTOR == 0 && addr < CHIP_FLASH_BYTES);
    if (operation())
        memset(chip.flash + addr, 0xFF, chip.operations == chip.cut_at ? SECTOR / 2 : SECTOR);
    cut_here();
    chip.busy_until_us = chip.now_us + 45000;
}

bool chip_flash_busy(void)
{
    return chip.now_us < chip.busy_until_us;
}

bool chip_flash_failed(void)
{
    return chip.failed;
}

uint32_t chip_us(void)
{
    return (uint32_t)chip.now_us++;
}

void chip_sleep_us(uint32_t us)
{
    chip.now_us += us;
}

void chip_idle(void)
{
    end(IDLE);
}

void chip_mutex_take(int which)
{
    assert_false(chip.held[which]);
    chip.held[which] = true;
}

void chip_mutex_give(int which)
{
    assert_true(chip.held[which]);
    chip.held[which] = false;
}

void chip_console_put(char c)
{
    assert_false(chip.held[CHIP_MUTEX_BOARD]); /* nothing is told under the lock */
    if (chip.console_len + 1 < sizeof chip.console)
        chip.console[chip.console_len++] = c;
    chip.console[chip.console_len] = '\0';
}

bool chip_link_waits(void)
{
    return chip.link != NULL;
}

size_t chip_link_read(void *buf, size_t cap)
{
    size_t n = chip.link_len - chip.link_at < cap ? chip.link_len - chip.link_at : cap;
    if (n)
        memcpy(buf, chip.link + chip.link_at, n);
    chip.link_at += n;
    if (n < cap) { /* its end: nothing waits any more */
        chip.link = NULL;
        chip.link_len = chip.link_at = 0;
    }
    return n;
}

uint8_t *chip_ram(uint32_t addr, uint32_t len)
{
    return addr >= CHIP_RAM_ADDR && ud_range_fits(addr - CHIP_RAM_ADDR, len, CHIP_RAM_BYTES)
               ? chip.ram + (addr - CHIP_RAM_ADDR)
               : NULL;
}

void chip_run(uint32_t entry, uint32_t slot)
{
    chip.entry = entry;
    chip.slot = slot;
    end(STARTED_A_PROGRAM);
}

void chip_reset(void)
{
    end(RESET);
}

bool chip_self_test(void)
{
    if (chip.crashes)
        end(RESET);
    return chip.healthy;
}

/* ---- running it ------------------------------------------------------------------------------------------------- */

static enum how run(void (*program)(void))
{
    memset(chip.held, 0, sizeof chip.held);
    enum how how = (enum how)setjmp(chip.end);
    if (how == 0)
        program();
    return how;
}

static void start_application(void)
{
    application(chip.slot);
}

/* From a reset to the next end that is none: how it ended. Two minutes of resets are a device that is dead. */
static enum how power_on(void)
{
    uint64_t until_us = chip.now_us + 120000000u;
    chip.busy_until_us = 0;
    while (chip.now_us < until_us) {
        enum how how = run(boot_loader);
        if (how == STARTED_A_PROGRAM)
            how = run(start_application);
        if (how != RESET)
            return how;
        chip.now_us += 1000;
    }
    return RESET;
}

/* One boot, its program as well, and not what comes after its reset. */
static enum how boot_once(void)
{
    chip.busy_until_us = 0;
    enum how how = run(boot_loader);
    return how == STARTED_A_PROGRAM ? run(start_application) : how;
}

static bool console_says(const char *text)
{
    return strstr(chip.console, text) != NULL;
}

struct program {
    uint8_t bytes[0x3000];
    uint32_t len;
};

static struct program make_program(const char *version, uint16_t chip_id, uint32_t load_addr)
{
    struct program p = { .len = 0 };
    static uint8_t code[0x2800];
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_app_desc desc = { .secure_version = 0 };
    struct ud_image_part part = { load_addr, code, sizeof code };
    struct ud_image_spec spec = {
        .header = { .chip_id = chip_id, .wp_pin = 0xEE, .entry_addr = load_addr + UD_APP_DESC_BYTES },
        .part = &part,
        .part_count = 1,
        .desc = &desc,
        .append_digest = true,
    };
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)(i * 7u + (uint8_t)version[0]);
    snprintf(desc.version, sizeof desc.version, "%s", version);
    assert_int_equal(ud_image_encode(&spec, &crypto, p.bytes, sizeof p.bytes, &p.len), ESP_OK);
    return p;
}

static void put_table(void)
{
    static const char csv[] = "otadata, data, ota,   0x9000,  8K\n"
                              "slot_a,  app,  ota_0, 0x10000, 64K\n"
                              "slot_b,  app,  ota_1, 0x20000, 64K\n";
    struct ud_csv_options opt = { .flash_size = CHIP_FLASH_BYTES };
    struct ud_ptable table;
    struct ud_crypto crypto = ud_openssl_crypto();
    assert_int_equal(ud_csv_decode(csv, sizeof csv - 1, &opt, NULL, &table), ESP_OK);
    assert_int_equal(ud_ptable_encode(&table, &crypto, chip.flash + TABLE), ESP_OK);
}

/* A device as it leaves the factory: a table, 1.0 in the first slot, otadata blank; its counter is about to wrap. */
static int new_device(void **state)
{
    struct program first = make_program("1.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    memset(&chip, 0, sizeof chip);
    memset(chip.flash, 0xFF, sizeof chip.flash);
    chip.cut_at = chip.fail_at = NEVER;
    chip.healthy = true;
    chip.now_us = 0xFFFFFF00u;
    put_table();
    memcpy(chip.flash + SLOT_0, first.bytes, first.len);
    return 0;
}

static void send(const struct program *p)
{
    chip.link = p->bytes;
    chip.link_len = p->len;
    chip.link_at = 0;
}

static void expect_running(uint32_t slot, char version)
{
    assert_int_equal(chip.slot, slot);
    assert_int_equal(chip.entry, CHIP_RAM_ADDR + UD_APP_DESC_BYTES);
    assert_int_equal(chip.ram[UD_APP_DESC_BYTES], (uint8_t)(UD_APP_DESC_BYTES * 7u + (uint8_t)version));
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void a_new_device_starts_its_first_slot(void **state)
{
    (void)state;
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_0, '1');
    assert_true(console_says("confirmed: ESP_OK"));
    assert_memory_equal(chip.flash + OTADATA, "\1\0\0\0", 4); /* which slot it was is recorded */
}

static void an_update_is_installed_and_confirmed(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    send(&second);
    assert_int_equal(power_on(), IDLE); /* boots, receives, restarts, confirms */
    expect_running(SLOT_1, '2');
    assert_true(console_says("update: ESP_OK"));
    assert_memory_equal(chip.flash + SLOT_1, second.bytes, second.len);
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_1, '2');
}

static void an_update_that_rejects_itself_is_undone(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    send(&second);
    assert_int_equal(boot_once(), RESET); /* 1.0 has installed it */
    chip.healthy = false;
    assert_int_equal(boot_once(), RESET); /* 2.0 has rejected itself */
    expect_running(SLOT_1, '2');
    assert_true(console_says("rejected: ESP_OK"));
    chip.healthy = true;
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_0, '1');
}

static void an_update_that_crashes_is_undone(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    send(&second);
    assert_int_equal(boot_once(), RESET);
    chip.crashes = true;
    assert_int_equal(boot_once(), RESET);
    expect_running(SLOT_1, '2');
    chip.crashes = false;
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_0, '1');
}

static void an_app_with_nothing_to_go_back_to_stays(void **state)
{
    (void)state;
    chip.healthy = false;
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_0, '1');
    assert_true(console_says("rejected: ESP_ERR_OTA_ROLLBACK_FAILED"));
}

static void an_image_for_another_chip_touches_no_flash(void **state)
{
    struct program other = make_program("2.0", 5, CHIP_RAM_ADDR);
    (void)state;
    assert_int_equal(power_on(), IDLE);
    uint32_t before = chip.operations;
    send(&other);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_INVALID_VERSION"));
    assert_int_equal(chip.operations, before);
}

static void what_is_no_image_is_refused(void **state)
{
    static struct program p = { .len = 100 };
    (void)state;
    send(&p);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_INVALID_SIZE"));
    p.len = 1000; /* no description */
    send(&p);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_NOT_FOUND"));
    expect_running(SLOT_0, '1');
}

static void a_damaged_or_cut_update_is_not_selected(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    second.bytes[2000] ^= 1;
    send(&second);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_OTA_VALIDATE_FAILED"));
    second.bytes[2000] ^= 1;
    second.len -= 100;
    chip.console_len = 0;
    send(&second);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_OTA_VALIDATE_FAILED"));
    expect_running(SLOT_0, '1');
}

static void flash_that_fails_ends_an_update_with_its_code(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    assert_int_equal(power_on(), IDLE);
    chip.fail_at = chip.operations + 4;
    send(&second);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_ERR_FLASH_OP_FAIL"));
    send(&second); /* the session is closed: the next one works */
    assert_int_equal(power_on(), IDLE);
    expect_running(SLOT_1, '2');
}

/* The loader passes by what it cannot place, although it is a good image. */
static void a_program_outside_of_ram_is_skipped(void **state)
{
    struct program bad = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR + CHIP_RAM_BYTES - 0x1000u);
    (void)state;
    send(&bad);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("update: ESP_OK"));
    expect_running(SLOT_0, '1');
}

static void a_device_without_a_table_resets_and_says_why(void **state)
{
    (void)state;
    memset(chip.flash + TABLE, 0xFF, SECTOR);
    assert_int_equal(power_on(), RESET);
    assert_true(console_says("note 0x200 ESP_ERR_INVALID_STATE"));
}

static void notes_are_lines_of_numbers(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    (void)state;
    send(&second);
    assert_int_equal(power_on(), IDLE);
    assert_true(console_says("\nnote 0x506 ESP_OK 0x0 0x200000002 slot_b\n"));
    assert_true(console_says("\nnote 0x504 ESP_OK 0x2 0x0 slot_b\n"));
}

static void time_goes_on_when_the_counter_wraps(void **state)
{
    (void)state;
    uint64_t begin = chip.now_us; /* below 2^32 */
    memset(chip.flash + TABLE, 0xFF, SECTOR);
    assert_int_equal(run(boot_loader), RESET); /* it waited a second over the wrap */
    assert_true(chip.now_us > UINT32_MAX);
    assert_in_range(chip.now_us - begin, 1000000, 1100000);
}

/* Half of the operation happens. Whatever that is, some version boots, and the update then succeeds. */
static void a_power_cut_at_any_operation_leaves_a_device_that_updates(void **state)
{
    struct program second = make_program("2.0", CHIP_ID, CHIP_RAM_ADDR);
    uint32_t n = 1;
    bool cut = true;
    for (; cut; n++) {
        new_device(state);
        chip.cut_at = n;
        send(&second);
        enum how how = power_on();
        cut = how == POWER_CUT;
        chip.cut_at = NEVER;
        chip.link = NULL;
        assert_int_equal(cut ? power_on() : how, IDLE);
        assert_true(chip.slot == SLOT_0 || chip.slot == SLOT_1);
        send(&second);
        assert_int_equal(power_on(), IDLE);
        assert_int_equal(chip.ram[UD_APP_DESC_BYTES], (uint8_t)(UD_APP_DESC_BYTES * 7u + '2'));
    }
    chip.link = NULL;
    assert_in_range(n, 40, 100); /* 3 sectors and 41 pages of a slot, and the changes of otadata */
}

static void hash_with(const struct ud_crypto *crypto, enum ud_hash_alg alg, const uint8_t *data, size_t len,
                      size_t piece, uint8_t *digest)
{
    struct ud_hash h = UD_HASH_NONE;
    assert_int_equal(ud_hash_start(crypto, alg, &h), ESP_OK);
    for (size_t at = 0; at < len; at += piece)
        assert_int_equal(ud_hash_feed(&h, data + at, len - at < piece ? len - at : piece), ESP_OK);
    assert_int_equal(ud_hash_finish(&h, digest), ESP_OK);
}

static void hashes_are_those_of_the_standards(void **state)
{
    static const uint8_t abc_sha256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                          0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                          0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
    static const uint8_t abc_md5[] = { 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0,
                                       0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72 };
    struct soft_hashes pool = { .hash = { { .taken = false } } };
    struct ud_crypto soft = soft_crypto(&pool), openssl = ud_openssl_crypto();
    uint8_t data[300], mine[UD_HASH_MAX_BYTES], theirs[UD_HASH_MAX_BYTES];
    (void)state;
    hash_with(&soft, UD_HASH_SHA256, (const uint8_t *)"abc", 3, 3, mine);
    assert_memory_equal(mine, abc_sha256, sizeof abc_sha256);
    hash_with(&soft, UD_HASH_MD5, (const uint8_t *)"abc", 3, 3, mine);
    assert_memory_equal(mine, abc_md5, sizeof abc_md5);
    for (size_t len = 0; len <= sizeof data; len++) {
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i * i + len);
        hash_with(&soft, UD_HASH_SHA256, data, len, 1 + len % 71, mine);
        hash_with(&openssl, UD_HASH_SHA256, data, len, 300, theirs);
        assert_memory_equal(mine, theirs, UD_SHA256_BYTES);
        hash_with(&soft, UD_HASH_MD5, data, len, 1 + len % 67, mine);
        hash_with(&openssl, UD_HASH_MD5, data, len, 300, theirs);
        assert_memory_equal(mine, theirs, UD_MD5_BYTES);
    }
}

static void hashes_run_out_and_come_back(void **state)
{
    struct soft_hashes pool = { .hash = { { .taken = false } } };
    struct ud_crypto soft = soft_crypto(&pool);
    struct ud_hash h[SOFT_HASHES + 1];
    (void)state;
    for (unsigned i = 0; i < SOFT_HASHES; i++)
        assert_int_equal(ud_hash_start(&soft, UD_HASH_SHA256, &h[i]), ESP_OK);
    assert_int_equal(ud_hash_start(&soft, UD_HASH_SHA256, &h[SOFT_HASHES]), ESP_ERR_NO_MEM);
    ud_hash_drop(&h[1]);
    assert_int_equal(ud_hash_start(&soft, UD_HASH_SHA384, &h[1]), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(ud_hash_start(&soft, UD_HASH_MD5, &h[1]), ESP_OK);
    for (unsigned i = 0; i < SOFT_HASHES; i++)
        ud_hash_drop(&h[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_device_starts_its_first_slot, new_device),
        cmocka_unit_test_setup(an_update_is_installed_and_confirmed, new_device),
        cmocka_unit_test_setup(an_update_that_rejects_itself_is_undone, new_device),
        cmocka_unit_test_setup(an_update_that_crashes_is_undone, new_device),
        cmocka_unit_test_setup(an_app_with_nothing_to_go_back_to_stays, new_device),
        cmocka_unit_test_setup(an_image_for_another_chip_touches_no_flash, new_device),
        cmocka_unit_test_setup(what_is_no_image_is_refused, new_device),
        cmocka_unit_test_setup(a_damaged_or_cut_update_is_not_selected, new_device),
        cmocka_unit_test_setup(flash_that_fails_ends_an_update_with_its_code, new_device),
        cmocka_unit_test_setup(a_program_outside_of_ram_is_skipped, new_device),
        cmocka_unit_test_setup(a_device_without_a_table_resets_and_says_why, new_device),
        cmocka_unit_test_setup(notes_are_lines_of_numbers, new_device),
        cmocka_unit_test_setup(time_goes_on_when_the_counter_wraps, new_device),
        cmocka_unit_test(a_power_cut_at_any_operation_leaves_a_device_that_updates),
        cmocka_unit_test_setup(hashes_are_those_of_the_standards, new_device),
        cmocka_unit_test_setup(hashes_run_out_and_come_back, new_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
