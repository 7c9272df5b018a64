/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a device against a model: random updates, choices, confirmations, rejections, damage and boots, legal and
 * not. The model is a copy of flash as bytes and the rules of otadata written down once more, from the documentation.
 * After every call code, answer and flash are the same. Then the same lives with one step that fails: each erase and
 * program, each read, each hash that is to start. Nothing else may be harmed, nothing leaks, and the device boots.
 *
 * UD_MODEL_SEQUENCES says how many lives (from 1 up, which is their seed), for long runs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test_board.h"
#include "updraft/ota.h"

enum { SEQUENCES = 300, CALLS = 80, FAULT_SEQUENCES = 12, FAULT_CALLS = 40, SESSIONS = 2, SLOT_BYTES = 0x3000 };
enum { FACTORY = -1, NOTHING = -9 };
enum { NEW = 0, PENDING = 1, VALID = 2, INVALID = 3, ABORTED = 4 };
#define BLANK 0xFFFFFFFFu

/* What a model's call answers: a code, and a slot where it is one that asks for a partition. */
struct answer {
    esp_err_t err;
    int app;
};

struct entry {
    uint32_t seq, state, crc;
};

struct life {
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s[SESSIONS];
    uint8_t *image;
    uint32_t image_len;
    uint32_t random;
    int slots;
    bool has_factory, rollback;
    /* the model */
    uint8_t *flash;
    int running;
    struct {
        bool open, sequential;
        int slot;
        uint32_t written;
    } m[SESSIONS];
    unsigned boots, updates, rollbacks, confirmed;
};

static uint32_t any(struct life *l, uint32_t below)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 17;
    l->random ^= l->random << 5;
    return l->random % below;
}

static const struct ud_partition *part_of(const struct life *l, int app)
{
    static const char *const labels[] = { "factory", "ota_0", "ota_1", "ota_2" };
    return app == NOTHING ? NULL : test_board_part(&l->t, labels[app + 1]);
}

static int app_of(const struct life *l, const struct ud_partition *p)
{
    for (int app = l->has_factory ? FACTORY : 0; app < l->slots; app++) {
        if (part_of(l, app) == p)
            return app;
    }
    return NOTHING;
}

/* Flash was changed from outside: the model sees it too. */
static void look(struct life *l)
{
    memcpy(l->flash, l->t.bytes, l->t.size);
}

static void begin_life(struct life *l, uint32_t seed)
{
    memset(l, 0, sizeof *l);
    l->random = seed * 2654435761u + 1u;
    l->slots = 1 + (int)any(l, 3);
    l->has_factory = any(l, 2);
    l->rollback = any(l, 4) != 0;
    test_board_init(&l->t, &(struct test_layout){ .ota = { 0, 1, 2 },
                                                  .ota_count = (uint8_t)l->slots,
                                                  .factory = l->has_factory,
                                                  .otadata = UD_OTADATA_PRESENT,
                                                  .slot_bytes = SLOT_BYTES });
    l->image = test_image_make(&(struct test_image){ .payload = 4500 }, &l->image_len);
    for (int app = l->has_factory ? FACTORY : 0; app < l->slots; app++) {
        if (any(l, 3) || app == 0)
            test_board_put_bytes(&l->t, part_of(l, app)->addr, l->image, l->image_len);
    }
    ud_ota_init(&l->ota, &l->t.board, l->rollback);
    l->running = 0;
    test_board_run(&l->t, "ota_0");
    l->flash = malloc(l->t.size);
    assert_non_null(l->flash);
    look(l);
}

static void end_life(struct life *l)
{
    for (unsigned i = 0; i < SESSIONS; i++)
        (void)ud_ota_abort(&l->s[i]);
    assert_null(l->ota.sessions);
    free(l->image);
    free(l->flash);
    test_board_deinit(&l->t); /* no hash held, the lock free, no note under it */
}

