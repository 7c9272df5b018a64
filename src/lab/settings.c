/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a board as JSON. One table says which keys there are, of what kind, and where each lands; reading,
 * printing and every complaint walk it. docs/formats/board-files.md describes the keys.
 */
#include "lab.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

enum kind {
    KIND_CHIP,
    KIND_REVISION,
    KIND_SIZE,
    KIND_ADDR,
    KIND_RUNS,
    KIND_BOOL,
    KIND_PIN,
    KIND_LEVEL,
    KIND_MS,
    KIND_LABELS
};

struct key {
    const char *section; /* NULL: at the top */
    const char *name;
    enum kind kind;
    size_t at;
    bool required;
};

#define AT(member) offsetof(struct ud_lab_settings, member)
static const struct key keys[] = {
    { NULL, "chip", KIND_CHIP, AT(chip), true },
    { NULL, "revision", KIND_REVISION, AT(revision), false },
    { NULL, "flash_size", KIND_SIZE, AT(flash_size), true },
    { NULL, "partition_table_offset", KIND_ADDR, AT(table_offset), false },
    { NULL, "runs", KIND_RUNS, AT(runs), false },
    { NULL, "require_digest", KIND_BOOL, AT(require_digest), false },
    { NULL, "watchdog_ms", KIND_MS, AT(watchdog_ms), false },
    { "bootloader", "rollback", KIND_BOOL, AT(boot_rollback), false },
    { "bootloader", "anti_rollback", KIND_BOOL, AT(boot_anti_rollback), false },
    { "bootloader", "factory_reset_pin", KIND_PIN, AT(factory_reset_pin), false },
    { "bootloader", "factory_reset_labels", KIND_LABELS, AT(factory_reset_labels), false },
    { "bootloader", "factory_reset_erases_otadata", KIND_BOOL, AT(factory_reset_erases_otadata), false },
    { "bootloader", "test_pin", KIND_PIN, AT(test_pin), false },
    { "bootloader", "pin_level", KIND_LEVEL, AT(pin_level), false },
    { "app", "rollback", KIND_BOOL, AT(app_rollback), false },
    { "app", "anti_rollback", KIND_BOOL, AT(app_anti_rollback), false },
};
_Static_assert(UD_ARRAY_LEN(keys) <= 32, "one bit a key");

static const char *const kind_wants[] = {
    [KIND_CHIP] = "the name of a chip, such as \"esp32c3\"",
    [KIND_REVISION] = "a revision such as \"0.4\"",
    [KIND_SIZE] = "a size such as \"4MB\", a multiple of 4 KB",
    [KIND_ADDR] = "an address such as \"0x8000\"",
    [KIND_RUNS] = "\"host\" or \"none\"",
    [KIND_BOOL] = "true or false",
    [KIND_PIN] = "the number of a pin from 0 to 63, or null",
    [KIND_LEVEL] = "0 or 1",
    [KIND_MS] = "a number of milliseconds from 1 to 3600000",
    [KIND_LABELS] = "labels of data partitions separated by commas, at most 63 bytes",
};

esp_err_t lab_why(char *why, size_t why_size, esp_err_t err, const char *fmt, ...)
{
    if (why && why_size) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(why, why_size, fmt, ap);
        va_end(ap);
        for (char *c = why; *c; c++) /* labels and names of files come from anywhere */
            if ((unsigned char)*c < 0x20 || *c == 0x7F)
                *c = '?';
    }
    return err;
}

uint16_t ud_lab_usual_revision(const struct ud_chip *chip)
{
    static const struct {
        const char *name;
        uint16_t revision;
    } usual[] = {
        { "esp32", 301 }, { "esp32s2", 100 }, { "esp32c3", 4 },   { "esp32s3", 2 },   { "esp32c2", 102 },
        { "esp32c6", 2 }, { "esp32h2", 2 },   { "esp32c5", 100 }, { "esp32p4", 103 }, { "esp32c61", 100 },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(usual); i++)
        if (strcmp(usual[i].name, chip->name) == 0)
            return usual[i].revision;
    return 0;
}

