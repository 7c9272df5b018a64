/* SPDX-License-Identifier: Apache-2.0 */
/* Images made by esptool (tests/vectors/README.md): every field, any cut, every single-bit flip. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

struct vector {
    const char *file;
    uint16_t chip_id;
    const char *version;
    const char *project;
    uint32_t secure_version;
    uint8_t segment_count;
    struct ud_image_segment segment[5];
    uint32_t entry;
    uint32_t checksum_at;
    uint8_t checksum;
    uint32_t len;
    const char *digest; /* hex; NULL: none */
    const char *elf_sha;
};

#define ESP32_SEGMENTS                                                                                                 \
    3,                                                                                                                 \
    {                                                                                                                  \
        { 0x3F400020, 0x140, 0x20 }, { 0x3FFB0000, 0x20, 0x168 },                                                      \
        {                                                                                                              \
            0x40080000, 0x14, 0x190                                                                                    \
        }                                                                                                              \
    }
#define ESP32C3_SEGMENTS                                                                                               \
    3,                                                                                                                 \
    {                                                                                                                  \
        { 0x3C000020, 0x140, 0x20 }, { 0x3FC80000, 0x10, 0x168 },                                                      \
        {                                                                                                              \
            0x40380000, 0x1C, 0x180                                                                                    \
        }                                                                                                              \
    }
#define ESP32_ELF      "c67a656f37819b23770a32e078d9672d0d47b63c9c9f54488a21d0beb39e5fda"
#define ESP32C3_ELF    "a3db4d383609883f9b6914b66f79946cf692d29948da7e50753c052bd4657b56"
#define ESP32C6_ELF    "8a9bd5b02be27e8082cb276a0a93b6b6ccc4b61ee94bba44ab99e22d7395e733"
#define ESP32_DIGEST   "3c3f179bf3464e38d87c94594b5f114c9499cea85a7881d8a9839cfdd1d35063"
#define ESP32C3_DIGEST "93900f35fb56ff175c38a741bb17b8611dd51ee4eec5d382d127f069729aebdc"

#define C3_ROW(file_)                                                                                                  \
    {                                                                                                                  \
        file_, 5, "1.2.3-rc1", "vec_esp32c3", 2, ESP32C3_SEGMENTS, 0x40380000, 0x19F, 0x6E, 448, ESP32C3_DIGEST,       \
            ESP32C3_ELF                                                                                                \
    }

static const struct vector vectors[] = {
    { "esp32-app.bin", 0, "1.0.0", "vec_esp32", 0, ESP32_SEGMENTS, 0x40080000, 0x1AF, 0x83, 464, ESP32_DIGEST,
      ESP32_ELF },
    { "esp32-app-v2.bin",
      0,
      "2.0.0",
      "vec_esp32",
      0,
      3,
      { { 0x3F400020, 0x140, 0x20 }, { 0x3FFB0000, 0x28, 0x168 }, { 0x40080000, 0x24, 0x198 } },
      0x40080000,
      0x1BF,
      0x9E,
      480,
      "393cfc4d3c46d991ae54d3df650035aa3fce99eb8c85f34115c282546341d8fc",
      "896f6275687854383f0cbbbd9bf90fd13e5bec72da971e24983b989401d474d6" },
    { "esp32-app-nohash.bin", 0, "1.0.0", "vec_esp32", 0, ESP32_SEGMENTS, 0x40080000, 0x1AF, 0x83, 432, NULL,
      ESP32_ELF },
    { "esp32-app-signed-v1.bin", 0, "1.0.0", "vec_esp32", 0, ESP32_SEGMENTS, 0x40080000, 0x1AF, 0x83, 464, ESP32_DIGEST,
      ESP32_ELF },
    { "esp32-app-signed-rsa3072.bin", 0, "1.0.0", "vec_esp32", 0, ESP32_SEGMENTS, 0x40080000, 0x1AF, 0x83, 464,
      ESP32_DIGEST, ESP32_ELF },
    C3_ROW("esp32c3-app.bin"),
    C3_ROW("esp32c3-app-signed-rsa3072.bin"),
    C3_ROW("esp32c3-app-signed-rsa3072-ba.bin"),
    C3_ROW("esp32c3-app-signed-p192.bin"),
    C3_ROW("esp32c3-app-signed-p256.bin"),
    C3_ROW("esp32c3-app-signed-p384.bin"),
    { "esp32c6-app-mmu8k.bin",
      13,
      "3.0.0",
      "vec_esp32c6",
      1,
      4,
      { { 0x42000020, 0x140, 0x20 }, { 0x40800000, 0x18, 0x168 }, { 0, 0x1E90, 0x188 }, { 0x42004020, 0xA0, 0x2020 } },
      0x40800000,
      0x20CF,
      0x0E,
      8432,
      "f7ab300dad02e6734082dbfddc844f1d1f5011d0b5ea6c384cebb47bfd1bc5b7",
      ESP32C6_ELF },
    { "esp32c6-app-padv2-signed-p256.bin",
      13,
      "3.0.0",
      "vec_esp32c6",
      1,
      5,
      { { 0x42000020, 0x140, 0x20 },
        { 0x40800000, 0x18, 0x168 },
        { 0, 0x1E90, 0x188 },
        { 0x42004020, 0xA0, 0x2020 },
        { 0, 0x1F08, 0x20C8 } },
      0x40800000,
      0x3FDF,
      0x0E,
      0x4000,
      "dde94ce2ec2151b10e721423fea7d7670d6ae043d164270506d366d60979b03a",
      ESP32C6_ELF },
};

