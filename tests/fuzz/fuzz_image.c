/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an image. Held: the verdict, the information and the notes are the same however the bytes are cut; the
 * hash is always released; lenient reading agrees with strict; and what is accepted comes out of the builder again,
 * byte for byte where the format leaves no freedom (reserved bytes, filler, text after a NUL, byte 23).
 *
 * The input is the image. How it is cut and what it is held against derive from its bytes, so a seed is an image file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    esp_err_t err;
    unsigned notes;
    uint64_t note_a;
    struct ud_image_info info;
};

static void take_note(void *ctx, const struct ud_note *note)
{
    struct run *r = ctx;
    r->notes++;
    r->note_a = note->a;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* cut 0: whole; 1: byte by byte; else pieces of pseudo-random lengths, 0 included. */
static struct run run(const uint8_t *data, size_t size, const struct ud_image_rules *rules, uint32_t cut)
{
    struct run r = { 0 };
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = { take_note, &r };
    struct ud_image_verifier v;
    uint32_t random = cut;

    r.err = ud_image_verifier_start(&v, rules, &crypto, &obs);
    for (size_t off = 0; r.err == ESP_OK && off < size;) {
        size_t n = cut == 0 ? size : cut == 1 ? 1 : next_random(&random) % 300;
        if (n > size - off)
            n = size - off;
        r.err = ud_image_verifier_push(&v, data + off, n);
        off += n;
    }
    if (r.err == ESP_OK)
        r.err = ud_image_verifier_finish(&v, NULL);
    MUST(ud_image_verifier_finish(&v, NULL) == r.err);
    MUST(v.hash.state == NULL);
    r.info = v.info;
    ud_image_verifier_drop(&v);
    return r;
}

static void must_equal(const struct run *a, const struct run *b)
{
    MUST(a->err == b->err && a->notes == b->notes && a->note_a == b->note_a);
    MUST(a->info.problems == b->info.problems && a->info.len == b->info.len);
    MUST(a->info.segment_count == b->info.segment_count);
    MUST(memcmp(a->info.segment, b->info.segment, sizeof a->info.segment) == 0);
    MUST(memcmp(a->info.digest_computed, b->info.digest_computed, 32) == 0);
    MUST(a->info.checksum_computed == b->info.checksum_computed && a->info.has_desc == b->info.has_desc);
}

static void must_be_rebuilt(const uint8_t *data, const struct ud_image_info *info)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
    uint32_t size = 0;
    for (uint8_t i = 0; i < info->segment_count; i++)
        part[i] =
            (struct ud_image_part){ info->segment[i].load_addr, data + info->segment[i].off, info->segment[i].len };
    struct ud_image_spec spec = {
        .header = info->header, .part = part, .part_count = info->segment_count, .append_digest = info->has_digest
    };
    uint8_t *again = malloc(info->len);
    MUST(again);
    MUST(ud_image_encode(&spec, &crypto, again, info->len, &size) == ESP_OK && size == info->len);
    for (uint32_t i = 0; i < 24; i++)
        MUST(again[i] == data[i] || (i >= 19 && i <= 22) || (i == 23 && data[i] && again[i] == 1));
    uint32_t end = UD_IMAGE_HEADER_BYTES;
    for (uint8_t i = 0; i < info->segment_count; i++)
        end = info->segment[i].off + info->segment[i].len;
    MUST(memcmp(again + 24, data + 24, end - 24) == 0);
    MUST(again[info->len - 1 - (info->has_digest ? 32 : 0)] == info->checksum);
    free(again);
}

static void must_survive_the_codec(const struct ud_app_desc *desc)
{
    uint8_t first[UD_APP_DESC_BYTES];
    uint8_t second[UD_APP_DESC_BYTES];
    struct ud_app_desc again;
    ud_app_desc_encode(desc, first);
    MUST(ud_app_desc_decode(first, sizeof first, &again) == ESP_OK);
    ud_app_desc_encode(&again, second);
    MUST(memcmp(first, second, sizeof first) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t salt = ud_crc32(0, data, size);
    struct ud_image_rules strict = { .check_mapping = salt & 1,
                                     .bootloader = (salt & 6) == 6,
                                     .require_digest = (salt & 24) == 24,
                                     .flash_addr = (salt & 0x60) << 7,
                                     .max_size = (salt & 0x380) == 0x380 ? salt >> 20 : 0 };
    struct ud_image_rules lenient = strict;
    lenient.lenient = true;

    struct run whole = run(data, size, &strict, 0);
    for (uint32_t cut = 1; cut < 4; cut++) {
        struct run other = run(data, size, &strict, cut == 3 ? salt | 2 : cut);
        must_equal(&whole, &other);
    }
    struct run loose = run(data, size, &lenient, 0);
    struct run looser = run(data, size, &lenient, salt | 2);
    must_equal(&loose, &looser);

    MUST(whole.notes == (whole.err != ESP_OK));
    MUST((whole.err == ESP_OK) == (loose.err == ESP_OK && loose.info.problems == 0));
    if (whole.err == ESP_OK) {
        MUST(whole.info.len <= size && whole.info.len % 16 == 0);
        if (whole.info.segment_count > 0)
            must_be_rebuilt(data, &whole.info);
    }
    if (loose.info.has_desc)
        must_survive_the_codec(&loose.info.desc);
    ud_elf_machine(data, size);
    return 0;
}
