/* SPDX-License-Identifier: Apache-2.0 */
/**
 * RTC memory: the variables of RTC_DATA_ATTR and RTC_NOINIT_ATTR (esp_attr.h), which live in two sections of the
 * firmware, and the file behind UD_FD_RTC in which they outlive a reset.
 */
#ifndef PORT_LINUX_FIRMWARE_RTC_H
#define PORT_LINUX_FIRMWARE_RTC_H

#include "updraft/board.h"

/**
 * Before anything of the application runs: take back what outlives this kind of reset. After power-on, and when another
 * image has run last, RTC_NOINIT_ATTR variables hold 0xA5 bytes. False: there is more of them than RTC memory.
 */
bool firmware_rtc_load(enum ud_reset_reason reason);
/** Before a reset; also from a signal handler. */
void firmware_rtc_save(void);

#endif /* PORT_LINUX_FIRMWARE_RTC_H */
