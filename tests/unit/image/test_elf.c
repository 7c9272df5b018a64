/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are a program, and of which machine. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

static void this_test_is_a_program_of_this_machine(void **state)
{
    uint8_t head[64];
    (void)state;
    FILE *f = fopen("/proc/self/exe", "rb");
    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    fclose(f);
    assert_int_not_equal(ud_elf_host_machine(), 0);
    assert_int_equal(ud_elf_machine(head, sizeof head), ud_elf_host_machine());
}

static void machine_is_read_from_little_endian_executables_only(void **state)
{
    static const struct {
        const char *name;
        uint8_t at, value;
        size_t len;
        uint16_t machine;
    } rows[] = {
        { "shared object or PIE", 16, 3, 64, 243 },
        { "fixed executable", 16, 2, 64, 243 },
        { "relocatable", 16, 1, 64, 0 },
        { "core dump", 16, 4, 64, 0 },
        { "big-endian", 5, 2, 64, 0 },
        { "32 bits", 4, 1, 52, 243 },
        { "64 bits, short", 4, 2, 63, 0 },
        { "32 bits, short", 4, 1, 51, 0 },
        { "no class", 4, 0, 64, 0 },
        { "class 3", 4, 3, 64, 0 },
        { "magic 0", 0, 0x7E, 64, 0 },
        { "magic 3", 3, 'G', 64, 0 },
        { "type, high byte", 17, 1, 64, 0 },
        { "empty", 16, 3, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        uint8_t elf[64];
        image_tiny_elf(elf, 243);
        elf[rows[i].at] = rows[i].value;
        if (ud_elf_machine(elf, rows[i].len) != rows[i].machine)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_test_is_a_program_of_this_machine),
        cmocka_unit_test(machine_is_read_from_little_endian_executables_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
