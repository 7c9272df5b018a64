/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of real parts: operation by operation, the end of a request is held back until its time has passed.
 *
 * Where the table's numbers are from, and how sure they are: docs/formats/flash-parts.md, to be changed with it.
 */
#include "random.h"
#include "updraft/flash_timing.h"

#define MIB 0x100000u

static const struct ud_flash_part parts[] = {
    { .name = "W25Q32JV",
      .size = 4 * MIB,
      .program_page = { 400, 3000 },
      .erase_4k = { 45000, 400000 },
      .erase_32k = { 120000, 1600000 },
      .erase_64k = { 150000, 2000000 },
      .suspend_us = 20,
      .read_ns_start = 175,
      .read_ns_byte = 25,
      .status_ns = 200 },
    { .name = "GD25Q32E",
      .size = 4 * MIB,
      .program_page = { 500, 2400 },
      .erase_4k = { 45000, 400000 },
      .erase_32k = { 150000, 1600000 },
      .erase_64k = { 250000, 3000000 },
      .suspend_us = 20,
      .read_ns_start = 175,
      .read_ns_byte = 25,
      .status_ns = 200 },
    { .name = "MX25L3233F",
      .size = 4 * MIB,
      .program_page = { 330, 1200 },
      .erase_4k = { 25000, 200000 },
      .erase_32k = { 140000, 600000 },
      .erase_64k = { 250000, 1000000 },
      .suspend_us = 20,
      .read_ns_start = 175,
      .read_ns_byte = 25,
      .status_ns = 200 },
    { .name = "ideal" },
};

const struct ud_flash_part *ud_flash_part_at(size_t i)
{
    return i < UD_ARRAY_LEN(parts) ? &parts[i] : NULL;
}

const struct ud_flash_part *ud_flash_part_find(const char *name)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(parts); i++)
        if (ud_strcaseeq(parts[i].name, name))
            return &parts[i];
    return NULL;
}

/* Fifteen of sixteen within a quarter of typical, the other one anywhere up to the longest; never beyond that. */
static uint32_t jitter(uint64_t *random, const struct ud_flash_time *t)
{
    uint32_t quarter = t->typical_us / 4;
    uint32_t us = random_below(random, 16) > 0 ? t->typical_us - quarter + random_below(random, 2 * quarter + 1)
                                               : t->typical_us + random_below(random, t->max_us - t->typical_us + 1);
    return us < t->max_us ? us : t->max_us;
}

static uint32_t time_of(struct ud_timed_flash *timed, const struct ud_flash_time *t)
{
    switch (timed->pace) {
    case UD_FLASH_TYPICAL:
        return t->typical_us;
    case UD_FLASH_JITTER:
        return jitter(&timed->random, t);
    case UD_FLASH_SLOWEST:
        return t->max_us;
    }
    return t->max_us;
}

static const struct ud_flash_time *times(const struct ud_flash_part *part, enum ud_flash_op op, uint32_t step)
{
    if (op == UD_FLASH_PROGRAM)
        return &part->program_page;
    return step >= 0x10000 ? &part->erase_64k : step >= 0x8000 ? &part->erase_32k : &part->erase_4k;
}

/* Microseconds of a whole request; what a read takes beyond a microsecond is kept for the next one. */
static uint64_t duration(struct ud_timed_flash *timed, const struct ud_flash_request *req)
{
    uint64_t us = 0;
    if (req->op == UD_FLASH_READ) {
        uint64_t ns = timed->left_ns + timed->part->read_ns_start + (uint64_t)timed->part->read_ns_byte * req->len;
        timed->left_ns = ns % 1000;
        return ns / 1000;
    }
    uint32_t step;
    for (uint32_t off = 0; off < req->len; off += step) {
        step = ud_flash_step(&timed->below->geometry, req, off);
        us += time_of(timed, times(timed->part, req->op, step));
    }
    return us;
}

static esp_err_t timed_start(void *ctx, const struct ud_flash_request *req)
{
    struct ud_timed_flash *timed = ctx;
    timed->below->observer = timed->device->observer;
    uint64_t us = duration(timed, req);
    timed->ready_us = ud_clock_now_us(timed->clock) + us;
    timed->ended = false;
    esp_err_t err = ud_flash_start(timed->below, req);
    if (err != ESP_OK)
        return err;
    timed->busy_us += us;
    timed->longest_us = us > timed->longest_us ? us : timed->longest_us;
    return ESP_OK;
}

/* Still busy: how long until the end, or until the status register is read again. */
static esp_err_t busy(struct ud_timed_flash *timed, uint64_t left_us, uint64_t *wait_us)
{
    timed->polls++;
    timed->left_ns += timed->part->status_ns;
    *wait_us = timed->poll_us && timed->poll_us < left_us ? timed->poll_us : left_us;
    return ESP_ERR_NOT_FINISHED;
}

static esp_err_t timed_poll(void *ctx, uint64_t *wait_us)
{
    struct ud_timed_flash *timed = ctx;
    if (!timed->ended) {
        timed->below->observer = timed->device->observer; /* it may have changed since */
        esp_err_t err = ud_flash_poll(timed->below, wait_us);
        if (err == ESP_ERR_NOT_FINISHED)
            return err;
        timed->ended = true;
        timed->result = err;
    }
    uint64_t now_us = ud_clock_now_us(timed->clock);
    return now_us < timed->ready_us ? busy(timed, timed->ready_us - now_us, wait_us) : timed->result;
}

void ud_timed_flash_init(struct ud_timed_flash *timed, struct ud_flash *flash, struct ud_flash *below,
                         const struct ud_clock *clock, const struct ud_flash_part *part, uint64_t seed)
{
    static const struct ud_flash_ops ops = { timed_start, timed_poll };
    *timed = (struct ud_timed_flash){ .below = below,
                                      .device = flash,
                                      .clock = clock,
                                      .part = part,
                                      .pace = seed ? UD_FLASH_JITTER : UD_FLASH_TYPICAL,
                                      .random = seed };
    *flash = (struct ud_flash){
        .ops = &ops, .ctx = timed, .geometry = below->geometry, .clock = clock, .observer = below->observer
    };
}
