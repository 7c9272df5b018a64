/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields: one allocation a field, in the order in which they were added. */
#include "headers.h"

#include "buf.h"

bool ud_http_is_token_char(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    for (size_t i = 0; others[i]; i++) {
        if (others[i] == c)
            return true;
    }
    return false;
}

bool ud_http_is_value_char(char c)
{
    unsigned char u = (unsigned char)c;
    return u == '\t' || (u >= 0x20 && u != 0x7f);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A line break in a name or a value would let data write further headers, or a second request. */
static bool is_field(const char *name, const char *value, size_t value_len)
{
    if (!*name)
        return false;
    for (; *name; name++) {
        if (!ud_http_is_token_char(*name))
            return false;
    }
    for (size_t i = 0; i < value_len; i++) {
        if (!ud_http_is_value_char(value[i]))
            return false;
    }
    return true;
}

static struct ud_http_field *make(const struct ud_alloc *alloc, const char *name, const char *value, size_t value_len)
{
    size_t name_len = ud_http_strlen(name);
    struct ud_http_field *f = ud_alloc_get(alloc, sizeof *f + name_len + value_len + 2);
    if (!f)
        return NULL;
    f->next = NULL;
    memcpy(f->text, name, name_len);
    f->text[name_len] = '\0';
    char *copy = f->text + name_len + 1;
    if (value_len > 0)
        memcpy(copy, value, value_len);
    copy[value_len] = '\0';
    f->name = f->text;
    f->value = copy;
    return f;
}

/* The link that points at the field, or the one at the end of the list. */
static struct ud_http_field **find(struct ud_http_fields *f, const char *name)
{
    struct ud_http_field **link = &f->first;
    while (*link && !ud_strcaseeq((*link)->name, name))
        link = &(*link)->next;
    return link;
}

const char *ud_http_fields_get(const struct ud_http_fields *f, const char *name)
{
    for (const struct ud_http_field *field = f->first; field; field = field->next) {
        if (ud_strcaseeq(field->name, name))
            return field->value;
    }
    return NULL;
}

esp_err_t ud_http_fields_set(struct ud_http_fields *f, const char *name, const char *value)
{
    while (is_blank(*value))
        value++;
    size_t len = ud_http_strlen(value);
    while (len > 0 && is_blank(value[len - 1]))
        len--;
    if (!is_field(name, value, len))
        return ESP_ERR_INVALID_ARG;
    struct ud_http_field *field = make(f->alloc, name, value, len);
    if (!field)
        return ESP_ERR_NO_MEM;
    struct ud_http_field **link = find(f, name);
    struct ud_http_field *old = *link;
    if (old)
        field->next = old->next;
    *link = field;
    ud_alloc_put(f->alloc, old);
    return ESP_OK;
}

esp_err_t ud_http_fields_add(struct ud_http_fields *f, const char *name, const char *value)
{
    struct ud_http_field *field = make(f->alloc, name, value, ud_http_strlen(value));
    if (!field)
        return ESP_ERR_NO_MEM;
    struct ud_http_field **link = &f->first;
    while (*link)
        link = &(*link)->next;
    *link = field;
    return ESP_OK;
}

esp_err_t ud_http_fields_delete(struct ud_http_fields *f, const char *name)
{
    struct ud_http_field **link = find(f, name);
    struct ud_http_field *field = *link;
    if (!field)
        return ESP_ERR_NOT_FOUND;
    *link = field->next;
    ud_alloc_put(f->alloc, field);
    return ESP_OK;
}

void ud_http_fields_clear(struct ud_http_fields *f)
{
    while (f->first) {
        struct ud_http_field *next = f->first->next;
        ud_alloc_put(f->alloc, f->first);
        f->first = next;
    }
}
