/* SPDX-License-Identifier: Apache-2.0 */
/** Event groups: 24 bits (0 to 23) that tasks set, clear and wait for. */
#ifndef EVENT_GROUPS_H
#define EVENT_GROUPS_H

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/event_groups.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct EventGroupDef_t;
typedef struct EventGroupDef_t *EventGroupHandle_t;
typedef TickType_t EventBits_t;

EventGroupHandle_t xEventGroupCreate(void);
EventGroupHandle_t xEventGroupCreateStatic(StaticEventGroup_t *memory);
/** Deleting a group that a task waits on is a failed assertion. */
void vEventGroupDelete(EventGroupHandle_t group);
/** The bits afterwards: waiting tasks that asked for it may have cleared some. */
EventBits_t xEventGroupSetBits(EventGroupHandle_t group, const EventBits_t bits);
/** The bits before. */
EventBits_t xEventGroupClearBits(EventGroupHandle_t group, const EventBits_t bits);
EventBits_t xEventGroupGetBits(EventGroupHandle_t group);
/** The bits when the wait ended, before any were cleared; after a time-out the current ones, so test the answer. */
EventBits_t xEventGroupWaitBits(EventGroupHandle_t group, const EventBits_t bits, const BaseType_t clear_on_exit,
                                const BaseType_t wait_all, TickType_t ticks);

/**
 * Set `set`, then wait until all of `wait` are set, and clear those: where tasks meet. The bits when all were there;
 * after a time-out the current ones, none cleared.
 */
EventBits_t xEventGroupSync(EventGroupHandle_t group, const EventBits_t set, const EventBits_t wait, TickType_t ticks);

/** pdPASS; `woken` (may be NULL) becomes pdFALSE: no switch of tasks is due. */
BaseType_t xEventGroupSetBitsFromISR(EventGroupHandle_t group, const EventBits_t bits, BaseType_t *woken);
BaseType_t xEventGroupClearBitsFromISR(EventGroupHandle_t group, const EventBits_t bits);
#define xEventGroupGetBitsFromISR(group) xEventGroupGetBits(group)

#ifdef __cplusplus
}
#endif
#endif /* EVENT_GROUPS_H */
