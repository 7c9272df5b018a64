/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: power switch and reset line of a virtual board. Each turn is one boot: the boot loader chooses and
 * verifies, the program of the slot is executed, and what it says last, or how it ends, is the reason of the next reset.
 *
 * From BOOT until the process has ended nothing here touches flash or eFuses. A report of a sanitizer (exit code 86) is
 * never a reset: it would end in a rollback that hides the defect.
 */
#include "lab.h"
#include "output.h"

#include "updraft/flash_faults.h"
#include "updraft/flash_timing.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SANITIZER 86
#define EXIT_NO_SETUP  126   /* child.c: the process could not be prepared */
#define LAST_WORDS_MS  2000u /* from its last message to its end; a sanitizer may have work to do */
#define LAST_TURNS     32u   /* of output after the end: a pipe holds 1 MiB at most */
#define HELD_LOOK_MS   20u   /* between looks for a debugger */
#define NEVER          UINT64_MAX

struct supervisor {
    const struct ud_lab_run *run;
    struct ud_lab_run_result *result;
    struct ud_lab_board lab;
    bool has_regex;
    regex_t regex;
    uint64_t end_ms; /* when the time is up */
    enum ud_reset_reason reason;
    char reason_text[160];
    struct ud_clock clock;
    const struct ud_flash_part *part; /* NULL: no time of its own */
    struct ud_timed_flash timed;      /* of the boot loader's flash, like what follows */
    struct ud_flash timed_flash;
    struct ud_fault_flash faults;
    struct ud_flash faulty_flash;
    uint32_t operations; /* of flash, since the run began; counted when there is a cut to come */
    int rtc;             /* RTC memory */
    bool has_elf;        /* of the firmware that runs: */
    char elf[UD_LAB_PATH];
};

/* One life of a firmware. */
struct life {
    struct supervisor *s;
    struct lab_child child;
    struct lab_output out[2];
    struct ud_msg_boot boot;
    bool said_hello;
    bool untold;
    bool held; /* until a debugger has attached */
    bool line_closed;
    bool watchdog_bit;
    bool over;             /* it has said its last word, or is not to go on */
    enum ud_msg_type last; /* 0: none */
    char backtrace[1024];  /* addresses in its ELF */
    uint64_t sleep_us;     /* after SLEEP */
    char text[160];        /* of a panic, or what it did wrong */
    uint64_t watchdog_ms;  /* deadlines */
    uint64_t kill_ms;
};

enum turn { TURN_RESET, TURN_END };

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell(const struct supervisor *s, struct ud_lab_event e)
{
    e.boot_count = s->result->boots;
    if (s->run->event)
        s->run->event(s->run->event_ctx, &e);
}

static enum turn end(struct supervisor *s, enum ud_lab_end how)
{
    s->result->end = how;
    return TURN_END;
}

/* ---- boot ------------------------------------------------------------------------------------------------------------ */

static void on_boot_note(void *ctx, const struct ud_note *note)
{
    tell(ctx, (struct ud_lab_event){ .type = UD_LAB_NOTE, .note = note });
}

static enum turn nothing_bootable(struct supervisor *s, esp_err_t err)
{
    const char *path = s->lab.path;
    if (err == ESP_ERR_NOT_FOUND)
        lab_why(s->result->why, UD_LAB_WHY, err,
                "%s holds nothing that can boot: 'updraft board why %s' tells why; put an image on it with "
                "'updraft ota %s FILE' or 'updraft board create --app'",
                path, path, path);
    else
        lab_why(s->result->why, UD_LAB_WHY, err,
                "%s: no partition table or otadata that can be read (%s): see 'updraft "
                "board map %s'",
                path, ud_err_name(err), path);
    return end(s, err == ESP_ERR_NOT_FOUND ? UD_LAB_NO_BOOT : UD_LAB_FAILED);
}

/* The flash as the boot loader meets it: with the time of the part, and with the cut when it is its turn. */
static struct ud_flash *boot_flash(struct supervisor *s)
{
    struct ud_flash *top = &s->lab.flash;
    if (s->part) {
        ud_timed_flash_init(&s->timed, &s->timed_flash, top, &s->clock, s->part, s->result->boots);
        top = &s->timed_flash;
    }
    if (s->run->cut_at) {
        ud_fault_flash_init(&s->faults, &s->faulty_flash, top, s->run->cut_at);
        ud_fault_flash_cut(&s->faults, s->run->cut_at - s->operations, (enum ud_cut_variant)s->run->cut_variant);
        top = &s->faulty_flash;
    }
    return top;
}

