/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreement with esptool: each recorded image and mutant (tests/vectors/oracle/README.md) is inspected, and our answer
 * is put into the oracle's words. Everything must agree: whether the structure can be read, the class of the error,
 * checksum and digest, entry and segments. esptool differs from the verifier in these listed ways, and only in them:
 *
 *   hash flag   byte 23 other than 0 and 1: esptool refuses the file, ESP-IDF and we take it for "digest appended"
 *   segments    more than 16: esptool counts after it has read them all, we at the header; both refuse, it may name
 *               what it met on the way
 *   text        descriptor-text, descriptor-short: esptool stumbles over the text after it has judged the image
 *
 * Beside inspection, whatever our strict rules accept esptool must have found good (the hash flag apart).
 *
 * Of signed images the image part is judged: whatever stands behind the image, and whatever was done to it there, the
 * image is good and as long as recorded; what espsecure takes is a good image; and a byte of the image that was changed
 * is found. Listed: an image without a digest, of which only the bytes of the segments are protected.
 *
 * The program takes files of that format as its arguments, bases and signed files before their edits.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <zlib.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

enum { LINE_MAX_BYTES = 1 << 20, BASES_MAX = 512, IMAGE_MAX = 1 << 18, TOLD_MAX = 20 };

struct base {
    char id[16];
    uint16_t chip_id;
    uint8_t *bytes;
    size_t len;
    size_t image_len; /* of a signed file: without what stands behind the image; else len */
};

/* Of one file of rows. Each row counts once: as agreed, as one of the listed differences, or as disagreed. */
struct count {
    unsigned agree, disagree, hash_flag, segments, text, no_digest, accepted;
};

static struct {
    struct base base[BASES_MAX];
    size_t base_count;
} all;
static struct count count;

static char line[LINE_MAX_BYTES];
static uint8_t bytes[IMAGE_MAX];

static const char *text_of(const cJSON *row, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));
    return s ? s : "";
}

static long number_of(const cJSON *row, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsNumber(item) ? (long)item->valuedouble : -1;
}

/* ---- bytes from text ------------------------------------------------------------------------------------------ */

static size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (; n < cap && hex[2 * n] && hex[2 * n + 1]; n++) {
        const char digits[3] = { hex[2 * n], hex[2 * n + 1], '\0' };
        out[n] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static size_t from_base64(const char *text, uint8_t *out, size_t cap)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n < cap)
            out[n++] = (uint8_t)(bits >> have);
    }
    return n;
}

/* ---- edits ---------------------------------------------------------------------------------------------------- */

static bool edit(const cJSON *e, size_t *len)
{
    static uint8_t source[IMAGE_MAX];
    const cJSON *item;
    size_t at = (size_t)number_of(e, "o");
    if (cJSON_HasObjectItem(e, "t")) {
        *len = (size_t)number_of(e, "t");
        return true;
    }
    if (cJSON_HasObjectItem(e, "a")) {
        *len += from_hex(text_of(e, "a"), bytes + *len, sizeof bytes - *len);
        return true;
    }
    if ((item = cJSON_GetObjectItemCaseSensitive(e, "fill"))) {
        memset(bytes + at, cJSON_GetArrayItem(item, 0)->valueint, (size_t)cJSON_GetArrayItem(item, 1)->valueint);
        return true;
    }
    if ((item = cJSON_GetObjectItemCaseSensitive(e, "copy"))) {
        memmove(bytes + at, bytes + cJSON_GetArrayItem(item, 0)->valueint,
                (size_t)cJSON_GetArrayItem(item, 1)->valueint);
        return true;
    }
    bool flip = cJSON_HasObjectItem(e, "x");
    size_t n = from_hex(text_of(e, flip ? "x" : "b"), source, sizeof source);
    for (size_t i = 0; i < n && at + i < sizeof bytes; i++)
        bytes[at + i] = (uint8_t)((flip ? bytes[at + i] : 0) ^ source[i]);
    return n > 0;
}

static const struct base *base_by_id(const char *id)
{
    for (size_t i = 0; i < all.base_count; i++)
        if (strcmp(all.base[i].id, id) == 0)
            return &all.base[i];
    return NULL;
}

static bool edited(const cJSON *row, const struct base *b, size_t *len)
{
    const cJSON *e;
    if (!b)
        return false;
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, b->bytes, b->len);
    *len = b->len;
    cJSON_ArrayForEach(e, cJSON_GetObjectItemCaseSensitive(row, "edits"))
    {
        if (!edit(e, len))
            return false;
    }
    return true;
}

