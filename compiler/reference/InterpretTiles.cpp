//===- InterpretTiles.cpp - The tile dialect on arrays of doubles ---------===//

#include "compiler/reference/InterpreterState.h"

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

void Interpreter::loadTile(Operation *operation) {
  auto op = cast<tile::LoadOp>(operation);
  int64_t batch = integer(op.getBatch()), head = integer(op.getHead());
  int64_t row = integer(op.getRow()), rows = integer(op.getRows());
  if (!inKeyLoop) {
    current.batch = batch;
    current.head = head;
    current.firstQuery = row;
    current.queries = rows;
  }
  auto r = newTile(op.getTile(), 0);
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  int64_t width = r->shape[1];
  for (int64_t i = 0; i < rows && !r->data.empty(); ++i)
    for (int64_t d = 0; d < width; ++d)
      r->data[i * width + d] =
          scale *
          loadElement(memory(op.getSource()), {batch, head, row + i, d}).real;
  set(op.getTile(), r);
}

void Interpreter::storeTile(Operation *operation) {
  auto op = cast<tile::StoreOp>(operation);
  const Tile &source = tile(op.getTile());
  int64_t batch = integer(op.getBatch()), head = integer(op.getHead());
  int64_t row = integer(op.getRow()), rows = integer(op.getRows());
  int64_t width = source.shape.size() > 1 ? source.shape[1] : 1;
  if (source.data.empty())
    return;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t d = 0; d < width; ++d) {
      SmallVector<int64_t, 4> at = {batch, head, row + i};
      if (source.shape.size() > 1)
        at.push_back(d);
      storeElement(memory(op.getDest()), at, {0, source.data[i * width + d]});
    }
}

