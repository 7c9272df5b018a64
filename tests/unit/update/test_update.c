/* SPDX-License-Identifier: Apache-2.0 */
/* The update over a memory source: however the bytes come, whatever fails, what is in the slot and what boots next. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "counting_alloc.h"
#include "test_board.h"
#include "updraft/update.h"

enum { MAX_EVENTS = 256 };

struct bench {
    struct test_board t;
    struct ud_ota ota;
    struct counting_alloc memory;
    struct ud_mem_source mem;
    struct ud_update_options opt;
    struct ud_update u;
    unsigned event_count;
    struct {
        enum ud_update_event id;
        uint64_t a;
    } event[MAX_EVENTS];
    uint8_t *image;
    uint32_t image_len;
};

static void on_event(void *ctx, enum ud_update_event e, uint64_t a)
{
    struct bench *b = ctx;
    assert_false(b->t.lock_held);
    assert_true(b->event_count < MAX_EVENTS);
    b->event[b->event_count].id = e;
    b->event[b->event_count++].a = a;
}

/* ota_0 runs, entry 0 says so; ota_1 is erased. */
static void set_up(struct bench *b, const struct test_image *image)
{
    memset(b, 0, sizeof *b);
    test_board_init(&b->t, &(struct test_layout){ .ota = { 0, 1 }, .ota_count = 2, .otadata = UD_OTADATA_PRESENT });
    test_board_put_image(&b->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&b->t, 0, 1, UD_OTA_VALID);
    test_board_run(&b->t, "ota_0");
    ud_ota_init(&b->ota, &b->t.board, false);
    b->image = test_image_make(image, &b->image_len);
    b->mem = (struct ud_mem_source){ .data = b->image, .len = b->image_len };
    record_flash_clear(&b->t.rec);
    fail_flash_arm(&b->t.fail, FAIL_NEVER, 0);
}

static void tear_down(struct bench *b)
{
    assert_int_equal(b->memory.out, 0);
    assert_null(b->ota.sessions);
    free(b->image);
    test_board_deinit(&b->t);
}

static esp_err_t begin(struct bench *b)
{
    struct ud_update_env env = {
        .ota = &b->ota,
        .alloc = counting_alloc(&b->memory),
        .obs = &b->t.obs,
        .event = on_event,
        .event_ctx = b,
    };
    return ud_update_begin(&b->u, &env, ud_mem_source(&b->mem), &b->opt);
}

static esp_err_t step_all(struct bench *b)
{
    esp_err_t err;
    do {
        err = ud_update_step(&b->u);
    } while (err == ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    return err;
}

/* The one-shot: its result; everything is released in any case. */
static esp_err_t run(struct bench *b)
{
    esp_err_t err = begin(b);
    if (err != ESP_OK)
        return err;
    err = step_all(b);
    if (err == ESP_OK)
        return ud_update_finish(&b->u);
    assert_int_equal(ud_update_abort(&b->u), ESP_OK);
    return err;
}

static const struct ud_partition *boots_next(struct bench *b)
{
    return ud_ota_get_boot(&b->ota);
}

static void assert_installed(struct bench *b)
{
    const struct ud_partition *p = test_board_part(&b->t, "ota_1");
    assert_memory_equal(b->t.bytes + p->addr, b->image, b->image_len);
    assert_ptr_equal(boots_next(b), p);
}

static const struct test_image plain = { .version = "2.0.0", .payload = 9000 };

static void image_is_installed_however_it_is_cut(void **state)
{
    static const size_t pieces[] = { 0, 1, 7, 1023, 1024, 1025, 4096 };
    static const size_t buffers[] = { 0, 1024, 1500, 65536 };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(pieces); i++) {
        for (size_t j = 0; j < UD_ARRAY_LEN(buffers); j++) {
            struct bench *b = malloc(sizeof *b);
            set_up(b, &plain);
            b->mem.piece = pieces[i];
            b->opt.buffer_size = buffers[j];
            b->opt.bulk_erase = (i + j) % 2 == 1;
            struct ud_update_env env = { .ota = &b->ota, .alloc = counting_alloc(&b->memory), .obs = &b->t.obs };
            assert_int_equal(ud_update_begin(&b->u, &env, ud_mem_source(&b->mem), &b->opt), ESP_OK);
            assert_int_equal(step_all(b), ESP_OK);
            assert_int_equal(b->u.written, b->image_len);
            assert_int_equal(ud_update_finish(&b->u), ESP_OK);
            assert_installed(b);
            tear_down(b);
            free(b);
        }
    }
}

