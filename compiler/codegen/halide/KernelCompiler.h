//===- KernelCompiler.h - Runs ladon-halide --------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_KERNELCOMPILER_H
#define LADON_COMPILER_CODEGEN_HALIDE_KERNELCOMPILER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace ladon::halide {

/// One function for Halide to make code of.
struct KernelJob {
  std::string symbol;
  std::string text;  ///< A module with its attend.
  std::string level; ///< "x86-64-v3"
  bool guarded;
};

/// The path of the program, which lies beside the running one; the error says
/// how to get it.
llvm::Expected<std::string> findKernelCompiler();

/// An object file for each, made side by side.
llvm::Expected<std::vector<std::string>>
compileKernels(llvm::ArrayRef<KernelJob> jobs);

/// The loops of a kernel, as Halide prints them.
llvm::Expected<std::string> printLoops(const KernelJob &job);

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_KERNELCOMPILER_H
