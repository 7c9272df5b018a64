/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board's lock: esp_ota_* and esp_partition_* are called from every callback and event handler of a running update,
 * while another thread reads and writes partitions all the time. Nothing deadlocks, nothing is torn, and ThreadSanitizer
 * finds nothing (this program runs under it too).
 */
#include <stdatomic.h>

#include "../unit/idf/fixture.h"

#include "esp_efuse.h"
#include "esp_event.h"
#include "esp_https_ota.h"
#include "esp_image_format.h"
#include "esp_log.h"
#include "esp_ota_ops.h"

enum where { IN_HTTP_HANDLER, IN_INIT_CALLBACK, IN_OTA_EVENT, IN_HTTP_EVENT, IN_LOG, IN_WORKER, PLACES };

static atomic_uint pokes[PLACES];
static atomic_bool stop;
static atomic_uint workers;
static atomic_uint wrong;
static _Thread_local bool is_poking;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            atomic_fetch_add(&wrong, 1);                                                                               \
        }                                                                                                              \
    } while (0)

static const esp_partition_t *part(const char *label)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, label);
}

/* A session on ota_2: several threads want it, one has it. */
static void try_session(void)
{
    esp_ota_handle_t h;
    esp_err_t err = esp_ota_begin(part("ota_2"), OTA_WITH_SEQUENTIAL_WRITES, &h);
    EXPECT(err == ESP_OK || err == ESP_ERR_OTA_ALREADY_IN_PROGRESS);
    if (err != ESP_OK)
        return;
    EXPECT(esp_ota_write(h, "\xE9 is no image", 12) == ESP_OK);
    EXPECT(esp_ota_write(h, "more of it", 10) == ESP_OK);
    EXPECT(esp_ota_end(h) == ESP_ERR_OTA_VALIDATE_FAILED); /* noted: a log line */
    EXPECT(esp_ota_abort(h) == ESP_ERR_NOT_FOUND);
}

/* Partitions that come and go while others are looked for; one thread has the place at a time. */
static void try_partition(void)
{
    const esp_partition_t *mine;
    esp_blockdev_handle_t dev;
    uint8_t byte;
    esp_err_t err = esp_partition_register_external(NULL, 0x1000, 0x1000, "mine", ESP_PARTITION_TYPE_DATA,
                                                    ESP_PARTITION_SUBTYPE_DATA_UNDEFINED, &mine);
    EXPECT(err == ESP_OK || err == ESP_ERR_INVALID_ARG);
    if (err != ESP_OK)
        return;
    EXPECT(part("mine") == mine);
    EXPECT(esp_partition_ptr_get_blockdev(mine, &dev) == ESP_OK);
    EXPECT(dev->ops->read(dev, &byte, 1, 0, 1) == ESP_OK && byte == 0xFF);
    EXPECT(dev->ops->release(dev) == ESP_OK);
    EXPECT(esp_partition_deregister_external(mine) == ESP_OK);
}

/* Several threads copy the same bytes to the same place, which no worker uses, and look at them. */
static void try_copy_and_mapping(void)
{
    const void *shown;
    esp_partition_mmap_handle_t mapping;
    EXPECT(esp_partition_copy(part("nvs"), 0x3000, part("ota_0"), 0, 600) == ESP_OK);
    EXPECT(esp_partition_mmap(part("ota_0"), 0, 600, ESP_PARTITION_MMAP_DATA, &shown, &mapping) == ESP_OK);
    EXPECT(*(const uint8_t *)shown == ESP_IMAGE_HEADER_MAGIC);
    esp_partition_munmap(mapping);
}

/* Everything that takes the lock. A call in here that logs leads back to here through the hook: once is enough. */
static void poke(enum where where)
{
    uint8_t bytes[64];
    esp_app_desc_t desc;
    esp_ota_img_states_t state;
    esp_ota_handle_t h;
    if (is_poking)
        return;
    is_poking = true;
    const esp_partition_t *phy = part("phy_init");
    EXPECT(esp_ota_get_running_partition() == part("ota_0"));
    EXPECT(esp_ota_get_boot_partition() != NULL);
    EXPECT(esp_ota_get_next_update_partition(NULL) == part("ota_1"));
    EXPECT(esp_ota_get_app_partition_count() == 3);
    EXPECT(esp_ota_get_partition_description(part("ota_0"), &desc) == ESP_OK);
    EXPECT(esp_ota_get_state_partition(part("ota_0"), &state) == ESP_OK);
    EXPECT(esp_ota_begin(part("ota_0"), 0, &h) == ESP_ERR_OTA_PARTITION_CONFLICT);
    (void)esp_ota_check_rollback_is_possible();
    (void)esp_ota_get_last_invalid_partition();
    EXPECT(esp_ota_mark_app_valid_cancel_rollback() == ESP_OK);
    try_session();
    EXPECT(esp_partition_read(phy, 0, bytes, sizeof bytes) == ESP_OK);
    EXPECT(esp_partition_erase_range(phy, 0, phy->erase_size) == ESP_OK);
    EXPECT(esp_partition_write(phy, 16, "\0\0\0\0", 4) == ESP_OK);
    EXPECT(esp_partition_get_sha256(part("ota_0"), bytes) == ESP_OK);
    EXPECT(esp_partition_check_identity(part("ota_0"), part("ota_0")));
    EXPECT(esp_efuse_update_secure_version(1) == ESP_OK);
    EXPECT(esp_efuse_read_secure_version() == 1);
    esp_image_bootloader_offset_set(0);
    (void)esp_image_verify_bootloader(NULL);
    try_partition();
    try_copy_and_mapping();
    is_poking = false;
    atomic_fetch_add(&pokes[where], 1);
}

