/* SPDX-License-Identifier: Apache-2.0 */
/* esp_https_ota against a scripted server in memory: results, handles, queries, events, what is in flash and boots. */
#include "fixture.h"
#include "image_kit.h"

#include "esp_https_ota.h"
#include "esp_ota_ops.h"

#define CLOSED                                                                                                         \
    {                                                                                                                  \
        .kind = UD_MEM_EOF                                                                                             \
    }

enum { MAX_STEPS = 16, MAX_EVENTS = 128 };

struct seen {
    int32_t id;
    int value; /* payload, -1 none */
};

static struct {
    void *mutex, *changed;
    struct seen event[MAX_EVENTS];
    unsigned count;
    bool settled;
} events;

ESP_EVENT_DEFINE_BASE(SETTLE);

struct bench {
    struct fixture f;
    struct ud_mem_step step[MAX_STEPS];
    unsigned steps;
    char head[512];
    uint8_t *image;
    uint32_t len;
    esp_http_client_config_t http;
    esp_https_ota_config_t ota;
};

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void on_ota(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    struct ud_os os = ud_linux_os();
    struct seen s = { id, -1 };
    (void)arg;
    (void)base;
    if (id == ESP_HTTPS_OTA_VERIFY_CHIP_ID)
        s.value = *(esp_chip_id_t *)data;
    else if (id == ESP_HTTPS_OTA_VERIFY_CHIP_REVISION)
        s.value = *(uint16_t *)data;
    else if (id == ESP_HTTPS_OTA_WRITE_FLASH)
        s.value = *(int *)data;
    else if (id == ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION)
        s.value = (int)*(esp_partition_subtype_t *)data;
    else
        assert_null(data);
    os.ops->mutex_lock(os.ctx, events.mutex);
    assert_true(events.count < MAX_EVENTS);
    events.event[events.count++] = s;
    os.ops->mutex_unlock(os.ctx, events.mutex);
}

static void on_settle(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    struct ud_os os = ud_linux_os();
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    os.ops->mutex_lock(os.ctx, events.mutex);
    events.settled = true;
    os.ops->cond_broadcast(os.ctx, events.changed);
    os.ops->mutex_unlock(os.ctx, events.mutex);
}

static void settle(void)
{
    struct ud_os os = ud_linux_os();
    events.settled = false;
    assert_int_equal(esp_event_post(SETTLE, 0, NULL, 0, portMAX_DELAY), ESP_OK);
    os.ops->mutex_lock(os.ctx, events.mutex);
    while (!events.settled)
        os.ops->cond_wait(os.ctx, events.changed, events.mutex, UINT64_MAX);
    os.ops->mutex_unlock(os.ctx, events.mutex);
}

/* The ids in order, repetitions of WRITE_FLASH as one. */
static void assert_events(const int32_t *want, unsigned n)
{
    unsigned at = 0;
    settle();
    for (unsigned i = 0; i < events.count; i++) {
        if (i > 0 && events.event[i].id == ESP_HTTPS_OTA_WRITE_FLASH &&
            events.event[i - 1].id == ESP_HTTPS_OTA_WRITE_FLASH)
            continue;
        assert_true(at < n);
        assert_int_equal(events.event[i].id, want[at++]);
    }
    assert_int_equal(at, n);
    events.count = 0;
}
#define ASSERT_EVENTS(...)                                                                                             \
    assert_events((const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

/* ---- bench ------------------------------------------------------------------------------------------------------ */

static void set_up(struct bench *b, const struct test_image *image)
{
    struct ud_os os = ud_linux_os();
    memset(b, 0, sizeof *b);
    memset(&events, 0, sizeof events);
    assert_int_equal(os.ops->mutex_create(os.ctx, false, &events.mutex), ESP_OK);
    assert_int_equal(os.ops->cond_create(os.ctx, &events.changed), ESP_OK);
    fixture_start(&b->f);
    b->image = test_image_make(image, &b->len);
    b->http = (esp_http_client_config_t){ .url = "https://host/fw.bin", .cert_pem = "ca", .timeout_ms = 100 };
    b->ota = (esp_https_ota_config_t){ .http_config = &b->http };
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(ESP_HTTPS_OTA_EVENT, ESP_EVENT_ANY_ID, on_ota, NULL), ESP_OK);
    assert_int_equal(esp_event_handler_register(SETTLE, 0, on_settle, NULL), ESP_OK);
}

static void tear_down(struct bench *b)
{
    struct ud_os os = ud_linux_os();
    assert_int_equal(b->f.transports, 0);
    assert_false(b->f.server.is_open);
    fixture_stop(&b->f);
    free(b->image);
    os.ops->cond_destroy(os.ctx, events.changed);
    os.ops->mutex_destroy(os.ctx, events.mutex);
}

static void step(struct bench *b, struct ud_mem_step s)
{
    assert_true(b->steps < MAX_STEPS);
    b->step[b->steps++] = s;
    b->f.server.step = b->step;
    b->f.server.step_count = b->steps;
}

static void text(struct bench *b, const char *t)
{
    step(b, (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = t, .len = strlen(t) });
}

static void body(struct bench *b, uint32_t from, uint32_t to, size_t piece)
{
    step(b, (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = b->image + from, .len = to - from, .piece = piece });
}

static void honest(struct bench *b)
{
    snprintf(b->head, sizeof b->head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)b->len);
    text(b, b->head);
    body(b, 0, b->len, 700);
}

