# SPDX-License-Identifier: Apache-2.0
# Files as data of the program, under ESP-IDF's symbol names.

# target_add_binary_data(<target> <file> TEXT|BINARY [RENAME_TO <name>] [DEPENDS <target>...]): TEXT adds a NUL.
function(target_add_binary_data target file type)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "RENAME_TO" "DEPENDS")
  if(NOT type MATCHES "^(TEXT|BINARY)$")
    ud_stop("target_add_binary_data(${target} ${file}): '${type}' is neither TEXT nor BINARY")
  endif()
  get_filename_component(path "${file}" ABSOLUTE)
  get_filename_component(name "${path}" NAME)
  if(NOT EXISTS "${path}" AND NOT arg_DEPENDS)
    get_source_file_property(made "${path}" GENERATED)
    if(NOT made)
      ud_stop("there is no file ${path} to embed in ${target}")
    endif()
  endif()
  set(symbol "${name}")
  if(arg_RENAME_TO)
    set(symbol "${arg_RENAME_TO}")
  endif()
  string(MAKE_C_IDENTIFIER "${symbol}" symbol)
  set(end "")
  set(length "_binary_${symbol}_end - _binary_${symbol}_start")
  if(type STREQUAL "TEXT")
    set(end "    .byte 0\n")
    string(APPEND length " - 1")
  endif()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}.S")
  string(REGEX REPLACE "([\"\\])" "\\\\\\1" quoted "${path}")
  file(CONFIGURE OUTPUT "${out}" @ONLY CONTENT
"/* @name@ as data; generated. */
    .section .rodata
    .balign 16
    .global @symbol@, _binary_@symbol@_start, _binary_@symbol@_end, @symbol@_length
@symbol@:
_binary_@symbol@_start:
    .incbin \"@quoted@\"
@end@_binary_@symbol@_end:
    .balign 4
@symbol@_length:
    .long @length@
    .section .note.GNU-stack, \"\", %progbits
")
  set_source_files_properties("${out}" PROPERTIES OBJECT_DEPENDS "${path}" GENERATED TRUE)
  target_sources(${target} PRIVATE "${out}")
  if(arg_DEPENDS)
    add_dependencies(${target} ${arg_DEPENDS})
  endif()
endfunction()

# Images of file systems as partitions: the board's flash could hold them, but nothing here makes them.
function(ud_no_file_system function partition)
  ud_stop("${function}(${partition}): images of this file system are not made for virtual boards; make one with the "
    "file system's own tool and put it on the board: updraft board create --partition ${partition}=FILE")
endfunction()
function(spiffs_create_partition_image partition)
  ud_no_file_system(spiffs_create_partition_image ${partition})
endfunction()
function(littlefs_create_partition_image partition)
  ud_no_file_system(littlefs_create_partition_image ${partition})
endfunction()
function(fatfs_create_spiflash_image partition)
  ud_no_file_system(fatfs_create_spiflash_image ${partition})
endfunction()
function(fatfs_create_rawflash_image partition)
  ud_no_file_system(fatfs_create_rawflash_image ${partition})
endfunction()
