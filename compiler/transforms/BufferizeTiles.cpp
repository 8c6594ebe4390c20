//===- BufferizeTiles.cpp - Tile values to buffers ------------------------===//
//
// Upstream's one-shot bufferization of the values inside grid points. It finds
// where a value may be updated in place, and copies it where it is needed
// later; dialects/tile says what each operation does to its operands.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/Transforms/Bufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "tile-bufferize"

namespace ladon {
#define GEN_PASS_DEF_BUFFERIZETILES
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;

/// An initial state that several rows of work start from is cheaper to make
/// again than to copy.
static void repeatInitialStates(func::FuncOp function) {
  SmallVector<ladon::tile::SoftmaxInitOp> inits;
  function.walk([&](ladon::tile::SoftmaxInitOp op) { inits.push_back(op); });
  for (ladon::tile::SoftmaxInitOp init : inits) {
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

static bufferization::OneShotBufferizationOptions getOptions() {
  bufferization::OneShotBufferizationOptions options;
  // What else is there, in a function of memrefs, has no tensors.
  options.allowUnknownOps = true;
  // The result of a branch may be a buffer that was made in it.
  options.allowReturnAllocsFromLoops = true;
  options.bufferAlignment = 64;
  options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
    linalg::CopyOp::create(b, loc, from, to);
    return success();
  };
  return options;
}

namespace {
struct BufferizeTiles : public ladon::impl::BufferizeTilesBase<BufferizeTiles> {
  void runOnOperation() override {
    repeatInitialStates(getOperation());
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotBufferize(getOperation(), getOptions(),
                                                  state)))
      signalPassFailure();
  }
};
} // namespace
