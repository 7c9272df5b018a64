/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new board: the flash is composed in memory and judged there, then three files are written under temporary names and
 * renamed, the flash last, for it is what makes a board exist.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 3

static const char *const suffixes[FILES] = { ".json", ".efuse", "" };

struct new_file {
    char name[UD_LAB_PATH];
    char temporary[UD_LAB_PATH + 8];
    int fd;
    const void *data;
    size_t len;
    bool renamed;
    bool fresh;   /* nothing was there before it */
    bool swapped; /* the temporary name now has what was replaced */
};

/* ---- what goes where -------------------------------------------------------------------------------------------- */

const struct ud_partition *ud_lab_app_slot(const struct ud_ptable *table)
{
    for (int i = UD_BOOT_FACTORY; i < (int)UD_BOOT_MAX_SLOTS; i++) {
        const struct ud_partition *p = ud_boot_partition(table, i);
        if (p)
            return p;
    }
    return NULL;
}

static const char *chip_title(uint16_t id)
{
    const struct ud_chip *chip = ud_chip_by_id(id);
    return id == UD_CHIP_ID_HOST ? "the host" : chip ? chip->title : "an unknown chip";
}

static esp_err_t why_wrong_chip(const struct ud_lab_create *req, uint16_t id, char *why, size_t why_size)
{
    const struct ud_lab_settings *s = &req->settings;
    const struct ud_chip *chip = ud_chip_by_id(id);
    if (id == UD_CHIP_ID_HOST)
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                       "%s is a host image, which this board would never run: use --runs host", req->app.name);
    if (s->runs == UD_LAB_RUNS_HOST)
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                       "%s is for %s, which a board that executes cannot take: use --runs none", req->app.name,
                       chip_title(id));
    return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                   "%s is for %s, the board is an %s: use --chip %s or build it for %s", req->app.name, chip_title(id),
                   s->chip->title, chip ? chip->name : "NAME", s->chip->name);
}

/* Judge the app as the board's boot loader will. */
static esp_err_t check_app(const struct ud_lab_create *req, const struct ud_partition *slot, char *why, size_t why_size)
{
    const struct ud_lab_settings *s = &req->settings;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_board board = { .chip = s->chip,
                              .accepted_chip_id = s->runs == UD_LAB_RUNS_HOST ? UD_CHIP_ID_HOST : s->chip->id,
                              .revision = s->revision,
                              .require_digest = s->require_digest };
    struct ud_image_rules rules = ud_board_image_rules(&board, slot);
    struct ud_image_info info;
    if (req->app.len > slot->size)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE,
                       "%s has %zu bytes, %s has %u: use a table with larger slots (--table), or strip the program",
                       req->app.name, req->app.len, slot->label, slot->size);
    esp_err_t err = ud_image_inspect(req->app.data, req->app.len, &rules, &crypto, NULL, &info);
    if (info.problems & UD_IMAGE_PROBLEM_BIT(UD_IMAGE_BAD_CHIP))
        return why_wrong_chip(req, info.header.chip_id, why, why_size);
    if (info.problems & UD_IMAGE_PROBLEM_BIT(UD_IMAGE_BAD_REVISION))
        return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                       "%s does not suit revision %u.%u of the chip: use --revision, or build it for that revision",
                       req->app.name, s->revision / 100u, s->revision % 100u);
    for (unsigned i = 0; i < UD_IMAGE_PROBLEM_COUNT; i++)
        if (info.problems & UD_IMAGE_PROBLEM_BIT(i))
            return lab_why(why, why_size, ESP_ERR_IMAGE_INVALID, "%s would not boot on this board: %s", req->app.name,
                           ud_image_problem_text(i));
    if (err != ESP_OK)
        return lab_why(why, why_size, err, "%s cannot be judged: %s", req->app.name, ud_err_name(err));
    return ESP_OK;
}

static esp_err_t put_content(const struct ud_ptable *table, const struct ud_lab_content *c, uint8_t *flash, char *why,
                             size_t why_size)
{
    const struct ud_partition *p = ud_ptable_find(table, UD_PART_ANY, UD_PART_ANY, c->label);
    if (!p)
        return lab_why(why, why_size, ESP_ERR_NOT_FOUND,
                       "the table has no partition '%s' for %s: see 'updraft partition show'", c->label, c->name);
    if (c->len > p->size)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE,
                       "%s has %zu bytes, partition '%s' has %u: enlarge it in the table", c->name, c->len, p->label,
                       p->size);
    memcpy(flash + p->addr, c->data, c->len);
    return ESP_OK;
}

