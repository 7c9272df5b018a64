/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NOR device as everybody sees it: range and alignment are checked here once, so that drivers may trust their
 * requests; the waiting forms are a start followed by polls.
 *
 * The write generation is raised when an erase or program is handed to the driver, before its outcome is known: a
 * failed or interrupted operation may have changed bytes too.
 */
#include "updraft/flash.h"

static const char *const op_names[] = {
    [UD_FLASH_READ] = "read",
    [UD_FLASH_PROGRAM] = "program",
    [UD_FLASH_ERASE] = "erase",
};

static esp_err_t check(const struct ud_flash *f, enum ud_flash_op op, uint32_t addr, uint32_t len)
{
    if (addr > f->geometry.size)
        return ESP_ERR_INVALID_ARG;
    if (op == UD_FLASH_ERASE && addr % f->geometry.sector != 0)
        return ESP_ERR_INVALID_ARG;
    if (len > f->geometry.size - addr)
        return ESP_ERR_INVALID_SIZE;
    if (op == UD_FLASH_ERASE && len % f->geometry.sector != 0)
        return ESP_ERR_INVALID_SIZE;
    return ESP_OK;
}

uint32_t ud_flash_step(const struct ud_flash_geometry *g, const struct ud_flash_request *req, uint32_t done)
{
    uint32_t addr = req->addr + done;
    uint32_t left = req->len - done;
    uint32_t unit = left;
    if (req->op == UD_FLASH_PROGRAM)
        unit = g->page - addr % g->page;
    else if (req->op == UD_FLASH_ERASE)
        unit = addr % g->block == 0 && left >= g->block ? g->block : g->sector;
    return unit < left ? unit : left;
}

esp_err_t ud_flash_start(struct ud_flash *f, const struct ud_flash_request *req)
{
    if (f->busy)
        return ESP_ERR_INVALID_STATE;
    esp_err_t err = check(f, req->op, req->addr, req->len);
    if (err != ESP_OK)
        return err;
    if (req->len == 0)
        return ESP_ERR_INVALID_SIZE;
    if (req->op != UD_FLASH_READ)
        f->generation++;
    err = f->ops->start(f->ctx, req);
    f->busy = err == ESP_OK;
    return err;
}

esp_err_t ud_flash_poll(struct ud_flash *f, uint64_t *wait_us)
{
    *wait_us = 0;
    if (!f->busy)
        return ESP_ERR_INVALID_STATE;
    esp_err_t err = f->ops->poll(f->ctx, wait_us);
    if (err != ESP_ERR_NOT_FINISHED)
        f->busy = false;
    return err;
}

static esp_err_t wait_end(struct ud_flash *f)
{
    for (;;) {
        uint64_t wait_us;
        esp_err_t err = ud_flash_poll(f, &wait_us);
        if (err != ESP_ERR_NOT_FINISHED)
            return err;
        if (f->clock && wait_us > 0)
            ud_clock_wait_us(f->clock, wait_us);
    }
}

/* Start, then poll until it has ended. A zero length is checked like any other, but the driver never sees it. */
static esp_err_t run(struct ud_flash *f, const struct ud_flash_request *req)
{
    if (req->len == 0)
        return f->busy ? ESP_ERR_INVALID_STATE : check(f, req->op, req->addr, 0);

    esp_err_t err = ud_flash_start(f, req);
    if (err == ESP_OK)
        err = wait_end(f);
    /* Arguments are the caller's mistake, reported by code alone; a device that fails is worth a note. */
    if (err == ESP_ERR_FLASH_OP_FAIL || err == ESP_ERR_FLASH_OP_TIMEOUT)
        (void)ud_note(f->observer, UD_NOTE_FLASH_FAILED, err, req->addr, req->len, op_names[req->op]);
    return err;
}

esp_err_t ud_flash_read(struct ud_flash *f, uint32_t addr, void *buf, uint32_t len)
{
    return run(f, &(struct ud_flash_request){ .op = UD_FLASH_READ, .addr = addr, .len = len, .in = buf });
}

esp_err_t ud_flash_program(struct ud_flash *f, uint32_t addr, const void *data, uint32_t len)
{
    return run(f, &(struct ud_flash_request){ .op = UD_FLASH_PROGRAM, .addr = addr, .len = len, .out = data });
}

esp_err_t ud_flash_erase(struct ud_flash *f, uint32_t addr, uint32_t len)
{
    return run(f, &(struct ud_flash_request){ .op = UD_FLASH_ERASE, .addr = addr, .len = len });
}
