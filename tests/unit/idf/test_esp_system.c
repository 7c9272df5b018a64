/* SPDX-License-Identifier: Apache-2.0 */
/* Restart, reset reason, random numbers, the running application's description, the checks that leave. */
#include "fixture.h"

#include "esp_app_desc.h"
#include "esp_check.h"
#include "esp_idf_version.h"
#include "esp_random.h"
#include "esp_system.h"

static char order[16];

static void first(void)
{
    strncat(order, "1", sizeof order - strlen(order) - 1);
}

static void second(void)
{
    strncat(order, "2", sizeof order - strlen(order) - 1);
}

static void third(void)
{
    strncat(order, "3", sizeof order - strlen(order) - 1);
}

static void restart_runs_the_handlers_backwards_and_never_returns(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f);
    order[0] = '\0';
    assert_int_equal(esp_register_shutdown_handler(first), ESP_OK);
    assert_int_equal(esp_register_shutdown_handler(second), ESP_OK);
    assert_int_equal(esp_register_shutdown_handler(third), ESP_OK);
    assert_int_equal(esp_register_shutdown_handler(second), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_unregister_shutdown_handler(second), ESP_OK);
    assert_int_equal(esp_unregister_shutdown_handler(second), ESP_ERR_INVALID_STATE);
    f.catches_restart = true;
    if (setjmp(f.restarted) == 0)
        esp_restart();
    assert_string_equal(order, "31");
    fixture_stop(&f);
    fixture_start(&f); /* a new world has no handlers */
    f.catches_restart = true;
    if (setjmp(f.restarted) == 0)
        esp_restart();
    assert_string_equal(order, "31");
    fixture_stop(&f);
}

static void reset_reason_is_the_boards(void **state)
{
    struct fixture f;
    (void)state;
    assert_int_equal(esp_reset_reason(), ESP_RST_UNKNOWN);
    fixture_start(&f);
    assert_int_equal(esp_reset_reason(), ESP_RST_POWERON);
    f.t.board.reset_reason = UD_RESET_PANIC;
    assert_int_equal(esp_reset_reason(), ESP_RST_PANIC);
    f.t.board.reset_reason = UD_RESET_TASK_WDT;
    assert_int_equal(esp_reset_reason(), ESP_RST_TASK_WDT);
    fixture_stop(&f);
}

static void random_numbers_differ(void **state)
{
    struct fixture f;
    uint8_t zero[32] = { 0 }, buf[32] = { 0 };
    (void)state;
    fixture_start(&f);
    esp_fill_random(buf, sizeof buf);
    assert_memory_not_equal(buf, zero, sizeof buf);
    assert_true(esp_random() != esp_random() || esp_random() != esp_random());
    fixture_stop(&f);
}

static void description_is_that_of_the_running_slot(void **state)
{
    struct fixture f;
    char text[16];
    (void)state;
    assert_int_equal(esp_app_get_description()->magic_word, ESP_APP_DESC_MAGIC_WORD);
    assert_string_equal(esp_app_get_description()->version, "");
    fixture_init(&f, NULL);
    uint8_t sha[] = { 0xAB, 0xCD, 0x01, 0x23, 0x45 };
    const struct ud_partition *p = test_board_part(&f.t, "ota_0");
    test_board_put_bytes(&f.t, p->addr + 32 + 144, sha, sizeof sha);
    fixture_go(&f);
    assert_string_equal(esp_app_get_description()->version, "1.0.0");
    assert_memory_equal(esp_app_get_description(), f.t.bytes + p->addr + 32, 256);
    assert_memory_equal(ud_idf_running_desc(), f.t.bytes + p->addr + 32, 256);
    assert_int_equal(esp_app_get_elf_sha256(text, sizeof text), 10);
    assert_string_equal(text, "abcd01234");
    assert_int_equal(esp_app_get_elf_sha256(text, 4), 4);
    assert_string_equal(text, "abc");
    assert_int_equal(esp_app_get_elf_sha256(text, 1), 0);
    assert_int_equal(esp_app_get_elf_sha256(NULL, 9), 0);
    assert_string_equal(esp_app_get_elf_sha256_str(), "abcd01234");
    fixture_stop(&f);
}

static esp_err_t leave_by(int how, esp_err_t code, int *cleaned)
{
    esp_err_t ret = ESP_OK;
    if (how == 0)
        ESP_RETURN_ON_ERROR(code, "t", "number %d", how);
    if (how == 1)
        ESP_GOTO_ON_ERROR(code, done, "t", "no arguments");
    if (how == 2)
        ESP_RETURN_ON_FALSE(code == ESP_OK, ESP_ERR_TIMEOUT, "t", "no arguments");
    if (how == 3)
        ESP_GOTO_ON_FALSE_ISR(code == ESP_OK, ESP_ERR_INVALID_CRC, done, "t", "number %d", how);
    if (how == 4)
        ESP_RETURN_ON_ERROR_CLEANUP(code, (*cleaned)++);
    return ESP_ERR_NOT_FINISHED;
done:
    (*cleaned)++;
    return ret;
}

static void checks_leave_on_failure_only(void **state)
{
    static const esp_err_t want[] = { ESP_FAIL, ESP_FAIL, ESP_ERR_TIMEOUT, ESP_ERR_INVALID_CRC, ESP_FAIL };
    static const int cleaned[] = { 0, 1, 0, 1, 1 };
    struct fixture f;
    (void)state;
    fixture_start(&f);
    for (int i = 0; i < 5; i++) {
        int n = 0;
        assert_int_equal(leave_by(i, ESP_OK, &n), ESP_ERR_NOT_FINISHED);
        assert_int_equal(n, 0);
        assert_int_equal(leave_by(i, ESP_FAIL, &n), want[i]);
        assert_int_equal(n, cleaned[i]);
    }
    fixture_stop(&f);
}

static void there_is_one_world(void **state)
{
    struct fixture f;
    struct ud_idf_env env = { 0 };
    (void)state;
    assert_null(ud_idf_env());
    assert_null(ud_idf_ota());
    ud_idf_stop(); /* nothing to stop */
    fixture_start(&f);
    assert_ptr_equal(ud_idf_env()->board, &f.t.board);
    env = *ud_idf_env();
    assert_int_equal(ud_idf_start(&env), ESP_ERR_INVALID_STATE);
    assert_true(ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0));
    assert_string_equal(esp_get_idf_version(), "v6.2.0-updraft");
    fixture_stop(&f);
    assert_null(ud_idf_env());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_runs_the_handlers_backwards_and_never_returns),
        cmocka_unit_test(reset_reason_is_the_boards),
        cmocka_unit_test(random_numbers_differ),
        cmocka_unit_test(description_is_that_of_the_running_slot),
        cmocka_unit_test(checks_leave_on_failure_only),
        cmocka_unit_test(there_is_one_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
