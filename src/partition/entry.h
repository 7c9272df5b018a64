/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Private to the room: one slot of the binary table, for its two readers (table.c as the boot loader, table_file.c as
 * the generator).
 *
 *     off size field
 *       0    2 magic 0x50AA            0xEBEB: MD5 entry, digest of the entries before it at +16
 *       2    1 type                    0xFFFF with type and subtype 0xFF: terminator
 *       3    1 subtype
 *       4    4 address
 *       8    4 size
 *      12   16 label, not terminated when full
 *      28    4 flags
 */
#ifndef UPDRAFT_PARTITION_ENTRY_H
#define UPDRAFT_PARTITION_ENTRY_H

#include "updraft/partition.h"

#define ENTRY       32u
#define SLOTS       (UD_PTABLE_BYTES / ENTRY)
#define MAGIC_ENTRY 0x50AAu
#define MAGIC_MD5   0xEBEBu
#define MAGIC_END   0xFFFFu
#define AT_LABEL    12u
#define LABEL_BYTES 16u
#define AT_DIGEST   16u
#define FLAGS_KNOWN (UD_PART_FLAG_ENCRYPTED | UD_PART_FLAG_READONLY)

static inline void entry_load(const uint8_t *e, struct ud_partition *p)
{
    p->type = e[2];
    p->subtype = e[3];
    p->addr = ud_load_le32(e + 4);
    p->size = ud_load_le32(e + 8);
    p->flags = ud_load_le32(e + 28);
    /* All 16 bytes, also those after a NUL, so that encoding gives back the same entry. */
    memcpy(p->label, e + AT_LABEL, LABEL_BYTES);
    p->label[LABEL_BYTES] = '\0';
}

/** Note unknown flags of slot `slot`; they are no fault. */
static inline void entry_note_flags(const struct ud_observer *obs, const uint8_t *e, uint32_t slot)
{
    uint32_t flags = ud_load_le32(e + 28);
    if (flags & ~FLAGS_KNOWN)
        (void)ud_note(obs, UD_NOTE_PTABLE_UNKNOWN_FLAGS, ESP_OK, slot * ENTRY, flags, NULL);
}

#endif /* UPDRAFT_PARTITION_ENTRY_H */