static enum turn power_cut(struct supervisor *s, const char *of)
{
    lab_why(s->result->why, UD_LAB_WHY, ESP_FAIL, "power was cut at flash operation %u (%s), boot %u, in the %s",
            s->run->cut_at, ud_cut_variant_name((enum ud_cut_variant)s->run->cut_variant), s->result->boots, of);
    return end(s, UD_LAB_CUT);
}

static enum turn boot(struct supervisor *s, struct lab_program *program)
{
    struct ud_observer obs = { on_boot_note, s };
    struct ud_boot_device dev = ud_lab_boot_device(&s->lab, &obs);
    dev.flash = boot_flash(s);
    dev.sink = lab_program_sink(program);
    dev.flash->observer = &obs;
    esp_err_t err = ud_boot_run(&dev, &s->lab.boot);
    dev.flash->observer = s->lab.flash.observer = NULL;
    s->operations += s->run->cut_at ? s->faults.operations : 0;
    if (s->run->cut_at && s->faults.off)
        return power_cut(s, "boot loader");
    if (program->err != ESP_OK) {
        lab_why(s->result->why, UD_LAB_WHY, program->err, "%s", program->why);
        return end(s, UD_LAB_FAILED);
    }
    if (err != ESP_OK)
        return nothing_bootable(s, err);
    tell(s, (struct ud_lab_event){ .type = UD_LAB_BOOTED, .reason = s->reason, .result = &s->lab.boot });
    return TURN_RESET;
}

