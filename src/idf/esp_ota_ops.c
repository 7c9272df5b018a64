/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of the slots: handles over `ota`'s sessions, and otadata by esp_partition_t. A handle is looked up under the
 * room's mutex, then marked busy and used without it, so that two threads never use one session at once and no callback
 * runs under the mutex.
 */
#include "esp_ota_ops.h"

#include <string.h>

#include "esp_image_format.h"
#include "esp_system.h"
#include "room.h"

struct entry {
    struct entry *next;
    esp_ota_handle_t handle;
    uintptr_t user; /* thread that is using it now, 0 none */
    struct ud_ota_session session;
};

static struct entry *entries;
static esp_ota_handle_t last_handle;

/* ---- handles ---------------------------------------------------------------------------------------------------- */

/* Find and mark busy. ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_STATE: this very thread is in a call with it (a listener). */
static esp_err_t acquire(esp_ota_handle_t handle, struct entry **out)
{
    esp_err_t err;
    ud_idf_lock();
    for (;;) {
        struct entry *e = entries;
        while (e && e->handle != handle)
            e = e->next;
        err = !e ? ESP_ERR_NOT_FOUND : e->user == ud_idf_thread() ? ESP_ERR_INVALID_STATE : ESP_OK;
        if (err == ESP_OK && e->user != 0) {
            ud_idf_wait(UINT64_MAX);
            continue;
        }
        if (err == ESP_OK) {
            e->user = ud_idf_thread();
            *out = e;
        }
        break;
    }
    ud_idf_unlock();
    return err;
}

static void release(struct entry *e)
{
    ud_idf_lock();
    e->user = 0;
    ud_idf_changed();
    ud_idf_unlock();
}

static void forget(struct entry *e)
{
    ud_idf_lock();
    struct entry **at = &entries;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    ud_idf_changed();
    ud_idf_unlock();
    ud_idf_free(e);
}

static esp_ota_handle_t add(struct entry *e)
{
    ud_idf_lock();
    if (++last_handle == 0) /* 0 is never a session, also after 2^32 of them */
        last_handle = 1;
    e->handle = last_handle;
    e->next = entries;
    entries = e;
    esp_ota_handle_t handle = e->handle;
    ud_idf_unlock();
    return handle;
}

void ud_idf_stop_sessions(void)
{
    while (entries) {
        struct entry *e = entries;
        (void)ud_ota_abort(&e->session);
        forget(e);
    }
    last_handle = 0;
}

/* ---- sessions --------------------------------------------------------------------------------------------------- */

/* As ESP-IDF has it, one address beside the chip's own counts as a boot loader's, until the next session ends. */
static void expect_bootloader_at(const struct ud_partition *what, uint32_t address)
{
    if (what->type == UD_PART_BOOTLOADER)
        esp_image_bootloader_offset_set(address);
}

/* `offset` NULL: from the beginning. */
static esp_err_t open_session(const esp_partition_t *partition, size_t size, const size_t *offset,
                              esp_ota_handle_t *out_handle)
{
    if (!partition || !out_handle || (offset && *offset > partition->size))
        return ESP_ERR_INVALID_ARG;
    const struct ud_partition *p = ud_idf_partition_entry(partition);
    if (!p)
        return ESP_ERR_NOT_FOUND;
    /* On a chip an int of -1 ("length unknown") is OTA_SIZE_UNKNOWN; a wider size_t must not make it a size. */
    if (size >= SIZE_MAX - 1)
        size = (uint32_t)size;
    if (size > UINT32_MAX)
        return ESP_ERR_INVALID_SIZE;
    struct entry *e = ud_idf_alloc(sizeof *e);
    if (!e)
        return ESP_ERR_NO_MEM;
    memset(e, 0, sizeof *e);
    esp_err_t err = offset ? ud_ota_resume(ud_idf_ota(), &e->session, p, (uint32_t)size, (uint32_t)*offset)
                           : ud_ota_begin(ud_idf_ota(), &e->session, p, (uint32_t)size);
    if (err != ESP_OK) {
        ud_idf_free(e);
        return err;
    }
    expect_bootloader_at(p, p->addr);
    *out_handle = add(e);
    return ESP_OK;
}

esp_err_t esp_ota_begin(const esp_partition_t *partition, size_t image_size, esp_ota_handle_t *out_handle)
{
    return open_session(partition, image_size, NULL, out_handle);
}

