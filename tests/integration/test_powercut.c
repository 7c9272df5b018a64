/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power-cut explorer: our code holds in every flow, every mutant of it is caught, and what was found can be found
 * again by its ID.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/lab_powercut.h"

static struct ud_powercut_options small(void)
{
    return (struct ud_powercut_options){ .image_bytes = 0x2000, .jobs = 2, .depth = 1, .sample = 1 };
}

static struct ud_powercut_report *new_report(void)
{
    struct ud_powercut_report *r = calloc(1, sizeof *r);
    assert_non_null(r);
    return r;
}

static void drop(struct ud_powercut_report *r)
{
    ud_powercut_report_drop(r);
    free(r);
}

static void expect_none(const struct ud_powercut_report *r)
{
    if (r->violations)
        fail_msg("%s: %s: %s", r->violation[0].id, ud_powercut_invariant_name(r->violation[0].invariant),
                 r->violation[0].what);
}

static uint32_t tried(const struct ud_powercut_report *r, enum ud_powercut_outcome outcome)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->operation_count; i++)
        for (unsigned v = 0; v < UD_CUT_VARIANTS; v++)
            n += r->operation[i].outcome[v] == outcome;
    return n;
}

/* Who says that it cannot be safe has a window in which nothing boots; elsewhere something always does. */
static void expect_window(const struct ud_powercut_flow *f, const struct ud_powercut_report *r)
{
    bool only = strcmp(ud_powercut_flow_name(f), "confirm-only") == 0;
    assert_int_equal(r->window_count, ud_powercut_flow_unsafe(f) || only ? 1 : 0);
    if (r->window_count == 0)
        return;
    assert_int_equal(r->window[0].bricks, !only);
    assert_int_equal(r->window[0].cases, r->in_window);
    assert_true(r->window[0].first <= r->window[0].last && r->window[0].last <= r->operation_count);
    assert_true(tried(r, UD_POWERCUT_WINDOW) > 0);
}

static void every_flow_holds_at_every_operation(void **state)
{
    (void)state;
    struct ud_powercut_options opt = small();
    const struct ud_powercut_flow *f;
    size_t i = 0;
    for (; (f = ud_powercut_flow_at(i)) != NULL; i++) {
        struct ud_powercut_report *r = new_report();
        assert_int_equal(ud_powercut_explore(f, &opt, r), ESP_OK);
        expect_none(r);
        assert_true(r->operation_count > 0);
        assert_true(r->cases >= 3 * r->operation_count);
        assert_true(r->boots + r->in_window >= 2 * r->cases); /* before the retry and after it, or not at all */
        if (ud_powercut_flow_unsafe(f))                       /* a case that boots and is not repaired counts twice */
            assert_true(r->booted_old + r->booted_new + r->in_window >= r->cases);
        else
            assert_int_equal(r->booted_old + r->booted_new, r->cases);
        assert_int_equal(tried(r, UD_POWERCUT_VIOLATED), 0);
        expect_window(f, r);
        drop(r);
    }
    assert_true(i >= 20);
}

/* The first bytes of a table, up to the end of an entry, are one too: boot loaders do without its MD5. */
static void a_table_that_was_cut_may_boot_and_not_be_repaired(void **state)
{
    (void)state;
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("table"), &opt, r), ESP_OK);
    expect_none(r);
    assert_true(r->booted_old + r->in_window > r->cases);
    drop(r);
    opt.depth = 2;
    r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("table"), &opt, r), ESP_OK);
    expect_none(r);
    drop(r);
}

/* Staging does not make the copy safe, but the long download before it. */
static void staging_shortens_the_window_to_the_copy(void **state)
{
    (void)state;
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("bootloader"), &opt, r), ESP_OK);
    for (uint32_t n = r->window[0].first; n <= r->window[0].last; n++)
        assert_string_equal(r->operation[n - 1].step, "copy");
    drop(r);
    r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("bootloader-in-place"), &opt, r), ESP_OK);
    assert_int_equal(r->window[0].first, 1);
    assert_string_equal(r->operation[0].step, "install");
    drop(r);
}

