/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device of the power-cut explorer: flash in memory under a decorator that marks what is written and keeps a
 * journal, under the one that cuts the power. Every boot builds the board anew: nothing is remembered over a reset, no
 * verdict either, so each boot verifies the whole image. A burn of eFuses is counted among the operations of flash.
 */
#include "powercut.h"

#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

/* ---- journal ---------------------------------------------------------------------------------------------------- */

static void keep(struct world *w, enum ud_powercut_kind kind, uint32_t addr, const void *bytes, uint32_t len)
{
    struct journal *j = w->journal;
    if (j->count == j->room) {
        uint32_t room = j->room ? 2 * j->room : 256;
        struct operation *grown = realloc(j->op, room * sizeof *grown);
        j->failed |= !grown;
        if (!grown)
            return;
        j->op = grown;
        j->room = room;
    }
    struct operation *o = &j->op[j->count];
    bool copying = w->copy_len && kind != UD_POWERCUT_BURN && addr >= w->copy_addr && addr - w->copy_addr < w->copy_len;
    *o = (struct operation){ .kind = kind, .addr = addr, .len = len, .step = copying ? "copy" : w->step };
    memcpy(o->efuse, w->efuse, sizeof o->efuse);
    if (bytes) {
        o->bytes = malloc(len);
        j->failed |= !o->bytes;
        if (!o->bytes)
            return;
        memcpy(o->bytes, bytes, len);
    }
    j->count++;
}

void journal_drop(struct journal *j)
{
    for (uint32_t i = 0; i < j->count; i++)
        free(j->op[i].bytes);
    free(j->op);
    memset(j, 0, sizeof *j);
}

/* ---- flash that is watched -------------------------------------------------------------------------------------- */

static void keep_all(struct world *w, const struct ud_flash_request *req)
{
    bool erase = req->op == UD_FLASH_ERASE;
    for (uint32_t done = 0; done < req->len;) {
        uint32_t len = ud_flash_step(&w->tap.geometry, req, done);
        keep(w, erase ? UD_POWERCUT_ERASE : UD_POWERCUT_PROGRAM, req->addr + done,
             erase ? NULL : (const uint8_t *)req->out + done, len);
        if (!erase)
            w->programs[(req->addr + done) / UD_FLASH_SECTOR]++;
        done += len;
    }
}

static esp_err_t tap_start(void *ctx, const struct ud_flash_request *req)
{
    struct world *w = ctx;
    if (req->op == UD_FLASH_READ)
        return ud_flash_start(&w->ram_flash, req);
    for (uint32_t at = req->addr / UD_FLASH_SECTOR; at <= (req->addr + req->len - 1) / UD_FLASH_SECTOR; at++) {
        w->dirty[at] = 1;
        w->written[at] = 1;
        if (req->op == UD_FLASH_ERASE)
            w->erases[at]++;
    }
    w->copied += req->len;
    if (w->journal)
        keep_all(w, req);
    return ud_flash_start(&w->ram_flash, req);
}

static esp_err_t tap_poll(void *ctx, uint64_t *wait_us)
{
    struct world *w = ctx;
    return ud_flash_poll(&w->ram_flash, wait_us);
}

/* ---- hashes that are counted ------------------------------------------------------------------------------------ */

struct counted_hash {
    struct world *w;
    struct ud_hash hash;
};

static esp_err_t counted_start(void *ctx, enum ud_hash_alg alg, void **state)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct counted_hash *h = malloc(sizeof *h);
    if (!h)
        return ESP_ERR_NO_MEM;
    *h = (struct counted_hash){ .w = ctx, .hash = UD_HASH_NONE };
    esp_err_t err = ud_hash_start(&crypto, alg, &h->hash);
    if (err != ESP_OK) {
        free(h);
        return err;
    }
    *state = h;
    return ESP_OK;
}

static esp_err_t counted_feed(void *state, const void *data, size_t len)
{
    struct counted_hash *h = state;
    h->w->hashed += len;
    return ud_hash_feed(&h->hash, data, len);
}

