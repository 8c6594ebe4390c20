//===- MathPolynomials.h - f32 functions as vector arithmetic --*- C++ -*-===//
//
// Functions that the approximations of upstream MLIR get wrong somewhere on
// their domain (subnormal numbers, large arguments), as arithmetic that is
// within a few units of the last place everywhere. What each is good for is
// measured by test/unit/function_accuracy_test.cpp and written down in
// docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_MATHPOLYNOMIALS_H
#define LADON_COMPILER_CODEGEN_CPU_MATHPOLYNOMIALS_H

#include "mlir/IR/PatternMatch.h"

namespace ladon::cpu {

/// Patterns for math.exp, exp2, log and log2 of f32, scalar or vector.
void populateMathPolynomialPatterns(mlir::RewritePatternSet &patterns);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_MATHPOLYNOMIALS_H
