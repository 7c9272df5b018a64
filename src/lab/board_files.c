/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three files of a board: opened, locked, held against each other; and made, all or none, by writing temporary
 * files beside their places that are renamed when every byte is on the disk.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_MAX 65536u

static bool name_beside(char *out, size_t size, const char *path, const char *suffix)
{
    int n = snprintf(out, size, "%s%s", path, suffix);
    return n > 0 && (size_t)n < size;
}

/* ---- reading the files ------------------------------------------------------------------------------------------- */

static esp_err_t why_no_file(char *why, size_t why_size, const char *name, int code)
{
    if (code == ENOENT)
        return lab_why(why, why_size, ESP_ERR_NOT_FOUND, "%s is not there: a board is made with 'updraft board create'",
                       name);
    return lab_why(why, why_size, ESP_FAIL, "cannot open %s: %s", name, strerror(code));
}

static esp_err_t load_settings(const char *path, struct ud_lab_settings *s, char *why, size_t why_size)
{
    char name[UD_LAB_PATH];
    if (!name_beside(name, sizeof name, path, ".json"))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG, "the path %.40s… is too long", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return why_no_file(why, why_size, name, errno);
    char *text = malloc(SETTINGS_MAX + 1);
    size_t len = 0;
    ssize_t n = text ? 1 : -1;
    while (n > 0 && len <= SETTINGS_MAX) {
        n = read(fd, text + len, SETTINGS_MAX + 1 - len);
        len += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EINTR)
            n = 1;
    }
    esp_err_t err;
    if (n < 0)
        err = lab_why(why, why_size, ESP_FAIL, "cannot read %s: %s", name, strerror(text ? errno : ENOMEM));
    else if (len > SETTINGS_MAX)
        err = lab_why(why, why_size, ESP_ERR_INVALID_ARG, "%s is larger than settings can be", name);
    else
        err = ud_lab_settings_parse(text, len, name, s, why, why_size);
    free(text);
    close(fd);
    return err;
}

/* Open the file `path` + `suffix`, which must have `size` bytes. */
static esp_err_t open_file(const char *path, const char *suffix, bool write, uint32_t size, int *fd, char *why,
                           size_t why_size)
{
    char name[UD_LAB_PATH];
    struct stat st;
    if (!name_beside(name, sizeof name, path, suffix))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG, "the path %.40s… is too long", path);
    *fd = open(name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st) != 0)
        return why_no_file(why, why_size, name, errno);
    if (!S_ISREG(st.st_mode))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG, "%s is not a file", name);
    if (st.st_size != (off_t)size && suffix[0])
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE, "%s has %lld bytes, a board's has %u: make the board anew",
                       name, (long long)st.st_size, size);
    if (st.st_size != (off_t)size)
        return lab_why(
            why, why_size, ESP_ERR_INVALID_SIZE,
            "%s has %lld bytes but its settings say %u: set \"flash_size\" in %s.json, or make the board anew", name,
            (long long)st.st_size, size, path);
    return ESP_OK;
}

static esp_err_t why_locked(char *why, size_t why_size, const char *path, pid_t holder)
{
    if (holder > 0)
        return lab_why(why, why_size, ESP_ERR_INVALID_STATE,
                       "%s is in use by process %d: end it (or wait for it) and try again", path, (int)holder);
    return lab_why(why, why_size, ESP_ERR_INVALID_STATE, "%s is in use by another process: wait for it and try again",
                   path);
}

