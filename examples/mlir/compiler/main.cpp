//===- main.cpp - A compiler that emits attn.attend -----------------------===//
//
// Prints, in the LLVM dialect, a function of queries, keys and values
// [2, 4, position, 32] that attends causally; with --attn what it emitted.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Pipelines.h"
#include "compiler/transforms/InitLadon.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

/// func.func @causal(%q, %k, %v) -> out, with as many queries as keys.
static void emitCausal(ModuleOp module) {
  auto b = ImplicitLocOpBuilder::atBlockEnd(module.getLoc(), module.getBody());
  auto type =
      RankedTensorType::get({2, 4, ShapedType::kDynamic, 32}, b.getF32Type());
  auto function = func::FuncOp::create(
      b, "causal", b.getFunctionType({type, type, type}, {type}));
  b.setInsertionPointToStart(function.addEntryBlock());
  Value q = function.getArgument(0), k = function.getArgument(1),
        v = function.getArgument(2);

  Value positions = tensor::DimOp::create(b, q, 2);
  Value out = tensor::EmptyOp::create(b, type, ValueRange{positions});
  auto attend = ladon::attn::AttendOp::create(b, q, k, v, /*captures=*/{}, out,
                                              /*scale=*/0.1767766952966369);
  {
    // The mask: is key j visible to query i?
    OpBuilder::InsertionGuard guard(b);
    Block *mask = attend.createBody(b, attend.getMask());
    b.setInsertionPointToEnd(mask);
    Value i = mask->getArgument(2), j = mask->getArgument(3);
    Value visible = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, j, i);
    ladon::attn::YieldOp::create(b, visible);
  }
  func::ReturnOp::create(b, attend.getResults());
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  ladon::registerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();

  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  emitCausal(*module);
  if (failed(verify(*module)))
    return 1;
  if (argc < 2 || StringRef(argv[1]) != "--attn") {
    PassManager pm(&context);
    if (llvm::Error error = ladon::buildLlvmPipeline(pm, "x86-64-v3")) {
      llvm::errs() << llvm::toString(std::move(error)) << "\n";
      return 1;
    }
    if (failed(pm.run(*module)))
      return 1;
  }
  module->print(llvm::outs());
  return 0;
}
