/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that loses its power inside an operation, fails, forgets and wavers.
 *
 * A request is handed down in operations (pages, sectors, blocks). As long as nothing can happen to a whole request -
 * nobody looks, no fault is set, the cut lies beyond it - it is handed down in one piece and its operations are only
 * counted: that is the path that exhaustive searches spend their time on.
 *
 * What a torn operation leaves is written through the device below like anything else: a torn program is a program of
 * other bytes, a torn erase an erase followed by the program of what has survived. So the driver's own rules hold.
 *
 *     bits of a torn program:  old & (new | kept)    kept: random, the bits that were not cleared yet
 *     bits of a torn erase:    old | set             set: random, the bits that were raised already
 *
 * Weak bits are cells with too little charge to read 0 for certain: half programmed, or half erased. They are half of
 * those that show 0 in a torn place, found again by its seed, so that nothing but the place need be remembered; what
 * they show is drawn at each read.
 */
#include "random.h"
#include "updraft/flash_faults.h"

static const char *const variant_names[] = {
    [UD_CUT_BEFORE] = "before",
    [UD_CUT_PREFIX] = "prefix",
    [UD_CUT_BITS] = "bits",
    [UD_CUT_WEAK] = "weak",
    [UD_CUT_UNACKNOWLEDGED] = "unacknowledged",
    [UD_CUT_AFTER] = "after",
};

const char *ud_cut_variant_name(enum ud_cut_variant variant)
{
    return (unsigned)variant < UD_ARRAY_LEN(variant_names) ? variant_names[variant] : NULL;
}

enum ud_cut_variant ud_cut_variant_find(const char *name)
{
    unsigned i = 0;
    while (i < UD_CUT_VARIANTS && !ud_streq(variant_names[i], name))
        i++;
    return (enum ud_cut_variant)i;
}

/* ---- the rules of faults ---- */

static bool overlap(uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len)
{
    return a < b ? a_len > b - a : b_len > a - b;
}

static enum ud_flash_op fault_op(enum ud_fault_kind kind)
{
    switch (kind) {
    case UD_FAULT_FAIL_ERASE:
    case UD_FAULT_TEAR_ERASE:
        return UD_FLASH_ERASE;
    case UD_FAULT_FAIL_PROGRAM:
    case UD_FAULT_TEAR_PROGRAM:
        return UD_FLASH_PROGRAM;
    default:
        return UD_FLASH_READ;
    }
}

/* Does this fault come up now? Counts that its range was touched. */
static bool comes_up(struct ud_fault *f, enum ud_flash_op op, uint32_t addr, uint32_t len)
{
    if (fault_op(f->kind) != op || !overlap(f->addr, f->len, addr, len))
        return false;
    uint32_t seen = f->seen;
    if (f->seen < UINT32_MAX)
        f->seen++;
    return seen >= f->after && (f->times == 0 || seen - f->after < f->times);
}

/* ---- torn operations ---- */

/* The device below, waiting. Its time is not ours: power is about to be gone. */
static esp_err_t below(struct ud_fault_flash *ff, enum ud_flash_op op, uint32_t addr, void *bytes, uint32_t len)
{
    ff->below->observer = ff->device->observer;
    return op == UD_FLASH_READ      ? ud_flash_read(ff->below, addr, bytes, len)
           : op == UD_FLASH_PROGRAM ? ud_flash_program(ff->below, addr, bytes, len)
                                    : ud_flash_erase(ff->below, addr, len);
}

/* Random bits at this place of a torn operation, always the same ones for one seed. */
static uint8_t bits_at(uint64_t seed, uint32_t addr)
{
    uint64_t state = seed ^ (uint64_t)(addr / 8) << 20;
    return (uint8_t)(random_next(&state) >> addr % 8 * 8);
}

static void weaken(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, uint64_t seed)
{
    ff->weak[ff->weak_next % UD_FAULT_WEAK_MAX].addr = addr;
    ff->weak[ff->weak_next % UD_FAULT_WEAK_MAX].len = len;
    ff->weak[ff->weak_next % UD_FAULT_WEAK_MAX].seed = seed;
    ff->weak_next++;
}

/* What was erased is weak no more. Places are at most a sector long, and erases go by sectors: all or nothing. */
static void strengthen(struct ud_fault_flash *ff, uint32_t addr, uint32_t len)
{
    for (size_t i = 0; i < UD_FAULT_WEAK_MAX; i++)
        if (overlap(ff->weak[i].addr, ff->weak[i].len, addr, len))
            ff->weak[i].len = 0;
}

static uint32_t prefix_of(struct ud_fault_flash *ff, uint32_t len)
{
    uint32_t k = ff->cut_bytes ? ff->cut_bytes : 1 + random_below(&ff->random, len > 1 ? len - 1 : 1);
    return k < len ? k : len;
}

