//===- RowMap.h - From the row of a tile to head and position --*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_VECTOR_ROWMAP_H
#define LADON_COMPILER_CODEGEN_VECTOR_ROWMAP_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>

namespace ladon {

/// What a row map adds to the head and the position of a tile, for row `row`:
/// an index, an i32, or a vector of either, as the results are. The head is
/// null without a map: all rows have one.
struct MappedRow {
  mlir::Value head, position;
};
MappedRow applyRowMap(mlir::ImplicitLocOpBuilder &b,
                      std::optional<mlir::AffineMap> map, mlir::Value row);

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_VECTOR_ROWMAP_H
