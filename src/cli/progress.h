/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of a transfer: a bar with rate and time left on a terminal, a plain line every tenth elsewhere. */
#ifndef UPDRAFT_CLI_PROGRESS_H
#define UPDRAFT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool quiet;
    bool terminal;
    bool utf8;
    uint64_t total;      /* bytes, 0 unknown */
    uint64_t start_us;   /* of the monotonic clock */
    uint64_t shown_us;   /* when the bar was drawn last */
    unsigned last_tenth; /* plain lines */
    bool drawn;          /* a bar without an end of line stands on the terminal */
    bool broken;         /* its line was ended for something else */
};

void progress_start(struct progress *p, uint64_t total, bool quiet);
void progress_show(struct progress *p, uint64_t done);
/* Something else is to be printed now: end the line of the bar. */
void progress_break(struct progress *p);
/* The last state, and an end of line, unless it was broken off before. */
void progress_end(struct progress *p, uint64_t done);

#endif
