/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutants: what the code of an update or of a boot loader has been known to get wrong, each as one tool in place of the
 * honest one. The explorer has to catch every one of them (tests/integration/test_powercut.c).
 */
#include "powercut.h"

#include <string.h>

static const struct ud_partition *otadata_of(struct world *w)
{
    return ud_boot_otadata(&w->board.table);
}

static uint32_t slots_of(const struct world *w)
{
    return ud_ota_slot_count(&w->board);
}

/* The entry that selects `slot` now, and the active one before it (-1: none). */
static bool next_entry(struct world *w, const struct ud_partition *slot, struct ud_otadata_entry *e, int *active)
{
    struct ud_otadata_entry both[2];
    world_entries(w, both);
    *active = ud_otadata_active(both);
    memset(e, 0xFF, sizeof *e);
    e->state = UD_OTA_NEW;
    bool ok = ud_otadata_next_seq(slots_of(w), *active < 0 ? 0 : both[*active].seq,
                                  (uint32_t)slot->subtype - UD_PART_APP_OTA_0, &e->seq);
    e->crc = ud_otadata_crc(e->seq);
    return ok;
}

/* ---- wrong ways to install -------------------------------------------------------------------------------------- */

/* Selected first, written after. */
static esp_err_t select_then_install(struct world *w, const struct ud_partition *slot)
{
    esp_err_t err = ud_ota_set_boot_skip_validate(&w->ota, slot);
    return err == ESP_OK ? honest_tools.install(w, slot) : err;
}

static esp_err_t install_one_sector_too_far(struct world *w, const struct ud_partition *slot)
{
    esp_err_t err = honest_tools.install(w, slot);
    return err == ESP_OK ? ud_flash_erase(&w->flash, slot->addr + slot->size, UD_FLASH_SECTOR) : err;
}

static esp_err_t install_without_erase(struct world *w, const struct ud_partition *slot)
{
    return ud_flash_program(&w->flash, slot->addr, w->download->bytes, w->download->len);
}

static esp_err_t install_twice(struct world *w, const struct ud_partition *slot)
{
    esp_err_t err = honest_tools.install(w, slot);
    return err == ESP_OK ? honest_tools.install(w, slot) : err;
}

static esp_err_t install_over_running(struct world *w, const struct ud_partition *slot)
{
    esp_err_t err = honest_tools.install(w, slot);
    return err == ESP_OK ? ud_flash_erase(&w->flash, w->board.running->addr, UD_FLASH_SECTOR) : err;
}

/* All bytes through the session, but its verdict is not asked for. */
static esp_err_t write_only(struct world *w, const struct ud_partition *slot)
{
    const struct blob *b = w->download;
    esp_err_t err = ud_ota_begin(&w->ota, &w->session, slot, UD_OTA_SEQUENTIAL);
    for (uint32_t off = 0; err == ESP_OK && off < b->len; off += 4096u)
        err = ud_ota_write(&w->session, b->bytes + off, b->len - off < 4096u ? b->len - off : 4096u);
    (void)ud_ota_abort(&w->session);
    return err;
}

/* The verdict on what was in the slot before is taken for one on what is there now. */
static esp_err_t install_with_stale_verdict(struct world *w, const struct ud_partition *slot)
{
    struct ud_image_info info;
    bool judged = ud_ota_verify(&w->ota, slot, &info) == ESP_OK;
    esp_err_t err = write_only(w, slot);
    if (err == ESP_OK && judged)
        ud_board_set_verdict(&w->board, slot, &info);
    return err;
}

