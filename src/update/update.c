/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The update: from a source into a slot.
 *
 *     INIT -> BEGIN or RESUME -> IN_PROGRESS -> SUCCESS
 *
 *     state        holds                                   leaves it
 *     INIT         nothing                                 begin
 *     BEGIN        buffer; the header once it was asked    a step that read and judged the header and opened the
 *                                                          session; one that refused it (to IN_PROGRESS, no session)
 *     RESUME       buffer; [0, written) in flash already   a step that opened the session there
 *     IN_PROGRESS  session; bytes [0, written) in flash    a step that saw the end of the source
 *     SUCCESS      session; all bytes in flash             finish, abort
 *
 * Every state but INIT is left by finish and abort to INIT. Nothing touches flash before the header was judged: an
 * image for another chip costs no erase, whichever way of erasing was asked for.
 */
#include "updraft/update.h"

static void tell(const struct ud_update *u, enum ud_update_event e, uint64_t a)
{
    if (u->env.event)
        u->env.event(u->env.event_ctx, e, a);
}

/* Data partitions take anything; what boots has a header. */
static bool has_header(const struct ud_update *u)
{
    return u->final->type == UD_PART_APP || u->final->type == UD_PART_BOOTLOADER;
}

/* ---- begin ------------------------------------------------------------------------------------------------------ */

static const struct ud_partition *choose_slot(const struct ud_update_env *env, const struct ud_partition *asked)
{
    struct ud_board *b = env->ota->board;
    return asked ? ud_board_verify_partition(b, asked) : ud_ota_next_update(b, NULL);
}

esp_err_t ud_update_begin(struct ud_update *u, const struct ud_update_env *env, struct ud_source source,
                          const struct ud_update_options *opt)
{
    memset(u, 0, sizeof *u);
    u->slot = choose_slot(env, opt->slot);
    if (!u->slot)
        return ud_note(env->obs, UD_NOTE_UPDATE_NO_SLOT, ESP_FAIL, 0, 0, opt->slot ? opt->slot->label : NULL);
    u->final = opt->final ? ud_board_verify_partition(env->ota->board, opt->final) : u->slot;
    if (!u->final)
        return ud_note(env->obs, UD_NOTE_UPDATE_NO_SLOT, ESP_FAIL, 0, 0, opt->final->label);
    u->buf_len = opt->buffer_size > UD_UPDATE_HEADER_BYTES ? opt->buffer_size : UD_UPDATE_HEADER_BYTES;
    u->buf = ud_alloc_get(&env->alloc, u->buf_len);
    if (!u->buf)
        return ESP_ERR_NO_MEM;
    u->env = *env;
    u->opt = *opt;
    u->source = source;
    u->state = opt->resume_at > 0 ? UD_UPDATE_RESUME : UD_UPDATE_BEGIN;
    u->written = opt->resume_at;
    int64_t size = source.ops->size(source.ctx);
    ud_note(env->obs, UD_NOTE_UPDATE_START, ESP_OK, u->slot->addr, size < 0 ? UINT64_MAX : (uint64_t)size,
            u->slot->label);
    return ESP_OK;
}

/* ---- the header ------------------------------------------------------------------------------------------------- */

/* All 1024 bytes, over short reads and time-outs; the source's own rule ends a wait without end. */
static esp_err_t read_header(struct ud_update *u)
{
    while (!u->header_read) {
        size_t got = 0;
        esp_err_t err = u->source.ops->read(u->source.ctx, u->buf + u->header_len,
                                            UD_UPDATE_HEADER_BYTES - u->header_len, u->opt.wait_ms, &got);
        if (err == ESP_ERR_NOT_FINISHED)
            continue;
        if (err != ESP_OK)
            return err;
        if (got == 0)
            return ud_note(u->env.obs, UD_NOTE_UPDATE_SHORT_HEADER, ESP_FAIL, u->header_len, 0, NULL);
        u->header_len += got;
        u->header_read = u->header_len == UD_UPDATE_HEADER_BYTES;
    }
    return ESP_OK;
}

