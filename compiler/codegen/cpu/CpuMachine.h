//===- CpuMachine.h - Targets of one kind of CPU ---------------*- C++ -*-===//
//
// What one kind of CPU differs in, for the passes of this folder know vectors
// of some width only. Each kind has a folder here.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_CPUMACHINE_H
#define LADON_COMPILER_CODEGEN_CPU_CPUMACHINE_H

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/CpuTarget.h"

#include "llvm/Target/TargetMachine.h"

namespace ladon::cpu {

struct CpuMachine {
  llvm::StringRef name;        ///< "x86_64-linux-gnu"
  llvm::StringRef baselineCpu; ///< For LLVM; its code runs on every one.
  /// A machine of LLVM that makes position-independent code for a level, or for
  /// the baseline.
  std::unique_ptr<llvm::TargetMachine> (*createMachine)(llvm::StringRef level);
  /// The level of the running machine; 0 where it is of another kind.
  int32_t (*hostLevel)();
  /// The object file of the runtime.
  llvm::StringRef (*getRuntimeObject)();
  /// Kernels for vectors of that many bits.
  PeakKernels (*getPeakKernels)(int64_t vectorBits, bool isDouble);
  /// Adds what makes use of the instructions of a level, before what all CPUs
  /// have in common; null where nothing does.
  void (*addPasses)(mlir::OpPassManager &pm,
                    const CpuTarget &figures) = nullptr;
};

/// A target with any figures.
std::unique_ptr<Target> createCpuTarget(const CpuMachine &machine,
                                        const CpuTarget &figures);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_CPUMACHINE_H