/* At the chip's offset, below the table. */
static esp_err_t put_bootloader(const struct ud_lab_create *req, uint8_t *flash, char *why, size_t why_size)
{
    const struct ud_lab_settings *s = &req->settings;
    const struct ud_lab_content *c = &req->bootloader;
    uint32_t at = s->chip->bootloader_offset;
    if (at >= s->table_offset || c->len > s->table_offset - at)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE,
                       "%s has %zu bytes and does not fit between 0x%x and the partition table at 0x%x", c->name,
                       c->len, at, s->table_offset);
    memcpy(flash + at, c->data, c->len);
    return ESP_OK;
}

/* A dump is kept byte by byte, its own table included. */
static esp_err_t take_dump(const struct ud_lab_create *req, uint8_t *flash, char *why, size_t why_size)
{
    if (req->dump->len > req->settings.flash_size)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE, "%s has %zu bytes, the flash %u: use a larger --flash-size",
                       req->dump->name, req->dump->len, req->settings.flash_size);
    memcpy(flash, req->dump->bytes, req->dump->len);
    return ESP_OK;
}

static esp_err_t compose(const struct ud_lab_create *req, uint8_t *flash, char *why, size_t why_size)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    const struct ud_lab_settings *s = &req->settings;
    struct ud_ptable checked;
    memset(flash, 0xFF, s->flash_size);
    if (req->dump) {
        esp_err_t taken = take_dump(req, flash, why, why_size);
        if (taken != ESP_OK || !req->dump->table)
            return taken;
        memset(flash + s->table_offset, 0xFF, UD_FLASH_SECTOR);
    }
    if (ud_ptable_encode(req->table, &crypto, flash + s->table_offset) != ESP_OK)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE, "the table has too many partitions");
    if (ud_ptable_decode(flash + s->table_offset, UD_PTABLE_BYTES, s->flash_size, &crypto, NULL, &checked) != ESP_OK)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE,
                       "the table reaches beyond the flash of %u bytes: use a larger --flash-size or another --table",
                       s->flash_size);
    esp_err_t err = ESP_OK;
    if (req->bootloader.data && !req->dump)
        err = put_bootloader(req, flash, why, why_size);
    if (err == ESP_OK && req->app.data && !req->dump) {
        const struct ud_partition *slot = ud_lab_app_slot(req->table);
        struct ud_lab_content app = req->app;
        if (!slot)
            return lab_why(why, why_size, ESP_ERR_NOT_FOUND,
                           "the table has no app partition for %s: use another --table", app.name);
        app.label = slot->label;
        err = check_app(req, slot, why, why_size);
        if (err == ESP_OK)
            err = put_content(req->table, &app, flash, why, why_size);
    }
    for (size_t i = 0; i < req->content_count && err == ESP_OK; i++)
        err = put_content(req->table, &req->content[i], flash, why, why_size);
    return err;
}

/* ---- all or none ------------------------------------------------------------------------------------------------ */

static int write_whole(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static esp_err_t write_temporary(struct new_file *f, char *why, size_t why_size)
{
    mode_t mask = umask(0);
    umask(mask);
    snprintf(f->temporary, sizeof f->temporary, "%s.XXXXXX", f->name);
    f->fd = mkostemp(f->temporary, O_CLOEXEC);
    int code = f->fd < 0 ? errno : write_whole(f->fd, f->data, f->len);
    if (code == 0 && fchmod(f->fd, 0666 & ~mask) != 0)
        code = errno;
    if (f->fd >= 0 && close(f->fd) != 0 && code == 0)
        code = errno;
    if (code != 0)
        return lab_why(why, why_size, ESP_FAIL, "cannot write %s: %s", f->name, strerror(code));
    return ESP_OK;
}

/* Put it in its place; with `force` in exchange for what is there, so that it can be put back, else never over it. */
static esp_err_t put_in_place(struct new_file *f, bool force, char *why, size_t why_size)
{
    unsigned how = force ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    int code = renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->name, how) == 0 ? 0 : errno;
    f->swapped = code == 0 && force;
    f->fresh = !force || code == ENOENT;
    if (code == EINVAL && !force && access(f->name, F_OK) == 0)
        code = EEXIST; /* a file system without that flag: the name was free a moment ago */
    else if (code == EINVAL || (code == ENOENT && force))
        code = rename(f->temporary, f->name) == 0 ? 0 : errno;
    f->renamed = code == 0;
    if (code == 0)
        return ESP_OK;
    return lab_why(why, why_size, ESP_FAIL, "cannot write %s: %s", f->name, strerror(code));
}

