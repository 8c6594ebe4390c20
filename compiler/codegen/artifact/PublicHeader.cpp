//===- PublicHeader.cpp - ladon.h inside the compiler ---------------------===//
//
// The text is part of the read-only data of this library, so that `ladon` needs
// no file beside itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

__asm__(".section .rodata.ladon_embedded,\"a\",@progbits\n"
        "ladon_embedded_header:\n"
        ".incbin \"" LADON_PUBLIC_HEADER "\"\n"
        "ladon_embedded_header_end:\n"
        ".previous\n");

extern "C" {
extern const char ladon_embedded_header[], ladon_embedded_header_end[];
}

llvm::StringRef ladon::artifact::publicHeader() {
  return {ladon_embedded_header,
          size_t(ladon_embedded_header_end - ladon_embedded_header)};
}
