/* SPDX-License-Identifier: Apache-2.0 */
/* The choice as a pure function: the recorded otadata files, pins, the order of candidates, the trace. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "updraft/boot.h"

static struct ud_otadata_entry entry(uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = { .seq = seq, .state = state, .crc = ud_otadata_crc(seq) };
    memset(e.label, 0xFF, sizeof e.label);
    return e;
}

static struct ud_boot_input two_slots(bool factory, bool rollback)
{
    return (struct ud_boot_input){
        .rollback = rollback,
        .slots_present = 3,
        .has_factory = factory,
        .otadata = UD_OTADATA_PRESENT,
        .entry = { entry(UD_OTADATA_SEQ_BLANK, UD_OTA_UNDEFINED), entry(UD_OTADATA_SEQ_BLANK, UD_OTA_UNDEFINED) },
    };
}

static void load_vector(const char *name, struct ud_otadata_entry e[2])
{
    char path[256];
    uint8_t bytes[UD_OTADATA_BYTES];
    snprintf(path, sizeof path, UD_VECTORS "/otadata-%s.bin", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
    fclose(f);
    ud_otadata_decode(bytes, &e[0]);
    ud_otadata_decode(bytes + UD_FLASH_SECTOR, &e[1]);
}

static bool has_step(const struct ud_boot_plan *plan, enum ud_boot_rule rule, int arg)
{
    for (uint8_t i = 0; i < plan->step_count; i++) {
        if (plan->step[i].rule == rule && plan->step[i].arg == arg)
            return true;
    }
    return false;
}

static void assert_candidates(const struct ud_boot_plan *plan, size_t count, const int8_t *expected)
{
    assert_int_equal(plan->candidate_count, count);
    assert_memory_equal(plan->candidate, expected, count);
}

static void recorded_otadata_files_start_where_their_list_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int off_factory, off_none, on_factory, on_none; /* rollback off, on; with and without a factory partition */
        int write;                                      /* sector written with rollback on, -1 none */
        uint32_t state;
    } rows[] = {
        { "blank", -1, 0, -1, 0, -1, 0 },
        { "slot0", 0, 0, 0, 0, -1, 0 },
        { "slot1", 1, 1, 1, 1, -1, 0 },
        { "new", 1, 1, 1, 1, 1, UD_OTA_PENDING_VERIFY },
        { "pending", 0, 0, 1, 1, 0, UD_OTA_ABORTED },
        { "aborted", 1, 1, 1, 1, -1, 0 },
        { "badcrc", 1, 1, 1, 1, -1, 0 },
        { "bothinvalid", -1, 0, -1, 0, -1, 0 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        for (int bits = 0; bits < 4; bits++) {
            bool factory = bits & 1;
            bool rollback = bits & 2;
            struct ud_boot_input in = two_slots(factory, rollback);
            struct ud_boot_plan plan;
            load_vector(rows[i].name, in.entry);
            ud_boot_choose(&in, &plan);
            assert_int_equal(plan.action, UD_BOOT_TRY);
            assert_int_equal(plan.start, rollback ? (factory ? rows[i].on_factory : rows[i].on_none)
                                                  : (factory ? rows[i].off_factory : rows[i].off_none));
            assert_int_equal(plan.write_count, rollback && rows[i].write >= 0 ? 1 : 0);
            if (plan.write_count) {
                assert_int_equal(plan.write[0].sector, rows[i].write);
                assert_int_equal(plan.write[0].entry.state, rows[i].state);
                assert_int_equal(plan.write[0].entry.seq, in.entry[rows[i].write].seq);
            }
            assert_int_equal(plan.write_after_load, i == 0 && !factory);
        }
    }
}

static void both_pending_are_aborted_then_the_rest_decides(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(false, true);
    in.entry[0] = entry(1, UD_OTA_PENDING_VERIFY);
    in.entry[1] = entry(2, UD_OTA_PENDING_VERIFY);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.write_count, 2);
    assert_int_equal(plan.write[0].sector, 0);
    assert_int_equal(plan.write[1].sector, 1);
    assert_int_equal(plan.start, 0);
    assert_false(plan.write_after_load); /* their CRCs are good: not initial */
    assert_true(has_step(&plan, UD_RULE_PENDING_ABORTED, 0));
    assert_true(has_step(&plan, UD_RULE_PENDING_ABORTED, 1));
    assert_true(has_step(&plan, UD_RULE_BOTH_INVALID, 0));
    assert_true(has_step(&plan, UD_RULE_TO_FIRST_SLOT, 0));
}

