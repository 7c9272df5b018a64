/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder: header, segments, filler, checksum, digest, in the order in which the verifier reads them. A part's
 * bytes are copied once; the checksum is taken from what was written.
 */
#include "updraft/image.h"

#define CHECKSUM_SEED 0xEFu
#define BLOCK         16u
#define SEGMENT_BYTES 8u
#define SPI_MODE_DIO  2u
#define SPI_4MB       0x20u /* high nibble of byte 3; speed 0 is known to every chip */
#define WP_DISABLED   0xEEu

static uint32_t limit_of(const struct ud_image_spec *spec)
{
    const struct ud_chip *chip = ud_chip_by_id(spec->header.chip_id);
    return chip && chip->map_32bit ? UINT32_MAX : UD_IMAGE_SIZE_LIMIT;
}

/* Length of a part in the image: a multiple of 4, below the limit. */
static bool padded_len(const struct ud_image_part *part, uint32_t limit, uint32_t *len)
{
    return ud_round_up(part->len, 4, len) && *len < limit;
}

esp_err_t ud_image_spec_size(const struct ud_image_spec *spec, uint32_t *size)
{
    uint32_t limit = limit_of(spec);
    uint32_t off = UD_IMAGE_HEADER_BYTES;
    uint32_t digest = spec->append_digest ? UD_SHA256_BYTES : 0;

    if (spec->part_count == 0 || spec->part_count > UD_IMAGE_MAX_SEGMENTS)
        return ESP_ERR_INVALID_SIZE;
    if (spec->desc && spec->part[0].len < UD_APP_DESC_BYTES)
        return ESP_ERR_INVALID_SIZE;
    for (uint8_t i = 0; i < spec->part_count; i++) {
        uint32_t len = 0;
        if (!padded_len(&spec->part[i], limit, &len) || limit - off < SEGMENT_BYTES ||
            limit - off - SEGMENT_BYTES < len)
            return ESP_ERR_INVALID_SIZE;
        off += SEGMENT_BYTES + len;
    }
    uint32_t tail = BLOCK - off % BLOCK + digest;
    if (!ud_range_fits(off, tail, limit))
        return ESP_ERR_INVALID_SIZE;
    *size = off + tail;
    return ESP_OK;
}

/* Segment header and data at `out`; returns the bytes written. The sizes were checked by ud_image_spec_size. */
static uint32_t put_part(const struct ud_image_part *part, const struct ud_app_desc *desc, uint8_t *out)
{
    uint8_t *data = out + SEGMENT_BYTES;
    uint32_t len = (part->len + 3u) & ~3u;

    ud_store_le32(out, part->load_addr);
    ud_store_le32(out + 4, len);
    if (part->data)
        memcpy(data, part->data, part->len);
    else
        memset(data, 0, part->len);
    memset(data + part->len, 0, len - part->len);
    if (desc)
        ud_app_desc_encode(desc, data);
    return SEGMENT_BYTES + len;
}

static uint8_t xor_of(const uint8_t *p, uint32_t len)
{
    uint8_t x = 0;
    for (uint32_t i = 0; i < len; i++)
        x ^= p[i];
    return x;
}

esp_err_t ud_image_encode(const struct ud_image_spec *spec, const struct ud_crypto *crypto, uint8_t *buf, size_t cap,
                          uint32_t *size)
{
    struct ud_image_header header = spec->header;
    uint8_t checksum = CHECKSUM_SEED;
    uint32_t off = UD_IMAGE_HEADER_BYTES;
    uint32_t total = 0;
    esp_err_t err = ud_image_spec_size(spec, &total);
    if (err != ESP_OK)
        return err;
    if (cap < total)
        return ESP_ERR_INVALID_SIZE;

    header.magic = UD_IMAGE_MAGIC;
    header.segment_count = spec->part_count;
    header.hash_appended = spec->append_digest;
    ud_image_header_encode(&header, buf);
    for (uint8_t i = 0; i < spec->part_count; i++) {
        uint32_t n = put_part(&spec->part[i], i == 0 ? spec->desc : NULL, buf + off);
        checksum ^= xor_of(buf + off + SEGMENT_BYTES, n - SEGMENT_BYTES);
        off += n;
    }
    uint32_t filler = BLOCK - 1 - off % BLOCK;
    memset(buf + off, 0, filler);
    off += filler;
    buf[off++] = checksum;
    if (spec->append_digest)
        err = ud_hash_all(crypto, UD_HASH_SHA256, buf, off, buf + off);
    if (err == ESP_OK)
        *size = total;
    return err;
}

