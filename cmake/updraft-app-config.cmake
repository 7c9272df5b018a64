# SPDX-License-Identifier: Apache-2.0
# What of a firmware's options reaches the library, as data: the members of struct ud_app_config, and the option behind
# each. An option that is not set (n, or of a component that the project replaced) is false or 0.

# Write `file`, the C source of struct ud_app_config. The options are variables of the caller, <prefix><OPTION>: of a
# bool y or 1 is true, all else false; the others are numbers.
function(ud_write_app_config file prefix)
  set(members "")
  foreach(row
      "app_rollback bool BOOTLOADER_APP_ROLLBACK_ENABLE"
      "app_anti_rollback bool BOOTLOADER_APP_ANTI_ROLLBACK"
      "secure_version int BOOTLOADER_APP_SECURE_VERSION"
      "https_ota_allow_http bool ESP_HTTPS_OTA_ALLOW_HTTP"
      "https_ota_post_timeout_ms int ESP_HTTPS_OTA_EVENT_POST_TIMEOUT"
      "https_ota_verify_spi_mode bool ESP_HTTPS_OTA_VERIFY_SPI_MODE"
      "http_client_post_timeout_ms int ESP_HTTP_CLIENT_EVENT_POST_TIMEOUT"
      "http_client_basic_auth bool ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH"
      "http_client_digest_auth bool ESP_HTTP_CLIENT_ENABLE_DIGEST_AUTH"
      "err_to_name_lookup bool ESP_ERR_TO_NAME_LOOKUP"
      "partition_table_md5 bool PARTITION_TABLE_MD5"
      "log_default_level int LOG_DEFAULT_LEVEL"
      "log_colors bool LOG_COLORS"
      "freertos_hz int FREERTOS_HZ"
      "event_queue_size int ESP_SYSTEM_EVENT_QUEUE_SIZE"
      "main_task_stack int ESP_MAIN_TASK_STACK_SIZE"
      "nvs_legacy_dup_keys bool NVS_LEGACY_DUP_KEYS_COMPATIBILITY"
      "https_ota_decrypt_cb bool ESP_HTTPS_OTA_DECRYPT_CB")
    string(REPLACE " " ";" row "${row}")
    list(GET row 0 member)
    list(GET row 1 type)
    list(GET row 2 option)
    set(value "${${prefix}${option}}")
    if(type STREQUAL bool AND value MATCHES "^[y1]$")
      set(value true)
    elseif(type STREQUAL bool)
      set(value false)
    elseif(value STREQUAL "")
      set(value 0)
    endif()
    string(APPEND members "    .${member} = ${value},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT
"/* The options of this firmware as data, for the library, which is compiled without sdkconfig.h; generated. */
#include \"updraft/idf.h\"

extern const struct ud_app_config ud_firmware_config;
const struct ud_app_config ud_firmware_config = {
@members@};
")
endfunction()