static void aborting_one_and_starting_a_new_one_are_two_writes_in_order(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, true);
    in.entry[0] = entry(1, UD_OTA_NEW);
    in.entry[1] = entry(2, UD_OTA_PENDING_VERIFY);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.write_count, 2);
    assert_int_equal(plan.write[0].sector, 1);
    assert_int_equal(plan.write[0].entry.state, UD_OTA_ABORTED);
    assert_int_equal(plan.write[1].sector, 0);
    assert_int_equal(plan.write[1].entry.state, UD_OTA_PENDING_VERIFY);
    assert_int_equal(plan.start, 0);
    assert_true(has_step(&plan, UD_RULE_ACTIVE, 0));
    assert_true(has_step(&plan, UD_RULE_NEW_TO_PENDING, 0));
}

static void candidates_go_down_to_factory_then_up_then_test(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, false);
    in.slots_present = 0x1F;
    in.has_test = true;
    in.entry[0] = entry(3, UD_OTA_VALID);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, 2);
    assert_candidates(&plan, 7, (const int8_t[]){ 2, 1, 0, UD_BOOT_FACTORY, 3, 4, UD_BOOT_TEST });

    in.slots_present = 0xFFFF; /* the most there can be */
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.candidate_count, UD_BOOT_MAX_CANDIDATES);
}

static void missing_slots_are_no_candidates_and_count_is_what_is_there(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(false, false);
    in.slots_present = 1u << 0 | 1u << 15; /* two slots: numbers 0 and 1 are reached, 15 is not */
    in.entry[0] = entry(2, UD_OTA_VALID);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, 1);
    assert_candidates(&plan, 1, (const int8_t[]){ 0 });
}

static void put_part(struct ud_ptable *table, uint8_t type, uint8_t subtype, uint32_t addr, uint32_t size)
{
    table->part[table->count++] = (struct ud_partition){ .addr = addr, .size = size, .type = type, .subtype = subtype };
}

static void of_doubles_the_last_boots_and_each_is_counted(void **state)
{
    (void)state;
    struct ud_ptable table = { .count = 0 };
    struct ud_boot_input in = two_slots(false, false);
    struct ud_boot_plan plan;
    put_part(&table, UD_PART_DATA, UD_PART_DATA_OTA, 0xD000, 0x1000); /* too short, and not the last */
    put_part(&table, UD_PART_DATA, UD_PART_DATA_OTA, 0xE000, UD_OTADATA_BYTES);
    put_part(&table, UD_PART_APP, UD_PART_APP_OTA_0, 0x10000, 0x10000);
    put_part(&table, UD_PART_APP, UD_PART_APP_OTA_0, 0x20000, 0x10000);
    put_part(&table, UD_PART_APP, UD_PART_APP_OTA_0 + 1, 0x30000, 0x10000);
    put_part(&table, UD_PART_APP, UD_PART_APP_OTA_0 + 2, 0x40000, 0); /* empty: counted, never tried */
    ud_boot_input_from_table(&table, &in);
    assert_int_equal(in.slots_present, 3);
    assert_int_equal(ud_boot_slot_count(&in), 4);
    assert_int_equal(in.otadata, UD_OTADATA_PRESENT);
    assert_ptr_equal(ud_boot_otadata(&table), &table.part[1]);
    assert_ptr_equal(ud_boot_partition(&table, 0), &table.part[3]);
    assert_null(ud_boot_partition(&table, 2));
    assert_null(ud_boot_partition(&table, UD_BOOT_TEST - 1)); /* no index at all */
    assert_null(ud_boot_partition(&table, UD_BOOT_MAX_SLOTS));

    struct ud_boot_input first = two_slots(false, false);
    struct ud_ptable short_one = { .count = 0 };
    put_part(&short_one, UD_PART_APP, UD_PART_APP_OTA_0, 0x10000, 0x10000); /* a slot is the first row */
    put_part(&short_one, UD_PART_APP, UD_PART_APP_OTA_0 + 1, 0x20000, 0x10000);
    short_one.count = 1; /* and one lies behind the last */
    ud_boot_input_from_table(&short_one, &first);
    assert_int_equal(first.ota_entries, 1);

    in.entry[0] = entry(3, UD_OTA_VALID); /* slot (3 - 1) mod 4 */
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, 2);
    assert_candidates(&plan, 2, (const int8_t[]){ 1, 0 });
    in.ota_entries = 95; /* the most that a table holds */
    in.entry[0] = entry(95, UD_OTA_VALID);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, 94);
    assert_candidates(&plan, 2, (const int8_t[]){ 1, 0 });
}