static const esp_partition_t *slot(const char *label)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, label);
}

static void assert_installed(struct bench *b)
{
    assert_memory_equal(b->f.t.bytes + slot("ota_1")->address, b->image, b->len);
    assert_ptr_equal(esp_ota_get_boot_partition(), slot("ota_1"));
}

static void assert_not_switched(void)
{
    assert_ptr_equal(esp_ota_get_boot_partition(), slot("ota_0"));
}

static const struct test_image plain = { .version = "2.0.0", .payload = 9000 };

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void one_shot_installs(void **state)
{
    struct bench b;
    (void)state;
    for (int older = 0; older < 2; older++) {
        set_up(&b, &plain);
        honest(&b);
        b.ota.bulk_flash_erase = true;
        uint64_t hashed = b.f.t.count.sha256_bytes;
        assert_int_equal(older ? esp_https_ota(&b.http) : esp_https_ota(&b.ota), ESP_OK);
        assert_int_equal(b.f.t.count.sha256_bytes - hashed, b.len - UD_SHA256_BYTES); /* one pass, as it came in */
        assert_installed(&b);
        ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_CONNECTED, ESP_HTTPS_OTA_VERIFY_CHIP_ID,
                      ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, ESP_HTTPS_OTA_WRITE_FLASH,
                      ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION, ESP_HTTPS_OTA_FINISH);
        tear_down(&b);
    }
}

