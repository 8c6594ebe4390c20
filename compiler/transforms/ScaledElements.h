//===- ScaledElements.h - Elements that are stored times a factor -*- C++
//-*-===//
//
// Small integers are stored with a scale for some of them at a time, and a spec
// writes the product. Where elements are summed up along an axis, factors that
// do not depend on it can leave the sum, and what is stored is read in place.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_TRANSFORMS_SCALEDELEMENTS_H
#define LADON_COMPILER_TRANSFORMS_SCALEDELEMENTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ladon {

/// A value in the body of a `linalg.generic` that the stored element is
/// multiplied or divided by.
struct Factor {
  mlir::Value value;
  bool divides;
};

/// Reads an elementwise `linalg.generic` as a product of one stored element and
/// of factors that do not depend on one of its loops.
class ScaledElements {
public:
  ScaledElements(mlir::linalg::GenericOp op, unsigned summedLoop)
      : op(op), summedLoop(summedLoop) {}

  /// Whether it is one.
  bool match();
  /// The tensor of stored elements: i8, or floats up to the type of the result,
  /// with the axes of the result.
  mlir::Value getStored() const { return stored; }
  llvm::ArrayRef<Factor> getFactors() const { return factors; }

private:
  bool collect(mlir::Value value, bool divides);
  mlir::Value storedElement(mlir::Value value);
  mlir::OpOperand *operandOf(mlir::Value value);
  bool isFactor(mlir::Value value);

  mlir::linalg::GenericOp op;
  unsigned summedLoop;
  mlir::Value stored;
  llvm::SmallVector<Factor> factors;
};

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_SCALEDELEMENTS_H
