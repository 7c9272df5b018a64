/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keys and values in flash: ESP-IDF's nvs.h. Values lie in the board's NVS partition in ESP-IDF's own format, so that
 * they survive resets, and partitions of factory tools are read. Every set and erase is in flash when it returns; a
 * loss of power leaves the old or the new value. Any thread, any callback; calls are serialised by the board's lock.
 */
#ifndef NVS_H
#define NVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_attr.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NVS_DEFAULT_PART_NAME  "nvs"
#define NVS_PART_NAME_MAX_SIZE 16 /* without the NUL */
#define NVS_KEY_NAME_MAX_SIZE  16 /* with it */
#define NVS_NS_NAME_MAX_SIZE   16 /* with it */

typedef uint32_t nvs_handle_t;
typedef nvs_handle_t nvs_handle; /* older name */

typedef enum {
    NVS_READONLY = 0,
    NVS_READWRITE = 1,
    NVS_READWRITE_PURGE = 2, /* what is erased or replaced is overwritten with zeros */
} nvs_open_mode_t;
typedef nvs_open_mode_t nvs_open_mode; /* older name */

typedef enum {
    NVS_TYPE_U8 = 0x01,
    NVS_TYPE_I8 = 0x11,
    NVS_TYPE_U16 = 0x02,
    NVS_TYPE_I16 = 0x12,
    NVS_TYPE_U32 = 0x04,
    NVS_TYPE_I32 = 0x14,
    NVS_TYPE_U64 = 0x08,
    NVS_TYPE_I64 = 0x18,
    NVS_TYPE_FLOAT = 0x24,
    NVS_TYPE_DOUBLE = 0x28,
    NVS_TYPE_STR = 0x21,
    NVS_TYPE_BLOB = 0x42,
    NVS_TYPE_ANY = 0xff,
} nvs_type_t;

typedef struct {
    char namespace_name[NVS_NS_NAME_MAX_SIZE];
    char key[NVS_KEY_NAME_MAX_SIZE];
    nvs_type_t type;
} nvs_entry_info_t;

typedef struct nvs_opaque_iterator_t *nvs_iterator_t;

typedef struct {
    size_t used_entries;
    size_t free_entries;
    size_t available_entries; /* without the page that is kept blank */
    size_t total_entries;
    size_t namespace_count;
} nvs_stats_t;

/**
 * Open a namespace of partition "nvs", or of `part_name`; for writing it is created. Handles are never given again.
 *
 * @return ESP_OK; ESP_ERR_NVS_NOT_INITIALIZED no partition is; ESP_ERR_NVS_PART_NOT_FOUND this one is not;
 * ESP_ERR_NVS_NOT_FOUND no such namespace; ESP_ERR_NVS_KEY_TOO_LONG; ESP_ERR_NVS_NOT_ENOUGH_SPACE; ESP_ERR_NOT_ALLOWED
 * for writing in a read-only partition; ESP_ERR_NO_MEM; ESP_ERR_INVALID_ARG
 */
esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode, nvs_handle_t *out_handle);
esp_err_t nvs_open_from_partition(const char *part_name, const char *namespace_name, nvs_open_mode_t open_mode,
                                  nvs_handle_t *out_handle);
/** An unknown handle is ignored. */
void nvs_close(nvs_handle_t handle);
/** Nothing is left to be done: ESP_OK, or ESP_ERR_NVS_INVALID_HANDLE. */
esp_err_t nvs_commit(nvs_handle_t handle);

/**
 * Store a value; one of another type under the same key is replaced, an equal one writes nothing.
 *
 * @return ESP_OK; ESP_ERR_NVS_INVALID_HANDLE; ESP_ERR_NVS_READ_ONLY; ESP_ERR_NVS_KEY_TOO_LONG 15 characters are all;
 * ESP_ERR_NVS_VALUE_TOO_LONG a string beyond 4000 bytes with its NUL, a blob beyond what the partition could ever hold;
 * ESP_ERR_NVS_NOT_ENOUGH_SPACE; ESP_ERR_NVS_REMOVE_FAILED the new value is stored, the old one could not be erased;
 * ESP_ERR_NVS_INVALID_STATE the flash has failed before: init again; ESP_ERR_INVALID_ARG NULL, or not a number; the
 * flash's own codes
 */
