# What `cmake --install` installs and cpack packs: the compiler, the simulator,
# the header of the C interface, the package for CMake, ladon.pc and the pages.
# The files may be moved together: nothing in them names the prefix.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The simulator is looked for beside the folder of the program.
set(simulator_folder lib)
set(package_folder lib/cmake/Ladon)

install(TARGETS ladon RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET ladon-call-aarch64)
  install(PROGRAMS ${PROJECT_BINARY_DIR}/bin/ladon-call-aarch64
    DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS ladon-cuda-sim LIBRARY DESTINATION ${simulator_folder})
install(DIRECTORY runtime/include/ladon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

configure_package_config_file(cmake/install/LadonConfig.cmake.in
  ${PROJECT_BINARY_DIR}/install/LadonConfig.cmake
  INSTALL_DESTINATION ${package_folder}
  PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/install/LadonConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
configure_file(cmake/install/ladon.pc.in ${PROJECT_BINARY_DIR}/install/ladon.pc @ONLY)
install(FILES
  ${PROJECT_BINARY_DIR}/install/LadonConfig.cmake
  ${PROJECT_BINARY_DIR}/install/LadonConfigVersion.cmake
  cmake/install/LadonAddLibrary.cmake
  DESTINATION ${package_folder})
install(FILES ${PROJECT_BINARY_DIR}/install/ladon.pc DESTINATION lib/pkgconfig)

# What the program says of itself.
foreach(page
    "man:share/man/man1/ladon.1"
    "completion bash:share/bash-completion/completions/ladon"
    "completion zsh:share/zsh/site-functions/_ladon"
    "completion fish:share/fish/vendor_completions.d/ladon.fish")
  string(REGEX MATCH "(.*):(.*)" page ${page})
  set(file ${PROJECT_BINARY_DIR}/install/${CMAKE_MATCH_2})
  get_filename_component(folder ${CMAKE_MATCH_2} DIRECTORY)
  separate_arguments(arguments UNIX_COMMAND ${CMAKE_MATCH_1})
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/install/${folder})
  add_custom_command(OUTPUT ${file} COMMAND ladon ${arguments} > ${file}
    DEPENDS ladon VERBATIM)
  list(APPEND pages ${file})
  install(FILES ${file} DESTINATION ${folder})
endforeach()
add_custom_target(ladon-pages ALL DEPENDS ${pages})

install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ ${PROJECT_BINARY_DIR}/docs/reference
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN *.md)
install(DIRECTORY editors DESTINATION ${CMAKE_INSTALL_DATADIR}/ladon)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

include(LadonInstallMLIR)

set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_CONTACT "The Ladon authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Compiler of attention specs to small shared libraries")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
if(LADON_STATIC)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.36)")
else()
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
