/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judge the image in a slot by reading it from flash, a chunk under each hold of the lock, and remember the verdict if
 * nobody changed flash meanwhile.
 */
#include "ota_parts.h"

struct pass {
    struct ud_board *board;
    const struct ud_partition *p;
    struct ud_image_verifier verifier;
    uint64_t generation; /* of the flash at the first chunk */
    uint8_t chunk[UD_OTA_SCRATCH];
};

static esp_err_t read_chunk(struct pass *pass, uint32_t off, uint32_t len)
{
    struct ud_board_hold hold;
    ud_board_lock(pass->board, &hold);
    if (off == 0)
        pass->generation = pass->board->flash->generation;
    esp_err_t err = ud_partition_read(pass->board->flash, pass->p, off, pass->chunk, len);
    ud_board_unlock(pass->board, &hold);
    return err;
}

static esp_err_t push_all(struct pass *pass)
{
    esp_err_t err = ESP_OK;
    for (uint32_t off = 0; err == ESP_OK && off < pass->p->size && !ud_image_verifier_is_done(&pass->verifier);) {
        uint32_t len = pass->p->size - off < UD_OTA_SCRATCH ? pass->p->size - off : UD_OTA_SCRATCH;
        err = read_chunk(pass, off, len);
        if (err == ESP_OK)
            err = ud_image_verifier_push(&pass->verifier, pass->chunk, len);
        off += len;
    }
    return err;
}

static void keep_verdict(struct pass *pass, const struct ud_image_info *info)
{
    struct ud_board_hold hold;
    ud_board_lock(pass->board, &hold);
    if (pass->board->flash->generation == pass->generation)
        ud_board_set_verdict(pass->board, pass->p, info);
    ud_board_unlock(pass->board, &hold);
}

static esp_err_t hash_pass(struct ud_board *b, const struct ud_partition *p, struct ud_image_info *info)
{
    struct pass pass;
    struct ud_image_rules rules = ud_board_image_rules(b, p);
    pass.board = b;
    pass.p = p;

    esp_err_t err = ud_image_verifier_start(&pass.verifier, &rules, b->crypto, b->obs);
    if (err != ESP_OK)
        return err;
    err = push_all(&pass);
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&pass.verifier, info);
    ud_image_verifier_drop(&pass.verifier);
    if (err == ESP_OK && p->type == UD_PART_APP)
        keep_verdict(&pass, info);
    return err;
}

static bool has_verdict(struct ud_board *b, const struct ud_partition *p, struct ud_image_info *info)
{
    struct ud_board_hold hold;
    ud_board_lock(b, &hold);
    bool known = ud_board_has_verdict(b, p, info);
    ud_board_unlock(b, &hold);
    return known;
}

esp_err_t ud_ota_verify_slot(struct ud_ota *ota, const struct ud_partition *p, bool trust, struct ud_image_info *info)
{
    struct ud_board *b = ota->board;
    struct ud_image_info found;
    if (!p)
        return ESP_ERR_INVALID_ARG;
    if (trust && has_verdict(b, p, info))
        return ESP_OK; /* told when it was found */
    esp_err_t err = hash_pass(b, p, &found);
    (void)ud_note(b->obs, UD_NOTE_OTA_HASH_PASS, err, p->addr, 0, p->label);
    if (err == ESP_OK && info)
        *info = found;
    return ud_note(b->obs, UD_NOTE_OTA_VERDICT, err, p->addr, 0, p->label);
}

esp_err_t ud_ota_verify(struct ud_ota *ota, const struct ud_partition *p, struct ud_image_info *info)
{
    return ud_ota_verify_slot(ota, p, false, info);
}
