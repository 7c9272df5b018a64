/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The response parser. Framing follows RFC 9112, 6.3; what else is accepted or refused follows ESP-IDF's client, so
 * that a server which serves one serves the other (docs/compatibility.md lists where we are stricter).
 */
#include "parser.h"

#include "headers.h"

void ud_http_parser_init(struct ud_http_parser *p, const struct ud_alloc *alloc)
{
    *p = (struct ud_http_parser){ .content_length = -1 };
    ud_http_buf_init(&p->line, alloc, UD_HTTP_HEAD_MAX);
}

void ud_http_parser_reset(struct ud_http_parser *p, bool head_request)
{
    struct ud_http_buf line = p->line;
    ud_http_buf_clear(&line);
    *p = (struct ud_http_parser){ .line = line, .content_length = -1, .head_request = head_request };
}

void ud_http_parser_free(struct ud_http_parser *p)
{
    ud_http_buf_free(&p->line);
}

bool ud_http_parser_is_done(const struct ud_http_parser *p)
{
    return p->state == UD_PS_DONE;
}

size_t ud_http_parser_body_ahead(const struct ud_http_parser *p)
{
    if (p->state == UD_PS_BODY_CLOSE)
        return SIZE_MAX;
    if (p->state == UD_PS_BODY_LENGTH || p->state == UD_PS_CHUNK_DATA)
        return p->left > SIZE_MAX ? SIZE_MAX : (size_t)p->left;
    return 0;
}

