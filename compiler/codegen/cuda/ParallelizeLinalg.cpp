//===- ParallelizeLinalg.cpp - Elementwise work, an element per thread ----===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_PARALLELIZELINALG
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;

/// An iteration per thread, in the order of the loop: a block of `threads`
/// threads takes as many of them.
static void distribute(scf::ParallelOp loop, int64_t threads) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  // Loops over elements begin at 0 and have the step 1.
  SmallVector<Value> sizes(loop.getUpperBound());
  Value count = constant(1);
  for (Value size : sizes)
    count = arith::MulIOp::create(b, count, size);
  Value blocks = arith::CeilDivSIOp::create(b, count, constant(threads));
  auto grid = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{blocks},
                                    ValueRange(), std::nullopt);
  b.setInsertionPointToStart(grid.getBody());
  Value thread = ::mlir::gpu::ThreadIdOp::create(
      b, b.getIndexType(), ::mlir::gpu::Dimension::x, IntegerAttr());
  Value number = arith::AddIOp::create(
      b,
      arith::MulIOp::create(b, grid.getInductionVars()[0], constant(threads)),
      thread);
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, count);
  auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
  IRMapping map;
  for (size_t axis = sizes.size(); axis-- > 0;) {
    Value at = number;
    if (axis > 0) {
      at = arith::RemUIOp::create(b, number, sizes[axis]);
      number = arith::DivUIOp::create(b, number, sizes[axis]);
    }
    map.map(loop.getInductionVars()[axis], at);
  }
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, map);
  loop.erase();
}

namespace {
struct ParallelizeLinalg
    : public ladon::cuda::impl::ParallelizeLinalgBase<ParallelizeLinalg> {
  using ParallelizeLinalgBase::ParallelizeLinalgBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp op) { copies.push_back(op); });
    for (memref::CopyOp op : copies) {
      rewriter.setInsertionPoint(op);
      linalg::makeMemRefCopyOp(rewriter, op.getLoc(), op.getSource(),
                               op.getTarget());
      rewriter.eraseOp(op);
    }
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops)
      if (failed(convert(rewriter, op)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(IRRewriter &rewriter, linalg::LinalgOp op) {
    if (!op.hasPureBufferSemantics())
      return op.emitOpError("expected buffers; run attn-bufferize before");
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::LinalgLoops> loops =
        linalg::linalgOpToParallelLoops(rewriter, op);
    if (failed(loops))
      return op.emitError("cannot be compiled for a GPU: it is no loop over "
                          "elements");
    auto outer = loops->empty() ? scf::ParallelOp()
                                : dyn_cast<scf::ParallelOp>(loops->front());
    if (!outer)
      return op.emitError("cannot be compiled for a GPU: expected the first "
                          "axis to be one of the result");
    rewriter.eraseOp(op);
    distribute(outer, threads);
    ++distributed;
    return success();
  }
};
} // namespace