void ud_lab_settings_defaults(struct ud_lab_settings *s)
{
    *s = (struct ud_lab_settings){
        .chip = ud_chip_by_name("esp32c3"),
        .revision = ud_lab_usual_revision(ud_chip_by_name("esp32c3")),
        .flash_size = 0x400000,
        .table_offset = UD_PTABLE_DEFAULT_OFFSET,
        .runs = UD_LAB_RUNS_HOST,
        .require_digest = true,
        .boot_rollback = true,
        .factory_reset_pin = UD_LAB_NO_PIN,
        .test_pin = UD_LAB_NO_PIN,
        .factory_reset_labels = "nvs",
        .app_rollback = true,
        .watchdog_ms = 5000,
    };
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* "4MB", "64K", "0x8000", or a number. */
static bool take_u32(const cJSON *v, uint32_t *out)
{
    if (cJSON_IsNumber(v)) {
        if (!(v->valuedouble >= 0 && v->valuedouble <= UINT32_MAX) ||
            v->valuedouble != (double)(uint32_t)v->valuedouble)
            return false;
        *out = (uint32_t)v->valuedouble;
        return true;
    }
    if (!cJSON_IsString(v) || v->valuestring[0] < '0' || v->valuestring[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(v->valuestring, &end, 0);
    unsigned shift = *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
    if (shift) {
        end++;
        end += *end == 'B';
    }
    if (errno || *end || n > UINT32_MAX >> shift)
        return false;
    *out = (uint32_t)n << shift;
    return true;
}

static bool take_small(const cJSON *v, uint32_t lo, uint32_t hi, uint32_t *out)
{
    return cJSON_IsNumber(v) && take_u32(v, out) && *out >= lo && *out <= hi;
}

static bool take_revision(const cJSON *v, uint16_t *out)
{
    if (!cJSON_IsString(v))
        return false;
    const char *p = v->valuestring;
    unsigned major = 0, minor = 0, digits = 0;
    for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
        major = major * 10 + (unsigned)(*p - '0');
    if (digits == 0 || *p++ != '.')
        return false;
    for (digits = 0; *p >= '0' && *p <= '9' && digits < 2; p++, digits++)
        minor = minor * 10 + (unsigned)(*p - '0');
    if (digits == 0 || *p || major > 654)
        return false;
    *out = (uint16_t)(major * 100 + minor);
    return true;
}

static bool take_pin(const cJSON *v, uint8_t *out)
{
    uint32_t n = UD_LAB_NO_PIN;
    if (!cJSON_IsNull(v) && !take_small(v, 0, UD_LAB_PINS - 1, &n))
        return false;
    *out = (uint8_t)n;
    return true;
}

static bool take_chip(const cJSON *v, const struct ud_chip **out)
{
    const struct ud_chip *chip = cJSON_IsString(v) ? ud_chip_by_name(v->valuestring) : NULL;
    if (!chip || chip->id == UD_CHIP_ID_HOST) /* a board always says that it is a real chip */
        return false;
    *out = chip;
    return true;
}

static bool take_runs(const cJSON *v, enum ud_lab_runs *out)
{
    const char *text = cJSON_IsString(v) ? v->valuestring : "";
    if (strcmp(text, "host") != 0 && strcmp(text, "none") != 0)
        return false;
    *out = text[0] == 'h' ? UD_LAB_RUNS_HOST : UD_LAB_RUNS_NONE;
    return true;
}

static bool take_labels(const cJSON *v, char *out, size_t size)
{
    if (!cJSON_IsString(v) || strlen(v->valuestring) >= size)
        return false;
    ud_strcopy(out, size, v->valuestring, size);
    return true;
}

static bool take_value(const cJSON *v, enum kind kind, void *at)
{
    uint32_t n;
    switch (kind) {
    case KIND_CHIP:
        return take_chip(v, at);
    case KIND_REVISION:
        return take_revision(v, at);
    case KIND_RUNS:
        return take_runs(v, at);
    case KIND_PIN:
        return take_pin(v, at);
    case KIND_LABELS:
        return take_labels(v, at, sizeof((struct ud_lab_settings *)0)->factory_reset_labels);
    case KIND_ADDR:
        return take_u32(v, at);
    case KIND_MS:
        return take_small(v, 1, 3600000, at);
    case KIND_SIZE:
        return take_u32(v, at) && *(uint32_t *)at != 0 && *(uint32_t *)at % UD_FLASH_SECTOR == 0;
    case KIND_BOOL:
        *(bool *)at = cJSON_IsTrue(v);
        return cJSON_IsBool(v);
    case KIND_LEVEL:
        if (!take_small(v, 0, 1, &n))
            return false;
        *(uint8_t *)at = (uint8_t)n;
        return true;
    }
    return false;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct ud_lab_settings s;
    const char *name;
    uint32_t seen;
    char *why;
    size_t why_size;
};

#define COMPLAIN(r, ...) lab_why((r)->why, (r)->why_size, ESP_ERR_INVALID_ARG, __VA_ARGS__)

static esp_err_t read_inputs(struct reading *r, const cJSON *inputs)
{
    if (!cJSON_IsObject(inputs))
        return COMPLAIN(r, "%s: \"inputs\" must be an object such as {\"9\": 0}", r->name);
    for (const cJSON *v = inputs->child; v; v = v->next) {
        const cJSON as_text = { .type = cJSON_String, .valuestring = v->string };
        uint32_t pin, level;
        if (!take_u32(&as_text, &pin) || pin >= UD_LAB_PINS)
            return COMPLAIN(r, "%s: \"inputs\": \"%s\" is not the number of a pin from 0 to 63", r->name, v->string);
        if (!take_small(v, 0, 1, &level))
            return COMPLAIN(r, "%s: \"inputs\": pin \"%s\" must be 0 or 1", r->name, v->string);
        uint64_t bit = UINT64_C(1) << pin;
        if (r->s.inputs_driven & bit)
            return COMPLAIN(r, "%s: \"inputs\": pin \"%s\" is there twice", r->name, v->string);
        r->s.inputs_driven |= bit;
        r->s.inputs |= level ? bit : 0;
    }
    return ESP_OK;
}

static bool same_section(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static esp_err_t read_section(struct reading *r, const cJSON *object, const char *section);

static esp_err_t read_key(struct reading *r, const cJSON *v, const char *section)
{
    const char *dot = section ? "." : "";
    const char *prefix = section ? section : "";
    for (size_t i = 0; i < UD_ARRAY_LEN(keys); i++) {
        const struct key *k = &keys[i];
        if (!same_section(k->section, section) || strcmp(k->name, v->string) != 0)
            continue;
        if (r->seen & 1u << i)
            return COMPLAIN(r, "%s: \"%s%s%s\" is there twice", r->name, prefix, dot, k->name);
        r->seen |= 1u << i;
        if (!take_value(v, k->kind, (char *)&r->s + k->at))
            return COMPLAIN(r, "%s: \"%s%s%s\" must be %s", r->name, prefix, dot, k->name, kind_wants[k->kind]);
        return ESP_OK;
    }
    if (!section && strcmp(v->string, "inputs") == 0)
        return read_inputs(r, v);
    if (!section && (strcmp(v->string, "bootloader") == 0 || strcmp(v->string, "app") == 0))
        return read_section(r, v, v->string);
    return COMPLAIN(r, "%s: \"%s%s%s\" is not a setting of a board: correct or remove it", r->name, prefix, dot,
                    v->string);
}

static esp_err_t read_section(struct reading *r, const cJSON *object, const char *section)
{
    if (!cJSON_IsObject(object))
        return COMPLAIN(r, "%s: %s%s%s must be an object", r->name, section ? "\"" : "",
                        section ? section : "the whole", section ? "\"" : "");
    esp_err_t err = ESP_OK;
    for (const cJSON *v = object->child; v && err == ESP_OK; v = v->next)
        err = read_key(r, v, section);
    return err;
}

static bool was_seen(const struct reading *r, size_t at)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(keys); i++)
        if (keys[i].at == at)
            return r->seen >> i & 1;
    return false;
}

static esp_err_t check_required(struct reading *r)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(keys); i++)
        if (keys[i].required && !(r->seen & 1u << i))
            return COMPLAIN(r, "%s: \"%s\" is missing: it must be %s", r->name, keys[i].name, kind_wants[keys[i].kind]);
    if (!was_seen(r, offsetof(struct ud_lab_settings, revision)))
        r->s.revision = ud_lab_usual_revision(r->s.chip);
    return ud_lab_settings_check(&r->s, r->name, r->why, r->why_size);
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

esp_err_t ud_lab_settings_parse(const char *text, size_t len, const char *name, struct ud_lab_settings *s, char *why,
                                size_t why_size)
{
    const char *end = text;
    struct reading r = { .name = name, .why = why, .why_size = why_size };
    ud_lab_settings_defaults(&r.s);
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, false);
    while (json && end < text + len && (*end == ' ' || *end == '\t' || *end == '\n' || *end == '\r'))
        end++;
    esp_err_t err;
    if (!json || end < text + len)
        err = COMPLAIN(&r, "%s: not JSON (line %u): correct it, or make the board anew with 'updraft board create'",
                       name, line_of(text, end));
    else
        err = read_section(&r, json, NULL);
    if (err == ESP_OK)
        err = check_required(&r);
    if (err == ESP_OK)
        *s = r.s;
    cJSON_Delete(json);
    return err;
}

