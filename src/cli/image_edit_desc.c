/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image edit-desc`: other words in the description, checksum and SHA-256 put right; all else stays. */
#include "image.h"

#include <getopt.h>
#include <string.h>

#include "updraft/port_linux.h"

static const char edit_help[] =
    "Usage: updraft image edit-desc FILE [--out FILE] FIELDS\n"
    "\n"
    "Changes fields of an image's description and puts checksum and SHA-256 right again. Nothing else of the\n"
    "image changes. A signature behind the image would be void: whatever follows the image is left out.\n"
    "\n"
    "  --out FILE               where the result goes (default: FILE itself)\n"
    "  --version V              version, at most 31 bytes\n"
    "  --project NAME           project name, at most 31 bytes\n"
    "  --secure-version N       anti-rollback level\n"
    "  --date TEXT              date of the build, at most 15 bytes\n"
    "  --time TEXT              time of the build, at most 15 bytes\n"
    "  --idf-ver TEXT           version of ESP-IDF, at most 31 bytes\n"
    "  --min-efuse-blk-rev N    lowest eFuse block revision, major * 100 + minor\n"
    "  --max-efuse-blk-rev N    highest eFuse block revision\n"
    "\n"
    "Example:\n"
    "  updraft image edit-desc app.bin --out app-1.0.1.bin --version 1.0.1\n";

/* Where the fields lie in the 256 bytes (docs/formats/image.md); `size` of a number: its bytes. */
static const struct field {
    const char *name;
    bool is_text;
    uint16_t off;
    uint8_t size;
} fields[] = {
    { "version", true, 16, 32 },
    { "project", true, 48, 32 },
    { "time", true, 80, 16 },
    { "date", true, 96, 16 },
    { "idf-ver", true, 112, 32 },
    { "secure-version", false, 4, 4 },
    { "min-efuse-blk-rev", false, 176, 2 },
    { "max-efuse-blk-rev", false, 178, 2 },
};
#define FIELD_COUNT UD_ARRAY_LEN(fields)

struct edit {
    const char *out;
    const char *value[FIELD_COUNT]; /* NULL: stays */
};

static bool is_fit(const struct field *f, const char *value)
{
    uint32_t n;
    if (f->is_text)
        return strlen(value) < f->size;
    return cli_parse_u32(value, &n) && (f->size == 4 || n <= UINT16_MAX);
}

static int take_field(struct edit *e, size_t i, const char *value)
{
    const struct field *f = &fields[i];
    if (!is_fit(f, value)) {
        if (f->is_text)
            return cli_usage("image edit-desc", "--%s '%s' is longer than %u bytes", f->name, value, f->size - 1u);
        return cli_usage("image edit-desc", "--%s '%s' is not a number up to %u", f->name, value,
                         f->size == 4 ? UINT32_MAX : UINT16_MAX);
    }
    e->value[i] = value;
    return CLI_OK;
}

static int parse_edit(int argc, char **argv, struct edit *e)
{
    struct option options[FIELD_COUNT + 3] = { { "out", required_argument, NULL, 'o' },
                                               { "help", no_argument, NULL, 'h' } };
    for (size_t i = 0; i < FIELD_COUNT; i++)
        options[i + 2] = (struct option){ fields[i].name, required_argument, NULL, 1 };
    bool any = false;
    int index = 0;
    int c;
    while ((c = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (c == 'h') {
            fputs(edit_help, stdout);
            return -1;
        }
        if (c == 'o') {
            e->out = optarg;
            continue;
        }
        if (c != 1)
            return cli_usage("image edit-desc", "the command line could not be read");
        if (take_field(e, (size_t)index - 2, optarg) != CLI_OK)
            return CLI_USAGE;
        any = true;
    }
    if (optind + 1 != argc)
        return cli_usage("image edit-desc", "one image file is needed");
    if (!any)
        return cli_usage("image edit-desc", "nothing to change; say --version or another field");
    return CLI_OK;
}

static void apply(const struct edit *e, uint8_t *desc)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        uint8_t *at = desc + fields[i].off;
        uint32_t n = 0;
        if (!e->value[i])
            continue;
        if (fields[i].is_text) {
            memset(at, 0, fields[i].size);
            memcpy(at, e->value[i], strlen(e->value[i]));
        } else if (cli_parse_u32(e->value[i], &n) && fields[i].size == 4) {
            ud_store_le32(at, n);
        } else {
            ud_store_le16(at, (uint16_t)n);
        }
    }
}

/* A signature of either version, or anything that is not erased flash, is worth a word. */
static void warn_of_tail(const struct image_file *f)
{
    size_t i = f->info.len;
    while (i < f->len && f->data[i] == 0xFF)
        i++;
    if (i == f->len)
        return;
    bool is_v2 = i % 4096 == 0 && f->data[i] == 0xE7;
    bool is_v1 = f->len - f->info.len == 68 && ud_load_le32(f->data + f->info.len) == 0;
    if (is_v2 || is_v1)
        cli_error("warning: the image was signed; its signature would be void and is left out, sign the result again");
    else
        cli_error("warning: %zu bytes behind the image are left out", f->len - f->info.len);
}

static int edit(const struct edit *e, struct image_file *f)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    if (!f->info.has_desc)
        return cli_error("%s has no application description", f->path);
    if (f->info.problems)
        return cli_error("%s is damaged already; see 'updraft image info'", f->path);
    apply(e, f->data + UD_APP_DESC_OFFSET);
    esp_err_t err = ud_image_reseal(f->data, f->len, &f->info, &crypto);
    if (err != ESP_OK)
        return cli_error("the SHA-256 could not be computed: %s", ud_err_name(err));
    warn_of_tail(f);
    return cli_write_file(e->out ? e->out : f->path, f->data, f->info.len) ? CLI_OK : CLI_FAILED;
}

int image_edit_desc(int argc, char **argv)
{
    struct edit e = { 0 };
    struct image_file f;
    int rc = parse_edit(argc, argv, &e);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    if (!image_file_open(&f, argv[optind]))
        return CLI_FAILED;
    rc = edit(&e, &f);
    image_file_close(&f);
    return rc;
}
