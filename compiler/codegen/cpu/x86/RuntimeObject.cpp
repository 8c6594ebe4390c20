//===- RuntimeObject.cpp - The runtime that goes into libraries -----------===//
//
// Its object file is part of the read-only data of this library, so that
// `ladon` needs no file beside itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/x86/X86Backend.h"

// Between two symbols; the alignment is for the ELF reader.
__asm__(".section .rodata.ladon_embedded,\"a\",@progbits\n"
        ".balign 64\n"
        "ladon_embedded_runtime:\n"
        ".incbin \"" LADON_RUNTIME_OBJECT "\"\n"
        "ladon_embedded_runtime_end:\n"
        ".previous\n");

extern "C" {
extern const char ladon_embedded_runtime[], ladon_embedded_runtime_end[];
}

llvm::StringRef ladon::cpu::x86RuntimeObject() {
  return {ladon_embedded_runtime,
          size_t(ladon_embedded_runtime_end - ladon_embedded_runtime)};
}
