/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions beside the table, memory that shows a range of flash, copies, and partitions as block devices. What is
 * registered or mapped is memory of this room, in lists under its mutex; the board keeps its own list of partitions.
 */
#include "esp_partition.h"

#include <string.h>

#include "esp_flash.h"
#include "room.h"

/* ---- registered --------------------------------------------------------------------------------------------------- */

/* The board's entry comes first, so that it leads to the object. */
struct registered {
    struct ud_extra_partition extra;
    esp_partition_t object;
    struct registered *next;
};

static struct registered *registered;

const esp_partition_t *ud_idf_registered_object(const struct ud_partition *p)
{
    const esp_partition_t *object = NULL;
    ud_idf_lock();
    for (struct registered *r = registered; r && !object; r = r->next)
        object = &r->extra.part == p ? &r->object : NULL;
    ud_idf_unlock();
    return object;
}

static void fill_in(struct registered *r, const struct ud_partition *p, uint32_t sector)
{
    memset(r, 0, sizeof *r);
    r->extra.part = *p;
    r->object = (esp_partition_t){ .type = (esp_partition_type_t)p->type,
                                   .subtype = (esp_partition_subtype_t)p->subtype,
                                   .address = p->addr,
                                   .size = p->size,
                                   .erase_size = sector };
    memcpy(r->object.label, p->label, sizeof r->object.label);
}

esp_err_t esp_partition_register_external(esp_flash_t *flash_chip, size_t offset, size_t size, const char *label,
                                          esp_partition_type_t type, esp_partition_subtype_t subtype,
                                          const esp_partition_t **out_partition)
{
    const struct idf_world *w = ud_idf_world();
    if (out_partition)
        *out_partition = NULL;
    if (!w)
        return ESP_ERR_INVALID_STATE;
    if (!ud_idf_is_board_flash(flash_chip))
        return ESP_ERR_NOT_SUPPORTED;
    if (offset > UINT32_MAX || size > UINT32_MAX)
        return ESP_ERR_INVALID_SIZE;
    struct registered *r = ud_idf_alloc(sizeof *r);
    if (!r)
        return ESP_ERR_NO_MEM;
    struct ud_partition p = { .addr = (uint32_t)offset, .size = (uint32_t)size };
    p.type = (uint8_t)type;
    p.subtype = (uint8_t)subtype;
    if (label)
        ud_strcopy(p.label, sizeof p.label, label, sizeof p.label - 1);
    fill_in(r, &p, w->env.board->flash->geometry.sector);

    ud_idf_lock();
    r->next = registered;
    registered = r; /* before the board shows it to other threads, which ask for its object */
    ud_idf_unlock();
    esp_err_t err = ud_board_add_partition(w->env.board, &r->extra);
    if (err == ESP_OK) {
        if (out_partition)
            *out_partition = &r->object;
        return ESP_OK;
    }
    ud_idf_lock();
    struct registered **at = &registered;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    ud_idf_unlock();
    ud_idf_free(r);
    return err;
}

/* Take the one of `object` out of the room's list; with NULL the first that no session uses. */
static struct registered *take_out(const esp_partition_t *object, esp_err_t *err)
{
    struct ud_ota *ota = ud_idf_ota();
    struct registered *found = NULL;
    *err = ESP_ERR_NOT_FOUND;
    for (unsigned skip = 0;; skip++) {
        ud_idf_lock();
        struct registered **at = &registered;
        for (unsigned i = 0; *at && (object ? &(*at)->object != object : i < skip); i++)
            at = &(*at)->next;
        found = *at;
        ud_idf_unlock();
        if (!found)
            return NULL;
        if (!ud_ota_is_in_use(ota, &found->extra.part))
            break;
        *err = ESP_ERR_INVALID_STATE;
        if (object)
            return NULL;
    }
    ud_idf_lock();
    struct registered **at = &registered;
    while (*at && *at != found)
        at = &(*at)->next;
    if (*at)
        *at = found->next;
    else
        found = NULL; /* another thread was faster */
    ud_idf_unlock();
    *err = found ? ESP_OK : ESP_ERR_NOT_FOUND;
    return found;
}