/* Build the mutant and hold it against the recorded SHA-256, so that an edit misread here cannot pass unseen. */
static bool mutate(const cJSON *row, size_t *len)
{
    uint8_t want[32];
    uint8_t found[32];
    struct ud_crypto crypto = ud_openssl_crypto();
    return edited(row, base_by_id(text_of(row, "base")), len) && *len == (size_t)number_of(row, "len") &&
           from_hex(text_of(row, "sha256"), want, sizeof want) == 32 &&
           ud_hash_all(&crypto, UD_HASH_SHA256, bytes, *len, found) == ESP_OK && memcmp(want, found, 32) == 0;
}

/* ---- our answer in the oracle's words ------------------------------------------------------------------------- */

struct answer {
    esp_err_t err;
    struct ud_image_info info;
};

static bool has(const struct ud_image_info *info, enum ud_image_problem problem)
{
    return info->problems & UD_IMAGE_PROBLEM_BIT(problem);
}

static const char *class_of(const struct answer *a, size_t len)
{
    const struct ud_image_info *info = &a->info;
    const struct ud_image_segment *last = &info->segment[info->segment_count ? info->segment_count - 1 : 0];
    if (a->err == ESP_OK)
        return "";
    if (len == 0)
        return "empty";
    if (bytes[0] != UD_IMAGE_MAGIC)
        return "bad-magic";
    if (has(info, UD_IMAGE_MANY_SEGMENTS))
        return "too-many-segments";
    if (info->segment_count && (last->off > len || last->len > len - last->off))
        return "segment-truncated";
    return len < UD_IMAGE_HEADER_BYTES || info->segment_count < info->header.segment_count ? "header-truncated"
                                                                                           : "checksum-missing";
}

static const char *checksum_of(const struct answer *a)
{
    return a->err != ESP_OK ? "" : has(&a->info, UD_IMAGE_BAD_CHECKSUM) ? "invalid" : "valid";
}

static const char *hash_of(const struct answer *a)
{
    if (a->err != ESP_OK)
        return "";
    return !a->info.has_digest ? "none" : has(&a->info, UD_IMAGE_BAD_DIGEST) ? "invalid" : "valid";
}

static bool same(const char *id, const char *what, const char *recorded, const char *here)
{
    if (strcmp(recorded, here) == 0)
        return true;
    if (count.disagree < TOLD_MAX)
        fprintf(stderr, "%s: %s: recorded %s, here %s\n", id, what, recorded, here);
    return false;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static struct answer inspect(size_t len)
{
    struct answer a;
    struct ud_crypto crypto = ud_openssl_crypto();
    a.err = ud_image_inspect(bytes, len, NULL, &crypto, NULL, &a.info);
    return a;
}

/* An error that esptool and we see in different places. True: it is a listed one, and as listed. */
static bool is_listed(const cJSON *chip, const struct answer *a, size_t len)
{
    const char *class = text_of(chip, "class");
    if (strcmp(class, "bad-hash-flag") == 0) {
        count.hash_flag++;
        return len >= UD_IMAGE_HEADER_BYTES && bytes[23] > 1 && (a->err != ESP_OK || a->info.has_digest);
    }
    if (has(&a->info, UD_IMAGE_MANY_SEGMENTS) && strstr(class, "-truncated")) {
        count.segments++;
        return bytes[1] > UD_IMAGE_MAX_SEGMENTS;
    }
    return false;
}

static bool is_about_text(const char *class)
{
    return strncmp(class, "descriptor-", 11) == 0;
}

static bool mutant_agrees(const cJSON *row, const cJSON *chip, size_t len)
{
    const char *id = text_of(row, "id");
    const char *class = text_of(chip, "class");
    struct answer a = inspect(len);
    if (is_listed(chip, &a, len))
        return true;
    if (is_about_text(class)) {
        count.text++;
        class = "";
    }
    bool good = same(id, "class", class, class_of(&a, len)) &&
                same(id, "checksum", text_of(chip, "checksum"), checksum_of(&a)) &&
                same(id, "hash", text_of(chip, "hash"), hash_of(&a));
    if (good && a.err == ESP_OK && number_of(chip, "segments") >= 0)
        good = number_of(chip, "segments") == a.info.segment_count;
    if (good && cJSON_HasObjectItem(chip, "checksum_calc"))
        good = strtol(text_of(chip, "checksum_calc"), NULL, 16) == a.info.checksum_computed;
    return good;
}

/* What the strict rules take, esptool must have found good. */
static bool strict_is_never_looser(const cJSON *chip, size_t len)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_rules rules = { .check_mapping = true };
    struct ud_image_verifier v;
    esp_err_t err = ud_image_verifier_start(&v, &rules, &crypto, NULL);
    if (err == ESP_OK)
        err = ud_image_verifier_push(&v, bytes, len);
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, NULL);
    ud_image_verifier_drop(&v);
    if (err != ESP_OK)
        return true;
    count.accepted++;
    if (strcmp(text_of(chip, "class"), "bad-hash-flag") == 0)
        return true;
    return (strcmp(text_of(chip, "result"), "ok") == 0 || is_about_text(text_of(chip, "class"))) &&
           strcmp(text_of(chip, "checksum"), "valid") == 0 && strcmp(text_of(chip, "hash"), "invalid") != 0;
}

