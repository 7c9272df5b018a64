/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flows of the power-cut explorer. On its own device A is ota_0, which runs, and B is ota_1; on a board they are
 * the slot that runs and the one that the next update goes to.
 */
#include "powercut.h"

#include <string.h>

/* ---- what a device does ----------------------------------------------------------------------------------------- */

static esp_err_t feed(struct world *w, const struct blob *b)
{
    esp_err_t err = ESP_OK;
    for (uint32_t off = 0; err == ESP_OK && off < b->len; off += 4096u)
        err = ud_ota_write(&w->session, b->bytes + off, b->len - off < 4096u ? b->len - off : 4096u);
    if (err == ESP_OK)
        return ud_ota_end(&w->session);
    (void)ud_ota_abort(&w->session);
    return err;
}

static esp_err_t install(struct world *w, const struct ud_partition *slot)
{
    uint32_t size = w->flow->bulk ? UD_OTA_SIZE_UNKNOWN : UD_OTA_SEQUENTIAL;
    esp_err_t err = ud_ota_begin(&w->ota, &w->session, slot, size);
    return err == ESP_OK ? feed(w, w->download) : err;
}

static esp_err_t select_slot(struct world *w, const struct ud_partition *slot)
{
    return ud_ota_set_boot(&w->ota, slot);
}

static esp_err_t confirm(struct world *w)
{
    return ud_ota_mark_valid(&w->ota);
}

static esp_err_t reject(struct world *w)
{
    return ud_ota_mark_invalid(&w->ota);
}

static esp_err_t boot(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result)
{
    (void)w;
    return ud_boot_run(dev, result);
}

const struct tools honest_tools = { install, select_slot, confirm, reject, boot, ud_nvs_set };

/* ---- steps: tools with what the referee has to know ------------------------------------------------------------- */

static esp_err_t step_select(struct world *w, const struct ud_partition *slot)
{
    w->step = "select";
    w->changes++;
    return w->tools->select(w, slot);
}

static esp_err_t step_confirm(struct world *w)
{
    w->step = "confirm";
    w->changes++;
    esp_err_t err = w->tools->confirm(w);
    w->confirmed = err == ESP_OK;
    return err;
}

static esp_err_t step_reject(struct world *w)
{
    w->step = "reject";
    w->changes++;
    return w->tools->reject(w);
}

static bool is_pending(struct world *w)
{
    uint32_t state;
    return ud_ota_get_state(&w->ota, w->board.running, &state) == ESP_OK && state == UD_OTA_PENDING_VERIFY;
}

static esp_err_t step_update(struct world *w)
{
    const struct ud_partition *slot = ud_ota_next_update(&w->board, NULL);
    if (!slot)
        return ESP_ERR_NOT_FOUND;
    world_allow(w, slot->addr, slot->size);
    w->step = "install";
    w->installs++;
    w->changes++; /* begin forgets the entry of the slot */
    if (w->opt->update) {
        w->changes++;
        return w->opt->update(w->opt->update_ctx, &w->ota, slot, w->download->bytes, w->download->len);
    }
    esp_err_t err = w->tools->install(w, slot);
    return err == ESP_OK ? step_select(w, slot) : err;
}

/* Where a boot loader or a table goes; an application registers such a partition before it updates one. */
static const struct ud_partition *content_target(struct world *w)
{
    const struct stock *s = w->stock;
    bool table = w->flow->target == TARGET_TABLE;
    if (w->flow->target == TARGET_DATA)
        return world_part(w, "files");
    if (w->board.extra)
        return &w->board.extra->part;
    w->extra = (struct ud_extra_partition){
        .part = { .addr = table ? s->table_offset : s->chip->bootloader_offset,
                  .size = table ? UD_FLASH_SECTOR : s->table_offset - s->chip->bootloader_offset,
                  .type = table ? UD_PART_TABLE : UD_PART_BOOTLOADER },
    };
    ud_strcopy(w->extra.part.label, sizeof w->extra.part.label, table ? "table" : "bootloader", 16);
    return ud_board_add_partition(&w->board, &w->extra) == ESP_OK ? &w->extra.part : NULL;
}

static esp_err_t step_content(struct world *w, bool staged)
{
    const struct ud_partition *final = content_target(w);
    const struct ud_partition *first = staged ? ud_ota_next_update(&w->board, NULL) : final;
    if (!final || !first)
        return ESP_ERR_NOT_FOUND;
    world_allow(w, final->addr, final->size);
    world_allow(w, first->addr, first->size);
    w->step = "install";
    w->installs++;
    w->changes++;
    w->copy_addr = final->addr;
    w->copy_len = staged ? final->size : 0;
    esp_err_t err = ud_ota_begin(&w->ota, &w->session, first, UD_OTA_SEQUENTIAL);
    if (err == ESP_OK && staged)
        err = ud_ota_set_final(&w->session, final, true);
    return err == ESP_OK ? feed(w, &w->stock->content) : err;
}

