/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A partition of keys and values in memory for tests, behind a flash that loses its power when told:
 *
 *     struct nvs_kit k;
 *     nvs_kit_init(&k, 4);                        // pages, blank, mounted
 *     nvs_kit_set_u32(&k, "count", 7);
 *     ud_fault_flash_cut(&k.ff, 2, UD_CUT_BITS);
 *     ...
 *     nvs_kit_restart(&k);                        // power on, init: its code
 *     nvs_kit_deinit(&k);
 */
#ifndef TESTS_NVS_KIT_H
#define TESTS_NVS_KIT_H

#include <stdlib.h>
#include <string.h>

#include "updraft/flash_faults.h"
#include "updraft/nvs.h"

#define NVS_KIT_PAGES 16u
#define NVS_KIT_ADDR  0x9000u

struct nvs_kit {
    uint8_t *bytes; /* of the partition */
    uint8_t *flash_bytes;
    uint32_t pages;
    struct ud_ram_flash ram;
    struct ud_flash ram_flash;
    struct ud_fault_flash ff;
    struct ud_flash flash;
    struct ud_partition part;
    struct ud_nvs nvs;
    struct ud_nvs_page page[NVS_KIT_PAGES];
    struct ud_observer obs;
    struct ud_note last; /* that was told */
    unsigned notes;
    uint8_t ns; /* "storage", after nvs_kit_init */
};

static inline void nvs_kit_note(void *ctx, const struct ud_note *note)
{
    struct nvs_kit *k = ctx;
    k->last = *note;
    k->notes++;
}

static inline esp_err_t nvs_kit_mount(struct nvs_kit *k)
{
    return ud_nvs_init(&k->nvs, &k->flash, &k->part, k->page, k->pages);
}

static inline esp_err_t nvs_kit_restart(struct nvs_kit *k)
{
    ud_fault_flash_power_on(&k->ff);
    return nvs_kit_mount(k);
}

/* Blank flash, nothing mounted. */
static inline void nvs_kit_make(struct nvs_kit *k, uint32_t pages, uint64_t seed)
{
    uint32_t size = NVS_KIT_ADDR + (pages + 1) * UD_NVS_PAGE_BYTES;
    memset(k, 0, sizeof *k);
    k->pages = pages;
    k->flash_bytes = malloc(size);
    if (!k->flash_bytes)
        abort();
    memset(k->flash_bytes, 0xFF, size);
    k->bytes = k->flash_bytes + NVS_KIT_ADDR;
    k->obs = (struct ud_observer){ nvs_kit_note, k };
    ud_ram_flash_init(&k->ram, &k->ram_flash, k->flash_bytes, size);
    ud_fault_flash_init(&k->ff, &k->flash, &k->ram_flash, seed);
    k->flash.observer = &k->obs;
    k->part = (struct ud_partition){ .addr = NVS_KIT_ADDR, .size = pages * UD_NVS_PAGE_BYTES };
    k->part.type = UD_PART_DATA;
    k->part.subtype = UD_PART_DATA_NVS;
    ud_strcopy(k->part.label, sizeof k->part.label, "nvs", 3);
}

static inline void nvs_kit_init(struct nvs_kit *k, uint32_t pages)
{
    nvs_kit_make(k, pages, 1);
    if (nvs_kit_mount(k) != ESP_OK || ud_nvs_open(&k->nvs, "storage", true, &k->ns) != ESP_OK)
        abort();
}

static inline void nvs_kit_deinit(struct nvs_kit *k)
{
    free(k->flash_bytes);
}

static inline esp_err_t nvs_kit_set(struct nvs_kit *k, const char *key, enum ud_nvs_type type, const void *value,
                                    size_t len)
{
    return ud_nvs_set(&k->nvs, &(struct ud_nvs_key){ .ns = k->ns, .key = key }, type, value, len);
}

static inline esp_err_t nvs_kit_set_u32(struct nvs_kit *k, const char *key, uint32_t value)
{
    uint8_t bytes[4];
    ud_store_le32(bytes, value);
    return nvs_kit_set(k, key, UD_NVS_U32, bytes, sizeof bytes);
}

static inline esp_err_t nvs_kit_get_u32(struct nvs_kit *k, const char *key, uint32_t *value)
{
    uint8_t bytes[4];
    size_t len = sizeof bytes;
    esp_err_t err = ud_nvs_get(&k->nvs, k->ns, key, UD_NVS_U32, bytes, &len);
    if (err == ESP_OK)
        *value = ud_load_le32(bytes);
    return err;
}

static inline esp_err_t nvs_kit_set_str(struct nvs_kit *k, const char *key, const char *text)
{
    return nvs_kit_set(k, key, UD_NVS_STR, text, strlen(text) + 1);
}

static inline esp_err_t nvs_kit_erase(struct nvs_kit *k, const char *key)
{
    return ud_nvs_erase(&k->nvs, &(struct ud_nvs_key){ .ns = k->ns, .key = key });
}

#endif /* TESTS_NVS_KIT_H */
