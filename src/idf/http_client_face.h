/* SPDX-License-Identifier: Apache-2.0 */
/* What esp_https_ota needs of the HTTP client beyond its public functions. */
#ifndef UPDRAFT_IDF_HTTP_CLIENT_FACE_H
#define UPDRAFT_IDF_HTTP_CLIENT_FACE_H

#include "esp_http_client.h"
#include "updraft/http.h"

/** The core behind a handle; lives as long as the handle. */
struct ud_http *ud_http_of(esp_http_client_handle_t client);

#endif
