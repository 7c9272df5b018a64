/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults by name: the list of `updraft serve --fault`, and whose turn it is. Of the faults that give another answer, and
 * of those that end or change the body, the first of the list whose turn it is strikes; those of the head and the pace
 * add up.
 *
 * Everything is decided by the list, the seed and the order of the requests: the same run gives the same bytes.
 */
#include "server_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_ALWAYS UINT64_MAX

struct fault {
    const struct fault_row *row;
    uint64_t amount;
    uint64_t left;
    uint64_t used;
};

struct faults {
    pthread_mutex_t lock;
    struct fault fault[FAULTS_MAX];
    size_t count;
    uint64_t seed;
    uint16_t port;
    bool tls;
};

const struct ud_fault_info *ud_server_fault(size_t index)
{
    return index < fault_row_count ? &fault_rows[index].info : NULL;
}

/* ---- the list ------------------------------------------------------------------------------------------------------ */

/* A number behind `mark`, if it comes next. */
static bool take_number(const char **p, char mark, uint64_t *out, bool *given)
{
    *given = **p == mark;
    if (!*given)
        return true;
    ++*p;
    return server_number(p, out);
}

/* NAME[@AMOUNT][=TIMES] */
static bool take_fault(const char **p, struct fault *f, char *why, size_t why_size)
{
    const char *name = *p;
    size_t len = strcspn(name, "@=,");
    bool has_amount, has_times;
    for (size_t i = 0; !f->row && i < fault_row_count; i++)
        if (strlen(fault_rows[i].info.name) == len && strncmp(fault_rows[i].info.name, name, len) == 0)
            f->row = &fault_rows[i];
    if (!f->row) {
        snprintf(why, why_size, "'%.*s' is no fault that is known: --list-faults names them", (int)len, name);
        return false;
    }
    *p += len;
    f->amount = f->row->info.amount;
    f->left = TIMES_ALWAYS;
    bool ok = take_number(p, '@', &f->amount, &has_amount) && take_number(p, '=', &f->left, &has_times) &&
              (**p == 0 || **p == ',');
    if (!ok || (has_times && f->left == 0)) {
        snprintf(why, why_size, "'%.*s' is not NAME[@AMOUNT][=TIMES] with numbers, such as reset@20000=2",
                 (int)strcspn(name, ","), name);
        return false;
    }
    if (has_amount && !f->row->info.unit) {
        snprintf(why, why_size, "'%.*s' takes no amount; =TIMES says how often", (int)len, name);
        return false;
    }
    return true;
}

struct faults *faults_parse(const char *list, uint64_t seed, char *why, size_t why_size)
{
    struct faults *f = calloc(1, sizeof *f);
    if (!f) {
        snprintf(why, why_size, "no memory");
        return NULL;
    }
    pthread_mutex_init(&f->lock, NULL);
    f->seed = seed;
    for (const char *p = list;; p++) {
        if (f->count == FAULTS_MAX) {
            snprintf(why, why_size, "more than %d faults at once", FAULTS_MAX);
            break;
        }
        if (!take_fault(&p, &f->fault[f->count], why, why_size))
            break;
        f->count++;
        if (*p == 0)
            return f;
    }
    faults_free(f);
    return NULL;
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

void faults_at(struct faults *f, uint16_t port, bool tls)
{
    f->port = port;
    f->tls = tls;
}

/* Is it this fault's turn? Then it is used up by one. */
static bool take_turn(struct faults *f, struct fault *fault, uint64_t *nth)
{
    pthread_mutex_lock(&f->lock);
    bool turn = fault->left > 0;
    if (turn && fault->left != TIMES_ALWAYS)
        fault->left--;
    if (turn)
        *nth = fault->used++;
    pthread_mutex_unlock(&f->lock);
    return turn;
}

bool faults_accept(struct faults *f, struct step *out)
{
    uint64_t nth;
    for (size_t i = 0; f && i < f->count; i++) {
        struct fault *fault = &f->fault[i];
        if (fault->row->stage != STAGE_ACCEPT || !take_turn(f, fault, &nth))
            continue;
        *out = (struct step){ .kind = fault->row->accept, .value = fault->amount };
        return true;
    }
    return false;
}

bool faults_apply(struct faults *f, int dir_fd, const struct request *r, struct answer *a)
{
    struct edit e = { .request = r, .answer = a, .dir_fd = dir_fd, .port = f->port, .tls = f->tls, .seed = f->seed };
    if (!fault_make_room(a))
        return false;
    for (int stage = STAGE_SAY; stage < STAGE_COUNT && !e.is_said; stage++) {
        bool done = false; /* one body has one end */
        for (size_t i = 0; i < f->count && !done && !e.is_said; i++) {
            struct fault *fault = &f->fault[i];
            if (fault->row->stage != (enum stage)stage || (stage == STAGE_BODY && !fault_body(&e)) ||
                !take_turn(f, fault, &e.nth))
                continue;
            e.amount = fault->amount;
            if (!fault->row->answer(&e))
                return false;
            done = stage == STAGE_BODY;
        }
    }
    return true;
}
