/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream and message buffers: a ring of bytes. A message is its length (4 bytes, as on the chips, so that as many fit)
 * and its bytes; it goes in and out whole.
 */
#include "kernel.h"
#include "freertos/message_buffer.h"

#define LENGTH_BYTES 4u

struct StreamBufferDef_t {
    struct ud_alloc alloc;
    void *cond;
    uint8_t *bytes;
    size_t size;
    size_t first;
    size_t count;
    size_t trigger;
    bool messages;
    UBaseType_t waiters;
};
_Static_assert(sizeof(struct StreamBufferDef_t) <= sizeof(StaticStreamBuffer_t),
               "a buffer fits into its user's memory");

static StreamBufferHandle_t create(size_t size, size_t trigger, bool messages, uint8_t *storage,
                                   StaticStreamBuffer_t *memory)
{
    struct ud_alloc alloc;
    kernel_require(size > (messages ? LENGTH_BYTES : 0), "a stream buffer needs a size, a message buffer above 4");
    kernel_require(trigger <= size, "the trigger level is above the size of the buffer");
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t whole = sizeof(struct StreamBufferDef_t) + (memory ? 0 : size);
    struct StreamBufferDef_t *b = kernel_place(whole, memory, sizeof *memory, &alloc);
    if (!b)
        return NULL;
    b->alloc = alloc;
    b->bytes = memory ? storage : (uint8_t *)(b + 1);
    b->size = size;
    b->trigger = trigger ? trigger : 1;
    b->messages = messages;
    b->cond = kernel_cond_create();
    if (!b->cond) {
        ud_alloc_put(&alloc, b);
        return NULL;
    }
    return b;
}

StreamBufferHandle_t xStreamBufferCreate(size_t size, size_t trigger)
{
    return create(size, trigger, false, NULL, NULL);
}

StreamBufferHandle_t xStreamBufferCreateStatic(size_t size, size_t trigger, uint8_t *storage,
                                               StaticStreamBuffer_t *memory)
{
    kernel_require(storage != NULL && memory != NULL, "a static stream buffer needs memory, and for its bytes");
    return create(size, trigger, false, storage, memory);
}

MessageBufferHandle_t xMessageBufferCreate(size_t size)
{
    return create(size, 0, true, NULL, NULL);
}

MessageBufferHandle_t xMessageBufferCreateStatic(size_t size, uint8_t *storage, StaticMessageBuffer_t *memory)
{
    kernel_require(storage != NULL && memory != NULL, "a static message buffer needs memory, and for its bytes");
    return create(size, 0, true, storage, memory);
}

void vStreamBufferDelete(StreamBufferHandle_t buffer)
{
    kernel_require(buffer != NULL, "delete of a stream buffer that is NULL");
    kernel_enter();
    kernel_require(buffer->waiters == 0, "delete of a stream buffer that a task waits on");
    kernel_leave();
    kernel_cond_destroy(buffer->cond);
    struct ud_alloc alloc = buffer->alloc;
    ud_alloc_put(&alloc, buffer);
}

/* ---- the ring: under the lock ---- */

static void put(StreamBufferHandle_t b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        b->bytes[(b->first + b->count + i) % b->size] = data[i];
    b->count += len;
}

static void peek(StreamBufferHandle_t b, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = b->bytes[(b->first + i) % b->size];
}

static void drop(StreamBufferHandle_t b, size_t len)
{
    b->first = (b->first + len) % b->size;
    b->count -= len;
}

static size_t next_length(StreamBufferHandle_t b)
{
    uint8_t bytes[LENGTH_BYTES];
    if (b->count < LENGTH_BYTES)
        return 0;
    peek(b, bytes, sizeof bytes);
    return ud_load_le32(bytes);
}

/* Wait until `room` bytes are free, or `held` are there. */
static void wait_for(StreamBufferHandle_t b, size_t room, size_t held, TickType_t ticks)
{
    struct kernel_deadline deadline = kernel_deadline(ticks);
    bool more = ticks > 0;
    b->waiters++;
    while (more && (b->size - b->count < room || b->count < held))
        more = kernel_wait(b->cond, deadline);
    b->waiters--;
}

/* ---- sending and receiving ---- */

static size_t send_message(StreamBufferHandle_t b, const void *data, size_t len, TickType_t ticks)
{
    uint8_t length[LENGTH_BYTES];
    if (len > b->size - LENGTH_BYTES)
        return 0; /* there will never be room */
    wait_for(b, len + LENGTH_BYTES, 0, ticks);
    if (b->size - b->count < len + LENGTH_BYTES)
        return 0;
    ud_store_le32(length, (uint32_t)len);
    put(b, length, sizeof length);
    put(b, data, len);
    return len;
}

