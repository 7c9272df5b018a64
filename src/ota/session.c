/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An update session: begin, write, end or abort.
 *
 * Invariants. A session is in the context's list exactly while it is open, and no two open sessions share a partition.
 * While `in_order` holds, the verifier has been fed every byte from offset 0, each as flash read it back, and only this
 * session has changed flash since: its verdict is then the verdict on the bytes that will boot. Anything else (another
 * thread's write, a failed step) makes `end` hash the slot once more instead.
 */
#include "ota_parts.h"

/* ---- the list of open sessions: with the lock held -------------------------------------------------------------- */

static void unlink_session(struct ud_ota *ota, const struct ud_ota_session *s)
{
    for (struct ud_ota_session **at = &ota->sessions; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            return;
        }
    }
}

static bool is_open(const struct ud_ota *ota, const struct ud_ota_session *s)
{
    const struct ud_ota_session *at = ota->sessions;
    while (at && at != s)
        at = at->next;
    return at != NULL;
}

static bool is_in_use(const struct ud_ota *ota, const struct ud_partition *p)
{
    const struct ud_ota_session *at = ota->sessions;
    while (at && at->partition != p)
        at = at->next;
    return at != NULL;
}

static void close_session(struct ud_ota_session *s)
{
    struct ud_ota *ota = s->ota;
    struct ud_board_hold hold;
    ud_board_lock(ota->board, &hold);
    unlink_session(ota, s);
    ud_board_unlock(ota->board, &hold);
    ud_image_verifier_drop(&s->verifier);
    s->ota = NULL;
}

/* ---- begin ------------------------------------------------------------------------------------------------------ */

static esp_err_t check_app_target(struct ud_ota *ota, const struct ud_partition *p)
{
    const struct ud_partition *running = ota->board->running;
    uint32_t state;
    if (!ud_partition_is_ota(p))
        return ESP_ERR_INVALID_ARG;
    if (p == running)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    if (ota->rollback && running && ud_ota_get_state(ota, running, &state) == ESP_OK && state == UD_OTA_PENDING_VERIFY)
        return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    return ESP_OK;
}

static esp_err_t check_target(struct ud_ota *ota, const struct ud_partition *p)
{
    switch (p->type) {
    case UD_PART_APP:
        return check_app_target(ota, p);
    case UD_PART_DATA:
        return ESP_OK;
    default: /* boot loaders and partition tables are no targets here */
        return ESP_ERR_INVALID_ARG;
    }
}

/* Whatever `s` holds before it is opened counts as closed; one that is open stays so, and cannot be begun again. */
static bool claim_closed(struct ud_ota *ota, struct ud_ota_session *s)
{
    struct ud_board_hold hold;
    ud_board_lock(ota->board, &hold);
    bool closed = !is_open(ota, s);
    ud_board_unlock(ota->board, &hold);
    if (closed)
        memset(s, 0, sizeof *s);
    return closed;
}

/* Reserve `p` for `s`. From here on the session is open. */
static esp_err_t open_session(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p,
                              uint32_t image_size)
{
    struct ud_board_hold hold;
    esp_err_t err = ESP_ERR_OTA_ALREADY_IN_PROGRESS;
    ud_board_lock(ota->board, &hold);
    if (!is_in_use(ota, p)) {
        s->ota = ota;
        s->partition = p;
        s->erase_size = image_size;
        s->sequential = image_size == UD_OTA_SEQUENTIAL;
        s->in_order = true;
        s->next = ota->sessions;
        ota->sessions = s;
        err = ESP_OK;
    }
    ud_board_unlock(ota->board, &hold);
    return err;
}

static esp_err_t erase_ahead(struct ud_ota_session *s)
{
    uint32_t len = s->partition->size;
    if (s->sequential)
        return ESP_OK;
    if (s->erase_size != 0 && s->erase_size != UD_OTA_SIZE_UNKNOWN &&
        !ud_round_up(s->erase_size, UD_FLASH_SECTOR, &len))
        return ESP_ERR_INVALID_SIZE;
    return ud_ota_erase_steps(s->ota->board, s->partition, len);
}