static void loop_with_description_answers_every_query(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h = NULL;
    esp_app_desc_t desc;
    esp_err_t err;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    b.http.buffer_size = 2000;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    assert_int_equal(esp_https_ota_get_image_len_read(h), -1);
    assert_int_equal(esp_https_ota_get_image_size(h), b.len);
    assert_int_equal(esp_https_ota_get_status_code(h), 200);
    assert_int_equal(esp_https_ota_get_img_desc(h, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota_get_img_desc(h, &desc), ESP_OK);
    assert_int_equal(esp_https_ota_get_img_desc(h, &desc), ESP_OK);
    assert_string_equal(desc.version, "2.0.0");
    assert_int_equal(esp_https_ota_get_image_len_read(h), -1);
    assert_false(esp_https_ota_is_complete_data_received(h));
    assert_int_equal(b.f.t.rec.count, 0);
    assert_int_equal(esp_https_ota_perform(h), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(esp_https_ota_get_image_len_read(h), 1024);
    assert_int_equal(esp_https_ota_perform(h), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(esp_https_ota_get_image_len_read(h), 3024); /* a read fills the buffer */
    while ((err = esp_https_ota_perform(h)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
    }
    assert_int_equal(err, ESP_OK);
    assert_int_equal(esp_https_ota_perform(h), ESP_FAIL); /* it is done */
    assert_true(esp_https_ota_is_complete_data_received(h));
    assert_int_equal(esp_https_ota_get_image_len_read(h), b.len);
    assert_not_switched();
    assert_int_equal(esp_https_ota_finish(h), ESP_OK);
    assert_installed(&b);
    settle();
    struct seen *e = events.event;
    assert_int_equal(e[5].id, ESP_HTTPS_OTA_VERIFY_CHIP_ID);
    assert_int_equal(e[5].value, ESP_CHIP_ID_ESP32C3);
    assert_int_equal(e[6].value, 0);
    assert_int_equal(e[7].value, 1024);
    assert_int_equal(e[events.count - 3].value, b.len);
    assert_int_equal(e[events.count - 2].value, ESP_PARTITION_SUBTYPE_APP_OTA_1);
    tear_down(&b);
}

static void bad_configurations_are_refused_before_the_network(void **state)
{
    static const struct {
        esp_http_client_config_t http;
        esp_https_ota_config_t ota;
        esp_err_t want;
    } rows[] = {
        { { .url = "https://host/f" }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .url = "http://host/f" }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .url = "http://host/f", .cert_pem = "ca" }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .url = "HTTP://host/f", .cert_pem = "ca" }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .host = "host", .path = "/f", .cert_pem = "ca" }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .url = "https://host/f", .cert_pem = "ca", .is_async = true }, { 0 }, ESP_ERR_INVALID_ARG },
        { { .url = "https:///f", .cert_pem = "ca" }, { 0 }, ESP_FAIL },
    };
    struct bench b;
    esp_https_ota_handle_t h;
    (void)state;
    set_up(&b, &plain);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_https_ota_config_t ota = rows[i].ota;
        ota.http_config = &rows[i].http;
        h = &b;
        assert_int_equal(esp_https_ota_begin(&ota, &h), rows[i].want);
        assert_null(h);
        ASSERT_EVENTS(ESP_HTTPS_OTA_START);
        assert_int_equal(esp_https_ota(&ota), rows[i].want);
        settle();
        events.count = 0;
    }
    h = &b;
    assert_int_equal(esp_https_ota_begin(NULL, &h), ESP_ERR_INVALID_ARG);
    assert_null(h);
    assert_int_equal(esp_https_ota_begin(&b.ota, NULL), ESP_ERR_INVALID_ARG);
    esp_https_ota_config_t empty = { 0 };
    assert_int_equal(esp_https_ota_begin(&empty, &h), ESP_ERR_INVALID_ARG);
    ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_START);
    events.count = 0;
    assert_int_equal(esp_https_ota(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota(&empty), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota((const esp_http_client_config_t *)NULL), ESP_ERR_INVALID_ARG);
    settle();
    assert_int_equal(events.count, 0); /* the one-shot judges before START */
    assert_int_equal(b.f.server.opens, 0);
    tear_down(&b);
}

static void null_handles_are_tolerated(void **state)
{
    struct bench b;
    esp_app_desc_t desc;
    (void)state;
    set_up(&b, &plain);
    assert_int_equal(esp_https_ota_perform(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota_finish(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota_abort(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota_get_img_desc(NULL, &desc), ESP_ERR_INVALID_ARG);
    assert_false(esp_https_ota_is_complete_data_received(NULL));
    assert_int_equal(esp_https_ota_get_image_len_read(NULL), -1);
    assert_int_equal(esp_https_ota_get_image_size(NULL), -1);
    assert_int_equal(esp_https_ota_get_status_code(NULL), -1);
    ASSERT_EVENTS(ESP_HTTPS_OTA_ABORT, ESP_HTTPS_OTA_GET_IMG_DESC);
    tear_down(&b);
}

static void plain_http_goes_with_the_allowance(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    b.f.config.https_ota_allow_http = true;
    b.http.url = "http://host/fw.bin";
    b.http.cert_pem = NULL;
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_false(b.f.server.last.tls);
    assert_installed(&b);
    tear_down(&b);
}

static void failed_begin_leaves_a_null_handle(void **state)
{
    static const struct {
        const char *response;
        esp_err_t want;
    } rows[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ESP_FAIL },
        { "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ESP_FAIL },
        { "HTTP/1.1 304 Same\r\n\r\n", ESP_ERR_HTTP_NOT_MODIFIED },
        { "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
          ESP_ERR_NOT_SUPPORTED },
        { "HTTP/1.1 301 Gone\r\nLocation: http://host/x\r\nContent-Length: 0\r\n\r\n",
          ESP_ERR_HTTP_REDIRECT_DOWNGRADE },
        { "HTTP/1.1 200 OK\r\nContent-Length: 4294987296\r\n\r\n", ESP_ERR_INVALID_SIZE }, /* 2^32 + 20000 */
        { "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n", ESP_ERR_INVALID_SIZE },
        { "rubbish\r\n\r\n", ESP_FAIL },
    };
    struct bench b;
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_https_ota_handle_t h = &b;
        set_up(&b, &plain);
        text(&b, rows[i].response);
        assert_int_equal(esp_https_ota_begin(&b.ota, &h), rows[i].want);
        assert_null(h);
        assert_int_equal(b.f.t.rec.count, 0);
        tear_down(&b);
    }
    esp_https_ota_handle_t h = &b;
    set_up(&b, &plain);
    b.f.server.open_error = ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_ERR_HTTP_CONNECT);
    assert_null(h);
    ASSERT_EVENTS(ESP_HTTPS_OTA_START);
    tear_down(&b);
}

static void header_timeout_ends_begin(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h = &b;
    (void)state;
    set_up(&b, &plain);
    step(&b, (struct ud_mem_step){ .kind = UD_MEM_SILENCE });
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_ERR_HTTP_EAGAIN); /* ESP-IDF: its negative */
    assert_null(h);
    tear_down(&b);
}

