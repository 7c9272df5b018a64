/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lab: virtual boards. A board is three files: b.flash (a plain dump), b.flash.json (settings) and b.flash.efuse.
 *
 * `ud_lab_board_open` gives a `struct ud_board` ready to be used as the application of the slot that boot would choose;
 * `ud_lab_run` is the reset line and the power switch: it boots the board and executes what its slot holds.
 * Files: docs/formats/board-files.md. The scripted server of the lab has its own header, lab_server.h.
 *
 *     struct ud_lab_board lab;
 *     char why[UD_LAB_WHY];
 *     esp_err_t err = ud_lab_board_open("b.flash", UD_LAB_WRITE, &lab, why, sizeof why);
 *     if (err == ESP_OK) {
 *         struct ud_ota ota;
 *         ud_ota_init(&ota, &lab.board, lab.settings.app_rollback);
 *         ...
 *         ud_lab_board_close(&lab);
 *     }
 */
#ifndef UPDRAFT_LAB_H
#define UPDRAFT_LAB_H

#include <sys/types.h>

#include "updraft/board.h"
#include "updraft/boot.h"
#include "updraft/port_linux.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UD_LAB_WHY     512u /* enough for every text in a `why` buffer */
#define UD_LAB_PATH    4096u
#define UD_LAB_NO_PIN  0xFFu
#define UD_LAB_PINS    64u
#define UD_LAB_SCRATCH 65536u

enum ud_lab_runs {
    UD_LAB_RUNS_HOST, /* accepts and executes host images */
    UD_LAB_RUNS_NONE, /* accepts the chip's own images, never executes */
};

/** What b.flash.json says. The boot loader's options and the application's are apart: they may disagree. */
struct ud_lab_settings {
    const struct ud_chip *chip;
    uint16_t revision; /* major * 100 + minor */
    uint32_t flash_size;
    uint32_t table_offset;
    enum ud_lab_runs runs;
    bool require_digest;
    /* boot loader */
    bool boot_rollback;
    uint8_t factory_reset_pin; /* UD_LAB_NO_PIN: none; held when its input has `pin_level` */
    uint8_t test_pin;
    uint8_t pin_level;
    bool factory_reset_erases_otadata;
    char factory_reset_labels[64];
    /* application, as `updraft ota` plays it */
    bool app_rollback;
    /* inputs: level of each pin that is driven */
    uint64_t inputs_driven;
    uint64_t inputs;
    uint32_t watchdog_ms; /* armed by the first FEED */
    /* anti-rollback of either; not without its rollback */
    bool boot_anti_rollback;
    bool app_anti_rollback;
};

/** Revision of the silicon that is usually met: what a board has when nobody says. */
uint16_t ud_lab_usual_revision(const struct ud_chip *chip);
/** Defaults of a board: esp32c3, 4 MB, host, rollback on in both programs, digest required. */
void ud_lab_settings_defaults(struct ud_lab_settings *s);
/**
 * Parse JSON text. Missing keys keep their default (the revision: its chip's usual one), `chip` and `flash_size` must be there; an unknown key, a wrong type
 * or value is ESP_ERR_INVALID_ARG, and `why` names the key and `name` (the file).
 */
UD_MUST_USE esp_err_t ud_lab_settings_parse(const char *text, size_t len, const char *name, struct ud_lab_settings *s,
                                            char *why, size_t why_size);
/** As JSON text, malloc'd and the caller's; NULL without memory. */
char *ud_lab_settings_print(const struct ud_lab_settings *s);
/** Are these settings possible? ESP_ERR_INVALID_ARG and `why` if not. */
UD_MUST_USE esp_err_t ud_lab_settings_check(const struct ud_lab_settings *s, const char *name, char *why,
                                            size_t why_size);

/* ---- open boards ------------------------------------------------------------------------------------------------ */

enum {
    UD_LAB_READ = 0,       /* read-only, without the lock: also while the board runs */
    UD_LAB_WRITE = 1,      /* exclusive: waits up to 2 s for the lock, then names who holds it */
    UD_LAB_FILES_ONLY = 2, /* do not look into the flash: no table, no running slot */
};

