/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dump of a chip's flash says of the chip. Each setting is taken from the strongest witness that speaks: what the
 * caller knows, then the boot loader's image (it is what the chip starts), then the apps, then what is usual; and each
 * keeps a sentence that names the witness. Where witnesses of one rank disagree nothing is guessed: the caller is asked.
 */
#include "lab.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST  0x10000u
#define LARGEST   0x8000000u
#define PLACES    3u
#define FOUND_MAX 8u

/* What is being found out. */
struct inquiry {
    const struct ud_lab_dump *dump;
    struct ud_lab_guessed *out;
    struct ud_crypto crypto;
    struct ud_image_header loader; /* with has_loader: the boot loader's image of the chip */
    bool has_loader;
    char *why;
    size_t why_size;
};

#define REFUSE(q, err, ...)    lab_why((q)->why, (q)->why_size, err, __VA_ARGS__)
#define BECAUSE(q, guess, ...) (void)snprintf((q)->out->because[guess], sizeof(q)->out->because[guess], __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static void remark(struct inquiry *q, const char *fmt, ...)
{
    struct ud_lab_guessed *out = q->out;
    va_list ap;
    if (out->remark_count == UD_LAB_REMARKS)
        return;
    va_start(ap, fmt);
    vsnprintf(out->remark[out->remark_count++], sizeof out->remark[0], fmt, ap);
    va_end(ap);
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

/* Does an image of a chip that is known seem to begin at `off`? */
static bool image_at(const struct inquiry *q, uint32_t off, struct ud_image_header *h)
{
    const struct ud_lab_dump *d = q->dump;
    return off < d->len && ud_image_header_decode(d->bytes + off, d->len - off, h) == ESP_OK &&
           h->magic == UD_IMAGE_MAGIC && h->segment_count >= 1 && h->segment_count <= UD_IMAGE_MAX_SEGMENTS &&
           ud_chip_by_id(h->chip_id) != NULL;
}

/* The boot loader's image at `off`, of a chip that looks for it there; its segments must be readable to the end. */
static const struct ud_chip *loader_at(const struct inquiry *q, uint32_t off, struct ud_image_header *h)
{
    static const struct ud_image_rules rules = { .bootloader = true };
    struct ud_image_info info;
    if (!image_at(q, off, h))
        return NULL;
    const struct ud_chip *chip = ud_chip_by_id(h->chip_id);
    if (chip->id == UD_CHIP_ID_HOST || chip->bootloader_offset != off)
        return NULL;
    esp_err_t err = ud_image_inspect(q->dump->bytes + off, q->dump->len - off, &rules, &q->crypto, NULL, &info);
    return err == ESP_OK ? chip : NULL;
}

/* ---- the table ---------------------------------------------------------------------------------------------------- */

/* A table lies below all that it lists, which keeps a copy inside an app from being taken for the one. */
static bool is_table_at(const struct inquiry *q, uint32_t off, struct ud_ptable *table)
{
    const struct ud_lab_dump *d = q->dump;
    if (off > d->len || d->len - off < UD_PTABLE_BYTES || d->bytes[off] != 0xAA || d->bytes[off + 1] != 0x50 ||
        ud_ptable_decode(d->bytes + off, UD_PTABLE_BYTES, 0, &q->crypto, NULL, table) != ESP_OK)
        return false;
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        if ((p->type == UD_PART_APP || p->type == UD_PART_DATA) && p->addr < off + UD_FLASH_SECTOR)
            return false;
    }
    return true;
}

static void keep_text(void *ctx, const struct ud_note *note)
{
    if (note->err != ESP_OK && note->text)
        ud_strcopy(ctx, 128, note->text, 127);
}

static esp_err_t refuse_no_table(struct inquiry *q, uint32_t off)
{
    const struct ud_lab_dump *d = q->dump;
    char text[128] = "it is damaged";
    struct ud_observer obs = { keep_text, text };
    struct ud_ptable table;
    bool begins =
        off <= d->len && d->len - off >= UD_PTABLE_BYTES && d->bytes[off] == 0xAA && d->bytes[off + 1] == 0x50;
    if (begins && ud_ptable_decode(d->bytes + off, UD_PTABLE_BYTES, 0, &q->crypto, &obs, &table) != ESP_OK)
        return REFUSE(q, ESP_ERR_NOT_FOUND,
                      "%s: the partition table at 0x%" PRIx32
                      " cannot be used (%s): give one with --table, to be written there",
                      d->name, off, text);
    if (d->table_offset)
        return REFUSE(q, ESP_ERR_NOT_FOUND,
                      "%s: there is no partition table at 0x%" PRIx32
                      ": leave --table-offset out to have it searched, or give one with --table",
                      d->name, off);
    return REFUSE(q, ESP_ERR_NOT_FOUND,
                  "%s: no partition table at 0x8000 or any other sector: is this a dump from address 0, and is its "
                  "flash not encrypted? Give one with --table",
                  d->name);
}

