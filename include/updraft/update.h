/* SPDX-License-Identifier: Apache-2.0 */
/**
 * update: from a source into a slot. The header is judged before the first flash write, then bytes are pulled and
 * written until the source ends, the image is judged and the slot is made to boot.
 *
 * A source is pull: HTTP, file, memory; the buffer is the caller's. ud_update is the state machine of esp_https_ota,
 * without HTTP: `idf`'s esp_https_ota drives it with an HTTP source, the command line with any.
 *
 *     struct ud_update u;
 *     esp_err_t err = ud_update_begin(&u, &env, source, &opt);
 *     if (err != ESP_OK)
 *         return err;
 *     do
 *         err = ud_update_step(&u);
 *     while (err == ESP_ERR_HTTPS_OTA_IN_PROGRESS);
 *     return err == ESP_OK ? ud_update_finish(&u) : (ud_update_abort(&u), err);
 */
#ifndef UPDRAFT_UPDATE_H
#define UPDRAFT_UPDATE_H

#include "updraft/http.h"
#include "updraft/ota.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Where bytes come from. read: ESP_OK with got > 0; ESP_OK with got == 0: the end, complete; ESP_ERR_NOT_FINISHED:
 * nothing within wait_ms, ask again; else it failed (noted by the source). size: -1 unknown.
 */
struct ud_source_ops {
    esp_err_t (*read)(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got);
    int64_t (*size)(void *ctx);
    bool (*is_complete)(void *ctx);
};
struct ud_source {
    const struct ud_source_ops *ops;
    void *ctx;
};

/** Bytes in memory, handed out at most `piece` at a time (0: as asked). */
struct ud_mem_source {
    const uint8_t *data;
    size_t len;
    size_t off;
    size_t piece;
};
struct ud_source ud_mem_source(struct ud_mem_source *m);

/**
 * An opened HTTP response body (after ud_update_http_connect). A wait_ms of 0 is the client's own time-out. Errors:
 * ESP_ERR_TIMEOUT the client's stall rule, else ESP_FAIL.
 */
struct ud_source ud_http_source(struct ud_http *h);

/**
 * The connect loop of esp_https_ota_begin: open, send the post data, headers, follow redirects, judge the status by
 * table. `max_redirects` as in struct ud_http_config (0: 10, -1: none).
 *
 * ESP_OK with a body to read; ESP_ERR_HTTP_NOT_MODIFIED 304; ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE 416;
 * for a 401 the codes of ud_http_add_auth, when it cannot be answered; ESP_FAIL any other 4xx and 5xx, or no HTTP;
 * ESP_ERR_HTTP_MAX_REDIRECT, ESP_ERR_HTTP_REDIRECT_DOWNGRADE, ESP_ERR_INVALID_ARG a redirect to nowhere;
 * ESP_ERR_HTTP_CONNECT, ESP_ERR_HTTP_WRITE_DATA; ESP_ERR_HTTP_EAGAIN no answer within the client's time-out;
 * ESP_ERR_TIMEOUT its stall rule.
 */
UD_MUST_USE esp_err_t ud_update_http_connect(struct ud_http *h, int max_redirects, const struct ud_observer *obs);

/** How a file is asked for, and at which byte. */
struct ud_ranges_options {
    int max_redirects; /* as in ud_update_http_connect */
    bool partial;      /* ask for the length, then for at most `max` bytes a request */
    uint32_t max;      /* 0: 65536 */
    bool resume;       /* the first byte wanted is at `offset`; a server that cannot go on there sends all of it */
    uint32_t offset;
};

/** A download by one request or several. Read-only for the caller: `at`, where the next byte belongs, and `opt.resume`. */
struct ud_ranges {
    struct ud_http *http;
    const struct ud_observer *obs;
    struct ud_ranges_options opt;
    int64_t length; /* partial: of the file; else of the response's body. -1 unknown */
    uint64_t at;
    uint32_t identity; /* of ETag or Last-Modified of the parts so far; 0 unknown */
    bool asked;        /* the last request had a Range of ours */
};

/**
 * Send the first request and judge the status: the codes of ud_update_http_connect. When `opt->resume` is refused (416,
 * another status than 206, another range) the download starts over from byte 0, once: `at` says so. With `partial`
 * ESP_FAIL also when the server tells no length; HEAD's own errors are those of ud_http_perform. The request header
 * "Range" and the method of `h` are changed. `h` and `obs` must outlive `r`.
 */
UD_MUST_USE esp_err_t ud_ranges_open(struct ud_ranges *r, struct ud_http *h, const struct ud_ranges_options *opt,
                                     const struct ud_observer *obs);
/**
 * What an opened download gives; a read that asks for the next range answers ESP_ERR_NOT_FINISHED. A next range that is
 * refused, is another one, or is of a file that has changed meanwhile (length, ETag, Last-Modified): ESP_FAIL.
 */
struct ud_source ud_ranges_source(struct ud_ranges *r);

#define UD_UPDATE_HEADER_BYTES 1024u /* read before anything is decided; a shorter image cannot be installed */

/** Order matters: comparisons use it, as esp_https_ota's. */
enum ud_update_state {
    UD_UPDATE_INIT,
    UD_UPDATE_BEGIN,
    UD_UPDATE_IN_PROGRESS,
    UD_UPDATE_SUCCESS,
    UD_UPDATE_RESUME,
};