/** An open board; must not move (the flash of `board` lives in it). */
struct ud_lab_board {
    char path[UD_LAB_PATH]; /* as given */
    struct ud_lab_settings settings;
    int flash_fd;
    int efuse_fd;
    struct ud_crypto crypto;
    struct ud_file_flash file;
    struct ud_flash flash; /* set `flash.observer` and `board.obs` after open to hear of failures */
    struct ud_file_efuse efuse;
    struct ud_board board;      /* running: the slot that boot would choose, NULL if none */
    struct ud_boot_result boot; /* what boot would do (ud_boot_explain); empty with FILES_ONLY */
    esp_err_t boot_err;         /* its result: ESP_OK, or ESP_ERR_NOT_FOUND when nothing is bootable */
    pid_t holder;               /* READ: 0 nobody runs it, else the pid of the holder (-1: unknown) */
    uint32_t running_addr;      /* READ: slot that runs at this moment, UINT32_MAX when unknown */
    uint8_t scratch[UD_LAB_SCRATCH];
};

/**
 * Open a board. On failure nothing stays open and `why` names the file and what to do: ESP_ERR_NOT_FOUND a file is
 * missing, ESP_ERR_INVALID_ARG bad settings, ESP_ERR_INVALID_SIZE flash and settings disagree, ESP_ERR_INVALID_STATE
 * somebody else holds it, ESP_FAIL no usable partition table, or the system's reason.
 */
UD_MUST_USE esp_err_t ud_lab_board_open(const char *path, unsigned mode, struct ud_lab_board *lab, char *why,
                                        size_t why_size);
void ud_lab_board_close(struct ud_lab_board *lab);

/** The loader's world over an open board: settings, pins and rules filled in, no sink, `obs` may be NULL. */
struct ud_boot_device ud_lab_boot_device(struct ud_lab_board *lab, const struct ud_observer *obs);

/* ---- new boards ------------------------------------------------------------------------------------------------- */

struct ud_lab_content {
    const char *label;
    const char *name; /* of the file it came from, for messages */
    const void *data;
    size_t len;
};

struct ud_lab_create {
    const char *path;
    struct ud_lab_settings settings;
    const struct ud_ptable *table;
    struct ud_lab_content bootloader; /* data NULL: none; nothing runs it, it tells tools of the chip */
    struct ud_lab_content app;        /* data NULL: none; `label` is not looked at: factory, else the first OTA slot */
    const struct ud_lab_content *content;
    size_t content_count;
    bool force;                     /* replace existing files */
    const struct ud_lab_dump *dump; /* what the flash holds (app is not looked at then); NULL: it is erased */
};

/** Make the three files, all or none. An app that this board would refuse is an error, as is what does not fit. */
UD_MUST_USE esp_err_t ud_lab_board_create(const struct ud_lab_create *req, char *why, size_t why_size);
/** Replace the content of one partition of a board open for writing: erased, then written. */
UD_MUST_USE esp_err_t ud_lab_board_put(struct ud_lab_board *lab, const struct ud_lab_content *content, char *why,
                                       size_t why_size);
/** Where an app goes on a board with that table: factory, else the OTA slot of the lowest number; NULL none. */
const struct ud_partition *ud_lab_app_slot(const struct ud_ptable *table);

/* ---- boards out of dumps ------------------------------------------------------------------------------------------ */

/** A dump of a chip's flash from address 0, and what is known of the chip. Borrowed during the call. */
struct ud_lab_dump {
    const char *name; /* of its file, for messages */
    const uint8_t *bytes;
    size_t len;
    const struct ud_chip *chip; /* these are guessed when NULL or 0 */
    uint32_t flash_size;
    uint32_t table_offset;
    const struct ud_ptable *table; /* instead of the dump's */
};

enum ud_lab_guess {
    UD_LAB_GUESS_CHIP,
    UD_LAB_GUESS_REVISION,
    UD_LAB_GUESS_FLASH_SIZE,
    UD_LAB_GUESS_TABLE,
    UD_LAB_GUESS_RUNS,
    UD_LAB_GUESS_ROLLBACK,
    UD_LAB_GUESSES,
};
#define UD_LAB_REMARKS 8u

