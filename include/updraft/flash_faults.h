/* SPDX-License-Identifier: Apache-2.0 */
/**
 * flash_faults: a device that loses its power, fails and forgets, as told. Equal settings and seed: equal bytes.
 *
 * An *operation* is what the chip does at a stretch: the program of one page, or the erase of one sector or block (see
 * ud_flash_step). Reads are not counted. Order of decorators, from the driver up: timing, faults, wear.
 *
 *     struct ud_fault_flash ff;
 *     struct ud_flash flash;
 *     ud_fault_flash_init(&ff, &flash, &below, 1);
 *     ud_fault_flash_cut(&ff, 7, UD_CUT_BITS);   // inside the seventh operation from now
 *     ... everything fails from then on with ESP_ERR_FLASH_OP_FAIL, reads too ...
 *     ud_fault_flash_power_on(&ff);              // what the cut left behind is there to be read
 */
#ifndef UPDRAFT_FLASH_FAULTS_H
#define UPDRAFT_FLASH_FAULTS_H

#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where, around or inside its operation, the power goes. */
enum ud_cut_variant {
    UD_CUT_BEFORE,         /* nothing of it has happened */
    UD_CUT_PREFIX,         /* program: the first k bytes; erase: the first k bytes are blank, the others as before */
    UD_CUT_BITS,           /* program: some of the bits to be cleared are; erase: some of the bits to be set are */
    UD_CUT_WEAK,           /* as BITS, and half of the bits left 0 read differently each time until erased again */
    UD_CUT_UNACKNOWLEDGED, /* done, but the caller hears of a failure */
    UD_CUT_AFTER,          /* done, and the caller is told so; nothing after it */
    UD_CUT_VARIANTS,       /* how many there are */
};
/** "before", "prefix", "bits", "weak", "unacknowledged", "after"; NULL beyond. */
const char *ud_cut_variant_name(enum ud_cut_variant variant);
/** The variant of that name; UD_CUT_VARIANTS when there is none. */
enum ud_cut_variant ud_cut_variant_find(const char *name);

enum ud_fault_kind {
    UD_FAULT_FAIL_ERASE,   /* ESP_ERR_FLASH_OP_FAIL, nothing has changed */
    UD_FAULT_FAIL_PROGRAM, /* the same of a page program */
    UD_FAULT_FAIL_READ,    /* the same of a read; the buffer is untouched */
    UD_FAULT_TEAR_ERASE,   /* ESP_ERR_FLASH_OP_FAIL, and some bits have changed, as in UD_CUT_BITS */
    UD_FAULT_TEAR_PROGRAM, /* the same of a page program */
    UD_FAULT_STUCK_0,      /* `bits` of each byte always read 0; erases and programs say that they went well */
    UD_FAULT_STUCK_1,      /* ... always read 1 */
    UD_FAULT_FLIP,     /* `bits` of each byte read inverted: with `after` = 1, the second look sees another content */
    UD_FAULT_UNSTABLE, /* `bits` of each byte read at random, differently each time */
};
/** A fault that comes up when an operation or read touches [addr, addr + len). */
struct ud_fault {
    enum ud_fault_kind kind;
    uint32_t addr;
    uint32_t len;
    uint8_t bits;   /* STUCK, FLIP, UNSTABLE: which bits of each byte of the range */
    uint32_t after; /* the first so many that touch the range go well */
    uint32_t times; /* then so many do not, the others again; 0: all */
    uint32_t seen;  /* counted here; 0 to begin with */
};

/** One operation that is about to happen. */
struct ud_fault_operation {
    uint32_t number; /* from 1, since init */
    enum ud_flash_op op;
    uint32_t addr;
    uint32_t len;
};

#define UD_FAULT_WEAK_MAX 32u /* places with weak bits at a time; the oldest settles when there are more */

struct ud_fault_flash {
    struct ud_flash *below;
    struct ud_flash *device;
    uint64_t random;

    /* Settings, which may change between operations. */
    struct ud_fault *fault; /* caller's, kept; NULL after init */
    size_t fault_count;
    uint32_t cut_at; /* absolute number of the operation; 0: never (see ud_fault_flash_cut) */
    enum ud_cut_variant cut_variant;
    uint32_t cut_bytes; /* PREFIX: k; 0: by seed */
    /** Called before each operation, the one with the cut included (not when off). NULL: nobody looks; faster. */
    void (*before)(void *ctx, const struct ud_fault_operation *op);
    /** Called when the power has gone, flash as the cut leaves it; need not return. May be NULL. */
    void (*power_cut)(void *ctx);
    void *ctx; /* of both */

    /* To be read. */
    uint32_t operations;           /* begun so far, since init */
    bool off;                      /* the power has gone */
    struct ud_fault_operation cut; /* the operation of the last cut; number 0: none yet */

    /* Private. */
    struct ud_flash_request req; /* running */
    uint32_t done;               /* bytes of it that are behind us */
    uint32_t step;               /* bytes of the operation that runs below; 0: none */
    bool cut_after;              /* the power goes when that operation has ended */
    bool ended;                  /* the request has ended with `result` */
    esp_err_t result;
    struct {
        uint32_t addr, len;
        uint64_t seed;
    } weak[UD_FAULT_WEAK_MAX];
    uint32_t weak_next;
    uint8_t scratch[UD_FLASH_SECTOR];
};
/**
 * `flash` becomes the decorated device over `below`; all are kept and must not move. No faults, no cut. Geometry and
 * clock are those of `below`; sector at most UD_FLASH_SECTOR.
 */
void ud_fault_flash_init(struct ud_fault_flash *ff, struct ud_flash *flash, struct ud_flash *below, uint64_t seed);
/** The power goes at operation `n` from now (1: the next), in that way; n = 0: never. */
void ud_fault_flash_cut(struct ud_fault_flash *ff, uint32_t n, enum ud_cut_variant variant);
/** Power is back: nothing is busy, no cut is set; operations go on being counted, weak bits stay weak. */
void ud_fault_flash_power_on(struct ud_fault_flash *ff);
/** No place is weak any more: what is below was replaced by a snapshot. */
void ud_fault_flash_settle(struct ud_fault_flash *ff);
/**
 * Time passes on a shelf: `bits` different bits of [addr, addr + len), chosen by seed, are inverted. Writes below,
 * uncounted. Errors: those of `below`; ESP_ERR_INVALID_SIZE beyond the device or more bits than there are.
 */
UD_MUST_USE esp_err_t ud_fault_flash_rot(struct ud_fault_flash *ff, uint32_t addr, uint32_t len, uint32_t bits);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_FLASH_FAULTS_H */
