/* SPDX-License-Identifier: Apache-2.0 */
/* What a dump tells of its chip: each witness in turn, what wins, what is refused; and that no dump is read beyond. */
#include "lab_kit.h"

#include "updraft/boot.h"

#define SLOT  0x20000u
#define FLASH 0x100000u
#define C3    0x0005
#define S3    0x0009
#define ESP32 0x0000

/* A dump under test: bytes of exactly its length, so that a sanitizer sees what is read behind them. */
struct bench {
    struct kit *kit;
    uint8_t *bytes;
    struct ud_lab_dump dump;
    struct ud_lab_guessed out;
};

static void resize(struct bench *b, size_t len)
{
    size_t old = b->dump.len;
    b->bytes = realloc(b->bytes, len);
    assert_non_null(b->bytes);
    if (len > old)
        memset(b->bytes + old, 0xFF, len - old);
    b->dump.bytes = b->bytes;
    b->dump.len = len;
}

static void put(struct bench *b, uint32_t at, const void *data, size_t len)
{
    assert_true(at + len <= b->dump.len);
    memcpy(b->bytes + at, data, len);
}

static void put_table(struct bench *b, uint32_t at)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    uint8_t bytes[UD_PTABLE_BYTES];
    assert_int_equal(ud_ptable_encode(&b->kit->table, &crypto, bytes), ESP_OK);
    put(b, at, bytes, sizeof bytes);
}

static void put_image(struct bench *b, uint32_t at, uint16_t chip)
{
    static const uint8_t raw[256];
    uint32_t len;
    uint8_t *image = kit_image(chip, "1.0.0", raw, sizeof raw, &len);
    put(b, at, image, len);
    free(image);
}

static void put_entry(struct bench *b, unsigned i, uint32_t seq, uint32_t state)
{
    struct ud_otadata_entry e = { .seq = seq, .state = state, .crc = ud_otadata_crc(seq) };
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    ud_otadata_encode(&e, bytes);
    put(b, 0xD000 + i * 0x1000, bytes, sizeof bytes);
}

static esp_err_t guess(struct bench *b)
{
    b->kit->why[0] = 0;
    return ud_lab_dump_guess(&b->dump, &b->out, b->kit->why, sizeof b->kit->why);
}

/* A whole C3: boot loader, table, an app. */
static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->kit = kit_new(SLOT, FLASH);
    b->dump.name = "chip.bin";
    resize(b, FLASH);
    put_image(b, 0, C3);
    put_table(b, 0x8000);
    put_image(b, 0x10000, C3);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    kit_free(b->kit);
    free(b->bytes);
    free(b);
    return 0;
}

static void a_whole_dump_tells_all(void **state)
{
    struct bench *b = *state;
    assert_int_equal(guess(b), ESP_OK);
    const struct ud_lab_settings *s = &b->out.settings;
    assert_string_equal(s->chip->name, "esp32c3");
    assert_int_equal(s->flash_size, FLASH);
    assert_int_equal(s->table_offset, 0x8000);
    assert_int_equal(s->runs, UD_LAB_RUNS_NONE);
    assert_int_equal(b->out.table.count, b->kit->table.count);
    assert_false(s->boot_rollback || s->app_rollback || s->require_digest);
    for (unsigned i = 0; i < UD_LAB_GUESSES; i++)
        assert_true(b->out.because[i][0] != 0);
}

static void the_boot_loader_is_believed_before_the_apps(void **state)
{
    struct bench *b = *state;
    put_image(b, 0x10000, S3);
    assert_int_equal(guess(b), ESP_OK);
    assert_string_equal(b->out.settings.chip->name, "esp32c3");
    assert_says(b->out.remark[b->out.remark_count - 1], "ota_0 is for ESP32-S3");
}

static void each_place_of_a_boot_loader_is_looked_at(void **state)
{
    static const struct {
        uint32_t at;
        uint16_t chip;
    } rows[] = { { 0, S3 }, { 0x1000, ESP32 }, { 0x1000, 0x0002 }, { 0x2000, 0x0012 } };
    struct bench *b = *state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        memset(b->bytes, 0xFF, 0x8000);
        put_image(b, rows[i].at, rows[i].chip);
        assert_int_equal(guess(b), ESP_OK);
        assert_int_equal(b->out.settings.chip->id, rows[i].chip);
    }
    memset(b->bytes, 0xFF, 0x8000);
    put_image(b, 0x1000, S3); /* where no S3 looks */
    assert_int_equal(guess(b), ESP_OK);
    assert_string_equal(b->out.settings.chip->name, "esp32c3");
    assert_says(b->out.because[UD_LAB_GUESS_CHIP], "app in ota_0");
}

