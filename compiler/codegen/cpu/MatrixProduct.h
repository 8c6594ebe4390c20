//===- MatrixProduct.h - Matrix products in vectors ------------*- C++ -*-===//
//
// x @ w in two forms: many rows, which multiply panels of w that were packed,
// and few rows, for which w is read once, in place. Which one a call takes is
// decided when its sizes are known.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CPU_MATRIXPRODUCT_H
#define LADON_COMPILER_CODEGEN_CPU_MATRIXPRODUCT_H

#include "compiler/codegen/vector/VectorEmitter.h"

namespace ladon::cpu {

/// Most rows for which w is read in place.
constexpr int64_t mostFewRows = 16;

/// out[r, n] = start[n] + (sum over k of x[r, k] * w[k, n]), in this order:
/// what is added is one more rounding. Rows are numbered through all axes of x,
/// and of out, but the last. x, w and out have any strides; sums are of the
/// emitter's type.
struct MatrixProduct {
  VectorEmitter &e;
  mlir::Value x;           ///< [.., K]
  mlir::Value w;           ///< [K, N], or [N, K] if `isTransposed`
  mlir::Value out;         ///< [.., N]
  bool isTransposed;       ///< How w lies: by rows of columns, or of steps
  mlir::Value scalarStart; ///< What is added to all sums, or null
  mlir::Value columnStart; ///< [N], or null; without either, `out` itself

  bool startsElsewhere() { return scalarStart || columnStart; }
  /// What is added to the sums of column `n`, unless it is in `out`.
  mlir::Value getStart(mlir::Value n);
  mlir::Value countRows();
  mlir::Value countColumns();
  mlir::Value countSteps(); ///< K
  /// Where element `last` of a row is, in x and in out.
  llvm::SmallVector<mlir::Value> position(mlir::Value row, mlir::Value last);
  /// Copies elements [step, step + steps) of some rows of x.
  void copyRows(mlir::Value row, mlir::Value rows, mlir::Value step,
                mlir::Value steps, mlir::Value target);
};

/// Emits the product of at most `mostFewRows` rows. w has an inner stride of 1
/// and whole registers along it.
void emitFewRows(MatrixProduct product);
/// Whether `emitFewRows` can be used, an i1.
mlir::Value hasFewRows(MatrixProduct product);

/// Emits the product of any number of rows, `group` at a time; the inner loop
/// takes `unroll` steps at a time.
void emitManyRows(MatrixProduct product, int64_t group, int64_t unroll);

} // namespace ladon::cpu

#endif // LADON_COMPILER_CODEGEN_CPU_MATRIXPRODUCT_H