static unsigned listed(const struct count *c)
{
    return c->hash_flag + c->segments + c->text + c->no_digest;
}

/* `before`: the counts before this row was judged. */
static void score(bool good, const struct count *before)
{
    if (!good)
        count.disagree++;
    else if (listed(&count) == listed(before))
        count.agree++;
}

static void mutant(const cJSON *row)
{
    struct count before = count;
    size_t len = 0;
    const cJSON *chip = cJSON_GetObjectItemCaseSensitive(row, "chip");
    bool good = mutate(row, &len);
    if (!good)
        fprintf(stderr, "%s: the mutant cannot be built\n", text_of(row, "id"));
    good = good && mutant_agrees(row, chip, len);
    if (good && !strict_is_never_looser(chip, len)) {
        fprintf(stderr, "%s: accepted here, refused by esptool\n", text_of(row, "id"));
        good = false;
    }
    score(good, &before);
}

static bool base_agrees(const cJSON *row, const struct base *b)
{
    const cJSON *info = cJSON_GetObjectItemCaseSensitive(row, "info");
    const cJSON *item;
    uint8_t digest[32];
    int i = 0;
    struct answer a = inspect(b->len);
    bool good = a.err == ESP_OK && !has(&a.info, UD_IMAGE_BAD_CHECKSUM) && !has(&a.info, UD_IMAGE_BAD_DIGEST) &&
                a.info.header.chip_id == b->chip_id &&
                strtoul(text_of(info, "entry"), NULL, 16) == a.info.header.entry_addr &&
                strtoul(text_of(info, "checksum"), NULL, 16) == a.info.checksum &&
                same(b->id, "hash", text_of(info, "hash"), hash_of(&a));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(info, "segments"))
    {
        const struct ud_image_segment *s = &a.info.segment[i];
        good = good && i < a.info.segment_count && cJSON_GetArrayItem(item, 1)->valuedouble == s->len &&
               cJSON_GetArrayItem(item, 2)->valuedouble == s->load_addr &&
               cJSON_GetArrayItem(item, 3)->valuedouble == s->off - 8.0;
        i++;
    }
    if (a.info.has_digest && from_hex(text_of(info, "hash_calc"), digest, sizeof digest) == 32)
        good = good && memcmp(digest, a.info.digest_computed, 32) == 0;
    if (a.info.has_desc && cJSON_HasObjectItem(info, "project"))
        good = good && same(b->id, "project", text_of(info, "project"), a.info.desc.project_name) &&
               same(b->id, "version", text_of(info, "version"), a.info.desc.version) &&
               same(b->id, "idf", text_of(info, "idf"), a.info.desc.idf_ver);
    return good && i == a.info.segment_count;
}

/* Keep what `content` holds: a base, or a signed file. */
static struct base *keep(const cJSON *row, const char *content, size_t image_len)
{
    struct base *b = &all.base[all.base_count];
    snprintf(b->id, sizeof b->id, "%s", text_of(row, "id"));
    b->len = from_base64(text_of(row, content), bytes, sizeof bytes);
    b->image_len = image_len;
    b->bytes = malloc(b->len + 1);
    if (!b->bytes || all.base_count + 1 == BASES_MAX) {
        fprintf(stderr, "too many bases\n");
        exit(1);
    }
    memcpy(b->bytes, bytes, b->len);
    all.base_count++;
    return b;
}

