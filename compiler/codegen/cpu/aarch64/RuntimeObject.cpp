//===- RuntimeObject.cpp - The runtime that goes into libraries -----------===//
//
// Its object file is part of the read-only data of this library, so that
// `ladon` needs no file beside itself. Where the headers of the C library for
// AArch64 are missing, there is none.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/aarch64/AArch64Backend.h"

#ifdef LADON_RUNTIME_OBJECT
#include "compiler/support/EmbedFile.h"

LADON_EMBED_FILE(ladon_runtime_aarch64, LADON_RUNTIME_OBJECT)

llvm::StringRef ladon::cpu::aarch64RuntimeObject() {
  return LADON_EMBEDDED_FILE(ladon_runtime_aarch64);
}
#else
llvm::StringRef ladon::cpu::aarch64RuntimeObject() { return {}; }
#endif