static void witnesses_of_one_rank_that_disagree_are_refused(void **state)
{
    struct bench *b = *state;
    put_image(b, 0x1000, ESP32);
    assert_int_equal(guess(b), ESP_ERR_INVALID_STATE);
    assert_says(b->kit->why, "--chip");
    b->dump.chip = ud_chip_by_name("esp32");
    assert_int_equal(guess(b), ESP_OK);
    b->dump.chip = NULL;
    memset(b->bytes, 0xFF, 0x8000);
    put_image(b, 0x10000 + SLOT, S3);
    assert_int_equal(guess(b), ESP_ERR_INVALID_STATE);
    assert_says(b->kit->why, "ota_0 is for ESP32-C3 and ota_1 for ESP32-S3");
}

static void nothing_that_names_a_chip_is_refused(void **state)
{
    struct bench *b = *state;
    memset(b->bytes, 0xFF, 0x8000);
    memset(b->bytes + 0x10000, 0xFF, SLOT);
    assert_int_equal(guess(b), ESP_ERR_NOT_FOUND);
    assert_says(b->kit->why, "--chip");
}

static void a_table_elsewhere_is_found_if_it_is_the_only_one(void **state)
{
    struct bench *b = *state;
    memset(b->bytes + 0x8000, 0xFF, 0x1000);
    put_table(b, 0xA000);
    put_table(b, 0x50000); /* a copy inside an app lists what lies below it */
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.table_offset, 0xA000);
    put_table(b, 0xB000);
    assert_int_equal(guess(b), ESP_ERR_INVALID_STATE);
    assert_says(b->kit->why, "--table-offset");
    b->dump.table_offset = 0xB000;
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.table_offset, 0xB000);
}

static void a_damaged_table_is_refused_unless_another_is_given(void **state)
{
    struct bench *b = *state;
    b->bytes[0x8005] ^= 1;
    assert_int_equal(guess(b), ESP_ERR_NOT_FOUND);
    assert_says(b->kit->why, "--table");
    b->dump.table = &b->kit->table;
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.table.count, b->kit->table.count);
}

static void the_size_comes_from_the_length_or_the_boot_loader(void **state)
{
    struct bench *b = *state;
    resize(b, 0x60000); /* no flash has that length; the image's header says 4 MB */
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.flash_size, 0x400000);
    memset(b->bytes, 0xFF, 0x8000);
    assert_int_equal(guess(b), ESP_ERR_INVALID_SIZE);
    assert_says(b->kit->why, "--flash-size");
    b->dump.flash_size = 0x100000;
    assert_int_equal(guess(b), ESP_OK);
    b->dump.flash_size = 0x40000; /* shorter than the dump */
    assert_int_equal(guess(b), ESP_ERR_INVALID_SIZE);
}

static void states_that_only_rollback_writes_turn_it_on(void **state)
{
    static const struct {
        unsigned entry;
        uint32_t state;
        bool rollback;
    } rows[] = {
        { 0, UD_OTA_NEW, true },        { 0, UD_OTA_PENDING_VERIFY, true },
        { 1, UD_OTA_INVALID, true },    { 1, UD_OTA_ABORTED, true },
        { 1, UD_OTA_VALID, true },      { 0, UD_OTA_VALID, false },
        { 0, UD_OTA_UNDEFINED, false }, { 1, 77, false },
    };
    struct bench *b = *state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        memset(b->bytes + 0xD000, 0xFF, 0x2000);
        put_entry(b, rows[i].entry, 1, rows[i].state);
        assert_int_equal(guess(b), ESP_OK);
        assert_int_equal(b->out.settings.boot_rollback, rows[i].rollback);
    }
    put_entry(b, 0, 1, UD_OTA_NEW);
    b->bytes[0xD000 + 28] ^= 1; /* the CRC: the entry says nothing */
    memset(b->bytes + 0xE000, 0xFF, 0x1000);
    assert_int_equal(guess(b), ESP_OK);
    assert_false(b->out.settings.boot_rollback);
}

