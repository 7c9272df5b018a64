/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Error codes of the whole house: `esp_err_t` and every code of ESP-IDF that the update stack knows.
 *
 * One list, UD_ERR_LIST, is the source of the constants here and of the names in base/err.c. The values are
 * ESP-IDF's (esp_err.h, esp_ota_ops.h, esp_image_format.h, esp_http_client.h, esp_tls_errors.h, esp_https_ota.h,
 * nvs.h). Freestanding; included by C and C++.
 */
#ifndef UPDRAFT_ERR_H
#define UPDRAFT_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

typedef int esp_err_t;

/* clang-format off */
#define UD_ERR_LIST(X) \
    X(ESP_OK, 0) \
    X(ESP_FAIL, -1) \
    X(ESP_ERR_NO_MEM, 0x101) \
    X(ESP_ERR_INVALID_ARG, 0x102) \
    X(ESP_ERR_INVALID_STATE, 0x103) \
    X(ESP_ERR_INVALID_SIZE, 0x104) \
    X(ESP_ERR_NOT_FOUND, 0x105) \
    X(ESP_ERR_NOT_SUPPORTED, 0x106) \
    X(ESP_ERR_TIMEOUT, 0x107) \
    X(ESP_ERR_INVALID_RESPONSE, 0x108) \
    X(ESP_ERR_INVALID_CRC, 0x109) \
    X(ESP_ERR_INVALID_VERSION, 0x10A) \
    X(ESP_ERR_INVALID_MAC, 0x10B) \
    X(ESP_ERR_NOT_FINISHED, 0x10C) \
    X(ESP_ERR_NOT_ALLOWED, 0x10D) \
    X(ESP_ERR_NVS_BASE, 0x1100) \
    X(ESP_ERR_NVS_NOT_INITIALIZED, 0x1101) \
    X(ESP_ERR_NVS_NOT_FOUND, 0x1102) \
    X(ESP_ERR_NVS_TYPE_MISMATCH, 0x1103) \
    X(ESP_ERR_NVS_READ_ONLY, 0x1104) \
    X(ESP_ERR_NVS_NOT_ENOUGH_SPACE, 0x1105) \
    X(ESP_ERR_NVS_INVALID_NAME, 0x1106) \
    X(ESP_ERR_NVS_INVALID_HANDLE, 0x1107) \
    X(ESP_ERR_NVS_REMOVE_FAILED, 0x1108) \
    X(ESP_ERR_NVS_KEY_TOO_LONG, 0x1109) \
    X(ESP_ERR_NVS_PAGE_FULL, 0x110A) \
    X(ESP_ERR_NVS_INVALID_STATE, 0x110B) \
    X(ESP_ERR_NVS_INVALID_LENGTH, 0x110C) \
    X(ESP_ERR_NVS_NO_FREE_PAGES, 0x110D) \
    X(ESP_ERR_NVS_VALUE_TOO_LONG, 0x110E) \
    X(ESP_ERR_NVS_PART_NOT_FOUND, 0x110F) \
    X(ESP_ERR_NVS_NEW_VERSION_FOUND, 0x1110) \
    X(ESP_ERR_NVS_XTS_ENCR_FAILED, 0x1111) \
    X(ESP_ERR_NVS_XTS_DECR_FAILED, 0x1112) \
    X(ESP_ERR_NVS_XTS_CFG_FAILED, 0x1113) \
    X(ESP_ERR_NVS_XTS_CFG_NOT_FOUND, 0x1114) \
    X(ESP_ERR_NVS_ENCR_NOT_SUPPORTED, 0x1115) \
    X(ESP_ERR_NVS_KEYS_NOT_INITIALIZED, 0x1116) \
    X(ESP_ERR_NVS_CORRUPT_KEY_PART, 0x1117) \
    X(ESP_ERR_NVS_CONTENT_DIFFERS, 0x1118) \
    X(ESP_ERR_NVS_WRONG_ENCRYPTION, 0x1119) \
    X(ESP_ERR_OTA_BASE, 0x1500) \
    X(ESP_ERR_OTA_PARTITION_CONFLICT, 0x1501) \
    X(ESP_ERR_OTA_SELECT_INFO_INVALID, 0x1502) \
    X(ESP_ERR_OTA_VALIDATE_FAILED, 0x1503) \
    X(ESP_ERR_OTA_SMALL_SEC_VER, 0x1504) \
    X(ESP_ERR_OTA_ROLLBACK_FAILED, 0x1505) \
    X(ESP_ERR_OTA_ROLLBACK_INVALID_STATE, 0x1506) \
    X(ESP_ERR_OTA_ALREADY_IN_PROGRESS, 0x1507) \
    X(ESP_ERR_OTA_SPI_MODE_MISMATCH, 0x1508) \
    X(ESP_ERR_EFUSE, 0x1600) \
    X(ESP_ERR_EFUSE_CNT_IS_FULL, 0x1602) \
    X(ESP_ERR_EFUSE_REPEATED_PROG, 0x1603) \
    X(ESP_ERR_IMAGE_BASE, 0x2000) \
    X(ESP_ERR_IMAGE_FLASH_FAIL, 0x2001) \
    X(ESP_ERR_IMAGE_INVALID, 0x2002) \
    X(ESP_ERR_WIFI_BASE, 0x3000) \
    X(ESP_ERR_WIFI_NOT_INIT, 0x3001) \
    X(ESP_ERR_WIFI_NOT_STARTED, 0x3002) \
    X(ESP_ERR_WIFI_NOT_STOPPED, 0x3003) \
    X(ESP_ERR_WIFI_IF, 0x3004) \
    X(ESP_ERR_WIFI_MODE, 0x3005) \
    X(ESP_ERR_WIFI_STATE, 0x3006) \
    X(ESP_ERR_WIFI_CONN, 0x3007) \
    X(ESP_ERR_WIFI_NVS, 0x3008) \
    X(ESP_ERR_WIFI_MAC, 0x3009) \
    X(ESP_ERR_WIFI_SSID, 0x300A) \
    X(ESP_ERR_WIFI_PASSWORD, 0x300B) \
    X(ESP_ERR_WIFI_TIMEOUT, 0x300C) \
    X(ESP_ERR_WIFI_NOT_CONNECT, 0x300F) \
    X(ESP_ERR_MESH_BASE, 0x4000) \
    X(ESP_ERR_ESP_NETIF_INVALID_PARAMS, 0x5001) \
    X(ESP_ERR_ESP_NETIF_IF_NOT_READY, 0x5002) \
    X(ESP_ERR_ESP_NETIF_DHCPC_START_FAILED, 0x5003) \
    X(ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED, 0x5004) \
    X(ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED, 0x5005) \
    X(ESP_ERR_ESP_NETIF_NO_MEM, 0x5006) \
    X(ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED, 0x5007) \
    X(ESP_ERR_FLASH_BASE, 0x6000) \
    X(ESP_ERR_FLASH_OP_FAIL, 0x6001) \
    X(ESP_ERR_FLASH_OP_TIMEOUT, 0x6002) \
    X(ESP_ERR_FLASH_NOT_INITIALISED, 0x6003) \
    X(ESP_ERR_FLASH_UNSUPPORTED_HOST, 0x6004) \
    X(ESP_ERR_FLASH_UNSUPPORTED_CHIP, 0x6005) \
    X(ESP_ERR_FLASH_PROTECTED, 0x6006) \
    X(ESP_ERR_HTTP_BASE, 0x7000) \
    X(ESP_ERR_HTTP_MAX_REDIRECT, 0x7001) \
    X(ESP_ERR_HTTP_CONNECT, 0x7002) \
    X(ESP_ERR_HTTP_WRITE_DATA, 0x7003) \
    X(ESP_ERR_HTTP_FETCH_HEADER, 0x7004) \
    X(ESP_ERR_HTTP_INVALID_TRANSPORT, 0x7005) \
    X(ESP_ERR_HTTP_CONNECTING, 0x7006) \
    X(ESP_ERR_HTTP_EAGAIN, 0x7007) \
    X(ESP_ERR_HTTP_CONNECTION_CLOSED, 0x7008) \
    X(ESP_ERR_HTTP_NOT_MODIFIED, 0x7009) \
    X(ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE, 0x700A) \
    X(ESP_ERR_HTTP_READ_TIMEOUT, 0x700B) \
    X(ESP_ERR_HTTP_INCOMPLETE_DATA, 0x700C) \
    X(ESP_ERR_HTTP_REDIRECT_DOWNGRADE, 0x700D) \
    X(ESP_ERR_HTTP_HEADER_TOO_LONG, 0x700E) \
    X(ESP_ERR_ESP_TLS_BASE, 0x8000) \
    X(ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME, 0x8001) \
    X(ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET, 0x8002) \
    X(ESP_ERR_ESP_TLS_UNSUPPORTED_PROTOCOL_FAMILY, 0x8003) \
    X(ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST, 0x8004) \
    X(ESP_ERR_ESP_TLS_SOCKET_SETOPT_FAILED, 0x8005) \
    X(ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT, 0x8006) \
    X(ESP_ERR_ESP_TLS_SE_FAILED, 0x8007) \
    X(ESP_ERR_ESP_TLS_TCP_CLOSED_FIN, 0x8008) \
    X(ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT, 0x8009) \
    X(ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED, 0x801A) \
    X(ESP_ERR_HTTPS_OTA_BASE, 0x9000) \
    X(ESP_ERR_HTTPS_OTA_IN_PROGRESS, 0x9001) \
    X(ESP_ERR_HW_CRYPTO_BASE, 0xC000) \
    X(ESP_ERR_MEMPROT_BASE, 0xD000) \
    X(ESP_ERR_TCP_TRANSPORT_BASE, 0xE000) \
    X(ESP_ERR_TCP_TRANSPORT_CONNECTION_TIMEOUT, 0xE001) \
    X(ESP_ERR_TCP_TRANSPORT_CONNECTION_CLOSED_BY_FIN, 0xE002) \
    X(ESP_ERR_TCP_TRANSPORT_CONNECTION_FAILED, 0xE003) \
    X(ESP_ERR_TCP_TRANSPORT_NO_MEM, 0xE004)
