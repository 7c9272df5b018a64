/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow device: each sector erased and each page programmed takes a fixed extra time.
 *
 * The operation below starts at once; its end is held back until the extra time has passed on the clock. So a slow
 * flash in virtual time costs nothing, and one in real time can be interrupted where a real chip could.
 */
#include "updraft/flash.h"

/* Pages or sectors that the operation touches, partly covered ones included. */
static uint32_t units(const struct ud_flash *below, const struct ud_flash_request *req)
{
    if (req->op == UD_FLASH_READ)
        return 0;
    uint32_t unit = req->op == UD_FLASH_ERASE ? below->geometry.sector : below->geometry.page;
    return (req->addr + (req->len - 1)) / unit - req->addr / unit + 1;
}

static esp_err_t slow_start(void *ctx, const struct ud_flash_request *req)
{
    struct ud_slow_flash *slow = ctx;
    slow->below->observer = slow->device->observer;
    slow->ready_us = ud_clock_now_us(slow->clock) + slow->op_us * units(slow->below, req);
    slow->ended = false;
    return ud_flash_start(slow->below, req);
}

static esp_err_t slow_poll(void *ctx, uint64_t *wait_us)
{
    struct ud_slow_flash *slow = ctx;
    if (!slow->ended) {
        slow->below->observer = slow->device->observer; /* it may have changed since */
        esp_err_t err = ud_flash_poll(slow->below, wait_us);
        if (err == ESP_ERR_NOT_FINISHED)
            return err;
        slow->ended = true;
        slow->result = err;
    }
    uint64_t now_us = ud_clock_now_us(slow->clock);
    if (now_us >= slow->ready_us)
        return slow->result;
    *wait_us = slow->ready_us - now_us;
    return ESP_ERR_NOT_FINISHED;
}

void ud_slow_flash_init(struct ud_slow_flash *slow, struct ud_flash *flash, struct ud_flash *below,
                        const struct ud_clock *clock, uint64_t op_us)
{
    static const struct ud_flash_ops ops = { slow_start, slow_poll };
    *slow = (struct ud_slow_flash){ .below = below, .device = flash, .clock = clock, .op_us = op_us };
    *flash = (struct ud_flash){
        .ops = &ops, .ctx = slow, .geometry = below->geometry, .clock = clock, .observer = below->observer
    };
}
