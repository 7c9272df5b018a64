/* SPDX-License-Identifier: Apache-2.0 */
/* The rules one by one: each edit of a good image, the code, the note and its offset; lenient reading; resources. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_kit.h"

enum { C3_LEN = 448, C3_CHECKSUM_AT = 0x19F, C3_DIGEST_AT = 0x1A0 };

static struct ud_image_rules c3_rules(void)
{
    return (struct ud_image_rules){ .chip = ud_chip_by_name("esp32c3"),
                                    .check_chip = true,
                                    .chip_id = 5,
                                    .revision = 100,
                                    .flash_addr = 0x20000,
                                    .check_mapping = true,
                                    .max_size = 0x100000 };
}

static struct image_verdict run(struct image_bytes b, const struct ud_image_rules *rules)
{
    return image_run(b.p, b.len, rules, (struct image_cut){ 0 });
}

/* One edit of esp32c3-app.bin, sealed again unless it is about the seal, and what must come of it. */
struct edit {
    const char *name;
    uint32_t at;
    uint8_t bytes[4];
    uint8_t count;
    bool seal;
    esp_err_t err;
    enum ud_image_problem problem;
    uint64_t note_a;
    uint64_t note_b;
};

static const struct edit edits[] = {
    { "magic", 0, { 0xE8 }, 1, true, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_MAGIC, 0, 0xE8 },
    { "erased", 0, { 0xFF }, 1, true, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_MAGIC, 0, 0xFF },
    { "chip id", 12, { 9 }, 1, true, ESP_FAIL, UD_IMAGE_BAD_CHIP, 5, 9 },
    { "chip id, high byte", 13, { 1 }, 1, true, ESP_FAIL, UD_IMAGE_BAD_CHIP, 5, 0x105 },
    { "host image on a chip", 12, { 0xFF, 0xFF }, 2, true, ESP_FAIL, UD_IMAGE_BAD_CHIP, 5, 0xFFFF },
    { "minimum revision", 15, { 101, 0 }, 2, true, ESP_FAIL, UD_IMAGE_BAD_REVISION, 100, 101 << 16 | 199 },
    { "maximum revision", 17, { 99, 0 }, 2, true, ESP_FAIL, UD_IMAGE_BAD_REVISION, 100, 3 << 16 | 99 },
    { "17 segments", 1, { 17 }, 1, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_MANY_SEGMENTS, 1, 17 },
    { "no segments", 1, { 0 }, 1, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_NO_SEGMENTS, 1, 0 },
    { "odd segment", 28, { 0x41, 1 }, 2, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_ODD_SEGMENT, 28, 0x141 },
    { "segment of half words", 28, { 0x42, 1 }, 2, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_ODD_SEGMENT, 28, 0x142 },
    { "short first segment", 28, { 0xFC, 0 }, 2, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_SHORT_FIRST, 28, 0xFC },
    { "16 MiB segment", 28, { 0, 0, 0, 1 }, 4, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_LONG_SEGMENT, 28, 0x1000000 },
    { "wrapping segment",
      28,
      { 0xFC, 0xFF, 0xFF, 0xFF },
      4,
      false,
      ESP_ERR_IMAGE_INVALID,
      UD_IMAGE_LONG_SEGMENT,
      28,
      0xFFFFFFFC },
    { "segment beyond the slot",
      28,
      { 0, 0, 0x10, 0 },
      4,
      false,
      ESP_ERR_IMAGE_INVALID,
      UD_IMAGE_TOO_LONG,
      28,
      0x100000 },
    { "mapping", 24, { 0x24 }, 1, true, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_MAPPING, 32, 0x3C000024 },
    { "checksum",
      C3_CHECKSUM_AT,
      { 0x6F },
      1,
      false,
      ESP_ERR_IMAGE_INVALID,
      UD_IMAGE_BAD_CHECKSUM,
      C3_CHECKSUM_AT,
      0x6F },
    { "segment byte", 400, { 0xA5 }, 1, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_CHECKSUM, C3_CHECKSUM_AT, 0x6E },
    { "digest", C3_DIGEST_AT + 31, { 0 }, 1, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_DIGEST, C3_DIGEST_AT, C3_LEN },
    { "filler", C3_CHECKSUM_AT - 1, { 1 }, 1, false, ESP_ERR_IMAGE_INVALID, UD_IMAGE_BAD_DIGEST, C3_DIGEST_AT, C3_LEN },
};

