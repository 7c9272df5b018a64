/* SPDX-License-Identifier: Apache-2.0 */
/**
 * partition: the partition table (binary and CSV) and bounded partition I/O.
 *
 * Binary layout: docs/formats/partition-table.md. Source: ESP-IDF gen_esp32part.py 1.5, flash_partitions.c,
 * partition.c.
 *
 *     struct ud_ptable table;
 *     esp_err_t err = ud_ptable_load(flash, 0x8000, crypto, obs, &table);
 *     const struct ud_partition *p = ud_ptable_find(&table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
 */
#ifndef UPDRAFT_PARTITION_H
#define UPDRAFT_PARTITION_H

#include "updraft/crypto.h"
#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UD_PTABLE_BYTES          0xC00u /* payload of the table's sector */
#define UD_PTABLE_MAX_ENTRIES    95u    /* plus the terminator; 94 with an MD5 entry */
#define UD_PTABLE_DEFAULT_OFFSET 0x8000u

enum { UD_PART_APP = 0, UD_PART_DATA = 1, UD_PART_BOOTLOADER = 2, UD_PART_TABLE = 3, UD_PART_ANY = 0xFF };
enum {
    UD_PART_APP_FACTORY = 0x00,
    UD_PART_APP_OTA_0 = 0x10,
    UD_PART_APP_OTA_15 = 0x1F,
    UD_PART_APP_TEST = 0x20,
    UD_PART_DATA_OTA = 0x00,
    UD_PART_DATA_PHY = 0x01,
    UD_PART_DATA_NVS = 0x02,
    UD_PART_DATA_UNDEFINED = 0x06,
};

/** One partition. `label` is always terminated (16 characters at most on flash). */
struct ud_partition {
    uint32_t addr;
    uint32_t size;
    uint32_t flags; /* as on flash; bit 0 encrypted, bit 1 readonly */
    uint8_t type;
    uint8_t subtype;
    char label[17];
};
#define UD_PART_FLAG_ENCRYPTED 1u
#define UD_PART_FLAG_READONLY  2u

static inline bool ud_partition_is_ota(const struct ud_partition *p)
{
    return p->type == UD_PART_APP && p->subtype >= UD_PART_APP_OTA_0 && p->subtype <= UD_PART_APP_OTA_15;
}

/** A table in table order. */
struct ud_ptable {
    struct ud_partition part[UD_PTABLE_MAX_ENTRIES];
    uint8_t count;
    bool has_md5;
};

enum {
    UD_NOTE_PTABLE_BAD = UD_NOTE_PARTITION, /* a = byte offset of the entry, b = enum ud_ptable_fault (0 from
                                               ud_ptable_decode), text = what is wrong with it */
    UD_NOTE_PTABLE_UNKNOWN_FLAGS,           /* a = byte offset, b = flags */
    UD_NOTE_CSV_BAD,                        /* a = line from 1 (0: the table as a whole), b = enum ud_ptable_fault,
                                               text = what and what to do */
    UD_NOTE_CSV_WARNING,                    /* a = line, text */
};

