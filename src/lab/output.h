/* SPDX-License-Identifier: Apache-2.0 */
/* One output stream of a firmware that is watched for a line. */
#ifndef UPDRAFT_LAB_OUTPUT_H
#define UPDRAFT_LAB_OUTPUT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define LAB_LINE_MAX    4096u  /* the rest of a longer line is passed on but not looked at */
#define LAB_OUTPUT_TURN 65536u /* about what a pipe holds */

struct lab_output {
    int to; /* where it goes on to */
    const regex_t *until;
    size_t len;
    bool matched; /* some line has matched; sticky */
    char line[LAB_LINE_MAX];
};

void lab_output_init(struct lab_output *o, int to, const regex_t *until);
enum lab_output_state {
    LAB_OUTPUT_DRAINED, /* nothing there at the moment */
    LAB_OUTPUT_MORE,    /* LAB_OUTPUT_TURN bytes were taken, and there may be more */
    LAB_OUTPUT_ENDED,
};
/* Take what there is, but no more than a turn: who prints without end must not keep us from the clock. */
enum lab_output_state lab_output_read(struct lab_output *o, int fd);
/* The firmware has ended: an unfinished line counts as one. */
void lab_output_end(struct lab_output *o);

#endif
