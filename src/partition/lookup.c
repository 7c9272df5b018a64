/* SPDX-License-Identifier: Apache-2.0 */
/* Finding partitions, in table order. */
#include "updraft/partition.h"

static bool matches(const struct ud_partition *p, uint8_t type, uint8_t subtype, const char *label)
{
    return (type == UD_PART_ANY || type == p->type) && (subtype == UD_PART_ANY || subtype == p->subtype) &&
           (!label || ud_streq(label, p->label));
}

static const struct ud_partition *find_from(const struct ud_ptable *table, size_t i, uint8_t type, uint8_t subtype,
                                            const char *label)
{
    for (; i < table->count; i++)
        if (matches(&table->part[i], type, subtype, label))
            return &table->part[i];
    return NULL;
}

const struct ud_partition *ud_ptable_find(const struct ud_ptable *table, uint8_t type, uint8_t subtype,
                                          const char *label)
{
    return find_from(table, 0, type, subtype, label);
}

const struct ud_partition *ud_ptable_find_next(const struct ud_ptable *table, const struct ud_partition *after,
                                               uint8_t type, uint8_t subtype, const char *label)
{
    size_t first = after ? (size_t)(after - table->part) + 1 : 0;
    return find_from(table, first, type, subtype, label);
}

const struct ud_partition *ud_ptable_verify(const struct ud_ptable *table, const struct ud_partition *p)
{
    const char *label = p->label[0] ? p->label : NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct ud_partition *own = &table->part[i];
        if (own->type == p->type && own->subtype == p->subtype && (!label || ud_streq(label, own->label)) &&
            own->addr == p->addr && own->size == p->size && !((own->flags ^ p->flags) & UD_PART_FLAG_ENCRYPTED))
            return own;
    }
    return NULL;
}

const struct ud_partition *ud_ptable_at(const struct ud_ptable *table, uint32_t addr)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        if (addr >= p->addr && addr - p->addr < p->size)
            return p;
    }
    return NULL;
}
