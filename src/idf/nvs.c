/* SPDX-License-Identifier: Apache-2.0 */
/* Handles, values and walks over keys. */
#include "nvs.h"

#include <math.h>
#include <string.h>

#include "nvs_face.h"

_Static_assert((int)NVS_TYPE_BLOB == (int)UD_NVS_BLOB && (int)NVS_TYPE_STR == (int)UD_NVS_STR &&
                   (int)NVS_TYPE_I64 == (int)UD_NVS_I64 && (int)NVS_TYPE_DOUBLE == (int)UD_NVS_DOUBLE &&
                   (int)NVS_TYPE_ANY == (int)UD_NVS_ANY,
               "the types of nvs.h are those of flash");

/* One call: the lock, and the handle it is about. */
struct call {
    struct ud_board *board;
    struct ud_board_hold hold;
    const struct nvs_open_handle *h;
};

/* ESP_ERR_NVS_INVALID_HANDLE; then nothing is held. */
static esp_err_t enter(struct call *c, nvs_handle_t handle)
{
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_NVS_INVALID_HANDLE;
    c->board = w->env.board;
    ud_board_lock(c->board, &c->hold);
    c->h = ud_idf_nvs_handle(handle);
    if (c->h)
        return ESP_OK;
    ud_board_unlock(c->board, &c->hold);
    return ESP_ERR_NVS_INVALID_HANDLE;
}

static esp_err_t leave(struct call *c, esp_err_t err)
{
    ud_board_unlock(c->board, &c->hold);
    return err;
}

static esp_err_t enter_to_write(struct call *c, nvs_handle_t handle)
{
    esp_err_t err = enter(c, handle);
    return err == ESP_OK && c->h->read_only ? leave(c, ESP_ERR_NVS_READ_ONLY) : err;
}

/* ---- open and close --------------------------------------------------------------------------------------------- */

/* Under the lock. */
static esp_err_t open_in(const char *part_name, const char *name, struct nvs_open_handle *h)
{
    if (!ud_idf_nvs_has_mounts())
        return ESP_ERR_NVS_NOT_INITIALIZED;
    h->mount = ud_idf_nvs_mount(part_name);
    if (!h->mount)
        return ESP_ERR_NVS_PART_NOT_FOUND;
    esp_err_t err = ud_nvs_open(&h->mount->nvs, name, !h->read_only, &h->ns);
    if (err == ESP_OK)
        ud_idf_nvs_add_handle(h);
    return err;
}

esp_err_t nvs_open_from_partition(const char *part_name, const char *namespace_name, nvs_open_mode_t open_mode,
                                  nvs_handle_t *out_handle)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    if (!part_name || !namespace_name || !out_handle || open_mode > NVS_READWRITE_PURGE)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_NVS_NOT_INITIALIZED;
    struct nvs_open_handle *h = ud_idf_alloc(sizeof *h);
    if (!h)
        return ESP_ERR_NO_MEM;
    *h = (struct nvs_open_handle){ .read_only = open_mode == NVS_READONLY, .purge = open_mode == NVS_READWRITE_PURGE };
    ud_board_lock(w->env.board, &hold);
    esp_err_t err = open_in(part_name, namespace_name, h);
    if (err == ESP_OK)
        *out_handle = h->number;
    ud_board_unlock(w->env.board, &hold);
    if (err != ESP_OK)
        ud_idf_free(h);
    return err;
}

esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode, nvs_handle_t *out_handle)
{
    return nvs_open_from_partition(NVS_DEFAULT_PART_NAME, namespace_name, open_mode, out_handle);
}

void nvs_close(nvs_handle_t handle)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    if (!w)
        return;
    ud_board_lock(w->env.board, &hold);
    struct nvs_open_handle *h = ud_idf_nvs_take_handle(handle);
    ud_board_unlock(w->env.board, &hold);
    ud_idf_free(h);
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
    struct call c;
    esp_err_t err = enter(&c, handle);
    return err == ESP_OK ? leave(&c, ESP_OK) : err;
}

/* ---- set -------------------------------------------------------------------------------------------------------- */

