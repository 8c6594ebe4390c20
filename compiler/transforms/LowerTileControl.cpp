//===- LowerTileControl.cpp - Grids and key loops to scf ------------------===//
//
// What is control in the tile dialect and not computation on tiles: grids
// become parallel loops, key loops become loops over blocks, and the range of a
// box of a captured tensor a scan of it. Patterns are in the order of
// TileOps.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "compiler/transforms/AskForVectors.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

#define DEBUG_TYPE "tile-lower-control"

namespace ladon {
#define GEN_PASS_DEF_LOWERTILECONTROL
#include "compiler/transforms/Passes.h.inc"
} // namespace ladon

using namespace mlir;
using namespace ladon;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

//===----------------------------------------------------------------------===//
// tile.value_range
//===----------------------------------------------------------------------===//

namespace {
/// Reads the whole box, clamped into the tensor.
class ValueRangeLowering : public OpConversionPattern<tile::ValueRangeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::ValueRangeOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type element = cast<MemRefType>(op.getSource().getType()).getElementType();
    SmallVector<Value> lower, upper;
    Value some = arith::ConstantIntOp::create(b, 1, 1);
    for (auto [axis, lo, hi] : llvm::enumerate(op.getLower(), op.getUpper())) {
      Value extent = memref::DimOp::create(b, op.getSource(), axis);
      Value last = arith::SubIOp::create(b, extent, index(b, 1));
      auto clamp = [&](Value x) -> Value {
        x = arith::MinSIOp::create(b, x, last);
        return arith::MaxSIOp::create(b, x, index(b, 0));
      };
      Value nonEmpty = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                             extent, index(b, 0));
      some = arith::AndIOp::create(b, some, nonEmpty);
      lower.push_back(clamp(lo));
      upper.push_back({});
      if (lo == hi)
        continue;
      upper.back() = arith::AddIOp::create(b, clamp(hi), index(b, 1));
      Value ordered =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sle, lo, hi);
      some = arith::AndIOp::create(b, some, ordered);
    }
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
    Value one = arith::ConstantIntOp::create(b, 1, 64);
    // The signature costs as much as the range, and not all need it.
    bool isSigned = !op.getSignature().use_empty();
    auto branch = scf::IfOp::create(b, op.getResultTypes(), some,
                                    /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, ValueRange{zero, zero, one});
    b.setInsertionPointToStart(branch.thenBlock());
    Value first = memref::LoadOp::create(b, op.getSource(), lower);
    SmallVector<Value> indices, start{first, first};
    Value none = arith::ConstantIntOp::create(b, 0, 64);
    if (isSigned)
      start.push_back(none);
    SmallVector<Value> found =
        scan(b, op.getSource(), lower, upper, indices, start);
    if (!isSigned)
      found.push_back(none);
    scf::YieldOp::create(b, found);
    rewriter.replaceOp(op, branch.getResults());
    return success();
  }

  /// (min, max), and the signature if `soFar` has one, over the axes from
  /// `indices.size()` on. An axis without an upper end has one position.
  static SmallVector<Value> scan(ImplicitLocOpBuilder &b, Value source,
                                 ArrayRef<Value> lower, ArrayRef<Value> upper,
                                 SmallVectorImpl<Value> &indices,
                                 ValueRange soFar) {
    size_t axis = indices.size();
    if (axis == lower.size()) {
      Value x = memref::LoadOp::create(b, source, indices);
      SmallVector<Value> found{arith::MinSIOp::create(b, soFar[0], x),
                               arith::MaxSIOp::create(b, soFar[1], x)};
      if (soFar.size() > 2)
        found.push_back(arith::OrIOp::create(b, soFar[2], bitOf(b, x)));
      return found;
    }
    if (!upper[axis]) {
      indices.push_back(lower[axis]);
      return scan(b, source, lower, upper, indices, soFar);
    }
    auto loop =
        scf::ForOp::create(b, lower[axis], upper[axis], index(b, 1), soFar);
    if (axis + 1 == lower.size())
      askForVectors(loop);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    indices.push_back(loop.getInductionVar());
    SmallVector<Value> results =
        scan(b, source, lower, upper, indices, loop.getRegionIterArgs());
    scf::YieldOp::create(b, results);
    return SmallVector<Value>(loop.getResults());
  }

  /// The bit of an element in a signature.
  static Value bitOf(ImplicitLocOpBuilder &b, Value x) {
    unsigned width = x.getType().getIntOrFloatBitWidth();
    if (width < 64)
      x = arith::ExtSIOp::create(b, b.getI64Type(), x);
    else if (width > 64)
      x = arith::TruncIOp::create(b, b.getI64Type(), x);
    Value last = arith::ConstantIntOp::create(b, 63, 64);
    return arith::ShLIOp::create(b, arith::ConstantIntOp::create(b, 1, 64),
                                 arith::AndIOp::create(b, x, last));
  }
};

