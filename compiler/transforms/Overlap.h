//===- Overlap.h - Which memory may be the same ----------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_OVERLAP_H
#define LADON_COMPILER_TRANSFORMS_OVERLAP_H

#include "mlir/IR/Operation.h"

namespace ladon {

/// Whether two memrefs may have an element in common. Arguments of a function
/// do not overlap where one of them is written, and neither does an allocation
/// with anything else.
bool mayOverlap(mlir::Value one, mlir::Value other);

/// What an operation does to memory.
enum class Access { Read, Write };

/// Whether an operation may read, or write, memory that `memory` is part of;
/// those inside of it count. An operation that does not say what it does may do
/// anything.
bool mayAccess(mlir::Operation *op, Access access, mlir::Value memory);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_OVERLAP_H
