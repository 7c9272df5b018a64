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
};

void progress_start(struct progress *p, uint64_t total, bool quiet);
void progress_show(struct progress *p, uint64_t done);
/* The last state, and an end of line; after a failure the bar stays where it was. */
void progress_end(struct progress *p, uint64_t done);

#endif