static void without_otadata_factory_starts_even_if_there_is_none(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(false, true);
    in.otadata = UD_OTADATA_ABSENT;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_FACTORY);
    assert_int_equal(plan.write_count, 0);
    assert_candidates(&plan, 2, (const int8_t[]){ 0, 1 });
    assert_true(has_step(&plan, UD_RULE_NO_OTADATA, 0));

    in.otadata = UD_OTADATA_SHORT;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_RESET);
    assert_int_equal(plan.start, UD_BOOT_NONE);
    assert_int_equal(plan.candidate_count, 0);
}

static void no_slots_but_a_valid_entry_goes_to_factory(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, false);
    in.slots_present = 0;
    in.entry[1] = entry(7, UD_OTA_VALID);
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_FACTORY);
    assert_true(has_step(&plan, UD_RULE_NO_SLOTS, 0));
    assert_candidates(&plan, 1, (const int8_t[]){ UD_BOOT_FACTORY });
}

static void one_blank_and_one_bad_crc_is_factory_and_not_initial(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(false, true);
    in.entry[1] = entry(7, UD_OTA_VALID);
    in.entry[1].crc ^= 1;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_FACTORY);
    assert_false(plan.write_after_load);
    assert_true(has_step(&plan, UD_RULE_NO_ACTIVE, 0));
}

static void factory_reset_asks_again(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, true);
    in.entry[1] = entry(2, UD_OTA_NEW);
    in.factory_reset_pin = true;
    in.test_pin = true; /* the reset pin comes first */
    in.has_test = true;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_AGAIN);
    assert_true(plan.erase_reset_data);
    assert_false(plan.erase_otadata);
    assert_int_equal(plan.write_count, 1); /* the first round has begun the trial of the new image already */
    assert_int_equal(plan.candidate_count, 0);

    in.factory_reset_erases_otadata = true;
    ud_boot_choose(&in, &plan);
    assert_true(plan.erase_otadata);
    in.otadata = UD_OTADATA_ABSENT;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_AGAIN);
    assert_false(plan.erase_otadata);
}

static void test_pin_starts_test_or_resets(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, false);
    in.test_pin = true;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_RESET);
    assert_true(has_step(&plan, UD_RULE_NO_TEST, 0));
    in.has_factory = false;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_RESET);
    assert_false(plan.write_after_load || plan.raise_after_load);
    in.has_factory = true;

    in.has_test = true;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_TEST);
    assert_candidates(&plan, 1, (const int8_t[]){ UD_BOOT_TEST });
    assert_true(has_step(&plan, UD_RULE_TEST_PIN, 0));

    in.has_factory = false; /* the first slot would be recorded, were it not for the pin */
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.start, UD_BOOT_TEST);
    assert_false(plan.write_after_load || plan.raise_after_load);
}

static void a_wake_from_deep_sleep_ignores_the_pins(void **state)
{
    (void)state;
    struct ud_boot_plan plan;
    struct ud_boot_input in = two_slots(true, false);
    in.test_pin = in.factory_reset_pin = in.deep_sleep_wake = true;
    ud_boot_choose(&in, &plan);
    assert_int_equal(plan.action, UD_BOOT_TRY);
    assert_int_equal(plan.start, UD_BOOT_FACTORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_otadata_files_start_where_their_list_says),
        cmocka_unit_test(both_pending_are_aborted_then_the_rest_decides),
        cmocka_unit_test(aborting_one_and_starting_a_new_one_are_two_writes_in_order),
        cmocka_unit_test(candidates_go_down_to_factory_then_up_then_test),
        cmocka_unit_test(missing_slots_are_no_candidates_and_count_is_what_is_there),
        cmocka_unit_test(of_doubles_the_last_boots_and_each_is_counted),
        cmocka_unit_test(without_otadata_factory_starts_even_if_there_is_none),
        cmocka_unit_test(no_slots_but_a_valid_entry_goes_to_factory),
        cmocka_unit_test(one_blank_and_one_bad_crc_is_factory_and_not_initial),
        cmocka_unit_test(factory_reset_asks_again),
        cmocka_unit_test(test_pin_starts_test_or_resets),
        cmocka_unit_test(a_wake_from_deep_sleep_ignores_the_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
