/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a board's flash as the command line names it: LABEL, ADDR, or ADDR:LEN. */
#include "board.h"

#include <inttypes.h>
#include <string.h>

/* False when it is no address; numbers begin with a digit, and a label that only looks like one stays a label. */
static bool parse_address(const char *text, struct board_range *out)
{
    char addr[24];
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (text[0] < '0' || text[0] > '9' || len >= sizeof addr)
        return false;
    memcpy(addr, text, len);
    addr[len] = 0;
    if (!cli_parse_u32(addr, &out->addr))
        return false;
    out->has_len = colon != NULL;
    return !colon || cli_parse_u32(colon + 1, &out->len);
}

void board_parse_range(const char *text, struct board_range *out)
{
    *out = (struct board_range){ .text = text };
    if (parse_address(text, out))
        out->is_address = true;
}

/* Addresses alone are looked up in a flash whose table cannot be used, too: that is how one is repaired. */
unsigned board_range_mode(const struct board_range *range)
{
    return range->is_address && range->has_len ? UD_LAB_FILES_ONLY : 0;
}

static bool resolve_label(const struct ud_lab_board *lab, struct board_range *r)
{
    r->partition = ud_ptable_find(&lab->board.table, UD_PART_ANY, UD_PART_ANY, r->text);
    if (!r->partition) {
        cli_error("%s has no partition '%s': see 'updraft board map %s'", lab->path, r->text, lab->path);
        return false;
    }
    r->addr = r->partition->addr;
    r->len = r->partition->size;
    return true;
}

bool board_resolve_range(const struct ud_lab_board *lab, struct board_range *r)
{
    uint32_t size = lab->settings.flash_size;
    if (!r->is_address)
        return resolve_label(lab, r);
    if (!ud_range_fits(r->addr, r->has_len ? r->len : 0, size) || r->addr == size) {
        cli_error("%s: '%s' is not inside the flash of 0x%" PRIx32 " bytes", lab->path, r->text, size);
        return false;
    }
    if (r->has_len)
        return true;
    const struct ud_partition *p = ud_ptable_at(&lab->board.table, r->addr);
    r->len = (p ? p->addr + p->size : size) - r->addr;
    return true;
}
