/* SPDX-License-Identifier: Apache-2.0 */
/* Images in flash and the rules of otadata: the face of the streaming verifier and of boot's codec. */
#include "esp_image_format.h"

#include <string.h>

#include "bootloader_common.h"
#include "room.h"

#define PIECE 1024u

esp_err_t ud_idf_each_piece(struct ud_board *b, uint32_t addr, uint32_t size,
                            esp_err_t (*take)(void *ctx, const uint8_t *data, size_t len, bool *enough), void *ctx)
{
    uint8_t buf[PIECE];
    struct ud_board_hold hold;
    bool enough = false;
    esp_err_t err = ESP_OK;
    for (uint32_t off = 0; err == ESP_OK && off < size && !enough;) {
        uint32_t n = size - off < PIECE ? size - off : PIECE;
        ud_board_lock(b, &hold);
        err = ud_flash_read(b->flash, addr + off, buf, n);
        ud_board_unlock(b, &hold);
        if (err == ESP_OK)
            err = take(ctx, buf, n, &enough);
        off += n;
    }
    return err;
}

static esp_err_t feed(void *ctx, const uint8_t *data, size_t len, bool *enough)
{
    struct ud_image_verifier *v = ctx;
    esp_err_t err = ud_image_verifier_push(v, data, len);
    *enough = ud_image_verifier_is_done(v);
    return err;
}

esp_err_t ud_idf_verify_image(struct ud_board *b, const struct ud_image_rules *rules, const struct ud_observer *obs,
                              struct ud_image_info *info)
{
    struct ud_image_verifier v;
    esp_err_t err = ud_image_verifier_start(&v, rules, b->crypto, obs);
    if (err != ESP_OK)
        return err;
    err = ud_idf_each_piece(b, rules->flash_addr, rules->max_size, feed, &v);
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, info);
    ud_image_verifier_drop(&v);
    return err;
}

static void metadata_of(const struct ud_image_info *info, uint32_t addr, esp_image_metadata_t *m)
{
    memset(m, 0, sizeof *m);
    m->start_addr = addr;
    uint8_t header[UD_IMAGE_HEADER_BYTES];
    ud_image_header_encode(&info->header, header);
    memcpy(&m->image, header, sizeof m->image);
    for (unsigned i = 0; i < info->header.segment_count; i++) {
        m->segments[i].load_addr = info->segment[i].load_addr;
        m->segments[i].data_len = info->segment[i].len;
        m->segment_data[i] = addr + info->segment[i].off;
    }
    m->image_len = info->len;
    if (info->has_digest)
        memcpy(m->image_digest, info->digest, sizeof m->image_digest);
    if (info->has_desc) {
        m->secure_version = info->desc.secure_version;
        m->mmu_page_size = info->desc.mmu_page_size ? UINT32_C(1) << (info->desc.mmu_page_size & 31) : 0;
    }
}

#define PROBLEM(name) UD_IMAGE_PROBLEM_BIT(UD_IMAGE_##name)

/* The code of what is wrong, when reading went on behind it. */
static esp_err_t code_of(uint32_t problems)
{
    if (problems & (PROBLEM(BAD_CHIP) | PROBLEM(BAD_REVISION) | PROBLEM(NO_DESC)))
        return ESP_FAIL;
    return problems ? ESP_ERR_IMAGE_INVALID : ESP_OK;
}

/* With `forgiven` reading goes on behind problems, and these do not count. Any failure zeroes `data`. */
static esp_err_t read_image(const esp_partition_pos_t *part, bool silent, uint32_t forgiven, esp_image_metadata_t *data)
{
    if (!part || !data)
        return ESP_ERR_INVALID_ARG;
    const struct idf_world *w = ud_idf_world();
    if (!w)
        return ESP_ERR_INVALID_STATE;
    struct ud_board *b = w->env.board;
    struct ud_partition p = { .addr = part->offset, .size = part->size, .type = UD_PART_APP };
    if (part->offset == b->chip->bootloader_offset || part->offset == esp_image_bootloader_offset_get())
        p.type = UD_PART_BOOTLOADER;
    struct ud_image_rules rules = ud_board_image_rules(b, &p);
    struct ud_image_info info;
    rules.lenient = forgiven != 0;
    esp_err_t err = ud_idf_verify_image(b, &rules, silent ? NULL : b->obs, &info);
    if (err == ESP_OK)
        err = code_of(info.problems & ~forgiven);
    if (err == ESP_OK)
        metadata_of(&info, part->offset, data);
    else
        memset(data, 0, sizeof *data);
    return err;
}

esp_err_t esp_image_verify(esp_image_load_mode_t mode, const esp_partition_pos_t *part, esp_image_metadata_t *data)
{
    return read_image(part, mode == ESP_IMAGE_VERIFY_SILENT, 0, data);
}

/* Header and segments alone: neither the checksum nor the digest is compared. */
esp_err_t esp_image_get_metadata(const esp_partition_pos_t *part, esp_image_metadata_t *metadata)
{
    return read_image(part, true, PROBLEM(BAD_CHECKSUM) | PROBLEM(BAD_DIGEST), metadata);
}

int esp_image_get_flash_size(esp_image_flash_size_t app_flash_size)
{
    return app_flash_size < ESP_IMAGE_FLASH_SIZE_MAX ? (1 << app_flash_size) * 1024 * 1024 : 0;
}