static esp_err_t on_http(esp_http_client_event_t *evt)
{
    (void)evt;
    poke(IN_HTTP_HANDLER);
    return ESP_OK;
}

static esp_err_t on_init(esp_http_client_handle_t client)
{
    (void)client;
    poke(IN_INIT_CALLBACK);
    return ESP_OK;
}

static void on_ota_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    poke(IN_OTA_EVENT);
}

static void on_http_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    poke(IN_HTTP_EVENT);
}

static int on_log(const char *format, va_list args)
{
    char line[512];
    int n = vsnprintf(line, sizeof line, format, args);
    poke(IN_LOG);
    return n;
}

/* Its own sectors, so every byte that comes back must be the one that went in. */
static void work(void *arg)
{
    const esp_partition_t *nvs = part("nvs");
    uint32_t sector = (uint32_t)(uintptr_t)arg;
    uint8_t out[1500], in[1500];
    for (unsigned round = 0; !atomic_load(&stop) || round < 3; round++) {
        memset(out, (int)(round + sector), sizeof out);
        EXPECT(esp_partition_erase_range(nvs, sector * 4096, 4096) == ESP_OK);
        EXPECT(esp_partition_write(nvs, sector * 4096 + 7, out, sizeof out) == ESP_OK);
        EXPECT(esp_partition_read(nvs, sector * 4096 + 7, in, sizeof in) == ESP_OK);
        EXPECT(memcmp(in, out, sizeof in) == 0);
        EXPECT(esp_partition_write(nvs, 0x5000, out, 1) == ESP_ERR_INVALID_ARG);
        if (round % 8 == 0)
            poke(IN_WORKER);
    }
    atomic_fetch_sub(&workers, 1);
}

static void start_workers(void)
{
    struct ud_os os = ud_linux_os();
    atomic_store(&stop, false);
    atomic_store(&workers, 2);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(os.ops->thread_start(os.ctx, "worker", 65536, work, (void *)i), ESP_OK);
}

static void end_workers(void)
{
    struct ud_clock clock = ud_linux_clock();
    atomic_store(&stop, true);
    while (atomic_load(&workers) > 0)
        ud_clock_wait_us(&clock, 1000);
}

/* The memory is the system's; leaks are the sanitizer's to find. */
static void go(struct fixture *f)
{
    struct ud_idf_env env = {
        .board = &f->t.board,
        .config = &f->config,
        .os = ud_linux_os(),
        .alloc = ud_linux_alloc(),
        .transport_create = fixture_transport,
        .transport_destroy = fixture_transport_end,
        .transport_ctx = f,
    };
    assert_int_equal(ud_idf_start(&env), ESP_OK);
}

/* As the firmware's start-up does it: a real lock, a real clock, notes to the log. */
static void set_up(struct fixture *f, struct ud_crypto *crypto, struct ud_observer *log)
{
    fixture_init(f, &(struct test_layout){ .ota = { 0, 1, 2 }, .ota_count = 3, .otadata = UD_OTADATA_PRESENT });
    *crypto = ud_openssl_crypto();
    *log = ud_idf_log_observer();
    f->t.board.crypto = crypto;
    f->t.board.obs = log;
    f->t.flash.observer = log;
    f->t.board.clock = ud_linux_clock();
    f->config.log_default_level = ESP_LOG_VERBOSE;
    assert_int_equal(ud_linux_lock_create(&f->t.board.lock), ESP_OK);
    test_board_put_entry(&f->t, 0, 1, UD_OTA_VALID);
    go(f);
    for (int i = 0; i < PLACES; i++)
        atomic_store(&pokes[i], 0);
}

