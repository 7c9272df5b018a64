/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions of keys and values in use. */
#include "nvs_flash.h"

#include <string.h>

#include "nvs_face.h"

static struct nvs_mount *mounts;
static struct nvs_open_handle *handles;
static uint32_t last_serial;
static nvs_handle_t last_handle;

struct nvs_mount *ud_idf_nvs_mount(const char *label)
{
    struct nvs_mount *m = mounts;
    while (m && strcmp(m->label, label) != 0)
        m = m->next;
    return m;
}

struct nvs_mount *ud_idf_nvs_mount_by_serial(uint32_t serial)
{
    struct nvs_mount *m = mounts;
    while (m && m->serial != serial)
        m = m->next;
    return m;
}

bool ud_idf_nvs_has_mounts(void)
{
    return mounts != NULL;
}

/* ---- handles ---------------------------------------------------------------------------------------------------- */

struct nvs_open_handle *ud_idf_nvs_handle(nvs_handle_t number)
{
    struct nvs_open_handle *h = handles;
    while (h && h->number != number)
        h = h->next;
    return h;
}

void ud_idf_nvs_add_handle(struct nvs_open_handle *h)
{
    h->number = ++last_handle;
    h->next = handles;
    handles = h;
}

struct nvs_open_handle *ud_idf_nvs_take_handle(nvs_handle_t number)
{
    struct nvs_open_handle **at = &handles;
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    struct nvs_open_handle *h = *at;
    if (h)
        *at = h->next;
    return h;
}

/* ---- in and out of use ------------------------------------------------------------------------------------------ */

static bool take_out(const char *label)
{
    struct nvs_mount **at = &mounts;
    while (*at && strcmp((*at)->label, label) != 0)
        at = &(*at)->next;
    struct nvs_mount *m = *at;
    if (!m)
        return false;
    *at = m->next;
    for (struct nvs_open_handle **h = &handles; *h;) {
        struct nvs_open_handle *dead = *h;
        if (dead->mount != m) {
            h = &dead->next;
            continue;
        }
        *h = dead->next;
        ud_idf_free(dead);
    }
    ud_idf_free(m);
    return true;
}

/* Of ud_idf_stop; no lock, for nobody else is left. */
static void stop(void)
{
    while (mounts)
        (void)take_out(mounts->label);
    last_handle = 0;
    last_serial = 0;
}

static struct nvs_mount *make(const struct ud_partition *p)
{
    uint32_t pages = p->size / UD_NVS_PAGE_BYTES;
    struct nvs_mount *m = ud_idf_alloc(sizeof *m + pages * sizeof m->page[0]);
    if (!m)
        return NULL;
    memset(m, 0, sizeof *m);
    m->page_max = pages;
    memcpy(m->label, p->label, sizeof m->label);
    m->nvs.keep_types = ud_idf_world()->env.config->nvs_legacy_dup_keys;
    return m;
}

/* Under the lock. `fresh` is taken over, or left to the caller: `*used`. */
static esp_err_t put_in(struct ud_board *b, const struct ud_partition *p, struct nvs_mount *fresh, bool again,
                        bool *used)
{
    struct nvs_mount *m = ud_idf_nvs_mount(p->label);
    *used = false;
    if (m && !again)
        return ESP_OK;
    if (m)
        return ud_nvs_init(&m->nvs, b->flash, p, m->page, m->page_max);
    esp_err_t err = ud_nvs_init(&fresh->nvs, b->flash, p, fresh->page, fresh->page_max);
    if (err != ESP_OK)
        return err;
    *used = true;
    fresh->serial = ++last_serial;
    fresh->next = mounts;
    mounts = fresh;
    ud_idf_world()->stop_nvs = stop;
    return ESP_OK;
}

