//===- Pipelines.cpp - The stages of the compiler -------------------------===//

#include "compiler/transforms/Pipelines.h"

#include "compiler/transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void ladon::buildFusePipeline(OpPassManager &pm, bool checksIndices) {
  pm.addNestedPass<func::FuncOp>(createVerifyExtents());
  if (checksIndices)
    pm.addNestedPass<func::FuncOp>(createCheckIndices());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseHeads());
  pm.addNestedPass<func::FuncOp>(createCanonicalizeMasks());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ladon::buildStoredOperandsPipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createFuseHeadSums());
  pm.addNestedPass<func::FuncOp>(createFuseScales());
  pm.addNestedPass<func::FuncOp>(createFuseWeights());
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ladon::buildBufferizePipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createExpandRandom());
  pm.addPass(createBufferizeAttention());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ladon::buildAttnPipeline(OpPassManager &pm) {
  buildFusePipeline(pm, /*checksIndices=*/true);
  buildBufferizePipeline(pm);
}

void ladon::buildTilePipeline(OpPassManager &pm, bool onDevice) {
  pm.addNestedPass<func::FuncOp>(createTileAppends({onDevice}));
  pm.addNestedPass<func::FuncOp>(createTileAttention());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createClassifyBlocks());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
