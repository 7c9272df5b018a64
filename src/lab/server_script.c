/* SPDX-License-Identifier: Apache-2.0 */
/* The script of the lab's server: JSON to lists of steps. The language stands in updraft/lab_server.h. */
#include "server_room.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_MAX (1u << 20)

struct script_path {
    char *path;
    struct steps *response;
    size_t count;
    size_t asked;
};

struct script {
    pthread_mutex_t lock;
    struct steps accept;
    struct script_path *path;
    size_t count;
};

void steps_free(struct steps *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->step[i].bytes);
    free(s->step);
    *s = (struct steps){ 0 };
}

static bool parse_hex(const char *hex, struct step *out)
{
    size_t len = strlen(hex) / 2;
    out->bytes = malloc(len + 1);
    for (size_t i = 0; out->bytes && i < len; i++) {
        int value = hex_pair(hex + 2 * i);
        if (value < 0)
            return false;
        out->bytes[i] = (char)value;
    }
    out->len = len;
    return out->bytes && strlen(hex) % 2 == 0;
}

static uint64_t number_or(const cJSON *object, const char *name, uint64_t fallback)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, name);
    /* 2^53: beyond it a JSON number is no longer exact, and the conversion would not be defined everywhere */
    return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble <= 9007199254740992.0 ? (uint64_t)n->valuedouble
                                                                                            : fallback;
}

static bool parse_bytes(const cJSON *value, struct step *out)
{
    out->kind = STEP_BYTES;
    out->bytes = cJSON_IsString(value) ? strdup(value->valuestring) : NULL;
    out->len = out->bytes ? strlen(out->bytes) : 0;
    return out->bytes != NULL;
}

static bool parse_file(const cJSON *step, const cJSON *value, struct step *out)
{
    out->kind = STEP_FILE;
    out->bytes = cJSON_IsString(value) ? strdup(value->valuestring) : NULL;
    out->from = number_or(step, "from", 0);
    out->to = number_or(step, "to", UINT64_MAX);
    out->chunk = (size_t)number_or(step, "chunk", 0);
    return out->bytes != NULL;
}

static bool parse_step(const cJSON *step, struct step *out)
{
    static const struct {
        const char *name;
        enum step_kind kind;
    } plain[] = {
        { "honest", STEP_HONEST },   { "close", STEP_CLOSE },  { "cut", STEP_CUT },   { "reset", STEP_RESET },
        { "silence", STEP_SILENCE }, { "wait_ms", STEP_WAIT }, { "rate", STEP_RATE },
    };
    const cJSON *value;
    if ((value = cJSON_GetObjectItemCaseSensitive(step, "send")))
        return parse_bytes(value, out);
    if ((value = cJSON_GetObjectItemCaseSensitive(step, "hex")))
        return cJSON_IsString(value) && parse_hex(value->valuestring, out);
    if ((value = cJSON_GetObjectItemCaseSensitive(step, "file")))
        return parse_file(step, value, out);
    for (size_t i = 0; i < UD_ARRAY_LEN(plain); i++) {
        value = cJSON_GetObjectItemCaseSensitive(step, plain[i].name);
        if (!value)
            continue;
        out->kind = plain[i].kind;
        out->value = number_or(step, plain[i].name, 0);
        return true;
    }
    return false;
}

static bool parse_steps(const cJSON *list, struct steps *out)
{
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
    if (n < 0)
        return false;
    out->step = calloc((size_t)n + 1, sizeof *out->step);
    if (!out->step)
        return false;
    const cJSON *step;
    cJSON_ArrayForEach(step, list)
    {
        if (!parse_step(step, &out->step[out->count++]))
            return false;
    }
    return true;
}

static bool parse_path(const cJSON *list, struct script_path *out)
{
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    out->path = strdup(list->string);
    out->response = calloc((size_t)n + 1, sizeof *out->response);
    if (n < 1 || !out->path || !out->response)
        return false;
    const cJSON *response;
    cJSON_ArrayForEach(response, list)
    {
        if (!parse_steps(response, &out->response[out->count++]))
            return false;
    }
    return true;
}

static bool parse_script(const cJSON *root, struct script *s, char *why, size_t why_size)
{
    s->path = calloc((size_t)cJSON_GetArraySize(root) + 1, sizeof *s->path);
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        bool is_accept = strcmp(item->string, "accept") == 0;
        if (cJSON_GetObjectItemCaseSensitive(root, item->string) != item) {
            snprintf(why, why_size, "\"%s\" stands there twice; join its lists", item->string);
            return false;
        }
        bool ok = s->path && (is_accept ? parse_steps(item, &s->accept) : parse_path(item, &s->path[s->count++]));
        if (!ok) {
            snprintf(why, why_size, "\"%s\" must be a list of %s", item->string,
                     is_accept ? "steps" : "responses, each a list of steps such as {\"send\": \"...\"}");
            return false;
        }
    }
    return true;
}

struct script *script_parse(const char *text, size_t len, const char *name, char *why, size_t why_size)
{
    char detail[160] = "is not a JSON object";
    struct script *s = calloc(1, sizeof *s);
    cJSON *root = len > 0 ? cJSON_ParseWithLength(text, len) : NULL;
    if (s)
        pthread_mutex_init(&s->lock, NULL);
    bool ok = s && cJSON_IsObject(root) && parse_script(root, s, detail, sizeof detail);
    cJSON_Delete(root);
    if (ok)
        return s;
    snprintf(why, why_size, "script %s: %s", name, s ? detail : "no memory");
    script_free(s);
    return NULL;
}

struct script *script_load(const char *path, char *why, size_t why_size)
{
    struct script *s = NULL;
    FILE *f = fopen(path, "re");
    if (!f) {
        snprintf(why, why_size, "script %s: cannot be read: %m", path);
        return NULL;
    }
    char *text = malloc(SCRIPT_MAX + 1);
    size_t len = text ? fread(text, 1, SCRIPT_MAX + 1, f) : 0;
    if (!text)
        snprintf(why, why_size, "script %s: no memory", path);
    else if (ferror(f))
        snprintf(why, why_size, "script %s: cannot be read: %m", path);
    else if (len > SCRIPT_MAX)
        snprintf(why, why_size, "script %s: is larger than %u KiB; name long bodies as files", path, SCRIPT_MAX >> 10);
    else
        s = script_parse(text, len, path, why, why_size);
    fclose(f);
    free(text);
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    steps_free(&s->accept);
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->path[i].count; k++)
            steps_free(&s->path[i].response[k]);
        free(s->path[i].response);
        free(s->path[i].path);
    }
    free(s->path);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct steps *script_accept(const struct script *s)
{
    return s && s->accept.count ? &s->accept : NULL;
}

const struct steps *script_next(struct script *s, const char *target)
{
    size_t len = strcspn(target, "?");
    struct script_path *hit = NULL;
    for (size_t i = 0; s && i < s->count; i++) {
        struct script_path *p = &s->path[i];
        if (strlen(p->path) == len && strncmp(p->path, target, len) == 0) {
            hit = p;
            break;
        }
        if (strcmp(p->path, "*") == 0)
            hit = p;
    }
    if (!hit)
        return NULL;
    pthread_mutex_lock(&s->lock);
    size_t k = hit->asked < hit->count ? hit->asked++ : hit->count - 1;
    pthread_mutex_unlock(&s->lock);
    return &hit->response[k];
}
