/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of the slot: from a snapshot of table, otadata and inputs to a plan. Nothing here touches a device, so the
 * same function decides for the boot loader, explains for the tool and is walked by the thousand in tests.
 *
 * Order of the rules: no otadata; PENDING_VERIFY becomes ABORTED; nothing usable; the active entry, NEW becoming
 * PENDING_VERIFY before its image is looked at; then the pins. With anti-rollback entries and candidates whose secure
 * version is below the level of the eFuses do not count, and a confirmed one raises that level.
 */
#include "updraft/boot.h"

static void trace(struct ud_boot_plan *plan, enum ud_boot_rule rule, int arg)
{
    /* At most: two entries aborted, two too old, three for the start, a pin, and each of 18 candidates left out. */
    plan->step[plan->step_count++] = (struct ud_boot_step){ rule, arg };
}

static void add_write(struct ud_boot_plan *plan, unsigned sector, const struct ud_otadata_entry *e)
{
    plan->write[plan->write_count].sector = (uint8_t)sector;
    plan->write[plan->write_count].entry = *e;
    plan->write_count++;
}

/* All of them, gaps or not, and entries that can never load too. */
uint32_t ud_boot_slot_count(const struct ud_boot_input *in)
{
    uint32_t n = 0;
    if (in->ota_entries != 0)
        return in->ota_entries;
    for (uint32_t bits = in->slots_present; bits != 0; bits &= bits - 1)
        n++;
    return n;
}

/* Nothing was ever recorded here, or not legibly: such otadata may be written once a slot has loaded. */
static bool is_initial(const struct ud_otadata_entry *e)
{
    return e->seq == UD_OTADATA_SEQ_BLANK || e->crc != ud_otadata_crc(e->seq);
}

/* The image that was started last time and never confirmed itself. Neither CRC nor seq matter here. */
static void abort_pending(struct ud_otadata_entry entry[2], struct ud_boot_plan *plan)
{
    for (unsigned i = 0; i < 2; i++) {
        if (entry[i].state != UD_OTA_PENDING_VERIFY)
            continue;
        entry[i].state = UD_OTA_ABORTED;
        add_write(plan, i, &entry[i]);
        trace(plan, UD_RULE_PENDING_ABORTED, (int)i);
    }
}

static bool is_new_enough(const struct ud_boot_input *in, const struct ud_boot_plan *plan, int index)
{
    if (!in->anti_rollback)
        return true;
    const struct ud_boot_app *app = &in->app[ud_boot_app_at(index)];
    uint32_t level = plan->raise_level > in->secure_level ? plan->raise_level : in->secure_level;
    return app->readable && app->secure_version >= level;
}

static int start_without_entry(const struct ud_boot_input *in, const struct ud_otadata_entry entry[2],
                               struct ud_boot_plan *plan)
{
    if (in->has_factory) {
        trace(plan, UD_RULE_TO_FACTORY, 0);
        return UD_BOOT_FACTORY;
    }
    trace(plan, UD_RULE_TO_FIRST_SLOT, 0);
    plan->write_after_load = is_initial(&entry[0]) && is_initial(&entry[1]);
    if (plan->write_after_load)
        trace(plan, UD_RULE_INITIAL, 0);
    return 0;
}

/* The entry that wins; -1: none. With anti-rollback one whose app may not run is no entry. */
static int winner(const struct ud_boot_input *in, const struct ud_otadata_entry entry[2], uint32_t slots,
                  struct ud_boot_plan *plan)
{
    struct ud_otadata_entry counts[2] = { entry[0], entry[1] };
    if (slots == 0)
        return -1;
    for (unsigned i = 0; in->anti_rollback && i < 2; i++) {
        uint32_t slot = ud_otadata_slot(&entry[i], slots);
        if (!ud_otadata_is_valid(&entry[i]) || (slot < UD_BOOT_MAX_SLOTS && is_new_enough(in, plan, (int)slot)))
            continue;
        counts[i].seq = UD_OTADATA_SEQ_BLANK;
        trace(plan, UD_RULE_ENTRY_TOO_OLD, (int)i);
    }
    return ud_otadata_active(counts);
}

