//===- ladon-opt.cpp - Runs passes on a module ----------------------------===//

#include "compiler/codegen/Passes.h"
#include "compiler/support/Debug.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

static llvm::cl::list<std::string>
    debugOnly("debug-only", llvm::cl::CommaSeparated,
              llvm::cl::desc("Print what these passes of Ladon see and do"),
              llvm::cl::value_desc("pass,..."));

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  ladon::registerDialects(registry);
  // Upstream's passes too: a reproducer names those of the whole pipeline.
  mlir::registerAllPasses();
  ladon::registerPasses();
  ladon::registerCodegenPasses();
  debugOnly.setCallback([](const std::string &type) {
    static std::vector<std::string> types;
    types.push_back(type);
    ladon::setDebugTypes(types);
  });
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ladon pass runner\n", registry));
}
