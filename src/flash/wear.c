/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what is asked of the device below, before it is asked: a failing operation wears too. */
#include "updraft/flash_wear.h"

/* One more for each unit that [addr, addr + len) touches; their number. */
static uint32_t count(uint32_t *counter, uint32_t unit, uint32_t addr, uint32_t len)
{
    uint32_t first = addr / unit;
    uint32_t last = (addr + (len - 1)) / unit;
    for (uint32_t i = first; counter && i <= last; i++)
        counter[i]++;
    return last - first + 1;
}

static esp_err_t wear_start(void *ctx, const struct ud_flash_request *req)
{
    struct ud_wear_flash *wear = ctx;
    const struct ud_flash_geometry *g = &wear->below->geometry;
    wear->below->observer = wear->device->observer;
    switch (req->op) {
    case UD_FLASH_READ:
        wear->read_bytes += req->len;
        break;
    case UD_FLASH_PROGRAM:
        wear->programmed_pages += count(wear->programs, g->page, req->addr, req->len);
        break;
    case UD_FLASH_ERASE:
        wear->erased_sectors += count(wear->erases, g->sector, req->addr, req->len);
        break;
    }
    return ud_flash_start(wear->below, req);
}

static esp_err_t wear_poll(void *ctx, uint64_t *wait_us)
{
    struct ud_wear_flash *wear = ctx;
    wear->below->observer = wear->device->observer;
    return ud_flash_poll(wear->below, wait_us);
}

void ud_wear_flash_init(struct ud_wear_flash *wear, struct ud_flash *flash, struct ud_flash *below, uint32_t *erases,
                        uint32_t *programs)
{
    static const struct ud_flash_ops ops = { wear_start, wear_poll };
    *wear = (struct ud_wear_flash){ .below = below, .device = flash, .erases = erases, .programs = programs };
    *flash = (struct ud_flash){
        .ops = &ops, .ctx = wear, .geometry = below->geometry, .clock = below->clock, .observer = below->observer
    };
}
