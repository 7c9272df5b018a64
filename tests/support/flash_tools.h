/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Flash decorators of the tests: one writes down what is changed, one fails or cuts power at a chosen operation. They
 * stack over any struct ud_flash.
 *
 *     struct record_flash rec;
 *     struct ud_flash flash;
 *     record_flash_init(&rec, &flash, &below);
 *     ... use flash ...
 *     rec.op[0].op == UD_FLASH_ERASE, rec.op[0].addr, rec.count
 */
#ifndef TESTS_FLASH_TOOLS_H
#define TESTS_FLASH_TOOLS_H

#include "updraft/flash.h"

#define RECORD_MAX 512u

struct record_flash {
    struct ud_flash *below;
    uint32_t count; /* erases and programs so far; those beyond RECORD_MAX are only counted */
    uint32_t reads;
    uint64_t read_bytes;
    struct {
        enum ud_flash_op op;
        uint32_t addr;
        uint32_t len;
    } op[RECORD_MAX];
};
void record_flash_init(struct record_flash *rec, struct ud_flash *flash, struct ud_flash *below);
void record_flash_clear(struct record_flash *rec);

enum fail_mode {
    FAIL_NEVER,
    FAIL_ONCE,     /* operation `at` answers ESP_ERR_FLASH_OP_FAIL and does nothing; the others work */
    FAIL_FROM,     /* it and every later one, reads included: power is gone */
    FAIL_TORN,     /* as FAIL_FROM, but the first half of operation `at` is done */
    FAIL_SILENT,   /* operation `at`, a program, reports success and flips bit 0 of its last byte to 0 */
    FAIL_READ_ONCE /* `at` counts reads instead */
};

/** Counts erases and programs from 0 (FAIL_READ_ONCE: reads). */
struct fail_flash {
    struct ud_flash *below;
    enum fail_mode mode;
    uint32_t at;
    uint32_t count;
    uint32_t reads;
    bool down;
    bool fail_at_poll; /* a started operation fails when polled instead of when started */
    esp_err_t pending;
};
void fail_flash_init(struct fail_flash *fail, struct ud_flash *flash, struct ud_flash *below);
/** Count from 0 again and fail at `at`. */
void fail_flash_arm(struct fail_flash *fail, enum fail_mode mode, uint32_t at);

#endif /* TESTS_FLASH_TOOLS_H */