/* Locally administered; the rest follows from where the board lies, so that no two boards share one. */
static void find_mac(const struct supervisor *s, uint8_t mac[6])
{
    char path[PATH_MAX];
    const char *where = realpath(s->lab.path, path) ? path : s->lab.path;
    uint32_t a = ud_crc32(0, where, strlen(where)), b = ud_crc32(a, "mac", 3);
    const uint8_t bytes[6] = { 0x02, (uint8_t)(b >> 8), (uint8_t)b, (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a };
    memcpy(mac, bytes, sizeof bytes);
}

static struct ud_msg_boot boot_message(const struct supervisor *s)
{
    const struct ud_lab_settings *set = &s->lab.settings;
    struct ud_msg_boot boot = {
        .reset_reason = (uint8_t)s->reason,
        .runs_host = set->runs == UD_LAB_RUNS_HOST,
        .require_digest = set->require_digest,
        .chip_id = set->chip->id,
        .revision = set->revision,
        .running_addr = s->lab.boot.loaded->addr,
        .boot_count = s->result->boots,
        .flash_size = set->flash_size,
        .table_offset = set->table_offset,
        .slow_flash_us = s->run->slow_flash_us,
        .cut_at = s->run->cut_at ? s->run->cut_at - s->operations : 0,
        .cut_variant = s->run->cut_variant,
        .inputs = set->inputs,
        .inputs_driven = set->inputs_driven,
    };
    find_mac(s, boot.mac);
    if (s->part)
        ud_strcopy(boot.flash_part, sizeof boot.flash_part, s->part->name, sizeof boot.flash_part - 1);
    return boot;
}

/* The firmware that runs, with its symbols. */
static void find_elf(struct supervisor *s)
{
    if (!s->has_elf && s->lab.boot.info.has_desc)
        s->has_elf = lab_elf_find(s->run, &s->lab.crypto, s->lab.boot.info.desc.app_elf_sha256, s->elf);
}

/* ---- messages ---------------------------------------------------------------------------------------------------------- */

/* From here on it has a moment to end by itself. */
static void expect_end(struct life *l)
{
    if (!l->over && !l->s->run->debug) /* a debugger may hold it there */
        l->kill_ms = now_ms() + LAST_WORDS_MS;
    l->over = true;
    l->watchdog_ms = NEVER;
}

static void misbehaved(struct life *l, const char *what)
{
    ud_strcopy(l->text, sizeof l->text, what, sizeof l->text - 1);
    l->over = true;
    l->kill_ms = 0;
}

static void send_boot(struct life *l)
{
    struct ud_msg msg = { .type = UD_MSG_BOOT, .boot = l->boot };
    uint8_t bytes[UD_MSG_BYTES];
    ud_msg_encode(&msg, bytes);
    (void)send(l->child.sock, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT); /* gone already: its end tells */
}

static void hold_boot(struct life *l)
{
    const struct supervisor *s = l->s;
    char text[UD_LAB_PATH + 64];
    l->held = true;
    if (!lab_debugger_announce(s->lab.path, s->result->boots, l->child.pid, s->has_elf ? s->elf : NULL)) {
        l->untold = true;
        misbehaved(l, "no debugger could be told of it");
        return;
    }
    snprintf(text, sizeof text, "process %d, %s", (int)l->child.pid, s->has_elf ? s->elf : "its ELF was not found");
    tell(s, (struct ud_lab_event){ .type = UD_LAB_HELD, .text = text });
}

static void answer_hello(struct life *l)
{
    if (l->said_hello) {
        misbehaved(l, "said HELLO twice");
        return;
    }
    l->said_hello = true;
    if (l->s->run->debug)
        hold_boot(l);
    else
        send_boot(l);
}

static void look_for_debugger(struct life *l)
{
    if (!lab_debugger_attached(l->child.pid))
        return;
    l->held = false;
    tell(l->s, (struct ud_lab_event){ .type = UD_LAB_DEBUGGED, .text = "" });
    send_boot(l);
}

static void take_backtrace(struct life *l, const char *addresses)
{
    size_t len = strlen(l->backtrace);
    snprintf(l->backtrace + len, sizeof l->backtrace - len, "%s%s", len ? " " : "", addresses);
}

static void take_message(struct life *l, const struct ud_msg *msg)
{
    switch (msg->type) {
    case UD_MSG_HELLO:
        answer_hello(l);
        break;
    case UD_MSG_FEED:
        if (!l->over && !l->s->run->debug)
            l->watchdog_ms = now_ms() + l->s->lab.settings.watchdog_ms;
        break;
    case UD_MSG_PANIC:
    case UD_MSG_RESTART:
    case UD_MSG_WDT:
    case UD_MSG_POWERCUT:
    case UD_MSG_SLEEP:
        l->last = msg->type;
        l->sleep_us = msg->sleep_us;
        ud_strcopy(l->text, sizeof l->text, msg->text, sizeof msg->text - 1);
        expect_end(l);
        break;
    case UD_MSG_BACKTRACE:
        take_backtrace(l, msg->text);
        break;
    case UD_MSG_BOOT:
        misbehaved(l, "sent a message that only a supervisor sends");
        break;
    }
}

static void read_messages(struct life *l)
{
    uint8_t bytes[UD_MSG_BYTES + 1];
    struct ud_msg msg;
    while (!l->line_closed) {
        ssize_t n = recv(l->child.sock, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            l->line_closed = true;
            expect_end(l);
        } else if (ud_msg_decode(bytes, (size_t)n, &msg) != ESP_OK) {
            misbehaved(l, "sent a message that this supervisor does not know: build it with the same version");
        } else {
            take_message(l, &msg);
        }
    }
}

/* ---- a life ------------------------------------------------------------------------------------------------------------ */

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* True: there may be more at once. */
static bool read_output(struct life *l)
{
    bool more = false;
    for (int i = 0; i < 2; i++) {
        enum lab_output_state state = LAB_OUTPUT_DRAINED;
        if (l->child.out[i] >= 0)
            state = lab_output_read(&l->out[i], l->child.out[i]);
        more = more || state == LAB_OUTPUT_MORE;
        if (state == LAB_OUTPUT_ENDED) {
            close(l->child.out[i]);
            l->child.out[i] = -1;
        }
    }
    return more;
}

static bool has_matched(const struct life *l)
{
    return l->out[0].matched || l->out[1].matched;
}

/* The firmware has ended: what its pipes still hold, which is not without end even if it left processes behind. */
static void read_rest(struct life *l)
{
    for (unsigned turn = 0; turn < LAST_TURNS && read_output(l); turn++)
        ;
    for (int i = 0; i < 2; i++)
        lab_output_end(&l->out[i]);
}

enum wake { WAKE_ENDED, WAKE_KILL, WAKE_MATCHED, WAKE_STOPPED, WAKE_TIMEOUT };

/* Attend to it until it has ended, is to be killed, or the board is switched off. */
static enum wake attend(struct life *l)
{
    const struct supervisor *s = l->s;
    for (;;) {
        struct pollfd p[5] = { { l->child.pidfd, POLLIN, 0 },
                               { s->run->stop_fd, POLLIN, 0 },
                               { l->line_closed ? -1 : l->child.sock, POLLIN, 0 },
                               { l->child.out[0], POLLIN, 0 },
                               { l->child.out[1], POLLIN, 0 } };
        uint64_t now = now_ms();
        uint64_t wake = earliest(earliest(l->watchdog_ms, l->kill_ms), s->end_ms);
        uint64_t longest = l->held ? HELD_LOOK_MS : 60000;
        uint64_t wait = wake == NEVER ? NEVER : wake > now ? wake - now : 0;
        poll(p, UD_ARRAY_LEN(p), wait > longest ? (int)longest : (int)wait);
        bool ended = p[0].revents != 0; /* looked at first: what it wrote before is read below */
        read_output(l);
        if (has_matched(l))
            return WAKE_MATCHED;
        read_messages(l);
        if (l->held && !ended)
            look_for_debugger(l);
        if (ended)
            return WAKE_ENDED;
        if (p[1].revents)
            return WAKE_STOPPED;
        now = now_ms();
        if (now >= s->end_ms)
            return WAKE_TIMEOUT;
        if (now >= l->watchdog_ms) {
            l->watchdog_bit = true;
            return WAKE_KILL;
        }
        if (now >= l->kill_ms)
            return WAKE_KILL;
    }
}

static void describe_end(const struct life *l, int status, char *text, size_t size)
{
    if (l->text[0])
        snprintf(text, size, "%s", l->text);
    else if (WIFSIGNALED(status) && !(l->line_closed && WTERMSIG(status) == SIGKILL))
        snprintf(text, size, "%s", strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status))
        snprintf(text, size, "it ended with exit code %d instead of a restart", WEXITSTATUS(status));
    else
        snprintf(text, size, "it closed the line to its supervisor");
}