/* ---- how it begins ---------------------------------------------------------------------------------------------- */

struct roles {
    struct ud_ptable table;
    const struct ud_partition *a, *b, *factory;
    uint32_t slots;
};

static bool find_roles(struct world *w, struct roles *r)
{
    memset(r, 0, sizeof *r);
    if (!world_table(w, &r->table))
        return false;
    r->factory = ud_boot_partition(&r->table, UD_BOOT_FACTORY);
    while (ud_boot_partition(&r->table, (int)r->slots))
        r->slots++;
    if (!w->stock->board) {
        r->a = ud_boot_partition(&r->table, 0);
        r->b = ud_boot_partition(&r->table, 1);
        return true;
    }
    const struct ud_partition *next = ud_ota_next_update(&w->board, NULL); /* it has booted before */
    r->a = ud_partition_is_ota(w->board.running) ? ud_ptable_at(&r->table, w->board.running->addr) : NULL;
    r->b = next ? ud_ptable_at(&r->table, next->addr) : NULL;
    if (!r->a)
        w->why = "this flow begins with an app in an OTA slot, and the board runs another";
    else if (!r->b || r->a == r->b)
        w->why = "this flow needs two OTA slots";
    return r->a && r->b && r->a != r->b;
}

static void put_image(struct world *w, const struct ud_partition *p, enum image image)
{
    const struct blob *b = &w->stock->image[image];
    if (b->bytes)
        world_put(w, p->addr, b->bytes, b->len);
}

static void put_entry(struct world *w, unsigned sector, uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = { .seq = seq, .state = state, .crc = ud_otadata_crc(seq) };
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    memset(e.label, 0xFF, sizeof e.label);
    ud_otadata_encode(&e, bytes);
    world_put(w, world_otadata(w) + sector * UD_FLASH_SECTOR, bytes, sizeof bytes);
}

static void blank_entries(struct world *w)
{
    memset(w->bytes + world_otadata(w), 0xFF, UD_OTADATA_BYTES);
}

/* The seq of a slot above `above`. */
static uint32_t seq_of(const struct roles *r, const struct ud_partition *p, uint32_t above)
{
    uint32_t seq = 0;
    (void)(ud_otadata_next_seq(r->slots, above + 1, (uint32_t)p->subtype - UD_PART_APP_OTA_0, &seq) && seq);
    return seq;
}

/* A runs, confirmed. With `b` NULL it has the only entry; else B's entry is in `state`, above or below A's. */
static bool put_slots(struct world *w, enum image in_b, bool b_above, uint32_t state)
{
    struct roles r;
    if (!find_roles(w, &r))
        return false;
    uint32_t low = seq_of(&r, b_above ? r.a : r.b, 0);
    uint32_t high = seq_of(&r, b_above ? r.b : r.a, low);
    if (r.factory && !w->stock->board)
        put_image(w, r.factory, IMAGE_OLDER);
    put_image(w, r.a, IMAGE_OLD);
    put_image(w, r.b, in_b);
    blank_entries(w);
    put_entry(w, 0, b_above ? low : high, UD_OTA_VALID);
    put_entry(w, 1, b_above ? high : low, state);
    return true;
}

static bool as_it_is(struct world *w)
{
    (void)w;
    return true;
}

static bool prepare_factory(struct world *w)
{
    struct roles r;
    if (!find_roles(w, &r))
        return false;
    put_image(w, r.factory, IMAGE_OLD);
    return true;
}

static bool prepare_first(struct world *w)
{
    struct roles r;
    if (!find_roles(w, &r))
        return false;
    put_image(w, r.a, IMAGE_OLD);
    return true;
}

static bool over_older(struct world *w)
{
    return w->stock->board ? as_it_is(w) : put_slots(w, IMAGE_OLDER, false, UD_OTA_VALID);
}

static bool over_settings(struct world *w)
{
    return put_slots(w, IMAGE_OLDER, false, UD_OTA_VALID) && nvs_fill(w);
}

static bool over_near(struct world *w)
{
    return put_slots(w, IMAGE_NEAR, false, UD_OTA_VALID);
}

static bool over_plain(struct world *w)
{
    return put_slots(w, IMAGE_OLDER, false, UD_OTA_UNDEFINED);
}

