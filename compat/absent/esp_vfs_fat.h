/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_vfs_fat.h of the component fatfs is not there: there is no FAT on a virtual board: read and write \
the partition by esp_partition.h, or small settings by nvs.h"
