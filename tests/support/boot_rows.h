/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the programs over the recorded boot vectors share (tests/vectors/boot/README.md): reading a gzip file of JSON
 * lines, building the board of a row, telling flash operations and entries in the vectors' words, keeping count.
 *
 *     struct rows rows;
 *     rows_open(&rows, argc, argv, UD_VECTORS "/boot/boot-decisions.jsonl.gz");
 *     for (cJSON *row; (row = rows_next(&rows)) != NULL; cJSON_Delete(row)) { ... rows_expect(&rows, ...); }
 *     return rows_close(&rows, "boot decisions");
 */
#ifndef TESTS_BOOT_ROWS_H
#define TESTS_BOOT_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <zlib.h>

#include "test_board.h"

#define ROWS_LINE_MAX  (1u << 20)
#define ROWS_TELL_MAX  20u /* disagreements that are printed in full */
#define ROWS_LABEL_MAX 17u

struct rows {
    gzFile file;
    const char *path;
    char *line;
    int id; /* of the row at hand */
    bool row_good;
    unsigned agree, disagree, listed;
};

static inline bool rows_open(struct rows *r, int argc, char **argv, const char *standard)
{
    const char *path = argc > 1 ? argv[1] : standard;
    *r = (struct rows){ .file = gzopen(path, "rb"), .path = path, .line = malloc(ROWS_LINE_MAX), .row_good = true };
    if (r->file && r->line)
        return true;
    fprintf(stderr, "cannot read %s\n", path);
    if (r->file)
        gzclose(r->file);
    free(r->line);
    return false;
}

static inline int json_int(const cJSON *row, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsTrue(item) ? 1 : cJSON_IsNumber(item) ? item->valueint : 0;
}

static inline const char *json_text(const cJSON *row, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));
}

static inline bool json_has(const cJSON *row, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(row, name) != NULL;
}

/* The next row, NULL at the end. A line that is not JSON is a disagreement and ends the run. */
static inline cJSON *rows_next(struct rows *r)
{
    if (!gzgets(r->file, r->line, (int)ROWS_LINE_MAX))
        return NULL;
    cJSON *row = cJSON_Parse(r->line);
    if (!row) {
        fprintf(stderr, "not a JSON line: %.60s\n", r->line);
        r->disagree++;
        return NULL;
    }
    r->id = json_int(row, "id");
    r->row_good = true;
    return row;
}

/* Compare as text; says what differs and marks the row. */
static inline void rows_expect(struct rows *r, const char *what, const char *expected, const char *found)
{
    if (strcmp(expected, found) == 0)
        return;
    r->row_good = false;
    if (r->disagree < ROWS_TELL_MAX)
        fprintf(stderr, "row %d: %s: recorded %s, here %s\n", r->id, what, expected, found);
}

static inline void rows_done(struct rows *r)
{
    if (r->row_good)
        r->agree++;
    else
        r->disagree++;
}

/* Tell the counts; 0 only if there were rows and all agree. */
static inline int rows_close(struct rows *r, const char *what)
{
    gzclose(r->file);
    free(r->line);
    printf("%s: agreed %u / listed %u / total %u (%s)\n", r->path, r->agree, r->listed,
           r->agree + r->listed + r->disagree, what);
    return r->disagree == 0 && r->agree > 0 ? 0 : 1;
}

/* ---- a row's board -------------------------------------------------------------------------------------------- */

static inline void hex_entry(const char *hex, uint8_t bytes[UD_OTADATA_ENTRY_BYTES])
{
    for (size_t i = 0; i < UD_OTADATA_ENTRY_BYTES; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = (uint8_t)byte;
    }
}

static inline enum test_image_state row_image_state(const char *state)
{
    return strcmp(state, "good") == 0      ? TEST_IMAGE_GOOD
           : strcmp(state, "corrupt") == 0 ? TEST_IMAGE_CORRUPT
                                           : TEST_IMAGE_ERASED;
}

/* Build the board of a row; ended with test_board_deinit. */
static inline void row_board(const cJSON *row, struct test_board *t)
{
    struct test_layout layout = { .factory = json_int(row, "factory") != 0, .test = json_int(row, "test") != 0 };
    const char *otadata = json_text(row, "otadata");
    const cJSON *item;
    layout.otadata = strcmp(otadata, "present") == 0 ? UD_OTADATA_PRESENT
                     : strcmp(otadata, "short") == 0 ? UD_OTADATA_SHORT
                                                     : UD_OTADATA_ABSENT;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "ota"))
    {
        if (layout.ota_count < UD_ARRAY_LEN(layout.ota))
            layout.ota[layout.ota_count++] = (uint8_t)item->valueint;
    }
    test_board_init(t, &layout);

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "images"))
    {
        const cJSON *secver = cJSON_GetObjectItemCaseSensitive(row, "secver");
        test_board_put_app(t, item->string, row_image_state(item->valuestring),
                           (uint32_t)json_int(secver, item->string));
    }
    test_board_put_level(t, (uint32_t)json_int(row, "level"));
    unsigned i = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "in"))
    {
        uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
        hex_entry(item->valuestring, bytes);
        if (layout.otadata == UD_OTADATA_PRESENT || (layout.otadata == UD_OTADATA_SHORT && i == 0))
            test_board_put_otadata(t, i, bytes);
        i++;
    }
    record_flash_clear(&t->rec);
}

/* ---- the vectors' words --------------------------------------------------------------------------------------- */