/** Which of the generator's rules a table breaks: the first one that it meets. */
enum ud_ptable_fault {
    UD_PTABLE_NO_FAULT,
    UD_PTABLE_BAD_ENCODING,
    UD_PTABLE_UNSET_VARIABLE,
    UD_PTABLE_BOOTLOADER_NOT_BELOW_TABLE,
    UD_PTABLE_TYPE_EMPTY,
    UD_PTABLE_BAD_TYPE,
    UD_PTABLE_APP_SUBTYPE_EMPTY,
    UD_PTABLE_BAD_SUBTYPE,
    UD_PTABLE_NO_BOOTLOADER_OFFSET,
    UD_PTABLE_NO_RECOVERY_OFFSET,
    UD_PTABLE_BAD_NUMBER,
    UD_PTABLE_SIZE_EMPTY,
    UD_PTABLE_BAD_FLAG,
    UD_PTABLE_BELOW_TABLE_END,    /* order of the rows: the first row */
    UD_PTABLE_BELOW_PREVIOUS_END, /* order of the rows: another */
    UD_PTABLE_OFFSET_MISALIGNED,
    UD_PTABLE_SIZE_MISALIGNED,
    UD_PTABLE_READONLY_FORBIDDEN,
    UD_PTABLE_NVS_TOO_SMALL,
    UD_PTABLE_DUPLICATE_NAME,
    UD_PTABLE_BELOW_TABLE_END_VERIFY, /* the whole table: whatever its order */
    UD_PTABLE_OVERLAP,
    UD_PTABLE_MANY_OTADATA,
    UD_PTABLE_OTADATA_SIZE,
    UD_PTABLE_MANY_TEEOTADATA,
    UD_PTABLE_TEEOTADATA_SIZE,
    UD_PTABLE_FLASH_SIZE,
    UD_PTABLE_OUT_OF_RANGE,
    UD_PTABLE_TABLE_TOO_LONG,
    UD_PTABLE_BAD_LENGTH, /* of binary tables: an entry is cut off */
    UD_PTABLE_MD5_MISMATCH,
    UD_PTABLE_NO_TERMINATOR,
    UD_PTABLE_BAD_MAGIC,
};
/** "bad-number", "overlap"; "" for UD_PTABLE_NO_FAULT and beyond the list. */
const char *ud_ptable_fault_name(uint32_t fault);

/**
 * Decode `len` bytes (0xC00 are looked at, at most). `flash_size` bounds every entry (0: unbounded).
 * @return ESP_OK; ESP_ERR_INVALID_SIZE an entry outside the device; ESP_ERR_INVALID_STATE anything else that is wrong.
 * `table` is untouched on failure. Source: flash-format rules of the boot loader (docs/formats/partition-table.md).
 */
UD_MUST_USE esp_err_t ud_ptable_decode(const uint8_t *bytes, size_t len, uint32_t flash_size,
                                       const struct ud_crypto *crypto, const struct ud_observer *obs,
                                       struct ud_ptable *table);

/** Read 0xC00 bytes at `offset` of the flash and decode them; the codes of both. */
UD_MUST_USE esp_err_t ud_ptable_load(struct ud_flash *flash, uint32_t offset, const struct ud_crypto *crypto,
                                     const struct ud_observer *obs, struct ud_ptable *table);

/**
 * Encode into exactly 0xC00 bytes, with the MD5 entry (last) when table->has_md5. ESP_ERR_INVALID_SIZE: too many
 * entries. An empty table encodes, but nobody reads it back.
 */
UD_MUST_USE esp_err_t ud_ptable_encode(const struct ud_ptable *table, const struct ud_crypto *crypto,
                                       uint8_t bytes[UD_PTABLE_BYTES]);

/**
 * The first partition that matches, and the first behind `after` (one of the table's own; NULL: from the start); NULL
 * when there is none. UD_PART_ANY and label NULL match all. What is returned points into `table` and is not the caller's.
 */
const struct ud_partition *ud_ptable_find(const struct ud_ptable *table, uint8_t type, uint8_t subtype,
                                          const char *label);
const struct ud_partition *ud_ptable_find_next(const struct ud_ptable *table, const struct ud_partition *after,
                                               uint8_t type, uint8_t subtype, const char *label);
/**
 * The table's own entry equal to `p` in type, subtype, label (empty = any), address, size and the encrypted flag; NULL.
 */
const struct ud_partition *ud_ptable_verify(const struct ud_ptable *table, const struct ud_partition *p);
/** The partition whose range holds `addr`, NULL if none. */
const struct ud_partition *ud_ptable_at(const struct ud_ptable *table, uint32_t addr);

/* ---- bounded I/O (check order as esp_partition: readonly, offset, length, alignment) ------------------------- */

/** ESP_ERR_INVALID_ARG off > size; ESP_ERR_INVALID_SIZE len > size - off; then the flash's own. */
UD_MUST_USE esp_err_t ud_partition_read(struct ud_flash *f, const struct ud_partition *p, uint32_t off, void *buf,
                                        uint32_t len);
/** Also ESP_ERR_NOT_ALLOWED on a read-only partition, first of all. */
UD_MUST_USE esp_err_t ud_partition_write(struct ud_flash *f, const struct ud_partition *p, uint32_t off,
                                         const void *data, uint32_t len);