static esp_err_t refuse(struct ud_http_parser *p, const char *why)
{
    p->state = UD_PS_FAILED;
    p->why = why;
    return ESP_FAIL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- status line ------------------------------------------------------------------------------------------- */

/* "HTTP/1.1" or "ICY" (an old streaming server, taken for 1.0). Returns what follows, NULL if it is neither. */
static const char *skip_version(struct ud_http_parser *p, const char *s)
{
    if (s[0] == 'I' && s[1] == 'C' && s[2] == 'Y')
        return s + 3;
    uint32_t version[2] = { 0, 0 };
    s += 5; /* "HTTP/" was held against each byte as it came */
    for (int i = 0; i < 2; i++) {
        if (!is_digit(*s))
            return NULL;
        for (; is_digit(*s); s++) {
            version[i] = version[i] * 10 + (uint32_t)(*s - '0');
            if (version[i] > 999)
                return NULL;
        }
        if (i == 0 && *s++ != '.')
            return NULL;
    }
    p->is_http_1_1 = version[0] > 1 || (version[0] == 1 && version[1] >= 1);
    return s;
}

static esp_err_t end_status_line(struct ud_http_parser *p)
{
    const char *s = skip_version(p, p->line.data);
    if (!s || *s != ' ')
        return refuse(p, "no HTTP version");
    while (*s == ' ')
        s++;
    int digits = 0;
    int status = 0;
    for (; is_digit(*s); s++, digits++) {
        if (digits == 3)
            return refuse(p, "a status of more than three digits");
        status = status * 10 + (*s - '0');
    }
    if (digits == 0 || (*s && *s != ' '))
        return refuse(p, "a status that is not a number");
    while (*s == ' ')
        s++;
    for (const char *c = s; *c; c++) {
        if (!ud_http_is_value_char(*c))
            return refuse(p, "a control character in the status line");
    }
    p->status = status;
    p->reason = s;
    p->state = UD_PS_FIELD_START;
    return ESP_OK;
}

/* ---- fields ------------------------------------------------------------------------------------------------ */

/* Digits, with blanks between them as ESP-IDF has it; nothing else, and not more than 63 bits. */
static esp_err_t take_length(struct ud_http_parser *p, const char *value)
{
    int64_t length = 0;
    if (p->has_length)
        return refuse(p, "a second Content-Length");
    if (!*value || p->tab_at_end)
        return refuse(p, "a Content-Length that is not a number");
    for (; *value; value++) {
        if (*value == ' ')
            continue;
        if (!is_digit(*value))
            return refuse(p, "a Content-Length that is not a number");
        int digit = *value - '0';
        if (length > (INT64_MAX - digit) / 10)
            return refuse(p, "a Content-Length of more than 63 bits");
        length = length * 10 + digit;
    }
    p->has_length = true;
    p->content_length = length;
    return ESP_OK;
}

/* A coding that we cannot undo must not pass as plain bytes: they would end up in flash. */
static esp_err_t take_encoding(struct ud_http_parser *p, const char *value)
{
    size_t len = ud_http_strlen(value);
    if (len == 0 || ud_http_span_caseeq(value, len, "identity"))
        return ESP_OK;
    if (p->has_encoding || !ud_http_span_caseeq(value, len, "chunked"))
        return refuse(p, "a Transfer-Encoding other than chunked");
    p->has_encoding = true;
    p->chunked = true;
    return ESP_OK;
}

static void take_connection(struct ud_http_parser *p, const char *value)
{
    while (*value) {
        while (is_blank(*value) || *value == ',')
            value++;
        size_t len = 0;
        while (value[len] && value[len] != ',')
            len++;
        size_t word = len;
        while (word > 0 && is_blank(value[word - 1]))
            word--;
        p->says_close = p->says_close || ud_http_span_caseeq(value, word, "close");
        p->says_keep_alive = p->says_keep_alive || ud_http_span_caseeq(value, word, "keep-alive");
        value += len;
    }
}

/* Split the collected line into name and value; checks every byte of both. */
static esp_err_t split_field(struct ud_http_parser *p)
{
    char *name = p->line.data;
    char *end = name + p->line.len;
    char *colon = name;
    while (*colon && ud_http_is_token_char(*colon))
        colon++;
    if (colon == name || *colon != ':')
        return refuse(p, *colon ? "a bad character in a header name" : "a header line without a colon");
    char *value = colon + 1;
    while (is_blank(*value))
        value++;
    for (const char *c = value; c < end; c++) {
        if (!ud_http_is_value_char(*c))
            return refuse(p, "a control character in a header");
    }
    p->tab_at_end = false;
    for (; end > value && is_blank(end[-1]); end--)
        p->tab_at_end = p->tab_at_end || end[-1] == '\t';
    *end = '\0';
    *colon = '\0';
    p->name = name;
    p->value = value;
    return ESP_OK;
}

static bool is_interim(const struct ud_http_parser *p)
{
    return p->status >= 100 && p->status < 200 && p->status != 101;
}

static esp_err_t end_field_line(struct ud_http_parser *p)
{
    esp_err_t err = split_field(p);
    if (err != ESP_OK || is_interim(p))
        return err;
    if (ud_strcaseeq(p->name, "Content-Length"))
        err = take_length(p, p->value);
    else if (ud_strcaseeq(p->name, "Transfer-Encoding"))
        err = take_encoding(p, p->value);
    else if (ud_strcaseeq(p->name, "Connection"))
        take_connection(p, p->value);
    if (err != ESP_OK)
        return err;
    if (p->has_length && p->chunked)
        return refuse(p, "a Content-Length beside chunks");
    return ESP_OK;
}

static void end_head(struct ud_http_parser *p)
{
    bool no_body =
        p->head_request || p->status == 304 || p->status == 101 || (p->status == 204 && !p->chunked && !p->has_length);
    bool until_close = false;

    if (no_body || (p->has_length && p->content_length == 0)) {
        p->state = UD_PS_DONE;
    } else if (p->chunked) {
        p->state = UD_PS_CHUNK_SIZE;
        p->digits = false;
        p->left = 0;
        p->head_bytes = 0;
    } else if (p->has_length) {
        p->state = UD_PS_BODY_LENGTH;
        p->left = (uint64_t)p->content_length;
    } else {
        p->state = UD_PS_BODY_CLOSE;
        until_close = true;
    }
    p->keep_alive = !until_close && p->status != 101 && !p->says_close && (p->is_http_1_1 || p->says_keep_alive);
}

/* ---- lines, byte by byte ----------------------------------------------------------------------------------- */

static esp_err_t collect(struct ud_http_parser *p, char c)
{
    esp_err_t err = ud_http_buf_put(&p->line, &c, 1);
    if (err == ESP_ERR_NO_MEM) {
        p->state = UD_PS_FAILED;
        p->why = "no memory for a header line";
        return err;
    }
    return err == ESP_OK ? ESP_OK : refuse(p, "a header of more than 80 KiB");
}

/* A CR belongs before a LF and nowhere else. Returns true when `c` ends the line, which is then free of its CR. */
static esp_err_t collect_line(struct ud_http_parser *p, char c, bool *ended)
{
    size_t len = p->line.len;
    bool after_cr = len > 0 && p->line.data[len - 1] == '\r';
    *ended = c == '\n';
    if (c != '\n')
        return after_cr ? refuse(p, "a carriage return inside a header line") : collect(p, c);
    if (after_cr)
        p->line.data[--p->line.len] = '\0';
    return ESP_OK;
}

/* Could the line so far and `c` be the start of `prefix`, or go on after it? */
static bool fits(const char *prefix, const struct ud_http_buf *line, char c)
{
    for (size_t i = 0; i < line->len; i++) {
        if (!prefix[i])
            return true;
        if (prefix[i] != line->data[i])
            return false;
    }
    return !prefix[line->len] || prefix[line->len] == c;
}

/* What is not HTTP is refused at its first byte: a peer that speaks something else may never send a whole line. */
static esp_err_t on_status_byte(struct ud_http_parser *p, char c, enum ud_http_parse *what)
{
    bool ended = false;
    if (!fits("HTTP/", &p->line, c) && !fits("ICY ", &p->line, c))
        return refuse(p, "something other than an HTTP status line");
    esp_err_t err = collect_line(p, c, &ended);
    if (err != ESP_OK || !ended)
        return err;
    err = end_status_line(p);
    if (err == ESP_OK && !is_interim(p))
        *what = UD_PARSE_STATUS;
    return err;
}

/*
 * At the start of a line. A collected field is held back until it is known that this line does not continue it.
 * `*taken` false: the byte was only looked at.
 */
static esp_err_t on_field_start(struct ud_http_parser *p, char c, enum ud_http_parse *what, bool *taken)
{
    bool trailer = p->state == UD_PS_TRAILER_START;
    bool continues = p->pending && is_blank(c);

    *taken = continues;
    if (p->pending && !continues) {
        p->pending = false;
        esp_err_t err = trailer ? split_field(p) : end_field_line(p);
        if (err == ESP_OK && !trailer && !is_interim(p))
            *what = UD_PARSE_FIELD;
        return err;
    }
    p->state = trailer ? UD_PS_TRAILER_LINE : UD_PS_FIELD_LINE;
    if (continues)
        return collect(p, ' ');
    ud_http_buf_clear(&p->line);
    return ESP_OK;
}

static esp_err_t on_field_byte(struct ud_http_parser *p, char c, enum ud_http_parse *what)
{
    bool trailer = p->state == UD_PS_TRAILER_LINE;
    bool ended = false;
    esp_err_t err = collect_line(p, c, &ended);

    if (err != ESP_OK || !ended)
        return err;
    p->pending = p->line.len > 0;
    if (p->pending) {
        p->state = trailer ? UD_PS_TRAILER_START : UD_PS_FIELD_START;
    } else if (trailer) {
        p->state = UD_PS_DONE;
    } else if (is_interim(p)) {
        p->is_http_1_1 = false;
        p->state = UD_PS_START;
    } else {
        end_head(p);
        *what = UD_PARSE_HEAD;
    }
    return ESP_OK;
}

/* ---- chunks ------------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static esp_err_t on_chunk_size(struct ud_http_parser *p, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (p->left > (uint64_t)INT64_MAX >> 4)
            return refuse(p, "a chunk size of more than 63 bits");
        p->left = p->left << 4 | (uint64_t)digit;
        p->digits = true;
        return ESP_OK;
    }
    if (!p->digits)
        return refuse(p, "a chunk without a size");
    if (c == '\r')
        p->state = UD_PS_CHUNK_SIZE_LF;
    else if (c == ';' || is_blank(c))
        p->state = UD_PS_CHUNK_EXT;
    else
        return refuse(p, "a chunk size that is not a number");
    return ESP_OK;
}

static esp_err_t on_chunk_ext(struct ud_http_parser *p, char c)
{
    if (c == '\r')
        p->state = UD_PS_CHUNK_SIZE_LF;
    else if (!ud_http_is_value_char(c))
        return refuse(p, "a control character in a chunk extension");
    return ESP_OK;
}

static esp_err_t on_chunk_size_lf(struct ud_http_parser *p, char c)
{
    if (c != '\n')
        return refuse(p, "a chunk size without a line end");
    p->head_bytes = 0;
    p->state = p->left > 0 ? UD_PS_CHUNK_DATA : UD_PS_TRAILER_START;
    ud_http_buf_clear(&p->line);
    return ESP_OK;
}

static esp_err_t on_chunk_end(struct ud_http_parser *p, char c)
{
    if (c != (p->state == UD_PS_CHUNK_END ? '\r' : '\n'))
        return refuse(p, "a chunk that is longer than its size");
    if (p->state == UD_PS_CHUNK_END) {
        p->state = UD_PS_CHUNK_END_LF;
        return ESP_OK;
    }
    p->state = UD_PS_CHUNK_SIZE;
    p->digits = false;
    p->left = 0;
    return ESP_OK;
}

/* ---- push -------------------------------------------------------------------------------------------------- */

static esp_err_t on_byte(struct ud_http_parser *p, char c, enum ud_http_parse *what, bool *taken)
{
    switch (p->state) {
    case UD_PS_START:
        if (c == '\r' || c == '\n')
            return ESP_OK;
        ud_http_buf_clear(&p->line);
        p->state = UD_PS_STATUS_LINE;
        return on_status_byte(p, c, what);
    case UD_PS_STATUS_LINE:
        return on_status_byte(p, c, what);
    case UD_PS_FIELD_START:
    case UD_PS_TRAILER_START:
        return on_field_start(p, c, what, taken);
    case UD_PS_FIELD_LINE:
    case UD_PS_TRAILER_LINE:
        return on_field_byte(p, c, what);
    case UD_PS_CHUNK_SIZE:
        return on_chunk_size(p, c);
    case UD_PS_CHUNK_EXT:
        return on_chunk_ext(p, c);
    case UD_PS_CHUNK_SIZE_LF:
        return on_chunk_size_lf(p, c);
    default:
        return on_chunk_end(p, c);
    }
}

static void take_body(struct ud_http_parser *p, const char *data, size_t len, size_t *used, enum ud_http_parse *what)
{
    size_t n = len;
    if (p->state != UD_PS_BODY_CLOSE) {
        if (n > p->left)
            n = (size_t)p->left;
        p->left -= n;
        if (p->left == 0)
            p->state = p->state == UD_PS_BODY_LENGTH ? UD_PS_DONE : UD_PS_CHUNK_END;
    }
    p->body = data;
    p->body_len = n;
    p->offset += n;
    *used += n;
    *what = UD_PARSE_BODY;
}

esp_err_t ud_http_parser_push(struct ud_http_parser *p, const void *data, size_t len, size_t *used,
                              enum ud_http_parse *what)
{
    const char *bytes = data;
    *used = 0;
    *what = UD_PARSE_MORE;
    if (p->state == UD_PS_FAILED)
        return ESP_FAIL;
    while (*what == UD_PARSE_MORE && p->state != UD_PS_DONE && *used < len) {
        if (ud_http_parser_body_ahead(p) > 0) {
            take_body(p, bytes + *used, len - *used, used, what);
            return ESP_OK;
        }
        if (p->head_bytes >= UD_HTTP_HEAD_MAX)
            return refuse(p, "a header of more than 80 KiB");
        bool taken = true;
        esp_err_t err = on_byte(p, bytes[*used], what, &taken);
        if (taken) {
            (*used)++;
            p->offset++;
            p->head_bytes++;
        }
        if (err != ESP_OK)
            return err;
    }
    if (*what == UD_PARSE_MORE && p->state == UD_PS_DONE)
        *what = UD_PARSE_DONE;
    return ESP_OK;
}

esp_err_t ud_http_parser_eof(struct ud_http_parser *p)
{
    if (p->state == UD_PS_BODY_CLOSE)
        p->state = UD_PS_DONE;
    if (p->state == UD_PS_DONE)
        return ESP_OK;
    if (p->state == UD_PS_FAILED)
        return ESP_FAIL;
    return refuse(p, "the end of the connection");
}