static void retries_that_are_forbidden_make_401_a_failure(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    b.http.max_authorization_retries = -1;
    text(&b, "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(esp_https_ota(&b.ota), ESP_FAIL);
    tear_down(&b);
}

static esp_err_t set_header(esp_http_client_handle_t client)
{
    return esp_http_client_set_header(client, "X-Serial", "42");
}

static esp_err_t refuse(esp_http_client_handle_t client)
{
    (void)client;
    return ESP_ERR_NOT_FOUND;
}

static void init_callback_sets_headers_or_ends_it(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h = &b;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    b.ota.http_client_init_cb = refuse;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_ERR_NOT_FOUND);
    assert_null(h);
    assert_int_equal(b.f.server.opens, 0);
    b.ota.http_client_init_cb = set_header;
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_non_null(strstr(b.f.sent, "X-Serial: 42\r\n"));
    tear_down(&b);
}

static void image_for_another_chip_touches_no_flash(void **state)
{
    (void)state;
    for (int finish = 0; finish < 2; finish++) {
        struct bench b;
        esp_https_ota_handle_t h;
        set_up(&b, &(struct test_image){ .payload = 5000, .chip_id = 9 });
        honest(&b);
        b.ota.bulk_flash_erase = true;
        assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
        uint64_t generation = b.f.t.flash.generation;
        assert_int_equal(esp_https_ota_perform(h), ESP_ERR_INVALID_VERSION);
        assert_int_equal(esp_https_ota_get_image_len_read(h), 0); /* the state is "in progress" by then */
        if (finish)
            assert_int_equal(esp_https_ota_finish(h), ESP_ERR_INVALID_ARG);
        else
            assert_int_equal(esp_https_ota_abort(h), ESP_OK);
        assert_int_equal(b.f.t.flash.generation, generation);
        assert_int_equal(test_board_notes(&b.f.t, UD_NOTE_IMAGE_CHIP), 1);
        ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_CONNECTED, ESP_HTTPS_OTA_VERIFY_CHIP_ID,
                      ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, finish ? ESP_HTTPS_OTA_FINISH : ESP_HTTPS_OTA_ABORT);
        /* No session stays behind. */
        esp_ota_handle_t session;
        assert_int_equal(esp_ota_begin(slot("ota_1"), OTA_WITH_SEQUENTIAL_WRITES, &session), ESP_OK);
        assert_int_equal(esp_ota_abort(session), ESP_OK);
        tear_down(&b);
    }
}

