/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all devices of one run share. The explorer's own device has this layout, slots as large as the images need:
 *
 *     boot loader | table | nvs | otadata | factory (or not) | ota_0 | ota_1 | files
 */
#include "powercut.h"

#include <stdlib.h>
#include <string.h>

#include "updraft/port_linux.h"

#define LOAD_ADDR      0x3FC80000u /* RAM: no mapping rule */
#define LOADER_BYTES   0x3000u
#define CONTENT_BYTES  0x1800u
#define OTADATA_ADDR   0xD000u
#define FIRST_SLOT     0x10000u
#define IMAGE_OVERHEAD (UD_IMAGE_HEADER_BYTES + 8u + 16u + 32u) /* segment header, checksum, SHA-256 */

/* Bytes that no cut can make out of each other; the last `changed` of them differ by `salt`. */
static bool fill(struct blob *b, uint32_t len, uint32_t changed, uint8_t salt)
{
    b->bytes = malloc(len);
    b->len = len;
    uint32_t random = 2463534242u;
    for (uint32_t i = 0; b->bytes && i < len; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        b->bytes[i] = (uint8_t)(random + (i >= len - changed ? salt : 0u));
    }
    return b->bytes != NULL;
}

struct recipe {
    const char *version; /* NULL: a boot loader, without a description */
    uint32_t secure_version;
    uint32_t changed; /* bytes at the end that differ from other images */
    uint8_t salt;
};

static bool make_image(struct blob *out, const struct ud_chip *chip, uint32_t bytes, const struct recipe *r)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_app_desc desc = { .secure_version = r->secure_version };
    struct blob data = { NULL, 0 };
    bool ok = fill(&data, (bytes - IMAGE_OVERHEAD) & ~3u, r->changed, r->salt);
    out->bytes = ok ? malloc(bytes) : NULL;
    if (!out->bytes)
        goto done;
    ud_strcopy(desc.version, sizeof desc.version, r->version ? r->version : "", 32);
    ud_strcopy(desc.project_name, sizeof desc.project_name, "powercut", 32);
    struct ud_image_part part = { .load_addr = LOAD_ADDR, .data = data.bytes, .len = data.len };
    struct ud_image_spec spec = {
        .header = { .spi_mode = 2,
                    .spi_speed_size = 0x20,
                    .entry_addr = LOAD_ADDR + UD_APP_DESC_BYTES,
                    .wp_pin = 0xEE,
                    .chip_id = chip->id,
                    .max_chip_rev_full = 0xFFFF },
        .part = &part,
        .part_count = 1,
        .desc = r->version ? &desc : NULL,
        .append_digest = true,
    };
    ok = ud_image_encode(&spec, &crypto, out->bytes, bytes, &out->len) == ESP_OK;
done:
    free(data.bytes);
    if (!ok || !out->bytes) {
        free(out->bytes);
        *out = (struct blob){ NULL, 0 };
    }
    return out->bytes != NULL;
}

static bool copy_blob(struct blob *out, const uint8_t *bytes, uint32_t len)
{
    out->bytes = malloc(len);
    out->len = len;
    if (out->bytes)
        memcpy(out->bytes, bytes, len);
    return out->bytes != NULL;
}

/* The new image with one byte wrong: a download that went bad. */
static bool spoil(struct stock *s)
{
    const struct blob *good = &s->image[IMAGE_NEW];
    if (!copy_blob(&s->image[IMAGE_BAD], good->bytes, good->len))
        return false;
    s->image[IMAGE_BAD].bytes[good->len / 2] ^= 0x10;
    return true;
}

static bool make_images(struct stock *s, uint32_t bytes)
{
    static const struct recipe recipe[] = {
        [IMAGE_OLDER] = { "0.9.0", 1, UINT32_MAX, 3 },
        [IMAGE_OLD] = { "1.0.0", 1, 0, 0 },
        [IMAGE_NEW] = { "2.0.0", 2, UINT32_MAX, 1 },
        [IMAGE_NEAR] = { "2.0.0", 2, UINT32_MAX, 1 },
    };
    for (unsigned i = 0; i < UD_ARRAY_LEN(recipe); i++) {
        struct recipe r = recipe[i];
        if (r.changed > bytes / 2)
            r.changed = bytes / 2; /* halves of different images agree: a mixture of them is not far from either */
        if (!make_image(&s->image[i], s->chip, bytes, &r))
            return false;
    }
    /* Nearly equal: one bit of the data, and what must follow from it. */
    struct blob *near = &s->image[IMAGE_NEAR];
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_info info;
    near->bytes[near->len * 3 / 4] ^= 0x01;
    return ud_image_inspect(near->bytes, near->len, NULL, &crypto, NULL, &info) != ESP_ERR_NO_MEM &&
           ud_image_reseal(near->bytes, near->len, &info, &crypto) == ESP_OK;
}

