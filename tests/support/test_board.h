/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A board in memory for tests: NOR flash with a partition table, slots that hold good, corrupt or no images, otadata as
 * asked, and between the code under test and the RAM a failing and a recording decorator:
 *
 *     struct test_board t;
 *     test_board_init(&t, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT });
 *     test_board_put_image(&t, "ota_0", TEST_IMAGE_GOOD);
 *     test_board_run(&t, "ota_0");                       // t.board.running
 *     ...
 *     test_board_deinit(&t);                             // also checks that no hash is held and the lock is free
 *
 * Whatever goes wrong in here ends the test program.
 */
#ifndef TESTS_TEST_BOARD_H
#define TESTS_TEST_BOARD_H

#include "count_crypto.h"
#include "flash_tools.h"
#include "updraft/board.h"

#define TEST_SLOT_BYTES 0x10000u
#define TEST_NOTES      64u

struct test_layout {
    uint8_t ota[16]; /* numbers of the OTA slots, in table order */
    uint8_t ota_count;
    bool factory;
    bool test;
    enum ud_otadata_presence otadata; /* SHORT: 0x1000 bytes */
    uint32_t slot_bytes;              /* 0: TEST_SLOT_BYTES */
    uint16_t chip_id;                 /* 0: esp32c3 */
};

enum test_image_state {
    TEST_IMAGE_ERASED,
    TEST_IMAGE_GOOD,
    TEST_IMAGE_CORRUPT /* the description reads, the image does not verify */
};

struct test_board {
    uint8_t *bytes;
    uint32_t size;
    struct ud_ram_flash ram;
    struct ud_flash ram_flash;
    struct fail_flash fail;
    struct ud_flash fail_flash;
    struct record_flash rec;
    struct ud_flash flash; /* what the code under test gets */
    struct count_crypto count;
    struct ud_crypto crypto;
    struct ud_virtual_clock clock;
    struct ud_observer obs;
    struct ud_board board; /* its table is loaded, nothing runs */
    bool lock_held;
    uint32_t lock_taken;
    void (*on_give)(struct test_board *t); /* runs just after the lock was given back: another thread's turn */
    uint32_t notes_under_lock;             /* must stay 0 */
    uint32_t note_count;
    struct ud_note note[TEST_NOTES]; /* the first ones; their text is dropped */
    uint8_t scratch[1024];
    uint8_t efuse[UD_EFUSE_SIZE];
    bool efuse_fails; /* reading and burning */
};

void test_board_init(struct test_board *t, const struct test_layout *layout);
void test_board_deinit(struct test_board *t);

/** Partition by label; there must be one. */
const struct ud_partition *test_board_part(const struct test_board *t, const char *label);
/** The app partition `label` is what runs (NULL: none). */
void test_board_run(struct test_board *t, const char *label);
/** Straight into memory: no operation is counted, but the flash generation moves. */
void test_board_put_image(struct test_board *t, const char *label, enum test_image_state state);
void test_board_put_app(struct test_board *t, const char *label, enum test_image_state state, uint32_t secure_version);
void test_board_put_bytes(struct test_board *t, uint32_t addr, const void *bytes, uint32_t len);
void test_board_put_otadata(struct test_board *t, unsigned sector, const uint8_t bytes[UD_OTADATA_ENTRY_BYTES]);
/** Entry with a good CRC and a blank label. */
void test_board_put_entry(struct test_board *t, unsigned sector, uint32_t seq, uint32_t state);
/** The 32 bytes of an entry as they lie in memory (all FF when there is no such sector). */
void test_board_get_otadata(const struct test_board *t, unsigned sector, uint8_t bytes[UD_OTADATA_ENTRY_BYTES]);
struct ud_otadata_entry test_board_entry(const struct test_board *t, unsigned sector);

/** Bits burnt in the field of the secure version. */
void test_board_put_level(struct test_board *t, uint32_t level);
uint32_t test_board_level(const struct test_board *t);

/** The loader's world over this board; anti-rollback is off. */
struct ud_boot_device test_board_boot_device(struct test_board *t, bool rollback);
/** Boot; ESP_OK also makes the loaded partition the running one. Power is back: the failing flash is disarmed. */
esp_err_t test_board_boot(struct test_board *t, bool rollback, struct ud_boot_result *result);
esp_err_t test_board_boot_options(struct test_board *t, bool rollback, bool anti_rollback,
                                  struct ud_boot_result *result);

/** How often a note was given. */
uint32_t test_board_notes(const struct test_board *t, uint16_t id);
const struct ud_note *test_board_find_note(const struct test_board *t, uint16_t id);
void test_board_clear_notes(struct test_board *t);

/** What an image is made of; zeros are the defaults. */
struct test_image {
    const char *version;   /* "1.0.0" */
    const char *project;   /* "test" */
    uint32_t payload;      /* bytes of segment 0, at least 256 (the default) */
    uint16_t chip_id;      /* 0: esp32c3 */
    uint16_t min_revision; /* major * 100 + minor */
    uint16_t max_revision;
    uint8_t spi_flash_mode;
    bool no_digest;
    uint32_t secure_version;
};
/** Build it; the bytes are malloc'd and the caller's. Segment 0 loads to RAM, so the image fits at any address. */
uint8_t *test_image_make(const struct test_image *image, uint32_t *len);

#endif /* TESTS_TEST_BOARD_H */
