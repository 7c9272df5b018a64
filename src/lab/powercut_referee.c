/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The referee: what has to hold, from the bytes of flash alone. It knows the format of otadata and the rules in
 * docs/formats/otadata.md, and asks nothing of the code that is tried: a mutant of the boot loader must not find its
 * own opinion here.
 */
#include "powercut.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trial_say(const struct trial *t, const char *fmt, ...)
{
    char line[240];
    va_list args;
    if (!t->say)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    t->say(t->say_ctx, line);
}

void trial_break(struct trial *t, enum ud_powercut_invariant i, const char *fmt, ...)
{
    char what[sizeof t->what];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    trial_say(t, "VIOLATES %s: %s", ud_powercut_invariant_name(i), what);
    t->broken[i] = true;
    if (t->is_broken)
        return;
    t->is_broken = true;
    t->first = i;
    memcpy(t->what, what, sizeof t->what);
}

/* ---- otadata, read once more ------------------------------------------------------------------------------------ */

bool is_gone(const struct ud_otadata_entry *e)
{
    return e->seq == UD_OTADATA_SEQ_BLANK || e->crc != ud_otadata_crc(e->seq);
}

static bool is_blank(const struct ud_otadata_entry e[2])
{
    return e[0].seq == UD_OTADATA_SEQ_BLANK && e[1].seq == UD_OTADATA_SEQ_BLANK;
}

static uint32_t slots_of(const struct world *w)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < w->stock->table.count; i++)
        n += ud_partition_is_ota(&w->stock->table.part[i]);
    return n;
}

static const struct ud_partition *slot_at(const struct world *w, uint32_t slot)
{
    return ud_ptable_find(&w->stock->table, UD_PART_APP, (uint8_t)(UD_PART_APP_OTA_0 + slot), NULL);
}

static uint32_t level_of(const struct world *w)
{
    uint32_t field = ud_load_le32(w->efuse + UD_EFUSE_SECURE_VERSION), level = 0;
    for (; field; field &= field - 1)
        level++;
    return level;
}

static bool rolls_back(const struct world *w)
{
    return w->stock->board ? w->stock->board->boot_rollback : !w->flow->plain;
}

static bool is_secure(const struct world *w)
{
    return w->stock->board ? w->stock->board->boot_anti_rollback : w->flow->anti_rollback;
}

/* May this entry select its slot? `pending`: also one that was started and is not confirmed. */
static bool may_select(const struct world *w, const struct ud_otadata_entry *e, bool pending)
{
    if (is_gone(e) || e->state == UD_OTA_INVALID || e->state == UD_OTA_ABORTED)
        return false;
    if (rolls_back(w) && e->state == UD_OTA_PENDING_VERIFY && !pending)
        return false;
    const struct ud_partition *p = slot_at(w, (e->seq - 1) % slots_of(w));
    return !is_secure(w) || (p && ud_load_le32(w->bytes + p->addr + UD_APP_DESC_OFFSET + 4) >= level_of(w));
}

/* The entry that otadata's reader has to obey; -1: none. */
static int choice(const struct world *w, const struct ud_otadata_entry e[2], bool pending)
{
    bool a = may_select(w, &e[0], pending), b = may_select(w, &e[1], pending);
    return a && b ? (e[1].seq > e[0].seq) : a ? 0 : b ? 1 : -1;
}

static int running_slot(const struct world *w)
{
    const struct ud_partition *p = w->board.running;
    return ud_partition_is_ota(p) ? p->subtype - UD_PART_APP_OTA_0 : UD_BOOT_FACTORY;
}

/* Does a whole image that can be read lie there? */
static bool is_whole(const struct world *w, const struct ud_partition *p)
{
    for (int i = 0; p && i < IMAGES; i++)
        if (i != IMAGE_BAD && world_holds(w, p, (enum image)i))
            return !world_is_weak(w, p->addr, w->stock->image[i].len);
    return false;
}

static void show(const struct trial *t, const struct world *w, const char *when)
{
    struct ud_otadata_entry e[2];
    if (!t->say)
        return;
    world_entries(w, e);
    for (unsigned i = 0; i < 2; i++) {
        if (e[i].seq == UD_OTADATA_SEQ_BLANK)
            trial_say(t, "  otadata %u %s: blank", i, when);
        else
            trial_say(t, "  otadata %u %s: seq %u, %s%s", i, when, (unsigned)e[i].seq, ud_ota_state_name(e[i].state),
                      is_gone(&e[i]) ? ", torn (its CRC is wrong)" : "");
    }
}

/* ---- O4 --------------------------------------------------------------------------------------------------------- */

static bool both_gone(const struct ud_otadata_entry e[2])
{
    return is_gone(&e[0]) && is_gone(&e[1]);
}

