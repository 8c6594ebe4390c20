//===- Embedded.cpp - Files that travel inside the compiler --------------===//
//
// The runtime's object file and the public header are part of the read-only
// data of this library, so that `ladon` needs no file beside itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

// Each file, between two symbols; the alignment is for the ELF reader.
__asm__(".section .rodata.ladon_embedded,\"a\",@progbits\n"
        ".balign 64\n"
        "ladon_embedded_runtime:\n"
        ".incbin \"" LADON_RUNTIME_OBJECT "\"\n"
        "ladon_embedded_runtime_end:\n"
        ".balign 64\n"
        "ladon_embedded_header:\n"
        ".incbin \"" LADON_PUBLIC_HEADER "\"\n"
        "ladon_embedded_header_end:\n"
        ".previous\n");

extern "C" {
extern const char ladon_embedded_runtime[], ladon_embedded_runtime_end[];
extern const char ladon_embedded_header[], ladon_embedded_header_end[];
}

llvm::StringRef ladon::artifact::runtimeObject() {
  return {ladon_embedded_runtime,
          size_t(ladon_embedded_runtime_end - ladon_embedded_runtime)};
}

llvm::StringRef ladon::artifact::publicHeader() {
  return {ladon_embedded_header,
          size_t(ladon_embedded_header_end - ladon_embedded_header)};
}