/* A confirmed app takes the level of the eFuses along, as far as they reach. */
static void raise_level(const struct ud_boot_input *in, uint32_t slot, struct ud_boot_plan *plan)
{
    uint32_t version = in->app[slot].secure_version;
    if (version <= in->secure_level || version > in->secure_version_bits)
        return;
    plan->raise_level = version;
    trace(plan, UD_RULE_RAISE_LEVEL, (int)version);
}

static int start_from_active(const struct ud_boot_input *in, struct ud_otadata_entry entry[2], uint32_t slots,
                             struct ud_boot_plan *plan)
{
    int active = winner(in, entry, slots, plan);
    if (active < 0) {
        trace(plan, UD_RULE_NO_ACTIVE, 0);
        return UD_BOOT_FACTORY;
    }
    trace(plan, UD_RULE_ACTIVE, active);
    uint32_t slot = ud_otadata_slot(&entry[active], slots);
    if (in->rollback && entry[active].state == UD_OTA_NEW) {
        entry[active].state = UD_OTA_PENDING_VERIFY;
        add_write(plan, (unsigned)active, &entry[active]);
        trace(plan, UD_RULE_NEW_TO_PENDING, active);
    }
    if (in->anti_rollback && entry[active].state == UD_OTA_VALID)
        raise_level(in, slot, plan);
    return (int)slot;
}

/* Anti-rollback wants nothing but illegible entries to call otadata unused; INVALID ones are a history. */
static int start_secure(const struct ud_boot_input *in, struct ud_otadata_entry entry[2], uint32_t slots,
                        struct ud_boot_plan *plan)
{
    if (!is_initial(&entry[0]) || !is_initial(&entry[1]))
        return start_from_active(in, entry, slots, plan);
    trace(plan, UD_RULE_BOTH_INVALID, 0);
    trace(plan, in->has_factory ? UD_RULE_TO_FACTORY : UD_RULE_TO_FIRST_SLOT, 0);
    trace(plan, UD_RULE_INITIAL, 0);
    plan->write_after_load = plan->raise_after_load = true;
    return UD_BOOT_FACTORY;
}

static int start_from_otadata(const struct ud_boot_input *in, struct ud_boot_plan *plan)
{
    uint32_t slots = ud_boot_slot_count(in);
    struct ud_otadata_entry entry[2] = { in->entry[0], in->entry[1] };
    if (in->rollback)
        abort_pending(entry, plan);
    if (in->anti_rollback)
        return start_secure(in, entry, slots, plan);

    bool none_usable = ud_otadata_is_invalid(&entry[0]) && ud_otadata_is_invalid(&entry[1]);
    if (none_usable || slots == 0) {
        trace(plan, none_usable ? UD_RULE_BOTH_INVALID : UD_RULE_NO_SLOTS, 0);
        return start_without_entry(in, entry, plan);
    }
    return start_from_active(in, entry, slots, plan);
}

static void add_candidate(const struct ud_boot_input *in, struct ud_boot_plan *plan, int index)
{
    bool present = index == UD_BOOT_FACTORY ? in->has_factory
                   : index == UD_BOOT_TEST  ? in->has_test
                                            : index < (int)UD_BOOT_MAX_SLOTS && (in->slots_present >> index & 1) != 0;
    if (!present)
        return;
    if (is_new_enough(in, plan, index))
        plan->candidate[plan->candidate_count++] = (int8_t)index;
    else
        trace(plan, UD_RULE_TOO_OLD, index);
}

/* From `start` down to slot 0 and factory, then up from start + 1, then test. */
static void list_candidates(const struct ud_boot_input *in, struct ud_boot_plan *plan)
{
    int slots = (int)ud_boot_slot_count(in);
    if (plan->start == UD_BOOT_TEST) {
        add_candidate(in, plan, UD_BOOT_TEST);
        return;
    }
    for (int i = plan->start; i >= UD_BOOT_FACTORY; i--)
        add_candidate(in, plan, i);
    for (int i = plan->start + 1; i < slots; i++)
        add_candidate(in, plan, i);
    add_candidate(in, plan, UD_BOOT_TEST);
}

static void reset_device(struct ud_boot_plan *plan)
{
    plan->action = UD_BOOT_RESET;
    plan->start = UD_BOOT_NONE;
    plan->write_after_load = plan->raise_after_load = false;
}

