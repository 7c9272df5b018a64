/* SPDX-License-Identifier: Apache-2.0 */
/* Only the name of a block device handle, which esp_partition.h passes on. */
#ifndef ESP_BLOCKDEV_H
#define ESP_BLOCKDEV_H

typedef struct esp_blockdev esp_blockdev_t;
typedef esp_blockdev_t *esp_blockdev_handle_t;

#endif /* ESP_BLOCKDEV_H */