/* What was to be written is judged, not what flash holds. */
static esp_err_t install_without_reading_back(struct world *w, const struct ud_partition *slot)
{
    const struct blob *b = w->download;
    struct ud_image_rules rules = ud_board_image_rules(&w->board, slot);
    struct ud_image_info info;
    uint32_t len;
    esp_err_t err = ud_image_inspect(b->bytes, b->len, &rules, w->board.crypto, NULL, &info);
    if (err != ESP_OK || info.problems || !ud_round_up(b->len, UD_FLASH_SECTOR, &len))
        return ESP_ERR_OTA_VALIDATE_FAILED;
    err = ud_flash_erase(&w->flash, slot->addr, len);
    return err == ESP_OK ? ud_flash_program(&w->flash, slot->addr, b->bytes, b->len) : err;
}

/* ---- wrong ways to select --------------------------------------------------------------------------------------- */

static esp_err_t select_unverified(struct world *w, const struct ud_partition *slot)
{
    return ud_ota_set_boot_skip_validate(&w->ota, slot);
}

static esp_err_t select_erasing_both(struct world *w, const struct ud_partition *slot)
{
    struct ud_otadata_entry e;
    int active;
    if (!next_entry(w, slot, &e, &active))
        return ESP_FAIL;
    esp_err_t err = ud_flash_erase(&w->flash, otadata_of(w)->addr, UD_OTADATA_BYTES);
    return err == ESP_OK ? ud_otadata_write(&w->flash, otadata_of(w), 0, &e) : err;
}

/* Over the active entry, in place of the other one. */
static esp_err_t select_in_wrong_sector(struct world *w, const struct ud_partition *slot)
{
    struct ud_otadata_entry e;
    int active;
    if (!next_entry(w, slot, &e, &active))
        return ESP_FAIL;
    return ud_otadata_write(&w->flash, otadata_of(w), active < 0 ? 0 : (unsigned)active, &e);
}

static esp_err_t select_nothing(struct world *w, const struct ud_partition *slot)
{
    (void)w;
    (void)slot;
    return ESP_OK;
}

/* Tidies up: the way back is erased. */
static esp_err_t select_and_forget(struct world *w, const struct ud_partition *slot)
{
    struct ud_otadata_entry both[2];
    world_entries(w, both);
    int active = ud_otadata_active(both);
    esp_err_t err = ud_ota_set_boot(&w->ota, slot);
    return err == ESP_OK && active >= 0 ? ud_otadata_erase(&w->flash, otadata_of(w), (unsigned)active) : err;
}

/* ---- wrong ways to confirm and reject --------------------------------------------------------------------------- */

/* The new state is programmed over the old one: 1 and 2 make 0, which is NEW. */
static esp_err_t confirm_without_erase(struct world *w)
{
    struct ud_otadata_entry both[2];
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    world_entries(w, both);
    int active = ud_otadata_active(both);
    if (active < 0 || both[active].state == UD_OTA_VALID)
        return ESP_OK;
    both[active].state = UD_OTA_VALID;
    ud_otadata_encode(&both[active], bytes);
    return ud_flash_program(&w->flash, otadata_of(w)->addr + (uint32_t)active * UD_FLASH_SECTOR, bytes, sizeof bytes);
}

/* The level of the eFuses first: the way back is closed before the way ahead is open. */
static esp_err_t confirm_efuse_first(struct world *w)
{
    struct ud_app_desc desc;
    esp_err_t err = ud_ota_get_desc(&w->ota, w->board.running, &desc);
    if (err == ESP_OK)
        err = ud_secure_version_raise(&w->board.efuse, w->board.chip->secure_version_bits, desc.secure_version);
    return err == ESP_OK ? ud_ota_mark_valid(&w->ota) : err;
}

static esp_err_t reject_nothing(struct world *w)
{
    (void)w;
    return ESP_OK;
}

/* The entry is confirmed, not rejected. */
static esp_err_t reject_as_valid(struct world *w)
{
    return ud_ota_mark_valid(&w->ota);
}

/* ---- wrong boot loaders ----------------------------------------------------------------------------------------- */

/* Without rollback, under an app that relies on it. */
static esp_err_t boot_without_rollback(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    (void)w;
    dev->settings.rollback = false;
    return ud_boot_run(dev, result);
}

