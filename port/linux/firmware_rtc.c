/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: 32 bytes of header (magic, sizes of the two sections, identity of the program), then the two sections. The
 * identity is a checksum of the program's code, so that another image, whose variables lie elsewhere, starts afresh (a
 * chip would hand it raw bytes).
 *
 * By system calls alone: the C library's functions are watched by sanitizers, to which the space between variables is
 * forbidden, and a signal handler must not call them.
 */
#include "firmware_rtc.h"

#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC 0x43545255u

extern uint8_t __start_ud_rtc_data[] __attribute__((weak)), __stop_ud_rtc_data[] __attribute__((weak));
extern uint8_t __start_ud_rtc_noinit[] __attribute__((weak)), __stop_ud_rtc_noinit[] __attribute__((weak));

struct header {
    uint32_t magic;
    uint32_t data;
    uint32_t noinit;
    uint32_t program;
    uint32_t reserved[4];
};

static struct header self;

/* The first object is the program itself; its addresses differ from run to run, its code does not. */
static __attribute__((no_sanitize("address"))) int sum_code(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    uint32_t *sum = ctx;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
            *sum = ud_crc32(*sum, (const uint8_t *)info->dlpi_addr + p->p_vaddr, p->p_filesz);
    }
    return 1;
}

static bool transfer(long call, void *at, size_t len, long off)
{
    return len == 0 || syscall(call, UD_FD_RTC, at, len, off) == (long)len;
}

static __attribute__((no_sanitize("address"))) void scramble(void)
{
    for (volatile uint8_t *p = __start_ud_rtc_noinit; p < __stop_ud_rtc_noinit; p++)
        *p = 0xA5;
}

bool firmware_rtc_load(enum ud_reset_reason reason)
{
    struct header kept = { 0 };
    self.magic = MAGIC;
    self.data = (uint32_t)(__stop_ud_rtc_data - __start_ud_rtc_data);
    self.noinit = (uint32_t)(__stop_ud_rtc_noinit - __start_ud_rtc_noinit);
    if (self.data == 0 && self.noinit == 0)
        return true;
    if (sizeof self + self.data + self.noinit > UD_RTC_BYTES)
        return false;
    dl_iterate_phdr(sum_code, &self.program);
    bool known = reason != UD_RESET_POWERON && transfer(SYS_pread64, &kept, sizeof kept, 0) && kept.magic == MAGIC &&
                 kept.data == self.data && kept.noinit == self.noinit && kept.program == self.program;
    if (!known || !transfer(SYS_pread64, __start_ud_rtc_noinit, self.noinit, (long)(sizeof self + self.data)))
        scramble();
    if (known && reason == UD_RESET_DEEPSLEEP)
        (void)transfer(SYS_pread64, __start_ud_rtc_data, self.data, sizeof self);
    return true;
}

void firmware_rtc_save(void)
{
    if (self.data == 0 && self.noinit == 0)
        return;
    (void)transfer(SYS_pwrite64, &self, sizeof self, 0);
    (void)transfer(SYS_pwrite64, __start_ud_rtc_data, self.data, sizeof self);
    (void)transfer(SYS_pwrite64, __start_ud_rtc_noinit, self.noinit, (long)(sizeof self + self.data));
}
