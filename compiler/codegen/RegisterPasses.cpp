//===- RegisterPasses.cpp - Passes and pipelines by name ------------------===//

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/Passes.h"
#include "compiler/codegen/Pipelines.h"
#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/codegen/cpu/Passes.h"
#include "compiler/codegen/cpu/x86/Passes.h"
#include "compiler/codegen/cuda/Passes.h"
#include "compiler/codegen/halide/Passes.h"

using namespace mlir;
using namespace ladon;

namespace {
struct LevelOptions : public PassPipelineOptions<LevelOptions> {
  Option<std::string> level{
      *this, "cpu",
      llvm::cl::desc("level of the machine, as in --cpu of ladon build"),
      llvm::cl::init("x86-64-v3")};
};
} // namespace

/// A pipeline with the option `cpu`, which may be wrong.
static void registerForLevel(StringRef name, StringRef description,
                             llvm::Error (*build)(OpPassManager &, StringRef)) {
  registerPassPipeline(
      name, description,
      [build](OpPassManager &pm, StringRef text,
              function_ref<LogicalResult(const Twine &)> fail) {
        LevelOptions options;
        if (failed(options.parseFromString(text)))
          return failure();
        if (llvm::Error error = build(pm, options.level))
          return fail(llvm::toString(std::move(error)));
        return success();
      },
      [](function_ref<void(const mlir::detail::PassOptions &)> show) {
        show(LevelOptions());
      });
}

void ladon::registerCodegenPasses() {
  registerLadonCodegenPasses();
  cpu::registerLadonCpuPasses();
  cpu::registerLadonX86Passes();
  cuda::registerLadonCudaPasses();
  halide::registerLadonHalidePasses();
  PassPipelineRegistration<>("ladon-cpu-pipeline",
                             "From tiles to the LLVM dialect, for x86-64-v3",
                             [](OpPassManager &pm) {
                               auto target = createTargetOfLevel("x86-64-v3");
                               (*target)->buildVectorPipeline(pm);
                               (*target)->buildCodePipeline(pm);
                             });
  PassPipelineRegistration<>(
      "ladon-tensor-pipeline",
      "What attends on tensors get before one-shot bufferization",
      buildTensorPipeline);
  registerForLevel("ladon-loop-pipeline",
                   "From attends on memrefs to parallel loops in dialects of "
                   "MLIR, without Ladon's runtime",
                   buildLoopPipeline);
  PassPipelineRegistration<>("ladon-conversion-pipeline",
                             "From loops and vectors to the LLVM dialect",
                             cpu::buildConversionPipeline);
  registerForLevel("ladon-llvm-pipeline",
                   "From attends on tensors to the LLVM dialect, without "
                   "Ladon's runtime",
                   buildLlvmPipeline);
}
