/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of `updraft` share: errors on stderr, whole files, JSON on stdout, numbers from the command line.
 *
 * A verb is a function `int cmd_x(int argc, char **argv)`, argv[0] being "updraft x"; it returns the exit code:
 * 0 done, 1 the thing asked about is bad or failed, 2 the command line is wrong (others are said in its --help).
 */
#ifndef UPDRAFT_CLI_H
#define UPDRAFT_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "updraft/base.h"
#include "updraft/partition.h"

#include <cJSON.h>

#define CLI_OK     0
#define CLI_FAILED 1
#define CLI_USAGE  2

/* One sub-command of a verb, for cli_dispatch. */
struct cli_verb {
    const char *name;
    const char *brief; /* one line for the overview */
    int (*run)(int argc, char **argv);
};

/* Run argv[1] out of `verbs` (ended by a NULL name); prints the overview for --help, an error for an unknown one. */
int cli_dispatch(const char *command, const char *intro, const struct cli_verb *verbs, int argc, char **argv);

/* "updraft: <message>" on stderr, newline added; returns CLI_FAILED, so that `return cli_error(...)` reads well. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a wrong command line, pointing to `updraft <command> --help`; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A whole file in memory (caller frees `*data`; one NUL is appended beyond `*len`). Says what is wrong on stderr. */
bool cli_read_file(const char *path, uint8_t **data, size_t *len);
/* Write a file whole through a temporary beside it and rename (a device or a pipe is written to, a link followed);
 * says what is wrong on stderr. */
bool cli_write_file(const char *path, const void *data, size_t len);
/* False, and said on stderr, when `out` is the very file that `in` is: no verb eats what it was given. */
bool cli_may_replace(const char *out, const char *in);

/* "0x10000", "65536", "64K", "4M", "4MB"; the whole text must be the number. */
bool cli_parse_u32(const char *text, uint32_t *out);

/* Print and free. */
void cli_print_json(cJSON *json);
/* Add "name": "<hex>". */
void cli_json_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len);

/* Columns of the terminal on stdout ($COLUMNS first), 80 when unknown; is stdout one that takes colour; UTF-8? */
unsigned cli_columns(void);
bool cli_use_color(FILE *stream);
bool cli_is_utf8(void);

/* Text of others (an image, a table, a server, firmware), without what would move a terminal's cursor. */
void cli_printable(char *text);
/* Bytes of the UTF-8 character at `s`; 0 when there is none, or one of control. */
size_t cli_character(const unsigned char *s);

/* An observer that prints each failing note as a sentence on stderr ("updraft: …"). */
struct ud_observer cli_error_observer(void);

/* Load a partition table from a CSV file, a binary table, a flash dump, or a default's name ("two_ota"); errors on
 * stderr (partition_load.c). */
bool cli_load_table(const char *name, const struct ud_csv_options *opt, struct ud_ptable *table);

int cmd_image(int argc, char **argv);
int cmd_partition(int argc, char **argv);
int cmd_board(int argc, char **argv);
int cmd_ota(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_powercut(int argc, char **argv);
int cmd_idf(int argc, char **argv);
int cmd_idf_path(int argc, char **argv);

#endif
