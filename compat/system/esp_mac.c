/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and identity of the board's chip. */
#include "esp_mac.h"
#include "esp_chip_info.h"

#include <string.h>

#include "kernel.h"

#define DERIVED 4u /* STA, SOFTAP, BT, ETH: base plus their number */

/* Under the kernel's lock; addresses are kept once they were derived, so a later base does not alter them. */
static struct {
    bool has[ESP_MAC_BASE + 1];
    uint8_t mac[ESP_MAC_BASE + 1][6];
} known;

static const struct ud_board *board(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    kernel_require(env != NULL, "MAC address or chip asked for before the firmware's start-up");
    return env->board;
}

esp_err_t esp_efuse_mac_get_default(uint8_t *mac)
{
    if (!mac)
        return ESP_ERR_INVALID_ARG;
    memcpy(mac, board()->mac, 6);
    return ESP_OK;
}

esp_err_t esp_efuse_mac_get_custom(uint8_t *mac)
{
    if (!mac)
        return ESP_ERR_INVALID_ARG;
    return board()->chip->id == 0 ? ESP_ERR_INVALID_VERSION : ESP_ERR_INVALID_MAC;
}

/* Under the lock. */
static const uint8_t *get(esp_mac_type_t type)
{
    uint8_t *mac = known.mac[type];
    if (!known.has[type]) {
        memcpy(mac, type == ESP_MAC_BASE ? board()->mac : get(ESP_MAC_BASE), 6);
        mac[5] = (uint8_t)(mac[5] + (type == ESP_MAC_BASE ? 0 : (unsigned)type));
        known.has[type] = true;
    }
    return mac;
}

esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type)
{
    if (!mac)
        return ESP_ERR_INVALID_ARG;
    if (type == ESP_MAC_EFUSE_FACTORY)
        return esp_efuse_mac_get_default(mac);
    if (type == ESP_MAC_EFUSE_CUSTOM)
        return esp_efuse_mac_get_custom(mac);
    if ((unsigned)type >= DERIVED && type != ESP_MAC_BASE)
        return ESP_ERR_NOT_SUPPORTED;
    kernel_enter();
    memcpy(mac, get(type), 6);
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_base_mac_addr_get(uint8_t *mac)
{
    return esp_read_mac(mac, ESP_MAC_BASE);
}

esp_err_t esp_iface_mac_addr_set(const uint8_t *mac, esp_mac_type_t type)
{
    if (!mac || mac[0] & 1 || type == ESP_MAC_EFUSE_FACTORY || type == ESP_MAC_EFUSE_CUSTOM ||
        type == ESP_MAC_EFUSE_EXT)
        return ESP_ERR_INVALID_ARG;
    if ((unsigned)type >= DERIVED && type != ESP_MAC_BASE)
        return ESP_ERR_NOT_SUPPORTED;
    kernel_enter();
    memcpy(known.mac[type], mac, 6);
    known.has[type] = true;
    kernel_leave();
    return ESP_OK;
}

esp_err_t esp_base_mac_addr_set(const uint8_t *mac)
{
    return esp_iface_mac_addr_set(mac, ESP_MAC_BASE);
}

esp_err_t esp_derive_local_mac(uint8_t *local_mac, const uint8_t *universal_mac)
{
    if (!local_mac || !universal_mac)
        return ESP_ERR_INVALID_ARG;
    memmove(local_mac, universal_mac, 6);
    local_mac[0] = local_mac[0] & 2 ? local_mac[0] ^ 4 : local_mac[0] | 2;
    return ESP_OK;
}

size_t esp_mac_addr_len_get(esp_mac_type_t type)
{
    if (type == ESP_MAC_IEEE802154)
        return 8;
    if (type == ESP_MAC_EFUSE_EXT)
        return 2;
    return (unsigned)type <= ESP_MAC_EFUSE_CUSTOM ? 6 : 0;
}

void esp_chip_info(esp_chip_info_t *out_info)
{
    enum { WIFI = CHIP_FEATURE_WIFI_BGN, BLE = CHIP_FEATURE_BLE, MESH = CHIP_FEATURE_IEEE802154 };
    static const struct {
        uint16_t id;
        uint8_t features;
        uint8_t cores;
    } chips[] = {
        { 0, WIFI | BLE | CHIP_FEATURE_BT, 2 },
        { 2, WIFI, 1 },
        { 5, WIFI | BLE, 1 },
        { 9, WIFI | BLE, 2 },
        { 12, WIFI | BLE, 1 },
        { 13, WIFI | BLE | MESH, 1 },
        { 16, BLE | MESH, 1 },
        { 18, 0, 2 },
        { 20, WIFI | BLE, 1 },
        { 23, WIFI | BLE | MESH, 1 },
        { 25, BLE | MESH, 1 },
        { 28, BLE | MESH, 2 },
        { 32, WIFI | BLE | MESH, 2 },
    };
    uint16_t id = board()->chip->id;
    *out_info =
        (esp_chip_info_t){ .model = id ? (esp_chip_model_t)id : CHIP_ESP32, .revision = board()->revision, .cores = 1 };
    for (size_t i = 0; i < UD_ARRAY_LEN(chips); i++)
        if (chips[i].id == id) {
            out_info->features = chips[i].features;
            out_info->cores = chips[i].cores;
        }
}
