/* SPDX-License-Identifier: Apache-2.0 */
/**
 * MAC addresses: ESP-IDF's esp_mac.h. The factory's address is the board's own (02:…, from where its files lie); the
 * others follow in the last byte: station + 0, access point + 1, Bluetooth + 2, Ethernet + 3. Boards have no custom
 * address in their eFuses.
 */
#ifndef ESP_MAC_H
#define ESP_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_MAC_WIFI_STA = 0,
    ESP_MAC_WIFI_SOFTAP = 1,
    ESP_MAC_BT = 2,
    ESP_MAC_ETH = 3,
    ESP_MAC_IEEE802154 = 4,
    ESP_MAC_BASE = 5,
    ESP_MAC_EFUSE_FACTORY = 6,
    ESP_MAC_EFUSE_CUSTOM = 7,
    ESP_MAC_EFUSE_EXT = 8,
} esp_mac_type_t;

#define MACSTR     "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC2STR(a) (a)[0], (a)[1], (a)[2], (a)[3], (a)[4], (a)[5]

/** ESP_ERR_INVALID_ARG: NULL; ESP_ERR_NOT_SUPPORTED: not an address of this chip; as get_custom for EFUSE_CUSTOM. */
esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type);
esp_err_t esp_efuse_mac_get_default(uint8_t *mac);
/** ESP_ERR_INVALID_MAC; on an ESP32 ESP_ERR_INVALID_VERSION. */
esp_err_t esp_efuse_mac_get_custom(uint8_t *mac);
/** The base that others follow from, until the next reset. ESP_ERR_INVALID_ARG: NULL, or an address of a group. */
esp_err_t esp_base_mac_addr_set(const uint8_t *mac);
esp_err_t esp_base_mac_addr_get(uint8_t *mac);
/** One address by itself. ESP_ERR_INVALID_ARG: NULL, of a group, or one of the eFuses. */
esp_err_t esp_iface_mac_addr_set(const uint8_t *mac, esp_mac_type_t type);
/** The local form of a universal address. */
esp_err_t esp_derive_local_mac(uint8_t *local_mac, const uint8_t *universal_mac);
/** Bytes: 6; 8 for IEEE802154, 2 for EFUSE_EXT, 0 for what is unknown. */
size_t esp_mac_addr_len_get(esp_mac_type_t type);

#ifdef __cplusplus
}
#endif
#endif /* ESP_MAC_H */
