//===- AttendCanonicalization.cpp - Simpler forms of attn.attend ----------===//
//
// Regions that say nothing go; so do captures that no region uses or that are
// there twice. A captured constant moves into the regions, where folding sees
// it. Operands take the static extents that a `tensor.cast` has hidden.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ladon::attn;

/// The block arguments of capture `index`, one for each region that is there.
static SmallVector<BlockArgument, 3> getCaptureArguments(AttendOp op,
                                                         unsigned index) {
  SmallVector<BlockArgument, 3> args;
  for (Region *region : op.getBodies())
    args.push_back(op.getCaptureArguments(*region)[index]);
  return args;
}

/// Removes capture `index`; its block arguments have no uses left.
static void eraseCapture(AttendOp op, unsigned index,
                         PatternRewriter &rewriter) {
  rewriter.modifyOpInPlace(op, [&] {
    for (BlockArgument arg : getCaptureArguments(op, index))
      arg.getOwner()->eraseArgument(arg.getArgNumber());
    op.getCapturesMutable().erase(index);
  });
}

static Value getYielded(Region &region) {
  return cast<YieldOp>(region.front().getTerminator()).getValue();
}

namespace {

/// `score` that yields s, `weight` that yields w and `mask` that yields true
/// are as good as none.
struct DropPlainRegions : OpRewritePattern<AttendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    auto drop = [&](Region &region) {
      rewriter.modifyOpInPlace(op, [&] {
        while (!region.front().empty())
          rewriter.eraseOp(&region.front().back());
        rewriter.eraseBlock(&region.front());
      });
      return success();
    };
    for (Region *region : {&op.getScore(), &op.getWeight()})
      if (!region->empty() && getYielded(*region) == region->getArgument(0))
        return drop(*region);
    if (op.hasMask() && matchPattern(getYielded(op.getMask()), m_One()))
      return drop(op.getMask());
    return rewriter.notifyMatchFailure(op, "expected a plain region");
  }
};

/// Captures that no region uses.
struct DropUnusedCaptures : OpRewritePattern<AttendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i = 0; i < op.getCaptures().size(); ++i) {
      if (!llvm::all_of(getCaptureArguments(op, i),
                        [](Value arg) { return arg.use_empty(); }))
        continue;
      eraseCapture(op, i, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "expected an unused capture");
  }
};

/// A value captured twice: the second one's uses go to the first.
struct MergeEqualCaptures : OpRewritePattern<AttendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    llvm::SmallDenseMap<Value, unsigned> first;
    for (auto [i, capture] : llvm::enumerate(op.getCaptures())) {
      auto [known, isNew] = first.try_emplace(capture, i);
      if (isNew)
        continue;
      for (auto [from, to] : llvm::zip(getCaptureArguments(op, i),
                                       getCaptureArguments(op, known->second)))
        rewriter.replaceAllUsesWith(from, to);
      eraseCapture(op, i, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "expected a value captured twice");
  }
};

/// A captured scalar constant becomes a constant of each region.
struct SinkConstantCaptures : OpRewritePattern<AttendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [i, capture] : llvm::enumerate(op.getCaptures())) {
      auto constant = capture.getDefiningOp<arith::ConstantOp>();
      if (!constant || isa<ShapedType>(constant.getType()))
        continue;
      for (BlockArgument arg : getCaptureArguments(op, i)) {
        rewriter.setInsertionPointToStart(arg.getOwner());
        Operation *inner = rewriter.clone(*constant);
        rewriter.replaceAllUsesWith(arg, inner->getResult(0));
      }
      eraseCapture(op, i, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "expected a captured constant");
  }
};

/// An operand that a `tensor.cast` made less static is taken from before the
/// cast. Upstream has this for every destination-style operation, but clones
/// regions in a way that fails for an empty one, which an attend may have; the
/// higher benefit lets this pattern come first, and leaves nothing for that.
struct FoldTensorCasts : OpRewritePattern<AttendOp> {
  explicit FoldTensorCasts(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(AttendOp op,
                                PatternRewriter &rewriter) const override {
    if (!tensor::hasFoldableTensorCastOperand(op))
      return rewriter.notifyMatchFailure(op, "expected a cast to fold");
    rewriter.modifyOpInPlace(op, [&] {
      for (OpOperand &operand : op->getOpOperands()) {
        auto cast = operand.get().getDefiningOp<tensor::CastOp>();
        if (cast && tensor::canFoldIntoConsumerOp(cast))
          operand.set(cast.getSource());
      }
      for (auto [i, capture] : llvm::enumerate(op.getCaptures()))
        for (BlockArgument arg : getCaptureArguments(op, i))
          arg.setType(capture.getType());
    });
    // Users of the results go on to see the types they know.
    rewriter.setInsertionPointAfter(op);
    for (auto [result, init] : llvm::zip(op.getResults(), op.getInits())) {
      Type known = result.getType();
      if (known == init.getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] { result.setType(init.getType()); });
      auto cast = tensor::CastOp::create(rewriter, op.getLoc(), known, result);
      rewriter.replaceAllUsesExcept(result, cast.getResult(), cast);
    }
    return success();
  }
};

} // namespace

void AttendOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropPlainRegions, DropUnusedCaptures, MergeEqualCaptures,
               SinkConstantCaptures, FoldTensorCasts>(context);
}
