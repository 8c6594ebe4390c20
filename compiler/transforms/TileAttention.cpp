//===- TileAttention.cpp - attend to the online-softmax loop nest ---------===//
//
// Turns each attn.attend on buffers into a grid over (batch, head, query tile)
// and, in each grid point, a loop over all blocks of keys that masks every
// block. `classify-blocks` then leaves out what the mask hides.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/AttentionNest.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#define DEBUG_TYPE "tile-attention"

namespace ladon {
#define GEN_PASS_DEF_TILEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

/// A grid over `sizes`; `body` fills a point of it. The last axis is walked
/// from its end: under a causal mask the last queries see the most keys, and
/// work is handed out in order.
static void
createGrid(ImplicitLocOpBuilder &b, ValueRange sizes,
           llvm::function_ref<void(Block::BlockArgListType at)> body) {
  auto rank = static_cast<int64_t>(sizes.size());
  auto schedule = tile::ScheduleAttr::get(
      b.getContext(), llvm::to_vector(llvm::seq<int64_t>(0, rank)),
      {rank - 1});
  auto grid = tile::GridOp::create(b, sizes, schedule);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(rank, b.getIndexType());
  SmallVector<Location> locations(rank, b.getLoc());
  Block *block = b.createBlock(&grid.getBody(), {}, types, locations);
  body(block->getArguments());
  tile::YieldOp::create(b);
}

/// One grid point per tile of queries of one head, over all keys.
static void tileByQueries(attn::AttendOp op, AttentionNest &nest,
                          ImplicitLocOpBuilder &b, AttentionTiles tiles) {
  nest.setTiles(tiles);
  Value height = nest.index(tiles.rows);
  Value count = arith::CeilDivSIOp::create(b, nest.queries, height);
  Value heads = nest.index(op.getHeads());
  int64_t group = op.getHeads() / op.getKeyValueHeads();
  createGrid(b, {nest.batches, heads, count}, [&](auto at) {
    QueryRows rows;
    rows.batch = at[0];
    rows.head = at[1];
    rows.keyHead =
        group == 1 ? rows.head
                   : arith::DivUIOp::create(b, rows.head, nest.index(group))
                         .getResult();
    rows.position = arith::MulIOp::create(b, at[2], height);
    Value rest = arith::SubIOp::create(b, nest.queries, rows.position);
    rows.count = arith::MinSIOp::create(b, rest, height);
    Value query = nest.loadQuery(rows);
    SoftmaxState state = nest.visitKeys(rows, query, nest.index(0), nest.keys,
                                        nest.initial(), /*guarded=*/false);
    nest.finish(rows, query, state);
  });
}

namespace {
struct TileAttention : public ladon::impl::TileAttentionBase<TileAttention> {
  using TileAttentionBase::TileAttentionBase;

  void runOnOperation() override {
    SmallVector<attn::AttendOp> ops;
    getOperation().walk([&](attn::AttendOp op) { ops.push_back(op); });
    for (attn::AttendOp op : ops) {
      if (!op.getResults().empty()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(op.getLoc(), op);
      AttentionNest nest(op, b);
      if (failed(nest.makeViews()))
        return signalPassFailure();
      AttentionTiles tiles;
      tiles.rows = queryTile * 32 / op.getElementType().getWidth();
      tiles.keys = keyTile;
      tiles.transposed = transposed;
      tileByQueries(op, nest, b, tiles);
      op.erase();
    }
  }
};
} // namespace
