//===- TileAttention.cpp - attend to the online-softmax loop nest ---------===//
//
// Turns each attn.attend on buffers into a grid over (batch, head, query tile)
// and, in each grid point, a loop over all blocks of keys that masks every
// block. `classify-blocks` then leaves out what the mask hides.
//
// A row of the result is a weighted sum over all visited keys; a hidden key's
// weight is zero, and zero times infinity is NaN. Rather than pay for a select
// per product, the finished tile is tested, and in the rare case that it holds
// a value that is not finite it is computed again with guarded updates.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "tile-attention"

namespace ladon {
#define GEN_PASS_DEF_TILEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Operands as (batch, head, position, feature)
//===----------------------------------------------------------------------===//

/// A view of an operand with the axes (batch, head, position, feature), or
/// without the last for an lse. No element moves.
static FailureOr<Value> canonicalView(ImplicitLocOpBuilder &b,
                                      attn::AttendOp op, unsigned number) {
  using Role = attn::AttendOp::AxisRole;
  Value operand = op.getMappedOperand(number).get();
  auto type = cast<MemRefType>(operand.getType());
  bool isKeyOrValue = number == 1 || number == 2;
  int64_t heads = isKeyOrValue ? op.getKeyValueHeads() : op.getHeads();
  SmallVector<ReassociationIndices> groups;
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> sizes;
  SmallVector<unsigned> order;
  // The operation's verifier has checked that every axis has a role.
  SmallVector<Role, 4> roles = *op.getAxisRoles(number);
  for (auto [axis, role] : llvm::enumerate(roles)) {
    OpFoldResult extent =
        type.isDynamicDim(axis)
            ? OpFoldResult(memref::DimOp::create(b, operand, axis).getResult())
            : OpFoldResult(b.getIndexAttr(type.getDimSize(axis)));
    ReassociationIndices &group = groups.emplace_back();
    auto add = [&](int64_t size, OpFoldResult value, Role position) {
      group.push_back(shape.size());
      shape.push_back(size);
      sizes.push_back(value);
      order.push_back(static_cast<unsigned>(position));
    };
    if (role != Role::Joined) {
      add(type.getDimSize(axis), extent, role);
      continue;
    }
    int64_t features = type.getDimSize(axis) / heads;
    add(heads, b.getIndexAttr(heads), Role::Head);
    add(features, b.getIndexAttr(features), Role::Feature);
  }
  if (static_cast<size_t>(type.getRank()) != shape.size()) {
    FailureOr<MemRefType> expanded =
        memref::ExpandShapeOp::computeExpandedType(type, shape, groups);
    if (failed(expanded))
      return op.emitOpError("cannot view ") << type << " head by head";
    operand =
        memref::ExpandShapeOp::create(b, *expanded, operand, groups, sizes);
  }
  SmallVector<unsigned> permutation(order.size());
  for (auto [axis, position] : llvm::enumerate(order))
    permutation[position] = axis;
  if (llvm::is_sorted(permutation))
    return operand;
  AffineMap transpose =
      AffineMap::getPermutationMap(permutation, op.getContext());
  return memref::TransposeOp::create(b, operand, AffineMapAttr::get(transpose))
      .getResult();
}

//===----------------------------------------------------------------------===//
// Loop nest
//===----------------------------------------------------------------------===//

namespace {
/// Builds the nest of one attend.
class AttentionTiler {
public:
  AttentionTiler(attn::AttendOp op, int64_t queryTile, int64_t keyTile)
      : op(op), b(op.getLoc(), op), element(op.getElementType()),
        queryTile(queryTile), keyTile(keyTile) {}

  LogicalResult run();

private:
  RankedTensorType tile(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, element);
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  LogicalResult makeViews();
  void emitGridPoint(Value b, Value h, Value number, Value tiles);
  std::pair<Value, Value> emitSoftmax(bool guarded);
  Value emitScores(Value first, Value count, Value keys);
  template <typename PositionOp>
  Value emitPositions(Value scores, Region &region, Value first, Value count);

