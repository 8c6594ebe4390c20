//===- EmbedFile.h - Files inside of programs ------------------*- C++ -*-===//
//
// LADON_EMBED_FILE(name, path) makes the bytes of a file part of the read-only
// data of a library, LADON_EMBEDDED_FILE(name) is them.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_SUPPORT_EMBEDFILE_H
#define LADON_COMPILER_SUPPORT_EMBEDFILE_H

#include "llvm/ADT/StringRef.h"

// Between two symbols; the alignment is for readers of object files.
#define LADON_EMBED_FILE(name, path)                                           \
  __asm__(".section .rodata.ladon_embedded,\"a\",@progbits\n"                  \
          ".balign 64\n" #name ":\n"                                           \
          ".incbin \"" path "\"\n" #name "_end:\n"                             \
          ".previous\n");                                                      \
  extern "C" {                                                                 \
  extern const char name[], name##_end[];                                      \
  }

#define LADON_EMBEDDED_FILE(name)                                              \
  llvm::StringRef(name, size_t(name##_end - name))

#endif // LADON_COMPILER_SUPPORT_EMBEDFILE_H
