# What Ladon is linked with, as targets: LadonLLVM (LLVM, MLIR and lld), LadonZlib
# and LadonFfi. A program with the property LADON_STATIC gets all of them, and
# the C++ library, into its own file; the others get shared libraries. A file
# that holds all starts in a tenth of the time and runs on any machine with its
# libc, but takes seconds to link: one program of Ladon is such a file, `ladon`.

set(archives ${LLVM_LIBRARY_DIR})
if(EXISTS ${archives}/libLLVMCore.a AND EXISTS ${archives}/libMLIRIR.a)
  set(has_archives ON)
else()
  set(has_archives OFF)
endif()
option(LADON_STATIC "Link everything but libc into ladon" ${has_archives})

# The parts of LLVM that ladon makes code with; others cost 75 MB.
set(LADON_LLVM_TARGETS AArch64 X86 NVPTX)

# $<${isStatic}:...> is asked of the program that is linked.
set(isStatic $<BOOL:$<TARGET_PROPERTY:LADON_STATIC>>)

add_library(LadonLLVM INTERFACE)
add_library(LadonZlib INTERFACE)
add_library(LadonFfi INTERFACE)
find_package(ZLIB REQUIRED)
find_library(LADON_FFI ffi REQUIRED)

if(LADON_STATIC)
  find_library(LADON_ZLIB_ARCHIVE libz.a REQUIRED)
  find_library(LADON_ZSTD_ARCHIVE libzstd.a REQUIRED)
  find_library(LADON_FFI_ARCHIVE NAMES libffi_pic.a libffi.a REQUIRED)
  # The linker takes what it needs out of them, in any order.
  file(GLOB llvm_archives ${archives}/libMLIR*.a ${archives}/libLLVM*.a)
  list(FILTER llvm_archives EXCLUDE REGEX "Test|CAPI|BOLT|Exegesis|Fuzz")
  set(llvm ${archives}/liblldELF.a ${archives}/liblldCommon.a ${llvm_archives})
  target_link_libraries(LadonLLVM INTERFACE
    "$<${isStatic}:-Wl,--start-group;${llvm};${LADON_ZLIB_ARCHIVE};${LADON_ZSTD_ARCHIVE};-Wl,--end-group>"
    "$<$<NOT:${isStatic}>:lldELF;lldCommon;MLIR;LLVM>")
  target_link_libraries(LadonZlib INTERFACE
    $<IF:${isStatic},${LADON_ZLIB_ARCHIVE},ZLIB::ZLIB>)
  target_link_libraries(LadonFfi INTERFACE
    $<IF:${isStatic},${LADON_FFI_ARCHIVE},${LADON_FFI}>)
else()
  target_link_libraries(LadonLLVM INTERFACE lldELF lldCommon MLIR LLVM)
  target_link_libraries(LadonZlib INTERFACE ZLIB::ZLIB)
  target_link_libraries(LadonFfi INTERFACE ${LADON_FFI})
endif()
target_link_libraries(LadonLLVM INTERFACE ${CMAKE_DL_LIBS})

# ladon_static_program(TARGET): links everything but libc into a program.
function(ladon_static_program program)
  if(NOT LADON_STATIC)
    return()
  endif()
  # lld initialises every part of LLVM there is. What has no code here is left
  # out by functions that do nothing in place of those.
  set(left_out "// The parts of LLVM that are left out; made by CMake.\n")
  foreach(part IN LISTS LLVM_TARGETS_TO_BUILD)
    if(NOT part IN_LIST LADON_LLVM_TARGETS)
      foreach(what TargetInfo Target TargetMC AsmPrinter AsmParser)
        string(APPEND left_out "void LLVMInitialize${part}${what}(void) {}\n")
      endforeach()
    endif()
  endforeach()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/LeftOutTargets.c)
  file(CONFIGURE OUTPUT ${file} CONTENT "${left_out}")
  target_sources(${program} PRIVATE ${file} LeftOutPolly.cpp)
  set_target_properties(${program} PROPERTIES LADON_STATIC ON)
  target_link_options(${program} PRIVATE
    -Wl,--gc-sections -static-libstdc++ -static-libgcc)
endfunction()
