/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streaming verifier. Bytes go in, in pieces of any size; each state wants `stage_left` more of them and knows
 * what they mean when the last has come:
 *
 *     HEADER --24--> SEGMENT --8--> DATA --len--+--> PAD --1..16--> DIGEST --32--> DONE
 *        |              ^                       |     ^                ^            ^
 *        |              +--- more segments -----+     |                |            |
 *        +--- no segments ----------------------------+     no digest: straight to DONE
 *
 * Every byte before DIGEST is hashed once, when it comes; segment data also goes into the XOR checksum. What must be
 * read again is staged: header, segment header, the first 256 bytes of segment 0 (the description), filler, digest.
 * Invariants: off <= limit, and off + stage_left never exceeds it, so nothing here can wrap; a state other than
 * DONE and FAILED has a running hash; FAILED is never left.
 */
#include "problems.h"

#define CHECKSUM_SEED 0xEFu
#define BLOCK         16u /* the checksum is the last byte of a block of this size */
#define HASH_FLAG_AT  23u
#define SEGMENT_BYTES 8u

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static esp_err_t fail(struct ud_image_verifier *v, esp_err_t err)
{
    v->state = UD_IMAGE_FAILED;
    v->err = err;
    ud_hash_drop(&v->hash);
    return err;
}

/* ESP-IDF judges no image in a place that the chip cannot map whole. Host images are not mapped. */
static bool is_too_large(const struct ud_image_rules *rules)
{
    const struct ud_chip *chip = rules->chip;
    return chip && chip->id != UD_CHIP_ID_HOST && !chip->map_32bit && rules->max_size > UD_IMAGE_SIZE_LIMIT;
}

/* Note and record a problem. ESP_OK: the rules are lenient and reading can go on. */
static esp_err_t judge(struct ud_image_verifier *v, enum ud_image_problem problem, uint64_t a, uint64_t b)
{
    esp_err_t err = ud_image_problem_note(v->obs, problem, a, b);
    v->info.problems |= UD_IMAGE_PROBLEM_BIT(problem);
    return v->rules.lenient && !ud_image_problem_is_fatal(problem) ? ESP_OK : err;
}

static void enter(struct ud_image_verifier *v, enum ud_image_state state, uint32_t left)
{
    v->state = state;
    v->stage_left = left;
    v->stage_len = 0;
}

/* ---- header ------------------------------------------------------------------------------------------------- */

static bool revision_fits(const struct ud_image_header *h, const struct ud_image_rules *rules)
{
    bool has_max = h->max_chip_rev_full != 0 && h->max_chip_rev_full != UINT16_MAX;
    if (rules->revision < h->min_chip_rev_full)
        return false;
    return rules->bootloader || rules->ignore_max_revision || !has_max || rules->revision <= h->max_chip_rev_full;
}

static uint64_t revision_limits(const struct ud_image_header *h)
{
    return (uint64_t)h->min_chip_rev_full << 16 | h->max_chip_rev_full;
}

esp_err_t ud_image_check_chip(const struct ud_image_header *h, const struct ud_image_rules *rules,
                              const struct ud_observer *obs)
{
    if (h->chip_id != rules->chip_id)
        return ud_image_problem_note(obs, UD_IMAGE_BAD_CHIP, rules->chip_id, h->chip_id);
    if (!revision_fits(h, rules))
        return ud_image_problem_note(obs, UD_IMAGE_BAD_REVISION, rules->revision, revision_limits(h));
    return ESP_OK;
}

static esp_err_t judge_chip(struct ud_image_verifier *v, const struct ud_image_header *h)
{
    if (!v->rules.check_chip)
        return ESP_OK;
    if (h->chip_id != v->rules.chip_id)
        return judge(v, UD_IMAGE_BAD_CHIP, v->rules.chip_id, h->chip_id);
    if (!revision_fits(h, &v->rules))
        return judge(v, UD_IMAGE_BAD_REVISION, v->rules.revision, revision_limits(h));
    return ESP_OK;
}

static esp_err_t judge_header(struct ud_image_verifier *v, const struct ud_image_header *h)
{
    if (h->magic != UD_IMAGE_MAGIC)
        return judge(v, UD_IMAGE_BAD_MAGIC, 0, h->magic);
    esp_err_t err = judge_chip(v, h);
    if (err == ESP_OK && h->segment_count > UD_IMAGE_MAX_SEGMENTS)
        err = judge(v, UD_IMAGE_MANY_SEGMENTS, 1, h->segment_count);
    /* ESP-IDF sets no lower bound here; an application needs a first segment, for its description. */
    if (err == ESP_OK && h->segment_count == 0 && !v->rules.bootloader)
        err = judge(v, UD_IMAGE_NO_SEGMENTS, 1, 0);
    if (err == ESP_OK && v->rules.require_digest && !h->hash_appended)
        err = judge(v, UD_IMAGE_NO_DIGEST, HASH_FLAG_AT, 0);
    return err;
}

