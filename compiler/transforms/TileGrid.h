//===- TileGrid.h - Building a tile.grid -----------------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_TILEGRID_H
#define LADON_COMPILER_TRANSFORMS_TILEGRID_H

#include "dialects/tile/Tile.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon {

/// A grid over `sizes`, the last axis fastest and the axes `descending` from
/// their ends; `body` fills a point of it.
void createGrid(
    mlir::ImplicitLocOpBuilder &b, mlir::ValueRange sizes,
    llvm::ArrayRef<int64_t> descending,
    llvm::function_ref<void(mlir::Block::BlockArgListType at)> body);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_TILEGRID_H