esp_err_t esp_ota_resume(const esp_partition_t *partition, const size_t erase_size, const size_t image_offset,
                         esp_ota_handle_t *out_handle)
{
    return open_session(partition, erase_size, &image_offset, out_handle);
}

esp_err_t esp_ota_set_final_partition(esp_ota_handle_t handle, const esp_partition_t *final, bool finalize_with_copy)
{
    struct entry *e;
    if (!final)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = acquire(handle, &e);
    if (err != ESP_OK)
        return err;
    const struct ud_partition *p = ud_idf_partition_entry(final);
    struct ud_ota_session *s = &e->session;
    if (!p) /* what was written comes first, as in the core */
        err = s->written > 0 && !s->resumed ? ESP_ERR_INVALID_STATE : ESP_ERR_NOT_FOUND;
    else
        err = ud_ota_set_final(s, p, finalize_with_copy);
    if (err == ESP_OK && s->final != s->partition)
        expect_bootloader_at(s->final, s->partition->addr);
    release(e);
    return err;
}

esp_err_t esp_ota_write(esp_ota_handle_t handle, const void *data, size_t size)
{
    if (!data)
        return ESP_ERR_INVALID_ARG;
    if (size == 0)
        return ESP_OK;
    struct entry *e;
    esp_err_t err = acquire(handle, &e);
    if (err != ESP_OK)
        return err == ESP_ERR_NOT_FOUND ? ESP_ERR_INVALID_ARG : err;
    err = ud_ota_write(&e->session, data, size);
    release(e);
    return err;
}

esp_err_t esp_ota_write_with_offset(esp_ota_handle_t handle, const void *data, size_t size, uint32_t offset)
{
    struct entry *e;
    if (!data)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = acquire(handle, &e);
    if (err != ESP_OK)
        return err == ESP_ERR_NOT_FOUND ? ESP_ERR_INVALID_ARG : err;
    err = ud_ota_write_at(&e->session, data, size, offset);
    release(e);
    return err;
}

esp_err_t esp_ota_end(esp_ota_handle_t handle)
{
    struct entry *e;
    esp_err_t err = acquire(handle, &e);
    if (err != ESP_OK)
        return err;
    const struct idf_world *w = ud_idf_world();
    expect_bootloader_at(e->session.final, w->env.board->chip->bootloader_offset);
    err = ud_ota_end(&e->session);
    forget(e);
    return err;
}

esp_err_t esp_ota_abort(esp_ota_handle_t handle)
{
    struct entry *e;
    esp_err_t err = acquire(handle, &e);
    if (err != ESP_OK)
        return err;
    (void)ud_ota_abort(&e->session);
    forget(e);
    return ESP_OK;
}

/* ---- slots ------------------------------------------------------------------------------------------------------ */

/* Entry for a call that takes one of the table's partitions. */
static esp_err_t entry_of(const esp_partition_t *partition, const struct ud_partition **p)
{
    if (!partition)
        return ESP_ERR_INVALID_ARG;
    if (!ud_idf_world())
        return ESP_ERR_INVALID_STATE;
    *p = ud_idf_partition_entry(partition);
    return *p ? ESP_OK : ESP_ERR_NOT_FOUND;
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition)
{
    const struct ud_partition *p;
    esp_err_t err = entry_of(partition, &p);
    return err == ESP_OK ? ud_ota_set_boot(ud_idf_ota(), p) : err;
}

esp_err_t esp_ota_set_boot_partition_skip_validate(const esp_partition_t *partition)
{
    const struct ud_partition *p;
    esp_err_t err = entry_of(partition, &p);
    return err == ESP_OK ? ud_ota_set_boot_skip_validate(ud_idf_ota(), p) : err;
}

const esp_partition_t *esp_ota_get_boot_partition(void)
{
    return ud_idf_world() ? ud_idf_partition_object(ud_ota_get_boot(ud_idf_ota())) : NULL;
}

const esp_partition_t *esp_ota_get_running_partition(void)
{
    const struct idf_world *w = ud_idf_world();
    return w ? ud_idf_partition_object(w->env.board->running) : NULL;
}

const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *start_from)
{
    const struct idf_world *w = ud_idf_world();
    const struct ud_partition *from = ud_idf_partition_entry(start_from);
    if (!w || (start_from && !from)) /* ESP-IDF asserts on a partition that is not in the table */
        return NULL;
    return ud_idf_partition_object(ud_ota_next_update(w->env.board, from));
}

