/* SPDX-License-Identifier: Apache-2.0 */
/**
 * chip: the device of docs/porting.md, as its maker's SDK would present it. A made-up microcontroller with 1 MiB of NOR
 * flash, programs that run from RAM, and a serial link over which updates come. tests/integration/test_porting.c plays
 * it on Linux.
 */
#ifndef EXAMPLES_PORT_CHIP_H
#define EXAMPLES_PORT_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHIP_FLASH_BYTES 0x100000u
#define CHIP_RAM_ADDR    0x20010000u /* of the RAM that programs get; the boot loader's own lies below */
#define CHIP_RAM_BYTES   0x8000u

/* Flash. Program and erase return at once and take their time; a page is 256 bytes, a sector 4096. */
void chip_flash_read(uint32_t addr, void *buf, uint32_t len);
void chip_flash_program(uint32_t addr, const void *data, uint32_t len); /* within one page */
void chip_flash_erase(uint32_t addr);                                   /* one sector */
bool chip_flash_busy(void);
bool chip_flash_failed(void); /* the last program or erase */

/* Time: a counter of microseconds that wraps after 71 minutes. */
uint32_t chip_us(void);
void chip_sleep_us(uint32_t us);
void chip_idle(void); /* until something has come over the link */

/* Mutexes of the little kernel that comes with the chip; not recursive. */
enum { CHIP_MUTEX_BOARD, CHIP_MUTEX_HASH, CHIP_MUTEXES };
void chip_mutex_take(int which);
void chip_mutex_give(int which);

/* The console, and the link: whether an update waits there, and its next bytes (fewer than `cap` at its end only). */
void chip_console_put(char c);
bool chip_link_waits(void);
size_t chip_link_read(void *buf, size_t cap);

/* Programs. */
uint8_t *chip_ram(uint32_t addr, uint32_t len); /* NULL unless all of it is RAM for programs */
_Noreturn void chip_run(uint32_t entry, uint32_t slot);
_Noreturn void chip_reset(void);
bool chip_self_test(void);

/* What start-up code calls: after a reset the one, in a program that chip_run has started the other. */
_Noreturn void boot_loader(void);
_Noreturn void application(uint32_t slot);

#endif /* EXAMPLES_PORT_CHIP_H */