/* Elsewhere than at its usual place: any sector, but only one. */
static esp_err_t search_table(struct inquiry *q)
{
    struct ud_lab_guessed *out = q->out;
    uint32_t found[FOUND_MAX];
    struct ud_ptable table;
    unsigned count = 0;
    for (size_t off = UD_FLASH_SECTOR; off < q->dump->len && count < FOUND_MAX; off += UD_FLASH_SECTOR)
        if (is_table_at(q, (uint32_t)off, &table)) {
            out->table = count ? out->table : table;
            found[count++] = (uint32_t)off;
        }
    if (count == 0)
        return refuse_no_table(q, UD_PTABLE_DEFAULT_OFFSET);
    if (count > 1)
        return REFUSE(q, ESP_ERR_INVALID_STATE,
                      "%s has partition tables at 0x%" PRIx32 " and 0x%" PRIx32 "%s: say which with --table-offset",
                      q->dump->name, found[0], found[1], count > 2 ? " and elsewhere" : "");
    out->settings.table_offset = found[0];
    BECAUSE(q, UD_LAB_GUESS_TABLE, "the only sector that holds a table; 0x8000, where it usually lies, does not");
    return ESP_OK;
}

static esp_err_t guess_table(struct inquiry *q)
{
    const struct ud_lab_dump *d = q->dump;
    struct ud_lab_guessed *out = q->out;
    uint32_t off = d->table_offset ? d->table_offset : UD_PTABLE_DEFAULT_OFFSET;
    out->settings.table_offset = off;
    if (d->table) {
        out->table = *d->table;
        BECAUSE(q, UD_LAB_GUESS_TABLE, "given, and written over what the dump has there");
        return ESP_OK;
    }
    if (is_table_at(q, off, &out->table)) {
        BECAUSE(q, UD_LAB_GUESS_TABLE, "%s", d->table_offset ? "given" : "found where it usually lies");
        return ESP_OK;
    }
    return d->table_offset ? refuse_no_table(q, off) : search_table(q);
}

/* ---- the chip ----------------------------------------------------------------------------------------------------- */

/* The boot loader's image, wherever a chip looks for it: at 0x0, 0x1000, 0x2000. */
static esp_err_t ask_loaders(struct inquiry *q, const struct ud_chip **chip, uint32_t *at)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        struct ud_image_header h;
        const struct ud_chip *here = loader_at(q, i * UD_FLASH_SECTOR, &h);
        if (!here || (q->dump->chip && here != q->dump->chip))
            continue;
        if (*chip)
            return REFUSE(q, ESP_ERR_INVALID_STATE,
                          "%s has a boot loader for %s at 0x%" PRIx32 " and one for %s at 0x%" PRIx32
                          ": say which is the chip with --chip",
                          q->dump->name, (*chip)->title, *at, here->title, i * UD_FLASH_SECTOR);
        *chip = here;
        *at = i * UD_FLASH_SECTOR;
        q->loader = h;
        q->has_loader = true;
    }
    return ESP_OK;
}

/* The apps: all of one chip, or it cannot be told. */
static esp_err_t ask_apps(struct inquiry *q, const struct ud_chip **chip, const char **label)
{
    const struct ud_ptable *table = &q->out->table;
    for (unsigned i = 0; i < table->count; i++) {
        struct ud_image_header h;
        if (table->part[i].type != UD_PART_APP || !image_at(q, table->part[i].addr, &h))
            continue;
        const struct ud_chip *here = ud_chip_by_id(h.chip_id);
        if (*chip && *chip != here)
            return REFUSE(q, ESP_ERR_INVALID_STATE,
                          "%s has no boot loader to ask, %s is for %s and %s for %s: say which is the chip with --chip",
                          q->dump->name, *label, (*chip)->title, table->part[i].label, here->title);
        *label = *chip ? *label : table->part[i].label;
        *chip = here;
    }
    return ESP_OK;
}