/* The level may follow an image that is confirmed, and no other: it closes the way back. */
static void check_level(struct trial *t, const struct world *w, const struct reference *ref,
                        const struct ud_otadata_entry e[2])
{
    bool confirmed = memcmp(w->efuse, ref->efuse, sizeof w->efuse) == 0;
    for (unsigned i = 0; i < 2 && !confirmed; i++)
        confirmed = e[i].state == UD_OTA_VALID && may_select(w, &e[i], false);
    if (!confirmed)
        trial_break(t, UD_POWERCUT_O5, "the eFuses are burnt, and no image of that level is confirmed");
}

void check_otadata(struct trial *t, const struct world *w, const struct reference *ref,
                   const struct ud_otadata_entry before[2])
{
    struct ud_otadata_entry e[2];
    bool gone[2];
    world_entries(w, e);
    if (is_secure(w))
        check_level(t, w, ref, e);
    for (unsigned i = 0; i < 2; i++)
        gone[i] = is_gone(&e[i]) || world_is_weak(w, world_otadata(w) + i * UD_FLASH_SECTOR, UD_OTADATA_ENTRY_BYTES);
    if (!gone[0] || !gone[1] || both_gone(before) || w->flow->blanks_otadata)
        return;
    if (!is_gone(&ref->entry[0]) && !is_gone(&ref->entry[1])) {
        trial_break(t, UD_POWERCUT_O4, "both otadata entries are gone");
        return;
    }
    t->window = true;
    trial_say(t, "  a window: the only otadata entry is gone");
}

/* ---- O1, O2, O3 ------------------------------------------------------------------------------------------------- */

static void check_image(struct trial *t, const struct world *w)
{
    bool is_new = world_holds(w, w->board.running, IMAGE_NEW);
    bool is_old = world_holds(w, w->board.running, IMAGE_OLD);
    if (!is_new && !is_old && !t->window)
        trial_break(t, UD_POWERCUT_O1, "%s boots, and holds neither the old nor the new image",
                    w->board.running->label);
    if (!t->has_booted) {
        t->has_booted = true;
        t->booted_new = is_new;
    }
}

/* Is what boots otadata's choice? If not: for a reason, and noted. */
static void check_choice(struct trial *t, const struct world *w, const struct ud_otadata_entry before[2])
{
    int chosen = choice(w, before, false);
    int runs = running_slot(w);
    if (chosen < 0) {
        if (is_blank(before) && runs == UD_BOOT_FACTORY)
            return;
        t->fall_backs += !is_blank(before);
        if (!w->heard.without_entry)
            trial_break(t, UD_POWERCUT_O3, "no entry can be used, which is not noted");
        return;
    }
    uint32_t slot = (before[chosen].seq - 1) % slots_of(w);
    if ((int)slot == runs)
        return;
    const struct ud_partition *p = slot_at(w, slot);
    bool noted = false;
    for (unsigned i = 0; p && i < w->heard.failed; i++)
        noted |= w->heard.at[i] == p->addr;
    t->fall_backs++;
    if (is_whole(w, p))
        trial_break(t, UD_POWERCUT_O2, "entry %d selects %s, whose image is whole, and %s boots", chosen, p->label,
                    w->board.running->label);
    else if (!noted)
        trial_break(t, UD_POWERCUT_O3, "%s does not verify, %s boots, and nothing is noted", p ? p->label : "a slot",
                    w->board.running->label);
}

/* What a boot makes of entries that nobody has confirmed. */
static void check_states(struct trial *t, const struct world *w, const struct ud_otadata_entry before[2])
{
    struct ud_otadata_entry after[2];
    world_entries(w, after);
    if (!rolls_back(w))
        return;
    for (unsigned i = 0; i < 2; i++) {
        bool same = !is_gone(&before[i]) && !is_gone(&after[i]) && after[i].seq == before[i].seq;
        if (same && before[i].state == UD_OTA_PENDING_VERIFY && after[i].state != UD_OTA_ABORTED)
            trial_break(t, UD_POWERCUT_O2, "entry %u was not confirmed, and can boot again as %s", i,
                        ud_ota_state_name(after[i].state));
        else if (same && before[i].state == UD_OTA_NEW && choice(w, before, false) == (int)i &&
                 after[i].state != UD_OTA_PENDING_VERIFY)
            trial_break(t, UD_POWERCUT_O2, "entry %u is NEW and boots as %s, not as PENDING_VERIFY", i,
                        ud_ota_state_name(after[i].state));
        else if (same && (before[i].state == UD_OTA_INVALID || before[i].state == UD_OTA_ABORTED) &&
                 after[i].state != before[i].state)
            trial_break(t, UD_POWERCUT_O2, "entry %u was rejected, and is %s now", i,
                        ud_ota_state_name(after[i].state));
    }
}

