/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image info` shows an image, also a bad one; `updraft image verify` judges it as a board would. */
#include "image.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

static const char info_help[] =
    "Usage: updraft image info FILE [--json]\n"
    "\n"
    "Shows header, description, segments, checksum and SHA-256 of an ESP image. An image that is\n"
    "damaged is shown as far as it can be read; the exit code is 1 then.\n"
    "\n"
    "Example:\n"
    "  updraft image info build/app.bin\n";

static const char verify_help[] =
    "Usage: updraft image verify FILE [OPTIONS]\n"
    "\n"
    "Judges an image as the boot loader would. Exit code 0 good, 1 refused (and why).\n"
    "\n"
    "  --chip NAME        only images for this chip (host, esp32c3, ...)\n"
    "  --revision N.M     revision of that chip (default: 0.0)\n"
    "  --addr ADDR        flash address of the slot (default: 0x10000), for the mapping rule\n"
    "  --max-size SIZE    size of the slot\n"
    "  --bootloader       by the rules of a boot loader's image: no description, no upper revision\n"
    "  --require-digest   refuse an image without an appended SHA-256\n"
    "\n"
    "Example:\n"
    "  updraft image verify app.bin --chip esp32c3 --require-digest\n";

static bool has_problem(const struct ud_image_info *i, enum ud_image_problem p)
{
    return i->problems & UD_IMAGE_PROBLEM_BIT(p);
}

/* What kind of memory a load address is, in a word. */
static const char *segment_kind(const struct ud_image_info *i, const struct ud_image_segment *s)
{
    const struct ud_chip *chip = ud_chip_by_id(i->header.chip_id);
    if (i->header.chip_id == UD_CHIP_ID_HOST)
        return s->load_addr == UD_HOST_DESC_ADDR ? "description" : "program";
    if (s->load_addr == 0)
        return "padding";
    if (!chip)
        return "";
    uint32_t page = ud_chip_page(chip, i->has_desc ? i->desc.mmu_page_size : 0, i->header.spi_speed_size >> 4);
    return ud_chip_is_mapped(chip, s->load_addr, page) ? "mapped" : s->load_addr < 0x10000000u ? "not loaded" : "RAM";
}

static void print_hex(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
}

static void print_revisions(const struct ud_image_header *h)
{
    printf("Chip revision  from %u.%u", h->min_chip_rev_full / 100u, h->min_chip_rev_full % 100u);
    if (h->max_chip_rev_full != 0 && h->max_chip_rev_full != UINT16_MAX)
        printf(" to %u.%u", h->max_chip_rev_full / 100u, h->max_chip_rev_full % 100u);
    putchar('\n');
}

static void print_flash(const struct ud_image_header *h)
{
    const struct ud_chip *chip = ud_chip_by_id(h->chip_id);
    const char *mode = ud_spi_mode_name(h->spi_mode);
    unsigned mhz = chip ? ud_chip_spi_mhz(chip, h->spi_speed_size & 15) : 0;
    printf("Flash          %s, %u MB", mode ? mode : "unknown mode", 1u << (h->spi_speed_size >> 4 & 7));
    if (mhz)
        printf(", %u MHz", mhz);
    putchar('\n');
}

#define BOOT_DESC_MAGIC 0x50u
#define BOOT_DESC_BYTES 80u

static void print_bootloader(const uint8_t *data, const struct ud_image_info *i)
{
    const uint8_t *d = data + UD_APP_DESC_OFFSET;
    if (i->segment[0].len < BOOT_DESC_BYTES || d[0] != BOOT_DESC_MAGIC) {
        puts("Kind           boot loader (nothing is mapped from flash)");
        return;
    }
    printf("Kind           boot loader, version %u\n", ud_load_le32(d + 4));
    char idf_ver[33];
    char date_time[25];
    ud_strcopy(idf_ver, sizeof idf_ver, (const char *)d + 8, 32);
    ud_strcopy(date_time, sizeof date_time, (const char *)d + 40, 24);
    cli_printable(idf_ver);
    cli_printable(date_time);
    printf("Built          %s with %s\nSecure version %u\n", date_time, idf_ver, d[3]);
}

/* `bootloader`: the file, if it is a boot loader's image. */
static void print_text(const char *path, size_t file_len, const struct ud_image_info *i, const uint8_t *bootloader)
{
    const struct ud_image_header *h = &i->header;
    printf("Image          %s, %zu bytes\n", path, file_len);
    printf("Chip           %s (id 0x%04X)\n", image_chip_title(h->chip_id), h->chip_id);
    print_revisions(h);
    print_flash(h);
    printf("Entry          0x%08x\n", h->entry_addr);
    if (i->has_desc) {
        const struct ud_app_desc *d = &i->desc;
        printf("Project        %s\nVersion        %s\nBuilt          %s %s with %s\nSecure version %u\n",
               d->project_name, d->version, d->date, d->time, d->idf_ver, d->secure_version);
        fputs("ELF SHA-256    ", stdout);
        print_hex(d->app_elf_sha256, sizeof d->app_elf_sha256);
        putchar('\n');
    }
    if (bootloader)
        print_bootloader(bootloader, i);
    puts("\nSegment  Load address  Length    Offset    Kind");
    for (unsigned s = 0; s < i->segment_count; s++) {
        const struct ud_image_segment *seg = &i->segment[s];
        printf("%7u  0x%08x    0x%06x  0x%06x  %s\n", s, seg->load_addr, seg->len, seg->off, segment_kind(i, seg));
    }
    putchar('\n');
}

static void print_verdict(const struct ud_image_info *i, bool readable)
{
    if (readable) {
        printf("Checksum       0x%02x (%s)\n", i->checksum,
               has_problem(i, UD_IMAGE_BAD_CHECKSUM) ? "wrong" : "correct");
        fputs("SHA-256        ", stdout);
        if (i->has_digest)
            print_hex(i->digest, sizeof i->digest);
        puts(!i->has_digest ? "none appended" : has_problem(i, UD_IMAGE_BAD_DIGEST) ? " (wrong)" : " (correct)");
        printf("Image length   %u bytes\n", i->len);
    }
    if (i->problems == 0)
        puts("Verdict        good");
    for (unsigned p = 0; p < UD_IMAGE_PROBLEM_COUNT; p++)
        if (has_problem(i, (enum ud_image_problem)p))
            printf("Verdict        bad: %s\n", ud_image_problem_text(p));
}

static void add_desc_json(cJSON *root, const struct ud_app_desc *d)
{
    cJSON *o = cJSON_AddObjectToObject(root, "desc");
    cJSON_AddStringToObject(o, "version", d->version);
    cJSON_AddStringToObject(o, "project_name", d->project_name);
    cJSON_AddStringToObject(o, "time", d->time);
    cJSON_AddStringToObject(o, "date", d->date);
    cJSON_AddStringToObject(o, "idf_ver", d->idf_ver);
    cJSON_AddNumberToObject(o, "secure_version", d->secure_version);
    cJSON_AddNumberToObject(o, "mmu_page_size", d->mmu_page_size);
    cJSON_AddNumberToObject(o, "spi_flash_mode", d->spi_flash_mode);
    cli_json_hex(o, "elf_sha256", d->app_elf_sha256, sizeof d->app_elf_sha256);
}

static void add_segments_json(cJSON *root, const struct ud_image_info *i)
{
    cJSON *list = cJSON_AddArrayToObject(root, "segments");
    for (unsigned s = 0; s < i->segment_count; s++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "load_addr", i->segment[s].load_addr);
        cJSON_AddNumberToObject(o, "len", i->segment[s].len);
        cJSON_AddNumberToObject(o, "off", i->segment[s].off);
        cJSON_AddStringToObject(o, "kind", segment_kind(i, &i->segment[s]));
        cJSON_AddItemToArray(list, o);
    }
}

static cJSON *to_json(const struct ud_image_info *i, bool readable, size_t file_len)
{
    const struct ud_chip *chip = ud_chip_by_id(i->header.chip_id);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "chip",
                            i->header.chip_id == UD_CHIP_ID_HOST ? "host"
                            : chip                               ? chip->name
                                                                 : "unknown");
    cJSON_AddNumberToObject(root, "chip_id", i->header.chip_id);
    cJSON_AddNumberToObject(root, "min_chip_rev_full", i->header.min_chip_rev_full);
    cJSON_AddNumberToObject(root, "max_chip_rev_full", i->header.max_chip_rev_full);
    cJSON_AddNumberToObject(root, "entry", i->header.entry_addr);
    cJSON_AddNumberToObject(root, "spi_mode", i->header.spi_mode);
    cJSON_AddNumberToObject(root, "spi_speed", i->header.spi_speed_size & 15);
    cJSON_AddNumberToObject(root, "spi_size", i->header.spi_speed_size >> 4);
    add_segments_json(root, i);
    if (i->has_desc)
        add_desc_json(root, &i->desc);
    cJSON_AddNumberToObject(root, "checksum", i->checksum);
    cJSON_AddBoolToObject(root, "checksum_ok", readable && !has_problem(i, UD_IMAGE_BAD_CHECKSUM));
    if (i->has_digest) {
        cli_json_hex(root, "digest", i->digest, sizeof i->digest);
        cJSON_AddBoolToObject(root, "digest_ok", !has_problem(i, UD_IMAGE_BAD_DIGEST));
    } else {
        cJSON_AddNullToObject(root, "digest");
        cJSON_AddNullToObject(root, "digest_ok");
    }
    cJSON_AddNumberToObject(root, "size", i->len);
    cJSON_AddNumberToObject(root, "file_size", (double)file_len);
    cJSON_AddBoolToObject(root, "valid", readable && i->problems == 0);
    cJSON *problems = cJSON_AddArrayToObject(root, "problems");
    for (unsigned p = 0; p < UD_IMAGE_PROBLEM_COUNT; p++)
        if (has_problem(i, (enum ud_image_problem)p))
            cJSON_AddItemToArray(problems, cJSON_CreateString(ud_image_problem_text(p)));
    return root;
}

/*
 * A boot loader's image begins with a description of its own (magic 0x50), or is seen by its running from RAM alone.
 * It is held to its own rules then; a digest it carries is compared all the same.
 */
static bool is_bootloader(const struct ud_image_info *i, const uint8_t *data)
{
    const struct ud_chip *chip = ud_chip_by_id(i->header.chip_id);
    if (i->has_desc || !chip || chip->id == UD_CHIP_ID_HOST || i->segment_count == 0)
        return false;
    if (i->segment[0].len >= BOOT_DESC_BYTES && data[UD_APP_DESC_OFFSET] == BOOT_DESC_MAGIC)
        return true;
    for (unsigned s = 0; s < i->segment_count; s++)
        if (ud_chip_is_mapped(chip, i->segment[s].load_addr, 1u << 16))
            return false;
    return true;
}

static void add_bootloader_json(cJSON *root, const uint8_t *data, const struct ud_image_info *i)
{
    const uint8_t *d = data + UD_APP_DESC_OFFSET;
    char text[33];
    cJSON *o = cJSON_AddObjectToObject(root, "bootloader");
    if (i->segment[0].len < BOOT_DESC_BYTES || d[0] != BOOT_DESC_MAGIC)
        return;
    cJSON_AddNumberToObject(o, "version", ud_load_le32(d + 4));
    cJSON_AddNumberToObject(o, "secure_version", d[3]);
    ud_strcopy(text, sizeof text, (const char *)d + 8, 32);
    cJSON_AddStringToObject(o, "idf_ver", text);
    ud_strcopy(text, sizeof text, (const char *)d + 40, 24);
    cJSON_AddStringToObject(o, "date_time", text);
}

/* Look into the image, as an app's, or by its own rules if it turns out to be a boot loader's. */
static bool look_into(const uint8_t *data, size_t len, struct ud_image_info *info, bool *bootloader)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    esp_err_t err = ud_image_inspect(data, len, NULL, &crypto, NULL, info);
    *bootloader = err == ESP_OK && is_bootloader(info, data);
    struct ud_image_rules rules = { .bootloader = *bootloader, .require_digest = *bootloader && info->has_digest };
    return ud_image_inspect(data, len, &rules, &crypto, &obs, info) == ESP_OK;
}

int image_info(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, 0, 'j' }, { "help", no_argument, 0, 'h' }, { 0 } };
    bool json = false;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(info_help, stdout);
            return CLI_OK;
        }
        if (c != 'j')
            return cli_usage("image info", "the command line could not be read");
        json = true;
    }
    if (optind + 1 != argc)
        return cli_usage("image info", "one image file is needed");
    uint8_t *data;
    size_t len;
    if (!cli_read_file(argv[optind], &data, &len))
        return CLI_FAILED;
    struct ud_image_info info;
    bool bootloader;
    bool readable = look_into(data, len, &info, &bootloader);
    bool is_image = !has_problem(&info, UD_IMAGE_BAD_MAGIC) && len >= UD_IMAGE_HEADER_BYTES;
    if (json) {
        cJSON *root = to_json(&info, readable, len);
        if (bootloader)
            add_bootloader_json(root, data, &info);
        cli_print_json(root);
    } else if (is_image) {
        image_printable(&info.desc);
        print_text(argv[optind], len, &info, bootloader ? data : NULL);
        print_verdict(&info, readable);
    }
    free(data);
    if (!is_image)
        return cli_error("%s is not an ESP image (it begins with byte 0xE9 and a header of 24 bytes)", argv[optind]);
    return readable && info.problems == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- verify --------------------------------------------------------------------------------------------------- */

static bool parse_revision(const char *text, uint16_t *out)
{
    char *end;
    unsigned long major = strtoul(text, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
    if (end == text || *end || major > 600 || minor > 99)
        return false;
    *out = (uint16_t)(major * 100 + minor);
    return true;
}

static int parse_verify(int argc, char **argv, struct ud_image_rules *rules)
{
    static const struct option options[] = {
        { "chip", required_argument, 0, 'c' }, { "revision", required_argument, 0, 'r' },
        { "addr", required_argument, 0, 'a' }, { "max-size", required_argument, 0, 'm' },
        { "bootloader", no_argument, 0, 'b' }, { "require-digest", no_argument, 0, 'd' },
        { "help", no_argument, 0, 'h' },       { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            rules->chip = ud_chip_by_name(optarg);
            if (!rules->chip)
                return cli_usage("image verify", "--chip '%s' is not a chip that is known", optarg);
            rules->check_chip = true;
            rules->chip_id = rules->chip->id;
            break;
        case 'r':
            if (!parse_revision(optarg, &rules->revision))
                return cli_usage("image verify", "--revision '%s' is not of the form 1.2", optarg);
            break;
        case 'a':
            if (!cli_parse_u32(optarg, &rules->flash_addr))
                return cli_usage("image verify", "--addr '%s' is not a number from 0 to 0xFFFFFFFF", optarg);
            break;
        case 'm':
            if (!cli_parse_u32(optarg, &rules->max_size))
                return cli_usage("image verify", "--max-size '%s' is not a size", optarg);
            break;
        case 'b':
            rules->bootloader = true;
            break;
        case 'd':
            rules->require_digest = true;
            break;
        case 'h':
            fputs(verify_help, stdout);
            return -1;
        default:
            return cli_usage("image verify", "the command line could not be read");
        }
    }
    if (optind + 1 != argc)
        return cli_usage("image verify", "one image file is needed");
    return CLI_OK;
}

/* Where data and code share their addresses, the boot loader takes the two mapped segments by their order. */
static void warn_of_mapped(const struct ud_image_info *i)
{
    const struct ud_chip *chip = ud_chip_by_id(i->header.chip_id);
    unsigned mapped = 0;
    if (!chip || chip->drom.lo == chip->drom.hi || chip->drom.lo != chip->irom.lo)
        return;
    uint32_t page = ud_chip_page(chip, i->has_desc ? i->desc.mmu_page_size : 0, i->header.spi_speed_size >> 4);
    for (unsigned s = 0; s < i->segment_count; s++)
        mapped += ud_chip_is_mapped(chip, i->segment[s].load_addr, page);
    if (mapped != 2)
        cli_error("warning: the boot loader of the %s runs images of two mapped segments, this one has %u", chip->title,
                  mapped);
}

int image_verify(int argc, char **argv)
{
    struct ud_image_rules rules = { .flash_addr = 0x10000, .check_mapping = true };
    int rc = parse_verify(argc, argv, &rules);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    uint8_t *data;
    size_t len;
    if (!cli_read_file(argv[optind], &data, &len))
        return CLI_FAILED;
    struct ud_image_info info;
    struct ud_image_verifier v;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    esp_err_t err = ud_image_verifier_start(&v, &rules, &crypto, &obs);
    if (err == ESP_OK)
        err = ud_image_verifier_push(&v, data, len);
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, &info);
    ud_image_verifier_drop(&v);
    free(data);
    if (err != ESP_OK)
        return cli_error("%s is refused (%s)", argv[optind], ud_err_name(err));
    if (!rules.bootloader)
        warn_of_mapped(&info);
    image_printable(&info.desc);
    printf("%s: good, %s, %u bytes%s%s\n", argv[optind], image_chip_title(info.header.chip_id), info.len,
           info.has_desc ? ", version " : "", info.has_desc ? info.desc.version : "");
    return CLI_OK;
}