//===----------------------------------------------------------------------===//
// tile.grid
//===----------------------------------------------------------------------===//

class GridLowering : public OpConversionPattern<tile::GridOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::GridOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    tile::ScheduleAttr schedule = op.getSchedule();
    SmallVector<OpFoldResult> sizes = getAsOpFoldResult(op.getSizes()), upper;
    for (int64_t axis : schedule.getOrder())
      upper.push_back(sizes[axis]);
    auto loop = scf::ForallOp::create(b, upper, ValueRange(), std::nullopt);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> at(sizes.size());
    for (auto [axis, iv] :
         llvm::zip(schedule.getOrder(), loop.getInductionVars())) {
      at[axis] = iv;
      if (!llvm::is_contained(schedule.getDescending(), axis))
        continue;
      Value last = arith::SubIOp::create(b, op.getSizes()[axis], index(b, 1));
      at[axis] = arith::SubIOp::create(b, last, iv);
    }
    Block *body = &op.getBody().front();
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, loop.getTerminator(), at);
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// tile.key_loop
//===----------------------------------------------------------------------===//

/// The blocks of a full range and those around it are one loop over block
/// numbers, so that the body is there once.
class KeyLoopLowering : public OpConversionPattern<tile::KeyLoopOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::KeyLoopOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value lower = op.getLower(), upper = op.getUpper();
    Value step = index(b, op.getStep());
    if (!op.getFullLower()) {
      auto loop = scf::ForOp::create(b, lower, upper, step, op.getInits());
      b.setInsertionPointToStart(loop.getBody());
      inlineBody(op, loop, loop.getInductionVar(), upper, {}, b, rewriter);
      return success();
    }
    Value fullLower = op.getFullLower(), fullUpper = op.getFullUpper();
    Value zero = index(b, 0);
    auto blocks = [&](Value from, Value to) -> Value {
      Value length = arith::SubIOp::create(b, to, from);
      length = arith::MaxSIOp::create(b, length, zero);
      return arith::CeilDivSIOp::create(b, length, step);
    };
    Value full = blocks(fullLower, fullUpper);
    Value before = arith::AddIOp::create(b, full, blocks(lower, fullLower));
    Value total = arith::AddIOp::create(b, before, blocks(fullUpper, upper));
    auto loop = scf::ForOp::create(b, zero, total, index(b, 1), op.getInits());
    b.setInsertionPointToStart(loop.getBody());
    Value number = loop.getInductionVar();
    auto isBelow = [&](Value end) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, end);
    };
    Value isFull = isBelow(full), isBefore = isBelow(before);
    auto choose = [&](Value inFull, Value ahead, Value behind) -> Value {
      Value around = arith::SelectOp::create(b, isBefore, ahead, behind);
      return arith::SelectOp::create(b, isFull, inFull, around);
    };
    Value start = choose(fullLower, lower, fullUpper);
    Value end = choose(fullUpper, fullLower, upper);
    Value within = arith::SubIOp::create(b, number, choose(zero, full, before));
    Value first =
        arith::AddIOp::create(b, start, arith::MulIOp::create(b, within, step));
    inlineBody(op, loop, first, end, isFull, b, rewriter);
    return success();
  }

  /// The body of `op` for the block from `first` on, at the end of `loop`'s.
  static void inlineBody(tile::KeyLoopOp op, scf::ForOp loop, Value first,
                         Value end, Value isFull, ImplicitLocOpBuilder &b,
                         ConversionPatternRewriter &rewriter) {
    Value rest = arith::SubIOp::create(b, end, first);
    SmallVector<Value> arguments = {
        first, arith::MinSIOp::create(b, index(b, op.getStep()), rest)};
    if (isFull)
      arguments.push_back(isFull);
    llvm::append_range(arguments, loop.getRegionIterArgs());
    // A loop without a state has been given its terminator.
    if (!loop.getBody()->empty() &&
        loop.getBody()->back().hasTrait<OpTrait::IsTerminator>())
      rewriter.eraseOp(loop.getBody()->getTerminator());
    Block *body = &op.getBody().front();
    auto yield = cast<tile::YieldOp>(body->getTerminator());
    rewriter.inlineBlockBefore(body, loop.getBody(), loop.getBody()->end(),
                               arguments);
    rewriter.setInsertionPoint(yield);
    rewriter.replaceOpWithNewOp<scf::YieldOp>(yield, yield.getValues());
    rewriter.replaceOp(op, loop.getResults());
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct LowerTileControl
    : public ladon::impl::LowerTileControlBase<LowerTileControl> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ValueRangeLowering, GridLowering, KeyLoopLowering>(
        &getContext());
    ConversionTarget target(getContext());
    target.addIllegalOp<tile::ValueRangeOp, tile::GridOp, tile::KeyLoopOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
