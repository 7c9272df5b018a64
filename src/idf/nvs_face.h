/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nvs_flash.c and nvs.c share: partitions in use, and handles. All of it lies under the board's lock, which every
 * call holds from beginning to end: a change of a value is one step for everybody else, and what the core has to say is
 * told when the lock was given back.
 */
#ifndef UPDRAFT_IDF_NVS_FACE_H
#define UPDRAFT_IDF_NVS_FACE_H

#include "nvs_flash.h"
#include "room.h"
#include "updraft/nvs.h"

struct nvs_mount {
    struct nvs_mount *next;
    uint32_t serial; /* never used again */
    char label[17];
    uint32_t page_max;
    struct ud_nvs nvs;
    struct ud_nvs_page page[];
};

struct nvs_open_handle {
    struct nvs_open_handle *next;
    nvs_handle_t number;
    struct nvs_mount *mount;
    uint8_t ns;
    bool read_only;
    bool purge;
};

/* NULL: not in use. */
struct nvs_mount *ud_idf_nvs_mount(const char *label);
struct nvs_mount *ud_idf_nvs_mount_by_serial(uint32_t serial);
bool ud_idf_nvs_has_mounts(void);
/* Handles live here, so that they die with their partition. */
struct nvs_open_handle *ud_idf_nvs_handle(nvs_handle_t number);
void ud_idf_nvs_add_handle(struct nvs_open_handle *h); /* gives it its number */
struct nvs_open_handle *ud_idf_nvs_take_handle(nvs_handle_t number);

#endif
