# The component `mlir`, for people who write compilers:
#
#   cmake --install build --component mlir --prefix DIR
#
# the plugin, the archive with its headers, and the pages about operations and
# passes. Not part of what is installed by default or packed: who compiles specs
# needs none of it, and it needs the LLVM and MLIR that it was built with.
set(mlir_headers ${CMAKE_INSTALL_INCLUDEDIR}/ladon-mlir)

set(component COMPONENT mlir EXCLUDE_FROM_ALL)

if(TARGET LadonPlugin)
  install(TARGETS LadonPlugin LIBRARY DESTINATION lib ${component})
endif()
install(TARGETS LadonMLIR ARCHIVE DESTINATION lib ${component})

# Headers keep their places in the tree, by which they include each other.
foreach(folder dialects/attn dialects/cpu dialects/tile)
  install(DIRECTORY ${folder} ${PROJECT_BINARY_DIR}/${folder}
    DESTINATION ${mlir_headers}/dialects ${component}
    FILES_MATCHING PATTERN *.h PATTERN *.td PATTERN *.h.inc
    PATTERN CMakeFiles EXCLUDE)
endforeach()
foreach(header
    compiler/transforms/InitLadon.h
    compiler/transforms/Passes.h
    compiler/transforms/Pipelines.h
    compiler/codegen/Passes.h
    compiler/codegen/Pipelines.h
    compiler/codegen/cpu/Passes.h
    compiler/codegen/cpu/x86/Passes.h
    compiler/codegen/cuda/Passes.h
    compiler/codegen/halide/Passes.h)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${mlir_headers}/${folder} ${component})
  if(header MATCHES "/Passes.h$")
    install(FILES ${PROJECT_BINARY_DIR}/${header}.inc
      DESTINATION ${mlir_headers}/${folder} ${component})
  endif()
endforeach()

configure_file(cmake/install/LadonMLIR.cmake.in
  ${PROJECT_BINARY_DIR}/install/LadonMLIR.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/install/LadonMLIR.cmake
  DESTINATION ${package_folder} ${component})