static esp_err_t counted_finish(void *state, uint8_t *digest)
{
    struct counted_hash *h = state;
    esp_err_t err = ud_hash_finish(&h->hash, digest);
    free(h);
    return err;
}

static void counted_drop(void *state)
{
    struct counted_hash *h = state;
    ud_hash_drop(&h->hash);
    free(h);
}

static const struct ud_crypto_ops counted_ops = { counted_start, counted_feed, counted_finish, counted_drop };

/* ---- eFuses ----------------------------------------------------------------------------------------------------- */

static void burn_bits(struct world *w, uint32_t off, const uint8_t *bits, size_t len, uint64_t lost)
{
    for (size_t i = 0; i < len; i++)
        w->efuse[off + i] = (uint8_t)(w->efuse[off + i] | (bits[i] & ~(lost >> i % 8 * 8)));
}

/* As ud_flash_faults does it to flash: counted, and torn when its turn has come. */
esp_err_t world_burn(struct world *w, uint32_t off, const void *bits, size_t len)
{
    struct ud_fault_flash *ff = &w->ff;
    if (ff->off)
        return ESP_ERR_FLASH_OP_FAIL;
    if (w->journal)
        keep(w, UD_POWERCUT_BURN, off, bits, (uint32_t)len);
    if (++ff->operations != ff->cut_at) {
        burn_bits(w, off, bits, len, 0);
        return ESP_OK;
    }
    uint64_t random = ff->random * 0x9E3779B97F4A7C15u;
    if (ff->cut_variant == UD_CUT_BITS)
        burn_bits(w, off, bits, len, random ^ random >> 31);
    else if (ff->cut_variant != UD_CUT_BEFORE)
        burn_bits(w, off, bits, len, 0);
    ff->off = true;
    ff->cut_at = 0;
    return ESP_ERR_FLASH_OP_FAIL;
}

static esp_err_t efuse_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct world *w = ctx;
    if (w->ff.off)
        return ESP_ERR_FLASH_OP_FAIL;
    memcpy(buf, w->efuse + off, len);
    return ESP_OK;
}

static esp_err_t efuse_burn(void *ctx, uint32_t off, const void *bits, size_t len)
{
    return world_burn(ctx, off, bits, len);
}

static const struct ud_efuse_ops efuse_ops = { efuse_read, efuse_burn };

/* ---- a device --------------------------------------------------------------------------------------------------- */

static void hear(void *ctx, const struct ud_note *note)
{
    struct world *w = ctx;
    if (note->id == UD_NOTE_BOOT_TRY && note->err != ESP_OK && w->heard.failed < UD_ARRAY_LEN(w->heard.at))
        w->heard.at[w->heard.failed++] = (uint32_t)note->a;
    if (note->id == UD_NOTE_BOOT_RULE &&
        (note->a == UD_RULE_BOTH_INVALID || note->a == UD_RULE_NO_ACTIVE || note->a == UD_RULE_NO_SLOTS))
        w->heard.without_entry = true;
}

/* A cell that cannot be programmed, in the slot that updates are written to. */
static void break_cell(struct world *w)
{
    const struct blob *image = &w->stock->image[IMAGE_NEW];
    const struct ud_partition *slot = ud_boot_partition(&w->stock->table, 1);
    uint32_t at = image->len / 3;
    while (image->bytes[at] == 0xFF)
        at++;
    w->fault = (struct ud_fault){ .kind = UD_FAULT_STUCK_1, .addr = slot->addr + at, .len = 1, .bits = 0xFF };
    w->ff.fault = &w->fault;
    w->ff.fault_count = 1;
}

static void put_start(struct world *w)
{
    const struct stock *s = w->stock;
    if (s->board) {
        memcpy(w->bytes, s->board->flash, s->flash_bytes);
        memcpy(w->efuse, s->board->efuse, sizeof w->efuse);
        return;
    }
    memset(w->bytes, 0xFF, s->flash_bytes);
    world_put(w, s->chip->bootloader_offset, s->boot_loader.bytes, s->boot_loader.len);
    world_put(w, s->table_offset, s->table_bytes.bytes, s->table_bytes.len);
}

