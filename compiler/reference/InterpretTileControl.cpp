//===- InterpretTileControl.cpp - Grids, key loops, and which operation ---===//

#include "compiler/reference/InterpreterState.h"

#include "dialects/tile/Tile.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace ladon::interpreter;
namespace tile = ladon::tile;
using llvm::Error;

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

/// Points one after the other, in the order of the schedule.
Error Interpreter::runGrid(Operation *operation) {
  auto op = cast<tile::GridOp>(operation);
  SmallVector<int64_t> sizes = integers(op.getSizes());
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return Error::success();
  ArrayRef<int64_t> order = op.getSchedule().getOrder();
  SmallVector<int64_t> steps(sizes.size());
  while (true) {
    SmallVector<RuntimeValue> at;
    for (auto [axis, step] : llvm::enumerate(steps)) {
      bool descending = llvm::is_contained(op.getSchedule().getDescending(),
                                           static_cast<int64_t>(axis));
      at.push_back({descending ? sizes[axis] - 1 - step : step});
    }
    if (auto done = runBlock(op.getBody().front(), at); !done)
      return done.takeError();
    auto axis = order.rbegin();
    for (; axis != order.rend() && ++steps[*axis] >= sizes[*axis]; ++axis)
      steps[*axis] = 0;
    if (axis == order.rend())
      return Error::success();
  }
}

Error Interpreter::visitBlock(Operation *op, ArrayRef<RuntimeValue> positions,
                              SmallVector<RuntimeValue> &state) {
  if (++visitedBlocks > options.blockLimit)
    return llvm::createStringError(
        std::errc::result_out_of_range,
        "expected at most %lld blocks of keys to visit",
        (long long)options.blockLimit);
  SmallVector<RuntimeValue> arguments(positions);
  llvm::append_range(arguments, state);
  current.kind = VisitedBlock::Class::Empty;
  current.loop = op;
  current.firstKey = positions[0].integer;
  current.keys = positions[1].integer;
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
  SmallVector<std::pair<int64_t, int64_t>> parts = {{lower, upper}};
  if (op.getFullLower() && lower < upper) {
    int64_t from = integer(op.getFullLower());
    int64_t to = integer(op.getFullUpper());
    if (from < lower || to < from || upper < to)
      return failure(op, "the full range is not within the bounds");
    parts = {{from, to}, {lower, from}, {to, upper}};
  }
  if (options.loopObserver) {
    // The loads of the body say how many keys there are: in all, or in a page
    // of which a table has the numbers.
    int64_t keys = upper;
    Value table;
    op.walk([&](tile::LoadOp load) {
      keys = memory(load.getSource()).sizes[2];
      table = load.getPages();
      return WalkResult::interrupt();
    });
    if (op.getAligned())
      op.walk([&](memref::LoadOp load) {
        if (load.getMemRefType().getRank() == 2)
          table = load.getMemRef();
      });
    if (table)
      keys *= memory(table).sizes[1];
    options.loopObserver({op, current.batch, current.head, current.heads,
                          current.firstQuery, current.queries, keys});
  }
  SmallVector<RuntimeValue> state;
  for (Value init : op.getInits())
    state.push_back(get(init));
  inKeyLoop = true;
  for (auto [number, part] : llvm::enumerate(parts))
    for (int64_t key = part.first; key < part.second; key += step) {
      SmallVector<RuntimeValue> positions = {
          {key}, {std::min(step, part.second - key)}};
      if (op.getFullLower())
        positions.push_back({int64_t(number == 0)});
      if (Error e = visitBlock(op, positions, state))
        return e;
    }
  inKeyLoop = false;
  for (auto [result, value] : llvm::zip(op.getResults(), state))
    values[result] = value;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

/// Whether an operation has its form on buffers.
static bool isOnBuffers(tile::ValueOpInterface op) {
  auto isBuffer = [&](unsigned operand) {
    return isa<MemRefType>(op->getOperand(operand).getType());
  };
  if (isa<tile::StoreOp, tile::HasNonFiniteOp>(op))
    return isBuffer(0);
  if (auto normalize = dyn_cast<tile::NormalizeStoredOp>(*op))
    return isa<MemRefType>(normalize.getSeen().getType());
  return !op.getNewBuffers().empty() ||
         llvm::any_of(op.getUpdates(),
                      [&](auto update) { return isBuffer(update.first); });
}

Error Interpreter::runTile(Operation *op, bool &known) {
  known = true;
  if (auto value = dyn_cast<tile::ValueOpInterface>(op);
      value && isOnBuffers(value))
    return failure(op, "the interpreter runs tiles that are tensors only");
  if (isa<tile::LoadOp>(op)) {
    loadTile(op);
  } else if (isa<tile::StoreOp>(op)) {
    storeTile(op);
  } else if (isa<tile::ValueRangeOp>(op)) {
    valueRange(op);
  } else if (isa<tile::KeyLoopOp>(op)) {
    return runKeyLoop(op);
  } else if (isa<tile::GridOp>(op)) {
    return runGrid(op);
  } else if (isa<tile::ContractOp>(op)) {
    contract(op);
  } else if (auto max = dyn_cast<tile::RowMaxOp>(op)) {
    setRowMax(max.getMax(), tile(max.getScores()), integer(max.getKeys()),
              max.getRows(), max.getTransposed());
  } else if (auto modify = dyn_cast<tile::ModifyOp>(op)) {
    return runPositions(modify);
  } else if (auto mask = dyn_cast<tile::MaskOp>(op)) {
    return runPositions(mask);
  } else if (isa<tile::SoftmaxInitOp>(op)) {
    softmaxInit(op);
  } else if (isa<tile::SoftmaxWeightsOp>(op)) {
    softmaxWeights(op);
  } else if (isa<tile::RoundOp>(op)) {
    round(op);
  } else if (isa<tile::AccumulateOp>(op)) {
    accumulate(op);
  } else if (isa<tile::MergeOp>(op)) {
    merge(op);
  } else if (isa<tile::SoftmaxFinishOp>(op)) {
    softmaxFinish(op);
  } else if (isa<tile::SoftmaxNormalizeOp>(op)) {
    softmaxNormalize(op);
  } else if (isa<tile::NormalizeStoredOp>(op)) {
    normalizeStored(op);
  } else if (auto test = dyn_cast<tile::HasNonFiniteOp>(op)) {
    hasNonFinite(test);
  } else {
    known = false;
  }
  return Error::success();
}
