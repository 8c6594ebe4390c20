//===- Pipelines.cpp - For the programs of other compilers ----------------===//

#include "compiler/codegen/Pipelines.h"

#include "compiler/codegen/Backend.h"
#include "compiler/codegen/Passes.h"
#include "compiler/codegen/cpu/Codegen.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/Pipelines.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void ladon::buildTensorPipeline(OpPassManager &pm) {
  // Whose functions have no call of ours that could ask.
  buildFusePipeline(pm, /*checksIndices=*/false);
  buildStoredOperandsPipeline(pm);
  pm.addNestedPass<func::FuncOp>(createExpandRandom());
}

llvm::Error ladon::buildLoopPipeline(OpPassManager &pm, StringRef level) {
  auto target = createTargetOfLevel(level);
  if (!target)
    return target.takeError();
  (*target)->buildBufferPipeline(pm);
  pm.addNestedPass<func::FuncOp>(createChooseTiles({level.str()}));
  return (*target)->buildLoopPipeline(pm);
}

llvm::Error ladon::buildLlvmPipeline(OpPassManager &pm, StringRef level) {
  buildTensorPipeline(pm);
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (llvm::Error error = buildLoopPipeline(pm, level))
    return error;
  bufferization::buildBufferDeallocationPipeline(
      pm, bufferization::BufferDeallocationPipelineOptions());
  cpu::buildConversionPipeline(pm);
  return llvm::Error::success();
}
