/* SPDX-License-Identifier: Apache-2.0 */
/**
 * nvs: keys and values in a flash partition, in ESP-IDF's own format (docs/formats/nvs.md): partitions that a factory
 * tool has made, and dumps of chips, are read and go on living. Every change is in flash when its call returns, and
 * power may go at any operation of it: after that a value is the old or the new one, and all others are as they were.
 *
 *     struct ud_nvs nvs;
 *     struct ud_nvs_page page[6];                       // one for each 4096 bytes of the partition
 *     uint8_t ns, bytes[4] = { 42 };
 *     esp_err_t err = ud_nvs_init(&nvs, flash, part, page, 6);
 *     if (err == ESP_OK) err = ud_nvs_open(&nvs, "storage", true, &ns);
 *     if (err == ESP_OK) err = ud_nvs_set(&nvs, &(struct ud_nvs_key){ ns, "count" }, UD_NVS_U32, bytes, 4);
 *
 * There is no index: a search reads the headers of the entries of each page, 256 bytes at a time. An erase or program
 * that fails leaves the store in a state that only ud_nvs_init mends; until then every call answers
 * ESP_ERR_NVS_INVALID_STATE. A failed read changes nothing. One thread at a time: the board's lock keeps them apart.
 *
 * Codes of all calls, beside those that are named: the flash's own (ESP_ERR_FLASH_OP_FAIL …), ESP_ERR_NOT_ALLOWED when
 * something is to be changed in a read-only partition.
 */
#ifndef UPDRAFT_NVS_H
#define UPDRAFT_NVS_H

#include "updraft/partition.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UD_NVS_PAGE_BYTES 4096u
#define UD_NVS_ENTRIES    126u  /* of a page, 32 bytes each */
#define UD_NVS_NAME_MAX   15u   /* characters of a key or of the name of a namespace */
#define UD_NVS_CHUNK_MAX  4000u /* bytes of a string, its NUL included, and of one chunk of a blob */
#define UD_NVS_PAGES_MAX  0xFFFEu

enum ud_nvs_type {
    UD_NVS_U8 = 0x01,
    UD_NVS_U16 = 0x02,
    UD_NVS_U32 = 0x04,
    UD_NVS_U64 = 0x08,
    UD_NVS_I8 = 0x11,
    UD_NVS_I16 = 0x12,
    UD_NVS_I32 = 0x14,
    UD_NVS_I64 = 0x18,
    UD_NVS_STR = 0x21,
    UD_NVS_FLOAT = 0x24,
    UD_NVS_DOUBLE = 0x28,
    UD_NVS_BLOB = 0x42, /* of either version */
    UD_NVS_ANY = 0xFF,  /* searches only */
};

/** What is known of one page; the caller's memory, the room's contents. */
struct ud_nvs_page {
    uint32_t seq;
    uint16_t after; /* next page in its list */
    uint8_t state;
    uint8_t next;    /* first entry behind all that was ever written */
    uint8_t written; /* entries that are in use */
    uint8_t map[32]; /* as on flash: two bits an entry */
};

struct ud_nvs {
    bool keep_types; /* set before or after init: one key may hold one value of each type (old ESP-IDF) */

    /* Private. */
    struct ud_flash *flash;
    struct ud_partition part;
    struct ud_nvs_page *page;
    uint16_t page_count;
    uint16_t used_first, used_last; /* by sequence; the last one takes new entries */
    uint16_t free_first, free_last; /* blank ones, and ones to be erased first */
    uint16_t free_count;
    bool read_only;
    bool failed;
};

enum {
    UD_NOTE_NVS_RECOVERED = UD_NOTE_NVS, /* init: a = entries that it gave up, b = pages that are no pages,
                                            text = label */
    UD_NOTE_NVS_REFUSED,                 /* init: a = address, b = pages, text = why */
    UD_NOTE_NVS_DAMAGED,                 /* a value does not match its CRC: a = address, b = length, text = key */
};

/**
 * Take stock of partition `part` (copied) and end what a loss of power has left half done. `page`: the caller's, kept,
 * at least part->size / 4096 of them. Writes to a blank partition only when something is stored.
 *
 * @return ESP_OK; ESP_ERR_NVS_NO_FREE_PAGES no blank page is left, or there is none at all;
 * ESP_ERR_NVS_NEW_VERSION_FOUND a page of a later format; ESP_ERR_NVS_WRONG_ENCRYPTION no entry of all makes sense, as
 * if they were encrypted: nothing was written; ESP_ERR_INVALID_SIZE more pages than `page_max`, or than
 * UD_NVS_PAGES_MAX; ESP_ERR_INVALID_ARG the partition does not begin at a sector; ESP_ERR_NOT_SUPPORTED sectors that
 * are no divisor of a page.
 */