static void drop(struct registered *r)
{
    esp_err_t err = ud_board_remove_partition(ud_idf_world()->env.board, &r->extra.part);
    (void)err; /* it was there: only this room adds */
    ud_idf_free(r);
}

esp_err_t esp_partition_deregister_external(const esp_partition_t *partition)
{
    const struct idf_world *w = ud_idf_world();
    if (!w || !partition)
        return w ? ESP_ERR_NOT_FOUND : ESP_ERR_INVALID_STATE;
    for (unsigned i = 0; i < w->env.board->table.count; i++) {
        if (partition == &w->part[i])
            return ESP_ERR_INVALID_ARG;
    }
    esp_err_t err;
    struct registered *r = take_out(partition, &err);
    if (r)
        drop(r);
    return err;
}

void esp_partition_unload_all(void)
{
    esp_err_t err;
    struct registered *r;
    while (ud_idf_world() && (r = take_out(NULL, &err)) != NULL)
        drop(r);
}

/* ---- memory that shows flash -------------------------------------------------------------------------------------- */

struct mapping {
    struct mapping *next;
    esp_partition_mmap_handle_t handle;
    max_align_t bytes[];
};

static struct mapping *mappings;
static esp_partition_mmap_handle_t last_mapping;

esp_err_t esp_partition_mmap(const esp_partition_t *partition, size_t offset, size_t size,
                             esp_partition_mmap_flag_t flags, const void **out_ptr,
                             esp_partition_mmap_handle_t *out_handle)
{
    (void)flags; /* memory is memory */
    if (!partition || !out_ptr || !out_handle)
        return ESP_ERR_INVALID_ARG;
    if (offset > partition->size)
        return ESP_ERR_INVALID_ARG;
    if (size > partition->size - offset)
        return ESP_ERR_INVALID_SIZE;
    if (!ud_idf_is_board_flash(partition->flash_chip))
        return ESP_ERR_NOT_SUPPORTED;
    struct mapping *m = ud_idf_alloc(sizeof *m + size);
    if (!m)
        return ESP_ERR_NO_MEM;
    esp_err_t err = esp_partition_read(partition, offset, m->bytes, size);
    if (err != ESP_OK) {
        ud_idf_free(m);
        return err;
    }
    ud_idf_lock();
    if (++last_mapping == 0)
        last_mapping = 1;
    m->handle = last_mapping;
    m->next = mappings;
    mappings = m;
    *out_handle = m->handle;
    ud_idf_unlock();
    *out_ptr = m->bytes;
    return ESP_OK;
}

void esp_partition_munmap(esp_partition_mmap_handle_t handle)
{
    ud_idf_lock();
    struct mapping **at = &mappings;
    while (*at && (*at)->handle != handle)
        at = &(*at)->next;
    struct mapping *m = *at;
    if (m)
        *at = m->next;
    ud_idf_unlock();
    ud_idf_free(m);
}

void ud_idf_stop_partitions(void)
{
    esp_partition_unload_all();
    while (mappings)
        esp_partition_munmap(mappings->handle);
    last_mapping = 0;
}

/* ---- copy --------------------------------------------------------------------------------------------------------- */

esp_err_t esp_partition_copy(const esp_partition_t *dest_part, uint32_t dest_offset, const esp_partition_t *src_part,
                             uint32_t src_offset, size_t size)
{
    if (!dest_part || !src_part || dest_part == src_part)
        return ESP_ERR_INVALID_ARG;
    if (dest_offset > dest_part->size || src_offset > src_part->size)
        return ESP_ERR_INVALID_SIZE;
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_INVALID_STATE;
    bool rest = size == SIZE_MAX;
    if (rest)
        size = src_part->size - src_offset;
    uint32_t erase = dest_part->size - dest_offset;
    if (size > erase)
        return ESP_ERR_INVALID_SIZE;
    if (!rest && !ud_round_up((uint32_t)size, w->env.board->flash->geometry.sector, &erase))
        return ESP_ERR_INVALID_SIZE;
    if (!ud_idf_is_board_flash(src_part->flash_chip) || !ud_idf_is_board_flash(dest_part->flash_chip))
        return ESP_ERR_NOT_SUPPORTED;
    struct ud_partition dst, src;
    ud_idf_partition_like(dest_part, &dst);
    ud_idf_partition_like(src_part, &src);
    return ud_board_copy(w->env.board, &dst, dest_offset, &src, src_offset, (uint32_t)size, erase);
}

