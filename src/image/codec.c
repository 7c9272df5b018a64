/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image header (24 bytes) and application description (256 bytes), both little-endian, between bytes and structs.
 * Offsets: docs/formats/image.md. Reserved bytes are ignored when read and written as zero.
 */
#include "updraft/image.h"

enum {
    HEADER_ENTRY = 4,
    HEADER_WP_PIN = 8,
    HEADER_PIN_DRV = 9,
    HEADER_CHIP_ID = 12,
    HEADER_MIN_REV = 14,
    HEADER_MIN_REV_FULL = 15,
    HEADER_MAX_REV_FULL = 17,
    HEADER_HASH = 23,

    DESC_MAGIC = 0,
    DESC_SECURE_VERSION = 4,
    DESC_VERSION = 16,
    DESC_PROJECT = 48,
    DESC_TIME = 80,
    DESC_DATE = 96,
    DESC_IDF_VER = 112,
    DESC_ELF_SHA256 = 144,
    DESC_MIN_EFUSE_BLK = 176,
    DESC_MAX_EFUSE_BLK = 178,
    DESC_MMU_PAGE = 180,
    DESC_SPI_MODE = 181,
};

esp_err_t ud_image_header_decode(const uint8_t *bytes, size_t len, struct ud_image_header *h)
{
    if (len < UD_IMAGE_HEADER_BYTES)
        return ESP_ERR_INVALID_SIZE;
    *h = (struct ud_image_header){
        .magic = bytes[0],
        .segment_count = bytes[1],
        .spi_mode = bytes[2],
        .spi_speed_size = bytes[3],
        .entry_addr = ud_load_le32(bytes + HEADER_ENTRY),
        .wp_pin = bytes[HEADER_WP_PIN],
        .spi_pin_drv = { bytes[HEADER_PIN_DRV], bytes[HEADER_PIN_DRV + 1], bytes[HEADER_PIN_DRV + 2] },
        .chip_id = ud_load_le16(bytes + HEADER_CHIP_ID),
        .min_chip_rev = bytes[HEADER_MIN_REV],
        .min_chip_rev_full = ud_load_le16(bytes + HEADER_MIN_REV_FULL),
        .max_chip_rev_full = ud_load_le16(bytes + HEADER_MAX_REV_FULL),
        .hash_appended = bytes[HEADER_HASH],
    };
    return ESP_OK;
}

void ud_image_header_encode(const struct ud_image_header *h, uint8_t bytes[UD_IMAGE_HEADER_BYTES])
{
    memset(bytes, 0, UD_IMAGE_HEADER_BYTES);
    bytes[0] = h->magic;
    bytes[1] = h->segment_count;
    bytes[2] = h->spi_mode;
    bytes[3] = h->spi_speed_size;
    ud_store_le32(bytes + HEADER_ENTRY, h->entry_addr);
    bytes[HEADER_WP_PIN] = h->wp_pin;
    memcpy(bytes + HEADER_PIN_DRV, h->spi_pin_drv, sizeof h->spi_pin_drv);
    ud_store_le16(bytes + HEADER_CHIP_ID, h->chip_id);
    bytes[HEADER_MIN_REV] = h->min_chip_rev;
    ud_store_le16(bytes + HEADER_MIN_REV_FULL, h->min_chip_rev_full);
    ud_store_le16(bytes + HEADER_MAX_REV_FULL, h->max_chip_rev_full);
    bytes[HEADER_HASH] = h->hash_appended;
}

/* A text field is NUL-padded and may fill its bytes; the struct has one byte more, for the NUL. */
struct text_field {
    uint16_t off;
    uint16_t member;
    uint8_t size;
};
#define TEXT(off_, member_)                                                                                            \
    {                                                                                                                  \
        off_, offsetof(struct ud_app_desc, member_), sizeof((struct ud_app_desc *)0)->member_ - 1                      \
    }
static const struct text_field texts[] = {
    TEXT(DESC_VERSION, version), TEXT(DESC_PROJECT, project_name), TEXT(DESC_TIME, time),
    TEXT(DESC_DATE, date),       TEXT(DESC_IDF_VER, idf_ver),
};

esp_err_t ud_app_desc_decode(const uint8_t *bytes, size_t len, struct ud_app_desc *d)
{
    if (len < UD_APP_DESC_BYTES)
        return ESP_ERR_INVALID_SIZE;
    if (ud_load_le32(bytes + DESC_MAGIC) != UD_APP_DESC_MAGIC)
        return ESP_ERR_NOT_FOUND;

    memset(d, 0, sizeof *d);
    d->secure_version = ud_load_le32(bytes + DESC_SECURE_VERSION);
    for (size_t i = 0; i < UD_ARRAY_LEN(texts); i++)
        ud_strcopy((char *)d + texts[i].member, texts[i].size + 1u, (const char *)bytes + texts[i].off, texts[i].size);
    memcpy(d->app_elf_sha256, bytes + DESC_ELF_SHA256, sizeof d->app_elf_sha256);
    d->min_efuse_blk_rev_full = ud_load_le16(bytes + DESC_MIN_EFUSE_BLK);
    d->max_efuse_blk_rev_full = ud_load_le16(bytes + DESC_MAX_EFUSE_BLK);
    d->mmu_page_size = bytes[DESC_MMU_PAGE];
    d->spi_flash_mode = bytes[DESC_SPI_MODE];
    return ESP_OK;
}

void ud_app_desc_encode(const struct ud_app_desc *d, uint8_t bytes[UD_APP_DESC_BYTES])
{
    memset(bytes, 0, UD_APP_DESC_BYTES);
    ud_store_le32(bytes + DESC_MAGIC, UD_APP_DESC_MAGIC);
    ud_store_le32(bytes + DESC_SECURE_VERSION, d->secure_version);
    for (size_t i = 0; i < UD_ARRAY_LEN(texts); i++) {
        const char *text = (const char *)d + texts[i].member;
        memcpy(bytes + texts[i].off, text, ud_strnlen(text, texts[i].size));
    }
    memcpy(bytes + DESC_ELF_SHA256, d->app_elf_sha256, sizeof d->app_elf_sha256);
    ud_store_le16(bytes + DESC_MIN_EFUSE_BLK, d->min_efuse_blk_rev_full);
    ud_store_le16(bytes + DESC_MAX_EFUSE_BLK, d->max_efuse_blk_rev_full);
    bytes[DESC_MMU_PAGE] = d->mmu_page_size;
    bytes[DESC_SPI_MODE] = d->spi_flash_mode;
}
