//===- ladon-opt.cpp - Runs passes on a module ----------------------------===//

#include "compiler/codegen/cpu/Passes.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  ladon::registerDialects(registry);
  ladon::registerPasses();
  ladon::cpu::registerLadonCpuPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ladon pass runner\n", registry));
}
