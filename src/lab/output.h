/* SPDX-License-Identifier: Apache-2.0 */
/* One output stream of a firmware that is watched for a line. */
#ifndef UPDRAFT_LAB_OUTPUT_H
#define UPDRAFT_LAB_OUTPUT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define LAB_LINE_MAX 4096u /* the rest of a longer line is passed on but not looked at */

struct lab_output {
    int to; /* where it goes on to */
    const regex_t *until;
    size_t len;
    bool matched; /* some line has matched; sticky */
    char line[LAB_LINE_MAX];
};

void lab_output_init(struct lab_output *o, int to, const regex_t *until);
/* Take what there is; false at the end of the stream. */
bool lab_output_read(struct lab_output *o, int fd);
/* The firmware has ended: an unfinished line counts as one. */
void lab_output_end(struct lab_output *o);

#endif
