/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ESP-IDF's ring buffers: items that a reader gets as pointers into the buffer and gives back. Limits are the chips':
 * 8 bytes before each item, items rounded up to 4 bytes.
 *
 * NOSPLIT keeps an item in one piece; ALLOWSPLIT may give it in two, at the end and the beginning; BYTEBUF is a stream.
 */
#ifndef FREERTOS_RINGBUF_H
#define FREERTOS_RINGBUF_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/ringbuf.h"
#endif
#include "freertos/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ud_ringbuf;
typedef struct ud_ringbuf *RingbufHandle_t;

typedef enum {
    RINGBUF_TYPE_NOSPLIT = 0,
    RINGBUF_TYPE_ALLOWSPLIT,
    RINGBUF_TYPE_BYTEBUF,
    RINGBUF_TYPE_MAX,
} RingbufferType_t;

/** `size` is rounded up to 4 bytes, but for BYTEBUF. NULL when there is no memory. */
RingbufHandle_t xRingbufferCreate(size_t size, RingbufferType_t type);
/** NOSPLIT, with room for `num` items of `item` bytes. */
RingbufHandle_t xRingbufferCreateNoSplit(size_t item, size_t num);
/** Deleting one that a task waits on is a failed assertion; items not given back are lost. */
void vRingbufferDelete(RingbufHandle_t ring);

/** pdTRUE; pdFALSE when there was no room within `ticks`, or at once for an item above the largest. */
BaseType_t xRingbufferSend(RingbufHandle_t ring, const void *item, size_t size, TickType_t ticks);
BaseType_t xRingbufferSendFromISR(RingbufHandle_t ring, const void *item, size_t size, BaseType_t *woken);
/** The next item, NULL after the time; for NOSPLIT and BYTEBUF. To be given back. */
void *xRingbufferReceive(RingbufHandle_t ring, size_t *size, TickType_t ticks);
void *xRingbufferReceiveFromISR(RingbufHandle_t ring, size_t *size);
/** For BYTEBUF: at most `max` bytes. */
void *xRingbufferReceiveUpTo(RingbufHandle_t ring, size_t *size, TickType_t ticks, size_t max);
/** For ALLOWSPLIT: an item in one piece (`tail` is NULL) or two, each to be given back, the head first. */
BaseType_t xRingbufferReceiveSplit(RingbufHandle_t ring, void **head, void **tail, size_t *head_size, size_t *tail_size,
                                   TickType_t ticks);
void vRingbufferReturnItem(RingbufHandle_t ring, void *item);
void vRingbufferReturnItemFromISR(RingbufHandle_t ring, void *item, BaseType_t *woken);

/** The largest item that an empty buffer takes. */
size_t xRingbufferGetMaxItemSize(RingbufHandle_t ring);
/** The largest item that it takes now. */
size_t xRingbufferGetCurFreeSize(RingbufHandle_t ring);

#ifdef __cplusplus
}
#endif
#endif /* FREERTOS_RINGBUF_H */
