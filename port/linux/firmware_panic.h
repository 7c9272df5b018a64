/* SPDX-License-Identifier: Apache-2.0 */
/** What a firmware says when it crashes (firmware_panic.c). */
#ifndef PORT_LINUX_FIRMWARE_PANIC_H
#define PORT_LINUX_FIRMWARE_PANIC_H

/** Print reason and backtrace at a crash, and `say` its addresses (from a signal handler), at most 119 bytes a call. */
void firmware_panic_init(void (*say)(const char *addresses));

#endif /* PORT_LINUX_FIRMWARE_PANIC_H */