esp_err_t ud_lab_settings_check(const struct ud_lab_settings *s, const char *name, char *why, size_t why_size)
{
    if (s->flash_size < 0x10000 || s->flash_size > 0x8000000 || s->flash_size % UD_FLASH_SECTOR != 0)
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                       "%s: a flash of %u bytes cannot be: from 64KB to 128MB, a multiple of 4 KB", name,
                       s->flash_size);
    if (s->table_offset % UD_FLASH_SECTOR != 0 || !ud_range_fits(s->table_offset, UD_FLASH_SECTOR, s->flash_size))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                       "%s: the partition table at 0x%x is not a sector of this flash: 0x8000 is usual", name,
                       s->table_offset);
    if ((s->boot_anti_rollback && !s->boot_rollback) || (s->app_anti_rollback && !s->app_rollback))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG, "%s: \"%s.anti_rollback\" needs \"rollback\" beside it",
                       name, s->boot_anti_rollback && !s->boot_rollback ? "bootloader" : "app");
    return ESP_OK;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static cJSON *size_json(uint32_t n)
{
    char text[24];
    bool mega = n % 0x100000 == 0;
    snprintf(text, sizeof text, "%u%s", mega ? n >> 20 : n >> 10, mega ? "MB" : "KB");
    return cJSON_CreateString(text);
}