/* How the life ended is why the next one begins. */
static void find_reason(struct life *l, int status)
{
    struct supervisor *s = l->s;
    s->reason_text[0] = 0;
    if (l->watchdog_bit) {
        s->reason = UD_RESET_WDT;
        snprintf(s->reason_text, sizeof s->reason_text, "not fed for %u ms", s->lab.settings.watchdog_ms);
    } else if (l->last == UD_MSG_WDT) {
        s->reason = UD_RESET_TASK_WDT;
        snprintf(s->reason_text, sizeof s->reason_text, "%s", l->text);
    } else if (l->last == UD_MSG_SLEEP) {
        s->reason = UD_RESET_DEEPSLEEP;
    } else if (l->last == UD_MSG_RESTART) {
        s->reason = UD_RESET_SW;
    } else if (l->last == UD_MSG_POWERCUT) {
        s->reason = UD_RESET_POWERON;
        snprintf(s->reason_text, sizeof s->reason_text, "power was cut");
    } else {
        s->reason = UD_RESET_PANIC;
        describe_end(l, status, s->reason_text, sizeof s->reason_text);
    }
}

static void tell_frame(void *ctx, const char *text)
{
    tell(ctx, (struct ud_lab_event){ .type = UD_LAB_CRASH, .text = text });
}

/* Where it crashed, by name; without its ELF the addresses stand in the firmware's own output, and what to do is told. */
static void explain_crash(const struct life *l)
{
    struct supervisor *s = l->s;
    char hint[160];
    if (!l->backtrace[0])
        return;
    find_elf(s);
    if (s->has_elf && lab_backtrace(s->elf, l->backtrace, tell_frame, s))
        return;
    tell_frame(s, l->backtrace);
    const uint8_t *sha = s->lab.boot.info.desc.app_elf_sha256;
    if (s->has_elf)
        snprintf(hint, sizeof hint, "addr2line of binutils would name functions and lines");
    else
        snprintf(hint, sizeof hint,
                 "--elf FILE|FOLDER with the ELF of this firmware (SHA-256 %02x%02x%02x%02x...) names "
                 "functions and lines",
                 sha[0], sha[1], sha[2], sha[3]);
    tell_frame(s, hint);
}

