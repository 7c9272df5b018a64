/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of a CSV file say: encodings by byte order mark, environment variables, the scratch buffer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/partition.h"

#define REST       ",data,fat,,4K"
#define ROW(label) label REST

/* A string literal with its length: NULs count. */
#define TEXT(literal) literal, sizeof(literal) - 1

struct heard {
    int errors;
    uint32_t line;
    uint32_t fault;
    char text[300];
};

static void hear(void *ctx, const struct ud_note *note)
{
    struct heard *heard = ctx;
    if (note->err == ESP_OK)
        return;
    heard->errors++;
    heard->line = (uint32_t)note->a;
    heard->fault = (uint32_t)note->b;
    ud_strcopy(heard->text, sizeof heard->text, note->text, sizeof heard->text);
}

static const char *lookup(void *ctx, const char *name, size_t len)
{
    static const char *const set[][2] = {
        { "A", "1" },         { "SIZE", "4K" },  { "LONG_name_9", "x" }, { "EMPTY", "" },     { "ROW", ROW("r") },
        { "NOTE", "# note" }, { "BAD", "\xFF" }, { "AGAIN", "$A" },      { "odd name", "o" }, { "LINES", "a\nb" },
    };
    assert_null(ctx);
    for (size_t i = 0; i < UD_ARRAY_LEN(set); i++)
        if (strlen(set[i][0]) == len && memcmp(set[i][0], name, len) == 0)
            return set[i][1];
    return NULL;
}

static esp_err_t decode(const char *text, size_t len, struct heard *heard, struct ud_ptable *table)
{
    char scratch[1024];
    struct ud_observer obs = { hear, heard };
    struct ud_csv_options opt = { .variable = lookup, .scratch = scratch, .scratch_size = sizeof scratch };
    memset(heard, 0, sizeof *heard);
    esp_err_t err = ud_csv_decode(text, len, &opt, &obs, table);
    memset(scratch, 0x5A, sizeof scratch); /* the table must not borrow from it */
    return err;
}

#define REST_LE "\0,\0d\0a\0t\0a\0,\0f\0a\0t\0,\0,\0004\0K\0"
#define REST_BE "\0,\0d\0a\0t\0a\0,\0f\0a\0t\0,\0,\0004\0K"

static void each_byte_order_mark_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *label;
    } rows[] = {
        { TEXT(ROW("a")), "a" },
        { TEXT("\xEF\xBB\xBF" ROW("a")), "a" },
        { TEXT("\xFF\xFE\xE9" REST_LE), "\xC3\xA9" },
        { TEXT("\xFE\xFF\x52\x06" REST_BE), "\xE5\x88\x86" },
        { TEXT("\xFE\xFF\xD8\x3D\xDE\x00" REST_BE), "\xF0\x9F\x98\x80" },
        { TEXT("\xFE\xFF\x00\x7F" REST_BE), "\x7F" }, /* the last and the first of each length in UTF-8 */
        { TEXT("\xFE\xFF\x00\x80" REST_BE), "\xC2\x80" },
        { TEXT("\xFE\xFF\x07\xFF" REST_BE), "\xDF\xBF" },
        { TEXT("\xFE\xFF\x08\x00" REST_BE), "\xE0\xA0\x80" },
        { TEXT("\xFE\xFF\xFF\xFF" REST_BE), "\xEF\xBF\xBF" },
        { TEXT("\xFE\xFF\xD8\x00\xDC\x00" REST_BE), "\xF0\x90\x80\x80" },
        { TEXT("\xFE\xFF\xDB\xFF\xDF\xFF" REST_BE), "\xF4\x8F\xBF\xBF" },
        { TEXT("\xF4\x8F\xBF\xBF" REST), "\xF4\x8F\xBF\xBF" },
        { TEXT("\0\0\xFE\xFF\0\1\xF6\0\0\0\0,\0\0\0d\0\0\0a\0\0\0t\0\0\0a\0\0\0,\0\0\0f\0\0\0a\0\0\0t\0\0\0,\0\0\0,"
               "\0\0\0004\0\0\0K"),
          "\xF0\x9F\x98\x80" },
        { TEXT("\xEF\xBB\xBF\n\xEF\xBB\xBF" REST), "\xEF\xBB\xBF" }, /* a mark in the middle is text */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard;
        struct ud_ptable table;
        assert_int_equal(decode(rows[i].text, rows[i].len, &heard, &table), ESP_OK);
        assert_int_equal(table.count, 1);
        assert_string_equal(table.part[0].label, rows[i].label);
    }
}