static struct ud_image_header plain_header(uint16_t chip_id)
{
    return (struct ud_image_header){
        .spi_mode = SPI_MODE_DIO,
        .spi_speed_size = SPI_4MB,
        .wp_pin = WP_DISABLED,
        .chip_id = chip_id,
        .max_chip_rev_full = UINT16_MAX,
    };
}

esp_err_t ud_image_host_spec(const void *elf, uint32_t elf_len, const struct ud_app_desc *desc,
                             uint8_t desc_bytes[UD_APP_DESC_BYTES], struct ud_image_part parts[2],
                             struct ud_image_spec *spec)
{
    uint16_t machine = ud_elf_machine(elf, elf_len);
    if (machine == 0 || machine != ud_elf_host_machine())
        return ESP_ERR_INVALID_ARG;
    ud_app_desc_encode(desc, desc_bytes);
    parts[0] = (struct ud_image_part){ .load_addr = UD_HOST_DESC_ADDR, .data = desc_bytes, .len = UD_APP_DESC_BYTES };
    parts[1] = (struct ud_image_part){ .load_addr = 0, .data = elf, .len = elf_len };
    *spec = (struct ud_image_spec){
        .header = plain_header(UD_CHIP_ID_HOST),
        .part = parts,
        .part_count = 2,
        .append_digest = true,
    };
    return ESP_OK;
}

const struct ud_image_segment *ud_image_host_program(const struct ud_image_info *info)
{
    const struct ud_image_segment *s = info->segment;
    bool is_host = info->header.chip_id == UD_CHIP_ID_HOST && info->header.segment_count == 2 && info->has_desc;
    if (!is_host || s[0].load_addr != UD_HOST_DESC_ADDR || s[0].len != UD_APP_DESC_BYTES || s[1].load_addr != 0)
        return NULL;
    return &s[1];
}

/* Bytes of a padding segment so that data that would begin at `off` can be mapped at `load_addr`. */
static uint32_t mapping_gap(uint32_t off, uint32_t load_addr, uint32_t page)
{
    return (load_addr - off - SEGMENT_BYTES) & (page - 1);
}

esp_err_t ud_image_raw_spec(const struct ud_chip *chip, const void *raw, uint32_t raw_len, uint32_t load_addr,
                            const struct ud_app_desc *desc, uint8_t desc_bytes[UD_APP_DESC_BYTES],
                            struct ud_image_part parts[3], struct ud_image_spec *spec)
{
    uint32_t page = ud_chip_page(chip, desc->mmu_page_size, SPI_4MB >> 4);
    uint32_t raw_off = UD_APP_DESC_OFFSET + UD_APP_DESC_BYTES + SEGMENT_BYTES;
    uint32_t desc_addr = chip->drom.lo == chip->drom.hi ? UD_HOST_DESC_ADDR : chip->drom.lo + UD_APP_DESC_OFFSET;
    bool mapped = ud_chip_is_mapped(chip, load_addr, page);
    uint8_t count = 0;

    if (mapped && load_addr % 4)
        return ESP_ERR_INVALID_ARG;
    ud_app_desc_encode(desc, desc_bytes);
    parts[count++] = (struct ud_image_part){ .load_addr = desc_addr, .data = desc_bytes, .len = UD_APP_DESC_BYTES };
    if (mapped && ((raw_off ^ load_addr) & (page - 1)))
        parts[count++] = (struct ud_image_part){ .len = mapping_gap(raw_off, load_addr, page) };
    parts[count++] = (struct ud_image_part){ .load_addr = load_addr, .data = raw, .len = raw_len };
    *spec = (struct ud_image_spec){
        .header = plain_header(chip->id),
        .part = parts,
        .part_count = count,
        .append_digest = true,
    };
    return ESP_OK;
}
