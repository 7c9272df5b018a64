# SPDX-License-Identifier: Apache-2.0
# Firmware for virtual boards: an ESP-IDF style application becomes a host image.
#
#   updraft_add_firmware(blink VERSION 1.0.0 SOURCES main.c
#     CONFIG BOOTLOADER_APP_ROLLBACK_ENABLE=y LOG_DEFAULT_LEVEL=4   # sdkconfig options without CONFIG_; ESP-IDF's defaults
#     CHIP esp32c3                                                  # what the board says it is (default esp32c3)
#     TABLE partitions.csv                                          # or a built-in one (default two_ota_large)
#     PROJECT blink                                                 # name in the image (default: the target's)
#     EMBED_TXTFILES ca_cert.pem)                                   # _binary_ca_cert_pem_start, _end; one NUL appended
#
# Makes <build>/blink.bin and blink.elf (for the debugger); in <build>/blink/: sdkconfig.h, and app_config.c, the same as
# data.
# The target `blink` is built by default and has the properties UPDRAFT_BIN, UPDRAFT_ELF and UPDRAFT_TABLE; compile
# options go to the target `blink.elf`. With the installed package, -DUPDRAFT_SANITIZE=ON builds firmware (not the library)
# with AddressSanitizer and UndefinedBehaviorSanitizer, as Updraft's own development build does. An image larger than the table's smallest OTA slot stops the build.

