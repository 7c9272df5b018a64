/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Log lines: ESP-IDF's esp_log.h. A line is `I (1234) tag: message` on standard output, coloured by level when that is
 * a terminal. LOG_LOCAL_LEVEL cuts at compile time, esp_log_level_set at run time. Any thread, any callback.
 */
#ifndef ESP_LOG_H
#define ESP_LOG_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__has_include)
#if __has_include("sdkconfig.h")
#include "sdkconfig.h"
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_LOG_NONE = 0,
    ESP_LOG_ERROR = 1,
    ESP_LOG_WARN = 2,
    ESP_LOG_INFO = 3,
    ESP_LOG_DEBUG = 4,
    ESP_LOG_VERBOSE = 5,
    ESP_LOG_MAX = 6,
} esp_log_level_t;

#ifndef LOG_LOCAL_LEVEL
#ifdef CONFIG_LOG_MAXIMUM_LEVEL
#define LOG_LOCAL_LEVEL CONFIG_LOG_MAXIMUM_LEVEL
#else
#define LOG_LOCAL_LEVEL ESP_LOG_VERBOSE
#endif
#endif

typedef int (*vprintf_like_t)(const char *format, va_list args);

/** "*" sets the default and forgets every single tag's level. The tag is copied. */
void esp_log_level_set(const char *tag, esp_log_level_t level);
esp_log_level_t esp_log_level_get(const char *tag);
/** Where whole lines go from now on (called with one string); NULL: back to standard output. Returns the old one. */
vprintf_like_t esp_log_set_vprintf(vprintf_like_t func);
/** Milliseconds since the firmware started. */
uint32_t esp_log_timestamp(void);
uint32_t esp_log_early_timestamp(void);

/** One message of a tag, if its level is on; the line's head and end are added here. */
void esp_log_line(esp_log_level_t level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Text as it is, if the level is on: no head, no end. */
void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void esp_log_writev(esp_log_level_t level, const char *tag, const char *format, va_list args);

void esp_log_buffer_hex_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level);
void esp_log_buffer_char_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level);
void esp_log_buffer_hexdump_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level);

#define ESP_LOG_LEVEL(level, tag, format, ...) esp_log_line(level, tag, format, ##__VA_ARGS__)
#define ESP_LOG_LEVEL_LOCAL(level, tag, format, ...)                                                                   \
    do {                                                                                                               \
        if (LOG_LOCAL_LEVEL >= (level))                                                                                \
            ESP_LOG_LEVEL(level, tag, format, ##__VA_ARGS__);                                                          \
    } while (0)

#define ESP_LOGE(tag, format, ...) ESP_LOG_LEVEL_LOCAL(ESP_LOG_ERROR, tag, format, ##__VA_ARGS__)
#define ESP_LOGW(tag, format, ...) ESP_LOG_LEVEL_LOCAL(ESP_LOG_WARN, tag, format, ##__VA_ARGS__)
#define ESP_LOGI(tag, format, ...) ESP_LOG_LEVEL_LOCAL(ESP_LOG_INFO, tag, format, ##__VA_ARGS__)
#define ESP_LOGD(tag, format, ...) ESP_LOG_LEVEL_LOCAL(ESP_LOG_DEBUG, tag, format, ##__VA_ARGS__)
#define ESP_LOGV(tag, format, ...) ESP_LOG_LEVEL_LOCAL(ESP_LOG_VERBOSE, tag, format, ##__VA_ARGS__)

#define ESP_EARLY_LOGE ESP_LOGE
#define ESP_EARLY_LOGW ESP_LOGW
#define ESP_EARLY_LOGI ESP_LOGI
#define ESP_EARLY_LOGD ESP_LOGD
#define ESP_EARLY_LOGV ESP_LOGV
#define ESP_DRAM_LOGE  ESP_LOGE
#define ESP_DRAM_LOGW  ESP_LOGW
#define ESP_DRAM_LOGI  ESP_LOGI
#define ESP_DRAM_LOGD  ESP_LOGD
#define ESP_DRAM_LOGV  ESP_LOGV

#define ESP_LOG_BUFFER_AT_(kind, tag, buffer, buff_len, level)                                                         \
    do {                                                                                                               \
        if (LOG_LOCAL_LEVEL >= (level))                                                                                \
            esp_log_buffer_##kind##_internal(tag, buffer, buff_len, level);                                            \
    } while (0)
#define ESP_LOG_BUFFER_HEX_LEVEL(tag, buffer, buff_len, level)  ESP_LOG_BUFFER_AT_(hex, tag, buffer, buff_len, level)
#define ESP_LOG_BUFFER_CHAR_LEVEL(tag, buffer, buff_len, level) ESP_LOG_BUFFER_AT_(char, tag, buffer, buff_len, level)
#define ESP_LOG_BUFFER_HEXDUMP(tag, buffer, buff_len, level)    ESP_LOG_BUFFER_AT_(hexdump, tag, buffer, buff_len, level)
#define ESP_LOG_BUFFER_HEX(tag, buffer, buff_len)               ESP_LOG_BUFFER_AT_(hex, tag, buffer, buff_len, ESP_LOG_INFO)
#define ESP_LOG_BUFFER_CHAR(tag, buffer, buff_len)              ESP_LOG_BUFFER_AT_(char, tag, buffer, buff_len, ESP_LOG_INFO)

#ifdef __cplusplus
}
#endif
#endif /* ESP_LOG_H */
