//===- Pipelines.h - The stages of the compiler ----------------*- C++ -*-===//

#ifndef LADON_COMPILER_TRANSFORMS_PIPELINES_H
#define LADON_COMPILER_TRANSFORMS_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace ladon {

/// Folds heads and masks, on tensors: what `--emit fused` shows.
void buildFusePipeline(mlir::OpPassManager &pm);

/// From there to memrefs. Leaves functions with memref and scalar arguments,
/// `attn.attend` and linalg operations on memrefs, and `memref.alloc` for what
/// lies between them.
void buildBufferizePipeline(mlir::OpPassManager &pm);

/// Both: from an imported module to memrefs.
void buildAttnPipeline(mlir::OpPassManager &pm);

/// From there to classified tile loop nests, with query tiles of `queryTile`
/// rows (of 32-bit elements) and blocks of `keyTile` keys.
void buildTilePipeline(mlir::OpPassManager &pm, int64_t queryTile,
                       int64_t keyTile);

} // namespace ladon

#endif // LADON_COMPILER_TRANSFORMS_PIPELINES_H
