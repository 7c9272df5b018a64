/* SPDX-License-Identifier: Apache-2.0 */
/**
 * board: what "this device" is, as one context: flash, chip, eFuses, table, running slot, reset reason, reset line.
 * And the messages between a supervisor and the firmware it runs.
 *
 * The board carries the one lock of the house. `ota`'s entry points and `idf`'s partition and eFuse calls take it for
 * one flash step or one otadata change; never over a wait for the network, a callback or an event.
 */
#ifndef UPDRAFT_BOARD_H
#define UPDRAFT_BOARD_H

#include "updraft/boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Values of esp_reset_reason_t (esp_system.h). */
enum ud_reset_reason {
    UD_RESET_UNKNOWN = 0,
    UD_RESET_POWERON = 1,
    UD_RESET_SW = 3,
    UD_RESET_PANIC = 4,
    UD_RESET_TASK_WDT = 6,
    UD_RESET_WDT = 7,
    UD_RESET_DEEPSLEEP = 8,
};
const char *ud_reset_reason_name(enum ud_reset_reason r); /* "power-on", "software", "panic", "watchdog" … */

/** The reset line. restart and panic do not return on a device; on a board that runs nothing they may. */
struct ud_reset_line {
    void (*restart)(void *ctx);
    void (*panic)(void *ctx, const char *why);
    void (*feed)(void *ctx);                           /* watchdog */
    void (*task_watchdog)(void *ctx, const char *who); /* a task did not reset it in time; does not return */
    void (*sleep)(void *ctx, uint64_t us);             /* deep sleep, UINT64_MAX without end; does not return */
    void *ctx;
};

/** An image that was verified: valid while the flash's generation is still `generation`. */
struct ud_verdict {
    bool set;
    uint32_t addr;
    uint32_t size; /* of the partition it was verified in */
    uint8_t digest[32];
    uint64_t generation; /* of the flash when it was judged */
    struct ud_image_info info;
};

/** A partition beside the table, the memory of whoever registered it. */
struct ud_extra_partition {
    struct ud_partition part;
    struct ud_extra_partition *next;
};

struct ud_board {
    struct ud_flash *flash;
    const struct ud_chip *chip; /* a real chip: what sdkconfig, offsets and chip info say */
    uint16_t accepted_chip_id;  /* UD_CHIP_ID_HOST on a board that runs host images, else the chip's own */
    uint16_t revision;          /* major * 100 + minor */
    bool require_digest;        /* images without an appended SHA-256 are refused */
    struct ud_efuse efuse;
    const struct ud_crypto *crypto;
    struct ud_clock clock;
    const struct ud_observer *obs; /* may be NULL */
    struct ud_lock lock;
    struct ud_reset_line reset;
    uint32_t table_offset;
    struct ud_ptable table;
    const struct ud_partition *running; /* into `table`; NULL on a board that runs nothing */
    enum ud_reset_reason reset_reason;
    uint32_t boot_count;
    uint64_t inputs; /* levels of the pins in `inputs_driven`, bit n = pin n; other pins float */
    uint64_t inputs_driven;
    uint8_t mac[6]; /* the factory's address in the eFuses of a chip */
    struct ud_verdict verdict;
    struct ud_extra_partition *extra; /* in the order in which they were added */
};

/**
 * Read the table and find the partition that holds `running_addr` (UINT32_MAX: none runs). Other members are set
 * before, and no other thread uses the board yet: pointers into the old table are void. ESP_ERR_NOT_FOUND: no app
 * partition there; else the table's or the flash's error.
 */
UD_MUST_USE esp_err_t ud_board_load_table(struct ud_board *b, uint32_t running_addr);
/**
 * Rules by which this board judges an image at `p`. A boot loader is always one of the chip: host images have none.
 */
struct ud_image_rules ud_board_image_rules(const struct ud_board *b, const struct ud_partition *p);
/**
 * Keep or ask the one verdict; the caller holds the lock. `has` is true only for the same range at the same flash
 * generation; `info` (may be NULL) is set then. `set` is for an image that was good when all of it had been read at the
 * generation that flash still has.
 */
void ud_board_set_verdict(struct ud_board *b, const struct ud_partition *p, const struct ud_image_info *info);
bool ud_board_has_verdict(const struct ud_board *b, const struct ud_partition *p, struct ud_image_info *info);

/* ---- partitions beside the table: under the lock, which the caller does not hold ---------------------------------- */

/**
 * Add `extra` (kept) behind the others, so that it can be found and be a target. ESP_ERR_INVALID_SIZE beyond the flash;
 * ESP_ERR_INVALID_ARG it overlaps one that is listed.
 */
UD_MUST_USE esp_err_t ud_board_add_partition(struct ud_board *b, struct ud_extra_partition *extra);
/** Take it out again; nobody may still use it. ESP_ERR_INVALID_ARG the table's own; ESP_ERR_NOT_FOUND. */
UD_MUST_USE esp_err_t ud_board_remove_partition(struct ud_board *b, const struct ud_partition *p);
/** As ud_ptable_find (`after` NULL) and ud_ptable_find_next over the table, then the added ones. */
const struct ud_partition *ud_board_next_partition(struct ud_board *b, const struct ud_partition *after, uint8_t type,
                                                   uint8_t subtype, const char *label);
