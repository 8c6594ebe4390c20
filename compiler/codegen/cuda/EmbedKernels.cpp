//===- EmbedKernels.cpp - Images of kernels as constants ------------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/EmitKernels.h"
#include "compiler/codegen/cuda/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringExtras.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_EMBEDKERNELS
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon::cuda;

/// Kinds of images, as in runtime/lib/kernel_abi.h.
enum ImageKind : int32_t { Ptx = 0, Cubin = 1, Exact = 2 };

namespace {
struct Image {
  int32_t kind;
  int32_t arch;
  std::string bytes;
};

struct EmbedKernels : public ladon::cuda::impl::EmbedKernelsBase<EmbedKernels> {
  using EmbedKernelsBase::EmbedKernelsBase;

  void runOnOperation() override {
    auto kernels =
        getOperation().lookupSymbol<::mlir::gpu::GPUModuleOp>(kernelModule);
    if (!kernels) {
      getOperation().emitError("expected a gpu.module '")
          << kernelModule << "'; run cuda-outline-kernels before";
      return signalPassFailure();
    }
    auto found = parseTargets(target);
    if (!found) {
      getOperation().emitError("options of the pass: target: ")
          << llvm::toString(found.takeError());
      return signalPassFailure();
    }
    auto images = compile(kernels, *found);
    if (!images) {
      kernels.emitError(llvm::toString(images.takeError()));
      return signalPassFailure();
    }
    addTable(*images);
    tellSharedMemory(kernels);
    kernels.erase();
  }

private:
  /// Machine code of all targets, the newest first, then the PTX of the oldest,
  /// which newer GPUs take as well. Where there is no machine code, PTX stands
  /// in for it.
  llvm::Expected<std::vector<Image>> compile(::mlir::gpu::GPUModuleOp kernels,
                                             ArrayRef<CudaTarget> targets) {
    std::vector<Image> images;
    if (simulate) {
      auto library = emitSimulation(kernels, driver);
      if (!library)
        return library.takeError();
      // What every GPU takes.
      images.push_back({Ptx, 0, std::move(*library)});
      return images;
    }
    std::vector<std::string> texts;
    std::vector<Assembly> assemblies;
    for (const CudaTarget &target : targets) {
      auto ptx = emitPtx(kernels, target);
      if (!ptx)
        return ptx.takeError();
      auto started = Assembly::start(*ptx, target);
      if (!started)
        return started.takeError();
      texts.push_back(std::move(*ptx));
      assemblies.push_back(std::move(*started));
    }
    for (auto [target, ptx, assembly] :
         llvm::zip_equal(targets, texts, assemblies)) {
      auto cubin = assembly.finish();
      if (!cubin)
        return cubin.takeError();
      int32_t exact = target.isExact ? Exact : 0;
      if (*cubin)
        images.push_back({Cubin | exact, target.arch, std::move(**cubin)});
      // The driver wants it with a zero behind it.
      if (!*cubin || target.name == targets.back().name)
        images.push_back({Ptx | exact, target.arch, ptx + '\0'});
    }
    return images;
  }

  /// A launch says how much shared memory the blocks of its kernel need.
  void tellSharedMemory(::mlir::gpu::GPUModuleOp kernels) {
    getOperation().walk([&](::mlir::gpu::LaunchFuncOp launch) {
      Operation *kernel = kernels.lookupSymbol(launch.getKernelName());
      auto bytes = kernel->getAttrOfType<IntegerAttr>(sharedBytesAttr);
      OpBuilder b(launch);
      launch.getDynamicSharedMemorySizeMutable().assign(
          arith::ConstantIntOp::create(b, launch.getLoc(),
                                       bytes ? bytes.getInt() : 0, 32));
    });
  }

  LLVM::GlobalOp addBytes(OpBuilder &b, StringRef name, StringRef bytes) {
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
    return LLVM::GlobalOp::create(b, getOperation().getLoc(), type,
                                  /*isConstant=*/true, LLVM::Linkage::Internal,
                                  name, b.getStringAttr(bytes),
                                  /*alignment=*/64);
  }

  /// ladon_kernels: { driver, image count, images, state }.
  void addTable(ArrayRef<Image> images) {
    auto b = OpBuilder::atBlockEnd(getOperation().getBody());
    Location loc = getOperation().getLoc();
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    Type i32 = b.getI32Type(), i64 = b.getI64Type();
    auto driverName =
        addBytes(b, "ladon.kernels.driver", std::string(driver) + '\0');
    SmallVector<LLVM::GlobalOp> bytes;
    for (auto [number, image] : llvm::enumerate(images))
      bytes.push_back(addBytes(
          b, "ladon.kernels.image" + std::to_string(number), image.bytes));

    auto imageType =
        LLVM::LLVMStructType::getLiteral(&getContext(), {i32, i32, ptr, i64});
    auto listType = LLVM::LLVMArrayType::get(imageType, images.size());
    auto constant = [&](Type type, int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, loc, type,
                                      b.getIntegerAttr(type, value));
    };
    auto define = [&](StringRef name, Type type, bool isConstant,
                      llvm::function_ref<Value(Value)> fill) {
      auto global = LLVM::GlobalOp::create(b, loc, type, isConstant,
                                           LLVM::Linkage::Internal, name,
                                           Attribute(), /*alignment=*/8);
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&global.getInitializerRegion());
      Value all = LLVM::UndefOp::create(b, loc, type);
      LLVM::ReturnOp::create(b, loc, fill(all));
      return global;
    };
    auto insert = [&](Value into, Value field, ArrayRef<int64_t> at) -> Value {
      return LLVM::InsertValueOp::create(b, loc, into, field, at);
    };
    auto list = define("ladon.kernels.images", listType, true, [&](Value all) {
      for (auto [number, image] : llvm::enumerate(images)) {
        int64_t n = number;
        all = insert(all, constant(i32, image.kind), {n, 0});
        all = insert(all, constant(i32, image.arch), {n, 1});
        all = insert(all, LLVM::AddressOfOp::create(b, loc, bytes[number]),
                     {n, 2});
        all = insert(all, constant(i64, image.bytes.size()), {n, 3});
      }
      return all;
    });
    auto tableType =
        LLVM::LLVMStructType::getLiteral(&getContext(), {ptr, ptr, i64, ptr});
    define(kernelTable, tableType, false, [&](Value all) {
      all = insert(all, LLVM::AddressOfOp::create(b, loc, driverName), {0});
      all = insert(all, LLVM::AddressOfOp::create(b, loc, list), {1});
      all = insert(all, constant(i64, images.size()), {2});
      return insert(all, LLVM::ZeroOp::create(b, loc, ptr), {3});
    });
  }
};
} // namespace
