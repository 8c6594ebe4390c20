//===- AttentionNest.cpp - Building blocks of an attention nest -----------===//

#include "compiler/transforms/AttentionNest.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ladon;

bool ladon::sumsOverHeads(attn::AttendOp op) {
  return op.hasScores() && op.findAxis(attn::AttendOp::Scores,
                                       attn::AttendOp::AxisRole::Head) < 0;
}

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
  // Sums over the heads are of one.
  if (number == attn::AttendOp::Scores && sumsOverHeads(op)) {
    groups.back().push_back(shape.size());
    shape.push_back(1);
    sizes.push_back(b.getIndexAttr(1));
    order.push_back(static_cast<unsigned>(Role::Head));
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

/// The views are made by now, and one of them is again.
void AttentionNest::setOut(Value memory) {
  op.getInitsMutable()[0].set(memory);
  outView = *canonicalView(b, op, attn::AttendOp::Out);
}

LogicalResult AttentionNest::makeViews() {
  Value *views[] = {&queryView, &keyView, &valueView,
                    &outView,   &lseView, &scoresView};
  for (unsigned number = 0; number < op.getNumMaps(); ++number) {
    FailureOr<Value> view = canonicalView(b, op, number);
    if (failed(view))
      return failure();
    *views[number] = *view;
  }
  using Role = attn::AttendOp::AxisRole;
  unsigned whole = op.isShared(0, Role::Batch) ? attn::AttendOp::Out : 0;
  batches = memref::DimOp::create(b, op.getMappedOperand(whole).get(),
                                  op.findAxis(whole, Role::Batch));
  queries = memref::DimOp::create(b, queryView, 2);
  keys = memref::DimOp::create(b, keyView, 2);
  if (Value table = op.getPages()) {
    // An empty pool has no page that a number could be clamped to.
    Value pages = memref::DimOp::create(b, table, 1);
    Value pool = memref::DimOp::create(b, keyView, 0);
    Value none = index(0);
    Value isEmpty =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, pool, none);
    pages = arith::SelectOp::create(b, isEmpty, none, pages);
    keys = arith::MulIOp::create(b, pages, keys);
  }
  return success();
}

Value AttentionNest::batchOf(unsigned operand, Value batch) {
  return op.isShared(operand, attn::AttendOp::AxisRole::Batch) ? index(0)
                                                               : batch;
}