static void the_report_has_the_map_and_the_wear_of_the_flow(void **state)
{
    (void)state;
    static const char *const labels[] = {
        "bootloader", "table", "nvs", "otadata", "factory", "ota_0", "ota_1", "files"
    };
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("update"), &opt, r), ESP_OK);
    assert_int_equal(r->region_count, UD_ARRAY_LEN(labels));
    for (uint32_t i = 0; i < r->region_count; i++) {
        assert_string_equal(r->region[i].label, labels[i]);
        assert_true(r->region[i].addr + r->region[i].size <= r->flash_size);
        assert_true(i == 0 || r->region[i].addr >= r->region[i - 1].addr + r->region[i - 1].size);
    }
    assert_int_equal(r->sector_count, r->flash_size / 4096);
    uint32_t erases = 0, programs = 0;
    for (uint32_t i = 0; i < r->sector_count; i++) {
        bool otadata = i == 0xE; /* forgotten when the update begins, then written */
        bool image = i >= r->region[6].addr / 4096 && i < (r->region[6].addr + opt.image_bytes) / 4096;
        assert_int_equal(r->erases[i], otadata ? 2 : image ? 1 : 0);
        assert_int_equal(r->programs[i], otadata ? 1 : image ? 16 : 0);
        erases += r->erases[i];
        programs += r->programs[i];
    }
    assert_int_equal(erases + programs, r->operation_count);
    for (uint32_t i = 0; i < r->operation_count; i++)
        assert_string_equal(r->operation[i].part, r->operation[i].addr < 0x10000 ? "otadata" : "ota_1");
    assert_string_equal(r->operation[0].step, "install");
    assert_string_equal(r->operation[r->operation_count - 1].step, "select");
    drop(r);
}

static bool same_violation(const struct ud_powercut_violation *a, const struct ud_powercut_violation *b)
{
    return a->invariant == b->invariant && strcmp(a->id, b->id) == 0 && strcmp(a->what, b->what) == 0 &&
           strcmp(a->booted, b->booted) == 0 && a->shown_len == b->shown_len && a->shown_addr == b->shown_addr &&
           memcmp(a->before, b->before, sizeof a->before) == 0 && memcmp(a->after, b->after, sizeof a->after) == 0;
}

static void expect_replay(const struct ud_powercut_violation *v)
{
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    struct ud_powercut_id id;
    assert_int_equal(ud_powercut_id_parse(v->id, &id), ESP_OK);
    opt.mutant = id.mutant;
    opt.image_bytes = id.image_bytes;
    opt.depth = id.at.second ? 2 : 1;
    assert_int_equal(ud_powercut_replay(id.flow, &opt, &id.at, r), ESP_OK);
    assert_int_equal(r->kept, 1);
    assert_true(same_violation(&r->violation[0], v));
    drop(r);
}

static void every_mutant_is_caught_and_replays(void **state)
{
    (void)state;
    const struct ud_powercut_mutant *m;
    unsigned count = 0, by_a_cut = 0;
    bool broken[UD_POWERCUT_INVARIANTS] = { false };
    for (; (m = ud_powercut_mutant_at(count)) != NULL; count++) {
        struct ud_powercut_options opt = small();
        struct ud_powercut_report *r = new_report();
        opt.mutant = m;
        assert_int_equal(ud_powercut_explore(ud_powercut_mutant_flow(m), &opt, r), ESP_OK);
        if (r->violations == 0)
            fail_msg("mutant %s is not caught", ud_powercut_mutant_name(m));
        assert_true(r->kept > 0);
        expect_replay(&r->violation[0]);
        expect_replay(&r->violation[r->kept - 1]);
        by_a_cut += r->violation[r->kept - 1].at.operation > 0;
        for (unsigned i = 0; i < UD_POWERCUT_INVARIANTS; i++)
            broken[i] |= r->broken[i] > 0;
        drop(r);
    }
    assert_true(count >= 12);
    assert_true(by_a_cut >= 12); /* not only by the flow itself */
    for (unsigned i = 0; i < UD_POWERCUT_INVARIANTS; i++)
        if (!broken[i])
            fail_msg("no mutant breaks %s: is it checked?", ud_powercut_invariant_name(i));
}

static void jobs_change_nothing_but_the_time(void **state)
{
    (void)state;
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *a = new_report(), *b = new_report();
    const struct ud_powercut_flow *f = ud_powercut_flow_find("update");
    opt.depth = 2;
    opt.mutant = ud_powercut_mutant_find("wrong-sector");
    opt.jobs = 1;
    assert_int_equal(ud_powercut_explore(f, &opt, a), ESP_OK);
    opt.jobs = 3;
    assert_int_equal(ud_powercut_explore(f, &opt, b), ESP_OK);
    assert_true(a->cases > 0 && a->violations > 0);
    assert_int_equal(a->cases, b->cases);
    assert_int_equal(a->twice, b->twice);
    assert_int_equal(a->boots, b->boots);
    assert_int_equal(a->booted_old, b->booted_old);
    assert_int_equal(a->booted_new, b->booted_new);
    assert_int_equal(a->fall_backs, b->fall_backs);
    assert_int_equal(a->violations, b->violations);
    assert_memory_equal(a->broken, b->broken, sizeof a->broken);
    assert_int_equal(a->kept, b->kept);
    for (uint32_t i = 0; i < a->kept; i++)
        assert_true(same_violation(&a->violation[i], &b->violation[i]));
    drop(a);
    drop(b);
}

