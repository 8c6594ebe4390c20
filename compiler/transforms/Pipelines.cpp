//===- Pipelines.cpp - The stages of the compiler -------------------------===//

#include "compiler/transforms/Pipelines.h"

#include "compiler/transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void ladon::buildFusePipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createVerifyExtents());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseHeads());
  pm.addNestedPass<func::FuncOp>(createCanonicalizeMasks());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ladon::buildBufferizePipeline(OpPassManager &pm) {
  pm.addPass(createBufferizeAttention());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void ladon::buildAttnPipeline(OpPassManager &pm) {
  buildFusePipeline(pm);
  buildBufferizePipeline(pm);
}

void ladon::buildTilePipeline(OpPassManager &pm, int64_t queryTile,
                              int64_t keyTile) {
  TileAttentionOptions options;
  options.queryTile = queryTile;
  options.keyTile = keyTile;
  options.fewQueries = 8;
  pm.addNestedPass<func::FuncOp>(createTileAttention(options));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createClassifyBlocks());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
