/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreement with ESP-IDF's generator of partition tables: each recorded row (tests/vectors/oracle/README.md) is read
 * with its options. Verdict, class and line of the first error, the binary, the CSV printed back (or the class of the
 * error in reading the binary back) and the number of name warnings must agree; our CSV, read again, must give the same
 * binary. Listed differences, and only these:
 *
 *   digits       digits of other alphabets are not numbers here (`plain` false)
 *   utf32le      a little-endian UTF-32 file is named as such; the generator reads it as UTF-16 and stumbles over the
 *                first row (`plain` false)
 *   labels       a label that CSV would not give back (`$NAME`, blanks at its ends, `#` in front) is not printed here
 *
 * The program takes any files of that format as its arguments; a row may set environment variables by an object `env`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <zlib.h>

#include "updraft/partition.h"
#include "updraft/port_linux.h"

enum { LINE_MAX_BYTES = 1 << 22, FILE_MAX = 1 << 20, TOLD_MAX = 20 };

struct verdict {
    esp_err_t err;
    uint32_t fault;
    uint32_t line;
    unsigned warnings;
    unsigned odd_flags;
};

struct count {
    unsigned agreed, digits, utf32le, labels, disagreed;
};

static char line[LINE_MAX_BYTES];
static char data[FILE_MAX], scratch[4 * FILE_MAX];
static unsigned told;
static bool has_odd_label; /* of the row at hand: `labels` */

static const char *text_of(const cJSON *row, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));
    return s ? s : "";
}

static long number_of(const cJSON *row, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsNumber(item) ? (long)item->valuedouble : 0;
}

static size_t from_base64(const char *text, char *out, size_t cap)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n < cap)
            out[n++] = (char)(bits >> have);
    }
    return n;
}

/* U+0000 in a JSON string ends a C string, so the sample's `csv` is taken from the line itself. */
static size_t csv_of(const cJSON *row, char *out, size_t cap)
{
    const char *at = strstr(line, "\"csv\":\"");
    size_t n = 0;
    if (!at)
        return from_base64(text_of(row, "csv_b64"), out, cap);
    at += strlen("\"csv\":");
    const char *end = at + 1;
    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    /* U+FDD0, a noncharacter, stands for U+0000 while cJSON reads the text. */
    char *copy = strndup(at, (size_t)(end + 1 - at));
    if (!copy)
        exit(1);
    for (char *zero = copy; (zero = strstr(zero, "\\u0000"));)
        memcpy(zero, "\\ufdd0", 6);
    cJSON *string = cJSON_Parse(copy);
    const char *text = cJSON_GetStringValue(string);
    for (; text && *text && n < cap; n++) {
        bool zero = strncmp(text, "\xEF\xB7\x90", 3) == 0;
        out[n] = zero ? '\0' : *text;
        text += zero ? 3 : 1;
    }
    cJSON_Delete(string);
    free(copy);
    return n;
}

static uint32_t size_of_flash(const char *text)
{
    return text[0] ? (uint32_t)strtoul(text, NULL, 10) << 20 : 0;
}

/* Environment variables are those of the row's own `env`: none in the recorded sample. */
static const char *variable(void *ctx, const char *name, size_t len)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, (const cJSON *)ctx)
    {
        if (strlen(item->string) == len && memcmp(item->string, name, len) == 0)
            return cJSON_GetStringValue(item);
    }
    return NULL;
}

