/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of this room share: the world that ud_idf_start was given, one mutex and one condition for everything
 * process-wide, and the bridge between the table's entries and esp_partition_t.
 *
 * The mutex is held for a few lines of bookkeeping only: never over a callback, a flash step or a wait for the network,
 * and never together with the board's lock.
 */
#ifndef UPDRAFT_IDF_ROOM_H
#define UPDRAFT_IDF_ROOM_H

#include "esp_app_desc.h"
#include "esp_event_base.h"
#include "esp_partition.h"
#include "updraft/idf.h"

struct idf_world {
    struct ud_idf_env env;
    struct ud_ota ota;
    void *mutex;
    void *changed; /* condition: anything under the mutex has changed */
    uint64_t start_us;
    uint32_t bootloader_offset; /* the other address at which an image is judged as a boot loader */
    bool has_desc;
    esp_app_desc_t desc;
    void (*stop_nvs)(void); /* set by the first init of a partition; a pointer, for a project may bring its own NVS */
    esp_partition_t part[UD_PTABLE_MAX_ENTRIES]; /* part[i] is the object of table.part[i] */
};

/** The world, NULL before ud_idf_start. */
struct idf_world *ud_idf_world(void);
/** The mutex of this room; no-ops without a world. */
void ud_idf_lock(void);
void ud_idf_unlock(void);
/** Wait for the condition; false after the time-out. There must be a world. */
bool ud_idf_wait(uint64_t timeout_us);
void ud_idf_changed(void);
uintptr_t ud_idf_thread(void);

void *ud_idf_alloc(size_t size);
void ud_idf_free(void *p);

/** Read [addr, addr + size) step by step, under the board's lock, and hand it on until `take` fails or has enough. */
UD_MUST_USE esp_err_t ud_idf_each_piece(struct ud_board *b, uint32_t addr, uint32_t size,
                                        esp_err_t (*take)(void *ctx, const uint8_t *data, size_t len, bool *enough),
                                        void *ctx);
/** Verify the image at [rules->flash_addr, + rules->max_size). The verifier's codes, or the flash's. */
UD_MUST_USE esp_err_t ud_idf_verify_image(struct ud_board *b, const struct ud_image_rules *rules,
                                          const struct ud_observer *obs, struct ud_image_info *info);

/** Is this the board's flash? NULL is. */
bool ud_idf_is_board_flash(const esp_flash_t *chip);
/** The object of an entry of the board, the table's or a registered one; NULL for NULL. */
const esp_partition_t *ud_idf_partition_object(const struct ud_partition *p);
/** The entry that equals `p` (esp_partition_verify), NULL if none. */
const struct ud_partition *ud_idf_partition_entry(const esp_partition_t *p);
const esp_partition_t *ud_idf_registered_object(const struct ud_partition *p);
/** What `p` says, whether there is such a partition or not. */
void ud_idf_partition_like(const esp_partition_t *p, struct ud_partition *out);

/** esp_event_post with the time-out in milliseconds, -1 for ever. */
esp_err_t ud_idf_post(esp_event_base_t base, int32_t id, const void *data, size_t size, int timeout_ms);

/** Parts of ud_idf_stop. */
void ud_idf_stop_events(void);
void ud_idf_stop_sessions(void);
void ud_idf_stop_partitions(void);
void ud_idf_stop_log(void);
void ud_idf_stop_system(void);
void ud_idf_start_log(uint8_t default_level);

#endif /* UPDRAFT_IDF_ROOM_H */
