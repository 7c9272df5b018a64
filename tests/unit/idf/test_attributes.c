/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes, bits and capabilities of ESP-IDF: what they do here, and that the rest does nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "esp_attr.h"
#include "esp_bit_defs.h"
#include "soc/soc_caps.h"

IRAM_ATTR static int in_iram(int n)
{
    return n + 1;
}

RTC_IRAM_ATTR static int in_rtc_iram(int n)
{
    return n + 2;
}

FORCE_INLINE_ATTR int always_inline(int n)
{
    return n + 3;
}

NOINLINE_ATTR static int never_inline(int n)
{
    return n + 4;
}

static DRAM_ATTR int dram = 1;
static DMA_ATTR int dma = 2;
static COREDUMP_DRAM_ATTR int coredump = 3;
static EXT_RAM_BSS_ATTR int external;
static EXT_RAM_NOINIT_ATTR int external_kept;
static RTC_DATA_ATTR int rtc_data = 4;
static const RTC_RODATA_ATTR int rtc_rodata = 5;
static RTC_SLOW_ATTR int rtc_slow = 6;
static RTC_FAST_ATTR int rtc_fast = 7;
static RTC_NOINIT_ATTR int rtc_kept;
static __NOINIT_ATTR int kept;

static void places_of_memory_change_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_iram(1), 2);
    assert_int_equal(in_rtc_iram(1), 3);
    assert_int_equal(dram + dma + coredump + rtc_data + rtc_rodata + rtc_slow + rtc_fast, 28);
    assert_int_equal(external | external_kept | rtc_kept | kept, 0); /* the start-up of a firmware fills them */
}

FORCE_IRAM_ATTR static const char *constant(void)
{
    return DRAM_STR("in data");
}

typedef enum { ONE = 1, TWO = 2 } FLAG_ATTR(flags) flags;

static void strings_and_flags_are_ordinary(void **state)
{
    flags both = (flags)(ONE | TWO);
    (void)state;
    assert_string_equal(constant(), "in data");
    assert_int_equal(both, 3);
}

IDF_DEPRECATED("there is a better one") int older(void);

struct PACKED_ATTR packed {
    uint8_t one;
    uint32_t four;
};

static WORD_ALIGNED_ATTR uint8_t aligned[3];

static void layout_attributes_hold(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct packed), 5);
    assert_int_equal((uintptr_t)aligned % 4, 0);
    assert_int_equal(always_inline(1), 4);
    assert_int_equal(never_inline(1), 5);
}

#define BITS_0(X)   X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define BITS_8(X)   X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define BITS_16(X)  X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define BITS_24(X)  X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define EACH_BIT(X) BITS_0(X) BITS_8(X) BITS_16(X) BITS_24(X)

static void bits_are_where_they_say(void **state)
{
    (void)state;
#define IS_THERE(n)                                                                                                    \
    assert_true(BIT##n == 1u << (n));                                                                                  \
    assert_true(BIT(n) == BIT##n);                                                                                     \
    assert_true(BIT64(n) == BIT##n);
    EACH_BIT(IS_THERE)
    assert_true(BIT64(63) == UINT64_C(0x8000000000000000));
}

static void boards_have_no_recovery_boot_loader(void **state)
{
    (void)state;
    assert_int_equal(SOC_RECOVERY_BOOTLOADER_SUPPORTED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_memory_change_nothing),
        cmocka_unit_test(strings_and_flags_are_ordinary),
        cmocka_unit_test(layout_attributes_hold),
        cmocka_unit_test(bits_are_where_they_say),
        cmocka_unit_test(boards_have_no_recovery_boot_loader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
