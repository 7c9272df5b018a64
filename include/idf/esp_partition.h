/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Partitions of the board: ESP-IDF's esp_partition.h. One object an entry of the table, the same pointer for the life
 * of the program. Any thread, any callback: the board's lock is held for one flash step at a time.
 */
#ifndef ESP_PARTITION_H
#define ESP_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_attr.h"
#include "esp_bit_defs.h"
#include "esp_blockdev.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct esp_flash_t esp_flash_t;

typedef enum {
    ESP_PARTITION_TYPE_APP = 0x00,
    ESP_PARTITION_TYPE_DATA = 0x01,
    ESP_PARTITION_TYPE_BOOTLOADER = 0x02,
    ESP_PARTITION_TYPE_PARTITION_TABLE = 0x03,
    ESP_PARTITION_TYPE_ANY = 0xff,
} esp_partition_type_t;

typedef enum {
    ESP_PARTITION_SUBTYPE_BOOTLOADER_PRIMARY = 0x00,
    ESP_PARTITION_SUBTYPE_BOOTLOADER_OTA = 0x01,
    ESP_PARTITION_SUBTYPE_BOOTLOADER_RECOVERY = 0x02,
    ESP_PARTITION_SUBTYPE_PARTITION_TABLE_PRIMARY = 0x00,
    ESP_PARTITION_SUBTYPE_PARTITION_TABLE_OTA = 0x01,
    ESP_PARTITION_SUBTYPE_APP_FACTORY = 0x00,
    ESP_PARTITION_SUBTYPE_APP_OTA_MIN = 0x10,
    ESP_PARTITION_SUBTYPE_APP_OTA_0 = 0x10,
    ESP_PARTITION_SUBTYPE_APP_OTA_1 = 0x11,
    ESP_PARTITION_SUBTYPE_APP_OTA_2 = 0x12,
    ESP_PARTITION_SUBTYPE_APP_OTA_3 = 0x13,
    ESP_PARTITION_SUBTYPE_APP_OTA_4 = 0x14,
    ESP_PARTITION_SUBTYPE_APP_OTA_5 = 0x15,
    ESP_PARTITION_SUBTYPE_APP_OTA_6 = 0x16,
    ESP_PARTITION_SUBTYPE_APP_OTA_7 = 0x17,
    ESP_PARTITION_SUBTYPE_APP_OTA_8 = 0x18,
    ESP_PARTITION_SUBTYPE_APP_OTA_9 = 0x19,
    ESP_PARTITION_SUBTYPE_APP_OTA_10 = 0x1A,
    ESP_PARTITION_SUBTYPE_APP_OTA_11 = 0x1B,
    ESP_PARTITION_SUBTYPE_APP_OTA_12 = 0x1C,
    ESP_PARTITION_SUBTYPE_APP_OTA_13 = 0x1D,
    ESP_PARTITION_SUBTYPE_APP_OTA_14 = 0x1E,
    ESP_PARTITION_SUBTYPE_APP_OTA_15 = 0x1F,
    ESP_PARTITION_SUBTYPE_APP_OTA_MAX = 0x20,
    ESP_PARTITION_SUBTYPE_APP_TEST = 0x20,
    ESP_PARTITION_SUBTYPE_APP_TEE_MIN = 0x30,
    ESP_PARTITION_SUBTYPE_APP_TEE_0 = 0x30,
    ESP_PARTITION_SUBTYPE_APP_TEE_1 = 0x31,
    ESP_PARTITION_SUBTYPE_APP_TEE_MAX = 0x31,
    ESP_PARTITION_SUBTYPE_DATA_OTA = 0x00,
    ESP_PARTITION_SUBTYPE_DATA_PHY = 0x01,
    ESP_PARTITION_SUBTYPE_DATA_NVS = 0x02,
    ESP_PARTITION_SUBTYPE_DATA_COREDUMP = 0x03,
    ESP_PARTITION_SUBTYPE_DATA_NVS_KEYS = 0x04,
    ESP_PARTITION_SUBTYPE_DATA_EFUSE_EM = 0x05,
    ESP_PARTITION_SUBTYPE_DATA_UNDEFINED = 0x06,
    ESP_PARTITION_SUBTYPE_DATA_ESPHTTPD = 0x80,
    ESP_PARTITION_SUBTYPE_DATA_FAT = 0x81,
    ESP_PARTITION_SUBTYPE_DATA_SPIFFS = 0x82,
    ESP_PARTITION_SUBTYPE_DATA_LITTLEFS = 0x83,
    ESP_PARTITION_SUBTYPE_DATA_TEE_OTA = 0x90,
    ESP_PARTITION_SUBTYPE_ANY = 0xff,
} esp_partition_subtype_t;

