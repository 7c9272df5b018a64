/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_littlefs.h of the component littlefs is not there: there is no LittleFS on a virtual board: read and \
write the partition by esp_partition.h, or small settings by nvs.h"