static void each_broken_rule_has_its_code_and_one_note(void **state)
{
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(edits); i++) {
        const struct edit *e = &edits[i];
        struct image_bytes b = image_vector("esp32c3-app.bin");
        struct ud_image_rules rules = c3_rules();
        memcpy(b.p + e->at, e->bytes, e->count);
        if (e->seal)
            image_reseal(b.p);
        struct image_verdict v = run(b, &rules);
        if (v.err != e->err)
            fail_msg("%s: %s", e->name, ud_err_name(v.err));
        assert_string_equal(v.notes.last.text, ud_image_problem_text(e->problem));
        assert_int_equal(v.notes.count, 1);
        assert_int_equal(v.notes.last.a, e->note_a);
        assert_int_equal(v.notes.last.b, e->note_b);
        assert_int_equal(v.notes.last.err, e->err);
        assert_int_equal(v.hashes_alive, 0);
        free(b.p);
    }
}

static void revisions_fit_as_on_the_chip(void **state)
{
    static const struct {
        uint16_t min, max, chip;
        bool ignore_max, bootloader, ok;
    } rows[] = {
        { 3, 199, 3, false, false, true },       { 3, 199, 2, false, false, false },
        { 3, 199, 199, false, false, true },     { 3, 199, 200, false, false, false },
        { 3, 199, 200, true, false, true },      { 3, 199, 200, false, true, true },
        { 3, 199, 2, true, true, false },        { 0, 0, 65535, false, false, true },
        { 0, 65535, 65535, false, false, true },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_image_rules rules = { .chip_id = 5,
                                        .revision = rows[i].chip,
                                        .ignore_max_revision = rows[i].ignore_max,
                                        .bootloader = rows[i].bootloader };
        struct ud_image_header h = { .chip_id = 5, .min_chip_rev_full = rows[i].min, .max_chip_rev_full = rows[i].max };
        struct image_notes notes = { 0 };
        struct ud_observer obs = image_observer(&notes);
        assert_int_equal(ud_image_check_chip(&h, &rules, &obs), rows[i].ok ? ESP_OK : ESP_FAIL);
        assert_int_equal(notes.count, !rows[i].ok);
        h.chip_id = 0;
        assert_int_equal(ud_image_check_chip(&h, &rules, &obs), ESP_FAIL);
        assert_int_equal(notes.last.id, UD_NOTE_IMAGE_CHIP);
    }
}

static void slot_must_hold_the_digest_too(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    for (uint32_t size = 1; size < C3_LEN; size++) {
        rules.max_size = size;
        assert_int_equal(run(b, &rules).err, ESP_ERR_IMAGE_INVALID);
    }
    rules.max_size = C3_LEN;
    assert_int_equal(run(b, &rules).err, ESP_OK);
    rules.max_size = 0;
    assert_int_equal(run(b, &rules).err, ESP_OK);
    free(b.p);
}

static void any_non_zero_byte_23_announces_a_digest(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    rules.require_digest = true;
    for (unsigned value = 1; value < 256; value++) {
        b.p[23] = (uint8_t)value;
        image_reseal(b.p);
        assert_int_equal(run(b, &rules).err, ESP_OK);
    }
    b.p[23] = 0;
    struct image_verdict v = run(b, &rules);
    assert_int_equal(v.err, ESP_ERR_IMAGE_INVALID);
    assert_int_equal(v.notes.last.a, 23);
    free(b.p);
}

