/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and erasing inside one partition. The order of the checks is ESP-IDF's and decides the code. */
#include "updraft/partition.h"

static esp_err_t check_range(const struct ud_partition *p, uint32_t off, uint32_t len)
{
    if (off > p->size)
        return ESP_ERR_INVALID_ARG;
    if (len > p->size - off)
        return ESP_ERR_INVALID_SIZE;
    /* A table that was decoded without a bound may hold an entry that runs over the end of the address space. */
    if (off > UINT32_MAX - p->addr)
        return ESP_ERR_INVALID_ARG;
    return ESP_OK;
}

esp_err_t ud_partition_read(struct ud_flash *f, const struct ud_partition *p, uint32_t off, void *buf, uint32_t len)
{
    esp_err_t err = check_range(p, off, len);
    return err == ESP_OK ? ud_flash_read(f, p->addr + off, buf, len) : err;
}

esp_err_t ud_partition_write(struct ud_flash *f, const struct ud_partition *p, uint32_t off, const void *data,
                             uint32_t len)
{
    if (p->flags & UD_PART_FLAG_READONLY)
        return ESP_ERR_NOT_ALLOWED;
    esp_err_t err = check_range(p, off, len);
    return err == ESP_OK ? ud_flash_program(f, p->addr + off, data, len) : err;
}

esp_err_t ud_partition_erase(struct ud_flash *f, const struct ud_partition *p, uint32_t off, uint32_t len)
{
    if (p->flags & UD_PART_FLAG_READONLY)
        return ESP_ERR_NOT_ALLOWED;
    esp_err_t err = check_range(p, off, len);
    if (err != ESP_OK)
        return err;
    if (len % f->geometry.sector != 0)
        return ESP_ERR_INVALID_SIZE;
    if (off % f->geometry.sector != 0)
        return ESP_ERR_INVALID_ARG;
    return ud_flash_erase(f, p->addr + off, len);
}
