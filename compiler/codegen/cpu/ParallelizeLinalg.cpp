//===- ParallelizeLinalg.cpp - Elementwise work into parallel tasks -------===//
//
// What is left of linalg after attention and matrix products (fills, bias
// broadcasts, elementwise arithmetic, transposes and copies) is tiled by
// upstream's TilingInterface into an scf.forall over all axes but the last.
// Nothing may touch memory outside of a task: the runtime runs none after an
// allocation has failed.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Interfaces/TilingInterface.h"

#define DEBUG_TYPE "cpu-parallelize-linalg"

namespace ladon::cpu {
#define GEN_PASS_DEF_PARALLELIZELINALG
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;

/// Elements of a vector per task; a task's cost is about that of 100 of them.
static constexpr int64_t vectorTile = 4096;

/// Axes but the innermost parallel one are split into single steps.
static SmallVector<OpFoldResult> tileSizes(linalg::LinalgOp op) {
  Builder b(op.getContext());
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  int64_t parallel = llvm::count(kinds, utils::IteratorType::parallel);
  SmallVector<OpFoldResult> sizes;
  int64_t seen = 0;
  for (utils::IteratorType kind : kinds) {
    bool split = kind == utils::IteratorType::parallel &&
                 (++seen < parallel || parallel == 1);
    sizes.push_back(b.getIndexAttr(!split          ? 0
                                   : parallel == 1 ? vectorTile
                                                   : 1));
  }
  return sizes;
}

/// Upstream's bufferization copies by `memref.copy`, which may become a call of
/// MLIR's runtime.
static void makeCopiesLinalg(func::FuncOp function) {
  function.walk([](memref::CopyOp copy) {
    if (!isa<MemRefType>(copy.getSource().getType()) ||
        !isa<MemRefType>(copy.getTarget().getType()))
      return;
    OpBuilder b(copy);
    linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(),
                           copy.getTarget());
    copy.erase();
  });
}

namespace {
struct ParallelizeLinalg
    : public ladon::cpu::impl::ParallelizeLinalgBase<ParallelizeLinalg> {
  void runOnOperation() override {
    makeCopiesLinalg(getOperation());
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!op->getParentOfType<scf::ForallOp>())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      if (op.getNumParallelLoops() == 0)
        continue;
      rewriter.setInsertionPoint(op);
      scf::SCFTilingOptions options;
      options.setTileSizes(tileSizes(op));
      options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
      FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
          rewriter, cast<TilingInterface>(op.getOperation()), options);
      if (failed(tiled)) {
        op.emitOpError("cannot be tiled");
        return signalPassFailure();
      }
      rewriter.eraseOp(op);
    }
  }
};
} // namespace