static size_t send_bytes(StreamBufferHandle_t b, const void *data, size_t len, TickType_t ticks)
{
    wait_for(b, len < b->size ? len : b->size, 0, ticks);
    size_t room = b->size - b->count;
    size_t take = len < room ? len : room;
    put(b, data, take);
    return take;
}

size_t xStreamBufferSend(StreamBufferHandle_t buffer, const void *data, size_t len, TickType_t ticks)
{
    kernel_require(buffer != NULL && data != NULL, "send to a stream buffer that is NULL, or of nothing");
    kernel_enter();
    size_t sent = buffer->messages ? send_message(buffer, data, len, ticks) : send_bytes(buffer, data, len, ticks);
    if (sent)
        kernel_wake(buffer->cond);
    kernel_leave();
    return sent;
}

static size_t receive_message(StreamBufferHandle_t b, void *data, size_t len)
{
    size_t length = next_length(b);
    if (b->count < LENGTH_BYTES || length > len)
        return 0;
    drop(b, LENGTH_BYTES);
    peek(b, data, length);
    drop(b, length);
    return length;
}

static size_t receive_bytes(StreamBufferHandle_t b, void *data, size_t len)
{
    size_t take = len < b->count ? len : b->count;
    peek(b, data, take);
    drop(b, take);
    return take;
}

size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void *data, size_t len, TickType_t ticks)
{
    kernel_require(buffer != NULL && data != NULL, "receive from a stream buffer that is NULL, or to nowhere");
    kernel_enter();
    if (buffer->count == 0) /* a reader that finds something does not wait for the trigger */
        wait_for(buffer, 0, buffer->messages ? LENGTH_BYTES : buffer->trigger, ticks);
    size_t got = buffer->messages ? receive_message(buffer, data, len) : receive_bytes(buffer, data, len);
    if (got)
        kernel_wake(buffer->cond);
    kernel_leave();
    return got;
}

size_t xStreamBufferSendFromISR(StreamBufferHandle_t buffer, const void *data, size_t len, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xStreamBufferSend(buffer, data, len, 0);
}

size_t xStreamBufferReceiveFromISR(StreamBufferHandle_t buffer, void *data, size_t len, BaseType_t *woken)
{
    kernel_no_switch(woken);
    return xStreamBufferReceive(buffer, data, len, 0);
}

/* ---- questions ---- */

size_t xStreamBufferBytesAvailable(StreamBufferHandle_t buffer)
{
    kernel_require(buffer != NULL, "a stream buffer that is NULL");
    kernel_enter();
    size_t count = buffer->count;
    kernel_leave();
    return count;
}

size_t xStreamBufferSpacesAvailable(StreamBufferHandle_t buffer)
{
    return buffer ? buffer->size - xStreamBufferBytesAvailable(buffer) : 0;
}

BaseType_t xStreamBufferIsEmpty(StreamBufferHandle_t buffer)
{
    return xStreamBufferBytesAvailable(buffer) == 0 ? pdTRUE : pdFALSE;
}

BaseType_t xStreamBufferIsFull(StreamBufferHandle_t buffer)
{
    size_t spaces = xStreamBufferSpacesAvailable(buffer);
    return spaces <= (buffer->messages ? LENGTH_BYTES : 0) ? pdTRUE : pdFALSE;
}

size_t xStreamBufferNextMessageLengthBytes(MessageBufferHandle_t buffer)
{
    kernel_require(buffer != NULL && buffer->messages, "a message buffer that is NULL, or none");
    kernel_enter();
    size_t length = next_length(buffer);
    kernel_leave();
    return length;
}

BaseType_t xStreamBufferReset(StreamBufferHandle_t buffer)
{
    kernel_require(buffer != NULL, "reset of a stream buffer that is NULL");
    kernel_enter();
    bool idle = buffer->waiters == 0;
    if (idle)
        buffer->first = buffer->count = 0;
    kernel_leave();
    return idle ? pdPASS : pdFAIL;
}

BaseType_t xStreamBufferSetTriggerLevel(StreamBufferHandle_t buffer, size_t trigger)
{
    kernel_require(buffer != NULL, "a stream buffer that is NULL");
    if (trigger > buffer->size)
        return pdFALSE;
    kernel_enter();
    buffer->trigger = trigger ? trigger : 1;
    kernel_leave();
    return pdTRUE;
}