/* Deep sleep: the time passes, unless the board is switched off before. */
static enum turn sleep_on(struct supervisor *s, uint64_t us)
{
    if (us == UINT64_MAX) {
        lab_why(s->result->why, UD_LAB_WHY, ESP_ERR_INVALID_STATE,
                "the firmware of boot %u sleeps for ever: it enabled no source that a board here can wake it by "
                "(esp_sleep_enable_timer_wakeup)",
                s->result->boots);
        return end(s, UD_LAB_FAILED);
    }
    uint64_t wake = now_ms() + us / 1000;
    for (uint64_t now = now_ms(); now < wake; now = now_ms()) {
        struct pollfd p = { s->run->stop_fd, POLLIN, 0 };
        if (now >= s->end_ms)
            return end(s, UD_LAB_TIMEOUT);
        uint64_t wait = earliest(wake, s->end_ms) - now;
        poll(&p, 1, wait > 60000 ? 60000 : (int)wait);
        if (p.revents)
            return end(s, UD_LAB_STOPPED);
    }
    snprintf(s->reason_text, sizeof s->reason_text, "woken by its timer after %llu ms", (unsigned long long)us / 1000);
    return TURN_RESET;
}

static enum turn judge(struct life *l, enum wake wake, int status)
{
    struct supervisor *s = l->s;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SANITIZER) {
        lab_why(s->result->why, UD_LAB_WHY, ESP_FAIL,
                "defect: a sanitizer has reported (above), in boot %u from %s. This is a defect of the program, not a "
                "crash of a board: no reset and no rollback follow",
                s->result->boots, s->lab.boot.loaded->label);
        return end(s, UD_LAB_DEFECT);
    }
    if (wake == WAKE_MATCHED || has_matched(l))
        return end(s, UD_LAB_MATCHED);
    if (wake == WAKE_STOPPED)
        return end(s, UD_LAB_STOPPED);
    if (wake == WAKE_TIMEOUT && l->held)
        lab_why(s->result->why, UD_LAB_WHY, ESP_ERR_TIMEOUT, "no debugger has attached to boot %u", s->result->boots);
    if (wake == WAKE_TIMEOUT)
        return end(s, UD_LAB_TIMEOUT);
    if (!l->said_hello && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_SETUP) {
        lab_why(s->result->why, UD_LAB_WHY, ESP_FAIL, "the firmware's process could not be prepared on this system");
        return end(s, UD_LAB_FAILED);
    }
    if (l->untold) {
        lab_why(s->result->why, UD_LAB_WHY, ESP_FAIL, "%s.gdb cannot be written, by which a debugger finds the board",
                s->lab.path);
        return end(s, UD_LAB_FAILED);
    }
    if (l->last == UD_MSG_POWERCUT && s->run->cut_at)
        return power_cut(s, "firmware");
    find_reason(l, status);
    if (s->reason == UD_RESET_DEEPSLEEP)
        return sleep_on(s, l->sleep_us);
    explain_crash(l);
    return TURN_RESET;
}

static enum turn live(struct supervisor *s, const struct lab_program *program)
{
    struct life *l = calloc(1, sizeof *l);
    if (!l) {
        lab_why(s->result->why, UD_LAB_WHY, ESP_ERR_NO_MEM, "no memory");
        return end(s, UD_LAB_FAILED);
    }
    l->s = s;
    l->boot = boot_message(s);
    l->watchdog_ms = l->kill_ms = NEVER;
    for (int i = 0; i < 2; i++)
        lab_output_init(&l->out[i], STDOUT_FILENO + i, &s->regex);
    lab_mark_running(s->lab.flash_fd, s->lab.boot.loaded->addr);
    lseek(s->lab.flash_fd, 0, SEEK_SET);
    s->has_elf = false;
    if (s->run->debug)
        find_elf(s);
    enum turn turn;
    const struct lab_child_files files = { s->lab.flash_fd, s->lab.efuse_fd, s->rtc };
    if (lab_child_start(&l->child, program, &files, s->has_regex, s->run->debug, s->result->why, UD_LAB_WHY) !=
        ESP_OK) {
        turn = end(s, UD_LAB_FAILED);
    } else {
        int status;
        enum wake wake = attend(l);
        if (wake == WAKE_ENDED && s->has_regex)
            read_rest(l);
        lab_child_end(&l->child, &status);
        s->operations += (uint32_t)lseek(s->lab.flash_fd, 0, SEEK_CUR); /* where the firmware keeps its count */
        turn = judge(l, wake, status);
    }
    lab_mark_running(s->lab.flash_fd, UINT32_MAX);
    free(l);
    return turn;
}