static esp_err_t tear_program(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, enum ud_cut_variant how)
{
    const uint8_t *wanted = (const uint8_t *)ff->req.out + ff->done;
    uint8_t *mix = ff->scratch;
    if (how == UD_CUT_PREFIX) {
        memcpy(mix, wanted, len);
        return below(ff, UD_FLASH_PROGRAM, addr, mix, prefix_of(ff, len));
    }
    esp_err_t err = below(ff, UD_FLASH_READ, addr, mix, len);
    if (err != ESP_OK)
        return err;
    uint64_t seed = random_next(&ff->random);
    for (uint32_t i = 0; i < len; i++)
        mix[i] = (uint8_t)(mix[i] & (wanted[i] | bits_at(seed, addr + i)));
    if (how == UD_CUT_WEAK)
        weaken(ff, addr, len, seed);
    return below(ff, UD_FLASH_PROGRAM, addr, mix, len);
}

/* One sector of a torn erase, of which the first `blank` bytes have been erased already. */
static esp_err_t tear_sector(struct ud_fault_flash *ff, uint32_t addr, uint32_t blank, enum ud_cut_variant how)
{
    uint32_t sector = ff->below->geometry.sector;
    uint8_t *mix = ff->scratch;
    uint64_t seed = random_next(&ff->random);
    esp_err_t err = below(ff, UD_FLASH_READ, addr, mix, sector);
    for (uint32_t i = 0; i < sector; i++)
        mix[i] |= how == UD_CUT_PREFIX ? (i < blank ? 0xFF : 0) : bits_at(seed, addr + i);
    if (err == ESP_OK)
        err = below(ff, UD_FLASH_ERASE, addr, NULL, sector);
    if (err == ESP_OK)
        err = below(ff, UD_FLASH_PROGRAM, addr, mix, sector);
    strengthen(ff, addr, sector);
    if (how == UD_CUT_WEAK)
        weaken(ff, addr, sector, seed);
    return err;
}

static esp_err_t tear_erase(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, enum ud_cut_variant how)
{
    uint32_t sector = ff->below->geometry.sector;
    uint32_t blank = how == UD_CUT_PREFIX ? prefix_of(ff, len) : 0;
    esp_err_t err = ESP_OK;
    for (uint32_t off = 0; off < len && err == ESP_OK; off += sector) {
        uint32_t of_this = blank < sector ? blank : sector;
        err = tear_sector(ff, addr + off, of_this, how);
        blank -= of_this;
    }
    return err;
}

static esp_err_t tear(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, enum ud_cut_variant how)
{
    return ff->req.op == UD_FLASH_ERASE ? tear_erase(ff, addr, len, how) : tear_program(ff, addr, len, how);
}

/* ---- reads ---- */

/* Bits that waver: random where `mask` has ones. */
static uint8_t waver(struct ud_fault_flash *ff, uint8_t byte, uint8_t mask)
{
    return mask ? (uint8_t)(byte ^ (mask & random_next(&ff->random))) : byte;
}

static uint8_t faulty(struct ud_fault_flash *ff, const struct ud_fault *f, uint8_t byte)
{
    switch (f->kind) {
    case UD_FAULT_STUCK_0:
        return (uint8_t)(byte & ~f->bits);
    case UD_FAULT_STUCK_1:
        return byte | f->bits;
    case UD_FAULT_FLIP:
        return byte ^ f->bits;
    case UD_FAULT_UNSTABLE:
        return waver(ff, byte, f->bits);
    default:
        return byte;
    }
}

/* What was read, as the chip shows it. */
static void show_weak(struct ud_fault_flash *ff, uint32_t addr, uint8_t *bytes, uint32_t len)
{
    for (size_t w = 0; w < UD_FAULT_WEAK_MAX; w++) {
        if (!overlap(ff->weak[w].addr, ff->weak[w].len, addr, len))
            continue;
        for (uint32_t i = 0; i < len; i++)
            if (addr + i - ff->weak[w].addr < ff->weak[w].len)
                bytes[i] = waver(ff, bytes[i], (uint8_t)(~bytes[i] & bits_at(~ff->weak[w].seed, addr + i)));
    }
}

static esp_err_t show_faults(struct ud_fault_flash *ff, uint32_t addr, uint8_t *bytes, uint32_t len)
{
    for (size_t n = 0; n < ff->fault_count; n++) {
        struct ud_fault *f = &ff->fault[n];
        if (f->kind == UD_FAULT_FAIL_READ || !comes_up(f, UD_FLASH_READ, addr, len))
            continue;
        for (uint32_t i = 0; i < len; i++)
            if (addr + i - f->addr < f->len)
                bytes[i] = faulty(ff, f, bytes[i]);
    }
    return ESP_OK;
}

