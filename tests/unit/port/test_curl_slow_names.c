/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name servers that do not answer. getaddrinfo of this program, which libcurl calls too, waits until a test lets it go:
 * a connection that is given up before that has not waited for it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "updraft/http.h"
#include "updraft/port_linux.h"

enum { PATIENCE_S = 20 }; /* so that a transport that does wait fails the test instead of hanging it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned asked, answered;
static bool let_go;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    struct timespec end;
    (void)name;
    (void)service;
    (void)hints;
    *found = NULL;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&lock);
    asked++;
    while (!let_go && pthread_cond_timedwait(&changed, &lock, &end) != ETIMEDOUT)
        ;
    answered++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

static void a_name_server_that_is_silent_holds_nobody_beyond_the_time_limit(void **state)
{
    (void)state;
    if (LIBCURL_VERSION_NUM < 0x075700) /* waits for its thread whatever it is told: port/linux/README.md */
        skip();
    setenv("no_proxy", "*", 1);
    for (unsigned n = 1; n <= 3; n++) {
        struct ud_http *h = NULL;
        const char *why = "";
        struct ud_http_env env = { .alloc = ud_linux_alloc(), .clock = ud_linux_clock() };
        assert_int_equal(ud_curl_transport_create(&env.transport), ESP_OK);
        struct ud_http_config cfg = { .url = "http://slow.test/", .timeout_ms = 50 };
        assert_int_equal(ud_http_create(&env, &cfg, &h), ESP_OK);
        assert_int_equal(ud_http_perform(h), ESP_ERR_HTTP_CONNECT);
        assert_int_equal(ud_http_last_tls_error(h, &why), ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT);
        assert_string_equal(why, "the connection timed out");
        ud_http_destroy(h);
        ud_curl_transport_destroy(&env.transport);
        pthread_mutex_lock(&lock);
        assert_int_equal(asked, n);
        assert_int_equal(answered, 0);
        pthread_mutex_unlock(&lock);
    }

    pthread_mutex_lock(&lock); /* what still asks ends by itself, and leaves nothing behind */
    let_go = true;
    pthread_cond_broadcast(&changed);
    while (answered < asked)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_server_that_is_silent_holds_nobody_beyond_the_time_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
