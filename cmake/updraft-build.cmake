# SPDX-License-Identifier: Apache-2.0
# How the house is built: one static library a room, made from the folder; strict warnings; sanitizers, hardening and
# fuzzing by option. A new file in a room's folder is found by itself.

option(UPDRAFT_TESTS "Build the tests" ON)
option(UPDRAFT_EXAMPLES "Build the example firmware" ON)
option(UPDRAFT_CORES_ONLY "Only the rooms from base to update, freestanding: needs a C compiler and nothing else" OFF)
option(UPDRAFT_WERROR "Warnings are errors" ON)
option(UPDRAFT_HARDEN "Hardening flags of a release" OFF)
option(UPDRAFT_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer (exit code 86 on a report)" OFF)
option(UPDRAFT_TSAN "ThreadSanitizer instead" OFF)
option(UPDRAFT_FUZZ "libFuzzer programs (clang) with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

include(GNUInstallDirs)
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

if(NOT UPDRAFT_CORES_ONLY)
  find_package(OpenSSL 3.0 REQUIRED)
  find_package(CURL 7.80 REQUIRED)
  find_package(Threads REQUIRED)
  # Found as pkg-config would have it: both <cJSON.h> and <cjson/cJSON.h> work.
  find_path(UD_CJSON_INCLUDE cJSON.h PATH_SUFFIXES cjson REQUIRED)
  find_library(CJSON_LIBRARY cjson REQUIRED)
endif()

# ud_flags: how our own files are compiled.
add_library(ud_flags INTERFACE)
target_compile_options(ud_flags INTERFACE
  -Wall -Wextra -Wshadow -Wvla -Wundef -fno-common
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes>
  $<$<BOOL:${UPDRAFT_WERROR}>:-Werror>)
target_include_directories(ud_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)

# ud_sanitize: what every program and library of one build must share.
add_library(ud_sanitize INTERFACE)
# Functions in sections of their own: firmware links only what it calls, which keeps its image inside its slot.
target_compile_options(ud_sanitize INTERFACE -ffunction-sections -fdata-sections)
target_link_options(ud_sanitize INTERFACE -Wl,--gc-sections)
set(UD_ASAN -fsanitize=address,undefined)
if(UPDRAFT_FUZZ)
  target_compile_options(ud_sanitize INTERFACE
    ${UD_ASAN} -fsanitize=fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ud_sanitize INTERFACE ${UD_ASAN})
elseif(UPDRAFT_SANITIZE)
  target_compile_options(ud_sanitize INTERFACE ${UD_ASAN} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ud_sanitize INTERFACE ${UD_ASAN})
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_link_options(ud_sanitize INTERFACE -shared-libsan)
  endif()
  # Relative relocations are a third of the image of sanitized firmware; in their short form, next to nothing.
  check_linker_flag(C "-Wl,-z,pack-relative-relocs" UD_HAS_PACKED_RELOCS)
  target_link_options(ud_sanitize INTERFACE $<$<BOOL:${UD_HAS_PACKED_RELOCS}>:-Wl,-z,pack-relative-relocs>)
elseif(UPDRAFT_TSAN)
  target_compile_options(ud_sanitize INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(ud_sanitize INTERFACE -fsanitize=thread)
endif()
if(UPDRAFT_HARDEN)
  target_compile_options(ud_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_compile_options(ud_sanitize INTERFACE -fPIE -fstack-protector-strong)
  foreach(flag -fstack-clash-protection -fcf-protection) # not on every processor
    string(MAKE_C_IDENTIFIER "UD_HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    target_compile_options(ud_sanitize INTERFACE $<$<BOOL:${${known}}>:${flag}>)
  endforeach()
  target_link_options(ud_sanitize INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# ud_library(<target> <sources...>): a static library of ours; also while its folder is still empty.
function(ud_library target)
  set(sources ${ARGN})
  if(NOT sources)
    set(sources ${PROJECT_BINARY_DIR}/empty.c)
    file(CONFIGURE OUTPUT ${sources} CONTENT "/* a room without sources */\n")
  endif()
  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ud_flags> PUBLIC ud_sanitize)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_property(GLOBAL APPEND PROPERTY UD_LIBRARIES ${target})
endfunction()

# src/<name>/*.c -> library ud_<name>. Its private headers are included as "<file>.h", public ones as "updraft/<room>.h".
function(ud_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  ud_library(ud_${name} ${sources})
  foreach(dep IN LISTS ARGN)
    target_link_libraries(ud_${name} PUBLIC ud_${dep})
  endforeach()
  if(UPDRAFT_CORES_ONLY)
    target_compile_options(ud_${name} PRIVATE -ffreestanding -ffunction-sections -fdata-sections)
  elseif(name STREQUAL idf)
    target_include_directories(ud_${name} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include/idf> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/updraft-idf>)
  elseif(name STREQUAL lab)
    target_compile_definitions(ud_${name} PRIVATE _GNU_SOURCE)
    target_include_directories(ud_${name} PRIVATE ${UD_CJSON_INCLUDE})
    target_link_libraries(ud_${name} PUBLIC ud_port_linux
      $<BUILD_INTERFACE:${CJSON_LIBRARY}> $<INSTALL_INTERFACE:cjson>)
  endif()
endfunction()

# port/linux: everything that includes a system or library header for a lower room; firmware_*.c are apart.
function(ud_port_linux)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/linux/*.c)
  list(FILTER sources EXCLUDE REGEX "/firmware_[a-z]+\\.c$")
  ud_library(ud_port_linux ${sources})
  target_compile_definitions(ud_port_linux PRIVATE _GNU_SOURCE)
  target_link_libraries(ud_port_linux PUBLIC ud_update OpenSSL::SSL OpenSSL::Crypto CURL::libcurl Threads::Threads)
endfunction()

# compat: FreeRTOS and other neighbours of ESP-IDF, on idf.
function(ud_compat)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/compat/*.c)
  ud_library(ud_compat ${sources})
  target_include_directories(ud_compat PRIVATE ${PROJECT_SOURCE_DIR}/compat/freertos) # kernel.h
  target_link_libraries(ud_compat PUBLIC ud_idf)
  # Headers that only say why they are not there: searched after all others.
  target_include_directories(ud_compat SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/compat/absent>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/updraft-absent>)
endfunction()

# The `updraft` command: one file a verb.
function(ud_cli)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
  if(sources)
    set(script ${PROJECT_BINARY_DIR}/updraft_gdb_py.c) # what `board gdb` feeds to gdb
    ud_write_embedded(${PROJECT_SOURCE_DIR}/src/cli/updraft_gdb.py ${script})
    add_executable(updraft ${sources} ${script})
    target_compile_definitions(updraft PRIVATE _GNU_SOURCE UPDRAFT_VERSION="${PROJECT_VERSION}")
    target_include_directories(updraft PRIVATE ${UD_CJSON_INCLUDE})
    target_link_libraries(updraft PRIVATE ud_flags ud_lab ud_compat ud_port_linux)
    set_target_properties(updraft PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    install(TARGETS updraft EXPORT updraft RUNTIME)
  endif()
endfunction()

# The manual and the completion of the shells, made of the --help of the command: target ud_manual.
function(ud_manual)
  find_program(UD_PYTHON3 NAMES python3 REQUIRED)
  set(manual ${PROJECT_SOURCE_DIR}/scripts/manual.py)
  set(out ${PROJECT_BINARY_DIR}/manual)
  add_custom_command(OUTPUT ${out}/stamp
    COMMAND ${UD_PYTHON3} ${manual} $<TARGET_FILE:updraft> ${out}
    COMMAND ${CMAKE_COMMAND} -E touch ${out}/stamp
    DEPENDS updraft ${manual} COMMENT "Making the manual" VERBATIM)
  add_custom_target(ud_manual DEPENDS ${out}/stamp)
  add_dependencies(ud_installed ud_manual)
  install(DIRECTORY ${out}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(FILES ${out}/updraft.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME updraft)
  install(FILES ${out}/_updraft DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endfunction()

# One pkg-config file: ud_pkg_config(<name> <description> <requires> <flags of the compiler> <libraries>...). The
# libraries are static and stand on each other, so all that they need is said to every user, upper rooms first.
function(ud_pkg_config name description requires cflags)
  set(libs "")
  foreach(library IN LISTS ARGN)
    string(PREPEND libs " -l${library}")
  endforeach()
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE libdir)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE includedir)
  string(REGEX REPLACE "[^/]+" ".." up ${libdir}/pkgconfig)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${name}.pc @ONLY CONTENT
"prefix=\${pcfiledir}/@up@
libdir=\${prefix}/@libdir@
includedir=\${prefix}/@includedir@

Name: @name@
Description: @description@
Version: @PROJECT_VERSION@
Requires: @requires@
Cflags: -I\${includedir}@cflags@
Libs: -L\${libdir}@libs@
")
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# The command with its manual, the libraries, the headers, pkg-config files and a CMake package: find_package(Updraft),
# then updraft_add_firmware(), or link updraft::ud_update or another room. Everything is found relative to the package.
function(ud_install)
  include(CMakePackageConfigHelpers)
  get_property(libraries GLOBAL PROPERTY UD_LIBRARIES)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/updraft)
  add_custom_target(ud_installed DEPENDS ${libraries} $<TARGET_NAME_IF_EXISTS:updraft>)
  install(TARGETS ${libraries} ud_sanitize EXPORT updraft ARCHIVE)
  install(EXPORT updraft NAMESPACE updraft:: FILE updraft-targets.cmake DESTINATION ${package})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/updraft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/updraft-config.cmake.in
    ${PROJECT_BINARY_DIR}/updraft-config.cmake INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/updraft-config-version.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/updraft-config.cmake ${PROJECT_BINARY_DIR}/updraft-config-version.cmake
    DESTINATION ${package})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

  set(cores ${libraries})
  list(TRANSFORM cores REPLACE "^ud_(port_linux|idf|compat|lab|firmware)$" "")
  list(REMOVE_ITEM cores "")
  if(UPDRAFT_CORES_ONLY)
    ud_pkg_config(updraft "The ESP-IDF update stack: freestanding cores" "" "" ${cores})
    return()
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/updraft-firmware.cmake ${PROJECT_SOURCE_DIR}/cmake/updraft-app-config.cmake
    DESTINATION ${package})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/idf/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/updraft-idf
    FILES_MATCHING PATTERN "*.h")
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/compat/absent/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/updraft-absent
    FILES_MATCHING PATTERN "*.h")
  ud_pkg_config(updraft "The ESP-IDF update stack: cores and the port to Linux" "openssl >= 3.0, libcurl >= 7.80" ""
    ${cores} ud_port_linux)
  ud_pkg_config(updraft-idf "The ESP-IDF update stack: the API of ESP-IDF" updraft " -I\${includedir}/updraft-idf"
    ud_idf ud_compat)
  ud_manual()
endfunction()