static struct ud_csv_options options_of(const cJSON *row)
{
    const cJSON *opts = cJSON_GetObjectItemCaseSensitive(row, "opts");
    return (struct ud_csv_options){
        .table_offset = (uint32_t)number_of(opts, "offset"),
        .has_bootloader_offset = cJSON_HasObjectItem(opts, "primary_bootloader_offset"),
        .bootloader_offset = (uint32_t)number_of(opts, "primary_bootloader_offset"),
        .has_recovery_offset = cJSON_HasObjectItem(opts, "recovery_bootloader_offset"),
        .recovery_offset = (uint32_t)number_of(opts, "recovery_bootloader_offset"),
        .flash_size = size_of_flash(text_of(opts, "flash_size")),
        .secure_v1 = strcmp(text_of(opts, "secure"), "v1") == 0,
        .no_md5 = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(opts, "disable_md5sum")),
        .variable = variable,
        .variable_ctx = cJSON_GetObjectItemCaseSensitive(row, "env"),
        .scratch = scratch,
        .scratch_size = sizeof scratch,
    };
}

static void hear(void *ctx, const struct ud_note *note)
{
    struct verdict *v = ctx;
    v->warnings += note->id == UD_NOTE_CSV_WARNING;
    v->odd_flags += note->id == UD_NOTE_PTABLE_UNKNOWN_FLAGS;
    if (note->err == ESP_OK)
        return;
    v->fault = (uint32_t)note->b;
    v->line = note->id == UD_NOTE_CSV_BAD ? (uint32_t)note->a : 0;
}

static bool wrong(const cJSON *row, const char *what, const char *ours, const char *theirs)
{
    if (told++ < TOLD_MAX)
        fprintf(stderr, "%s (%s): %s: '%s' here, '%s' recorded\n", text_of(row, "id"), text_of(row, "tag"), what, ours,
                theirs);
    return false;
}

/* Do error and class agree? */
static bool same_verdict(const cJSON *row, const char *what, const struct verdict *v, const char *verdict,
                         const char *class)
{
    const char *ours = v->err == ESP_OK ? "ok" : ud_ptable_fault_name(v->fault);
    const char *theirs = strcmp(verdict, "ok") == 0 ? "ok" : class;
    return strcmp(ours, theirs) == 0 || wrong(row, what, ours, theirs);
}

/* Cells of one printed row, in the order of the file; `*text` moves behind it. */
static bool same_row(const char **text, const cJSON *cells)
{
    for (int i = 0; i < cJSON_GetArraySize(cells); i++) {
        const char *cell = cJSON_GetStringValue(cJSON_GetArrayItem(cells, i));
        size_t len = strlen(cell);
        if (strncmp(*text, cell, len) != 0 || !strchr(i == 5 ? "\n" : ",", (*text)[len]))
            return false;
        *text += len + 1;
    }
    return true;
}

static bool names_are_odd(const cJSON *rows)
{
    const cJSON *cells;
    cJSON_ArrayForEach(cells, rows)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(cells, 0));
        if (name[0] == '#' || strpbrk(name, "$, \t\n\v\f\r\x1c\x1d\x1e\x1f") || strstr(name, "\xC2\x85") ||
            strstr(name, "\xC2\xA0") || strstr(name, "\xE2\x80") || strstr(name, "\xE3\x80\x80"))
            return true;
    }
    return false;
}

static bool printed_the_same(const cJSON *row, const struct ud_ptable *table, const cJSON *rows)
{
    static char text[64 << 10];
    size_t needed;
    esp_err_t err = ud_csv_encode(table, text, sizeof text, &needed);
    has_odd_label = err == ESP_ERR_NOT_SUPPORTED && names_are_odd(rows);
    if (has_odd_label)
        return true;
    if (err != ESP_OK)
        return wrong(row, "printing CSV", ud_err_name(err), "rows");
    const char *at = strchr(text, '\n') + 1;
    const cJSON *cells;
    cJSON_ArrayForEach(cells, rows)
    {
        const char *start = at;
        if (!same_row(&at, cells))
            return wrong(row, "CSV", start, cJSON_GetStringValue(cJSON_GetArrayItem(cells, 0)));
    }
    return *at == '\0' || wrong(row, "CSV", at, "no more rows");
}

static void score(struct count *count, bool good)
{
    good ? has_odd_label ? count->labels++ : count->agreed++ : count->disagreed++;
    has_odd_label = false;
}

