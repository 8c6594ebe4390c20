//===- RowGroups.h - Elementwise work that goes together -------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CPU_ROWGROUPS_H
#define LADON_COMPILER_CODEGEN_CPU_ROWGROUPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ladon::cpu {

/// Operations of linalg on buffers that may be done one after the other for
/// some of the points of their first `axes` loops, then for others. Those loops
/// are parallel and of the same length in all of them. Nothing between the
/// first and the last of them touches memory.
struct RowGroup {
  llvm::SmallVector<mlir::linalg::LinalgOp> ops;
  unsigned axes = 0;
};

/// The operations of linalg in `block` whose first loop is parallel, each in
/// one group, in their order. None of them is on tensors.
llvm::SmallVector<RowGroup> findRowGroups(mlir::Block &block);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_ROWGROUPS_H
