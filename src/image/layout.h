/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: what the layout of a program asks of the memory map. */
#ifndef UPDRAFT_IMAGE_LAYOUT_H
#define UPDRAFT_IMAGE_LAYOUT_H

#include "updraft/image.h"

/** Are two addresses, low <= high, in memory of one kind? */
bool image_same_memory(const struct ud_chip *chip, uint32_t low, uint32_t high);

#endif
