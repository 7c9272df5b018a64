# SPDX-License-Identifier: Apache-2.0
# How the house is built: one static library a room, made from the folder; strict warnings; sanitizers by option.

option(UPDRAFT_TESTS "Build the tests" ON)
option(UPDRAFT_EXAMPLES "Build the example firmware" ON)
option(UPDRAFT_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer (exit code 86 on a report)" OFF)
option(UPDRAFT_TSAN "ThreadSanitizer instead" OFF)

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

find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL 7.80 REQUIRED)
find_package(Threads REQUIRED)
find_path(CJSON_INCLUDE_DIR cjson/cJSON.h REQUIRED)
find_library(CJSON_LIBRARY cjson REQUIRED)

add_library(ud_flags INTERFACE)
target_compile_options(ud_flags INTERFACE
  -Wall -Wextra -Wshadow -Wvla -Wundef -Werror -fno-common
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes>)
target_include_directories(ud_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)

add_library(ud_sanitize INTERFACE)
if(UPDRAFT_SANITIZE)
  target_compile_options(ud_sanitize INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ud_sanitize INTERFACE -fsanitize=address,undefined)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_link_options(ud_sanitize INTERFACE -shared-libsan)
  endif()
elseif(UPDRAFT_TSAN)
  target_compile_options(ud_sanitize INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(ud_sanitize INTERFACE -fsanitize=thread)
endif()

# src/<name>/*.c -> library ud_<name>. Its private headers are included as "<file>.h", public ones as "updraft/<room>.h".
function(ud_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  add_library(ud_${name} STATIC ${sources})
  set_target_properties(ud_${name} PROPERTIES LINKER_LANGUAGE C)
  target_link_libraries(ud_${name} PUBLIC ud_sanitize PRIVATE ud_flags)
  target_include_directories(ud_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  foreach(dep IN LISTS ARGN)
    target_link_libraries(ud_${name} PUBLIC ud_${dep})
  endforeach()
  if(name STREQUAL idf)
    target_include_directories(ud_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include/idf)
  elseif(name STREQUAL lab)
    target_include_directories(ud_${name} PRIVATE ${CJSON_INCLUDE_DIR})
    target_link_libraries(ud_${name} PUBLIC ud_port_linux ${CJSON_LIBRARY})
  endif()
endfunction()

# port/linux: everything that includes a system or library header for a lower room; firmware_main.c is apart.
function(ud_port_linux)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/linux/*.c)
  list(FILTER sources EXCLUDE REGEX "firmware_main\\.c$")
  add_library(ud_port_linux STATIC ${sources})
  target_compile_definitions(ud_port_linux PRIVATE _GNU_SOURCE)
  target_link_libraries(ud_port_linux PRIVATE ud_flags
    PUBLIC ud_sanitize ud_update OpenSSL::SSL OpenSSL::Crypto CURL::libcurl Threads::Threads)
endfunction()

# compat: FreeRTOS and other neighbours of ESP-IDF, on idf.
function(ud_compat)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/compat/*.c)
  if(sources)
    add_library(ud_compat STATIC ${sources})
    target_link_libraries(ud_compat PRIVATE ud_flags PUBLIC ud_idf ud_sanitize)
  else()
    add_library(ud_compat INTERFACE)
    target_link_libraries(ud_compat INTERFACE ud_idf)
  endif()
endfunction()

# The `updraft` command: one file a verb.
function(ud_cli)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
  if(sources)
    add_executable(updraft ${sources})
    target_compile_definitions(updraft PRIVATE _GNU_SOURCE UPDRAFT_VERSION="${PROJECT_VERSION}")
    target_include_directories(updraft PRIVATE ${CJSON_INCLUDE_DIR})
    target_link_libraries(updraft PRIVATE ud_flags ud_lab ud_compat ud_port_linux)
    set_target_properties(updraft PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  endif()
endfunction()
