/* SPDX-License-Identifier: Apache-2.0 */
/** Stream buffers: bytes from one writer to one reader. Sizes are bytes. */
#ifndef STREAM_BUFFER_H
#define STREAM_BUFFER_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/stream_buffer.h"
#endif
#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct StreamBufferDef_t;
typedef struct StreamBufferDef_t *StreamBufferHandle_t;

/** `trigger`: what a reader waits for, 0 counts as 1. NULL when there is no memory. */
StreamBufferHandle_t xStreamBufferCreate(size_t size, size_t trigger);
/** `storage` has size + 1 bytes, as FreeRTOS asks for. */
StreamBufferHandle_t xStreamBufferCreateStatic(size_t size, size_t trigger, uint8_t *storage,
                                               StaticStreamBuffer_t *memory);
/** Deleting one that a task waits on is a failed assertion. */
void vStreamBufferDelete(StreamBufferHandle_t buffer);

/** The bytes written: all, or those that found room within `ticks`. */
size_t xStreamBufferSend(StreamBufferHandle_t buffer, const void *data, size_t len, TickType_t ticks);
/** Waits on an empty buffer until it holds the trigger's bytes or `ticks` are over; then the bytes read, maybe 0. */
size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void *data, size_t len, TickType_t ticks);
/* Without a wait; `woken` (may be NULL) becomes pdFALSE. */
size_t xStreamBufferSendFromISR(StreamBufferHandle_t buffer, const void *data, size_t len, BaseType_t *woken);
size_t xStreamBufferReceiveFromISR(StreamBufferHandle_t buffer, void *data, size_t len, BaseType_t *woken);

size_t xStreamBufferBytesAvailable(StreamBufferHandle_t buffer);
size_t xStreamBufferSpacesAvailable(StreamBufferHandle_t buffer);
BaseType_t xStreamBufferIsEmpty(StreamBufferHandle_t buffer);
BaseType_t xStreamBufferIsFull(StreamBufferHandle_t buffer);
/** Empties it; pdFAIL when a task waits on it. */
BaseType_t xStreamBufferReset(StreamBufferHandle_t buffer);
/** pdFALSE when it is more than the buffer holds. */
BaseType_t xStreamBufferSetTriggerLevel(StreamBufferHandle_t buffer, size_t trigger);

#ifdef __cplusplus
}
#endif
#endif /* STREAM_BUFFER_H */