/* ---- block devices ------------------------------------------------------------------------------------------------ */

/* Addresses that do not fit the type of the partition's offsets lie beyond its end. */
static size_t offset_of(uint64_t addr)
{
    return addr > UINT32_MAX ? (size_t)UINT32_MAX : (size_t)addr;
}

static esp_err_t bd_read(esp_blockdev_handle_t dev, uint8_t *dst, size_t cap, uint64_t addr, size_t len)
{
    if (!dev || !dst || len > cap)
        return ESP_ERR_INVALID_ARG;
    return esp_partition_read(dev->ctx, offset_of(addr), dst, len);
}

static esp_err_t bd_write(esp_blockdev_handle_t dev, const uint8_t *src, uint64_t addr, size_t len)
{
    if (!dev || !src)
        return ESP_ERR_INVALID_ARG;
    return esp_partition_write(dev->ctx, offset_of(addr), src, len);
}

static esp_err_t bd_erase(esp_blockdev_handle_t dev, uint64_t addr, size_t len)
{
    return dev ? esp_partition_erase_range(dev->ctx, offset_of(addr), len) : ESP_ERR_INVALID_ARG;
}

static esp_err_t bd_sync(esp_blockdev_handle_t dev)
{
    return dev ? ESP_OK : ESP_ERR_INVALID_ARG; /* nothing is held back */
}

static esp_err_t bd_ioctl(esp_blockdev_handle_t dev, const uint8_t cmd, void *args)
{
    (void)cmd;
    (void)args;
    return dev ? ESP_ERR_NOT_SUPPORTED : ESP_ERR_INVALID_ARG;
}

static esp_err_t bd_release(esp_blockdev_handle_t dev)
{
    if (!dev)
        return ESP_ERR_INVALID_ARG;
    ud_idf_free(dev);
    return ESP_OK;
}

esp_err_t esp_partition_ptr_get_blockdev(const esp_partition_t *partition, esp_blockdev_handle_t *out_bdl_handle)
{
    static const esp_blockdev_ops_t ops = { bd_read, bd_write, bd_erase, bd_sync, bd_ioctl, bd_release };
    if (!partition || !out_bdl_handle)
        return ESP_ERR_INVALID_ARG;
    esp_blockdev_t *dev = ud_idf_alloc(sizeof *dev);
    if (!dev)
        return ESP_ERR_NO_MEM;
    memset(dev, 0, sizeof *dev);
    dev->ctx = (void *)(uintptr_t)partition; /* only ever read */
    dev->ops = &ops;
    dev->device_flags.read_only = partition->readonly;
    dev->device_flags.encrypted = partition->encrypted;
    dev->device_flags.erase_before_write = 1;
    dev->device_flags.and_type_write = 1;
    dev->device_flags.default_val_after_erase = 1;
    dev->geometry = (esp_blockdev_geometry_t){ .disk_size = partition->size,
                                               .read_size = 1,
                                               .write_size = partition->encrypted ? 16 : 1,
                                               .erase_size = partition->erase_size };
    *out_bdl_handle = dev;
    return ESP_OK;
}

esp_err_t esp_partition_get_blockdev(const esp_partition_type_t type, const esp_partition_subtype_t subtype,
                                     const char *label, esp_blockdev_handle_t *out_bdl_handle)
{
    const esp_partition_t *p;
    if (!out_bdl_handle)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = esp_partition_find_first_err(type, subtype, label, &p);
    return err == ESP_OK ? esp_partition_ptr_get_blockdev(p, out_bdl_handle) : err;
}