static void images_ask_for_a_revision(void **state)
{
    struct bench *b = *state;
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.revision, ud_lab_usual_revision(ud_chip_by_name("esp32c3")));
    ud_store_le16(b->bytes + 0x10000 + 15, 101);
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.revision, 101);
    ud_store_le16(b->bytes + 0x10000 + 15, 0);
    ud_store_le16(b->bytes + 0x10000 + 17, 3);
    assert_int_equal(guess(b), ESP_OK);
    assert_int_equal(b->out.settings.revision, 3);
    assert_says(b->out.because[UD_LAB_GUESS_REVISION], "ota_0");
}

/* Lengths that end inside anything that is looked at; a sanitizer watches. */
static void a_dump_may_end_anywhere(void **state)
{
    static const size_t lengths[] = { 0x31000, 0x30010, 0x10100, 0x10017, 0x10000, 0xE01F, 0xD010, 0x8C00,
                                      0x8BFF,  0x8001,  0x8000,  0x1010,  0x1000,  0xFFF,  0 };
    struct bench *b = *state;
    put_image(b, 0x10000 + SLOT, C3);
    b->dump.flash_size = FLASH;
    for (size_t i = 0; i < UD_ARRAY_LEN(lengths); i++) {
        uint8_t *cut = malloc(lengths[i] + 1);
        assert_non_null(cut);
        memcpy(cut + 1, b->bytes, lengths[i]);
        struct ud_lab_dump dump = b->dump;
        dump.bytes = cut + 1;
        dump.len = lengths[i];
        esp_err_t err = ud_lab_dump_guess(&dump, &b->out, b->kit->why, sizeof b->kit->why);
        assert_int_equal(err == ESP_OK, lengths[i] >= 0x8C00);
        free(cut);
    }
}

static void the_board_holds_the_dump_byte_by_byte(void **state)
{
    struct bench *b = *state;
    struct kit *k = b->kit;
    resize(b, 0x60000);
    assert_int_equal(guess(b), ESP_OK);
    k->create.settings = b->out.settings;
    k->create.dump = &b->dump;
    kit_create(k);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    uint8_t *held = malloc(b->dump.len);
    assert_non_null(held);
    assert_int_equal(ud_flash_read(&k->lab.flash, 0, held, (uint32_t)b->dump.len), ESP_OK);
    assert_memory_equal(held, b->bytes, b->dump.len);
    assert_int_equal(ud_flash_read(&k->lab.flash, 0x60000, held, 0x1000), ESP_OK);
    for (unsigned i = 0; i < 0x1000; i++)
        assert_int_equal(held[i], 0xFF);
    free(held);
    assert_string_equal(k->lab.boot.loaded->label, "ota_0");
    ud_lab_board_close(&k->lab);
}

static void a_dump_larger_than_the_flash_makes_nothing(void **state)
{
    struct bench *b = *state;
    struct kit *k = b->kit;
    k->create.settings.flash_size = FLASH / 2;
    k->create.dump = &b->dump;
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "--flash-size");
    assert_int_equal(kit_count_files(k), 0);
}

#define WITH_DUMP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DUMP(a_whole_dump_tells_all),
        WITH_DUMP(the_boot_loader_is_believed_before_the_apps),
        WITH_DUMP(each_place_of_a_boot_loader_is_looked_at),
        WITH_DUMP(witnesses_of_one_rank_that_disagree_are_refused),
        WITH_DUMP(nothing_that_names_a_chip_is_refused),
        WITH_DUMP(a_table_elsewhere_is_found_if_it_is_the_only_one),
        WITH_DUMP(a_damaged_table_is_refused_unless_another_is_given),
        WITH_DUMP(the_size_comes_from_the_length_or_the_boot_loader),
        WITH_DUMP(states_that_only_rollback_writes_turn_it_on),
        WITH_DUMP(images_ask_for_a_revision),
        WITH_DUMP(a_dump_may_end_anywhere),
        WITH_DUMP(the_board_holds_the_dump_byte_by_byte),
        WITH_DUMP(a_dump_larger_than_the_flash_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