/* ---- the run -------------------------------------------------------------------------------------------------------------- */

static enum turn one_boot(struct supervisor *s)
{
    struct lab_program program;
    s->result->boots++;
    tell(s, (struct ud_lab_event){ .type = UD_LAB_RESET, .reason = s->reason, .text = s->reason_text });
    lab_program_init(&program);
    enum turn turn = boot(s, &program);
    if (turn == TURN_RESET)
        turn = live(s, &program);
    lab_program_drop(&program);
    return turn;
}

static bool prepare(struct supervisor *s)
{
    struct ud_lab_run_result *r = s->result;
    s->clock = ud_linux_clock();
    s->part = s->run->flash_part ? ud_flash_part_find(s->run->flash_part) : NULL;
    if (s->run->flash_part && !s->part) {
        lab_why(r->why, UD_LAB_WHY, ESP_ERR_INVALID_ARG, "'%s' is not a flash part known here", s->run->flash_part);
        return false;
    }
    if (s->run->until) {
        int code = regcomp(&s->regex, s->run->until, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            char text[128];
            regerror(code, &s->regex, text, sizeof text);
            lab_why(r->why, UD_LAB_WHY, ESP_ERR_INVALID_ARG, "'%s' is not a regular expression: %s", s->run->until,
                    text);
            return false;
        }
        s->has_regex = true;
    }
    if (ud_lab_board_open(s->run->path, UD_LAB_WRITE | UD_LAB_FILES_ONLY, &s->lab, r->why, UD_LAB_WHY) != ESP_OK)
        return false;
    if (s->lab.settings.runs != UD_LAB_RUNS_HOST) {
        lab_why(r->why, UD_LAB_WHY, ESP_ERR_NOT_SUPPORTED,
                "%s holds firmware of a real %s, which cannot be executed here: 'updraft board boot %s' makes the boot "
                "loader's decision, 'updraft board confirm %s' plays the application",
                s->lab.path, s->lab.settings.chip->title, s->lab.path, s->lab.path);
        return false;
    }
    return true;
}

/* Where ended processes are reaped unasked, an exit code 86 would be lost, and a number could be another's by then. */
static bool ends_can_be_asked_for(struct supervisor *s)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler != SIG_IGN && !(now.sa_flags & SA_NOCLDWAIT))
        return true;
    lab_why(s->result->why, UD_LAB_WHY, ESP_ERR_INVALID_STATE,
            "SIGCHLD is ignored in this process: the end of a firmware could not be asked for");
    return false;
}

void ud_lab_run(const struct ud_lab_run *run, struct ud_lab_run_result *result)
{
    *result = (struct ud_lab_run_result){ .end = UD_LAB_FAILED };
    struct supervisor *s = calloc(1, sizeof *s);
    if (!s) {
        lab_why(result->why, UD_LAB_WHY, ESP_ERR_NO_MEM, "no memory");
        return;
    }
    s->run = run;
    s->result = result;
    s->lab.flash_fd = s->lab.efuse_fd = -1;
    s->rtc = lab_rtc_memory();
    s->reason = UD_RESET_POWERON;
    s->end_ms = run->timeout_ms ? now_ms() + run->timeout_ms : NEVER;
    enum turn turn = ends_can_be_asked_for(s) && prepare(s) ? TURN_RESET : TURN_END;
    while (turn == TURN_RESET) {
        if (run->max_boots && result->boots >= run->max_boots)
            turn = end(s, UD_LAB_MAX_BOOTS);
        else
            turn = one_boot(s);
    }
    if (run->debug)
        lab_debugger_forget(run->path);
    if (s->rtc >= 0)
        close(s->rtc);
    ud_lab_board_close(&s->lab);
    if (s->has_regex)
        regfree(&s->regex);
    free(s);
}