cmake_policy(VERSION 3.25) # of the functions below, whoever calls them
set(UD_FIRMWARE_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

include(${CMAKE_CURRENT_LIST_DIR}/updraft-app-config.cmake)

# The tables, in the scope of the caller: a project that adds this one as a subdirectory sees its functions, not its
# variables.
macro(ud_sdkconfig_tables)
  # ESP-IDF's options that the stack, its examples or its components read: name, type, default. A bool that is n has no
  # line in sdkconfig.h.
  set(UD_SDKCONFIG_OPTIONS
    "APP_COMPILE_TIME_DATE bool y"
    "APP_PROJECT_VER_FROM_CONFIG bool n"
    "APP_RETRIEVE_LEN_ELF_SHA int 9"
    "BOOTLOADER_APP_ANTI_ROLLBACK bool n"
    "BOOTLOADER_APP_ROLLBACK_ENABLE bool n"
    "BOOTLOADER_APP_SECURE_VERSION int 0"
    "BOOTLOADER_RECOVERY_ENABLE bool n"
    "BOOTLOADER_WDT_ENABLE bool y"
    "BOOTLOADER_WDT_TIME_MS int 9000"
    "COMPILER_OPTIMIZATION_DEBUG bool y"
    "ESPTOOLPY_FLASHMODE string dio"
    "ESPTOOLPY_FLASHSIZE string 4MB"
    "ESP_ERR_TO_NAME_LOOKUP bool y"
    "ESP_HTTPS_OTA_ALLOW_HTTP bool n"
    "ESP_HTTPS_OTA_DECRYPT_CB bool n"
    "ESP_HTTPS_OTA_EVENT_POST_TIMEOUT int 2000"
    "ESP_HTTPS_OTA_VERIFY_SPI_MODE bool n"
    "ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH bool n"
    "ESP_HTTP_CLIENT_ENABLE_DIGEST_AUTH bool n"
    "ESP_HTTP_CLIENT_ENABLE_HTTPS bool y"
    "ESP_HTTP_CLIENT_EVENT_POST_TIMEOUT int 2000"
    "ESP_MAIN_TASK_STACK_SIZE int 3584"
    "ESP_SYSTEM_EVENT_QUEUE_SIZE int 32"
    "FREERTOS_HZ int 100"
    "LOG_COLORS bool y"
    "LOG_DEFAULT_LEVEL int 3"
    "MBEDTLS_CERTIFICATE_BUNDLE bool y"
    "MBEDTLS_SSL_IN_CONTENT_LEN int 16384"
    "PARTITION_TABLE_MD5 bool y"
    "PARTITION_TABLE_OFFSET hex 0x8000"
    "SECURE_BOOT bool n"
    "SECURE_FLASH_ENC_ENABLED bool n"
    "SECURE_SIGNED_APPS_NO_SECURE_BOOT bool n"
    "SECURE_SIGNED_ON_UPDATE_NO_SECURE_BOOT bool n")

  # Name, chip id, offset of the boot loader, cores.
  set(UD_SDKCONFIG_CHIPS
    "esp32 0x0000 0x1000 2" "esp32s2 0x0002 0x1000 1" "esp32c3 0x0005 0x0 1" "esp32s3 0x0009 0x0 2"
    "esp32c2 0x000C 0x0 1" "esp32c6 0x000D 0x0 1" "esp32h2 0x0010 0x0 1" "esp32p4 0x0012 0x2000 2"
    "esp32c61 0x0014 0x0 1" "esp32c5 0x0017 0x2000 1" "esp32h21 0x0019 0x0 1" "esp32h4 0x001C 0x2000 2"
    "esp32s31 0x0020 0x2000 2")

  # Options that follow from something else; to assign them is a mistake.
  set(UD_SDKCONFIG_DERIVED IDF_TARGET IDF_FIRMWARE_CHIP_ID BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD
    BOOTLOADER_OFFSET_IN_FLASH FREERTOS_NUMBER_OF_CORES
    LOG_MAXIMUM_LEVEL)

  # Options that would promise a protection which a host image does not have.
  set(UD_SDKCONFIG_REFUSED SECURE_BOOT SECURE_FLASH_ENC_ENABLED SECURE_SIGNED_APPS_NO_SECURE_BOOT
    SECURE_SIGNED_ON_UPDATE_NO_SECURE_BOOT)
endmacro()

# One value in the notation of sdkconfig.h, type-checked: `out` is the text, empty for a bool that is n.
function(ud_sdkconfig_value who option type value out)
  set(text "${value}")
  if(type STREQUAL bool)
    if(NOT value MATCHES "^[yn]$")
      message(FATAL_ERROR "${who}: ${option} is a bool: '${value}' should be y or n")
    endif()
    string(REPLACE y 1 text "${value}")
    string(REPLACE n "" text "${text}")
  elseif(type STREQUAL int AND NOT value MATCHES "^-?[0-9]+$")
    message(FATAL_ERROR "${who}: ${option} is a number: '${value}' is none")
  elseif(type STREQUAL hex AND NOT value MATCHES "^0[xX][0-9a-fA-F]+$")
    message(FATAL_ERROR "${who}: ${option} is a hexadecimal number: '${value}' should begin with 0x")
  elseif(type STREQUAL string)
    string(REGEX REPLACE "([\"\\])" "\\\\\\1" text "${value}")
    set(text "\"${text}\"")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Write <dir>/sdkconfig.h and <dir>/app_config.c for a firmware. Needs no project: `cmake -P` can call it.
function(ud_write_firmware_config who dir chip)
  ud_sdkconfig_tables()
  set(row "")
  foreach(line IN LISTS UD_SDKCONFIG_CHIPS)
    if(line MATCHES "^${chip} ")
      string(REPLACE " " ";" row "${line}")
    endif()
  endforeach()
  if(NOT row)
    message(FATAL_ERROR "${who}: CHIP '${chip}' is not known")
  endif()
  list(GET row 1 chip_id)
  list(GET row 2 bootloader_offset)
  list(GET row 3 cores)

  # As wide as the chip's eFuses, which are what the library counts in.
  set(secure_bits 16)
  foreach(exception "esp32 32" "esp32c2 4" "esp32c5 9")
    if(exception MATCHES "^${chip} (.*)$")
      set(secure_bits ${CMAKE_MATCH_1})
    endif()
  endforeach()

  set(names "")
  foreach(line IN LISTS UD_SDKCONFIG_OPTIONS)
    string(REGEX MATCH "^([^ ]+) ([^ ]+) (.*)$" _ "${line}")
    list(APPEND names ${CMAKE_MATCH_1})
    set(type_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
    set(value_${CMAKE_MATCH_1} "${CMAKE_MATCH_3}")
  endforeach()
  foreach(item IN LISTS ARGN)
    if(NOT item MATCHES "^(CONFIG_)?([A-Z][A-Z0-9_]*)=(.*)$")
      message(FATAL_ERROR "${who}: CONFIG '${item}' is not of the form NAME=value")
    endif()
    set(option ${CMAKE_MATCH_2})
    set(value "${CMAKE_MATCH_3}")
    if(option IN_LIST UD_SDKCONFIG_DERIVED)
      message(FATAL_ERROR "${who}: CONFIG ${option} follows from CHIP and other options; leave it out")
    elseif(option IN_LIST UD_SDKCONFIG_REFUSED AND value STREQUAL y)
      message(FATAL_ERROR "${who}: CONFIG ${option}=y is not to be had on a virtual board")
    endif()
    if(NOT option IN_LIST names) # the application's own: its type shows
      list(APPEND names ${option})
      set(type_${option} string)
      if(value MATCHES "^[yn]$")
        set(type_${option} bool)
      elseif(value MATCHES "^-?[0-9]+$")
        set(type_${option} int)
      elseif(value MATCHES "^0[xX][0-9a-fA-F]+$")
        set(type_${option} hex)
      endif()
    endif()
    set(value_${option} "${value}")
  endforeach()
  if(value_BOOTLOADER_APP_ANTI_ROLLBACK STREQUAL y AND value_BOOTLOADER_APP_ROLLBACK_ENABLE STREQUAL n)
    message(FATAL_ERROR "${who}: BOOTLOADER_APP_ANTI_ROLLBACK needs BOOTLOADER_APP_ROLLBACK_ENABLE=y")
  endif()
  if(NOT value_LOG_DEFAULT_LEVEL MATCHES "^[0-5]$")
    message(FATAL_ERROR "${who}: LOG_DEFAULT_LEVEL goes from 0 (none) to 5 (verbose)")
  endif()
  if(NOT value_FREERTOS_HZ MATCHES "^([1-9][0-9]?[0-9]?|1000)$")
    message(FATAL_ERROR "${who}: FREERTOS_HZ goes from 1 to 1000")
  endif()

  set(lines "")
  list(SORT names)
  foreach(option IN LISTS names)
    ud_sdkconfig_value("${who}" ${option} ${type_${option}} "${value_${option}}" text)
    if(NOT text STREQUAL "")
      string(APPEND lines "#define CONFIG_${option} ${text}\n")
    endif()
  endforeach()
  string(TOUPPER ${chip} chip_upper)
  if(cores EQUAL 1)
    string(APPEND lines "#define CONFIG_FREERTOS_UNICORE 1\n")
  endif()
  set(levels NONE ERROR WARN INFO DEBUG VERBOSE)
  list(GET levels ${value_LOG_DEFAULT_LEVEL} level)

  file(CONFIGURE OUTPUT ${dir}/sdkconfig.h @ONLY CONTENT
"/* Options of this firmware, as ESP-IDF's build writes them; generated. */
#ifndef SDKCONFIG_H
#define SDKCONFIG_H

#define CONFIG_IDF_TARGET \"@chip@\"
#define CONFIG_IDF_TARGET_@chip_upper@ 1
#define CONFIG_IDF_FIRMWARE_CHIP_ID @chip_id@
#define CONFIG_BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD @secure_bits@
#define CONFIG_BOOTLOADER_OFFSET_IN_FLASH @bootloader_offset@
#define CONFIG_FREERTOS_NUMBER_OF_CORES @cores@
#define CONFIG_LOG_DEFAULT_LEVEL_@level@ 1
#define CONFIG_LOG_MAXIMUM_EQUALS_DEFAULT 1
#define CONFIG_LOG_MAXIMUM_LEVEL @value_LOG_DEFAULT_LEVEL@
@lines@
#endif /* SDKCONFIG_H */
")
  ud_write_app_config(${dir}/app_config.c value_)
  if(value_BOOTLOADER_APP_ANTI_ROLLBACK STREQUAL y)
    set(secure_version ${value_BOOTLOADER_APP_SECURE_VERSION})
  else()
    set(secure_version 0)
  endif()
  set(ud_secure_version ${secure_version} PARENT_SCOPE)
endfunction()

# A C file that holds the bytes of `file` and one NUL under ESP-IDF's symbol names.
function(ud_write_embedded file out)
  get_filename_component(base ${file} NAME)
  string(MAKE_C_IDENTIFIER ${base} base)
  file(SIZE ${file} size)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"/* @file@ as data; generated. */
__asm__(\".section .rodata\\n\"
        \".balign 16\\n\"
        \".global @base@, _binary_@base@_start, _binary_@base@_end, @base@_length\\n\"
        \"@base@:\\n\"
        \"_binary_@base@_start:\\n\"
        \".incbin \\\"@file@\\\"\\n\"
        \".byte 0\\n\"
        \"_binary_@base@_end:\\n\"
        \".balign 4\\n\"
        \"@base@_length:\\n\"
        \".long _binary_@base@_end - _binary_@base@_start - 1\\n\"
        \".text\\n\");
")
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${file})
endfunction()

# Names of our targets: as they are built here, or as an installed package exports them.
function(ud_firmware_target name out)
  if(TARGET updraft::${name})
    set(${out} updraft::${name} PARENT_SCOPE)
  else()
    set(${out} ${name} PARENT_SCOPE)
  endif()
endfunction()

# The start-up of host images, compiled once.
if(NOT CMAKE_SCRIPT_MODE_FILE AND NOT TARGET ud_firmware AND EXISTS ${UD_FIRMWARE_CMAKE_DIR}/../port/linux/firmware_main.c)
  add_library(ud_firmware STATIC ${UD_FIRMWARE_CMAKE_DIR}/../port/linux/firmware_main.c
    ${UD_FIRMWARE_CMAKE_DIR}/../port/linux/firmware_panic.c ${UD_FIRMWARE_CMAKE_DIR}/../port/linux/firmware_rtc.c)
  target_compile_definitions(ud_firmware PRIVATE _GNU_SOURCE)
  target_link_libraries(ud_firmware PRIVATE $<BUILD_INTERFACE:ud_flags> PUBLIC ud_compat ud_idf ud_port_linux)
  set_property(GLOBAL APPEND PROPERTY UD_LIBRARIES ud_firmware)
endif()

function(updraft_add_firmware name)
  set(who "updraft_add_firmware(${name})")
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "VERSION;CHIP;TABLE;PROJECT" "SOURCES;CONFIG;EMBED_TXTFILES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${who}: '${arg_UNPARSED_ARGUMENTS}' is no argument of it")
  elseif(NOT arg_SOURCES)
    message(FATAL_ERROR "${who}: SOURCES are needed")
  elseif(NOT arg_VERSION)
    message(FATAL_ERROR "${who}: VERSION is needed")
  endif()
  if(NOT arg_CHIP)
    set(arg_CHIP esp32c3)
  endif()
  if(NOT arg_PROJECT)
    set(arg_PROJECT ${name})
  endif()
  foreach(text VERSION PROJECT)
    string(LENGTH "${arg_${text}}" length)
    if(length GREATER 31)
      message(FATAL_ERROR "${who}: ${text} '${arg_${text}}' has ${length} characters; an image has room for 31")
    endif()
  endforeach()
  set(table two_ota_large)
  if(arg_TABLE)
    get_filename_component(table "${arg_TABLE}" ABSOLUTE)
    if(NOT EXISTS ${table})
      if(arg_TABLE MATCHES "[./]")
        message(FATAL_ERROR "${who}: there is no TABLE ${table}")
      endif()
      set(table ${arg_TABLE}) # a built-in one
    endif()
  endif()

  set(dir ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(bin ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin)
  ud_write_firmware_config("${who}" ${dir} ${arg_CHIP} ${arg_CONFIG})
  set(embedded "")
  foreach(file IN LISTS arg_EMBED_TXTFILES)
    get_filename_component(path ${file} ABSOLUTE)
    if(NOT EXISTS ${path})
      message(FATAL_ERROR "${who}: there is no file ${path} to embed")
    endif()
    string(MAKE_C_IDENTIFIER ${file} stem)
    ud_write_embedded(${path} ${dir}/embed_${stem}.c)
    list(APPEND embedded ${dir}/embed_${stem}.c)
  endforeach()

  add_executable(${name}.elf ${arg_SOURCES} ${dir}/app_config.c ${embedded})
  set_target_properties(${name}.elf PROPERTIES OUTPUT_NAME ${name} SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  target_include_directories(${name}.elf PRIVATE ${dir})
  target_compile_definitions(${name}.elf PRIVATE ESP_PLATFORM=1 _GNU_SOURCE)
  target_compile_options(${name}.elf PRIVATE -g)
  ud_firmware_target(ud_firmware start_up)
  target_link_libraries(${name}.elf PRIVATE ${start_up})
  if(UPDRAFT_SANITIZE AND TARGET updraft::ud_firmware)
    set(sanitize -fsanitize=address,undefined)
    target_compile_options(${name}.elf PRIVATE ${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${name}.elf PRIVATE ${sanitize} $<$<C_COMPILER_ID:Clang>:-shared-libsan>)
  endif()

  set(strip --strip-all)
  if(UPDRAFT_SANITIZE OR UPDRAFT_TSAN)
    set(strip --strip-debug) # a report names functions
  endif()
  set(image_options --project ${arg_PROJECT} --version ${arg_VERSION} --fit-table ${table})
  if(ud_secure_version)
    list(APPEND image_options --secure-version ${ud_secure_version})
  endif()
  set(table_file "")
  if(EXISTS ${table})
    set(table_file ${table})
  endif()
  ud_firmware_target(updraft tool)
  add_custom_command(OUTPUT ${bin} BYPRODUCTS ${dir}/${name}.stripped
    COMMAND ${CMAKE_STRIP} ${strip} -o ${dir}/${name}.stripped $<TARGET_FILE:${name}.elf>
    COMMAND ${tool} image create --out ${bin} --elf ${dir}/${name}.stripped
            --elf-sha-of $<TARGET_FILE:${name}.elf> ${image_options}
    DEPENDS ${name}.elf ${tool} ${table_file}
    COMMENT "Making the image ${name}.bin"
    VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${bin})
  set_target_properties(${name} PROPERTIES
    UPDRAFT_BIN ${bin} UPDRAFT_ELF ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf UPDRAFT_TABLE "${table}")
endfunction()