static void boot_loader_images_are_held_to_fewer_rules(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    b.p[C3_DIGEST_AT] ^= 1;
    assert_int_equal(run(b, &rules).err, ESP_ERR_IMAGE_INVALID);
    rules.bootloader = true;
    assert_int_equal(run(b, &rules).err, ESP_OK);
    rules.require_digest = true;
    assert_int_equal(run(b, &rules).err, ESP_ERR_IMAGE_INVALID);
    rules.require_digest = false;
    b.p[C3_CHECKSUM_AT] ^= 1;
    assert_int_equal(run(b, &rules).err, ESP_ERR_IMAGE_INVALID);
    free(b.p);

    uint8_t empty[32] = { 0xE9, 0, 2, 0x20, [12] = 5, [31] = 0xEF };
    assert_int_equal(image_verdict(empty, sizeof empty, &rules), ESP_OK);
    rules.bootloader = false;
    assert_int_equal(image_verdict(empty, sizeof empty, &rules), ESP_ERR_IMAGE_INVALID);
}

static void page_size_of_the_description_decides_the_mapping(void **state)
{
    static const struct {
        uint8_t log2;
        uint32_t addr;
        bool ok;
    } rows[] = {
        { 13, 0, true },        { 13, 0x2000, true },     { 13, 0x12000, true }, { 13, 0x1000, false },
        { 13, 0x11000, false }, { 13, 0xFFFFE000, true }, { 14, 0, false },      { 15, 0, false },
        { 16, 0, false },       { 0, 0, false },          { 12, 0, false },      { 17, 0, false },
        { 255, 0, false },
    };
    (void)state;
    struct image_bytes b = image_vector("esp32c6-app-mmu8k.bin");
    struct ud_image_rules rules = { .chip = ud_chip_by_name("esp32c6"), .check_mapping = true };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        b.p[UD_APP_DESC_OFFSET + 180] = rows[i].log2;
        image_reseal(b.p);
        rules.flash_addr = rows[i].addr;
        struct image_verdict v = run(b, &rules);
        assert_int_equal(v.err, rows[i].ok ? ESP_OK : ESP_ERR_IMAGE_INVALID);
        if (!rows[i].ok)
            assert_string_equal(v.notes.last.text, ud_image_problem_text(UD_IMAGE_BAD_MAPPING));
    }
    rules.check_mapping = false;
    assert_int_equal(run(b, &rules).err, ESP_OK);
    free(b.p);
}

static void chips_with_chosen_pages_and_hosts_need_a_description(void **state)
{
    (void)state;
    struct image_bytes c6 = image_vector("esp32c6-app-mmu8k.bin");
    struct image_bytes c3 = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = { 0 };
    c6.p[UD_APP_DESC_OFFSET] ^= 1;
    c3.p[UD_APP_DESC_OFFSET] ^= 1;
    image_reseal(c6.p);
    image_reseal(c3.p);
    struct image_verdict v = run(c6, &rules);
    assert_int_equal(v.err, ESP_FAIL);
    assert_string_equal(v.notes.last.text, ud_image_problem_text(UD_IMAGE_NO_DESC));
    v = run(c3, &rules);
    assert_int_equal(v.err, ESP_OK);
    assert_false(v.info.has_desc);
    memset(c3.p + 12, 0xFF, 2); /* as a host image it needs one, whatever the board's chip is */
    image_reseal(c3.p);
    assert_int_equal(run(c3, &rules).err, ESP_FAIL);
    rules.chip = ud_chip_by_name("esp32c3");
    assert_int_equal(run(c3, &rules).err, ESP_FAIL);
    rules.chip = NULL;
    rules.bootloader = true;
    assert_int_equal(run(c6, &rules).err, ESP_OK);
    free(c6.p);
    free(c3.p);
}

