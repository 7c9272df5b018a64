/* SPDX-License-Identifier: Apache-2.0 */
/* A board in memory for tests: see test_board.h. */
#include <stdio.h>
#include <stdlib.h>

#include "test_board.h"
#include "updraft/port_linux.h"

#define NVS_ADDR     0x9000u
#define OTADATA_ADDR 0xD000u
#define PHY_ADDR     0xF000u
#define APPS_ADDR    0x10000u
#define RAM_ADDR     0x3FC80000u /* no mapping rule there */
#define DESC_MIN     UD_APP_DESC_BYTES

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "test board: %s\n", what);
        abort();
    }
}

/* ---- lock, notes ---------------------------------------------------------------------------------------------- */

static void lock_take(void *ctx)
{
    struct test_board *t = ctx;
    require(!t->lock_held, "the board's lock is taken twice");
    t->lock_held = true;
    t->lock_taken++;
}

static void lock_give(void *ctx)
{
    struct test_board *t = ctx;
    require(t->lock_held, "the board's lock is given back without being held");
    t->lock_held = false;
    if (t->on_give)
        t->on_give(t);
}

static void take_note(void *ctx, const struct ud_note *note)
{
    struct test_board *t = ctx;
    if (t->lock_held)
        t->notes_under_lock++;
    if (t->note_count < TEST_NOTES) {
        t->note[t->note_count] = *note;
        t->note[t->note_count].text = NULL;
    }
    t->note_count++;
}

uint32_t test_board_notes(const struct test_board *t, uint16_t id)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->note_count && i < TEST_NOTES; i++)
        n += t->note[i].id == id;
    return n;
}

const struct ud_note *test_board_find_note(const struct test_board *t, uint16_t id)
{
    for (uint32_t i = 0; i < t->note_count && i < TEST_NOTES; i++) {
        if (t->note[i].id == id)
            return &t->note[i];
    }
    return NULL;
}

void test_board_clear_notes(struct test_board *t)
{
    t->note_count = 0;
}

/* ---- eFuses --------------------------------------------------------------------------------------------------- */

static esp_err_t efuse_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct test_board *t = ctx;
    memcpy(buf, t->efuse + off, len);
    return t->efuse_fails ? ESP_FAIL : ESP_OK;
}

static esp_err_t efuse_burn(void *ctx, uint32_t off, const void *bits, size_t len)
{
    struct test_board *t = ctx;
    const uint8_t *in = bits;
    for (size_t i = 0; i < len && !t->efuse_fails; i++)
        t->efuse[off + i] = (uint8_t)(t->efuse[off + i] | in[i]);
    return t->efuse_fails ? ESP_FAIL : ESP_OK;
}

static const struct ud_efuse_ops efuse_ops = { efuse_read, efuse_burn };

void test_board_put_level(struct test_board *t, uint32_t level)
{
    ud_store_le32(t->efuse + UD_EFUSE_SECURE_VERSION, level >= 32 ? UINT32_MAX : (UINT32_C(1) << level) - 1u);
}

uint32_t test_board_level(const struct test_board *t)
{
    uint32_t level = 0;
    for (uint32_t i = 0; i < 32; i++)
        level += t->efuse[UD_EFUSE_SECURE_VERSION + i / 8] >> i % 8 & 1;
    return level;
}

/* ---- layout --------------------------------------------------------------------------------------------------- */

static void add(struct ud_ptable *table, uint8_t type, uint8_t subtype, const char *label, uint32_t addr, uint32_t size)
{
    struct ud_partition *p = &table->part[table->count++];
    *p = (struct ud_partition){ .addr = addr, .size = size, .type = type, .subtype = subtype };
    ud_strcopy(p->label, sizeof p->label, label, 16);
}

static uint32_t make_table(const struct test_layout *layout, struct ud_ptable *table)
{
    uint32_t slot = layout->slot_bytes ? layout->slot_bytes : TEST_SLOT_BYTES;
    uint32_t addr = APPS_ADDR;
    char label[17];

    memset(table, 0, sizeof *table);
    add(table, UD_PART_DATA, UD_PART_DATA_NVS, "nvs", NVS_ADDR, 0x4000);
    if (layout->otadata != UD_OTADATA_ABSENT)
        add(table, UD_PART_DATA, UD_PART_DATA_OTA, "otadata", OTADATA_ADDR,
            layout->otadata == UD_OTADATA_SHORT ? 0x1000 : UD_OTADATA_BYTES);
    add(table, UD_PART_DATA, UD_PART_DATA_PHY, "phy_init", PHY_ADDR, 0x1000);
    if (layout->factory) {
        add(table, UD_PART_APP, UD_PART_APP_FACTORY, "factory", addr, slot);
        addr += slot;
    }
    for (uint8_t i = 0; i < layout->ota_count; i++) {
        snprintf(label, sizeof label, "ota_%u", layout->ota[i]);
        add(table, UD_PART_APP, (uint8_t)(UD_PART_APP_OTA_0 + layout->ota[i]), label, addr, slot);
        addr += slot;
    }
    if (layout->test) {
        add(table, UD_PART_APP, UD_PART_APP_TEST, "test", addr, slot);
        addr += slot;
    }
    return addr;
}