static void events_come_in_order(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    b.opt.buffer_size = 4096;
    assert_int_equal(run(&b), ESP_OK);
    assert_int_equal(b.event[0].id, UD_UPDATE_VERIFY_CHIP_ID);
    assert_int_equal(b.event[0].a, 5);
    assert_int_equal(b.event[1].id, UD_UPDATE_VERIFY_CHIP_REVISION);
    assert_int_equal(b.event[2].id, UD_UPDATE_WRITE_FLASH);
    assert_int_equal(b.event[2].a, 1024);
    assert_int_equal(b.event[3].a, 1024 + 4096);
    assert_int_equal(b.event[b.event_count - 2].a, b.image_len);
    assert_int_equal(b.event[b.event_count - 1].id, UD_UPDATE_SET_BOOT);
    assert_int_equal(b.event[b.event_count - 1].a, UD_PART_APP_OTA_0 + 1);
    assert_int_equal(test_board_notes(&b.t, UD_NOTE_UPDATE_DONE), 1);
    tear_down(&b);
}

static void image_for_another_chip_touches_no_flash(void **state)
{
    static const struct {
        struct test_image image;
        uint16_t revision;
    } rows[] = {
        { { .payload = 9000, .chip_id = 9 }, 0 },
        { { .payload = 9000, .min_revision = 4 }, 3 },
        { { .payload = 9000, .max_revision = 2 }, 3 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        for (int bulk = 0; bulk < 2; bulk++) {
            struct bench b;
            set_up(&b, &rows[i].image);
            b.ota.rollback = true; /* opening a session would erase an entry of otadata */
            b.opt.bulk_erase = bulk;
            b.t.board.revision = rows[i].revision;
            uint64_t generation = b.t.flash.generation;
            assert_int_equal(begin(&b), ESP_OK);
            assert_int_equal(ud_update_step(&b.u), ESP_ERR_INVALID_VERSION);
            assert_int_equal(b.u.state, UD_UPDATE_IN_PROGRESS);
            assert_int_equal(ud_update_step(&b.u), ESP_ERR_INVALID_VERSION);
            assert_int_equal(ud_update_finish(&b.u), ESP_ERR_INVALID_ARG);
            assert_int_equal(b.t.flash.generation, generation);
            assert_int_equal(b.event_count, 2);
            assert_int_equal(b.event[1].id, UD_UPDATE_VERIFY_CHIP_REVISION);
            tear_down(&b);
        }
    }
}

static void source_that_ends_in_the_header_touches_no_flash(void **state)
{
    static const size_t lengths[] = { 0, 1, 180, 1023 };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(lengths); i++) {
        struct bench b;
        set_up(&b, &plain);
        b.mem.len = lengths[i];
        uint64_t generation = b.t.flash.generation;
        assert_int_equal(run(&b), ESP_FAIL);
        assert_int_equal(b.t.flash.generation, generation);
        assert_int_equal(test_board_find_note(&b.t, UD_NOTE_UPDATE_SHORT_HEADER)->a, lengths[i]);
        tear_down(&b);
    }
}

static void image_that_is_cut_short_is_refused_and_nothing_switches(void **state)
{
    static const size_t lengths[] = { 1024, 1025, 4096, 9000 };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(lengths); i++) {
        struct bench b;
        set_up(&b, &plain);
        b.mem.len = lengths[i];
        assert_int_equal(run(&b), ESP_ERR_OTA_VALIDATE_FAILED);
        assert_ptr_equal(boots_next(&b), test_board_part(&b.t, "ota_0"));
        tear_down(&b);
    }
}

