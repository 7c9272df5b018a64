/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole port of Updraft to the chip of chip.h, walked through in docs/porting.md: flash, time, crypto, lock, log, a
 * boot loader, and an application that updates itself over a serial link.
 */
#include "chip.h"
#include "hash.h"
#include "updraft/ota.h"

/* One request at a time, cut into what the chip does at a stretch: a page programmed, a sector erased. */
struct chip_flash {
    struct ud_flash_geometry geometry;
    struct ud_flash_request req;
    uint32_t done;
    uint32_t step;
};

static void flash_next_step(struct chip_flash *f)
{
    uint32_t addr = f->req.addr + f->done;
    f->step = ud_flash_step(&f->geometry, &f->req, f->done);
    if (f->req.op == UD_FLASH_ERASE)
        chip_flash_erase(addr);
    else
        chip_flash_program(addr, (const uint8_t *)f->req.out + f->done, f->step);
}

static esp_err_t flash_start(void *ctx, const struct ud_flash_request *req)
{
    struct chip_flash *f = ctx;
    f->req = *req;
    f->done = 0;
    if (req->op == UD_FLASH_READ)
        chip_flash_read(req->addr, req->in, req->len);
    else
        flash_next_step(f);
    return ESP_OK;
}

static esp_err_t flash_poll(void *ctx, uint64_t *wait_us)
{
    struct chip_flash *f = ctx;
    if (f->req.op == UD_FLASH_READ)
        return ESP_OK;
    *wait_us = f->req.op == UD_FLASH_ERASE ? 1000 : 50;
    if (chip_flash_busy())
        return ESP_ERR_NOT_FINISHED;
    if (chip_flash_failed())
        return ESP_ERR_FLASH_OP_FAIL;
    f->done += f->step;
    if (f->done == f->req.len)
        return ESP_OK;
    flash_next_step(f);
    return ESP_ERR_NOT_FINISHED;
}

static const struct ud_flash_ops flash_ops = { flash_start, flash_poll };

/* The chip's 32 bits of microseconds, made 64: asked more often than they wrap, which every wait does. */
struct chip_clock {
    uint32_t low;
    uint32_t high;
};

static uint64_t clock_now_us(void *ctx)
{
    struct chip_clock *c = ctx;
    uint32_t low = chip_us();
    c->high += low < c->low;
    c->low = low;
    return (uint64_t)c->high << 32 | low;
}

static void clock_wait_us(void *ctx, uint64_t us)
{
    uint64_t end = clock_now_us(ctx) + us;
    for (uint64_t now; (now = clock_now_us(ctx)) < end;)
        chip_sleep_us(end - now < 1000000u ? (uint32_t)(end - now) : 1000000u);
}

static const struct ud_clock_ops clock_ops = { clock_now_us, clock_wait_us };

static void lock_take(void *ctx)
{
    (void)ctx;
    chip_mutex_take(CHIP_MUTEX_BOARD);
}

static void lock_give(void *ctx)
{
    (void)ctx;
    chip_mutex_give(CHIP_MUTEX_BOARD);
}

static void put_text(const char *text)
{
    while (*text)
        chip_console_put(*text++);
}

static void put_hex(uint64_t value)
{
    unsigned shift = 60;
    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    put_text(" 0x");
    for (;; shift -= 4) {
        chip_console_put("0123456789abcdef"[value >> shift & 15u]);
        if (shift == 0)
            return;
    }
}

/* "note 0x506 ESP_OK 0x0 0x200000002 ota_1": what the numbers of an id mean stands in the header of its room. */
static void log_note(void *ctx, const struct ud_note *note)
{
    (void)ctx;
    put_text("note");
    put_hex(note->id);
    put_text(" ");
    put_text(ud_err_name(note->err));
    put_hex(note->a);
    put_hex(note->b);
    put_text(note->text ? " " : "");
    put_text(note->text ? note->text : "");
    put_text("\n");
}

/* An id of our own keeps images for other chips out. Programs run from RAM, so nothing is mapped from flash. */
static const struct ud_chip this_chip = { .id = 0x7001, .name = "example", .title = "Example MCU" };

#define TABLE_OFFSET 0x8000u
#define REVISION     100u /* 1.0 */

static struct device {
    struct chip_flash driver;
    struct chip_clock counter;
    struct ud_flash flash;
    struct ud_clock clock;
    struct soft_hashes hashes;
    struct ud_crypto crypto;
    struct ud_observer log;
    struct ud_board board;
    struct ud_ota ota;
} device;

static void device_init(void)
{
    struct device *d = &device;
    memset(d, 0, sizeof *d);
    d->driver.geometry = (struct ud_flash_geometry){ CHIP_FLASH_BYTES, 256, 4096, 4096 }; /* no large erase */
    d->clock = (struct ud_clock){ &clock_ops, &d->counter };
    d->crypto = soft_crypto(&d->hashes);
    d->log.note = log_note;
    d->flash = (struct ud_flash){
        .ops = &flash_ops,
        .ctx = &d->driver,
        .geometry = d->driver.geometry,
        .clock = &d->clock,
        .observer = &d->log,
    };
}

/* Takes the image as it is verified, so that what was hashed is what runs; then puts its segments where they belong. */
static uint8_t stage[CHIP_RAM_BYTES];

