//===- EmitEntry.cpp - Launch functions and the packed entry point --------===//
//
// See Passes.td. Works on flattened signatures: a memref of rank r is 3 + 2r
// scalars (allocated, aligned, offset, sizes, strides).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/attn/Attn.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

#define DEBUG_TYPE "cpu-emit-entry"

namespace ladon::cpu {
#define GEN_PASS_DEF_EMITENTRY
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

namespace {
/// The pieces of LLVM dialect that every function here needs.
struct EntryBuilder {
  ModuleOp module;
  ImplicitLocOpBuilder b;
  LLVM::LLVMPointerType ptr;
  Type i64;
  Type none;

  explicit EntryBuilder(ModuleOp module)
      : module(module), b(module.getLoc(), module.getBodyRegion()),
        ptr(LLVM::LLVMPointerType::get(module.getContext())),
        i64(b.getI64Type()),
        none(LLVM::LLVMVoidType::get(module.getContext())) {
    b.setInsertionPointToEnd(module.getBody());
  }

  LLVM::LLVMFuncOp declare(StringRef name, Type result, ArrayRef<Type> args) {
    if (auto existing = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return existing;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    return LLVM::LLVMFuncOp::create(b, name,
                                    LLVM::LLVMFunctionType::get(result, args));
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
  }
  Value field(Type type, Value base, Type element, int64_t number) {
    Value at = LLVM::GEPOp::create(b, ptr, element, base,
                                   ArrayRef<LLVM::GEPArg>{int32_t(number)});
    return LLVM::LoadOp::create(b, type, at);
  }

  void defineLaunch(LLVM::LLVMFuncOp launch);
  LLVM::LLVMFuncOp defineTrampoline(LLVM::LLVMFuncOp task,
                                    LLVM::LLVMStructType environment,
                                    int64_t scratchBytes);
  void defineRun(LLVM::LLVMFuncOp entry, ArrayAttr ranks);
  void redirectAllocations(LLVM::LLVMFuncOp entry);
};
} // namespace

/// `NAME.taskN.call(env, id, scratch)`: what the runtime calls.
LLVM::LLVMFuncOp
EntryBuilder::defineTrampoline(LLVM::LLVMFuncOp task,
                               LLVM::LLVMStructType environment,
                               int64_t scratchBytes) {
  OpBuilder::InsertionGuard guard(b);
  auto call = declare((task.getName() + ".call").str(), none, {ptr, i64, ptr});
  call.setLinkage(LLVM::Linkage::Internal);
  Block *entry = call.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  SmallVector<Value> args;
  for (auto [number, type] : llvm::enumerate(environment.getBody())) {
    Value at = LLVM::GEPOp::create(
        b, ptr, environment, entry->getArgument(0),
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
    args.push_back(LLVM::LoadOp::create(b, type, at));
  }
  Value scratch = entry->getArgument(2);
  args.append({entry->getArgument(1), scratch, scratch, constant(0),
               constant(scratchBytes), constant(1)});
  LLVM::CallOp::create(b, task, args);
  LLVM::ReturnOp::create(b, ValueRange());
  return call;
}

void EntryBuilder::defineLaunch(LLVM::LLVMFuncOp launch) {
  auto task = module.lookupSymbol<LLVM::LLVMFuncOp>(
      launch->getAttrOfType<FlatSymbolRefAttr>(taskAttr).getValue());
  int64_t scratchBytes =
      launch->getAttrOfType<IntegerAttr>(scratchAttr).getInt();
  // The task writes through one pointer to a buffer only: outputs and scratch
  // never overlap an input (the entry checks see to it), and a buffer that is
  // both read and written is captured once.
  for (unsigned i = 0; i < task.getNumArguments(); ++i)
    if (task.getArgument(i).getType() == ptr)
      task.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                      b.getUnitAttr());
  task.setLinkage(LLVM::Linkage::Internal);

  SmallVector<Type> fields(launch.getArgumentTypes().drop_front(2));
  auto environment =
      LLVM::LLVMStructType::getLiteral(module.getContext(), fields);
  LLVM::LLVMFuncOp call = defineTrampoline(task, environment, scratchBytes);
  LLVM::LLVMFuncOp parallelFor =
      declare("ladon_rt_parallel_for", none, {ptr, i64, i64, ptr, ptr});

  OpBuilder::InsertionGuard guard(b);
  launch.setLinkage(LLVM::Linkage::Internal);
  Block *entry = launch.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  Value env = LLVM::AllocaOp::create(b, ptr, environment, constant(1));
  for (auto [number, arg] :
       llvm::enumerate(entry->getArguments().drop_front(2))) {
    Value at = LLVM::GEPOp::create(
        b, ptr, environment, env,
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
    LLVM::StoreOp::create(b, arg, at);
  }
  Value body = LLVM::AddressOfOp::create(b, call);
  LLVM::CallOp::create(b, parallelFor,
                       ValueRange{entry->getArgument(0), entry->getArgument(1),
                                  constant(scratchBytes), body, env});
  LLVM::ReturnOp::create(b, ValueRange());
  launch->removeAttr(taskAttr);
  launch->removeAttr(scratchAttr);
}

/// `NAME.run(context, arguments)`: see ladon_program.run in kernel_abi.h.
void EntryBuilder::defineRun(LLVM::LLVMFuncOp entry, ArrayAttr ranks) {
  OpBuilder::InsertionGuard guard(b);
  auto run = declare((entry.getName() + ".run").str(), none, {ptr, ptr});
  Block *block = run.addEntryBlock(b);
  b.setInsertionPointToStart(block);
  SmallVector<Value> args = {block->getArgument(0)};
  for (auto [number, attr] : llvm::enumerate(ranks.getAsRange<IntegerAttr>())) {
    Value argument = field(ptr, block->getArgument(1), ptr, number);
    int64_t rank = attr.getInt();
    if (rank < 0) {
      args.push_back(LLVM::LoadOp::create(
          b, entry.getArgumentTypes()[args.size()], argument));
      continue;
    }
    args.push_back(field(ptr, argument, i64, 0));
    args.push_back(field(ptr, argument, i64, 1));
    for (int64_t word = 2; word < 3 + 2 * rank; ++word)
      args.push_back(field(i64, argument, i64, word));
  }
  // What the caller sees has been read; LLVM knows nothing of it.
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    entry.removeArgAttr(i, ladon::attn::AttnDialect::paramName);
  entry->removeAttr(ladon::attn::AttnDialect::sourceName);
  entry->removeAttr(ladon::attn::AttnDialect::settingsName);
  // The plain name is that of the exported entry point.
  entry.setSymName((entry.getName() + ".main").str());
  LLVM::CallOp::create(b, entry, args);
  LLVM::ReturnOp::create(b, ValueRange());
  entry.setLinkage(LLVM::Linkage::Internal);
  entry->removeAttr(ranksAttr);
}

/// Buffers of the entry function come from the runtime and end with the call.
void EntryBuilder::redirectAllocations(LLVM::LLVMFuncOp entry) {
  LLVM::LLVMFuncOp alloc = declare("ladon_rt_alloc", ptr, {ptr, i64});
  entry.walk([&](LLVM::CallOp call) {
    StringRef callee = call.getCallee().value_or("");
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(call);
    if (callee == "_mlir_memref_to_llvm_alloc" ||
        callee == "_mlir_memref_to_llvm_aligned_alloc") {
      // The runtime's memory is aligned to cache lines anyway.
      Value bytes = call.getArgOperands().back();
      auto replacement = LLVM::CallOp::create(
          b, alloc, ValueRange{entry.getArgument(0), bytes});
      call.replaceAllUsesWith(replacement.getResults());
      call.erase();
    } else if (callee == "_mlir_memref_to_llvm_free" ||
               callee == "_mlir_memref_to_llvm_aligned_free") {
      call.erase();
    }
  });
}

namespace {
struct EmitEntry : public ladon::cpu::impl::EmitEntryBase<EmitEntry> {
  void runOnOperation() override {
    EntryBuilder builder(getOperation());
    SmallVector<LLVM::LLVMFuncOp> functions(
        getOperation().getOps<LLVM::LLVMFuncOp>());
    for (LLVM::LLVMFuncOp func : functions) {
      if (func->hasAttr(taskAttr))
        builder.defineLaunch(func);
      if (auto ranks = func->getAttrOfType<ArrayAttr>(ranksAttr)) {
        builder.redirectAllocations(func);
        builder.defineRun(func, ranks);
      }
    }
    // Declarations of the allocator that nothing calls.
    for (StringRef name :
         {"_mlir_memref_to_llvm_alloc", "_mlir_memref_to_llvm_aligned_alloc",
          "_mlir_memref_to_llvm_free", "_mlir_memref_to_llvm_aligned_free"})
      if (auto func = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(name))
        func.erase();
  }
};
} // namespace
