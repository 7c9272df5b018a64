/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of `updraft partition`, and words for what a table holds. */
#include "partition.h"

#include <getopt.h>
#include <string.h>

/* Numbers first, by their place in `numbers`; then the rest. */
enum { OFFSET, NEW_OFFSET, BOOTLOADER, RECOVERY, FLASH_SIZE, NUMBERS, SECURE, NO_MD5, CSV, JSON, STRICT, RULES, HELP };

static const struct option options[] = {
    { "offset", required_argument, 0, OFFSET },
    { "new-offset", required_argument, 0, NEW_OFFSET },
    { "primary-bootloader-offset", required_argument, 0, BOOTLOADER },
    { "recovery-bootloader-offset", required_argument, 0, RECOVERY },
    { "flash-size", required_argument, 0, FLASH_SIZE },
    { "secure", required_argument, 0, SECURE },
    { "disable-md5sum", no_argument, 0, NO_MD5 },
    { "csv", no_argument, 0, CSV },
    { "json", no_argument, 0, JSON },
    { "strict", no_argument, 0, STRICT },
    { "rules", required_argument, 0, RULES },
    { "help", no_argument, 0, HELP },
    { 0 },
};

/* A verb takes what its help names. */
static bool is_offered(const char *help, const char *name)
{
    char word[64];
    snprintf(word, sizeof word, "--%s", name);
    const char *at = strstr(help, word);
    return at != NULL || strcmp(name, "help") == 0;
}

static int take_word(const char *command, int c, struct partition_options *o)
{
    if (c == SECURE && strcmp(optarg, "v1") != 0 && strcmp(optarg, "v2") != 0)
        return cli_usage(command, "--secure is v1 or v2, not '%s'", optarg);
    if (c == RULES && strcmp(optarg, "boot") != 0 && strcmp(optarg, "generator") != 0)
        return cli_usage(command, "--rules is boot or generator, not '%s'", optarg);
    if (c == SECURE)
        o->csv.secure_v1 = optarg[1] == '1';
    if (c == RULES)
        o->generator = optarg[0] == 'g';
    o->csv.no_md5 |= c == NO_MD5;
    o->as_csv |= c == CSV;
    o->as_json |= c == JSON;
    o->strict |= c == STRICT;
    return CLI_OK;
}

bool partition_parse(const char *command, const char *help, int argc, char **argv, struct partition_options *o, int *rc)
{
    uint32_t *const numbers[NUMBERS] = { &o->csv.table_offset, &o->new_offset, &o->csv.bootloader_offset,
                                         &o->csv.recovery_offset, &o->csv.flash_size };
    int c, index;
    *o = (struct partition_options){ 0 };
    *rc = CLI_OK;
    while (*rc == CLI_OK && (c = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (c == HELP) {
            fputs(help, stdout);
            return false;
        }
        if (c == '?')
            *rc = cli_usage(command, "the command line could not be read");
        else if (!is_offered(help, options[index].name))
            *rc = cli_usage(command, "--%s is not an option of this verb", options[index].name);
        else if (c >= NUMBERS)
            *rc = take_word(command, c, o);
        else if (!cli_parse_u32(optarg, numbers[c]))
            *rc = cli_usage(command, "--%s '%s' is not a number from 0 to 0xFFFFFFFF", options[index].name, optarg);
        o->csv.has_bootloader_offset |= c == BOOTLOADER;
        o->csv.has_recovery_offset |= c == RECOVERY;
    }
    return *rc == CLI_OK;
}

/* Length of the UTF-8 character at `p`, which ends in a NUL; 0 if it is none. */
static size_t utf8_length(const char *p)
{
    unsigned char c = (unsigned char)p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

const char *partition_label(const struct ud_partition *p, char buf[17])
{
    ud_strcopy(buf, 17, p->label, 16);
    for (char *at = buf; *at;) {
        size_t n = utf8_length(at);
        if (n == 0 || (unsigned char)*at < 0x20 || *at == 0x7F) {
            *at = '?';
            n = 1;
        }
        at += n;
    }
    return buf;
}

const char *partition_kind_text(const struct ud_partition *p, char buf[32])
{
    char type[8], subtype[8];
    snprintf(buf, 32, "%s/%s", ud_partition_type_name(p->type, type),
             ud_partition_subtype_name(p->type, p->subtype, subtype));
    return buf;
}

const char *partition_flags_text(const struct ud_partition *p)
{
    static const char *const texts[] = { "", "encrypted", "readonly", "encrypted:readonly" };
    return texts[p->flags & (UD_PART_FLAG_ENCRYPTED | UD_PART_FLAG_READONLY)];
}

const char *partition_size_text(uint32_t size, char buf[16])
{
    if (size % 1024 != 0 || size == 0)
        snprintf(buf, 16, "0x%x", size);
    else if (size % (1u << 20) != 0)
        snprintf(buf, 16, "%uK", size >> 10);
    else
        snprintf(buf, 16, "%uM", size >> 20);
    return buf;
}
