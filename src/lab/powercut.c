/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power-cut explorer. The flow is run once and its operations are kept. `before` then walks through them, always
 * the flash just before the next one; a device is put back to it (copy-on-write: only the sectors that the last case
 * wrote are copied), performs the operation torn, and lives on. Jobs take every n-th operation each, with a `before`
 * and a device of their own. A second cut is made by running the recovery once more, up to the operation in question.
 */
#include "powercut.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "updraft/port_linux.h"

#define JOBS_MAX    64u
#define IMAGE_MAX   0x400000u
#define TORN_TRIALS 8u
#define BURN_TRIALS 4u

struct explorer {
    const struct ud_powercut_flow *flow;
    const struct ud_powercut_options *opt;
    struct stock stock;
    struct journal journal;
    uint8_t *start;   /* flash when the flow begins */
    uint8_t *allowed; /* what the flow may write, one a sector */
    struct reference ref;
    pthread_mutex_t lock; /* of the report */
    bool has_lock;
    struct ud_powercut_report *report;
    bool *in_window; /* operations with a case in a window … */
    bool *bricks;    /* … in which nothing boots */
    uint32_t *window_cases;
    double cpu_seconds; /* of the jobs that have ended */
    bool failed;        /* no memory */
};

static esp_err_t because(const struct ud_powercut_options *opt, esp_err_t err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static esp_err_t because(const struct ud_powercut_options *opt, esp_err_t err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (opt->why && opt->why_size > 0)
        vsnprintf(opt->why, opt->why_size, fmt, args);
    va_end(args);
    return err;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- which cases there are -------------------------------------------------------------------------------------- */

/* Where every byte decides: otadata, and a table that is written. Torn at each length, and in more ways than others. */
static bool is_entry(const struct explorer *x, const struct operation *o)
{
    const struct ud_partition *p = ud_boot_otadata(&x->stock.table);
    bool table = x->flow->target == TARGET_TABLE && o->addr - x->stock.table_offset < UD_FLASH_SECTOR;
    return o->kind != UD_POWERCUT_BURN && (table || (p && o->addr - p->addr < UD_OTADATA_BYTES));
}

/* Of a torn erase of an otadata sector the interesting lengths: in and around each field of the entry. */
static const uint16_t erased_bytes[] = { 1, 4, 5, 24, 25, 28, 29, 31, 32, 2048 };

/* How often a variant is tried at this operation, torn differently each time; 0: it does not exist there. */
static uint32_t trials_of(const struct explorer *x, const struct operation *o, enum ud_cut_variant v)
{
    if (v == UD_CUT_AFTER) /* leaves what UNACKNOWLEDGED leaves: who was told is without power */
        return 0;
    if (v == UD_CUT_WEAK && x->flow->no_weak)
        return 0;
    if (v == UD_CUT_BEFORE || v == UD_CUT_UNACKNOWLEDGED)
        return 1;
    if (o->kind == UD_POWERCUT_BURN)
        return v == UD_CUT_BITS ? BURN_TRIALS : 0;
    if (!is_entry(x, o))
        return o->len > 1 ? 1 : 0;
    if (v != UD_CUT_PREFIX)
        return TORN_TRIALS;
    return o->kind == UD_POWERCUT_ERASE ? UD_ARRAY_LEN(erased_bytes) : o->len - 1;
}

static uint32_t prefix_of(const struct explorer *x, const struct operation *o, const struct ud_powercut_case *at)
{
    if (at->variant != UD_CUT_PREFIX || !is_entry(x, o))
        return 0; /* by seed */
    return o->kind == UD_POWERCUT_ERASE ? erased_bytes[at->trial] : at->trial + 1;
}

static uint64_t seed_of(const struct ud_powercut_case *at)
{
    return ((uint64_t)at->operation << 32 | (uint64_t)at->trial << 8 | (unsigned)at->variant) + 1u;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* ---- one case --------------------------------------------------------------------------------------------------- */

static void restore(struct world *w, const uint8_t *from)
{
    for (uint32_t i = 0; i < w->sectors; i++) {
        if (!w->dirty[i])
            continue;
        memcpy(w->bytes + i * UD_FLASH_SECTOR, from + i * UD_FLASH_SECTOR, UD_FLASH_SECTOR);
        w->copied += UD_FLASH_SECTOR;
        w->dirty[i] = 0;
    }
}

static esp_err_t perform(struct world *w, const struct operation *o)
{
    switch (o->kind) {
    case UD_POWERCUT_ERASE:
        return ud_flash_erase(&w->flash, o->addr, o->len);
    case UD_POWERCUT_PROGRAM:
        return ud_flash_program(&w->flash, o->addr, o->bytes, o->len);
    case UD_POWERCUT_BURN:
        return world_burn(w, o->addr, o->bytes, o->len);
    }
    return ESP_ERR_NOT_SUPPORTED;
}

static void shown_range(const struct operation *o, struct trial *t)
{
    t->shown_addr = o->addr;
    t->shown_len = o->kind == UD_POWERCUT_BURN ? 0 : o->len < UD_POWERCUT_BYTES ? o->len : UD_POWERCUT_BYTES;
}

static void say_operation(const struct explorer *x, const struct world *w, const struct trial *t)
{
    const struct operation *o = &x->journal.op[t->at.operation - 1];
    char label[17];
    world_name(w, o->addr, label);
    trial_say(t, "operation %u of %u (%s): %s of %u bytes at 0x%x (%s); power goes: %s", (unsigned)t->at.operation,
              (unsigned)x->journal.count, o->step, ud_powercut_kind_name(o->kind), (unsigned)o->len, (unsigned)o->addr,
              o->kind == UD_POWERCUT_BURN ? "eFuse" : label, ud_cut_variant_name(t->at.variant));
}

/* Flash as it was, and the operation torn. */
static void cut(const struct explorer *x, struct world *w, const uint8_t *before, struct trial *t)
{
    const struct operation *o = &x->journal.op[t->at.operation - 1];
    struct ud_otadata_entry entry[2];
    restore(w, before);
    world_begin(w);
    memcpy(w->efuse, o->efuse, sizeof w->efuse);
    say_operation(x, w, t);
    world_entries(w, entry);
    shown_range(o, t);
    memcpy(t->before, w->bytes + o->addr, t->shown_len);
    w->ff.random = mix(seed_of(&t->at));
    w->ff.cut_bytes = prefix_of(x, o, &t->at);
    ud_fault_flash_cut(&w->ff, 1, t->at.variant);
    esp_err_t err = perform(w, o);
    (void)err; /* who asked has lost its power too */
    ud_fault_flash_power_on(&w->ff);
    w->ff.cut_bytes = 0;
    memcpy(t->after, w->bytes + o->addr, t->shown_len);
    check_otadata(t, w, &x->ref, entry);
}

/* Boot and retry, until the power goes. False: the recovery has no such operation. */
static bool cut_again(const struct explorer *x, struct world *w, struct trial *t)
{
    struct ud_otadata_entry entry[2];
    world_entries(w, entry);
    trial_say(t, "the device recovers, and power goes at operation %u of that: %s", (unsigned)t->at.second,
              ud_cut_variant_name(t->at.second_variant));
    ud_fault_flash_cut(&w->ff, t->at.second, t->at.second_variant);
    esp_err_t err = world_boot(w);
    if (err == ESP_OK)
        err = w->flow->retry(w);
    (void)err; /* the power has gone */
    bool went = w->ff.off;
    if (went && w->ff.cut.number == w->ff.operations)
        trial_say(t, "  that is the %s of %u bytes at 0x%x", w->ff.cut.op == UD_FLASH_ERASE ? "erase" : "program",
                  (unsigned)w->ff.cut.len, (unsigned)w->ff.cut.addr);
    ud_fault_flash_power_on(&w->ff);
    check_otadata(t, w, &x->ref, entry);
    return went;
}

/*
 * The retry, and the boot that shows where it ends. A table that was cut may be taken for a shorter one, since boot
 * loaders do without its MD5 entry: the device boots, and may be unable to repair it.
 */
static void retry(const struct explorer *x, struct world *w, struct trial *t, uint32_t *recovery)
{
    bool torn = target_is_torn(w);
    uint32_t begun = w->ff.operations;
    trial_say(t, "the device tries again");
    esp_err_t err = w->flow->retry(w);
    *recovery += w->ff.operations - begun;
    bool runs = err == ESP_OK && boot_and_check(t, w);
    if (err == ESP_OK && (!runs || goal_is_reached(w, w->flow->retry_pending))) {
        check_written(t, w, &x->ref);
        return;
    }
    if (torn) {
        trial_say(t, "  what was torn cannot be repaired by the device (%s)", ud_err_name(err));
        t->window = t->bricked = true;
    } else if (err != ESP_OK) {
        trial_break(t, UD_POWERCUT_O6, "the retry fails (%s)", ud_err_name(err));
    } else {
        trial_break(t, UD_POWERCUT_O6, "the retry does not end where the flow ends");
    }
    check_written(t, w, &x->ref);
}

/* From the cut on. `recovery`: how many operations the boot and the retry took; 0 when they did not end. */
static bool try_case(const struct explorer *x, struct world *w, const uint8_t *before, struct trial *t,
                     uint32_t *recovery)
{
    *recovery = 0;
    cut(x, w, before, t);
    if (t->at.second && !cut_again(x, w, t))
        return false;
    uint32_t begun = w->ff.operations;
    if (!boot_and_check(t, w))
        return true;
    *recovery = w->ff.operations - begun;
    retry(x, w, t, recovery);
    return true;
}

/* ---- what is kept of it ----------------------------------------------------------------------------------------- */

static int compare_cases(const struct ud_powercut_case *a, const struct ud_powercut_case *b)
{
    const uint32_t ka[] = { a->operation, (uint32_t)a->variant, a->trial, a->second, (uint32_t)a->second_variant };
    const uint32_t kb[] = { b->operation, (uint32_t)b->variant, b->trial, b->second, (uint32_t)b->second_variant };
    for (unsigned i = 0; i < UD_ARRAY_LEN(ka); i++)
        if (ka[i] != kb[i])
            return ka[i] < kb[i] ? -1 : 1;
    return 0;
}

/* In order, so that the same ones are kept whichever job came first. */
static void keep_violation(struct explorer *x, const struct trial *t)
{
    struct ud_powercut_report *r = x->report;
    uint32_t at = r->kept;
    while (at > 0 && compare_cases(&t->at, &r->violation[at - 1].at) < 0)
        at--;
    if (at == UD_POWERCUT_KEPT)
        return;
    uint32_t moved = (r->kept < UD_POWERCUT_KEPT ? r->kept : UD_POWERCUT_KEPT - 1) - at;
    memmove(&r->violation[at + 1], &r->violation[at], moved * sizeof r->violation[0]);
    r->kept += r->kept < UD_POWERCUT_KEPT;
    struct ud_powercut_violation *v = &r->violation[at];
    *v = (struct ud_powercut_violation){
        .at = t->at, .invariant = t->first, .shown_addr = t->shown_addr, .shown_len = t->shown_len
    };
    struct ud_powercut_id id = {
        .flow = x->flow, .mutant = x->opt->mutant, .image_bytes = x->opt->board ? 0 : x->opt->image_bytes, .at = t->at
    };
    ud_powercut_id_print(&id, v->id);
    memcpy(v->what, t->what, sizeof v->what);
    memcpy(v->booted, t->booted, sizeof v->booted);
    memcpy(v->before, t->before, sizeof v->before);
    memcpy(v->after, t->after, sizeof v->after);
}

static void count_violation(struct explorer *x, const struct trial *t)
{
    struct ud_powercut_report *r = x->report;
    if (!t->is_broken)
        return;
    r->violations++;
    for (unsigned i = 0; i < UD_POWERCUT_INVARIANTS; i++)
        r->broken[i] += t->broken[i];
    keep_violation(x, t);
}

static void count_case(struct explorer *x, const struct trial *t)
{
    struct ud_powercut_report *r = x->report;
    uint32_t n = t->at.operation - 1;
    struct ud_powercut_operation *o = &r->operation[n];
    enum ud_powercut_outcome outcome = t->is_broken    ? UD_POWERCUT_VIOLATED
                                       : t->window     ? UD_POWERCUT_WINDOW
                                       : t->booted_new ? UD_POWERCUT_NEW
                                                       : UD_POWERCUT_OLD;
    pthread_mutex_lock(&x->lock);
    r->cases++;
    r->twice += t->at.second != 0;
    r->boots += t->boots;
    r->booted_old += t->has_booted && !t->booted_new;
    r->booted_new += t->has_booted && t->booted_new;
    r->fall_backs += t->fall_backs;
    r->in_window += t->window;
    x->in_window[n] |= t->window;
    x->bricks[n] |= t->bricked;
    x->window_cases[n] += t->window;
    o->cases[t->at.variant]++;
    o->violations += t->is_broken;
    if (outcome > o->outcome[t->at.variant])
        o->outcome[t->at.variant] = outcome;
    count_violation(x, t);
    pthread_mutex_unlock(&x->lock);
}

/* ---- all cases -------------------------------------------------------------------------------------------------- */

static struct trial new_trial(const struct explorer *x, const struct ud_powercut_case *at)
{
    return (struct trial){ .at = *at, .say = x->opt->say, .say_ctx = x->opt->say_ctx };
}

static void try_twice(struct explorer *x, struct world *w, const uint8_t *before, struct ud_powercut_case at,
                      uint32_t second, enum ud_cut_variant variant)
{
    uint32_t recovery;
    if (variant == UD_CUT_WEAK && x->flow->no_weak)
        return;
    at.second = second;
    at.second_variant = variant;
    struct trial t = new_trial(x, &at);
    if (try_case(x, w, before, &t, &recovery))
        count_case(x, &t);
}

/* Power goes again: at every operation of the recovery, or at some of them. */
static void try_recovery(struct explorer *x, struct world *w, const uint8_t *before, const struct ud_powercut_case *at,
                         uint32_t recovery)
{
    if (recovery == 0)
        return;
    for (uint32_t i = 0; i < x->opt->sample; i++) {
        uint64_t random = mix(seed_of(at) * 31u + i);
        try_twice(x, w, before, *at, 1 + (uint32_t)(random >> 8) % recovery,
                  (enum ud_cut_variant)(random % UD_CUT_AFTER));
    }
    for (uint32_t n = 1; x->opt->sample == 0 && n <= recovery; n++)
        for (unsigned v = 0; v < UD_CUT_AFTER; v++)
            try_twice(x, w, before, *at, n, (enum ud_cut_variant)v);
}

static void try_operation(struct explorer *x, struct world *w, const uint8_t *before, uint32_t number)
{
    const struct operation *o = &x->journal.op[number - 1];
    for (unsigned v = 0; v < UD_CUT_VARIANTS; v++) {
        uint32_t trials = trials_of(x, o, (enum ud_cut_variant)v);
        for (uint32_t i = 0; i < trials; i++) {
            struct ud_powercut_case at = { .operation = number, .variant = (enum ud_cut_variant)v, .trial = i };
            struct trial t = new_trial(x, &at);
            uint32_t recovery;
            (void)try_case(x, w, before, &t, &recovery);
            count_case(x, &t);
            if (x->opt->depth > 1)
                try_recovery(x, w, before, &at, recovery);
        }
    }
}

/* `before` becomes flash after the operation; what the device differs in now is marked. */
static void step(const struct operation *o, uint8_t *before, uint8_t *dirty)
{
    if (o->kind == UD_POWERCUT_BURN)
        return;
    if (o->kind == UD_POWERCUT_ERASE)
        memset(before + o->addr, 0xFF, o->len);
    for (uint32_t i = 0; o->kind == UD_POWERCUT_PROGRAM && i < o->len; i++)
        before[o->addr + i] = (uint8_t)(before[o->addr + i] & o->bytes[i]);
    for (uint32_t s = o->addr / UD_FLASH_SECTOR; s <= (o->addr + o->len - 1) / UD_FLASH_SECTOR; s++)
        dirty[s] = 1;
}

/* `only` NULL: every jobs-th operation from `id` on. False: no memory. */
static bool walk(struct explorer *x, unsigned id, const struct ud_powercut_case *only)
{
    struct world *w = malloc(sizeof *w);
    uint8_t *before = malloc(x->stock.flash_bytes);
    bool ok = w && world_init(w, &x->stock, x->flow, x->opt) && before;
    if (ok) {
        memcpy(before, x->start, x->stock.flash_bytes);
        memset(w->dirty, 1, w->sectors);
    }
    for (uint32_t n = 1; ok && n <= x->journal.count; n++) {
        if (!only && n % x->opt->jobs == id)
            try_operation(x, w, before, n);
        if (only && n == only->operation) {
            struct trial t = new_trial(x, only);
            uint32_t recovery;
            if (!try_case(x, w, before, &t, &recovery))
                trial_say(&t, "the recovery ends before that");
            count_case(x, &t);
        }
        step(&x->journal.op[n - 1], before, w->dirty);
    }
    if (ok) {
        pthread_mutex_lock(&x->lock);
        x->report->copied += w->copied;
        x->report->hashed += w->hashed;
        pthread_mutex_unlock(&x->lock);
    }
    if (w)
        world_drop(w);
    free(w);
    free(before);
    return ok;
}

struct job {
    struct explorer *x;
    unsigned id;
    pthread_t thread;
    bool (*run)(struct explorer *x, unsigned id);
};

static void *work(void *ctx)
{
    struct job *job = ctx;
    bool ok = job->run(job->x, job->id);
    pthread_mutex_lock(&job->x->lock);
    job->x->failed |= !ok;
    job->x->cpu_seconds += seconds_of(CLOCK_THREAD_CPUTIME_ID);
    pthread_mutex_unlock(&job->x->lock);
    return NULL;
}

/* By all jobs at a time; the time it took, and that of the processors. */
static esp_err_t in_parallel(struct explorer *x, bool (*run)(struct explorer *x, unsigned id), double *seconds,
                             double *cpu_seconds)
{
    struct job job[JOBS_MAX];
    unsigned started = 0;
    double begun = seconds_of(CLOCK_MONOTONIC);
    x->cpu_seconds = 0;
    for (; started < x->opt->jobs; started++) {
        job[started] = (struct job){ .x = x, .id = started, .run = run };
        if (pthread_create(&job[started].thread, NULL, work, &job[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(job[i].thread, NULL);
    *seconds = seconds_of(CLOCK_MONOTONIC) - begun;
    *cpu_seconds = x->cpu_seconds;
    if (started < x->opt->jobs || x->failed)
        return because(x->opt, ESP_ERR_NO_MEM, "there is not enough memory for %u jobs", x->opt->jobs);
    return ESP_OK;
}

static bool walk_all(struct explorer *x, unsigned id)
{
    return walk(x, id, NULL);
}

/* ---- the bare loop ---------------------------------------------------------------------------------------------- */

/* Nothing but the work that cannot be saved: as many bytes moved and hashed, image by image. */
static bool copy_and_hash(struct explorer *x, unsigned id)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    const struct blob *image = &x->stock.image[IMAGE_NEW];
    uint64_t copied = x->report->copied / x->opt->jobs, hashed = x->report->hashed / x->opt->jobs;
    uint8_t digest[UD_SHA256_BYTES];
    uint8_t *to = malloc(image->len);
    bool ok = to != NULL;
    (void)id;
    for (uint64_t n = 0; ok && n < copied; n += image->len)
        memcpy(to, image->bytes, image->len);
    for (uint64_t n = 0; ok && n < hashed; n += image->len)
        ok = ud_hash_all(&crypto, UD_HASH_SHA256, to, image->len, digest) == ESP_OK;
    free(to);
    return ok;
}

/* ---- the flow without a cut ------------------------------------------------------------------------------------- */

/* On somebody's board: what runs there is the old image. */
static esp_err_t meet_board(struct explorer *x, struct world *w)
{
    const struct ud_powercut_board *b = x->opt->board;
    struct blob *old = &x->stock.image[IMAGE_OLD];
    if (!x->flow->for_boards)
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "flow '%s' runs on the explorer's own device only",
                       x->flow->name);
    if (world_boot(w) != ESP_OK)
        return because(x->opt, ESP_ERR_NOT_FOUND, "%s: nothing boots to begin with", b->name);
    x->stock.table = w->board.table;
    if (!ud_boot_otadata(&x->stock.table))
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "%s: the partition table has no otadata", b->name);
    const struct ud_partition *next = ud_ota_next_update(&w->board, NULL);
    if (!next || next == w->board.running)
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "%s: there is no OTA slot beside the running one", b->name);
    if (next->size < b->image_len)
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "the new image has %u bytes, %s only %u", (unsigned)b->image_len,
                       next->label, (unsigned)next->size);
    old->len = w->boot.info.len;
    old->bytes = malloc(old->len);
    if (!old->bytes)
        return because(x->opt, ESP_ERR_NO_MEM, "there is not enough memory");
    memcpy(old->bytes, w->bytes + w->board.running->addr, old->len);
    if (world_holds(w, w->board.running, IMAGE_NEW))
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "the new image is the one that runs on %s", b->name);
    world_put(w, 0, b->flash, b->flash_size); /* as it was: that boot does not count */
    memcpy(w->efuse, b->efuse, sizeof w->efuse);
    return ESP_OK;
}

static void note_regions(struct ud_powercut_report *r, const struct stock *s)
{
    uint32_t loader = s->chip->bootloader_offset;
    struct ud_powercut_region *region = r->region;
    region[0] = (struct ud_powercut_region){
        .label = "bootloader", .addr = loader, .size = s->table_offset - loader, .type = UD_PART_BOOTLOADER
    };
    region[1] = (struct ud_powercut_region){
        .label = "table", .addr = s->table_offset, .size = UD_FLASH_SECTOR, .type = UD_PART_TABLE
    };
    r->region_count = 2;
    for (unsigned i = 0; i < s->table.count && r->region_count < UD_POWERCUT_REGIONS; i++) {
        const struct ud_partition *p = &s->table.part[i];
        struct ud_powercut_region *to = &region[r->region_count];
        uint32_t at = r->region_count++;
        *to = (struct ud_powercut_region){ .addr = p->addr, .size = p->size, .type = p->type, .subtype = p->subtype };
        ud_strcopy(to->label, sizeof to->label, p->label, 16);
        for (; at > 2 && region[at].addr < region[at - 1].addr; at--) {
            struct ud_powercut_region later = region[at - 1];
            region[at - 1] = region[at];
            region[at] = later;
        }
    }
}

static esp_err_t note_operations(struct explorer *x, const struct world *w)
{
    struct ud_powercut_report *r = x->report;
    uint32_t n = x->journal.count;
    r->operation_count = n;
    r->operation = calloc(n + 1, sizeof *r->operation);
    r->flash_size = x->stock.flash_bytes;
    r->sector_count = w->sectors;
    r->erases = malloc(w->sectors * sizeof *r->erases);
    r->programs = malloc(w->sectors * sizeof *r->programs);
    x->in_window = calloc(n + 1, sizeof *x->in_window);
    x->bricks = calloc(n + 1, sizeof *x->bricks);
    x->window_cases = calloc(n + 1, sizeof *x->window_cases);
    if (!r->operation || !r->erases || !r->programs || !x->in_window || !x->bricks || !x->window_cases ||
        x->journal.failed)
        return because(x->opt, ESP_ERR_NO_MEM, "there is not enough memory");
    memcpy(r->erases, w->erases, w->sectors * sizeof *r->erases);
    memcpy(r->programs, w->programs, w->sectors * sizeof *r->programs);
    for (uint32_t i = 0; i < n; i++) {
        const struct operation *o = &x->journal.op[i];
        struct ud_powercut_operation *to = &r->operation[i];
        *to = (struct ud_powercut_operation){ .kind = o->kind, .addr = o->addr, .len = o->len, .step = o->step };
        if (o->kind == UD_POWERCUT_BURN)
            ud_strcopy(to->part, sizeof to->part, "eFuse", 16);
        else
            world_name(w, o->addr, to->part);
    }
    note_regions(r, &x->stock);
    return ESP_OK;
}

/* O7 of the flow as it should be: otadata as often as stated ... */
static void check_otadata_erases(const struct explorer *x, const struct world *w, struct trial *t)
{
    uint32_t otadata = world_otadata(w) / UD_FLASH_SECTOR;
    for (unsigned i = 0; i < 2; i++)
        if (w->erases[otadata + i] > x->flow->otadata_erases)
            trial_break(t, UD_POWERCUT_O7, "otadata sector %u is erased %u times, %u is stated", i,
                        (unsigned)w->erases[otadata + i], (unsigned)x->flow->otadata_erases);
}

/* ... and each sector of the image (or of the slot) once and no other of its slot, which runs now. */
static void check_slot_erases(const struct explorer *x, const struct world *w, struct trial *t)
{
    if (x->flow->goal != GOAL_NEW || w->installs != 1 || x->opt->update)
        return;
    uint32_t first = w->board.running->addr / UD_FLASH_SECTOR;
    uint32_t image = (w->download->len + UD_FLASH_SECTOR - 1) / UD_FLASH_SECTOR;
    uint32_t used = x->flow->bulk ? w->board.running->size / UD_FLASH_SECTOR : image;
    for (uint32_t i = 0; i < w->board.running->size / UD_FLASH_SECTOR; i++) {
        if (w->erases[first + i] != (i < used ? 1u : 0u)) {
            trial_break(t, UD_POWERCUT_O7, "sector %u of %s is erased %u times", (unsigned)i, w->board.running->label,
                        (unsigned)w->erases[first + i]);
            return;
        }
    }
}

/* The boot that shows what the flow did, and whether it ended where it says. */
static void check_flow(struct explorer *x, struct world *w, esp_err_t ended, struct trial *t)
{
    bool ran = true;
    trial_say(t, "the flow without a cut: %u operations, ends with %s", (unsigned)x->journal.count, ud_err_name(ended));
    memcpy(x->allowed, w->allowed, w->sectors);
    x->ref.allowed = x->allowed;
    memset(x->allowed + world_otadata(w) / UD_FLASH_SECTOR, 1, 2);
    if (ended != ESP_OK)
        trial_break(t, UD_POWERCUT_O6, "the flow without a cut fails (%s)", ud_err_name(ended));
    check_written(t, w, &x->ref);
    check_otadata_erases(x, w, t);
    if (x->flow->run != world_boot)
        ran = boot_and_check(t, w);
    if (ended == ESP_OK && ran && !x->flow->only_begins &&
        !goal_is_reached(w, x->flow->ends_pending || x->flow->run != world_boot))
        trial_break(t, UD_POWERCUT_O6, "the flow without a cut does not end where it says");
    if (ran && w->board.running)
        check_slot_erases(x, w, t);
}

static esp_err_t record_on(struct explorer *x, struct world *w)
{
    struct trial t = new_trial(x, &(struct ud_powercut_case){ 0 });
    esp_err_t err = x->opt->board ? meet_board(x, w) : ESP_OK;
    if (err != ESP_OK)
        return err;
    if (!x->flow->prepare(w))
        return because(x->opt, ESP_ERR_NOT_SUPPORTED, "%s", w->why ? w->why : "the partition table cannot be read");
    if (x->flow->boots_first && world_boot(w) != ESP_OK)
        return because(x->opt, ESP_ERR_NOT_FOUND, "nothing boots to begin with");
    world_begin(w);
    memcpy(x->start, w->bytes, x->stock.flash_bytes);
    memcpy(x->ref.efuse, w->efuse, sizeof w->efuse);
    world_entries(w, x->ref.entry);
    w->journal = &x->journal;
    esp_err_t ended = x->flow->run(w);
    w->journal = NULL;
    err = note_operations(x, w);
    if (err != ESP_OK)
        return err;
    check_flow(x, w, ended, &t);
    count_violation(x, &t);
    return ESP_OK;
}

static esp_err_t record(struct explorer *x)
{
    struct world *w = malloc(sizeof *w);
    x->start = malloc(x->stock.flash_bytes);
    x->allowed = calloc(x->stock.flash_bytes / UD_FLASH_SECTOR, 1);
    bool ok = w && world_init(w, &x->stock, x->flow, x->opt) && x->start && x->allowed;
    esp_err_t err = ok ? record_on(x, w) : because(x->opt, ESP_ERR_NO_MEM, "there is not enough memory");
    if (w)
        world_drop(w);
    free(w);
    return err;
}

/* ---- the face --------------------------------------------------------------------------------------------------- */

static esp_err_t check_options(const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt)
{
    if (!flow)
        return because(opt, ESP_ERR_INVALID_ARG, "there is no flow");
    if (opt->jobs < 1 || opt->jobs > JOBS_MAX)
        return because(opt, ESP_ERR_INVALID_ARG, "%u jobs are not from 1 to %u", opt->jobs, JOBS_MAX);
    if (opt->depth < 1 || opt->depth > 2)
        return because(opt, ESP_ERR_INVALID_ARG, "depth %u is not 1 or 2", opt->depth);
    if (!opt->board && (opt->image_bytes < 4096 || opt->image_bytes > IMAGE_MAX || opt->image_bytes % 16))
        return because(opt, ESP_ERR_INVALID_ARG, "images of %u bytes are not from 4096 to %u in steps of 16",
                       (unsigned)opt->image_bytes, IMAGE_MAX);
    return ESP_OK;
}

static esp_err_t open_explorer(struct explorer *x, const struct ud_powercut_flow *flow,
                               const struct ud_powercut_options *opt, struct ud_powercut_report *report)
{
    memset(report, 0, sizeof *report);
    memset(x, 0, sizeof *x);
    x->flow = flow;
    x->opt = opt;
    x->report = report;
    esp_err_t err = check_options(flow, opt);
    if (err != ESP_OK)
        return err;
    pthread_mutex_init(&x->lock, NULL);
    x->has_lock = true;
    if (!stock_make(&x->stock, flow, opt))
        return because(opt, ESP_ERR_NO_MEM, "there is not enough memory");
    report->flow = flow;
    report->mutant = opt->mutant;
    report->board = opt->board ? opt->board->name : NULL;
    report->image = opt->board ? opt->board->image_name : NULL;
    report->chip = x->stock.chip->name;
    report->unsafe = flow->unsafe;
    report->image_bytes = x->stock.image[IMAGE_NEW].len;
    report->depth = opt->depth;
    report->sampled = opt->depth > 1 && opt->sample > 0;
    return record(x);
}

static void close_explorer(struct explorer *x)
{
    journal_drop(&x->journal);
    stock_drop(&x->stock);
    free(x->start);
    free(x->allowed);
    free(x->in_window);
    free(x->bricks);
    free(x->window_cases);
    if (x->has_lock)
        pthread_mutex_destroy(&x->lock);
}

/* Neighbouring operations of one kind of window make one. */
static void note_windows(const struct explorer *x)
{
    struct ud_powercut_report *r = x->report;
    for (uint32_t i = 0; i < r->operation_count; i++) {
        struct ud_powercut_window *last = r->window_count ? &r->window[r->window_count - 1] : NULL;
        if (!x->in_window[i])
            continue;
        bool joins =
            last && ((last->last == i && last->bricks == x->bricks[i]) || r->window_count == UD_POWERCUT_WINDOWS);
        if (!joins) {
            last = &r->window[r->window_count++];
            *last = (struct ud_powercut_window){ .first = i + 1, .bricks = x->bricks[i] };
        }
        last->last = i + 1;
        last->bricks |= x->bricks[i];
        last->cases += x->window_cases[i];
    }
}

esp_err_t ud_powercut_explore(const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt,
                              struct ud_powercut_report *report)
{
    struct explorer x;
    struct ud_powercut_options quiet = *opt;
    quiet.say = NULL; /* by many jobs at a time it would say nothing */
    esp_err_t err = open_explorer(&x, flow, &quiet, report);
    if (err == ESP_OK)
        err = in_parallel(&x, walk_all, &report->seconds, &report->cpu_seconds);
    if (err == ESP_OK && opt->measure)
        err = in_parallel(&x, copy_and_hash, &report->bare_seconds, &report->bare_cpu_seconds);
    if (err == ESP_OK)
        note_windows(&x);
    close_explorer(&x);
    return err;
}

esp_err_t ud_powercut_replay(const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt,
                             const struct ud_powercut_case *at, struct ud_powercut_report *report)
{
    struct explorer x;
    struct ud_powercut_options quiet = *opt;
    if (at->operation)
        quiet.say = NULL; /* of the flow itself; the case speaks */
    esp_err_t err = open_explorer(&x, flow, &quiet, report);
    quiet.say = opt->say;
    if (err == ESP_OK && at->operation > x.journal.count)
        err = because(opt, ESP_ERR_INVALID_STATE, "the flow has %u operations", (unsigned)x.journal.count);
    const struct operation *o = err == ESP_OK && at->operation ? &x.journal.op[at->operation - 1] : NULL;
    if (o && at->trial >= trials_of(&x, o, at->variant))
        err = because(opt, ESP_ERR_INVALID_STATE, "operation %u has no such variant or trial", (unsigned)at->operation);
    if (o && err == ESP_OK) {
        report->violations = report->kept = 0; /* of the flow itself: this is about one case */
        memset(report->broken, 0, sizeof report->broken);
        if (!walk(&x, 0, at))
            err = because(opt, ESP_ERR_NO_MEM, "there is not enough memory");
    }
    if (err == ESP_OK)
        note_windows(&x);
    close_explorer(&x);
    return err;
}

void ud_powercut_report_drop(struct ud_powercut_report *report)
{
    free(report->operation);
    free(report->erases);
    free(report->programs);
    report->operation = NULL;
    report->erases = report->programs = NULL;
    report->operation_count = report->sector_count = 0;
}