static inline void text_add(char *text, size_t cap, const char *word)
{
    size_t len = strlen(text);
    snprintf(text + len, cap - len, "%s%s", len > 0 ? " " : "", word);
}

/* A JSON array of texts as one text. */
static inline void text_of_array(const cJSON *array, char *text, size_t cap)
{
    const cJSON *item;
    text[0] = '\0';
    cJSON_ArrayForEach(item, array)
    {
        text_add(text, cap, item->valuestring);
    }
}

static inline void add_otadata_op(const struct test_board *t, uint32_t n, const struct ud_partition *p, char *text,
                                  size_t cap)
{
    char word[16];
    uint32_t addr = t->rec.op[n].addr;
    if (t->rec.op[n].op == UD_FLASH_PROGRAM) {
        snprintf(word, sizeof word, "W%u", (unsigned)((addr - p->addr) / UD_FLASH_SECTOR));
        text_add(text, cap, word);
        return;
    }
    for (uint32_t a = addr; a < addr + t->rec.op[n].len; a += UD_FLASH_SECTOR) {
        snprintf(word, sizeof word, "E%u", (unsigned)((a - p->addr) / UD_FLASH_SECTOR));
        text_add(text, cap, word);
    }
}

/*
 * The recorded operations: E0 W1 …, "X:label" for the erase of a whole app partition (in one or in steps). The data
 * partitions that a factory reset clears are not part of the vectors. Anything else is told as "?address".
 */
static inline void text_of_ops(const struct test_board *t, char *text, size_t cap)
{
    text[0] = '\0';
    uint32_t erased_to = 0; /* end of the app erase that is under way */
    for (uint32_t n = 0; n < t->rec.count && n < RECORD_MAX; n++) {
        uint32_t addr = t->rec.op[n].addr;
        const struct ud_partition *p = ud_ptable_at(&t->board.table, addr);
        char word[32];
        if (p && p->type == UD_PART_DATA && p->subtype == UD_PART_DATA_OTA) {
            add_otadata_op(t, n, p, text, cap);
        } else if (p && p->type == UD_PART_APP && t->rec.op[n].op == UD_FLASH_ERASE &&
                   (addr == p->addr || addr == erased_to)) {
            erased_to = addr + t->rec.op[n].len;
            snprintf(word, sizeof word, "X:%s", p->label);
            if (erased_to == p->addr + p->size)
                text_add(text, cap, word);
        } else if (!p || p->type != UD_PART_DATA) {
            snprintf(word, sizeof word, "?%x", (unsigned)addr);
            text_add(text, cap, word);
        }
    }
}

static inline void text_of_entries(const struct test_board *t, unsigned count, char *text, size_t cap)
{
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
        char hex[2 * UD_OTADATA_ENTRY_BYTES + 1];
        test_board_get_otadata(t, i, bytes);
        for (size_t k = 0; k < sizeof bytes; k++)
            snprintf(hex + 2 * k, 3, "%02x", bytes[k]);
        text_add(text, cap, hex);
    }
}

/* Flash operations, entries and the level of the eFuses against the row (or step). */
static inline void rows_expect_flash(struct rows *r, const cJSON *row, const struct test_board *t)
{
    char expected[1024];
    char found[1024];
    text_of_array(cJSON_GetObjectItemCaseSensitive(row, "ops"), expected, sizeof expected);
    text_of_ops(t, found, sizeof found);
    if (strcmp(expected, "E0 E1") == 0 && strcmp(found, "E1 E0") == 0)
        snprintf(found, sizeof found, "%s", expected); /* listed: here the active entry is erased last */
    rows_expect(r, "ops", expected, found);

    if (json_has(row, "level_out")) {
        snprintf(expected, sizeof expected, "%d", json_int(row, "level_out"));
        snprintf(found, sizeof found, "%u", (unsigned)test_board_level(t));
        rows_expect(r, "level", expected, found);
    }

    const cJSON *out = cJSON_GetObjectItemCaseSensitive(row, "out");
    const struct ud_partition *otadata = ud_ptable_find(&t->board.table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    if (!out || !otadata)
        return;
    text_of_array(out, expected, sizeof expected);
    if (otadata->size < UD_OTADATA_BYTES)
        expected[2 * UD_OTADATA_ENTRY_BYTES] = '\0'; /* the second entry lies outside */
    text_of_entries(t, otadata->size < UD_OTADATA_BYTES ? 1 : 2, found, sizeof found);
    rows_expect(r, "out", expected, found);
}

/* start, tried and loaded of a boot against the row (or step). */
static inline void rows_expect_boot(struct rows *r, const cJSON *row, const struct ud_boot_result *result)
{
    char expected[512];
    char found[512] = "";
    const cJSON *start = cJSON_GetObjectItemCaseSensitive(row, "start");
    snprintf(expected, sizeof expected, "%d", cJSON_IsNumber(start) ? start->valueint : UD_BOOT_NONE);
    snprintf(found, sizeof found, "%d", result->plan.start);
    rows_expect(r, "start", expected, found);

    text_of_array(cJSON_GetObjectItemCaseSensitive(row, "tried"), expected, sizeof expected);
    found[0] = '\0';
    for (uint8_t i = 0; i < result->tried_count; i++)
        text_add(found, sizeof found, ud_boot_partition(&result->table, result->tried[i].index)->label);
    rows_expect(r, "tried", expected, found);

    const char *loaded = json_text(row, "loaded");
    rows_expect(r, "loaded", loaded ? loaded : "nothing", result->loaded ? result->loaded->label : "nothing");
}

#endif /* TESTS_BOOT_ROWS_H */
