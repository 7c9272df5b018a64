/* SPDX-License-Identifier: Apache-2.0 */
/* An ESP-IDF project as `updraft` sees it: a folder that CMake builds with our folder for ESP-IDF (idf/). */
#ifndef UPDRAFT_CLI_PROJECT_H
#define UPDRAFT_CLI_PROJECT_H

#include "cli.h"

#include "updraft/lab.h"

#define PROJECT_PATH    4096
#define PROJECT_DEFINES 64

/* What the command line said. */
struct project_options {
    const char *command;                 /* for messages */
    const char *dir;                     /* NULL: the current folder */
    const char *build;                   /* NULL: <dir>/build */
    const char *define[PROJECT_DEFINES]; /* "NAME=VALUE", for CMake */
    size_t define_count;
    bool verbose;
};

struct project {
    char dir[PROJECT_PATH];   /* absolute, links resolved */
    char build[PROJECT_PATH]; /* absolute */
    char idf[PROJECT_PATH];   /* the folder for IDF_PATH */
    cJSON *description;       /* project_description.json; NULL before the next two */
    double configure_s;       /* of the last project_build; 0: not configured anew */
    double build_s;
};

/* Fill in the folders; CLI_OK, or the exit code after a message. Not yet built. End with project_close. */
int project_open(const struct project_options *o, struct project *p);
void project_close(struct project *p);
/* Has the build folder been made by a project of ours? */
bool project_is_configured(const struct project *p);
/* Configure if needed (or `define`s are given), build `target` (NULL: all), read the description. */
int project_build(const struct project_options *o, struct project *p, const char *target);
/* What the last build has left, however old: reads the description only. */
int project_take_built(struct project *p);
/* Member of the description as text, "" without it. */
const char *project_text(const struct project *p, const char *member);
/* Where the standard output of a program goes. */
enum project_output {
    PROJECT_OUT,      /* where ours goes */
    PROJECT_ERR,      /* to standard error: ours may be the firmware's console */
    PROJECT_FILTERED, /* the same, but only what our CMake files say */
};
/* Run a program with IDF_PATH set: its exit code, 127 with a message when it cannot be started. */
int project_spawn(const struct project *p, char *const argv[], enum project_output output);

/* The folder that projects take for ESP-IDF, beside this program; false after a message. */
bool project_idf_path(char path[PROJECT_PATH]);

/* ---- its board (project_board.c) ---- */

#define PROJECT_CONTENTS 32

/* What a board for the project is made of; the buffers are owned. */
struct project_board {
    struct ud_lab_settings settings;
    struct ud_ptable table;
    struct ud_lab_content bootloader;
    struct ud_lab_content app;
    struct ud_lab_content content[PROJECT_CONTENTS]; /* other partitions */
    size_t content_count;
    void *owned[2 * PROJECT_CONTENTS];
    size_t owned_count;
};
/* Of a project that is built. CLI_OK, or the exit code after a message; free it either way. */
int project_board_load(const struct project *p, struct project_board *out);
void project_board_free(struct project_board *b);
/* <build>/board.flash. */
void project_board_path(const struct project *p, char path[PROJECT_PATH]);
/* Note beside the board from what it was made, for project_board_refresh. */
int project_board_sign(const struct project *p, const char *path);
/* Before a run: make the board if it is not there, put a new app on it (otadata erased, data kept), make it anew when
 * the table or the options have changed. */
int project_board_refresh(const struct project *p, const char *path);

#endif
