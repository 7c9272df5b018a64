/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines. A line is put together first and written by one call, so that lines of threads never mix. Levels of single
 * tags are a list under the room's mutex; before ud_idf_start there is one thread and no mutex.
 */
#include "esp_log.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"

struct tag_level {
    struct tag_level *next;
    esp_log_level_t level;
    char tag[];
};

static struct tag_level *tags;
static esp_log_level_t default_level = ESP_LOG_INFO;
static vprintf_like_t hook;

static const char letters[] = "NEWIDV";
static const char *const colors[] = { "", "\033[0;31m", "\033[0;33m", "\033[0;32m", "", "" };

static void forget_tags(void)
{
    while (tags) {
        struct tag_level *t = tags;
        tags = t->next;
        free(t);
    }
}

void ud_idf_start_log(uint8_t level)
{
    default_level = level < ESP_LOG_MAX ? (esp_log_level_t)level : ESP_LOG_VERBOSE;
}

void ud_idf_stop_log(void)
{
    forget_tags();
    default_level = ESP_LOG_INFO;
    hook = NULL;
}

static struct tag_level *find_tag(const char *tag)
{
    for (struct tag_level *t = tags; t; t = t->next)
        if (strcmp(t->tag, tag) == 0)
            return t;
    return NULL;
}

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    ud_idf_lock();
    if (strcmp(tag, "*") == 0) {
        forget_tags();
        default_level = level;
    } else {
        struct tag_level *t = find_tag(tag);
        size_t len = strlen(tag) + 1;
        if (!t && (t = malloc(sizeof *t + len))) {
            memcpy(t->tag, tag, len);
            t->next = tags;
            tags = t;
        }
        if (t)
            t->level = level;
    }
    ud_idf_unlock();
}

esp_log_level_t esp_log_level_get(const char *tag)
{
    ud_idf_lock();
    const struct tag_level *t = find_tag(tag);
    esp_log_level_t level = t ? t->level : default_level;
    ud_idf_unlock();
    return level;
}

vprintf_like_t esp_log_set_vprintf(vprintf_like_t func)
{
    ud_idf_lock();
    vprintf_like_t old = hook;
    hook = func;
    ud_idf_unlock();
    return old ? old : vprintf;
}

uint32_t esp_log_timestamp(void)
{
    const struct idf_world *w = ud_idf_world();
    return w ? (uint32_t)((ud_clock_now_us(&w->env.board->clock) - w->start_us) / 1000u) : 0;
}

uint32_t esp_log_early_timestamp(void)
{
    return esp_log_timestamp();
}

static bool is_on(esp_log_level_t level, const char *tag)
{
    return level != ESP_LOG_NONE && level < ESP_LOG_MAX && level <= esp_log_level_get(tag);
}

/* A vprintf_like_t takes a va_list; this makes one of a single string. */
static void call_hook(vprintf_like_t f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    f(format, args);
    va_end(args);
}

static void put(const char *text, size_t len)
{
    ud_idf_lock();
    vprintf_like_t f = hook;
    ud_idf_unlock();
    if (f) {
        call_hook(f, "%s", text);
        return;
    }
    fwrite(text, 1, len, stdout);
    fflush(stdout);
}

void esp_log_writev(esp_log_level_t level, const char *tag, const char *format, va_list args)
{
    if (!is_on(level, tag))
        return;
    ud_idf_lock();
    vprintf_like_t f = hook;
    ud_idf_unlock();
    (f ? f : vprintf)(format, args);
    if (!f)
        fflush(stdout);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    esp_log_writev(level, tag, format, args);
    va_end(args);
}

static bool use_color(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    return env && env->terminal && env->config->log_colors != 0;
}

static void put_line(esp_log_level_t level, const char *tag, const char *format, va_list args)
{
    char small[320];
    const char *color = use_color() ? colors[level] : "";
    const char *end = color[0] ? "\033[0m\n" : "\n";
    va_list again;
    va_copy(again, args);
    int message = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (message < 0)
        return;
    /* "X (4294967295) tag: " and both colour codes are below 48 bytes without the tag. */
    size_t cap = (size_t)message + strlen(tag) + 48;
    char *line = cap <= sizeof small ? small : malloc(cap);
    if (!line) { /* rather a cut line than none */
        line = small;
        cap = sizeof small;
    }
    int head = snprintf(line, cap, "%s%c (%" PRIu32 ") %s: ", color, letters[level], esp_log_timestamp(), tag);
    size_t at = head < 0 ? 0 : (size_t)head < cap ? (size_t)head : cap - 1;
    int body = vsnprintf(line + at, cap - at, format, args);
    at += body < 0 ? 0 : (size_t)body < cap - at ? (size_t)body : cap - at - 1;
    size_t tail = strlen(end);
    if (at > cap - tail - 1)
        at = cap - tail - 1;
    memcpy(line + at, end, tail + 1);
    put(line, at + tail);
    if (line != small)
        free(line);
}

void esp_log_line(esp_log_level_t level, const char *tag, const char *format, ...)
{
    if (!is_on(level, tag))
        return;
    va_list args;
    va_start(args, format);
    put_line(level, tag, format, args);
    va_end(args);
}

/* ---- buffers: 16 bytes a line ----------------------------------------------------------------------------------- */

#define PER_LINE 16

static char printable(uint8_t c)
{
    return c >= 0x20 && c < 0x7F ? (char)c : '.';
}

void esp_log_buffer_hex_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level)
{
    const uint8_t *p = buffer;
    for (size_t at = 0; at < buff_len; at += PER_LINE) {
        char text[PER_LINE * 3 + 1] = "";
        for (size_t i = 0; i < PER_LINE && at + i < buff_len; i++)
            snprintf(text + i * 3, 4, "%02x ", p[at + i]);
        esp_log_line(level, tag, "%s", text);
    }
}

void esp_log_buffer_char_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level)
{
    const char *p = buffer;
    for (size_t at = 0; at < buff_len; at += PER_LINE) {
        size_t n = buff_len - at < PER_LINE ? buff_len - at : PER_LINE;
        esp_log_line(level, tag, "%.*s", (int)n, p + at);
    }
}

void esp_log_buffer_hexdump_internal(const char *tag, const void *buffer, uint16_t buff_len, esp_log_level_t level)
{
    const uint8_t *p = buffer;
    for (size_t at = 0; at < buff_len; at += PER_LINE) {
        char hex[PER_LINE * 3 + 2] = "";
        char text[PER_LINE + 1] = "";
        size_t n = 0;
        for (size_t i = 0; i < PER_LINE; i++) {
            bool there = at + i < buff_len;
            n += (size_t)snprintf(hex + n, sizeof hex - n, there ? "%s%02x " : "%s   ", i == PER_LINE / 2 ? " " : "",
                                  there ? p[at + i] : 0);
            if (there)
                text[i] = printable(p[at + i]);
        }
        esp_log_line(level, tag, "%p   %s |%s|", (const void *)(p + at), hex, text);
    }
}