static esp_err_t set(nvs_handle_t handle, const char *key, enum ud_nvs_type type, const void *value, size_t len)
{
    struct call c;
    if (!key || (!value && len > 0))
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter_to_write(&c, handle);
    if (err != ESP_OK)
        return err;
    const struct ud_nvs_key k = { .ns = c.h->ns, .key = key, .purge = c.h->purge };
    return leave(&c, ud_nvs_set(&c.h->mount->nvs, &k, type, value, len));
}

static esp_err_t set_number(nvs_handle_t handle, const char *key, enum ud_nvs_type type, uint64_t value)
{
    uint8_t bytes[8];
    ud_store_le32(bytes, (uint32_t)value);
    ud_store_le32(bytes + 4, (uint32_t)(value >> 32));
    return set(handle, key, type, bytes, (size_t)type & 15u);
}

static esp_err_t get_number(nvs_handle_t handle, const char *key, enum ud_nvs_type type, uint64_t *value)
{
    struct call c;
    uint8_t bytes[8] = { 0 };
    size_t len = sizeof bytes;
    if (!key)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter(&c, handle);
    if (err != ESP_OK)
        return err;
    err = leave(&c, ud_nvs_get(&c.h->mount->nvs, c.h->ns, key, type, bytes, &len));
    if (err == ESP_OK)
        *value = ud_load_le32(bytes) | (uint64_t)ud_load_le32(bytes + 4) << 32;
    return err;
}

/* A pair of functions for one type of integer. */
#define INTEGER(name, ctype, utype, type)                                                                              \
    esp_err_t nvs_set_##name(nvs_handle_t handle, const char *key, ctype value)                                        \
    {                                                                                                                  \
        return set_number(handle, key, type, (utype)value);                                                            \
    }                                                                                                                  \
    esp_err_t nvs_get_##name(nvs_handle_t handle, const char *key, ctype *out_value)                                   \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        if (!out_value)                                                                                                \
            return ESP_ERR_INVALID_ARG;                                                                                \
        esp_err_t err = get_number(handle, key, type, &value);                                                         \
        if (err == ESP_OK)                                                                                             \
            *out_value = (ctype)(utype)value;                                                                          \
        return err;                                                                                                    \
    }
INTEGER(i8, int8_t, uint8_t, UD_NVS_I8)
INTEGER(u8, uint8_t, uint8_t, UD_NVS_U8)
INTEGER(i16, int16_t, uint16_t, UD_NVS_I16)
INTEGER(u16, uint16_t, uint16_t, UD_NVS_U16)
INTEGER(i32, int32_t, uint32_t, UD_NVS_I32)
INTEGER(u32, uint32_t, uint32_t, UD_NVS_U32)
INTEGER(i64, int64_t, uint64_t, UD_NVS_I64)
INTEGER(u64, uint64_t, uint64_t, UD_NVS_U64)

esp_err_t nvs_set_float(nvs_handle_t handle, const char *key, float value)
{
    uint32_t bits;
    if (isnan(value))
        return ESP_ERR_INVALID_ARG;
    memcpy(&bits, &value, sizeof bits);
    return set_number(handle, key, UD_NVS_FLOAT, bits);
}

esp_err_t nvs_set_double(nvs_handle_t handle, const char *key, double value)
{
    uint64_t bits;
    if (isnan(value))
        return ESP_ERR_INVALID_ARG;
    memcpy(&bits, &value, sizeof bits);
    return set_number(handle, key, UD_NVS_DOUBLE, bits);
}

esp_err_t nvs_get_float(nvs_handle_t handle, const char *key, float *out_value)
{
    uint64_t bits;
    if (!out_value)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = get_number(handle, key, UD_NVS_FLOAT, &bits);
    uint32_t low = err == ESP_OK ? (uint32_t)bits : 0;
    if (err == ESP_OK)
        memcpy(out_value, &low, sizeof low);
    return err;
}

