//===- LaunchToLLVM.cpp - Launches to calls of the runtime ----------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_LAUNCHTOLLVM
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon::cuda;

static constexpr StringLiteral launchName = "ladon_rt_launch",
                               deviceAllocName = "ladon_rt_device_alloc",
                               hostAllocName = "ladon_rt_alloc";

namespace {
/// ladon_rt_launch(context, kernels, name, blocks, threads, shared, arguments)
class LaunchPattern : public ConvertOpToLLVMPattern<::mlir::gpu::LaunchFuncOp> {
public:
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(::mlir::gpu::LaunchFuncOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
    auto ptr = LLVM::LLVMPointerType::get(getContext());
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64Type(),
                                      rewriter.getI64IntegerAttr(value));
    };
    // As the kernel takes them: memrefs field by field.
    SmallVector<Value> arguments = getTypeConverter()->promoteOperands(
        loc, op.getKernelOperands(), adaptor.getKernelOperands(), rewriter);
    auto stack = [&](Type type) -> Value {
      // Once per call of the function, wherever the launch is.
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&function.getBody().front());
      return LLVM::AllocaOp::create(rewriter, loc, ptr, type, constant(1));
    };
    auto listType = LLVM::LLVMArrayType::get(ptr, arguments.size());
    Value list = stack(listType);
    for (auto [number, argument] : llvm::enumerate(arguments)) {
      Value place = stack(argument.getType());
      LLVM::StoreOp::create(rewriter, loc, argument, place);
      Value at = LLVM::GEPOp::create(
          rewriter, loc, ptr, listType, list,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
      LLVM::StoreOp::create(rewriter, loc, place, at);
    }
    Value shared = adaptor.getDynamicSharedMemorySize();
    shared = shared ? LLVM::SExtOp::create(rewriter, loc, rewriter.getI64Type(),
                                           shared)
                          .getResult()
                    : constant(0);
    Value table = LLVM::AddressOfOp::create(rewriter, loc, ptr, kernelTable);
    Value name = LLVM::AddressOfOp::create(
        rewriter, loc, ptr, nameOf(op.getKernelName().getValue()));
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(
        op, TypeRange(), launchName,
        ValueRange{function.getArgument(0), table, name, adaptor.getGridSizeX(),
                   adaptor.getBlockSizeX(), shared, list});
    return success();
  }

  /// The constant that holds the name of a kernel.
  static std::string nameOf(StringRef kernel) {
    return ("ladon.kernels.name." + kernel).str();
  }
};

struct LaunchToLLVM : public ladon::cuda::impl::LaunchToLLVMBase<LaunchToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    allocateOnDevice();
    SmallVector<::mlir::gpu::LaunchFuncOp> launches;
    module.walk([&](::mlir::gpu::LaunchFuncOp op) { launches.push_back(op); });
    if (launches.empty())
      return;
    auto b = OpBuilder::atBlockEnd(module.getBody());
    Location loc = module.getLoc();
    for (::mlir::gpu::LaunchFuncOp launch : launches) {
      auto function = launch->getParentOfType<LLVM::LLVMFuncOp>();
      if (!function || function.getNumArguments() != 2) {
        launch.emitOpError("expected an entry function around it; run "
                           "cpu-emit-entry and convert-func-to-llvm before");
        return signalPassFailure();
      }
      StringRef kernel = launch.getKernelName().getValue();
      std::string name = LaunchPattern::nameOf(kernel);
      if (module.lookupSymbol(name))
        continue;
      std::string bytes = kernel.str() + '\0';
      LLVM::GlobalOp::create(
          b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal, name,
          b.getStringAttr(bytes));
    }
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    LLVM::LLVMFuncOp::create(
        b, loc, launchName,
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {ptr, ptr, ptr, i64, i64, i64, ptr}));
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    patterns.add<LaunchPattern>(converter);
    LLVMConversionTarget target(getContext());
    target.addIllegalOp<::mlir::gpu::LaunchFuncOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }

private:
  /// ladon_rt_device_alloc(context, kernels, bytes): the host has no memory of
  /// its own, all that it asks for is for kernels.
  void allocateOnDevice() {
    ModuleOp module = getOperation();
    auto host = module.lookupSymbol<LLVM::LLVMFuncOp>(hostAllocName);
    if (!host)
      return;
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    OpBuilder b(host);
    LLVM::LLVMFuncOp::create(
        b, host.getLoc(), deviceAllocName,
        LLVM::LLVMFunctionType::get(ptr, {ptr, ptr, b.getI64Type()}));
    module.walk([&](LLVM::CallOp call) {
      if (call.getCallee() != hostAllocName)
        return;
      b.setInsertionPoint(call);
      Value table =
          LLVM::AddressOfOp::create(b, call.getLoc(), ptr, kernelTable);
      auto made = LLVM::CallOp::create(
          b, call.getLoc(), TypeRange{ptr}, deviceAllocName,
          ValueRange{call.getOperand(0), table, call.getOperand(1)});
      call.replaceAllUsesWith(made.getResults());
      call.erase();
    });
    host.erase();
  }
};
} // namespace
