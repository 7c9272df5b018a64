/* SPDX-License-Identifier: Apache-2.0 */
/**
 * flash: a NOR flash device. Erase sets whole sectors to 0xFF; programming only clears bits; any byte can be read.
 *
 * A driver implements `start` and `poll` and nothing else; a decorator implements the same two over another device
 * (driver <- timing <- faults <- wear). The waiting calls below are built on them and check range and alignment
 * first, so that every driver may trust its arguments:
 *
 *     struct ud_ram_flash ram;
 *     struct ud_flash flash;
 *     ud_ram_flash_init(&ram, &flash, bytes, sizeof bytes);   // bytes: caller's, kept
 *     esp_err_t err = ud_flash_erase(&flash, 0x10000, 0x1000);
 *     if (err == ESP_OK) err = ud_flash_program(&flash, 0x10000, data, len);
 *
 * Errors of every operation: ESP_ERR_INVALID_ARG (address beyond the device, erase address not on a sector),
 * ESP_ERR_INVALID_SIZE (length beyond the end, erase length not a multiple of the sector), ESP_ERR_INVALID_STATE
 * (start while busy), ESP_ERR_FLASH_OP_FAIL (the device failed, or strict mode: the bytes did not end as asked),
 * ESP_ERR_FLASH_OP_TIMEOUT. One operation at a time; threads are kept apart by the board's lock.
 */
#ifndef UPDRAFT_FLASH_H
#define UPDRAFT_FLASH_H

#include "updraft/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ud_flash_geometry {
    uint32_t size;   /* bytes, multiple of sector */
    uint32_t page;   /* program page, bytes (256) */
    uint32_t sector; /* smallest erase unit, bytes (4096) */
    uint32_t block;  /* large erase unit, bytes (65536) */
};
#define UD_FLASH_GEOMETRY(size_) ((struct ud_flash_geometry){ (size_), 256u, 4096u, 65536u })
#define UD_FLASH_SECTOR          4096u

enum ud_flash_op { UD_FLASH_READ, UD_FLASH_PROGRAM, UD_FLASH_ERASE };

/** One operation; the buffers are the caller's until poll says it has ended. */
struct ud_flash_request {
    enum ud_flash_op op;
    uint32_t addr;
    uint32_t len;
    void *in;        /* READ: filled */
    const void *out; /* PROGRAM: taken */
};

struct ud_flash_ops {
    /**
     * Begin. The request is valid (range, alignment, length >= 1, not busy). ESP_OK: poll until it has ended; else it
     * has already failed and nothing runs.
     */
    esp_err_t (*start)(void *ctx, const struct ud_flash_request *req);
    /** ESP_OK ended well; ESP_ERR_NOT_FINISHED busy (ask again in `*wait_us`); else it ended with that error. */
    esp_err_t (*poll)(void *ctx, uint64_t *wait_us);
};

struct ud_flash {
    const struct ud_flash_ops *ops;
    void *ctx;
    struct ud_flash_geometry geometry;
    const struct ud_clock *clock;       /* waits between polls; NULL: poll without waiting */
    const struct ud_observer *observer; /* may be NULL */
    uint64_t generation;                /* raised by every erase and program through this struct, failed ones too */
    bool busy;
};

enum {
    UD_NOTE_FLASH_FAILED = UD_NOTE_FLASH, /* a = address, b = length, text = "read", "program", "erase" */
    UD_NOTE_FLASH_NOT_ERASED,             /* strict: a = address of the first byte that did not end as asked */
    UD_NOTE_FLASH_IO,                     /* the medium behind a driver: a = address, b = its own code, text = why */
};

/** Begin one operation; a length of 0 is ESP_ERR_INVALID_SIZE here. On an error nothing runs. */
UD_MUST_USE esp_err_t ud_flash_start(struct ud_flash *f, const struct ud_flash_request *req);
/**
 * Ask for the end of the running operation: its result, or ESP_ERR_NOT_FINISHED and `*wait_us`, the time after which
 * to ask again (a hint; 0 otherwise). ESP_ERR_INVALID_STATE when nothing runs. Does not block.
 */
UD_MUST_USE esp_err_t ud_flash_poll(struct ud_flash *f, uint64_t *wait_us);

/** The waiting forms. A length of 0 checks the range and does nothing else. */
UD_MUST_USE esp_err_t ud_flash_read(struct ud_flash *f, uint32_t addr, void *buf, uint32_t len);
UD_MUST_USE esp_err_t ud_flash_program(struct ud_flash *f, uint32_t addr, const void *data, uint32_t len);
UD_MUST_USE esp_err_t ud_flash_erase(struct ud_flash *f, uint32_t addr, uint32_t len);

/**
 * Requests are cut into operations, which a chip does at a stretch: the program of one page, or the erase of one block
 * where a whole one is to be erased, else of one sector. The length of the operation at `done` bytes into the request
 * (< len); a read is one operation. A geometry with block = sector has no large erase.
 */
uint32_t ud_flash_step(const struct ud_flash_geometry *g, const struct ud_flash_request *req, uint32_t done);

/* ---- RAM driver -------------------------------------------------------------------------------------------- */

/**
 * NOR rules over the caller's bytes (kept, not copied, not erased). `size` is a multiple of 4096.
 *
 * A program ANDs every byte of the run into the device, as the chip does. In strict mode it then answers
 * ESP_ERR_FLASH_OP_FAIL if any byte does not hold what was asked for (its bits were not erased before) and notes the
 * first such address; the bytes before *and after* it are programmed all the same. Writing what is already there, or
 * clearing further bits, is no error.
 */
struct ud_ram_flash {
    uint8_t *bytes;
    uint32_t size;
    bool strict;                   /* true after init */
    const struct ud_flash *device; /* the struct given to init, whose observer is told */
};
/** `flash` becomes the device over `ram`; both stay the caller's and must not move. Set clock and observer after. */
void ud_ram_flash_init(struct ud_ram_flash *ram, struct ud_flash *flash, uint8_t *bytes, uint32_t size);

/* ---- slow decorator: a fixed extra time per erase or program ------------------------------------------------ */

struct ud_slow_flash {
    struct ud_flash *below;
    const struct ud_flash *device; /* the decorated one, whose observer is told */
    const struct ud_clock *clock;
    uint64_t op_us;    /* added to each sector erased and each page programmed */
    uint64_t ready_us; /* when the running operation may end, on the clock */
    bool ended;        /* below has ended, with `result`; only the time is still to pass */
    esp_err_t result;
};
/**
 * `flash` becomes the decorated device over `below` (kept, all must not move); waits on `clock`. Geometry and
 * observer are taken from `below`; from then on both speak to the observer of `flash`, so whoever sets that one (the
 * board's lock does) hears all. The extra time runs beside the time of the device below, not after it.
 */
void ud_slow_flash_init(struct ud_slow_flash *slow, struct ud_flash *flash, struct ud_flash *below,
                        const struct ud_clock *clock, uint64_t op_us);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_FLASH_H */
