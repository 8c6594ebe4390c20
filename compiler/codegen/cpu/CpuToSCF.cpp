//===- CpuToSCF.cpp - Launches as loops, without the runtime --------------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "cpu-to-scf"

namespace ladon::cpu {
#define GEN_PASS_DEF_CPUTOSCF
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// What the runtime aligns memory to, and tasks rely on.
static constexpr int64_t alignment = 64;
/// What a task takes of a stack, which may be that of any thread.
static constexpr int64_t stackBytes = 64 << 10;

static void lower(LaunchOp launch) {
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ParallelOp::create(b, zero, launch.getCount(), one);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> args(launch.getCaptures());
  args.push_back(loop.getInductionVars().front());
  func::CallOp::create(b, launch.getTaskAttr(), TypeRange(), args);
}

/// Makes a function of its own of a task: its scratch, the last argument, is on
/// its stack. In the loop it would be on one that grows, for lowering the loop
/// forgets that a scope ends there.
static LogicalResult adopt(func::FuncOp task) {
  OpBuilder b = OpBuilder::atBlockBegin(&task.getBody().front());
  BlockArgument scratch = task.getArguments().back();
  auto type = cast<MemRefType>(scratch.getType());
  IntegerAttr aligned = b.getI64IntegerAttr(alignment);
  Value memory;
  if (type.getNumElements() <= stackBytes)
    memory = memref::AllocaOp::create(b, task.getLoc(), type, aligned);
  else
    memory = memref::AllocOp::create(b, task.getLoc(), type, aligned);
  scratch.replaceAllUsesWith(memory);
  // Modules that are linked together have tasks of the same name.
  task->setAttr("llvm.linkage", LLVM::LinkageAttr::get(
                                    b.getContext(), LLVM::Linkage::Internal));
  return task.eraseArgument(scratch.getArgNumber());
}

/// Memory of a call, as that of anybody.
template <typename OpTy> static Value allocate(OpBuilder &b, OpTy op) {
  return memref::AllocOp::create(b, op.getLoc(), op.getMemory().getType(),
                                 op.getSizes(), b.getI64IntegerAttr(alignment));
}

/// Nothing below reads what attn says of a signature, and of types of LLVM it
/// cannot be said.
static void forgetSignature(func::FuncOp function) {
  using ladon::attn::AttnDialect;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.removeArgAttr(i, AttnDialect::paramName);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    function.removeResultAttr(
        i, StringAttr::get(function.getContext(), AttnDialect::paramName));
  function->removeAttr(AttnDialect::sourceName);
  function->removeAttr(AttnDialect::settingsName);
}

namespace {
struct CpuToSCF : public ladon::cpu::impl::CpuToSCFBase<CpuToSCF> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::SmallSetVector<func::FuncOp, 8> tasks;
    WalkResult result = getOperation().walk([&](Operation *op) {
      OpBuilder b(op);
      if (auto launch = dyn_cast<LaunchOp>(op)) {
        auto task = symbols.lookup<func::FuncOp>(launch.getTask());
        if (!task || task.isExternal()) {
          launch.emitOpError("expected a task with a body in the dialect func");
          return WalkResult::interrupt();
        }
        tasks.insert(task);
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
      return signalPassFailure();
    for (func::FuncOp task : tasks)
      if (failed(adopt(task)))
        return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      forgetSignature(function);
  }
};
} // namespace
