/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of the power-cut explorer share a stock, a journal and a report, and nothing else: for ThreadSanitizer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "updraft/lab_powercut.h"

static void jobs_do_not_meet_but_in_the_report(void **state)
{
    (void)state;
    static const char *const names[] = { "update-whole", "secure-confirm", "bad-cell", "refuse" };
    for (size_t i = 0; i < UD_ARRAY_LEN(names); i++) {
        struct ud_powercut_options opt = { .image_bytes = 0x1000, .jobs = 4, .depth = 2, .sample = 1, .measure = true };
        struct ud_powercut_report *r = calloc(1, sizeof *r);
        assert_non_null(r);
        assert_int_equal(ud_powercut_explore(ud_powercut_flow_find(names[i]), &opt, r), ESP_OK);
        assert_int_equal(r->violations, 0);
        assert_true(r->twice > 0);
        assert_true(r->cpu_seconds > 0 && r->bare_cpu_seconds > 0);
        ud_powercut_report_drop(r);
        free(r);
    }
}

static void violations_of_all_jobs_are_kept(void **state)
{
    (void)state;
    struct ud_powercut_options opt = {
        .image_bytes = 0x1000, .jobs = 4, .depth = 1, .mutant = ud_powercut_mutant_find("over-running")
    };
    struct ud_powercut_report *r = calloc(1, sizeof *r);
    assert_non_null(r);
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("update"), &opt, r), ESP_OK);
    assert_true(r->violations > UD_POWERCUT_KEPT);
    assert_int_equal(r->kept, UD_POWERCUT_KEPT);
    ud_powercut_report_drop(r);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_do_not_meet_but_in_the_report),
        cmocka_unit_test(violations_of_all_jobs_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
