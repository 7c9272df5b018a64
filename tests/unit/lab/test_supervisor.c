/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor, with firmware that speaks the protocol itself: this very program, put into a slot as a host image. When
 * it finds the line to a supervisor open it plays firmware: the board's inputs are its script, five bits an action, the
 * first for boot 1.
 */
#include "lab_kit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../src/lab/output.h"
#include "updraft/ota.h"

/* ---- the firmware ---------------------------------------------------------------------------------------------------- */

enum action {
    IDLE,
    RESTART,
    PANIC,
    EXIT_SILENTLY,
    DIE_BY_SIGNAL,
    SANITIZER_REPORT,
    FEED_THEN_HANG,
    ABORT,
    POWERCUT,
    CLOSE_THE_LINE,
    TALK_RUBBISH,
    SAY_HELLO_TWICE,
    TELL_WORLD, /* what it may and may not do */
    LEAVE_A_CHILD,
    RESTART_BUT_STAY,
    WATCHDOG_MESSAGE,
    PRINT_WITHOUT_END,
};
#define ACTION_BITS 5

static void fw_send(enum ud_msg_type type, const char *text)
{
    struct ud_msg msg = { .type = type };
    uint8_t bytes[UD_MSG_BYTES];
    ud_strcopy(msg.text, sizeof msg.text, text, sizeof msg.text - 1);
    ud_msg_encode(&msg, bytes);
    if (send(UD_FD_SUPERVISOR, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
        _exit(9);
}

static bool fw_may_write(const char *path, int flags)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void fw_tell_world(void)
{
    const char *asan = getenv("ASAN_OPTIONS");
    struct stat flash, efuse, rtc;
    printf("secret=%d\n", getenv("UD_TEST_SECRET") != NULL);
    printf("proxy=%s\n", getenv("https_proxy") ? getenv("https_proxy") : "none");
    printf("exitcode=%d\n", asan && strstr(asan, "exitcode=86") != NULL);
    printf("flash=%d\n", fstat(UD_FD_FLASH, &flash) == 0 && flash.st_size > UD_EFUSE_SIZE);
    printf("efuse=%d\n", fstat(UD_FD_EFUSE, &efuse) == 0 && efuse.st_size == UD_EFUSE_SIZE);
    printf("rtc=%d\n", fstat(UD_FD_RTC, &rtc) == 0 && rtc.st_size == UD_RTC_BYTES);
    printf("fd7=%d\n", fcntl(7, F_GETFD) >= 0);
    printf("null=%d\n", fw_may_write("/dev/null", 0));
    printf("files=%d\n", fw_may_write("/tmp/ud-lab-firmware-was-here", O_CREAT));
    printf("told\n");
    fflush(stdout);
}

static void fw_leave_a_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    printf("left %d\n", (int)pid);
    fflush(stdout);
}

static void fw_act(enum action action)
{
    switch (action) {
    case IDLE:
        break;
    case RESTART:
        fw_send(UD_MSG_RESTART, "");
        _exit(0);
    case RESTART_BUT_STAY:
        fw_send(UD_MSG_RESTART, "");
        break;
    case PANIC:
        fw_send(UD_MSG_PANIC, "assert failed: x > 0");
        abort();
    case EXIT_SILENTLY:
        _exit(3);
    case DIE_BY_SIGNAL:
        raise(SIGUSR1);
        break;
    case SANITIZER_REPORT:
        _exit(86);
    case FEED_THEN_HANG:
        fw_send(UD_MSG_FEED, "");
        break;
    case ABORT:
        abort();
    case POWERCUT:
        fw_send(UD_MSG_POWERCUT, "");
        _exit(0);
    case CLOSE_THE_LINE:
        close(UD_FD_SUPERVISOR);
        break;
    case TALK_RUBBISH:
        if (send(UD_FD_SUPERVISOR, "rubbish", 7, MSG_NOSIGNAL) < 0)
            _exit(9);
        break;
    case SAY_HELLO_TWICE:
        fw_send(UD_MSG_HELLO, "");
        break;
    case TELL_WORLD:
        fw_tell_world();
        break;
    case LEAVE_A_CHILD:
        fw_leave_a_child();
        break;
    case WATCHDOG_MESSAGE:
        fw_send(UD_MSG_WDT, "");
        _exit(0);
    case PRINT_WITHOUT_END:
        for (;;)
            puts("and so on");
    }
    for (;;)
        pause();
}

static int play_firmware(void)
{
    uint8_t bytes[UD_MSG_BYTES];
    struct ud_msg msg;
    fw_send(UD_MSG_HELLO, "");
    if (recv(UD_FD_SUPERVISOR, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes ||
        ud_msg_decode(bytes, sizeof bytes, &msg) != ESP_OK || msg.type != UD_MSG_BOOT)
        return 9;
    const struct ud_msg_boot *b = &msg.boot;
    printf("firmware at 0x%x, boot %u, reset %u, chip %u, flash %u, slow %u\n", b->running_addr, b->boot_count,
           b->reset_reason, b->chip_id, b->flash_size, b->slow_flash_us);
    fflush(stdout);
    fw_act((enum action)(b->inputs >> ACTION_BITS * (b->boot_count - 1) & ((1u << ACTION_BITS) - 1)));
    return 9;
}

static bool has_supervisor(void)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(UD_FD_SUPERVISOR, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* ---- the board --------------------------------------------------------------------------------------------------------- */

#define BOOTS_MAX (64 / ACTION_BITS)
#define SLOT_0    0x10000u

struct bench {
    struct kit *k;
    uint8_t *image;
    uint32_t slot_bytes;
    struct ud_lab_run run;
    struct ud_lab_run_result result;
    unsigned resets;
    enum ud_reset_reason reason[BOOTS_MAX];
    char text[BOOTS_MAX][160];
    char booted[BOOTS_MAX][17];
    int stop[2];
    bool stop_at_boot; /* switch off as soon as a slot was chosen */
};

static void on_event(void *ctx, const struct ud_lab_event *e)
{
    struct bench *b = ctx;
    assert_in_range(e->boot_count, 1, BOOTS_MAX);
    unsigned i = e->boot_count - 1;
    if (e->type == UD_LAB_RESET) {
        b->resets++;
        b->reason[i] = e->reason;
        ud_strcopy(b->text[i], sizeof b->text[i], e->text, sizeof b->text[i] - 1);
    } else if (e->type == UD_LAB_BOOTED) {
        ud_strcopy(b->booted[i], sizeof b->booted[i], e->result->loaded->label, 16);
        if (b->stop_at_boot)
            assert_int_equal(write(b->stop[1], "", 1), 1);
    }
}

static uint8_t *read_self(uint32_t *len)
{
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    *len = (uint32_t)st.st_size;
    return bytes;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    uint32_t elf_len, len;
    assert_non_null(b);
    uint8_t *elf = read_self(&elf_len);
    b->image = kit_image(UD_CHIP_ID_HOST, "1.0.0", elf, elf_len, &len);
    free(elf);
    b->slot_bytes = (len + 0x1FFFF) & ~0xFFFFu;
    b->k = kit_new(b->slot_bytes, SLOT_0 + 2 * b->slot_bytes);
    b->k->create.app = (struct ud_lab_content){ NULL, "self", b->image, len };
    b->k->create.settings.watchdog_ms = 50;
    b->run = (struct ud_lab_run){
        .path = b->k->board, .timeout_ms = 20000, .max_boots = 1, .stop_fd = -1, .event = on_event, .event_ctx = b
    };
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    kit_free(b->k);
    free(b->image);
    free(b);
    return 0;
}

/* A board whose firmware does these, boot after boot. */
static void script(struct bench *b, unsigned count, const enum action *actions)
{
    struct ud_lab_settings *s = &b->k->create.settings;
    s->inputs_driven = UINT64_MAX;
    for (unsigned i = 0; i < count; i++)
        s->inputs |= (uint64_t)actions[i] << ACTION_BITS * i;
    kit_create(b->k);
}
#define SCRIPT(b, ...)                                                                                                 \
    script(b, sizeof((enum action[]){ __VA_ARGS__ }) / sizeof(enum action), (enum action[]){ __VA_ARGS__ })

static void run(struct bench *b)
{
    ud_lab_run(&b->run, &b->result);
    if (b->result.why[0])
        print_message("%s\n", b->result.why);
}

/* ---- resets ------------------------------------------------------------------------------------------------------------ */

static void the_last_word_or_the_end_is_the_reason_of_the_next_reset(void **state)
{
    static const struct {
        enum action action;
        enum ud_reset_reason reason;
        const char *says;
    } rows[] = {
        { RESTART, UD_RESET_SW, "" },
        { PANIC, UD_RESET_PANIC, "assert failed: x > 0" },
        { EXIT_SILENTLY, UD_RESET_PANIC, "exit code 3" },
        { DIE_BY_SIGNAL, UD_RESET_PANIC, "User defined signal 1" },
        { ABORT, UD_RESET_PANIC, "Aborted" },
        { FEED_THEN_HANG, UD_RESET_WDT, "not fed for 50 ms" },
        { WATCHDOG_MESSAGE, UD_RESET_TASK_WDT, "" },
        { POWERCUT, UD_RESET_POWERON, "power was cut" },
        { TALK_RUBBISH, UD_RESET_PANIC, "does not know" },
        { SAY_HELLO_TWICE, UD_RESET_PANIC, "HELLO twice" },
    };
    struct bench *b = *state;
    enum action actions[BOOTS_MAX] = { 0 };
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        actions[i] = rows[i].action;
    actions[UD_ARRAY_LEN(rows)] = RESTART;
    script(b, UD_ARRAY_LEN(rows) + 1, actions);
    b->run.max_boots = UD_ARRAY_LEN(rows) + 1;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MAX_BOOTS);
    assert_int_equal(b->result.boots, b->run.max_boots);
    assert_int_equal(b->reason[0], UD_RESET_POWERON);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_int_equal(b->reason[i + 1], rows[i].reason);
        assert_says(b->text[i + 1], rows[i].says);
        assert_string_equal(b->booted[i + 1], "ota_0");
    }
}

static void firmware_that_goes_on_after_its_last_word_is_ended(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, RESTART_BUT_STAY, CLOSE_THE_LINE, RESTART);
    b->run.max_boots = 3;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MAX_BOOTS);
    assert_int_equal(b->reason[1], UD_RESET_SW);
    assert_int_equal(b->reason[2], UD_RESET_PANIC);
    assert_says(b->text[2], "closed the line");
}