/* Printed as CSV and read again with the same options, a table that can be printed gives the same binary. */
static bool comes_round(const cJSON *row, const struct ud_ptable *table, const struct ud_csv_options *opt)
{
    static char text[64 << 10];
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t first[UD_PTABLE_BYTES], second[UD_PTABLE_BYTES];
    struct ud_ptable plain = *table, again;
    size_t needed;
    for (unsigned i = 0; i < table->count; i++) /* a NUL ends a label, whatever stands behind it on flash */
        ud_strcopy(memset(plain.part[i].label, 0, 17), 17, table->part[i].label, 16);
    for (unsigned i = 0; i < table->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(table->part[i].label, table->part[j].label) == 0)
                return true; /* equal after cutting */
    esp_err_t err = ud_csv_encode(table, text, sizeof text, &needed);
    if (err == ESP_ERR_NOT_SUPPORTED)
        return true; /* a label that CSV cannot carry: a cut character, `$NAME` */
    if (err != ESP_OK || ud_csv_decode(text, needed, opt, NULL, &again) != ESP_OK)
        return wrong(row, "printed as CSV", "not read again", "");
    return (ud_ptable_encode(&plain, &crypto, first) == ESP_OK && ud_ptable_encode(&again, &crypto, second) == ESP_OK &&
            memcmp(first, second, sizeof first) == 0) ||
           wrong(row, "printed as CSV", "another binary", "");
}

/* ---- CSV rows ------------------------------------------------------------------------------------------------- */

static bool same_binary(const cJSON *row, const char *name, const struct ud_ptable *table,
                        const struct ud_csv_options *opt)
{
    static char expected[UD_PTABLE_BYTES];
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    const cJSON *back = cJSON_GetObjectItemCaseSensitive(row, "back");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(back, "rows");
    memset(expected, 0xFF, sizeof expected);
    (void)from_base64(text_of(row, name), expected, sizeof expected);
    if (ud_ptable_encode(table, &crypto, bytes) != ESP_OK)
        return wrong(row, "binary", "refused", "written");
    if (memcmp(bytes, expected, sizeof bytes) != 0)
        return wrong(row, "binary", "other bytes", "");
    if (!back)
        return true;
    struct ud_ptable again = { .count = 0 };
    struct verdict v = { .err = ESP_OK };
    struct ud_observer obs = { hear, &v };
    v.err = ud_ptable_decode_file(bytes, sizeof bytes, opt, &crypto, &obs, &again);
    if (table->count == 0 && strcmp(text_of(back, "verdict"), "error") == 0 && v.err != ESP_OK)
        return true; /* a table without rows: both refuse to read it back */
    return same_verdict(row, "reading back", &v, text_of(back, "verdict"), text_of(back, "class")) &&
           (v.err != ESP_OK || printed_the_same(row, &again, rows));
}

static void csv_row(const cJSON *row, struct count *count)
{
    struct ud_csv_options opt = options_of(row);
    struct ud_ptable table;
    struct verdict v = { .err = ESP_OK };
    struct ud_observer obs = { hear, &v };
    size_t len = csv_of(row, data, sizeof data);
    bool plain = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "plain"));
    v.err = ud_csv_decode(data, len, &opt, &obs, &table);
    bool ok = strcmp(text_of(row, "verdict"), "ok") == 0;
    if (!plain && v.err != ESP_OK && v.fault == UD_PTABLE_BAD_ENCODING && len > 4 &&
        memcmp(data, "\xFF\xFE\0\0", 4) == 0 && !ok) {
        count->utf32le++;
        return;
    }
    if (!plain && v.err != ESP_OK && strcmp(text_of(row, "tag"), "odd:unicode_digits") == 0 &&
        (v.fault == UD_PTABLE_BAD_SUBTYPE || v.fault == UD_PTABLE_BAD_NUMBER)) {
        count->digits++;
        return;
    }
    char number[16];
    snprintf(number, sizeof number, "%u", v.line);
    bool good = same_verdict(row, "verdict", &v, text_of(row, "verdict"), text_of(row, "class"));
    if (good && cJSON_HasObjectItem(row, "line") && v.line != (uint32_t)number_of(row, "line"))
        good = wrong(row, "line", number, "another");
    if (good && ok && v.warnings != (unsigned)number_of(row, "warnings"))
        good = wrong(row, "warnings", "", "");
    if (good && ok)
        good = same_binary(row, "bin_b64", &table, &opt) && comes_round(row, &table, &opt);
    score(count, good);
}