Value AttentionNest::headOf(unsigned operand, Value head) {
  return op.isShared(operand, attn::AttendOp::AxisRole::Head) ? index(0) : head;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

FloatType AttentionNest::accumulator() { return op.getElementType(); }

RankedTensorType AttentionNest::matrix(int64_t rows, int64_t columns) {
  if (tiles.transposed)
    std::swap(rows, columns);
  return RankedTensorType::get({rows, columns}, accumulator());
}

RankedTensorType AttentionNest::rowType() {
  return RankedTensorType::get({tiles.rows}, accumulator());
}

RankedTensorType AttentionNest::accType() {
  return matrix(tiles.rows, op.getValueDim());
}

Value AttentionNest::rowsIn(const QueryRows &rows) {
  return tiles.narrow && !tiles.transposed ? Value() : rows.count;
}

Value AttentionNest::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

AffineMapAttr AttentionNest::rowMap(bool isOneHead) {
  if (tiles.heads == 1)
    return {};
  AffineExpr row = b.getAffineDimExpr(0);
  AffineExpr head = isOneHead ? b.getAffineConstantExpr(0) : row % tiles.heads;
  return AffineMapAttr::get(
      AffineMap::get(1, 0, {head, row.floorDiv(tiles.heads)}, b.getContext()));
}

//===----------------------------------------------------------------------===//
// One block of keys
//===----------------------------------------------------------------------===//

/// What a dot product of stored rows is multiplied by.
FloatAttr AttentionNest::scale() {
  double scale = op.getScale().convertToDouble();
  if (base2())
    scale *= llvm::numbers::log2e;
  return b.getF64FloatAttr(scale);
}

/// In narrow tiles a factor of the rows would be rounded; sums get it.
Value AttentionNest::loadQuery(const QueryRows &rows) {
  bool isOneHead = op.isShared(0, attn::AttendOp::AxisRole::Head);
  auto type = RankedTensorType::get(
      matrix(tiles.rows, op.getHeadDim()).getShape(), scoreOperand());
  return tile::LoadOp::create(b, type, queryView, batchOf(0, rows.batch),
                              headOf(0, rows.head), rows.position, rows.count,
                              /*pages=*/Value(), /*outs=*/ValueRange(),
                              /*page_size=*/IntegerAttr(),
                              tiles.narrow ? FloatAttr() : scale(),
                              rowMap(isOneHead), tiles.transposed)
      .getTile();
}

static Type elementOf(Value view) {
  return cast<MemRefType>(view.getType()).getElementType();
}

static bool isNarrow(Type element) {
  return element.getIntOrFloatBitWidth() == 16;
}

/// Of the queries, and of the keys where tiles are narrow.
Type AttentionNest::scoreOperand() {
  Type element = elementOf(queryView);
  return tiles.narrow && isNarrow(element) && element == elementOf(keyView)
             ? element
             : accumulator();
}

/// The page of a key, clamped into the pool.
static Value pageOf(ImplicitLocOpBuilder &b, Value table, Value pool,
                    Value batch, Value key, Value pageSize) {
  Value number = memref::LoadOp::create(
      b, table, ValueRange{batch, arith::DivUIOp::create(b, key, pageSize)});
  Value page = arith::IndexCastOp::create(b, b.getIndexType(), number);
  Value end = memref::DimOp::create(b, pool, 0);
  Value last =
      arith::SubIOp::create(b, end, arith::ConstantIndexOp::create(b, 1));
  page = arith::MinSIOp::create(b, page, last);
  return arith::MaxSIOp::create(b, page, arith::ConstantIndexOp::create(b, 0));
}

/// A block of keys or values.
Value AttentionNest::loadBlock(const QueryRows &rows, unsigned operand,
                               Value first, Value count) {
  Value view = getView(operand);
  int64_t features = operand == 1 ? op.getHeadDim() : op.getValueDim();
  Type element = accumulator();
  if (tiles.stored || (tiles.narrow && isNarrow(elementOf(view))))
    element = elementOf(view);
  if (tiles.narrow && operand == 1)
    element = scoreOperand();
  auto type = RankedTensorType::get({tiles.keys, features}, element);
  Value batch = batchOf(operand, rows.batch), pages = op.getPages();
  if (isInOnePage()) {
    Value size = index(op.getPageSize());
    batch = pageOf(b, pages, view, batch, first, size);
    first = arith::RemUIOp::create(b, first, size);
    pages = {};
  }
  return tile::LoadOp::create(
             b, type, view, batch, headOf(operand, rows.keyHead), first, count,
             pages,
             /*outs=*/ValueRange(),
             pages ? b.getI64IntegerAttr(op.getPageSize()) : IntegerAttr(),
             /*scale=*/FloatAttr(), AffineMapAttr(), /*transposed=*/false)
      .getTile();
}

/// Clones a region of the attend into a position operation.
template <typename PositionOp>
Value AttentionNest::positions(const QueryRows &rows, Value scores,
                               Region &region, Value firstKey, Value count) {
  auto position = PositionOp::create(
      b, scores.getType(), scores, rows.batch, rows.head, rows.position,
      firstKey, count, rowsIn(rows), op.getCaptures(),
      /*outs=*/ValueRange(), rowMap(), tiles.transposed);
  IRMapping map;
  region.cloneInto(&position.getBody(), map);
  Operation *yield = position.getBody().front().getTerminator();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(yield);
  tile::YieldOp::create(b, yield->getOperands());
  yield->erase();
  return position.getResult();
}

Value AttentionNest::scores(const QueryRows &rows, Value query, Value firstKey,
                            Value count, bool compact) {
  Value key = loadBlock(rows, /*operand=*/1, firstKey, count);
  Value scores =
      tile::ContractOp::create(
          b, matrix(tiles.rows, tiles.keys), query, key, count, rowsIn(rows),
          /*outs=*/ValueRange(), tile::ContractOp::getMaps(b, tiles.transposed),
          compact, tiles.narrow ? scale() : FloatAttr())
          ->getResult(0);
  if (op.hasScore())
    scores =
        positions<tile::ModifyOp>(rows, scores, op.getScore(), firstKey, count);
  if (op.hasMask())
    scores =
        positions<tile::MaskOp>(rows, scores, op.getMask(), firstKey, count);
  return scores;
}

SoftmaxState AttentionNest::initial(Value sinks) {
  auto init = tile::SoftmaxInitOp::create(
      b, TypeRange{rowType(), rowType(), accType()}, sinks,
      /*outs=*/ValueRange());
  return {init->getResult(0), init->getResult(1), init->getResult(2)};
}

SoftmaxState AttentionNest::visitKeys(const QueryRows &rows, Value query,
                                      Value lower, Value upper,
                                      SoftmaxState state, bool guarded) {
  SmallVector<Type> stateTypes = {rowType(), rowType(), accType()};
  // Kept weights are found again by the number of their block.
  bool keeps = kept && !guarded;
  auto loop = tile::KeyLoopOp::create(
      b, stateTypes, lower, upper, /*fullLower=*/Value(),
      /*fullUpper=*/Value(), tiles.keys, /*aligned=*/keeps || isInOnePage(),
      state.values());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types = {b.getIndexType(), b.getIndexType()};
  llvm::append_range(types, stateTypes);
  SmallVector<Location> locations(types.size(), op.getLoc());
  Block *body = b.createBlock(&loop.getBody(), {}, types, locations);
  Value first = body->getArgument(0), count = body->getArgument(1);
  Value s = scores(rows, query, first, count, /*compact=*/guarded);
  Value some = rowsIn(rows);
  Value top = tile::RowMaxOp::create(b, rowType(), s, count, some, ValueRange(),
                                     tiles.transposed)
                  .getMax();
  auto weights = tile::SoftmaxWeightsOp::create(
      b, TypeRange{s.getType(), rowType(), rowType(), rowType()}, s, top, count,
      body->getArgument(2), body->getArgument(3), some, ValueRange(), base2(),
      tiles.transposed);
  Value value = loadBlock(rows, /*operand=*/2, first, count);
  using Weights = tile::SoftmaxWeightsOp;
  Value weight = weights->getResult(Weights::Weights);
  if (keeps)
    keepBlock(rows, weight, weights->getResult(Weights::NewMax), first, count);
  if (op.hasWeight())
    weight =
        positions<tile::ModifyOp>(rows, weight, op.getWeight(), first, count);
  Type operand = cast<ShapedType>(value.getType()).getElementType();
  if (tiles.narrow && operand != accumulator())
    weight = tile::RoundOp::create(
                 b, cast<RankedTensorType>(weight.getType()).clone(operand),
                 weight, count, some, ValueRange(), tiles.transposed)
                 .getResult();
  auto acc = tile::AccumulateOp::create(
      b, accType(), weight, value, count, body->getArgument(4),
      weights->getResult(Weights::Rescale), guarded ? s : Value(), some,
      tiles.transposed, /*value_transposed=*/false);
  tile::YieldOp::create(b, ValueRange{weights->getResult(Weights::NewMax),
                                      weights->getResult(Weights::NewSum),
                                      acc.getResult()});
  return {loop->getResult(0), loop->getResult(1), loop->getResult(2)};
}

//===----------------------------------------------------------------------===//
// Finished rows
//===----------------------------------------------------------------------===//

/// One more score for each row, without a value, in the units of the others.
/// Every key has been seen when rows are finished, in both forms, so that a
/// sink joins once.
SoftmaxState AttentionNest::withSinks(const QueryRows &rows,
                                      SoftmaxState state) {
  Value sinks = op.getSinks();
  if (!sinks)
    return state;
  int64_t heads = cast<MemRefType>(sinks.getType()).getDimSize(0);
  auto view = memref::ExpandShapeOp::create(
      b, ArrayRef<int64_t>{1, heads, 1}, sinks,
      SmallVector<ReassociationIndices>{{0, 1, 2}});
  AffineExpr row = b.getAffineDimExpr(0), zero = b.getAffineConstantExpr(0);
  auto head = AffineMap::get(1, 0, {row % tiles.heads, zero}, b.getContext());
  double scale = base2() ? llvm::numbers::log2e : 1;
  Value first = index(0);
  auto load = tile::LoadOp::create(
      b, rowType(), view, first, rows.head, first, rows.count,
      /*pages=*/Value(), /*outs=*/ValueRange(), /*page_size=*/IntegerAttr(),
      b.getF64FloatAttr(scale), AffineMapAttr::get(head),
      /*transposed=*/false);
  return merge(rows, state, initial(load.getTile()));
}

/// out and lse.
std::pair<Value, Value> AttentionNest::finished(const QueryRows &rows,
                                                SoftmaxState state) {
  auto finish = tile::SoftmaxFinishOp::create(
      b, TypeRange{accType(), rowType()}, state.max, state.sum, state.acc,
      rowsIn(rows), ValueRange(), base2(), tiles.transposed);
  return {finish->getResult(0), finish->getResult(1)};
}

bool AttentionNest::canHide() { return op.hasMask() || op.hasScore(); }

Value AttentionNest::finish(const QueryRows &rows, SoftmaxState state) {
  auto [out, lse] = finished(rows, withSinks(rows, state));
  storeOut(rows, out);
  storeLse(rows, lse);
  if (!canHide())
    return {};
  return tile::HasNonFiniteOp::create(b, b.getI1Type(), out, rowsIn(rows),
                                      tiles.transposed);
}

Value AttentionNest::finishGuarded(const QueryRows &rows, Value query,
                                   SoftmaxState state) {
  auto [out, lse] = finished(rows, withSinks(rows, state));
  if (canHide()) {
    Value bad = tile::HasNonFiniteOp::create(b, b.getI1Type(), out,
                                             rowsIn(rows), tiles.transposed);
    auto again = scf::IfOp::create(b, TypeRange{out.getType(), lse.getType()},
                                   bad, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(again.thenBlock());
    if (!query)
      query = loadQuery(rows);
    SoftmaxState guarded =
        visitKeys(rows, query, index(0), keys, initial(), /*guarded=*/true);
    auto [safe, safeLse] = finished(rows, withSinks(rows, guarded));
    scf::YieldOp::create(b, ValueRange{safe, safeLse});
    b.setInsertionPointToStart(again.elseBlock());
    scf::YieldOp::create(b, ValueRange{out, lse});
    out = again->getResult(0);
    lse = again->getResult(1);
  }
  storeLse(rows, lse);
  return out;
}

void AttentionNest::storeOut(const QueryRows &rows, Value out) {
  tile::StoreOp::create(b, out, outView, rows.batch, rows.head, rows.position,
                        rows.count, /*columns=*/Value(), rowMap(),
                        tiles.transposed);
}

void AttentionNest::storeLse(const QueryRows &rows, Value lse) {
  if (op.hasLse())
    tile::StoreOp::create(b, lse, lseView, rows.batch, rows.head, rows.position,
                          rows.count, /*columns=*/Value(), rowMap(),
                          /*transposed=*/false);
}

void AttentionNest::fillScoresOfNoKeys() {
  Value isEmpty =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, keys, index(0));
  auto branch = scf::IfOp::create(b, isEmpty, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  double hidden =
      op.getNormalized() ? 0 : -std::numeric_limits<double>::infinity();
  auto element = cast<FloatType>(elementOf(scoresView));
  Value value = arith::ConstantOp::create(b, b.getFloatAttr(element, hidden));
  linalg::FillOp::create(b, value, scoresView);
}

/// The keys of the block that begins with `first`, as far as there are any.
Value AttentionNest::keysFrom(Value first) {
  return arith::MinSIOp::create(b, arith::SubIOp::create(b, keys, first),
                                index(tiles.keys));
}

/// Runs `body` for blocks of all keys, of which there are `count` from `first`
/// on. Not a key loop: hidden keys, too, have a place that is written.
void AttentionNest::forBlocks(
    llvm::function_ref<void(Value first, Value count)> body) {
  auto loop = scf::ForOp::create(b, index(0), keys, index(tiles.keys));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  body(first, keysFrom(first));
}

Value AttentionNest::scoreHead(const QueryRows &rows) {
  return sums ? index(0) : rows.head;
}

/// Scores or weights of the keys from `first` on.
Value AttentionNest::columnsFrom(Value view, Value first, Value count) {
  auto sizes = memref::getMixedSizes(b, b.getLoc(), view);
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)),
      steps(4, b.getIndexAttr(1));
  offsets.back() = first;
  sizes.back() = count;
  return memref::SubViewOp::create(b, view, offsets, sizes, steps);
}

