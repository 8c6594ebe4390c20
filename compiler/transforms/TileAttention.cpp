//===- TileAttention.cpp - attend to the online-softmax loop nest ---------===//
//
// Turns each attn.attend on buffers into grids over tiles of queries and, in
// each grid point, a loop over blocks of keys that masks every block.
// `classify-blocks` then leaves out what the mask hides.
//
// There are two forms. For many queries, a grid point has a tile of queries of
// one head, and goes over all keys. For few, whose work is to read K and V
// once, it has all query heads that share a key head, at one position or as
// many as a tile has rows for, and goes over one chunk of the keys; a second
// grid merges the states of the chunks (Dao et al. 2023, Flash-Decoding).
// Chunks are the same whatever the number of threads is, and so are results.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/NestProjection.h"
#include "compiler/transforms/QueryTiles.h"
#include "compiler/transforms/SharedLanes.h"
#include "compiler/transforms/TileGrid.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

#define DEBUG_TYPE "tile-attention"

namespace ladon {
#define GEN_PASS_DEF_TILEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

/// How many keys a block has that should have `wanted`: where they lie in
/// pages, the most that a page has a whole number of blocks of, so that a block
/// is read in place, and that is a multiple of `unit`. With fewer than
/// `enough`, blocks are better copied.
static int64_t keysOfBlock(attn::AttendOp op, int64_t wanted, int64_t enough,
                           int64_t unit) {
  if (!op.getPages())
    return wanted;
  int64_t size = op.getPageSize(), keys = std::min(size, wanted);
  while (keys >= enough && (size % keys != 0 || keys % unit != 0))
    --keys;
  return keys < enough ? wanted : keys;
}

/// Keys that one product of narrow tiles sums over, and those that lie in the
/// lanes of the widest vector: blocks for few queries are whole ones.
static constexpr int64_t narrowKeys = 16;

//===----------------------------------------------------------------------===//
// Many queries
//===----------------------------------------------------------------------===//

/// Whether nobody reads what the attend computes but its scores: the memory of
/// the rest is its own.
static bool wantsScoresOnly(attn::AttendOp op) {
  return op.hasScores() && !op.getNormalized() &&
         llvm::all_of(op.getInits().drop_back(), [](Value init) {
           return init.getDefiningOp<memref::AllocOp>() && init.hasOneUse();
         });
}

/// How many query heads share the lanes of a tile: as many as can and divide
/// it. A tile has fewer positions then: a call with few of them fills more
/// lanes, and a mask cuts fewer blocks.
static int64_t headsOfLanes(attn::AttendOp op, const AttentionTiles &tiles) {
  return tiles.transposed ? std::gcd(headsThatShareLanes(op), tiles.rows) : 1;
}

/// One grid point per tile of queries of one head, or of several that share its
/// lanes, over all keys; with a projection, or with weights that are summed
/// over the heads, of all heads, one after the other. With a mask, tiles come
/// last first: under a causal one the last queries see the most keys, and work
/// is handed out in order.
static void tileByQueries(attn::AttendOp op, AttentionNest &nest,
                          ImplicitLocOpBuilder &b, AttentionTiles tiles,
                          bool scoresOnly, NestProjection *projection) {
  nest.setTiles(tiles);
  if (op.hasScores() && op.getPages())
    nest.fillScoresOfNoKeys();
  nest.keepWeights();
  QueryTiles queryTiles(nest, b);
  Value count = queryTiles.getCount();
  int64_t group = op.getHeads() / op.getKeyValueHeads();
  Value heads = nest.index(op.getHeads() / tiles.heads);
  SmallVector<int64_t> descending;
  if (op.hasMask())
    descending.push_back(2);
  auto multiply = [&](Value x, int64_t y) -> Value {
    return y == 1 ? x : arith::MulIOp::create(b, x, nest.index(y));
  };
  /// The finished rows of queries of the heads that share a tile.
  auto attend = [&](const QueryRows &rows) -> Value {
    Value query = nest.loadQuery(rows);
    SoftmaxState state = nest.visitKeys(rows, query, nest.index(0), nest.keys,
                                        nest.initial(), /*guarded=*/false);
    Value out = nest.finishGuarded(rows, query, state);
    if (op.getNormalized())
      nest.storeWeights(rows, query, nest.withSinks(rows, state));
    else if (op.hasScores())
      nest.storeScores(rows, query, std::nullopt);
    return out;
  };
  bool sums = sumsOverHeads(op);
  Value pieces = projection ? projection->countPieces(heads)
                 : sums     ? nest.index(1)
                            : heads;
  createGrid(b, {nest.batches, pieces, count}, descending, [&](auto at) {
    QueryRows rows;
    rows.batch = at[0];
    rows.position = queryTiles.getPosition(at[2]);
    rows.count =
        multiply(queryTiles.getSize(at[2], rows.position), tiles.heads);
    auto ofHeads = [&](Value number) {
      rows.head = multiply(number, tiles.heads);
      rows.keyHead = number;
      if (group != tiles.heads)
        rows.keyHead = arith::DivUIOp::create(b, rows.head, nest.index(group));
      return rows;
    };
    if (projection)
      return projection->forHeads(
          rows, at[1], heads, [&](Value head) { return attend(ofHeads(head)); },
          [&](Value head, Value out) { nest.storeOut(ofHeads(head), out); });
    if (sums) {
      auto loop = scf::ForOp::create(b, nest.index(0), heads, nest.index(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      ofHeads(loop.getInductionVar());
      return nest.storeOut(rows, attend(rows));
    }
    ofHeads(at[1]);
    if (scoresOnly)
      return nest.storeScores(rows, nest.loadQuery(rows), std::nullopt);
    nest.storeOut(rows, attend(rows));
  });
}

//===----------------------------------------------------------------------===//
// Few queries
//===----------------------------------------------------------------------===//

/// How the keys are cut for few queries.
struct Chunks {
  int64_t keys;  ///< Of a chunk, whole blocks.
  int64_t block; ///< Keys of a block.
  int64_t most;  ///< Chunks are longer rather than more than that; 0: any.
};

/// The keys of a chunk.
static Value chunkLength(ImplicitLocOpBuilder &b, AttentionNest &nest,
                         const Chunks &chunks) {
  Value least = nest.index(chunks.keys);
  if (chunks.most == 0)
    return least;
  Value block = nest.index(chunks.block);
  Value wanted = arith::CeilDivSIOp::create(
      b, nest.keys, nest.index(chunks.most * chunks.block));
  return arith::MaxSIOp::create(b, least,
                                arith::MulIOp::create(b, wanted, block));
}

/// One grid point per (batch, key head, chunk of keys, positions); positions
/// are the fastest axis, so that a chunk is still in the cache for the next
/// ones. Then one per (batch, key head, positions) that merges the chunks in
/// order. Returns an i1, whether any row has to be computed again with guarded
/// updates: the form for many queries has them, and one of them is enough. Not
/// where tiles are narrow: whoever starts the grids does not see what they
/// find, and rows are computed again where they are merged.
static Value tileByChunks(attn::AttendOp op, AttentionNest &nest,
                          ImplicitLocOpBuilder &b, AttentionTiles tiles,
                          const Chunks &cut) {
  nest.setTiles(tiles);
  auto multiply = [&](Value x, Value y) -> Value {
    return arith::MulIOp::create(b, x, y);
  };
  Value one = nest.index(1);
  Value keyHeads = nest.index(op.getKeyValueHeads());
  Value chunk = chunkLength(b, nest, cut);
  // Without any key there is still a state to finish.
  Value chunks = arith::MaxSIOp::create(
      b, arith::CeilDivSIOp::create(b, nest.keys, chunk), one);
  int64_t perTile = tiles.rows / tiles.heads;
  Value queryTiles = nest.queries;
  if (perTile > 1)
    queryTiles =
        arith::CeilDivSIOp::create(b, nest.queries, nest.index(perTile));

  // Rows of all chunks of all positions, one after the other: of a tile those
  // that any has.
  Value rows = nest.index(tiles.heads);
  if (perTile > 1)
    rows = multiply(
        arith::MinSIOp::create(b, nest.queries, nest.index(perTile)), rows);
  Value stateRows = multiply(multiply(queryTiles, chunks), rows);
  auto dynamic = ShapedType::kDynamic;
  auto keyHeadCount = static_cast<int64_t>(op.getKeyValueHeads());
  auto allocate = [&](ArrayRef<int64_t> shape) -> Value {
    return memref::AllocOp::create(
        b, MemRefType::get(shape, nest.accumulator()),
        ValueRange{nest.batches, stateRows}, b.getI64IntegerAttr(64));
  };
  SoftmaxState partial{allocate({dynamic, keyHeadCount, dynamic}),
                       allocate({dynamic, keyHeadCount, dynamic}),
                       allocate({dynamic, keyHeadCount, dynamic,
                                 static_cast<int64_t>(op.getValueDim())})};
  auto firstRow = [&](Value tile, Value number) {
    Value before = multiply(tile, chunks);
    return multiply(arith::AddIOp::create(b, before, number), rows);
  };
  auto rowsAt = [&](Value batch, Value keyHead, Value tile) {
    Value heads = nest.index(tiles.heads);
    QueryRows result{batch, multiply(keyHead, heads), keyHead, tile, heads};
    if (perTile > 1) {
      Value positions = nest.index(perTile);
      result.position = multiply(tile, positions);
      Value rest = arith::SubIOp::create(b, nest.queries, result.position);
      result.count =
          multiply(arith::MinSIOp::create(b, rest, positions), heads);
    }
    return result;
  };

  auto integer = [&](bool value) -> Value {
    return arith::ConstantIntOp::create(b, value, 32);
  };
  Value failed;
  if (nest.canHide() && !tiles.narrow) {
    // Not from the call's allocator: it is written before any task runs, so
    // that there may be no memory.
    failed = memref::AllocaOp::create(b, MemRefType::get({1}, b.getI32Type()),
                                      b.getI64IntegerAttr(64));
    memref::StoreOp::create(b, integer(false), failed, nest.index(0));
  }

  createGrid(b, {nest.batches, keyHeads, chunks, queryTiles}, {}, [&](auto at) {
    QueryRows queryRows = rowsAt(at[0], at[1], at[3]);
    Value lower = multiply(at[2], chunk);
    Value upper = arith::MinSIOp::create(
        b, arith::AddIOp::create(b, lower, chunk), nest.keys);
    SoftmaxState state =
        nest.visitKeys(queryRows, nest.loadQuery(queryRows), lower, upper,
                       nest.initial(), /*guarded=*/false);
    nest.storeState(state, partial, at[0], at[1], firstRow(at[3], at[2]),
                    queryRows.count);
  });
  createGrid(b, {nest.batches, keyHeads, queryTiles}, {}, [&](auto at) {
    QueryRows queryRows = rowsAt(at[0], at[1], at[2]);
    auto loadState = [&](Value number) {
      return nest.loadState(partial, at[0], at[1], firstRow(at[2], number),
                            queryRows.count);
    };
    SoftmaxState state = loadState(nest.index(0));
    auto loop = scf::ForOp::create(b, one, chunks, one, state.values());
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      auto args = loop.getRegionIterArgs();
      SoftmaxState next = loadState(loop.getInductionVar());
      scf::YieldOp::create(
          b, nest.merge(queryRows, {args[0], args[1], args[2]}, next).values());
    }
    SoftmaxState merged{loop.getResult(0), loop.getResult(1),
                        loop.getResult(2)};
    if (tiles.narrow)
      return nest.storeOut(queryRows,
                           nest.finishGuarded(queryRows, Value(), merged));
    Value bad = nest.finish(queryRows, merged);
    if (!bad)
      return;
    auto branch = scf::IfOp::create(b, bad, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    // Other threads may find the same.
    memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::assign, integer(true),
                                failed, nest.index(0));
  });
  if (!failed)
    return arith::ConstantIntOp::create(b, 0, 1);
  Value found = memref::LoadOp::create(b, failed, nest.index(0));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, found,
                               integer(false));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct TileAttention : public ladon::impl::TileAttentionBase<TileAttention> {
  using TileAttentionBase::TileAttentionBase;

  void runOnOperation() override {
    SmallVector<attn::AttendOp> ops;
    getOperation().walk([&](attn::AttendOp op) { ops.push_back(op); });
    for (attn::AttendOp op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }

  /// Beside the attend, or from the options; null after an error.
  tile::ShapeAttr getShape(attn::AttendOp op) {
    if (auto shape =
            op->getAttrOfType<tile::ShapeAttr>(tile::TileDialect::shapeName))
      return shape;
    auto error = [&] { return op.emitError("options of the pass: "); };
    return tile::ShapeAttr::getChecked(
        function_ref<InFlightDiagnostic()>(error), &getContext(),
        int64_t(queryTile), int64_t(keyTile), int64_t(fewQueries),
        int64_t(chunkKeys), bool(narrow), /*few_keys=*/int64_t(0),
        /*few_rows=*/int64_t(1), /*few_chunks=*/int64_t(0), bool(pairs),
        int64_t(lanes));
  }

  AttentionTiles getManyTiles(attn::AttendOp op, tile::ShapeAttr shape) {
    AttentionTiles many;
    many.narrow = shape.getNarrow() || shape.getPairs();
    int64_t unit = shape.getNarrow() ? narrowKeys : shape.getPairs() ? 2 : 1;
    many.rows = shape.getQueries();
    many.keys =
        keysOfBlock(op, shape.getKeys(), shape.getNarrow() ? 32 : 64, unit);
    many.transposed = transposed && !shape.getNarrow();
    if (many.transposed)
      many.lanes = shape.getLanes();
    return many;
  }

  /// The form for few queries, if there are so few; whether the other form has
  /// to compute the rows.
  static Value lowerFew(attn::AttendOp op, AttentionNest &nest,
                        ImplicitLocOpBuilder &b, tile::ShapeAttr shape,
                        Value isFew) {
    AttentionTiles few;
    few.heads = op.getHeads() / op.getKeyValueHeads();
    few.rows =
        static_cast<int64_t>(llvm::alignTo(few.heads, shape.getFewRows()));
    few.keys = keysOfBlock(op, shape.getBlockOfFew(), 16, narrowKeys);
    few.narrow = shape.getNarrow();
    few.stored = !few.narrow;
    auto form =
        scf::IfOp::create(b, b.getI1Type(), isFew, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(form.elseBlock());
    scf::YieldOp::create(b, arith::ConstantIntOp::create(b, 1, 1).getResult());
    b.setInsertionPointToStart(form.thenBlock());
    int64_t chunk = shape.getChunk();
    // Chunks of keys in pages begin where blocks do.
    if (op.getPages())
      chunk = std::max(chunk - chunk % few.keys, few.keys);
    Value again =
        tileByChunks(op, nest, b, few, {chunk, few.keys, shape.getFewChunks()});
    scf::YieldOp::create(b, again);
    return form.getResult(0);
  }

  LogicalResult lower(attn::AttendOp op) {
    if (!op.getResults().empty())
      return op.emitOpError("expected buffers; run attn-bufferize before");
    ImplicitLocOpBuilder b(op.getLoc(), op);
    bool scoresOnly = wantsScoresOnly(op);
    AttentionNest nest(op, b);
    auto projection = NestProjection::find(op, nest, b);
    tile::ShapeAttr shape = getShape(op);
    if (failed(nest.makeViews()) || failed(projection) || !shape)
      return failure();
    AttentionTiles many = getManyTiles(op, shape);
    // Of several heads in the lanes, each would need its part of the matrix,
    // and sums are of one after the other.
    if (!*projection && !sumsOverHeads(op))
      many.heads = headsOfLanes(op, many);

    // Scores are stored by the form for many queries: it has them at hand, and
    // who looks at them asks for many rows.
    Value isFew;
    if (shape.getFew() > 0 && !op.hasScores())
      isFew = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, nest.queries,
                                    nest.index(shape.getFew()));
    if (*projection)
      (*projection)->decide(many, isFew);
    {
      OpBuilder::InsertionGuard guard(b);
      if (isFew) {
        Value isLeft = lowerFew(op, nest, b, shape, isFew);
        auto left = scf::IfOp::create(b, isLeft, /*withElseRegion=*/false);
        b.setInsertionPointToStart(left.thenBlock());
      }
      tileByQueries(op, nest, b, many, scoresOnly, projection->get());
    }
    if (*projection)
      (*projection)->multiplyOthers();
    op.erase();
    return success();
  }
};
} // namespace