static bool read_fails(struct ud_fault_flash *ff)
{
    bool fails = false;
    for (size_t n = 0; n < ff->fault_count; n++)
        if (ff->fault[n].kind == UD_FAULT_FAIL_READ)
            fails |= comes_up(&ff->fault[n], UD_FLASH_READ, ff->req.addr, ff->req.len);
    return fails;
}

/* ---- one operation after the other ---- */

static void end(struct ud_fault_flash *ff, esp_err_t err)
{
    ff->ended = true;
    ff->result = err;
}

static void power_goes(struct ud_fault_flash *ff)
{
    ff->off = true;
    ff->cut_at = 0;
    if (ff->power_cut)
        ff->power_cut(ff->ctx);
}

/* Can anything happen to the operations from here to the end of the request? */
static bool plain(const struct ud_fault_flash *ff)
{
    uint32_t unit = ff->req.op == UD_FLASH_PROGRAM ? ff->below->geometry.page : ff->below->geometry.sector;
    uint32_t most = ff->req.len / unit + 2; /* operations of this request */
    return !ff->before && ff->fault_count == 0 && (ff->cut_at == 0 || ff->cut_at - ff->operations > most);
}

/* Count those of the whole request that is about to be handed down in one piece. */
static void count_all(struct ud_fault_flash *ff)
{
    for (uint32_t off = 0; off < ff->req.len; off += ud_flash_step(&ff->below->geometry, &ff->req, off))
        ff->operations++;
}

/* Power goes inside this operation, or before it, or it goes when it has ended. True: nothing is left to be done. */
static bool cut_now(struct ud_fault_flash *ff, const struct ud_fault_operation *op)
{
    ff->cut = *op;
    ff->cut_after = ff->cut_variant == UD_CUT_AFTER || ff->cut_variant == UD_CUT_UNACKNOWLEDGED;
    if (ff->cut_after)
        return false;
    if (ff->cut_variant != UD_CUT_BEFORE)
        (void)tear(ff, op->addr, op->len, ff->cut_variant); /* a failure below tears it just as well */
    end(ff, ESP_ERR_FLASH_OP_FAIL);
    power_goes(ff);
    return true;
}

/* The first fault that strikes this operation decides; all that are touched count. True: the operation has failed. */
static bool strikes(struct ud_fault_flash *ff, const struct ud_fault_operation *op)
{
    const struct ud_fault *first = NULL;
    for (size_t n = 0; n < ff->fault_count; n++)
        if (comes_up(&ff->fault[n], op->op, op->addr, op->len) && !first)
            first = &ff->fault[n];
    if (!first)
        return false;
    if (first->kind == UD_FAULT_TEAR_ERASE || first->kind == UD_FAULT_TEAR_PROGRAM)
        (void)tear(ff, op->addr, op->len, UD_CUT_BITS);
    end(ff, ESP_ERR_FLASH_OP_FAIL);
    return true;
}

/* Hand `len` bytes at `done` down. */
static void hand_down(struct ud_fault_flash *ff, uint32_t len)
{
    struct ud_flash_request req = ff->req;
    req.addr += ff->done;
    req.len = len;
    if (req.op == UD_FLASH_PROGRAM)
        req.out = (const uint8_t *)req.out + ff->done;
    else if (req.op == UD_FLASH_ERASE)
        strengthen(ff, req.addr, len);
    ff->below->observer = ff->device->observer;
    esp_err_t err = ud_flash_start(ff->below, &req);
    if (err != ESP_OK)
        end(ff, err);
    else
        ff->step = len;
}

static void next_operation(struct ud_fault_flash *ff)
{
    struct ud_fault_operation op = { .op = ff->req.op,
                                     .addr = ff->req.addr + ff->done,
                                     .len = ud_flash_step(&ff->below->geometry, &ff->req, ff->done) };
    op.number = ++ff->operations;
    if (ff->before)
        ff->before(ff->ctx, &op);
    if ((ff->cut_at == op.number && cut_now(ff, &op)) || strikes(ff, &op))
        return;
    hand_down(ff, op.len);
}

/* The operation below has ended with `err`. */
static void operation_ended(struct ud_fault_flash *ff, esp_err_t err)
{
    ff->done += ff->step;
    ff->step = 0;
    bool over = err != ESP_OK || ff->done == ff->req.len;
    if (ff->cut_after) {
        ff->cut_after = false;
        over = true;
        if (ff->cut_variant == UD_CUT_UNACKNOWLEDGED || ff->done < ff->req.len)
            err = err == ESP_OK ? ESP_ERR_FLASH_OP_FAIL : err;
        power_goes(ff);
    }
    if (over)
        end(ff, err);
}