/// Scores or weights of the rows, for the keys from `first` on.
Value AttentionNest::partOf(Value view, const QueryRows &rows, Value first,
                            Value count) {
  OpFoldResult one = b.getIndexAttr(1), heads = b.getIndexAttr(tiles.heads);
  Value positions = rows.count;
  if (tiles.heads > 1)
    positions = arith::DivUIOp::create(b, positions, index(tiles.heads));
  return memref::SubViewOp::create(
      b, view,
      ArrayRef<OpFoldResult>{rows.batch, scoreHead(rows), rows.position, first},
      ArrayRef<OpFoldResult>{one, heads, positions, count},
      SmallVector<OpFoldResult>(4, one));
}

void AttentionNest::storeColumns(const QueryRows &rows, Value tile, Value first,
                                 Value count) {
  tile::StoreOp::create(b, tile, columnsFrom(scoresView, first, count),
                        rows.batch, scoreHead(rows), rows.position, rows.count,
                        count, rowMap(), tiles.transposed);
}

void AttentionNest::storeScores(const QueryRows &rows, Value query,
                                std::optional<SoftmaxState> state) {
  forBlocks([&](Value first, Value count) {
    Value tile = scores(rows, query, first, count, /*compact=*/false);
    if (state)
      tile = tile::SoftmaxNormalizeOp::create(
                 b, tile.getType(), tile, count, state->max, state->sum,
                 rowsIn(rows), base2(), tiles.transposed)
                 .getResult();
    storeColumns(rows, tile, first, count);
  });
}

