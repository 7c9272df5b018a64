/* SPDX-License-Identifier: Apache-2.0 */
/**
 * boot: which slot runs next. The otadata codec and rules, the choice as a pure function, the one writer of otadata,
 * and the loader that carries a plan out.
 *
 * Source: ESP-IDF bootloader_utility.c, bootloader_common.c, esp_ota_ops.c; docs/formats/otadata.md.
 * Indexes of app partitions: 0..15 OTA slots, -1 factory, -2 test.
 */
#ifndef UPDRAFT_BOOT_H
#define UPDRAFT_BOOT_H

#include "updraft/image.h"
#include "updraft/partition.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- otadata --------------------------------------------------------------------------------------------------- */

#define UD_OTADATA_ENTRY_BYTES 32u
#define UD_OTADATA_BYTES       0x2000u
#define UD_OTADATA_SEQ_BLANK   0xFFFFFFFFu

enum {
    UD_OTA_NEW = 0,
    UD_OTA_PENDING_VERIFY = 1,
    UD_OTA_VALID = 2,
    UD_OTA_INVALID = 3,
    UD_OTA_ABORTED = 4,
};
#define UD_OTA_UNDEFINED 0xFFFFFFFFu

struct ud_otadata_entry {
    uint32_t seq;
    uint8_t label[20];
    uint32_t state;
    uint32_t crc;
};

void ud_otadata_decode(const uint8_t bytes[UD_OTADATA_ENTRY_BYTES], struct ud_otadata_entry *e);
void ud_otadata_encode(const struct ud_otadata_entry *e, uint8_t bytes[UD_OTADATA_ENTRY_BYTES]);
uint32_t ud_otadata_crc(uint32_t seq);
/** seq blank, or state INVALID or ABORTED (the CRC is not looked at). */
bool ud_otadata_is_invalid(const struct ud_otadata_entry *e);
/** Not invalid, and the CRC matches. */
bool ud_otadata_is_valid(const struct ud_otadata_entry *e);
/** Index of the active entry, -1 if none: the only valid one, or the larger seq (tie: 0). */
int ud_otadata_active(const struct ud_otadata_entry e[2]);
/** Slot an entry names, given `slots` > 0. */
uint32_t ud_otadata_slot(const struct ud_otadata_entry *e, uint32_t slots);
/**
 * Seq that selects `slot` of `slots` (> 0) over `active_seq`: the smallest congruent value that is not below it, and
 * not 0. false when none below 0xFFFFFFFF does (it would read as blank); the caller refuses.
 */
bool ud_otadata_next_seq(uint32_t slots, uint32_t active_seq, uint32_t slot, uint32_t *seq);
const char *ud_ota_state_name(uint32_t state); /* "NEW", …, "UNDEFINED"; "?" for other values */

/** Read both entries; partition too small: ESP_ERR_INVALID_SIZE. */
UD_MUST_USE esp_err_t ud_otadata_read(struct ud_flash *f, const struct ud_partition *p, struct ud_otadata_entry e[2]);
/**
 * The one writer: erase sector `i` (0, 1), then program the entry and read it back (ESP_ERR_FLASH_OP_FAIL when it
 * differs). Order matters; see docs/formats/otadata.md.
 */
UD_MUST_USE esp_err_t ud_otadata_write(struct ud_flash *f, const struct ud_partition *p, unsigned i,
                                       const struct ud_otadata_entry *e);
/** Erase sector `i`, leaving it blank. */
UD_MUST_USE esp_err_t ud_otadata_erase(struct ud_flash *f, const struct ud_partition *p, unsigned i);

/* ---- the secure version ---------------------------------------------------------------------------------------- */

/** Where its field lies in a board's eFuses: 4 bytes, of which the chip's secure_version_bits count. */
#define UD_EFUSE_SECURE_VERSION 0u

/** The level: how many of the field's `bits` are burnt (0 on a board without eFuses). Errors of the eFuses. */
UD_MUST_USE esp_err_t ud_secure_version_read(const struct ud_efuse *e, uint8_t bits, uint32_t *level);
/**
 * Burn bits until the level is `version`. ESP_ERR_INVALID_ARG above the width of the field; ESP_FAIL below the level;
 * ESP_OK also when it is there already; errors of the eFuses.
 */
UD_MUST_USE esp_err_t ud_secure_version_raise(const struct ud_efuse *e, uint8_t bits, uint32_t version);

/* ---- the choice ------------------------------------------------------------------------------------------------ */