static void take_chip(struct inquiry *q, const struct ud_chip *chip)
{
    struct ud_lab_settings *s = &q->out->settings;
    bool host = chip->id == UD_CHIP_ID_HOST;
    if (!host)
        s->chip = chip;
    s->runs = host ? UD_LAB_RUNS_HOST : UD_LAB_RUNS_NONE;
    s->require_digest = host;
    BECAUSE(q, UD_LAB_GUESS_RUNS, "%s",
            host ? "its apps are host images" : "what it holds is made for a chip, and executed by none here");
}

static esp_err_t guess_chip(struct inquiry *q)
{
    const struct ud_chip *chip = NULL, *app_chip = NULL;
    const char *label = NULL;
    uint32_t at = 0;
    esp_err_t err = ask_loaders(q, &chip, &at);
    if (err != ESP_OK)
        return err;
    if (q->dump->chip) {
        take_chip(q, q->dump->chip);
        BECAUSE(q, UD_LAB_GUESS_CHIP, "given");
        return ESP_OK;
    }
    if (chip) {
        take_chip(q, chip);
        BECAUSE(q, UD_LAB_GUESS_CHIP, "the boot loader's image at 0x%" PRIx32 " is for it", at);
        return ESP_OK;
    }
    err = ask_apps(q, &app_chip, &label);
    if (err != ESP_OK)
        return err;
    if (!app_chip)
        return REFUSE(q, ESP_ERR_NOT_FOUND,
                      "%s holds neither a boot loader nor an app that names its chip: say which it is with --chip",
                      q->dump->name);
    take_chip(q, app_chip);
    if (app_chip->id == UD_CHIP_ID_HOST)
        BECAUSE(q, UD_LAB_GUESS_CHIP, "host images name none, and this one is usual");
    else
        BECAUSE(q, UD_LAB_GUESS_CHIP, "the app in %s is for it; there is no boot loader to ask", label);
    return ESP_OK;
}

/* ---- the size of the flash ---------------------------------------------------------------------------------------- */

static bool is_flash_size(uint64_t n)
{
    return n >= SMALLEST && n <= LARGEST && (n & (n - 1)) == 0;
}

static uint64_t end_of_table(const struct inquiry *q)
{
    uint64_t end = (uint64_t)q->out->settings.table_offset + UD_FLASH_SECTOR;
    for (unsigned i = 0; i < q->out->table.count; i++) {
        const struct ud_partition *p = &q->out->table.part[i];
        end = (uint64_t)p->addr + p->size > end ? (uint64_t)p->addr + p->size : end;
    }
    return end;
}

static esp_err_t take_size(struct inquiry *q, uint64_t size)
{
    q->out->settings.flash_size = (uint32_t)size;
    if (q->dump->len < size)
        remark(q, "the dump ends at 0x%zx; the flash behind it is taken for erased", q->dump->len);
    return ESP_OK;
}

static esp_err_t guess_size(struct inquiry *q)
{
    const struct ud_lab_dump *d = q->dump;
    uint64_t end = end_of_table(q);
    uint64_t said = q->has_loader ? UINT64_C(0x100000) << (q->loader.spi_speed_size >> 4) : 0;
    if (d->flash_size) {
        if (d->flash_size < d->len || d->flash_size < end)
            return REFUSE(q, ESP_ERR_INVALID_SIZE,
                          "%s: a flash of %" PRIu32 " bytes is smaller than the dump (%zu) or ends inside the table's "
                          "partitions (0x%" PRIx64 "): give a larger --flash-size",
                          d->name, d->flash_size, d->len, end);
        BECAUSE(q, UD_LAB_GUESS_FLASH_SIZE, "given");
        return take_size(q, d->flash_size);
    }
    if (is_flash_size(d->len) && end <= d->len) {
        BECAUSE(q, UD_LAB_GUESS_FLASH_SIZE, "the dump is that long");
        if (said && said != d->len && said <= LARGEST)
            remark(q, "the boot loader's header speaks of %" PRIu64 " MB of flash", said >> 20);
        return take_size(q, d->len);
    }
    if (is_flash_size(said) && said >= d->len && said >= end) {
        BECAUSE(q, UD_LAB_GUESS_FLASH_SIZE, "the boot loader's header says so");
        return take_size(q, said);
    }
    return REFUSE(q, ESP_ERR_INVALID_SIZE,
                  "%s: a dump of %zu bytes does not tell how large the flash is (its partitions end at 0x%" PRIx64
                  "): say it with --flash-size",
                  d->name, d->len, end);
}

