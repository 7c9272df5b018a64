/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One board, many threads: two updates into two slots, one that writes to a data partition, one that asks and confirms.
 * Each call takes the board's lock for itself; under ThreadSanitizer nothing may be reported.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"
#include "updraft/port_linux.h"

static const struct test_layout layout = { .ota = { 0, 1, 2 }, .ota_count = 3, .otadata = UD_OTADATA_PRESENT };

enum { ROUNDS = 8 };

struct world {
    struct test_board t;
    struct ud_crypto crypto; /* the counting one belongs to one thread */
    struct ud_ota ota;
    uint8_t *image;
    uint32_t len;
    atomic_uint notes;
    atomic_bool stop;
};

struct worker {
    struct world *w;
    const struct ud_partition *slot;
    unsigned failures;
};

/* A listener may call anything: here it takes the board's lock again, by asking. */
static void ask_back(void *ctx, const struct ud_note *note)
{
    struct world *w = ctx;
    if (note->id == UD_NOTE_OTA_VERDICT || note->id == UD_NOTE_OTA_SET_BOOT)
        (void)ud_ota_get_boot(&w->ota);
    atomic_fetch_add(&w->notes, 1);
}

static esp_err_t update(struct worker *me)
{
    struct ud_ota_session s;
    esp_err_t err = ud_ota_begin(&me->w->ota, &s, me->slot, UD_OTA_SEQUENTIAL);
    if (err != ESP_OK)
        return err;
    for (uint32_t off = 0; err == ESP_OK && off < me->w->len; off += 3000)
        err = ud_ota_write(&s, me->w->image + off, me->w->len - off < 3000 ? me->w->len - off : 3000);
    if (err != ESP_OK) {
        ud_ota_abort(&s);
        return err;
    }
    err = ud_ota_end(&s);
    return err == ESP_OK ? ud_ota_set_boot(&me->w->ota, me->slot) : err;
}

static void *update_again_and_again(void *arg)
{
    struct worker *me = arg;
    for (int i = 0; i < ROUNDS; i++)
        me->failures += update(me) != ESP_OK;
    return NULL;
}

static void *write_data(void *arg)
{
    struct world *w = arg;
    struct ud_board *b = &w->t.board;
    const struct ud_partition *nvs = test_board_part(&w->t, "nvs");
    while (!atomic_load(&w->stop)) {
        struct ud_board_hold hold;
        ud_board_lock(b, &hold);
        esp_err_t err = ud_partition_erase(b->flash, nvs, 0, UD_FLASH_SECTOR);
        if (err == ESP_OK)
            err = ud_partition_write(b->flash, nvs, 0, "value", 5);
        ud_board_unlock(b, &hold);
        if (err != ESP_OK)
            return arg;
    }
    return NULL;
}

static void *ask_and_confirm(void *arg)
{
    struct world *w = arg;
    while (!atomic_load(&w->stop)) {
        struct ud_app_desc desc;
        uint32_t found;
        if (ud_ota_get_desc(&w->ota, w->t.board.running, &desc) != ESP_OK || ud_ota_get_boot(&w->ota) == NULL)
            return arg;
        esp_err_t err = ud_ota_get_state(&w->ota, w->t.board.running, &found);
        if (err != ESP_OK && err != ESP_ERR_NOT_FOUND)
            return arg;
        if (ud_ota_mark_valid(&w->ota) != ESP_OK)
            return arg;
        (void)ud_ota_is_rollback_possible(&w->ota);
    }
    return NULL;
}

static void world_up(struct world *w)
{
    test_board_init(&w->t, &layout);
    test_board_put_image(&w->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&w->t, 0, 1, UD_OTA_VALID);
    test_board_run(&w->t, "ota_0");
    w->image = test_image_make(&(struct test_image){ .payload = 30000 }, &w->len);
    w->crypto = ud_openssl_crypto();
    w->t.obs = (struct ud_observer){ .note = ask_back, .ctx = w };
    w->t.flash.observer = &w->t.obs;
    w->t.board.crypto = &w->crypto;
    assert_int_equal(ud_linux_lock_create(&w->t.board.lock), ESP_OK);
    ud_ota_init(&w->ota, &w->t.board, false);
}

static void updates_questions_and_data_writes_share_a_board(void **state)
{
    (void)state;
    static struct world w;
    struct worker workers[2] = { { .w = &w }, { .w = &w } };
    pthread_t threads[4];
    void *result = NULL;
    world_up(&w);
    workers[0].slot = test_board_part(&w.t, "ota_1");
    workers[1].slot = test_board_part(&w.t, "ota_2");

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, update_again_and_again, &workers[i]), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, write_data, &w), 0);
    assert_int_equal(pthread_create(&threads[3], NULL, ask_and_confirm, &w), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&w.stop, true);
    for (int i = 2; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }

    assert_int_equal(workers[0].failures + workers[1].failures, 0);
    assert_null(w.ota.sessions);
    assert_true(atomic_load(&w.notes) > 0);
    ud_linux_lock_destroy(&w.t.board.lock);
    free(w.image);
    test_board_deinit(&w.t);
}

/* Both want the same slot: at any time one has it, the other is told so. */
static void two_updates_of_one_slot_never_mix(void **state)
{
    (void)state;
    static struct world w;
    struct worker workers[2] = { { .w = &w }, { .w = &w } };
    pthread_t threads[2];
    world_up(&w);
    for (int i = 0; i < 2; i++) {
        workers[i].slot = test_board_part(&w.t, "ota_1");
        assert_int_equal(pthread_create(&threads[i], NULL, update_again_and_again, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_null(w.ota.sessions);
    assert_int_equal(update(&workers[0]), ESP_OK);
    assert_memory_equal(w.t.bytes + workers[0].slot->addr, w.image, w.len);
    ud_linux_lock_destroy(&w.t.board.lock);
    free(w.image);
    test_board_deinit(&w.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_questions_and_data_writes_share_a_board),
        cmocka_unit_test(two_updates_of_one_slot_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
