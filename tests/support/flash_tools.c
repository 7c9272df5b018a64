/* SPDX-License-Identifier: Apache-2.0 */
/* Flash decorators of the tests: see flash_tools.h. */
#include "flash_tools.h"

/* ---- record -------------------------------------------------------------------------------------------------- */

static esp_err_t record_start(void *ctx, const struct ud_flash_request *req)
{
    struct record_flash *rec = ctx;
    if (req->op == UD_FLASH_READ) {
        rec->reads++;
        rec->read_bytes += req->len;
    } else {
        if (rec->count < RECORD_MAX) {
            rec->op[rec->count].op = req->op;
            rec->op[rec->count].addr = req->addr;
            rec->op[rec->count].len = req->len;
        }
        rec->count++;
    }
    return ud_flash_start(rec->below, req);
}

static esp_err_t record_poll(void *ctx, uint64_t *wait_us)
{
    struct record_flash *rec = ctx;
    return ud_flash_poll(rec->below, wait_us);
}

void record_flash_init(struct record_flash *rec, struct ud_flash *flash, struct ud_flash *below)
{
    static const struct ud_flash_ops ops = { record_start, record_poll };
    memset(rec, 0, sizeof *rec);
    rec->below = below;
    *flash = (struct ud_flash){ .ops = &ops, .ctx = rec, .geometry = below->geometry, .observer = below->observer };
}

void record_flash_clear(struct record_flash *rec)
{
    rec->count = 0;
    rec->reads = 0;
    rec->read_bytes = 0;
}

/* ---- fail ---------------------------------------------------------------------------------------------------- */

static esp_err_t fail_with(struct fail_flash *fail)
{
    if (!fail->fail_at_poll)
        return ESP_ERR_FLASH_OP_FAIL;
    fail->pending = ESP_ERR_FLASH_OP_FAIL;
    return ESP_OK;
}

/* The first half of the operation, in whole sectors for an erase. */
static void do_half(struct fail_flash *fail, const struct ud_flash_request *req)
{
    esp_err_t err = ESP_OK;
    if (req->op == UD_FLASH_ERASE)
        err = ud_flash_erase(fail->below, req->addr, req->len / 2 / UD_FLASH_SECTOR * UD_FLASH_SECTOR);
    else if (req->op == UD_FLASH_PROGRAM)
        err = ud_flash_program(fail->below, req->addr, req->out, req->len / 2);
    (void)err;
}

static esp_err_t program_wrong(struct fail_flash *fail, const struct ud_flash_request *req)
{
    uint8_t last = (uint8_t)(((const uint8_t *)req->out)[req->len - 1] & 0xFEu);
    esp_err_t err = ud_flash_program(fail->below, req->addr, req->out, req->len - 1);
    if (err == ESP_OK)
        err = ud_flash_program(fail->below, req->addr + req->len - 1, &last, 1);
    fail->pending = ESP_OK;
    return err;
}

static esp_err_t fail_start(void *ctx, const struct ud_flash_request *req)
{
    struct fail_flash *fail = ctx;
    bool read = req->op == UD_FLASH_READ;
    uint32_t n = read ? fail->reads++ : fail->count++;
    bool hit = n == fail->at && read == (fail->mode == FAIL_READ_ONCE);

    fail->pending = ESP_ERR_NOT_FINISHED; /* ask below */
    if (fail->down)
        return fail_with(fail);
    if (!hit || fail->mode == FAIL_NEVER)
        return ud_flash_start(fail->below, req);
    if (fail->mode == FAIL_SILENT)
        return program_wrong(fail, req);
    if (fail->mode == FAIL_TORN)
        do_half(fail, req);
    fail->down = fail->mode == FAIL_FROM || fail->mode == FAIL_TORN;
    return fail_with(fail);
}

static esp_err_t fail_poll(void *ctx, uint64_t *wait_us)
{
    struct fail_flash *fail = ctx;
    *wait_us = 0;
    if (fail->pending != ESP_ERR_NOT_FINISHED)
        return fail->pending;
    return ud_flash_poll(fail->below, wait_us);
}

void fail_flash_init(struct fail_flash *fail, struct ud_flash *flash, struct ud_flash *below)
{
    static const struct ud_flash_ops ops = { fail_start, fail_poll };
    *fail = (struct fail_flash){ .below = below };
    *flash = (struct ud_flash){ .ops = &ops, .ctx = fail, .geometry = below->geometry, .observer = below->observer };
}

void fail_flash_arm(struct fail_flash *fail, enum fail_mode mode, uint32_t at)
{
    fail->mode = mode;
    fail->at = at;
    fail->count = 0;
    fail->reads = 0;
    fail->down = false;
}