#define UD_BOOT_FACTORY   (-1)
#define UD_BOOT_TEST      (-2)
#define UD_BOOT_NONE      (-99)
#define UD_BOOT_MAX_SLOTS 16u

/** What anti-rollback knows of one app partition. */
struct ud_boot_app {
    bool readable; /* it is there and its description reads */
    uint32_t secure_version;
};
/** Its place in ud_boot_input.app: OTA slots 0..15, then factory, then test. */
static inline unsigned ud_boot_app_at(int index)
{
    return index >= 0 ? (unsigned)index : index == UD_BOOT_FACTORY ? UD_BOOT_MAX_SLOTS : UD_BOOT_MAX_SLOTS + 1u;
}

enum ud_otadata_presence { UD_OTADATA_ABSENT, UD_OTADATA_PRESENT, UD_OTADATA_SHORT };

/** Snapshot from which the boot loader decides. */
struct ud_boot_input {
    bool rollback;          /* the boot loader's option */
    uint16_t slots_present; /* bit i: ota_i is in the table, and not empty */
    uint8_t ota_entries;    /* OTA slots in the table, empty ones and doubles too; 0: as many as there are bits */
    bool has_factory;
    bool has_test;
    enum ud_otadata_presence otadata;
    struct ud_otadata_entry entry[2];
    bool deep_sleep_wake;
    bool factory_reset_pin; /* held long enough; false, as test_pin, on the second round */
    bool test_pin;
    bool factory_reset_erases_otadata;
    bool anti_rollback;          /* the boot loader's option; the rest counts only with it */
    uint8_t secure_version_bits; /* width of the eFuse field */
    uint32_t secure_level;
    struct ud_boot_app app[UD_BOOT_MAX_SLOTS + 2u];
};

/** Why, in order; `arg` is an entry index, a slot index or a state, as the rule says. */
enum ud_boot_rule {
    UD_RULE_NO_OTADATA,      /* no data/ota partition: factory */
    UD_RULE_SHORT_OTADATA,   /* unreadable: reset */
    UD_RULE_PENDING_ABORTED, /* arg = entry: PENDING_VERIFY was not confirmed */
    UD_RULE_BOTH_INVALID,    /* neither entry can be used */
    UD_RULE_NO_SLOTS,        /* the table has no OTA slot */
    UD_RULE_TO_FACTORY,
    UD_RULE_TO_FIRST_SLOT,  /* no factory: slot 0 */
    UD_RULE_INITIAL,        /* otadata is in its initial state: entry 0 will be written after a slot has loaded */
    UD_RULE_ACTIVE,         /* arg = entry that wins */
    UD_RULE_NO_ACTIVE,      /* one blank, one with a bad CRC …: factory */
    UD_RULE_NEW_TO_PENDING, /* arg = entry: first boot of a new image */
    UD_RULE_FACTORY_RESET,  /* pin held: erase and decide again */
    UD_RULE_TEST_PIN,
    UD_RULE_NO_TEST,       /* pin held, no test partition: reset */
    UD_RULE_ENTRY_TOO_OLD, /* arg = entry: anti-rollback does not let its slot run */
    UD_RULE_RAISE_LEVEL,   /* arg = secure version of the confirmed app: the eFuses follow it */
    UD_RULE_TOO_OLD,       /* arg = index: anti-rollback takes it off the candidates */
};

struct ud_boot_step {
    enum ud_boot_rule rule;
    int arg;
};

enum ud_boot_action {
    UD_BOOT_TRY,   /* do the writes, then try the candidates in order */
    UD_BOOT_AGAIN, /* do the writes and erases, then ask again on what is left with both pins released */
    UD_BOOT_RESET, /* nothing can be started */
};

#define UD_BOOT_MAX_CANDIDATES 18u
#define UD_BOOT_MAX_STEPS      36u

struct ud_boot_plan {
    enum ud_boot_action action;
    int start; /* index the loader starts from */
    uint8_t write_count;
    struct {
        uint8_t sector;
        struct ud_otadata_entry entry;
    } write[3];            /* in this order, before anything is tried */
    uint32_t raise_level;  /* then raise the secure version to this; 0: no */
    bool erase_reset_data; /* AGAIN: the data partitions that factory reset clears */
    bool erase_otadata;    /* AGAIN: all of data/ota */
    uint8_t candidate_count;
    int8_t candidate[UD_BOOT_MAX_CANDIDATES];
    bool write_after_load; /* an OTA slot i has loaded: entry 0 becomes seq i + 1, VALID */
    bool raise_after_load; /* and the level becomes its secure version */
    uint8_t step_count;
    struct ud_boot_step step[UD_BOOT_MAX_STEPS];
};

