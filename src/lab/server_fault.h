/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the faults of the lab's server: one fault as a row, and the answer that it edits. */
#ifndef UPDRAFT_SERVER_FAULT_H
#define UPDRAFT_SERVER_FAULT_H

#include "server_room.h"

#define FAULTS_MAX 16

struct edit {
    const struct request *request;
    struct answer *answer;
    int dir_fd;
    uint16_t port; /* where the server listens, and how */
    bool tls;
    uint64_t seed;
    uint64_t amount;
    uint64_t nth; /* how often this fault was applied before */
    bool is_said; /* the answer is another one */
};

enum stage { STAGE_SAY, STAGE_REMAKE, STAGE_HEAD, STAGE_BODY, STAGE_LAST, STAGE_COUNT, STAGE_ACCEPT };

struct fault_row {
    struct ud_fault_info info;
    enum stage stage;
    bool (*answer)(struct edit *e); /* false: no memory */
    enum step_kind accept;          /* STAGE_ACCEPT: what is done on a new connection, before TLS */
};

/* All of them; their number. */
extern const struct fault_row fault_rows[];
extern const size_t fault_row_count;

/* Room for the steps that faults add; false without memory. */
bool fault_make_room(struct answer *a);
/* The body as the honest server would send it: its step, NULL when there is none. */
struct step *fault_body(struct edit *e);

#endif