void test_board_init(struct test_board *t, const struct test_layout *layout)
{
    struct ud_ptable table;
    uint8_t table_bytes[UD_PTABLE_BYTES];
    memset(t, 0, sizeof *t);
    t->size = make_table(layout, &table);
    t->bytes = malloc(t->size);
    require(t->bytes != NULL, "no memory");
    memset(t->bytes, 0xFF, t->size);

    t->crypto = count_crypto_init(&t->count, ud_openssl_crypto());
    t->obs = (struct ud_observer){ .note = take_note, .ctx = t };
    require(ud_ptable_encode(&table, &t->crypto, table_bytes) == ESP_OK, "the table does not encode");
    memcpy(t->bytes + UD_PTABLE_DEFAULT_OFFSET, table_bytes, sizeof table_bytes);

    ud_ram_flash_init(&t->ram, &t->ram_flash, t->bytes, t->size);
    fail_flash_init(&t->fail, &t->fail_flash, &t->ram_flash);
    record_flash_init(&t->rec, &t->flash, &t->fail_flash);
    t->board = (struct ud_board){
        .flash = &t->flash,
        .chip = layout->chip_id ? ud_chip_by_id(layout->chip_id) : ud_chip_by_name("esp32c3"),
        .crypto = &t->crypto,
        .clock = ud_virtual_clock(&t->clock),
        .obs = &t->obs,
        .lock = { .take = lock_take, .give = lock_give, .ctx = t },
        .efuse = { &efuse_ops, t },
        .table_offset = UD_PTABLE_DEFAULT_OFFSET,
        .reset_reason = UD_RESET_POWERON,
    };
    require(t->board.chip != NULL, "no such chip");
    t->board.accepted_chip_id = t->board.chip->id;
    require(ud_board_load_table(&t->board, UINT32_MAX) == ESP_OK, "the table does not load");
    record_flash_clear(&t->rec);
    test_board_clear_notes(t);
}

void test_board_deinit(struct test_board *t)
{
    require(t->count.held == 0, "a hash is still held");
    require(!t->lock_held, "the lock is still held");
    require(t->notes_under_lock == 0, "a note was delivered under the lock");
    free(t->bytes);
    t->bytes = NULL;
}

const struct ud_partition *test_board_part(const struct test_board *t, const char *label)
{
    const struct ud_partition *p = ud_ptable_find(&t->board.table, UD_PART_ANY, UD_PART_ANY, label);
    require(p != NULL, "no such partition");
    return p;
}

void test_board_run(struct test_board *t, const char *label)
{
    t->board.running = label ? test_board_part(t, label) : NULL;
}

/* ---- content -------------------------------------------------------------------------------------------------- */

void test_board_put_bytes(struct test_board *t, uint32_t addr, const void *bytes, uint32_t len)
{
    require(ud_range_fits(addr, len, t->size), "bytes beyond the flash");
    memcpy(t->bytes + addr, bytes, len);
    t->flash.generation++;
}

