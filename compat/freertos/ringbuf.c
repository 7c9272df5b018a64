/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP-IDF's ring buffers. Three places go round: where the next item is written, where the next one is read, and up to
 * where items were given back. From the last to the first lie `used` bytes, of which `unread` were not handed out.
 *
 * An item is a header of 8 bytes (length, flags) and its bytes, rounded up to 4. What is too short for a header at the
 * end belongs to the item before it. A hole at the end is an item with HOLE. A split item is two, the first with MORE.
 */
#include "kernel.h"
#include "freertos/ringbuf.h"

#define HEADER 8u

enum { GIVEN_BACK = 1, HOLE = 2, MORE = 4 };

struct ud_ringbuf {
    struct ud_alloc alloc;
    void *cond;
    RingbufferType_t type;
    size_t size;
    size_t write, read, free; /* places */
    size_t used, unread;      /* bytes */
    UBaseType_t waiters;
    uint8_t *bytes;
};

static size_t round_up(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

RingbufHandle_t xRingbufferCreate(size_t size, RingbufferType_t type)
{
    struct ud_alloc alloc;
    kernel_require(size > 0 && type < RINGBUF_TYPE_MAX, "a ring buffer needs a size and a type");
    if (size > INT32_MAX)
        return NULL;
    size = type == RINGBUF_TYPE_BYTEBUF ? size : round_up(size);
    struct ud_ringbuf *r = kernel_alloc(sizeof *r + size, &alloc);
    if (!r)
        return NULL;
    r->alloc = alloc;
    r->type = type;
    r->size = size;
    r->bytes = (uint8_t *)(r + 1);
    r->cond = kernel_cond_create();
    if (!r->cond) {
        ud_alloc_put(&alloc, r);
        return NULL;
    }
    return r;
}

RingbufHandle_t xRingbufferCreateNoSplit(size_t item, size_t num)
{
    if (item > INT32_MAX / 2 || num > INT32_MAX / (item + 2 * HEADER))
        return NULL;
    return xRingbufferCreate((round_up(item) + HEADER) * num, RINGBUF_TYPE_NOSPLIT);
}

void vRingbufferDelete(RingbufHandle_t ring)
{
    kernel_require(ring != NULL, "delete of a ring buffer that is NULL");
    kernel_enter();
    kernel_require(ring->waiters == 0, "delete of a ring buffer that a task waits on");
    kernel_leave();
    kernel_cond_destroy(ring->cond);
    struct ud_alloc alloc = ring->alloc;
    ud_alloc_put(&alloc, ring);
}

/* ---- places: under the lock ---- */

/* From the place of the next item: bytes up to the end of the buffer or to what is in use. */
static size_t room_ahead(const struct ud_ringbuf *r)
{
    if (r->used == r->size)
        return 0;
    return r->write >= r->free ? r->size - r->write : r->free - r->write;
}

/* And at the beginning, if the former was up to the end. */
static size_t room_behind(const struct ud_ringbuf *r)
{
    return r->used < r->size && r->write >= r->free ? r->free : 0;
}

static uint32_t length_at(const struct ud_ringbuf *r, size_t at)
{
    return ud_load_le32(r->bytes + at);
}

static uint32_t flags_at(const struct ud_ringbuf *r, size_t at)
{
    return ud_load_le32(r->bytes + at + 4);
}

/* What the item at `at` takes, with the few bytes at the end that no header fits into. */
static size_t extent_at(const struct ud_ringbuf *r, size_t at)
{
    size_t extent = HEADER + round_up(length_at(r, at));
    return r->size - at - extent < HEADER ? r->size - at : extent;
}

static void write_item(struct ud_ringbuf *r, const uint8_t *data, size_t len, uint32_t flags)
{
    ud_store_le32(r->bytes + r->write, (uint32_t)len);
    ud_store_le32(r->bytes + r->write + 4, flags);
    if (data)
        memcpy(r->bytes + r->write + HEADER, data, len);
    size_t extent = extent_at(r, r->write);
    r->write = (r->write + extent) % r->size;
    r->used += extent;
    r->unread += extent;
}

static void write_hole(struct ud_ringbuf *r)
{
    write_item(r, NULL, r->size - r->write - HEADER, HOLE | GIVEN_BACK);
}

static void write_bytes(struct ud_ringbuf *r, const uint8_t *data, size_t len)
{
    size_t ahead = r->size - r->write < len ? r->size - r->write : len;
    memcpy(r->bytes + r->write, data, ahead);
    memcpy(r->bytes, data + ahead, len - ahead);
    r->write = (r->write + len) % r->size;
    r->used += len;
    r->unread += len;
}

static size_t less_header(size_t room)
{
    return room > HEADER ? room - HEADER : 0;
}

static size_t max_item(const struct ud_ringbuf *r)
{
    switch (r->type) {
    case RINGBUF_TYPE_NOSPLIT:
        return less_header(r->size / 2 & ~(size_t)3);
    case RINGBUF_TYPE_ALLOWSPLIT:
        return less_header(less_header(r->size));
    default:
        return r->size;
    }
}

static size_t free_now(const struct ud_ringbuf *r)
{
    size_t ahead = less_header(room_ahead(r)), behind = less_header(room_behind(r)), room;
    if (r->type == RINGBUF_TYPE_BYTEBUF)
        return r->size - r->used;
    if (r->type == RINGBUF_TYPE_ALLOWSPLIT)
        room = ahead + behind;
    else
        room = ahead > behind ? ahead : behind;
    return room < max_item(r) ? room : max_item(r);
}

/* ---- sending ---- */

/* False: no room now. */
static bool place(struct ud_ringbuf *r, const uint8_t *item, size_t size)
{
    if (size > free_now(r) || (size == 0 && room_ahead(r) < HEADER && room_behind(r) < HEADER))
        return false;
    size_t ahead = less_header(room_ahead(r));
    if (r->type == RINGBUF_TYPE_BYTEBUF) {
        write_bytes(r, item, size);
    } else if (size <= ahead && room_ahead(r) >= HEADER) {
        write_item(r, item, size, 0);
    } else if (r->type == RINGBUF_TYPE_NOSPLIT || ahead == 0) { /* up to the end, where a header always fits */
        write_hole(r);
        write_item(r, item, size, 0);
    } else {
        write_item(r, item, ahead, MORE);
        write_item(r, item + ahead, size - ahead, 0);
    }
    return true;
}

BaseType_t xRingbufferSend(RingbufHandle_t ring, const void *item, size_t size, TickType_t ticks)
{
    kernel_require(ring != NULL && (item != NULL || size == 0), "send to a ring buffer that is NULL, or of nothing");
    if (size > max_item(ring))
        return pdFALSE;
    kernel_enter();
    struct kernel_deadline deadline = kernel_deadline(ticks);
    ring->waiters++;
    bool placed = place(ring, item, size), more = true;
    while (!placed && more) {
        more = kernel_wait(ring->cond, deadline);
        placed = !kernel_deleted() && place(ring, item, size);
    }
    ring->waiters--;
    if (placed)
        kernel_wake(ring->cond);
    kernel_leave();
    return placed ? pdTRUE : pdFALSE;
}

BaseType_t xRingbufferSendFromISR(RingbufHandle_t ring, const void *item, size_t size, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xRingbufferSend(ring, item, size, 0);
}

/* ---- receiving ---- */

/* Of a byte buffer one piece is out at a time. */
static bool has_item(const struct ud_ringbuf *r)
{
    return r->unread > 0 && (r->type != RINGBUF_TYPE_BYTEBUF || r->used == r->unread);
}

/* The item at the place of reading; the place moves on. */
static void *take_item(struct ud_ringbuf *r, size_t *size, uint32_t *flags)
{
    size_t at = r->read, extent = extent_at(r, at);
    *size = length_at(r, at);
    *flags = flags_at(r, at);
    r->read = (at + extent) % r->size;
    r->unread -= extent;
    return r->bytes + at + HEADER;
}

static void *take(struct ud_ringbuf *r, size_t *size, size_t max, uint32_t *flags)
{
    *flags = 0;
    if (r->type == RINGBUF_TYPE_BYTEBUF) {
        size_t len = r->size - r->read < r->unread ? r->size - r->read : r->unread;
        len = len < max ? len : max;
        void *at = r->bytes + r->read;
        r->read = (r->read + len) % r->size;
        r->unread -= len;
        *size = len;
        return at;
    }
    void *item = take_item(r, size, flags);
    if (*flags & HOLE)
        item = take_item(r, size, flags);
    return item;
}

/* With the lock taken, when there is one within the time. */
static bool wait_for_item(struct ud_ringbuf *r, TickType_t ticks)
{
    kernel_enter();
    struct kernel_deadline deadline = kernel_deadline(ticks);
    bool more = true;
    r->waiters++;
    while (more && !has_item(r))
        more = kernel_wait(r->cond, deadline);
    r->waiters--;
    if (!kernel_deleted() && has_item(r))
        return true;
    kernel_leave();
    return false;
}

static void *receive(struct ud_ringbuf *r, size_t *size, TickType_t ticks, size_t max)
{
    uint32_t flags;
    size_t len;
    if (!wait_for_item(r, ticks))
        return NULL;
    void *item = take(r, &len, max, &flags);
    kernel_leave();
    if (size)
        *size = len;
    return item;
}

void *xRingbufferReceive(RingbufHandle_t ring, size_t *size, TickType_t ticks)
{
    kernel_require(ring != NULL && ring->type != RINGBUF_TYPE_ALLOWSPLIT,
                   "receive from a ring buffer that is NULL, or that splits items: use xRingbufferReceiveSplit");
    return receive(ring, size, ticks, SIZE_MAX);
}

void *xRingbufferReceiveFromISR(RingbufHandle_t ring, size_t *size)
{
    return xRingbufferReceive(ring, size, 0);
}

void *xRingbufferReceiveUpTo(RingbufHandle_t ring, size_t *size, TickType_t ticks, size_t max)
{
    kernel_require(ring != NULL && ring->type == RINGBUF_TYPE_BYTEBUF,
                   "receive up to a size from what is no byte buffer");
    return max ? receive(ring, size, ticks, max) : NULL;
}

BaseType_t xRingbufferReceiveSplit(RingbufHandle_t ring, void **head, void **tail, size_t *head_size, size_t *tail_size,
                                   TickType_t ticks)
{
    uint32_t flags;
    size_t len = 0;
    kernel_require(ring != NULL && ring->type == RINGBUF_TYPE_ALLOWSPLIT,
                   "receive split from a buffer that never splits");
    kernel_require(head != NULL && tail != NULL && head_size != NULL && tail_size != NULL, "receive split to nowhere");
    if (!wait_for_item(ring, ticks))
        return pdFALSE;
    *tail = NULL;
    *head = take(ring, head_size, SIZE_MAX, &flags);
    if (flags & MORE)
        *tail = take_item(ring, &len, &flags);
    *tail_size = len;
    kernel_leave();
    return pdTRUE;
}

void vRingbufferReturnItem(RingbufHandle_t ring, void *item)
{
    kernel_require(ring != NULL && item != NULL, "return of an item that is NULL");
    kernel_enter();
    if (ring->type == RINGBUF_TYPE_BYTEBUF) {
        kernel_require((uint8_t *)item == ring->bytes + ring->free && ring->used > ring->unread,
                       "return of an item that was not received");
        ring->free = ring->read;
        ring->used = ring->unread;
    } else {
        size_t at = (size_t)((uint8_t *)item - ring->bytes) - HEADER;
        kernel_require(at < ring->size && at % 4 == 0 && !(flags_at(ring, at) & GIVEN_BACK),
                       "return of an item that was not received");
        ud_store_le32(ring->bytes + at + 4, flags_at(ring, at) | GIVEN_BACK);
        while (ring->used > ring->unread && (flags_at(ring, ring->free) & GIVEN_BACK)) {
            size_t extent = extent_at(ring, ring->free);
            ring->free = (ring->free + extent) % ring->size;
            ring->used -= extent;
        }
    }
    kernel_wake(ring->cond);
    kernel_leave();
}

void vRingbufferReturnItemFromISR(RingbufHandle_t ring, void *item, BaseType_t *woken)
{
    kernel_no_switch(woken);
    vRingbufferReturnItem(ring, item);
}

size_t xRingbufferGetMaxItemSize(RingbufHandle_t ring)
{
    kernel_require(ring != NULL, "a ring buffer that is NULL");
    return max_item(ring);
}

size_t xRingbufferGetCurFreeSize(RingbufHandle_t ring)
{
    kernel_require(ring != NULL, "a ring buffer that is NULL");
    kernel_enter();
    size_t room = free_now(ring);
    kernel_leave();
    return room;
}
