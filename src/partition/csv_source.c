/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of a CSV file say, before any of it is a table: text in one of four encodings, told by its byte order
 * mark (UTF-8 without one), in which `$NAME` and `${NAME}` stand for environment variables.
 *
 * What must be rewritten for that goes to the caller's scratch buffer, since rows borrow their names from the text. A
 * value is put in as it is: commas in it separate cells, line ends in it do not end the line.
 */
#include "csv.h"

#define NO_CHAR UINT32_MAX

enum encoding { UTF_8, UTF_16LE, UTF_16BE, UTF_32BE };

static const struct mark {
    enum encoding encoding;
    uint8_t len;
    char bytes[5];
} marks[] = {
    { UTF_8, 3, "\xEF\xBB\xBF" },
    { UTF_16LE, 2, "\xFF\xFE" },
    { UTF_16BE, 2, "\xFE\xFF" },
    { UTF_32BE, 4, "\0\0\xFE\xFF" },
};

static bool starts_with(struct span text, const char *bytes, size_t len)
{
    return text.len >= len && memcmp(text.p, bytes, len) == 0;
}

static enum encoding take_mark(struct span *text)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(marks); i++) {
        if (!starts_with(*text, marks[i].bytes, marks[i].len))
            continue;
        text->p += marks[i].len;
        text->len -= marks[i].len;
        return marks[i].encoding;
    }
    return UTF_8;
}

static esp_err_t bad(const struct csv_rules *rules, enum ud_ptable_fault fault, uint32_t line, const char *what,
                     struct span name, const char *advice)
{
    struct csv_message m = { .len = 0 };
    csv_say(&m, what);
    csv_say_span(&m, name);
    csv_say(&m, advice);
    return csv_bad(rules->obs, fault, line, SPAN(""), &m);
}

static esp_err_t bad_encoding(const struct csv_rules *rules, uint32_t line, const char *text)
{
    return bad(rules, UD_PTABLE_BAD_ENCODING, line, text, SPAN(""), "");
}

/* The line in which this text ends. */
static uint32_t last_line(struct span text)
{
    uint32_t line = 0;
    bool open = true;
    while (open) {
        struct span one = csv_take_line(&text);
        /* A line end is between the line and what follows; without one the line stays open. */
        open = text.len > 0 || (text.p != one.p + one.len);
        line++;
    }
    return line;
}

/* ---- UTF-16 and UTF-32 ---------------------------------------------------------------------------------------- */

