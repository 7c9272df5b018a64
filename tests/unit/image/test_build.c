/* SPDX-License-Identifier: Apache-2.0 */
/* The builder: what it writes the verifier accepts, and esptool's images come out again byte for byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

static const struct ud_app_desc sample = { .version = "1.2.3",
                                           .project_name = "sample",
                                           .time = "12:34:56",
                                           .date = "Jan  2 2025",
                                           .idf_ver = "v5.5",
                                           .secure_version = 4 };

/* Build into a block of exactly the size, so that one byte too many is seen. */
static struct image_bytes build(const struct ud_image_spec *spec)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    uint32_t size = 0;
    uint32_t written = 0;
    assert_int_equal(ud_image_spec_size(spec, &size), ESP_OK);
    struct image_bytes b = { malloc(size), size };
    assert_non_null(b.p);
    memset(b.p, 0xA5, size);
    assert_int_equal(ud_image_encode(spec, &crypto, b.p, b.len, &written), ESP_OK);
    assert_int_equal(written, size);
    return b;
}

static void what_is_built_verifies(void **state)
{
    (void)state;
    static uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (uint8_t parts = 1; parts <= UD_IMAGE_MAX_SEGMENTS; parts++) {
        for (uint32_t extra = 0; extra < 36; extra++) {
            struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
            for (uint8_t i = 0; i < parts; i++)
                part[i] = (struct ud_image_part){ 0x3FC80000u + i, i % 3 ? data : NULL, extra + i };
            part[0] = (struct ud_image_part){ 0x3C000020, data, 256 + extra };
            struct ud_image_spec spec = { .header = { .chip_id = 5, .entry_addr = 0x40380000 },
                                          .part = part,
                                          .part_count = parts,
                                          .desc = &sample,
                                          .append_digest = extra % 2 };
            struct image_bytes b = build(&spec);
            struct ud_image_rules rules = { .max_size = b.len, .require_digest = spec.append_digest };
            struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ .piece = 5 });
            assert_int_equal(v.err, ESP_OK);
            assert_int_equal(v.info.len, b.len);
            assert_int_equal(b.len % 16, 0);
            assert_string_equal(v.info.desc.version, "1.2.3");
            assert_int_equal(v.info.desc.secure_version, 4);
            for (uint8_t i = 0; i < parts; i++) {
                const struct ud_image_segment *s = &v.info.segment[i];
                assert_int_equal(s->load_addr, part[i].load_addr);
                assert_int_equal(s->len, (part[i].len + 3) & ~3u);
                for (uint32_t j = i ? 0 : 256; j < s->len; j++)
                    assert_int_equal(b.p[s->off + j], j < part[i].len && part[i].data ? data[j] : 0);
            }
            free(b.p);
        }
    }
}

static void esptools_images_are_rebuilt_byte_for_byte(void **state)
{
    static const char *const files[] = { "esp32-app.bin", "esp32-app-v2.bin", "esp32-app-nohash.bin", "esp32c3-app.bin",
                                         "esp32c6-app-mmu8k.bin" };
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t f = 0; f < UD_ARRAY_LEN(files); f++) {
        struct image_bytes b = image_vector(files[f]);
        struct ud_image_info info;
        struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
        assert_int_equal(ud_image_inspect(b.p, b.len, NULL, &crypto, NULL, &info), ESP_OK);
        assert_int_equal(info.problems, 0);
        for (uint8_t i = 0; i < info.segment_count; i++)
            part[i] =
                (struct ud_image_part){ info.segment[i].load_addr, b.p + info.segment[i].off, info.segment[i].len };
        struct ud_image_spec spec = { .header = info.header,
                                      .part = part,
                                      .part_count = info.segment_count,
                                      .desc = &info.desc,
                                      .append_digest = info.has_digest };
        spec.header.magic = 0; /* the builder's to set, as are the next two */
        spec.header.segment_count = 0;
        spec.header.hash_appended = 77;
        struct image_bytes again = build(&spec);
        assert_int_equal(again.len, b.len);
        assert_memory_equal(again.p, b.p, b.len);
        free(again.p);
        free(b.p);
    }
}

