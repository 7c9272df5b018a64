/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP-IDF's structures and numbers as its applications were written against: order of members (positional initialisers
 * rely on it), offsets of what lies in flash, values of enumerators and codes. Judged by the compiler.
 */
#include <stddef.h>
#include <stdint.h>

#include "bootloader_common.h"
#include "esp_check.h"
#include "esp_https_ota.h"
#include "esp_image_format.h"
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "updraft/board.h"
#include "updraft/http.h"

#ifdef __cplusplus
#define HOLDS(what) static_assert(what, #what)
#else
#define HOLDS(what) _Static_assert(what, #what)
#endif
#define AT(type, member, offset) HOLDS(offsetof(type, member) == (offset))
#define IS(name, value)          HOLDS((long long)(name) == (long long)(value))
#define BEFORE(type, a, b)       HOLDS(offsetof(type, a) < offsetof(type, b))

/* ---- in flash --------------------------------------------------------------------------------------------------- */

AT(esp_image_header_t, magic, 0);
AT(esp_image_header_t, segment_count, 1);
AT(esp_image_header_t, spi_mode, 2);
AT(esp_image_header_t, entry_addr, 4);
AT(esp_image_header_t, wp_pin, 8);
AT(esp_image_header_t, spi_pin_drv, 9);
AT(esp_image_header_t, chip_id, 12);
AT(esp_image_header_t, min_chip_rev, 14);
AT(esp_image_header_t, min_chip_rev_full, 15);
AT(esp_image_header_t, max_chip_rev_full, 17);
AT(esp_image_header_t, reserved, 19);
AT(esp_image_header_t, hash_appended, 23);
HOLDS(sizeof(esp_image_segment_header_t) == 8);

AT(esp_app_desc_t, magic_word, 0);
AT(esp_app_desc_t, secure_version, 4);
AT(esp_app_desc_t, version, 16);
AT(esp_app_desc_t, project_name, 48);
AT(esp_app_desc_t, time, 80);
AT(esp_app_desc_t, date, 96);
AT(esp_app_desc_t, idf_ver, 112);
AT(esp_app_desc_t, app_elf_sha256, 144);
AT(esp_app_desc_t, min_efuse_blk_rev_full, 176);
AT(esp_app_desc_t, max_efuse_blk_rev_full, 178);
AT(esp_app_desc_t, mmu_page_size, 180);
AT(esp_app_desc_t, spi_flash_mode, 181);
AT(esp_app_desc_t, reserv2, 184);

AT(esp_bootloader_desc_t, secure_version, 3);
AT(esp_bootloader_desc_t, version, 4);
AT(esp_bootloader_desc_t, idf_ver, 8);
AT(esp_bootloader_desc_t, date_time, 40);

AT(esp_ota_select_entry_t, ota_seq, 0);
AT(esp_ota_select_entry_t, seq_label, 4);
AT(esp_ota_select_entry_t, ota_state, 24);
AT(esp_ota_select_entry_t, crc, 28);
AT(esp_partition_info_t, type, 2);
AT(esp_partition_info_t, subtype, 3);
AT(esp_partition_info_t, pos, 4);
AT(esp_partition_info_t, label, 12);
AT(esp_partition_info_t, flags, 28);
HOLDS(ESP_PARTITION_TABLE_MAX_ENTRIES == 96);

/* ---- in memory: the order of members ------------------------------------------------------------------------------ */

BEFORE(esp_partition_t, flash_chip, type);
BEFORE(esp_partition_t, type, subtype);
BEFORE(esp_partition_t, subtype, address);
BEFORE(esp_partition_t, address, size);
BEFORE(esp_partition_t, size, erase_size);
BEFORE(esp_partition_t, erase_size, label);
BEFORE(esp_partition_t, label, encrypted);
BEFORE(esp_partition_t, encrypted, readonly);
HOLDS(sizeof(((esp_partition_t *)0)->label) == 17);

BEFORE(esp_https_ota_config_t, http_config, http_client_init_cb);
BEFORE(esp_https_ota_config_t, http_client_init_cb, bulk_flash_erase);
BEFORE(esp_https_ota_config_t, bulk_flash_erase, partial_http_download);
BEFORE(esp_https_ota_config_t, partial_http_download, max_http_request_size);
BEFORE(esp_https_ota_config_t, max_http_request_size, buffer_caps);
BEFORE(esp_https_ota_config_t, buffer_caps, ota_resumption);
BEFORE(esp_https_ota_config_t, ota_resumption, ota_image_bytes_written);
BEFORE(esp_https_ota_config_t, ota_image_bytes_written, decrypt_cb);
BEFORE(esp_https_ota_config_t, decrypt_cb, decrypt_user_ctx);
BEFORE(esp_https_ota_config_t, decrypt_user_ctx, enc_img_header_size);
BEFORE(esp_https_ota_config_t, enc_img_header_size, partition);
BEFORE(esp_https_ota_config_t, partition.staging, partition.final);
BEFORE(esp_https_ota_config_t, partition.final, partition.finalize_with_copy);

