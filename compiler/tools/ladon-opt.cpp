//===- ladon-opt.cpp - Runs passes on a module ----------------------------===//

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/transforms/InitLadon.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  ladon::registerDialects(registry);
  // Upstream's passes too: a reproducer names those of the whole pipeline.
  mlir::registerAllPasses();
  ladon::registerPasses();
  ladon::cpu::registerLadonCpuPasses();
  mlir::PassPipelineRegistration<>(
      "ladon-cpu-pipeline", "From tiles to the LLVM dialect, for x86-64-v3",
      [](mlir::OpPassManager &pm) {
        auto target = ladon::findBackend("cpu")->createTarget("x86-64-v3");
        (*target)->buildVectorPipeline(pm);
        (*target)->buildCodePipeline(pm);
      });
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ladon pass runner\n", registry));
}
