/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image compare`: two images, field by field and segment by segment. */
#include "image.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

static const char compare_help[] =
    "Usage: updraft image compare FILE FILE [--json]\n"
    "\n"
    "Says how two images differ: header, description, segments, digest, what follows the image.\n"
    "Exit code 0 the same, 1 they differ, 2 they cannot be compared.\n"
    "\n"
    "Example:\n"
    "  updraft image compare app-1.0.0.bin app-1.0.1.bin\n";

#define CANNOT_COMPARE 2

/* Differences are collected as JSON and printed as such or in words. */
static void differ(cJSON *list, const char *what, const char *a, const char *b)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(list, o);
    cJSON_AddStringToObject(o, "what", what);
    cJSON_AddStringToObject(o, "a", a);
    cJSON_AddStringToObject(o, "b", b);
}

static void compare_text(cJSON *list, const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        differ(list, what, a, b);
}

/* `fmt` prints one uint32_t. */
static void compare_number(cJSON *list, const char *what, const char *fmt, uint32_t a, uint32_t b)
{
    char text[2][32];
    if (a == b)
        return;
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], fmt, i ? b : a);
    differ(list, what, text[0], text[1]);
}

/* Up to 32 bytes in hex. */
static const char *hex(const uint8_t *bytes, size_t len, char text[65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * len] = 0;
    return text;
}

static void compare_hex(cJSON *list, const char *what, const uint8_t *a, const uint8_t *b, size_t len)
{
    char text[2][65];
    if (memcmp(a, b, len) != 0)
        differ(list, what, hex(a, len, text[0]), hex(b, len, text[1]));
}

static void compare_headers(cJSON *list, const struct ud_image_header *a, const struct ud_image_header *b)
{
    char what[2][32];
    if (a->chip_id != b->chip_id) {
        for (int i = 0; i < 2; i++)
            snprintf(what[i], sizeof what[i], "%s (0x%04X)", image_chip_title((i ? b : a)->chip_id),
                     (i ? b : a)->chip_id);
        differ(list, "chip", what[0], what[1]);
    }
    compare_number(list, "entry", "0x%08x", a->entry_addr, b->entry_addr);
    compare_number(list, "flash mode", "%u", a->spi_mode, b->spi_mode);
    compare_number(list, "flash speed code", "%u", a->spi_speed_size & 15u, b->spi_speed_size & 15u);
    compare_number(list, "flash size code", "%u", a->spi_speed_size >> 4, b->spi_speed_size >> 4);
    compare_number(list, "wp pin", "0x%02x", a->wp_pin, b->wp_pin);
    compare_hex(list, "pin drive", a->spi_pin_drv, b->spi_pin_drv, sizeof a->spi_pin_drv);
    compare_number(list, "min chip revision, legacy", "%u", a->min_chip_rev, b->min_chip_rev);
    compare_number(list, "min chip revision", "%u", a->min_chip_rev_full, b->min_chip_rev_full);
    compare_number(list, "max chip revision", "%u", a->max_chip_rev_full, b->max_chip_rev_full);
}

static void compare_descs(cJSON *list, const struct ud_image_info *a, const struct ud_image_info *b)
{
    compare_text(list, "description", a->has_desc ? "present" : "none", b->has_desc ? "present" : "none");
    if (!a->has_desc || !b->has_desc)
        return;
    const struct ud_app_desc *x = &a->desc;
    const struct ud_app_desc *y = &b->desc;
    compare_text(list, "project", x->project_name, y->project_name);
    compare_text(list, "version", x->version, y->version);
    compare_number(list, "secure version", "%u", x->secure_version, y->secure_version);
    compare_text(list, "date", x->date, y->date);
    compare_text(list, "time", x->time, y->time);
    compare_text(list, "ESP-IDF", x->idf_ver, y->idf_ver);
    compare_hex(list, "ELF SHA-256", x->app_elf_sha256, y->app_elf_sha256, sizeof x->app_elf_sha256);
    compare_number(list, "min eFuse block revision", "%u", x->min_efuse_blk_rev_full, y->min_efuse_blk_rev_full);
    compare_number(list, "max eFuse block revision", "%u", x->max_efuse_blk_rev_full, y->max_efuse_blk_rev_full);
    compare_number(list, "MMU page (log2)", "%u", x->mmu_page_size, y->mmu_page_size);
    compare_number(list, "flash mode of the description", "%u", x->spi_flash_mode, y->spi_flash_mode);
}

/* Data of one segment: the common length, byte by byte; descriptions were compared by field already. */
static void compare_data(cJSON *list, unsigned i, const uint8_t *a, const uint8_t *b, uint32_t len, bool skip_desc)
{
    char what[40];
    char text[64];
    uint32_t from = skip_desc && len >= UD_APP_DESC_BYTES ? UD_APP_DESC_BYTES : 0;
    uint32_t first = len;
    uint32_t count = 0;
    for (uint32_t k = from; k < len; k++)
        if (a[k] != b[k]) {
            first = count++ ? first : k;
        }
    if (count == 0)
        return;
    snprintf(what, sizeof what, "segment %u data", i);
    snprintf(text, sizeof text, "%u of %u bytes differ, the first at 0x%x", count, len, first);
    differ(list, what, "", text);
}

static void compare_segments(cJSON *list, const struct image_file *a, const struct image_file *b)
{
    unsigned common = a->info.segment_count < b->info.segment_count ? a->info.segment_count : b->info.segment_count;
    compare_number(list, "segments", "%u", a->info.segment_count, b->info.segment_count);
    for (unsigned i = 0; i < common; i++) {
        const struct ud_image_segment *x = &a->info.segment[i];
        const struct ud_image_segment *y = &b->info.segment[i];
        char what[40];
        snprintf(what, sizeof what, "segment %u address", i);
        compare_number(list, what, "0x%08x", x->load_addr, y->load_addr);
        snprintf(what, sizeof what, "segment %u length", i);
        compare_number(list, what, "%u", x->len, y->len);
        compare_data(list, i, a->data + x->off, b->data + y->off, x->len < y->len ? x->len : y->len,
                     i == 0 && a->info.has_desc && b->info.has_desc);
    }
}

/* What follows the image; nothing where the file ends within the digest. */
static size_t tail_of(const struct image_file *f)
{
    return f->len > f->info.len ? f->len - f->info.len : 0;
}

static void compare_ends(cJSON *list, const struct image_file *a, const struct image_file *b)
{
    compare_number(list, "checksum", "0x%02x", a->info.checksum, b->info.checksum);
    compare_text(list, "digest", a->info.has_digest ? "appended" : "none", b->info.has_digest ? "appended" : "none");
    if (a->info.has_digest && b->info.has_digest)
        compare_hex(list, "SHA-256", a->info.digest, b->info.digest, sizeof a->info.digest);
    compare_number(list, "image length", "%u", a->info.len, b->info.len);
    size_t x = tail_of(a);
    size_t y = tail_of(b);
    char text[2][40];
    if (a->len < a->info.len || b->len < b->info.len) {
        snprintf(text[0], sizeof text[0], "%zu bytes", a->len);
        snprintf(text[1], sizeof text[1], "%zu bytes", b->len);
        compare_text(list, "file length", text[0], text[1]);
    }
    if (x == y && memcmp(a->data + a->len - x, b->data + b->len - y, x) == 0)
        return;
    snprintf(text[0], sizeof text[0], "%zu bytes", x);
    snprintf(text[1], sizeof text[1], x == y ? "%zu bytes, others" : "%zu bytes", y);
    differ(list, "behind the image", text[0], text[1]);
}

/* Whatever no field speaks of: reserved bytes, filler, the value of byte 23. */
static void compare_rest(cJSON *list, const struct image_file *a, const struct image_file *b)
{
    if (cJSON_GetArraySize(list) == 0 && (a->len != b->len || memcmp(a->data, b->data, a->len) != 0))
        differ(list, "reserved bytes", "", "differ");
}

static void print_words(const char *path_a, const char *path_b, const cJSON *list)
{
    const cJSON *o;
    if (cJSON_GetArraySize(list) == 0) {
        puts("the same");
        return;
    }
    printf("a: %s\nb: %s\n", path_a, path_b);
    cJSON_ArrayForEach(o, list)
    {
        char *from = cJSON_GetStringValue(cJSON_GetObjectItem(o, "a"));
        char *to = cJSON_GetStringValue(cJSON_GetObjectItem(o, "b"));
        cli_printable(from);
        cli_printable(to);
        printf("%s: %s%s%s\n", cJSON_GetStringValue(cJSON_GetObjectItem(o, "what")), from, from[0] ? " -> " : "", to);
    }
}

static int compare(const struct image_file *a, const struct image_file *b, bool json)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "differences");
    compare_headers(list, &a->info.header, &b->info.header);
    compare_descs(list, &a->info, &b->info);
    compare_segments(list, a, b);
    compare_ends(list, a, b);
    compare_rest(list, a, b);
    bool same = cJSON_GetArraySize(list) == 0;
    cJSON_AddBoolToObject(root, "same", same);
    if (json) {
        cli_print_json(root);
    } else {
        print_words(a->path, b->path, list);
        cJSON_Delete(root);
    }
    return same ? CLI_OK : CLI_FAILED;
}

int image_compare(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, 0, 'j' }, { "help", no_argument, 0, 'h' }, { 0 } };
    bool json = false;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(compare_help, stdout);
            return CLI_OK;
        }
        if (c != 'j')
            return cli_usage("image compare", "the command line could not be read");
        json = true;
    }
    if (optind + 2 != argc)
        return cli_usage("image compare", "two image files are needed");
    struct image_file a;
    struct image_file b;
    if (!image_file_open(&a, argv[optind]))
        return CANNOT_COMPARE;
    int rc = CANNOT_COMPARE;
    if (image_file_open(&b, argv[optind + 1])) {
        rc = compare(&a, &b, json);
        image_file_close(&b);
    }
    image_file_close(&a);
    return rc;
}
