/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An update session: begin or resume, write, end or abort.
 *
 * Invariants. A session is in the context's list exactly while it is open, and no two open sessions share a partition to
 * write to. `final` decides what the content is; `partition` is where it lies.
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
    while (at && at->partition != p && at->final != p)
        at = at->next;
    return at != NULL;
}

bool ud_ota_is_in_use(struct ud_ota *ota, const struct ud_partition *p)
{
    struct ud_board_hold hold;
    ud_board_lock(ota->board, &hold);
    bool in_use = is_in_use(ota, p);
    ud_board_unlock(ota->board, &hold);
    return in_use;
}

/* Content that the streaming verifier judges. */
static bool is_image(const struct ud_ota_session *s)
{
    return s->final->type == UD_PART_APP || s->final->type == UD_PART_BOOTLOADER;
}

/* What lies in the session's partition, as what it is to be. */
static struct ud_partition content_of(const struct ud_ota_session *s)
{
    struct ud_partition p = *s->partition;
    p.type = s->final->type;
    return p;
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
    return p->type == UD_PART_APP ? check_app_target(ota, p) : ESP_OK;
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
        s->partition = s->final = p;
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

static esp_err_t start_verifier(struct ud_ota_session *s)
{
    struct ud_board *b = s->ota->board;
    if (!is_image(s))
        return ESP_OK;
    struct ud_partition content = content_of(s);
    struct ud_image_rules rules = ud_board_image_rules(b, &content);
    return ud_image_verifier_start(&s->verifier, &rules, b->crypto, b->obs);
}

static void keep_generation(struct ud_ota_session *s)
{
    struct ud_board_hold hold;
    ud_board_lock(s->ota->board, &hold);
    s->generation = s->ota->board->flash->generation;
    ud_board_unlock(s->ota->board, &hold);
}

/* The verifier, the erase, and with rollback the entry of the slot that is about to change. */
static esp_err_t prepare(struct ud_ota_session *s)
{
    struct ud_ota *ota = s->ota;
    esp_err_t err = start_verifier(s);
    if (err == ESP_OK && !s->resumed)
        err = erase_ahead(s);
    if (err != ESP_OK)
        return err;
    if (!s->resumed && ota->rollback && ota->otadata_policy != UD_OTADATA_V5 && s->partition->type == UD_PART_APP) {
        esp_err_t forgotten = ud_ota_invalidate_inactive(ota);
        (void)forgotten; /* there may be nothing to invalidate */
    }
    keep_generation(s);
    return ESP_OK;
}

/* `resumed_at` > 0 also means: resumed. */
static esp_err_t begin(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *asked,
                       uint32_t image_size, const uint32_t *resumed_at)
{
    const struct ud_partition *p = ud_board_verify_partition(ota->board, asked);
    esp_err_t err = p ? check_target(ota, p) : ESP_ERR_NOT_FOUND;
    if (err == ESP_OK)
        err = open_session(ota, s, p, image_size);
    if (err != ESP_OK)
        return err;
    if (resumed_at) {
        s->resumed = true;
        s->written = s->top = *resumed_at;
        s->in_order = *resumed_at == 0;
    }
    err = prepare(s);
    if (err != ESP_OK)
        close_session(s);
    return err;
}

static esp_err_t enter(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p, uint32_t image_size,
                       const uint32_t *resumed_at)
{
    if (!ota || !s)
        return ESP_ERR_INVALID_ARG;
    if (!claim_closed(ota, s))
        return ESP_ERR_INVALID_STATE;
    if (!p)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err =
        resumed_at && *resumed_at > p->size ? ESP_ERR_INVALID_ARG : begin(ota, s, p, image_size, resumed_at);
    return err == ESP_OK ? ESP_OK : ud_note(ota->board->obs, UD_NOTE_OTA_REFUSED, err, p->addr, 0, p->label);
}

esp_err_t ud_ota_begin(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p, uint32_t image_size)
{
    return enter(ota, s, p, image_size, NULL);
}

esp_err_t ud_ota_resume(struct ud_ota *ota, struct ud_ota_session *s, const struct ud_partition *p, uint32_t erase_size,
                        uint32_t offset)
{
    return enter(ota, s, p, erase_size, &offset);
}

esp_err_t ud_ota_set_final(struct ud_ota_session *s, const struct ud_partition *final, bool copy)
{
    struct ud_board_hold hold;
    if (!final)
        return ESP_ERR_INVALID_ARG;
    if (!s || !s->ota)
        return ESP_ERR_NOT_FOUND;
    if (s->written > 0 && !s->resumed)
        return ESP_ERR_INVALID_STATE;
    struct ud_board *b = s->ota->board;
    const struct ud_partition *p = ud_board_verify_partition(b, final);
    if (!p)
        return ESP_ERR_NOT_FOUND;
    if (p == s->partition)
        return ESP_OK;
    if (copy && p == b->running)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    ud_board_lock(b, &hold);
    s->final = p;
    s->copy = copy;
    ud_board_unlock(b, &hold);
    ud_image_verifier_drop(&s->verifier); /* it may be something else that is judged now */
    esp_err_t err = start_verifier(s);
    if (err != ESP_OK)
        s->in_order = false; /* `end` asks once more */
    return ESP_OK;
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

static esp_err_t check_first_bytes(const struct ud_ota_session *s, uint32_t off, const uint8_t *data, uint32_t len)
{
    bool good = true;
    if (off == 0 && is_image(s))
        good = data[0] == UD_IMAGE_MAGIC;
    else if (off == 0 && s->final->type == UD_PART_TABLE && len >= 2)
        good = data[0] == 0xAA && data[1] == 0x50;
    return good ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED;
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

static void reach(struct ud_ota_session *s, uint32_t end)
{
    if (end > s->top)
        s->top = end;
}

static esp_err_t write_piece(struct ud_ota_session *s, uint32_t off, const uint8_t *data, uint32_t len)
{
    struct ud_board *b = s->ota->board;
    struct ud_board_hold hold;

    ud_board_lock(b, &hold);
    if (b->flash->generation != s->generation)
        s->in_order = false; /* somebody else's erase or program; it may have been in this slot */
    esp_err_t err = enter_sector(s, off);
    esp_err_t magic = err == ESP_OK ? check_first_bytes(s, off, data, len) : ESP_OK;
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
    if (s->in_order && is_image(s)) {
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
    if (s->written > s->partition->size) /* more was written at offsets than there is room for */
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
    reach(s, end);
    return ESP_OK;
}

esp_err_t ud_ota_write_at(struct ud_ota_session *s, const void *data, size_t len, uint32_t offset)
{
    const uint8_t *bytes = data;
    if (!data || !s || !s->ota)
        return ESP_ERR_INVALID_ARG;
    if (s->sequential) /* nobody knows which sectors are erased */
        return ESP_ERR_INVALID_STATE;
    if (offset > s->partition->size)
        return ESP_ERR_INVALID_ARG;
    if (len > s->partition->size - offset)
        return ESP_ERR_INVALID_SIZE;
    struct ud_board *b = s->ota->board;
    for (uint32_t done = 0; done < len;) {
        uint32_t n = len - done < UD_OTA_SCRATCH ? (uint32_t)(len - done) : UD_OTA_SCRATCH;
        struct ud_board_hold hold;
        s->in_order = false;
        ud_board_lock(b, &hold);
        esp_err_t err = program_step(s, offset + done, bytes + done, n);
        s->generation = b->flash->generation;
        ud_board_unlock(b, &hold);
        if (err != ESP_OK)
            return err;
        if (memcmp(s->scratch, bytes + done, n) != 0)
            return tell_difference(s, offset + done, bytes + done);
        done += n;
    }
    if (len > 0)
        reach(s, offset + (uint32_t)len);
    s->written = len > UINT32_MAX - s->written ? UINT32_MAX : s->written + (uint32_t)len;
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
    if (b->flash->generation != s->generation)
        err = ESP_ERR_NOT_FINISHED;
    else if (s->final->type == UD_PART_APP)
        ud_board_set_verdict(b, s->partition, info);
    ud_board_unlock(b, &hold);
    return err;
}

static esp_err_t judge_table(struct ud_ota_session *s)
{
    struct ud_board *b = s->ota->board;
    struct ud_board_hold hold;
    struct ud_ptable table;
    uint8_t bytes[UD_PTABLE_BYTES];
    ud_board_lock(b, &hold);
    esp_err_t err = ud_partition_read(b->flash, s->partition, 0, bytes, sizeof bytes);
    ud_board_unlock(b, &hold);
    if (err == ESP_OK)
        err = ud_ptable_decode(bytes, sizeof bytes, b->flash->geometry.size, b->crypto, b->obs, &table);
    (void)ud_note(b->obs, UD_NOTE_OTA_VERDICT, err, s->partition->addr, 0, s->partition->label);
    return err == ESP_OK ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED;
}

static esp_err_t judge(struct ud_ota_session *s)
{
    struct ud_image_info info;
    if (s->final->type == UD_PART_TABLE)
        return judge_table(s);
    if (!is_image(s))
        return s->copy && s->top > s->final->size ? ESP_ERR_INVALID_SIZE : ESP_OK; /* no half file either */
    esp_err_t err = own_verdict(s, &info);
    struct ud_partition content = content_of(s);
    if (err == ESP_ERR_NOT_FINISHED)
        err = ud_ota_verify_slot(s->ota, &content, false, &info);
    else
        (void)ud_note(s->ota->board->obs, UD_NOTE_OTA_VERDICT, err, s->partition->addr, 0, s->partition->label);
    if (err != ESP_OK)
        return ESP_ERR_OTA_VALIDATE_FAILED;
    return s->copy && info.len > s->final->size ? ESP_ERR_INVALID_SIZE : ESP_OK; /* no half image over a whole one */
}

esp_err_t ud_ota_end(struct ud_ota_session *s)
{
    if (!s || !s->ota)
        return ESP_ERR_NOT_FOUND;
    esp_err_t err = s->written > 0 ? judge(s) : ESP_ERR_INVALID_ARG;
    if (err == ESP_OK && s->copy)
        err = ud_board_copy(s->ota->board, s->final, 0, s->partition, 0, s->final->size, s->final->size);
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
