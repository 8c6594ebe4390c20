//===- ThreadEmitter.h - Operations on tiles, for a thread -----*- C++ -*-===//
//
// One function per operation of the tile dialect, called by the patterns of
// TilesToThreads.cpp. Tiles are vectors of a thread's elements (ThreadTile.h),
// or buffers in shared memory.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_THREADEMITTER_H
#define LADON_COMPILER_CODEGEN_CUDA_THREADEMITTER_H

#include "compiler/codegen/cuda/ThreadTile.h"
#include "dialects/tile/Tile.h"

namespace ladon::cuda {

/// `operands` of the functions stand for those of the operation, converted.
using Vectors = llvm::SmallVector<mlir::Value>;

//===-- Memory: ThreadMemory.cpp ------------------------------------------===//

Vectors emitLoad(mlir::ImplicitLocOpBuilder &b, tile::LoadOp op);
/// Of rows into shared memory, by all threads; asynchronous where rows of the
/// source are whole units of 16 bytes.
void emitCopy(mlir::ImplicitLocOpBuilder &b, tile::LoadOp op);
void emitStore(mlir::ImplicitLocOpBuilder &b, tile::StoreOp op,
               mlir::Value tile);

//===-- Products: ThreadProducts.cpp --------------------------------------===//

Vectors emitContract(mlir::ImplicitLocOpBuilder &b, tile::ContractOp op,
                     mlir::Value left);
Vectors emitAccumulate(mlir::ImplicitLocOpBuilder &b, tile::AccumulateOp op,
                       tile::AccumulateOp::Adaptor operands);

//===-- Scores and rows: ThreadSoftmax.cpp --------------------------------===//

Vectors emitModify(mlir::ImplicitLocOpBuilder &b, tile::ModifyOp op,
                   mlir::Value scores);
Vectors emitMask(mlir::ImplicitLocOpBuilder &b, tile::MaskOp op,
                 mlir::Value scores);
Vectors emitRowMax(mlir::ImplicitLocOpBuilder &b, tile::RowMaxOp op,
                   mlir::Value scores);
Vectors emitSoftmaxInit(mlir::ImplicitLocOpBuilder &b, tile::SoftmaxInitOp op,
                        tile::SoftmaxInitOp::Adaptor operands);
Vectors emitSoftmaxWeights(mlir::ImplicitLocOpBuilder &b,
                           tile::SoftmaxWeightsOp op,
                           tile::SoftmaxWeightsOp::Adaptor operands);
Vectors emitMerge(mlir::ImplicitLocOpBuilder &b, tile::MergeOp op,
                  tile::MergeOp::Adaptor operands);
Vectors emitSoftmaxFinish(mlir::ImplicitLocOpBuilder &b,
                          tile::SoftmaxFinishOp op,
                          tile::SoftmaxFinishOp::Adaptor operands);
/// The same for all threads of a block, which meet in it.
Vectors emitHasNonFinite(mlir::ImplicitLocOpBuilder &b, mlir::Value tile);

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_THREADEMITTER_H
