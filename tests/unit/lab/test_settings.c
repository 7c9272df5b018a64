/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a board: what is accepted, and that every refusal names the key and the file. */
#include "lab_kit.h"

static esp_err_t parse(const char *text, struct ud_lab_settings *s, char why[UD_LAB_WHY])
{
    why[0] = 0;
    return ud_lab_settings_parse(text, strlen(text), "b.flash.json", s, why, UD_LAB_WHY);
}

static void missing_keys_keep_their_defaults(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct ud_lab_settings s, d;
    ud_lab_settings_defaults(&d);
    assert_int_equal(parse("{\"chip\": \"esp32c3\", \"flash_size\": \"4MB\"}\n", &s, why), ESP_OK);
    assert_ptr_equal(s.chip, ud_chip_by_name("esp32c3"));
    assert_int_equal(s.flash_size, 4 << 20);
    assert_int_equal(s.table_offset, 0x8000);
    assert_int_equal(s.revision, ud_lab_usual_revision(s.chip));
    assert_true(s.boot_rollback && s.app_rollback && s.require_digest);
    assert_false(s.boot_anti_rollback || s.app_anti_rollback);
    assert_int_equal(s.runs, UD_LAB_RUNS_HOST);
    assert_int_equal(s.watchdog_ms, d.watchdog_ms);
    assert_int_equal(s.factory_reset_pin, UD_LAB_NO_PIN);
    assert_string_equal(s.factory_reset_labels, "nvs");
}

static void a_revision_that_is_not_said_is_the_usual_one_of_the_chip(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct ud_lab_settings s;
    assert_int_equal(parse("{\"flash_size\": \"4MB\", \"chip\": \"esp32\"}", &s, why), ESP_OK);
    assert_int_equal(s.revision, 301);
    assert_int_equal(parse("{\"flash_size\": \"4MB\", \"chip\": \"esp32\", \"revision\": \"0.0\"}", &s, why), ESP_OK);
    assert_int_equal(s.revision, 0);
}

static void every_key_is_taken(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct ud_lab_settings s;
    const char *text =
        "{\"chip\":\"ESP32-S3\",\"revision\":\"1.2\",\"flash_size\":8388608,\"partition_table_offset\":\"0x10000\","
        "\"runs\":\"none\",\"require_digest\":false,\"watchdog_ms\":250,\"bootloader\":{\"rollback\":false,"
        "\"factory_reset_pin\":9,\"factory_reset_labels\":\"nvs,cfg\",\"factory_reset_erases_otadata\":true,"
        "\"test_pin\":0,\"pin_level\":1},\"app\":{\"rollback\":false},\"inputs\":{\"9\":1,\"63\":0}}";
    assert_int_equal(parse(text, &s, why), ESP_OK);
    assert_string_equal(s.chip->name, "esp32s3");
    assert_int_equal(s.revision, 102);
    assert_int_equal(s.flash_size, 8 << 20);
    assert_int_equal(s.table_offset, 0x10000);
    assert_int_equal(s.runs, UD_LAB_RUNS_NONE);
    assert_false(s.require_digest || s.boot_rollback || s.app_rollback);
    assert_int_equal(s.watchdog_ms, 250);
    assert_int_equal(s.factory_reset_pin, 9);
    assert_string_equal(s.factory_reset_labels, "nvs,cfg");
    assert_true(s.factory_reset_erases_otadata);
    assert_int_equal(s.test_pin, 0);
    assert_int_equal(s.pin_level, 1);
    assert_true(s.inputs_driven == (UINT64_C(1) << 63 | 1u << 9));
    assert_true(s.inputs == 1u << 9);
}

static void what_is_printed_reads_back_the_same(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct ud_lab_settings s, back;
    ud_lab_settings_defaults(&s);
    s.chip = ud_chip_by_name("esp32");
    s.revision = 301;
    s.flash_size = 0x11000; /* no whole megabytes */
    s.runs = UD_LAB_RUNS_NONE;
    s.test_pin = 12;
    s.app_rollback = false;
    s.boot_anti_rollback = true;
    s.inputs_driven = UINT64_C(1) << 40 | 3;
    s.inputs = UINT64_C(1) << 40;
    char *text = ud_lab_settings_print(&s);
    assert_non_null(text);
    assert_int_equal(parse(text, &back, why), ESP_OK);
    assert_ptr_equal(back.chip, s.chip);
    assert_int_equal(back.revision, s.revision);
    assert_int_equal(back.flash_size, s.flash_size);
    assert_int_equal(back.runs, s.runs);
    assert_int_equal(back.test_pin, s.test_pin);
    assert_int_equal(back.factory_reset_pin, UD_LAB_NO_PIN);
    assert_true(back.boot_rollback);
    assert_false(back.app_rollback);
    assert_true(back.boot_anti_rollback && !back.app_anti_rollback);
    assert_true(back.inputs_driven == s.inputs_driven && back.inputs == s.inputs);
    free(text);
}

#define CHIP  "\"chip\":\"esp32c3\""
#define FLASH "\"flash_size\":\"4MB\""
#define BOTH  CHIP "," FLASH

