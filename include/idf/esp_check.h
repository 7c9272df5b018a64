/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that log and leave: ESP-IDF's esp_check.h. The message is `function(line): format`. The GOTO forms set a local
 * variable that must be called `ret`. The _ISR twins are the same here: there are no interrupts.
 */
#ifndef ESP_CHECK_H
#define ESP_CHECK_H

#include "esp_err.h"
#include "esp_log.h"

#ifdef CONFIG_COMPILER_OPTIMIZATION_CHECKS_SILENT
#define ESP_CHECK_LOG_(log_tag, format, ...) (void)(log_tag)
#else
#define ESP_CHECK_LOG_(log_tag, format, ...) ESP_LOGE(log_tag, "%s(%d): " format, __func__, __LINE__, ##__VA_ARGS__)
#endif

#define ESP_RETURN_ON_ERROR(x, log_tag, format, ...)                                                                   \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK) {                                                                                       \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            return err_rc_;                                                                                            \
        }                                                                                                              \
    } while (0)

#define ESP_RETURN_VOID_ON_ERROR(x, log_tag, format, ...)                                                              \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK) {                                                                                       \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

#define ESP_GOTO_ON_ERROR(x, goto_tag, log_tag, format, ...)                                                           \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK) {                                                                                       \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            ret = err_rc_;                                                                                             \
            goto goto_tag;                                                                                             \
        }                                                                                                              \
    } while (0)

#define ESP_RETURN_ON_FALSE(a, err_code, log_tag, format, ...)                                                         \
    do {                                                                                                               \
        if (!(a)) {                                                                                                    \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            return err_code;                                                                                           \
        }                                                                                                              \
    } while (0)

#define ESP_RETURN_VOID_ON_FALSE(a, log_tag, format, ...)                                                              \
    do {                                                                                                               \
        if (!(a)) {                                                                                                    \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

#define ESP_GOTO_ON_FALSE(a, err_code, goto_tag, log_tag, format, ...)                                                 \
    do {                                                                                                               \
        if (!(a)) {                                                                                                    \
            ESP_CHECK_LOG_(log_tag, format, ##__VA_ARGS__);                                                            \
            ret = err_code;                                                                                            \
            goto goto_tag;                                                                                             \
        }                                                                                                              \
    } while (0)

#define ESP_RETURN_ON_ERROR_CLEANUP(x, ...)                                                                            \
    do {                                                                                                               \
        esp_err_t err_rc_ = (x);                                                                                       \
        if (err_rc_ != ESP_OK) {                                                                                       \
            __VA_ARGS__;                                                                                               \
            return err_rc_;                                                                                            \
        }                                                                                                              \
    } while (0)

#define ESP_RETURN_ON_ERROR_ISR      ESP_RETURN_ON_ERROR
#define ESP_RETURN_VOID_ON_ERROR_ISR ESP_RETURN_VOID_ON_ERROR
#define ESP_GOTO_ON_ERROR_ISR        ESP_GOTO_ON_ERROR
#define ESP_RETURN_ON_FALSE_ISR      ESP_RETURN_ON_FALSE
#define ESP_RETURN_VOID_ON_FALSE_ISR ESP_RETURN_VOID_ON_FALSE
#define ESP_GOTO_ON_FALSE_ISR        ESP_GOTO_ON_FALSE

#endif /* ESP_CHECK_H */