/* Chips that map 32-bit flash addresses take what others refuse; nothing wraps at the top of the address space. */
static void large_segments_are_for_chips_that_can_map_them(void **state)
{
    static const struct {
        uint8_t chip;
        uint32_t len;
        enum ud_image_problem problem; /* TRUNCATED: the length was taken, and the bytes ended */
    } rows[] = {
        { 5, 0x00FFFFE0, UD_IMAGE_TRUNCATED },     { 5, 0x00FFFFE4, UD_IMAGE_TOO_LONG },
        { 5, 0x01000000, UD_IMAGE_LONG_SEGMENT },  { 9, 0x01000000, UD_IMAGE_TRUNCATED },
        { 18, 0xFFFFFFDC, UD_IMAGE_TRUNCATED },    { 18, 0xFFFFFFE0, UD_IMAGE_TOO_LONG },
        { 18, 0xFFFFFFFC, UD_IMAGE_TOO_LONG },     { 18, 0xFFFFFFFF, UD_IMAGE_LONG_SEGMENT },
        { 99, 0x01000000, UD_IMAGE_LONG_SEGMENT },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_image_rules rules = { 0 };
        uint8_t head[40] = { 0xE9, 1, [12] = rows[i].chip, [23] = 1 };
        ud_store_le32(head + 28, rows[i].len);
        struct image_verdict v = image_run(head, sizeof head, &rules, (struct image_cut){ 0 });
        assert_int_equal(v.err, ESP_ERR_IMAGE_INVALID);
        assert_string_equal(v.notes.last.text, ud_image_problem_text(rows[i].problem));
    }
}

static void places_above_16_mib_are_for_chips_that_can_map_them(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    rules.max_size = UD_IMAGE_SIZE_LIMIT;
    assert_int_equal(run(b, &rules).err, ESP_OK);
    rules.max_size++;
    struct image_verdict v = run(b, &rules);
    assert_int_equal(v.err, ESP_ERR_INVALID_ARG);
    assert_int_equal(v.notes.count, 1);
    rules.chip = NULL; /* nobody says what can be mapped */
    assert_int_equal(run(b, &rules).err, ESP_OK);
    free(b.p);
}

/* The last segment ends inside 16 MiB, the filler and the digest behind it do not. */
static void room_for_checksum_and_digest_is_part_of_the_limit(void **state)
{
    static const struct {
        uint32_t len;
        bool digest, ok;
    } rows[] = {
        { 0x00FFFFDC, false, true },
        { 0x00FFFFE0, false, false },
        { 0x00FFFFBC, true, true },
        { 0x00FFFFC0, true, false },
    };
    static uint8_t zeros[1 << 16];
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct ud_image_rules rules = { .lenient = true };
        struct ud_crypto crypto = ud_openssl_crypto();
        struct ud_image_verifier v;
        uint8_t head[32] = { 0xE9, 1, [12] = 5, [23] = rows[i].digest };
        ud_store_le32(head + 28, rows[i].len);
        assert_int_equal(ud_image_verifier_start(&v, &rules, &crypto, NULL), ESP_OK);
        esp_err_t err = ud_image_verifier_push(&v, head, sizeof head);
        for (int j = 0; err == ESP_OK && j < 256; j++)
            err = ud_image_verifier_push(&v, zeros, sizeof zeros);
        assert_int_equal(err, rows[i].ok ? ESP_OK : ESP_ERR_IMAGE_INVALID);
        assert_int_equal(ud_image_verifier_is_done(&v), rows[i].ok);
        assert_int_equal((v.info.problems & UD_IMAGE_PROBLEM_BIT(UD_IMAGE_TOO_LONG)) == 0, rows[i].ok);
        ud_image_verifier_drop(&v);
    }
}

static void empty_segments_are_passed_over(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    uint8_t longer[C3_LEN + 32] = { 0 };
    memcpy(longer, b.p, 24 + 8 + 0x140);
    longer[1] = 4; /* the first, then three empty ones */
    image_reseal(longer);
    struct image_verdict v = image_run(longer, sizeof longer, &rules, (struct image_cut){ .piece = 1 });
    assert_int_equal(v.err, ESP_OK);
    assert_int_equal(v.info.segment_count, 4);
    assert_int_equal(v.info.len, image_block_end(longer) + 32);
    free(b.p);
}