static void a_sanitizer_report_ends_the_run_and_changes_no_otadata(void **state)
{
    struct bench *b = *state;
    struct ud_otadata_entry before[2], after[2];
    SCRIPT(b, RESTART, SANITIZER_REPORT, RESTART);
    b->run.max_boots = 1;
    run(b); /* the first boot writes the initial entry */
    assert_int_equal(kit_open(b->k, UD_LAB_READ), ESP_OK);
    memcpy(before, b->k->lab.boot.input.entry, sizeof before);
    ud_lab_board_close(&b->k->lab);
    b->run.max_boots = 3;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_DEFECT);
    assert_int_equal(b->result.boots, 2);
    assert_says(b->result.why, "defect");
    assert_int_equal(kit_open(b->k, UD_LAB_READ), ESP_OK);
    memcpy(after, b->k->lab.boot.input.entry, sizeof after);
    ud_lab_board_close(&b->k->lab);
    assert_memory_equal(before, after, sizeof before);
}

static void an_update_that_crashes_before_it_confirms_is_rolled_back(void **state)
{
    struct bench *b = *state;
    struct ud_lab_content update = { "ota_1", "self", b->k->create.app.data, b->k->create.app.len };
    b->k->create.content = &update;
    b->k->create.content_count = 1;
    SCRIPT(b, ABORT, RESTART);
    b->run.max_boots = 1;
    run(b); /* the first boot of all writes the initial entry: ota_0, VALID */
    assert_string_equal(b->booted[0], "ota_0");

    assert_int_equal(kit_open(b->k, UD_LAB_WRITE), ESP_OK);
    const struct ud_partition *otadata =
        ud_ptable_find(&b->k->lab.board.table, UD_PART_DATA, UD_PART_DATA_OTA, "otadata");
    struct ud_otadata_entry e = { .seq = 2, .state = UD_OTA_NEW, .crc = ud_otadata_crc(2) };
    assert_int_equal(ud_otadata_write(&b->k->lab.flash, otadata, 1, &e), ESP_OK);
    ud_lab_board_close(&b->k->lab);

    b->run.max_boots = 2;
    run(b);
    assert_string_equal(b->booted[0], "ota_1");
    assert_int_equal(b->reason[1], UD_RESET_PANIC);
    assert_string_equal(b->booted[1], "ota_0");
    assert_int_equal(kit_open(b->k, UD_LAB_READ), ESP_OK);
    assert_int_equal(b->k->lab.boot.input.entry[1].state, UD_OTA_ABORTED);
    ud_lab_board_close(&b->k->lab);
}

