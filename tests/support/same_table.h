/* SPDX-License-Identifier: Apache-2.0 */
/** Equality of partition tables, field by field (the structs have padding). */
#ifndef UPDRAFT_TESTS_SAME_TABLE_H
#define UPDRAFT_TESTS_SAME_TABLE_H

#include "updraft/partition.h"

static inline bool same_partition(const struct ud_partition *a, const struct ud_partition *b)
{
    return a->addr == b->addr && a->size == b->size && a->flags == b->flags && a->type == b->type &&
           a->subtype == b->subtype && ud_streq(a->label, b->label);
}

static inline bool same_table(const struct ud_ptable *a, const struct ud_ptable *b)
{
    if (a->count != b->count || a->has_md5 != b->has_md5)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_partition(&a->part[i], &b->part[i]))
            return false;
    return true;
}

#endif /* UPDRAFT_TESTS_SAME_TABLE_H */
