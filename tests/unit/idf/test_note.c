/* SPDX-License-Identifier: Apache-2.0 */
/* Notes in words: every id has a sentence of its own, the ones that tools wait for are ESP-IDF's. */
#include "fixture.h"

#include "esp_log.h"
#include "updraft/nvs.h"

static const uint16_t ids[] = {
    UD_NOTE_FLASH_FAILED,
    UD_NOTE_FLASH_NOT_ERASED,
    UD_NOTE_FLASH_IO,
    UD_NOTE_PTABLE_BAD,
    UD_NOTE_PTABLE_UNKNOWN_FLAGS,
    UD_NOTE_CSV_BAD,
    UD_NOTE_CSV_WARNING,
    UD_NOTE_IMAGE_BAD,
    UD_NOTE_IMAGE_CHIP,
    UD_NOTE_IMAGE_REVISION,
    UD_NOTE_IMAGE_DIGEST,
    UD_NOTE_IMAGE_ELF,
    UD_NOTE_NVS_RECOVERED,
    UD_NOTE_NVS_REFUSED,
    UD_NOTE_NVS_DAMAGED,
    UD_NOTE_BOOT_RULE,
    UD_NOTE_BOOT_TRY,
    UD_NOTE_BOOT_OTADATA,
    UD_NOTE_BOOT_LOADED,
    UD_NOTE_BOOT_NOTHING,
    UD_NOTE_BOOT_ERASED,
    UD_NOTE_BOOT_EFUSE,
    UD_NOTE_OTA_BAD_MAGIC,
    UD_NOTE_OTA_READBACK,
    UD_NOTE_OTA_VERDICT,
    UD_NOTE_OTA_HASH_PASS,
    UD_NOTE_OTA_SET_BOOT,
    UD_NOTE_OTA_REFUSED,
    UD_NOTE_OTA_STATE,
    UD_NOTE_OTA_SPI_MODE,
    UD_NOTE_HTTP_CONNECT,
    UD_NOTE_HTTP_STATUS,
    UD_NOTE_HTTP_REDIRECT,
    UD_NOTE_HTTP_REFUSED_REDIRECT,
    UD_NOTE_HTTP_BAD_RESPONSE,
    UD_NOTE_HTTP_STALL,
    UD_NOTE_HTTP_CLOSED,
    UD_NOTE_HTTP_BAD_URL,
    UD_NOTE_HTTP_AUTH,
    UD_NOTE_UPDATE_START,
    UD_NOTE_UPDATE_SHORT_HEADER,
    UD_NOTE_UPDATE_STATUS,
    UD_NOTE_UPDATE_DONE,
    UD_NOTE_UPDATE_NO_SLOT,
    UD_NOTE_UPDATE_BAD_DESC,
    UD_NOTE_UPDATE_RANGE,
    UD_NOTE_UPDATE_PART,
    UD_NOTE_UPDATE_CUT,
    UD_NOTE_UPDATE_START_OVER,
    UD_NOTE_UPDATE_NOT_SWITCHED,
};

static void every_note_is_a_sentence(void **state)
{
    char text[400], tiny[8];
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(ids); i++) {
        struct ud_note n = { .id = ids[i], .err = ESP_FAIL, .a = 1, .b = 2, .text = "thing" };
        ud_note_sentence(&n, text, sizeof text);
        size_t len = strlen(text);
        assert_true(len > 8);
        assert_null(strchr(text, '{'));
        assert_null(strstr(text, "note 0x"));
        assert_true(text[len - 1] != '.');
        n.text = NULL;
        ud_note_sentence(&n, text, sizeof text);
        assert_true(text[0] != '\0');
        ud_note_sentence(&n, tiny, sizeof tiny);
        assert_int_equal(strlen(tiny), sizeof tiny - 1);
        assert_memory_equal(tiny, text, sizeof tiny - 1);
        ud_note_sentence(&n, tiny, 0);
    }
}

static void every_rule_of_the_boot_loader_is_a_sentence(void **state)
{
    char text[200];
    (void)state;
    for (uint64_t rule = UD_RULE_NO_OTADATA; rule <= UD_RULE_TOO_OLD; rule++) {
        struct ud_note n = { .id = UD_NOTE_BOOT_RULE, .a = rule, .b = 1 };
        ud_note_sentence(&n, text, sizeof text);
        assert_true(strlen(text) > 8);
        assert_null(strstr(text, "note 0x"));
    }
    struct ud_note n = { .id = UD_NOTE_BOOT_RULE, .a = 1000 };
    ud_note_sentence(&n, text, sizeof text);
    assert_non_null(strstr(text, "note 0x"));
}

