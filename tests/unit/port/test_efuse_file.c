/* SPDX-License-Identifier: Apache-2.0 */
/* eFuses in a file only ever gain bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "updraft/port_linux.h"

static int open_area(off_t size)
{
    char path[] = "/tmp/updraft-efuse-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(ftruncate(fd, size), 0);
    return fd;
}

static void burnt_bits_stay(void **state)
{
    (void)state;
    struct ud_file_efuse file;
    struct ud_efuse efuse;
    uint8_t got[3];
    int fd = open_area(UD_EFUSE_SIZE);
    ud_file_efuse_init(&file, &efuse, fd);
    assert_int_equal(ud_efuse_burn(&efuse, 7, "\x01\x80", 2), ESP_OK);
    assert_int_equal(ud_efuse_burn(&efuse, 7, "\x04\x00", 2), ESP_OK);
    assert_int_equal(ud_efuse_read(&efuse, 6, got, 3), ESP_OK);
    assert_int_equal(got[0], 0);
    assert_int_equal(got[1], 0x05);
    assert_int_equal(got[2], 0x80);
    assert_int_equal(ud_efuse_burn(&efuse, UD_EFUSE_SIZE, "\x01", 1), ESP_ERR_INVALID_ARG);
    close(fd);
}

static void a_file_that_ends_early_or_is_closed_fails(void **state)
{
    (void)state;
    struct ud_file_efuse file;
    struct ud_efuse efuse;
    uint8_t got[2];
    int fd = open_area(9);
    ud_file_efuse_init(&file, &efuse, fd);
    assert_int_equal(ud_efuse_read(&efuse, 7, got, 2), ESP_OK);
    assert_int_equal(ud_efuse_read(&efuse, 8, got, 2), ESP_FAIL);
    assert_int_equal(ud_efuse_burn(&efuse, 8, "\x01\x01", 2), ESP_FAIL);
    close(fd);
    assert_int_equal(ud_efuse_read(&efuse, 0, got, 1), ESP_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burnt_bits_stay),
        cmocka_unit_test(a_file_that_ends_early_or_is_closed_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
