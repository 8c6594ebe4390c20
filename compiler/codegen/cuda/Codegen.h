//===- Codegen.h - Tile level to kernels and host code ---------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_CODEGEN_H
#define LADON_COMPILER_CODEGEN_CUDA_CODEGEN_H

#include "mlir/Pass/PassManager.h"

#include <string>

namespace ladon::cuda {

/// Which images there will be.
struct ImageOptions {
  std::string target;                  ///< "sm_80", or "sm_90a,sm_80"
  bool simulate = false;               ///< For the simulated driver.
  std::string driver = "libcuda.so.1"; ///< Library of the driver.
};

/// From classified tile loop nests to kernels whose threads hold vectors.
/// A block may have `shared` bytes of shared memory; one for many queries has
/// `threads` threads, or as many as suit its tiles where that is 0.
void buildVectorPipeline(mlir::OpPassManager &pm, int64_t shared,
                         int64_t threads = 0);

/// From there to the LLVM dialect for the host, with kernels as images.
void buildCodePipeline(mlir::OpPassManager &pm, const ImageOptions &options);

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_CODEGEN_H