/* Pins that were held long enough; a wake from deep sleep does not look at them. True when they decide. */
static bool apply_pins(const struct ud_boot_input *in, struct ud_boot_plan *plan)
{
    if (in->deep_sleep_wake)
        return false;
    if (in->factory_reset_pin) {
        trace(plan, UD_RULE_FACTORY_RESET, 0);
        plan->action = UD_BOOT_AGAIN;
        plan->start = UD_BOOT_NONE;
        plan->write_after_load = plan->raise_after_load = false;
        plan->erase_reset_data = true;
        plan->erase_otadata = in->factory_reset_erases_otadata && in->otadata != UD_OTADATA_ABSENT;
        return true;
    }
    if (!in->test_pin)
        return false;
    trace(plan, in->has_test ? UD_RULE_TEST_PIN : UD_RULE_NO_TEST, 0);
    if (!in->has_test) {
        reset_device(plan);
        return true;
    }
    plan->start = UD_BOOT_TEST;
    plan->write_after_load = plan->raise_after_load = false;
    return false;
}

void ud_boot_choose(const struct ud_boot_input *in, struct ud_boot_plan *plan)
{
    *plan = (struct ud_boot_plan){ .action = UD_BOOT_TRY, .start = UD_BOOT_NONE };
    if (in->otadata == UD_OTADATA_SHORT) {
        trace(plan, UD_RULE_SHORT_OTADATA, 0);
        reset_device(plan);
        return;
    }
    if (in->otadata == UD_OTADATA_ABSENT) {
        trace(plan, UD_RULE_NO_OTADATA, 0);
        plan->start = UD_BOOT_FACTORY;
    } else {
        plan->start = start_from_otadata(in, plan);
    }
    if (!apply_pins(in, plan))
        list_candidates(in, plan);
}

void ud_boot_input_from_table(const struct ud_ptable *table, struct ud_boot_input *in)
{
    in->slots_present = 0;
    in->ota_entries = 0;
    for (unsigned i = 0; i < table->count; i++)
        in->ota_entries = (uint8_t)(in->ota_entries + ud_partition_is_ota(&table->part[i]));
    for (unsigned i = 0; i < UD_BOOT_MAX_SLOTS; i++) {
        if (ud_boot_partition(table, (int)i))
            in->slots_present = (uint16_t)(in->slots_present | 1u << i);
    }
    in->has_factory = ud_boot_partition(table, UD_BOOT_FACTORY) != NULL;
    in->has_test = ud_boot_partition(table, UD_BOOT_TEST) != NULL;

    const struct ud_partition *otadata = ud_boot_otadata(table);
    in->otadata = !otadata                           ? UD_OTADATA_ABSENT
                  : otadata->size < UD_OTADATA_BYTES ? UD_OTADATA_SHORT
                                                     : UD_OTADATA_PRESENT;
}

/* The boot loader walks the table once and keeps what it saw last. */
static const struct ud_partition *last_of(const struct ud_ptable *table, uint8_t type, uint8_t subtype)
{
    const struct ud_partition *last = NULL;
    for (const struct ud_partition *p = ud_ptable_find(table, type, subtype, NULL); p;
         p = ud_ptable_find_next(table, p, type, subtype, NULL))
        last = p;
    return last;
}

const struct ud_partition *ud_boot_otadata(const struct ud_ptable *table)
{
    return last_of(table, UD_PART_DATA, UD_PART_DATA_OTA);
}

const struct ud_partition *ud_boot_partition(const struct ud_ptable *table, int index)
{
    if (index < UD_BOOT_TEST || index >= (int)UD_BOOT_MAX_SLOTS)
        return NULL;
    uint8_t subtype = index == UD_BOOT_FACTORY ? (uint8_t)UD_PART_APP_FACTORY
                      : index == UD_BOOT_TEST  ? (uint8_t)UD_PART_APP_TEST
                                               : (uint8_t)(UD_PART_APP_OTA_0 + index);
    const struct ud_partition *p = last_of(table, UD_PART_APP, subtype);
    return p && p->size > 0 ? p : NULL;
}