static void a_refusal_names_the_key_and_the_file(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        { "", "not JSON (line 1)" },
        { "{" BOTH "\n", "not JSON (line 1)" },
        { "{" CHIP ",\n\"flash_size\" \"4MB\"}", "not JSON (line 2)" },
        { "{" BOTH "} x", "not JSON" },
        { "[]", "must be an object" },
        { "{" FLASH "}", "\"chip\" is missing" },
        { "{" CHIP "}", "\"flash_size\" is missing" },
        { "{\"chip\":\"esp8266\"," FLASH "}", "\"chip\" must be" },
        { "{\"chip\":\"host\"," FLASH "}", "\"chip\" must be" },
        { "{\"chip\":5," FLASH "}", "\"chip\" must be" },
        { "{" CHIP ",\"flash_size\":\"4Mb\"}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":\"4MBB\"}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":65537}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":-4096}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":4294967296}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":\"4097MB\"}", "\"flash_size\" must be" },
        { "{" CHIP ",\"flash_size\":\"512MB\"}", "cannot be" },
        { "{" CHIP ",\"flash_size\":4096}", "cannot be" },
        { "{" BOTH ",\"revision\":0.3}", "\"revision\" must be" },
        { "{" BOTH ",\"revision\":\"1\"}", "\"revision\" must be" },
        { "{" BOTH ",\"revision\":\"1.234\"}", "\"revision\" must be" },
        { "{" BOTH ",\"revision\":\"999.0\"}", "\"revision\" must be" },
        { "{" BOTH ",\"partition_table_offset\":\"0x8001\"}", "partition table at 0x8001" },
        { "{" BOTH ",\"partition_table_offset\":\"4MB\"}", "partition table at 0x400000" },
        { "{" BOTH ",\"runs\":\"linux\"}", "\"runs\" must be" },
        { "{" BOTH ",\"require_digest\":1}", "\"require_digest\" must be true or false" },
        { "{" BOTH ",\"watchdog_ms\":0}", "\"watchdog_ms\" must be" },
        { "{" BOTH ",\"watchdog_ms\":\"5000\"}", "\"watchdog_ms\" must be" },
        { "{" BOTH ",\"rollback\":true}", "\"rollback\" is not a setting" },
        { "{" BOTH ",\"bootloader\":{\"rolback\":true}}", "\"bootloader.rolback\" is not a setting" },
        { "{" BOTH ",\"bootloader\":{\"rollback\":false,\"anti_rollback\":true}}",
          "\"bootloader.anti_rollback\" needs \"rollback\"" },
        { "{" BOTH ",\"app\":{\"rollback\":false,\"anti_rollback\":true}}", "\"app.anti_rollback\" needs" },
        { "{" BOTH ",\"bootloader\":{\"rollback\":\"yes\"}}", "\"bootloader.rollback\" must be true or false" },
        { "{" BOTH ",\"bootloader\":{\"test_pin\":64}}", "\"bootloader.test_pin\" must be" },
        { "{" BOTH ",\"bootloader\":{\"pin_level\":2}}", "\"bootloader.pin_level\" must be" },
        { "{" BOTH ",\"bootloader\":[]}", "\"bootloader\" must be an object" },
        { "{" BOTH ",\"app\":true}", "\"app\" must be an object" },
        { "{" BOTH ",\"app\":{\"app\":{}}}", "\"app.app\" is not a setting" },
        { "{" BOTH ",\"inputs\":[1]}", "\"inputs\" must be an object" },
        { "{" BOTH ",\"inputs\":{\"64\":1}}", "\"64\" is not the number of a pin" },
        { "{" BOTH ",\"inputs\":{\"x\":1}}", "\"x\" is not the number of a pin" },
        { "{" BOTH ",\"inputs\":{\"3\":2}}", "pin \"3\" must be 0 or 1" },
        { "{" BOTH ",\"inputs\":{\"3\":1,\"3\":0}}", "pin \"3\" is there twice" },
        { "{" BOTH "," CHIP "}", "\"chip\" is there twice" },
        { "{" BOTH ",\"bootloader\":{\"factory_reset_labels\":\"0123456789012345678901234567890123456789"
          "012345678901234567890123456789\"}}",
          "\"bootloader.factory_reset_labels\" must be" },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        char why[UD_LAB_WHY];
        struct ud_lab_settings s;
        memset(&s, 0x5A, sizeof s);
        struct ud_lab_settings before = s;
        assert_int_equal(parse(rows[i].text, &s, why), ESP_ERR_INVALID_ARG);
        assert_says(why, "b.flash.json: ");
        assert_says(why, rows[i].says);
        assert_memory_equal(&s, &before, sizeof s);
    }
}

static void a_text_that_is_not_terminated_is_read_to_its_length(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct ud_lab_settings s;
    const char *text = "{" BOTH "}";
    size_t len = strlen(text);
    for (size_t n = 0; n <= len; n++) {
        char *exact = malloc(n ? n : 1); /* AddressSanitizer watches its end */
        assert_non_null(exact);
        memcpy(exact, text, n);
        assert_int_equal(ud_lab_settings_parse(exact, n, "b", &s, why, sizeof why),
                         n == len ? ESP_OK : ESP_ERR_INVALID_ARG);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_keys_keep_their_defaults),
        cmocka_unit_test(a_revision_that_is_not_said_is_the_usual_one_of_the_chip),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(a_refusal_names_the_key_and_the_file),
        cmocka_unit_test(a_text_that_is_not_terminated_is_read_to_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
