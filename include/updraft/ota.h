/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ota: slots as an update sees them. Sessions write an image into a slot and judge it; otadata changes make it boot.
 *
 * No allocation: a session is the caller's memory, linked into the context while it is open. Every entry point takes
 * the board's lock for its flash steps; two threads may use two sessions. What is written is read back and fed to the
 * streaming verifier, so an image that was written in order is verified once, on the bytes that will boot.
 * Behaviour and codes: ESP-IDF esp_ota_ops.c (docs/compatibility.md lists the differences).
 *
 *     struct ud_ota_session s;
 *     esp_err_t err = ud_ota_begin(&ota, &s, slot, UD_OTA_SEQUENTIAL);
 *     while (err == ESP_OK && more) err = ud_ota_write(&s, piece, len);
 *     if (err == ESP_OK) err = ud_ota_end(&s);   // closes s in any case
 *     if (err == ESP_OK) err = ud_ota_set_boot(&ota, slot);
 */
#ifndef UPDRAFT_OTA_H
#define UPDRAFT_OTA_H

#include "updraft/board.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UD_OTA_SIZE_UNKNOWN 0xFFFFFFFFu
#define UD_OTA_SEQUENTIAL   0xFFFFFFFEu

struct ud_ota_session;

/** Whose esp_ota_ops otadata is written like; tools that play a device with older firmware choose. */
enum ud_otadata_policy {
    UD_OTADATA_V6,   /* ESP-IDF 6.x: the slot that is active already has its entry rewritten */
    UD_OTADATA_V5_5, /* 5.5: it is written to the other entry, with the same seq */
    UD_OTADATA_V5,   /* to 5.4: likewise, and begin leaves the inactive entry alone */
};

/** The application's options and the open sessions. One a board; init, set further options, share between threads. */
struct ud_ota {
    struct ud_board *board;
    bool rollback; /* the app's BOOTLOADER_APP_ROLLBACK_ENABLE */
    struct ud_ota_session *sessions;
    bool anti_rollback; /* the app's BOOTLOADER_APP_ANTI_ROLLBACK; false after init */
    enum ud_otadata_policy otadata_policy;
};

#define UD_OTA_SCRATCH 1024u

struct ud_ota_session {
    struct ud_ota *ota; /* NULL: closed */
    struct ud_ota_session *next;
    const struct ud_partition *partition;
    uint32_t erase_size; /* as asked */
    uint32_t written;
    uint32_t top;    /* behind the furthest byte that was written, or there before a resume */
    bool sequential; /* sectors are erased as they are entered */
    bool in_order;   /* the verifier has seen every byte so far, and nobody else has changed flash since */
    struct ud_image_verifier verifier;
    uint8_t scratch[UD_OTA_SCRATCH];  /* read-back buffer */
    uint64_t generation;              /* of the flash after this session's last step */
    const struct ud_partition *final; /* where the content belongs: what it is judged as; `partition` at first */
    bool copy;                        /* a good end copies it there */
    bool resumed;
};

enum {
    UD_NOTE_OTA_BAD_MAGIC = UD_NOTE_OTA, /* a = first byte found */
    UD_NOTE_OTA_READBACK,                /* a = first flash address that reads back differently, b = byte found */
    UD_NOTE_OTA_VERDICT,                 /* once an image: err = verdict, a = address, text = label */
    UD_NOTE_OTA_HASH_PASS,               /* a whole image was hashed from flash: a = address */
    UD_NOTE_OTA_SET_BOOT,                /* a = seq, text = label */
    UD_NOTE_OTA_REFUSED,                 /* begin: err = why, a = address, text = label */
    UD_NOTE_OTA_STATE,                   /* confirmed or rejected: err, b = state << 32 | seq, text = label */
    UD_NOTE_OTA_SPI_MODE,                /* refused: a = spi_flash_mode of the running app, b = of the new one */
};

void ud_ota_init(struct ud_ota *ota, struct ud_board *board, bool rollback);

/* ---- update session: codes as esp_ota_begin/write/end/abort ------------------------------------------------------ */

/**
 * Check, reserve the partition, erase. A target is a partition of the table or one added to the board: an OTA slot, a
 * boot loader, a partition table, or data of any kind. `image_size` is UD_OTA_SEQUENTIAL (sectors are erased as they are entered), 0 or
 * UD_OTA_SIZE_UNKNOWN (all of it now) or a number of bytes. With rollback the inactive otadata entry is erased too.
 * All or nothing: on failure the session is closed and nothing of it stays behind. `s` need not be initialised.
 *
 * @return in this order: ESP_ERR_INVALID_STATE `s` is open already; ESP_ERR_INVALID_ARG NULL; ESP_ERR_NOT_FOUND not in
 * the table; ESP_ERR_INVALID_ARG an app that is no OTA slot; ESP_ERR_OTA_PARTITION_CONFLICT
 * it runs; ESP_ERR_OTA_ROLLBACK_INVALID_STATE the running app is not confirmed; ESP_ERR_OTA_ALREADY_IN_PROGRESS;
 * ESP_ERR_NO_MEM; ESP_ERR_INVALID_SIZE and the flash's errors.
 */