#define HTTP_CONFIG(a, b) BEFORE(esp_http_client_config_t, a, b)
HTTP_CONFIG(url, host);
HTTP_CONFIG(host, port);
HTTP_CONFIG(port, username);
HTTP_CONFIG(username, password);
HTTP_CONFIG(password, auth_type);
HTTP_CONFIG(auth_type, path);
HTTP_CONFIG(path, query);
HTTP_CONFIG(query, cert_pem);
AT(esp_http_client_config_t, cert_der, offsetof(esp_http_client_config_t, cert_pem));
HTTP_CONFIG(cert_pem, cert_len);
HTTP_CONFIG(cert_len, client_cert_pem);
AT(esp_http_client_config_t, client_cert_der, offsetof(esp_http_client_config_t, client_cert_pem));
HTTP_CONFIG(client_cert_pem, client_cert_len);
HTTP_CONFIG(client_cert_len, client_key_pem);
HTTP_CONFIG(client_key_pem, client_key_len);
HTTP_CONFIG(client_key_len, client_key);
HTTP_CONFIG(client_key, client_key_password);
HTTP_CONFIG(client_key_password, client_key_password_len);
HTTP_CONFIG(client_key_password_len, tls_version);
HTTP_CONFIG(tls_version, use_ecdsa_peripheral);
HTTP_CONFIG(use_ecdsa_peripheral, ecdsa_key_efuse_blk);
HTTP_CONFIG(ecdsa_key_efuse_blk, ecdsa_key_efuse_blk_high);
HTTP_CONFIG(ecdsa_key_efuse_blk_high, ecdsa_curve);
HTTP_CONFIG(ecdsa_curve, user_agent);
HTTP_CONFIG(user_agent, method);
HTTP_CONFIG(method, timeout_ms);
HTTP_CONFIG(timeout_ms, disable_auto_redirect);
HTTP_CONFIG(disable_auto_redirect, max_redirection_count);
HTTP_CONFIG(max_redirection_count, max_authorization_retries);
HTTP_CONFIG(max_authorization_retries, event_handler);
HTTP_CONFIG(event_handler, transport_type);
HTTP_CONFIG(transport_type, buffer_size);
HTTP_CONFIG(buffer_size, buffer_size_tx);
HTTP_CONFIG(buffer_size_tx, user_data);
HTTP_CONFIG(user_data, is_async);
HTTP_CONFIG(is_async, use_global_ca_store);
HTTP_CONFIG(use_global_ca_store, skip_cert_common_name_check);
HTTP_CONFIG(skip_cert_common_name_check, common_name);
HTTP_CONFIG(common_name, crt_bundle_attach);
HTTP_CONFIG(crt_bundle_attach, keep_alive_enable);
HTTP_CONFIG(keep_alive_enable, keep_alive_idle);
HTTP_CONFIG(keep_alive_idle, keep_alive_interval);
HTTP_CONFIG(keep_alive_interval, keep_alive_count);
HTTP_CONFIG(keep_alive_count, if_name);
HTTP_CONFIG(if_name, alpn_protos);
HTTP_CONFIG(alpn_protos, ds_data);
HTTP_CONFIG(ds_data, save_client_session);
HTTP_CONFIG(save_client_session, transport);
HTTP_CONFIG(transport, addr_type);
HTTP_CONFIG(addr_type, tls_dyn_buf_strategy);

BEFORE(esp_http_client_event_t, event_id, client);
BEFORE(esp_http_client_event_t, client, data);
BEFORE(esp_http_client_event_t, data, data_len);
BEFORE(esp_http_client_event_t, data_len, user_data);
BEFORE(esp_http_client_event_t, user_data, header_key);
BEFORE(esp_http_client_event_t, header_key, header_value);

/* ---- numbers ------------------------------------------------------------------------------------------------------ */

IS(ESP_HTTPS_OTA_START, 0);
IS(ESP_HTTPS_OTA_CONNECTED, 1);
IS(ESP_HTTPS_OTA_GET_IMG_DESC, 2);
IS(ESP_HTTPS_OTA_VERIFY_CHIP_ID, 3);
IS(ESP_HTTPS_OTA_VERIFY_CHIP_REVISION, 4);
IS(ESP_HTTPS_OTA_DECRYPT_CB, 5);
IS(ESP_HTTPS_OTA_WRITE_FLASH, 6);
IS(ESP_HTTPS_OTA_UPDATE_BOOT_PARTITION, 7);
IS(ESP_HTTPS_OTA_FINISH, 8);
IS(ESP_HTTPS_OTA_ABORT, 9);
IS(ESP_ERR_HTTPS_OTA_BASE, 0x9000);
IS(ESP_ERR_HTTPS_OTA_IN_PROGRESS, 0x9001);