/* Both events come before either check, as applications know it. */
static esp_err_t judge_header(struct ud_update *u)
{
    struct ud_image_header h;
    struct ud_app_desc desc;
    esp_err_t err = ud_image_header_decode(u->buf, UD_UPDATE_HEADER_BYTES, &h);
    if (err != ESP_OK)
        return err;
    bool has_desc =
        u->opt.check_spi_mode && u->final->type == UD_PART_APP &&
        ud_app_desc_decode(u->buf + UD_APP_DESC_OFFSET, UD_UPDATE_HEADER_BYTES - UD_APP_DESC_OFFSET, &desc) == ESP_OK;
    tell(u, UD_UPDATE_VERIFY_CHIP_ID, h.chip_id);
    tell(u, UD_UPDATE_VERIFY_CHIP_REVISION, h.min_chip_rev_full);
    return u->final->type == UD_PART_BOOTLOADER ? ud_ota_check_bootloader(u->env.ota, &h)
                                                : ud_ota_check_image(u->env.ota, &h, has_desc ? &desc : NULL);
}

/* From the slot, once the header is there. */
static esp_err_t read_written_desc(struct ud_update *u, uint8_t *bytes, size_t len)
{
    struct ud_board *b = u->env.ota->board;
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    esp_err_t err = ud_partition_read(b->flash, u->slot, UD_APP_DESC_OFFSET, bytes, (uint32_t)len);
    ud_board_unlock(b, &hold);
    return err == ESP_OK ? ESP_OK : ESP_FAIL;
}

esp_err_t ud_update_get_any_desc(struct ud_update *u, uint8_t bytes[UD_APP_DESC_BYTES], size_t *len)
{
    if (u->state == UD_UPDATE_INIT)
        return ESP_ERR_INVALID_STATE;
    if (!has_header(u))
        return ESP_FAIL;
    bool app = u->final->type == UD_PART_APP;
    *len = app ? UD_APP_DESC_BYTES : UD_BOOTLOADER_DESC_BYTES;
    esp_err_t err;
    if (u->state != UD_UPDATE_BEGIN && u->written > 0) {
        err = read_written_desc(u, bytes, *len);
    } else {
        err = read_header(u);
        memcpy(bytes, u->buf + UD_APP_DESC_OFFSET, *len);
    }
    if (err != ESP_OK)
        return err;
    uint32_t magic = app ? ud_load_le32(bytes) : bytes[0];
    if (magic != (app ? UD_APP_DESC_MAGIC : UD_BOOTLOADER_DESC_MAGIC))
        return ud_note(u->env.obs, UD_NOTE_UPDATE_BAD_DESC, ESP_FAIL, magic, 0, NULL);
    return ESP_OK;
}