UD_MUST_USE esp_err_t ud_ota_begin(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p,
                                   uint32_t image_size);
/**
 * Go on with an image of which `offset` bytes are in `p` already. Nothing is erased now, and otadata is left alone; with
 * `erase_size` UD_OTA_SEQUENTIAL sectors are erased as they are entered, else what follows must be erased already.
 * Codes as ud_ota_begin; ESP_ERR_INVALID_ARG also for an offset beyond the partition.
 */
UD_MUST_USE esp_err_t ud_ota_resume(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p,
                                    uint32_t erase_size, uint32_t offset);
/**
 * Say where the content belongs, before anything is written (or after a resume): `end` judges it by the type of `final`
 * and with `copy` copies all of that partition's size there. ESP_ERR_INVALID_ARG NULL; ESP_ERR_NOT_FOUND session closed,
 * or no such partition; ESP_ERR_INVALID_STATE something was written; ESP_ERR_OTA_PARTITION_CONFLICT `copy` would go over
 * what runs. The session's own partition changes nothing.
 */
UD_MUST_USE esp_err_t ud_ota_set_final(struct ud_ota_session *s, const struct ud_partition *final, bool copy);
/**
 * Write the next bytes and read them back. `written` moves only when all of `data` is in flash; after a failure the
 * same bytes may be written again.
 *
 * @return ESP_ERR_INVALID_ARG data NULL, session closed; ESP_ERR_INVALID_SIZE beyond the slot (nothing is touched);
 * ESP_ERR_OTA_VALIDATE_FAILED the first byte of an app or boot loader is not 0xE9, or the first two of a partition table
 * not AA 50 (the first sector is erased by then);
 * ESP_ERR_FLASH_OP_FAIL also when flash reads back differently. A bad image is no error here: `end` judges.
 */
UD_MUST_USE esp_err_t ud_ota_write(struct ud_ota_session *s, const void *data, size_t len);
/**
 * Write `len` bytes at `offset`, in any order, into what is erased already. Nothing is judged before `end`; `written`
 * grows by `len`. ESP_ERR_INVALID_ARG data NULL, session closed, offset beyond the partition; ESP_ERR_INVALID_STATE the
 * session erases as it goes; ESP_ERR_INVALID_SIZE beyond the end.
 */
UD_MUST_USE esp_err_t ud_ota_write_at(struct ud_ota_session *s, const void *data, size_t len, uint32_t offset);
/**
 * Judge, copy if so asked, and close. ESP_ERR_NOT_FOUND closed already; ESP_ERR_INVALID_ARG nothing written;
 * ESP_ERR_OTA_VALIDATE_FAILED no good app, boot loader or partition table; ESP_ERR_INVALID_SIZE the copy: the
 * final partition is larger than the one written to, or too small for the image or the data (it keeps what it holds
 * then); the flash's. Data partitions are not judged. otadata is not touched.
 */
UD_MUST_USE esp_err_t ud_ota_end(struct ud_ota_session *s);
/** Close without judging. ESP_ERR_NOT_FOUND when closed already. */
esp_err_t ud_ota_abort(struct ud_ota_session *s);
/** Is `p` the target or the final partition of an open session? */
bool ud_ota_is_in_use(struct ud_ota *ota, const struct ud_partition *p);

/* ---- slots ------------------------------------------------------------------------------------------------------- */
/*
 * Partitions that come out point into the board's table and live as long as the board. Any thread may call; a call waits
 * for the board's lock, never for more than one step of another thread. Errors of flash come out as they are.
 */

/** Consecutive ota_0, ota_1, … in the table (at most 16). */
uint32_t ud_ota_slot_count(const struct ud_board *b);
/**
 * The OTA slot after `from` in the order of subtypes, the first one after the last; `from` NULL: after the running app.
 * The first one also when `from` is no OTA slot or not in the table; `from` itself when it is the only one; NULL: none.
 */
const struct ud_partition *ud_ota_next_update(const struct ud_board *b, const struct ud_partition *from);
/** What otadata says boots next (its image is not looked at); NULL without otadata or app, or when flash fails. */
const struct ud_partition *ud_ota_get_boot(struct ud_ota *ota);
/**
 * Verify (or trust the board's verdict), then write otadata while that verdict holds; of the factory app: erase it. A
 * test app selects ota_0, as in ESP-IDF. ESP_ERR_INVALID_ARG NULL, no app, no such slot; ESP_ERR_NOT_FOUND not in the
 * table, no otadata; ESP_ERR_OTA_VALIDATE_FAILED; ESP_ERR_INVALID_STATE the sequence number would reach 0xFFFFFFFF, which
 * reads as blank (ESP-IDF writes it all the same, or never returns); the flash's. With anti-rollback, not of the factory
 * app: ESP_ERR_NOT_FOUND no description there; ESP_ERR_OTA_SMALL_SEC_VER its secure version is below the level of the
 * eFuses, and all of `p` has been erased.
 */