IS(HTTP_EVENT_ERROR, 0);
IS(HTTP_EVENT_ON_CONNECTED, 1);
IS(HTTP_EVENT_HEADERS_SENT, 2);
IS(HTTP_EVENT_HEADER_SENT, 2);
IS(HTTP_EVENT_ON_HEADER, 3);
IS(HTTP_EVENT_ON_HEADERS_COMPLETE, 4);
IS(HTTP_EVENT_ON_STATUS_CODE, 5);
IS(HTTP_EVENT_ON_DATA, 6);
IS(HTTP_EVENT_ON_FINISH, 7);
IS(HTTP_EVENT_DISCONNECTED, 8);
IS(HTTP_EVENT_REDIRECT, 9);
IS(HTTP_METHOD_REPORT, 17);
IS(HTTP_METHOD_MAX, 18);
IS(HTTP_STATE_RES_ON_DATA_START, 7);
IS(HTTP_STATE_CLOSE, 9);
IS(HTTP_AUTH_TYPE_DIGEST, 2);
IS(HTTP_TRANSPORT_OVER_SSL, 2);
IS(ESP_HTTP_CLIENT_TLS_VER_MAX, 3);
IS(HttpStatus_RangeNotSatisfiable, 416);
IS(ESP_ERR_HTTP_MAX_REDIRECT, 0x7001);
IS(ESP_ERR_HTTP_CONNECT, 0x7002);
IS(ESP_ERR_HTTP_WRITE_DATA, 0x7003);
IS(ESP_ERR_HTTP_FETCH_HEADER, 0x7004);
IS(ESP_ERR_HTTP_INVALID_TRANSPORT, 0x7005);
IS(ESP_ERR_HTTP_CONNECTING, 0x7006);
IS(ESP_ERR_HTTP_EAGAIN, 0x7007);
IS(ESP_ERR_HTTP_CONNECTION_CLOSED, 0x7008);
IS(ESP_ERR_HTTP_NOT_MODIFIED, 0x7009);
IS(ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE, 0x700A);
IS(ESP_ERR_HTTP_READ_TIMEOUT, 0x700B);
IS(ESP_ERR_HTTP_INCOMPLETE_DATA, 0x700C);
IS(ESP_ERR_HTTP_REDIRECT_DOWNGRADE, 0x700D);
IS(ESP_ERR_HTTP_HEADER_TOO_LONG, 0x700E);

IS(ESP_OTA_IMG_NEW, 0);
IS(ESP_OTA_IMG_PENDING_VERIFY, 1);
IS(ESP_OTA_IMG_VALID, 2);
IS(ESP_OTA_IMG_INVALID, 3);
IS(ESP_OTA_IMG_ABORTED, 4);
HOLDS((uint32_t)ESP_OTA_IMG_UNDEFINED == 0xFFFFFFFFu);
IS(OTA_SIZE_UNKNOWN, 0xFFFFFFFF);
IS(OTA_WITH_SEQUENTIAL_WRITES, 0xFFFFFFFE);
IS(ESP_ERR_OTA_PARTITION_CONFLICT, 0x1501);
IS(ESP_ERR_OTA_VALIDATE_FAILED, 0x1503);
IS(ESP_ERR_OTA_ROLLBACK_INVALID_STATE, 0x1506);
IS(ESP_ERR_OTA_ALREADY_IN_PROGRESS, 0x1507);
IS(ESP_ERR_OTA_SPI_MODE_MISMATCH, 0x1508);
IS(ESP_IMAGE_BOOTLOADER, 0);
IS(ESP_IMAGE_APPLICATION, 1);
IS(ESP_LOG_NONE, 0);
IS(ESP_LOG_VERBOSE, 5);

/* What the cores call it and what the application calls it are one number: faces cast. */
IS(UD_RESET_POWERON, ESP_RST_POWERON);
IS(UD_RESET_SW, ESP_RST_SW);
IS(UD_RESET_PANIC, ESP_RST_PANIC);
IS(UD_RESET_WDT, ESP_RST_WDT);
IS(UD_HTTP_REPORT, HTTP_METHOD_REPORT);
IS(UD_HTTP_METHOD_MAX, HTTP_METHOD_MAX);
IS(UD_HTTP_EVENT_REDIRECT, HTTP_EVENT_REDIRECT);
IS(UD_HTTP_INIT, HTTP_STATE_INIT);
IS(UD_HTTP_CONNECTED, HTTP_STATE_CONNECTED);
IS(UD_HTTP_SENT, HTTP_STATE_REQ_COMPLETE_HEADER);
IS(UD_HTTP_HEAD_RECEIVED, HTTP_STATE_RES_ON_DATA_START);

int main(void)
{
    return 0;
}