static void bytes_that_do_not_decode_are_an_error_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        uint32_t line;
    } rows[] = {
        { TEXT("\xFF"), 1 },
        { TEXT("# \xC3\n"), 1 },
        { TEXT(ROW("a") "\n\xED\xA0\x80"), 2 },           /* a surrogate */
        { TEXT("a\r\n\xC2\x85\xE2\x80\xA8\xC0\x80"), 4 }, /* overlong; NEL and U+2028 end lines */
        { TEXT("\xFF\xFE#\0\n\0#"), 2 },                  /* half a character */
        { TEXT("\xFF\xFE\n\0\x00\xD8#\0"), 2 },           /* a leading surrogate alone */
        { TEXT("\xFF\xFE\x00\xDC#\0"), 1 },               /* a trailing one */
        { TEXT("\xFE\xFF\0#\xD8\x00"), 1 },               /* cut between the two */
        { TEXT("\0\0\xFE\xFF\0\x11\0\0"), 1 },            /* beyond Unicode */
        { TEXT("\0\0\xFE\xFF\0\0\0\n\0\0\xD8\0"), 2 },    /* a surrogate in UTF-32 */
        { TEXT("\0\0\xFE\xFF\0\0\0"), 1 },                /* cut */
        { TEXT("\xFF\xFE\0\0a\0\0\0"), 1 },               /* little-endian UTF-32 */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard;
        struct ud_ptable table;
        assert_int_equal(decode(rows[i].text, rows[i].len, &heard, &table), ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.errors, 1);
        assert_int_equal(heard.fault, UD_PTABLE_BAD_ENCODING);
        assert_int_equal(heard.line, rows[i].line);
        assert_non_null(strstr(heard.text, "save"));
    }
}

static void variables_stand_for_their_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *label; /* of the last row, NULL: the table is empty */
        unsigned count;
    } rows[] = {
        { ROW("$A"), "1", 1 },
        { ROW("x$A$A"), "x11", 1 },
        { ROW("${A}b"), "1b", 1 },
        { ROW("$LONG_name_9-$A"), "x-1", 1 },
        { ROW("${odd name}"), "o", 1 },
        { "n,data,fat,,$SIZE", "n", 1 },
        { "$ROW\n$NOTE\n" ROW("b"), "b", 2 },
        { "$EMPTY\n# $NONE", NULL, 0 },
        { ROW(" $AGAIN"), "$A", 1 }, /* put in once: what comes of it is text */
        { ROW(" $NONE"), "$NONE", 1 },
        { ROW("${NONE}"), "${NONE}", 1 },
        { ROW("${A"), "${A", 1 },
        { ROW("${}"), "${}", 1 },
        { ROW("a$"), "a$", 1 },
        { ROW("a$-"), "a$-", 1 },
        { "a$LINES,data,fat,,4K", "aa\nb", 1 }, /* a line end in a value ends no line */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard;
        struct ud_ptable table;
        assert_int_equal(decode(rows[i].text, strlen(rows[i].text), &heard, &table), ESP_OK);
        assert_int_equal(table.count, rows[i].count);
        if (rows[i].label)
            assert_string_equal(table.part[table.count - 1].label, rows[i].label);
    }
}

static void unset_and_unreadable_variables_are_errors_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line, fault;
        const char *says;
    } rows[] = {
        { ROW("a") "\n" ROW("$NONE"), 2, UD_PTABLE_UNSET_VARIABLE, "NONE is not set" },
        { "$NONE", 1, UD_PTABLE_UNSET_VARIABLE, "NONE" },
        { ROW("$AGAIN"), 1, UD_PTABLE_UNSET_VARIABLE, "A is not set" },
        { "\n# $BAD", 2, UD_PTABLE_BAD_ENCODING, "BAD is not UTF-8" },
        { "a,data,fat,,$NONE\n", 1, UD_PTABLE_BAD_NUMBER, "$NONE" },
        { "a,dta,fat,,4K\n$NONE", 1, UD_PTABLE_BAD_TYPE, "dta" }, /* line by line */
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct heard heard;
        struct ud_ptable table;
        assert_int_equal(decode(rows[i].text, strlen(rows[i].text), &heard, &table), ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.errors, 1);
        assert_int_equal(heard.line, rows[i].line);
        assert_int_equal(heard.fault, rows[i].fault);
        assert_non_null(strstr(heard.text, rows[i].says));
        assert_null(strstr(heard.text, "partition \"\"")); /* no row, no name */
    }
}

static void without_scratch_or_lookup_what_needs_them_is_refused(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct ud_observer obs = { hear, &heard };
    struct ud_ptable table;
    char scratch[64];
    const struct ud_csv_options opts[] = {
        { .scratch = NULL },
        { .variable = lookup },
        { .scratch = scratch, .scratch_size = sizeof scratch },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(opts); i++) {
        assert_int_equal(ud_csv_decode(TEXT("# $A\n" ROW("$A")), &opts[i], &obs, &table), ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.line, 2);
        assert_int_equal(heard.fault, UD_PTABLE_UNSET_VARIABLE);
    }
    assert_int_equal(ud_csv_decode(TEXT("\xFE\xFF\0#"), &opts[0], &obs, &table), ESP_ERR_INVALID_ARG);
    assert_int_equal(heard.fault, UD_PTABLE_BAD_ENCODING);
}

