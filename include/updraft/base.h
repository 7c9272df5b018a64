/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base: bytes, checked arithmetic, CRC-32, and the small interfaces that every room takes as pointers.
 *
 * An interface is a const table of functions plus a context. Whoever builds a context (firmware start-up, the
 * command line, a test) fills in the pieces; a core only calls them. The four memory functions are declared here
 * because cores are freestanding: a port's C library or compiler run-time supplies them.
 *
 *     struct ud_clock clock = ud_linux_clock();
 *     uint64_t t0 = ud_clock_now_us(&clock);
 */
#ifndef UPDRAFT_BASE_H
#define UPDRAFT_BASE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "updraft/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UD_MUST_USE     __attribute__((warn_unused_result))
#define UD_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#ifndef __cplusplus /* C++ has <cstring>, whose declarations differ by an exception specifier */
void *memcpy(void *restrict_dst, const void *restrict_src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif

/* ---- bytes: little-endian, from any alignment -------------------------------------------------------------- */

static inline uint16_t ud_load_le16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t ud_load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void ud_store_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void ud_store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* ---- checked arithmetic ------------------------------------------------------------------------------------ */

/** Does [off, off + len) lie inside [0, size)? Never wraps. A zero length at off == size is inside. */
static inline bool ud_range_fits(uint32_t off, uint32_t len, uint32_t size)
{
    return off <= size && len <= size - off;
}

/** Round up to a multiple of a power of two; `*out` set and true unless the result would exceed 32 bits. */
static inline bool ud_round_up(uint32_t value, uint32_t power_of_two, uint32_t *out)
{
    uint32_t mask = power_of_two - 1;
    if (value > UINT32_MAX - mask)
        return false;
    *out = (value + mask) & ~mask;
    return true;
}

/* ---- strings (bounded; the cores have no C library) -------------------------------------------------------- */

/** Length of `s`, at most `max`. */
size_t ud_strnlen(const char *s, size_t max);
bool ud_streq(const char *a, const char *b);
/** Compare ignoring ASCII case. */
bool ud_strcaseeq(const char *a, const char *b);
/** Copy a NUL-terminated or full text field of `src_max` bytes into `dst`, always terminated (dst_size >= 1). */
void ud_strcopy(char *dst, size_t dst_size, const char *src, size_t src_max);

/* ---- CRC-32 ------------------------------------------------------------------------------------------------ */

/**
 * CRC-32 (reflected 0xEDB88320), continued from `crc`; start an ordinary CRC-32 with 0. Same convention as zlib's
 * crc32(). otadata uses it started at UINT32_MAX (docs/formats/otadata.md).
 */
uint32_t ud_crc32(uint32_t crc, const void *data, size_t len);

/* ---- observer: what a core has to say ---------------------------------------------------------------------- */

/**
 * One note: what happened, its code (ESP_OK for progress), two numbers whose meaning the id fixes, one borrowed
 * text (may be NULL; valid during the call only). The ids of a room stand in its header, from floor * 0x100 up.
 */
struct ud_note {
    uint16_t id;
    esp_err_t err;
    uint64_t a;
    uint64_t b;
    const char *text;
};

struct ud_observer {
    void (*note)(void *ctx, const struct ud_note *note); /* NULL: nobody listens */
    void *ctx;
};

/** Tell `obs` (may be NULL) and return `err`, so that `return ud_note(...)` reads as one step. */
esp_err_t ud_note(const struct ud_observer *obs, uint16_t id, esp_err_t err, uint64_t a, uint64_t b, const char *text);

/** First id of each room's notes. */
enum {
    UD_NOTE_FLASH = 0x100,
    UD_NOTE_PARTITION = 0x200,
    UD_NOTE_IMAGE = 0x280,
    UD_NOTE_BOOT = 0x300,
    UD_NOTE_NVS = 0x380,
    UD_NOTE_BOARD = 0x400,
    UD_NOTE_OTA = 0x500,
    UD_NOTE_HTTP = 0x580,
    UD_NOTE_UPDATE = 0x600,
};

/* ---- clock ------------------------------------------------------------------------------------------------- */

struct ud_clock_ops {
    uint64_t (*now_us)(void *ctx);           /* monotonic; any epoch */
    void (*wait_us)(void *ctx, uint64_t us); /* a virtual clock advances and returns at once */
};
struct ud_clock {
    const struct ud_clock_ops *ops;
    void *ctx;
};

static inline uint64_t ud_clock_now_us(const struct ud_clock *c)
{
    return c->ops->now_us(c->ctx);
}

static inline void ud_clock_wait_us(const struct ud_clock *c, uint64_t us)
{
    c->ops->wait_us(c->ctx, us);
}

/** A clock that only moves when waited on (or set): start at `now_us`, `ud_virtual_clock(&v)` gives the interface. */
struct ud_virtual_clock {
    uint64_t now_us;
};
struct ud_clock ud_virtual_clock(struct ud_virtual_clock *v);

/* ---- entropy ----------------------------------------------------------------------------------------------- */

struct ud_entropy {
    esp_err_t (*fill)(void *ctx, void *buf, size_t len); /* all of it or an error */
    void *ctx;
};

/* ---- network of the host (compat only) ----------------------------------------------------------------------- */

/** The interface that leads out of here: its name and IPv4 addresses, byte by byte; a missing gateway is 0. */
struct ud_network {
    char name[16];
    uint8_t ip[4];
    uint8_t netmask[4];
    uint8_t gateway[4];
};

/* ---- allocator (http and update only) ---------------------------------------------------------------------- */

struct ud_alloc {
    void *(*alloc)(void *ctx, size_t size); /* NULL when there is none */
    void (*free)(void *ctx, void *p);       /* p may be NULL */
    void *ctx;
};

static inline void *ud_alloc_get(const struct ud_alloc *a, size_t size)
{
    return a->alloc(a->ctx, size);
}

static inline void ud_alloc_put(const struct ud_alloc *a, void *p)
{
    a->free(a->ctx, p);
}

/* ---- lock -------------------------------------------------------------------------------------------------- */

/** The lock of a board. A zeroed struct is a valid no-op lock (single-threaded tools and MCUs). Not recursive. */
struct ud_lock {
    void (*take)(void *ctx);
    void (*give)(void *ctx);
    void *ctx;
};

static inline void ud_lock_take(const struct ud_lock *l)
{
    if (l->take)
        l->take(l->ctx);
}

static inline void ud_lock_give(const struct ud_lock *l)
{
    if (l->give)
        l->give(l->ctx);
}

/* ---- eFuses: bits that only ever go from 0 to 1 ------------------------------------------------------------ */

/** Size of the eFuse area of a board, bytes. What the bits mean stands in docs/formats/efuse.md (today: nothing). */
#define UD_EFUSE_SIZE 256u

struct ud_efuse_ops {
    esp_err_t (*read)(void *ctx, uint32_t off, void *buf, size_t len);
    esp_err_t (*burn)(void *ctx, uint32_t off, const void *bits, size_t len); /* ORs; out of range: INVALID_ARG */
};
struct ud_efuse {
    const struct ud_efuse_ops *ops; /* NULL: a board without eFuses, all bits read 0, burning is NOT_SUPPORTED */
    void *ctx;
};

/**
 * Read bytes [off, off + len), or burn the bits that are 1 in `bits` into them (those that are burnt already stay).
 * ESP_ERR_INVALID_ARG: not inside UD_EFUSE_SIZE; ESP_ERR_NOT_SUPPORTED: burning where there are none; the driver's
 * own. The board's lock keeps threads apart.
 */
UD_MUST_USE esp_err_t ud_efuse_read(const struct ud_efuse *e, uint32_t off, void *buf, size_t len);
UD_MUST_USE esp_err_t ud_efuse_burn(const struct ud_efuse *e, uint32_t off, const void *bits, size_t len);

/* ---- operating system (idf and compat only) ---------------------------------------------------------------- */

/**
 * Threads, mutexes and conditions as `idf` and `compat` need them. Objects are opaque and owned by the port.
 * `cond_wait` returns false on time-out; `timeout_us` UINT64_MAX waits for ever. Thread functions may return.
 */
struct ud_os_ops {
    esp_err_t (*thread_start)(void *ctx, const char *name, size_t stack_bytes, void (*fn)(void *), void *arg);
    esp_err_t (*mutex_create)(void *ctx, bool recursive, void **mutex);
    void (*mutex_destroy)(void *ctx, void *mutex);
    void (*mutex_lock)(void *ctx, void *mutex);
    void (*mutex_unlock)(void *ctx, void *mutex);
    esp_err_t (*cond_create)(void *ctx, void **cond);
    void (*cond_destroy)(void *ctx, void *cond);
    bool (*cond_wait)(void *ctx, void *cond, void *mutex, uint64_t timeout_us);
    void (*cond_broadcast)(void *ctx, void *cond);
    uintptr_t (*thread_self)(void *ctx); /* an id, unique among live threads, never 0 */
    void (*thread_exit)(void *ctx);      /* ends the calling thread */
};
struct ud_os {
    const struct ud_os_ops *ops;
    void *ctx;
};

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_BASE_H */
