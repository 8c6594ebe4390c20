//===- Import.h - A checked attention as an attn module --------*- C++ -*-===//
//
// The last step of the front end. A spec that passed semantic analysis always
// imports: nothing is reported here.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_IMPORT_H
#define LADON_COMPILER_FRONTEND_IMPORT_H

#include "compiler/frontend/Frontend.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

namespace ladon {

/// Imports the attention of `spec` as a module with one function of its name:
/// parameters in their order (tensors of bool as tensors of i8, a bool as an
/// i8), results in theirs. Arguments and results say in `attn.param` what they
/// are to a caller, the function has its text in `attn.source` and the values
/// of its compile-time params in `attn.settings`. Every operation has the place
/// in `sources` that it came from. What no result needs is left out. `masked`,
/// if given, becomes the attend that each mask belongs to.
mlir::OwningOpRef<mlir::ModuleOp> importAttention(
    mlir::MLIRContext &context, const CheckedSpec &spec,
    const llvm::SourceMgr &sources,
    llvm::DenseMap<const ast::Expr *, mlir::Operation *> *masked = nullptr);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_IMPORT_H