/* B holds the new image, and nothing names it yet. */
static bool installed(struct world *w)
{
    struct roles r;
    if (!put_slots(w, IMAGE_NEW, false, UD_OTA_VALID) || !find_roles(w, &r))
        return false;
    memset(w->bytes + world_otadata(w) + UD_FLASH_SECTOR, 0xFF, UD_FLASH_SECTOR);
    return true;
}

static bool selected(struct world *w)
{
    return put_slots(w, IMAGE_NEW, true, UD_OTA_NEW);
}

static bool confirmed(struct world *w)
{
    return put_slots(w, IMAGE_NEW, true, UD_OTA_VALID);
}

static bool pending(struct world *w)
{
    return put_slots(w, IMAGE_NEW, true, UD_OTA_PENDING_VERIFY);
}

static bool selected_bad(struct world *w)
{
    return put_slots(w, IMAGE_BAD, true, UD_OTA_NEW);
}

/* The first image after the factory app: its entry is the only one. */
static bool selected_first(struct world *w)
{
    struct roles r;
    if (!find_roles(w, &r))
        return false;
    put_image(w, r.factory, IMAGE_OLD);
    put_image(w, r.a, IMAGE_NEW);
    put_entry(w, 0, seq_of(&r, r.a, 0), UD_OTA_NEW);
    return true;
}

static bool with_new_factory(struct world *w)
{
    struct roles r;
    if (!put_slots(w, IMAGE_OLDER, false, UD_OTA_VALID) || !find_roles(w, &r))
        return false;
    put_image(w, r.factory, IMAGE_NEW);
    return true;
}

static void set_level(struct world *w, uint8_t bits)
{
    w->efuse[UD_EFUSE_SECURE_VERSION] = bits;
}

static bool secure_selected(struct world *w)
{
    set_level(w, 0x01);
    return selected(w);
}

static bool secure_confirmed(struct world *w)
{
    set_level(w, 0x01);
    return confirmed(w);
}

/* ---- what it does ----------------------------------------------------------------------------------------------- */

static esp_err_t run_update(struct world *w)
{
    esp_err_t err = is_pending(w) ? step_confirm(w) : ESP_OK; /* a board may begin so */
    return err == ESP_OK ? step_update(w) : err;
}

static esp_err_t run_full(struct world *w)
{
    esp_err_t err = run_update(w);
    if (err == ESP_OK)
        err = world_boot(w);
    return err == ESP_OK && is_pending(w) ? step_confirm(w) : err;
}

static esp_err_t run_select(struct world *w)
{
    return step_select(w, ud_ota_next_update(&w->board, NULL));
}

static esp_err_t run_to_factory(struct world *w)
{
    return step_select(w, world_part(w, "factory"));
}

/* What is downloaded or where it is written to is bad: an update that ends well is the mistake. */
static esp_err_t run_refused(struct world *w)
{
    esp_err_t err = step_update(w);
    return err == ESP_ERR_OTA_VALIDATE_FAILED || (w->flow->bad_cell && err == ESP_ERR_FLASH_OP_FAIL) ? ESP_OK
           : err == ESP_OK                                                                           ? ESP_FAIL
                                                                                                     : err;
}

static esp_err_t run_bad_download(struct world *w)
{
    w->download = &w->stock->image[IMAGE_BAD];
    return run_refused(w);
}

static esp_err_t run_staged(struct world *w)
{
    return step_content(w, true);
}

static esp_err_t run_in_place(struct world *w)
{
    return step_content(w, false);
}

/* ---- what it does after a cut ----------------------------------------------------------------------------------- */

static esp_err_t retry_new(struct world *w)
{
    esp_err_t err = is_pending(w) ? step_confirm(w) : ESP_OK;
    if (err != ESP_OK || goal_is_reached(w, false))
        return err;
    return run_full(w);
}

/* To the point that the flow ends at: the boot that follows shows the new image for the first time. */
static esp_err_t retry_update(struct world *w)
{
    esp_err_t err = is_pending(w) ? step_confirm(w) : ESP_OK;
    return err != ESP_OK || goal_is_reached(w, false) ? err : run_update(w);
}

static esp_err_t boot_confirm(struct world *w)
{
    esp_err_t err = world_boot(w);
    return err == ESP_OK && is_pending(w) ? step_confirm(w) : err;
}