/* ---- ends -------------------------------------------------------------------------------------------------------------- */

static void a_matching_line_ends_the_run(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, RESTART, IDLE);
    b->run.until = "^firmware at 0x10000, boot 2, reset 3, chip 5";
    b->run.max_boots = 5;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MATCHED);
    assert_int_equal(b->result.boots, 2);
}

static void a_line_that_does_not_match_does_not(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, RESTART, RESTART);
    b->run.until = "^at 0x10000";
    b->run.max_boots = 2;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MAX_BOOTS);
}

static void slow_flash_reaches_the_firmware(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, RESTART);
    b->run.until = "slow 250$";
    b->run.slow_flash_us = 250;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MATCHED);
}

static void the_time_runs_out(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, IDLE);
    b->run.timeout_ms = 60;
    run(b);
    assert_int_equal(b->result.end, UD_LAB_TIMEOUT);
}

static void without_the_ends_of_processes_nothing_is_started(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, SANITIZER_REPORT);
    signal(SIGCHLD, SIG_IGN);
    run(b);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(b->result.end, UD_LAB_FAILED);
    assert_int_equal(b->result.boots, 0);
    assert_says(b->result.why, "SIGCHLD");
}

static void output_without_end_is_taken_in_turns(void **state)
{
    (void)state;
    struct lab_output o;
    regex_t any;
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(regcomp(&any, ".", REG_EXTENDED | REG_NOSUB), 0);
    lab_output_init(&o, null, &any);
    assert_int_equal(lab_output_read(&o, zero), LAB_OUTPUT_MORE);
    assert_false(o.matched);
    regfree(&any);
    close(zero);
    close(null);
}

