/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a partition table comes from: a default's name, a CSV file, a binary table, or a dump of a whole flash. Files
 * are told apart by what they hold, as ESP-IDF's generator does; the dump is ours.
 */
#include "partition.h"

#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

#define SCRATCH_MAX (64u << 20)

static bool begins_table(const uint8_t *bytes, size_t len)
{
    return len >= 2 && ((bytes[0] == 0xAA && bytes[1] == 0x50) || (bytes[0] == 0xEB && bytes[1] == 0xEB));
}

/* Whole sectors with binary content are no text; a dump without a table is still a dump. UTF-32 alone has NULs, too. */
static bool is_dump(const uint8_t *file, size_t len, uint32_t offset)
{
    if (len < (size_t)offset + UD_PTABLE_BYTES || len % UD_FLASH_SECTOR != 0)
        return false;
    return begins_table(file + offset, len - offset) || memchr(file, 0xFF, UD_FLASH_SECTOR) != NULL || file[0] == 0xE9;
}

bool partition_open(const char *name, uint32_t offset, struct partition_source *src)
{
    const char *text = ud_csv_default(name);
    *src = (struct partition_source){ .name = name };
    if (text) {
        src->bytes = (const uint8_t *)text;
        src->len = strlen(text);
        return true;
    }
    if (!cli_read_file(name, &src->file, &src->len))
        return false;
    src->bytes = src->file;
    src->kind = PARTITION_CSV;
    if (offset == 0)
        offset = UD_PTABLE_DEFAULT_OFFSET;
    if (begins_table(src->bytes, src->len)) {
        src->kind = PARTITION_BINARY;
    } else if (is_dump(src->bytes, src->len, offset)) {
        src->kind = PARTITION_DUMP;
        src->dump_size = src->len > UINT32_MAX ? UINT32_MAX : (uint32_t)src->len;
        src->bytes += offset;
        src->len = UD_PTABLE_BYTES;
    }
    return true;
}

void partition_close(struct partition_source *src)
{
    free(src->file);
    *src = (struct partition_source){ 0 };
}

const char *partition_kind_name(enum partition_kind kind)
{
    static const char *const names[] = { "default", "csv", "binary", "dump" };
    return names[kind];
}

/* `name` is not terminated. */
static const char *environment(void *ctx, const char *name, size_t len)
{
    (void)ctx;
    char *copy = strndup(name, len);
    const char *value = copy ? getenv(copy) : NULL;
    free(copy);
    return value;
}

static esp_err_t decode_csv(const struct partition_source *src, struct ud_csv_options opt,
                            const struct ud_observer *obs, struct ud_ptable *table)
{
    esp_err_t err = ESP_ERR_INVALID_SIZE;
    opt.variable = environment;
    for (size_t size = 2 * src->len + 4096; err == ESP_ERR_INVALID_SIZE && size <= SCRATCH_MAX; size *= 4) {
        opt.scratch = malloc(size);
        opt.scratch_size = size;
        err = opt.scratch ? ud_csv_decode((const char *)src->bytes, src->len, &opt, obs, table) : ESP_ERR_NO_MEM;
        free(opt.scratch);
    }
    return err;
}

esp_err_t partition_decode(const struct partition_source *src, const struct ud_csv_options *opt, bool generator,
                           const struct ud_observer *obs, struct ud_ptable *table)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    if (src->kind == PARTITION_DEFAULT || src->kind == PARTITION_CSV)
        return decode_csv(src, *opt, obs, table);
    if (!generator)
        return ud_ptable_decode(src->bytes, src->len, opt->flash_size, &crypto, obs, table);
    return ud_ptable_decode_file(src->bytes, src->len, opt, &crypto, obs, table);
}

bool partition_load(const char *name, const struct ud_csv_options *opt, bool generator, struct ud_ptable *table)
{
    struct partition_source src;
    struct ud_observer obs = cli_error_observer();
    if (!partition_open(name, opt->table_offset, &src))
        return false;
    esp_err_t err = partition_decode(&src, opt, generator, &obs, table);
    if (err != ESP_OK && src.kind == PARTITION_DUMP)
        cli_error("%s has no partition table at 0x%x that can be used (%s); if it lies elsewhere, give --offset", name,
                  opt->table_offset ? opt->table_offset : UD_PTABLE_DEFAULT_OFFSET, ud_err_name(err));
    else if (err != ESP_OK)
        cli_error("%s is not a partition table that can be used (%s)", name, ud_err_name(err));
    partition_close(&src);
    return err == ESP_OK;
}

bool cli_load_table(const char *name, const struct ud_csv_options *opt, struct ud_ptable *table)
{
    return partition_load(name, opt, false, table);
}
