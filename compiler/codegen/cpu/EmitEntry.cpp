//===- EmitEntry.cpp - Functions to entry functions of a library ----------===//
//
// See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "cpu-emit-entry"

namespace ladon::cpu {
#define GEN_PASS_DEF_EMITENTRY
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

/// What the runtime aligns its memory to.
static constexpr uint64_t runtimeAlignment = 64;

/// `(context, arguments)` in place of the arguments.
static LogicalResult convertSignature(func::FuncOp function) {
  if (function.getNumResults() != 0)
    return function.emitOpError("expected results as arguments; run "
                                "attn-bufferize before");
  Block &body = function.getBody().front();
  OpBuilder b(&body, body.begin());
  for (BlockArgument arg : body.getArguments()) {
    if (!isa<MemRefType, FloatType, IntegerType, IndexType>(arg.getType()))
      return function.emitOpError("expected memrefs and scalars, found ")
             << arg.getType() << " as argument " << arg.getArgNumber();
    arg.replaceAllUsesWith(
        ArgumentOp::create(b, arg.getLoc(), arg.getType(), arg.getArgNumber()));
  }
  // What the caller sees has been read; LLVM knows nothing of it.
  function->removeAttr(ladon::attn::AttnDialect::sourceName);
  function->removeAttr(ladon::attn::AttnDialect::settingsName);
  llvm::BitVector all(body.getNumArguments(), true);
  if (failed(function.eraseArguments(all)))
    return failure();
  auto ptr = LLVM::LLVMPointerType::get(function.getContext());
  for (unsigned number : {0, 1})
    if (failed(function.insertArgument(number, ptr, {}, function.getLoc())))
      return failure();
  return success();
}

/// Memory of the function is that of the call, which ends with it.
static LogicalResult convertMemory(func::FuncOp function) {
  WalkResult result = function.walk([](Operation *op) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      if (alloc.getAlignment().value_or(1) > runtimeAlignment) {
        alloc.emitOpError("expected an alignment of at most ")
            << runtimeAlignment << ", found " << *alloc.getAlignment();
        return WalkResult::interrupt();
      }
      OpBuilder b(alloc);
      alloc.replaceAllUsesWith(AllocOp::create(b, alloc.getLoc(),
                                               alloc.getType(),
                                               alloc.getDynamicSizes())
                                   .getMemory());
      alloc.erase();
    } else if (isa<memref::DeallocOp>(op)) {
      op->erase();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct EmitEntry : public ladon::cpu::impl::EmitEntryBase<EmitEntry> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.isPrivate())
        continue;
      std::string name = (function.getName() + ".run").str();
      if (symbols.lookup(name)) {
        function.emitOpError("expected no other function named '")
            << name << "'";
        return signalPassFailure();
      }
      if (failed(convertSignature(function)) || failed(convertMemory(function)))
        return signalPassFailure();
      // The plain name is that of the exported entry point.
      if (failed(symbols.rename(function, name)))
        return signalPassFailure();
    }
  }
};
} // namespace
