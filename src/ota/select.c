/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otadata as the application reads and changes it: what boots next, confirm, reject, forget. Each change is one read,
 * one decision and one write under one hold of the lock; images are verified outside it.
 */
#include "ota_parts.h"

#define SET_BOOT_PASSES 3 /* over a slot, while somebody else changes flash */

esp_err_t ud_ota_view_read(struct ud_board *b, struct ud_ota_view *view)
{
    view->partition = ud_ptable_find(&b->table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    if (!view->partition)
        return ESP_ERR_NOT_FOUND;
    esp_err_t err = ud_otadata_read(b->flash, view->partition, view->entry);
    if (err != ESP_OK)
        return err;
    view->slots = ud_ota_slot_count(b);
    view->active = view->slots > 0 ? ud_otadata_active(view->entry) : -1;
    return ESP_OK;
}

esp_err_t ud_ota_view_take(struct ud_board *b, struct ud_ota_view *view)
{
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_ota_view_read(b, view);
    ud_board_unlock(b, &hold);
    return err;
}

static bool has_good_crc(const struct ud_otadata_entry *e)
{
    return e->crc == ud_otadata_crc(e->seq);
}

static const struct ud_partition *partition_of(const struct ud_board *b, const struct ud_ota_view *view, int entry)
{
    return ud_ota_slot_partition(b, ud_otadata_slot(&view->entry[entry], view->slots));
}

/* ---- what boots next -------------------------------------------------------------------------------------------- */

static const struct ud_partition *default_app(const struct ud_board *b)
{
    const struct ud_partition *p = ud_ptable_find(&b->table, UD_PART_APP, UD_PART_APP_FACTORY, NULL);
    for (uint32_t i = 0; !p && i < UD_BOOT_MAX_SLOTS; i++)
        p = ud_ota_slot_partition(b, i);
    return p ? p : ud_ptable_find(&b->table, UD_PART_APP, UD_PART_APP_TEST, NULL);
}

const struct ud_partition *ud_ota_get_boot(struct ud_ota *ota)
{
    struct ud_ota_view view;
    if (ud_ota_view_take(ota->board, &view) != ESP_OK)
        return NULL;
    return view.active < 0 ? default_app(ota->board) : partition_of(ota->board, &view, view.active);
}

/* Which entry becomes what so that `slot` boots. */
static esp_err_t plan_select(const struct ud_ota *ota, const struct ud_ota_view *view, uint32_t slot, int *sector,
                             struct ud_otadata_entry *e)
{
    uint32_t seq = slot + 1;
    *sector = 0;
    if (view->active >= 0) {
        const struct ud_otadata_entry *active = &view->entry[view->active];
        bool same = ud_otadata_slot(active, view->slots) == slot;
        *sector = same && ota->otadata_policy == UD_OTADATA_V6 ? view->active : 1 - view->active;
        if (same)
            seq = active->seq;
        else if (!ud_otadata_next_seq(view->slots, active->seq, slot, &seq))
            return ESP_ERR_INVALID_STATE;
    }
    *e = view->entry[*sector]; /* the label keeps its bytes */
    e->seq = seq;
    e->state = ota->rollback ? (uint32_t)UD_OTA_NEW : UD_OTA_UNDEFINED;
    e->crc = ud_otadata_crc(seq);
    return ESP_OK;
}

/* With the lock held. */
static esp_err_t select_slot(struct ud_ota *ota, uint32_t slot, uint32_t *seq)
{
    struct ud_ota_view view;
    struct ud_otadata_entry e;
    int sector;
    esp_err_t err = ud_ota_view_read(ota->board, &view);
    if (err != ESP_OK)
        return err;
    if (slot >= view.slots)
        return ESP_ERR_INVALID_ARG;
    err = plan_select(ota, &view, slot, &sector, &e);
    if (err == ESP_OK)
        err = ud_otadata_write(ota->board->flash, view.partition, (unsigned)sector, &e);
    *seq = e.seq;
    return err;
}

/*
 * With the lock held: without otadata the factory app boots. The active entry goes last: were it the first, a cut before
 * the other one would leave that to decide, and an image from before the running one would boot.
 */
static esp_err_t select_factory(struct ud_board *b)
{
    struct ud_ota_view view;
    const struct ud_partition *p = ud_ptable_find(&b->table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    if (!p)
        return ESP_ERR_NOT_FOUND;
    if (p->size < UD_OTADATA_BYTES || ud_ota_view_read(b, &view) != ESP_OK || view.active != 0)
        return ud_partition_erase(b->flash, p, 0, p->size);
    esp_err_t err = ud_partition_erase(b->flash, p, UD_FLASH_SECTOR, p->size - UD_FLASH_SECTOR);
    return err == ESP_OK ? ud_partition_erase(b->flash, p, 0, UD_FLASH_SECTOR) : err;
}

/* ---- anti-rollback ---------------------------------------------------------------------------------------------- */

static esp_err_t read_level(struct ud_board *b, uint32_t *level)
{
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_secure_version_read(&b->efuse, b->chip->secure_version_bits, level);
    ud_board_unlock(b, &hold);
    return err;
}

/* ESP_ERR_OTA_SMALL_SEC_VER: the app in `p` is older than the eFuses allow. */
static esp_err_t check_secure_version(struct ud_ota *ota, const struct ud_partition *p)
{
    struct ud_app_desc desc;
    uint32_t level;
    if (!ota->anti_rollback)
        return ESP_OK;
    esp_err_t err = ud_ota_get_desc(ota, p, &desc);
    if (err == ESP_OK)
        err = read_level(ota->board, &level);
    if (err != ESP_OK)
        return err;
    return desc.secure_version < level ? ESP_ERR_OTA_SMALL_SEC_VER : ESP_OK;
}

/* What may never boot again does not stay. */
static esp_err_t refuse_old(struct ud_ota *ota, const struct ud_partition *p)
{
    if (p->subtype == UD_PART_APP_FACTORY)
        return ESP_OK;
    esp_err_t err = check_secure_version(ota, p);
    if (err != ESP_ERR_OTA_SMALL_SEC_VER)
        return err;
    esp_err_t erased = ud_ota_erase_steps(ota->board, p, p->size);
    return erased == ESP_OK ? err : erased;
}

static esp_err_t raise_to_running(struct ud_ota *ota)
{
    struct ud_board *b = ota->board;
    struct ud_board_hold hold;
    struct ud_app_desc desc;
    esp_err_t err = b->running ? ud_ota_get_desc(ota, b->running, &desc) : ESP_ERR_NOT_FOUND;
    if (err != ESP_OK)
        return err;
    ud_board_lock(b, &hold);
    err = ud_secure_version_raise(&b->efuse, b->chip->secure_version_bits, desc.secure_version);
    ud_board_unlock(b, &hold);
    return err;
}

/*
 * Write otadata so that `p` boots. With `judged` only while the board's verdict on `p` holds, asked for under the same
 * hold of the lock: ESP_ERR_NOT_FINISHED when flash has changed since, nothing is written or told then.
 */
static esp_err_t select_app(struct ud_ota *ota, const struct ud_partition *p, bool judged)
{
    struct ud_board *b = ota->board;
    struct ud_board_hold hold;
    uint32_t seq = UD_OTADATA_SEQ_BLANK;
    if (p->type != UD_PART_APP)
        return ESP_ERR_INVALID_ARG;
    esp_err_t old = refuse_old(ota, p);
    if (old != ESP_OK)
        return ud_note(b->obs, UD_NOTE_OTA_SET_BOOT, old, seq, 0, p->label);
    ud_board_lock(b, &hold);
    bool stale = judged && !ud_board_has_verdict(b, p, NULL);
    esp_err_t err = stale                               ? ESP_ERR_NOT_FINISHED
                    : p->subtype == UD_PART_APP_FACTORY ? select_factory(b)
                                                        : select_slot(ota, p->subtype & 0x0Fu, &seq);
    ud_board_unlock(b, &hold);
    return stale ? err : ud_note(b->obs, UD_NOTE_OTA_SET_BOOT, err, seq, 0, p->label);
}

/* Only what the table has: else one range would be judged, or erased, and another one boot. */
static bool is_listed(const struct ud_ota *ota, const struct ud_partition *p)
{
    return ud_ptable_verify(&ota->board->table, p) != NULL;
}

esp_err_t ud_ota_set_boot_skip_validate(struct ud_ota *ota, const struct ud_partition *p)
{
    if (!p)
        return ESP_ERR_INVALID_ARG;
    return is_listed(ota, p) ? select_app(ota, p, false) : ESP_ERR_NOT_FOUND;
}

esp_err_t ud_ota_set_boot(struct ud_ota *ota, const struct ud_partition *p)
{
    if (!p)
        return ESP_ERR_INVALID_ARG;
    if (!is_listed(ota, p))
        return ESP_ERR_NOT_FOUND;
    for (int pass = 1;; pass++) {
        if (ud_ota_verify_slot(ota, p, true, NULL) != ESP_OK)
            return ESP_ERR_OTA_VALIDATE_FAILED;
        /* A thread that writes all the time must not hold this up: the boot loader judges once more anyway. */
        esp_err_t err = select_app(ota, p, pass < SET_BOOT_PASSES);
        if (err != ESP_ERR_NOT_FINISHED)
            return err;
    }
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

esp_err_t ud_ota_get_state(struct ud_ota *ota, const struct ud_partition *p, uint32_t *state)
{
    struct ud_ota_view view;
    if (!p || !state)
        return ESP_ERR_INVALID_ARG;
    if (!ud_partition_is_ota(p))
        return ESP_ERR_NOT_SUPPORTED;
    if (ud_ota_view_take(ota->board, &view) != ESP_OK || view.slots == 0)
        return ESP_ERR_NOT_FOUND;
    for (int i = 0; i < 2; i++) {
        if (has_good_crc(&view.entry[i]) &&
            ud_otadata_slot(&view.entry[i], view.slots) == (uint32_t)p->subtype - UD_PART_APP_OTA_0) {
            *state = view.entry[i].state;
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

static bool is_same(const struct ud_ota_view *a, const struct ud_ota_view *b)
{
    uint8_t bytes[2][UD_OTADATA_ENTRY_BYTES];
    for (int i = 0; i < 2; i++) {
        ud_otadata_encode(&a->entry[i], bytes[0]);
        ud_otadata_encode(&b->entry[i], bytes[1]);
        if (memcmp(bytes[0], bytes[1], UD_OTADATA_ENTRY_BYTES) != 0)
            return false;
    }
    return true;
}

/*
 * The active entry gets `state`, in its own sector. With `judged` only if otadata is still that: ESP_ERR_INVALID_STATE
 * if it is not. Who confirmed or rejected what is told, once it is in flash or has failed.
 */
static esp_err_t change_state(struct ud_ota *ota, const struct ud_ota_view *judged, uint32_t state)
{
    struct ud_board *b = ota->board;
    struct ud_board_hold hold;
    struct ud_ota_view view;
    struct ud_otadata_entry *e = NULL;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_ota_view_read(b, &view);
    if (err == ESP_OK)
        err = view.active < 0 ? ESP_FAIL : judged && !is_same(judged, &view) ? ESP_ERR_INVALID_STATE : ESP_OK;
    if (err == ESP_OK && view.entry[view.active].state != state) {
        e = &view.entry[view.active];
        e->state = state;
        err = ud_otadata_write(b->flash, view.partition, (unsigned)view.active, e);
    }
    ud_board_unlock(b, &hold);
    if (!e)
        return err;
    const struct ud_partition *p = partition_of(b, &view, view.active);
    (void)ud_note(b->obs, UD_NOTE_OTA_STATE, err, 0, (uint64_t)state << 32 | e->seq, p ? p->label : NULL);
    /* A cut before the next step is made good by the boot loader, which raises the level for a confirmed app. */
    return err == ESP_OK && state == UD_OTA_VALID && ota->anti_rollback ? raise_to_running(ota) : err;
}

esp_err_t ud_ota_mark_valid(struct ud_ota *ota)
{
    return change_state(ota, NULL, UD_OTA_VALID);
}

/* Would anything boot if the active entry were gone? Verifies an image. */
static bool can_roll_back(struct ud_ota *ota, const struct ud_ota_view *view)
{
    int other = 1 - view->active;
    const struct ud_partition *p = NULL;
    if (ud_otadata_is_valid(&view->entry[other]))
        p = partition_of(ota->board, view, other);
    else if (!ota->anti_rollback)
        p = ud_ptable_find(&ota->board->table, UD_PART_APP, UD_PART_APP_FACTORY, NULL);
    return p && ud_ota_verify_slot(ota, p, true, NULL) == ESP_OK && check_secure_version(ota, p) == ESP_OK;
}

bool ud_ota_is_rollback_possible(struct ud_ota *ota)
{
    struct ud_ota_view view;
    return ud_ota_view_take(ota->board, &view) == ESP_OK && view.active >= 0 && can_roll_back(ota, &view);
}

esp_err_t ud_ota_mark_invalid(struct ud_ota *ota)
{
    struct ud_ota_view judged;
    esp_err_t err = ud_ota_view_take(ota->board, &judged);
    if (err != ESP_OK)
        return err;
    if (judged.active < 0)
        return ESP_FAIL;
    if (!can_roll_back(ota, &judged))
        return ESP_ERR_OTA_ROLLBACK_FAILED;
    return change_state(ota, &judged, UD_OTA_INVALID); /* what was judged must be what is written */
}

const struct ud_partition *ud_ota_last_invalid(struct ud_ota *ota)
{
    struct ud_ota_view view;
    int found = -1;
    if (ud_ota_view_take(ota->board, &view) != ESP_OK || view.slots == 0)
        return NULL;
    for (int i = 0; i < 2; i++) {
        const struct ud_otadata_entry *e = &view.entry[i];
        bool rejected = e->state == UD_OTA_INVALID || e->state == UD_OTA_ABORTED;
        if (e->seq != UD_OTADATA_SEQ_BLANK && rejected && has_good_crc(e) &&
            (found < 0 || e->seq < view.entry[found].seq))
            found = i;
    }
    if (found < 0)
        return NULL;
    const struct ud_partition *p = partition_of(ota->board, &view, found);
    return p && ud_ota_verify_slot(ota, p, true, NULL) == ESP_OK ? p : NULL;
}

/* ---- forget the other slot -------------------------------------------------------------------------------------- */

/* The entry that is not active, if it names a slot that may go: its index, else -1. */
static int inactive_entry(const struct ud_board *b, const struct ud_ota_view *view, const struct ud_partition **p)
{
    if (view->active < 0)
        return -1;
    int other = 1 - view->active;
    const struct ud_otadata_entry *e = &view->entry[other];
    if (e->seq == UD_OTADATA_SEQ_BLANK || !has_good_crc(e))
        return -1;
    *p = partition_of(b, view, other);
    return *p && *p != b->running ? other : -1;
}

esp_err_t ud_ota_invalidate_inactive(struct ud_ota *ota)
{
    struct ud_ota_view view;
    struct ud_board_hold hold;
    const struct ud_partition *p;
    esp_err_t err = ESP_FAIL;
    ud_board_lock(ota->board, &hold);
    if (ud_ota_view_read(ota->board, &view) == ESP_OK) {
        int other = inactive_entry(ota->board, &view, &p);
        if (other >= 0)
            err = ud_otadata_erase(ota->board->flash, view.partition, (unsigned)other);
    }
    ud_board_unlock(ota->board, &hold);
    return err;
}

esp_err_t ud_ota_erase_last_boot_app(struct ud_ota *ota)
{
    struct ud_ota_view view;
    const struct ud_partition *p;
    if (ud_ota_view_take(ota->board, &view) != ESP_OK || inactive_entry(ota->board, &view, &p) < 0)
        return ESP_FAIL;
    esp_err_t err = ud_ota_erase_steps(ota->board, p, p->size);
    return err == ESP_OK ? ud_ota_invalidate_inactive(ota) : err;
}