//===----------------------------------------------------------------------===//
// Kept weights
//===----------------------------------------------------------------------===//

void AttentionNest::keepWeights() {
  if (!op.getNormalized() || elementOf(scoresView) != accumulator())
    return;
  auto fill = [&](double number, Value memory) {
    Value value =
        arith::ConstantOp::create(b, b.getFloatAttr(accumulator(), number));
    linalg::FillOp::create(b, value, memory);
  };
  constexpr int64_t dynamic = ShapedType::kDynamic;
  auto allocate = [&](ArrayRef<int64_t> shape, ValueRange sizes) -> Value {
    return memref::AllocOp::create(b, MemRefType::get(shape, accumulator()),
                                   sizes, b.getI64IntegerAttr(64));
  };
  if (sumsOverHeads(op)) {
    // The weights of one head at a time.
    sums = scoresView;
    fill(0, sums);
    scoresView =
        allocate({dynamic, 1, dynamic, dynamic}, {batches, queries, keys});
  }
  Value blocks = arith::CeilDivSIOp::create(b, keys, index(tiles.keys));
  Value places = arith::MulIOp::create(b, blocks, queries);
  auto heads = static_cast<int64_t>(op.getHeads());
  kept = allocate({dynamic, heads, dynamic}, {batches, places});
  // Blocks that are not visited leave theirs as it is.
  if (op.hasMask())
    fill(std::numeric_limits<double>::quiet_NaN(), kept);
}