/* ---- binary rows ---------------------------------------------------------------------------------------------- */

static void binary_row(const cJSON *row, struct count *count)
{
    struct ud_csv_options opt = options_of(row);
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_ptable table = { .count = 0 };
    struct verdict v = { .err = ESP_OK };
    struct ud_observer obs = { hear, &v };
    size_t len = from_base64(text_of(row, "bin_b64"), data, sizeof data);
    size_t ff = (size_t)number_of(row, "ff");
    if (len + ff > sizeof data || len + ff != (size_t)number_of(row, "len")) {
        (void)wrong(row, "file", "", "another length");
        count->disagreed++;
        return;
    }
    memset(data + len, 0xFF, ff);
    bool is_csv = strcmp(text_of(row, "read_as"), "csv") == 0;
    v.err = is_csv ? ud_csv_decode(data, len + ff, &opt, &obs, &table)
                   : ud_ptable_decode_file((const uint8_t *)data, len + ff, &opt, &crypto, &obs, &table);
    bool good = same_verdict(row, "verdict", &v, text_of(row, "verdict"), text_of(row, "class"));
    if (good && v.err == ESP_OK && v.odd_flags != (unsigned)number_of(row, "warn_flags"))
        good = wrong(row, "unknown flags", "", "");
    if (good && v.err == ESP_OK)
        good = is_csv ? same_binary(row, "csv_result_b64", &table, &opt)
                      : printed_the_same(row, &table, cJSON_GetObjectItemCaseSensitive(row, "rows"));
    score(count, good);
}

/* Prints what came of a file; false when a row disagrees or the file cannot be read. */
static bool judge(const char *path, struct count *count)
{
    gzFile file = gzopen(path, "rb");
    bool good = file != NULL;
    unsigned rows = 0;
    *count = (struct count){ 0 };
    while (good && gzgets(file, line, sizeof line)) {
        cJSON *row = cJSON_Parse(line);
        good = row != NULL;
        if (good)
            cJSON_HasObjectItem(row, "read_as") ? binary_row(row, count) : csv_row(row, count);
        cJSON_Delete(row);
        rows++;
    }
    if (file)
        gzclose(file);
    unsigned listed = count->digits + count->utf32le + count->labels;
    printf("%s: agreed %u / listed %u / total %u (digits %u, little-endian UTF-32 %u, labels %u)\n", path,
           count->agreed, listed, rows, count->digits, count->utf32le, count->labels);
    return good && rows > 0 && count->agreed + listed == rows;
}

int main(int argc, char **argv)
{
    struct count csv, binary;
    bool good = true;
    for (int i = 1; i < argc; i++)
        good = judge(argv[i], &csv) && good;
    if (argc > 1)
        return good ? 0 : 1;
    good = judge(UD_VECTORS "/oracle/partition-csv.jsonl.gz", &csv);
    good = judge(UD_VECTORS "/oracle/partition-binary.jsonl.gz", &binary) && good;
    /* The recorded sample: no listed difference more and none less. */
    good = good && csv.agreed == 393 && csv.digits == 3 && csv.utf32le == 4 && csv.labels == 0 && binary.agreed == 80;
    return good ? 0 : 1;
}
