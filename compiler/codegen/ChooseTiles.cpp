//===- ChooseTiles.cpp - The tiles of an attend ---------------------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/ChooseTiles.h"

#include "compiler/codegen/Passes.h"
#include "compiler/transforms/SharedLanes.h"
#include "dialects/tile/Tile.h"

#define DEBUG_TYPE "attn-choose-tiles"

namespace ladon {
#define GEN_PASS_DEF_CHOOSETILES
#include "compiler/codegen/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

TileShape ladon::chooseTiles(attn::AttendOp op, const Target &target) {
  Type stored = getElementTypeOrSelf(op.getQuery().getType());
  Type values = getElementTypeOrSelf(op.getValue().getType());
  if (stored != getElementTypeOrSelf(op.getKey().getType()) ||
      (stored != values && values.getIntOrFloatBitWidth() == 16))
    stored = op.getElementType();
  TileShape tiles =
      target.getTiles(op.getElementType(), stored, op.getHeadDim(),
                      op.getValueDim(), headsThatShareLanes(op));
  op.getContext()->loadDialect<tile::TileDialect>();
  op->setAttr(tile::TileDialect::shapeName,
              tile::ShapeAttr::get(op.getContext(), tiles.queries, tiles.keys,
                                   tiles.fewQueries, tiles.chunkKeys,
                                   tiles.narrow, tiles.fewKeys, tiles.fewRows,
                                   tiles.fewChunks, tiles.pairs, tiles.lanes));
  return tiles;
}

namespace {
struct ChooseTiles : public ladon::impl::ChooseTilesBase<ChooseTiles> {
  using ChooseTilesBase::ChooseTilesBase;

  void runOnOperation() override {
    auto target = createTargetOfLevel(level);
    if (!target) {
      getOperation().emitError(llvm::toString(target.takeError()));
      return signalPassFailure();
    }
    getOperation().walk([&](attn::AttendOp op) {
      if (!op->hasAttr(tile::TileDialect::shapeName))
        chooseTiles(op, **target);
    });
  }
};
} // namespace
