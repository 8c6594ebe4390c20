//===- ladon-opt.cpp - Runs passes on a module ----------------------------===//

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cpu/x86/Passes.h"
#include "compiler/codegen/cuda/Passes.h"
#include "compiler/codegen/halide/Passes.h"
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
  ladon::cpu::registerLadonCpuPasses();
  ladon::cpu::registerLadonX86Passes();
  ladon::cuda::registerLadonCudaPasses();
  ladon::halide::registerLadonHalidePasses();
  debugOnly.setCallback([](const std::string &type) {
    static std::vector<std::string> types;
    types.push_back(type);
    ladon::setDebugTypes(types);
  });
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
