# Looks for Halide where scripts/setup-halide puts it, or in HALIDE_ROOT, and
# makes the target Ladon::Halide if it is there. Nothing else needs it.
set(LADON_HALIDE_VERSION 21.0.0)
if(DEFINED ENV{XDG_CACHE_HOME})
  set(cache $ENV{XDG_CACHE_HOME})
else()
  set(cache $ENV{HOME}/.cache)
endif()
set(HALIDE_ROOT ${cache}/ladon/halide-${LADON_HALIDE_VERSION} CACHE PATH
  "Folder with include/Halide.h and lib64/libHalide.so")

if(EXISTS ${HALIDE_ROOT}/include/Halide.h
   AND EXISTS ${HALIDE_ROOT}/lib64/libHalide.so)
  set(LadonHalide_FOUND TRUE)
  add_library(Ladon::Halide SHARED IMPORTED)
  set_target_properties(Ladon::Halide PROPERTIES
    IMPORTED_LOCATION ${HALIDE_ROOT}/lib64/libHalide.so
    INTERFACE_INCLUDE_DIRECTORIES ${HALIDE_ROOT}/include)
else()
  set(LadonHalide_FOUND FALSE)
  message(STATUS "Halide ${LADON_HALIDE_VERSION} is not in ${HALIDE_ROOT}: "
    "--codegen=halide is left out; scripts/setup-halide gets it")
endif()
