//===- Import.h - A checked attention as an attn module --------*- C++ -*-===//
//
// The last step of the front end. A spec that passed semantic analysis always
// imports: nothing is reported here.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_IMPORT_H
#define LADON_COMPILER_FRONTEND_IMPORT_H

#include "compiler/frontend/AST.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

namespace ladon {

/// Imports `attention` as a module with one function of its name: parameters in
/// their order (tensors of bool as tensors of i8, a bool as an i8), results in
/// theirs. Arguments and results carry `ladon.name`, tensors `ladon.dims`, and
/// bools `ladon.bool`. Every operation has the place in `sources` that it came
/// from. What no result needs is left out.
mlir::OwningOpRef<mlir::ModuleOp>
importAttention(mlir::MLIRContext &context, const ast::Attention &attention,
                const llvm::SourceMgr &sources);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_IMPORT_H