/* The verifier, the erase, and with rollback the entry of the slot that is about to change. */
static esp_err_t prepare(struct ud_ota_session *s)
{
    struct ud_ota *ota = s->ota;
    struct ud_board *b = ota->board;
    struct ud_board_hold hold;
    esp_err_t err = ESP_OK;
    if (s->partition->type == UD_PART_APP) {
        struct ud_image_rules rules = ud_board_image_rules(b, s->partition);
        err = ud_image_verifier_start(&s->verifier, &rules, b->crypto, b->obs);
    }
    if (err == ESP_OK)
        err = erase_ahead(s);
    if (err != ESP_OK)
        return err;
    if (ota->rollback && ota->otadata_policy != UD_OTADATA_V5 && s->partition->type == UD_PART_APP) {
        esp_err_t forgotten = ud_ota_invalidate_inactive(ota);
        (void)forgotten; /* there may be nothing to invalidate */
    }
    ud_board_lock(b, &hold);
    s->generation = b->flash->generation;
    ud_board_unlock(b, &hold);
    return ESP_OK;
}

static esp_err_t begin(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *asked,
                       uint32_t image_size)
{
    const struct ud_partition *p = ud_ptable_verify(&ota->board->table, asked);
    esp_err_t err = p ? check_target(ota, p) : ESP_ERR_NOT_FOUND;
    if (err == ESP_OK)
        err = open_session(ota, s, p, image_size);
    if (err != ESP_OK)
        return err;
    err = prepare(s);
    if (err != ESP_OK)
        close_session(s);
    return err;
}

esp_err_t ud_ota_begin(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p, uint32_t image_size)
{
    if (!ota || !s)
        return ESP_ERR_INVALID_ARG;
    if (!claim_closed(ota, s))
        return ESP_ERR_INVALID_STATE;
    if (!p)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = begin(ota, s, p, image_size);
    return err == ESP_OK ? ESP_OK : ud_note(ota->board->obs, UD_NOTE_OTA_REFUSED, err, p->addr, 0, p->label);
}

/* ---- write ------------------------------------------------------------------------------------------------------ */

/* One flash step, with the lock held: `len` bytes inside one sector, written and read back into scratch. */
static esp_err_t program_step(struct ud_ota_session *s, uint32_t off, const uint8_t *data, uint32_t len)
{
    struct ud_flash *flash = s->ota->board->flash;
    esp_err_t err = ud_partition_write(flash, s->partition, off, data, len);
    return err == ESP_OK ? ud_partition_read(flash, s->partition, off, s->scratch, len) : err;
}

/* The sector that begins at `off` is entered: erase it. */
static esp_err_t enter_sector(struct ud_ota_session *s, uint32_t off)
{
    return s->sequential && off % UD_FLASH_SECTOR == 0
               ? ud_partition_erase(s->ota->board->flash, s->partition, off, UD_FLASH_SECTOR)
               : ESP_OK;
}

static esp_err_t check_first_byte(const struct ud_ota_session *s, uint32_t off, uint8_t first)
{
    return off == 0 && s->partition->type == UD_PART_APP && first != UD_IMAGE_MAGIC ? ESP_ERR_OTA_VALIDATE_FAILED
                                                                                    : ESP_OK;
}

/* Flash differs from what was asked: say where. */
static esp_err_t tell_difference(const struct ud_ota_session *s, uint32_t off, const uint8_t *data)
{
    uint32_t i = 0;
    while (s->scratch[i] == data[i])
        i++;
    return ud_note(s->ota->board->obs, UD_NOTE_OTA_READBACK, ESP_ERR_FLASH_OP_FAIL, s->partition->addr + off + i,
                   s->scratch[i], s->partition->label);
}

