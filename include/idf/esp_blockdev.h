/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices: the part of ESP-IDF's esp_blockdev.h that a partition needs to be one. */
#ifndef ESP_BLOCKDEV_H
#define ESP_BLOCKDEV_H

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct esp_blockdev esp_blockdev_t;
typedef esp_blockdev_t *esp_blockdev_handle_t;

typedef struct {
    union {
        struct {
            uint32_t read_only : 1;
            uint32_t encrypted : 1;
            uint32_t erase_before_write : 1;
            uint32_t and_type_write : 1;          /* a write only clears bits */
            uint32_t default_val_after_erase : 1; /* 1: erased bytes are FF */
            uint32_t reserved : 27;
        };
        uint32_t val;
    };
} esp_blockdev_flags_t;

/** Units that addresses and lengths must be multiples of; a recommended size of 0 recommends nothing. */
typedef struct {
    uint64_t disk_size;
    size_t read_size;
    size_t write_size;
    size_t erase_size;
    size_t recommended_write_size;
    size_t recommended_read_size;
    size_t recommended_erase_size;
} esp_blockdev_geometry_t;

typedef struct {
    esp_err_t (*read)(esp_blockdev_handle_t dev_handle, uint8_t *dst_buf, size_t dst_buf_size, uint64_t src_addr,
                      size_t data_read_len);
    esp_err_t (*write)(esp_blockdev_handle_t dev_handle, const uint8_t *src_buf, uint64_t dst_addr,
                       size_t data_write_len);
    esp_err_t (*erase)(esp_blockdev_handle_t dev_handle, uint64_t start_addr, size_t erase_len);
    esp_err_t (*sync)(esp_blockdev_handle_t dev_handle);
    esp_err_t (*ioctl)(esp_blockdev_handle_t dev_handle, const uint8_t cmd, void *args);
    esp_err_t (*release)(esp_blockdev_handle_t dev_handle); /* frees the device */
} esp_blockdev_ops_t;

struct esp_blockdev {
    void *ctx;
    esp_blockdev_flags_t device_flags;
    esp_blockdev_geometry_t geometry;
    const esp_blockdev_ops_t *ops;
};

#ifdef __cplusplus
}
#endif
#endif /* ESP_BLOCKDEV_H */
