# SPDX-License-Identifier: Apache-2.0
# What an ESP-IDF project includes before project(): functions, and the trigger. The work happens at the end of
# project(), in the scope of the caller, by CMAKE_PROJECT_INCLUDE (process.cmake).
include_guard(GLOBAL)
if(CMAKE_VERSION VERSION_LESS 3.25)
  message(FATAL_ERROR "updraft: CMake ${CMAKE_VERSION} is too old; 3.25 or newer is needed")
endif()
cmake_policy(VERSION 3.25) # of this file and the functions; the project keeps its own

get_filename_component(IDF_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
get_filename_component(ud_kit "${IDF_PATH}" DIRECTORY) # by name: in a build tree IDF_PATH is a symbolic link
set(ud_kit "${ud_kit}/kit.cmake")
if(NOT EXISTS "${ud_kit}")
  message(FATAL_ERROR "updraft: ${IDF_PATH} is the source of the folder that projects are built with, not the folder "
    "itself; 'updraft idf-path' prints where that is")
endif()
include("${ud_kit}")
include("${UD_KIT_CMAKE}/updraft-app-config.cmake")
foreach(file properties components manifests options embed image)
  include("${CMAKE_CURRENT_LIST_DIR}/${file}.cmake")
endforeach()

# A build folder belongs to one IDF_PATH: ninja's own re-run reads the environment again.
if(UPDRAFT_IDF_PATH AND NOT UPDRAFT_IDF_PATH STREQUAL "${IDF_PATH}")
  message(FATAL_ERROR "updraft: ${CMAKE_BINARY_DIR} was made with ${UPDRAFT_IDF_PATH}, and IDF_PATH is ${IDF_PATH} "
    "now; use another build folder, or 'updraft idf fullclean'")
endif()
set(UPDRAFT_IDF_PATH "${IDF_PATH}" CACHE INTERNAL "The folder that this build takes for ESP-IDF")
set(UPDRAFT_IGNORE "" CACHE STRING "Options (without CONFIG_) that stop the build and shall not; ALL: all of them")

set(project_dir "${CMAKE_SOURCE_DIR}") # components read it unfetched
set(ud_user_hook "${CMAKE_PROJECT_INCLUDE}")
set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_DIR}/process.cmake")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE "" CACHE STRING "Empty: the optimization is that of the project's options")
endif()
