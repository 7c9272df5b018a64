# SPDX-License-Identifier: Apache-2.0
# The folder that ESP-IDF projects take for ESP-IDF (idf/), made usable: one static library a component, and the kit, a
# file that tells a project's build where libraries, headers and the command are.
#
# Build tree and installation have the same shape: share/updraft/idf beside share/updraft/kit.cmake.

# In idf/components/NAME/CMakeLists.txt: which sources of ud_idf and ud_compat make up the component NAME.
function(ud_idf_component)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "SOURCES")
  cmake_path(GET CMAKE_CURRENT_LIST_DIR FILENAME name)
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "ud_idf_component(${name}): wants SOURCES and nothing else")
  endif()
  set(objects "")
  foreach(pattern IN LISTS arg_SOURCES)
    file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${pattern})
    if(NOT sources)
      message(FATAL_ERROR "ud_idf_component(${name}): there is no ${pattern}")
    endif()
    foreach(source IN LISTS sources)
      get_property(owner GLOBAL PROPERTY UD_IDF_OWNER_${source})
      if(owner)
        message(FATAL_ERROR "ud_idf_component(${name}): ${source} belongs to ${owner} already")
      endif()
      set_property(GLOBAL PROPERTY UD_IDF_OWNER_${source} ${name})
      string(REGEX REPLACE "([.+*])" "[\\1]" expression "/${source}.")
      list(APPEND objects "${expression}o$")
    endforeach()
  endforeach()
  list(JOIN objects "|" objects)
  set_property(GLOBAL APPEND PROPERTY UD_IDF_CLAIMED "${objects}")
  ud_idf_archive(ud_idf_${name} INCLUDE "${objects}")
  set_property(GLOBAL APPEND PROPERTY UD_IDF_COMPONENTS ${name})
endfunction()

# A library of those objects of ud_idf and ud_compat whose path matches, or does not.
function(ud_idf_archive target mode expression)
  add_library(${target} STATIC
    "$<FILTER:$<TARGET_OBJECTS:ud_idf>,${mode},${expression}>"
    "$<FILTER:$<TARGET_OBJECTS:ud_compat>,${mode},${expression}>")
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C
    ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/updraft)
  set_property(GLOBAL APPEND PROPERTY UD_IDF_ARCHIVES ${target})
endfunction()

# A library of CMake's find modules as a link line has it: by name where the linker looks anyway.
function(ud_idf_system_library file out)
  cmake_path(GET file PARENT_PATH folder)
  if(folder IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES OR folder STREQUAL "/usr/lib/${CMAKE_C_LIBRARY_ARCHITECTURE}")
    cmake_path(GET file STEM file)
    string(REGEX REPLACE "^lib" "-l" file ${file})
  endif()
  set(${out} ${file} PARENT_SCOPE)
endfunction()