/* clang-format on */

/* Macros, not an enum: applications test them with `#if` and `#ifdef`. They repeat the list above; base's
 * unit test holds the two together. */
#define ESP_OK                                         0
#define ESP_FAIL                                       (-1)
#define ESP_ERR_NO_MEM                                 0x101
#define ESP_ERR_INVALID_ARG                            0x102
#define ESP_ERR_INVALID_STATE                          0x103
#define ESP_ERR_INVALID_SIZE                           0x104
#define ESP_ERR_NOT_FOUND                              0x105
#define ESP_ERR_NOT_SUPPORTED                          0x106
#define ESP_ERR_TIMEOUT                                0x107
#define ESP_ERR_INVALID_RESPONSE                       0x108
#define ESP_ERR_INVALID_CRC                            0x109
#define ESP_ERR_INVALID_VERSION                        0x10A
#define ESP_ERR_INVALID_MAC                            0x10B
#define ESP_ERR_NOT_FINISHED                           0x10C
#define ESP_ERR_NOT_ALLOWED                            0x10D
#define ESP_ERR_NVS_BASE                               0x1100
#define ESP_ERR_NVS_NOT_INITIALIZED                    0x1101
#define ESP_ERR_NVS_NOT_FOUND                          0x1102
#define ESP_ERR_NVS_TYPE_MISMATCH                      0x1103
#define ESP_ERR_NVS_READ_ONLY                          0x1104
#define ESP_ERR_NVS_NOT_ENOUGH_SPACE                   0x1105
#define ESP_ERR_NVS_INVALID_NAME                       0x1106
#define ESP_ERR_NVS_INVALID_HANDLE                     0x1107
#define ESP_ERR_NVS_REMOVE_FAILED                      0x1108
#define ESP_ERR_NVS_KEY_TOO_LONG                       0x1109
#define ESP_ERR_NVS_PAGE_FULL                          0x110A
#define ESP_ERR_NVS_INVALID_STATE                      0x110B
#define ESP_ERR_NVS_INVALID_LENGTH                     0x110C
#define ESP_ERR_NVS_NO_FREE_PAGES                      0x110D
#define ESP_ERR_NVS_VALUE_TOO_LONG                     0x110E
#define ESP_ERR_NVS_PART_NOT_FOUND                     0x110F
#define ESP_ERR_NVS_NEW_VERSION_FOUND                  0x1110
#define ESP_ERR_NVS_XTS_ENCR_FAILED                    0x1111
#define ESP_ERR_NVS_XTS_DECR_FAILED                    0x1112
#define ESP_ERR_NVS_XTS_CFG_FAILED                     0x1113
#define ESP_ERR_NVS_XTS_CFG_NOT_FOUND                  0x1114
#define ESP_ERR_NVS_ENCR_NOT_SUPPORTED                 0x1115
#define ESP_ERR_NVS_KEYS_NOT_INITIALIZED               0x1116
#define ESP_ERR_NVS_CORRUPT_KEY_PART                   0x1117
#define ESP_ERR_NVS_CONTENT_DIFFERS                    0x1118
#define ESP_ERR_NVS_WRONG_ENCRYPTION                   0x1119
#define ESP_ERR_OTA_BASE                               0x1500
#define ESP_ERR_OTA_PARTITION_CONFLICT                 0x1501
#define ESP_ERR_OTA_SELECT_INFO_INVALID                0x1502
#define ESP_ERR_OTA_VALIDATE_FAILED                    0x1503
#define ESP_ERR_OTA_SMALL_SEC_VER                      0x1504
#define ESP_ERR_OTA_ROLLBACK_FAILED                    0x1505
#define ESP_ERR_OTA_ROLLBACK_INVALID_STATE             0x1506
#define ESP_ERR_OTA_ALREADY_IN_PROGRESS                0x1507
#define ESP_ERR_OTA_SPI_MODE_MISMATCH                  0x1508
#define ESP_ERR_EFUSE                                  0x1600
#define ESP_ERR_EFUSE_CNT_IS_FULL                      0x1602
#define ESP_ERR_EFUSE_REPEATED_PROG                    0x1603
#define ESP_ERR_IMAGE_BASE                             0x2000
#define ESP_ERR_IMAGE_FLASH_FAIL                       0x2001
#define ESP_ERR_IMAGE_INVALID                          0x2002
#define ESP_ERR_WIFI_BASE                              0x3000
#define ESP_ERR_WIFI_NOT_INIT                          0x3001
#define ESP_ERR_WIFI_NOT_STARTED                       0x3002
#define ESP_ERR_WIFI_NOT_STOPPED                       0x3003
#define ESP_ERR_WIFI_IF                                0x3004
#define ESP_ERR_WIFI_MODE                              0x3005
#define ESP_ERR_WIFI_STATE                             0x3006
#define ESP_ERR_WIFI_CONN                              0x3007
#define ESP_ERR_WIFI_NVS                               0x3008
#define ESP_ERR_WIFI_MAC                               0x3009
#define ESP_ERR_WIFI_SSID                              0x300A
#define ESP_ERR_WIFI_PASSWORD                          0x300B
#define ESP_ERR_WIFI_TIMEOUT                           0x300C
#define ESP_ERR_WIFI_NOT_CONNECT                       0x300F
#define ESP_ERR_MESH_BASE                              0x4000
#define ESP_ERR_ESP_NETIF_INVALID_PARAMS               0x5001
#define ESP_ERR_ESP_NETIF_IF_NOT_READY                 0x5002
#define ESP_ERR_ESP_NETIF_DHCPC_START_FAILED           0x5003
#define ESP_ERR_ESP_NETIF_DHCP_ALREADY_STARTED         0x5004
#define ESP_ERR_ESP_NETIF_DHCP_ALREADY_STOPPED         0x5005
#define ESP_ERR_ESP_NETIF_NO_MEM                       0x5006
#define ESP_ERR_ESP_NETIF_DHCP_NOT_STOPPED             0x5007
#define ESP_ERR_FLASH_BASE                             0x6000
#define ESP_ERR_FLASH_OP_FAIL                          0x6001
#define ESP_ERR_FLASH_OP_TIMEOUT                       0x6002
#define ESP_ERR_FLASH_NOT_INITIALISED                  0x6003
#define ESP_ERR_FLASH_UNSUPPORTED_HOST                 0x6004
#define ESP_ERR_FLASH_UNSUPPORTED_CHIP                 0x6005
#define ESP_ERR_FLASH_PROTECTED                        0x6006
#define ESP_ERR_HTTP_BASE                              0x7000
#define ESP_ERR_HTTP_MAX_REDIRECT                      0x7001
#define ESP_ERR_HTTP_CONNECT                           0x7002
#define ESP_ERR_HTTP_WRITE_DATA                        0x7003
#define ESP_ERR_HTTP_FETCH_HEADER                      0x7004
#define ESP_ERR_HTTP_INVALID_TRANSPORT                 0x7005
#define ESP_ERR_HTTP_CONNECTING                        0x7006
#define ESP_ERR_HTTP_EAGAIN                            0x7007
#define ESP_ERR_HTTP_CONNECTION_CLOSED                 0x7008
#define ESP_ERR_HTTP_NOT_MODIFIED                      0x7009
#define ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE             0x700A
#define ESP_ERR_HTTP_READ_TIMEOUT                      0x700B
#define ESP_ERR_HTTP_INCOMPLETE_DATA                   0x700C
#define ESP_ERR_HTTP_REDIRECT_DOWNGRADE                0x700D
#define ESP_ERR_HTTP_HEADER_TOO_LONG                   0x700E
#define ESP_ERR_ESP_TLS_BASE                           0x8000
#define ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME        0x8001
#define ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET           0x8002
#define ESP_ERR_ESP_TLS_UNSUPPORTED_PROTOCOL_FAMILY    0x8003
#define ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST         0x8004
#define ESP_ERR_ESP_TLS_SOCKET_SETOPT_FAILED           0x8005
#define ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT             0x8006
#define ESP_ERR_ESP_TLS_SE_FAILED                      0x8007
#define ESP_ERR_ESP_TLS_TCP_CLOSED_FIN                 0x8008
#define ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT       0x8009
#define ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED           0x801A
#define ESP_ERR_HTTPS_OTA_BASE                         0x9000
#define ESP_ERR_HTTPS_OTA_IN_PROGRESS                  0x9001
#define ESP_ERR_HW_CRYPTO_BASE                         0xC000
#define ESP_ERR_MEMPROT_BASE                           0xD000
#define ESP_ERR_TCP_TRANSPORT_BASE                     0xE000
#define ESP_ERR_TCP_TRANSPORT_CONNECTION_TIMEOUT       0xE001
#define ESP_ERR_TCP_TRANSPORT_CONNECTION_CLOSED_BY_FIN 0xE002
#define ESP_ERR_TCP_TRANSPORT_CONNECTION_FAILED        0xE003
#define ESP_ERR_TCP_TRANSPORT_NO_MEM                   0xE004

/**
 * Name of a code: its macro as text, "ERROR" for one that is not in UD_ERR_LIST (as ESP-IDF's esp_err_to_name).
 * Static storage; never NULL; callable from any thread.
 */
const char *ud_err_name(esp_err_t code);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_ERR_H */