esp_err_t nvs_get_double(nvs_handle_t handle, const char *key, double *out_value)
{
    uint64_t bits;
    if (!out_value)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = get_number(handle, key, UD_NVS_DOUBLE, &bits);
    if (err == ESP_OK)
        memcpy(out_value, &bits, sizeof bits);
    return err;
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value)
{
    return value ? set(handle, key, UD_NVS_STR, value, strlen(value) + 1) : ESP_ERR_INVALID_ARG;
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length)
{
    return set(handle, key, UD_NVS_BLOB, value, length);
}

static esp_err_t get_bytes(nvs_handle_t handle, const char *key, enum ud_nvs_type type, void *out, size_t *length)
{
    struct call c;
    if (!key)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter(&c, handle);
    return err == ESP_OK ? leave(&c, ud_nvs_get(&c.h->mount->nvs, c.h->ns, key, type, out, length)) : err;
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *out_value, size_t *length)
{
    return get_bytes(handle, key, UD_NVS_STR, out_value, length);
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out_value, size_t *length)
{
    return get_bytes(handle, key, UD_NVS_BLOB, out_value, length);
}

/* ---- find, erase, figures --------------------------------------------------------------------------------------- */

esp_err_t nvs_find_key(nvs_handle_t handle, const char *key, nvs_type_t *out_type)
{
    struct call c;
    enum ud_nvs_type type = UD_NVS_ANY;
    if (!key)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter(&c, handle);
    if (err != ESP_OK)
        return err;
    err = leave(&c, ud_nvs_find(&c.h->mount->nvs, c.h->ns, key, &type));
    if (err == ESP_OK && out_type)
        *out_type = (nvs_type_t)type;
    return err;
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key)
{
    struct call c;
    if (!key)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = enter_to_write(&c, handle);
    if (err != ESP_OK)
        return err;
    const struct ud_nvs_key k = { .ns = c.h->ns, .key = key, .purge = c.h->purge };
    return leave(&c, ud_nvs_erase(&c.h->mount->nvs, &k));
}

esp_err_t nvs_erase_all(nvs_handle_t handle)
{
    struct call c;
    esp_err_t err = enter_to_write(&c, handle);
    return err == ESP_OK ? leave(&c, ud_nvs_erase_all(&c.h->mount->nvs, c.h->ns, c.h->purge)) : err;
}

esp_err_t nvs_purge_all(nvs_handle_t handle)
{
    struct call c;
    esp_err_t err = enter_to_write(&c, handle);
    return err == ESP_OK ? leave(&c, ud_nvs_purge(&c.h->mount->nvs, c.h->ns)) : err;
}

esp_err_t nvs_get_stats(const char *part_name, nvs_stats_t *nvs_stats)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    struct ud_nvs_stats s = { 0 };
    if (!nvs_stats)
        return ESP_ERR_INVALID_ARG;
    *nvs_stats = (nvs_stats_t){ 0 };
    if (!w)
        return ESP_ERR_NVS_NOT_INITIALIZED;
    ud_board_lock(w->env.board, &hold);
    struct nvs_mount *m = ud_idf_nvs_mount(part_name ? part_name : NVS_DEFAULT_PART_NAME);
    esp_err_t err = m ? ud_nvs_stats(&m->nvs, &s) : ESP_ERR_NVS_NOT_INITIALIZED;
    ud_board_unlock(w->env.board, &hold);
    *nvs_stats = (nvs_stats_t){ .used_entries = s.used,
                                .free_entries = s.free,
                                .available_entries = s.available,
                                .total_entries = s.total,
                                .namespace_count = s.namespaces };
    return err;
}

esp_err_t nvs_get_used_entry_count(nvs_handle_t handle, size_t *used_entries)
{
    struct call c;
    uint32_t entries = 0;
    if (!used_entries)
        return ESP_ERR_INVALID_ARG;
    *used_entries = 0;
    esp_err_t err = enter(&c, handle);
    if (err != ESP_OK)
        return err;
    err = leave(&c, ud_nvs_used(&c.h->mount->nvs, c.h->ns, &entries));
    *used_entries = entries;
    return err;
}

/* ---- walks ------------------------------------------------------------------------------------------------------ */

