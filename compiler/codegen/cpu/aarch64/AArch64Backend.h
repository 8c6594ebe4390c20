//===- AArch64Backend.h - Code for 64-bit Arm ------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_AARCH64_AARCH64BACKEND_H
#define LADON_COMPILER_CODEGEN_CPU_AARCH64_AARCH64BACKEND_H

#include "compiler/codegen/Backend.h"

namespace ladon::cpu {

/// The back end of `--target aarch64`.
const Backend &aarch64Backend();

/// The object file of the runtime.
llvm::StringRef aarch64RuntimeObject();

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_AARCH64_AARCH64BACKEND_H