UD_MUST_USE esp_err_t ud_ota_set_boot(struct ud_ota *ota, const struct ud_partition *p);
/** The same without the verdict: whatever is in `p`, the boot loader judges it. Codes as above but VALIDATE_FAILED. */
UD_MUST_USE esp_err_t ud_ota_set_boot_skip_validate(struct ud_ota *ota, const struct ud_partition *p);
/** ESP_ERR_INVALID_ARG NULL; ESP_ERR_NOT_SUPPORTED no app partition; ESP_ERR_NOT_FOUND no description there. */
UD_MUST_USE esp_err_t ud_ota_get_desc(struct ud_ota *ota, const struct ud_partition *p, struct ud_app_desc *desc);
/** Its raw 256 bytes, same codes; `bytes` is overwritten also when the magic is wrong. */
UD_MUST_USE esp_err_t ud_ota_get_desc_bytes(struct ud_ota *ota, const struct ud_partition *p,
                                            uint8_t bytes[UD_APP_DESC_BYTES]);
/**
 * State of the first entry with a good CRC that names `p` (entry 0 before 1, newer or not). ESP_ERR_INVALID_ARG NULL;
 * ESP_ERR_NOT_SUPPORTED no OTA slot; ESP_ERR_NOT_FOUND no otadata, none names it, or otadata cannot be read.
 */
UD_MUST_USE esp_err_t ud_ota_get_state(struct ud_ota *ota, const struct ud_partition *p, uint32_t *state);
/**
 * Confirm the *active entry*, whatever runs: VALID, unless it is. ESP_ERR_NOT_FOUND no otadata; ESP_FAIL no active
 * entry. With anti-rollback a change to VALID raises the eFuses to the running app's secure version, and the answer is
 * that of raising (the entry is VALID by then): ESP_ERR_NOT_FOUND nothing runs or no description; ESP_ERR_INVALID_ARG
 * above the width of the field; ESP_FAIL below the level; the eFuses'.
 */
UD_MUST_USE esp_err_t ud_ota_mark_valid(struct ud_ota *ota);
/**
 * Writes INVALID; the caller restarts. ESP_ERR_NOT_FOUND no otadata; ESP_FAIL no active entry;
 * ESP_ERR_OTA_ROLLBACK_FAILED nothing else boots; ESP_ERR_INVALID_STATE another thread changed otadata meanwhile.
 */
UD_MUST_USE esp_err_t ud_ota_mark_invalid(struct ud_ota *ota);
/**
 * Is there an image that boots if the active entry is rejected? That of the other entry, or the factory app when that
 * entry is not valid (with anti-rollback never that one, and the other only if its secure version suffices). Verifies it (or trusts the board's verdict), so it may take as long as reading a slot.
 */
bool ud_ota_is_rollback_possible(struct ud_ota *ota);
/** Slot of the entry that is INVALID or ABORTED (of two the smaller seq) if its image still verifies, else NULL. */
const struct ud_partition *ud_ota_last_invalid(struct ud_ota *ota);
/**
 * Erase the entry that is not active. ESP_FAIL no otadata or active entry, the other entry is blank or has a bad CRC, its
 * slot does not exist or runs.
 */
UD_MUST_USE esp_err_t ud_ota_invalidate_inactive(struct ud_ota *ota);
/** Erase the slot of that entry, then the entry. Codes as above. */
UD_MUST_USE esp_err_t ud_ota_erase_last_boot_app(struct ud_ota *ota);
/** Read and verify the image in `p` by this board's rules, and keep the verdict. Image codes, or the flash's. */
UD_MUST_USE esp_err_t ud_ota_verify(struct ud_ota *ota, const struct ud_partition *p, struct ud_image_info *info);
/**
 * Header (and description, may be NULL) against this board before anything is written:
 * ESP_ERR_INVALID_ARG `h` NULL; ESP_ERR_INVALID_VERSION chip or revision; ESP_ERR_OTA_SPI_MODE_MISMATCH the running
 * app's description names another SPI mode.
 */
UD_MUST_USE esp_err_t ud_ota_check_image(struct ud_ota *ota, const struct ud_image_header *h,
                                         const struct ud_app_desc *desc);
/** The same of a boot loader's header: the chip's own, and no upper revision. */
UD_MUST_USE esp_err_t ud_ota_check_bootloader(struct ud_ota *ota, const struct ud_image_header *h);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_OTA_H */
