/* SPDX-License-Identifier: Apache-2.0 */
/* eFuses: range checks for every driver, and the answer of a board that has none. */
#include "updraft/base.h"

static bool inside(uint32_t off, size_t len)
{
    return off <= UD_EFUSE_SIZE && len <= UD_EFUSE_SIZE - off;
}

esp_err_t ud_efuse_read(const struct ud_efuse *e, uint32_t off, void *buf, size_t len)
{
    if (!inside(off, len))
        return ESP_ERR_INVALID_ARG;
    if (!e->ops) {
        memset(buf, 0, len);
        return ESP_OK;
    }
    return e->ops->read(e->ctx, off, buf, len);
}

esp_err_t ud_efuse_burn(const struct ud_efuse *e, uint32_t off, const void *bits, size_t len)
{
    if (!inside(off, len))
        return ESP_ERR_INVALID_ARG;
    if (!e->ops)
        return ESP_ERR_NOT_SUPPORTED;
    return e->ops->burn(e->ctx, off, bits, len);
}
