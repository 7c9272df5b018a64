/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_spiffs.h of the component spiffs is not there: there is no SPIFFS on a virtual board: read and write \
the partition by esp_partition.h, or small settings by nvs.h"