/* A file that was replaced while we waited for its lock is another board's. */
static bool is_still_there(int fd, const char *path)
{
    struct stat ours, now;
    return fstat(fd, &ours) == 0 && stat(path, &now) == 0 && ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

static esp_err_t lock_board(struct ud_lab_board *lab, unsigned mode, char *why, size_t why_size)
{
    pid_t holder = 0;
    lab->running_addr = UINT32_MAX;
    if (!(mode & UD_LAB_WRITE)) {
        lab->holder = lab_lock_holder(lab->flash_fd);
        lab->running_addr = lab_marked_running(lab->flash_fd);
        return ESP_OK;
    }
    esp_err_t err = lab_lock(lab->flash_fd, LAB_LOCK_WAIT_MS, &holder);
    if (err == ESP_ERR_INVALID_STATE)
        return why_locked(why, why_size, lab->path, holder);
    if (err != ESP_OK)
        return lab_why(why, why_size, err, "cannot lock %s: %s", lab->path, strerror(errno));
    if (!is_still_there(lab->flash_fd, lab->path))
        return lab_why(why, why_size, ESP_ERR_INVALID_STATE, "%s was replaced just now: try again", lab->path);
    return ESP_OK;
}

/* ---- the board over the files ----------------------------------------------------------------------------------- */

static void build_board(struct ud_lab_board *lab)
{
    const struct ud_lab_settings *s = &lab->settings;
    lab->crypto = ud_openssl_crypto();
    ud_file_flash_init(&lab->file, &lab->flash, lab->flash_fd, s->flash_size);
    lab->board = (struct ud_board){
        .flash = &lab->flash,
        .chip = s->chip,
        .accepted_chip_id = s->runs == UD_LAB_RUNS_HOST ? UD_CHIP_ID_HOST : s->chip->id,
        .revision = s->revision,
        .require_digest = s->require_digest,
        .crypto = &lab->crypto,
        .clock = ud_linux_clock(),
        .table_offset = s->table_offset,
        .reset_reason = UD_RESET_POWERON,
    };
    ud_file_efuse_init(&lab->efuse, &lab->board.efuse, lab->efuse_fd);
}

static bool pin_held(const struct ud_lab_settings *s, uint8_t pin)
{
    if (pin == UD_LAB_NO_PIN || !(s->inputs_driven >> pin & 1))
        return false; /* the boot loader's own pull resistor holds it released */
    return (s->inputs >> pin & 1) == s->pin_level;
}

struct ud_boot_device ud_lab_boot_device(struct ud_lab_board *lab, const struct ud_observer *obs)
{
    const struct ud_lab_settings *s = &lab->settings;
    return (struct ud_boot_device){
        .flash = &lab->flash,
        .crypto = &lab->crypto,
        .obs = obs,
        .efuse = lab->board.efuse,
        .settings = { .rollback = s->boot_rollback,
                      .anti_rollback = s->boot_anti_rollback,
                      .secure_version_bits = s->chip->secure_version_bits,
                      .factory_reset_pin = pin_held(s, s->factory_reset_pin),
                      .test_pin = pin_held(s, s->test_pin),
                      .factory_reset_erases_otadata = s->factory_reset_erases_otadata,
                      .factory_reset_labels = s->factory_reset_labels,
                      .rules = ud_board_image_rules(&lab->board, &(struct ud_partition){ .type = UD_PART_APP }),
                      .table_offset = s->table_offset },
        .scratch = lab->scratch,
        .scratch_len = sizeof lab->scratch,
    };
}

/* The last note that tells of a failure, to be the reason of it. Why the medium failed was told before that it did. */
static void keep_text(void *ctx, const struct ud_note *note)
{
    char *text = ctx;
    if (note->err != ESP_OK && note->text && note->id != UD_NOTE_FLASH_FAILED)
        ud_strcopy(text, 128, note->text, 127);
}

/* Only of the medium: that an image is bad is no failure. */
static void keep_failure_of_medium(void *ctx, const struct ud_note *note)
{
    if (note->id == UD_NOTE_FLASH_IO)
        keep_text(ctx, note);
}

/* Whoever writes must know what would boot: a slot that cannot be read for once must not be taken for a free one. */
static esp_err_t look_at_boot(struct ud_lab_board *lab, unsigned mode, char *why, size_t why_size)
{
    char text[128] = "";
    struct ud_observer obs = { keep_failure_of_medium, text };
    struct ud_boot_device dev = ud_lab_boot_device(lab, NULL);
    lab->flash.observer = &obs;
    lab->boot_err = ud_boot_explain(&dev, &lab->boot);
    lab->flash.observer = NULL;
    if (text[0] && (mode & UD_LAB_WRITE))
        return lab_why(why, why_size, ESP_ERR_FLASH_OP_FAIL, "cannot read %s: %s", lab->path, text);
    if (lab->boot_err == ESP_OK)
        lab->board.running = ud_boot_partition(&lab->board.table, lab->boot.loaded_index);
    return ESP_OK;
}

static esp_err_t look_into_flash(struct ud_lab_board *lab, unsigned mode, char *why, size_t why_size)
{
    char text[128] = "it cannot be read";
    struct ud_observer obs = { keep_text, text };
    lab->board.obs = lab->flash.observer = &obs;
    esp_err_t err = ud_board_load_table(&lab->board, UINT32_MAX);
    lab->board.obs = lab->flash.observer = NULL;
    if (err == ESP_ERR_FLASH_OP_FAIL)
        return lab_why(why, why_size, err, "cannot read %s: %s", lab->path, text);
    if (err != ESP_OK)
        return lab_why(
            why, why_size, ESP_FAIL,
            "%s: no partition table at 0x%x (%s): write one with 'updraft board write %s 0x%x TABLE.bin', or "
            "make the board anew",
            lab->path, lab->settings.table_offset, text, lab->path, lab->settings.table_offset);
    return look_at_boot(lab, mode, why, why_size);
}

esp_err_t ud_lab_board_open(const char *path, unsigned mode, struct ud_lab_board *lab, char *why, size_t why_size)
{
    bool write = mode & UD_LAB_WRITE;
    memset(lab, 0, sizeof *lab);
    lab->flash_fd = lab->efuse_fd = -1;
    if (!name_beside(lab->path, sizeof lab->path, path, ""))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG, "the path %.40s… is too long", path);
    int probe = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* the board itself is missing, not its settings */
    esp_err_t err = probe < 0 ? why_no_file(why, why_size, path, errno) : ESP_OK;
    if (probe >= 0)
        close(probe);
    if (err == ESP_OK)
        err = load_settings(path, &lab->settings, why, why_size);
    if (err == ESP_OK)
        err = open_file(path, "", write, lab->settings.flash_size, &lab->flash_fd, why, why_size);
    if (err == ESP_OK)
        err = lock_board(lab, mode, why, why_size);
    if (err == ESP_OK)
        err = open_file(path, ".efuse", write, UD_EFUSE_SIZE, &lab->efuse_fd, why, why_size);
    if (err == ESP_OK) {
        build_board(lab);
        if (!(mode & UD_LAB_FILES_ONLY))
            err = look_into_flash(lab, mode, why, why_size);
    }
    if (err != ESP_OK)
        ud_lab_board_close(lab);
    return err;
}

void ud_lab_board_close(struct ud_lab_board *lab)
{
    if (lab->flash_fd >= 0)
        close(lab->flash_fd);
    if (lab->efuse_fd >= 0)
        close(lab->efuse_fd);
    lab->flash_fd = lab->efuse_fd = -1;
}