static void sentences_carry_the_numbers(void **state)
{
    static const struct {
        struct ud_note note;
        const char *want;
    } rows[] = {
        { { .id = UD_NOTE_IMAGE_CHIP, .err = ESP_FAIL, .a = 5, .b = 9 }, "mismatch chip ID, expected 5, found 9" },
        { { .id = UD_NOTE_IMAGE_REVISION, .err = ESP_FAIL, .a = 101, .b = 3u << 16 | 99 },
          "chip revision check failed. Required <= v0.99, found v1.1. The image is for v0.3 to v0.99" },
        { { .id = UD_NOTE_IMAGE_REVISION, .err = ESP_FAIL, .a = 3, .b = 4u << 16 },
          "chip revision check failed. Required >= v0.4, found v0.3. The image is for v0.4 to any later one" },
        { { .id = UD_NOTE_OTA_BAD_MAGIC, .a = 0x3C },
          "OTA image has invalid magic byte (expected 0xE9, saw 0x3c); is it a firmware image?" },
        { { .id = UD_NOTE_UPDATE_START, .a = 0x110000, .b = UINT64_MAX, .text = "ota_1" },
          "Writing to <ota_1> partition at offset 0x110000" },
        { { .id = UD_NOTE_BOOT_OTADATA, .a = 1, .b = (uint64_t)UD_OTA_ABORTED << 32 | 7 },
          "otadata entry 1 becomes sequence 7, state ABORTED: ESP_OK" },
        { { .id = UD_NOTE_BOOT_OTADATA, .a = 0, .b = (uint64_t)0x77 << 32 | 7 },
          "otadata entry 0 becomes sequence 7, state 0x77: ESP_OK" },
        { { .id = 0x7FF, .err = ESP_FAIL, .a = 1, .b = 2, .text = "t" }, "note 0x7ff: ESP_FAIL (0x1, 0x2) t" },
        { { .id = UD_NOTE_HTTP_CLOSED, .a = 10, .b = 20, .text = "host" },
          "host closed the connection after 10 of 20 bytes" },
    };
    char text[300];
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        ud_note_sentence(&rows[i].note, text, sizeof text);
        assert_string_equal(text, rows[i].want);
    }
}

static char caught[1024];

static int catch_text(const char *format, va_list args)
{
    size_t len = strlen(caught);
    return vsnprintf(caught + len, sizeof caught - len, format, args);
}

static void notes_become_log_lines_with_the_tags_of_esp_idf(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    f.config.log_default_level = ESP_LOG_INFO;
    fixture_go(&f);
    caught[0] = '\0';
    esp_log_set_vprintf(catch_text);
    struct ud_observer log = ud_idf_log_observer();
    ud_note(&log, UD_NOTE_IMAGE_CHIP, ESP_FAIL, 5, 9, NULL);
    ud_note(&log, UD_NOTE_UPDATE_DONE, ESP_OK, 10, 0, "ota_1");
    ud_note(&log, UD_NOTE_OTA_HASH_PASS, ESP_OK, 0, 0, "ota_1"); /* DEBUG */
    ud_note(&log, UD_NOTE_UPDATE_NOT_SWITCHED, ESP_OK, 0, 0, "ota_1");
    ud_note(&log, UD_NOTE_BOOT_RULE, ESP_OK, UD_RULE_TO_FACTORY, 0, NULL);
    assert_string_equal(caught, "E (0) boot_comm: mismatch chip ID, expected 5, found 9\n"
                                "I (0) esp_https_ota: 10 bytes were written to ota_1, which boots next\n"
                                "W (0) esp_https_ota: the image in ota_1 is good, but it was not received to its end: "
                                "the boot partition stays\n"
                                "I (0) boot: the factory app boots\n");
    fixture_stop(&f);
}

/* What suites for hardware wait for (docs/outside.md); more may follow on the line, the words may not change. */
static void lines_that_suites_wait_for_are_there(void **state)
{
    static const struct {
        struct ud_note note;
        const char *tag, *words;
    } rows[] = {
        { { .id = UD_NOTE_BOOT_LOADED, .a = 0x10000, .text = "ota_0" }, "boot", "at offset 0x10000" },
        { { .id = UD_NOTE_IMAGE_CHIP, .err = ESP_FAIL, .a = 5, .b = 9 },
          "boot_comm",
          "mismatch chip ID, expected 5, found 9" },
        { { .id = UD_NOTE_IMAGE_REVISION, .err = ESP_FAIL, .a = 3, .b = 4u << 16 },
          "boot_comm",
          "chip revision check failed. Required >= v0.4, found v0.3." },
        { { .id = UD_NOTE_UPDATE_START, .a = 0x110000, .text = "ota_1" },
          "esp_https_ota",
          "Writing to <ota_1> partition at offset 0x110000" },
        { { .id = UD_NOTE_UPDATE_START_OVER },
          "esp_https_ota",
          "Falling back to OTA without resumption and restarting download from beginning" },
        { { .id = UD_NOTE_UPDATE_BAD_DESC, .err = ESP_FAIL }, "esp_https_ota", "Incorrect app descriptor magic" },
        { { .id = UD_NOTE_UPDATE_CUT, .err = ESP_FAIL },
          "esp_https_ota",
          "Connection closed before complete data was received!" },
        { { .id = UD_NOTE_UPDATE_PART }, "esp_https_ota", "Connection closed" },
        { { .id = UD_NOTE_OTA_BAD_MAGIC, .err = ESP_FAIL, .a = 0x3C },
          "esp_ota_ops",
          "OTA image has invalid magic byte (expected 0xE9, saw 0x3c)" },
    };
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    f.config.log_default_level = ESP_LOG_DEBUG;
    fixture_go(&f);
    esp_log_set_vprintf(catch_text);
    struct ud_observer log = ud_idf_log_observer();
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char start[64];
        const struct ud_note *n = &rows[i].note;
        caught[0] = '\0';
        ud_note(&log, n->id, n->err, n->a, n->b, n->text);
        snprintf(start, sizeof start, " (0) %s: ", rows[i].tag);
        if (!strstr(caught, start) || !strstr(caught, rows[i].words))
            fail_msg("'%s' has not '%s'", caught, rows[i].words);
    }
    esp_log_set_vprintf(vprintf);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_note_is_a_sentence),
        cmocka_unit_test(every_rule_of_the_boot_loader_is_a_sentence),
        cmocka_unit_test(sentences_carry_the_numbers),
        cmocka_unit_test(notes_become_log_lines_with_the_tags_of_esp_idf),
        cmocka_unit_test(lines_that_suites_wait_for_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