struct nvs_opaque_iterator_t {
    uint32_t mount; /* serial: the partition may have gone out of use meanwhile */
    uint8_t ns;     /* 0: all */
    enum ud_nvs_type type;
    struct ud_nvs_walk walk;
    struct ud_nvs_info info;
};

static esp_err_t advance(struct nvs_mount *m, struct nvs_opaque_iterator_t *it)
{
    return m ? ud_nvs_next(&m->nvs, &it->walk, it->ns, it->type, &it->info) : ESP_ERR_NVS_NOT_FOUND;
}

/* Under the lock. */
static esp_err_t begin_walk(struct nvs_mount *m, const char *name, struct nvs_opaque_iterator_t *it)
{
    if (!m)
        return ESP_ERR_NVS_NOT_FOUND;
    it->mount = m->serial;
    esp_err_t err = name ? ud_nvs_open(&m->nvs, name, false, &it->ns) : ESP_OK;
    return err == ESP_OK ? advance(m, it) : err;
}

static esp_err_t new_iterator(nvs_type_t type, nvs_iterator_t *out)
{
    *out = ud_idf_alloc(sizeof **out);
    if (!*out)
        return ESP_ERR_NO_MEM;
    memset(*out, 0, sizeof **out);
    (*out)->type = (enum ud_nvs_type)type;
    return ESP_OK;
}

/* What a walk that has not begun, or is over, leaves. */
static esp_err_t end_walk(nvs_iterator_t *it, esp_err_t err)
{
    if (err != ESP_OK) {
        ud_idf_free(*it);
        *it = NULL;
    }
    return err;
}

esp_err_t nvs_entry_find(const char *part_name, const char *namespace_name, nvs_type_t type,
                         nvs_iterator_t *output_iterator)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    if (!part_name || !output_iterator)
        return ESP_ERR_INVALID_ARG;
    *output_iterator = NULL;
    if (!w)
        return ESP_ERR_NVS_NOT_FOUND;
    esp_err_t err = new_iterator(type, output_iterator);
    if (err != ESP_OK)
        return err;
    ud_board_lock(w->env.board, &hold);
    err = begin_walk(ud_idf_nvs_mount(part_name), namespace_name, *output_iterator);
    ud_board_unlock(w->env.board, &hold);
    return end_walk(output_iterator, err);
}

esp_err_t nvs_entry_find_in_handle(nvs_handle_t handle, nvs_type_t type, nvs_iterator_t *output_iterator)
{
    struct call c;
    if (!output_iterator)
        return ESP_ERR_INVALID_ARG;
    *output_iterator = NULL;
    if (!ud_idf_world())
        return ESP_ERR_NVS_INVALID_HANDLE;
    esp_err_t err = new_iterator(type, output_iterator);
    if (err != ESP_OK)
        return err;
    err = enter(&c, handle);
    if (err == ESP_OK) {
        (*output_iterator)->ns = c.h->ns;
        err = leave(&c, begin_walk(c.h->mount, NULL, *output_iterator));
    }
    return end_walk(output_iterator, err);
}

esp_err_t nvs_entry_next(nvs_iterator_t *iterator)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_board_hold hold;
    if (!iterator || !*iterator)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_NVS_NOT_INITIALIZED;
    ud_board_lock(w->env.board, &hold);
    esp_err_t err = advance(ud_idf_nvs_mount_by_serial((*iterator)->mount), *iterator);
    ud_board_unlock(w->env.board, &hold);
    return end_walk(iterator, err);
}

esp_err_t nvs_entry_info(const nvs_iterator_t iterator, nvs_entry_info_t *out_info)
{
    if (!iterator || !out_info)
        return ESP_ERR_INVALID_ARG;
    *out_info = (nvs_entry_info_t){ .type = (nvs_type_t)iterator->info.type };
    memcpy(out_info->namespace_name, iterator->info.ns, sizeof out_info->namespace_name);
    memcpy(out_info->key, iterator->info.key, sizeof out_info->key);
    return ESP_OK;
}

void nvs_release_iterator(nvs_iterator_t iterator)
{
    ud_idf_free(iterator);
}
