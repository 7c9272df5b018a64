/* SPDX-License-Identifier: Apache-2.0 */
/* NOR rules over a file, and what becomes of the system's failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "updraft/port_linux.h"

#define SIZE 0x8000u

struct rig {
    int fd;
    struct ud_file_flash file;
    struct ud_flash flash;
    struct ud_observer obs;
    struct ud_note first;
    bool has_text;
    int notes;
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct rig *rig = ctx;
    if (rig->notes++ > 0)
        return;
    rig->first = *note;
    rig->has_text = note->text && note->text[0];
}

static void attach(struct rig *rig)
{
    rig->obs = (struct ud_observer){ hear, rig };
    ud_file_flash_init(&rig->file, &rig->flash, rig->fd, SIZE);
    rig->flash.observer = &rig->obs;
    rig->notes = 0;
}

static int setup(void **state)
{
    char path[] = "/tmp/updraft-flash-XXXXXX";
    struct rig *rig = calloc(1, sizeof *rig);
    if (!rig)
        return -1;
    rig->fd = mkstemp(path);
    unlink(path);
    if (rig->fd < 0 || ftruncate(rig->fd, SIZE) != 0)
        return -1;
    attach(rig);
    *state = rig;
    return ud_flash_erase(&rig->flash, 0, SIZE) == ESP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    close(rig->fd);
    free(rig);
    return 0;
}

static void what_is_programmed_is_read_back_over_sector_borders(void **state)
{
    struct rig *rig = *state;
    uint8_t out[9000];
    uint8_t in[9000];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 31 + 7);
    assert_int_equal(ud_flash_program(&rig->flash, 0xFFD, out, sizeof out), ESP_OK);
    assert_int_equal(ud_flash_read(&rig->flash, 0xFFD, in, sizeof in), ESP_OK);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(ud_flash_read(&rig->flash, 0xFFC, in, 1), ESP_OK);
    assert_int_equal(in[0], 0xFF);
    assert_int_equal(ud_flash_read(&rig->flash, 0xFFD + sizeof out, in, 1), ESP_OK);
    assert_int_equal(in[0], 0xFF);
}

static void erase_blanks_its_sectors_only(void **state)
{
    struct rig *rig = *state;
    static const uint8_t zeros[SIZE];
    uint8_t in[SIZE];
    assert_int_equal(ud_flash_program(&rig->flash, 0, zeros, SIZE), ESP_OK);
    assert_int_equal(ud_flash_erase(&rig->flash, 0x2000, 0x3000), ESP_OK);
    assert_int_equal(ud_flash_read(&rig->flash, 0, in, SIZE), ESP_OK);
    for (uint32_t i = 0; i < SIZE; i++)
        assert_int_equal(in[i], i >= 0x2000 && i < 0x5000 ? 0xFF : 0);
}

static void strict_mode_is_that_of_the_ram_driver(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[SIZE];
    uint8_t in[SIZE];
    struct ud_ram_flash ram;
    struct ud_flash other;
    memset(bytes, 0xFF, SIZE);
    ud_ram_flash_init(&ram, &other, bytes, SIZE);

    /* The same operations on both, over a grid of places, conflicts and modes: same answers, same bytes. */
    unsigned seed = 1;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1103515245u + 12345u;
        uint8_t data[300];
        uint32_t addr = (seed >> 8) % (SIZE - sizeof data);
        uint32_t len = 1 + (seed >> 4) % sizeof data;
        memset(data, (int)(seed >> 16 & 0xFF), sizeof data);
        ram.strict = rig->file.strict = i % 3 != 0;
        if (i % 10 == 9)
            assert_int_equal(ud_flash_erase(&other, addr & ~0xFFFu, 0x1000),
                             ud_flash_erase(&rig->flash, addr & ~0xFFFu, 0x1000));
        assert_int_equal(ud_flash_program(&other, addr, data, len), ud_flash_program(&rig->flash, addr, data, len));
    }
    assert_int_equal(ud_flash_read(&rig->flash, 0, in, SIZE), ESP_OK);
    assert_memory_equal(in, bytes, SIZE);
}

