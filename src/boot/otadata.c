/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otadata: two entries of 32 bytes, each at the start of its own sector, that say which slot boots and how sure the
 * firmware is of it. Everything that writes one goes through ud_otadata_write below: erase that sector, then program,
 * so that a cut between the two leaves this entry blank and the other one untouched.
 */
#include "updraft/boot.h"

enum { OFF_SEQ = 0, OFF_LABEL = 4, OFF_STATE = 24, OFF_CRC = 28, LABEL_BYTES = 20 };

void ud_otadata_decode(const uint8_t bytes[UD_OTADATA_ENTRY_BYTES], struct ud_otadata_entry *e)
{
    e->seq = ud_load_le32(bytes + OFF_SEQ);
    memcpy(e->label, bytes + OFF_LABEL, LABEL_BYTES);
    e->state = ud_load_le32(bytes + OFF_STATE);
    e->crc = ud_load_le32(bytes + OFF_CRC);
}

void ud_otadata_encode(const struct ud_otadata_entry *e, uint8_t bytes[UD_OTADATA_ENTRY_BYTES])
{
    ud_store_le32(bytes + OFF_SEQ, e->seq);
    memcpy(bytes + OFF_LABEL, e->label, LABEL_BYTES);
    ud_store_le32(bytes + OFF_STATE, e->state);
    ud_store_le32(bytes + OFF_CRC, e->crc);
}

uint32_t ud_otadata_crc(uint32_t seq)
{
    uint8_t bytes[4];
    ud_store_le32(bytes, seq);
    return ud_crc32(UINT32_MAX, bytes, sizeof bytes);
}

bool ud_otadata_is_invalid(const struct ud_otadata_entry *e)
{
    return e->seq == UD_OTADATA_SEQ_BLANK || e->state == UD_OTA_INVALID || e->state == UD_OTA_ABORTED;
}

bool ud_otadata_is_valid(const struct ud_otadata_entry *e)
{
    return !ud_otadata_is_invalid(e) && e->crc == ud_otadata_crc(e->seq);
}

int ud_otadata_active(const struct ud_otadata_entry e[2])
{
    bool valid0 = ud_otadata_is_valid(&e[0]);
    bool valid1 = ud_otadata_is_valid(&e[1]);
    if (valid0 && valid1)
        return e[1].seq > e[0].seq ? 1 : 0;
    if (valid0)
        return 0;
    return valid1 ? 1 : -1;
}

uint32_t ud_otadata_slot(const struct ud_otadata_entry *e, uint32_t slots)
{
    return (e->seq - 1u) % slots;
}

bool ud_otadata_next_seq(uint32_t slots, uint32_t active_seq, uint32_t slot, uint32_t *seq)
{
    /* 0 is congruent to the last slot, but (0 - 1) wraps and need not select it: start from 1. */
    uint32_t from = active_seq == 0 ? 1u : active_seq;
    uint32_t step = ((slot + 1u) % slots + slots - from % slots) % slots;
    if (from == UD_OTADATA_SEQ_BLANK || step > UD_OTADATA_SEQ_BLANK - 1u - from)
        return false;
    *seq = from + step;
    return true;
}

const char *ud_ota_state_name(uint32_t state)
{
    static const char *const names[] = { "NEW", "PENDING_VERIFY", "VALID", "INVALID", "ABORTED" };
    if (state == UD_OTA_UNDEFINED)
        return "UNDEFINED";
    return state < UD_ARRAY_LEN(names) ? names[state] : "?";
}

esp_err_t ud_otadata_read(struct ud_flash *f, const struct ud_partition *p, struct ud_otadata_entry e[2])
{
    uint8_t bytes[2][UD_OTADATA_ENTRY_BYTES];
    if (p->size < UD_OTADATA_BYTES)
        return ESP_ERR_INVALID_SIZE;
    for (unsigned i = 0; i < 2; i++) {
        esp_err_t err = ud_flash_read(f, p->addr + i * UD_FLASH_SECTOR, bytes[i], UD_OTADATA_ENTRY_BYTES);
        if (err != ESP_OK)
            return err;
    }
    ud_otadata_decode(bytes[0], &e[0]);
    ud_otadata_decode(bytes[1], &e[1]);
    return ESP_OK;
}

esp_err_t ud_otadata_erase(struct ud_flash *f, const struct ud_partition *p, unsigned i)
{
    if (p->size < UD_OTADATA_BYTES)
        return ESP_ERR_INVALID_SIZE;
    return ud_flash_erase(f, p->addr + i * UD_FLASH_SECTOR, UD_FLASH_SECTOR);
}

esp_err_t ud_otadata_write(struct ud_flash *f, const struct ud_partition *p, unsigned i,
                           const struct ud_otadata_entry *e)
{
    uint8_t bytes[UD_OTADATA_ENTRY_BYTES];
    uint8_t back[UD_OTADATA_ENTRY_BYTES];
    uint32_t addr = p->addr + i * UD_FLASH_SECTOR;
    ud_otadata_encode(e, bytes);

    esp_err_t err = ud_otadata_erase(f, p, i);
    if (err == ESP_OK)
        err = ud_flash_program(f, addr, bytes, sizeof bytes);
    if (err == ESP_OK)
        err = ud_flash_read(f, addr, back, sizeof back);
    if (err == ESP_OK && memcmp(bytes, back, sizeof bytes) != 0)
        err = ud_note(f->observer, UD_NOTE_FLASH_FAILED, ESP_ERR_FLASH_OP_FAIL, addr, sizeof bytes, "program");
    return err;
}
