/* SPDX-License-Identifier: Apache-2.0 */
/* Every header of ESP-IDF's names in C++, and both signatures of esp_https_ota: a template takes the older type only. */
#include <cstdio>

#include "bootloader_common.h"
#include "esp_app_desc.h"
#include "esp_attr.h"
#include "esp_bit_defs.h"
#include "esp_check.h"
#include "esp_err.h"
#include "esp_event.h"
#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_idf_version.h"
#include "esp_image_format.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_random.h"
#include "esp_system.h"
#include "spi_flash_mmap.h"

#include "../unit/idf/signatures.h"

static esp_err_t leave_on_error(esp_err_t code)
{
    ESP_RETURN_ON_ERROR(code, "tag", "number %d", 1);
    ESP_LOGI("tag", "no arguments");
    return ESP_OK;
}

int main()
{
    int wrong = call_by_type() + call_by_address();
    wrong += esp_https_ota(nullptr) != ESP_ERR_INVALID_ARG;
    esp_err_t (*older)(esp_http_client_config_t *) = &esp_https_ota<esp_http_client_config_t>;
    wrong += older(nullptr) != ESP_ERR_INVALID_ARG;
    wrong += leave_on_error(ESP_FAIL) != ESP_FAIL;
    wrong += ESP_ERROR_CHECK_WITHOUT_ABORT(ESP_OK) != ESP_OK;
    if (wrong != 0)
        std::printf("%d calls went to the wrong function\n", wrong);
    return wrong != 0;
}
