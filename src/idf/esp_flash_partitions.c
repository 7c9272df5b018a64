/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables in memory, and what may be written where: the face of partition's decoder and the board's table. */
#include "esp_flash_partitions.h"

#include <string.h>

#include "room.h"

#define ROW sizeof(esp_partition_info_t)

/* Bytes that belong to the table: up to and with the first row that is not one of it, so no further ones are read. */
static size_t table_length(const esp_partition_info_t *rows)
{
    size_t n = 0;
    while (n < ESP_PARTITION_TABLE_MAX_ENTRIES &&
           (rows[n].magic == ESP_PARTITION_MAGIC || rows[n].magic == ESP_PARTITION_MAGIC_MD5))
        n++;
    return (n < ESP_PARTITION_TABLE_MAX_ENTRIES ? n + 1 : n) * ROW;
}

esp_err_t esp_partition_table_verify(const esp_partition_info_t *partition_table, bool log_errors, int *num_partitions)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_ptable table;
    if (!partition_table || !num_partitions)
        return ESP_ERR_INVALID_ARG;
    *num_partitions = 0;
    if (!w)
        return ESP_ERR_INVALID_STATE;
    const struct ud_board *b = w->env.board;
    esp_err_t err = ud_ptable_decode((const uint8_t *)partition_table, table_length(partition_table),
                                     b->flash->geometry.size, b->crypto, log_errors ? b->obs : NULL, &table);
    if (err == ESP_OK)
        *num_partitions = table.count;
    return err;
}

static bool overlaps(size_t addr, size_t size, const struct ud_partition *p)
{
    return addr < (size_t)p->addr + p->size && (size > SIZE_MAX - addr || p->addr < addr + size);
}

bool esp_partition_is_flash_region_writable(size_t addr, size_t size)
{
    const struct idf_world *w = ud_idf_world();
    for (unsigned i = 0; w && i < w->env.board->table.count; i++) {
        const struct ud_partition *p = &w->env.board->table.part[i];
        if ((p->flags & UD_PART_FLAG_READONLY) && overlaps(addr, size, p))
            return false;
    }
    return w != NULL;
}

bool esp_partition_main_flash_region_safe(size_t addr, size_t size)
{
    const struct idf_world *w = ud_idf_world();
    if (!w || addr <= (size_t)w->env.board->table_offset + ESP_PARTITION_TABLE_MAX_LEN)
        return false;
    return !w->env.board->running || !overlaps(addr, size, w->env.board->running);
}