static void lenient_rules_read_on_and_record(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    for (size_t i = 0; i < UD_ARRAY_LEN(edits); i++) {
        const struct edit *e = &edits[i];
        struct image_bytes b = image_vector("esp32c3-app.bin");
        struct ud_image_rules rules = c3_rules();
        struct ud_image_info info;
        memcpy(b.p + e->at, e->bytes, e->count);
        if (e->seal)
            image_reseal(b.p);
        esp_err_t err = ud_image_inspect(b.p, b.len, &rules, &crypto, NULL, &info);
        assert_true(info.problems & UD_IMAGE_PROBLEM_BIT(e->problem));
        if (e->seal && e->problem != UD_IMAGE_BAD_MAGIC) {
            assert_int_equal(err, ESP_OK);
            assert_int_equal(info.problems, UD_IMAGE_PROBLEM_BIT(e->problem));
            assert_int_equal(info.len, C3_LEN);
        }
        free(b.p);
    }
}

static void inspection_shows_a_damaged_image_whole(void **state)
{
    (void)state;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_info info;
    b.p[400] ^= 1;
    assert_int_equal(ud_image_inspect(b.p, b.len, NULL, &crypto, NULL, &info), ESP_OK);
    assert_int_equal(info.problems,
                     UD_IMAGE_PROBLEM_BIT(UD_IMAGE_BAD_CHECKSUM) | UD_IMAGE_PROBLEM_BIT(UD_IMAGE_BAD_DIGEST));
    assert_int_equal(info.checksum, 0x6E);
    assert_int_equal(info.checksum_computed, 0x6F);
    assert_memory_not_equal(info.digest, info.digest_computed, 32);
    assert_string_equal(info.desc.version, "1.2.3-rc1");

    assert_int_equal(ud_image_inspect(b.p, C3_LEN - 1, NULL, &crypto, NULL, &info), ESP_OK);
    assert_true(info.problems & UD_IMAGE_PROBLEM_BIT(UD_IMAGE_TRUNCATED));
    assert_int_equal(info.len, C3_LEN);
    assert_int_equal(ud_image_inspect(b.p, 0x180 + 4, NULL, &crypto, NULL, &info), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(info.problems, UD_IMAGE_PROBLEM_BIT(UD_IMAGE_TRUNCATED));
    assert_int_equal(info.segment_count, 3);
    assert_string_equal(info.desc.project_name, "vec_esp32c3");
    assert_int_equal(ud_image_inspect(b.p, 0, NULL, &crypto, NULL, &info), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(info.segment_count, 0);
    free(b.p);
}

static void failing_crypto_is_returned_as_it_is_and_sticks(void **state)
{
    static const struct {
        enum image_hash_step step;
        esp_err_t err;
    } rows[] = { { HASH_STEP_START, ESP_ERR_NO_MEM },
                 { HASH_STEP_FEED, ESP_ERR_INVALID_RESPONSE },
                 { HASH_STEP_FINISH, ESP_ERR_NOT_SUPPORTED } };
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        for (int skip = 0; skip < (rows[i].step == HASH_STEP_FEED ? 8 : 1); skip++) {
            struct image_crypto failing = { .fail_at = rows[i].step, .skip = skip };
            struct ud_crypto crypto = image_crypto(&failing);
            struct ud_image_verifier v;
            struct ud_image_info info = { .len = 1234 };
            esp_err_t err = ud_image_verifier_start(&v, &rules, &crypto, NULL);
            if (err == ESP_OK)
                err = ud_image_verifier_push(&v, b.p, b.len);
            assert_int_equal(err, rows[i].err);
            assert_int_equal(failing.alive, 0);
            assert_int_equal(ud_image_verifier_push(&v, b.p, b.len), rows[i].err);
            assert_int_equal(ud_image_verifier_finish(&v, &info), rows[i].err);
            assert_int_equal(info.len, 1234);
            ud_image_verifier_drop(&v);
            assert_int_equal(ud_image_inspect(b.p, b.len, NULL, &crypto, NULL, &info), ESP_OK);
        }
    }
    free(b.p);
}

static void dropping_releases_the_hash_at_any_point(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    for (uint32_t len = 0; len <= b.len; len++) {
        struct image_crypto counting = { 0 };
        struct ud_crypto crypto = image_crypto(&counting);
        struct ud_image_verifier v;
        assert_int_equal(ud_image_verifier_start(&v, &rules, &crypto, NULL), ESP_OK);
        assert_int_equal(ud_image_verifier_push(&v, b.p, len), ESP_OK);
        assert_int_equal(ud_image_verifier_is_done(&v), len == b.len);
        ud_image_verifier_drop(&v);
        ud_image_verifier_drop(&v);
        assert_int_equal(counting.alive, 0);
        assert_int_equal(ud_image_verifier_push(&v, b.p + len, b.len - len), len == b.len ? ESP_OK
                                                                             : len < C3_DIGEST_AT
                                                                                 ? ESP_ERR_INVALID_STATE
                                                                                 : ESP_OK);
    }
    free(b.p);
}

static void zeroed_verifier_takes_nothing_and_can_be_dropped(void **state)
{
    (void)state;
    struct ud_image_verifier v = { 0 };
    uint8_t byte = 0xE9;
    ud_image_verifier_drop(&v);
    assert_int_equal(ud_image_verifier_push(&v, &byte, 0), ESP_OK);
    assert_int_equal(ud_image_verifier_push(&v, &byte, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(ud_image_verifier_finish(&v, NULL), ESP_ERR_INVALID_STATE);
}

static void each_image_byte_is_hashed_once(void **state)
{
    (void)state;
    struct image_bytes b = image_vector("esp32c3-app.bin");
    struct ud_image_rules rules = c3_rules();
    struct image_crypto counting = { 0 };
    struct ud_crypto crypto = image_crypto(&counting);
    struct ud_image_verifier v;
    assert_int_equal(ud_image_verifier_start(&v, &rules, &crypto, NULL), ESP_OK);
    for (uint32_t i = 0; i < b.len; i++)
        assert_int_equal(ud_image_verifier_push(&v, b.p + i, 1), ESP_OK);
    assert_int_equal(ud_image_verifier_finish(&v, NULL), ESP_OK);
    assert_int_equal(counting.started, 1);
    assert_int_equal(counting.fed, C3_DIGEST_AT);
    ud_image_verifier_drop(&v);
    free(b.p);
}

static void problems_have_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UD_IMAGE_PROBLEM_COUNT; i++)
        assert_non_null(ud_image_problem_text(i));
    assert_null(ud_image_problem_text(UD_IMAGE_PROBLEM_COUNT));
    assert_null(ud_image_problem_text(UINT_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_rule_has_its_code_and_one_note),
        cmocka_unit_test(revisions_fit_as_on_the_chip),
        cmocka_unit_test(slot_must_hold_the_digest_too),
        cmocka_unit_test(any_non_zero_byte_23_announces_a_digest),
        cmocka_unit_test(boot_loader_images_are_held_to_fewer_rules),
        cmocka_unit_test(page_size_of_the_description_decides_the_mapping),
        cmocka_unit_test(chips_with_chosen_pages_and_hosts_need_a_description),
        cmocka_unit_test(large_segments_are_for_chips_that_can_map_them),
        cmocka_unit_test(places_above_16_mib_are_for_chips_that_can_map_them),
        cmocka_unit_test(room_for_checksum_and_digest_is_part_of_the_limit),
        cmocka_unit_test(empty_segments_are_passed_over),
        cmocka_unit_test(lenient_rules_read_on_and_record),
        cmocka_unit_test(inspection_shows_a_damaged_image_whole),
        cmocka_unit_test(failing_crypto_is_returned_as_it_is_and_sticks),
        cmocka_unit_test(dropping_releases_the_hash_at_any_point),
        cmocka_unit_test(zeroed_verifier_takes_nothing_and_can_be_dropped),
        cmocka_unit_test(each_image_byte_is_hashed_once),
        cmocka_unit_test(problems_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