static esp_err_t check_free(const struct new_file *files, bool force, char *why, size_t why_size)
{
    for (int i = FILES - 1; i >= 0 && !force; i--)
        if (access(files[i].name, F_OK) == 0)
            return lab_why(why, why_size, ESP_ERR_INVALID_STATE,
                           "%s exists already: choose another name or use --force", files[i].name);
    struct stat st;
    for (int i = FILES - 1; i >= 0; i--)
        if (stat(files[i].name, &st) == 0 && !S_ISREG(st.st_mode))
            return lab_why(why, why_size, ESP_ERR_INVALID_ARG,
                           "%s is no file that could be replaced: choose another name", files[i].name);
    return ESP_OK;
}

/* A board that runs is not replaced under its firmware. `*fd` holds the lock until the new files are in place. */
static esp_err_t lock_old(const char *path, int *fd, char *why, size_t why_size)
{
    pid_t holder = 0;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || lab_lock(*fd, LAB_LOCK_WAIT_MS, &holder) != ESP_ERR_INVALID_STATE)
        return ESP_OK;
    return lab_why(why, why_size, ESP_ERR_INVALID_STATE, "%s is in use by process %d: end it before you replace it",
                   path, (int)holder);
}

/* Afterwards there is the new file, or what there was before. */
static void tidy(const struct new_file *f, bool done)
{
    if (!done && f->swapped)
        (void)rename(f->temporary, f->name);
    else if (!done && f->renamed && f->fresh)
        unlink(f->name);
    else if (f->swapped || (!f->renamed && f->fd >= 0))
        unlink(f->temporary);
}

static esp_err_t write_files(struct new_file *files, bool force, char *why, size_t why_size)
{
    esp_err_t err = ESP_OK;
    for (int i = 0; i < FILES && err == ESP_OK; i++)
        err = write_temporary(&files[i], why, why_size);
    for (int i = 0; i < FILES && err == ESP_OK; i++)
        err = put_in_place(&files[i], force, why, why_size);
    for (int i = 0; i < FILES; i++)
        tidy(&files[i], err == ESP_OK);
    return err;
}

esp_err_t ud_lab_board_create(const struct ud_lab_create *req, char *why, size_t why_size)
{
    static const uint8_t efuses[UD_EFUSE_SIZE];
    esp_err_t err = ud_lab_settings_check(&req->settings, req->path, why, why_size);
    if (err != ESP_OK)
        return err;
    int old_fd = -1;
    char *settings = ud_lab_settings_print(&req->settings);
    uint8_t *flash = malloc(req->settings.flash_size);
    struct new_file *files = calloc(FILES, sizeof *files);
    if (!settings || !flash || !files) {
        err = lab_why(why, why_size, ESP_ERR_NO_MEM, "no memory for a flash of %u bytes", req->settings.flash_size);
        goto done;
    }
    for (int i = 0; i < FILES; i++) {
        int n = snprintf(files[i].name, sizeof files[i].name, "%s%s", req->path, suffixes[i]);
        files[i].fd = -1;
        if (n < 0 || (size_t)n >= sizeof files[i].name) {
            err = lab_why(why, why_size, ESP_ERR_INVALID_ARG, "the path %.40s… is too long", req->path);
            goto done;
        }
    }
    files[0].data = settings, files[0].len = strlen(settings);
    files[1].data = efuses, files[1].len = sizeof efuses;
    files[2].data = flash, files[2].len = req->settings.flash_size;
    err = check_free(files, req->force, why, why_size);
    if (err == ESP_OK)
        err = compose(req, flash, why, why_size);
    if (err == ESP_OK && req->force)
        err = lock_old(req->path, &old_fd, why, why_size);
    if (err == ESP_OK)
        err = write_files(files, req->force, why, why_size);
done:
    if (old_fd >= 0)
        close(old_fd);
    free(files);
    free(flash);
    free(settings);
    return err;
}

esp_err_t ud_lab_board_put(struct ud_lab_board *lab, const struct ud_lab_content *c, char *why, size_t why_size)
{
    const struct ud_partition *p = ud_ptable_find(&lab->board.table, UD_PART_ANY, UD_PART_ANY, c->label);
    if (!p)
        return lab_why(why, why_size, ESP_ERR_NOT_FOUND, "%s has no partition '%s': see 'updraft board map %s'",
                       lab->path, c->label, lab->path);
    if (c->len > p->size)
        return lab_why(why, why_size, ESP_ERR_INVALID_SIZE, "%s has %zu bytes, partition '%s' has %u", c->name, c->len,
                       p->label, p->size);
    /* Whoever fills a partition from outside is not bound by the flag that keeps firmware from writing it. */
    esp_err_t err = ud_flash_erase(&lab->flash, p->addr, p->size);
    if (err == ESP_OK)
        err = ud_flash_program(&lab->flash, p->addr, c->data, (uint32_t)c->len);
    if (err != ESP_OK)
        return lab_why(why, why_size, err, "partition '%s' of %s could not be written: %s", p->label, lab->path,
                       ud_err_name(err));
    return ESP_OK;
}