bool world_init(struct world *w, const struct stock *s, const struct ud_powercut_flow *flow,
                const struct ud_powercut_options *opt)
{
    static const struct ud_flash_ops tap_ops = { tap_start, tap_poll };
    memset(w, 0, sizeof *w);
    w->stock = s;
    w->flow = flow;
    w->opt = opt;
    w->tools = opt->mutant ? &opt->mutant->tools : &honest_tools;
    w->crypto = (struct ud_crypto){ &counted_ops, w };
    w->obs = (struct ud_observer){ hear, w };
    w->download = &s->image[IMAGE_NEW];
    w->sectors = s->flash_bytes / UD_FLASH_SECTOR;
    w->bytes = malloc(s->flash_bytes);
    w->dirty = calloc(w->sectors, 1);
    w->written = calloc(w->sectors, 1);
    w->allowed = calloc(w->sectors, 1);
    w->erases = calloc(w->sectors, sizeof *w->erases);
    w->programs = calloc(w->sectors, sizeof *w->programs);
    if (!w->bytes || !w->dirty || !w->written || !w->allowed || !w->erases || !w->programs)
        return false;
    ud_ram_flash_init(&w->ram, &w->ram_flash, w->bytes, s->flash_bytes);
    w->ram.strict = false; /* as a chip: what was not erased stays, and reading back tells */
    w->tap = w->ram_flash;
    w->tap.ops = &tap_ops;
    w->tap.ctx = w;
    ud_fault_flash_init(&w->ff, &w->flash, &w->tap, 1);
    if (flow->bad_cell)
        break_cell(w);
    put_start(w);
    return true;
}

void world_drop(struct world *w)
{
    (void)ud_ota_abort(&w->session);
    free(w->bytes);
    free(w->dirty);
    free(w->written);
    free(w->allowed);
    free(w->erases);
    free(w->programs);
    w->bytes = w->dirty = w->written = w->allowed = NULL;
    w->erases = w->programs = NULL;
}

void world_begin(struct world *w)
{
    (void)ud_ota_abort(&w->session);
    memset(w->written, 0, w->sectors);
    memset(w->allowed, 0, w->sectors);
    memset(w->erases, 0, w->sectors * sizeof *w->erases);
    ud_fault_flash_power_on(&w->ff);
    ud_fault_flash_settle(&w->ff);
    w->flash.generation++;
    w->installs = w->changes = 0;
    w->confirmed = false;
    w->step = "";
}

/* The ROM starts nothing but a whole boot loader. Asked where a flow writes one. */
static bool rom_boots(struct world *w)
{
    const struct stock *s = w->stock;
    uint32_t addr = s->chip->bootloader_offset;
    struct ud_image_rules rules = {
        .chip = s->chip, .check_chip = true, .chip_id = s->chip->id, .bootloader = true, .require_digest = true
    };
    return w->flow->target != TARGET_BOOTLOADER ||
           ud_image_verify(&w->flash, addr, s->table_offset - addr, &rules, &w->crypto, NULL, w->scratch,
                           sizeof w->scratch, NULL) == ESP_OK;
}

static struct ud_boot_settings boot_settings(const struct world *w)
{
    const struct ud_powercut_board *b = w->stock->board;
    struct ud_partition app = { .type = UD_PART_APP };
    return (struct ud_boot_settings){
        .rollback = b ? b->boot_rollback : !w->flow->plain,
        .anti_rollback = b ? b->boot_anti_rollback : w->flow->anti_rollback,
        .secure_version_bits = w->stock->chip->secure_version_bits,
        .rules = ud_board_image_rules(&w->board, &app),
        .table_offset = w->stock->table_offset,
    };
}