static esp_err_t boot_silently(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    (void)w;
    dev->obs = NULL;
    return ud_boot_run(dev, result);
}

/* The first candidate is started, whatever is in it. */
static esp_err_t boot_unverified(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    esp_err_t err = ud_boot_run(dev, result);
    if (err != ESP_OK || result->tried_count < 2)
        return err;
    result->loaded_index = result->tried[0].index;
    result->loaded = ud_boot_partition(&result->table, result->loaded_index);
    (void)w;
    return ESP_OK;
}

/* A new image counts as confirmed as soon as it is started. */
static esp_err_t boot_confirming(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    struct ud_otadata_entry both[2];
    esp_err_t err = ud_boot_run(dev, result);
    world_entries(w, both);
    int active = ud_otadata_active(both);
    if (err != ESP_OK || active < 0 || both[active].state != UD_OTA_PENDING_VERIFY)
        return err;
    both[active].state = UD_OTA_VALID;
    return ud_otadata_write(&w->flash, ud_boot_otadata(&result->table), (unsigned)active, &both[active]);
}

/* Flash through which every entry of otadata that is not blank has its CRC right. */
struct blind {
    struct ud_flash *below;
    uint32_t otadata;
    struct ud_flash_request req;
};

static esp_err_t blind_start(void *ctx, const struct ud_flash_request *req)
{
    struct blind *b = ctx;
    b->req = *req;
    return ud_flash_start(b->below, req);
}

static esp_err_t blind_poll(void *ctx, uint64_t *wait_us)
{
    struct blind *b = ctx;
    esp_err_t err = ud_flash_poll(b->below, wait_us);
    bool entry = b->req.addr == b->otadata || b->req.addr == b->otadata + UD_FLASH_SECTOR;
    if (err == ESP_OK && b->req.op == UD_FLASH_READ && entry && b->req.len == UD_OTADATA_ENTRY_BYTES) {
        struct ud_otadata_entry e;
        ud_otadata_decode(b->req.in, &e);
        e.crc = ud_otadata_crc(e.seq);
        ud_otadata_encode(&e, b->req.in);
    }
    return err;
}

static esp_err_t boot_without_crc(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    static const struct ud_flash_ops ops = { blind_start, blind_poll };
    struct blind b = { .below = dev->flash, .otadata = world_otadata(w) };
    struct ud_flash flash = *dev->flash;
    flash.ops = &ops;
    flash.ctx = &b;
    flash.busy = false;
    dev->flash = &flash;
    return ud_boot_run(dev, result);
}

/* ---- wrong ways to keep settings -------------------------------------------------------------------------------- */

