/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the power-cut explorer.
 *
 *     stock     what all devices of one run share: images, layout, what flash holds to begin with
 *     world     one device in memory, on flash that is watched and can lose its power
 *     tools     what a device does, step by step; a mutant replaces one or more of them
 *     flow      what is explored: how the device is prepared, what it does, where that has to end
 *     referee   holds each boot and each cut against the invariants, knowing nothing of how the code decides
 */
#ifndef UPDRAFT_LAB_POWERCUT_ROOM_H
#define UPDRAFT_LAB_POWERCUT_ROOM_H

#include "updraft/lab_powercut.h"
#include "updraft/nvs.h"

#define WORLD_SCRATCH 0x4000u

struct world;

/* ---- stock (powercut_stock.c) ----------------------------------------------------------------------------------- */

struct blob {
    uint8_t *bytes; /* malloc'd */
    uint32_t len;
};

enum image { IMAGE_OLDER, IMAGE_OLD, IMAGE_NEW, IMAGE_NEAR, IMAGE_BAD, IMAGES };

struct stock {
    const struct ud_powercut_board *board; /* NULL: a device of our own */
    const struct ud_chip *chip;
    uint32_t flash_bytes;
    uint32_t table_offset;
    struct ud_ptable table; /* of the device of our own */
    struct blob image[IMAGES];
    struct blob content; /* the new data, boot loader or table */
    struct blob boot_loader;
    struct blob table_bytes;
};

enum target { TARGET_APP, TARGET_DATA, TARGET_BOOTLOADER, TARGET_TABLE };

/* False: no memory. */
bool stock_make(struct stock *s, const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt);
void stock_drop(struct stock *s);

/* ---- journal ---------------------------------------------------------------------------------------------------- */

/* One operation of the flow, with what is needed to do it again. */
struct operation {
    enum ud_powercut_kind kind;
    uint32_t addr;
    uint32_t len;
    uint8_t *bytes; /* of a program or burn; malloc'd */
    const char *step;
    uint8_t efuse[UD_EFUSE_SIZE]; /* just before it */
};
struct journal {
    struct operation *op;
    uint32_t count;
    uint32_t room;
    bool failed; /* no memory */
};
void journal_drop(struct journal *j);

/* ---- tools and flows -------------------------------------------------------------------------------------------- */

struct tools {
    esp_err_t (*install)(struct world *w, const struct ud_partition *slot); /* w->download, verified */
    esp_err_t (*select)(struct world *w, const struct ud_partition *slot);
    esp_err_t (*confirm)(struct world *w);
    esp_err_t (*reject)(struct world *w);
    esp_err_t (*boot)(struct world *w, struct ud_boot_device *dev, struct ud_boot_result *result);
    esp_err_t (*set)(struct ud_nvs *n, const struct ud_nvs_key *k, enum ud_nvs_type type, const void *value,
                     size_t len);
};
extern const struct tools honest_tools;

enum goal {
    GOAL_NEW,     /* the new image runs, confirmed where rollback asks for it */
    GOAL_OLD,     /* the old one runs, and otadata names it */
    GOAL_CONTENT, /* the old one runs, and the target holds the new content */
};

struct ud_powercut_flow {
    const char *name;
    const char *brief;
    const char *unsafe;
    bool has_factory;                    /* in our own layout */
    bool (*prepare)(struct world *w);    /* flash and eFuses, by hand; false: not possible on this board (w->why) */
    bool boots_first;                    /* the flow is run by the app that boots then */
    esp_err_t (*run)(struct world *w);   /* ends before the boot that shows what it did */
    esp_err_t (*retry)(struct world *w); /* the device runs, and does what is still to be done for the goal */
    enum goal goal;
    enum target target;
    bool plain; /* without rollback */
    bool anti_rollback;
    bool blanks_otadata;     /* that is where it ends */
    bool bulk;               /* the slot is erased at once, by blocks, before the first byte is written */
    bool only_begins;        /* the goal is that of the retry */
    bool retry_pending;      /* its last boot is the first one of the new image: nobody confirms yet */
    bool ends_pending;       /* nobody confirms before it ends */
    bool no_weak;            /* its format has no second copy of what wavers: weak cuts are left out */
    bool bad_cell;           /* one byte of the slot that is written to shows FF whatever is programmed */
    bool for_boards;         /* can begin from somebody's board */
    uint32_t otadata_erases; /* of one sector, at most */
};

struct ud_powercut_mutant {
    const char *name;
    const char *brief;
    const char *flow; /* that shows it best */
    struct tools tools;
};

/* ---- settings (powercut_nvs.c) ---------------------------------------------------------------------------------- */

/* Put settings into the device's NVS; false: there is no room. */
bool nvs_fill(struct world *w);
esp_err_t nvs_run(struct world *w);
esp_err_t nvs_retry(struct world *w); /* ESP_ERR_NVS_CONTENT_DIFFERS: a value is neither old nor new */

/* ---- world (powercut_world.c) ----------------------------------------------------------------------------------- */