static void specs_beyond_the_format_are_refused(void **state)
{
    (void)state;
    static const uint8_t byte = 0;
    struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS + 1] = { { 0, &byte, 1 } };
    const struct {
        const char *name;
        uint8_t parts;
        uint16_t chip;
        uint32_t len;
        const struct ud_app_desc *desc;
        esp_err_t err;
    } rows[] = {
        { "no parts", 0, 5, 1, NULL, ESP_ERR_INVALID_SIZE },
        { "17 parts", 17, 5, 1, NULL, ESP_ERR_INVALID_SIZE },
        { "description does not fit", 1, 5, 255, &sample, ESP_ERR_INVALID_SIZE },
        { "16 MiB part", 1, 5, 0x1000000, NULL, ESP_ERR_INVALID_SIZE },
        { "part that rounds up to 16 MiB", 1, 5, 0xFFFFFD, NULL, ESP_ERR_INVALID_SIZE },
        { "no room behind the part", 1, 5, 0xFFFFE0, NULL, ESP_ERR_INVALID_SIZE },
        { "last that fits", 1, 5, 0xFFFFBC, NULL, ESP_OK },
        { "32-bit chip", 1, 18, 0x2000000, NULL, ESP_OK },
        { "top of 32 bits", 1, 18, 0xFFFFFFFF, NULL, ESP_ERR_INVALID_SIZE },
        { "near the top of 32 bits", 1, 18, 0xFFFFFFC0, NULL, ESP_ERR_INVALID_SIZE },
        { "beyond the top of 32 bits", 1, 18, 0xFFFFFFE4, NULL, ESP_ERR_INVALID_SIZE },
        { "host image", 1, UD_CHIP_ID_HOST, 0x1000000, NULL, ESP_ERR_INVALID_SIZE },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        uint32_t size = 4711;
        part[0].len = rows[i].len;
        struct ud_image_spec spec = { .header = { .chip_id = rows[i].chip },
                                      .part = part,
                                      .part_count = rows[i].parts,
                                      .desc = rows[i].desc,
                                      .append_digest = true };
        if (ud_image_spec_size(&spec, &size) != rows[i].err)
            fail_msg("%s", rows[i].name);
        assert_true((size == 4711) == (rows[i].err != ESP_OK));
    }
}

static void sum_of_the_parts_is_bounded_too(void **state)
{
    (void)state;
    struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
    uint32_t size = 0;
    for (size_t i = 0; i < UD_ARRAY_LEN(part); i++)
        part[i] = (struct ud_image_part){ .len = 0xFF0000 };
    struct ud_image_spec spec = { .header = { .chip_id = 5 }, .part = part, .part_count = 2 };
    assert_int_equal(ud_image_spec_size(&spec, &size), ESP_ERR_INVALID_SIZE);
    spec.header.chip_id = 18;
    assert_int_equal(ud_image_spec_size(&spec, &size), ESP_OK);
    for (size_t i = 0; i < UD_ARRAY_LEN(part); i++)
        part[i].len = 0x10000000;
    spec.part_count = UD_IMAGE_MAX_SEGMENTS;
    assert_int_equal(ud_image_spec_size(&spec, &size), ESP_ERR_INVALID_SIZE);
}

static void short_buffers_and_failing_crypto_leave_the_size_alone(void **state)
{
    (void)state;
    struct ud_image_part part = { 0x3C000020, NULL, 256 };
    struct ud_image_spec spec = { .part = &part, .part_count = 1, .desc = &sample, .append_digest = true };
    static uint8_t buf[1024];
    uint32_t size = 0;
    uint32_t out = 4711;
    assert_int_equal(ud_image_spec_size(&spec, &size), ESP_OK);
    for (int step = HASH_STEP_START; step <= HASH_STEP_FINISH; step++) {
        struct image_crypto failing = { .fail_at = (enum image_hash_step)step };
        struct ud_crypto crypto = image_crypto(&failing);
        assert_int_not_equal(ud_image_encode(&spec, &crypto, buf, sizeof buf, &out), ESP_OK);
        assert_int_equal(failing.alive, 0);
    }
    struct ud_crypto crypto = ud_openssl_crypto();
    for (uint32_t cap = 0; cap < size; cap++)
        assert_int_equal(ud_image_encode(&spec, &crypto, buf, cap, &out), ESP_ERR_INVALID_SIZE);
    assert_int_equal(out, 4711);
    assert_int_equal(ud_image_encode(&spec, &crypto, buf, size, &out), ESP_OK);
    assert_int_equal(out, size);
}

