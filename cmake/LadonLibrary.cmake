# ladon_library(NAME SOURCES... [LINK libs...] [DEPENDS targets...])
#
# One static library of the compiler. LINK names the other Ladon libraries it
# stands on; LLVM, MLIR and lld come with LadonLLVM (LadonToolchain.cmake).
function(ladon_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} LadonLLVM)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# ladon_tablegen(TARGET FILE.td GENERATOR-FLAG OUTPUT ...)
#
# Runs mlir-tblgen once per (flag, output) pair; TARGET is what a library that
# includes the results depends on.
function(ladon_tablegen target file)
  set(LLVM_TARGET_DEFINITIONS ${file})
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs output flag)
    mlir_tablegen(${output} ${flag} ${LADON_TBLGEN_EXTRA})
  endwhile()
  add_public_tablegen_target(${target})
endfunction()
