/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A source that passes what another one gives through an application's decrypt_cb_t, in ESP-IDF's contract: the callback
 * gets what was read, allocates its output with malloc, and may need more input before it has any. Single-threaded.
 */
#ifndef UPDRAFT_IDF_DECRYPT_SOURCE_H
#define UPDRAFT_IDF_DECRYPT_SOURCE_H

#include "esp_https_ota.h"
#include "updraft/update.h"

struct ud_decrypt_source {
    struct ud_source inner;
    decrypt_cb_t decrypt;
    void *user_ctx;
    uint32_t header_bytes; /* of the container, in front of the image: size() leaves them out */
    void (*before)(void);  /* each call of the callback */
    struct ud_alloc alloc;
    char *in;
    size_t in_len;
    char *out; /* the callback's; free() */
    size_t out_len, out_at;
    bool refused; /* the callback has failed */
};

/** `buffer_size` bytes are read at a time. ESP_ERR_NO_MEM. Members that are not set here are the caller's. */
UD_MUST_USE esp_err_t ud_decrypt_source_start(struct ud_decrypt_source *d, size_t buffer_size);
/** Release; also after a start that failed, and twice. */
void ud_decrypt_source_stop(struct ud_decrypt_source *d);
/** The errors of the inner source; else what the callback returned. */
struct ud_source ud_decrypt_source(struct ud_decrypt_source *d);

#endif /* UPDRAFT_IDF_DECRYPT_SOURCE_H */