static esp_err_t faults_start(void *ctx, const struct ud_flash_request *req)
{
    struct ud_fault_flash *ff = ctx;
    if (ff->off)
        return ESP_ERR_FLASH_OP_FAIL;
    ff->req = *req;
    ff->done = 0;
    ff->step = 0;
    ff->ended = false;
    ff->cut_after = false;
    if (req->op == UD_FLASH_READ) {
        if (read_fails(ff))
            return ESP_ERR_FLASH_OP_FAIL;
        hand_down(ff, req->len);
    } else if (plain(ff)) {
        count_all(ff);
        hand_down(ff, req->len);
    } else {
        next_operation(ff);
    }
    return ESP_OK; /* a failure is told by poll */
}

static esp_err_t faults_poll(void *ctx, uint64_t *wait_us)
{
    struct ud_fault_flash *ff = ctx;
    *wait_us = 0;
    while (!ff->ended) {
        if (ff->step == 0) {
            next_operation(ff);
            continue;
        }
        ff->below->observer = ff->device->observer; /* it may have changed since */
        esp_err_t err = ud_flash_poll(ff->below, wait_us);
        if (err == ESP_ERR_NOT_FINISHED)
            return err;
        operation_ended(ff, err);
    }
    if (ff->req.op == UD_FLASH_READ && ff->result == ESP_OK) {
        show_weak(ff, ff->req.addr, ff->req.in, ff->req.len);
        return show_faults(ff, ff->req.addr, ff->req.in, ff->req.len);
    }
    return ff->result;
}

/* ---- the face ---- */

void ud_fault_flash_init(struct ud_fault_flash *ff, struct ud_flash *flash, struct ud_flash *below_, uint64_t seed)
{
    static const struct ud_flash_ops ops = { faults_start, faults_poll };
    memset(ff, 0, offsetof(struct ud_fault_flash, scratch));
    ff->below = below_;
    ff->device = flash;
    ff->random = seed;
    *flash = (struct ud_flash){
        .ops = &ops, .ctx = ff, .geometry = below_->geometry, .clock = below_->clock, .observer = below_->observer
    };
}

void ud_fault_flash_cut(struct ud_fault_flash *ff, uint32_t n, enum ud_cut_variant variant)
{
    ff->cut_at = n ? ff->operations + n : 0;
    ff->cut_variant = variant;
}

void ud_fault_flash_power_on(struct ud_fault_flash *ff)
{
    ff->off = false;
    ff->cut_at = 0;
    ff->cut_after = false;
    ff->step = 0;
    ff->ended = true;
    ff->result = ESP_ERR_FLASH_OP_FAIL;
    ff->device->busy = false;
    ff->below->busy = false;
}

void ud_fault_flash_settle(struct ud_fault_flash *ff)
{
    memset(ff->weak, 0, sizeof ff->weak);
}

/* Invert `bits` of the `len * 8` bits at `addr`, all within one sector. */
static esp_err_t rot_sector(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, uint32_t bits)
{
    uint32_t sector = ff->below->geometry.sector;
    uint32_t base = addr - addr % sector;
    esp_err_t err = below(ff, UD_FLASH_READ, base, ff->scratch, sector);
    if (err != ESP_OK)
        return err;
    /* Of the bits left, each is taken with the chance that makes the number come out exactly (Knuth, 3.4.2, S). */
    for (uint32_t left = len * 8; bits > 0; left--) {
        uint32_t bit = len * 8 - left;
        if (random_below(&ff->random, left) >= bits)
            continue;
        ff->scratch[addr - base + bit / 8] ^= (uint8_t)(1u << bit % 8);
        bits--;
    }
    err = below(ff, UD_FLASH_ERASE, base, NULL, sector);
    return err == ESP_OK ? below(ff, UD_FLASH_PROGRAM, base, ff->scratch, sector) : err;
}

esp_err_t ud_fault_flash_rot(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, uint32_t bits)
{
    uint32_t sector = ff->below->geometry.sector;
    if (!ud_range_fits(addr, len, ff->below->geometry.size) || bits / 8 > len || (bits / 8 == len && bits % 8 > 0))
        return ESP_ERR_INVALID_SIZE;
    esp_err_t err = ESP_OK;
    while (len > 0 && bits > 0 && err == ESP_OK) {
        uint32_t here = sector - addr % sector;
        here = here < len ? here : len;
        /* Each sector has its share; what rounding leaves over falls to the last. */
        uint32_t share = here == len ? bits : (uint32_t)((uint64_t)bits * here / len);
        if (share > 0)
            err = rot_sector(ff, addr, here, share);
        addr += here;
        len -= here;
        bits -= share;
    }
    return err;
}
