/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef UPDRAFT_OTA_PARTS_H
#define UPDRAFT_OTA_PARTS_H

#include "updraft/ota.h"

/** otadata as the application sees it at one moment. */
struct ud_ota_view {
    const struct ud_partition *partition;
    struct ud_otadata_entry entry[2];
    uint32_t slots;
    int active; /* -1 also when there are no slots */
};

/** Read it, with the lock held. ESP_ERR_NOT_FOUND: no otadata partition; else the flash's error. */
UD_MUST_USE esp_err_t ud_ota_view_read(struct ud_board *b, struct ud_ota_view *view);
/** The same, taking the lock. */
UD_MUST_USE esp_err_t ud_ota_view_take(struct ud_board *b, struct ud_ota_view *view);
/** Partition of slot `slot`, NULL if the table has none. */
const struct ud_partition *ud_ota_slot_partition(const struct ud_board *b, uint32_t slot);

/** As ud_ota_verify; with `trust` a verdict of the board that still holds is the answer. */
UD_MUST_USE esp_err_t ud_ota_verify_slot(struct ud_ota *ota, const struct ud_partition *p, bool trust,
                                         struct ud_image_info *info);
/** Erase [0, len) of `p` in steps of one block, the lock taken for each. */
UD_MUST_USE esp_err_t ud_ota_erase_steps(struct ud_board *b, const struct ud_partition *p, uint32_t len);

#endif /* UPDRAFT_OTA_PARTS_H */
