/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of the board. A note must never be told while it is held (a listener may call back into the board), so the
 * flash talks to a collector meanwhile.
 */
#include "updraft/board.h"

static void collect(void *ctx, const struct ud_note *note)
{
    struct ud_board_hold *hold = ctx;
    if (hold->count == UD_BOARD_HOLD_NOTES)
        return;
    hold->note[hold->count].note = *note;
    if (note->text) /* borrowed: it may be gone by the time it is told */
        ud_strcopy(hold->note[hold->count].text, UD_BOARD_HOLD_TEXT, note->text,
                   ud_strnlen(note->text, UD_BOARD_HOLD_TEXT - 1));
    hold->count++;
}

void ud_board_lock(struct ud_board *b, struct ud_board_hold *hold)
{
    ud_lock_take(&b->lock);
    hold->count = 0;
    hold->collector = (struct ud_observer){ .note = collect, .ctx = hold };
    hold->listener = b->flash->observer;
    if (hold->listener)
        b->flash->observer = &hold->collector;
}

void ud_board_unlock(struct ud_board *b, struct ud_board_hold *hold)
{
    b->flash->observer = hold->listener;
    ud_lock_give(&b->lock);
    for (uint8_t i = 0; i < hold->count; i++) {
        const struct ud_note *note = &hold->note[i].note;
        (void)ud_note(hold->listener, note->id, note->err, note->a, note->b, note->text ? hold->note[i].text : NULL);
    }
}
