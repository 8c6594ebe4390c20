//===- ThreadTile.h - What a thread holds of a tile ------------*- C++ -*-===//
//
// Four warps work on 64 rows, 16 each. Of a tile (row, column) each thread
// holds the elements that the accumulators of mma.sync.m16n8 give it: with
// g = lane / 4 and t = lane % 4, element 4 n + 2 h + c of its vector is row
// 16 warp + 8 h + g and column 8 n + 2 t + c. That is also how a tile is the
// left operand of the next product: m16n8k16 of 16-bit numbers takes exactly
// these pairs, and for m16n8k8 of tf32 the columns of a group of eight may be
// summed in any order. Of what there is once per row a thread holds h = 0, 1;
// the four threads of a row hold the same. (PTX ISA, "Matrix Fragments for
// mma".)
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H
#define LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ladon::cuda {

constexpr int64_t threadsPerBlock = 128;
constexpr int64_t tileRows = 64;

/// The columns of a tile in registers and in shared memory: whole steps of a
/// product. Those that the tile does not have are zero.
int64_t paddedColumns(int64_t columns);

/// The elements of a tile that a thread holds.
mlir::VectorType threadVector(mlir::RankedTensorType tile);

/// A tile in shared memory: 16 bytes are left free behind each row, so that
/// eight rows at one column lie in different banks.
mlir::MemRefType sharedTile(mlir::Type tile, mlir::Attribute memorySpace);
int64_t sharedBytes(mlir::Type tile);

/// Where a thread's elements are.
class ThreadPlace {
public:
  explicit ThreadPlace(mlir::ImplicitLocOpBuilder &b);

  mlir::ImplicitLocOpBuilder &b;
  mlir::Value thread;               ///< In the block, i32.
  mlir::Value lane, group, inGroup; ///< lane, g and t, i32.
  mlir::Value firstRow;             ///< Row of h = 0, i32.

  mlir::Value constant(int64_t value); ///< i32
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y);
  mlir::Value index(mlir::Value x); ///< i32 as an index.

  /// Of all elements of a vector of `size`: rows and columns, as vectors of
  /// i32.
  mlir::Value rows(int64_t size);
  mlir::Value columns(int64_t size);
  /// The column of one element, i32.
  mlir::Value column(int64_t element);
  /// The value of lane ^ distance.
  mlir::Value exchange(mlir::Value x, int64_t distance);
  /// The value of lane `from`.
  mlir::Value fromLane(mlir::Value x, mlir::Value from);
};

/// h of an element.
inline int64_t halfOf(int64_t element) { return element / 2 % 2; }

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_THREADTILE_H