static esp_err_t retry_select(struct world *w)
{
    esp_err_t err = is_pending(w) ? step_confirm(w) : ESP_OK;
    if (err != ESP_OK || goal_is_reached(w, false))
        return err;
    err = run_select(w);
    return err == ESP_ERR_OTA_VALIDATE_FAILED ? run_full(w) : err == ESP_OK ? boot_confirm(w) : err;
}

static esp_err_t retry_to_factory(struct world *w)
{
    if (goal_is_reached(w, false))
        return ESP_OK;
    esp_err_t err = run_to_factory(w);
    return err == ESP_OK ? world_boot(w) : err;
}

static esp_err_t retry_old(struct world *w)
{
    if (!world_holds(w, w->board.running, IMAGE_NEW))
        return ESP_OK;
    esp_err_t err = step_reject(w);
    return err == ESP_OK ? world_boot(w) : err;
}

static esp_err_t retry_content(struct world *w, bool staged)
{
    if (goal_is_reached(w, false))
        return ESP_OK;
    esp_err_t err = step_content(w, staged);
    return err == ESP_OK ? world_boot(w) : err;
}

static esp_err_t retry_staged(struct world *w)
{
    return retry_content(w, true);
}

static esp_err_t retry_in_place(struct world *w)
{
    return retry_content(w, false);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

#define ONCE_LOADER "the ROM knows one place for the boot loader, and what is there is overwritten"
#define ONCE_TABLE  "the boot loader knows one place for the table, and what is there is overwritten"

static const struct ud_powercut_flow flows[] = {
    { .name = "first",
      .brief = "first update of a device whose otadata is blank, without a factory app",
      .prepare = prepare_first,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .otadata_erases = 1 },
    { .name = "factory",
      .brief = "first update of a device that runs its factory app, into ota_0",
      .has_factory = true,
      .prepare = prepare_factory,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .otadata_erases = 1 },
    { .name = "update",
      .brief = "update over an older image; a factory app is even older",
      .has_factory = true,
      .prepare = over_older,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .for_boards = true,
      .otadata_erases = 2 },
    { .name = "update-near",
      .brief = "update over an image that is nearly the new one",
      .prepare = over_near,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .otadata_erases = 2 },
    { .name = "update-bulk",
      .brief = "update that erases all of the slot first, by blocks of 64 KiB",
      .prepare = over_older,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .bulk = true,
      .otadata_erases = 2 },
    { .name = "update-plain",
      .brief = "update without rollback",
      .prepare = over_plain,
      .boots_first = true,
      .run = run_update,
      .retry = retry_update,
      .retry_pending = true,
      .plain = true,
      .otadata_erases = 1 },
    { .name = "update-whole",
      .brief = "update, boot of the new image, and its confirmation",
      .prepare = over_older,
      .boots_first = true,
      .run = run_full,
      .retry = retry_new,
      .for_boards = true,
      .otadata_erases = 4 },
    { .name = "refuse",
      .brief = "update with an image that went bad on the way, which must not be selected",
      .prepare = over_older,
      .boots_first = true,
      .run = run_bad_download,
      .retry = run_bad_download,
      .goal = GOAL_OLD,
      .otadata_erases = 1 },
    { .name = "settings",
      .brief = "settings in NVS are changed, one after the other, and a page of it is collected (weak cells left out)",
      .prepare = over_settings,
      .boots_first = true,
      .run = nvs_run,
      .retry = nvs_retry,
      .goal = GOAL_OLD,
      .no_weak = true },
    { .name = "bad-cell",
      .brief = "update into a slot with a byte that cannot be programmed",
      .prepare = over_older,
      .boots_first = true,
      .run = run_refused,
      .retry = run_refused,
      .goal = GOAL_OLD,
      .bad_cell = true,
      .otadata_erases = 1 },
    { .name = "set-boot",
      .brief = "select a slot that holds an image",
      .has_factory = true,
      .prepare = installed,
      .boots_first = true,
      .run = run_select,
      .retry = retry_select,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "to-factory",
      .brief = "select the factory app: otadata is erased",
      .has_factory = true,
      .prepare = with_new_factory,
      .boots_first = true,
      .run = run_to_factory,
      .retry = retry_to_factory,
      .blanks_otadata = true,
      .otadata_erases = 1 },
    { .name = "boot-first",
      .brief = "first boot of a device whose otadata is blank, without a factory app; then its update",
      .prepare = prepare_first,
      .run = world_boot,
      .retry = retry_new,
      .only_begins = true,
      .otadata_erases = 1 },
    { .name = "boot-new",
      .brief = "first boot of a NEW image",
      .has_factory = true,
      .prepare = selected,
      .run = world_boot,
      .retry = retry_new,
      .ends_pending = true,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "boot-bad",
      .brief = "boot of a NEW image that does not verify",
      .has_factory = true,
      .prepare = selected_bad,
      .run = world_boot,
      .retry = retry_old,
      .goal = GOAL_OLD,
      .ends_pending = true,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "boot-pending",
      .brief = "boot of a PENDING_VERIFY image: it was not confirmed",
      .has_factory = true,
      .prepare = pending,
      .run = world_boot,
      .retry = retry_old,
      .goal = GOAL_OLD,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "confirm",
      .brief = "mark the new image valid",
      .has_factory = true,
      .prepare = selected,
      .boots_first = true,
      .run = step_confirm,
      .retry = retry_new,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "confirm-only",
      .brief = "mark the first image after the factory app valid: its entry is the only one",
      .has_factory = true,
      .prepare = selected_first,
      .boots_first = true,
      .run = step_confirm,
      .retry = retry_new,
      .otadata_erases = 1 },
    { .name = "reject",
      .brief = "mark the new image invalid, and the boot that rolls back",
      .has_factory = true,
      .prepare = selected,
      .boots_first = true,
      .run = step_reject,
      .retry = retry_old,
      .goal = GOAL_OLD,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "reject-late",
      .brief = "mark an image invalid that had been confirmed, and the boot that rolls back",
      .has_factory = true,
      .prepare = confirmed,
      .boots_first = true,
      .run = step_reject,
      .retry = retry_old,
      .goal = GOAL_OLD,
      .for_boards = true,
      .otadata_erases = 1 },
    { .name = "secure-confirm",
      .brief = "mark valid with anti-rollback, which raises the level in the eFuses",
      .prepare = secure_selected,
      .boots_first = true,
      .run = step_confirm,
      .retry = retry_new,
      .anti_rollback = true,
      .otadata_erases = 1 },
    { .name = "secure-boot",
      .brief = "boot of a confirmed image above the level in the eFuses, which the boot loader raises",
      .prepare = secure_confirmed,
      .run = world_boot,
      .retry = retry_new,
      .anti_rollback = true,
      .otadata_erases = 0 },
    { .name = "data",
      .brief = "update of a data partition through a staging slot",
      .prepare = over_older,
      .boots_first = true,
      .run = run_staged,
      .retry = retry_staged,
      .goal = GOAL_CONTENT,
      .target = TARGET_DATA,
      .otadata_erases = 1 },
    { .name = "bootloader",
      .brief = "update of the boot loader through a staging slot, verified there, then copied",
      .unsafe = ONCE_LOADER,
      .prepare = over_older,
      .boots_first = true,
      .run = run_staged,
      .retry = retry_staged,
      .goal = GOAL_CONTENT,
      .target = TARGET_BOOTLOADER,
      .otadata_erases = 1 },
    { .name = "bootloader-in-place",
      .brief = "update of the boot loader where it lies",
      .unsafe = ONCE_LOADER,
      .prepare = over_older,
      .boots_first = true,
      .run = run_in_place,
      .retry = retry_in_place,
      .goal = GOAL_CONTENT,
      .target = TARGET_BOOTLOADER },
    { .name = "table",
      .brief = "update of the partition table through a staging slot, judged there, then copied",
      .unsafe = ONCE_TABLE,
      .prepare = over_older,
      .boots_first = true,
      .run = run_staged,
      .retry = retry_staged,
      .goal = GOAL_CONTENT,
      .target = TARGET_TABLE,
      .otadata_erases = 1 },
    { .name = "table-in-place",
      .brief = "update of the partition table where it lies",
      .unsafe = ONCE_TABLE,
      .prepare = over_older,
      .boots_first = true,
      .run = run_in_place,
      .retry = retry_in_place,
      .goal = GOAL_CONTENT,
      .target = TARGET_TABLE },
};

const struct ud_powercut_flow *ud_powercut_flow_at(size_t i)
{
    return i < UD_ARRAY_LEN(flows) ? &flows[i] : NULL;
}

const struct ud_powercut_flow *ud_powercut_flow_find(const char *name)
{
    size_t i = 0;
    while (i < UD_ARRAY_LEN(flows) && strcmp(flows[i].name, name) != 0)
        i++;
    return ud_powercut_flow_at(i);
}

const char *ud_powercut_flow_name(const struct ud_powercut_flow *f)
{
    return f->name;
}

const char *ud_powercut_flow_brief(const struct ud_powercut_flow *f)
{
    return f->brief;
}

const char *ud_powercut_flow_unsafe(const struct ud_powercut_flow *f)
{
    return f->unsafe;
}