enum ud_update_event {
    UD_UPDATE_VERIFY_CHIP_ID,       /* a = chip id of the new image */
    UD_UPDATE_VERIFY_CHIP_REVISION, /* a = min_chip_rev_full */
    UD_UPDATE_WRITE_FLASH,          /* a = bytes written so far, also after a failed write */
    UD_UPDATE_SET_BOOT,             /* a = subtype of the final partition */
};

struct ud_update_env {
    struct ud_ota *ota;
    struct ud_alloc alloc;
    const struct ud_observer *obs;
    void (*event)(void *ctx, enum ud_update_event e, uint64_t a); /* may be NULL; never under a lock */
    void *event_ctx;
};

struct ud_update_options {
    const struct ud_partition *slot; /* NULL: next update partition */
    size_t buffer_size;              /* at least 1024 is taken */
    bool bulk_erase;
    bool check_spi_mode;
    uint32_t wait_ms;                 /* a single wait for the source; 0: its own */
    const struct ud_partition *final; /* where the content belongs, if not in `slot`: what it is judged as */
    bool copy_to_final;               /* and copied to by finish */
    uint32_t resume_at; /* these bytes are in the slot already, from another update; the source goes on there */
};

struct ud_update {
    struct ud_update_env env;
    struct ud_update_options opt;
    struct ud_source source;
    struct ud_ota_session *session; /* allocated; NULL: none open */
    const struct ud_partition *slot;
    enum ud_update_state state;
    uint8_t *buf;
    size_t buf_len;
    size_t header_len; /* bytes of the image's start held in buf and not yet written */
    bool header_read;
    uint32_t written;
    esp_err_t failed;                 /* of a step after the first write: later steps answer the same */
    const struct ud_partition *final; /* `slot` unless said otherwise */
};

enum {
    UD_NOTE_UPDATE_START =
        UD_NOTE_UPDATE,          /* a = address of the slot, b = image size (UINT64_MAX unknown), text = label */
    UD_NOTE_UPDATE_SHORT_HEADER, /* a = bytes received: the source ended inside the 1024-byte header */
    UD_NOTE_UPDATE_STATUS,       /* a = HTTP status that ends the update */
    UD_NOTE_UPDATE_DONE,         /* a = bytes written */
    UD_NOTE_UPDATE_NO_SLOT,      /* no OTA slot to write to */
    UD_NOTE_UPDATE_BAD_DESC,     /* a = word found where the description's magic should be */
    UD_NOTE_UPDATE_RANGE,        /* err, a = offset, b = HTTP status, text = what is wrong with the answer */
    UD_NOTE_UPDATE_PART,         /* a = offset: a response is at its end, of several or of one */
    UD_NOTE_UPDATE_CUT,          /* a = bytes received: the response ended before it was complete */
    UD_NOTE_UPDATE_START_OVER,   /* a = offset at which the server cannot go on: the download starts from 0 */
    UD_NOTE_UPDATE_NOT_SWITCHED, /* text = label: the image is good, but it was not received to its end */
};

/**
 * Prepare: choose the slot, take the buffer. Touches neither the source nor flash. ESP_ERR_NO_MEM; ESP_FAIL no slot, or
 * one that is not there, `final` too. On failure nothing is held. `source` and what `env` points to must outlive `u`.
 */
UD_MUST_USE esp_err_t ud_update_begin(struct ud_update *u, const struct ud_update_env *env, struct ud_source source,
                                      const struct ud_update_options *opt);
/**
 * Read the header if it was not yet, and copy out the 256 bytes of the description. Repeatable; after the first step
 * they come from the slot. ESP_FAIL: the source ended too early, or no description is there; else the source's error.
 * What belongs to a boot loader has a description of 80 bytes, which is what is copied then; `*len` is how many.
 */
UD_MUST_USE esp_err_t ud_update_get_desc(struct ud_update *u, uint8_t bytes[UD_APP_DESC_BYTES]);
UD_MUST_USE esp_err_t ud_update_get_any_desc(struct ud_update *u, uint8_t bytes[UD_APP_DESC_BYTES], size_t *len);
/**
 * One step: ESP_ERR_HTTPS_OTA_IN_PROGRESS more to do (also when the source had nothing within its time); ESP_OK all
 * received; else failed, and every further step fails likewise.
 *
 * The first step reads 1024 bytes and judges chip and revision (ESP_ERR_INVALID_VERSION, ESP_ERR_OTA_SPI_MODE_MISMATCH)
 * before flash is touched in any way; then it opens the session (the codes of ud_ota_begin) and writes them. Later
 * ones write what one read of the source gives. After success ESP_FAIL. With `resume_at` the first step opens the
 * session by ud_ota_resume and reads: no header is judged, finish judges the whole image.
 */
UD_MUST_USE esp_err_t ud_update_step(struct ud_update *u);
/**
 * Judge, copy, switch the boot slot (only when all was received, and to the slot that was written, if what came is an app
 * for an OTA slot), release: `u` is finished in any case. The first error;
 * ESP_OK when nothing was begun; ESP_ERR_INVALID_ARG when the header was refused; ESP_ERR_OTA_VALIDATE_FAILED.
 */
UD_MUST_USE esp_err_t ud_update_finish(struct ud_update *u);
/** Give up and release. Always ESP_OK. */
esp_err_t ud_update_abort(struct ud_update *u);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_UPDATE_H */
