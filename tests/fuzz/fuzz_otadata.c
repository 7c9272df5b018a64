/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice on arbitrary otadata: 1 byte of options, 1 byte of what is there, 2 bytes of slots, two entries. Whatever
 * the bytes, the plan obeys its own rules, a rejected image is never chosen by its entry, and asking again ends.
 */
#include <stdlib.h>

#include "updraft/boot.h"

#define INPUT_BYTES (4u + 2u * UD_OTADATA_ENTRY_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool rule)
{
    if (!rule)
        abort();
}

static struct ud_boot_input input_of(const uint8_t *data)
{
    struct ud_boot_input in = {
        .rollback = data[0] & 1,
        .deep_sleep_wake = data[0] & 2,
        .factory_reset_pin = data[0] & 4,
        .test_pin = data[0] & 8,
        .factory_reset_erases_otadata = data[0] & 16,
        .has_factory = data[1] & 1,
        .has_test = data[1] & 2,
        .otadata = (enum ud_otadata_presence)((data[1] >> 2) % 3),
        .slots_present = ud_load_le16(data + 2),
        .anti_rollback = (data[0] & 33) == 33, /* only with rollback */
        .secure_version_bits = 16,
        .secure_level = data[1] >> 4,
    };
    for (unsigned i = 0; i < UD_ARRAY_LEN(in.app); i++) {
        in.app[i].readable = data[4 + i] != 0; /* the same bytes again: otadata and versions vary together */
        in.app[i].secure_version = data[5 + i] % 20;
    }
    for (size_t i = 0; i < 2; i++) {
        uint8_t again[UD_OTADATA_ENTRY_BYTES];
        ud_otadata_decode(data + 4 + i * UD_OTADATA_ENTRY_BYTES, &in.entry[i]);
        ud_otadata_encode(&in.entry[i], again);
        hold(memcmp(again, data + 4 + i * UD_OTADATA_ENTRY_BYTES, sizeof again) == 0);
    }
    return in;
}

/* Each write changes a state, one step on the road NEW, PENDING_VERIFY, ABORTED, and nothing else. */
static void hold_writes(const struct ud_boot_input *in, const struct ud_boot_plan *plan,
                        struct ud_otadata_entry after[2])
{
    hold(plan->write_count <= 3);
    hold(plan->write_count == 0 || (in->rollback && in->otadata == UD_OTADATA_PRESENT));
    after[0] = in->entry[0];
    after[1] = in->entry[1];
    for (uint8_t i = 0; i < plan->write_count; i++) {
        struct ud_otadata_entry *old = &after[plan->write[i].sector & 1];
        const struct ud_otadata_entry *e = &plan->write[i].entry;
        hold(plan->write[i].sector < 2 && e->seq == old->seq && e->crc == old->crc);
        hold(memcmp(e->label, old->label, sizeof e->label) == 0);
        hold((old->state == UD_OTA_PENDING_VERIFY && e->state == UD_OTA_ABORTED) ||
             (old->state == UD_OTA_NEW && e->state == UD_OTA_PENDING_VERIFY));
        *old = *e;
    }
}

static void hold_candidates(const struct ud_boot_input *in, const struct ud_boot_plan *plan)
{
    uint32_t seen = 0;
    hold(plan->candidate_count <= UD_BOOT_MAX_CANDIDATES && plan->step_count >= 1);
    hold(plan->step_count <= UD_BOOT_MAX_STEPS);
    for (uint8_t i = 0; i < plan->candidate_count; i++) {
        int c = plan->candidate[i];
        uint32_t bit = 1u << (c + 2);
        hold(c >= UD_BOOT_TEST && c < (int)UD_BOOT_MAX_SLOTS && !(seen & bit));
        hold(c == UD_BOOT_TEST ? in->has_test : c == UD_BOOT_FACTORY ? in->has_factory : in->slots_present >> c & 1);
        seen |= bit;
    }
    hold(plan->action == UD_BOOT_TRY || (plan->candidate_count == 0 && plan->start == UD_BOOT_NONE));
    hold(!plan->write_after_load || (plan->action == UD_BOOT_TRY && (in->anti_rollback || !in->has_factory)));
    hold(plan->raise_level == 0 ||
         (in->anti_rollback && plan->raise_level > in->secure_level && plan->raise_level <= in->secure_version_bits));
    for (uint8_t i = 0; in->anti_rollback && i < plan->candidate_count; i++) {
        const struct ud_boot_app *app = &in->app[ud_boot_app_at(plan->candidate[i])];
        hold(app->readable && app->secure_version >= in->secure_level && app->secure_version >= plan->raise_level);
    }
}

/* A start named by otadata comes from an entry that may be used, and from the newest of these. */
static void hold_start(const struct ud_boot_input *in, const struct ud_boot_plan *plan,
                       const struct ud_otadata_entry after[2])
{
    uint32_t slots = 0;
    for (unsigned i = 0; i < UD_BOOT_MAX_SLOTS; i++)
        slots += in->slots_present >> i & 1;
    int active = slots > 0 ? ud_otadata_active(after) : -1;
    bool by_pin = in->test_pin && !in->deep_sleep_wake;
    if (plan->action != UD_BOOT_TRY || in->otadata != UD_OTADATA_PRESENT || by_pin || in->anti_rollback)
        return;
    if (active >= 0) {
        hold(plan->start == (int)ud_otadata_slot(&after[active], slots));
        hold(after[active].state != UD_OTA_INVALID && after[active].state != UD_OTA_ABORTED);
        hold(!in->rollback || in->entry[active].state != UD_OTA_PENDING_VERIFY);
        hold(!in->rollback || after[active].state != UD_OTA_NEW);
    } else {
        hold(plan->start == UD_BOOT_FACTORY || (plan->start == 0 && !in->has_factory));
    }
}

static void hold_next_seq(const struct ud_boot_input *in, uint32_t slots)
{
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t seq;
        if (!ud_otadata_next_seq(slots, in->entry[0].seq, slot, &seq))
            hold(in->entry[0].seq > UD_OTADATA_SEQ_BLANK - 1 - slots);
        else
            hold(seq >= in->entry[0].seq && seq != UD_OTADATA_SEQ_BLANK && (seq - 1) % slots == slot);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ud_boot_plan plan;
    struct ud_otadata_entry after[2];
    if (size < INPUT_BYTES)
        return 0;
    struct ud_boot_input in = input_of(data);
    ud_boot_choose(&in, &plan);
    hold_writes(&in, &plan, after);
    hold_candidates(&in, &plan);
    hold_start(&in, &plan, after);
    hold_next_seq(&in, 1 + (data[2] & 15u));

    if (plan.action == UD_BOOT_AGAIN) {
        memcpy(in.entry, after, sizeof after);
        in.factory_reset_pin = in.test_pin = false;
        ud_boot_choose(&in, &plan);
        hold(plan.action == UD_BOOT_TRY);
        hold_writes(&in, &plan, after);
        hold_start(&in, &plan, after);
    }
    return 0;
}
