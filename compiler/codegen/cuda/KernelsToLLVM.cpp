//===- KernelsToLLVM.cpp - Kernels to the LLVM and NVVM dialects ----------===//
//
// See Passes.td. Upstream's convert-gpu-to-nvvm makes math functions calls of
// NVIDIA's libdevice, which is part of the CUDA toolkit; nothing else is
// different here.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_KERNELSTOLLVM
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;

/// What LLVM has no code for on a GPU.
static LogicalResult checkFunction(Operation *op) {
  if (isa<math::SinOp, math::CosOp, math::TanOp, math::PowFOp>(op))
    return op->emitError("cannot be compiled for a GPU: it has no function "
                         "of this accuracy");
  return success();
}

namespace {
struct KernelsToLLVM
    : public ladon::cuda::impl::KernelsToLLVMBase<KernelsToLLVM> {
  void runOnOperation() override {
    WalkResult checked = getOperation().walk([](Operation *op) {
      return failed(checkFunction(op)) ? WalkResult::interrupt()
                                       : WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    LLVMTypeConverter converter(&getContext());
    configureGpuToNVVMTypeConverter(converter);
    LLVMConversionTarget target(getContext());
    target.addLegalDialect<NVVM::NVVMDialect>();
    target.addLegalOp<::mlir::gpu::GPUModuleOp>();
    target.addIllegalDialect<::mlir::gpu::GPUDialect>();
    // Functions first: the patterns for the rest have calls for them, too.
    RewritePatternSet functions(&getContext());
    arith::populateArithToLLVMConversionPatterns(converter, functions);
    populateMathToLLVMConversionPatterns(converter, functions);
    ConversionTarget computed(getContext());
    computed.addLegalDialect<LLVM::LLVMDialect>();
    computed.addIllegalDialect<math::MathDialect>();
    computed.addIllegalOp<arith::MaxNumFOp, arith::MinNumFOp, arith::RemFOp>();
    computed.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), computed,
                                      std::move(functions))))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    for (Dialect *dialect : getContext().getLoadedDialects())
      if (auto *toLLVM = dyn_cast<ConvertToLLVMPatternInterface>(dialect))
        toLLVM->populateConvertToLLVMConversionPatterns(target, converter,
                                                        patterns);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