/* What the boot loader noted in one boot. */
struct heard {
    bool without_entry; /* that it goes by no entry of otadata */
    unsigned failed;    /* candidates that did not verify … */
    uint32_t at[UD_BOOT_MAX_CANDIDATES];
};

struct world {
    const struct stock *stock;
    const struct ud_powercut_flow *flow;
    const struct ud_powercut_options *opt;
    const struct tools *tools;
    uint8_t *bytes;
    struct ud_ram_flash ram;
    struct ud_flash ram_flash;
    struct ud_flash tap; /* marks what is written, keeps the journal */
    struct ud_fault_flash ff;
    struct ud_flash flash;
    struct ud_fault fault;   /* a bad cell, where the flow has one */
    struct journal *journal; /* NULL: not kept */
    uint32_t sectors;
    uint8_t *dirty;     /* one a sector: differs from the snapshot */
    uint8_t *written;   /* since the last restore */
    uint8_t *allowed;   /* targets of this device's updates */
    uint32_t *erases;   /* since the last restore */
    uint32_t *programs; /* one a sector, page programs; as long as the journal is kept */
    uint64_t copied;
    uint64_t hashed;
    uint8_t efuse[UD_EFUSE_SIZE];
    struct ud_crypto crypto; /* counts what is hashed */
    struct ud_observer obs;
    struct heard heard;
    struct ud_board board;
    struct ud_ota ota;
    struct ud_ota_session session;
    struct ud_boot_result boot;
    struct ud_extra_partition extra; /* boot loader or table as a target */
    const struct blob *download;
    const char *step;
    uint32_t copy_addr, copy_len;   /* the final place of a staged update */
    uint32_t installs;              /* since the last restore … */
    uint32_t changes;               /* … and steps that may write otadata */
    bool confirmed;                 /* since the last boot */
    struct ud_verdict kept_verdict; /* of a mutant */
    const char *why;
    uint8_t scratch[WORLD_SCRATCH];
};

bool world_init(struct world *w, const struct stock *s, const struct ud_powercut_flow *flow,
                const struct ud_powercut_options *opt);
void world_drop(struct world *w);
/* Begin a case: nothing is written, counted or allowed yet; the power is on. */
void world_begin(struct world *w);
/* Power on: a board from nothing but what flash and eFuses hold. The app that loads runs then. */
esp_err_t world_boot(struct world *w);
/* Burn bits, an operation like those of flash. */
esp_err_t world_burn(struct world *w, uint32_t off, const void *bits, size_t len);
void world_put(struct world *w, uint32_t addr, const void *bytes, uint32_t len);
/* The table as flash has it now; NULL: there is none. */
const struct ud_ptable *world_table(struct world *w, struct ud_ptable *table);
void world_entries(const struct world *w, struct ud_otadata_entry e[2]);
uint32_t world_otadata(const struct world *w); /* its address */
void world_allow(struct world *w, uint32_t addr, uint32_t len);
const struct ud_partition *world_part(const struct world *w, const char *label);
bool world_holds(const struct world *w, const struct ud_partition *p, enum image image);
bool world_is_weak(const struct world *w, uint32_t addr, uint32_t len);
/* Name of what lies at `addr`; "": nothing that has one. */
void world_name(const struct world *w, uint32_t addr, char label[17]);

/* ---- referee (powercut_referee.c) ------------------------------------------------------------------------------- */

/* One case under way. */
struct trial {
    struct ud_powercut_case at;
    bool broken[UD_POWERCUT_INVARIANTS];
    bool is_broken;
    enum ud_powercut_invariant first; /* the first that broke, and how */
    char what[120];
    char booted[17];
    uint32_t boots;
    uint32_t fall_backs;
    bool window;
    bool bricked;
    bool has_booted;
    bool booted_new; /* the first time */
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
    uint32_t shown_addr, shown_len;
    uint8_t before[UD_POWERCUT_BYTES];
    uint8_t after[UD_POWERCUT_BYTES];
};

/* otadata and eFuses as they were when the flow began, and what it may write. */
struct reference {
    struct ud_otadata_entry entry[2];
    uint8_t efuse[UD_EFUSE_SIZE];
    const uint8_t *allowed; /* one a sector */
};

void trial_say(const struct trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trial_break(struct trial *t, enum ud_powercut_invariant i, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Neither seq nor CRC can be used. */
bool is_gone(const struct ud_otadata_entry *e);
/* O4, on what a cut left; `before`: the entries just before the operation, or when the recovery began. */
void check_otadata(struct trial *t, const struct world *w, const struct reference *ref,
                   const struct ud_otadata_entry before[2]);
/* Boot, O1, O2, O3. False when nothing runs, or nothing that may: the case ends. */
bool boot_and_check(struct trial *t, struct world *w);
/* O5, O7. */
void check_written(struct trial *t, const struct world *w, const struct reference *ref);
/* In a flow that cannot be safe: does the target hold neither what was there nor what is to be there? */
bool target_is_torn(const struct world *w);
/* Is the flow's goal reached, by otadata's own choice? `pending`: also before the new image is confirmed. */
bool goal_is_reached(const struct world *w, bool pending);

#endif
