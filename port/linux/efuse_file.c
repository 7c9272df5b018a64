/* SPDX-License-Identifier: Apache-2.0 */
/* eFuses in a file: bits are ORed in. base has checked the range. */
#include "updraft/port_linux.h"

#include "file_io.h"

static esp_err_t file_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct ud_file_efuse *file = ctx;
    return ud_file_read_at(file->fd, buf, len, off) == 0 ? ESP_OK : ESP_FAIL;
}

static esp_err_t file_burn(void *ctx, uint32_t off, const void *bits, size_t len)
{
    const struct ud_file_efuse *file = ctx;
    const uint8_t *in = bits;
    uint8_t area[UD_EFUSE_SIZE];
    if (ud_file_read_at(file->fd, area, len, off) != 0)
        return ESP_FAIL;
    for (size_t i = 0; i < len; i++)
        area[i] |= in[i];
    return ud_file_write_at(file->fd, area, len, off) == 0 ? ESP_OK : ESP_FAIL;
}

void ud_file_efuse_init(struct ud_file_efuse *file, struct ud_efuse *efuse, int fd)
{
    static const struct ud_efuse_ops ops = { file_read, file_burn };
    file->fd = fd;
    *efuse = (struct ud_efuse){ &ops, file };
}
