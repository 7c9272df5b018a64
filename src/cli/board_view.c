/* SPDX-License-Identifier: Apache-2.0 */
/* What the flash of a board holds: each partition looked at, each image judged as the boot loader would. */
#include "board.h"

#include <string.h>

static void revision_reason(uint64_t limits, char *buf, size_t size)
{
    char lo[16], hi[16];
    uint16_t min = (uint16_t)(limits >> 16), max = (uint16_t)limits;
    board_revision_text(min, lo);
    board_revision_text(max, hi);
    if (max == 0 || max == UINT16_MAX)
        snprintf(buf, size, "needs chip revision %s or later", lo);
    else
        snprintf(buf, size, "needs chip revision %s to %s", lo, hi);
}

void board_image_reason(const struct ud_note *note, char *buf, size_t size)
{
    const struct ud_chip *chip = note->id == UD_NOTE_IMAGE_CHIP ? ud_chip_by_id((uint16_t)note->b) : NULL;
    if (chip)
        snprintf(buf, size, "made for %s", chip->id == UD_CHIP_ID_HOST ? "the host" : chip->title);
    else if (note->id == UD_NOTE_IMAGE_REVISION)
        revision_reason(note->b, buf, size);
    else
        snprintf(buf, size, "%s", note->text ? note->text : ud_err_name(note->err));
    cli_printable(buf);
}

static void keep_problem(void *ctx, const struct ud_note *note)
{
    struct board_part *part = ctx;
    if (note->err == ESP_OK)
        return;
    ud_note_sentence(note, part->problem, sizeof part->problem);
    cli_printable(part->problem);
    board_image_reason(note, part->reason, sizeof part->reason);
}

static esp_err_t look_whether_blank(struct ud_lab_board *lab, struct board_part *part)
{
    part->blank = true;
    for (uint32_t off = 0; off < part->p->size && part->blank;) {
        uint32_t len = part->p->size - off < UD_LAB_SCRATCH ? part->p->size - off : UD_LAB_SCRATCH;
        esp_err_t err = ud_flash_read(&lab->flash, part->p->addr + off, lab->scratch, len);
        if (err != ESP_OK)
            return err;
        for (uint32_t i = 0; i < len && part->blank; i++)
            part->blank = lab->scratch[i] == 0xFF;
        off += len;
    }
    return ESP_OK;
}

static void judge_image(struct ud_lab_board *lab, struct board_part *part)
{
    struct ud_image_info info;
    struct ud_observer obs = { keep_problem, part };
    struct ud_image_rules rules = ud_board_image_rules(&lab->board, part->p);
    uint8_t head[UD_APP_DESC_OFFSET + UD_APP_DESC_BYTES];
    esp_err_t err = ud_image_verify(&lab->flash, part->p->addr, part->p->size, &rules, &lab->crypto, &obs, lab->scratch,
                                    sizeof lab->scratch, &info);
    part->image = err == ESP_OK ? BOARD_GOOD : BOARD_REFUSED;
    if (err == ESP_OK) {
        part->used = info.len;
        part->has_desc = info.has_desc;
        part->desc = info.desc;
    } else {
        if (!part->problem[0])
            ud_strcopy(part->problem, sizeof part->problem, ud_err_name(err), sizeof part->problem - 1);
        if (!part->reason[0])
            ud_strcopy(part->reason, sizeof part->reason, ud_err_name(err), sizeof part->reason - 1);
        part->has_desc = part->p->size >= sizeof head &&
                         ud_flash_read(&lab->flash, part->p->addr, head, sizeof head) == ESP_OK &&
                         ud_app_desc_decode(head + UD_APP_DESC_OFFSET, UD_APP_DESC_BYTES, &part->desc) == ESP_OK;
    }
    cli_printable(part->desc.version);
    cli_printable(part->desc.project_name);
}

/* The entry that speaks of this slot: a usable one before another, the later before the earlier. */
static void find_entry(const struct ud_boot_input *in, struct board_part *part)
{
    unsigned slots = ud_boot_slot_count(in);
    bool usable = false;
    if (in->otadata != UD_OTADATA_PRESENT || !ud_partition_is_ota(part->p) || slots == 0)
        return;
    for (unsigned i = 0; i < 2; i++) {
        const struct ud_otadata_entry *e = &in->entry[i];
        if (e->seq == UD_OTADATA_SEQ_BLANK || e->crc != ud_otadata_crc(e->seq) ||
            ud_otadata_slot(e, slots) != (uint32_t)(part->p->subtype - UD_PART_APP_OTA_0))
            continue;
        bool better = !part->has_entry || (ud_otadata_is_valid(e) && !usable) ||
                      (ud_otadata_is_valid(e) == usable && e->seq > part->seq);
        if (!better)
            continue;
        part->has_entry = true;
        part->seq = e->seq;
        part->state = e->state;
        usable = ud_otadata_is_valid(e);
    }
}

bool board_look(struct ud_lab_board *lab, struct board_view *view)
{
    memset(view, 0, sizeof *view);
    for (unsigned i = 0; i < lab->board.table.count; i++) {
        struct board_part *part = &view->part[view->count++];
        part->p = &lab->board.table.part[i];
        esp_err_t err = look_whether_blank(lab, part);
        if (err != ESP_OK) {
            cli_error("%s: partition '%s' cannot be read: %s", lab->path, part->p->label, ud_err_name(err));
            return false;
        }
        if (part->p->type == UD_PART_APP && part->blank)
            part->image = BOARD_EMPTY;
        else if (part->p->type == UD_PART_APP)
            judge_image(lab, part);
        find_entry(&lab->boot.input, part);
        part->next = lab->boot.loaded && lab->boot.loaded->addr == part->p->addr;
        part->runs = lab->running_addr == part->p->addr;
    }
    return true;
}