static void assert_hex(const uint8_t *bytes, const char *hex)
{
    char text[65];
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, hex);
}

/* Strict rules of a board with the vector's chip, a slot at 0x10000. */
static struct ud_image_rules board_rules(uint16_t chip_id)
{
    return (struct ud_image_rules){ .chip = ud_chip_by_id(chip_id),
                                    .check_chip = true,
                                    .chip_id = chip_id,
                                    .revision = 3,
                                    .flash_addr = 0x10000,
                                    .check_mapping = true,
                                    .max_size = 0x100000 };
}

static void assert_vector(const struct vector *want, const struct ud_image_info *info, const uint8_t *bytes)
{
    assert_int_equal(info->header.chip_id, want->chip_id);
    assert_int_equal(info->header.entry_addr, want->entry);
    assert_int_equal(info->header.segment_count, want->segment_count);
    assert_int_equal(info->segment_count, want->segment_count);
    for (int i = 0; i < want->segment_count; i++) {
        assert_int_equal(info->segment[i].load_addr, want->segment[i].load_addr);
        assert_int_equal(info->segment[i].len, want->segment[i].len);
        assert_int_equal(info->segment[i].off, want->segment[i].off);
    }
    assert_true(info->has_desc);
    assert_string_equal(info->desc.version, want->version);
    assert_string_equal(info->desc.project_name, want->project);
    assert_int_equal(info->desc.secure_version, want->secure_version);
    assert_hex(info->desc.app_elf_sha256, want->elf_sha);
    assert_int_equal(info->checksum, want->checksum);
    assert_int_equal(info->checksum_computed, want->checksum);
    assert_int_equal(bytes[want->checksum_at], want->checksum);
    assert_int_equal(info->len, want->len);
    assert_int_equal(info->has_digest, want->digest != NULL);
    if (want->digest) {
        assert_hex(info->digest, want->digest);
        assert_hex(info->digest_computed, want->digest);
    }
    assert_int_equal(info->problems, 0);
}

static void esptools_images_verify_with_all_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(vectors); i++) {
        struct image_bytes b = image_vector(vectors[i].file);
        struct ud_image_rules rules = board_rules(vectors[i].chip_id);
        rules.require_digest = vectors[i].digest != NULL;
        struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ 0 });
        if (v.err != ESP_OK)
            fail_msg("%s: %s", vectors[i].file, ud_err_name(v.err));
        assert_vector(&vectors[i], &v.info, b.p);
        assert_int_equal(v.notes.count, 0);
        free(b.p);
    }
}

static void digest_of_an_image_without_one_is_that_of_all_its_bytes(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32-app-nohash.bin");
    struct ud_image_rules rules = { 0 };
    uint8_t digest[32];
    struct ud_crypto crypto = ud_openssl_crypto();
    struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ 0 });
    assert_int_equal(v.err, ESP_OK);
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, b.p, b.len, digest), ESP_OK);
    assert_memory_equal(v.info.digest_computed, digest, 32);
    rules.require_digest = true;
    assert_int_equal(image_verdict(b.p, b.len, &rules), ESP_ERR_IMAGE_INVALID);
    free(b.p);
}

/* Member by member: padding between them says nothing. */
static void assert_same_info(const struct ud_image_info *a, const struct ud_image_info *b)
{
    uint8_t bytes[2][UD_APP_DESC_BYTES];
    ud_image_header_encode(&a->header, bytes[0]);
    ud_image_header_encode(&b->header, bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], UD_IMAGE_HEADER_BYTES);
    ud_app_desc_encode(&a->desc, bytes[0]);
    ud_app_desc_encode(&b->desc, bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], UD_APP_DESC_BYTES);
    assert_memory_equal(a->segment, b->segment, sizeof a->segment);
    assert_memory_equal(a->digest, b->digest, 32);
    assert_memory_equal(a->digest_computed, b->digest_computed, 32);
    assert_int_equal(a->has_desc, b->has_desc);
    assert_int_equal(a->has_digest, b->has_digest);
    assert_int_equal(a->checksum, b->checksum);
    assert_int_equal(a->checksum_computed, b->checksum_computed);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->segment_count, b->segment_count);
    assert_int_equal(a->problems, b->problems);
}

