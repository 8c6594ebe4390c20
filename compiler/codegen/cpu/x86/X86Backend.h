//===- X86Backend.h - Code for x86-64 --------------------------*- C++ -*-===//
//
// The levels of the x86-64 psABI that have kernels: their names, registers,
// instructions and runtime. The passes of ../ know vectors of some width only.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_X86_X86BACKEND_H
#define LADON_COMPILER_CODEGEN_CPU_X86_X86BACKEND_H

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/CpuTarget.h"

#include "llvm/Target/TargetMachine.h"

namespace ladon::cpu {

/// The back end of `--target cpu`.
const Backend &x86Backend();

/// The figures of a level; none when there is no such level.
std::optional<CpuTarget> findX86Level(llvm::StringRef name);

/// A target with any figures.
std::unique_ptr<Target> createX86Target(const CpuTarget &figures);

/// A machine of LLVM that makes position-independent code for a level: one of
/// those, or "x86-64".
std::unique_ptr<llvm::TargetMachine> createX86Machine(llvm::StringRef level);

/// The object file of the runtime.
llvm::StringRef x86RuntimeObject();

/// Kernels for vectors of 128 bits, without multiply-adds, or of 256 or 512.
PeakKernels x86PeakKernels(int64_t vectorBits, bool isDouble);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_X86_X86BACKEND_H