/* Room for filler, checksum and digest behind `off`? Then wait for the filler. */
static esp_err_t enter_pad(struct ud_image_verifier *v)
{
    uint32_t left = BLOCK - v->off % BLOCK;
    uint32_t digest = v->info.has_digest ? UD_SHA256_BYTES : 0;
    if (!ud_range_fits(v->off, left + digest, v->limit))
        return judge(v, UD_IMAGE_TOO_LONG, v->off, v->limit);
    enter(v, UD_IMAGE_AT_PAD, left);
    return ESP_OK;
}

static esp_err_t enter_segment(struct ud_image_verifier *v)
{
    if (v->segment == v->info.header.segment_count)
        return enter_pad(v);
    if (!ud_range_fits(v->off, SEGMENT_BYTES, v->limit))
        return judge(v, UD_IMAGE_TOO_LONG, v->off, v->limit);
    enter(v, UD_IMAGE_AT_SEGMENT, SEGMENT_BYTES);
    return ESP_OK;
}

static esp_err_t on_header(struct ud_image_verifier *v)
{
    struct ud_image_header *h = &v->info.header;
    esp_err_t err = ud_image_header_decode(v->stage, v->stage_len, h);
    if (err == ESP_OK)
        err = judge_header(v, h);
    if (err != ESP_OK)
        return err;

    v->info.has_digest = h->hash_appended != 0;
    /* A host image has its own row whatever the board's chip is: nothing of it is mapped from flash. */
    v->chip = v->rules.chip && h->chip_id != UD_CHIP_ID_HOST ? v->rules.chip : ud_chip_by_id(h->chip_id);
    v->limit = v->chip && v->chip->map_32bit ? UINT32_MAX : UD_IMAGE_SIZE_LIMIT;
    if (v->rules.max_size)
        v->limit = min_u32(v->limit, v->rules.max_size);
    if (v->chip)
        v->mmu_page = ud_chip_page(v->chip, 0, h->spi_speed_size >> 4);
    return enter_segment(v);
}

/* ---- segments ----------------------------------------------------------------------------------------------- */

/* (flash address of the data) mod page must be load_addr mod page. Pages are powers of two, so the sum may wrap. */
static esp_err_t judge_mapping(struct ud_image_verifier *v)
{
    const struct ud_image_segment *s = &v->info.segment[v->segment];
    if (!v->rules.check_mapping || !v->chip || !ud_chip_is_mapped(v->chip, s->load_addr, v->mmu_page))
        return ESP_OK;
    if (((v->rules.flash_addr + s->off) ^ s->load_addr) & (v->mmu_page - 1))
        return judge(v, UD_IMAGE_BAD_MAPPING, s->off, s->load_addr);
    return ESP_OK;
}

static esp_err_t judge_length(struct ud_image_verifier *v, const struct ud_image_segment *s)
{
    uint32_t too_long = v->chip && v->chip->map_32bit ? UINT32_MAX : UD_IMAGE_SIZE_LIMIT;
    uint32_t len_at = s->off - 4;
    esp_err_t err = ESP_OK;

    if (s->len >= too_long)
        return judge(v, UD_IMAGE_LONG_SEGMENT, len_at, s->len);
    if (!ud_range_fits(s->off, s->len, v->limit))
        return judge(v, UD_IMAGE_TOO_LONG, len_at, s->len);
    if (s->len % 4)
        err = judge(v, UD_IMAGE_ODD_SEGMENT, len_at, s->len);
    if (err == ESP_OK && v->segment == 0 && !v->rules.bootloader && s->len < UD_APP_DESC_BYTES)
        err = judge(v, UD_IMAGE_SHORT_FIRST, len_at, s->len);
    return err;
}

static esp_err_t next_segment(struct ud_image_verifier *v)
{
    v->segment++;
    return enter_segment(v);
}

/* The page size stands in the description, so segment 0 waits for it; see on_description. */
static bool waits_for_description(const struct ud_image_verifier *v)
{
    return v->segment == 0 && v->info.segment[0].len >= UD_APP_DESC_BYTES;
}

static esp_err_t on_segment(struct ud_image_verifier *v)
{
    struct ud_image_segment *s = &v->info.segment[v->segment];
    s->load_addr = ud_load_le32(v->stage);
    s->len = ud_load_le32(v->stage + 4);
    s->off = v->off;
    v->info.segment_count = (uint8_t)(v->segment + 1);

    esp_err_t err = judge_length(v, s);
    if (err == ESP_OK && !waits_for_description(v))
        err = judge_mapping(v);
    if (err != ESP_OK)
        return err;
    if (s->len == 0)
        return next_segment(v);
    enter(v, UD_IMAGE_AT_DATA, s->len);
    return ESP_OK;
}

