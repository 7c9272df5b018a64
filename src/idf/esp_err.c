/* SPDX-License-Identifier: Apache-2.0 */
/* Names of codes and the end of a failed ESP_ERROR_CHECK: the face of base/err.c. */
#include "esp_err.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"

/* The list's own word for a code that it does not know. */
static bool is_known(esp_err_t code)
{
    return strcmp(ud_err_name(code), "ERROR") != 0;
}

static const char *unknown(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    return !env || env->config->err_to_name_lookup ? "ERROR" : "UNKNOWN ERROR";
}

const char *esp_err_to_name(esp_err_t code)
{
    return is_known(code) ? ud_err_name(code) : unknown();
}

const char *esp_err_to_name_r(esp_err_t code, char *buf, size_t buflen)
{
    if (buflen == 0)
        return buf;
    if (is_known(code))
        snprintf(buf, buflen, "%s", ud_err_name(code));
    else if (code > 0 && strncmp(strerror(code), "Unknown error", 13) != 0)
        snprintf(buf, buflen, "%s", strerror(code));
    else
        snprintf(buf, buflen, "%s 0x%x(%d)", unknown(), (unsigned)code, code);
    return buf;
}

static void tell(const char *macro, esp_err_t rc, const char *file, int line, const char *function,
                 const char *expression)
{
    fflush(stdout);
    fprintf(stderr, "%s failed: esp_err_t 0x%x (%s) at %p\n", macro, (unsigned)rc, esp_err_to_name(rc),
            __builtin_return_address(0));
    fprintf(stderr, "file: \"%s\" line %d\nfunc: %s\nexpression: %s\n", file, line, function, expression);
    fflush(stderr);
}

void _esp_error_check_failed(esp_err_t rc, const char *file, int line, const char *function, const char *expression)
{
    tell("ESP_ERROR_CHECK", rc, file, line, function, expression);
    abort();
}

void _esp_error_check_failed_without_abort(esp_err_t rc, const char *file, int line, const char *function,
                                           const char *expression)
{
    tell("ESP_ERROR_CHECK_WITHOUT_ABORT", rc, file, line, function, expression);
}
