/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What port/linux offers: the pieces of port.h on a POSIX system with OpenSSL. Each function hands out an interface of
 * base, crypto or flash; none keeps hidden state unless it says so.
 *
 *     struct ud_clock clock = ud_linux_clock();
 *     struct ud_crypto crypto = ud_openssl_crypto();
 *     struct ud_file_flash file;
 *     struct ud_flash flash;
 *     ud_file_flash_init(&file, &flash, fd, size);          // fd: open for reading and writing, stays the caller's
 *     flash.observer = &observer;
 */
#ifndef UPDRAFT_PORT_LINUX_H
#define UPDRAFT_PORT_LINUX_H

#include "updraft/base.h"
#include "updraft/crypto.h"
#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** CLOCK_MONOTONIC; waiting sleeps (and continues after a signal). Any thread. */
struct ud_clock ud_linux_clock(void);
/** The kernel's random numbers; waits until its pool is ready. Any thread. */
struct ud_entropy ud_linux_entropy(void);
/** The interface of the default route and its addresses; the loopback one when there is none. Any thread. */
void ud_linux_network(struct ud_network *out);
/** malloc and free. Any thread. */
struct ud_alloc ud_linux_alloc(void);
/** Threads, mutexes and conditions by pthread. */
struct ud_os ud_linux_os(void);
/** Hashes by OpenSSL's EVP. Any thread; one hash belongs to one thread at a time. */
struct ud_crypto ud_openssl_crypto(void);

/** A mutex as a board's lock. ESP_ERR_NO_MEM. End it with ud_linux_lock_destroy when nobody holds it. */
UD_MUST_USE esp_err_t ud_linux_lock_create(struct ud_lock *lock);
/** Ends the lock and leaves the no-op lock; a no-op on one. */
void ud_linux_lock_destroy(struct ud_lock *lock);

/**
 * NOR flash in an open file (a plain dump), by pread and pwrite, so that a killed process cuts power between
 * operations. Rules and strict mode are those of struct ud_ram_flash. The file must be `size` bytes long; one that
 * ends early, a full disk and every other failure of the system is ESP_ERR_FLASH_OP_FAIL with a note UD_NOTE_FLASH_IO
 * (b = errno; ENODATA: the file ends early). After a failure the sectors written so far stay written.
 */
struct ud_file_flash {
    int fd;
    uint32_t size;
    bool strict;                   /* true after init */
    const struct ud_flash *device; /* the struct given to init, whose observer is told */
};
/** `flash` becomes the device over `file`; both must not move. `fd` stays the caller's and open. */
void ud_file_flash_init(struct ud_file_flash *file, struct ud_flash *flash, int fd, uint32_t size);

/**
 * eFuses in an open file of UD_EFUSE_SIZE bytes: burning ORs bits in, nothing clears them. ESP_FAIL when the system
 * fails or the file ends early.
 */
struct ud_file_efuse {
    int fd;
};
/** `efuse` becomes the interface over `file`, which must not move. `fd` stays the caller's and open. */
void ud_file_efuse_init(struct ud_file_efuse *file, struct ud_efuse *efuse, int fd);

/**
 * A transport on libcurl, for one HTTP client at a time: names, proxies (http_proxy, https_proxy, no_proxy …; always
 * tunnelled) and TLS are its work. `open` fails with ESP_ERR_ESP_TLS_* or ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED and says
 * why in a sentence of its own for a wrong CA, a wrong name, an expired or not yet valid certificate. The system's
 * certificates are curl's, or SSL_CERT_FILE and SSL_CERT_DIR. SIGPIPE never reaches the program from here.
 * ESP_ERR_NO_MEM, ESP_FAIL when libcurl cannot start.
 */
struct ud_transport;
UD_MUST_USE esp_err_t ud_curl_transport_create(struct ud_transport *out);
/** Close and free; a no-op on one that is destroyed already. */
void ud_curl_transport_destroy(struct ud_transport *t);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_PORT_LINUX_H */