struct ud_lab_guessed {
    struct ud_lab_settings settings;
    struct ud_ptable table;
    char because[UD_LAB_GUESSES][128]; /* what each rests on, as a clause */
    unsigned remark_count;             /* what else is worth knowing */
    char remark[UD_LAB_REMARKS][128];
};

/**
 * Tell from the dump what board it belongs to: chip by the boot loader's image at 0x0, 0x1000 or 0x2000, else by the
 * apps; table at 0x8000, else at the only sector that holds one; size by the dump's length, else by the boot loader's
 * header; revision by what the images ask for; rollback by the states in otadata.
 * What cannot be told is refused, and `why` names the option that decides it: ESP_ERR_NOT_FOUND no table, or nothing that
 * names a chip; ESP_ERR_INVALID_STATE witnesses disagree; ESP_ERR_INVALID_SIZE.
 */
UD_MUST_USE esp_err_t ud_lab_dump_guess(const struct ud_lab_dump *dump, struct ud_lab_guessed *out, char *why,
                                        size_t why_size);

/* ---- the supervisor --------------------------------------------------------------------------------------------- */

enum ud_lab_event_type {
    UD_LAB_RESET,    /* boot `boot_count` begins, because of `reason`; text: why (a panic's), may be "" */
    UD_LAB_BOOTED,   /* `result` says which slot and how it was chosen; the program is started next */
    UD_LAB_NOTE,     /* the boot loader notes something: `note` */
    UD_LAB_CRASH,    /* a line of the backtrace of the crash that ended this boot: `text` */
    UD_LAB_HELD,     /* the firmware waits for a debugger; text: its process and ELF */
    UD_LAB_DEBUGGED, /* the debugger has attached: the firmware boots */
};
struct ud_lab_event {
    enum ud_lab_event_type type;
    enum ud_reset_reason reason;
    uint32_t boot_count;
    const char *text;
    const struct ud_boot_result *result;
    const struct ud_note *note;
};

struct ud_lab_run {
    const char *path;
    const char *until;      /* extended regular expression over each line that the firmware prints; NULL: none */
    uint64_t timeout_ms;    /* 0: none */
    uint32_t max_boots;     /* 0: none */
    uint32_t slow_flash_us; /* added to each flash step of the firmware */
    const char *flash_part; /* operations take the time of this part (ud_flash_part_find); NULL: none */
    uint32_t cut_at;      /* power goes at this flash operation since the run began, the boot loader's too; 0: never */
    unsigned cut_variant; /* enum ud_cut_variant */
    bool debug;           /* each boot waits for a debugger; no watchdog, no leak check */
    const char *const *elf; /* unstripped firmware: files, and folders with *.elf below */
    size_t elf_count;       /* 0: the current folder */
    int stop_fd;            /* readable: switch the power off; -1: none */
    void (*event)(void *ctx, const struct ud_lab_event *event); /* may be NULL */
    void *event_ctx;
};

enum ud_lab_end {
    UD_LAB_MATCHED,   /* `until` matched */
    UD_LAB_STOPPED,   /* stop_fd */
    UD_LAB_FAILED,    /* the board or the system: see `why` */
    UD_LAB_NO_BOOT,   /* nothing bootable */
    UD_LAB_TIMEOUT,   /* timeout_ms passed */
    UD_LAB_MAX_BOOTS, /* max_boots boots have ended */
    UD_LAB_CUT,       /* the power was cut at cut_at; `why` says where */
    UD_LAB_DEFECT,    /* a sanitizer reported: no crash of the firmware, and no reset follows */
};

struct ud_lab_run_result {
    enum ud_lab_end end;
    uint32_t boots;
    char why[UD_LAB_WHY];
};

/**
 * Power on, and stay on until one of the ends. Only processes started here are ever killed. SIGCHLD must not be ignored
 * in this process (UD_LAB_FAILED).
 */
void ud_lab_run(const struct ud_lab_run *run, struct ud_lab_run_result *result);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_LAB_H */