  attn::AttendOp op;
  ImplicitLocOpBuilder b;
  FloatType element;
  int64_t queryTile, keyTile;
  /// Canonical views.
  Value query, key, value, out, lse;
  Value queries, keys; ///< S and T
  /// The grid point.
  Value batch, head, keyHead, row, rows, queryValue;
};
} // namespace

LogicalResult AttentionTiler::makeViews() {
  Value *views[] = {&query, &key, &value, &out, &lse};
  for (unsigned number = 0; number < op.getNumMaps(); ++number) {
    FailureOr<Value> view = canonicalView(b, op, number);
    if (failed(view))
      return failure();
    *views[number] = *view;
  }
  return success();
}

/// Clones a score or mask region into a position operation.
template <typename PositionOp>
Value AttentionTiler::emitPositions(Value scores, Region &region, Value first,
                                    Value count) {
  auto position = PositionOp::create(b, scores.getType(), scores, batch, head,
                                     row, first, count, op.getCaptures());
  IRMapping map;
  region.cloneInto(&position.getBody(), map);
  Operation *yield = position.getBody().front().getTerminator();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(yield);
  tile::YieldOp::create(b, yield->getOperands());
  yield->erase();
  return position.getResult();
}

Value AttentionTiler::emitScores(Value first, Value count, Value keyTileValue) {
  Value scores = tile::ScoresOp::create(b, tile({queryTile, keyTile}),
                                        queryValue, keyTileValue, count);
  if (op.hasScore())
    scores = emitPositions<tile::ModifyOp>(scores, op.getScore(), first, count);
  if (op.hasMask())
    scores = emitPositions<tile::MaskOp>(scores, op.getMask(), first, count);
  return scores;
}

/// The whole online softmax of one query tile; returns out and lse tiles.
std::pair<Value, Value> AttentionTiler::emitSoftmax(bool guarded) {
  int64_t values = op.getValueDim(), features = op.getHeadDim();
  RankedTensorType vector = tile({queryTile}), acc = tile({queryTile, values});
  // Scores in base 2 need one operation less per element; a score expression
  // must see them in natural units.
  bool base2 = !op.hasScore();
  auto init = tile::SoftmaxInitOp::create(b, vector, vector, acc);
  auto loop = tile::KeyLoopOp::create(
      b, init.getResultTypes(), index(0), keys, /*exceptLower=*/Value(),
      /*exceptUpper=*/Value(), keyTile, init.getResults());
  {
    OpBuilder::InsertionGuard guard(b);
    SmallVector<Type> types = {b.getIndexType(), b.getIndexType()};
    llvm::append_range(types, init.getResultTypes());
    SmallVector<Location> locations(types.size(), op.getLoc());
    Block *body = b.createBlock(&loop.getBody(), {}, types, locations);
    Value first = body->getArgument(0), count = body->getArgument(1);
    Value keyRows =
        tile::LoadOp::create(b, tile({keyTile, features}), key, batch, keyHead,
                             first, count, FloatAttr());
    Value scores = emitScores(first, count, keyRows);
    Value valueRows =
        tile::LoadOp::create(b, tile({keyTile, values}), value, batch, keyHead,
                             first, count, FloatAttr());
    auto update = tile::SoftmaxUpdateOp::create(
        b, vector, vector, acc, scores, valueRows, count, body->getArgument(2),
        body->getArgument(3), body->getArgument(4), base2, guarded);
    tile::YieldOp::create(b, update.getResults());
  }
  auto finish = tile::SoftmaxFinishOp::create(b, acc, vector, loop.getResult(0),
                                              loop.getResult(1),
                                              loop.getResult(2), base2);
  return {finish.getOut(), finish.getLse()};
}

void AttentionTiler::emitGridPoint(Value batchIndex, Value headIndex,
                                   Value number, Value tiles) {
  batch = batchIndex;
  head = headIndex;
  int64_t group = op.getHeads() / op.getKeyValueHeads();
  keyHead = group == 1
                ? head
                : arith::DivUIOp::create(b, head, index(group)).getResult();
  // Under a causal mask the last tiles see the most keys; work is handed out
  // in ascending order, so they come first.
  Value last = arith::SubIOp::create(b, tiles, index(1));
  Value reversed = arith::SubIOp::create(b, last, number);
  row = arith::MulIOp::create(b, reversed, index(queryTile));
  Value rest = arith::SubIOp::create(b, queries, row);
  rows = arith::MinSIOp::create(b, rest, index(queryTile));

  double scale = op.getScale().convertToDouble();
  if (!op.hasScore())
    scale *= llvm::numbers::log2e;
  queryValue = tile::LoadOp::create(
      b, tile({queryTile, static_cast<int64_t>(op.getHeadDim())}), query, batch,
      head, row, rows, b.getF64FloatAttr(scale));
  auto [result, resultLse] = emitSoftmax(/*guarded=*/false);
  if (op.hasMask() || op.hasScore()) {
    Value bad = tile::HasNonFiniteOp::create(b, result);
    auto again = scf::IfOp::create(
        b, TypeRange{result.getType(), resultLse.getType()}, bad,
        /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(again.thenBlock());
    auto [safe, safeLse] = emitSoftmax(/*guarded=*/true);
    scf::YieldOp::create(b, ValueRange{safe, safeLse});
    b.setInsertionPointToStart(again.elseBlock());
    scf::YieldOp::create(b, ValueRange{result, resultLse});
    result = again.getResult(0);
    resultLse = again.getResult(1);
  }
  tile::StoreOp::create(b, result, out, batch, head, row, rows);
  if (op.hasLse())
    tile::StoreOp::create(b, resultLse, lse, batch, head, row, rows);
}

LogicalResult AttentionTiler::run() {
  if (failed(makeViews()))
    return failure();
  Value batches = memref::DimOp::create(b, query, 0);
  queries = memref::DimOp::create(b, query, 2);
  keys = memref::DimOp::create(b, key, 2);
  Value tiles = arith::CeilDivSIOp::create(b, queries, index(queryTile));
  auto grid = scf::ForallOp::create(
      b, ArrayRef<OpFoldResult>{batches, b.getIndexAttr(op.getHeads()), tiles},
      ValueRange(), std::nullopt);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(grid.getBody());
    SmallVector<Value> at(grid.getInductionVars());
    emitGridPoint(at[0], at[1], at[2], tiles);
  }
  op.erase();
  return success();
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
      int64_t rows = queryTile * 32 / op.getElementType().getWidth();
      if (failed(AttentionTiler(op, rows, keyTile).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
