//===- IntegerRanges.h - Bounds of integer values --------------*- C++ -*-===//
//
// The bounds of values as computed, wraparound included. They come from
// upstream's InferIntRangeInterface; what is added here is that sizes lie below
// 2^30, and what a caller knows about the arguments of a region.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_ANALYSIS_INTEGERRANGES_H
#define LADON_COMPILER_ANALYSIS_INTEGERRANGES_H

#include "dialects/attn/Limits.h"
#include "mlir/IR/Value.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"
#include "llvm/ADT/DenseMap.h"

namespace ladon::analysis {

/// Wide enough for sums and products of 64-bit values.
__extension__ using Wide = __int128;

/// All integers from `min` to `max`.
struct IntegerRange {
  Wide min = 0;
  Wide max = 0;

  bool contains(IntegerRange inner) const {
    return min <= inner.min && inner.max <= max;
  }
  bool isConstant() const { return min == max; }
};

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
