/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event groups. Whoever sets bits settles the waits that they end, before anybody else can clear them again: a waiting
 * task is told its answer and need not be fast to see it.
 */
#include "kernel.h"
#include "freertos/event_groups.h"

#define USABLE_BITS ((EventBits_t)0x00FFFFFF)

struct waiter {
    struct waiter *next;
    EventBits_t bits;
    bool all;
    bool clear;
    bool settled;
    EventBits_t answer;
};

struct EventGroupDef_t {
    struct ud_alloc alloc;
    void *cond;
    EventBits_t bits;
    struct waiter *waiters;
};
_Static_assert(sizeof(struct EventGroupDef_t) <= sizeof(StaticEventGroup_t),
               "a group fits into the memory of its user");

static bool satisfied(EventBits_t now, EventBits_t bits, bool all)
{
    return all ? (now & bits) == bits : (now & bits) != 0;
}

static EventGroupHandle_t create(StaticEventGroup_t *memory)
{
    struct ud_alloc alloc;
    struct EventGroupDef_t *g = kernel_place(sizeof *g, memory, sizeof *memory, &alloc);
    if (!g)
        return NULL;
    g->alloc = alloc;
    g->cond = kernel_cond_create();
    if (!g->cond) {
        ud_alloc_put(&alloc, g);
        return NULL;
    }
    return g;
}

EventGroupHandle_t xEventGroupCreate(void)
{
    return create(NULL);
}

EventGroupHandle_t xEventGroupCreateStatic(StaticEventGroup_t *memory)
{
    kernel_require(memory != NULL, "a static event group needs memory");
    return create(memory);
}

void vEventGroupDelete(EventGroupHandle_t group)
{
    kernel_require(group != NULL, "delete of an event group that is NULL");
    kernel_enter();
    kernel_require(group->waiters == NULL, "delete of an event group that a task waits on");
    kernel_leave();
    kernel_cond_destroy(group->cond);
    struct ud_alloc alloc = group->alloc;
    ud_alloc_put(&alloc, group);
}

/* Under the lock: set `bits` and settle the waits that they end. The bits afterwards. */
static EventBits_t set_bits(EventGroupHandle_t group, EventBits_t bits)
{
    group->bits |= bits;
    EventBits_t clear = 0;
    for (struct waiter *w = group->waiters; w; w = w->next)
        if (!w->settled && satisfied(group->bits, w->bits, w->all)) {
            w->settled = true;
            w->answer = group->bits;
            clear |= w->clear ? w->bits : 0;
        }
    group->bits &= ~clear;
    kernel_wake(group->cond);
    return group->bits;
}

EventBits_t xEventGroupSetBits(EventGroupHandle_t group, const EventBits_t bits)
{
    kernel_require(group != NULL, "set of an event group that is NULL");
    kernel_require((bits & ~USABLE_BITS) == 0, "an event group has the bits 0 to 23");
    kernel_enter();
    EventBits_t now = set_bits(group, bits);
    kernel_leave();
    return now;
}

BaseType_t xEventGroupSetBitsFromISR(EventGroupHandle_t group, const EventBits_t bits, BaseType_t *woken)
{
    kernel_no_switch(woken);
    (void)xEventGroupSetBits(group, bits);
    return pdPASS;
}

EventBits_t xEventGroupClearBits(EventGroupHandle_t group, const EventBits_t bits)
{
    kernel_require(group != NULL, "clear of an event group that is NULL");
    kernel_require((bits & ~USABLE_BITS) == 0, "an event group has the bits 0 to 23");
    kernel_enter();
    EventBits_t before = group->bits;
    group->bits &= ~bits;
    kernel_leave();
    return before;
}

BaseType_t xEventGroupClearBitsFromISR(EventGroupHandle_t group, const EventBits_t bits)
{
    (void)xEventGroupClearBits(group, bits);
    return pdPASS;
}

EventBits_t xEventGroupGetBits(EventGroupHandle_t group)
{
    return xEventGroupClearBits(group, 0);
}

/* Link `w` in, wait until it is settled, link it out. */
static void wait_settled(struct EventGroupDef_t *group, struct waiter *w, TickType_t ticks)
{
    struct kernel_deadline deadline = kernel_deadline(ticks);
    struct waiter **at = &group->waiters;
    while (*at)
        at = &(*at)->next;
    *at = w;
    bool more = true;
    while (more && !w->settled)
        more = kernel_wait(group->cond, deadline);
    for (at = &group->waiters; *at != w; at = &(*at)->next)
        ;
    *at = w->next;
}

EventBits_t xEventGroupWaitBits(EventGroupHandle_t group, const EventBits_t bits, const BaseType_t clear_on_exit,
                                const BaseType_t wait_all, TickType_t ticks)
{
    kernel_require(group != NULL, "wait on an event group that is NULL");
    kernel_require(bits != 0 && (bits & ~USABLE_BITS) == 0, "a wait needs one or more of the bits 0 to 23");
    struct waiter w = { .bits = bits, .all = wait_all != pdFALSE, .clear = clear_on_exit != pdFALSE };
    kernel_enter();
    if (satisfied(group->bits, bits, w.all)) {
        w.settled = true;
        w.answer = group->bits;
        group->bits &= ~(w.clear ? bits : 0);
    } else if (ticks > 0) {
        wait_settled(group, &w, ticks);
    }
    EventBits_t answer = w.settled ? w.answer : group->bits;
    kernel_leave();
    return answer;
}

EventBits_t xEventGroupSync(EventGroupHandle_t group, const EventBits_t set, const EventBits_t wait, TickType_t ticks)
{
    kernel_require(group != NULL, "sync on an event group that is NULL");
    kernel_require(wait != 0 && ((set | wait) & ~USABLE_BITS) == 0, "tasks meet at one or more of the bits 0 to 23");
    struct waiter w = { .bits = wait, .all = true, .clear = true };
    kernel_enter();
    group->bits |= set; /* this task is among those that the bits may release */
    if (satisfied(group->bits, wait, true)) {
        w.settled = true;
        w.answer = group->bits;
    }
    EventBits_t now = set_bits(group, 0);
    if (w.settled)
        group->bits = now & ~wait;
    else if (ticks > 0)
        wait_settled(group, &w, ticks);
    EventBits_t answer = w.settled ? w.answer : group->bits;
    kernel_leave();
    return answer;
}
