/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of session calls, legal and not, against a model of a few lines: a copy of flash as bytes, and for
 * each session what it knows. After every call code and flash are the same; which content is good is asked of the image
 * and table rooms on the model's copy.
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

#define SESSIONS 2
#define RUNS     250
#define CALLS    60
#define PARTS    7
#define SECTOR   UD_FLASH_SECTOR

struct model_session {
    bool open, copy, resumed, sequential;
    unsigned at, final;
    uint32_t written, top;
};

struct rig {
    struct test_board t;
    struct ud_ota ota;
    struct ud_ota_session s[SESSIONS];
    struct ud_extra_partition boot, table;
    const struct ud_partition *part[PARTS]; /* 0 runs */
    uint8_t *image;
    uint32_t image_len;
    uint8_t *flash; /* as the model has it */
    struct model_session m[SESSIONS];
    uint32_t random;
    uint8_t data[12000];
    unsigned good[4], copied, refused; /* ends, by type of the final partition */
};

static uint32_t any(struct rig *r, uint32_t below)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 17;
    r->random ^= r->random << 5;
    return r->random % below;
}

static void rig_up(struct rig *r, uint32_t seed)
{
    static const char *const labels[] = { "ota_0", "ota_1", "ota_2", "nvs", "phy_init" };
    memset(r, 0, sizeof *r);
    r->random = seed * 2654435761u + 1;
    test_board_init(&r->t,
                    &(struct test_layout){
                        .ota = { 0, 1, 2 }, .ota_count = 3, .otadata = UD_OTADATA_PRESENT, .slot_bytes = 0x4000 });
    test_board_put_image(&r->t, "ota_0", TEST_IMAGE_GOOD);
    test_board_put_entry(&r->t, 0, 1, UD_OTA_VALID);
    test_board_run(&r->t, "ota_0");
    ud_ota_init(&r->ota, &r->t.board, false);
    r->boot.part = (struct ud_partition){ .size = 0x5000, .type = UD_PART_BOOTLOADER, .label = "boot" };
    r->table.part = (struct ud_partition){ .addr = 0x5000, .size = 0x1000, .type = UD_PART_TABLE, .label = "table" };
    assert_int_equal(ud_board_add_partition(&r->t.board, &r->boot), ESP_OK);
    assert_int_equal(ud_board_add_partition(&r->t.board, &r->table), ESP_OK);
    for (size_t i = 0; i < UD_ARRAY_LEN(labels); i++)
        r->part[i] = test_board_part(&r->t, labels[i]);
    r->part[5] = &r->boot.part;
    r->part[6] = &r->table.part;
    r->image = test_image_make(&(struct test_image){ .payload = 5000 }, &r->image_len);
    memset(r->t.bytes + r->part[1]->addr, 0x5A, r->part[1]->size); /* old content */
    r->flash = malloc(r->t.size);
    assert_non_null(r->flash);
    memcpy(r->flash, r->t.bytes, r->t.size);
}

static void rig_down(struct rig *r)
{
    for (unsigned i = 0; i < SESSIONS; i++)
        (void)ud_ota_abort(&r->s[i]);
    assert_null(r->ota.sessions);
    free(r->image);
    free(r->flash);
    test_board_deinit(&r->t);
}

/* ---- the model ---------------------------------------------------------------------------------------------------- */

static bool in_use(const struct rig *r, unsigned p)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (r->m[i].open && (r->m[i].at == p || r->m[i].final == p))
            return true;
    }
    return false;
}

static bool program(struct rig *r, const struct ud_partition *p, uint32_t off, const uint8_t *data, uint32_t len)
{
    bool good = true;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t *byte = &r->flash[p->addr + off + i];
        *byte &= data[i];
        good = good && *byte == data[i];
    }
    return good;
}

static esp_err_t model_begin(struct rig *r, unsigned i, unsigned p, uint32_t size, const uint32_t *offset)
{
    struct model_session *m = &r->m[i];
    if (m->open)
        return ESP_ERR_INVALID_STATE;
    if (offset && *offset > r->part[p]->size)
        return ESP_ERR_INVALID_ARG;
    if (p == 0)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    if (in_use(r, p))
        return ESP_ERR_OTA_ALREADY_IN_PROGRESS;
    uint32_t erase =
        size == 0 || size == UD_OTA_SIZE_UNKNOWN ? r->part[p]->size : (size + SECTOR - 1) / SECTOR * SECTOR;
    if (offset || size == UD_OTA_SEQUENTIAL)
        erase = 0;
    if (erase > r->part[p]->size)
        return ESP_ERR_INVALID_SIZE;
    memset(r->flash + r->part[p]->addr, 0xFF, erase);
    *m = (struct model_session){ .open = true,
                                 .resumed = offset != NULL,
                                 .sequential = size == UD_OTA_SEQUENTIAL,
                                 .at = p,
                                 .final = p,
                                 .written = offset ? *offset : 0,
                                 .top = offset ? *offset : 0 };
    return ESP_OK;
}

