/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image create`: an ELF or raw bytes become an ESP application image. */
#include "image.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

struct create_options {
    const char *out;
    const char *elf;
    const char *raw;
    const char *parts; /* image.json of an extracted image */
    const char *fit_table;
    const char *elf_sha_of;  /* file whose SHA-256 goes into the description; default: the ELF itself */
    const char *desc_option; /* one that sets the description, if any was given */
    const struct ud_chip *chip;
    uint32_t load_addr;
    struct image_header_options header;
    struct ud_image_elf_options layout;
    struct ud_app_desc desc;
};

static const char create_help[] =
    "Usage: updraft image create --out FILE (--elf ELF | --raw FILE | --parts IMAGE.JSON) [OPTIONS]\n"
    "\n"
    "Builds an ESP application image: header, description, segments, checksum, SHA-256.\n"
    "\n"
    "  --out FILE            where the image goes\n"
    "  --elf ELF             a program. Without --chip a Linux executable (strip it first): makes a host\n"
    "                        image. With --chip that of a real chip, laid out as 'esptool elf2image' does;\n"
    "                        its description is the one in the ELF\n"
    "  --raw FILE            any bytes: makes an image of one payload segment\n"
    "  --parts IMAGE.JSON    what 'updraft image extract --parts' wrote\n"
    "  --chip NAME           host (default), esp32, esp32c3, ...\n"
    "  --no-digest           leave the appended SHA-256 out (also: --dont-append-digest)\n"
    "  --fit-table TABLE     fail if the image exceeds the smallest OTA slot of this table\n"
    "                        (CSV, binary, or single_app, two_ota, two_ota_large)\n"
    "\n"
    "The description of host images and raw payloads:\n"
    "  --project NAME        project name, at most 31 bytes (default: app)\n"
    "  --version V           version, at most 31 bytes (default: 1)\n"
    "  --secure-version N    anti-rollback level (default: 0)\n"
    "  --elf-sha-of FILE     file whose SHA-256 is recorded (default: the --elf file)\n"
    "  --load-addr ADDR      load address of the raw payload (default: 0, not loaded)\n"
    "\n"
    "The header, and programs of real chips:\n"
    "  --flash-mode MODE     qio, qout, dio, dout, fast_read, slow_read (default: qio; host and raw: dio)\n"
    "  --flash-freq F        such as 40m; which there are depends on the chip (default: code 0)\n"
    "  --flash-size SIZE     1MB (default; host and raw: 4MB) to 128MB\n"
    "  --min-rev-full N      lowest revision of the chip, major * 100 + minor (default: 0)\n"
    "  --max-rev-full N      highest revision (default: 65535, any)\n"
    "  --min-rev N           the same in the one byte that old boot loaders compare (default: 0)\n"
    "  --flash-mmu-page-size SIZE   MMU page (default: that of the description, else 64KB)\n"
    "  --secure-pad          leave room so that a version 1 signature ends on a page (ESP32)\n"
    "  --secure-pad-v2       end the image on a page, where the signature sector begins\n"
    "\n"
    "Examples:\n"
    "  updraft image create --out app.bin --elf app.stripped --project app --version 1.0.0\n"
    "  updraft image create --out app.bin --elf build/app.elf --chip esp32c3 --flash-size 4MB\n";

static bool take_text(const char *option, const char *value, char *field, size_t size)
{
    if (strlen(value) > size - 2) { /* builders keep the last byte of a field for the NUL */
        cli_usage("image create", "--%s '%s' is longer than %zu bytes", option, value, size - 2);
        return false;
    }
    ud_strcopy(field, size, value, size);
    return true;
}

static bool take_u32(const char *option, const char *value, const char *want, uint32_t *out)
{
    bool ok = cli_parse_u32(value, out);
    if (!ok)
        cli_usage("image create", "--%s '%s' is not a %s", option, value, want);
    return ok;
}

static bool take_chip(struct create_options *o, const char *value)
{
    o->chip = ud_chip_by_name(value);
    if (!o->chip)
        cli_usage("image create", "--chip '%s' is not a chip that is known", value);
    return o->chip != NULL;
}

enum option_kind { PATH = 1, TEXT, U32, FLAG, PAD, CHIP, HEADER, HELP };

/* The options: kind, where in create_options the value goes, and whether they speak of the description. */
static const struct option_row {
    const char *name;
    enum option_kind kind;
    size_t at;
    size_t size; /* of a text field; of a flag and of padding: the value it sets */
    bool is_desc;
} option_rows[] = {
#define AT(member_) offsetof(struct create_options, member_)
    { "out", PATH, AT(out), 0, false },
    { "elf", PATH, AT(elf), 0, false },
    { "raw", PATH, AT(raw), 0, false },
    { "parts", PATH, AT(parts), 0, false },
    { "fit-table", PATH, AT(fit_table), 0, false },
    { "elf-sha-of", PATH, AT(elf_sha_of), 0, true },
    { "project", TEXT, AT(desc.project_name), sizeof((struct ud_app_desc *)0)->project_name, true },
    { "version", TEXT, AT(desc.version), sizeof((struct ud_app_desc *)0)->version, true },
    { "secure-version", U32, AT(desc.secure_version), 0, true },
    { "load-addr", U32, AT(load_addr), 0, true },
    { "flash-mmu-page-size", U32, AT(layout.page), 0, false },
    { "no-digest", FLAG, AT(layout.append_digest), false, false },
    { "dont-append-digest", FLAG, AT(layout.append_digest), false, false },
    { "secure-pad", PAD, AT(layout.secure_pad), UD_SECURE_PAD_V1, false },
    { "secure-pad-v2", PAD, AT(layout.secure_pad), UD_SECURE_PAD_V2, false },
    { "chip", CHIP, 0, 0, false },
    { "flash-mode", HEADER, 0, 0, false },
    { "flash-freq", HEADER, 0, 0, false },
    { "flash-size", HEADER, 0, 0, false },
    { "min-rev", HEADER, 0, 0, false },
    { "min-rev-full", HEADER, 0, 0, false },
    { "max-rev-full", HEADER, 0, 0, false },
    { "help", HELP, 0, 0, false },
#undef AT
};
#define OPTION_COUNT UD_ARRAY_LEN(option_rows)

static bool take_option(struct create_options *o, const struct option_row *row, const char *value)
{
    void *at = (char *)o + row->at;
    if (row->is_desc)
        o->desc_option = row->name;
    switch (row->kind) {
    case PATH:
        *(const char **)at = value;
        return true;
    case TEXT:
        return take_text(row->name, value, at, row->size);
    case U32:
        return take_u32(row->name, value, "number from 0 to 0xFFFFFFFF", at);
    case FLAG:
        *(bool *)at = row->size;
        return true;
    case PAD:
        *(enum ud_secure_pad *)at = (enum ud_secure_pad)row->size;
        return true;
    case CHIP:
        return take_chip(o, value);
    case HEADER:
        return image_header_option(&o->header, row->name, value);
    case HELP:
        break;
    }
    return true;
}

/* What does not go together. */
static int check_options(const struct create_options *o)
{
    bool real_elf = o->elf && o->chip->id != UD_CHIP_ID_HOST;
    if (!o->out || !!o->elf + !!o->raw + !!o->parts != 1)
        return cli_usage("image create", "--out and one of --elf, --raw, --parts are needed");
    if ((real_elf || o->parts) && o->desc_option)
        return cli_usage("image create", "--%s: the description comes with the program; see 'updraft image edit-desc'",
                         o->desc_option);
    if (!real_elf && (o->layout.page || o->layout.secure_pad != UD_SECURE_PAD_NONE))
        return cli_usage("image create", "--flash-mmu-page-size and --secure-pad need --elf and the --chip it is for");
    if (o->parts && (o->header.set || o->chip->id != UD_CHIP_ID_HOST))
        return cli_usage("image create", "with --parts the header is the one in image.json");
    if (o->layout.secure_pad != UD_SECURE_PAD_NONE && !o->layout.append_digest)
        return cli_usage("image create", "--secure-pad needs the appended SHA-256; leave --no-digest out");
    if (o->layout.secure_pad == UD_SECURE_PAD_V1 && o->chip->id != 0)
        return cli_usage("image create", "--secure-pad is for the ESP32; %s takes --secure-pad-v2", o->chip->title);
    return CLI_OK;
}

static int parse_create(int argc, char **argv, struct create_options *o)
{
    struct option options[OPTION_COUNT + 1] = { 0 };
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum option_kind kind = option_rows[i].kind;
        bool bare = kind == FLAG || kind == PAD || kind == HELP;
        options[i] = (struct option){ option_rows[i].name, bare ? no_argument : required_argument, NULL, 1 };
    }
    int index = 0;
    int c;
    while ((c = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (c != 1)
            return cli_usage("image create", "the command line could not be read");
        if (option_rows[index].kind == HELP) {
            fputs(create_help, stdout);
            return -1;
        }
        if (!take_option(o, &option_rows[index], optarg))
            return CLI_USAGE;
    }
    if (optind < argc)
        return cli_usage("image create", "'%s' is one argument too many", argv[optind]);
    return check_options(o);
}

/* Date and time of the build, reproducible where SOURCE_DATE_EPOCH says so. */
static int stamp_time(struct ud_app_desc *desc)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    uint32_t seconds;
    time_t now = time(NULL);
    struct tm tm;
    if (epoch && !cli_parse_u32(epoch, &seconds))
        return cli_error("SOURCE_DATE_EPOCH '%s' is not a number of seconds", epoch);
    if (epoch)
        now = (time_t)seconds;
    gmtime_r(&now, &tm);
    strftime(desc->time, sizeof desc->time, "%H:%M:%S", &tm);
    strftime(desc->date, sizeof desc->date, "%b %e %Y", &tm);
    return CLI_OK;
}

static bool hash_file(const char *path, uint8_t digest[32])
{
    uint8_t *data;
    size_t len;
    if (!cli_read_file(path, &data, &len))
        return false;
    struct ud_crypto crypto = ud_openssl_crypto();
    esp_err_t err = ud_hash_all(&crypto, UD_HASH_SHA256, data, len, digest);
    free(data);
    if (err != ESP_OK)
        cli_error("%s could not be hashed: %s", path, ud_err_name(err));
    return err == ESP_OK;
}

static bool smallest_ota_slot(const struct ud_ptable *table, uint32_t *size)
{
    *size = UINT32_MAX;
    for (unsigned i = 0; i < table->count; i++)
        if (ud_partition_is_ota(&table->part[i]) && table->part[i].size < *size)
            *size = table->part[i].size;
    return *size != UINT32_MAX;
}

static int check_fit(const struct create_options *o, uint32_t size)
{
    struct ud_ptable table;
    struct ud_csv_options csv = { .has_bootloader_offset = true };
    uint32_t slot;
    if (!cli_load_table(o->fit_table, &csv, &table))
        return CLI_FAILED;
    if (!smallest_ota_slot(&table, &slot))
        return cli_error("table %s has no OTA slot that could hold the image", o->fit_table);
    if (size > slot)
        return cli_error("image of %u bytes exceeds the smallest OTA slot of %s by %u bytes (slot: %u); make the slots "
                         "larger in the table or the program smaller",
                         size, o->fit_table, size - slot, slot);
    return CLI_OK;
}

static const char *source_of(const struct create_options *o)
{
    return o->elf ? o->elf : o->raw ? o->raw : o->parts;
}

static int write_image(const struct create_options *o, struct ud_image_spec *spec)
{
    uint32_t size;
    struct ud_crypto crypto = ud_openssl_crypto();
    if (!o->parts && !image_header_apply(&o->header, o->chip, &spec->header))
        return CLI_USAGE;
    if (!o->parts || !o->layout.append_digest)
        spec->append_digest = o->layout.append_digest;
    esp_err_t err = ud_image_spec_size(spec, &size);
    if (err != ESP_OK)
        return cli_error("%s is too large for an image (%s)", source_of(o), ud_err_name(err));
    if (o->fit_table && check_fit(o, size) != CLI_OK)
        return CLI_FAILED;
    uint8_t *buf = malloc(size);
    if (!buf)
        return cli_error("no memory for an image of %u bytes", size);
    err = ud_image_encode(spec, &crypto, buf, size, &size);
    int rc = CLI_OK;
    if (err != ESP_OK)
        rc = cli_error("the image could not be built: %s", ud_err_name(err));
    else if (!cli_write_file(o->out, buf, size))
        rc = CLI_FAILED;
    free(buf);
    return rc;
}

/* A Linux executable or raw bytes behind a description of our own. */
static int create_described(const struct create_options *o, const uint8_t *payload, size_t len)
{
    uint8_t desc_bytes[UD_APP_DESC_BYTES] = { 0 };
    struct ud_image_part parts[3] = { 0 };
    struct ud_image_spec spec = { 0 };
    if (len > INT32_MAX)
        return cli_error("%s is larger than an image can be", source_of(o));
    if (o->elf) {
        if (ud_image_host_spec(payload, (uint32_t)len, &o->desc, desc_bytes, parts, &spec) != ESP_OK)
            return cli_error("%s is not an ELF executable of this machine (for a chip's program give --chip)", o->elf);
    } else if (ud_image_raw_spec(o->chip, payload, (uint32_t)len, o->load_addr, &o->desc, desc_bytes, parts, &spec) !=
               ESP_OK) {
        return cli_error("--load-addr 0x%x is mapped from flash and must be a multiple of 4", o->load_addr);
    }
    return write_image(o, &spec);
}

/* The program of a real chip. */
static int create_from_elf(const struct create_options *o, const uint8_t *bytes, size_t len)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    struct ud_image_part parts[UD_IMAGE_MAX_SEGMENTS];
    struct ud_image_spec spec;
    struct ud_elf elf;
    uint8_t *room = NULL;
    uint32_t size = 0;
    int rc;

    esp_err_t err = ud_elf_open(&elf, bytes, len, &obs);
    if (err == ESP_OK)
        err = ud_image_elf_room(&elf, &obs, &size);
    if (err == ESP_OK && !(room = malloc(size + 1)))
        return cli_error("no memory for a program of %u bytes", size);
    if (err == ESP_OK)
        err = ud_image_elf_spec(o->chip, &elf, &o->layout, &crypto, &obs, room, size, parts, &spec);
    rc = err == ESP_OK ? write_image(o, &spec) : cli_error("%s makes no image for %s", o->elf, o->chip->title);
    free(room);
    return rc;
}

static int create_from_parts(const struct create_options *o)
{
    struct image_parts parts;
    if (!image_parts_read(&parts, o->parts))
        return CLI_FAILED;
    int rc = write_image(o, &parts.spec);
    image_parts_free(&parts);
    return rc;
}

int image_create(int argc, char **argv)
{
    struct create_options o = { .chip = ud_chip_by_id(UD_CHIP_ID_HOST), .layout.append_digest = true };
    ud_strcopy(o.desc.version, sizeof o.desc.version, "1", 2);
    ud_strcopy(o.desc.project_name, sizeof o.desc.project_name, "app", 4);
    ud_strcopy(o.desc.idf_ver, sizeof o.desc.idf_ver, "updraft-" UPDRAFT_VERSION, 32);
    o.desc.mmu_page_size = 16;
    int rc = parse_create(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    if (!cli_may_replace(o.out, source_of(&o)))
        return CLI_FAILED;
    if (o.parts)
        return create_from_parts(&o);
    bool real_elf = o.elf && o.chip->id != UD_CHIP_ID_HOST;
    if (stamp_time(&o.desc) != CLI_OK)
        return CLI_FAILED;
    if (!real_elf && !hash_file(o.elf_sha_of ? o.elf_sha_of : source_of(&o), o.desc.app_elf_sha256))
        return CLI_FAILED;
    uint8_t *payload;
    size_t len;
    if (!cli_read_file(source_of(&o), &payload, &len))
        return CLI_FAILED;
    rc = real_elf ? create_from_elf(&o, payload, len) : create_described(&o, payload, len);
    free(payload);
    return rc;
}