static void add(struct ud_ptable *t, uint8_t type, uint8_t subtype, const char *label, uint32_t addr, uint32_t size)
{
    struct ud_partition *p = &t->part[t->count++];
    *p = (struct ud_partition){ .addr = addr, .size = size, .type = type, .subtype = subtype };
    ud_strcopy(p->label, sizeof p->label, label, 16);
}

/* `more`: the table that an update of the table brings. */
static bool make_table(const struct stock *s, bool has_factory, uint32_t slot, bool more, struct ud_ptable *t,
                       struct blob *out)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    uint32_t at = FIRST_SLOT;
    memset(t, 0, sizeof *t);
    t->has_md5 = true;
    add(t, UD_PART_DATA, UD_PART_DATA_NVS, "nvs", 0x9000, 0x4000);
    add(t, UD_PART_DATA, UD_PART_DATA_OTA, "otadata", OTADATA_ADDR, UD_OTADATA_BYTES);
    if (has_factory) {
        add(t, UD_PART_APP, UD_PART_APP_FACTORY, "factory", at, slot);
        at += slot;
    }
    add(t, UD_PART_APP, UD_PART_APP_OTA_0, "ota_0", at, slot);
    add(t, UD_PART_APP, UD_PART_APP_OTA_0 + 1, "ota_1", at + slot, slot);
    at += 2 * slot;
    add(t, UD_PART_DATA, UD_PART_DATA_UNDEFINED, "files", at, 0x2000);
    if (more)
        add(t, UD_PART_DATA, UD_PART_DATA_UNDEFINED, "more", at + 0x2000, s->flash_bytes - at - 0x2000);
    out->bytes = malloc(UD_PTABLE_BYTES);
    out->len = UD_PTABLE_BYTES;
    return out->bytes && ud_ptable_encode(t, &crypto, out->bytes) == ESP_OK;
}

static bool make_own(struct stock *s, const struct ud_powercut_flow *flow, uint32_t image_bytes)
{
    static const struct recipe loader = { NULL, 0, 0, 0 };
    static const struct recipe new_loader = { NULL, 0, UINT32_MAX, 1 };
    struct ud_ptable other;
    uint32_t slot = (image_bytes + 0xFFFFu) & ~0xFFFFu;
    s->chip = ud_chip_by_name("esp32c3");
    s->table_offset = 0x8000;
    s->flash_bytes = FIRST_SLOT + (flow->has_factory ? 3 : 2) * slot + 0x10000u;
    struct recipe changed = new_loader;
    changed.changed = LOADER_BYTES / 2;
    bool ok = make_images(s, image_bytes) && spoil(s) &&
              make_table(s, flow->has_factory, slot, false, &s->table, &s->table_bytes) &&
              make_image(&s->boot_loader, s->chip, LOADER_BYTES, &loader);
    if (ok && flow->target == TARGET_DATA)
        ok = fill(&s->content, CONTENT_BYTES, CONTENT_BYTES, 7);
    else if (ok && flow->target == TARGET_BOOTLOADER)
        ok = make_image(&s->content, s->chip, LOADER_BYTES, &changed);
    else if (ok && flow->target == TARGET_TABLE)
        ok = make_table(s, flow->has_factory, slot, true, &other, &s->content);
    return ok;
}

bool stock_make(struct stock *s, const struct ud_powercut_flow *flow, const struct ud_powercut_options *opt)
{
    const struct ud_powercut_board *b = opt->board;
    bool ok;
    memset(s, 0, sizeof *s);
    s->board = b;
    if (b) {
        s->chip = b->chip;
        s->table_offset = b->table_offset;
        s->flash_bytes = b->flash_size;
        ok = copy_blob(&s->image[IMAGE_NEW], b->image, b->image_len) && spoil(s);
    } else {
        ok = make_own(s, flow, opt->image_bytes);
    }
    if (!ok)
        stock_drop(s);
    return ok;
}

void stock_drop(struct stock *s)
{
    for (unsigned i = 0; i < IMAGES; i++)
        free(s->image[i].bytes);
    free(s->content.bytes);
    free(s->boot_loader.bytes);
    free(s->table_bytes.bytes);
    memset(s, 0, sizeof *s);
}