/* ---- the model: otadata ------------------------------------------------------------------------------------------- */

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_word(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* CRC-32 of the four bytes, bit by bit; begun with the register as the boot loader's ROM begins it for UINT32_MAX. */
static uint32_t crc_of(uint32_t seq)
{
    uint32_t crc = 0;
    for (int i = 0; i < 4; i++) {
        crc ^= seq >> 8 * i & 0xFFu;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1u ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static uint8_t *sector_of(const struct life *l, int i)
{
    return l->flash + test_board_part(&l->t, "otadata")->addr + (size_t)i * 4096u;
}

static struct entry entry_at(const struct life *l, int i)
{
    const uint8_t *p = sector_of(l, i);
    return (struct entry){ word_at(p), word_at(p + 24), word_at(p + 28) };
}

static bool is_rejected(struct entry e)
{
    return e.seq == BLANK || e.state == INVALID || e.state == ABORTED;
}

static bool counts(struct entry e)
{
    return !is_rejected(e) && e.crc == crc_of(e.seq);
}

static int slot_of(const struct life *l, struct entry e)
{
    return (int)((e.seq - 1u) % (uint32_t)l->slots);
}

static int active_of(const struct life *l)
{
    struct entry a = entry_at(l, 0), b = entry_at(l, 1);
    if (counts(a) && counts(b))
        return b.seq > a.seq;
    return counts(a) ? 0 : counts(b) ? 1 : -1;
}

/* All of the sector but the entry becomes blank; the label stays. */
static void put_entry(struct life *l, int i, uint32_t seq, uint32_t state)
{
    uint8_t *p = sector_of(l, i);
    put_word(p, seq);
    put_word(p + 24, state);
    put_word(p + 28, crc_of(seq));
    memset(p + 32, 0xFF, 4096 - 32);
}

static void put_state(struct life *l, int i, uint32_t state)
{
    uint8_t *p = sector_of(l, i);
    put_word(p + 24, state);
    memset(p + 32, 0xFF, 4096 - 32);
}

/* ---- the model: apps ---------------------------------------------------------------------------------------------- */

static bool is_good(const struct life *l, int app)
{
    return app != NOTHING && memcmp(l->flash + part_of(l, app)->addr, l->image, l->image_len) == 0;
}

static void erase_app(struct life *l, int app, uint32_t len)
{
    memset(l->flash + part_of(l, app)->addr, 0xFF, len);
}

static esp_err_t model_state(const struct life *l, int app, uint32_t *state)
{
    if (app == FACTORY)
        return ESP_ERR_NOT_SUPPORTED;
    for (int i = 0; i < 2; i++) {
        struct entry e = entry_at(l, i);
        if (e.crc == crc_of(e.seq) && slot_of(l, e) == app) {
            *state = e.state;
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

/* The entry that is not active and may be forgotten, or -1. */
static int other_of(const struct life *l)
{
    int active = active_of(l);
    if (active < 0)
        return -1;
    struct entry e = entry_at(l, 1 - active);
    return e.seq != BLANK && e.crc == crc_of(e.seq) && slot_of(l, e) != l->running ? 1 - active : -1;
}

static esp_err_t model_forget(struct life *l, bool app_too)
{
    int other = other_of(l);
    if (other < 0)
        return ESP_FAIL;
    if (app_too)
        erase_app(l, slot_of(l, entry_at(l, other)), SLOT_BYTES);
    memset(sector_of(l, other), 0xFF, 4096);
    return ESP_OK;
}

static bool model_can_roll_back(const struct life *l)
{
    int active = active_of(l);
    if (active < 0)
        return false;
    struct entry other = entry_at(l, 1 - active);
    return counts(other) ? is_good(l, slot_of(l, other)) : l->has_factory && is_good(l, FACTORY);
}

static int model_last_invalid(const struct life *l)
{
    struct entry best = { BLANK, 0, 0 };
    for (int i = 0; i < 2; i++) {
        struct entry e = entry_at(l, i);
        if ((e.state == INVALID || e.state == ABORTED) && e.crc == crc_of(e.seq) && e.seq < best.seq)
            best = e;
    }
    return best.seq != BLANK && is_good(l, slot_of(l, best)) ? slot_of(l, best) : NOTHING;
}

static esp_err_t model_set_boot(struct life *l, int app, bool judge)
{
    int active = active_of(l);
    if (judge && !is_good(l, app))
        return ESP_ERR_OTA_VALIDATE_FAILED;
    if (app == FACTORY) {
        memset(sector_of(l, 0), 0xFF, 2 * 4096);
        return ESP_OK;
    }
    uint32_t state = l->rollback ? NEW : BLANK;
    if (active < 0) {
        put_entry(l, 0, (uint32_t)app + 1, state);
        return ESP_OK;
    }
    struct entry e = entry_at(l, active);
    if (slot_of(l, e) == app) {
        put_entry(l, active, e.seq, state);
        return ESP_OK;
    }
    uint32_t seq = e.seq == 0 ? 1 : e.seq;
    while ((seq - 1) % (uint32_t)l->slots != (uint32_t)app)
        seq++;
    put_entry(l, 1 - active, seq, state);
    return ESP_OK;
}

static esp_err_t model_mark(struct life *l, bool valid)
{
    int active = active_of(l);
    if (active < 0)
        return ESP_FAIL;
    if (!valid && !model_can_roll_back(l))
        return ESP_ERR_OTA_ROLLBACK_FAILED;
    if (!valid || entry_at(l, active).state != VALID)
        put_state(l, active, valid ? VALID : INVALID);
    l->confirmed += valid;
    l->rollbacks += !valid;
    return ESP_OK;
}

static int model_next(const struct life *l, int from)
{
    return from < 0 ? 0 : (from + 1) % l->slots;
}

/* ---- the model: sessions and boots -------------------------------------------------------------------------------- */

static esp_err_t model_begin(struct life *l, unsigned i, int app, uint32_t size)
{
    uint32_t state;
    if (l->m[i].open)
        return ESP_ERR_INVALID_STATE;
    if (app == FACTORY)
        return ESP_ERR_INVALID_ARG;
    if (app == l->running)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    if (l->rollback && l->running != NOTHING && model_state(l, l->running, &state) == ESP_OK && state == PENDING)
        return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    for (unsigned k = 0; k < SESSIONS; k++) {
        if (l->m[k].open && l->m[k].slot == app)
            return ESP_ERR_OTA_ALREADY_IN_PROGRESS;
    }
    if (size != UD_OTA_SEQUENTIAL) {
        uint32_t len = size == 0 ? SLOT_BYTES : (size + 4095) / 4096 * 4096;
        if (len > SLOT_BYTES)
            return ESP_ERR_INVALID_SIZE;
        erase_app(l, app, len);
    }
    if (l->rollback)
        (void)model_forget(l, false);
    l->m[i].open = true;
    l->m[i].sequential = size == UD_OTA_SEQUENTIAL;
    l->m[i].slot = app;
    l->m[i].written = 0;
    return ESP_OK;
}

static esp_err_t model_write(struct life *l, unsigned i, const uint8_t *data, uint32_t len)
{
    if (len == 0)
        return ESP_OK;
    if (!l->m[i].open)
        return ESP_ERR_INVALID_ARG;
    uint8_t *at = l->flash + part_of(l, l->m[i].slot)->addr;
    uint32_t off = l->m[i].written;
    for (uint32_t n = 0; n < len; n++, off++) {
        if (l->m[i].sequential && off % 4096 == 0)
            memset(at + off, 0xFF, 4096);
        if (off == 0 && data[0] != 0xE9)
            return ESP_ERR_OTA_VALIDATE_FAILED;
        at[off] &= data[n];
    }
    l->m[i].written = off;
    return ESP_OK;
}

static esp_err_t model_end(struct life *l, unsigned i)
{
    if (!l->m[i].open)
        return ESP_ERR_NOT_FOUND;
    l->m[i].open = false;
    if (l->m[i].written == 0)
        return ESP_ERR_INVALID_ARG;
    l->updates += is_good(l, l->m[i].slot);
    return is_good(l, l->m[i].slot) ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED;
}

/* Where the boot loader starts; `fresh`: nothing was ever recorded, what loads is to be. */
static int model_start(struct life *l, bool *fresh)
{
    for (int i = 0; l->rollback && i < 2; i++) {
        if (entry_at(l, i).state == PENDING)
            put_state(l, i, ABORTED);
    }
    struct entry a = entry_at(l, 0), b = entry_at(l, 1);
    if (is_rejected(a) && is_rejected(b)) {
        if (l->has_factory)
            return FACTORY;
        *fresh = (a.seq == BLANK || a.crc != crc_of(a.seq)) && (b.seq == BLANK || b.crc != crc_of(b.seq));
        return 0;
    }
    int active = active_of(l);
    if (active < 0)
        return FACTORY;
    if (l->rollback && entry_at(l, active).state == NEW)
        put_state(l, active, PENDING);
    return slot_of(l, entry_at(l, active));
}

static struct answer model_boot(struct life *l)
{
    bool fresh = false;
    int start = model_start(l, &fresh);
    int app = NOTHING;
    for (int i = start; app == NOTHING && i >= (l->has_factory ? FACTORY : 0); i--)
        app = is_good(l, i) ? i : NOTHING;
    for (int i = start + 1; app == NOTHING && i < l->slots; i++)
        app = is_good(l, i) ? i : NOTHING;
    if (fresh && app >= 0) {
        memset(sector_of(l, 0), 0xFF, 32);
        put_entry(l, 0, (uint32_t)app + 1, VALID);
    }
    l->running = app;
    l->boots++;
    return (struct answer){ app == NOTHING ? ESP_ERR_NOT_FOUND : ESP_OK, app };
}

/* ---- both --------------------------------------------------------------------------------------------------------- */

static struct answer real_boot(struct life *l)
{
    struct ud_boot_result result;
    struct ud_boot_device dev = test_board_boot_device(&l->t, l->rollback);
    for (unsigned i = 0; i < SESSIONS; i++) { /* a reset forgets them */
        (void)ud_ota_abort(&l->s[i]);
        l->m[i].open = false;
    }
    l->t.board.running = NULL;
    struct answer a = { ud_boot_run(&dev, &result), NOTHING };
    if (a.err == ESP_OK)
        a.app = result.loaded_index;
    l->t.board.running = part_of(l, a.app);
    return a;
}

static bool is_updated(const struct life *l, int app)
{
    bool found = false;
    for (unsigned i = 0; i < SESSIONS; i++)
        found = found || (l->m[i].open && l->m[i].slot == app);
    return found;
}

/* Somebody writes an odd entry, or damages an app. */
static void damage(struct life *l)
{
    static const uint32_t states[] = { NEW, PENDING, VALID, INVALID, ABORTED, BLANK, 77 };
    uint8_t bytes[32];
    int app = (int)any(l, (uint32_t)l->slots);
    uint32_t seq = any(l, 9);
    bool updating = is_updated(l, app);
    if (any(l, 4) == 0 && !updating) {
        uint8_t byte = 0;
        test_board_put_bytes(&l->t, part_of(l, app)->addr + 400, &byte, 1);
    } else if (any(l, 3) == 0 && app != l->running && !updating) {
        test_board_put_bytes(&l->t, part_of(l, app)->addr, l->image, l->image_len);
    } else {
        memset(bytes, (int)any(l, 256), sizeof bytes);
        put_word(bytes, seq);
        put_word(bytes + 24, states[any(l, UD_ARRAY_LEN(states))]);
        put_word(bytes + 28, crc_of(seq) ^ (any(l, 6) == 0));
        test_board_put_otadata(&l->t, any(l, 2), bytes);
    }
    look(l);
}

/* The next piece of the image, at times with a wrong byte. */
static uint32_t next_piece(struct life *l, unsigned i, uint8_t *data)
{
    uint32_t from = l->m[i].open ? l->m[i].written : 0;
    uint32_t left = l->image_len - from;
    uint32_t len = any(l, 3) ? left : any(l, left + 1);
    memcpy(data, l->image + from, len);
    if (any(l, 16) == 0 && from == 0 && len > 0)
        data[0] = 0xE8;
    else if (any(l, 8) == 0 && len > 0 && from + len / 2 > 300)
        data[len / 2] ^= 0x40;
    return len;
}

enum kind { BEGIN, WRITE, END, ABORT, SET_BOOT, SKIP, CONFIRM, REJECT, FORGET, ERASE_LAST, ASK, BOOT, DAMAGE, KINDS };

static enum kind kind_of(struct life *l)
{
    static const uint8_t weight[KINDS] = { 12, 12, 4, 1, 6, 1, 3, 3, 1, 1, 6, 4, 2 };
    uint32_t at = any(l, 56);
    unsigned kind = 0;
    while (at >= weight[kind])
        at -= weight[kind++];
    return (enum kind)kind;
}

/* Questions change nothing. */
static void ask(struct life *l, int app, struct answer *want, struct answer *got)
{
    uint32_t model_says = 0, says = 0;
    switch (any(l, 5)) {
    case 0:
        want->app = active_of(l) >= 0 ? slot_of(l, entry_at(l, active_of(l))) : l->has_factory ? FACTORY : 0;
        got->app = app_of(l, ud_ota_get_boot(&l->ota));
        break;
    case 1:
        want->err = model_state(l, app, &model_says);
        got->err = ud_ota_get_state(&l->ota, part_of(l, app), &says);
        want->app = (int)model_says;
        got->app = (int)says;
        break;
    case 2:
        want->app = model_next(l, app);
        got->app = app_of(l, ud_ota_next_update(&l->t.board, part_of(l, app)));
        break;
    case 3:
        want->app = model_last_invalid(l);
        got->app = app_of(l, ud_ota_last_invalid(&l->ota));
        break;
    default:
        want->app = model_can_roll_back(l);
        got->app = ud_ota_is_rollback_possible(&l->ota);
    }
}

static enum kind call(struct life *l, struct answer *want, struct answer *got)
{
    static const uint32_t sizes[] = { 0, UD_OTA_SEQUENTIAL, UD_OTA_SEQUENTIAL, 4900, SLOT_BYTES + 1 };
    enum kind kind = kind_of(l);
    unsigned i = any(l, SESSIONS);
    int app = (int)any(l, (uint32_t)l->slots + l->has_factory) - l->has_factory;
    if (kind == BEGIN && any(l, 3))
        app = model_next(l, l->running);
    if ((kind == WRITE || kind == END) && !l->m[i].open && any(l, 5))
        i = 1 - i;
    uint32_t size = sizes[any(l, UD_ARRAY_LEN(sizes))];
    const struct ud_partition *p = part_of(l, app);
    uint8_t data[8192];
    uint32_t len;
    *want = *got = (struct answer){ ESP_OK, 0 };
    if (kind == BEGIN) {
        want->err = model_begin(l, i, app, size);
        got->err = ud_ota_begin(&l->ota, &l->s[i], p, size);
    } else if (kind == WRITE) {
        len = next_piece(l, i, data);
        want->err = model_write(l, i, data, len);
        got->err = ud_ota_write(&l->s[i], data, len);
    } else if (kind == END) {
        want->err = model_end(l, i);
        got->err = ud_ota_end(&l->s[i]);
    } else if (kind == ABORT) {
        want->err = l->m[i].open ? ESP_OK : ESP_ERR_NOT_FOUND;
        l->m[i].open = false;
        got->err = ud_ota_abort(&l->s[i]);
    } else if (kind == SET_BOOT) {
        want->err = model_set_boot(l, app, true);
        got->err = ud_ota_set_boot(&l->ota, p);
    } else if (kind == SKIP) {
        want->err = model_set_boot(l, app, false);
        got->err = ud_ota_set_boot_skip_validate(&l->ota, p);
    } else if (kind == CONFIRM || kind == REJECT) {
        want->err = model_mark(l, kind == CONFIRM);
        got->err = kind == CONFIRM ? ud_ota_mark_valid(&l->ota) : ud_ota_mark_invalid(&l->ota);
    } else if (kind == FORGET || kind == ERASE_LAST) {
        want->err = model_forget(l, kind == ERASE_LAST);
        got->err = kind == FORGET ? ud_ota_invalidate_inactive(&l->ota) : ud_ota_erase_last_boot_app(&l->ota);
    } else if (kind == ASK) {
        ask(l, app, want, got);
    } else if (kind == BOOT) {
        *want = model_boot(l);
        *got = real_boot(l);
    } else {
        damage(l);
    }
    return kind;
}

/* Everything the model knows is so; hashes are held by open sessions only. */
static void assert_same(struct life *l, uint32_t seed, unsigned n, enum kind kind, struct answer want,
                        struct answer got)
{
    unsigned open = 0;
    if (want.err != got.err || want.app != got.app || memcmp(l->flash, l->t.bytes, l->t.size) != 0)
        print_error("seed %u, call %u (kind %d): model %s %d, here %s %d\n", (unsigned)seed, n, (int)kind,
                    ud_err_name(want.err), want.app, ud_err_name(got.err), got.app);
    assert_int_equal(got.err, want.err);
    assert_int_equal(got.app, want.app);
    assert_memory_equal(l->t.bytes, l->flash, l->t.size);
    for (unsigned i = 0; i < SESSIONS; i++) {
        assert_int_equal(l->s[i].ota != NULL, l->m[i].open);
        open += l->m[i].open;
    }
    assert_true(l->t.count.held <= open);
}

static uint32_t sequences(uint32_t usual)
{
    const char *asked = getenv("UD_MODEL_SEQUENCES");
    return asked ? (uint32_t)strtoul(asked, NULL, 10) : usual;
}

static void random_lives_go_as_the_model_says(void **state)
{
    (void)state;
    struct life *l = malloc(sizeof *l);
    struct answer want, got;
    unsigned boots = 0, updates = 0, rollbacks = 0, confirmed = 0;
    uint32_t last = sequences(SEQUENCES);
    assert_non_null(l);
    for (uint32_t seed = 1; seed <= last; seed++) {
        begin_life(l, seed);
        for (unsigned n = 0; n < CALLS; n++) {
            enum kind kind = call(l, &want, &got);
            assert_same(l, seed, n, kind, want, got);
        }
        boots += l->boots;
        updates += l->updates;
        rollbacks += l->rollbacks;
        confirmed += l->confirmed;
        end_life(l);
    }
    print_message("seeds 1 to %u: %u boots, %u good updates, %u confirmed, %u rejected\n", (unsigned)last, boots,
                  updates, confirmed, rollbacks);
    assert_true(boots > last && updates > last / 2 && rollbacks > last / 20 && confirmed > last / 4);
    free(l);
}

/* ---- one step fails ----------------------------------------------------------------------------------------------- */

enum fault { FAULT_CHANGE, FAULT_READ, FAULT_HASH, FAULTS };

static void arm(struct life *l, enum fault fault, uint32_t at)
{
    fail_flash_arm(&l->t.fail,
                   fault == FAULT_READ     ? FAIL_READ_ONCE
                   : fault == FAULT_CHANGE ? FAIL_ONCE
                                           : FAIL_NEVER,
                   at);
    l->t.count.starts = 0;
    l->t.count.fail_start = fault == FAULT_HASH ? at + 1 : 0;
}

static bool has_struck(const struct life *l, enum fault fault, uint32_t at)
{
    uint32_t n = fault == FAULT_HASH ? l->t.count.starts : fault == FAULT_READ ? l->t.fail.reads : l->t.fail.count;
    return n > at;
}

static bool is_blank(const uint8_t *p)
{
    for (int i = 0; i < 32; i++) {
        if (p[i] != 0xFF)
            return false;
    }
    return true;
}

/*
 * A failed step leaves each entry as it was, as it was to be, or blank; and apps alone that the call was not about. That
 * nothing is known of the running app's state does not keep `begin` from its work, as in ESP-IDF.
 */
static void assert_little_harm(const struct life *l, const uint8_t *before, enum kind kind, bool read_failed)
{
    uint32_t otadata = test_board_part(&l->t, "otadata")->addr;
    for (uint32_t i = 0; i < 2 && kind != BOOT; i++) {
        uint32_t at = otadata + i * 4096u;
        assert_true(memcmp(l->t.bytes + at, before + at, 32) == 0 || memcmp(l->t.bytes + at, l->flash + at, 32) == 0 ||
                    is_blank(l->t.bytes + at));
    }
    assert_memory_equal(l->t.bytes, before, otadata);
    for (int app = l->has_factory ? FACTORY : 0; app < l->slots; app++) {
        uint32_t at = part_of(l, app)->addr;
        bool meant = memcmp(l->flash + at, before + at, SLOT_BYTES) != 0 ||
                     (kind == BEGIN && read_failed && app != l->running) || (kind == WRITE && is_updated(l, app));
        if (!meant)
            assert_memory_equal(l->t.bytes + at, before + at, SLOT_BYTES);
    }
}

/* Power comes back on what is there. */
static void assert_boots(struct life *l)
{
    arm(l, FAULT_HASH, UINT32_MAX - 1);
    look(l);
    struct answer want = model_boot(l);
    struct answer got = real_boot(l);
    assert_int_equal(got.err, want.err);
    assert_int_equal(got.app, want.app);
    assert_memory_equal(l->t.bytes, l->flash, l->t.size);
    assert_int_equal(l->t.count.held, 0);
}

/* One life up to the call in which the step fails; false when it is over before. */
static bool live_with(struct life *l, uint32_t seed, enum fault fault, uint32_t at)
{
    struct answer want, got;
    bool struck = false;
    begin_life(l, seed);
    uint8_t *before = malloc(l->t.size);
    assert_non_null(before);
    arm(l, fault, at);
    for (unsigned n = 0; n < FAULT_CALLS && !struck; n++) {
        memcpy(before, l->t.bytes, l->t.size);
        enum kind kind = call(l, &want, &got);
        struck = has_struck(l, fault, at);
        if (kind == DAMAGE)
            memcpy(before, l->t.bytes, l->t.size);
        if (struck)
            assert_little_harm(l, before, kind, fault == FAULT_READ);
        else
            assert_same(l, seed, n, kind, want, got);
    }
    if (struck)
        assert_boots(l);
    free(before);
    end_life(l);
    return struck;
}

static void whatever_step_fails_little_is_harmed_and_the_device_boots(void **state)
{
    (void)state;
    struct life *l = malloc(sizeof *l);
    uint32_t failed[FAULTS] = { 0 };
    uint32_t last = sequences(FAULT_SEQUENCES * 50) / 50;
    assert_non_null(l);
    for (uint32_t seed = 1; seed <= last; seed++) {
        for (int fault = 0; fault < FAULTS; fault++) {
            uint32_t at = 0;
            while (live_with(l, seed, (enum fault)fault, at))
                at++;
            failed[fault] += at;
        }
    }
    print_message("seeds 1 to %u: %u changes, %u reads, %u hashes failed, one a life\n", (unsigned)last,
                  (unsigned)failed[FAULT_CHANGE], (unsigned)failed[FAULT_READ], (unsigned)failed[FAULT_HASH]);
    for (int fault = 0; fault < FAULTS && last > 0; fault++)
        assert_true(failed[fault] > 0);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lives_go_as_the_model_says),
        cmocka_unit_test(whatever_step_fails_little_is_harmed_and_the_device_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
