/* SPDX-License-Identifier: Apache-2.0 */
/* A board's lock: one error-checking mutex, so that taking it twice in a thread is found instead of hanging. */
#include "updraft/port_linux.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Only a defect of ours can bring us here; going on would corrupt flash. */
static void must_succeed(int code, const char *what)
{
    if (code == 0)
        return;
    fprintf(stderr, "updraft: the board's lock was %s by a thread that may not\n", what);
    abort();
}

static void take(void *ctx)
{
    must_succeed(pthread_mutex_lock(ctx), "taken");
}

static void give(void *ctx)
{
    must_succeed(pthread_mutex_unlock(ctx), "given back");
}

esp_err_t ud_linux_lock_create(struct ud_lock *lock)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *mutex = malloc(sizeof *mutex);
    if (!mutex)
        return ESP_ERR_NO_MEM;
    if (pthread_mutexattr_init(&attr) != 0) {
        free(mutex);
        return ESP_ERR_NO_MEM;
    }
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    int code = pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    if (code != 0) {
        free(mutex);
        return ESP_ERR_NO_MEM;
    }
    *lock = (struct ud_lock){ take, give, mutex };
    return ESP_OK;
}

void ud_linux_lock_destroy(struct ud_lock *lock)
{
    if (lock->take == take) {
        pthread_mutex_destroy(lock->ctx);
        free(lock->ctx);
    }
    *lock = (struct ud_lock){ NULL, NULL, NULL };
}
