# Cross-compiles C for 64-bit Arm with what the tests have: Clang, lld, and the C
# library of Debian's libc6-dev-arm64-cross. Nothing of a compiler's own is linked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_C_FLAGS_INIT
  "-isystem /usr/aarch64-linux-gnu/include -fno-stack-protector -mno-outline-atomics")
set(libraries /usr/aarch64-linux-gnu/lib)
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-fuse-ld=lld -nostdlib -Wl,-dynamic-linker,/lib/ld-linux-aarch64.so.1 \
${libraries}/Scrt1.o ${libraries}/crti.o ${libraries}/crtn.o -pie")
set(CMAKE_C_STANDARD_LIBRARIES_INIT
  "${libraries}/libc.so.6 ${libraries}/libc_nonshared.a ${libraries}/libm.so.6")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# The compiler runs here, and its package is found among what is installed here.
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64-static;-L;/usr/aarch64-linux-gnu")
