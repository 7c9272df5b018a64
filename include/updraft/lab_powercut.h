/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lab_powercut: the power cut at every flash operation of a flow. A flow is run once and its operations are kept; then
 * for each operation and each way to lose power in it, flash is put back to what it was just before, torn, and booted;
 * the device tries again, is booted again, and what it shows is held against the invariants. All in memory.
 *
 *     struct ud_powercut_options opt = { .image_bytes = 0x10000, .jobs = 2, .depth = 1 };
 *     struct ud_powercut_report report;
 *     esp_err_t err = ud_powercut_explore(ud_powercut_flow_find("update"), &opt, &report);
 *     if (err == ESP_OK)
 *         printf("%u cases, %u violations\n", report.cases, report.violations);
 *     ud_powercut_report_drop(&report);      // also after a failure
 *
 * What is explored and what holds: docs/reliability.md.
 */
#ifndef UPDRAFT_LAB_POWERCUT_H
#define UPDRAFT_LAB_POWERCUT_H

#include "updraft/flash_faults.h"
#include "updraft/ota.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- flows and mutants ------------------------------------------------------------------------------------------ */

struct ud_powercut_flow;
struct ud_powercut_mutant;

/** By position (NULL past the end) and by name (NULL unknown). */
const struct ud_powercut_flow *ud_powercut_flow_at(size_t i);
const struct ud_powercut_flow *ud_powercut_flow_find(const char *name);
const char *ud_powercut_flow_name(const struct ud_powercut_flow *f);
const char *ud_powercut_flow_brief(const struct ud_powercut_flow *f);
/** Why this flow cannot be safe at every operation, as a clause; NULL when it can. */
const char *ud_powercut_flow_unsafe(const struct ud_powercut_flow *f);

/** Wrong versions of our own code, which the explorer must catch. */
const struct ud_powercut_mutant *ud_powercut_mutant_at(size_t i);
const struct ud_powercut_mutant *ud_powercut_mutant_find(const char *name);
const char *ud_powercut_mutant_name(const struct ud_powercut_mutant *m);
const char *ud_powercut_mutant_brief(const struct ud_powercut_mutant *m);
/** The flow that shows it best. */
const struct ud_powercut_flow *ud_powercut_mutant_flow(const struct ud_powercut_mutant *m);

/* ---- invariants ------------------------------------------------------------------------------------------------- */

enum ud_powercut_invariant {
    UD_POWERCUT_O1, /* an image that verifies boots, the old or the new one, whole */
    UD_POWERCUT_O2, /* otadata never selects a rejected entry, nor an unconfirmed one twice */
    UD_POWERCUT_O3, /* an image outside otadata's choice boots only with a note */
    UD_POWERCUT_O4, /* at most one otadata sector is blank or torn */
    UD_POWERCUT_O5, /* nothing outside slot, otadata and the flow's own target is written */
    UD_POWERCUT_O6, /* a retry ends where the flow ends */
    UD_POWERCUT_O7, /* sectors are erased as often as stated */
    UD_POWERCUT_INVARIANTS,
};
/** "O1" …, and the sentence. */
const char *ud_powercut_invariant_name(enum ud_powercut_invariant i);
const char *ud_powercut_invariant_text(enum ud_powercut_invariant i);

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/** One cut, or a cut and another one in the recovery from it. Operations count from 1. */
struct ud_powercut_case {
    uint32_t operation; /* 0: the flow itself, without a cut */
    enum ud_cut_variant variant;
    uint32_t trial;  /* which of the random tears of that variant, from 0; for PREFIX of otadata: of its lengths */
    uint32_t second; /* the recovery's operation (boots included) at which power goes again; 0: it does not */
    enum ud_cut_variant second_variant;
};

#define UD_POWERCUT_ID 128u /* enough for every replay ID */

/**
 * The replay ID: FLOW@SIZE[+MUTANT]:OPERATION:VARIANT[.TRIAL][:SECOND:VARIANT], or FLOW@SIZE[+MUTANT]:0 for the flow
 * without a cut. SIZE is that of the images in bytes, or "board" when a board was given, which has to be given again.
 */
struct ud_powercut_id {
    const struct ud_powercut_flow *flow;
    const struct ud_powercut_mutant *mutant; /* NULL: none */
    uint32_t image_bytes;                    /* 0: a board's */
    struct ud_powercut_case at;
};
void ud_powercut_id_print(const struct ud_powercut_id *id, char text[UD_POWERCUT_ID]);
/** ESP_ERR_NOT_FOUND no such flow or mutant; ESP_ERR_INVALID_ARG not of that form. `id` is set on ESP_OK only. */
UD_MUST_USE esp_err_t ud_powercut_id_parse(const char *text, struct ud_powercut_id *id);

