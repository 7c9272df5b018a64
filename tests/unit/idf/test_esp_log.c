/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as text: form, levels, colour, buffers. They are caught by the hook that applications have for it. */
#include "fixture.h"

#include "esp_err.h"
#include "esp_log.h"

static char caught[4096];
static size_t caught_len;

static int catch_text(const char *format, va_list args)
{
    int n = vsnprintf(caught + caught_len, sizeof caught - caught_len, format, args);
    assert_true(n >= 0 && (size_t)n < sizeof caught - caught_len);
    caught_len += (size_t)n;
    return n;
}

static void start(struct fixture *f, bool terminal)
{
    fixture_init(f, NULL);
    f->config.log_default_level = ESP_LOG_INFO;
    struct ud_idf_env env = {
        .board = &f->t.board,
        .config = &f->config,
        .os = ud_linux_os(),
        .alloc = fixture_alloc(&f->memory),
        .terminal = terminal,
    };
    f->t.clock.now_us = 5000000;
    assert_int_equal(ud_idf_start(&env), ESP_OK);
    caught_len = 0;
    caught[0] = '\0';
    esp_log_set_vprintf(catch_text);
}

static void lines_have_level_time_tag_and_message(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, false);
    ESP_LOGI("app", "hello");
    f.t.clock.now_us += 1234567;
    ESP_LOGW("app", "%d of %s", 3, "five");
    ESP_LOGE("app", "bad");
    ESP_EARLY_LOGE("app", "early");
    assert_string_equal(caught, "I (0) app: hello\nW (1234) app: 3 of five\nE (1234) app: bad\nE (1234) app: early\n");
    assert_int_equal(esp_log_timestamp(), 1234);
    assert_int_equal(esp_log_early_timestamp(), 1234);
    fixture_stop(&f);
}

static void levels_are_kept_for_each_tag(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, false);
    ESP_LOGD("a", "no");
    esp_log_level_set("a", ESP_LOG_DEBUG);
    ESP_LOGD("a", "yes");
    ESP_LOGV("a", "no");
    ESP_LOGD("b", "no");
    esp_log_level_set("a", ESP_LOG_NONE);
    ESP_LOGE("a", "no");
    assert_int_equal(esp_log_level_get("a"), ESP_LOG_NONE);
    assert_int_equal(esp_log_level_get("b"), ESP_LOG_INFO);
    esp_log_level_set("*", ESP_LOG_WARN); /* forgets the others */
    ESP_LOGI("a", "no");
    ESP_LOGW("a", "again");
    esp_log_write(ESP_LOG_INFO, "a", "no");
    esp_log_write(ESP_LOG_ERROR, "a", "as it is %d", 1);
    assert_string_equal(caught, "D (0) a: yes\nW (0) a: again\nas it is 1");
    fixture_stop(&f);
}

static void lines_are_coloured_on_a_terminal_only(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, true);
    ESP_LOGE("a", "x");
    ESP_LOGW("a", "x");
    ESP_LOGI("a", "x");
    esp_log_level_set("a", ESP_LOG_VERBOSE);
    ESP_LOGD("a", "x");
    f.config.log_colors = 0;
    ESP_LOGE("a", "x");
    assert_string_equal(caught, "\033[0;31mE (0) a: x\033[0m\n\033[0;33mW (0) a: x\033[0m\n"
                                "\033[0;32mI (0) a: x\033[0m\nD (0) a: x\nE (0) a: x\n");
    fixture_stop(&f);
}

static void long_lines_are_whole(void **state)
{
    struct fixture f;
    char text[2001];
    (void)state;
    start(&f, true);
    memset(text, 'q', 2000);
    text[2000] = '\0';
    ESP_LOGI("a", "%s", text);
    assert_int_equal(caught_len, 2000 + strlen("\033[0;32mI (0) a: \033[0m\n"));
    assert_string_equal(caught + caught_len - 6, "q\033[0m\n");
    fixture_stop(&f);
}

static void buffers_are_printed_sixteen_bytes_a_line(void **state)
{
    struct fixture f;
    uint8_t bytes[18];
    char want[256];
    (void)state;
    start(&f, false);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(0x3F + i);
    bytes[1] = 0;
    ESP_LOG_BUFFER_HEX("h", bytes, sizeof bytes);
    assert_string_equal(caught, "I (0) h: 3f 00 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e \nI (0) h: 4f 50 \n");
    caught_len = 0;
    bytes[1] = '@';
    ESP_LOG_BUFFER_CHAR("c", bytes, sizeof bytes);
    assert_string_equal(caught, "I (0) c: ?@ABCDEFGHIJKLMN\nI (0) c: OP\n");
    caught_len = 0;
    bytes[1] = 0;
    ESP_LOG_BUFFER_HEXDUMP("d", bytes, 17, ESP_LOG_WARN);
    snprintf(want, sizeof want,
             "W (0) d: %p   3f 00 41 42 43 44 45 46  47 48 49 4a 4b 4c 4d 4e  |?.ABCDEFGHIJKLMN|\n"
             "W (0) d: %p   4f %46s |O|\n",
             (void *)bytes, (void *)(bytes + 16), "");
    assert_string_equal(caught, want);
    caught_len = 0;
    caught[0] = '\0';
    ESP_LOG_BUFFER_HEX("h", bytes, 0);
    ESP_LOG_BUFFER_HEX_LEVEL("h", bytes, 4, ESP_LOG_DEBUG);
    assert_string_equal(caught, "");
    fixture_stop(&f);
}

static void codes_have_names(void **state)
{
    struct fixture f;
    char buf[64];
    (void)state;
    start(&f, false);
    assert_string_equal(esp_err_to_name(ESP_OK), "ESP_OK");
    assert_string_equal(esp_err_to_name(ESP_FAIL), "ESP_FAIL");
    assert_string_equal(esp_err_to_name(ESP_ERR_OTA_VALIDATE_FAILED), "ESP_ERR_OTA_VALIDATE_FAILED");
    assert_string_equal(esp_err_to_name(0x7777777), "ERROR");
    assert_string_equal(esp_err_to_name_r(ESP_ERR_NO_MEM, buf, 8), "ESP_ERR");
    assert_string_equal(esp_err_to_name_r(0x7777777, buf, sizeof buf), "ERROR 0x7777777(125269879)");
    assert_string_equal(esp_err_to_name_r(2, buf, sizeof buf), strerror(2));
    f.config.err_to_name_lookup = false;
    assert_string_equal(esp_err_to_name(0x7777777), "UNKNOWN ERROR");
    assert_int_equal(ESP_ERROR_CHECK_WITHOUT_ABORT(ESP_OK), ESP_OK);
    assert_int_equal(ESP_ERROR_CHECK_WITHOUT_ABORT(ESP_ERR_TIMEOUT), ESP_ERR_TIMEOUT);
    ESP_ERROR_CHECK(ESP_OK);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_level_time_tag_and_message),    cmocka_unit_test(levels_are_kept_for_each_tag),
        cmocka_unit_test(lines_are_coloured_on_a_terminal_only),    cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(buffers_are_printed_sixteen_bytes_a_line), cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
