/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Private to the room: text, rows and keywords of partition tables in CSV.
 *
 * Numbers are 64-bit while a table is worked out, because a row may be wrong in ways that a later rule names better
 * than "too large" (a size may be negative until the order of the rows is known). They are clamped to +-CSV_FAR, far
 * beyond anything that fits an entry, so that sums never wrap.
 */
#ifndef UPDRAFT_PARTITION_CSV_H
#define UPDRAFT_PARTITION_CSV_H

#include "updraft/partition.h"

#define CSV_FAR      ((int64_t)1 << 60)
#define CSV_MAX_ROWS 96u /* one more than fits any table: enough to see that it is too long */

/** Borrowed text, not terminated. */
struct span {
    const char *p;
    size_t len;
};
#define SPAN(literal) ((struct span){ literal, sizeof(literal) - 1 })

struct csv_row {
    struct span name; /* whole; only 16 bytes of it reach the table */
    int64_t type;
    int64_t subtype;
    int64_t addr;
    int64_t size; /* negative: ends at flash address -size, until the order pass */
    uint32_t flags;
    uint32_t line; /* 0: not from a file */
    bool has_addr;
};

struct csv_rows {
    struct csv_row row[CSV_MAX_ROWS];
    size_t count;
};

/** What is left of the caller's scratch buffer. */
struct csv_scratch {
    char *p;
    size_t left;
};

/** What the rules are checked against. */
struct csv_rules {
    const struct ud_csv_options *opt;
    const struct ud_observer *obs;
    int64_t table_offset;
};

static inline struct csv_rules csv_rules_of(const struct ud_csv_options *opt, const struct ud_observer *obs)
{
    return (struct csv_rules){ opt, obs, opt->table_offset ? opt->table_offset : UD_PTABLE_DEFAULT_OFFSET };
}

/* ---- text (csv_text.c) */

/** Offset of the first byte that is not UTF-8, `len` if all is. */
size_t csv_utf8_bad(const char *text, size_t len);
/** Take the next line off `*rest`. A line ends where Unicode says that one ends. */
struct span csv_take_line(struct span *rest);
/** Without white space (Unicode's) at both ends. */
struct span csv_trim(struct span s);
/** Take the next cell off `*rest` and trim it; empty when none is left. */
struct span csv_take_cell(struct span *rest, char separator);
/** Does it use an environment variable, `$NAME` or `${`? */
bool csv_has_variable(struct span text);
/** One code point of UTF-8 at `text` (len >= 1); its length in bytes, 0 if it is none (overlong, surrogate, cut). */
size_t csv_code_point(const char *text, size_t len, uint32_t *out);
bool csv_span_eq(struct span a, struct span b);
bool csv_span_caseeq(struct span a, const char *b);

/* ---- messages (csv_text.c) */

/** A message is put together piece by piece in a fixed buffer; what does not fit is cut. */
struct csv_message {
    char text[256];
    size_t len;
};
void csv_say(struct csv_message *m, const char *text);
void csv_say_span(struct csv_message *m, struct span s);
void csv_say_hex(struct csv_message *m, int64_t value);

/** Note an error about the row `name` (empty: none) on `line`: "<name>: <what>, <value>; <advice>". */
esp_err_t csv_bad(const struct ud_observer *obs, enum ud_ptable_fault fault, uint32_t line, struct span name,
                  const struct csv_message *m);

/* ---- what a file says (csv_source.c) */

/** Make UTF-8 without byte order mark of the whole text; it may move to the scratch buffer. */
esp_err_t csv_take_encoding(const struct csv_rules *rules, struct csv_scratch *scratch, struct span *text);
/** Put the values of environment variables into a line; it may move to the scratch buffer. */
esp_err_t csv_take_variables(const struct csv_rules *rules, struct csv_scratch *scratch, uint32_t line,
                             struct span *text);

/* ---- names (names.c) */

/** Number of a keyword, or -1. Subtypes are looked up under their type. */
int csv_type_number(struct span word);
int csv_subtype_number(int64_t type, struct span word);
/** Is `word` (case matters) a type or subtype keyword that says something else than this entry? */
bool csv_name_misleads(struct span word, int64_t type, int64_t subtype);

/* ---- numbers (csv_number.c) */

/** Number with sign, prefix, suffixes as in CSV cells; clamped to +-CSV_FAR. */
bool csv_number(struct span s, int64_t *value);
/** The same, or a keyword, which may carry suffixes too. `type` -1: type keywords, else subtypes of that type. */
bool csv_number_or_keyword(struct span s, int64_t type, int64_t *value);

/* ---- rules (check.c) */

static inline bool csv_is_primary(const struct csv_row *r)
{
    return (r->type == UD_PART_BOOTLOADER || r->type == UD_PART_TABLE) && r->subtype == 0;
}
static inline int64_t csv_alignment(const struct csv_row *r)
{
    return r->type == UD_PART_APP ? 0x10000 : 0x1000;
}
static inline int64_t csv_add(int64_t a, int64_t b)
{
    int64_t sum = a + b; /* both within +-CSV_FAR */
    return sum > CSV_FAR ? CSV_FAR : sum < -CSV_FAR ? -CSV_FAR : sum;
}
/** The bootloader argument must lie below the table. */
esp_err_t csv_check_options(const struct csv_rules *rules);
/** All rules about finished rows. */
esp_err_t csv_check_rows(const struct csv_rules *rules, const struct csv_rows *rows);
/** Both, about a table. */
esp_err_t csv_check_table(const struct csv_rules *rules, const struct ud_ptable *table);

#endif /* UPDRAFT_PARTITION_CSV_H */
