/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes and the checks that end a program: ESP-IDF's esp_err.h. The codes themselves stand in updraft/err.h. */
#ifndef ESP_ERR_H
#define ESP_ERR_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "updraft/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Name of a code; "ERROR" (or "UNKNOWN ERROR" without ESP_ERR_TO_NAME_LOOKUP) for an unknown one. Static storage. */
const char *esp_err_to_name(esp_err_t code);
/** As above into `buf`; an unknown code becomes the C library's words for it, or "<unknown text> 0x%x(%d)". */
const char *esp_err_to_name_r(esp_err_t code, char *buf, size_t buflen);

/* What the macros below call; not for applications. */
void _esp_error_check_failed(esp_err_t rc, const char *file, int line, const char *function, const char *expression)
    __attribute__((noreturn));
void _esp_error_check_failed_without_abort(esp_err_t rc, const char *file, int line, const char *function,
                                           const char *expression);

#ifdef NDEBUG
#define ESP_ERROR_CHECK(x)                                                                                             \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        (void)sizeof(err_rc_);                                                                                         \
    } while (0)
#else
#define ESP_ERROR_CHECK(x)                                                                                             \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK)                                                                                         \
            _esp_error_check_failed(err_rc_, __FILE__, __LINE__, __func__, #x);                                        \
    } while (0)
#endif

#define ESP_ERROR_CHECK_WITHOUT_ABORT(x)                                                                               \
    __extension__({                                                                                                    \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK)                                                                                         \
            _esp_error_check_failed_without_abort(err_rc_, __FILE__, __LINE__, __func__, #x);                          \
        err_rc_;                                                                                                       \
    })

#ifdef __cplusplus
}
#endif
#endif /* ESP_ERR_H */