static esp_err_t model_set_final(struct rig *r, unsigned i, unsigned p, bool copy)
{
    struct model_session *m = &r->m[i];
    if (!m->open)
        return ESP_ERR_NOT_FOUND;
    if (m->written > 0 && !m->resumed)
        return ESP_ERR_INVALID_STATE;
    if (p == m->at)
        return ESP_OK;
    if (copy && p == 0)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    m->final = p;
    m->copy = copy;
    return ESP_OK;
}

static bool may_start_with(const struct rig *r, unsigned final, const uint8_t *data, uint32_t len)
{
    uint8_t type = r->part[final]->type;
    if (type == UD_PART_APP || type == UD_PART_BOOTLOADER)
        return data[0] == 0xE9;
    return type != UD_PART_TABLE || len < 2 || (data[0] == 0xAA && data[1] == 0x50);
}

static esp_err_t model_write(struct rig *r, unsigned i, const uint8_t *data, uint32_t len)
{
    struct model_session *m = &r->m[i];
    const struct ud_partition *p = r->part[m->at];
    if (len == 0)
        return ESP_OK;
    if (!m->open || m->written > p->size)
        return ESP_ERR_INVALID_ARG;
    if (len > p->size - m->written)
        return ESP_ERR_INVALID_SIZE;
    for (uint32_t done = 0; done < len;) {
        uint32_t off = m->written + done;
        uint32_t n = SECTOR - off % SECTOR < UD_OTA_SCRATCH ? SECTOR - off % SECTOR : UD_OTA_SCRATCH;
        if (n > len - done)
            n = len - done;
        if (m->sequential && off % SECTOR == 0)
            memset(r->flash + p->addr + off, 0xFF, SECTOR);
        if (off == 0 && !may_start_with(r, m->final, data, n))
            return ESP_ERR_OTA_VALIDATE_FAILED;
        if (!program(r, p, off, data + done, n))
            return ESP_ERR_FLASH_OP_FAIL;
        done += n;
    }
    m->written += len;
    if (m->written > m->top)
        m->top = m->written;
    return ESP_OK;
}

static esp_err_t model_write_at(struct rig *r, unsigned i, const uint8_t *data, uint32_t len, uint32_t offset)
{
    struct model_session *m = &r->m[i];
    const struct ud_partition *p = r->part[m->at];
    if (!m->open)
        return ESP_ERR_INVALID_ARG;
    if (m->sequential)
        return ESP_ERR_INVALID_STATE;
    if (offset > p->size)
        return ESP_ERR_INVALID_ARG;
    if (len > p->size - offset)
        return ESP_ERR_INVALID_SIZE;
    for (uint32_t done = 0; done < len; done += UD_OTA_SCRATCH) {
        uint32_t n = len - done < UD_OTA_SCRATCH ? len - done : UD_OTA_SCRATCH;
        if (!program(r, p, offset + done, data + done, n))
            return ESP_ERR_FLASH_OP_FAIL;
    }
    if (len > 0 && offset + len > m->top)
        m->top = offset + len;
    m->written += len;
    return ESP_OK;
}

/* Of the model's copy, by the rooms that know. */
static bool is_good(struct rig *r, const struct model_session *m)
{
    struct ud_ram_flash ram;
    struct ud_flash copy;
    struct ud_ptable table;
    struct ud_partition content = *r->part[m->at];
    uint8_t scratch[256];
    content.type = r->part[m->final]->type;
    if (content.type == UD_PART_DATA)
        return true;
    if (content.type == UD_PART_TABLE)
        return ud_ptable_decode(r->flash + content.addr, UD_PTABLE_BYTES, r->t.size, &r->t.crypto, NULL, &table) ==
               ESP_OK;
    ud_ram_flash_init(&ram, &copy, r->flash, r->t.size);
    struct ud_image_rules rules = ud_board_image_rules(&r->t.board, &content);
    return ud_image_verify(&copy, content.addr, content.size, &rules, &r->t.crypto, NULL, scratch, sizeof scratch,
                           NULL) == ESP_OK;
}

static esp_err_t model_end(struct rig *r, unsigned i)
{
    struct model_session *m = &r->m[i];
    if (!m->open)
        return ESP_ERR_NOT_FOUND;
    m->open = false;
    if (m->written == 0)
        return ESP_ERR_INVALID_ARG;
    if (!is_good(r, m)) {
        r->refused++;
        return ESP_ERR_OTA_VALIDATE_FAILED;
    }
    r->good[r->part[m->final]->type]++;
    if (!m->copy)
        return ESP_OK;
    const struct ud_partition *from = r->part[m->at];
    const struct ud_partition *to = r->part[m->final];
    if (to->size > from->size || (to->type == UD_PART_DATA && m->top > to->size))
        return ESP_ERR_INVALID_SIZE;
    memcpy(r->flash + to->addr, r->flash + from->addr, to->size);
    r->copied++;
    return ESP_OK;
}

