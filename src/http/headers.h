/* SPDX-License-Identifier: Apache-2.0 */
/* A list of header fields: those a client sends, and those of the last response. */
#ifndef UD_HTTP_HEADERS_H
#define UD_HTTP_HEADERS_H

#include "updraft/base.h"

struct ud_http_field {
    struct ud_http_field *next;
    const char *name;
    const char *value;
    char text[]; /* both, each terminated */
};

struct ud_http_fields {
    const struct ud_alloc *alloc;
    struct ud_http_field *first;
};

/** The value, NULL if absent; names match ignoring case, the first of several wins. */
const char *ud_http_fields_get(const struct ud_http_fields *f, const char *name);
/** Replace in place or append; the value is trimmed. ESP_ERR_INVALID_ARG: not a field; ESP_ERR_NO_MEM. */
UD_MUST_USE esp_err_t ud_http_fields_set(struct ud_http_fields *f, const char *name, const char *value);
/** Append, also when the name is there already; the texts are taken as they are. */
UD_MUST_USE esp_err_t ud_http_fields_add(struct ud_http_fields *f, const char *name, const char *value);
/** ESP_ERR_NOT_FOUND if absent. */
esp_err_t ud_http_fields_delete(struct ud_http_fields *f, const char *name);
void ud_http_fields_clear(struct ud_http_fields *f);

bool ud_http_is_token_char(char c);
/** May `c` stand in a field value? Control characters may not, the tab excepted. */
bool ud_http_is_value_char(char c);

#endif