/** Decide. Pure: looks at nothing but `in`; keeps no pointer. */
void ud_boot_choose(const struct ud_boot_input *in, struct ud_boot_plan *plan);

/** What `table` says for the input: slots, factory, test, and whether there is otadata. */
void ud_boot_input_from_table(const struct ud_ptable *table, struct ud_boot_input *in);
/** How many OTA slots the boot loader counts, which is what sequence numbers are taken modulo. */
uint32_t ud_boot_slot_count(const struct ud_boot_input *in);
/**
 * The partition of an index, and otadata; NULL if absent (the app: or of size 0). Of several of one subtype the last, as
 * the boot loader takes them; ud_ptable_find and applications take the first. Both point into `table`.
 */
const struct ud_partition *ud_boot_partition(const struct ud_ptable *table, int index);
const struct ud_partition *ud_boot_otadata(const struct ud_ptable *table);

/* ---- the loader ------------------------------------------------------------------------------------------------ */

/**
 * Takes the bytes of the candidate while they are hashed, so that what was verified is what runs. All may be NULL.
 * The last piece may reach beyond the end of the image. After an `open` that returned ESP_OK there is one `close`.
 */
struct ud_boot_sink {
    esp_err_t (*open)(void *ctx, const struct ud_partition *p);                         /* a candidate begins */
    esp_err_t (*data)(void *ctx, uint32_t off, const void *data, size_t len);           /* in order, from offset 0 */
    esp_err_t (*close)(void *ctx, esp_err_t verdict, const struct ud_image_info *info); /* non-OK: skip it */
    void *ctx;
};

struct ud_boot_settings {
    bool rollback;
    bool deep_sleep_wake;
    bool factory_reset_pin;
    bool test_pin;
    bool factory_reset_erases_otadata;
    const char *factory_reset_labels; /* comma separated, default "nvs" when NULL */
    bool anti_rollback;
    uint8_t secure_version_bits; /* of the chip */
    struct ud_image_rules rules; /* chip, revision, require_digest, check_mapping; address and size are set here */
    uint32_t table_offset;
};

/** The world of the loader. */
struct ud_boot_device {
    struct ud_flash *flash;
    const struct ud_crypto *crypto;
    const struct ud_observer *obs;
    struct ud_boot_settings settings;
    struct ud_boot_sink sink;
    uint8_t *scratch; /* read buffer, the caller's, >= 256 bytes; larger is faster */
    size_t scratch_len;
    struct ud_efuse efuse; /* asked with anti_rollback only */
};

struct ud_boot_result {
    struct ud_ptable table;
    struct ud_boot_input input;        /* of the last round, as read */
    struct ud_boot_plan plan;          /* of the last round */
    const struct ud_partition *loaded; /* into `table`; NULL: reset */
    int loaded_index;
    struct ud_image_info info; /* of the loaded image */
    uint8_t tried_count;
    struct {
        int8_t index;
        esp_err_t verdict;
    } tried[UD_BOOT_MAX_CANDIDATES];
};

enum {
    UD_NOTE_BOOT_RULE = UD_NOTE_BOOT, /* a = enum ud_boot_rule, b = arg */
    UD_NOTE_BOOT_TRY,                 /* a = address, err = verdict, text = label */
    UD_NOTE_BOOT_OTADATA,             /* a = sector, b = state << 32 | seq, err: an entry was written, or not */
    UD_NOTE_BOOT_LOADED,              /* a = address, text = label */
    UD_NOTE_BOOT_NOTHING,             /* no bootable image */
    UD_NOTE_BOOT_ERASED,              /* factory reset: a = address, b = length, err, text = label */
    UD_NOTE_BOOT_EFUSE,               /* the secure version was raised, or not (err): a = from, b = to */
};

/**
 * One boot. ESP_OK with `loaded` set; ESP_ERR_NOT_FOUND nothing bootable (`result` still tells what was tried);
 * ESP_ERR_INVALID_ARG no or too little scratch; else the error of reading the table or otadata, or with
 * anti_rollback the eFuses. A write to otadata or the eFuses that fails is noted and does not stop the boot.
 */
UD_MUST_USE esp_err_t ud_boot_run(struct ud_boot_device *dev, struct ud_boot_result *result);

/**
 * What ud_boot_run would do, without writing and without the sink (reads and verifies the candidates): for `board why`
 * and `board map`. A factory reset is applied to the snapshot.
 */
UD_MUST_USE esp_err_t ud_boot_explain(struct ud_boot_device *dev, struct ud_boot_result *result);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_BOOT_H */
