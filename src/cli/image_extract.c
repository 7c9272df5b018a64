/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image extract`: an image out of a flash dump, the parts or the program out of an image. */
#include "image.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

static const char extract_help[] =
    "Usage: updraft image extract FILE (--out FILE [--elf | --segment N | --desc] | --parts FOLDER) [OPTIONS]\n"
    "\n"
    "Takes an image out of a file, or something out of the image.\n"
    "\n"
    "  --out FILE            where it goes: the image itself, without what follows it, unless one of these is given:\n"
    "    --elf               the program of a host image (padded to 4 bytes)\n"
    "    --segment N         the data of segment N, counted from 0\n"
    "    --desc              the 256 bytes of the description\n"
    "  --parts FOLDER        image.json and a file for each segment: 'updraft image create --parts' puts them "
    "together\n"
    "\n"
    "FILE is an image, or with one of these a flash dump:\n"
    "  --at ADDR             the image begins at this address\n"
    "  --partition LABEL     it begins where this partition of the dump's partition table does\n"
    "  --table-offset ADDR   where that table is (default: 0x8000)\n"
    "\n"
    "Examples:\n"
    "  updraft image extract dump.bin --partition ota_0 --out app.bin\n"
    "  updraft image extract app.bin --parts app.parts\n";

enum what { WHAT_IMAGE, WHAT_ELF, WHAT_SEGMENT, WHAT_DESC };

struct extract {
    const char *out;
    const char *parts;
    const char *label;
    enum what what;
    unsigned whats; /* how many were asked for */
    uint32_t segment;
    uint32_t at;
    bool has_at;
    uint32_t table_offset;
};

static int parse_extract(int argc, char **argv, struct extract *e)
{
    static const struct option options[] = {
        { "out", required_argument, 0, 'o' },
        { "parts", required_argument, 0, 'p' },
        { "elf", no_argument, 0, 'e' },
        { "segment", required_argument, 0, 's' },
        { "desc", no_argument, 0, 'd' },
        { "at", required_argument, 0, 'a' },
        { "partition", required_argument, 0, 'l' },
        { "table-offset", required_argument, 0, 't' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            e->out = optarg;
            break;
        case 'p':
            e->parts = optarg;
            break;
        case 'e':
        case 'd':
            e->what = c == 'e' ? WHAT_ELF : WHAT_DESC;
            e->whats++;
            break;
        case 's':
            if (!cli_parse_u32(optarg, &e->segment))
                return cli_usage("image extract", "--segment '%s' is not a number from 0", optarg);
            e->what = WHAT_SEGMENT;
            e->whats++;
            break;
        case 'a':
            if (!cli_parse_u32(optarg, &e->at))
                return cli_usage("image extract", "--at '%s' is not an address", optarg);
            e->has_at = true;
            break;
        case 'l':
            e->label = optarg;
            break;
        case 't':
            if (!cli_parse_u32(optarg, &e->table_offset))
                return cli_usage("image extract", "--table-offset '%s' is not an address", optarg);
            break;
        case 'h':
            fputs(extract_help, stdout);
            return -1;
        default:
            return cli_usage("image extract", "the command line could not be read");
        }
    }
    if (optind + 1 != argc)
        return cli_usage("image extract", "one file is needed");
    if (!e->out == !e->parts || e->whats > 1 || (e->parts && e->whats))
        return cli_usage("image extract", "say --out with at most one of --elf, --segment, --desc; or --parts");
    if (e->has_at && e->label)
        return cli_usage("image extract", "--at and --partition say the same thing twice");
    return CLI_OK;
}

static bool find_partition(const struct extract *e, const struct image_file *f, uint32_t *at, uint32_t *size)
{
    struct ud_ptable table;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    if (e->table_offset >= f->len) {
        cli_error("%s ends before the partition table at 0x%x", f->path, e->table_offset);
        return false;
    }
    size_t len = f->len - e->table_offset;
    len = len < UD_PTABLE_BYTES ? len : UD_PTABLE_BYTES;
    if (ud_ptable_decode(f->data + e->table_offset, len, 0, &crypto, &obs, &table) != ESP_OK) {
        cli_error("%s has no partition table at 0x%x", f->path, e->table_offset);
        return false;
    }
    for (unsigned i = 0; i < table.count; i++)
        if (strcmp(table.part[i].label, e->label) == 0) {
            *at = table.part[i].addr;
            *size = table.part[i].size;
            return true;
        }
    cli_error("%s has no partition '%s'", f->path, e->label);
    return false;
}

/* Make the file begin with the image: a dump is moved to its front. */
static bool cut_out(const struct extract *e, struct image_file *f)
{
    uint32_t at = e->at;
    uint32_t size = UINT32_MAX;
    if (!e->has_at && !e->label)
        return true;
    if (e->label && !find_partition(e, f, &at, &size))
        return false;
    if (at >= f->len) {
        cli_error("%s ends before 0x%x", f->path, at);
        return false;
    }
    f->len -= at;
    f->len = f->len < size ? f->len : size;
    memmove(f->data, f->data + at, f->len);
    return true;
}

static int write_range(const struct extract *e, const struct image_file *f, uint32_t off, uint32_t len)
{
    return cli_write_file(e->out, f->data + off, len) ? CLI_OK : CLI_FAILED;
}

static int extract(const struct extract *e, const struct image_file *f)
{
    const struct ud_image_info *info = &f->info;
    const struct ud_image_segment *program = ud_image_host_program(info);
    if (info->problems)
        cli_error("warning: the image is damaged; see 'updraft image info'");
    if (e->parts)
        return image_parts_write(f, e->parts) ? CLI_OK : CLI_FAILED;
    switch (e->what) {
    case WHAT_ELF:
        if (!program)
            return cli_error("%s is no host image: there is no ELF in it", f->path);
        return write_range(e, f, program->off, program->len);
    case WHAT_SEGMENT:
        if (e->segment >= info->segment_count)
            return cli_error("%s has %u segments; there is no segment %u", f->path, info->segment_count, e->segment);
        return write_range(e, f, info->segment[e->segment].off, info->segment[e->segment].len);
    case WHAT_DESC:
        if (!info->has_desc)
            return cli_error("%s has no application description", f->path);
        return write_range(e, f, UD_APP_DESC_OFFSET, UD_APP_DESC_BYTES);
    case WHAT_IMAGE:
        break;
    }
    return write_range(e, f, 0, info->len < f->len ? info->len : (uint32_t)f->len); /* the digest may be cut */
}

int image_extract(int argc, char **argv)
{
    struct extract e = { .table_offset = 0x8000 };
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    int rc = parse_extract(argc, argv, &e);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    struct image_file f = { .path = argv[optind] };
    if ((e.out && !cli_may_replace(e.out, f.path)) || !cli_read_file(f.path, &f.data, &f.len))
        return CLI_FAILED;
    rc = CLI_FAILED;
    if (cut_out(&e, &f)) {
        if (ud_image_inspect(f.data, f.len, NULL, &crypto, &obs, &f.info) == ESP_OK)
            rc = extract(&e, &f);
        else
            rc = cli_error("there is no ESP image in %s that can be read to its end", f.path);
    }
    image_file_close(&f);
    return rc;
}
