/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate bundle: ESP-IDF's esp_crt_bundle.h. Here the bundle is the system's store of trusted CAs. */
#ifndef ESP_CRT_BUNDLE_H
#define ESP_CRT_BUNDLE_H

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * To be put into esp_http_client_config_t.crt_bundle_attach; that alone makes the client trust the system's CAs. Called
 * by hand it has nothing to attach to and returns ESP_OK.
 */
esp_err_t esp_crt_bundle_attach(void *conf);

#ifdef __cplusplus
}
#endif
#endif /* ESP_CRT_BUNDLE_H */