esp_err_t ud_update_get_desc(struct ud_update *u, uint8_t bytes[UD_APP_DESC_BYTES])
{
    size_t len;
    return ud_update_get_any_desc(u, bytes, &len);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static uint32_t erase_size(const struct ud_update *u)
{
    if (!u->opt.bulk_erase)
        return UD_OTA_SEQUENTIAL;
    int64_t size = u->source.ops->size(u->source.ctx);
    /* The two largest numbers mean something else to ud_ota_begin; no slot is that large. */
    return size > 0 && size < UD_OTA_SEQUENTIAL ? (uint32_t)size : UD_OTA_SIZE_UNKNOWN;
}

static esp_err_t open_session(struct ud_update *u)
{
    struct ud_ota_session *s = ud_alloc_get(&u->env.alloc, sizeof *s);
    if (!s)
        return ESP_ERR_NO_MEM;
    memset(s, 0, sizeof *s);
    esp_err_t err = u->state == UD_UPDATE_RESUME ? ud_ota_resume(u->env.ota, s, u->slot, erase_size(u), u->written)
                                                 : ud_ota_begin(u->env.ota, s, u->slot, erase_size(u));
    if (err == ESP_OK) {
        err = ud_ota_set_final(s, u->final, u->opt.copy_to_final);
        if (err != ESP_OK)
            (void)ud_ota_abort(s);
    }
    if (err == ESP_OK)
        u->session = s;
    else
        ud_alloc_put(&u->env.alloc, s);
    return err;
}

static esp_err_t write_bytes(struct ud_update *u, size_t len)
{
    esp_err_t err = ud_ota_write(u->session, u->buf, len);
    if (err == ESP_OK)
        u->written += (uint32_t)len;
    tell(u, UD_UPDATE_WRITE_FLASH, u->written);
    return err == ESP_OK ? ESP_ERR_HTTPS_OTA_IN_PROGRESS : err;
}

/* In BEGIN. A session that cannot be opened leaves all as it was; a refused image does not come back to here. */
static esp_err_t first_step(struct ud_update *u)
{
    if (has_header(u)) {
        esp_err_t err = read_header(u);
        if (err == ESP_OK)
            err = judge_header(u);
        if (err != ESP_OK) {
            u->state = UD_UPDATE_IN_PROGRESS;
            return err;
        }
    }
    esp_err_t err = open_session(u);
    if (err != ESP_OK)
        return err;
    u->state = UD_UPDATE_IN_PROGRESS;
    return has_header(u) ? write_bytes(u, UD_UPDATE_HEADER_BYTES) : ESP_ERR_HTTPS_OTA_IN_PROGRESS;
}

static esp_err_t next_step(struct ud_update *u)
{
    size_t got = 0;
    esp_err_t err = u->source.ops->read(u->source.ctx, u->buf, u->buf_len, u->opt.wait_ms, &got);
    if (err == ESP_ERR_NOT_FINISHED)
        return ESP_ERR_HTTPS_OTA_IN_PROGRESS;
    if (err != ESP_OK)
        return err;
    if (got > 0)
        return write_bytes(u, got);
    if (!u->source.ops->is_complete(u->source.ctx))
        return ESP_FAIL;
    u->state = UD_UPDATE_SUCCESS;
    return ESP_OK;
}

/* In RESUME. The session goes on behind what another update left; the same step reads. */
static esp_err_t resume_step(struct ud_update *u)
{
    esp_err_t err = open_session(u);
    if (err != ESP_OK)
        return err;
    u->state = UD_UPDATE_IN_PROGRESS;
    return next_step(u);
}

static esp_err_t one_step(struct ud_update *u)
{
    switch (u->state) {
    case UD_UPDATE_BEGIN:
        return first_step(u);
    case UD_UPDATE_RESUME:
        return resume_step(u);
    default:
        return next_step(u);
    }
}

esp_err_t ud_update_step(struct ud_update *u)
{
    if (u->state == UD_UPDATE_INIT || u->state == UD_UPDATE_SUCCESS)
        return ESP_FAIL;
    if (u->failed != ESP_OK)
        return u->failed;
    esp_err_t err = one_step(u);
    /* Bytes that a failed step had read are gone: going on would leave a hole in the slot. */
    if (err != ESP_OK && err != ESP_ERR_HTTPS_OTA_IN_PROGRESS && u->state == UD_UPDATE_IN_PROGRESS)
        u->failed = err;
    return err;
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

static void release(struct ud_update *u)
{
    ud_alloc_put(&u->env.alloc, u->session);
    ud_alloc_put(&u->env.alloc, u->buf);
    u->session = NULL;
    u->buf = NULL;
    u->state = UD_UPDATE_INIT;
}

static esp_err_t switch_slot(struct ud_update *u)
{
    /* It is the slot that was written that boots, wherever the content belongs. */
    esp_err_t err = ud_partition_is_ota(u->final) ? ud_ota_set_boot(u->env.ota, u->slot) : ESP_OK;
    if (err == ESP_OK && u->final->type == UD_PART_APP)
        tell(u, UD_UPDATE_SET_BOOT, u->final->subtype);
    return err;
}

esp_err_t ud_update_finish(struct ud_update *u)
{
    enum ud_update_state state = u->state;
    esp_err_t err = ESP_OK;
    if (state == UD_UPDATE_INIT)
        return ESP_FAIL;
    if (state != UD_UPDATE_BEGIN && state != UD_UPDATE_RESUME)
        err = u->session ? ud_ota_end(u->session) : ESP_ERR_INVALID_ARG;
    if (err == ESP_OK && state == UD_UPDATE_SUCCESS)
        err = switch_slot(u);
    else if (err == ESP_OK && state == UD_UPDATE_IN_PROGRESS)
        ud_note(u->env.obs, UD_NOTE_UPDATE_NOT_SWITCHED, ESP_OK, u->written, 0, u->slot->label);
    if (err == ESP_OK && state == UD_UPDATE_SUCCESS)
        ud_note(u->env.obs, UD_NOTE_UPDATE_DONE, ESP_OK, u->written, 0, u->slot->label);
    release(u);
    return err;
}

esp_err_t ud_update_abort(struct ud_update *u)
{
    if (u->state == UD_UPDATE_INIT)
        return ESP_OK;
    if (u->session)
        (void)ud_ota_abort(u->session);
    release(u);
    return ESP_OK;
}
