//===- TileSoftmaxVerifiers.cpp - The same of the online softmax ----------===//
//
// The operations of TileSoftmaxOps.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileShapes.h"

using namespace mlir;
using namespace ladon::tile;

LogicalResult SoftmaxInitOp::verify() {
  ValueRange state =
      getOuts().empty() ? ValueRange(getResults()) : ValueRange(getOuts());
  if (state.size() != 3 || (!getOuts().empty() && getNumResults()))
    return emitOpError("expected max, sum and acc, as results or as outs");
  if (failed(expectRank(*this, "acc", state[2], 2)) ||
      failed(expectRank(*this, "max", state[0], 1)))
    return failure();
  TileShape max = shapeOf(state[0]), acc = shapeOf(state[2]);
  if (failed(expectShape(*this, "sum", state[1], max)))
    return failure();
  // Rows are first or last, as the users of acc have it.
  if (acc.element != max.element || !llvm::is_contained(acc.dims, max.dims[0]))
    return emitOpError("expected acc with ")
           << max.dims[0] << " rows of " << max.element << ", found "
           << text(acc);
  return getSinks() ? expectShape(*this, "sinks", getSinks(), max) : success();
}

LogicalResult SoftmaxWeightsOp::verify() {
  if (failed(expectRank(*this, "scores", getScores(), 2)))
    return failure();
  TileShape scores = shapeOf(getScores());
  TileShape row{{rowsOf(scores, getTransposed())}, scores.element};
  if (failed(expectShape(*this, "top", getTop(), row)) ||
      failed(expectShape(*this, "max", getMax(), row)) ||
      failed(expectShape(*this, "sum", getSum(), row)))
    return failure();
  return verifyForm(*this, {getScores(), getTop(), getMax(), getSum()},
                    {scores, row, row, row});
}

LogicalResult SoftmaxNormalizeOp::verify() {
  if (failed(expectRank(*this, "scores", getScores(), 2)))
    return failure();
  TileShape scores = shapeOf(getScores());
  TileShape row{{rowsOf(scores, getTransposed())}, scores.element};
  if (failed(expectShape(*this, "max", getMax(), row)) ||
      failed(expectShape(*this, "sum", getSum(), row)))
    return failure();
  return verifyForm(*this, {getScores(), getMax(), getSum()}, {scores});
}

LogicalResult NormalizeStoredOp::verify() {
  if (failed(expectRank(*this, "seen", getSeen(), 1)))
    return failure();
  TileShape row = shapeOf(getSeen());
  if (failed(expectShape(*this, "max", getMax(), row)) ||
      failed(expectShape(*this, "sum", getSum(), row)) ||
      failed(verifyRowMap(*this, getRowMap())))
    return failure();
  Type stored = cast<MemRefType>(getWeights().getType()).getElementType();
  if (stored != row.element)
    return emitOpError("expected weights of ")
           << row.element << " as seen is, found " << stored;
  return verifyForm(*this, {getSeen(), getMax(), getSum()}, {});
}

LogicalResult RoundOp::verify() {
  if (failed(expectRank(*this, "a tile", getTile(), 2)))
    return failure();
  TileShape tile = shapeOf(getTile());
  if (getOuts().size() > 1 || getOuts().empty() == !getResult())
    return emitOpError("expected one result on tensors, or one buffer to fill");
  Type narrow = shapeOf(getResult() ? getResult() : getOuts()[0]).element;
  if (narrow.getIntOrFloatBitWidth() >= tile.element.getIntOrFloatBitWidth())
    return emitOpError("expected a type narrower than ")
           << tile.element << ", found " << narrow;
  return verifyForm(*this, getTile(), {{tile.dims, narrow}});
}

LogicalResult AccumulateOp::verify() {
  if (failed(expectRank(*this, "weights", getWeights(), 2)) ||
      failed(expectRank(*this, "values", getValue(), 2)))
    return failure();
  TileShape weights = shapeOf(getWeights()), value = shapeOf(getValue());
  int64_t rows = rowsOf(weights, getTransposed());
  int64_t keys = columnsOf(weights, getTransposed());
  int64_t valueKeys = rowsOf(value, getValueTransposed());
  if (valueKeys != keys)
    return emitOpError("expected ")
           << keys << " keys in the value tile, found " << valueKeys;
  if (value.element.getIntOrFloatBitWidth() >
      weights.element.getIntOrFloatBitWidth())
    return emitOpError("expected values no wider than the weights, found ")
           << value.element << " and " << weights.element;
  Type element = shapeOf(getAcc()).element;
  if (weights.element.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
    return emitOpError("expected weights no wider than acc, found ")
           << weights.element << " and " << element;
  TileShape acc = matrix(rows, columnsOf(value, getValueTransposed()), element,
                         getTransposed());
  if (failed(expectShape(*this, "acc", getAcc(), acc)))
    return failure();
  SmallVector<Value> tiles = {getWeights(), getAcc()};
  if (getRescale()) {
    TileShape factors{{rows}, element};
    if (failed(expectShape(*this, "rescale", getRescale(), factors)))
      return failure();
    tiles.push_back(getRescale());
  }
  if (!isa<MemRefType>(getValue().getType()))
    tiles.push_back(getValue());
  if (getGuard()) {
    TileShape scores{weights.dims, element};
    if (failed(expectShape(*this, "guarding scores", getGuard(), scores)))
      return failure();
    tiles.push_back(getGuard());
  }
  return verifyForm(*this, tiles, {acc});
}

/// The three parts of a state.
static LogicalResult verifyState(Operation *op, Value max, Value sum, Value acc,
                                 bool transposed) {
  if (failed(expectRank(op, "acc", acc, 2)))
    return failure();
  TileShape shape = shapeOf(acc);
  TileShape row{{rowsOf(shape, transposed)}, shape.element};
  return success(succeeded(expectShape(op, "max", max, row)) &&
                 succeeded(expectShape(op, "sum", sum, row)));
}

LogicalResult MergeOp::verify() {
  if (failed(
          verifyState(*this, getMax(), getSum(), getAcc(), getTransposed())) ||
      failed(
          expectShape(*this, "other max", getOtherMax(), shapeOf(getMax()))) ||
      failed(
          expectShape(*this, "other sum", getOtherSum(), shapeOf(getSum()))) ||
      failed(expectShape(*this, "other acc", getOtherAcc(), shapeOf(getAcc()))))
    return failure();
  return verifyForm(*this, getOperands().take_front(6),
                    {shapeOf(getMax()), shapeOf(getSum()), shapeOf(getAcc())});
}

LogicalResult SoftmaxFinishOp::verify() {
  if (failed(verifyState(*this, getMax(), getSum(), getAcc(), getTransposed())))
    return failure();
  return verifyForm(*this, {getMax(), getSum(), getAcc()},
                    {shapeOf(getAcc()), shapeOf(getMax())});
}
