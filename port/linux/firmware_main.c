/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of a host image: from three descriptors to a running app_main.
 *
 * The supervisor of a virtual board executes the image with a socket, the flash and the eFuses open. HELLO asks, BOOT
 * answers with all that there is to know; then the board's context is built, becomes the current board, and a task runs
 * app_main. The reset line leads back to the supervisor: RESTART or PANIC is the last message, then the process ends.
 */
#include "firmware.h"
#include "firmware_panic.h"
#include "firmware_rtc.h"

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "updraft/flash_faults.h"
#include "updraft/flash_timing.h"
#include "updraft/port_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXIT_USAGE     2
#define EXIT_SANITIZER 86 /* a defect was found: the supervisor stops instead of booting again */

/* Of the sanitizer's run-time library; NULL in a build without it. Non-zero: leaks were found and reported. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static const char tag[] = "main_task";

/* The device that this process is, for as long as it lives. */
static struct device {
    struct ud_board board;
    struct ud_observer log;
    struct ud_clock clock;
    struct ud_crypto crypto;
    struct ud_file_flash file;
    struct ud_flash file_flash;
    struct ud_slow_flash slow;
    struct ud_flash slow_flash;
    struct ud_timed_flash timed;
    struct ud_flash timed_flash;
    struct ud_fault_flash faults;
    struct ud_flash faulty_flash;
    struct ud_file_efuse efuse;
} device;

/* ---- the line to the supervisor ---- */