/// The place of the maximum of the first position of a tile, for the block of
/// keys that begins with `first`: positions of one block are neighbours.
Value AttentionNest::placeOfMaxima(const QueryRows &rows, Value first) {
  Value block = arith::DivUIOp::create(b, first, index(tiles.keys));
  Value before = arith::MulIOp::create(b, block, queries);
  return arith::AddIOp::create(b, before, rows.position);
}

/// Of a block that is visited, a mask may hide the last keys from all rows, and
/// the loop end before them.
void AttentionNest::keepBlock(const QueryRows &rows, Value weights, Value max,
                              Value first, Value count) {
  storeColumns(rows, weights, first, count);
  tile::StoreOp::create(b, max, kept, rows.batch, rows.head,
                        placeOfMaxima(rows, first), rows.count,
                        /*columns=*/Value(), rowMap(), /*transposed=*/false);
  if (!op.hasMask())
    return;
  Value end = arith::AddIOp::create(b, first, count);
  Value rest = arith::SubIOp::create(b, keysFrom(first), count);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(accumulator()));
  linalg::FillOp::create(b, zero, partOf(scoresView, rows, end, rest));
}

void AttentionNest::storeWeights(const QueryRows &rows, Value query,
                                 SoftmaxState state) {
  if (!kept)
    return storeScores(rows, query, state);
  forBlocks([&](Value first, Value count) {
    Value seen = tile::LoadOp::create(b, rowType(), kept, rows.batch, rows.head,
                                      placeOfMaxima(rows, first), rows.count,
                                      /*pages=*/Value(), /*outs=*/ValueRange(),
                                      /*page_size=*/IntegerAttr(),
                                      /*scale=*/FloatAttr(), rowMap(),
                                      /*transposed=*/false)
                     .getTile();
    tile::NormalizeStoredOp::create(b, columnsFrom(scoresView, first, count),
                                    rows.batch, scoreHead(rows), rows.position,
                                    rows.count, count, seen, state.max,
                                    state.sum, rowMap(), base2());
    if (!sums)
      return;
    Value sum = partOf(sums, rows, first, count);
    linalg::AddOp::create(
        b, ValueRange{sum, partOf(scoresView, rows, first, count)}, sum);
  });
}