static void host_image_holds_description_and_program(void **state)
{
    (void)state;
    uint8_t elf[66];
    uint8_t desc_bytes[UD_APP_DESC_BYTES];
    struct ud_image_part parts[2];
    struct ud_image_spec spec;
    image_tiny_elf(elf, ud_elf_host_machine());
    elf[64] = 0x11;
    elf[65] = 0x22;
    assert_int_equal(ud_image_host_spec(elf, sizeof elf, &sample, desc_bytes, parts, &spec), ESP_OK);
    struct image_bytes b = build(&spec);
    struct ud_image_rules rules = { .chip = ud_chip_by_name("esp32c3"),
                                    .check_chip = true,
                                    .chip_id = UD_CHIP_ID_HOST,
                                    .revision = 3,
                                    .check_mapping = true,
                                    .flash_addr = 0x11000, /* a slot that no real chip could map */
                                    .require_digest = true };
    struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ .piece = 3 });
    assert_int_equal(v.err, ESP_OK);
    assert_int_equal(v.info.segment_count, 2);
    assert_int_equal(v.info.segment[0].load_addr, UD_HOST_DESC_ADDR);
    assert_int_equal(v.info.segment[0].len, 256);
    assert_int_equal(v.info.segment[1].load_addr, 0);
    assert_int_equal(v.info.segment[1].len, 68);
    assert_memory_equal(b.p + v.info.segment[1].off, elf, sizeof elf);
    assert_string_equal(v.info.desc.project_name, "sample");
    assert_ptr_equal(ud_image_host_program(&v.info), &v.info.segment[1]);

    rules.chip_id = 5; /* and no chip takes it */
    assert_int_equal(image_verdict(b.p, b.len, &rules), ESP_FAIL);
    free(b.p);
}

