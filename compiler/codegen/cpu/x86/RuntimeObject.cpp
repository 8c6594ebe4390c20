//===- RuntimeObject.cpp - The runtime that goes into libraries -----------===//
//
// Its object file is part of the read-only data of this library, so that
// `ladon` needs no file beside itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/x86/X86Backend.h"
#include "compiler/support/EmbedFile.h"

LADON_EMBED_FILE(ladon_runtime_x86, LADON_RUNTIME_OBJECT)

llvm::StringRef ladon::cpu::x86RuntimeObject() {
  return LADON_EMBEDDED_FILE(ladon_runtime_x86);
}
