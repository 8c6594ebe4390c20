//===- TileShapes.h - Clauses that tile verifiers share --------*- C++ -*-===//

#ifndef LADON_DIALECTS_TILE_TILESHAPES_H
#define LADON_DIALECTS_TILE_TILESHAPES_H

#include "dialects/tile/Tile.h"

namespace ladon::tile {

/// The shape and element type of a tile, whichever form it has.
struct TileShape {
  llvm::SmallVector<int64_t, 2> dims;
  mlir::Type element;

  bool operator==(const TileShape &other) const {
    return dims == other.dims && element == other.element;
  }
};

TileShape shapeOf(mlir::Type type);
TileShape shapeOf(mlir::Value tile);
/// As in a type: "24x64xf32".
std::string text(const TileShape &shape);
/// A tile of (row, column) or, transposed, of (column, row).
TileShape matrix(int64_t rows, int64_t columns, mlir::Type element,
                 bool transposed);
int64_t rowsOf(const TileShape &shape, bool transposed);
int64_t columnsOf(const TileShape &shape, bool transposed);

/// Errors at the operation where a tile, which is called `what`, has another
/// shape or rank.
mlir::LogicalResult expectShape(mlir::Operation *op, llvm::StringRef what,
                                mlir::Value tile, const TileShape &expected);
mlir::LogicalResult expectRank(mlir::Operation *op, llvm::StringRef what,
                               mlir::Value tile, size_t rank);
/// An error at the operation where a map is not from a row to head and
/// position.
mlir::LogicalResult verifyRowMap(mlir::Operation *op,
                                 std::optional<mlir::AffineMap> map);
/// Tiles are all tensors, and there are results, or all buffers, and there are
/// none; `expected` are the shapes of all results, the last `optional` of which
/// may be left out.
mlir::LogicalResult verifyForm(ValueOpInterface op, mlir::ValueRange tiles,
                               llvm::ArrayRef<TileShape> expected,
                               size_t optional = 0);

} // namespace ladon::tile

#endif // LADON_DIALECTS_TILE_TILESHAPES_H
