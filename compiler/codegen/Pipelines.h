//===- Pipelines.h - For the programs of other compilers -------*- C++ -*-===//
//
// From functions with attends among other operations to code that needs nothing
// of Ladon. Functions keep their signatures, and what the passes do not know.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_PIPELINES_H
#define LADON_COMPILER_CODEGEN_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

namespace ladon {

/// On tensors: heads are folded into maps, masks brought into normal form, and
/// what remains of attn can be bufferized by upstream's passes.
void buildTensorPipeline(mlir::OpPassManager &pm);

/// From attends and linalg on buffers to `scf.parallel` loops over calls of
/// private functions, with vectors of the machine of `level`: a level of a CPU
/// as in --cpu, or "native". Memory that is needed between is allocated, and
/// freed by nobody yet. The error says which levels there are.
llvm::Error buildLoopPipeline(mlir::OpPassManager &pm, llvm::StringRef level);

/// Both, with upstream's bufferization between, and its deallocation and
/// conversions to the LLVM dialect behind.
llvm::Error buildLlvmPipeline(mlir::OpPassManager &pm, llvm::StringRef level);

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_PIPELINES_H
