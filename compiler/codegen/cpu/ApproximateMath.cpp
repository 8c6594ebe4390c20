//===- ApproximateMath.cpp - f32 math functions as polynomials ------------===//

#include "compiler/codegen/cpu/MathPolynomials.h"
#include "compiler/codegen/cpu/Passes.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

#define DEBUG_TYPE "cpu-approximate-math"

namespace ladon::cpu {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;

namespace {
struct ApproximateMath
    : public ladon::cpu::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    // Upstream's sin, cos and pow lose accuracy for large arguments, so the C
    // library keeps them.
    llvm::StringSet<> approximated = {
        math::TanhOp::getOperationName(),
        math::ErfOp::getOperationName(),
        math::ExpM1Op::getOperationName(),
        math::Log1pOp::getOperationName(),
    };
    RewritePatternSet patterns(&getContext());
    ladon::cpu::populateMathPolynomialPatterns(patterns);
    populateMathPolynomialApproximationPatterns(
        patterns, [&](StringRef name) { return approximated.contains(name); });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
