/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that place code and data on a chip: ESP-IDF's esp_attr.h. A host has one memory, so most are empty. */
#ifndef ESP_ATTR_H
#define ESP_ATTR_H

#define IRAM_ATTR
#define DRAM_ATTR
#define DMA_ATTR
#define COREDUMP_DRAM_ATTR
#define EXT_RAM_BSS_ATTR
#define EXT_RAM_NOINIT_ATTR
#define RTC_IRAM_ATTR
#define RTC_DATA_ATTR
#define RTC_RODATA_ATTR
#define RTC_SLOW_ATTR
#define RTC_FAST_ATTR
#define RTC_NOINIT_ATTR
#define __NOINIT_ATTR
#define WORD_ALIGNED_ATTR      __attribute__((aligned(4)))
#define PACKED_ATTR            __attribute__((packed))
#define NOINLINE_ATTR          __attribute__((noinline))
#define FORCE_INLINE_ATTR      static inline __attribute__((always_inline))
#define IDF_DEPRECATED(reason) __attribute__((deprecated(reason)))

#endif /* ESP_ATTR_H */