static void tear_down(struct fixture *f)
{
    ud_idf_stop();
    ud_linux_lock_destroy(&f->t.board.lock);
    test_board_deinit(&f->t);
}

static void every_callback_may_call_everything(void **state)
{
    struct fixture f;
    struct ud_crypto crypto;
    struct ud_observer log;
    uint32_t len;
    char head[96];
    (void)state;
    set_up(&f, &crypto, &log);
    uint8_t *image = test_image_make(&(struct test_image){ .payload = 20000 }, &len);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)len);
    struct ud_mem_step steps[] = {
        { .kind = UD_MEM_RECV, .data = head, .len = strlen(head) },
        { .kind = UD_MEM_RECV, .data = image, .len = len, .piece = 1000 },
    };
    f.server.step = steps;
    f.server.step_count = 2;
    esp_log_set_vprintf(on_log);
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_HTTPS_OTA_EVENT, ESP_EVENT_ANY_ID, on_ota_event, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_HTTP_CLIENT_EVENT, ESP_EVENT_ANY_ID, on_http_event, NULL), ESP_OK);
    start_workers();
    esp_http_client_config_t http = {
        .url = "https://host/fw.bin", .cert_pem = "ca", .event_handler = on_http, .buffer_size = 2048
    };
    esp_https_ota_config_t ota = { .http_config = &http, .http_client_init_cb = on_init };
    assert_int_equal(esp_https_ota(&ota), ESP_OK);
    end_workers();
    assert_ptr_equal(esp_ota_get_boot_partition(), part("ota_1"));
    assert_memory_equal(f.t.bytes + part("ota_1")->address, image, len);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    assert_int_equal(atomic_load(&wrong), 0);
    for (int i = 0; i < PLACES; i++)
        assert_true(atomic_load(&pokes[i]) > 0);
    tear_down(&f);
    free(image);
}

/* A failing flash is told from inside the lock; the listener still may call everything. */
static void note_of_a_failing_flash_may_call_everything(void **state)
{
    struct fixture f;
    struct ud_crypto crypto;
    struct ud_observer log;
    (void)state;
    set_up(&f, &crypto, &log);
    esp_log_set_vprintf(on_log);
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 0);
    assert_int_equal(esp_partition_erase_range(part("nvs"), 0, 4096), ESP_ERR_FLASH_OP_FAIL);
    assert_true(atomic_load(&pokes[IN_LOG]) > 0);
    assert_int_equal(atomic_load(&wrong), 0);
    tear_down(&f);
}

/* Two threads, one handle: the second waits for the first, and bytes come in whole pieces. */
static atomic_uint shared_handle;

static void write_pieces(void *arg)
{
    uint8_t piece[4096];
    memset(piece, (int)(uintptr_t)arg, sizeof piece);
    for (int i = 0; i < 4; i++)
        EXPECT(esp_ota_write(atomic_load(&shared_handle), piece, sizeof piece) == ESP_OK);
    atomic_fetch_sub(&workers, 1);
}

static void one_handle_in_two_threads_is_serialised(void **state)
{
    struct fixture f;
    struct ud_crypto crypto;
    struct ud_observer log;
    struct ud_os os = ud_linux_os();
    esp_ota_handle_t h;
    (void)state;
    set_up(&f, &crypto, &log);
    esp_log_level_set("*", ESP_LOG_NONE);
    assert_int_equal(esp_ota_begin(part("nvs"), OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_ota_begin(part("ota_2"), OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    uint8_t first[4096];
    memset(first, 0xE9, sizeof first);
    assert_int_equal(esp_ota_write(h, first, sizeof first), ESP_OK);
    atomic_store(&shared_handle, h);
    atomic_store(&workers, 2);
    for (uintptr_t i = 1; i <= 2; i++)
        assert_int_equal(os.ops->thread_start(os.ctx, "writer", 65536, write_pieces, (void *)(i * 0x11)), ESP_OK);
    end_workers();
    const uint8_t *at = f.t.bytes + part("ota_2")->address + 4096;
    unsigned counts[2] = { 0, 0 };
    for (int i = 0; i < 8; i++, at += 4096) {
        assert_true(at[0] == 0x11 || at[0] == 0x22);
        counts[at[0] == 0x22]++;
        for (int j = 1; j < 4096; j++)
            assert_int_equal(at[j], at[0]);
    }
    assert_int_equal(counts[0], 4);
    assert_int_equal(esp_ota_end(h), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(atomic_load(&wrong), 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_callback_may_call_everything),
        cmocka_unit_test(note_of_a_failing_flash_may_call_everything),
        cmocka_unit_test(one_handle_in_two_threads_is_serialised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