static esp_err_t mount(const esp_partition_t *partition, bool again)
{
    struct idf_world *w = ud_idf_world();
    struct ud_partition p;
    struct ud_board_hold hold;
    bool used;
    if (partition->encrypted)
        return ESP_ERR_NVS_WRONG_ENCRYPTION;
    if (!ud_idf_is_board_flash(partition->flash_chip))
        return ESP_ERR_NOT_SUPPORTED;
    ud_idf_partition_like(partition, &p);
    struct nvs_mount *fresh = make(&p);
    if (!fresh)
        return ESP_ERR_NO_MEM;
    ud_board_lock(w->env.board, &hold);
    esp_err_t err = put_in(w->env.board, &p, fresh, again, &used);
    ud_board_unlock(w->env.board, &hold);
    if (!used)
        ud_idf_free(fresh);
    return err;
}

static esp_err_t find(const char *label, const esp_partition_t **partition)
{
    if (!label || strlen(label) > NVS_PART_NAME_MAX_SIZE)
        return ESP_ERR_INVALID_ARG;
    return esp_partition_find_first_err(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, label, partition);
}

esp_err_t nvs_flash_init_partition(const char *partition_label)
{
    const esp_partition_t *partition;
    esp_err_t err = find(partition_label, &partition);
    return err == ESP_OK ? mount(partition, false) : err;
}

esp_err_t nvs_flash_init_partition_ptr(const esp_partition_t *partition)
{
    if (!partition)
        return ESP_ERR_INVALID_ARG;
    return ud_idf_world() ? mount(partition, true) : ESP_ERR_INVALID_STATE;
}

esp_err_t nvs_flash_init(void)
{
    return nvs_flash_init_partition(NVS_DEFAULT_PART_NAME);
}

esp_err_t nvs_flash_deinit_partition(const char *partition_label)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    if (!partition_label)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_NVS_NOT_INITIALIZED;
    ud_board_lock(w->env.board, &hold);
    bool was = take_out(partition_label);
    ud_board_unlock(w->env.board, &hold);
    return was ? ESP_OK : ESP_ERR_NVS_NOT_INITIALIZED;
}

esp_err_t nvs_flash_deinit(void)
{
    return nvs_flash_deinit_partition(NVS_DEFAULT_PART_NAME);
}

/* ---- erase ------------------------------------------------------------------------------------------------------ */

esp_err_t nvs_flash_erase_partition_ptr(const esp_partition_t *partition)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_partition p;
    struct ud_board_hold hold;
    if (!partition)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_INVALID_STATE;
    if (!ud_idf_is_board_flash(partition->flash_chip))
        return ESP_ERR_NOT_SUPPORTED;
    ud_idf_partition_like(partition, &p);
    ud_board_lock(w->env.board, &hold); /* over all of it, so that nobody mounts what is half erased */
    (void)take_out(p.label);
    esp_err_t err = ud_partition_erase(w->env.board->flash, &p, 0, p.size);
    ud_board_unlock(w->env.board, &hold);
    return err;
}

esp_err_t nvs_flash_erase_partition(const char *part_name)
{
    const esp_partition_t *partition;
    esp_err_t err = find(part_name, &partition);
    return err == ESP_OK ? nvs_flash_erase_partition_ptr(partition) : err;
}

esp_err_t nvs_flash_erase(void)
{
    return nvs_flash_erase_partition(NVS_DEFAULT_PART_NAME);
}

/* ---- encryption, which there is none of ------------------------------------------------------------------------- */

esp_err_t nvs_flash_secure_init_partition(const char *partition_label, nvs_sec_cfg_t *cfg)
{
    return cfg ? ESP_ERR_NVS_ENCR_NOT_SUPPORTED : nvs_flash_init_partition(partition_label);
}

esp_err_t nvs_flash_secure_init(nvs_sec_cfg_t *cfg)
{
    return nvs_flash_secure_init_partition(NVS_DEFAULT_PART_NAME, cfg);
}

esp_err_t nvs_flash_generate_keys(const esp_partition_t *partition, nvs_sec_cfg_t *cfg)
{
    return partition && cfg ? ESP_ERR_NVS_ENCR_NOT_SUPPORTED : ESP_ERR_INVALID_ARG;
}

esp_err_t nvs_flash_read_security_cfg(const esp_partition_t *partition, nvs_sec_cfg_t *cfg)
{
    return partition && cfg ? ESP_ERR_NVS_ENCR_NOT_SUPPORTED : ESP_ERR_INVALID_ARG;
}
