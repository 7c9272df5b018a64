# SPDX-License-Identifier: Apache-2.0
# The options of a project: its chip, its sdkconfig files, Kconfig, and what is done about options that mean nothing
# here. The project's own sdkconfig is read and never written. Options are made anew of the layers each time:
# sdkconfig.defaults, sdkconfig, and in the build folder sdkconfig.changes, what menuconfig has changed. The build
# folder's sdkconfig is the result.

# ---- Python with esp-idf-kconfig ----

function(ud_find_python)
  if(UPDRAFT_PYTHON AND EXISTS "${UPDRAFT_PYTHON}")
    return()
  endif()
  set(data "$ENV{XDG_DATA_HOME}")
  if(data STREQUAL "")
    set(data "$ENV{HOME}/.local/share")
  endif()
  set(own "${data}/updraft/venv")
  set(tried "")
  foreach(python "${PYTHON}" "$ENV{UPDRAFT_PYTHON}" "${UD_KIT_PYTHON}" "$ENV{IDF_PYTHON_ENV_PATH}/bin/python"
      "${own}/bin/python" python3 python)
    if(python STREQUAL "" OR python STREQUAL "/bin/python")
      continue()
    endif()
    execute_process(COMMAND "${python}" -B -c
      "import sys, importlib.util as u; sys.exit(not (u.find_spec('kconfgen') and u.find_spec('yaml')))"
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed STREQUAL "0")
      list(APPEND tried "${python}")
      continue()
    endif()
    if(NOT IS_ABSOLUTE "${python}")
      unset(found CACHE)
      find_program(found "${python}" NO_CACHE)
      set(python "${found}")
    endif()
    set(UPDRAFT_PYTHON "${python}" CACHE INTERNAL "Python that has esp-idf-kconfig and PyYAML")
    set_property(GLOBAL PROPERTY UD_BUILD_PYTHON "${python}")
    return()
  endforeach()
  list(JOIN tried ", " tried)
  ud_stop("no Python with the packages esp-idf-kconfig and PyYAML was found (tried: ${tried}). Make one, once:\n"
    "  python3 -m venv '${own}' && '${own}/bin/pip' install -r '${IDF_PATH}/requirements.txt'\n"
    "or name one that has them in UPDRAFT_PYTHON")
endfunction()

# ---- layers ----

