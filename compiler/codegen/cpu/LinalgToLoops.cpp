//===- LinalgToLoops.cpp - Elementwise work into loops --------------------===//
//
// Upstream makes the loops. What is done here is what LLVM's vectoriser wants
// to see: sums along the innermost axis in a register, for LLVM does not know
// that what is summed and where the sum goes are different memory, and a word
// that a loop over neighbours in memory is worth it.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "compiler/transforms/AskForVectors.h"
#include "compiler/transforms/Neighbours.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#define DEBUG_TYPE "cpu-linalg-to-loops"

namespace ladon::cpu {
#define GEN_PASS_DEF_LINALGTOLOOPS
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon;

/// Whether steps of the innermost loop are neighbours, or one element, in every
/// operand. (Those of an operand without an inner stride of 1 are not; LLVM
/// finds that out when the code runs.)
static bool visitsNeighbours(linalg::LinalgOp op) {
  return llvm::all_of(op.getIndexingMapsArray(), [&](AffineMap map) {
    return goesAlongRows(map, op.getNumLoops() - 1, /*mayStay=*/true);
  });
}

/// Whether what a loop carries is a sum, if it carries anything. LLVM finds
/// vectors of largest numbers only where flags rule out a NaN, and says so
/// where it was asked in vain.
static bool joinsBySum(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0)
    return true;
  Operation *yield = op.getBlock()->getTerminator();
  return llvm::all_of(yield->getOperands(), [](Value joined) {
    return joined.getDefiningOp<arith::AddFOp>() != nullptr;
  });
}

/// Indices that are those of a loop are values of that loop.
static void foldIndices(RewriterBase &rewriter, scf::ForOp loop) {
  for (auto apply : llvm::make_early_inc_range(
           loop.getBody()->getOps<affine::AffineApplyOp>()))
    if (SmallVector<Value> folded; succeeded(rewriter.tryFold(apply, folded)))
      rewriter.replaceOp(apply, folded);
}

/// Keeps what the iterations of a loop load and store at one place in a value
/// that the loop carries: the operands of a linalg operation do not overlap
/// what it writes.
static scf::ForOp carryResults(RewriterBase &rewriter, scf::ForOp loop) {
  SmallVector<std::pair<memref::LoadOp, memref::StoreOp>> kept;
  auto stays = [&](Value index) { return loop.isDefinedOutsideOfLoop(index); };
  for (auto store : loop.getBody()->getOps<memref::StoreOp>())
    for (auto load : loop.getBody()->getOps<memref::LoadOp>())
      if (load.getMemRef() == store.getMemRef() &&
          load.getIndices() == store.getIndices() &&
          llvm::all_of(store.getIndices(), stays))
        kept.emplace_back(load, store);
  if (kept.empty())
    return loop;
  SmallVector<Value> before;
  rewriter.setInsertionPoint(loop);
  for (auto [load, store] : kept)
    before.push_back(rewriter.clone(*load)->getResult(0));
  SmallVector<Value> next;
  for (auto [load, store] : kept)
    next.push_back(store.getValueToStore());
  auto carried = cast<scf::ForOp>(
      loop.replaceWithAdditionalYields(
              rewriter, before, /*replaceInitOperandUsesInLoop=*/false,
              [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
                return next;
              })
          ->getOperation());
  rewriter.setInsertionPointAfter(carried);
  for (auto [number, pair] : llvm::enumerate(kept)) {
    auto [load, store] = pair;
    rewriter.replaceOp(load, carried.getRegionIterArgs()[number]);
    memref::StoreOp::create(rewriter, store.getLoc(), carried.getResult(number),
                            store.getMemRef(), store.getIndices());
    rewriter.eraseOp(store);
  }
  return carried;
}

namespace {
struct LinalgToLoops
    : public ladon::cpu::impl::LinalgToLoopsBase<LinalgToLoops> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected buffers; run attn-bufferize before");
        return signalPassFailure();
      }
      bool areNeighbours =
          op.getNumLoops() > 0 && visitsNeighbours(op) && joinsBySum(op);
      rewriter.setInsertionPoint(op);
      FailureOr<linalg::LinalgLoops> loops =
          linalg::linalgOpToLoops(rewriter, op);
      if (failed(loops)) {
        op.emitOpError("cannot be turned into loops");
        return signalPassFailure();
      }
      rewriter.eraseOp(op);
      if (!areNeighbours)
        continue;
      auto innermost = cast<scf::ForOp>(loops->back());
      foldIndices(rewriter, innermost);
      askForVectors(carryResults(rewriter, innermost));
    }
  }
};
} // namespace
