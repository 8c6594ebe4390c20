//===- PairsToX86.cpp - Operations on pairs to AVX512-BF16 ----------------===//

#include "compiler/codegen/cpu/x86/Passes.h"

#include "mlir/Transforms/DialectConversion.h"

#define DEBUG_TYPE "x86-lower-pairs"

namespace ladon::cpu {
#define GEN_PASS_DEF_PAIRSTOX86
#include "compiler/codegen/cpu/x86/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// Numbers of 32 bits in a register of 512.
static constexpr int64_t lanes = 16;

/// Whether vectors have the width that there are instructions for.
static LogicalResult checkWidth(Operation *op, Value numbers) {
  int64_t found = cast<VectorType>(numbers.getType()).getNumElements();
  if (found == lanes)
    return success();
  return op->emitOpError("expected vectors of ")
         << lanes << " sums for AVX512-BF16, found " << found;
}

namespace {

struct DotPattern : public OpConversionPattern<DotPairsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DotPairsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(),
        rewriter.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
        ValueRange{adaptor.getSums(), adaptor.getLeft(), adaptor.getRight()});
    return success();
  }
};

/// The instruction puts the numbers of its second operand before those of the
/// first.
struct RoundPattern : public OpConversionPattern<RoundPairsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(RoundPairsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto rounded = LLVM::CallIntrinsicOp::create(
        rewriter, op.getLoc(), op.getType(),
        rewriter.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512"),
        ValueRange{adaptor.getSecond(), adaptor.getFirst()});
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < lanes; ++lane)
      order.append({lane, lane + lanes});
    Value halves = rounded.getResult(0);
    rewriter.replaceOpWithNewOp<vector::ShuffleOp>(op, halves, halves, order);
    return success();
  }
};

struct PairsToX86 : public ladon::cpu::impl::PairsToX86Base<PairsToX86> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([](Operation *op) {
      if (auto dot = dyn_cast<DotPairsOp>(op))
        return WalkResult(checkWidth(op, dot.getSums()));
      if (auto round = dyn_cast<RoundPairsOp>(op))
        return WalkResult(checkWidth(op, round.getFirst()));
      return WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    patterns.add<DotPattern, RoundPattern>(&getContext());
    ConversionTarget target(getContext());
    target.addIllegalOp<DotPairsOp, RoundPairsOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