/* The first 256 bytes of segment 0 are in. */
static esp_err_t on_description(struct ud_image_verifier *v)
{
    struct ud_image_info *info = &v->info;
    bool must = v->chip && (v->chip->page_configurable || v->chip->id == UD_CHIP_ID_HOST);

    if (!v->rules.bootloader)
        info->has_desc = ud_app_desc_decode(v->stage, v->stage_len, &info->desc) == ESP_OK;
    if (must && !info->has_desc && !v->rules.bootloader) {
        esp_err_t err = judge(v, UD_IMAGE_NO_DESC, UD_APP_DESC_OFFSET, ud_load_le32(v->stage));
        if (err != ESP_OK)
            return err;
    }
    if (v->chip && info->has_desc)
        v->mmu_page = ud_chip_page(v->chip, info->desc.mmu_page_size, info->header.spi_speed_size >> 4);
    return judge_mapping(v);
}

/* ---- end ---------------------------------------------------------------------------------------------------- */

static esp_err_t done(struct ud_image_verifier *v)
{
    v->info.len = v->off;
    enter(v, UD_IMAGE_DONE, 0);
    return ESP_OK;
}

static esp_err_t on_pad(struct ud_image_verifier *v)
{
    esp_err_t err = ESP_OK;
    v->info.checksum = v->stage[v->stage_len - 1];
    v->info.checksum_computed = v->checksum;
    if (v->info.checksum != v->info.checksum_computed)
        err = judge(v, UD_IMAGE_BAD_CHECKSUM, v->off - 1, v->info.checksum);
    if (err == ESP_OK)
        err = ud_hash_finish(&v->hash, v->info.digest_computed);
    if (err != ESP_OK)
        return err;
    if (!v->info.has_digest)
        return done(v);
    enter(v, UD_IMAGE_AT_DIGEST, UD_SHA256_BYTES);
    return ESP_OK;
}

static esp_err_t on_digest(struct ud_image_verifier *v)
{
    struct ud_image_info *info = &v->info;
    bool compared = !v->rules.bootloader || v->rules.require_digest;
    memcpy(info->digest, v->stage, UD_SHA256_BYTES);
    if (compared && memcmp(info->digest, info->digest_computed, UD_SHA256_BYTES) != 0) {
        esp_err_t err = judge(v, UD_IMAGE_BAD_DIGEST, v->off - UD_SHA256_BYTES, v->off);
        if (err != ESP_OK)
            return err;
    }
    return done(v);
}

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static uint8_t xor_bytes(const uint8_t *p, size_t len)
{
    uint64_t wide = 0;
    uint8_t x = 0;
    for (; len >= 4 * sizeof wide; p += 4 * sizeof wide, len -= 4 * sizeof wide) {
        uint64_t word[4];
        memcpy(word, p, sizeof word);
        wide ^= (word[0] ^ word[1]) ^ (word[2] ^ word[3]);
    }
    for (; wide; wide >>= 8)
        x ^= (uint8_t)wide;
    for (; len > 0; p++, len--)
        x ^= *p;
    return x;
}

static void stage(struct ud_image_verifier *v, const uint8_t *p, uint32_t n)
{
    n = min_u32(n, UD_APP_DESC_BYTES - v->stage_len);
    memcpy(v->stage + v->stage_len, p, n);
    v->stage_len += n;
}

static esp_err_t take_data(struct ud_image_verifier *v, const uint8_t *p, uint32_t n)
{
    uint32_t had = v->stage_len;
    v->checksum ^= xor_bytes(p, n);
    if (!waits_for_description(v))
        return ESP_OK;
    stage(v, p, n);
    return had < UD_APP_DESC_BYTES && v->stage_len == UD_APP_DESC_BYTES ? on_description(v) : ESP_OK;
}

static esp_err_t stage_full(struct ud_image_verifier *v)
{
    switch (v->state) {
    case UD_IMAGE_AT_HEADER:
        return on_header(v);
    case UD_IMAGE_AT_SEGMENT:
        return on_segment(v);
    case UD_IMAGE_AT_DATA:
        return next_segment(v);
    case UD_IMAGE_AT_PAD:
        return on_pad(v);
    case UD_IMAGE_AT_DIGEST:
        return on_digest(v);
    default:
        return v->err;
    }
}