static void unknown_length_is_minus_one_and_installs(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    char size[16];
    (void)state;
    set_up(&b, &plain); /* chunked */
    text(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    snprintf(size, sizeof size, "%x\r\n", (unsigned)b.len);
    text(&b, size);
    body(&b, 0, b.len, 999);
    text(&b, "\r\n0\r\n\r\n");
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    assert_int_equal(esp_https_ota_get_image_size(h), -1);
    esp_err_t err;
    while ((err = esp_https_ota_perform(h)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
    }
    assert_int_equal(err, ESP_OK);
    assert_true(esp_https_ota_is_complete_data_received(h));
    assert_int_equal(esp_https_ota_finish(h), ESP_OK);
    assert_installed(&b);
    tear_down(&b);

    set_up(&b, &plain); /* until close, with bytes after the image */
    b.ota.bulk_flash_erase = true;
    text(&b, "HTTP/1.0 200 ok\r\n\r\n");
    body(&b, 0, b.len, 0);
    text(&b, "and some more");
    step(&b, (struct ud_mem_step)CLOSED);
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    tear_down(&b);
}

/* The header read must not look at completeness while bytes wait in the client. */
static void small_image_that_comes_with_the_headers_installs(void **state)
{
    struct bench b;
    char *all;
    (void)state;
    set_up(&b, &(struct test_image){ .payload = 1000 });
    assert_true(b.len > 1024 && b.len < 1200);
    all = malloc(b.len + 64);
    int head = snprintf(all, 64, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)b.len);
    memcpy(all + head, b.image, b.len);
    step(&b, (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = all, .len = (size_t)head + b.len });
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    tear_down(&b);
    free(all);
}

static void image_below_1024_bytes_never_installs(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    esp_app_desc_t desc;
    (void)state;
    set_up(&b, &(struct test_image){ .payload = 600 });
    assert_true(b.len < 1024);
    honest(&b);
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    assert_int_equal(esp_https_ota_get_img_desc(h, &desc), ESP_FAIL);
    assert_int_equal(esp_https_ota_perform(h), ESP_FAIL);
    assert_int_equal(esp_https_ota_abort(h), ESP_OK);
    assert_int_equal(b.f.t.rec.count, 0);
    tear_down(&b);
}

static void timeout_is_progress_until_the_stall_rule(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    esp_err_t err;
    unsigned n = 0;
    (void)state;
    set_up(&b, &plain);
    snprintf(b.head, sizeof b.head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)b.len);
    text(&b, b.head);
    body(&b, 0, 3000, 0);
    step(&b, (struct ud_mem_step){ .kind = UD_MEM_SILENCE });
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    while ((err = esp_https_ota_perform(h)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
        n++;
    assert_int_equal(err, ESP_ERR_TIMEOUT);
    assert_true(n > 100);
    assert_int_equal(esp_https_ota_abort(h), ESP_OK);
    assert_not_switched();
    tear_down(&b);

    set_up(&b, &plain); /* inside the header, and by the one-shot: ESP-IDF's never return */
    text(&b, "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n");
    body(&b, 0, 500, 0);
    step(&b, (struct ud_mem_step){ .kind = UD_MEM_SILENCE });
    assert_int_equal(esp_https_ota(&b.ota), ESP_ERR_TIMEOUT);
    assert_int_equal(b.f.t.rec.count, 0);
    tear_down(&b);
}

static void cut_connection_fails_and_nothing_switches(void **state)
{
    struct bench b;
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        set_up(&b, &plain);
        snprintf(b.head, sizeof b.head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)b.len);
        text(&b, b.head);
        body(&b, 0, 5000, 0);
        step(&b, (struct ud_mem_step){ .kind = reset ? UD_MEM_RESET : UD_MEM_EOF });
        assert_int_equal(esp_https_ota(&b.ota), ESP_FAIL);
        assert_not_switched();
        ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_CONNECTED, ESP_HTTPS_OTA_VERIFY_CHIP_ID,
                      ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, ESP_HTTPS_OTA_WRITE_FLASH, ESP_HTTPS_OTA_ABORT);
        tear_down(&b);
    }
}

static void corrupt_image_is_refused_by_finish(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    b.image[5000] ^= 4;
    honest(&b);
    assert_int_equal(esp_https_ota(&b.ota), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_not_switched();
    ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_CONNECTED, ESP_HTTPS_OTA_VERIFY_CHIP_ID,
                  ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, ESP_HTTPS_OTA_WRITE_FLASH, ESP_HTTPS_OTA_FINISH);
    tear_down(&b);
}

/* ESP-IDF follows a null pointer when both are the same. */
static void staging_may_be_named_and_be_the_final_one_too(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h = &b;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    b.ota.partition.staging = slot("ota_1");
    b.ota.partition.final = slot("ota_1");
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    tear_down(&b);

    set_up(&b, &plain);
    honest(&b);
    esp_partition_t made_up = *slot("ota_1");
    made_up.size += 4096;
    b.ota.partition.staging = &made_up;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_FAIL);
    assert_null(h);
    tear_down(&b);

    set_up(&b, &plain);
    honest(&b);
    b.ota.partition.staging = slot("ota_0"); /* it runs */
    assert_int_equal(esp_https_ota(&b.ota), ESP_ERR_OTA_PARTITION_CONFLICT);
    tear_down(&b);
}

