# SPDX-License-Identifier: Apache-2.0
# idf_build_set_property and its like: what is said about the whole build, before or after project().

set(UD_BUILD_FLAGS COMPILE_OPTIONS C_COMPILE_OPTIONS CXX_COMPILE_OPTIONS ASM_COMPILE_OPTIONS COMPILE_DEFINITIONS
  LINK_OPTIONS)

# End with an error made of the arguments; one by one, since a text may have semicolons.
function(ud_stop)
  set(text "")
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE ${last})
    string(APPEND text "${ARGV${i}}")
  endforeach()
  message(FATAL_ERROR "updraft: ${text}")
endfunction()

function(idf_build_set_property property value)
  cmake_parse_arguments(PARSE_ARGV 2 arg "APPEND" "" "")
  set(mode "")
  if(arg_APPEND)
    set(mode APPEND)
  endif()
  set_property(GLOBAL ${mode} PROPERTY UD_BUILD_${property} ${value})
endfunction()

function(idf_build_get_property out property)
  get_property(value GLOBAL PROPERTY UD_BUILD_${property})
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

function(idf_build_get_config out option)
  set(${out} "${${option}}" PARENT_SCOPE)
endfunction()

# Scripts of a chip's linker mean nothing to the host's.
function(target_linker_script)
endfunction()

# Generator expressions read properties of a target, not of the build: copied when all of the project has been read.
function(ud_pass_build_flags)
  foreach(property IN LISTS UD_BUILD_FLAGS)
    get_property(value GLOBAL PROPERTY UD_BUILD_${property})
    set_property(TARGET __idf_build PROPERTY UD_${property} "${value}")
  endforeach()
endfunction()

# The target that every component links to: flags of the build, headers of the stack (behind the project's own).
function(ud_project_target)
  foreach(pair "IDF_PATH ${IDF_PATH}" "PROJECT_DIR ${CMAKE_SOURCE_DIR}" "PROJECT_NAME ${CMAKE_PROJECT_NAME}"
      "BUILD_DIR ${CMAKE_BINARY_DIR}" "CONFIG_DIR ${CMAKE_BINARY_DIR}/config" "SDKCONFIG ${CMAKE_BINARY_DIR}/sdkconfig"
      "SDKCONFIG_HEADER ${CMAKE_BINARY_DIR}/config/sdkconfig.h"
      "SDKCONFIG_CMAKE ${CMAKE_BINARY_DIR}/config/sdkconfig.cmake"
      "SDKCONFIG_JSON ${CMAKE_BINARY_DIR}/config/sdkconfig.json" "EXECUTABLE ${CMAKE_PROJECT_NAME}.elf"
      "EXECUTABLE_NAME ${CMAKE_PROJECT_NAME}")
    string(REGEX MATCH "^([A-Z_]+) (.*)$" _ "${pair}")
    set_property(GLOBAL PROPERTY UD_BUILD_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
  add_library(__idf_build INTERFACE)
  set(flags "$<TARGET_PROPERTY:__idf_build,UD_COMPILE_OPTIONS>")
  foreach(language C CXX ASM)
    set(own "$<TARGET_PROPERTY:__idf_build,UD_${language}_COMPILE_OPTIONS>")
    list(APPEND flags "$<$<COMPILE_LANGUAGE:${language}>:${own}>")
  endforeach()
  # Warnings of the two 64-bit worlds are not the project's fault, and never errors.
  target_compile_options(__idf_build INTERFACE -g -Wall -Wextra -Wno-format -Wno-unused-result -Wno-sign-compare
    -Wno-unused-parameter ${UD_KIT_COMPILE_OPTIONS})
  foreach(variable CPPFLAGS CFLAGS CXXFLAGS)
    set(language ${variable})
    string(REGEX REPLACE "^(CPP|C|CXX)FLAGS$" "\\1" language ${variable})
    separate_arguments(extra NATIVE_COMMAND "$ENV{EXTRA_${variable}}")
    foreach(flag IN LISTS extra)
      if(language STREQUAL "CPP")
        target_compile_options(__idf_build INTERFACE ${flag})
      else()
        target_compile_options(__idf_build INTERFACE $<$<COMPILE_LANGUAGE:${language}>:${flag}>)
      endif()
    endforeach()
  endforeach()
  target_compile_options(__idf_build INTERFACE ${flags})
  target_compile_definitions(__idf_build INTERFACE ESP_PLATFORM=1 _GNU_SOURCE "IDF_VER=\"v6.2\""
    "$<TARGET_PROPERTY:__idf_build,UD_COMPILE_DEFINITIONS>")
  target_include_directories(__idf_build INTERFACE "${CMAKE_BINARY_DIR}/config")
  target_include_directories(__idf_build SYSTEM INTERFACE ${UD_KIT_INCLUDE})
  set_property(GLOBAL PROPERTY UD_BUILD_IDF_VER "v6.2")
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL ud_pass_build_flags)
endfunction()

# PROJECT_VER: variable, version.txt, project(VERSION), git, "1"; an option overrides all.
function(ud_project_version)
  set(version "${PROJECT_VER}")
  if(CONFIG_APP_PROJECT_VER_FROM_CONFIG)
    set(version "${CONFIG_APP_PROJECT_VER}")
  elseif(version STREQUAL "" AND EXISTS "${CMAKE_SOURCE_DIR}/version.txt")
    file(STRINGS "${CMAKE_SOURCE_DIR}/version.txt" version LIMIT_COUNT 1)
    string(STRIP "${version}" version)
  elseif(version STREQUAL "" AND CMAKE_PROJECT_VERSION)
    set(version "${CMAKE_PROJECT_VERSION}")
  elseif(version STREQUAL "")
    find_program(UD_GIT git)
    if(UD_GIT)
      execute_process(COMMAND "${UD_GIT}" describe --always --tags --dirty WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
        OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
      if(failed)
        set(version "")
      endif()
    endif()
  endif()
  if(version STREQUAL "")
    set(version 1)
  endif()
  file(GLOB _ CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/version.tx*") # a new one is noticed
  if(EXISTS "${CMAKE_SOURCE_DIR}/version.txt")
    set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY
      CMAKE_CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/version.txt")
  endif()
  set_property(GLOBAL PROPERTY UD_BUILD_PROJECT_VER "${version}")
  set(PROJECT_VER "${version}" PARENT_SCOPE)
endfunction()