UD_MUST_USE esp_err_t ud_nvs_init(struct ud_nvs *n, struct ud_flash *flash, const struct ud_partition *part,
                                  struct ud_nvs_page *page, uint32_t page_max);

/**
 * The number of namespace `name`, which is created if asked for. ESP_ERR_NVS_NOT_FOUND; ESP_ERR_NVS_KEY_TOO_LONG when
 * it is to be created; ESP_ERR_NVS_NOT_ENOUGH_SPACE, also for the 255th.
 */
UD_MUST_USE esp_err_t ud_nvs_open(struct ud_nvs *n, const char *name, bool create, uint8_t *ns);

struct ud_nvs_key {
    uint8_t ns;
    const char *key;
    bool purge; /* what is erased is overwritten with zeros */
};
/**
 * Store `len` bytes. Scalars: little-endian, as long as the type says; UD_NVS_STR: with the NUL at the end. A value of
 * another type under the same key is replaced. Storing what is there writes nothing.
 *
 * @return ESP_OK; ESP_ERR_NVS_KEY_TOO_LONG; ESP_ERR_NVS_VALUE_TOO_LONG; ESP_ERR_INVALID_ARG a length that the type has
 * not; ESP_ERR_NVS_NOT_ENOUGH_SPACE the old value stays; ESP_ERR_NVS_REMOVE_FAILED the new value is stored, the flash
 * failed under the old one.
 */
UD_MUST_USE esp_err_t ud_nvs_set(struct ud_nvs *n, const struct ud_nvs_key *k, enum ud_nvs_type type, const void *value,
                                 size_t len);
/**
 * Read a value. `*len` is the room in `out` and then the length of the value; `out` NULL asks for the length only.
 *
 * @return ESP_OK; ESP_ERR_NVS_NOT_FOUND also for a value of another type, and for one that does not match its CRC,
 * which is erased; ESP_ERR_NVS_INVALID_LENGTH `len` NULL, or `*len` too small: it gets the length; ESP_FAIL a blob with
 * a part missing, which is erased. `out` may be partly filled on the last two.
 */
UD_MUST_USE esp_err_t ud_nvs_get(struct ud_nvs *n, uint8_t ns, const char *key, enum ud_nvs_type type, void *out,
                                 size_t *len);
/** The type of a key, UD_NVS_BLOB for blobs of either version. ESP_ERR_NVS_NOT_FOUND. */
UD_MUST_USE esp_err_t ud_nvs_find(struct ud_nvs *n, uint8_t ns, const char *key, enum ud_nvs_type *type);
/** Erase a key, whatever its type. ESP_ERR_NVS_NOT_FOUND. */
UD_MUST_USE esp_err_t ud_nvs_erase(struct ud_nvs *n, const struct ud_nvs_key *k);
/** Erase all keys of a namespace, which itself stays. */
UD_MUST_USE esp_err_t ud_nvs_erase_all(struct ud_nvs *n, uint8_t ns, bool purge);
/** Overwrite with zeros what was erased of a namespace and can still be read. */
UD_MUST_USE esp_err_t ud_nvs_purge(struct ud_nvs *n, uint8_t ns);

struct ud_nvs_stats {
    uint32_t used;       /* entries in use, namespaces included */
    uint32_t free;       /* all others */
    uint32_t available;  /* without the page that is kept blank */
    uint32_t total;      /* 126 a page */
    uint32_t namespaces; /* that have a name */
};
UD_MUST_USE esp_err_t ud_nvs_stats(struct ud_nvs *n, struct ud_nvs_stats *out);
/** Entries that the keys of a namespace use. */
UD_MUST_USE esp_err_t ud_nvs_used(struct ud_nvs *n, uint8_t ns, uint32_t *entries);

struct ud_nvs_info {
    char ns[UD_NVS_NAME_MAX + 1];
    char key[UD_NVS_NAME_MAX + 1];
    enum ud_nvs_type type;
};
/** Where a walk stands; zeroed: at its beginning. Writes in between may make it miss a key or meet one twice. */
struct ud_nvs_walk {
    uint32_t seq;
    uint8_t at;
};
/**
 * The next key in the order of flash: of namespace `ns` (0: of all) and of `type` or UD_NVS_ANY. Blobs of version 1 and
 * namespaces are not met, as in ESP-IDF. ESP_ERR_NVS_NOT_FOUND at the end; `*info` is untouched then.
 */
UD_MUST_USE esp_err_t ud_nvs_next(struct ud_nvs *n, struct ud_nvs_walk *walk, uint8_t ns, enum ud_nvs_type type,
                                  struct ud_nvs_info *info);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_NVS_H */