static void data_is_staged_and_copied_where_it_belongs(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    b.image[0] = 0; /* no image at all */
    honest(&b);
    b.ota.partition.final = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    b.ota.partition.finalize_with_copy = true;
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_memory_equal(b.f.t.bytes + b.ota.partition.final->address, b.image, b.len);
    assert_memory_equal(b.f.t.bytes + slot("ota_1")->address, b.image, b.len);
    assert_not_switched();
    ASSERT_EVENTS(ESP_HTTPS_OTA_START, ESP_HTTPS_OTA_CONNECTED, ESP_HTTPS_OTA_WRITE_FLASH, ESP_HTTPS_OTA_FINISH);
    tear_down(&b);
}

static void a_boot_loader_is_updated_by_way_of_a_slot(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    esp_bootloader_desc_t desc, again;
    esp_app_desc_t app_desc;
    esp_err_t err;
    (void)state;
    set_up(&b, &plain);
    const esp_bootloader_desc_t theirs = { .magic_byte = ESP_BOOTLOADER_DESC_MAGIC_BYTE, .idf_ver = "v6.2" };
    memcpy(b.image + UD_APP_DESC_OFFSET, &theirs, sizeof theirs);
    image_reseal(b.image);
    honest(&b);
    assert_int_equal(esp_partition_register_external(NULL, 0, 0x8000, "boot", ESP_PARTITION_TYPE_BOOTLOADER,
                                                     ESP_PARTITION_SUBTYPE_BOOTLOADER_PRIMARY, &b.ota.partition.final),
                     ESP_OK);
    b.ota.partition.finalize_with_copy = true;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    assert_int_equal(esp_https_ota_get_bootloader_img_desc(h, &desc), ESP_OK);
    assert_memory_equal(&desc, &theirs, sizeof desc);
    assert_int_equal(esp_https_ota_get_bootloader_img_desc(h, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_https_ota_get_img_desc(h, &app_desc), ESP_OK); /* what comes decides what is copied */
    assert_memory_equal(&app_desc, &theirs, sizeof theirs);
    do {
        err = esp_https_ota_perform(h);
    } while (err == ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(err, ESP_OK);
    assert_int_equal(esp_https_ota_get_bootloader_img_desc(h, &again), ESP_OK); /* from the slot */
    assert_memory_equal(&again, &theirs, sizeof again);
    assert_int_equal(esp_https_ota_finish(h), ESP_OK);
    assert_memory_equal(b.f.t.bytes, b.image, b.len);
    assert_not_switched();
    tear_down(&b);
}

/* It is the staging partition that boots, and the final one that is told. */
static void an_app_that_belongs_elsewhere_boots_from_where_it_was_written(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    b.ota.partition.final = slot("ota_0");
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    settle();
    assert_int_equal(events.event[events.count - 2].id, ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION);
    assert_int_equal(events.event[events.count - 2].value, ESP_PARTITION_SUBTYPE_APP_OTA_0);
    tear_down(&b);

    set_up(&b, &plain);
    honest(&b);
    b.ota.partition.final = slot("ota_0");
    b.ota.partition.finalize_with_copy = true; /* over what runs */
    assert_int_equal(esp_https_ota(&b.ota), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_not_switched();
    tear_down(&b);

    set_up(&b, &plain);
    honest(&b);
    esp_partition_t made_up = *slot("ota_0");
    made_up.size += 4096;
    b.ota.partition.final = &made_up;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_FAIL);
    assert_null(h);
    tear_down(&b);
}

static void an_app_has_no_description_of_a_boot_loader(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    esp_bootloader_desc_t desc;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
    assert_int_equal(esp_https_ota_get_bootloader_img_desc(h, &desc), ESP_ERR_INVALID_SIZE); /* 256 bytes do not fit */
    assert_int_equal(esp_https_ota_abort(h), ESP_OK);
    tear_down(&b);
}

static void nobody_need_listen(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    honest(&b);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    tear_down(&b);
}

/* A queue that nobody empties changes nothing either: this handler waits until the update has ended. */
static void wait_for_the_end(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    struct ud_os os = ud_linux_os();
    (void)arg;
    (void)base;
    (void)id;
    (void)data;
    os.ops->mutex_lock(os.ctx, events.mutex);
    while (!events.settled)
        os.ops->cond_wait(os.ctx, events.changed, events.mutex, UINT64_MAX);
    os.ops->mutex_unlock(os.ctx, events.mutex);
}

static void full_event_queue_changes_nothing(void **state)
{
    struct bench b;
    struct ud_os os = ud_linux_os();
    (void)state;
    set_up(&b, &plain);
    b.f.config.event_queue_size = 2;
    b.f.config.https_ota_post_timeout_ms = 0;
    b.f.config.http_client_post_timeout_ms = 0;
    honest(&b);
    assert_int_equal(esp_event_handler_register(SETTLE, 1, wait_for_the_end, NULL), ESP_OK);
    assert_int_equal(esp_event_post(SETTLE, 1, NULL, 0, 0), ESP_OK);
    assert_int_equal(esp_https_ota(&b.ota), ESP_OK);
    assert_installed(&b);
    os.ops->mutex_lock(os.ctx, events.mutex);
    events.settled = true;
    os.ops->cond_broadcast(os.ctx, events.changed);
    os.ops->mutex_unlock(os.ctx, events.mutex);
    tear_down(&b);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (unsigned long at = 1;; at++) {
        struct bench b;
        esp_https_ota_handle_t h = &b;
        set_up(&b, &plain);
        honest(&b);
        assert_int_equal(esp_event_loop_delete_default(), ESP_OK); /* its allocations are no part of this */
        unsigned long before = b.f.memory.asked;
        b.f.memory.fail_at = before + at;
        esp_err_t err = esp_https_ota_begin(&b.ota, &h);
        if (err == ESP_OK) {
            while ((err = esp_https_ota_perform(h)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
            }
            err = err == ESP_OK ? esp_https_ota_finish(h) : (esp_https_ota_abort(h), err);
        } else {
            assert_null(h);
        }
        bool reached = b.f.memory.asked >= before + at;
        b.f.memory.fail_at = 0;
        if (reached)
            assert_true(err != ESP_OK);
        else
            assert_int_equal(err, ESP_OK);
        if (reached)
            assert_not_switched();
        assert_int_equal(b.f.memory.out, 0);
        tear_down(&b);
        if (!reached)
            break;
        assert_true(at < 200);
    }
}

/* ---- decryption ------------------------------------------------------------------------------------------------- */

#define CONTAINER 48u /* bytes in front of the encrypted image */

/* A cipher for tests: a container of 48 bytes, then each byte of the image XOR 0x5A; pairs only, as block ciphers do. */
static struct cipher {
    size_t seen;
    bool has_odd;
    char odd;
    unsigned calls, fail_at;
    esp_err_t error;
} cipher;

static esp_err_t decrypt(decrypt_cb_arg_t *args, void *user_ctx)
{
    struct cipher *c = user_ctx;
    assert_true(args->data_in_len > 0);
    if (++c->calls == c->fail_at)
        return c->error;
    char *out = malloc(args->data_in_len + 1);
    assert_non_null(out);
    size_t n = 0;
    for (size_t i = 0; i < args->data_in_len; i++) {
        char plain_byte = (char)(args->data_in[i] ^ 0x5A);
        if (c->seen++ < CONTAINER)
            continue;
        if (!c->has_odd) {
            c->odd = plain_byte;
            c->has_odd = true;
            continue;
        }
        out[n++] = c->odd;
        out[n++] = plain_byte;
        c->has_odd = false;
    }
    args->data_out = out;
    args->data_out_len = n;
    return ESP_OK;
}

static void encrypted(struct bench *b, uint8_t *bytes, size_t piece)
{
    for (uint32_t i = 0; i < CONTAINER + b->len; i++)
        bytes[i] = (uint8_t)((i < CONTAINER ? 'c' : b->image[i - CONTAINER]) ^ 0x5A);
    snprintf(b->head, sizeof b->head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", (unsigned)(CONTAINER + b->len));
    text(b, b->head);
    step(b, (struct ud_mem_step){ .kind = UD_MEM_RECV, .data = bytes, .len = CONTAINER + b->len, .piece = piece });
    cipher = (struct cipher){ 0 };
    b->ota.decrypt_cb = decrypt;
    b->ota.decrypt_user_ctx = &cipher;
    b->ota.enc_img_header_size = CONTAINER;
    b->f.config.https_ota_decrypt_cb = true;
}

static void encrypted_image_is_installed_in_the_clear(void **state)
{
    static const size_t pieces[] = { 1, 37, 700, 0 };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(pieces); i++) {
        struct bench b;
        esp_https_ota_handle_t h = NULL;
        esp_app_desc_t desc;
        esp_err_t err;
        set_up(&b, &plain);
        uint8_t *bytes = malloc(CONTAINER + b.len);
        assert_non_null(bytes);
        encrypted(&b, bytes, pieces[i]);
        assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_OK);
        assert_int_equal(esp_https_ota_get_image_size(h), b.len);
        assert_int_equal(esp_https_ota_get_img_desc(h, &desc), ESP_ERR_NOT_SUPPORTED);
        while ((err = esp_https_ota_perform(h)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
            assert_false(esp_https_ota_is_complete_data_received(h) &&
                         esp_https_ota_get_image_len_read(h) < (int)b.len);
        assert_int_equal(err, ESP_OK);
        assert_int_equal(esp_https_ota_get_image_len_read(h), b.len);
        assert_true(esp_https_ota_is_complete_data_received(h));
        assert_int_equal(esp_https_ota_finish(h), ESP_OK);
        assert_installed(&b);
        settle();
        unsigned told = 0;
        for (unsigned k = 0; k < events.count; k++)
            told += events.event[k].id == ESP_HTTPS_OTA_DECRYPT_CB;
        assert_int_equal(told, cipher.calls);
        free(bytes);
        tear_down(&b);
    }
}

static void a_callback_that_fails_ends_the_update_with_its_code(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 8; at += 3) {
        struct bench b;
        set_up(&b, &plain);
        uint8_t *bytes = malloc(CONTAINER + b.len);
        assert_non_null(bytes);
        encrypted(&b, bytes, 900);
        cipher.fail_at = at;
        cipher.error = ESP_ERR_INVALID_MAC;
        assert_int_equal(esp_https_ota(&b.ota), at == 1 ? ESP_FAIL : ESP_ERR_INVALID_MAC); /* the header */
        assert_not_switched();
        free(bytes);
        tear_down(&b);
    }
}

static void decryption_has_its_conditions(void **state)
{
    struct bench b;
    esp_https_ota_handle_t h;
    (void)state;
    set_up(&b, &plain);
    b.ota.decrypt_cb = decrypt;
    b.ota.ota_resumption = true;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_ERR_NOT_SUPPORTED);
    b.ota.decrypt_cb = NULL;
    b.ota.ota_resumption = false;
    b.f.config.https_ota_decrypt_cb = true;
    assert_int_equal(esp_https_ota_begin(&b.ota, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(b.f.server.opens, 0);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_installs),
        cmocka_unit_test(loop_with_description_answers_every_query),
        cmocka_unit_test(bad_configurations_are_refused_before_the_network),
        cmocka_unit_test(null_handles_are_tolerated),
        cmocka_unit_test(plain_http_goes_with_the_allowance),
        cmocka_unit_test(failed_begin_leaves_a_null_handle),
        cmocka_unit_test(header_timeout_ends_begin),
        cmocka_unit_test(retries_that_are_forbidden_make_401_a_failure),
        cmocka_unit_test(init_callback_sets_headers_or_ends_it),
        cmocka_unit_test(image_for_another_chip_touches_no_flash),
        cmocka_unit_test(unknown_length_is_minus_one_and_installs),
        cmocka_unit_test(small_image_that_comes_with_the_headers_installs),
        cmocka_unit_test(image_below_1024_bytes_never_installs),
        cmocka_unit_test(timeout_is_progress_until_the_stall_rule),
        cmocka_unit_test(cut_connection_fails_and_nothing_switches),
        cmocka_unit_test(corrupt_image_is_refused_by_finish),
        cmocka_unit_test(staging_may_be_named_and_be_the_final_one_too),
        cmocka_unit_test(data_is_staged_and_copied_where_it_belongs),
        cmocka_unit_test(a_boot_loader_is_updated_by_way_of_a_slot),
        cmocka_unit_test(an_app_that_belongs_elsewhere_boots_from_where_it_was_written),
        cmocka_unit_test(an_app_has_no_description_of_a_boot_loader),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(full_event_queue_changes_nothing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(encrypted_image_is_installed_in_the_clear),
        cmocka_unit_test(a_callback_that_fails_ends_the_update_with_its_code),
        cmocka_unit_test(decryption_has_its_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
