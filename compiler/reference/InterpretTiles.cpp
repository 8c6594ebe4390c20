//===- InterpretTiles.cpp - The tile dialect on arrays of doubles ---------===//

#include "compiler/reference/InterpreterState.h"
#include "compiler/support/ScalarType.h"
#include "dialects/tile/Tile.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace ladon::interpreter;
namespace tile = ladon::tile;
using llvm::Error;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static Type elementOf(Value tile) {
  return cast<ShapedType>(tile.getType()).getElementType();
}

std::shared_ptr<Tile> Interpreter::newTile(Value v, double fill) {
  auto r = std::make_shared<Tile>();
  auto type = cast<RankedTensorType>(v.getType());
  r->shape.assign(type.getShape().begin(), type.getShape().end());
  if (options.evaluateTiles)
    r->data.assign(type.getNumElements(), fill);
  return r;
}

void Interpreter::set(Value v, std::shared_ptr<Tile> tile) {
  Type element = elementOf(v);
  for (double &d : tile->data)
    d = rounded(d, element);
  values[v] = {0, 0, std::move(tile), nullptr};
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// What a row map adds to head and position.
static std::pair<int64_t, int64_t> mapRow(std::optional<AffineMap> map,
                                          int64_t row) {
  if (!map)
    return {0, row};
  Builder b(map->getContext());
  SmallVector<Attribute> results;
  if (failed(map->constantFold(b.getIndexAttr(row), results)))
    return {0, row};
  return {cast<IntegerAttr>(results[0]).getInt(),
          cast<IntegerAttr>(results[1]).getInt()};
}

/// Where the elements of a tile of (row, column) are.
struct Layout {
  int64_t rows, columns, rowStep, columnStep;

  Layout(const Tile &tile, bool transposed) {
    bool isMatrix = tile.shape.size() > 1;
    rows = tile.shape[isMatrix && transposed ? 1 : 0];
    columns = isMatrix ? tile.shape[transposed ? 0 : 1] : 1;
    rowStep = transposed ? 1 : columns;
    columnStep = transposed ? rows : 1;
  }
  int64_t at(int64_t row, int64_t column) const {
    return row * rowStep + column * columnStep;
  }
};

void Interpreter::loadTile(Operation *operation) {
  auto op = cast<tile::LoadOp>(operation);
  int64_t batch = integer(op.getBatch()), head = integer(op.getHead());
  int64_t row = integer(op.getRow()), rows = integer(op.getRows());
  if (!inKeyLoop) {
    current.batch = batch;
    current.head = head;
    current.firstQuery = row;
    // Of what a row map spreads over heads and positions, the extents.
    auto [lastHead, lastPosition] =
        mapRow(op.getRowMap(), std::max<int64_t>(rows - 1, 0));
    current.heads = lastHead + 1;
    current.queries = rows > 0 ? lastPosition + 1 : 0;
  }
  auto r = newTile(op.getTile(), 0);
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  Layout layout(*r, op.getTransposed());
  const Memory &source = memory(op.getSource());
  for (int64_t i = 0; i < rows && !r->data.empty(); ++i) {
    auto [moreHead, morePosition] = mapRow(op.getRowMap(), i);
    SmallVector<int64_t, 4> at = {batch, head + moreHead, row + morePosition};
    if (op.getPages()) {
      int64_t size = *op.getPageSize();
      int64_t page =
          loadElement(memory(op.getPages()), {batch, at[2] / size}).integer;
      at[0] = std::clamp<int64_t>(page, 0, source.sizes[0] - 1);
      at[2] %= size;
    }
    if (r->shape.size() > 1)
      at.push_back(0);
    for (int64_t d = 0; d < layout.columns; ++d) {
      if (r->shape.size() > 1)
        at[3] = d;
      RuntimeValue stored = loadElement(source, at);
      double x =
          source.element.isInteger() ? double(stored.integer) : stored.real;
      r->data[layout.at(i, d)] = scale * rounded(x, elementOf(op.getTile()));
    }
  }
  set(op.getTile(), r);
}

void Interpreter::storeTile(Operation *operation) {
  auto op = cast<tile::StoreOp>(operation);
  const Tile &source = tile(op.getTile());
  int64_t batch = integer(op.getBatch()), head = integer(op.getHead());
  int64_t row = integer(op.getRow()), rows = integer(op.getRows());
  if (source.data.empty())
    return;
  Layout layout(source, op.getTransposed());
  int64_t columns = op.getColumns() ? integer(op.getColumns()) : layout.columns;
  for (int64_t i = 0; i < rows; ++i) {
    auto [moreHead, morePosition] = mapRow(op.getRowMap(), i);
    for (int64_t d = 0; d < columns; ++d) {
      SmallVector<int64_t, 4> at = {batch, head + moreHead, row + morePosition};
      if (source.shape.size() > 1)
        at.push_back(d);
      RuntimeValue value{0, source.data[layout.at(i, d)]};
      if (memory(op.getDest()).element.isInteger(8))
        value.integer = int64_t(roundedTo(ScalarType::I8, value.real));
      storeElement(memory(op.getDest()), at, value);
    }
  }
}

void Interpreter::valueRange(Operation *operation) {
  auto op = cast<tile::ValueRangeOp>(operation);
  const Memory &source = memory(op.getSource());
  SmallVector<int64_t> lower = integers(op.getLower());
  SmallVector<int64_t> upper = integers(op.getUpper());
  set(op.getMin(), 0);
  set(op.getMax(), 0);
  set(op.getSignature(), 1);
  for (size_t axis = 0; axis < lower.size(); ++axis) {
    int64_t size = source.sizes[axis];
    if (size == 0 || lower[axis] > upper[axis])
      return;
    lower[axis] = std::clamp<int64_t>(lower[axis], 0, size - 1);
    upper[axis] = std::clamp<int64_t>(upper[axis], 0, size - 1);
  }
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();
  uint64_t signature = 0;
  SmallVector<int64_t> at = lower;
  while (true) {
    int64_t v = loadElement(source, at).integer;
    min = std::min(min, v);
    max = std::max(max, v);
    signature |= uint64_t(1) << (v & 63);
    int axis = static_cast<int>(at.size()) - 1;
    for (; axis >= 0 && ++at[axis] > upper[axis]; --axis)
      at[axis] = lower[axis];
    if (axis < 0)
      break;
  }
  set(op.getMin(), min);
  set(op.getMax(), max);
  set(op.getSignature(), static_cast<int64_t>(signature));
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Elements of no meaning, so that whoever reads one shows.
static constexpr double kUnspecified = std::numeric_limits<double>::quiet_NaN();

double Interpreter::lowestOf(Value tile) {
  return elementOf(tile).isF32() ? std::numeric_limits<float>::lowest()
                                 : std::numeric_limits<double>::lowest();
}

int64_t Interpreter::rowsComputed(Value rows, int64_t all) {
  return rows ? std::min(integer(rows), all) : all;
}

/// Makes rows from `first` on unspecified.
static void forgetRows(Tile &tile, bool transposed, int64_t first) {
  Layout layout(tile, transposed);
  for (int64_t i = first; i < layout.rows && !tile.data.empty(); ++i)
    for (int64_t j = 0; j < layout.columns; ++j)
      tile.data[layout.at(i, j)] = kUnspecified;
}

/// The largest of the first `columns` columns of each row.
void Interpreter::setRowMax(Value max, const Tile &scores, int64_t columns,
                            Value someRows, bool transposed) {
  auto r = newTile(max, lowestOf(max));
  Layout layout(scores, transposed);
  int64_t rows = rowsComputed(someRows, layout.rows);
  forgetRows(*r, /*transposed=*/false, rows);
  for (int64_t i = 0; i < rows && !r->data.empty(); ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (scores.data[layout.at(i, j)] > r->data[i])
        r->data[i] = scores.data[layout.at(i, j)];
  set(max, r);
}

void Interpreter::contract(Operation *operation) {
  auto op = cast<tile::ContractOp>(operation);
  using Contract = tile::ContractOp;
  const Tile &left = tile(op.getLeft()), &right = tile(op.getRight());
  auto r = newTile(op->getResult(0), kUnspecified);
  auto isLast = [&](unsigned map, unsigned dim) {
    return op.getMap(map).getDimPosition(1) == dim;
  };
  Layout of(left, isLast(0, Contract::Row));
  Layout with(right, isLast(1, Contract::Column));
  Layout to(*r, isLast(2, Contract::Row));
  int64_t columns = integer(op.getColumns());
  int64_t rows = rowsComputed(op.getRows(), of.rows);
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  for (int64_t i = 0; i < rows && !r->data.empty(); ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t d = 0; d < of.columns; ++d)
        sum += left.data[of.at(i, d)] * right.data[with.at(j, d)];
      r->data[to.at(i, j)] = scale * sum;
    }
  set(op->getResult(0), r);
  if (op.getNumResults() > 1)
    setRowMax(op->getResult(1), *r, columns, op.getRows(),
              isLast(2, Contract::Row));
}

/// tile.modify and tile.mask.
template <typename PositionOp> Error Interpreter::runPositions(PositionOp op) {
  constexpr bool isMask = std::is_same_v<PositionOp, tile::MaskOp>;
  if (isMask)
    current.kind = VisitedBlock::Class::Partial;
  auto r = std::make_shared<Tile>(tile(op.getScores()));
  int64_t head = integer(op.getHead()), query = integer(op.getQuery()),
          key = integer(op.getKey()), keys = integer(op.getKeys());
  SmallVector<RuntimeValue> arguments(isMask ? 4 : 5);
  RuntimeValue *at = arguments.end() - 4;
  at[0].integer = integer(op.getBatch());
  for (Value capture : op.getCaptures())
    arguments.push_back(get(capture));
  at = &arguments[isMask ? 0 : 1];
  Layout layout(*r, op.getTransposed());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  forgetRows(*r, op.getTransposed(), rows);
  for (int64_t row = 0; row < rows && !r->data.empty(); ++row) {
    auto [moreHead, morePosition] = mapRow(op.getRowMap(), row);
    at[1].integer = head + moreHead;
    at[2].integer = query + morePosition;
    for (int64_t column = 0; column < keys; ++column) {
      double &score = r->data[layout.at(row, column)];
      at[3].integer = key + column;
      if (!isMask)
        arguments[0].real = score;
      auto result = runBlock(op.getBody().front(), arguments);
      if (!result)
        return result.takeError();
      if (!isMask)
        score = result->front().real;
      else if (!result->front().integer)
        score = -kInfinity;
    }
  }
  if (op.getNumResults() > 1)
    setRowMax(op->getResult(1), *r, keys, op.getRows(), op.getTransposed());
  set(op->getResult(0), r);
  return Error::success();
}

template Error Interpreter::runPositions(tile::ModifyOp);
template Error Interpreter::runPositions(tile::MaskOp);

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

static double power(bool base2, double x) {
  return base2 ? std::exp2(x) : std::exp(x);
}

void Interpreter::softmaxInit(Operation *operation) {
  auto op = cast<tile::SoftmaxInitOp>(operation);
  auto max = newTile(op->getResult(0), lowestOf(op->getResult(0)));
  auto sum = newTile(op->getResult(1), 0);
  if (op.getSinks())
    for (size_t i = 0; i < max->data.size(); ++i) {
      double sink = tile(op.getSinks()).data[i];
      if (sink == -std::numeric_limits<double>::infinity())
        continue;
      max->data[i] = std::min(sink, -lowestOf(op->getResult(0)));
      sum->data[i] = 1;
    }
  set(op->getResult(0), max);
  set(op->getResult(1), sum);
  set(op->getResult(2), newTile(op->getResult(2), 0));
}

void Interpreter::softmaxWeights(Operation *operation) {
  auto op = cast<tile::SoftmaxWeightsOp>(operation);
  using Weights = tile::SoftmaxWeightsOp;
  if (current.kind == VisitedBlock::Class::Empty)
    current.kind = VisitedBlock::Class::Full;
  const Tile &scores = tile(op.getScores()), &top = tile(op.getTop());
  auto max = std::make_shared<Tile>(tile(op.getMax()));
  auto sum = std::make_shared<Tile>(tile(op.getSum()));
  auto weights = newTile(op->getResult(Weights::Weights), kUnspecified);
  auto rescale = newTile(op->getResult(Weights::Rescale), 0);
  int64_t keys = integer(op.getKeys());
  Layout layout(scores, op.getTransposed());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  for (Tile *row : {max.get(), sum.get(), rescale.get()})
    forgetRows(*row, /*transposed=*/false, rows);
  for (int64_t i = 0; i < rows && !scores.data.empty(); ++i) {
    double old = max->data[i], highest = std::max(old, top.data[i]);
    rescale->data[i] = power(op.getBase2(), old - highest);
    max->data[i] = highest;
    sum->data[i] *= rescale->data[i];
    for (int64_t j = 0; j < keys; ++j) {
      double score = scores.data[layout.at(i, j)];
      double weight =
          score == -kInfinity ? 0 : power(op.getBase2(), score - highest);
      weights->data[layout.at(i, j)] = weight;
      sum->data[i] += weight;
    }
  }
  set(op->getResult(Weights::Weights), weights);
  set(op->getResult(Weights::NewMax), max);
  set(op->getResult(Weights::NewSum), sum);
  set(op->getResult(Weights::Rescale), rescale);
}

/// `set` rounds.
void Interpreter::round(Operation *operation) {
  auto op = cast<tile::RoundOp>(operation);
  const Tile &from = tile(op.getTile());
  auto r = newTile(op.getResult(), kUnspecified);
  Layout layout(from, op.getTransposed());
  int64_t keys = integer(op.getKeys());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  for (int64_t i = 0; i < rows && !r->data.empty(); ++i)
    for (int64_t j = 0; j < keys; ++j)
      r->data[layout.at(i, j)] = from.data[layout.at(i, j)];
  set(op.getResult(), r);
}

void Interpreter::accumulate(Operation *operation) {
  auto op = cast<tile::AccumulateOp>(operation);
  current.guarded = bool(op.getGuard());
  const Tile &weights = tile(op.getWeights()), &value = tile(op.getValue());
  const Tile *rescale = op.getRescale() ? &tile(op.getRescale()) : nullptr;
  const Tile *guard = op.getGuard() ? &tile(op.getGuard()) : nullptr;
  auto acc = std::make_shared<Tile>(tile(op.getAcc()));
  int64_t keys = integer(op.getKeys());
  Layout of(weights, op.getTransposed()), to(*acc, op.getTransposed()),
      from(value, op.getValueTransposed());
  int64_t rows = rowsComputed(op.getRows(), of.rows);
  forgetRows(*acc, op.getTransposed(), rows);
  for (int64_t i = 0; i < rows && !acc->data.empty(); ++i)
    for (int64_t d = 0; d < to.columns; ++d) {
      double sum = acc->data[to.at(i, d)] * (rescale ? rescale->data[i] : 1);
      for (int64_t j = 0; j < keys; ++j) {
        if (guard && guard->data[of.at(i, j)] == -kInfinity)
          continue;
        sum += weights.data[of.at(i, j)] * value.data[from.at(j, d)];
      }
      acc->data[to.at(i, d)] = sum;
    }
  set(op.getResult(), acc);
}

void Interpreter::merge(Operation *operation) {
  auto op = cast<tile::MergeOp>(operation);
  auto max = std::make_shared<Tile>(tile(op.getMax()));
  auto sum = std::make_shared<Tile>(tile(op.getSum()));
  auto acc = std::make_shared<Tile>(tile(op.getAcc()));
  const Tile &otherMax = tile(op.getOtherMax());
  const Tile &otherSum = tile(op.getOtherSum());
  const Tile &otherAcc = tile(op.getOtherAcc());
  Layout layout(*acc, op.getTransposed());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  for (Tile *row : {max.get(), sum.get()})
    forgetRows(*row, /*transposed=*/false, rows);
  forgetRows(*acc, op.getTransposed(), rows);
  for (int64_t i = 0; i < rows && !acc->data.empty(); ++i) {
    double highest = std::max(max->data[i], otherMax.data[i]);
    double own = power(op.getBase2(), max->data[i] - highest);
    double other = power(op.getBase2(), otherMax.data[i] - highest);
    max->data[i] = highest;
    sum->data[i] = own * sum->data[i] + other * otherSum.data[i];
    for (int64_t d = 0; d < layout.columns; ++d) {
      int64_t at = layout.at(i, d);
      acc->data[at] = own * acc->data[at] + other * otherAcc.data[at];
    }
  }
  set(op->getResult(0), max);
  set(op->getResult(1), sum);
  set(op->getResult(2), acc);
}

void Interpreter::softmaxFinish(Operation *operation) {
  auto op = cast<tile::SoftmaxFinishOp>(operation);
  const Tile &max = tile(op.getMax()), &sum = tile(op.getSum()),
             &acc = tile(op.getAcc());
  auto out = newTile(op->getResult(0), 0);
  auto lse = newTile(op->getResult(1), -kInfinity);
  double unit = op.getBase2() ? std::log(2.0) : 1;
  if (!out->data.empty()) {
    Layout layout(*out, op.getTransposed());
    int64_t rows = rowsComputed(op.getRows(), layout.rows);
    forgetRows(*out, op.getTransposed(), rows);
    forgetRows(*lse, /*transposed=*/false, rows);
    for (int64_t i = 0; i < rows; ++i) {
      bool isEmpty = sum.data[i] == 0;
      if (!isEmpty)
        lse->data[i] = max.data[i] * unit + std::log(sum.data[i]);
      double divisor = isEmpty ? 1 : sum.data[i];
      for (int64_t d = 0; d < layout.columns; ++d)
        out->data[layout.at(i, d)] = acc.data[layout.at(i, d)] / divisor;
    }
  }
  set(op->getResult(0), out);
  set(op->getResult(1), lse);
}

void Interpreter::softmaxNormalize(Operation *operation) {
  auto op = cast<tile::SoftmaxNormalizeOp>(operation);
  const Tile &scores = tile(op.getScores()), &max = tile(op.getMax()),
             &sum = tile(op.getSum());
  auto weights = newTile(op.getResult(), kUnspecified);
  int64_t keys = integer(op.getKeys());
  Layout layout(scores, op.getTransposed());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  for (int64_t i = 0; i < rows && !scores.data.empty(); ++i)
    for (int64_t j = 0; j < keys; ++j) {
      double score = scores.data[layout.at(i, j)], weight = sum.data[i];
      if (!std::isnan(weight))
        weight = score == -kInfinity
                     ? 0
                     : power(op.getBase2(), score - max.data[i]) / weight;
      weights->data[layout.at(i, j)] = weight;
    }
  set(op.getResult(), weights);
}

void Interpreter::normalizeStored(Operation *operation) {
  auto op = cast<tile::NormalizeStoredOp>(operation);
  const Tile &seen = tile(op.getSeen()), &max = tile(op.getMax()),
             &sum = tile(op.getSum());
  int64_t batch = integer(op.getBatch()), head = integer(op.getHead());
  int64_t row = integer(op.getRow()), rows = integer(op.getRows());
  int64_t columns = integer(op.getColumns());
  const Memory &weights = memory(op.getWeights());
  for (int64_t i = 0; i < rows && !seen.data.empty(); ++i) {
    auto [moreHead, morePosition] = mapRow(op.getRowMap(), i);
    bool isHidden = std::isnan(seen.data[i]);
    for (int64_t j = 0; j < columns; ++j) {
      SmallVector<int64_t, 4> at = {batch, head + moreHead, row + morePosition,
                                    j};
      double weight = sum.data[i];
      if (!std::isnan(weight) && isHidden)
        weight = 0;
      else if (!std::isnan(weight))
        weight = loadElement(weights, at).real *
                 power(op.getBase2(), seen.data[i] - max.data[i]) /
                 (weight == 0 ? 1 : weight);
      storeElement(weights, at, {0, weight});
    }
  }
}

void Interpreter::hasNonFinite(Operation *operation) {
  auto op = cast<tile::HasNonFiniteOp>(operation);
  const Tile &tested = tile(op.getTile());
  Layout layout(tested, op.getTransposed());
  int64_t rows = rowsComputed(op.getRows(), layout.rows);
  bool found = false;
  for (int64_t i = 0; i < rows && !tested.data.empty(); ++i)
    for (int64_t j = 0; j < layout.columns; ++j)
      found |= !std::isfinite(tested.data[layout.at(i, j)]);
  set(op.getResult(), found);
}
