/* SPDX-License-Identifier: Apache-2.0 */
/** Message buffers: whole messages from one writer to one reader; each takes 4 bytes more than it has, as on the chips. */
#ifndef FREERTOS_MESSAGE_BUFFER_H
#define FREERTOS_MESSAGE_BUFFER_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/message_buffer.h"
#endif
#include "freertos/stream_buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef StreamBufferHandle_t MessageBufferHandle_t;

MessageBufferHandle_t xMessageBufferCreate(size_t size);
MessageBufferHandle_t xMessageBufferCreateStatic(size_t size, uint8_t *storage, StaticMessageBuffer_t *memory);
#define vMessageBufferDelete(buffer) vStreamBufferDelete(buffer)

/** The length, or 0: the message found no room within `ticks`. */
#define xMessageBufferSend(buffer, data, len, ticks)        xStreamBufferSend((buffer), (data), (len), (ticks))
#define xMessageBufferSendFromISR(buffer, data, len, woken) xStreamBufferSendFromISR((buffer), (data), (len), (woken))
/** The length, or 0: no message within `ticks`, or one that is longer than `len`, which stays. */
#define xMessageBufferReceive(buffer, data, len, ticks) xStreamBufferReceive((buffer), (data), (len), (ticks))
#define xMessageBufferReceiveFromISR(buffer, data, len, woken)                                                         \
    xStreamBufferReceiveFromISR((buffer), (data), (len), (woken))
/** The length of the next message, 0 without one. */
size_t xStreamBufferNextMessageLengthBytes(MessageBufferHandle_t buffer);
#define xMessageBufferNextLengthBytes(buffer) xStreamBufferNextMessageLengthBytes(buffer)

/** For the longest message that would fit now, its 4 bytes included. */
#define xMessageBufferSpacesAvailable(buffer) xStreamBufferSpacesAvailable(buffer)
#define xMessageBufferIsEmpty(buffer)         xStreamBufferIsEmpty(buffer)
#define xMessageBufferIsFull(buffer)          xStreamBufferIsFull(buffer)
#define xMessageBufferReset(buffer)           xStreamBufferReset(buffer)

#ifdef __cplusplus
}
#endif
#endif /* FREERTOS_MESSAGE_BUFFER_H */