esp_err_t bootloader_load_image(const esp_partition_pos_t *part, esp_image_metadata_t *data)
{
    (void)part;
    (void)data;
    return ESP_FAIL;
}

esp_err_t bootloader_load_image_no_verify(const esp_partition_pos_t *part, esp_image_metadata_t *data)
{
    (void)part;
    (void)data;
    return ESP_FAIL;
}

uint32_t esp_image_bootloader_offset_get(void)
{
    ud_idf_lock();
    const struct idf_world *w = ud_idf_world();
    uint32_t offset = w ? w->bootloader_offset : 0;
    ud_idf_unlock();
    return offset;
}

void esp_image_bootloader_offset_set(const uint32_t offset)
{
    ud_idf_lock();
    struct idf_world *w = ud_idf_world();
    if (w)
        w->bootloader_offset = offset;
    ud_idf_unlock();
}

esp_err_t esp_image_verify_bootloader_data(esp_image_metadata_t *data)
{
    const struct idf_world *w = ud_idf_world();
    if (!data)
        return ESP_ERR_INVALID_ARG;
    if (!w)
        return ESP_ERR_INVALID_STATE;
    const struct ud_board *b = w->env.board;
    esp_partition_pos_t pos = { .offset = esp_image_bootloader_offset_get(),
                                .size = b->table_offset - b->chip->bootloader_offset };
    if (!ud_range_fits(pos.offset, pos.size, b->flash->geometry.size))
        return ESP_ERR_INVALID_SIZE;
    return esp_image_verify(ESP_IMAGE_VERIFY, &pos, data);
}

esp_err_t esp_image_verify_bootloader(uint32_t *length)
{
    esp_image_metadata_t data = { 0 };
    esp_err_t err = esp_image_verify_bootloader_data(&data);
    if (length)
        *length = err == ESP_OK ? data.image_len : 0;
    return err;
}

/* ---- what application and boot loader share --------------------------------------------------------------------- */

static bool suits_board(const esp_image_header_t *header, bool bootloader, bool any_chip)
{
    const struct idf_world *w = ud_idf_world();
    struct ud_image_header h;
    if (!w || !header || ud_image_header_decode((const uint8_t *)header, sizeof *header, &h) != ESP_OK)
        return false;
    struct ud_partition p = { .type = bootloader ? UD_PART_BOOTLOADER : UD_PART_APP };
    struct ud_image_rules rules = ud_board_image_rules(w->env.board, &p);
    if (any_chip)
        rules.chip_id = h.chip_id;
    return ud_image_check_chip(&h, &rules, w->env.board->obs) == ESP_OK;
}

bool bootloader_common_check_chip_revision_validity(const esp_image_header_t *image_header, bool check_max_revision)
{
    return suits_board(image_header, !check_max_revision, true);
}

esp_err_t bootloader_common_check_chip_validity(const esp_image_header_t *img_hdr, esp_image_type type)
{
    return suits_board(img_hdr, type == ESP_IMAGE_BOOTLOADER, false) ? ESP_OK : ESP_FAIL;
}

esp_err_t bootloader_common_check_efuse_blk_validity(uint32_t min_rev_full, uint32_t max_rev_full)
{
    (void)min_rev_full;
    (void)max_rev_full;
    return ESP_OK; /* a board has no revision of its eFuse block: every one suits */
}

esp_err_t bootloader_common_get_sha256_of_partition(uint32_t address, uint32_t size, int type, uint8_t *out_sha_256)
{
    esp_partition_t p = { .address = address, .size = size, .type = (esp_partition_type_t)type };
    return esp_partition_get_sha256(&p, out_sha_256);
}

/* ---- otadata ---------------------------------------------------------------------------------------------------- */

static struct ud_otadata_entry decode(const esp_ota_select_entry_t *s)
{
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    struct ud_otadata_entry e;
    memcpy(bytes, s, sizeof bytes);
    ud_otadata_decode(bytes, &e);
    return e;
}

uint32_t bootloader_common_ota_select_crc(const esp_ota_select_entry_t *s)
{
    return ud_otadata_crc(s->ota_seq);
}

bool bootloader_common_ota_select_valid(const esp_ota_select_entry_t *s)
{
    struct ud_otadata_entry e = decode(s);
    return ud_otadata_is_valid(&e);
}

bool bootloader_common_ota_select_invalid(const esp_ota_select_entry_t *s)
{
    struct ud_otadata_entry e = decode(s);
    return ud_otadata_is_invalid(&e);
}

int bootloader_common_get_active_otadata(esp_ota_select_entry_t *two_otadata)
{
    if (!two_otadata)
        return -1;
    struct ud_otadata_entry e[2] = { decode(&two_otadata[0]), decode(&two_otadata[1]) };
    return ud_otadata_active(e);
}

int bootloader_common_select_otadata(const esp_ota_select_entry_t *two_otadata, bool *valid_two_otadata, bool max)
{
    if (!two_otadata || !valid_two_otadata)
        return -1;
    if (valid_two_otadata[0] && valid_two_otadata[1]) {
        bool second_larger = two_otadata[1].ota_seq > two_otadata[0].ota_seq;
        bool equal = two_otadata[1].ota_seq == two_otadata[0].ota_seq;
        return !equal && second_larger == max ? 1 : 0;
    }
    return valid_two_otadata[0] ? 0 : valid_two_otadata[1] ? 1 : -1;
}