/** Also ESP_ERR_INVALID_SIZE len % sector, then ESP_ERR_INVALID_ARG off % sector. */
UD_MUST_USE esp_err_t ud_partition_erase(struct ud_flash *f, const struct ud_partition *p, uint32_t off, uint32_t len);

/* ---- CSV ---------------------------------------------------------------------------------------------------- */

/** Options of the CSV reader and of the table checks; zero is the default of each. */
struct ud_csv_options {
    uint32_t table_offset;      /* 0: 0x8000 */
    uint32_t bootloader_offset; /* used only if has_bootloader_offset */
    uint32_t recovery_offset;   /* used only if has_recovery_offset */
    uint32_t flash_size;        /* 0: not checked */
    bool has_bootloader_offset;
    bool has_recovery_offset;
    bool secure_v1; /* app sizes in 64 KiB */
    bool no_md5;    /* ud_csv_decode: no MD5 entry */

    /** Value of an environment variable, NULL when it is unset. `name` is borrowed and not terminated. Without this
        function a line that uses `$NAME` or `${NAME}` is refused. */
    const char *(*variable)(void *ctx, const char *name, size_t len);
    void *variable_ctx;
    /** Where UTF-16 and UTF-32 are rewritten and variables are put in, during the call; without it such text is
        refused. Twice the file, and room for each line that uses a variable, is enough. */
    char *scratch;
    size_t scratch_size;
};

/**
 * Parse CSV text into a table and check it: UTF-8, or by its byte order mark UTF-16 or big-endian UTF-32. The first
 * error is noted (UD_NOTE_CSV_BAD with its line and kind).
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE without a note: `scratch` is too small, grow it and call
 * again. `table` untouched on failure.
 */
UD_MUST_USE esp_err_t ud_csv_decode(const char *text, size_t len, const struct ud_csv_options *opt,
                                    const struct ud_observer *obs, struct ud_ptable *table);

/**
 * Decode a binary table as the generator reads a file, where ud_ptable_decode reads as the boot loader: entries up to
 * the terminator whatever the file's length, MD5 entries anywhere and more than one (with opt->no_md5 none), labels in
 * UTF-8 up to their first NUL; then ud_ptable_check. Both refuse an empty table.
 * @return ESP_OK; ESP_ERR_INVALID_ARG with UD_NOTE_PTABLE_BAD or UD_NOTE_CSV_BAD; an error of `crypto`. `table`
 * untouched on failure.
 */
UD_MUST_USE esp_err_t ud_ptable_decode_file(const uint8_t *bytes, size_t len, const struct ud_csv_options *opt,
                                            const struct ud_crypto *crypto, const struct ud_observer *obs,
                                            struct ud_ptable *table);

/** The generator's checks on a table from anywhere (alignment, overlap, sizes); notes as ud_csv_decode. */
UD_MUST_USE esp_err_t ud_ptable_check(const struct ud_ptable *table, const struct ud_csv_options *opt,
                                      const struct ud_observer *obs);

/** A default table of ESP-IDF as CSV text: "single_app", "two_ota", "two_ota_large"; NULL for another name. */
const char *ud_csv_default(const char *name);

/**
 * Print as CSV, NUL-terminated. `*needed` gets the size without NUL; ESP_ERR_INVALID_SIZE if it does not fit
 * (buf may be NULL with cap 0 to ask). ESP_ERR_NOT_SUPPORTED, `*needed` untouched: a label that CSV cannot carry (not
 * UTF-8, a comma, a line end, `$NAME`, blanks at its ends, `#` in front). Unknown flag bits are left out.
 */
UD_MUST_USE esp_err_t ud_csv_encode(const struct ud_ptable *table, char *buf, size_t cap, size_t *needed);

/** Names as in CSV ("app", "ota_0"); `scratch` (8 bytes) takes the number of one without a name. */
const char *ud_partition_type_name(uint8_t type, char scratch[8]);
const char *ud_partition_subtype_name(uint8_t type, uint8_t subtype, char scratch[8]);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_PARTITION_H */