static cJSON *value_json(enum kind kind, const void *at)
{
    char text[24];
    switch (kind) {
    case KIND_CHIP:
        return cJSON_CreateString((*(const struct ud_chip *const *)at)->name);
    case KIND_REVISION:
        snprintf(text, sizeof text, "%u.%u", *(const uint16_t *)at / 100u, *(const uint16_t *)at % 100u);
        return cJSON_CreateString(text);
    case KIND_RUNS:
        return cJSON_CreateString(*(const enum ud_lab_runs *)at == UD_LAB_RUNS_HOST ? "host" : "none");
    case KIND_PIN:
        return *(const uint8_t *)at == UD_LAB_NO_PIN ? cJSON_CreateNull() : cJSON_CreateNumber(*(const uint8_t *)at);
    case KIND_LABELS:
        return cJSON_CreateString(at);
    case KIND_ADDR:
        snprintf(text, sizeof text, "0x%x", *(const uint32_t *)at);
        return cJSON_CreateString(text);
    case KIND_MS:
        return cJSON_CreateNumber(*(const uint32_t *)at);
    case KIND_SIZE:
        return size_json(*(const uint32_t *)at);
    case KIND_BOOL:
        return cJSON_CreateBool(*(const bool *)at);
    case KIND_LEVEL:
        return cJSON_CreateNumber(*(const uint8_t *)at);
    }
    return NULL;
}

static bool add_inputs(cJSON *root, const struct ud_lab_settings *s)
{
    cJSON *inputs = cJSON_AddObjectToObject(root, "inputs");
    for (unsigned pin = 0; inputs && pin < UD_LAB_PINS; pin++) {
        char name[8];
        snprintf(name, sizeof name, "%u", pin);
        if (s->inputs_driven >> pin & 1 && !cJSON_AddNumberToObject(inputs, name, (double)(s->inputs >> pin & 1)))
            return false;
    }
    return inputs != NULL;
}

char *ud_lab_settings_print(const struct ud_lab_settings *s)
{
    char *text = NULL;
    cJSON *root = cJSON_CreateObject();
    bool ok = root != NULL;
    for (size_t i = 0; ok && i < UD_ARRAY_LEN(keys); i++) {
        const struct key *k = &keys[i];
        cJSON *into = k->section ? cJSON_GetObjectItemCaseSensitive(root, k->section) : root;
        if (!into)
            into = cJSON_AddObjectToObject(root, k->section);
        cJSON *v = value_json(k->kind, (const char *)s + k->at);
        ok = into && cJSON_AddItemToObject(into, k->name, v);
        if (!ok)
            cJSON_Delete(v);
    }
    if (ok && add_inputs(root, s))
        text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