static bool send_whole(const struct ud_msg *msg)
{
    uint8_t bytes[UD_MSG_BYTES];
    ud_msg_encode(msg, bytes);
    ssize_t n;
    do {
        n = send(UD_FD_SUPERVISOR, bytes, sizeof bytes, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof bytes;
}

static bool send_message(enum ud_msg_type type, const char *text)
{
    struct ud_msg msg = { .type = type };
    if (text)
        ud_strcopy(msg.text, sizeof msg.text, text, sizeof msg.text - 1);
    return send_whole(&msg);
}

static bool on_a_board(void)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(UD_FD_SUPERVISOR, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* Say HELLO and wait for BOOT, as long as it takes: a debugger may hold it back. */
static bool ask_boot(struct ud_msg_boot *boot)
{
    uint8_t bytes[UD_MSG_BYTES + 1]; /* one more, so that a longer packet shows */
    struct ud_msg msg;
    ssize_t n;
    if (!send_message(UD_MSG_HELLO, NULL))
        return false;
    do {
        n = recv(UD_FD_SUPERVISOR, bytes, sizeof bytes, 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0 || ud_msg_decode(bytes, (size_t)n, &msg) != ESP_OK || msg.type != UD_MSG_BOOT)
        return false;
    *boot = msg.boot;
    return true;
}

/* ---- the reset line ---- */

static void flush_output(void)
{
    fflush(stdout);
    fflush(stderr);
}

/* The last message, after which every thread ends at once, as a reset does. */
static _Noreturn void leave(const struct ud_msg *last)
{
    flush_output();
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
        _exit(EXIT_SANITIZER);
    firmware_rtc_save();
    send_whole(last);
    _exit(0);
}

static void line_restart(void *ctx)
{
    (void)ctx;
    leave(&(struct ud_msg){ .type = UD_MSG_RESTART });
}

static void line_task_watchdog(void *ctx, const char *who)
{
    struct ud_msg msg = { .type = UD_MSG_WDT };
    (void)ctx;
    ud_strcopy(msg.text, sizeof msg.text, who, sizeof msg.text - 1);
    leave(&msg);
}

static void line_sleep(void *ctx, uint64_t us)
{
    (void)ctx;
    leave(&(struct ud_msg){ .type = UD_MSG_SLEEP, .sleep_us = us });
}

static void line_panic(void *ctx, const char *why)
{
    (void)ctx;
    flush_output();
    send_message(UD_MSG_PANIC, why);
    abort();
}

/* Of the crash that follows; from a signal handler. */
static void say_backtrace(const char *addresses)
{
    firmware_rtc_save();
    send_message(UD_MSG_BACKTRACE, addresses);
}

static void line_feed(void *ctx)
{
    (void)ctx;
    send_message(UD_MSG_FEED, NULL);
}

/* ---- the board ---- */

/* The supervisor shares this descriptor's position, which no access moves: it learns the count whatever our end is. */
static void tell_operation(void *ctx, const struct ud_fault_operation *op)
{
    (void)ctx;
    lseek(UD_FD_FLASH, (off_t)op->number, SEEK_SET);
}

static void power_cut(void *ctx)
{
    (void)ctx;
    flush_output();
    send_message(UD_MSG_POWERCUT, NULL);
    _exit(0);
}

/* Order: driver, time, faults. */
static struct ud_flash *build_flash(struct device *d, const struct ud_msg_boot *boot)
{
    struct ud_flash *top = &d->file_flash;
    ud_file_flash_init(&d->file, top, UD_FD_FLASH, boot->flash_size);
    top->observer = &d->log;
    if (boot->slow_flash_us) {
        ud_slow_flash_init(&d->slow, &d->slow_flash, top, &d->clock, boot->slow_flash_us);
        top = &d->slow_flash;
    }
    if (boot->flash_part[0]) {
        const struct ud_flash_part *part = ud_flash_part_find(boot->flash_part);
        ud_timed_flash_init(&d->timed, &d->timed_flash, top, &d->clock, part, boot->boot_count);
        top = &d->timed_flash;
    }
    if (boot->cut_at) {
        ud_fault_flash_init(&d->faults, &d->faulty_flash, top, boot->cut_at);
        d->faults.before = tell_operation;
        d->faults.power_cut = power_cut;
        ud_fault_flash_cut(&d->faults, boot->cut_at, (enum ud_cut_variant)boot->cut_variant);
        top = &d->faulty_flash;
    }
    return top;
}

/* NULL, or why there is no board. */
static const char *build_board(struct device *d, const struct ud_msg_boot *boot)
{
    const struct ud_chip *chip = ud_chip_by_id(boot->chip_id);
    if (!chip)
        return "the supervisor named a chip that this firmware does not know";
    if (boot->flash_part[0] && !ud_flash_part_find(boot->flash_part))
        return "the supervisor named a flash part that this firmware does not know";

    d->log = ud_idf_log_observer();
    d->clock = ud_linux_clock();
    d->crypto = ud_openssl_crypto();
    struct ud_board *b = &d->board;
    b->flash = build_flash(d, boot);
    ud_file_efuse_init(&d->efuse, &b->efuse, UD_FD_EFUSE);
    b->chip = chip;
    b->accepted_chip_id = boot->runs_host ? UD_CHIP_ID_HOST : chip->id;
    b->revision = boot->revision;
    b->require_digest = boot->require_digest != 0;
    b->crypto = &d->crypto;
    b->clock = d->clock;
    b->obs = &d->log;
    b->reset = (struct ud_reset_line){ .restart = line_restart,
                                       .panic = line_panic,
                                       .feed = line_feed,
                                       .task_watchdog = line_task_watchdog,
                                       .sleep = line_sleep,
                                       .ctx = d };
    b->table_offset = boot->table_offset;
    b->reset_reason = (enum ud_reset_reason)boot->reset_reason;
    b->boot_count = boot->boot_count;
    b->inputs = boot->inputs;
    b->inputs_driven = boot->inputs_driven;
    memcpy(b->mac, boot->mac, sizeof b->mac);
    if (ud_linux_lock_create(&b->lock) != ESP_OK)
        return "no memory for the board's lock";
    if (ud_board_load_table(b, boot->running_addr) != ESP_OK)
        return "the partition table cannot be read, or has no partition where this firmware runs";
    return NULL;
}

static esp_err_t make_transport(void *ctx, struct ud_transport *out)
{
    (void)ctx;
    return ud_curl_transport_create(out);
}

static void end_transport(void *ctx, struct ud_transport *t)
{
    (void)ctx;
    ud_curl_transport_destroy(t);
}

static void main_task(void *arg)
{
    (void)arg;
    ESP_LOGI(tag, "Calling app_main()");
    app_main();
    ESP_LOGI(tag, "Returned from app_main()");
    vTaskDelete(NULL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error code, not the end */
    if (!on_a_board()) {
        fputs("this firmware runs on a virtual board: updraft board create b.flash --app FIRMWARE.bin, "
              "then updraft board run b.flash\n",
              stderr);
        return EXIT_USAGE;
    }
    for (int fd = UD_FD_SUPERVISOR; fd <= UD_FD_EFUSE; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    firmware_panic_init(say_backtrace);
    struct ud_msg_boot boot;
    if (!ask_boot(&boot)) {
        fputs("the supervisor did not say how to boot: it ended, or is of another version than this firmware\n",
              stderr);
        return EXIT_USAGE;
    }
    const char *why = build_board(&device, &boot);
    if (!why && !firmware_rtc_load(device.board.reset_reason))
        why = "the variables with RTC_DATA_ATTR and RTC_NOINIT_ATTR exceed RTC memory (16 KiB)";
    if (why) {
        fprintf(stderr, "%s\n", why);
        line_panic(&device, why);
    }

    struct ud_idf_env env = { .board = &device.board,
                              .config = &ud_firmware_config,
                              .os = ud_linux_os(),
                              .alloc = ud_linux_alloc(),
                              .entropy = ud_linux_entropy(),
                              .transport_create = make_transport,
                              .transport_destroy = end_transport,
                              .network = ud_linux_network,
                              .terminal = isatty(STDOUT_FILENO) == 1 };
    if (ud_idf_start(&env) != ESP_OK ||
        xTaskCreate(main_task, "main", ud_firmware_config.main_task_stack, NULL, 1, NULL) != pdPASS)
        line_panic(&device, "no memory to start the firmware");
    for (;;)
        pause(); /* tasks run in their own threads, until a reset ends the process */
}
