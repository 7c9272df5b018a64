/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-verbs of `updraft partition`, and what they share. */
#ifndef UPDRAFT_CLI_PARTITION_H
#define UPDRAFT_CLI_PARTITION_H

#include "cli.h"

int partition_build(int argc, char **argv);
int partition_show(int argc, char **argv);
int partition_check(int argc, char **argv);
int partition_diff(int argc, char **argv);

/* ---- options (partition_options.c) */

struct partition_options {
    struct ud_csv_options csv;
    uint32_t new_offset; /* of the second table in its dump; 0: as the first */
    bool as_csv;
    bool as_json;
    bool strict;    /* warnings count */
    bool generator; /* binary tables by the generator's rules */
};

/* Rows of the help of every verb that reads a table. */
#define PARTITION_OPTIONS                                                                                              \
    "  --primary-bootloader-offset ADDR   needed if the table lists the boot loader\n"                                 \
    "  --recovery-bootloader-offset ADDR  needed if the table lists a recovery boot loader\n"                          \
    "  --flash-size SIZE                  check that everything fits (4MB)\n"                                          \
    "  --secure v1|v2                     app sizes as that scheme wants them\n"

/* Options of the verb, those its help text names. True: go on, with argv[optind...]; false: `*rc` is the exit code. */
bool partition_parse(const char *command, const char *help, int argc, char **argv, struct partition_options *o,
                     int *rc);

/* ---- where a table comes from (partition_load.c) */

enum partition_kind { PARTITION_DEFAULT, PARTITION_CSV, PARTITION_BINARY, PARTITION_DUMP };

struct partition_source {
    const char *name;
    enum partition_kind kind;
    uint8_t *file;        /* owned; NULL for a default */
    const uint8_t *bytes; /* of the table: the text, the binary table, the dump from the table on */
    size_t len;
    uint32_t dump_size; /* of a dump */
};

/* Read a default, CSV, a binary table or a flash dump (table at `offset`); false: said on stderr. */
bool partition_open(const char *name, uint32_t offset, struct partition_source *src);
void partition_close(struct partition_source *src);
const char *partition_kind_name(enum partition_kind kind);

/* Decode; binary tables as the boot loader, or as the generator. CSV may use environment variables. */
esp_err_t partition_decode(const struct partition_source *src, const struct ud_csv_options *opt, bool generator,
                           const struct ud_observer *obs, struct ud_ptable *table);
/* Open, decode, close; errors on stderr. */
bool partition_load(const char *name, const struct ud_csv_options *opt, bool generator, struct ud_ptable *table);

/* ---- words (partition_options.c) */

/* The label, fit for a terminal and for JSON. */
const char *partition_label(const struct ud_partition *p, char buf[17]);
/* "app/ota_0" */
const char *partition_kind_text(const struct ud_partition *p, char buf[32]);
/* "encrypted:readonly", "" for none */
const char *partition_flags_text(const struct ud_partition *p);
/* "1M", "6K", "0x123" as in CSV */
const char *partition_size_text(uint32_t size, char buf[16]);

#endif
