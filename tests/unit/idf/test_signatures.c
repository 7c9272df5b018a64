/* SPDX-License-Identifier: Apache-2.0 */
/* The signatures of esp_https_ota in C, with compound literals. tests/integration has the same in C++. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "signatures.h"

static void either_type_is_taken(void **state)
{
    (void)state;
    assert_int_equal(call_by_type(), 0);
}

static void compound_literals_are_taken(void **state)
{
    (void)state;
    assert_int_equal(esp_https_ota(&(esp_http_client_config_t){
                         .url = "https://host/fw.bin",
                         .cert_pem = "ca",
                         .timeout_ms = 5000,
                     }),
                     OLDER_RESULT);
    assert_int_equal(esp_https_ota(&(const esp_https_ota_config_t){
                         .http_config = &(esp_http_client_config_t){ .url = "https://host/fw.bin", .cert_pem = "ca" },
                         .ota_resumption = true,
                         .bulk_flash_erase = true,
                     }),
                     TODAY_RESULT);
}

static void address_is_todays_function(void **state)
{
    (void)state;
    assert_int_equal(call_by_address(), 0);
}

static esp_err_t with_side_effect(const esp_http_client_config_t **at)
{
    return esp_https_ota((*at)++); /* evaluated once */
}

static void argument_is_evaluated_once(void **state)
{
    static const esp_http_client_config_t two[2];
    const esp_http_client_config_t *at = two;
    (void)state;
    assert_int_equal(with_side_effect(&at), OLDER_RESULT);
    assert_ptr_equal(at, two + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_type_is_taken),
        cmocka_unit_test(compound_literals_are_taken),
        cmocka_unit_test(address_is_todays_function),
        cmocka_unit_test(argument_is_evaluated_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