static void assert_any_cut_agrees(const uint8_t *p, uint32_t len, const struct ud_image_rules *rules, uint32_t seed)
{
    struct image_verdict whole = image_run(p, len, rules, (struct image_cut){ 0 });
    const struct image_cut cuts[] = { { .piece = 1 }, { .piece = 7 }, { .seed = seed }, { .seed = seed * 31 + 1 } };
    assert_int_equal(whole.hashes_alive, 0);
    for (size_t i = 0; i < UD_ARRAY_LEN(cuts); i++) {
        struct image_verdict v = image_run(p, len, rules, cuts[i]);
        assert_int_equal(v.err, whole.err);
        assert_same_info(&v.info, &whole.info);
        assert_int_equal(v.notes.count, whole.notes.count);
        assert_int_equal(v.notes.last.id, whole.notes.last.id);
        assert_int_equal(v.notes.last.a, whole.notes.last.a);
        assert_int_equal(v.notes.last.b, whole.notes.last.b);
        assert_int_equal(v.hashes_alive, 0);
    }
}

static void verdict_does_not_depend_on_the_cut(void **state)
{
    uint32_t seed = 0x1E9A11CE;
    (void)state;
    print_message("seed %08X\n", (unsigned)seed);
    for (size_t i = 0; i < UD_ARRAY_LEN(vectors); i++) {
        struct image_bytes b = image_vector(vectors[i].file);
        struct ud_image_rules rules = board_rules(vectors[i].chip_id);
        assert_any_cut_agrees(b.p, b.len, &rules, image_random(&seed) | 1);
        for (int round = 0; round < 60; round++) {
            uint32_t at = image_random(&seed) % (round % 2 ? 48 : vectors[i].len);
            uint32_t len = round % 5 ? b.len : image_random(&seed) % b.len;
            uint8_t old = b.p[at];
            b.p[at] = (uint8_t)image_random(&seed);
            rules.lenient = round % 3 == 0;
            assert_any_cut_agrees(b.p, len, &rules, image_random(&seed) | 1);
            b.p[at] = old;
        }
        free(b.p);
    }
}

/* The promise: only bit 0 of byte 23 can be flipped unseen, since it takes the digest away. */
static void assert_flips_are_seen(uint8_t *p, uint32_t len, const struct ud_image_rules *rules)
{
    for (uint32_t bit = 0; bit < len * 8; bit++) {
        bool digest_flag = bit == 23 * 8;
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if ((image_verdict(p, len, rules) == ESP_OK) != (digest_flag && !rules->require_digest))
            fail_msg("bit %u of byte %u", (unsigned)(bit % 8), (unsigned)(bit / 8));
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(image_verdict(p, len, rules), ESP_OK);
}

static void every_single_bit_flip_is_refused(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = board_rules(5);
    assert_flips_are_seen(b.p, b.len, &rules);
    rules.require_digest = true;
    assert_flips_are_seen(b.p, b.len, &rules);
    rules = (struct ud_image_rules){ 0 };
    assert_flips_are_seen(b.p, b.len, &rules);
    free(b.p);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(vectors); i++) {
        struct image_bytes b = image_vector(vectors[i].file);
        struct ud_image_rules rules = board_rules(vectors[i].chip_id);
        uint32_t step = vectors[i].len > 1000 ? 37 : 1;
        for (uint32_t len = 0; len < vectors[i].len; len += step) {
            struct image_verdict v = image_run(b.p, len, &rules, (struct image_cut){ 0 });
            assert_int_equal(v.err, ESP_ERR_IMAGE_INVALID);
            assert_int_equal(v.notes.count, 1);
            assert_int_equal(v.notes.last.a, len);
            assert_string_equal(v.notes.last.text, ud_image_problem_text(UD_IMAGE_TRUNCATED));
            assert_int_equal(v.hashes_alive, 0);
        }
        assert_int_equal(image_verdict(b.p, vectors[i].len, &rules), ESP_OK);
        free(b.p);
    }
}

static void bytes_after_the_image_are_ignored(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app-signed-rsa3072.bin");
    struct ud_image_rules rules = board_rules(5);
    memset(b.p + 448, 0xA5, b.len - 448);
    struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ .piece = 100 });
    assert_int_equal(v.err, ESP_OK);
    assert_int_equal(v.info.len, 448);
    free(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(esptools_images_verify_with_all_their_fields),
        cmocka_unit_test(digest_of_an_image_without_one_is_that_of_all_its_bytes),
        cmocka_unit_test(verdict_does_not_depend_on_the_cut),
        cmocka_unit_test(every_single_bit_flip_is_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(bytes_after_the_image_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