esp_err_t world_boot(struct world *w)
{
    const struct ud_powercut_board *b = w->stock->board;
    (void)ud_ota_abort(&w->session);
    w->step = "boot";
    w->changes++;
    w->confirmed = false;
    w->heard = (struct heard){ 0 };
    w->board = (struct ud_board){
        .flash = &w->flash,
        .chip = w->stock->chip,
        .accepted_chip_id = b ? b->accepted_chip_id : w->stock->chip->id,
        .revision = b ? b->revision : 0,
        .require_digest = b && b->require_digest,
        .crypto = &w->crypto,
        .efuse = { &efuse_ops, w },
        .obs = &w->obs,
        .table_offset = w->stock->table_offset,
        .reset_reason = UD_RESET_POWERON,
    };
    struct ud_boot_device dev = {
        .flash = &w->flash,
        .crypto = &w->crypto,
        .obs = &w->obs,
        .efuse = w->board.efuse,
        .settings = boot_settings(w),
        .scratch = w->scratch,
        .scratch_len = sizeof w->scratch,
    };
    if (!rom_boots(w))
        return ESP_ERR_NOT_FOUND;
    esp_err_t err = w->tools->boot(w, &dev, &w->boot);
    if (err == ESP_OK)
        err = ud_board_load_table(&w->board, w->boot.loaded->addr);
    ud_ota_init(&w->ota, &w->board, b ? b->app_rollback : !w->flow->plain);
    w->ota.anti_rollback = b ? b->app_anti_rollback : w->flow->anti_rollback;
    return err;
}

/* ---- looking and touching --------------------------------------------------------------------------------------- */

void world_put(struct world *w, uint32_t addr, const void *bytes, uint32_t len)
{
    memcpy(w->bytes + addr, bytes, len);
}

const struct ud_ptable *world_table(struct world *w, struct ud_ptable *table)
{
    return ud_ptable_load(&w->ram_flash, w->stock->table_offset, &w->crypto, NULL, table) == ESP_OK ? table : NULL;
}

uint32_t world_otadata(const struct world *w)
{
    const struct ud_partition *p = ud_boot_otadata(&w->stock->table);
    return p ? p->addr : UINT32_MAX;
}

void world_entries(const struct world *w, struct ud_otadata_entry e[2])
{
    uint32_t at = world_otadata(w);
    if (at == UINT32_MAX)
        return;
    ud_otadata_decode(w->bytes + at, &e[0]);
    ud_otadata_decode(w->bytes + at + UD_FLASH_SECTOR, &e[1]);
}

void world_allow(struct world *w, uint32_t addr, uint32_t len)
{
    memset(w->allowed + addr / UD_FLASH_SECTOR, 1, (len + UD_FLASH_SECTOR - 1) / UD_FLASH_SECTOR);
}

const struct ud_partition *world_part(const struct world *w, const char *label)
{
    return ud_ptable_find(&w->board.table, UD_PART_ANY, UD_PART_ANY, label);
}

bool world_holds(const struct world *w, const struct ud_partition *p, enum image image)
{
    const struct blob *b = &w->stock->image[image];
    if (p && w->ff.fault_count && w->fault.addr - p->addr < p->size)
        return false;
    return p && b->bytes && b->len <= p->size && memcmp(w->bytes + p->addr, b->bytes, b->len) == 0;
}

bool world_is_weak(const struct world *w, uint32_t addr, uint32_t len)
{
    for (unsigned i = 0; i < UD_FAULT_WEAK_MAX; i++) {
        uint32_t at = w->ff.weak[i].addr, n = w->ff.weak[i].len;
        if (n && at < addr + len && addr < at + n)
            return true;
    }
    return false;
}

void world_name(const struct world *w, uint32_t addr, char label[17])
{
    const struct ud_partition *p = ud_ptable_at(&w->stock->table, addr);
    if (p)
        ud_strcopy(label, 17, p->label, 16);
    else if (addr >= w->stock->table_offset && addr - w->stock->table_offset < UD_FLASH_SECTOR)
        ud_strcopy(label, 17, "table", 16);
    else
        ud_strcopy(label, 17, addr < w->stock->table_offset ? "bootloader" : "", 16);
}