static void every_bit_flip_of_a_host_image_is_refused_but_one(void **state)
{
    (void)state;
    uint8_t elf[64];
    uint8_t desc_bytes[UD_APP_DESC_BYTES];
    struct ud_image_part parts[2];
    struct ud_image_spec spec;
    image_tiny_elf(elf, ud_elf_host_machine());
    assert_int_equal(ud_image_host_spec(elf, sizeof elf, &sample, desc_bytes, parts, &spec), ESP_OK);
    struct image_bytes b = build(&spec);
    struct ud_image_rules rules = { .check_chip = true, .chip_id = UD_CHIP_ID_HOST };
    for (int required = 0; required < 2; required++) {
        rules.require_digest = required;
        for (uint32_t bit = 0; bit < b.len * 8; bit++) {
            b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(image_verdict(b.p, b.len, &rules) == ESP_OK, bit == 23 * 8 && !required);
            b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    free(b.p);
}

static void host_image_needs_a_program_of_this_machine(void **state)
{
    (void)state;
    uint8_t elf[64];
    uint8_t desc_bytes[UD_APP_DESC_BYTES];
    struct ud_image_part parts[2];
    struct ud_image_spec spec;
    uint16_t here = ud_elf_host_machine();
    assert_int_not_equal(here, 0);
    image_tiny_elf(elf, (uint16_t)(here ^ 1));
    assert_int_equal(ud_image_host_spec(elf, sizeof elf, &sample, desc_bytes, parts, &spec), ESP_ERR_INVALID_ARG);
    image_tiny_elf(elf, 0);
    assert_int_equal(ud_image_host_spec(elf, sizeof elf, &sample, desc_bytes, parts, &spec), ESP_ERR_INVALID_ARG);
    image_tiny_elf(elf, here);
    for (uint32_t len = 0; len < sizeof elf; len++)
        assert_int_equal(ud_image_host_spec(elf, len, &sample, desc_bytes, parts, &spec), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_image_host_spec(elf, sizeof elf, &sample, desc_bytes, parts, &spec), ESP_OK);
}

static void only_whole_host_images_have_a_program(void **state)
{
    (void)state;
    const struct ud_image_info good = { .header = { .chip_id = UD_CHIP_ID_HOST, .segment_count = 2 },
                                        .segment = { { UD_HOST_DESC_ADDR, 256, 32 }, { 0, 64, 296 } },
                                        .has_desc = true };
    struct ud_image_info bad[6];
    for (size_t i = 0; i < UD_ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].header.chip_id = 5;
    bad[1].header.segment_count = 3;
    bad[2].has_desc = false;
    bad[3].segment[0].load_addr = 0x3C000000;
    bad[4].segment[0].len = 260;
    bad[5].segment[1].load_addr = 4;
    assert_ptr_equal(ud_image_host_program(&good), &good.segment[1]);
    for (size_t i = 0; i < UD_ARRAY_LEN(bad); i++)
        assert_null(ud_image_host_program(&bad[i]));
}

static void raw_payloads_are_mapped_on_every_chip(void **state)
{
    (void)state;
    static const uint8_t raw[] = { 1, 2, 3, 4, 5 };
    for (size_t c = 0; ud_chip_at(c); c++) {
        const struct ud_chip *chip = ud_chip_at(c);
        const uint32_t addrs[] = {
            0, 0x3FFB0000, chip->irom.lo, chip->irom.lo + 0x20, chip->irom.lo + 0x10128, chip->irom.lo + 0x21FFC
        };
        for (size_t a = 0; a < UD_ARRAY_LEN(addrs); a++) {
            for (uint8_t log2 = 12; log2 < 20; log2++) {
                struct ud_app_desc desc = sample;
                uint8_t desc_bytes[UD_APP_DESC_BYTES];
                struct ud_image_part parts[3];
                struct ud_image_spec spec;
                desc.mmu_page_size = log2;
                assert_int_equal(ud_image_raw_spec(chip, raw, sizeof raw, addrs[a], &desc, desc_bytes, parts, &spec),
                                 ESP_OK);
                struct image_bytes b = build(&spec);
                struct ud_image_rules rules = {
                    .chip = chip, .check_chip = true, .chip_id = chip->id, .check_mapping = true, .flash_addr = 0x80000
                };
                struct image_verdict v = image_run(b.p, b.len, &rules, (struct image_cut){ 0 });
                if (v.err != ESP_OK)
                    fail_msg("%s %08X: %s", chip->name, (unsigned)addrs[a], v.notes.last.text);
                const struct ud_image_segment *last = &v.info.segment[v.info.segment_count - 1];
                assert_int_equal(last->load_addr, addrs[a]);
                assert_memory_equal(b.p + last->off, raw, sizeof raw);
                free(b.p);
            }
        }
    }
}

static void raw_payload_that_cannot_be_mapped_is_refused(void **state)
{
    (void)state;
    uint8_t desc_bytes[UD_APP_DESC_BYTES];
    struct ud_image_part parts[3];
    struct ud_image_spec spec;
    const struct ud_chip *c3 = ud_chip_by_name("esp32c3");
    for (uint32_t odd = 1; odd < 4; odd++)
        assert_int_equal(ud_image_raw_spec(c3, "x", 1, 0x42000000 + odd, &sample, desc_bytes, parts, &spec),
                         ESP_ERR_INVALID_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_verifies),
        cmocka_unit_test(esptools_images_are_rebuilt_byte_for_byte),
        cmocka_unit_test(specs_beyond_the_format_are_refused),
        cmocka_unit_test(sum_of_the_parts_is_bounded_too),
        cmocka_unit_test(short_buffers_and_failing_crypto_leave_the_size_alone),
        cmocka_unit_test(host_image_holds_description_and_program),
        cmocka_unit_test(every_bit_flip_of_a_host_image_is_refused_but_one),
        cmocka_unit_test(host_image_needs_a_program_of_this_machine),
        cmocka_unit_test(only_whole_host_images_have_a_program),
        cmocka_unit_test(raw_payloads_are_mapped_on_every_chip),
        cmocka_unit_test(raw_payload_that_cannot_be_mapped_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