static esp_err_t write_piece(struct ud_ota_session *s, uint32_t off, const uint8_t *data, uint32_t len)
{
    struct ud_board *b = s->ota->board;
    struct ud_board_hold hold;

    ud_board_lock(b, &hold);
    if (b->flash->generation != s->generation)
        s->in_order = false; /* somebody else's erase or program; it may have been in this slot */
    esp_err_t err = enter_sector(s, off);
    esp_err_t magic = err == ESP_OK ? check_first_byte(s, off, data[0]) : ESP_OK;
    if (err == ESP_OK && magic == ESP_OK)
        err = program_step(s, off, data, len);
    s->generation = b->flash->generation;
    ud_board_unlock(b, &hold);

    if (magic != ESP_OK)
        return ud_note(b->obs, UD_NOTE_OTA_BAD_MAGIC, magic, data[0], 0, s->partition->label);
    if (err != ESP_OK)
        return err;
    if (memcmp(s->scratch, data, len) != 0)
        return tell_difference(s, off, data);
    if (s->in_order && s->partition->type == UD_PART_APP) {
        esp_err_t verdict = ud_image_verifier_push(&s->verifier, s->scratch, len);
        (void)verdict; /* sticky in the verifier: a bad image is judged by `end`, not here */
    }
    return ESP_OK;
}

esp_err_t ud_ota_write(struct ud_ota_session *s, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    if (!data)
        return ESP_ERR_INVALID_ARG;
    if (len == 0)
        return ESP_OK;
    if (!s || !s->ota)
        return ESP_ERR_INVALID_ARG;
    if (len > s->partition->size - s->written)
        return ESP_ERR_INVALID_SIZE;

    uint32_t end = s->written + (uint32_t)len;
    for (uint32_t off = s->written; off < end;) {
        uint32_t step = UD_FLASH_SECTOR - off % UD_FLASH_SECTOR;
        if (step > UD_OTA_SCRATCH)
            step = UD_OTA_SCRATCH;
        if (step > end - off)
            step = end - off;
        esp_err_t err = write_piece(s, off, bytes, step);
        if (err != ESP_OK) {
            s->in_order = false; /* `written` stands: the caller may write these bytes again */
            return err;
        }
        off += step;
        bytes += step;
    }
    s->written = end;
    return ESP_OK;
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

/* The session's own verdict, if it may speak: ESP_ERR_NOT_FINISHED when the slot has to be read again. */
static esp_err_t own_verdict(struct ud_ota_session *s, struct ud_image_info *info)
{
    struct ud_board *b = s->ota->board;
    struct ud_board_hold hold;
    if (s->in_order && s->verifier.state == UD_IMAGE_FAILED)
        return s->verifier.err;
    if (!s->in_order || !ud_image_verifier_is_done(&s->verifier))
        return ESP_ERR_NOT_FINISHED;
    esp_err_t err = ud_image_verifier_finish(&s->verifier, info);
    if (err != ESP_OK)
        return err;
    ud_board_lock(b, &hold);
    if (b->flash->generation == s->generation)
        ud_board_set_verdict(b, s->partition, info);
    else
        err = ESP_ERR_NOT_FINISHED;
    ud_board_unlock(b, &hold);
    return err;
}

static esp_err_t judge(struct ud_ota_session *s)
{
    struct ud_image_info info;
    if (s->partition->type != UD_PART_APP)
        return ESP_OK;
    esp_err_t err = own_verdict(s, &info);
    if (err == ESP_ERR_NOT_FINISHED)
        err = ud_ota_verify_slot(s->ota, s->partition, false, NULL);
    else
        (void)ud_note(s->ota->board->obs, UD_NOTE_OTA_VERDICT, err, s->partition->addr, 0, s->partition->label);
    return err == ESP_OK ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED;
}

esp_err_t ud_ota_end(struct ud_ota_session *s)
{
    if (!s || !s->ota)
        return ESP_ERR_NOT_FOUND;
    esp_err_t err = s->written > 0 ? judge(s) : ESP_ERR_INVALID_ARG;
    close_session(s);
    return err;
}

esp_err_t ud_ota_abort(struct ud_ota_session *s)
{
    if (!s || !s->ota)
        return ESP_ERR_NOT_FOUND;
    close_session(s);
    return ESP_OK;
}