/* ---- results ---------------------------------------------------------------------------------------------------- */

/** What a cut led to, from good to bad: of several cases of one operation and variant the last of these counts. */
enum ud_powercut_outcome {
    UD_POWERCUT_UNTRIED,  /* this variant does not exist here (part of a page of an eFuse), or makes no difference */
    UD_POWERCUT_OLD,      /* the next boot ran the image from before; all invariants hold */
    UD_POWERCUT_NEW,      /* the next boot ran the new image; all invariants hold */
    UD_POWERCUT_WINDOW,   /* what the order of ESP-IDF cannot hold; see struct ud_powercut_window */
    UD_POWERCUT_VIOLATED, /* an invariant is violated */
    UD_POWERCUT_OUTCOMES,
};
/** "-", "old", "new", "window", "violated". */
const char *ud_powercut_outcome_name(enum ud_powercut_outcome o);

enum ud_powercut_kind { UD_POWERCUT_ERASE, UD_POWERCUT_PROGRAM, UD_POWERCUT_BURN };
/** "erase", "program", "burn". */
const char *ud_powercut_kind_name(enum ud_powercut_kind k);

/** One operation of the flow. The array in the report, in order, is the timeline. */
struct ud_powercut_operation {
    enum ud_powercut_kind kind;
    uint32_t addr;    /* of flash; of BURN: in the eFuses */
    uint32_t len;     /* bytes: a page or less, a sector, a block; of BURN: bytes of eFuse */
    char part[17];    /* label of the partition it lies in, "bootloader", "table", "eFuse"; "": none */
    const char *step; /* what the device was doing: "install", "select", "boot", "confirm", "reject", "copy" */
    uint32_t cases[UD_CUT_VARIANTS];
    enum ud_powercut_outcome outcome[UD_CUT_VARIANTS];
    uint32_t violations; /* cases with at least one */
};

/** A run of operations at whose cuts something is lost that the format has only once. */
struct ud_powercut_window {
    uint32_t first, last; /* operations, from 1 */
    bool bricks;          /* true: nothing boots, or by a torn table, and the device has to be flashed by wire;
                             false: both otadata entries are gone, an image outside otadata's choice boots */
    uint32_t cases;
};
#define UD_POWERCUT_WINDOWS 8u

#define UD_POWERCUT_KEPT  64u
#define UD_POWERCUT_BYTES 256u

struct ud_powercut_violation {
    struct ud_powercut_case at;
    enum ud_powercut_invariant invariant;
    char id[UD_POWERCUT_ID]; /* for `updraft powercut --replay` */
    char what[120];          /* a sentence without its full stop */
    char booted[17];         /* label of what the last boot ran; "": nothing */
    /* Flash where the operation writes: just before it, and as the first cut left it. shown_len 0: none. */
    uint32_t shown_addr;
    uint32_t shown_len;
    uint8_t before[UD_POWERCUT_BYTES];
    uint8_t after[UD_POWERCUT_BYTES];
};

/** One part of the flash map: partitions, the boot loader and the table, by address. */
struct ud_powercut_region {
    char label[17];
    uint32_t addr;
    uint32_t size;
    uint8_t type; /* UD_PART_APP …, UD_PART_BOOTLOADER, UD_PART_TABLE */
    uint8_t subtype;
};
#define UD_POWERCUT_REGIONS 32u

struct ud_powercut_report {
    /* What was explored. Texts point to constants, or to what the options point to. */
    const struct ud_powercut_flow *flow;
    const struct ud_powercut_mutant *mutant; /* NULL: our code as it is */
    const char *board;                       /* file name; NULL: the explorer's own device */
    const char *image;                       /* file name of the new image, as the options give it; or NULL */
    const char *chip;                        /* "esp32c3" */
    const char *unsafe;                      /* as ud_powercut_flow_unsafe */
    uint32_t image_bytes;                    /* of the new image */
    unsigned depth;
    bool sampled; /* depth 2: not every second cut */

    /* The flow without a cut. */
    uint32_t operation_count;
    struct ud_powercut_operation *operation;
    uint32_t region_count;
    struct ud_powercut_region region[UD_POWERCUT_REGIONS];
    uint32_t flash_size;
    uint32_t sector_count;
    uint32_t *erases;   /* wear: one a sector, erases … */
    uint32_t *programs; /* … and page programs of the whole flow */

