# ladon_add_library(NAME SPEC [PARAMS name=value ...] [TARGET name] [CPU level,...]
#                   [CODEGEN name])
#
# Makes the target NAME: the shared library that `ladon build` makes of SPEC, a
# spec (.attn) or a module (.mlir), with the folder of its headers. Programs link
# it like any other library. It is built again when the spec, an option or the
# compiler changes. TARGET is by default the kind of CPU that the project is built
# for, CMAKE_SYSTEM_PROCESSOR. CPU is the least that the program will run on: the
# default is the machine that builds, or the lowest level of another kind of CPU.
# Of several, separated by commas, a machine takes the best that it has.
#
# To install the library with a program:
#   install(IMPORTED_RUNTIME_ARTIFACTS NAME LIBRARY DESTINATION lib)
function(ladon_add_library name spec)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "TARGET;CPU;CODEGEN" "PARAMS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ladon_add_library(${name}): expected PARAMS, TARGET, "
      "CPU or CODEGEN, found '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  cmake_path(ABSOLUTE_PATH spec BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  _ladon_entry_points(${name} "${spec}" entries library)

  _ladon_target(${name} "${ARG_TARGET}" ARG_TARGET)
  set(options)
  foreach(param IN LISTS ARG_PARAMS)
    if(NOT param MATCHES "^[A-Za-z_][A-Za-z0-9_]*=")
      message(FATAL_ERROR "ladon_add_library(${name}): expected PARAMS "
        "name=value ..., found '${param}'")
    endif()
    list(APPEND options -D "${param}")
  endforeach()
  foreach(option TARGET CPU CODEGEN)
    if(ARG_${option})
      string(TOLOWER ${option} flag)
      list(APPEND options --${flag} "${ARG_${option}}")
    endif()
  endforeach()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/ladon/${name}")
  set(file "${folder}/lib${library}.so")
  set(headers)
  foreach(entry IN LISTS entries)
    list(APPEND headers "${folder}/${entry}.h" "${folder}/${entry}.json")
  endforeach()
  # Makefiles do not see that a command line has changed; this file does.
  file(CONFIGURE OUTPUT "${folder}/options" CONTENT "${options}\n" @ONLY)
  set(command Ladon::ladon build "${spec}" -o "${folder}" ${options})
  if(spec MATCHES "\\.mlir$")
    list(APPEND command --name "${library}")
  endif()
  add_custom_command(
    OUTPUT "${file}" ${headers}
    COMMAND ${command}
    DEPENDS "${spec}" "${folder}/options" Ladon::ladon
    COMMENT "Compiling attention ${library}"
    VERBATIM)
  add_custom_target(${name}-files DEPENDS "${file}" ${headers})
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION "${file}"
    INTERFACE_INCLUDE_DIRECTORIES "${folder}")
  add_dependencies(${name} ${name}-files)
endfunction()

# The target of a library whose TARGET is this: when it is empty, that of the
# system that the project is built for, and empty for the machine that builds.
function(_ladon_target name target targetOut)
  if(target STREQUAL "" AND CMAKE_CROSSCOMPILING)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
      set(target aarch64)
    elseif(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL CMAKE_HOST_SYSTEM_PROCESSOR
        OR NOT CMAKE_SYSTEM_NAME STREQUAL CMAKE_HOST_SYSTEM_NAME)
      message(FATAL_ERROR "ladon_add_library(${name}): there is no code for "
        "${CMAKE_SYSTEM_NAME} on '${CMAKE_SYSTEM_PROCESSOR}', expected aarch64 "
        "or ${CMAKE_HOST_SYSTEM_PROCESSOR} with ${CMAKE_HOST_SYSTEM_NAME}")
    endif()
  endif()
  set(${targetOut} "${target}" PARENT_SCOPE)
endfunction()

# The names of the functions of a spec or module, and of its library. They are in
# the text; when that changes, CMake looks again.
function(_ladon_entry_points name spec entriesOut libraryOut)
  if(NOT EXISTS "${spec}")
    message(FATAL_ERROR "ladon_add_library(${name}): there is no '${spec}'")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${spec}")
  if(spec MATCHES "\\.mlir$")
    set(start "^ *func\\.func +(public +)?@([A-Za-z_][A-Za-z0-9_]*)")
  else()
    set(start "^()[ \t]*attention[ \t]+([A-Za-z_][A-Za-z0-9_]*)")
  endif()
  file(STRINGS "${spec}" lines REGEX "${start}")
  set(entries)
  foreach(line IN LISTS lines)
    if(line MATCHES "${start}")
      list(APPEND entries ${CMAKE_MATCH_2})
    endif()
  endforeach()
  list(LENGTH entries count)
  if(count EQUAL 0)
    message(FATAL_ERROR "ladon_add_library(${name}): '${spec}' has no attention")
  elseif(count EQUAL 1)
    set(library ${entries})
  else()
    cmake_path(GET spec STEM library)
  endif()
  set(${entriesOut} ${entries} PARENT_SCOPE)
  set(${libraryOut} ${library} PARENT_SCOPE)
endfunction()