static void a_nul_hides_no_words(void **state)
{
    (void)state;
    struct lab_output o;
    regex_t word;
    int ends[2];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(regcomp(&word, "^update done$", REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "\0update\0 done\r\n", 16), 16);
    close(ends[1]);
    lab_output_init(&o, null, &word);
    assert_int_equal(lab_output_read(&o, ends[0]), LAB_OUTPUT_ENDED);
    assert_true(o.matched);
    regfree(&word);
    close(ends[0]);
    close(null);
}

/* Its lines are looked at all the while; the clock must be, too. */
static void the_time_runs_out_while_it_prints_without_end(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, PRINT_WITHOUT_END);
    b->run.until = "^never printed$";
    b->run.timeout_ms = 300;
    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(dup2(null, STDOUT_FILENO), STDOUT_FILENO);
    ud_lab_run(&b->run, &b->result);
    dup2(out, STDOUT_FILENO);
    close(out);
    close(null);
    assert_int_equal(b->result.end, UD_LAB_TIMEOUT);
}

static void the_power_is_switched_off(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, IDLE);
    assert_int_equal(pipe(b->stop), 0);
    b->run.stop_fd = b->stop[0];
    b->stop_at_boot = true;
    run(b);
    close(b->stop[0]);
    close(b->stop[1]);
    assert_int_equal(b->result.end, UD_LAB_STOPPED);
}