static esp_err_t set_erasing_first(struct ud_nvs *n, const struct ud_nvs_key *k, enum ud_nvs_type type,
                                   const void *value, size_t len)
{
    esp_err_t err = ud_nvs_erase(n, k);
    return err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND ? ud_nvs_set(n, k, type, value, len) : err;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static esp_err_t install(struct world *w, const struct ud_partition *slot)
{
    return honest_tools.install(w, slot);
}

static esp_err_t select_slot(struct world *w, const struct ud_partition *slot)
{
    return honest_tools.select(w, slot);
}

static esp_err_t confirm(struct world *w)
{
    return honest_tools.confirm(w);
}

static esp_err_t reject(struct world *w)
{
    return honest_tools.reject(w);
}

static esp_err_t boot(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    return honest_tools.boot(w, dev, result);
}

static const struct ud_powercut_mutant mutants[] = {
    { "select-first",
      "otadata is switched before the image is there",
      "update",
      { select_then_install, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "unverified",
      "the image is not verified before otadata is switched",
      "refuse",
      { write_only, select_unverified, confirm, reject, boot, ud_nvs_set } },
    { "stale-verdict",
      "the verdict on the slot's former content is trusted",
      "refuse",
      { install_with_stale_verdict, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "no-read-back",
      "what was sent is verified, not what flash holds",
      "bad-cell",
      { install_without_reading_back, select_unverified, confirm, reject, boot, ud_nvs_set } },
    { "no-erase",
      "the slot is written without being erased",
      "update",
      { install_without_erase, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "twice",
      "the slot is erased and written twice",
      "update",
      { install_twice, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "too-far",
      "one sector behind the slot is erased too",
      "update",
      { install_one_sector_too_far, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "over-running",
      "a sector of the running app is erased",
      "update",
      { install_over_running, select_slot, confirm, reject, boot, ud_nvs_set } },
    { "both-erased",
      "both otadata sectors are erased before one is written",
      "set-boot",
      { install, select_erasing_both, confirm, reject, boot, ud_nvs_set } },
    { "wrong-sector",
      "the active otadata entry is overwritten, not the other one",
      "update",
      { install, select_in_wrong_sector, confirm, reject, boot, ud_nvs_set } },
    { "not-selected",
      "otadata is not written",
      "set-boot",
      { install, select_nothing, confirm, reject, boot, ud_nvs_set } },
    { "way-back-erased",
      "the entry of the old image is erased as soon as the new one is selected",
      "update-whole",
      { install, select_and_forget, confirm, reject, boot, ud_nvs_set } },
    { "state-over-state",
      "VALID is programmed over PENDING_VERIFY without an erase",
      "confirm",
      { install, select_slot, confirm_without_erase, reject, boot, ud_nvs_set } },
    { "efuse-first",
      "the eFuses are raised before the image is marked valid",
      "secure-confirm",
      { install, select_slot, confirm_efuse_first, reject, boot, ud_nvs_set } },
    { "not-rejected",
      "INVALID is not written",
      "reject-late",
      { install, select_slot, confirm, reject_nothing, boot, ud_nvs_set } },
    { "rejected-valid",
      "the wrong state is written: VALID for INVALID",
      "reject",
      { install, select_slot, confirm, reject_as_valid, boot, ud_nvs_set } },
    { "no-rollback",
      "the boot loader leaves NEW and PENDING_VERIFY alone",
      "boot-pending",
      { install, select_slot, confirm, reject, boot_without_rollback, ud_nvs_set } },
    { "boot-confirms",
      "the boot loader confirms what it starts",
      "boot-new",
      { install, select_slot, confirm, reject, boot_confirming, ud_nvs_set } },
    { "boot-unverified",
      "the boot loader starts an image that does not verify",
      "boot-bad",
      { install, select_slot, confirm, reject, boot_unverified, ud_nvs_set } },
    { "boot-silent",
      "the boot loader falls back without a note",
      "boot-bad",
      { install, select_slot, confirm, reject, boot_silently, ud_nvs_set } },
    { "crc-unchecked",
      "the boot loader does not look at the CRC of otadata entries",
      "set-boot",
      { install, select_slot, confirm, reject, boot_without_crc, ud_nvs_set } },
    { "setting-erased-first",
      "the old value of a setting is erased before the new one is there",
      "settings",
      { install, select_slot, confirm, reject, boot, set_erasing_first } },
};

const struct ud_powercut_mutant *ud_powercut_mutant_at(size_t i)
{
    return i < UD_ARRAY_LEN(mutants) ? &mutants[i] : NULL;
}

const struct ud_powercut_mutant *ud_powercut_mutant_find(const char *name)
{
    size_t i = 0;
    while (i < UD_ARRAY_LEN(mutants) && strcmp(mutants[i].name, name) != 0)
        i++;
    return ud_powercut_mutant_at(i);
}

const char *ud_powercut_mutant_name(const struct ud_powercut_mutant *m)
{
    return m->name;
}

const char *ud_powercut_mutant_brief(const struct ud_powercut_mutant *m)
{
    return m->brief;
}

const struct ud_powercut_flow *ud_powercut_mutant_flow(const struct ud_powercut_mutant *m)
{
    return ud_powercut_flow_find(m->flow);
}
