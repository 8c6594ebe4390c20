//===- OutlineKernels.cpp - Parallel loops to kernels ---------------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cuda/Passes.h"

#include "compiler/codegen/cuda/Schedule.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace ladon::cuda {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "compiler/codegen/cuda/Passes.h.inc"
} // namespace ladon::cuda

using namespace mlir;
using namespace ladon;

/// What may stay on the host: control, scalars, and the shapes of tensors.
static LogicalResult checkHostOperation(Operation *op) {
  if (isa<::mlir::gpu::LaunchFuncOp, func::FuncOp, func::ReturnOp>(op))
    return success();
  // Working memory of the GPU: the host knows its address only.
  if (isa<memref::AllocOp, memref::DeallocOp>(op))
    return success();
  if (isa<scf::SCFDialect, arith::ArithDialect>(op->getDialect()) ||
      isMemoryEffectFree(op))
    return success();
  return op->emitError("cannot be compiled for a GPU: there is code for "
                       "attends only");
}

/// The iteration with number `number`, the last axis fastest.
static void numberToIteration(ImplicitLocOpBuilder &b, Value number,
                              ValueRange sizes, ValueRange variables,
                              IRMapping &map) {
  for (size_t axis = sizes.size(); axis-- > 0;) {
    Value at = number;
    if (axis > 0) {
      at = arith::RemUIOp::create(b, number, sizes[axis]);
      number = arith::DivUIOp::create(b, number, sizes[axis]);
    }
    map.map(variables[axis], at);
  }
}

/// The threads for the tiles of `loop`: `wanted` if that suits them;
/// `otherwise` where it stores none.
static int64_t chooseThreads(scf::ForallOp loop, int64_t wanted,
                             int64_t otherwise) {
  int64_t rows = 0, columns = 0;
  loop.walk([&](tile::StoreOp op) {
    auto tile = dyn_cast<RankedTensorType>(op.getTile().getType());
    if (!tile)
      return;
    rows = tile.getDimSize(0);
    if (tile.getRank() == 2)
      columns = std::max(columns, tile.getDimSize(1));
  });
  if (rows == 0)
    return otherwise;
  if (wanted != 0 && (wanted == rows || wanted == 2 * rows))
    return wanted;
  return ladon::cuda::threadsForTile(rows, columns);
}

namespace {
struct OutlineKernels
    : public ladon::cuda::impl::OutlineKernelsBase<OutlineKernels> {
  using OutlineKernelsBase::OutlineKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    WalkResult scores = module.walk([](tile::StoreOp op) {
      if (!op.getColumns())
        return WalkResult::advance();
      op.emitError("cannot be compiled for a GPU: scores and weights are no "
                   "results");
      return WalkResult::interrupt();
    });
    if (scores.wasInterrupted())
      return signalPassFailure();
    SmallVector<scf::ForallOp> loops;
    module.walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
      loops.push_back(loop);
      return WalkResult::skip();
    });
    auto b = OpBuilder::atBlockEnd(module.getBody());
    auto kernels = ::mlir::gpu::GPUModuleOp::create(b, module.getLoc(),
                                                    ladon::cuda::kernelModule);
    module->setAttr(::mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
    for (scf::ForallOp loop : loops)
      outline(loop, kernels);
    WalkResult checked = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == kernels)
        return WalkResult::skip();
      if (op == module || succeeded(checkHostOperation(op)))
        return WalkResult::advance();
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      signalPassFailure();
  }

private:
  void outline(scf::ForallOp loop, ::mlir::gpu::GPUModuleOp kernels) {
    int64_t blockThreads = chooseThreads(loop, wanted, threads);
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    SmallVector<Value> sizes = getValueOrCreateConstantIndexOp(
        b, loop.getLoc(), loop.getMixedUpperBound());
    Value count = arith::ConstantIndexOp::create(b, 1);
    for (Value size : sizes)
      count = arith::MulIOp::create(b, count, size);

    llvm::SetVector<Value> used(llvm::from_range, sizes);
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    SmallVector<Value> arguments;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      Operation *def = value.getDefiningOp();
      if (def && def->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(def);
      else
        arguments.push_back(value);
    }

    auto function = loop->getParentOfType<func::FuncOp>();
    auto existing = kernels.getOps<::mlir::gpu::GPUFuncOp>();
    std::string name =
        (function.getName() + "_" + Twine(llvm::range_size(existing))).str();
    auto types =
        llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
    auto inKernels = OpBuilder::atBlockEnd(kernels.getBody());
    auto kernel = ::mlir::gpu::GPUFuncOp::create(inKernels, loop.getLoc(), name,
                                                 b.getFunctionType(types, {}));
    kernel->setAttr(::mlir::gpu::GPUDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
    kernel.setKnownBlockSizeAttr(
        b.getDenseI32ArrayAttr({static_cast<int32_t>(blockThreads), 1, 1}));

    IRMapping map;
    Block &entry = kernel.getBody().front();
    map.map(arguments, entry.getArguments());
    auto k = ImplicitLocOpBuilder::atBlockEnd(loop.getLoc(), &entry);
    for (Operation *constant : constants)
      k.clone(*constant, map);
    auto mapped =
        llvm::map_to_vector(sizes, [&](Value v) { return map.lookup(v); });
    Value number = ::mlir::gpu::BlockIdOp::create(
        k, k.getIndexType(), ::mlir::gpu::Dimension::x, IntegerAttr());
    numberToIteration(k, number, mapped, loop.getInductionVars(), map);
    for (Operation &op : loop.getBody()->without_terminator())
      k.clone(op, map);
    ::mlir::gpu::ReturnOp::create(k);

    Value one = arith::ConstantIndexOp::create(b, 1);
    Value threadCount = arith::ConstantIndexOp::create(b, blockThreads);
    ::mlir::gpu::LaunchFuncOp::create(
        b, kernel, ::mlir::gpu::KernelDim3{count, one, one},
        ::mlir::gpu::KernelDim3{threadCount, one, one}, Value(), arguments);
    loop.erase();
    ++outlined;
  }
};
} // namespace
