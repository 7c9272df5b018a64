/* SPDX-License-Identifier: Apache-2.0 */
/* Checksum and digest of an image that was edited in place: everything else stays as it was, byte for byte. */
#include "updraft/image.h"

#define CHECKSUM_SEED 0xEFu

esp_err_t ud_image_reseal(uint8_t *bytes, size_t len, const struct ud_image_info *info, const struct ud_crypto *crypto)
{
    uint32_t digest = info->has_digest ? UD_SHA256_BYTES : 0;
    uint8_t checksum = CHECKSUM_SEED;

    if (info->len > len || info->len <= digest)
        return ESP_ERR_INVALID_SIZE;
    uint32_t sealed = info->len - digest;
    for (uint8_t s = 0; s < info->segment_count; s++) {
        if (!ud_range_fits(info->segment[s].off, info->segment[s].len, sealed - 1))
            return ESP_ERR_INVALID_SIZE;
        for (uint32_t i = 0; i < info->segment[s].len; i++)
            checksum ^= bytes[info->segment[s].off + i];
    }
    bytes[sealed - 1] = checksum;
    return digest ? ud_hash_all(crypto, UD_HASH_SHA256, bytes, sealed, bytes + sealed) : ESP_OK;
}
