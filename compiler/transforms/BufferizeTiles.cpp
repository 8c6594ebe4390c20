//===- BufferizeTiles.cpp - Tile values to buffers ------------------------===//
//
// Upstream's one-shot bufferization of the values inside grid points. It finds
// where a value may be updated in place, and copies it where it is needed
// later; dialects/tile says what each operation does to its operands. Found out
// here, before: which rows may be used where the caller has them, and what a
// loop must put back in place at the end of an iteration.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/Overlap.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Bufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "tile-bufferize"

namespace ladon {
#define GEN_PASS_DEF_BUFFERIZETILES
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

//===----------------------------------------------------------------------===//
// Rows in place
//===----------------------------------------------------------------------===//

/// Whether a use of a loaded tile reads its first rows only, as many as were
/// loaded: what comes after them in memory may be anything.
static bool readsRows(tile::LoadOp load, OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto contract = dyn_cast<tile::ContractOp>(op))
    return use.get() != contract.getLeft() &&
           contract.getMap(1).getDimPosition(0) == tile::ContractOp::Column &&
           contract.getColumns() == load.getRows();
  if (auto accumulate = dyn_cast<tile::AccumulateOp>(op)) {
    bool isValue = use.get() != accumulate.getAcc() &&
                   use.get() != accumulate.getWeights() &&
                   use.get() != accumulate.getGuard();
    if (!accumulate.getValueTransposed())
      return isValue && accumulate.getKeys() == load.getRows();
    // Rows are features, and all of them are read.
    std::optional<int64_t> rows = getConstantIntValue(load.getRows());
    return isValue && rows == load.getTileType().getDimSize(0);
  }
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return !store.getTransposed() && store.getRows() == load.getRows();
  return false;
}

/// Whether the tensor that a tile is loaded from is written to where the tile
/// may live: in the outermost loop, or else the function, around it.
static bool isOverwritten(tile::LoadOp load) {
  Operation *scope = load;
  while (!isa<FunctionOpInterface>(scope->getParentOp()))
    scope = scope->getParentOp();
  if (scope == load)
    scope = scope->getParentOp();
  return scope
      ->walk([&](MemoryEffectOpInterface op) {
        return mayAccess(op, Access::Write, load.getSource())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Nothing to convert, to scale or to collect; nobody reads or keeps more of
/// the tile than the rows that exist, or changes them in the tensor.
static bool canUseInPlace(tile::LoadOp op) {
  return !op.getTransposed() && !op.getScale() && !op.getPages() &&
         !op.getRowMap() && op.getTileType().getRank() == 2 &&
         op.getTileType().getElementType() ==
             cast<MemRefType>(op.getSource().getType()).getElementType() &&
         llvm::all_of(op.getTile().getUses(),
                      [&](OpOperand &use) { return readsRows(op, use); }) &&
         !isOverwritten(op);
}

static void markRowsInPlace(func::FuncOp function) {
  function.walk([&](tile::LoadOp op) {
    if (op.getTile() && canUseInPlace(op))
      op->setDiscardableAttr(tile::inPlaceAttr, UnitAttr::get(op.getContext()));
  });
}

//===----------------------------------------------------------------------===//
// Initial states and loops
//===----------------------------------------------------------------------===//

/// An initial state that several rows of work start from is cheaper to make
/// again than to copy.
static void repeatInitialStates(func::FuncOp function) {
  SmallVector<tile::SoftmaxInitOp> inits;
  function.walk([&](tile::SoftmaxInitOp op) { inits.push_back(op); });
  for (tile::SoftmaxInitOp init : inits) {
    llvm::SmallSetVector<Operation *, 4> users(init->user_begin(),
                                               init->user_end());
    for (Operation *user : users) {
      Operation *own = OpBuilder(user).clone(*init);
      for (auto [old, replacement] :
           llvm::zip(init->getResults(), own->getResults()))
        user->replaceUsesOfWith(old, replacement);
    }
    if (init->use_empty())
      init->erase();
  }
}

/// Makes every value that a loop carries end an iteration in the buffer where
/// it began it. Buffers made in a loop are one place of a thread's scratch:
/// what was made in one iteration is gone in the next.
static LogicalResult
keepCarriedValues(func::FuncOp function,
                  bufferization::OneShotBufferizationOptions options) {
  options.allowReturnAllocsFromLoops = true;
  bufferization::OneShotAnalysisState state(function, options);
  if (failed(bufferization::analyzeOp(function, state)))
    return failure();
  SmallVector<std::pair<OpOperand *, Value>> moved;
  function.walk([&](scf::ForOp loop) {
    for (auto [carried, yielded] :
         llvm::zip(loop.getRegionIterArgs(),
                   loop.getBody()->getTerminator()->getOpOperands()))
      if (isa<TensorType>(carried.getType()) &&
          !state.areEquivalentBufferizedValues(carried, yielded.get()))
        moved.emplace_back(&yielded, carried);
  });
  // A value that is in a place where another one ends goes away first.
  for (auto [yielded, carried] : moved) {
    auto loop = cast<scf::ForOp>(yielded->getOwner()->getParentOp());
    Value value = yielded->get();
    auto mayLieIn = [&](Value other) {
      return isa<TensorType>(other.getType()) &&
             state.areAliasingBufferizedValues(other, value);
    };
    if (llvm::none_of(loop.getRegionIterArgs(), mayLieIn))
      continue;
    OpBuilder b(yielded->getOwner());
    auto type = cast<RankedTensorType>(value.getType());
    auto copy = bufferization::AllocTensorOp::create(
        b, loop.getLoc(), type, /*dynamicSizes=*/ValueRange(), value);
    yielded->set(copy);
  }
  for (auto [yielded, carried] : moved) {
    OpBuilder b(yielded->getOwner());
    auto placed = bufferization::MaterializeInDestinationOp::create(
        b, yielded->getOwner()->getParentOp()->getLoc(), carried.getType(),
        yielded->get(), carried);
    yielded->set(placed->getResult(0));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static bufferization::OneShotBufferizationOptions getOptions() {
  bufferization::OneShotBufferizationOptions options;
  // What else is there, in a function of memrefs, has no tensors.
  options.allowUnknownOps = true;
  options.bufferAlignment = 64;
  // New tiles are dense.
  options.unknownTypeConverterFn =
      [](TensorType type, Attribute space,
         const bufferization::BufferizationOptions &) {
        return bufferization::getMemRefTypeWithStaticIdentityLayout(type,
                                                                    space);
      };
  options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
    linalg::CopyOp::create(b, loc, from, to);
    return success();
  };
  return options;
}

namespace {
struct BufferizeTiles : public ladon::impl::BufferizeTilesBase<BufferizeTiles> {
  void runOnOperation() override {
    WalkResult control = getOperation().walk([](Operation *op) {
      if (!isa<tile::GridOp, tile::KeyLoopOp>(op))
        return WalkResult::advance();
      op->emitOpError("expected grids and loops to be lowered; run "
                      "tile-lower-control before");
      return WalkResult::interrupt();
    });
    if (control.wasInterrupted())
      return signalPassFailure();
    markRowsInPlace(getOperation());
    repeatInitialStates(getOperation());
    bufferization::OneShotBufferizationOptions options = getOptions();
    bufferization::BufferizationState state;
    if (failed(keepCarriedValues(getOperation(), options)) ||
        failed(
            bufferization::runOneShotBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};
} // namespace
