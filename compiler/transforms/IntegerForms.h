//===- IntegerForms.h - Ranges and linear forms of region values -*- C++
//-*-===//
//
// What is known about the integers of a score or mask region without running
// it. Both answers are about the values as computed, in two's complement: a sum
// is taken apart only where it cannot wrap, given that positions and sizes are
// below 2^30 (the entry checks of an artefact see to that).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_INTEGERFORMS_H
#define LADON_COMPILER_TRANSFORMS_INTEGERFORMS_H

#include "dialects/attn/Attn.h"
#include "llvm/ADT/DenseMap.h"

namespace ladon {

/// Wide enough for sums and products of 64-bit values.
__extension__ using WideInt = __int128;

/// All values from `min` to `max`.
struct IntegerRange {
  WideInt min = 0;
  WideInt max = 0;
};

/// `constant + sum of coefficient * value`, no coefficient zero, each value
/// once, block arguments first and then in program order.
struct LinearForm {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<mlir::Value, int64_t>, 2> terms;

  int64_t coefficient(mlir::Value value) const;
  bool hasTerms(const LinearForm &other) const { return terms == other.terms; }
};

class IntegerForms {
public:
  /// For the values of one region of `op`, whose first position argument has
  /// number `firstPosition` (0 in a mask, 1 in a score).
  IntegerForms(attn::AttendOp op, unsigned firstPosition);

  IntegerRange range(mlir::Value value);
  IntegerRange range(const LinearForm &form);
  /// None when a coefficient or the constant does not fit 32 bits.
  std::optional<LinearForm> linear(mlir::Value value);
  /// `left + factor * right`; none as above.
  std::optional<LinearForm> sum(const LinearForm &left, const LinearForm &right,
                                int64_t factor);
  /// Whether `value` is a capture that holds the number of keys.
  bool isKeyCount(mlir::Value value);

private:
  IntegerRange computeRange(mlir::Value value);
  IntegerRange argumentRange(mlir::BlockArgument arg);
  /// Of the operation's result in unlimited integers.
  IntegerRange exactRange(mlir::Operation *op);

  attn::AttendOp op;
  unsigned firstPosition;
  std::optional<LinearForm> computeLinear(mlir::Value value);

  llvm::DenseMap<mlir::Value, IntegerRange> ranges;
  llvm::DenseMap<mlir::Value, std::optional<LinearForm>> linears;
};

/// The values of an integer type.
IntegerRange rangeOfType(mlir::Type type);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_INTEGERFORMS_H
