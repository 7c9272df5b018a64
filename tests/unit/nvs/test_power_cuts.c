/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts: random lives (tests/support/nvs_life.h). More of them, and judged by other programs too, in
 * tests/interop/test_nvs_judges.py.
 *
 *     unit-nvs-power_cuts [FIRST_SEED [LIVES]]
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "nvs_life.h"

static unsigned long first = 1, lives = 12;

static void a_cut_leaves_the_old_or_the_new_value_and_all_others(void **state)
{
    (void)state;
    uint32_t cuts = 0, calls = 0, erases = 0;
    for (unsigned long seed = first; seed < first + lives; seed++) {
        struct nvs_life life;
        const char *why = nvs_life_run(&life, seed, 25);
        if (why)
            fail_msg("seed %lu: %s", seed, why);
        cuts += life.cuts;
        calls += life.calls;
        erases += life.erases;
        nvs_life_end(&life);
    }
    printf("%lu lives, %u calls, %u cuts, %u pages collected\n", lives, calls, cuts, erases);
    assert_true(cuts > 100 * lives && erases > lives);
}

int main(int argc, char **argv)
{
    char *end;
    first = argc > 1 ? strtoul(argv[1], &end, 10) : first;
    lives = argc > 2 ? strtoul(argv[2], &end, 10) : lives;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_leaves_the_old_or_the_new_value_and_all_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
