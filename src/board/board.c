/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: which partition runs, by which rules an image is judged here, and the one verdict that is remembered
 * until flash changes.
 */
#include "updraft/board.h"

const char *ud_reset_reason_name(enum ud_reset_reason r)
{
    static const struct {
        enum ud_reset_reason reason;
        const char *name;
    } names[] = {
        { UD_RESET_POWERON, "power-on" },       { UD_RESET_SW, "software" },  { UD_RESET_PANIC, "panic" },
        { UD_RESET_TASK_WDT, "task watchdog" }, { UD_RESET_WDT, "watchdog" }, { UD_RESET_DEEPSLEEP, "deep sleep" },
    };
    for (size_t i = 0; i < UD_ARRAY_LEN(names); i++) {
        if (names[i].reason == r)
            return names[i].name;
    }
    return "unknown";
}

esp_err_t ud_board_load_table(struct ud_board *b, uint32_t running_addr)
{
    esp_err_t err = ud_ptable_load(b->flash, b->table_offset, b->crypto, b->obs, &b->table);
    if (err != ESP_OK)
        return err;
    b->running = NULL;
    if (running_addr == UINT32_MAX)
        return ESP_OK;
    const struct ud_partition *p = ud_ptable_at(&b->table, running_addr);
    if (!p || p->type != UD_PART_APP)
        return ESP_ERR_NOT_FOUND;
    b->running = p;
    return ESP_OK;
}

struct ud_image_rules ud_board_image_rules(const struct ud_board *b, const struct ud_partition *p)
{
    bool bootloader = p->type == UD_PART_BOOTLOADER;
    uint16_t chip_id = bootloader ? b->chip->id : b->accepted_chip_id;
    return (struct ud_image_rules){
        .chip = chip_id == b->chip->id ? b->chip : ud_chip_by_id(chip_id),
        .check_chip = true,
        .chip_id = chip_id,
        .revision = b->revision,
        .bootloader = bootloader,
        .require_digest = b->require_digest,
        .flash_addr = p->addr,
        .check_mapping = chip_id != UD_CHIP_ID_HOST,
        .max_size = p->size,
    };
}

void ud_board_set_verdict(struct ud_board *b, const struct ud_partition *p, const struct ud_image_info *info)
{
    struct ud_verdict *v = &b->verdict;
    v->set = true;
    v->addr = p->addr;
    v->size = p->size;
    memcpy(v->digest, info->digest_computed, sizeof v->digest);
    v->generation = b->flash->generation;
    v->info = *info;
}

bool ud_board_has_verdict(const struct ud_board *b, const struct ud_partition *p, struct ud_image_info *info)
{
    const struct ud_verdict *v = &b->verdict;
    if (!v->set || v->addr != p->addr || v->size != p->size || v->generation != b->flash->generation)
        return false;
    if (info)
        *info = v->info;
    return true;
}