/* Take n bytes, 1 <= n <= stage_left. */
static esp_err_t take(struct ud_image_verifier *v, const uint8_t *p, uint32_t n)
{
    esp_err_t err = ESP_OK;
    if (v->state != UD_IMAGE_AT_DIGEST)
        err = ud_hash_feed(&v->hash, p, n);
    if (err != ESP_OK)
        return err;
    v->off += n;
    v->stage_left -= n;
    if (v->state == UD_IMAGE_AT_DATA)
        err = take_data(v, p, n);
    else
        stage(v, p, n);
    return err == ESP_OK && v->stage_left == 0 ? stage_full(v) : err;
}

esp_err_t ud_image_verifier_start(struct ud_image_verifier *v, const struct ud_image_rules *rules,
                                  const struct ud_crypto *crypto, const struct ud_observer *obs)
{
    memset(v, 0, sizeof *v);
    v->rules = *rules;
    v->obs = obs;
    v->checksum = CHECKSUM_SEED;
    enter(v, UD_IMAGE_AT_HEADER, UD_IMAGE_HEADER_BYTES);
    esp_err_t err = ud_hash_start(crypto, UD_HASH_SHA256, &v->hash);
    if (err != ESP_OK)
        return fail(v, err);
    if (is_too_large(rules))
        (void)fail(v, ud_note(obs, UD_NOTE_IMAGE_BAD, ESP_ERR_INVALID_ARG, 0, rules->max_size,
                              "the place is larger than 16 MiB, more than this chip maps"));
    return ESP_OK;
}

esp_err_t ud_image_verifier_push(struct ud_image_verifier *v, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0 && v->state < UD_IMAGE_DONE) {
        uint32_t n = len < v->stage_left ? (uint32_t)len : v->stage_left;
        esp_err_t err = take(v, p, n);
        if (err != ESP_OK)
            return fail(v, err);
        p += n;
        len -= n;
    }
    return v->err;
}

/* The bytes are at an end and the image is not. Lenient rules take a missing digest for a wrong one. */
static esp_err_t cut_short(struct ud_image_verifier *v)
{
    if (!v->rules.lenient || v->state != UD_IMAGE_AT_DIGEST)
        return judge(v, UD_IMAGE_TRUNCATED, v->off, 0);
    v->info.problems |= UD_IMAGE_PROBLEM_BIT(UD_IMAGE_TRUNCATED);
    memcpy(v->info.digest, v->stage, v->stage_len);
    v->off += v->stage_left;
    esp_err_t err = judge(v, UD_IMAGE_BAD_DIGEST, v->off - UD_SHA256_BYTES, v->off);
    return err == ESP_OK ? done(v) : err;
}

esp_err_t ud_image_verifier_finish(struct ud_image_verifier *v, struct ud_image_info *info)
{
    esp_err_t err = v->err;
    if (v->state < UD_IMAGE_DONE)
        err = cut_short(v);
    if (err != ESP_OK)
        return fail(v, err);
    if (info)
        *info = v->info;
    return ESP_OK;
}

void ud_image_verifier_drop(struct ud_image_verifier *v)
{
    ud_hash_drop(&v->hash);
}

/* ---- whole images ------------------------------------------------------------------------------------------- */

esp_err_t ud_image_verify(struct ud_flash *flash, uint32_t addr, uint32_t size, const struct ud_image_rules *rules,
                          const struct ud_crypto *crypto, const struct ud_observer *obs, uint8_t *scratch,
                          size_t scratch_len, struct ud_image_info *info)
{
    struct ud_image_verifier v;
    struct ud_image_rules here = *rules;
    here.flash_addr = addr;
    here.max_size = size;
    if (scratch_len < 64)
        return ESP_ERR_INVALID_ARG;

    esp_err_t err = ud_image_verifier_start(&v, &here, crypto, obs);
    for (uint32_t pos = 0; err == ESP_OK && pos < size && !ud_image_verifier_is_done(&v);) {
        uint32_t n = scratch_len < size - pos ? (uint32_t)scratch_len : size - pos;
        err = ud_flash_read(flash, addr + pos, scratch, n);
        if (err == ESP_OK)
            err = ud_image_verifier_push(&v, scratch, n);
        pos += n;
    }
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, info);
    ud_image_verifier_drop(&v);
    return err;
}

esp_err_t ud_image_inspect(const void *bytes, size_t len, const struct ud_image_rules *rules,
                           const struct ud_crypto *crypto, const struct ud_observer *obs, struct ud_image_info *info)
{
    struct ud_image_verifier v;
    struct ud_image_rules lenient = { 0 };
    if (rules)
        lenient = *rules;
    lenient.lenient = true;

    esp_err_t err = ud_image_verifier_start(&v, &lenient, crypto, obs);
    if (err == ESP_OK)
        err = ud_image_verifier_push(&v, bytes, len);
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, NULL);
    *info = v.info;
    ud_image_verifier_drop(&v);
    return err;
}