/** As ud_ptable_verify over both. */
const struct ud_partition *ud_board_verify_partition(struct ud_board *b, const struct ud_partition *p);
/**
 * Erase `erase_len` bytes of `dst` from `dst_off`, then copy `len` bytes there and read them back. Before anything is
 * touched: ESP_ERR_INVALID_SIZE a range outside its partition, erase_len below `len` or not whole sectors;
 * ESP_ERR_NOT_ALLOWED read-only; ESP_ERR_INVALID_ARG dst_off not on a sector. Then the flash's.
 */
UD_MUST_USE esp_err_t ud_board_copy(struct ud_board *b, const struct ud_partition *dst, uint32_t dst_off,
                                    const struct ud_partition *src, uint32_t src_off, uint32_t len, uint32_t erase_len);

/* ---- the lock ---------------------------------------------------------------------------------------------------- */

#define UD_BOARD_HOLD_NOTES 4u
#define UD_BOARD_HOLD_TEXT  48u

/** One hold of the lock: the notes that the flash raised in the meantime. The caller's memory, on its stack. */
struct ud_board_hold {
    const struct ud_observer *listener; /* of the flash, put back at the end */
    struct ud_observer collector;
    uint8_t count;
    struct {
        struct ud_note note;
        char text[UD_BOARD_HOLD_TEXT];
    } note[UD_BOARD_HOLD_NOTES]; /* the first ones; further ones are dropped */
};

/**
 * Take and give back the board's lock for one flash step or one otadata change. What the flash notes in between is told
 * to its listener after the lock was given back, so a listener may call anything. Not recursive.
 *
 *     struct ud_board_hold hold;
 *     ud_board_lock(b, &hold);
 *     esp_err_t err = ud_partition_read(b->flash, p, off, buf, len);
 *     ud_board_unlock(b, &hold);
 */
void ud_board_lock(struct ud_board *b, struct ud_board_hold *hold);
void ud_board_unlock(struct ud_board *b, struct ud_board_hold *hold);

/* ---- messages between supervisor and firmware -------------------------------------------------------------------- */

#define UD_MSG_VERSION 1u
#define UD_MSG_BYTES   256u /* every message is one packet of this size */

/** Descriptors that the supervisor hands to the firmware. */
enum { UD_FD_SUPERVISOR = 3, UD_FD_FLASH = 4, UD_FD_EFUSE = 5, UD_FD_RTC = 6 };

/** Bytes of RTC memory: the file behind UD_FD_RTC, which lives from power-on to the end of the run. */
#define UD_RTC_BYTES 16384u

enum ud_msg_type {
    UD_MSG_HELLO = 1, /* firmware -> supervisor, first */
    UD_MSG_BOOT,      /* supervisor -> firmware, the answer: everything the firmware needs to know */
    UD_MSG_RESTART,   /* the rest: firmware -> supervisor */
    UD_MSG_PANIC,     /* text = why */
    UD_MSG_WDT,
    UD_MSG_POWERCUT,
    UD_MSG_FEED,
    UD_MSG_BACKTRACE, /* text = where it crashed: addresses in its ELF, "0x1234 0x1300"; may be said in several */
    UD_MSG_SLEEP,     /* deep sleep for sleep_us */
};

struct ud_msg_boot {
    uint8_t reset_reason;
    uint8_t runs_host; /* 1: accepts host images */
    uint8_t require_digest;
    uint16_t chip_id;
    uint16_t revision;
    uint32_t running_addr;
    uint32_t boot_count;
    uint32_t flash_size;
    uint32_t table_offset;
    uint32_t slow_flash_us; /* extra time per flash step, 0 none */
    uint32_t cut_at;        /* flash operation at which power is cut, counted from here; 0: never */
    uint32_t cut_variant;   /* enum ud_cut_variant */
    uint64_t inputs;        /* GPIO levels, bit n = pin n */
    char flash_part[16];    /* whose time each flash operation takes (flash_timing.h); "": none */
    uint64_t inputs_driven; /* pins that `inputs` is about */
    uint8_t mac[6];
};

struct ud_msg {
    enum ud_msg_type type;
    struct ud_msg_boot boot; /* BOOT */
    char text[128];          /* PANIC, WDT, BACKTRACE */
    uint64_t sleep_us;       /* SLEEP; UINT64_MAX: until the next power-on */
};

void ud_msg_encode(const struct ud_msg *m, uint8_t bytes[UD_MSG_BYTES]);
/** ESP_ERR_INVALID_SIZE length; ESP_ERR_INVALID_VERSION; ESP_ERR_INVALID_ARG unknown type. */
UD_MUST_USE esp_err_t ud_msg_decode(const uint8_t *bytes, size_t len, struct ud_msg *m);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_BOARD_H */