void Interpreter::valueRange(Operation *operation) {
  auto op = cast<tile::ValueRangeOp>(operation);
  const Memory &source = memory(op.getSource());
  SmallVector<int64_t> lower = integers(op.getLower());
  SmallVector<int64_t> upper = integers(op.getUpper());
  set(op.getMin(), 0);
  set(op.getMax(), 0);
  for (size_t axis = 0; axis < lower.size(); ++axis) {
    int64_t size = source.sizes[axis];
    if (size == 0 || lower[axis] > upper[axis])
      return;
    lower[axis] = std::clamp<int64_t>(lower[axis], 0, size - 1);
    upper[axis] = std::clamp<int64_t>(upper[axis], 0, size - 1);
  }
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();
  SmallVector<int64_t> at = lower;
  while (true) {
    int64_t v = loadElement(source, at).integer;
    min = std::min(min, v);
    max = std::max(max, v);
    int axis = static_cast<int>(at.size()) - 1;
    for (; axis >= 0 && ++at[axis] > upper[axis]; --axis)
      at[axis] = lower[axis];
    if (axis < 0)
      break;
  }
  set(op.getMin(), min);
  set(op.getMax(), max);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void Interpreter::scores(Operation *operation) {
  auto op = cast<tile::ScoresOp>(operation);
  const Tile &q = tile(op.getQuery()), &k = tile(op.getKey());
  auto r = newTile(op.getScores(), -kInfinity);
  int64_t keys = integer(op.getKeys()), width = q.shape[1];
  for (int64_t i = 0; i < r->shape[0] && !r->data.empty(); ++i)
    for (int64_t j = 0; j < keys; ++j) {
      double sum = 0;
      for (int64_t d = 0; d < width; ++d)
        sum += q.data[i * width + d] * k.data[j * width + d];
      r->data[i * r->shape[1] + j] = sum;
    }
  set(op.getScores(), r);
}

/// tile.modify and tile.mask.
Error Interpreter::runPositions(Operation *op) {
  bool isMask = isa<tile::MaskOp>(op);
  if (isMask)
    current.kind = VisitedBlock::Class::Partial;
  auto r = std::make_shared<Tile>(tile(op->getOperand(0)));
  SmallVector<int64_t> at = integers(op->getOperands().slice(1, 5));
  int64_t query = at[2], key = at[3], keys = at[4];
  SmallVector<RuntimeValue> arguments;
  if (!isMask)
    arguments.emplace_back();
  for (int64_t position : ArrayRef(at).take_front(4))
    arguments.push_back({position});
  for (Value capture : op->getOperands().drop_front(6))
    arguments.push_back(get(capture));
  RuntimeValue *i = &arguments[isMask ? 2 : 3], *j = i + 1;
  for (int64_t row = 0; row < r->shape[0] && !r->data.empty(); ++row)
    for (int64_t column = 0; column < keys; ++column) {
      double &score = r->data[row * r->shape[1] + column];
      i->integer = query + row;
      j->integer = key + column;
      if (!isMask)
        arguments[0].real = score;
      auto result = runBlock(op->getRegion(0).front(), arguments);
      if (!result)
        return result.takeError();
      if (!isMask)
        score = result->front().real;
      else if (!result->front().integer)
        score = -kInfinity;
    }
  set(op->getResult(0), r);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Online softmax
//===----------------------------------------------------------------------===//

void Interpreter::softmaxUpdate(Operation *operation) {
  auto op = cast<tile::SoftmaxUpdateOp>(operation);
  if (current.kind == VisitedBlock::Class::Empty)
    current.kind = VisitedBlock::Class::Full;
  current.guarded = op.getGuarded();
  auto max = std::make_shared<Tile>(tile(op.getMax()));
  auto sum = std::make_shared<Tile>(tile(op.getSum()));
  auto acc = std::make_shared<Tile>(tile(op.getAcc()));
  const Tile &s = tile(op.getScores()), &v = tile(op.getValue());
  int64_t keys = integer(op.getKeys()), width = v.shape[1];
  auto power = [&](double x) {
    return op.getBase2() ? std::exp2(x) : std::exp(x);
  };
  for (int64_t i = 0; i < s.shape[0] && !s.data.empty(); ++i) {
    const double *row = &s.data[i * s.shape[1]];
    double old = max->data[i], top = old;
    for (int64_t j = 0; j < keys; ++j)
      top = std::max(top, row[j]);
    double rescale = old == top ? 1 : power(old - top);
    max->data[i] = top;
    sum->data[i] *= rescale;
    for (int64_t d = 0; d < width; ++d)
      acc->data[i * width + d] *= rescale;
    for (int64_t j = 0; j < keys; ++j) {
      bool hidden = row[j] == -kInfinity;
      if (hidden && op.getGuarded())
        continue;
      double weight = hidden ? 0 : power(row[j] - top);
      sum->data[i] += weight;
      for (int64_t d = 0; d < width; ++d)
        acc->data[i * width + d] += weight * v.data[j * width + d];
    }
  }
  set(op.getNewMax(), max);
  set(op.getNewSum(), sum);
  set(op.getNewAcc(), acc);
}

void Interpreter::softmaxFinish(Operation *operation) {
  auto op = cast<tile::SoftmaxFinishOp>(operation);
  const Tile &max = tile(op.getMax()), &sum = tile(op.getSum()),
             &acc = tile(op.getAcc());
  auto out = newTile(op.getOut(), 0), lse = newTile(op.getLse(), -kInfinity);
  double unit = op.getBase2() ? std::log(2.0) : 1;
  for (int64_t i = 0; i < out->shape[0] && !out->data.empty(); ++i) {
    if (sum.data[i] == 0)
      continue;
    lse->data[i] = max.data[i] * unit + std::log(sum.data[i]);
    for (int64_t d = 0; d < out->shape[1]; ++d)
      out->data[i * out->shape[1] + d] =
          acc.data[i * out->shape[1] + d] / sum.data[i];
  }
  set(op.getOut(), out);
  set(op.getLse(), lse);
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

Error Interpreter::runTile(Operation *op, bool &known) {
  known = true;
  if (isa<tile::LoadOp>(op)) {
    loadTile(op);
  } else if (isa<tile::StoreOp>(op)) {
    storeTile(op);
  } else if (isa<tile::ValueRangeOp>(op)) {
    valueRange(op);
  } else if (isa<tile::KeyLoopOp>(op)) {
    return runKeyLoop(op);
  } else if (isa<tile::ScoresOp>(op)) {
    scores(op);
  } else if (isa<tile::ModifyOp, tile::MaskOp>(op)) {
    return runPositions(op);
  } else if (auto init = dyn_cast<tile::SoftmaxInitOp>(op)) {
    // The lowest number is lower than any score that is not hidden.
    double lowest = elementOf(init.getMax()).isF32()
                        ? std::numeric_limits<float>::lowest()
                        : std::numeric_limits<double>::lowest();
    set(init.getMax(), newTile(init.getMax(), lowest));
    set(init.getSum(), newTile(init.getSum(), 0));
    set(init.getAcc(), newTile(init.getAcc(), 0));
  } else if (isa<tile::SoftmaxUpdateOp>(op)) {
    softmaxUpdate(op);
  } else if (isa<tile::SoftmaxFinishOp>(op)) {
    softmaxFinish(op);
  } else if (auto test = dyn_cast<tile::HasNonFiniteOp>(op)) {
    set(test.getResult(), llvm::any_of(tile(test.getTile()).data, [](double d) {
          return !std::isfinite(d);
        }));
  } else {
    known = false;
  }
  return Error::success();
}

Error Interpreter::visitBlock(Operation *op, int64_t firstKey, int64_t keys,
                              SmallVector<RuntimeValue> &state) {
  SmallVector<RuntimeValue> arguments = {{firstKey}, {keys}};
  llvm::append_range(arguments, state);
  current.kind = VisitedBlock::Class::Empty;
  current.loop = op;
  current.firstKey = firstKey;
  current.keys = keys;
  current.guarded = false;
  auto result = runBlock(op->getRegion(0).front(), arguments);
  if (!result)
    return result.takeError();
  state = std::move(*result);
  if (options.observer)
    options.observer(current);
  return Error::success();
}

Error Interpreter::runKeyLoop(Operation *operation) {
  auto op = cast<tile::KeyLoopOp>(operation);
  int64_t lower = integer(op.getLower()), upper = integer(op.getUpper());
  int64_t step = op.getStep();
  std::pair<int64_t, int64_t> parts[] = {{lower, upper}, {upper, upper}};
  if (op.getExceptLower() && lower < upper) {
    int64_t from = integer(op.getExceptLower());
    int64_t to = integer(op.getExceptUpper());
    if (from < lower || to < from || upper < to)
      return failure(op, "the excepted range is not within the bounds");
    parts[0].second = from;
    parts[1].first = to;
  }
  if (options.loopObserver) {
    // The loads of the body say how many keys there are.
    int64_t keys = upper;
    op.walk([&](tile::LoadOp load) {
      keys = memory(load.getSource()).sizes[2];
      return WalkResult::interrupt();
    });
    options.loopObserver({op, current.batch, current.head, current.firstQuery,
                          current.queries, keys});
  }
  SmallVector<RuntimeValue> state;
  for (Value init : op.getInits())
    state.push_back(get(init));
  inKeyLoop = true;
  for (auto [first, last] : parts)
    for (int64_t key = first; key < last; key += step)
      if (Error e = visitBlock(op, key, std::min(step, last - key), state))
        return e;
  inKeyLoop = false;
  for (auto [result, value] : llvm::zip(op.getResults(), state))
    values[result] = value;
  return Error::success();
}
