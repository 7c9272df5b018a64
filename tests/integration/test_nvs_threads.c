/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVS from several threads, from a handler of log lines, and while a partition comes and goes: nothing deadlocks,
 * nothing is torn, and ThreadSanitizer finds nothing (this program runs under it too).
 */
#include <stdatomic.h>

#include "../unit/idf/fixture.h"

#include "esp_log.h"
#include "nvs_flash.h"

#define THREADS 3u

static atomic_uint running, wrong, logged;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            atomic_fetch_add(&wrong, 1);                                                                               \
        }                                                                                                              \
    } while (0)

/* A listener may call back: what was noted is told when the lock was given back. */
static int on_log(const char *format, va_list args)
{
    char line[256];
    nvs_handle_t h;
    int n = vsnprintf(line, sizeof line, format, args);
    esp_err_t err = nvs_open("log", NVS_READWRITE, &h);
    if (err == ESP_OK) {
        EXPECT(nvs_set_u32(h, "lines", atomic_fetch_add(&logged, 1)) == ESP_OK);
        nvs_close(h);
    }
    return n;
}

static void work(void *arg)
{
    char key[16], text[64], back[64];
    snprintf(key, sizeof key, "thread%u", (unsigned)(uintptr_t)arg);
    for (unsigned round = 0; round < 150; round++) {
        nvs_handle_t h;
        nvs_iterator_t it;
        size_t len = sizeof back;
        EXPECT(nvs_open("shared", NVS_READWRITE, &h) == ESP_OK);
        snprintf(text, sizeof text, "%s was here for the %uth time, and leaves", key, round);
        EXPECT(nvs_set_str(h, key, text) == ESP_OK);
        EXPECT(nvs_get_str(h, key, back, &len) == ESP_OK && strcmp(text, back) == 0);
        for (esp_err_t err = nvs_entry_find("nvs", "shared", NVS_TYPE_ANY, &it); err == ESP_OK;)
            err = nvs_entry_next(&it);
        if (round % 16 == 0)
            ESP_LOGI("test", "round %u of %s", round, key);
        nvs_close(h);
    }
    atomic_fetch_sub(&running, 1);
}

/* Another partition is mounted, used, unmounted and erased by one more thread. */
static void come_and_go(void *arg)
{
    const esp_partition_t *more = arg;
    for (unsigned round = 0; round < 30; round++) {
        nvs_handle_t h;
        uint32_t value = 0;
        EXPECT(nvs_flash_init_partition("more") == ESP_OK);
        EXPECT(nvs_open_from_partition("more", "a", NVS_READWRITE, &h) == ESP_OK);
        EXPECT(nvs_set_u32(h, "round", round) == ESP_OK);
        EXPECT(nvs_get_u32(h, "round", &value) == ESP_OK && value == round);
        EXPECT((round % 2 ? nvs_flash_deinit_partition("more") : nvs_flash_erase_partition_ptr(more)) == ESP_OK);
        EXPECT(nvs_set_u32(h, "round", 0) == ESP_ERR_NVS_INVALID_HANDLE);
    }
    atomic_fetch_sub(&running, 1);
}

static void values_of_threads_are_whole(void **state)
{
    (void)state;
    struct fixture f;
    struct ud_os os = ud_linux_os();
    struct ud_clock clock = ud_linux_clock();
    struct ud_lock lock;
    const esp_partition_t *more;
    fixture_init(&f, NULL);
    f.config.log_default_level = ESP_LOG_INFO;
    assert_int_equal(ud_linux_lock_create(&lock), ESP_OK);
    f.t.board.lock = lock; /* that of the test board is for one thread */
    fixture_go(&f);
    esp_log_set_vprintf(on_log);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(esp_partition_register_external(NULL, 0x1000, 0x3000, "more", ESP_PARTITION_TYPE_DATA,
                                                     ESP_PARTITION_SUBTYPE_DATA_NVS, &more),
                     ESP_OK);
    assert_int_equal(esp_partition_erase_range(more, 0, 0x3000), ESP_OK);
    atomic_store(&running, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(os.ops->thread_start(os.ctx, "worker", 262144, work, (void *)i), ESP_OK);
    assert_int_equal(os.ops->thread_start(os.ctx, "mounter", 262144, come_and_go, (void *)(uintptr_t)more), ESP_OK);
    while (atomic_load(&running) > 0)
        ud_clock_wait_us(&clock, 1000);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&logged) >= THREADS * 9);
    esp_log_set_vprintf(vprintf);
    ud_idf_stop();
    assert_int_equal(f.memory.out, 0);
    f.t.board.lock = (struct ud_lock){ 0 };
    ud_linux_lock_destroy(&lock);
    test_board_deinit(&f.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_threads_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
