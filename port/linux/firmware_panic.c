/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a firmware says when it crashes: the reason and a backtrace, as a chip's panic handler prints them. Addresses are
 * those of the ELF, wherever it was loaded; the supervisor gets them too and turns them into functions and lines.
 * The signal then takes its course, so the end of the process tells the supervisor what it would have told anyway.
 *
 * In the handler: system calls, the unwinder (made ready beforehand) and own stack. Where a sanitizer has taken a signal
 * it keeps it: its report is the better one.
 */
#include "firmware_panic.h"

#include "updraft/base.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#define FRAMES 48

static const struct {
    int number;
    const char *text;
} crashes[] = {
    { SIGABRT, "abort() was called" },
    { SIGSEGV, "Guru Meditation Error: panic'ed (segmentation fault)" },
    { SIGBUS, "Guru Meditation Error: panic'ed (bus error)" },
    { SIGILL, "Guru Meditation Error: panic'ed (illegal instruction)" },
    { SIGFPE, "Guru Meditation Error: panic'ed (arithmetic exception)" },
};

/* Where the firmware's own code lies; of the process, as the signal handlers are. */
static struct {
    uintptr_t start;
    uintptr_t end;
    uintptr_t bias; /* address in memory less address in the ELF */
    void (*say)(const char *addresses);
} self;

/* ---- text without a library ---- */

struct text {
    char bytes[120];
    size_t len;
};

static void add(struct text *t, const char *s)
{
    for (; *s && t->len < sizeof t->bytes - 1; s++)
        t->bytes[t->len++] = *s;
    t->bytes[t->len] = 0;
}

static void add_address(struct text *t, uintptr_t value)
{
    char digits[2 * sizeof value + 4];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value);
    digits[--at] = 'x';
    digits[--at] = '0';
    add(t, digits + at);
}

static void print(struct text *t)
{
    (void)!write(STDERR_FILENO, t->bytes, t->len);
    t->len = 0;
}

/* ---- the backtrace ---- */

static bool is_own(const void *pc)
{
    return (uintptr_t)pc >= self.start && (uintptr_t)pc < self.end;
}

/* Addresses of calls, not of returns; the first may be where a fault struck. Only those within the firmware. */
static size_t find_frames(uintptr_t pc[FRAMES])
{
    void *raw[FRAMES];
    int count = backtrace(raw, FRAMES), i = 0;
    size_t n = 0;
    while (i < count && !is_own(raw[i])) /* a sanitizer's backtrace() */
        i++;
    while (i < count && is_own(raw[i])) /* this handler; the system's way into it follows */
        i++;
    bool faulted = i + 1 < count && is_own(raw[i + 1]);
    for (int k = i + 1; k < count; k++)
        if (is_own(raw[k]))
            pc[n++] = (uintptr_t)raw[k] - self.bias - (faulted && k == i + 1 ? 0 : 1);
    return n;
}

static void tell_frames(const uintptr_t *pc, size_t n)
{
    struct text line = { .len = 0 };
    add(&line, "Backtrace:");
    for (size_t i = 0; i < n; i++) {
        if (line.len > sizeof line.bytes - 24)
            print(&line);
        add(&line, " ");
        add_address(&line, pc[i]);
    }
    add(&line, n ? "\n" : " none of the firmware's own\n");
    print(&line);
    for (size_t i = 0; i < n;) {
        struct text message = { .len = 0 };
        for (; i < n && message.len < sizeof message.bytes - 24; i++) {
            add(&message, message.len ? " " : "");
            add_address(&message, pc[i]);
        }
        self.say(message.bytes);
    }
}

static void on_crash(int number)
{
    struct text line = { .len = 0 };
    uintptr_t pc[FRAMES];
    size_t n = find_frames(pc);
    add(&line, "\n");
    for (size_t i = 0; i < UD_ARRAY_LEN(crashes); i++)
        if (crashes[i].number == number)
            add(&line, crashes[i].text);
    if (n) {
        add(&line, " at PC ");
        add_address(&line, pc[0]);
    }
    add(&line, "\n");
    print(&line);
    tell_frames(pc, n);
    signal(number, SIG_DFL);
    raise(number); /* taken at the end of this handler */
}

/* ---- set-up ---- */

/* The first object is the program itself. */
static int take_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    self.bias = info->dlpi_addr;
    self.start = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        uintptr_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz;
        self.start = from < self.start ? from : self.start;
        self.end = to > self.end ? to : self.end;
    }
    return 1;
}

void firmware_panic_init(void (*say)(const char *addresses))
{
    void *once[2];
    (void)backtrace(once, 2); /* loads the unwinder now, not in the handler */
    dl_iterate_phdr(take_program, NULL);
    self.say = say;
    for (size_t i = 0; i < UD_ARRAY_LEN(crashes); i++) {
        struct sigaction now, ours = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
        sigfillset(&ours.sa_mask);
        if (sigaction(crashes[i].number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(crashes[i].number, &ours, NULL);
    }
}