bool boot_and_check(struct trial *t, struct world *w)
{
    struct ud_otadata_entry before[2];
    world_entries(w, before);
    bool weak = world_is_weak(w, world_otadata(w), UD_OTADATA_BYTES);
    show(t, w, "before the boot");
    t->boots++;
    t->booted[0] = '\0';
    esp_err_t err = world_boot(w);
    if (err != ESP_OK || !w->board.running) {
        trial_say(t, "  boot: nothing runs (%s)", ud_err_name(err));
        t->bricked = w->flow->unsafe != NULL;
        t->window |= t->bricked;
        if (!t->bricked)
            trial_break(t, UD_POWERCUT_O1, "nothing boots");
        return false;
    }
    show(t, w, "after it");
    trial_say(t, "  boot: %s runs, version %s", w->board.running->label, w->boot.info.desc.version);
    ud_strcopy(t->booted, sizeof t->booted, w->board.running->label, 16);
    if (weak) /* they read differently each time: what the boot loader saw is what counts */
        memcpy(before, w->boot.input.entry, sizeof before);
    check_image(t, w);
    check_choice(t, w, before);
    check_states(t, w, before);
    return true;
}

/* ---- O5, O7 ----------------------------------------------------------------------------------------------------- */

void check_written(struct trial *t, const struct world *w, const struct reference *ref)
{
    uint32_t otadata = world_otadata(w) / UD_FLASH_SECTOR;
    for (uint32_t i = 0; i < w->sectors; i++) {
        if (w->written[i] && !ref->allowed[i] && !w->allowed[i]) {
            trial_break(t, UD_POWERCUT_O5, "the sector at 0x%x is written", (unsigned)(i * UD_FLASH_SECTOR));
            break;
        }
    }
    if (!is_secure(w) && memcmp(w->efuse, ref->efuse, sizeof w->efuse) != 0)
        trial_break(t, UD_POWERCUT_O5, "eFuses are burnt");
    for (uint32_t i = 0; i < w->sectors; i++) {
        bool of_otadata = i == otadata || i == otadata + 1;
        uint32_t most =
            (of_otadata ? w->changes : w->installs) + (t->at.operation ? 1u : 0u) + (t->at.second ? 1u : 0u);
        if (w->erases[i] > most) {
            trial_break(t, UD_POWERCUT_O7, "the sector at 0x%x is erased %u times", (unsigned)(i * UD_FLASH_SECTOR),
                        (unsigned)w->erases[i]);
            break;
        }
    }
}

/* ---- the goal --------------------------------------------------------------------------------------------------- */

static bool target_holds(const struct world *w, const struct blob *b)
{
    const struct stock *s = w->stock;
    const struct ud_partition *files = ud_ptable_find(&s->table, UD_PART_DATA, UD_PART_ANY, "files");
    uint32_t addr = w->flow->target == TARGET_DATA    ? (files ? files->addr : 0)
                    : w->flow->target == TARGET_TABLE ? s->table_offset
                                                      : s->chip->bootloader_offset;
    return memcmp(w->bytes + addr, b->bytes, b->len) == 0 && !world_is_weak(w, addr, b->len);
}

bool target_is_torn(const struct world *w)
{
    const struct stock *s = w->stock;
    const struct blob *old = w->flow->target == TARGET_TABLE ? &s->table_bytes : &s->boot_loader;
    return w->flow->unsafe && !target_holds(w, old) && !target_holds(w, &s->content);
}

static bool is_confirmed(const struct world *w, const struct ud_otadata_entry *e)
{
    const struct ud_powercut_board *b = w->stock->board;
    return (b ? !b->app_rollback || !b->boot_rollback : w->flow->plain) || e->state == UD_OTA_VALID;
}

bool goal_is_reached(const struct world *w, bool pending)
{
    struct ud_otadata_entry e[2];
    const struct ud_partition *p = w->board.running;
    if (!p || !world_holds(w, p, w->flow->goal == GOAL_NEW ? IMAGE_NEW : IMAGE_OLD))
        return false;
    if (w->flow->goal == GOAL_CONTENT && !target_holds(w, &w->stock->content))
        return false;
    world_entries(w, e);
    int chosen = choice(w, e, true);
    if (chosen < 0)
        return is_blank(e) && running_slot(w) == UD_BOOT_FACTORY;
    /* An image that fell back to has an entry of its own only after the next boot. */
    if ((int)((e[chosen].seq - 1) % slots_of(w)) != running_slot(w))
        return pending && w->flow->goal == GOAL_OLD && w->flow->ends_pending;
    return pending || w->flow->goal != GOAL_NEW || is_confirmed(w, &e[chosen]);
}