uint8_t *test_image_make(const struct test_image *image, uint32_t *len)
{
    uint32_t payload = image->payload > DESC_MIN ? image->payload : DESC_MIN;
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_app_desc desc = { .spi_flash_mode = image->spi_flash_mode, .secure_version = image->secure_version };
    uint8_t *data = malloc(payload);
    require(data != NULL, "no memory");
    for (uint32_t i = 0; i < payload; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    ud_strcopy(desc.version, sizeof desc.version, image->version ? image->version : "1.0.0", 32);
    ud_strcopy(desc.project_name, sizeof desc.project_name, image->project ? image->project : "test", 32);

    struct ud_image_part part = { .load_addr = RAM_ADDR, .data = data, .len = payload };
    struct ud_image_spec spec = {
        .header = { .spi_mode = 2,
                    .spi_speed_size = 0x20,
                    .entry_addr = RAM_ADDR + DESC_MIN,
                    .wp_pin = 0xEE,
                    .chip_id = image->chip_id ? image->chip_id : ud_chip_by_name("esp32c3")->id,
                    .min_chip_rev_full = image->min_revision,
                    .max_chip_rev_full = image->max_revision },
        .part = &part,
        .part_count = 1,
        .desc = &desc,
        .append_digest = !image->no_digest,
    };
    require(ud_image_spec_size(&spec, len) == ESP_OK, "the image has no size");
    uint8_t *bytes = malloc(*len);
    require(bytes != NULL, "no memory");
    require(ud_image_encode(&spec, &crypto, bytes, *len, len) == ESP_OK, "the image does not build");
    free(data);
    return bytes;
}

void test_board_put_image(struct test_board *t, const char *label, enum test_image_state state)
{
    test_board_put_app(t, label, state, 0);
}

void test_board_put_app(struct test_board *t, const char *label, enum test_image_state state, uint32_t secure_version)
{
    const struct ud_partition *p = test_board_part(t, label);
    memset(t->bytes + p->addr, 0xFF, p->size);
    t->flash.generation++;
    if (state == TEST_IMAGE_ERASED)
        return;
    uint32_t len;
    uint8_t *bytes = test_image_make(
        &(struct test_image){ .payload = 300, .chip_id = t->board.accepted_chip_id, .secure_version = secure_version },
        &len);
    if (state == TEST_IMAGE_CORRUPT)
        bytes[UD_APP_DESC_OFFSET + UD_APP_DESC_BYTES + 8] ^= 0x10;
    test_board_put_bytes(t, p->addr, bytes, len);
    free(bytes);
}

void test_board_put_otadata(struct test_board *t, unsigned sector, const uint8_t bytes[UD_OTADATA_ENTRY_BYTES])
{
    test_board_put_bytes(t, test_board_part(t, "otadata")->addr + sector * UD_FLASH_SECTOR, bytes,
                         UD_OTADATA_ENTRY_BYTES);
}

void test_board_put_entry(struct test_board *t, unsigned sector, uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = { .seq = seq, .state = state, .crc = ud_otadata_crc(seq) };
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    memset(e.label, 0xFF, sizeof e.label);
    ud_otadata_encode(&e, bytes);
    test_board_put_otadata(t, sector, bytes);
}

void test_board_get_otadata(const struct test_board *t, unsigned sector, uint8_t bytes[UD_OTADATA_ENTRY_BYTES])
{
    const struct ud_partition *p = ud_ptable_find(&t->board.table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    memset(bytes, 0xFF, UD_OTADATA_ENTRY_BYTES);
    if (p && (sector + 1) * UD_FLASH_SECTOR <= p->size)
        memcpy(bytes, t->bytes + p->addr + sector * UD_FLASH_SECTOR, UD_OTADATA_ENTRY_BYTES);
}

struct ud_otadata_entry test_board_entry(const struct test_board *t, unsigned sector)
{
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    struct ud_otadata_entry e;
    test_board_get_otadata(t, sector, bytes);
    ud_otadata_decode(bytes, &e);
    return e;
}

/* ---- boot ----------------------------------------------------------------------------------------------------- */

struct ud_boot_device test_board_boot_device(struct test_board *t, bool rollback)
{
    return (struct ud_boot_device){
        .flash = &t->flash,
        .crypto = &t->crypto,
        .obs = &t->obs,
        .efuse = t->board.efuse,
        .settings = { .rollback = rollback,
                      .secure_version_bits = t->board.chip->secure_version_bits,
                      .rules = ud_board_image_rules(&t->board, &(struct ud_partition){ .type = UD_PART_APP }),
                      .table_offset = t->board.table_offset },
        .scratch = t->scratch,
        .scratch_len = sizeof t->scratch,
    };
}

esp_err_t test_board_boot(struct test_board *t, bool rollback, struct ud_boot_result *result)
{
    return test_board_boot_options(t, rollback, false, result);
}

esp_err_t test_board_boot_options(struct test_board *t, bool rollback, bool anti_rollback,
                                  struct ud_boot_result *result)
{
    struct ud_boot_device dev = test_board_boot_device(t, rollback);
    dev.settings.anti_rollback = anti_rollback;
    fail_flash_arm(&t->fail, FAIL_NEVER, 0);
    esp_err_t err = ud_boot_run(&dev, result);
    if (err == ESP_OK)
        err = ud_board_load_table(&t->board, result->loaded->addr);
    return err;
}
