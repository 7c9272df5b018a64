/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a firmware built by updraft_add_firmware() supplies to its start-up (firmware_main.c): its options and app_main.
 */
#ifndef PORT_LINUX_FIRMWARE_H
#define PORT_LINUX_FIRMWARE_H

#include "updraft/idf.h"

/** Generated from the firmware's sdkconfig. */
extern const struct ud_app_config ud_firmware_config;

/** The application. When it returns, its task ends and the others go on. */
void app_main(void);

#endif /* PORT_LINUX_FIRMWARE_H */
