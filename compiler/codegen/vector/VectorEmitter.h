//===- VectorEmitter.h - Building blocks of vector code --------*- C++ -*-===//
//
// The pieces every kernel is made of: vectors of one native register, the
// register-tile matrix product, and 2^x. They build IR at the insertion point
// of the given builder and know nothing of tiles or attention.
//
// Why native width: LLVM legalises wider or odd vectors badly, and accumulators
// must be loop-carried values, for a memory accumulator is never promoted
// (docs/design/cpu-kernels.md has the measurements).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_VECTOR_VECTOREMITTER_H
#define LADON_COMPILER_CODEGEN_VECTOR_VECTOREMITTER_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon {

/// Builds vector code for one element type at one register width.
class VectorEmitter {
public:
  /// `element` is f32 or f64; `lanes` elements fill one register.
  VectorEmitter(mlir::ImplicitLocOpBuilder &b, mlir::FloatType element,
                int64_t lanes);

  mlir::ImplicitLocOpBuilder &b;
  mlir::FloatType element;
  int64_t lanes;
  mlir::VectorType vec; ///< vector<lanes x element>

  //===-- Values ----------------------------------------------------------===//
  mlir::Value index(int64_t value);
  mlir::Value splat(double value);
  mlir::Value broadcast(mlir::Value scalar);
  mlir::Value load(mlir::Value memref, mlir::ValueRange indices);
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange indices);
  mlir::Value add(mlir::Value x, mlir::Value y);
  /// An index as i32: what positions are in expressions.
  mlir::Value toI32(mlir::Value index);
  /// Lane numbers 0, 1, ... as i32.
  mlir::Value laneNumbers();
  /// A number, or a vector of them, in another type of floats, or unchanged in
  /// its own; narrowing rounds to nearest, ties to even, overflows to infinity
  /// and keeps NaN. Integers are signed.
  mlir::Value convert(mlir::Value x, mlir::Type to);
  mlir::Value addIndex(mlir::Value x, int64_t y);
  mlir::Value minIndex(mlir::Value x, mlir::Value y);
  /// x > y ? x : y, so y where x is NaN: one instruction on x86.
  mlir::Value max(mlir::Value x, mlir::Value y);

  /// The transpose of a square of `lanes` vectors, by log2(lanes) rounds of
  /// interleaving the first half of the rows with the second.
  llvm::SmallVector<mlir::Value> transpose(llvm::SmallVector<mlir::Value> rows);

  /// The sums of `lanes` vectors, one in each lane of the result, in order:
  /// half as many vectors after each round, first within 128 bits, where
  /// shuffles are cheap.
  mlir::Value sumAcross(llvm::SmallVector<mlir::Value> vectors);

  /// The largest lane, as a scalar; lanes that are NaN are left out if there
  /// are others.
  mlir::Value maxAcross(mlir::Value vector);

  //===-- Loops -----------------------------------------------------------===//
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value iv, mlir::ValueRange carried)>;
  /// for (iv = lower; iv < upper; iv += step), carrying values.
  mlir::ValueRange loop(mlir::Value lower, mlir::Value upper, int64_t step,
                        mlir::ValueRange carried, LoopBody body);

  //===-- Kernels ---------------------------------------------------------===//
  /// C[r][n] += sum_k A(r, k) * B(k, n) on `rows` x `columns` registers, where
  /// A gives scalars, broadcast over the lanes, and B vectors. `accumulators`
  /// holds C row by row. k runs over [0, depth), `unroll` steps at a time with
  /// a remainder loop. With `multiplyAdd(a, b, c)` in place of the
  /// multiply-add, A and B give whatever it takes.
  llvm::SmallVector<mlir::Value>
  matmul(int64_t rows, int64_t columns, mlir::Value depth, int64_t unroll,
         mlir::ValueRange accumulators,
         llvm::function_ref<mlir::Value(int64_t r, mlir::Value k)> a,
         llvm::function_ref<mlir::Value(mlir::Value k, int64_t n)> bRow,
         llvm::function_ref<mlir::Value(mlir::Value a, mlir::Value b,
                                        mlir::Value c)>
             multiplyAdd = nullptr);

  /// 2^t for t <= 0 (a rounding error above is fine), by exponent bits and a
  /// polynomial that is exactly 1 at 0: relative error about 1 ulp. Values
  /// of t below the exponent range, minus infinity included, give exactly 0;
  /// NaN gives NaN.
  mlir::Value exp2(mlir::Value t);
};

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_VECTOR_VECTOREMITTER_H
