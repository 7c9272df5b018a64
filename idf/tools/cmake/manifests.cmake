# SPDX-License-Identifier: Apache-2.0
# idf_component.yml: dependencies that a component names there, followed to their end by tools/manifest.py.

# Called by the file that manifest.py writes.
function(ud_manifest_component name dir)
  ud_know_component("${name}" "${dir}")
endfunction()
function(ud_manifest_requires owner name)
  set_property(GLOBAL APPEND PROPERTY UD_MANIFEST_${owner} "${name}")
endfunction()
function(ud_manifest_read file)
  set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
endfunction()

function(ud_follow_manifests)
  get_property(names GLOBAL PROPERTY UD_COMPONENTS)
  set(components "")
  set(any FALSE)
  foreach(name IN LISTS names)
    get_property(dir GLOBAL PROPERTY UD_DIR_${name})
    list(APPEND components "${name}=${dir}")
    if(EXISTS "${dir}/idf_component.yml")
      set(any TRUE)
    endif()
  endforeach()
  if(NOT any)
    return()
  endif()
  ud_find_python()
  ud_find_chip()
  set(out "${CMAKE_BINARY_DIR}/config/manifests.cmake")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/config")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env "IDF_PATH=${IDF_PATH}"
            "${UPDRAFT_PYTHON}" -B "${IDF_PATH}/tools/manifest.py" --target ${IDF_TARGET}
            --project "${CMAKE_SOURCE_DIR}" --out "${out}" ${components}
    RESULT_VARIABLE failed ERROR_VARIABLE why ERROR_STRIP_TRAILING_WHITESPACE)
  if(failed)
    ud_stop("${why}")
  endif()
  include("${out}")
endfunction()
