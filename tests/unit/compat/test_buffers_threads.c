/* SPDX-License-Identifier: Apache-2.0 */
/* Stream, message and ring buffers. Also run under ThreadSanitizer. */
#include "world.h"

#include <string.h>

#include "freertos/message_buffer.h"
#include "freertos/ringbuf.h"

static void a_stream_buffer_takes_what_it_has_room_for(void **state)
{
    char text[16];
    (void)state;
    StreamBufferHandle_t b = xStreamBufferCreate(8, 0);
    assert_int_equal(xStreamBufferReceive(b, text, sizeof text, 1), 0);
    assert_int_equal(xStreamBufferSend(b, "abcde", 5, 0), 5);
    assert_int_equal(xStreamBufferReceive(b, text, 3, 0), 3);
    assert_int_equal(xStreamBufferSend(b, "fghijkl", 7, 1), 6); /* around the end, and partly */
    assert_int_equal(xStreamBufferIsFull(b), pdTRUE);
    assert_int_equal(xStreamBufferSpacesAvailable(b), 0);
    assert_int_equal(xStreamBufferBytesAvailable(b), 8);
    assert_int_equal(xStreamBufferReceiveFromISR(b, text, sizeof text, NULL), 8);
    assert_memory_equal(text, "defghijk", 8);
    assert_int_equal(xStreamBufferIsEmpty(b), pdTRUE);
    assert_int_equal(xStreamBufferSendFromISR(b, "x", 1, NULL), 1);
    assert_int_equal(xStreamBufferReset(b), pdPASS);
    assert_int_equal(xStreamBufferIsEmpty(b), pdTRUE);
    assert_int_equal(xStreamBufferSetTriggerLevel(b, 9), pdFALSE);
    assert_int_equal(xStreamBufferSetTriggerLevel(b, 8), pdTRUE);
    vStreamBufferDelete(b);
}

struct stream {
    StreamBufferHandle_t buffer;
    size_t got;
    SemaphoreHandle_t done;
};

static void reads_once(void *arg)
{
    struct stream *s = arg;
    char text[16];
    s->got = xStreamBufferReceive(s->buffer, text, sizeof text, portMAX_DELAY);
    xSemaphoreGive(s->done);
    vTaskDelete(NULL);
}

static void a_reader_waits_for_the_trigger(void **state)
{
    (void)state;
    struct stream s = { .buffer = xStreamBufferCreate(8, 3), .done = xSemaphoreCreateBinary() };
    TaskHandle_t reader;
    assert_int_equal(xTaskCreate(reads_once, "reader", 4096, &s, 1, &reader), pdPASS);
    while (eTaskGetState(reader) != eBlocked)
        taskYIELD();
    assert_int_equal(xStreamBufferReset(s.buffer), pdFAIL); /* somebody waits */
    xStreamBufferSend(s.buffer, "ab", 2, 0);
    assert_int_equal(xSemaphoreTake(s.done, 2), pdFALSE);
    xStreamBufferSend(s.buffer, "c", 1, 0);
    assert_int_equal(xSemaphoreTake(s.done, portMAX_DELAY), pdTRUE);
    assert_int_equal(s.got, 3);
    while (uxTaskGetNumberOfTasks() > 0)
        taskYIELD();
    vStreamBufferDelete(s.buffer);
    vSemaphoreDelete(s.done);
}

static void a_message_buffer_keeps_messages_whole(void **state)
{
    static uint8_t storage[17];
    static StaticMessageBuffer_t memory;
    char text[16];
    (void)state;
    MessageBufferHandle_t b = xMessageBufferCreateStatic(16, storage, &memory);
    assert_ptr_equal(b, &memory);
    assert_int_equal(xMessageBufferSend(b, "thirteen bytes", 13, portMAX_DELAY), 0); /* never fits: no wait */
    assert_int_equal(xMessageBufferSend(b, "abcdef", 6, 0), 6);
    assert_int_equal(xMessageBufferSend(b, "gh", 2, 0), 2);
    assert_int_equal(xMessageBufferSend(b, "i", 1, 1), 0);
    assert_int_equal(xMessageBufferIsFull(b), pdTRUE);
    assert_int_equal(xMessageBufferNextLengthBytes(b), 6);
    assert_int_equal(xMessageBufferReceive(b, text, 5, 0), 0); /* too long, and stays */
    assert_int_equal(xMessageBufferReceive(b, text, 6, 0), 6);
    assert_memory_equal(text, "abcdef", 6);
    assert_int_equal(xMessageBufferReceiveFromISR(b, text, sizeof text, NULL), 2);
    assert_int_equal(xMessageBufferIsEmpty(b), pdTRUE);
    assert_int_equal(xMessageBufferNextLengthBytes(b), 0);
    assert_int_equal(xMessageBufferSendFromISR(b, "xyz", 3, NULL), 3);
    assert_int_equal(xMessageBufferSpacesAvailable(b), 9);
    assert_int_equal(xMessageBufferReset(b), pdPASS);
    vMessageBufferDelete(b);
    static StaticStreamBuffer_t other;
    StreamBufferHandle_t s = xStreamBufferCreateStatic(16, 1, storage, &other);
    assert_ptr_equal(s, &other);
    vStreamBufferDeleteWithCaps(s);
    s = xStreamBufferCreateWithCaps(4, 1, 8);
    assert_non_null(s);
    vStreamBufferDelete(s);
    b = xMessageBufferCreateWithCaps(16, 8);
    assert_non_null(b);
    vMessageBufferDeleteWithCaps(b);
}