esp_err_t esp_ota_get_partition_description(const esp_partition_t *partition, esp_app_desc_t *app_desc)
{
    if (!partition || !app_desc)
        return ESP_ERR_INVALID_ARG;
    if (partition->type != ESP_PARTITION_TYPE_APP)
        return ESP_ERR_NOT_SUPPORTED;
    esp_err_t err = esp_partition_read(partition, UD_APP_DESC_OFFSET, app_desc, sizeof *app_desc);
    if (err == ESP_OK && app_desc->magic_word != ESP_APP_DESC_MAGIC_WORD)
        err = ESP_ERR_NOT_FOUND;
    return err;
}

esp_err_t esp_ota_get_bootloader_description(const esp_partition_t *bootloader_partition, esp_bootloader_desc_t *desc)
{
    const struct idf_world *w = ud_idf_world();
    if (!desc)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_INVALID_STATE;
    esp_partition_t primary = { .type = ESP_PARTITION_TYPE_BOOTLOADER };
    primary.address = w->env.board->chip->bootloader_offset;
    primary.size = w->env.board->table_offset - primary.address;
    esp_err_t err = esp_partition_read(bootloader_partition ? bootloader_partition : &primary, UD_APP_DESC_OFFSET, desc,
                                       sizeof *desc);
    if (err == ESP_OK && desc->magic_byte != ESP_BOOTLOADER_DESC_MAGIC_BYTE)
        err = ESP_ERR_NOT_FOUND;
    return err;
}

uint8_t esp_ota_get_app_partition_count(void)
{
    const struct idf_world *w = ud_idf_world();
    return w ? (uint8_t)ud_ota_slot_count(w->env.board) : 0;
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t *partition, esp_ota_img_states_t *ota_state)
{
    if (!partition || !ota_state)
        return ESP_ERR_INVALID_ARG;
    const struct ud_partition *p;
    esp_err_t err = entry_of(partition, &p);
    uint32_t state;
    if (err == ESP_OK)
        err = ud_ota_get_state(ud_idf_ota(), p, &state);
    if (err == ESP_OK)
        *ota_state = (esp_ota_img_states_t)state;
    return err;
}

/* ---- rollback --------------------------------------------------------------------------------------------------- */

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void)
{
    return ud_idf_world() ? ud_ota_mark_valid(ud_idf_ota()) : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_ota_mark_app_invalid_rollback(void)
{
    return ud_idf_world() ? ud_ota_mark_invalid(ud_idf_ota()) : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void)
{
    esp_err_t err = esp_ota_mark_app_invalid_rollback();
    if (err == ESP_OK)
        esp_restart();
    return err;
}

bool esp_ota_check_rollback_is_possible(void)
{
    return ud_idf_world() && ud_ota_is_rollback_possible(ud_idf_ota());
}

const esp_partition_t *esp_ota_get_last_invalid_partition(void)
{
    return ud_idf_world() ? ud_idf_partition_object(ud_ota_last_invalid(ud_idf_ota())) : NULL;
}

esp_err_t esp_ota_erase_last_boot_app_partition(void)
{
    return ud_idf_world() ? ud_ota_erase_last_boot_app(ud_idf_ota()) : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_ota_invalidate_inactive_ota_data_slot(void)
{
    return ud_idf_world() ? ud_ota_invalidate_inactive(ud_idf_ota()) : ESP_ERR_INVALID_STATE;
}

/* ---- judging ---------------------------------------------------------------------------------------------------- */

esp_err_t esp_ota_check_image_validity(esp_partition_type_t part_type, const esp_image_header_t *img_hdr,
                                       const esp_app_desc_t *app_desc)
{
    if (!img_hdr || (part_type != ESP_PARTITION_TYPE_APP && part_type != ESP_PARTITION_TYPE_BOOTLOADER))
        return ESP_ERR_INVALID_ARG;
    if (!ud_idf_world())
        return ESP_ERR_INVALID_STATE;
    struct ud_image_header h;
    esp_err_t err = ud_image_header_decode((const uint8_t *)img_hdr, sizeof *img_hdr, &h);
    if (err != ESP_OK)
        return err;
    if (part_type == ESP_PARTITION_TYPE_BOOTLOADER)
        return ud_ota_check_bootloader(ud_idf_ota(), &h);
    struct ud_app_desc desc;
    bool has_desc = app_desc && ud_app_desc_decode((const uint8_t *)app_desc, sizeof *app_desc, &desc) == ESP_OK;
    return ud_ota_check_image(ud_idf_ota(), &h, has_desc ? &desc : NULL);
}