static uint32_t unit(struct span text, enum encoding encoding)
{
    const uint8_t *p = (const uint8_t *)text.p;
    if (encoding == UTF_16LE)
        return p[0] | (uint32_t)p[1] << 8;
    if (encoding == UTF_16BE)
        return (uint32_t)p[0] << 8 | p[1];
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Take the next character off `*text`; NO_CHAR when the bytes are none. */
static uint32_t take_char(struct span *text, enum encoding encoding)
{
    size_t width = encoding == UTF_32BE ? 4 : 2;
    if (text->len < width)
        return NO_CHAR;
    uint32_t c = unit(*text, encoding);
    bool leads = c >= 0xD800 && c <= 0xDBFF;
    text->p += width;
    text->len -= width;
    if (!leads || width == 4)
        return (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF ? NO_CHAR : c;
    uint32_t trail = text->len < width ? 0 : unit(*text, encoding);
    if (trail < 0xDC00 || trail > 0xDFFF)
        return NO_CHAR;
    text->p += width;
    text->len -= width;
    return 0x10000 + ((c - 0xD800) << 10 | (trail - 0xDC00));
}

static size_t to_utf8(uint32_t c, char out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[n] | c);
    return n;
}

static bool put(struct csv_scratch *scratch, const char *bytes, size_t len)
{
    if (scratch->left < len)
        return false;
    memcpy(scratch->p, bytes, len);
    scratch->p += len;
    scratch->left -= len;
    return true;
}

static esp_err_t rewrite(const struct csv_rules *rules, struct csv_scratch *scratch, enum encoding encoding,
                         struct span *text)
{
    if (!scratch->p)
        return bad_encoding(rules, 1, "the file is UTF-16 or UTF-32; save it as UTF-8");
    struct span rest = *text;
    struct span done = { scratch->p, 0 };
    while (rest.len > 0) {
        char bytes[4];
        uint32_t c = take_char(&rest, encoding);
        if (c == NO_CHAR)
            return bad_encoding(rules, last_line(done),
                                "the bytes are not what the byte order mark announces; save the file as UTF-8");
        size_t n = to_utf8(c, bytes);
        if (!put(scratch, bytes, n))
            return ESP_ERR_INVALID_SIZE;
        done.len += n;
    }
    *text = done;
    return ESP_OK;
}

esp_err_t csv_take_encoding(const struct csv_rules *rules, struct csv_scratch *scratch, struct span *text)
{
    if (starts_with(*text, "\xFF\xFE\0\0", 4))
        return bad_encoding(rules, 1, "the file is little-endian UTF-32; save it as UTF-8");
    enum encoding encoding = take_mark(text);
    if (encoding != UTF_8)
        return rewrite(rules, scratch, encoding, text);
    size_t good = csv_utf8_bad(text->p, text->len);
    if (good < text->len)
        return bad_encoding(rules, last_line((struct span){ text->p, good }),
                            "the text is not UTF-8; save the file as UTF-8");
    return ESP_OK;
}

/* ---- environment variables ------------------------------------------------------------------------------------ */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* The variable at `text`, which begins with `$`: its name, and the length of the whole; 0 if it is none. */
static size_t variable_at(struct span text, struct span *name)
{
    size_t n = 1;
    if (text.len > 1 && text.p[1] == '{') {
        while (n < text.len && text.p[n] != '}')
            n++;
        *name = (struct span){ text.p + 2, n - 2 };
        return n < text.len ? n + 1 : 0;
    }
    while (n < text.len && is_word(text.p[n]))
        n++;
    *name = (struct span){ text.p + 1, n - 1 };
    return n > 1 ? n : 0;
}

static esp_err_t expand(const struct csv_rules *rules, struct csv_scratch *scratch, uint32_t line, struct span *text)
{
    const struct ud_csv_options *opt = rules->opt;
    struct span rest = *text;
    struct span done = { scratch->p, 0 };
    while (rest.len > 0) {
        struct span name = { rest.p, 0 };
        size_t used = rest.p[0] == '$' ? variable_at(rest, &name) : 0;
        const char *value = used > 0 ? opt->variable(opt->variable_ctx, name.p, name.len) : NULL;
        struct span put_in = { rest.p, used > 0 ? used : 1 };
        if (value)
            put_in = (struct span){ value, ud_strnlen(value, SIZE_MAX) };
        if (csv_utf8_bad(put_in.p, put_in.len) < put_in.len && value)
            return bad(rules, UD_PTABLE_BAD_ENCODING, line, "the value of ", name, " is not UTF-8; set it anew");
        if (!put(scratch, put_in.p, put_in.len))
            return ESP_ERR_INVALID_SIZE;
        size_t taken = used > 0 ? used : 1;
        done.len += put_in.len;
        rest.p += taken;
        rest.len -= taken;
    }
    *text = done;
    return ESP_OK;
}

esp_err_t csv_take_variables(const struct csv_rules *rules, struct csv_scratch *scratch, uint32_t line,
                             struct span *text)
{
    if (!csv_has_variable(*text))
        return ESP_OK;
    if (!rules->opt->variable || !scratch->p) {
        struct span trimmed = csv_trim(*text);
        if (trimmed.len > 0 && trimmed.p[0] == '#')
            return ESP_OK;
        return bad(rules, UD_PTABLE_UNSET_VARIABLE, line, "environment variables are not expanded here", SPAN(""),
                   "; write the value itself");
    }
    esp_err_t err = expand(rules, scratch, line, text);
    if (err != ESP_OK)
        return err;
    /* At the start of a line a name that is left is a mistake; elsewhere it is text. */
    struct span name;
    if (text->len > 1 && text->p[0] == '$' && is_letter(text->p[1]) && variable_at(*text, &name) > 0)
        return bad(rules, UD_PTABLE_UNSET_VARIABLE, line, "the environment variable ", name, " is not set; set it");
    return ESP_OK;
}