static void a_second_cut_in_the_recovery_changes_nothing(void **state)
{
    (void)state;
    static const char *const whole[] = { "set-boot", "to-factory", "boot-new",      "boot-pending",
                                         "confirm",  "reject",     "secure-confirm" };
    struct ud_powercut_options opt = small();
    opt.depth = 2;
    struct ud_powercut_report *r = new_report();
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("update-whole"), &opt, r), ESP_OK);
    expect_none(r);
    assert_true(r->twice > r->operation_count);
    drop(r);
    opt.sample = 20;
    for (size_t i = 0; i < UD_ARRAY_LEN(whole); i++) {
        r = new_report();
        assert_int_equal(ud_powercut_explore(ud_powercut_flow_find(whole[i]), &opt, r), ESP_OK);
        expect_none(r);
        assert_true(r->twice > 0);
        drop(r);
    }
}

/* ---- one's own update ------------------------------------------------------------------------------------------- */

static esp_err_t in_one_piece(void *ctx, struct ud_ota *ota, const struct ud_partition *slot, const uint8_t *image,
                              uint32_t len)
{
    struct ud_ota_session s;
    (void)ctx;
    esp_err_t err = ud_ota_begin(ota, &s, slot, len);
    if (err == ESP_OK)
        err = ud_ota_write(&s, image, len);
    if (err == ESP_OK)
        err = ud_ota_end(&s);
    else
        (void)ud_ota_abort(&s);
    return err == ESP_OK ? ud_ota_set_boot(ota, slot) : err;
}

/* Marks what it has selected as confirmed at once: nobody would roll back. */
static esp_err_t confirmed_too_early(void *ctx, struct ud_ota *ota, const struct ud_partition *slot,
                                     const uint8_t *image, uint32_t len)
{
    esp_err_t err = in_one_piece(ctx, ota, slot, image, len);
    const struct ud_partition *otadata = ud_boot_otadata(&ota->board->table);
    return err == ESP_OK ? ud_flash_erase(ota->board->flash, otadata->addr, UD_OTADATA_BYTES) : err;
}

static void an_update_of_ones_own_is_explored(void **state)
{
    (void)state;
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    opt.update = in_one_piece;
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("update-whole"), &opt, r), ESP_OK);
    expect_none(r);
    assert_true(r->cases > 100);
    drop(r);
    r = new_report();
    opt.update = confirmed_too_early;
    assert_int_equal(ud_powercut_explore(ud_powercut_flow_find("update-whole"), &opt, r), ESP_OK);
    assert_true(r->violations > 0);
    drop(r);
}

/* ---- IDs and options -------------------------------------------------------------------------------------------- */

static void ids_are_read_as_they_are_printed(void **state)
{
    (void)state;
    static const char *const good[] = {
        "update@65536:0",        "update@65536:12:bits",      "set-boot@8192:2:prefix.30",
        "update@board:3:after",  "first@4096+twice:7:weak.1", "confirm@8192:1:before:4:unacknowledged",
        "update@8192+too-far:0",
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(good); i++) {
        struct ud_powercut_id id;
        char text[UD_POWERCUT_ID];
        assert_int_equal(ud_powercut_id_parse(good[i], &id), ESP_OK);
        ud_powercut_id_print(&id, text);
        assert_string_equal(text, good[i]);
    }
}

