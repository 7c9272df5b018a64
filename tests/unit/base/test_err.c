/* SPDX-License-Identifier: Apache-2.0 */
/* The macros of err.h, UD_ERR_LIST and the names are one list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/err.h"

/* Each row of the list against the macro of the same name: a macro that differs, or lacks, does not compile. */
#define SAME(name, value) _Static_assert(name == (value), #name " differs from its row in UD_ERR_LIST");
UD_ERR_LIST(SAME)

static void every_code_has_its_macros_name(void **state)
{
    (void)state;
#define CHECK(name, value) assert_string_equal(ud_err_name(name), #name);
    UD_ERR_LIST(CHECK)
#undef CHECK
}

static void codes_are_unique(void **state)
{
    (void)state;
    static const int codes[] = {
#define CODE(name, value) value,
        UD_ERR_LIST(CODE)
#undef CODE
    };
    size_t count = sizeof codes / sizeof codes[0];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(codes[i], codes[j]);
}

static void every_macro_of_the_header_is_in_the_list(void **state)
{
    (void)state;
    FILE *f = fopen(UD_VECTORS "/../../include/updraft/err.h", "r");
    assert_non_null(f);
    char line[256];
    int macros = 0;
    while (fgets(line, sizeof line, f)) {
        char name[80];
        unsigned value;
        if (sscanf(line, "#define %79[A-Z_0-9] 0x%x", name, &value) != 2 || strncmp(name, "ESP_", 4) != 0)
            continue;
        assert_string_equal(ud_err_name((esp_err_t)value), name);
        macros++;
    }
    fclose(f);
    assert_true(macros > 50);
}

static void unknown_codes_are_called_error(void **state)
{
    (void)state;
    assert_string_equal(ud_err_name(0x7FFFFFFF), "ERROR");
    assert_string_equal(ud_err_name(-2), "ERROR");
    assert_string_equal(ud_err_name(1), "ERROR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_macros_name),
        cmocka_unit_test(codes_are_unique),
        cmocka_unit_test(every_macro_of_the_header_is_in_the_list),
        cmocka_unit_test(unknown_codes_are_called_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
