/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secure version of a board: how many bits of its eFuse field are burnt. A number that only grows, one bit a step,
 * so a burn that is cut leaves a level between the old and the new one and may be done again.
 */
#include "updraft/boot.h"

#define FIELD_BYTES 4u

static uint32_t field_mask(uint8_t bits)
{
    return bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1u;
}

static uint32_t count_bits(uint32_t field)
{
    uint32_t n = 0;
    for (; field != 0; field &= field - 1)
        n++;
    return n;
}

static esp_err_t read_field(const struct ud_efuse *e, uint8_t bits, uint32_t *field)
{
    uint8_t bytes[FIELD_BYTES];
    esp_err_t err = ud_efuse_read(e, UD_EFUSE_SECURE_VERSION, bytes, sizeof bytes);
    if (err == ESP_OK)
        *field = ud_load_le32(bytes) & field_mask(bits);
    return err;
}

esp_err_t ud_secure_version_read(const struct ud_efuse *e, uint8_t bits, uint32_t *level)
{
    uint32_t field;
    esp_err_t err = read_field(e, bits, &field);
    if (err == ESP_OK)
        *level = count_bits(field);
    return err;
}

esp_err_t ud_secure_version_raise(const struct ud_efuse *e, uint8_t bits, uint32_t version)
{
    uint8_t bytes[FIELD_BYTES];
    uint32_t field;
    uint32_t burn = 0;
    if (version > bits || version > 32)
        return ESP_ERR_INVALID_ARG;
    esp_err_t err = read_field(e, bits, &field);
    if (err != ESP_OK)
        return err;
    uint32_t level = count_bits(field);
    if (level >= version)
        return level == version ? ESP_OK : ESP_FAIL;
    for (uint32_t bit = 1; level < version; bit <<= 1) { /* from the lowest bit that is not burnt */
        if (field & bit)
            continue;
        burn |= bit;
        level++;
    }
    ud_store_le32(bytes, burn);
    return ud_efuse_burn(e, UD_EFUSE_SECURE_VERSION, bytes, sizeof bytes);
}
