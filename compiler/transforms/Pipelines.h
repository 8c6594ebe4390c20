//===- Pipelines.h - The stages of the compiler ----------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_PIPELINES_H
#define LADON_COMPILER_TRANSFORMS_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace ladon {

/// Folds heads and masks, on tensors: what `--emit fused` shows. With
/// `checksIndices` calls can have their indices checked.
void buildFusePipeline(mlir::OpPassManager &pm, bool checksIndices);

/// From there to attends that read keys and values as they are stored: for
/// targets whose tiles can be integers.
void buildStoredOperandsPipeline(mlir::OpPassManager &pm);

/// From there to memrefs. Leaves functions with memref and scalar arguments,
/// `attn.attend` and linalg operations on memrefs, and `memref.alloc` for what
/// lies between them.
void buildBufferizePipeline(mlir::OpPassManager &pm);

/// Both: from an imported module to memrefs.
void buildAttnPipeline(mlir::OpPassManager &pm);

/// From there to classified tile loop nests, of the shapes that `tile.shape`
/// beside each attend says. `onDevice`: tensors lie in memory that the entry
/// point cannot read.
void buildTilePipeline(mlir::OpPassManager &pm, bool onDevice = false);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_PIPELINES_H
