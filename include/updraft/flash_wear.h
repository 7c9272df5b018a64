/* SPDX-License-Identifier: Apache-2.0 */
/**
 * flash_wear: counts erases of each sector and programs of each page, in the caller's arrays.
 *
 *     static uint32_t erases[SIZE / 4096], programs[SIZE / 256];   // zeroed by the caller
 *     struct ud_wear_flash wear;
 *     ud_wear_flash_init(&wear, &flash, &below, erases, programs);
 *
 * The topmost decorator: driver, timing, faults, wear. It counts what was asked of the device, whether it ended well or
 * not; a request that a power cut ended early counts whole.
 */
#ifndef UPDRAFT_FLASH_WEAR_H
#define UPDRAFT_FLASH_WEAR_H

#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ud_wear_flash {
    struct ud_flash *below;
    const struct ud_flash *device; /* the decorated one, whose observer is told */
    uint32_t *erases;              /* one a sector */
    uint32_t *programs;            /* one a page */
    uint64_t erased_sectors;       /* sums since init */
    uint64_t programmed_pages;
    uint64_t read_bytes;
};
/**
 * `flash` becomes the decorated device over `below`; all are kept and must not move. `erases` has size / sector
 * elements, `programs` size / page; either may be NULL, and neither is zeroed here.
 */
void ud_wear_flash_init(struct ud_wear_flash *wear, struct ud_flash *flash, struct ud_flash *below, uint32_t *erases,
                        uint32_t *programs);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_FLASH_WEAR_H */