//===----------------------------------------------------------------------===//
// Partial states
//===----------------------------------------------------------------------===//

void AttentionNest::storeState(SoftmaxState state, SoftmaxState memory,
                               Value batch, Value head, Value row, Value rows) {
  auto store = [&](Value tile, Value dest, bool transposed) {
    tile::StoreOp::create(b, tile, dest, batch, head, row, rows,
                          /*columns=*/Value(), AffineMapAttr(), transposed);
  };
  store(state.max, memory.max, false);
  store(state.sum, memory.sum, false);
  store(state.acc, memory.acc, tiles.transposed);
}

SoftmaxState AttentionNest::loadState(SoftmaxState memory, Value batch,
                                      Value head, Value row, Value rows) {
  auto load = [&](Value source, RankedTensorType type, bool transposed) {
    return tile::LoadOp::create(b, type, source, batch, head, row, rows,
                                /*pages=*/Value(), /*outs=*/ValueRange(),
                                /*page_size=*/IntegerAttr(),
                                /*scale=*/FloatAttr(), AffineMapAttr(),
                                transposed)
        .getTile();
  };
  return {load(memory.max, rowType(), false),
          load(memory.sum, rowType(), false),
          load(memory.acc, accType(), tiles.transposed)};
}

SoftmaxState AttentionNest::merge(const QueryRows &rows, SoftmaxState state,
                                  SoftmaxState other) {
  auto merged = tile::MergeOp::create(
      b, TypeRange{rowType(), rowType(), accType()}, state.max, state.sum,
      state.acc, other.max, other.sum, other.acc, rowsIn(rows), base2(),
      tiles.transposed);
  return {merged->getResult(0), merged->getResult(1), merged->getResult(2)};
}
