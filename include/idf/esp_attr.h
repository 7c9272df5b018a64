/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes that place code and data on a chip: ESP-IDF's esp_attr.h. A host has one memory, so most are empty. RTC
 * memory outlives resets: RTC_DATA_ATTR and the like a deep sleep, RTC_NOINIT_ATTR and __NOINIT_ATTR a restart, a panic
 * and a watchdog too; after power-on, and in another image, the latter hold 0xA5 bytes.
 */
#ifndef ESP_ATTR_H
#define ESP_ATTR_H

#define IRAM_ATTR
#define FORCE_IRAM_ATTR
#define DRAM_ATTR
#define DMA_ATTR
#define COREDUMP_DRAM_ATTR
#define EXT_RAM_BSS_ATTR
#define EXT_RAM_NOINIT_ATTR
#define RTC_IRAM_ATTR
#define RTC_DATA_ATTR __attribute__((section("ud_rtc_data")))
#define RTC_RODATA_ATTR
#define RTC_SLOW_ATTR          __attribute__((section("ud_rtc_data")))
#define RTC_FAST_ATTR          __attribute__((section("ud_rtc_data")))
#define RTC_NOINIT_ATTR        __attribute__((section("ud_rtc_noinit")))
#define __NOINIT_ATTR          __attribute__((section("ud_rtc_noinit")))
#define WORD_ALIGNED_ATTR      __attribute__((aligned(4)))
#define PACKED_ATTR            __attribute__((packed))
#define NOINLINE_ATTR          __attribute__((noinline))
#define FORCE_INLINE_ATTR      static inline __attribute__((always_inline))
#define IDF_DEPRECATED(reason) __attribute__((deprecated(reason)))

#define DRAM_STR(text)                                                                                                 \
    (__extension__({                                                                                                   \
        static const char dram_text_[] = text;                                                                         \
        (const char *)dram_text_;                                                                                      \
    }))
#define FLAG_ATTR(type)

#endif /* ESP_ATTR_H */