static void base(const cJSON *row)
{
    struct base *b = keep(row, "image_b64", (size_t)number_of(row, "len"));
    b->chip_id = (uint16_t)number_of(row, "chip_id");
    bool good = b->len == (size_t)number_of(row, "len") && base_agrees(row, b);
    if (!good)
        fprintf(stderr, "base %s disagrees\n", b->id);
    score(good, &count);
}

/* ---- signed images, the image part ------------------------------------------------------------------------------ */

/* Good by its checksum and digest, and that long. Some of the images hold no description: no app, but a good image. */
static bool is_good_image(size_t len, size_t image_len)
{
    struct answer a = inspect(len);
    return a.err == ESP_OK && !has(&a.info, UD_IMAGE_BAD_CHECKSUM) && !has(&a.info, UD_IMAGE_BAD_DIGEST) &&
           a.info.len == image_len;
}

static void signed_file(const cJSON *row)
{
    const struct base *b = keep(row, "file_b64", (size_t)number_of(row, "image_len"));
    bool good = b->len == (size_t)number_of(row, "len") && is_good_image(b->len, b->image_len);
    if (!good)
        fprintf(stderr, "%s: its image is not found good\n", b->id);
    score(good, &count);
}

static void signature_row(const cJSON *row)
{
    struct count before = count;
    const struct base *b = base_by_id(text_of(row, "file"));
    size_t len = 0;
    bool built = edited(row, b, &len);
    bool whole = built && len >= b->image_len && memcmp(bytes, b->bytes, b->image_len) == 0;
    bool image = built && is_good_image(len, b->image_len);
    bool verified = strcmp(text_of(row, "verdict"), "ok") == 0;
    bool protects_all = built && b->bytes[23] != 0; /* a digest is appended */

    count.no_digest += built && image && !whole && !protects_all;
    bool good = built && (image || !verified) && (image == whole || (image && !protects_all));
    if (!good)
        fprintf(stderr, "%s: the image is found %s, its bytes are %s, espsecure says %s\n", text_of(row, "id"),
                image ? "good" : "bad", whole ? "as they were" : "changed", text_of(row, "verdict"));
    score(good, &before);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static void any_row(const cJSON *row)
{
    if (cJSON_HasObjectItem(row, "image_b64"))
        base(row);
    else if (cJSON_HasObjectItem(row, "file_b64"))
        signed_file(row);
    else if (cJSON_HasObjectItem(row, "key"))
        signature_row(row);
    else
        mutant(row);
}

/* Prints what came of a file; false when a row disagrees or the file cannot be read. */
static bool judge(const char *path)
{
    gzFile file = gzopen(path, "rb");
    bool good = file != NULL;
    count = (struct count){ 0 };
    while (good && gzgets(file, line, sizeof line)) {
        cJSON *row = cJSON_Parse(line);
        good = row != NULL;
        if (good)
            any_row(row);
        cJSON_Delete(row);
    }
    if (file)
        gzclose(file);
    if (!good)
        fprintf(stderr, "cannot read %s\n", path);
    unsigned rows = count.agree + listed(&count) + count.disagree;
    printf("%s: agreed %u / listed %u / total %u (hash flag %u, segments %u, text %u, no digest %u)\n", path,
           count.agree, listed(&count), rows, count.hash_flag, count.segments, count.text, count.no_digest);
    return good && rows > 0 && count.disagree == 0;
}

int main(int argc, char **argv)
{
    /* The recorded sample: no listed difference more and none less. */
    static const struct {
        const char *path;
        struct count count;
    } sample[] = {
        { UD_VECTORS "/oracle/image-bases.jsonl.gz", { .agree = 12 } },
        { UD_VECTORS "/oracle/image-mutants.jsonl.gz",
          { .agree = 379, .hash_flag = 14, .segments = 6, .text = 1, .accepted = 80 } },
        { UD_VECTORS "/oracle/signature-files.jsonl.gz", { .agree = 16 } },
        { UD_VECTORS "/oracle/signature-rows.jsonl.gz", { .agree = 149, .no_digest = 1 } },
    };
    bool good = true;
    for (int i = 1; i < argc; i++)
        good = judge(argv[i]) && good;
    for (size_t i = 0; argc == 1 && i < UD_ARRAY_LEN(sample); i++) {
        good = judge(sample[i].path) && good;
        if (memcmp(&count, &sample[i].count, sizeof count) != 0) {
            fprintf(stderr, "%s: other counts than were written down\n", sample[i].path);
            good = false;
        }
    }
    for (size_t i = 0; i < all.base_count; i++)
        free(all.base[i].bytes);
    return good ? 0 : 1;
}