esp_err_t nvs_set_i8(nvs_handle_t handle, const char *key, int8_t value);
esp_err_t nvs_set_u8(nvs_handle_t handle, const char *key, uint8_t value);
esp_err_t nvs_set_i16(nvs_handle_t handle, const char *key, int16_t value);
esp_err_t nvs_set_u16(nvs_handle_t handle, const char *key, uint16_t value);
esp_err_t nvs_set_i32(nvs_handle_t handle, const char *key, int32_t value);
esp_err_t nvs_set_u32(nvs_handle_t handle, const char *key, uint32_t value);
esp_err_t nvs_set_i64(nvs_handle_t handle, const char *key, int64_t value);
esp_err_t nvs_set_u64(nvs_handle_t handle, const char *key, uint64_t value);
esp_err_t nvs_set_float(nvs_handle_t handle, const char *key, float value);
esp_err_t nvs_set_double(nvs_handle_t handle, const char *key, double value);
esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value);
esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length);

/**
 * Read a value; `out_value` is untouched unless ESP_OK. ESP_ERR_NVS_NOT_FOUND: no such key, or one of another type.
 */
esp_err_t nvs_get_i8(nvs_handle_t handle, const char *key, int8_t *out_value);
esp_err_t nvs_get_u8(nvs_handle_t handle, const char *key, uint8_t *out_value);
esp_err_t nvs_get_i16(nvs_handle_t handle, const char *key, int16_t *out_value);
esp_err_t nvs_get_u16(nvs_handle_t handle, const char *key, uint16_t *out_value);
esp_err_t nvs_get_i32(nvs_handle_t handle, const char *key, int32_t *out_value);
esp_err_t nvs_get_u32(nvs_handle_t handle, const char *key, uint32_t *out_value);
esp_err_t nvs_get_i64(nvs_handle_t handle, const char *key, int64_t *out_value);
esp_err_t nvs_get_u64(nvs_handle_t handle, const char *key, uint64_t *out_value);
esp_err_t nvs_get_float(nvs_handle_t handle, const char *key, float *out_value);
esp_err_t nvs_get_double(nvs_handle_t handle, const char *key, double *out_value);
/**
 * `*length`: the room in `out_value`, then the length (of a string with its NUL); `out_value` NULL asks for it.
 * ESP_ERR_NVS_INVALID_LENGTH: too little room, or `length` NULL. A value that does not match its CRC is erased:
 * ESP_ERR_NVS_NOT_FOUND; so is a blob with a part missing: ESP_FAIL.
 */
esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *out_value, size_t *length);
esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out_value, size_t *length);

/** The type of a key; `out_type` may be NULL. ESP_ERR_NVS_NOT_FOUND. */
esp_err_t nvs_find_key(nvs_handle_t handle, const char *key, nvs_type_t *out_type);
/** ESP_ERR_NVS_NOT_FOUND. */
esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key);
/** All keys of the namespace; the namespace stays. */
esp_err_t nvs_erase_all(nvs_handle_t handle);
/** Overwrite with zeros what was erased of this namespace. */
esp_err_t nvs_purge_all(nvs_handle_t handle);

/** Figures of a partition, NULL: "nvs". All 0 with ESP_ERR_NVS_NOT_INITIALIZED. */
esp_err_t nvs_get_stats(const char *part_name, nvs_stats_t *nvs_stats);
/** Entries that the keys of the namespace use; 0 on an error. */
esp_err_t nvs_get_used_entry_count(nvs_handle_t handle, size_t *used_entries);

/**
 * Walk over keys, of a namespace (NULL: of all) and of a type or NVS_TYPE_ANY. ESP_ERR_NVS_NOT_FOUND: nothing, or no
 * more; the iterator is NULL then, else it is released by hand. Writes in between may make a walk miss a key or meet
 * one twice.
 */
esp_err_t nvs_entry_find(const char *part_name, const char *namespace_name, nvs_type_t type,
                         nvs_iterator_t *output_iterator);
esp_err_t nvs_entry_find_in_handle(nvs_handle_t handle, nvs_type_t type, nvs_iterator_t *output_iterator);
esp_err_t nvs_entry_next(nvs_iterator_t *iterator);
esp_err_t nvs_entry_info(const nvs_iterator_t iterator, nvs_entry_info_t *out_info);
void nvs_release_iterator(nvs_iterator_t iterator);

#ifdef __cplusplus
}
#endif
#endif /* NVS_H */
