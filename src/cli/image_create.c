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
    const char *fit_table;
    const char *elf_sha_of; /* file whose SHA-256 goes into the description; default: the ELF itself */
    const struct ud_chip *chip;
    uint32_t load_addr;
    bool has_load_addr;
    bool no_digest;
    struct ud_app_desc desc;
};

static const char create_help[] =
    "Usage: updraft image create --out FILE (--elf ELF | --raw FILE) [OPTIONS]\n"
    "\n"
    "Builds an ESP application image: header, description, segments, checksum, SHA-256.\n"
    "\n"
    "  --out FILE            where the image goes\n"
    "  --elf ELF             a Linux executable (strip it first): makes a host image\n"
    "  --raw FILE            any bytes: makes an image of one payload segment\n"
    "  --chip NAME           host (default), esp32, esp32c3, ...; --elf makes host images only\n"
    "  --project NAME        project name, at most 31 bytes (default: app)\n"
    "  --version V           version, at most 31 bytes (default: 1)\n"
    "  --secure-version N    anti-rollback level (default: 0)\n"
    "  --load-addr ADDR      load address of the raw payload (default: 0, not loaded)\n"
    "  --elf-sha-of FILE     file whose SHA-256 is recorded (default: the --elf file)\n"
    "  --no-digest           leave the appended SHA-256 out\n"
    "  --fit-table TABLE     fail if the image exceeds the smallest OTA slot of this table\n"
    "                        (CSV, binary, or single_app, two_ota, two_ota_large)\n"
    "\n"
    "Example:\n"
    "  updraft image create --out app.bin --elf app.stripped --project app --version 1.0.0\n";

static bool take_text(const char *option, const char *value, char *field, size_t size)
{
    if (strlen(value) > size - 2) { /* builders keep the last byte of a field for the NUL */
        cli_usage("image create", "--%s '%s' is longer than %zu bytes", option, value, size - 2);
        return false;
    }
    ud_strcopy(field, size, value, size);
    return true;
}

static int parse_create(int argc, char **argv, struct create_options *o)
{
    static const struct option options[] = {
        { "out", required_argument, 0, 'o' },
        { "elf", required_argument, 0, 'e' },
        { "raw", required_argument, 0, 'r' },
        { "chip", required_argument, 0, 'c' },
        { "project", required_argument, 0, 'p' },
        { "version", required_argument, 0, 'v' },
        { "load-addr", required_argument, 0, 'l' },
        { "secure-version", required_argument, 0, 's' },
        { "no-digest", no_argument, 0, 'n' },
        { "fit-table", required_argument, 0, 'f' },
        { "elf-sha-of", required_argument, 0, 'E' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            o->out = optarg;
            break;
        case 'e':
            o->elf = optarg;
            break;
        case 'r':
            o->raw = optarg;
            break;
        case 'f':
            o->fit_table = optarg;
            break;
        case 'E':
            o->elf_sha_of = optarg;
            break;
        case 'n':
            o->no_digest = true;
            break;
        case 'c':
            o->chip = ud_chip_by_name(optarg);
            if (!o->chip)
                return cli_usage("image create", "--chip '%s' is not a chip that is known", optarg);
            break;
        case 'p':
            if (!take_text("project", optarg, o->desc.project_name, sizeof o->desc.project_name))
                return CLI_USAGE;
            break;
        case 'v':
            if (!take_text("version", optarg, o->desc.version, sizeof o->desc.version))
                return CLI_USAGE;
            break;
        case 'l':
            if (!cli_parse_u32(optarg, &o->load_addr))
                return cli_usage("image create", "--load-addr '%s' is not a number", optarg);
            o->has_load_addr = true;
            break;
        case 's':
            if (!cli_parse_u32(optarg, &o->desc.secure_version))
                return cli_usage("image create", "--secure-version '%s' is not a number", optarg);
            break;
        case 'h':
            fputs(create_help, stdout);
            return -1;
        default:
            return cli_usage("image create", "the command line could not be read");
        }
    }
    if (optind < argc)
        return cli_usage("image create", "'%s' is one argument too many", argv[optind]);
    if (!o->out || !o->elf == !o->raw)
        return cli_usage("image create", "--out and one of --elf, --raw are needed");
    if (o->elf && o->chip->id != UD_CHIP_ID_HOST)
        return cli_usage("image create", "--elf makes host images; leave --chip %s out", o->chip->name);
    return CLI_OK;
}

/* Date and time of the build, reproducible where SOURCE_DATE_EPOCH says so. */
static void stamp_time(struct ud_app_desc *desc)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(desc->time, sizeof desc->time, "%H:%M:%S", &tm);
    strftime(desc->date, sizeof desc->date, "%b %e %Y", &tm);
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

static int write_image(const struct create_options *o, const struct ud_image_spec *spec)
{
    uint32_t size;
    struct ud_crypto crypto = ud_openssl_crypto();
    esp_err_t err = ud_image_spec_size(spec, &size);
    if (err != ESP_OK)
        return cli_error("%s is too large for an image (%s)", o->elf ? o->elf : o->raw, ud_err_name(err));
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

static int build(const struct create_options *o, const uint8_t *payload, size_t len)
{
    uint8_t desc_bytes[UD_APP_DESC_BYTES] = { 0 };
    struct ud_image_part parts[3] = { 0 };
    struct ud_image_spec spec = { 0 };
    if (len > INT32_MAX)
        return cli_error("%s is larger than an image can be", o->elf ? o->elf : o->raw);
    if (o->elf) {
        if (ud_image_host_spec(payload, (uint32_t)len, &o->desc, desc_bytes, parts, &spec) != ESP_OK)
            return cli_error("%s is not an ELF executable of this machine", o->elf);
    } else if (ud_image_raw_spec(o->chip, payload, (uint32_t)len, o->load_addr, &o->desc, desc_bytes, parts, &spec) !=
               ESP_OK) {
        return cli_error("--load-addr 0x%x is mapped from flash and must be a multiple of 4", o->load_addr);
    }
    spec.append_digest = !o->no_digest;
    return write_image(o, &spec);
}

int image_create(int argc, char **argv)
{
    struct create_options o = { .chip = ud_chip_by_id(UD_CHIP_ID_HOST) };
    ud_strcopy(o.desc.version, sizeof o.desc.version, "1", 2);
    ud_strcopy(o.desc.project_name, sizeof o.desc.project_name, "app", 4);
    ud_strcopy(o.desc.idf_ver, sizeof o.desc.idf_ver, "updraft-" UPDRAFT_VERSION, 32);
    o.desc.mmu_page_size = 16;
    int rc = parse_create(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    stamp_time(&o.desc);
    const char *from = o.elf ? o.elf : o.raw;
    if (!hash_file(o.elf_sha_of ? o.elf_sha_of : from, o.desc.app_elf_sha256))
        return CLI_FAILED;
    uint8_t *payload;
    size_t len;
    if (!cli_read_file(from, &payload, &len))
        return CLI_FAILED;
    rc = build(&o, payload, len);
    free(payload);
    return rc;
}
