//===- module_fuzzer.cpp - Any text as a module ---------------------------===//
//
// Modules with Ladon's dialects are parsed and verified; what is valid prints
// as a text that is valid.
//
//===----------------------------------------------------------------------===//

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>

using namespace mlir;

/// The allocators of MLIR's shared libraries do not say what they hand out,
/// those that are compiled here from its headers would take it to be poisoned.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}

static MLIRContext *makeContext() {
  DialectRegistry registry;
  registry
      .insert<ladon::attn::AttnDialect, ladon::tile::TileDialect,
              ladon::cpu::CpuDialect, arith::ArithDialect, func::FuncDialect,
              memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect>();
  auto *context = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Types and attributes stay in a context for ever: a new one now and then.
  static MLIRContext *context = nullptr;
  static int runs = 0;
  if (!context || ++runs % 4096 == 0) {
    delete context;
    context = makeContext();
  }
  ScopedDiagnosticHandler silence(context,
                                  [](Diagnostic &) { return success(); });
  // The lexer reads up to a zero behind the text.
  std::string text(reinterpret_cast<const char *>(data), size);
  auto module = parseSourceString<ModuleOp>(text, context, "fuzzed.mlir");
  if (!module)
    return 0;
  std::string printed;
  llvm::raw_string_ostream os(printed);
  module->print(os);
  if (!parseSourceString<ModuleOp>(printed, context, "printed.mlir")) {
    llvm::errs() << "the print is refused\n" << printed;
    std::abort();
  }
  return 0;
}
