//===- ThreadTile.h - What a thread holds of a tile ------------*- C++ -*-===//
//
// Each warp works on 16 or 32 rows: one or two groups of 16. Of a tile (row,
// column) each thread holds the elements that the accumulators of
// mma.sync.m16n8 give it: with g = lane / 4 and t = lane % 4, element
// 4 n + 2 h + c of group m is row 16 m + 8 h + g of the warp and column
// 8 n + 2 t + c; groups come one after the other. That is also how a tile is
// the left operand of the next product: m16n8k16 of 16-bit numbers takes
// exactly these pairs, and for m16n8k8 of tf32 the columns of a group of eight
// may be summed in any order. Of what there is once per row a thread holds
// element 2 m + h; the four threads of a row hold the same. (PTX ISA, "Matrix
// Fragments for mma".)
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H
#define LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon::cuda {

/// Rows of one product.
constexpr int64_t productRows = 16;

/// The columns of a tile in registers and in shared memory: whole steps of a
/// product. Those that the tile does not have are zero.
int64_t paddedColumns(int64_t columns);

/// The threads of a block of the kernel that `op` is in.
int64_t threadsOf(mlir::Operation *op);

/// The elements of a tile that a thread of a block of `threads` holds.
mlir::VectorType threadVector(mlir::RankedTensorType tile, int64_t threads);

/// A tile in shared memory: 16 bytes are left free behind each row, so that
/// eight rows at one column lie in different banks.
mlir::MemRefType sharedTile(mlir::Type tile, mlir::Attribute memorySpace);
int64_t sharedBytes(mlir::Type tile);

/// Where a thread is in its block.
class Thread {
public:
  explicit Thread(mlir::ImplicitLocOpBuilder &b);

  mlir::ImplicitLocOpBuilder &b;
  int64_t count;                    ///< Threads of the block.
  mlir::Value number;               ///< In the block, i32.
  mlir::Value warp;                 ///< In the block, i32.
  mlir::Value lane, group, inGroup; ///< lane, g and t, i32.

  mlir::Value constant(int64_t value); ///< i32
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y);
  mlir::Value index(mlir::Value x); ///< i32 as an index.
  /// The value of lane ^ distance.
  mlir::Value exchange(mlir::Value x, int64_t distance);
  /// The value of lane `from`.
  mlir::Value fromLane(mlir::Value x, mlir::Value from);
};

/// Where a thread's elements of a tile are.
class ThreadTile : public Thread {
public:
  /// `tile` is what the vector stands for.
  ThreadTile(mlir::ImplicitLocOpBuilder &b, mlir::Type tile);

  int64_t groups; ///< Of 16 rows.
  int64_t size;   ///< Elements of a thread.
  mlir::VectorType vector;

  /// The number of rows that a thread has elements of.
  int64_t rowCount() const { return 2 * groups; }
  /// Which of them an element is in.
  int64_t rowOf(int64_t element) const;
  /// Row number `row` of the thread's, in the tile, i32.
  mlir::Value row(int64_t row);
  /// Eight columns begin here, the element's among them.
  int64_t firstColumn(int64_t element) const;
  /// The column of one element, i32.
  mlir::Value column(int64_t element);
  /// Of all elements: rows and columns, as vectors of i32.
  mlir::Value rows();
  mlir::Value columns();
  /// What there is once per row, as a vector of all elements.
  mlir::Value spread(mlir::Value rows);

private:
  int64_t columnOffset(int64_t element) const;
  mlir::Value firstRow;
};

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H