static esp_err_t model_abort(struct rig *r, unsigned i)
{
    bool open = r->m[i].open;
    r->m[i].open = false;
    return open ? ESP_OK : ESP_ERR_NOT_FOUND;
}

/* ---- the calls ---------------------------------------------------------------------------------------------------- */

/* Bytes to write: mostly the next ones of what the session is to hold, so that some content is good. */
static uint32_t take_data(struct rig *r, unsigned i, uint32_t *offset)
{
    const struct model_session *m = &r->m[i];
    bool table = r->part[m->final]->type == UD_PART_TABLE;
    const uint8_t *source = table ? r->t.bytes + UD_PTABLE_DEFAULT_OFFSET : r->image;
    uint32_t total = table ? UD_PTABLE_BYTES : r->image_len;
    uint32_t from = *offset < total ? *offset : total;
    uint32_t len = any(r, 3) == 0 ? total - from : any(r, 2) ? any(r, 40) : any(r, sizeof r->data);
    memset(r->data, (int)any(r, 256), sizeof r->data);
    if (any(r, 8) != 0)
        memcpy(r->data, source + from, len < total - from ? len : total - from);
    return len;
}

static uint32_t take_size(struct rig *r, unsigned p)
{
    static const uint32_t special[] = { 0, UD_OTA_SIZE_UNKNOWN, UD_OTA_SEQUENTIAL, UD_OTA_SEQUENTIAL };
    uint32_t which = any(r, 6);
    return which < UD_ARRAY_LEN(special) ? special[which] : any(r, r->part[p]->size + 0x2000) + 1;
}

static void call(struct rig *r, unsigned n)
{
    unsigned i = any(r, SESSIONS);
    unsigned p = any(r, PARTS);
    uint32_t size = take_size(r, p);
    uint32_t offset = any(r, 4) ? any(r, 3) * any(r, 5000) : r->part[p]->size + 1;
    bool copy = any(r, 2);
    unsigned which = any(r, 16);
    uint32_t len;
    esp_err_t want, got;
    if (which < 3) {
        want = model_begin(r, i, p, size, NULL);
        got = ud_ota_begin(&r->ota, &r->s[i], r->part[p], size);
    } else if (which == 3) {
        want = model_begin(r, i, p, size, &offset);
        got = ud_ota_resume(&r->ota, &r->s[i], r->part[p], size, offset);
    } else if (which < 6) {
        want = model_set_final(r, i, p, copy);
        got = ud_ota_set_final(&r->s[i], r->part[p], copy);
    } else if (which < 11) {
        len = take_data(r, i, &r->m[i].written);
        want = model_write(r, i, r->data, len);
        got = ud_ota_write(&r->s[i], r->data, len);
    } else if (which < 13) {
        len = take_data(r, i, &offset);
        want = model_write_at(r, i, r->data, len, offset);
        got = ud_ota_write_at(&r->s[i], r->data, len, offset);
    } else if (which < 15) {
        want = model_end(r, i);
        got = ud_ota_end(&r->s[i]);
    } else {
        want = model_abort(r, i);
        got = ud_ota_abort(&r->s[i]);
    }
    if (want != got)
        print_error("call %u (kind %u): model %s, here %s\n", n, which, ud_err_name(want), ud_err_name(got));
    assert_int_equal(got, want);
    assert_memory_equal(r->t.bytes, r->flash, r->t.size);
    for (unsigned k = 0; k < SESSIONS; k++)
        assert_int_equal(r->m[k].open, r->s[k].ota != NULL);
}

static void random_sessions_do_as_the_model_does(void **state)
{
    (void)state;
    struct rig *r = malloc(sizeof *r);
    assert_non_null(r);
    unsigned good[4] = { 0 }, copied = 0, refused = 0;
    for (uint32_t seed = 1; seed <= RUNS; seed++) {
        rig_up(r, seed);
        for (unsigned n = 0; n < CALLS; n++)
            call(r, n);
        for (unsigned type = 0; type < UD_ARRAY_LEN(good); type++)
            good[type] += r->good[type];
        copied += r->copied;
        refused += r->refused;
        rig_down(r);
    }
    print_message("good ends: %u apps, %u data, %u boot loaders, %u tables; %u copied, %u refused\n", good[UD_PART_APP],
                  good[UD_PART_DATA], good[UD_PART_BOOTLOADER], good[UD_PART_TABLE], copied, refused);
    for (unsigned type = 0; type < UD_ARRAY_LEN(good); type++)
        assert_true(good[type] > 0); /* the sequences get everywhere */
    assert_true(copied > 0 && refused > 0);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sessions_do_as_the_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
