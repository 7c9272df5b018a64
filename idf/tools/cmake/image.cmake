# SPDX-License-Identifier: Apache-2.0
# The program, its image, the partition table, and the descriptions that tools read in the build folder.

# A line of the stack's own tool at configure time; what it says when it fails stops the configuration.
function(ud_run_tool what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE text ERROR_VARIABLE why
    ERROR_STRIP_TRAILING_WHITESPACE)
  if(failed)
    string(REGEX REPLACE "(^|\n)updraft: " "\\1" why "${why}")
    ud_stop("${what}: ${why}")
  endif()
  set(UD_TOOL_TEXT "${text}" PARENT_SCOPE)
endfunction()

# The table, checked and built; UD_TABLE_ROWS of the build: label|type|subtype|address|size|.
function(ud_partition_table)
  if(CONFIG_PARTITION_TABLE_CUSTOM)
    get_filename_component(csv "${CONFIG_PARTITION_TABLE_FILENAME}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
    if(NOT EXISTS "${csv}")
      ud_stop("CONFIG_PARTITION_TABLE_CUSTOM_FILENAME is ${CONFIG_PARTITION_TABLE_FILENAME}, and there is no file "
        "${csv}")
    endif()
  else()
    set(csv "${IDF_PATH}/components/partition_table/${CONFIG_PARTITION_TABLE_FILENAME}")
  endif()
  set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${csv}")
  set(options --offset ${CONFIG_PARTITION_TABLE_OFFSET} --flash-size ${CONFIG_ESPTOOLPY_FLASHSIZE}
    --primary-bootloader-offset ${CONFIG_BOOTLOADER_OFFSET_IN_FLASH})
  set(build_options ${options})
  if(NOT CONFIG_PARTITION_TABLE_MD5)
    list(APPEND build_options --disable-md5sum)
  endif()
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/partition_table")
  set(table "${CMAKE_BINARY_DIR}/partition_table/partition-table.bin")
  ud_run_tool("the partition table ${csv}" "${UD_KIT_TOOL}" partition build "${csv}" "${table}.new" ${build_options})
  file(COPY_FILE "${table}.new" "${table}" ONLY_IF_DIFFERENT)
  file(REMOVE "${table}.new")
  ud_run_tool("the partition table ${csv}" "${UD_KIT_TOOL}" partition show "${table}" --json ${options})
  set(rows "")
  string(JSON count LENGTH "${UD_TOOL_TEXT}" partitions)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    set(row "")
    foreach(member label type subtype address size)
      string(JSON value GET "${UD_TOOL_TEXT}" partitions ${i} ${member})
      string(APPEND row "${value}|")
    endforeach()
    list(APPEND rows "${row}")
  endforeach()
  set_property(GLOBAL PROPERTY UD_TABLE_ROWS "${rows}")
  set_property(GLOBAL PROPERTY UD_TABLE "${table}")
  set_property(GLOBAL PROPERTY UD_TABLE_CSV "${csv}")
endfunction()

# `member` (label, type, subtype, address or size) of the first partition whose `by` is `value`; empty without one.
function(ud_partition_member by value member out)
  set(fields label type subtype address size)
  list(FIND fields ${by} key)
  list(FIND fields ${member} wanted)
  set(${out} "" PARENT_SCOPE)
  get_property(rows GLOBAL PROPERTY UD_TABLE_ROWS)
  foreach(row IN LISTS rows)
    string(REPLACE "|" ";" row "${row}")
    list(GET row ${key} found)
    if(found STREQUAL "${value}")
      list(GET row ${wanted} found)
      set(${out} "${found}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# partition_table_get_partition_info(<out> "--partition-name NAME" offset|size): as ESP-IDF's tool answers.
function(partition_table_get_partition_info out query members)
  if(NOT query MATCHES "^--partition-name +([^ ]+)$")
    ud_stop("partition_table_get_partition_info: '${query}' is not understood; known is --partition-name NAME")
  endif()
  set(name ${CMAKE_MATCH_1})
  set(values "")
  foreach(member IN LISTS members)
    string(REPLACE offset address member ${member})
    ud_partition_member(label ${name} ${member} value)
    if(value MATCHES "^[0-9]+$")
      math(EXPR value "${value}" OUTPUT_FORMAT HEXADECIMAL)
    endif()
    list(APPEND values ${value})
  endforeach()
  list(JOIN values " " values)
  set(${out} "${values}" PARENT_SCOPE)
endfunction()

# A file that goes into a partition of the board's flash.
function(esptool_py_flash_to_partition target partition file)
  ud_partition_member(label ${partition} address offset)
  if(offset STREQUAL "")
    get_property(csv GLOBAL PROPERTY UD_TABLE_CSV)
    ud_stop("${file} should go into partition '${partition}', which ${csv} does not have")
  endif()
  set_property(GLOBAL APPEND PROPERTY UD_FLASH_FILES "${offset}|${file}")
endfunction()

# The same at an offset: a partition must begin there.
function(esptool_py_flash_target_image target image offset file)
  math(EXPR at "${offset}")
  ud_partition_member(address ${at} label partition)
  if(partition STREQUAL "")
    get_property(csv GLOBAL PROPERTY UD_TABLE_CSV)
    ud_stop("${file} should go to ${offset}, where no partition of ${csv} begins")
  endif()
  esptool_py_flash_to_partition(${target} ${partition} "${file}")
endfunction()

# nvs_create_partition_image(<partition> <csv> [FLASH_IN_PROJECT] [VERSION n] [DEPENDS ...])
function(nvs_create_partition_image partition csv)
  cmake_parse_arguments(PARSE_ARGV 2 arg "FLASH_IN_PROJECT" "VERSION" "DEPENDS")
  ud_partition_member(label ${partition} size size)
  if(size STREQUAL "")
    ud_stop("nvs_create_partition_image: the table has no partition '${partition}'")
  endif()
  get_filename_component(path "${csv}" ABSOLUTE)
  set(out "${CMAKE_BINARY_DIR}/${partition}.bin")
  if(NOT arg_VERSION)
    set(arg_VERSION 2)
  endif()
  add_custom_command(OUTPUT "${out}"
    COMMAND "${UPDRAFT_PYTHON}" -m esp_idf_nvs_partition_gen generate --version ${arg_VERSION} "${path}" "${out}"
            ${size}
    DEPENDS "${path}" ${arg_DEPENDS} COMMENT "Making NVS for partition ${partition}" VERBATIM)
  add_custom_target(nvs_${partition}_bin ALL DEPENDS "${out}")
  if(arg_FLASH_IN_PROJECT)
    esptool_py_flash_to_partition(flash ${partition} "${out}")
  endif()
endfunction()

function(ud_link_program program)
  get_property(mine GLOBAL PROPERTY UD_COMPONENTS)
  get_property(libraries GLOBAL PROPERTY UD_LIBRARIES)
  get_property(minimal GLOBAL PROPERTY UD_BUILD_MINIMAL_BUILD)
  set(roots ${mine})
  if(minimal)
    set(roots main)
  elseif(COMPONENTS)
    separate_arguments(roots NATIVE_COMMAND "${COMPONENTS}")
  endif()
  list(REMOVE_ITEM roots main)
  list(PREPEND roots main)
  set(archives "")
  foreach(name IN LISTS roots)
    ud_project_component("${name}" own)
    if(NOT own STREQUAL "")
      target_link_libraries(${program} PRIVATE __idf_${own})
    endif()
  endforeach()
  # Main's users and its own code may lie in one library: all of what is linked, and the stack, as one group.
  foreach(name IN LISTS libraries)
    set(whole "$<BOOL:$<TARGET_PROPERTY:__idf_${name},UD_WHOLE_ARCHIVE>>")
    if(NOT minimal AND NOT COMPONENTS OR name STREQUAL "main")
      list(APPEND archives "$<${whole}:-Wl,--whole-archive>" "$<TARGET_FILE:__idf_${name}>"
        "$<${whole}:-Wl,--no-whole-archive>")
    endif()
  endforeach()
  ud_replaced_components(replaced)
  foreach(name IN LISTS UD_KIT_COMPONENTS)
    if(NOT name IN_LIST replaced)
      list(APPEND archives "${UD_KIT_ARCHIVE_${name}}")
    endif()
  endforeach()
  target_link_libraries(${program} PRIVATE -Wl,--start-group ${archives} ${UD_KIT_CORE} -Wl,--end-group
    ${UD_KIT_LIBRARIES})
endfunction()

function(ud_project_image)
  set(name ${CMAKE_PROJECT_NAME})
  set(program ${name}.elf)
  set(dir "${CMAKE_BINARY_DIR}")
  ud_write_app_config("${dir}/config/app_config.c" CONFIG_)
  ud_partition_table()
  get_property(table GLOBAL PROPERTY UD_TABLE)

  add_executable(${program} "${dir}/config/app_config.c")
  set_target_properties(${program} PROPERTIES OUTPUT_NAME ${name} SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY "${dir}"
    LINKER_LANGUAGE C)
  get_property(cxx GLOBAL PROPERTY UD_HAS_CXX)
  if(cxx)
    set_target_properties(${program} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
  target_link_libraries(${program} PRIVATE __idf_build)
  target_link_options(${program} PRIVATE ${UD_KIT_LINK_OPTIONS} "$<TARGET_PROPERTY:__idf_build,UD_LINK_OPTIONS>"
    -Wl,-u,app_main)
  ud_link_program(${program})
  if(CONFIG_COMPILER_OPTIMIZATION_SIZE)
    set(optimize -Os)
  elseif(CONFIG_COMPILER_OPTIMIZATION_PERF)
    set(optimize -O2)
  elseif(CONFIG_COMPILER_OPTIMIZATION_NONE)
    set(optimize -O0)
  else()
    set(optimize -Og)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "")
    target_compile_options(__idf_build BEFORE INTERFACE ${optimize})
  endif()
  if(CONFIG_COMPILER_OPTIMIZATION_ASSERTIONS_DISABLE)
    target_compile_definitions(__idf_build INTERFACE NDEBUG)
  endif()
  if(UPDRAFT_SANITIZE AND NOT "${UD_KIT_COMPILE_OPTIONS}" MATCHES "sanitize")
    target_compile_options(__idf_build INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
    target_link_options(${program} PRIVATE -fsanitize=address,undefined)
  endif()

  set(strip --strip-all)
  if(UPDRAFT_SANITIZE OR "${UD_KIT_COMPILE_OPTIONS}" MATCHES "sanitize")
    set(strip --strip-debug) # a report names functions
    target_link_options(${program} PRIVATE -no-pie) # AddressSanitizer's relocations would fill slots of ESP-IDF's size
  endif()
  get_property(version GLOBAL PROPERTY UD_BUILD_PROJECT_VER)
  string(SUBSTRING "${version}" 0 31 version)
  string(SUBSTRING "${name}" 0 31 project)
  if(CONFIG_APP_EXCLUDE_PROJECT_VER_VAR)
    set(version "")
  endif()
  if(CONFIG_APP_EXCLUDE_PROJECT_NAME_VAR)
    set(project "")
  endif()
  set(flash --flash-mode ${CONFIG_ESPTOOLPY_FLASHMODE} --flash-size ${CONFIG_ESPTOOLPY_FLASHSIZE})
  set(options --project "${project}" --version "${version}" ${flash})
  if(CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK)
    list(APPEND options --secure-version ${CONFIG_BOOTLOADER_APP_SECURE_VERSION})
  endif()
  get_property(rows GLOBAL PROPERTY UD_TABLE_ROWS)
  set(fit "")
  if(rows MATCHES "[|]ota_[0-9]")
    set(fit --fit-table "${table}")
  endif()
  add_custom_command(OUTPUT "${dir}/${name}.bin" BYPRODUCTS "${dir}/${name}.stripped"
    COMMAND "${CMAKE_STRIP}" ${strip} -o "${dir}/${name}.stripped" "$<TARGET_FILE:${program}>"
    COMMAND "${UD_KIT_TOOL}" image create --out "${dir}/${name}.bin" --elf "${dir}/${name}.stripped"
            --elf-sha-of "$<TARGET_FILE:${program}>" ${options} ${fit}
    DEPENDS ${program} "${table}" "${UD_KIT_TOOL}"
    COMMENT "Making the image ${name}.bin" VERBATIM)
  # No boot loader runs on a virtual board; an image at its place tells tools what chip this is.
  set(text "${dir}/bootloader/placeholder.txt")
  file(CONFIGURE OUTPUT "${text}" CONTENT "In place of a boot loader: the supervisor of a virtual board boots it.\n")
  add_custom_command(OUTPUT "${dir}/bootloader/bootloader.bin"
    COMMAND "${UD_KIT_TOOL}" image create --out "${dir}/bootloader/bootloader.bin" --raw "${text}" --chip ${IDF_TARGET}
            --project bootloader --version ${CONFIG_BOOTLOADER_PROJECT_VER} ${flash}
    DEPENDS "${text}" "${UD_KIT_TOOL}" COMMENT "Making the placeholder of a boot loader" VERBATIM)

  add_custom_target(app ALL DEPENDS "${dir}/${name}.bin")
  add_custom_target(bootloader ALL DEPENDS "${dir}/bootloader/bootloader.bin")
  add_custom_target(partition-table)
  add_custom_target(flash
    COMMAND "${CMAKE_COMMAND}" -E echo
            "a virtual board is made with: updraft board create --project '${CMAKE_SOURCE_DIR}'"
    DEPENDS app VERBATIM)
  add_custom_target(size COMMAND "${UD_KIT_TOOL}" image info "${dir}/${name}.bin" DEPENDS app VERBATIM USES_TERMINAL)
  set_property(GLOBAL PROPERTY UD_BUILD_EXECUTABLE ${program})
  set(project_elf ${program} PARENT_SCOPE)
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL ud_write_descriptions)
endfunction()

function(ud_json_text text out)
  string(REGEX REPLACE "([\"\\])" "\\\\\\1" text "${text}")
  set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

# A path as it stands in flasher_args.json: relative to the build folder where it is in it.
function(ud_build_path file out)
  string(FIND "${file}" "${CMAKE_BINARY_DIR}/" at)
  if(at EQUAL 0)
    file(RELATIVE_PATH file "${CMAKE_BINARY_DIR}" "${file}")
  endif()
  ud_json_text("${file}" file)
  set(${out} "${file}" PARENT_SCOPE)
endfunction()

# flasher_args.json and project_description.json, when all of the project has been read.
function(ud_write_descriptions)
  set(dir "${CMAKE_BINARY_DIR}")
  set(name ${CMAKE_PROJECT_NAME})
  get_property(version GLOBAL PROPERTY UD_BUILD_PROJECT_VER)
  set(flash_size ${CONFIG_ESPTOOLPY_FLASHSIZE})
  ud_partition_member(subtype factory address app_offset)
  if(app_offset STREQUAL "")
    ud_partition_member(type app address app_offset)
  endif()
  ud_partition_member(subtype ota address otadata)
  set(files "")
  get_property(extra GLOBAL PROPERTY UD_FLASH_FILES)
  set(entries "${CONFIG_BOOTLOADER_OFFSET_IN_FLASH}|bootloader|${dir}/bootloader/bootloader.bin"
    "${CONFIG_PARTITION_TABLE_OFFSET}|partition-table|${dir}/partition_table/partition-table.bin")
  if(NOT otadata STREQUAL "")
    if(NOT EXISTS "${dir}/ota_data_initial.bin")
      execute_process(COMMAND "${UPDRAFT_PYTHON}" -c "import sys; open(sys.argv[1], 'wb').write(bytes([255]) * 8192)"
        "${dir}/ota_data_initial.bin" COMMAND_ERROR_IS_FATAL ANY)
    endif()
    list(APPEND entries "${otadata}|otadata|${dir}/ota_data_initial.bin")
  endif()
  if(NOT app_offset STREQUAL "")
    list(APPEND entries "${app_offset}|app|${dir}/${name}.bin")
  endif()
  foreach(entry IN LISTS extra)
    string(REPLACE "|" "|extra|" entry "${entry}")
    list(APPEND entries "${entry}")
  endforeach()
  set(parts "")
  foreach(entry IN LISTS entries)
    string(REGEX MATCH "^([^|]*)[|]([^|]*)[|](.*)$" _ "${entry}")
    math(EXPR offset "${CMAKE_MATCH_1}" OUTPUT_FORMAT HEXADECIMAL)
    set(part "${CMAKE_MATCH_2}")
    ud_build_path("${CMAKE_MATCH_3}" file)
    list(APPEND files "        \"${offset}\": ${file}")
    if(NOT part STREQUAL "extra")
      string(APPEND parts
        "    \"${part}\": { \"offset\": \"${offset}\", \"file\": ${file}, \"encrypted\": \"false\" },\n")
    endif()
  endforeach()
  list(JOIN files ",\n" files)
  set(mode ${CONFIG_ESPTOOLPY_FLASHMODE})
  set(freq ${CONFIG_ESPTOOLPY_FLASHFREQ})
  file(CONFIGURE OUTPUT "${dir}/flasher_args.json" @ONLY CONTENT
"{
    \"write_flash_args\": [ \"--flash-mode\", \"@mode@\", \"--flash-size\", \"@flash_size@\",
                          \"--flash-freq\", \"@freq@\" ],
    \"flash_settings\": { \"flash_mode\": \"@mode@\", \"flash_size\": \"@flash_size@\", \"flash_freq\": \"@freq@\" },
    \"flash_files\": {
@files@
    },
@parts@    \"extra_esptool_args\": { \"after\": \"hard-reset\", \"before\": \"default-reset\", \"stub\": true,
                            \"chip\": \"@IDF_TARGET@\" }
}
")
  get_property(names GLOBAL PROPERTY UD_COMPONENTS)
  list(JOIN names "\", \"" names)
  foreach(pair "project_path ${CMAKE_SOURCE_DIR}" "idf_path ${IDF_PATH}" "build_dir ${dir}"
      "config_file ${dir}/sdkconfig" "c_compiler ${CMAKE_C_COMPILER}" "project_version ${version}"
      "python ${UPDRAFT_PYTHON}"
      "kconfig ${IDF_PATH}/Kconfig" "config_env ${dir}/config/kconfig.env")
    string(REGEX MATCH "^([a-z_]+) (.*)$" _ "${pair}")
    set(key ${CMAKE_MATCH_1})
    ud_json_text("${CMAKE_MATCH_2}" ${key})
  endforeach()
  file(CONFIGURE OUTPUT "${dir}/project_description.json" @ONLY CONTENT
"{
    \"version\": \"1.2\",
    \"project_name\": \"@name@\",
    \"project_version\": @project_version@,
    \"project_path\": @project_path@,
    \"idf_path\": @idf_path@,
    \"build_dir\": @build_dir@,
    \"config_file\": @config_file@,
    \"app_elf\": \"@name@.elf\",
    \"app_bin\": \"@name@.bin\",
    \"bootloader_elf\": \"\",
    \"build_type\": \"flash_app\",
    \"target\": \"@IDF_TARGET@\",
    \"monitor_baud\": \"115200\",
    \"monitor_toolprefix\": \"\",
    \"c_compiler\": @c_compiler@,
    \"build_components\": [ \"@names@\" ],
    \"updraft\": { \"python\": @python@, \"kconfig\": @kconfig@, \"environment\": @config_env@ }
}
")
endfunction()