    /* The cuts. */
    uint32_t cases;      /* cut, boot, retry, boot: with one cut or two */
    uint32_t twice;      /* of these with two */
    uint32_t boots;      /* each verified the whole image */
    uint32_t booted_old; /* by the first boot after the (first) cut */
    uint32_t booted_new;
    uint32_t fall_backs; /* boots of an image outside otadata's choice, each with its note */
    uint32_t in_window;  /* cases */
    uint32_t window_count;
    struct ud_powercut_window window[UD_POWERCUT_WINDOWS]; /* later ones are joined to the last */
    uint32_t violations;                                   /* cases with at least one, the flow itself counts as one */
    uint32_t broken[UD_POWERCUT_INVARIANTS];               /* cases in which each broke */
    uint32_t kept;
    struct ud_powercut_violation violation[UD_POWERCUT_KEPT]; /* the first ones, by operation; one a case */

    /* Speed, of all jobs together. Cases by second: cases / seconds. How much of it is work that cannot be saved:
       bare_cpu_seconds / cpu_seconds, which other load on the machine does not change. */
    double seconds;     /* that passed */
    double cpu_seconds; /* of the processors */
    uint64_t copied;    /* bytes of flash restored, programmed and erased */
    uint64_t hashed;
    double bare_seconds; /* of a loop that copies and hashes as many bytes and does nothing else; 0: not measured */
    double bare_cpu_seconds;
};

/* ---- exploring -------------------------------------------------------------------------------------------------- */

/** A device to begin from, instead of the explorer's own. All borrowed. */
struct ud_powercut_board {
    const char *name; /* of its file */
    const uint8_t *flash;
    uint32_t flash_size;
    const uint8_t *efuse; /* UD_EFUSE_SIZE bytes */
    const struct ud_chip *chip;
    uint16_t accepted_chip_id;
    uint16_t revision;
    bool require_digest;
    uint32_t table_offset;
    bool boot_rollback, boot_anti_rollback;
    bool app_rollback, app_anti_rollback;
    const char *image_name; /* of its file, for replay commands; may be NULL */
    const uint8_t *image;   /* the new one */
    uint32_t image_len;
};

struct ud_powercut_options {
    uint32_t image_bytes; /* of the images, 4096 to 4 MiB, a multiple of 16; not looked at with a board */
    unsigned jobs;        /* threads, 1 to 64 */
    unsigned depth;       /* 1, or 2: cut again in each recovery */
    unsigned sample;      /* depth 2: at so many operations of each recovery, by seed; 0: at every one */
    bool measure;         /* the bare loop too */
    const struct ud_powercut_mutant *mutant;
    const struct ud_powercut_board *board;
    /**
     * Your own way to write a new image into `slot`, in place of ours: called for the flow and for each retry, by all
     * jobs at a time on devices of their own. It has the device as an application has it; what it selects boots.
     * ESP_OK: the image is in the slot and selected. NULL: sessions of `ota`.
     */
    esp_err_t (*update)(void *ctx, struct ud_ota *ota, const struct ud_partition *slot, const uint8_t *image,
                        uint32_t len);
    void *update_ctx;
    void (*say)(void *ctx, const char *line); /* replay: each step; may be NULL */
    void *say_ctx;
    char *why; /* why it could not be explored, a sentence without its full stop; may be NULL */
    size_t why_size;
};

/**
 * Every operation, every variant. ESP_OK also with violations; else `why` says more: ESP_ERR_NO_MEM;
 * ESP_ERR_INVALID_ARG options; ESP_ERR_NOT_SUPPORTED the flow is not possible on that board; ESP_ERR_NOT_FOUND nothing
 * boots to begin with. `report` is set in any case and dropped by the caller.
 */
UD_MUST_USE esp_err_t ud_powercut_explore(const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt,
                                          struct ud_powercut_report *report);
/**
 * One case, exactly as explored, each step told to `say`. Codes as above; ESP_ERR_INVALID_STATE: the flow has no such
 * operation (report->operation_count tells how many).
 */
UD_MUST_USE esp_err_t ud_powercut_replay(const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt,
                                         const struct ud_powercut_case *at, struct ud_powercut_report *report);
/** Free what it holds; also of a zeroed one. */
void ud_powercut_report_drop(struct ud_powercut_report *report);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_LAB_POWERCUT_H */
