/* SPDX-License-Identifier: Apache-2.0 */
/* The unit in which flash is erased. Error codes of the flash stand in updraft/err.h. */
#ifndef SPI_FLASH_MMAP_H
#define SPI_FLASH_MMAP_H

#include "esp_err.h"

#define SPI_FLASH_SEC_SIZE 4096

#endif /* SPI_FLASH_MMAP_H */
