/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-verbs of `updraft board`, and what they share. */
#ifndef UPDRAFT_CLI_BOARD_H
#define UPDRAFT_CLI_BOARD_H

#include "cli.h"

#include "updraft/idf.h"
#include "updraft/lab.h"

int board_create(int argc, char **argv);
int board_run(int argc, char **argv);
int board_gdb(int argc, char **argv);
int board_boot(int argc, char **argv);
int board_confirm(int argc, char **argv);
int board_reject(int argc, char **argv);
int board_map(int argc, char **argv);
int board_why(int argc, char **argv);
int board_info(int argc, char **argv);
int board_set_partition(int argc, char **argv);
int board_import(int argc, char **argv);
int board_set_boot(int argc, char **argv);
int board_erase_otadata(int argc, char **argv);
int board_read(int argc, char **argv);
int board_write(int argc, char **argv);
int board_erase(int argc, char **argv);
int board_diff(int argc, char **argv);
int board_efuse(int argc, char **argv);

/* The command line of verbs that take one board and --json. False: `*rc` is the exit code. */
struct board_args {
    const char *path;
    bool json;
    bool svg;
    const char *other; /* of two boards the second */
};
bool board_parse_two(int argc, char **argv, const char *verb, const char *help, struct board_args *out, int *rc);
bool board_parse(int argc, char **argv, const char *verb, const char *help, struct board_args *out, int *rc);
/* Open (UD_LAB_ modes) or say on stderr why not. The board is malloc'd; close with board_close. */
struct ud_lab_board *board_open(const char *path, unsigned mode);
void board_close(struct ud_lab_board *lab);

/* "ota_0 (advanced_ota 2.0.0)", "ota_0" without a description. */
void board_slot_title(const char *label, const struct ud_image_info *info, char *buf, size_t size);
/* "ota_1", "factory", "test" for an index of boot.h. */
void board_index_name(int index, char buf[16]);
/* "1.7 MB", "16 KB", "300 B". */
void board_size_text(uint32_t bytes, char buf[24]);
/* "0.3", both ways; the whole text must be the revision. */
bool board_parse_revision(const char *text, uint16_t *out);
void board_revision_text(uint16_t revision, char buf[16]);
/* An entry of otadata in one line, and as JSON (board_why.c). */
void board_entry_text(const struct ud_otadata_entry *e, unsigned slots, char *buf, size_t size);
cJSON *board_entry_json(const struct ud_otadata_entry *e, unsigned slots);
/* A rule of the boot loader as a sentence; `slots` as counted, entries as they were read. */
void board_rule_sentence(const struct ud_boot_step *step, const struct ud_otadata_entry entry[2], unsigned slots,
                         char *buf, size_t size);
const char *board_label(const struct ud_partition *p, char buf[17]);

/* ---- a part of the flash: LABEL, ADDR, ADDR:LEN (board_range.c) ---------------------------------------------------- */

struct board_range {
    const char *text; /* as given */
    bool is_address;
    bool has_len;
    uint32_t addr;
    uint32_t len;
    const struct ud_partition *partition; /* of a label, once resolved */
};
void board_parse_range(const char *text, struct board_range *out);
/* What must be opened to resolve it: 0, or UD_LAB_FILES_ONLY when no table is needed. */
unsigned board_range_mode(const struct board_range *range);
/* Fill in addr and len; false when it is not there, said on stderr. */
bool board_resolve_range(const struct ud_lab_board *lab, struct board_range *range);

/* ---- what the flash holds, partition by partition (board_view.c) --------------------------------------------------- */

enum board_image { BOARD_NO_APP, BOARD_EMPTY, BOARD_GOOD, BOARD_REFUSED };

struct board_part {
    const struct ud_partition *p;
    bool blank;             /* erased from end to end */
    enum board_image image; /* of app partitions */
    bool has_desc;
    struct ud_app_desc desc;
    uint32_t used;     /* bytes of a good image */
    char problem[160]; /* of a refused one, a sentence */
    char reason[64];   /* the same in a few words */
    bool has_entry;    /* an otadata entry with a good CRC names this slot */
    uint32_t seq;
    uint32_t state;
    bool next; /* boots at the next reset */
    bool runs; /* at this moment */
};

struct board_view {
    unsigned count;
    struct board_part part[UD_PTABLE_MAX_ENTRIES];
};
/* What a failing note says against an image, in a few words. */
void board_image_reason(const struct ud_note *note, char *buf, size_t size);
/* Look into every partition of an open board. False when the flash cannot be read, said on stderr. */
bool board_look(struct ud_lab_board *lab, struct board_view *view);
/* The map as an SVG on stdout; the view is sorted by address (board_svg.c). */
void board_print_svg(const struct ud_lab_board *lab, const struct board_view *view);
/* What `map` says of one, as JSON (board_map.c). */
cJSON *board_part_json(const struct board_part *part);

#endif
