//===- IntegerRanges.h - Bounds of integer values --------------*- C++ -*-===//
//
// The bounds of values as computed, wraparound included. They come from
// upstream's InferIntRangeInterface; what is added here is that sizes lie below
// 2^30, and what a caller knows about the arguments of a region.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_INTEGERRANGES_H
#define LADON_COMPILER_ANALYSIS_INTEGERRANGES_H

#include "compiler/analysis/Interval.h"
#include "dialects/attn/Limits.h"
#include "mlir/IR/Value.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"
#include "llvm/ADT/DenseMap.h"

namespace ladon::analysis {

/// What a position or size can be.
constexpr IntegerRange kPositions{0, kPositionLimit - 1};

/// The values of an integer or index type: 0 and 1 of an i1, else signed. Types
/// of more than 64 bits are as those of 64.
IntegerRange rangeOfType(mlir::Type type);

class IntegerRanges {
public:
  /// Declares what an argument can be.
  void set(mlir::Value value, IntegerRange range);
  /// The bounds of an integer or index.
  IntegerRange of(mlir::Value value);

private:
  mlir::ConstantIntRanges infer(mlir::Value value);

  llvm::DenseMap<mlir::Value, mlir::ConstantIntRanges> ranges;
};

} // namespace ladon::analysis

#endif // LADON_COMPILER_ANALYSIS_INTEGERRANGES_H