static esp_err_t stage_data(void *ctx, uint32_t off, const void *data, size_t len)
{
    (void)ctx;
    if (off < sizeof stage)
        memcpy(stage + off, data, len < sizeof stage - off ? len : sizeof stage - off);
    return ESP_OK;
}

static esp_err_t stage_close(void *ctx, esp_err_t verdict, const struct ud_image_info *info)
{
    (void)ctx;
    if (verdict != ESP_OK)
        return verdict;
    if (info->len > sizeof stage)
        return ESP_ERR_INVALID_SIZE;
    for (unsigned i = 0; i < info->segment_count; i++)
        if (!chip_ram(info->segment[i].load_addr, info->segment[i].len))
            return ESP_ERR_INVALID_ARG;
    for (unsigned i = 0; i < info->segment_count; i++)
        memcpy(chip_ram(info->segment[i].load_addr, info->segment[i].len), stage + info->segment[i].off,
               info->segment[i].len);
    return chip_ram(info->header.entry_addr, 4) ? ESP_OK : ESP_ERR_INVALID_ARG;
}

void boot_loader(void)
{
    static struct ud_boot_result result;
    static uint8_t scratch[1024];
    device_init();
    struct ud_boot_device boot = {
        .flash = &device.flash,
        .crypto = &device.crypto,
        .obs = &device.log,
        .settings = {
            .rollback = true,
            .table_offset = TABLE_OFFSET,
            .rules = {
                .chip = &this_chip,
                .check_chip = true,
                .chip_id = this_chip.id,
                .revision = REVISION,
                .require_digest = true,
            },
        },
        .sink = { .data = stage_data, .close = stage_close },
        .scratch = scratch,
        .scratch_len = sizeof scratch,
    };
    if (ud_boot_run(&boot, &result) == ESP_OK)
        chip_run(result.info.header.entry_addr, result.loaded->addr);
    clock_wait_us(&device.counter, 1000000); /* nothing boots: the log has told why; look again */
    chip_reset();
}

static void board_restart(void *ctx)
{
    (void)ctx;
    chip_reset();
}

static void board_panic(void *ctx, const char *why)
{
    (void)ctx;
    put_text(why);
    chip_reset();
}

static void board_feed(void *ctx)
{
    (void)ctx; /* this chip has no watchdog */
}

static esp_err_t board_init(uint32_t slot)
{
    struct device *d = &device;
    device_init();
    d->board = (struct ud_board){
        .flash = &d->flash,
        .chip = &this_chip,
        .accepted_chip_id = this_chip.id,
        .revision = REVISION,
        .require_digest = true,
        .crypto = &d->crypto,
        .clock = d->clock,
        .obs = &d->log,
        .lock = { lock_take, lock_give, NULL },
        .reset = { board_restart, board_panic, board_feed, NULL },
        .table_offset = TABLE_OFFSET,
    };
    esp_err_t err = ud_board_load_table(&d->board, slot);
    ud_ota_init(&d->ota, &d->board, true);
    return err;
}

#define HEAD_BYTES (UD_APP_DESC_OFFSET + UD_APP_DESC_BYTES)

/* Judged before the first flash operation: is it an image, for this chip and revision? */
static esp_err_t judge_head(const uint8_t *head, size_t len)
{
    struct ud_image_header header;
    struct ud_app_desc desc;
    if (len < HEAD_BYTES)
        return ESP_ERR_INVALID_SIZE;
    esp_err_t err = ud_image_header_decode(head, len, &header);
    if (err == ESP_OK)
        err = ud_app_desc_decode(head + UD_APP_DESC_OFFSET, len - UD_APP_DESC_OFFSET, &desc);
    if (err == ESP_OK)
        err = ud_ota_check_image(&device.ota, &header, &desc);
    return err;
}

static esp_err_t receive_update(void)
{
    static struct ud_ota_session session;
    static uint8_t buf[1024];
    const struct ud_partition *slot = ud_ota_next_update(&device.board, NULL);
    size_t len = chip_link_read(buf, sizeof buf);
    esp_err_t err = slot ? judge_head(buf, len) : ESP_ERR_NOT_FOUND;
    if (err == ESP_OK)
        err = ud_ota_begin(&device.ota, &session, slot, UD_OTA_SEQUENTIAL);
    if (err != ESP_OK)
        return err;
    for (; err == ESP_OK && len > 0; len = chip_link_read(buf, sizeof buf))
        err = ud_ota_write(&session, buf, len);
    if (err != ESP_OK) {
        (void)ud_ota_abort(&session);
        return err;
    }
    err = ud_ota_end(&session);
    return err == ESP_OK ? ud_ota_set_boot(&device.ota, slot) : err;
}

static void report(const char *what, esp_err_t err)
{
    put_text(what);
    put_text(ud_err_name(err));
    put_text("\n");
}

void application(uint32_t slot)
{
    esp_err_t err = board_init(slot);
    if (err != ESP_OK) {
        report("no board: ", err);
        chip_reset();
    }
    if (chip_self_test()) {
        report("confirmed: ", ud_ota_mark_valid(&device.ota));
    } else {
        err = ud_ota_mark_invalid(&device.ota);
        report("rejected: ", err);
        if (err == ESP_OK)
            chip_reset();
    }
    for (;;) {
        while (!chip_link_waits())
            chip_idle();
        err = receive_update();
        report("update: ", err);
        if (err == ESP_OK)
            device.board.reset.restart(device.board.reset.ctx);
    }
}