# The text of the kit. Places are `prefix` expressions: of the build tree, or relative to the installed file.
function(ud_idf_kit_text installed out)
  get_property(components GLOBAL PROPERTY UD_IDF_COMPONENTS)
  get_property(rooms GLOBAL PROPERTY UD_LIBRARIES)
  list(REMOVE_ITEM rooms ud_idf ud_compat ud_lab)
  set(here "\${CMAKE_CURRENT_LIST_DIR}")
  set(text "# Where Updraft is, for the builds of ESP-IDF projects; generated.\n")
  if(installed)
    set(prefix "${here}/../..")
    string(APPEND text
      "set(UD_KIT_TOOL \"${prefix}/${CMAKE_INSTALL_BINDIR}/updraft\")\n"
      "set(UD_KIT_INCLUDE \"${prefix}/${CMAKE_INSTALL_INCLUDEDIR}/updraft-idf\"\n"
      "  \"${prefix}/${CMAKE_INSTALL_INCLUDEDIR}\" \"${prefix}/${CMAKE_INSTALL_INCLUDEDIR}/updraft-absent\")\n"
      "set(UD_KIT_CMAKE \"${prefix}/${CMAKE_INSTALL_LIBDIR}/cmake/updraft\")\n")
  else()
    string(APPEND text
      "set(UD_KIT_TOOL \"$<TARGET_FILE:updraft>\")\n"
      "set(UD_KIT_INCLUDE \"${PROJECT_SOURCE_DIR}/include/idf\" \"${PROJECT_SOURCE_DIR}/include\"\n"
      "  \"${PROJECT_SOURCE_DIR}/compat/absent\")\n"
      "set(UD_KIT_CMAKE \"${PROJECT_SOURCE_DIR}/cmake\")\n"
      "set(UD_KIT_PYTHON \"${PROJECT_SOURCE_DIR}/build/venv/bin/python\")\n")
  endif()
  string(APPEND text "set(UD_KIT_VERSION ${PROJECT_VERSION})\nset(UD_KIT_COMPONENTS ${components})\n")
  foreach(name IN LISTS components)
    set(file "$<TARGET_FILE:ud_idf_${name}>")
    if(installed)
      set(file "${prefix}/${CMAKE_INSTALL_LIBDIR}/updraft/$<TARGET_FILE_NAME:ud_idf_${name}>")
    endif()
    string(APPEND text "set(UD_KIT_ARCHIVE_${name} \"${file}\")\n")
  endforeach()
  string(APPEND text "set(UD_KIT_CORE")
  foreach(name IN LISTS rooms ITEMS ud_idf_core)
    set(file "$<TARGET_FILE:${name}>")
    if(installed)
      set(folder ${CMAKE_INSTALL_LIBDIR})
      if(name STREQUAL ud_idf_core)
        string(APPEND folder /updraft)
      endif()
      set(file "${prefix}/${folder}/$<TARGET_FILE_NAME:${name}>")
    endif()
    string(APPEND text "\n  \"${file}\"")
  endforeach()
  string(APPEND text ")\nset(UD_KIT_LIBRARIES")
  foreach(file ${CURL_LIBRARIES} ${OPENSSL_SSL_LIBRARIES} ${OPENSSL_CRYPTO_LIBRARIES})
    if(file MATCHES "/")
      ud_idf_system_library(${file} file)
    endif()
    string(APPEND text " \"${file}\"")
  endforeach()
  string(APPEND text " -lpthread)\n"
    "set(UD_KIT_COMPILE_OPTIONS \"$<TARGET_PROPERTY:ud_sanitize,INTERFACE_COMPILE_OPTIONS>\")\n"
    "set(UD_KIT_LINK_OPTIONS \"$<TARGET_PROPERTY:ud_sanitize,INTERFACE_LINK_OPTIONS>\")\n")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(ud_idf_folder)
  file(GLOB components CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/idf/components/*/CMakeLists.txt)
  foreach(file IN LISTS components)
    include(${file})
  endforeach()
  get_property(claimed GLOBAL PROPERTY UD_IDF_CLAIMED)
  list(JOIN claimed "|" claimed)
  ud_idf_archive(ud_idf_core EXCLUDE "${claimed}")

  set(share ${PROJECT_BINARY_DIR}/share/updraft)
  file(MAKE_DIRECTORY ${share})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/idf ${share}/idf SYMBOLIC)
  ud_idf_kit_text(FALSE text)
  file(GENERATE OUTPUT ${share}/kit.cmake CONTENT "${text}")
  ud_idf_kit_text(TRUE text)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/kit-installed.cmake CONTENT "${text}")

  get_property(archives GLOBAL PROPERTY UD_IDF_ARCHIVES)
  get_property(rooms GLOBAL PROPERTY UD_LIBRARIES)
  # What `updraft idf build` needs of this tree.
  add_custom_target(ud_idf_kit DEPENDS updraft ${archives} ${rooms})
  add_dependencies(ud_installed ${archives})
  install(TARGETS ${archives} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/updraft)
  install(FILES ${PROJECT_BINARY_DIR}/kit-installed.cmake DESTINATION ${CMAKE_INSTALL_DATADIR}/updraft RENAME kit.cmake)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/idf DESTINATION ${CMAKE_INSTALL_DATADIR}/updraft USE_SOURCE_PERMISSIONS
    PATTERN __pycache__ EXCLUDE PATTERN README.md EXCLUDE)
endfunction()