/* ---- what the images ask for ---------------------------------------------------------------------------------------- */

static bool raise_revision(struct ud_lab_settings *s, const struct ud_image_header *h)
{
    bool raised = h->min_chip_rev_full > s->revision && h->min_chip_rev_full != UINT16_MAX;
    bool lowered = h->max_chip_rev_full != 0 && h->max_chip_rev_full < s->revision;
    if (raised)
        s->revision = h->min_chip_rev_full;
    else if (lowered)
        s->revision = h->max_chip_rev_full;
    return raised || lowered;
}

static void guess_revision(struct inquiry *q)
{
    struct ud_lab_settings *s = &q->out->settings;
    const struct ud_ptable *table = &q->out->table;
    uint16_t id = s->runs == UD_LAB_RUNS_HOST ? UD_CHIP_ID_HOST : s->chip->id;
    s->revision = ud_lab_usual_revision(s->chip);
    BECAUSE(q, UD_LAB_GUESS_REVISION, "a usual one; a dump does not tell");
    if (q->has_loader && q->loader.chip_id == id && raise_revision(s, &q->loader))
        BECAUSE(q, UD_LAB_GUESS_REVISION, "the boot loader asks for it");
    for (unsigned i = 0; i < table->count; i++) {
        const struct ud_partition *p = &table->part[i];
        struct ud_image_header h;
        if (p->type != UD_PART_APP || !image_at(q, p->addr, &h))
            continue;
        if (h.chip_id != id)
            remark(q, "the image in %s is for %s: this board refuses it", p->label, ud_chip_by_id(h.chip_id)->title);
        else if (raise_revision(s, &h))
            BECAUSE(q, UD_LAB_GUESS_REVISION, "the app in %s asks for it", p->label);
    }
}

/* Only programs with rollback write these states. VALID is also what a first boot writes into entry 0. */
static bool tells_of_rollback(const struct ud_otadata_entry e[2])
{
    for (unsigned i = 0; i < 2; i++) {
        bool blank = e[i].seq == UD_OTADATA_SEQ_BLANK || e[i].crc != ud_otadata_crc(e[i].seq);
        if (!blank && e[i].state <= UD_OTA_ABORTED && (e[i].state != UD_OTA_VALID || i == 1))
            return true;
    }
    return false;
}

static void guess_rollback(struct inquiry *q)
{
    struct ud_lab_settings *s = &q->out->settings;
    const struct ud_partition *p = ud_boot_otadata(&q->out->table);
    struct ud_otadata_entry e[2];
    s->boot_rollback = s->app_rollback = s->runs == UD_LAB_RUNS_HOST;
    BECAUSE(q, UD_LAB_GUESS_ROLLBACK, "otadata does not tell; off is ESP-IDF's default");
    if (s->boot_rollback)
        BECAUSE(q, UD_LAB_GUESS_ROLLBACK, "usual for a board that runs host images");
    if (!p || p->size < UD_OTADATA_BYTES || p->addr > q->dump->len || q->dump->len - p->addr < UD_OTADATA_BYTES)
        return;
    for (unsigned i = 0; i < 2; i++)
        ud_otadata_decode(q->dump->bytes + p->addr + i * UD_FLASH_SECTOR, &e[i]);
    if (!tells_of_rollback(e))
        return;
    s->boot_rollback = s->app_rollback = true;
    BECAUSE(q, UD_LAB_GUESS_ROLLBACK, "otadata has a state that is only written with it");
}

esp_err_t ud_lab_dump_guess(const struct ud_lab_dump *dump, struct ud_lab_guessed *out, char *why, size_t why_size)
{
    struct inquiry q = { .dump = dump, .out = out, .crypto = ud_openssl_crypto(), .why = why, .why_size = why_size };
    memset(out, 0, sizeof *out);
    ud_lab_settings_defaults(&out->settings);
    if (dump->len < UD_FLASH_SECTOR || dump->len > LARGEST)
        return REFUSE(&q, ESP_ERR_INVALID_SIZE, "%s has %zu bytes, which is no dump of a flash", dump->name, dump->len);
    esp_err_t err = guess_table(&q);
    if (err == ESP_OK)
        err = guess_chip(&q);
    if (err == ESP_OK)
        err = guess_size(&q);
    if (err != ESP_OK)
        return err;
    guess_revision(&q);
    guess_rollback(&q);
    return ESP_OK;
}