static void limits_of_ring_buffers_are_the_chips(void **state)
{
    static const struct {
        RingbufferType_t type;
        size_t size, max;
    } rows[] = {
        { RINGBUF_TYPE_NOSPLIT, 64, 24 },    { RINGBUF_TYPE_NOSPLIT, 101, 44 }, { RINGBUF_TYPE_ALLOWSPLIT, 64, 48 },
        { RINGBUF_TYPE_ALLOWSPLIT, 61, 48 }, { RINGBUF_TYPE_BYTEBUF, 61, 61 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        RingbufHandle_t r = xRingbufferCreate(rows[i].size, rows[i].type);
        assert_int_equal(xRingbufferGetMaxItemSize(r), rows[i].max);
        assert_int_equal(xRingbufferGetCurFreeSize(r), rows[i].max);
        static const uint8_t item[128];
        assert_int_equal(xRingbufferSend(r, item, rows[i].max + 1, portMAX_DELAY), pdFALSE); /* at once */
        assert_int_equal(xRingbufferSend(r, item, rows[i].max, 0), pdTRUE);
        vRingbufferDelete(r);
    }
    RingbufHandle_t r = xRingbufferCreateNoSplit(5, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xRingbufferSendFromISR(r, "12345", 5, NULL), pdTRUE);
    assert_int_equal(xRingbufferSend(r, "12345", 5, 1), pdFALSE);
    vRingbufferDelete(r);
    assert_null(xRingbufferCreate(SIZE_MAX, RINGBUF_TYPE_NOSPLIT));
}

static void items_come_back_in_any_order(void **state)
{
    size_t size;
    (void)state;
    RingbufHandle_t r = xRingbufferCreate(64, RINGBUF_TYPE_NOSPLIT);
    assert_null(xRingbufferReceive(r, &size, 1));
    xRingbufferSend(r, "first", 5, 0);
    xRingbufferSend(r, "second", 6, 0);
    char *first = xRingbufferReceive(r, &size, 0);
    assert_int_equal(size, 5);
    assert_memory_equal(first, "first", 5);
    char *second = xRingbufferReceiveFromISR(r, &size);
    assert_memory_equal(second, "second", 6);
    assert_null(xRingbufferReceive(r, NULL, 0));
    size_t before = xRingbufferGetCurFreeSize(r);
    vRingbufferReturnItem(r, second);
    assert_int_equal(xRingbufferGetCurFreeSize(r), before); /* the first holds it back */
    vRingbufferReturnItemFromISR(r, first, NULL);
    assert_true(xRingbufferGetCurFreeSize(r) >= before);
    vRingbufferDelete(r);
}

/* Random sends and receives against a model: a list of what was sent. */
struct model {
    uint8_t item[64][64];
    size_t len[64];
    unsigned first, count;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static bool send_one(RingbufHandle_t r, struct model *m, uint32_t *seed)
{
    uint8_t item[64];
    size_t len = next_random(seed) % (xRingbufferGetMaxItemSize(r) < 64 ? xRingbufferGetMaxItemSize(r) + 1 : 64);
    if (m->count == 64)
        return false;
    for (size_t i = 0; i < len; i++)
        item[i] = (uint8_t)next_random(seed);
    if (xRingbufferSend(r, item, len, 0) != pdTRUE) {
        assert_true(len == 0 || xRingbufferGetCurFreeSize(r) < len);
        return false;
    }
    unsigned at = (m->first + m->count++) % 64;
    memcpy(m->item[at], item, len);
    m->len[at] = len;
    return true;
}

static bool receive_one(RingbufHandle_t r, struct model *m, bool split)
{
    void *head, *tail = NULL;
    size_t head_size, tail_size = 0;
    if (split && xRingbufferReceiveSplit(r, &head, &tail, &head_size, &tail_size, 0) != pdTRUE)
        head = NULL;
    if (!split)
        head = xRingbufferReceive(r, &head_size, 0);
    assert_true((head != NULL) == (m->count > 0));
    if (!head)
        return false;
    assert_int_equal(head_size + tail_size, m->len[m->first]);
    assert_memory_equal(head, m->item[m->first], head_size);
    if (tail)
        assert_memory_equal(tail, m->item[m->first] + head_size, tail_size);
    vRingbufferReturnItem(r, head);
    if (tail)
        vRingbufferReturnItem(r, tail);
    m->first = (m->first + 1) % 64;
    m->count--;
    return tail != NULL;
}

static void random_items_come_out_as_they_went_in(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (unsigned type = RINGBUF_TYPE_NOSPLIT; type <= RINGBUF_TYPE_ALLOWSPLIT; type++) {
        unsigned splits = 0, sent = 0;
        for (size_t size = 32; size <= 200; size += 12) {
            static struct model m;
            m = (struct model){ 0 };
            RingbufHandle_t r = xRingbufferCreate(size, (RingbufferType_t)type);
            for (int i = 0; i < 2000; i++) {
                if (next_random(&seed) % 2)
                    sent += send_one(r, &m, &seed);
                else
                    splits += receive_one(r, &m, type == RINGBUF_TYPE_ALLOWSPLIT);
            }
            while (m.count)
                receive_one(r, &m, type == RINGBUF_TYPE_ALLOWSPLIT);
            vRingbufferDelete(r);
        }
        assert_true(sent > 5000);
        assert_true(type == RINGBUF_TYPE_NOSPLIT ? splits == 0 : splits > 100);
    }
}

static void a_byte_buffer_gives_one_piece_at_a_time(void **state)
{
    size_t size;
    (void)state;
    RingbufHandle_t r = xRingbufferCreate(10, RINGBUF_TYPE_BYTEBUF);
    assert_int_equal(xRingbufferSend(r, "abcdefg", 7, 0), pdTRUE);
    char *piece = xRingbufferReceiveUpTo(r, &size, 0, 4);
    assert_int_equal(size, 4);
    assert_memory_equal(piece, "abcd", 4);
    assert_null(xRingbufferReceive(r, &size, 0)); /* not before the other is back */
    vRingbufferReturnItem(r, piece);
    assert_int_equal(xRingbufferGetCurFreeSize(r), 7);
    assert_int_equal(xRingbufferSend(r, "hijklm", 6, 0), pdTRUE); /* around the end */
    piece = xRingbufferReceive(r, &size, 0);
    assert_int_equal(size, 6);
    assert_memory_equal(piece, "efghij", 6);
    vRingbufferReturnItem(r, piece);
    piece = xRingbufferReceive(r, &size, 0);
    assert_int_equal(size, 3);
    assert_memory_equal(piece, "klm", 3);
    vRingbufferReturnItem(r, piece);
    assert_null(xRingbufferReceiveUpTo(r, &size, 0, 0));
    vRingbufferDelete(r);
}

static void without_memory_there_are_no_buffers(void **state)
{
    (void)state;
    world.no_memory = true;
    assert_null(xStreamBufferCreate(8, 1));
    assert_null(xMessageBufferCreate(8));
    assert_null(xRingbufferCreate(64, RINGBUF_TYPE_NOSPLIT));
    world.no_memory = false;
    world.no_conditions = true;
    assert_null(xStreamBufferCreate(8, 1));
    assert_null(xRingbufferCreate(64, RINGBUF_TYPE_NOSPLIT));
    world.no_conditions = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_buffer_takes_what_it_has_room_for),
        cmocka_unit_test(a_reader_waits_for_the_trigger),
        cmocka_unit_test(a_message_buffer_keeps_messages_whole),
        cmocka_unit_test(limits_of_ring_buffers_are_the_chips),
        cmocka_unit_test(items_come_back_in_any_order),
        cmocka_unit_test(random_items_come_out_as_they_went_in),
        cmocka_unit_test(a_byte_buffer_gives_one_piece_at_a_time),
        cmocka_unit_test(without_memory_there_are_no_buffers),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
