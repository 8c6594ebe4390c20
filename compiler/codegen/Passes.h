//===- Passes.h - Passes that ask a target, and all others -----*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_PASSES_H
#define LADON_COMPILER_CODEGEN_PASSES_H

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace ladon {

#define GEN_PASS_DECL
#include "compiler/codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/codegen/Passes.h.inc"

/// The passes of all code generators, and the pipelines that lead from attn to
/// LLVM: see RegisterPasses.cpp.
void registerCodegenPasses();

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_PASSES_H
