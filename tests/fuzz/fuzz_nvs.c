/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NVS partition from outside: 1 byte of options, 1 byte of calls to make, then up to six pages, the last one filled
 * up with FF. Whatever the bytes, init ends with a code; if it comes up, every key of the walk can be asked, changes
 * hold, and a third init finds nothing to mend. Strict flash watches that nothing is written over what is not erased.
 */
#include <stdlib.h>

#include "updraft/nvs.h"

#define PAGES 6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct device {
    uint8_t bytes[PAGES * UD_NVS_PAGE_BYTES];
    struct ud_ram_flash ram;
    struct ud_flash flash;
    struct ud_partition part;
    struct ud_nvs nvs;
    struct ud_nvs_page page[PAGES];
    uint64_t written; /* generation of the flash */
};

static struct device d;
static uint8_t value[PAGES * UD_NVS_PAGE_BYTES];

static void hold(bool rule)
{
    if (!rule)
        abort();
}

static esp_err_t mount(void)
{
    d.written = d.flash.generation;
    return ud_nvs_init(&d.nvs, &d.flash, &d.part, d.page, PAGES);
}

static bool has_written(void)
{
    return d.flash.generation != d.written;
}

/* Every key: its value can be read, or is found to be damaged. */
static void read_all(void)
{
    struct ud_nvs_walk walk = { 0 };
    struct ud_nvs_info info;
    unsigned met = 0;
    esp_err_t err;
    while ((err = ud_nvs_next(&d.nvs, &walk, 0, UD_NVS_ANY, &info)) == ESP_OK) {
        uint8_t ns;
        size_t len = 0, room;
        enum ud_nvs_type type;
        hold(++met <= PAGES * UD_NVS_ENTRIES);
        err = ud_nvs_open(&d.nvs, info.ns, false, &ns);
        hold(err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND);
        if (err != ESP_OK)
            continue; /* a name with odd bytes */
        err = ud_nvs_find(&d.nvs, ns, info.key, &type);
        hold(err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND);
        err = ud_nvs_get(&d.nvs, ns, info.key, info.type, NULL, &len);
        hold(err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND);
        if (err != ESP_OK || len > sizeof value)
            continue; /* an index may promise more than there is */
        room = len;
        err = ud_nvs_get(&d.nvs, ns, info.key, info.type, value, &room);
        hold(err == ESP_OK || err == ESP_ERR_NVS_NOT_FOUND || err == ESP_FAIL);
    }
    hold(err == ESP_ERR_NVS_NOT_FOUND);
}

static void expect(uint8_t ns, const char *key, enum ud_nvs_type type, const void *want, size_t len)
{
    size_t room = sizeof value;
    hold(ud_nvs_get(&d.nvs, ns, key, type, value, &room) == ESP_OK && room == len && memcmp(value, want, len) == 0);
}

static bool may_fail(esp_err_t err)
{
    return err == ESP_ERR_NVS_NOT_ENOUGH_SPACE || err == ESP_ERR_NVS_VALUE_TOO_LONG ||
           err == ESP_ERR_NVS_INVALID_STATE || err == ESP_ERR_NVS_NOT_FOUND;
}

static void change(uint8_t calls)
{
    static const uint8_t bytes[5008] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint8_t ns;
    esp_err_t err = ud_nvs_open(&d.nvs, "storage", true, &ns);
    hold(err == ESP_OK || may_fail(err));
    for (unsigned i = 0; err == ESP_OK && i < 8; i++) {
        struct ud_nvs_key k = { .ns = ns, .key = i & 1 ? "u32" : "blob3", .purge = (calls & 0x40) != 0 };
        size_t len = i & 1 ? 4 : (i & 2) ? 5000 : 40;
        enum ud_nvs_type type = i & 1 ? UD_NVS_U32 : UD_NVS_BLOB;
        if (!(calls >> i & 1))
            continue;
        err = i == 7 ? ud_nvs_erase(&d.nvs, &k) : ud_nvs_set(&d.nvs, &k, type, bytes + i, len);
        if (err == ESP_OK && i < 7)
            expect(ns, k.key, type, bytes + i, len);
        hold(err == ESP_OK || may_fail(err));
        if (may_fail(err) && !d.nvs.failed)
            err = ESP_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ud_nvs_stats stats;
    if (size < 2)
        return 0;
    size_t len = size - 2 < sizeof d.bytes ? size - 2 : sizeof d.bytes;
    memset(&d, 0, sizeof d);
    memset(d.bytes, 0xFF, sizeof d.bytes);
    memcpy(d.bytes, data + 2, len);
    ud_ram_flash_init(&d.ram, &d.flash, d.bytes, sizeof d.bytes);
    d.part.size = (1 + (data[0] >> 2) % PAGES) * UD_NVS_PAGE_BYTES;
    d.part.flags = data[0] & 1 ? UD_PART_FLAG_READONLY : 0;
    d.nvs.keep_types = data[0] & 2;
    esp_err_t err = mount();
    hold(err == ESP_OK || err == ESP_ERR_NVS_NO_FREE_PAGES || err == ESP_ERR_NVS_NEW_VERSION_FOUND ||
         err == ESP_ERR_NVS_WRONG_ENCRYPTION || err == ESP_ERR_NVS_INVALID_STATE);
    hold(!has_written() || !d.nvs.read_only);
    if (err != ESP_OK)
        return 0;
    if (!d.nvs.read_only) {
        /* Pages that contradict each other may take a second look, which finds what the first one has given up. */
        esp_err_t again = mount();
        if (again == ESP_OK)
            again = mount();
        hold(again == ESP_OK || again == ESP_ERR_NVS_WRONG_ENCRYPTION);
        hold(!has_written()); /* mended once and for all */
        if (again != ESP_OK)
            return 0;
    }
    hold(ud_nvs_stats(&d.nvs, &stats) == ESP_OK && stats.used + stats.free == stats.total);
    read_all();
    if (d.nvs.read_only) {
        hold(!has_written());
        return 0;
    }
    change(data[1]);
    if (!d.nvs.failed) {
        read_all();
        err = mount();
        hold(err == ESP_OK || (err == ESP_ERR_NVS_NO_FREE_PAGES && d.nvs.page_count == 1));
        if (err == ESP_OK)
            read_all();
    }
    return 0;
}
