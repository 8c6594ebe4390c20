//===- QueryTiles.h - How queries are cut into tiles -----------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_QUERYTILES_H
#define LADON_COMPILER_TRANSFORMS_QUERYTILES_H

#include "compiler/transforms/AttentionNest.h"

namespace ladon {

/// Cuts the queries of a nest into tiles of as many positions as its
/// AttentionTiles say, at most.
///
/// Positions that fill a register are a unit. Where those of a call do not fill
/// whole tiles, a last tile of what is left may have a single unit, and a
/// register tile of one register runs at three quarters of the speed of wider
/// ones. So as many of the last tiles as there are units too many have a unit
/// less: 64 queries in registers of 16 are two tiles of 32, not one of 48 and
/// one of 16.
class QueryTiles {
public:
  explicit QueryTiles(AttentionNest &nest, mlir::ImplicitLocOpBuilder &b);

  /// How many tiles there are.
  mlir::Value getCount() const { return count; }
  /// The first position of a tile.
  mlir::Value getPosition(mlir::Value tile);
  /// How many positions the tile has that begins at `position`.
  mlir::Value getSize(mlir::Value tile, mlir::Value position);

private:
  AttentionNest &nest;
  mlir::ImplicitLocOpBuilder &b;
  int64_t height; ///< Positions of a tile.
  int64_t unit;   ///< Of them, those that fill a register; 0: of no account.
  mlir::Value count;
  mlir::Value large; ///< How many tiles have all units; null: all.
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_QUERYTILES_H