#define ESP_PARTITION_SUBTYPE_OTA(i) ((esp_partition_subtype_t)(ESP_PARTITION_SUBTYPE_APP_OTA_MIN + ((i)&0xf)))

typedef struct {
    esp_flash_t *flash_chip; /* NULL: the board's own flash */
    esp_partition_type_t type;
    esp_partition_subtype_t subtype;
    uint32_t address;
    uint32_t size;
    uint32_t erase_size;
    char label[17];
    bool encrypted;
    bool readonly;
} esp_partition_t;

/** How a range is mapped; flags are OR-ed. All are accepted: what is mapped here is a copy in memory. */
typedef enum {
    ESP_PARTITION_MMAP_DATA = 0,
    ESP_PARTITION_MMAP_INST = 1,
    ESP_PARTITION_MMAP_BLOCKS_WRITE = 2,
} esp_partition_mmap_flag_t;
#define esp_partition_mmap_memory_t esp_partition_mmap_flag_t

typedef uint32_t esp_partition_mmap_handle_t;

typedef struct esp_partition_iterator_opaque_ *esp_partition_iterator_t;

/**
 * Partitions that match; type ANY goes with subtype ANY only, label NULL is any. The label is kept, not copied. An
 * iterator is released by hand, or by the `next` that goes past the end. The _err forms say why there is nothing:
 * ESP_ERR_INVALID_ARG, ESP_ERR_NOT_FOUND, ESP_ERR_NO_MEM.
 */
esp_partition_iterator_t esp_partition_find(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                            const char *label);
esp_err_t esp_partition_find_err(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label,
                                 esp_partition_iterator_t *it);
const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label);
esp_err_t esp_partition_find_first_err(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label,
                                       const esp_partition_t **partition);
const esp_partition_t *esp_partition_get(esp_partition_iterator_t iterator);
esp_partition_iterator_t esp_partition_next(esp_partition_iterator_t iterator);
void esp_partition_iterator_release(esp_partition_iterator_t iterator);

/** The table's own object equal to `partition` in type, subtype, label (empty: any), chip, address, size, encrypted. */
const esp_partition_t *esp_partition_verify(const esp_partition_t *partition);
esp_err_t esp_partition_verify_err(const esp_partition_t *partition, const esp_partition_t **out_partition);

/**
 * Bounded access. In this order: ESP_ERR_NOT_ALLOWED read-only (write, erase); ESP_ERR_INVALID_ARG offset beyond the
 * end; ESP_ERR_INVALID_SIZE length beyond it; erase: ESP_ERR_INVALID_SIZE, ESP_ERR_INVALID_ARG not on a sector; then
 * the flash's own. A write only clears bits; bytes that would have to be set are ESP_ERR_FLASH_OP_FAIL.
 */
esp_err_t esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size);
esp_err_t esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size);
esp_err_t esp_partition_read_raw(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size);
esp_err_t esp_partition_write_raw(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size);

/**
 * APP and BOOTLOADER: the image's SHA-256 (as appended, and it must be right; of the whole image without one). Others:
 * of the whole region. Looks at type, address and size only. ESP_ERR_INVALID_ARG; ESP_ERR_IMAGE_INVALID; the flash's.
 */