# The project's files of options, first to last, as UD_LAYERS of the caller.
function(ud_option_layers)
  # A new one is noticed.
  file(GLOB _ CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/sdkconfig*" "${CMAKE_BINARY_DIR}/sdkconfig.c*")
  set(defaults "${SDKCONFIG_DEFAULTS}")
  if(defaults STREQUAL "")
    set(defaults "$ENV{SDKCONFIG_DEFAULTS}")
  endif()
  set(named TRUE)
  if(defaults STREQUAL "")
    set(defaults sdkconfig.defaults)
    set(named FALSE)
  endif()
  set(layers "")
  foreach(file IN LISTS defaults)
    get_filename_component(path "${file}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
    if(EXISTS "${path}")
      list(APPEND layers "${path}")
    elseif(named)
      ud_stop("SDKCONFIG_DEFAULTS names ${file}, and there is no file ${path}")
    endif()
    if(IDF_TARGET AND EXISTS "${path}.${IDF_TARGET}")
      list(APPEND layers "${path}.${IDF_TARGET}")
    endif()
  endforeach()
  set(own "${CMAKE_SOURCE_DIR}/sdkconfig")
  if(SDKCONFIG)
    get_filename_component(own "${SDKCONFIG}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
  endif()
  if(EXISTS "${own}" AND NOT own STREQUAL "${CMAKE_BINARY_DIR}/sdkconfig")
    list(APPEND layers "${own}")
  endif()
  if(EXISTS "${CMAKE_BINARY_DIR}/sdkconfig.changes")
    list(APPEND layers "${CMAKE_BINARY_DIR}/sdkconfig.changes")
  endif()
  set(UD_LAYERS ${layers} PARENT_SCOPE)
endfunction()

# The chip: environment, cache, sdkconfig, defaults, esp32. Of one build folder it stays the same.
function(ud_find_chip)
  set(layers "")
  if(IDF_TARGET STREQUAL "")
    unset(IDF_TARGET)
  endif()
  ud_option_layers()
  set(chip "$ENV{IDF_TARGET}")
  if(chip STREQUAL "" AND DEFINED IDF_TARGET)
    set(chip ${IDF_TARGET})
  endif()
  if(chip STREQUAL "")
    set(chip esp32)
    foreach(file IN LISTS UD_LAYERS)
      file(STRINGS "${file}" lines REGEX "^CONFIG_IDF_TARGET=")
      foreach(line IN LISTS lines)
        string(REGEX REPLACE "^CONFIG_IDF_TARGET=\"?([a-z0-9]*).*$" "\\1" chip "${line}")
      endforeach()
    endforeach()
  endif()
  file(STRINGS "${IDF_PATH}/chips/Kconfig" chips REGEX "^config IDF_TARGET_ESP32")
  string(TOLOWER "${chips}" chips)
  string(REPLACE "config idf_target_" "" chips "${chips}")
  if(NOT chip IN_LIST chips)
    list(JOIN chips ", " chips)
    ud_stop("IDF_TARGET is '${chip}', which is not a chip that a board can be; there are ${chips}")
  endif()
  if(UPDRAFT_CHIP AND NOT UPDRAFT_CHIP STREQUAL "${chip}")
    ud_stop("${CMAKE_BINARY_DIR} was made for ${UPDRAFT_CHIP}, and IDF_TARGET is ${chip} now; use another build "
      "folder, or 'updraft idf fullclean'")
  endif()
  set(UPDRAFT_CHIP ${chip} CACHE INTERNAL "The chip that this build folder is for")
  set(IDF_TARGET ${chip} CACHE STRING "The chip")
  set(IDF_TARGET ${chip} PARENT_SCOPE)
  set_property(GLOBAL PROPERTY UD_BUILD_IDF_TARGET ${chip})
endfunction()

# ---- Kconfig ----

# The Kconfig files of one component: Kconfig and Kconfig.projbuild, or as its registration says (read as text, since
# the file is run later).
function(ud_component_kconfig dir kind out)
  string(TOUPPER "${kind}" keyword)
  set(file "${dir}/Kconfig")
  if(kind STREQUAL "projbuild")
    set(file "${dir}/Kconfig.projbuild")
    set(keyword KCONFIG_PROJBUILD)
  else()
    set(keyword KCONFIG)
  endif()
  if(EXISTS "${dir}/CMakeLists.txt")
    file(READ "${dir}/CMakeLists.txt" text)
    if(text MATCHES "[( \n\t]${keyword}[ \n\t]+\"?([^\" )\n]+)")
      set(named "${CMAKE_MATCH_1}")
      string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}" "${dir}" named "${named}")
      get_filename_component(file "${named}" ABSOLUTE BASE_DIR "${dir}")
    endif()
  endif()
  set(${out} "" PARENT_SCOPE)
  if(EXISTS "${file}")
    set(${out} "${file}" PARENT_SCOPE)
  endif()
endfunction()

# Write the list of one kind for Kconfig to source; the stack's components first, without those of the project's names.
function(ud_write_kconfig_list kind out)
  get_property(mine GLOBAL PROPERTY UD_COMPONENTS)
  ud_replaced_components(replaced)
  file(GLOB stack "${IDF_PATH}/components/*")
  set(text "")
  foreach(dir IN LISTS stack)
    get_filename_component(name "${dir}" NAME)
    if(NOT name IN_LIST replaced)
      ud_component_kconfig("${dir}" ${kind} file)
      if(file)
        string(APPEND text "source \"${file}\"\n")
      endif()
    endif()
  endforeach()
  foreach(name IN LISTS mine)
    get_property(dir GLOBAL PROPERTY UD_DIR_${name})
    ud_component_kconfig("${dir}" ${kind} file)
    if(file)
      string(APPEND text "source \"${file}\"\n")
      set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    endif()
  endforeach()
  file(CONFIGURE OUTPUT "${out}" CONTENT "${text}" @ONLY)
endfunction()

function(ud_make_options)
  ud_find_python()
  ud_find_chip()
  ud_option_layers()
  set(dir "${CMAKE_BINARY_DIR}/config")
  file(MAKE_DIRECTORY "${dir}")
  ud_write_kconfig_list(component "${dir}/kconfigs.in")
  ud_write_kconfig_list(projbuild "${dir}/kconfigs_projbuild.in")
  set(renames "")
  get_property(mine GLOBAL PROPERTY UD_COMPONENTS)
  foreach(name IN LISTS mine)
    get_property(component GLOBAL PROPERTY UD_DIR_${name})
    if(EXISTS "${component}/sdkconfig.rename")
      list(APPEND renames "${component}/sdkconfig.rename")
    endif()
  endforeach()
  set(environment "IDF_PATH=${IDF_PATH}" IDF_TARGET=${IDF_TARGET} IDF_VERSION=6.2 IDF_INIT_VERSION=6.2.0
    "IDF_TOOLCHAIN=host" "COMPONENT_KCONFIGS_SOURCE_FILE=${dir}/kconfigs.in"
    "COMPONENT_KCONFIGS_PROJBUILD_SOURCE_FILE=${dir}/kconfigs_projbuild.in" "PROJECT_PATH=${CMAKE_SOURCE_DIR}")
  # For menuconfig: the same environment, one line each.
  list(JOIN environment "\n" text)
  file(CONFIGURE OUTPUT "${dir}/kconfig.env" CONTENT "${text}\n" @ONLY)
  list(JOIN renames "$<SEMICOLON>" renames)
  string(REPLACE "$<SEMICOLON>" "\\;" renames "${renames}")

  set(layers "")
  foreach(file IN LISTS UD_LAYERS)
    list(APPEND layers --defaults "${file}")
    set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  endforeach()
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env ${environment} "COMPONENT_SDKCONFIG_RENAMES=${renames}"
            KCONFIG_REPORT_VERBOSITY=quiet PYTHONDONTWRITEBYTECODE=1
            "${UPDRAFT_PYTHON}" -m kconfgen --list-separator=semicolon
            --kconfig "${IDF_PATH}/Kconfig" --sdkconfig-rename "${IDF_PATH}/sdkconfig.rename"
            ${layers}
            --output header "${dir}/sdkconfig.h" --output cmake "${dir}/sdkconfig.cmake"
            --output json "${dir}/sdkconfig.json" --output config "${CMAKE_BINARY_DIR}/sdkconfig"
            --output report "${dir}/report.json"
    RESULT_VARIABLE failed OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(failed)
    string(REGEX REPLACE "Loading defaults file[^\n]*\n" "" text "${text}")
    ud_stop("the options of the project (Kconfig, sdkconfig) cannot be read:\n${text}")
  endif()
  set(IDF_TARGET ${IDF_TARGET} PARENT_SCOPE)
  set_property(GLOBAL PROPERTY UD_BUILD_PYTHON "${UPDRAFT_PYTHON}")
endfunction()

# ---- options that mean nothing here ----

# What an option of a family would promise. An unknown one stops the build when a project's defaults name it.
set(UD_STOPPING_FAMILIES
  "SECURE_|security"
  "BOOTLOADER_|the boot loader"
  "PARTITION_TABLE_|the layout of the flash"
  "ESP_HTTP|HTTP and updates"
  "APP_|the image"
  "EFUSE_|eFuses"
  "BT_ENABLED|Bluetooth")

# Options that are known, and whose y asks for something that a virtual board has not.
set(UD_STOPPING_OPTIONS
  "SECURE_BOOT|secure boot"
  "SECURE_FLASH_ENC_ENABLED|flash encryption"
  "SECURE_SIGNED_APPS_NO_SECURE_BOOT|signed images"
  "NVS_ENCRYPTION|encrypted NVS"
  "PARTITION_TABLE_SINGLE_APP_ENCRYPTED_NVS|encrypted NVS"
  "PARTITION_TABLE_SINGLE_APP_LARGE_ENC_NVS|encrypted NVS"
  "PARTITION_TABLE_TWO_OTA_ENCRYPTED_NVS|encrypted NVS"
  "BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP|a boot loader that does not validate"
  "BOOTLOADER_SKIP_VALIDATE_ON_POWER_ON|a boot loader that does not validate"
  "BOOTLOADER_SKIP_VALIDATE_ALWAYS|a boot loader that does not validate"
  "ESP_TLS_SKIP_SERVER_CERT_VERIFY|TLS that does not verify the server"
  "MBEDTLS_CUSTOM_CERTIFICATE_BUNDLE|a certificate bundle of the project's")

function(ud_may_ignore option out)
  set(${out} FALSE PARENT_SCOPE)
  if(UPDRAFT_IGNORE STREQUAL "ALL" OR option IN_LIST UPDRAFT_IGNORE)
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

function(ud_refuse option what where)
  ud_stop("CONFIG_${option} (${where}) asks for ${what}, which a virtual board does not have. Take it out, or accept "
    "that it has no effect: -DUPDRAFT_IGNORE=${option}")
endfunction()

function(ud_check_options)
  foreach(line IN LISTS UD_STOPPING_OPTIONS)
    string(REGEX MATCH "^([^|]*)[|](.*)$" _ "${line}")
    set(option ${CMAKE_MATCH_1})
    set(what "${CMAKE_MATCH_2}")
    ud_may_ignore(${option} ignored)
    if(CONFIG_${option} AND NOT ignored)
      ud_refuse(${option} "${what}" "set in the project's options")
    endif()
  endforeach()

  file(READ "${CMAKE_BINARY_DIR}/config/report.json" report)
  string(REPLACE ";" "," report "${report}") # what is found becomes a list
  string(REGEX MATCHALL "unknown kconfig symbol '[A-Za-z0-9_]+' assigned to '[^\n]*' in [^\n]*\"" notes "${report}")
  set(names "")
  foreach(note IN LISTS notes)
    if(NOT note MATCHES "^unknown kconfig symbol '([A-Za-z0-9_]+)' assigned to '(.*)' in (.*)\"$")
      continue() # a line of another form
    endif()
    set(option ${CMAKE_MATCH_1})
    set(value "${CMAKE_MATCH_2}")
    set(file "${CMAKE_MATCH_3}")
    list(APPEND names ${option})
    ud_may_ignore(${option} ignored)
    if(ignored OR value STREQUAL "n" OR value STREQUAL "")
      continue()
    endif()
    # A whole sdkconfig of ESP-IDF's lists thousands of options, most by default: there only those count that are plain.
    get_filename_component(base "${file}" NAME)
    foreach(family IN LISTS UD_STOPPING_FAMILIES)
      string(REGEX MATCH "^([^|]*)[|](.*)$" _ "${family}")
      set(prefix ${CMAKE_MATCH_1})
      set(what "${CMAKE_MATCH_2}")
      if(option STREQUAL "${prefix}")
        ud_refuse(${option} "${what}" "${file}")
      elseif(option MATCHES "^${prefix}" AND NOT base STREQUAL "sdkconfig")
        ud_stop("CONFIG_${option}=${value} (${file}) is about ${what}, and is not known here: the firmware would be "
          "another one than you think. Take it out, or accept that it has no effect: -DUPDRAFT_IGNORE=${option}")
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES names)
  list(LENGTH names count)
  if(count GREATER 0)
    list(SUBLIST names 0 6 few)
    list(JOIN few ", " few)
    if(count GREATER 6)
      math(EXPR more "${count} - 6")
      string(APPEND few " and ${more} more (config/report.json)")
    endif()
    message(STATUS "updraft: options without effect on a virtual board: ${few}")
  endif()
  set(bad "not a valid value|is invalid for|malformed line")
  string(REGEX MATCHALL "\"message\": \"[^\n]*(${bad})[^\n]*\"" notes "${report}")
  foreach(note IN LISTS notes)
    string(REGEX REPLACE "^\"message\": \"([^ ]*kconfgen_tmp[^:]*:)?(.*)\"$" "\\2" note "${note}")
    message(WARNING "updraft: the project's options: ${note}")
  endforeach()
endfunction()
