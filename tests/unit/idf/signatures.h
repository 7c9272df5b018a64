/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both signatures of esp_https_ota, in every form in which applications call it. Included by a C and by C++ programs:
 * that it compiles without a warning is most of the test; the results tell which function was called (one that takes the
 * older type has no `ota_resumption`, which today's answers with ESP_ERR_NOT_SUPPORTED).
 */
#ifndef TEST_SIGNATURES_H
#define TEST_SIGNATURES_H

#include "esp_https_ota.h"

/* The older type leads to begin, which refuses a URL without TLS; today's type asks for resumption. */
#define OLDER_RESULT ESP_ERR_INVALID_STATE /* no world was started: begin says so */
#define TODAY_RESULT ESP_ERR_NOT_SUPPORTED

static inline int call_by_type(void)
{
    int wrong = 0;
    esp_http_client_config_t older = {};
    older.url = "https://host/fw.bin";
    older.cert_pem = "ca";
    const esp_http_client_config_t const_older = older;
    esp_http_client_config_t *const older_pointer = &older;
    esp_https_ota_config_t today = {};
    today.http_config = &older;
    today.ota_resumption = true;
    const esp_https_ota_config_t const_today = today;
    const esp_https_ota_config_t *const today_pointer = &const_today;

    wrong += esp_https_ota(&older) != OLDER_RESULT;
    wrong += esp_https_ota(&const_older) != OLDER_RESULT;
    wrong += esp_https_ota(older_pointer) != OLDER_RESULT;
    wrong += esp_https_ota(&today) != TODAY_RESULT;
    wrong += esp_https_ota(&const_today) != TODAY_RESULT;
    wrong += esp_https_ota(today_pointer) != TODAY_RESULT;
    wrong += (esp_https_ota)(&today) != TODAY_RESULT;
    wrong += esp_https_ota(NULL) != ESP_ERR_INVALID_ARG;
    return wrong;
}

static inline int call_by_address(void)
{
    int wrong = 0;
    esp_http_client_config_t http = {};
    esp_https_ota_config_t today = {};
    today.http_config = &http;
    today.ota_resumption = true;
    esp_err_t (*by_address)(const esp_https_ota_config_t *) = &esp_https_ota;
    esp_err_t (*by_name)(const esp_https_ota_config_t *) = esp_https_ota;
    wrong += by_address != by_name;
    wrong += by_address(&today) != TODAY_RESULT;
    return wrong;
}

#endif /* TEST_SIGNATURES_H */