static void text_instead_of_an_image_costs_one_sector(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    b.image[0] = '<';
    assert_int_equal(run(&b), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(b.t.rec.count, 1);
    assert_int_equal(b.t.rec.op[0].op, UD_FLASH_ERASE);
    assert_int_equal(b.t.rec.op[0].addr, test_board_part(&b.t, "ota_1")->addr);
    assert_int_equal(b.event[2].id, UD_UPDATE_WRITE_FLASH);
    assert_int_equal(b.event[2].a, 0);
    tear_down(&b);
}

static void image_larger_than_the_slot_is_refused(void **state)
{
    static const bool bulk[] = { false, true };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(bulk); i++) {
        struct bench b;
        set_up(&b, &(struct test_image){ .payload = TEST_SLOT_BYTES + 4096 });
        b.opt.bulk_erase = bulk[i];
        b.opt.buffer_size = 8192;
        assert_int_equal(run(&b), ESP_ERR_INVALID_SIZE);
        assert_ptr_equal(boots_next(&b), test_board_part(&b.t, "ota_0"));
        tear_down(&b);
    }
}

static void description_can_be_asked_again_and_is_not_lost(void **state)
{
    struct bench b;
    uint8_t desc[UD_APP_DESC_BYTES];
    (void)state;
    set_up(&b, &plain);
    b.mem.piece = 100;
    assert_int_equal(ud_update_get_desc(&b.u, desc), ESP_ERR_INVALID_STATE);
    assert_int_equal(begin(&b), ESP_OK);
    for (int i = 0; i < 3; i++) {
        memset(desc, 0, sizeof desc);
        assert_int_equal(ud_update_get_desc(&b.u, desc), ESP_OK);
        assert_memory_equal(desc, b.image + UD_APP_DESC_OFFSET, sizeof desc);
    }
    assert_int_equal(b.t.rec.count, 0);
    assert_int_equal(ud_update_step(&b.u), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    memset(desc, 0, sizeof desc);
    assert_int_equal(ud_update_get_desc(&b.u, desc), ESP_OK); /* from the slot now */
    assert_memory_equal(desc, b.image + UD_APP_DESC_OFFSET, sizeof desc);
    assert_int_equal(step_all(&b), ESP_OK);
    assert_int_equal(ud_update_finish(&b.u), ESP_OK);
    assert_installed(&b);
    tear_down(&b);
}

static void missing_description_is_told(void **state)
{
    struct bench b;
    uint8_t desc[UD_APP_DESC_BYTES];
    (void)state;
    set_up(&b, &plain);
    b.image[UD_APP_DESC_OFFSET] ^= 1;
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(ud_update_get_desc(&b.u, desc), ESP_FAIL);
    assert_int_equal(test_board_notes(&b.t, UD_NOTE_UPDATE_BAD_DESC), 1);
    assert_int_equal(ud_update_abort(&b.u), ESP_OK);
    tear_down(&b);
}

static void states_answer_as_documented(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    assert_int_equal(ud_update_step(&b.u), ESP_FAIL);
    assert_int_equal(ud_update_finish(&b.u), ESP_FAIL);
    assert_int_equal(ud_update_abort(&b.u), ESP_OK);
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(ud_update_finish(&b.u), ESP_OK); /* nothing was begun */
    assert_int_equal(b.t.rec.count, 0);
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(step_all(&b), ESP_OK);
    assert_int_equal(ud_update_step(&b.u), ESP_FAIL); /* after success */
    assert_int_equal(ud_update_finish(&b.u), ESP_OK);
    assert_installed(&b);
    tear_down(&b);
}

static void finish_in_the_middle_judges_but_never_switches(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(ud_update_step(&b.u), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(ud_update_finish(&b.u), ESP_ERR_OTA_VALIDATE_FAILED);
    /* All bytes are there, but the end was not seen. */
    b.mem.off = 0;
    b.opt.buffer_size = 65536;
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(ud_update_step(&b.u), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(ud_update_step(&b.u), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(b.u.written, b.image_len);
    assert_int_equal(ud_update_finish(&b.u), ESP_OK);
    assert_int_equal(test_board_notes(&b.t, UD_NOTE_UPDATE_NOT_SWITCHED), 1);
    assert_ptr_equal(boots_next(&b), test_board_part(&b.t, "ota_0"));
    tear_down(&b);
}

static void slot_must_be_in_the_table_and_free(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    struct ud_partition other = *test_board_part(&b.t, "ota_1");
    other.size -= 4096;
    b.opt.slot = &other;
    assert_int_equal(run(&b), ESP_FAIL);
    assert_int_equal(test_board_notes(&b.t, UD_NOTE_UPDATE_NO_SLOT), 1);
    b.opt.slot = test_board_part(&b.t, "ota_0");
    assert_int_equal(run(&b), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_int_equal(b.t.rec.count, 0);
    tear_down(&b);
}

static void data_partition_takes_anything_and_switches_nothing(void **state)
{
    struct bench b;
    static const uint8_t bytes[] = "anything at all";
    (void)state;
    set_up(&b, &plain);
    b.mem = (struct ud_mem_source){ .data = bytes, .len = sizeof bytes };
    b.opt.slot = test_board_part(&b.t, "nvs");
    assert_int_equal(begin(&b), ESP_OK);
    assert_int_equal(ud_update_step(&b.u), ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    assert_int_equal(b.mem.off, 0); /* the first step only opens */
    assert_int_equal(step_all(&b), ESP_OK);
    assert_int_equal(ud_update_finish(&b.u), ESP_OK);
    assert_memory_equal(b.t.bytes + b.opt.slot->addr, bytes, sizeof bytes);
    assert_ptr_equal(boots_next(&b), test_board_part(&b.t, "ota_0"));
    assert_int_equal(b.event_count, 1);
    tear_down(&b);
}

static void spi_mode_is_compared_only_when_asked(void **state)
{
    static const struct {
        bool check;
        esp_err_t want;
    } rows[] = { { false, ESP_OK }, { true, ESP_ERR_OTA_SPI_MODE_MISMATCH } };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        uint32_t len;
        set_up(&b, &(struct test_image){ .payload = 3000, .spi_flash_mode = 3 });
        uint8_t *running = test_image_make(&(struct test_image){ .spi_flash_mode = 1 }, &len);
        test_board_put_bytes(&b.t, test_board_part(&b.t, "ota_0")->addr, running, len);
        free(running);
        b.opt.check_spi_mode = rows[i].check;
        assert_int_equal(run(&b), rows[i].want);
        tear_down(&b);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (unsigned long at = 1;; at++) {
        struct bench b;
        set_up(&b, &plain);
        b.memory.fail_at = at;
        esp_err_t err = run(&b);
        bool reached = b.memory.asked >= at;
        b.memory.fail_at = 0;
        assert_int_equal(err, reached ? ESP_ERR_NO_MEM : ESP_OK);
        if (reached)
            assert_int_equal(b.t.rec.count, 0);
        tear_down(&b);
        if (!reached)
            break;
        assert_true(at < 10);
    }
}

/* The slot that boots next holds a good image, whatever failed and when; power that is cut is such a failure. */
static void every_flash_operation_may_fail(void **state)
{
    static const enum fail_mode modes[] = { FAIL_ONCE, FAIL_FROM, FAIL_TORN };
    (void)state;
    for (size_t m = 0; m < UD_ARRAY_LEN(modes); m++) {
        for (int bulk = 0; bulk < 2; bulk++) {
            unsigned failed = 0;
            for (uint32_t at = 0;; at++) {
                struct bench b;
                set_up(&b, &plain);
                b.opt.bulk_erase = bulk;
                fail_flash_arm(&b.t.fail, modes[m], at);
                esp_err_t err = run(&b);
                bool reached = b.t.fail.count > at;
                fail_flash_arm(&b.t.fail, FAIL_NEVER, 0);
                if (reached) {
                    assert_int_not_equal(err, ESP_OK);
                    failed++;
                } else {
                    assert_int_equal(err, ESP_OK);
                    assert_installed(&b);
                }
                const struct ud_partition *next = boots_next(&b);
                assert_non_null(next);
                assert_int_equal(ud_ota_verify(&b.ota, next, NULL), ESP_OK);
                tear_down(&b);
                if (!reached)
                    break;
            }
            assert_true(failed > 5);
        }
    }
}

/* A source that says "nothing yet" now and then, and breaks for good at `fail_at` bytes. */
struct shaky {
    struct ud_mem_source mem;
    unsigned calls;
    size_t fail_at;
    esp_err_t err;
};

static esp_err_t shaky_read(void *ctx, void *buf, size_t cap, uint32_t wait_ms, size_t *got)
{
    struct shaky *s = ctx;
    struct ud_source mem = ud_mem_source(&s->mem);
    *got = 0;
    if (s->mem.off >= s->fail_at)
        return s->err;
    return ++s->calls % 3 != 0 ? ESP_ERR_NOT_FINISHED : mem.ops->read(mem.ctx, buf, cap, wait_ms, got);
}

static int64_t shaky_size(void *ctx)
{
    (void)ctx;
    return -1;
}

static bool shaky_is_complete(void *ctx)
{
    const struct shaky *s = ctx;
    return s->mem.off == s->mem.len && s->err != ESP_ERR_NOT_FINISHED;
}

static const struct ud_source_ops shaky_ops = { shaky_read, shaky_size, shaky_is_complete };

static void timeout_is_progress_and_a_broken_source_ends_it(void **state)
{
    static const struct {
        size_t fail_at;
        esp_err_t err;
    } rows[] = { { SIZE_MAX, ESP_OK }, { 600, ESP_FAIL }, { 600, ESP_ERR_TIMEOUT }, { 5000, ESP_ERR_TIMEOUT } };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        struct bench b;
        set_up(&b, &plain);
        struct shaky s = { .mem = { .data = b.image, .len = b.image_len, .piece = 300 },
                           .fail_at = rows[i].fail_at,
                           .err = rows[i].err };
        struct ud_update_env env = { .ota = &b.ota, .alloc = counting_alloc(&b.memory), .obs = &b.t.obs };
        b.opt.bulk_erase = true; /* of a size that is not known: the whole slot */
        assert_int_equal(ud_update_begin(&b.u, &env, (struct ud_source){ &shaky_ops, &s }, &b.opt), ESP_OK);
        assert_int_equal(step_all(&b), rows[i].err);
        if (rows[i].err == ESP_OK) {
            assert_int_equal(ud_update_finish(&b.u), ESP_OK);
            assert_installed(&b);
        } else {
            assert_int_equal(ud_update_step(&b.u), rows[i].err); /* for good */
            assert_int_equal(ud_update_abort(&b.u), ESP_OK);
        }
        tear_down(&b);
    }
}

static void end_without_completeness_is_a_failure(void **state)
{
    struct bench b;
    (void)state;
    set_up(&b, &plain);
    struct shaky s = { .mem = { .data = b.image, .len = b.image_len }, .fail_at = SIZE_MAX };
    s.err = ESP_ERR_NOT_FINISHED; /* is_complete: never */
    struct ud_update_env env = { .ota = &b.ota, .alloc = counting_alloc(&b.memory), .obs = &b.t.obs };
    assert_int_equal(ud_update_begin(&b.u, &env, (struct ud_source){ &shaky_ops, &s }, &b.opt), ESP_OK);
    assert_int_equal(step_all(&b), ESP_FAIL);
    assert_int_equal(ud_update_abort(&b.u), ESP_OK);
    assert_ptr_equal(boots_next(&b), test_board_part(&b.t, "ota_0"));
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_is_installed_however_it_is_cut),
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(image_for_another_chip_touches_no_flash),
        cmocka_unit_test(source_that_ends_in_the_header_touches_no_flash),
        cmocka_unit_test(image_that_is_cut_short_is_refused_and_nothing_switches),
        cmocka_unit_test(text_instead_of_an_image_costs_one_sector),
        cmocka_unit_test(image_larger_than_the_slot_is_refused),
        cmocka_unit_test(description_can_be_asked_again_and_is_not_lost),
        cmocka_unit_test(missing_description_is_told),
        cmocka_unit_test(states_answer_as_documented),
        cmocka_unit_test(finish_in_the_middle_judges_but_never_switches),
        cmocka_unit_test(slot_must_be_in_the_table_and_free),
        cmocka_unit_test(data_partition_takes_anything_and_switches_nothing),
        cmocka_unit_test(spi_mode_is_compared_only_when_asked),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_flash_operation_may_fail),
        cmocka_unit_test(timeout_is_progress_and_a_broken_source_ends_it),
        cmocka_unit_test(end_without_completeness_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
