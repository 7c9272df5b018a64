/* SPDX-License-Identifier: Apache-2.0 */
/**
 * flash_timing: the time that real NOR parts need, as a decorator, on a virtual clock or the real one.
 *
 *     struct ud_timed_flash timed;
 *     struct ud_flash flash;
 *     ud_timed_flash_init(&timed, &flash, &below, &clock, ud_flash_part_find("W25Q32JV"), 1);
 *
 * Order of decorators, from the driver up: timing, faults, wear. Numbers, and where they are from:
 * docs/formats/flash-parts.md. A page takes its time whatever part of it is programmed.
 */
#ifndef UPDRAFT_FLASH_TIMING_H
#define UPDRAFT_FLASH_TIMING_H

#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Typical and longest time of one operation. */
struct ud_flash_time {
    uint32_t typical_us;
    uint32_t max_us;
};

struct ud_flash_part {
    const char *name; /* as on the chip: "W25Q32JV" */
    uint32_t size;    /* bytes; 0: any */
    struct ud_flash_time program_page;
    struct ud_flash_time erase_4k;
    struct ud_flash_time erase_32k;
    struct ud_flash_time erase_64k;
    uint32_t suspend_us;    /* from the suspend command until reading is possible, at most */
    uint32_t read_ns_start; /* command, address and wait cycles of a read */
    uint32_t read_ns_byte;  /* each byte of it: quad output at 80 MHz, as ESP32 chips read */
    uint32_t status_ns;     /* one reading of the status register */
};

/** Number `i` of the parts known, from 0; NULL beyond. The last is "ideal", which takes no time. */
const struct ud_flash_part *ud_flash_part_at(size_t i);
/** By name, upper or lower case; NULL when not known. */
const struct ud_flash_part *ud_flash_part_find(const char *name);

/** How long operations take within typical and longest. */
enum ud_flash_pace {
    UD_FLASH_TYPICAL, /* always the typical time */
    UD_FLASH_JITTER,  /* by seed: mostly near typical, one in sixteen anywhere up to the longest */
    UD_FLASH_SLOWEST, /* always the longest time */
};

/**
 * A request is cut into operations as by ud_flash_step: each takes its own time, and the request ends when all have
 * passed. The operation below starts at once; only its end is held back. `poll` answers how long to wait for the
 * end, but at most `poll_us` at a time when that is not 0: a driver that asks the status register.
 */
struct ud_timed_flash {
    struct ud_flash *below;
    const struct ud_flash *device; /* the decorated one, whose observer is told */
    const struct ud_clock *clock;
    const struct ud_flash_part *part;
    enum ud_flash_pace pace; /* TYPICAL after init with seed 0, else JITTER; may be set */
    uint32_t poll_us;        /* 0 after init; may be set */
    uint64_t random;
    uint64_t left_ns;    /* parts of a microsecond not yet waited for */
    uint64_t ready_us;   /* when the running operation may end, on the clock */
    uint64_t busy_us;    /* all the time taken so far */
    uint64_t polls;      /* how often busy was the answer */
    uint64_t longest_us; /* the longest of the requests so far */
    bool ended;          /* below has ended, with `result`; only the time is still to pass */
    esp_err_t result;
};
/** `flash` becomes the decorated device over `below`; all are kept and must not move. Geometry is that of `below`. */
void ud_timed_flash_init(struct ud_timed_flash *timed, struct ud_flash *flash, struct ud_flash *below,
                         const struct ud_clock *clock, const struct ud_flash_part *part, uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_FLASH_TIMING_H */
