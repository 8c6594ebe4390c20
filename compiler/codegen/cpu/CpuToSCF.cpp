//===- CpuToSCF.cpp - Launches as loops, without the runtime --------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/cpu/Cpu.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "cpu-to-scf"

namespace ladon::cpu {
#define GEN_PASS_DEF_CPUTOSCF
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// What the runtime aligns memory to, and tasks rely on.
static constexpr int64_t alignment = 64;

static void lower(LaunchOp launch) {
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ParallelOp::create(b, zero, launch.getCount(), one);
  b.setInsertionPointToStart(loop.getBody());
  // The scratch goes with each iteration: in a loop the stack would grow.
  auto scope = memref::AllocaScopeOp::create(b, TypeRange());
  b.createBlock(&scope.getBodyRegion());
  auto scratch = memref::AllocaOp::create(
      b,
      MemRefType::get(static_cast<int64_t>(launch.getScratch()), b.getI8Type()),
      b.getI64IntegerAttr(alignment));
  SmallVector<Value> args(launch.getCaptures());
  args.push_back(loop.getInductionVars().front());
  args.push_back(scratch);
  func::CallOp::create(b, launch.getTaskAttr(), TypeRange(), args);
  memref::AllocaScopeReturnOp::create(b, ValueRange());
}

/// Memory of a call, as that of anybody.
template <typename OpTy> static Value allocate(OpBuilder &b, OpTy op) {
  return memref::AllocOp::create(b, op.getLoc(), op.getMemory().getType(),
                                 op.getSizes(), b.getI64IntegerAttr(alignment));
}

namespace {
struct CpuToSCF : public ladon::cpu::impl::CpuToSCFBase<CpuToSCF> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto internal =
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    WalkResult result = getOperation().walk([&](Operation *op) {
      OpBuilder b(op);
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        auto task = symbols.lookup<func::FuncOp>(launch.getTask());
        if (!task) {
          launch.emitOpError("expected a task in the dialect func");
          return WalkResult::interrupt();
        }
        // Modules that are linked together have tasks of the same name.
        task->setAttr("llvm.linkage", internal);
        lower(launch);
        launch.erase();
      } else if (auto alloc = dyn_cast<AllocOp>(op)) {
        alloc.replaceAllUsesWith(allocate(b, alloc));
        alloc.erase();
      } else if (auto alloc = dyn_cast<TryAllocOp>(op)) {
        Value granted =
            arith::ConstantIntOp::create(b, op->getLoc(), 1, /*width=*/1);
        alloc.replaceAllUsesWith(ValueRange{allocate(b, alloc), granted});
        alloc.erase();
      } else if (isa<ArgumentOp>(op)) {
        op->emitOpError("expected arguments of the function; what "
                        "cpu-emit-entry makes needs Ladon's runtime");
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
