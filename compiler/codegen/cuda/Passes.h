//===- Passes.h - CUDA code generation passes -------------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_PASSES_H
#define LADON_COMPILER_CODEGEN_CUDA_PASSES_H

#include "dialects/tile/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace ladon::cuda {

#define GEN_PASS_DECL
#include "compiler/codegen/cuda/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/codegen/cuda/Passes.h.inc"

/// The module that kernels are in.
inline constexpr llvm::StringLiteral kernelModule = "kernels";
/// On a kernel: how many bytes of shared memory a block needs.
inline constexpr llvm::StringLiteral sharedBytesAttr = "shared_bytes";
/// The constant with the images, of which `ladon_rt_launch` takes the address.
inline constexpr llvm::StringLiteral kernelTable = "ladon.kernels";

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_PASSES_H