esp_err_t esp_partition_get_sha256(const esp_partition_t *partition, uint8_t *sha_256);
/** Both have a SHA-256, and it is the same. */
bool esp_partition_check_identity(const esp_partition_t *partition_1, const esp_partition_t *partition_2);
uint32_t esp_partition_get_main_flash_sector_size(void);

/**
 * Memory that holds [offset, offset + size) as it is at this moment, exactly from `*out_ptr` on, until munmap.
 * ESP_ERR_INVALID_ARG NULL, offset beyond the end; ESP_ERR_INVALID_SIZE; ESP_ERR_NOT_SUPPORTED another chip;
 * ESP_ERR_NO_MEM; the flash's own. A handle is never 0; unmapping an unknown one does nothing.
 */
esp_err_t esp_partition_mmap(const esp_partition_t *partition, size_t offset, size_t size,
                             esp_partition_mmap_flag_t flags, const void **out_ptr,
                             esp_partition_mmap_handle_t *out_handle);
void esp_partition_munmap(esp_partition_mmap_handle_t handle);

/**
 * Make a partition beside the table, found behind those of the table. `flash_chip` NULL or esp_flash_default_chip;
 * ESP_ERR_NOT_SUPPORTED another; ESP_ERR_INVALID_SIZE beyond the flash; ESP_ERR_INVALID_ARG it overlaps one that is
 * listed; ESP_ERR_NO_MEM.
 */
esp_err_t esp_partition_register_external(esp_flash_t *flash_chip, size_t offset, size_t size, const char *label,
                                          esp_partition_type_t type, esp_partition_subtype_t subtype,
                                          const esp_partition_t **out_partition);
/** ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_ARG one of the table; ESP_ERR_INVALID_STATE an OTA session uses it. */
esp_err_t esp_partition_deregister_external(const esp_partition_t *partition);
/** Forget those that were registered and that no session uses; those of the table stay as they are. */
void esp_partition_unload_all(void);

/**
 * Erase and write. `size` SIZE_MAX: the rest of the source, over the rest of the destination, which is erased whole.
 * ESP_ERR_INVALID_ARG NULL, the same partition, dest_offset not on a sector; ESP_ERR_INVALID_SIZE a range outside its
 * partition, before anything is touched; ESP_ERR_NOT_SUPPORTED another chip; ESP_ERR_NOT_ALLOWED; the flash's own.
 */
esp_err_t esp_partition_copy(const esp_partition_t *dest_part, uint32_t dest_offset, const esp_partition_t *src_part,
                             uint32_t src_offset, size_t size);

/** A partition as a block device, freed by its `release`. ESP_ERR_INVALID_ARG, ESP_ERR_NOT_FOUND, ESP_ERR_NO_MEM. */
esp_err_t esp_partition_get_blockdev(const esp_partition_type_t type, const esp_partition_subtype_t subtype,
                                     const char *label, esp_blockdev_handle_t *out_bdl_handle);
esp_err_t esp_partition_ptr_get_blockdev(const esp_partition_t *partition, esp_blockdev_handle_t *out_bdl_handle);

#ifdef __cplusplus
}

inline esp_partition_mmap_flag_t operator|(esp_partition_mmap_flag_t a, esp_partition_mmap_flag_t b)
{
    return static_cast<esp_partition_mmap_flag_t>(static_cast<int>(a) | static_cast<int>(b));
}
inline esp_partition_mmap_flag_t operator&(esp_partition_mmap_flag_t a, esp_partition_mmap_flag_t b)
{
    return static_cast<esp_partition_mmap_flag_t>(static_cast<int>(a) & static_cast<int>(b));
}
inline esp_partition_mmap_flag_t &operator|=(esp_partition_mmap_flag_t &a, esp_partition_mmap_flag_t b)
{
    return a = a | b;
}
#endif
#endif /* ESP_PARTITION_H */