static void nothing_bootable_says_what_to_do(void **state)
{
    struct bench *b = *state;
    b->k->create.app.data = NULL;
    SCRIPT(b, IDLE);
    run(b);
    assert_int_equal(b->result.end, UD_LAB_NO_BOOT);
    assert_says(b->result.why, "updraft board why");
    assert_int_equal(b->result.boots, 1);
}

static void a_board_that_runs_nothing_says_what_to_do(void **state)
{
    struct bench *b = *state;
    b->k->create.app.data = NULL;
    b->k->create.settings.runs = UD_LAB_RUNS_NONE;
    SCRIPT(b, IDLE);
    run(b);
    assert_int_equal(b->result.end, UD_LAB_FAILED);
    assert_says(b->result.why, "updraft board boot");
    assert_int_equal(b->resets, 0);
}

static void a_program_of_another_machine_is_skipped(void **state)
{
    struct bench *b = *state;
    uint32_t len;
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t *foreign = malloc(b->k->create.app.len);
    assert_non_null(foreign);
    len = (uint32_t)b->k->create.app.len;
    memcpy(foreign, b->image, len);
    foreign[296 + 18] = 0xF7; /* e_machine; digest made good again */
    uint8_t sum = 0xEF;
    for (uint32_t i = 32; i < 288; i++)
        sum ^= foreign[i];
    for (uint32_t i = 296; i < 296 + ud_load_le32(foreign + 292); i++)
        sum ^= foreign[i];
    foreign[len - 33] = sum;
    assert_int_equal(ud_hash_all(&crypto, UD_HASH_SHA256, foreign, len - 32, foreign + len - 32), ESP_OK);
    struct ud_lab_content update = { "ota_1", "self", b->image, b->k->create.app.len };
    b->k->create.app.data = foreign;
    b->k->create.content = &update;
    b->k->create.content_count = 1;
    SCRIPT(b, RESTART);
    free(foreign);
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MAX_BOOTS);
    assert_string_equal(b->booted[0], "ota_1");
}

static void a_bad_expression_is_named(void **state)
{
    struct bench *b = *state;
    SCRIPT(b, IDLE);
    b->run.until = "(";
    run(b);
    assert_int_equal(b->result.end, UD_LAB_FAILED);
    assert_says(b->result.why, "'(' is not a regular expression");
}

/* ---- the process --------------------------------------------------------------------------------------------------------- */

static bool kernel_has_landlock(void)
{
    return syscall(444, NULL, 0, 1) > 0;
}

