//===- CudaBackend.h - Code for NVIDIA GPUs --------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_CUDABACKEND_H
#define LADON_COMPILER_CODEGEN_CUDA_CUDABACKEND_H

#include "compiler/codegen/Backend.h"

namespace ladon::cuda {

const Backend &cudaBackend();

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_CUDABACKEND_H