static void ids_of_another_form_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        esp_err_t err;
    } bad[] = {
        { "", ESP_ERR_INVALID_ARG },
        { "update", ESP_ERR_INVALID_ARG },
        { "update:1:bits", ESP_ERR_INVALID_ARG },
        { "update@65536", ESP_ERR_INVALID_ARG },
        { "update@65536:", ESP_ERR_INVALID_ARG },
        { "update@0:1:bits", ESP_ERR_INVALID_ARG },
        { "update@64K:1:bits", ESP_ERR_INVALID_ARG },
        { "update@65536:1", ESP_ERR_INVALID_ARG },
        { "update@65536:x:bits", ESP_ERR_INVALID_ARG },
        { "update@65536:1:torn", ESP_ERR_INVALID_ARG },
        { "update@65536:0:bits", ESP_ERR_INVALID_ARG },
        { "update@65536:1:bits:2", ESP_ERR_INVALID_ARG },
        { "update@65536:1:bits:0:bits", ESP_ERR_INVALID_ARG },
        { "update@65536:1:bits:2:bits.3", ESP_ERR_INVALID_ARG },
        { "update@65536:1:bits:2:bits:3", ESP_ERR_INVALID_ARG },
        { "update@65536:1:bits.", ESP_ERR_INVALID_ARG },
        { "update@65536:4294967297:bits", ESP_ERR_INVALID_ARG },
        { "upgrade@65536:1:bits", ESP_ERR_NOT_FOUND },
        { "update@65536+none:1:bits", ESP_ERR_NOT_FOUND },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(bad); i++) {
        struct ud_powercut_id id = { .image_bytes = 77 };
        assert_int_equal(ud_powercut_id_parse(bad[i].text, &id), bad[i].err);
        assert_int_equal(id.image_bytes, 77);
    }
    char text[2 * UD_POWERCUT_ID];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct ud_powercut_id id;
    assert_int_equal(ud_powercut_id_parse(text, &id), ESP_ERR_INVALID_ARG);
}

static void options_and_cases_that_are_not_possible_are_refused(void **state)
{
    (void)state;
    char why[128];
    const struct ud_powercut_flow *f = ud_powercut_flow_find("set-boot");
    struct ud_powercut_report *r = new_report();
    struct ud_powercut_options bad[] = { small(), small(), small(), small(), small(), small(), small() };
    bad[0].jobs = 0;
    bad[1].jobs = 65;
    bad[2].depth = 0;
    bad[3].depth = 3;
    bad[4].image_bytes = 2048;
    bad[5].image_bytes = 0x400010;
    bad[6].image_bytes = 0x2008;
    for (size_t i = 0; i < UD_ARRAY_LEN(bad); i++) {
        why[0] = '\0';
        bad[i].why = why;
        bad[i].why_size = sizeof why;
        assert_int_equal(ud_powercut_explore(f, &bad[i], r), ESP_ERR_INVALID_ARG);
        assert_true(why[0] != '\0');
        ud_powercut_report_drop(r);
    }
    struct ud_powercut_options opt = small();
    assert_int_equal(ud_powercut_explore(NULL, &opt, r), ESP_ERR_INVALID_ARG);
    ud_powercut_report_drop(r);
    static const struct ud_powercut_case none[] = {
        { .operation = 3 },                                           /* it has two */
        { .operation = 1, .variant = UD_CUT_AFTER },                  /* as UNACKNOWLEDGED */
        { .operation = 1, .variant = UD_CUT_BEFORE, .trial = 1 },     /* there is one way */
        { .operation = 1, .variant = UD_CUT_BITS, .trial = 1000000 }, /* not so many */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(none); i++) {
        assert_int_equal(ud_powercut_replay(f, &opt, &none[i], r), ESP_ERR_INVALID_STATE);
        assert_int_equal(r->operation_count, 2);
        ud_powercut_report_drop(r);
    }
    drop(r);
}

static void count_line(void *ctx, const char *line)
{
    (void)line;
    ++*(unsigned *)ctx;
}

static void a_replay_tells_its_steps(void **state)
{
    (void)state;
    unsigned lines = 0;
    struct ud_powercut_options opt = small();
    struct ud_powercut_report *r = new_report();
    struct ud_powercut_case at = { .operation = 2, .variant = UD_CUT_BITS, .trial = 3 };
    opt.say = count_line;
    opt.say_ctx = &lines;
    assert_int_equal(ud_powercut_replay(ud_powercut_flow_find("set-boot"), &opt, &at, r), ESP_OK);
    assert_int_equal(r->cases, 1);
    assert_int_equal(r->violations, 0);
    assert_true(lines > 8);
    drop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flow_holds_at_every_operation),
        cmocka_unit_test(a_table_that_was_cut_may_boot_and_not_be_repaired),
        cmocka_unit_test(staging_shortens_the_window_to_the_copy),
        cmocka_unit_test(the_report_has_the_map_and_the_wear_of_the_flow),
        cmocka_unit_test(every_mutant_is_caught_and_replays),
        cmocka_unit_test(jobs_change_nothing_but_the_time),
        cmocka_unit_test(a_second_cut_in_the_recovery_changes_nothing),
        cmocka_unit_test(an_update_of_ones_own_is_explored),
        cmocka_unit_test(ids_are_read_as_they_are_printed),
        cmocka_unit_test(ids_of_another_form_are_refused),
        cmocka_unit_test(options_and_cases_that_are_not_possible_are_refused),
        cmocka_unit_test(a_replay_tells_its_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