static void firmware_sees_only_what_it_was_given(void **state)
{
    static const char *const lines[] = { "^secret=0$",   "^proxy=http://127.0.0.1:9$",
                                         "^exitcode=1$", "^flash=1$",
                                         "^efuse=1$",    "^rtc=1$",
                                         "^fd7=0$",      "^null=1$",
                                         "^told$" };
    struct bench *b = *state;
    SCRIPT(b, TELL_WORLD);
    setenv("UD_TEST_SECRET", "1", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    for (size_t i = 0; i < UD_ARRAY_LEN(lines); i++) {
        b->run.until = lines[i];
        b->run.timeout_ms = 5000;
        run(b);
        assert_int_equal(b->result.end, UD_LAB_MATCHED);
    }
    b->run.until = kernel_has_landlock() ? "^files=0$" : "^files=1$";
    run(b);
    assert_int_equal(b->result.end, UD_LAB_MATCHED);
    assert_int_equal(access("/tmp/ud-lab-firmware-was-here", F_OK) == 0, !kernel_has_landlock());
    unlink("/tmp/ud-lab-firmware-was-here");
    unsetenv("UD_TEST_SECRET");
    unsetenv("https_proxy");
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* Gone, or dead and not yet reaped by whoever inherited it. */
static bool is_dead(pid_t pid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    bool read = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    const char *end = strrchr(text, ')');
    return !read || !end || end[1] != ' ' || end[2] == 'Z' || end[2] == 'X';
}

static void what_firmware_leaves_behind_is_ended_with_it(void **state)
{
    struct bench *b = *state;
    int out[2], saved = dup(STDOUT_FILENO);
    char text[512] = "";
    SCRIPT(b, LEAVE_A_CHILD);
    assert_true(saved >= 0);
    assert_int_equal(pipe(out), 0);
    fflush(stdout);
    dup2(out[1], STDOUT_FILENO);
    b->run.until = "^left";
    ud_lab_run(&b->run, &b->result);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(out[1]);
    assert_int_equal(b->result.end, UD_LAB_MATCHED);
    assert_true(read(out[0], text, sizeof text - 1) > 0);
    close(out[0]);
    const char *at = strstr(text, "left ");
    assert_non_null(at);
    char *end;
    pid_t left = (pid_t)strtol(at + 5, &end, 10);
    assert_true(left > 0 && *end == '\n');
    for (int i = 0; i < 500 && !is_dead(left); i++)
        wait_a_little();
    assert_true(is_dead(left));
}

static void a_killed_supervisor_takes_its_firmware_along(void **state)
{
    struct bench *b = *state;
    struct kit *k = b->k;
    SCRIPT(b, IDLE);
    fflush(NULL);
    pid_t supervisor = fork();
    assert_true(supervisor >= 0);
    if (supervisor == 0) {
        b->run.event = NULL;
        ud_lab_run(&b->run, &b->result);
        _exit(0);
    }
    uint32_t running = UINT32_MAX;
    pid_t holder = 0;
    for (int i = 0; i < 2000 && running == UINT32_MAX; i++) {
        assert_int_equal(kit_open(k, UD_LAB_READ | UD_LAB_FILES_ONLY), ESP_OK);
        running = k->lab.running_addr;
        holder = k->lab.holder;
        ud_lab_board_close(&k->lab);
        wait_a_little();
    }
    kill(supervisor, SIGKILL);
    waitpid(supervisor, NULL, 0);
    assert_int_equal(running, SLOT_0);
    assert_int_equal(holder, supervisor);
    esp_err_t err = kit_open(k, UD_LAB_WRITE); /* waits for the firmware to be gone */
    assert_int_equal(err, ESP_OK);
    ud_lab_board_close(&k->lab);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    assert_int_equal(k->lab.holder, 0);
    assert_int_equal(k->lab.running_addr, UINT32_MAX);
    ud_lab_board_close(&k->lab);
}

#define ON_A_BOARD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    if (has_supervisor())
        return play_firmware();
    const struct CMUnitTest tests[] = {
        ON_A_BOARD(the_last_word_or_the_end_is_the_reason_of_the_next_reset),
        ON_A_BOARD(firmware_that_goes_on_after_its_last_word_is_ended),
        ON_A_BOARD(a_sanitizer_report_ends_the_run_and_changes_no_otadata),
        ON_A_BOARD(an_update_that_crashes_before_it_confirms_is_rolled_back),
        ON_A_BOARD(a_matching_line_ends_the_run),
        ON_A_BOARD(a_line_that_does_not_match_does_not),
        ON_A_BOARD(slow_flash_reaches_the_firmware),
        ON_A_BOARD(the_time_runs_out),
        ON_A_BOARD(without_the_ends_of_processes_nothing_is_started),
        cmocka_unit_test(output_without_end_is_taken_in_turns),
        cmocka_unit_test(a_nul_hides_no_words),
        ON_A_BOARD(the_time_runs_out_while_it_prints_without_end),
        ON_A_BOARD(the_power_is_switched_off),
        ON_A_BOARD(nothing_bootable_says_what_to_do),
        ON_A_BOARD(a_board_that_runs_nothing_says_what_to_do),
        ON_A_BOARD(a_program_of_another_machine_is_skipped),
        ON_A_BOARD(a_bad_expression_is_named),
        ON_A_BOARD(firmware_sees_only_what_it_was_given),
        ON_A_BOARD(what_firmware_leaves_behind_is_ended_with_it),
        ON_A_BOARD(a_killed_supervisor_takes_its_firmware_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
