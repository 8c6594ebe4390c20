//===- ApproximateMath.cpp - Math functions as vector arithmetic ----------===//

#include "compiler/codegen/cpu/MathPolynomials.h"
#include "compiler/codegen/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

#include <limits>

#define DEBUG_TYPE "cpu-approximate-math"

namespace ladon::cpu {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;

//===--- log1p and expm1 --------------------------------------------------===//

/// A constant of a float type or a vector of one.
static Value constant(ImplicitLocOpBuilder &b, Type type, double value) {
  Attribute number = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, number));
  return arith::ConstantOp::create(b, cast<TypedAttr>(number));
}

static Value isEqual(ImplicitLocOpBuilder &b, Value x, Value y) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
}

/// log(u) x / (u - 1) with u = 1 + x: the rounding of u moves log(u) and u - 1
/// by the same factor, so the quotient is as good as that of x would be (Kahan,
/// "Pracniques", quoted in Higham, section 1.14.1).
static Value emitLog1p(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value one = constant(b, type, 1);
  Value u = arith::AddFOp::create(b, one, x);
  Value rest = arith::SubFOp::create(b, u, one);
  Value result = arith::MulFOp::create(b, math::LogOp::create(b, u),
                                       arith::DivFOp::create(b, x, rest));
  // A tiny x is its own result, and so is infinity.
  Value infinity = constant(b, type, std::numeric_limits<double>::infinity());
  Value isOwn =
      arith::OrIOp::create(b, isEqual(b, u, one), isEqual(b, u, infinity));
  return arith::SelectOp::create(b, isOwn, x, result);
}

/// (u - 1) x / log(u) with u = exp(x), by the same argument.
static Value emitExpm1(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value one = constant(b, type, 1);
  Value u = math::ExpOp::create(b, x);
  Value rest = arith::SubFOp::create(b, u, one);
  Value result = arith::MulFOp::create(
      b, rest, arith::DivFOp::create(b, x, math::LogOp::create(b, u)));
  // -1, and infinity, where nothing of x is left in u.
  Value isEnd = arith::OrIOp::create(b, isEqual(b, rest, constant(b, type, -1)),
                                     isEqual(b, rest, u));
  result = arith::SelectOp::create(b, isEnd, rest, result);
  return arith::SelectOp::create(b, isEqual(b, u, one), x, result);
}

template <auto emit, typename Op>
static LogicalResult expand(Op op, PatternRewriter &rewriter) {
  Type type = op.getType();
  if (isa<ShapedType>(type) && !isa<VectorType>(type))
    return rewriter.notifyMatchFailure(op, "expected a number or a vector");
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  rewriter.replaceOp(op, emit(b, op.getOperand()));
  return success();
}

//===--- The pass ---------------------------------------------------------===//

namespace {
struct ApproximateMath
    : public ladon::cpu::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    // Upstream's sin, cos and pow lose accuracy for large arguments, so the C
    // library keeps them.
    llvm::StringSet<> approximated = {
        math::TanhOp::getOperationName(),
        math::ErfOp::getOperationName(),
    };
    RewritePatternSet patterns(&getContext());
    patterns.add(expand<emitLog1p, math::Log1pOp>);
    patterns.add(expand<emitExpm1, math::ExpM1Op>);
    ladon::cpu::populateMathPolynomialPatterns(patterns);
    populateMathPolynomialApproximationPatterns(
        patterns, [&](StringRef name) { return approximated.contains(name); });
    // Those operations and what they become; the rest of the module, much
    // more, is not looked at.
    SmallVector<Operation *> functions;
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()))
        functions.push_back(op);
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(functions, std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
