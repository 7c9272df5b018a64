/* SPDX-License-Identifier: Apache-2.0 */
/* The version of ESP-IDF whose API this is: what `#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 0, 0)` compares. */
#ifndef ESP_IDF_VERSION_H
#define ESP_IDF_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define ESP_IDF_VERSION_MAJOR 6
#define ESP_IDF_VERSION_MINOR 2
#define ESP_IDF_VERSION_PATCH 0

#define ESP_IDF_VERSION_VAL(major, minor, patch) (((major) << 16) | ((minor) << 8) | (patch))
#define ESP_IDF_VERSION                          ESP_IDF_VERSION_VAL(ESP_IDF_VERSION_MAJOR, ESP_IDF_VERSION_MINOR, ESP_IDF_VERSION_PATCH)

/** "v6.2.0-updraft": the interface, and whose implementation it is. Static. */
const char *esp_get_idf_version(void);

#ifdef __cplusplus
}
#endif
#endif /* ESP_IDF_VERSION_H */