/* Any size of scratch: all is well, or the caller is told to grow it, without a note. */
static void a_scratch_that_is_too_small_can_be_grown(void **state)
{
    (void)state;
    static const char utf16[] = "\xFF\xFE$\0A\0,\0d\0a\0t\0a\0,\0f\0a\0t\0,\0,\0$\0S\0I\0Z\0E\0";
    char scratch[128];
    size_t enough = 0;
    for (size_t size = 0; size < sizeof scratch; size++) {
        struct heard heard = { 0 };
        struct ud_observer obs = { hear, &heard };
        struct ud_ptable table = { .count = 7 };
        struct ud_csv_options opt = { .variable = lookup, .scratch = scratch, .scratch_size = size };
        memset(scratch, 0x5A, sizeof scratch);
        esp_err_t err = ud_csv_decode(utf16, sizeof utf16 - 1, &opt, &obs, &table);
        assert_int_equal(heard.errors, 0);
        assert_int_equal(scratch[size], 0x5A);
        if (err == ESP_OK) {
            enough = enough ? enough : size;
            assert_string_equal(table.part[0].label, "1");
            continue;
        }
        assert_int_equal(err, ESP_ERR_INVALID_SIZE);
        assert_int_equal(enough, 0);
        assert_int_equal(table.count, 7);
    }
    assert_int_equal(enough, strlen("$A,data,fat,,$SIZE") + strlen("1,data,fat,,4K"));
}

/* U+0009 to U+3000, in UTF-8. */
static void every_white_space_is_trimmed_and_every_line_end_ends_a_line(void **state)
{
    (void)state;
    static const char *const spaces[] = {
        "\t",           "\x1F",         " ",
        "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80",
        "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
        "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
        "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89",
        "\xE2\x80\x8A", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE3\x80\x80",
    };
    static const char *const ends[] = {
        "\n", "\v", "\f", "\r", "\r\n", "\x1C", "\x1D", "\x1E", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9",
    };
    static const char *const others[] = { "\x08", "\x1B", "\xC2\x84", "\xE2\x80\x8B", "\xE2\x80\xAA", "\xE2\x81\xA0" };
    struct heard heard;
    struct ud_ptable table;
    char text[128];
    for (size_t i = 0; i < UD_ARRAY_LEN(spaces); i++) {
        const char *s = spaces[i];
        snprintf(text, sizeof text, "%sn%s,%sdata%s,%s%sfat,,%s4K%s%s", s, s, s, s, s, s, s, s, s);
        assert_int_equal(decode(text, strlen(text), &heard, &table), ESP_OK);
        assert_string_equal(table.part[0].label, "n");
    }
    for (size_t i = 0; i < UD_ARRAY_LEN(ends); i++) {
        snprintf(text, sizeof text, ROW("a") "%s" ROW("b") "%sc", ends[i], ends[i]);
        assert_int_equal(decode(text, strlen(text), &heard, &table), ESP_ERR_INVALID_ARG);
        assert_int_equal(heard.line, 3);
        assert_int_equal(heard.fault, UD_PTABLE_TYPE_EMPTY);
    }
    for (size_t i = 0; i < UD_ARRAY_LEN(others); i++) { /* neither the one nor the other */
        snprintf(text, sizeof text, "%s" ROW("b%s"), others[i], others[i]);
        assert_int_equal(decode(text, strlen(text), &heard, &table), ESP_OK);
        assert_int_equal(table.count, 1);
        assert_int_equal(strlen(table.part[0].label), 1 + 2 * strlen(others[i]));
    }
}

static void every_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(ud_ptable_fault_name(UD_PTABLE_NO_FAULT), "");
    assert_string_equal(ud_ptable_fault_name(UD_PTABLE_BAD_MAGIC + 1), "");
    assert_string_equal(ud_ptable_fault_name(UD_PTABLE_BELOW_TABLE_END_VERIFY), "below-table-end-verify");
    for (uint32_t i = 1; i <= UD_PTABLE_BAD_MAGIC; i++) {
        assert_true(ud_ptable_fault_name(i)[0] != '\0');
        for (uint32_t j = 1; j < i; j++)
            assert_string_not_equal(ud_ptable_fault_name(i), ud_ptable_fault_name(j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_order_mark_is_understood),
        cmocka_unit_test(bytes_that_do_not_decode_are_an_error_with_their_line),
        cmocka_unit_test(variables_stand_for_their_values),
        cmocka_unit_test(unset_and_unreadable_variables_are_errors_with_their_line),
        cmocka_unit_test(without_scratch_or_lookup_what_needs_them_is_refused),
        cmocka_unit_test(a_scratch_that_is_too_small_can_be_grown),
        cmocka_unit_test(every_white_space_is_trimmed_and_every_line_end_ends_a_line),
        cmocka_unit_test(every_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
