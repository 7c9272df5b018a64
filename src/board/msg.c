/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between a supervisor and the firmware it runs: packets of one size, each field at a fixed place, the rest
 * zero. Layout: docs/formats/messages.md.
 */
#include "updraft/board.h"

enum {
    OFF_VERSION = 0, /* u16 */
    OFF_TYPE = 2,    /* u16 */
    OFF_BODY = 4,
    OFF_RESET_REASON = OFF_BODY,
    OFF_RUNS_HOST = OFF_BODY + 1,
    OFF_REQUIRE_DIGEST = OFF_BODY + 2,
    OFF_CHIP_ID = OFF_BODY + 4,
    OFF_REVISION = OFF_BODY + 6,
    OFF_RUNNING = OFF_BODY + 8,
    OFF_BOOT_COUNT = OFF_BODY + 12,
    OFF_FLASH_SIZE = OFF_BODY + 16,
    OFF_TABLE = OFF_BODY + 20,
    OFF_SLOW_FLASH = OFF_BODY + 24,
    OFF_CUT_AT = OFF_BODY + 28,
    OFF_CUT_VARIANT = OFF_BODY + 32,
    OFF_INPUTS = OFF_BODY + 36,     /* u64, low word first */
    OFF_FLASH_PART = OFF_BODY + 44, /* text, 16 bytes */
    OFF_DRIVEN = OFF_BODY + 60,     /* u64 */
    OFF_MAC = OFF_BODY + 68,        /* 6 bytes */
    OFF_TEXT = OFF_BODY,            /* PANIC, WDT, BACKTRACE */
    OFF_SLEEP = OFF_BODY,           /* u64, SLEEP */
};

static bool has_text(enum ud_msg_type type)
{
    return type == UD_MSG_PANIC || type == UD_MSG_WDT || type == UD_MSG_BACKTRACE;
}

static void store_le64(uint8_t *p, uint64_t v)
{
    ud_store_le32(p, (uint32_t)v);
    ud_store_le32(p + 4, (uint32_t)(v >> 32));
}

static uint64_t load_le64(const uint8_t *p)
{
    return (uint64_t)ud_load_le32(p + 4) << 32 | ud_load_le32(p);
}

static void encode_boot(const struct ud_msg_boot *b, uint8_t *bytes)
{
    bytes[OFF_RESET_REASON] = b->reset_reason;
    bytes[OFF_RUNS_HOST] = b->runs_host;
    bytes[OFF_REQUIRE_DIGEST] = b->require_digest;
    ud_store_le16(bytes + OFF_CHIP_ID, b->chip_id);
    ud_store_le16(bytes + OFF_REVISION, b->revision);
    ud_store_le32(bytes + OFF_RUNNING, b->running_addr);
    ud_store_le32(bytes + OFF_BOOT_COUNT, b->boot_count);
    ud_store_le32(bytes + OFF_FLASH_SIZE, b->flash_size);
    ud_store_le32(bytes + OFF_TABLE, b->table_offset);
    ud_store_le32(bytes + OFF_SLOW_FLASH, b->slow_flash_us);
    ud_store_le32(bytes + OFF_CUT_AT, b->cut_at);
    ud_store_le32(bytes + OFF_CUT_VARIANT, b->cut_variant);
    store_le64(bytes + OFF_INPUTS, b->inputs);
    store_le64(bytes + OFF_DRIVEN, b->inputs_driven);
    memcpy(bytes + OFF_MAC, b->mac, sizeof b->mac);
    memcpy(bytes + OFF_FLASH_PART, b->flash_part, ud_strnlen(b->flash_part, sizeof b->flash_part - 1));
}

static void decode_boot(const uint8_t *bytes, struct ud_msg_boot *b)
{
    b->reset_reason = bytes[OFF_RESET_REASON];
    b->runs_host = bytes[OFF_RUNS_HOST];
    b->require_digest = bytes[OFF_REQUIRE_DIGEST];
    b->chip_id = ud_load_le16(bytes + OFF_CHIP_ID);
    b->revision = ud_load_le16(bytes + OFF_REVISION);
    b->running_addr = ud_load_le32(bytes + OFF_RUNNING);
    b->boot_count = ud_load_le32(bytes + OFF_BOOT_COUNT);
    b->flash_size = ud_load_le32(bytes + OFF_FLASH_SIZE);
    b->table_offset = ud_load_le32(bytes + OFF_TABLE);
    b->slow_flash_us = ud_load_le32(bytes + OFF_SLOW_FLASH);
    b->cut_at = ud_load_le32(bytes + OFF_CUT_AT);
    b->cut_variant = ud_load_le32(bytes + OFF_CUT_VARIANT);
    b->inputs = load_le64(bytes + OFF_INPUTS);
    b->inputs_driven = load_le64(bytes + OFF_DRIVEN);
    memcpy(b->mac, bytes + OFF_MAC, sizeof b->mac);
    ud_strcopy(b->flash_part, sizeof b->flash_part, (const char *)bytes + OFF_FLASH_PART, sizeof b->flash_part - 1);
}

void ud_msg_encode(const struct ud_msg *m, uint8_t bytes[UD_MSG_BYTES])
{
    memset(bytes, 0, UD_MSG_BYTES);
    ud_store_le16(bytes + OFF_VERSION, UD_MSG_VERSION);
    ud_store_le16(bytes + OFF_TYPE, (uint16_t)m->type);
    if (m->type == UD_MSG_BOOT)
        encode_boot(&m->boot, bytes);
    else if (has_text(m->type))
        memcpy(bytes + OFF_TEXT, m->text, ud_strnlen(m->text, sizeof m->text - 1));
    else if (m->type == UD_MSG_SLEEP)
        store_le64(bytes + OFF_SLEEP, m->sleep_us);
}

esp_err_t ud_msg_decode(const uint8_t *bytes, size_t len, struct ud_msg *m)
{
    if (len != UD_MSG_BYTES)
        return ESP_ERR_INVALID_SIZE;
    if (ud_load_le16(bytes + OFF_VERSION) != UD_MSG_VERSION)
        return ESP_ERR_INVALID_VERSION;
    uint16_t type = ud_load_le16(bytes + OFF_TYPE);
    if (type < UD_MSG_HELLO || type > UD_MSG_SLEEP)
        return ESP_ERR_INVALID_ARG;

    *m = (struct ud_msg){ .type = (enum ud_msg_type)type };
    if (m->type == UD_MSG_BOOT)
        decode_boot(bytes, &m->boot);
    else if (has_text(m->type))
        ud_strcopy(m->text, sizeof m->text, (const char *)bytes + OFF_TEXT, sizeof m->text - 1);
    else if (m->type == UD_MSG_SLEEP)
        m->sleep_us = load_le64(bytes + OFF_SLEEP);
    return ESP_OK;
}
