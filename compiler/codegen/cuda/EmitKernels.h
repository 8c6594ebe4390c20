//===- EmitKernels.h - Kernels in the LLVM dialect to images ----*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_CUDA_EMITKERNELS_H
#define LADON_COMPILER_CODEGEN_CUDA_EMITKERNELS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>

namespace ladon::cuda {

/// One architecture.
struct CudaTarget {
  llvm::StringRef name; ///< As on the command line: "sm_80".
  llvm::StringRef ptx;  ///< The lowest version of PTX that has it: "+ptx70".
  int32_t arch;         ///< Its compute capability, 80 for 8.0.
  bool isExact;         ///< Its code runs on no newer GPU, not even as PTX.
  llvm::StringRef gpus; ///< For people.
  /// Bytes of shared memory of a block, on every GPU that runs its code.
  int64_t shared;
};

/// All there is code for.
llvm::ArrayRef<CudaTarget> cudaTargets();

/// The architectures of a list such as "sm_80,sm_90a", the newest first, each
/// once; an error that names all there are where one is not known.
llvm::Expected<llvm::SmallVector<CudaTarget>>
parseTargets(llvm::StringRef list);

/// PTX of the kernels of a module in the LLVM and NVVM dialects.
llvm::Expected<std::string> emitPtx(::mlir::gpu::GPUModuleOp kernels,
                                    const CudaTarget &target);

/// The `ptxas` of an installed CUDA toolkit at work on PTX, beside this
/// process.
class Assembly {
public:
  static llvm::Expected<Assembly> start(llvm::StringRef ptx,
                                        const CudaTarget &target);
  /// Waits for the machine code; none where there is no toolkit.
  llvm::Expected<std::optional<std::string>> finish();

  Assembly(Assembly &&) noexcept;
  ~Assembly();

private:
  struct Process;
  explicit Assembly(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process; ///< Null without a toolkit.
};

/// A shared library for this CPU with the kernels of a module: they run on the
/// simulated driver (runtime/cuda-sim), thread by thread. What is an
/// instruction of a GPU is a call of the library at `driver`.
llvm::Expected<std::string> emitSimulation(::mlir::gpu::GPUModuleOp kernels,
                                           llvm::StringRef driver);

} // namespace ladon::cuda

#endif // LADON_COMPILER_CODEGEN_CUDA_EMITKERNELS_H