static void the_first_wrong_byte_is_noted_once_over_sectors(void **state)
{
    struct rig *rig = *state;
    static const uint8_t zero[1];
    uint8_t ones[0x2000];
    memset(ones, 0xFF, sizeof ones);
    assert_int_equal(ud_flash_program(&rig->flash, 0x1010, zero, 1), ESP_OK);
    assert_int_equal(ud_flash_program(&rig->flash, 0x2010, zero, 1), ESP_OK);
    assert_int_equal(ud_flash_program(&rig->flash, 0x1000, ones, sizeof ones), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.id, UD_NOTE_FLASH_NOT_ERASED);
    assert_int_equal(rig->first.a, 0x1010);
    assert_int_equal(rig->notes, 2); /* and the device's own */
}

static void identical_rewrites_need_no_writing(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(ud_flash_program(&rig->flash, 0x10, "abc", 3), ESP_OK);
    int writable = rig->fd;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", writable);
    rig->fd = open(path, O_RDONLY);
    assert_true(rig->fd >= 0);
    attach(rig);
    assert_int_equal(ud_flash_program(&rig->flash, 0x10, "abc", 3), ESP_OK);
    assert_int_equal(ud_flash_program(&rig->flash, 0x20, "abc", 3), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.id, UD_NOTE_FLASH_IO);
    assert_int_equal(rig->first.b, EBADF);
    close(writable);
}

static void a_file_that_ends_early_fails_with_a_reason(void **state)
{
    struct rig *rig = *state;
    uint8_t in[16];
    assert_int_equal(ftruncate(rig->fd, SIZE / 2 + 8), 0);
    assert_int_equal(ud_flash_read(&rig->flash, SIZE / 2, in, 8), ESP_OK);
    assert_int_equal(ud_flash_read(&rig->flash, SIZE / 2, in, 16), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.id, UD_NOTE_FLASH_IO);
    assert_int_equal(rig->first.b, ENODATA);
    assert_true(rig->has_text);
    rig->notes = 0;
    assert_int_equal(ud_flash_program(&rig->flash, SIZE - 4, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.b, ENODATA);
}

/* The limit makes the kernel write short up to it, then refuse: both halves of "the disk is full". */
static void a_write_cut_short_goes_on_and_then_fails(void **state)
{
    struct rig *rig = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = { .rlim_cur = 0x1800, .rlim_max = before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    esp_err_t below = ud_flash_erase(&rig->flash, 0, 0x1000);
    esp_err_t across = ud_flash_erase(&rig->flash, 0x1000, 0x1000);
    esp_err_t beyond = ud_flash_program(&rig->flash, 0x4000, "x", 1);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);

    assert_int_equal(below, ESP_OK);
    assert_int_equal(across, ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(beyond, ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.id, UD_NOTE_FLASH_IO);
    assert_int_equal(rig->first.a, 0x1000);
    assert_int_equal(rig->first.b, EFBIG);
    assert_true(rig->has_text);
}

static void a_full_disk_fails_with_its_own_reason(void **state)
{
    struct rig *rig = *state;
    int file = rig->fd;
    rig->fd = open("/dev/full", O_RDWR);
    assert_true(rig->fd >= 0);
    attach(rig);
    assert_int_equal(ud_flash_erase(&rig->flash, 0, 0x1000), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(rig->first.id, UD_NOTE_FLASH_IO);
    assert_int_equal(rig->first.b, ENOSPC);
    close(file);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_is_programmed_is_read_back_over_sector_borders),
        CASE(erase_blanks_its_sectors_only),
        CASE(strict_mode_is_that_of_the_ram_driver),
        CASE(the_first_wrong_byte_is_noted_once_over_sectors),
        CASE(identical_rewrites_need_no_writing),
        CASE(a_file_that_ends_early_fails_with_a_reason),
        CASE(a_write_cut_short_goes_on_and_then_fails),
        CASE(a_full_disk_fails_with_its_own_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
